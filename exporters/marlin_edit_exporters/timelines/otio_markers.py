"""The markers of an `.otio` that Resolve, Kdenlive, another program or marlin-edit wrote: on clips and on the timeline.

A marker on a clip counts as the clip's source range does, from where the file says that the media begins; Kdenlive
counts from the clip's first frame. A marker on the timeline lies in the source where the clip below it does.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any
from urllib.parse import unquote

from marlin_edit.conform import file_name
from marlin_edit.errors import MarlinEditError
from marlin_edit.interfaces import GivenMarker, GivenMarkers
from marlin_edit.json_values import refuse_deep, utf8_text
from marlin_edit.markers import read_note
from marlin_edit.media import MediaInfo
from marlin_edit.text import clean
from marlin_edit.timebase import FrameRange, FrameRate
from marlin_edit_exporters.timelines.own_process import in_own_process
from marlin_edit_exporters.timelines.placing import Part, placed

if TYPE_CHECKING:
    import opentimelineio as otio

KDENLIVE = "kdenlive"
RESOLVE, NOTE = "Resolve_OTIO", "Note"
"""Where Resolve keeps a marker's note: `metadata[RESOLVE][NOTE]`."""


def read_markers(content: bytes, media: MediaInfo) -> GivenMarkers:
    """The markers on the clips of `media`, and those on the timeline; MarlinEditError for what is no timeline.

    Another process reads them: values of kinds that OpenTimelineIO does not expect end its process.
    """
    text = utf8_text(content, _CALLED)
    refuse_deep(text, _CALLED)
    try:
        json.loads(text)
    except ValueError as error:
        raise MarlinEditError(f"This is not {_CALLED}: {error}.") from error
    if media.rate is None:
        raise MarlinEditError(f"{file_name(media)} has no picture, so it has no frames to mark.")
    return in_own_process(markers_in, _CALLED, text.encode(), media)


def markers_in(content: bytes, media: MediaInfo) -> GivenMarkers:
    """The same, in this process."""
    import opentimelineio as otio

    assert media.rate is not None
    timeline = _timeline(content.decode())
    clips = [clip for clip in timeline.find_clips() if isinstance(clip.media_reference, otio.schema.ExternalReference)]
    of_media = [clip for clip in clips if _names(clip, media)]
    if clips and not of_media:
        names = sorted({_last_part(clip) for clip in clips})
        raise MarlinEditError(f"None of its clips is of {file_name(media)}; they are of {', '.join(names)}.")
    reading = _Reading(timeline, media, media.rate)
    found = [*reading.on_timeline(), *(marker for clip in of_media for marker in reading.on_clip(clip))]
    covered = tuple(_covered(*reading.shown(clip)[:2]) for clip in of_media)
    return GivenMarkers(tuple(found), covered)


_CALLED = "an OpenTimelineIO file"


def _timeline(text: str) -> Any:
    import opentimelineio as otio

    try:
        timeline = otio.adapters.read_from_string(text, "otio_json")
    except Exception as error:  # the library also raises KeyError and its like, by what it expected
        raise MarlinEditError(f"This is not {_CALLED}: {' '.join(str(error).split())}") from error
    if not isinstance(timeline, otio.schema.Timeline):
        raise MarlinEditError("This OpenTimelineIO file is not a timeline.")
    return timeline


@dataclass(frozen=True)
class _Item:
    """Something on a track, from the record frame `record` on, which counts from the timeline's beginning."""

    item: Any
    record: int


class _Reading:
    """A timeline, whose times are turned into frames of the media."""

    def __init__(self, timeline: otio.schema.Timeline, media: MediaInfo, rate: FrameRate) -> None:
        self._timeline = timeline
        self._media = media
        self._rate = rate
        self._from_resolve = RESOLVE in timeline.metadata
        start = timeline.global_start_time
        self._begin = self._frames(start) if start is not None else 0

    def on_timeline(self) -> Iterator[GivenMarker]:
        """The markers of the timeline, of its tracks and of gaps."""
        import opentimelineio as otio

        tracks = [track for track in self._timeline.tracks if isinstance(track, otio.schema.Track)]
        items = {id(track): list(self._items_of(track)) for track in tracks}
        videos = [track for track in tracks if track.kind == otio.schema.TrackKind.Video]
        parts = [part for track in videos or tracks for part in self._parts(items[id(track)])]
        length = max((self._end(items[id(track)]) for track in tracks), default=0)
        for owner in (self._timeline.tracks, *tracks):
            for marker in owner.markers:
                yield self._on_timeline(marker, 0, parts, length)
        for gap in (one for track in tracks for one in items[id(track)] if isinstance(one.item, otio.schema.Gap)):
            own = self._frames(gap.item.trimmed_range().start_time)
            for marker in gap.item.markers:
                yield self._on_timeline(marker, gap.record - own, parts, length)

    def on_clip(self, clip: otio.schema.Clip) -> Iterator[GivenMarker]:
        """The markers of a clip of the media."""
        first, _, zero = self.shown(clip)
        for marker in clip.markers:
            name, note, put = self._told(marker)
            at, count = self._range(marker)
            frame = at - zero
            if KDENLIVE in marker.metadata:
                # Kdenlive adds the clip's beginning as the file writes it, start time code or not.
                frame = at + first + zero
            elif frame < 0 and first == 0:
                frame = at
            elif frame < 0:
                if put is None:
                    yield GivenMarker(name, note, -1, 1, unplaced="the file does not tell where on its clip it lies")
                else:
                    yield GivenMarker(name, note, put.frames.first, put.frames.count, put)
                continue
            yield GivenMarker(name, note, frame, count, put)

    def shown(self, clip: otio.schema.Clip) -> tuple[int, int, int]:
        """The first frame of the media that a clip shows, how many, and what the file calls the media's frame zero."""
        shown = clip.trimmed_range()
        first, count = self._frames(shown.start_time), self._frames(shown.duration)
        available = clip.media_reference.available_range
        if available is not None:
            zero = self._frames(available.start_time)
        else:
            zero = self._media.start_frame if first >= self._media.start_frame else 0
        return first - zero, count, zero

    def _on_timeline(self, marker: Any, zero: int, parts: list[Part], length: int) -> GivenMarker:
        name, note, put = self._told(marker)
        at, count = self._range(marker)
        record = at + zero
        if not record < length and 0 <= record - self._begin < length:
            record -= self._begin  # some programs count the timeline's own time code
        given = GivenMarker(name, note, record, count, put, on_timeline=True)
        if not parts and length == 0:
            return GivenMarker(name, note, record + self._begin, count, put, on_timeline=True)
        return placed(given, parts, self._rate.timecode(self._begin + record))

    def _items_of(self, track: otio.schema.Track) -> Iterator[_Item]:
        import opentimelineio as otio

        position = otio.opentime.RationalTime(0, float(self._rate.value))
        for item in track:
            if isinstance(item, otio.schema.Transition):
                continue
            yield _Item(item, self._frames(position))
            position += item.trimmed_range().duration

    def _parts(self, items: list[_Item]) -> Iterator[Part]:
        import opentimelineio as otio

        for one in items:
            clip = one.item
            if not isinstance(clip, otio.schema.Clip) or not _names(clip, self._media):
                continue
            if any(isinstance(effect, otio.schema.TimeEffect) for effect in clip.effects):
                continue
            first, count, _ = self.shown(clip)
            yield Part(first, count, one.record)

    def _end(self, items: list[_Item]) -> int:
        return items[-1].record + self._frames(items[-1].item.trimmed_range().duration) if items else 0

    def _told(self, marker: Any) -> tuple[str, str, Any]:
        comment = marker.comment or ""
        own = marker.metadata.get(RESOLVE)
        theirs = own.get(NOTE) if isinstance(own, Mapping) or hasattr(own, "get") else None
        if isinstance(theirs, str) and theirs.strip() and (self._from_resolve or not comment.strip()):
            comment = theirs
        note, put = read_note(comment)
        if put is None:
            # What a program loses of the note, it may keep in metadata of its own.
            _, put = read_note(json.dumps(_plain(marker.metadata)))
        return clean(marker.name), clean(note), put

    def _range(self, marker: Any) -> tuple[int, int]:
        marked = marker.marked_range
        return self._frames(marked.start_time), max(1, self._frames(marked.duration))

    def _frames(self, time: otio.opentime.RationalTime) -> int:
        value: float = time.rescaled_to(float(self._rate.value)).value
        return round(value)


def _covered(first: int, count: int) -> FrameRange:
    first = max(0, first)
    return FrameRange(first, first + max(1, count))


def _names(clip: Any, media: MediaInfo) -> bool:
    reference = clip.media_reference
    if not hasattr(reference, "target_url"):
        return False
    return file_name(media) in (clean(reference.name), _last_part(clip))


def _last_part(clip: Any) -> str:
    """The file name in a clip's target, which is a path or a URL."""
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
