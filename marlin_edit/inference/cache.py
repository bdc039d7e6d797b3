"""Asks a model only what the store does not know, and keeps what it answers. No fault of the store ends a run.

A window of which all is known is not watched at all, so that a killed run goes on where it was.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
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


class Memory:
    """The store as a run uses it: where it cannot be read or written that is said once, and the run goes on without.

    known, asked: how many answers came from it, and how many from the model.
    """

    def __init__(self, store: Store | None, warn: Callable[[str], None]) -> None:
        self._store = store
        self._warn = warn
        self._reads = self._writes = store is not None
        self.known = 0
        self.asked = 0

    @classmethod
    def of(cls, settings: Settings, console: Console) -> Memory:
        """As the settings want it: the setting `store` turns it off."""
        if not settings.value("store", bool):
            return cls(None, console.warning_once)
        try:
            return cls(Store(store_path(settings), console.warning_once), console.warning_once)
        except StoreError as error:
            console.warning_once(str(error))
            return cls(None, console.warning_once)

    def remembering(self, model: VideoModel, questions: Sequence[Question]) -> VideoModel:
        """The model, so that what is known is not asked again. questions: what each window will be asked first."""
        if self._store is None or not isinstance(model, Repeatable) or not model.identity.revision:
            return model
        return Remembering(self, model, questions)

    def find(self, key: Key) -> Answer | None:
        if self._store is None or not self._reads:
            return None
        try:
            return self._store.find(key)
        except StoreError as error:
            self._fault(f"{error} This run goes on without it: everything is asked, and no answer is kept.")
            self._reads = self._writes = False
            return None

    def keep(self, media: MediaInfo, answers: Sequence[tuple[Key, Answer]]) -> None:
        """Keep those that can be used again, unless the file is no longer the one that was looked at."""
        if self._store is None or not self._writes:
            return
        kept = [Kept(key, answer, str(media.path.absolute()), int(now())) for key, answer in answers]
        try:
            if fingerprint(media.path) != media.fingerprint:
                self._warn(f"{media.path.name} was changed while it was watched, so its answers are not kept.")
                return
        except OSError:
            return
        try:
            self._store.keep([one for one in kept if one.answer.repeatable])
        except StoreError as error:
            self._fault(f"{error} This run goes on, and its answers are not kept.")
            self._writes = False

    def _fault(self, words: str) -> None:
        if self._reads and self._writes:  # the first one
            self._warn(words)

    def close(self) -> None:
        if self._store is not None:
            self._store.close()


class Remembering:
    """A video model that answers from memory where it can."""

    def __init__(self, memory: Memory, model: Repeatable, questions: Sequence[Question]) -> None:
        self.memory = memory
        self.model = model
        self._questions = questions
        self._terms: dict[Question, Terms] = {}

    @property
    def identity(self) -> ModelIdentity:
        return self.model.identity

    @property
    def longest_window(self) -> Fraction:
        return self.model.longest_window

    @property
    def sampling_step(self) -> Fraction:
        return self.model.sampling_step

    @property
    def judges(self) -> bool:
        return isinstance(self.model, Judging) and self.model.judges

    def watch(
        self, media: MediaInfo, windows: Iterable[Span], seen: Callable[[Fraction], None] | None = None
    ) -> Iterator[Watched]:
        """Each window in turn; the model watches those of which something that will be asked is not known."""
        if not media.fingerprint or media.video_index is None:
            return self.model.watch(media, windows, seen)
        spans = [(span, self._is_known(media, span)) for span in windows]
        unknown = [span for span, known in spans if not known]
        return self._watch(media, spans, self.model.watch(media, unknown, seen) if unknown else None, seen)

    def _watch(
        self,
        media: MediaInfo,
        spans: Sequence[tuple[Span, bool]],
        watched: Iterator[Watched] | None,
        seen: Callable[[Fraction], None] | None,
    ) -> Iterator[Watched]:
        try:
            for span, known in spans:
                if known or watched is None:
                    if seen is not None:
                        seen(span.end)
                    yield RememberedWindow(self, media, span, None)
                    continue
                window = next(watched, None)
                if window is None:
                    return
                yield RememberedWindow(self, media, span, partial(_same, window))
        finally:
            close = getattr(watched, "close", None)
            if close is not None:
                close()

    def _is_known(self, media: MediaInfo, span: Span) -> bool:
        return all(self.memory.find(self.key(media, span, question)) is not None for question in self._questions)

    def key(self, media: MediaInfo, span: Span, question: Question) -> Key:
        """What an answer to this is kept under."""
        if question not in self._terms:
            self._terms[question] = self.model.terms(question)
        assert media.video_index is not None
        return Key(media.fingerprint, media.video_index, span, question, self.identity, self._terms[question])


class RememberedWindow:
    """A window that is watched when something is asked that is not known. opened: gives it, as the model watches it."""

    def __init__(self, model: Remembering, media: MediaInfo, span: Span, opened: Callable[[], Watched] | None) -> None:
        self._model = model
        self._media = media
        self._span = span
        self._opened = opened
        self._windows: Iterator[Watched] | None = None

    @property
    def span(self) -> Span:
        return self._span

    def ask(self, questions: Sequence[Question]) -> list[Answer]:
        """One answer a question, in order.

        They are asked and kept in the same groups whether some are known already or not. So what a killed run had not
        kept is asked in the groups in which it would have been, and gives the same answers to the last bit.
        """
        memory = self._model.memory
        answers: dict[Question, Answer] = {}
        waiting = sorted(dict.fromkeys(questions), key=lambda question: (question.kind.value, len(question.query)))
        while waiting:
            group = waiting[: max(1, self._model.model.asks_at_once)]
            waiting = waiting[len(group) :]
            keys = {question: self._model.key(self._media, self._span, question) for question in group}
            found = {question: memory.find(key) for question, key in keys.items()}
            answers |= {question: answer for question, answer in found.items() if answer is not None}
            unknown = [question for question, answer in found.items() if answer is None]
            memory.known += len(group) - len(unknown)
            if unknown:
                new = dict(zip(unknown, self._watched().ask(unknown), strict=True))
                memory.asked += len(new)
                memory.keep(self._media, [(keys[question], answer) for question, answer in new.items()])
                answers |= new
        return [answers[question] for question in questions]

    def part(self, span: Span) -> Watched:
        """A stretch of it, watched by itself when something is asked of it that is not known."""
        whole = self._opened
        return RememberedWindow(self._model, self._media, span, None if whole is None else partial(_part, whole, span))

    def _watched(self) -> Watched:
        if self._opened is None:
            # Held as long as this window: some models free a window when the next one is taken, or nobody asks for it.
            self._windows = iter(self._model.model.watch(self._media, [self._span]))
            window = next(self._windows)
            self._opened = partial(_same, window)
        return self._opened()


def _same(window: Watched) -> Watched:
    return window


def _part(opened: Callable[[], Watched], span: Span) -> Watched:
    return opened().part(span)
