"""Judging in the review page: verdicts are kept, saved, and taken by the command line."""

from __future__ import annotations

import json
from pathlib import Path
from typing import TYPE_CHECKING, Any

from marlin_edit.cli import main
from tests.support.browser import Opened, OpenPage, chromium, open_page
from tests.support.review_page import SCRIPT, SHOWN, film, film_page
from tests.support.synthetic_video import make_video

if TYPE_CHECKING:
    from playwright.sync_api import Dialog

__all__ = ["chromium", "film", "film_page", "open_page"]


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


def test_a_query_of_which_all_is_rejected_is_named_until_a_person_accepts_one(
    open_page: OpenPage, tmp_path: Path
) -> None:
    given = {
        "schema": "marlin-edit.analysis/1",
        "media": {"path": "gone.mov", "rate": "25", "frame_count": 250, "duration": "10"},
        "findings": [{"query": "a door", "start": "1", "end": "2", "score": 0.1}],
        "asked": [{"query": "a door", "looked_at": [["0", "10"]]}],
        "threshold": 0.5,
    }
    (tmp_path / "found.json").write_text(json.dumps(given), encoding="utf-8")
    assert main(["export", str(tmp_path / "found.json"), "-o", str(tmp_path / "page.html")]) == 4
    opened = open_page(tmp_path / "page.html")
    told = "“a door”: looked at 00:00:00.000 – 00:00:10.000, nothing matched: 1 answer, rejected."
    assert opened.page.locator(".asked").all_inner_texts() == [told]
    opened.value("findings[0].row.querySelector('.accept').click()")
    assert opened.page.locator(".asked").all_inner_texts() == []
    opened.value("findings[0].row.querySelector('.accept').click()")


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


def reloaded(opened: Opened, unsaved: str) -> tuple[object, str]:
    """The verdicts and what is not saved after a reload. The browser's other process keeps what a page stores some time
    later, so it is loaded again, for ten seconds at most, until it shows `unsaved` beside a verdict; loading writes
    nothing."""
    for _ in range(40):
        opened.page.wait_for_timeout(250)
        opened.page.reload()
        shown = opened.value("findings.map((entry) => entry.verdict)"), opened.page.locator("#unsaved").inner_text()
        if any(shown[0]) and shown[1] == unsaved:
            break
    return shown


def test_verdicts_survive_a_reload(film: Path, film_page: Opened) -> None:
    film_page.press("n", "n", "r")
    assert film_page.page.locator("#unsaved").inner_text() == "1 not saved"
    assert reloaded(film_page, "1 not saved") == (["rejected", None, None], "1 not saved")
    with film_page.page.expect_download():
        film_page.press("s")
    assert reloaded(film_page, "") == (["rejected", None, None], "")


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
            one["accepted"] = verdict == "accepted"
    assert [one["accepted"] for one in told["findings"]] == [False, True, True]
    assert "results" not in told, "they would be those of before"
    assert [result["accepted"] for result in after["results"]] == [1]
    for document in (before, after):
        document.pop("cuts")
        document.pop("results")
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


def test_calibrate_takes_saved_verdicts(film: Path, open_page: OpenPage, tmp_path: Path, capfd: Any) -> None:
    opened = open_page(film)
    opened.press("n", "n", "a", "n", "n", "r")
    with opened.page.expect_download() as download:
        opened.press("s")
    download.value.save_as(tmp_path / "judged.json")
    assert main(["calibrate", str(tmp_path / "judged.json"), "-o", str(tmp_path / "calibration.json")]) == 1
    assert "not enough answers to calibrate with: 1 right and 1 wrong ones" in capfd.readouterr().err


def test_a_caption_and_findings_of_one_video_keep_the_threshold(open_page: OpenPage, tmp_path: Path) -> None:
    media = {"path": "gone.mov", "rate": "25", "frame_count": 250, "duration": "10"}
    caption = {"media": media, "events": [{"start": "0", "end": "1", "text": "A door opens."}]}
    found = {"media": media, "findings": [{"query": "a door", "start": "1", "end": "2", "score": 0.2}]}
    for name, one in (("a.json", caption), ("b.json", {**found, "threshold": 0.5})):
        document = {"schema": "marlin-edit.analysis/1", **one}
        (tmp_path / name).write_text(json.dumps(document), encoding="utf-8")
    both = [str(tmp_path / "a.json"), str(tmp_path / "b.json")]
    assert main(["export", *both, "-o", str(tmp_path / "page.html")]) == 0
    rejected = open_page(tmp_path / "page.html").page.locator("#group-rejected ~ .part .row .what")
    assert rejected.all_inner_texts() == ["a door"]
