"""`lint` finds every fault in anybody's subtitles and none in ours; a repaired copy has none and every word."""

from __future__ import annotations

import json
from collections import Counter
from fractions import Fraction
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import marlin_edit_exporters
from marlin_edit.app import App
from marlin_edit.cli import main
from marlin_edit.errors import ExitCode
from marlin_edit.interfaces import Detection, Detector, Finds
from marlin_edit.testing import app_with
from marlin_edit.timebase import Span
from marlin_edit_exporters.subtitles import ass, subrip, ttml, webvtt
from marlin_edit_exporters.subtitles.cues.cue_file import CueFile, RawCue
from marlin_edit_exporters.subtitles.cues.lint import RULES, Video, faults_of
from marlin_edit_exporters.subtitles.cues.profiles import Pace, names, profile_named, words_of
from marlin_edit_exporters.subtitles.cues.repair import repaired
from tests.support.subtitle_checkers import RATE, bare, edits, nasty_edit, settings_of, text_of
from tests.support.synthetic_video import make_video

SUFFIXES: dict[str, ModuleType] = {".srt": subrip, ".vtt": webvtt, ".ttml": ttml, ".ass": ass}
PACE = Pace.of(profile_named("default"), RATE)
GOOD = ("00:00:01,000", "00:00:03,000", "A man walks in.")

FAULTY_SRT = {
    "empty": "00:00:10,000 --> 00:00:12,000\n",
    "short": "00:00:10,000 --> 00:00:10,400\nNo time\n",
    "long": "00:00:10,000 --> 00:00:19,000\nFar too long\n",
    "speed": "00:00:10,000 --> 00:00:11,500\nIncomprehensibilities notwithstanding, yes\n",
    "width": "00:00:10,000 --> 00:00:16,000\nA line that is a good deal wider than forty-two cells\n",
    "lines": "00:00:10,000 --> 00:00:14,000\nOne\ntwo\nthree\n",
    "time": "00:00:12,000 --> 00:00:10,000\nBack to front\n",
    "characters": "00:00:10,000 --> 00:00:12,000\nA \u202eturned\u202c word\n",
    "overlap": "00:00:02,000 --> 00:00:04,000\nA dog barks.\n",
    "gap": "00:00:03,010 --> 00:00:05,000\nA dog barks.\n",
    "flicker": "00:00:03,300 --> 00:00:05,000\nA dog barks.\n",
    "order": "00:00:00,000 --> 00:00:00,920\nEarlier\n",
}


def faulty_srt(rule: str) -> str:
    return f"1\n{GOOD[0]} --> {GOOD[1]}\n{GOOD[2]}\n\n2\n{FAULTY_SRT[rule]}"


def run(*arguments: object) -> int:
    return main([str(argument) for argument in arguments])


def judged(path: Path, capsys: pytest.CaptureFixture[str], *options: object) -> tuple[int, Any]:
    capsys.readouterr()
    code = run("lint", path, "--json", *options)
    (file,) = json.loads(capsys.readouterr().out)["files"]
    return code, file


@pytest.mark.parametrize("rule", FAULTY_SRT)
def test_each_planted_fault_is_found_repaired_and_no_word_is_lost(
    rule: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    path = tmp_path / "a.srt"
    path.write_text(faulty_srt(rule), encoding="utf-8")
    code, file = judged(path, capsys, "--rate", "25")
    assert code == ExitCode.FAULTS_FOUND
    assert rule in {fault["rule"] for fault in file["faults"]}
    assert {fault["rule"] for fault in file["faults"]} <= {rule, "overlap", "short", "time", "flicker"}
    assert all(fault["cue"] == 2 and fault["line"] >= 5 for fault in file["faults"])

    assert run("lint", path, "--rate", "25", "--fix") == ExitCode.DONE
    code, repaired = judged(tmp_path / "a.fixed.srt", capsys, "--rate", "25")
    assert (code, repaired["faults"]) == (ExitCode.DONE, [])
    before, after = subrip.parse(path.read_bytes()), subrip.parse((tmp_path / "a.fixed.srt").read_bytes())
    assert words(after) == words(before)


def words(file: CueFile) -> Counter[str]:
    """All that is written, but for what hides: letter for letter, since long words may be divided."""
    return Counter(
        character for cue in file.cues for line in cue.lines for character in bare(line) if ord(character) < 0x2000
    )


@pytest.mark.parametrize(
    ("name", "content", "message"),
    [
        ("a.srt", "00:00:01,000 --> 00:00:03,000\nHello\n", "the cue has no number"),
        ("a.srt", "7\n00:00:01,000 --> 00:00:03,000\nHello\n", "the cue's number is 7 and should be 1"),
        ("a.srt", "title\n\n1\n00:00:01,000 --> 00:00:03,000\nHello\n", "there is something before the first cue"),
        (
            "a.srt",
            "1\n00:00:01,000 --> 00:00:03,000\nHello\n2\n00:00:05,000 --> 00:00:07,000\nYou\n",
            "there is no empty line before the cue",
        ),
        ("a.vtt", "00:01.000 --> 00:03.000\nHello\n", "the file does not begin with WEBVTT"),
        ("a.vtt", "WEBVTT\n\n00:01,000 --> 00:03,000\nHello\n", "the timing line is not like"),
        ("a.vtt", "WEBVTT\n\nx\n00:01.000 --> 00:03.000\na < b\n", "a < that begins no tag"),
        ("a.vtt", "WEBVTT\n\nx\n00:01.000 --> 00:03.000\nR&D\n", "an & that begins no character reference"),
        (
            "a.vtt",
            "WEBVTT\n\nx\n00:01.000 --> 00:03.000\nHello\n\nx\n00:05.000 --> 00:07.000\nYou\n",
            "the id x is there twice",
        ),
        ("a.vtt", "WEBVTT\n\nwords that\nnobody sees\n", "this block has no times"),
        (
            "a.ttml",
            '<tt xmlns="http://www.w3.org/ns/ttml"><body><div><p begin="1s" end="3s">Hello</p></div></body></tt>',
            "does not say its language",
        ),
    ],
)
def test_faults_of_the_format_are_found_and_repaired(
    name: str, content: str, message: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    path = tmp_path / name
    path.write_text(content)
    code, file = judged(path, capsys)
    assert code == ExitCode.FAULTS_FOUND
    assert any(fault["rule"] == "format" and message in fault["message"] for fault in file["faults"])
    assert run("lint", path, "--fix") == ExitCode.DONE
    reader = SUFFIXES[path.suffix]
    fixed = path.with_name(f"a.fixed{path.suffix}")
    assert judged(fixed, capsys)[1]["faults"] == []
    if "<" not in content or path.suffix == ".ttml":
        assert words(reader.parse(fixed.read_bytes())) == words(reader.parse(path.read_bytes()))


def test_what_belongs_to_no_cue_is_told_when_it_is_left_out(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    path = tmp_path / "a.srt"
    path.write_text("A title\n\n1\n00:00:01,000 --> 00:00:03,000\nHello\n")
    assert run("lint", path, "--fix") == ExitCode.DONE
    assert "left out, because it belongs to no cue: A title" in capsys.readouterr().err
    words_only = tmp_path / "b.srt"
    words_only.write_text("no cue at all\n")
    assert run("lint", words_only, "--fix") == ExitCode.FAILED
    assert not (tmp_path / "b.fixed.srt").exists()


def test_a_file_that_is_not_utf_8_is_found_and_repaired(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    path = tmp_path / "a.srt"
    path.write_text("1\n00:00:01,000 --> 00:00:03,000\nHello\n", encoding="utf-16")
    assert [fault["message"] for fault in judged(path, capsys)[1]["faults"]] == ["the file is not UTF-8"]
    assert run("lint", path, "--fix") == ExitCode.DONE
    assert (tmp_path / "a.fixed.srt").read_text() == "1\n00:00:01,000 --> 00:00:03,000\nHello\n"


@pytest.mark.parametrize(
    ("suffix", "profile"), [*((suffix, "default") for suffix in SUFFIXES), *((".srt", name) for name in names())]
)
def test_our_own_files_have_no_fault(
    suffix: str, profile: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    path = tmp_path / f"a{suffix}"
    path.write_text(text_of(SUFFIXES[suffix], nasty_edit(), settings_of(profile=profile)), encoding="utf-8")
    for options in (["--rate", "25"], []):
        assert judged(path, capsys, "--profile", profile, *options)[1]["faults"] == []


@given(edits(), st.sampled_from(list(SUFFIXES)))
@settings(max_examples=30)
def test_random_files_of_ours_have_no_fault(edit: Any, suffix: str) -> None:
    (source,) = edit.sources
    profile = profile_named("default").on_picture(source.media)
    file = SUFFIXES[suffix].parse(text_of(SUFFIXES[suffix], edit).encode())
    shots = tuple(
        sorted({(shot.numerator * 2000 + shot.denominator) // (2 * shot.denominator) for shot in source.shots or ()})
    )
    end = int(source.media.duration * 1000) or 10**15
    assert faults_of(file, Pace.of(profile, source.media.rate), Video(end, shots)) == []
    assert faults_of(file, Pace.of(profile, None)) == []


@st.composite
def anybodys(draw: st.DrawFn) -> CueFile:
    time = st.none() | st.integers(-1000, 60_000)
    text = st.text(st.characters(exclude_categories=["Cs"]), max_size=60)
    return CueFile(
        "srt",
        [
            RawCue(draw(time), draw(time), tuple(draw(st.lists(text, max_size=4))), number)
            for number in range(draw(st.integers(0, 8)))
        ],
    )


@given(anybodys(), st.sampled_from(names()))
@settings(max_examples=80)
def test_a_repaired_file_has_no_fault_and_every_word(file: CueFile, profile: str) -> None:
    from marlin_edit.text import clean

    pace = Pace.of(profile_named(profile), RATE)
    result = repaired(file, pace, words_of("en"))
    again = CueFile("srt", [RawCue(cue.start, cue.end, cue.lines, n) for n, cue in enumerate(result.cues)])
    assert faults_of(again, pace) == []
    before = sorted("".join(bare(clean(line)) for cue in file.cues for line in cue.lines))
    assert sorted(bare(cue.text for cue in result.cues)) == before
    assert repaired(again, pace, words_of("en")) == type(result)(result.cues, ())


def test_what_is_right_already_is_not_touched() -> None:
    cues = [RawCue(1000, 3000, ("- Hello", "- Hi"), 1), RawCue(3080, 5000, ("A dog barks.",), 2)]
    result = repaired(CueFile("srt", cues), PACE, words_of("en"))
    assert [(cue.start, cue.end, cue.lines) for cue in result.cues] == [(c.start, c.end, c.lines) for c in cues]
    assert result.changes == ()


def test_every_rule_that_faults_name_is_explained() -> None:
    assert set(FAULTY_SRT) <= set(RULES)


def test_the_table_says_where_and_what(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    path = tmp_path / "a.srt"
    path.write_text(faulty_srt("long"))
    assert run("lint", path) == ExitCode.FAULTS_FOUND
    told = capsys.readouterr()
    assert "6     2    00:00:10.000  long  stays 9.000 s; 7.000 s at most" in told.out
    assert "a.srt: 1 fault in 2 cues" in told.err


def test_the_end_of_the_video_is_looked_at(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    video = make_video(tmp_path / "v.mp4", frames=100)  # four seconds
    path = tmp_path / "a.srt"
    path.write_text("1\n00:00:01,000 --> 00:00:02,000\nHello\n\n2\n00:00:03,000 --> 00:00:09,000\nYou\n")
    faults = judged(path, capsys, "--video", video)[1]["faults"]
    # The picture counts its frames in stripes, and where many of them turn at once, that looks like another shot.
    assert [(fault["rule"], fault["cue"]) for fault in faults if fault["rule"] != "shot"] == [("end", 2)]


def test_shot_changes_come_from_a_detector(tmp_path: Path) -> None:
    from marlin_edit import hookimpl
    from marlin_edit.commands import Run
    from marlin_edit.console import Console
    from marlin_edit.media import probe
    from marlin_edit_exporters.subtitles.lint_command import _video

    class Shots:
        @hookimpl
        def register_detectors(self) -> list[Detector]:
            halves = [Detection(Span(Fraction(0), Fraction(2))), Detection(Span(Fraction(2), Fraction(4)))]
            return [Detector("halves", Finds.SHOTS, lambda media, span, context: halves)]

    app: App = app_with(marlin_edit_exporters, Shots())
    media = probe(make_video(tmp_path / "v.mp4", frames=100))
    assert _video(Run(app, Console()), media) == Video(4000, (2000,))


def test_a_start_near_a_shot_change_is_a_fault_and_is_moved() -> None:
    file = CueFile("srt", [RawCue(1200, 5000, ("Hello",), 1)])
    video = Video(60_000, (1000,))
    assert [fault.rule for fault in faults_of(file, PACE, video)] == ["shot"]
    assert repaired(file, PACE, words_of("en"), video).cues[0].start == 1000


def test_a_metadata_track_is_not_judged_as_if_it_were_read(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    path = tmp_path / "a.vtt"
    path.write_text(text_of(webvtt, nasty_edit(), settings_of(kind="metadata")))
    assert judged(path, capsys)[1]["faults"] == []


def test_lint_never_writes_over_a_file(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    path = tmp_path / "a.srt"
    path.write_text(faulty_srt("long"))
    (tmp_path / "a.fixed.srt").write_text("mine")
    assert run("lint", path, "--fix") == ExitCode.USAGE
    assert (tmp_path / "a.fixed.srt").read_text() == "mine"
    assert run("lint", path, "--fix", "--overwrite") == ExitCode.DONE
    assert path.read_text() == faulty_srt("long")


def test_several_files_are_judged_and_one_that_cannot_be_read_does_not_stop_the_others(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    good, bad = tmp_path / "a.srt", tmp_path / "b.srt"
    good.write_text("1\n00:00:01,000 --> 00:00:03,000\nHello\n")
    bad.write_bytes(b"\x00\x01\x02" * 100)
    assert run("lint", good, bad) == ExitCode.PARTIAL
    told = capsys.readouterr()
    assert "1 cue, no fault" in told.out
    assert "b.srt: This is not a text file." in told.err
    assert run("lint", tmp_path / "none.srt") == ExitCode.FAILED
    assert run("lint", tmp_path / "a.json") == ExitCode.USAGE
