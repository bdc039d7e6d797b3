"""How a clip that is not encoded as a whole is made, or why it cannot be."""

from __future__ import annotations

from marlin_edit_ffmpeg.clips.picture import CopyRange, copy_range
from marlin_edit_ffmpeg.clips.plan import ClipPlan, Mode
from marlin_edit_ffmpeg.clips.smart_plan import SmartPlan, smart_plan
from marlin_edit_ffmpeg.codecs import has_whole_pictures
from marlin_edit_ffmpeg.source import Source, has_alpha_beside

Way = CopyRange | SmartPlan


def way_of(source: Source, plan: ClipPlan) -> Way | str | None:
    """How a clip is made of copied packets, or the reason for which it is encoded; None if encoding was asked for.

    Where every picture stands for itself, a copy of each is exact, so that is what exact mode makes as well.
    """
    if plan.media.sample_rate:
        return None
    codec = source.video.codec_context.codec.canonical_name
    if not plan.container.holds(codec):
        return None if plan.mode is Mode.EXACT else f"{plan.container.name} cannot hold {codec}"
    if plan.mode is Mode.COPY:
        return copy_range(source, plan.frames, plan.container)
    if has_alpha_beside(source.video):
        return None if plan.mode is Mode.EXACT else "its transparency cannot be joined to encoded frames"
    if plan.mode is Mode.SMART:
        return smart_plan(source, plan.frames, plan.container)
    if not has_whole_pictures(source.video):
        return None
    found = smart_plan(source, plan.frames, plan.container)
    return found if isinstance(found, SmartPlan) and not found.encoded else None
