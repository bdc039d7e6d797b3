"""Say when something happens in a video: the span of each query."""

from __future__ import annotations

from pathlib import Path

import click

from marlin_edit.analysis import Analysis
from marlin_edit.commands import (
    as_command,
    deliver_option,
    dry_run_option,
    json_option,
    output_options,
    range_option,
    videos_arguments,
)
from marlin_edit.edit import Cut
from marlin_edit.errors import ExitCode
from marlin_edit.inference.pipeline import ask_about, checked_queries, model_opener
from marlin_edit.interfaces import Carries
from marlin_edit.media import MediaInfo
from marlin_edit.timebase import Position
from marlin_edit.workflow.batch import planned_jobs, videos_in, work_off
from marlin_edit.workflow.run import Run

MAKES = Carries.FINDINGS


@as_command("find")
@videos_arguments
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
@dry_run_option
@json_option
def command(
    run: Run,
    videos: tuple[Path, ...],
    recursive: bool,
    queries: tuple[str, ...],
    outputs: tuple[Path | None, ...],
    format_name: str | None,
    delivery_names: tuple[str, ...],
    look_in: tuple[Position, Position] | None,
    dry_run: bool,
) -> ExitCode:
    """Say when something happens in VIDEO: the span of each query.

    VIDEO is a file, or a directory of them; for several, -o '{name}.json' writes one each, and -o found.otio one
    timeline of them all. The model always answers with some span, also when the thing is not there: check before you
    use it.
    """
    wanted = checked_queries(queries)
    jobs = planned_jobs(run, videos_in(videos, recursive), outputs, format_name, delivery_names, MAKES)
    model = model_opener(run.app, run.console)

    def learn(media: MediaInfo) -> tuple[Analysis, tuple[Cut, ...]]:
        return ask_about(run.app, run.console, media, look_in, queries=wanted, model=model), ()

    return work_off(run, jobs, learn, ready=model, dry_run=dry_run)
