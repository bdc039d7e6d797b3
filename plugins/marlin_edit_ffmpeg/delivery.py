"""The delivery `clips`: one media file a cut, each written beside its name, read back, and published when it is right."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import groupby
from pathlib import Path

from marlin_edit import files
from marlin_edit.edit import Edit
from marlin_edit.errors import MarlinEditError, UsageError
from marlin_edit.interfaces import Receipt
from marlin_edit.settings import Settings
from marlin_edit.timebase import FrameRange
from marlin_edit_ffmpeg.plan import ClipPlan, Mode, Sound, plan_clips
from marlin_edit_ffmpeg.report import Report
from marlin_edit_ffmpeg.source import Source


def wanted(settings: Settings) -> bool:
    return settings["out_dir"] is not None


def check(settings: Settings) -> None:
    """Whether clips can be written at all: the directory, or the one that it will be made in, can be written to."""
    out_dir = _out_dir(settings)
    if out_dir.exists() and not out_dir.is_dir():
        raise UsageError(f"{out_dir} is a file, not a directory. Choose another --out-dir.")
    parent = out_dir
    while not parent.exists() and parent != parent.parent:
        parent = parent.parent
    if not parent.is_dir():
        raise UsageError(f"{out_dir} cannot be made: {parent} is a file.")
    import os

    if not os.access(parent, os.W_OK | os.X_OK):
        raise UsageError(f"{out_dir}: no permission to write into {parent}.")


def deliver(edit: Edit, settings: Settings, dry_run: bool) -> Receipt:
    """Writes every cut of the edit; what cannot be delivered is told in `missing`, and the others go on.

    Raises MarlinEditError before the first clip where a name is taken or a source has no picture, and where the disk is
    full or closed and nothing was written.
    """
    check(settings)
    out_dir = _out_dir(settings)
    plans = plan_clips(
        edit, out_dir, Mode(settings["clip_mode"]), Sound(settings["clip_sound"]), int(settings["clip_crf"])
    )
    for plan in plans:
        if plan.media.video_index is None or plan.media.rate is None:
            raise MarlinEditError(
                f"{plan.media.path.name} has no picture. Clips are cut by frames; files with sound only cannot be cut yet."
            )
    if dry_run:
        return Receipt(items=tuple(_planned(plan) for plan in plans), notes=("dry run: no clip was written",))
    made = not out_dir.exists()
    out_dir.mkdir(parents=True, exist_ok=True)
    overwrite = bool(settings["overwrite"])
    files.refuse_existing([plan.path for plan in plans], overwrite, {plan.media.path for plan in plans})
    reports: dict[int, Report] = {}
    missing: dict[int, str] = {}
    try:
        for path, group in groupby(sorted(plans, key=_place), key=lambda plan: plan.media.path):
            _deliver_source(path, list(group), overwrite, reports, missing)
    finally:
        if made and not any(out_dir.iterdir()):
            out_dir.rmdir()
    done = [reports[number] for number in sorted(reports)]
    return Receipt(
        files=tuple(report.plan.path for report in done),
        items=tuple(report.item() for report in done),
        missing=tuple(missing[number] for number in sorted(missing)),
        notes=tuple(_notes(done)),
    )


def _place(plan: ClipPlan) -> tuple[str, int, int]:
    return str(plan.media.path), plan.frames.first, plan.number


def _planned(plan: ClipPlan) -> dict[str, object]:
    return dict(Report(plan).item()) | {"planned": True}


def _out_dir(settings: Settings) -> Path:
    out_dir = settings["out_dir"]
    if out_dir is None:
        raise UsageError("Where should the clips go? Name a directory with --out-dir DIR.")
    return Path(out_dir)


def _deliver_source(
    path: Path, plans: list[ClipPlan], overwrite: bool, reports: dict[int, Report], missing: dict[int, str]
) -> None:
    with Source(plans[0].media) as source:
        for plan in plans:
            try:
                report, left = _deliver_clip(source, plan, overwrite)
            except Lost as error:
                missing[plan.number] = f"{plan.path.name}: {error}"
                continue
            reports[plan.number] = report
            if left:
                missing[plan.number] = f"{plan.path.name}: {left}"


class Lost(Exception):
    """A clip that was not delivered, with the reason."""


def _deliver_clip(source: Source, plan: ClipPlan, overwrite: bool) -> tuple[Report, str | None]:
    """The report of a published clip, and a sentence where frames at its end were not to be had."""
    from marlin_edit_ffmpeg.picture import copy_range

    wrong: str | None = None
    if plan.mode is Mode.COPY:
        copied = copy_range(source, plan.frames)
        if isinstance(copied, str):
            plan = plan.as_exact(copied)
        else:
            report = Report(plan)
            wrong = _write(source, plan, overwrite, report, copied)
            if wrong is None:
                return report, _left_out(report)
            plan = plan.as_exact(f"a copy did not hold: {wrong}")
    report = Report(plan)
    wrong = _write(source, plan, overwrite, report, None)
    if wrong is not None:
        raise Lost(f"not delivered, what was written did not hold: {wrong}.")
    return report, _left_out(report)


def _write(source: Source, plan: ClipPlan, overwrite: bool, report: Report, copied: object) -> str | None:
    """Writes, checks and publishes a clip, or says what is wrong with it and leaves nothing."""
    from av.error import FFmpegError

    from marlin_edit_ffmpeg.clip import NothingThere, write_clip
    from marlin_edit_ffmpeg.picture import CopyRange

    assert copied is None or isinstance(copied, CopyRange)
    try:
        with files.staged(plan.path, overwrite) as temporary:
            wrong = write_clip(source, plan, temporary, copied, report)
            if wrong is not None:
                raise _NotAsPlanned(wrong)
    except _NotAsPlanned as error:
        return str(error)
    except NothingThere:
        raise Lost(f"not delivered, {source.media.path.name} holds no readable frame from {plan.frames.first} on.") from None
    except FFmpegError as error:
        return f"{error.strerror} ({type(error).__name__})"
    return None


class _NotAsPlanned(Exception):
    pass


def _left_out(report: Report) -> str | None:
    """What of the range asked for is not there because the source has no more."""
    asked, got = report.plan.frames, report.frames
    assert got is not None
    if report.plan.mode is Mode.COPY:
        return None
    absent: list[FrameRange] = []
    if got.first > asked.first:
        absent.append(FrameRange(asked.first, got.first))
    if got.stop < asked.stop:
        absent.append(FrameRange(got.stop, asked.stop))
    if not absent:
        return None
    words = " and ".join(f"{one.first} to {one.stop - 1}" for one in absent)
    return f"frames {words} are missing, {report.plan.media.path.name} could not be read there."


def _notes(reports: list[Report]) -> Iterator[str]:
    for report in reports:
        for warning in report.item()["warnings"]:
            yield f"{report.plan.path.name}: {warning}"
        if report.plan.mode is not report.plan.asked_mode:
            yield f"{report.plan.path.name}: cut in exact mode, {report.plan.reason}"
