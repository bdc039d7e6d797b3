"""Reading a written clip back before it gets its name: packets counted, both ends decoded, compared with the plan."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass
from fractions import Fraction
from hashlib import blake2b
from pathlib import Path
from typing import Any

from marlin_edit.media import open_media
from marlin_edit.timebase import FrameRange
from marlin_edit_ffmpeg.clock import ClipClock
from marlin_edit_ffmpeg.codecs import Syntax

_WIDTH, _HEIGHT = 32, 18
_NEAR = 12.0
"""The mean difference (of 255) that encoding may make on a small picture; copied pictures get `_SAME`."""

_SAME = 1.0
_NOT_REACHED = "the written clip's last frame cannot be reached"
_BACK = (0, 3, 12)
"""Seconds before the last frame from which it is tried to be decoded: seeking in a transport stream lands late."""


@dataclass(frozen=True)
class Picture:
    """A frame made very small, to tell it from its neighbours."""

    luma: Any
    whole: bytes | None = None
    """A checksum of all its pixels, where it must be the source's bit for bit."""

    def difference(self, other: Picture) -> float:
        import numpy as np

        return float(np.abs(self.luma - other.luma).mean())


def picture_of(frame: Any, *, whole: bool = False) -> Picture:
    import numpy as np

    small = frame.reformat(width=_WIDTH, height=_HEIGHT, format="gray", interpolation="AREA")
    checksum = blake2b(frame.to_ndarray().tobytes()).digest() if whole else None
    return Picture(small.to_ndarray().astype(np.float32), checksum)


@dataclass(frozen=True)
class Joined:
    """What of a joined clip was copied: frames, and packets in file order, `packets` of them after the first `before`;
    `digest` is that of their picture data."""

    frames: FrameRange
    before: int
    packets: int
    syntax: Syntax
    digest: bytes


@dataclass(frozen=True)
class Delivered:
    """What decoding found in a written clip: frames by the source's numbers, times on the clip's own clock."""

    frames: FrameRange
    first_pts: Fraction
    last_pts: Fraction
    sound_starts: dict[int, Fraction]


def check_clip(
    path: Path,
    frames: FrameRange,
    clock: ClipClock,
    pictures: dict[int, Picture],
    *,
    copied: bool,
    count: int,
    joined: Joined | None = None,
) -> Delivered | str:
    """What a clip holds, or what is wrong with it. `frames` and `count` are the plan; `pictures` the source's own.

    Of a joined clip both seams are decoded as well, and its copied packets are compared with the source's.
    """
    from av.error import FFmpegError

    try:
        container: Any = open_media(path)
    except Exception as error:
        return f"the written clip cannot be opened ({error})"
    with container:
        if not container.streams.video:
            return "the written clip has no picture"
        video = container.streams.video[0]
        try:
            packets = _count(container, video, clock, frames, count, joined)
            if isinstance(packets, str):
                return packets
            zero = packets
            wrong = _check_last(container, video, clock, frames, zero, pictures, copied)
            if wrong == _NOT_REACHED:
                with open_media(path) as again:
                    wrong = _read_to_last(again, clock, frames, zero, pictures, copied)
            if wrong is None:
                wrong = _check_first(path, clock, frames, zero, pictures, copied)
            if wrong is None and joined is not None:
                wrong = _check_seams(path, clock, frames, zero, pictures, joined)
            if wrong is not None:
                return wrong
            sound = _sound_starts(path, zero)
        except FFmpegError as error:
            return f"the written clip cannot be read ({error.strerror})"
    return Delivered(frames, Fraction(0), clock.seconds(frames.stop - 1), sound)


def _count(
    container: Any, video: Any, clock: ClipClock, frames: FrameRange, count: int, joined: Joined | None
) -> Fraction | str:
    """The first frame's time, where the packets are as many as planned and reach from the first frame to the last."""
    seen = 0
    first = last = None
    digest = blake2b()
    for packet in container.demux(video):
        if packet.size == 0:
            continue
        if packet.is_corrupt or packet.pts is None:
            return "a packet of the written clip is damaged"
        if joined is not None and 0 <= seen - joined.before < joined.packets:
            for part in joined.syntax.pictures(memoryview(packet)):
                digest.update(part)
        if not packet.is_discard:
            seen += 1
            first = packet.pts if first is None else min(first, packet.pts)
            last = packet.pts if last is None else max(last, packet.pts)
    if first is None or last is None:
        return "the written clip has no picture"
    if joined is not None and digest.digest() != joined.digest:
        return "copied packets of the written clip are not the source's"
    zero = Fraction(first * video.time_base)
    if seen != count:
        return f"the written clip has {seen} pictures in place of {count}"
    length = (last - first) * video.time_base
    if abs(length - clock.seconds(frames.stop - 1)) > _tolerance(clock):
        planned = float(clock.seconds(frames.stop - 1))
        return f"the written clip's last frame lies at {float(length):.4f} s, not {planned:.4f} s"
    return zero


def _check_first(
    path: Path, clock: ClipClock, frames: FrameRange, zero: Fraction, pictures: dict[int, Picture], copied: bool
) -> str | None:
    """Decodes the first frame, from the file's beginning: a seek may miss it."""
    with open_media(path) as opened:
        container: Any = opened
        for number, picture in _decoded(container, container.streams.video[0], clock, zero, pictures):
            if number != frames.first:
                return f"the written clip's first frame is {number}, not {frames.first}"
            return _compare(number, picture, pictures, copied)
    return "the written clip's first frame does not decode"


def _check_last(
    container: Any,
    video: Any,
    clock: ClipClock,
    frames: FrameRange,
    zero: Fraction,
    pictures: dict[int, Picture],
    copied: bool,
) -> str | None:
    from av.error import FFmpegError

    last = frames.stop - 1
    place, picture = None, None
    for back in _BACK:
        try:
            container.seek(int((zero + clock.seconds(last) - back) / video.time_base), stream=video)
        except FFmpegError:
            continue  # very short transport streams cannot be sought in
        for decoded in _decoded(container, video, clock, zero, pictures):
            place, picture = decoded
        if place == last and picture is not None:
            return _compare(last, picture, pictures, copied)
    return _NOT_REACHED


def _read_to_last(
    opened: Any, clock: ClipClock, frames: FrameRange, zero: Fraction, pictures: dict[int, Picture], copied: bool
) -> str | None:
    """The last frame, by decoding all: where no seek led to it."""
    place, picture = None, None
    for place, picture in _decoded(opened, opened.streams.video[0], clock, zero, pictures):  # noqa: B007
        pass
    if place != frames.stop - 1 or picture is None:
        return f"the written clip's last frame is {place}, not {frames.stop - 1}"
    return _compare(place, picture, pictures, copied)


def _check_seams(
    path: Path, clock: ClipClock, frames: FrameRange, zero: Fraction, pictures: dict[int, Picture], joined: Joined
) -> str | None:
    """Decodes across both seams, where every frame must come, once and in its place."""
    for seam in (joined.frames.first, joined.frames.stop):
        begin, stop = max(frames.first, seam - 2), min(frames.stop, seam + 4)
        expected = begin
        with open_media(path) as opened:
            for number, picture in _decoded_from(opened, begin, clock, zero, pictures):
                if number < begin:
                    continue
                if number != expected:
                    return f"after a seam of the written clip comes frame {number}, not {expected}"
                wrong = _compare(number, picture, pictures, copied=False)
                if wrong is not None:
                    return wrong
                expected += 1
                if expected == stop:
                    break
        if expected != stop:
            return f"the written clip's frame {expected}, near a seam, does not decode"
    return None


def _decoded_from(
    container: Any, begin: int, clock: ClipClock, zero: Fraction, pictures: dict[int, Picture]
) -> Iterator[tuple[int, Picture]]:
    """Frames from `begin` or earlier on. Where a seek lands late, further back, at last from the file's beginning."""
    from av.error import FFmpegError

    video = container.streams.video[0]
    for back in _BACK:
        with suppress(FFmpegError):
            container.seek(int((zero + clock.seconds(begin) - back) / video.time_base), stream=video)
            frames = _decoded(container, video, clock, zero, pictures)
            first = next(frames, None)
            if first is not None and first[0] <= begin:
                yield first
                yield from frames
                return
    container.seek(0)
    yield from _decoded(container, video, clock, zero, pictures)


def _decoded(
    container: Any, video: Any, clock: ClipClock, zero: Fraction, pictures: dict[int, Picture]
) -> Iterator[tuple[int, Picture]]:
    """Frames from the next keyframe on: a seek in a transport stream may land on a packet that needs others."""
    begun = False
    for packet in container.demux(video):
        begun = begun or packet.is_keyframe or packet.size == 0
        for frame in packet.decode() if begun else ():
            if frame.pts is not None:
                since = frame.pts * video.time_base - zero
                number = clock.frame_at(round(since / clock.time_base))
                expected = pictures.get(number)
                yield number, picture_of(frame, whole=expected is not None and expected.whole is not None)


def _compare(number: int, picture: Picture, pictures: dict[int, Picture], copied: bool) -> str | None:
    expected = pictures.get(number)
    if expected is None:
        return None
    if expected.whole is not None and picture.whole != expected.whole:
        return f"frame {number} was copied, and does not decode to the source's pixels"
    difference = picture.difference(expected)
    if difference > (_SAME if copied else _NEAR):
        return f"frame {number} does not look like the source's (differs by {difference:.1f} of 255)"
    for step in (-1, 1):
        neighbour = pictures.get(number + step)
        if neighbour is not None and picture.difference(neighbour) * 2 + 0.5 < difference:
            return f"frame {number} looks like frame {number + step} of the source"
    return None


def _sound_starts(path: Path, zero: Fraction) -> dict[int, Fraction]:
    """When each stream is first heard, counted from the first frame. Read anew: a seek may skip what is first."""
    found: dict[int, Fraction] = {}
    with open_media(path) as opened:
        container: Any = opened
        sounds = list(container.streams.audio)
        for packet in container.demux(*sounds) if sounds else []:
            if packet.stream.index not in found:
                for frame in packet.decode():
                    if frame.pts is not None and packet.stream.index not in found:
                        found[packet.stream.index] = Fraction(frame.pts * packet.stream.time_base) - zero
            if len(found) == len(sounds):
                break
    return found


def _tolerance(clock: ClipClock) -> Fraction:
    return max(Fraction(1, 1000), clock.time_base / 4)
