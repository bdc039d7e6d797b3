"""Selects cuts by the settings: merges them, keeps the best, moves their ends, shortens them, in this order.

What changes is reported. The rules themselves are in `edit.py` and `snapping.py`.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from fractions import Fraction

from marlin_edit.analysis import Analysis, Sense
from marlin_edit.edit import Cut, best, merged, score_of, shortened
from marlin_edit.interfaces import Detector
from marlin_edit.text import counted
from marlin_edit.timebase import FrameNumber, short_seconds
from marlin_edit.workflow.run import Run
from marlin_edit.workflow.snapping import inside_words, out_of_speech, snapped

LONGEST_WORD = Fraction(2)
"""Seconds that a handle may grow to end after a word."""


def selected_cuts(
    run: Run, analysis: Analysis, cuts: Sequence[Cut], detector: Detector | None
) -> tuple[Analysis, tuple[Cut, ...]]:
    """The cuts of one source that the settings select, and its analysis with the shot changes found on the way.

    detector: of the places that ends are moved to, or None.
    """
    settings, say = run.settings, run.console.receipt
    made = tuple(cuts)
    if settings["merge_gap"] is not None:
        made = merged(made, settings["merge_gap"])
        if len(made) < len(cuts):
            say(f"{counted(len(cuts), 'cut')} merged into {len(made)} (at most {_words(run, 'merge_gap')} apart)")
    made = top_cuts(run, made)
    made = with_whole_words(made, analysis)
    if made and detector is not None:
        analysis, made = snapped(run, analysis, made, detector)
    if settings["max_duration"] is not None:
        short = tuple(shortened(cut, settings["max_duration"]) for cut in made)
        changed = sum(after.frames != before.frames for after, before in zip(short, made, strict=True))
        if changed:
            say(f"shortened {changed} of {counted(len(made), 'cut')} to the first {_words(run, 'max_duration')}")
        made = short
    return analysis, made


def with_whole_words(cuts: tuple[Cut, ...], analysis: Analysis) -> tuple[Cut, ...]:
    """The cuts, of what is said, with handles that end between words: one that would end in a word has all of it."""
    words = inside_words(analysis)
    if words is None:
        return cuts
    return tuple(
        replace(cut, frames=out_of_speech(cut.frames, analysis.media, words, LONGEST_WORD))
        if cut.finding is not None and cut.finding.sense is Sense.SAID
        else cut
        for cut in cuts
    )


def top_cuts(run: Run, cuts: tuple[Cut, ...]) -> tuple[Cut, ...]:
    """The cuts with the best scores, as many as the setting `top` allows."""
    most = run.settings.optional("top", int)
    if most is None or len(cuts) <= most:
        return cuts
    scored = any(score_of(cut) >= 0 for cut in cuts)
    graded = any(cut.finding is not None and cut.finding.words for cut in cuts)
    which = f"the first {most} (there are no scores)"
    if scored or graded:
        which = f"the {most} with the best scores" if scored else f"the {most} that are least doubtful"
    run.console.receipt(f"kept {which} of {counted(len(cuts), 'cut')}")
    return best(cuts, most)


def _words(run: Run, name: str) -> str:
    length = run.settings[name]
    if isinstance(length, FrameNumber):
        return counted(length.number, "frame")
    return f"{short_seconds(length)} s"
