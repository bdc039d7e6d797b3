"""Files that strangers made to do harm, or that are broken: one clear error in a moment, and nothing is touched."""

from __future__ import annotations

import shlex
import subprocess
import sys
import time
from collections.abc import Callable
from fractions import Fraction
from pathlib import Path

import av
import pytest
from hypothesis import given
from hypothesis import strategies as st

from marlin_edit.errors import MarlinEditError
from marlin_edit.json_values import refuse_deep
from marlin_edit.timebase import short_number
from tests.support.command_line import run_command
from tests.support.synthetic_video import make_video

TT = '<tt xmlns="http://www.w3.org/ns/ttml" xmlns:ttp="http://www.w3.org/ns/ttml#parameter" xml:lang="en"{}>'
BODY = '<body><div><p begin="{}" end="2s">{}</p></div></body></tt>'
DEEP = 40_000

SUBTITLES: dict[str, Callable[[], str]] = {
    "frame rate": lambda: TT.format(' ttp:frameRate="1e100000000"') + BODY.format("00:00:01:00", "x"),
    "tick rate": lambda: TT.format(' ttp:tickRate="1e100000000"') + BODY.format("10t", "x"),
    "multiplier": lambda: (
        TT.format(' ttp:frameRate="25" ttp:frameRateMultiplier="1e100000000 1"') + BODY.format("10f", "x")
    ),
    "many digits": lambda: TT.format(f' ttp:frameRate="{"9" * 10_000}"') + BODY.format("10f", "x"),
    "deep spans": lambda: TT.format("") + BODY.format("1s", "<span>" * 1500 + "x" + "</span>" * 1500),
    "deep divisions": lambda: TT.format("") + "<body>" + "<div>" * 1500 + "</div>" * 1500 + "</body></tt>",
}
PROJECTS: dict[str, Callable[[], str]] = {
    "deep.otio": lambda: '{"a":' * DEEP + "1" + "}" * DEEP,
    "lists.otio": lambda: "[" * DEEP + "]" * DEEP,
    "deep.llc": lambda: "{a:" * DEEP + "1" + "}" * DEEP,
    "deep.fcpxml": lambda: "<fcpxml>" + "<spine>" * DEEP + "</spine>" * DEEP + "</fcpxml>",
    "deep.xml": lambda: "<xmeml>" + "<clip>" * DEEP + "</clip>" * DEEP + "</xmeml>",
    "deep.mlt": lambda: "<mlt>" + "<playlist>" * DEEP + "</playlist>" * DEEP + "</mlt>",
}


def refused(capfd: pytest.CaptureFixture[str], *arguments: object) -> str:
    began = time.process_time()
    ran = run_command(capfd, *arguments)
    assert ran.code == 1, ran.err
    (line,) = ran.err.splitlines()
    assert "fault of marlin-edit itself" not in line
    assert time.process_time() - began < 20  # each took minutes, or did not end
    return line


@pytest.mark.parametrize("kind", SUBTITLES)
def test_subtitles_that_would_fill_the_memory_are_refused(
    kind: str, tmp_path: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    path = tmp_path / "hostile.ttml"
    path.write_text(SUBTITLES[kind]())
    for arguments in (("lint", path), ("export", path, "-o", tmp_path / "out.srt")):
        line = refused(capfd, *arguments)
        assert "cannot be read" in line or "nested more than 200 deep" in line
    assert [one.name for one in tmp_path.iterdir()] == ["hostile.ttml"]


@pytest.mark.parametrize("name", PROJECTS)
def test_projects_that_would_end_the_process_are_refused(
    name: str, tmp_path: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    film, source = make_video(tmp_path / "film.mp4", frames=25), tmp_path / "source.json"
    assert run_command(capfd, "cut", film, "--span", "0-1", "-o", source).code == 0
    path = tmp_path / name
    path.write_text(PROJECTS[name]())
    assert "nested more than 200 deep" in refused(capfd, "import-markers", path, "--source", source)


@pytest.mark.parametrize("rate", ["abc", "1e99999999", "9" * 10_000, "-25", "0", ""])
def test_a_project_of_shotcut_with_no_rate_is_read_at_that_of_the_media(
    rate: str, tmp_path: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    film, source = make_video(tmp_path / "film.mp4", frames=25), tmp_path / "source.json"
    assert run_command(capfd, "cut", film, "--span", "0-1", "-o", source).code == 0
    path = tmp_path / "project.mlt"
    path.write_text(f'<mlt><profile frame_rate_num="{rate}" frame_rate_den="1"/><tractor/></mlt>')
    ran = run_command(capfd, "import-markers", path, "--source", source, "-o", tmp_path / "out.json")
    assert (ran.code, "fault" in ran.err) == (0, False), ran.err


def test_a_clock_that_jumps_by_weeks_is_like_any_clock_that_jumps(
    tmp_path: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    film, jumps = make_video(tmp_path / "film.mp4", frames=100, audio=0), tmp_path / "jumps.mkv"
    with av.open(film) as source, av.open(jumps, "w") as target:
        given = source.streams.video[0]
        written = target.add_stream_from_template(given)
        assert given.time_base is not None
        weeks = int(2_000_000 / given.time_base)
        for number, packet in enumerate(source.demux(given)):
            if packet.pts is not None and packet.dts is not None:
                late = weeks if number >= 60 else 0
                packet.pts, packet.dts, packet.stream = packet.pts + late, packet.dts + late, written
                target.mux(packet)
    ran = run_command(capfd, "cut", jumps, "--span", "0-1", "--out-dir", tmp_path / "clips")
    assert ran.code == 0, ran.err
    with av.open(tmp_path / "clips" / "jumps_001.mkv") as clip:
        assert sum(1 for _ in clip.decode(video=0)) == 25


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="there is no /dev/full")
@pytest.mark.parametrize(
    ("line", "words"),
    [
        ("formats > /dev/full", "cannot be written"),
        ("formats --json > /dev/full", "cannot be written"),
        ("--help > /dev/full", "cannot be written"),
        ("formats >&-", "stdout is closed"),
        ("formats --json >&-", "stdout is closed"),
    ],
)
def test_where_the_answer_has_nowhere_to_go_one_sentence_says_so(line: str, words: str) -> None:
    command = f"{shlex.quote(sys.executable)} -m marlin_edit {line}"
    ran = subprocess.run(["bash", "-c", command], stderr=subprocess.PIPE, encoding="utf-8")
    (said,) = ran.stderr.splitlines()
    assert (ran.returncode, said.startswith("marlin-edit: error: "), words in said) == (1, True, True), said


def test_without_stderr_the_answer_still_comes() -> None:
    command = f"{shlex.quote(sys.executable)} -m marlin_edit formats 2>&-"
    ran = subprocess.run(["bash", "-c", command], stdout=subprocess.PIPE, encoding="utf-8")
    assert (ran.returncode, ran.stdout.startswith("format ")) == (0, True)


@given(st.recursive(st.text("[]{}'\\ab", max_size=5), lambda inner: st.lists(inner, max_size=3), max_leaves=20))
def test_marks_in_texts_are_no_nesting(value: object) -> None:
    import json

    refuse_deep(json.dumps(value), "it")
    with pytest.raises(MarlinEditError, match="nested more than 200 deep"):
        refuse_deep("[" * 201 + json.dumps(value) + "]" * 201, "it")


@given(st.fractions(min_value=-(10**9), max_value=10**9, max_denominator=10**9))
def test_short_numbers_are_read_exactly(value: Fraction) -> None:
    assert short_number(f"{value.numerator}/{value.denominator}") == value
    assert short_number(f" {value.numerator} ") == value.numerator


@pytest.mark.parametrize("text", ["", "1e3", "1/0", "nan", "inf", "1" * 31, "0x10", "1_000", "1,5"])
def test_what_is_no_short_number_is_refused(text: str) -> None:
    with pytest.raises(ValueError, match="is no number"):
        short_number(text)
