"""Text from models, people and files, made plain as it comes in: one line, no controls, nothing that hides or reorders.

Escaping belongs to each format's own file; what is cleaned here is what no format could show.
"""

from __future__ import annotations

import re
import unicodedata

_ESCAPE_CODES = re.compile(
    r"(?:\x1b\[|\x9b)[0-?]*[ -/]*[@-~]"  # control sequences: colours, cursor movement
    r"|(?:\x1b[PX\]^_]|[\x90\x98\x9d-\x9f])[^\x07\x1b\x9c]*(?:\x07|\x1b\\|\x9c)"  # strings: window titles, links
    r"|\x1b[ -/]*[0-~]"  # everything else that an escape begins
)
_BLANKS = re.compile(r"[ \t\n\v\f\r\x1c-\x1f\x85\u2028\u2029]+")
_BESIDE_OTHERS = re.compile(r" (?=\s)|(?<=\s) ")
"""A blank beside a blank of another kind, as a no-break one: a line that is broken there would begin with a blank."""

_LANGUAGE = re.compile(r"[A-Za-z]{2,8}(-[A-Za-z0-9]{1,8})*")
_WORD = re.compile(r"\w+(?:['’]\w+)*")
_UNWANTED = re.compile(
    r"[\x00-\x1f\x7f-\x9f"  # controls
    r"\ud800-\udfff"  # halves of surrogate pairs, which no encoding can hold
    r"\u202a-\u202e\u2066-\u2069"  # bidi embeddings, overrides and isolates: they reorder what follows
    r"\ufeff\ufff9-\ufffb\ufdd0-\ufdef\ufffe\uffff]"  # byte order mark, annotations, no characters at all
)


def clean(text: str) -> str:
    """The text on one line: NFC, runs of blanks, tabs and line separators as one blank, nothing invisible but joiners.

    What is taken out: escape codes, control characters, lone surrogates, bidi embeddings, overrides and isolates.
    Cleaning twice changes nothing.
    """
    if text.isascii() and text.isprintable() and "  " not in text:
        return text.strip()
    text = _BLANKS.sub(" ", _ESCAPE_CODES.sub("", text))
    text = unicodedata.normalize("NFC", _UNWANTED.sub("", text))
    return _BESIDE_OTHERS.sub("", _BLANKS.sub(" ", text)).strip()


def is_language_tag(text: str) -> bool:
    """Whether a text has the form of a BCP 47 tag, like `en` or `pt-BR`."""
    return _LANGUAGE.fullmatch(text) is not None


def shortened(text: str, longest: int) -> str:
    """The text, or its beginning with an ellipsis, in at most `longest` characters; base and accents stay together."""
    if len(text) <= longest:
        return text
    end = longest - 1
    while end > 0 and (unicodedata.combining(text[end]) or text[end] == "\u200d" or text[end - 1] == "\u200d"):
        end -= 1
    return text[:end].rstrip() + "…"


def words_of(text: str) -> list[str]:
    """The words of a text in order, without case and marks, compatible characters alike."""
    return _WORD.findall(unicodedata.normalize("NFKC", text).casefold())


def counted(number: int, noun: str) -> str:
    """A number with its noun, singular or plural: `1 cut`, `3 cuts`, `2 queries`."""
    if number == 1:
        return f"1 {noun}"
    plural = noun[:-1] + "ies" if noun.endswith("y") and noun[-2:-1] not in "aeiou" else noun + "s"
    return f"{number} {plural}"
