"""Descriptions between what is said: each in the gap nearest to its event, shorter where it does not fit whole."""

from __future__ import annotations

import re
from bisect import bisect_left
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from fractions import Fraction
from itertools import chain

from marlin_edit.analysis import Analysis
from marlin_edit.timebase import milliseconds_around
from marlin_edit_exporters.subtitles.cues.line_breaks import CLAUSE_END, SENTENCE_END, pages_of
from marlin_edit_exporters.subtitles.cues.profiles import Pace, Words
from marlin_edit_exporters.subtitles.cues.timing import Limits, Schedule, TimedText, scheduled_between
from marlin_edit_exporters.subtitles.cues.values import Cue

FROM_SPEECH = Fraction(1, 4)
"""Seconds that a description keeps away from what is said."""

WORDS_A_MINUTE = 170
"""How fast descriptions are spoken, unless another pace is chosen: 160 to 180 is usual in English."""

FURTHEST = 10_000
"""Milliseconds that an extended description may be from the start of its event."""

_SHORTEST_PAUSE = 100
_FEWEST_WORDS = 3
_BARE = "\"'“”‘’«»()[]{},;:.!?…"


@dataclass
class Placed:
    """Descriptions with their times. shortened: of each, its time, and its text before and after."""

    schedule: Schedule
    shortened: list[tuple[int, str, str]] = field(default_factory=list)
    extended: int = 0


def spoken(source: Analysis) -> list[tuple[int, int]]:
    """When somebody speaks, with a distance kept before and after it; in order, and without overlaps."""
    return apart(
        milliseconds_around(max(Fraction(0), one.span.start - FROM_SPEECH), one.span.end + FROM_SPEECH)
        for one in source.speech or ()
    )


def apart(parts: Iterable[tuple[int, int]]) -> list[tuple[int, int]]:
    """The same moments, in order; parts that touch or overlap are one."""
    joined: list[tuple[int, int]] = []
    for start, end in sorted(parts):
        if joined and start <= joined[-1][1]:
            joined[-1] = joined[-1][0], max(joined[-1][1], end)
        else:
            joined.append((start, end))
    return joined


def placed_between(
    texts: Sequence[TimedText],
    pace: Pace,
    limits: Limits,
    busy: Sequence[tuple[int, int]],
    shots: Sequence[int],
    words: Words,
    detail: str,
    *,
    extended: bool,
) -> Placed:
    """The descriptions in the gaps between `busy`.

    detail: at `full` no text is shortened; at `normal` to whole sentences and clauses; at `low` further. extended: what
    finds no room is put into the nearest pause, however short, and the player has to stop there while it is spoken.
    """
    whole = {id(one): one.text for one in texts}
    shorter = {id(one): shorter_texts(one.text, words, detail) for one in texts}
    current = list(texts)
    while True:
        schedule = scheduled_between(current, pace, limits, busy, shots)
        replaced: dict[int, TimedText] = {}
        for one in schedule.crowded_out:
            text = next(shorter[id(one)], None)
            if text is not None:
                new = TimedText(one.start, one.end, text, pages_of(text, pace, words))
                whole[id(new)], shorter[id(new)] = whole[id(one)], shorter[id(one)]
                replaced[id(one)] = new
        if not replaced:
            break
        current = [replaced.get(id(one), one) for one in current]
    for one in schedule.crowded_out:
        one.text = whole[id(one)]
        one.pages = pages_of(one.text, pace, words)
    changed = [(one.start, whole[id(one)], one.text) for one in schedule.kept if one.text != whole[id(one)]]
    placed = Placed(schedule, changed)
    if extended:
        _extend(placed, pace, limits, busy)
    return placed


def shorter_texts(text: str, words: Words, detail: str) -> Iterator[str]:
    """The text without its last sentence, or clause, and so on; each is shorter than the one before."""
    if detail == "full":
        return
    split = text.split(" ")
    end = "." if text.endswith(".") else ""
    for place in range(len(split) - 1, _FEWEST_WORDS - 1, -1):
        before, after = split[place - 1], split[place].strip(_BARE).lower()
        at_mark = SENTENCE_END.search(before) or CLAUSE_END.search(before)
        if at_mark or (detail == "low" and after in words.conjunctions | words.prepositions):
            kept = " ".join(split[:place]).rstrip(",;:—–、，；：،؛- ")
            yield kept if re.search(r"[.!?…。！？]$", kept) else kept + end


def _extend(placed: Placed, pace: Pace, limits: Limits, busy: Sequence[tuple[int, int]]) -> None:
    """Put what found no room into pauses, each cue marked as extended."""
    schedule = placed.schedule
    for one in list(schedule.crowded_out):
        room = _nearest_room(one.start, schedule.cues, busy, pace.gap, limits.end)
        if room is None:
            continue
        start, end = room
        schedule.crowded_out.remove(one)
        lines = tuple(chain.from_iterable(one.pages))
        cue = Cue(start, min(end, start + max(_SHORTEST_PAUSE, one.least)), lines, extended=True)
        schedule.cues.insert(bisect_left(schedule.cues, start, key=lambda other: other.start), cue)
        placed.extended += 1


def _nearest_room(
    time: int, cues: Sequence[Cue], busy: Sequence[tuple[int, int]], gap: int, end: int
) -> tuple[int, int] | None:
    """The part of a pause with no cue in it that is nearest to a time."""
    taken = sorted([*busy, *((cue.start - gap, cue.end + gap) for cue in cues)])
    best: tuple[int, int, int] | None = None
    free = 0
    for start, stop in [*taken, (end, end)]:
        if min(start, end) - free >= _SHORTEST_PAUSE:
            begin = min(max(time, free), min(start, end) - _SHORTEST_PAUSE)
            distance = abs(begin - time)
            if distance <= FURTHEST and (best is None or distance < best[0]):
                best = distance, begin, min(start, end)
        free = max(free, stop)
    return None if best is None else (best[1], best[2])
