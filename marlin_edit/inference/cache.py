"""Asks a model only questions without a stored answer, and stores its answers. No fault of the store ends a run.

A window whose questions are all answered is not watched at all, so that a killed run goes on where it was.
"""

from __future__ import annotations

from collections.abc import Callable, Generator, Iterable, Iterator, Sequence
from fractions import Fraction
from functools import partial
from time import time as now

from marlin_edit.analysis import ModelIdentity
from marlin_edit.console import Console
from marlin_edit.inference.store import Kept, Key, Store, StoreError, store_path
from marlin_edit.media import MediaInfo
from marlin_edit.media.fingerprints import fingerprint
from marlin_edit.settings import Settings
from marlin_edit.timebase import Span
from marlin_edit.video_model import Answer, Judging, Question, Repeatable, Terms, VideoModel, Watched


class AnswerCache:
    """The store as a run uses it. If it cannot be read or written, that is reported once and the run goes on.

    from_store, asked: how many answers came from the store, and how many from the model.
    """

    def __init__(self, store: Store | None, warn: Callable[[str], None]) -> None:
        self._store = store
        self._warn = warn
        self._reads = self._writes = store is not None
        self.from_store = 0
        self.asked = 0

    @classmethod
    def of(cls, settings: Settings, console: Console) -> AnswerCache:
        """A cache as the settings want it; the setting `store` turns it off."""
        if not settings.value("store", bool):
            return cls(None, console.warning_once)
        try:
            return cls(Store(store_path(settings), console.warning_once), console.warning_once)
        except StoreError as error:
            console.warning_once(str(error))
            return cls(None, console.warning_once)

    def cached(self, model: VideoModel, questions: Sequence[Question]) -> VideoModel:
        """The model with stored answers in front of it. questions: what each window will be asked first."""
        if self._store is None or not isinstance(model, Repeatable) or not model.identity.revision:
            return model
        return CachedModel(self, model, questions)

    def find(self, key: Key) -> Answer | None:
        """The stored answer, or None."""
        if self._store is None or not self._reads:
            return None
        try:
            return self._store.find(key)
        except StoreError as error:
            self._fault(f"{error} This run goes on without the store: every question is asked, and no answer is kept.")
            self._reads = self._writes = False
            return None

    def keep(self, media: MediaInfo, answers: Sequence[tuple[Key, Answer]]) -> None:
        """Store the answers that can be used again, unless the file changed since it was opened."""
        if self._store is None or not self._writes:
            return
        kept = [Kept(key, answer, str(media.path.absolute()), int(now())) for key, answer in answers]
        try:
            if fingerprint(media.path) != media.fingerprint:
                self._warn(f"{media.path.name} changed while it was watched, so its answers are not kept.")
                return
        except OSError:
            return
        try:
            self._store.keep([one for one in kept if one.answer.repeatable])
        except StoreError as error:
            self._fault(f"{error} This run goes on, but its answers are not kept.")
            self._writes = False

    def _fault(self, words: str) -> None:
        if self._reads and self._writes:  # the first one
            self._warn(words)

    def close(self) -> None:
        """Close the store."""
        if self._store is not None:
            self._store.close()


class CachedModel:
    """A video model that answers from cache where it can."""

    def __init__(self, cache: AnswerCache, model: Repeatable, questions: Sequence[Question]) -> None:
        self.cache = cache
        self.model = model
        self._questions = questions
        self._terms: dict[Question, Terms] = {}

    @property
    def identity(self) -> ModelIdentity:
        """Which model answers."""
        return self.model.identity

    @property
    def longest_window(self) -> Fraction:
        """Seconds, as of the model."""
        return self.model.longest_window

    @property
    def sampling_step(self) -> Fraction:
        """Seconds, as of the model."""
        return self.model.sampling_step

    @property
    def judges(self) -> bool:
        """Whether the model answers JUDGE questions."""
        return isinstance(self.model, Judging) and self.model.judges

    def watch(
        self, media: MediaInfo, windows: Iterable[Span], seen: Callable[[Fraction], None] | None = None
    ) -> Iterator[Watched]:
        """Watch the windows in turn; the model sees only those with a question that has no stored answer."""
        if not media.fingerprint or media.video_index is None:
            return self.model.watch(media, windows, seen)
        spans = [(span, self._is_answered(media, span)) for span in windows]
        waiting = [span for span, answered in spans if not answered]
        return self._watch(media, spans, self.model.watch(media, waiting, seen) if waiting else None, seen)

    def _watch(
        self,
        media: MediaInfo,
        spans: Sequence[tuple[Span, bool]],
        watched: Iterator[Watched] | None,
        seen: Callable[[Fraction], None] | None,
    ) -> Iterator[Watched]:
        try:
            for span, answered in spans:
                if answered or watched is None:
                    if seen is not None:
                        seen(span.end)
                    yield CachedWindow(self, media, span, None)
                    continue
                window = next(watched, None)
                if window is None:
                    return
                yield CachedWindow(self, media, span, partial(_same, window))
        finally:
            if isinstance(watched, Generator):
                watched.close()

    def _is_answered(self, media: MediaInfo, span: Span) -> bool:
        return all(self.cache.find(self.key(media, span, question)) is not None for question in self._questions)

    def key(self, media: MediaInfo, span: Span, question: Question) -> Key:
        """The key of the answer to this question."""
        if question not in self._terms:
            self._terms[question] = self.model.terms(question)
        assert media.video_index is not None
        return Key(media.fingerprint, media.video_index, span, question, self.identity, self._terms[question])


class CachedWindow:
    """A window that the model watches only if a question has no stored answer. opened: returns the watched window."""

    def __init__(self, model: CachedModel, media: MediaInfo, span: Span, opened: Callable[[], Watched] | None) -> None:
        self._model = model
        self._media = media
        self._span = span
        self._opened = opened
        self._windows: Iterator[Watched] | None = None

    @property
    def span(self) -> Span:
        """The window."""
        return self._span

    def ask(self, questions: Sequence[Question]) -> list[Answer]:
        """Answer the questions, in order.

        They are asked and stored in the same groups whether some are answered already or not. So a run that was killed
        asks the rest in the groups in which it would have asked them, and gets the same answers to the last bit.
        """
        cache = self._model.cache
        answers: dict[Question, Answer] = {}
        waiting = sorted(dict.fromkeys(questions), key=lambda question: (question.kind.value, len(question.query)))
        while waiting:
            group = waiting[: max(1, self._model.model.asks_at_once)]
            waiting = waiting[len(group) :]
            keys = {question: self._model.key(self._media, self._span, question) for question in group}
            found = {question: cache.find(key) for question, key in keys.items()}
            answers |= {question: answer for question, answer in found.items() if answer is not None}
            unanswered = [question for question, answer in found.items() if answer is None]
            cache.from_store += len(group) - len(unanswered)
            if unanswered:
                new = dict(zip(unanswered, self._watched().ask(unanswered), strict=True))
                cache.asked += len(new)
                cache.keep(self._media, [(keys[question], answer) for question, answer in new.items()])
                answers |= new
        return [answers[question] for question in questions]

    def part(self, span: Span) -> Watched:
        """A part of the window, watched by itself only if a question about it has no stored answer."""
        whole = self._opened
        return CachedWindow(self._model, self._media, span, None if whole is None else partial(_part, whole, span))

    def _watched(self) -> Watched:
        if self._opened is None:
            # Kept as long as this window: some models free a window when the next one is taken.
            self._windows = iter(self._model.model.watch(self._media, [self._span]))
            window = next(self._windows)
            self._opened = partial(_same, window)
        return self._opened()


def _same(window: Watched) -> Watched:
    return window


def _part(opened: Callable[[], Watched], span: Span) -> Watched:
    return opened().part(span)
