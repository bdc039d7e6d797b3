"""Subtitles say what the events say, one after another, and outside parsers agree that they are valid."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
from collections.abc import Callable
from fractions import Fraction
from itertools import pairwise
from pathlib import Path
from typing import Any

import pytest
import srt
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from marlin_edit.analysis import Analysis, Event, Finding, ModelIdentity, Verdict
from marlin_edit.edit import Edit
from marlin_edit.interfaces import RenderContext, Rendered
from marlin_edit.media import MediaInfo
from marlin_edit.settings import Settings
from marlin_edit.text import clean
from marlin_edit.timebase import FrameRate, Span
from marlin_edit_exporters import subrip, webvtt
from marlin_edit_exporters.cues import CELLS, SHORTEST, cells, cues_of, wrapped

W3C = Path(__file__).parent / "w3c"
RATE = FrameRate.parse("25")
NASTY = [
    "A person pushes a door open.",
    "-->",
    "00:00:01.000 --> 00:00:02.000",
    "1\n00:00:01,000 --> 00:00:02,000\nanother cue",
    "---->",
    "{\\an8}up {\\p1}m 0 0",
    "C:\\New\\Nfolder",
    "<script>alert(1)</script><b>bold</b><00:00:01.000>",
    "&amp; &lt; & < >",
    "a\r\n\r\nb\rc\x00d\x1b[31me\x1b[0m",
    "half \ud83d, \u202eoverridden\u2066",
    "\u05e9\u05dc\u05d5\u05dd \u05e2\u05d5\u05dc\u05dd",
    "👩‍👩‍👧‍👦 🏳️‍🌈",
    "人が開いたドアを通り抜けて台所に入り、テーブルの上に置かれた箱を取り上げて外へ出て行く。",
    "एक व्यक्ति दरवाज़ा खोलता है और रसोई में प्रवेश करता है, फिर मेज़ पर रखा डिब्बा उठाता है।",
    "w" * 300,
    "42",
    "NOTE x",
    "WEBVTT",
    "STYLE",
    "X-TIMESTAMP-MAP=LOCAL:00:00:00.000",
    "5 00:00:01,000 and a long line of other words that has to be wrapped 00:00:01,000",
    "many words " * 500,
]


def edit_of(*events: Event, duration: int | str = 600, findings: tuple[Finding, ...] = (), **facts: Any) -> Edit:
    media = MediaInfo(Path("/media/interview.mov"), Fraction(duration), rate=RATE, frame_count=25)
    return Edit("x", RATE, 0, (Analysis(media, events=events, findings=findings, **facts),))


def event(start: str, end: str, text: str = "An event.") -> Event:
    return Event(Span(Fraction(start), Fraction(end)), text)


def rendered(format_of: Any, edit: Edit) -> Rendered:
    result: Rendered = format_of.render(edit, RenderContext(Settings({}), None, Path("/nowhere")))
    return result


def text_of(format_of: Any, edit: Edit) -> str:
    content = rendered(format_of, edit).content
    assert isinstance(content, str)
    return content


def times_of(edit: Edit) -> list[tuple[int, int]]:
    return [(cue.start, cue.end) for cue in cues_of(edit)[0]]


@pytest.fixture(scope="session")
def w3c_parser() -> Callable[[list[str]], list[dict[str, Any]]]:
    """The W3C's WebVTT parser. Without node or the package the test is skipped, or fails where it is required."""
    missing = shutil.which("node") is None or not (W3C / "node_modules" / "webvtt-parser").is_dir()
    if missing and os.environ.get("REQUIRE_CHECKERS") == "1":
        pytest.fail("node and `npm ci --prefix tests/w3c` are required here")
    if missing:
        pytest.skip("needs node and `npm ci --prefix tests/w3c`")

    def parse(documents: list[str]) -> list[dict[str, Any]]:
        done = subprocess.run(
            ["node", str(W3C / "check.js")], input=json.dumps(documents), capture_output=True, text=True, check=True
        )
        results: list[dict[str, Any]] = json.loads(done.stdout)
        return results

    return parse


@st.composite
def edits(draw: st.DrawFn) -> Edit:
    texts = st.sampled_from(NASTY) | st.text(st.characters(exclude_categories=()), max_size=200)
    duration = draw(st.sampled_from(["0", "1/3", "60", "601/7", "40000"]))
    events = []
    for _ in range(draw(st.integers(0, 12))):
        start = Fraction(draw(st.integers(0, 40_000_000)), draw(st.sampled_from([1, 7, 1000, 10_000, 10**7])))
        length = Fraction(1, draw(st.sampled_from([100_000, 1000, 10, 1]))) * draw(st.integers(1, 100))
        events.append(Event(Span(start, start + length), draw(texts)))
    return edit_of(*events, duration=duration)


def test_subrip_looks_like_this() -> None:
    edit = edit_of(event("14.3", "18.2", "A person pushes a door open."), event("20", "20.9", "The door falls shut."))
    assert text_of(subrip, edit) == (
        "1\n00:00:14,300 --> 00:00:18,200\nA person pushes a door open.\n"
        "\n"
        "2\n00:00:20,000 --> 00:00:20,900\nThe door falls shut.\n"
    )


def test_webvtt_looks_like_this_and_says_what_it_is() -> None:
    model = ModelIdentity("demo", notice="demo model: knows coloured shapes only")
    edit = edit_of(event("14.3", "18.2", "R&D: a < b --> c"), model=model)
    assert text_of(webvtt, edit) == (
        "WEBVTT\n"
        "\n"
        "NOTE\n"
        "Visual descriptions, auto-generated. They tell what is seen, not what is heard: review them.\n"
        "Model: demo\n"
        "demo model: knows coloured shapes only\n"
        "\n"
        "1\n00:00:14.300 --> 00:00:18.200\nR&amp;D: a &lt; b --&gt; c\n"
    )


def test_nothing_to_tell_is_a_valid_file(w3c_parser: Callable[[list[str]], list[dict[str, Any]]]) -> None:
    assert text_of(subrip, edit_of()) == ""
    assert w3c_parser([text_of(webvtt, edit_of())]) == [{"errors": [], "cues": []}]


def test_what_subrip_takes_for_markup_becomes_look_alikes_and_is_counted() -> None:
    result = rendered(subrip, edit_of(event("1", "2", "{\\an8}a --> b ---> c <i>d</i> e < f > g")))
    assert isinstance(result.content, str)
    assert result.content.splitlines()[2] == "｛\\an8｝a -> b -> c ＜i>d＜/i> e < f > g"
    assert result.notes == ("6 characters or arrows that SubRip would take for markup were replaced by look-alikes",)


def test_the_same_edit_gives_the_same_bytes() -> None:
    edit = edit_of(*(event("1", "5", text) for text in NASTY))
    assert text_of(webvtt, edit) == text_of(webvtt, edit)
    assert text_of(subrip, edit) == text_of(subrip, edit)


def test_times_round_to_the_nearest_millisecond() -> None:
    assert times_of(edit_of(event("1/3", "2.0005"))) == [(333, 2001)]


def test_times_past_ten_hours_are_written_in_full() -> None:
    edit = edit_of(event("359999.5", "360001"), duration=400_000)
    assert "99:59:59,500 --> 100:00:01,000" in text_of(subrip, edit)
    assert "99:59:59.500 --> 100:00:01.000" in text_of(webvtt, edit)


def test_a_cue_ends_where_the_next_begins() -> None:
    assert times_of(edit_of(event("1", "10"), event("4", "6"))) == [(1000, 4000), (4000, 6000)]


def test_events_that_begin_together_are_shown_one_after_another() -> None:
    cues, notes = cues_of(edit_of(event("1", "5", "first"), event("1", "5", "second")))
    assert [(cue.start, cue.end, cue.text) for cue in cues] == [(1000, 1834, "first"), (1834, 5000, "second")]
    assert notes == (
        "1 cue moved by up to 0.834 s, to be shown one after another",
        "1 cue ended early, where the next one begins",
    )


def test_a_very_short_event_is_shown_long_enough_to_be_read() -> None:
    cues, notes = cues_of(edit_of(event("1", "1.00001")))
    assert [(cue.start, cue.end) for cue in cues] == [(1000, 1000 + SHORTEST)]
    assert notes == ("1 cue shown longer than its event, to be readable",)


def test_events_are_sorted() -> None:
    cues, _ = cues_of(edit_of(event("5", "6", "later"), event("1", "2", "sooner")))
    assert [cue.text for cue in cues] == ["sooner", "later"]


def test_an_event_at_the_end_moves_forward_to_be_shown_in_full() -> None:
    assert times_of(edit_of(event("9.9", "12"), duration=10)) == [(10_000 - SHORTEST, 10_000)]


def test_what_lies_outside_the_media_is_told() -> None:
    cues, notes = cues_of(edit_of(event("9", "12", "half in"), event("10", "11", "outside"), duration=10))
    assert [(cue.start, cue.end) for cue in cues] == [(9000, 10_000)]
    assert notes == ("left out, because it begins after the end of the media: outside", "1 cue ended with the media")


def test_forty_events_of_a_tenth_of_a_second_are_all_there() -> None:
    events = [event(str(Fraction(n, 10)), str(Fraction(n + 1, 10)), f"event {n}") for n in range(40)]
    cues, _ = cues_of(edit_of(*events, duration=10))
    assert [cue.text for cue in cues] == [f"event {n}" for n in range(40)]
    assert cues[-1].end <= 10_000


def test_more_events_than_milliseconds_are_in_the_notes() -> None:
    cues, notes = cues_of(edit_of(*(event("0", "1", f"event {n}") for n in range(20)), duration="1/100"))
    assert len(cues) == 10
    assert sum(note.startswith("left out, because the media is too short for it: event") for note in notes) == 10


@given(edits())
@settings(max_examples=100, deadline=None)
def test_there_is_one_lane_inside_the_media_and_every_event_is_in_it_or_in_the_notes(edit: Edit) -> None:
    (source,) = edit.sources
    cues, notes = cues_of(edit)
    assert all(cue.start < cue.end for cue in cues)
    assert all(cue.end <= following.start for cue, following in pairwise(cues))
    if source.media.duration:
        assert all(cue.end <= source.media.duration * 1000 for cue in cues)
    left_out = [note for note in notes if note.startswith("left out, ")]
    told = [clean(item.text) for item in source.events]
    silent = told.count("")
    assert len(cues) + len(left_out) + silent == len(told)
    assert sorted([cue.text for cue in cues] + [note.split(": ", 1)[1] for note in left_out]) == sorted(
        filter(None, told)
    )


@pytest.mark.parametrize(
    ("text", "lines"),
    [
        ("A short line.", ("A short line.",)),
        (
            "A person pushes a heavy wooden door open and walks in.",
            ("A person pushes a heavy", "wooden door open and walks in."),
        ),
        ("w" * 60, ("w" * 60,)),
        ("short " + "w" * 60, ("short", "w" * 60)),
    ],
)
def test_texts_break_into_lines_of_nearly_the_same_width(text: str, lines: tuple[str, ...]) -> None:
    assert wrapped(text) == lines


@given(st.text(st.characters(exclude_categories=()), min_size=1, max_size=400).map(clean).filter(bool))
def test_breaking_lines_changes_no_word(text: str) -> None:
    lines = wrapped(text)
    assert " ".join(lines) == text
    assert all(lines)
    assert all(cells(line) <= CELLS or " " not in line for line in lines)


def test_a_text_that_needs_more_than_two_lines_is_told() -> None:
    cues, notes = cues_of(edit_of(event("1", "20", "words and " * 20)))
    assert len(cues[0].lines) > 2
    assert notes == ("1 text longer than 2 lines of 42 characters",)


def test_without_events_the_findings_are_told() -> None:
    span = Span(Fraction(1), Fraction(3))
    findings = (Finding(span, "a door opens"), Finding(span, "a dog barks", verdict=Verdict.REJECTED))
    cues, notes = cues_of(edit_of(findings=findings))
    assert [cue.text for cue in cues] == ["a door opens"]
    assert notes == ("1 rejected finding left out",)


def test_with_events_it_is_said_that_the_findings_are_not_told() -> None:
    finding = Finding(Span(Fraction(1), Fraction(3)), "a door opens")
    cues, notes = cues_of(edit_of(event("5", "6", "An event."), findings=(finding,)))
    assert [cue.text for cue in cues] == ["An event."]
    assert notes == ("1 finding left out: the track tells the events",)


@given(edits())
@settings(max_examples=100, deadline=None)
def test_srt_reads_every_cue_back(edit: Edit) -> None:
    cues, _ = cues_of(edit)
    read = list(srt.parse(text_of(subrip, edit), ignore_errors=False))
    assert [entry.index for entry in read] == list(range(1, len(cues) + 1))
    assert [entry.content.replace("\n", " ") for entry in read] == [subrip.plain(cue.text)[0] for cue in cues]
    assert [round(entry.start.total_seconds() * 1000) for entry in read] == [cue.start for cue in cues]
    assert [round(entry.end.total_seconds() * 1000) for entry in read] == [cue.end for cue in cues]


def as_expected(result: dict[str, Any], edit: Edit) -> None:
    cues, _ = cues_of(edit)
    assert result["errors"] == []
    assert [cue["text"].replace("\n", " ") for cue in result["cues"]] == [cue.text for cue in cues]
    assert [cue["id"] for cue in result["cues"]] == [str(number) for number in range(1, len(cues) + 1)]
    assert [round(cue["start"] * 1000) for cue in result["cues"]] == [cue.start for cue in cues]
    assert [round(cue["end"] * 1000) for cue in result["cues"]] == [cue.end for cue in cues]


@given(st.lists(edits(), min_size=4, max_size=8))
@settings(max_examples=12, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_the_w3c_parser_finds_no_fault_and_reads_the_texts_of_the_events(
    w3c_parser: Callable[[list[str]], list[dict[str, Any]]], several: list[Edit]
) -> None:
    for result, edit in zip(w3c_parser([text_of(webvtt, edit) for edit in several]), several, strict=True):
        as_expected(result, edit)


def test_the_w3c_parser_reads_every_nasty_text(w3c_parser: Callable[[list[str]], list[dict[str, Any]]]) -> None:
    edit = edit_of(*(event(str(10 * n), str(10 * n + 5), text) for n, text in enumerate(NASTY)))
    as_expected(w3c_parser([text_of(webvtt, edit)])[0], edit)
