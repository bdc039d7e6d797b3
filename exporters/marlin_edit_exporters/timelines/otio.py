"""OpenTimelineIO (`.otio`): cuts as clips with their markers; without cuts, each whole source as one clip.

Times are whole frames at the edit's exact rate. Source ranges and markers on clips count in the media's time code, its
start time code included; the timeline starts at the edit's record start, and markers on it count from there.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable, Sequence
from typing import TYPE_CHECKING, Any

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

if TYPE_CHECKING:
    import opentimelineio as otio

NAMESPACE = "marlin-edit"
_COLOURS = {colour: colour.name for colour in MarkerColour}


def render(edit: Edit, context: Context) -> Rendered:
    """The timeline as OpenTimelineIO's own JSON, with its stock schemas only."""
    layout = laid_out(edit, context)
    target = file_url if context.settings.get("otio_profile") == "generic" else _plain_path
    return Rendered(timeline_text(layout, target), layout.notes)


def timeline_text(layout: Layout, target: Callable[[MediaInfo], str]) -> str:
    """The timeline's JSON; `target` gives the address of each media file."""
    builder = _Builder(layout, target)
    return builder.stand_ins.replaced(builder.timeline().to_json_string(indent=1)) + "\n"


class _Builder:
    """Builds the OpenTimelineIO objects of one layout, at its rate."""

    def __init__(self, layout: Layout, target: Callable[[MediaInfo], str]) -> None:
        self._layout = layout
        self._target = target
        self._rate = float(layout.edit.rate.value)
        self.stand_ins = StandIns(self._rate)

    def timeline(self) -> otio.schema.Timeline:
        """The whole timeline."""
        from opentimelineio import schema

        layout, edit = self._layout, self._layout.edit
        timeline = schema.Timeline(
            name=clean(edit.title), global_start_time=self._time(edit.record_start), metadata={NAMESPACE: _about(edit)}
        )
        for track in layout.tracks:
            on_clips = not layout.markers_on_timeline
            timeline.tracks.append(self._track(track.name, schema.TrackKind.Video, track.placed, with_markers=on_clips))
        if layout.heard:
            timeline.tracks.append(self._track("A1", schema.TrackKind.Audio, layout.heard, with_markers=False))
        if layout.markers_on_timeline:
            shown = ((one, one.record - edit.record_start) for one in layout.on_timeline)
            timeline.tracks.markers.extend(self._markers(shown))
        return timeline

    def _track(self, name: str, kind: str, placements: Sequence[Placed], *, with_markers: bool) -> otio.schema.Track:
        from opentimelineio import schema

        track = schema.Track(name=name, kind=kind)
        position = self._layout.edit.record_start
        for placed in placements:
            if placed.record > position:
                track.append(schema.Gap(source_range=self._range(0, placed.record - position)))
            clip = self._clip(placed)
            if with_markers:
                start = placed.source.media.start_frame
                clip.markers.extend(self._markers((shown, start + shown.frames.first) for shown in placed.shown))
            track.append(clip)
            position = placed.record_stop
        end = self._layout.edit.record_start + self._layout.length
        if position < end:
            track.append(schema.Gap(source_range=self._range(0, end - position)))
        return track

    def _clip(self, placed: Placed) -> otio.schema.Clip:
        from opentimelineio import schema

        media = placed.source.media
        reference = schema.ExternalReference(
            target_url=self._target(media),
            available_range=self._range(media.start_frame, media.frame_count) if media.frame_count else None,
        )
        reference.name = file_name(media)
        return schema.Clip(
            name=placed.name,
            media_reference=reference,
            source_range=self._range(media.start_frame + placed.frames.first, placed.frames.count),
            metadata={NAMESPACE: _about_placed(placed)},
        )

    def _markers(self, shown: Iterable[tuple[Shown, int]]) -> list[otio.schema.Marker]:
        """Markers with the first frame of each."""
        return self.stand_ins.of(
            OtioMarker(
                one.name,
                first,
                one.frames.count,
                _COLOURS[one.marker.colour],
                one.note(on_timeline=self._layout.markers_on_timeline),
                {NAMESPACE: _about_marker(one.marker)},
            )
            for one, first in shown
        )

    def _time(self, frame: int) -> otio.opentime.RationalTime:
        from opentimelineio import opentime

        return opentime.RationalTime(frame, self._rate)

    def _range(self, first: int, count: int) -> otio.opentime.TimeRange:
        from opentimelineio import opentime

        return opentime.TimeRange(self._time(first), self._time(count))


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
