"""A video model as marlin-edit sees it: the questions it is asked, its answers, and the protocols it implements.

An answer is text in the format that `answer_format.py` reads and writes, whatever the model says by itself.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from enum import Enum
from fractions import Fraction
from pathlib import Path
from typing import TYPE_CHECKING, Protocol, runtime_checkable

if TYPE_CHECKING:
    from marlin_edit.analysis import ModelIdentity
    from marlin_edit.media import MediaInfo
    from marlin_edit.timebase import Span


class QuestionKind(Enum):
    """The two modes that Marlin was trained for, and one that looks into its caption mode (see `Judging`).

    SPEECH and WORDS are not asked of a video model: the store keeps what detectors heard under them.
    """

    CAPTION = "caption"
    FIND = "find"
    JUDGE = "judge"
    SPEECH = "speech"
    WORDS = "words"


@dataclass(frozen=True)
class Question:
    """A question about a window: its caption, when a query happens, or how well a query describes a span.

    Attributes:
        kind: Which of them.
        query: The query, for FIND and JUDGE.
        span: For JUDGE: the span in seconds from the window's start.
        caption: For JUDGE: the window's caption as the model wrote it.
        blank: For JUDGE: the same is asked about a window of that length that shows nothing at all.
    """

    kind: QuestionKind
    query: str = ""
    span: Span | None = None
    caption: str = ""
    blank: bool = False


@dataclass(frozen=True)
class Answer:
    """A model's answer.

    Attributes:
        raw: Its text, in the format of `answer_format.py`. Times in it are seconds from the window's start.
        token_logprobs: The log probability (natural logarithm) of each token, if the model gives them.
        stopped_by: `end` if the model ended by itself, `length` if it was cut off.
        repeatable: False if the same question may be answered differently another time, because a part of the pictures
            could not be read. Such an answer is used and not kept.
    """

    raw: str
    token_logprobs: tuple[float, ...] = ()
    stopped_by: str = "end"
    repeatable: bool = True


@dataclass(frozen=True)
class Terms:
    """What an answer depends on, besides the media, the window and the model's identity.

    Whatever may change the answer changes one of these texts.

    Attributes:
        prompt: The question exactly as it is put to the model.
        sampling: What a window becomes before the model sees it (frames per second, pixels, template).
        generation: How the answer is made (greedy, at most so many tokens).
    """

    prompt: str
    sampling: str
    generation: str


class Watched(Protocol):
    """A window that the model has seen, ready for any number of questions."""

    @property
    def span(self) -> Span:
        """The window, in seconds from the source's zero."""
        ...

    def ask(self, questions: Sequence[Question]) -> list[Answer]:
        """Answer the questions: one answer per question, in their order."""
        ...

    def part(self, span: Span) -> Watched:
        """A part of the window, watched by itself: its answers are those of a window of that span."""
        ...


class VideoModel(Protocol):
    """A model that watches windows of a source."""

    @property
    def identity(self) -> ModelIdentity:
        """Which model answers: name, revision, profile and number format."""
        ...

    @property
    def longest_window(self) -> Fraction:
        """The longest window that it was trained for, in seconds."""
        ...

    @property
    def sampling_step(self) -> Fraction:
        """Seconds between two frames that it is shown; its times are no finer."""
        ...

    def watch(
        self, media: MediaInfo, windows: Iterable[Span], seen: Callable[[Fraction], None] | None = None
    ) -> Iterator[Watched]:
        """Watch the windows in turn.

        Args:
            media: The source.
            windows: Spans in seconds from the source's zero, in order of time. They may overlap.
            seen: Called as the work goes on, with the second of the source up to which the model has looked.

        Yields:
            Each window, ready to be asked.

        Raises:
            NoPicture: The next window shows no picture. Watching can go on with the window after it.
            MarlinEditError: The model cannot be used.
        """
        ...


@runtime_checkable
class Repeatable(VideoModel, Protocol):
    """A video model whose answers can be kept and used again: the same terms always give the same answer.

    Its `identity` has a revision that changes whenever its weights, or the service behind it, do. Answers of a model
    that is not Repeatable, or that states no revision, are never kept.
    """

    @property
    def asks_at_once(self) -> int:
        """How many questions it answers together. After so many, their answers are kept."""
        ...

    def terms(self, question: Question) -> Terms:
        """What the answer to a question depends on."""
        ...


@runtime_checkable
class Judging(VideoModel, Protocol):
    """A video model that answers JUDGE questions: how likely its own caption would describe a span in given words.

    `Answer.token_logprobs` has the log probability of each token of the query, and `raw` the words with theirs, as
    `answer_format.write_judgement` writes them; `raw` may be empty, and then no word is judged.
    """

    @property
    def judges(self) -> bool:
        """Whether it can answer JUDGE questions."""
        ...


@runtime_checkable
class Calibrated(VideoModel, Protocol):
    """A video model that brings a calibration. It is used if the user has none of their own."""

    @property
    def calibration(self) -> Path | None:
        """A file that `marlin-edit calibrate -o` wrote for this model, or None."""
        ...
