"""OpenTimelineIO (`.otio`): cuts as clips with their markers; without cuts, each whole source as one clip.

Times are whole frames at the edit's exact rate. Source ranges and markers on clips count in the media's time code, its
start time code included; the timeline starts at the edit's record start, and markers on it count from there. For
Kdenlive markers on clips count from the clip's first frame. A comment begins with the marker's name, because some
programs show it alone. Each audio stream has a track; its clips name their channels as Resolve does.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from typing import TYPE_CHECKING, Any

from marlin_edit.analysis import Analysis, Finding
from marlin_edit.conform import file_name, file_url, full_path
from marlin_edit.edit import Edit
from marlin_edit.errors import MarlinEditError
from marlin_edit.interfaces import Context, Rendered
from marlin_edit.markers import Marker, MarkerColour, Shown
from marlin_edit.media import MediaInfo
from marlin_edit.text import clean
from marlin_edit.timebase import seconds_text
from marlin_edit.timeline import Layout, Placed, SoundTrack, laid_out
from marlin_edit_exporters.timelines.otio_marker_text import OtioMarker, StandIns
from marlin_edit_exporters.timelines.otio_markers import KDENLIVE, NOTE, RESOLVE

if TYPE_CHECKING:
    import opentimelineio as otio

NAMESPACE = "marlin-edit"
_COLOURS = {colour: colour.name for colour in MarkerColour}
_RESOLVE_TRACKS = {1: "Mono", 2: "Stereo"}
_KDENLIVE_CATEGORIES = {
    MarkerColour.PURPLE: 0,
    MarkerColour.BLUE: 1,
    MarkerColour.CYAN: 2,
    MarkerColour.GREEN: 3,
    MarkerColour.YELLOW: 4,
    MarkerColour.ORANGE: 5,
    MarkerColour.RED: 6,
    MarkerColour.PINK: 7,
}
"""The categories that Kdenlive has from the start, by their colours."""


def render(edit: Edit, context: Context) -> Rendered:
    """The timeline as OpenTimelineIO's own JSON, with its stock schemas only."""
    layout = laid_out(edit, context, several_rates=True)
    profile = context.settings.get("otio_profile")
    # Kdenlive takes a path for a URL, so that `#` would end it.
    target = file_url if profile in ("generic", KDENLIVE) else _plain_path
    return Rendered(timeline_text(layout, target, for_kdenlive=profile == KDENLIVE), layout.notes)


def timeline_text(layout: Layout, target: Callable[[MediaInfo], str], *, for_kdenlive: bool = False) -> str:
    """The timeline's JSON; `target` gives the address of each media file."""
    builder = _Builder(layout, target, for_kdenlive=for_kdenlive)
    return builder.stand_ins.replaced(builder.timeline().to_json_string(indent=1)) + "\n"


class _Builder:
    """Builds the OpenTimelineIO objects of one layout, at its rate."""

    def __init__(self, layout: Layout, target: Callable[[MediaInfo], str], *, for_kdenlive: bool) -> None:
        self._layout = layout
        self._target = target
        self._for_kdenlive = for_kdenlive
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
        for sound in layout.sound_tracks:
            timeline.tracks.append(self._sound_track(sound))
        if layout.markers_on_timeline:
            shown = ((one, one.record - edit.record_start) for one in layout.on_timeline)
            timeline.tracks.markers.extend(self._markers(shown, self._rate))
        return timeline

    def _sound_track(self, sound: SoundTrack) -> otio.schema.Track:
        from opentimelineio import schema

        track = self._track(sound.name, schema.TrackKind.Audio, sound.placed, with_markers=False)
        track.metadata[NAMESPACE] = {"channels": sound.channels}
        if sound.channels in _RESOLVE_TRACKS:
            track.metadata[RESOLVE] = {"Audio Type": _RESOLVE_TRACKS[sound.channels]}
        for clip, placed in zip(track.find_clips(), sound.placed, strict=True):
            stream = sound.stream_of(placed)
            clip.metadata[NAMESPACE]["stream"] = stream.index
            clip.metadata[NAMESPACE]["sound"] = stream.detail
            clip.metadata[RESOLVE] = {
                "Channels": [
                    {"Source Channel ID": channel, "Source Track ID": sound.number} for channel in range(sound.channels)
                ]
            }
        return track

    def _track(self, name: str, kind: str, placements: Sequence[Placed], *, with_markers: bool) -> otio.schema.Track:
        from opentimelineio import schema

        track = schema.Track(name=name, kind=kind)
        position = self._layout.edit.record_start
        for placed in placements:
            if placed.record > position:
                track.append(schema.Gap(source_range=self._range(0, placed.record - position)))
            clip = self._clip(placed)
            if with_markers:
                start = self._zero_of_markers(placed)
                shown = ((one, start + one.frames.first) for one in placed.shown)
                clip.markers.extend(self._markers(shown, _rate_of(placed.source.media)))
            track.append(clip)
            position = placed.record_stop
        end = self._layout.edit.record_start + self._layout.length
        if position < end:
            track.append(schema.Gap(source_range=self._range(0, end - position)))
        return track

    def _zero_of_markers(self, placed: Placed) -> int:
        """What a marker on the source's frame zero has as its time."""
        start = placed.source.media.start_frame
        # Kdenlive puts a marker at the file's frame `start of the clip's source range + start of the marker`.
        return -(start + placed.frames.first) if self._for_kdenlive else start

    def _clip(self, placed: Placed) -> otio.schema.Clip:
        from opentimelineio import opentime, schema

        media = placed.source.media
        rate = _rate_of(media)
        reference = schema.ExternalReference(
            target_url=self._target(media),
            available_range=opentime.TimeRange(
                opentime.RationalTime(media.start_frame, rate), opentime.RationalTime(media.frame_count, rate)
            )
            if media.frame_count
            else None,
        )
        reference.name = file_name(media)
        return schema.Clip(
            name=placed.name,
            media_reference=reference,
            # On the timeline it takes whole frames of the timeline.
            source_range=opentime.TimeRange(
                opentime.RationalTime(media.start_frame + placed.frames.first, rate), self._time(placed.length)
            ),
            metadata={NAMESPACE: _about_placed(placed)},
        )

    def _markers(self, shown: Iterable[tuple[Shown, int]], rate: float) -> list[otio.schema.Marker]:
        """Markers with the first frame of each, which counts at a rate."""
        markers = (
            OtioMarker(
                one.name,
                first,
                one.frames.count,
                _COLOURS[one.marker.colour],
                one.note(on_timeline=self._layout.markers_on_timeline, alone=True),
                self._metadata(one),
            )
            for one, first in shown
        )
        return self.stand_ins.of(markers, rate)

    def _metadata(self, shown: Shown) -> dict[str, Any]:
        metadata: dict[str, Any] = {NAMESPACE: _about_marker(shown.marker)}
        if self._for_kdenlive:
            return metadata | {KDENLIVE: {"type": _KDENLIVE_CATEGORIES[shown.marker.colour]}}
        return metadata | {RESOLVE: {NOTE: shown.note(on_timeline=self._layout.markers_on_timeline)}}

    def _time(self, frame: int) -> otio.opentime.RationalTime:
        from opentimelineio import opentime

        return opentime.RationalTime(frame, self._rate)

    def _range(self, first: int, count: int) -> otio.opentime.TimeRange:
        from opentimelineio import opentime

        return opentime.TimeRange(self._time(first), self._time(count))


def _rate_of(media: MediaInfo) -> float:
    assert media.rate is not None
    return float(media.rate.value)


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
