"""Measure a model's answers against videos whose truth is known."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

import click

from marlin_edit.commands import Run, as_command, grouped_option, json_option, truths_arguments
from marlin_edit.console import Console
from marlin_edit.errors import ExitCode, MarlinEditError, UsageError
from marlin_edit.evaluation.ground_truth import TrueVideo, read_truth
from marlin_edit.evaluation.metrics import Measures
from marlin_edit.evaluation.runner import Evaluation
from marlin_edit.evaluation.tables import caption_lines, effort_lines, find_lines
from marlin_edit.files import refuse_existing, write_output
from marlin_edit.inference.queries import checked_queries
from marlin_edit.settings import Group


@as_command("eval", settings=["overwrite"])
@truths_arguments()
@grouped_option(
    Group.WHAT, "--only", type=click.Choice(["find", "caption"]), help="Measure only queries, or only captions."
)
@grouped_option(
    Group.OUTPUT,
    "-o",
    "--output",
    metavar="FILE.json",
    type=click.Path(path_type=Path),
    help="Write all measures and answers to this file.",
)
@grouped_option(
    Group.OUTPUT,
    "--plots",
    metavar="DIR",
    type=click.Path(path_type=Path),
    help="Draw the curves as SVG files in this directory.",
)
@json_option
def command(
    run: Run, truths: tuple[Path, ...], videos: Path | None, only: str | None, output: Path | None, plots: Path | None
) -> ExitCode:
    """Measure a model's answers against what is true.

    TRUTH says what happens in some videos, and when, and what does not: a file in marlin-edit's own format, or the
    annotations of Charades-STA, ActivityNet Captions, QVHighlights or TimeLens-Bench. Answers from an earlier run are
    reused.

    \b
    Examples:
      marlin-edit eval clips.truth.json
      marlin-edit eval charades_sta_test.txt --videos Charades/ --only find -o report.json
    """
    from marlin_edit.evaluation.plots import FILES, drawn

    overwrite = run.settings.value("overwrite", bool)
    read = [read_truth(path, videos) for path in truths]
    notes = [f"{path.name}: {note}" for path, truth in zip(truths, read, strict=True) for note in truth.notes]
    wanted = _wanted([video for truth in read for video in truth.videos], only)
    _check_outputs(truths, output, [] if plots is None else [plots / name for name in FILES], overwrite)
    there = [video for video in wanted if video.path.is_file()]
    missing = [str(video.path) for video in wanted if not video.path.is_file()]
    if not there:
        raise MarlinEditError(
            f"No video was found; the first would be {missing[0]}. Give their directory with --videos DIR."
        )
    evaluation = Evaluation(run, missing)
    evaluation.ask_all(there)
    measures = evaluation.measure()
    document = evaluation.document(measures, truths, notes)
    files: list[Path] = []
    if output is not None and evaluation.judged:
        write_output(output, json.dumps(document, ensure_ascii=False, indent=1) + "\n", overwrite)
        files.append(output)
    if plots is not None and evaluation.judged:
        for name, content in drawn(evaluation.queries, measures.find, str(evaluation.model)).items():
            write_output(plots / name, content, overwrite)
            files.append(plots / name)
        notes += [
            f"{name} is not drawn, because what it shows was not measured"
            for name in FILES
            if plots / name not in files
        ]
    if run.json:
        run.console.answer(document | {"files": [str(path) for path in files]})
    elif evaluation.judged:
        _print(run.console, measures, str(evaluation.model))
    for sentence in evaluation.shortcomings:
        run.console.warning(sentence)
    for note in notes:
        run.console.receipt(f"note: {note}")
    for path in files:
        run.console.receipt(f"wrote {path}")
    return evaluation.exit_code


def _wanted(videos: Sequence[TrueVideo], only: str | None) -> list[TrueVideo]:
    """The videos with what is to be measured in them; each query is one that can be asked."""
    wanted = [
        replace(
            video,
            queries=() if only == "caption" else video.queries,
            events=None if only == "find" else video.events,
        )
        for video in videos
    ]
    wanted = [video for video in wanted if video.queries or video.events is not None]
    if not wanted:
        lacking = {"find": "queries", "caption": "events"}.get(only or "", "queries or events")
        raise UsageError(f"There is nothing to measure: no video has {lacking}.")
    for video in wanted:
        try:
            checked_queries([query.query for query in video.queries])
        except UsageError as error:
            raise UsageError(f"{video.path.name}: {error}") from error
    return wanted


def _check_outputs(truths: Sequence[Path], output: Path | None, plots: Sequence[Path], overwrite: bool) -> None:
    """Refuse what could not be written later, and make the plots' directory."""
    if output is not None and output.suffix.lower() != ".json":
        raise UsageError(f"-o {output}: the report is JSON. Choose a name that ends in .json, or print it with --json.")
    if plots:
        try:
            plots[0].parent.mkdir(exist_ok=True)
        except OSError as error:
            raise UsageError(f"--plots {plots[0].parent}: the directory cannot be made: {error.strerror}.") from error
    refuse_existing([*plots, *([] if output is None else [output])], overwrite, truths)


def _print(console: Console, measures: Measures, model: str) -> None:
    lines: list[tuple[str, ...]] = []
    for part in (
        find_lines(measures.find) if measures.find is not None else [],
        caption_lines(measures.caption) if measures.caption is not None else [],
        effort_lines(measures.effort),
    ):
        if part:
            lines += [("", "", ""), *part]
    console.table(("model", "", model), lines)
