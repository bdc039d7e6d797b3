"""Writing one clip: a track a stream takes the source's packets until each has what it needs, then the file is read
back. What does not come out as planned is told as a reason; nothing here publishes.
"""

from __future__ import annotations

from collections.abc import Sequence
from fractions import Fraction
from pathlib import Path
from typing import Any, Protocol

from marlin_edit.timebase import FrameRange
from marlin_edit_ffmpeg.clock import ClipClock
from marlin_edit_ffmpeg.containers import Output
from marlin_edit_ffmpeg.encoders import encoding_for
from marlin_edit_ffmpeg.picture import CopiedPicture, CopyRange, EncodedPicture
from marlin_edit_ffmpeg.plan import ClipPlan
from marlin_edit_ffmpeg.report import Report
from marlin_edit_ffmpeg.scan import SmartPlan, decoding_start
from marlin_edit_ffmpeg.smart import SmartPicture
from marlin_edit_ffmpeg.sound import CopiedSound, EncodedSound, SoundPlan, sound_plan
from marlin_edit_ffmpeg.source import FURTHEST, Source, Start
from marlin_edit_ffmpeg.verify import check_clip, picture_of
from marlin_edit_ffmpeg.words import CopiedText, chapters_between, label_output, label_stream, set_timecode


class Track(Protocol):
    """One stream of a clip."""

    stream: Any
    out: Any
    done: bool

    def take(self, packet: Any) -> None: ...
    def finish(self) -> None: ...


def write_clip(
    source: Source, plan: ClipPlan, target: Path, way: CopyRange | SmartPlan | None, report: Report
) -> str | None:
    """Writes the clip to `target` and checks it, filling the report; returns what is wrong, or None."""
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
        tracks: list[Track] = [picture, *_other_tracks(source, plan, output, begin, end, report)]
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
        _pump(source, tracks, frames.first, end, start.lead)
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
    if isinstance(way, CopyRange):
        ends = {got.first, got.stop - 1}
        leads = {at: decoding_start(source, at, plan.container).lead for at in ends}
        pictures = {
            place: picture_of(frame) for at, lead in leads.items() for place, frame in source.frames(at, at + 1, lead)
        }
    delivered = check_clip(
        target,
        got,
        ClipClock(source.media, got.first),
        pictures,
        copied=isinstance(way, CopyRange),
        count=progress.count,
        joined=picture.joined() if isinstance(picture, SmartPicture) else None,
    )
    if isinstance(delivered, str):
        return delivered
    report.frames, report.delivered, report.encoded = got, delivered, progress.encoded
    report.size = target.stat().st_size
    return _check_sound(delivered.sound_starts, tracks, report)


def _start(source: Source, plan: ClipPlan, way: CopyRange | SmartPlan | None) -> Start:
    if isinstance(way, SmartPlan):
        return way.start
    if isinstance(way, CopyRange):
        return Start(way.key_pts, source.margin)
    return decoding_start(source, plan.frames.first, plan.container)


class NothingThere(Exception):
    """No frame of the range could be read."""


def _other_tracks(
    source: Source, plan: ClipPlan, output: Output, begin: Fraction, end: Fraction, report: Report
) -> list[Track]:
    """Tracks of all that is kept besides the picture; the report says what is kept and what is not."""
    tracks: list[Track] = []
    report.kept.append(_named(source.video))
    for stream in source.container.streams:
        if stream.index == source.video.index:
            continue
        reason = None
        if stream.type == "audio" and stream.codec_context is not None:
            sound = sound_plan(stream, plan.container, plan.sound, _packet_seconds(stream))
            tracks.append(_sound_track(source, stream, output, begin, end, sound))
            how = "copied" if sound.encoder is None else f"encoded with {sound.encoder}"
            report.sound.append({"stream": stream.index, "codec": sound.codec, "how": how, "reason": sound.reason})
        elif stream.type == "subtitle" and stream.codec_context is not None:
            codec = stream.codec_context.name
            if codec in plan.container.text or stream.codec_context.codec.canonical_name in plan.container.text:
                tracks.append(CopiedText(stream, output, begin, end))
            else:
                reason = f"{codec} subtitles cannot be cut here"
        elif stream.type == "attachment" and plan.container.attachments:
            output.container.add_attachment(stream.name or "attachment", stream.mimetype or "", stream.data)
        elif stream.type == "video":
            reason = "a clip has one picture"
        else:
            holds_chapters = stream.name == "bin_data" and plan.container.edit_list and source.container.chapters()
            if "timecode" in stream.metadata or holds_chapters:
                continue  # the clip gets its own
            reason = f"{stream.type} streams cannot be cut"
        if reason is None:
            report.kept.append(_named(stream))
        else:
            report.dropped.append(_named(stream) | {"reason": reason})
            report.warnings.append(f"stream {stream.index} ({stream.type}) left out: {reason}")
    return tracks


def _sound_track(
    source: Source, stream: Any, output: Output, begin: Fraction, end: Fraction, sound: SoundPlan
) -> Track:
    if sound.encoder is None:
        return CopiedSound(stream, output, begin, end, source.priming(stream))
    return EncodedSound(stream, output, begin, end, sound.encoder)


def _packet_seconds(stream: Any) -> Fraction:
    """How long one packet of a stream is, as its codec has it."""
    context = stream.codec_context
    sizes = {"aac": 1024, "mp3": 1152, "mp2": 1152, "ac3": 1536, "eac3": 1536, "vorbis": 1024, "opus": 960}
    samples = context.frame_size or sizes.get(context.codec.canonical_name, 4096)
    return Fraction(samples, context.sample_rate or 48_000)


def _named(stream: Any) -> dict[str, Any]:
    codec = stream.codec_context.codec.canonical_name if stream.codec_context is not None else stream.name
    return {"stream": stream.index, "kind": stream.type, "codec": codec}


def _pump(source: Source, tracks: Sequence[Track], first: int, end: Fraction, lead: Fraction) -> None:
    """Hands packets out until every track has enough, or the file is well past the end for those that have not."""
    by_stream = {track.stream.index: track for track in tracks}
    picture = tracks[0]
    for packet in source.packets([track.stream for track in tracks], first, lead):
        track = by_stream[packet.stream_index if packet.size else packet.stream.index]
        if not track.done:
            track.take(packet)
        if all(one.done for one in tracks):
            return
        time = packet.dts * packet.time_base if packet.dts is not None else None
        if picture.done and time is not None and time > end + FURTHEST:
            return


def _check_sound(starts: dict[int, Fraction], tracks: Sequence[Track], report: Report) -> str | None:
    """Compares where each sound begins with where it should, and adds both to the report."""
    sounds = [track for track in tracks if isinstance(track, (CopiedSound, EncodedSound))]
    for track, said in zip(sounds, report.sound, strict=True):
        found = starts.get(track.out.index)
        said["starts_at"] = None
        if track.starts_at is None:
            report.warnings.append(f"stream {track.stream.index} has no sound there")
            continue
        if found is None:
            return f"the sound of stream {track.stream.index} cannot be decoded"
        expected = track.starts_at or Fraction(0)
        said["starts_at"] = round(float(found), 6)
        said["error"] = round(float(found - expected), 6)
        limit = Fraction(25, 1000) if isinstance(track, CopiedSound) else Fraction(5, 1000)
        if abs(found - expected) > limit:
            return f"the sound of stream {track.stream.index} begins {float(found - expected) * 1000:.1f} ms off"
    return None
