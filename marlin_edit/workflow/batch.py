"""One command over one or many videos: which files are meant, what each is written to, and what came of them all.

Everything that can be refused is refused before the first video. Then one that fails does not stop the others.
"""

from __future__ import annotations

import contextlib
import os
import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from marlin_edit.analysis import Analysis
from marlin_edit.edit import Cut, Edit, edit_of_several
from marlin_edit.errors import ExitCode, MarlinEditError, UsageError
from marlin_edit.interfaces import Carries, Delivery
from marlin_edit.media import MediaInfo
from marlin_edit.media.info import VIDEO_SUFFIXES
from marlin_edit.workflow.cut_selection import top_cuts
from marlin_edit.workflow.outputs import Outcome, Output, planned_deliveries, planned_outputs, publish
from marlin_edit.workflow.report import documented, report, tell
from marlin_edit.workflow.run import Run, edit_made, opened

Learn = Callable[[MediaInfo], tuple[Analysis, tuple[Cut, ...]]]
"""What a command does with a video: what it learns of it, and what it cuts out."""


@dataclass(frozen=True)
class Job:
    """A video, and what is written and delivered of it. together: what is written of it and all others, at the end."""

    video: Path
    outputs: tuple[Output, ...]
    deliveries: tuple[Delivery, ...]
    together: tuple[Output, ...] = ()


def videos_in(paths: Sequence[Path], recursive: bool) -> tuple[Path, ...]:
    """The videos that are meant, each once: files as they are named, of a directory those in it, by name.

    recursive: also of the directories in it. What begins with a dot is left out. MarlinEditError for a directory that
    has none.
    """
    videos: dict[object, Path] = {}
    for path in paths:
        for video in _directory(path, recursive) if path.is_dir() else [path]:
            videos.setdefault(_identity(video), video)
    return tuple(videos.values())


def planned_jobs(
    run: Run,
    videos: Sequence[Path],
    outputs: Sequence[Path | None],
    format_name: str | None,
    delivery_names: Sequence[str],
    makes: Carries,
    *,
    otherwise: Sequence[str] = (),
    queries: Sequence[str] = (),
) -> tuple[Job, ...]:
    """What is written of each video. In an output's name {name} stands for the video's, {folder} for its directory; of
    several videos, an output without {name} is one edit of them all, in formats that hold several sources.

    otherwise: the deliveries where neither an output nor a delivery is named. queries: what will be asked. Raises
    UsageError for what could not be written later, also where two videos would be written to one file.
    """
    if len(videos) > 1 and None in outputs:
        raise UsageError(f"`-o -` is for one video, and there are {len(videos)}. Use --json, or -o '{{name}}.json'.")
    if format_name is not None and len(outputs) > 1 and len(videos) > 1:
        raise UsageError("--format names the format of one output. Give one -o with it.")
    shared = [path for path in outputs if path is not None and len(videos) > 1 and "{name}" not in str(path)]
    for path in shared:
        exporter = run.app.exporter_for(path, format_name)
        if not exporter.carries & Carries.SEVERAL_SOURCES:
            raise UsageError(
                f"-o {path} names one file, and there are {len(videos)} videos, of which {exporter.name} holds one. "
                f"Let {{name}} stand for each one's own, e.g. -o '{{name}}{path.suffix}', or "
                f"-o '{{folder}}/{{name}}{path.suffix}' beside the videos."
            )
    together = tuple(planned_outputs(run.app, shared, format_name if shared else None, makes, videos))
    paths = [
        [None if path is None else _named(path, video) for path in outputs if path not in shared] for video in videos
    ]
    for path in shared:
        if _identity(path) in {_identity(one) for named in paths for one in named if one is not None}:
            raise UsageError(f"{path} is given as an output twice: for all videos, and for the one of its name.")
    _refuse_shared(videos, paths)
    deliveries = planned_deliveries(run.app, delivery_names, makes)
    if not deliveries and not outputs and otherwise:
        deliveries = planned_deliveries(run.app, otherwise, makes)
    overwrite: bool = run.settings.value("overwrite", bool)
    if overwrite and not all(delivery.together for delivery in deliveries):
        _refuse_namesakes(videos)
    for delivery in deliveries:
        with run.app.calling(delivery):
            delivery.foresee(videos, queries, run.settings)
    return tuple(
        Job(
            video,
            tuple(
                planned_outputs(run.app, named, None if shared else format_name, makes, [video], stdout_taken=run.json)
            ),
            tuple(deliveries),
            together,
        )
        for video, named in zip(videos, paths, strict=True)
    )


def work_off(
    run: Run,
    jobs: Sequence[Job],
    learn: Learn,
    *,
    ready: Callable[[], object] | None = None,
    needs_cuts: bool = False,
    dry_run: bool = False,
) -> ExitCode:
    """Does every job, tells what came of each, and gives the exit code of all.

    ready: called before the first of several; what cannot be done there could be done for none. needs_cuts: deliveries
    are for cuts, and where there is none there is nothing to deliver. Of several jobs one that fails does not stop the
    others; when the run is interrupted, it is told what was done before.
    """
    if len(jobs) == 1:
        return _done(run, jobs[0], learn, needs_cuts, dry_run, None)
    _refuse_several_rates(run, jobs)
    if ready is not None:
        ready()
    told: list[dict[str, Any]] = []
    edits: list[Edit] = []
    deliveries = [delivery for delivery in jobs[0].deliveries if delivery.together]
    try:
        for job in jobs:
            alone = replace(job, deliveries=tuple(one for one in job.deliveries if not one.together))
            told.append(_attempted(run, alone, learn, needs_cuts, dry_run, edits))
        if needs_cuts and not any(edit.cuts for edit in edits):
            deliveries = []
        outcome = _made_together(run, edits, jobs[0].together, deliveries, dry_run)
    except BaseException as stopped:
        if not isinstance(stopped, Exception):
            _summary(run, jobs, told, None)
        raise
    return _summary(run, jobs, told, outcome)


def _refuse_several_rates(run: Run, jobs: Sequence[Job]) -> None:
    """Hours of watching should not end with an edit that cannot be: one edit has one rate, in most formats."""
    from marlin_edit.media import probe_video

    choosy = [output.name for output in jobs[0].together if not output.exporter.carries & Carries.SEVERAL_RATES]
    rates: dict[str, Path] = {}
    for job in jobs if choosy else ():
        with contextlib.suppress(MarlinEditError):  # which is said when its turn comes
            rate = probe_video(job.video, run.settings.optional("stream", int)).rate
            rates.setdefault(rate.name if rate is not None else "no", job.video)
    if len(rates) > 1:
        found = ", ".join(f"{video} has {name} fps" for name, video in rates.items())
        raise UsageError(
            f"{', '.join(choosy)} would be one edit of all videos, and one edit has one rate: {found}. Convert them "
            "first, or let {name} stand for each one's own output."
        )


def _made_together(
    run: Run, edits: Sequence[Edit], outputs: Sequence[Output], deliveries: Sequence[Delivery], dry_run: bool
) -> Outcome | None:
    """What is made of all videos at once: of those that came to something, and of the best cuts among all."""
    if not edits or not (outputs or deliveries):
        return None
    title = next((output.path.stem for output in outputs if output.path is not None), "")
    try:
        edit = edit_of_several(edits, title)
        edit = replace(edit, cuts=top_cuts(run, edit.cuts))
        with run.console.showing_progress(" and ".join(delivery.name for delivery in deliveries)):
            return publish(run.app, edit, outputs, deliveries, dry_run)
    except MarlinEditError as error:
        return Outcome(missing=[str(error)])


def _attempted(run: Run, job: Job, learn: Learn, needs_cuts: bool, dry_run: bool, edits: list[Edit]) -> dict[str, Any]:
    document: dict[str, Any] = {}
    try:
        run.console.heading(str(job.video))
        code = _done(run, job, learn, needs_cuts, dry_run, document, edits)
    except MarlinEditError as error:
        run.console.warning(f"{job.video}: {error}")
        return {"video": str(job.video), "error": str(error), "exit_code": int(error.exit_code)}
    return {"video": str(job.video), **document, "exit_code": int(code)}


def _done(
    run: Run,
    job: Job,
    learn: Learn,
    needs_cuts: bool,
    dry_run: bool,
    document: dict[str, Any] | None,
    edits: list[Edit] | None = None,
) -> ExitCode:
    """Does one job. edits: takes what was decided, for what is made of several videos at once."""
    media = opened(run, job.video)
    edit_made(run, Analysis(media.counted_in_samples()))  # refuses, before any work, what could make no edit
    analysis, cuts = learn(media)
    deliveries = job.deliveries if cuts or not needs_cuts else ()
    edit = edit_made(run, analysis, cuts)
    with run.console.showing_progress(" and ".join(delivery.name for delivery in deliveries)):
        outcome = publish(run.app, edit, job.outputs, deliveries, dry_run)
    if edits is not None:
        edits.append(edit)
    return report(run.app, run.console, analysis, outcome, cuts, into=document)


def _summary(run: Run, jobs: Sequence[Job], told: Sequence[dict[str, Any]], outcome: Outcome | None) -> ExitCode:
    """outcome: of what was made of all videos at once."""
    codes = [ExitCode(one["exit_code"]) for one in told]
    code = _together(codes if outcome is None else [*codes, outcome.exit_code])
    waiting = [str(job.video) for job in jobs[len(told) :]]
    if run.json:
        document = {"videos": list(told), "not_done": waiting, "exit_code": int(code)}
        run.console.answer(document if outcome is None else document | {"together": documented(outcome)})
    if outcome is not None:
        tell(run.console, outcome)
    failed = [one["video"] for one in told if "error" in one]
    partial = [one["video"] for one in told if one["exit_code"] == ExitCode.PARTIAL]
    run.console.receipt(f"{len(jobs)} videos: {len(told) - len(failed)} done")
    for words, videos in (("failed", failed), ("only partly done", partial), ("not done any more", waiting)):
        if videos:
            run.console.warning(f"{words}: {', '.join(videos)}")
    return code


def _together(codes: Sequence[ExitCode]) -> ExitCode:
    """One code for all: partial where some came to something and others failed."""
    kinds = set(codes)
    if len(kinds) == 1:
        return codes[0]
    if kinds <= {ExitCode.DONE, ExitCode.NOTHING_MATCHED}:
        return ExitCode.DONE
    return ExitCode.FAILED if kinds <= {ExitCode.FAILED, ExitCode.USAGE} else ExitCode.PARTIAL


def _directory(path: Path, recursive: bool) -> list[Path]:
    try:
        inside = sorted(path.rglob("*") if recursive else path.iterdir())
    except OSError as error:
        raise MarlinEditError(f"{path} cannot be read: {error.strerror}.") from error
    videos = [
        one
        for one in inside
        if one.suffix.lower() in VIDEO_SUFFIXES
        and not any(part.startswith(".") for part in one.relative_to(path).parts)
        and one.is_file()
    ]
    if not videos:
        more = "" if recursive else " With --recursive, the directories in it are searched as well."
        raise MarlinEditError(f"There is no video in the directory {path}.{more}")
    return videos


def _identity(path: Path) -> object:
    """What two names of one file have in common, links and hard links among them; also of a file that is not there."""
    try:
        found = path.stat()
    except (OSError, ValueError):
        return os.path.normcase(os.path.realpath(path))
    return found.st_dev, found.st_ino


def _named(path: Path, video: Path) -> Path:
    meant = {"{folder}": str(video.parent), "{name}": video.stem}
    return Path(re.sub(r"\{(?:folder|name)\}", lambda found: meant[found[0]], str(path)))


def _refuse_shared(videos: Sequence[Path], paths: Sequence[Sequence[Path | None]]) -> None:
    sources = {_identity(video) for video in videos}
    taken: dict[object, Path] = {}
    for video, named in zip(videos, paths, strict=True):
        for path in named:
            if path is None:
                continue
            if len(videos) > 1 and _identity(path) in sources:
                raise UsageError(f"{path} is one of the videos; it is never written over. Choose another name.")
            other = taken.setdefault(_identity(path), video)
            if other is not video:
                raise UsageError(
                    f"{other} and {video} would both be written to {path}. Write beside the videos, with "
                    f"-o '{{folder}}/{{name}}{path.suffix}', or do them one at a time."
                )


def _refuse_namesakes(videos: Sequence[Path]) -> None:
    taken: dict[str, Path] = {}
    for video in videos:
        other = taken.setdefault(video.stem.casefold(), video)
        if other is not video:
            raise UsageError(
                f"{other} and {video} have one name, and with --overwrite one's clips would replace the other's. "
                "Do them one at a time, each with its own --out-dir."
            )
