"""How well captions tell what happens: event F1, and SODA_c with a stand-in for its text similarity."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from statistics import fmean

from marlin_edit.analysis import Event
from marlin_edit.evaluation.ground_truth import TrueEvent
from marlin_edit.evaluation.results import CaptionRow
from marlin_edit.inference.measures import SAME_THING, iou, matched
from marlin_edit.inference.merge import same_words

SODA = "SODA_c (word F1)"
"""What our SODA_c is called: its text similarity is not METEOR, so its numbers are not those of papers."""


@dataclass(frozen=True)
class Score:
    """Precision, recall and their harmonic mean."""

    precision: float
    recall: float
    f1: float


@dataclass(frozen=True)
class EventScores:
    """Event F1 over all videos: of times alone, and where a match must be in the same words too."""

    true: int
    reported: int
    times: Score
    times_and_words: Score


def event_scores(rows: Sequence[CaptionRow]) -> EventScores | None:
    """Told events against true ones, one to one at IoU 0.5, counted over all videos together.

    As precision and recall of dense captioning's events (Krishna et al. 2017), but each event is used once. The same
    words are the same but for case, punctuation and articles. None without any true event.
    """
    true = sum(len(row.true) for row in rows)
    reported = sum(len(row.reported) for row in rows)
    if not true:
        return None
    timed = sum(_pairs(row.reported, row.true) for row in rows)
    worded = 0
    for row in rows:
        for words in {same_words(event.text) for event in row.true}:
            saying = [event for event in row.reported if same_words(event.text) == words]
            worded += _pairs(saying, [event for event in row.true if same_words(event.text) == words])
    return EventScores(true, reported, _score(timed, reported, true), _score(worded, reported, true))


def _pairs(reported: Sequence[Event], true: Sequence[TrueEvent]) -> int:
    return len(matched([event.span for event in reported], [event.span for event in true], SAME_THING))


def _score(right: float, reported: int, true: int) -> Score:
    precision, recall = right / reported if reported else 0.0, right / true
    return Score(precision, recall, 2 * precision * recall / (precision + recall) if right else 0.0)


def soda_c(rows: Sequence[CaptionRow]) -> Score | None:
    """SODA_c (Fujita et al., ECCV 2020), with the word F1 of two texts in the place of METEOR: a stand-in.

    In each video, reported and true events are assigned to each other in the order of time, so that the sum of IoU
    times text similarity is greatest (dynamic programming). That sum over the reported events is the precision, over
    that of the true ones the recall. The mean over all videos that have true events; None where there is none.
    """
    scores = [_soda_of(row) for row in rows if row.true]
    if not scores:
        return None
    return Score(
        fmean(score.precision for score in scores),
        fmean(score.recall for score in scores),
        fmean(score.f1 for score in scores),
    )


def _soda_of(row: CaptionRow) -> Score:
    true = sorted(row.true, key=lambda event: (event.span.start, event.span.end))
    reported = sorted(row.reported, key=lambda event: (event.span.start, event.span.end))
    best = [0.0] * (len(true) + 1)  # the greatest sum of the reported events so far and the first so many true ones
    for event in reported:
        before = best
        best = [0.0]
        for place, other in enumerate(true):
            worth = iou(event.span, other.span)
            worth = worth and worth * word_f1(event.text, other.text)
            best.append(max(best[place], before[place + 1], before[place] + worth))
    return _score(best[-1], len(reported), len(true))


def word_f1(one: str, other: str) -> float:
    """How much two texts have in common: the F1 of their words as bags, case, punctuation and articles aside."""
    words, others = Counter(same_words(one)), Counter(same_words(other))
    return 2 * (words & others).total() / (words.total() + others.total())
