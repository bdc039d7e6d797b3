"""Decoded frames to RGB, upright: one conversion, whichever decoder is used.

- Matrix by the stream's tag; untagged, BT.709 from 1280 pixels of width or 577 lines on, else BT.601. Full range where
  the stream says so, else limited. FFmpeg's swscale converts, with bicubic chroma where it interpolates any.
- PQ and HLG become SDR. PQ by SMPTE ST 2084; HLG by BT.2100 for a display of 1000 cd/m2 (gamma 1.2). 203 cd/m2, the
  reference white of BT.2408, is 1. BT.2020 primaries become BT.709, negative values 0. With m the largest of R, G and
  B, all three are multiplied by f(m) / m, where f(m) = m up to 1/2 and 1 - exp(1 - 2m) / 2 above. Then x^(1/2.4).
"""

from __future__ import annotations

from functools import cache
from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt
import torch
from torch import Tensor

from marlin_edit.media import MediaInfo

if TYPE_CHECKING:
    from av import VideoFrame

MATRICES = {
    "bt709": 1, "fcc": 4, "bt470bg": 5, "smpte170m": 5, "smpte240m": 7, "bt2020nc": 9, "bt2020c": 9,
}  # fmt: skip
_MATRIX_TAGS = {1: 1, 4: 4, 5: 5, 6: 5, 7: 7, 9: 9, 10: 9}
"""The stream's matrix, as ITU-T H.273 numbers it, to swscale's."""

_BICUBIC, _FULL_CHROMA, _ACCURATE = 4, 0x2000, 0x40000
_WHITE = 203.0
_HLG_PEAK, _HLG_GAMMA = 1000.0, 1.2
_BT2020_LUMA = (0.2627, 0.6780, 0.0593)
_BT2020_TO_BT709 = ((1.6605, -0.5876, -0.0728), (-0.1246, 1.1329, -0.0083), (-0.0182, -0.1006, 1.1187))
"""ITU-R BT.2087-0."""


def is_hd(width: int, height: int) -> bool:
    """Whether a picture of this size is high definition."""
    return width >= 1280 or height > 576


_AT_ONCE = 9_000_000
"""Pixels that are tone mapped at once, in floats of 32 bits."""


class Conversion:
    """Decoded frames to upright RGB, uint8 [H, W, 3]. A frame of another size than the first one is scaled to it."""

    def __init__(self, media: MediaInfo) -> None:
        from av.video.reformatter import VideoReformatter

        self._media = media
        self._reformatter: Any = VideoReformatter()
        self._size: tuple[int, int] | None = None

    def __call__(self, frame: VideoFrame) -> Tensor:
        """The frame as RGB, uint8 [H, W, 3], upright."""
        self._size = self._size or (frame.width, frame.height)
        if self._media.colour.hdr:
            values: Any = self._reformatted(frame, "rgb48le", _BICUBIC | _FULL_CHROMA | _ACCURATE).to_ndarray()
            picture: Any = np.empty(values.shape, np.uint8)
            rows = max(1, _AT_ONCE // values.shape[1])
            for first in range(0, values.shape[0], rows):
                part = values[first : first + rows]
                picture[first : first + rows] = tone_mapped(
                    part, self._media.colour.transfer or "", self._media.colour.primaries or ""
                )
        else:
            picture = self._reformatted(frame, "rgb24", _BICUBIC).to_ndarray()
        upright = np.ascontiguousarray(np.rot90(picture, -self._media.rotation // 90))
        return torch.from_numpy(upright)

    def _reformatted(self, frame: VideoFrame, pixel_format: str, flags: int) -> VideoFrame:
        assert self._size is not None
        width, height = self._size
        coded_in_yuv = not frame.format.is_rgb
        matrix = _MATRIX_TAGS.get(int(frame.colorspace), 1 if is_hd(frame.width, frame.height) else 5)
        known_range = int(frame.color_range) in (1, 2)
        reformatted: VideoFrame = self._reformatter.reformat(
            frame,
            width=width,
            height=height,
            format=pixel_format,
            src_colorspace=matrix if coded_in_yuv else None,
            src_color_range=int(frame.color_range) if coded_in_yuv and known_range else None,
            interpolation=flags,
            threads=1,
        )
        return reformatted


def tone_mapped(values: npt.NDArray[np.uint16], transfer: str, primaries: str) -> npt.NDArray[np.uint8]:
    """PQ or HLG pictures, RGB in 16 bits [H, W, 3], as SDR in 8 bits, by the module's formula."""
    # Colours first: the arithmetic runs over whole planes. torch's powers are many times faster than NumPy's.
    planes = np.ascontiguousarray(values.transpose(2, 0, 1))
    if transfer == "smpte2084":
        light = torch.from_numpy(_pq_light()[planes])
    else:
        light = torch.from_numpy(_hlg_light()[planes])
        luma = sum(weight * plane for weight, plane in zip(_BT2020_LUMA, light, strict=True))
        light *= (luma ** (_HLG_GAMMA - 1)) * (_HLG_PEAK / _WHITE)
    if primaries != "bt709":
        rows = [sum(weight * plane for weight, plane in zip(row, light, strict=True)) for row in _BT2020_TO_BT709]
        light = torch.stack(rows)
    light.clamp_(min=0)
    largest = light.amax(dim=0)
    # Up to 1/2 the formula is m itself; 1e-6 only keeps black from being divided by.
    mapped = torch.where(largest > 0.5, 1 - torch.exp(1 - 2 * largest) / 2, largest)
    light *= mapped / largest.clamp(min=1e-6)
    code = light.clamp_(max=1).pow_(1 / 2.4).mul_(255).add_(0.5).to(torch.uint8)
    picture: npt.NDArray[np.uint8] = code.permute(1, 2, 0).contiguous().numpy()
    return picture


@cache
def _pq_light() -> npt.NDArray[np.float32]:
    """Light by 16-bit PQ code, reference white 1 (SMPTE ST 2084)."""
    m1, m2 = 2610 / 16384, 2523 / 4096 * 128
    c1, c2, c3 = 3424 / 4096, 2413 / 4096 * 32, 2392 / 4096 * 32
    power = np.linspace(0, 1, 65536) ** (1 / m2)
    light = 10_000 * (np.maximum(power - c1, 0) / (c2 - c3 * power)) ** (1 / m1)
    return (light / _WHITE).astype(np.float32)


@cache
def _hlg_light() -> npt.NDArray[np.float32]:
    """Scene light, 0 to 1, by 16-bit HLG code (ITU-R BT.2100)."""
    a, b, c = 0.17883277, 0.28466892, 0.55991073
    code = np.linspace(0, 1, 65536)
    light = np.where(code <= 0.5, code**2 / 3, (np.exp((code - c) / a) + b) / 12)
    return light.astype(np.float32)
