"""Looks a query up in what is said: by the stems of its words, in their order."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from fractions import Fraction
from functools import cache
from typing import Protocol

from marlin_edit.analysis import Finding, Sense, SpokenWord, Utterance
from marlin_edit.media import MediaInfo
from marlin_edit.text import words_of
from marlin_edit.timebase import Span

BETWEEN = 2
"""How many other words may stand between two words of the query."""

APART = Fraction(2)
"""Seconds of the longest pause between two words of the query."""

ROOM = Fraction(1, 5)
"""Seconds of the pause before and after that a finding takes in, if nobody says anything else there."""

PAUSE = Fraction(1, 20)
"""Seconds between two words from which on they can be cut apart. The times of words said in one go are not exact."""

FURTHEST = Fraction(5)
"""Seconds that are looked for such a pause, before and after; without one, a finding begins and ends with its words."""

_ARTICLES = frozenset(
    word
    for line in (
        "a an the",
        "der die das ein eine",
        "le la les un une",
        "el los las una",
        "il lo gli i",
        "o os as um uma",
    )
    for word in line.split()
)
_LANGUAGES = {
    "ar": "arabic", "ca": "catalan", "da": "danish", "de": "german", "el": "greek", "en": "english", "es": "spanish",
    "eu": "basque", "fi": "finnish", "fr": "french", "ga": "irish", "hi": "hindi", "hu": "hungarian", "hy": "armenian",
    "id": "indonesian", "it": "italian", "lt": "lithuanian", "ne": "nepali", "nl": "dutch", "no": "norwegian",
    "pt": "portuguese", "ro": "romanian", "ru": "russian", "sr": "serbian", "sv": "swedish", "ta": "tamil",
    "tr": "turkish", "yi": "yiddish",
}  # fmt: skip


_SENTENCE_END = re.compile(r"[.!?…][\"'”’»)\]]*$")


class _Stemmer(Protocol):
    def stemWord(self, word: str) -> str: ...


@dataclass(frozen=True)
class _Token:
    """A word as it is compared, and the place of the spoken word that it is a part of."""

    stem: str
    place: int


def said_findings(speech: Sequence[Utterance], query: str, media: MediaInfo) -> tuple[Finding, ...]:
    """Where the words of a query are said, in order of time. Their spans begin and end in pauses, on frames.

    `Finding.quote` has all that is said between the two pauses. Of `Finding.signals`, `confidence` is that of the least
    sure of the words that were looked for, and `words` the share of the words between the first and the last that are
    the query's.
    """
    words: list[SpokenWord] = []
    tokens: list[_Token] = []
    for one in speech:
        for word in one.words:
            tokens += [_Token(stem, len(words)) for stem in _stems(word.text, one.language)]
            words.append(word)
    findings = []
    for language in dict.fromkeys(one.language for one in speech if one.words):
        wanted = [stem for stem in _stems(query, language) if stem not in _ARTICLES] or _stems(query, language)
        for first, last, count in _matches(tokens, wanted, words):
            sure = [word.confidence for word in words[first : last + 1] if word.confidence is not None]
            signals = {"words": count / (last - first + 1)} | ({"confidence": min(sure)} if sure else {})
            first, last = _to_pauses(words, first, last)
            quote = joined(words[first : last + 1])
            span = _with_room(words, first, last, media)
            findings.append(Finding(span, query, signals=signals, sense=Sense.SAID, quote=quote))
    unique = {one.span: one for one in findings}
    return tuple(sorted(unique.values(), key=lambda one: (one.span.start, one.span.end)))


def _matches(
    tokens: Sequence[_Token], wanted: Sequence[str], words: Sequence[SpokenWord]
) -> Iterator[tuple[int, int, int]]:
    """The places of the first and the last word of each match, and how many words of the query it has."""
    if not wanted:
        return
    place = 0
    while place < len(tokens):
        found = [place] if tokens[place].stem == wanted[0] else []
        for stem in wanted[1:] if found else ():
            after = range(found[-1] + 1, min(len(tokens), found[-1] + 2 + BETWEEN))
            here = next(
                (at for at in after if tokens[at].stem == stem and _is_near(tokens, found[-1], at, words)), None
            )
            if here is None:
                found = []
                break
            found.append(here)
        if found:
            yield tokens[found[0]].place, tokens[found[-1]].place, len({tokens[at].place for at in found})
            place = found[-1]
        place += 1


def _is_near(tokens: Sequence[_Token], first: int, second: int, words: Sequence[SpokenWord]) -> bool:
    return words[tokens[second].place].span.start - words[tokens[first].place].span.end <= APART


def joined(words: Sequence[SpokenWord]) -> str:
    """The text of words."""
    text = ""
    for word in words:
        # The first word of a sentence has no blank before it, whatever its language.
        blank = text and not word.text[:1].isspace() and _SENTENCE_END.search(text)
        text += f" {word.text}" if blank else word.text
    return text.strip()


def _to_pauses(words: Sequence[SpokenWord], first: int, last: int) -> tuple[int, int]:
    """The places of the nearest words before and after that a pause divides from the others."""
    start, end = first, last
    while start and words[start].span.start - words[start - 1].span.end < PAUSE:
        start -= 1
    while end + 1 < len(words) and words[end + 1].span.start - words[end].span.end < PAUSE:
        end += 1
    start = start if words[first].span.start - words[start].span.start <= FURTHEST else first
    return start, end if words[end].span.end - words[last].span.end <= FURTHEST else last


def _with_room(words: Sequence[SpokenWord], first: int, last: int, media: MediaInfo) -> Span:
    """From the first word to the last, with some of the pauses beside them, outwards to frames where there are any."""
    start, end = words[first].span.start, words[last].span.end
    before = words[first - 1].span.end if first else Fraction(0)
    after = words[last + 1].span.start if last + 1 < len(words) else media.duration
    start = min(start, max(before, start - ROOM))
    end = max(end, min(after, end + ROOM, media.duration))
    if media.rate is not None and media.frame_count:
        frame = media.first_frame_at(start)
        if media.time_of(frame) > start:
            start = media.time_of(max(0, frame - 1))
        end = min(media.duration, media.time_of(min(media.frame_count, media.first_frame_at(end))))
    return Span(start, max(end, words[last].span.end))


def _stems(text: str, language: str) -> list[str]:
    """The stems of a text's words in order; of what is written without blanks, its letters."""
    stemmer = _stemmer(language.lower().replace("_", "-").split("-")[0])
    return [stemmer.stemWord(word) if stemmer is not None else word for word in _parts(words_of(text))]


def _parts(words: Iterable[str]) -> Iterator[str]:
    for word in words:
        if any(map(_is_without_blanks, word)):
            yield from word
        else:
            yield word.replace("’", "'").removesuffix("'s")


def _is_without_blanks(letter: str) -> bool:
    """Whether a letter is of a script that writes no blanks between words: Chinese, Japanese, Thai, Lao, Khmer."""
    return (
        unicodedata.east_asian_width(letter) in "WF" or "\u0e00" <= letter <= "\u0eff" or "\u1780" <= letter <= "\u17ff"
    )


@cache
def _stemmer(language: str) -> _Stemmer | None:
    import snowballstemmer

    name = _LANGUAGES.get(language)
    if name is None or name not in snowballstemmer.algorithms():
        return None
    made: _Stemmer = snowballstemmer.stemmer(name)
    return made
