"""The picture of a reel: packets of written clips one after another, or frames of all sources through one encoder."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from fractions import Fraction
from hashlib import blake2b
from itertools import chain, groupby
from typing import Any

from marlin_edit.media import MediaInfo
from marlin_edit_ffmpeg.clock import time_of
from marlin_edit_ffmpeg.containers import Output
from marlin_edit_ffmpeg.encoders import VideoEncoding, configure
from marlin_edit_ffmpeg.reel_joins import WrittenPiece, begin_anew, packets_of_piece
from marlin_edit_ffmpeg.reel_plan import Piece, ReelPlan
from marlin_edit_ffmpeg.source import Source
from marlin_edit_ffmpeg.verify import Picture, picture_of

Heard = Callable[[Fraction], None]
"""Told, in seconds from the reel's beginning, how far the picture is: the sound follows."""


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
        if pieces[0].codec == "hevc" and output.kind.edit_list:
            self.out.codec_context.codec_tag = "hev1"
        self.digest = blake2b()
        self.times: list[int] = []
        self.expected: dict[int, Picture] = {}
        self._output, self._plan, self._pieces, self._header = output, plan, pieces, header
        self._depth = max(piece.depth for piece in pieces)

    def write(self, heard: Heard) -> None:
        import av

        ticks = [self._ticks(piece, number) for piece, number in self._all_numbers()]
        self.times = sorted(ticks)
        one = max(1, self.times[1] - self.times[0]) if len(self.times) > 1 else 1
        end = round(self._plan.length / self._plan.tick)
        places = {time: place for place, time in enumerate(self.times)}
        self._output.begin()
        done = 0
        for piece, written in zip(self._plan.pieces, self._pieces, strict=True):
            for at, (number, packet) in enumerate(packets_of_piece(written)):
                again: Any = av.Packet(begin_anew(written.codec, self._header, packet) if at == 0 else bytes(packet))
                again.stream = self.out
                again.time_base = self._plan.tick
                again.pts = self._ticks(piece, number)
                before = done - self._depth
                again.dts = min(self.times[before] if before >= 0 else self.times[0] + before * one, again.pts)
                place = places[again.pts]
                again.duration = (self.times[place + 1] if place + 1 < len(self.times) else end) - again.pts
                again.is_keyframe = packet.is_keyframe
                self.digest.update(again)
                if number in written.pictures:
                    self.expected[place] = written.pictures[number]
                self._output.mux(again)
                done += 1
                heard(piece.start + written.clock.seconds(number))

    def _all_numbers(self) -> Iterator[tuple[Piece, int]]:
        for piece, written in zip(self._plan.pieces, self._pieces, strict=True):
            for number in written.numbers:
                yield piece, number

    def _ticks(self, piece: Piece, number: int) -> int:
        since = time_of(piece.media, number) - time_of(piece.media, piece.frames.first)
        return round((piece.start + since) / self._plan.tick)


class EncodedPictures:
    """Frames of every piece, brought to the first one's size and format, through one encoder: a keyframe at each join.

    short: pieces of which frames could not be read, with how many there were.
    """

    def __init__(self, output: Output, plan: ReelPlan, encoding: VideoEncoding) -> None:
        self.out: Any = output.container.add_stream(encoding.encoder, rate=plan.rate.value)
        self.times: list[int] = []
        self.expected: dict[int, Picture] = {}
        self.short: dict[int, int] = {}
        self._lengths: dict[int, int] = {}
        self._output, self._plan, self._encoding = output, plan, encoding
        self._size: tuple[int, int] | None = None

    def write(self, heard: Heard) -> None:
        for _, pieces in groupby(self._plan.pieces, key=lambda piece: piece.media.path):
            first = next(pieces)
            with Source(first.media) as source:
                for piece in chain([first], pieces):
                    self._write_piece(source, piece, heard)
        if self.times:
            self._mux(self.out.encode(None))

    def _write_piece(self, source: Source, piece: Piece, heard: Heard) -> None:
        fit = _Fit(piece.media, self._plan.first)
        seen, latest = 0, None
        for time, length, frame in self._timed(source, piece):
            if self._size is None:
                self._size = self._set_up(source, frame)
            picture = fit.fitted(frame, self._size, self._encoding.pixel_format)
            picture.pict_type = 0 if seen else 1  # AV_PICTURE_TYPE_I: a join begins with a keyframe
            picture.pts = time
            picture.time_base = self._plan.tick
            if seen < 2:
                self.expected[len(self.times)] = picture_of(picture)
            seen += 1
            self.times.append(time)
            self._lengths[time] = length
            latest = picture
            self._mux(self.out.encode(picture))
            heard(time * self._plan.tick)
        if latest is not None:
            self.expected[len(self.times) - 1] = picture_of(latest)
        if seen < self._wanted(piece):
            self.short[piece.plan.number] = seen

    def _wanted(self, piece: Piece) -> int:
        if self._plan.on_grid:
            return round((piece.end - piece.start) / self._plan.tick)
        return piece.frames.count

    def _set_up(self, source: Source, frame: Any) -> tuple[int, int]:
        count = sum(piece.frames.count for piece in self._plan.pieces)
        configure(self.out, self._encoding, source.video, source.media, frame, self._plan.tick, count)
        self._output.begin()
        return frame.width, frame.height

    def _timed(self, source: Source, piece: Piece) -> Iterator[tuple[int, int, Any]]:
        """A piece's frames, each with the reel's tick at which it is shown, and for how many; on a grid, at each of its
        places the frame that is shown there."""
        media, frames, tick = piece.media, piece.frames, self._plan.tick
        begin, start = time_of(media, frames.first), round(piece.start / tick)
        if not self._plan.on_grid:
            latest = frames.first - 1
            for number, frame in source.frames(frames.first, frames.stop):
                if number > latest:
                    latest = number
                    shown_at, until = (
                        round((piece.start + time_of(media, edge) - begin) / tick) for edge in (number, number + 1)
                    )
                    yield shown_at, max(1, until - shown_at), frame
            return
        stop = round(piece.end / tick) - start
        at, shown = 0, None
        for number, frame in source.frames(frames.first, frames.stop):
            while shown is not None and at < stop and at * tick < time_of(media, number) - begin:
                yield start + at, 1, shown
                at += 1
            shown = frame
        while shown is not None and at < stop:
            yield start + at, 1, shown
            at += 1

    def _mux(self, packets: list[Any]) -> None:
        for packet in packets:
            time = round(packet.pts * packet.time_base / self._plan.tick)
            packet.duration = max(1, round(self._lengths.pop(time) * self._plan.tick / packet.time_base))
            self._output.mux(packet)


_ANY_TICK = Fraction(1, 90_000)
_TURNS: dict[int, list[tuple[str, str]]] = {
    0: [],
    90: [("transpose", "clock")],
    180: [("hflip", ""), ("vflip", "")],
    270: [("transpose", "cclock")],
}


class _Fit:
    """Brings frames of one source into another one's picture: turned, scaled without distortion, bars around it."""

    def __init__(self, media: MediaInfo, like: MediaInfo) -> None:
        self._turn = (media.rotation - like.rotation) % 360
        self._media, self._like = media, like
        self._graphs: dict[tuple[int, int, str], Any] = {}
        self._same_shape = self._turn == 0 and media.pixel_aspect == like.pixel_aspect

    def fitted(self, frame: Any, size: tuple[int, int], pixel_format: str) -> Any:
        if self._same_shape and (frame.width, frame.height) == size:
            return frame if frame.format.name == pixel_format else frame.reformat(format=pixel_format)
        shape = (frame.width, frame.height, frame.format.name)
        if shape not in self._graphs:
            self._graphs[shape] = self._made(frame, size, pixel_format)
        self._graphs[shape].push(frame)
        return self._graphs[shape].pull()

    def _made(self, frame: Any, size: tuple[int, int], pixel_format: str) -> Any:
        import av.filter

        graph = av.filter.Graph()
        width, height = size
        turned = self._turn in (90, 270)
        aspect = Fraction(frame.width, frame.height) * self._media.pixel_aspect
        aspect = (1 / aspect if turned else aspect) / self._like.pixel_aspect
        inner = (width, _even(width / aspect)) if aspect * height > width else (_even(height * aspect), height)
        left, top = (width - inner[0]) // 4 * 2, (height - inner[1]) // 4 * 2
        steps: list[tuple[str, str]] = []
        steps += {
            90: [("transpose", "clock")],
            180: [("hflip", ""), ("vflip", "")],
            270: [("transpose", "cclock")],
        }.get(self._turn, [])
        steps += [
            ("scale", f"{inner[0]}:{inner[1]}"),
            ("pad", f"{width}:{height}:{left}:{top}"),
            ("format", pixel_format),
        ]
        made = [
            graph.add_buffer(width=frame.width, height=frame.height, format=frame.format, time_base=_ANY_TICK),
            *(graph.add(name, given) if given else graph.add(name) for name, given in steps),
            graph.add("buffersink"),
        ]
        graph.link_nodes(*made)
        graph.configure()
        return graph


def _even(value: Fraction) -> int:
    return max(2, round(value / 2) * 2)
