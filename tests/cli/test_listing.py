"""What a person reads on the terminal: what was found, what was not and why, totals, colours, and widths."""

from __future__ import annotations

import io
import re
from fractions import Fraction
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from wcwidth import wcswidth

from marlin_edit.analysis import Analysis, Asked, Event, Finding, Grade, Verdict, WordEvidence
from marlin_edit.console import Console, Style, in_columns
from marlin_edit.edit import cuts_of_findings
from marlin_edit.evidence import grade_of
from marlin_edit.media import MediaInfo
from marlin_edit.timebase import FrameRate, Span
from marlin_edit.workflow.listing import events_listed, findings_listed, totals
from tests.support.command_line import run_command
from tests.support.synthetic_video import make_video

COLOURS = re.compile(r"\x1b\[[0-9]+m")


def span(start: str, end: str) -> Span:
    return Span(Fraction(start), Fraction(end))


def film(**more: object) -> Analysis:
    media = MediaInfo(
        Path("film.mp4"), Fraction(60), FrameRate(Fraction(25)), 1500, start_frame=90_000, has_timecode=True
    )
    return Analysis(media, **more)  # type: ignore[arg-type]


def asked(*queries: str) -> tuple[Asked, ...]:
    return tuple(Asked(query, (span("0", "60"),)) for query in queries)


def texts(lines: list[object]) -> list[str]:
    """Lines without their styles."""
    return [
        line if isinstance(line, str) else "".join(part if isinstance(part, str) else part[0] for part in line)
        for line in lines
        if isinstance(line, (str, tuple))
    ]


def test_each_query_has_what_was_found_of_it() -> None:
    told = (WordEvidence("door", told=True),)
    unlikely = (WordEvidence("dog", told=False, regret=9.0, instead="cat"),)
    analysis = film(
        asked=asked("a door opens", "a dog runs", "a bell rings"),
        findings=(
            Finding(span("2", "4.5"), "a door opens", score=0.9, words=told, flags=("clamped",)),
            Finding(span("8", "9"), "a door opens", score=0.1, words=unlikely),
            Finding(span("20", "30"), "a dog runs", score=0.12, words=unlikely),
        ),
        threshold=0.63,
    )
    assert grade_of(analysis.findings[2]) is Grade.UNSUPPORTED
    assert texts([*findings_listed(analysis, rejected=False, width=None)]) == [
        '"a door opens": 1 found',
        "  in           out          seconds      length  score",
        "  01:00:02:00  01:00:04:13  2.00 - 4.50  2.50 s  0.90   the caption says so; "
        "the model's end lay past the window",
        '"a dog runs": not found',
        '  the best is 20.00 - 30.00 s (score 0.12, and 0.63 is needed): nothing in the picture supports "dog", the '
        'model sees "cat"',
        '"a bell rings": not found',
    ]
    every = texts([*findings_listed(analysis, rejected=True, width=None)])
    assert every[3] == "  rejected:"
    assert every[5].startswith("  01:00:08:00  01:00:09:00  8.00 - 9.00  1.00 s  0.10   nothing in the picture")
    cuts = cuts_of_findings(analysis, Fraction(0))
    assert totals(analysis, cuts, 0) == "1 finding, 1 cut, 2.5 s"
    assert totals(analysis, cuts, 1) == "1 finding, 1 clip, 2.5 s"
    assert totals(analysis, (*cuts, *cuts), 1) == "1 finding, 2 cuts, 5.0 s"  # two cuts in one film


def test_without_scores_grades_are_shown_and_without_evidence_nothing_is_claimed() -> None:
    told = (WordEvidence("door", told=True),)
    analysis = film(
        asked=asked("a door opens"),
        findings=(Finding(span("2", "4"), "a door opens", words=told), Finding(span("6", "7"), "a door opens")),
    )
    lines = texts([*findings_listed(analysis, rejected=False, width=None)])
    assert lines[1].split() == ["in", "out", "seconds", "length", "grade"]
    assert lines[2].endswith("supported  the caption says so")
    assert lines[3].endswith("  1.00 s  -")


def test_what_a_person_added_or_another_program_found_is_listed_too() -> None:
    analysis = film(
        asked=asked("a door opens"),
        findings=(
            Finding(span("2", "4"), "my own moment", flags=("by hand",), verdict=Verdict.ACCEPTED),
            Finding(span("6", "7"), "not this", verdict=Verdict.REJECTED),
        ),
    )
    assert texts([*findings_listed(analysis, rejected=False, width=None)]) == [
        '"a door opens": not found',
        '"my own moment": 1 found',
        "  in           out          seconds      length  grade",
        "  01:00:02:00  01:00:04:00  2.00 - 4.00  2.00 s  -      by hand",
    ]
    assert totals(analysis, (), 0) == "1 finding, 2.0 s"


def test_events_stand_in_columns() -> None:
    analysis = film(events=(Event(span("0", "2"), "A door opens"), Event(span("10", "12.5"), "A dog runs", ("own",))))
    assert texts([*events_listed(analysis, None)]) == [
        "  in           out          seconds        length",
        "  01:00:00:00  01:00:02:00  0.00 - 2.00    2.00 s  A door opens",
        "  01:00:10:00  01:00:12:13  10.00 - 12.50  2.50 s  A dog runs  (own)",
    ]


CELLS = st.lists(st.text("ab文字é", min_size=1, max_size=9), min_size=1, max_size=9).map(" ".join)


@given(st.lists(st.tuples(st.text("ab文", max_size=9), CELLS), min_size=1, max_size=4), st.integers(40, 120))
def test_the_last_cell_is_folded_between_its_words_into_the_terminal(rows: list[tuple[str, str]], width: int) -> None:
    lines = in_columns(rows, indent=2, width=width)
    assert " ".join(" ".join(lines).split()) == " ".join(" ".join(" ".join(row) for row in rows).split())
    assert all(wcswidth(line) <= width for line in lines)
    begins = max(wcswidth(first) for first, _ in rows) + 4
    for line in lines:
        columns = [wcswidth(line[:place]) for place, letter in enumerate(line) if letter != " "]
        assert begins in columns or columns[0] == 2


def test_where_there_is_little_room_the_last_cell_has_lines_of_its_own() -> None:
    rows = [("00:00:01:00", "00:00:02:00", "a door opens and a dog runs out")]
    assert in_columns(rows, indent=2, width=36) == [
        "  00:00:01:00  00:00:02:00",
        "    a door opens and a dog runs out",
    ]


def painted(monkeypatch: pytest.MonkeyPatch, terminal: bool, **environment: str) -> str:
    for name in ("NO_COLOR", "FORCE_COLOR", "TERM"):
        monkeypatch.delenv(name, raising=False)
    for name, value in environment.items():
        monkeypatch.setenv(name, value)

    class Stream(io.StringIO):
        def isatty(self) -> bool:
            return terminal

    return Console()._painted(("plain ", ("strong \x1b[31m", Style.STRONG)), Stream())


def test_colours_are_for_terminals_and_nobody_else_can_set_them(monkeypatch: pytest.MonkeyPatch) -> None:
    plain = "plain strong \\x1b[31m"
    coloured = "plain \x1b[1mstrong \\x1b[31m\x1b[0m"
    assert painted(monkeypatch, terminal=False) == plain
    assert painted(monkeypatch, terminal=True) == coloured
    assert painted(monkeypatch, terminal=True, NO_COLOR="1") == plain
    assert painted(monkeypatch, terminal=True, TERM="dumb") == plain
    assert painted(monkeypatch, terminal=False, FORCE_COLOR="1") == coloured


def test_the_option_decides(tmp_path: Path, capfd: pytest.CaptureFixture[str]) -> None:
    video = make_video(tmp_path / "film.mp4", frames=75)
    line = ("cut", video, "--span", "1-2", "--dry-run", "--out-dir", tmp_path / "clips")
    assert not COLOURS.search(run_command(capfd, *line).out)
    assert COLOURS.search(run_command(capfd, *line, "--color", "always").out)
    assert not COLOURS.search(run_command(capfd, *line, "--color", "never").out)
