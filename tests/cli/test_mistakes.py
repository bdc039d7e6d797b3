"""What people type by mistake gets one sentence that says what to do instead, before any model is loaded."""

from __future__ import annotations

import shutil
from fractions import Fraction
from pathlib import Path

import pytest

from marlin_edit.console import Console
from marlin_edit.inference.windows import span_between
from marlin_edit.marlin.engine import Engine
from marlin_edit.media import MediaInfo
from marlin_edit.timebase import FrameRate, Span, parse_positions
from tests.support.command_line import run_command
from tests.support.synthetic_video import make_video

ASK = ("-q", "a red circle", "--model", "demo")
MISTAKES = [
    (("find", "film.mp4", "missing.mp4", *ASK), "missing.mp4 does not exist. Check the path."),
    (("find", "film.mp4", *(f"no{number}.mp4" for number in range(40)), *ASK), "no0.mp4, no1.mp4, no2.mp4 and 37 more"),
    (("find", "film.mp4", "a dog runs", *ASK), "write -q before it if it is what to look for: -q 'a dog runs'"),
    (("find", "film.mp4", "a dog runs"), 'Say what to look for: -q "a door opens".'),
    (("film.mp4", "-q", "a dog runs"), "Say what to do with it, like `marlin-edit caption film.mp4`."),
    (("find", "https://example.org/film.mp4", *ASK), "https://example.org/film.mp4 is an address. Download it first"),
    (("caption", "s3://films/a.mp4", "--model", "demo"), "s3://films/a.mp4 is an address."),
    (("cut", "film.mp4", *ASK, "-o", "clip.mp4"), "`cut --out-dir DIR` writes clips, and `cut --reel FILE` one film"),
    (("cut", "film.mp4", *ASK, "-o", "sound.wav"), "sound.wav is a video or sound."),
    (("export", "film.mp4", "-o", "film.srt"), "`caption`, `find` and `cut` look at one"),
    (("lint", "film.mp4"), "film.mp4 is a video or sound."),
    (("caption", "film.mp4", "-o", "film.edl", "--model", "demo"), "`marlin-edit cut` makes cuts."),
    (
        ("caption", "film.mp4", "-o", "film", "--model", "demo"),
        "film has no suffix, which chooses the format",
    ),
    (("caption", "film.mp4", "-o", "film.vttt", "--model", "demo"), "Did you mean .vtt?"),
    (("caption", "film.mp4", "-o", "film.docx", "--model", "demo"), "`marlin-edit formats` lists them"),
    (("find", "film.mp4", *ASK, "--top", "3"), "`find` has no --top: that is an option of `cut`."),
    (("caption", "film.mp4", "--query", "a"), "`caption` has no --query: that is an option of `cut` and `find`."),
    (("cut", "film.mp4", *ASK, "--span", "1-2"), "Give --query or --span, not both"),
    (("cut", "film.mp4"), "Say what to cut: either --query TEXT or --span IN-OUT"),
    (("cut", "film.mp4", "--span", "5"), "Write IN-OUT, like 14.3-18.2"),
    (("cut", "film.mp4", "--span", "1-2s3"), "Write seconds (14.3), minutes (1m30 or 1:30)"),
    (("cut", "film.mp4", "--span", "1-+00:00:01:00"), "is not a length. Write seconds (+4)"),
    (("find", "film.mp4", *ASK, "--range", "5-2"), "The out point must come after the in point"),
    (("find", "film.mp4", *ASK, "--device", "gpu"), "'gpu' is not one of auto, cuda, mps, cpu"),
    (("find", "film.mp4", "-q", "a dog", "--model", "./marlin"), "There is no model directory"),
    (("fnd", "film.mp4"), "Did you mean find?"),
]


@pytest.fixture(autouse=True)
def beside_a_film(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def refused(*_: object, **__: object) -> None:
        raise AssertionError("a model was loaded")

    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(Engine, "__init__", refused)
    make_video(tmp_path / "film.mp4", frames=75)


@pytest.mark.parametrize(("arguments", "words"), MISTAKES, ids=[" ".join(one)[:60] for one, _ in MISTAKES])
def test_a_mistake_gets_one_sentence_with_the_way_out(
    arguments: tuple[str, ...], words: str, tmp_path: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    ran = run_command(capfd, *arguments)
    assert ran.code in (1, 2)
    (line,) = [line for line in ran.err.splitlines() if not line.startswith("demo model: ")]
    assert line.startswith("marlin-edit: error: ")
    assert words in line
    assert len(line) < 330
    assert [path.name for path in tmp_path.iterdir()] == ["film.mp4"]


MEDIA = MediaInfo(Path("film.mp4"), Fraction(100), FrameRate(Fraction(25)), 2500, start_frame=90_000, has_timecode=True)


@pytest.mark.parametrize(
    ("typed", "start", "end"),
    [
        ("5-end", "5", "100"),
        ("5-", "5", "100"),
        ("5 - END", "5", "100"),
        ("5-+2", "5", "7"),
        ("1m-+10s", "60", "70"),
        ("50f-+25f", "2", "3"),
        ("01:00:10:00-+2.5", "10", "12.5"),
        ("01:00:10:00-+1m", "10", "70"),
        ("1m-1m30", "60", "90"),
        ("1 min - 1 min 30 s", "60", "90"),
        ("0h1m2.5s-1.25m", "62.5", "75"),
        ("00:00:05,500-00:00:07,250", "5.5", "7.25"),
        ("00:00:05,500 --> 00:00:07,250", "5.5", "7.25"),
        ("5,5-7", "5.5", "7"),
        ("5\u20137", "5", "7"),
        ("5 \u2014 7", "5", "7"),
        ("5\u22127", "5", "7"),
        ("5..7", "5", "7"),
        ("5 to 7", "5", "7"),
        ("0:05 \u2192 0:07", "5", "7"),
    ],
)
def test_spans_as_people_type_them(typed: str, start: str, end: str) -> None:
    assert span_between(MEDIA, *parse_positions(typed), Console()) == Span(Fraction(start), Fraction(end))


def test_a_directory_of_films_is_no_missing_file(tmp_path: Path, capfd: pytest.CaptureFixture[str]) -> None:
    (tmp_path / "more").mkdir()
    shutil.move(tmp_path / "film.mp4", tmp_path / "more" / "film.mp4")
    ran = run_command(capfd, "cut", "more", "--span", "1-end", "--dry-run")
    assert (ran.code, "1.00 - 3.00" in ran.out) == (0, True)
