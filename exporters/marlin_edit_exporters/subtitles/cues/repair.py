"""Anybody's cues put right after a profile: no word is lost, and what keeps the rules stays as it is."""

from __future__ import annotations

from dataclasses import dataclass

from marlin_edit.text import clean
from marlin_edit_exporters.subtitles.cues.cue_file import CueFile, RawCue
from marlin_edit_exporters.subtitles.cues.line_breaks import pages_of
from marlin_edit_exporters.subtitles.cues.lint import UNKNOWN, Video
from marlin_edit_exporters.subtitles.cues.profiles import Pace, Words, size
from marlin_edit_exporters.subtitles.cues.timing import FOREVER, Limits, Told, scheduled
from marlin_edit_exporters.subtitles.cues.values import Cue, joined
from marlin_edit_exporters.subtitles.cues.width import cells


@dataclass(frozen=True)
class Mended:
    """Cues in order, and what was changed, each a sentence."""

    cues: tuple[Cue, ...]
    changes: tuple[str, ...]


def mended(file: CueFile, pace: Pace, words: Words, video: Video = UNKNOWN) -> Mended:
    """The cues of a file after the rules. Where they do not fit before the video's end, they run past it."""
    changes: list[str] = []
    told = _told(file, changes)
    if file.kind == "metadata":
        cues = tuple(Cue(one.start, max(one.end, one.start + 1), one.pages[0]) for one in told)
        return Mended(cues, tuple(changes))
    broken = divided = 0
    for one in told:
        if not _fits(one.pages[0], pace):
            one.pages = pages_of(one.text, pace, words)
            broken += 1
            divided += len(one.pages) > 1
    _tell(changes, broken, "was broken into lines again", "were broken into lines again")
    _tell(changes, divided, "was divided, to fit the lines", "were divided, to fit the lines")
    limits = Limits(FOREVER, FOREVER, video.end, wished=False)
    schedule = scheduled(told, pace, limits, video.shots)
    if schedule.crowded_out or schedule.too_long:
        changes.append("there is not enough time for all cues before the end of the video; they run past it")
        schedule = scheduled(told, pace, Limits(FOREVER, FOREVER, wished=False), video.shots)
    _tell_times(schedule.kept, schedule.cues, changes)
    return Mended(tuple(schedule.cues), tuple(changes))


def _told(file: CueFile, changes: list[str]) -> list[Told]:
    """The cues with a text, in order of time, with times that can be."""
    told: list[Told] = []
    empty = cleaned = timeless = turned = 0
    free = 0
    for raw in file.cues:
        lines = tuple(line for line in map(clean, raw.lines) if line)
        cleaned += bool(lines) and lines != raw.lines
        if not lines:
            empty += 1
            continue
        start, end = _times(raw, free)
        timeless += raw.start is None or raw.end is None
        turned += raw.start is not None and raw.end is not None and (start, end) != (raw.start, raw.end)
        told.append(Told(start, end, joined(lines), [lines]))
        free = end
    before = [one.start for one in told]
    told.sort(key=lambda one: (one.start, one.end))
    moved = sum(start != one.start for start, one in zip(before, told, strict=True))
    _tell(changes, empty, "without a text was left out", "without a text were left out")
    _tell(
        changes,
        cleaned,
        "was cleaned of control characters and blanks",
        "were cleaned of control characters and blanks",
    )
    _tell(changes, timeless, "without times follows the one before", "without times follow the one before")
    _tell(
        changes, turned, "ended before it began, and was turned round", "ended before they began, and were turned round"
    )
    _tell(changes, moved, "was put into order", "were put into order")
    return told


def _times(raw: RawCue, free: int) -> tuple[int, int]:
    start = raw.start if raw.start is not None else raw.end if raw.end is not None else free
    end = raw.end if raw.end is not None else start
    return max(0, min(start, end)), max(0, start, end)


def _fits(lines: tuple[str, ...], pace: Pace) -> bool:
    if len(lines) > pace.profile.lines or max(map(cells, lines)) > pace.profile.cells:
        return False
    return pace.times(*size(lines))[0] <= pace.longest


def _tell_times(kept: list[Told], cues: list[Cue], changes: list[str]) -> None:
    starts = ends = place = furthest = 0
    for one in kept:
        first, last = cues[place], cues[place + len(one.pages) - 1]
        place += len(one.pages)
        starts += first.start != one.start
        furthest = max(furthest, abs(first.start - one.start))
        ends += last.end != one.end
    by = f" by up to {furthest / 1000:.3f} s"
    _tell(changes, starts, f"begins at another time{by}", f"begin at another time{by}")
    _tell(changes, ends, "ends at another time", "end at another time")


def _tell(changes: list[str], number: int, one: str, several: str) -> None:
    if number:
        changes.append(f"{number} cue {one}" if number == 1 else f"{number} cues {several}")
