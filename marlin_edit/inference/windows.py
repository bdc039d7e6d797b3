"""Which spans of a source are looked at, and in which windows the model is shown them.

Windows of one run lie on one grid: each begins a whole number of pairs of frames after the first one. So if two windows
overlap, the model is shown the same pairs, and sees each of them once.
"""

from __future__ import annotations

import math
from collections.abc import Iterable
from fractions import Fraction

from marlin_edit.console import Console
from marlin_edit.errors import UsageError
from marlin_edit.media import MediaInfo
from marlin_edit.settings import DEFAULT, Settings
from marlin_edit.timebase import (
    AfterIn,
    FrameNumber,
    MediaEnd,
    OutPoint,
    Position,
    SourceTimecode,
    Span,
    position_text,
)
from marlin_edit.video_model import VideoModel

EDGE = Fraction(1, 2)
"""Seconds. An end this close to a window boundary may be the boundary and not an end: a model that is shown two frames
per second sees the last one half a second before the boundary."""

FEWEST_PAIRS = 4
"""Pairs of frames in the shortest window that may be asked for. Half of it still has the four frames that a model needs
at least."""


def span_between(media: MediaInfo, start: Position, end: OutPoint, console: Console) -> Span:
    """The span between two positions in a media file; an out point after the end is moved to the end, with a warning.

    Raises UsageError if the out point does not come after the in point, or the span begins after the end.
    """
    first = media.seconds_at(start)
    last = _out_point(media, first, end)
    if not 0 <= first < last:
        raise UsageError(
            f"The out point must come after the in point, and {position_text(end)} does not come after "
            f"{position_text(start)}."
        )
    if first >= media.duration:
        raise UsageError(
            f"{media.path.name} ends at {_end_of(media)}; the span begins at {position_text(start)}."
            f"{_start_of(media, start)}"
        )
    if last > media.duration:
        console.warning_once(
            f"{media.path.name} ends at {_end_of(media)}, before {position_text(end)}; the span ends there."
            f"{_start_of(media, end)}"
        )
        last = media.duration
    return Span(first, last)


def _out_point(media: MediaInfo, first: Fraction, end: OutPoint) -> Fraction:
    """Seconds of an out point; `first` are those of the in point."""
    if isinstance(end, MediaEnd):
        return max(media.duration, first + 1)  # a span that begins after the end is refused by where it begins
    if not isinstance(end, AfterIn):
        return media.seconds_at(end)
    if isinstance(end.length, FrameNumber) and media.rate is not None:
        return media.time_of(media.first_frame_at(first) + end.length.number)
    return first + media.seconds_at(end.length)


def _end_of(media: MediaInfo) -> str:
    label = f" (time code {media.rate.timecode(media.start_frame + media.frame_count)})" if media.rate else ""
    return f"{float(media.duration):.3f} s{label}"


def _start_of(media: MediaInfo, given: OutPoint) -> str:
    """A hint for a person who gave time code."""
    if not isinstance(given, SourceTimecode) or media.rate is None:
        return ""
    return f" Its time code starts at {media.start_timecode}."


def windows_over(wanted: Span, length: Fraction, overlap: Fraction, step: Fraction) -> tuple[Span, ...]:
    """Windows that show the whole of `wanted`, in order; `step` is the seconds between two frames that are shown.

    Each is at most `length` long, and two neighbours share `overlap` seconds, but at most half a window. Where the last
    one would be shorter than half a window, the last two share their part evenly. What fits into one window is one.
    """
    if wanted.length <= length:
        return (wanted,)
    pair = 2 * step
    length = max(pair, _whole(length, pair))
    overlap = _whole(min(overlap, length / 2), pair)
    starts = [wanted.start]
    while starts[-1] + length < wanted.end:
        starts.append(starts[-1] + length - overlap)
    ends = [start + length for start in starts]
    ends[-1] = wanted.end
    if ends[-1] - starts[-1] < length / 2:
        ends[-2] = starts[-2] + _whole((wanted.end - starts[-2] + overlap) / 2, pair)
        starts[-1] = ends[-2] - overlap
    return tuple(Span(start, end) for start, end in zip(starts, ends, strict=True))


def chosen_windows(wanted: Span, model: VideoModel, settings: Settings, console: Console) -> tuple[Span, ...]:
    """The windows that the settings `window` and `overlap` mean for this model, which may watch less at once.

    Raises UsageError for a window that is too short for the model's frames.
    """
    length, overlap = settings.value("window", Fraction), settings.value("overlap", Fraction)
    shortest = min(2 * FEWEST_PAIRS * model.sampling_step, model.longest_window)
    if length < shortest:
        raise UsageError(
            f"{settings.source('window')}: a window of {float(length):g} s is too short to see anything happen. "
            f"Give at least {float(shortest):g} s."
        )
    if length > model.longest_window:
        length = model.longest_window
        _report(
            console,
            settings,
            "window",
            f"the model watches at most {float(length):g} s at once, so windows have that length",
        )
    windows = windows_over(wanted, length, overlap, model.sampling_step)
    if len(windows) > 1 and overlap > length / 2:
        _report(
            console,
            settings,
            "overlap",
            f"at most half of a window overlaps the next, so it is {float(length / 2):g} s",
        )
    return windows


def maximal(spans: Iterable[Span]) -> tuple[Span, ...]:
    """The same moments in as few spans as possible, in order: those that touch or overlap become one."""
    joined: list[Span] = []
    for span in sorted(spans, key=lambda one: (one.start, one.end)):
        if joined and span.start <= joined[-1].end:
            joined[-1] = Span(joined[-1].start, max(joined[-1].end, span.end))
        else:
            joined.append(span)
    return tuple(joined)


def uncovered(wanted: Iterable[Span], seen: Iterable[Span]) -> tuple[Span, ...]:
    """What of the wanted moments is in none of the others, as few spans as possible."""
    left = list(maximal(wanted))
    for other in seen:
        rest: list[Span] = []
        for span in left:
            for start, end in ((span.start, min(span.end, other.start)), (max(span.start, other.end), span.end)):
                if start < end:
                    rest.append(Span(start, end))
        left = rest
    return tuple(left)


def _whole(seconds: Fraction, pair: Fraction) -> Fraction:
    return math.floor(seconds / pair) * pair


def _report(console: Console, settings: Settings, name: str, words: str) -> None:
    """Report that a value cannot be used; a default one only with -v."""
    source = settings.source(name)
    (console.detail if source == DEFAULT else console.receipt)(f"{name} ({source}): {words}")
