"""Marker files as editing programs write them back, by what they document, export or are reported to do."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from fractions import Fraction
from typing import Any

import opentimelineio as otio
import pytest

from marlin_edit.analysis import Analysis, Event, Finding, Verdict
from marlin_edit.edit import Cut, Edit, frames_of
from marlin_edit.interfaces import GivenMarkers
from marlin_edit.timebase import FrameRange, FrameRate, Span
from marlin_edit.workflow.import_markers import MarkerChanges, apply_markers
from tests.support.timeline_readers import MODEL, context, media_at
from tests.workflow.test_import_markers import APP, FCPXML, OTIO, XMEML, set_by_hand

RATE = FrameRate.parse("25")
HOUR = RATE.frame_of("01:00:00:00")
DOG = Finding(Span(Fraction(10), Fraction(12)), "a dog runs", 0.9)
DOOR = Finding(Span(Fraction(20), Fraction(22)), "a door opens", note="the red one")
SEEN = Event(Span(Fraction(10), Fraction(13)), "A dog runs through the picture.")
SOURCE = Analysis(media_at(RATE, seconds=60), MODEL, events=(SEEN,), findings=(DOG, DOOR))
LATE = replace(SOURCE, media=media_at(RATE, seconds=60, start_frame=10 * HOUR))
EDL, LIST = APP.exporters["edl"], APP.exporters["resolve-markers"]


def written(exporter: Any, source: Analysis = SOURCE, cuts: tuple[Cut, ...] = (), **given: Any) -> str:
    content = exporter.render(Edit("x", source.media.rate or RATE, HOUR, (source,), cuts), context(**given)).content
    assert isinstance(content, str)
    return content


def back(
    exporter: Any, text: str | bytes, source: Analysis = SOURCE, record_start: int = HOUR
) -> tuple[Analysis, MarkerChanges]:
    content = text.encode() if isinstance(text, str) else text
    given: GivenMarkers = exporter.read_markers(content, source.media)
    return apply_markers(source, given, record_start)


def frames(finding: Finding) -> FrameRange:
    return frames_of(finding.span, SOURCE.media)


def changed(text: str, change: Callable[[Any], None]) -> str:
    timeline = otio.adapters.read_from_string(text, "otio_json")
    change(timeline)
    return str(timeline.to_json_string())


def at(frame: int, count: int = 1, rate: float = 25.0) -> Any:
    return otio.opentime.TimeRange(otio.opentime.RationalTime(frame, rate), otio.opentime.RationalTime(count, rate))


def clip_of(name: str, first: int, count: int, begin: int | None = 0, length: int = 1500) -> Any:
    available = at(begin, length) if begin is not None else None
    reference = otio.schema.ExternalReference(f"/media/{name}", available)
    return otio.schema.Clip(name, reference, at(first, count))


def timeline_of(*items: Any, begin: int | None = None) -> Any:
    track = otio.schema.Track("V1", kind=otio.schema.TrackKind.Video)
    track.extend(items)
    start = None if begin is None else otio.opentime.RationalTime(begin, 25)
    timeline = otio.schema.Timeline("mine", global_start_time=start)
    timeline.tracks.append(track)
    return timeline


# Kdenlive


@pytest.mark.parametrize("source", [SOURCE, LATE])
def test_kdenlive_puts_our_markers_on_their_frames(source: Analysis) -> None:
    """Its reader takes the beginning of the clip's range, as it stands there, and adds the marker's."""
    cut = Cut(source, FrameRange(240, 600), None, "")
    for cuts in ((), (cut,)):
        timeline = otio.adapters.read_from_string(written(OTIO, source, cuts, otio_profile="kdenlive"), "otio_json")
        (clip,) = timeline.find_clips()
        own = source.media.start_frame
        begin = clip.trimmed_range().start_time.value
        assert begin - own == (240 if cuts else 0)  # as it slips the clip: by the time code that it finds in the file
        told = {(begin + one.marked_range.start_time.value, one.comment.split(";")[0]) for one in clip.markers}
        assert told == {(250, "a dog runs"), (500, "a door opens"), (250, SEEN.text)}
        assert {one.metadata["kdenlive"]["type"] for one in clip.markers} == {1, 3, 4}
        assert back(OTIO, timeline.to_json_string(), source)[0] == source


def kdenlive(clip: Any, *markers: tuple[int, str]) -> str:
    for frame, comment in markers:
        marker = otio.schema.Marker("", at(frame))
        marker.comment = comment
        marker.metadata["kdenlive"] = {"type": 0}
        clip.markers.append(marker)
    return str(timeline_of(clip).to_json_string())


@pytest.mark.parametrize("source", [SOURCE, LATE])
def test_a_marker_of_kdenlive_counts_from_the_first_frame_of_its_clip(source: Analysis) -> None:
    result, told = back(OTIO, kdenlive(clip_of("interview.mov", 250, 51), (10, "dog here")), source)
    assert told.notes == []
    assert (result.findings[-1].query, frames(result.findings[-1]).first) == ("dog here", 260)


def test_what_a_person_did_in_kdenlive_comes_back() -> None:
    timeline = otio.adapters.read_from_string(written(OTIO, otio_profile="kdenlive"), "otio_json")
    (clip,) = timeline.find_clips()
    comments = {one.comment.split(";")[0]: one.comment for one in clip.markers}
    text = kdenlive(
        clip_of("interview.mov", 100, 900),
        (150, comments["a dog runs"]),
        (425, comments["a door opens"]),
        (150, comments[SEEN.text].replace("A dog", "A fox")),
        (300, "mine"),
    )
    result, told = back(OTIO, text)
    assert (told.unchanged, told.moved, told.renamed, told.added) == (1, 1, 1, 1)
    assert [frames(one).first for one in result.findings] == [250, 525, 400]
    assert result.findings[1].note == "the red one"
    assert result.events[0].text == "A fox runs through the picture."


# Resolve


def test_resolve_keeps_notes_in_metadata_of_its_own() -> None:
    timeline = otio.adapters.read_from_string(written(OTIO), "otio_json")
    (clip,) = timeline.find_clips()
    door = next(one for one in clip.markers if one.name == "a door opens")
    note = door.metadata["Resolve_OTIO"]["Note"]
    assert note.startswith("the red one; not scored; auto-generated by NemoStation/Marlin-2B")

    def as_resolve(timeline: Any) -> None:
        timeline.metadata["Resolve_OTIO"] = {"Resolve OTIO Meta Version": "1.0"}
        for clip in timeline.find_clips():
            for marker in clip.markers:
                if marker.name == "a door opens":
                    marker.metadata["Resolve_OTIO"] = {"Note": note.replace("the red one", "the blue one")}
                marker.comment = ""
            new = otio.schema.Marker("Marker 1", at(700))
            new.metadata["Resolve_OTIO"] = {"Note": "a bird sings"}
            clip.markers.append(new)

    result, told = back(OTIO, changed(written(OTIO), as_resolve))
    assert (told.unchanged, told.noted, told.added, told.notes) == (3, 1, 1, [])
    dog, door, bird = result.findings
    assert (door.note, bird.query, frames(bird).first) == ("the blue one", "a bird sings", 700)
    assert dog == DOG


# A timeline that begins elsewhere


def moved_to_zero(text: str, exporter: Any) -> str:
    if exporter is LIST:
        return text.replace(" 01:", " 00:")
    if exporter is OTIO:
        return changed(text, lambda timeline: setattr(timeline, "global_start_time", None))
    return text.replace("<string>01:00:00:00", "<string>00:00:00:00").replace(f"<frame>{HOUR}<", "<frame>0<")


@pytest.mark.parametrize("exporter", [LIST, OTIO, XMEML])
def test_a_timeline_that_was_moved_to_zero_changes_nothing(exporter: Any) -> None:
    text = moved_to_zero(written(exporter, markers_on="timeline"), exporter)
    result, told = back(exporter, text)
    assert (told.unchanged, told.moved, told.notes) == (3, 0, [])
    assert result == SOURCE


def test_a_list_that_begins_at_zero_still_says_what_moved_and_what_is_new() -> None:
    text = written(LIST).replace(" 01:", " 00:").replace("00:00:20:00", "00:00:20:07")
    result, told = back(LIST, text + set_by_hand("00:00:30:00", "a cat", 1))
    assert (told.unchanged, told.moved, told.added) == (2, 1, 1)
    assert [frames(one).first for one in result.findings] == [250, 507, 750]


def test_a_place_that_nothing_tells_is_named_and_not_used() -> None:
    lines = "TITLE: x\nFCM: NON-DROP FRAME\n\n" + set_by_hand("00:00:30:00", "a cat", 1)
    result, told = back(LIST, lines)
    assert result == SOURCE
    (note,) = told.notes
    assert note.startswith("not used, because it is outside interview.mov: a cat. If its timeline begins elsewhere")
    assert back(LIST, lines, record_start=0)[0].findings[-1].query == "a cat"


def test_nothing_is_moved_to_before_the_beginning() -> None:
    text = written(LIST).replace("01:00:20:00", "00:59:58:00")
    result, told = back(LIST, text)
    assert told.notes == ["not moved before the beginning of the media: a door opens"]
    assert result.findings[1].span == DOOR.span


@pytest.mark.parametrize(("own", "theirs"), [("29.97df", "NON-DROP"), ("29.97", "DROP")])
def test_a_list_counts_as_it_says_that_it_does(own: str, theirs: str) -> None:
    rate = FrameRate.parse(own)
    source = replace(SOURCE, media=media_at(rate, seconds=7200, start_frame=rate.frame_of("01:00:00:00")))
    source = replace(source, findings=(replace(DOG, span=Span(Fraction(3000), Fraction(3002))),), events=())
    begin = rate.frame_of("01:00:00:00")
    edit = Edit("x", rate, begin, (source,))
    text = str(LIST.render(edit, context()).content)
    other = FrameRate(rate.value, drop_frame=not rate.drop_frame)
    first = frames_of(source.findings[0].span, source.media).first
    theirs_begin = other.frame_of("01:00:00:00")
    lines = [f"TITLE: x\nFCM: {theirs} FRAME\n"]
    for line in text.splitlines()[3:]:
        for later in (0, 1):
            line = line.replace(rate.timecode(begin + first + later), other.timecode(theirs_begin + first + later))
        lines.append(line)
    as_program = "\n".join(lines) + "\n" + set_by_hand(other.timecode(theirs_begin + 100_000), "a cat", 1)
    result, told = back(LIST, as_program, source, begin)
    assert (told.unchanged, told.moved, told.notes) == (1, 0, [])
    assert frames_of(result.findings[-1].span, source.media).first == 100_000


# A person's own sequence


def test_a_marker_on_a_sequence_lies_where_its_clip_does() -> None:
    """Record 100 shows the source from 500 on: the sequence's frame 150 is the source's frame 550."""
    rate = "<rate><timebase>25</timebase><ntsc>FALSE</ntsc></rate>"
    file = "<file id='f'><name>interview.mov</name><pathurl>file:///media/interview.mov</pathurl></file>"
    clip = f"<clipitem>{rate}<start>100</start><end>400</end><in>500</in><out>800</out>{file}</clipitem>"
    point = "<marker><name>{}</name><comment/><in>{}</in><out>-1</out></marker>"
    markers = point.format("a cat", 150) + point.format("nothing", 50)
    text = (
        f"<xmeml version='4'><sequence>{rate}<timecode><string>00:00:00:00</string></timecode>"
        f"<media><video><track>{clip}</track></video></media>{markers}</sequence></xmeml>"
    )
    result, told = back(XMEML, text)
    assert frames(result.findings[-1]).first == 550
    assert told.notes == ["not used, because no clip of the source lies at 00:00:02:00: nothing"]


@pytest.mark.parametrize("begin", [None, HOUR])
@pytest.mark.parametrize("counted_from", [0, HOUR])
def test_a_marker_on_an_otio_timeline_lies_where_its_clip_does(begin: int | None, counted_from: int) -> None:
    timeline = timeline_of(
        clip_of("other.mov", 0, 60),
        otio.schema.Gap(source_range=at(0, 40)),
        clip_of("interview.mov", 500, 300),
        begin=begin,
    )
    if counted_from and begin is None:
        pytest.skip("a timeline without a beginning counts from zero")
    timeline.tracks.markers.extend(
        otio.schema.Marker(name, at(counted_from + frame)) for name, frame in (("a cat", 150), ("nothing", 50))
    )
    result, told = back(OTIO, timeline.to_json_string())
    assert frames(result.findings[-1]).first == 550
    (note,) = told.notes
    assert note.endswith(":00:02:00: nothing")


def test_a_file_says_itself_where_its_media_begins() -> None:
    """The media has time code, and the program counts from zero; or the other way round."""
    for source, begin in ((LATE, 0), (SOURCE, 10 * HOUR), (LATE, 10 * HOUR)):
        clip = clip_of("interview.mov", begin + 100, 200, begin)
        clip.markers.append(otio.schema.Marker("a cat", at(begin + 130)))
        result, _ = back(OTIO, timeline_of(clip).to_json_string(), source)
        assert frames(result.findings[-1]).first == 130


# Notes


@pytest.mark.parametrize("exporter", [LIST, OTIO, FCPXML, XMEML])
def test_a_person_s_note_is_kept_beside_the_name(exporter: Any) -> None:
    text = written(exporter)
    assert back(exporter, text)[0] == SOURCE
    result, told = back(exporter, text.replace("the red one; ", "the green one; "))
    assert (told.unchanged, told.noted) == (3, 1)
    assert (result.findings[1].note, result.findings[1].query) == ("the green one", "a door opens")
    result, _ = back(exporter, text.replace("the red one; ", ""))
    assert result.findings[1].note == ""


# Locators in cut lists


def test_locators_of_a_cut_list_are_read_and_ours_are_known_again() -> None:
    cuts = tuple(Cut(SOURCE, frames(one), one, one.query) for one in (DOOR, DOG))
    text = written(EDL, cuts=cuts)
    assert "* LOC: 01:00:00:00 " in text
    result, told = back(EDL, text)
    assert (told.unchanged, told.added, told.notes) == (2, 0, [])
    assert result == SOURCE
    result, told = back(EDL, text + "* LOC: 01:00:02:10 RED     A CAT\n* LOC: 01:00:09:00 RED     NOTHING\n")
    assert (told.unchanged, told.added) == (2, 1)
    cat = result.findings[-1]
    assert (cat.query, frames(cat).first, cat.verdict) == ("A CAT", 260, Verdict.ACCEPTED)
    assert told.notes == ["not used, because no clip of the source lies at 01:00:09:00: NOTHING"]


def test_a_cut_list_without_locators_says_so() -> None:
    text = "TITLE: X\n\n001  INTERVIE V     C        00:00:01:00 00:00:02:00 01:00:00:00 01:00:01:00\n"
    with pytest.raises(Exception, match="no `\\* LOC:` lines"):
        back(EDL, text)


def test_locators_of_avid_by_the_reel_alone_and_in_utf_16() -> None:
    text = (
        "TITLE: MY SEQUENCE\r\nFCM: NON-DROP FRAME\r\n"
        "001  INTERVIE V     C        00:00:10:00 00:00:20:00 01:00:00:00 01:00:10:00 \r\n"
        "* LOC: 01:00:04:00 YELLOW  A BIRD\r\n"
        "002  OTHER    V     C        00:00:10:00 00:00:20:00 01:00:10:00 01:00:20:00 \r\n"
        "* LOC: 01:00:14:00 YELLOW  ANOTHER BIRD\r\n"
    )
    for content in (text.encode(), text.encode("utf-16"), text.encode("utf-16-le")):
        result, told = back(EDL, content)
        assert frames(result.findings[-1]).first == 350
        assert told.notes == ["not used, because no clip of the source lies at 01:00:14:00: ANOTHER BIRD"]


# Lists of Avid and Premiere, projects of Shotcut and LosslessCut

AVID, CSV, MLT, LOSSLESSCUT = (APP.exporters[name] for name in ("avid", "csv", "mlt", "losslesscut"))


@pytest.mark.parametrize("exporter", [AVID, MLT])
def test_a_program_that_shows_one_text_gives_back_name_and_note(exporter: Any) -> None:
    text = written(exporter)
    result, told = back(exporter, text)
    assert (told.unchanged, told.added, result) == (3, 0, SOURCE)
    result, told = back(exporter, text.replace("a door opens; the red one", "a gate opens; the blue one"))
    assert (told.unchanged, told.renamed, told.noted) == (2, 1, 1)
    assert (result.findings[1].query, result.findings[1].note) == ("a gate opens", "the blue one")


def test_a_list_of_avid_in_any_encoding() -> None:
    line = "editor\t01:00:{}:00\tV1\tred\t{}\t1\t\tRed\r\n"
    text = line.format("10", "a dog runs") + line.format("14", "été")
    for content in (text.encode(), text.encode("utf-16"), text.encode("cp1252")):
        result, told = back(AVID, content)
        assert (told.unchanged, told.added) == (1, 1)  # the first is the finding of that name
        assert (result.findings[-1].query, frames(result.findings[-1]).first) == ("été", 350)
    with pytest.raises(Exception, match="Line 1 is not a marker of Avid"):
        back(AVID, "what is this\n")
    with pytest.raises(Exception, match="Line 2: The time code 01:00:10:99 does not exist"):
        back(AVID, text[:-1].splitlines()[0] + "\n" + "editor\t01:00:10:99\tV1\tred\tx\t1\n")


@pytest.mark.parametrize(("encoding", "tab"), [("utf-16", "\t"), ("utf-8", ","), ("utf-8-sig", "\t")])
def test_the_table_of_premiere_s_markers(encoding: str, tab: str) -> None:
    rows = [
        "Marker Name|Description|In|Out|Duration|Marker Type|",
        "Test|Some comment here|00:00:23:01|00:00:24:25|00:00:01:24|Chapter|",
        "||00:00:30:00|00:00:30:00|00:00:00:00|Comment|",
        "|said in the description|00:00:31:00|00:00:31:00|00:00:00:00|Comment|",
    ]
    text = "\r\n".join(rows).replace("|", tab)
    with pytest.raises(Exception, match="Line 2: The time code 00:00:24:25 does not exist at 25 fps"):
        back(CSV, text.encode(encoding), record_start=0)
    result, told = back(CSV, text.replace(":25", ":20").encode(encoding), record_start=0)
    assert told.added == 3
    found = [(one.query, one.note, frames(one)) for one in result.findings[2:]]
    assert found == [
        ("Test", "Some comment here", FrameRange(576, 620)),
        ("unnamed marker", "", FrameRange(750, 751)),
        ("said in the description", "", FrameRange(775, 776)),
    ]


def test_the_table_of_premiere_in_drop_frame() -> None:
    rate = FrameRate.parse("29.97df")
    source = replace(SOURCE, media=media_at(rate, seconds=7200))
    head = "Marker Name\tDescription\tIn\tOut\tDuration\tMarker Type\n"
    text = head + "Test\t\t00;11;23;01\t00;11;24;25\t00;00;01;24\tChapter\n"
    result, _ = back(CSV, text, source, 0)
    first = rate.frame_of("00:11:23;01")
    assert frames_of(result.findings[-1].span, source.media) == FrameRange(first, first + 54)


def test_a_project_of_losslesscut_as_it_writes_it() -> None:
    text = """{
      version: 2,
      mediaFileName: 'interview.mov',
      cutSegments: [
        { start: 10, end: 12, name: 'a dog runs', tags: {} },
        { start: 30.04, end: 33.000001, name: "it's a cat" },
        { end: 1.5, name: '', },
        { start: 58 },
      ],
    }"""
    result, told = back(LOSSLESSCUT, text)
    assert (told.unchanged, told.added) == (1, 3)
    found = [(one.query, frames(one)) for one in result.findings[2:]]
    assert found == [
        ("it's a cat", FrameRange(751, 825)),
        ("unnamed marker", FrameRange(0, 38)),
        ("unnamed marker", FrameRange(1450, 1500)),
    ]
    assert back(LOSSLESSCUT, written(LOSSLESSCUT))[1].unchanged == 3
    for text, words in (
        ("{version: 1", "not a LosslessCut project"),
        ("[]", "has no cutSegments"),
        ("{mediaFileName: 'b.mov', cutSegments: []}", "It is of b.mov, not of interview.mov"),
        ("{cutSegments: [5]}", r"cutSegments\[0\] should be an object"),
        ("{cutSegments: [{start: 'soon'}]}", "is not a time in seconds"),
    ):
        with pytest.raises(Exception, match=words):
            back(LOSSLESSCUT, text)


def test_markers_of_shotcut_lie_where_its_clips_do() -> None:
    """As Shotcut writes it: a background track, times as clocks, an out that is included."""
    text = """<?xml version="1.0" standalone="no"?>
    <mlt LC_NUMERIC="C" version="7.24.0" title="Shotcut version 24.06.26" producer="main_bin">
      <profile description="PAL" frame_rate_num="25" frame_rate_den="1"/>
      <producer id="black" in="00:00:00.000" out="00:01:00.000">
        <property name="resource">0</property><property name="mlt_service">color</property></producer>
      <playlist id="background"><entry producer="black" in="00:00:00.000" out="00:00:15.960"/></playlist>
      <chain id="chain0" out="00:00:59.960">
        <property name="resource">../media/interview.mov</property>
        <property name="mlt_service">avformat-novalidate</property></chain>
      <playlist id="playlist0"><blank length="00:00:04.000"/>
        <entry producer="chain0" in="00:00:20.000" out="00:00:31.960"/></playlist>
      <tractor id="tractor0" title="Shotcut" in="00:00:00.000" out="00:00:15.960">
        <property name="shotcut">1</property>
        <properties name="shotcut:markers">
          <properties name="0"><property name="text">a cat</property><property name="start">00:00:06.000</property>
            <property name="end">00:00:07.960</property><property name="color">#008000</property></properties>
          <properties name="1"><property name="text">Marker 2</property><property name="start">00:00:01.000</property>
            <property name="end">00:00:01.000</property></properties>
        </properties>
        <track producer="background"/><track producer="playlist0"/>
      </tractor>
    </mlt>"""
    result, told = back(MLT, text)
    assert (result.findings[-1].query, frames(result.findings[-1])) == ("a cat", FrameRange(550, 600))
    assert told.notes == ["not used, because no clip of the source lies at 00:00:01:00: Marker 2"]
