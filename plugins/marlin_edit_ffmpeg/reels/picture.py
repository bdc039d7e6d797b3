"""The picture of a reel: packets of written clips one after another, or frames of all sources through one encoder."""

from __future__ import annotations

from array import array
from bisect import bisect_left
from collections.abc import Callable, Sequence
from fractions import Fraction
from hashlib import blake2b
from itertools import groupby
from typing import Any

from marlin_edit_ffmpeg.clips.verify import Picture, picture_of
from marlin_edit_ffmpeg.codecs import set_tag
from marlin_edit_ffmpeg.containers import Output
from marlin_edit_ffmpeg.encoders import VideoEncoding, configure
from marlin_edit_ffmpeg.reels.frames import Fit, PieceFrames
from marlin_edit_ffmpeg.reels.pieces import WrittenPiece, packets_of_piece, spliced_packet
from marlin_edit_ffmpeg.reels.plan import Piece, ReelPlan
from marlin_edit_ffmpeg.source import Source

Heard = Callable[[Fraction], None]
"""OnProgress, in seconds from the reel's beginning, how far the picture is: the sound follows."""


class JoinedPictures:
    """Passes the packets of pieces on, under one header and on one clock; decode times are made new for all of them.

    times: when each frame is shown, in ticks. expected: pictures of frames near joins, by their place in the reel.
    """

    def __init__(
        self, output: Output, plan: ReelPlan, pieces: Sequence[WrittenPiece], header: bytes, like: Any
    ) -> None:
        self.out: Any = output.container.add_stream_from_template(like, opaque=True)
        self.out.codec_context.framerate = plan.rate.value
        self.out.time_base = plan.tick
        self.out.codec_context.extradata = header
        set_tag(self.out, like, output.kind, spliced=True)
        self.digest = blake2b()
        self.expected: dict[int, Picture] = {}
        self._output, self._plan, self._pieces = output, plan, pieces
        self._depth = max(piece.depth for piece in pieces)
        self._starts = [round(piece.start / plan.tick) for piece in plan.pieces]
        placed = zip(self._starts, pieces, strict=True)
        self.times = array("q", (start + since for start, piece in placed for since in sorted(piece.ticks)))

    def write(self, heard: Heard) -> None:
        """Write the picture of all pieces."""
        import av

        times, tick = self.times, self._plan.tick
        one = max(1, times[1] - times[0]) if len(times) > 1 else 1
        end = round(self._plan.length / tick)
        self._output.begin()
        done = 0
        for start, written in zip(self._starts, self._pieces, strict=True):
            for at, (since, packet) in enumerate(packets_of_piece(written)):
                again: Any = av.Packet(spliced_packet(written, packet, is_first=at == 0))
                again.stream = self.out
                again.time_base = tick
                again.pts = start + since
                before = done - self._depth
                again.dts = min(times[before] if before >= 0 else times[0] + before * one, again.pts)
                place = bisect_left(times, again.pts)
                again.duration = (times[place + 1] if place + 1 < len(times) else end) - again.pts
                again.is_keyframe = packet.is_keyframe
                self.digest.update(again)
                if since in written.pictures:
                    self.expected[place] = written.pictures[since]
                self._output.mux(again)
                done += 1
                heard((start + since) * tick)


class EncodedPictures:
    """Frames of every piece, brought to the first one's size and format, through one encoder: a keyframe at each join.

    missing: pieces of which frames could not be read, with how many.
    """

    def __init__(self, output: Output, plan: ReelPlan, encoding: VideoEncoding) -> None:
        self.out: Any = output.container.add_stream(encoding.encoder, rate=plan.rate.value)
        self.times = array("q")
        self.expected: dict[int, Picture] = {}
        self.missing: dict[int, int] = {}
        self._lengths: dict[int, int] = {}
        self._output, self._plan, self._encoding = output, plan, encoding
        self._size: tuple[int, int] | None = None

    def write(self, heard: Heard) -> None:
        """Write the picture of all pieces."""
        for _, pieces in groupby(self._plan.pieces, key=lambda piece: piece.media.path):
            first = next(pieces)
            with Source(first.media) as source:
                for piece in (first, *pieces):
                    self._write_piece(source, piece, heard)
        if self.times:
            self._mux(self.out.encode(None))

    def _write_piece(self, source: Source, piece: Piece, heard: Heard) -> None:
        fit = Fit(piece.media, self._plan.first)
        start = round(piece.start / self._plan.tick)
        latest = None
        frames = PieceFrames(source, self._plan, piece)
        for seen, (since, length, frame) in enumerate(frames):
            if self._size is None:
                self._size = self._set_up(source, frame)
            picture = fit.fitted(frame, self._size, self._encoding.pixel_format)
            picture.pict_type = 0 if seen else 1  # AV_PICTURE_TYPE_I: a join begins with a keyframe
            time = start + since
            picture.pts = time
            picture.time_base = self._plan.tick
            if seen < 2:
                self.expected[len(self.times)] = picture_of(picture)
            self.times.append(time)
            self._lengths[time] = length
            latest = picture
            self._mux(self.out.encode(picture))
            heard(time * self._plan.tick)
        if latest is not None:
            self.expected[len(self.times) - 1] = picture_of(latest)
        if frames.missing:
            self.missing[piece.plan.number] = frames.missing

    def _set_up(self, source: Source, frame: Any) -> tuple[int, int]:
        count = sum(piece.frames.count for piece in self._plan.pieces)
        configure(self.out, self._encoding, source.video, source.media, frame, self._plan.tick, count)
        self._output.begin()
        return frame.width, frame.height

    def _mux(self, packets: list[Any]) -> None:
        for packet in packets:
            time = round(packet.pts * packet.time_base / self._plan.tick)
            packet.duration = max(1, round(self._lengths.pop(time) * self._plan.tick / packet.time_base))
            self._output.mux(packet)
