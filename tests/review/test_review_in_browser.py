"""The review page in a real Chromium, from disk: texts stay texts, nothing is fetched, and all of it is there."""

from __future__ import annotations

import json
from fractions import Fraction
from pathlib import Path

import pytest

from marlin_edit.analysis import Analysis, Finding
from marlin_edit.edit import Edit, edit_of_several
from marlin_edit.edit import edit_of as edit_of_analysis
from marlin_edit.media import MediaInfo, probe
from marlin_edit.text import clean
from marlin_edit.timebase import FrameRate
from marlin_edit_exporters.subtitles import webvtt
from marlin_edit_exporters.subtitles.cues import track_of
from marlin_edit_exporters.subtitles.labels import TITLE
from tests.support.browser import Opened, OpenPage, chromium, open_page
from tests.support.review_page import SCRIPT, SHOWN, analysis_of, film, film_page, span, written
from tests.support.subtitle_checkers import DEFAULTS, NASTY, bare, edit_of, event, nasty_edit, settings_of, text_of
from tests.support.synthetic_video import make_video

__all__ = ["chromium", "film", "film_page", "open_page"]


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
    assert opened.shown_frame(500 + 12) == 500 + 12
    assert opened.value("video.textTracks.length") == 1
    opened.page.get_by_label("Source").select_option(label="one.mp4")
    opened.until("plays")
    assert opened.shown_frame(0) == 0
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
