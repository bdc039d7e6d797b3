"""WebVTT (`.vtt`): for `<track kind="descriptions">`, since the model sees and does not hear.

`&`, `<` and `>` are escaped, which also takes every `-->` out of a text; cues are numbered, so that ids are unique.
"""

from __future__ import annotations

from fractions import Fraction

from marlin_edit.edit import Edit
from marlin_edit.interfaces import RenderContext, Rendered
from marlin_edit.text import clean
from marlin_edit.timebase import clock_text
from marlin_edit_exporters.cues import cues_of

_ESCAPES = str.maketrans({"&": "&amp;", "<": "&lt;", ">": "&gt;"})


def render(edit: Edit, context: RenderContext) -> Rendered:
    cues, notes = cues_of(edit)
    blocks = ["WEBVTT\n", _label(edit)]
    for number, cue in enumerate(cues, 1):
        start, end = (clock_text(Fraction(time, 1000)) for time in (cue.start, cue.end))
        text = "\n".join(cue.lines).translate(_ESCAPES)
        blocks.append(f"{number}\n{start} --> {end}\n{text}\n")
    return Rendered("\n".join(blocks), notes)


def _label(edit: Edit) -> str:
    """A comment that says what the track is, and is not."""
    told = "Visual descriptions, auto-generated. They tell what is seen, not what is heard: review them."
    models = {str(source.model) for source in edit.sources if source.model is not None}
    notices = {source.model.notice for source in edit.sources if source.model is not None and source.model.notice}
    lines = ["NOTE", told, *(f"Model: {name}" for name in sorted(models)), *sorted(notices)]
    return "\n".join(cleaned for line in lines if (cleaned := clean(line).translate(_ESCAPES))) + "\n"
