"""Training batches: windows of one length and grid, several find questions and the caption after each."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
import torch
from torch import Tensor

from .model import PROFILE
from .questions import CAPTION_QUESTION
from .windows import Library, Window, draw_question, draw_window, end_pair, marks, start_pair

if TYPE_CHECKING:
    from transformers import PreTrainedTokenizerFast

NOWHERE = -1


@dataclass(frozen=True)
class Asked:
    """Questions with their answers, clips x questions x tokens, padded on the right.

    `wanted` is the token that should follow, or -100. `weight` is what it counts. `pointed` is the pair of frames to
    look at for it, or -1.
    """

    tokens: Tensor
    wanted: Tensor
    weight: Tensor
    pointed: Tensor


@dataclass(frozen=True)
class Batch:
    """`tokens` are the video prefix's, clips x tokens; `merged` what stands in for its video pads."""

    tokens: Tensor
    merged: Tensor
    pair_ends: Tensor
    positions: Tensor
    next_position: int
    marks: Tensor
    finds: Asked
    captions: Asked


class Writer:
    """Turns windows into tokens, with the demo model's own tokenizer."""

    def __init__(self, tokenizer: PreTrainedTokenizerFast) -> None:
        self.tokenizer = tokenizer
        self._known: dict[str, list[int]] = {}
        self.open_prompt = self.encode("<|im_start|>user\n")
        self.turn = self.encode("<|im_end|>\n<|im_start|>assistant\n" + PROFILE["answer_prefix"])
        self.start, self.end, self.pad, self.stop = (
            self.number(f"<|{name}|>") for name in ("vision_start", "vision_end", "video_pad", "im_end")
        )
        self.is_number = torch.zeros(len(tokenizer), dtype=torch.bool)
        for tenths in range(321):
            self.is_number[self.number(f"{tenths // 10}.{tenths % 10}")] = True

    def number(self, token: str) -> int:
        return int(self.tokenizer.convert_tokens_to_ids(token))  # type: ignore[arg-type]

    def encode(self, text: str) -> list[int]:
        if text not in self._known:
            if len(self._known) > 50_000:
                self._known.clear()
            self._known[text] = self.tokenizer(text, add_special_tokens=False).input_ids
        return self._known[text]

    def prefix(self, stamps: tuple[str, ...], tokens_per_pair: int) -> list[int]:
        tokens = list(self.open_prompt)
        for stamp in stamps:
            tokens += [*self.encode(stamp), self.start, *[self.pad] * tokens_per_pair, self.end]
        return tokens

    def positions(self, pairs: int, rows: int, columns: int) -> tuple[Tensor, int]:
        """Rotary positions of a prefix (3 x 1 x tokens) for merged grids of rows x columns, and the next one."""
        row = torch.arange(rows * columns) // columns
        column = torch.arange(rows * columns) % columns
        vision = torch.stack([torch.zeros_like(row), row, column])
        parts = [torch.arange(len(self.open_prompt)).expand(3, -1)]
        place = len(self.open_prompt)
        for _ in range(pairs):
            parts.append(torch.arange(place, place + 2).expand(3, -1))
            parts.append(vision + place + 2)
            place += 2 + max(rows, columns)
            parts.append(torch.full((3, 1), place))
            place += 1
        return torch.cat(parts, dim=1)[:, None], place


def find_row(writer: Writer, window: Window, question: str, kind: int) -> tuple[list[int], int, dict[int, int]]:
    """Tokens, where the answer begins, and the pair to look at when the token at a place is to be told."""
    asked = writer.encode(question) + writer.turn
    answer = [*writer.encode(window.found(kind)), writer.stop]
    seen = window.first_of(kind)
    numbers = [len(asked) + place for place, token in enumerate(answer) if writer.is_number[token]]
    return asked + answer, len(asked), {numbers[0]: start_pair(seen), numbers[1]: end_pair(seen, window)}


def caption_row(writer: Writer, window: Window) -> tuple[list[int], int, dict[int, int]]:
    asked = writer.encode(CAPTION_QUESTION) + writer.turn
    answer = [*writer.encode(window.caption()), writer.stop]
    numbers = [len(asked) + place for place, token in enumerate(answer) if writer.is_number[token]]
    pointed = {}
    for seen, start, end in zip(window.seen, numbers[0::2], numbers[1::2], strict=True):
        pointed[start], pointed[end] = start_pair(seen), end_pair(seen, window)
        # After the end come ">", " A", the colour and the form.
        pointed[end + 3] = pointed[end + 4] = start_pair(seen)
    return asked + answer, len(asked), pointed


def stack_rows(writer: Writer, rows: list[list[tuple[list[int], int, dict[int, int]]]]) -> Asked:
    clips, count = len(rows), len(rows[0])
    longest = max(len(tokens) for row in rows for tokens, _, _ in row)
    tokens = torch.full((clips, count, longest), writer.stop)
    wanted = torch.full((clips, count, longest), -100)
    pointed = torch.full((clips, count, longest), NOWHERE)
    for clip, row in enumerate(rows):
        for place, (written, answer_at, points) in enumerate(row):
            line = torch.tensor(written)
            tokens[clip, place, : len(written)] = line
            wanted[clip, place, answer_at - 1 : len(written) - 1] = line[answer_at:]
            for at, pair in points.items():
                pointed[clip, place, at - 1] = pair
    matters = writer.is_number[wanted.clamp(min=0)] & (wanted >= 0) | (pointed != NOWHERE)
    weight = torch.where(matters, 1.0, 0.2) * (wanted >= 0)
    return Asked(tokens, wanted, weight, pointed)


def make_batch(
    writer: Writer, library: Library, pairs: int, clips: int, questions: int, chance: np.random.Generator
) -> tuple[Batch, list[Window]]:
    windows = [draw_window(library, pairs, chance) for _ in range(clips)]
    grid = library.grid
    finds = []
    for window in windows:
        drawn = [draw_question(window, chance) for _ in range(questions)]
        finds.append([find_row(writer, window, question, kind) for question, kind in drawn])
    tokens = torch.tensor([writer.prefix(window.stamps, grid.tokens) for window in windows])
    positions, following = writer.positions(pairs, grid.height // 32, grid.width // 32)
    batch = Batch(
        tokens,
        torch.stack([window.merged for window in windows]).float().flatten(1, 2),
        tokens[0].eq(writer.end).nonzero()[:, 0],
        positions,
        following,
        torch.stack([marks(window) for window in windows]),
        stack_rows(writer, finds),
        stack_rows(writer, [[caption_row(writer, window)] for window in windows]),
    )
    return batch, windows
