"""Ends of cuts on shot changes and keyframes, and the detectors that find those: against films made for it."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import dataclass, field
from fractions import Fraction
from pathlib import Path
from typing import Any

import av
import numpy as np
import numpy.typing as npt
import pytest
from hypothesis import given
from hypothesis import strategies as st

from marlin_edit.app import App
from marlin_edit.cli import main
from marlin_edit.interfaces import Context, Finds
from marlin_edit.media import MediaInfo, probe
from marlin_edit.plugins import load_app
from marlin_edit.timebase import FrameRange, FrameRate, Span
from marlin_edit.workflow.snapping import outwards, to_nearest
from marlin_edit_shots import detection
from marlin_edit_shots.detection import shots_in
from tests.support.synthetic_video import make_video

Picture = npt.NDArray[np.uint8]
WIDTH, HEIGHT = 192, 108


@dataclass
class Film:
    """A film made picture by picture. cuts: frames at which a new shot begins."""

    pictures: list[Picture] = field(default_factory=list)
    cuts: list[int] = field(default_factory=list)
    seed: int = 0

    def shot(self, frames: int, pan: int = 0, *, hard: bool = True) -> list[Picture]:
        """Frames of a new place, in which the camera moves by so many pixels a frame, with noise."""
        if self.pictures and hard:
            self.cuts.append(len(self.pictures))
        self.seed += 1
        chance = np.random.default_rng(self.seed)
        small = chance.integers(20, 235, (8, 40, 3)).astype(np.uint8)
        wide = av.VideoFrame.from_ndarray(small, format="rgb24").reformat(
            width=WIDTH * 8, height=HEIGHT, interpolation="BICUBIC"
        )
        place = wide.to_ndarray(format="rgb24").astype(int)
        made = []
        for number in range(frames):
            left = number * pan
            assert left + WIDTH <= place.shape[1]
            noisy = place[:, left : left + WIDTH] + chance.normal(0, 3, (HEIGHT, WIDTH, 3))
            made.append(np.clip(noisy, 0, 255).astype(np.uint8))
        self.pictures += made
        return made

    def write(self, path: Path, rate: int = 25) -> MediaInfo:
        with av.open(str(path), "w") as container:
            stream: Any = container.add_stream("libx264", rate=rate, options={"preset": "superfast", "crf": "23"})
            stream.width, stream.height, stream.pix_fmt = WIDTH, HEIGHT, "yuv420p"
            for picture in self.pictures:
                container.mux(stream.encode(av.VideoFrame.from_ndarray(picture, format="rgb24")))
            container.mux(stream.encode(None))
        return probe(path)


def found_in(media: MediaInfo, span: Span | None = None) -> list[int]:
    shots = shots_in(media, span or Span(Fraction(0), media.duration))
    return [media.first_frame_at(shot.start) for shot in shots[1:]]


def test_hard_cuts_are_found_on_their_frame_whether_the_camera_moves_or_not(tmp_path: Path) -> None:
    film = Film()
    for frames, pan in ((30, 0), (25, 2), (40, 6), (12, 0), (60, 1), (30, 14), (8, 0), (30, 0)):
        film.shot(frames, pan)
    assert found_in(film.write(tmp_path / "a.mp4")) == film.cuts
    assert len(film.cuts) == 7


def test_a_flash_is_no_cut(tmp_path: Path) -> None:
    film = Film()
    film.shot(60, 1)
    film.shot(60)
    for at in (30, 80, 81, 82):
        film.pictures[at] = np.clip(film.pictures[at].astype(int) + 140, 0, 255).astype(np.uint8)
    film.pictures[100] = np.full_like(film.pictures[0], 255)
    assert found_in(film.write(tmp_path / "a.mp4")) == [60]


def test_a_moving_camera_and_a_fade_to_another_place_are_no_hard_cut(tmp_path: Path) -> None:
    film = Film()
    film.shot(50, 12)
    before = film.pictures[-15:]
    after = film.shot(50, hard=False)[:15]
    del film.pictures[-50:-35]
    for step, (one, other) in enumerate(zip(before, after, strict=True)):
        mixed = one * (1 - (step + 1) / 16) + other * ((step + 1) / 16)
        film.pictures[50 - 15 + step] = mixed.astype(np.uint8)
    assert found_in(film.write(tmp_path / "a.mp4")) == []


def test_a_fade_through_black_is_cut_in_the_middle_of_the_black(tmp_path: Path) -> None:
    film = Film()
    film.shot(50)
    film.pictures += [np.zeros_like(film.pictures[0])] * 10
    film.shot(50, hard=False)
    for step in range(12):
        film.pictures[38 + step] = (film.pictures[38 + step] * (1 - (step + 1) / 12)).astype(np.uint8)
        film.pictures[60 + step] = (film.pictures[60 + step] * (step / 12)).astype(np.uint8)
    [change] = found_in(film.write(tmp_path / "a.mp4"))
    assert 53 <= change <= 57


def test_a_part_of_a_film_has_the_same_shots_as_the_whole(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    film = Film()
    for frames in (40, 30, 35, 50, 20):
        film.shot(frames, 1)
    media = film.write(tmp_path / "a.mp4")
    assert found_in(media, Span(Fraction(60, 25), Fraction(110, 25))) == [70, 105]
    monkeypatch.setattr(detection, "BLOCK", Fraction(1))
    assert found_in(media) == film.cuts == [40, 70, 105, 155]


@pytest.fixture
def film(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Film:
    """`film.mp4` in the working directory: shots from 0, 40, 90 and 130 on."""
    monkeypatch.chdir(tmp_path)
    made = Film()
    for frames in (40, 50, 40, 45):
        made.shot(frames, 1)
    made.write(tmp_path / "film.mp4")
    return made


@pytest.fixture
def cut(capfd: pytest.CaptureFixture[str]) -> Callable[..., dict[str, Any]]:
    def command_line(*arguments: object) -> dict[str, Any]:
        assert main(["cut", *map(str, arguments), "--json"]) == 0
        document: dict[str, Any] = json.loads(capfd.readouterr().out)
        return document

    return command_line


def test_ends_move_to_the_shot_change_near_them_and_the_report_tells_both(
    film: Film, cut: Callable[..., dict[str, Any]]
) -> None:
    spans = ["--span", "44f-86f", "--span", "60f-97f", "--span", "3f-110f"]
    said = cut("film.mp4", *spans, "--snap", "shots", "--snap-limit", "0.3", "--out-dir", "clips")
    ranges = [(item["asked"]["first_frame"], item["asked"]["stop_frame"]) for item in said["items"]]
    assert ranges == [(40, 90), (60, 90), (0, 110)]
    first = said["items"][0]
    assert (first["before_snap"]["first_frame"], first["before_snap"]["stop_frame"]) == (44, 86)
    assert (first["delivered"]["first_frame"], first["delivered"]["stop_frame"]) == (40, 90)
    assert said["analysis"]["shots"] == ["1.6", "3.6"]
    unmoved = cut("film.mp4", "--span", "60f-70f", "--snap", "shots", "--dry-run")["items"][0]
    assert unmoved["before_snap"] is None


def test_ends_move_outwards_to_keyframes_so_that_a_copy_has_no_drift(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, cut: Callable[..., dict[str, Any]]
) -> None:
    monkeypatch.chdir(tmp_path)
    make_video(tmp_path / "a.mp4", frames=100, size=(96, 64), gop=20, bframes=2)
    spans = ["--span", "25f-55f", "--span", "40f-60f", "--span", "85f-95f"]
    said = cut("a.mp4", *spans, "--snap", "keyframes", "--mode", "copy", "--out-dir", "clips")
    ranges = [(item["asked"]["first_frame"], item["asked"]["stop_frame"]) for item in said["items"]]
    assert ranges == [(20, 60), (40, 60), (80, 100)]
    for item in said["items"]:
        assert item["drift"]["start_frames"] == item["drift"]["end_frames"] == 0
        assert item["mode"]["used"] == "copy"


def test_snapping_goes_before_the_longest_duration(film: Film, cut: Callable[..., dict[str, Any]]) -> None:
    said = cut("film.mp4", "--span", "44f-86f", "--snap", "shots", "--max-duration", "20f", "--dry-run")
    assert said["items"][0]["asked"]["first_frame"] == 40
    assert said["items"][0]["asked"]["frames"] == 20


def test_where_nothing_finds_shots_it_is_said_before_the_work(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
) -> None:
    right = load_app

    def without_detectors(*arguments: Any) -> App:
        app = right(*arguments)
        app.detectors.clear()
        return app

    monkeypatch.setattr("marlin_edit.cli.load_app", without_detectors)
    (tmp_path / "a.mp4").touch()
    assert main(["cut", str(tmp_path / "a.mp4"), "--span", "1-2", "--snap", "shots"]) == 2
    assert "No plugin finds shots" in capfd.readouterr().err


MEDIA = MediaInfo(Path("a.mov"), Fraction(20), FrameRate(Fraction(25)), 500)


@st.composite
def ranges(draw: st.DrawFn) -> FrameRange:
    first = draw(st.integers(0, 480))
    return FrameRange(first, draw(st.integers(first + 1, 500)))


PLACES = st.lists(st.integers(1, 499), max_size=12, unique=True).map(
    lambda frames: tuple(sorted(Fraction(frame, 25) for frame in [0, *frames, 500]))
)


@given(one=ranges(), other=ranges(), places=PLACES, limit=st.integers(0, 25).map(lambda n: Fraction(n, 25)))
def test_ends_move_no_further_than_the_limit_and_cuts_apart_stay_apart(
    one: FrameRange, other: FrameRange, places: tuple[Fraction, ...], limit: Fraction
) -> None:
    moved, also = to_nearest(one, MEDIA, places, limit), to_nearest(other, MEDIA, places, limit)
    for before, after in ((one.first, moved.first), (one.stop, moved.stop)):
        assert abs(Fraction(after - before, 25)) <= limit
        assert after == before or Fraction(after, 25) in places
    if one.stop <= other.first and moved != one and also != other:
        assert moved.stop <= also.first
    wide = outwards(one, MEDIA, places)
    assert wide.first <= one.first < one.stop <= wide.stop
    assert {Fraction(wide.first, 25), Fraction(wide.stop, 25)} <= set(places)


def test_two_detectors_are_there(film: Film) -> None:
    app = load_app()
    media = probe(Path("film.mp4"))
    groups = app.detectors["keyframes"].detect(media, Span(Fraction(1), Fraction(2)), Context(app.settings))
    assert all(group.text == "" for group in groups)
    assert groups[0].span.start <= 1
    assert groups[-1].span.end >= 2
    shots = app.detect(app.detector_for(Finds.SHOTS), media, Span(Fraction(1), Fraction(2)))
    assert [_frames(media, shot.span) for shot in shots] == [(25, 40), (40, 50)]


def _frames(media: MediaInfo, span: Span) -> tuple[int, int]:
    return media.first_frame_at(span.start), media.first_frame_at(span.end)
