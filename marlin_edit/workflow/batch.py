"""One command over one or many videos: each is opened, worked on, published and reported.

One video that fails does not stop the others.
"""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from types import TracebackType
from typing import Any

from marlin_edit.analysis import Analysis
from marlin_edit.edit import Cut, Edit, edit_of_several
from marlin_edit.errors import ExitCode, MarlinEditError, UsageError
from marlin_edit.interfaces import Carries, Delivery
from marlin_edit.media import MediaInfo
from marlin_edit.text import counted
from marlin_edit.workflow.cut_selection import top_cuts
from marlin_edit.workflow.outputs import Output
from marlin_edit.workflow.publish import Outcome, publish
from marlin_edit.workflow.report import documented, report, report_outcome
from marlin_edit.workflow.run import Request, Run, probe_media, programme_start


@dataclass
class Batch:
    """The videos of a request and what is made of each: `for job in batch.each(): with job: ...`, then `finished()`.

    outputs, deliveries: what is made of several videos together, at the end. needs_cuts: deliveries are for cuts, so a
    video without any has nothing to deliver.
    """

    run: Run
    request: Request
    jobs: Sequence[Job]
    outputs: Sequence[Output] = ()
    deliveries: Sequence[Delivery] = ()
    needs_cuts: bool = False
    edits: list[Edit] = field(default_factory=list)
    results: list[dict[str, Any]] = field(default_factory=list)

    @property
    def several(self) -> bool:
        """Whether there may be more than one video, so that one that fails does not end the run."""
        return len(self.jobs) > 1 or self.request.shard is not None

    def each(self, ready: Callable[[], object] | None = None) -> Iterator[Job]:
        """Each job with its media open; a video that cannot be opened is reported as failed, and the next one follows.

        ready: called before the first of several; what cannot be done there could not be done for any.
        """
        if self.several:
            self._refuse_several_rates()
            if ready is not None:
                ready()
        for job in self.jobs:
            try:
                job.open(self)
            except BaseException as error:
                if not self.survives(job, error):
                    raise
            else:
                yield job

    def publish(self, job: Job, analysis: Analysis, cuts: Sequence[Cut]) -> None:
        """Write and deliver what was seen in a job's video and cut from it, and report it."""
        deliveries = job.deliveries if cuts or not self.needs_cuts else ()
        edit = Edit(job.media.path.stem, *job.start, (analysis,), tuple(cuts))
        outcome = publish(self.run, edit, job.outputs, deliveries, self.request.dry_run)
        self.edits.append(edit)
        document: dict[str, Any] = {}
        code = report(self.run, analysis, outcome, cuts, into=document if self.several else None)
        self.results.append({"video": str(job.video), **document, "exit_code": int(code)})

    def survives(self, job: Job, error: BaseException) -> bool:
        """Whether the batch goes on after this error, which is then reported.

        The error of a single job is the command's. If the person or the system ends the run, what was done is reported.
        """
        if not self.several:
            return False
        if not isinstance(error, Exception):
            self._summary(None)
        if not isinstance(error, MarlinEditError):
            return False
        self.run.console.warning(f"{job.video}: {error}")
        self.results.append({"video": str(job.video), "error": str(error), "exit_code": int(error.exit_code)})
        return True

    def finished(self) -> ExitCode:
        """Make what is made of all videos together, report the batch, and return its exit code."""
        if not self.several:
            return ExitCode(self.results[0]["exit_code"])
        try:
            outcome = self._made_together()
        except BaseException as error:
            if not isinstance(error, Exception):
                self._summary(None)
            raise
        return self._summary(outcome)

    def _refuse_several_rates(self) -> None:
        """Hours of work should not end with an edit that cannot be: in most formats one edit has one rate."""
        from marlin_edit.media import probe_video

        choosy = [output.name for output in self.outputs if not output.exporter.carries & Carries.SEVERAL_RATES]
        rates: dict[str, Path] = {}
        for job in self.jobs if choosy else ():
            with contextlib.suppress(MarlinEditError):  # reported when its turn comes
                rate = probe_video(job.video, self.run.settings.optional("stream", int)).rate
                rates.setdefault(rate.name if rate is not None else "no", job.video)
        if len(rates) > 1:
            found = ", ".join(f"{video} has {name} fps" for name, video in rates.items())
            raise UsageError(
                f"{', '.join(choosy)} would be one edit of all videos, and one edit has one rate: {found}. Convert "
                "them first, or let {name} stand for each one's own output."
            )

    def _made_together(self) -> Outcome | None:
        """What is made of all videos at once: of those that succeeded, and of the best cuts of them all."""
        nothing_to_cut = self.needs_cuts and not any(edit.cuts for edit in self.edits)
        deliveries = () if nothing_to_cut else self.deliveries
        if not self.edits or not (self.outputs or deliveries):
            return None
        title = next((output.path.stem for output in self.outputs if output.path is not None), "")
        try:
            edit = edit_of_several(self.edits, title)
            edit = replace(edit, cuts=top_cuts(self.run, edit.cuts))
            return publish(self.run, edit, self.outputs, deliveries, self.request.dry_run)
        except MarlinEditError as error:
            return Outcome(missing=[str(error)])

    def _summary(self, outcome: Outcome | None) -> ExitCode:
        """outcome: of what was made of all videos together."""
        console = self.run.console
        codes = [ExitCode(result["exit_code"]) for result in self.results]
        code = _code_of_all(codes if outcome is None else [*codes, outcome.exit_code])
        waiting = [str(job.video) for job in self.jobs[len(self.results) :]]
        if self.run.json:
            document = {"videos": list(self.results), "not_done": waiting, "exit_code": int(code)}
            console.answer(document if outcome is None else document | {"together": documented(outcome)})
        if outcome is not None:
            report_outcome(console, outcome)
        failed = [result["video"] for result in self.results if "error" in result]
        partial = [result["video"] for result in self.results if result["exit_code"] == ExitCode.PARTIAL]
        nothing = sum(result["exit_code"] == ExitCode.NOTHING_MATCHED for result in self.results)
        done = f"{len(self.results) - len(failed)} done" + (f", nothing found in {nothing} of them" if nothing else "")
        console.receipt(f"{counted(len(self.jobs), 'video')}: {done}")
        for words, videos in (("failed", failed), ("only partly done", partial), ("not done", waiting)):
            if videos:
                console.warning(f"{words}: {', '.join(videos)}")
        return code


class Job:
    """One video of a batch, and what is written and delivered of it.

    Its block, `with job:`, is the work on it. Of several jobs, one whose block raises MarlinEditError is reported as
    failed, and the block ends without the error.
    """

    media: MediaInfo
    """The media; open when `Batch.each` gives the job."""

    def __init__(self, video: Path, outputs: Sequence[Output], deliveries: Sequence[Delivery]) -> None:
        self.video = video
        self.outputs = outputs
        self.deliveries = deliveries

    def open(self, batch: Batch) -> None:
        """Open the media. Raises MarlinEditError for one that cannot be read or could make no edit."""
        if batch.several:
            batch.run.console.heading(str(self.video))
        self._batch = batch
        self.media = probe_media(batch.run, self.video)
        self.start = programme_start(batch.run, self.media.counted_in_samples())

    def publish(self, analysis: Analysis, cuts: Sequence[Cut] = ()) -> None:
        """Write and deliver what was seen and cut, and report it."""
        self._batch.publish(self, analysis, cuts)

    def __enter__(self) -> Job:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, _: TracebackType | None) -> bool:
        return error is not None and self._batch.survives(self, error)


def _code_of_all(codes: Sequence[ExitCode]) -> ExitCode:
    """One code for all: partial if some succeeded and others failed."""
    kinds = set(codes)
    if len(kinds) == 1:
        return codes[0]
    if kinds <= {ExitCode.DONE, ExitCode.NOTHING_MATCHED}:
        return ExitCode.DONE
    return ExitCode.FAILED if kinds <= {ExitCode.FAILED, ExitCode.USAGE} else ExitCode.PARTIAL
