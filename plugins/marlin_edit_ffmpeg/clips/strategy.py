"""How a clip that is not encoded as a whole is made, or why it cannot be."""

from __future__ import annotations

from marlin_edit_ffmpeg.clips.picture import CopyRange, copy_range
from marlin_edit_ffmpeg.clips.plan import ClipPlan, Mode
from marlin_edit_ffmpeg.clips.smart_plan import SmartPlan, smart_plan
from marlin_edit_ffmpeg.source import Source

Way = CopyRange | SmartPlan


def way_of(source: Source, plan: ClipPlan) -> Way | str:
    """How a clip in smart or copy mode is made, or the reason for which it is encoded."""
    if plan.mode is Mode.COPY:
        return copy_range(source, plan.frames, plan.container)
    return smart_plan(source, plan.frames, plan.container)
