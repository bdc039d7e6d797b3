"""Clips as stretches of one stream: what their headers must share, and what each one's first packet needs so that
nothing of the stretch before it is carried on. Also packets read back from a written clip, numbered and in file order.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from marlin_edit.media import open_media
from marlin_edit_ffmpeg.clock import ClipClock
from marlin_edit_ffmpeg.codecs.bits import Unreadable
from marlin_edit_ffmpeg.codecs.hevc import hevc_sets_to_repeat, without_cra
from marlin_edit_ffmpeg.codecs.nal import Kind, join_sized, read_record, split_sized, with_sets
from marlin_edit_ffmpeg.verify import Picture, picture_of


@dataclass(frozen=True)
class WrittenPiece:
    """A clip on disk that is to become a part of a reel. numbers: its packets' frames, in file order. header: what its
    stream has outside its packets. pictures: its first frames and its last one, by their numbers."""

    path: Path
    clock: ClipClock
    codec: str
    header: bytes
    numbers: tuple[int, ...]
    pictures: dict[int, Picture]

    @property
    def depth(self) -> int:
        """Over how many frames its packets are reordered at most."""
        places = {number: place for place, number in enumerate(sorted(self.numbers))}
        return max(place - places[number] for place, number in enumerate(self.numbers))


def read_piece(path: Path, clock: ClipClock) -> WrittenPiece:
    """What a written clip holds."""
    with open_media(path) as container:
        video: Any = container.streams.video[0]
        codec = video.codec_context.codec.canonical_name
        header = bytes(video.codec_context.extradata or b"")
        numbers = tuple(number for number, _ in _numbered(container, video, clock))
    last = max(numbers)
    pictures = dict(_decoded(path, clock, {min(numbers), min(numbers) + 1, last}, last))
    return WrittenPiece(path, clock, codec, header, numbers, pictures)


def packets_of_piece(piece: WrittenPiece) -> Iterator[tuple[int, Any]]:
    """Each packet of the picture with its frame's number, in file order."""
    with open_media(piece.path) as container:
        yield from _numbered(container, container.streams.video[0], piece.clock)


def common_header(pieces: Sequence[WrittenPiece]) -> bytes:
    """The header under which all pieces can be decoded; Unreadable, with the reason, where there is none."""
    if len({piece.codec for piece in pieces}) > 1:
        raise Unreadable("its sources have different codecs")
    headers = list(dict.fromkeys(piece.header for piece in pieces))
    if len(headers) == 1:
        return headers[0]
    if pieces[0].codec == "h264":
        records = [read_record(Kind.H264, header) for header in headers]
        for header, record in zip(headers, records, strict=True):
            alike = all(other.length_size == record.length_size for other in records)
            if alike and all(set(other.sets) <= set(record.sets) for other in records):
                return header
    raise Unreadable("its pieces have different parameter sets")


def begin_anew(codec: str, header: bytes, packet: Any) -> bytes:
    """A piece's first packet as it stands after foreign pictures: HEVC's parameter sets in the stream, and a keyframe
    that forgets what was before it. Other codecs' first packets need nothing."""
    data = bytes(packet)
    if codec != "hevc" or header[:1] != b"\x01":
        return data
    record = read_record(Kind.HEVC, header)
    units = [without_cra(unit) for unit in split_sized(data, record.length_size)]
    if not any(Kind.HEVC.is_parameters(unit) for unit in units):
        units = with_sets(Kind.HEVC, units, hevc_sets_to_repeat(record))
    return join_sized(units, record.length_size)


def _numbered(container: Any, video: Any, clock: ClipClock) -> Iterator[tuple[int, Any]]:
    zero: int | None = None
    for packet in container.demux(video):
        if packet.size == 0 or packet.pts is None:
            continue
        if zero is None:
            zero = packet.pts
        yield clock.frame_at(round((packet.pts - zero) * video.time_base / clock.time_base)), packet


def _decoded(path: Path, clock: ClipClock, wanted: set[int], last: int) -> Iterator[tuple[int, Picture]]:
    """The wanted frames of a clip: the first ones from its beginning, the last one from the keyframe before it."""
    for seek in (None, clock.seconds(last)):
        with open_media(path) as container:
            video: Any = container.streams.video[0]
            zero = video.start_time or 0
            if seek is not None:
                container.seek(zero + int(seek / video.time_base), stream=video)
            for frame in container.decode(video):
                if frame.pts is None:
                    continue
                number = clock.frame_at(round((frame.pts - zero) * video.time_base / clock.time_base))
                if number in wanted:
                    yield number, picture_of(frame, whole=True)
                if seek is None and number > clock.first:
                    break
