"""What the demo model is asked and taught to answer: Marlin's two prompts, word for word, and answers in its formats.

An answer is read off the sampled frames alone: it lies half a sampling step before the first frame that shows the
event and half a step after the last one, cut to a tenth of a second.
"""

from __future__ import annotations

import math
import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from fractions import Fraction

from marlin_edit_demo.world import Clip, Shape

CAPTION_QUESTION = (
    "Provide a spatial description of this clip followed by time-ranged events.\n"
    "For each event, give the time range as <start - end> and a short description."
)
FIND_BEFORE = 'Identify the timestamps during which "'
FIND_AFTER = '" takes place. Output the time range as "From <start> to <end>." (numbers in seconds).'

STEP = Fraction(1, 2)


def find_question(event: str) -> str:
    """The trained prompt of a query."""
    return f"{FIND_BEFORE}{event}{FIND_AFTER}"


def sample_instants(length: Fraction) -> list[Fraction]:
    """When the model looks, in seconds from the window's start: every half second, but at least four times."""
    count = math.ceil(length / STEP)
    if count >= 4:
        return [index * STEP for index in range(count)]
    return [index * length / 4 for index in range(4)]


@dataclass(frozen=True, order=True)
class Seen:
    """A part of sampled frames that show a shape, from `first` to `last`, both shown."""

    first: int
    kind: int
    last: int


def runs(kind: int, shown: Sequence[bool]) -> list[Seen]:
    """Every unbroken part in which this kind is shown."""
    found: list[Seen] = []
    first = 0
    for index, present in enumerate(shown):
        if present and (index == 0 or not shown[index - 1]):
            first = index
        if present and (index + 1 == len(shown) or not shown[index + 1]):
            found.append(Seen(first, kind, index))
    return found


def answer_times(seen: Seen, instants: Sequence[Fraction]) -> tuple[str, str]:
    """The start and end to answer, as written."""
    step = instants[1] - instants[0]
    start = instants[seen.first] - step / 2 if seen.first else Fraction(0)
    end = instants[seen.last] + (step if seen.last + 1 == len(instants) else step / 2)
    return _tenths(start), _tenths(end)


def _tenths(seconds: Fraction) -> str:
    tenths = math.floor(seconds * 10)
    return f"{tenths // 10}.{tenths % 10}"


def find_answer(start: str, end: str) -> str:
    """The trained answer to a query."""
    return f"From {start} to {end}."


def caption_answer(scene: str, events: Iterable[tuple[str, str, Shape]]) -> str:
    """A scene paragraph, then the events in the order given."""
    lines = [f"<{start} - {end}> {shape.text}" for start, end, shape in events]
    return "\n".join([f"Scene: {scene}", "Events:", *lines])


@dataclass(frozen=True)
class ReadEvent:
    """One event line of an answer."""

    start: Fraction
    end: Fraction
    text: str


_FIND = re.compile(r"From (\d+(?:\.\d+)?) to (\d+(?:\.\d+)?)")
_LINE = re.compile(r"<(\d+(?:\.\d+)?) - (\d+(?:\.\d+)?)> (.+)")


def read_find(answer: str) -> tuple[Fraction, Fraction] | None:
    """The span of an answer, read strictly."""
    match = _FIND.search(answer)
    return (Fraction(match[1]), Fraction(match[2])) if match else None


def read_events(answer: str) -> list[ReadEvent]:
    """The events of an answer, read strictly."""
    return [ReadEvent(Fraction(match[1]), Fraction(match[2]), match[3].strip()) for match in _LINE.finditer(answer)]


def perfect_answers(clip: Clip, queries: Sequence[str]) -> tuple[str, list[str]]:
    """The caption, and the answer to each query that names a shape, of one who sees every sampled frame perfectly.

    This is the ceiling that looking twice a second sets.
    """
    rate = clip.settings.rate
    instants = sample_instants(Fraction(clip.settings.frame_count) / rate)
    times = [Fraction(math.floor(instant * rate)) / rate for instant in instants]
    shapes = sorted({event.shape for event in clip.events})
    seen: list[Seen] = []
    for kind, shape in enumerate(shapes):
        shown = [any(event.shape == shape for event in clip.seen_at(time)) for time in times]
        seen += runs(kind, shown)
    seen.sort()
    lines = [(*answer_times(one, instants), shapes[one.kind]) for one in seen]
    found: list[str] = []
    for query in queries:
        spans = [(start, end) for start, end, shape in lines if shape.words in query]
        found.append(find_answer(*spans[0]) if spans else "")
    return caption_answer(clip.scene, lines), found
