"""The review page of a film in which somebody speaks: what is said under what is seen, edited, shown and read aloud."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path
from typing import Literal

import pytest

from marlin_edit.analysis import Finding, Sense, SpokenWord, Utterance
from marlin_edit.cli import main
from marlin_edit.edit import edit_of as edit_of_analysis
from marlin_edit.interfaces import Context
from marlin_edit.media import probe
from marlin_edit_exporters import analysis_json
from tests.support.browser import Opened, OpenPage, chromium, open_page
from tests.support.review_page import analysis_of, span, written
from tests.support.subtitle_checkers import DEFAULTS, W3C, required
from tests.support.synthetic_video import make_video

__all__ = ["chromium", "open_page"]

VOICE = """
window.aloud = [];
speechSynthesis.speak = (saying) => {
  aloud.push([saying.text, saying.lang, video.paused]);
  setTimeout(() => saying.dispatchEvent(new Event("end")), 100);
};
"""


def said(start: str, end: str, *words: tuple[str, float], speaker: str = "") -> Utterance:
    """An utterance of words that share its time evenly, each with how sure the model was of it."""
    whole = span(start, end)
    step = whole.length / len(words)
    spoken = tuple(
        SpokenWord(
            span(str(whole.start + number * step), str(whole.start + (number + 1) * step)),
            (" " if number else "") + text,
            sure,
        )
        for number, (text, sure) in enumerate(words)
    )
    return Utterance(whole, " ".join(text for text, _ in words), spoken, 0.8, speaker, "en")


@pytest.fixture(scope="module")
def talk(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The page of a film of three seconds in which two people speak."""
    folder = tmp_path_factory.mktemp("talk")
    media = probe(make_video(folder / "film.mp4", timecode="01:00:00:00"))
    speech = (
        said("0.2", "0.6", ("The", 0.9), ("red", 0.3), ("lamp.", 0.8), speaker="Ann"),
        Utterance(span("1", "1.1")),
        said("2.2", "2.8", ("Who", 0.9), ("is", 0.9), ("there?", 0.9)),
    )
    found = Finding(span("0.2", "0.6"), "red lamp", sense=Sense.SAID, quote="The red lamp.")
    analysis = analysis_of(media)
    analysis = replace(analysis, speech=speech, findings=(*analysis.findings, found))
    return written(folder / "review.html", edit_of_analysis(analysis))


@pytest.fixture
def talk_page(talk: Path, open_page: OpenPage) -> Opened:
    opened = open_page(talk, script=VOICE)
    opened.until("plays")
    return opened


def test_what_is_said_is_in_the_list_and_a_lane_and_is_searched_and_unsure_words_are_marked(talk_page: Opened) -> None:
    page, value = talk_page.page, talk_page.value
    rows = page.locator("#groups section[aria-labelledby=group-speech] .row .what")
    assert rows.all_inner_texts() == ["Ann: The red lamp.", "Who is there?"]
    assert rows.locator("mark").all_inner_texts() == ["red"]
    assert "unsure of this word (30 %)" in str(rows.locator("mark").get_attribute("title"))
    assert value("lanes.map((lane) => lane.name)") == [
        "Scenes",
        "Events",
        "Speech",
        "a door opens",
        "a dog runs",
        "red lamp",
    ]
    page.locator("#words").fill("lamp")
    assert value("entries.filter((entry) => entry.shown).map((entry) => entry.kind)") == ["findings", "speech"]
    page.locator("#words").fill("")
    page.locator("#kinds span").get_by_text("Speech", exact=True).click()
    assert value("entries.filter((entry) => entry.shown).map((entry) => entry.kind)") == ["speech", "speech"]
    states = page.locator(".row .state").all_inner_texts()
    assert "said: “The red lamp.”" in states
    assert talk_page.errors == []


def test_a_text_and_its_times_are_edited_and_saved_and_export_takes_them(talk_page: Opened, tmp_path: Path) -> None:
    page, value, press = talk_page.page, talk_page.value, talk_page.press
    value("choose(entries.find((entry) => entry.kind === 'speech'))")
    press("e")
    page.locator("#edit-text").fill("The  dead lamp <b>&")
    page.locator("#edit-end").fill("0:00.9")
    press("Enter")
    assert talk_page.status.startswith("Changed: The dead lamp <b>&, 01:00:00:05. 1 not saved yet.")
    assert value("[chosen.first, chosen.stop, chosen.search]") == [5, 23, "the dead lamp <b>&"]
    assert page.locator("#selected-state").inner_text() == "utterance, changed by you"
    assert page.locator("#selected-text mark").count() == 0, "a person has read it"
    value("choose(entries.find((entry) => entry.kind === 'events'))")
    press("Home", "ArrowRight", "e")
    talk_page.click("#start-here")
    page.locator("#edit-text").fill("A person opens a green door.")
    talk_page.click("#keep")
    assert page.locator("#unsaved").inner_text() == "2 not saved"
    press("u")
    assert value("chosen.text") == "A person opens a door."
    press("e")
    page.locator("#edit-text").fill("A person opens a green door.")
    press("Enter")
    with page.expect_download() as download:
        press("s")
    judged = tmp_path / "talk.judged.json"
    download.value.save_as(judged)
    document = json.loads(judged.read_text(encoding="utf-8"))
    assert document["speech"][0] == {
        "start": "0.2", "end": "0.9", "text": "The dead lamp <b>&", "speaker": "Ann", "language": "en",
    }  # fmt: skip
    assert "text" not in document["speech"][1]
    assert document["speech"][2]["words"][0]["text"] == "Who"
    assert document["events"][0]["text"] == "A person opens a green door."
    assert main(["export", str(judged), "-o", str(tmp_path / "talk.srt"), "--kind", "captions"]) == 0
    assert "The dead lamp ＜b>&\n" in (tmp_path / "talk.srt").read_text(encoding="utf-8")
    assert talk_page.errors == []


@pytest.mark.parametrize(
    ("field", "text", "why"),
    [
        ("edit-text", "   ", "A text is needed."),
        ("edit-start", "soon", "Write times like 12.5"),
        ("edit-start", "2.9", "The end has to come after the start."),
        ("edit-end", "99", "The video ends at 00:00:03.000."),
    ],
)
def test_what_cannot_be_kept_is_said_and_changes_nothing(talk_page: Opened, field: str, text: str, why: str) -> None:
    talk_page.value("choose(entries.filter((entry) => entry.kind === 'speech')[1])")
    talk_page.click("#edit")
    talk_page.page.locator(f"#{field}").fill(text)
    talk_page.click("#keep")
    assert talk_page.status.startswith(why)
    talk_page.press("Escape")
    assert talk_page.value("unsavedCount()") == 0
    assert talk_page.page.locator("#editing").is_hidden()
    assert talk_page.value("document.activeElement.id") == "edit"


def test_edits_survive_a_reload_and_findings_and_scenes_are_not_edited(talk_page: Opened) -> None:
    talk_page.value("choose(entries.find((entry) => entry.kind === 'speech'))")
    talk_page.press("e")
    talk_page.page.locator("#edit-text").fill("The dead lamp.")
    talk_page.press("Enter")
    for _ in range(40):
        talk_page.page.wait_for_timeout(250)
        talk_page.page.reload()
        if talk_page.page.locator("#unsaved").inner_text():
            break
    assert talk_page.value("entries.find((entry) => entry.kind === 'speech').text") == "The dead lamp."
    assert talk_page.page.locator("#unsaved").inner_text() == "1 not saved"
    for kind in ("scenes", "findings"):
        talk_page.value(f"choose(entries.find((entry) => entry.kind === '{kind}'))")
        assert talk_page.page.locator("#edit").is_hidden()
        talk_page.press("e")
        assert talk_page.status == "Choose an event or something that is said first."


def test_captions_are_shown_on_the_video(talk_page: Opened) -> None:
    talk_page.until("video.textTracks.length === 2 && video.textTracks[1].cues?.length")
    assert talk_page.value("[...video.textTracks].map((track) => [track.kind, track.mode, track.language])") == [
        ["descriptions", "hidden", "en"], ["captions", "hidden", "en"],
    ]  # fmt: skip
    talk_page.click("#captions")
    assert talk_page.value("video.textTracks[1].mode") == "showing"
    talk_page.press("Home")
    talk_page.value("seekSeconds(0.5)")
    talk_page.until("!video.seeking && video.textTracks[1].activeCues.length")
    assert talk_page.value("video.textTracks[1].activeCues[0].getCueAsHTML().textContent") == "The red lamp."
    talk_page.press("q")
    assert talk_page.value("video.textTracks[1].mode") == "hidden"


def test_descriptions_are_read_aloud_and_the_video_waits_for_an_extended_one(
    tmp_path: Path, open_page: OpenPage
) -> None:
    media = probe(make_video(tmp_path / "film.mp4", frames=75))
    analysis = replace(
        analysis_of(media), speech=(Utterance(span("0.45", "1.5")), Utterance(span("2.3", "3"))), findings=()
    )
    source, page = tmp_path / "a.json", tmp_path / "review.html"
    content = analysis_json.render(edit_of_analysis(analysis), Context(DEFAULTS, source)).content
    source.write_text(str(content), encoding="utf-8")
    assert main(["export", str(source), "-o", str(page), "--extended"]) == 0
    opened = open_page(page, script=VOICE)
    opened.until("plays && told.length")
    assert any(extended for *_, extended in opened.value("told"))
    opened.click("#read")
    opened.press("Home")
    opened.click("#play")
    opened.until("aloud.length")
    text, language, waits = opened.value("aloud[0]")
    assert text == "A person opens a door."
    assert language == "en"
    assert waits is True
    opened.until("!video.paused || video.ended")
    opened.click("#read")
    count = opened.value("aloud.length")
    opened.press("Home")
    assert opened.value("aloud.length") == count


@pytest.mark.parametrize("theme", ["light", "dark"])
def test_axe_finds_no_fault_in_the_editing_form(talk_page: Opened, theme: Literal["light", "dark"]) -> None:
    axe = W3C / "node_modules" / "axe-core" / "axe.min.js"
    required(not axe.exists(), "axe-core")
    talk_page.page.emulate_media(color_scheme=theme)
    talk_page.value("choose(entries.find((entry) => entry.kind === 'speech'))")
    talk_page.press("e")
    talk_page.value(axe.read_text(encoding="utf-8"))
    found = talk_page.value("axe.run().then(({ violations }) => violations.map((one) => [one.id, one.nodes[0].html]))")
    assert found == []


@pytest.mark.parametrize(("width", "height"), [(1440, 900), (1280, 633), (1024, 700), (390, 844), (320, 400)])
def test_the_editing_form_is_reached_in_every_window(talk: Path, open_page: OpenPage, width: int, height: int) -> None:
    opened = open_page(talk, width=width, height=height)
    opened.value("choose(entries.find((entry) => entry.kind === 'speech'))")
    opened.click("#edit")
    opened.click("#edit-text")  # a click fails where something else lies above
    opened.click("#start-here")
    opened.click("#discard")
    assert opened.page.locator("#editing").is_hidden()
