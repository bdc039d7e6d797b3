"""The report at the end of a run: one JSON document or lines to read, receipts, and the exit code."""

from __future__ import annotations

import json
from collections.abc import MutableMapping, Sequence
from typing import Any

from marlin_edit.analysis import Analysis, Sense
from marlin_edit.app import App
from marlin_edit.console import Console
from marlin_edit.edit import Cut, accepted_findings, edit_of, is_transcribed, results_of
from marlin_edit.errors import ExitCode
from marlin_edit.text import counted
from marlin_edit.workflow.listing import cuts_listed, events_listed, findings_listed, speech_listed, totals
from marlin_edit.workflow.publish import Outcome
from marlin_edit.workflow.run import Run

NOT_CALIBRATED = (
    "this model has no calibration, so its findings have grades and no scores: look at them before you use them"
)
NOT_CHECKED = (
    "there is no evidence for these findings (--no-score, or another program's): look at them before you use them"
)


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
    elif (
        code is ExitCode.DONE
        and analysis.asked
        and not (analysis.events or accepted or analysis.scenes or is_transcribed(analysis))
    ):
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
    _list(console, analysis, cuts, outcome)
    for line in analysis.discarded:
        console.warning(f"not used: {line}")
    seen = [finding for finding in accepted if finding.sense is Sense.SEEN]
    if seen and all(finding.score is None for finding in seen):
        console.receipt(f"note: {NOT_CALIBRATED if any(finding.words for finding in seen) else NOT_CHECKED}")
    absent = [f'"{result.query}"' for result in results_of(analysis) if not result.accepted]
    if absent and code is ExitCode.DONE and run.settings.value("require", str) == "all":
        missing.append(f"nothing matched {' and '.join(absent)}, and --require all asks for every query")
        code = ExitCode.PARTIAL
    report_outcome(console, outcome, missing)
    if code is ExitCode.NOTHING_MATCHED:
        console.receipt(_nothing_matched(analysis))
    elif total := totals(analysis, cuts, len({item.get("file") for item in outcome.items if "clip" in item})):
        console.receipt(total)
    return code


def _list(console: Console, analysis: Analysis, cuts: Sequence[Cut], outcome: Outcome) -> None:
    """What was found: to stdout if nothing else is there or in files, else to stderr."""
    free = not (console.json or outcome.files or outcome.stdout is not None)
    say, stream = (console.lines, console.out) if free else (console.receipts, console.err)
    width = console.width(stream)
    lines = events_listed(analysis, width) if free else []
    if free and is_transcribed(analysis):
        lines += speech_listed(analysis, width)
    lines += findings_listed(analysis, rejected=console.verbosity > 0, width=width)
    if free and (cuts or not analysis.asked):
        lines += cuts_listed(cuts, width)
    if lines:
        say(*lines)
    hidden = len(analysis.findings) - len(accepted_findings(analysis))
    if hidden and console.verbosity <= 0:
        console.receipt(f"{counted(hidden, 'answer')} rejected (-v lists them, --all accepts them)")


def documented(outcome: Outcome) -> dict[str, Any]:
    """What was written and delivered, for the JSON document."""
    return {
        "files": [str(path) for path in outcome.files],
        "planned": [str(path) for path in outcome.planned],
        "items": list(outcome.items),
        "notes": [*outcome.notes, *outcome.details],
        "missing": outcome.missing,
        "exit_code": int(outcome.exit_code),
    }


def report_outcome(console: Console, outcome: Outcome, missing: Sequence[str] | None = None) -> None:
    """Report what was written and delivered, and what is missing. missing: in place of the outcome's own."""
    for note in outcome.notes:
        console.receipt(f"note: {note}")
    for note in outcome.details:
        console.detail(f"note: {note}")
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


def _nothing_matched(analysis: Analysis) -> str:
    """What was looked at, and why there is no finding."""
    results = results_of(analysis)
    spans = ", ".join(str(span) for span in analysis.asked[0].looked_at)
    sought = " and ".join(f'"{result.query}"' for result in results[:3]) or "anything"
    more = f" and {len(results) - 3} more" if len(results) > 3 else ""
    return f"nothing matched {sought}{more} in {analysis.media.path.name} ({spans})"
