"""The report at the end of a run: one JSON document or lines to read, receipts, and the exit code."""

from __future__ import annotations

import json
from collections.abc import MutableMapping, Sequence
from typing import Any

from marlin_edit.analysis import AGAIN, Analysis, Finding
from marlin_edit.app import App
from marlin_edit.console import Console
from marlin_edit.edit import Cut, QueryResult, accepted_findings, edit_of, frames_of, results_of
from marlin_edit.errors import ExitCode
from marlin_edit.evidence import doubt_to_sort, reason_of, standing_of
from marlin_edit.text import counted
from marlin_edit.timebase import clock_text
from marlin_edit.workflow.publish import Outcome
from marlin_edit.workflow.run import Run

NOT_CALIBRATED = (
    "this model has no calibration, so its findings have grades and no scores: look at them before you use them"
)
NOT_CHECKED = (
    "there is no evidence for these findings (--no-score, or another program's): look at them before you use them"
)
_REJECTED_SHOWN = 5


def report(
    run: Run,
    analysis: Analysis,
    outcome: Outcome,
    cuts: Sequence[Cut] = (),
    *,
    into: MutableMapping[str, Any] | None = None,
) -> ExitCode:
    """Print the result of a run, and return its exit code. into: takes the JSON document if it is one of several.

    Partial if something is missing or the media is cut short; nothing matched if the model was asked and there is
    nothing to show for it.
    """
    console = run.console
    accepted = accepted_findings(analysis)
    missing = list(outcome.missing)
    if analysis.media.incomplete:
        missing.append(f"{analysis.media.path.name} is cut short; the part that is there was used")
    for span in analysis.unseen:
        missing.append(f"{analysis.media.path.name} shows no picture in {span}; that part was not looked at")
    code = outcome.exit_code
    if code is ExitCode.DONE and missing:
        code = ExitCode.PARTIAL
    elif code is ExitCode.DONE and analysis.asked and not (analysis.events or accepted or analysis.scenes):
        code = ExitCode.NOTHING_MATCHED
    if console.json:
        document = {
            "analysis": _document(run.app, analysis, cuts),
            **documented(outcome),
            "missing": missing,
            "exit_code": int(code),
        }
        if into is None:
            console.answer(document)
        else:
            into.update(document)
    elif outcome.stdout is not None:
        console.data(outcome.stdout)
    elif not outcome.files:
        _print(console, analysis, accepted, cuts)
    for line in analysis.discarded:
        console.warning(f"not used: {line}")
    if accepted and all(finding.score is None for finding in accepted):
        console.receipt(f"note: {NOT_CALIBRATED if any(finding.words for finding in accepted) else NOT_CHECKED}")
    _report_rejected(console, analysis, accepted)
    absent = _report_results(console, analysis)
    if absent and code is ExitCode.DONE and run.settings.value("require", str) == "all":
        missing.append(f"nothing matched {' and '.join(absent)}, and --require all asks for every query")
        code = ExitCode.PARTIAL
    report_outcome(console, outcome, missing)
    if code is ExitCode.NOTHING_MATCHED:
        console.receipt(_nothing_matched(analysis))
    return code


def documented(outcome: Outcome) -> dict[str, Any]:
    """What was written and delivered, for the JSON document."""
    return {
        "files": [str(path) for path in outcome.files],
        "planned": [str(path) for path in outcome.planned],
        "items": list(outcome.items),
        "notes": outcome.notes,
        "missing": outcome.missing,
        "exit_code": int(outcome.exit_code),
    }


def report_outcome(console: Console, outcome: Outcome, missing: Sequence[str] | None = None) -> None:
    """Report what was written and delivered, and what is missing. missing: in place of the outcome's own."""
    for note in outcome.notes:
        console.receipt(f"note: {note}")
    for path in outcome.planned:
        console.receipt(f"would write {path}")
    for path in outcome.files:
        console.receipt(f"wrote {path}")
    for sentence in outcome.missing if missing is None else missing:
        console.warning(sentence)


def _document(app: App, analysis: Analysis, cuts: Sequence[Cut]) -> Any:
    """The analysis as its own file would say it."""
    with app.context() as context:
        content = app.exporter_for(None, "json").render(edit_of(analysis, cuts), context).content
    assert isinstance(content, str)
    return json.loads(content)


def _report_rejected(console: Console, analysis: Analysis, accepted: Sequence[Finding]) -> None:
    """The rejected findings, the best scored first; results of re-queries and long lists only with -v."""
    kept = {id(finding) for finding in accepted}
    rejected = [finding for finding in analysis.findings if id(finding) not in kept]
    rejected.sort(key=lambda finding: (-(finding.score or 0), doubt_to_sort(finding.words)))
    shown = {id(finding) for finding in [one for one in rejected if AGAIN not in one.flags][:_REJECTED_SHOWN]}
    for finding in rejected:
        say = console.receipt if id(finding) in shown else console.detail
        say(f"rejected: {_finding_line(analysis, finding)}")
    if more := len(rejected) - len(shown):
        answers = counted(more, "more answer" if shown else "answer")
        console.receipt(f"rejected: {answers} (-v lists them, --all accepts them)")


def _report_results(console: Console, analysis: Analysis) -> list[str]:
    """A line for each of several queries; gives those of which nothing is accepted, in quotes."""
    results = results_of(analysis)
    for result in results if len(results) > 1 else ():
        if result.accepted:
            console.receipt(f'"{result.query}": {counted(result.accepted, "finding")}')
        else:
            console.receipt(f'"{result.query}": nothing{_why_nothing(analysis, result)}')
    return [f'"{result.query}"' for result in results if not result.accepted]


def _why_nothing(analysis: Analysis, result: QueryResult) -> str:
    best = result.best
    if best is None:
        return ""
    why = f": {counted(result.found, 'answer')} rejected"
    if best.score is not None and analysis.threshold is not None:
        why += f", the best scored {best.score:.2f} and {analysis.threshold:.2f} is needed"
    reason = reason_of(best)
    return f"{why}; {reason}" if reason else why


def _nothing_matched(analysis: Analysis) -> str:
    """What was looked at, and why there is no finding."""
    results = results_of(analysis)
    spans = ", ".join(str(span) for span in analysis.asked[0].looked_at)
    sought = " and ".join(f'"{result.query}"' for result in results[:3]) or "anything"
    more = f" and {len(results) - 3} more" if len(results) > 3 else ""
    why = _why_nothing(analysis, results[0]) if len(results) == 1 else ""
    return f"nothing matched {sought}{more} in {analysis.media.path.name} ({spans}){why}"


def _print(console: Console, analysis: Analysis, accepted: Sequence[Finding], cuts: Sequence[Cut]) -> None:
    for scene in analysis.scenes:
        console.lines(scene.text, "")
    for event in analysis.events:
        flags = f"  ({', '.join(event.flags)})" if event.flags else ""
        console.lines(f"{_times(analysis, event.span.start, event.span.end)}  {event.text}{flags}")
    if cuts:
        media = analysis.media
        for cut in cuts:
            console.lines(
                f"{_times(analysis, cut.span.start, cut.span.end)}  frames {cut.frames.first} to {cut.frames.stop - 1}"
                f"  {_label(analysis, cut.frames.first)}  {cut.name or media.path.name}"
            )
        return
    for finding in accepted:
        console.lines(_finding_line(analysis, finding))


def _finding_line(analysis: Analysis, finding: Finding) -> str:
    frames = frames_of(finding.span, analysis.media)
    reason = reason_of(finding)
    notes = [*finding.flags, standing_of(finding) + (f": {reason}" if reason else "")]
    return (
        f"{_times(analysis, finding.span.start, finding.span.end)}  frames {frames.first} to {frames.stop - 1}"
        f"  {_label(analysis, frames.first)}  {finding.query}  ({', '.join(notes)})"
    )


def _times(analysis: Analysis, start: Any, end: Any) -> str:
    return f"{clock_text(start)} - {clock_text(end)}"


def _label(analysis: Analysis, frame: int) -> str:
    media = analysis.media
    return media.timecode_of(frame) if media.rate is not None else ""
