"""What is known of a media file, and where its frames are on its clock. Plain values; nothing is opened here."""

from __future__ import annotations

import math
from bisect import bisect_left
from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from enum import Enum
from fractions import Fraction
from pathlib import Path
from typing import TYPE_CHECKING

from marlin_edit.errors import MarlinEditError, UsageError
from marlin_edit.timebase import (
    FrameNumber,
    FrameRate,
    Position,
    SourceTimecode,
    first_tick_at,
)

if TYPE_CHECKING:
    pass


VIDEO_SUFFIXES = frozenset(
    {
        ".3gp", ".asf", ".avi", ".dv", ".flv", ".gxf", ".m2t", ".m2ts", ".m4v", ".mkv", ".mov", ".mp4", ".mpeg", ".mpg",
        ".mts", ".mxf", ".ogv", ".qt", ".ts", ".vob", ".webm", ".wmv",
    }
)  # fmt: skip
"""What is taken for a video in a directory. A file that is named itself is taken whatever its name."""


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
    """A media file as it was found, or as an analysis file tells of it.

    Seconds count from zero.

    Attributes:
        rate: Nominal, None where there is no video.
        frame_count: Presented frames.
        start_frame: The start time code as a frame number at `rate`.
        width, height: Stored pixels.
        rotation: Degrees clockwise to turn the stored picture for display (0, 90, 180, 270).
        times: Set where the rate is variable.
        incomplete: The file is cut short.
        sample_rate: Of sound alone, samples a second; 0 where there is a picture.
        notes: What the person should know.
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
    incomplete: bool = False
    sample_rate: int = 0
    notes: tuple[str, ...] = ()

    @property
    def variable_rate(self) -> bool:
        """Whether frames keep their own times, because a constant rate does not give them."""
        return self.times is not None

    @property
    def start_timecode(self) -> str:
        """The first frame's time code label; counted from 00:00:00:00 where the file has none."""
        return "00:00:00:00" if self.rate is None else self.rate.timecode(self.start_frame)

    def counted_in_samples(self) -> MediaInfo:
        """Sound alone, its samples taken as its frames, so that it can be cut; all other media as they are."""
        if not self.sample_rate:
            return self
        rate = FrameRate(Fraction(self.sample_rate))
        return replace(self, rate=rate, frame_count=round(self.duration * self.sample_rate))

    def seconds_at(self, position: Position) -> Fraction:
        """Seconds from zero of a position as a person gave it; it may lie past the end.

        Source time code counts on past midnight: with a start of 23:59:50:00, 00:00:05:00 is 15 s in.

        Raises:
            UsageError: Time code before the start, and for frames and time code where there is no picture.
        """
        if isinstance(position, Fraction):
            return position
        if self.rate is None:
            raise UsageError(f"{self.path.name} has no picture, so it has no frames and no time code. Give seconds.")
        if isinstance(position, FrameNumber):
            return self.time_of(position.number)
        return self._since_start(position, self.rate) / self.rate.value

    def _since_start(self, position: SourceTimecode, rate: FrameRate) -> int:
        """Frames from the start time code to a label."""
        since = rate.frame_of(position.text) - self.start_frame
        if since < 0:
            since += rate.frames_per_day
            if since > self.duration * rate.value:
                raise UsageError(
                    f"The time code {position.text} is before the start of {self.path.name}, {self.start_timecode}."
                )
        return since

    def first_frame_at(self, seconds: Fraction) -> int:
        """The first frame presented at `seconds` or later, within the tolerance; `frame_count` where there is none.

        Where the frames were not counted (`frame_count` is 0), the constant rate alone decides.
        """
        rate = self._need_rate()
        if self.times is not None:
            in_seconds, ticks = self.times.time_base.as_integer_ratio()
            return bisect_left(self.times.pts, first_tick_at(seconds, ticks, in_seconds))
        frame = max(0, math.ceil(seconds * self.sample_rate) if self.sample_rate else rate.first_frame_at(seconds))
        return min(frame, self.frame_count) if self.frame_count else frame

    def time_of(self, frame: int) -> Fraction:
        """When a frame is presented; `frame_count` gives the end of the last one, and past that the rate goes on."""
        rate = self._need_rate()
        if frame < 0:
            raise MarlinEditError(f"Frames of {self.path.name} count from 0; there is no frame {frame}.")
        if self.times is None:
            return rate.seconds(frame)
        if frame < len(self.times.pts):
            return self.times.pts[frame] * self.times.time_base
        return self.duration + rate.seconds(frame - len(self.times.pts))

    def nominal_frame(self, frame: int) -> int:
        """The frame at the nominal rate that is nearest to the time of a presented frame.

        It is what editing programs count, and time code. Where the rate is constant, it is the frame itself.
        """
        if self.times is None:
            return frame
        return self._need_rate().nearest_frame(self.time_of(frame))

    def timecode_of(self, frame: int) -> str:
        """The time code label of a presented frame."""
        return self._need_rate().timecode(self.start_frame + self.nominal_frame(frame))

    def _need_rate(self) -> FrameRate:
        if self.rate is None:
            raise MarlinEditError(f"{self.path.name} has no picture, so it has no frames.")
        return self.rate
