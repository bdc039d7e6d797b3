"""Killed at any moment, a run over several files goes on where it was, and ends as if nothing had happened."""

from __future__ import annotations

import json
import random
import shutil
import signal
import subprocess
import sys
import time
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import av
import pytest

from tests.support.synthetic_video import make_video
from tests.third_party.tool import HERE, environment, itself

NAMES = ("one", "two", "three")
QUERIES = ("it counts", "number 1", "number 2", "number 3")
Asked = tuple[str | None, str, str]
"""A question, the window or the part of one that it was about, and the video's name."""


@dataclass(frozen=True)
class Place:
    """A folder with three videos, in which the tool runs as a process of its own."""

    folder: Path
    own: Path

    @property
    def log(self) -> Path:
        return self.folder / "asked.log"

    def start(self, seconds: str) -> subprocess.Popen[bytes]:
        self.log.unlink(missing_ok=True)
        variables = {
            "MARLIN_EDIT_STORE_PATH": str(self.folder / "data" / "answers.sqlite"),
            "TALLY_LOG": str(self.log),
            "TALLY_SECONDS": seconds,
        }
        asking = [part for query in QUERIES for part in ("-q", query)]
        outputs = ["-o", "{name}.json", "-o", "{name}.srt", "--out-dir", "clips", "--overwrite", "--all"]
        videos = [f"{name}.mp4" for name in NAMES]
        return subprocess.Popen(
            [
                sys.executable,
                "-m",
                "marlin_edit",
                "cut",
                *videos,
                *asking,
                "--model",
                "tally",
                "--window",
                "4",
                *outputs,
            ],
            env=environment([self.own, HERE / "tally"], variables),
            cwd=self.folder,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
        )

    def asked(self) -> list[Asked]:
        text = self.log.read_text() if self.log.exists() else ""
        entries: list[dict[str, Any]] = [json.loads(line) for line in text[: text.rfind("\n") + 1].splitlines()]
        return [(entry["asked"], entry["window"], entry["media"]) for entry in entries if "asked" in entry]

    def results(self) -> dict[str, bytes]:
        """Every file but the videos, the log and what is kept, by its name."""
        found = {str(path.relative_to(self.folder)): path for path in self.folder.rglob("*") if path.is_file()}
        others = {"asked.log", *(f"{name}.mp4" for name in NAMES)}
        return {
            name: path.read_bytes()
            for name, path in found.items()
            if name not in others and not name.startswith("data")
        }

    def clear(self) -> None:
        shutil.rmtree(self.folder / "data", ignore_errors=True)
        shutil.rmtree(self.folder / "clips", ignore_errors=True)
        for path in (*self.folder.glob("*.json"), *self.folder.glob("*.srt")):
            path.unlink()


def whole(name: str, content: bytes) -> bool:
    """Whether a file under a final name is a whole one."""
    if name.endswith(".json"):
        json.loads(content)
    elif name.endswith(".mp4"):
        import io

        with av.open(io.BytesIO(content), "r") as container:
            assert sum(1 for _ in container.decode(video=0)) > 0
    return not name.endswith(".srt") or content.endswith(b"\n")


@pytest.mark.parametrize("kills", [6, pytest.param(30, marks=pytest.mark.slow)])
def test_a_run_over_three_files_killed_at_random_moments_ends_as_an_unbroken_one(kills: int, tmp_path: Path) -> None:
    own = itself(tmp_path / "own")
    videos = tmp_path / "videos"
    videos.mkdir()
    for number, name in enumerate(NAMES):
        make_video(videos / f"{name}.mp4", frames=100 + 10 * number, rate="10", size=(64, 48), gop=20, audio=0)
    unbroken = Place(shutil.copytree(videos, tmp_path / "unbroken"), own)
    began = time.monotonic()
    assert unbroken.start("0").wait(120) == 0
    took = time.monotonic() - began
    wanted = unbroken.results()
    assert {f"{name}.json" for name in NAMES} <= set(wanted)
    assert sum(name.endswith(".mp4") for name in wanted) > 3

    killed = Place(shutil.copytree(videos, tmp_path / "killed"), own)
    chance = random.Random(kills)
    answered: set[Asked] = set()
    done = rounds = 0
    while True:
        running = killed.start("0.02")
        last = done >= kills
        if not last and chance.random() < 0.6:
            questions = chance.randrange(1, 8)
            while running.poll() is None and len(killed.asked()) < questions:
                time.sleep(0.002)
            time.sleep(chance.uniform(0, 0.05))
        elif not last:
            time.sleep(chance.uniform(0.3, 1.2) * took)
        if not last and running.poll() is None:
            running.send_signal(signal.SIGKILL)
            done += 1
        code = running.wait(120)
        asked = killed.asked()
        assert not answered & set(asked), "an answered question was asked again"
        # What was answered is kept before the next two are asked, so of all that was asked only these can be lost.
        answered |= set(asked[:-2] if code else asked)
        if code:
            assert code == -signal.SIGKILL
            for name, content in killed.results().items():
                assert name in wanted or Path(name).name.startswith("."), f"{name} is no name of a result"
                assert name not in wanted or whole(name, content)
            continue
        assert killed.results() == wanted
        rounds += 1
        if last:
            break
        killed.clear()
        answered.clear()
    assert done == kills
    assert rounds >= 1
