"""OpenTimelineIO (`.otio`): cuts as clips with their markers; without cuts, each whole source as one clip.

Times are whole frames at the edit's exact rate. Source ranges and markers on clips count in the media's time code, its
start time code included; the timeline starts at the edit's record start, and markers on it count from there.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable
from typing import Any

from marlin_edit.analysis import Analysis, Finding
from marlin_edit.conform import file_name, file_url, full_path
from marlin_edit.edit import Edit
from marlin_edit.errors import MarlinEditError
from marlin_edit.interfaces import Context, GivenMarker, GivenMarkers, Rendered
from marlin_edit.markers import Marker, MarkerColour, Shown, read_note
from marlin_edit.media import MediaInfo
from marlin_edit.text import clean
from marlin_edit.timebase import FrameRange, seconds_text
from marlin_edit.timeline import Layout, Placed, laid_out
from marlin_edit_exporters.timelines.otio_markers import OtioMarker, StandIns

NAMESPACE = "marlin-edit"
_COLOURS = {colour: colour.name for colour in MarkerColour}


def render(edit: Edit, context: Context) -> Rendered:
    """The timeline as OpenTimelineIO's own JSON, with its stock schemas only."""
    layout = laid_out(edit, context)
    target = file_url if context.settings.get("otio_profile") == "generic" else _plain_path
    return Rendered(timeline_text(layout, target), layout.notes)


def timeline_text(layout: Layout, target: Callable[[MediaInfo], str]) -> str:
    """The timeline's JSON; `target` says where each media is."""
    import opentimelineio as otio

    edit = layout.edit
    rate = float(edit.rate.value)

    def frame(number: int) -> otio.opentime.RationalTime:
        return otio.opentime.RationalTime(number, rate)

    def span(first: int, count: int) -> otio.opentime.TimeRange:
        return otio.opentime.TimeRange(frame(first), frame(count))

    def reference(media: MediaInfo) -> otio.schema.ExternalReference:
        found = otio.schema.ExternalReference(
            target_url=target(media),
            available_range=span(media.start_frame, media.frame_count) if media.frame_count else None,
        )
        found.name = file_name(media)
        return found

    def clip(placed: Placed) -> otio.schema.Clip:
        media = placed.source.media
        return otio.schema.Clip(
            name=placed.name,
            media_reference=reference(media),
            source_range=span(media.start_frame + placed.frames.first, placed.frames.count),
            metadata={NAMESPACE: _about_placed(placed)},
        )

    stand_ins = StandIns(rate)

    def markers(several: Iterable[tuple[Shown, int]]) -> list[otio.schema.Marker]:
        return stand_ins.of(
            OtioMarker(
                shown.name,
                first,
                shown.frames.count,
                _COLOURS[shown.marker.colour],
                shown.note(on_timeline=layout.markers_on_timeline),
                {NAMESPACE: _about_marker(shown.marker)},
            )
            for shown, first in several
        )

    def track(name: str, kind: str, stretches: tuple[Placed, ...], *, with_markers: bool) -> otio.schema.Track:
        made = otio.schema.Track(name=name, kind=kind)
        position = edit.record_start
        for placed in stretches:
            if placed.record > position:
                made.append(otio.schema.Gap(source_range=span(0, placed.record - position)))
            item = clip(placed)
            if with_markers:
                start = placed.source.media.start_frame
                item.markers.extend(markers((shown, start + shown.frames.first) for shown in placed.shown))
            made.append(item)
            position = placed.record_stop
        if position < edit.record_start + layout.length:
            made.append(otio.schema.Gap(source_range=span(0, edit.record_start + layout.length - position)))
        return made

    timeline = otio.schema.Timeline(
        name=clean(edit.title), global_start_time=frame(edit.record_start), metadata={NAMESPACE: _about(edit)}
    )
    for one in layout.tracks:
        made = track(one.name, otio.schema.TrackKind.Video, one.placed, with_markers=not layout.markers_on_timeline)
        timeline.tracks.append(made)
    if layout.heard:
        timeline.tracks.append(track("A1", otio.schema.TrackKind.Audio, layout.heard, with_markers=False))
    if layout.markers_on_timeline:
        shown_there = ((shown, shown.record - edit.record_start) for shown in layout.on_timeline)
        timeline.tracks.markers.extend(markers(shown_there))
    return stand_ins.replaced(timeline.to_json_string(indent=1)) + "\n"


def read_markers(content: bytes, media: MediaInfo) -> GivenMarkers:
    """The markers on the clips of `media`, and those on the timeline; MarlinEditError for what is no timeline."""
    import opentimelineio as otio

    try:
        timeline = otio.adapters.read_from_string(content.decode("utf-8"), "otio_json")
    except (otio.exceptions.OTIOError, ValueError) as error:
        raise MarlinEditError(f"This is not an OpenTimelineIO file: {' '.join(str(error).split())}") from error
    if not isinstance(timeline, otio.schema.Timeline) or media.rate is None:
        raise MarlinEditError("This OpenTimelineIO file is not a timeline, or its media has no picture.")
    rate = float(media.rate.value)

    def given(marker: Any, zero: int, *, on_timeline: bool) -> GivenMarker:
        # What a program loses of the note, it may keep in metadata of its own.
        note, put = read_note(marker.comment or "")
        if put is None:
            _, put = read_note(json.dumps(_plain(marker.metadata)))
        first, count = (
            round(time.rescaled_to(rate).value)
            for time in (marker.marked_range.start_time, marker.marked_range.duration)
        )
        return GivenMarker(clean(marker.name), clean(note), first + zero, max(count, 1), put, on_timeline)

    start = timeline.global_start_time
    record_start = round(start.rescaled_to(rate).value) if start is not None else 0
    found = [given(marker, record_start, on_timeline=True) for marker in timeline.tracks.markers]
    clips = [clip for clip in timeline.find_clips() if isinstance(clip.media_reference, otio.schema.ExternalReference)]
    of_media = [clip for clip in clips if _names(clip, media)]
    if clips and not of_media:
        names = sorted({_last_part(clip) for clip in clips})
        raise MarlinEditError(f"None of its clips is of {file_name(media)}; they are of {', '.join(names)}.")
    covered = []
    for clip in of_media:
        found += [given(marker, -media.start_frame, on_timeline=False) for marker in clip.markers]
        shown = clip.trimmed_range()
        first, count = (round(time.rescaled_to(rate).value) for time in (shown.start_time, shown.duration))
        first = max(0, first - media.start_frame)
        covered.append(FrameRange(first, first + max(1, count)))
    return GivenMarkers(tuple(found), tuple(covered))


def _names(clip: Any, media: MediaInfo) -> bool:
    return file_name(media) in (clean(clip.media_reference.name), _last_part(clip))


def _last_part(clip: Any) -> str:
    """The file name in a clip's target, which is a path or a URL."""
    from urllib.parse import unquote

    target: str = clip.media_reference.target_url
    name = target.replace("\\", "/").rpartition("/")[2]
    return clean(unquote(name) if target.startswith("file:") else name)


def _plain(metadata: Any) -> Any:
    """Metadata as what JSON takes."""
    if isinstance(metadata, (str, int, float, bool)) or metadata is None:
        return metadata
    if hasattr(metadata, "items"):
        return {str(key): _plain(value) for key, value in metadata.items()}
    return [_plain(value) for value in metadata] if hasattr(metadata, "__iter__") else str(metadata)


def _about_marker(marker: Marker) -> dict[str, Any]:
    item = marker.item
    about: dict[str, Any] = {"id": marker.id}
    if isinstance(item, Finding):
        about |= _about_finding(item)
    else:
        about["kind"] = "event"
    about |= {"start": seconds_text(item.span.start), "end": seconds_text(item.span.end)}
    if item.flags:
        about["flags"] = [clean(flag) for flag in item.flags]
    return about


def _about_finding(finding: Finding) -> dict[str, Any]:
    about: dict[str, Any] = {"kind": "finding", "query": clean(finding.query)}
    if finding.score is not None:
        about["score"] = finding.score
    return about


def _about_placed(placed: Placed) -> dict[str, Any]:
    return _about_source(placed.source) | (_about_finding(placed.finding) if placed.finding is not None else {})


def _about_source(source: Analysis) -> dict[str, Any]:
    media = source.media
    about: dict[str, Any] = {}
    if media.reel:
        about["reel"] = clean(media.reel)
    if media.fingerprint:
        about["fingerprint"] = clean(media.fingerprint)
    return about


def _about(edit: Edit) -> dict[str, Any]:
    models = sorted({clean(str(source.model)) for source in edit.sources if source.model is not None})
    return {"rate": str(edit.rate.value), "drop_frame": edit.rate.drop_frame, "models": models, "auto_generated": True}


def _plain_path(media: MediaInfo) -> str:
    """The plain absolute path: Resolve finds media by it, and not by a percent-encoded URL."""
    return _unicode(full_path(media))


def _unicode(target: str) -> str:
    try:
        target.encode()
    except UnicodeEncodeError as error:
        raise MarlinEditError(f"The name of {target!r} is not Unicode, and .otio is. Rename the file first.") from error
    return target
