"""Spans become frames by one rule, and cuts follow one another in the finished programme."""

from __future__ import annotations

from fractions import Fraction
from itertools import pairwise
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from marlin_edit.analysis import Analysis, Finding, Verdict
from marlin_edit.edit import Cut, Edit, cuts_of_findings, cuts_of_spans, edit_of, frames_of, is_accepted, widened
from marlin_edit.errors import MarlinEditError
from marlin_edit.media import FrameTimes, MediaInfo, probe
from marlin_edit.timebase import TOLERANCE, FrameNumber, FrameRange, FrameRate, Span
from tests.support.synthetic_video import frame_indices, make_video


def steady(rate: str = "25", frames: int = 1500, **more: Any) -> MediaInfo:
    counting = FrameRate.parse(rate)
    return MediaInfo(Path("a.mov"), counting.seconds(frames), counting, frames, **more)


def unsteady() -> MediaInfo:
    """Frames at 0, 0.7, 2 and 2.1 s; the last ends at 3 s."""
    times = FrameTimes((0, 7, 20, 21), Fraction(1, 10))
    return MediaInfo(Path("a.mov"), Fraction(3), FrameRate(Fraction(25)), 4, times=times)


def span(start: str, end: str) -> Span:
    return Span(Fraction(start), Fraction(end))


@pytest.mark.parametrize(
    ("rate", "start", "end", "first", "stop"),
    [
        ("25", "0", "1", 0, 25),
        ("25", "1", "2", 25, 50),
        ("25", "14.3", "18.2", 358, 455),
        ("23.976", "10", "20", 240, 480),
        ("29.97df", "14.3", "18.2", 429, 546),
        ("25", "1.00005", "2.00005", 25, 50),
        ("25", "1.0002", "2.0002", 26, 51),
        ("100", "0.005", "0.015", 1, 2),
    ],
)
def test_frames_belong_to_the_span_in_which_they_are_presented(
    rate: str, start: str, end: str, first: int, stop: int
) -> None:
    assert frames_of(span(start, end), steady(rate)) == FrameRange(first, stop)


def test_a_span_between_two_frames_still_has_one() -> None:
    assert frames_of(span("1.001", "1.002"), steady()) == FrameRange(26, 27)


def test_an_end_past_the_last_frame_is_the_end_of_the_media() -> None:
    assert frames_of(span("59", "100"), steady()) == FrameRange(1475, 1500)
    assert frames_of(span("2.05", "100"), unsteady()) == FrameRange(3, 4)


def test_a_span_after_the_end_is_refused() -> None:
    for media in (steady(), unsteady()):
        with pytest.raises(MarlinEditError, match="the span begins at"):
            frames_of(span("60", "61"), media)


def test_media_without_picture_have_no_frames_to_cut() -> None:
    with pytest.raises(MarlinEditError, match="no picture"):
        frames_of(span("0", "1"), MediaInfo(Path("a.wav"), Fraction(60)))


@pytest.mark.parametrize(
    ("start", "end", "first", "stop"),
    [("0", "3", 0, 4), ("0.1", "2", 1, 2), ("0", "0.7", 0, 1), ("0.70005", "2.1", 1, 3), ("1", "1.5", 2, 3)],
)
def test_frames_of_unsteady_media_go_by_their_own_times(start: str, end: str, first: int, stop: int) -> None:
    assert frames_of(span(start, end), unsteady()) == FrameRange(first, stop)


@given(
    rate=st.sampled_from(["23.976", "24", "25", "29.97df", "30", "50", "59.94", "60", "100", "119.88"]),
    cuts=st.lists(st.fractions(0, 50, max_denominator=1000), min_size=2, max_size=6, unique=True),
)
def test_spans_that_touch_give_frames_that_touch(rate: str, cuts: list[Fraction]) -> None:
    media = steady(rate, 10_000)
    cuts.sort()
    ranges = [frames_of(Span(start, end), media) for start, end in pairwise(cuts)]
    for (before, after), start in zip(pairwise(ranges), cuts[1:], strict=False):
        one_frame_only = before.count == 1
        assert before.stop == after.first or (one_frame_only and before.first == after.first)
        assert media.time_of(after.first) >= start - TOLERANCE


@given(first=st.integers(0, 1498), count=st.integers(1, 500), rate=st.sampled_from(["23.976", "25", "59.94df"]))
def test_the_span_of_a_cut_gives_its_frames_again(first: int, count: int, rate: str) -> None:
    media = steady(rate)
    frames = FrameRange(first, min(first + count, 1500))
    assert frames_of(Cut(Analysis(media), frames, None, "").span, media) == frames


def test_the_span_of_a_cut_gives_its_frames_again_at_a_varying_rate() -> None:
    media = unsteady()
    for first in range(4):
        for stop in range(first + 1, 5):
            cut = Cut(Analysis(media), FrameRange(first, stop), None, "")
            assert frames_of(cut.span, media) == FrameRange(first, stop)
    assert Cut(Analysis(media), FrameRange(1, 4), None, "").span == span("0.7", "3")


@pytest.mark.parametrize("name", ["a.mp4", "b.mkv", "c.ts"])
def test_the_frames_of_a_span_are_those_that_decoding_shows_in_it(name: str, tmp_path: Path) -> None:
    settings: dict[str, Any] = {"a.mp4": {"hidden": 5}, "b.mkv": {"rate": "24000/1001"}, "c.ts": {"start": Fraction(9)}}
    path = make_video(tmp_path / name, frames=50, size=(160, 90), **settings[name])
    media = probe(path)
    shown = frame_indices(path)
    start, end = Fraction("0.52"), Fraction("1.31")
    frames = frames_of(Span(start, end), media)
    # No frame lies near an end of this span, so that a clock of milliseconds does not matter.
    inside = [index for pts, index in shown if start <= pts - media.zero < end]
    assert [index for _, index in shown[frames.first : frames.stop]] == inside


def test_record_ranges_follow_one_another_from_the_record_start() -> None:
    source = Analysis(steady())
    cuts = tuple(Cut(source, FrameRange(*ends), None, "") for ends in ((100, 150), (0, 1), (120, 200)))
    edit = Edit("title", FrameRate(Fraction(25)), 90_000, (source,), cuts)
    assert edit.record_ranges() == (FrameRange(90_000, 90_050), FrameRange(90_050, 90_051), FrameRange(90_051, 90_131))
    assert Edit("title", FrameRate(Fraction(25)), 0, (source,)).record_ranges() == ()


def test_an_edit_starts_at_one_hour_as_its_rate_counts() -> None:
    assert edit_of(Analysis(steady())).record_start == 90_000
    assert edit_of(Analysis(steady("29.97df"))).record_start == 107_892
    assert edit_of(Analysis(steady("29.97"))).record_start == 108_000
    assert edit_of(Analysis(steady())).title == "a"


def test_handles_widen_and_stay_inside_the_media() -> None:
    assert widened(span("1", "2"), steady(), FrameNumber(12)) == FrameRange(13, 62)
    assert widened(span("1", "2"), steady(), Fraction(1, 2)) == FrameRange(13, 63)
    assert widened(span("0.2", "59.9"), steady(), FrameNumber(12)) == FrameRange(0, 1500)
    assert widened(span("0.2", "59.9"), steady(), Fraction(3)) == FrameRange(0, 1500)


def test_a_persons_word_comes_before_the_score() -> None:
    finding = Finding(span("1", "2"), "a door opens", score=0.4)
    assert not is_accepted(finding, 0.5)
    assert is_accepted(finding, 0.4)
    assert is_accepted(finding, None)
    assert is_accepted(Finding(span("1", "2"), "a door opens"), 0.5)
    assert is_accepted(Finding(span("1", "2"), "q", score=0.1, verdict=Verdict.ACCEPTED), 0.5)
    assert not is_accepted(Finding(span("1", "2"), "q", score=0.9, verdict=Verdict.REJECTED), 0.5)


def test_accepted_findings_become_cuts_in_order_of_time() -> None:
    findings = (
        Finding(span("5", "6"), "late"),
        Finding(span("1", "2"), "early"),
        Finding(span("3", "4"), "refused", verdict=Verdict.REJECTED),
    )
    cuts = cuts_of_findings(Analysis(steady(), findings=findings))
    assert [(cut.name, cut.frames) for cut in cuts] == [("early", FrameRange(25, 50)), ("late", FrameRange(125, 150))]
    assert cuts[0].finding is findings[1]


def test_spans_of_a_person_become_cuts_in_the_order_given() -> None:
    cuts = cuts_of_spans(Analysis(steady()), [span("5", "6"), span("1", "2")])
    assert [cut.frames.first for cut in cuts] == [125, 25]
