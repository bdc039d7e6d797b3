"""A plugin whose model writes down what it is asked, and whose answers can be kept.

Variables whose name begins with TALLY_ say what it is: they stand for another version of it, or another mood.
"""

from __future__ import annotations

import json
import os
import time
import zlib
from collections.abc import Callable, Iterable, Iterator, Sequence
from fractions import Fraction
from pathlib import Path

from marlin_edit import Backend, hookimpl
from marlin_edit.analysis import ModelIdentity
from marlin_edit.media import MediaInfo
from marlin_edit.settings import Settings
from marlin_edit.timebase import Span
from marlin_edit.video_model import Answer, Question, QuestionKind, Terms, VideoModel, Watched


def told(name: str, otherwise: str = "") -> str:
    return os.environ.get(f"TALLY_{name}", otherwise)


def note(**values: object) -> None:
    with Path(told("LOG")).open("a", encoding="utf-8") as log:
        log.write(json.dumps(values) + "\n")


class Window:
    def __init__(self, media: MediaInfo, span: Span) -> None:
        self.media = media
        self.span = span

    def ask(self, questions: Sequence[Question]) -> list[Answer]:
        answers = []
        for question in questions:
            note(asked=question.query or None, window=str(self.span), media=self.media.path.name)
            time.sleep(float(told("SECONDS", "0")))
            number = zlib.crc32(f"{question} {self.span}".encode())
            found = question.kind is QuestionKind.FIND
            raw = (
                f"From 0.{number % 5} to 1.{number % 10}."
                if found
                else "Scene: A tally.\nEvents:\n<0.5 - 1.0> It counts."
            )
            logprobs = (-1 / (number % 7 + 1), -0.1)
            answers.append(Answer(told("RAW", raw), logprobs, "end", repeatable=told("DAMAGED") == ""))
        if told("SPOILS"):
            with self.media.path.open("ab") as file:
                file.write(b"more")
        return answers

    def part(self, span: Span) -> Watched:
        return Window(self.media, span)


class Tally:
    """A model that counts."""

    longest_window = Fraction(60)
    sampling_step = Fraction(1, 2)

    @property
    def identity(self) -> ModelIdentity:
        return ModelIdentity(
            told("NAME", "tally"), told("REVISION", "1"), told("PROFILE", "counting"), told("DTYPE", "float32")
        )

    @property
    def asks_at_once(self) -> int:
        return int(told("TOGETHER", "2"))

    def terms(self, question: Question) -> Terms:
        prompt = f"{told('PROMPT', 'Count')}: {question.query}"
        return Terms(prompt, told("SAMPLING", "all of it"), told("GENERATION", "greedy"))

    def watch(
        self, media: MediaInfo, windows: Iterable[Span], seen: Callable[[Fraction], None] | None = None
    ) -> Iterator[Watched]:
        for window in windows:
            note(watched=str(window))
            yield Window(media, window)


class Forgetful:
    """The same without saying what its answers depend on."""

    def __init__(self) -> None:
        tally = Tally()
        self.identity = tally.identity
        self.longest_window = tally.longest_window
        self.sampling_step = tally.sampling_step
        self.watch = tally.watch


def open_model(settings: Settings) -> VideoModel:
    return Tally() if settings.value("model", str) == "tally" else Forgetful()


@hookimpl
def register_backends() -> list[Backend]:
    return [Backend("tally", opens=lambda model: model in ("tally", "forgetful"), open=open_model)]
