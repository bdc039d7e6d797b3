"""Moves the ends of cuts: to the shot change nearest to each, or outwards to the keyframes around them.

A detector finds the shots and keyframes; only the surroundings of the ends are searched.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from fractions import Fraction

from marlin_edit.analysis import Analysis
from marlin_edit.edit import Cut
from marlin_edit.inference.windows import maximal
from marlin_edit.interfaces import Detector, Finds
from marlin_edit.media import MediaInfo
from marlin_edit.text import counted
from marlin_edit.timebase import FrameRange, Span
from marlin_edit.workflow.run import Run


def snap_detector(run: Run) -> Detector | None:
    """The detector of the places that the setting `snap` moves ends to. Raises UsageError if no plugin has one."""
    finds = run.settings.value("snap", str)
    return None if finds == "none" else run.app.detector_for(Finds(finds))


def snapped(run: Run, analysis: Analysis, cuts: Sequence[Cut], detector: Detector) -> tuple[Analysis, tuple[Cut, ...]]:
    """The cuts with their ends moved, and the analysis with the shot changes that were found on the way."""
    media = analysis.media
    if media.video_index is None:
        run.console.warning(
            f"--snap {detector.finds.value} does not apply to {media.path.name}: it has no picture. Its cuts "
            "are not moved."
        )
        return analysis, tuple(cuts)
    limit = run.settings.value("snap_limit", Fraction)
    to_shots = detector.finds is Finds.SHOTS
    reach = limit if to_shots else Fraction(0)
    ends = [time for cut in cuts for time in (cut.span.start, cut.span.end)]
    places = _places(run, detector, media, ends, reach)
    moved: list[Cut] = []
    for cut in cuts:
        frames = to_nearest(cut.frames, media, places, limit) if to_shots else outwards(cut.frames, media, places)
        moved.append(cut if frames == cut.frames else replace(cut, frames=frames, before_snap=cut.frames))
    if to_shots:
        known = tuple(place for place in places if 0 < place < media.duration)
        analysis = replace(analysis, shots=tuple(sorted({*(analysis.shots or ()), *known})))
        moved = [replace(cut, source=analysis) for cut in moved]
    count = sum(cut.before_snap is not None for cut in moved)
    run.console.receipt(f"{count} of {counted(len(moved), 'cut')} moved to {detector.finds.value}")
    return analysis, tuple(moved)


def to_nearest(frames: FrameRange, media: MediaInfo, places: Sequence[Fraction], limit: Fraction) -> FrameRange:
    """Both ends at the nearest place, if one is at most `limit` seconds away; at least one frame is left."""
    first = _nearest(frames.first, media, places, limit)
    stop = _nearest(frames.stop, media, places, limit)
    if first < stop:
        return FrameRange(first, stop)
    return frames


def outwards(frames: FrameRange, media: MediaInfo, places: Sequence[Fraction]) -> FrameRange:
    """The in point at the last place before it, the out point at the first one after it; none: the media's own ends."""
    numbers = [media.first_frame_at(place) for place in places]
    first = max((number for number in numbers if number <= frames.first), default=0)
    stop = min((number for number in numbers if number >= frames.stop), default=media.frame_count)
    return FrameRange(first, stop)


def _nearest(frame: int, media: MediaInfo, places: Sequence[Fraction], limit: Fraction) -> int:
    time = media.time_of(frame)
    near = [place for place in places if abs(place - time) <= limit]
    if not near:
        return frame
    return media.first_frame_at(min(near, key=lambda place: (abs(place - time), place)))


def _places(
    run: Run, detector: Detector, media: MediaInfo, ends: Sequence[Fraction], reach: Fraction
) -> tuple[Fraction, ...]:
    """Where the shots or keyframes near the ends begin, and the beginning and the end of the media."""
    reach += media.rate.seconds_per_frame if media.rate is not None else Fraction(0)
    around = maximal(Span(max(Fraction(0), end - reach), min(media.duration, end + reach)) for end in ends)
    places = {Fraction(0), media.duration}
    with run.console.progress(f"looking for {detector.finds.value} in {media.path.name}", len(around)) as progress:
        for done, span in enumerate(around):
            found = run.app.detect(detector, media, span)
            edges = [part.span.start for part in found] + [part.span.end for part in found[-1:]]
            places.update(edges[1:-1] if detector.finds is Finds.SHOTS else edges)
            progress.reached(done + 1)
    return tuple(sorted(places))
