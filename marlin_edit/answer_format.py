"""The text format of answers: tolerant readers, and writers for models that do not write it by themselves.

A caption is a scene and one line per event; a find answer is one sentence:

    Scene: A kitchen in daylight.
    Events:
    <14.3 - 18.2> A person pushes a door open.

    From 14.3 to 18.2.

A judgement has a line for each word of the query, in its order: the word and its log probability, and what the model
itself finds likeliest in that place, with its own. Words that are one token share a line:

    red -9.2041 green -0.0003
    circle -0.0310 circle -0.0310
    moves across the picture -0.0002 moves across the picture -0.0002

Times are seconds from the window's start. Reading never raises, whatever the answer. What cannot be read as an event or
a finding becomes a sentence with its reason. The events and findings that are read count from the source's zero.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, replace
from fractions import Fraction

from marlin_edit.analysis import Event, Finding, Origin
from marlin_edit.text import clean, counted, shortened
from marlin_edit.timebase import Span, short_seconds
from marlin_edit.video_model import Answer

WIDENED, CLAMPED, REPEATED, PARTIAL = "widened", "clamped", "repeated", "partial"
"""Flags: a point made one sampling step long, an end past the window, a line said again, an answer cut off."""
_MOST_DISCARDED = 50
_JUDGED = re.compile(r"(\S.*) (-?\d{1,9}\.\d{4}) (\S.*) (-?\d{1,9}\.\d{4})")


@dataclass(frozen=True)
class ReadCaption:
    """A caption as it was read.

    Attributes:
        scene: The scene paragraph, or nothing.
        events: The events, with times from the source's zero.
        discarded: A sentence for each part of the answer that is not in the events.
    """

    scene: str
    events: tuple[Event, ...]
    discarded: tuple[str, ...] = ()


def write_caption(scene: str, events: Iterable[tuple[Span, str]]) -> str:
    """The text of a caption answer.

    Args:
        scene: What the window looks like as a whole; may be empty.
        events: Each event's span, in seconds from the window's start (written to the millisecond), and its text.
    """
    lines = [f"Scene: {clean(scene)}"] if scene else []
    return "\n".join((*lines, "Events:", *(event_line(span, clean(text)) for span, text in events)))


def write_find(span: Span) -> str:
    """The text of a find answer: `From 14.3 to 18.2.`, in seconds from the window's start, to the millisecond."""
    return f"From {_decimal(span.start)} to {_decimal(span.end)}."


@dataclass(frozen=True)
class JudgedWord:
    """How likely a model finds a word of a query where it would describe a span.

    Attributes:
        text: The word, or several that the model writes as one token.
        logprob: Its log probability (natural logarithm), of all its tokens together.
        likeliest: What the model itself finds likeliest in that place.
        likeliest_logprob: The log probability of that, of as many tokens.
    """

    text: str
    logprob: float
    likeliest: str
    likeliest_logprob: float


def write_judgement(words: Iterable[JudgedWord]) -> str:
    """The text of a judgement."""
    return "\n".join(
        f"{clean(word.text)} {word.logprob:.4f} {clean(word.likeliest) or '-'} {word.likeliest_logprob:.4f}"
        for word in words
    )


def read_judgement(answer: Answer) -> tuple[JudgedWord, ...]:
    """The words of a judgement; none if it cannot be read, or the model does not give them."""
    words = []
    for line in answer.raw.splitlines():
        found = _JUDGED.fullmatch(line)
        if found is None:
            return ()
        words.append(JudgedWord(found[1], float(found[2]), found[3], float(found[4])))
    return tuple(words)


def event_line(span: Span, text: str = "", decimals: int = 3) -> str:
    """One event of a caption: `<14.3 - 18.2> A door opens.`, with at most so many decimals, but at least one."""
    return f"<{_decimal(span.start, decimals)} - {_decimal(span.end, decimals)}> {text}".rstrip()


def _decimal(seconds: Fraction, decimals: int = 3) -> str:
    whole, _, part = f"{float(seconds):.{decimals}f}".partition(".")
    return f"{whole}.{part.rstrip('0') or '0'}"


def read_caption(answer: Answer, window: Span, step: Fraction) -> ReadCaption:
    """Read a caption answer.

    Args:
        answer: The answer.
        window: The window that it is about, in seconds from the source's zero.
        step: Seconds that a point in time is widened to.
    """
    reader = _CaptionReader(answer, window, step)
    for line in _without_thoughts(answer.raw).splitlines():
        reader.take(_BLANKS.sub(" ", line).strip())
    return reader.result()


def read_find(answer: Answer, window: Span, step: Fraction, query: str) -> tuple[Finding | None, tuple[str, ...]]:
    """Read a find answer: its first span, or None, and a sentence for each part of the answer that is discarded.

    Args:
        answer: The answer.
        window: The window that it is about, in seconds from the source's zero.
        step: Seconds that a point in time is widened to.
        query: What was asked.
    """
    text = _BLANKS.sub(" ", _without_thoughts(answer.raw)).strip()
    problems = _Discarded(window)
    finding: Finding | None = None
    seen: set[tuple[str, str]] = set()
    for found in _RANGE_ANYWHERE.finditer(text):
        key = _times_of(found)
        if key in seen:
            if finding is not None and REPEATED not in finding.flags:
                finding = replace(finding, flags=(*finding.flags, REPEATED))
            continue
        seen.add(key)
        span, flags, reason = _span(found, window, step)
        if span is None:
            problems.add(found[0], reason)
        elif finding is None:
            finding = Finding(span, query, flags=flags, origin=Origin((window,), answer.raw))
        else:
            problems.add(found[0], "only the first span of an answer is taken")
    if not seen:
        problems.add(text, "it names no time range" if text else "the answer is empty")
    if finding is not None and answer.stopped_by == "length":
        finding = replace(finding, flags=(*finding.flags, PARTIAL))
    return finding, problems.sentences()


_BLANKS = re.compile(r"\s+")
_NUMBER = r"([0-9]++(?::[0-9]++){0,2}(?:\.[0-9]++)?)(?![.:]?[0-9])(?: ?(?:seconds?|secs?|s)\b\.?)?"
_RANGE = rf"{_NUMBER} ?>? ?(?:[-‐‑‒–—−~]|to\b|until\b) ?<? ?{_NUMBER}"
_RANGE_ANYWHERE = re.compile(rf"(?<![\w.:\-−]){_RANGE}", re.IGNORECASE)
_ANGLED = re.compile(rf"< ?{_RANGE} ?>", re.IGNORECASE)
_LINE_START = re.compile(
    rf"(?:[-*•·+] )?(?:[0-9]{{1,3}}[.)] )?[*_]{{0,2}}[<\[(]? ?(?:from )?{_RANGE} ?[>\])]?[*_]{{0,2}}", re.IGNORECASE
)
_AFTER_RANGE = " .:;,-–—*_"
_HEADER = re.compile(r"[*_#]{0,3} ?(scene|events?)[*_]{0,2} ?(?:$|:[*_]{0,2} ?)", re.IGNORECASE)
_EVENTS_INSIDE = re.compile(r"(?<= )[*_]{0,2}events:[*_]{0,2} ?(?=[<\[(0-9*-]|from |$)", re.IGNORECASE)
_END_TOKENS = re.compile(r"<\|(?:im_end|endoftext)\|>")
_LONGEST_WHOLE, _LONGEST_PART = 12, 60


def _without_thoughts(raw: str) -> str:
    """The answer without a leading `<think>`: bare, closed, or as a block with what is in it."""
    text = _END_TOKENS.sub(" ", raw)
    opened, closed = text.find("<think>"), text.find("</think>")
    if closed >= 0 and (opened < 0 or opened > closed or not text[:opened].strip()):
        after = text[closed + len("</think>") :]
        # A model that never left its thoughts still said something there.
        text = after if after.strip() else text[:closed]
    start = len(text) - len(text.lstrip())
    while text.startswith(("<think>", "</think>"), start):
        start = text.index(">", start) + 1
        while start < len(text) and text[start].isspace():
            start += 1
    return text[start:]


def _times_of(found: re.Match[str]) -> tuple[str, str]:
    return found[1], found[2]


def _seconds(text: str) -> Fraction | None:
    """Exact seconds of `14.3`, `1:02.5` or `1:01:02`; None where minutes or seconds pass 59. Absurd ones are capped."""
    whole, _, part = text.partition(".")
    fields = whole.split(":")
    if any(len(field.lstrip("0")) > _LONGEST_WHOLE for field in fields):
        return Fraction(10**_LONGEST_WHOLE)
    numbers = [int(field.lstrip("0") or "0") for field in fields]
    if any(number > 59 for number in numbers[1:]):
        return None
    total = Fraction(0)
    for number in numbers:
        total = total * 60 + number
    part = part[:_LONGEST_PART]
    return total + (Fraction(int(part), 10 ** len(part)) if part else 0)


def _span(found: re.Match[str], window: Span, step: Fraction) -> tuple[Span | None, tuple[str, ...], str]:
    """The span that an answer's range means, with flags; or None and the reason."""
    start, end = (_seconds(text) for text in _times_of(found))
    if start is None or end is None:
        return None, (), "that is not a time"
    if end < start:
        return None, (), "it ends before it starts"
    if start >= window.length:
        return None, (), f"it starts after the window's end ({short_seconds(window.length)} s)"
    flags: list[str] = []
    if end > window.length:
        end = window.length
        flags.append(CLAMPED)
    if start == end:
        end = min(start + step, window.length)
        start = max(Fraction(0), min(start, end - step))
        flags.append(WIDENED)
    return Span(window.start + start, window.start + end), tuple(flags), ""


class _Discarded:
    """Sentences about what was discarded, at most so many; the raw answer keeps the rest."""

    def __init__(self, window: Span) -> None:
        self._place = f"Of {short_seconds(window.start)} - {short_seconds(window.end)} s"
        self._sentences: list[str] = []
        self._more = 0

    def add(self, said: str, reason: str) -> None:
        if len(self._sentences) < _MOST_DISCARDED:
            # Cleaning is for the part that is shown only: an answer may be a megabyte in one line.
            words = shortened(clean(said[:400]), 120)
            quoted = f' the model wrote "{words}"' if words else " the model wrote nothing"
            self._sentences.append(f"{self._place}{quoted}: {reason}.")
        else:
            self._more += 1

    def sentences(self) -> tuple[str, ...]:
        more = [f"{self._place} {counted(self._more, 'more line')} could not be read."] if self._more else []
        return (*self._sentences, *more)


class _CaptionReader:
    """Takes a caption line by line: scene, then events, each header optional."""

    def __init__(self, answer: Answer, window: Span, step: Fraction) -> None:
        self._answer = answer
        self._window = window
        self._step = step
        self._origin = Origin((window,), answer.raw)
        self._scene: list[str] = []
        self._events: list[Event] = []
        self._place: dict[tuple[str, str, str], int] = {}
        self._said_again: dict[int, int] = {}
        self._in_events = False
        self._waiting: re.Match[str] | None = None
        self._discarded = _Discarded(window)

    def take(self, line: str) -> None:
        if not line:
            return
        header = _HEADER.match(line)
        if header is not None:
            self._in_events = header[1].lower() != "scene"
            line = line[header.end() :]
        inside = None if self._in_events else _EVENTS_INSIDE.search(line)
        if inside is not None:
            self._take_text(line[: inside.start()])
            self._in_events = True
            line = line[inside.end() :]
        for found, text in _pieces(line):
            if found is None:
                self._take_text(text)
            else:
                self._in_events = True
                self._give_up_waiting()
                self._take_event(found, text)

    def _take_text(self, text: str) -> None:
        text = text.strip()
        if not text or not any(map(str.isalnum, text)):
            return
        if self._waiting is not None:
            found, self._waiting = self._waiting, None
            self._take_event(found, text)
        elif self._in_events:
            cut = self._answer.stopped_by == "length"
            self._discarded.add(text, "it names no time range" + (", or was cut off" if cut else ""))
        elif not self._scene or self._scene[-1] != text:
            self._scene.append(text)

    def _take_event(self, found: re.Match[str], text: str) -> None:
        words = clean(text.strip(_AFTER_RANGE)) if text else ""
        if not any(map(str.isalnum, words)):
            self._waiting = found
            return
        key = (*_times_of(found), words.casefold())
        place = self._place.get(key)
        if place is not None:
            self._said_again[place] = self._said_again.get(place, 0) + 1
            return
        span, flags, reason = _span(found, self._window, self._step)
        if span is None:
            self._place[key] = -1
            self._discarded.add(f"{found[0]} {words}", reason)
            return
        self._place[key] = len(self._events)
        self._events.append(Event(span, words, flags, self._origin))

    def _give_up_waiting(self) -> None:
        if self._waiting is not None:
            self._discarded.add(self._waiting[0], "it has a time, but no text")
            self._waiting = None

    def result(self) -> ReadCaption:
        self._give_up_waiting()
        events = list(self._events)
        for place, times in self._said_again.items():
            if place >= 0:
                event = events[place]
                events[place] = replace(event, flags=(*event.flags, REPEATED))
                again = "once" if times == 1 else f"{times} times"
                self._discarded.add(event.text, f"it was repeated {again}; one is kept")
        if self._answer.stopped_by == "length":
            if events:
                events[-1] = replace(events[-1], flags=(*events[-1].flags, PARTIAL))
            else:
                self._discarded.add(" ".join(self._scene), "the answer was cut off before any event")
        scene = clean(" ".join(self._scene))
        if not scene and not events and not self._discarded.sentences():
            self._discarded.add("", "the answer is empty")
        return ReadCaption(scene, tuple(events), self._discarded.sentences())


def _pieces(line: str) -> Iterator[tuple[re.Match[str] | None, str]]:
    """A line as text without a range, and ranges with the text after each."""
    starts: list[re.Match[str]] = []
    first = _LINE_START.match(line)
    if first is not None:
        starts.append(first)
    starts += _ANGLED.finditer(line, first.end() if first is not None else 0)
    if not starts:
        yield None, line
        return
    if starts[0].start() > 0:
        yield None, line[: starts[0].start()]
    for found, following in zip(starts, [*starts[1:], None], strict=True):
        yield found, line[found.end() : following.start() if following is not None else len(line)]
