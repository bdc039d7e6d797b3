"""The streams of a clip as tracks that take the source's packets: which ones a clip has besides its picture, and the
handing out of packets until each has what it needs.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from fractions import Fraction
from pathlib import Path
from typing import Any, Protocol

from marlin_edit_ffmpeg.clips.metadata import CopiedText
from marlin_edit_ffmpeg.clips.plan import ClipPlan
from marlin_edit_ffmpeg.clips.report import Report
from marlin_edit_ffmpeg.clips.sound import CopiedSound, EncodedSound, SoundPlan, sound_plan
from marlin_edit_ffmpeg.clips.verify import undecodable_sound
from marlin_edit_ffmpeg.clock import first_tick
from marlin_edit_ffmpeg.containers import Output
from marlin_edit_ffmpeg.source import FURTHEST, Source, Start


class Track(Protocol):
    """One stream of a clip. stream: the source's. out: the clip's. errors: packets that could not be decoded."""

    stream: Any
    out: Any
    done: bool
    errors: int

    def take(self, packet: Any) -> None:
        """Take the next packet of the source's stream."""
        ...

    def finish(self) -> None:
        """Write what is still held back."""
        ...


def other_tracks(
    source: Source, plan: ClipPlan, output: Output, begin: Fraction, end: Fraction, report: Report
) -> list[Track]:
    """Tracks of all that is kept besides the picture; the report says what is kept and what is not."""
    tracks: list[Track] = []
    picture = source.media.video_index
    for stream in source.container.streams:
        if stream.index == picture:
            report.kept.append(_named(stream))
            continue
        reason = None
        if stream.type == "audio" and stream.codec_context is not None:
            sound = sound_plan(stream, plan.container, plan.sound, _packet_seconds(stream))
            tracks.append(_sound_track(source, stream, output, begin, end, sound))
            how = "copied" if sound.encoder is None else f"encoded with {sound.encoder}"
            report.sound.append({"stream": stream.index, "codec": sound.codec, "how": how, "reason": sound.reason})
            if not plan.container.holds_sound(sound.codec):
                report.warnings.append(f"stream {stream.index} (audio) {how}: {sound.reason}")
        elif stream.type == "subtitle" and stream.codec_context is not None:
            codec = stream.codec_context.name
            if codec in plan.container.text or stream.codec_context.codec.canonical_name in plan.container.text:
                tracks.append(CopiedText(stream, output, begin, end))
            else:
                reason = f"{codec} subtitles cannot be cut"
        elif stream.type == "attachment" and plan.container.attachments:
            output.container.add_attachment(_name(stream) or "attachment", stream.mimetype or "", stream.data)
        elif stream.type == "video":
            reason = "a clip has only one picture" if picture is not None else "a clip of sound has no picture"
        else:
            holds_chapters = _name(stream) == "bin_data" and plan.container.edit_list and source.container.chapters()
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


def _name(stream: Any) -> str | None:
    name: str | None = getattr(stream, "name", None)
    return name


def _named(stream: Any) -> dict[str, Any]:
    # A stream whose codec is not known has no name either.
    codec = stream.codec_context.codec.canonical_name if stream.codec_context is not None else _name(stream)
    return {"stream": stream.index, "kind": stream.type, "codec": codec}


OnProgress = Callable[[float], None]
"""Called with the part of a clip that is done, from 0 to 1."""


def pump(
    source: Source,
    tracks: Sequence[Track],
    first: int,
    end: Fraction,
    start: Start,
    on_progress: OnProgress | None = None,
) -> None:
    """Hands packets out until every track has enough, or the file is well past the end for those that have not; the
    first track is the one that leads."""
    by_stream = {track.stream.index: track for track in tracks}
    too_far = {track.stream.index: first_tick(end + FURTHEST, track.stream.time_base) for track in tracks}
    leading = tracks[0]
    begin, unit = float(source.seconds_of(first)), float(leading.stream.time_base)
    length = float(end) - begin
    for packet in source.packets([track.stream for track in tracks], first, start.lead, start.pts):
        track = by_stream[packet.stream_index if packet.size else packet.stream.index]
        if not track.done:
            track.take(packet)
        if all(one.done for one in tracks):
            return
        if leading.done and packet.dts is not None and packet.dts > too_far[track.stream.index]:
            return
        if on_progress is not None and packet.dts is not None and track is leading:
            on_progress(min(1.0, max(0.0, (packet.dts * unit - begin) / length)))


def lost_sound(target: Path, tracks: Sequence[Track]) -> int:
    """Packets of sound that cannot be decoded: of the source where it was encoded, in the clip where it was copied."""
    sounds = [track for track in tracks if track.stream.type == "audio"]
    copied = [track for track in sounds if isinstance(track, CopiedSound)]
    compressed = [one.out.index for one in copied if not one.stream.codec_context.name.startswith("pcm_")]
    encoded = sum(track.errors for track in sounds if not isinstance(track, CopiedSound))
    return encoded + undecodable_sound(target, compressed)


def check_sound(starts: dict[int, Fraction], tracks: Sequence[Track], report: Report) -> str | None:
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
