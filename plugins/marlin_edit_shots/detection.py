"""Where one shot ends and the next begins, from how much each frame differs from the one before.

As PySceneDetect's published detectors do it: the mean difference of small pictures must stand out from that of the
frames around it (its adaptive detector), so that a moving camera makes no cut; a picture that comes back within a
moment was a flash; and a fade is cut in the middle of its black.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from fractions import Fraction
from itertools import pairwise
from typing import Any

from marlin_edit.media import MediaInfo
from marlin_edit.timebase import Span
from marlin_edit_shots.frames import SmallFrame, small_frames

LEAST = 10.0
"""The difference (of 255 in luma, plus that in both colours) below which nothing is a cut."""

RATIO = 3.0
"""How many times as large as around it a difference must be."""

AROUND = 4
"""Frames on each side that a difference is compared with."""

FLASH = Fraction(1, 4)
"""Seconds within which a picture that comes back shows that there was a flash and no cut."""

SHORTEST = Fraction(1, 5)
"""Seconds of the shortest shot: of two changes nearer to each other the stronger one counts."""

BLACK, BLACKEST_LIGHT = 24.0, 40.0
"""The mean luma of a black picture at most, and that of its lightest place."""

CONTEXT = Fraction(3, 2)
"""Seconds looked at before and after a part, for what can only be seen from there."""

BLOCK = Fraction(30)
"""Seconds looked at together: memory does not grow with the span."""


@dataclass(frozen=True)
class Change:
    """The first frame of a new shot, and how strongly it differs."""

    number: int
    time: Fraction
    strength: float


def shots_in(media: MediaInfo, span: Span) -> tuple[Span, ...]:
    """The shots of a span, without gaps: the first begins and the last ends with the span."""
    changes: list[Change] = []
    start = span.start
    while start < span.end:
        end = min(span.end, start + BLOCK)
        frames = list(small_frames(media, start - CONTEXT, end + CONTEXT))
        changes += [change for change in changes_among(frames) if start <= change.time < end]
        start = end
    kept = [change.time for change in without_neighbours(changes) if span.start < change.time < span.end]
    return tuple(Span(begin, stop) for begin, stop in pairwise([span.start, *kept, span.end]))


def changes_among(frames: Sequence[SmallFrame]) -> list[Change]:
    """The shot changes in frames that follow one another."""
    if len(frames) < 2:
        return []
    steps = [0.0] + [difference(before, after) for before, after in pairwise(frames)]
    hard = [
        Change(frames[at].number, frames[at].time, steps[at])
        for at in range(1, len(frames))
        if steps[at] >= LEAST and stands_out(steps, at) and not is_flash(frames, at, steps[at])
    ]
    faded = _fades(frames, {change.number for change in hard})
    return without_neighbours(sorted([*hard, *faded], key=lambda change: change.time))


def difference(one: SmallFrame, other: SmallFrame) -> float:
    """The mean difference of luma and of both colours, added."""
    import numpy as np

    apart: Any = np.abs(one.planes - other.planes)
    return float(apart.mean(axis=(1, 2)).sum())


def stands_out(steps: Sequence[float], at: int) -> bool:
    """Whether a difference is far larger than those around it. The median, so that a flash nearby hides no cut."""
    from statistics import median

    around = [*steps[max(1, at - AROUND) : at], *steps[at + 1 : at + 1 + AROUND]]
    return not around or steps[at] >= RATIO * median(around)


def is_flash(frames: Sequence[SmallFrame], at: int, jump: float) -> bool:
    """Whether what is before a change comes back soon after it, or what comes after it was there shortly before."""
    time = frames[at].time
    after = [frame for frame in frames[at + 1 : at + 31] if frame.time <= time + FLASH]
    before = [frame for frame in frames[max(0, at - 31) : at - 1] if frame.time >= time - FLASH]
    return any(difference(frames[at - 1], frame) < jump / 2 for frame in after) or any(
        difference(frame, frames[at]) < jump / 2 for frame in before
    )


def without_neighbours(changes: Sequence[Change]) -> list[Change]:
    """The changes with the weaker of any two left out that are nearer than a shot can be."""
    kept: list[Change] = []
    for change in changes:
        if kept and change.time - kept[-1].time < SHORTEST:
            if change.strength > kept[-1].strength:
                kept[-1] = change
        else:
            kept.append(change)
    return kept


def _fades(frames: Sequence[SmallFrame], hard: set[int]) -> list[Change]:
    """A change in the middle of each black that is faded into and out of; where one side is not seen, at the other."""
    found = []
    black = [_is_black(frame) for frame in frames]
    at = 0
    while at < len(frames):
        if not black[at]:
            at += 1
            continue
        first = at
        while at < len(frames) and black[at]:
            at += 1
        begins, ends = first > 0, at < len(frames)
        if (begins and frames[first].number in hard) or (ends and frames[at].number in hard):
            continue
        if begins and ends:
            middle = frames[(first + at) // 2]
        elif begins or ends:
            middle = frames[first] if begins else frames[at]
        else:
            continue
        found.append(Change(middle.number, middle.time, LEAST))
    return found


def _is_black(frame: SmallFrame) -> bool:
    luma = frame.planes[0]
    return float(luma.mean()) <= BLACK and float(luma.max()) <= BLACKEST_LIGHT
