"""AAF, read by pyaaf2 and by OpenTimelineIO's own AAF adapter at every rate, and ALE, read as the table that it is."""

from __future__ import annotations

import tempfile
from fractions import Fraction
from pathlib import Path
from typing import Any

import aaf2
import opentimelineio as otio
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from marlin_edit.analysis import Analysis, Finding
from marlin_edit.edit import Cut, Edit, frames_of
from marlin_edit.errors import MarlinEditError
from marlin_edit.timebase import FrameRange, FrameRate, Span
from marlin_edit.workflow.import_markers import apply_markers
from marlin_edit_exporters.timelines import aaf, aaf_markers, ale
from tests.support.command_line import run_command
from tests.support.synthetic_video import make_video
from tests.support.timeline_readers import (
    MODEL,
    SILENT,
    TWO,
    Clip,
    context,
    edits,
    expected,
    media_at,
    on_timeline,
    without_markers,
)

RATES = ("23.976", "24", "25", "29.97", "29.97df", "30", "47.952", "50", "59.94", "59.94df", "60", "100", "119.88df")


def written(edit: Edit, **given: Any) -> bytes:
    with tempfile.TemporaryDirectory() as folder:
        content = aaf.render(edit, context(temporary=Path(folder), **given)).content
        assert isinstance(content, Path)
        return content.read_bytes()


def opened(content: bytes, folder: Path) -> Any:
    (folder / "a.aaf").write_bytes(content)
    return aaf2.open(str(folder / "a.aaf"))


def clips_of(file: Any, rate: FrameRate) -> tuple[list[Clip], list[tuple[int, int]]]:
    """The clips of the picture tracks, followed to the tape that has their time code, and the sequence's markers."""
    (composition,) = file.content.toplevel()
    clips, markers = [], []
    begin = next(slot.segment for slot in composition.slots if isinstance(slot.segment, aaf2.components.Timecode))
    assert (begin.fps, begin.drop) == (rate.base, rate.drop_frame)
    for slot in composition.slots:
        edit_rate = slot["EditRate"].value
        assert Fraction(edit_rate.numerator, edit_rate.denominator) == rate.value
        if isinstance(slot, aaf2.mobslots.EventMobSlot):
            markers += [(begin.start + one["Position"].value, one["Length"].value) for one in slot.segment.components]
        elif slot.media_kind == "Picture":
            position = begin.start
            for component in slot.segment.components:
                if isinstance(component, aaf2.components.SourceClip):
                    inside = component.mob.slot_at(component.slot_id).segment
                    of_tape = inside.mob.slot_at(inside.slot_id).segment
                    clock = next(
                        one.segment for one in of_tape.mob.slots if isinstance(one.segment, aaf2.components.Timecode)
                    )
                    assert (clock.fps, clock.drop) == (rate.base, rate.drop_frame)
                    start = clock.start + of_tape.start
                    clips.append(Clip(component.start, component.start + component.length, position, start))
                position += component.length
    return sorted(clips, key=lambda clip: clip.record), sorted(markers)


@given(edits(), st.sampled_from(["together", "apart"]))
@settings(max_examples=25, deadline=None)
def test_aaf_names_the_frames_of_cuts_and_markers(edit: Edit, tracks: str) -> None:
    with tempfile.TemporaryDirectory() as folder, opened(written(edit, tracks=tracks), Path(folder)) as file:
        clips, markers = clips_of(file, edit.rate)
    told = without_markers(expected(edit))
    assert set(clips) == set(told) if tracks == "apart" and not edit.cuts else clips == told
    # A frame has one marker in each track: later ones on the same frame move on.
    asked = on_timeline(expected(edit))
    assert len(markers) == len(asked)
    if len({first for first, _ in asked}) == len(asked):
        assert markers == asked


@pytest.mark.parametrize("name", RATES)
def test_every_rate_is_an_exact_fraction(name: str, tmp_path: Path) -> None:
    rate = FrameRate.parse(name)
    start = rate.frame_of(rate.timecode(rate.base * 3600))
    finding = Finding(Span(Fraction(10), Fraction(12)), "a dog", 0.9)
    source = Analysis(media_at(rate, start_frame=start, streams=TWO), MODEL, findings=(finding,))
    cuts = tuple(
        Cut(source, FrameRange(first, first + 50), finding, "a dog") for first in (rate.base * 10, rate.base * 7000 + 7)
    )
    edit = Edit("x", rate, start, (source,), cuts)
    content = written(edit)
    with opened(content, tmp_path) as file:
        clips, _ = clips_of(file, rate)
        (composition,) = file.content.toplevel()
        sounds = [slot for slot in composition.slots if slot.media_kind == "Sound"]
        assert [[one.slot_id for one in slot.segment.components] for slot in sounds] == [[n, n] for n in (2, 3, 4, 5)]
        names = {one["URLString"].value for mob in file.content.sourcemobs() for one in _locators(mob)}
        assert names == {"file:///media/interview.mov"}
    assert clips == without_markers(expected(edit))
    # OpenTimelineIO's adapter, which is not of pyaaf2: it gives source time code in its own times.
    timeline = otio.adapters.read_from_file(str(tmp_path / "a.aaf"), simplify=True)
    (video,) = timeline.video_tracks()
    found = []
    for clip in video.find_clips():
        begin, count = clip.source_range.start_time, clip.source_range.duration
        assert begin.rate == pytest.approx(float(rate.value))
        found.append((round(begin.value), round(count.value)))
    assert found == [(start + cut.frames.first, cut.frames.count) for cut in cuts]


def _locators(mob: Any) -> list[Any]:
    return list(mob.descriptor["Locator"].value or []) if "Locator" in mob.descriptor else []


@given(edits(cut=None))
@settings(max_examples=15, deadline=None)
def test_what_nobody_changed_comes_back_as_it_was(edit: Edit) -> None:
    source = edit.cuts[0].source if edit.cuts else edit.sources[0]
    if sum(one.media.path.name == source.media.path.name for one in edit.sources) > 1:
        return
    given = aaf_markers.read_markers(written(edit), source.media)
    result, told = apply_markers(source, given, edit.record_start)
    assert (told.moved, told.renamed) == (0, 0)
    assert result.findings[: len(source.findings)] == source.findings


def test_what_a_person_changed_in_avid_comes_back(tmp_path: Path) -> None:
    rate = FrameRate.parse("29.97df")
    begin = rate.frame_of("01:00:00;00")
    findings = tuple(
        Finding(Span(Fraction(at), Fraction(at + 2)), name) for at, name in ((10, "a dog"), (20, "a door"))
    )
    source = Analysis(media_at(rate, start_frame=begin), MODEL, findings=findings)
    with opened(written(Edit("x", rate, begin, (source,))), tmp_path):
        pass
    with aaf2.open(str(tmp_path / "a.aaf"), "rw") as file:
        (composition,) = file.content.toplevel()
        slot = next(one for one in composition.slots if isinstance(one, aaf2.mobslots.EventMobSlot))
        dog, door = slot.segment.components
        dog["Comment"].value = dog["Comment"].value.replace("a dog;", "a fox;")
        door["Position"].value += 9
        new = file.create.DescriptiveMarker()
        new["Position"].value, new["Comment"].value = 1000, "a cat"
        slot.segment.components.append(new)
    given = aaf_markers.read_markers((tmp_path / "a.aaf").read_bytes(), source.media)
    result, told = apply_markers(source, given, begin)
    assert (told.unchanged, told.moved, told.renamed, told.added, told.notes) == (0, 1, 1, 1, [])
    assert [one.query for one in result.findings] == ["a fox", "a door", "a cat"]
    assert result.findings[1].span.start == rate.seconds(frames_of(findings[1].span, source.media).first + 9)
    assert result.findings[2].span.start == rate.seconds(1000)
    other = media_at(rate, "other.mov")
    with pytest.raises(MarlinEditError, match=r"None of its clips is of other\.mov; they are of interview\.mov"):
        aaf_markers.read_markers((tmp_path / "a.aaf").read_bytes(), other)
    for content in (b"", b"no AAF at all", (tmp_path / "a.aaf").read_bytes()[:3000]):
        with pytest.raises(MarlinEditError, match="This AAF cannot be read"):
            aaf_markers.read_markers(content, source.media)


def test_the_same_edit_has_the_same_ids() -> None:
    rate = FrameRate.parse("25")
    edit = Edit("x", rate, 0, (Analysis(media_at(rate, streams=TWO)),))
    found = []
    for _ in range(2):
        with tempfile.TemporaryDirectory() as folder, opened(written(edit), Path(folder)) as file:
            found.append(sorted(str(mob.mob_id) for mob in file.content.mobs))
    assert found[0] == found[1]
    assert len(set(found[0])) == len(found[0])


def test_ale_is_a_table_of_clips() -> None:
    rate = FrameRate.parse("29.97df")
    finding = Finding(Span(Fraction(10), Fraction(12)), "a\tdog", 0.9)
    loud = Analysis(
        media_at(rate, "a b.mov", start_frame=rate.frame_of("01:00:00;00"), streams=TWO, width=1920, height=1080),
        MODEL,
        findings=(finding,),
    )
    silent = Analysis(media_at(rate, "silent.mov", streams=SILENT))
    cuts = (Cut(loud, FrameRange(1798, 1802), finding, "a\tdog"), Cut(silent, FrameRange(0, 10), None, ""))
    heading, rest = str(ale.render(Edit("x", rate, 0, (loud, silent), cuts), context()).content).split("\nColumn\n")
    assert heading == "Heading\nFIELD_DELIM\tTABS\nVIDEO_FORMAT\t1080\nAUDIO_FORMAT\t48khz\nFPS\t29.97\n"
    columns, rows = rest.split("\n\nData\n")
    table = [dict(zip(columns.split("\t"), row.split("\t"), strict=True)) for row in rows.splitlines()]
    assert [row["Name"] for row in table] == ["a dog", "silent"]
    assert [(row["Start"], row["End"]) for row in table] == [
        ("01:00:59;28", "01:01:00;04"),
        ("00:00:00;00", "00:00:00;10"),
    ]
    assert [row["Tracks"] for row in table] == ["VA1A2A3A4", "V"]
    assert table[0]["Comments"] == "a dog; score 0.90; auto-generated by NemoStation/Marlin-2B fd111fca bfloat16"
    assert table[0]["Source Path"] == "/media/a b.mov"
    whole = str(ale.render(Edit("x", rate, 0, (loud, silent)), context()).content).splitlines()
    assert [row.split("\t")[0] for row in whole[-2:]] == ["a b", "silent"]


def test_aaf_without_its_library_is_refused_before_any_work(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(tmp_path)
    make_video(tmp_path / "a.mov", frames=25, size=(64, 48), audio=2)
    assert run_command(capfd, "cut", "a.mov", "--span", "0-0.5", "-o", "a.aaf", "-o", "a.ale").code == 0
    assert Path("a.ale").is_file()
    monkeypatch.setattr("importlib.util.find_spec", lambda name: None)
    ran = run_command(capfd, "cut", "a.mov", "--span", "0-0.5", "-o", "b.aaf")
    assert ran.code == 2
    assert "pip install 'marlin-edit[aaf]'" in ran.err
