"""YouTube's SubViewer (`.sbv`): times, a text, an empty line; no styles and no places."""

from __future__ import annotations

import re
from collections.abc import Sequence

from marlin_edit.analysis import Analysis
from marlin_edit.edit import Edit
from marlin_edit.interfaces import Context, Rendered
from marlin_edit.media import MediaInfo
from marlin_edit.timebase import milliseconds_text
from marlin_edit_exporters.subtitles.cues import Cue, shared_track
from marlin_edit_exporters.subtitles.cues.cue_file import CueFile, RawCue, analysis_of, decoded, milliseconds
from marlin_edit_exporters.subtitles.cues.values import notes_on_lost

_TIMING = re.compile(r"\s*(\d+:\d{1,2}:\d{1,2}\.\d{1,3})\s*,\s*(\d+:\d{1,2}:\d{1,2}\.\d{1,3})\s*")


def render(edit: Edit, context: Context) -> Rendered:
    """The track as SubViewer."""
    track = shared_track(edit, context)
    return Rendered(write(track.cues), track.notes + notes_on_lost(track.cues, "SubViewer"))


def write(cues: Sequence[Cue]) -> str:
    """The file of cues in order."""
    blocks = []
    for cue in cues:
        begin, end = (milliseconds_text(time).removeprefix("0") for time in (cue.start, cue.end))
        # A line that looks like times would begin a cue.
        lines = [f"\u200b{line}" if _TIMING.fullmatch(line) else line for line in cue.lines]
        blocks.append(f"{begin},{end}\n" + "\n".join(lines) + "\n")
    return "\n".join(blocks)


def read(content: bytes, media: MediaInfo | None) -> Analysis:
    """The cues of a file as events."""
    return analysis_of(parse(content), media)


def parse(content: bytes) -> CueFile:
    """Anybody's SubViewer file: every line of times begins a cue."""
    text, notes = decoded(content)
    lines = text.split("\n")
    file = CueFile("sbv", notes=notes)
    timings = [(place, match) for place, line in enumerate(lines) if (match := _TIMING.fullmatch(line))]
    if not timings and text.strip():
        file.faults.append((1, "there is no line of times like 0:00:01.000,0:00:02.000"))
    begins = [place for place, _ in timings]
    for (place, match), stop in zip(timings, [*begins, len(lines)][1:], strict=True):
        shown = tuple(line for line in map(str.strip, lines[place + 1 : stop]) if line)
        shown = tuple(part for line in shown for part in line.split("[br]") if part)
        file.cues.append(RawCue(milliseconds(match[1]), milliseconds(match[2]), shown, place + 1))
    return file
