"""What breaks a profile's rules in anybody's cues, each fault with its place."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from marlin_edit.text import clean
from marlin_edit.timebase import milliseconds_text
from marlin_edit_exporters.subtitles.cues.cue_file import CueFile, RawCue
from marlin_edit_exporters.subtitles.cues.profiles import Pace, size
from marlin_edit_exporters.subtitles.cues.timing import FOREVER, snapped
from marlin_edit_exporters.subtitles.cues.values import Cue
from marlin_edit_exporters.subtitles.cues.width import cells

RULES = {
    "format": "the file follows its format",
    "time": "every cue has times that can be read, and ends after it begins",
    "empty": "every cue has text",
    "characters": "no control characters, no overrides of direction, no doubled blanks",
    "order": "cues stand in order of time",
    "overlap": "one cue is shown at a time",
    "gap": "cues are apart, or touch, as the profile says",
    "flicker": "short gaps are closed",
    "short": "cues are shown long enough",
    "long": "cues are not shown too long",
    "speed": "cues can be read in their time",
    "width": "lines are not too wide",
    "lines": "cues have no more lines than the profile says",
    "end": "cues end with the video",
    "shot": "starts and ends near a shot change are on it",
}


@dataclass(frozen=True)
class Fault:
    """A broken rule, a key of RULES. cue: its number from 1, None for the file. line: in the file. start: the cue's."""

    rule: str
    message: str
    line: int
    cue: int | None = None
    start: int | None = None


@dataclass(frozen=True)
class Video:
    """What is known of the video: its end and its shot changes in milliseconds."""

    end: int = FOREVER
    shots: tuple[int, ...] = ()


UNKNOWN = Video()
"""Nothing is known of the video."""


def faults_of(file: CueFile, pace: Pace, video: Video = UNKNOWN) -> list[Fault]:
    """Every fault, in the order of the file. A metadata track is for programs: rules of reading are not for it."""
    faults = [Fault("format", message, line) for line, message in file.faults]
    timed: list[tuple[int, RawCue, Cue]] = []
    for number, raw in enumerate(file.cues, 1):
        reading = file.kind != "metadata" and not raw.extended
        for rule, message in _own_faults(raw, pace, video, file.resolution, reading=reading):
            faults.append(Fault(rule, message, raw.line, number, raw.start))
        if raw.start is not None and raw.end is not None:
            if timed and raw.start < timed[-1][2].start:
                faults.append(Fault("order", "begins before the cue before it", raw.line, number, raw.start))
            timed.append((number, raw, Cue(raw.start, raw.end, raw.lines)))
    if file.kind != "metadata":
        timed.sort(key=lambda one: (one[2].start, one[2].end))
        for place in range(len(timed) - 1):
            faults += _between(timed[place], timed[place + 1], pace, file.resolution)
        faults += _shots(timed, pace, video, file.resolution)
    return sorted(faults, key=lambda fault: (fault.line, fault.cue or 0))


def _own_faults(raw: RawCue, pace: Pace, video: Video, tolerance: int, *, reading: bool) -> list[tuple[str, str]]:
    faults = []
    profile = pace.profile
    if raw.start is None or raw.end is None:
        faults.append(("time", "has no times that can be read"))
    elif raw.start < 0 or raw.end <= raw.start:
        faults.append(("time", f"begins at {time_text(raw.start)} and ends at {time_text(raw.end)}"))
    elif raw.end > video.end + tolerance:
        faults.append(("end", f"ends at {time_text(raw.end)}, after the video, {time_text(video.end)}"))
    if not raw.lines:
        faults.append(("empty", "has no text"))
        return faults
    if any(clean(line) != line for line in raw.lines):
        faults.append(("characters", "has control characters, overrides of direction or doubled blanks"))
    if not reading:
        return faults
    wide = max(map(cells, raw.lines))
    if wide > profile.cells:
        faults.append(("width", f"has a line of {wide} cells; {profile.cells} at most"))
    if len(raw.lines) > profile.lines:
        faults.append(("lines", f"has {len(raw.lines)} lines; {profile.lines} at most"))
    if raw.start is None or raw.end is None or raw.end <= raw.start:
        return faults
    length = raw.end - raw.start
    width, words = size(raw.lines)
    need, _ = pace.times(width, words)
    shortest = pace.shortest(words)
    if length + tolerance < shortest:
        faults.append(("short", f"stays {_seconds(length)} s; {_seconds(shortest)} s at least"))
    elif length + tolerance < need:
        speed = width * 1000 / length
        faults.append(("speed", f"is read at {speed:.1f} cells a second; it should stay {_seconds(need)} s"))
    if length - tolerance > pace.longest:
        faults.append(("long", f"stays {_seconds(length)} s; {_seconds(pace.longest)} s at most"))
    return faults


def _between(
    one: tuple[int, RawCue, Cue], following: tuple[int, RawCue, Cue], pace: Pace, tolerance: int
) -> list[Fault]:
    between = following[2].start - one[2].end
    number, raw, cue = following

    def fault(rule: str, message: str) -> list[Fault]:
        return [Fault(rule, message, raw.line, number, cue.start)]

    if between < 0:
        return fault("overlap", f"begins {_seconds(-between)} s before cue {one[0]} ends")
    if between + tolerance < pace.gap:
        return fault("gap", f"begins {_seconds(between)} s after cue {one[0]}; {_seconds(pace.gap)} s at least")
    if pace.open_gap + tolerance < between < pace.closed_under - tolerance:
        return fault("flicker", f"begins {_seconds(between)} s after cue {one[0]}: close the gap, or widen it")
    return []


def _shots(timed: Sequence[tuple[int, RawCue, Cue]], pace: Pace, video: Video, tolerance: int) -> list[Fault]:
    if not video.shots or not pace.shot_reach:
        return []
    cues = [cue for _, _, cue in timed]
    faults = []
    for place, (number, raw, cue) in enumerate(timed):
        moved = snapped(cues, place, pace, video.shots, video.end)
        if moved is None:
            continue
        there = moved[1 if place else 0]
        if max(abs(there.start - cue.start), abs(there.end - cue.end)) > tolerance:
            what = "begins" if there.start != cue.start else "ends"
            faults.append(Fault("shot", f"{what} near a shot change, but not on it", raw.line, number, cue.start))
    return faults


def time_text(milliseconds: int) -> str:
    """Milliseconds as a clock time, with a sign where it is needed."""
    return f"-{milliseconds_text(-milliseconds)}" if milliseconds < 0 else milliseconds_text(milliseconds)


def _seconds(milliseconds: int) -> str:
    return f"{milliseconds / 1000:.3f}"
