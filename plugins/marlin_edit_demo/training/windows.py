"""Training windows for the answers: parts of 2 to 30 s of clips whose pictures the tower has already seen.

A pair of frames is seen without its neighbours, so a clip's merged tokens are worked out once, and any part of it
is a window.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from fractions import Fraction
from pathlib import Path

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from marlin_edit_demo.training.batched_model import BatchedVision
from marlin_edit_demo.training.frames import FRAMES, Grid, Shelf, to_patches
from marlin_edit_demo.training.questions import (
    CAPTION_QUESTION,
    Seen,
    answer_times,
    caption_answer,
    find_answer,
    find_question,
    runs,
)
from marlin_edit_demo.training.vision_stage import disturb
from marlin_edit_demo.world import KINDS, PATTERN_WORDS, PATTERNS, TONES, WORDINGS

PAIRS = FRAMES // 2
ENDINGS = 8


@dataclass(frozen=True)
class Library:
    """Merged tokens of a shelf's clips: `pairs` is clips x 30 x tokens x hidden.

    `endings` are pairs that show their first frame twice, as the last pair of an odd number of frames does, for the
    eight pairs in `ending_places`.
    """

    grid: Grid
    pairs: Tensor
    endings: Tensor
    ending_places: NDArray[np.int64]
    shown: NDArray[np.bool_]
    scene: NDArray[np.int64]


def read_shelf(shelf: Shelf, tower: BatchedVision, path: Path, fresh: bool, say: Callable[[str], None]) -> Library:
    """The shelf through the tower, kept in `path`; `fresh`: half of the clips are disturbed as in the first stage."""
    chance = np.random.default_rng(len(shelf.scene))
    count = len(shelf.scene)
    places = np.stack([chance.permutation(PAIRS)[:ENDINGS] for _ in range(count)])
    if path.exists():
        kept = torch.load(path)
        return Library(shelf.grid, kept["pairs"], kept["endings"], places, shelf.shown, shelf.scene)
    say(f"the tower looks at {count} clips of {shelf.grid.name}")
    pairs, endings = [], []
    with torch.inference_mode():
        for index in range(count):
            frames = torch.from_numpy(np.array(shelf.frames[index]))
            once = frames[torch.from_numpy(places[index]) * 2]
            first, second = torch.cat([frames[0::2], once]), torch.cat([frames[1::2], once])
            if fresh and index % 2:
                first, second = disturb(first, second)
            seen = tower(to_patches(first, second), shelf.grid.patches).half()
            pairs.append(seen[:PAIRS])
            endings.append(seen[PAIRS:])
    stacked = {"pairs": torch.stack(pairs), "endings": torch.stack(endings)}
    path.parent.mkdir(parents=True, exist_ok=True)
    torch.save(stacked, path)
    return Library(shelf.grid, stacked["pairs"], stacked["endings"], places, shelf.shown, shelf.scene)


@dataclass(frozen=True)
class Window:
    """A part of a clip as the model meets it: merged tokens, the stamps, and what is shown in each sampled frame."""

    merged: Tensor
    stamps: tuple[str, ...]
    shown: NDArray[np.bool_]
    seen: tuple[Seen, ...]
    scene: int

    @property
    def instants(self) -> list[Fraction]:
        """The instants that are shown, in seconds."""
        return [Fraction(index, 2) for index in range(len(self.shown))]

    def caption(self) -> str:
        """The caption that the model should write."""
        events = [(*answer_times(one, self.instants), KINDS[one.kind]) for one in self.seen]
        pattern, tone = PATTERNS[self.scene // len(TONES)], TONES[self.scene % len(TONES)]
        return caption_answer(f"Coloured shapes move in front of {PATTERN_WORDS[pattern].format(tone=tone)}.", events)

    def first_of(self, kind: int) -> Seen:
        """The first shape of this kind."""
        return next(one for one in self.seen if one.kind == kind)

    def found(self, kind: int) -> str:
        """The answer that the model should give."""
        return find_answer(*answer_times(self.first_of(kind), self.instants))


def draw_window(library: Library, pairs: int, chance: np.random.Generator) -> Window:
    """A window of so many pairs in which something is shown; one in two has an odd number of frames."""
    while True:
        clip = int(chance.integers(len(library.scene)))
        odd = chance.random() < 0.5
        if odd:
            which = int(chance.integers(ENDINGS))
            begin = int(library.ending_places[clip, which]) - pairs + 1
            if begin < 0:
                odd = pairs != PAIRS
                if odd:
                    continue
                begin = 0
        else:
            begin = int(chance.integers(0, PAIRS - pairs + 1))
        frames = 2 * pairs - (1 if odd else 0)
        shown = library.shown[clip, 2 * begin : 2 * begin + frames]
        if not shown.any():
            continue
        merged = library.pairs[clip, begin : begin + pairs]
        if odd:
            merged = torch.cat([merged[:-1], library.endings[clip, which][None]])
        # The frame shown at an instant began a little before it; now and then by more, as at low frame rates.
        lag = chance.uniform(0.0, 0.042) if chance.random() < 0.85 else chance.uniform(-0.02, 0.12)
        means = [max(0.0, index + 0.25 - lag) for index in range(pairs)]
        if odd:
            means[-1] = max(0.0, pairs - 1 - lag)
        seen = [one for kind in np.flatnonzero(shown.any(0)) for one in runs(int(kind), shown[:, kind].tolist())]
        stamps = tuple(f"<{mean:.1f} seconds>" for mean in means)
        return Window(merged, stamps, shown, tuple(sorted(seen)), int(library.scene[clip]))


def marks(window: Window) -> Tensor:
    """What the middle of the text model is asked to know at each pair: pairs x 8 x 24, for both frames of the pair in
    turn: present, just appeared, appeared for the first time, just gone."""
    shown = window.shown
    if len(shown) % 2:
        shown = np.concatenate([shown, shown[-1:]])
    before = np.concatenate([np.zeros_like(shown[:1]), shown[:-1]])
    appeared = shown & ~before
    ever_before = np.concatenate([np.zeros_like(shown[:1]), np.logical_or.accumulate(shown, axis=0)[:-1]])
    said = np.stack([shown, appeared, shown & ~ever_before, before & ~shown], axis=1)
    return torch.from_numpy(said.reshape(len(shown) // 2, 8, len(KINDS))).float()


def draw_question(window: Window, chance: np.random.Generator) -> tuple[str, int]:
    """A find question about a kind that is shown, and the kind."""
    kind = window.seen[int(chance.integers(len(window.seen)))].kind
    event = WORDINGS[int(chance.integers(len(WORDINGS)))].format(KINDS[kind].words)
    return find_question(event), kind


def start_pair(seen: Seen) -> int:
    """The pair whose frames show the start."""
    return seen.first // 2


def end_pair(seen: Seen, window: Window) -> int:
    """The pair whose frames show that it has gone; the last one if it never goes."""
    return min((seen.last + 1) // 2, len(window.stamps) - 1)


__all__ = [
    "CAPTION_QUESTION",
    "PAIRS",
    "Library",
    "Window",
    "draw_question",
    "draw_window",
    "end_pair",
    "marks",
    "read_shelf",
    "start_pair",
]
