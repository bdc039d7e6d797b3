"""What is said of each clip, as plain JSON values: asked, delivered, drift, mode and why, streams, warnings."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from fractions import Fraction
from typing import Any

from marlin_edit.console import time_left
from marlin_edit.text import counted
from marlin_edit.timebase import FrameRange, seconds_text, short_seconds
from marlin_edit_ffmpeg.clips.plan import ClipPlan, Mode
from marlin_edit_ffmpeg.clips.verify import Delivered
from marlin_edit_ffmpeg.clock import time_of


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
        """The estimates of several clips together."""
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
        """The estimate as JSON values."""
        return {
            "bytes": self.size,
            "seconds": round(float(self.seconds), 3),
            "frames_encoded": self.encoded_frames,
            "seconds_encoded": round(float(self.encoded_seconds), 3),
            "seconds_of_work": None if self.work is None else round(self.work, 1),
        }

    def words(self) -> str:
        """The estimate in words."""
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


def size_text(size: int) -> str:
    """A file's size as people say it: `3.4 MB`."""
    for unit, value in (("GB", 10**9), ("MB", 10**6), ("kB", 10**3)):
        if size >= value:
            return f"{size / value:.1f} {unit}"
    return f"{size} bytes"


@dataclass
class Report:
    """Filled while a clip is made. frames: what is or would be in it. encoded: how many of them are re-encoded, where
    the mode does not say. delivered: what reading it back found. holes: frames inside it that could not be read.
    lost_sound: packets of sound inside it that cannot be decoded.
    estimate: of a dry run."""

    plan: ClipPlan
    frames: FrameRange | None = None
    delivered: Delivered | None = None
    timecode: str | None = None
    encoder: str | None = None
    sound: list[dict[str, Any]] = field(default_factory=list)
    kept: list[dict[str, Any]] = field(default_factory=list)
    dropped: list[dict[str, Any]] = field(default_factory=list)
    encoded: int | None = None
    decode_errors: int = 0
    size: int | None = None
    holes: int = 0
    lost_sound: int = 0
    estimate: Estimate | None = None
    warnings: list[str] = field(default_factory=list)

    def drift(self) -> str | None:
        """How much more a copied clip has than was asked for, in words; None if it has no more."""
        asked, got, media = self.plan.frames, self.frames, self.plan.media
        if self.plan.mode is not Mode.COPY or got is None:
            return None
        parts = []
        if got.first < asked.first:
            seconds = time_of(media, asked.first) - time_of(media, got.first)
            parts.append(f"begins {counted(asked.first - got.first, 'frame')} ({short_seconds(seconds)} s) early")
        if got.stop > asked.stop:
            parts.append(f"ends {counted(got.stop - asked.stop, 'frame')} late")
        return f"{' and '.join(parts)}, because packets were copied" if parts else None

    def item(self) -> Mapping[str, Any]:
        """The report as JSON values."""
        plan, media = self.plan, self.plan.media
        asked = plan.frames
        finding = plan.cut.finding
        item: dict[str, Any] = {
            "clip": plan.number,
            "file": str(plan.path),
            "source": str(media.path),
            "name": plan.cut.name,
            "query": finding.query if finding is not None else None,
            "found": None if finding is None else [seconds_text(finding.span.start), seconds_text(finding.span.end)],
            "before_snap": None if plan.cut.before_snap is None else self._range(plan.cut.before_snap),
            "asked": self._range(asked),
            "delivered": None,
            "drift": None,
            "mode": {"asked": plan.asked_mode.value, "used": plan.mode.value, "reason": plan.reason},
            "start_timecode": self.timecode,
            "encoder": self.encoder,
            "frames_copied": 0,
            "frames_encoded": 0,
            "sound": self.sound,
            "streams_kept": self.kept,
            "streams_dropped": self.dropped,
            "decode_errors": self.decode_errors,
            "bytes": self.size,
            "warnings": [*plan.warnings, *self.warnings],
        }
        if self.frames is not None:
            got = self.frames
            if self.delivered is not None:
                item["delivered"] = self._range(got) | {
                    "first_pts": seconds_text(self.delivered.first_pts),
                    "last_pts": seconds_text(self.delivered.last_pts),
                }
            item["drift"] = {
                "start_frames": got.first - asked.first,
                "start": seconds_text(time_of(media, got.first) - time_of(media, asked.first)),
                "end_frames": got.stop - asked.stop,
                "end": seconds_text(time_of(media, got.stop) - time_of(media, asked.stop)),
            }
            encoded = self.encoded if self.encoded is not None else 0 if plan.mode is Mode.COPY else got.count
            item["frames_copied"], item["frames_encoded"] = got.count - encoded, encoded
        if self.estimate is not None:
            item["estimate"] = self.estimate.document()
        return item

    def _range(self, frames: FrameRange) -> dict[str, Any]:
        media = self.plan.media
        return {
            "start": seconds_text(time_of(media, frames.first)),
            "end": seconds_text(time_of(media, frames.stop)),
            "first_frame": frames.first,
            "stop_frame": frames.stop,
            "frames": frames.count,
        }
