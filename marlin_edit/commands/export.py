"""Write an analysis in other formats, no model needed."""

from __future__ import annotations

from fractions import Fraction
from pathlib import Path

import click

from marlin_edit.commands import Run, as_command, deliver_option, json_option, output_options
from marlin_edit.edit import Cut, cuts_of_events, cuts_of_findings, edit_of
from marlin_edit.errors import ExitCode, UsageError
from marlin_edit.interfaces import Carries
from marlin_edit.outputs import planned_deliveries, planned_outputs, publish
from marlin_edit.reading import MediaFacts, read_analysis
from marlin_edit.reporting import report
from marlin_edit.timebase import FrameRate, parse_position

NOMINAL_RATE = FrameRate(Fraction(25))
"""The rate of an edit of which no output counts frames, where nothing says one."""

MAKES = Carries.SCENES | Carries.EVENTS | Carries.FINDINGS


def _seconds(_: click.Context, __: click.Parameter, given: str | None) -> Fraction | None:
    if given is None:
        return None
    position = parse_position(given)
    if not isinstance(position, Fraction):
        raise UsageError(f"--duration {given} is not a length in seconds.")
    return position


@as_command("export", settings=["handles"])
@click.argument("analysis_file", metavar="ANALYSIS", type=click.Path(path_type=Path, readable=False))
@output_options
@deliver_option
@click.option("--media", type=click.Path(path_type=Path), help="The media file, where the analysis does not say it.")
@click.option(
    "--rate",
    metavar="FPS",
    callback=lambda _, __, given: None if given is None else FrameRate.parse(given),
    help="Frame rate of the media, like 25, 23.976, 24000/1001 or 29.97df.",
)
@click.option("--duration", metavar="SECONDS", callback=_seconds, help="Length of the media.")
@click.option("--start-timecode", metavar="TC", help="Time code of the media's first frame, like 01:00:00:00.")
@click.option(
    "--cuts",
    "cuts_from",
    type=click.Choice(["findings", "events", "none"]),
    default="findings",
    show_default=True,
    help="What becomes cuts, for formats that hold cuts.",
)
@json_option
def command(
    run: Run,
    analysis_file: Path,
    outputs: tuple[Path | None, ...],
    format_name: str | None,
    delivery_names: tuple[str, ...],
    media: Path | None,
    rate: FrameRate | None,
    duration: Fraction | None,
    start_timecode: str | None,
    cuts_from: str,
) -> ExitCode:
    """Write ANALYSIS, a .json file of `caption` or `find` (or of the model vendor's own helper), in other formats.

    It can be a subtitle file too: `marlin-edit export subs.ass -o subs.vtt` needs no video, and changes no cue.
    """
    if not outputs and not delivery_names:
        raise UsageError("Say what to write: add -o FILE (`marlin-edit formats` lists the suffixes).")
    makes = MAKES if cuts_from == "none" else MAKES | Carries.CUTS
    planned = planned_outputs(run.app, outputs, format_name, makes, [analysis_file], stdout_taken=run.json)
    deliveries = planned_deliveries(run.app, delivery_names, makes)
    facts = MediaFacts(media, rate, duration, start_timecode)
    analysis = read_analysis(run.app, run.console, analysis_file, facts)
    cuts: tuple[Cut, ...] = ()
    holders = [output.exporter.carries for output in planned] + [delivery.carries for delivery in deliveries]
    if cuts_from != "none" and any(carries & Carries.CUTS for carries in holders):
        make = cuts_of_events if cuts_from == "events" else cuts_of_findings
        cuts = make(analysis, run.settings["handles"])
    for note in analysis.media.notes:
        run.console.receipt(f"{analysis_file.name}: {note}")
    counts_frames = any(carries & Carries.MARKERS or not carries & Carries.EVENTS for carries in holders)
    rate = None if counts_frames else NOMINAL_RATE
    outcome = publish(run.app, edit_of(analysis, cuts, rate=rate), planned, deliveries)
    return report(run.app, run.console, analysis, outcome)
