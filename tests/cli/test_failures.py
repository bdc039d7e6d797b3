"""What goes wrong for users: each time one clear sentence, the right exit code, and nothing under a final name."""

from __future__ import annotations

import os
import subprocess
import sys
import tempfile
import textwrap
from collections.abc import Callable
from pathlib import Path

import pytest

from marlin_edit.cli import main
from tests.support.synthetic_video import make_audio, make_video, truncate

NASA = Path(__file__).parents[1] / "data" / "nasa_13013.mp4"

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


def child(script: str, *arguments: object, cwd: Path) -> subprocess.CompletedProcess[str]:
    """A process of its own, in which `script` takes something away and then runs `main(sys.argv[2:])`."""
    environment = {**os.environ, "MARLIN_EDIT_MODEL": "demo", "HOME": str(cwd)}
    code = f"import os, resource, sys\nfrom marlin_edit.cli import main\n{textwrap.dedent(script)}"
    command = [sys.executable, "-c", code, str(cwd), *map(str, arguments)]
    return subprocess.run(command, cwd=cwd, env=environment, capture_output=True, text=True, check=False)


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
        (("find",), "-q"),
        (("cut",), "--query"),
        (("cut", "--query", "x", "--span", "1-2"), "not both"),
        (("cut", "--span", "2-1"), "out point"),
        (("cut", "--span", "100-200"), "; the span begins at 100 s"),
        (("cut", "--span", "nan-2"), "not a time"),
        (("cut", "--span", "1"), "IN-OUT"),
        (("caption", "--range", "9-8"), "out point"),
        (("caption", "-o", "out.docx"), "suffix"),
        (("caption", "-o", "-"), "--format"),
        (("caption", "-o", "out.edl"), "EDL stores cuts, and this command makes scenes and events"),
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


SOMEBODY_ELSE = """
    # As root everything is imported that the command line needs; then this is another user.
    warm = [*sys.argv[2:]]
    warm[warm.index("-o") + 1] = "warm.edl"
    assert main(warm) == 0
    from marlin_edit import plugins
    found = plugins.installed()
    plugins.installed = lambda: found  # where Python is installed may be closed to that user
    os.chmod("video.mp4", int(os.environ["VIDEO_MODE"], 8))
    os.setgid(65534)
    os.setuid(65534)
    sys.exit(main(sys.argv[2:]))
"""


@pytest.mark.parametrize(
    ("mode", "output", "code", "words"),
    [("644", "closed/x.edl", 2, "no permission to write"), ("600", "open/x.edl", 1, "No permission to read")],
)
def test_no_permission_is_said_and_leaves_nothing(
    monkeypatch: pytest.MonkeyPatch, mode: str, output: str, code: int, words: str
) -> None:
    if os.geteuid() != 0:
        pytest.skip("needs root, to become somebody else")
    with tempfile.TemporaryDirectory() as folder:
        place = Path(folder)
        place.chmod(0o755)
        make_video(place / "video.mp4", frames=75)
        (place / "closed").mkdir(mode=0o755)
        (place / "open").mkdir()
        (place / "open").chmod(0o777)
        monkeypatch.setenv("VIDEO_MODE", mode)
        done = child(SOMEBODY_ELSE, "cut", "video.mp4", "--span", "1-2", "-o", output, cwd=place)
        assert done.returncode == code, done.stderr
        assert len(errors(done.stderr)) == 1
        assert words in errors(done.stderr)[0]
        assert [*(place / "closed").iterdir(), *(place / "open").iterdir()] == []


@pytest.mark.parametrize("output", [("-o", "out.json"), ("--out-dir", "clips")])
def test_a_full_disk_is_said_and_leaves_nothing(tmp_path: Path, output: tuple[str, str]) -> None:
    make_video(tmp_path / "video.mp4", frames=75, size=(640, 360))
    full = """
        resource.setrlimit(resource.RLIMIT_FSIZE, (500, 500))
        sys.exit(main(sys.argv[2:]))
    """
    done = child(full, "cut", "video.mp4", "--span", "0.5-2.5", *output, cwd=tmp_path)
    assert done.returncode == 1, done.stderr
    assert "could not be written" in done.stderr
    assert [path.name for path in tmp_path.rglob("*") if path.is_file()] == ["video.mp4"]


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
