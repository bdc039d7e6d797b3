"""Codecs of which every picture stands for itself (ProRes, DNxHR, MJPEG, ...): a copy can begin and end anywhere, and
nothing is ever encoded.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from typing import Any

from marlin_edit.media import Scan
from marlin_edit_ffmpeg.codecs.bits import Unreadable
from marlin_edit_ffmpeg.codecs.syntax import Attempt, Begin, Data


class WholePictures:
    """Packets of a codec in which every picture stands alone."""

    encoder: str | None = None
    unclean = "its pictures depend on one another"

    def look_at(self, data: Data) -> Begin:
        """Read a keyframe; whether a copy can begin there."""
        return Begin.CLEAN

    def begin_at(self, data: Data, leading: Sequence[Data]) -> None:
        """There is nothing to be known."""

    def pictures(self, data: Data) -> Iterable[Data]:
        """The parts of a packet that stay the same bit for bit."""
        return (data,)

    def attempts(self, context: Any, scan: Scan) -> Iterator[Attempt]:
        """Settings of the encoder, best first."""
        raise Unreadable("no picture of this codec is ever encoded to be joined")

    def accept(self, header: bytes) -> None:
        """There is no encoder."""

    def extradata(self) -> bytes | None:
        """The clip's header; None if it is the source's own."""
        return None

    def encoded(self, data: bytes, *, is_keyframe: bool) -> bytes:
        """A packet of the encoder as it goes into the clip."""
        return data

    def copied(self, data: Data, *, is_keyframe: bool, after_foreign: bool) -> Data:
        """A packet of the source as it goes into the clip."""
        return data
