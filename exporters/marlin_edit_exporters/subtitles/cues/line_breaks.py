"""A text into pages, one a cue, and their lines: broken where the guidelines like it best.

Best is after a sentence, then after a clause, then before a conjunction or preposition; an article and its noun, a
name, an auxiliary and its verb stay together where they can. A word is only taken apart where it is wider than a line,
and then between graphemes; nothing is hyphenated.
"""

from __future__ import annotations

import re
from bisect import bisect_right
from collections.abc import Callable
from dataclasses import dataclass
from functools import cache, lru_cache
from itertools import accumulate, pairwise, repeat
from operator import add

from marlin_edit_exporters.subtitles.cues.profiles import Pace, Words
from marlin_edit_exporters.subtitles.cues.width import cells, graphemes, is_wide

SENTENCE_END = re.compile(r"[.!?…。！？｡۔।॥]+[\"'”’»)\]）」』】]*$")
CLAUSE_END = re.compile(r"[,;:—–、，；：،؛-][\"'”’»)\]）」』】]*$")
_OPENING = frozenset("([{“‘«（「『【〔《〈-–—")
_NOT_FIRST = frozenset("、。，．・：；？！ー）」』】〕》〉’”…ぁぃぅぇぉっゃゅょゎァィゥェォッャュョヮヵヶ々〜")
_NOT_LAST = frozenset("（「『【〔《〈‘“")
_BARE = "\"'“”‘’«»()[]{},;:.!?…"

# What it costs to break at a place: the least sum wins.
_AFTER_SENTENCE, _AFTER_CLAUSE, _BEFORE_CONJUNCTION, _BEFORE_PREPOSITION = 0, 10, 20, 28
_BETWEEN_WORDS, _BETWEEN_WIDE, _TOGETHER, _WIDE_TOGETHER, _INSIDE_WORD = 45, 40, 80, 200, 400
_EMPTY_PAGE, _RAGGED = 100, 60
_NEVER = 10**9


@dataclass(frozen=True)
class _Row:
    """What is never taken apart, words or graphemes, in a row: on one line, each begins and ends at a cell.

    blanks: whether a blank stands before each. costs: of a break before each.
    """

    pieces: list[str]
    blanks: list[int]
    costs: list[int]
    starts: list[int]
    ends: list[int]

    @classmethod
    def of(cls, pieces: list[str], blanks: list[int], costs: list[int]) -> _Row:
        ends = list(accumulate(map(add, map(cells, pieces), blanks)))
        starts = [0, *map(add, ends, blanks[1:])]
        return cls(pieces, blanks, costs, starts, ends)

    def text(self, first: int, stop: int) -> str:
        if all(self.blanks[first + 1 : stop]):
            return " ".join(self.pieces[first:stop])
        parts = zip(self.blanks[first:stop], self.pieces[first:stop], strict=True)
        return "".join(" " * blank + piece for blank, piece in parts).strip()

    def line_ends(self, widest: int) -> list[int]:
        """For each place, the last one where a line that begins there can stop; no piece is wider than a line."""
        far = [max(place + 1, bisect_right(self.ends, start + widest)) for place, start in enumerate(self.starts)]
        far.append(len(far))
        return far


def pages_of(text: str, pace: Pace, words: Words) -> list[tuple[str, ...]]:
    """The lines of each page of a text without line breaks: as few pages as fit, in cells, lines and time."""
    profile = pace.profile
    width = cells(text)
    in_time = width <= pace.most_cells and text.count(" ") < pace.most_words
    if in_time:
        if width <= profile.cells:
            return [(text,)]
        two = _two_lines(text, profile.cells, words) if profile.lines > 1 else None
        if two is not None:
            return [two]
    halves = _two_pages(text, pace, words)
    if halves is not None:
        return [_two_lines(half, profile.cells, words) or (half,) for half in halves]
    row = _row(text, pace, words)
    line_ends = row.line_ends(profile.cells)
    pages: list[tuple[str, ...]] = []
    for first, stop in _pages(row, line_ends, pace):
        page = row.text(first, stop)
        if cells(page) <= profile.cells:
            pages.append((page,))
        else:
            two = _two_lines(page, profile.cells, words)
            pages.append(two or _lines(row, first, stop, line_ends, profile.cells))
    return pages


def _row(text: str, pace: Pace, words: Words) -> _Row:
    split = text.split(" ")
    costs = [0, *map(_cost_between, split, split[1:], repeat(words))]
    widest = min(pace.profile.cells, pace.most_cells)
    if text.isascii() and max(map(len, split)) <= widest:
        return _Row.of(split, [0] + [1] * (len(split) - 1), costs)
    pieces: list[str] = []
    blanks: list[int] = []
    all_costs: list[int] = []
    for place, (word, cost) in enumerate(zip(split, costs, strict=True)):
        parts = [word]
        if cells(word) > widest or any(map(is_wide, word)):
            # One that is wider than a line, a letter with dozens of marks, is taken apart all the same.
            parts = [part for one in graphemes(word) for part in ([one] if cells(one) <= widest else one)]
        pieces += parts
        blanks += [min(place, 1)] + [0] * (len(parts) - 1)
        all_costs += [cost, *(_cost_inside(before, after) for before, after in pairwise(parts))]
    return _Row.of(pieces, blanks, all_costs)


def _two_lines(text: str, widest: int, words: Words) -> tuple[str, str] | None:
    """What `_lines` makes of plain letters that need two lines: the common case, quickly. None: it is another case."""
    if not text.isascii() or len(text) <= widest:
        return None
    ragged = _ragged_lines(widest)
    best, at = _NEVER, 0
    length = len(text)
    place, split = _around_blanks(text, max(0, length - 1 - widest), widest)
    for word, cost in zip(split, map(_cost_between, split, split[1:], repeat(words)), strict=False):
        place += len(word) + 1
        cost += ragged[widest - place] + ragged[widest - (length - place - 1)]
        if cost <= best:
            best, at = cost, place
    return (text[:at], text[at + 1 :]) if at else None


def _two_pages(text: str, pace: Pace, words: Words) -> tuple[str, str] | None:
    """What `_pages` makes of plain letters that need two pages of two lines. None: it is another case."""
    widest = pace.profile.cells
    room = 2 * widest
    length = len(text)
    # The blanks at which lines and pages are broken take no room.
    longest = 2 * room + 3
    if not text.isascii() or pace.profile.lines != 2 or not widest < length <= longest or pace.most_cells < room:
        return None
    empty = _empty_pages(room)
    ways = []
    place, split = _around_blanks(text, max(0, length - 2 - room), room + 1)
    for word, cost in zip(split, map(_cost_between, split, split[1:], repeat(words)), strict=False):
        place += len(word) + 1
        free = empty[max(0, room - place)] + empty[max(0, room - (length - place - 1))]
        ways.append((2 * cost + free, -place))
    for _, place in sorted(ways):
        if _in_two_lines(text, 0, -place, pace) and _in_two_lines(text, 1 - place, length, pace):
            return text[:-place], text[1 - place :]
    return None


def _around_blanks(text: str, first: int, last: int) -> tuple[int, list[str]]:
    """The words on both sides of the blanks from one place to another, and the place before them, of plain letters."""
    blank = text.find(" ", first)
    if not 0 < blank <= last:
        return 0, []
    before = text.rfind(" ", 0, blank)
    stop = text.find(" ", text.rfind(" ", 0, last + 1) + 1)
    return before, text[before + 1 : stop if stop > 0 else None].split(" ")


def _in_two_lines(text: str, first: int, stop: int, pace: Pace) -> bool:
    """Whether a part of plain letters fits into two lines and can be read in the longest time."""
    widest = pace.profile.cells
    if text.count(" ", first, stop) >= pace.most_words:
        return False
    if stop - first <= widest:
        return True
    end = text.rfind(" ", first, first + widest + 1)
    return end > first and stop - end - 1 <= widest


def _empty(free: int, room: int) -> int:
    """What a page costs of whose cells so many are left free."""
    return free * free * _EMPTY_PAGE // (room * room)


def _ragged(free: int, widest: int) -> int:
    """What a line costs of whose cells so many are left free."""
    return free * free * _RAGGED // (widest * widest)


@cache
def _empty_pages(room: int) -> tuple[int, ...]:
    """`_empty` for each number of free cells."""
    return tuple(_empty(free, room) for free in range(room + 1))


@cache
def _ragged_lines(widest: int) -> tuple[int, ...]:
    """`_ragged` likewise."""
    return tuple(_ragged(free, widest) for free in range(widest + 1))


@lru_cache(maxsize=2**16)
def _cost_between(before: str, after: str, words: Words) -> int:
    """What it costs to break between two words."""
    bare = before.strip(_BARE).lower()
    following = after.strip(_BARE).lower()
    abbreviated = before.lower() in words.abbreviations
    if SENTENCE_END.search(before) and not abbreviated:
        return _AFTER_SENTENCE
    if CLAUSE_END.search(before):
        return _AFTER_CLAUSE
    if abbreviated or bare in words.determiners or bare in words.auxiliaries or bare in words.pronouns:
        return _TOGETHER
    if bare in words.prepositions or bare in words.conjunctions:
        return _TOGETHER
    if after[:1] in _OPENING:
        return _AFTER_CLAUSE
    if bare.isdigit() or (before[:1].isupper() and after[:1].isupper()):
        return _TOGETHER
    if following in words.conjunctions:
        return _BEFORE_CONJUNCTION
    if following in words.prepositions:
        return _BEFORE_PREPOSITION
    return _BETWEEN_WORDS


def _cost_inside(before: str, after: str) -> int:
    """What it costs to break between two graphemes of what is written without a blank."""
    if not (is_wide(before[-1]) or is_wide(after[0])):
        return _INSIDE_WORD
    if after[0] in _NOT_FIRST or before[-1] in _NOT_LAST:
        return _WIDE_TOGETHER
    if SENTENCE_END.search(before):
        return _AFTER_SENTENCE
    if CLAUSE_END.search(before):
        return _AFTER_CLAUSE
    return _BETWEEN_WIDE


def _pages(row: _Row, line_ends: list[int], pace: Pace) -> list[tuple[int, int]]:
    """Where the pages begin and stop: as few as hold all, broken where it costs least."""
    profile = pace.profile
    count = len(row.pieces)
    room = profile.cells * profile.lines
    far = list(range(count))
    for _ in range(profile.lines):
        far = [line_ends[stop] for stop in far]
    if pace.most_cells < room:
        far = [
            max(first + 1, min(stop, bisect_right(row.ends, start + pace.most_cells)))
            for first, (stop, start) in enumerate(zip(far, row.starts, strict=True))
        ]
    words = list(accumulate(row.blanks, initial=0))
    # Where a word is divided at a line's end, each of its parts counts as one.
    most = pace.most_words if all(row.blanks[1:]) else max(1, pace.most_words - (profile.lines - 1))
    if words[-1] >= most:
        far = [
            max(first + 1, min(stop, bisect_right(words, words[first + 1] + most - 1) - 1))
            for first, stop in enumerate(far)
        ]

    def cost(first: int, stop: int) -> int:
        empty = max(0, room - (row.ends[stop - 1] - row.starts[first]))
        ending = 2 * row.costs[stop] if stop < count else 0
        return _empty(empty, room) + ending

    return _divided(0, count, far, cost)


def _lines(row: _Row, first: int, stop: int, line_ends: list[int], widest: int) -> tuple[str, ...]:
    """A page in as few lines as it fits into, of nearly the same width, broken where it costs least."""

    def cost(begin: int, end: int) -> int:
        free = max(0, widest - (row.ends[end - 1] - row.starts[begin]))
        return _ragged(free, widest) + (row.costs[end] if end < stop else 0)

    far = [min(end, stop) for end in line_ends[:stop]]
    return tuple(row.text(begin, end) for begin, end in _divided(first, stop, far, cost))


def _divided(first: int, last: int, far: list[int], cost: Callable[[int, int], int]) -> list[tuple[int, int]]:
    """The places from `first` to `last` as the fewest parts, and of the ways to do that the one of least cost.

    far: for each place, the last one where a part that begins there can stop. cost: of a part.
    """
    left = [0] * (last + 1)
    for place in range(last - 1, first - 1, -1):
        left[place] = 1 + left[far[place]]
    costs = {first: 0}
    origins: list[dict[int, int]] = []
    while last not in costs:
        longer: dict[int, int] = {}
        came_from: dict[int, int] = {}
        for begin, base in costs.items():
            end = far[begin]
            while end > begin and left[end] == left[begin] - 1:
                total = base + cost(begin, end)
                if end not in longer or total < longer[end]:
                    longer[end] = total
                    came_from[end] = begin
                end -= 1
        costs = longer
        origins.append(came_from)
    parts = []
    end = last
    for came_from in reversed(origins):
        parts.append((came_from[end], end))
        end = came_from[end]
    return parts[::-1]
