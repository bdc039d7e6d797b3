"""Moves the ends of cuts: to the nearest shot change, out of speech, or outwards to the keyframes around them.

A detector finds the shots, the speech and the keyframes; only the surroundings of the ends are searched.
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
from marlin_edit.timebase import FrameRange, Span, short_seconds
from marlin_edit.workflow.run import Run

_BEYOND = Fraction(1)
"""Seconds beyond the furthest place of a pause that are listened to, so that a pause is not one by its edge alone."""


def snap_detector(run: Run) -> Detector | None:
    """The detector of the places that the setting `snap` moves ends to. Raises UsageError if no plugin has one."""
    finds = run.settings.value("snap", str)
    return None if finds == "none" else run.app.detector_for(Finds(finds))


def snapped(run: Run, analysis: Analysis, cuts: Sequence[Cut], detector: Detector) -> tuple[Analysis, tuple[Cut, ...]]:
    """The cuts with their ends moved, and the analysis with the shot changes that were found on the way."""
    media = analysis.media
    if detector.finds is Finds.SPEECH:
        return analysis, _out_of_speech(run, analysis, cuts, detector)
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


def inside_words(analysis: Analysis) -> tuple[Span, ...] | None:
    """Where a cut would break a word: inside words but for a frame at their ends, and in speech of unknown words.

    None if it is not known what is said.
    """
    if not any(one.words for one in analysis.speech or ()):
        return None
    media = analysis.media
    edge = media.rate.seconds_per_frame if media.rate is not None else Fraction(0)
    spans = []
    for one in analysis.speech or ():
        for span in [word.span for word in one.words] or [one.span]:
            if span.length > 2 * edge:
                spans.append(Span(span.start + edge, span.end - edge))
    return tuple(spans)


def _out_of_speech(run: Run, analysis: Analysis, cuts: Sequence[Cut], detector: Detector) -> tuple[Cut, ...]:
    media = analysis.media
    if not any(stream.kind == "audio" for stream in media.streams):
        run.console.warning(
            f"--snap speech does not apply to {media.path.name}: it has no sound. Its cuts are not moved."
        )
        return tuple(cuts)
    limit = run.settings.value("snap_limit", Fraction)
    spoken = inside_words(analysis)
    if spoken is None:
        ends = [time for cut in cuts for time in (cut.span.start, cut.span.end)]
        spoken = _spoken(run, detector, media, ends, limit)
    moved: list[Cut] = []
    broken = 0
    for cut in cuts:
        frames = out_of_speech(cut.frames, media, spoken, limit)
        broken += sum(_is_inside(media.time_of(frame), spoken) for frame in (frames.first, frames.stop))
        moved.append(cut if frames == cut.frames else replace(cut, frames=frames, before_snap=cut.frames))
    count = sum(cut.before_snap is not None for cut in moved)
    run.console.receipt(f"{count} of {counted(len(moved), 'cut')} moved out of speech")
    if broken:
        run.console.warning(
            f"{media.path.name}: no pause is within --snap-limit ({short_seconds(limit)} s) of "
            f"{counted(broken, 'end')} of cuts, which stay in speech."
        )
    return tuple(moved)


def out_of_speech(frames: FrameRange, media: MediaInfo, spoken: Sequence[Span], limit: Fraction) -> FrameRange:
    """Ends that lie in speech moved into a pause at most `limit` seconds away: outwards if there is one, else inwards.

    spoken: spans that do not touch. At least one frame is left; an end with no pause near enough stays.
    """
    whole = Span(Fraction(0), media.duration)
    spoken = [part for one in spoken if (part := one.within(whole)) is not None]
    first = _in_pause(frames.first, media, spoken, limit, outwards="start")
    stop = _in_pause(frames.stop, media, spoken, limit, outwards="end")
    return FrameRange(first, stop) if first < stop else frames


def _in_pause(frame: int, media: MediaInfo, spoken: Sequence[Span], limit: Fraction, *, outwards: str) -> int:
    """The frame, or where it lies in speech the nearest one outside, towards the `start` or `end` if that is near."""
    time = media.time_of(frame)
    said = next((one for one in spoken if one.start < time < one.end), None)
    if said is None:
        return frame
    for side in ("start", "end") if outwards == "start" else ("end", "start"):
        place = said.start if side == "start" else said.end
        if abs(place - time) <= limit:
            moved = media.first_frame_at(place)
            # At a start the cut ends, or begins, with the frame before it: the next one has some of what is said.
            return max(0, moved - 1) if side == "start" and media.time_of(moved) > place else moved
    return frame


def _is_inside(time: Fraction, spoken: Sequence[Span]) -> bool:
    return any(one.start < time < one.end for one in spoken)


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


def _spoken(
    run: Run, detector: Detector, media: MediaInfo, ends: Sequence[Fraction], reach: Fraction
) -> tuple[Span, ...]:
    """Where somebody speaks around the ends; speech goes on beyond what was listened to as far as one can tell."""
    around = maximal(
        Span(max(Fraction(0), end - reach - _BEYOND), min(media.duration, end + reach + _BEYOND)) for end in ends
    )
    found: list[Span] = []
    with run.console.progress(f"listening to {media.path.name}", len(around)) as progress:
        for done, span in enumerate(around):
            found += [part.span for part in run.app.detect(detector, media, span)]
            progress.reached(done + 1)
    return tuple(maximal(found))


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
