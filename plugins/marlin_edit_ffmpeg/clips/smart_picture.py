"""The picture of a clip that is exact at both ends and copied between them: only frames before the first keyframe that
can be copied from, and the few at the end that file order does not allow to copy, are encoded.
"""

from __future__ import annotations

from enum import Enum, auto
from hashlib import blake2b
from typing import Any

from marlin_edit_ffmpeg.clips.picture import Progress
from marlin_edit_ffmpeg.clips.smart_plan import SmartPlan
from marlin_edit_ffmpeg.clips.verify import Copied, picture_of
from marlin_edit_ffmpeg.clock import ClipClock
from marlin_edit_ffmpeg.codecs import Unreadable, set_tag
from marlin_edit_ffmpeg.containers import Output
from marlin_edit_ffmpeg.matched_encoder import Encoded, JoinedEncoder, Joiner
from marlin_edit_ffmpeg.source import Source

_NEAR, _NEAR_RENUMBERED = 6, 48
"""Copied packets after the first seam that are decoded to be compared with what was written: more where what pictures
refer to was renumbered."""


class _Stage(Enum):
    """Where in the source a smart clip is: before the keyframe that copying begins at; among the packets after it that
    are shown before it; and from there on, where packets are copied, and then the tail is encoded."""

    HEAD = auto()
    LEADING = auto()
    COPY = auto()


class SmartPicture:
    """Encodes a clip's head, copies packets, encodes its tail; decodes both seams so that they can be compared."""

    def __init__(self, source: Source, output: Output, plan: SmartPlan, crf: int) -> None:
        """Raises Unreadable where no encoder matches the source."""
        self.stream = source.video
        self.done = False
        self.errors = 0
        self.progress = Progress()
        self.digest = blake2b()
        self._source, self._output, self._plan = source, output, plan
        self._clock = ClipClock(source.media, plan.frames.first)
        self._joiner = Joiner(source, output.kind, crf, plan.syntax, self._clock.time_base) if plan.encoded else None
        self.encoder = self._joiner.encoder if self._joiner is not None else None
        self._depth = max(plan.depth, self._joiner.depth if self._joiner is not None else 0)
        self._has_head = plan.copied.first > plan.frames.first
        self._end = source.first_tick(plan.frames.stop)
        self._compared = _NEAR_RENUMBERED if plan.renumbered else _NEAR
        self._near = _near(plan, self._compared - 2)
        self._stage = _Stage.HEAD
        self._held: list[Any] = []
        self._leading = plan.leading
        self._head_begun = self._tail_begun = self._decoding = False
        self._encoder: JoinedEncoder | None = None
        self._copied = self._written = 0
        self._latest = plan.frames.first - 1
        assert source.media.rate is not None
        self.out: Any = output.container.add_stream_from_template(source.video, opaque=True)
        self.out.codec_context.framerate = source.media.rate.value
        self.out.time_base = self._clock.time_base
        header = plan.syntax.extradata() if self._joiner is not None else None
        if header is not None:
            self.out.codec_context.extradata = header
        set_tag(self.out, source.video, output.kind, spliced=self._joiner is not None)

    def copied(self) -> Copied:
        """What of the written clip was copied, to be found in it again."""
        plan, before = self._plan, self._plan.copied.first - self._plan.frames.first
        return Copied(plan.copied, before, plan.packets, plan.syntax, self.digest.digest(), self._compared - 2)

    def take(self, packet: Any) -> None:
        """Take the next packet of the source, in file order."""
        over = packet.size == 0 or (packet.dts is not None and packet.dts >= self._end)
        if over:
            self._drain()
            self.done = True
        elif self._stage is _Stage.HEAD:
            self._before_key(packet)
        elif self._stage is _Stage.LEADING:
            self._after_key(packet)
        else:
            self._pass(packet)

    def finish(self) -> None:
        """Write what is still held back. Raises Unreadable if not all frames were made."""
        plan = self._plan
        if self._copied != plan.packets or self._encoder is not None:
            self._end_segment()
        if self._written != plan.frames.count:
            raise Unreadable(f"{self._written} pictures were made instead of {plan.frames.count}")

    def _before_key(self, packet: Any) -> None:
        plan = self._plan
        if packet.is_keyframe and packet.pts == plan.key_pts:
            self._stage = _Stage.LEADING
            self._held.append(packet)
            if self._has_head:
                self._decode_head(packet)
            if not self._leading:
                self._head_done()
            return
        if not self._has_head:
            return
        if packet.is_keyframe and packet.pts is not None and packet.pts == plan.start.pts:
            self._head_begun = True
        if self._head_begun or plan.start.pts is None:
            self._decode_head(packet)

    def _after_key(self, packet: Any) -> None:
        if self._source.number_of(packet.pts) >= self._plan.copied.first:
            self._held.append(packet)
            return
        self._leading -= 1
        if self._has_head:
            self._decode_head(packet)
        if not self._leading:
            self._head_done()

    def _decode_head(self, packet: Any | None) -> None:
        for number, frame in self._source.decode(packet):
            self._look_at(number, frame)
            if self._plan.frames.first <= number < self._plan.copied.first:
                self._encode(number, frame)

    def _head_done(self) -> None:
        if self._has_head:
            self._decode_head(None)
            self._end_segment()
        self._source.video.codec_context.flush_buffers()
        self._output.begin()
        self._decoding = True
        self._stage = _Stage.COPY
        for packet in self._held:
            self._pass(packet)
        self._held.clear()

    def _pass(self, packet: Any) -> None:
        """A packet from the copied keyframe on: decoded near the seams, and written while it belongs to the copy."""
        number = self._source.number_of(packet.pts)
        if number < self._plan.copied.first:
            return
        if packet.is_keyframe and packet.pts == self._plan.tail_pts:
            self._tail_begun = self._decoding = True
        if self._decoding:
            self._decode(packet)
            if self._copied == self._compared and not self._tail_begun:
                self._drain()
                self._source.video.codec_context.flush_buffers()
                self._decoding = False
        if self._copied < self._plan.packets:
            self._copy(packet, number)

    def _drain(self) -> None:
        if self._decoding:
            self._decode(None)

    def _decode(self, packet: Any | None) -> None:
        for number, frame in self._source.decode(packet):
            self._look_at(number, frame)
            if self._plan.copied.stop <= number < self._plan.frames.stop:
                self._encode(number, frame)

    def _look_at(self, number: int, frame: Any) -> None:
        if number in self._near:
            copied = self._plan.copied.first <= number < self._plan.copied.stop
            self.progress.pictures[number] = picture_of(frame, whole=copied)
        if self._plan.frames.first <= number < self._plan.frames.stop:
            self.progress.damaged += bool(frame.is_corrupt)

    def _encode(self, number: int, frame: Any) -> None:
        assert self._joiner is not None
        if number <= self._latest:
            raise Unreadable(f"frame {number} of the source came twice")
        self._latest = number
        if self._encoder is None:
            self._encoder = self._joiner.begin()
            self._output.begin()
        video = self._source.video
        if (frame.width, frame.height) != (video.width, video.height):
            raise Unreadable(f"frame {number} has another size")
        frame.pict_type = 0
        frame.pts = self._clock.ticks(number)
        frame.time_base = self._clock.time_base
        for packet in self._encoder.encode(frame):
            self._write_encoded(packet)

    def _end_segment(self) -> None:
        if self._encoder is not None:
            for packet in self._encoder.encode(None):
                self._write_encoded(packet)
            self._encoder = None

    def _write_encoded(self, encoded: Encoded) -> None:
        self.progress.encoded += 1
        self._write(self._clock.frame_at(encoded.pts), encoded.data, encoded.is_keyframe)

    def _copy(self, packet: Any, number: int) -> None:
        syntax, data = self._plan.syntax, memoryview(packet)
        for part in syntax.pictures(data):
            self.digest.update(part)
        after_foreign = self._copied == 0 and self._has_head
        self._copied += 1
        kept = syntax.copied(data, is_keyframe=packet.is_keyframe, after_foreign=after_foreign)
        self._write(number, bytes(kept), packet.is_keyframe)

    def _write(self, number: int, data: bytes, is_keyframe: bool) -> None:
        import av

        clock, first = self._clock, self._plan.frames.first
        packet: Any = av.Packet(data)
        packet.stream = self.out
        packet.time_base = clock.time_base
        packet.pts = clock.ticks(number)
        place = self._written - self._depth
        one = clock.ticks(first + 1) or 1
        packet.dts = min(clock.ticks(first + place) if place >= 0 else place * one, packet.pts)
        packet.duration = clock.ticks(number + 1) - packet.pts
        packet.is_keyframe = is_keyframe
        self._written += 1
        self.progress.count += 1
        self.progress.first = first if self.progress.first is None else self.progress.first
        self.progress.last = max(number, self.progress.last or 0)
        self._output.mux(packet)


def _near(plan: SmartPlan, after: int) -> frozenset[int]:
    """Frames that are compared: both ends of the clip, and some on each side of both seams; `after` the first one."""
    frames, copied = plan.frames, plan.copied
    return frozenset(
        number
        for at, count in ((frames.first, 4), (copied.first, after), (copied.stop, 4), (frames.stop - 1, 4))
        for number in range(at - 2, at + count)
        if frames.first <= number < frames.stop
    )
