"""Searches a window for every occurrence of a query, and collects evidence for each; `find` alone gives one span.

After an answer with supporting evidence, what is left of the window on both sides is watched by itself and asked again,
until an answer has no evidence or too little is left. An answer to such a re-query without evidence is kept, with the
flag UNSUPPORTED.
"""

from __future__ import annotations

import logging
import math
from bisect import bisect_left
from collections import Counter
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field, replace
from fractions import Fraction

from marlin_edit.analysis import AGAIN, UNSUPPORTED, Event, Finding, Origin, WordEvidence
from marlin_edit.answer_format import read_caption, read_find
from marlin_edit.inference import signals
from marlin_edit.inference.windows import EDGE, FEWEST_PAIRS
from marlin_edit.timebase import Span
from marlin_edit.video_model import Answer, Question, QuestionKind, Watched

_log = logging.getLogger(__name__)

MOST_ASKED = 24
"""How often a query is asked about one window and its parts. About so many occurrences fit into two minutes."""


@dataclass
class Search:
    """Searches one window. step: the model's sampling step in seconds. judges: whether it answers JUDGE questions."""

    window: Watched
    step: Fraction
    judges: bool
    findings: list[Finding] = field(default_factory=list)
    discarded: list[str] = field(default_factory=list)
    _events: Sequence[Event] = ()
    _vocabulary: signals.Vocabulary = field(default_factory=signals.Vocabulary)
    _said: Collection[str] = frozenset()

    def all_of(self, answers: Mapping[str, Answer], caption: Answer | None) -> None:
        """Take the window's answer to each query, and re-query for more occurrences.

        caption: the window's caption; without it there is no evidence, and nothing is asked again.
        """
        if caption is not None:
            self._events = read_caption(caption, self.window.span, self.step).events
            self._vocabulary = signals.Vocabulary(event.text for event in self._events)
            self._said = {stem for event in self._events for stem in signals.stems(event.text)}
        found = self._read(self.window, answers, ())
        asked = Counter(answers.keys())
        while found:
            found = [one for one in self._with_signals(found, caption) if not self._continues(one)]
            self.findings += [one.finding for one in found]
            parts: dict[Span, list[str]] = {}
            for one in found:
                if not signals.is_supported(one.finding.signals):
                    continue
                for span in self._left_of(one):
                    if asked[one.finding.query] < MOST_ASKED:
                        asked[one.finding.query] += 1
                        parts.setdefault(span, []).append(one.finding.query)
            found = []
            for span, queries in parts.items():
                part = self.window.part(span)
                again = part.ask([Question(QuestionKind.FIND, query) for query in queries])
                found += self._read(part, dict(zip(queries, again, strict=True)), (AGAIN,))

    def _read(self, part: Watched, answers: Mapping[str, Answer], flags: tuple[str, ...]) -> list[_Found]:
        found = []
        for query, answer in answers.items():
            finding, problems = read_find(answer, part.span, self.step, query)
            if AGAIN in flags:  # no further occurrence: that is what asking again finds out
                for problem in problems:
                    _log.info("asked again: %s", problem)
            else:
                self.discarded += problems
            if finding is not None:
                finding = replace(
                    finding,
                    flags=(*finding.flags, *flags),
                    signals=signals.of_answer(answer, finding.span, part.span),
                    origin=Origin((self.window.span,), answer.raw),
                )
                found.append(_Found(finding, part.span))
        return found

    def _with_signals(self, found: Sequence[_Found], caption: Answer | None) -> list[_Found]:
        judged: list[dict[str, float]] = [{} for _ in found]
        words: list[tuple[WordEvidence, ...]] = [() for _ in found]
        if self.judges and caption is not None:
            questions = [self._claim(one.finding, caption) for one in found]
            answers = self.window.ask([*questions, *(replace(question, blank=True) for question in questions)])
            pairs = list(zip(answers[: len(found)], answers[len(found) :], strict=True))
            judged = [signals.of_judgement(shown, blank) | signals.of_sureness(shown) for shown, blank in pairs]
            words = [signals.of_words(shown, blank) for shown, blank in pairs]
        complete = []
        for one, more, judged_words in zip(found, judged, words, strict=True):
            finding = one.finding
            evidence = {**finding.signals, **more}
            if caption is not None:
                evidence |= self._in_caption(finding.span, finding.query)
                told = signals.told_there(judged_words, finding.query, finding.span, self._events)
                evidence |= signals.of_evidence(told, self._said)
                finding = replace(finding, words=told)
            unsupported = AGAIN in finding.flags and not signals.is_supported(evidence)
            flags = (*finding.flags, UNSUPPORTED) if unsupported else finding.flags
            complete.append(_Found(replace(finding, signals=evidence, flags=flags), one.part))
        return complete

    def _in_caption(self, span: Span, query: str) -> dict[str, float]:
        return signals.of_events(span, query, self._events, self._vocabulary)

    def _continues(self, found: _Found) -> bool:
        """Whether an answer about a part continues a finding beside that part; the finding then includes it.

        It does if it reaches the edge of its part there, and the caption describes both together at least as well.
        """
        one = found.finding
        if AGAIN not in one.flags:
            return False
        for place, other in enumerate(self.findings):
            after = one.span.start - found.part.start <= EDGE and 0 <= found.part.start - other.span.end < 2 * self.step
            before = found.part.end - one.span.end <= EDGE and 0 <= other.span.start - found.part.end < 2 * self.step
            if other.query != one.query or not (after or before):
                continue
            both = Span(min(one.span.start, other.span.start), max(one.span.end, other.span.end))
            joint = self._in_caption(both, one.query)
            if joint["told"] > 0 and joint["told"] >= max(each.signals.get("told", 0.0) for each in (one, other)):
                evidence = signals.merged([one.signals, other.signals]) | joint
                origin = replace(other.origin, more=(*other.origin.more, one.origin.raw))
                self.findings[place] = replace(other, span=both, signals=evidence, origin=origin)
                return True
        return False

    def _claim(self, finding: Finding, caption: Answer) -> Question:
        since = self.window.span.start
        span = Span(finding.span.start - since, finding.span.end - since)
        return Question(QuestionKind.JUDGE, finding.query, span, caption.raw)

    def _left_of(self, found: _Found) -> list[Span]:
        """What is left of its part before and after a finding, in whole pairs of frames as the window shows them."""
        pair, zero = 2 * self.step, self.window.span.start
        end = zero + math.floor((found.finding.span.start - zero) / pair) * pair
        start = zero + math.ceil((found.finding.span.end - zero) / pair) * pair
        least = FEWEST_PAIRS * pair / 2
        sides = ((found.part.start, end), (start, found.part.end))
        return [Span(*side) for side in sides if side[1] - side[0] >= least]


@dataclass(frozen=True)
class _Found:
    """A finding, and the part of the window that was watched for it."""

    finding: Finding
    part: Span


def with_caption_evidence(
    findings: Sequence[Finding], events: Sequence[Event], known: Collection[str]
) -> list[Finding]:
    """The findings with evidence from all captions of the media. known: see `signals.Vocabulary`."""
    vocabulary = signals.Vocabulary((event.text for event in events), known)
    said = {stem for event in events for stem in signals.stems(event.text)}
    in_order = sorted(events, key=lambda event: event.span.start)
    starts = [event.span.start for event in in_order]
    longest = max((event.span.length for event in events), default=Fraction(0))
    complete = []
    for finding in findings:
        first, stop = bisect_left(starts, finding.span.start - longest), bisect_left(starts, finding.span.end)
        there = signals.of_events(finding.span, finding.query, in_order[first:stop], vocabulary)
        told = signals.told_there(finding.words, finding.query, finding.span, in_order[first:stop])
        there |= signals.of_evidence(told, said)
        flags = finding.flags
        if UNSUPPORTED in flags and signals.is_supported({**finding.signals, **there}):
            flags = tuple(flag for flag in flags if flag != UNSUPPORTED)
        complete.append(replace(finding, signals={**finding.signals, **there}, flags=flags, words=told))
    return complete
