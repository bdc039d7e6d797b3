"""The frames of a reel's piece as the reel shows them: when each one is shown, counted in the reel's ticks, and brought
into the picture of the reel's first source.
"""

from __future__ import annotations

from collections.abc import Iterator
from fractions import Fraction
from typing import Any

from marlin_edit.media import MediaInfo
from marlin_edit_ffmpeg.clips.smart_plan import decoding_start
from marlin_edit_ffmpeg.clock import time_of
from marlin_edit_ffmpeg.reels.plan import Piece, ReelPlan
from marlin_edit_ffmpeg.source import Source


class PieceFrames:
    """Decodes one piece. first, last, count: of the source's frames that came, by their numbers there."""

    def __init__(self, source: Source, plan: ReelPlan, piece: Piece) -> None:
        self.first: int | None = None
        self.last = piece.frames.first - 1
        self.count = 0
        self._source, self._plan, self._piece = source, plan, piece

    @property
    def missing(self) -> int:
        """How many frames of the piece could not be read."""
        return self._piece.frames.count - self.count

    def __iter__(self) -> Iterator[tuple[int, int, Any]]:
        """Each frame with the tick since the piece's start at which it is shown, and for how many ticks; on a grid, at
        each of its places the frame that is shown there."""
        piece, tick = self._piece, self._plan.tick
        media = piece.media
        begin = time_of(media, piece.frames.first)
        if not self._plan.on_grid:
            for number, frame in self._decoded():
                shown_at, until = (round((time_of(media, edge) - begin) / tick) for edge in (number, number + 1))
                yield shown_at, max(1, until - shown_at), frame
            return
        stop = round((piece.end - piece.start) / tick)
        at, shown = 0, None
        for number, frame in self._decoded():
            while shown is not None and at < stop and at * tick < time_of(media, number) - begin:
                yield at, 1, shown
                at += 1
            shown = frame
        while shown is not None and at < stop:
            yield at, 1, shown
            at += 1

    def _decoded(self) -> Iterator[tuple[int, Any]]:
        frames = self._piece.frames
        start = decoding_start(self._source, frames.first, self._plan.kind)
        for number, frame in self._source.frames(frames.first, frames.stop, start):
            if number > self.last:
                self.first = number if self.first is None else self.first
                self.last = number
                self.count += 1
                yield number, frame


_ANY_TICK = Fraction(1, 90_000)
_TURNS: dict[int, list[tuple[str, str]]] = {
    0: [],
    90: [("transpose", "clock")],
    180: [("hflip", ""), ("vflip", "")],
    270: [("transpose", "cclock")],
}


class Fit:
    """Brings frames of `media` into the picture of `like`."""

    def __init__(self, media: MediaInfo, like: MediaInfo) -> None:
        self._turn = (media.rotation - like.rotation) % 360
        self._media, self._like = media, like
        self._graphs: dict[tuple[int, int, str], Any] = {}
        self._same_shape = self._turn == 0 and media.pixel_aspect == like.pixel_aspect

    def fitted(self, frame: Any, size: tuple[int, int], pixel_format: str) -> Any:
        """The frame as the reel shows it: `size` and format are those of the encoder. It may be the same one."""
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
        steps = [
            *_TURNS[self._turn],
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
