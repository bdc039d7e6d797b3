"""Asks a model about the videos of a truth, one after the other, and keeps what is judged of its answers."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass, field
from fractions import Fraction
from functools import cache
from pathlib import Path
from typing import Any

from marlin_edit.analysis import ModelIdentity
from marlin_edit.errors import ExitCode, MarlinEditError
from marlin_edit.evaluation.cost import Meter
from marlin_edit.evaluation.ground_truth import TrueVideo
from marlin_edit.evaluation.metrics import Measures, caption_measures, effort, find_measures
from marlin_edit.evaluation.results import Judged, QueryRow, judged
from marlin_edit.evaluation.tables import SCHEMA, measures_document, video_document
from marlin_edit.inference.pipeline import analyze, model_opener
from marlin_edit.timebase import seconds_text
from marlin_edit.video_model import VideoModel
from marlin_edit.workflow.run import Run, probe_media


@dataclass
class Evaluation:
    """What was learned so far.

    missing: videos that are not there. failed: videos with the reason. partly: what of a video could not be looked at.
    threshold: the model's, from which score on its findings are accepted; None where it is not calibrated.
    """

    run: Run
    missing: list[str] = field(default_factory=list)
    failed: dict[str, str] = field(default_factory=dict)
    partly: list[str] = field(default_factory=list)
    judged: list[Judged] = field(default_factory=list)
    meter: Meter = field(default_factory=Meter)
    model: ModelIdentity | None = None
    threshold: float | None = None

    def ask_all(self, videos: Sequence[TrueVideo]) -> None:
        """Ask about every video. One that fails does not stop the others; of a broken run it is said what was done."""
        console = self.run.console
        opener = model_opener(self.run.app, console)

        @cache
        def model() -> VideoModel:
            return self.meter.metered(opener())

        model()  # what cannot be opened could be asked about no video
        try:
            for place, video in enumerate(videos, 1):
                console.receipt(f"{place} of {len(videos)}: {video.path}")
                try:
                    self._ask(video, model)
                except MarlinEditError as error:
                    console.warning(f"{video.path}: {error}")
                    self.failed[str(video.path)] = str(error)
        except BaseException as stopped:
            if not isinstance(stopped, Exception):
                known = ", and its answers are kept" if self.run.settings.value("store", bool) else ""
                console.receipt(f"{len(self.judged)} of {len(videos)} videos were done{known}: nothing is measured")
            raise

    def _ask(self, truth: TrueVideo, model: Callable[[], VideoModel]) -> None:
        media = probe_media(self.run, truth.path)
        self._warn_of_what_lies_outside(truth, media.duration)
        analysis = analyze(
            self.run.app,
            self.run.console,
            media,
            None if truth.part is None else (truth.part.start, truth.part.end),
            caption=truth.events is not None,
            queries=[query.query for query in truth.queries],
            model=model,
        )
        if media.incomplete:
            self.partly.append(f"{media.path} is cut short")
        self.partly += [f"{media.path} shows no picture in {span}" for span in analysis.unseen]
        self.model = analysis.model
        self.threshold = analysis.threshold
        self.judged.append(judged(truth, analysis))

    def _warn_of_what_lies_outside(self, truth: TrueVideo, duration: Fraction) -> None:
        spans = [span for query in truth.queries for span in query.spans]
        spans += [event.span for event in truth.events or ()]
        outside = [span for span in spans if span.start >= duration]
        if outside:
            self.run.console.warning(
                f"{truth.path.name} ends at {float(duration):.1f} s, and {len(outside)} true spans begin later, the "
                f"first at {float(outside[0].start):.1f} s: is this the whole video? They count as not found."
            )

    @property
    def queries(self) -> list[QueryRow]:
        """The queries of all videos."""
        return [row for one in self.judged for row in one.queries]

    @property
    def shortcomings(self) -> list[str]:
        """What is not measured, and why."""
        lines = [f"missing: {', '.join(self.missing)}"] if self.missing else []
        lines += [f"failed: {', '.join(self.failed)}"] if self.failed else []
        return lines + self.partly

    @property
    def exit_code(self) -> ExitCode:
        """Done, partial if something is missing, or failed."""
        if not self.judged:
            return ExitCode.FAILED
        return ExitCode.PARTIAL if self.missing or self.failed or self.partly else ExitCode.DONE

    def measure(self) -> Measures:
        """All that is measured of what was learned."""
        queries = self.queries
        captions = [one.captions for one in self.judged if one.captions is not None]
        return Measures(
            find_measures(queries, self.threshold) if queries else None,
            caption_measures(captions) if captions else None,
            effort(self.meter),
        )

    def document(self, measures: Measures, truths: Sequence[Path], notes: Sequence[str]) -> dict[str, Any]:
        """Everything as JSON values: docs/evaluation.md describes it."""
        settings = self.run.settings
        return {
            "schema": SCHEMA,
            "model": None if self.model is None else asdict(self.model),
            "truth": [str(path) for path in truths],
            "window": seconds_text(settings.value("window", Fraction)),
            "overlap": seconds_text(settings.value("overlap", Fraction)),
            "find": measures_document(measures.find),
            "caption": measures_document(measures.caption),
            "effort": measures_document(measures.effort),
            "videos": [video_document(one, self.threshold) for one in self.judged],
            "missing": self.missing,
            "failed": [{"video": video, "error": error} for video, error in self.failed.items()],
            "partly": self.partly,
            "notes": list(notes),
            "exit_code": int(self.exit_code),
        }
