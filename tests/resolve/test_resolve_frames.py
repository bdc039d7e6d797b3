"""For any markers and cuts: what is in the simulated Resolve afterwards are the edit's frames, and all that was there.

The simulation itself is held to what is reported of the real bridge, so that a careless caller fails with it.
"""

from __future__ import annotations

import copy
from fractions import Fraction
from pathlib import Path

import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from marlin_edit.analysis import Analysis, Asked, Event, Finding
from marlin_edit.edit import Cut, Edit, frames_of
from marlin_edit.markers import MarkerColour
from marlin_edit.media import MediaInfo
from marlin_edit.timebase import FrameRange, FrameRate, Span
from marlin_edit_exporters.timelines.resolve_markers import _COLOURS
from marlin_edit_resolve.apply import delivered
from marlin_edit_resolve.marker_plan import COLOURS
from marlin_edit_resolve.request import Request
from tests.support.resolve_fake.bridge import MediaPoolItem, Resolve, Timeline, TimelineItem
from tests.support.resolve_fake.signatures import stubs
from tests.support.resolve_fake.world import Mark, World, frame_of, label_of
from tests.support.timeline_readers import MODEL, NASTY, RATES, media_at

VERSIONS = [(18, 6, 6), (19, 0, 0), (19, 1, 4), (21, 0, 0)]
SECONDS = 20
PLAIN = {"23.976": "23.976", "29.97 DF": "29.97", "59.94 DF": "59.94"}


@st.composite
def analyses(draw: st.DrawFn, rate: FrameRate, queries: tuple[str, ...]) -> Analysis:
    def span() -> Span:
        start = draw(st.integers(0, SECONDS * 1000 - 1))
        return Span(Fraction(start, 1000), Fraction(start + draw(st.integers(1, 3000)), 1000))

    events = [Event(span(), draw(NASTY)) for _ in range(draw(st.integers(0, 6)))]
    findings = [Finding(span(), draw(st.sampled_from(queries))) for _ in range(draw(st.integers(0, 6)))]
    whole = (Span(Fraction(0), Fraction(SECONDS)),)
    asked = tuple(Asked(query, whole) for query in (None, *queries))
    media = media_at(rate, "a b.mov", SECONDS, start_frame=rate.frame_of("01:00:00:00"), fingerprint="f")
    return Analysis(media, MODEL, events=tuple(events), findings=tuple(findings), asked=asked)


def world_for(analysis: Analysis, version: tuple[int, int, int]) -> World:
    rate = analysis.media.rate
    assert rate is not None
    fps = PLAIN.get(rate.name, rate.name)
    world = World(version=version, fps=fps, drop=rate.drop_frame)
    world.add_clip(analysis.media.path, float(fps), analysis.media.frame_count)
    return world


def run(world: World, edit: Edit, **request: bool) -> list[str]:
    receipt = delivered(Resolve(world), edit, Request(**request))  # type: ignore[arg-type]
    assert not world.faults, world.faults
    return list(receipt.missing)


def wanted(analysis: Analysis) -> list[tuple[int, int]]:
    """The frames of everything that is to be marked."""
    spans = [event.span for event in analysis.events] + [finding.span for finding in analysis.findings]
    frames = [frames_of(span, analysis.media) for span in spans]
    return sorted((one.first, one.stop) for one in frames)


@given(st.data())
@settings(max_examples=100)
def test_markers_are_on_their_frames_and_nobody_elses_is_touched(data: st.DataObject) -> None:
    rate = data.draw(st.sampled_from(RATES))
    analysis = data.draw(analyses(rate, ("dog", "cat")))
    world = world_for(analysis, data.draw(st.sampled_from(VERSIONS)))
    clip = world.pool[0]
    theirs = {
        frame: Mark("Red", "mine", "", 1, data.draw(st.sampled_from(["", "other tool 7"])))
        for frame in data.draw(st.sets(st.integers(0, clip.frames - 1), max_size=5))
    }
    clip.markers = copy.deepcopy(theirs)
    edit = Edit("x", rate, 0, (analysis,))
    missing = run(world, edit)

    ours = {frame: mark for frame, mark in clip.markers.items() if mark.custom.startswith("marlin-edit/1")}
    assert {frame: mark for frame, mark in clip.markers.items() if frame not in ours} == theirs
    assert len(ours) + len([one for one in missing if one.startswith("no marker for")]) == len(wanted(analysis))
    ends = {stop for _, stop in wanted(analysis)}
    for frame, mark in ours.items():
        assert frame + mark.duration in ends
        assert any(first <= frame < stop for first, stop in wanted(analysis))
        assert frame == min(first for first, stop in wanted(analysis) if stop == frame + mark.duration) or any(
            other in clip.markers for other in range(frame)
        )
    if not theirs and len({first for first, _ in wanted(analysis)}) == len(wanted(analysis)):
        assert sorted((frame, frame + mark.duration) for frame, mark in ours.items()) == wanted(analysis)

    after = copy.deepcopy(clip.markers)
    assert run(world, edit) == missing
    assert clip.markers == after


@given(st.data())
@settings(max_examples=60)
def test_a_later_run_leaves_only_what_is_true_now(data: st.DataObject) -> None:
    rate = FrameRate.parse("25")
    version = data.draw(st.sampled_from(VERSIONS))
    first, second = (data.draw(analyses(rate, ("dog",))) for _ in range(2))
    other = data.draw(analyses(rate, ("cat",)))
    other = Analysis(other.media, MODEL, findings=other.findings, asked=other.asked[1:])
    world, fresh = world_for(first, version), world_for(first, version)
    missing = [one for analysis in (first, other, second) for one in run(world, Edit("x", rate, 0, (analysis,)))]
    missing += [one for analysis in (other, second) for one in run(fresh, Edit("x", rate, 0, (analysis,)))]
    assume(not missing)  # where every marker finds room, the first run has left nothing
    names = [sorted(mark.name for mark in one.pool[0].markers.values()) for one in (world, fresh)]
    assert names[0] == names[1]


@given(st.data())
@settings(max_examples=80)
def test_cuts_and_the_markers_on_their_timeline_are_the_edits_frames(data: st.DataObject) -> None:
    rate = data.draw(st.sampled_from(RATES))
    analysis = data.draw(analyses(rate, ("dog",)))
    world = world_for(analysis, data.draw(st.sampled_from(VERSIONS)))
    if data.draw(st.booleans()):
        world.end_left_out = data.draw(st.booleans())
    if data.draw(st.booleans()):
        world.fps, world.drop = "24", False
    count = analysis.media.frame_count
    cuts = []
    for _ in range(data.draw(st.integers(1, 6))):
        begin = data.draw(st.integers(0, count - 1))
        frames = FrameRange(begin, data.draw(st.integers(begin + 1, count)))
        cuts.append(Cut(analysis, frames, None, ""))
    start = data.draw(st.sampled_from(["00:00:00:00", "01:00:00:00", "23:59:50:00"]))
    edit = Edit("x", rate, rate.frame_of(start), (analysis,), tuple(cuts))
    missing = run(world, edit, on_timeline=True)
    assert all(one.startswith("no marker for") for one in missing)
    (line,) = world.lines
    told = [
        (record.first, cut.frames.count, cut.frames.first)
        for record, cut in zip(edit.record_ranges(), cuts, strict=True)
    ]
    assert line.cuts() == told
    shown = sorted(
        (
            record.first + max(first - cut.frames.first, 0) - edit.record_start,
            min(stop, cut.frames.stop) - max(first, cut.frames.first),
        )
        for record, cut in zip(edit.record_ranges(), cuts, strict=True)
        for first, stop in wanted(analysis)
        if first < cut.frames.stop and stop > cut.frames.first
    )
    assert len(line.markers) + len(missing) == len(shown)
    if len({frame for frame, _ in shown}) == len(shown):
        assert sorted((frame, mark.duration) for frame, mark in line.markers.items()) == shown
    before = copy.deepcopy(world.lines)
    assert run(world, edit, on_timeline=True) == missing
    assert world.lines == before


def test_a_cut_up_to_the_end_of_its_clip_is_put_on_whichever_way_the_out_point_goes() -> None:
    rate = FrameRate(Fraction(30000, 1001))
    media = MediaInfo(Path("/media/a b.mov"), rate.seconds(600), rate, frame_count=600, fingerprint="f")
    analysis = Analysis(media)
    for left_out in (True, False):
        world = world_for(analysis, (19, 0, 0))
        world.end_left_out = left_out
        edit = Edit("x", rate, 0, (analysis,), (Cut(analysis, FrameRange(0, 600), None, ""),))
        assert run(world, edit, on_timeline=True) == []
        assert [line.cuts() for line in world.lines] == [[(0, 600, 0)]]


def test_both_ways_into_resolve_use_the_same_colours() -> None:
    assert {colour: COLOURS[colour] for colour in MarkerColour} == _COLOURS


@pytest.mark.parametrize(
    ("arguments", "fault"),
    [
        ((5, "Blue", "name", "note", 1), "5 arguments"),
        ((5, "Orange", "name", "note", 1, ""), "color is 'Orange'"),
        ((5.0, "Blue", "name", "note", 1, ""), "frameId is 5.0"),
        ((5, "Blue", "name", None, 1, ""), "note is None"),
    ],
)
def test_the_simulation_knows_a_wrong_marker(arguments: tuple[object, ...], fault: str) -> None:
    world = World()
    item = MediaPoolItem(world, world.add_clip("/a.mov", 25.0, 100))
    assert item.AddMarker(*arguments) is None
    assert fault in world.faults[0]
    assert world.pool[0].markers == {}


def test_the_simulation_answers_to_any_name_and_knows_that_it_is_none() -> None:
    world = World(version=(18, 6, 0))
    clip = world.add_clip("/a.mov", 25.0, 100)
    item = MediaPoolItem(world, clip)
    assert hasattr(item, "PutMarker")
    assert item.PutMarker(1) is None
    line = world.add_line("x")
    placed = TimelineItem(world, line, world.put(line, clip, 0, 0, 10))
    assert placed.GetDuration(False) is None
    assert placed.GetSourceStartFrame() is None
    assert Timeline(world, line).AddTrack("captions") is None
    assert len(world.faults) == 5


def test_the_simulation_takes_one_marker_a_frame_and_gives_no_reason() -> None:
    world = World()
    item = MediaPoolItem(world, world.add_clip("/a.mov", 25.0, 100))
    assert item.AddMarker(5, "Blue", "one", "", 1, "") is True
    assert item.AddMarker(5, "Blue", "two", "", 1, "") is False
    assert item.AddMarker(100, "Blue", "past the end", "", 1, "") is False
    assert item.GetMarkers() == {5.0: {"color": "Blue", "duration": 1.0, "note": "", "name": "one", "customData": ""}}
    pool = Resolve(world).GetProjectManager().GetCurrentProject().GetMediaPool()
    assert pool.CreateEmptyTimeline("x").GetStartFrame() == 90_000
    assert pool.CreateEmptyTimeline("x") is None
    assert pool.ImportMedia([str(Path("/nowhere.mov"))]) == []
    assert not world.faults


@pytest.mark.parametrize("name", ["23.976", "24", "25", "29.97", "29.97 DF", "50", "59.94 DF", "60"])
def test_the_simulations_own_clock_and_ours_agree(name: str) -> None:
    rate = FrameRate.parse(name)
    fps = name.partition(" ")[0]
    for frame in (0, 1, 1799, 1800, 1801, 3597, 17_982, 107_892, 107_893, 1_000_000):
        label = label_of(frame, fps, rate.drop_frame)
        assert label == rate.timecode(frame)
        assert frame_of(label, fps, rate.drop_frame) == frame


def test_the_stubs_have_every_call_that_is_made() -> None:
    assert set(stubs().classes) >= {"Resolve", "ProjectManager", "Project", "MediaPool", "Folder", "MediaPoolItem"}
    assert len(stubs().classes["Timeline"]) > 50
