"""Chapters for a YouTube description (`.youtube.txt`): a line each, `0:00 Title`, in whole seconds.

YouTube takes them where the first is at 0:00, there are three or more, and each is at least ten seconds long.
"""

from __future__ import annotations

from dataclasses import replace

from marlin_edit.edit import Edit
from marlin_edit.interfaces import Context, Rendered
from marlin_edit.text import shortened
from marlin_edit_exporters.chapters.layout import Chapter, chapters_of

SHORTEST = 10_000
FEWEST = 3
TITLE_LENGTH = 100
_ANGLES = str.maketrans("<>", "‹›")  # a description must not hold angle brackets


def render(edit: Edit, context: Context) -> Rendered:
    """The chapters as lines for a description."""
    chapters, notes = chapters_of(edit, context)
    kept: list[Chapter] = []
    close = 0
    for chapter in chapters:
        if not kept and chapter.start > 0:
            if chapter.start >= SHORTEST:
                kept.append(Chapter(0, chapter.start, "Start"))
            else:
                notes.append("the first chapter begins at 0:00, as YouTube requires")
                chapter = replace(chapter, start=0)
        if kept and chapter.start // 1000 - kept[-1].start // 1000 < SHORTEST // 1000:
            close += 1
        else:
            kept.append(chapter)
    if kept and len(kept) > 1 and chapters[-1].end - kept[-1].start < SHORTEST:
        close += 1
        kept.pop()
    if close:
        notes.append(f"{close} chapters left out, because YouTube requires at least ten seconds between them")
    if len(kept) < FEWEST:
        notes.append(f"YouTube shows chapters if there are at least {FEWEST}, and there are {len(kept)}")
    lines = [f"{_clock(chapter.start)} {_title(chapter.title)}\n" for chapter in kept]
    return Rendered("".join(lines), tuple(notes))


def _clock(milliseconds: int) -> str:
    minutes, seconds = divmod(milliseconds // 1000, 60)
    hours, minutes = divmod(minutes, 60)
    return f"{hours}:{minutes:02}:{seconds:02}" if hours else f"{minutes}:{seconds:02}"


def _title(title: str) -> str:
    return shortened(title, TITLE_LENGTH).translate(_ANGLES)
