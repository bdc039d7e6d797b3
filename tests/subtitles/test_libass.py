"""What libass draws of our ASS is the text of the events: the same picture as of that text without any escape."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from marlin_edit.text import clean
from marlin_edit_exporters.subtitles import ass
from marlin_edit_exporters.subtitles.cues import track_of
from tests.support.libass import STAND_INS, Picture, font_with_stand_ins, library, renderer
from tests.support.subtitle_checkers import NASTY, bare, edit_of, event, settings_of, text_of

Draw = Callable[[str, int], Picture]

TELLING = [
    "{\\an8}up {\\p1}m 0 0 l 100 0 100 100",
    "{\\p1}m 0 0 l 100 0 100 100{\\p0}",
    "{\\fs200}{\\alpha&HFF&}big{\\r}",
    "C:\\New\\nfolder\\hidden",
    "\\N \\n \\h \\",
    "\\\\N{\\\\}",
    "\\{ \\} {} }{ {{ }}",
    "{a comment} and {",
    "\\{\\an8\\}",
    "שלום {\\an8} C:\\New (abc).",
]
"""Texts of which something is lost or moved where they are taken for ASS's own markup."""


@pytest.fixture(scope="module")
def draw(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Draw]:
    library()
    with renderer(font_with_stand_ins(tmp_path_factory.mktemp("font") / "stand-ins.ttf")) as drawn:
        yield drawn


def dialogue(head: str, text: str) -> str:
    """A file of one event with this text, as it is, after another file's head."""
    return f"{head}Dialogue: 0,0:00:00.00,0:00:09.00,Default,,0,0,0,,{text}\n"


def without_escapes(lines: Sequence[str]) -> str:
    return "\\N".join("".join(STAND_INS.get(character, character) for character in line) for line in lines)


def check_pictures(draw: Draw, texts: Sequence[str]) -> None:
    """Each event's text, all of it and nothing else, is drawn as the same text without escapes is."""
    edit = edit_of(*(event(str(100 * n), str(100 * n + 5), text) for n, text in enumerate(texts)), duration=10**4)
    everything = settings_of(detail="full")
    cues = track_of(edit, everything).cues
    assert bare(cue.text for cue in cues) == bare(map(clean, texts))
    content = text_of(ass, edit, everything)
    head = content[: content.index("Dialogue:")]
    for cue in cues:
        shown = draw(content, (cue.start + cue.end) // 2)
        assert (shown == draw(dialogue(head, without_escapes(cue.lines)), 5000)).all(), cue.lines
        assert (shown != 128).any() or not cue.text.strip("\u200b\u200d\ufe0f\u2060"), cue.lines


def test_every_nasty_text_is_drawn_as_it_is(draw: Draw) -> None:
    check_pictures(draw, [text for text in NASTY if clean(text)])


def test_no_text_is_taken_for_an_override(draw: Draw) -> None:
    check_pictures(draw, [*TELLING, "} and }", "{\\"])


@given(st.lists(st.text(st.sampled_from("{}\\Nnhanp18&Hm ,;:א()."), min_size=1, max_size=30), min_size=1, max_size=6))
@settings(max_examples=25, suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_whatever_stands_next_to_braces_and_backslashes_is_drawn(draw: Draw, texts: list[str]) -> None:
    check_pictures(draw, [text for text in texts if clean(text)] or ["x"])


@pytest.mark.parametrize("text", TELLING)
def test_the_same_texts_without_escapes_are_drawn_otherwise(draw: Draw, text: str) -> None:
    """So the pictures above can tell."""
    head = text_of(ass, edit_of(event("1", "5", text))).partition("Dialogue:")[0]
    assert not (draw(dialogue(head, text), 5000) == draw(dialogue(head, without_escapes([text])), 5000)).all()


def test_a_line_runs_as_its_first_letter_says(draw: Draw) -> None:
    content = text_of(ass, edit_of(event("1", "5", "שלום."), event("101", "105", "abc.")))
    head = content[: content.index("Dialogue:")]
    left_to_right = "\u202d"  # whatever it is
    assert alike(draw(content, 3000), draw(dialogue(head, f"{left_to_right}.םולש"), 5000))
    assert not alike(draw(content, 3000), draw(dialogue(head, f"{left_to_right}םולש."), 5000))
    assert alike(draw(content, 103_000), draw(dialogue(head, "abc."), 5000))


def alike(one: Picture, other: Picture) -> bool:
    """The same but for parts of a pixel, by which signs of another direction are set apart."""
    return bool(abs(one.astype(int) - other).max() < 64)
