"""Finds out what a media file is: its streams, and of the chosen one rate, frames, start, size and colour."""

from __future__ import annotations

from dataclasses import replace
from fractions import Fraction
from pathlib import Path
from typing import TYPE_CHECKING, Any

from marlin_edit.errors import MarlinEditError, UsageError
from marlin_edit.media import frame_index
from marlin_edit.media.container import only, open_media
from marlin_edit.media.fingerprints import fingerprint, is_cut_short
from marlin_edit.media.frame_index import ShownFrames, counted_from_index, rate_of, shown_frames
from marlin_edit.media.info import MediaInfo, Stream
from marlin_edit.media.tags import Tags, colour_of, rotation_of, scan_of, start_of
from marlin_edit.timebase import (
    snapped,
)

if TYPE_CHECKING:
    from av.container import InputContainer
    from av.video.stream import VideoStream


def probe(path: Path, video_index: int | None = None) -> MediaInfo:
    """Find out all that `MediaInfo` tells of a file.

    Args:
        video_index: The container's index of the video stream to use; else the default one, else the largest picture.

    Raises:
        MarlinEditError: The file cannot be read or has no frames, UsageError for a stream that is not there.
    """
    with open_media(path) as container:
        size = path.stat().st_size
        notes: list[str] = []
        cut_short = is_cut_short(path, container.format.name, size)
        if cut_short:
            notes.append("The file seems cut short: it is smaller than it says. What can be read is used.")
        streams = tuple(_describe(stream) for stream in container.streams)
        stream, choice_note = _choose(path, container, video_index)
        notes += choice_note
        if stream is None:
            return replace(_probe_sound(path, container, streams, tuple(notes)), incomplete=cut_short)
        only(container, stream.index)
        assert stream.time_base is not None
        shown = _shown_frames(path, container, stream, cut_short)
        if not shown.pts:
            raise MarlinEditError(
                f"{path.name} has no frames: stream {stream.index} holds no picture that can be decoded."
                " Copy or record it again."
            )
        notes += shown.notes
        rate, times, end, rate_notes = rate_of(shown, stream)
        notes += rate_notes
        tags = Tags(container, stream)
        label = tags.find("timecode")
        start_frame = None
        if label is not None:
            rate, start_frame, timecode_notes = start_of(label, rate)
            notes += timecode_notes
        context = stream.codec_context
        return MediaInfo(
            path=path,
            duration=end,
            rate=rate,
            frame_count=len(shown.pts),
            start_frame=start_frame or 0,
            has_timecode=start_frame is not None,
            reel=tags.find("reel_name", "reel", "com.apple.proapps.reel"),
            zero=shown.pts[0] * stream.time_base,
            video_index=stream.index,
            width=shown.sample.width if shown.sample else context.width,
            height=shown.sample.height if shown.sample else context.height,
            rotation=rotation_of(shown.sample),
            pixel_aspect=stream.sample_aspect_ratio or Fraction(1),
            colour=colour_of(stream, shown.sample),
            scan=scan_of(context.field_order, shown.interlaced),
            container=container.format.name,
            streams=streams,
            fingerprint=fingerprint(path),
            times=times,
            incomplete=cut_short,
            notes=tuple(notes),
        )


def _shown_frames(path: Path, container: InputContainer, stream: VideoStream, cut_short: bool) -> ShownFrames:
    if cut_short or path.stat().st_size <= frame_index.COUNT_FROM_INDEX:
        return shown_frames(container, stream, path, damaged=cut_short)
    counted = counted_from_index(container, stream)
    if counted is not None:
        return counted
    with open_media(path) as again:
        return shown_frames(again, only(again, stream.index), path, damaged=False)


def probe_video(path: Path, video_index: int | None = None) -> MediaInfo:
    """As `probe`, for what needs a picture: MarlinEditError where there is none."""
    media = probe(path, video_index)
    need_picture(media)
    return media


def need_picture(media: MediaInfo) -> None:
    """MarlinEditError for sound alone: it cannot be watched."""
    if media.sample_rate:
        raise MarlinEditError(f"{media.path.name} has no picture, only sound, and the model sees and does not hear.")


def _probe_sound(
    path: Path, container: InputContainer, streams: tuple[Stream, ...], notes: tuple[str, ...]
) -> MediaInfo:
    """The MediaInfo of a file without picture, from its first sound stream."""
    if not container.streams:
        raise MarlinEditError(f"{path.name} has no streams: 0 frames were recorded. Record or copy it again.")
    sounds = [stream for stream in container.streams.audio if stream.codec_context is not None]
    if not sounds:
        raise MarlinEditError(f"{path.name} has neither picture nor sound. Give a video file.")
    sound = sounds[0]
    assert sound.time_base is not None
    first: int | None = None
    end = 0
    for packet in container.demux(sound):
        if packet.size == 0 or packet.pts is None or packet.is_discard:
            continue
        first = packet.pts if first is None else min(first, packet.pts)
        end = max(end, packet.pts + (packet.duration or 0))
    if first is None:
        raise MarlinEditError(f"{path.name} has no picture and no sound that can be read. Copy or record it again.")
    # Priming samples lie before the stream's start and are not heard.
    first = max(first, sound.start_time) if sound.start_time is not None else first
    if sound.duration is not None and sound.start_time is not None:
        end = min(end, sound.start_time + sound.duration)
    return MediaInfo(
        path=path,
        duration=(end - first) * sound.time_base,
        zero=first * sound.time_base,
        container=container.format.name,
        streams=streams,
        fingerprint=fingerprint(path),
        sample_rate=sound.codec_context.sample_rate,
        notes=(*notes, "The file has no picture, only sound."),
    )


def _choose(path: Path, container: InputContainer, video_index: int | None) -> tuple[VideoStream | None, list[str]]:
    """The video stream to use, or None where there is no video; and a note where there were several."""
    from av.stream import Disposition

    pictures = [
        stream
        for stream in container.streams.video
        if not stream.disposition & (Disposition.attached_pic | Disposition.timed_thumbnails)
    ]
    if video_index is not None:
        for stream in container.streams.video:
            if stream.index == video_index and stream.codec_context is not None:
                return stream, []
        known = ", ".join(f"{stream.index} ({_picture_detail(stream)})" for stream in pictures) or "none"
        raise UsageError(f"{path.name} has no video stream {video_index}. Its video streams: {known}.")
    decodable = [stream for stream in pictures if stream.codec_context is not None]
    if pictures and not decodable:
        raise MarlinEditError(f"The picture of {path.name} is in a codec that is not known. Convert it first.")
    if not decodable:
        return None, []
    defaults = [stream for stream in decodable if stream.disposition & Disposition.default]
    chosen = max(defaults or decodable, key=lambda stream: (stream.width * stream.height, -stream.index))
    if len(decodable) == 1:
        return chosen, []
    others = ", ".join(
        f"--stream {stream.index} for {_picture_detail(stream)}" for stream in decodable if stream is not chosen
    )
    return chosen, [f"Of {len(decodable)} video streams, {chosen.index} is used ({_picture_detail(chosen)}); {others}."]


def _picture_detail(stream: VideoStream) -> str:
    if stream.codec_context is None:
        return "unknown codec"
    rate = stream.average_rate or stream.guessed_rate
    return f"{stream.width}x{stream.height}" + (f" {snapped(rate)[0].name} fps" if rate else "")


def _describe(stream: Any) -> Stream:
    from av.stream import Disposition

    context = stream.codec_context
    codec = _CODEC_NAMES.get(context.name, context.name) if context is not None else "unknown"
    detail = ""
    if stream.type == "video":
        detail = _picture_detail(stream)
    elif stream.type == "audio" and context is not None:
        detail = f"{context.sample_rate} Hz {context.layout.name}"
    language = stream.metadata.get("language")
    return Stream(
        index=stream.index,
        kind=stream.type,
        codec=codec,
        language=None if language in ("und", "", None) else language,
        title=stream.metadata.get("title"),
        default=bool(stream.disposition & Disposition.default),
        detail=detail,
    )


_CODEC_NAMES = {"libdav1d": "av1", "libvpx": "vp8", "libvpx-vp9": "vp9", "libopus": "opus", "mp3float": "mp3"}
