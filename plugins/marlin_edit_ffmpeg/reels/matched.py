"""Pieces of a reel of which nothing can be copied, encoded so that their packets stand beside those of the reel's first
source: its codec and format, under parameter sets that go with its own.
"""

from __future__ import annotations

from array import array
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from marlin_edit.timebase import FrameRange
from marlin_edit_ffmpeg.clips.tracks import OnProgress
from marlin_edit_ffmpeg.clips.verify import Picture, picture_of
from marlin_edit_ffmpeg.clock import ClipClock
from marlin_edit_ffmpeg.codecs import Unreadable, set_tag, syntax_of
from marlin_edit_ffmpeg.containers import Output
from marlin_edit_ffmpeg.matched_encoder import Encoded, Joiner
from marlin_edit_ffmpeg.reels.frames import Fit, PieceFrames
from marlin_edit_ffmpeg.reels.pieces import Moment, moments_of, moments_on
from marlin_edit_ffmpeg.reels.plan import Piece, ReelPlan
from marlin_edit_ffmpeg.reels.verify import check_reel
from marlin_edit_ffmpeg.source import NothingThere, Source


@dataclass(frozen=True)
class Matched:
    """The way of a piece that is encoded as a whole, to stand beside copied ones, and why."""

    frames: FrameRange
    reason: str

    @property
    def encoded(self) -> int:
        """How many frames were encoded."""
        return self.frames.count


class Matcher:
    """Encodes pieces as parts of the reel's first source, which stays open meanwhile."""

    def __init__(self, plan: ReelPlan) -> None:
        """Raises Unreadable, with the reason, where no encoder makes pictures that match."""
        self._plan = plan
        self._base = Source(plan.first)
        try:
            self._syntax = syntax_of(self._base.video, plan.first.container, plan.kind)
            keyframe = memoryview(self._keyframe())
            self._syntax.look_at(keyframe)
            self._syntax.begin_at(keyframe, ())
            self._joiner = Joiner(self._base, plan.kind, plan.pieces[0].plan.crf, self._syntax, plan.tick)
        except BaseException:
            self.close()
            raise
        self.encoder = self._joiner.encoder

    def close(self) -> None:
        """Close the encoder."""
        self._base.container.close()

    def _keyframe(self) -> Any:
        for packet in self._base.packets([self._base.video], self._plan.pieces[0].frames.first):
            if packet.size and packet.is_keyframe:
                return packet
        raise Unreadable("the first source has no keyframe there")

    def moment(self, piece: Piece, frames: FrameRange) -> Moment:
        """How the times of a written piece are read, of which `frames` are in it."""
        tick = self._plan.tick
        return moments_on(tick) if self._plan.on_grid else moments_of(ClipClock(piece.media, frames.first), tick)

    def write(self, source: Source, piece: Piece, target: Path, on_progress: OnProgress) -> FrameRange:
        """Writes a piece to `target`, checks it, and tells which of the source's frames are in it.

        Raises Unreadable where it is not as planned, NothingThere where no frame can be read.
        """
        frames = PieceFrames(source, self._plan, piece)
        with Output("file:" + str(target.absolute()), self._plan.kind) as output:
            part = _Stretch(self._base, self._joiner, output, self._plan)
            header = self._syntax.extradata()
            if header is not None:
                part.out.codec_context.extradata = header
            fit, size = Fit(piece.media, self._plan.first), (self._base.video.width, self._base.video.height)
            for time, _, frame in frames:
                part.add(time, fit.fitted(frame, size, self._base.video.codec_context.pix_fmt))
                on_progress(min(1.0, frames.count / piece.frames.count))
            if frames.first is None:
                raise NothingThere
            part.finish()
        if frames.missing and self._plan.on_grid:
            raise Unreadable(f"{frames.missing} frames of cut {piece.plan.number} could not be read")
        held = FrameRange(frames.first, frames.last + 1)
        tick, times = self._plan.tick, part.times
        wrong = check_reel(target, self._plan.kind, times, tick, times[-1] * tick, part.expected, None)
        if wrong is not None:
            raise Unreadable(wrong)
        return held


class _Stretch:
    """One part of frames on its way through an encoder. times: when each is shown, in ticks. expected: pictures of
    the first frames and the last one, by their places."""

    def __init__(self, base: Source, joiner: Joiner, output: Output, plan: ReelPlan) -> None:
        self.times = array("q")
        self.expected: dict[int, Picture] = {}
        self._output, self._plan, self._depth = output, plan, joiner.depth
        self._encoder = joiner.begin()
        self._latest: Any = None
        self._written = 0
        self.out: Any = output.container.add_stream_from_template(base.video, opaque=True)
        self.out.codec_context.framerate = plan.rate.value
        self.out.time_base = plan.tick
        set_tag(self.out, base.video, output.kind, spliced=True)

    def add(self, time: int, picture: Any) -> None:
        if not self.times:
            self._output.begin()
        picture.pict_type = 0
        picture.pts = time
        picture.time_base = self._plan.tick
        if len(self.times) < 2:
            self.expected[len(self.times)] = picture_of(picture)
        self.times.append(time)
        self._latest = picture
        self._write(self._encoder.encode(picture))

    def finish(self) -> None:
        self.expected[len(self.times) - 1] = picture_of(self._latest)
        self._write(self._encoder.encode(None))

    def _write(self, ready: list[Encoded]) -> None:
        import av

        for encoded in ready:
            packet: Any = av.Packet(encoded.data)
            packet.stream = self.out
            packet.time_base = self._plan.tick
            packet.pts = encoded.pts
            place = self._written - self._depth
            packet.dts = min(self.times[place] if place >= 0 else self.times[0] + place, packet.pts)
            packet.duration = 1
            packet.is_keyframe = encoded.is_keyframe
            self._written += 1
            self._output.mux(packet)
