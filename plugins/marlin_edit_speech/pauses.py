"""Pauses between words, by how loud the sound is: a speech model's times of words are late by a tenth of a second."""

from __future__ import annotations

from bisect import bisect_left, bisect_right
from collections.abc import Sequence
from dataclasses import replace
from fractions import Fraction
from itertools import pairwise
from typing import TYPE_CHECKING

from marlin_edit.interfaces import Detection
from marlin_edit.timebase import Span
from marlin_edit_speech.sound import RATE

if TYPE_CHECKING:
    from numpy import float32
    from numpy.typing import NDArray

STEP = Fraction(1, 100)
"""Seconds over which the loudness is taken."""

SHORTEST = Fraction(13, 100)
"""Seconds of the shortest pause: inside a word, a p or t is silent for a shorter time."""

QUIET = 0.04
"""A pause is below this share of how loud the speech around it is."""

AROUND = 300
"""Steps before and after, of which the louder ones say how loud the speech is."""

NEAR = Fraction(7, 20)
"""Seconds that the border of two words may be from the pause that belongs to it."""

_LEAST = Fraction(1, 50)


def pauses_in(samples: NDArray[float32], start: Fraction, spoken: Sequence[Span]) -> list[Span]:
    """The pauses inside the spans in which somebody speaks, in order of time.

    samples: a sound at RATE, whose first sample is at `start`.
    """
    import numpy as np

    size = int(STEP * RATE)
    count = len(samples) // size
    if not count:
        return []
    loudness = np.sqrt(np.mean(samples[: count * size].reshape(count, size) ** 2, axis=1))
    speech = np.empty(count)
    for first in range(0, count, 50):
        around = loudness[max(0, first - AROUND) : first + 50 + AROUND]
        speech[first : first + 50] = np.percentile(around, 90)
    quiet = np.concatenate([[False], loudness < QUIET * speech, [False]])
    edges = np.flatnonzero(quiet[1:] != quiet[:-1])
    pauses = [
        Span(start + int(begin) * STEP, start + int(end) * STEP)
        for begin, end in zip(edges[::2], edges[1::2], strict=True)
    ]
    return [
        pause
        for pause in pauses
        if pause.length >= SHORTEST and any(one.start < pause.start and pause.end < one.end for one in spoken)
    ]


def parted(words: Sequence[Detection], pauses: Sequence[Span]) -> list[Detection]:
    """The words, in order of time, with the pauses between them: the border nearest to each is moved to it."""
    near = sorted(
        (abs(_border(words, place) - (pause.start + pause.end) / 2), number, place)
        for number, pause in enumerate(pauses)
        for place in _places_near(words, pause)
    )
    of_border: dict[int, Span] = {}
    taken: set[int] = set()
    for _, number, place in near:
        if number not in taken and place not in of_border:
            taken.add(number)
            of_border[place] = pauses[number]
    moved = list(words)
    for place, pause in sorted(of_border.items()):
        before, after = moved[place - 1], moved[place]
        if before.span.start + _LEAST <= pause.start and pause.end <= after.span.end - _LEAST:
            moved[place - 1] = replace(before, span=Span(before.span.start, pause.start))
            moved[place] = replace(after, span=Span(pause.end, after.span.end))
    return moved


def closed(words: Sequence[Detection], pauses: Sequence[Span], spoken: Sequence[Span]) -> list[Detection]:
    """The words without gaps in which somebody speaks: speech models leave such gaps, and words of no length.

    A gap without a pause becomes a part of the word after it: words begin earlier than these models say. The first and
    the last word of a span of speech begin and end with it, if they are near its ends.
    """
    moved = list(words)
    for one in spoken:
        inside = [place for place, word in enumerate(moved) if word.span.overlap(one) * 2 > word.span.length]
        for before, place in pairwise(inside):
            end, start = moved[before].span.end, moved[place].span.start
            if end < start and not any(pause.start < start and end < pause.end for pause in pauses):
                moved[place] = replace(moved[place], span=Span(end, moved[place].span.end))
        if inside:
            first = moved[inside[0]].span
            if 0 < first.start - one.start <= NEAR:
                moved[inside[0]] = replace(moved[inside[0]], span=Span(one.start, first.end))
            last = moved[inside[-1]].span
            if 0 < one.end - last.end <= NEAR:
                moved[inside[-1]] = replace(moved[inside[-1]], span=Span(last.start, one.end))
    return moved


def _places_near(words: Sequence[Detection], pause: Span) -> range:
    """The places of the words whose border with the one before may belong to a pause."""
    first = bisect_left(words, pause.start - NEAR, key=lambda word: word.span.end)
    last = bisect_right(words, pause.end + NEAR, key=lambda word: word.span.start)
    return range(max(1, first), last)


def _border(words: Sequence[Detection], place: int) -> Fraction:
    return (words[place - 1].span.end + words[place].span.start) / 2
