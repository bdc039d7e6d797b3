"""Markers that come back: known again by their id, whatever was done to them, and told as a person's verdicts."""

from __future__ import annotations

import csv
import io
import json
from collections.abc import Callable
from dataclasses import replace
from fractions import Fraction
from pathlib import Path
from typing import Any
from xml.etree import ElementTree as ET

import opentimelineio as otio
import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st

import marlin_edit_exporters
from marlin_edit.analysis import Analysis, Event, Finding, Verdict
from marlin_edit.cli import main
from marlin_edit.edit import Cut, Edit, cuts_of_findings, frames_of
from marlin_edit.errors import MarlinEditError
from marlin_edit.interfaces import GivenMarker, GivenMarkers
from marlin_edit.markers import identified
from marlin_edit.testing import app_with
from marlin_edit.timebase import FrameRange, FrameRate, Span
from marlin_edit.workflow.import_markers import MarkerChanges, apply_markers
from marlin_edit_exporters import csv_table
from marlin_edit_exporters.timelines import resolve_markers
from tests.support.synthetic_video import make_video
from tests.support.timeline_readers import MODEL, context, edits, media_at

RATE = FrameRate.parse("29.97df")
HOUR = RATE.frame_of("01:00:00;00")
APP = app_with(marlin_edit_exporters)
FCPXML, OTIO, XMEML = (APP.exporters[name] for name in ("fcpxml", "otio", "xmeml"))
READERS = [resolve_markers, OTIO, csv_table, FCPXML, XMEML]


def span(start: str, end: str) -> Span:
    return Span(Fraction(start), Fraction(end))


DOG = Finding(span("10", "12"), "a dog runs", 0.9)
DOOR = Finding(span("20", "21.5"), "a door opens")
SEEN = Event(span("10", "13"), "A dog runs through the picture.")
SOURCE = Analysis(media_at(RATE, start_frame=HOUR, fingerprint="abc"), MODEL, events=(SEEN,), findings=(DOG, DOOR))
WHOLE = Edit("x", RATE, HOUR, (SOURCE,))


def written(module: Any, edit: Edit = WHOLE) -> str:
    content = module.render(edit, context()).content
    assert isinstance(content, str)
    return content


def read(module: Any, text: str, source: Analysis = SOURCE) -> GivenMarkers:
    given: GivenMarkers = module.read_markers(text.encode("utf-8"), source.media)
    return given


def back(module: Any, text: str, *, learn: bool = False, edit: Edit = WHOLE) -> tuple[Analysis, MarkerChanges]:
    (source,) = edit.sources
    return apply_markers(source, read(module, text, source), edit.record_start, learn=learn)


@given(edits(cut=False), st.sampled_from(READERS), st.sampled_from(["clips", "timeline"]))
@settings(max_examples=80)
def test_what_nobody_changed_comes_back_as_it_was(edit: Edit, module: Any, markers_on: str) -> None:
    edit = replace(edit, sources=edit.sources[:1])
    (source,) = edit.sources
    text = module.render(edit, context(markers_on=markers_on)).content
    result, told = apply_markers(source, read(module, text, source), edit.record_start)
    assert (told.moved, told.renamed, told.added, told.missing, told.notes) == (0, 0, 0, 0, [])
    assert sorted(map(repr, result.events)) == sorted(map(repr, source.events))
    assert result.findings == source.findings
    assert told.unchanged == len(source.events) + len(source.findings)


@given(edits(cut=True), st.sampled_from([resolve_markers, OTIO, FCPXML, XMEML]))
@settings(max_examples=60)
def test_neither_on_a_timeline_of_cuts(edit: Edit, module: Any) -> None:
    source = edit.cuts[0].source
    text = module.render(edit, context()).content
    result, told = apply_markers(source, read(module, text, source), edit.record_start)
    assert (told.moved, told.renamed) == (0, 0)
    assert result.findings[: len(source.findings)] == source.findings


@pytest.mark.parametrize("module", READERS)
def test_left_markers_say_nothing_unless_one_learns(module: Any) -> None:
    result, told = back(module, written(module))
    assert (result, told.unchanged) == (SOURCE, 3)
    learned, _ = back(module, written(module), learn=True)
    assert [finding.verdict for finding in learned.findings] == [Verdict.ACCEPTED] * 2


def without(module: Any, text: str, name: str) -> str:
    """The file without the markers of that name."""
    if module is resolve_markers:
        blocks = text.split("\n\n")
        return "\n\n".join(block for block in blocks if f"|M:{name} " not in block)
    if module is csv_table:
        return "".join(line for line in text.splitlines(keepends=True) if f",{name}," not in line)
    if module in (FCPXML, XMEML):
        root = ET.fromstring(text)
        for parent in root.iter():
            for marker in parent.findall("marker"):
                if name in (marker.get("value"), marker.findtext("name")):
                    parent.remove(marker)
        return ET.tostring(root, encoding="unicode")
    timeline = otio.adapters.read_from_string(text, "otio_json")
    for clip in timeline.find_clips():
        kept = [marker.deepcopy() for marker in clip.markers if marker.name != name]
        del clip.markers[:]
        clip.markers.extend(kept)
    return str(timeline.to_json_string())


@pytest.mark.parametrize("module", READERS)
def test_a_missing_marker_was_wrong_only_where_one_learns(module: Any) -> None:
    text = without(module, without(module, written(module), DOG.query), SEEN.text)
    result, told = back(module, text)
    assert (result, told.missing) == (SOURCE, 2)
    learned, _ = back(module, text, learn=True)
    assert [finding.verdict for finding in learned.findings] == [Verdict.REJECTED, Verdict.ACCEPTED]
    assert learned.events == ()
    assert learned.discarded == ("removed by a person: 10 - 13 s A dog runs through the picture.",)


def test_what_a_timeline_of_cuts_never_showed_is_not_missing() -> None:
    cuts = cuts_of_findings(replace(SOURCE, findings=(DOOR,)))
    edit = Edit("x", RATE, HOUR, (SOURCE,), tuple(Cut(SOURCE, cut.frames, DOOR, "") for cut in cuts))
    for module in (resolve_markers, OTIO, FCPXML, XMEML):
        learned, told = apply_markers(SOURCE, read(module, written(module, edit)), HOUR, learn=True)
        assert [finding.verdict for finding in learned.findings] == [None, Verdict.ACCEPTED]
        assert learned.events == (SEEN,)
        assert told.missing == 0


@pytest.mark.parametrize("module", READERS)
def test_a_renamed_marker_is_the_same_finding_under_its_new_name(module: Any) -> None:
    result, told = back(module, written(module).replace("a dog runs", "a fox runs"))
    assert told.renamed == 1
    fox, door = result.findings
    assert (fox.query, fox.span, fox.score, fox.verdict) == ("a fox runs", DOG.span, 0.9, Verdict.ACCEPTED)
    assert fox.flags == ("renamed",)
    assert door == DOOR
    again, told = back(
        module, written(module, replace(WHOLE, sources=(result,))), edit=replace(WHOLE, sources=(result,))
    )
    assert (again, told.renamed) == (result, 0)


def test_a_marker_that_a_program_moved_is_moved_in_the_source() -> None:
    frames = frames_of(DOOR.span, SOURCE.media)
    text = written(resolve_markers)
    before, after = (RATE.timecode(HOUR + frames.first + later) for later in (0, 7))
    result, told = back(resolve_markers, text.replace(before, after))
    assert told.moved == 1
    moved = result.findings[1]
    assert frames_of(moved.span, SOURCE.media) == FrameRange(frames.first + 7, frames.stop + 7)
    assert (moved.verdict, moved.flags) == (Verdict.ACCEPTED, ("moved",))
    # It keeps its id, so that the file that was imported can be imported again.
    ids = [marker_id for marker_id, _ in identified(result)]
    assert ids == [marker_id for marker_id, _ in identified(SOURCE)]


def test_a_marker_moved_on_a_clip_or_in_a_table_is_moved_likewise() -> None:
    frames = frames_of(DOOR.span, SOURCE.media)
    timeline = otio.adapters.read_from_string(written(OTIO), "otio_json")
    for clip in timeline.find_clips():
        for marker in clip.markers:
            if marker.name == DOOR.query:
                start = marker.marked_range.start_time
                marker.marked_range = otio.opentime.TimeRange(
                    otio.opentime.RationalTime(start.value - 5, start.rate),
                    otio.opentime.RationalTime(frames.count + 10, start.rate),
                )
    result, _ = back(OTIO, str(timeline.to_json_string()))
    assert frames_of(result.findings[1].span, SOURCE.media) == FrameRange(frames.first - 5, frames.stop + 5)
    label = RATE.timecode(HOUR + frames.stop)
    later = RATE.timecode(HOUR + frames.stop + 30)
    result, _ = back(csv_table, written(csv_table).replace(f",{label},", f",{later},"))
    assert frames_of(result.findings[1].span, SOURCE.media) == FrameRange(frames.first, frames.stop + 30)


def test_a_program_that_makes_points_of_markers_moves_nothing() -> None:
    text = written(resolve_markers)
    for count in (60, 45, 90):
        text = text.replace(f"|D:{count}\n", "|D:1\n")
    assert text.count("|D:1\n") == 3
    assert back(resolve_markers, text)[0] == SOURCE


def test_metadata_will_do_where_the_comment_is_lost() -> None:
    timeline = otio.adapters.read_from_string(written(OTIO), "otio_json")
    for clip in timeline.find_clips():
        for marker in clip.markers:
            marker.metadata["Resolve_OTIO"] = {"Note": marker.comment}
            marker.comment = ""
    assert back(OTIO, str(timeline.to_json_string()))[1].unchanged == 3


def set_by_hand(at: str, name: str, count: int) -> str:
    return f"009  001      V     C        {at} {at} {at} {at}  \nmine |C:ResolveColorRed |M:{name} |D:{count}\n\n"


def test_a_new_marker_is_a_finding_that_a_person_made() -> None:
    result, told = back(resolve_markers, written(resolve_markers) + set_by_hand("01:00:30;00", "a cat", 30))
    assert told.added == 1
    cat = result.findings[-1]
    assert (cat.query, cat.verdict, cat.flags) == ("a cat", Verdict.ACCEPTED, ("by hand",))
    assert frames_of(cat.span, SOURCE.media) == FrameRange(900, 930)


def test_a_new_marker_on_a_timeline_of_cuts_is_not_guessed() -> None:
    cuts = tuple(Cut(SOURCE, frames_of(one.span, SOURCE.media), one, "") for one in (DOOR, DOG))
    text = written(resolve_markers, Edit("x", RATE, HOUR, (SOURCE,), cuts))
    result, told = back(resolve_markers, text + set_by_hand("01:00:30;00", "a cat", 1))
    assert result.findings == SOURCE.findings
    assert told.notes == ["not used, because its place in the source is not known on a timeline of cuts: a cat"]
    # Within one of our own markers the list does tell what lies there: a second after the door begins.
    result, told = back(resolve_markers, text + set_by_hand("01:00:01;00", "a cat", 1))
    assert told.notes == []
    assert frames_of(result.findings[-1].span, SOURCE.media).first == frames_of(DOOR.span, SOURCE.media).first + 30


def test_verdicts_of_a_table_are_taken(tmp_path: Path) -> None:
    rows = list(csv.reader(io.StringIO(written(csv_table).removeprefix("\ufeff"))))
    verdict = rows[0].index("verdict")
    for row in rows[1:]:
        row[verdict] = {"a dog runs": "No", "a door opens": "yes", SEEN.text: "wrong"}[row[1]]
    text = io.StringIO()
    csv.writer(text, delimiter=";").writerows(rows)
    result, _ = back(csv_table, text.getvalue())
    assert [finding.verdict for finding in result.findings] == [Verdict.REJECTED, Verdict.ACCEPTED]
    assert result.events == ()


@pytest.mark.parametrize(
    ("module", "content", "words"),
    [
        (resolve_markers, "no list at all", "not a marker list"),
        (FCPXML, "no XML", "not a Final Cut XML: syntax error"),
        (FCPXML, "<xmeml/>", "its first element is xmeml, not fcpxml"),
        (XMEML, "<fcpxml/>", "its first element is fcpxml, not xmeml"),
        (XMEML, "<xmeml>&file;</xmeml>", "not a Final Cut Pro 7 XML: undefined entity"),
        (FCPXML, '<!DOCTYPE fcpxml [<!ENTITY a "b">]><fcpxml>&a;</fcpxml>', "defines entities"),
        (XMEML, '<!DOCTYPE x [<!ENTITY a SYSTEM "file:///etc/passwd">]><xmeml>&a;</xmeml>', "defines entities"),
        (XMEML, '<?xml version="1.0" encoding="klingon"?><xmeml/>', "not a Final Cut Pro 7 XML"),
        (OTIO, "no JSON", "not an OpenTimelineIO file"),
        (OTIO, "{}", "not a timeline"),
        (OTIO, otio.schema.Clip().to_json_string(), "not a timeline"),
        (csv_table, "a,b\n1,2\n", "no column name, source in, source out"),
        (csv_table, "name,source in,source out\nx,01:00:00:00,soon\n", "Line 2: 'soon' is not a time code"),
        (csv_table, "name,source in,source out\nx,01:00:02:00,01:00:01:00\n", "Line 2: .* should come after"),
        (csv_table, "name,source in,source out,verdict\nx,01:00:01:00,01:00:02:00,hm\n", "accepted or rejected"),
    ],
)
def test_what_is_no_marker_file_is_refused_with_its_place(module: Any, content: str, words: str) -> None:
    with pytest.raises(MarlinEditError, match=words):
        read(module, content)


@pytest.mark.parametrize("module", [OTIO, FCPXML, XMEML])
def test_markers_of_another_media_are_refused(module: Any) -> None:
    other = Analysis(replace(SOURCE.media, path=Path("/media/other.mov")))
    with pytest.raises(MarlinEditError, match=r"None of its clips is of other\.mov; they are of interview\.mov"):
        read(module, written(module), other)


@given(edits(cut=False))
@settings(max_examples=40)
def test_ids_are_short_stable_and_unique(edit: Edit) -> None:
    for source in edit.sources:
        ids = [marker_id for marker_id, _ in identified(source)]
        assert ids == [marker_id for marker_id, _ in identified(replace(source, model=None))]
        assert len(set(ids)) == len(ids)
        assert all(len(marker_id) == 8 for marker_id in ids)
    one, *others = edit.sources
    assume(others)
    assert not {marker_id for marker_id, _ in identified(one)} & {marker_id for marker_id, _ in identified(others[0])}


@pytest.fixture
def at_work(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]) -> Callable[..., Any]:
    """Runs in a directory with a video of 10 s and an analysis of it; gives the exit code and what was said."""
    monkeypatch.chdir(tmp_path)
    make_video(tmp_path / "a.mov", frames=250, rate="25", size=(64, 48), audio=0, timecode="10:00:00:00")
    findings = [{"query": query, "start": start, "end": start + 1} for query, start in (("a dog", 1), ("a door", 5))]
    document = {"schema": "marlin-edit.analysis/1", "media": {"path": "a.mov"}, "findings": findings}
    Path("a.json").write_text(json.dumps(document))

    def command_line(*arguments: str) -> tuple[int, str, str]:
        code = main(list(arguments))
        said = capfd.readouterr()
        return code, said.out, said.err

    return command_line


def test_the_whole_way_there_and_back(at_work: Callable[..., Any]) -> None:
    assert at_work("export", "a.json", "-o", "a.markers.edl", "--record-start", "source")[0] == 0
    text = Path("a.markers.edl").read_text()
    assert "10:00:01:00" in text
    # As Resolve exports it: another suffix, one marker renamed, the other one taken out.
    Path("Timeline 1.edl").write_text(without(resolve_markers, text, "a door").replace("|M:a dog", "|M:a wolf"))
    line = ["import-markers", "Timeline 1.edl", "--source", "a.json", "--record-start", "source"]
    code, _, said = at_work(*line, "--learn", "-o", "judged.json")
    assert code == 0, said
    assert "0 unchanged, 0 moved, 1 renamed, 0 added, 1 missing" in said
    document = json.loads(Path("judged.json").read_text())
    assert [(one["query"], one["verdict"]) for one in document["findings"]] == [
        ("a wolf", "accepted"),
        ("a door", "rejected"),
    ]
    assert at_work("export", "judged.json", "-o", "judged.edl")[0] == 0
    assert Path("judged.edl").read_text().count(" C  ") == 1
    assert at_work("export", "judged.json", "-o", "judged.csv")[0] == 0


def test_markers_of_a_video_that_no_model_watched(at_work: Callable[..., Any]) -> None:
    Path("own.csv").write_text("name,source in,source out\na bird,10:00:02:00,10:00:03:00\n")
    code, out, _ = at_work("import-markers", "own.csv", "--source", "a.mov", "--json")
    assert code == 0
    (finding,) = json.loads(out)["analysis"]["findings"]
    assert (finding["query"], finding["start"], finding["end"], finding["verdict"]) == ("a bird", "2", "3", "accepted")


def test_a_command_reads_what_each_program_writes(at_work: Callable[..., Any]) -> None:
    Path("Markers.txt").write_text("editor\t01:00:02:00\tV1\tred\ta cat\t1\n")
    Path("a.llc").write_text("{cutSegments: [{start: 2, end: 3, name: 'a cat'}]}")
    for name in ("Markers.txt", "a.llc"):
        code, out, said = at_work("import-markers", name, "--source", "a.mov", "--json")
        assert code == 0, said
        (finding,) = json.loads(out)["analysis"]["findings"]
        assert (finding["query"], finding["start"]) == ("a cat", "2")


def test_what_cannot_be_read_is_refused_with_advice(at_work: Callable[..., Any]) -> None:
    Path("a.mp3").write_text("")
    code, _, said = at_work("import-markers", "a.mp3", "--source", "a.json")
    assert code == 2
    suffixes = ".aaf, .avid.txt, .csv, .edl, .fcpxml, .llc, .markers.edl, .mlt, .otio, .txt, .xml"
    assert f"markers are read from {suffixes} files" in said
    Path("a.mlt").write_text("<mlt/>")
    code, _, said = at_work("import-markers", "a.mlt", "--source", "a.json")
    assert code == 0
    assert "a.mlt has no markers of a.mov" in said
    code, _, said = at_work("import-markers", "missing.csv", "--source", "a.json")
    assert code == 1
    assert "missing.csv cannot be read" in said


@pytest.mark.parametrize(
    ("name", "note", "query"),
    [
        ("Marker 1", "a dog runs", "a dog runs"),
        ("Marker #12", "a dog runs", "a dog runs"),
        ("", "a dog runs", "a dog runs"),
        ("Marcador 3", "a dog runs", "a dog runs"),
        ("Marker 1", "", "Marker 1"),
        ("a cat", "look at this", "a cat"),
        ("Marker pens fall", "look at this", "Marker pens fall"),
        ("", "", "unnamed marker"),
    ],
)
def test_a_name_that_the_program_gave_yields_to_the_note(name: str, note: str, query: str) -> None:
    given = GivenMarkers((GivenMarker(name, note, 10, 5),))
    result, told = apply_markers(SOURCE, given, 0)
    assert told.added == 1
    assert result.findings[-1].query == query
