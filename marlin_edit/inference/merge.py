"""From what each window answered to what is told: one thing that several windows saw, or that a seam cut, is told once.

Only answers about different windows are joined, and only with the same query or the same words. Nothing vanishes: every
answer is in exactly one of the results, which name all its windows. Joining again what was joined changes nothing.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from fractions import Fraction
from typing import TypeVar

from marlin_edit.analysis import UNSUPPORTED, Event, Finding, Origin, Scene
from marlin_edit.answer_format import CLAMPED, WIDENED
from marlin_edit.inference import signals
from marlin_edit.inference.windows import EDGE
from marlin_edit.text import words_of
from marlin_edit.timebase import Span

JOINED = "joined"
"""Flag: told of more than one window's answer."""

AGREE = Fraction(1)
"""Seconds. Two windows' times this close are one time: each of them is good to about half a second."""

ALIKE = Fraction(1, 2)
"""Two answers tell the same thing where they have at least this much of what either of them has in common, of the
stretch that both windows show. Half is what the usual measures of such models (R1@0.5) call a match."""

_ARTICLES = frozenset({"a", "an", "the"})

_Seen = TypeVar("_Seen", Finding, Event)


def joined_findings(findings: Sequence[Finding]) -> tuple[Finding, ...]:
    """Findings of any number of windows and queries, those of the same thing as one; in order of time.

    Where a person's verdict differs, they stay apart, and so do those that something speaks for from those that nothing
    speaks for (UNSUPPORTED). A joined finding has the score of the best scored of its findings, and the greatest of
    each signal.
    """
    return _joined(
        findings, lambda finding: (finding.query, finding.verdict, UNSUPPORTED in finding.flags), _one_finding
    )


def joined_events(events: Sequence[Event]) -> tuple[Event, ...]:
    """Events of any number of windows, those of the same thing in the same words as one; in order of time."""
    return _joined(events, lambda event: same_words(event.text), _one_event)


def joined_scenes(scenes: Sequence[Scene]) -> tuple[Scene, ...]:
    """Scenes in order of time; neighbours in the same words, which overlap or touch, as one."""
    told: list[Scene] = []
    last: dict[tuple[str, ...], int] = {}
    for scene in sorted(scenes, key=_time):
        words = same_words(scene.text)
        place = last.get(words)
        if place is not None and scene.span.start <= told[place].span.end:
            before = told[place]
            span = Span(before.span.start, max(before.span.end, scene.span.end))
            told[place] = replace(before, span=span, origin=_one_origin([before.origin, scene.origin]))
        else:
            last[words] = len(told)
            told.append(scene)
    return tuple(told)


def same_words(text: str) -> tuple[str, ...]:
    """What two texts must have in common to say the same: their words in order, without case, marks and articles.

    One other word is another thing ("a red circle", "a red square"), so nothing less will do. A text without any words
    stands for itself.
    """
    words = words_of(text)
    return tuple(word for word in words if word not in _ARTICLES) or tuple(words) or (text,)


def _joined(
    answers: Sequence[_Seen], subject: Callable[[_Seen], object], one: Callable[[Sequence[_Seen]], _Seen]
) -> tuple[_Seen, ...]:
    """Joined until nothing more can be, so that joining the result changes nothing."""
    told = sorted(answers, key=_time)
    while True:
        groups = _groups(told, subject)
        if len(groups) == len(told):
            return tuple(told)
        told = sorted((one(group) if len(group) > 1 else group[0] for group in groups), key=_time)


def _groups(told: Sequence[_Seen], subject: Callable[[_Seen], object]) -> list[list[_Seen]]:
    """What is in order of time, as groups of the same thing; also over others between them.

    Those that have most in common come together first. A group has no two answers about one window.
    """
    pairs: list[tuple[Fraction, int, int]] = []
    running: dict[object, list[int]] = {}
    for place, answer in enumerate(told):
        near = running.setdefault(subject(answer), [])
        # What ended long before this one starts ended long before every later one.
        near[:] = [other for other in near if told[other].span.end + 2 * EDGE >= answer.span.start]
        for other in near:
            if _same_thing(_Told.of(told[other]), _Told.of(answer)):
                shared = answer.span.overlap(told[other].span)
                pairs.append((shared / (answer.span.length + told[other].span.length - shared), other, place))
        near.append(place)
    group_of = {place: [place] for place in range(len(told))}
    for _, one, two in sorted(pairs, key=lambda pair: (-pair[0], *pair[1:])):
        mine, others = group_of[one], group_of[two]
        if mine is others or _windows_of(told, mine) & _windows_of(told, others):
            continue
        mine += others
        for place in others:
            group_of[place] = mine
    groups = {id(group): sorted(group) for group in group_of.values()}
    return [[told[place] for place in group] for group in groups.values()]


def _windows_of(told: Sequence[Finding | Event], places: Sequence[int]) -> set[Span]:
    return {window for place in places for window in told[place].origin.windows}


@dataclass(frozen=True)
class _Told:
    """When something was, as one or more windows told it, and from where to where they saw."""

    span: Span
    windows: tuple[Span, ...]

    @classmethod
    def of(cls, answer: Finding | Event) -> _Told:
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


def _same_thing(one: _Told, two: _Told) -> bool:
    """Whether two answers tell the same thing.

    A window that tells two things apart knows better than any rule: answers about the same window are never the same.
    """
    if not one.windows or not two.windows or set(one.windows) & set(two.windows):
        return False
    return (
        _goes_on_in(one, two)
        or _goes_on_in(two, one)
        or _began_in(one, two)
        or _began_in(two, one)
        or _overlap_alike(one, two)
    )


def _goes_on_in(one: _Told, other: _Told) -> bool:
    """Whether the one is cut off at its end, and in the other, which saw further, it is there then, or begins."""
    if not one.end_cut_off or not other.seen_from <= one.seen_to < other.seen_to:
        return False
    gap = EDGE * (1 + other.start_cut_off)
    return one.span.end - EDGE <= other.span.end and other.span.start <= one.span.end + gap


def _began_in(one: _Told, other: _Told) -> bool:
    """Whether the one is cut off at its start, and in the other, which saw further, it is there then, or ends."""
    if not one.start_cut_off or not other.seen_from < one.seen_from <= other.seen_to:
        return False
    gap = EDGE * (1 + other.end_cut_off)
    return other.span.start <= one.span.start + EDGE and one.span.start - gap <= other.span.end


def _overlap_alike(one: _Told, two: _Told) -> bool:
    """Whether both tell nearly the same of the stretch that both windows show."""
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
    return agree or shared >= ALIKE * (mine.length + other.length - shared)


def _one_span(told: Sequence[_Told]) -> Span:
    """When the thing was that all of these tell.

    An edge that a window's edge cut off is not believed where another window saw further. Of the others the outermost
    counts, so that nothing is lost; where others agree with it, that of them which was seen from furthest inside.
    """
    seen_from = min(one.seen_from for one in told)
    starts = [one for one in told if not one.start_cut_off or one.seen_from == seen_from]
    outermost = min(one.span.start for one in starts)
    agreeing = [one for one in starts if one.span.start <= outermost + AGREE]
    start = max(agreeing, key=lambda one: (one.depth(one.span.start), -one.span.start)).span.start

    seen_to = max(one.seen_to for one in told)
    ends = [one for one in told if not one.end_cut_off or one.seen_to == seen_to]
    outermost = max(one.span.end for one in ends)
    agreeing = [one for one in ends if one.span.end >= outermost - AGREE]
    end = max(agreeing, key=lambda one: (one.depth(one.span.end), one.span.end)).span.end
    if start < end:
        return Span(start, end)
    return Span(min(one.span.start for one in told), max(one.span.end for one in told))


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
    span = _one_span([_Told.of(finding) for finding in findings])
    best = max(findings, key=lambda finding: (-1.0 if finding.score is None else finding.score, finding.span.length))
    origin = _one_origin([finding.origin for finding in findings])
    known = signals.joined([finding.signals for finding in findings])
    return replace(best, span=span, signals=known, flags=_one_flags(findings, span), origin=origin)


def _one_event(events: Sequence[Event]) -> Event:
    span = _one_span([_Told.of(event) for event in events])
    longest = max(events, key=lambda event: event.span.length)
    origin = _one_origin([event.origin for event in events])
    return replace(longest, span=span, flags=_one_flags(events, span), origin=origin)


def _time(answer: Finding | Event | Scene) -> tuple[Fraction, Fraction]:
    return answer.span.start, answer.span.end
