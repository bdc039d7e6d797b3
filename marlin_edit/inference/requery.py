"""Every time that something happens in a window, and what speaks for each: `find` itself gives one span a window.

After an answer that something else speaks for, what is left of the window on both sides is watched by itself and asked
again, until nothing speaks for what comes back, or too little is left. An answer that came of asking again and that
nothing speaks for is kept, with the flag UNSUPPORTED.
"""

from __future__ import annotations

import math
from bisect import bisect_left
from collections import Counter
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field, replace
from fractions import Fraction

from marlin_edit.analysis import AGAIN, UNSUPPORTED, Event, Finding, Origin
from marlin_edit.answer_format import read_caption, read_find
from marlin_edit.inference import signals
from marlin_edit.inference.windows import EDGE, FEWEST_PAIRS
from marlin_edit.timebase import Span
from marlin_edit.video_model import Answer, Question, QuestionKind, Watched

MOST_ASKED = 24
"""How often a query is asked about one window, with all its parts. A window of two minutes can hold about so many."""


@dataclass
class Search:
    """Asks one window. step: the model's, in seconds. judges: whether the model answers JUDGE questions."""

    window: Watched
    step: Fraction
    judges: bool
    findings: list[Finding] = field(default_factory=list)
    unread: list[str] = field(default_factory=list)
    _events: Sequence[Event] = ()
    _vocabulary: signals.Vocabulary = field(default_factory=signals.Vocabulary)

    def all_of(self, answers: Mapping[str, Answer], caption: Answer | None) -> None:
        """What the window answered to each query, and all that asking again brings. caption: what it told.

        Without a caption nothing can speak for an answer, and nothing is asked again.
        """
        if caption is not None:
            self._events = read_caption(caption, self.window.span, self.step).events
            self._vocabulary = signals.Vocabulary(event.text for event in self._events)
        found = self._read(self.window, answers, ())
        asked = Counter(answers.keys())
        while found:
            found = [one for one in self._with_signals(found, caption) if not self._goes_on(one)]
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
            self.unread += problems
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
        if self.judges and caption is not None:
            questions = [self._claim(one.finding, caption) for one in found]
            answers = self.window.ask([*questions, *(replace(question, blank=True) for question in questions)])
            pairs = zip(answers[: len(found)], answers[len(found) :], strict=True)
            judged = [signals.of_judgement(shown, blank) for shown, blank in pairs]
        told = []
        for one, more in zip(found, judged, strict=True):
            finding = one.finding
            known = {**finding.signals, **more}
            if caption is not None:
                known |= self._told(finding.span, finding.query)
            unsupported = AGAIN in finding.flags and not signals.is_supported(known)
            flags = (*finding.flags, UNSUPPORTED) if unsupported else finding.flags
            told.append(_Found(replace(finding, signals=known, flags=flags), one.part))
        return told

    def _told(self, span: Span, query: str) -> dict[str, float]:
        return signals.of_events(span, query, self._events, self._vocabulary)

    def _goes_on(self, found: _Found) -> bool:
        """Whether an answer about a part is the rest of a finding that the part lies beside; if so, that has it now.

        It is where it reaches the edge of its part there, and the caption tells of both together at least as well.
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
            told = self._told(both, one.query)
            if told["told"] > 0 and told["told"] >= max(each.signals.get("told", 0.0) for each in (one, other)):
                known = signals.joined([one.signals, other.signals]) | told
                origin = replace(other.origin, more=(*other.origin.more, one.origin.raw))
                self.findings[place] = replace(other, span=both, signals=known, origin=origin)
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
    """A finding, and the stretch that was watched for it."""

    finding: Finding
    part: Span


def with_told(findings: Sequence[Finding], events: Sequence[Event], known: Collection[str]) -> list[Finding]:
    """The findings with the signals of all that was told of the media. known: see `signals.Vocabulary`."""
    vocabulary = signals.Vocabulary((event.text for event in events), known)
    in_order = sorted(events, key=lambda event: event.span.start)
    starts = [event.span.start for event in in_order]
    longest = max((event.span.length for event in events), default=Fraction(0))
    told = []
    for finding in findings:
        first, stop = bisect_left(starts, finding.span.start - longest), bisect_left(starts, finding.span.end)
        there = signals.of_events(finding.span, finding.query, in_order[first:stop], vocabulary)
        flags = finding.flags
        if UNSUPPORTED in flags and signals.is_supported({**finding.signals, **there}):
            flags = tuple(flag for flag in flags if flag != UNSUPPORTED)
        told.append(replace(finding, signals={**finding.signals, **there}, flags=flags))
    return told
