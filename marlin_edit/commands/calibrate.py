"""Teach marlin-edit how far to trust a model's findings, from clips whose truth is known."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

import click

from marlin_edit.commands import as_command, json_option, truths_arguments
from marlin_edit.console import Console
from marlin_edit.errors import ExitCode, MarlinEditError, UsageError
from marlin_edit.workflow.run import Run

if TYPE_CHECKING:
    from marlin_edit.analysis import ModelIdentity
    from marlin_edit.evaluation.training_examples import Lesson


@as_command("calibrate")
@truths_arguments
@click.option(
    "--false-per-hour",
    type=click.FloatRange(0, min_open=True),
    default=1.0,
    show_default=True,
    metavar="NUMBER",
    help="How many false findings may be accepted in an hour of footage, for each query.",
)
@click.option(
    "-o", "--output", metavar="FILE.json", type=click.Path(path_type=Path), help="Write it there, not for this user."
)
@json_option
def command(
    run: Run, truths: tuple[Path, ...], videos: Path | None, false_per_hour: float, output: Path | None
) -> ExitCode:
    """Teach marlin-edit how far to trust a model's findings, from clips whose truth is known.

    TRUTH is a file as `eval` reads it, or an analysis whose findings a person accepted or rejected (`import-markers
    --learn` makes one). It needs queries that are there and queries that are not; a dozen clips of some minutes, like
    those that you work with, make a fair beginning. Findings of this model, in these weights, are scored from then on,
    and those below the threshold are listed as rejected.
    """
    from marlin_edit import files
    from marlin_edit.evaluation.ground_truth import read_truth
    from marlin_edit.evaluation.run import Evaluation
    from marlin_edit.evaluation.training_examples import Lesson, learned
    from marlin_edit.inference.calibration import as_text, calibration_of, fit, make_place, save

    if not run.settings.value("score", bool):
        raise UsageError(f"Calibrating needs what speaks for findings; {run.settings.source('score')} turns it off.")
    if output is None:
        make_place(run.settings)
    else:
        files.refuse_existing([output], False, truths)
    analyses = [path for path in truths if _is_analysis(path)]
    labelled = [path for path in truths if path not in analyses]
    found = [video for path in labelled for video in read_truth(path, videos).videos if video.queries]
    there = [replace(video, events=()) for video in found if video.path.is_file()]  # the captions are needed as well
    missing = [str(video.path) for video in found if not video.path.is_file()]
    if not there and not analyses:
        raise UsageError("There is nothing to learn from: no video with queries is there. Say where with --videos DIR.")
    lesson, model = _judged_by_a_person(run, analyses)
    evaluation = Evaluation(run, missing)
    if there:
        evaluation.ask_all(there)
        lesson += learned(evaluation.judged)
        if model is not None and evaluation.model is not None and replace(evaluation.model, notice="") != model:
            raise UsageError(f"The analyses are of the model {model}, and --model names {evaluation.model}.")
    model = evaluation.model or model
    if model is None:
        raise MarlinEditError("There is nothing to learn from: none of the videos could be watched.")
    if not lesson.known:
        before = calibration_of(run.settings, model)
        lesson += Lesson(known=before.known if before is not None else frozenset())
    calibration = fit(model, lesson.examples, lesson.known, lesson.hours, false_per_hour)
    if output is None:
        output = save(run.settings, calibration)
    else:
        files.write_output(output, as_text(calibration))
    about = dict(calibration.about)
    code = ExitCode.PARTIAL if evaluation.shortcomings else ExitCode.DONE
    if run.json:
        run.console.answer(
            {
                "model": str(calibration.model),
                "threshold": calibration.threshold,
                **about,
                "files": [str(output)],
                "missing": evaluation.shortcomings,
                "exit_code": int(code),
            }
        )
    else:
        _print(run.console, str(calibration.model), calibration.threshold, about)
    for sentence in evaluation.shortcomings:
        run.console.warning(sentence)
    run.console.receipt(f"wrote {output}")
    return code


def _is_analysis(path: Path) -> bool:
    """Whether a file is one of ours with findings, and not a truth; whoever reads it says what is wrong with it."""
    try:
        document = json.loads(path.read_bytes())
    except (OSError, ValueError, RecursionError):
        return False
    return isinstance(document, dict) and str(document.get("schema")).startswith("marlin-edit.analysis/")


def _judged_by_a_person(run: Run, paths: Sequence[Path]) -> tuple[Lesson, ModelIdentity | None]:
    """What a person's verdicts teach, and of which model's findings."""
    from marlin_edit.evaluation.training_examples import Lesson, learned_of_verdicts
    from marlin_edit.workflow.load_analyses import MediaFacts, read_analyses

    lesson, models = Lesson(), {}
    for path in paths:
        for analysis in read_analyses(run.app, run.console, path, MediaFacts()):
            one = learned_of_verdicts(analysis)
            if not one.examples:
                run.console.warning(f"{path}: no finding was accepted or rejected by a person, so it teaches nothing.")
                continue
            if analysis.model is None:
                raise UsageError(f"{path} does not say which model its findings are of.")
            models[replace(analysis.model, notice="")] = path
            lesson += one
    if len(models) > 1:
        told = ", ".join(f"{path} of {model}" for model, path in models.items())
        raise UsageError(f"These analyses are of several models: {told}. Calibrate one model at a time.")
    return lesson, next(iter(models), None)


def _print(console: Console, model: str, threshold: float, about: dict[str, object]) -> None:
    """The fit, each signal with what it is worth alone. Scores are those that each video got from the others."""
    from marlin_edit.inference.signals import SIGNALS

    def number(value: object) -> str:
        return f"{value:.3f}" if isinstance(value, float) else "-" if value is None else str(value)

    lines: list[tuple[str, ...]] = [
        ("findings", f"{about['right']} right, {about['wrong']} wrong", f"in {about['videos']} videos"),
        ("footage", number(about["hours_times_queries"]), "hours times queries"),
        ("AUROC", number(about["auroc"]), "how often a right finding scores higher than a wrong one"),
        ("threshold", number(threshold), "findings from this score on are accepted"),
        ("kept", number(about["kept"]), "share of the right findings that are accepted"),
        ("false", number(about["false_per_hour"]), "wrong findings that are accepted, an hour and query"),
    ]
    signals = about["signals"]
    assert isinstance(signals, dict)
    lines += [(f"  {name}", number(signals[name]), f"AUROC of {SIGNALS[name]}") for name in signals]
    console.table(("model", "", model), lines)
