"""The timeline is read back by OpenTimelineIO: whole frames, at every rate, in the media's time code."""

from __future__ import annotations

import json
import subprocess
import sys
import time
from fractions import Fraction
from pathlib import Path
from typing import Any

import opentimelineio as otio
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from marlin_edit.analysis import Analysis, Event, Finding, ModelIdentity, Verdict
from marlin_edit.edit import Cut, Edit, frames_of
from marlin_edit.errors import MarlinEditError
from marlin_edit.interfaces import Context, Rendered
from marlin_edit.media import MediaInfo, Stream
from marlin_edit.settings import Settings
from marlin_edit.timebase import FrameRange, FrameRate, Span
from marlin_edit_exporters.timelines import edl, mlt, xmeml
from marlin_edit_exporters.timelines import otio as exporter
from tests.support.timeline_readers import context

RATES = [FrameRate.parse(name) for name in ("23.976", "24", "25", "29.97", "29.97df", "30", "50", "59.94", "59.94df")]
RATES += [FrameRate.parse(name) for name in ("60", "100", "119.88")]
NASTY = st.text(st.characters(exclude_categories=()), max_size=200)
SOUND = (Stream(0, "video", "h264"), Stream(1, "audio", "aac"))


def media_at(rate: FrameRate, name: str = "interview.mov", **facts: Any) -> MediaInfo:
    count = rate.base * 7200
    return MediaInfo(Path("/media") / name, rate.seconds(count), rate=rate, frame_count=count, **facts)


def rendered(edit: Edit) -> Rendered:
    return exporter.render(edit, Context(Settings({}), Path("/out/cuts.otio"), Path("/nowhere")))


def timeline_of(edit: Edit) -> Any:
    content = rendered(edit).content
    assert isinstance(content, str)
    return otio.adapters.read_from_string(content, "otio_json")


def whole(moment: Any, rate: FrameRate) -> int:
    """The frame number of a time, which must be a whole one at exactly the edit's rate."""
    assert moment.rate == float(rate.value)
    assert moment.value == int(moment.value)
    return int(moment.value)


def frames_of_range(found: Any, rate: FrameRate) -> tuple[int, int]:
    first = whole(found.start_time, rate)
    return first, first + whole(found.duration, rate)


def span(start: str, end: str) -> Span:
    return Span(Fraction(start), Fraction(end))


@st.composite
def spans(draw: st.DrawFn, longest: int) -> Span:
    start = draw(st.integers(0, longest * 1000 - 1))
    return Span(Fraction(start, 1000), Fraction(draw(st.integers(start + 1, start + 60_000)), 1000))


@st.composite
def edits(draw: st.DrawFn) -> Edit:
    rate = draw(st.sampled_from(RATES))
    starts = ("00:00:00:00", "01:00:00:00", "23:59:50:00")
    sources = []
    for name in draw(st.lists(st.sampled_from(["a b.mov", "100%#&'\".mp4", "ünïcode.mxf"]), min_size=1, unique=True)):
        media = media_at(
            rate,
            name,
            start_frame=rate.frame_of(draw(st.sampled_from(starts))),
            streams=draw(st.sampled_from([SOUND, SOUND[:1]])),
        )
        events = draw(st.lists(st.builds(Event, spans(7100), NASTY), max_size=4))
        findings = draw(st.lists(st.builds(Finding, spans(7100), NASTY), max_size=4))
        sources.append(Analysis(media, events=tuple(events), findings=tuple(findings)))
    cuts = []
    for _ in range(draw(st.integers(0, 5))):
        source = draw(st.sampled_from(sources))
        first = draw(st.integers(0, source.media.frame_count - 1))
        stop = draw(st.integers(first + 1, source.media.frame_count))
        cuts.append(Cut(source, FrameRange(first, stop), None, draw(NASTY)))
    return Edit(draw(NASTY), rate, rate.frame_of(draw(st.sampled_from(starts))), tuple(sources), tuple(cuts))


@given(edits())
@settings(max_examples=40, deadline=None)
def test_every_clip_read_back_names_the_frames_of_the_edit(edit: Edit) -> None:
    timeline = timeline_of(edit)
    start = whole(timeline.global_start_time, edit.rate)
    assert start == edit.record_start
    if edit.cuts:
        expected = [(cut.source.media, cut.frames) for cut in edit.cuts]
    else:
        expected = [(source.media, FrameRange(0, source.media.frame_count)) for source in edit.sources]
    position = start
    for track in timeline.tracks:
        heard = [len(media.streams) > 1 or track.kind == "Video" for media, _ in expected]
        clips = [item for item in track if not isinstance(item, otio.schema.Gap)]
        assert len(clips) == sum(heard)
        position = start
        for (media, frames), is_heard in zip(expected, heard, strict=True):
            begin = position
            position += frames.count
            if not is_heard:
                continue
            item = clips.pop(0)
            placed = frames_of_range(item.range_in_parent(), edit.rate)
            assert (start + placed[0], start + placed[1]) == (begin, position)
            offset = media.start_frame
            assert frames_of_range(item.source_range, edit.rate) == (offset + frames.first, offset + frames.stop)
            reference = item.media_reference
            assert reference.target_url == str(media.path)
            assert frames_of_range(reference.available_range, edit.rate) == (offset, offset + media.frame_count)


@given(edits())
@settings(max_examples=40, deadline=None)
def test_every_marker_lies_in_its_clip_and_on_the_frames_of_what_it_tells(edit: Edit) -> None:
    clips = list(timeline_of(edit).video_tracks()[0])
    sources = [cut.source for cut in edit.cuts] or list(edit.sources)
    for clip, source in zip(clips, sources, strict=True):
        first, stop = frames_of_range(clip.source_range, edit.rate)
        offset = source.media.start_frame
        spans_told = [event.span for event in source.events] + [finding.span for finding in source.findings]
        told = [frames_of(told_span, source.media) for told_span in spans_told]
        expected = sorted(
            (max(first, offset + frames.first), min(stop, offset + frames.stop))
            for frames in told
            if offset + frames.first < stop and offset + frames.stop > first
        )
        assert sorted(frames_of_range(marker.marked_range, edit.rate) for marker in clip.markers) == expected


def test_cuts_are_clips_with_their_markers() -> None:
    rate = FrameRate.parse("23.976")
    media = media_at(rate, start_frame=rate.frame_of("01:00:00:00"), streams=SOUND, reel="A001C002")
    model = ModelIdentity("NemoStation/Marlin-2B", "fd111fca", dtype="bfloat16")
    finding = Finding(span("14.3", "18.2"), "a door opens")
    event = Event(span("14", "15"), "A person pushes a door open.", flags=("widened",))
    source = Analysis(media, model, events=(event,), findings=(finding,))
    cut = Cut(source, frames_of(finding.span, media), finding, "a door opens")
    timeline = timeline_of(Edit("Selects", rate, rate.frame_of("01:00:00:00"), (source,), (cut,)))
    assert timeline.name == "Selects"
    assert [(track.name, track.kind, len(track)) for track in timeline.tracks] == [
        ("V1", "Video", 1),
        ("A1", "Audio", 1),
    ]
    clip = timeline.tracks[0][0]
    assert clip.name == "a door opens"
    assert frames_of_range(clip.source_range, rate) == (86400 + 343, 86400 + 437)
    assert clip.metadata["marlin-edit"] == {"reel": "A001C002", "kind": "finding", "query": "a door opens"}
    seen, found = clip.markers
    assert (seen.name, seen.color, frames_of_range(seen.marked_range, rate)) == (
        "A person pushes a door open.",
        "BLUE",
        (86400 + 343, 86400 + 360),
    )
    assert (
        seen.comment
        == "A person pushes a door open.; auto-generated by NemoStation/Marlin-2B fd111fca bfloat16 [#rpdhfejo@343+17]"
    )
    assert found.name == "a door opens"
    assert found.color == "GREEN"
    assert (
        found.comment
        == "a door opens; not scored; auto-generated by NemoStation/Marlin-2B fd111fca bfloat16 [#ke42ozss@343+94]"
    )
    assert dict(found.metadata["marlin-edit"]) == {
        "id": "ke42ozss",
        "kind": "finding",
        "query": "a door opens",
        "start": "14.3",
        "end": "18.2",
    }


def test_only_stock_schemas_are_used() -> None:
    rate = FrameRate.parse("25")
    source = Analysis(media_at(rate, streams=SOUND), events=(Event(span("1", "2"), "x"),))
    cuts = (Cut(source, FrameRange(0, 100), None, ""),)
    content = rendered(Edit("x", rate, 0, (source,), cuts)).content
    assert isinstance(content, str)
    schemas: set[str] = set()

    def collect(value: Any) -> None:
        if isinstance(value, dict):
            schemas.add(value.get("OTIO_SCHEMA", ""))
            for inner in value.values():
                collect(inner)
        elif isinstance(value, list):
            for inner in value:
                collect(inner)

    collect(json.loads(content))
    things = {"Timeline.1", "Stack.1", "Track.1", "Clip.2", "ExternalReference.1", "Marker.2"}
    assert schemas - {""} == things | {"TimeRange.1", "RationalTime.1"}


def test_without_cuts_the_whole_source_is_one_clip_with_all_markers() -> None:
    rate = FrameRate.parse("25")
    events = tuple(Event(span(str(second), str(second + 1)), f"event {second}") for second in range(10))
    timeline = timeline_of(Edit("x", rate, 0, (Analysis(media_at(rate), events=events),)))
    (clip,) = timeline.tracks[0]
    assert [marker.name for marker in clip.markers] == [event.text for event in events]
    assert len(timeline.tracks) == 1


def test_what_lies_in_no_cut_is_counted() -> None:
    rate = FrameRate.parse("25")
    events = (Event(span("1", "2"), "inside"), Event(span("50", "60"), "outside"))
    findings = (Finding(span("1", "2"), "rejected", verdict=Verdict.REJECTED), Finding(span("9000", "9001"), "past"))
    source = Analysis(media_at(rate), events=events, findings=findings)
    edit = Edit("x", rate, 0, (source,), (Cut(source, FrameRange(0, 100), None, ""),))
    assert rendered(edit).notes == (
        "1 rejected finding of interview.mov left out",
        "1 marker left out, after the end of interview.mov",
        "1 marker left out, outside all cuts",
    )


def test_a_source_without_a_known_length_is_refused_with_advice() -> None:
    rate = FrameRate.parse("25")
    source = Analysis(MediaInfo(Path("/media/a.mov"), Fraction(0), rate=rate))
    with pytest.raises(MarlinEditError, match="--media"):
        rendered(Edit("x", rate, 0, (source,)))


def test_a_source_at_another_rate_is_refused_with_advice() -> None:
    source = Analysis(media_at(FrameRate.parse("25")))
    edit = Edit("x", FrameRate.parse("24"), 0, (source,), (Cut(source, FrameRange(0, 10), None, ""),))
    for module in (edl, xmeml, mlt):
        with pytest.raises(MarlinEditError, match="Convert the source"):
            module.render(edit, context())


def test_ten_thousand_events_take_no_more_than_a_moment() -> None:
    rate = FrameRate.parse("25")
    events = tuple(Event(Span(Fraction(n, 2), Fraction(n, 2) + 3), f"event {n}") for n in range(10_000))
    source = Analysis(media_at(rate), events=events)
    begun = time.process_time()
    rendered(Edit("x", rate, 0, (source,)))
    assert time.process_time() - begun < 6


def test_offering_the_formats_loads_no_library() -> None:
    heavy = "{'opentimelineio', 'av', 'pysubs2', 'torch', 'numpy'}"
    code = f"import sys, marlin_edit_exporters; print(sorted({heavy} & set(sys.modules)))"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"
