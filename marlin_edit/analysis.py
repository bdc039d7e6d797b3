"""The analysis of one source: scenes, events and findings, where each comes from, and what was looked at."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace
from enum import Enum
from fractions import Fraction
from pathlib import Path
from typing import Any

from marlin_edit.media import MediaInfo
from marlin_edit.timebase import Span


class Verdict(Enum):
    """A person's verdict on a finding."""

    ACCEPTED = "accepted"
    REJECTED = "rejected"


class Sense(Enum):
    """What a finding comes from: what the video model sees, or what is said."""

    SEEN = "seen"
    SAID = "said"


AGAIN, UNSUPPORTED = "again", "unsupported"
"""Flags of a finding: it is the result of a re-query about the rest of a window, and has no supporting evidence."""


@dataclass(frozen=True)
class ModelIdentity:
    """Which model answered.

    Attributes:
        name: Its name.
        revision: Changes whenever the weights, or the service behind the model, do.
        profile: How its video was prepared.
        dtype: The number format of its weights.
        notice: A sentence that is shown wherever the model is used, or nothing.
    """

    name: str
    revision: str = ""
    profile: str = ""
    dtype: str = ""
    notice: str = ""

    def __str__(self) -> str:
        return " ".join(part for part in (self.name, self.revision[:8], self.dtype) if part)


@dataclass(frozen=True)
class Origin:
    """Where something comes from: the windows that were watched, and the model's answers.

    Attributes:
        windows: The windows, in seconds from the source's zero.
        raw: The answer about the first window.
        more: The answers about the other windows, if several were merged.
    """

    windows: tuple[Span, ...] = ()
    raw: str = ""
    more: tuple[str, ...] = ()


@dataclass(frozen=True)
class Scene:
    """What a span looks like as a whole."""

    span: Span
    text: str
    origin: Origin = Origin()


@dataclass(frozen=True)
class Look:
    """How a part of a subtitle looks, and who says it.

    Attributes:
        italic, bold, underline: Its style.
        colour: `#rrggbb` in small letters, or nothing for the player's own.
        speaker: Who says it, or nothing if that is not known.
    """

    italic: bool = False
    bold: bool = False
    underline: bool = False
    colour: str = ""
    speaker: str = ""


@dataclass(frozen=True)
class TextRun:
    """A part of a text that has one look."""

    text: str
    look: Look = Look()


@dataclass(frozen=True)
class Event:
    """Something that the model saw, or a cue of a subtitle file.

    Attributes:
        span: When, in seconds from the source's zero.
        text: What, in the model's words.
        flags: What reading the answer had to do (`widened`, `partial`, ...).
        origin: The windows and answers that it comes from.
        marker_id: The id by which its marker is recognised after a person changed it in an editing program.
        note: What a person wrote beside it, on one line.
        runs: The text in parts of one look, if a subtitle file gave it one.
        place: Where on the picture a subtitle stands, as on a number pad (8 is the top); 0 is where players put it.
    """

    span: Span
    text: str
    flags: tuple[str, ...] = ()
    origin: Origin = Origin()
    marker_id: str = ""
    note: str = ""
    runs: tuple[TextRun, ...] = ()
    place: int = 0


class Grade(Enum):
    """How well a finding is supported by what the model sees there, word by word (see `docs/accuracy.md`)."""

    SUPPORTED = "supported"
    UNCLEAR = "unclear"
    UNSUPPORTED = "unsupported"


@dataclass(frozen=True)
class WordEvidence:
    """The evidence for a word of a query in a span.

    Attributes:
        text: The word, or several that the model writes as one.
        told: Whether a caption has it, in an event at that time that has as many of the query's words as any.
        regret: How much likelier the model finds another word there, in nats (natural logarithm of the ratio); 0 if
            none is. None if it was not judged.
        lift: How much likelier the word is with the picture than with a blank one, in nats.
        instead: The word that the model finds likeliest there.
    """

    text: str
    told: bool = False
    regret: float | None = None
    lift: float | None = None
    instead: str = ""


UNSURE = 0.5
"""The confidence below which a person has to check what the speech model wrote."""


@dataclass(frozen=True)
class SpokenWord:
    """A word that is said.

    Attributes:
        span: When, in seconds from the source's zero.
        text: The word, with the blank before it that its language writes and the marks after it.
        confidence: How sure the speech model is, 0 to 1; None if it does not say.
    """

    span: Span
    text: str
    confidence: float | None = None

    @property
    def is_unsure(self) -> bool:
        """Whether a person has to check it."""
        return self.confidence is not None and self.confidence < UNSURE


@dataclass(frozen=True)
class Utterance:
    """A sentence, or another stretch of speech of one speaker without a long pause.

    Attributes:
        span: When somebody speaks, in seconds from the source's zero.
        text: What is said; nothing if that is not known.
        words: Its words in order of time; their texts joined are `text`.
        confidence: The mean of the words' confidence; None if there is none.
        speaker: Who says it, as far as the speech model can tell.
        language: The language as a BCP 47 tag, or nothing.
    """

    span: Span
    text: str = ""
    words: tuple[SpokenWord, ...] = ()
    confidence: float | None = None
    speaker: str = ""
    language: str = ""

    @property
    def is_unsure(self) -> bool:
        """Whether a person has to check it."""
        return bool(self.text) and self.confidence is not None and self.confidence < UNSURE


@dataclass(frozen=True)
class Finding:
    """An answer to a query.

    Attributes:
        span: When, in seconds from the source's zero.
        query: What was asked.
        score: How far the finding can be trusted, 0 to 1; None if the model is not calibrated.
        signals: The evidence, by name (see `docs/accuracy.md`).
        flags: What reading and merging the answers had to do.
        verdict: A person's verdict, or None.
        origin: The windows and answers that it comes from.
        marker_id: As for an event.
        words: The evidence for each word of the query; nothing if none was collected.
        note: As for an event.
        sense: Whether it is seen or said.
        quote: What is said there, for a finding that is said.
    """

    span: Span
    query: str
    score: float | None = None
    signals: Mapping[str, float] = field(default_factory=dict)
    flags: tuple[str, ...] = ()
    verdict: Verdict | None = None
    origin: Origin = Origin()
    marker_id: str = ""
    words: tuple[WordEvidence, ...] = ()
    note: str = ""
    sense: Sense = Sense.SEEN
    quote: str = ""


@dataclass(frozen=True)
class Asked:
    """A query, or None for the caption, and the spans in which it was really looked for, in what is seen or said."""

    query: str | None
    looked_at: tuple[Span, ...]
    sense: Sense = Sense.SEEN


@dataclass(frozen=True)
class Analysis:
    """All that is known of one source.

    Attributes:
        media: The source.
        model: The model that answered, if one was asked.
        scenes: What spans look like as a whole.
        events: What the model saw, in order of time.
        findings: The answers to queries, accepted or not.
        asked: What was looked for, and where.
        shots: Times of shot changes in seconds, if a detector looked for them.
        speech: When somebody speaks, and what is said as far as it is known, in order of time; None if nobody listened.
        discarded: A sentence with its reason for each part of an answer that is neither an event nor a finding.
        unseen: Spans that were to be looked at and show no picture.
        threshold: The score from which on a finding is accepted; None if the model is not calibrated. Whether a finding
            is accepted is decided by `edit.is_accepted`.
        accepts_unclear: Whether, without a calibration, findings that are graded unclear are accepted too.
        extra: Keys of an analysis file that this version does not know; they are kept.
    """

    media: MediaInfo
    model: ModelIdentity | None = None
    scenes: tuple[Scene, ...] = ()
    events: tuple[Event, ...] = ()
    findings: tuple[Finding, ...] = ()
    asked: tuple[Asked, ...] = ()
    shots: tuple[Fraction, ...] | None = None
    speech: tuple[Utterance, ...] | None = None
    discarded: tuple[str, ...] = ()
    unseen: tuple[Span, ...] = ()
    threshold: float | None = None
    accepts_unclear: bool = False
    extra: Mapping[str, Any] = field(default_factory=dict)


def joined_by_media(analyses: Iterable[Analysis]) -> tuple[Analysis, ...]:
    """One analysis for each media file, in the order of their first; analyses of the same file are merged."""
    by_path: dict[Path, Analysis] = {}
    for one in analyses:
        first = by_path.get(one.media.path)
        if first is None:
            by_path[one.media.path] = one
            continue
        by_path[one.media.path] = replace(
            first,
            scenes=first.scenes + one.scenes,
            events=tuple(sorted(first.events + one.events, key=lambda event: (event.span.start, event.span.end))),
            findings=first.findings + one.findings,
            asked=first.asked + one.asked,
            shots=first.shots if first.shots is not None else one.shots,
            speech=first.speech if first.speech is not None else one.speech,
            discarded=first.discarded + one.discarded,
            unseen=first.unseen + one.unseen,
            threshold=first.threshold if first.threshold is not None else one.threshold,
            accepts_unclear=first.accepts_unclear or one.accepts_unclear,
            extra={**one.extra, **first.extra},
        )
    return tuple(by_path.values())
