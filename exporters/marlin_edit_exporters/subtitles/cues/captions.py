"""What is said as texts with times, for captions: nothing that is said is left out, however fast it is.

A page of a sentence is shown while its words are said. A short sentence shares a cue with the next one, in which two
speakers have a line each, with a dash.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from itertools import accumulate

from marlin_edit.analysis import Analysis, Look, TextRun, Utterance
from marlin_edit.text import clean
from marlin_edit.timebase import milliseconds_of
from marlin_edit_exporters.subtitles.cues.line_breaks import pages_of
from marlin_edit_exporters.subtitles.cues.profiles import Pace, Words, size
from marlin_edit_exporters.subtitles.cues.timing import FOREVER, Limits, TimedText, scheduled
from marlin_edit_exporters.subtitles.cues.values import Cue, joined
from marlin_edit_exporters.subtitles.cues.width import cells

UNSURE = "[?]"
"""Stands after what the speech model was unsure of, for a person to check."""

_NEAR = 1000
"""Milliseconds of the longest pause between two sentences that share a cue."""

_LEAST = 200
"""Milliseconds between the starts of two cues, where two people speak at once."""


@dataclass(frozen=True)
class _Page:
    """A part of what is said that one cue shows; `speakers` are those of its lines, if it has a line for each."""

    start: int
    end: int
    lines: tuple[str, ...]
    speakers: tuple[str, ...]

    @property
    def text(self) -> str:
        return joined(self.lines)


@dataclass(frozen=True)
class Captions:
    """Cues in order. fast: how many are faster than the profile allows, because the speech is."""

    cues: tuple[Cue, ...]
    fast: int


def captions_of(source: Analysis, pace: Pace, words: Words, end: int, shots: Sequence[int]) -> Captions:
    """The captions of what is said. words: of the language. end: of the media, in milliseconds; 0 is not known."""
    said = [one for one in source.speech or () if clean(one.text)]
    pages = [page for one in said for page in _pages(one, pace, words)]
    pages = _together(sorted(pages, key=lambda page: (page.start, page.end)), pace, words)
    last = max([end, *(page.end for page in pages)]) if end else FOREVER
    texts = []
    for number, page in enumerate(pages):
        # What is said faster than it can be read is shown no longer than it is said, so that the next one is in time.
        following = pages[number + 1].start - pace.gap if number + 1 < len(pages) else FOREVER
        most = max(1, min(following, last) - page.start)
        texts.append(TimedText(page.start, page.end, page.text, [page.lines], most=most))
    needs = [pace.times(*size(page.lines))[0] for page in pages]
    schedule = scheduled(texts, pace, Limits(0, 0, last), shots)
    assert len(schedule.cues) == len(pages), "every page has room, because none needs more than it has"
    cues = tuple(_named(cue, page.speakers) for cue, page in zip(schedule.cues, pages, strict=True))
    return Captions(cues, sum(cue.length < need for cue, need in zip(cues, needs, strict=True)))


def _pages(utterance: Utterance, pace: Pace, words: Words) -> list[_Page]:
    """An utterance in pages, each with the times of its words."""
    mark = f" {UNSURE}" if utterance.is_unsure else ""
    pages = pages_of(clean(utterance.text) + mark, pace, words)
    starts, ends = _times(utterance)
    lengths = [sum(len(line.replace(" ", "")) for line in lines) for lines in pages]
    places = [0, *accumulate(lengths)]
    made: list[_Page] = []
    for lines, first, last in zip(pages, places, places[1:], strict=False):
        start = starts[min(first, len(starts) - 1)]
        end = ends[min(max(first, last - 1), len(ends) - 1)]
        if mark and first >= len(starts) and made:  # the mark alone
            *others, line = made[-1].lines
            made[-1] = replace(made[-1], lines=(*others, line + mark))
            continue
        made.append(_Page(start, max(end, start + 1), lines, (utterance.speaker,)))
    return made


def _times(utterance: Utterance) -> tuple[list[int], list[int]]:
    """When each letter of an utterance begins and ends to be said: with its word, or if a person changed the text, in
    proportion to its place."""
    letters = len(clean(utterance.text).replace(" ", ""))
    pieces = [(clean(word.text).replace(" ", ""), word.span) for word in utterance.words]
    if "".join(text for text, _ in pieces) == clean(utterance.text).replace(" ", ""):
        starts = [milliseconds_of(span.start) for text, span in pieces for _ in text]
        ends = [milliseconds_of(span.end) for text, span in pieces for _ in text]
        return starts, ends
    start, end = milliseconds_of(utterance.span.start), milliseconds_of(utterance.span.end)
    edges = [start + (end - start) * number // letters for number in range(letters + 1)]
    return edges[:-1], edges[1:]


def _together(pages: Sequence[_Page], pace: Pace, words: Words) -> list[_Page]:
    """The pages with those as one that are too short to be read alone or are said at once, where one cue has room."""
    made: list[_Page] = []
    for number, page in enumerate(pages):
        if made:
            following = pages[number + 1].start if number + 1 < len(pages) else FOREVER
            one = _as_one(made[-1], page, pace, words) if _is_crowded(made[-1], page, following, pace) else None
            if one is not None:
                made[-1] = one
                continue
            if page.start < made[-1].start + _LEAST:
                start = made[-1].start + _LEAST
                page = _Page(start, max(page.end, start + 1), page.lines, page.speakers)
        made.append(page)
    return made


def _is_crowded(page: _Page, after: _Page, following: int, pace: Pace) -> bool:
    """Whether one of two pages would not be shown long enough. following: the start of the one after them."""
    if after.start - page.end > _NEAR:
        return False
    needed, needed_after = (pace.times(*size(one.lines))[0] for one in (page, after))
    return (
        after.start < page.end
        or after.start - pace.gap - page.start < needed
        or (following - pace.gap - after.start < needed_after)
    )


def _as_one(page: _Page, after: _Page, pace: Pace, words: Words) -> _Page | None:
    """Both in one cue, or None where that would be too wide or too long."""
    profile = pace.profile
    start, end = page.start, max(page.end, after.end)
    if end - start > pace.longest:
        return None
    if page.speakers == after.speakers and len(page.speakers) == 1:
        pages = pages_of(f"{page.text} {after.text}", pace, words)
        return _Page(start, end, pages[0], page.speakers) if len(pages) == 1 else None
    if len(page.lines) == 1 and len(after.lines) == 1 and len(page.speakers) == 1 and profile.lines > 1:
        lines = tuple(f"{profile.dash}{one.lines[0]}" for one in (page, after))
        if all(cells(line) <= profile.cells for line in lines):
            return _Page(start, end, lines, (*page.speakers, *after.speakers))
    return None


def _named(cue: Cue, speakers: Sequence[str]) -> Cue:
    """The cue with the speakers of its lines, where they are known."""
    if not any(speakers):
        return cue
    each = speakers if len(speakers) == len(cue.lines) else [speakers[0]] * len(cue.lines)
    dressed = tuple((TextRun(line, Look(speaker=who)),) for line, who in zip(cue.lines, each, strict=True))
    return cue._replace(dressed=dressed)
