"""What does not need the model imports nothing of it: torch takes seconds, and a tenth of a gigabyte of memory."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

from marlin_edit.cli import main
from tests.support.synthetic_video import make_video

HEAVY = ("torch", "transformers", "torchcodec")
WITHOUT = f"""
import sys

class Missing:
    def find_spec(self, name, path=None, target=None):
        if name.split(".")[0] in {HEAVY}:
            raise ImportError(f"{{name}} is not installed here")

sys.meta_path.insert(0, Missing())
import importlib.util
found = importlib.util.find_spec
importlib.util.find_spec = lambda name, package=None: None if name.split(".")[0] in {HEAVY} else found(name, package)
from marlin_edit.cli import main
sys.exit(main(sys.argv[1:]))
"""


@pytest.fixture
def film(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    return make_video(tmp_path / "film.mp4", frames=100)


def light(*arguments: object) -> subprocess.CompletedProcess[str]:
    """Run `marlin-edit` where torch and what is built on it cannot be imported."""
    return subprocess.run(
        [sys.executable, "-c", WITHOUT, *map(str, arguments)], capture_output=True, encoding="utf-8", check=False
    )


@pytest.mark.skipif(
    any(map(os.path.exists, ("/dev/nvidiactl", "/dev/kfd", "/dev/dxg"))) or not sys.platform.startswith("linux"),
    reason="torch has to look for a graphics card here",
)
def test_what_is_known_is_found_described_and_cut_without_torch(film: Path) -> None:
    for command in (
        ("find", film, "-q", "a red circle"),
        ("caption", film),
        ("find", film, "-q", "a dog", "--no-score"),
    ):
        known = main([*map(str, command), "--model", "demo", "-o", "first.json", "--overwrite"])
        ran = light(*command, "--model", "demo", "-o", "second.json", "--overwrite")
        assert ran.returncode == known, ran.stderr
        assert "came from the store" in ran.stderr
        assert Path("second.json").read_bytes() == Path("first.json").read_bytes()
    ran = light("find", film, "-q", "something new", "--model", "demo")
    assert ran.returncode == 1
    assert "The model demo needs torch, which is not installed here" in ran.stderr


def test_what_needs_no_model_runs_without_torch(film: Path) -> None:
    for command in (
        ("cut", film, "--span", "1-2", "--span", "3-3.5", "--out-dir", "clips"),
        ("cut", film, "--span", "1-2", "--snap", "shots", "-o", "cut.json", "-o", "cut.otio", "-o", "cut.edl"),
        ("cut", film, "--span", "1-2", "--span", "3-3.5", "--reel", "reel.mp4"),
        ("models",), ("store",), ("formats",), ("plugins",), ("settings",), ("completion", "bash"),
    ):  # fmt: skip
        ran = light(*command)
        assert ran.returncode == 0, (command, ran.stderr)
    Path("found.json").write_text(
        '{"schema": "marlin-edit.analysis/1", "media": {"path": "film.mp4"}, '
        '"events": [{"start": "0.5", "end": "2.5", "text": "A door opens."}], '
        '"findings": [{"query": "a door", "start": "1", "end": "2", "verdict": "accepted"}]}'
    )
    outputs = [f"a.{suffix}" for suffix in ("srt", "vtt", "otio", "edl", "fcpxml", "html", "csv", "md")]
    more: list[tuple[object, ...]] = [
        ("export", "found.json", *(part for output in outputs for part in ("-o", output))),
        ("lint", "a.srt"),
        ("import-markers", "a.csv", "--source", "found.json", "-o", "b.json"),
        ("attach", film, "a.srt", "-o", "attached.mkv"),
    ]
    for one in more:
        ran = light(*one)
        assert ran.returncode == 0, (one, ran.stderr)
