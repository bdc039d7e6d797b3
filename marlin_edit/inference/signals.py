"""Evidence for and against a finding, besides the answer itself: numbers from which a calibration makes a score.

`find` always answers, so the model's other mode is used as well: what its caption describes, and in which words.
"""

from __future__ import annotations

import math
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import replace
from functools import lru_cache
from typing import Any

from marlin_edit.analysis import Event, WordEvidence
from marlin_edit.answer_format import read_judgement
from marlin_edit.evidence import UNCLEAR_UP_TO, doubt_of, doubt_to_sort
from marlin_edit.inference.measures import SAME_THING, iou
from marlin_edit.text import words_of
from marlin_edit.timebase import Span
from marlin_edit.video_model import Answer

SIGNALS: Mapping[str, str] = {
    "told": "how well the caption describes it there: overlap with an event (IoU) times the query's words in it",
    "words": "how many of the query's words are in an event that has at least half in common with the span",
    "known": "how little that event lacks of those words that the model is known to use in captions",
    "likelihood": "how likely the caption mode finds the query's words for the span, per token",
    "lift": "likelihood minus the same on a window that shows nothing",
    "weakest": "the least lift of any token",
    "certainty": "how likely the model considers its own answer, per token",
    "share": "how much of the window the span takes up",
    "support": "how little doubt there is about the query's most doubtful word: 0 none, -10 most (evidence.py)",
    "choice": "the same, whether captions tell the words or not",
    "word_lift": "the least lift of a word that says something",
    "said": "the share of the query's words that the captions of this video use anywhere",
}
"""Every signal and what it measures. Whoever changes how one is computed raises `VERSION`."""

SURE = "sure"
"""Kept with the signals, but no part of a score: how likely the model's own first word is where it has to describe."""

VERSION = 2

SUPPORTED = 0.3
"""`told` from which on a caption supports an answer of which no word is judged: half in common in time, and more than
half of the words."""

LIFTED = 1.0
"""`lift` from which on the picture supports such an answer: the words are e times as likely with it."""

MOST = 10.0
"""Nats, beyond which a word is not more doubtful: the model's own word is 22,000 times as likely."""

_EMPTY_WORDS = frozenset(
    word
    for line in (
        "a an the this that these those some any there here then",
        "in on at to from into onto over under by with of and or while as for up down out off",
        "is are was were be being been am has have had do does did",
        "it its he she they his their her him them",
        "across along through around near visible seen shown appears appear appearing present",
        "picture screen image video film clip footage frame view shot scene camera",
    )
    for word in line.split()
)


class Vocabulary:
    """The weight of a word, by how many events have it: a word that all have weighs next to nothing (as in tf-idf).

    A word that no event has weighs as much as the others on average. Without events, all words weigh the same.
    known: stems of further words that the model uses in its captions (see `Calibration`).
    """

    def __init__(self, texts: Iterable[str] = (), known: Collection[str] = frozenset()) -> None:
        having: dict[str, int] = {}
        count = 0
        for text in texts:
            count += 1
            for word in content_words(text):
                having[word] = having.get(word, 0) + 1
        self._weights = {word: math.log((count + 1) / (events + 0.5)) for word, events in having.items()}
        self._usual = sum(self._weights.values()) / len(having) if having else 1.0
        self._known = known

    def share(self, query: str, text: str) -> float:
        """The share of the query's weight whose word stems are in the text, 0 to 1."""
        wanted, there = content_words(query), content_words(text)
        whole = sum(map(self._weight, wanted))
        return sum(self._weight(word) for word in wanted if word in there) / whole if whole else 0.0

    def lack(self, query: str, text: str) -> float:
        """The weight of the query's words that are not in the text though the model uses them elsewhere; 0 is none.

        A word that the model never uses may just not be its way to say it. One that it uses elsewhere and not here is
        evidence against the text.
        """
        there = content_words(text)
        return sum(
            self._weight(word)
            for word in content_words(query)
            if word not in there and (word in self._weights or word in self._known)
        )

    def _weight(self, word: str) -> float:
        return self._weights.get(word, self._usual)


@lru_cache(maxsize=4096)
def stems(text: str) -> frozenset[str]:
    """The stems of a text's words that say something; none if none does."""
    return frozenset(_stemmer().stemWords([word for word in words_of(text) if word not in _EMPTY_WORDS]))


@lru_cache(maxsize=4096)
def content_words(text: str) -> frozenset[str]:
    """The stems of a text's words, without words that mean nothing by themselves."""
    return stems(text) or frozenset(_stemmer().stemWords(words_of(text)))


def of_events(span: Span, query: str, events: Sequence[Event], vocabulary: Vocabulary) -> dict[str, float]:
    """The signals that captions give for a span."""
    described = words = known = 0.0
    for event in events:
        alike = iou(span, event.span)
        if alike > 0:
            share = vocabulary.share(query, event.text)
            described = max(described, alike * share)
            if alike >= SAME_THING:
                words = max(words, share)
                known = max(known, math.exp(-vocabulary.lack(query, event.text)) if share else 0.0)
    return {"told": described, "words": words, "known": known}


def of_answer(answer: Answer, span: Span, window: Span) -> dict[str, float]:
    """The signals that an answer itself gives."""
    signals = {"share": float(span.length / window.length)}
    if answer.token_logprobs:
        signals["certainty"] = _mean(answer.token_logprobs)
    return signals


def of_sureness(shown: Answer) -> dict[str, float]:
    """How sure the model is of what it would say first of a span; not known where the query's word is far from that."""
    first = next((word for word in read_judgement(shown) if stems(word.text)), None)
    if first is None or first.likeliest_logprob - first.logprob > MOST:
        return {}
    return {SURE: first.likeliest_logprob}


def of_judgement(shown: Answer, blank: Answer) -> dict[str, float]:
    """The signals of a query's words for a span, with the picture and with a blank one."""
    if not shown.token_logprobs:
        return {}
    lifts = [one - other for one, other in zip(shown.token_logprobs, blank.token_logprobs, strict=True)]
    return {"likelihood": _mean(shown.token_logprobs), "lift": _mean(lifts), "weakest": min(lifts)}


def of_words(shown: Answer, blank: Answer) -> tuple[WordEvidence, ...]:
    """The evidence that a judgement gives for each word of a query that says something."""
    words = []
    without = read_judgement(blank)
    judged = read_judgement(shown)
    for place, word in enumerate(judged):
        alike = stems(word.text) & stems(word.likeliest)
        regret = 0.0 if alike else max(0.0, word.likeliest_logprob - word.logprob)
        lift = word.logprob - without[place].logprob if len(without) == len(judged) else None
        words.append(WordEvidence(word.text.lower(), False, regret, lift, word.likeliest))
    return tuple(word for word in words if stems(word.text)) or tuple(words)


def told_there(
    words: Sequence[WordEvidence], query: str, span: Span, events: Sequence[Event]
) -> tuple[WordEvidence, ...]:
    """The words with what captions tell: in the one event at that time that has most of them.

    words: the judged ones; where a model does not judge, those of the query.
    """
    words = words or [WordEvidence(word) for word in words_of(query) if stems(word)]
    words = words or [WordEvidence(word) for word in words_of(query)]
    best = tuple(replace(word, told=False) for word in words)
    for event in events:
        if iou(span, event.span) >= SAME_THING:
            there = stems(event.text)
            told = tuple(replace(word, told=bool(stems(word.text)) and stems(word.text) <= there) for word in words)
            best = max((best, told), key=lambda one: sum(word.told for word in one))
    return best


def of_evidence(words: Sequence[WordEvidence], said: Collection[str]) -> dict[str, float]:
    """The signals that the evidence for words gives. said: the stems of all that the captions of the media say."""
    signals: dict[str, float] = {}
    doubt = doubt_of(words)
    if doubt is not None:
        signals["support"] = -min(doubt, MOST)
    if regrets := [word.regret for word in words if word.regret is not None]:
        signals["choice"] = -min(max(regrets), MOST)
    if lifts := [word.lift for word in words if word.lift is not None]:
        signals["word_lift"] = max(min(*lifts, MOST), -MOST)
    wanted = frozenset(stem for word in words for stem in stems(word.text))
    if wanted:
        signals["said"] = sum(stem in said for stem in wanted) / len(wanted)
    return signals


def merged_words(several: Sequence[Sequence[WordEvidence]]) -> tuple[WordEvidence, ...]:
    """The words of several answers about one thing: the evidence of the one that leaves least doubt."""
    judged = [tuple(words) for words in several if words]
    return min(judged, key=doubt_to_sort) if judged else ()


def is_supported(signals: Mapping[str, float]) -> bool:
    """Whether an answer has evidence enough to ask about the rest of its window as well: less than to be accepted."""
    if "support" in signals:
        return signals["support"] >= -UNCLEAR_UP_TO
    return signals.get("told", 0.0) >= SUPPORTED or signals.get("lift", 0.0) >= LIFTED


def merged(signals: Sequence[Mapping[str, float]]) -> dict[str, float]:
    """The signals of several answers about one thing: the greatest of each."""
    names = dict.fromkeys(name for one in signals for name in one)
    return {name: max(one[name] for one in signals if name in one) for name in names}


def _mean(values: Sequence[float]) -> float:
    return sum(values) / len(values)


@lru_cache(maxsize=1)
def _stemmer() -> Any:
    import snowballstemmer

    return snowballstemmer.stemmer("english")
