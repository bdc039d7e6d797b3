"""Where frames lie: on the source's clock as the container tells it, and on a clip's own clock, which its first frame
starts at zero. At a constant rate both follow the rate, so that what a container rounded is not carried on.
"""

from __future__ import annotations

import math
from bisect import bisect_left
from dataclasses import dataclass
from fractions import Fraction

from marlin_edit.media import MediaInfo


def time_of(media: MediaInfo, frame: int) -> Fraction:
    """Seconds from zero at which a frame is presented; frames before zero (hidden by an edit list) count on."""
    if media.times is None and media.rate is not None:
        return media.rate.seconds(frame)
    return media.time_of(frame)


def frame_number(media: MediaInfo, container_seconds: Fraction) -> int:
    """The frame that is presented at a time on the container's clock: the nearest one."""
    since = container_seconds - media.zero
    if media.times is None:
        assert media.rate is not None
        return round(since * media.rate.value)
    pts, ticks = media.times.pts, since / media.times.time_base
    place = bisect_left(pts, ticks)
    if place == 0:
        return 0 if not pts or abs(pts[0] - ticks) * media.times.time_base < Fraction(1, 1000) else -1
    if place == len(pts):
        near_end = (ticks - pts[-1]) * media.times.time_base < Fraction(1, 1000)
        return len(pts) - 1 if near_end else len(pts)
    return place if pts[place] - ticks < ticks - pts[place - 1] else place - 1


class Steps:
    """From one clock's ticks to another's: `nearest(ticks)` is round((ticks * tick - zero) / unit), all in seconds.

    In whole numbers, because it is asked for every packet.
    """

    def __init__(self, tick: Fraction, zero: Fraction, unit: Fraction) -> None:
        step, offset = Fraction(tick / unit), Fraction(zero / unit)
        self._parts = math.lcm(step.denominator, offset.denominator)
        self._step = step.numerator * (self._parts // step.denominator)
        self._offset = offset.numerator * (self._parts // offset.denominator)

    def nearest(self, ticks: int) -> int:
        """The frame nearest to a time."""
        whole, rest = divmod(ticks * self._step - self._offset, self._parts)
        return whole + (2 * rest > self._parts or (2 * rest == self._parts and whole % 2))


def first_tick(seconds: Fraction, tick: Fraction) -> int:
    """The first tick at `seconds` or later."""
    return math.ceil(seconds / tick)


@dataclass(frozen=True)
class ClipClock:
    """The clock of a clip that begins with frame `first` of its source."""

    media: MediaInfo
    first: int

    @property
    def time_base(self) -> Fraction:
        """Seconds in a tick: one frame at a constant rate, the source's own tick where the rate varies."""
        if self.media.times is not None:
            return self.media.times.time_base
        assert self.media.rate is not None
        return self.media.rate.seconds_per_frame

    def seconds(self, frame: int) -> Fraction:
        """The time of a frame in the clip."""
        return time_of(self.media, frame) - time_of(self.media, self.first)

    def ticks(self, frame: int) -> int:
        """The time of a frame in the clip's ticks."""
        if self.media.times is None:
            return frame - self.first
        return round(self.seconds(frame) / self.time_base)

    def frame_at(self, ticks: int) -> int:
        """The source's frame that is presented at a tick of the clip."""
        if self.media.times is None:
            return self.first + ticks
        return frame_number(self.media, self.media.zero + time_of(self.media, self.first) + ticks * self.time_base)
