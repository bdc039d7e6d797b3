"""What a run found, as lines for a person: each query with what is there, what is not and why, and totals."""

from __future__ import annotations

from collections.abc import Sequence

from marlin_edit.analysis import AGAIN, UNSUPPORTED, UNSURE, Analysis, Event, Finding, Sense
from marlin_edit.answer_format import CLAMPED, PARTIAL, REPEATED, WIDENED
from marlin_edit.console import Line, Style, in_columns
from marlin_edit.edit import (
    Cut,
    QueryResult,
    accepted_findings,
    frames_of,
    is_accepted_in,
    is_transcribed,
    results_of,
)
from marlin_edit.evidence import doubt_to_sort, grade_of, reason_of, standing_of
from marlin_edit.text import counted
from marlin_edit.timebase import FrameRange, Span, clock_text

_FLAGS = {
    CLAMPED: "the model's end lay past the window",
    WIDENED: "made as long as the model's step",
    REPEATED: "the model wrote more than one span",
    PARTIAL: "the model's answer was cut off",
    AGAIN: "found by asking again",
    UNSUPPORTED: "nothing supports it",
}
_INDENT = 2


def findings_listed(analysis: Analysis, *, rejected: bool, width: int | None) -> list[Line]:
    """Each query with its accepted findings, or with the reason why there is none; then what nobody asked for.

    Args:
        rejected: Whether those that were rejected are listed as well.
        width: Columns of the terminal; None where there is none.
    """
    lines: list[Line] = []
    for result in (*results_of(analysis), *_given_results(analysis)):
        of_query = [finding for finding in analysis.findings if finding.query == result.query]
        lines += _heading(analysis, result, width)
        lines += _table(analysis, [one for one in of_query if is_accepted_in(analysis, one)], width)
        others = [one for one in of_query if not is_accepted_in(analysis, one)]
        if rejected and others:
            lines.append((" " * _INDENT, ("rejected:", Style.FAINT)))
            lines += _table(analysis, sorted(others, key=_least_doubtful), width)
    return lines


def _given_results(analysis: Analysis) -> list[QueryResult]:
    """The accepted findings that no query of the run asked for: those of a person, of other programs, renamed ones."""
    asked = {one.query for one in analysis.asked}
    names = dict.fromkeys(finding.query for finding in accepted_findings(analysis) if finding.query not in asked)
    results = []
    for name in names:
        given = [finding for finding in analysis.findings if finding.query == name]
        accepted = sum(is_accepted_in(analysis, finding) for finding in given)
        results.append(QueryResult(name, (), len(given), accepted, None))
    return results


def _least_doubtful(finding: Finding) -> tuple[float, float]:
    return -(finding.score or 0), doubt_to_sort(finding.words)


def _heading(analysis: Analysis, result: QueryResult, width: int | None) -> list[Line]:
    query = (f'"{result.query}"', Style.STRONG)
    if result.accepted:
        return [(query, ": ", (f"{result.accepted} found", Style.GOOD))]
    lines: list[Line] = [(query, ": ", ("not found", Style.BAD))]
    best = result.best
    if best is not None:
        lines += in_columns([(_lacks(analysis, best),)], indent=_INDENT, width=width)
    return lines


def _lacks(analysis: Analysis, best: Finding) -> str:
    """Where the best of the rejected findings lies, and what it lacks."""
    standing = standing_of(best)
    if best.score is not None and analysis.threshold is not None:
        standing += f", and {analysis.threshold:.2f} is needed"
    reason = reason_of(best)
    return f"the best is {_seconds(best.span)} s ({standing}){': ' + reason if reason else ''}"


def _table(analysis: Analysis, findings: Sequence[Finding], width: int | None) -> list[Line]:
    rows = [
        (
            *_place(analysis, finding.span, frames_of(finding.span, analysis.media)),
            _standing(finding),
            _remarks(finding),
        )
        for finding in findings
    ]
    if not rows:
        return []
    scored = any(finding.score is not None for finding in findings)
    return _under((*_PLACE, "score" if scored else "grade", ""), rows, width)


_PLACE = ("in", "out", "seconds", "length")


def _place(analysis: Analysis, span: Span, frames: FrameRange) -> tuple[str, str, str, str]:
    media = analysis.media
    if media.rate is not None and not media.sample_rate:
        begin, end = media.timecode_of(frames.first), media.timecode_of(frames.stop)
    else:
        begin, end = clock_text(span.start), clock_text(span.end)
    return begin, end, _seconds(span), f"{float(span.length):.2f} s"


def _seconds(span: Span) -> str:
    return f"{float(span.start):.2f} - {float(span.end):.2f}"


def _standing(finding: Finding) -> str:
    if finding.sense is Sense.SAID:
        return "said"
    if finding.score is not None:
        return f"{finding.score:.2f}"
    grade = grade_of(finding)
    return "-" if grade is None else grade.value


def _remarks(finding: Finding) -> str:
    if finding.sense is Sense.SAID:
        unsure = finding.signals.get("confidence", 1.0) < UNSURE
        return f'"{finding.quote}"' + (" (the speech model was not sure of every word)" if unsure else "")
    reason = reason_of(finding)
    return "; ".join(filter(None, (reason, *(text for text in _explained(finding) if text not in reason))))


def _explained(item: Finding | Event) -> list[str]:
    return [_FLAGS.get(flag, flag) for flag in item.flags]


def _under(header: Sequence[str], rows: Sequence[Sequence[str]], width: int | None) -> list[Line]:
    first, *others = in_columns([header, *rows], indent=_INDENT, width=width)
    return [((first, Style.FAINT),), *others]


def events_listed(analysis: Analysis, width: int | None) -> list[Line]:
    """The scenes, then the events with their times."""
    lines: list[Line] = []
    for scene in analysis.scenes:
        lines += [*in_columns([(scene.text,)], width=width), ""]
    rows = []
    for event in analysis.events:
        remarks = "; ".join(_explained(event))
        frames = frames_of(event.span, analysis.media)
        rows.append((*_place(analysis, event.span, frames), event.text + (f"  ({remarks})" if remarks else "")))
    return lines + (_under((*_PLACE, ""), rows, width) if rows else [])


def speech_listed(analysis: Analysis, width: int | None) -> list[Line]:
    """What is said, with its times; what the speech model was unsure of has a mark."""
    rows = []
    for one in analysis.speech or ():
        frames = frames_of(one.span, analysis.media)
        if one.text:
            text = f"{one.speaker}: {one.text}" if one.speaker else one.text
            rows.append((*_place(analysis, one.span, frames), text + ("  [?]" if one.is_unsure else "")))
    return _under((*_PLACE, ""), rows, width) if rows else []


def cuts_listed(cuts: Sequence[Cut], width: int | None) -> list[Line]:
    """The cuts, with the frames that each has."""
    rows = [
        (
            *_place(cut.source, cut.span, cut.frames),
            f"frames {cut.frames.first} to {cut.frames.stop - 1}",
            cut.name or cut.source.media.path.name,
        )
        for cut in cuts
    ]
    return _under((*_PLACE, "", ""), rows, width) if rows else []


def totals(analysis: Analysis, cuts: Sequence[Cut], files: int) -> str:
    """How much was found and cut, and how long it is: `2 findings, 2 clips, 9.0 s`; nothing where nothing was.

    files: How many files of clips were written; of several cuts in one film there is one.
    """
    accepted = accepted_findings(analysis)
    utterances = sum(bool(one.text) for one in analysis.speech or ()) if is_transcribed(analysis) else 0
    counts = (len(analysis.events), "event"), (len(accepted), "finding"), (utterances, "utterance")
    parts = [counted(number, noun) for number, noun in counts if number]
    if cuts:
        parts.append(counted(len(cuts), "clip" if files == len(cuts) else "cut"))
    spans = [cut.span for cut in cuts] or [finding.span for finding in accepted]
    if spans:
        parts.append(f"{sum(float(span.length) for span in spans):.1f} s")
    return ", ".join(parts)
