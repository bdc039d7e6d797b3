"""Write an analysis in other formats. No model is needed."""

from __future__ import annotations

from fractions import Fraction
from pathlib import Path

import click

from marlin_edit.analysis import Analysis, joined_by_media
from marlin_edit.commands import (
    Run,
    as_command,
    deliver_option,
    dry_run_option,
    encoding_option,
    grouped_option,
    json_option,
    output_options,
)
from marlin_edit.edit import Cut, Edit, cuts_of_events, cuts_of_findings, edit_of_several
from marlin_edit.errors import ExitCode, UsageError
from marlin_edit.interfaces import Carries
from marlin_edit.settings import Group
from marlin_edit.timebase import FrameRate, parse_position
from marlin_edit.workflow.left_out import title_of
from marlin_edit.workflow.load_analyses import MediaFacts, read_analyses, refuse_to_pack
from marlin_edit.workflow.outputs import planned_deliveries, planned_outputs
from marlin_edit.workflow.publish import publish
from marlin_edit.workflow.report import documented, report, report_outcome
from marlin_edit.workflow.run import programme_start

NOMINAL_RATE = FrameRate(Fraction(25))
"""The rate of an edit of unknown rate, if no output and no delivery counts frames (`Carries.FRAMES`)."""

MAKES = Carries.SCENES | Carries.EVENTS | Carries.FINDINGS


def _seconds(_: click.Context, __: click.Parameter, given: str | None) -> Fraction | None:
    if given is None:
        return None
    position = parse_position(given)
    if not isinstance(position, Fraction):
        raise UsageError(f"--duration {given} is not a length in seconds.")
    return position


@as_command("export", settings=["handles"])
@click.argument(
    "analysis_files", metavar="ANALYSIS...", nargs=-1, required=True, type=click.Path(path_type=Path, readable=False)
)
@output_options
@deliver_option
@grouped_option(
    Group.WHAT,
    "--media",
    metavar="FILE",
    type=click.Path(path_type=Path),
    help="The media file, if the analysis does not name it.",
)
@grouped_option(
    Group.WHAT,
    "--rate",
    metavar="FPS",
    callback=lambda _, __, given: None if given is None else FrameRate.parse(given),
    help="Frame rate of the media, like 25, 23.976, 24000/1001 or 29.97df.",
)
@grouped_option(Group.WHAT, "--duration", metavar="SECONDS", callback=_seconds, help="Length of the media.")
@grouped_option(
    Group.WHAT, "--start-timecode", metavar="TC", help="Time code of the media's first frame, like 01:00:00:00."
)
@grouped_option(
    Group.WHAT,
    "--cuts",
    "cuts_from",
    type=click.Choice(["findings", "events", "none"]),
    default="findings",
    help="What becomes cuts, in formats that store cuts.",
)
@encoding_option
@dry_run_option
@json_option
def command(
    run: Run,
    analysis_files: tuple[Path, ...],
    outputs: tuple[Path | None, ...],
    format_name: str | None,
    delivery_names: tuple[str, ...],
    media: Path | None,
    rate: FrameRate | None,
    duration: Fraction | None,
    start_timecode: str | None,
    cuts_from: str,
    encoding: str | None,
    dry_run: bool,
) -> ExitCode:
    """Write ANALYSIS, a .json file from `caption` or `find` (or the model vendor's own helper), in other formats.

    Several analyses make one edit, in formats that store several sources; those of one media file are merged. ANALYSIS
    can also be a subtitle file: that needs no video and changes no cue.

    \b
    Examples:
      marlin-edit export interview.json -o interview.fcpxml -o interview.html
      marlin-edit export subtitles.ass -o subtitles.vtt
    """
    if not outputs and not delivery_names:
        raise UsageError("Say what to write: add -o FILE (`marlin-edit formats` lists the suffixes).")
    makes = MAKES if cuts_from == "none" else MAKES | Carries.CUTS
    planned = planned_outputs(run.app, outputs, format_name, makes, analysis_files, stdout_taken=run.json)
    deliveries = planned_deliveries(run.app, delivery_names, makes)
    facts = MediaFacts(media, rate, duration, start_timecode)
    if len(analysis_files) > 1 and facts != MediaFacts():
        raise UsageError("--media, --rate, --duration and --start-timecode describe one source. Give one ANALYSIS.")
    read: list[Analysis] = []
    for path in analysis_files:
        found = read_analyses(run.app, run.console, path, facts, encoding)
        if media is None:
            refuse_to_pack(path, found, planned)
        read += found
    analyses = joined_by_media(read)
    if len(analyses) > 1:
        for output in planned:
            if not output.exporter.carries & Carries.SEVERAL_SOURCES:
                raise UsageError(
                    f"{title_of(output.exporter)} stores one source per file, and these are {len(analyses)}. "
                    "Export them one at a time."
                )
    holders = [output.exporter.carries for output in planned] + [delivery.carries for delivery in deliveries]
    cut = cuts_from != "none" and any(carries & Carries.CUTS for carries in holders)

    def cuts_of(analysis: Analysis) -> tuple[Cut, ...]:
        make = cuts_of_events if cuts_from == "events" else cuts_of_findings
        return make(analysis, run.settings["handles"]) if cut else ()

    nominal = None if any(carries & Carries.FRAMES for carries in holders) else NOMINAL_RATE
    for analysis in analyses:
        for note in analysis.media.notes:
            run.console.receipt(f"{analysis.media.path.name}: {note}")
    edits = []
    for analysis in analyses:
        start = programme_start(run, analysis.media, nominal)
        edits.append(Edit(analysis.media.path.stem, *start, (analysis,), cuts_of(analysis)))
    if len(edits) == 1:
        return report(run, analyses[0], publish(run, edits[0], planned, deliveries, dry_run))
    outcome = publish(run, edit_of_several(edits), planned, deliveries, dry_run)
    if run.json:
        run.console.answer(documented(outcome))
    elif outcome.stdout is not None:
        run.console.data(outcome.stdout)
    report_outcome(run.console, outcome)
    return outcome.exit_code
