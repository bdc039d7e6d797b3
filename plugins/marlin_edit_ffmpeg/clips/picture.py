"""The picture of a clip, as a track that takes the source's packets: every frame encoded again, or packets copied."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass, field, replace
from fractions import Fraction
from hashlib import blake2b
from typing import Any

from marlin_edit.timebase import FrameRange
from marlin_edit_ffmpeg.clips.verify import Copied, Picture, picture_of
from marlin_edit_ffmpeg.clock import ClipClock
from marlin_edit_ffmpeg.codecs import Syntax, Unreadable, set_tag, syntax_of
from marlin_edit_ffmpeg.containers import Container, Output
from marlin_edit_ffmpeg.encoders import VideoEncoding, configure
from marlin_edit_ffmpeg.source import LEAD, NotAsPlanned, Source


@dataclass
class Progress:
    """What a picture track has done: frame numbers written, and small pictures of frames at both ends."""

    first: int | None = None
    last: int | None = None
    count: int = 0
    encoded: int = 0
    damaged: int = 0
    pictures: dict[int, Picture] = field(default_factory=dict)
    warnings: list[str] = field(default_factory=list)


class EncodedPicture:
    """Decodes the source's frames and encodes those of a range, numbered and timed by the edit."""

    def __init__(
        self, source: Source, output: Output, frames: FrameRange, encoding: VideoEncoding, start: int | None
    ) -> None:
        """start: pts of the keyframe at which decoding begins, or at the next one read; None for the first packet."""
        self.stream = source.video
        self.done = False
        self.errors = 0
        self.progress = Progress()
        self._source, self._output, self._frames, self._encoding = source, output, frames, encoding
        self._clock = ClipClock(source.media, frames.first)
        self._start = start
        self._end = source.first_tick(frames.stop)
        self._next = frames.first
        self._passed: set[int] = set()  # numbers that no frame had when a later one came
        self._near = {frames.first + step for step in (-1, 0, 1)} | {frames.stop + step for step in (-2, -1, 0)}
        self._out: Any = output.container.add_stream(encoding.encoder, rate=source.media.rate.value)  # type: ignore[union-attr]
        self.out = self._out

    def take(self, packet: Any) -> None:
        """Take the next packet of the source."""
        over = packet.size == 0 or (packet.dts is not None and packet.dts >= self._end)
        if self._start is not None and not over:
            if not packet.is_keyframe or packet.pts is None or packet.pts < self._start:
                return
            self._start = None
        for number, frame in self._source.decode(None if over else packet):
            self._frame(number, frame)
        if over:
            self.done = True

    def finish(self) -> None:
        """Write what is still held back."""
        if self.progress.count:
            assert self.progress.last is not None
            self.progress.pictures.setdefault(self.progress.last, picture_of(self._latest))
            self._write(self._out.encode(None))

    def _frame(self, number: int, frame: Any) -> None:
        if number in self._near:
            self.progress.pictures[number] = picture_of(frame)
        if not self._frames.first <= number < self._frames.stop:
            return
        if number in self._passed:
            raise NotAsPlanned("the frames of the source do not come in the order of their times")
        if self.progress.last is not None and number <= self.progress.last:
            self.progress.warnings.append(f"frame {number} of the source came twice; one is kept")
            return
        if self.progress.first is None:
            self.progress.first = number
            if number != self._frames.first:
                self._clock = ClipClock(self._source.media, number)
            configure(
                self._out,
                self._encoding,
                self.stream,
                self._source.media,
                frame,
                self._clock.time_base,
                self._frames.count,
            )
            self._size = (frame.width, frame.height)
            self._output.begin()
        self._passed.update(range(self._next, number))
        self._next = number + 1
        self.progress.last = number
        self.progress.count += 1
        self.progress.encoded += 1
        self._latest = frame
        self.progress.damaged += frame.is_corrupt
        if frame.format.name != self._encoding.pixel_format or (frame.width, frame.height) != self._size:
            if (frame.width, frame.height) != self._size and len(self.progress.warnings) < 5:
                self.progress.warnings.append(f"frame {number} has another size and was scaled to the first one's")
            frame = frame.reformat(*self._size, format=self._encoding.pixel_format)
        frame.pict_type = 0
        frame.pts = self._clock.ticks(number)
        frame.time_base = self._clock.time_base
        self._write(self._out.encode(frame))

    def _write(self, packets: list[Any]) -> None:
        for packet in packets:
            if packet.pts is not None:
                number = self._clock.frame_at(round(packet.pts * packet.time_base / self._clock.time_base))
                length = self._clock.seconds(number + 1) - self._clock.seconds(number)
                packet.duration = max(1, round(length / packet.time_base))
            self._output.mux(packet)


@dataclass(frozen=True)
class CopyRange:
    """What of a source can be copied whole: frames `frames`, the first `packets` packets in file order from the
    keyframe at `key_pts` on that belong to them, reordered over `depth` frames at most. clean: whether a decoder can
    begin there as if nothing had been before. syntax: how its packets are compared, None where they are not understood.
    """

    frames: FrameRange
    key_pts: int
    packets: int
    depth: int
    clean: bool
    syntax: Syntax | None = None

    @property
    def encoded(self) -> int:
        """How many frames are encoded."""
        return 0


def copy_range(source: Source, frames: FrameRange, kind: Container) -> CopyRange | str:
    """From the keyframe before the in point to the first end without a hole at the out point or after it, or why that
    cannot be.

    Where the source ends before that, the last one before it. An H.264 keyframe that pictures shown before it follow
    (an open group) is passed over for an earlier one: players differ about it.
    """
    found: CopyRange | str = ""
    for lead in (Fraction(0), LEAD):
        found, searched = _copy_range(source, frames, lead)
        if searched:
            break
    if isinstance(found, CopyRange):
        with suppress(Unreadable):
            return replace(found, syntax=syntax_of(source.video, source.media.container, kind))
    return found


def _copy_range(source: Source, frames: FrameRange, lead: Fraction) -> tuple[CopyRange | str, bool]:
    """What can be copied, looking for its beginning from `lead` seconds before the in point on; and whether looking
    further back cannot find a better one."""
    begin = source.first_tick(frames.first)
    starts: list[_Prefix] = []
    chosen: _Prefix | None = None
    for packet in source.packets([source.video], frames.first, lead):
        if packet.size == 0:
            break
        if packet.pts is None:
            return "packets of the source carry no time", True
        number = source.number_of(packet.pts)
        if chosen is None:
            if packet.is_keyframe and number <= frames.first:
                starts = [*starts[-3:], _Prefix(number, packet.pts, frames, _is_clean_start(packet, source))]
            if packet.dts is not None and packet.dts >= begin:
                chosen = _usable(starts)
                if chosen is None:
                    break
        for start in [chosen] if chosen is not None else starts:
            start.add(number, hidden=bool(packet.is_discard))
        if chosen is not None and chosen.late is not None:
            break
    chosen = chosen or _usable(starts)
    if chosen is None and starts:
        return "pictures shown before it follow every keyframe near the in point (open groups)", False
    if chosen is None:
        return "there is no keyframe to begin at before the in point", False
    if chosen.hidden:
        return "an edit list of the source hides frames there", True
    found = chosen.nearest()
    return found or "a copy would end with missing frames", chosen.clean


class _Prefix:
    """Counts packets from a keyframe on, in file order: wherever their frames have no hole, a copy could end."""

    def __init__(self, number: int, pts: int, frames: FrameRange, clean: bool) -> None:
        self.clean = clean
        self.open = self.hidden = False
        self.early: CopyRange | None = None
        self.late: CopyRange | None = None
        self._first, self._pts, self._wanted = number, pts, frames
        self._latest, self._count, self._depth = number - 1, 0, 0

    def add(self, number: int, *, hidden: bool) -> None:
        if number < self._first:
            self.open = True
            return
        self.hidden = self.hidden or hidden or number < 0
        self._latest = max(self._latest, number)
        self._depth = max(self._depth, self._count - (number - self._first))
        self._count += 1
        stop = self._latest + 1
        if stop - self._first != self._count or stop <= 0 or self._first < 0:
            return
        found = CopyRange(FrameRange(self._first, stop), self._pts, self._count, self._depth, self.clean)
        if stop <= self._wanted.stop:
            self.early = found
        if stop >= self._wanted.stop and self.late is None:
            self.late = found

    def nearest(self) -> CopyRange | None:
        """The first end that leaves nothing out; without one, the last end there is."""
        if self.late is not None:
            return self.late
        return self.early if self.early is not None and self.early.frames.stop > self._wanted.first else None


def _usable(starts: list[_Prefix]) -> _Prefix | None:
    """The last start that forgets all before it; without one, the last that no earlier picture follows."""
    for start in reversed(starts):
        if start.clean:
            return start
    for start in reversed(starts):
        if not start.open:
            return start
    return None


def _is_clean_start(packet: Any, source: Source) -> bool:
    """Whether a decoder can begin at a keyframe as if nothing had been before. Only H.264 marks others as keyframes:
    recovery points, after which an IDR picture (NAL unit type 5, H.264 table 7-1) makes the difference."""
    context = source.video.codec_context
    if context.name != "h264":
        return True
    data, header = bytes(packet), context.extradata or b""
    if header[:1] != b"\x01" or len(header) < 5:
        return any(data[at + 3] & 31 == 5 for at in _start_codes(data))
    size, place = (header[4] & 3) + 1, 0
    while place + size < len(data):
        if data[place + size] & 31 == 5:
            return True
        place += size + int.from_bytes(data[place : place + size], "big")
    return False


def _start_codes(data: bytes) -> Iterator[int]:
    place = data.find(b"\0\0\1")
    while 0 <= place < len(data) - 3:
        yield place
        place = data.find(b"\0\0\1", place + 3)


class CopiedPicture:
    """Passes packets of a copy range on, timed by the edit; decode times are made new from the frames' own."""

    def __init__(self, source: Source, output: Output, copied: CopyRange) -> None:
        self.stream = source.video
        self.done = False
        self.errors = 0
        self.progress = Progress()
        self.digest = blake2b()
        self._source, self._output, self._copied = source, output, copied
        self._clock = ClipClock(source.media, copied.frames.first)
        self._begun = False
        media = source.media
        assert media.rate is not None
        self.out: Any = output.container.add_stream_from_template(source.video, opaque=True)
        self.out.codec_context.framerate = media.rate.value
        self.out.time_base = self._clock.time_base
        set_tag(self.out, source.video, output.kind, spliced=False)

    def take(self, packet: Any) -> None:
        """Take the next packet of the source."""
        if packet.size == 0:
            self.done = True
            return
        copied, clock = self._copied, self._clock
        if not self._begun:
            if not packet.is_keyframe or packet.pts != copied.key_pts:
                return
            self._begun = True
            self._output.begin()
        number = self._source.number_of(packet.pts)
        if number < copied.frames.first:
            return
        if copied.syntax is not None:
            for part in copied.syntax.pictures(memoryview(packet)):
                self.digest.update(part)
        place = self.progress.count - copied.depth
        packet.stream = self.out
        packet.time_base = clock.time_base
        packet.pts = clock.ticks(number)
        one = clock.ticks(copied.frames.first + 1) or 1
        packet.dts = clock.ticks(copied.frames.first + place) if place >= 0 else place * one
        packet.dts = min(packet.dts, packet.pts)
        packet.duration = clock.ticks(number + 1) - packet.pts
        self.progress.count += 1
        self.progress.first = copied.frames.first
        self.progress.last = max(number, self.progress.last or 0)
        self._output.mux(packet)
        if self.progress.count == copied.packets:
            self.done = True

    def finish(self) -> None:
        """Nothing is held back."""

    def copied(self) -> Copied | None:
        """What of the written clip was copied, to be found in it again: all of it, where packets are understood."""
        if self._copied.syntax is None:
            return None
        return Copied(self._copied.frames, 0, self._copied.packets, self._copied.syntax, self.digest.digest(), 0)
