"""The review page as a file: its texts are data, its policy names its scripts, its addresses find the video."""

from __future__ import annotations

import base64
import hashlib
import json
import re
from dataclasses import replace
from fractions import Fraction
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings

from marlin_edit.analysis import Analysis, Finding, Verdict
from marlin_edit.cli import main
from marlin_edit.edit import Edit
from marlin_edit.interfaces import Carries, Context, Rendered
from marlin_edit.media import FrameTimes, MediaInfo
from marlin_edit.timebase import FrameRate, Span
from marlin_edit_exporters.review import review_page
from tests.support.subtitle_checkers import APP, DEFAULTS, edit_of, edits, event, nasty_edit, settings_of
from tests.support.timeline_readers import edits as edits_of_timelines

PAGE = Path("/films/cut 1/review.html")


def rendered(edit: Edit, path: Path | None = PAGE, **chosen: str) -> Rendered:
    return review_page.render(edit, Context(settings_of(**chosen) if chosen else DEFAULTS, path, Path("/tmp")))


def text_of(edit: Edit, path: Path | None = PAGE) -> str:
    content = rendered(edit, path).content
    assert isinstance(content, str)
    return content


def data_of(page: str, name: str) -> Any:
    found = re.search(f'<script type="application/json" id="{name}">(.*?)</script>', page, re.DOTALL)
    assert found is not None
    return json.loads(found[1])


def facts_of(edit: Edit, path: Path | None = PAGE) -> Any:
    return data_of(text_of(edit, path), "facts")


def with_media(path: str, **facts: Any) -> Edit:
    return Edit("x", FrameRate.parse("25"), 0, (Analysis(MediaInfo(Path(path), Fraction(10), **facts)),))


def test_the_policy_allows_these_scripts_and_styles_only() -> None:
    page = text_of(nasty_edit())
    (policy,) = re.findall('http-equiv="Content-Security-Policy" content="([^"]*)"', page)
    hashes = [
        f"'sha256-{base64.b64encode(hashlib.sha256(part.encode()).digest()).decode()}'"
        for part in (page.split("<script>")[1].split("</script>")[0], page.split("<style>")[1].split("</style>")[0])
    ]
    assert policy.split("; ") == [
        "default-src 'none'",
        f"script-src {hashes[0]}",
        f"style-src {hashes[1]}",
        "media-src 'self' file: blob:",
        "base-uri 'none'",
        "form-action 'none'",
        "require-trusted-types-for 'script'",
        "trusted-types 'none'",
    ]
    assert not re.search(
        r"innerHTML|outerHTML|insertAdjacent|document\.write|\beval\b|https?:", page.split("<script>")[1]
    )


@given(edits())
@settings(max_examples=40)
def test_no_text_ends_the_script_that_it_is_in(edit: Edit) -> None:
    page = text_of(replace(edit, title="</title><script>{{facts}}"))
    assert len(re.findall("<script", page)) == len(re.findall("</script>", page)) == 3
    assert page.encode("utf-8")
    told = data_of(page, "analysis")
    assert [one["text"].encode("utf-16", "surrogatepass") for one in told["events"]] == [
        one.text.encode("utf-16", "surrogatepass") for one in edit.sources[0].events
    ]


@given(edits_of_timelines(cut=False))
@settings(max_examples=30)
def test_the_same_edit_gives_the_same_bytes(edit: Edit) -> None:
    assert text_of(edit) == text_of(edit)


@pytest.mark.parametrize(
    ("media", "url"),
    [
        ("/films/cut 1/a b.mp4", "a%20b.mp4"),
        ("/films/cut 1/day/a.mp4", "day/a.mp4"),
        ("/films/rushes/a.mp4", "../rushes/a.mp4"),
        ("/films/cut 1/100%?#1.mp4", "100%25%3F%231.mp4"),
        ('/films/cut 1/"it\'s" <a>&.mp4', "%22it%27s%22%20%3Ca%3E%26.mp4"),
        ("/films/cut 1/C:a.mp4", "C%3Aa.mp4"),
        ("/films/cut 1/Zürich 🎬.mp4", "Z%C3%BCrich%20%F0%9F%8E%AC.mp4"),
        ("/films/cut 1/back\\slash.mp4", "back%5Cslash.mp4"),
        ("D:\\Rushes\\a b#1.mov", "file:///D:/Rushes/a%20b%231.mov"),
        ("\\\\server\\share\\a.mov", "file://server/share/a.mov"),
    ],
)
def test_the_video_is_named_by_an_address_that_a_browser_follows(media: str, url: str) -> None:
    assert facts_of(with_media(media))["sources"][0]["url"] == url


def test_a_page_on_stdout_names_the_whole_address_and_says_so() -> None:
    result = rendered(with_media("/films/a b.mp4"), None)
    assert data_of(str(result.content), "facts")["sources"][0]["url"] == "file:///films/a%20b.mp4"
    assert result.notes == (
        "the page refers to the video by its path on this computer, because the page is not written to a folder",
    )


def test_a_page_in_a_folder_tells_nothing_of_the_folders_above() -> None:
    assert "/films" not in text_of(with_media("/films/rushes/a.mp4"))


def test_times_of_a_varying_rate_are_kept_exactly() -> None:
    times = FrameTimes((0, 3003, 6006, 9100, 12_103), Fraction(1, 90_000))
    edit = with_media("/films/a.mp4", rate=FrameRate.parse("29.97"), frame_count=5, times=times)
    source = facts_of(edit)["sources"][0]
    assert (source["times"], source["base"]) == ([[0, 1], [3003, 2], [3094, 1], [3003, 1]], [1, 90_000])


def test_what_the_score_rejects_is_apart_whatever_a_person_said() -> None:
    def found(score: float | None, verdict: Verdict | None = None, flags: tuple[str, ...] = ()) -> Finding:
        return Finding(Span(Fraction(1), Fraction(2)), "a door", score, flags=flags, verdict=verdict)

    told = [found(0.4), found(0.6), found(0.4, Verdict.ACCEPTED), found(None), found(None, flags=("unsupported",))]
    source = facts_of(edit_of(findings=tuple(told), threshold=0.5))["sources"][0]
    assert source["unlikely"] == [0, 2, 4]


def test_events_that_the_track_has_no_room_for_are_counted() -> None:
    crowd = [event(str(number), str(number + 1), "a long line of words, " * 12) for number in range(20)]
    (note,) = rendered(edit_of(*crowd)).notes
    assert re.fullmatch(
        r"\d+ events are on the page, but not in the description track of interview.mov: "
        "-o FILE.vtt says of each why",
        note,
    )


def test_the_format_says_what_it_holds() -> None:
    exporter = APP.exporter_for(Path("x.html"))
    assert exporter.name == "review-page"
    for flag in (Carries.SCENES, Carries.EVENTS, Carries.FINDINGS, Carries.REJECTED, Carries.SEVERAL_SOURCES):
        assert flag in exporter.carries
    assert Carries.CUTS not in exporter.carries


def test_subtitles_of_somebody_else_are_not_called_ours(tmp_path: Path) -> None:
    subtitles = tmp_path / "a.srt"
    subtitles.write_text("1\n00:00:01,000 --> 00:00:02,000\nHello\n", encoding="utf-8")
    assert main(["export", str(subtitles), "-o", str(tmp_path / "a.html")]) == 0
    page = (tmp_path / "a.html").read_text(encoding="utf-8")
    source = data_of(page, "facts")["sources"][0]
    assert (source["track"]["kind"], source["track"]["label"]) == ("subtitles", "Subtitles")
    assert "auto-generated" not in page
