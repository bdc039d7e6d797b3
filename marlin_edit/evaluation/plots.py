"""The curves of a run, drawn. What was not measured is not drawn."""

from __future__ import annotations

from collections.abc import Sequence

from marlin_edit.evaluation.metrics import FindMeasures
from marlin_edit.evaluation.presence import pair_scores, roc_curve
from marlin_edit.evaluation.results import QueryRow
from marlin_edit.evaluation.retrieval import recall_at_one
from marlin_edit.evaluation.svg import Axis, Chart

ROC, KEPT, RECALL, OVERLAPS = "roc.svg", "kept-and-false.svg", "recall-over-iou.svg", "iou.svg"

FILES = (ROC, KEPT, RECALL, OVERLAPS)
"""The files that can be drawn."""

_BARS = 10
_FEW_FALSE = 5.0
"""False findings per hour up to which the curve is drawn at least: what lies far beyond is of no use to anybody."""
_STEPS = 100


def drawn(rows: Sequence[QueryRow], measures: FindMeasures | None, model: str) -> dict[str, str]:
    """Each file that can be drawn, and its content."""
    if measures is None:
        return {}
    charts: dict[str, Chart | None] = {
        ROC: _roc(rows, measures, model),
        KEPT: _kept(measures, model),
        RECALL: _recall(rows, measures, model),
        OVERLAPS: _overlaps(rows, measures, model),
    }
    return {name: chart.svg() for name, chart in charts.items() if chart is not None}


def _roc(rows: Sequence[QueryRow], measures: FindMeasures, model: str) -> Chart | None:
    scores, area = pair_scores(rows), measures.auroc
    if scores is None or area is None:
        return None
    return Chart(
        "Is it there? Present against absent queries (ROC)",
        [f"area {area.value:.3f} (95 %: {area.low:.3f} to {area.high:.3f}), {_queries(measures)}", model],
        Axis("share of absent queries that are taken for present", 1, percent=True),
        Axis("share of present queries kept", 1, percent=True),
        line=roc_curve(*scores),
        guide=[(0, 0), (1, 1)],
    )


def _kept(measures: FindMeasures, model: str) -> Chart | None:
    curve = [
        (point.false_per_hour, point.kept)
        for point in measures.curve or ()
        if point.false_per_hour is not None and point.kept is not None
    ]
    if not curve:
        return None
    points = []
    now = measures.at_threshold
    if now is not None and now.threshold is not None and now.kept is not None and now.false_absent.rate is not None:
        points.append(((now.false_absent.rate.value, now.kept), f"threshold {now.threshold:.3f}"))
    most = max(false for false, _ in curve) or 1.0
    shown = min(most, max(_FEW_FALSE, *(2 * place[0] for place, _ in points), 0.0))
    inside = [place for place in curve if place[0] <= shown]
    beyond = next((place for place in curve if place[0] > shown), None)
    if beyond is not None:
        (before, low), (after, high) = inside[-1] if inside else (0.0, 0.0), beyond
        inside.append((shown, low + (high - low) * (shown - before) / (after - before)))
    return Chart(
        "True findings kept against false ones, by threshold",
        [f"{_queries(measures)}, {measures.false_absent.hours:.2f} h of footage times absent queries", model],
        Axis("false findings per hour of footage and absent query", shown),
        Axis("share of true findings kept", 1, percent=True),
        line=[(0, 0), *inside],
        points=points,
    )


def _recall(rows: Sequence[QueryRow], measures: FindMeasures, model: str) -> Chart | None:
    if not measures.present:
        return None
    limits = [step / _STEPS for step in range(_STEPS + 1)]
    return Chart(
        "Present queries found, by the overlap that counts (R1)",
        [f"mIoU {measures.mean_iou:.3f}, the area below the curve; {_queries(measures)}", model],
        Axis("overlap (IoU) that the best finding must have", 1),
        Axis("share of present queries", 1, percent=True),
        line=[(limit, recall_at_one(rows, limit) or 0.0) for limit in limits],
        points=[
            ((at, share), f"R1@{at:g} {100 * share:.0f} %") for at, share in measures.recall_at_one.items() if share
        ],
    )


def _overlaps(rows: Sequence[QueryRow], measures: FindMeasures, model: str) -> Chart | None:
    if not measures.present:
        return None
    counts = [0] * _BARS
    for row in rows:
        if row.present:
            counts[min(_BARS - 1, int(row.iou * _BARS))] += 1
    return Chart(
        "How well the best findings overlap with the truth",
        [_queries(measures), model],
        Axis("overlap (IoU)", 1),
        Axis("present queries", max(max(counts), 4)),
        bars=[(place / _BARS, (place + 1) / _BARS, count) for place, count in enumerate(counts) if count],
    )


def _queries(measures: FindMeasures) -> str:
    return f"{measures.present} present and {measures.absent} absent queries"
