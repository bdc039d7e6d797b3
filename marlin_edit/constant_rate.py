"""Sources of variable rate as editing programs count them: each frame at the nearest frame of the nominal rate.

A program places a source of variable rate on a timeline of constant rate, by the time of each frame. So what goes there
counts those frames, and not the presented ones: a frame at 50 s is frame 1500 at 30 fps, however many came before it.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import TypeVar

from marlin_edit.analysis import Analysis, Event, Finding
from marlin_edit.edit import Cut, Edit
from marlin_edit.markers import frames_or_none, identified
from marlin_edit.media import MediaInfo
from marlin_edit.timebase import FrameRange, Span

_Item = TypeVar("_Item", Event, Finding)


def nominal_range(media: MediaInfo, frames: FrameRange) -> FrameRange:
    """The frames at the nominal rate that presented frames are shown in; at least one."""
    first = media.nominal_frame(frames.first)
    return FrameRange(first, max(first + 1, media.nominal_frame(frames.stop)))


def at_constant_rate(edit: Edit) -> Edit:
    """The edit with all frames, spans and media counted at the nominal rate; sources of constant rate as they are."""
    if not any(source.media.variable_rate for source in (*edit.sources, *(cut.source for cut in edit.cuts))):
        return edit
    changed: dict[int, Analysis] = {}  # by the ids of the edit's own sources

    def of(source: Analysis) -> Analysis:
        if id(source) not in changed:
            changed[id(source)] = analysis_at_constant_rate(source)
        return changed[id(source)]

    sources = tuple(of(source) for source in edit.sources)
    return replace(edit, sources=sources, cuts=tuple(_cut(cut, of(cut.source)) for cut in edit.cuts))


def analysis_at_constant_rate(source: Analysis) -> Analysis:
    """The analysis with its media and all spans at the nominal rate. Markers keep their ids."""
    media = source.media
    if media.times is None or media.rate is None:
        return source
    length = max(1, media.nominal_frame(media.frame_count))
    constant = replace(media, times=None, frame_count=length, duration=media.rate.seconds(length))
    ids = {id(item): marker_id for marker_id, item in identified(source)}
    return replace(
        source,
        media=constant,
        scenes=tuple(replace(scene, span=_span(scene.span, media)) for scene in source.scenes),
        events=tuple(_item(event, media, ids) for event in source.events),
        findings=tuple(_item(finding, media, ids) for finding in source.findings),
    )


def with_own_times(changed: Analysis, counted: Analysis, source: Analysis) -> Analysis:
    """What was changed at the nominal rate, as the source has it: what was not moved has its own times again.

    Args:
        changed: `counted`, after changes.
        counted: `analysis_at_constant_rate(source)`.
        source: The analysis.
    """
    if counted is source:
        return changed
    pairs = zip(identified(counted), identified(source), strict=True)
    known = {marker_id: (one.span, original) for (marker_id, one), (_, original) in pairs}

    def own(item: _Item) -> _Item:
        if item.marker_id not in known:
            return item
        span, original = known[item.marker_id]
        if item.span == span:
            item = replace(item, span=original.span)
        untouched = replace(item, marker_id=original.marker_id)
        return untouched if untouched == original else item

    return replace(
        changed,
        media=source.media,
        scenes=source.scenes,
        events=tuple(map(own, changed.events)),
        findings=tuple(map(own, changed.findings)),
    )


def _item(item: _Item, media: MediaInfo, ids: Mapping[int, str]) -> _Item:
    return replace(item, span=_span(item.span, media), marker_id=ids[id(item)])


def _span(span: Span, media: MediaInfo) -> Span:
    frames = frames_or_none(span, media)
    if frames is None or media.rate is None:
        return span
    nominal = nominal_range(media, frames)
    return Span(media.rate.seconds(nominal.first), media.rate.seconds(nominal.stop))


def _cut(cut: Cut, source: Analysis) -> Cut:
    if source is cut.source:
        return cut
    media = cut.source.media
    finding = cut.finding
    if finding is not None and finding in cut.source.findings:
        finding = source.findings[cut.source.findings.index(finding)]
    before = None if cut.before_snap is None else nominal_range(media, cut.before_snap)
    return replace(cut, source=source, frames=nominal_range(media, cut.frames), finding=finding, before_snap=before)
