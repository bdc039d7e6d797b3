"""The picture of a clip that is exact at both ends and copied between them: only frames before the first keyframe that
can be copied from, and the few at the end that file order does not allow to copy, are encoded.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from fractions import Fraction
from hashlib import blake2b
from typing import Any

from marlin_edit.timebase import FrameRange
from marlin_edit_ffmpeg.bitstream import (
    DOLBY_VISION,
    PREFIX_SEI,
    SPS,
    Kind,
    Record,
    Unreadable,
    h264_numbers,
    hevc_sets_to_repeat,
    join_sized,
    pictures_of,
    read_record,
    split_sized,
    without_cra,
)
from marlin_edit_ffmpeg.clock import ClipClock
from marlin_edit_ffmpeg.containers import Container, Output
from marlin_edit_ffmpeg.joining import CONTAINERS, KINDS, Encoded, JoinedEncoder, Joiner, Stretch, with_sets
from marlin_edit_ffmpeg.picture import Progress
from marlin_edit_ffmpeg.source import FURTHEST, LEAD, Source
from marlin_edit_ffmpeg.verify import Joined, picture_of

MOST_ENCODED = Fraction(6, 10)
"""The part of a clip's frames that may be encoded for it to be worth joining them to copied ones."""

_NEAR = 6
"""Copied packets after the first seam that are decoded to be compared with what was written."""

_LIGHT = (137, 144, 147)  # H.265 annex D: mastering display, content light level, alternative transfer
_PAST = 64


@dataclass(frozen=True)
class SmartPlan:
    """How a clip is joined. `frames` are the clip's, `copied` those whose packets are passed on.

    key_pts: of the keyframe copying begins at. leading: packets after it, in file order, that are shown before it.
    packets: how many are copied, reordered over `depth` frames at most. head_pts: of the keyframe where decoding for
    the head begins (None: at the first one read). tail_pts: the same for the tail.
    """

    frames: FrameRange
    copied: FrameRange
    key_pts: int
    leading: int
    packets: int
    depth: int
    head_pts: int | None
    tail_pts: int
    lead: Fraction
    stretch: Stretch

    @property
    def kind(self) -> Kind:
        return self.stretch.record.kind

    @property
    def encoded(self) -> int:
        return self.frames.count - self.copied.count


def smart_plan(source: Source, frames: FrameRange, kind: Container) -> SmartPlan | str:
    """How a range of frames can be cut exactly with most of them copied, or why it cannot."""
    codec = source.video.codec_context.codec.canonical_name
    if codec not in KINDS:
        return f"{codec} cannot be joined to encoded frames, only H.264 and HEVC can"
    known = ("matroska" in source.media.container or "mp4" in source.media.container) and kind in CONTAINERS
    if not known:
        return "only clips of MP4, QuickTime and Matroska files can be joined to encoded frames"
    try:
        record = read_record(KINDS[codec], source.video.codec_context.extradata or b"")
        for lead in (Fraction(0), LEAD):
            scan = _Scan(source, frames, record)
            scan.read(lead)
            if scan.head_pts is not None:
                break
        found = scan.plan()
    except Unreadable as error:
        return str(error)
    if isinstance(found, SmartPlan) and found.encoded > MOST_ENCODED * frames.count:
        return f"{found.encoded} of its {frames.count} frames would have to be encoded anyway"
    return found


class _Scan:
    """Reads the packets of a range, in file order and without decoding, for what can be copied of them."""

    def __init__(self, source: Source, frames: FrameRange, record: Record) -> None:
        self.head_pts: int | None = None
        self._source, self._frames, self._record = source, frames, record
        self._head_at = source.seconds_of(frames.first)
        self._wrong: str | None = None
        self._key: tuple[int, int] | None = None
        self._leading = self._count = self._depth = 0
        self._latest = -1
        self._last_key = 0
        self._best: tuple[int, int, int, int] | None = None
        self._open = False
        self._delimiters = False
        self._numbers: set[int] = set()
        self._sets: tuple[bytes, ...] = record.sets
        self._light: list[bytes] = []

    def read(self, lead: Fraction) -> None:
        end = self._source.seconds_of(self._frames.stop)
        for packet in self._source.packets([self._source.video], self._frames.first, lead):
            if packet.size == 0:
                return
            if packet.pts is None:
                self._wrong = "packets of the source carry no time"
                return
            number = self._source.number_of(packet.pts, packet.time_base)
            if self._key is None and number >= self._frames.stop + _PAST:
                return
            if packet.dts is not None and packet.dts * packet.time_base >= end:
                return
            if packet.has_sidedata("new_extradata"):
                self._wrong = "the source's picture changes its format on the way"
                return
            self._add(packet, number)
            if self._wrong is not None or (self._best is not None and self._best[0] == self._frames.stop):
                return

    def _add(self, packet: Any, number: int) -> None:
        clean = False
        if packet.is_keyframe:
            units = split_sized(memoryview(packet), self._record.length_size)
            clean = self._record.kind.starts_anew(units)
            if self._record.kind is Kind.HEVC and any(Kind.HEVC.type_of(unit) == DOLBY_VISION for unit in units):
                self._wrong = "Dolby Vision's metadata cannot be made for encoded frames"
                return
            self._note(units)
            if clean and number <= self._frames.first:
                self.head_pts = packet.pts
                self._head_at = packet.pts * packet.time_base
            if not clean and self._frames.first <= number < self._frames.stop:
                self._open = True
            if clean and self._key is None and number >= self._frames.first:
                self._key = (number, packet.pts)
                self._latest = number - 1
                self._sets = (*[unit for unit in units if self._record.kind.is_parameters(unit)], *self._record.sets)
                self._light += [
                    unit
                    for unit in (*units, *self._record.sets)
                    if self._record.kind is Kind.HEVC
                    and self._record.kind.type_of(unit) == PREFIX_SEI
                    and unit[2] in _LIGHT
                ]
        if self._key is None:
            return
        first = self._key[0]
        if number < first:
            self._leading += 1
            if self._count > 1:
                self._wrong = "pictures shown before a keyframe come long after it in the source"
            return
        if packet.is_discard and number < self._frames.stop:
            self._wrong = "an edit list of the source hides frames there"
            return
        if clean:
            self._last_key = packet.pts
        self._latest = max(self._latest, number)
        self._depth = max(self._depth, self._count - (number - first))
        self._count += 1
        stop = self._latest + 1
        if stop - first == self._count and stop <= self._frames.stop:
            self._best = (stop, self._count, self._depth, self._last_key)

    def _note(self, units: Sequence[bytes]) -> None:
        kind = self._record.kind
        self._delimiters = self._delimiters or any(kind.is_delimiter(unit) for unit in units)
        if kind is Kind.H264:
            self._numbers |= h264_numbers(units)

    def plan(self) -> SmartPlan | str:
        if self._wrong is not None:
            return self._wrong
        if self._key is None or self._key[0] >= self._frames.stop:
            if self._open:
                return (
                    "pictures shown before them follow its keyframes (open groups), and H.264 cannot go on from those"
                )
            return "there is no keyframe to copy from in it"
        if self._best is None:
            return "its packets leave holes where a copy would end"
        stop, count, depth, last_key = self._best
        numbers = self._numbers | (h264_numbers(self._record.sets) if self._record.kind is Kind.H264 else set())
        stretch = Stretch(self._record, self._sets, self._delimiters, frozenset(numbers), tuple(self._light))
        number, key_pts = self._key
        lead = self._source.seconds_of(self._frames.first) - self._head_at + FURTHEST
        return SmartPlan(
            self._frames,
            FrameRange(number, stop),
            key_pts,
            self._leading,
            count,
            depth,
            self.head_pts,
            last_key,
            max(lead, FURTHEST) if self.head_pts is not None else LEAD,
            stretch,
        )


class SmartPicture:
    """Encodes a clip's head, passes packets on, encodes its tail; decodes both seams to have them compared."""

    def __init__(self, source: Source, output: Output, plan: SmartPlan, crf: int) -> None:
        """Raises Unreadable where no encoder matches the source."""
        self.stream = source.video
        self.done = False
        self.progress = Progress()
        self.digest = blake2b()
        self._source, self._output, self._plan = source, output, plan
        self._clock = ClipClock(source.media, plan.frames.first)
        self._joiner = Joiner(source, output.kind, crf, plan.stretch, self._clock.time_base) if plan.encoded else None
        self.encoder = self._joiner.encoder if self._joiner is not None else None
        self._depth = max(plan.depth, self._joiner.depth if self._joiner is not None else 0)
        self._has_head = plan.copied.first > plan.frames.first
        self._end = source.seconds_of(plan.frames.stop)
        self._near = _near(plan)
        self._held: list[Any] | None = None
        self._leading = plan.leading
        self._head_begun = self._tail_begun = self._decoding = False
        self._encoder: JoinedEncoder | None = None
        self._copied = self._written = 0
        self._latest = plan.frames.first - 1
        context = source.video.codec_context
        assert source.media.rate is not None
        self.out: Any = output.container.add_stream_from_template(source.video, opaque=True)
        self.out.codec_context.framerate = source.media.rate.value
        self.out.time_base = self._clock.time_base
        if self._joiner is not None:
            self.out.codec_context.extradata = self._joiner.extradata
        if plan.kind is Kind.HEVC and output.kind.edit_list:
            self.out.codec_context.codec_tag = "hev1" if self._joiner is not None else context.codec_tag
        self._sets = hevc_sets_to_repeat(plan.stretch.record) if plan.kind is Kind.HEVC and plan.encoded else []

    def joined(self) -> Joined:
        """What of the written clip was copied, to be found in it again."""
        record = self._plan.stretch.record
        before = self._plan.copied.first - self._plan.frames.first
        return Joined(
            self._plan.copied, before, self._plan.packets, record.kind, record.length_size, self.digest.digest()
        )

    def take(self, packet: Any) -> None:
        over = packet.size == 0 or (packet.dts is not None and packet.dts * packet.time_base >= self._end)
        if over:
            self._drain()
            self.done = True
        elif self._held is None:
            self._before_key(packet)
        elif self._leading:
            self._after_key(packet)
        else:
            self._pass(packet)

    def finish(self) -> None:
        plan = self._plan
        if self._copied != plan.packets or self._encoder is not None:
            self._end_stretch()
        if self._written != plan.frames.count:
            raise Unreadable(f"{self._written} pictures were made in place of {plan.frames.count}")

    def _before_key(self, packet: Any) -> None:
        plan = self._plan
        if packet.is_keyframe and packet.pts == plan.key_pts:
            self._held = [packet]
            if self._has_head:
                self._decode_head(packet)
            if not self._leading:
                self._head_done()
            return
        if not self._has_head:
            return
        if packet.is_keyframe and packet.pts is not None and packet.pts == plan.head_pts:
            self._head_begun = True
        if self._head_begun or plan.head_pts is None:
            self._decode_head(packet)

    def _after_key(self, packet: Any) -> None:
        assert self._held is not None
        if self._source.number_of(packet.pts, packet.time_base) >= self._plan.copied.first:
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
            self._end_stretch()
        self._source.video.codec_context.flush_buffers()
        self._output.begin()
        self._decoding = True
        assert self._held is not None
        for packet in self._held:
            self._pass(packet)
        self._held.clear()

    def _pass(self, packet: Any) -> None:
        """A packet from the copied keyframe on: decoded near the seams, and written while it belongs to the copy."""
        number = self._source.number_of(packet.pts, packet.time_base)
        if number < self._plan.copied.first:
            return
        if packet.is_keyframe and packet.pts == self._plan.tail_pts:
            self._tail_begun = self._decoding = True
        if self._decoding:
            self._decode(packet)
            if self._copied == _NEAR and not self._tail_begun:
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

    def _end_stretch(self) -> None:
        if self._encoder is not None:
            for packet in self._encoder.encode(None):
                self._write_encoded(packet)
            self._encoder = None

    def _write_encoded(self, encoded: Encoded) -> None:
        self.progress.encoded += 1
        self._write(self._clock.frame_at(encoded.pts), encoded.data, encoded.is_keyframe)

    def _copy(self, packet: Any, number: int) -> None:
        kind, size = self._plan.kind, self._plan.stretch.record.length_size
        units = split_sized(memoryview(packet), size)
        if self._copied == 0 and self._has_head and kind is Kind.HEVC:
            units = [without_cra(unit) for unit in units]
        for unit in pictures_of(kind, units):
            self.digest.update(unit)
        if packet.is_keyframe and self._sets and not any(kind.type_of(unit) == SPS for unit in units):
            units = with_sets(kind, units, self._sets)
        self._copied += 1
        self._write(number, join_sized(units, size), packet.is_keyframe)

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


def _near(plan: SmartPlan) -> frozenset[int]:
    """Frames that are compared: both ends of the clip, and some on each side of both seams."""
    frames, copied = plan.frames, plan.copied
    return frozenset(
        number
        for at in (frames.first, copied.first, copied.stop, frames.stop - 1)
        for number in range(at - 2, at + 4)
        if frames.first <= number < frames.stop
    )
