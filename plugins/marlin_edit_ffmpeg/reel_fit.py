"""Frames of one source brought into another one's picture: turned, scaled without distortion, with bars around them."""

from __future__ import annotations

from fractions import Fraction
from typing import Any

from marlin_edit.media import MediaInfo

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
