"""From events to cues: readable one after another, in one lane, each event a cue of its own.

Times are whole milliseconds from zero, the finest that subtitle files hold. Whatever differs from the events is told
in notes: nothing vanishes.
"""

from __future__ import annotations

import math
import unicodedata
from collections.abc import Iterable
from dataclasses import dataclass
from fractions import Fraction

from marlin_edit.analysis import Analysis, Verdict
from marlin_edit.edit import Edit
from marlin_edit.text import clean
from marlin_edit.timebase import Span

CELLS = 42
LINES = 2
SHORTEST = 834
"""Milliseconds that a cue stays: 5/6 s, what subtitle guidelines give a reader at least."""


@dataclass(frozen=True)
class Cue:
    """One timed text, in milliseconds from zero; `end` is not in it. The lines joined by blanks are the text."""

    start: int
    end: int
    lines: tuple[str, ...]

    @property
    def text(self) -> str:
        return " ".join(self.lines)


@dataclass(frozen=True)
class _Told:
    """A text to be shown, and when it would be if it were alone."""

    start: int
    end: int
    text: str


def cues_of(edit: Edit) -> tuple[tuple[Cue, ...], tuple[str, ...]]:
    """The cues of an edit's source, in order, and notes on what was changed. Without events, its findings are told."""
    notes: list[str] = []
    if not edit.sources:
        return (), ("there is no source, so there is nothing to tell",)
    source = edit.sources[0]
    if len(edit.sources) > 1:
        notes.append(f"only {source.media.path.name} is told: one subtitle file is for one source")
    told = _told(source, notes)
    length = math.floor(source.media.duration * 1000)
    if length:
        told = _inside(told, length, notes)
    cues = _scheduled(told, length, notes)
    tall = sum(len(cue.lines) > LINES or any(cells(line) > CELLS for line in cue.lines) for cue in cues)
    if tall:
        notes.append(f"{_count(tall, 'text')} longer than {LINES} lines of {CELLS} characters")
    return cues, tuple(notes)


def cells(text: str) -> int:
    """The width of a text in terminal cells: wide characters take two, combining ones none."""
    width = 0
    for character in text:
        if character.isascii():
            width += 1
        elif unicodedata.category(character) not in ("Mn", "Me", "Cf"):
            width += 2 if unicodedata.east_asian_width(character) in "WF" else 1
    return width


def wrapped(text: str) -> tuple[str, ...]:
    """The text on one line, on two of nearly the same width, or on as many as it needs. Words are never divided."""
    if cells(text) <= CELLS:
        return (text,)
    words = text.split(" ")
    best: tuple[int, int] | None = None
    for place in range(1, len(words)):
        first, second = cells(" ".join(words[:place])), cells(" ".join(words[place:]))
        if first > CELLS:
            break
        if second <= CELLS and (best is None or abs(first - second) < best[0]):
            best = (abs(first - second), place)
    if best is not None:
        return " ".join(words[: best[1]]), " ".join(words[best[1] :])
    lines: list[str] = []
    width = 0
    for word in words:
        word_width = cells(word)
        if lines and width + 1 + word_width <= CELLS:
            lines[-1] += " " + word
            width += 1 + word_width
        else:
            lines.append(word)
            width = word_width
    return tuple(lines)


def _told(source: Analysis, notes: list[str]) -> list[_Told]:
    spans: Iterable[tuple[Span, str]]
    if source.events:
        spans = [(event.span, event.text) for event in source.events]
        if source.findings:
            notes.append(f"{_count(len(source.findings), 'finding')} left out: the track tells the events")
    else:
        kept = [finding for finding in source.findings if finding.verdict is not Verdict.REJECTED]
        if len(kept) < len(source.findings):
            notes.append(f"{_count(len(source.findings) - len(kept), 'rejected finding')} left out")
        spans = [(finding.span, finding.query) for finding in kept]
    told = [_Told(_milliseconds(span.start), _milliseconds(span.end), clean(text)) for span, text in spans]
    silent = sum(not item.text for item in told)
    if silent:
        notes.append(f"{_count(silent, 'event')} without any text left out")
    return sorted((item for item in told if item.text), key=lambda item: (item.start, item.end))


def _milliseconds(seconds: Fraction) -> int:
    return math.floor(seconds * 1000 + Fraction(1, 2))


def _inside(told: list[_Told], length: int, notes: list[str]) -> list[_Told]:
    """Without what lies outside the media: that is not in the picture, whatever the model said."""
    inside = [item for item in told if item.start < length]
    for item in told:
        if item.start >= length:
            notes.append(f"left out, because it begins after the end of the media: {item.text}")
    clipped = sum(item.end > length for item in inside)
    if clipped:
        notes.append(f"{_count(clipped, 'cue')} ended with the media")
    return [_Told(item.start, min(item.end, length), item.text) for item in inside]


def _scheduled(told: list[_Told], length: int, notes: list[str]) -> tuple[Cue, ...]:
    """One lane: every cue gets the shortest time first, then what is free up to its own end and the next start."""
    if not told:
        return ()
    shortest = SHORTEST
    if length and length < SHORTEST * len(told):
        shortest = length // len(told)
        if shortest == 0:
            notes.extend(f"left out, because the media is too short for it: {item.text}" for item in told[length:])
            told, shortest = told[:length], 1
    starts: list[int] = []
    for item in told:
        starts.append(max(item.start, starts[-1] + shortest) if starts else item.start)
    if length:
        latest = length - shortest
        for index in range(len(starts) - 1, -1, -1):
            if starts[index] <= latest:
                break
            starts[index] = latest
            latest -= shortest
    cues = []
    for index, (item, start) in enumerate(zip(told, starts, strict=True)):
        limit = starts[index + 1] if index + 1 < len(starts) else max(length, start + shortest, item.end)
        if length:
            limit = min(limit, length)
        cues.append(Cue(start, min(max(item.end, start + shortest), limit), wrapped(item.text)))
    _tell_changes(told, cues, notes)
    return tuple(cues)


def _tell_changes(told: list[_Told], cues: list[Cue], notes: list[str]) -> None:
    moved = [abs(cue.start - item.start) for cue, item in zip(cues, told, strict=True) if cue.start != item.start]
    shorter = sum(cue.end < item.end for cue, item in zip(cues, told, strict=True))
    longer = sum(cue.end > max(item.end, item.start + 1) for cue, item in zip(cues, told, strict=True))
    if moved:
        notes.append(
            f"{_count(len(moved), 'cue')} moved by up to {max(moved) / 1000:.3f} s, to be shown one after another"
        )
    if shorter:
        notes.append(f"{_count(shorter, 'cue')} ended early, where the next one begins")
    if longer:
        notes.append(f"{_count(longer, 'cue')} shown longer than its event, to be readable")


def _count(number: int, word: str) -> str:
    return f"{number} {word}{'' if number == 1 else 's'}"
