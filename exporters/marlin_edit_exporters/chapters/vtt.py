"""WebVTT chapters (`.chapters.vtt`), for `<track kind="chapters">`: `&`, `<` and `>` are escaped, no text is markup."""

from __future__ import annotations

from fractions import Fraction

from marlin_edit.edit import Edit
from marlin_edit.interfaces import Context, Rendered
from marlin_edit.timebase import clock_text
from marlin_edit_exporters.chapters.layout import chapters_of

_ESCAPES = str.maketrans({"&": "&amp;", "<": "&lt;", ">": "&gt;"})


def render(edit: Edit, context: Context) -> Rendered:
    """The chapters as a WebVTT file."""
    chapters, notes = chapters_of(edit, context)
    blocks = ["WEBVTT\n"]
    for number, chapter in enumerate(chapters, 1):
        start, end = (clock_text(Fraction(time, 1000)) for time in (chapter.start, chapter.end))
        blocks.append(f"{number}\n{start} --> {end}\n{chapter.title.translate(_ESCAPES)}\n")
    return Rendered("\n".join(blocks), tuple(notes))
