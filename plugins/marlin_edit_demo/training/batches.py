"""Training batches: windows of one length and grid, several find questions and the caption after each."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
import torch
from torch import Tensor

from marlin_edit_demo.training.model_config import PROFILE
from marlin_edit_demo.training.questions import CAPTION_QUESTION
from marlin_edit_demo.training.windows import Library, Window, draw_question, draw_window, end_pair, marks, start_pair

if TYPE_CHECKING:
    from transformers import PreTrainedTokenizerFast

NOWHERE = -1


@dataclass(frozen=True)
class Asked:
    """Questions with their answers, clips x questions x tokens, padded on the right.

    `wanted` is the token that should follow, or -100. `weight` is what it counts. `pointed` is the pair of frames to
    look at for it, or -1. `recalled` is the pair to look at before that, where an event's end or kind is to be said and
    its start is: the pair of its start, or -1. `kind` is the kind that the answer speaks of, or -1.
    """

    tokens: Tensor
    wanted: Tensor
    weight: Tensor
    pointed: Tensor
    recalled: Tensor
    kind: Tensor


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
        """The id of a token."""
        return int(self.tokenizer.convert_tokens_to_ids(token))  # type: ignore[arg-type]

    def encode(self, text: str) -> list[int]:
        """The token ids of a text."""
        if text not in self._known:
            if len(self._known) > 50_000:
                self._known.clear()
            self._known[text] = self.tokenizer(text, add_special_tokens=False).input_ids
        return self._known[text]

    def prefix(self, stamps: tuple[str, ...], tokens_per_pair: int) -> list[int]:
        """The token ids of a window's frames and stamps."""
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


@dataclass(frozen=True)
class Row:
    """A question with its answer, which begins at `answer_at`. The other tables are by the place of the said token."""

    tokens: list[int]
    answer_at: int
    pointed: dict[int, int]
    recalled: dict[int, int]
    kinds: dict[int, int]


def find_row(writer: Writer, window: Window, question: str, kind: int) -> Row:
    """A training row of a query."""
    asked = writer.encode(question) + writer.turn
    answer = [*writer.encode(window.found(kind)), writer.stop]
    seen = window.first_of(kind)
    start, end = (len(asked) + place for place, token in enumerate(answer) if writer.is_number[token])
    kinds = dict.fromkeys(range(len(asked), len(asked) + len(answer)), kind)
    return Row(asked + answer, len(asked), {start: start_pair(seen), end: end_pair(seen, window)}, {}, kinds)


def caption_row(writer: Writer, window: Window) -> Row:
    """A training row of a caption."""
    asked = writer.encode(CAPTION_QUESTION) + writer.turn
    answer = [*writer.encode(window.caption()), writer.stop]
    numbers = [len(asked) + place for place, token in enumerate(answer) if writer.is_number[token]]
    row = Row(asked + answer, len(asked), {}, {}, {})
    for seen, start, end in zip(window.seen, numbers[0::2], numbers[1::2], strict=True):
        row.pointed[start], row.pointed[end] = start_pair(seen), end_pair(seen, window)
        # After the end come ">", " A", the colour and the form.
        for place in (end, end + 3, end + 4):
            row.recalled[place] = start_pair(seen)
            row.kinds[place] = seen.kind
        row.pointed[end + 3] = row.pointed[end + 4] = start_pair(seen)
    return row


def stack_rows(writer: Writer, rows: list[list[Row]]) -> Asked:
    """The rows of a batch, padded to one length."""
    clips, count = len(rows), len(rows[0])
    shape = clips, count, max(len(row.tokens) for line in rows for row in line)
    tokens = torch.full(shape, writer.stop)
    wanted = torch.full(shape, -100)
    pointed, recalled, kinds = (torch.full(shape, NOWHERE) for _ in range(3))
    for clip, line in enumerate(rows):
        for place, row in enumerate(line):
            written = torch.tensor(row.tokens)
            tokens[clip, place, : len(written)] = written
            wanted[clip, place, row.answer_at - 1 : len(written) - 1] = written[row.answer_at :]
            for table, values in ((pointed, row.pointed), (recalled, row.recalled), (kinds, row.kinds)):
                for at, value in values.items():
                    table[clip, place, at - 1] = value
    matters = writer.is_number[wanted.clamp(min=0)] & (wanted >= 0) | (pointed != NOWHERE)
    weight = torch.where(matters, 1.0, 0.2) * (wanted >= 0)
    return Asked(tokens, wanted, weight, pointed, recalled, kinds)


def make_batch(
    writer: Writer, library: Library, pairs: int, clips: int, questions: int, chance: np.random.Generator
) -> tuple[Batch, list[Window]]:
    """A batch of windows with their questions."""
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
