"""From what was seen to what is kept: spans become frame ranges here, once, and accepted findings become cuts.

The cutter and every exporter take the frame ranges made here, so that a clip and an EDL never differ by one.
"""

from __future__ import annotations

from dataclasses import dataclass

from marlin_edit.analysis import Analysis, Finding, Verdict
from marlin_edit.errors import MarlinEditError
from marlin_edit.media import MediaInfo
from marlin_edit.timebase import FrameRange, FrameRate, Span


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

    Raises MarlinEditError where the span begins after the last frame, or the media has no frames.
    """
    if media.rate is None or media.frame_count == 0:
        raise MarlinEditError(f"{media.path.name} has no picture, so there are no frames to cut.")
    first = media.first_frame_at(span.start)
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
