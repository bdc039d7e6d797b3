"""The trained video format: from frames as they are displayed to patches.

The numbers equal those of transformers' `Qwen3VLVideoProcessor` (transformers 5.23) given `longest_edge` = frames x
pixels a frame. Everything works group by group: a window's frames are never held at full size all at once.
"""

from __future__ import annotations

import torch
from torch import Tensor
from torch.nn import functional

from marlin_edit.sampling import PatchLayout


def resized(frames: Tensor, size: tuple[int, int]) -> Tensor:
    """Frames uint8 [n, 3, H, W] at another height and width: bicubic, antialiased, in whole steps of uint8."""
    if tuple(frames.shape[-2:]) == size:
        return frames
    return functional.interpolate(frames, size=list(size), mode="bicubic", antialias=True)


def patches(frames: Tensor, layout: PatchLayout | None = None) -> tuple[Tensor, tuple[int, int, int]]:
    """Resized frames uint8 [n, 3, h, w] as the vision tower takes them, and the grid (time, height, width) in patches.

    Gives float32 [t * gh * gw, 3 * temporal * patch * patch] in -1..1. An incomplete last pair repeats its last frame.
    Pairs are independent: groups with an even number of frames, each patched by itself, make the same rows.
    """
    layout = layout or PatchLayout()
    missing = -frames.shape[0] % layout.temporal
    if missing:
        frames = torch.cat((frames, frames[-1:].expand(missing, -1, -1, -1)))
    count, channels, height, width = frames.shape
    grid_t, grid_h, grid_w = count // layout.temporal, height // layout.patch, width // layout.patch
    values = (frames.to(torch.float32) - 127.5) / 127.5
    blocks = values.reshape(
        grid_t,
        layout.temporal,
        channels,
        grid_h // layout.merge,
        layout.merge,
        layout.patch,
        grid_w // layout.merge,
        layout.merge,
        layout.patch,
    ).permute(0, 3, 6, 4, 7, 2, 1, 5, 8)
    rows = blocks.reshape(grid_t * grid_h * grid_w, channels * layout.temporal * layout.patch * layout.patch)
    return rows, (grid_t, grid_h, grid_w)
