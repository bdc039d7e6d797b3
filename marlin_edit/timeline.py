"""An edit laid out on tracks, as timelines show it: what every timeline format begins with.

Source frames count from the source's zero, record frames from 00:00:00:00 of the finished programme. Without cuts the
sources themselves stand there, whole, one after another.
"""

from __future__ import annotations

from bisect import bisect_left, bisect_right
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from itertools import accumulate
from pathlib import Path

from marlin_edit.analysis import Analysis, Finding
from marlin_edit.conform import check_one_rate, file_name, file_stem, notes_on_rates, sounds, sources_used
from marlin_edit.edit import Cut, Edit
from marlin_edit.errors import MarlinEditError
from marlin_edit.interfaces import Context
from marlin_edit.markers import NAME_LENGTH, Marker, Shown, colours_of, markers_of, part_shown
from marlin_edit.text import clean, shortened
from marlin_edit.timebase import FrameRange


@dataclass(frozen=True)
class Placed:
    """A stretch of a source on a track, with its markers."""

    source: Analysis
    frames: FrameRange
    record: int
    name: str
    finding: Finding | None
    shown: tuple[Shown, ...]

    @property
    def record_stop(self) -> int:
        return self.record + self.frames.count


@dataclass(frozen=True)
class Track:
    """Stretches in order of record time; between them may be gaps."""

    name: str
    placed: tuple[Placed, ...]


@dataclass(frozen=True)
class Layout:
    """An edit on its tracks, the lowest first. `heard` are the stretches whose sound is heard; `notes` what to know."""

    edit: Edit
    tracks: tuple[Track, ...]
    heard: tuple[Placed, ...]
    notes: tuple[str, ...]
    markers_on_timeline: bool

    @property
    def length(self) -> int:
        """Frames from the record start to the end."""
        ends = [track.placed[-1].record_stop for track in self.tracks if track.placed]
        return max(ends, default=self.edit.record_start) - self.edit.record_start

    @property
    def placed(self) -> Iterator[Placed]:
        """Every stretch, of the lowest track first."""
        for track in self.tracks:
            yield from track.placed

    @property
    def sources(self) -> tuple[Analysis, ...]:
        """The sources in use, in the order of their first stretch."""
        return tuple({placed.source.media.path: placed.source for placed in self.placed}.values())

    @property
    def on_timeline(self) -> list[Shown]:
        """Every marker in order of record time."""
        return sorted((shown for placed in self.placed for shown in placed.shown), key=lambda shown: shown.record)


class _Markers:
    """The markers of one source, in order, so that those of a stretch are found without looking at all."""

    def __init__(self, markers: Sequence[Marker]) -> None:
        self.markers = markers
        self._firsts = [marker.frames.first for marker in markers]
        self._latest_stops = list(accumulate((marker.frames.stop for marker in markers), max))

    def inside(self, frames: FrameRange) -> Iterator[Marker]:
        """The markers that share a frame with the range."""
        begin, end = bisect_right(self._latest_stops, frames.first), bisect_left(self._firsts, frames.stop)
        return (marker for marker in self.markers[begin:end] if marker.frames.stop > frames.first)


def laid_out(edit: Edit, context: Context, *, one_track: bool = False) -> Layout:
    """The edit on tracks, as the settings `tracks` and `markers_on` want it. one_track: for formats that have no more.

    Raises MarlinEditError for sources at another rate, and for a whole source whose length is not known.
    """
    check_one_rate(edit)
    notes = notes_on_rates(edit)
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
        notes.append(f"{outside} events and findings left out, because they lie in no cut")
    on_timeline = context.settings.get("markers_on") == "timeline"
    return Layout(edit, tracks, tuple(one for one in heard if sounds(one.source.media)), tuple(notes), on_timeline)


def notes_on_one_track(edit: Edit, context: Context) -> tuple[str, ...]:
    """What a format of one track says where tracks are wanted apart, and there is more than one."""
    wanted: set[str | None] = set(_queries_of(edit.cuts))
    if not edit.cuts:
        wanted = {clean(finding.query) for source in edit.sources for finding in source.findings}
        wanted |= {None for source in edit.sources if source.events}
    if context.settings.get("tracks") != "apart" or len(wanted) < 2:
        return ()
    return ("all on one track, for this format has no more; .otio, .fcpxml, .xml and .mlt hold tracks apart",)


def _queries_of(cuts: Iterable[Cut]) -> list[str]:
    return [clean(cut.finding.query) if cut.finding is not None else "" for cut in cuts]


def _placed(
    source: Analysis, frames: FrameRange, record: int, name: str, finding: Finding | None, markers: _Markers
) -> Placed:
    shown = tuple(part_shown(marker, frames, record) for marker in markers.inside(frames))
    return Placed(source, frames, record, shortened(name, NAME_LENGTH), finding, shown)


def _cuts_on_tracks(edit: Edit, known: dict[Path, _Markers], apart: bool) -> tuple[Track, ...]:
    tracks: dict[str, list[Placed]] = {}
    for cut, record, query in zip(edit.cuts, edit.record_ranges(), _queries_of(edit.cuts), strict=True):
        name = clean(cut.name) or query or file_stem(cut.source.media)
        markers = known[cut.source.media.path]
        placed = _placed(cut.source, cut.frames, record.first, name, cut.finding, markers)
        tracks.setdefault(query if apart else "", []).append(placed)
    return tuple(
        Track(shortened(name, NAME_LENGTH) or f"V{number}", tuple(placed))
        for number, (name, placed) in enumerate(tracks.items(), 1)
    )


def _sources_on_tracks(edit: Edit, known: dict[Path, _Markers], apart: bool) -> tuple[Track, ...]:
    """The whole sources; apart, once for the events and once for each query, the same picture on each track."""
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
                    f"How long {file_name(media)} is, is not known. Give the media with --media, or --duration."
                )
            markers = known[media.path]
            if wanted is not None:
                markers = _Markers([one for one in markers.markers if _group(one) == wanted])
            whole = FrameRange(0, media.frame_count)
            placed.append(_placed(source, whole, record, file_stem(media), None, markers))
            record += whole.count
        name = f"V{number}" if wanted is None else wanted[1] or "events"
        tracks.append(Track(shortened(name, NAME_LENGTH), tuple(placed)))
    return tuple(tracks)


def _group(marker: Marker) -> tuple[str, str]:
    """What it shares a track with, where tracks are apart: all events, or the findings of its query."""
    return marker.kind, "" if marker.kind == "event" else marker.name
