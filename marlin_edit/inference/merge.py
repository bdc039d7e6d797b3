"""Merges the answers of several windows: what several windows saw, or a window boundary cut, is one result.

Only answers about different windows are merged, and only with the same query or the same words. Nothing is lost: every
answer is in exactly one of the results, which name all its windows. Merging the results again changes nothing.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from fractions import Fraction
from typing import TypeVar

from marlin_edit.analysis import UNSUPPORTED, Event, Finding, Origin, Scene
from marlin_edit.answer_format import CLAMPED, WIDENED
from marlin_edit.evidence import doubt_to_sort
from marlin_edit.inference import signals
from marlin_edit.inference.measures import SAME_THING, iou
from marlin_edit.inference.windows import EDGE
from marlin_edit.text import words_of
from marlin_edit.timebase import Span

JOINED = "joined"
"""Flag: merged from the answers of several windows."""

AGREE = Fraction(1)
"""Seconds. Two windows' times this close are one time: each of them is good to about half a second."""

_ARTICLES = frozenset({"a", "an", "the"})

_Seen = TypeVar("_Seen", Finding, Event)


def merged_findings(findings: Sequence[Finding]) -> tuple[Finding, ...]:
    """Findings of any number of windows and queries, merged if they are of the same thing; in order of time.

    Findings with different verdicts stay apart, and so do findings with and without evidence (UNSUPPORTED). A merged
    finding has the best score of its findings, and the greatest of each signal.
    """
    return _merged(
        findings, lambda finding: (finding.query, finding.verdict, UNSUPPORTED in finding.flags), _one_finding
    )


def merged_events(events: Sequence[Event]) -> tuple[Event, ...]:
    """Events of any number of windows, merged if they are of the same thing in the same words; in order of time."""
    return _merged(events, lambda event: same_words(event.text), _one_event)


def merged_scenes(scenes: Sequence[Scene]) -> tuple[Scene, ...]:
    """Scenes in order of time; neighbours in the same words that overlap or touch are merged."""
    merged: list[Scene] = []
    last: dict[tuple[str, ...], int] = {}
    for scene in sorted(scenes, key=_time):
        words = same_words(scene.text)
        place = last.get(words)
        if place is not None and scene.span.start <= merged[place].span.end:
            before = merged[place]
            span = Span(before.span.start, max(before.span.end, scene.span.end))
            merged[place] = replace(before, span=span, origin=_one_origin([before.origin, scene.origin]))
        else:
            last[words] = len(merged)
            merged.append(scene)
    return tuple(merged)


def joined_wordings(findings: Sequence[Finding], wordings: Mapping[str, Sequence[str]]) -> tuple[Finding, ...]:
    """The findings under the queries that a person gave, in order of time. wordings: in which each query was asked.

    Of those of several wordings about one thing the least doubtful is kept.
    """
    joined: list[Finding] = []
    for query, ways in wordings.items():
        kept: list[Finding] = []
        asked = [finding for finding in findings if finding.query in ways]
        if len(ways) > 1:
            asked.sort(key=lambda finding: doubt_to_sort(finding.words))
        for finding in asked:
            if not any(other.query != finding.query and iou(other.span, finding.span) >= SAME_THING for other in kept):
                kept.append(finding)
        joined += [replace(finding, query=query) for finding in kept]
    return tuple(sorted(joined, key=_time))


def same_words(text: str) -> tuple[str, ...]:
    """What two texts must have in common to say the same: their words in order, without case, marks and articles.

    One other word is another thing ("a red circle", "a red square"), so nothing less will do. A text without any words
    stands for itself.
    """
    words = words_of(text)
    return tuple(word for word in words if word not in _ARTICLES) or tuple(words) or (text,)


def _merged(
    answers: Sequence[_Seen], subject: Callable[[_Seen], object], one: Callable[[Sequence[_Seen]], _Seen]
) -> tuple[_Seen, ...]:
    """Merged until nothing more can be, so that merging the result changes nothing."""
    ordered = sorted(answers, key=_time)
    while True:
        groups = _groups(ordered, subject)
        if len(groups) == len(ordered):
            return tuple(ordered)
        ordered = sorted((one(group) if len(group) > 1 else group[0] for group in groups), key=_time)


def _groups(ordered: Sequence[_Seen], subject: Callable[[_Seen], object]) -> list[list[_Seen]]:
    """Answers in order of time, as groups of the same thing, also across others between them.

    Those that have most in common come together first. A group has no two answers about one window.
    """
    pairs: list[tuple[Fraction, int, int]] = []
    running: dict[object, list[int]] = {}
    for place, answer in enumerate(ordered):
        near = running.setdefault(subject(answer), [])
        # What ended long before this one starts ended long before every later one.
        near[:] = [other for other in near if ordered[other].span.end + 2 * EDGE >= answer.span.start]
        for other in near:
            if _same_thing(_Observation.of(ordered[other]), _Observation.of(answer)):
                shared = answer.span.overlap(ordered[other].span)
                pairs.append((shared / (answer.span.length + ordered[other].span.length - shared), other, place))
        near.append(place)
    group_of = {place: [place] for place in range(len(ordered))}
    for _, one, two in sorted(pairs, key=lambda pair: (-pair[0], *pair[1:])):
        mine, others = group_of[one], group_of[two]
        if mine is others or _windows_of(ordered, mine) & _windows_of(ordered, others):
            continue
        mine += others
        for place in others:
            group_of[place] = mine
    groups = {id(group): sorted(group) for group in group_of.values()}
    return [[ordered[place] for place in group] for group in groups.values()]


def _windows_of(ordered: Sequence[Finding | Event], places: Sequence[int]) -> set[Span]:
    return {window for place in places for window in ordered[place].origin.windows}


@dataclass(frozen=True)
class _Observation:
    """When something was, according to one or more windows, and from where to where they saw."""

    span: Span
    windows: tuple[Span, ...]

    @classmethod
    def of(cls, answer: Finding | Event) -> _Observation:
        return cls(answer.span, answer.origin.windows)

    @property
    def seen_from(self) -> Fraction:
        return min((window.start for window in self.windows), default=self.span.start)

    @property
    def seen_to(self) -> Fraction:
        return max((window.end for window in self.windows), default=self.span.end)

    @property
    def start_cut_off(self) -> bool:
        """Whether it may have begun before, where no window of its looked."""
        return self.span.start - self.seen_from <= EDGE

    @property
    def end_cut_off(self) -> bool:
        return self.seen_to - self.span.end <= EDGE

    def depth(self, time: Fraction) -> Fraction:
        """How far inside of a window a moment is: there the model has seen most of what is around it."""
        return max((min(time - window.start, window.end - time) for window in self.windows), default=Fraction(0))


def _same_thing(one: _Observation, two: _Observation) -> bool:
    """Whether two answers are of the same thing.

    A window that reports two things knows better than any rule: answers about the same window are never merged.
    """
    if not one.windows or not two.windows or set(one.windows) & set(two.windows):
        return False
    return (
        _continues_in(one, two)
        or _continues_in(two, one)
        or _began_in(one, two)
        or _began_in(two, one)
        or _overlap_alike(one, two)
    )


def _continues_in(one: _Observation, other: _Observation) -> bool:
    """Whether the one is cut off at its end, and in the other, which saw further, it is there then, or begins."""
    if not one.end_cut_off or not other.seen_from <= one.seen_to < other.seen_to:
        return False
    gap = EDGE * (1 + other.start_cut_off)
    return one.span.end - EDGE <= other.span.end and other.span.start <= one.span.end + gap


def _began_in(one: _Observation, other: _Observation) -> bool:
    """Whether the one is cut off at its start, and in the other, which saw further, it is there then, or ends."""
    if not one.start_cut_off or not other.seen_from < one.seen_from <= other.seen_to:
        return False
    gap = EDGE * (1 + other.end_cut_off)
    return other.span.start <= one.span.start + EDGE and one.span.start - gap <= other.span.end


def _overlap_alike(one: _Observation, two: _Observation) -> bool:
    """Whether both say nearly the same about the part that both windows show."""
    start, end = max(one.seen_from, two.seen_from), min(one.seen_to, two.seen_to)
    if start >= end:
        return False
    both = Span(start, end)
    mine, other = one.span.within(both), two.span.within(both)
    if mine is None or other is None:
        return False
    shared = mine.overlap(other)
    if shared == 0:
        return False
    agree = abs(mine.start - other.start) <= AGREE and abs(mine.end - other.end) <= AGREE
    return agree or shared >= SAME_THING * (mine.length + other.length - shared)


def _one_span(observations: Sequence[_Observation]) -> Span:
    """The span of the thing that all of these observed.

    If a window boundary cuts off one end and another window saw further, the other window's end is used. Of the ends
    that are left, the outermost counts, so that nothing is lost; if others agree with it, the one that was seen from
    furthest inside its window.
    """
    seen_from = min(one.seen_from for one in observations)
    starts = [one for one in observations if not one.start_cut_off or one.seen_from == seen_from]
    outermost = min(one.span.start for one in starts)
    agreeing = [one for one in starts if one.span.start <= outermost + AGREE]
    start = max(agreeing, key=lambda one: (one.depth(one.span.start), -one.span.start)).span.start

    seen_to = max(one.seen_to for one in observations)
    ends = [one for one in observations if not one.end_cut_off or one.seen_to == seen_to]
    outermost = max(one.span.end for one in ends)
    agreeing = [one for one in ends if one.span.end >= outermost - AGREE]
    end = max(agreeing, key=lambda one: (one.depth(one.span.end), one.span.end)).span.end
    if start < end:
        return Span(start, end)
    return Span(min(one.span.start for one in observations), max(one.span.end for one in observations))


def _one_origin(origins: Sequence[Origin]) -> Origin:
    """All windows in order of time, each with its answer; an answer that several things come from is named once."""
    answers: dict[tuple[Span, str], None] = {}
    elsewhere: dict[str, None] = {}
    for origin in origins:
        raws = (origin.raw, *origin.more)
        for place, window in enumerate(origin.windows):
            answers[window, raws[place] if place < len(raws) else ""] = None
        elsewhere.update(dict.fromkeys(raw for raw in raws[len(origin.windows) :] if raw))
    ordered = sorted(answers, key=lambda answer: (answer[0].start, answer[0].end))
    first, *more = [*(raw for _, raw in ordered), *elsewhere] or [""]
    return Origin(tuple(window for window, _ in ordered), first, tuple(more))


def _one_flags(answers: Sequence[Finding] | Sequence[Event], span: Span) -> tuple[str, ...]:
    """What reading any of the answers had to do, but for what no longer shows in the joined span."""
    flags = dict.fromkeys(flag for answer in answers for flag in answer.flags)
    if not any(CLAMPED in answer.flags and answer.span.end == span.end for answer in answers):
        flags.pop(CLAMPED, None)
    if not any(WIDENED in answer.flags and answer.span == span for answer in answers):
        flags.pop(WIDENED, None)
    return tuple(dict.fromkeys((*flags, JOINED)))


def _one_finding(findings: Sequence[Finding]) -> Finding:
    span = _one_span([_Observation.of(finding) for finding in findings])
    best = max(findings, key=lambda finding: (-1.0 if finding.score is None else finding.score, finding.span.length))
    origin = _one_origin([finding.origin for finding in findings])
    known = signals.merged([finding.signals for finding in findings])
    words = signals.merged_words([finding.words for finding in findings])
    return replace(best, span=span, signals=known, flags=_one_flags(findings, span), origin=origin, words=words)


def _one_event(events: Sequence[Event]) -> Event:
    span = _one_span([_Observation.of(event) for event in events])
    longest = max(events, key=lambda event: event.span.length)
    origin = _one_origin([event.origin for event in events])
    return replace(longest, span=span, flags=_one_flags(events, span), origin=origin)


def _time(answer: Finding | Event | Scene) -> tuple[Fraction, Fraction]:
    return answer.span.start, answer.span.end
