"""Writing one clip: a track a stream takes the source's packets until each has what it needs, then the file is read
back. What does not come out as planned is told as a reason; nothing here publishes.
"""

from __future__ import annotations

from pathlib import Path

from marlin_edit.timebase import FrameRange
from marlin_edit_ffmpeg.clips.metadata import chapters_between, label_output, label_stream, set_timecode
from marlin_edit_ffmpeg.clips.picture import CopiedPicture, CopyRange, EncodedPicture
from marlin_edit_ffmpeg.clips.plan import ClipPlan
from marlin_edit_ffmpeg.clips.report import Report
from marlin_edit_ffmpeg.clips.smart_picture import SmartPicture
from marlin_edit_ffmpeg.clips.smart_plan import SmartPlan, decoding_start
from marlin_edit_ffmpeg.clips.sound_only import write_sound
from marlin_edit_ffmpeg.clips.tracks import Told, Track, check_sound, other_tracks, pump
from marlin_edit_ffmpeg.clips.verify import check_clip, picture_of
from marlin_edit_ffmpeg.clock import ClipClock
from marlin_edit_ffmpeg.containers import Output
from marlin_edit_ffmpeg.encoders import encoding_for
from marlin_edit_ffmpeg.source import NothingThere, Source, Start

__all__ = ["NothingThere", "write_clip"]


def write_clip(
    source: Source,
    plan: ClipPlan,
    target: Path,
    way: CopyRange | SmartPlan | None,
    report: Report,
    *,
    picture_only: bool = False,
    told: Told | None = None,
) -> str | None:
    """Writes the clip to `target` and checks it, filling the report; returns what is wrong, or None."""
    if source.media.sample_rate:
        return write_sound(source, plan, target, report, told)
    frames = way.frames if way is not None else plan.frames
    begin, end = source.seconds_of(frames.first), source.seconds_of(frames.stop)
    start = _start(source, plan, way)
    errors = source.decode_errors
    with Output("file:" + str(target.absolute()), plan.container) as output:
        picture: CopiedPicture | EncodedPicture | SmartPicture
        if isinstance(way, CopyRange):
            picture = CopiedPicture(source, output, way)
        elif isinstance(way, SmartPlan):
            picture = SmartPicture(source, output, way, plan.crf)
            report.encoder = picture.encoder
        else:
            encoding = encoding_for(source.video, source.media, plan.container, plan.crf)
            report.encoder = encoding.encoder
            if encoding.note:
                report.warnings.append(encoding.note)
            picture = EncodedPicture(source, output, frames, encoding, start.pts)
        others = [] if picture_only else other_tracks(source, plan, output, begin, end, report)
        tracks: list[Track] = [picture, *others]
        for track in tracks:
            label_stream(track.stream, track.out)
        report.timecode = label_output(source.container, output, source.media, frames.first)
        if report.timecode is not None:
            set_timecode(output, picture.out, source.media, report.timecode)
        elif source.media.has_timecode:
            report.warnings.append(f"{plan.container.name} holds no start time code")
        chapters = chapters_between(source.container, begin, end)
        if chapters and plan.container.muxer != "mpegts":
            output.container.set_chapters(chapters)
        pump(source, tracks, frames.first, end, start, told)
        for track in tracks:
            track.finish()
        if picture.progress.first is None:
            raise NothingThere
    progress = picture.progress
    assert progress.first is not None
    assert progress.last is not None
    report.warnings.extend(progress.warnings[:5])
    report.decode_errors = source.decode_errors - errors + sum(getattr(track, "errors", 0) for track in tracks)
    if progress.damaged:
        report.warnings.append(f"{progress.damaged} frames are damaged in the source")
    got = FrameRange(progress.first, progress.last + 1)
    if progress.count != got.count:
        report.warnings.append(f"{got.count - progress.count} frames inside the clip could not be read and are missing")
    pictures = progress.pictures
    if isinstance(way, CopyRange) and not (way.clean and way.syntax is not None):
        starts = {at: decoding_start(source, at, plan.container) for at in (got.first, got.stop - 1)}
        pictures = {
            place: picture_of(frame)
            for at, start in starts.items()
            for place, frame in source.frames(at, at + 1, start)
        }
    delivered = check_clip(
        target,
        got,
        ClipClock(source.media, got.first),
        pictures,
        same=isinstance(way, CopyRange),
        count=progress.count,
        copied=picture.copied() if not isinstance(picture, EncodedPicture) else None,
    )
    if isinstance(delivered, str):
        return delivered
    report.frames, report.delivered, report.encoded = got, delivered, progress.encoded
    report.size = target.stat().st_size
    return check_sound(delivered.sound_starts, tracks, report)


def _start(source: Source, plan: ClipPlan, way: CopyRange | SmartPlan | None) -> Start:
    if isinstance(way, SmartPlan):
        return way.start
    if isinstance(way, CopyRange):
        return Start(way.key_pts, source.margin)
    return decoding_start(source, plan.frames.first, plan.container)
