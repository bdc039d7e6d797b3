"""Every control of the review page by key and by mouse, and for whoever does not see it as it was drawn."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from tests.support.browser import Opened, OpenPage, chromium, open_page
from tests.support.review_page import SCRIPT, SHOWN, film, film_page
from tests.support.subtitle_checkers import W3C, required

__all__ = ["chromium", "film", "film_page", "open_page"]


def test_every_key_does_what_the_page_says(film_page: Opened) -> None:
    value, press = film_page.value, film_page.press
    film_page.click("#help")
    keys = film_page.page.locator("#key-rows kbd").all_inner_texts()
    assert keys == [
        "Space, K", "G", "← →", "Shift ← →", "J, L", "Home, End", "N, P", "I, O", "A", "R", "C", "E", "U", "S", "/",
        "+ −", "0", "D", "V", "Q", "M", "F", "T", "?",
    ]  # fmt: skip
    press("Escape")
    value("document.activeElement.blur()")
    press("Space")
    film_page.until("!video.paused")
    press("k")
    film_page.until("video.paused")
    for key, frame in (
        ("Home", 0), ("ArrowRight", 1), ("ArrowRight", 2), ("ArrowLeft", 1), ("Shift+ArrowRight", 26),
        ("Shift+ArrowLeft", 1), ("l", 74), ("j", 0), ("End", 74), ("Home", 0),
    ):  # fmt: skip
        press(key)
        assert value("at.frame") == frame, key
    press("n")
    assert value("[chosen.kind, chosen.first]") == ["scenes", 0]
    press("a")
    assert film_page.status == "Choose a finding first."
    press("n", "n")
    assert value("[chosen.kind, chosen.text]") == ["events", "A person opens a door."]
    press("p")
    assert value("[chosen.kind, chosen.text]") == ["findings", "a door opens"]
    press("o")
    assert value("at.frame") == 19
    press("i")
    assert value("at.frame") == 10
    for key, verdict in (("a", "accepted"), ("r", "rejected"), ("c", None), ("u", "rejected"), ("u", "accepted")):
        press(key)
        assert value("chosen.verdict") == verdict, key
    press("u")
    assert value("chosen.verdict") is None
    press("a")
    assert film_page.status == "accepted: a door opens, 01:00:00:10. 1 not saved yet."
    with film_page.page.expect_download():
        press("s")
    assert value("unsavedCount()") == 0
    press("/", "d", "o", "g")
    assert value("byId('words').value") == "dog"
    assert value(SHOWN) == 1
    press("Escape", "+")
    assert value("range.to - range.from") == pytest.approx(1.5)
    press("-", "-", "+", "0")
    assert value("[range.from, range.to]") == [0, 3]
    press("d")
    assert film_page.page.locator("#describe").get_attribute("aria-pressed") == "false"
    press("q")
    assert film_page.status == "There are no captions: nobody listened."
    press("v")
    assert film_page.page.locator("#read").get_attribute("aria-pressed") == "true"
    press("v")
    assert film_page.status == "Nothing is read aloud."
    press("m")
    assert value("video.muted") is True
    press("f")
    film_page.until("document.fullscreenElement")
    press("f")
    film_page.until("!document.fullscreenElement")
    dark = value("getComputedStyle(document.body).backgroundColor")
    press("t")
    assert value("getComputedStyle(document.body).backgroundColor") != dark
    press("?")
    film_page.page.locator("#keys-on").uncheck()
    press("Escape", "ArrowRight", "d")
    assert value("at.frame") == 10
    assert film_page.page.locator("#describe").get_attribute("aria-pressed") == "false"


def test_every_control_works_with_the_mouse(film_page: Opened) -> None:
    value, click = film_page.value, film_page.click
    click("#play")
    film_page.until("!video.paused")
    click("#play")
    film_page.until("video.paused && !video.seeking")
    frame = value("at.frame")
    click("#on")
    click("#on")
    click("#back")
    assert value("at.frame") == frame + 1
    film_page.page.locator("#speed").select_option("2")
    assert value("video.playbackRate") == 2
    for selector, expression in (
        ("#mute", "video.muted"),
        ("#describe", "byId('description').hidden"),
        ("#closer", "range.to - range.from < 2"),
        ("#wider", "range.to - range.from > 2"),
        ("#closer", "range.to - range.from < 2"),
        ("#all", "range.to - range.from > 2"),
    ):
        click(selector)
        assert value(expression) is True, selector
    click("#next")
    order = value("chosen.order")
    click("#next")
    assert value("chosen.order") == order + 1
    click("#previous")
    assert value("chosen.order") == order
    film_page.page.locator("#group-findings ~ .part .go").first.click()
    click("#play-it")
    film_page.until("!video.paused")
    film_page.until("video.paused")
    for selector, verdict in (
        ("#accept", "accepted"), ("#reject", "rejected"), ("#clear", None), ("#accept", "accepted"), ("#accept", None),
        ("#groups .chosen .accept", "accepted"), ("#groups .chosen .reject", "rejected"),
        ("#groups .chosen .reject", None),
    ):  # fmt: skip
        click(selector)
        assert value("chosen.verdict") == verdict, selector
    film_page.page.locator("#go-on").check()
    click("#accept")
    assert value("chosen.text") == "a dog runs"
    with film_page.page.expect_download():
        click("#save")
    box = film_page.page.locator("#canvas").bounding_box()
    assert box is not None
    film_page.page.mouse.click(box["x"] + box["width"] * 0.5, box["y"] + 5)
    assert value("at.seconds") == pytest.approx(1.5, abs=0.03)
    lane = value("22 + lanes.findIndex((lane) => lane.name === 'a dog runs') * 22 + 11")
    film_page.page.mouse.click(box["x"] + box["width"] * 1.4 / 3, box["y"] + lane)
    assert value("chosen.text") == "a dog runs"
    slider = film_page.page.locator("#position").bounding_box()
    assert slider is not None
    film_page.page.mouse.click(slider["x"] + slider["width"] * 0.5, slider["y"] + slider["height"] / 2)
    assert value("at.frame") == pytest.approx(37, abs=2)
    click("#theme")
    assert value("document.documentElement.dataset.theme") == "dark"
    click("#whole-screen")
    film_page.until("document.fullscreenElement")
    film_page.value("document.exitFullscreen()")
    film_page.page.locator("#group-findings ~ .part .go").first.click()
    click("#why summary")
    assert film_page.page.locator("#signals").inner_text().split() == ["agreement", "0.8"]
    assert film_page.page.locator("#raw").inner_text() == "0.4 - 0.8"
    click("#about summary")
    assert "Model: demo" in film_page.page.locator("#about-text").inner_text()
    click("#help")
    click("#keys button")
    assert film_page.page.locator("#keys").is_hidden()


def test_the_slider_is_moved_with_the_arrow_keys(film_page: Opened) -> None:
    film_page.page.locator("#position").focus()
    film_page.press("ArrowRight", "ArrowRight", "ArrowUp")
    assert film_page.value("at.frame") == 3
    assert film_page.page.locator("#position").get_attribute("aria-valuetext") == "01:00:00:03"
    film_page.press("End")
    assert film_page.shown_frame(74) == 74


def test_buttons_take_the_space_bar_themselves(film_page: Opened) -> None:
    film_page.page.locator("#mute").focus()
    film_page.press("Space")
    assert film_page.value("[video.muted, video.paused]") == [True, True]


def test_focus_stays_on_the_finding_that_is_moved(film_page: Opened) -> None:
    film_page.page.locator("#group-findings ~ .part .reject").first.focus()
    film_page.press("Enter")
    assert film_page.value("document.activeElement.closest('section').querySelector('h3').id") == "group-rejected"
    assert film_page.value("document.activeElement.getAttribute('aria-pressed')") == "true"


AXE = W3C / "node_modules" / "axe-core" / "axe.min.js"
ALL_OF_IT = "document.querySelectorAll('.block').forEach((one) => { one.style.contentVisibility = 'visible'; })"


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("width", [320, 1440])
def test_axe_finds_no_fault(film: Path, open_page: OpenPage, scheme: str, width: int) -> None:
    required(not AXE.is_file(), "`npm ci --prefix tests/w3c`")
    opened = open_page(film, width=width, height=900, color_scheme=scheme, reduced_motion="reduce")
    opened.until("plays")
    opened.value(AXE.read_text(encoding="utf-8") + "; 0")
    opened.value(ALL_OF_IT)
    opened.press("n", "n", "r", "n", "a", "n")

    def faults() -> list[Any]:
        found: list[Any] = opened.value(
            "axe.run({ resultTypes: ['violations'] }).then((result) => result.violations.map((one) =>"
            " [one.id, one.nodes.map((node) => node.html)]))"
        )
        return found

    assert faults() == []
    opened.page.locator("#about summary").click()
    opened.value("openSource(sources[0]); trouble('It is not there.')")
    assert faults() == []
    opened.press("?")
    assert faults() == []


def test_it_fits_a_narrow_screen(film: Path, open_page: OpenPage) -> None:
    opened = open_page(film, width=320, height=256)
    opened.press("n", "n")
    assert opened.value("document.documentElement.scrollWidth") <= 320
    wide = "[...document.querySelectorAll('button, select, input, p, .row')].filter((one) => one.checkVisibility())"
    assert opened.value(f"{wide}.filter((one) => one.getBoundingClientRect().right > 321).map((one) => one.id)") == []


def test_it_moves_nothing_where_that_is_not_wanted(film: Path, open_page: OpenPage) -> None:
    durations = "[...document.querySelectorAll('button')].map((one) => getComputedStyle(one).transitionDuration)"
    assert set(open_page(film, reduced_motion="reduce").value(durations)) == {"0s"}
    assert set(open_page(film, reduced_motion="no-preference").value(durations)) != {"0s"}


def test_a_print_has_everything_and_no_buttons(film_page: Opened) -> None:
    film_page.page.locator("#group-findings ~ .part .accept").first.click()
    film_page.page.emulate_media(media="print")
    told = film_page.page.locator("body").inner_text()
    for text in (
        "A person opens a door.",
        SCRIPT,
        "accepted by you, score 0.90",
        "below the threshold",
        "auto-generated",
    ):
        assert text in told
    assert film_page.value("[...document.querySelectorAll('button:not(.go)')].every((one) => !one.checkVisibility())")
    assert film_page.page.pdf()[:5] == b"%PDF-"


def test_its_landmarks_and_names_are_told_to_screen_readers(film_page: Opened) -> None:
    tree = film_page.page.locator("body").aria_snapshot()
    for told in (
        "banner",
        "main",
        'region "Video"',
        'region "Selected"',
        'region "List"',
        'search "Filter the list"',
        'slider "Position"',
        'list "Rejected findings 1"',
        'button "Accept: a door opens, 01:00:00:10"',
        "status",
    ):
        assert told in tree, told
