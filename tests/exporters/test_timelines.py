"""Every timeline format names the same frames, at every rate, from every start time code, whatever names there are."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
from dataclasses import replace
from fractions import Fraction
from pathlib import Path
from typing import Any
from xml.etree import ElementTree as ET

import av
import numpy as np
import opentimelineio as otio
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from marlin_edit.analysis import Analysis, Event, Finding
from marlin_edit.cli import main
from marlin_edit.conform import file_name, file_stem, file_url, full_path
from marlin_edit.edit import Cut, Edit
from marlin_edit.errors import MarlinEditError
from marlin_edit.media import MediaInfo, Scan, Stream, probe
from marlin_edit.text import clean
from marlin_edit.timebase import FrameRange, FrameRate, Span
from marlin_edit.workflow.import_markers import apply_markers
from marlin_edit_exporters.timelines import avid, edl, fcpxml, mlt, otio_markers, otioz, resolve_markers, xmeml
from marlin_edit_exporters.timelines import otio as otio_format
from tests.support.programs import checker, melt
from tests.support.synthetic_video import frame_indices, make_video
from tests.support.timeline_readers import (
    MODEL,
    MONO,
    SILENT,
    TWO,
    context,
    edits,
    edl_clips,
    expected,
    fcpxml_clips,
    media_at,
    mlt_clips,
    on_timeline,
    otio_clips,
    without_markers,
    xmeml_clips,
)


def text_of(module: Any, edit: Edit, **given: Any) -> str:
    content = module.render(edit, context(**given)).content
    assert isinstance(content, str)
    return content


def span(start: str, end: str) -> Span:
    return Span(Fraction(start), Fraction(end))


@given(edits(cut=True))
@settings(max_examples=40)
def test_edl_names_the_frames_of_the_cuts(edit: Edit) -> None:
    day = edit.rate.frames_per_day
    told = [
        ((clip.source_start + clip.first) % day, (clip.source_start + clip.stop) % day, clip.record % day)
        for clip in expected(edit)
    ]
    assert edl_clips(text_of(edl, edit), edit) == told


@given(edits(), st.sampled_from(["together", "apart"]))
@settings(max_examples=60)
def test_final_cut_s_xml_names_the_frames_of_cuts_and_markers(edit: Edit, tracks: str) -> None:
    found = fcpxml_clips(text_of(fcpxml, edit, tracks=tracks), edit)
    if tracks == "apart" and not edit.cuts:
        assert set(without_markers(found)) == set(without_markers(expected(edit)))
        assert on_timeline(found) == on_timeline(expected(edit))
    else:
        assert found == expected(edit)


@given(edits(), st.sampled_from(["together", "apart"]))
@settings(max_examples=60)
def test_premiere_s_xml_names_the_frames_of_cuts_and_markers(edit: Edit, tracks: str) -> None:
    found = xmeml_clips(text_of(xmeml, edit, tracks=tracks), edit)
    if tracks == "apart" and not edit.cuts:
        assert set(without_markers(found)) == set(without_markers(expected(edit)))
        assert on_timeline(found) == on_timeline(expected(edit))
    else:
        assert found == expected(edit)


@given(edits(), st.sampled_from(["together", "apart"]), st.sampled_from(["resolve", "generic"]))
@settings(max_examples=60)
def test_otio_names_the_frames_of_cuts_and_markers(edit: Edit, tracks: str, profile: str) -> None:
    text = text_of(otio_format, edit, tracks=tracks, otio_profile=profile)
    timeline = otio.adapters.read_from_string(text, "otio_json")
    found = otio_clips(timeline, edit, file_relative_markers=False)
    if tracks == "apart" and not edit.cuts:
        assert set(without_markers(found)) == set(without_markers(expected(edit)))
        assert on_timeline(found) == on_timeline(expected(edit))
    else:
        assert found == expected(edit)


def as_the_library_writes_it(text: str) -> str:
    return str(otio.adapters.read_from_string(text, "otio_json").to_json_string(indent=1)) + "\n"


@given(edits(), st.sampled_from(["clips", "timeline"]))
@settings(max_examples=40)
def test_otio_is_what_the_library_itself_would_write(edit: Edit, markers_on: str) -> None:
    text = text_of(otio_format, edit, markers_on=markers_on)
    assert text == as_the_library_writes_it(text)


@pytest.mark.parametrize("score", [None, 0.0, 1e-7, 0.1 + 0.2, 1 / 3, 1.0])
def test_scores_and_flags_too_and_no_name_is_a_stand_in(score: float | None) -> None:
    rate = FrameRate.parse("29.97df")
    queries = ("stand-in0", 'say "\\"', "日本 é /")
    findings = tuple(Finding(span("1", "2"), query, score, flags=("moved", 'a "b"')) for query in queries)
    source = Analysis(media_at(rate, "stand-in0.mov"), findings=findings)
    text = text_of(otio_format, Edit("stand-in0", rate, 0, (source,)))
    assert text == as_the_library_writes_it(text)
    (clip,) = otio.adapters.read_from_string(text, "otio_json").find_clips()
    assert [marker.name for marker in clip.markers] == [clean(query) for query in queries]
    assert [marker.metadata["marlin-edit"].get("score") for marker in clip.markers] == [score] * 3


@given(edits(), st.sampled_from(["together", "apart"]))
@settings(max_examples=60)
def test_mlt_names_the_frames_of_cuts_and_markers(edit: Edit, tracks: str) -> None:
    clips, markers = mlt_clips(text_of(mlt, edit, tracks=tracks), edit)
    told = [replace(clip, source_start=0) for clip in without_markers(expected(edit))]
    assert (set(clips) if tracks == "apart" and not edit.cuts else clips) == (
        set(told) if tracks == "apart" and not edit.cuts else told
    )
    assert markers == on_timeline(expected(edit))


@given(edits())
@settings(max_examples=30)
def test_markers_can_stand_on_the_timeline_instead(edit: Edit) -> None:
    text = text_of(otio_format, edit, markers_on="timeline")
    timelines = [
        otio.adapters.read_from_string(text, "otio_json"),
        otio.adapters.read_from_string(text_of(xmeml, edit, markers_on="timeline"), "fcp_xml"),
    ]
    for timeline in timelines:
        assert not any(clip.markers for clip in timeline.find_clips())
        found = [
            (edit.record_start + int(marker.marked_range.start_time.value), int(marker.marked_range.duration.value))
            for marker in timeline.tracks.markers
        ]
        assert sorted((first, max(1, count)) for first, count in found) == on_timeline(expected(edit))


@given(edits())
@settings(max_examples=40)
def test_xml_is_what_elementtree_would_write(edit: Edit) -> None:
    for module, doctype in ((fcpxml, "\n<!DOCTYPE fcpxml>"), (xmeml, "\n<!DOCTYPE xmeml>"), (mlt, "")):
        text = text_of(module, edit, tracks="apart")
        root = ET.fromstring(text)
        ET.indent(root, " ")
        head = f'<?xml version="1.0" encoding="UTF-8"?>{doctype}\n'
        assert text == head + ET.tostring(root, encoding="unicode") + "\n"


@given(edits())
@settings(max_examples=40)
def test_no_text_becomes_an_element_or_an_attribute(edit: Edit) -> None:
    tags = {
        fcpxml: {"fcpxml", "resources", "format", "asset", "media-rep", "library", "event", "project", "sequence",
                 "spine", "asset-clip", "marker", "audio-channel-source"},
        mlt: {"mlt", "profile", "chain", "property", "properties", "playlist", "entry", "tractor", "track",
              "transition", "blank"},
    }  # fmt: skip
    shown = sum(len(clip.markers) for clip in expected(edit))
    for module, known in tags.items():
        root = ET.fromstring(text_of(module, edit))
        assert {element.tag for element in root.iter()} <= known
    assert len(list(ET.fromstring(text_of(fcpxml, edit)).iter("marker"))) == shown
    root = ET.fromstring(text_of(xmeml, edit))
    assert len(list(root.iter("marker"))) == shown
    names = [element.text or "" for element in root.iter("name")]
    assert all(clean(name) == name for name in names)


def test_links_of_premiere_s_xml_lead_to_clips_that_exist() -> None:
    rate = FrameRate.parse("25")
    loud, silent = Analysis(media_at(rate, "loud.mov", streams=TWO)), Analysis(media_at(rate, "silent.mov"))
    cuts = tuple(Cut(source, FrameRange(0, 10), None, "") for source in (silent, loud, loud, silent, loud))
    root = ET.fromstring(text_of(xmeml, Edit("x", rate, 0, (loud, silent), cuts)))
    items = {item.get("id"): item for item in root.iter("clipitem")}
    assert len(items) == len(list(root.iter("clipitem"))) == 5 + 3 * 4
    tracks = {kind: root.findall(f"sequence/media/{kind}/track") for kind in ("video", "audio")}
    assert (len(tracks["video"]), len(tracks["audio"])) == (1, 4)
    for item in items.values():
        for link in item.iterfind("link"):
            told = {one.tag: one.text or "" for one in link}
            track = tracks[told["mediatype"]][int(told["trackindex"]) - 1]
            assert track.findall("clipitem")[int(told["clipindex"]) - 1] is items[told["linkclipref"]]
    assert [len(item.findall("link")) for item in tracks["video"][0]] == [0, 5, 5, 0, 5]
    assert len([file for file in root.iter("file") if len(file)]) == 2


def test_windows_drives_and_shares_are_told_as_windows_tells_them() -> None:
    drive = MediaInfo(Path(r"C:\Media\B roll\Été #1 100%.mov"), Fraction(1))
    share = MediaInfo(Path(r"\\nas\cards\a.mov"), Fraction(1))
    assert full_path(drive) == r"C:\Media\B roll\Été #1 100%.mov"
    assert file_url(drive) == "file:///C:/Media/B%20roll/%C3%89t%C3%A9%20%231%20100%25.mov"
    assert (file_name(drive), file_stem(drive)) == ("Été #1 100%.mov", "Été #1 100%")
    assert file_url(share) == "file://nas/cards/a.mov"


def test_urls_are_encoded_and_names_are_not() -> None:
    rate = FrameRate.parse("23.976")
    source = Analysis(media_at(rate, "a b#1 & 100%.mov"))
    edit = Edit("x", rate, 0, (source,), (Cut(source, FrameRange(0, 10), None, ""),))
    asset = next(ET.fromstring(text_of(fcpxml, edit)).iter("asset"))
    assert asset.get("name") == "a b#1 & 100%.mov"
    assert asset[0].get("src") == "file:///media/a%20b%231%20%26%20100%25.mov"
    file = next(ET.fromstring(text_of(xmeml, edit)).iter("file"))
    assert (file.findtext("name"), file.findtext("pathurl")) == (
        "a b#1 & 100%.mov",
        "file://localhost/media/a%20b%231%20%26%20100%25.mov",
    )
    generic = otio.adapters.read_from_string(text_of(otio_format, edit, otio_profile="generic"), "otio_json")
    assert generic.find_clips()[0].media_reference.target_url == asset[0].get("src")


def test_rates_and_time_code_are_told_as_the_formats_want_them() -> None:
    rate = FrameRate.parse("29.97df")
    source = Analysis(media_at(rate, start_frame=rate.frame_of("23:59:50;00"), reel="A001"))
    edit = Edit("x", rate, rate.frame_of("01:00:00;00"), (source,), (Cut(source, FrameRange(600, 610), None, ""),))
    text = text_of(fcpxml, edit)
    assert 'frameDuration="1001/30000s"' in text
    assert 'tcStart="107999892/30000s" tcFormat="DF"' in text
    root = ET.fromstring(text_of(xmeml, edit))
    sequence = root.find("sequence/timecode")
    file = root.find(".//file/timecode")
    assert sequence is not None
    assert file is not None
    assert [sequence.findtext(tag) for tag in ("string", "frame", "displayformat")] == ["01:00:00;00", "107892", "DF"]
    assert [sequence.findtext(f"rate/{tag}") for tag in ("timebase", "ntsc")] == ["30", "TRUE"]
    assert [file.findtext(tag) for tag in ("string", "frame", "reel/name")] == ["23:59:50;00", "2589108", "A001"]


def test_final_cut_s_xml_is_as_old_as_it_is_wanted() -> None:
    rate = FrameRate.parse("25")
    edit = Edit("x", rate, 0, (Analysis(media_at(rate)),))
    assert '<fcpxml version="1.10">' in text_of(fcpxml, edit)
    assert '<fcpxml version="1.9">' in text_of(fcpxml, edit, fcpxml_version="1.9")


def test_final_cut_s_xml_is_valid_by_apple_s_own_definition(tmp_path: Path) -> None:
    """FCPXML_DTD names Apple's FCPXMLv1_10.dtd, which Final Cut brings and which is not ours to give away."""
    definition = os.environ.get("FCPXML_DTD")
    checker = shutil.which("xmllint")
    if definition is None or checker is None:
        pytest.skip("FCPXML_DTD is not set, or xmllint is not installed")
    rate = FrameRate.parse("23.976")
    source = Analysis(
        media_at(rate, streams=TWO), MODEL, (), (Event(span("1", "2"), "x"),), (Finding(span("2", "3"), "y"),)
    )
    cuts = (Cut(source, FrameRange(20, 60), source.findings[0], ""),)
    for number, edit in enumerate((Edit("x", rate, 86400, (source,), cuts), Edit("x", rate, 0, (source,)))):
        file = tmp_path / f"{number}.fcpxml"
        file.write_text(text_of(fcpxml, edit), encoding="utf-8")
        subprocess.run([checker, "--noout", "--dtdvalid", definition, file], check=True)


@pytest.mark.parametrize(
    ("module", "name"),
    [(module, "87169000/2905633") for module in (edl, fcpxml, xmeml)]
    + [(module, name) for module in (edl, resolve_markers, avid) for name in ("100", "119.88df", "120")],
)
def test_a_rate_that_programs_do_not_know_is_refused_with_advice(module: Any, name: str) -> None:
    rate = FrameRate.parse(name)
    source = Analysis(media_at(rate, seconds=10))
    edit = Edit("x", rate, 0, (source,), (Cut(source, FrameRange(0, 10), None, ""),))
    advice = r"\.otio instead, or" if name.startswith("8") else r"digits.*\.otio instead, a \.fcpxml or a \.xml, or"
    with pytest.raises(MarlinEditError, match=advice):
        text_of(module, edit)


@pytest.mark.parametrize("name", ["100", "119.88", "119.88df", "120"])
def test_high_rates_are_written_where_frames_are_not_two_digits(name: str) -> None:
    rate = FrameRate.parse(name)
    source = Analysis(media_at(rate, start_frame=rate.base * 3600), findings=(Finding(span("10", "11.5"), "a dog"),))
    cuts = (Cut(source, FrameRange(rate.base * 10 + 7, rate.base * 12 + 3), source.findings[0], ""),)
    edit = Edit("x", rate, rate.base * 3600, (source,), cuts)
    assert fcpxml_clips(text_of(fcpxml, edit), edit) == expected(edit)
    root = ET.fromstring(text_of(xmeml, edit))
    assert {one.text for one in root.iter("timebase")} == {str(rate.base)}
    assert {one.text for one in root.iter("ntsc")} == {"FALSE" if rate.value.denominator == 1 else "TRUE"}
    (clip,) = root.iter("clipitem")
    assert [clip.findtext(tag) for tag in ("in", "out")] == [str(cuts[0].frames.first), str(cuts[0].frames.stop)]


@given(st.lists(st.sampled_from(["23.976", "25", "29.97df", "50", "59.94"]), min_size=2, max_size=4), st.data())
@settings(max_examples=60)
def test_sources_of_several_rates_on_one_timeline(names: list[str], data: st.DataObject) -> None:
    """OTIO's own arithmetic and FCPXML's seconds: each cut begins on its frame, and the timeline has whole frames."""
    rates = [FrameRate.parse(name) for name in names]
    sources, cuts = [], []
    for number, rate in enumerate(rates):
        finding = Finding(span("10", "12"), "a dog")
        sources.append(Analysis(media_at(rate, f"{number}.mov", start_frame=rate.base * 3600), findings=(finding,)))
        first = data.draw(st.integers(0, 5000))
        frames = FrameRange(first, first + data.draw(st.integers(1, 500)))
        cuts.append(Cut(sources[-1], frames, None, ""))
    edit = Edit("x", rates[0], rates[0].base * 3600, tuple(sources), tuple(cuts))
    timeline = otio.adapters.read_from_string(text_of(otio_format, edit), "otio_json")
    root = ET.fromstring(text_of(fcpxml, edit))
    clips = list(timeline.find_clips())
    for cut, record, clip, other in zip(cuts, edit.record_ranges(), clips, root.iter("asset-clip"), strict=True):
        rate = cut.source.media.rate or edit.rate
        begin = clip.source_range.start_time
        assert (begin.value, begin.rate) == (rate.base * 3600 + cut.frames.first, float(rate.value))
        length = cut.span.length
        assert abs(edit.rate.seconds(record.count) - length) <= max(
            edit.rate.seconds_per_frame / 2, length / 10**9
        ) or (record.count == 1)
        at = timeline.range_of_child(clip) if hasattr(timeline, "range_of_child") else clip.range_in_parent()
        assert at.start_time.rescaled_to(float(edit.rate.value)).value == pytest.approx(
            record.first - edit.record_start
        )
        assert at.duration.rescaled_to(float(edit.rate.value)).value == pytest.approx(record.count)
        times = {name: Fraction((other.get(name) or "").rstrip("s")) for name in ("start", "offset", "duration")}
        assert times["start"] == rate.seconds(rate.base * 3600 + cut.frames.first)
        assert times["offset"] == edit.rate.seconds(record.first)
        assert times["duration"] == edit.rate.seconds(record.count)
        conformed = [one.attrib for one in other.iter("conform-rate")]
        assert bool(conformed) == (rate.value != edit.rate.value)
    notes = otio_format.render(edit, context()).notes
    assert sum("fps and the timeline at" in note for note in notes) == sum(one.value != rates[0].value for one in rates)
    result = read_back(otio_format, edit, 1)
    assert result == sources[1].findings


def read_back(module: Any, edit: Edit, number: int) -> tuple[Finding, ...]:
    """The findings of a source after its markers were read from the timeline of whole sources."""
    whole = Edit(edit.title, edit.rate, edit.record_start, edit.sources)
    source = edit.sources[number]
    given = otio_markers.read_markers(text_of(module, whole).encode(), source.media)
    return apply_markers(source, given, edit.record_start)[0].findings


@pytest.mark.parametrize(
    ("facts", "shape", "final_cut"),
    [
        ({"width": 1920, "height": 1080}, ("FALSE", "square", "none"), (None, None, None)),
        (
            {"width": 720, "height": 576, "pixel_aspect": Fraction(64, 45), "scan": Scan.TOP_FIRST},
            ("TRUE", "PAL-601", "upper"),
            ("upper first", "64", "45"),
        ),
        (
            {"width": 720, "height": 480, "pixel_aspect": Fraction(8, 9), "scan": Scan.BOTTOM_FIRST},
            ("FALSE", "NTSC-601", "lower"),
            ("lower first", "8", "9"),
        ),
        (
            {"width": 1440, "height": 1080, "pixel_aspect": Fraction(4, 3), "scan": Scan.TOP_FIRST},
            ("FALSE", "HD-(1440x1080)", "upper"),
            ("upper first", "4", "3"),
        ),
    ],
)
def test_the_shape_of_pixels_and_the_order_of_fields(
    facts: dict[str, Any], shape: tuple[str, ...], final_cut: tuple[str | None, ...]
) -> None:
    rate = FrameRate.parse("25")
    edit = Edit("x", rate, 0, (Analysis(media_at(rate, **facts)),))
    for picture in ET.fromstring(text_of(xmeml, edit)).iterfind(".//video//samplecharacteristics"):
        assert tuple(picture.findtext(tag) for tag in ("anamorphic", "pixelaspectratio", "fielddominance")) == shape
    (form,) = ET.fromstring(text_of(fcpxml, edit)).iter("format")
    assert tuple(form.get(name) for name in ("fieldOrder", "paspH", "paspV")) == final_cut


SURROUND = (*SILENT, Stream(1, "audio", "ac3", detail="48000 Hz 5.1(side)", title="Mix"))
FOUR = (*SILENT, *(Stream(number, "audio", "pcm_s24le", detail="48000 Hz mono") for number in range(1, 5)))


@pytest.mark.parametrize(
    ("streams", "channels", "names"),
    [
        (MONO, [(1, "0", "1", "Mono", "1")], ["A1"]),
        (TWO[:2], [(1, "0", "2", "Stereo", "1"), (2, "1", "2", "Stereo", "2")], ["A1"]),
        (
            TWO,
            [
                (1, "0", "2", "Stereo", "1"),
                (2, "1", "2", "Stereo", "2"),
                (3, "0", "2", "Stereo", "1"),
                (4, "1", "2", "Stereo", "2"),
            ],
            ["A1", "A2"],
        ),
        (FOUR, [(number, "0", "1", "Mono", "1") for number in range(1, 5)], ["A1", "A2", "A3", "A4"]),
        (SURROUND, [(number, "0", "1", "Mono", str((number - 1) % 2 + 1)) for number in range(1, 7)], ["Mix"]),
    ],
)
def test_sound_has_all_its_channels(streams: tuple[Stream, ...], channels: list[Any], names: list[str]) -> None:
    rate = FrameRate.parse("25")
    source = Analysis(media_at(rate, streams=streams))
    cuts = tuple(Cut(source, FrameRange(first, first + 20), None, "") for first in (10, 100))
    edit = Edit("x", rate, 0, (source,), cuts)
    tracks = ET.fromstring(text_of(xmeml, edit)).findall("sequence/media/audio/track")
    attributes = ("currentExplodedTrackIndex", "totalExplodedTrackCount", "premiereTrackType")
    found = []
    for track in tracks:
        indices = {int(item.findtext("sourcetrack/trackindex") or 0) for item in track.iterfind("clipitem")}
        assert len(track.findall("clipitem")) == 2
        found += [(index, *map(track.get, attributes), track.findtext("outputchannelindex")) for index in indices]
    assert found == channels
    sounds = otio.adapters.read_from_string(text_of(otio_format, edit), "otio_json").audio_tracks()
    assert [(track.name, len(track.find_clips())) for track in sounds] == [(name, 2) for name in names]
    ids = [
        (one["Source Track ID"], one["Source Channel ID"])
        for track in sounds
        for one in track.find_clips()[0].metadata["Resolve_OTIO"]["Channels"]
    ]
    assert len(set(ids)) == len(channels)
    clip = next(ET.fromstring(text_of(fcpxml, edit)).iter("asset-clip"))
    told = [one.get("srcCh") or "" for one in clip.iterfind("audio-channel-source")]
    assert not told or [int(number) for one in told for number in one.split(", ")] == [one[0] for one in channels]
    assert len(told) == (len(names) if len(names) > 1 else 0)


def test_links_of_sources_with_different_sound_lead_to_clips_that_exist() -> None:
    rate = FrameRate.parse("25")
    sources = [
        Analysis(media_at(rate, f"{number}.mov", streams=streams))
        for number, streams in enumerate((MONO, TWO, SILENT, SURROUND, FOUR))
    ]
    cuts = tuple(Cut(source, FrameRange(0, 10), None, "") for source in (*sources, *sources))
    root = ET.fromstring(text_of(xmeml, Edit("x", rate, 0, tuple(sources), cuts)))
    tracks = {kind: root.findall(f"sequence/media/{kind}/track") for kind in ("video", "audio")}
    items = {item.get("id"): item for item in root.iter("clipitem")}
    assert len(items) == len(list(root.iter("clipitem"))) == 10 + 2 * (1 + 4 + 6 + 4)
    for item in items.values():
        for link in item.iterfind("link"):
            told = {one.tag: one.text or "" for one in link}
            track = tracks[told["mediatype"]][int(told["trackindex"]) - 1]
            linked = track.findall("clipitem")[int(told["clipindex"]) - 1]
            assert linked is items[told["linkclipref"]]
            assert linked.findtext("start") == item.findtext("start")


def test_each_query_has_its_colour_and_events_are_blue() -> None:
    rate = FrameRate.parse("25")
    queries = ["a dog", "a door", "a dog", "a car"]
    findings = tuple(Finding(span(str(n), str(n + 1)), query) for n, query in enumerate(queries))
    source = Analysis(media_at(rate), events=(Event(span("9", "10"), "x"),), findings=findings)
    text = text_of(otio_format, Edit("x", rate, 0, (source,)))
    (clip,) = otio.adapters.read_from_string(text, "otio_json").find_clips()
    assert [marker.color for marker in clip.markers] == ["GREEN", "YELLOW", "GREEN", "RED", "BLUE"]


def test_tracks_apart_hold_a_query_each() -> None:
    rate = FrameRate.parse("25")
    findings = tuple(Finding(span(str(n), str(n + 1)), query) for n, query in enumerate(("a dog", "a door", "a dog")))
    source = Analysis(media_at(rate, streams=TWO), events=(Event(span("9", "10"), "x"),), findings=findings)
    cuts = tuple(Cut(source, FrameRange(25 * n, 25 * n + 25), one, one.query) for n, one in enumerate(findings))

    def tracks_of(edit: Edit) -> list[tuple[str, str, list[str]]]:
        timeline = otio.adapters.read_from_string(text_of(otio_format, edit, tracks="apart"), "otio_json")
        return [(track.kind, track.name, [type(item).__name__ for item in track]) for track in timeline.tracks]

    assert tracks_of(Edit("x", rate, 0, (source,), cuts)) == [
        ("Video", "a dog", ["Clip", "Gap", "Clip"]),
        ("Video", "a door", ["Gap", "Clip", "Gap"]),
        ("Audio", "A1", ["Clip", "Clip", "Clip"]),
        ("Audio", "A2", ["Clip", "Clip", "Clip"]),
    ]
    assert tracks_of(Edit("x", rate, 0, (source,))) == [
        ("Video", "events", ["Clip"]),
        ("Video", "a dog", ["Clip"]),
        ("Video", "a door", ["Clip"]),
        ("Audio", "A1", ["Clip"]),
        ("Audio", "A2", ["Clip"]),
    ]

    def lanes_of(edit: Edit) -> list[tuple[str, list[tuple[str | None, str | None, str | None]]]]:
        (spine,) = ET.fromstring(text_of(fcpxml, edit, tracks="apart")).iter("spine")
        return [
            (item.tag, [(one.get("lane"), one.get("offset"), one.get("srcEnable")) for one in item.iter("asset-clip")])
            for item in spine
        ]

    assert lanes_of(Edit("x", rate, 0, (source,), cuts)) == [
        ("asset-clip", [(None, "0s", None)]),
        ("gap", [("1", "0s", None)]),
        ("asset-clip", [(None, "2s", None)]),
    ]
    assert lanes_of(Edit("x", rate, 0, (source,))) == [
        ("asset-clip", [(None, "0s", None), ("1", "0s", "video"), ("2", "0s", "video")]),
    ]


@pytest.mark.parametrize("module", [edl, resolve_markers, avid])
def test_a_format_of_one_track_says_that_it_has_no_tracks_apart(module: Any) -> None:
    rate = FrameRate.parse("25")
    findings = tuple(Finding(span(str(n), str(n + 1)), query) for n, query in enumerate(("a dog", "a door", "a dog")))
    source = Analysis(media_at(rate), findings=findings)
    cuts = tuple(Cut(source, FrameRange(25 * n, 25 * n + 25), one, one.query) for n, one in enumerate(findings))

    def said(several: tuple[Cut, ...], **chosen: Any) -> int:
        notes = module.render(Edit("x", rate, 0, (source,), several), context(**chosen)).notes
        return sum("all on one track" in note for note in notes)

    assert said(cuts, tracks="apart") == 1
    assert said(cuts) == said(cuts[:1], tracks="apart") == 0


def test_an_otioz_holds_the_media_under_names_that_stay_apart(tmp_path: Path) -> None:
    sources = []
    for folder, written in (("one", b"first"), ("two", b"second")):
        (tmp_path / folder).mkdir()
        (tmp_path / folder / "a #1.mov").write_bytes(written)
        media = media_at(FrameRate.parse("25"), seconds=10)
        sources.append(Analysis(replace(media, path=tmp_path / folder / "a #1.mov")))
    cuts = tuple(Cut(source, FrameRange(0, 10), None, "") for source in sources)
    edit = Edit("x", FrameRate.parse("25"), 0, tuple(sources), cuts)
    content = otioz.render(edit, context(temporary=tmp_path)).content
    assert isinstance(content, Path)
    (tmp_path / "out").mkdir()
    timeline = otio.adapters.read_from_file(str(content), "otioz", extract_to_directory=str(tmp_path / "out"))
    targets = [clip.media_reference.target_url for clip in timeline.find_clips()]
    assert [(tmp_path / "out" / target).read_bytes() for target in targets] == [b"first", b"second"]
    assert otio_clips(timeline, edit, file_relative_markers=False) == expected(edit)
    sources[0].media.path.unlink()
    with pytest.raises(MarlinEditError, match=r"is missing\. Write an \.otio"):
        otioz.render(edit, context(temporary=tmp_path))


@pytest.fixture(scope="module")
def two_videos(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Path]:
    folder = tmp_path_factory.mktemp("two videos")
    first = make_video(folder / "a #1 & 100%.mp4", frames=120, rate="24000/1001", size=(96, 64))
    second = make_video(
        folder / "Été.mov", frames=90, rate="24000/1001", size=(96, 64), first_index=1000, timecode="01:00:00:00"
    )
    return first, second


def test_all_formats_and_the_clips_have_the_same_frames(
    two_videos: tuple[Path, Path], tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(tmp_path)
    outputs = [word for name in ("edl", "fcpxml", "xml", "otio", "mlt") for word in ("-o", f"cuts.{name}")]
    asked = ["--span", "01:00:00:10-01:00:01:05", "--span", "2.1-3.3", "--out-dir", "clips"]
    assert main(["cut", str(two_videos[1]), *asked, *outputs]) == 0, capfd.readouterr().err
    clips = [frame_indices(clip) for clip in sorted(Path("clips").glob("*.mov"))]
    shown = [(indices[0][1] - 1000, indices[-1][1] - 1000 + 1) for indices in clips]
    media = probe(two_videos[1])
    assert media.rate is not None
    edit = Edit("", media.rate, 86_400, (Analysis(media),))
    zero = 86_400
    assert [(first - zero, stop - zero) for first, stop, _ in edl_clips(Path("cuts.edl").read_text(), edit)] == shown
    for name, read in (("fcpxml", fcpxml_clips), ("xml", xmeml_clips)):
        text = Path(f"cuts.{name}").read_text(encoding="utf-8")
        assert [(clip.first, clip.stop) for clip in read(text, edit)] == shown
    timeline = otio.adapters.read_from_file("cuts.otio")
    assert [(clip.first, clip.stop) for clip in otio_clips(timeline, edit, file_relative_markers=False)] == shown
    assert [(clip.first, clip.stop) for clip in mlt_clips(Path("cuts.mlt").read_text(), edit)[0]] == shown


@pytest.mark.parametrize("tracks", ["together", "apart"])
def test_melt_renders_exactly_the_frames_of_the_cuts(
    two_videos: tuple[Path, Path], tmp_path: Path, tracks: str
) -> None:
    first, second = (Analysis(probe(video)) for video in two_videos)
    found = Finding(span("1", "2"), "a dog")
    ranges = [(first, 30, 55, found), (second, 0, 10, None), (first, 7, 8, None), (second, 60, 90, found)]
    ranges.append((first, 100, 120, None))
    cuts = tuple(Cut(source, FrameRange(begin, stop), finding, "") for source, begin, stop, finding in ranges)
    assert first.media.rate is not None
    text = text_of(mlt, Edit("x", first.media.rate, 86_400, (first, second), cuts), tracks=tracks)
    (tmp_path / "cuts.mlt").write_text(text, encoding="utf-8")
    wanted = ["-consumer", f"avformat:{tmp_path / 'out.mkv'}", "vcodec=ffv1", "an=1", "real_time=-1"]
    melt(tmp_path / "cuts.mlt", *wanted)
    shown = [index for _, index in frame_indices(tmp_path / "out.mkv")]
    assert shown == [
        (1000 if source is second else 0) + frame for source, begin, stop, _ in ranges for frame in range(begin, stop)
    ]


def test_a_name_that_xml_cannot_hold_is_refused_with_advice() -> None:
    rate = FrameRate.parse("25")
    source = Analysis(media_at(rate, "bell\x07.mov"))
    with pytest.raises(MarlinEditError, match="Rename the file"):
        text_of(mlt, Edit("x", rate, 0, (source,)))
    assert re.search("bell%07", text_of(fcpxml, Edit("x", rate, 0, (source,))))


def test_melt_plays_every_audio_stream(tmp_path: Path) -> None:
    ffmpeg = checker("ffmpeg", "ffmpeg")
    tones = (440, 1000, 3000)
    made = ["-f", "lavfi", "-i", "testsrc2=s=64x48:r=25:d=3"]
    for tone in tones:
        made += ["-f", "lavfi", "-i", f"sine={tone}:d=3"]
    streams = [word for number in range(4) for word in ("-map", str(number))]
    subprocess.run([ffmpeg, "-v", "error", *made, *streams, tmp_path / "a.mov"], check=True)
    source = Analysis(probe(tmp_path / "a.mov"))
    cuts = (Cut(source, FrameRange(10, 40), None, ""), Cut(source, FrameRange(50, 70), None, ""))
    assert source.media.rate is not None
    (tmp_path / "a.mlt").write_text(text_of(mlt, Edit("x", source.media.rate, 0, (source,), cuts)), encoding="utf-8")
    wanted = ["-consumer", f"avformat:{tmp_path / 'out.wav'}", "vn=1", "acodec=pcm_s16le", "real_time=-1"]
    melt(tmp_path / "a.mlt", *wanted)
    with av.open(tmp_path / "out.wav") as container:
        samples = np.concatenate([frame.to_ndarray().reshape(-1, 2)[:, 0] for frame in container.decode(audio=0)])
        rate = container.streams.audio[0].rate
    loudness = np.abs(np.fft.rfft(samples.astype(float)))
    assert len(samples) == pytest.approx(2 * rate, rel=0.05)
    for tone in tones:
        place = tone * len(samples) // rate
        assert loudness[place - 20 : place + 21].max() > loudness.max() / 4
