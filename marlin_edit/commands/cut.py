"""Cut what a query finds, or the spans you give, out of a video: clips, cut lists, timelines."""

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
from marlin_edit.edit import Cut, cuts_of_findings, cuts_of_spans
from marlin_edit.errors import ExitCode, UsageError
from marlin_edit.inference.pipeline import ask_about, checked_queries, model_opener
from marlin_edit.inference.windows import span_between
from marlin_edit.interfaces import Carries
from marlin_edit.media import MediaInfo
from marlin_edit.timebase import Position, parse_positions
from marlin_edit.workflow.batch import planned_jobs, videos_in, work_off
from marlin_edit.workflow.cut_selection import chosen_cuts
from marlin_edit.workflow.run import Run
from marlin_edit.workflow.snapping import detector_for

MAKES = Carries.FINDINGS | Carries.CUTS


@as_command("cut")
@videos_arguments
@click.option(
    "-q",
    "--query",
    "queries",
    multiple=True,
    metavar="TEXT",
    help='What to cut out: one visible action, in the present tense, like "a door opens". Can be repeated.',
)
@click.option(
    "--span",
    "spans",
    multiple=True,
    metavar="IN-OUT",
    callback=lambda _, __, given: tuple(parse_positions(text) for text in given),
    help="Cut this span, no model needed: seconds (2.5-7), frames (222f-312f) or source time code. Can be repeated.",
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
    spans: tuple[tuple[Position, Position], ...],
    outputs: tuple[Path | None, ...],
    format_name: str | None,
    delivery_names: tuple[str, ...],
    look_in: tuple[Position, Position] | None,
    dry_run: bool,
) -> ExitCode:
    """Cut what a query finds, or the spans you give, out of VIDEO.

    VIDEO is a file, or a directory of them; for several, -o '{name}.edl' writes one each, and -o selects.edl one of
    them all. -o writes cut lists and timelines, --out-dir clips. With neither, clips go into the current directory.
    """
    if bool(queries) == bool(spans):
        raise UsageError("Say what to cut: either --query TEXT or --span IN-OUT, each as often as you like.")
    if spans and look_in is not None:
        raise UsageError("--range says where to look for a query; with --span there is nothing to look for.")
    wanted = checked_queries(queries)
    makes = MAKES if queries else Carries.CUTS
    otherwise = [run.settings.value("cut_to", str)]
    found = videos_in(videos, recursive)
    jobs = planned_jobs(run, found, outputs, format_name, delivery_names, makes, otherwise=otherwise, queries=wanted)
    detector_for(run)
    model = model_opener(run.app, run.console)

    def learn(media: MediaInfo) -> tuple[Analysis, tuple[Cut, ...]]:
        if queries:
            analysis = ask_about(run.app, run.console, media, look_in, queries=wanted, model=model)
            return chosen_cuts(run, analysis, cuts_of_findings(analysis, run.settings["handles"]))
        analysis = Analysis(media.counted_in_samples())
        chosen = [span_between(media, *positions, run.console) for positions in spans]
        return chosen_cuts(run, analysis, cuts_of_spans(analysis, chosen, run.settings["handles"]))

    return work_off(run, jobs, learn, ready=model if queries else None, needs_cuts=True, dry_run=dry_run)
