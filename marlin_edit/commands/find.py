"""Say when something happens in a video: the span of each query."""

from __future__ import annotations

from pathlib import Path

import click

from marlin_edit.asking import ask_about, checked_queries
from marlin_edit.commands import (
    Run,
    as_command,
    deliver_option,
    json_option,
    opened,
    output_options,
    range_option,
    video_argument,
)
from marlin_edit.edit import edit_of
from marlin_edit.errors import ExitCode
from marlin_edit.interfaces import Carries
from marlin_edit.outputs import planned_deliveries, planned_outputs, publish
from marlin_edit.reporting import report
from marlin_edit.timebase import Position

MAKES = Carries.FINDINGS


@as_command("find")
@video_argument
@click.option(
    "-q",
    "--query",
    "queries",
    multiple=True,
    required=True,
    metavar="TEXT",
    help='What to look for: one visible action, in the present tense, like "a door opens". Can be repeated.',
)
@output_options
@deliver_option
@range_option
@json_option
def command(
    run: Run,
    video: Path,
    queries: tuple[str, ...],
    outputs: tuple[Path | None, ...],
    format_name: str | None,
    delivery_names: tuple[str, ...],
    look_in: tuple[Position, Position] | None,
) -> ExitCode:
    """Say when something happens in VIDEO: the span of each query.

    The model always answers with some span, also when the thing is not there: check before you use it.
    """
    wanted = checked_queries(queries)
    planned = planned_outputs(run.app, outputs, format_name, MAKES, [video], stdout_taken=run.json)
    deliveries = planned_deliveries(run.app, delivery_names, MAKES)
    media = opened(run, video)
    analysis = ask_about(run.app, run.console, media, look_in, queries=wanted)
    outcome = publish(run.app, edit_of(analysis), planned, deliveries)
    return report(run.app, run.console, analysis, outcome)
