"""Looks queries up in what is seen, in what is said, or in both, as the settings want; the two are never mixed up."""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from fractions import Fraction

from marlin_edit.analysis import Analysis, Asked, Sense, Utterance
from marlin_edit.errors import UsageError
from marlin_edit.inference.pipeline import analyze, model_opener
from marlin_edit.inference.queries import advise
from marlin_edit.inference.windows import span_between
from marlin_edit.media import MediaInfo
from marlin_edit.speech.said import said_findings
from marlin_edit.timebase import OutPoint, Position, Span
from marlin_edit.video_model import VideoModel
from marlin_edit.workflow.hearing import Listener
from marlin_edit.workflow.run import Run


@dataclass(frozen=True)
class Finder:
    """Finds some queries in one source after the other.

    seen: whether the video model is asked. listener: listens; only_known: only to what is in the store.
    """

    run: Run
    queries: tuple[str, ...]
    seen: bool
    listener: Listener | None
    only_known: bool
    model: Callable[[], VideoModel]

    @classmethod
    def of(cls, run: Run, queries: Sequence[str], model: Callable[[], VideoModel] | None = None) -> Finder:
        """The finder that the settings `look_in` and `speech` want. model: opens the model; else the settings' own.

        Raises:
            MarlinEditError: It is to listen, and what that needs is not here.
        """
        where, speech = run.settings.value("look_in", str), run.settings.value("speech", bool)
        listens = where in ("said", "both") or (where != "seen" and speech)
        seen = where != "said"
        listener: Listener | None = None
        if speech or (queries and listens):
            listener = Listener.of(run, words=True)
        elif queries and where == "auto" and run.settings.value("store", bool):
            with contextlib.suppress(UsageError):  # no plugin listens
                listener = Listener.of_known(run)
        for query in queries if seen else ():
            advise(run.console, query)
        opener = model or model_opener(run.app, run.console)
        return cls(run, tuple(queries), seen, listener, where == "auto" and not listens, opener)

    @property
    def ready(self) -> Callable[[], object] | None:
        """Opens the model, if it will be asked; for what is done before the first of several sources."""
        return self.model if self.seen and self.queries else None

    def find(self, media: MediaInfo, look_in: tuple[Position, OutPoint] | None) -> Analysis:
        """What the queries find in a source, or in the part `look_in` of it."""
        run = self.run
        part = None
        if self.listener is not None and look_in is not None:
            part = span_between(media, *look_in, run.console)
        speech = self._speech(media, part)
        if self.seen:
            analysis = analyze(run.app, run.console, media, look_in, queries=self.queries, model=self.model)
        else:
            analysis = Analysis(media.counted_in_samples())
        if speech is None:
            return analysis
        analysis = replace(analysis, speech=speech)
        if run.settings.value("look_in", str) == "seen":
            return analysis
        heard = (part or Span(Fraction(0), media.duration),)
        found = tuple(one for query in self.queries for one in said_findings(speech, query, analysis.media))
        asked = tuple(Asked(query, heard, Sense.SAID) for query in self.queries)
        return replace(analysis, findings=analysis.findings + found, asked=analysis.asked + asked)

    def _speech(self, media: MediaInfo, part: Span | None) -> tuple[Utterance, ...] | None:
        """What is said; None if nobody listens, or nothing is known of it and only that is wanted."""
        if self.listener is None:
            return None
        if self.only_known:
            known = self.listener.known(media)
            if known is None or not any(one.text for one in known):
                return None
            self.run.console.receipt(
                f"{media.path.name}: it is known what is said, so that is searched too (--in seen does not)."
            )
            return known if part is None else tuple(one for one in known if one.span.within(part) is not None)
        return self.listener.hear(media, part)
