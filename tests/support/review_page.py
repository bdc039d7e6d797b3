"""What the tests of the review page look at: pages of small films, made here and written to disk."""

from __future__ import annotations

from fractions import Fraction
from pathlib import Path
from typing import Any

import pytest

from marlin_edit.analysis import Analysis, Asked, Event, Finding, ModelIdentity, Origin, Scene
from marlin_edit.edit import Edit
from marlin_edit.edit import edit_of as edit_of_analysis
from marlin_edit.interfaces import Context
from marlin_edit.media import MediaInfo, probe
from marlin_edit.timebase import Span
from marlin_edit_exporters.review import review_page
from tests.support.browser import Opened, OpenPage
from tests.support.subtitle_checkers import DEFAULTS
from tests.support.synthetic_video import make_video

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
            Finding(span("2", "2.4"), "a door opens", 0.2, {"agreement": 0.1}),
            Finding(span("1.2", "1.6"), "a dog runs", 0.7, {"agreement": 0.6}),
        ),
        asked=(Asked("a door opens", (whole,)), Asked("a dog runs", (whole,)), Asked("a car stops", (whole,))),
        threshold=0.5,
    )


def written(path: Path, edit: Edit) -> Path:
    content = review_page.render(edit, Context(DEFAULTS, path, path.parent)).content
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
