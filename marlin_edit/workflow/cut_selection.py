"""Which cuts are made of what was found, by the settings: merged, the best ones, their ends moved, not too long.

In this order, after the handles; what it changes is said. The rules themselves are in `edit.py` and `snapping.py`.
"""

from __future__ import annotations

from collections.abc import Sequence

from marlin_edit.analysis import Analysis
from marlin_edit.edit import Cut, best, merged, score_of, shortened
from marlin_edit.timebase import FrameNumber, seconds_text
from marlin_edit.workflow.run import Run
from marlin_edit.workflow.snapping import snapped


def chosen_cuts(run: Run, analysis: Analysis, cuts: Sequence[Cut]) -> tuple[Analysis, tuple[Cut, ...]]:
    """The cuts of one source that the settings mean, and its analysis with what was learned on the way."""
    settings, say = run.settings, run.console.receipt
    made = tuple(cuts)
    if settings["merge_gap"] is not None:
        made = merged(made, settings["merge_gap"])
        if len(made) < len(cuts):
            say(f"{len(cuts)} cuts became {len(made)}: those at most {_words(run, 'merge_gap')} apart are one")
    made = top_cuts(run, made)
    if made and settings["snap"] != "none":
        analysis, made = snapped(run, analysis, made)
    if settings["max_duration"] is not None:
        short = tuple(shortened(cut, settings["max_duration"]) for cut in made)
        changed = sum(after.frames != before.frames for after, before in zip(short, made, strict=True))
        if changed:
            say(
                f"{changed} of {len(made)} cuts were longer than {_words(run, 'max_duration')}: their beginning is kept"
            )
        made = short
    return analysis, made


def top_cuts(run: Run, cuts: tuple[Cut, ...]) -> tuple[Cut, ...]:
    """The best scored ones, as many as the setting `top` allows."""
    most = run.settings.optional("top", int)
    if most is None or len(cuts) <= most:
        return cuts
    scored = any(score_of(cut) >= 0 for cut in cuts)
    which = f"the {most} best scored" if scored else f"the first {most}, for they have no scores,"
    run.console.receipt(f"of {len(cuts)} cuts, {which} are kept")
    return best(cuts, most)


def _words(run: Run, name: str) -> str:
    length = run.settings[name]
    if isinstance(length, FrameNumber):
        return "1 frame" if length.number == 1 else f"{length.number} frames"
    return f"{seconds_text(length)} s"
