"""A clip of sound alone. Its frames are samples: it begins and ends at them, but for packets that are copied, which an
edit list cuts. Lossless sound stays lossless and is compared with the source's, sample by sample.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from fractions import Fraction
from hashlib import blake2b
from pathlib import Path
from typing import Any

from marlin_edit.media import open_media
from marlin_edit_ffmpeg.clips.metadata import chapters_between, label_output, label_stream, set_chapters
from marlin_edit_ffmpeg.clips.plan import ClipPlan, Mode, Sound
from marlin_edit_ffmpeg.clips.report import Report
from marlin_edit_ffmpeg.clips.sound import CopiedSound, is_lossless
from marlin_edit_ffmpeg.clips.tracks import OnProgress, check_sound, lost_sound, other_tracks, pump
from marlin_edit_ffmpeg.clips.verify import Delivered
from marlin_edit_ffmpeg.containers import Output
from marlin_edit_ffmpeg.source import NothingThere, Source, Start

_BEFORE = Fraction(2)
_TIMED = ("matroska", "ogg")
"""Muxers without an edit list whose packets can be copied: they have times, and lean on few others."""

_LENGTH = Fraction(30, 1000)
"""How much longer or shorter than planned a lossy clip may be: a packet."""


def write_sound(
    source: Source, plan: ClipPlan, target: Path, report: Report, on_progress: OnProgress | None = None
) -> str | None:
    """Writes the clip to `target` and checks it, filling the report; returns what is wrong, or None."""
    frames, media = plan.frames, source.media
    begin, end = source.seconds_of(frames.first), source.seconds_of(frames.stop)
    errors = source.decode_errors
    copies = plan.container.edit_list or (plan.mode is Mode.COPY and plan.container.muxer in _TIMED)
    asked = plan.sound if copies and plan.mode is not Mode.EXACT else Sound.EXACT
    with Output("file:" + str(target.absolute()), plan.container) as output:
        tracks = other_tracks(source, replace(plan, sound=asked), output, begin, end, report)
        for said in report.sound:
            if plan.sound is not Sound.EXACT and said["reason"] == "asked for":
                said["reason"] = "cut at the sample"
        for track in tracks:
            label_stream(track.stream, track.out)
        label_output(source.container, output, media, frames.first)
        # MP3's clock counts what decoders throw away, its chapters do not.
        early = media.zero if media.container == "mp3" else Fraction(0)
        set_chapters(output, chapters_between(source.container, begin - early, end - early))
        output.begin()
        pump(source, tracks, frames.first, end, Start(None, _BEFORE), on_progress)
        for track in tracks:
            track.finish()
        if all(getattr(track, "starts_at", None) is None for track in tracks):
            raise NothingThere
    report.decode_errors = source.decode_errors - errors + sum(track.errors for track in tracks)
    starts: dict[int, Fraction] = {}
    for track in tracks:
        found = _heard(target, track.out.index)
        if found is None:
            return f"the sound of stream {track.stream.index} cannot be decoded"
        starts[track.out.index], length = found
        planned = (end - begin) - (getattr(track, "starts_at", None) or 0)
        if abs(length - planned) > _LENGTH and not media.incomplete:
            return f"the written clip is {float(length):.4f} s long, not {float(planned):.4f} s"
        if _is_same_by_samples(track) and report.decode_errors == 0:
            place = len(tracks[: tracks.index(track)])
            if _digest(source.media.path, place, begin, end) != _digest(target, place, None, None):
                return f"the samples of stream {track.stream.index} are not the source's"
    report.lost_sound = lost_sound(target, tracks)
    report.frames, report.size = frames, target.stat().st_size
    report.encoded = 0 if all(isinstance(track, CopiedSound) for track in tracks) else frames.count
    assert media.rate is not None
    last = media.rate.seconds(frames.count - 1)
    report.delivered = Delivered(frames, Fraction(0), last, starts)
    return check_sound(starts, tracks, report)


def _is_same_by_samples(track: Any) -> bool:
    """Whether a track's samples are the source's own: nothing is lost, and its clock tells samples apart."""
    stream = track.stream
    fine = stream.time_base * (stream.codec_context.sample_rate or 0) <= 1
    return not isinstance(track, CopiedSound) and is_lossless(stream) and is_lossless(track.out) and fine


def _heard(path: Path, index: int) -> tuple[Fraction, Fraction] | None:
    """When a stream of a written clip is first heard, and how long, damaged packets inside it among it."""
    begin: Fraction | None = None
    samples, rate = 0, 1
    lasts = Fraction(0)
    with open_media(path) as opened:
        container: Any = opened
        stream = container.streams[index]
        for frame in _frames(container, stream):
            samples, rate = samples + frame.samples, frame.sample_rate
            if frame.pts is not None:
                now = frame.pts * stream.time_base
                begin = now if begin is None else begin
                lasts = max(lasts, now + Fraction(frame.samples, rate) - begin)
        if begin is None:
            return None
        zero = stream.start_time * stream.time_base if stream.start_time and path.suffix == ".mp3" else Fraction(0)
    heard = Fraction(samples, rate)
    return begin - zero, lasts if lasts - heard > _LENGTH else heard


def _frames(container: Any, stream: Any) -> Iterator[Any]:
    """The frames of a stream; packets that cannot be decoded are left out."""
    from av.error import FFmpegError

    for packet in container.demux(stream):
        try:
            yield from packet.decode()
        except EOFError:
            return
        except FFmpegError:
            continue


def _digest(path: Path, place: int, begin: Fraction | None, end: Fraction | None) -> bytes:
    """A checksum of the samples of the `place`-th audio stream, from `begin` to `end` on the container's clock."""
    digest = blake2b()
    for block in _samples(path, place, begin, end):
        digest.update(block)
    return digest.digest()


def _samples(path: Path, place: int, begin: Fraction | None, end: Fraction | None) -> Iterator[bytes]:
    import numpy as np

    with open_media(path) as opened:
        container: Any = opened
        stream = container.streams.audio[place]
        if begin is not None:
            container.seek(max(0, int((begin - _BEFORE) / stream.time_base)), stream=stream)
        next_at: int | None = None
        for frame in container.decode(stream):
            samples = frame.to_ndarray()
            if not frame.format.is_planar:
                samples = samples.reshape(-1, frame.layout.nb_channels).T
            if begin is not None and end is not None:
                rate = frame.sample_rate
                at = next_at if next_at is not None else round((frame.pts * stream.time_base - begin) * rate)
                next_at = at + frame.samples
                if at >= round((end - begin) * rate):
                    return
                samples = samples[:, max(0, -at) : max(0, round((end - begin) * rate) - at)]
            yield np.ascontiguousarray(samples.T).tobytes()
