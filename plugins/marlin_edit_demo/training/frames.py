"""Training pictures: clips of 30 s as the model samples them, two frames a second at the size of its pixel grid.

A shelf is a set of such clips of one grid size, kept as arrays on disk. They are rendered at twice the grid's size and
reduced as real frames are.
"""

from __future__ import annotations

import random
from collections.abc import Sequence
from dataclasses import dataclass
from fractions import Fraction
from multiprocessing import get_context
from pathlib import Path
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor
from torch.nn import functional

from marlin_edit_demo.training.checkpoint import say
from marlin_edit_demo.world import KINDS, PATTERNS, TONES, Background, Painter, WorldSettings, make_clip

FRAMES = 60
HELD_OUT_SEED = 800_001
SCENES = len(PATTERNS) * len(TONES)


@dataclass(frozen=True)
class Grid:
    """A picture size in pixels (multiples of 32) and the shapes of source pictures that are reduced to it."""

    height: int
    width: int
    sources: tuple[tuple[int, int], ...]

    @property
    def name(self) -> str:
        """The shape's name."""
        return f"{self.height}x{self.width}"

    @property
    def patches(self) -> tuple[int, int, int]:
        """The grid of one pair of frames, in patches: time, height, width."""
        return 1, self.height // 16, self.width // 16

    @property
    def tokens(self) -> int:
        """Video tokens of a pair of frames."""
        return self.height * self.width // 1024


GRIDS = (
    Grid(64, 96, ((640, 360), (640, 360), (640, 360), (640, 480))),
    Grid(64, 64, ((360, 360),)),
    Grid(96, 64, ((360, 640),)),
    Grid(64, 128, ((720, 360),)),
)


@dataclass(frozen=True)
class Shelf:
    """`frames` are clips x 60 x RGB x rows x columns; `shown` is clips x 60 x 24 kinds; `cells` is clips x 60 x
    patches, in the model's order, with the kind that covers each; `scene` is a number per clip."""

    grid: Grid
    frames: NDArray[np.uint8]
    shown: NDArray[np.bool_]
    cells: NDArray[np.uint8]
    scene: NDArray[np.int64]


def scene_number(background: Background) -> int:
    """The number of a background's description."""
    return PATTERNS.index(background.pattern) * len(TONES) + TONES.index(background.tone)


def _render(job: tuple[Grid, int]) -> tuple[NDArray[np.uint8], NDArray[np.bool_], NDArray[np.uint8], int]:
    grid, seed = job
    torch.set_num_threads(1)
    chance = random.Random(seed)
    width, height = chance.choice(grid.sources)
    settings = WorldSettings(
        width=width, height=height, rate=Fraction(30), length=Fraction(FRAMES, 2), repeats=chance.random() < 0.2
    )
    clip = make_clip(seed, settings)
    painter = Painter(clip, grid.width * 2, grid.height * 2)
    # The frame shown at an instant began up to a frame's length before it.
    lag = Fraction(chance.randint(0, 41), 1000)
    times = [max(Fraction(0), Fraction(index, 2) - lag) for index in range(FRAMES)]
    large = torch.from_numpy(np.stack([painter.frame(time) for time in times])).permute(0, 3, 1, 2)
    small = functional.interpolate(large, (grid.height, grid.width), mode="bicubic", antialias=True)
    shown = np.zeros((FRAMES, len(KINDS)), dtype=np.bool_)
    for index, time in enumerate(times):
        for event in clip.seen_at(time):
            shown[index, KINDS.index(event.shape)] = True
    _, rows, columns = grid.patches
    cells = np.stack([painter.kinds_at(time, rows, columns) for time in times])
    blocks = cells.reshape(FRAMES, rows // 2, 2, columns // 2, 2).transpose(0, 1, 3, 2, 4).reshape(FRAMES, -1)
    return small.contiguous().numpy(), shown, blocks, scene_number(clip.background)


def make_shelf(folder: Path, grid: Grid, seeds: Sequence[int], workers: int) -> Shelf:
    """The shelf of these seeds, rendered once and then read from `folder`."""
    name = f"{grid.name}-{seeds[0]}-{len(seeds)}"
    paths = [folder / f"{name}.{part}.npy" for part in ("frames", "shown", "cells", "scene")]
    if not all(path.exists() for path in paths):
        say(f"rendering {len(seeds)} clips of {grid.name}")
        folder.mkdir(parents=True, exist_ok=True)
        frames = np.empty((len(seeds), FRAMES, 3, grid.height, grid.width), dtype=np.uint8)
        shown = np.empty((len(seeds), FRAMES, len(KINDS)), dtype=np.bool_)
        cells = np.empty((len(seeds), FRAMES, grid.tokens * 4), dtype=np.uint8)
        scene = np.empty(len(seeds), dtype=np.int64)
        with get_context("spawn").Pool(workers) as pool:
            jobs = [(grid, seed) for seed in seeds]
            for index, made in enumerate(pool.imap(_render, jobs, chunksize=8)):
                frames[index], shown[index], cells[index], scene[index] = made
        arrays: tuple[NDArray[Any], ...] = (frames, shown, cells, scene)
        for path, array in zip(paths, arrays, strict=True):
            np.save(path, array)
    return Shelf(grid, np.load(paths[0]), np.load(paths[1]), np.load(paths[2]), np.load(paths[3]))


def open_shelves(folder: Path, clips: int, workers: int = 1) -> tuple[list[Shelf], Shelf]:
    """The training shelves, the most usual grid first, and one of clips that no training sees."""
    shelves = []
    for index, grid in enumerate(GRIDS):
        count = clips if index == 0 else max(4, clips // 8)
        seeds = range(1 + index * 100_000, 1 + index * 100_000 + count)
        shelves.append(make_shelf(folder / "shelves", grid, seeds, workers))
    held_out = make_shelf(folder / "shelves", GRIDS[0], range(HELD_OUT_SEED, HELD_OUT_SEED + 80), workers)
    return shelves, held_out


def to_patches(first: Tensor, second: Tensor) -> Tensor:
    """Pairs of frames (of any type, pairs x RGB x rows x columns) as pairs x patches x 1536, in the model's order."""
    pairs, _, rows, columns = first.shape
    stacked = torch.stack([first, second], dim=1).float()
    stacked = (stacked - 127.5) / 127.5
    blocks = stacked.view(pairs, 2, 3, rows // 32, 2, 16, columns // 32, 2, 16)
    return blocks.permute(0, 3, 6, 4, 7, 2, 1, 5, 8).reshape(pairs, rows * columns // 256, 1536)
