"""A new timeline of the cuts: filled, and read back cut by cut. A timeline that is there is never changed.

A second run finds the timeline that it would make, by what is on it, and makes no other.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from marlin_edit.edit import Edit
from marlin_edit.errors import MarlinEditError
from marlin_edit.text import clean, counted, shortened
from marlin_edit.timebase import FrameRange, FrameRate
from marlin_edit_resolve.api_values import END_LEFT_OUT, Stretch, Version, listed, rate_of, stretch_of, whole
from marlin_edit_resolve.pool import Clip

if TYPE_CHECKING:
    from fusionscript import MediaPool, MediaPoolClipInfo, MediaPoolItem, Project, Timeline, TimelineItem

_NAME_LENGTH = 80
_RATE = "timelineFrameRate"


@dataclass(frozen=True)
class Piece:
    """A cut to be put on the timeline: its clip, its frames in it, and where it goes, counted from the beginning."""

    clip: Clip
    frames: FrameRange
    offset: int


@dataclass(frozen=True)
class Selects:
    """The result. timeline: the one with the cuts, None where there is none."""

    timeline: Timeline | None
    name: str
    items: tuple[Mapping[str, Any], ...] = ()
    missing: tuple[str, ...] = ()
    notes: tuple[str, ...] = ()


def timeline_name(edit: Edit) -> str:
    """The name of the edit's timeline: its title and what was asked for."""
    queries = dict.fromkeys(clean(cut.finding.query) for cut in edit.cuts if cut.finding is not None)
    return shortened(f"{clean(edit.title)} - {', '.join(queries) or 'selects'}", _NAME_LENGTH)


def pieces_of(edit: Edit, clips: Mapping[Path, Clip]) -> list[Piece]:
    """The cuts of an edit whose clips are there, one after another."""
    pieces = []
    offset = 0
    for cut in edit.cuts:
        clip = clips.get(cut.source.media.path)
        if clip is not None:
            pieces.append(Piece(clip, cut.frames, offset))
            offset += cut.frames.count
    return pieces


def put_on_timeline(
    project: Project,
    pool: MediaPool,
    edit: Edit,
    pieces: Sequence[Piece],
    name: str,
    version: Version,
    *,
    dry_run: bool,
) -> Selects:
    """The timeline with these pieces, from the edit's record start on: the one that is there, or a new one."""
    taken = {}
    for timeline in _timelines(project):
        taken[timeline.GetName()] = timeline
    free, number = name, 1
    while free in taken:
        if _has_exactly(taken[free], edit, pieces, version):
            return _read(taken[free], free, pieces, edit, version, already=True)
        number += 1
        free = f"{name} {number}"
    length = sum(piece.frames.count for piece in pieces)
    if dry_run:
        note = (
            f"would make the timeline {free!r}: {counted(len(pieces), 'cut')}, {length} frames from {_label(edit)} on"
        )
        return Selects(None, free, notes=(note,))
    before = project.GetCurrentTimeline()
    timeline = pool.CreateEmptyTimeline(free)
    if timeline is None:
        return Selects(None, free, missing=(f"Resolve made no timeline {free!r}, and does not say why",))
    try:
        _set_up(project, timeline, edit)
    except MarlinEditError as error:
        pool.DeleteTimelines([timeline])
        if before is not None:
            project.SetCurrentTimeline(before)
        return Selects(None, free, missing=(str(error),))
    _append(pool, timeline, pieces, version)
    return _read(timeline, free, pieces, edit, version, already=False)


def _timelines(project: Project) -> Iterator[Timeline]:
    for index in range(1, (whole(project.GetTimelineCount()) or 0) + 1):
        timeline = project.GetTimelineByIndex(index)
        if timeline is not None:
            yield timeline


def _set_up(project: Project, timeline: Timeline, edit: Edit) -> None:
    """The rate and the start of a new, empty timeline. MarlinEditError where Resolve keeps others."""
    if _rate(timeline) != edit.rate:
        timeline.SetSetting("useCustomSettings", "1")
        timeline.SetSetting(_RATE, edit.rate.name)  # `29.97 DF` is how Resolve's own text has it, too
    found = _rate(timeline)
    if found != edit.rate:
        shown = "an unknown rate" if found is None else f"{found.name} fps"
        raise MarlinEditError(
            f"A timeline in the project {project.GetName()!r} runs at {shown}, and the cuts count frames at "
            f"{edit.rate.name} fps. Open or make a project at {edit.rate.name} fps (File > Project Settings > Master "
            "Settings), and run again."
        )
    label = _label(edit)
    timeline.SetStartTimecode(label)
    start = whole(timeline.GetStartFrame())
    if start != edit.record_start % edit.rate.frames_per_day:
        raise MarlinEditError(
            f"The new timeline begins at {timeline.GetStartTimecode()}, and refuses {label} as its start. "
            "Give another --record-start."
        )
    project.SetCurrentTimeline(timeline)
    current = project.GetCurrentTimeline()
    if current is None or current.GetName() != timeline.GetName():
        raise MarlinEditError("Resolve does not open the new timeline, and cuts can only be put on the open one.")


def _rate(timeline: Timeline) -> FrameRate | None:
    """Some versions tell drop-frame with the rate; all show it in the time code."""
    rate = rate_of(timeline.GetSetting(_RATE))
    if rate is None or rate.drop_frame or ";" not in str(timeline.GetStartTimecode()):
        return rate
    return FrameRate(rate.value, drop_frame=True)


def _append(pool: MediaPool, timeline: Timeline, pieces: Sequence[Piece], version: Version) -> None:
    """The first piece shows whether the out point is in it in this version; the others are put on after that.

    Where it is, a piece up to the end of its clip with an out point after that is refused, so nothing is there.
    """
    start = whole(timeline.GetStartFrame()) or 0
    beyond = 1 if version >= END_LEFT_OUT else 0
    first, *others = pieces
    _put(pool, [_info(first, start, beyond)])
    counts = [part.count for part, _ in _items(timeline, version)] or [0]
    if counts in ([first.frames.count + (1 if beyond else -1)], [0]):
        beyond = 1 - beyond
        timeline.DeleteClips([item for _, item in _items(timeline, version)], False)
        _put(pool, [_info(first, start, beyond)])
    if others:
        _put(pool, [_info(piece, start, beyond) for piece in others])


def _info(piece: Piece, start: int, beyond: int) -> MediaPoolClipInfo:
    assert piece.clip.item is not None
    return {
        "mediaPoolItem": piece.clip.item,
        "startFrame": piece.frames.first,
        "endFrame": piece.frames.stop - 1 + beyond,
        "trackIndex": 1,
        "recordFrame": start + piece.offset,
    }


def _put(pool: MediaPool, infos: list[MediaPoolClipInfo]) -> None:
    # The stubs know the form with clips only, though their own text tells of this one.
    append: Any = pool.AppendToTimeline
    append(infos)


def _items(timeline: Timeline, version: Version) -> list[tuple[Stretch, TimelineItem]]:
    """What is on the first picture track, in order."""
    found = [(stretch_of(item, version), item) for item in listed(timeline.GetItemListInTrack("video", 1))]
    return sorted(((part, item) for part, item in found if part is not None), key=lambda one: one[0].start)


def _expected(pieces: Iterable[Piece], start: int) -> list[Stretch]:
    return [Stretch(start + piece.offset, piece.frames.count, piece.frames.first) for piece in pieces]


def _has_exactly(timeline: Timeline, edit: Edit, pieces: Sequence[Piece], version: Version) -> bool:
    start = whole(timeline.GetStartFrame())
    if start != edit.record_start % edit.rate.frames_per_day or _rate(timeline) != edit.rate:
        return False
    items = _items(timeline, version)
    return [part for part, _ in items] == _expected(pieces, start) and all(
        _is_of(item.GetMediaPoolItem(), piece.clip) for (_, item), piece in zip(items, pieces, strict=True)
    )


def _is_of(item: MediaPoolItem | None, clip: Clip) -> bool:
    if item is None or clip.item is None:
        return False
    return item.GetClipProperty("File Path") == clip.item.GetClipProperty("File Path")


def _read(
    timeline: Timeline, name: str, pieces: Sequence[Piece], edit: Edit, version: Version, *, already: bool
) -> Selects:
    """What is really on the timeline, and how that differs from what was asked for."""
    start = whole(timeline.GetStartFrame()) or 0
    items = _items(timeline, version)
    reports = []
    there = set()
    for part, item in items:
        there.add((part.start, part.count, part.first))
        reports.append(
            {
                "timeline": name,
                "clip": item.GetName(),
                "record": {"first_frame": part.start, "timecode": edit.rate.timecode(part.start)},
                "source": {"first_frame": part.first, "frames": part.count},
            }
        )
    wrong = [
        piece
        for piece, want in zip(pieces, _expected(pieces, start), strict=True)
        if (want.start, want.count, want.first) not in there
    ]
    missing = []
    if wrong or len(items) != len(pieces):
        one = f"; the first that is not: frames {wrong[0].frames.first} to {wrong[0].frames.stop - 1}" if wrong else ""
        missing.append(
            f"the timeline {name!r} has {counted(len(items), 'item')} where {len(pieces)} were asked for, and "
            f"{len(pieces) - len(wrong)} of them are right{one}. Remove it and run again, or import the "
            ".fcpxml or .otio (-o FILE.otio)"
        )
    note = f"timeline {name!r}: {counted(len(items), 'cut')} from {timeline.GetStartTimecode()} on"
    note += ", there already" if already else ""
    return Selects(timeline, name, tuple(reports), tuple(missing), (note,))


def _label(edit: Edit) -> str:
    return edit.rate.timecode(edit.record_start)
