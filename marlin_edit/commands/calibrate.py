"""Teach marlin-edit how far to trust a model's findings, from videos whose truth is known."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

import click

from marlin_edit.commands import Run, as_command, grouped_option, json_option, truths_arguments
from marlin_edit.console import Console
from marlin_edit.errors import ExitCode, MarlinEditError, UsageError
from marlin_edit.settings import Group

if TYPE_CHECKING:
    from marlin_edit.analysis import ModelIdentity
    from marlin_edit.evaluation.training_examples import Lesson
    from marlin_edit.inference.calibration import Calibration, Installed


@as_command("calibrate")
@truths_arguments(required=False)
@grouped_option(
    Group.WHAT,
    "--reset",
    is_flag=True,
    show_default=False,
    help="Remove your calibration of the model; the one that came with it counts again, if there is one.",
)
@grouped_option(
    Group.WHAT,
    "--false-per-hour",
    type=click.FloatRange(0, min_open=True),
    default=1.0,
    metavar="NUMBER",
    help="How many false findings may be accepted per hour of footage and query.",
)
@grouped_option(
    Group.OUTPUT,
    "--replace",
    "replacing",
    is_flag=True,
    show_default=False,
    help="Install it also if it was learned from too little to replace the one in force.",
)
@grouped_option(
    Group.OUTPUT,
    "-o",
    "--output",
    metavar="FILE.json",
    type=click.Path(path_type=Path),
    help="Write the calibration to this file instead of installing it for this user.",
)
@json_option
def command(
    run: Run,
    truths: tuple[Path, ...],
    videos: Path | None,
    false_per_hour: float,
    output: Path | None,
    reset: bool,
    replacing: bool,
) -> ExitCode:
    """Teach marlin-edit how far to trust a model's findings, from videos whose truth is known.

    TRUTH is a file that `eval` reads, or an analysis whose findings a person accepted or rejected (`import-markers
    --learn` makes one). It needs queries whose action is in the video and queries whose action is not. A dozen videos
    of a few minutes, like those that you work with, are a fair beginning. From then on, findings of this model with
    these weights are scored, and those below the threshold are listed as rejected.

    \b
    Examples:
      marlin-edit calibrate clips.truth.json
      marlin-edit calibrate judged.json --false-per-hour 0.5 -o calibration.json
      marlin-edit calibrate --reset
    """
    from marlin_edit import files
    from marlin_edit.inference.calibration import as_text, installed_calibration, make_place, save

    if reset:
        if truths or output is not None:
            raise UsageError("--reset removes a calibration, and takes no TRUTH and no -o.")
        return _reset(run)
    if not truths:
        raise UsageError("Name the files that say what is true of some videos: TRUTH... `--help` describes them.")
    if not run.settings.value("score", bool):
        raise UsageError(f"Calibration needs scores, and {run.settings.source('score')} turns them off. Use --score.")
    if output is None:
        make_place(run.settings)
    else:
        files.refuse_existing([output], False, truths)
    calibration, shortcomings = _fitted(run, truths, videos, false_per_hour)
    if calibration.is_thin:
        run.console.warning(
            f"{calibration.learned_from} are little to learn from: the scores may be far off. Label more clips."
        )
    if output is None:
        before = installed_calibration(run.settings, calibration.model, _bundled(run))
        if before is not None:
            _refuse_worse(calibration, before, replacing)
        output = save(run.settings, calibration)
        if before is not None:
            run.console.receipt(f"note: it counts in place of {before}")
    else:
        files.write_output(output, as_text(calibration))
    code = ExitCode.PARTIAL if shortcomings else ExitCode.DONE
    if run.json:
        run.console.answer(
            {
                "model": str(calibration.model),
                "threshold": calibration.threshold,
                **calibration.about,
                "files": [str(output)],
                "missing": shortcomings,
                "exit_code": int(code),
            }
        )
    else:
        _print(run.console, str(calibration.model), calibration.threshold, dict(calibration.about))
    for sentence in shortcomings:
        run.console.warning(sentence)
    run.console.receipt(f"wrote {output}")
    return code


def _refuse_worse(calibration: Calibration, before: Installed, asked: bool) -> None:
    """MarlinEditError where what was learned from too little would replace what was learned from more."""
    if calibration.is_thin and sum(calibration.findings) < sum(before.calibration.findings) and not asked:
        raise MarlinEditError(
            f"The calibration in force is {before}. This one, from {calibration.learned_from}, was not installed: that "
            "is too little to replace it. --replace installs it all the same, and -o FILE.json writes it to a file."
        )


def _bundled(run: Run) -> Path | None:
    """The calibration that came with the model of `--model`, if it is here: judged analyses need no model."""
    from marlin_edit.inference.calibration import bundled_calibration

    try:
        return bundled_calibration(run.app.open_model())
    except MarlinEditError:
        return None


def _reset(run: Run) -> ExitCode:
    """Remove the user's calibration of the model that `--model` names, and say what counts now."""
    from marlin_edit.inference.calibration import bundled_calibration, installed_calibration, remove

    model = run.app.open_model()
    path = remove(run.settings, model.identity)
    now = installed_calibration(run.settings, model.identity, bundled_calibration(model))
    if run.json:
        counts = None if now is None else str(now.path)
        run.console.answer({"removed": None if path is None else str(path), "calibration": counts})
    if path is None:
        run.console.receipt(f"There is no calibration of yours for {model.identity}.")
    else:
        run.console.receipt(f"removed {path}")
    run.console.receipt(f"In force: {now}." if now is not None else f"{model.identity} has no calibration now.")
    return ExitCode.DONE


def _fitted(
    run: Run, truths: Sequence[Path], videos: Path | None, false_per_hour: float
) -> tuple[Calibration, list[str]]:
    """The calibration that the truth files teach, and what of them could not be used."""
    from marlin_edit.evaluation.ground_truth import read_truth
    from marlin_edit.evaluation.runner import Evaluation
    from marlin_edit.evaluation.training_examples import Lesson, kinds_lacking, learned
    from marlin_edit.inference.calibration import calibration_of, fit

    analyses = [path for path in truths if _is_analysis(path)]
    labelled = [path for path in truths if path not in analyses]
    found = [video for path in labelled for video in read_truth(path, videos).videos if video.queries]
    there = [replace(video, events=()) for video in found if video.path.is_file()]  # the captions are needed as well
    missing = [str(video.path) for video in found if not video.path.is_file()]
    if not there and not analyses:
        raise UsageError("No video with queries was found to learn from. Give their directory with --videos DIR.")
    lesson, model = _judged_by_a_person(run, analyses)
    evaluation = Evaluation(run, missing)
    if there:
        evaluation.ask_all(there)
        lesson += learned(evaluation.judged)
        for kind in kinds_lacking(evaluation.judged, lesson.known):
            run.console.receipt(f"note: the videos have no {kind}, so scores of such queries are not learned")
        if model is not None and evaluation.model is not None and replace(evaluation.model, notice="") != model:
            raise UsageError(f"The analyses were made by the model {model}, and --model names {evaluation.model}.")
    model = evaluation.model or model
    if model is None:
        raise MarlinEditError("There is nothing to learn from: none of the videos could be watched.")
    if not lesson.known:
        before = calibration_of(run.settings, model)
        lesson += Lesson(known=before.known if before is not None else frozenset())
    calibration = fit(model, lesson.examples, lesson.known, lesson.hours, false_per_hour)
    return calibration, evaluation.shortcomings


def _is_analysis(path: Path) -> bool:
    """Whether a file is an analysis of ours and not a truth file. What is wrong with it is reported when it is read."""
    try:
        document = json.loads(path.read_bytes())
    except (OSError, ValueError, RecursionError):
        return False
    return isinstance(document, dict) and str(document.get("schema")).startswith("marlin-edit.analysis/")


def _judged_by_a_person(run: Run, paths: Sequence[Path]) -> tuple[Lesson, ModelIdentity | None]:
    """The training examples that a person's verdicts give, and the model whose findings they are."""
    from marlin_edit.evaluation.training_examples import Lesson, learned_of_verdicts
    from marlin_edit.workflow.load_analyses import MediaFacts, read_analyses

    lesson, models = Lesson(), {}
    for path in paths:
        for analysis in read_analyses(run.app, run.console, path, MediaFacts()):
            one = learned_of_verdicts(analysis)
            if not one.examples:
                run.console.warning(
                    f"{path}: no finding was accepted or rejected by a person, so there is nothing to learn."
                )
                continue
            if analysis.model is None:
                raise UsageError(f"{path} does not say which model made its findings.")
            models[replace(analysis.model, notice="")] = path
            lesson += one
    if len(models) > 1:
        found = ", ".join(f"{path} by {model}" for model, path in models.items())
        raise UsageError(f"Several models made these analyses: {found}. Calibrate one model at a time.")
    return lesson, next(iter(models), None)


def _print(console: Console, model: str, threshold: float, about: dict[str, object]) -> None:
    """The fit, and what each signal is worth alone. The scores of each video come from a fit on the others."""
    from marlin_edit.inference.signals import SIGNALS

    def number(value: object) -> str:
        return f"{value:.3f}" if isinstance(value, float) else "-" if value is None else str(value)

    lines: list[tuple[str, ...]] = [
        ("findings", f"{about['right']} right, {about['wrong']} wrong", f"in {about['videos']} videos"),
        ("footage", number(about["hours_times_queries"]), "hours times queries"),
        ("AUROC", number(about["auroc"]), "how often a right finding scores higher than a wrong one"),
        ("threshold", number(threshold), "findings from this score on are accepted"),
        ("kept", number(about["kept"]), "share of the right findings that are accepted"),
        ("false", number(about["false_per_hour"]), "wrong findings that are accepted, per hour and query"),
    ]
    signals = about["signals"]
    assert isinstance(signals, dict)
    lines += [(f"  {name}", number(signals[name]), f"AUROC of {SIGNALS[name]}") for name in signals]
    console.table(("model", "", model), lines)
