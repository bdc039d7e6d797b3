"""Every conversion between seconds, frames and time code.

Seconds are exact `Fraction`s and frames are `int`s, both counted from the programme's zero. Ranges leave their end out.
Time code labels wrap at 24 hours; frame numbers never do.
"""

from __future__ import annotations

import math
import re
from dataclasses import dataclass
from fractions import Fraction
from functools import lru_cache

from marlin_edit.errors import MarlinEditError, UsageError

TOLERANCE = Fraction(1, 10_000)
"""How far before a span's end points a frame may be presented and still count as being there, in seconds."""

_TOLERANCE_WHOLE, _TOLERANCE_PARTS = TOLERANCE.as_integer_ratio()
_NTSC = {"23.976": 24, "23.98": 24, "29.97": 30, "47.952": 48, "47.95": 48, "59.94": 60, "119.88": 120}
_STANDARD = tuple(
    sorted(
        [Fraction(whole) for whole in (24, 25, 30, 48, 50, 60, 100, 120)]
        + [Fraction(whole * 1000, 1001) for whole in (24, 30, 48, 60, 120)]
    )
)
_SNAP = Fraction(5, 10_000)
_LONGEST_TIME = 100
_DROPPING = tuple(Fraction(whole * 1000, 1001) for whole in (30, 60, 120))


@dataclass(frozen=True)
class FrameRate:
    """An exact frame rate, and whether its time code skips labels (drop-frame).

    Drop-frame exists at 30000/1001, 60000/1001 and 120000/1001 only (SMPTE ST 12-1 and its high-rate practice).

    Attributes:
        value: Frames per second.
        drop_frame: Whether labels are skipped, so that they keep up with the clock.
    """

    value: Fraction
    drop_frame: bool = False

    def __post_init__(self) -> None:
        if self.value <= 0:
            raise MarlinEditError(f"A frame rate is above zero, not {self.value}.")
        if self.drop_frame and self.value not in _DROPPING:
            raise MarlinEditError(
                f"Drop-frame time code exists at 29.97, 59.94 and 119.88 fps only, not at {self.name}."
            )

    @classmethod
    def parse(cls, text: str) -> FrameRate:
        """Read `25`, `24000/1001`, `23.976`, `29.97df` or `29.97ndf`; the usual NTSC names mean their exact rates."""
        words = re.fullmatch(r"\s*([0-9]+(?:\.[0-9]+)?)(?:/([0-9]+))?\s*(fps)?\s*(df|ndf)?\s*", text, re.IGNORECASE)
        if words is None or Fraction(words[1]) == 0 or (words[2] is not None and int(words[2]) == 0):
            raise UsageError(f"{text!r} is not a frame rate. Write it like 25, 23.976, 24000/1001 or 29.97df.")
        if words[2] is None and words[1].rstrip("0") in _NTSC:
            value = Fraction(_NTSC[words[1].rstrip("0")] * 1000, 1001)
        else:
            value = Fraction(words[1]) / int(words[2] or 1)
        return cls(value, drop_frame=(words[4] or "").lower() == "df")

    @property
    def base(self) -> int:
        """Labels in one second of time code: 24 at 23.976, 30 at 29.97."""
        return math.ceil(self.value)

    @property
    def name(self) -> str:
        """The rate as people say it: `25`, `23.976`, `29.97 DF`."""
        if self.value.denominator == 1:
            return str(self.value)
        text = f"{float(self.value):.3f}".rstrip("0").rstrip(".")
        return f"{text} DF" if self.drop_frame else text

    @property
    def frames_per_day(self) -> int:
        """Frame numbers until the labels begin again."""
        skipped = self.base // 15 * 9 * 144 if self.drop_frame else 0
        return self.base * 86_400 - skipped

    @property
    def seconds_per_frame(self) -> Fraction:
        """Seconds between two frames."""
        return 1 / self.value

    def seconds(self, frame: int) -> Fraction:
        """When frame `frame` is presented, in seconds from zero, at a constant rate."""
        return frame / self.value

    def first_frame_at(self, seconds: Fraction) -> int:
        """The first frame presented at `seconds` or later, within the tolerance."""
        return first_tick_at(seconds, *self.value.as_integer_ratio())

    def nearest_frame(self, seconds: Fraction) -> int:
        """The frame that begins nearest to `seconds`; of two equally near ones the later."""
        return math.floor(seconds * self.value + Fraction(1, 2))

    def timecode(self, frame: int) -> str:
        """The label of a frame number counted from 00:00:00:00; `;` before the frames says drop-frame."""
        base = self.base
        if self.drop_frame:
            skipped = base // 15
            per_minute = base * 60 - skipped
            per_ten = per_minute * 10 + skipped
            frame %= per_ten * 144
            tens, rest = divmod(frame, per_ten)
            minutes = 0 if rest < base * 60 else 1 + (rest - base * 60) // per_minute
            frame += skipped * (9 * tens + minutes)
        frame %= base * 86_400
        seconds, frames = divmod(frame, base)
        minutes, seconds = divmod(seconds, 60)
        hours, minutes = divmod(minutes, 60)
        separator = ";" if self.drop_frame else ":"
        return f"{hours:02}:{minutes:02}:{seconds:02}{separator}{frames:0{len(str(base - 1))}}"

    def frame_of(self, timecode: str) -> int:
        """The frame number of a label; labels that drop-frame skips and fields out of range are refused."""
        fields = re.fullmatch(r"\s*(\d{1,2}):(\d{2}):(\d{2})[:;.,](\d{2,3})\s*", timecode)
        if fields is None:
            raise UsageError(
                f"{timecode!r} is not a time code. Write it like 01:00:00:00 (or 01:00:00;00 for drop-frame)."
            )
        hours, minutes, seconds, frames = (int(field) for field in fields.groups())
        if hours > 23 or minutes > 59 or seconds > 59 or frames >= self.base:
            raise UsageError(f"The time code {timecode} does not exist at {self.name} fps.")
        number = ((hours * 60 + minutes) * 60 + seconds) * self.base + frames
        if self.drop_frame:
            skipped = self.base // 15
            if seconds == 0 and frames < skipped and minutes % 10 != 0:
                raise UsageError(f"The time code {timecode} does not exist at {self.name} fps: drop-frame skips it.")
            whole_minutes = hours * 60 + minutes
            number -= skipped * (whole_minutes - whole_minutes // 10)
        return number


def first_tick_at(seconds: Fraction, ticks: int, in_seconds: int) -> int:
    """The first of evenly spaced ticks at `seconds` or later, within the tolerance.

    Args:
        seconds: The time.
        ticks: How many ticks are in `in_seconds` seconds.
        in_seconds: See `ticks`.
    """
    # In whole numbers, because it is asked for every end of thousands of spans.
    whole, parts = seconds.as_integer_ratio()
    earliest = whole * _TOLERANCE_PARTS - _TOLERANCE_WHOLE * parts
    return -(-earliest * ticks // (parts * _TOLERANCE_PARTS * in_seconds))


def snapped(average: Fraction) -> tuple[FrameRate, bool]:
    """The standard rate within 0.05 % of a measured average, and whether that differs from the average itself.

    If it is too far from every standard rate, the average itself is returned.
    """
    nearest = min(_STANDARD, key=lambda rate: abs(rate - average))
    if abs(nearest - average) <= nearest * _SNAP:
        return FrameRate(nearest), nearest != average
    return FrameRate(average), False


def nearest_standard(average: Fraction) -> FrameRate:
    """The standard rate closest to an average, however far that is, for programs that need a rate."""
    return FrameRate(min(_STANDARD, key=lambda rate: abs(rate - average)))


@dataclass(frozen=True)
class Span:
    """A part of a programme in exact seconds from zero: `start` is in it, `end` is not."""

    start: Fraction
    end: Fraction

    def __post_init__(self) -> None:
        if not 0 <= self.start < self.end:
            raise MarlinEditError(
                f"A span needs 0 <= start < end, not {short_seconds(self.start)} - {short_seconds(self.end)} s."
            )

    @property
    def length(self) -> Fraction:
        """Seconds."""
        return self.end - self.start

    def overlap(self, other: Span) -> Fraction:
        """Seconds that both have; 0 when they are apart."""
        return max(Fraction(0), min(self.end, other.end) - max(self.start, other.start))

    def within(self, other: Span) -> Span | None:
        """The part of this span that lies in `other`, or None."""
        start, end = max(self.start, other.start), min(self.end, other.end)
        return Span(start, end) if start < end else None

    def __str__(self) -> str:
        return f"{short_seconds(self.start)} - {short_seconds(self.end)} s"


@dataclass(frozen=True)
class FrameRange:
    """Presented frames `first` to `stop`, `stop` not included; at least one."""

    first: int
    stop: int

    def __post_init__(self) -> None:
        if not 0 <= self.first < self.stop:
            raise MarlinEditError(f"A frame range needs 0 <= first < stop, not {self.first} to {self.stop}.")

    @property
    def count(self) -> int:
        """How many frames."""
        return self.stop - self.first


@dataclass(frozen=True)
class FrameNumber:
    """A position given as the n-th presented frame."""

    number: int


@dataclass(frozen=True)
class SourceTimecode:
    """A position given as time code of the source, its start time code included."""

    text: str


Position = Fraction | FrameNumber | SourceTimecode
"""A place in a programme as a person gives it: seconds, a frame or source time code."""


@dataclass(frozen=True)
class AfterIn:
    """An out point given as so long after the in point."""

    length: Fraction | FrameNumber


@dataclass(frozen=True)
class MediaEnd:
    """An out point at the end of the media."""


OutPoint = Position | AfterIn | MediaEnd
"""The end of a span as a person gives it."""


def parse_position(text: str) -> Position:
    """Read `14.3`, `14,3 s`, `1m30`, `1:02.5`, `0:01:02,5`, `222f`, or time code: `01:00:07:10`, `01:00:07;10`."""
    text = text.strip().replace(",", ".")
    if len(text) > _LONGEST_TIME:
        raise UsageError(f"A time of {len(text)} characters cannot be read. Write it like 14.3, 222f or 01:00:07:10.")
    if re.fullmatch(r"\d+f", text):
        return FrameNumber(int(text[:-1]))
    if re.fullmatch(r"\d{1,2}:\d{2}:\d{2}[:;]\d{2,3}", text):
        return SourceTimecode(text)
    if re.fullmatch(r"\d+(\.\d+)? ?s?|\d+/\d+ ?s?", text) and not re.search(r"/0+ ?s?$", text):
        return Fraction(text.removesuffix("s").rstrip())
    units = re.fullmatch(r"(?:(\d+(?:\.\d+)?) ?h)? ?(?:(\d+(?:\.\d+)?) ?m(?:in)?)? ?(?:(\d+(?:\.\d+)?) ?s?)?", text)
    if units is not None and (units[1] or units[2]):
        return clock_seconds(*(part or "0" for part in units.groups()))
    clock = re.fullmatch(r"(?:(\d+):)?(\d{1,2}):(\d{1,2}(?:\.\d+)?)", text)
    if clock is not None and int(clock[2]) < 60 and Fraction(clock[3]) < 60:
        return clock_seconds(clock[1] or "0", clock[2], clock[3])
    raise UsageError(
        f"{text!r} is not a time. Write seconds (14.3), minutes (1m30 or 1:30), frames (222f) or time code "
        "(01:00:07:10)."
    )


def clock_seconds(hours: str, minutes: str, seconds: str) -> Fraction:
    """The parts of a clock time, with a point or a comma before decimals, as exact seconds."""
    exact = [Fraction(part.replace(",", ".")) for part in (hours, minutes, seconds)]
    return exact[0] * 3600 + exact[1] * 60 + exact[2]


def position_text(position: OutPoint) -> str:
    """A position as a person gave it: `14.3 s`, `222f`, its time code, `+4 s` or `end`."""
    if isinstance(position, MediaEnd):
        return "end"
    if isinstance(position, AfterIn):
        return f"+{position_text(position.length)}"
    if isinstance(position, FrameNumber):
        return f"{position.number}f"
    return position.text if isinstance(position, SourceTimecode) else f"{short_seconds(position)} s"


_BETWEEN = re.compile(r"\s*(?:-+>?|[\u2010-\u2015\u2212\u2192]|\.\.+|\bto\b)\s*")
"""What people write between the ends of a span: hyphens and dashes, minus, arrows, two points, `to`."""


def parse_positions(text: str) -> tuple[Position, OutPoint]:
    """Read `IN-OUT`, OUT not included; OUT is a position, `end` (or nothing), or `+` with a length from IN on."""
    ends = _BETWEEN.split(text.strip())
    if len(ends) != 2 or not ends[0]:
        raise UsageError(
            f"{text!r} is not a span. Write IN-OUT, like 14.3-18.2, 222f-312f, 01:00:07:10-01:00:11:02, 14.3-end or "
            "14.3-+4 (4 s from there on)."
        )
    start, end = ends
    if end.casefold() in ("end", ""):
        return parse_position(start), MediaEnd()
    if end.startswith("+"):
        length = parse_position(end[1:])
        if isinstance(length, SourceTimecode):
            raise UsageError(f"{end!r} is not a length. Write seconds (+4), minutes (+1m30) or frames (+100f).")
        return parse_position(start), AfterIn(length)
    return parse_position(start), parse_position(end)


_SHORT_NUMBER = re.compile(r"\s*([+-]?\d{1,30}(?:\.\d{1,30})?)(?:/(\d{1,30}))?\s*")


def short_number(text: str) -> Fraction:
    """A number as a file states one: `25`, `29.97` or `30000/1001`, without an exponent, of at most 30 digits a part.

    An exponent of nine digits would make a number that no memory holds.

    Raises:
        ValueError: Anything else, and a denominator of 0.
    """
    found = _SHORT_NUMBER.fullmatch(text)
    if found is None or (found[2] is not None and int(found[2]) == 0):
        raise ValueError(f"{text[:40]!r} is no number")
    return Fraction(found[1]) / int(found[2] or 1)


def parse_seconds(value: object) -> Fraction:
    """Exact seconds from a file's decimal or `n/d` text, or from a number (through its shortest decimal form)."""
    if isinstance(value, (int, float, str)) and not isinstance(value, bool):
        text = str(value).strip() if not isinstance(value, int) or abs(value) < 10**_LONGEST_TIME else ""
        # An exponent of nine digits would make a number that no memory holds.
        if len(text) <= _LONGEST_TIME and not re.search(r"[eE][-+]?\d{4}", text):
            try:
                return Fraction(text)
            except (ValueError, ZeroDivisionError):
                pass
    raise MarlinEditError(f'{value!r} is not a time in seconds. Write it like 14.3, "14.3" or "1001/24".')


def seconds_text(seconds: Fraction) -> str:
    """Seconds written exactly: decimal where that is exact in nine places, else `n/d`."""
    numerator, denominator = seconds.as_integer_ratio()
    if denominator == 1:
        return str(numerator)
    scaled, rest = divmod(numerator * 10**9, denominator)
    if rest:
        return f"{numerator}/{denominator}"
    sign = "-" if scaled < 0 else ""
    whole, part = divmod(abs(scaled), 10**9)
    return f"{sign}{whole}.{part:09}".rstrip("0").rstrip(".")


def short_seconds(seconds: Fraction) -> str:
    """Seconds as a person reads them, with at most three decimals: `14.3`, `41.708`."""
    return f"{float(seconds):.3f}".rstrip("0").rstrip(".")


def clock_text(seconds: Fraction, separator: str = ".") -> str:
    """`HH:MM:SS.mmm`, rounded to the nearest millisecond (half up); hours take as many digits as they need."""
    return milliseconds_text(milliseconds_of(seconds), separator)


def milliseconds_of(seconds: Fraction) -> int:
    """Seconds as whole milliseconds, rounded to the nearest (half up)."""
    numerator, denominator = seconds.as_integer_ratio()
    return (numerator * 2000 + denominator) // (2 * denominator)


def milliseconds_around(start: Fraction, end: Fraction) -> tuple[int, int]:
    """Whole milliseconds that hold all of a part: the start rounded down, the end up."""
    return math.floor(start * 1000), math.ceil(end * 1000)


def milliseconds_text(milliseconds: int, separator: str = ".") -> str:
    """Whole milliseconds as `HH:MM:SS.mmm`; hours take as many digits as they need."""
    # Numbers are made into text once each: a track asks for hundreds of thousands of times, one after another.
    minutes, rest = divmod(milliseconds, 60_000)
    seconds, rest = divmod(rest, 1000)
    return f"{_hours_and_minutes(minutes)}:{_TWO_DIGITS[seconds]}{separator}{_THREE_DIGITS[rest]}"


_TWO_DIGITS = tuple(f"{number:02}" for number in range(60))
_THREE_DIGITS = tuple(f"{number:03}" for number in range(1000))


@lru_cache(maxsize=2**12)
def _hours_and_minutes(minutes: int) -> str:
    hours, minutes = divmod(minutes, 60)
    return f"{hours:02}:{minutes:02}"
