"""What is true of videos: when each query takes place, or that it does not, and which events there are."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

from marlin_edit.timebase import Span


@dataclass(frozen=True)
class TrueQuery:
    """A query and all spans in which it takes place, in order of time; none where the thing is not there.

    kind: what sort of query it is (`one word wrong`, `unknown noun`, ...), if the file says so; measured by itself.
    """

    query: str
    spans: tuple[Span, ...]
    kind: str = ""

    @property
    def present(self) -> bool:
        """Whether it happens in the video at all."""
        return bool(self.spans)


@dataclass(frozen=True)
class TrueEvent:
    """Something that happens, in somebody's words."""

    span: Span
    text: str


@dataclass(frozen=True)
class TrueVideo:
    """What is true of a video, or of a part of it. Times count from the file's zero, also those of a part.

    path: where the media is, or would be; whether it is there was not looked at. queries: each query once. events:
    None where captions are not judged. part: the part that this speaks about, and that alone is looked at; None is
    the whole file.
    """

    path: Path
    queries: tuple[TrueQuery, ...]
    events: tuple[TrueEvent, ...] | None = None
    part: Span | None = None


@dataclass(frozen=True)
class Truth:
    """What is true of some videos. notes: what of the file was left out, and why."""

    videos: tuple[TrueVideo, ...]
    notes: tuple[str, ...] = ()


def query_words(text: str) -> str:
    """A query as it is asked: its words with one blank between them."""
    return " ".join(text.split())


def distinct(spans: Iterable[Span]) -> tuple[Span, ...]:
    """Each span once, in order of time."""
    return tuple(sorted(set(spans), key=lambda span: (span.start, span.end)))


def in_order(events: Iterable[TrueEvent]) -> tuple[TrueEvent, ...]:
    """Events in order of time."""
    return tuple(sorted(events, key=lambda event: (event.span.start, event.span.end)))
