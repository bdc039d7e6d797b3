"""Files longer than the model watches at once, through the command line: everything told once, at its whole length."""

from __future__ import annotations

import json
import weakref
from collections.abc import Callable
from dataclasses import dataclass
from fractions import Fraction
from pathlib import Path
from typing import Any

import opentimelineio as otio
import pytest

from marlin_edit.marlin.backend import MAX_NEW_TOKENS
from marlin_edit.marlin.engine import Engine, Reading
from marlin_edit.video_model import QuestionKind
from tests.support.checkpoints import save_checkpoint
from tests.support.command_line import Ran, run_command
from tests.support.synthetic_video import make_video
from tests.third_party.tool import HERE

LENGTH = 300
"""Seconds of the video; it has four pictures a second."""

EVENTS = [
    [5, 12.5, "A dog barks"],
    [20, 200.5, "A person walks"],
    [52, 58, "A door opens"],
    [103, 104, "A dog barks"],
    [106, 108, "A dog barks"],
    [288, 300, "A door opens"],
]


@dataclass(frozen=True)
class Desk:
    """Where the command line runs, with a model that knows what takes place."""

    folder: Path
    video: Path
    run: Callable[..., Ran]

    def knowing(self, **known: Any) -> Path:
        """The model: what it knows beside the events, in a file."""
        model = self.folder / "what.oracle"
        model.write_text(json.dumps({"events": EVENTS, "asked": str(self.folder / "asked"), **known}))
        return model

    def asked(self) -> list[tuple[float, float]]:
        """The windows that were asked, in order."""
        lines = (self.folder / "asked").read_text().splitlines()
        return [(float(start), float(end)) for start, end in (line.split()[1:] for line in lines)]


@pytest.fixture(scope="module")
def long_video(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("long") / "long.mp4"
    return make_video(path, frames=LENGTH * 4, rate="4", size=(64, 48), gop=40, audio=0)


@pytest.fixture
def desk(long_video: Path, tmp_path: Path, capfd: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> Desk:
    monkeypatch.syspath_prepend(str(HERE / "oracle"))
    monkeypatch.chdir(tmp_path)

    def run(*arguments: object) -> Ran:
        return run_command(capfd, *arguments)

    return Desk(tmp_path, long_video, run)


def times(entries: list[dict[str, Any]]) -> list[tuple[float, float]]:
    return [(float(Fraction(one["start"])), float(Fraction(one["end"]))) for one in entries]


def test_caption_tells_every_event_once_and_a_scene_for_each_window(desk: Desk) -> None:
    model = desk.knowing(scenes=[[0, 60, "A yard."], [60, 300, "A house."]])
    ran = desk.run("caption", desk.video, "--model", model, "--json")
    assert ran.code == 0, ran.err
    events = ran.document["analysis"]["events"]
    assert [[*pair, one["text"]] for pair, one in zip(times(events), events, strict=True)] == EVENTS
    assert times(ran.document["analysis"]["scenes"]) == [(0, 60), (50, 110), (100, 300)]
    assert desk.asked() == [(0, 60), (50, 110), (100, 160), (150, 210), (200, 260), (250, 300)]
    assert ran.document["analysis"]["asked"] == [{"query": None, "looked_at": [["0", "300"]]}]
    walk = events[1]
    assert walk["flags"] == ["joined"]
    assert walk["origin"]["windows"] == [["0", "60"], ["50", "110"], ["100", "160"], ["150", "210"], ["200", "260"]]
    assert len({walk["origin"]["raw"], *walk["origin"]["more"]}) == 5


def test_find_joins_what_goes_on_over_windows_and_tells_in_order_of_time(desk: Desk) -> None:
    queries = ["A door opens", "A person walks", "A cat sleeps"]
    asking = [part for query in queries for part in ("-q", query)]
    ran = desk.run("find", desk.video, *asking, "--model", desk.knowing(), "--json")
    assert ran.code == 0, ran.err
    findings = ran.document["analysis"]["findings"]
    assert times(findings) == [(20, 200.5), (52, 58), (288, 300)]
    assert [one["query"] for one in ran.document["analysis"]["asked"]] == queries


def test_what_goes_on_over_a_seam_is_one_cut(desk: Desk) -> None:
    ran = desk.run(
        "cut", desk.video, "--query", "A person walks", "--model", desk.knowing(), "-o", "list.otio", "--json"
    )
    assert ran.code == 0, ran.err
    (cut,) = ran.document["analysis"]["cuts"]
    assert (cut["first"], cut["stop"]) == (80, 802)
    (clip,) = otio.adapters.read_from_file(str(desk.folder / "list.otio")).find_clips()
    assert clip.source_range.start_time.value == 80


def test_window_and_overlap_are_settings(desk: Desk) -> None:
    ran = desk.run("caption", desk.video, "--model", desk.knowing(), "--window", "100", "--overlap", "0", "--json")
    assert desk.asked() == [(0, 100), (100, 200), (200, 300)]
    assert times(ran.document["analysis"]["events"]) == [(start, end) for start, end, _ in EVENTS]


def test_a_window_is_never_longer_than_the_model_watches_which_is_said_where_a_longer_one_was_asked_for(
    desk: Desk,
) -> None:
    model = desk.knowing(longest_window=30)
    ran = desk.run("caption", desk.video, "--model", model, "--range", "0-100", "--json")
    assert desk.asked() == [(0, 30), (20, 50), (40, 70), (60, 90), (80, 100)]
    assert "30 s" not in ran.err
    (desk.folder / "asked").unlink()
    ran = desk.run("caption", desk.video, "--model", model, "--range", "0-100", "--window", "90", "--json")
    assert "window (--window): the model watches at most 30 s at once" in ran.err
    assert max(end - start for start, end in desk.asked()) == 30


@pytest.mark.parametrize("arguments", [("--window", "1"), ("--window", "12f"), ("--overlap", "-3")])
def test_a_window_that_cannot_be_is_refused_before_anything_is_watched(desk: Desk, arguments: tuple[str, str]) -> None:
    ran = desk.run("caption", desk.video, "--model", desk.knowing(), *arguments)
    assert ran.code == 2
    assert arguments[0] in ran.err
    assert not (desk.folder / "asked").exists()


def test_windows_of_a_range_begin_at_its_in_point_and_stay_inside(desk: Desk) -> None:
    ran = desk.run("caption", desk.video, "--model", desk.knowing(), "--range", "10.25-150.75", "--json")
    assert desk.asked() == [(10.25, 70.25), (60.25, 120.25), (110.25, 150.75)]
    assert ran.document["analysis"]["asked"][0]["looked_at"] == [["10.25", "150.75"]]


def test_a_stretch_without_a_picture_is_named_and_the_rest_is_told(desk: Desk) -> None:
    model = desk.knowing(dark=[[100, 215]])
    ran = desk.run("find", desk.video, "-q", "A person walks", "--model", model, "--json")
    assert ran.code == 3
    assert times(ran.document["analysis"]["findings"]) == [(20, 110), (200, 200.5)]
    assert ran.document["analysis"]["asked"][0]["looked_at"] == [["0", "110"], ["200", "300"]]
    assert ran.document["analysis"]["unseen"] == [["110", "200"]]
    assert "long.mp4 shows no picture in 110 - 200 s; that part was not looked at" in ran.err


def test_a_file_without_any_picture_to_see_fails(desk: Desk) -> None:
    ran = desk.run("find", desk.video, "-q", "x", "--model", desk.knowing(dark=[[0, 300]]), "-o", "x.json")
    assert ran.code == 1
    assert not (desk.folder / "x.json").exists()


def test_progress_goes_over_all_windows_with_the_time_left(desk: Desk, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("marlin_edit.console._PLAIN_LINE_SECONDS", 0.0)
    ran = desk.run("caption", desk.video, "--model", desk.knowing())
    told = [line for line in ran.err.splitlines() if line.startswith("watching long.mp4")]
    assert [line.split(", ")[1] for line in told] == ["20 %", "37 %", "53 %", "70 %", "87 %", "100 %"]
    assert all(line.endswith(" s left") for line in told[:-1])


def test_the_real_engine_sees_each_picture_once_and_keeps_one_window_in_memory(
    desk: Desk, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    model = save_checkpoint(tmp_path / "random", longest_window="8")
    for kind in (QuestionKind.FIND, QuestionKind.CAPTION):
        monkeypatch.setitem(MAX_NEW_TOKENS, kind, 4)
    pairs: list[int] = []
    readings: list[weakref.ref[Reading]] = []
    alive: list[int] = []
    look, answer = Engine.look, Reading.answer

    def looked(self: Engine, rows: Any, grid: tuple[int, int, int]) -> Any:
        pairs.append(grid[0])
        return look(self, rows, grid)

    def answered(self: Reading, prompts: Any) -> Any:
        readings.append(weakref.ref(self))
        alive.append(sum(reading() is not None for reading in readings))
        return answer(self, prompts)

    monkeypatch.setattr(Engine, "look", looked)
    monkeypatch.setattr(Reading, "answer", answered)
    ran = desk.run("find", desk.video, "-q", "x", "--model", model, "--device", "cpu", "--range", "0-60", "--json")
    assert ran.code in (0, 4), ran.err
    assert len(alive) == 14
    assert max(alive) == 1
    assert sum(pairs) == 60
