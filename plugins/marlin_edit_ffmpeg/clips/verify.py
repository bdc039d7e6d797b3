"""Reading a written clip back before it gets its name: packets counted, both ends decoded, compared with the plan."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import suppress
from dataclasses import dataclass
from fractions import Fraction
from functools import cache
from hashlib import blake2b
from pathlib import Path
from typing import Any

from marlin_edit.media import open_media
from marlin_edit.timebase import FrameRange
from marlin_edit_ffmpeg.clock import ClipClock, Steps
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
        """The mean difference of two pictures."""
        import numpy as np

        return float(np.abs(self.luma - other.luma).mean())


def picture_of(frame: Any, *, whole: bool = False) -> Picture:
    """A small grey picture of a frame, and a checksum of the whole one."""
    import numpy as np

    small = _scaler().reformat(frame, _WIDTH, _HEIGHT, "gray", interpolation="AREA")
    checksum = _checksum(frame) if whole else None
    return Picture(small.to_ndarray().astype(np.float32), checksum)


def _checksum(frame: Any) -> bytes:
    """Of all pixels of a frame, in whatever format; what pads its lines is left out."""
    import numpy as np

    digest = blake2b()
    form = frame.format
    for number, plane in enumerate(frame.planes):
        inside = [one for one in form.components if one.plane == number]
        deep = max((one.bits for one in inside), default=8) > 8
        each = (2 if deep else 1) * (1 if form.is_planar else len(inside) or 1)
        if not form.is_planar:
            each = max(each, form.padded_bits_per_pixel // 8)
        lines = np.frombuffer(plane, np.uint8)
        width = min(plane.line_size, plane.width * each)
        if plane.line_size and plane.height and lines.size >= plane.line_size * plane.height:
            lines = lines[: plane.line_size * plane.height].reshape(plane.height, plane.line_size)[:, :width]
        digest.update(np.ascontiguousarray(lines).tobytes())
    return digest.digest()


@cache
def _scaler() -> Any:
    """Kept, because what it sets up for a size costs ten times what scaling costs."""
    from av.video.reformatter import VideoReformatter

    return VideoReformatter()


@dataclass(frozen=True)
class Copied:
    """What of a clip was copied: frames, and packets in file order, `packets` of them after the first `before`;
    `digest` is that of their picture data. near: how many frames after the first seam are decoded and compared."""

    frames: FrameRange
    before: int
    packets: int
    syntax: Syntax
    digest: bytes
    near: int


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
    same: bool,
    count: int,
    copied: Copied | None = None,
) -> Delivered | str:
    """What a clip holds, or what is wrong with it. `frames` and `count` are the plan; `pictures` the source's own, and
    `same` says that the clip's must be like them to the pixel, because none was encoded.

    Packets that were copied are compared with the source's; where only some were, both seams are decoded as well.
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
            read = _read_through(container, video, count, copied)
            if isinstance(read, str):
                return read
            steps = Steps(video.time_base, read.zero, clock.time_base)
            ends = _Ends(frames, pictures, same, clock, read.zero, steps)
            wrong = _check_length(read, ends) or _check_first(read, ends) or _check_last(container, video, ends)
            if wrong == _NOT_REACHED:
                with open_media(path) as again:
                    wrong = _read_to_last(again, ends)
            if wrong is None and copied is not None and copied.frames != frames:
                wrong = _check_seams(container, ends, copied)
            if wrong is not None:
                return wrong
        except FFmpegError as error:
            return f"the written clip cannot be read ({error.strerror})"
    sound = {index: first - read.zero for index, first in read.sounds.items()}
    return Delivered(frames, Fraction(0), clock.seconds(frames.stop - 1), sound)


@dataclass(frozen=True)
class _Read:
    """What reading a clip through has found: when its first and its last frame are shown, the first frame that decoding
    it from its beginning gives (a seek may miss it), and when each sound is first heard, all on the container's clock.
    """

    zero: Fraction
    last: Fraction
    frame: Any
    sounds: dict[int, Fraction]


def _read_through(container: Any, video: Any, count: int, copied: Copied | None) -> _Read | str:
    """Reads all packets, and decodes until each stream's first frame has come."""
    seen = 0
    first = last = frame = None
    sounds: dict[int, Fraction] = {}
    digest = blake2b()
    for packet in container.demux(video, *container.streams.audio):
        if packet.stream is not video:
            index = packet.stream.index
            if index not in sounds:
                tick = packet.stream.time_base
                places = [heard.pts for heard in packet.decode() if heard.pts is not None]
                sounds |= {index: places[0] * tick} if places else {}
            continue
        if frame is None:
            frame = next((shown for shown in packet.decode() if shown.pts is not None), None)
        if packet.size == 0:
            continue
        if packet.is_corrupt or packet.pts is None:
            return "a packet of the written clip is damaged"
        if copied is not None and 0 <= seen - copied.before < copied.packets:
            for part in copied.syntax.pictures(memoryview(packet)):
                digest.update(part)
        if not packet.is_discard:
            seen += 1
            first = packet.pts if first is None else min(first, packet.pts)
            last = packet.pts if last is None else max(last, packet.pts)
    if first is None or last is None:
        return "the written clip has no picture"
    if copied is not None and digest.digest() != copied.digest:
        return "copied packets of the written clip are not the source's"
    if seen != count:
        return f"the written clip has {seen} pictures in place of {count}"
    if frame is None:
        return "the written clip's first frame does not decode"
    tick = video.time_base
    return _Read(first * tick, last * tick, frame, sounds)


@dataclass(frozen=True)
class _Ends:
    """What a clip was to be: frames by the source's numbers, with pictures of some; and where they lie in it: its first
    frame at `zero` of its container's clock, and its `steps` from there."""

    frames: FrameRange
    pictures: dict[int, Picture]
    same: bool
    clock: ClipClock
    zero: Fraction
    steps: Steps

    def number_of(self, frame: Any) -> int:
        return self.clock.frame_at(self.steps.nearest(frame.pts))

    def compare(self, number: int, frame: Any) -> str | None:
        """How a decoded frame differs from the source's picture, where there is one."""
        expected = self.pictures.get(number)
        if expected is None:
            return None
        picture = picture_of(frame, whole=expected.whole is not None)
        if expected.whole is not None and picture.whole != expected.whole:
            return f"frame {number} was copied, and does not decode to the source's pixels"
        difference = picture.difference(expected)
        if difference > (_SAME if self.same else _NEAR):
            return f"frame {number} does not look like the source's (differs by {difference:.1f} of 255)"
        for step in (-1, 1):
            neighbour = self.pictures.get(number + step)
            if neighbour is not None and picture.difference(neighbour) * 2 + 0.5 < difference:
                return f"frame {number} looks like frame {number + step} of the source"
        return None


def _check_length(read: _Read, ends: _Ends) -> str | None:
    length, planned = read.last - read.zero, ends.clock.seconds(ends.frames.stop - 1)
    if abs(length - planned) <= max(Fraction(1, 1000), ends.clock.time_base / 4):
        return None
    return f"the written clip's last frame lies at {float(length):.4f} s, not {float(planned):.4f} s"


def _check_first(read: _Read, ends: _Ends) -> str | None:
    number = ends.number_of(read.frame)
    if number != ends.frames.first:
        return f"the written clip's first frame is {number}, not {ends.frames.first}"
    return ends.compare(number, read.frame)


def _check_last(container: Any, video: Any, ends: _Ends) -> str | None:
    from av.error import FFmpegError

    last = ends.frames.stop - 1
    for back in _BACK:
        try:
            container.seek(int((ends.zero + ends.clock.seconds(last) - back) / video.time_base), stream=video)
        except FFmpegError:
            continue  # very short transport streams cannot be sought in
        place, frame = _latest(container, ends)
        if place == last:
            return ends.compare(last, frame)
    return _NOT_REACHED


def _read_to_last(container: Any, ends: _Ends) -> str | None:
    """The last frame, by decoding all: where no seek led to it."""
    place, frame = _latest(container, ends)
    if place != ends.frames.stop - 1:
        return f"the written clip's last frame is {place}, not {ends.frames.stop - 1}"
    return ends.compare(place, frame)


def _latest(container: Any, ends: _Ends) -> tuple[int | None, Any]:
    place, latest = None, None
    for place, latest in _decoded(container, ends):  # noqa: B007
        pass
    return place, latest


def _check_seams(container: Any, ends: _Ends, copied: Copied) -> str | None:
    """Decodes across both seams, where every frame must come, once and in its place."""
    for seam, after in ((copied.frames.first, copied.near), (copied.frames.stop, 4)):
        begin, stop = max(ends.frames.first, seam - 2), min(ends.frames.stop, seam + after)
        expected = begin
        for number, frame in _decoded_from(container, begin, ends):
            if number < begin:
                continue
            if number != expected:
                return f"after a seam of the written clip comes frame {number}, not {expected}"
            wrong = ends.compare(number, frame)
            if wrong is not None:
                return wrong
            expected += 1
            if expected == stop:
                break
        if expected != stop:
            return f"the written clip's frame {expected}, near a seam, does not decode"
    return None


_SETTLING = 4
"""Packets at the beginning of a stream of sound that may need packets before them, as MP3's do."""


def undecodable_sound(path: Path, streams: Sequence[int]) -> int:
    """How many packets of these streams of a written clip cannot be decoded, but for those at their beginning."""
    from av.error import FFmpegError

    lost = 0
    with open_media(path) as container:
        chosen = [stream for stream in container.streams.audio if stream.index in streams]
        taken = dict.fromkeys((stream.index for stream in chosen), 0)
        for packet in container.demux(chosen) if chosen else ():
            if not packet.size:
                continue
            taken[packet.stream.index] += 1
            try:
                packet.decode()
            except EOFError:
                continue
            except FFmpegError:
                lost += taken[packet.stream.index] > _SETTLING
    return lost


def _decoded_from(container: Any, begin: int, ends: _Ends) -> Iterator[tuple[int, Any]]:
    """Frames from `begin` or earlier on. Where a seek lands late, further back, at last from the file's beginning."""
    from av.error import FFmpegError

    video = container.streams.video[0]
    for back in _BACK:
        with suppress(FFmpegError):
            container.seek(int((ends.zero + ends.clock.seconds(begin) - back) / video.time_base), stream=video)
            frames = _decoded(container, ends)
            first = next(frames, None)
            if first is not None and first[0] <= begin:
                yield first
                yield from frames
                return
    container.seek(0)
    yield from _decoded(container, ends)


def _decoded(container: Any, ends: _Ends) -> Iterator[tuple[int, Any]]:
    """Frames from the next keyframe on: a seek in a transport stream may land on a packet that needs others."""
    begun = False
    for packet in container.demux(container.streams.video[0]):
        begun = begun or packet.is_keyframe or packet.size == 0
        for frame in packet.decode() if begun else ():
            if frame.pts is not None:
                yield ends.number_of(frame), frame
