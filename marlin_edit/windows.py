"""Which stretches of a source the model is shown."""

from __future__ import annotations

from fractions import Fraction

from marlin_edit.errors import UsageError
from marlin_edit.media import MediaInfo
from marlin_edit.timebase import Span, parse_positions


def wanted_span(media: MediaInfo, text: str | None) -> tuple[Span, str | None]:
    """The stretch that `--range IN-OUT` names, the whole media without it, and a warning if its end was clamped.

    Raises UsageError where the range is reversed or begins after the end.
    """
    if text is None:
        return Span(Fraction(0), media.duration), None
    start, end = (media.seconds_at(position) for position in parse_positions(text))
    if not 0 <= start < end:
        raise UsageError(f"{text!r} is not a span: the out point must come after the in point.")
    if start >= media.duration:
        raise UsageError(f"{text!r} begins after the end of {media.path.name}, which is {float(media.duration):.3f} s.")
    if end > media.duration:
        warning = f"{text} reaches past the end of {media.path.name}; taken to its end, {float(media.duration):.3f} s"
        return Span(start, media.duration), warning
    return Span(start, end), None


def single_window(media: MediaInfo, wanted: Span, longest: Fraction) -> Span:
    """The one window that shows the whole of `wanted`; UsageError where the model was not trained for that length."""
    if wanted.length > longest:
        raise UsageError(
            f"The model watches at most {float(longest):g} s at once, and {media.path.name} has "
            f"{float(wanted.length):.3f} s to look at. Choose a part with --range IN-OUT, "
            f"e.g. --range {float(wanted.start):g}-{float(wanted.start + longest):g}."
        )
    return wanted
