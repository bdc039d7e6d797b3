"""What clips would cost: their size, how much of them would be encoded, and how long that takes here. For a dry run;
nothing is written.
"""

from __future__ import annotations

import os
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from fractions import Fraction
from pathlib import Path
from typing import TYPE_CHECKING, Any

from marlin_edit.console import time_left
from marlin_edit_ffmpeg.clock import time_of
from marlin_edit_ffmpeg.encoders import configure, encoding_for
from marlin_edit_ffmpeg.plan import ClipPlan, Mode
from marlin_edit_ffmpeg.priority import keep_usual_priority
from marlin_edit_ffmpeg.source import Source, Start

if TYPE_CHECKING:
    from marlin_edit_ffmpeg.report import Report

_TRIED = 48
_LONGEST = 0.5


@dataclass(frozen=True)
class Estimate:
    """Bytes at the source's average rate (None: its size is not known), and what of it is encoded. work: seconds that
    encoding takes, by a trial of a few frames (None where none could be made)."""

    size: int | None
    frames: int
    encoded_frames: int
    seconds: Fraction
    encoded_seconds: Fraction
    work: float | None = 0.0

    @classmethod
    def sum(cls, parts: Sequence[Estimate]) -> Estimate:
        size = _sum_of_known([part.size for part in parts])
        return cls(
            None if size is None else int(size),
            sum(part.frames for part in parts),
            sum(part.encoded_frames for part in parts),
            sum((part.seconds for part in parts), Fraction(0)),
            sum((part.encoded_seconds for part in parts), Fraction(0)),
            _sum_of_known([part.work for part in parts]),
        )

    def document(self) -> Mapping[str, Any]:
        return {
            "bytes": self.size,
            "seconds": round(float(self.seconds), 3),
            "frames_encoded": self.encoded_frames,
            "seconds_encoded": round(float(self.encoded_seconds), 3),
            "seconds_of_work": None if self.work is None else round(self.work, 1),
        }

    def words(self) -> str:
        size = "" if self.size is None else f", about {size_text(self.size)}"
        work = f", in about {time_left(max(1, self.work))} here" if self.work else ""
        return (
            f"{float(self.seconds):.1f} s{size}; {self.encoded_frames} of {self.frames} frames "
            f"({float(self.encoded_seconds):.1f} s) would be encoded{work}"
        )


def _sum_of_known(numbers: Sequence[float | None]) -> float | None:
    """The sum, None where one of the numbers is not known."""
    known = [number for number in numbers if number is not None]
    return sum(known) if len(known) == len(numbers) else None


class Trials:
    """How long encoding a frame takes on this machine, found out once a source by encoding some."""

    def __init__(self) -> None:
        self._seconds: dict[tuple[Path, str], float | None] = {}

    def seconds_a_frame(self, plan: ClipPlan) -> float | None:
        """Seconds for a frame of a clip, decoding included; None where it could not be tried."""
        key = (plan.media.path, plan.container.muxer)
        if key not in self._seconds:
            self._seconds[key] = _tried(plan)
        return self._seconds[key]


def _tried(plan: ClipPlan) -> float | None:
    """Encodes frames of a clip for half a second, at most as many as `_TRIED`."""
    import av
    from av.error import FFmpegError

    media, first = plan.media, plan.frames.first
    if media.video_index is None or media.rate is None:
        return None
    began, count = None, 0
    try:
        with Source(media) as source, av.open(os.devnull, "w", format="null") as nowhere:
            encoding = encoding_for(source.video, media, plan.container, plan.crf)
            out: Any = nowhere.add_stream(encoding.encoder, rate=media.rate.value)
            for number, frame in source.frames(first, min(plan.frames.stop, first + _TRIED), Start(None, Fraction(0))):
                if began is None:
                    began = time.monotonic()
                    configure(out, encoding, source.video, media, frame, media.rate.seconds_per_frame, _TRIED)
                if frame.format.name != encoding.pixel_format:
                    frame = frame.reformat(format=encoding.pixel_format)
                frame.pict_type, frame.pts, frame.time_base = 0, number - first, media.rate.seconds_per_frame
                out.encode(frame)
                if not count:
                    keep_usual_priority()
                count += 1
                if time.monotonic() - began > _LONGEST:
                    break
            if began is None:
                return None
            out.encode(None)
            return (time.monotonic() - began) / count
    except (FFmpegError, ValueError):
        return None


def estimated(report: Report, trials: Trials) -> Estimate:
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
    work: float | None = 0.0
    if encoded and not media.sample_rate:
        each = trials.seconds_a_frame(report.plan)
        work = None if each is None else each * encoded
    return Estimate(size, frames.count, encoded, seconds, seconds * encoded / frames.count, work)


def size_text(size: int) -> str:
    """A file's size as people say it: `3.4 MB`."""
    for unit, value in (("GB", 10**9), ("MB", 10**6), ("kB", 10**3)):
        if size >= value:
            return f"{size / value:.1f} {unit}"
    return f"{size} bytes"
