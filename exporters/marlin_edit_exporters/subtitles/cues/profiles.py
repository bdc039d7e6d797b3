"""What a readable track is: rules by name, kept as TOML files beside this one, or in a file of the person's own."""

from __future__ import annotations

import math
import tomllib
from collections.abc import Mapping
from dataclasses import dataclass, field, fields, replace
from fractions import Fraction
from functools import cache
from importlib import resources
from pathlib import Path
from typing import Any

from marlin_edit.errors import MarlinEditError, UsageError, did_you_mean
from marlin_edit.media import MediaInfo
from marlin_edit.timebase import FrameRate, parse_seconds
from marlin_edit_exporters.subtitles.cues.width import cells as cells_of

_FASTEST_RATE = Fraction(60)
_SLOWEST_RATE = Fraction(24000, 1001)


@dataclass(frozen=True)
class Profile:
    """The rules of a readable track. Times are seconds, widths cells, speeds cells a second or words a minute.

    seconds_a_word: a cue stays at least so long for each. gap_frames: between two cues. closed_under: a gap shorter
    than this is closed to `gap_frames`. shot_reach: how near to a shot change a cue's start or end is put on it, an end
    `shot_frames` before. early, late: how far a cue may begin from its event. dash: stands before each line of a cue
    with two speakers. portrait: what differs where the picture is higher than wide.
    """

    name: str
    help: str
    cells: int
    lines: int
    wished_speed: Fraction
    top_speed: Fraction
    shortest: Fraction
    longest: Fraction
    gap_frames: int
    closed_under: Fraction
    early: Fraction
    late: Fraction
    seconds_a_word: Fraction = Fraction(0)
    wished_words: Fraction | None = None
    top_words: Fraction | None = None
    shot_reach: Fraction = Fraction(0)
    shot_frames: int = 0
    dash: str = "- "
    portrait: Mapping[str, int] | None = None

    def on_picture(self, media: MediaInfo) -> Profile:
        """The rules on this picture, which may be higher than wide."""
        width, height = (media.height, media.width) if media.rotation % 180 else (media.width, media.height)
        if self.portrait is None or not height > width > 0:
            return self
        cells, lines = self.portrait.get("cells", self.cells), self.portrait.get("lines", self.lines)
        return replace(self, cells=cells, lines=lines)

    def spoken_at(self, words_a_minute: int) -> Profile:
        """The same for what is spoken: it takes at least the time that so many words a minute take."""
        pace = Fraction(words_a_minute)
        return replace(
            self, wished_words=min(pace, self.wished_words or pace), top_words=min(pace, self.top_words or pace)
        )

    def at_wished_speed(self) -> Profile:
        """The same, with the wished speed as the top one."""
        return replace(self, top_speed=self.wished_speed, top_words=self.wished_words)


Each = tuple[int, int]
"""Milliseconds that each of something takes, as numerator and denominator: they are used very often."""


@dataclass(frozen=True)
class Pace:
    """A profile's times in whole milliseconds, at a frame rate.

    gap: the least between two cues. open_gap: gaps above this and under `closed_under` are to be closed; it differs
    from `gap` only where the rate is not known. most_cells, most_words: what can be read in the longest time.
    """

    profile: Profile
    gap: int
    open_gap: int
    closed_under: int
    least: int
    longest: int
    shot_reach: int
    shot_gap: int
    most_cells: int
    most_words: int
    word: Each
    top: tuple[Each, Each]
    wished: tuple[Each, Each]
    known_times: dict[tuple[int, int], tuple[int, int]] = field(default_factory=dict, repr=False, compare=False)

    @classmethod
    def of(cls, profile: Profile, rate: FrameRate | None) -> Pace:
        """Frames are taken as those of 23.976 to 60 fps; without a rate, whatever of these suits a file is right."""
        value = min(max(rate.value, _SLOWEST_RATE), _FASTEST_RATE) if rate is not None else _FASTEST_RATE
        gap_rate = value if rate is not None else _SLOWEST_RATE
        a_word = max(profile.seconds_a_word, 60 / profile.top_words if profile.top_words else Fraction(0))
        return cls(
            profile,
            gap=math.ceil(profile.gap_frames * 1000 / value),
            open_gap=math.ceil(profile.gap_frames * 1000 / gap_rate),
            closed_under=math.floor(profile.closed_under * 1000),
            least=math.ceil(profile.shortest * 1000),
            longest=math.floor(profile.longest * 1000),
            shot_reach=math.floor(profile.shot_reach * 1000),
            shot_gap=math.ceil(profile.shot_frames * 1000 / value),
            most_cells=math.floor(profile.longest * profile.top_speed),
            most_words=math.floor(profile.longest / a_word) if a_word else 10**6,
            word=_each(profile.seconds_a_word),
            top=(_each(1 / profile.top_speed), _each(60 / profile.top_words if profile.top_words else 0)),
            wished=(
                _each(1 / profile.wished_speed),
                _each(60 / profile.wished_words if profile.wished_words else 0),
            ),
        )

    def times(self, width: int, words: int) -> tuple[int, int]:
        """Milliseconds that a text of so many cells and words has to stay, and those that it would better stay."""
        known = self.known_times.get((width, words))
        if known is None:
            known = self.known_times[width, words] = self._times(width, words)
        return known

    def _times(self, width: int, words: int) -> tuple[int, int]:
        shortest = self.shortest(words)
        (cell, cell_of), (word, word_of) = self.top
        need = max(shortest, -(-cell * width // cell_of), -(-word * words // word_of))
        (cell, cell_of), (word, word_of) = self.wished
        wish = max(need, -(-cell * width // cell_of), -(-word * words // word_of))
        return need, min(wish, self.longest)

    def shortest(self, words: int) -> int:
        """The least that a text of so many words stays, whatever its width."""
        word, word_of = self.word
        return max(self.least, -(-word * words // word_of))


def _each(seconds: Fraction | int) -> Each:
    milliseconds = Fraction(seconds) * 1000
    return milliseconds.numerator, milliseconds.denominator


def size(lines: tuple[str, ...]) -> tuple[int, int]:
    """Cells and words of a cue's lines; where a line ends, nothing is counted."""
    width = words = 0
    for line in lines:
        width += len(line) if line.isascii() else cells_of(line)
        words += line.count(" ") + 1
    return width, words


def names() -> list[str]:
    """The profiles that come with marlin-edit."""
    return sorted(
        entry.name.removesuffix(".toml")
        for entry in _rules().iterdir()
        if entry.name.endswith(".toml") and entry.name != "languages.toml"
    )


@cache
def profile_named(name: str) -> Profile:
    """A profile by its name, or from a TOML file; UsageError says what is wrong with it."""
    if name in names():
        return _profile(name, tomllib.loads((_rules() / f"{name}.toml").read_text(encoding="utf-8")), None)
    if not name.endswith(".toml"):
        known = names()
        raise UsageError(
            f"There is no profile {name!r}.{did_you_mean(name, known)} Profiles: {', '.join(known)}, or a .toml file."
        )
    path = Path(name).expanduser()
    try:
        entries = tomllib.loads(path.read_text(encoding="utf-8-sig"))
    except OSError as error:
        raise UsageError(f"The profile {path} cannot be read: {error.strerror}.") from error
    except (tomllib.TOMLDecodeError, UnicodeDecodeError, RecursionError) as error:
        raise UsageError(f"The profile {path} is not TOML: {error}.") from error
    base = entries.pop("base", "default")
    if base not in names():
        raise UsageError(f"{path}: base is one of {', '.join(names())}, not {base!r}.")
    return _profile(path.stem, entries, profile_named(base))


@dataclass(frozen=True, eq=False)
class Words:
    """A language's words that say where its lines are best broken, in small letters; empty where it is not known."""

    conjunctions: frozenset[str] = frozenset()
    prepositions: frozenset[str] = frozenset()
    determiners: frozenset[str] = frozenset()
    auxiliaries: frozenset[str] = frozenset()
    pronouns: frozenset[str] = frozenset()
    abbreviations: frozenset[str] = frozenset()


@cache
def words_of(language: str) -> Words:
    """The words of a language by its tag (`en`, `en-GB`)."""
    known = tomllib.loads((_rules() / "languages.toml").read_text(encoding="utf-8"))
    lists = known.get(language.lower().replace("_", "-").split("-")[0], {})
    return Words(**{name: frozenset(words) for name, words in lists.items()})


def _rules() -> Any:
    return resources.files(__package__) / "rules"


_WHOLE = {"cells": (10, 200), "lines": (1, 10), "gap_frames": (0, 100), "shot_frames": (0, 100)}
_NONE_IS_ZERO = {"seconds_a_word", "closed_under", "shot_reach", "early", "late"}


def _profile(name: str, entries: dict[str, Any], base: Profile | None) -> Profile:
    """A profile of a file's entries; what they leave out is the base's."""
    known = {field.name for field in fields(Profile)} - {"name"}
    for key in entries.keys() - known:
        raise UsageError(f"The profile {name} has an entry {key!r} that means nothing.{did_you_mean(key, known)}")
    values: dict[str, Any] = {"name": name}
    for key, value in entries.items():
        values[key] = _read(name, key, value)
    profile = replace(base, **{"help": f"Rules of {name}.", **values}) if base is not None else Profile(**values)
    if profile.shortest > profile.longest:
        raise UsageError(f"The profile {name} has a shortest time above its longest.")
    if profile.wished_speed > profile.top_speed or (profile.wished_words or 0) > (profile.top_words or math.inf):
        raise UsageError(f"The profile {name} wishes a speed above its top speed.")
    if profile.closed_under * 1000 > profile.shortest * 1000 * 2:
        raise UsageError(f"The profile {name} closes gaps longer than two of its shortest cues (closed_under).")
    pace = Pace.of(profile, None)
    if pace.most_cells < 4 or pace.most_words < profile.lines + 1:
        raise UsageError(f"Under the profile {name}, a few letters would need longer than its longest cue.")
    return profile


def _read(name: str, key: str, value: Any) -> Any:
    if key == "help":
        return str(value)
    if key == "dash":
        if not isinstance(value, str) or len(value) > 3:
            raise UsageError(f"The profile {name}: dash is a text of up to three letters, not {value!r}.")
        return value
    if key == "portrait":
        if not isinstance(value, dict) or value.keys() - {"cells", "lines"}:
            raise UsageError(f"The profile {name}: [portrait] has cells and lines, and nothing else.")
        return {inner: _read(name, inner, number) for inner, number in value.items()}
    if key in _WHOLE:
        low, high = _WHOLE[key]
        if isinstance(value, bool) or not isinstance(value, int) or not low <= value <= high:
            raise UsageError(f"The profile {name}: {key} is a whole number from {low} to {high}, not {value!r}.")
        return value
    try:
        number = parse_seconds(value)
    except MarlinEditError:
        number = Fraction(-1)
    if not 0 <= number <= 3600 or (number == 0 and key not in _NONE_IS_ZERO):
        raise UsageError(f"The profile {name}: {key} is a number above 0, at most 3600, not {value!r}.")
    return number
