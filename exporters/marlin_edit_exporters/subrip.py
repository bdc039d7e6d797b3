"""SubRip (`.srt`): UTF-8, numbered from 1, times to the millisecond.

The format has no escapes, but players take `{...}` and `<...>` for markup: such characters become look-alikes, `-->`
becomes `->`, and a note says how many were replaced.
"""

from __future__ import annotations

import re
from fractions import Fraction

from marlin_edit.edit import Edit
from marlin_edit.interfaces import RenderContext, Rendered
from marlin_edit.timebase import clock_text
from marlin_edit_exporters.cues import Cue, cues_of

_BRACES = str.maketrans("{}", "｛｝")
_ARROW = re.compile(r"-[- ]+>")
_TAG = re.compile(r"<(?=[A-Za-z/!])")
_LOOKS_LIKE_TIME = re.compile(r"\d[,.:，．。：]\d")


def render(edit: Edit, context: RenderContext) -> Rendered:
    cues, notes = cues_of(edit)
    blocks = []
    replaced = 0
    for number, cue in enumerate(cues, 1):
        text, count = plain(_text(cue))
        replaced += count
        start, end = (clock_text(Fraction(time, 1000), ",") for time in (cue.start, cue.end))
        blocks.append(f"{number}\n{start} --> {end}\n{text}\n")
    if replaced:
        notes += (f"{replaced} characters or arrows that SubRip would take for markup were replaced by look-alikes",)
    return Rendered("\n".join(blocks), notes)


def plain(text: str) -> tuple[str, int]:
    """The text with nothing in it that a player takes for markup or timing, and how many places were replaced."""
    text, arrows = _ARROW.subn("->", text)
    text, tags = _TAG.subn("＜", text)
    braces = text.count("{") + text.count("}")
    return text.translate(_BRACES), arrows + tags + braces


def _text(cue: Cue) -> str:
    # Some readers take a line with a number and then a line that begins with a time for the next cue.
    return (" " if _LOOKS_LIKE_TIME.search(cue.text) else "\n").join(cue.lines)
