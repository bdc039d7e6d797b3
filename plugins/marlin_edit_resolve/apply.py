"""What is done in Resolve with an edit, as a straight line: clips, markers, the timeline of the cuts, subtitles.

Markers on a clip count from its first frame, and markers on a timeline from the timeline's.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

from marlin_edit.analysis import Analysis
from marlin_edit.edit import Edit
from marlin_edit.errors import MarlinEditError
from marlin_edit.interfaces import Receipt
from marlin_edit.markers import Marker, Shown, colours_of, markers_of, part_shown
from marlin_edit.media import MediaInfo
from marlin_edit.timebase import FrameRange
from marlin_edit_resolve.api_values import Version, listed, rate_of, stretch_of, version_of, whole
from marlin_edit_resolve.groups import Scope, group_of, scope_of
from marlin_edit_resolve.marker_plan import Wanted, applied, markers_on, planned, untold
from marlin_edit_resolve.pool import Clip, clips_of
from marlin_edit_resolve.selects import pieces_of, put_on_timeline, timeline_name
from marlin_edit_resolve.subtitles import put_on_track

if TYPE_CHECKING:
    from fusionscript import Project, Resolve, Timeline

    from marlin_edit_resolve.marker_plan import Markable
    from marlin_edit_resolve.request import Request


@dataclass
class _Work:
    """What is known so far, and the results."""

    edit: Edit
    request: Request
    version: Version
    sources: dict[Path, Analysis]
    clips: dict[Path, Clip] = field(default_factory=dict)
    items: list[Mapping[str, Any]] = field(default_factory=list)
    missing: list[str] = field(default_factory=list)
    notes: list[str] = field(default_factory=list)


def delivered(resolve: Resolve, edit: Edit, request: Request) -> Receipt:
    """Delivers the edit to the project that is open. MarlinEditError where none is."""
    project = resolve.GetProjectManager().GetCurrentProject()
    if project is None:
        raise MarlinEditError("No project is open in Resolve. Open one, and run again.")
    pool = project.GetMediaPool()
    sources = {source.media.path: source for source in (*(cut.source for cut in edit.cuts), *edit.sources)}
    work = _Work(edit, request, version_of(resolve), sources)
    _find_clips(work, project)
    markers: list[tuple[Analysis, Marker]] = []
    for source in sources.values():
        if source.media.path in work.clips:
            of_source, left_out = markers_of(source, colours_of(edit))
            markers += [(source, marker) for marker in of_source]
            work.notes += left_out
    scope = scope_of(list(sources.values()), markers)
    if not request.on_timeline:
        _mark_clips(work, markers, scope)
    if edit.cuts:
        _make_timeline(work, project, markers, scope)
    elif request.on_timeline:
        _mark_current_timeline(work, project, markers, scope)
    if request.subtitles is not None:
        starts_there = _begins_with(project.GetCurrentTimeline(), next(iter(work.clips.values()), None), work.version)
        done = put_on_track(
            project, pool, request.subtitles, work.version, starts_there=starts_there, dry_run=request.dry_run
        )
        work.missing += done.missing
        work.notes += done.notes
        if done.count:
            work.items.append({"subtitles": done.count, "file": str(request.subtitles)})
    return Receipt(items=tuple(work.items), missing=tuple(work.missing), notes=tuple(work.notes))


def _find_clips(work: _Work, project: Project) -> None:
    paths = []
    for path, source in work.sources.items():
        if source.media.rate is None or source.media.sample_rate:
            work.missing.append(f"{path.name} has no picture, so it has no frames to mark or cut in Resolve")
        else:
            paths.append(path)
    work.clips, missing = clips_of(project.GetMediaPool(), paths, dry_run=work.request.dry_run)
    work.missing += missing
    would = "would import" if work.request.dry_run else "imported"
    for path, clip in work.clips.items():
        work.notes += clip.notes
        if clip.imported:
            work.notes.append(f"{would} {path.name} into the media pool of {project.GetName()!r}")
        work.notes += _notes_on_rate(work.sources[path].media, clip)


def _notes_on_rate(media: MediaInfo, clip: Clip) -> Iterator[str]:
    rate = rate_of(clip.item.GetClipProperty("FPS")) if clip.item is not None else None
    if rate is not None and media.rate is not None and rate.value != media.rate.value:
        yield (
            f"Resolve plays {media.path.name} at {rate.name} fps, and the file has {media.rate.name}: markers are on "
            "the right frames, and cuts of it may not fit"
        )


def _mark_clips(work: _Work, markers: Sequence[tuple[Analysis, Marker]], scope: Scope) -> None:
    for path, clip in work.clips.items():
        wanted = [
            Wanted(
                Shown(marker, marker.frames, marker.frames.first),
                group_of(source, marker.item),
                marker.frames.first,
                False,
            )
            for source, marker in markers
            if source.media.path == path
        ]
        _mark(work, clip.item, wanted, scope, path.name, longest=_frames_of(clip))


def _frames_of(clip: Clip) -> int | None:
    return None if clip.item is None else whole(clip.item.GetClipProperty("Frames"))


def _mark(
    work: _Work, target: Markable | None, wanted: list[Wanted], scope: Scope, name: str, longest: int | None = None
) -> None:
    """target: None in a dry run in which it would be made first."""
    plan = planned([] if target is None else markers_on(target), wanted, scope.outdated, longest=longest)
    missing, notes = untold(plan, name)
    work.missing += missing
    work.notes += notes
    if target is None or work.request.dry_run:
        work.notes.append(f"markers on {name}: would be {plan.words}")
        return
    missing, notes = applied(target, plan, name)
    work.missing += missing
    work.notes += notes
    if wanted or plan.remove:
        work.notes.append(f"markers on {name}: {plan.words}")
    groups = {want.group for want in wanted}
    for there in markers_on(target):
        if there.tag is not None and there.tag.group in groups:
            told = there.told
            work.items.append(
                {"marker": told.name, "on": name, "frame": told.frame, "frames": told.count, "colour": told.colour}
            )


def _make_timeline(work: _Work, project: Project, markers: Sequence[tuple[Analysis, Marker]], scope: Scope) -> None:
    edit, request = work.edit, work.request
    rates = sorted({cut.source.media.rate.name for cut in edit.cuts if cut.source.media.rate is not None})
    if any(cut.source.media.rate != edit.rate for cut in edit.cuts if cut.source.media.path in work.clips):
        work.missing.append(
            f"no timeline was made: it has one frame rate, and the videos have {' and '.join(rates)} fps"
        )
        return
    pieces = pieces_of(edit, work.clips)
    if not pieces:
        return
    name = request.timeline_name or timeline_name(edit)
    pool = project.GetMediaPool()
    selects = put_on_timeline(project, pool, edit, pieces, name, work.version, dry_run=request.dry_run)
    work.items += selects.items
    work.missing += selects.missing
    work.notes += selects.notes
    if request.on_timeline and (selects.timeline is not None or request.dry_run):
        placed = [(piece.clip.path, piece.frames, piece.offset) for piece in pieces]
        wanted = list(_shown_on(placed, markers, edit.record_start))
        length = sum(piece.frames.count for piece in pieces)
        _mark(work, selects.timeline, wanted, scope, f"the timeline {selects.name!r}", longest=length)


def _shown_on(
    placed: Sequence[tuple[Path, FrameRange, int]], markers: Sequence[tuple[Analysis, Marker]], start: int
) -> Iterator[Wanted]:
    """The markers that parts of sources show, the parts given with their first frame on the timeline."""
    by_path: dict[Path, list[tuple[Analysis, Marker]]] = {}
    for source, marker in sorted(markers, key=lambda one: one[1].frames.first):
        by_path.setdefault(source.media.path.absolute(), []).append((source, marker))
    seen = set()
    for path, frames, offset in placed:
        for source, marker in by_path.get(path, ()):
            if marker.frames.first >= frames.stop:
                break
            if marker.frames.stop > frames.first:
                shown = part_shown(marker, frames, start + offset)
                want = Wanted(shown, group_of(source, marker.item), shown.record - start, True)
                if want.key not in seen:
                    seen.add(want.key)
                    yield want


def _mark_current_timeline(
    work: _Work, project: Project, markers: Sequence[tuple[Analysis, Marker]], scope: Scope
) -> None:
    timeline = project.GetCurrentTimeline()
    if timeline is None:
        work.missing.append("no timeline is open in Resolve: open one with the video on it, or leave --markers-on out")
        return
    rate, name = rate_of(timeline.GetSetting("timelineFrameRate")), f"the timeline {timeline.GetName()!r}"
    usable = {}
    for path, clip in work.clips.items():
        media = work.sources[path].media
        if rate is not None and media.rate is not None and media.rate.value != rate.value:
            work.missing.append(
                f"{name} runs at {rate.name} fps and {path.name} at {media.rate.name}: its markers belong on the clip "
                "(--markers-on clips)"
            )
        else:
            usable[path] = clip
    placed = list(_placed_on(work, timeline, usable, name))
    start = whole(timeline.GetStartFrame()) or 0
    for path, clip in usable.items():
        if not any(one == clip.path for one, _, _ in placed):
            work.missing.append(f"{path.name} is not on {name}: put it there, or leave --markers-on out")
    if placed:
        _mark(work, timeline, list(_shown_on(placed, markers, start)), scope, name)


def _placed_on(
    work: _Work, timeline: Timeline, clips: Mapping[Path, Clip], name: str
) -> Iterator[tuple[Path, FrameRange, int]]:
    """Where a timeline shows clips: which frames, and from which frame of the timeline on."""
    start = whole(timeline.GetStartFrame()) or 0
    ids = {clip.item.GetUniqueId(): clip.path for clip in clips.values() if clip.item is not None}
    for index in range(1, (whole(timeline.GetTrackCount("video")) or 0) + 1):
        for item in listed(timeline.GetItemListInTrack("video", index)):
            of_pool = item.GetMediaPoolItem()
            path = ids.get(of_pool.GetUniqueId()) if of_pool is not None else None
            part = stretch_of(item, work.version) if path is not None else None
            if path is None or part is None or part.count < 1 or part.first < 0:
                continue
            if not part.plain_speed:
                work.missing.append(f"{path.name} plays at another speed on {name}: no markers on that part of it")
                continue
            yield path, FrameRange(part.first, part.first + part.count), part.start - start


def _begins_with(timeline: Timeline | None, clip: Clip | None, version: Version) -> bool:
    """Whether the first frame of a timeline is the first frame of a clip."""
    if timeline is None or clip is None or clip.item is None:
        return False
    start = whole(timeline.GetStartFrame())
    for item in listed(timeline.GetItemListInTrack("video", 1)):
        part = stretch_of(item, version)
        if part is not None and part.start == start:
            of_pool = item.GetMediaPoolItem()
            return part.first == 0 and of_pool is not None and of_pool.GetUniqueId() == clip.item.GetUniqueId()
    return False
