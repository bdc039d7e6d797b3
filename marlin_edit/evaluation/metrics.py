"""All measures of a run as values: of finding, of captions, and of what they cost."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from marlin_edit.evaluation.captions import EventScores, Score, event_scores, soda_c
from marlin_edit.evaluation.cost import Meter, peak_gpu_memory, peak_memory
from marlin_edit.evaluation.presence import FalseRate, Point, at_threshold, curve, false_findings, pair_scores
from marlin_edit.evaluation.results import CaptionRow, QueryRow
from marlin_edit.evaluation.retrieval import (
    RECALL_AT,
    BoundaryError,
    MeanPrecision,
    Occurrences,
    boundary_error,
    mean_average_precision,
    mean_iou,
    occurrences,
    recall_at_one,
)
from marlin_edit.inference.measures import Interval, auroc


@dataclass(frozen=True)
class AtThreshold:
    """What the findings give that are accepted at the model's threshold. kept: the share of the true findings.

    threshold: None where the model has none, and the default rule accepts.
    """

    threshold: float | None
    kept: float | None
    occurrences: Occurrences
    false_absent: FalseRate
    false_all: FalseRate


@dataclass(frozen=True)
class KindMeasures:
    """What the accepted findings of one kind of query give.

    auroc: of all present queries against those of this kind that are absent. kept: as in `AtThreshold`.
    """

    kind: str
    queries: int
    kept: float | None
    auroc: Interval | None
    false_absent: FalseRate


@dataclass(frozen=True)
class FindMeasures:
    """What queries gave. None is not measured: there was nothing to count, or findings have no score.

    recall_at_one: by IoU threshold. occurrences, false_absent, false_all: of all findings, whatever their score.
    at_threshold: None where the findings have neither scores nor grades.
    """

    present: int
    absent: int
    scored: bool
    graded: bool
    mean_iou: float | None
    recall_at_one: dict[float, float | None]
    boundary: BoundaryError | None
    occurrences: Occurrences
    mean_average_precision: MeanPrecision | None
    auroc: Interval | None
    false_absent: FalseRate
    false_all: FalseRate
    at_threshold: AtThreshold | None
    kinds: tuple[KindMeasures, ...]
    curve: list[Point] | None


def find_measures(rows: Sequence[QueryRow], threshold: float | None) -> FindMeasures:
    """threshold: from which score on the model's findings are accepted; None where it is not calibrated."""
    scores = pair_scores(rows)
    return FindMeasures(
        present=sum(row.present for row in rows),
        absent=sum(not row.present for row in rows),
        scored=all(row.scored for row in rows),
        graded=all(row.graded for row in rows),
        mean_iou=mean_iou(rows),
        recall_at_one={at: recall_at_one(rows, at) for at in RECALL_AT},
        boundary=boundary_error(rows),
        occurrences=occurrences(rows),
        mean_average_precision=mean_average_precision(rows),
        auroc=None if scores is None else auroc(*scores),
        false_absent=false_findings(rows),
        false_all=false_findings(rows, absent_only=False),
        at_threshold=_at_threshold(rows, threshold) if all(row.graded for row in rows) else None,
        kinds=_kinds(rows, threshold),
        curve=curve(rows),
    )


def _kinds(rows: Sequence[QueryRow], threshold: float | None) -> tuple[KindMeasures, ...]:
    """Each kind of query that the truth names, in the order in which they come."""
    measured = []
    present = [row for row in rows if row.present]
    for kind in dict.fromkeys(row.kind for row in rows if row.kind):
        mine = [row for row in rows if row.kind == kind]
        scores = pair_scores([*present, *(row for row in mine if not row.present)])
        kept = at_threshold(mine, threshold).kept if all(row.graded for row in mine) else None
        false = false_findings(mine, threshold)
        measured.append(KindMeasures(kind, len(mine), kept, None if scores is None else auroc(*scores), false))
    return tuple(measured)


def _at_threshold(rows: Sequence[QueryRow], threshold: float | None) -> AtThreshold:
    return AtThreshold(
        threshold,
        at_threshold(rows, threshold).kept,
        occurrences(rows, threshold),
        false_findings(rows, threshold),
        false_findings(rows, threshold, absent_only=False),
    )


@dataclass(frozen=True)
class CaptionMeasures:
    """What captions gave; None where no video has a true event. soda_c: with word F1 for METEOR."""

    videos: int
    events: EventScores | None
    soda_c: Score | None


def caption_measures(rows: Sequence[CaptionRow]) -> CaptionMeasures:
    """All measures of captions."""
    return CaptionMeasures(len(rows), event_scores(rows), soda_c(rows))


@dataclass(frozen=True)
class Effort:
    """What the answers cost that were really asked. Lengths in seconds, memory in bytes; None is not known."""

    answers: int
    tokens: int
    footage: float
    seconds: float
    speed: float | None
    peak_memory: int | None
    peak_gpu_memory: int | None


@dataclass(frozen=True)
class Measures:
    """Everything that was measured. find, caption: None where nothing of it was judged."""

    find: FindMeasures | None
    caption: CaptionMeasures | None
    effort: Effort


def effort(meter: Meter) -> Effort:
    """What the answers cost."""
    footage, speed = float(meter.footage), meter.speed
    return Effort(meter.answers, meter.tokens, footage, meter.seconds, speed, peak_memory(), peak_gpu_memory())
