"""Applies the markers that a person changed to an analysis, as that person's verdicts.

A marker of ours is recognised by its id, wherever it was moved and whatever it is called now. One that was left as it
was says nothing by itself, and neither does one that is missing, unless the person asks for it (`learn`).
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, field, replace

from marlin_edit.analysis import Analysis, Event, Finding, Verdict
from marlin_edit.edit import is_accepted_in
from marlin_edit.errors import MarlinEditError
from marlin_edit.interfaces import GivenMarker, GivenMarkers
from marlin_edit.markers import Put, accepting_as, frames_or_none, identified, markers_of, written_by_a_person
from marlin_edit.media import MediaInfo
from marlin_edit.text import clean
from marlin_edit.timebase import FrameRange, FrameRate, Span

MOVED, RENAMED, BY_HAND = "moved", "renamed", "by hand"
"""Flags of what a person changed."""

_DEFAULT_NAME = re.compile(
    r"(?:marker|marqueur|marcador|marke|marcatore|マーカー|标记|marker note) ?#?\d*", re.IGNORECASE
)
"""What editing programs call a marker that got no name."""

_SAME_BEGINNING = 30
"""Characters. Programs shorten long names; one that begins so is taken for the same."""


@dataclass
class MarkerChanges:
    """How many markers a person changed, added or removed, and a sentence on each that could not be used."""

    unchanged: int = 0
    moved: int = 0
    renamed: int = 0
    added: int = 0
    missing: int = 0
    noted: int = 0
    notes: list[str] = field(default_factory=list)

    def __str__(self) -> str:
        noted = f", {self.noted} with a new note" if self.noted else ""
        return (
            f"{self.unchanged} unchanged, {self.moved} moved, {self.renamed} renamed, {self.added} added, "
            f"{self.missing} missing{noted}"
        )


def apply_markers(
    analysis: Analysis, given: GivenMarkers, record_start: int, *, learn: bool = False
) -> tuple[Analysis, MarkerChanges]:
    """The analysis with the verdicts that a person's markers express, and a count of the changes.

    A marker that was moved, renamed or added is accepted. learn: one that was left as it was is accepted as well, and
    one that is missing was wrong: its finding is rejected, its event goes into `unread`. record_start: the frame number
    at which the timeline of the markers begins.
    """
    changes = MarkerChanges()
    media = analysis.media
    items = dict(identified(analysis))
    timeline = _Timeline(given, items, media, record_start)
    again: dict[str, list[GivenMarker]] = {}
    new: list[GivenMarker] = []
    for marker in given.markers:
        known = marker if marker.put is not None and marker.put.id in items else timeline.known_by_name(marker)
        if known is not None and known.put is not None:
            again.setdefault(known.put.id, []).append(known)
        else:
            new.append(marker)
    shown = _shown(analysis, given) if timeline.zeros == {record_start} else {}
    if not shown and learn:
        changes.notes.append("missing markers are not counted, because a timeline of cuts never shows all of them")
    events: list[Event] = []
    findings: list[Finding] = []
    removed: list[str] = []
    for marker_id, item in items.items():
        kept: Event | Finding | None = item
        if marker_id in again:
            kept = _changed(item, marker_id, again[marker_id], timeline, changes, learn=learn)
        elif marker_id in shown and _is_covered(shown[marker_id], given.covered):
            changes.missing += 1
            if learn:
                kept = _rejected(item)
        if isinstance(kept, Event):
            events.append(kept)
        elif kept is not None:
            findings.append(kept)
        else:
            removed.append(f"removed by a person: {item.span} {_name(item)}")
    for marker in new:
        finding = _added(marker, timeline, changes)
        if finding is not None:
            findings.append(finding)
    events.sort(key=lambda event: (event.span.start, event.span.end))
    discarded = (*analysis.discarded, *removed)
    return replace(analysis, events=tuple(events), findings=tuple(findings), discarded=discarded), changes


class _Timeline:
    """Where the record frames of a list lie in the source. A list does not say it; our own markers in it do.

    Attributes:
        media: The source.
        zeros: The record frames at which the source's zero was when the markers were written. Several are of cuts.
    """

    def __init__(
        self, given: GivenMarkers, items: Mapping[str, Event | Finding], media: MediaInfo, record_start: int
    ) -> None:
        self.media = media
        self._puts = [
            (marker, marker.put, marker.put.record)
            for marker in given.markers
            if marker.on_timeline and marker.put is not None and marker.put.record is not None
        ]
        self.zeros = {record - put.frames.first for _, put, record in self._puts} or {record_start}
        self._later = self._begins_later(given.counting, record_start)
        self._cut_begins = {part.first for part in given.covered or ()}
        self._items: list[tuple[FrameRange, str, Event | Finding]] = []
        for marker_id, item in items.items():
            own = frames_or_none(item.span, media)
            if own is not None:
                self._items.append((own, marker_id, item))
        self._beginning_at: dict[int, list[tuple[FrameRange, str, Event | Finding]]] = {}
        for one in self._items:
            self._beginning_at.setdefault(one[0].first, []).append(one)

    def _begins_later(self, counting: FrameRate | None, record_start: int) -> int:
        """How much later the list begins than what was written: its timeline's begin, or its counting, was changed."""
        rate = self.media.rate
        if rate is None:
            return 0
        counting = counting or rate
        day = rate.frames_per_day
        begin = record_start
        with suppress(MarlinEditError):  # drop-frame has no such label
            begin = record_start if counting == rate else counting.frame_of(rate.timecode(record_start))
        laters = [begin - record_start]
        laters += [counting.frame_of(f"{hour:02}:00:00:00") - record_start for hour in range(24)]
        found = [(marker.first - record) % day for marker, _, record in self._puts]
        unmoved = [found.count(later % day) for later in laters]
        return laters[unmoved.index(max(unmoved))]

    def source_frame(self, marker: GivenMarker) -> int | None:
        """The frame of the source that a marker begins on; None if it lies on a timeline of cuts, where none is known.

        It may lie outside the source.
        """
        if not marker.on_timeline:
            return marker.first
        record = marker.first - self._later
        if len(self.zeros) == 1:
            return record - min(self.zeros)
        # Within a marker that was put on one clip, the timeline shows the frames that the marker was put on.
        for _, put, put_record in self._puts:
            if 0 <= record - put_record < put.frames.count:
                return put.frames.first + record - put_record
        return None

    def known_by_name(self, marker: GivenMarker) -> GivenMarker | None:
        """A marker with the tag that its program lost, if an item of its name, or its part in a cut, begins there."""
        if marker.put is not None or marker.unplaced:
            return None
        first = self.source_frame(marker)
        if first is None:
            return None
        for own, marker_id, item in self._items if first in self._cut_begins else self._beginning_at.get(first, ()):
            if not own.first <= first < own.stop or marker.count not in (1, own.stop - first):
                continue
            if _plain(_told(marker, item)[0]) == _plain(_name(item)):
                put = Put(marker_id, FrameRange(first, first + marker.count))
                return replace(marker, first=first, on_timeline=False, put=put)
        return None

    def moved_by(self, marker: GivenMarker) -> int:
        """Frames that a marker of ours lies later than it was put."""
        put = marker.put
        if put is None or marker.unplaced or self.media.rate is None:
            return 0
        if not marker.on_timeline:
            return self._within_a_day(marker.first - put.frames.first)
        return 0 if put.record is None else self._within_a_day(marker.first - self._later - put.record)

    def _within_a_day(self, frames: int) -> int:
        assert self.media.rate is not None
        day = self.media.rate.frames_per_day
        return (frames + day // 2) % day - day // 2


def _shown(analysis: Analysis, given: GivenMarkers) -> dict[str, FrameRange]:
    """The markers that were written, by their ids: only of these one can be missing.

    Which findings were accepted then is in the markers' tags; where it is not, those count that are accepted now.
    """
    accepted = next((marker.put.accepted for marker in given.markers if marker.put is not None), "")
    then = accepting_as(analysis, accepted)
    left_out = {id(finding) for finding in then.findings if not is_accepted_in(then, finding)}
    return {marker.id: marker.frames for marker in markers_of(then)[0] if id(marker.item) not in left_out}


def _changed(
    item: Event | Finding,
    marker_id: str,
    markers: Sequence[GivenMarker],
    timeline: _Timeline,
    changes: MarkerChanges,
    *,
    learn: bool,
) -> Event | Finding | None:
    """What a person made of an event or finding; where several clips showed it, the one that was changed counts."""
    frames, name, note = None, "", item.note
    verdict: Verdict | None = None
    for marker in markers:
        if marker.unplaced:
            changes.notes.append(f"not moved, because {marker.unplaced}: {_name(item)}")
        told_name, told_note = _told(marker, item)
        frames = frames or _moved_to(item, marker, timeline, changes)
        name = name or _renamed_to(item, told_name)
        note = note if _plain(told_note) == _plain(item.note) else told_note
        verdict = verdict or marker.verdict
    flags = item.flags
    if frames is not None:
        media = timeline.media
        stop = min(frames.stop, media.frame_count)
        item = replace(item, span=Span(media.time_of(frames.first), media.time_of(stop)))
        flags = (*flags, MOVED) if MOVED not in flags else flags
        changes.moved += 1
    if name:
        item = replace(item, query=name) if isinstance(item, Finding) else replace(item, text=name)
        flags = (*flags, RENAMED) if RENAMED not in flags else flags
        changes.renamed += 1
    touched = frames is not None or bool(name)
    changes.unchanged += not touched
    changes.noted += note != item.note
    if touched or note != item.note:
        item = replace(item, flags=flags, marker_id=marker_id, note=note)
    if verdict is Verdict.REJECTED:
        return _rejected(item)
    if isinstance(item, Finding) and (touched or learn or verdict is not None):
        item = replace(item, verdict=Verdict.ACCEPTED)
    return item


def _moved_to(
    item: Event | Finding, marker: GivenMarker, timeline: _Timeline, changes: MarkerChanges
) -> FrameRange | None:
    """The frames that it was moved to, or None where it was not. A range that became a point was not moved by that."""
    media = timeline.media
    own = frames_or_none(item.span, media)
    if marker.put is None or own is None or marker.unplaced:
        return None
    later = timeline.moved_by(marker)
    longer = 0 if marker.count == 1 else marker.count - marker.put.frames.count
    if later == 0 and longer == 0:
        return None
    first = own.first + later
    if not 0 <= first < media.frame_count:
        where = "before the beginning" if first < 0 else "past the end"
        changes.notes.append(f"not moved {where} of the media: {_name(item)}")
        return None
    return FrameRange(first, first + max(1, own.count + longer))


def _told(marker: GivenMarker, item: Event | Finding) -> tuple[str, str]:
    """The name and the note that a person gave a marker of this item; its own ones where the program lost them."""
    words = written_by_a_person(marker.note, item)
    # A note without what marlin-edit wrote is not the whole note: the program lost the rest of it.
    lost = item.note if words == clean(marker.note) else ""
    name, old = clean(marker.name), _name(item)
    named = bool(name) and not _DEFAULT_NAME.fullmatch(name)
    for beginning in (old, name):
        if beginning and (words == beginning or words.startswith(f"{beginning}; ")):
            return (name if named else old), words[len(beginning) + 2 :] or lost
    if named:
        return name, words or lost
    if not words:
        return old, lost
    if item.note and words.endswith(f"; {item.note}"):
        return words.removesuffix(f"; {item.note}"), item.note
    name, _, note = words.partition("; ")
    return name, note or lost


def _renamed_to(item: Event | Finding, name: str) -> str:
    """The new name, or nothing where it is the old one, as far as programs keep names."""
    new, old = _plain(name), _plain(_name(item))
    beginning = new.removesuffix("…").rstrip()
    if not new or new == old or (len(beginning) >= _SAME_BEGINNING and old.startswith(beginning)):
        return ""
    return name


def _plain(name: str) -> str:
    """A name without what formats replace in it."""
    return clean(name).replace("|", "/").removeprefix("- ")


def _name(item: Event | Finding) -> str:
    return clean(item.query if isinstance(item, Finding) else item.text)


def _rejected(item: Event | Finding) -> Finding | None:
    return replace(item, verdict=Verdict.REJECTED) if isinstance(item, Finding) else None


def _is_covered(frames: FrameRange, covered: tuple[FrameRange, ...] | None) -> bool:
    return covered is None or any(frames.first < part.stop and part.first < frames.stop for part in covered)


def _added(marker: GivenMarker, timeline: _Timeline, changes: MarkerChanges) -> Finding | None:
    """A marker that a person set: a finding that is accepted, under its name, or its note if nobody gave it a name."""
    media = timeline.media
    name, note = clean(marker.name), clean(marker.note)
    if not name or (note and _DEFAULT_NAME.fullmatch(name)):
        name, note = note or name or "unnamed marker", ""
    first = timeline.source_frame(marker)
    if marker.unplaced:
        changes.notes.append(f"not used, because {marker.unplaced}: {name}")
        return None
    if first is None:
        changes.notes.append(f"not used, because its place in the source is not known on a timeline of cuts: {name}")
        return None
    if not 0 <= first < media.frame_count:
        advice = ". If its timeline begins elsewhere, say where with --record-start" if marker.on_timeline else ""
        changes.notes.append(f"not used, because it is outside {media.path.name}: {name}{advice}")
        return None
    changes.added += 1
    span = Span(media.time_of(first), media.time_of(min(first + marker.count, media.frame_count)))
    return Finding(span, name, flags=(BY_HAND,), verdict=marker.verdict or Verdict.ACCEPTED, note=note)
