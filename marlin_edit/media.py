"""What a media file is: its rate, start time code, reel, streams, rotation, fingerprint, and when each frame is shown.

Zero is the first presented frame of the chosen video stream, after edit lists (the first audio sample where there is
no video). All times here count from it; `MediaInfo.zero` tells where it lies on the container's own clock.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from enum import Enum
from fractions import Fraction
from pathlib import Path

from marlin_edit.timebase import FrameRate, Position


class Scan(Enum):
    """How the picture is scanned; for interlaced pictures, which field comes first."""

    PROGRESSIVE = "progressive"
    TOP_FIRST = "top field first"
    BOTTOM_FIRST = "bottom field first"


@dataclass(frozen=True)
class Colour:
    """Colour as the stream declares it, in FFmpeg's names (`bt709`, `smpte2084`, ...); None where it says nothing."""

    primaries: str | None = None
    transfer: str | None = None
    matrix: str | None = None
    range: str | None = None

    @property
    def hdr(self) -> bool:
        """PQ or HLG."""
        return self.transfer in ("smpte2084", "arib-std-b67")


@dataclass(frozen=True)
class Stream:
    """One stream of the file, whatever it holds. `index` is the container's."""

    index: int
    kind: str
    codec: str
    language: str | None = None
    title: str | None = None
    default: bool = False
    detail: str = ""


@dataclass(frozen=True)
class FrameTimes:
    """When each presented frame is shown where the rate varies: `pts[n] * time_base` seconds from zero, ascending."""

    pts: Sequence[int]
    time_base: Fraction


@dataclass(frozen=True)
class MediaInfo:
    """A media file as it was found, or as an analysis file tells of it. Seconds count from zero.

    rate: nominal, None where there is no video. frame_count: presented frames. start_frame: the start time code as a
    frame number at `rate`. width, height: stored pixels. rotation: degrees clockwise to turn the stored picture for
    display (0, 90, 180, 270). times: set where the rate is variable. notes: what the person should know.
    """

    path: Path
    duration: Fraction
    rate: FrameRate | None = None
    frame_count: int = 0
    start_frame: int = 0
    has_timecode: bool = False
    reel: str | None = None
    zero: Fraction = Fraction(0)
    video_index: int | None = None
    width: int = 0
    height: int = 0
    rotation: int = 0
    pixel_aspect: Fraction = Fraction(1)
    colour: Colour = Colour()
    scan: Scan = Scan.PROGRESSIVE
    container: str = ""
    streams: tuple[Stream, ...] = ()
    fingerprint: str = ""
    times: FrameTimes | None = field(default=None, repr=False)
    notes: tuple[str, ...] = ()

    @property
    def variable_rate(self) -> bool: ...
    @property
    def start_timecode(self) -> str: ...
    def seconds_at(self, position: Position) -> Fraction: ...
    def first_frame_at(self, seconds: Fraction) -> int: ...
    def time_of(self, frame: int) -> Fraction: ...


def probe(path: Path, video_index: int | None = None) -> MediaInfo: ...
