"""Chapters of an edit, for the formats that hold them: one from each event on, or from each cut of a cut edit on.

Times are whole milliseconds from the programme's zero, rounded up, so that a player that jumps there shows the frame
meant and not the one before it. A chapter ends where the next one begins.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from fractions import Fraction

from marlin_edit.edit import Edit
from marlin_edit.interfaces import Context
from marlin_edit.text import counted
from marlin_edit.timeline import Layout, laid_out


@dataclass(frozen=True)
class Chapter:
    """A part with a title, in milliseconds; `end` is not in it."""

    start: int
    end: int
    title: str


def chapters_of(edit: Edit, context: Context) -> tuple[tuple[Chapter, ...], list[str]]:
    """The chapters in order, and what to know about them. Without events, the findings begin chapters."""
    layout = laid_out(edit, context, one_track=True)
    notes = list(layout.notes)
    titles: dict[int, list[str]] = {}
    for start, title in _cut_starts(layout) if edit.cuts else _marker_starts(layout, notes):
        titles.setdefault(start, []).append(title)
    starts = sorted(titles)
    joined = sum(len(names) - 1 for names in titles.values())
    if joined:
        notes.append(f"{counted(joined, 'event')} joined into the chapter that begins at the same time")
    ends = [*starts[1:], _milliseconds(_seconds_of(layout, layout.length))]
    chapters = [
        Chapter(start, max(end, start + 1), " / ".join(dict.fromkeys(titles[start])))
        for start, end in zip(starts, ends, strict=False)
    ]
    return tuple(chapters), notes


def _cut_starts(layout: Layout) -> Iterable[tuple[int, str]]:
    for placed in layout.placed:
        yield _milliseconds(_seconds_of(layout, placed.record - layout.edit.record_start)), placed.name


def _marker_starts(layout: Layout, notes: list[str]) -> Iterable[tuple[int, str]]:
    events = any(shown.marker.kind == "event" for shown in layout.on_timeline)
    kept = [shown for shown in layout.on_timeline if shown.marker.kind == "event" or not events]
    if len(kept) < len(layout.on_timeline):
        notes.append(
            f"{counted(len(layout.on_timeline) - len(kept), 'finding')} left out, because the chapters are the events"
        )
    nameless = sum(not shown.marker.name for shown in kept)
    if nameless:
        notes.append(f"{counted(nameless, 'event')} without text left out")
    for shown in kept:
        if shown.marker.name:
            yield _milliseconds(_seconds_of(layout, shown.record - layout.edit.record_start)), shown.marker.name


def _seconds_of(layout: Layout, frame: int) -> Fraction:
    """When a frame of the programme is shown; where that is one whole source, its own frame times say it."""
    edit = layout.edit
    if not edit.cuts and len(edit.sources) == 1:
        return edit.sources[0].media.time_of(frame)
    return edit.rate.seconds(frame)


def _milliseconds(seconds: Fraction) -> int:
    return -(-seconds.numerator * 1000 // seconds.denominator)
