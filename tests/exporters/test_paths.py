"""The paths of media in files for other programs, and media that is not there."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from marlin_edit.conform import full_path
from marlin_edit.errors import UsageError
from marlin_edit.media import MediaInfo
from marlin_edit.path_map import PathMap, is_windows_path
from tests.support.command_line import run_command
from tests.support.synthetic_video import make_video


@pytest.mark.parametrize("suffix", ["otio", "fcpxml", "xml", "mlt"])
def test_a_path_with_steps_upwards_is_written_without_them(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str], suffix: str
) -> None:
    (tmp_path / "footage").mkdir()
    (tmp_path / "project").mkdir()
    make_video(tmp_path / "footage" / "clip.mp4", frames=50, size=(64, 48), audio=0)
    monkeypatch.chdir(tmp_path / "project")
    ran = run_command(capfd, "cut", "../footage/clip.mp4", "--span", "0-1", "-o", f"cut.{suffix}")
    assert ran.code == 0, ran.err
    text = Path(f"cut.{suffix}").read_text()
    assert f"{tmp_path}/footage/clip.mp4" in text
    assert "/../" not in text


def test_a_step_upwards_out_of_a_link_is_followed_and_other_links_stay(tmp_path: Path) -> None:
    (tmp_path / "disk" / "day1").mkdir(parents=True)
    (tmp_path / "today").symlink_to(tmp_path / "disk" / "day1")

    def written(path: Path) -> str:
        return full_path(MediaInfo(path, duration=0))  # type: ignore[arg-type]

    assert written(tmp_path / "today" / "a.mov") == f"{tmp_path}/today/a.mov"
    assert written(tmp_path / "today" / ".." / "a.mov") == f"{tmp_path}/disk/a.mov"
    windows = MediaInfo(Path("D:\\footage\\..\\a.mov"), duration=0)  # type: ignore[arg-type]
    assert is_windows_path(str(windows.path))
    assert full_path(windows) == "D:\\footage\\..\\a.mov"


def test_media_that_is_gone_is_named_as_such(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(tmp_path)
    findings = [{"query": "a dog", "start": "1", "end": "2"}]
    document = {"schema": "marlin-edit.analysis/1", "media": {"path": "gone.mp4"}, "findings": findings}
    Path("found.json").write_text(json.dumps(document))
    ran = run_command(capfd, "export", "found.json", "-o", "cut.edl")
    assert ran.code == 1
    assert "gone.mp4 has no known frame rate, and the file is not where it was: put it back. Set one with" in ran.err


@pytest.mark.parametrize(
    ("pairs", "path", "expected"),
    [
        ("/media=/mnt/nas", "/media/a/b c.mov", "/mnt/nas/a/b c.mov"),
        ("/media/=/mnt/nas/", "/media/a.mov", "/mnt/nas/a.mov"),
        ("/media=/mnt/nas", "/mediathek/a.mov", "/mediathek/a.mov"),
        ("/media=/one\n/media/day=/two", "/media/day/a.mov", "/two/a.mov"),
        ("/media/day=/two\n/media=/one", "/media/a.mov", "/one/a.mov"),
        ("/=/mnt", "/a.mov", "/mnt/a.mov"),
        ("/a=b=/c", "/a=b/x.mov", "/c/x.mov"),
        ("/media=D:\\Media", "/media/B roll/a.mov", "D:\\Media\\B roll\\a.mov"),
        ("/media=D:/Media", "/media/a.mov", "D:/Media/a.mov"),
        ("/media=\\\\nas\\share", "/media/a.mov", "\\\\nas\\share\\a.mov"),
        ("D:\\Media=/mnt/d", "d:\\media\\B roll\\a.mov", "/mnt/d/B roll/a.mov"),
        ("D:/Media=/mnt/d", "D:\\Media\\a.mov", "/mnt/d/a.mov"),
        ("/media=/mnt", "D:\\media\\a.mov", "D:\\media\\a.mov"),
    ],
)
def test_a_folder_is_called_otherwise_on_another_machine(pairs: str, path: str, expected: str) -> None:
    assert str(PathMap.parse(pairs).mapped(Path(path))) == expected


@pytest.mark.parametrize("text", ["", "/a", "/a=", "=/b", "/a=b", "/a:/b"])
def test_what_is_no_pair_of_folders_is_refused_with_an_example(text: str) -> None:
    if not text:
        assert PathMap.parse(text) == PathMap()
        return
    with pytest.raises(UsageError, match="like /Volumes/media=/mnt/media"):
        PathMap.parse(text)


def test_a_project_moves_between_machines(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "here").mkdir()
    monkeypatch.chdir(tmp_path)
    make_video(tmp_path / "here" / "a #1.mp4", frames=50, size=(64, 48), audio=0)
    ran = run_command(
        capfd, "cut", "here/a #1.mp4", "--span", "0-1", "-o", "a.otio", "-o", "a.fcpxml", "-o", "a.json",
        "-o", "a.otioz", "--map", f"{tmp_path}/here=/Volumes/media", "--map", "/nowhere=/else",
    )  # fmt: skip
    assert ran.code == 0, ran.err
    assert '"/Volumes/media/a #1.mp4"' in Path("a.otio").read_text()
    assert "file:///Volumes/media/a%20%231.mp4" in Path("a.fcpxml").read_text()
    assert json.loads(Path("a.json").read_text())["media"]["path"] == "/Volumes/media/a #1.mp4"
    # On a machine where the same folder has yet another name; the analysis is of media that is nowhere here.
    ran = run_command(capfd, "export", "a.json", "-o", "b.mlt", "--map", f"/Volumes/media={tmp_path}/here")
    assert ran.code == 0, ran.err
    assert f"{tmp_path}/here/a #1.mp4" in Path("b.mlt").read_text()
    monkeypatch.setenv("MARLIN_EDIT_MAP", f"{tmp_path}/here=D:\\Media")
    ran = run_command(capfd, "cut", "here/a #1.mp4", "--span", "0-1", "-o", "c.xml", "-o", "c.otio")
    assert ran.code == 0, ran.err
    assert "file://localhost/D:/Media/a%20%231.mp4" in Path("c.xml").read_text()
    ran = run_command(capfd, "cut", "here/a #1.mp4", "--span", "0-1", "-o", "d.otio", "--map", "here=there")
    assert ran.code == 2
    assert "--map: 'here=there' is not a pair of folders" in ran.err


def test_kdenlive_gets_a_url_because_it_reads_a_path_as_one(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(tmp_path)
    make_video(tmp_path / "a #1.mp4", frames=50, size=(64, 48), audio=0)
    ran = run_command(capfd, "cut", "a #1.mp4", "--span", "0-1", "-o", "a.otio", "--otio-profile", "kdenlive")
    assert ran.code == 0, ran.err
    assert f'"file://{tmp_path}/a%20%231.mp4"' in Path("a.otio").read_text()
