"""What a media file is: its rate, start time code, reel, streams, rotation, fingerprint, and when each frame is shown.

Zero is the first presented frame of the chosen video stream, after edit lists (the first audio sample where there is
no video). All times here count from it; `MediaInfo.zero` tells where it lies on the container's own clock.

How frames are counted. The chosen stream's packets are read once, without decoding, and sorted by presentation time;
packets that an edit list hides do not count. A decoder may still show fewer frames than there are packets, at the
beginning (a recording that starts inside a group of pictures) and at the end (one that stops inside a frame), so the
beginning is always decoded, and the end where the container keeps no index or the file is damaged. Where packets and
frames disagree otherwise, or packets carry no times, the whole stream is decoded. Reading is as fast as the disk; an
MP4 or MOV above 4 GiB with an intact index at a constant rate is counted from the index instead.
"""

from __future__ import annotations

import hashlib
import re
import stat
from bisect import bisect_left
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from enum import Enum
from fractions import Fraction
from itertools import pairwise
from pathlib import Path
from typing import TYPE_CHECKING, Any

from marlin_edit.errors import MarlinEditError, UsageError
from marlin_edit.timebase import (
    TOLERANCE,
    FrameNumber,
    FrameRate,
    Position,
    SourceTimecode,
    nearest_standard,
    snapped,
)

if TYPE_CHECKING:
    from av import VideoFrame
    from av.container import InputContainer
    from av.packet import Packet
    from av.video.stream import VideoStream


class Scan(Enum):
    """How the picture is scanned; for interlaced pictures, which field comes first."""

    PROGRESSIVE = "progressive"
    TOP_FIRST = "top field first"
    BOTTOM_FIRST = "bottom field first"


@dataclass(frozen=True)
class Colour:
    """Colour as the stream declares it, in FFmpeg's names (`bt709`, `smpte2084`, ...); None where it says nothing."""

    primaries: str | None = None
    transfer: str | None = None
    matrix: str | None = None
    range: str | None = None

    @property
    def hdr(self) -> bool:
        """PQ or HLG."""
        return self.transfer in ("smpte2084", "arib-std-b67")


@dataclass(frozen=True)
class Stream:
    """One stream of the file, whatever it holds. `index` is the container's."""

    index: int
    kind: str
    codec: str
    language: str | None = None
    title: str | None = None
    default: bool = False
    detail: str = ""


@dataclass(frozen=True)
class FrameTimes:
    """When each presented frame is shown where the rate varies: `pts[n] * time_base` seconds from zero, ascending."""

    pts: Sequence[int]
    time_base: Fraction


@dataclass(frozen=True)
class MediaInfo:
    """A media file as it was found, or as an analysis file tells of it. Seconds count from zero.

    rate: nominal, None where there is no video. frame_count: presented frames. start_frame: the start time code as a
    frame number at `rate`. width, height: stored pixels. rotation: degrees clockwise to turn the stored picture for
    display (0, 90, 180, 270). times: set where the rate is variable. incomplete: the file is cut short.
    notes: what the person should know.
    """

    path: Path
    duration: Fraction
    rate: FrameRate | None = None
    frame_count: int = 0
    start_frame: int = 0
    has_timecode: bool = False
    reel: str | None = None
    zero: Fraction = Fraction(0)
    video_index: int | None = None
    width: int = 0
    height: int = 0
    rotation: int = 0
    pixel_aspect: Fraction = Fraction(1)
    colour: Colour = Colour()
    scan: Scan = Scan.PROGRESSIVE
    container: str = ""
    streams: tuple[Stream, ...] = ()
    fingerprint: str = ""
    times: FrameTimes | None = field(default=None, repr=False)
    incomplete: bool = False
    notes: tuple[str, ...] = ()

    @property
    def variable_rate(self) -> bool:
        """Whether frames keep their own times, because a constant rate does not give them."""
        return self.times is not None

    @property
    def start_timecode(self) -> str:
        """The first frame's time code label; counted from 00:00:00:00 where the file has none."""
        return "00:00:00:00" if self.rate is None else self.rate.timecode(self.start_frame)

    def seconds_at(self, position: Position) -> Fraction:
        """Seconds from zero of a position as a person gave it; it may lie past the end.

        Source time code counts on past midnight: with a start of 23:59:50:00, 00:00:05:00 is 15 s in. Raises
        UsageError for time code before the start, and for frames and time code where there is no picture.
        """
        if isinstance(position, Fraction):
            return position
        if self.rate is None:
            raise UsageError(f"{self.path.name} has no picture, so it has no frames and no time code. Give seconds.")
        if isinstance(position, FrameNumber):
            return self.time_of(position.number)
        return self._since_start(position, self.rate) / self.rate.value

    def _since_start(self, position: SourceTimecode, rate: FrameRate) -> int:
        """Frames from the start time code to a label."""
        since = rate.frame_of(position.text) - self.start_frame
        if since < 0:
            since += rate.frames_per_day
            if since > self.duration * rate.value:
                raise UsageError(
                    f"The time code {position.text} is before the start of {self.path.name}, {self.start_timecode}."
                )
        return since

    def first_frame_at(self, seconds: Fraction) -> int:
        """The first frame presented at `seconds` or later, within the tolerance; `frame_count` where there is none.

        Where the frames were not counted (`frame_count` is 0), the constant rate alone decides.
        """
        rate = self._need_rate()
        if self.times is not None:
            earliest = (seconds - TOLERANCE) / self.times.time_base
            return bisect_left(self.times.pts, -(-earliest.numerator // earliest.denominator))
        frame = max(0, rate.first_frame_at(seconds))
        return min(frame, self.frame_count) if self.frame_count else frame

    def time_of(self, frame: int) -> Fraction:
        """When a frame is presented; `frame_count` gives the end of the last one, and past that the rate goes on."""
        rate = self._need_rate()
        if frame < 0:
            raise MarlinEditError(f"Frames of {self.path.name} count from 0; there is no frame {frame}.")
        if self.times is None:
            return rate.seconds(frame)
        if frame < len(self.times.pts):
            return self.times.pts[frame] * self.times.time_base
        return self.duration + rate.seconds(frame - len(self.times.pts))

    def _need_rate(self) -> FrameRate:
        if self.rate is None:
            raise MarlinEditError(f"{self.path.name} has no picture, so it has no frames.")
        return self.rate


# Opening -------------------------------------------------------------------------------------------------------------

_CONTAINERS = (
    "mov,mp4,m4a,3gp,3g2,mj2,matroska,webm,mpegts,mpeg,avi,mxf,flv,asf,ogg,gxf,nut,dv,wtv,ivf,"
    "wav,w64,aiff,caf,flac,mp3,aac,ac3,eac3,amr"
)
"""Demuxers that read one file and nothing else. Playlists and scripts (HLS, DASH, concat) would open further files."""


def open_media(path: Path) -> InputContainer:
    """Open a source for reading; everything that reads a source opens it here. The caller closes it.

    Only real containers are accepted and only this file is read, whatever its content asks for. Raises MarlinEditError
    for what is no media file, with the reason.
    """
    import av

    _check_readable(path)
    try:
        return av.open(
            f"file:{path.absolute()}",
            mode="r",
            container_options={"format_whitelist": _CONTAINERS, "protocol_whitelist": "file"},
            metadata_errors="replace",
        )
    except (av.FFmpegError, OSError, ValueError) as error:
        raise MarlinEditError(_why_not_opened(path)) from error


def _check_readable(path: Path) -> None:
    try:
        status = path.stat()
    except FileNotFoundError:
        raise MarlinEditError(f"{path} does not exist. Check the path.") from None
    except PermissionError:
        raise MarlinEditError(f"{path} cannot be reached: no permission to enter its folder.") from None
    except (OSError, ValueError) as error:
        raise MarlinEditError(f"{str(path)!r} cannot be opened: {error}. Check the path.") from None
    if stat.S_ISDIR(status.st_mode):
        raise MarlinEditError(f"{path} is a folder. Name a video file in it.")
    if not stat.S_ISREG(status.st_mode):
        raise MarlinEditError(f"{path} is not a file on a disk. Save the video to a file first.")
    if status.st_size == 0:
        raise MarlinEditError(f"{path.name} is empty (0 bytes). Copy or record it again.")
    try:
        with path.open("rb"):
            pass
    except PermissionError:
        raise MarlinEditError(f"No permission to read {path}. Change its permissions, or run as its owner.") from None
    except OSError as error:
        raise MarlinEditError(f"{path} cannot be read: {error.strerror}.") from None


def _why_not_opened(path: Path) -> str:
    with path.open("rb") as file:
        head = file.read(4096)
    text = head.lstrip(b"\xef\xbb\xbf \t\r\n")
    if text.startswith((b"#EXTM3U", b"ffconcat", b"[playlist]")) or b"<MPD" in text or b"<smil" in text:
        return f"{path.name} is a playlist, not a video, and playlists are not followed. Name the video file itself."
    if head.startswith((b"\x1a\x45\xdf\xa3", b"RIFF")):
        return f"{path.name} holds nothing that can be read: it is damaged, or has 0 frames. Copy or record it again."
    if head[4:8] in (b"ftyp", b"moov", b"mdat", b"wide", b"free"):
        return (
            f"{path.name} has no readable index: it is damaged, or was cut off before recording or copying ended."
            " Copy it again, or repair it with the program that recorded it."
        )
    return f"{path.name} is not a video or audio file of a known kind. Convert it to MP4, MOV, MKV or MPEG-TS first."


def decoded_frames(container: InputContainer, stream: VideoStream) -> Iterator[VideoFrame]:
    """Every frame that decoding a stream shows, from where the container stands; damaged packets are passed over."""
    import av

    try:
        for packet in container.demux(stream):
            yield from _decoded(packet)
    except (av.FFmpegError, OSError):
        yield from _flushed(stream)


def _decoded(packet: Packet[VideoStream]) -> list[VideoFrame]:
    import av

    try:
        return packet.decode()
    except av.FFmpegError:
        return []


def _flushed(stream: VideoStream) -> list[VideoFrame]:
    import av

    try:
        return stream.decode(None)
    except av.FFmpegError:
        return []


# Probing -------------------------------------------------------------------------------------------------------------


def probe(path: Path, video_index: int | None = None) -> MediaInfo:
    """Find out all that `MediaInfo` tells of a file.

    video_index: the container's index of the video stream to use; else the default one, else the largest picture.
    Raises MarlinEditError where the file cannot be read or has no frames, UsageError for a stream that is not there.
    """
    with open_media(path) as container:
        size = path.stat().st_size
        notes: list[str] = []
        cut_short = _is_cut_short(path, container.format.name, size)
        if cut_short:
            notes.append("The file seems cut short: it is smaller than it says. What can be read is used.")
        streams = tuple(_describe(stream) for stream in container.streams)
        stream, choice_note = _choose(path, container, video_index)
        notes += choice_note
        if stream is None:
            return replace(_probe_sound(path, container, streams, tuple(notes)), incomplete=cut_short)
        _only(container, stream.index)
        assert stream.time_base is not None
        shown = None if cut_short or size <= _COUNT_FROM_INDEX else _counted_from_index(path, stream.index)
        shown = shown or _shown_frames(container, stream, path, damaged=cut_short)
        if not shown.pts:
            raise MarlinEditError(
                f"{path.name} has no frames: stream {stream.index} holds no picture that can be decoded."
                " Copy or record it again."
            )
        notes += shown.notes
        rate, times, end, rate_notes = _rate_of(shown, stream)
        notes += rate_notes
        tags = _Tags(container, stream)
        label = tags.find("timecode")
        start_frame = None
        if label is not None:
            rate, start_frame, timecode_notes = _start_of(label, rate)
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
            rotation=_rotation(shown.sample),
            pixel_aspect=stream.sample_aspect_ratio or Fraction(1),
            colour=_colour(stream, shown.sample),
            scan=_scan(context.field_order, shown.interlaced),
            container=container.format.name,
            streams=streams,
            fingerprint=fingerprint(path),
            times=times,
            incomplete=cut_short,
            notes=tuple(notes),
        )


def probe_video(path: Path, video_index: int | None = None) -> MediaInfo:
    """As `probe`, for what needs a picture: MarlinEditError where there is none."""
    media = probe(path, video_index)
    if media.video_index is None:
        raise MarlinEditError(f"{path.name} has no picture, only sound, and the model sees and does not hear.")
    return media


def _probe_sound(
    path: Path, container: InputContainer, streams: tuple[Stream, ...], notes: tuple[str, ...]
) -> MediaInfo:
    """The MediaInfo of a file without picture, from its first sound stream."""
    if not container.streams:
        raise MarlinEditError(f"{path.name} has no streams: 0 frames were recorded. Record or copy it again.")
    sounds = [stream for stream in container.streams.audio if stream.codec_context is not None]
    if not sounds:
        raise MarlinEditError(f"{path.name} has neither picture nor sound. Name a video file.")
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


def _discard(stream: Any) -> None:
    from av.stream import Discard

    stream.discard = Discard.all


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


# Frame times ---------------------------------------------------------------------------------------------------------

_HEAD_FRAMES = 8
_HEAD_PACKETS = 900
_TAIL_PIXELS = 300 * 1920 * 1080
_NO_INDEX = ("mpegts", "mpeg", "flv", "dv")
_COUNT_FROM_INDEX = 4 << 30


@dataclass
class _Shown:
    """The frames that decoding shows: container pts, ascending, the end of the last one, and one frame to look at."""

    pts: list[int] = field(default_factory=list)
    end: int | None = None
    sample: VideoFrame | None = None
    interlaced: bool = False
    notes: list[str] = field(default_factory=list)

    def look_at(self, frame: VideoFrame) -> None:
        self.sample = self.sample or frame
        self.interlaced = self.interlaced or frame.interlaced_frame


def _shown_frames(container: InputContainer, stream: VideoStream, path: Path, *, damaged: bool) -> _Shown:
    import av

    shown = _Shown()
    packets: list[tuple[int, int]] = []
    head: list[int] = []
    head_packets = 0
    group: list[Packet[VideoStream]] | None = []
    group_limit = max(30, _TAIL_PIXELS // max(1, stream.width * stream.height))
    torn = False  # whether the last packet is damaged: at the end of the file that is checked below
    untrue = False  # whether packets do not tell what decoding will show
    last_dts: int | None = None
    check_tail = damaged or container.format.name in _NO_INDEX
    assert stream.time_base is not None
    second = 1 / stream.time_base
    try:
        for packet in container.demux(stream):
            if packet.size == 0:
                continue
            untrue = untrue or torn
            torn = packet.is_corrupt
            if packet.dts is not None:
                if last_dts is not None and packet.dts < last_dts - second and not shown.notes:
                    shown.notes.append(
                        "The file's clock jumps back on the way. Rewrite it with steady time stamps first."
                    )
                last_dts = packet.dts
            untrue = untrue or packet.pts is None
            if not packet.is_discard and packet.pts is not None and not _is_hidden(packet, stream):
                packets.append((packet.pts, packet.duration or 0))
            if len(head) < _HEAD_FRAMES and head_packets < _HEAD_PACKETS:
                head_packets += 1
                for frame in _decoded(packet):
                    shown.look_at(frame)
                    if frame.pts is not None:
                        head.append(frame.pts)
            if packet.is_keyframe:
                group = []
            if group is not None:
                group.append(packet)
                if len(group) > group_limit:
                    group = None
    except (av.FFmpegError, OSError):
        torn = True
    if len(head) < _HEAD_FRAMES:
        for frame in _flushed(stream):
            shown.look_at(frame)
            if frame.pts is not None:
                head.append(frame.pts)

    context = stream.codec_context
    if container.format.name == "avi" and context.name in ("h264", "hevc") and context.reorder_depth > 0:
        shown.notes.append(
            "The file keeps no presentation times (AVI with B-frames): they are guessed, and cuts can be a frame off."
            " Rewrite it as MP4 or MKV first."
        )
    packets.sort()
    if packets and head and not untrue:
        first, last = min(head), max(head)
        expected = [pts for pts, _ in packets if first <= pts <= last]
        kept = [packet for packet in packets if packet[0] >= first]
        if expected == sorted(head):
            missing = _missing_at_end(stream, group, kept) if (check_tail or torn) and group else 0
            if missing is not None:
                kept = kept[: len(kept) - missing]
                shown.pts = [pts for pts, _ in kept]
                shown.end = kept[-1][0] + kept[-1][1] if kept and kept[-1][1] > 0 else None
                return shown
    if packets or untrue:
        _decode_all(path, stream.index, shown)
    return shown


def _is_hidden(packet: Packet[VideoStream], stream: VideoStream) -> bool:
    """VP8 keeps frames that are only referred to as packets of their own: the show_frame bit (RFC 6386, 9.1)."""
    if stream.codec_context.name not in ("vp8", "libvpx"):
        return False
    return not bytes(memoryview(packet)[:1])[0] >> 4 & 1


def _missing_at_end(
    stream: VideoStream, group: Sequence[Packet[VideoStream]], kept: Sequence[tuple[int, int]]
) -> int | None:
    """How many of the last packets a decoder shows no frame for; None where frames are missing further inside."""
    stream.codec_context.flush_buffers()
    found: set[int] = set()
    for packet in group:
        found.update(frame.pts for frame in _decoded(packet) if frame.pts is not None)
    found.update(frame.pts for frame in _flushed(stream) if frame.pts is not None)
    if not found:
        return None
    first, last = min(found), max(found)
    inside = [pts for pts, _ in kept if first <= pts <= last]
    if len(inside) != len(found):
        return None
    return sum(1 for pts, _ in kept if pts > last)


def _decode_all(path: Path, index: int, shown: _Shown) -> None:
    """The slow and certain way: every frame that decoding shows."""
    times = []
    with open_media(path) as container:
        for frame in decoded_frames(container, _only(container, index)):
            shown.look_at(frame)
            if frame.pts is not None:
                times.append((frame.pts, frame.duration or 0))
    times.sort()
    shown.pts = [pts for pts, _ in times]
    shown.end = times[-1][0] + times[-1][1] if times and times[-1][1] > 0 else None


def _counted_from_index(path: Path, index: int) -> _Shown | None:
    """Count a very large MP4 or MOV from its index, which holds each frame's decoding time; None where that is unsafe.

    Safe at a constant rate only, where presentation times are the decoding times in another order; the decoded
    beginning shows whether they are.
    """
    with open_media(path) as container:
        stream = _only(container, index)
        entries = [entry.timestamp for entry in stream.index_entries if not entry.is_discard]
        rate = stream.average_rate
        assert stream.time_base is not None
        if "mp4" not in container.format.name.split(",") or len(entries) < 4 * _HEAD_FRAMES or not rate:
            return None
        if not _fits(entries, stream.time_base, snapped(rate)[0].value, stream.time_base):
            return None
        shown = _Shown()
        for frame in decoded_frames(container, stream):
            shown.look_at(frame)
            if frame.pts is None:
                return None
            shown.pts.append(frame.pts)
            if len(shown.pts) == 4 * _HEAD_FRAMES:
                break
        if not shown.pts:
            return None
        from_index = [entry - entries[0] + shown.pts[0] for entry in entries]
        if from_index[: len(shown.pts)] != shown.pts:
            return None
        shown.pts = from_index
        return shown


def _only(container: InputContainer, index: int) -> VideoStream:
    """The video stream with the container's index `index`; packets of the others are not read."""
    for other in container.streams:
        if other.index != index:
            _discard(other)
    return next(stream for stream in container.streams.video if stream.index == index)


def _rate_of(shown: _Shown, stream: VideoStream) -> tuple[FrameRate, FrameTimes | None, Fraction, list[str]]:
    """The nominal rate, the frames' own times where no constant rate gives them, the end in seconds, and notes."""
    assert stream.time_base is not None
    time_base = stream.time_base
    zero, last = shown.pts[0], shown.pts[-1]
    coded = stream.codec_context.framerate
    declared = [rate for rate in (stream.average_rate, coded, stream.guessed_rate, stream.base_rate) if rate]
    average = None
    if last > zero:
        average = (len(shown.pts) - 1) / ((last - zero) * time_base)
    elif shown.end is not None and shown.end > zero and not declared:
        average = 1 / ((shown.end - zero) * time_base)
    measured = [average] if average is not None else []
    standard = [snapped(rate)[0].value for rate in (*declared, *measured)]
    other = [*declared, *(rate.limit_denominator(1001) for rate in measured)]
    if average is not None and snapped(average)[0] == nearest_standard(average):
        other = []
    for rounding in (time_base, max(time_base, Fraction(1, 1000))):
        for candidate in (*standard, *other):
            if _fits(shown.pts, time_base, candidate, rounding):
                rate = FrameRate(candidate)
                notes = []
                if stream.average_rate and stream.average_rate != candidate and snapped(stream.average_rate)[1]:
                    notes.append(f"The average of {_decimal(stream.average_rate)} fps is taken as {candidate} fps.")
                return rate, None, rate.seconds(len(shown.pts)), notes
    if average is None:
        rate = FrameRate(Fraction(25))
        return rate, None, rate.seconds(len(shown.pts)), ["The file does not say its frame rate; 25 fps is taken."]
    rate = nearest_standard(average)
    usual = _usual_step(shown.pts) * time_base
    if usual and snapped(1 / usual)[0] == nearest_standard(1 / usual) != rate:
        rate = nearest_standard(1 / usual)
        text = (
            f"The frame rate is {rate.name} fps with frames missing (average {_decimal(average)} fps):"
            " each frame keeps its own time."
        )
    elif snapped(average)[0] == rate:
        text = (
            f"The frame rate is not exactly {rate.name} fps (average {_decimal(average)}), which it is taken as:"
            " each frame keeps its own time."
        )
    else:
        text = (
            f"The frame rate varies (average {_decimal(average)} fps): each frame keeps its own time, and formats"
            f" that need one rate get {rate.name} fps, the nearest standard one."
        )
    end = (shown.end - zero) * time_base if shown.end is not None else (last - zero) * time_base + rate.seconds(1)
    times = FrameTimes(tuple(pts - zero for pts in shown.pts), time_base)
    return rate, times, end, [text]


def _fits(pts: Sequence[int], time_base: Fraction, rate: Fraction, rounding: Fraction) -> bool:
    """Whether a constant rate gives all times, but for rounding (and that at most a quarter of a frame)."""
    allowed = min(rounding, 1 / (4 * rate))
    # |pts * time_base - n / rate| <= allowed, in whole numbers: long files have a million frames.
    tick = time_base.numerator * rate.numerator
    step = rate.denominator * time_base.denominator
    bound = int(allowed * rate.numerator * time_base.denominator)
    zero = pts[0]
    return all(-bound <= (value - zero) * tick - number * step <= bound for number, value in enumerate(pts))


def _usual_step(pts: Sequence[int]) -> int:
    """The clock ticks between most frames (nine in ten); 0 where there is no such step."""
    steps = Counter(later - now for now, later in pairwise(pts))
    step, times = steps.most_common(1)[0]
    return step if 10 * times >= 9 * (len(pts) - 1) else 0


def _decimal(rate: Fraction) -> str:
    return f"{float(rate):.4f}".rstrip("0").rstrip(".")


# What tags and pictures tell -----------------------------------------------------------------------------------------


class _Tags:
    """Metadata of the chosen stream, then of time code streams, then of the container; names in any case."""

    def __init__(self, container: InputContainer, stream: VideoStream) -> None:
        sources: list[Mapping[str, str]] = [stream.metadata]
        sources += [other.metadata for other in container.streams if other.type == "data"]
        sources.append(container.metadata)
        self._sources = [{name.lower(): text for name, text in source.items()} for source in sources]

    def find(self, *names: str) -> str | None:
        for source in self._sources:
            for name in names:
                if source.get(name, "").strip():
                    return source[name].strip()
        return None


def _start_of(label: str, rate: FrameRate) -> tuple[FrameRate, int | None, list[str]]:
    """The rate with the label's kind of counting, and the label's frame number, or None and a note."""
    drop_frame = re.fullmatch(r"\d{1,2}:\d{2}:\d{2}[;.,]\d{2,3}", label) is not None
    try:
        counting = FrameRate(rate.value, drop_frame)
        return counting, counting.frame_of(label), []
    except MarlinEditError:
        return rate, None, [f"The start time code {label!r} does not exist at {rate.name} fps, so it is left out."]


def _rotation(frame: VideoFrame | None) -> int:
    """Degrees clockwise, to the nearest quarter turn; FFmpeg tells it counter-clockwise."""
    return 0 if frame is None else round(-frame.rotation / 90) * 90 % 360


def _scan(field_order: int, interlaced: bool) -> Scan:
    """FFmpeg's AVFieldOrder: 2 and 5 show the top field first, 3 and 4 the bottom field."""
    if field_order in (3, 4):
        return Scan.BOTTOM_FIRST
    return Scan.TOP_FIRST if interlaced or field_order in (2, 5) else Scan.PROGRESSIVE


def _colour(stream: VideoStream, frame: VideoFrame | None) -> Colour:
    def named(names: Mapping[int, str], attribute: str) -> str | None:
        for source in (stream.codec_context, frame):
            name = names.get(int(getattr(source, attribute, 2)))
            if name is not None:
                return name
        return None

    return Colour(
        primaries=named(_PRIMARIES, "color_primaries"),
        transfer=named(_TRANSFERS, "color_trc"),
        matrix=named(_MATRICES, "colorspace"),
        range=named(_RANGES, "color_range"),
    )


# ITU-T H.273, under FFmpeg's names.
_PRIMARIES = {
    1: "bt709", 4: "bt470m", 5: "bt470bg", 6: "smpte170m", 7: "smpte240m", 8: "film", 9: "bt2020", 10: "smpte428",
    11: "smpte431", 12: "smpte432", 22: "ebu3213",
}  # fmt: skip
_TRANSFERS = {
    1: "bt709", 4: "gamma22", 5: "gamma28", 6: "smpte170m", 7: "smpte240m", 8: "linear", 9: "log100", 10: "log316",
    11: "iec61966-2-4", 12: "bt1361e", 13: "iec61966-2-1", 14: "bt2020-10", 15: "bt2020-12", 16: "smpte2084",
    17: "smpte428", 18: "arib-std-b67",
}  # fmt: skip
_MATRICES = {
    0: "gbr", 1: "bt709", 4: "fcc", 5: "bt470bg", 6: "smpte170m", 7: "smpte240m", 8: "ycgco", 9: "bt2020nc",
    10: "bt2020c", 14: "ictcp",
}  # fmt: skip
_RANGES = {1: "tv", 2: "pc"}


# Fingerprint and truncation ------------------------------------------------------------------------------------------

_BLOCK = 256 << 10
_BLOCKS = 18


def fingerprint(path: Path) -> str:
    """Tells a file's content apart, not its name: the size, and a hash of its head, its tail and blocks in between.

    Reads at most 4.5 MiB, whatever the size. Two files that differ only between those blocks are taken as the same.
    """
    size = path.stat().st_size
    digest = hashlib.sha256(str(size).encode())
    with path.open("rb") as file:
        if size <= _BLOCK * _BLOCKS:
            digest.update(file.read())
        else:
            for number in range(_BLOCKS):
                file.seek((size - _BLOCK) * number // (_BLOCKS - 1))
                digest.update(file.read(_BLOCK))
    return f"{size}-{digest.hexdigest()[:32]}"


def _is_cut_short(path: Path, container: str, size: int) -> bool:
    """Whether the file's own structure reaches past its end, where its kind tells."""
    kinds = container.split(",")
    with path.open("rb") as file:
        if "mp4" in kinds:
            position = 0
            while position + 8 <= size:
                file.seek(position)
                header = file.read(16)
                length = int.from_bytes(header[:4], "big")
                if length == 1:
                    length = int.from_bytes(header[8:16], "big")
                if length == 0:  # the last box reaches to the end
                    return False
                if length < 8:
                    return False
                position += length
            return position > size
        if "avi" in kinds or "wav" in kinds:
            header = file.read(12)
            length = int.from_bytes(header[4:8], "little")
            return header[:4] == b"RIFF" and length != 0xFFFFFFFF and length + 8 > size + 1
        if "matroska" in kinds:
            return _matroska_end(file.read(4096)) > size
        if "mpegts" in kinds:
            head = file.read(205)
            return any(head[packet : packet + 1] == head[:1] == b"G" and size % packet for packet in (188, 204))
    return False


def _matroska_end(head: bytes) -> int:
    """Where the segment of a Matroska or WebM file ends; 0 where it does not say (RFC 8794, 9559)."""

    def number(position: int) -> tuple[int, int, bool]:
        length = 9 - head[position].bit_length()
        value = int.from_bytes(head[position : position + length], "big") & ((1 << 7 * length) - 1)
        return value, position + length, value == (1 << 7 * length) - 1

    try:
        value, position, _ = number(4)
        position += value
        if head[position : position + 4] != b"\x18\x53\x80\x67":
            return 0
        value, position, unknown = number(position + 4)
    except IndexError:
        return 0
    return 0 if unknown else position + value
