"""Which frames a stream shows, when, and at what rate.

The stream's packets are read once, without decoding, and sorted by presentation time; packets that an edit list hides
do not count. A decoder may still show fewer frames than there are packets, at the beginning (a recording that starts
inside a group of pictures) and at the end (one that stops inside a frame), so the beginning is always decoded, and the
end where the container keeps no index or the file is damaged. Where packets and frames disagree otherwise, or packets
carry no times, the whole stream is decoded. Reading is as fast as the disk; an MP4 or MOV above 16 MiB with an intact
index at a constant rate is counted from the index instead.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field
from fractions import Fraction
from itertools import pairwise
from pathlib import Path
from typing import TYPE_CHECKING

from marlin_edit.media.container import decoded, decoded_frames, flushed, only, open_media, packets_of
from marlin_edit.media.info import FrameTimes
from marlin_edit.timebase import (
    FrameRate,
    nearest_standard,
    snapped,
)

if TYPE_CHECKING:
    from av import VideoFrame
    from av.container import InputContainer
    from av.packet import Packet
    from av.video.stream import VideoStream


_HEAD_FRAMES = 8
_HEAD_PACKETS = 900
_TAIL_PIXELS = 300 * 1920 * 1080
_NO_INDEX = ("mpegts", "mpeg", "flv", "dv")
COUNT_FROM_INDEX = 16 << 20


@dataclass
class ShownFrames:
    """The frames that decoding shows: container pts, ascending, the end of the last one, and one frame to look at."""

    pts: list[int] = field(default_factory=list)
    end: int | None = None
    sample: VideoFrame | None = None
    interlaced: bool = False
    notes: list[str] = field(default_factory=list)

    def look_at(self, frame: VideoFrame) -> None:
        """Keep the first frame as a sample, and note whether any is interlaced."""
        self.sample = self.sample or frame
        self.interlaced = self.interlaced or frame.interlaced_frame


def shown_frames(container: InputContainer, stream: VideoStream, path: Path, *, damaged: bool) -> ShownFrames:
    """The frames that are shown, in order, with their times."""
    shown = ShownFrames()
    seen = _PacketReading(stream, shown)
    for packet in packets_of(container, stream, seen.damage):
        if packet.size > 0:
            seen.take(packet)
    seen.finish()
    if stores_no_times(container, stream):
        shown.notes.append(
            "The file stores no presentation times (AVI with B-frames). They are guessed, and can be some frames off."
            f" {order_frames(path)}"
        )
    kept = seen.shown_packets()
    if kept is not None:
        check_tail = damaged or seen.torn or container.format.name in _NO_INDEX
        missing = _missing_at_end(stream, seen.group, kept) if check_tail and seen.group else 0
        if missing is not None:
            kept = kept[: len(kept) - missing]
            shown.pts = [pts for pts, _ in kept]
            shown.end = kept[-1][0] + kept[-1][1] if kept and kept[-1][1] > 0 else None
            return shown
    if seen.packets or seen.untrue:
        _decode_all(path, stream.index, shown)
    return shown


class _PacketReading:
    """What a stream's packets say of its frames, and what decoding the first of them shows.

    packets: time and length of each that is shown. head: the times of the first frames that were decoded. group: the
    packets from the last keyframe on, if there are not too many. torn: whether the last packet is damaged; at the end
    of the file it is decoded to see. untrue: whether the packets do not say what decoding will show.
    """

    def __init__(self, stream: VideoStream, shown: ShownFrames) -> None:
        assert stream.time_base is not None
        self.packets: list[tuple[int, int]] = []
        self.head: list[int] = []
        self.group: list[Packet[VideoStream]] | None = []
        self.torn = self.untrue = False
        self._stream, self._shown = stream, shown
        self._second = round(1 / stream.time_base)
        self._longest_group = max(30, _TAIL_PIXELS // max(1, stream.width * stream.height))
        self._may_hide = stream.codec_context.name in ("vp8", "libvpx")
        self._last_dts: int | None = None
        self._decoded_packets = 0

    def damage(self) -> None:
        """What comes next in the container is damaged."""
        self.torn = True

    def take(self, packet: Packet[VideoStream]) -> None:
        """Take the next packet."""
        self.untrue = self.untrue or self.torn or packet.pts is None
        self.torn = packet.is_corrupt
        self._check_order(packet)
        hidden = packet.is_discard or (self._may_hide and _is_hidden(packet))
        if packet.pts is not None and not hidden:
            self.packets.append((packet.pts, packet.duration or 0))
        if len(self.head) < _HEAD_FRAMES and self._decoded_packets < _HEAD_PACKETS:
            self._decoded_packets += 1
            self._look_at(decoded(packet))
        if packet.is_keyframe:
            self.group = []
        if self.group is not None:
            self.group.append(packet)
            if len(self.group) > self._longest_group:
                self.group = None

    def finish(self) -> None:
        """After the last packet."""
        if len(self.head) < _HEAD_FRAMES:
            self._look_at(flushed(self._stream))
        self.packets.sort()

    def shown_packets(self) -> list[tuple[int, int]] | None:
        """The packets from the first shown frame on, if they say what decoding shows; None if they do not."""
        if not self.packets or not self.head or self.untrue:
            return None
        first, last = min(self.head), max(self.head)
        if [pts for pts, _ in self.packets if first <= pts <= last] != sorted(self.head):
            return None
        return [packet for packet in self.packets if packet[0] >= first]

    def _check_order(self, packet: Packet[VideoStream]) -> None:
        if packet.dts is None:
            return
        if self._last_dts is not None and packet.dts < self._last_dts - self._second and not self._shown.notes:
            self._shown.notes.append("Times in the file jump back. Rewrite it with steady time stamps first.")
        self._last_dts = packet.dts

    def _look_at(self, frames: Sequence[VideoFrame]) -> None:
        for frame in frames:
            self._shown.look_at(frame)
            if frame.pts is not None:
                self.head.append(frame.pts)


def stores_no_times(container: InputContainer, stream: VideoStream) -> bool:
    """Whether nothing in a file says when a frame is shown: AVI counts packets, and H.264's come in another order."""
    context = stream.codec_context
    return container.format.name == "avi" and context.name in ("h264", "hevc") and context.reorder_depth > 0


def order_frames(path: Path) -> str:
    """What to do with a file that stores no times."""
    return f"Rewrite it first, by a program that finds their order: mkvmerge -o '{path.stem}.mkv' '{path.name}'"


def _is_hidden(packet: Packet[VideoStream]) -> bool:
    """VP8 keeps frames that are only referred to as packets of their own: the show_frame bit (RFC 6386, 9.1)."""
    return not bytes(memoryview(packet)[:1])[0] >> 4 & 1


def _missing_at_end(
    stream: VideoStream, group: Sequence[Packet[VideoStream]], kept: Sequence[tuple[int, int]]
) -> int | None:
    """How many of the last packets a decoder shows no frame for; None where frames are missing further inside."""
    stream.codec_context.flush_buffers()
    found: set[int] = set()
    for packet in group:
        found.update(frame.pts for frame in decoded(packet) if frame.pts is not None)
    found.update(frame.pts for frame in flushed(stream) if frame.pts is not None)
    if not found:
        return None
    first, last = min(found), max(found)
    inside = [pts for pts, _ in kept if first <= pts <= last]
    if len(inside) != len(found):
        return None
    return sum(1 for pts, _ in kept if pts > last)


def _decode_all(path: Path, index: int, shown: ShownFrames) -> None:
    """The slow and certain way: every frame that decoding shows."""
    times = []
    with open_media(path) as container:
        for frame in decoded_frames(container, only(container, index)):
            shown.look_at(frame)
            if frame.pts is not None:
                times.append((frame.pts, frame.duration or 0))
    times.sort()
    shown.pts = [pts for pts, _ in times]
    shown.end = times[-1][0] + times[-1][1] if times and times[-1][1] > 0 else None


def counted_from_index(container: InputContainer, stream: VideoStream) -> ShownFrames | None:
    """Count a large MP4 or MOV from its index, which holds each frame's decoding time; None where that is unsafe.

    Safe at a constant rate only, where presentation times are the decoding times in another order; the decoded
    beginning shows whether they are. The container is not at its beginning afterwards.
    """
    entries = [entry.timestamp for entry in stream.index_entries if not entry.is_discard]
    rate = stream.average_rate
    assert stream.time_base is not None
    if "mp4" not in container.format.name.split(",") or len(entries) < 4 * _HEAD_FRAMES or not rate:
        return None
    if not _fits(entries, stream.time_base, snapped(rate)[0].value, stream.time_base):
        return None
    shown = ShownFrames()
    for frame in decoded_frames(container, stream):
        shown.look_at(frame)
        if frame.pts is None:
            return None
        shown.pts.append(frame.pts)
        if len(shown.pts) == 4 * _HEAD_FRAMES:
            break
    if not shown.pts:
        return None
    from_index = [entry - entries[0] + shown.pts[0] for entry in entries]
    if from_index[: len(shown.pts)] != shown.pts:
        return None
    shown.pts = from_index
    return shown


def rate_of(shown: ShownFrames, stream: VideoStream) -> tuple[FrameRate, FrameTimes | None, Fraction, list[str]]:
    """The nominal rate, the frames' own times where no constant rate gives them, the end in seconds, and notes."""
    assert stream.time_base is not None
    time_base = stream.time_base
    zero, last = shown.pts[0], shown.pts[-1]
    coded = stream.codec_context.framerate
    declared = [rate for rate in (stream.average_rate, coded, stream.guessed_rate, stream.base_rate) if rate]
    average = None
    if last > zero:
        average = (len(shown.pts) - 1) / ((last - zero) * time_base)
    elif shown.end is not None and shown.end > zero and not declared:
        average = 1 / ((shown.end - zero) * time_base)
    measured = [average] if average is not None else []
    standard = [snapped(rate)[0].value for rate in (*declared, *measured)]
    # A clock that jumps by days makes an average of nearly nothing.
    other = [rate for rate in (*declared, *(rate.limit_denominator(1001) for rate in measured)) if rate]
    if average is not None and snapped(average)[0] == nearest_standard(average):
        other = []
    for rounding in (time_base, max(time_base, Fraction(1, 1000))):
        for candidate in (*standard, *other):
            if _fits(shown.pts, time_base, candidate, rounding):
                rate = FrameRate(candidate)
                notes = []
                if stream.average_rate and stream.average_rate != candidate and snapped(stream.average_rate)[1]:
                    notes.append(f"The average of {_decimal(stream.average_rate)} fps is treated as {candidate} fps.")
                return rate, None, rate.seconds(len(shown.pts)), notes
    if average is None:
        rate = FrameRate(Fraction(25))
        return rate, None, rate.seconds(len(shown.pts)), ["The file does not state its frame rate; 25 fps is used."]
    rate = nearest_standard(average)
    usual = _usual_step(shown.pts) * time_base
    if usual and snapped(1 / usual)[0] == nearest_standard(1 / usual) != rate:
        rate = nearest_standard(1 / usual)
        text = (
            f"The frame rate is {rate.name} fps with frames missing (average {_decimal(average)} fps):"
            " each frame keeps its own time."
        )
    elif snapped(average)[0] == rate:
        text = (
            f"The frame rate is not exactly {rate.name} fps (average {_decimal(average)}), which it is taken as:"
            " each frame keeps its own time."
        )
    else:
        text = (
            f"The frame rate varies (average {_decimal(average)} fps): each frame keeps its own time, and formats"
            f" that need one rate get {rate.name} fps, the nearest standard one."
        )
    end = (shown.end - zero) * time_base if shown.end is not None else (last - zero) * time_base + rate.seconds(1)
    times = FrameTimes(tuple(pts - zero for pts in shown.pts), time_base)
    return rate, times, end, [text]


def _fits(pts: Sequence[int], time_base: Fraction, rate: Fraction, rounding: Fraction) -> bool:
    """Whether a constant rate gives all times, but for rounding (and that at most a quarter of a frame)."""
    allowed = min(rounding, 1 / (4 * rate))
    # |pts * time_base - n / rate| <= allowed, in whole numbers: long files have a million frames.
    tick = time_base.numerator * rate.numerator
    step = rate.denominator * time_base.denominator
    bound = int(allowed * rate.numerator * time_base.denominator)
    zero = pts[0]
    return all(-bound <= (value - zero) * tick - number * step <= bound for number, value in enumerate(pts))


def _usual_step(pts: Sequence[int]) -> int:
    """The clock ticks between most frames (nine in ten); 0 where there is no such step."""
    steps = Counter(later - now for now, later in pairwise(pts))
    step, times = steps.most_common(1)[0]
    return step if 10 * times >= 9 * (len(pts) - 1) else 0


def _decimal(rate: Fraction) -> str:
    return f"{float(rate):.4f}".rstrip("0").rstrip(".")
