"""What Resolve answers, as plain values: whole numbers come as floats or texts, rates in several spellings.

Versions differ: from 19.0.2 on an item's frames are asked for with whether fractions are wanted.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from fractions import Fraction
from typing import TYPE_CHECKING, Any, TypeVar

from marlin_edit.errors import MarlinEditError
from marlin_edit.timebase import FrameRate, snapped

if TYPE_CHECKING:
    from fusionscript import Resolve, TimelineItem

T = TypeVar("T")
Version = tuple[int, ...]
FRACTIONS_ASKED = (19, 0, 2)
END_LEFT_OUT = (19,)


@dataclass(frozen=True)
class Stretch:
    """Where an item of a timeline is: its first record frame, its length, and the source's frames left out before it.

    speed: False where the source's frames do not go by one a frame.
    """

    start: int
    count: int
    first: int
    plain_speed: bool = True


def version_of(resolve: Resolve) -> Version:
    """Major, minor and patch; zeros where Resolve says nothing of the kind."""
    told = resolve.GetVersion()
    numbers = [whole(part) for part in told[:3]] if isinstance(told, Sequence) else []
    return tuple(number or 0 for number in (*numbers, 0, 0, 0)[:3])


def whole(value: object) -> int | None:
    """A whole number, or None where it is none."""
    if isinstance(value, bool) or not isinstance(value, (int, float, str)):
        return None
    try:
        number = float(value)
        return int(number) if number == int(number) else None
    except (ValueError, OverflowError):
        return None


def rate_of(value: object) -> FrameRate | None:
    """A frame rate as settings and clips tell it: `24`, `23.976`, `29.97 DF`, 59.94, `25.0`."""
    text = str(value).strip() if isinstance(value, (int, float, str)) and not isinstance(value, bool) else ""
    try:
        rate = FrameRate.parse(text)
    except MarlinEditError:
        return None
    nearest, _ = snapped(Fraction(rate.value))
    return FrameRate(nearest.value, rate.drop_frame)


def listed(values: Sequence[T] | None) -> list[T]:
    """A list of Resolve's, which is None where it is empty or failed."""
    return [value for value in values if value is not None] if isinstance(values, Sequence) else []


def stretch_of(item: TimelineItem, version: Version) -> Stretch | None:
    """Where an item is; None where Resolve does not tell in whole frames."""
    start, count, first = (frames_of(ask, version) for ask in (item.GetStart, item.GetDuration, item.GetLeftOffset))
    if start is None or count is None or first is None:
        return None
    return Stretch(start, count, first, version < FRACTIONS_ASKED or _plain_speed(item, count))


def _plain_speed(item: TimelineItem, count: int) -> bool:
    """Whether nothing says that the source runs at another speed there."""
    begin, end = whole(item.GetSourceStartFrame()), whole(item.GetSourceEndFrame())
    # Whether the end is in it, differs; a frame more or less is no other speed.
    if begin is None or end is None or abs(end - begin - count) <= 1:
        return True
    # An end past the last frame counts from the media's time code, as some versions do, and says nothing here.
    clip = item.GetMediaPoolItem()
    frames = whole(clip.GetClipProperty("Frames")) if clip is not None else None
    return frames is not None and end > frames + 1


def frames_of(ask: Callable[..., Any], version: Version) -> int | None:
    """What an item answers to GetStart, GetDuration or GetLeftOffset."""
    return whole(ask(False) if version >= FRACTIONS_ASKED else ask())
