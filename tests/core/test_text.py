"""Text from outside becomes one plain line; nothing else of it changes."""

import unicodedata

import pytest
from hypothesis import given
from hypothesis import strategies as st

from marlin_edit.text import clean, shortened

ANY_TEXT = st.text(st.characters(exclude_categories=()), max_size=60)
"""Every code point, lone surrogates and controls included."""


@pytest.mark.parametrize(
    ("given_text", "cleaned"),
    [
        ("A door opens.", "A door opens."),
        ("  A door\topens.\r\n\r\nA man  enters.\u2028", "A door opens. A man enters."),
        ("e\u0301", "é"),
        ("\x1b[1;31mred\x1b[0m and \x9b4mmore", "red and more"),
        ("\x1b]8;;http://example.invalid\x1b\\a link\x1b]8;;\x07", "a link"),
        ("nul\x00, bell\x07, delete\x7f", "nul, bell, delete"),
        ("half \ud83d a face \ude00", "half a face"),
        ("user\u202egnp.exe\u2066x\u2069", "usergnp.exex"),
        ("\ufeffbyte order mark", "byte order mark"),
        ("👩‍👩‍👧‍👦 stay together", "👩‍👩‍👧‍👦 stay together"),
        ("שלום\u200f עולם", "שלום\u200f עולם"),
        ("क्षि", "क्षि"),
        ("C:\\New {\\an8} <i>&amp; -->", "C:\\New {\\an8} <i>&amp; -->"),
        (" \n\t ", ""),
        ("", ""),
    ],
)
def test_text_from_outside_becomes_one_plain_line(given_text: str, cleaned: str) -> None:
    assert clean(given_text) == cleaned


def test_taking_a_character_out_leaves_one_blank_between_words() -> None:
    assert clean("a \u202e b") == "a b"


@given(ANY_TEXT)
def test_cleaned_text_is_one_line_that_every_encoding_holds(text: str) -> None:
    cleaned = clean(text)
    assert cleaned.encode("utf-8").decode("utf-8") == cleaned
    assert len(cleaned.splitlines()) <= 1
    assert cleaned == cleaned.strip()
    assert "  " not in cleaned
    assert not any(unicodedata.category(character) in ("Cc", "Cs") for character in cleaned)
    assert unicodedata.is_normalized("NFC", cleaned)


@given(ANY_TEXT)
def test_cleaning_twice_changes_nothing(text: str) -> None:
    assert clean(clean(text)) == clean(text)


@given(ANY_TEXT, st.integers(2, 30))
def test_a_shortened_text_fits_and_says_that_it_was_shortened(text: str, longest: int) -> None:
    cleaned = clean(text)
    short = shortened(cleaned, longest)
    assert len(short) <= longest
    assert short == cleaned or short.endswith("…")


def test_shortening_keeps_base_and_accent_together() -> None:
    assert shortened("x̂x̂x̂x̂", 4) == "x̂…"
