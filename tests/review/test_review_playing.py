"""Playing in the review page: a seek lands on the frame, times are right, and without a video the rest works."""

from __future__ import annotations

import random
from fractions import Fraction
from pathlib import Path
from typing import Any

import pytest

from marlin_edit.timebase import FrameRate, clock_text
from tests.support.browser import Opened, OpenPage, chromium, open_page
from tests.support.review_page import film, film_page, page_of
from tests.support.synthetic_video import make_video

__all__ = ["chromium", "film", "film_page", "open_page"]


@pytest.mark.parametrize(
    ("name", "making"),
    [
        ("steady.mp4", {"rate": "25"}),
        ("ntsc.mp4", {"rate": "30000/1001"}),
        ("late.mp4", {"rate": "24000/1001", "start": Fraction(3, 2)}),
        ("hidden.mp4", {"rate": "25", "hidden": 7}),
        ("fast.webm", {"rate": "60000/1001", "codec": "libvpx-vp9", "frames": 90}),
        ("late.webm", {"rate": "24000/1001", "codec": "libvpx-vp9", "start": Fraction(3, 2)}),
        ("varying.mp4", {"variable": [Fraction(n * n, 600) + Fraction(n, 30) for n in range(50)]}),
    ],
)
def test_a_seek_lands_on_the_frame(open_page: OpenPage, tmp_path: Path, name: str, making: dict[str, Any]) -> None:
    opened = open_page(page_of(tmp_path, name, **making))
    opened.until("plays")
    hidden = making.get("hidden", 0)
    places = opened.value(
        "entries.filter((entry) => entry.kind === 'events').map((entry) => [entry.first, entry.stop])"
    )
    for number, (first, stop) in enumerate(places):
        if first is None:
            continue
        opened.page.locator("#group-events ~ .part .go").nth(number).click()
        assert opened.shown_frame(first + hidden) - hidden == first == opened.value("at.frame")
        opened.press("o")
        assert opened.shown_frame(stop - 1 + hidden) - hidden == stop - 1 == opened.value("at.frame")
        opened.press("i", "ArrowLeft", "ArrowLeft", "ArrowRight")
        assert opened.shown_frame(first - 1 + hidden) - hidden == first - 1 == opened.value("at.frame")


@pytest.mark.parametrize("start", [Fraction(0), Fraction(3, 2)])
def test_the_track_is_on_the_clock_of_the_video(open_page: OpenPage, tmp_path: Path, start: Fraction) -> None:
    opened = open_page(page_of(tmp_path, "late.mp4", rate="24000/1001", start=start))
    opened.until("plays && told.length")
    active = "[...video.textTracks[0].activeCues].map((cue) => cue.getCueAsHTML().textContent).join(' ')"
    begin, _, text, _ = opened.value("told[0]")
    opened.value(f"seekSeconds({begin} + 0.1)")
    opened.until(f"!video.seeking && {active} === byId('description').textContent")
    assert opened.page.locator("#description").inner_text() == text == "A person opens a door."


def test_playing_stops_on_the_frame_that_is_seen(film_page: Opened) -> None:
    film_page.press("k")
    film_page.until("at.frame > 10")
    film_page.press("k")
    film_page.until("video.paused && !video.seeking")
    film_page.page.wait_for_timeout(100)
    assert film_page.shown_frame(film_page.value("at.frame")) == film_page.value("at.frame")


def test_one_entry_is_played_to_its_out_point(film_page: Opened) -> None:
    film_page.press("n", "n")
    stop = film_page.value("chosen.stop")
    film_page.press("g")
    film_page.until("!video.paused")
    film_page.until("video.paused && !video.seeking")
    assert film_page.shown_frame(stop - 1) == stop - 1
    assert film_page.value("at.frame") == stop - 1


def test_a_first_frame_that_is_shown_before_the_file_is_known_tells_the_clock_too(
    open_page: OpenPage, tmp_path: Path
) -> None:
    opened = open_page(page_of(tmp_path, "late.webm", rate="25", codec="libvpx-vp9", start=Fraction(3, 2)))
    opened.until("plays")
    zero = opened.value("at.zero")
    # The order in which a busy browser may report the same file.
    opened.value("plays = isKnown = false, firstShown = null")
    opened.value(f"onFrame({zero})")
    assert not opened.value("plays")
    opened.value("video.dispatchEvent(new Event('loadedmetadata'))")
    assert opened.value("plays")
    assert opened.value("at.zero") == zero


def test_a_frame_that_is_reported_late_does_not_move_the_out_point(film_page: Opened) -> None:
    film_page.press("n", "n", "g")
    film_page.until("!video.paused && !video.seeking")
    stop = film_page.value("chosen.stop")
    film_page.value(f"onFrame(at.zero + timeOfFrame(at.source, {stop} + 2))")
    film_page.until("video.paused && !video.seeking")
    assert film_page.value("at.frame") == stop - 1
    assert film_page.shown_frame(stop - 1) == stop - 1


def test_what_happens_now_is_marked_while_the_video_plays(film_page: Opened) -> None:
    film_page.press("k")
    marked = "document.querySelectorAll('#group-events ~ .part .row[aria-current=time] .what')"
    film_page.until(f"[...{marked}].some((one) => one.textContent === 'The door falls shut.')")
    film_page.until("video.ended")


def test_descriptions_are_told_as_text(film_page: Opened) -> None:
    shown = film_page.page.locator("#description")
    film_page.value("seekFrame(15)")
    film_page.until("byId('description').textContent")
    assert (shown.inner_text(), shown.get_attribute("aria-live")) == ("A person opens a door.", "polite")
    film_page.press("d")
    assert not shown.is_visible()
    film_page.press("d")
    assert shown.inner_text() == "A person opens a door."


@pytest.mark.parametrize("rate", ["24", "25", "23.976", "29.97", "29.97df", "59.94df", "119.88", "120", "30"])
def test_time_code_is_the_one_of_the_command_line(film_page: Opened, rate: str) -> None:
    exact = FrameRate.parse(rate)
    random.seed(rate)
    near = [minute * 60 * exact.base + offset for minute in (0, 1, 9, 10, 60, 1439, 1440) for offset in (-1, 0, 1, 2)]
    frames = [max(0, one) for one in near] + [random.randrange(exact.frames_per_day * 2) for _ in range(200)]
    start = exact.frame_of("01:00:00:00")
    source = {"rate": [exact.value.numerator, exact.value.denominator], "drop": exact.drop_frame, "start": start}
    told = film_page.page.evaluate(
        "([source, frames]) => frames.map((one) => timecodeText(source, one))", [source, frames]
    )
    assert told == [exact.timecode(start + frame) for frame in frames]


def test_times_are_time_code_and_clock(film_page: Opened) -> None:
    row = film_page.page.locator("#group-events ~ .part .row").first
    assert row.locator(".when").inner_text() == "01:00:00:10 – 01:00:01:05 00:00:00.400"
    row.locator(".go").click()
    assert film_page.page.locator("#selected-times").inner_text() == (
        f"01:00:00:10 – 01:00:01:05 ({clock_text(Fraction('0.4'))} – {clock_text(Fraction('1.2'))}), 20 frames"
    )
    assert film_page.page.locator("#now").inner_text() == "01:00:00:10 00:00:00.400 / 00:00:03.000 frame 10"


@pytest.mark.parametrize("name", ["prores.mov", "film.mkv", "gone.mp4"])
def test_without_a_video_that_plays_everything_else_works(open_page: OpenPage, tmp_path: Path, name: str) -> None:
    making = {"codec": "prores_ks", "pixel_format": "yuv422p10le"} if name.startswith("prores") else {}
    if name.endswith(".mkv"):
        making = {"codec": "ffv1"}
    page = page_of(tmp_path, name, **making)
    if name.startswith("gone"):
        (tmp_path / name).rename(tmp_path / "found again.mp4")
    else:
        make_video(tmp_path / "found again.mp4")
    opened = open_page(page)
    opened.page.locator("#trouble").wait_for(state="visible")
    assert name in opened.page.locator("#trouble-text").inner_text()
    opened.press("n", "n", "a")
    assert opened.value("[at.frame, chosen.verdict]") == [10, "accepted"]
    opened.press("ArrowRight")
    assert opened.value("at.frame") == 11
    # A browser may show the first frame of a file that has just been put in before it reports the metadata.
    assert opened.value("(show(null), onFrame(0), at.frame)") == 11
    if name.startswith("gone"):
        opened.press("k")
        assert opened.status == "There is no video to play."
    opened.page.locator("#file").set_input_files(tmp_path / "found again.mp4")
    opened.until("plays")
    assert opened.page.locator("#trouble").is_hidden()
    assert opened.shown_frame(11) == 11
    assert opened.value("violations") == []
