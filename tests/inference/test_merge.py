"""What several windows answered, told once: seams, overlaps, chains, and everything still there."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from fractions import Fraction
from itertools import pairwise
from random import Random

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from marlin_edit.analysis import Event, Finding, Origin, Scene, Verdict
from marlin_edit.inference.merge import AGREE, JOINED, merged_events, merged_findings, merged_scenes, same_words
from marlin_edit.inference.windows import maximal, windows_over
from marlin_edit.timebase import Span

STEP = Fraction(1, 2)
DOOR = "a door opens"


def span(start: str | float | Fraction, end: str | float | Fraction) -> Span:
    return Span(Fraction(start), Fraction(end))


def found(times: tuple[float, float], window: tuple[float, float], query: str = DOOR, raw: str = "") -> Finding:
    return Finding(span(*times), query, origin=Origin((span(*window),), raw or f"From {times[0]} to {times[1]}."))


def spans(findings: Sequence[Finding] | Sequence[Event] | Sequence[Scene]) -> list[tuple[float, float]]:
    return [(float(one.span.start), float(one.span.end)) for one in findings]


@pytest.mark.parametrize(
    ("answers", "told"),
    [
        # the vendor's merge makes 25-40 of this
        ([((20, 30), (0, 30)), ((25, 40), (20, 50))], [(20, 40)]),
        # both cut off by the seam of windows that only touch
        ([((20, 30), (0, 30)), ((30, 40), (30, 60))], [(20, 40)]),
        ([((20, 29.6), (0, 30)), ((30.4, 40), (30, 60))], [(20, 40)]),
        # cut off by the first window's end, whole in the second one
        ([((52, 60), (0, 60)), ((52, 66), (50, 110))], [(52, 66)]),
        # cut off by the second window's start, whole in the first one
        ([((45, 53), (0, 60)), ((50, 53), (50, 110))], [(45, 53)]),
        # an edge's own end is not believed against the window that saw further
        ([((40, 60), (0, 60)), ((50, 58), (50, 110))], [(40, 58)]),
        # seen by both: each end from the window that saw it from further inside
        ([((52, 57), (0, 60)), ((52.5, 57.5), (50, 110))], [(52, 57.5)]),
        # one long thing over many windows
        (
            [((30, 60), (0, 60)), ((50, 110), (50, 110)), ((100, 160), (100, 160)), ((150, 171), (150, 210))],
            [(30, 171)],
        ),
        # distinct: far apart, or one after the other in the overlap
        ([((10, 20), (0, 60)), ((90, 95), (50, 110))], [(10, 20), (90, 95)]),
        ([((51, 54), (0, 60)), ((56, 59), (50, 110))], [(51, 54), (56, 59)]),
        ([((52, 55.4), (0, 60)), ((54.8, 58), (50, 110))], [(52, 55.4), (54.8, 58)]),
        # ended before the seam in the one, begun after it in the other
        ([((50, 58), (0, 60)), ((60, 64), (60, 120))], [(50, 58), (60, 64)]),
        # a window told two things apart
        ([((10, 20), (0, 60)), ((20, 30), (0, 60))], [(10, 20), (20, 30)]),
        # a window that sees it all the time does not swallow what another one saw end
        ([((53, 55), (0, 60)), ((50, 110), (50, 110))], [(50, 110), (53, 55)]),
    ],
)
def test_findings_over_seams(
    answers: list[tuple[tuple[float, float], tuple[float, float]]], told: list[tuple[float, float]]
) -> None:
    findings = [found(times, window) for times, window in answers]
    assert spans(merged_findings(findings)) == told
    assert spans(merged_findings(findings[::-1])) == told
    events = [Event(one.span, "A door opens.", origin=one.origin) for one in findings]
    assert spans(merged_events(events)) == told


def test_a_joined_finding_names_its_windows_in_order_and_keeps_every_answer() -> None:
    later = replace(found((50, 64), (50, 110), raw="From 0.0 to 14.0."), flags=("partial",))
    earlier = replace(found((40, 60), (0, 60), raw="From 40.0 to 63.0."), flags=("clamped",))
    (joined,) = merged_findings([later, earlier])
    assert joined.origin == Origin((span(0, 60), span(50, 110)), "From 40.0 to 63.0.", ("From 0.0 to 14.0.",))
    assert joined.flags == ("partial", JOINED)
    assert merged_findings([found((1, 2), (0, 60))])[0].flags == ()


def test_an_end_that_no_window_saw_stays_clamped() -> None:
    first = replace(found((40, 60), (0, 60)), flags=("clamped",))
    second = replace(found((50, 110), (50, 110)), flags=("clamped",))
    (joined,) = merged_findings([first, second])
    assert joined.flags == ("clamped", JOINED)


def test_other_queries_other_verdicts_and_findings_of_unknown_windows_stay_apart() -> None:
    first, second = found((20, 30), (0, 30)), found((25, 40), (20, 50))
    assert len(merged_findings([first, replace(second, query="a dog runs")])) == 2
    assert len(merged_findings([first, replace(second, verdict=Verdict.REJECTED)])) == 2
    assert len(merged_findings([first, replace(second, origin=Origin())])) == 2


def test_the_best_score_counts() -> None:
    first = replace(found((20, 30), (0, 30)), score=0.4, signals={"judge": -1.0})
    second = replace(found((25, 40), (20, 50)), score=0.9, signals={"judge": -0.1})
    (joined,) = merged_findings([first, second])
    assert (joined.score, joined.signals) == (0.9, {"judge": -0.1})


def test_same_words_are_the_same_without_case_marks_and_articles_and_one_other_word_is_another_thing() -> None:
    assert same_words("A red circle moves across the picture.") == same_words("the red  circle moves across a picture")
    assert same_words("A red circle moves.") != same_words("A red square moves.")
    assert same_words("Ein rotes „Quadrat“") == ("ein", "rotes", "quadrat")
    assert same_words("?!") != same_words("...")
    assert same_words("A") == ("a",)


def test_events_of_other_words_stay_two_and_the_longest_answers_words_are_told() -> None:
    window, after = Origin((span(0, 60),), "one"), Origin((span(50, 110),), "two")
    circle = Event(span(52, 60), "A red circle moves across the picture", origin=window)
    again = Event(span(52, 66), "the red circle moves across the picture.", origin=after)
    square = Event(span(52, 60), "A red square moves across the picture", origin=after)
    told = merged_events([circle, square, again])
    assert [(one.text, *pair) for one, pair in zip(told, spans(told), strict=True)] == [
        ("A red square moves across the picture", 52, 60),
        ("the red circle moves across the picture.", 52, 66),
    ]


def test_scenes_stay_one_a_window_but_neighbours_in_the_same_words_are_one() -> None:
    windows = [span(0, 60), span(50, 110), span(100, 160), span(150, 210)]
    texts = ["A kitchen.", "a kitchen", "A garden.", "A kitchen."]
    scenes = [Scene(one, text, Origin((one,), f"{text} raw")) for one, text in zip(windows, texts, strict=True)]
    told = merged_scenes(scenes)
    assert spans(told) == [(0, 110), (100, 160), (150, 210)]
    assert told[0].origin == Origin(tuple(windows[:2]), "A kitchen. raw", ("a kitchen raw",))
    assert merged_scenes(told) == told


# Truthful windows ----------------------------------------------------------------------------------------------------

TENTHS = st.integers(min_value=0, max_value=3000).map(lambda number: Fraction(number, 10))


@st.composite
def truths(draw: st.DrawFn) -> list[Span]:
    """Things that take place one after another, more than a second apart, each a second long at least."""
    told: list[Span] = []
    clock = Fraction(0)
    for _ in range(draw(st.integers(min_value=0, max_value=8))):
        start = clock + draw(st.integers(min_value=0, max_value=400)) / Fraction(10)
        end = start + 1 + draw(st.one_of(st.integers(0, 100), st.integers(0, 2000))) / Fraction(10)
        told.append(Span(start, end))
        clock = end + Fraction(11, 10)
    return told


@st.composite
def layouts(draw: st.DrawFn, end: Fraction = Fraction(2800)) -> tuple[Span, ...]:
    length = Fraction(draw(st.integers(min_value=8, max_value=120)))
    overlap = draw(st.integers(min_value=0, max_value=60)) / Fraction(2)
    return windows_over(Span(Fraction(0), end), length, overlap, STEP)


@settings(max_examples=40, deadline=None)
@given(truths(), layouts())
def test_of_truthful_windows_each_thing_is_told_once_exactly(true: list[Span], windows: tuple[Span, ...]) -> None:
    answers = []
    for window in windows:
        for one in true:
            seen = one.within(window)
            if seen is not None:
                answers.append(Finding(seen, DOOR, origin=Origin((window,), f"{seen}")))
    assert [finding.span for finding in merged_findings(answers)] == true


@settings(max_examples=40, deadline=None)
@given(truths(), layouts(), st.randoms(use_true_random=False))
def test_of_windows_that_are_off_by_half_a_second_each_thing_is_still_told_once(
    true: list[Span], windows: tuple[Span, ...], chance: Random
) -> None:
    true = [Span(one.start, one.end + 2) for one in true if one.length > 3]
    true = [
        one for one, before in zip(true, [None, *true], strict=False) if before is None or one.start > before.end + 3
    ]
    answers = []
    for window in windows:
        for one in true:
            seen = one.within(window)
            if seen is not None and seen.length > 1:  # what is there for less is overlooked
                start = seen.start if seen.start == window.start else seen.start + chance.randint(-5, 5) / Fraction(10)
                end = seen.end if seen.end == window.end else seen.end + chance.randint(-5, 5) / Fraction(10)
                start, end = max(start, window.start), min(end, window.end)
                answers.append(Finding(Span(start, end), DOOR, origin=Origin((window,), "")))
    told = merged_findings(answers)
    assert len(told) == len(true)
    for finding, one in zip(told, true, strict=True):
        assert abs(finding.span.start - one.start) <= AGREE
        assert abs(finding.span.end - one.end) <= AGREE


# Whatever windows say ------------------------------------------------------------------------------------------------


@st.composite
def anything(draw: st.DrawFn) -> list[Finding]:
    """Answers that have nothing to do with each other, or with any truth."""
    windows = draw(layouts(Fraction(300)))
    findings = []
    for number in range(draw(st.integers(min_value=0, max_value=14))):
        window = draw(st.sampled_from(windows))
        tenths = int(window.length * 10)
        first = draw(st.integers(min_value=0, max_value=tenths - 1))
        stop = draw(st.one_of(st.just(tenths), st.integers(min_value=first + 1, max_value=tenths)))
        told = Span(window.start + Fraction(first, 10), window.start + Fraction(stop, 10))
        query = draw(st.sampled_from([DOOR, "a dog runs"]))
        findings.append(Finding(told, query, origin=Origin((window,), f"answer {number}")))
    return findings


@settings(max_examples=80, deadline=None)
@given(anything())
def test_nothing_vanishes_and_joining_again_changes_nothing(findings: list[Finding]) -> None:
    told = merged_findings(findings)
    answers = [raw for one in told for raw in (one.origin.raw, *one.origin.more)]
    assert sorted(answers) == sorted(one.origin.raw for one in findings)
    for one in told:
        parts = [part for part in findings if part.origin.raw in (one.origin.raw, *one.origin.more)]
        assert {part.query for part in parts} == {one.query}
        assert set(one.origin.windows) == {part.origin.windows[0] for part in parts}
        assert min(part.span.start for part in parts) <= one.span.start
        assert one.span.end <= max(part.span.end for part in parts)
        assert (JOINED in one.flags) == (len(parts) > 1)
    assert [one.span.start for one in told] == sorted(one.span.start for one in told)
    assert merged_findings(told) == told


@settings(max_examples=40, deadline=None)
@given(anything(), st.randoms(use_true_random=False))
def test_the_order_of_the_answers_does_not_matter(findings: list[Finding], chance: Random) -> None:
    shuffled = list(findings)
    chance.shuffle(shuffled)

    def told(answers: list[Finding]) -> list[tuple[str, Span]]:
        found = [(one.query, one.span) for one in merged_findings(answers)]
        return sorted(found, key=lambda one: (one[0], one[1].start, one[1].end))

    assert told(shuffled) == told(findings)


# Windows -------------------------------------------------------------------------------------------------------------


@settings(max_examples=100, deadline=None)
@given(
    TENTHS,
    st.integers(min_value=1, max_value=40_000).map(lambda number: Fraction(number, 24)),
    st.integers(min_value=4, max_value=120),
    st.integers(min_value=0, max_value=80),
    st.sampled_from([STEP, Fraction(1, 3), Fraction(1)]),
)
def test_windows_show_everything_on_one_grid(
    start: Fraction, length: Fraction, window: int, overlap: int, step: Fraction
) -> None:
    wanted = Span(start, start + length)
    longest = 2 * step * window
    windows = windows_over(wanted, longest, Fraction(overlap), step)
    assert maximal(windows) == (wanted,)
    assert all(one.length <= longest for one in windows)
    assert all(((one.start - start) / (2 * step)).denominator == 1 for one in windows)
    assert [one.start for one in windows] == sorted({one.start for one in windows})
    for one, following in pairwise(windows):
        assert ((one.end - one.start) / (2 * step)).denominator == 1
        assert one.end - following.start == min(Fraction(overlap), longest / 2) // (2 * step) * 2 * step
    if len(windows) > 1:
        assert min(one.length for one in windows) >= 4 * step
        assert windows[-1].length >= longest / 2


@pytest.mark.parametrize(
    ("length", "windows"),
    [
        ("60", [(0, 60)]),
        ("60.1", [(0, 35), (25, 60.1)]),
        ("115", [(0, 60), (50, 87), (77, 115)]),
        ("160", [(0, 60), (50, 110), (100, 160)]),
        ("140", [(0, 60), (50, 110), (100, 140)]),
    ],
)
def test_the_last_window_is_never_a_scrap(length: str, windows: list[tuple[float, float]]) -> None:
    made = windows_over(span(0, length), Fraction(60), Fraction(10), STEP)
    assert [(float(one.start), float(one.end)) for one in made] == windows
