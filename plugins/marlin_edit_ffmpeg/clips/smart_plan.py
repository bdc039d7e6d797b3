"""What of a range of frames can be copied for a clip that is exact at both ends: found without decoding."""

from __future__ import annotations

from dataclasses import dataclass
from fractions import Fraction
from typing import Any

from marlin_edit.timebase import FrameRange
from marlin_edit_ffmpeg.codecs import Begin, Syntax, Unreadable, syntax_of
from marlin_edit_ffmpeg.containers import Container
from marlin_edit_ffmpeg.source import LEAD, Source, Start

MOST_ENCODED = Fraction(6, 10)
"""The part of a clip's frames that may be encoded for it to be worth joining them to copied ones."""

_PAST = 64


@dataclass(frozen=True)
class SmartPlan:
    """How a clip is joined. `frames` are the clip's, `copied` those whose packets are passed on.

    key_pts: of the keyframe copying begins at. leading: packets after it, in file order, that are shown before it.
    packets: how many are copied, reordered over `depth` frames at most. start: where decoding for the head begins.
    tail_pts: of the keyframe where it begins for the tail. renumbered: whether what is copied is renumbered.
    """

    frames: FrameRange
    copied: FrameRange
    key_pts: int
    leading: int
    packets: int
    depth: int
    start: Start
    tail_pts: int
    renumbered: bool
    syntax: Syntax

    @property
    def encoded(self) -> int:
        """How many frames are encoded."""
        return self.frames.count - self.copied.count


def smart_plan(source: Source, frames: FrameRange, kind: Container) -> SmartPlan | str:
    """How a range of frames can be cut exactly with most of them copied, or why it cannot."""
    try:
        for lead in (Fraction(0), LEAD):
            scan = _Scan(source, frames, syntax_of(source.video, source.media.container, kind))
            scan.read(lead)
            if scan.start.pts is not None:
                break
        source.starts[frames.first] = scan.start
        found = scan.plan()
    except Unreadable as error:
        return str(error)
    if isinstance(found, SmartPlan) and found.encoded:
        if found.encoded > MOST_ENCODED * frames.count:
            return f"{found.encoded} of its {frames.count} frames needed re-encoding anyway"
        if found.syntax.encoder is None:
            return f"{found.encoded} of its frames needed re-encoding, and no encoder here matches the source"
    return found


def decoding_start(source: Source, frame: int, kind: Container) -> Start:
    """Where decoding for a frame begins: at the last keyframe before it that forgets all before, as far as one lies in
    its group of pictures and the codec's keyframes are understood; else well before it."""
    if not source.has_times:
        return Start(None, LEAD)
    if frame not in source.starts:
        source.starts[frame] = Start(None, LEAD)
        try:
            scan = _Scan(source, FrameRange(frame, frame + 1), syntax_of(source.video, source.media.container, kind))
            scan.read(Fraction(0))
            source.starts[frame] = scan.start
        except Unreadable:
            pass
    return source.starts[frame]


def _start_at(source: Source, packet: Any, frame: int) -> Start:
    before = source.seconds_of(frame) - packet.pts * source.tick
    return Start(packet.pts, max(before, source.margin))


class _Scan:
    """Reads the packets of a range, in file order and without decoding, for what can be copied of them."""

    def __init__(self, source: Source, frames: FrameRange, syntax: Syntax) -> None:
        self.start = Start(None, LEAD)
        self._source, self._frames, self._syntax = source, frames, syntax
        self._wrong: str | None = None
        self._key: tuple[int, Any] | None = None
        self._leading: list[Any] = []
        self._renumbered = False
        self._count = self._depth = 0
        self._latest = -1
        self._last_key = 0
        self._best: tuple[int, int, int, int] | None = None
        self._unclean = False

    def read(self, lead: Fraction) -> None:
        end = self._source.first_tick(self._frames.stop)
        for packet in self._source.packets([self._source.video], self._frames.first, lead):
            if packet.size == 0 or (packet.dts is not None and packet.dts >= end):
                return
            if packet.pts is None:
                self._wrong = "packets of the source carry no time"
                return
            if packet.has_sidedata("new_extradata"):
                self._wrong = "the source's picture changes its format on the way"
                return
            if self._key is None and not packet.is_keyframe:
                continue
            number = self._source.number_of(packet.pts)
            if self._key is None and number >= self._frames.stop + _PAST:
                return
            self._add(packet, number)
            if self._wrong is not None or (self._best is not None and self._best[0] == self._frames.stop):
                return

    def _add(self, packet: Any, number: int) -> None:
        begin = Begin.NEVER
        if packet.is_keyframe:
            begin = self._syntax.look_at(memoryview(packet))
            if begin is Begin.CLEAN and number <= self._frames.first:
                self.start = _start_at(self._source, packet, self._frames.first)
            if begin is Begin.NEVER and self._frames.first <= number < self._frames.stop:
                self._unclean = True
            if begin is not Begin.NEVER and self._key is None and number >= self._frames.first:
                self._key = (number, packet)
                self._latest = number - 1
                self._renumbered = begin is Begin.RENUMBERED
        if self._key is None:
            return
        first = self._key[0]
        if number < first:
            self._leading.append(packet)
            if self._count > 1:
                self._wrong = "pictures shown before a keyframe come long after it in the source"
            return
        if packet.is_discard and number < self._frames.stop:
            self._wrong = "an edit list of the source hides frames there"
            return
        if begin is not Begin.NEVER:
            self._last_key = packet.pts
        self._latest = max(self._latest, number)
        self._depth = max(self._depth, self._count - (number - first))
        self._count += 1
        stop = self._latest + 1
        if stop - first == self._count and stop <= self._frames.stop:
            self._best = (stop, self._count, self._depth, self._last_key)

    def plan(self) -> SmartPlan | str:
        if self._wrong is not None:
            return self._wrong
        if self._key is None or self._key[0] >= self._frames.stop:
            return self._syntax.unclean if self._unclean else "there is no keyframe to copy from in it"
        if self._best is None:
            return "a copy would end with missing frames"
        stop, count, depth, last_key = self._best
        number, key = self._key
        self._syntax.begin_at(memoryview(key), [memoryview(packet) for packet in self._leading])
        return SmartPlan(
            self._frames,
            FrameRange(number, stop),
            key.pts,
            len(self._leading),
            count,
            depth,
            self.start,
            last_key,
            self._renumbered,
            self._syntax,
        )
