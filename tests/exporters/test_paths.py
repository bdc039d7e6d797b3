"""The paths of media in files for other programs, and media that is not there."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from marlin_edit.conform import full_path, is_of_windows
from marlin_edit.media import MediaInfo
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
    assert is_of_windows(windows)
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
