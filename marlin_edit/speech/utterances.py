"""From when somebody speaks and the words that a speech model heard to utterances.

Speech models write words where nobody speaks: in silence, music and noise. A word counts only where voice activity
says that somebody speaks, and its times are moved into that span.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from fractions import Fraction

from marlin_edit.analysis import SpokenWord, Utterance
from marlin_edit.interfaces import Detection
from marlin_edit.text import clean
from marlin_edit.timebase import Span

REACH = Fraction(3, 10)
"""Seconds by which a speech model's times may be off."""

LONG_PAUSE = Fraction(7, 10)
"""Seconds of a pause that ends an utterance."""

LONGEST = Fraction(15)
"""Seconds after which the next pause of any length ends an utterance that has no marks."""

_SHORTEST = Fraction(1, 50)
_SENTENCE_END = re.compile(r"[.!?…。！？｡۔।॥][\"'”’»)\]）」』】]*$")
_ABBREVIATION = re.compile(r"(?:^|[\s(])(?:[A-Z]|Mr|Mrs|Ms|Dr|Prof|St|No|vs|etc|approx|e\.g|i\.e)\.$")


def utterances_of(
    voice: Sequence[Span], words: Sequence[Detection]
) -> tuple[tuple[Utterance, ...], tuple[SpokenWord, ...]]:
    """The utterances, which cover all of `voice`, and the words that lie where nobody speaks.

    Args:
        voice: When somebody speaks: spans in order of time that do not touch.
        words: The words that were heard, in order of time.
    """
    placed: list[tuple[Detection, SpokenWord, int]] = []
    elsewhere: list[SpokenWord] = []
    for one in words:
        text = clean(one.text)
        if not text:
            continue
        said = SpokenWord(one.span, (" " if one.text[:1].isspace() else "") + text, one.confidence)
        place = _voice_of(one.span, voice)
        if place is None:
            elsewhere.append(said)
            continue
        last = placed[-1][1].span.end if placed else Fraction(0)
        placed.append((one, SpokenWord(_moved_into(one.span, voice[place], last), said.text, said.confidence), place))
    groups: list[list[tuple[Detection, SpokenWord, int]]] = []
    for entry in placed:
        if groups and not _is_new(groups[-1], entry):
            groups[-1].append(entry)
        else:
            groups.append([entry])
    spans = _spans_of(voice, groups)
    utterances = [_utterance(group, span) for group, span in zip(groups, spans, strict=True)]
    silent = set(range(len(voice))) - {place for _, _, place in placed}
    utterances += [Utterance(voice[place]) for place in silent if not any(_holds(span, voice[place]) for span in spans)]
    return tuple(sorted(utterances, key=lambda one: (one.span.start, one.span.end))), tuple(elsewhere)


def _holds(span: Span, inner: Span) -> bool:
    return span.start <= inner.start and inner.end <= span.end


def _voice_of(word: Span, voice: Sequence[Span]) -> int | None:
    """The place of the span of voice that a word belongs to: the one it has most in common with, else the nearest."""
    best: tuple[Fraction, int] | None = None
    for place, one in enumerate(voice):
        if one.end + REACH < word.start:
            continue
        if one.start - REACH > word.end:
            break
        common = min(one.end, word.end) - max(one.start, word.start)  # below zero: how far it is away
        if best is None or common > best[0]:
            best = common, place
    return None if best is None else best[1]


def _moved_into(word: Span, voice: Span, last: Fraction) -> Span:
    """The word's span inside the voice's, not before the end of the last word where that leaves it any time."""
    start = min(max(word.start, voice.start, min(last, voice.end)), max(voice.start, voice.end - _SHORTEST))
    return Span(start, max(min(word.end, voice.end), min(voice.end, start + _SHORTEST)))


def _is_new(group: Sequence[tuple[Detection, SpokenWord, int]], entry: tuple[Detection, SpokenWord, int]) -> bool:
    """Whether a word begins another utterance."""
    before, said, place = group[-1]
    heard, word, here = entry
    pause = word.span.start - said.span.end
    if heard.speaker != before.speaker or heard.language != before.language or pause >= LONG_PAUSE:
        return True
    if here != place and word.span.start - group[0][1].span.start > LONGEST:
        return True
    return bool(_SENTENCE_END.search(said.text)) and not _ABBREVIATION.search(said.text.strip())


def _spans_of(voice: Sequence[Span], groups: Sequence[Sequence[tuple[Detection, SpokenWord, int]]]) -> list[Span]:
    """The span of each group: where its voice begins and ends, and inside one span of voice where the next begins."""
    spans = []
    for number, group in enumerate(groups):
        first, last = group[0][2], group[-1][2]
        start, end = voice[first].start, voice[last].end
        if number and groups[number - 1][-1][2] == first:
            start = max(start, group[0][1].span.start)
        if number + 1 < len(groups) and groups[number + 1][0][2] == last:
            end = max(group[-1][1].span.end, min(end, groups[number + 1][0][1].span.start))
        spans.append(Span(start, max(end, start + _SHORTEST)))
    return spans


def _utterance(group: Sequence[tuple[Detection, SpokenWord, int]], span: Span) -> Utterance:
    words = tuple(word for _, word, _ in group)
    words = (SpokenWord(words[0].span, words[0].text.lstrip(), words[0].confidence), *words[1:])
    known = [word.confidence for word in words if word.confidence is not None]
    heard = group[0][0]
    return Utterance(
        span,
        "".join(word.text for word in words),
        words,
        sum(known) / len(known) if known else None,
        clean(heard.speaker),
        heard.language,
    )
