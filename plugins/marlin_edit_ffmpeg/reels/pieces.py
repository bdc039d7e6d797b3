"""Clips as segments of one stream: what their headers must share, and what each one's first packet needs so that
nothing of the part before it is carried on. Also packets read back from a written clip, in file order.
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
from marlin_edit_ffmpeg.codecs import Unreadable, splicing_of
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


def why_incompatible(first: Any, other: Any) -> str | None:
    """Why packets of a source's stream cannot stand beside the first source's, as far as their headers show."""
    mine, theirs = other.codec_context, first.codec_context
    if mine.codec.canonical_name != theirs.codec.canonical_name:
        return "has another codec than"
    if mine.pix_fmt != theirs.pix_fmt:
        return "has another pixel format than"
    compatible = splicing_of(mine.codec.canonical_name).compatible
    same = compatible(bytes(mine.extradata or b""), bytes(theirs.extradata or b""))
    return None if same else "has other parameter sets than"


def common_header(pieces: Sequence[WrittenPiece]) -> bytes:
    """The header under which all pieces can be decoded; raises Unreadable, with the reason, if there is none."""
    if len({piece.codec for piece in pieces}) > 1:
        raise Unreadable("its pieces have different codecs")
    headers = list(dict.fromkeys(piece.header for piece in pieces))
    if len(headers) == 1 or pieces[0].kind is TS:
        return headers[0]
    return splicing_of(pieces[0].codec).common_header(headers)


def spliced_packet(piece: WrittenPiece, packet: Any, *, is_first: bool) -> bytes:
    """A packet of a piece as it stands among foreign ones. is_first: of the piece."""
    data = bytes(packet)
    if not packet.is_keyframe:
        return data
    return splicing_of(piece.codec).keyframe(piece.header, data, piece.kind, is_first)


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
