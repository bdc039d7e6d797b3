"""Measures reported: as a table for people, and as the JSON document `marlin-edit.evaluation/1` for programs."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict
from typing import Any

from marlin_edit.analysis import Finding
from marlin_edit.edit import is_accepted
from marlin_edit.evaluation.captions import SODA
from marlin_edit.evaluation.metrics import AtThreshold, CaptionMeasures, Effort, FindMeasures, KindMeasures
from marlin_edit.evaluation.presence import NOTHING, FalseRate, pair_score
from marlin_edit.evaluation.results import CaptionRow, Judged, QueryRow
from marlin_edit.evaluation.retrieval import Occurrences
from marlin_edit.evidence import grade_of
from marlin_edit.inference.measures import Interval, best_iou
from marlin_edit.timebase import Span, seconds_text

SCHEMA = "marlin-edit.evaluation/1"

NOT_CALIBRATED = "not measured: no calibration for this model"

Line = tuple[str, str, str]
"""A line of the table: what was measured, its value, and what that means in few words."""


def find_lines(measures: FindMeasures) -> list[Line]:
    """What queries gave, for people."""
    lines: list[Line] = []
    if measures.present:
        lines += [("present queries", str(measures.present), "the thing is there"), *_present(measures)]
    if measures.absent:
        if lines:
            lines.append(("", "", ""))
        lines += [("absent queries", str(measures.absent), "the thing is not there"), *_absent(measures)]
    if measures.at_threshold is not None:
        lines += [("", "", ""), *_at_threshold(measures.at_threshold)]
    if measures.kinds:
        lines += [("", "", ""), ("by kind", "", "of the findings that are accepted"), *map(_kind, measures.kinds)]
    return lines


def _kind(measures: KindMeasures) -> Line:
    if measures.kept is not None:
        return (f"  {measures.kind}", _share(measures.kept), f"of the true findings kept, {measures.queries} queries")
    false = measures.false_absent
    if false.rate is None:
        return (f"  {measures.kind}", "-", f"{measures.queries} queries")
    words = f"false per hour and query: {false.count} in {false.hours:.2f} h, {measures.queries} queries"
    ranked = f", AUROC {measures.auroc.value:.3f}" if measures.auroc is not None else ""
    return (f"  {measures.kind}", f"{false.rate.value:.2f}", words + ranked)


def _present(measures: FindMeasures) -> list[Line]:
    top = "the first answer (findings have no score)"
    if measures.scored or measures.graded:
        top = "the best finding" if measures.scored else "the least doubtful finding"
    lines = [("  mIoU", _number(measures.mean_iou), f"mean overlap of {top} with the truth, 0 to 1")]
    for at, share in measures.recall_at_one.items():
        lines.append((f"  R1@{at:g}", _share(share), f"of them overlap by {at:g} or more"))
    off = measures.boundary
    if off is not None:
        found = _count(off.pairs, "finding that overlaps", "findings that overlap") + " by 0.5"
        lines.append(
            ("  start off by", f"{off.start_median:.2f} s", f"median (mean {off.start_mean:.2f} s) of {found}")
        )
        lines.append(("  end off by", f"{off.end_median:.2f} s", f"median (mean {off.end_mean:.2f} s)"))
    lines += _occurrences(measures.occurrences)
    if measures.mean_average_precision is None:
        lines.append(("  mAP", "-", NOT_CALIBRATED))
    else:
        precision = measures.mean_average_precision
        more = f"over overlaps of 0.5 to 0.95 (at 0.5: {precision.at_50:.3f}, at 0.75: {precision.at_75:.3f})"
        lines.append(("  mAP", _number(precision.average), f"findings ranked by score, {more}"))
    return lines


def _occurrences(counted: Occurrences) -> list[Line]:
    return [
        ("  recall", _share(counted.recall), f"of the occurrences found: {counted.found} of {counted.true}"),
        ("  precision", _share(counted.precision), f"of the findings right: {counted.found} of {counted.findings}"),
        ("  duplicates", str(counted.repeated), "findings of an occurrence that has another finding"),
    ]


def _absent(measures: FindMeasures) -> list[Line]:
    lines: list[Line] = []
    if measures.auroc is not None:
        words = f"chance that a present query scores higher than an absent one, {_within(measures.auroc, 3)}"
        lines.append(("  AUROC", _number(measures.auroc.value), words))
    elif measures.present:
        lines.append(("  AUROC", "-", NOT_CALIBRATED))
    return lines + _false(measures.false_absent, measures.false_all)


def _false(absent: FalseRate, both: FalseRate) -> list[Line]:
    lines = []
    for name, words, false in (
        ("  false", "per hour and absent query", absent),
        ("  false, all", "per hour and query, also for present queries", both),
    ):
        if false.rate is not None:
            reported = f"{words}, {_within(false.rate, 2)}: {false.count} in {false.hours:.2f} h"
            lines.append((name, f"{false.rate.value:.2f}", reported))
    return lines


def _at_threshold(measures: AtThreshold) -> list[Line]:
    rule = ("by the default rule", "", "findings that are graded supported are accepted")
    if measures.threshold is not None:
        rule = ("at the threshold", f"{measures.threshold:.3f}", "findings with at least this score are accepted")
    return [
        rule,
        ("  kept", _share(measures.kept), "of the true findings"),
        *_occurrences(measures.occurrences),
        *_false(measures.false_absent, measures.false_all),
    ]


def caption_lines(measures: CaptionMeasures) -> list[Line]:
    """What captions gave, for people."""
    events, soda = measures.events, measures.soda_c
    if events is None or soda is None:
        return [("captions", str(measures.videos), "videos without any event: nothing to measure")]
    times, words = events.times, events.times_and_words
    return [
        ("captions", str(measures.videos), f"videos: {events.reported} events reported, {events.true} true"),
        (
            "  event F1",
            _number(times.f1),
            f"overlap of 0.5: precision {times.precision:.3f}, recall {times.recall:.3f}",
        ),
        ("  in words", _number(words.f1), "event F1 if matches must also have the same words"),
        (f"  {SODA}", _number(soda.f1), "in order of time, overlap times similarity of words; not METEOR's numbers"),
    ]


def effort_lines(effort: Effort) -> list[Line]:
    """What the answers cost, for people."""
    lines: list[Line] = [("cost", "", "")]
    if effort.speed is None:
        lines.append(("  speed", "-", "all answers came from the store (use --no-store to ask again)"))
    else:
        asked = f"{effort.answers} answers about {effort.footage:.0f} s of footage in {effort.seconds:.1f} s of work"
        lines.append(("  speed", f"{effort.speed:.2f} x", f"real time: {asked}"))
        lines.append(("  tokens", str(effort.tokens), "answered"))
    for name, size in (("  memory", effort.peak_memory), ("  GPU memory", effort.peak_gpu_memory)):
        if size is not None:
            lines.append((name, f"{size / 2**30:.2f} GiB", "the most at once"))
    return lines


def measures_document(measures: FindMeasures | CaptionMeasures | Effort | None) -> dict[str, Any] | None:
    """The measures as JSON values, by their names; null is not measured."""
    if measures is None:
        return None
    document = asdict(measures)
    if isinstance(measures, FindMeasures):
        document["occurrences"] = _occurrences_document(measures.occurrences)
        if measures.at_threshold is not None:
            document["at_threshold"]["occurrences"] = _occurrences_document(measures.at_threshold.occurrences)
    return document


def _occurrences_document(counted: Occurrences) -> dict[str, Any]:
    return asdict(counted) | {"recall": counted.recall, "precision": counted.precision}


def video_document(judged: Judged, threshold: float | None) -> dict[str, Any]:
    """All rows of a video, so that others can compute on them."""
    video = judged.video
    return {
        "path": str(video.path),
        "part": None if video.part is None else _pair(video.part),
        "queries": [_query(row, threshold) for row in judged.queries],
        "captions": None if judged.captions is None else _captions(judged.captions),
    }


def _query(row: QueryRow, threshold: float | None) -> dict[str, Any]:
    score = pair_score(row)
    return {
        "query": row.query,
        "kind": row.kind or None,
        "spans": [_pair(span) for span in row.true],
        "looked_at": seconds_text(row.looked_at),
        "iou": row.iou if row.present else None,
        "score": None if score == NOTHING else score,
        "findings": [_finding(row, finding, threshold) for finding in row.findings],
    }


def _finding(row: QueryRow, finding: Finding, threshold: float | None) -> dict[str, Any]:
    return {
        "start": seconds_text(finding.span.start),
        "end": seconds_text(finding.span.end),
        "score": finding.score,
        "accepted": is_accepted(finding, threshold),
        "grade": None if (grade := grade_of(finding)) is None else grade.value,
        "iou": best_iou(finding.span, row.true),
        "top": finding is row.top,
        "flags": list(finding.flags),
    }


def _captions(row: CaptionRow) -> dict[str, Any]:
    return {
        "looked_at": seconds_text(row.looked_at),
        "true": [_event(event.span, event.text) for event in row.true],
        "told": [_event(event.span, event.text) for event in row.reported],
    }


def _event(span: Span, text: str) -> dict[str, Any]:
    return {"start": seconds_text(span.start), "end": seconds_text(span.end), "text": text}


def _pair(span: Span) -> Sequence[str]:
    return [seconds_text(span.start), seconds_text(span.end)]


def _count(number: int, one: str, several: str) -> str:
    return f"{number} {one if number == 1 else several}"


def _number(value: float | None) -> str:
    return "-" if value is None else f"{value:.3f}"


def _share(value: float | None) -> str:
    return "-" if value is None else f"{100 * value:.1f} %"


def _within(interval: Interval, digits: int) -> str:
    return f"95 %: {interval.low:.{digits}f} to {interval.high:.{digits}f}"
