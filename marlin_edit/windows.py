"""Which stretches of a source are looked at, and in which windows the model is shown them."""

from __future__ import annotations

from fractions import Fraction

from marlin_edit.console import Console
from marlin_edit.errors import UsageError
from marlin_edit.media import MediaInfo
from marlin_edit.timebase import Position, Span, seconds_text


def span_between(media: MediaInfo, start: Position, end: Position, console: Console) -> Span:
    """The span between two positions in a media file; an end past the media's is taken to its end, with a warning.

    Raises UsageError where the out point does not come after the in point, or the span begins after the end.
    """
    first, last = media.seconds_at(start), media.seconds_at(end)
    if not 0 <= first < last:
        raise UsageError(
            f"The out point must come after the in point, and {seconds_text(last)} s does not come after "
            f"{seconds_text(first)} s."
        )
    if first >= media.duration:
        raise UsageError(
            f"The span from {seconds_text(first)} s begins after the end of {media.path.name}, "
            f"which is {float(media.duration):.3f} s."
        )
    if last > media.duration:
        console.warning(
            f"The span to {seconds_text(last)} s reaches past the end of {media.path.name}: "
            f"taken to its end, {float(media.duration):.3f} s."
        )
        last = media.duration
    return Span(first, last)


def single_window(media: MediaInfo, wanted: Span, longest: Fraction) -> Span:
    """The one window that shows the whole of `wanted`; UsageError where the model was not trained for that length."""
    if wanted.length > longest:
        raise UsageError(
            f"The model watches at most {float(longest):g} s at once, and {media.path.name} has "
            f"{float(wanted.length):.3f} s to look at. Choose a part with --range IN-OUT, "
            f"e.g. --range {float(wanted.start):g}-{float(wanted.start + longest):g}."
        )
    return wanted
