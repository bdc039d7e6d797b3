"""Opens sources safely and reads their packets and frames; what is damaged is passed over."""

from __future__ import annotations

import stat
from collections.abc import Callable, Iterator
from fractions import Fraction
from pathlib import Path
from typing import TYPE_CHECKING, Any

from marlin_edit.errors import MarlinEditError
from marlin_edit.media.animated_webp import as_apng, is_animated_webp

if TYPE_CHECKING:
    from av import VideoFrame
    from av.container import InputContainer
    from av.packet import Packet
    from av.video.stream import VideoStream


_CONTAINERS = (
    "mov,mp4,m4a,3gp,3g2,mj2,matroska,webm,mpegts,mpeg,avi,mxf,flv,asf,ogg,gxf,nut,dv,wtv,ivf,gif,apng,"
    "wav,w64,aiff,caf,flac,mp3,aac,ac3,eac3,amr"
)
"""Demuxers that read one file and nothing else. Playlists and scripts (HLS, DASH, concat) would open further files."""


def open_media(path: Path) -> InputContainer:
    """Open a source for reading; everything that reads a source opens it here.

    The caller closes it.

    Only real containers are accepted and only this file is read, whatever its content asks for.

    Raises:
        MarlinEditError: What is no media file, with the reason.
    """
    import av

    _check_readable(path)
    opened = path
    with path.open("rb") as file:
        if is_animated_webp(file.read(32)):
            opened = as_apng(path)
    try:
        return av.open(
            f"file:{opened.absolute()}",
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
        return f"{path.name} contains nothing that can be read: it is damaged or has 0 frames. Copy or record it again."
    if head[4:8] in (b"ftyp", b"moov", b"mdat", b"wide", b"free"):
        return (
            f"{path.name} has no readable index: it is damaged, or was cut off before recording or copying ended."
            " Copy it again, or repair it with the program that recorded it."
        )
    return f"{path.name} is not a video or audio file of a known kind. Convert it to MP4, MOV, MKV or MPEG-TS first."


def decoded_frames(container: InputContainer, stream: VideoStream) -> Iterator[VideoFrame]:
    """Every frame that decoding a stream shows, from where the container stands; damaged packets are passed over."""
    for packet in packets_of(container, stream):
        yield from decoded(packet)


_FAILURES_IN_A_ROW = 20


def packets_of(
    container: InputContainer, stream: VideoStream, damaged: Callable[[], None] = lambda: None
) -> Iterator[Packet[VideoStream]]:
    """A stream's packets from where the container stands, the empty one that flushes the decoder last.

    What is damaged in the container is passed over, each time after a call of `damaged`; after many faults in a row
    it counts as the end.
    """
    import av

    packets = container.demux(stream)
    failures = 0
    while True:
        try:
            packet = next(packets)
        except StopIteration:
            return
        except (av.FFmpegError, OSError, IndexError):  # IndexError: PyAV, where damage looks like one more stream
            damaged()
            failures += 1
            if failures == _FAILURES_IN_A_ROW:
                flush: Any = av.Packet(0)
                flush.stream = stream
                yield flush
                return
            packets = container.demux(stream)
        else:
            failures = 0
            yield packet


def decoded(packet: Packet[VideoStream]) -> list[VideoFrame]:
    """The frames that a packet decodes to."""
    import av

    try:
        return packet.decode()
    except av.FFmpegError:
        return []


def flushed(stream: VideoStream) -> list[VideoFrame]:
    """The frames that the decoder still holds."""
    import av

    try:
        return stream.decode(None)
    except av.FFmpegError:
        return []


def seek_before(container: InputContainer, stream: Any, seconds: Fraction) -> None:
    """Let a container stand at a place at or before a time on its clock, or at its beginning where it has none.

    Some containers (MPEG-TS without an index) land late all the same.

    Raises:
        MarlinEditError: It can be read from its beginning on only once.
    """
    import av

    wanted = int(seconds // stream.time_base)
    places: list[dict[str, Any]] = [{"offset": wanted, "stream": stream}, {"offset": 0}]
    places.append({"offset": 0, "backward": False})  # FLV without an index finds nothing before its first keyframe
    for place in places:
        try:
            container.seek(**place)
        except (av.FFmpegError, OSError) as error:
            reason = error.strerror
        else:
            return
    raise MarlinEditError(
        f"{Path(container.name).name} cannot be read from a place inside it ({reason}). Remux it first, e.g. into .mkv."
    )


def only(container: InputContainer, index: int) -> VideoStream:
    """The video stream with the container's index `index`; packets of the others are not read."""
    for other in container.streams:
        if other.index != index:
            discard(other)
    return next(stream for stream in container.streams.video if stream.index == index)


def discard(stream: Any) -> None:
    """Skip the packets of a stream."""
    from av.stream import Discard

    stream.discard = Discard.all
