"""VP8 and VP9: packets come in the order they are shown, and a keyframe forgets all before it, so encoded ones stand
beside copied ones as they are. They have no header of their own; a keyframe says what it is.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from typing import Any

from marlin_edit.media import Scan
from marlin_edit_ffmpeg.codecs.bits import Unreadable
from marlin_edit_ffmpeg.codecs.syntax import Attempt, Begin, Codec, Data, Splicing, first_header

Format = tuple[int, ...]
"""What of a keyframe must be alike in pictures that are joined: size, depth and the like."""


class Vpx:
    """Packets of a VP8 or VP9 stream. keyframe_format: None for what is no keyframe that is shown."""

    unclean = "its keyframes are not shown at their place"

    def __init__(self, encoder: str, keyframe_format: Callable[[bytes], Format | None]) -> None:
        self.encoder = encoder
        self._format_of = keyframe_format
        self._format: Format | None = None

    def look_at(self, data: Data) -> Begin:
        """Read a keyframe; whether a copy can begin there."""
        return Begin.CLEAN if self._format_of(bytes(data[:32])) is not None else Begin.NEVER

    def begin_at(self, data: Data, leading: Sequence[Data]) -> None:
        """Note the keyframe that copying begins at."""
        self._format = self._format_of(bytes(data[:32]))

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
        if is_keyframe and self._format_of(data) != self._format:
            raise Unreadable("the encoder makes pictures in another format")
        return data

    def copied(self, data: Data, *, is_keyframe: bool, after_foreign: bool) -> Data:
        """A packet of the source as it goes into the clip."""
        return data


def vpx_codec(encoder: str, keyframe_format: Callable[[bytes], Format | None]) -> Codec:
    """The codec of such streams, in containers that keep packets apart."""
    return Codec(
        lambda header, route: Vpx(encoder, keyframe_format) if route.boxed else None,
        Splicing(compatible=lambda mine, theirs: True, common_header=first_header),
    )
