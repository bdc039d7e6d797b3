"""Anybody's cues put right after a profile: no word is lost, and what keeps the rules stays as it is."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from marlin_edit.text import clean
from marlin_edit_exporters.subtitles.cues.cue_file import CueFile, RawCue
from marlin_edit_exporters.subtitles.cues.line_breaks import pages_of
from marlin_edit_exporters.subtitles.cues.lint import UNKNOWN, Video
from marlin_edit_exporters.subtitles.cues.looks import dressed
from marlin_edit_exporters.subtitles.cues.profiles import Pace, Words, size
from marlin_edit_exporters.subtitles.cues.timing import FOREVER, Limits, TimedText, scheduled
from marlin_edit_exporters.subtitles.cues.values import Cue, joined
from marlin_edit_exporters.subtitles.cues.width import cells


@dataclass(frozen=True)
class Repaired:
    """Cues in order, and what was changed, each a sentence."""

    cues: tuple[Cue, ...]
    changes: tuple[str, ...]


def repaired(file: CueFile, pace: Pace, words: Words, video: Video = UNKNOWN) -> Repaired:
    """The cues of a file after the rules. Where they do not fit before the video's end, they run past it."""
    changes: list[str] = []
    texts = _timed(file, changes)
    if file.kind == "metadata":
        cues = tuple(Cue(one.start, max(one.end, one.start + 1), one.pages[0]) for one in texts)
        cues = tuple(_dressed(texts, cues))
        return Repaired(cues, tuple(changes))
    broken = divided = 0
    for one in texts:
        if not _fits(one.pages[0], pace):
            one.pages = pages_of(one.text, pace, words)
            broken += 1
            divided += len(one.pages) > 1
    _note(changes, broken, "was broken into lines again", "were broken into lines again")
    _note(changes, divided, "was divided, to fit the lines", "were divided, to fit the lines")
    limits = Limits(FOREVER, FOREVER, video.end, wished=False)
    schedule = scheduled(texts, pace, limits, video.shots)
    if schedule.crowded_out or schedule.too_long:
        changes.append("there is not enough time for all cues before the end of the video; they run past it")
        schedule = scheduled(texts, pace, Limits(FOREVER, FOREVER, wished=False), video.shots)
    _note_times(schedule.kept, schedule.cues, changes)
    return Repaired(tuple(_dressed(schedule.kept, schedule.cues)), tuple(changes))


def _dressed(texts: Sequence[TimedText], cues: Sequence[Cue]) -> Iterator[Cue]:
    """The cues with the looks that their texts had, however the lines were broken again."""
    place = 0
    for one in texts:
        count = len(one.pages)
        pages = cues[place : place + count]
        place += count
        lines = dressed([line for cue in pages for line in cue.lines], one.runs)
        for cue in pages:
            yield cue._replace(dressed=lines[: len(cue.lines)], place=one.place)
            lines = lines[len(cue.lines) :]


def _timed(file: CueFile, changes: list[str]) -> list[TimedText]:
    """The cues with a text, in order of time, with times that can be."""
    texts: list[TimedText] = []
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
        texts.append(TimedText(start, end, joined(lines), [lines], runs=raw.runs, place=raw.place))
        free = end
    before = [one.start for one in texts]
    texts.sort(key=lambda one: (one.start, one.end))
    moved = sum(start != one.start for start, one in zip(before, texts, strict=True))
    _note(changes, empty, "without a text was left out", "without a text were left out")
    _note(
        changes,
        cleaned,
        "was cleaned of control characters and blanks",
        "were cleaned of control characters and blanks",
    )
    _note(changes, timeless, "without times follows the one before", "without times follow the one before")
    _note(
        changes, turned, "ended before it began, and was turned round", "ended before they began, and were turned round"
    )
    _note(changes, moved, "was put into order", "were put into order")
    return texts


def _times(raw: RawCue, free: int) -> tuple[int, int]:
    start = raw.start if raw.start is not None else raw.end if raw.end is not None else free
    end = raw.end if raw.end is not None else start
    return max(0, min(start, end)), max(0, start, end)


def _fits(lines: tuple[str, ...], pace: Pace) -> bool:
    if len(lines) > pace.profile.lines or max(map(cells, lines)) > pace.profile.cells:
        return False
    return pace.times(*size(lines))[0] <= pace.longest


def _note_times(kept: list[TimedText], cues: list[Cue], changes: list[str]) -> None:
    starts = ends = place = furthest = 0
    for one in kept:
        first, last = cues[place], cues[place + len(one.pages) - 1]
        place += len(one.pages)
        starts += first.start != one.start
        furthest = max(furthest, abs(first.start - one.start))
        ends += last.end != one.end
    by = f" by up to {furthest / 1000:.3f} s"
    _note(changes, starts, f"begins at another time{by}", f"begin at another time{by}")
    _note(changes, ends, "ends at another time", "end at another time")


def _note(changes: list[str], number: int, one: str, several: str) -> None:
    if number:
        changes.append(f"{number} cue {one}" if number == 1 else f"{number} cues {several}")
