"""Listens to a source: when somebody speaks, and what is said. What was heard is kept in the store of answers."""

from __future__ import annotations

import contextlib
import hashlib
import json
import math
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from fractions import Fraction

from marlin_edit.analysis import Analysis, Asked, Sense, Utterance
from marlin_edit.errors import MarlinEditError, UsageError
from marlin_edit.inference.cache import AnswerCache
from marlin_edit.inference.store import Key
from marlin_edit.inference.windows import maximal
from marlin_edit.interfaces import Detection, Detector, Finds
from marlin_edit.media import MediaInfo
from marlin_edit.speech.utterances import utterances_of
from marlin_edit.text import clean, counted, words_of
from marlin_edit.timebase import Span, clock_text, parse_seconds, seconds_text
from marlin_edit.video_model import Answer, Question, QuestionKind, Terms
from marlin_edit.workflow.run import Run

PART = Fraction(600)
"""Seconds that a detector of speech is given at once: some seconds of work, after which progress is shown."""

STRETCH = Fraction(300)
"""Seconds that a detector of words is given at most: what a killed run loses."""

EDGE = Fraction(3, 5)
"""Seconds that a detector of words hears before and after speech."""

OVERLAP = Fraction(2)
"""Seconds that two stretches share where speech goes on without a pause; a word belongs to one by its middle."""

_MAIN = -1
"""Stands in the store for the main sound stream."""

_SHOWN = 3


@dataclass(frozen=True)
class Listener:
    """Listens with the detectors of a run. words: None if only when somebody speaks is wanted."""

    run: Run
    voice: Detector
    words: Detector | None

    @classmethod
    def of_known(cls, run: Run) -> Listener:
        """A listener that only looks up what was heard before (`known`): what listening needs is not asked for."""
        return cls(run, run.app.detector_for(Finds.SPEECH), run.app.detector_for(Finds.WORDS))

    @classmethod
    def of(cls, run: Run, *, words: bool) -> Listener:
        """The listener of a run.

        Raises:
            UsageError: No plugin has such a detector.
            MarlinEditError: What it needs is not here.
        """
        app = run.app
        voice = app.detector_for(Finds.SPEECH)
        hears = app.detector_for(Finds.WORDS) if words else None
        with app.calling(voice):
            voice.check(run.settings)
        if hears is not None:
            try:
                with app.calling(hears):
                    hears.check(run.settings)
            except MarlinEditError:
                if app.origin(voice).builtin:
                    raise
                hears = None  # another distribution's detector of speech may say what is said by itself
        return cls(run, voice, hears)

    def hear(self, media: MediaInfo, wanted: Span | None = None) -> tuple[Utterance, ...]:
        """What is said in the media, or in a part of it, and when somebody speaks; nothing if there is no sound."""
        self._check_stream(media)
        with contextlib.closing(AnswerCache.of(self.run.settings, self.run.console)) as cache:
            whole = Span(Fraction(0), media.duration)
            known = self._heard(media, whole, cache, ask=False)
            heard = known if known is not None else self._heard(media, wanted or whole, cache, ask=True)
        assert heard is not None
        utterances, elsewhere = heard
        if wanted is not None:
            utterances = tuple(one for one in utterances if one.span.within(wanted) is not None)
        if not utterances and not _sounds(media):
            self.run.console.warning(f"{media.path.name} has no sound, so nothing is said in it.")
        else:
            self._report(media, utterances, elsewhere)
        return utterances

    def transcribe(self, media: MediaInfo, wanted: Span | None = None) -> Analysis:
        """What is said in the media, or in a part of it, as an analysis."""
        asked = Asked(None, (wanted or Span(Fraction(0), media.duration),), Sense.SAID)
        return Analysis(media.counted_in_samples(), speech=self.hear(media, wanted), asked=(asked,))

    def known(self, media: MediaInfo) -> tuple[Utterance, ...] | None:
        """What is said in the media, if all of it is in the store, heard by what is here now."""
        self._check_stream(media)
        with contextlib.closing(AnswerCache.of(self.run.settings, self.run.console)) as cache:
            try:
                heard = self._heard(media, Span(Fraction(0), media.duration), cache, ask=False)
            except MarlinEditError:  # the speech model is gone
                heard = None
        return None if heard is None else heard[0]

    def _check_stream(self, media: MediaInfo) -> None:
        """UsageError for a stream that is not sound."""
        chosen, sounds = self.run.settings.optional("audio_stream", int), _sounds(media)
        if chosen is not None and chosen not in sounds:
            there = ", ".join(map(str, sounds)) or "none"
            raise UsageError(f"{media.path.name}: stream {chosen} is not sound. Its sound streams: {there}.")

    def _heard(
        self, media: MediaInfo, span: Span, cache: AnswerCache, *, ask: bool
    ) -> tuple[tuple[Utterance, ...], tuple[str, ...]] | None:
        """The utterances in a span, and the words that lie where nobody speaks; None where that is not all known."""
        found = self._voice(media, span, cache, ask=ask)
        if found is None:
            return None
        if any(one.text for one in found):
            return tuple(map(_told, sorted(set(found), key=lambda one: (one.span.start, one.span.end)))), ()
        voice = maximal(one.span for one in found)
        if self.words is None:
            return tuple(map(Utterance, voice)), ()
        stretches = stretches_of(voice, media.duration)
        words: list[Detection] = []
        with self._progress(f"writing down what is said in {media.path.name}", media, ask) as progress:
            for heard, kept in stretches:
                spoken = tuple(part for one in voice if (part := one.within(heard)) is not None)
                new = self._detected(self.words, media, heard, spoken, cache, ask=ask)
                if new is None:
                    return None
                words += [one for one in new if kept.start <= (one.span.start + one.span.end) / 2 < kept.end]
                progress(float(heard.end))
        utterances, elsewhere = utterances_of(voice, sorted(words, key=lambda one: one.span.start))
        return utterances, tuple(f"{clock_text(word.span.start)} {word.text.strip()}" for word in elsewhere)

    def _voice(self, media: MediaInfo, span: Span, cache: AnswerCache, *, ask: bool) -> list[Detection] | None:
        """When somebody speaks, and what is said where the detector of speech says that by itself."""
        found: list[Detection] = []
        with self._progress(f"listening to {media.path.name}", media, ask) as progress:
            for part in _parts(span):
                detected = self._detected(self.voice, media, part, (), cache, ask=ask)
                if detected is None:
                    return None
                found += detected
                progress(float(part.end))
        return found

    @contextlib.contextmanager
    def _progress(self, label: str, media: MediaInfo, ask: bool) -> Iterator[Callable[[float], None]]:
        if not ask:
            yield lambda done: None
            return
        with self.run.console.progress(label, float(media.duration)) as progress:
            yield progress.reached

    def _detected(
        self,
        detector: Detector,
        media: MediaInfo,
        span: Span,
        spoken: tuple[Span, ...],
        cache: AnswerCache,
        *,
        ask: bool,
    ) -> Sequence[Detection] | None:
        """What a detector hears in a span: from the store if it is there, else by listening if that is wanted."""
        key = self._key(detector, media, span, spoken)
        answer = cache.find(key) if key is not None else None
        kept = _read(answer.raw) if answer is not None else None
        if kept is not None or not ask:
            return kept
        found = self.run.app.detect(detector, media, span, spoken)
        if key is not None:
            cache.keep(media, [(key, Answer(_written(found)))])
        return found

    def _key(self, detector: Detector, media: MediaInfo, span: Span, spoken: Sequence[Span]) -> Key | None:
        with self.run.app.calling(detector):
            identity = detector.identity(self.run.settings)
        if identity is None or not media.fingerprint:
            return None
        stream = self.run.settings.optional("audio_stream", int)
        kind = QuestionKind.WORDS if detector.finds is Finds.WORDS else QuestionKind.SPEECH
        places = json.dumps([[seconds_text(one.start), seconds_text(one.end)] for one in spoken])
        terms = Terms("", hashlib.sha256(places.encode()).hexdigest() if spoken else "", "")
        return Key(media.fingerprint, _MAIN if stream is None else stream, span, Question(kind), identity, terms)

    def _report(self, media: MediaInfo, utterances: Sequence[Utterance], elsewhere: Sequence[str]) -> None:
        console = self.run.console
        if not any(one.text for one in utterances):
            console.receipt(f"{media.path.name}: {counted(len(utterances), 'span')} of speech")
            return
        words = sum(len(words_of(one.text)) for one in utterances)
        languages = ", ".join(dict.fromkeys(one.language for one in utterances if one.language))
        console.receipt(
            f"{media.path.name}: {counted(words, 'word')} in {counted(len(utterances), 'utterance')}"
            + (f" ({languages})" if languages else "")
        )
        if elsewhere:
            shown = elsewhere if console.verbosity > 0 else elsewhere[:_SHOWN]
            more = f" and {len(elsewhere) - len(shown)} more (-v lists them)" if len(elsewhere) > len(shown) else ""
            console.receipt(f"note: left out, because nobody speaks there: {', '.join(shown)}{more}")


def _sounds(media: MediaInfo) -> list[int]:
    """The numbers of the streams of sound."""
    return [stream.index for stream in media.streams if stream.kind == "audio"]


def _told(heard: Detection) -> Utterance:
    return Utterance(heard.span, clean(heard.text), (), heard.confidence, clean(heard.speaker), heard.language)


def with_speech(run: Run, analysis: Analysis, listener: Listener | None) -> Analysis:
    """The analysis with what is said, and when somebody speaks; as it is, where there is no listener."""
    return analysis if listener is None else replace(analysis, speech=listener.hear(analysis.media))


def caption_listener(run: Run) -> Listener | None:
    """The listener of `caption --speech`: what is said is written down only if that can be done here."""
    if not run.settings.value("speech", bool):
        return None
    try:
        return Listener.of(run, words=True)
    except MarlinEditError as error:
        listener = Listener.of(run, words=False)
        run.console.receipt(f"What is said is not written down. {error}")
        return listener


def stretches_of(voice: Sequence[Span], duration: Fraction) -> list[tuple[Span, Span]]:
    """What a detector of words is given, and of which part of it the words count; together they have all of `voice`.

    A stretch begins and ends in pauses. Where somebody speaks without a pause for longer than STRETCH, the next one
    begins a little earlier, so that a word at the border is whole in one of them.
    """
    groups: list[Span] = []
    for one in voice:
        if groups and one.end - groups[-1].start <= STRETCH:
            groups[-1] = Span(groups[-1].start, one.end)
        else:
            groups.append(one)
    stretches = []
    for number, group in enumerate(groups):
        before = groups[number - 1].end if number else Fraction(0)
        after = groups[number + 1].start if number + 1 < len(groups) else duration
        first, last = max(group.start - EDGE, before, Fraction(0)), max(group.end, min(group.end + EDGE, after))
        count = math.ceil((last - first) / (STRETCH + 2 * EDGE))
        step = (last - first) / count
        for at in range(count):
            kept = Span(first + at * step, first + (at + 1) * step)
            heard = Span(max(first, kept.start - OVERLAP / 2), min(last, kept.end + OVERLAP / 2))
            # The first and the last word may lie a little outside.
            kept = Span(kept.start if at else Fraction(0), kept.end if at + 1 < count else duration + 1)
            stretches.append((heard, kept))
    return stretches


def _parts(span: Span) -> Iterator[Span]:
    start = span.start
    while start < span.end:
        end = min(span.end, start + PART)
        yield Span(start, end)
        start = end


def _written(detections: Sequence[Detection]) -> str:
    return json.dumps(
        [
            [
                seconds_text(one.span.start),
                seconds_text(one.span.end),
                one.text,
                one.speaker,
                one.confidence,
                one.language,
            ]
            for one in detections
        ]
    )


def _read(raw: str) -> list[Detection] | None:
    """What `_written` wrote; None for anything else, which is as if it were not there."""
    try:
        found = []
        for start, end, text, speaker, confidence, language in json.loads(raw):
            span = Span(parse_seconds(start), parse_seconds(end))
            sure = None if confidence is None else float(confidence)
            found.append(Detection(span, str(text), str(speaker), sure, str(language)))
    except (MarlinEditError, ValueError, TypeError, RecursionError):
        return None
    return found
