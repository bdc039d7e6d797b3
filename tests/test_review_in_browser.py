"""The review page in a real Chromium, opened from disk: what it shows, where it seeks, what a person can do with it."""

from __future__ import annotations

import json
import random
from fractions import Fraction
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from marlin_edit.analysis import Analysis, Asked, Event, Finding, ModelIdentity, Origin, Scene
from marlin_edit.cli import main
from marlin_edit.edit import Edit, edit_of_several
from marlin_edit.edit import edit_of as edit_of_analysis
from marlin_edit.interfaces import RenderContext
from marlin_edit.media import MediaInfo, probe
from marlin_edit.text import clean
from marlin_edit.timebase import FrameRate, Span, clock_text
from marlin_edit_exporters import review_page, webvtt
from marlin_edit_exporters.cues import track_of
from marlin_edit_exporters.labels import TITLE
from tests.browser import Opened, OpenPage, chromium, open_page
from tests.makers import make_video
from tests.tracks import DEFAULTS, NASTY, W3C, bare, edit_of, event, nasty_edit, required, text_of

if TYPE_CHECKING:
    from playwright.sync_api import Dialog

__all__ = ["chromium", "open_page"]
SCRIPT = '</script><img src=x onerror="window.hacked=1"><script>window.hacked=1</script>'
SHOWN = "[...document.querySelectorAll('.row')].filter((row) => row.checkVisibility()).length"


def span(start: str, end: str) -> Span:
    return Span(Fraction(start), Fraction(end))


def analysis_of(media: MediaInfo) -> Analysis:
    whole = Span(Fraction(0), media.duration)
    return Analysis(
        media,
        ModelIdentity("demo", notice="demo model: knows coloured shapes only"),
        scenes=(Scene(whole, "A hall in daylight."),),
        events=(
            Event(span("0.4", "1.2"), "A person opens a door."),
            Event(span("1.48", "2.2"), SCRIPT),
            Event(span("2.4", "2.9"), "The door falls shut."),
        ),
        findings=(
            Finding(span("0.4", "0.8"), "a door opens", 0.9, {"agreement": 0.8}, origin=Origin((whole,), "0.4 - 0.8")),
            Finding(span("2", "2.4"), "a door opens", 0.2),
            Finding(span("1.2", "1.6"), "a dog runs", 0.7),
        ),
        asked=(Asked("a door opens", (whole,)), Asked("a dog runs", (whole,)), Asked("a car stops", (whole,))),
        threshold=0.5,
    )


def written(path: Path, edit: Edit) -> Path:
    content = review_page.render(edit, RenderContext(DEFAULTS, path, path.parent)).content
    assert isinstance(content, str)
    path.write_text(content, encoding="utf-8")
    return path


def page_of(folder: Path, name: str = "film.mp4", **making: Any) -> Path:
    media = probe(make_video(folder / name, **making))
    return written(folder / "review.html", edit_of_analysis(analysis_of(media)))


@pytest.fixture(scope="module")
def film(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The page of 75 frames at 25 a second, with time code."""
    return page_of(tmp_path_factory.mktemp("film"), timecode="01:00:00:00")


@pytest.fixture
def film_page(film: Path, open_page: OpenPage) -> Opened:
    opened = open_page(film)
    opened.until("plays")
    return opened


def test_it_opens_from_disk_and_asks_for_nothing_but_the_video(film: Path, film_page: Opened) -> None:
    film_page.click("#play")
    film_page.until("at.frame > 5")
    names = {request.split(":")[0] for request in film_page.requests}
    assert names == {"file", "blob"}
    assert {request for request in film_page.requests if request.startswith("file")} == {
        film.as_uri(),
        (film.parent / "film.mp4").as_uri(),
    }
    assert film_page.value("violations") == []
    assert film_page.errors == []


def test_no_script_gets_in(film: Path, open_page: OpenPage, tmp_path: Path) -> None:
    page = film.read_text(encoding="utf-8").replace("<main>", f"<main>{SCRIPT}<p style='color:red'>")
    (tmp_path / "bad.html").write_text(page, encoding="utf-8")
    opened = open_page(tmp_path / "bad.html")
    assert opened.value("window.hacked") is None
    assert set(opened.value("violations")) >= {"script-src-elem", "style-src-attr"}
    refused = "(() => { try { document.body.innerHTML = '<b>x</b>'; } catch (error) { return error.name; } })()"
    assert opened.value(refused) == "TypeError"


def test_texts_are_shown_as_they_are(open_page: OpenPage, tmp_path: Path) -> None:
    edit = nasty_edit()
    findings = tuple(Finding(span(str(n), str(n + 1)), text) for n, text in enumerate(NASTY) if clean(text))
    (source,) = edit.sources
    edit = Edit(SCRIPT, edit.rate, 0, (Analysis(source.media, events=source.events, findings=findings),))
    opened = open_page(written(tmp_path / "nasty.html", edit))
    shown = opened.value("entries.map((entry) => [entry.kind, entry.row.querySelector('.what').textContent])")
    for kind, texts in (("events", NASTY), ("findings", [text for text in NASTY if clean(text)])):
        assert [text for one, text in shown if one == kind] == [clean(text) or "(no text)" for text in texts]
    lanes = opened.value("lanes.map((lane) => lane.swatch.nextSibling.textContent)")
    assert lanes[1:] == [clean(text) for text in NASTY if clean(text)]
    for query in range(len(findings)):
        assert opened.value(f"document.querySelectorAll('#query option')[{query + 1}].textContent") == lanes[query + 1]
    opened.press(*["n"] * 20)
    assert opened.page.locator("h1").inner_text() == SCRIPT
    assert opened.page.locator("img").count() == 0
    assert opened.value("[window.hacked ?? null, violations]") == [None, []]
    assert opened.errors == []


CUES = """
(track) => [...track.cues].map((cue) => [cue.startTime, cue.endTime, cue.getCueAsHTML().textContent])
"""


def test_the_track_of_the_page_tells_the_texts_of_the_events(open_page: OpenPage, tmp_path: Path) -> None:
    edit = nasty_edit()
    opened = open_page(written(tmp_path / "nasty.html", edit))
    opened.until("video.textTracks[0].cues?.length")
    track = opened.value("(({kind, label, language}) => [kind, label, language])(video.textTracks[0])")
    assert track == ["descriptions", TITLE, "en"]
    cues = opened.value(f"({CUES})(video.textTracks[0])")
    assert [(round(start * 1000), round(end * 1000)) for start, end, _ in cues] == [
        (cue.start, cue.end) for cue in track_of(edit, DEFAULTS).cues
    ]
    left_out = [note for note in track_of(edit, DEFAULTS).notes if note.startswith("left out")]
    assert len(left_out) == 1
    for one in edit.sources[0].events:
        if clean(one.text) and clean(one.text) not in left_out[0]:
            own = [text for start, _, text in cues if one.span.start <= start < one.span.start + 100]
            assert bare(own) == bare(clean(one.text))


@pytest.mark.parametrize("kind", ["descriptions", "metadata"])
def test_chromium_shows_a_vtt_file_as_the_texts_of_the_events(open_page: OpenPage, tmp_path: Path, kind: str) -> None:
    from tests.tracks import settings_of

    edit, chosen = nasty_edit(), settings_of(kind=kind)
    (tmp_path / "empty.html").write_text("<!DOCTYPE html><video id=video></video>", encoding="utf-8")
    opened = open_page(tmp_path / "empty.html")
    opened.page.evaluate(
        """async (text) => {
          const track = document.createElement("track");
          track.src = URL.createObjectURL(new Blob([text], { type: "text/vtt" }));
          const loaded = new Promise((done, failed) => { track.onload = done; track.onerror = failed; });
          video.append(track);
          track.track.mode = "hidden";
          await loaded;
        }""",
        text_of(webvtt, edit, chosen),
    )
    cues = opened.value(f"({CUES})(video.textTracks[0])")
    assert [(round(start * 1000), round(end * 1000), text) for start, end, text in cues] == [
        (cue.start, cue.end, "\n".join(cue.lines)) for cue in track_of(edit, chosen).cues
    ]


@pytest.mark.parametrize(
    ("name", "making"),
    [
        ("steady.mp4", {"rate": "25"}),
        ("ntsc.mp4", {"rate": "30000/1001"}),
        ("late.mp4", {"rate": "24000/1001", "start": Fraction(3, 2)}),
        ("hidden.mp4", {"rate": "25", "hidden": 7, "first_index": -7}),
        ("fast.webm", {"rate": "60000/1001", "codec": "libvpx-vp9", "frames": 90}),
        ("late.webm", {"rate": "24000/1001", "codec": "libvpx-vp9", "start": Fraction(3, 2)}),
        ("varying.mp4", {"variable": [Fraction(n * n, 600) + Fraction(n, 30) for n in range(50)]}),
    ],
)
def test_a_seek_lands_on_the_frame(open_page: OpenPage, tmp_path: Path, name: str, making: dict[str, Any]) -> None:
    if making.get("first_index"):
        making = {**making, "first_index": 0}
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
        assert opened.shown_frame() - hidden == first == opened.value("at.frame")
        opened.press("o")
        assert opened.shown_frame() - hidden == stop - 1 == opened.value("at.frame")
        opened.press("i", "ArrowLeft", "ArrowLeft", "ArrowRight")
        assert opened.shown_frame() - hidden == first - 1 == opened.value("at.frame")


def test_playing_stops_on_the_frame_that_is_seen(film_page: Opened) -> None:
    film_page.press("k")
    film_page.until("at.frame > 10")
    film_page.press("k")
    film_page.until("video.paused && !video.seeking")
    film_page.page.wait_for_timeout(100)
    assert film_page.shown_frame() == film_page.value("at.frame")


def test_one_entry_is_played_to_its_out_point(film_page: Opened) -> None:
    film_page.press("n", "n")
    first, stop = film_page.value("[chosen.first, chosen.stop]")
    film_page.press("g")
    film_page.until("!video.paused")
    film_page.until("video.paused && !video.seeking")
    assert first < film_page.shown_frame() <= stop
    assert film_page.value("at.frame") in (stop - 1, stop)


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


def test_findings_tell_scores_and_the_rejected_ones_are_apart(film_page: Opened) -> None:
    def told(group: str) -> list[str]:
        rows: list[str] = film_page.page.locator(f"#group-{group} ~ .part .row").all_inner_texts()
        return [" | ".join(row.split("\n")[1:3]) for row in rows]

    assert told("findings") == [
        "a door opens | score 0.90, at least the threshold 0.50",
        "a dog runs | score 0.70, at least the threshold 0.50",
    ]
    assert told("rejected") == ["a door opens | score 0.20, below the threshold 0.50"]
    asked = film_page.page.locator(".asked").inner_text()
    assert asked == "“a car stops”: looked at 00:00:00.000 – 00:00:03.000, nothing found."
    remarks = film_page.page.locator("#remarks").inner_text()
    assert "auto-generated" in remarks
    assert "demo model" in remarks


def test_every_key_does_what_the_page_says(film_page: Opened) -> None:
    value, press = film_page.value, film_page.press
    film_page.click("#help")
    keys = film_page.page.locator("#key-rows kbd").all_inner_texts()
    assert keys == [
        "Space, K", "G", "← →", "Shift ← →", "J, L", "Home, End", "N, P", "I, O", "A", "R", "C", "U", "S", "/", "+ −",
        "0", "D", "M", "F", "T", "?",
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
    assert film_page.shown_frame() == 74


def test_buttons_take_the_space_bar_themselves(film_page: Opened) -> None:
    film_page.page.locator("#mute").focus()
    film_page.press("Space")
    assert film_page.value("[video.muted, video.paused]") == [True, True]


def test_focus_stays_on_the_finding_that_is_moved(film_page: Opened) -> None:
    film_page.page.locator("#group-findings ~ .part .reject").first.focus()
    film_page.press("Enter")
    assert film_page.value("document.activeElement.closest('section').querySelector('h3').id") == "group-rejected"
    assert film_page.value("document.activeElement.getAttribute('aria-pressed')") == "true"


def test_the_list_is_filtered(film_page: Opened) -> None:
    page = film_page.page
    assert film_page.value(SHOWN) == 7
    page.get_by_label("Query").select_option(label="a door opens")
    assert film_page.value(SHOWN) == 2
    page.get_by_label("Query").select_option("")
    page.locator("#kinds").get_by_text("Rejected").click()
    assert film_page.value(SHOWN) == 1
    page.locator("#kinds").get_by_text("All").click()
    page.locator("#words").fill("DOOR shut")
    assert (film_page.value(SHOWN), page.locator("#shown").inner_text()) == (1, "1 of 7 shown")
    page.locator("#words").fill("")
    page.locator("#group-findings ~ .part .accept").first.click()
    page.locator("#verdict").select_option("accepted")
    assert film_page.value(SHOWN) == 1
    page.locator("#verdict").select_option("none")
    assert film_page.value(SHOWN) == 2


def test_verdicts_survive_a_reload(film: Path, film_page: Opened) -> None:
    film_page.press("n", "n", "r")
    assert film_page.page.locator("#unsaved").inner_text() == "1 not saved"
    film_page.page.reload()
    assert film_page.value("findings.map((entry) => entry.verdict)") == ["rejected", None, None]
    assert film_page.page.locator("#unsaved").inner_text() == "1 not saved"
    with film_page.page.expect_download():
        film_page.press("s")
    film_page.page.reload()
    assert film_page.value("findings.map((entry) => entry.verdict)") == ["rejected", None, None]
    assert film_page.page.locator("#unsaved").inner_text() == ""


def test_where_nothing_is_kept_leaving_is_warned_of(film: Path, open_page: OpenPage) -> None:
    broken = "Object.defineProperty(window, 'localStorage', { get() { throw new Error('no'); } });"
    opened = open_page(film, script=broken)
    asked: list[str] = []

    def answer(dialog: Dialog) -> None:
        asked.append(dialog.type)
        dialog.accept()

    opened.page.on("dialog", answer)
    opened.page.reload()
    assert asked == []
    opened.press("n", "n", "a")
    opened.page.reload()
    assert asked == ["beforeunload"]
    assert opened.errors == []


def test_saved_verdicts_are_an_analysis_that_export_takes(open_page: OpenPage, tmp_path: Path) -> None:
    folder = tmp_path / "films é"
    folder.mkdir()
    make_video(folder / "film #1.mp4", timecode="01:00:00:00")
    given = {
        "schema": "marlin-edit.analysis/1",
        "media": {"path": "film #1.mp4", "camera": "B"},
        "events": [
            {"start": "1001/2400", "end": "1.2", "text": "A person opens a door.", "weight": 12345678901234567890}
        ],
        "findings": [
            {"query": "a door", "start": "1001/2400", "end": "0.8", "score": 0.25, "verdict": "accepted"},
            {"query": "a door", "start": "1.2", "end": "1.6", "score": None, "more": {"deep": [1.0, 1e-7]}},
            {"query": "a dog", "start": "2", "end": "7/3", "score": 0.9},
        ],
        "asked": [{"query": "a door", "looked_at": [["0", "3"]]}],
        "threshold": 0.5,
        "house": {"big": 9007199254740993, "text": SCRIPT},
    }
    analysis = folder / "found.json"
    analysis.write_text(json.dumps(given), encoding="utf-8")
    assert main(["export", str(analysis), "-o", str(folder / "page.html")]) == 0
    opened = open_page(folder / "page.html")
    opened.until("plays")
    for number, button in ((0, "reject"), (1, "accept")):
        opened.value(f"findings[{number}].row.querySelector('.{button}').click()")
    with opened.page.expect_download() as download:
        opened.click("#save")
    assert download.value.suggested_filename == "film #1.judged.json"
    judged = tmp_path / "elsewhere.json"
    download.value.save_as(judged)

    told = json.loads(judged.read_text(encoding="utf-8"))
    assert Path(told["media"]["path"]) == folder / "film #1.mp4"
    assert [finding.get("verdict") for finding in told["findings"]] == ["rejected", "accepted", None]
    assert (told["house"], told["media"]["camera"]) == (given["house"], "B")
    assert main(["export", str(analysis), "-o", str(tmp_path / "before.json")]) == 0
    assert main(["export", str(judged), "-o", str(tmp_path / "after.json")]) == 0
    before, after = (
        json.loads((tmp_path / name).read_text(encoding="utf-8")) for name in ("before.json", "after.json")
    )
    for one, verdict in zip(before["findings"], ["rejected", "accepted", None], strict=True):
        one.pop("verdict", None)
        if verdict:
            one["verdict"] = verdict
    for document in (before, after):
        document.pop("cuts")
    assert after == before
    assert after["events"][0]["weight"] == 12345678901234567890
    assert main(["export", str(judged), "-o", str(tmp_path / "cuts.edl")]) == 0
    events = [line for line in (tmp_path / "cuts.edl").read_text().splitlines() if line[:3].isdigit()]
    assert [line.split()[4:6] for line in events] == [["01:00:01:05", "01:00:01:15"], ["01:00:02:00", "01:00:02:09"]]


def test_a_verdict_is_taken_back_to_undecided(open_page: OpenPage, tmp_path: Path) -> None:
    given = {
        "schema": "marlin-edit.analysis/1",
        "media": {"path": "gone.mov", "rate": "25", "frame_count": 250, "duration": "10"},
        "findings": [{"query": "a door", "start": "1", "end": "2", "verdict": "rejected"}],
    }
    (tmp_path / "found.json").write_text(json.dumps(given), encoding="utf-8")
    assert main(["export", str(tmp_path / "found.json"), "-o", str(tmp_path / "page.html")]) == 0
    opened = open_page(tmp_path / "page.html")
    opened.press("n", "c")
    with opened.page.expect_download() as download:
        opened.press("s")
    told = json.loads(Path(download.value.path()).read_text(encoding="utf-8"))
    assert "verdict" not in told["findings"][0]


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
    if name.startswith("gone"):
        opened.press("k")
        assert opened.status == "There is no video to play."
    opened.page.locator("#file").set_input_files(tmp_path / "found again.mp4")
    opened.until("plays")
    assert opened.page.locator("#trouble").is_hidden()
    assert opened.shown_frame() == 11
    assert opened.value("violations") == []


@pytest.mark.parametrize(
    "name",
    [
        "a b.mp4",
        "#1.mp4",
        "100%25.mp4",
        "who?.mp4",
        'it\'s "q".mp4',
        "Zürich e\u0301.mp4",
        "🎬.mp4",
        "sub/a:b.mp4",
        "../up.mp4",
    ],
)
def test_the_video_is_found_whatever_its_name(open_page: OpenPage, tmp_path: Path, name: str) -> None:
    folder = tmp_path / "pages [1] #2"
    (folder / "sub").mkdir(parents=True)
    media = probe(make_video(folder / name, frames=10))
    opened = open_page(written(folder / "review ?.html", edit_of_analysis(Analysis(media))))
    opened.until("plays")
    assert opened.page.locator("#trouble").is_hidden()


def test_several_sources_are_all_on_the_page(open_page: OpenPage, tmp_path: Path) -> None:
    one = analysis_of(probe(make_video(tmp_path / "one.mp4", timecode="01:00:00:00")))
    two = analysis_of(probe(make_video(tmp_path / "two.mp4", rate="30000/1001", frames=100, first_index=500)))
    edit = edit_of_several([edit_of_analysis(one), edit_of_analysis(two)])
    opened = open_page(written(tmp_path / "both.html", edit))
    opened.until("plays")
    assert opened.page.locator("#group-events ~ .part h4").all_inner_texts() == ["one.mp4", "two.mp4"]
    assert opened.value(SHOWN) == 14
    opened.page.locator("#group-events ~ .part").nth(1).locator(".go").first.click()
    opened.until("plays && !video.seeking")
    assert opened.value("at.source.name") == "two.mp4"
    assert opened.shown_frame() == 500 + 12
    assert opened.value("video.textTracks.length") == 1
    opened.page.get_by_label("Source").select_option(label="one.mp4")
    opened.until("plays")
    assert opened.shown_frame() == 0
    opened.value("findings.at(-1).row.querySelector('.accept').click()")
    with opened.page.expect_download() as download:
        opened.press("s")
    told = json.loads(Path(download.value.path()).read_text(encoding="utf-8"))
    assert [[one.get("verdict") for one in part["findings"]] for part in told["sources"]] == [
        [None, None, None],
        [None, "accepted", None],
    ]


def test_there_may_be_nothing_at_all(open_page: OpenPage, tmp_path: Path) -> None:
    opened = open_page(written(tmp_path / "empty.html", edit_of()))
    for text in ("No findings.", "No events.", "No scenes."):
        assert opened.page.get_by_text(text).is_visible()
    assert opened.page.locator("#save").is_hidden()
    opened.press("n", "a", "s", "g", "ArrowRight", "+", "End")
    assert opened.errors == []


def test_ten_thousand_events_stay_usable(open_page: OpenPage, tmp_path: Path) -> None:
    events = [event(Fraction(n * 7, 10), Fraction(n * 7 + 9, 10), f"Door number {n} opens.") for n in range(10_000)]
    media = MediaInfo(tmp_path / "gone.mp4", Fraction(7200), FrameRate.parse("25"), frame_count=180_000)
    path = written(tmp_path / "many.html", edit_of_analysis(Analysis(media, events=tuple(events))))
    assert path.stat().st_size < 3_000_000
    opened = open_page(path, width=1440, height=900)
    assert opened.page.locator("#shown").inner_text() == "10,000 of 10,000 shown"
    opened.page.locator("#words").fill("number 9876")
    assert opened.page.locator("#shown").inner_text() == "1 of 10,000 shown"
    opened.page.get_by_text("Door number 9876 opens.").click()
    assert opened.value("at.seconds") == pytest.approx(6913.2, abs=0.05)
    opened.page.locator("#words").fill("")
    opened.press("Escape", "n")
    assert opened.page.locator("#selected-text").inner_text() == "Door number 9877 opens."
    visible = "document.querySelector('.chosen').getBoundingClientRect()"
    assert 0 < opened.value(f"{visible}.top") < opened.value(f"{visible}.bottom") < 900
    # What is far away is not laid out.
    laid_out = "(one) => one.firstChild.checkVisibility({ contentVisibilityAuto: true })"
    assert 0 < opened.value(f"[...document.querySelectorAll('.block')].filter({laid_out}).length") < 20


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
