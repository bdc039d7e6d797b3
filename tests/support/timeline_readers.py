"""Random edits, and what other readers make of the files that they are written to: cuts and markers in whole frames.

Each reader gives the same: `Clip`s in record order. Source frames count from the source's zero, record frames from
00:00:00:00.
"""

from __future__ import annotations

import io
import re
from collections.abc import Sequence
from dataclasses import dataclass
from fractions import Fraction
from pathlib import Path
from typing import Any
from xml.etree import ElementTree as ET

import opentimelineio as otio
import pycmx
from hypothesis import strategies as st

from marlin_edit.analysis import Analysis, Event, Finding, ModelIdentity
from marlin_edit.edit import Cut, Edit, frames_of
from marlin_edit.interfaces import Context
from marlin_edit.media import FrameTimes, MediaInfo, Stream
from marlin_edit.settings import Settings, Value
from marlin_edit.timebase import FrameRange, FrameRate, Span

RATES = [FrameRate.parse(name) for name in ("23.976", "25", "29.97", "29.97df", "59.94", "59.94df", "60")]
STARTS = ("00:00:00:00", "01:00:00:00", "23:59:50:00")
NAMES = ("a b.mov", "100%#&'\".mp4", "Été à la mer.mxf", "日本 ?;=.mov", "<i>.mp4", r"C:\Media\B roll\a#1.mov")
NASTY = st.text(st.characters(exclude_categories=()), max_size=60) | st.sampled_from(
    [
        "a\n001  AX       V     C",
        "|C:ResolveColorRed |M:x |D:1",
        "\tV1\tred\t",
        "</name><marker/>&amp;",
        "]]><!-- x -->",
        "=HYPERLINK(1)",
        "12 * 3",
        "[#abcdefgh@1+2]",
        "\\=;#\n[CHAPTER]",
        "A" * 3000,
    ]
)
SILENT = (Stream(0, "video", "h264"),)
MONO = (*SILENT, Stream(1, "audio", "aac", detail="48000 Hz mono"))
TWO = (*SILENT, Stream(1, "audio", "pcm_s16le", detail="48000 Hz stereo"), Stream(2, "audio", "pcm_s16le"))
MODEL = ModelIdentity("NemoStation/Marlin-2B", "fd111fca", dtype="bfloat16")


@dataclass(frozen=True)
class Clip:
    """A cut as a reader understood it, and its markers' names and source frames. `source_start` is its time code's."""

    first: int
    stop: int
    record: int
    source_start: int = 0
    markers: tuple[tuple[int, int], ...] = ()


def media_at(rate: FrameRate, name: str = "interview.mov", seconds: int = 7200, **facts: Any) -> MediaInfo:
    count = rate.base * seconds
    path = Path(name) if ":" in name else Path("/media") / name
    return MediaInfo(path, rate.seconds(count), rate=rate, frame_count=count, **facts)


def varying(rate: FrameRate, name: str, **facts: Any) -> MediaInfo:
    """Frames of which each third one lasts twice as long as the others."""
    pts = []
    now = 0
    for number in range(2000):
        pts.append(now)
        now += 2 if number % 3 == 0 else 1
    times = FrameTimes(tuple(pts), rate.seconds_per_frame)
    return MediaInfo(Path("/media") / name, now / rate.value, rate, len(pts), times=times, **facts)


@st.composite
def spans(draw: st.DrawFn, longest: int) -> Span:
    start = draw(st.integers(0, longest * 1000 - 1))
    return Span(Fraction(start, 1000), Fraction(draw(st.integers(start + 1, start + 60_000)), 1000))


@st.composite
def edits(draw: st.DrawFn, *, cut: bool | None = None) -> Edit:
    """Cut edits and whole sources, of one to three sources; `cut` wants the one or the other."""
    rate = draw(st.sampled_from(RATES))
    sources = []
    for name in draw(st.lists(st.sampled_from(NAMES), min_size=1, max_size=3, unique=True)):
        facts: dict[str, Any] = {
            "start_frame": rate.frame_of(draw(st.sampled_from(STARTS))),
            "streams": draw(st.sampled_from([SILENT, MONO, TWO])),
            "reel": draw(st.none() | st.sampled_from(["A001C002", "tape 1"])),
        }
        varies = ":" not in name and draw(st.booleans())
        media = varying(rate, name, **facts) if varies else media_at(rate, name, **facts)
        last = int(media.duration) - 1
        events = draw(st.lists(st.builds(Event, spans(last), NASTY), max_size=4))
        findings = draw(st.lists(st.builds(Finding, spans(last), NASTY), max_size=4))
        sources.append(Analysis(media, MODEL, events=tuple(events), findings=tuple(findings)))
    cuts = []
    fewest, most = {None: (0, 6), True: (1, 6), False: (0, 0)}[cut]
    for _ in range(draw(st.integers(fewest, most))):
        source = draw(st.sampled_from(sources))
        first = draw(st.integers(0, source.media.frame_count - 1))
        stop = draw(st.integers(first + 1, min(source.media.frame_count, first + 5000)))
        cuts.append(Cut(source, FrameRange(first, stop), draw(st.sampled_from((None, *source.findings))), draw(NASTY)))
    record_start = rate.frame_of(draw(st.sampled_from(STARTS)))
    return Edit(draw(NASTY), rate, record_start, tuple(sources), tuple(cuts))


def context(path: Path | None = Path("/out/cuts.xyz"), temporary: Path = Path("/nowhere"), **given: Any) -> Context:
    """What a format is rendered with, these settings among it."""
    return Context(Settings({name: Value(value) for name, value in given.items()}), path, temporary)


def expected(edit: Edit) -> list[Clip]:
    """What every reader should find."""
    placed = [(cut.source, cut.frames) for cut in edit.cuts] or [
        (source, FrameRange(0, source.media.frame_count)) for source in edit.sources
    ]
    clips = []
    record = edit.record_start
    for source, frames in placed:
        told = [event.span for event in source.events] + [finding.span for finding in source.findings]
        marked = [frames_of(span, source.media) for span in told]
        inside = [
            (max(mark.first, frames.first), min(mark.stop, frames.stop))
            for mark in marked
            if mark.first < frames.stop and mark.stop > frames.first
        ]
        start = source.media.start_frame
        clips.append(Clip(frames.first, frames.stop, record, start, tuple(sorted(inside))))
        record += frames.count
    return clips


def without_markers(clips: Sequence[Clip]) -> list[Clip]:
    return [Clip(clip.first, clip.stop, clip.record, clip.source_start) for clip in clips]


def on_timeline(clips: Sequence[Clip]) -> list[tuple[int, int]]:
    """Where all markers lie in the programme: record frame, and how many frames."""
    return sorted((clip.record + first - clip.first, stop - first) for clip in clips for first, stop in clip.markers)


def edl_clips(text: str, edit: Edit) -> list[tuple[int, int, int]]:
    """pycmx: source in, source out and record in, each within the day, as labels tell them."""
    edits_read = pycmx.parse_cmx3600(io.StringIO(text))
    assert not list(edits_read.unrecognized_statements)
    found = []
    for event in edits_read.events:
        (entry,) = event.edits
        found.append(tuple(edit.rate.frame_of(at) for at in (entry.source_in, entry.source_out, entry.record_in)))
    return found  # type: ignore[return-value]


def _whole(time: Any, rate: FrameRate) -> int:
    assert time.rate == float(rate.value)
    assert time.value == int(time.value)
    return int(time.value)


def otio_clips(timeline: Any, edit: Edit, *, file_relative_markers: bool) -> list[Clip]:
    """An OpenTimelineIO timeline, as its own reader or that of FCP 7 XML gives it: the clips of all picture tracks."""
    rate = edit.rate
    zero = _whole(timeline.global_start_time, rate)
    clips = []
    for track in timeline.video_tracks():
        for item in track.find_clips():
            start = _whole(item.media_reference.available_range.start_time, rate)
            first = _whole(item.source_range.start_time, rate) - start
            count = _whole(item.source_range.duration, rate)
            markers = []
            for marker in item.markers:
                begin = _whole(marker.marked_range.start_time, rate) - (0 if file_relative_markers else start)
                markers.append((begin, begin + max(1, _whole(marker.marked_range.duration, rate))))
            record = zero + _whole(item.range_in_parent().start_time, rate)
            clips.append(Clip(first, first + count, record, start, tuple(sorted(markers))))
    return sorted(clips, key=lambda clip: clip.record)


def xmeml_clips(text: str, edit: Edit) -> list[Clip]:
    timeline = otio.adapters.read_from_string(text, "fcp_xml")
    return otio_clips(timeline, edit, file_relative_markers=True)


def fcpxml_clips(text: str, edit: Edit) -> list[Clip]:
    """By rational arithmetic alone: every time must be a whole frame of the sequence."""
    root = ET.fromstring(text)
    formats = {one.get("id"): _seconds(one.get("frameDuration")) for one in root.iter("format")}
    assets = {one.get("id"): one for one in root.iter("asset")}
    (sequence,) = root.iter("sequence")
    assert formats[sequence.get("format")] == edit.rate.seconds_per_frame
    clips = []
    position = begin = _frame(sequence.get("tcStart"), edit)

    def clip_of(clip: ET.Element, record: int) -> Clip:
        asset = assets[clip.get("ref")]
        assert formats[asset.get("format")] == edit.rate.seconds_per_frame
        start = _frame(asset.get("start"), edit)
        first, count = _frame(clip.get("start"), edit) - start, _frame(clip.get("duration"), edit)
        assert 0 <= first < first + count <= _frame(asset.get("duration"), edit)
        markers = []
        for marker in clip.findall("marker"):
            at = _frame(marker.get("start"), edit) - start
            markers.append((at, at + _frame(marker.get("duration"), edit)))
        return Clip(first, first + count, record, start, tuple(sorted(markers)))

    (spine,) = sequence
    for item in spine:
        assert _frame(item.get("offset"), edit) == position
        assert item.get("lane") is None
        if item.tag == "asset-clip":
            clips.append(clip_of(item, position))
        for connected in item.findall("asset-clip"):
            assert int(connected.get("lane", "0")) > 0
            record = position + _frame(connected.get("offset"), edit) - _frame(item.get("start"), edit)
            assert position <= record < position + _frame(item.get("duration"), edit)
            clips.append(clip_of(connected, record))
        position += _frame(item.get("duration"), edit)
    assert _frame(sequence.get("duration"), edit) == position - begin
    return sorted(clips, key=lambda clip: clip.record)


def _seconds(text: str | None) -> Fraction:
    assert text is not None
    assert re.fullmatch(r"\d+(/\d+)?s", text)
    return Fraction(text[:-1])


def _frame(text: str | None, edit: Edit) -> int:
    frame = _seconds(text) * edit.rate.value
    assert frame.denominator == 1
    return int(frame)


def mlt_clips(text: str, edit: Edit) -> tuple[list[Clip], list[tuple[int, int]]]:
    """The clips, whose sources have no time code there, and the timeline's markers."""
    root = ET.fromstring(text)
    profile = root.find("profile")
    assert profile is not None
    assert Fraction(int(profile.get("frame_rate_num", "")), int(profile.get("frame_rate_den", ""))) == edit.rate.value
    (tractor,) = root.iter("tractor")
    playlists = {one.get("id"): one for one in root.iter("playlist")}
    clips = []
    for track in tractor.iter("track"):
        if track.get("hide") == "video":
            continue
        position = edit.record_start
        for item in playlists[track.get("producer")]:
            if item.tag == "blank":
                position += int(item.get("length", ""))
            elif item.tag == "entry":
                first, stop = int(item.get("in", "")), int(item.get("out", "")) + 1
                clips.append(Clip(first, stop, position))
                position += stop - first
    markers = []
    for marker in tractor.iterfind("properties/properties"):
        texts = {one.get("name"): one.text or "" for one in marker}
        first, last = int(texts["start"]), int(texts["end"])
        markers.append((edit.record_start + first, last - first + 1))
    return sorted(clips, key=lambda clip: clip.record), sorted(markers)
