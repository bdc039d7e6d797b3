"""What clips would cost: their size, how much of them would be encoded, and how long that takes here. For a dry run;
nothing is written.
"""

from __future__ import annotations

import os
import time
from fractions import Fraction
from pathlib import Path
from typing import TYPE_CHECKING, Any

from marlin_edit_ffmpeg.clips.plan import ClipPlan, Mode
from marlin_edit_ffmpeg.clips.report import Estimate
from marlin_edit_ffmpeg.clock import time_of
from marlin_edit_ffmpeg.encoders import configure, encoding_for
from marlin_edit_ffmpeg.priority import keep_usual_priority
from marlin_edit_ffmpeg.source import Source, Start

if TYPE_CHECKING:
    from marlin_edit_ffmpeg.clips.report import Report

_TRIED = 48
_LONGEST = 0.5


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
