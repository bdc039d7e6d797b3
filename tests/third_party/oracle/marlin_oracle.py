"""A model of somebody else's that knows what takes place, from a file, and tells of each window what is in it.

`--model what.oracle` opens a JSON file: {"events": [[start, end, text], ...]}, and if wanted "scenes" (likewise),
"longest_window" (seconds), "dark" (spans without a picture), "asked" (a file in which each window that was asked is
noted), "interrupt" (the number of windows after which somebody presses Ctrl-C) and "instead" (what is told where a
query does not take place: a span of the window's own seconds, cut to the window).
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable, Iterator, Sequence
from fractions import Fraction
from pathlib import Path
from typing import Any

from marlin_edit import Backend, hookimpl
from marlin_edit.analysis import ModelIdentity
from marlin_edit.errors import NoPicture
from marlin_edit.media import MediaInfo
from marlin_edit.settings import Settings
from marlin_edit.timebase import Span
from marlin_edit.video_model import Answer, Question, QuestionKind, VideoModel, Watched


class Window:
    def __init__(self, oracle: Oracle, media: MediaInfo, span: Span) -> None:
        self.span = span
        self._oracle = oracle
        self._media = media

    def ask(self, questions: Sequence[Question]) -> list[Answer]:
        self._oracle.note(self._media, self.span)
        return [Answer(self._answer(question)) for question in questions]

    def part(self, span: Span) -> Watched:
        return Window(self._oracle, self._media, span)

    def _answer(self, question: Question) -> str:
        told = [(part, text) for part, text in self._oracle.within("events", self.span)]
        if question.kind is QuestionKind.FIND:
            times = [
                f"From {float(part.start):.1f} to {float(part.end):.1f}."
                for part, text in told
                if _bare(text) == _bare(question.query)
            ]
            return times[0] if times else self._instead()
        lines = [f"<{float(part.start):.1f} - {float(part.end):.1f}> {text}" for part, text in told]
        scene = " ".join(text for _, text in self._oracle.within("scenes", self.span))
        return "\n".join([f"Scene: {scene}", "Events:", *lines])

    def _instead(self) -> str:
        if "instead" not in self._oracle.known:
            return "Not there."
        start, end = (min(float(time), float(self.span.length)) for time in self._oracle.known["instead"])
        return f"From {start:.1f} to {end:.1f}."


def _bare(text: str) -> str:
    return text.casefold().removeprefix("a ")


class Oracle:
    """What its file says is true, of every video."""

    identity = ModelIdentity("oracle", "1")
    sampling_step = Fraction(1, 2)

    def __init__(self, known: dict[str, Any]) -> None:
        self.known = known
        self.longest_window = Fraction(known.get("longest_window", 120))
        self._asked = 0

    def within(self, kind: str, window: Span) -> Iterator[tuple[Span, str]]:
        """What takes place in a window, in its own seconds."""
        for start, end, text in self.known.get(kind, ()):
            part = Span(Fraction(str(start)), Fraction(str(end))).within(window)
            if part is not None:
                yield Span(part.start - window.start, part.end - window.start), text

    def note(self, media: MediaInfo, span: Span) -> None:
        if "asked" in self.known:
            with Path(self.known["asked"]).open("a", encoding="utf-8") as asked:
                asked.write(f"{media.path.name} {float(span.start):g} {float(span.end):g}\n")
        self._asked += 1
        if self._asked == self.known.get("interrupt"):
            raise KeyboardInterrupt

    def watch(
        self, media: MediaInfo, windows: Iterable[Span], seen: Callable[[Fraction], None] | None = None
    ) -> Iterator[Watched]:
        for window in windows:
            for start, end in self.known.get("dark", ()):
                if window.within(Span(Fraction(start), Fraction(end))) == window:
                    raise NoPicture(f"No picture of {media.path.name} in {window}.")
            yield Window(self, media, window)


def open_model(settings: Settings) -> VideoModel:
    return Oracle(json.loads(Path(settings.value("model", str)).read_text(encoding="utf-8")))


@hookimpl
def register_backends() -> list[Backend]:
    return [Backend("oracle", opens=lambda model: model.endswith(".oracle"), open=open_model)]
