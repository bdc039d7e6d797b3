"""Writes one clip: one track per stream takes the source's packets until it has what it needs, then the file is read
back. What is not as planned is returned as a reason; nothing here publishes.
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from marlin_edit.text import counted
from marlin_edit.timebase import FrameRange
from marlin_edit_ffmpeg.clips.metadata import chapters_between, label_output, label_stream, set_timecode
from marlin_edit_ffmpeg.clips.picture import CopiedPicture, CopyRange, EncodedPicture
from marlin_edit_ffmpeg.clips.plan import ClipPlan
from marlin_edit_ffmpeg.clips.report import Report
from marlin_edit_ffmpeg.clips.smart_picture import SmartPicture
from marlin_edit_ffmpeg.clips.smart_plan import SmartPlan, decoding_start
from marlin_edit_ffmpeg.clips.sound_only import write_sound
from marlin_edit_ffmpeg.clips.tracks import OnProgress, Track, check_sound, lost_sound, other_tracks, pump
from marlin_edit_ffmpeg.clips.verify import Picture as Shown
from marlin_edit_ffmpeg.clips.verify import check_clip, picture_of
from marlin_edit_ffmpeg.clock import ClipClock
from marlin_edit_ffmpeg.containers import Output
from marlin_edit_ffmpeg.encoders import encoding_for
from marlin_edit_ffmpeg.source import NothingThere, Source, Start

__all__ = ["NothingThere", "write_clip"]

Picture = CopiedPicture | EncodedPicture | SmartPicture


def write_clip(
    source: Source,
    plan: ClipPlan,
    target: Path,
    way: CopyRange | SmartPlan | None,
    report: Report,
    *,
    picture_only: bool = False,
    on_progress: OnProgress | None = None,
) -> str | None:
    """Write the clip to `target` and check it, filling the report; returns what is wrong, or None."""
    if source.media.sample_rate:
        return write_sound(source, plan, target, report, on_progress)
    frames = way.frames if way is not None else plan.frames
    begin, end = source.seconds_of(frames.first), source.seconds_of(frames.stop)
    start = _start(source, plan, way)
    errors = source.decode_errors
    with Output("file:" + str(target.absolute()), plan.container) as output:
        picture = _picture(source, plan, output, way, start, report)
        others = [] if picture_only else other_tracks(source, plan, output, begin, end, report)
        tracks: list[Track] = [picture, *others]
        _label(source, plan, output, tracks, frames, report)
        pump(source, tracks, frames.first, end, start, on_progress)
        for track in tracks:
            track.finish()
    if picture.progress.first is None:
        raise NothingThere
    report.decode_errors = source.decode_errors - errors + sum(track.errors for track in tracks)
    written = _written(picture, report)
    delivered = check_clip(
        target,
        written,
        ClipClock(source.media, written.first),
        _expected_pictures(source, plan, picture, way, written),
        same=isinstance(way, CopyRange),
        count=picture.progress.count,
        copied=picture.copied() if not isinstance(picture, EncodedPicture) else None,
    )
    if isinstance(delivered, str):
        return delivered
    report.frames, report.delivered, report.encoded = written, delivered, picture.progress.encoded
    report.size = target.stat().st_size
    report.lost_sound = lost_sound(target, others)
    return check_sound(delivered.sound_starts, tracks, report)


def _start(source: Source, plan: ClipPlan, way: CopyRange | SmartPlan | None) -> Start:
    """Where the source is read from."""
    if isinstance(way, SmartPlan):
        return way.start
    if isinstance(way, CopyRange):
        return Start(way.key_pts, source.margin)
    return decoding_start(source, plan.frames.first, plan.container)


def _picture(
    source: Source,
    plan: ClipPlan,
    output: Output,
    way: CopyRange | SmartPlan | None,
    start: Start,
    report: Report,
) -> Picture:
    """The picture's track: copied, joined of copied and encoded frames, or encoded."""
    if isinstance(way, CopyRange):
        return CopiedPicture(source, output, way)
    if isinstance(way, SmartPlan):
        smart = SmartPicture(source, output, way, plan.crf)
        report.encoder = smart.encoder
        return smart
    encoding = encoding_for(source.video, source.media, plan.container, plan.crf)
    report.encoder = encoding.encoder
    if encoding.note:
        report.warnings.append(encoding.note)
    return EncodedPicture(source, output, plan.frames, encoding, start.pts)


def _label(
    source: Source, plan: ClipPlan, output: Output, tracks: Sequence[Track], frames: FrameRange, report: Report
) -> None:
    """Copies the metadata of the source, sets the start time code and the chapters."""
    for track in tracks:
        label_stream(track.stream, track.out)
    report.timecode = label_output(source.container, output, source.media, frames.first)
    if report.timecode is not None:
        set_timecode(output, tracks[0].out, source.media, report.timecode)
    elif source.media.has_timecode:
        report.warnings.append(f"{plan.container.name} cannot store a start time code")
    begin, end = source.seconds_of(frames.first), source.seconds_of(frames.stop)
    chapters = chapters_between(source.container, begin, end)
    if chapters and plan.container.muxer != "mpegts":
        output.container.set_chapters(chapters)


def _written(picture: Picture, report: Report) -> FrameRange:
    """The frames that were written; what is wrong with them goes into the report."""
    progress = picture.progress
    assert progress.first is not None
    assert progress.last is not None
    report.warnings.extend(progress.warnings[:5])
    if progress.damaged:
        report.warnings.append(f"{counted(progress.damaged, 'frame')} damaged in the source")
    written = FrameRange(progress.first, progress.last + 1)
    if progress.count != written.count:
        report.holes = written.count - progress.count
    return written


def _expected_pictures(
    source: Source, plan: ClipPlan, picture: Picture, way: CopyRange | SmartPlan | None, written: FrameRange
) -> dict[int, Shown]:
    """Pictures of the source that the written clip is compared with, by frame number.

    A copy that does not begin cleanly shows other pictures than decoding from there, so both ends are decoded again.
    """
    if not isinstance(way, CopyRange) or (way.clean and way.syntax is not None):
        return picture.progress.pictures
    starts = {at: decoding_start(source, at, plan.container) for at in (written.first, written.stop - 1)}
    return {
        place: picture_of(frame) for at, start in starts.items() for place, frame in source.frames(at, at + 1, start)
    }
