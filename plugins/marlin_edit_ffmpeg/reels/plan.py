"""What a reel will be: its pieces in order on one running clock, its container by its name, what its sources share."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from fractions import Fraction
from pathlib import Path
from typing import Any

from marlin_edit.edit import Cut, Edit
from marlin_edit.errors import MarlinEditError, UsageError
from marlin_edit.media import MediaInfo
from marlin_edit.text import clean, shortened
from marlin_edit.timebase import FrameRange, FrameRate, clock_text
from marlin_edit_ffmpeg.clips.plan import ClipPlan, Mode, Sound
from marlin_edit_ffmpeg.clock import time_of
from marlin_edit_ffmpeg.containers import MKV, MOV, MP4, SOUND_SUFFIXES, TS, WEBM, Container

_PICTURES = {".mp4": MP4, ".m4v": MP4, ".mov": MOV, ".mkv": MKV, ".webm": WEBM, ".ts": TS}
SUFFIXES = {**_PICTURES, **SOUND_SUFFIXES}


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
        """The source."""
        return self.plan.media


@dataclass(frozen=True)
class ReelPlan:
    """A reel to be written. has_picture: False for one of sound alone. on_grid: frames are put on the reel's own rate,
    because its sources differ in theirs or vary. start_frame: its start time code as a frame number."""

    path: Path
    kind: Container
    rate: FrameRate
    start_frame: int
    pieces: tuple[Piece, ...]
    has_picture: bool
    on_grid: bool

    @property
    def first(self) -> MediaInfo:
        """The source whose format the reel has."""
        return self.pieces[0].media

    @property
    def medias(self) -> tuple[MediaInfo, ...]:
        """Its sources, in the order of their first pieces."""
        return tuple({piece.media.path: piece.media for piece in self.pieces}.values())

    @property
    def length(self) -> Fraction:
        """Seconds."""
        return self.pieces[-1].end

    @property
    def tick(self) -> Fraction:
        """Seconds in a tick of its clock."""
        if self.first.times is not None and not self.on_grid:
            return self.first.times.time_base
        return self.rate.seconds_per_frame

    def with_frames(self, ranges: Sequence[FrameRange]) -> ReelPlan:
        """The plan with what its pieces really hold, one range each."""
        return self._with([piece.plan for piece in self.pieces], ranges)

    def with_plans(self, plans: Sequence[ClipPlan]) -> ReelPlan:
        """The plan with each piece made as its own plan has it, one each."""
        return self._with(plans, [plan.frames for plan in plans])

    def as_exact(self, reason: str) -> ReelPlan:
        """The plan in exact mode, with the reason."""
        return self.with_plans([piece.plan.as_exact(reason) for piece in self.pieces])

    def _with(self, plans: Sequence[ClipPlan], ranges: Sequence[FrameRange]) -> ReelPlan:
        return replace(self, pieces=_placed(plans, ranges, self.rate if self.on_grid else None))


def container_of(path: Path) -> Container:
    """The container that a reel's name asks for; UsageError where there is none of that suffix."""
    kind = SUFFIXES.get(path.suffix.lower())
    if kind is None:
        raise UsageError(f"{path.name}: a reel is a media file. Give it one of the suffixes {', '.join(SUFFIXES)}.")
    return kind


def plan_reel(edit: Edit, path: Path, mode: Mode, crf: int) -> ReelPlan:
    """The plan of all cuts of an edit as one file, before it is known how each is made. MarlinEditError where a source
    has not what the file is to hold."""
    kind = container_of(path)
    plans = [ClipPlan(number, cut, path, kind, mode, mode, Sound.COPY, crf) for number, cut in enumerate(edit.cuts, 1)]
    medias = list({plan.media.path: plan.media for plan in plans}.values())
    has_picture = kind not in SOUND_SUFFIXES.values() and any(media.video_index is not None for media in medias)
    for media in medias:
        if has_picture and (media.video_index is None or media.rate is None):
            raise MarlinEditError(
                f"{media.path.name} has no picture, and other sources of {path.name} have one. Leave it out, or make a "
                f"reel of sound alone, e.g. --reel {path.stem}.m4a."
            )
        if not has_picture and not any(stream.kind == "audio" for stream in media.streams):
            raise MarlinEditError(f"{media.path.name} has no sound, and {path.name} would hold nothing else.")
    on_grid = has_picture and (
        len({media.rate for media in medias}) > 1
        or (len(medias) > 1 and any(media.times is not None for media in medias))
    )
    rate = medias[0].rate or edit.rate
    ranges = [plan.frames for plan in plans]
    pieces = _placed(plans, ranges, rate if on_grid else None)
    return ReelPlan(path, kind, rate, _start_frame(edit, rate), pieces, has_picture, on_grid)


def _start_frame(edit: Edit, rate: FrameRate) -> int:
    """The edit's record start at the reel's rate, which is another one where the edit's first source has no cut."""
    if rate == edit.rate:
        return edit.record_start
    second = edit.rate.timecode(edit.record_start)[:8]
    skipped = rate.drop_frame and second.endswith(":00") and int(second[4]) != 0
    return rate.frame_of(f"{second}:{rate.base // 15 if skipped else 0:02}")


def why_not_copied(first: MediaInfo, media: MediaInfo) -> str | None:
    """Why packets of a source cannot stand beside the first one's, as far as that is known before they are read."""
    differing: dict[str, Callable[[MediaInfo], object]] = {
        "frame rate": lambda media: (media.rate, media.times is None),
        "picture size": lambda media: (media.width, media.height),
        "pixel aspect": lambda media: media.pixel_aspect,
        "rotation": lambda media: media.rotation,
        "colour": lambda media: media.colour,
        "field order": lambda media: media.scan,
    }
    for name, value in differing.items():
        if value(media) != value(first):
            return f"{media.path.name} has another {name} than {first.path.name}"
    return None


def chapters_of(plan: ReelPlan) -> Iterator[dict[str, Any]]:
    """A chapter a piece, as PyAV takes them, named by what its cut was kept for and its place in the source."""
    for at, piece in enumerate(plan.pieces):
        yield {
            "id": at + 1,
            "start": round(piece.start * 1000),
            "end": round(piece.end * 1000),
            "time_base": Fraction(1, 1000),
            "metadata": {"title": chapter_title(piece.plan.cut, several=len(plan.medias) > 1)},
        }


_LONGEST_QUOTE = 120


def chapter_title(cut: Cut, *, several: bool) -> str:
    """What a cut was kept for, or its source's name, where it begins in its source, and what is said in it."""
    media = cut.source.media
    name = clean(cut.name) or media.path.stem
    said = clean(" ".join(one.text for one in cut.source.speech or () if one.text and one.span.within(cut.span)))
    if media.has_timecode and media.rate is not None:
        where = media.timecode_of(cut.frames.first)
    else:
        where = clock_text(media.time_of(cut.frames.first))
    title = f"{name}, {media.path.stem} {where}" if several and name != media.path.stem else f"{name}, {where}"
    return f"{title}: {shortened(said, _LONGEST_QUOTE)}" if said else title


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
