"""Applies the markers that a person changed to an analysis, as that person's verdicts.

A marker of ours is recognised by its id, wherever it was moved and whatever it is called now. One that was left as it
was says nothing by itself, and neither does one that is missing, unless the person asks for it (`learn`).
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass, field, replace

from marlin_edit.analysis import Analysis, Event, Finding, Verdict
from marlin_edit.edit import is_accepted_in
from marlin_edit.interfaces import GivenMarker, GivenMarkers
from marlin_edit.markers import accepting_as, frames_or_none, identified, markers_of
from marlin_edit.media import MediaInfo
from marlin_edit.text import clean
from marlin_edit.timebase import FrameRange, Span

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
    notes: list[str] = field(default_factory=list)

    def __str__(self) -> str:
        return (
            f"{self.unchanged} unchanged, {self.moved} moved, {self.renamed} renamed, {self.added} added, "
            f"{self.missing} missing"
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
    again: dict[str, list[GivenMarker]] = {}
    new: list[GivenMarker] = []
    for marker in given.markers:
        if marker.put is not None and marker.put.id in items:
            again.setdefault(marker.put.id, []).append(marker)
        else:
            new.append(marker)
    # Where a source's zero lies on the timeline; several places mean a timeline of cuts.
    zeros = {
        marker.put.record - marker.put.frames.first
        for marker in given.markers
        if marker.on_timeline and marker.put is not None and marker.put.record is not None
    } or {record_start}
    shown = _shown(analysis, given) if zeros == {record_start} else {}
    if not shown and learn:
        changes.notes.append("missing markers are not counted, because a timeline of cuts never shows all of them")
    events: list[Event] = []
    findings: list[Finding] = []
    removed: list[str] = []
    for marker_id, item in items.items():
        kept: Event | Finding | None = item
        if marker_id in again:
            kept = _changed(item, marker_id, again[marker_id], media, changes, learn=learn)
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
        finding = _added(marker, media, zeros, changes)
        if finding is not None:
            findings.append(finding)
    events.sort(key=lambda event: (event.span.start, event.span.end))
    discarded = (*analysis.discarded, *removed)
    return replace(analysis, events=tuple(events), findings=tuple(findings), discarded=discarded), changes


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
    media: MediaInfo,
    changes: MarkerChanges,
    *,
    learn: bool,
) -> Event | Finding | None:
    """What a person made of an event or finding; where several clips showed it, the one that was changed counts."""
    frames, name = None, ""
    verdict: Verdict | None = None
    for marker in markers:
        frames = frames or _moved_to(item, marker, media)
        name = name or _renamed_to(item, marker)
        verdict = verdict or marker.verdict
    flags = item.flags
    if frames is not None:
        if frames.first >= media.frame_count:
            changes.notes.append(f"not moved past the end of the media: {_name(item)}")
        else:
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
    if touched:
        item = replace(item, flags=flags, marker_id=marker_id)
    if verdict is Verdict.REJECTED:
        return _rejected(item)
    if isinstance(item, Finding) and (touched or learn or verdict is not None):
        item = replace(item, verdict=Verdict.ACCEPTED)
    return item


def _moved_to(item: Event | Finding, marker: GivenMarker, media: MediaInfo) -> FrameRange | None:
    """The frames that it was moved to, or None where it was not. A range that became a point was not moved by that."""
    put, own = marker.put, frames_or_none(item.span, media)
    before = put.record if put is not None and marker.on_timeline else put.frames.first if put is not None else None
    if put is None or before is None or own is None or media.rate is None:
        return None
    day = media.rate.frames_per_day
    later = (marker.first - before + day // 2) % day - day // 2
    longer = 0 if marker.count == 1 else marker.count - put.frames.count
    if later == 0 and longer == 0:
        return None
    first = max(0, own.first + later)
    return FrameRange(first, first + max(1, own.count + longer))


def _renamed_to(item: Event | Finding, marker: GivenMarker) -> str:
    """The new name, or nothing where it is the old one, as far as programs keep names."""
    new, old = _plain(marker.name), _plain(_name(item))
    beginning = new.removesuffix("…").rstrip()
    if not new or new == old or (len(beginning) >= _SAME_BEGINNING and old.startswith(beginning)):
        return ""
    return clean(marker.name)


def _plain(name: str) -> str:
    """A name without what formats replace in it."""
    return clean(name).replace("|", "/").removeprefix("- ")


def _name(item: Event | Finding) -> str:
    return clean(item.query if isinstance(item, Finding) else item.text)


def _rejected(item: Event | Finding) -> Finding | None:
    return replace(item, verdict=Verdict.REJECTED) if isinstance(item, Finding) else None


def _is_covered(frames: FrameRange, covered: tuple[FrameRange, ...] | None) -> bool:
    return covered is None or any(frames.first < part.stop and part.first < frames.stop for part in covered)


def _added(marker: GivenMarker, media: MediaInfo, zeros: set[int], changes: MarkerChanges) -> Finding | None:
    """A marker that a person set: a finding that is accepted, under its name, or its note if nobody gave it a name."""
    name, note = clean(marker.name), clean(marker.note)
    if not name or (note and _DEFAULT_NAME.fullmatch(name)):
        name = note or name or "unnamed marker"
    first = marker.first
    if marker.on_timeline:
        if len(zeros) > 1:
            changes.notes.append(
                f"not used, because its place in the source is not known on a timeline of cuts: {name}"
            )
            return None
        first -= min(zeros)
    if not 0 <= first < media.frame_count:
        changes.notes.append(f"not used, because it is outside {media.path.name}: {name}")
        return None
    changes.added += 1
    span = Span(media.time_of(first), media.time_of(min(first + marker.count, media.frame_count)))
    return Finding(span, name, flags=(BY_HAND,), verdict=marker.verdict or Verdict.ACCEPTED)
