"""The delivery `clips`: a media file for each cut, written beside its name, read back, published when it is right."""

from __future__ import annotations

import os
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from fractions import Fraction
from itertools import groupby
from pathlib import Path

from marlin_edit import files
from marlin_edit.edit import Edit
from marlin_edit.errors import MarlinEditError, UsageError
from marlin_edit.interfaces import Context, Receipt, ReportProgress
from marlin_edit.media import MediaInfo
from marlin_edit.settings import Settings
from marlin_edit.text import counted
from marlin_edit.timebase import FrameRange
from marlin_edit_ffmpeg.clips.estimate import Trials, estimated
from marlin_edit_ffmpeg.clips.naming import clip_names, fields_of, names_known_early
from marlin_edit_ffmpeg.clips.plan import ClipPlan, Mode, Sound, plan_clips
from marlin_edit_ffmpeg.clips.report import Estimate, Report
from marlin_edit_ffmpeg.clips.strategy import Way, way_of
from marlin_edit_ffmpeg.clips.tracks import OnProgress
from marlin_edit_ffmpeg.clips.writer import write_clip
from marlin_edit_ffmpeg.containers import CONTAINERS, Container, container_for
from marlin_edit_ffmpeg.source import NotAsPlanned, NothingThere, Source


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
    if not os.access(parent, os.W_OK | os.X_OK):
        raise UsageError(f"{out_dir}: no permission to write into {parent}.")


def foresee(videos: Sequence[Path], queries: Sequence[str], settings: Settings) -> None:
    """Refuses names that are known before anything is found: those of several videos that would be the same, and the
    first clip's where it exists already."""
    template = str(settings["name"])
    if len(videos) > 1 and not {"stem", "source"} & set(fields_of(template)):
        raise UsageError(
            f"--name {template}: clips of {len(videos)} videos would have the same names. Put {{stem}} into it."
        )
    for video in videos:
        name = names_known_early(template, video, queries)
        if name is not None:
            kind, warning = container_for(MediaInfo(video, Fraction(0)), asked=_asked(settings))
            path = _out_dir(settings) / (name + kind.suffix)
            if warning is None and path.exists():
                files.refuse_existing([path], bool(settings["overwrite"]), videos)


def deliver(edit: Edit, context: Context, dry_run: bool) -> Receipt:
    """Writes every cut of the edit; what cannot be delivered is reported in `missing`, and the others go on.

    Raises MarlinEditError before the first clip where a name is taken or a source cannot be counted, and where the disk
    is full or closed and nothing was written.
    """
    settings = context.settings
    check(settings)
    out_dir = _out_dir(settings)
    plans = plan_clips(
        edit,
        out_dir,
        clip_names(edit, settings["name"]),
        Mode(settings["clip_mode"]),
        Sound(settings["clip_sound"]),
        int(settings["clip_crf"]),
        _asked(settings),
    )
    for plan in plans:
        if plan.media.rate is None:
            raise MarlinEditError(
                f"{plan.media.path.name} has neither frames nor samples that can be counted, so it cannot be cut."
            )
    sources = {plan.media.path for plan in plans}
    overwrite = bool(settings["overwrite"])
    if dry_run:
        if out_dir.exists():
            files.refuse_existing([plan.path for plan in plans], overwrite, sources)
        reports = list(_planned(plans, context.progress))
        total = Estimate.sum([report.estimate for report in reports if report.estimate is not None])
        return Receipt(
            files=tuple(plan.path for plan in plans),
            items=tuple(report.item() for report in reports),
            notes=(*(_estimate_notes(reports)), f"{counted(len(plans), 'clip')}: {total.words()}"),
        )
    made = not out_dir.exists()
    with _writing_into(out_dir):
        out_dir.mkdir(parents=True, exist_ok=True)
    work = _Work(overwrite, sum(plan.frames.count for plan in plans), context.progress)
    try:
        files.refuse_existing([plan.path for plan in plans], overwrite, sources)
        for _, group in groupby(sorted(plans, key=_place), key=lambda plan: plan.media.path):
            work.deliver_source(tuple(group))
    finally:
        if made and not any(out_dir.iterdir()):
            out_dir.rmdir()
    if work.errors and not work.reports:
        raise work.errors[0]
    done = [work.reports[number] for number in sorted(work.reports)]
    return Receipt(
        files=tuple(report.plan.path for report in done),
        items=tuple(report.item() for report in done),
        missing=tuple(work.missing[number] for number in sorted(work.missing)),
        notes=tuple(_notes(done)),
    )


@contextmanager
def _writing_into(out_dir: Path) -> Iterator[None]:
    try:
        yield
    except OSError as error:
        raise MarlinEditError(f"{out_dir} cannot be made: {error.strerror}.") from error


def _place(plan: ClipPlan) -> tuple[str, int, int]:
    return str(plan.media.path), plan.frames.first, plan.number


def _planned(plans: Sequence[ClipPlan], progress: ReportProgress) -> Iterator[Report]:
    """What each clip would be; where packets are copied the source is read, so that drift and cost are known."""
    reports: dict[int, Report] = {}
    trials = Trials()
    for _, group in groupby(sorted(plans, key=_place), key=lambda plan: plan.media.path):
        of_source = list(group)
        with Source(of_source[0].media) as source:
            for plan in of_source:
                way = way_of(source, plan)
                if isinstance(way, str):
                    report = Report(plan.as_exact(way), plan.frames)
                elif way is None:
                    report = Report(plan, plan.frames)
                else:
                    report = Report(plan, way.frames, encoded=way.encoded)
                report.estimate = estimated(report, trials)
                reports[plan.number] = report
                progress(len(reports), len(plans), "planning")
    return iter([reports[plan.number] for plan in plans])


def _estimate_notes(reports: Sequence[Report]) -> Iterator[str]:
    for report in reports:
        assert report.estimate is not None
        yield f"{report.plan.path.name}: {report.estimate.words()}"


def _asked(settings: Settings) -> Container | None:
    return CONTAINERS.get(str(settings["clip_container"]))


def _out_dir(settings: Settings) -> Path:
    """Where the clips go: without a name for it, where the person is."""
    return Path(settings["out_dir"] or ".")


class Lost(Exception):
    """A clip that was not delivered, with the reason."""


class _Work:
    """Clips of any number of sources, each source opened once; what went wrong with one does not stop the others."""

    def __init__(self, overwrite: bool, frames: int, progress: ReportProgress) -> None:
        self.reports: dict[int, Report] = {}
        self.missing: dict[int, str] = {}
        self.errors: list[MarlinEditError] = []
        self._overwrite = overwrite
        self._progress = progress
        self._frames, self._done = frames, 0

    def deliver_source(self, plans: Sequence[ClipPlan]) -> None:
        try:
            opened = Source(plans[0].media)
        except MarlinEditError as error:
            self.errors.append(error)
            self.missing.update({plan.number: f"{plan.path.name}: {error}" for plan in plans})
            return
        with opened as source:
            for plan in plans:
                try:
                    report = self._deliver_clip(source, plan)
                except (Lost, MarlinEditError) as error:
                    if isinstance(error, MarlinEditError):
                        self.errors.append(error)
                    self.missing[plan.number] = f"{plan.path.name}: {error}"
                    continue
                finally:
                    self._done += plan.frames.count
                    self._progress(self._done, self._frames, plan.path.name)
                self.reports[plan.number] = report
                left = _left_out(report)
                if left is not None:
                    self.missing[plan.number] = f"{plan.path.name}: {left}"

    def _deliver_clip(self, source: Source, plan: ClipPlan) -> Report:
        """A published clip's report. A copy or a joined clip that cannot be, or does not hold, is made as exact."""
        way = way_of(source, plan)
        if isinstance(way, str):
            plan = plan.as_exact(way)
        elif way is not None:
            try:
                return self._write(source, plan, way)
            except NotAsPlanned as error:
                copied = plan.mode is Mode.COPY or not way.encoded
                what = "a copy" if copied else "a clip joined of copied and encoded frames"
                plan = plan.as_exact(f"{what} failed its check: {error}")
        try:
            return self._write(source, plan, None)
        except NotAsPlanned as error:
            raise Lost(f"not delivered, the written clip failed its check: {error}.") from error

    def _on_progress(self, plan: ClipPlan) -> OnProgress:
        """Reports how far all clips are, for the part of one that is done."""
        before, whole, name = self._done, self._frames, plan.path.name
        return lambda part: self._progress(before + part * plan.frames.count, whole, name)

    def _write(self, source: Source, plan: ClipPlan, way: Way | None) -> Report:
        """Writes a clip beside its name and publishes it when it is right; otherwise nothing is left."""
        from av.error import FFmpegError

        report = Report(plan)
        try:
            with files.staged(plan.path, self._overwrite) as temporary:
                wrong = write_clip(source, plan, temporary, way, report, on_progress=self._on_progress(plan))
                if wrong is not None:
                    raise NotAsPlanned(wrong)
        except NothingThere as error:
            raise Lost(f"not delivered, {source.media.path.name} has no readable frame there.") from error
        except (FFmpegError, ValueError) as error:
            raise NotAsPlanned(str(error)) from error
        return report


def _left_out(report: Report) -> str | None:
    """What of the range asked for is not there because the source has no more."""
    asked, got = report.plan.frames, report.frames
    assert got is not None
    absent: list[FrameRange] = []
    if got.first > asked.first:
        absent.append(FrameRange(asked.first, got.first))
    if got.stop < asked.stop:
        absent.append(FrameRange(got.stop, asked.stop))
    sentences = []
    if absent:
        words = " and ".join(f"{one.first} to {one.stop - 1}" for one in absent)
        sentences.append(f"frames {words} are missing: {report.plan.media.path.name} could not be read there.")
    if report.holes:
        frames = "frame of the source" if report.holes == 1 else "frames of the source"
        sentences.append(f"{report.holes} {frames} inside the clip could not be read and left out.")
    if report.lost_sound:
        packets = counted(report.lost_sound, "packet")
        sentences.append(f"{packets} of the source's sound inside the clip cannot be decoded: it is damaged there.")
    return " ".join(sentences) or None


def _notes(reports: list[Report]) -> Iterator[str]:
    for report in reports:
        for warning in report.item()["warnings"]:
            yield f"{report.plan.path.name}: {warning}"
        drift = report.drift()
        if drift is not None:
            yield f"{report.plan.path.name}: {drift}"
        if report.plan.mode is not report.plan.asked_mode:
            yield f"{report.plan.path.name}: re-encoded in full: {report.plan.reason}"
