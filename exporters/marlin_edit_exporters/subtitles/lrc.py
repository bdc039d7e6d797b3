"""Lyrics (`.lrc`): a line each with the time at which it begins, to the hundredth of a second.

A line lasts until the next one begins; an empty one ends it. Several times before a line repeat it.
"""

from __future__ import annotations

import re
from collections.abc import Sequence

from marlin_edit.analysis import Analysis
from marlin_edit.edit import Edit
from marlin_edit.interfaces import Context, Rendered
from marlin_edit.media import MediaInfo
from marlin_edit_exporters.subtitles.cues import Cue, shared_track
from marlin_edit_exporters.subtitles.cues.cue_file import CueFile, RawCue, analysis_of, decoded
from marlin_edit_exporters.subtitles.cues.values import notes_on_lost

LAST = 4000
"""Milliseconds that the last line of a file lasts, which says nothing of its end."""

_TIMES = re.compile(r"(?:\[(?:\d{1,4}):(?:\d{1,2})(?:[.:]\d{1,3})?\])+")
_TIME = re.compile(r"\[(\d{1,4}):(\d{1,2})(?:[.:](\d{1,3}))?\]")
_TAG = re.compile(r"\[([A-Za-z#]+):([^\]]*)\]\s*")
_WORD_TIME = re.compile(r"<\d{1,4}:\d{1,2}(?:[.:]\d{1,3})?>\s?")


def render(edit: Edit, context: Context) -> Rendered:
    """The track as lyrics."""
    track = shared_track(edit, context)
    overlapping = sum(cue.end > later.start for cue, later in zip(track.cues, track.cues[1:], strict=False))
    notes = (f"{overlapping} cues end with the next one's beginning, because lyrics show one",) if overlapping else ()
    return Rendered(write(track.cues), track.notes + notes_on_lost(track.cues, "LRC") + notes)


def write(cues: Sequence[Cue]) -> str:
    """The file of cues in order."""
    lines = []
    for number, cue in enumerate(cues):
        lines.append(f"[{_clock(cue.start)}]{cue.text}")
        if number + 1 == len(cues) or _hundredths(cues[number + 1].start) > _hundredths(cue.end):
            lines.append(f"[{_clock(cue.end)}]")
    return "\n".join(lines) + "\n" if lines else ""


def _hundredths(milliseconds: int) -> int:
    return (milliseconds + 5) // 10


def _clock(milliseconds: int) -> str:
    seconds, hundredths = divmod(_hundredths(milliseconds), 100)
    return f"{seconds // 60:02}:{seconds % 60:02}.{hundredths:02}"


def read(content: bytes, media: MediaInfo | None) -> Analysis:
    """The cues of a file as events."""
    return analysis_of(parse(content), media)


def parse(content: bytes) -> CueFile:
    """Anybody's lyrics, in order of time. A positive `[offset:]` lets all lines come sooner, as in players."""
    text, notes = decoded(content)
    file = CueFile("lrc", notes=notes, resolution=10)
    begun: list[tuple[int, str, int]] = []
    offset = 0
    for number, line in enumerate(text.split("\n"), 1):
        times = _TIMES.match(line.strip())
        tag = _TAG.fullmatch(line.strip())
        if times is not None:
            words = line.strip()[times.end() :]
            file.formatted += bool(_WORD_TIME.search(words))
            begun += [(_time(time), _WORD_TIME.sub("", words).strip(), number) for time in _TIME.finditer(times[0])]
        elif tag is not None and tag[1].lower() == "offset" and re.fullmatch(r"\s*[+-]?\d{1,9}\s*", tag[2]):
            offset = int(tag[2])
        elif tag is not None or line.strip():
            file.outside.append(line.strip())
    if not begun and text.strip():
        file.faults.append((1, "there is no line that begins with a time like [00:01.00]"))
    begun.sort(key=lambda one: one[0])
    for place, (start, words, number) in enumerate(begun):
        end = begun[place + 1][0] if place + 1 < len(begun) else start + LAST
        if words:
            file.cues.append(RawCue(max(0, start - offset), max(0, end - offset), (words,), number))
    if begun and begun[-1][1]:
        file.notes += (f"the last line has no end; it is shown for {LAST // 1000} s",)
    return file


def _time(match: re.Match[str]) -> int:
    return (int(match[1]) * 60 + int(match[2])) * 1000 + int((match[3] or "0").ljust(3, "0"))
