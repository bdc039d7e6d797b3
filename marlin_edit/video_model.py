"""A video model as marlin-edit sees it: the questions it is asked, its answers, and the protocols it implements."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from enum import Enum
from fractions import Fraction
from typing import TYPE_CHECKING, Protocol, runtime_checkable

if TYPE_CHECKING:
    from marlin_edit.analysis import ModelIdentity
    from marlin_edit.media import MediaInfo
    from marlin_edit.timebase import Span


class QuestionKind(Enum):
    """The two modes the model was trained for, and a look at its caption mode from inside (see `Judging`)."""

    CAPTION = "caption"
    FIND = "find"
    JUDGE = "judge"


@dataclass(frozen=True)
class Question:
    """What is asked about a window: its caption, when `query` takes place, or how well `query` tells of a span of it.

    Only for JUDGE: `span` in seconds from the window's start, the window's `caption` as the model gave it, and `blank`,
    where the same is asked about a window as long that shows nothing at all.
    """

    kind: QuestionKind
    query: str = ""
    span: Span | None = None
    caption: str = ""
    blank: bool = False


@dataclass(frozen=True)
class Answer:
    """A model's answer as it came: its text, the log probability of each token, and `end` or `length`.

    repeatable: False where the same question may be answered otherwise another time, because a part of the pictures
    could not be read. Such an answer is used and not kept.
    """

    raw: str
    token_logprobs: tuple[float, ...] = ()
    stopped_by: str = "end"
    repeatable: bool = True


@dataclass(frozen=True)
class Terms:
    """What an answer depends on, beside the media, the window and the model's identity: what may change the answer
    changes one of these texts.

    prompt: the question exactly as it is put. sampling: what a window is made into before the model sees it (frames a
    second, pixels, template). generation: how the answer is made (greedy, at most so many tokens).
    """

    prompt: str
    sampling: str
    generation: str


class Watched(Protocol):
    """A window that the model has seen, ready for any number of questions."""

    @property
    def span(self) -> Span: ...

    def ask(self, questions: Sequence[Question]) -> list[Answer]:
        """One answer a question, in order."""
        ...

    def part(self, span: Span) -> Watched:
        """A stretch of it, watched again by itself: its answers are those of a window of that span."""
        ...


class VideoModel(Protocol):
    """A model that watches windows of a source. Answers' times count from the window's start."""

    @property
    def identity(self) -> ModelIdentity: ...

    @property
    def longest_window(self) -> Fraction:
        """Seconds it was trained for."""
        ...

    @property
    def sampling_step(self) -> Fraction:
        """Seconds between two frames that it is shown: its times are no finer."""
        ...

    def watch(
        self, media: MediaInfo, windows: Iterable[Span], seen: Callable[[Fraction], None] | None = None
    ) -> Iterator[Watched]:
        """Each window in turn. `seen` is told as it goes on, up to which second of the media the model has looked."""
        ...


@runtime_checkable
class Repeatable(VideoModel, Protocol):
    """A video model whose answers can be kept and used again: the same terms always give the same answer.

    Its `identity` then has a revision that is another one whenever its weights, or the service behind it, are. Answers
    of a model that is not Repeatable, or tells no revision, are never kept.
    """

    @property
    def asks_at_once(self) -> int:
        """How many questions it answers together. After so many, what it answered is kept."""
        ...

    def terms(self, question: Question) -> Terms: ...


@runtime_checkable
class Judging(VideoModel, Protocol):
    """A video model that answers JUDGE questions: no text, but how likely its caption would tell of a span in the words
    of a query. `Answer.token_logprobs` has the log probability of each token of the query, and `raw` is empty.

    A model of any kind may also have an attribute `calibration`: the path of a file that `marlin-edit calibrate -o`
    made for it. It is used where the user has no calibration of their own.
    """

    @property
    def judges(self) -> bool: ...
