"""Files that strangers made to do harm, or that are broken: one clear error in a moment, and nothing is touched."""

from __future__ import annotations

import json
import shlex
import shutil
import subprocess
import sys
import time
from collections.abc import Callable
from fractions import Fraction
from pathlib import Path
from typing import Any

import av
import pytest
from hypothesis import given
from hypothesis import strategies as st

from marlin_edit.errors import MarlinEditError
from marlin_edit.json_values import refuse_deep
from marlin_edit.timebase import short_number
from tests.fuzz.readers import CHECKPOINT
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


def deep_profile(folder: Path) -> Path:
    path = folder / "deep.toml"
    path.write_text("x = " + "[" * 100_000 + "]" * 100_000)
    return path


def test_settings_and_profiles_that_are_nested_without_end_are_refused(
    tmp_path: Path, capfd: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    subtitles = tmp_path / "a.srt"
    subtitles.write_text("1\n00:00:01,000 --> 00:00:02,000\nHello\n")
    profile = deep_profile(tmp_path)
    ran = run_command(capfd, "lint", subtitles, "--profile", profile)
    assert (ran.code, "is not TOML" in ran.err, len(ran.err.splitlines())) == (2, True, 1)
    monkeypatch.setenv("MARLIN_EDIT_CONFIG", str(profile))
    ran = run_command(capfd, "formats")
    assert (ran.code, "is not TOML" in ran.err, len(ran.err.splitlines())) == (2, True, 1)


@pytest.mark.parametrize("part", ["vocab", "added_tokens"])
def test_a_model_whose_tokenizer_has_no_words_is_refused(
    part: str, tmp_path: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    model = tmp_path / "model"
    shutil.copytree(CHECKPOINT, model)
    tokenizer = json.loads((model / "tokenizer.json").read_text())
    tokenizer["model"] |= {"vocab": {}, "merges": []}
    if part == "added_tokens":
        tokenizer["added_tokens"] = []
    (model / "tokenizer.json").write_text(json.dumps(tokenizer))
    film = make_video(tmp_path / "film.mp4", frames=25)
    assert "has no words for" in refused(capfd, "caption", film, "--model", model)


@pytest.mark.skipif(not Path("/proc/self/status").exists(), reason="the system does not tell a process's memory so")
def test_a_picture_of_128_million_pixels_takes_the_memory_of_a_few_frames(tmp_path: Path) -> None:
    film = tmp_path / "huge.mov"
    with av.open(film, "w") as container:
        stream = container.add_stream("mjpeg", rate=1)
        stream.width, stream.height, stream.pix_fmt = 16_000, 8_000, "yuvj420p"
        for number in range(2):
            frame = av.VideoFrame(16_000, 8_000, "yuvj420p")
            for plane in frame.planes:
                plane.update(bytes(plane.buffer_size))
            frame.pts = number
            container.mux(stream.encode(frame))
        container.mux(stream.encode(None))
    code = (
        "import re, sys; from marlin_edit.cli import main; code = main(sys.argv[1:]);"
        " print(code, int(re.search(r'VmHWM:\\s+(\\d+)', open('/proc/self/status').read())[1]) // 1000)"
    )
    command = [sys.executable, "-c", code, "caption", film, "--model", "demo", "-o", tmp_path / "out.json"]
    ran = subprocess.run([str(one) for one in command], capture_output=True, encoding="utf-8", check=True)
    ended, megabytes = map(int, ran.stdout.split())
    assert ended == 0, ran.stderr
    assert megabytes < 1500


def analysis_of(film: Path, path: Path, capfd: pytest.CaptureFixture[str], named: str | None = None) -> Path:
    """The analysis of a film, in another directory than it; with other media named in it if they are given."""
    path.parent.mkdir(exist_ok=True)
    assert run_command(capfd, "cut", film, "--span", "0-1", "-o", path).code == 0
    if named is not None:
        document = json.loads(path.read_text())
        document["media"]["path"] = named
        path.write_text(json.dumps(document))
    return path


def test_media_outside_an_analysis_directory_is_packed_only_if_a_person_names_it(
    tmp_path: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    film = make_video(tmp_path / "private.mp4", frames=25)
    found = analysis_of(film, tmp_path / "theirs" / "found.json", capfd)
    bundle = tmp_path / "out.otioz"
    ran = run_command(capfd, "export", found, "-o", bundle)
    assert (ran.code, bundle.exists()) == (2, False)
    assert "outside its own directory" in ran.err
    assert run_command(capfd, "export", found, "-o", tmp_path / "out.otio").code == 0, "which only refers to it"
    assert run_command(capfd, "export", found, "-o", bundle, "--media", film).code == 0
    beside = analysis_of(film, tmp_path / "found.json", capfd)
    assert run_command(capfd, "export", beside, "-o", tmp_path / "beside.otioz").code == 0


@pytest.mark.parametrize("named", [r"\\host\share\film.mp4", "//host/share/film.mp4"])
def test_media_on_another_computer_is_not_looked_for(
    named: str, tmp_path: Path, capfd: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    film = make_video(tmp_path / "film.mp4", frames=25)
    found = analysis_of(film, tmp_path / "found.json", capfd, named)
    looked: list[str] = []
    real = Path.is_file

    def noted(path: Path) -> bool:
        looked.append(str(path))
        return real(path)

    monkeypatch.setattr(Path, "is_file", noted)
    ran = run_command(capfd, "export", found, "-o", tmp_path / "out.edl")
    assert "names media on another computer" in ran.err
    assert not [path for path in looked if "share" in path]


def test_a_directory_that_goes_away_while_it_is_written_to_is_said(
    tmp_path: Path, capfd: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    film = make_video(tmp_path / "film.mp4", frames=50)
    out = tmp_path / "out"
    out.mkdir()
    from marlin_edit_exporters.timelines import edl

    real = edl.render

    def render(*given: Any) -> Any:
        shutil.rmtree(out)
        return real(*given)

    monkeypatch.setattr(edl, "render", render)
    ran = run_command(capfd, "cut", film, "--span", "0-1", "-o", out / "list.edl")
    assert ran.code == 2
    (said,) = [line for line in ran.err.splitlines() if "error" in line]
    assert "list.edl: there is no directory" in said


LONG = {
    "word.srt": "1\n00:00:01,000 --> 00:00:05,000\n" + "a" * 200_000 + "\n",
    "angles.srt": "1\n00:00:01,000 --> 00:00:05,000\n" + "<" * 200_000 + "\n",
    "braces.vtt": "WEBVTT\n\n00:01.000 --> 00:05.000\n" + "{\\" * 200_000 + "\n",
    "text.srt": "1\n00:00:01,000 --> 00:00:05,000\n" + "word " * 1_000_000 + "\n",
}


@pytest.mark.parametrize("name", LONG)
def test_a_cue_of_any_length_is_read_checked_and_written_in_a_moment(
    name: str, tmp_path: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    path = tmp_path / name
    path.write_text(LONG[name])
    began = time.process_time()
    assert run_command(capfd, "lint", path).code in (0, 5)
    for suffix in (".vtt", ".ass", ".ttml"):
        assert run_command(capfd, "export", path, "-o", tmp_path / f"out{suffix}").code == 0
    assert time.process_time() - began < 60  # one of them took minutes, and grew with the square of the length


def test_a_download_that_is_cut_short_anywhere_in_its_index_is_refused_or_partly_cut(
    tmp_path: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    content = make_video(tmp_path / "film.mp4", frames=75, gop=25).read_bytes()
    index = content.rindex(b"moov") - 4
    ended = set()
    for stop in range(index, len(content), max(1, (len(content) - index) // 40)):
        path = tmp_path / "cut.mp4"
        path.write_bytes(content[:stop])
        ran = run_command(capfd, "cut", path, "--span", "1-2", "--out-dir", tmp_path / "clips", "--overwrite")
        assert "fault" not in ran.err, ran.err
        assert ran.code in (1, 2, 3), ran.err
        ended.add(ran.code)
    assert {1, 3} <= ended


def test_where_a_bundle_has_no_room_one_sentence_says_so(tmp_path: Path) -> None:
    film = make_video(tmp_path / "film.mp4", frames=200)
    assert film.stat().st_size > 40_000
    program = f"{shlex.quote(sys.executable)} -m marlin_edit"
    command = f"ulimit -f 20; {program} cut {shlex.quote(str(film))} --span 0-4 -o {tmp_path}/out.otioz"
    ran = subprocess.run(["bash", "-c", command], capture_output=True, encoding="utf-8")
    said = [line for line in ran.stderr.splitlines() if "error" in line]
    assert (ran.returncode, len(said)) == (1, 1), ran.stderr
    assert "fault" not in ran.stderr
    assert "File too large. Make room" in said[0]
    assert not (tmp_path / "out.otioz").exists()
