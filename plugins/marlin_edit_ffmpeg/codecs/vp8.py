"""VP8 (RFC 6386, 9.1): packets come in the order they are shown, and a keyframe forgets all before it, so encoded ones
stand beside copied ones as they are. Frames that are not shown are packets of their own, which end what can be copied.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from typing import Any

from marlin_edit.media import Scan
from marlin_edit_ffmpeg.codecs.bits import Unreadable
from marlin_edit_ffmpeg.codecs.syntax import Attempt, Begin, Codec, Data, Splicing, first_header

_START = b"\x9d\x01\x2a"
_SHOWN = 0x10
_SIZE = 0x3FFF


class Vp8:
    """Packets of a VP8 stream."""

    encoder = "libvpx"
    unclean = "its keyframes are not shown at their place"

    def __init__(self) -> None:
        self._format: tuple[int, ...] | None = None

    def look_at(self, data: Data) -> Begin:
        """Read a keyframe; whether a copy can begin there."""
        return Begin.CLEAN if _keyframe_format(data) is not None else Begin.NEVER

    def begin_at(self, data: Data, leading: Sequence[Data]) -> None:
        """Note the keyframe that copying begins at."""
        self._format = _keyframe_format(data)

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


def _keyframe_format(data: Data) -> tuple[int, ...] | None:
    """Width and height of a keyframe that is shown; None for any other frame. Decoders take any version of a frame."""
    head = bytes(data[:10])
    if len(head) < 10 or head[0] & 1 or not head[0] & _SHOWN or head[3:6] != _START:
        return None
    return int.from_bytes(head[6:8], "little") & _SIZE, int.from_bytes(head[8:10], "little") & _SIZE


CODEC = Codec(
    lambda header, route: Vp8() if route.boxed else None,
    Splicing(compatible=lambda mine, theirs: True, common_header=first_header),
)
