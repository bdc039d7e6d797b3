"""An edit laid out on tracks, as timelines show it: the basis of every timeline format.

Source frames count from the source's zero, record frames from 00:00:00:00 of the finished programme. Without cuts, the
whole sources follow one another.
"""

from __future__ import annotations

from bisect import bisect_left, bisect_right
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from itertools import accumulate
from pathlib import Path

from marlin_edit.analysis import Analysis, Finding
from marlin_edit.conform import (
    channels_of,
    check_one_rate,
    file_name,
    file_stem,
    notes_on_other_rates,
    sounds,
    sources_used,
)
from marlin_edit.edit import Cut, Edit
from marlin_edit.errors import MarlinEditError
from marlin_edit.interfaces import Context
from marlin_edit.markers import NAME_LENGTH, Marker, Shown, colours_of, markers_of, part_shown
from marlin_edit.media import Stream
from marlin_edit.text import clean, counted, shortened
from marlin_edit.timebase import FrameRange


@dataclass(frozen=True)
class Placed:
    """A part of a source on a track, with its markers.

    Attributes:
        source: The source.
        frames: Its frames, counted from the source's zero.
        record: The record frame at which it begins.
        length: How many record frames it takes; as many as it has frames, if its rate is the edit's.
        name: What the clip is called.
        finding: What it was kept for, if a query found it.
        shown: The markers on it.
    """

    source: Analysis
    frames: FrameRange
    record: int
    length: int
    name: str
    finding: Finding | None
    shown: tuple[Shown, ...]

    @property
    def record_stop(self) -> int:
        """The first record frame after it."""
        return self.record + self.length


@dataclass(frozen=True)
class Track:
    """Parts of sources in order of record time; there may be gaps between them."""

    name: str
    placed: tuple[Placed, ...]


@dataclass(frozen=True)
class SoundTrack:
    """The parts whose sources have one kind of sound as their n-th audio stream.

    Attributes:
        name: What it is called: by the stream's title or language if all have the same, else `A1`, `A2`, ...
        number: Which of the sources' audio streams it holds, from 0.
        channels: How many channels the stream has.
        placed: The parts in order of record time.
    """

    name: str
    number: int
    channels: int
    placed: tuple[Placed, ...]

    def stream_of(self, placed: Placed) -> Stream:
        """The audio stream of a part on this track."""
        return sounds(placed.source.media)[self.number]

    def first_channel_of(self, placed: Placed) -> int:
        """The number of its first channel among all channels of the file, from 0."""
        return sum(map(channels_of, sounds(placed.source.media)[: self.number]))


@dataclass(frozen=True)
class Layout:
    """An edit on its tracks.

    Attributes:
        edit: The edit.
        tracks: The tracks, the lowest first.
        heard: The parts whose sound is heard, in order of record time.
        notes: What the person should know, one sentence each.
        markers_on_timeline: Whether markers belong to the timeline, not to the clips.
        sources: The sources in use, in the order of their first part.
    """

    edit: Edit
    tracks: tuple[Track, ...]
    heard: tuple[Placed, ...]
    notes: tuple[str, ...]
    markers_on_timeline: bool
    sources: tuple[Analysis, ...]

    @property
    def length(self) -> int:
        """Frames from the record start to the end."""
        ends = [track.placed[-1].record_stop for track in self.tracks if track.placed]
        return max(ends, default=self.edit.record_start) - self.edit.record_start

    @property
    def placed(self) -> Iterator[Placed]:
        """Every part of a source, of the lowest track first."""
        for track in self.tracks:
            yield from track.placed

    @property
    def sound_tracks(self) -> tuple[SoundTrack, ...]:
        """A track for each audio stream of the sources; streams of different numbers of channels do not share one."""
        placed: dict[tuple[int, int], list[Placed]] = {}
        for one in self.heard:
            for number, stream in enumerate(sounds(one.source.media)):
                placed.setdefault((number, channels_of(stream)), []).append(one)
        tracks = []
        for index, ((number, channels), parts) in enumerate(sorted(placed.items()), 1):
            streams = [sounds(one.source.media)[number] for one in parts]
            told = {clean(stream.title or stream.language or "") for stream in streams}
            name = told.pop() if len(told) == 1 else ""
            tracks.append(SoundTrack(shortened(name, NAME_LENGTH) or f"A{index}", number, channels, tuple(parts)))
        return tuple(tracks)

    @property
    def on_timeline(self) -> list[Shown]:
        """Every marker in order of record time."""
        return sorted((shown for placed in self.placed for shown in placed.shown), key=lambda shown: shown.record)


class _Markers:
    """The markers of one source, in order, so that those inside a range of frames are found quickly."""

    def __init__(self, markers: Sequence[Marker]) -> None:
        self.markers = markers
        self._firsts = [marker.frames.first for marker in markers]
        self._latest_stops = list(accumulate((marker.frames.stop for marker in markers), max))

    def inside(self, frames: FrameRange) -> Iterator[Marker]:
        """The markers that share a frame with the range."""
        begin, end = bisect_right(self._latest_stops, frames.first), bisect_left(self._firsts, frames.stop)
        return (marker for marker in self.markers[begin:end] if marker.frames.stop > frames.first)


def laid_out(edit: Edit, context: Context, *, one_track: bool = False, several_rates: bool = False) -> Layout:
    """Lay the edit out on tracks, as the settings `tracks` and `markers_on` want it.

    Args:
        edit: The edit.
        context: The exporter's context.
        one_track: For formats that have only one.
        several_rates: For formats whose sources may have other rates than the edit.

    Raises:
        MarlinEditError: A source has another rate than the edit, or a whole source has no known length.
    """
    notes: list[str] = []
    if several_rates:
        notes += notes_on_other_rates(edit)
    else:
        check_one_rate(edit)
    colours = colours_of(edit)
    known: dict[Path, _Markers] = {}
    for source in sources_used(edit):
        markers, left_out = markers_of(source, colours)
        known[source.media.path] = _Markers(markers)
        notes += left_out
    apart = context.settings.get("tracks") == "apart" and not one_track
    if edit.cuts:
        tracks = _cuts_on_tracks(edit, known, apart)
        heard = sorted((one for track in tracks for one in track.placed), key=lambda one: one.record)
    else:
        tracks = _sources_on_tracks(edit, known, apart)
        heard = list(tracks[0].placed)
    shown = {id(shown.marker) for track in tracks for placed in track.placed for shown in placed.shown}
    outside = sum(len(markers.markers) for markers in known.values()) - len(shown)
    if outside:
        notes.append(f"{counted(outside, 'marker')} left out, outside all cuts")
    on_timeline = context.settings.get("markers_on") == "timeline"
    used = tuple({placed.source.media.path: placed.source for track in tracks for placed in track.placed}.values())
    with_sound = tuple(one for one in heard if sounds(one.source.media))
    return Layout(edit, tracks, with_sound, tuple(notes), on_timeline, used)


def notes_on_one_track(edit: Edit, context: Context) -> tuple[str, ...]:
    """The note of a format with one track if several tracks are wanted."""
    wanted: set[str | None] = set(_queries_of(edit.cuts))
    if not edit.cuts:
        wanted = {clean(finding.query) for source in edit.sources for finding in source.findings}
        wanted |= {None for source in edit.sources if source.events}
    if context.settings.get("tracks") != "apart" or len(wanted) < 2:
        return ()
    return ("all on one track, because this format has only one; .otio, .fcpxml, .xml and .mlt have several",)


def _queries_of(cuts: Iterable[Cut]) -> list[str]:
    return [clean(cut.finding.query) if cut.finding is not None else "" for cut in cuts]


def _placed(
    edit: Edit,
    source: Analysis,
    frames: FrameRange,
    record: int,
    name: str,
    finding: Finding | None,
    markers: _Markers,
) -> Placed:
    shown = tuple(part_shown(marker, frames, record) for marker in markers.inside(frames))
    rate = source.media.rate
    if rate is not None and rate.value != edit.rate.value:
        shown = tuple(
            replace(one, record=record + edit.rate.nearest_frame(rate.seconds(one.record - record))) for one in shown
        )
    length = edit.record_length(source.media, frames)
    return Placed(source, frames, record, length, shortened(name, NAME_LENGTH), finding, shown)


def _cuts_on_tracks(edit: Edit, known: dict[Path, _Markers], apart: bool) -> tuple[Track, ...]:
    tracks: dict[str, list[Placed]] = {}
    for cut, record, query in zip(edit.cuts, edit.record_ranges(), _queries_of(edit.cuts), strict=True):
        name = clean(cut.name) or query or file_stem(cut.source.media)
        markers = known[cut.source.media.path]
        placed = _placed(edit, cut.source, cut.frames, record.first, name, cut.finding, markers)
        tracks.setdefault(query if apart else "", []).append(placed)
    return tuple(
        Track(shortened(name, NAME_LENGTH) or f"V{number}", tuple(placed))
        for number, (name, placed) in enumerate(tracks.items(), 1)
    )


def _sources_on_tracks(edit: Edit, known: dict[Path, _Markers], apart: bool) -> tuple[Track, ...]:
    """The whole sources. Apart: once for the events and once for each query, the same picture on each track."""
    everything = sorted((_group(one) for markers in known.values() for one in markers.markers), key=lambda one: one[0])
    groups: list[tuple[str, str] | None] = [*dict.fromkeys(everything)] if apart else []
    tracks = []
    for number, wanted in enumerate(groups or [None], 1):
        placed = []
        record = edit.record_start
        for source in edit.sources:
            media = source.media
            if media.frame_count == 0:
                raise MarlinEditError(
                    f"The length of {file_name(media)} is not known. Give the file with --media, or --duration."
                )
            markers = known[media.path]
            if wanted is not None:
                markers = _Markers([one for one in markers.markers if _group(one) == wanted])
            whole = FrameRange(0, media.frame_count)
            placed.append(_placed(edit, source, whole, record, file_stem(media), None, markers))
            record = placed[-1].record_stop
        name = f"V{number}" if wanted is None else wanted[1] or "events"
        tracks.append(Track(shortened(name, NAME_LENGTH), tuple(placed)))
    return tuple(tracks)


def _group(marker: Marker) -> tuple[str, str]:
    """What shares a track with it if tracks are apart: all events, or the findings of its query."""
    return marker.kind, "" if marker.kind == "event" else marker.name
