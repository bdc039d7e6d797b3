"""Edits for the tests of subtitles, the texts that careless formats trip over, and checkers from outside."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
from collections.abc import Callable, Iterable
from fractions import Fraction
from pathlib import Path
from typing import Any

import pytest
from hypothesis import strategies as st

import marlin_edit_exporters
from marlin_edit.analysis import Analysis, Event, Finding
from marlin_edit.edit import Edit
from marlin_edit.interfaces import Context, Rendered
from marlin_edit.media import MediaInfo
from marlin_edit.settings import Settings
from marlin_edit.testing import app_with
from marlin_edit.timebase import FrameRate, Span

W3C = Path(__file__).parents[1] / "w3c"
RATE = FrameRate.parse("25")
NASTY = [
    "A person pushes a door open.",
    "-->",
    "00:00:01.000 --> 00:00:02.000",
    "1\n00:00:01,000 --> 00:00:02,000\nanother cue",
    "---->",
    "{\\an8}up {\\p1}m 0 0",
    "C:\\New\\Nfolder\\",
    "<script>alert(1)</script><b>bold</b><00:00:01.000>",
    "</script><img onerror=alert(1)>",
    "]]> <!-- --> <br/> &#x41; &lt",
    "&amp; &lt; & < >",
    "a\r\n\r\nb\rc\x00d\x1b[31me\x1b[0m",
    "half \ud83d, \u202eoverridden\u2066",
    "\u05e9\u05dc\u05d5\u05dd \u05e2\u05d5\u05dc\u05dd",
    "\u200f123 (abc) \u05e9\u05dc\u05d5\u05dd",
    "e\u0301" * 60,
    "👩‍👩‍👧‍👦 🏳️‍🌈" + "👩‍👩‍👧‍👦" * 60,
    "人が開いたドアを通り抜けて台所に入り、テーブルの上に置かれた箱を取り上げて外へ出て行く。",
    "一个人推开门走进厨房，然后拿起桌子上的盒子，走到外面去。" * 4,
    "एक व्यक्ति दरवाज़ा खोलता है और रसोई में प्रवेश करता है, फिर मेज़ पर रखा डिब्बा उठाता है।",
    "w" * 300,
    "42",
    "NOTE x",
    "WEBVTT",
    "STYLE",
    "X-TIMESTAMP-MAP=LOCAL:00:00:00.000",
    "Dialogue: 0,0:00:01.00,0:00:02.00,Default,,0,0,0,,x",
    "[Events]",
    "5 00:00:01,000 and a long line of other words that has to be wrapped 00:00:01,000",
    "12 " * 60 + "00:00:01,000",
    "a " * 200,
    "many words " * 455,
    "\u200b\u200d\ufe0f",
    "",
    " \t ",
]


def edit_of(
    *events: Event,
    duration: int | str | Fraction = 600,
    findings: tuple[Finding, ...] = (),
    rate: FrameRate | None = RATE,
    width: int = 1920,
    height: int = 1080,
    **facts: Any,
) -> Edit:
    media = MediaInfo(
        Path("/media/interview.mov"), Fraction(duration), rate=rate, frame_count=25, width=width, height=height
    )
    return Edit("x", RATE, 0, (Analysis(media, events=events, findings=findings, **facts),))


def event(start: str | Fraction, end: str | Fraction, text: str = "An event.") -> Event:
    return Event(Span(Fraction(start), Fraction(end)), text)


APP = app_with(marlin_edit_exporters)


def settings_of(**chosen: str) -> Settings:
    """The settings of subtitles, with these chosen: `settings_of(kind="metadata")`."""
    return APP.with_flags({f"subtitle_{name}": value for name, value in chosen.items()}).settings


DEFAULTS = settings_of()


def rendered(format_of: Any, edit: Edit, settings: Settings = DEFAULTS) -> Rendered:
    result: Rendered = format_of.render(edit, Context(settings, None, Path("/nowhere")))
    return result


def text_of(format_of: Any, edit: Edit, settings: Settings = DEFAULTS) -> str:
    content = rendered(format_of, edit, settings).content
    assert isinstance(content, str)
    return content


def nasty_edit(duration: int = 4000) -> Edit:
    """Every nasty text, each with time enough."""
    return edit_of(*(event(str(100 * n), str(100 * n + 5), text) for n, text in enumerate(NASTY)), duration=duration)


@st.composite
def edits(draw: st.DrawFn) -> Edit:
    texts = st.sampled_from([text for text in NASTY if len(text) < 400]) | st.text(
        st.characters(exclude_categories=()), max_size=200
    )
    duration = draw(st.sampled_from(["0", "1/3", "60", "601/7", "35990", "400000"]))
    rate = draw(st.sampled_from([None, RATE, FrameRate.parse("23.976"), FrameRate.parse("60"), FrameRate.parse("120")]))
    top = 40 if draw(st.booleans()) else 40_000
    events = []
    for _ in range(draw(st.integers(0, 12))):
        start = Fraction(draw(st.integers(0, top * 1000)), draw(st.sampled_from([1000, 7000, 999])))
        length = Fraction(1, draw(st.sampled_from([100_000, 1000, 10, 1]))) * draw(st.integers(1, 100))
        events.append(Event(Span(start, start + length), draw(texts)))
    shots = draw(st.none() | st.lists(st.fractions(0, top, max_denominator=50), max_size=20))
    upright = draw(st.booleans())
    return edit_of(
        *events,
        duration=duration,
        rate=rate,
        shots=None if shots is None else tuple(sorted(shots)),
        width=1080 if upright else 1920,
        height=1920 if upright else 1080,
    )


@st.composite
def choices(draw: st.DrawFn) -> dict[str, str]:
    return {
        "profile": draw(st.sampled_from(["default", "netflix-en", "bbc-online", "bbc-portrait", "dcmp"])),
        "detail": draw(st.sampled_from(["low", "normal", "full"])),
        "kind": draw(st.sampled_from(["descriptions", "subtitles"])),
        "language": draw(st.sampled_from(["en", "ja"])),
    }


def bare(texts: Iterable[str]) -> str:
    """A text, or several as one, without its blanks: how it is broken into lines and cues does not matter then."""
    return "".join("".join(texts).split())


def required(missing: bool, what: str) -> None:
    """Skip the test where an outside checker is missing; fail where it is required."""
    if missing and os.environ.get("REQUIRE_CHECKERS") == "1":
        pytest.fail(f"{what} is required here")
    if missing:
        pytest.skip(f"needs {what}")


W3cParser = Callable[[list[str]], list[dict[str, Any]]]


@pytest.fixture(scope="session")
def w3c_parser() -> W3cParser:
    """The W3C's WebVTT parser."""
    missing = shutil.which("node") is None or not (W3C / "node_modules" / "webvtt-parser").is_dir()
    required(missing, "node and `npm ci --prefix tests/w3c`")

    def parse(documents: list[str]) -> list[dict[str, Any]]:
        done = subprocess.run(
            ["node", str(W3C / "check.js")], input=json.dumps(documents), capture_output=True, text=True, check=True
        )
        results: list[dict[str, Any]] = json.loads(done.stdout)
        return results

    return parse
