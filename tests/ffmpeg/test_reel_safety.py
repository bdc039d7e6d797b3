"""Reels through the command line: names, spans, signals, a full disk, damaged sources. What goes wrong leaves nothing
half-made, and no source is written over.
"""

from __future__ import annotations

import json
import os
import shutil
import signal
import subprocess
import sys
from collections.abc import Callable
from fractions import Fraction
from pathlib import Path
from typing import Any

import pytest

from marlin_edit.cli import main
from marlin_edit.errors import ExitCode
from marlin_edit.media import MediaInfo, probe
from tests.ffmpeg.test_clip_safety import ODD_NAMES, begun, names_in
from tests.support.synthetic_video import frame_indices, make_audio, make_video, truncate

SIZE = (96, 64)
TWICE = ("--span", "3f-17f", "--span", "12f-28f")
KEPT = [*range(3, 17), *range(12, 28)]


@pytest.mark.parametrize("name", ODD_NAMES)
def test_odd_names_of_reels_are_names_and_nothing_else(
    name: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    make_video(tmp_path / "plain.mp4", frames=30, size=SIZE, gop=10).rename(tmp_path / name)
    (tmp_path / "out").mkdir()
    monkeypatch.chdir(tmp_path)
    assert main(["cut", *TWICE, f"--reel=out/{name}", "--", name]) == ExitCode.DONE
    assert os.listdir("out") == [name]
    assert [index for _, index in frame_indices(Path("out") / name)] == KEPT
    monkeypatch.chdir("out")
    assert main(["cut", "--span", "0f-9f", f"--reel=again {name}", "--", name]) == ExitCode.DONE
    assert sorted(os.listdir(".")) == sorted([name, f"again {name}"])
    assert [index for _, index in frame_indices(Path(f"again {name}"))] == KEPT[:9]


@pytest.mark.parametrize(
    ("span", "words"),
    [
        ("2-1", "out point"),
        ("1-1", "out point"),
        ("0-0", "out point"),
        ("nan-2", "not a time"),
        ("0-inf", "not a time"),
        ("100-200", "; the span begins at 100 s"),
    ],
)
def test_spans_that_cannot_be_are_refused(
    span: str, words: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    source = make_video(tmp_path / "film.mp4", frames=30, size=SIZE)
    arguments = ["cut", str(source), "--span", "0-0.5", "--span", span, "--reel", str(tmp_path / "reel.mp4")]
    assert main(arguments) == ExitCode.USAGE
    assert words in capsys.readouterr().err
    assert os.listdir(tmp_path) == ["film.mp4"]


SPELLINGS = ("film.mp4", "./film.mp4", "sub/../film.mp4", "hard.mp4", "soft.mp4", "sub/back/film.mp4")


@pytest.mark.parametrize("spelling", SPELLINGS)
@pytest.mark.parametrize("given", ["film.mp4", "other.mp4"])
def test_no_source_is_written_over_by_whatever_name(
    spelling: str, given: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """Also where the reel would be the second of two sources."""
    source = make_video(tmp_path / "film.mp4", frames=30, size=SIZE, gop=10)
    before = source.read_bytes()
    shutil.copyfile(source, tmp_path / "other.mp4")
    (tmp_path / "sub").mkdir()
    os.link(source, tmp_path / "hard.mp4")
    os.symlink(source, tmp_path / "soft.mp4")
    os.symlink(tmp_path, tmp_path / "sub" / "back")
    monkeypatch.chdir(tmp_path)
    videos = dict.fromkeys([given, "film.mp4"])
    assert main(["cut", *videos, *TWICE, "--reel", spelling, "--overwrite"]) == ExitCode.USAGE
    assert "source itself" in capsys.readouterr().err
    for name in SPELLINGS:
        assert Path(name).read_bytes() == before
    assert len(os.listdir(tmp_path)) == 5


def test_an_existing_reel_stays_unless_it_may_be_replaced(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    source, reel = make_video(tmp_path / "film.mp4", frames=30, size=SIZE, gop=10), tmp_path / "reel.mp4"
    reel.write_text("mine")
    assert main(["cut", str(source), *TWICE, "--reel", str(reel)]) == ExitCode.USAGE
    assert "exists" in capsys.readouterr().err
    assert reel.read_text() == "mine"
    assert main(["cut", str(source), *TWICE, "--reel", str(reel), "--overwrite"]) == ExitCode.DONE
    assert [index for _, index in frame_indices(reel)] == KEPT


def test_a_playlist_in_disguise_is_not_followed(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    make_video(tmp_path / "secret.mp4", frames=10, size=SIZE)
    playlist = tmp_path / "film.mp4"
    playlist.write_text(f"#EXTM3U\n#EXTINF:1,\n{tmp_path / 'secret.mp4'}\n#EXT-X-ENDLIST\n")
    assert main(["cut", str(playlist), "--span", "0-1", "--reel", str(tmp_path / "reel.mp4")]) == ExitCode.FAILED
    assert "playlist" in capsys.readouterr().err
    assert sorted(os.listdir(tmp_path)) == ["film.mp4", "secret.mp4"]


@pytest.mark.parametrize("suffix", [".ts", ".mkv"])
@pytest.mark.parametrize("mode", ["smart", "exact"])
@pytest.mark.parametrize("to", ["reel", "clips"])
def test_of_a_truncated_source_what_is_there_is_delivered_and_the_rest_is_said(
    to: str, mode: str, suffix: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """The file is cut short after it was looked at, so that more was promised than there is."""
    source = make_video(tmp_path / f"film{suffix}", frames=150, size=(192, 108), gop=25)
    right = probe

    def then_truncated(*arguments: Any, **more: Any) -> MediaInfo:
        media = right(*arguments, **more)
        if source.stat().st_size == whole:
            truncate(source, 0.6)
        return media

    whole = source.stat().st_size
    monkeypatch.setattr("marlin_edit.media.probe", then_truncated)
    output = ["--reel", str(tmp_path / f"reel{suffix}")] if to == "reel" else ["--out-dir", str(tmp_path / "clips")]
    spans = ["--span", "10f-40f", "--span", "60f-149f"]
    assert main(["cut", str(source), *spans, *output, "--mode", mode, "--json"]) == ExitCode.PARTIAL
    document = json.loads(capsys.readouterr().out)
    [missing] = document["missing"]
    if to == "reel":
        shown = [index for _, index in frame_indices(tmp_path / f"reel{suffix}")]
        assert "frames of cut 2 could not be read" in missing
    else:
        shown = [index for item in document["items"] for _, index in frame_indices(Path(item["file"]))]
        assert "are missing" in missing
    assert shown[:30] == list(range(10, 40))
    assert shown[30:50] == list(range(60, 80))
    assert len(shown) < 119


@pytest.fixture(scope="module")
def slow_to_cut(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A video that takes seconds to encode, with keyframes ten seconds apart."""
    return make_video(tmp_path_factory.mktemp("film") / "film.mp4", frames=400, size=(1280, 720), gop=250)


@pytest.fixture(scope="module")
def slow_to_read(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Sound of which a reel takes some seconds."""
    return make_audio(tmp_path_factory.mktemp("talk") / "talk.wav", seconds=Fraction(2400), codec="pcm_s16le")


WAYS = {
    "joined": ["--span", "9-15", "--span", "0.2-9.4"],
    "encoded": ["--span", "0-16", "--mode", "exact"],
    "sound": ["--span", "0-2400"],
}


def reeling(source: Path, way: str, reel: Path) -> subprocess.Popen[str]:
    command = [sys.executable, "-m", "marlin_edit", "cut", str(source), *WAYS[way], "--crf", "1", "--reel", str(reel)]
    environment = dict(os.environ, PYTHONPATH=os.pathsep.join(sys.path))
    return subprocess.Popen(command, stderr=subprocess.PIPE, text=True, env=environment)


SourceFor = Callable[[str], Path]


@pytest.fixture
def source_for(request: pytest.FixtureRequest) -> SourceFor:
    """What takes long enough to be stopped on the way."""

    def source(way: str) -> Path:
        found: Path = request.getfixturevalue("slow_to_read" if way == "sound" else "slow_to_cut")
        return found

    return source


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
@pytest.mark.parametrize("way", WAYS)
def test_a_signal_while_a_reel_is_made_leaves_nothing(
    way: str, number: signal.Signals, source_for: SourceFor, tmp_path: Path
) -> None:
    suffix = ".wav" if way == "sound" else ".mp4"
    with reeling(source_for(way), way, tmp_path / f"reel{suffix}") as running:
        begun(running, tmp_path)
        running.send_signal(number)
        assert running.wait(60) == 128 + number
        assert running.stderr is not None
        assert "Traceback" not in running.stderr.read()
    assert names_in(tmp_path) == []


@pytest.mark.parametrize("way", WAYS)
def test_a_killed_reel_has_no_final_name_and_the_next_run_clears_up(
    way: str, source_for: SourceFor, tmp_path: Path
) -> None:
    suffix = ".wav" if way == "sound" else ".mp4"
    source: Path = source_for(way)
    with reeling(source, way, tmp_path / f"reel{suffix}") as running:
        begun(running, tmp_path)
        running.kill()
    left = names_in(tmp_path)
    assert left
    assert all(name.startswith(".") for name in left)
    assert main(["cut", str(source), "--span", "0-0.2", "--reel", str(tmp_path / f"reel{suffix}")]) == ExitCode.DONE
    assert names_in(tmp_path) == [f"reel{suffix}"]


@pytest.mark.parametrize("way", ["joined", "encoded", "sound"])
def test_a_full_disk_leaves_nothing_behind(way: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    import resource

    source = make_video(tmp_path / "film.mp4", frames=100, size=(192, 108), gop=25)
    mode, suffix = ("exact", ".mp4") if way == "encoded" else ("smart", ".m4a" if way == "sound" else ".mp4")
    reel = tmp_path / f"reel{suffix}"
    limits = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (4096, limits[1]))
    try:
        code = main(["cut", str(source), "--span", "5f-60f", "--span", "30f-45f", "--reel", str(reel), "--mode", mode])
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, limits)
    assert code == ExitCode.FAILED
    assert "could not be written" in capsys.readouterr().err
    assert os.listdir(tmp_path) == ["film.mp4"]
