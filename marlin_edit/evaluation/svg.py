"""A chart as an SVG file: axes with ticks and labels, lines, bars and named points; for light and dark screens.

Text is escaped. Nothing is loaded from elsewhere, and there is no script.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from xml.sax.saxutils import escape

from marlin_edit.text import clean, shortened

_WIDTH, _HEIGHT = 640, 440
_LEFT, _RIGHT, _TOP, _BOTTOM = 70, 30, 92, 62
_LONGEST_LINE = 80

_STYLE = """
  text { font: 13px system-ui, "Segoe UI", "Helvetica Neue", Arial, sans-serif; fill: #1f2328; }
  .title { font-size: 16px; font-weight: 600; }
  .soft { fill: #59636e; }
  .paper { fill: #ffffff; }
  .grid { stroke: #e3e7eb; }
  .axis { stroke: #818b98; }
  .guide { stroke: #818b98; stroke-dasharray: 4 4; fill: none; }
  .line { stroke: #0b62c4; stroke-width: 2.5; fill: none; stroke-linejoin: round; }
  .bar { fill: #0b62c4; }
  .dot { fill: #c2410c; stroke: #ffffff; stroke-width: 2; }
  @media (prefers-color-scheme: dark) {
    text { fill: #e6edf3; }
    .soft { fill: #9ea7b3; }
    .paper { fill: #14181d; }
    .grid { stroke: #2b323b; }
    .axis, .guide { stroke: #7d8590; }
    .line { stroke: #6cb0ff; }
    .bar { fill: #4d94e8; }
    .dot { fill: #ff9d5c; stroke: #14181d; }
  }
"""

Place = tuple[float, float]


@dataclass(frozen=True)
class Axis:
    """An axis from 0 to `end`, or to a round number a little further. percent: 0 to 1 is written as 0 to 100 %."""

    label: str
    end: float
    percent: bool = False

    @property
    def step(self) -> float:
        """Between two ticks: 1, 2 or 5 times a power of ten, so that there are four to eight of them."""
        rough = self.end / 6
        power = 10.0 ** math.floor(math.log10(rough))
        return next(times * power for times in (1, 2, 5, 10) if times * power >= rough * 0.999)

    @property
    def ticks(self) -> list[float]:
        """The values at which the axis has a mark."""
        return [number * self.step for number in range(math.ceil(self.end / self.step - 1e-9) + 1)]

    def share(self, value: float) -> float:
        """Where a value lies, from 0 at the axis' beginning to 1 at its end."""
        return value / self.ticks[-1]

    def text(self, value: float) -> str:
        """A value as the axis shows it."""
        return f"{100 * value:.0f} %" if self.percent else f"{value:.6g}"


@dataclass(frozen=True)
class Chart:
    """A chart: what is drawn over its axes.

    subtitles: up to two lines. guide: a dashed line. bars: (from, to, height). points: places with their names.
    """

    title: str
    subtitles: Sequence[str]
    across: Axis
    up: Axis
    line: Sequence[Place] = ()
    guide: Sequence[Place] = ()
    bars: Sequence[tuple[float, float, float]] = ()
    points: Sequence[tuple[Place, str]] = ()

    def svg(self) -> str:
        """The file's content."""
        described = ". ".join(_text(line) for line in (self.title, *self.subtitles))
        parts = [
            f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {_WIDTH} {_HEIGHT}" width="{_WIDTH}" '
            f'height="{_HEIGHT}" role="img" aria-label="{described}">',
            f"<style>{_STYLE}</style>",
            f'<rect class="paper" width="{_WIDTH}" height="{_HEIGHT}"/>',
            f'<text class="title" x="{_LEFT}" y="30">{_text(self.title)}</text>',
        ]
        for number, line in enumerate(self.subtitles):
            parts.append(f'<text class="soft" x="{_LEFT}" y="{51 + 19 * number}">{_text(line)}</text>')
        parts += self._axes()
        for left, right, height in self.bars:
            x, y = self._at((left, height))
            width, base = self._at((right, 0))[0] - x, self._at((0, 0))[1]
            parts.append(_tag("rect", "bar", x=x + 1, y=y, width=width - 2, height=base - y))
        for name, places in (("guide", self.guide), ("line", self.line)):
            if places:
                path = " ".join(f"{x:.2f},{y:.2f}" for x, y in map(self._at, places))
                parts.append(f'<polyline class="{name}" points="{path}"/>')
        for place, name in self.points:
            x, y = self._at(place)
            parts.append(_tag("circle", "dot", cx=x, cy=y, r=6))
            beside, anchor = (-11, "end") if x > _WIDTH / 3 else (11, "start")
            parts.append(f'<text x="{x + beside:.2f}" y="{y + 20:.2f}" text-anchor="{anchor}">{_text(name)}</text>')
        return "\n".join([*parts, "</svg>", ""])

    def _axes(self) -> list[str]:
        left, base = self._at((0, 0))
        right, top = _WIDTH - _RIGHT, _TOP
        parts = []
        for tick in self.up.ticks:
            y = self._at((0, tick))[1]
            parts.append(_tag("line", "axis" if tick == 0 else "grid", x1=left, y1=y, x2=right, y2=y))
            parts.append(
                f'<text class="soft" x="{left - 8}" y="{y + 4.5:.2f}" text-anchor="end">{self.up.text(tick)}</text>'
            )
        for tick in self.across.ticks:
            x = self._at((tick, 0))[0]
            parts.append(_tag("line", "axis", x1=x, y1=base, x2=x, y2=base + 5))
            parts.append(
                f'<text class="soft" x="{x:.2f}" y="{base + 20}" text-anchor="middle">{self.across.text(tick)}</text>'
            )
        middle = (left + right) / 2
        parts.append(f'<text x="{middle}" y="{_HEIGHT - 16}" text-anchor="middle">{_text(self.across.label)}</text>')
        height = (top + base) / 2
        parts.append(
            f'<text transform="translate(18 {height}) rotate(-90)" text-anchor="middle">{_text(self.up.label)}</text>'
        )
        return parts

    def _at(self, place: Place) -> Place:
        """A place on the axes as one on the paper."""
        x = _LEFT + self.across.share(place[0]) * (_WIDTH - _LEFT - _RIGHT)
        y = _HEIGHT - _BOTTOM - self.up.share(place[1]) * (_HEIGHT - _TOP - _BOTTOM)
        return x, y


def _text(text: str) -> str:
    return escape(shortened(clean(text), _LONGEST_LINE), {'"': "&quot;"})


def _tag(name: str, kind: str, **numbers: float) -> str:
    return f'<{name} class="{kind}" ' + " ".join(f'{key}="{value:.2f}"' for key, value in numbers.items()) + "/>"
