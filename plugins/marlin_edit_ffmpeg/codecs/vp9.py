"""VP9 (the bitstream specification, 6.2 and annex B): packets come in the order they are shown, and a keyframe forgets
all before it, so encoded ones stand beside copied ones as they are. A packet may hold several frames, one is shown.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from typing import Any

from marlin_edit.media import Scan
from marlin_edit_ffmpeg.codecs.bits import Bits, Unreadable
from marlin_edit_ffmpeg.codecs.syntax import Attempt, Begin, Codec, Data, Splicing, first_header

_SYNC = 0x498342
_RGB = 7


class Vp9:
    """Packets of a VP9 stream."""

    encoder = "libvpx-vp9"
    unclean = "its keyframes are not shown at their place"

    def __init__(self) -> None:
        self._format: tuple[int, ...] | None = None

    def look_at(self, data: Data) -> Begin:
        """Read a keyframe; whether a copy can begin there."""
        return Begin.CLEAN if _keyframe_format(bytes(data[:32])) is not None else Begin.NEVER

    def begin_at(self, data: Data, leading: Sequence[Data]) -> None:
        """Note the keyframe that copying begins at."""
        self._format = _keyframe_format(bytes(data[:32]))

    def pictures(self, data: Data) -> Iterable[Data]:
        """The parts of a packet that stay the same bit for bit."""
        return (data,)

    def attempts(self, context: Any, scan: Scan) -> Iterator[Attempt]:
        """Settings of the encoder, best first."""
        yield Attempt({"lag-in-frames": "0", "auto-alt-ref": "0"})

    def accept(self, header: bytes) -> None:
        """It has none."""

    def extradata(self) -> bytes | None:
        """The clip's header; None if it is the source's own."""
        return None

    def encoded(self, data: bytes, *, is_keyframe: bool) -> bytes:
        """A packet of the encoder as it goes into the clip."""
        if is_keyframe and _keyframe_format(data) != self._format:
            raise Unreadable("the encoder makes pictures in another format")
        return data

    def copied(self, data: Data, *, is_keyframe: bool, after_foreign: bool) -> Data:
        """A packet of the source as it goes into the clip."""
        return data


def _keyframe_format(data: bytes) -> tuple[int, ...] | None:
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


CODEC = Codec(
    lambda header, route: Vp9() if route.boxed else None,
    Splicing(compatible=lambda mine, theirs: True, common_header=first_header),
)
