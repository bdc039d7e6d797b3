"""Chapters: what begins one, and that FFmpeg and mkvmerge find each at its time, with its title."""

from __future__ import annotations

import json
import re
import subprocess
from fractions import Fraction
from itertools import pairwise
from pathlib import Path
from typing import Any
from xml.etree import ElementTree as ET

import pytest
from hypothesis import given, settings

from marlin_edit.analysis import Analysis, Event, Finding
from marlin_edit.edit import Cut, Edit
from marlin_edit.interfaces import Rendered
from marlin_edit.media import FrameTimes, MediaInfo
from marlin_edit.timebase import FrameRange, FrameRate, Span
from marlin_edit_exporters.chapters import ffmetadata, matroska, vtt, youtube
from marlin_edit_exporters.chapters.layout import chapters_of
from tests.support.programs import checker
from tests.support.synthetic_video import make_video
from tests.support.timeline_readers import context, edits, media_at

RATE = FrameRate.parse("25")
TITLES = ["A = door; opens # \\ fast", "<b>&amp;</b> \"quotes\" 'and' --> more", "Été 日本", "=;#\\", "[CHAPTER]"]


def span(start: str, end: str) -> Span:
    return Span(Fraction(start), Fraction(end))


def rendered(module: Any, edit: Edit) -> Rendered:
    result: Rendered = module.render(edit, context())
    return result


def lasting(seconds: int, *events: tuple[str, str]) -> Edit:
    told = tuple(Event(Span(Fraction(start), Fraction(start) + 1), text) for start, text in events)
    return Edit("x", RATE, 0, (Analysis(media_at(RATE, seconds=seconds), events=told),))


@given(edits())
@settings(max_examples=60)
def test_chapters_follow_one_another_and_begin_with_what_they_tell(edit: Edit) -> None:
    chapters, _ = chapters_of(edit, context())
    for chapter, after in pairwise(chapters):
        assert chapter.start < chapter.end == after.start
    if edit.cuts:
        seconds = [edit.rate.seconds(record.first - edit.record_start) for record in edit.record_ranges()]
        assert [chapter.start for chapter in chapters] == [-(-second * 1000 // 1) for second in seconds]


def test_a_player_that_jumps_to_a_chapter_shows_its_first_frame() -> None:
    rate = FrameRate.parse("23.976")
    media = media_at(rate)
    edit = Edit("x", rate, 0, (Analysis(media, events=(Event(span("7.4", "9"), "x"),)),))
    ((chapter,), _) = chapters_of(edit, context())
    assert Fraction(chapter.start, 1000) >= media.time_of(178) > Fraction(chapter.start - 1, 1000)


def test_where_the_rate_varies_the_frames_own_times_count() -> None:
    times = FrameTimes((0, 7, 20, 21), Fraction(1, 10))
    media = MediaInfo(Path("/media/a.mov"), Fraction(3), RATE, 4, times=times)
    edit = Edit("x", RATE, 0, (Analysis(media, events=(Event(span("1", "2.5"), "x"),)),))
    ((chapter,), _) = chapters_of(edit, context())
    assert (chapter.start, chapter.end) == (2000, 3000)


def test_events_that_begin_together_share_a_chapter() -> None:
    edit = lasting(60, ("1", "a dog"), ("1", "a door"), ("2", "a car"))
    chapters, notes = chapters_of(edit, context())
    assert [chapter.title for chapter in chapters] == ["a dog / a door", "a car"]
    assert notes == ["1 event joined into the chapter that begins at the same time"]


def test_without_events_the_findings_begin_chapters() -> None:
    source = Analysis(media_at(RATE), findings=(Finding(span("5", "6"), "a dog"),))
    assert [chapter.title for chapter in chapters_of(Edit("x", RATE, 0, (source,)), context())[0]] == ["a dog"]


def test_youtube_gets_what_it_takes() -> None:
    edit = lasting(
        4000, ("3", "<First>"), ("8", "too close"), ("15", "Second"), ("3700.9", "Third"), ("3995", "too late")
    )
    result = rendered(youtube, edit)
    assert result.content == "0:00 ‹First›\n0:15 Second\n1:01:40 Third\n"
    assert result.notes == (
        "the first chapter begins at 0:00, as YouTube requires",
        "2 chapters left out, because YouTube requires at least ten seconds between them",
    )


def test_youtube_s_first_chapter_is_at_zero_also_where_the_first_event_is_later() -> None:
    result = rendered(youtube, lasting(600, ("30", "One"), ("60", "Two")))
    assert result.content == "0:00 Start\n0:30 One\n1:00 Two\n"
    few = rendered(youtube, lasting(600, ("0", "One"), ("60", "Two")))
    assert few.notes == ("YouTube shows chapters if there are at least 3, and there are 2",)


@given(edits())
@settings(max_examples=40)
def test_no_title_breaks_a_line_or_becomes_an_element(edit: Edit) -> None:
    chapters, _ = chapters_of(edit, context())
    text = str(rendered(ffmetadata, edit).content)
    assert len(text.splitlines()) == text.count("\n") == 2 + 5 * len(chapters)
    assert re.findall(r"^\[CHAPTER\]$", text, re.MULTILINE) == ["[CHAPTER]"] * len(chapters)
    root = ET.fromstring(str(rendered(matroska, edit).content))
    assert [one.text or "" for one in root.iter("ChapterString")] == [chapter.title for chapter in chapters]
    uids = [one.text for one in root.iter("ChapterUID")]
    assert len(set(uids)) == len(chapters)
    assert "0" not in uids
    cues = str(rendered(vtt, edit).content)
    assert cues.count("-->") == len(chapters)
    assert "<" not in cues
    lines = str(rendered(youtube, edit).content).split("\n")[:-1]
    assert all(re.match(r"(\d+:\d\d:\d\d|\d{1,2}:\d\d) ", line) for line in lines)


@pytest.fixture(scope="module")
def video(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return make_video(tmp_path_factory.mktemp("chapters") / "a.mp4", frames=250, rate="25", size=(96, 64))


def titled() -> Edit:
    return lasting(10, *((str(2 * number), title) for number, title in enumerate(TITLES)))


@pytest.mark.parametrize("suffix", [".mp4", ".mkv"])
def test_chapters_survive_ffmpeg(video: Path, tmp_path: Path, suffix: str) -> None:
    ffmpeg, ffprobe = checker("ffmpeg", "ffmpeg"), checker("ffprobe", "ffmpeg")
    (tmp_path / "a.ffmeta").write_text(str(rendered(ffmetadata, titled()).content), encoding="utf-8")
    line: list[str | Path] = [ffmpeg, "-v", "error", "-i", video, "-i", tmp_path / "a.ffmeta"]
    out = tmp_path / f"out{suffix}"
    subprocess.run([*line, "-map_metadata", "1", "-map", "0", "-c", "copy", out], check=True, timeout=60)
    told = subprocess.run(
        [ffprobe, "-v", "error", "-show_chapters", "-of", "json", out], check=True, capture_output=True, timeout=60
    )
    chapters = json.loads(told.stdout)["chapters"]
    # FFmpeg would join a line that ends in a backslash with the next one, so a blank is put there.
    assert [chapter["tags"]["title"].removesuffix(" ") for chapter in chapters] == TITLES
    assert [(float(chapter["start_time"]), float(chapter["end_time"])) for chapter in chapters] == [
        (2 * number, 2 * number + 2) for number in range(5)
    ]


def test_chapters_survive_mkvmerge(video: Path, tmp_path: Path) -> None:
    mkvmerge, mkvextract = checker("mkvmerge", "mkvtoolnix"), checker("mkvextract", "mkvtoolnix")
    (tmp_path / "a.chapters.xml").write_text(str(rendered(matroska, titled()).content), encoding="utf-8")
    out = tmp_path / "out.mkv"
    subprocess.run(
        [mkvmerge, "-q", "-o", out, "--chapters", tmp_path / "a.chapters.xml", video], check=True, timeout=60
    )
    told = subprocess.run([mkvextract, out, "chapters", "-"], check=True, capture_output=True, timeout=60)
    atoms = list(ET.fromstring(told.stdout.decode("utf-8-sig")).iter("ChapterAtom"))
    assert [atom.findtext("ChapterDisplay/ChapterString") for atom in atoms] == TITLES
    assert [(atom.findtext("ChapterTimeStart"), atom.findtext("ChapterTimeEnd")) for atom in atoms] == [
        (f"00:00:0{2 * number}.000000000", f"00:00:{2 * number + 2:02}.000000000") for number in range(5)
    ]


def test_the_chapters_of_a_cut_edit_are_its_cuts() -> None:
    source = Analysis(media_at(RATE))
    cuts = tuple(Cut(source, FrameRange(first, first + 50), None, name) for first, name in ((100, "one"), (10, "two")))
    chapters, _ = chapters_of(Edit("x", RATE, 90_000, (source,), cuts), context())
    assert [(chapter.start, chapter.end, chapter.title) for chapter in chapters] == [
        (0, 2000, "one"),
        (2000, 4000, "two"),
    ]
