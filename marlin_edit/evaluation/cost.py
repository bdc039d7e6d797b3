"""What answers cost: time, tokens and memory of what a model was really asked; known answers cost nothing.

A model is metered from outside, by one of the same interface that passes everything on.
"""

from __future__ import annotations

import sys
import time
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from fractions import Fraction
from pathlib import Path

from marlin_edit.analysis import ModelIdentity
from marlin_edit.inference.calibration import bundled_calibration
from marlin_edit.inference.windows import maximal
from marlin_edit.media import MediaInfo
from marlin_edit.timebase import Span
from marlin_edit.video_model import Answer, Judging, Question, QuestionKind, Repeatable, Terms, VideoModel, Watched


@dataclass
class Meter:
    """Adds up what a model does: seconds of work, the spans of each file it was shown, answers and their tokens.

    A judgement of an answer (JUDGE) takes time and is none itself.
    """

    seconds: float = 0.0
    answers: int = 0
    tokens: int = 0
    _shown: dict[str, list[Span]] = field(default_factory=dict)

    @property
    def footage(self) -> Fraction:
        """Seconds of media that the model was shown; what several windows share counts once."""
        spans = (span for spans in self._shown.values() for span in maximal(spans))
        return sum((span.length for span in spans), Fraction(0))

    @property
    def speed(self) -> float | None:
        """Seconds of footage for a second of work, "times real time"; None where the model did nothing."""
        return float(self.footage) / self.seconds if self.footage and self.seconds > 0 else None

    def metered(self, model: VideoModel) -> VideoModel:
        """The model, metered."""
        return MeteredRepeatable(model, self) if isinstance(model, Repeatable) else Metered(model, self)

    def shown(self, media: MediaInfo, span: Span) -> None:
        """Count a window that the model was shown."""
        self._shown.setdefault(str(media.path), []).append(span)

    def answered(self, questions: Sequence[Question], answers: Sequence[Answer]) -> None:
        """Count answers and their tokens."""
        for question, answer in zip(questions, answers, strict=True):
            if question.kind is not QuestionKind.JUDGE:
                self.answers += 1
                self.tokens += len(answer.token_logprobs)

    @contextmanager
    def working(self) -> Iterator[None]:
        """Measure the time of the work in this block."""
        started = time.perf_counter()
        try:
            yield
        finally:
            self.seconds += time.perf_counter() - started


class Metered:
    """A video model whose work is added up."""

    def __init__(self, model: VideoModel, meter: Meter) -> None:
        self._model = model
        self._meter = meter

    @property
    def identity(self) -> ModelIdentity:
        """Which model answers."""
        return self._model.identity

    @property
    def longest_window(self) -> Fraction:
        """The longest window in seconds."""
        return self._model.longest_window

    @property
    def sampling_step(self) -> Fraction:
        """Seconds between two frames that are shown."""
        return self._model.sampling_step

    @property
    def judges(self) -> bool:
        """Whether JUDGE questions are answered."""
        return isinstance(self._model, Judging) and self._model.judges

    @property
    def calibration(self) -> Path | None:
        """The calibration that the model brings, or None."""
        return bundled_calibration(self._model)

    def watch(
        self, media: MediaInfo, windows: Iterable[Span], seen: Callable[[Fraction], None] | None = None
    ) -> Iterator[Watched]:
        """Watch the windows in turn."""
        watched = self._model.watch(media, windows, seen)
        try:
            while True:
                with self._meter.working():
                    window = next(watched, None)
                if window is None:
                    return
                self._meter.shown(media, window.span)
                yield MeteredWindow(window, self._meter)
        finally:
            close = getattr(watched, "close", None)
            if close is not None:
                close()


class MeteredRepeatable(Metered):
    """The same for a model whose answers can be kept."""

    _model: Repeatable

    @property
    def asks_at_once(self) -> int:
        """How many questions are answered together."""
        return self._model.asks_at_once

    def terms(self, question: Question) -> Terms:
        """What the answer to a question depends on."""
        return self._model.terms(question)


class MeteredWindow:
    """A window of a metered model."""

    def __init__(self, window: Watched, meter: Meter) -> None:
        self._window = window
        self._meter = meter

    @property
    def span(self) -> Span:
        """The window."""
        return self._window.span

    def ask(self, questions: Sequence[Question]) -> list[Answer]:
        """Answer the questions, measured."""
        with self._meter.working():
            answers = self._window.ask(questions)
        self._meter.answered(questions, answers)
        return answers

    def part(self, span: Span) -> Watched:
        """A part of the window, measured as well."""
        return MeteredWindow(self._window.part(span), self._meter)


def peak_memory() -> int | None:
    """The most memory that this process had at once so far, in bytes; None where the system does not tell."""
    try:
        import resource
    except ImportError:  # Windows
        return None
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    return peak if sys.platform == "darwin" else peak * 1024


def peak_gpu_memory() -> int | None:
    """The most memory on a CUDA device so far, in bytes; None where no model runs on one."""
    torch = sys.modules.get("torch")  # only a model imports it
    if torch is None or not torch.cuda.is_available():
        return None
    return int(torch.cuda.max_memory_allocated()) or None
