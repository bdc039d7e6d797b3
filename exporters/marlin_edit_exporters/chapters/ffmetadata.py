"""FFmpeg's metadata file (`.ffmeta`) with chapters: `ffmpeg -i VIDEO -i FILE -map_metadata 1 -map 0 -c copy OUT`.

`=`, `;`, `#`, the backslash and line breaks are escaped with a backslash.
"""

from __future__ import annotations

import re

from marlin_edit.edit import Edit
from marlin_edit.interfaces import Context, Rendered
from marlin_edit.text import clean
from marlin_edit_exporters.chapters.layout import chapters_of

_SPECIAL = re.compile(r"[=;#\\\n]")


def render(edit: Edit, context: Context) -> Rendered:
    """The chapters as FFmpeg's metadata file."""
    chapters, notes = chapters_of(edit, context)
    lines = [";FFMETADATA1", f"title={_escaped(clean(edit.title))}"]
    for chapter in chapters:
        lines += ["[CHAPTER]", "TIMEBASE=1/1000", f"START={chapter.start}", f"END={chapter.end}"]
        lines.append(f"title={_escaped(chapter.title)}")
    return Rendered("\n".join(lines) + "\n", tuple(notes))


def _escaped(text: str) -> str:
    escaped = _SPECIAL.sub(lambda found: "\\" + found[0], text)
    # FFmpeg takes any backslash at the end for a continued line, an escaped one too.
    return f"{escaped} " if escaped.endswith("\\") else escaped
