"""Which cuts are made of what was found: merged, the best ones, their ends moved, none too long; in this order."""

from __future__ import annotations

from dataclasses import replace
from fractions import Fraction
from itertools import pairwise
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from marlin_edit.analysis import Analysis, Finding
from marlin_edit.cli import main
from marlin_edit.edit import Cut, Edit, best, edit_of_several, merged, score_of, shortened
from marlin_edit.media import MediaInfo
from marlin_edit.timebase import FrameNumber, FrameRange, FrameRate, Span
from tests.support.synthetic_video import make_video

RATE = FrameRate(Fraction(25))
SOURCE = Analysis(MediaInfo(Path("a.mov"), Fraction(40), RATE, 1000))
OTHER = Analysis(MediaInfo(Path("b.mov"), Fraction(40), RATE, 1000))


def cut(first: int, stop: int, name: str = "", score: float | None = None, source: Analysis = SOURCE) -> Cut:
    finding = Finding(Span(Fraction(first, 25), Fraction(stop, 25)), name, score) if name else None
    return Cut(source, FrameRange(first, stop), finding, name)


def ranges(cuts: tuple[Cut, ...]) -> list[tuple[int, int]]:
    return [(one.frames.first, one.frames.stop) for one in cuts]


@st.composite
def some_cuts(draw: st.DrawFn) -> list[Cut]:
    made = []
    for _ in range(draw(st.integers(0, 8))):
        first = draw(st.integers(0, 900))
        score = draw(st.one_of(st.none(), st.floats(0, 1)))
        source = draw(st.sampled_from([SOURCE, OTHER]))
        made.append(cut(first, first + draw(st.integers(1, 90)), draw(st.sampled_from(["", "a", "b"])), score, source))
    return made


def test_cuts_that_are_near_become_one_with_all_their_names() -> None:
    cuts = [cut(100, 150, "a door", 0.4), cut(10, 50, "a dog", 0.7), cut(60, 80, "a cat", 0.9), cut(300, 310, "a dog")]
    one, two = merged(cuts, FrameNumber(20))
    assert (one.frames, one.name) == (FrameRange(10, 150), "a door, a dog, a cat")
    assert one.finding is cuts[2].finding
    assert two == cuts[3]
    assert merged(cuts, Fraction(20, 25)) == (one, two)
    assert ranges(merged(cuts, FrameNumber(19))) == [(100, 150), (10, 80), (300, 310)]


def test_cuts_of_two_sources_are_never_one() -> None:
    cuts = [cut(0, 10), cut(10, 20, source=OTHER), cut(5, 12)]
    assert [(one.source.media.path.name, one.frames.count) for one in merged(cuts, FrameNumber(100))] == [
        ("a.mov", 12), ("b.mov", 10),
    ]  # fmt: skip


@given(cuts=some_cuts(), gap=st.one_of(st.integers(0, 50).map(FrameNumber), st.fractions(0, 2, max_denominator=50)))
def test_merging_loses_no_frame_and_leaves_none_that_are_near(cuts: list[Cut], gap: FrameNumber | Fraction) -> None:
    made = merged(cuts, gap)
    for source in (SOURCE, OTHER):
        kept = {frame for one in made if one.source is source for frame in range(one.frames.first, one.frames.stop)}
        for one in cuts:
            if one.source is source:
                assert set(range(one.frames.first, one.frames.stop)) <= kept
        mine = sorted((one.frames.first, one.frames.stop) for one in made if one.source is source)
        frames = gap.number if isinstance(gap, FrameNumber) else gap * 25
        assert all(later[0] - earlier[1] > frames for earlier, later in pairwise(mine))
    assert merged(made, gap) == made


@given(cuts=some_cuts(), most=st.integers(1, 10))
def test_the_best_are_those_that_no_other_beats_in_the_order_they_had(cuts: list[Cut], most: int) -> None:
    kept = best(cuts, most)
    assert len(kept) == min(most, len(cuts))
    places = [next(at for at, one in enumerate(cuts) if one is each) for each in kept]
    assert places == sorted(places)
    left = [one for at, one in enumerate(cuts) if at not in places]
    assert all(score_of(one) >= score_of(other) for one in kept for other in left)


def test_without_scores_the_first_are_kept() -> None:
    assert ranges(best([cut(50, 60, "a"), cut(1, 5, "b"), cut(70, 80, "c")], 2)) == [(50, 60), (1, 5)]
    assert ranges(best([cut(50, 60, "a"), cut(1, 5, "b"), cut(70, 80, "c", 0.1)], 1)) == [(70, 80)]


@given(frames=st.integers(1, 900), longest=st.integers(1, 900))
def test_no_cut_is_longer_than_wanted_and_its_beginning_is_kept(frames: int, longest: int) -> None:
    one = cut(100, 100 + frames)
    expected = FrameRange(100, 100 + min(frames, longest))
    assert shortened(one, FrameNumber(longest)).frames == expected
    assert shortened(one, Fraction(longest, 25)).frames == expected


def test_edits_of_several_sources_become_one() -> None:
    one = Edit("one", RATE, 90_000, (SOURCE,), (cut(1, 5),))
    other = Edit("other", RATE, 0, (OTHER,), (cut(7, 9, source=OTHER),))
    edit = edit_of_several([one, other])
    assert (edit.sources, edit.record_start, edit.title) == ((SOURCE, OTHER), 90_000, "one")
    assert [record.first for record in edit.record_ranges()] == [90_000, 90_004]


def test_a_cut_that_was_not_too_long_stays_as_it_is() -> None:
    one = replace(cut(5, 50), before_snap=FrameRange(6, 50))
    assert shortened(one, FrameNumber(45)) is one


def test_handles_come_first_then_merging_then_the_best_then_the_length(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(tmp_path)
    make_video(tmp_path / "a.mp4", frames=100, size=(96, 64), audio=0)
    options = ["--handles", "2f", "--merge-gap", "1f", "--top", "2", "--max-duration", "20f", "--dry-run"]
    spans = [word for span in ("10f-20f", "25f-30f", "50f-90f", "97f-99f") for word in ("--span", span)]
    assert main(["cut", "a.mp4", *spans, *options, "--out-dir", "clips", "--mode", "exact"]) == 0
    said = capfd.readouterr()
    assert "frames 8 to 27" in said.out
    assert "frames 48 to 67" in said.out
    assert said.out.count("frames ") == 2
    assert "4 cuts merged into 3 (at most 1 frame apart)" in said.err
    assert "kept the first 2 (there are no scores) of 3 cuts" in said.err
    assert "shortened 2 of 2 cuts to the first 20 frames" in said.err


@pytest.mark.parametrize(
    ("option", "value"),
    [("--top", "0"), ("--top", "many"), ("--max-duration", "0"), ("--merge-gap", "01:00:00:00"), ("--snap", "beats")],
)
def test_what_makes_no_sense_is_refused(
    option: str, value: str, tmp_path: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    assert main(["cut", str(tmp_path / "a.mp4"), "--span", "1-2", option, value]) == 2
    assert option in capfd.readouterr().err
