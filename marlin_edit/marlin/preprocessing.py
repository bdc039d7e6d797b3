"""The trained video format: from frames as they are displayed to patches, and the time stamp of each pair of frames.

The numbers equal those of transformers' `Qwen3VLVideoProcessor` (transformers 5.23) given `longest_edge` = frames x
pixels a frame. Everything works group by group: a window's frames are never held at full size all at once.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from fractions import Fraction

import torch
from torch import Tensor
from torch.nn import functional

from marlin_edit.errors import MarlinEditError
from marlin_edit.marlin.profile import PatchLayout, Profile

_LARGEST_ASPECT = 200


def target_size(
    height: int, width: int, frames: int, profile: Profile, layout: PatchLayout | None = None
) -> tuple[int, int]:
    """Height and width that a clip's frames are resized to, from their displayed size (square pixels, upright).

    `frames` is the whole window's count. Both are multiples of patch x merge; the aspect is kept as nearly as that
    allows. Raises MarlinEditError for a picture more than 200 times as long as it is wide.
    """
    layout = layout or PatchLayout()
    factor = layout.factor
    if height < 1 or width < 1 or frames < 1:
        raise MarlinEditError(f"There is no picture to look at: {frames} frames of {width} x {height}.")
    if height < factor or width < factor:
        scale = max(factor / height, factor / width)
        height, width = int(height * scale), int(width * scale)
    if max(height, width) > _LARGEST_ASPECT * min(height, width):
        raise MarlinEditError(f"The model cannot look at a picture of {width} x {height}: it is too narrow.")
    most = profile.pixels_per_frame * frames
    # Rounded half to even, as the model's own processor does.
    paired = round(frames / layout.temporal) * layout.temporal
    target_height, target_width = round(height / factor) * factor, round(width / factor) * factor
    pixels = paired * target_height * target_width
    if pixels > most:
        shrink = math.sqrt((frames * height * width) / most)
        target_height = max(factor, math.floor(height / shrink / factor) * factor)
        target_width = max(factor, math.floor(width / shrink / factor) * factor)
    elif pixels < profile.smallest_pixels:
        enlarge = math.sqrt(profile.smallest_pixels / (frames * height * width))
        target_height = math.ceil(height * enlarge / factor) * factor
        target_width = math.ceil(width * enlarge / factor) * factor
    return target_height, target_width


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


def stamps(times: Sequence[Fraction], layout: PatchLayout | None = None) -> list[str]:
    """The time written before each pair of frames: the mean of its first and last frame, in tenths of a second.

    `times` count from the window's start. An incomplete last pair repeats its last time.
    """
    step = (layout or PatchLayout()).temporal
    written = []
    for first in range(0, len(times), step):
        pair = times[first : first + step]
        last = pair[-1]
        written.append(f"{float((pair[0] + last) / 2):.1f}")
    return written
