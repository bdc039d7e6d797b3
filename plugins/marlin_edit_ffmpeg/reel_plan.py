"""What a reel will be: its pieces in order on one running clock, its container by its name, what its sources share."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from fractions import Fraction
from pathlib import Path

from marlin_edit.edit import Cut, Edit
from marlin_edit.errors import UsageError
from marlin_edit.media import MediaInfo
from marlin_edit.text import clean
from marlin_edit.timebase import FrameRange, FrameRate, clock_text
from marlin_edit_ffmpeg.clock import time_of
from marlin_edit_ffmpeg.containers import MKV, MOV, MP4, TS, WEBM, Container
from marlin_edit_ffmpeg.plan import ClipPlan, Mode, Sound

SUFFIXES = {".mp4": MP4, ".m4v": MP4, ".mov": MOV, ".mkv": MKV, ".webm": WEBM, ".ts": TS}


@dataclass(frozen=True)
class Piece:
    """One cut's place in a reel. start, end: seconds from the reel's first frame. `frames` are what is in it, which a
    copy may begin and end elsewhere than asked."""

    plan: ClipPlan
    frames: FrameRange
    start: Fraction
    end: Fraction

    @property
    def media(self) -> MediaInfo:
        return self.plan.media


@dataclass(frozen=True)
class ReelPlan:
    """A reel to be written. on_grid: frames are put on the reel's own rate, because its sources differ in theirs or
    vary. start_frame: its start time code as a frame number."""

    path: Path
    kind: Container
    rate: FrameRate
    start_frame: int
    pieces: tuple[Piece, ...]
    on_grid: bool

    @property
    def first(self) -> MediaInfo:
        """The source whose format the reel has."""
        return self.pieces[0].media

    @property
    def length(self) -> Fraction:
        return self.pieces[-1].end

    @property
    def tick(self) -> Fraction:
        """Seconds in a tick of its clock."""
        if self.first.times is not None and not self.on_grid:
            return self.first.times.time_base
        return self.rate.seconds_per_frame

    def with_frames(self, ranges: Sequence[FrameRange]) -> ReelPlan:
        """The plan with what its pieces really hold, one range each."""
        plans = [piece.plan for piece in self.pieces]
        return replace(self, pieces=_placed(plans, ranges, self.rate if self.on_grid else None))

    def as_exact(self, reason: str) -> ReelPlan:
        plans = [piece.plan.as_exact(reason) for piece in self.pieces]
        ranges = [plan.frames for plan in plans]
        return replace(self, pieces=_placed(plans, ranges, self.rate if self.on_grid else None))


def container_of(path: Path) -> Container:
    """The container that a reel's name asks for; UsageError where there is none of that suffix."""
    kind = SUFFIXES.get(path.suffix.lower())
    if kind is None:
        raise UsageError(f"{path.name}: a reel is a media file. Give it one of the suffixes {', '.join(SUFFIXES)}.")
    return kind


def plan_reel(edit: Edit, path: Path, mode: Mode, crf: int) -> ReelPlan:
    """The plan of all cuts of an edit as one file, before it is known how each is made."""
    kind = container_of(path)
    plans = [ClipPlan(number, cut, path, kind, mode, mode, Sound.COPY, crf) for number, cut in enumerate(edit.cuts, 1)]
    medias = {plan.media.path: plan.media for plan in plans}.values()
    on_grid = len({media.rate for media in medias}) > 1 or (
        len(medias) > 1 and any(media.times is not None for media in medias)
    )
    ranges = [plan.frames for plan in plans]
    rate = plans[0].media.rate or edit.rate
    pieces = _placed(plans, ranges, rate if on_grid else None)
    return ReelPlan(path, kind, edit.rate, edit.record_start, pieces, on_grid)


def why_not_joined(medias: Sequence[MediaInfo]) -> str | None:
    """Why packets of several sources cannot stand in one stream, as far as that is known before they are read."""
    first = medias[0]
    differing: dict[str, Callable[[MediaInfo], object]] = {
        "frame rate": lambda media: (media.rate, media.times is None),
        "picture size": lambda media: (media.width, media.height),
        "pixel aspect": lambda media: media.pixel_aspect,
        "rotation": lambda media: media.rotation,
        "colour": lambda media: media.colour,
        "field order": lambda media: media.scan,
    }
    for media in medias[1:]:
        for name, value in differing.items():
            if value(media) != value(first):
                return f"{media.path.name} has another {name} than {first.path.name}"
        if media.times is not None:
            return f"{media.path.name} has a varying frame rate, as one of several sources"
    return None


def chapter_title(cut: Cut, *, several: bool) -> str:
    """What a cut was kept for, or its source's name, and where it begins in its source."""
    media = cut.source.media
    name = clean(cut.name) or media.path.stem
    if media.has_timecode and media.rate is not None:
        where = media.rate.timecode(media.start_frame + cut.frames.first)
    else:
        where = clock_text(media.time_of(cut.frames.first))
    return f"{name}, {media.path.stem} {where}" if several and name != media.path.stem else f"{name}, {where}"


def _placed(plans: Sequence[ClipPlan], ranges: Sequence[FrameRange], grid: FrameRate | None) -> tuple[Piece, ...]:
    """One after another, each as long as its frames last; on a grid, a whole number of the grid's frames."""
    pieces = []
    at = Fraction(0)
    for plan, frames in zip(plans, ranges, strict=True):
        length = time_of(plan.media, frames.stop) - time_of(plan.media, frames.first)
        if grid is not None:
            length = grid.seconds(max(1, round(length * grid.value)))
        pieces.append(Piece(plan, frames, at, at + length))
        at += length
    return tuple(pieces)
