"""What is judged: each query about each video, with what is true, what was found and how much was looked at."""

from __future__ import annotations

from dataclasses import dataclass
from fractions import Fraction
from functools import cached_property

from marlin_edit.analysis import AGAIN, Analysis, Event, Finding
from marlin_edit.edit import is_accepted
from marlin_edit.evaluation.ground_truth import TrueEvent, TrueVideo
from marlin_edit.evidence import doubt_to_sort
from marlin_edit.inference.measures import best_iou
from marlin_edit.inference.windows import maximal
from marlin_edit.timebase import Span

ALL = 0.0
"""The threshold that accepts every finding, whatever its score or grade."""


@dataclass(frozen=True)
class QueryRow:
    """A query about a video. true: all spans in which it takes place, none where it is absent.

    findings: all of them, also those below the threshold. looked_at: seconds of footage that were searched for it.
    kind: what sort of query it is, as the truth has it.
    """

    video: str
    query: str
    true: tuple[Span, ...]
    findings: tuple[Finding, ...]
    looked_at: Fraction
    kind: str = ""

    @property
    def present(self) -> bool:
        """Whether it happens in the video at all."""
        return bool(self.true)

    @property
    def scored(self) -> bool:
        """Whether every finding has a score; where nothing was found, nothing lacks one."""
        return all(finding.score is not None for finding in self.findings)

    @property
    def graded(self) -> bool:
        """Whether every finding has a score or a grade."""
        return all(finding.score is not None or finding.words for finding in self.findings)

    def kept(self, threshold: float | None) -> tuple[Finding, ...]:
        """The findings that are accepted at a threshold; None: by the default rule."""
        return tuple(finding for finding in self.findings if is_accepted(finding, threshold))

    @property
    def top(self) -> Finding | None:
        """The finding that counts as the answer: the best scored, or without scores the least doubtful.

        Of equals one of a window's own answer, before those of asking again, and of these the earliest.
        """
        return max(self.findings, key=_rank, default=None)

    @cached_property
    def iou(self) -> float:
        """The IoU of the top finding with the true span it fits best; 0 where nothing was found."""
        return 0.0 if self.top is None else best_iou(self.top.span, self.true)


def _rank(finding: Finding) -> tuple[float, float, bool, Fraction]:
    score = -1.0 if finding.score is None else finding.score
    sure = 0.0 if finding.score is not None else -doubt_to_sort(finding.words)
    return score, sure, AGAIN not in finding.flags, -finding.span.start


@dataclass(frozen=True)
class CaptionRow:
    """The events of a video: those that are true, and those that were reported."""

    video: str
    true: tuple[TrueEvent, ...]
    reported: tuple[Event, ...]
    looked_at: Fraction


@dataclass(frozen=True)
class Judged:
    """A video that was asked about, and what is judged of it. captions: None where they are not."""

    video: TrueVideo
    queries: tuple[QueryRow, ...]
    captions: CaptionRow | None


def judged(video: TrueVideo, analysis: Analysis) -> Judged:
    """What is to be judged of what was asked about a video."""
    name = str(video.path)
    looked_at = {asked.query: _seconds(asked.looked_at) for asked in analysis.asked}
    queries = tuple(
        QueryRow(
            name,
            query.query,
            query.spans,
            tuple(finding for finding in analysis.findings if finding.query == query.query),
            looked_at[query.query],
            query.kind,
        )
        for query in video.queries
        if query.query in looked_at
    )
    captions = None
    if video.events is not None and None in looked_at:
        captions = CaptionRow(name, video.events, analysis.events, looked_at[None])
    return Judged(video, queries, captions)


def _seconds(spans: tuple[Span, ...]) -> Fraction:
    return sum((span.length for span in maximal(spans)), Fraction(0))
