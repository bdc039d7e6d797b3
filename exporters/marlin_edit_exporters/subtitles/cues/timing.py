"""When each text is shown: one lane, every cue long enough to be read, apart from the next as the profile says.

First everything gets only the time that it needs, and as many texts as possible are shown; then cues grow into the time
that is free. Everything is in whole milliseconds, and the same texts always give the same times.
"""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Sequence
from dataclasses import dataclass, replace
from itertools import chain

from marlin_edit_exporters.subtitles.cues.looks import Runs
from marlin_edit_exporters.subtitles.cues.profiles import Pace, size
from marlin_edit_exporters.subtitles.cues.values import Cue

FOREVER = 10**15
_LOOK_BACK = 32
_SWEEPS = 8


@dataclass(slots=True)
class TimedText:
    """A text to be shown from `start` to `end`, in pages of lines; `sizes` are the cells and words of each page.

    runs, place: how it looks and where it stands, as in a cue.
    least: the time that its pages need, gaps between them included. wanted: the same at the wished speed. earliest,
    latest: when it may begin. most: what it may need at most, whatever the profile says.
    """

    start: int
    end: int
    text: str
    pages: list[tuple[str, ...]]
    least: int = 0
    wanted: int = 0
    needs: Sequence[int] = ()
    earliest: int = 0
    latest: int = 0
    runs: Runs = ()
    place: int = 0
    most: int = FOREVER

    def measure(self, pace: Pace, limits: Limits) -> None:
        """Work out what it needs, and when it may begin: while its event still goes on, or a little after its start."""
        if len(self.pages) == 1:
            least, self.wanted = pace.times(*size(self.pages[0]))
            least = min(least, self.most)
            self.needs = (least,)
        else:
            gaps = pace.gap * (len(self.pages) - 1)
            self.needs, wishes = zip(*[pace.times(*size(lines)) for lines in self.pages], strict=True)
            least = gaps + sum(self.needs)
            self.wanted = gaps + sum(wishes)
        self.least = least
        last = limits.end - least
        self.earliest = max(limits.begin, min(self.start - limits.early, last))
        self.latest = min(max(self.start + limits.late, self.end - least), last)


@dataclass(frozen=True)
class Limits:
    """How far a text may begin from its event, in milliseconds, and where the media ends (FOREVER: not known).

    begin: where the time for cues begins, if that is a part of the media.
    wished: whether cues grow up to the wished speed where there is room, past the end of their event.
    """

    early: int
    late: int
    end: int = FOREVER
    wished: bool = True
    begin: int = 0


@dataclass
class Schedule:
    """Cues in order, the text of each by its place in `kept`, and the texts for which there was no time."""

    cues: list[Cue]
    kept: list[TimedText]
    crowded_out: list[TimedText]
    too_long: list[TimedText]


def scheduled(texts: Sequence[TimedText], pace: Pace, limits: Limits, shots: Sequence[int] = ()) -> Schedule:
    """The cues of texts in order of their start; `shots` are the times of shot changes, ascending."""
    fitting: list[TimedText] = []
    too_long: list[TimedText] = []
    for one in texts:
        one.measure(pace, limits)
        (fitting if one.least <= limits.end - limits.begin else too_long).append(one)
    kept, crowded_out = _chosen(fitting, pace.gap)
    cues = _grown(kept, _starts(kept, pace.gap, limits.begin), pace, limits)
    _close_gaps(cues, pace)
    if shots:
        _snap(cues, pace, shots, limits.end)
    return Schedule(cues, kept, crowded_out, too_long)


def scheduled_between(
    texts: Sequence[TimedText], pace: Pace, limits: Limits, busy: Sequence[tuple[int, int]], shots: Sequence[int] = ()
) -> Schedule:
    """As `scheduled`, with nothing shown during `busy`: ascending spans that do not overlap.

    Each text goes into the gap nearest to its event that has room for it. Within a gap every rule holds.
    """
    ends = [0, *chain.from_iterable(busy), limits.end]
    gaps = [
        replace(limits, begin=begin, end=min(end, limits.end))
        for begin, end in zip(ends[::2], ends[1::2], strict=True)
        if begin < min(end, limits.end)
    ]
    made = [Schedule([], [], [], []) for _ in gaps]
    for one in texts:
        one.measure(pace, limits)
    left = [one for one in texts if one.least <= limits.end]
    choices = {id(one): iter(_gaps_for(one, gaps)) for one in left}
    crowded_out: list[TimedText] = []
    while left:
        arrived: dict[int, list[TimedText]] = {}
        for one in left:
            place = next(choices[id(one)], None)
            (crowded_out if place is None else arrived.setdefault(place, [])).append(one)
        left = []
        for place, new in arrived.items():
            gap = gaps[place]
            together = sorted([*made[place].kept, *new], key=lambda one: one.start)
            made[place] = scheduled(together, pace, gap, [shot for shot in shots if gap.begin <= shot <= gap.end])
            left += made[place].crowded_out
    return Schedule(
        [cue for one in made for cue in one.cues],
        [text for one in made for text in one.kept],
        sorted(crowded_out, key=lambda one: one.start),
        [one for one in texts if one.least > limits.end],
    )


def _gaps_for(one: TimedText, gaps: Sequence[Limits]) -> list[int]:
    """The places of the gaps in which a text can be shown in time, the nearest to its event first."""
    near: list[tuple[int, int]] = []
    for place in range(bisect_left(gaps, one.earliest, key=lambda gap: gap.end), len(gaps)):
        gap = gaps[place]
        if gap.begin > one.latest:
            break
        first, last = max(one.earliest, gap.begin), min(one.latest, gap.end - one.least)
        if first <= last:
            near.append((abs(min(max(one.start, first), last) - one.start), place))
    return [place for _, place in sorted(near)]


def _chosen(texts: Sequence[TimedText], gap: int) -> tuple[list[TimedText], list[TimedText]]:
    """As many of the texts as can be shown in their order, each in time, and those left out.

    Where one would be too late, the longest of those just before it goes, or it does itself: the rule that keeps the
    most (Moore and Hodgson), looking back a few places only.
    """
    kept: list[TimedText] = []
    ends: list[int] = []
    left_out: list[TimedText] = []
    for one in texts:
        kept.append(one)
        end = max(ends[-1] + gap if ends else 0, one.earliest) + one.least
        ends.append(end)
        if end - one.least <= one.latest:
            continue
        changed = len(kept) - 1
        while True:
            for place in range(changed, len(kept)):
                free = ends[place - 1] + gap if place else 0
                ends[place] = max(free, kept[place].earliest) + kept[place].least
            if not kept or kept[-1] is not one or ends[-1] - one.least <= one.latest:
                break
            changed = _longest_of_crowd(kept, ends)
            left_out.append(kept.pop(changed))
            ends.pop()
    return kept, left_out


def _longest_of_crowd(kept: Sequence[TimedText], ends: Sequence[int]) -> int:
    """The place of the longest among the last texts that follow one another without a pause; of equals the last."""
    longest = place = len(kept) - 1
    while place > 0 and ends[place] - kept[place].least > kept[place].earliest:
        place -= 1
        if len(kept) - place > _LOOK_BACK:
            break
        if kept[place].least > kept[longest].least:
            longest = place
    return longest


def _starts(kept: Sequence[TimedText], gap: int, free: int) -> list[int]:
    """Each at its event where that can be; earlier only where a later one would else be too late.

    free: when the first one may begin.
    """
    latest = []
    following = FOREVER * 2
    for one in reversed(kept):
        following = min(one.latest, following - one.least - gap)
        latest.append(following)
    starts = []
    for one, last in zip(kept, reversed(latest), strict=True):
        start = max(free, min(one.start, last))
        starts.append(start)
        free = start + one.least + gap
    return starts


def _grown(kept: Sequence[TimedText], starts: Sequence[int], pace: Pace, limits: Limits) -> list[Cue]:
    """Cues with the time that is free: up to the wished speed, and up to the event's own end."""
    cues: list[Cue] = []
    gap, longest = pace.gap, pace.longest
    last = len(kept) - 1
    for place, (one, start) in enumerate(zip(kept, starts, strict=True)):
        stop = starts[place + 1] - gap if place < last else limits.end
        stop = min(stop, max(one.end, start + (one.wanted if limits.wished else one.least)))
        if len(one.pages) == 1:
            cues.append(Cue(start, min(max(stop, start + one.least), start + longest), one.pages[0]))
            continue
        extra = max(0, stop - start - one.least)
        needed = given = 0
        for lines, need in zip(one.pages, one.needs, strict=True):
            # In proportion, and of what is rounded down nothing is lost.
            needed += need
            share = extra * needed // sum(one.needs) - given
            given += share
            end = start + min(longest, need + share)
            cues.append(Cue(start, end, lines))
            start = end + gap
    return cues


def _close_gaps(cues: list[Cue], pace: Pace) -> None:
    """Gaps that only flicker are closed, or where a cue may not stay longer, made long enough to be seen as one."""
    for place in range(len(cues) - 1):
        cue, following = cues[place], cues[place + 1]
        between = following.start - cue.end
        if not pace.gap < between < pace.closed_under:
            continue
        if following.start - pace.gap - cue.start <= pace.longest:
            cues[place] = Cue(cue.start, following.start - pace.gap, cue.lines)
            continue
        shorter = following.start - pace.closed_under
        if shorter - cue.start >= pace.times(*size(cue.lines))[0]:
            cues[place] = Cue(cue.start, shorter, cue.lines)
            continue
        start = cue.end + pace.gap
        cues[place + 1] = Cue(start, min(following.end, start + pace.longest), following.lines)


def keeps_rules(before: Cue | None, cue: Cue, after: Cue | None, pace: Pace, end: int = FOREVER) -> bool:
    """Whether a cue between two others has the length and the gaps that the profile asks for."""
    if not pace.times(*size(cue.lines))[0] <= cue.length <= pace.longest or cue.start < 0 or cue.end > end:
        return False
    for one, following in ((before, cue), (cue, after)):
        if one is not None and following is not None:
            between = following.start - one.end
            if between < pace.gap or pace.open_gap < between < pace.closed_under:
                return False
    return True


def nearest_shot(time: int, shots: Sequence[int], reach: int) -> int | None:
    """The shot change nearest to a time, no further than `reach`."""
    place = bisect_left(shots, time)
    near = [shot for shot in shots[max(0, place - 1) : place + 1] if abs(shot - time) <= reach]
    return min(near, key=lambda shot: (abs(shot - time), shot)) if near else None


def snapped(cues: Sequence[Cue], place: int, pace: Pace, shots: Sequence[int], end: int = FOREVER) -> list[Cue] | None:
    """The cue before, the cue and the cue after it with this one on the shot changes near its start and end.

    None where it is there already, or no rule-keeping way leads there.
    """
    before = cues[place - 1] if place else None
    cue = cues[place]
    after = cues[place + 1] if place + 1 < len(cues) else None
    wanted: list[tuple[Cue, int | None]] = []
    shot = nearest_shot(cue.start, shots, pace.shot_reach)
    if shot is not None and shot != cue.start:
        wanted.append((Cue(shot, max(cue.end, shot + 1), cue.lines), shot))
    shot = nearest_shot(cue.end, shots, pace.shot_reach)
    there = nearest_shot(cue.end + pace.shot_gap, shots, 0) is not None
    if shot is not None and not there and cue.start < shot - pace.shot_gap:
        wanted.append((Cue(cue.start, shot - pace.shot_gap, cue.lines), None))
    far_before = cues[place - 2] if place > 1 else None
    for moved, shot in wanted:
        if moved.length > pace.longest:
            continue
        if keeps_rules(before, moved, after, pace, end):
            return [one for one in (before, moved, after) if one is not None]
        # The one before may end earlier, or later, to keep its distance.
        if shot is not None and before is not None and pace.closed_under > 0:
            pulled = Cue(before.start, shot - pace.gap, before.lines) if shot - pace.gap > before.start else None
            if (
                pulled is not None
                and keeps_rules(far_before, pulled, moved, pace, end)
                and keeps_rules(pulled, moved, after, pace, end)
            ):
                return [one for one in (pulled, moved, after) if one is not None]
    return None


def _snap(cues: list[Cue], pace: Pace, shots: Sequence[int], end: int) -> None:
    """Starts and ends near a shot change go there, wherever no other rule is broken by it."""
    if not pace.shot_reach:
        return
    for _ in range(_SWEEPS):
        changed = False
        for place in range(len(cues)):
            moved = snapped(cues, place, pace, shots, end)
            if moved is not None:
                first = max(0, place - 1)
                cues[first : first + len(moved)] = moved
                changed = True
        if not changed:
            return
