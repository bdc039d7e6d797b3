"""Measures of answers: by hand, by their properties, and against implementations of others."""

from __future__ import annotations

import importlib
import math
import os
import random
from collections.abc import Sequence
from dataclasses import replace
from fractions import Fraction
from itertools import product
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from marlin_edit.analysis import AGAIN, Event, Finding, Verdict
from marlin_edit.evaluation.captions import event_scores, soda_c, word_f1
from marlin_edit.evaluation.ground_truth import TrueEvent
from marlin_edit.evaluation.metrics import find_measures
from marlin_edit.evaluation.presence import (
    NOTHING,
    at_threshold,
    curve,
    false_findings,
    pair_score,
    pair_scores,
    poisson_rate,
    roc_curve,
)
from marlin_edit.evaluation.results import CaptionRow, QueryRow
from marlin_edit.evaluation.retrieval import (
    PRECISION_AT,
    average_precision,
    boundary_error,
    mean_average_precision,
    mean_iou,
    occurrences,
    recall_at_one,
)
from marlin_edit.inference.measures import auroc, best_iou, iou, matched
from marlin_edit.timebase import Span

HOUR = Fraction(3600)


def checker(name: str) -> Any:
    """A module of somebody else that computes the same; skipped without it, or failed where it is required."""
    try:
        return importlib.import_module(name)
    except ImportError:
        if os.environ.get("REQUIRE_CHECKERS") == "1":
            pytest.fail(f"{name} is missing: install the test extra")
        pytest.skip(f"{name} is not installed")


def span(start: float | str, end: float | str) -> Span:
    return Span(Fraction(str(start)), Fraction(str(end)))


def finding(start: float, end: float, score: float | None = None) -> Finding:
    return Finding(span(start, end), "q", score=score)


def row(true: Sequence[Span], *findings: Finding, looked_at: Fraction = HOUR) -> QueryRow:
    return QueryRow("video", "q", tuple(true), findings, looked_at)


spans = st.builds(lambda start, length: Span(start, start + length), st.integers(0, 30).map(Fraction),
                  st.integers(1, 12).map(Fraction))  # fmt: skip
findings = st.builds(lambda one, score: Finding(one, "q", score=score), spans, st.integers(0, 8).map(lambda n: n / 8))
rows = st.builds(
    lambda true, found, seconds: QueryRow("v", "q", tuple(true), tuple(found), Fraction(seconds)),
    st.lists(spans, max_size=3, unique=True),
    st.lists(findings, max_size=5),
    st.integers(1, 7200),
)
runs = st.lists(rows, min_size=1, max_size=8)


# --- overlap -----------------------------------------------------------------------------------------------------


def test_iou_is_what_two_spans_share_over_what_either_has() -> None:
    assert iou(span(0, 10), span(5, 15)) == pytest.approx(5 / 15)
    assert iou(span(0, 10), span(10, 20)) == 0
    assert iou(span(0, 10), span(2, 7)) == 0.5
    assert iou(span("0.1", "0.8"), span("0.1", "1.1")) >= 0.7, "7/10 exactly, and not a little less"
    assert best_iou(span(0, 10), [span(20, 30), span(0, 5)]) == 0.5
    assert best_iou(span(0, 10), []) == 0


@given(spans, spans)
def test_iou_is_symmetric_and_between_0_and_1(one: Span, other: Span) -> None:
    assert iou(one, other) == iou(other, one)
    assert 0 <= iou(one, other) <= 1
    assert (iou(one, other) == 1) == (one == other)


def test_a_span_is_matched_once_and_as_many_are_as_can_be() -> None:
    assert matched([span(0, 10), span(0, 9)], [span(0, 10)], 0.5) == [(0, 0)]
    assert matched([span(0, 9), span(0, 10)], [span(0, 10)], 0.5) == [(1, 0)]
    # The best pair of all, (0, 0), would leave the other finding without any.
    found, true = [span(1, 9), span(0, 8)], [span(1, 9), span(3, 11)]
    assert matched(found, true, 0.5) == [(0, 1), (1, 0)]


@given(st.lists(spans, max_size=5), st.lists(spans, max_size=5), st.sampled_from([0.1, 0.3, 0.5, 0.9]))
def test_matching_is_the_largest_there_is_in_any_order(found: list[Span], true: list[Span], at: float) -> None:
    pairs = matched(found, true, at)
    assert all(iou(found[one], true[other]) >= at for one, other in pairs)
    assert len({one for one, _ in pairs}) == len({other for _, other in pairs}) == len(pairs)
    assert len(pairs) == _largest([[iou(one, other) >= at for other in true] for one in found], frozenset())
    assert len(matched(found[::-1], true[::-1], at)) == len(pairs)


def _largest(fits: list[list[bool]], used: frozenset[int]) -> int:
    """The size of the largest matching, by trying all."""
    if not fits:
        return 0
    options = [1 + _largest(fits[1:], used | {mate}) for mate, fit in enumerate(fits[0]) if fit and mate not in used]
    return max([_largest(fits[1:], used), *options])


# --- moments -----------------------------------------------------------------------------------------------------


def test_miou_and_r1_by_hand() -> None:
    judged = [
        row([span(0, 10)], finding(0, 10)),  # 1
        row([span(0, 10)], finding(5, 10)),  # 0.5
        row([span(0, 10)], finding(7, 17)),  # 3/17
        row([span(0, 10)]),  # nothing found: 0
        row([], finding(0, 10)),  # absent: not judged here
    ]
    assert mean_iou(judged) == pytest.approx((1 + 0.5 + 3 / 17 + 0) / 4)
    assert [recall_at_one(judged, at) for at in (0.3, 0.5, 0.7)] == [0.5, 0.5, 0.25]
    assert mean_iou(judged[-1:]) is None
    assert recall_at_one(judged[-1:], 0.5) is None


def test_the_best_scored_finding_is_the_answer_and_its_best_true_span_counts() -> None:
    judged = row([span(0, 10), span(20, 30)], finding(0, 10, 0.2), finding(20, 26, 0.9), finding(50, 60, 0.5))
    assert judged.iou == 0.6


def test_without_scores_a_windows_own_answer_counts_then_the_earliest() -> None:
    again = replace(finding(1, 2), flags=(AGAIN,))
    answers = (again, finding(20, 30), finding(40, 50))
    assert row([span(0, 60)], *answers).top == answers[1]
    assert row([span(0, 60)], *answers[::-1]).top == answers[1]
    assert row([span(0, 60)], again).top == again
    assert row([span(0, 60)], replace(again, score=0.9), finding(20, 30, 0.8)).iou == 1 / 60


def test_boundary_errors_are_of_matched_findings_only() -> None:
    judged = [
        row([span(0, 10), span(20, 30)], finding(1, 10), finding(19, 33)),
        row([span(0, 10)], finding(0, 12), finding(90, 99)),
        row([], finding(0, 10)),
    ]
    error = boundary_error(judged)
    assert error is not None
    assert (error.pairs, error.start_median, error.end_median) == (3, 1, 2)
    assert error.start_mean == pytest.approx(2 / 3)
    assert error.end_mean == pytest.approx(5 / 3)
    assert boundary_error(judged[2:]) is None


def test_every_occurrence_counts_once_and_what_is_told_twice_is_said() -> None:
    judged = [
        row([span(0, 10), span(20, 30), span(40, 50)], finding(0, 9, 0.9), finding(0, 11, 0.1), finding(21, 30, 0.4),
            finding(70, 80, 0.3)),
        row([], finding(0, 10, 0.9)),
    ]  # fmt: skip
    counted = occurrences(judged)
    assert (counted.true, counted.found, counted.findings, counted.repeated) == (3, 2, 4, 1)
    assert counted.recall == pytest.approx(2 / 3)
    assert counted.precision == 0.5
    kept = occurrences(judged, 0.4)
    assert (kept.true, kept.found, kept.findings, kept.repeated) == (3, 2, 2, 0)
    assert occurrences(judged[1:]).recall is None


def test_average_precision_by_hand() -> None:
    true = [span(0, 10), span(20, 30)]
    # By score: right, wrong, right: precision 1 at recall 1/2, and 2/3 at recall 1.
    found = [finding(0, 10, 0.9), finding(50, 60, 0.8), finding(20, 30, 0.7)]
    assert average_precision(found, true, 0.5) == pytest.approx(0.5 * 1 + 0.5 * 2 / 3)
    # Found again is wrong: right, wrong, right once more.
    found = [finding(0, 10, 0.9), finding(0, 9, 0.8), finding(20, 30, 0.7)]
    assert average_precision(found, true, 0.5) == pytest.approx(0.5 * 1 + 0.5 * 2 / 3)
    # Wrong first: what is interpolated is the best precision from there on.
    found = [finding(50, 60, 0.9), finding(0, 10, 0.8), finding(20, 30, 0.7)]
    assert average_precision(found, true, 0.5) == pytest.approx(2 / 3)
    assert average_precision([], true, 0.5) == 0


def test_map_is_averaged_over_thresholds_and_needs_scores() -> None:
    assert PRECISION_AT == (0.5, 0.55, 0.6, 0.65, 0.7, 0.75, 0.8, 0.85, 0.9, 0.95)
    judged = [row([span(0, 100)], finding(0, 76, 0.5)), row([span(0, 10)], finding(0, 10, 0.2)), row([])]
    precision = mean_average_precision(judged)
    assert precision is not None
    assert (precision.at_50, precision.at_75) == (1, 1)
    assert precision.average == pytest.approx((6 / 10 + 1) / 2), "0.76 is above six of the ten thresholds"
    assert mean_average_precision([*judged, row([span(0, 1)], finding(0, 1))]) is None
    assert mean_average_precision([row([])]) is None


@given(st.lists(findings, min_size=1, max_size=8), st.lists(spans, min_size=1, max_size=4, unique=True))
def test_average_precision_is_that_of_scikit_learns_curve_made_monotone(found: list[Finding], true: list[Span]) -> None:
    metrics = checker("sklearn.metrics")
    # Every finding a score of its own, so that there is one order.
    found = [replace(one, score=1 - place / 10) for place, one in enumerate(found)]
    free, right = list(true), []
    for one in found:
        best = max(free, key=lambda other: iou(one.span, other), default=None)
        right.append(best is not None and iou(one.span, best) >= 0.5)
        if best is not None and right[-1]:
            free.remove(best)
    if not any(right):
        assert average_precision(found, true, 0.5) == 0
        return
    precision, recall, _ = metrics.precision_recall_curve(right, [one.score for one in found])
    envelope = np.maximum.accumulate(precision)  # scikit-learn's recall falls
    expected = -np.sum(np.diff(recall) * envelope[:-1]) * sum(right) / len(true)
    assert average_precision(found, true, 0.5) == pytest.approx(expected)


# --- presence ----------------------------------------------------------------------------------------------------


def test_a_pairs_score_is_its_best_findings_and_nothing_found_is_the_lowest() -> None:
    assert pair_score(row([], finding(0, 1, 0.2), finding(2, 3, 0.7))) == 0.7
    assert pair_score(row([])) == NOTHING
    assert pair_score(row([], finding(0, 1, 0.2), finding(2, 3))) is None
    assert pair_scores([row([span(0, 1)], finding(0, 1, 0.0)), row([])]) == ([0.0], [NOTHING])
    assert pair_scores([row([span(0, 1)], finding(0, 1)), row([])]) is None, "not calibrated"
    assert pair_scores([row([])]) is None, "nothing to compare with"


SCORES = st.lists(st.integers(-1, 6).map(lambda score: NOTHING if score < 0 else score / 6), min_size=1, max_size=12)


@given(SCORES, SCORES)
def test_auroc_is_the_count_of_pairs_in_the_right_order(present: list[float], absent: list[float]) -> None:
    counted = sum((one > other) + (one == other) / 2 for one, other in product(present, absent))
    area = auroc(present, absent)
    assert area.value == pytest.approx(counted / len(present) / len(absent))
    assert 0 <= area.low <= area.value <= area.high <= 1
    assert area.value + auroc(absent, present).value == pytest.approx(1)
    points = roc_curve(present, absent)
    assert points[0] == (0, 0)
    assert points[-1] == (1, 1)
    assert points == sorted(points)
    assert np.trapezoid([up for _, up in points], [across for across, _ in points]) == pytest.approx(area.value)


@given(SCORES, SCORES)
def test_auroc_is_scikit_learns(present: list[float], absent: list[float]) -> None:
    metrics = checker("sklearn.metrics")
    scores = [max(score, -1.0) for score in [*present, *absent]]
    expected = metrics.roc_auc_score([1] * len(present) + [0] * len(absent), scores)
    assert auroc(present, absent).value == pytest.approx(expected)


def test_aurocs_interval_says_something_where_all_are_told_apart_and_narrows_with_more() -> None:
    few, many = auroc([1.0] * 10, [0.0] * 10), auroc([1.0] * 100, [0.0] * 100)
    assert few.value == few.high == many.value == 1
    assert 0.7 < few.low < many.low < 1
    # Newcombe's equation at its ends: the value is z standard errors away.
    middling = auroc([0.4, 0.5, 0.9, 0.8, 0.3], [0.1, 0.45, 0.2, 0.85])
    for end in (middling.low, middling.high):
        more = (5 + 4) / 2 - 1
        spread = end * (1 - end) * (1 + more * (1 - end) / (2 - end) + more * end / (1 + end)) / (5 * 4)
        assert abs(middling.value - end) == pytest.approx(1.959964 * math.sqrt(spread), rel=1e-5)


def test_aurocs_interval_holds_the_true_area_as_often_as_it_says() -> None:
    chance = random.Random(5)
    held = 0
    for _ in range(400):
        present = [chance.expovariate(1) for _ in range(30)]
        absent = [chance.expovariate(4) for _ in range(20)]
        area = auroc(present, absent)
        held += area.low <= 4 / 5 <= area.high  # the area of these two is 4 / (1 + 4)
    assert 0.92 <= held / 400 <= 0.985


@pytest.mark.parametrize("count", [0, 1, 2, 7, 50, 1000, 20_000])
def test_the_poisson_interval_is_the_exact_one(count: int) -> None:
    chi2 = checker("scipy.stats").chi2
    rate = poisson_rate(count, 2.5)
    assert rate.value == count / 2.5
    assert rate.low == pytest.approx(chi2.ppf(0.025, 2 * count) / 2 / 2.5 if count else 0, rel=1e-6)
    assert rate.high == pytest.approx(chi2.ppf(0.975, 2 * count + 2) / 2 / 2.5, rel=1e-6)


def test_the_poisson_interval_by_the_printed_tables() -> None:
    assert poisson_rate(0, 1).high == pytest.approx(3.689, abs=0.001)
    five = poisson_rate(5, 1)
    assert five.low == pytest.approx(1.623, abs=0.001)
    assert five.high == pytest.approx(11.668, abs=0.001)


def test_false_findings_are_counted_per_hour_and_query() -> None:
    judged = [
        row([], finding(0, 10, 0.9), finding(20, 30, 0.2), looked_at=HOUR / 2),
        row([], looked_at=HOUR),
        row([span(0, 10)], finding(0, 10, 0.8), finding(0, 9, 0.7), finding(50, 60, 0.6), looked_at=HOUR / 2),
    ]
    absent, both = false_findings(judged), false_findings(judged, absent_only=False)
    assert (absent.count, absent.hours) == (2, 1.5)
    assert (both.count, both.hours) == (3, 2.0), "what tells the true thing twice is not false"
    assert absent.rate is not None
    assert absent.rate.value == pytest.approx(2 / 1.5)
    assert false_findings(judged, 0.5).count == 1
    assert false_findings(judged, 0.5, absent_only=False).count == 2
    assert false_findings(judged[2:]).rate is None


def test_what_a_threshold_gives() -> None:
    judged = [
        row([span(0, 10), span(20, 30)], finding(0, 10, 0.8), finding(20, 30, 0.3), finding(50, 60, 0.6)),
        row([], finding(0, 10, 0.5), looked_at=2 * HOUR),
    ]
    point = at_threshold(judged, 0.5)
    assert (point.kept, point.recall, point.false_per_hour, point.all_false_per_hour) == (0.5, 0.5, 0.5, 2 / 3)
    rejected = replace(judged[0].findings[0], verdict=Verdict.REJECTED)
    assert at_threshold([row([span(0, 10)], rejected)], None).kept == 0, "a person's word counts"
    points = curve(judged)
    assert points is not None
    assert [point.threshold for point in points] == [0.8, 0.6, 0.5, 0.3]
    assert [point.kept for point in points] == [0.5, 0.5, 0.5, 1]
    assert [point.false_per_hour for point in points] == [0, 0, 0.5, 0.5]
    assert curve([row([span(0, 10)], finding(0, 10))]) is None
    assert curve([row([span(0, 10)])]) is None


@given(runs)
def test_the_curve_is_what_each_threshold_gives_and_never_turns_back(judged: list[QueryRow]) -> None:
    points = curve(judged)
    if points is None:
        assert not any(one.findings for one in judged)
        return
    assert points == [at_threshold(judged, point.threshold) for point in points]
    for name in ("kept", "recall", "false_per_hour", "all_false_per_hour"):
        values = [getattr(point, name) for point in points]
        known = [value for value in values if value is not None]
        assert known == sorted(known)
        assert len(known) in (0, len(values))
    assert points[-1].kept in (None, 1)


# --- all of finding ----------------------------------------------------------------------------------------------


@given(runs)
@settings(max_examples=60)
def test_shares_are_shares_and_the_order_of_rows_does_not_matter(judged: list[QueryRow]) -> None:
    measures = find_measures(judged, 0.5)
    shares = [measures.mean_iou, *measures.recall_at_one.values()]
    shares += [measures.occurrences.recall, measures.occurrences.precision]
    if measures.mean_average_precision is not None:
        shares.append(measures.mean_average_precision.average)
    if measures.at_threshold is not None:
        shares.append(measures.at_threshold.kept)
    assert all(share is None or 0 <= share <= 1 + 1e-12 for share in shares)
    again = find_measures(judged[::-1], 0.5)
    assert again.occurrences == measures.occurrences
    assert again.curve == measures.curve
    assert again.auroc == measures.auroc
    assert again.mean_iou == pytest.approx(measures.mean_iou)
    moved = [
        replace(
            one,
            true=tuple(Span(true.start + 100, true.end + 100) for true in one.true),
            findings=tuple(replace(f, span=Span(f.span.start + 100, f.span.end + 100)) for f in one.findings),
        )
        for one in judged
    ]
    assert find_measures(moved, 0.5) == measures, "only what lies where relative to each other counts"


@given(st.lists(st.lists(spans, max_size=3, unique=True), min_size=1, max_size=5))
def test_perfect_answers_have_perfect_measures(truths: list[list[Span]]) -> None:
    judged = [row(true, *(Finding(one, "q", score=1.0) for one in true)) for true in truths]
    measures = find_measures(judged, 0.5)
    assert measures.false_all.count == measures.occurrences.repeated == 0
    if measures.present:
        assert measures.mean_iou == measures.occurrences.recall == measures.occurrences.precision == 1
        assert set(measures.recall_at_one.values()) == {1}
        assert measures.mean_average_precision is not None
        assert measures.mean_average_precision.average == pytest.approx(1)
        assert measures.boundary is not None
        assert measures.boundary.start_mean == measures.boundary.end_mean == 0
        assert measures.at_threshold is not None
        assert measures.at_threshold.kept == 1
    if measures.present and measures.absent:
        assert measures.auroc is not None
        assert measures.auroc.value == 1


# --- captions ----------------------------------------------------------------------------------------------------


def captions(true: Sequence[tuple[float, float, str]], reported: Sequence[tuple[float, float, str]]) -> CaptionRow:
    return CaptionRow(
        "v",
        tuple(TrueEvent(span(start, end), text) for start, end, text in true),
        tuple(Event(span(start, end), text) for start, end, text in reported),
        HOUR,
    )


def test_event_f1_with_and_without_the_words() -> None:
    judged = [
        captions(
            [(0, 10, "A door opens."), (20, 30, "a dog runs"), (40, 50, "a cat")],
            [(0, 9, "the door opens"), (20, 28, "a cow runs"), (60, 70, "a cat"), (80, 90, "a cat")],
        ),
        captions([], [(0, 10, "nothing is true here")]),
    ]
    scores = event_scores(judged)
    assert scores is not None
    assert (scores.true, scores.reported) == (3, 5)
    assert (scores.times.precision, scores.times.recall) == (2 / 5, 2 / 3)
    assert scores.times.f1 == pytest.approx(2 * (2 / 5) * (2 / 3) / (2 / 5 + 2 / 3))
    assert (scores.times_and_words.precision, scores.times_and_words.recall) == (1 / 5, 1 / 3)
    assert event_scores(judged[1:]) is None


def test_events_at_one_time_are_matched_by_their_words_where_words_count() -> None:
    both = [(0, 10, "a red circle"), (0.5, 10, "a blue square")]
    crossed = [(0.5, 10, "a red circle"), (0, 10, "a blue square")]
    scores = event_scores([captions(both, crossed)])
    assert scores is not None
    assert scores.times_and_words.f1 == 1


def test_word_f1_by_hand() -> None:
    assert word_f1("A dog runs.", "the DOG runs") == 1
    assert word_f1("a big dog runs", "a dog sleeps") == pytest.approx(2 * 1 / (3 + 2))
    assert word_f1("dog dog", "dog") == pytest.approx(2 / 3)
    assert word_f1("dog", "cat") == 0


def test_soda_by_hand() -> None:
    # One pair fits in time and half in words; the other reported event is of nothing.
    (score,) = [soda_c([captions([(0, 10, "dog runs")], [(0, 10, "dog sleeps"), (50, 60, "dog runs")])])]
    assert score is not None
    assert (score.precision, score.recall) == (0.25, 0.5)
    assert score.f1 == pytest.approx(2 * 0.25 * 0.5 / 0.75)
    # The order of time holds: the words are crossed, so only one of them can be taken.
    crossed = soda_c([captions([(0, 10, "x"), (0, 10.5, "y")], [(0, 10, "y"), (0, 10.5, "x")])])
    assert crossed is not None
    assert crossed.recall == pytest.approx(10 / 10.5 / 2)
    # The mean over videos; one in which nothing happens is not measured.
    two = soda_c([captions([(0, 1, "x")], [(0, 1, "x")]), captions([(0, 1, "x")], []), captions([], [(0, 1, "x")])])
    assert two is not None
    assert (two.precision, two.recall, two.f1) == (0.5, 0.5, 0.5)
    assert soda_c([captions([], [])]) is None


texts = st.sampled_from(["a red circle", "a blue circle", "red square", "dog"])
happenings = st.lists(st.tuples(spans, texts), max_size=5)


@given(happenings, happenings)
def test_sodas_assignment_is_the_best_of_all_in_order(
    true: list[tuple[Span, str]], reported: list[tuple[Span, str]]
) -> None:
    judged = CaptionRow("v", tuple(TrueEvent(*one) for one in true), tuple(Event(*one) for one in reported), HOUR)
    score = soda_c([judged])
    if score is None:
        assert not true
        return
    ordered = [sorted(side, key=lambda one: (one[0].start, one[0].end)) for side in (reported, true)]

    def best(left: list[tuple[Span, str]], right: list[tuple[Span, str]]) -> float:
        if not left or not right:
            return 0
        worth = iou(left[0][0], right[0][0]) * word_f1(left[0][1], right[0][1])
        return max(best(left[1:], right), best(left, right[1:]), worth + best(left[1:], right[1:]))

    total = best(*ordered)
    assert score.recall == pytest.approx(total / len(true))
    assert score.precision == pytest.approx(total / len(reported) if reported else 0)
    assert 0 <= score.f1 <= 1


@given(happenings.filter(bool))
def test_perfect_captions_have_perfect_measures(true: list[tuple[Span, str]]) -> None:
    judged = [CaptionRow("v", tuple(TrueEvent(*one) for one in true), tuple(Event(*one) for one in true), HOUR)]
    scores, soda = event_scores(judged), soda_c(judged)
    assert scores is not None
    assert soda is not None
    assert (scores.times.f1, scores.times_and_words.f1) == (1, 1)
    assert soda.f1 == pytest.approx(1)
