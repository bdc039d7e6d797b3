"""How much two spans have in common, and which findings belong to which true spans."""

from __future__ import annotations

import math
from bisect import bisect_left, bisect_right
from collections.abc import Callable, Sequence
from dataclasses import dataclass

from marlin_edit.timebase import Span

SAME_THING = 0.5
"""Two spans with at least this much in common (IoU) are taken for the same thing, as the usual measures of such models
(R1@0.5) do."""


def iou(one: Span, other: Span) -> float:
    """Intersection over union of two spans, from 0 (apart) to 1 (the same): the temporal IoU of all these data sets."""
    shared = one.overlap(other)
    return float(shared / (one.length + other.length - shared))


def best_iou(span: Span, true: Sequence[Span]) -> float:
    """The IoU with the true span that it fits best; 0 where there is none.

    So QVHighlights' evaluation treats a query with several true spans, and where there is one it is the usual IoU.
    """
    return max((iou(span, other) for other in true), default=0.0)


def matched(found: Sequence[Span], true: Sequence[Span], at: float) -> list[tuple[int, int]]:
    """Pairs of a found and a true span, by their places, with an IoU of at least `at`; each span is in one at most.

    As many pairs as can be. They are made from the best fitting to the worst, and taken apart again only where that
    makes one pair more. What is added to the found spans never makes fewer pairs.
    """
    fits = sorted(
        (-iou(one, other), one.start, one.end, place, mate)
        for place, one in enumerate(found)
        for mate, other in enumerate(true)
        if iou(one, other) >= at
    )
    mates: dict[int, list[int]] = {}
    of_true: dict[int, int] = {}
    taken: set[int] = set()
    for _, _, _, place, mate in fits:
        mates.setdefault(place, []).append(mate)
        if place not in taken and mate not in of_true:
            of_true[mate] = place
            taken.add(place)

    def placed(place: int, tried: set[int]) -> bool:
        """Whether a found span got a true one, others giving theirs up for another (an augmenting path)."""
        for mate in mates[place]:
            if mate not in tried:
                tried.add(mate)
                if mate not in of_true or placed(of_true[mate], tried):
                    of_true[mate] = place
                    return True
        return False

    for place in mates:
        if place not in taken:
            placed(place, set())
    return sorted((place, mate) for mate, place in of_true.items())


CONFIDENCE = 0.95


_Z = 1.959963984540054
"""The normal quantile of 97.5 %."""


@dataclass(frozen=True)
class Interval:
    """A value with its 95 % confidence interval."""

    value: float
    low: float
    high: float


def auroc(present: Sequence[float], absent: Sequence[float]) -> Interval:
    """The chance that a present pair scores higher than an absent one, equal scores counting half.

    The area under the ROC curve as the Mann-Whitney statistic (Hanley and McNeil 1982). The interval is Newcombe's
    score interval (Statistics in Medicine 2006, part 2, method 5): unlike DeLong's and the bootstrap's it keeps its
    width where the two sides do not overlap. It takes the pairs as independent.
    """
    ordered = sorted(absent)
    below = sum(bisect_left(ordered, score) + bisect_right(ordered, score) for score in present) / 2
    count = len(present) * len(absent)
    value = below / count
    pairs = (len(present) + len(absent)) / 2 - 1

    def too_far(area: float) -> float:
        """Above 0 where the value lies further from an area than its standard error there allows."""
        spread = area * (1 - area) * (1 + pairs * ((1 - area) / (2 - area) + area / (1 + area))) / count
        return abs(value - area) - _Z * math.sqrt(spread)

    low = crossing(too_far, value, 0.0) if value > 0 else 0.0
    high = crossing(too_far, value, 1.0) if value < 1 else 1.0
    return Interval(value, low, high)


def crossing(value: Callable[[float], float], one: float, other: float) -> float:
    """Where a function's sign changes between two places, to the last bits."""
    sign = value(one) > 0
    for _ in range(100):
        middle = (one + other) / 2
        if (value(middle) > 0) == sign:
            one = middle
        else:
            other = middle
    return (one + other) / 2
