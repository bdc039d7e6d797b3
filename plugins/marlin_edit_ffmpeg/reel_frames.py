"""The frames of a reel's piece as the reel shows them: when each one is shown, counted in the reel's ticks, and brought
into the picture of the reel's first source.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from marlin_edit_ffmpeg.clock import time_of
from marlin_edit_ffmpeg.reel_plan import Piece, ReelPlan
from marlin_edit_ffmpeg.scan import decoding_start
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
