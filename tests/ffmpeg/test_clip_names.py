"""Names of clips: from a template, safe everywhere, inside the directory, and each its own."""

from __future__ import annotations

import os
import re
from fractions import Fraction
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from marlin_edit.analysis import Analysis, Finding
from marlin_edit.cli import main
from marlin_edit.edit import Cut, Edit
from marlin_edit.errors import UsageError
from marlin_edit.media import MediaInfo
from marlin_edit.timebase import FrameRange, FrameRate, Span
from marlin_edit_ffmpeg.clips.naming import FIELDS, clip_names, parse_template
from tests.support.synthetic_video import make_video
from tests.third_party.tool import HERE

RATE = FrameRate.parse("29.97df")


def edit_of(path: str, *queries: str, score: float | None = 0.875) -> Edit:
    media = MediaInfo(Path(path), Fraction(100), RATE, 2997, start_frame=RATE.frame_of("01:00:59;20"), reel="A001")
    source = Analysis(media)
    cuts = tuple(
        Cut(source, FrameRange(12 + at, 42), Finding(Span(Fraction(1), Fraction(2)), query, score), query)
        for at, query in enumerate(queries)
    )
    return Edit("edit", RATE, 0, (source,), cuts)


@pytest.mark.parametrize(
    ("template", "name"),
    [
        ("{stem}_{n:03}_{in_tc}_{query}", "film_001_01-01-00-04_a door opens"),
        ("{source} {out_tc}", "film.mov 01-01-01-04"),
        ("{in_s:.1f}-{out_s}_{score:.2f}", "0.4-1.401_0.88"),
        ("{reel}-{in_f:05}-{out_f}-{frames}-{duration}", "A001-00012-42-30-1.001"),
        ("{query:.6}", "a door"),
        ("fixed", "fixed"),
        ("{{{n}}}", "{1}"),
    ],
)
def test_fields_are_filled_from_the_cut(template: str, name: str) -> None:
    assert clip_names(edit_of("film.mov", "a door opens"), parse_template(template)) == (name,)


def test_an_empty_field_takes_its_separator_along() -> None:
    edit = edit_of("film.mov", "", score=None)
    assert clip_names(edit, "{stem}_{n:03}_{query}") == ("film_001",)
    assert clip_names(edit, "{query}_{stem}_{score}-x") == ("film-x",)
    assert clip_names(edit, "{query}") == ("untitled",)


def test_the_same_names_are_told_apart_also_where_only_their_case_differs() -> None:
    edit = edit_of("film.mov", "A dog", "a dog", "a dog", "a dog_2", "a cat")
    assert clip_names(edit, "{query}") == ("A dog", "a dog_2", "a dog_3", "a dog_2_2", "a cat")


@pytest.mark.parametrize(
    ("template", "words"),
    [
        ("{who}", "no field {who}"),
        ("{stm}", "Did you mean stem?"),
        ("{stem.parent}", "no field"),
        ("{stem!r}", "cannot be written"),
        ("{n:>99999999999}", "cannot be written"),
        ("{query:03}", "cannot be written"),
        ("{n:.2f}", "cannot be written"),
        ("../{stem}", "directory"),
        ("a\\{stem}", "directory"),
        ("{stem", "is not a name"),
        ("{}", "no field"),
        ("", "empty"),
        ("  ", "empty"),
    ],
)
def test_a_template_that_cannot_be_is_refused(template: str, words: str) -> None:
    with pytest.raises(UsageError, match=re.escape(words)):
        parse_template(template)


RESERVED = re.compile(r"(con|prn|aux|nul|com\d|lpt\d)(\..*)?", re.IGNORECASE)
PARTS = st.one_of(
    st.sampled_from(["{" + name + "}" for name in FIELDS]),
    st.sampled_from(["_", "-", ".", "..", " ", "con", "~", "x" * 300, "é", ":", "|", "<a>", "\U0001f600"]),
)


@given(
    template=st.lists(PARTS, min_size=1, max_size=6).map("".join), queries=st.lists(st.text(), min_size=1, max_size=5)
)
def test_whatever_is_asked_for_and_found_names_are_safe_and_unique(template: str, queries: list[str]) -> None:
    if not template.strip():
        return
    names = clip_names(edit_of("-film: %03d.mov", *queries), parse_template(template))
    assert len({name.casefold() for name in names}) == len(queries)
    for name in names:
        assert name
        assert len(name.encode()) <= 220
        assert not set('/\\<>:"|?*') & set(name)
        assert all(character.isprintable() or character in "\u200c\u200d" for character in name)
        assert name[0] not in "-.~ "
        assert name[-1] not in ". "
        assert not RESERVED.fullmatch(name)


def test_clips_get_the_names_that_the_template_says(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(tmp_path)
    make_video(tmp_path / "a.mp4", frames=40, size=(96, 64), audio=0, timecode="01:00:00:00")
    arguments = ["cut", "a.mp4", "--span", "5f-10f", "--span", "20f-30f", "--out-dir", "clips"]
    assert main([*arguments, "--name", "{in_tc}_{stem}"]) == 0
    assert sorted(os.listdir("clips")) == ["01-00-00-05_a.mp4", "01-00-00-20_a.mp4"]
    assert main([*arguments, "--name", "same"]) == 0
    assert sorted(os.listdir("clips"))[2:] == ["same.mp4", "same_2.mp4"]


@pytest.mark.parametrize(
    ("options", "words"),
    [
        (["a.mp4", "--name", "{who}"], "there is no field"),
        (["a.mp4", "b.mp4", "--name", "{n}"], "would have the same names"),
        (["a.mp4"], "clips/a_001_A dog barks.mp4 exists"),
        (["a.mp4", "--name", "mine"], "clips/mine.mp4 exists"),
    ],
)
def test_names_that_cannot_be_are_refused_before_the_model_loads(
    options: list[str],
    words: str,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capfd: pytest.CaptureFixture[str],
) -> None:
    monkeypatch.syspath_prepend(str(HERE / "oracle"))
    monkeypatch.chdir(tmp_path)
    for name in ("a.mp4", "b.mp4"):
        make_video(tmp_path / name, frames=10, size=(96, 64), audio=0)
    (tmp_path / "clips").mkdir()
    for name in ("a_001_A dog barks.mp4", "mine.mp4"):
        (tmp_path / "clips" / name).write_text("mine")
    code = main(["cut", *options, "-q", "A dog barks", "--model", "missing.oracle", "--out-dir", "clips"])
    assert code == 2
    assert words in capfd.readouterr().err.replace("\n", " ")
