"""What clips would cost: their size, and how much of them would be encoded. For a dry run; nothing is written."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from fractions import Fraction
from typing import TYPE_CHECKING, Any

from marlin_edit_ffmpeg.clock import time_of
from marlin_edit_ffmpeg.plan import Mode

if TYPE_CHECKING:
    from marlin_edit_ffmpeg.report import Report


@dataclass(frozen=True)
class Estimate:
    """Bytes at the source's average rate (None: its size is not known), and what of it is encoded."""

    size: int | None
    frames: int
    encoded_frames: int
    seconds: Fraction
    encoded_seconds: Fraction

    @classmethod
    def sum(cls, parts: Sequence[Estimate]) -> Estimate:
        sizes = [part.size for part in parts]
        known = [size for size in sizes if size is not None]
        return cls(
            sum(known) if len(known) == len(sizes) else None,
            sum(part.frames for part in parts),
            sum(part.encoded_frames for part in parts),
            sum((part.seconds for part in parts), Fraction(0)),
            sum((part.encoded_seconds for part in parts), Fraction(0)),
        )

    def document(self) -> Mapping[str, Any]:
        return {
            "bytes": self.size,
            "seconds": round(float(self.seconds), 3),
            "frames_encoded": self.encoded_frames,
            "seconds_encoded": round(float(self.encoded_seconds), 3),
        }

    def words(self) -> str:
        size = "" if self.size is None else f", about {size_text(self.size)}"
        return (
            f"{float(self.seconds):.1f} s{size}; {self.encoded_frames} of {self.frames} frames "
            f"({float(self.encoded_seconds):.1f} s) would be encoded"
        )


def estimated(report: Report) -> Estimate:
    """The estimate for a clip whose frames, and how many of them are encoded, are known."""
    media, frames = report.plan.media, report.frames
    assert frames is not None
    seconds = time_of(media, frames.stop) - time_of(media, frames.first)
    encoded = report.encoded
    if encoded is None:
        encoded = 0 if report.plan.mode is Mode.COPY else frames.count
    try:
        size = round(media.path.stat().st_size * seconds / media.duration) if media.duration else None
    except OSError:
        size = None
    return Estimate(size, frames.count, encoded, seconds, seconds * encoded / frames.count)


def size_text(size: int) -> str:
    """A file's size as people say it: `3.4 MB`."""
    for unit, value in (("GB", 10**9), ("MB", 10**6), ("kB", 10**3)):
        if size >= value:
            return f"{size / value:.1f} {unit}"
    return f"{size} bytes"
