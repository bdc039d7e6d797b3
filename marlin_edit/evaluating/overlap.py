"""How much two spans have in common, and which findings belong to which true spans."""

from __future__ import annotations

from collections.abc import Sequence

from marlin_edit.timebase import Span


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
