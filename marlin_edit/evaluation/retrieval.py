"""How well present queries are found: the measures of moment retrieval, and those of every occurrence."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from statistics import fmean, median

from marlin_edit.analysis import Finding
from marlin_edit.evaluation.results import ALL, QueryRow
from marlin_edit.inference.measures import SAME_THING, best_iou, iou, matched
from marlin_edit.timebase import Span

RECALL_AT = (0.3, 0.5, 0.7)
"""The IoU thresholds that Charades-STA, ActivityNet Captions and TimeLens-Bench publish R1 for."""

PRECISION_AT = tuple(hundredths / 100 for hundredths in range(50, 100, 5))
"""IoU .5:.05:.95, over which QVHighlights averages."""


def mean_iou(rows: Sequence[QueryRow]) -> float | None:
    """mIoU: the mean IoU of each present query's top finding; 0 where nothing was found (Gao et al. 2017, TALL).

    Where a query takes place several times, the true span that fits best counts (Lei et al. 2021, QVHighlights). None
    without present queries.
    """
    present = [row.iou for row in rows if row.present]
    return fmean(present) if present else None


def recall_at_one(rows: Sequence[QueryRow], at: float) -> float | None:
    """R1@at, "R@1, IoU=m": the share of present queries whose top finding has at least this IoU (Gao et al. 2017)."""
    present = [row.iou >= at for row in rows if row.present]
    return fmean(present) if present else None


@dataclass(frozen=True)
class BoundaryError:
    """How far starts and ends of matched findings are off, in seconds."""

    pairs: int
    start_median: float
    start_mean: float
    end_median: float
    end_mean: float


def boundary_error(rows: Sequence[QueryRow]) -> BoundaryError | None:
    """Of all findings that are matched with a true span at IoU 0.5; None where there is none."""
    pairs = [pair for row in rows for pair in _pairs(row)]
    if not pairs:
        return None
    starts = [float(abs(found.start - true.start)) for found, true in pairs]
    ends = [float(abs(found.end - true.end)) for found, true in pairs]
    return BoundaryError(len(pairs), median(starts), fmean(starts), median(ends), fmean(ends))


def _pairs(row: QueryRow) -> list[tuple[Span, Span]]:
    found = [finding.span for finding in row.findings]
    return [(found[place], row.true[mate]) for place, mate in matched(found, row.true, SAME_THING)]


@dataclass(frozen=True)
class Occurrences:
    """Of present queries: how many true spans there are, how many of them were found, and by how many findings.

    found: true spans with a finding of their own at IoU 0.5. findings: all there are. repeated: findings of a true span
    that another finding is already of ("duplicates").
    """

    true: int
    found: int
    findings: int
    repeated: int

    @property
    def recall(self) -> float | None:
        """The share of the true spans that were found; None if there are none."""
        return self.found / self.true if self.true else None

    @property
    def precision(self) -> float | None:
        """The share of the findings that are each of a true span of its own; a repeated one counts as wrong."""
        return self.found / self.findings if self.findings else None


def occurrences(rows: Sequence[QueryRow], threshold: float | None = ALL) -> Occurrences:
    """Every occurrence, at IoU 0.5, of the findings that are accepted at a threshold."""
    true = found = findings = repeated = 0
    for row in rows:
        if row.present:
            spans = [finding.span for finding in row.kept(threshold)]
            pairs = len(matched(spans, row.true, SAME_THING))
            true += len(row.true)
            found += pairs
            findings += len(spans)
            repeated += sum(best_iou(span, row.true) >= SAME_THING for span in spans) - pairs
    return Occurrences(true, found, findings, repeated)


@dataclass(frozen=True)
class MeanPrecision:
    """mAP at single IoU thresholds and averaged over .5:.05:.95."""

    average: float
    at_50: float
    at_75: float


def mean_average_precision(rows: Sequence[QueryRow]) -> MeanPrecision | None:
    """mAP of moment retrieval with several spans a query, as QVHighlights' evaluation has it (Lei et al. 2021).

    For each present query the average precision of its findings by score, interpolated as in ActivityNet's detection
    challenge and PASCAL VOC 2011; a true span is found once, what finds it again is wrong. Unlike there, all findings
    count and not the first ten only. None without present queries or where a finding has no score.
    """
    present = [row for row in rows if row.present]
    if not present or not all(row.scored for row in present):
        return None
    at = {limit: fmean(average_precision(row.findings, row.true, limit) for row in present) for limit in PRECISION_AT}
    return MeanPrecision(fmean(at.values()), at[0.5], at[0.75])


def average_precision(findings: Sequence[Finding], true: Sequence[Span], at: float) -> float:
    """The interpolated average precision of one query's scored findings at an IoU threshold.

    Each finding, the best scored first, takes the free true span that it fits best.
    """
    ranked = sorted(findings, key=lambda finding: (-(finding.score or 0.0), finding.span.start, finding.span.end))
    free = list(true)
    right = 0
    points: list[tuple[float, float]] = []
    for rank, finding in enumerate(ranked, 1):
        fitting = max(free, key=lambda span: iou(finding.span, span), default=None)
        if fitting is not None and iou(finding.span, fitting) >= at:
            free.remove(fitting)
            right += 1
        points.append((right / len(true), right / rank))
    area = before = 0.0
    for place, (recall, _) in enumerate(points):
        area += (recall - before) * max(precision for _, precision in points[place:])
        before = recall
    return area
