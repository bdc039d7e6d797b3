"""Finds where somebody speaks in a source, for outputs that keep out of speech."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from fractions import Fraction

from marlin_edit.analysis import Analysis
from marlin_edit.inference.windows import maximal
from marlin_edit.interfaces import Detector, Finds
from marlin_edit.text import counted
from marlin_edit.timebase import Span
from marlin_edit.workflow.run import Run

PART = Fraction(600)
"""Seconds that a detector is given at once: some seconds of work, after which progress is shown."""


def speech_detector(run: Run) -> Detector | None:
    """The detector of speech, if the setting `speech` asks for one. Raises UsageError if no plugin has one."""
    return run.app.detector_for(Finds.SPEECH) if run.settings.value("speech", bool) else None


def with_speech(run: Run, analysis: Analysis, detector: Detector | None) -> Analysis:
    """The analysis with the spans in which somebody speaks; as it is, where there is no detector."""
    if detector is None:
        return analysis
    media = analysis.media
    found: list[Span] = []
    with run.console.progress(f"listening to {media.path.name}", float(media.duration)) as progress:
        for part in _parts(media.duration):
            found += [detection.span for detection in run.app.detect(detector, media, part)]
            progress.reached(float(part.end))
    speech = tuple(maximal(found))
    run.console.receipt(f"{media.path.name}: {counted(len(speech), 'span')} of speech")
    return replace(analysis, speech=speech)


def _parts(duration: Fraction) -> Iterator[Span]:
    start = Fraction(0)
    while start < duration:
        end = min(duration, start + PART)
        yield Span(start, end)
        start = end
