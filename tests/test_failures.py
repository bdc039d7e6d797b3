"""What goes wrong for users: each time one clear sentence, the right exit code, and nothing under a final name."""

from __future__ import annotations

import os
import resource
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from marlin_edit.cli import main
from tests.makers import make_audio, make_video, truncate

NASA = Path(__file__).parent / "media" / "nasa_13013.mp4"

Said = tuple[int, str]
CommandLine = Callable[..., Said]


@pytest.fixture
def run(capfd: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> CommandLine:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("MARLIN_EDIT_MODEL", "demo")

    def command_line(*arguments: object) -> Said:
        code = main([str(argument) for argument in arguments])
        return code, capfd.readouterr().err

    return command_line


@pytest.fixture
def video(tmp_path: Path) -> Path:
    return make_video(tmp_path / "video.mp4", frames=75)


def errors(said: str) -> list[str]:
    return [line for line in said.splitlines() if line.startswith("marlin-edit: error:")]


def child(*arguments: object, before: Callable[[], None], cwd: Path) -> subprocess.CompletedProcess[str]:
    """The command in a process of its own, where `before` has taken something away from it."""
    environment = {**os.environ, "MARLIN_EDIT_MODEL": "demo", "HOME": str(cwd)}
    return subprocess.run(
        [sys.executable, "-m", "marlin_edit", *map(str, arguments)],
        preexec_fn=before,
        cwd=cwd,
        env=environment,
        capture_output=True,
        text=True,
        check=False,
    )


@pytest.mark.parametrize("command", [("caption",), ("find", "-q", "a red circle"), ("cut", "--span", "1-2")])
@pytest.mark.parametrize("kind", ["text", "empty", "directory", "missing", "headers only"])
def test_what_is_no_video_is_refused_in_one_sentence(
    run: CommandLine, tmp_path: Path, command: tuple[str, ...], kind: str
) -> None:
    path = tmp_path / "input.mp4"
    if kind == "text":
        path.write_text("this is not a video\n" * 100)
    elif kind == "empty":
        path.touch()
    elif kind == "directory":
        path.mkdir()
    elif kind == "headers only":
        truncate(make_video(path, frames=30), 0.02)
    code, said = run(command[0], path, *command[1:], "-o", "out.json")
    assert code == 1
    assert len(errors(said)) == 1, said
    assert "input.mp4" in errors(said)[0]
    assert not (tmp_path / "out.json").exists()


def test_audio_only_is_refused_for_the_models_commands_with_the_reason(run: CommandLine, tmp_path: Path) -> None:
    path = make_audio(tmp_path / "voice.m4a")
    for command in (("caption",), ("find", "-q", "a red circle")):
        code, said = run(command[0], path, *command[1:], "-o", "out.json")
        assert code == 1
        assert "no picture" in errors(said)[0]
    assert not (tmp_path / "out.json").exists()


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (("find", "-q", ""), "query is empty"),
        (("find", "-q", "   "), "query is empty"),
        (("find", "-q", "a red circle " * 400), "characters"),
        (("find",), "--query"),
        (("cut",), "--query"),
        (("cut", "--query", "x", "--span", "1-2"), "either"),
        (("cut", "--span", "2-1"), "out point"),
        (("cut", "--span", "100-200"), "after the end"),
        (("cut", "--span", "nan-2"), "not a time"),
        (("cut", "--span", "1"), "IN-OUT"),
        (("caption", "--range", "9-8"), "out point"),
        (("caption", "-o", "out.docx"), "suffix"),
        (("caption", "-o", "-"), "--format"),
        (("caption", "-o", "out.edl"), "holds cuts"),
        (("caption", "-o", "no/such/place/out.srt"), "no directory"),
        (("caption", "--deliver", "nowhere"), "no delivery"),
        (("caption", "--stream", "7"), "stream"),
        (("caption", "--device", "toaster"), "toaster"),
        (("caption", "--model", "no/such-model"), "no/such-model"),
        (("caption", "--model", "./nothing-here"), "nothing-here"),
    ],
)
def test_what_cannot_be_is_refused_before_the_work(
    run: CommandLine, video: Path, tmp_path: Path, arguments: tuple[str, ...], words: str
) -> None:
    code, said = run(arguments[0], video, *arguments[1:])
    assert code in (1, 2)
    assert len(errors(said)) == 1, said
    assert words in errors(said)[0]
    assert sorted(path.name for path in tmp_path.iterdir()) == ["video.mp4"]


@pytest.mark.parametrize("suffix", ["json", "srt", "vtt", "otio"])
def test_an_output_that_exists_is_kept(run: CommandLine, video: Path, tmp_path: Path, suffix: str) -> None:
    there = tmp_path / f"out.{suffix}"
    there.write_text("mine")
    code, said = run("caption", video, "-o", there)
    assert code == 2
    assert "--overwrite" in said
    assert there.read_text() == "mine"
    assert run("caption", video, "-o", there, "--overwrite")[0] in (0, 4)


def test_the_source_is_never_an_output(run: CommandLine, video: Path, tmp_path: Path) -> None:
    before = video.read_bytes()
    os.link(video, tmp_path / "other.otio")
    code, said = run("caption", video, "-o", "other.otio", "--overwrite")
    assert code == 2
    assert "source" in said
    assert video.read_bytes() == before


def test_no_permission_is_said_and_leaves_nothing(video: Path, tmp_path: Path) -> None:
    if os.geteuid() != 0:
        pytest.skip("needs root, to become somebody else")
    closed = tmp_path / "closed"
    closed.mkdir(mode=0o755)
    for parent in [tmp_path, *tmp_path.parents]:
        if parent.owner() == "root" and parent != parent.parent:
            parent.chmod(parent.stat().st_mode | 0o055)
    done = child("cut", video, "--span", "1-2", "-o", closed / "x.edl", before=lambda: os.setuid(65534), cwd=tmp_path)
    assert done.returncode == 2, done.stderr
    assert "no permission" in done.stderr
    video.chmod(0o000)
    done = child(
        "cut", video, "--span", "1-2", "-o", "-", "--format", "edl", before=lambda: os.setuid(65534), cwd=tmp_path
    )
    assert done.returncode == 1, done.stderr
    assert "permission" in done.stderr
    assert list(closed.iterdir()) == []


def test_a_full_disk_is_said_and_leaves_nothing(tmp_path: Path) -> None:
    video = make_video(tmp_path / "video.mp4", frames=75, size=(640, 360))

    def small_files_only() -> None:
        resource.setrlimit(resource.RLIMIT_FSIZE, (2_000, 2_000))

    for arguments in (("-o", "out.json"), ("--out-dir", "clips")):
        done = child("cut", video, "--span", "0.5-2.5", *arguments, before=small_files_only, cwd=tmp_path)
        assert done.returncode == 1, (arguments, done.stderr)
        assert len(errors(done.stderr)) == 1 or "could not be written" in done.stderr, done.stderr
    assert not (tmp_path / "out.json").exists()
    assert [path for path in tmp_path.rglob("*") if path.is_file()] == [video]


def test_of_a_truncated_file_what_there_is_is_delivered_as_partial(run: CommandLine, tmp_path: Path) -> None:
    path = make_video(tmp_path / "cut-short.mkv", frames=250)
    truncate(path, 0.6)
    code, said = run("cut", path, "--span", "1-9", "--out-dir", "clips", "-o", "list.edl")
    assert code == 3, said
    assert (tmp_path / "list.edl").exists()
    (clip,) = (tmp_path / "clips").iterdir()
    assert clip.stat().st_size > 0
    code, said = run("caption", path, "-o", "out.json")
    assert code == 3, said
    assert "cut short" in said
    assert (tmp_path / "out.json").exists()
