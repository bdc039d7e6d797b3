"""From what was seen to what is kept: spans become frame ranges here, once, and accepted findings become cuts.

The cutter and every exporter take the frame ranges made here, so that a clip and an EDL never differ by one.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from fractions import Fraction

from marlin_edit.analysis import Analysis, Finding, Verdict
from marlin_edit.errors import MarlinEditError
from marlin_edit.media import MediaInfo
from marlin_edit.timebase import FrameNumber, FrameRange, FrameRate, Span


@dataclass(frozen=True)
class Cut:
    """A stretch of a source that is kept. `finding` is what it was kept for, None for a span that a person gave."""

    source: Analysis
    frames: FrameRange
    finding: Finding | None
    name: str

    @property
    def span(self) -> Span:
        """The exact seconds of its frames: from the first one's start to the end of the last one."""
        media = self.source.media
        return Span(media.time_of(self.frames.first), media.time_of(self.frames.stop))


@dataclass(frozen=True)
class Edit:
    """The one value that every exporter and delivery takes: sources, what was seen in them, and what is kept.

    record_start: the finished programme's first frame number at `rate` (108000 for 01:00:00:00 at 30).
    """

    title: str
    rate: FrameRate
    record_start: int
    sources: tuple[Analysis, ...]
    cuts: tuple[Cut, ...] = ()

    def record_ranges(self) -> tuple[FrameRange, ...]:
        """Where each cut lies in the finished programme, one after another, record start included."""
        ranges = []
        position = self.record_start
        for cut in self.cuts:
            ranges.append(FrameRange(position, position + cut.frames.count))
            position += cut.frames.count
        return tuple(ranges)


def frames_of(span: Span, media: MediaInfo) -> FrameRange:
    """The frames presented inside a span, at least one; an end past the last frame is the end of the media.

    Raises MarlinEditError where the span begins after the end, or the media has no frames.
    """
    if media.rate is None or media.frame_count == 0:
        raise MarlinEditError(f"{media.path.name} has no picture, so there are no frames to cut.")
    first = media.first_frame_at(span.start)
    if first >= media.frame_count and span.start < media.duration:
        first = media.frame_count - 1
    if first >= media.frame_count:
        raise MarlinEditError(
            f"The span {span} begins after the end of {media.path.name} ({float(media.duration):.3f} s)."
        )
    return FrameRange(first, max(first + 1, min(media.first_frame_at(span.end), media.frame_count)))


def is_accepted(finding: Finding, threshold: float | None) -> bool:
    """Whether a finding is kept: a person's word first, then its score; without either it is kept, to be checked."""
    if finding.verdict is not None:
        return finding.verdict is Verdict.ACCEPTED
    return threshold is None or finding.score is None or finding.score >= threshold


Handles = FrameNumber | Fraction
"""Extra time kept on both sides of a cut: a number of frames, or seconds."""

NO_HANDLES = FrameNumber(0)


def widened(span: Span, media: MediaInfo, handles: Handles = NO_HANDLES) -> FrameRange:
    """The frames of a span with its handles, kept inside the media."""
    if isinstance(handles, FrameNumber):
        frames = frames_of(span, media)
        return FrameRange(max(0, frames.first - handles.number), min(media.frame_count, frames.stop + handles.number))
    return frames_of(Span(max(Fraction(0), span.start - handles), span.end + handles), media)


def cuts_of_findings(
    analysis: Analysis, handles: Handles = NO_HANDLES, threshold: float | None = None
) -> tuple[Cut, ...]:
    """A cut for each accepted finding, in order of time."""
    accepted = [finding for finding in analysis.findings if is_accepted(finding, threshold)]
    accepted.sort(key=lambda finding: (finding.span.start, finding.span.end))
    return tuple(
        Cut(analysis, widened(finding.span, analysis.media, handles), finding, finding.query) for finding in accepted
    )


def cuts_of_events(analysis: Analysis, handles: Handles = NO_HANDLES) -> tuple[Cut, ...]:
    """A cut for each event, in order of time."""
    return tuple(
        Cut(analysis, widened(event.span, analysis.media, handles), None, event.text) for event in analysis.events
    )


def cuts_of_spans(analysis: Analysis, spans: Sequence[Span], handles: Handles = NO_HANDLES) -> tuple[Cut, ...]:
    """A cut for each span that a person gave, in the order given."""
    return tuple(Cut(analysis, widened(span, analysis.media, handles), None, "") for span in spans)


def edit_of(
    analysis: Analysis,
    cuts: Sequence[Cut] = (),
    title: str | None = None,
    record_start: str = "01:00:00:00",
    rate: FrameRate | None = None,
) -> Edit:
    """The edit of one source. `record_start` is time code; at a drop-frame rate its label is read as drop-frame.

    rate: the edit's, where the source has none. Raises MarlinEditError where neither has one.
    """
    rate = analysis.media.rate or rate
    if rate is None:
        raise MarlinEditError(
            f"{analysis.media.path.name} has no known frame rate. Set one with --rate, e.g. --rate 24000/1001."
        )
    return Edit(title or analysis.media.path.stem, rate, rate.frame_of(record_start), (analysis,), tuple(cuts))
