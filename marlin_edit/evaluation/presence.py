"""Whether the model knows what is not there: scores of present against absent queries, and false findings per hour."""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from itertools import groupby

from marlin_edit.analysis import Finding
from marlin_edit.evaluation.results import ALL, QueryRow
from marlin_edit.evidence import doubt_of
from marlin_edit.inference.measures import CONFIDENCE, SAME_THING, Interval, best_iou, crossing, matched
from marlin_edit.timebase import Span

NOTHING = -math.inf
"""The score of a pair of video and query for which nothing was found: below every score."""


def pair_score(row: QueryRow) -> float | None:
    """The score of a (video, query) pair: that of its best finding; None where one has none.

    Without a calibration a finding that is less doubtful scores higher.
    """
    scores = [_score(finding) for finding in row.findings]
    known = [score for score in scores if score is not None]
    return max(known, default=NOTHING) if len(known) == len(scores) else None


def _score(finding: Finding) -> float | None:
    if finding.score is not None:
        return finding.score
    doubt = doubt_of(finding.words)
    return None if doubt is None else -doubt


def pair_scores(rows: Sequence[QueryRow]) -> tuple[list[float], list[float]] | None:
    """The scores of the present and of the absent pairs; None where a finding has no score or a side is empty."""
    scores = [(row.present, pair_score(row)) for row in rows]
    present = [score for there, score in scores if there and score is not None]
    absent = [score for there, score in scores if not there and score is not None]
    if not present or not absent or len(present) + len(absent) < len(scores):
        return None
    return present, absent


def roc_curve(present: Sequence[float], absent: Sequence[float]) -> list[tuple[float, float]]:
    """Points (share of absent pairs kept, share of present pairs kept) for all thresholds, from none to all of them."""
    points = [(0.0, 0.0)]
    marked = sorted([(-score, 0) for score in absent] + [(-score, 1) for score in present])
    wrong = right = 0
    for _, tied in groupby(marked, key=lambda pair: pair[0]):
        kinds = [kind for _, kind in tied]
        right += sum(kinds)
        wrong += len(kinds) - sum(kinds)
        points.append((wrong / len(absent), right / len(present)))
    return points


@dataclass(frozen=True)
class FalseRate:
    """False findings, over how many hours of footage times queries, and the rate with its interval."""

    count: int
    hours: float
    rate: Interval | None


def false_findings(rows: Sequence[QueryRow], threshold: float | None = ALL, *, absent_only: bool = True) -> FalseRate:
    """False findings per hour of footage and query, of those that are accepted at a threshold.

    absent_only: over the absent queries, where every finding is false. Otherwise over all; of a present query a finding
    is false that has less than IoU 0.5 with every true span. An hour that is searched for two queries is two hours.
    """
    judged = [row for row in rows if not (absent_only and row.present)]
    count = sum(not _is_right(row, finding) for row in judged for finding in row.kept(threshold))
    hours = _hours(judged)
    return FalseRate(count, hours, poisson_rate(count, hours) if hours > 0 else None)


def _is_right(row: QueryRow, finding: Finding) -> bool:
    return best_iou(finding.span, row.true) >= SAME_THING


def _hours(rows: Iterable[QueryRow]) -> float:
    return float(sum(row.looked_at for row in rows)) / 3600


def poisson_rate(count: int, exposure: float) -> Interval:
    """Events per unit of exposure with the exact Poisson interval (Garwood, Biometrika 1936)."""
    import numpy as np

    tail = (1 - CONFIDENCE) / 2
    above = count + 10 * math.sqrt(count + 1) + 20  # beyond the upper end, for every count
    factorials = np.concatenate([[0.0], np.cumsum(np.log(np.arange(1, count + 1)))])

    def at_most(most: int, mean: float) -> float:
        """The chance of no more than `most` events where `mean` are expected."""
        if mean <= 0:
            return 1.0
        return float(np.exp(np.arange(most + 1) * math.log(mean) - mean - factorials[: most + 1]).sum())

    low = crossing(lambda mean: at_most(count - 1, mean) - (1 - tail), 0.0, float(count)) if count else 0.0
    high = crossing(lambda mean: at_most(count, mean) - tail, float(count), above)
    return Interval(count / exposure, low / exposure, high / exposure)


@dataclass(frozen=True)
class Point:
    """What a threshold gives; None where there is nothing to count.

    kept: the share of the true findings (IoU of at least 0.5 with a true span) that is accepted. recall: the share of
    the true spans that an accepted finding is of. false_per_hour: false findings of absent queries, per hour of footage
    and query; all_false_per_hour: of all queries.
    """

    threshold: float | None
    kept: float | None
    recall: float | None
    false_per_hour: float | None
    all_false_per_hour: float | None


def at_threshold(rows: Sequence[QueryRow], threshold: float | None) -> Point:
    """What a threshold gives; None: what the default rule gives."""
    counted = _Counted(rows)
    for place, row in enumerate(rows):
        for finding in row.kept(threshold):
            counted.add(place, finding)
    return counted.point(threshold)


def curve(rows: Sequence[QueryRow]) -> list[Point] | None:
    """What every threshold gives, from the highest score, which keeps least, to the lowest; None without scores."""
    if not all(row.scored for row in rows):
        return None
    scored = [(finding.score or 0.0, place, finding) for place, row in enumerate(rows) for finding in row.findings]
    scored.sort(key=lambda one: one[0], reverse=True)
    counted = _Counted(rows)
    points = []
    for score, tied in groupby(scored, key=lambda one: one[0]):
        for _, place, finding in tied:
            counted.add(place, finding)
        points.append(counted.point(score))
    return points or None


class _Counted:
    """Counts of the findings that were accepted so far."""

    def __init__(self, rows: Sequence[QueryRow]) -> None:
        self._rows = rows
        self._right = sum(_is_right(row, finding) for row in rows for finding in row.findings)
        self._spans = sum(len(row.true) for row in rows)
        self._hours = _hours(rows)
        self._absent_hours = _hours(row for row in rows if not row.present)
        self._accepted: dict[int, list[Span]] = {}
        self._found: dict[int, int] = {}
        self._kept = self._wrong = self._absent_wrong = 0

    def add(self, place: int, finding: Finding) -> None:
        row = self._rows[place]
        if not _is_right(row, finding):
            self._wrong += 1
            self._absent_wrong += not row.present
            return
        self._kept += 1
        accepted = self._accepted.setdefault(place, [])
        accepted.append(finding.span)
        self._found[place] = len(matched(accepted, row.true, SAME_THING))

    def point(self, threshold: float | None) -> Point:
        return Point(
            threshold,
            self._kept / self._right if self._right else None,
            sum(self._found.values()) / self._spans if self._spans else None,
            self._absent_wrong / self._absent_hours if self._absent_hours else None,
            self._wrong / self._hours if self._hours else None,
        )
