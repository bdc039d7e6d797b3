"""From analysis to edit: spans become frame ranges here, once, and accepted findings become cuts.

The cutter and every exporter take the frame ranges made here, so that a clip and an EDL never differ by one.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass, replace
from fractions import Fraction

from marlin_edit.analysis import UNSUPPORTED, Analysis, Finding, Grade, Sense, Verdict
from marlin_edit.errors import MarlinEditError
from marlin_edit.evidence import doubt_to_sort, grade_of
from marlin_edit.media import MediaInfo
from marlin_edit.timebase import FrameNumber, FrameRange, FrameRate, Span


@dataclass(frozen=True)
class Cut:
    """A part of a source that is kept.

    Attributes:
        source: The source.
        frames: The frames that are kept, counted from the source's zero.
        finding: What it is kept for; None for a span that a person gave.
        name: What it is called.
        before_snap: Its frames before its ends were moved to shot changes or keyframes, if they were moved.
    """

    source: Analysis
    frames: FrameRange
    finding: Finding | None
    name: str
    before_snap: FrameRange | None = None

    @property
    def span(self) -> Span:
        """The exact seconds of its frames: from the first one's start to the end of the last one."""
        media = self.source.media
        return Span(media.time_of(self.frames.first), media.time_of(self.frames.stop))


@dataclass(frozen=True)
class Edit:
    """The one value that every exporter and delivery takes: sources with their analyses, and the cuts.

    Attributes:
        title: Its title.
        rate: The frame rate of the finished programme.
        record_start: The finished programme's first frame number at `rate` (108000 for 01:00:00:00 at 30).
        sources: The sources with what was seen in them.
        cuts: The cuts, in the order of the finished programme.
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
            count = self.record_length(cut.source.media, cut.frames)
            ranges.append(FrameRange(position, position + count))
            position += count
        return tuple(ranges)

    def record_length(self, media: MediaInfo, frames: FrameRange) -> int:
        """How many frames of the finished programme a part of a source takes.

        A source of another rate is shown at its own speed; its end moves to the nearest frame of the programme.
        """
        if media.rate is None or media.rate.value == self.rate.value:
            return frames.count
        return max(1, self.rate.nearest_frame(media.rate.seconds(frames.count)))


def frames_of(span: Span, media: MediaInfo) -> FrameRange:
    """The frames presented inside a span, at least one; an end past the last frame is the end of the media.

    Raises:
        MarlinEditError: The span begins after the end of the media, or the media has no frames.
    """
    if media.rate is None or media.frame_count == 0:
        raise MarlinEditError(f"{media.path.name} has no picture, so there are no frames to cut.")
    first = media.first_frame_at(span.start)
    if first >= media.frame_count and span.start < media.duration:
        first = media.frame_count - 1
    if first >= media.frame_count:
        raise MarlinEditError(
            f"{media.path.name} ends at {float(media.duration):.3f} s; the span begins at {float(span.start):.3f} s."
        )
    return FrameRange(first, max(first + 1, min(media.first_frame_at(span.end), media.frame_count)))


def is_accepted(finding: Finding, threshold: float | None, *, unclear: bool = False) -> bool:
    """Whether a finding is kept: a person's word first, then its score, then its grade.

    Without any of these it is kept for review, unless it was found by a re-query and has no supporting evidence. The
    threshold 0 accepts everything.

    Args:
        finding: The finding.
        threshold: The score from which on findings are accepted, for those that have a score.
        unclear: Whether findings without a score are accepted that are graded unclear.
    """
    if finding.verdict is not None:
        return finding.verdict is Verdict.ACCEPTED
    if threshold == 0:
        return True
    if finding.score is not None:
        return threshold is None or finding.score >= threshold
    grade = grade_of(finding)
    if grade is None:
        return UNSUPPORTED not in finding.flags
    return grade is Grade.SUPPORTED or (unclear and grade is Grade.UNCLEAR)


def is_accepted_in(analysis: Analysis, finding: Finding) -> bool:
    """Whether a finding of an analysis is kept, by the analysis's own threshold."""
    return is_accepted(finding, analysis.threshold, unclear=analysis.accepts_unclear)


def accepted_findings(analysis: Analysis) -> tuple[Finding, ...]:
    """The findings of an analysis that are kept, by its own threshold."""
    return tuple(finding for finding in analysis.findings if is_accepted_in(analysis, finding))


@dataclass(frozen=True)
class QueryResult:
    """The result of one query.

    Attributes:
        query: The query.
        looked_at: The spans that were searched.
        found: How many findings there are, accepted or not.
        accepted: How many of them are accepted.
        best: The finding with the best score or grade; None if nothing was found.
    """

    query: str
    looked_at: tuple[Span, ...]
    found: int
    accepted: int
    best: Finding | None


def results_of(analysis: Analysis) -> tuple[QueryResult, ...]:
    """The result of each query that was asked, in the order of asking."""
    looked_at: dict[str, tuple[Span, ...]] = {}
    for asked in analysis.asked:
        if asked.query is not None:
            looked_at.setdefault(asked.query, asked.looked_at)
    results = []
    for query, spans in looked_at.items():
        found = [finding for finding in analysis.findings if finding.query == query]
        accepted = sum(is_accepted_in(analysis, finding) for finding in found)
        results.append(QueryResult(query, spans, len(found), accepted, max(found, key=_rank, default=None)))
    return tuple(results)


def _rank(finding: Finding) -> tuple[float, float]:
    if finding.sense is Sense.SAID:
        return finding.signals.get("confidence", 1.0), 0.0
    return -1.0 if finding.score is None else finding.score, -doubt_to_sort(finding.words)


def without_rejected(edit: Edit) -> Edit:
    """The edit with accepted findings only, for formats that do not store rejected ones."""
    kept = {id(source): replace(source, findings=accepted_findings(source)) for source in edit.sources}
    cuts = tuple(replace(cut, source=kept.get(id(cut.source), cut.source)) for cut in edit.cuts)
    return replace(edit, sources=tuple(kept[id(source)] for source in edit.sources), cuts=cuts)


def is_empty(edit: Edit) -> bool:
    """Whether there is nothing to show: no scene, no event, no accepted finding, no cut, and nothing written down."""
    return not edit.cuts and not any(
        source.scenes or source.events or accepted_findings(source) or is_transcribed(source) for source in edit.sources
    )


def is_transcribed(analysis: Analysis) -> bool:
    """Whether it is known what is said, and no query was looked for: then the words are the result."""
    asked = any(one.query is not None for one in analysis.asked)
    return not asked and any(one.text for one in analysis.speech or ())


Length = FrameNumber | Fraction
"""A length of time: a number of frames, or seconds."""

Handles = Length
"""Extra time kept on both sides of a cut."""

NO_HANDLES = FrameNumber(0)


def widened(span: Span, media: MediaInfo, handles: Handles = NO_HANDLES) -> FrameRange:
    """The frames of a span with its handles, kept inside the media."""
    if isinstance(handles, FrameNumber):
        frames = frames_of(span, media)
        return FrameRange(max(0, frames.first - handles.number), min(media.frame_count, frames.stop + handles.number))
    return frames_of(Span(max(Fraction(0), span.start - handles), span.end + handles), media)


def cuts_of_findings(analysis: Analysis, handles: Handles = NO_HANDLES) -> tuple[Cut, ...]:
    """A cut for each accepted finding, in order of time."""
    accepted = sorted(accepted_findings(analysis), key=lambda finding: (finding.span.start, finding.span.end))
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


def merged(cuts: Sequence[Cut], gap: Length) -> tuple[Cut, ...]:
    """Cuts of one source that overlap or are at most `gap` apart, merged; the result is in the place of the first.

    It has the finding with the best score, and all their names.
    """
    order = sorted(range(len(cuts)), key=lambda at: (str(cuts[at].source.media.path), cuts[at].frames.first))
    groups: list[list[int]] = []
    stop = 0
    for at in order:
        cut = cuts[at]
        before = cuts[groups[-1][0]] if groups else None
        if before is not None and before.source.media.path == cut.source.media.path and _is_near(stop, cut, gap):
            groups[-1].append(at)
            stop = max(stop, cut.frames.stop)
        else:
            groups.append([at])
            stop = cut.frames.stop
    return tuple(_as_one([cuts[at] for at in sorted(group)]) for group in sorted(groups, key=min))


def best(cuts: Sequence[Cut], most: int) -> tuple[Cut, ...]:
    """The `most` cuts with the best scores, in their order; without scores the least doubtful, of equals the first."""

    def rank(cut: Cut) -> tuple[float, float]:
        score, doubt = (-1.0, -math.inf) if cut.finding is None else _rank(cut.finding)
        return -score, -doubt

    ranked = sorted(range(len(cuts)), key=lambda at: rank(cuts[at]))
    return tuple(cuts[at] for at in sorted(ranked[:most]))


def score_of(cut: Cut) -> float:
    """The score of a cut's finding; below zero if it has none."""
    return -1.0 if cut.finding is None or cut.finding.score is None else cut.finding.score


def shortened(cut: Cut, longest: Length) -> Cut:
    """The cut, or the beginning of it that is no longer than `longest`."""
    media, frames = cut.source.media, cut.frames
    if isinstance(longest, FrameNumber):
        stop = frames.first + longest.number
    else:
        stop = media.first_frame_at(media.time_of(frames.first) + longest)
    stop = max(frames.first + 1, min(frames.stop, stop))
    return cut if stop == frames.stop else replace(cut, frames=FrameRange(frames.first, stop))


def _is_near(stop: int, cut: Cut, gap: Length) -> bool:
    media, first = cut.source.media, cut.frames.first
    if isinstance(gap, FrameNumber):
        return first - stop <= gap.number
    return first <= stop or media.time_of(first) - media.time_of(stop) <= gap


def _as_one(cuts: Sequence[Cut]) -> Cut:
    if len(cuts) == 1:
        return cuts[0]
    frames = FrameRange(min(cut.frames.first for cut in cuts), max(cut.frames.stop for cut in cuts))
    names = dict.fromkeys(cut.name for cut in cuts if cut.name)
    return Cut(cuts[0].source, frames, max(cuts, key=score_of).finding, ", ".join(names))


def record_start_frame(media: MediaInfo, record_start: str, rate: FrameRate | None = None) -> tuple[FrameRate, int]:
    """The rate of an edit of this media, and the frame number of its first frame.

    Args:
        media: The media; its own rate is the edit's if it has one.
        record_start: Time code. At a drop-frame rate it is read as drop-frame.
        rate: The edit's rate if the media has none.

    Raises:
        MarlinEditError: Neither has a rate, or the rate has no such time code.
    """
    rate = media.rate or rate
    if rate is None:
        gone = "" if media.path.is_file() else ", and the file is not where it was: put it back"
        raise MarlinEditError(
            f"{media.path.name} has no known frame rate{gone}. Set one with --rate, e.g. --rate 24000/1001."
        )
    return rate, rate.frame_of(record_start)


def edit_of(
    analysis: Analysis,
    cuts: Sequence[Cut] = (),
    title: str | None = None,
    record_start: str = "01:00:00:00",
    rate: FrameRate | None = None,
) -> Edit:
    """The edit of one source.

    Args:
        analysis: The source with what was seen in it.
        cuts: Its cuts, in the order of the finished programme.
        title: The edit's title; without one, the name of the media file.
        record_start: Time code of the programme's first frame.
        rate: The edit's rate if the source has none.

    Raises:
        MarlinEditError: Neither the source nor `rate` gives a frame rate.
    """
    found, start = record_start_frame(analysis.media, record_start, rate)
    return Edit(title or analysis.media.path.stem, found, start, (analysis,), tuple(cuts))


def edit_of_several(parts: Sequence[Edit], title: str = "") -> Edit:
    """One edit with the cuts of several, in their order, at the rate and from the record start of the first."""
    first = parts[0]
    sources = tuple(source for part in parts for source in part.sources)
    cuts = tuple(cut for part in parts for cut in part.cuts)
    return Edit(title or first.title, first.rate, first.record_start, sources, cuts)
