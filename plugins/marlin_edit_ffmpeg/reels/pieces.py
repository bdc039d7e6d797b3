"""Clips as stretches of one stream: what their headers must share, and what each one's first packet needs so that
nothing of the stretch before it is carried on. Also packets read back from a written clip, in file order.
"""

from __future__ import annotations

from array import array
from bisect import bisect_left
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from fractions import Fraction
from pathlib import Path
from typing import Any

from marlin_edit.media import open_media
from marlin_edit_ffmpeg.clips.verify import Picture, picture_of
from marlin_edit_ffmpeg.clock import ClipClock
from marlin_edit_ffmpeg.codecs import Unreadable
from marlin_edit_ffmpeg.codecs.av1 import Av1
from marlin_edit_ffmpeg.codecs.hevc import SPS, hevc_sets_to_repeat, read_hevc_set, without_cra
from marlin_edit_ffmpeg.codecs.mpeg2 import Mpeg2
from marlin_edit_ffmpeg.codecs.mpeg4 import Mpeg4
from marlin_edit_ffmpeg.codecs.nal import Kind, read_record, with_sets
from marlin_edit_ffmpeg.containers import TS, Container

_BACK = (0, 1, 4, 15)
"""Seconds before a clip's last frame from which it is tried to be decoded: a seek in a transport stream lands late."""

Moment = Callable[[Fraction], int]
"""The time of a frame, in the reel's ticks from a piece's first one, for what its container's clock says."""


@dataclass(frozen=True)
class WrittenPiece:
    """A clip on disk that is to become a part of a reel. ticks: of its packets' frames, in the reel's ticks from the
    first one and in file order. header: what its stream has outside its packets. pictures: its first frames and its
    last one, by their ticks."""

    path: Path
    kind: Container
    moment: Moment
    codec: str
    header: bytes
    ticks: array[int]
    pictures: dict[int, Picture]

    @property
    def depth(self) -> int:
        """Over how many frames its packets are reordered at most."""
        shown = array("q", sorted(self.ticks))
        return max(place - bisect_left(shown, tick) for place, tick in enumerate(self.ticks))


def moments_of(clock: ClipClock, tick: Fraction) -> Moment:
    """The times of a clip's frames, by the source's own."""

    def moment(seconds: Fraction) -> int:
        return round(clock.seconds(clock.frame_at(round(seconds / clock.time_base))) / tick)

    return moment


def moments_on(tick: Fraction) -> Moment:
    """Times on a grid."""
    return lambda seconds: round(seconds / tick)


def read_piece(path: Path, kind: Container, moment: Moment) -> WrittenPiece:
    """What a written clip holds."""
    with open_media(path) as container:
        video: Any = container.streams.video[0]
        codec = video.codec_context.codec.canonical_name
        header = bytes(video.codec_context.extradata or b"")
        ticks, latest = array("q"), Fraction(0)
        for tick, packet in _timed(container, video, moment):
            ticks.append(tick)
            latest = max(latest, packet.pts * video.time_base)
    first, last = min(ticks), max(ticks)
    second = min((tick for tick in ticks if tick > first), default=last)
    pictures = dict(_decoded(path, moment, {first, second, last}, latest))
    return WrittenPiece(path, kind, moment, codec, header, ticks, pictures)


def packets_of_piece(piece: WrittenPiece) -> Iterator[tuple[int, Any]]:
    """Each packet of the picture with its frame's tick since the first one, in file order."""
    with open_media(piece.path) as container:
        yield from _timed(container, container.streams.video[0], piece.moment)


def why_unlike(first: Any, other: Any) -> str | None:
    """Why packets of a source's stream cannot stand beside those of the first source's, as far as their headers tell.

    HEVC's and VP9's pictures bring their own parameters along.
    """
    mine, theirs = other.codec_context, first.codec_context
    if mine.codec.canonical_name != theirs.codec.canonical_name:
        return "has another codec than"
    if mine.pix_fmt != theirs.pix_fmt:
        return "has another pixel format than"
    if mine.codec.canonical_name == "hevc" and (mine.extradata or b"")[:1] == b"\x01":
        same = _hevc_format(mine.extradata) == _hevc_format(theirs.extradata or b"")
        return None if same else "has other parameter sets than"
    if (mine.extradata or b"") != (theirs.extradata or b"") and mine.codec.canonical_name != "vp9":
        return "has other parameter sets than"
    return None


def _hevc_format(header: bytes) -> object:
    for unit in read_record(Kind.HEVC, header).sets:
        if Kind.HEVC.type_of(unit) == SPS:
            found = read_hevc_set(unit)
            return found.format, found.references, found.reorder
    return None


def common_header(pieces: Sequence[WrittenPiece]) -> bytes:
    """The header under which all pieces can be decoded; Unreadable, with the reason, where there is none."""
    codec = pieces[0].codec
    if len({piece.codec for piece in pieces}) > 1:
        raise Unreadable("its pieces have different codecs")
    headers = list(dict.fromkeys(piece.header for piece in pieces))
    if len(headers) == 1 or codec == "hevc" or pieces[0].kind is TS:
        return headers[0]  # what differs is in the packets, by way of `beside_others`
    if codec == "h264":
        records = [read_record(Kind.H264, header) for header in headers]
        for header, record in zip(headers, records, strict=True):
            alike = all(other.length_size == record.length_size for other in records)
            if alike and all(set(other.sets) <= set(record.sets) for other in records):
                return header
    elif codec in ("vp9", "av1", "mpeg2video", "mpeg4"):
        return headers[0]
    raise Unreadable("its pieces have different parameter sets")


def beside_others(piece: WrittenPiece, packet: Any, *, is_first: bool) -> bytes:
    """A piece's packet as it stands among foreign ones: with its parameters in every keyframe, where its codec takes
    them there, as a decoder may come from anywhere; the first one forgets what was before it."""
    data = bytes(packet)
    if not packet.is_keyframe:
        return data
    if piece.codec == "hevc":
        record = read_record(Kind.HEVC, piece.header, in_stream=piece.kind is TS)
        units = [without_cra(unit) if is_first else unit for unit in record.split(data)]
        if not any(Kind.HEVC.is_parameters(unit) for unit in units):
            units = with_sets(Kind.HEVC, units, hevc_sets_to_repeat(record))
        return record.join(units)
    if piece.codec == "av1":
        return Av1(piece.header).with_sequence(data)
    if piece.codec == "mpeg2video":
        return bytes(Mpeg2(piece.header).copied(data, is_keyframe=True, after_foreign=True))
    if piece.codec == "mpeg4" and not piece.kind.edit_list:
        return bytes(Mpeg4(piece.header, may_repeat=True).copied(data, is_keyframe=True, after_foreign=True))
    return data


def _timed(container: Any, video: Any, moment: Moment) -> Iterator[tuple[int, Any]]:
    zero: int | None = None
    for packet in container.demux(video):
        if packet.size == 0 or packet.pts is None:
            continue
        if zero is None:
            zero = packet.pts
        yield moment((packet.pts - zero) * video.time_base), packet


def _decoded(path: Path, moment: Moment, wanted: set[int], last: Fraction) -> Iterator[tuple[int, Picture]]:
    """The wanted frames of a clip: the first ones from its beginning, the last one from some way before it. last: its
    time on the container's clock."""
    missing = set(wanted)
    for begin in (None, *(last - back for back in _BACK)):
        if not missing:
            return
        with open_media(path) as container:
            video: Any = container.streams.video[0]
            zero = video.start_time or 0
            if begin is not None:
                container.seek(max(zero, int(begin / video.time_base)), stream=video)
            for frame in frames_from_keyframe(container, video):
                time = moment((frame.pts - zero) * video.time_base)
                if time in missing:
                    missing.discard(time)
                    yield time, picture_of(frame, whole=True)
                if begin is None and time > 0:
                    break


def frames_from_keyframe(container: Any, video: Any) -> Iterator[Any]:
    """Frames from the next keyframe on: a seek in a transport stream may land on a packet that needs others."""
    begun = False
    for packet in container.demux(video):
        begun = begun or packet.is_keyframe or packet.size == 0
        for frame in packet.decode() if begun else ():
            if frame.pts is not None:
                yield frame
