"""What was seen in one source: scenes, events and findings, where each comes from, and what was looked at."""

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
    """What a person said of a finding."""

    ACCEPTED = "accepted"
    REJECTED = "rejected"


AGAIN, UNSUPPORTED = "again", "unsupported"
"""Flags of a finding: it came of asking again about what was left of a window, and there nothing but the answer speaks
for it."""


@dataclass(frozen=True)
class ModelIdentity:
    """Which model answered, from which revision, profile and number format. `notice` is said wherever it is used."""

    name: str
    revision: str = ""
    profile: str = ""
    dtype: str = ""
    notice: str = ""

    def __str__(self) -> str:
        return " ".join(part for part in (self.name, self.revision[:8], self.dtype) if part)


@dataclass(frozen=True)
class Origin:
    """Where something seen comes from: the windows that were watched, and the model's answers as they came.

    raw: the answer about the first of the windows. more: where several windows' answers were joined, the others'.
    """

    windows: tuple[Span, ...] = ()
    raw: str = ""
    more: tuple[str, ...] = ()


@dataclass(frozen=True)
class Scene:
    """What a stretch looks like as a whole."""

    span: Span
    text: str
    origin: Origin = Origin()


@dataclass(frozen=True)
class Event:
    """Something the model saw. `flags` say what reading the answer had to do (`widened`, `partial`, ...).

    marker_id: by which its marker is known again, where a person changed it in an editing program (`markers.py`).
    """

    span: Span
    text: str
    flags: tuple[str, ...] = ()
    origin: Origin = Origin()
    marker_id: str = ""


@dataclass(frozen=True)
class Finding:
    """An answer to a query. `score` is None where the model is not calibrated; `verdict` is a person's, or None.

    marker_id: as for an event.
    """

    span: Span
    query: str
    score: float | None = None
    signals: Mapping[str, float] = field(default_factory=dict)
    flags: tuple[str, ...] = ()
    verdict: Verdict | None = None
    origin: Origin = Origin()
    marker_id: str = ""


@dataclass(frozen=True)
class Asked:
    """A query, or None for the caption, and the spans that were really looked at for it."""

    query: str | None
    looked_at: tuple[Span, ...]


@dataclass(frozen=True)
class Analysis:
    """All that is known of one source. `extra` keeps an analysis file's keys that this version does not know.

    shots: times of shot changes in seconds. speech: spans in which somebody speaks. unread: what could not be told as
    an event or a finding (a reversed span, a repeated line), each a sentence with its reason. unseen: spans that were
    to be looked at and showed no picture. threshold: from which score on a finding is accepted, None where that was not
    calibrated or is not wanted; what is accepted is for `edit.is_accepted` to say.
    """

    media: MediaInfo
    model: ModelIdentity | None = None
    scenes: tuple[Scene, ...] = ()
    events: tuple[Event, ...] = ()
    findings: tuple[Finding, ...] = ()
    asked: tuple[Asked, ...] = ()
    shots: tuple[Fraction, ...] | None = None
    speech: tuple[Span, ...] | None = None
    unread: tuple[str, ...] = ()
    unseen: tuple[Span, ...] = ()
    threshold: float | None = None
    extra: Mapping[str, Any] = field(default_factory=dict)


def joined_by_media(analyses: Iterable[Analysis]) -> tuple[Analysis, ...]:
    """One analysis for each media, in the order of their first: what several tell of one is put together."""
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
            unread=first.unread + one.unread,
            unseen=first.unseen + one.unseen,
            threshold=first.threshold if first.threshold is not None else one.threshold,
            extra={**one.extra, **first.extra},
        )
    return tuple(by_path.values())
