"""VP9 (the bitstream specification, 6.2 and annex B): a packet may hold several frames, and one is shown."""

from __future__ import annotations

from marlin_edit_ffmpeg.codecs.bits import Bits
from marlin_edit_ffmpeg.codecs.vpx import Format, vpx_codec

_SYNC = 0x498342
_RGB = 7


def _keyframe_format(data: bytes) -> Format | None:
    """Profile, bit depth, chroma and size of a keyframe that is shown; None for any other frame.

    Of a packet of several frames the first is read: in one that begins with a keyframe, that is the shown one, or it
    is none to begin at.
    """
    bits = Bits(data)
    if bits.number(2) != 2:
        return None
    profile = bits.number(1) | bits.number(1) << 1
    if profile == 3:
        bits.number(1)
    shown_again, kind, shown = bits.flag(), bits.number(1), bits.flag()
    if shown_again or kind or not shown:
        return None
    bits.number(1)
    if bits.number(24) != _SYNC:
        return None
    depth = bits.number(1) if profile >= 2 else 0
    space = bits.number(3)
    chroma = (1, 1)
    if space != _RGB:
        bits.number(1)
        if profile in (1, 3):
            chroma = (bits.number(1), bits.number(1))
            bits.number(1)
    elif profile in (1, 3):
        chroma = (0, 0)
        bits.number(1)
    return profile, depth, space == _RGB, *chroma, bits.number(16), bits.number(16)


CODEC = vpx_codec("libvpx-vp9", _keyframe_format)
