"""The demo model's world: seeded clips of coloured shapes that pop in, move and pop out, of any size, rate and length.

Places are in units of the picture's shorter side, from its top left corner. A shape is in a frame when start <= the
frame's time < end.
"""

from __future__ import annotations

import argparse
import json
import math
import random
import sys
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from fractions import Fraction
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

Picture = NDArray[np.uint8]
Floats = NDArray[np.float32]

COLOURS: dict[str, tuple[int, int, int]] = {
    "red": (222, 38, 38),
    "yellow": (236, 214, 36),
    "green": (38, 176, 56),
    "cyan": (40, 204, 214),
    "blue": (48, 74, 226),
    "magenta": (216, 52, 206),
}
FORMS = ("circle", "square", "triangle", "cross")
PATTERNS = ("plain", "gradient", "stripes", "checks", "dots")
TONES = ("dark", "light")

PATTERN_WORDS = {
    "plain": "a plain {tone} background",
    "gradient": "a {tone} background that fades from one side to the other",
    "stripes": "a {tone} background of drifting stripes",
    "checks": "a {tone} background of drifting checks",
    "dots": "a {tone} background of drifting dots",
}


@dataclass(frozen=True, order=True)
class Shape:
    """What a shape looks like: one of the 24 kinds that the demo model knows."""

    colour: str
    form: str

    @property
    def words(self) -> str:
        """The shape in words."""
        return f"{self.colour} {self.form}"

    @property
    def text(self) -> str:
        """The event's text, as the model is taught to write it."""
        return f"A {self.words} moves across the picture"


WORDINGS = (
    "A {} moves across the picture",
    "a {} moves across the picture",
    "a {}",
    "A {}",
    "{}",
    "the {}",
    "a {} moves",
    "the {} moves",
    "a {} appears",
    "the {} appears",
    "a {} is visible",
    "a {} is in the picture",
    "a {} moves across the screen",
)
"""How a query may name what a shape does; {} stands for the shape."""

KINDS: tuple[Shape, ...] = tuple(Shape(colour, form) for colour in COLOURS for form in FORMS)


@dataclass(frozen=True)
class WorldSettings:
    """What kind of clips are made. `noise` is the standard deviation of a pixel, in 255ths, at 360 lines.

    repeats: whether a kind of shape may come back. kinds: how many of the 24 kinds a clip draws from; the others are
    never in it.
    """

    width: int = 640
    height: int = 360
    rate: Fraction = Fraction(25)
    length: Fraction = Fraction(12)
    most_at_once: int = 3
    shortest_event: Fraction = Fraction(3, 2)
    longest_event: Fraction = Fraction(12)
    smallest_radius: float = 0.19
    largest_radius: float = 0.28
    most_noise: float = 8.0
    repeats: bool = False
    kinds: int = 24

    @property
    def frame_count(self) -> int:
        """Frames of the clip."""
        return max(1, math.ceil(self.length * self.rate))

    @property
    def box(self) -> tuple[float, float]:
        """Width and height in units of the shorter side."""
        shorter = min(self.width, self.height)
        return self.width / shorter, self.height / shorter


@dataclass(frozen=True)
class Event:
    """One shape's time in the picture: its straight way from `origin` to `target`, its size, its exact colour."""

    shape: Shape
    start: Fraction
    end: Fraction
    origin: tuple[float, float]
    target: tuple[float, float]
    radius: float
    rgb: tuple[int, int, int]

    @property
    def text(self) -> str:
        """The event in words."""
        return self.shape.text

    def seen_at(self, time: Fraction) -> bool:
        """Whether it is seen at a time."""
        return self.start <= time < self.end

    def centre(self, time: Fraction) -> tuple[float, float]:
        """Its centre at a time, in pixels."""
        part = float((time - self.start) / (self.end - self.start))
        return (
            self.origin[0] + part * (self.target[0] - self.origin[0]),
            self.origin[1] + part * (self.target[1] - self.origin[1]),
        )


@dataclass(frozen=True)
class Background:
    """A grey, slightly tinted pattern that drifts. `period` and `velocity` are in units of the shorter side."""

    pattern: str
    tone: str
    base: tuple[float, float, float]
    contrast: float
    period: float
    direction: int
    velocity: tuple[float, float]

    @property
    def scene(self) -> str:
        """The background in words."""
        return f"Coloured shapes move in front of {PATTERN_WORDS[self.pattern].format(tone=self.tone)}."


@dataclass(frozen=True)
class Clip:
    """A clip and the truth about it; `events` are in order of their start."""

    settings: WorldSettings
    seed: int
    background: Background
    noise: float
    events: tuple[Event, ...]

    @property
    def scene(self) -> str:
        """The background in words."""
        return self.background.scene

    def seen_at(self, time: Fraction) -> tuple[Event, ...]:
        """What is seen at a time."""
        return tuple(event for event in self.events if event.seen_at(time))

    def truth(self) -> dict[str, Any]:
        """What the JSON file beside a written clip holds. Times are exact decimal strings in seconds."""
        events = [
            {
                "start": _decimal(event.start),
                "end": _decimal(event.end),
                "text": event.text,
                "colour": event.shape.colour,
                "form": event.shape.form,
            }
            for event in self.events
        ]
        return {
            "schema": "marlin-edit.demo-truth/1",
            "seed": self.seed,
            "width": self.settings.width,
            "height": self.settings.height,
            "rate": str(self.settings.rate),
            "frame_count": self.settings.frame_count,
            "scene": self.scene,
            "events": events,
        }


def _decimal(time: Fraction) -> str:
    """Event times are whole milliseconds, or the end of the clip, which may be any fraction."""
    thousandths = time * 1000
    if thousandths.denominator != 1:
        return str(time)
    return f"{thousandths.numerator // 1000}.{thousandths.numerator % 1000:03d}"


def make_clip(seed: int, settings: WorldSettings) -> Clip:
    """The clip of this seed: the same seed and settings always give the same clip."""
    chance = random.Random(f"marlin-edit demo world {seed}")
    background = _make_background(chance)
    noise = chance.uniform(0.0, settings.most_noise)
    return Clip(settings, seed, background, noise, _make_events(chance, settings))


def _make_background(chance: random.Random) -> Background:
    pattern = chance.choice(PATTERNS)
    tone = chance.choice(TONES)
    level = chance.uniform(35.0, 80.0) if tone == "dark" else chance.uniform(175.0, 215.0)
    red, green, blue = (level + chance.uniform(-7.0, 7.0) for _ in range(3))
    period = 2.0 if pattern == "gradient" else chance.uniform(0.28, 0.46)
    velocity = (chance.uniform(-0.12, 0.12), chance.uniform(-0.12, 0.12))
    contrast = 0.0 if pattern == "plain" else chance.uniform(15.0, 28.0)
    return Background(pattern, tone, (red, green, blue), contrast, period, chance.randrange(3), velocity)


def _make_events(chance: random.Random, settings: WorldSettings) -> tuple[Event, ...]:
    """Up to `most_at_once` tracks, each an alternation of gaps and events; what finds no free way is left out."""
    length = Fraction(settings.frame_count) / settings.rate
    tracks = chance.choices(range(1, settings.most_at_once + 1), weights=range(settings.most_at_once + 1, 1, -1))[0]
    gap_scale = 1.0
    if not settings.repeats:
        gap_scale = max(1.0, float(length) * tracks / 120)
    planned: list[tuple[Fraction, Fraction]] = []
    for track in range(tracks):
        clock = 0.0
        if chance.random() > 0.25:
            clock = chance.uniform(0.0, (2.5 + 3.0 * track) * gap_scale)
        while True:
            duration = chance.triangular(float(settings.shortest_event), float(settings.longest_event), 3.0)
            start, end = _milliseconds(clock), _milliseconds(clock + duration)
            if length - end < Fraction(1, 2):
                end = length
            if end > length or end - start < settings.shortest_event or end - start > settings.longest_event:
                break
            planned.append((start, end))
            clock = float(end) + chance.uniform(0.15, 3.5 + 1.5 * track) * gap_scale
            if chance.random() < 0.1:
                clock += chance.uniform(2.0, 6.0) * gap_scale
    if not planned:
        shortest = min(settings.shortest_event, length)
        start = _milliseconds(chance.uniform(0.0, float(length - shortest)))
        end = min(length, start + _milliseconds(chance.uniform(float(shortest), float(settings.longest_event))))
        planned.append((start, end))
    planned.sort()

    unused = list(KINDS)
    chance.shuffle(unused)
    drawn = sorted(unused[: settings.kinds], key=KINDS.index)
    unused = unused[: settings.kinds]
    events: list[Event] = []
    for start, end in planned:
        if settings.repeats:
            near = {event.shape for event in events if event.end + 2 > start}
            free = [kind for kind in drawn if kind not in near]
            if not free:
                continue
            known = [event.shape for event in events if event.shape not in near]
            shape = chance.choice(known) if known and chance.random() < 0.4 else chance.choice(free)
        else:
            if not unused:
                break
            shape = unused.pop()
        event = _place(chance, settings, events, shape, start, end)
        if event is not None:
            events.append(event)
    return tuple(events)


def _milliseconds(seconds: float) -> Fraction:
    return Fraction(round(seconds * 1000), 1000)


def _place(
    chance: random.Random,
    settings: WorldSettings,
    others: Sequence[Event],
    shape: Shape,
    start: Fraction,
    end: Fraction,
) -> Event | None:
    """A straight way that keeps clear of the shapes shown at the same time, or None if forty tries find none."""
    width, height = settings.box
    together = [other for other in others if other.start < end and start < other.end]
    rgb = tuple(min(255, max(0, part + chance.randint(-12, 12))) for part in COLOURS[shape.colour])
    for _ in range(40):
        radius = chance.uniform(settings.smallest_radius, settings.largest_radius)
        left, right, top, bottom = radius, width - radius, radius, height - radius
        origin = (chance.uniform(left, right), chance.uniform(top, bottom))
        target = (chance.uniform(left, right), chance.uniform(top, bottom))
        if math.dist(origin, target) < 0.12:
            continue
        event = Event(shape, start, end, origin, target, radius, (rgb[0], rgb[1], rgb[2]))
        if all(_keep_clear(event, other) for other in together):
            return event
    return None


def _keep_clear(one: Event, other: Event) -> bool:
    """Centres never closer than 0.9 of both radii together, so that little of either can be hidden."""
    first, last = max(one.start, other.start), min(one.end, other.end)
    # Both move straight and evenly, so the vector between them does too: its nearest point to zero is in closed form.
    ax, ay = (a - b for a, b in zip(one.centre(first), other.centre(first), strict=True))
    bx, by = (a - b for a, b in zip(one.centre(last), other.centre(last), strict=True))
    dx, dy = bx - ax, by - ay
    square = dx * dx + dy * dy
    part = 0.0 if square == 0 else min(1.0, max(0.0, -(ax * dx + ay * dy) / square))
    return math.hypot(ax + part * dx, ay + part * dy) >= 0.9 * (one.radius + other.radius)


class Painter:
    """Renders frames of one clip at one size, which may differ from the clip's own (then the picture is stretched)."""

    def __init__(self, clip: Clip, width: int | None = None, height: int | None = None) -> None:
        self.clip = clip
        self.width = width or clip.settings.width
        self.height = height or clip.settings.height
        self._box = clip.settings.box
        self._texture = self._paint_texture()
        self._noise = self._paint_noise()

    def _paint_texture(self) -> Picture:
        """The pattern, one period larger than the picture both ways, so that drifting is a crop of it."""
        look = self.clip.background
        columns = self.width + math.ceil(look.period * self.width / self._box[0]) + 1
        rows = self.height + math.ceil(look.period * self.height / self._box[1]) + 1
        x = (np.arange(columns, dtype=np.float32)[None, :] + 0.5) * (self._box[0] / self.width) / look.period
        y = (np.arange(rows, dtype=np.float32)[:, None] + 0.5) * (self._box[1] / self.height) / look.period
        along = (x + 0 * y, y + 0 * x, x + y)[look.direction]
        soft = look.period * self.height / self._box[1] / 2
        wave: Floats
        if look.pattern == "gradient":
            wave = np.sin(2 * np.pi * along)
        elif look.pattern == "stripes":
            wave = np.clip(np.sin(2 * np.pi * along) * soft / 2, -1, 1)
        elif look.pattern == "checks":
            wave = np.clip(np.sin(2 * np.pi * x) * np.sin(2 * np.pi * y) * soft, -1, 1)
        elif look.pattern == "dots":
            distance = np.hypot(x % 1 - 0.5, y % 1 - 0.5)
            wave = np.clip((0.27 - distance) * soft * 2, -1, 1)
        else:
            wave = np.zeros_like(along)
        grey = wave[:, :, None] * look.contrast + np.array(look.base, dtype=np.float32)
        texture: Picture = np.clip(grey + 0.5, 0, 255).astype(np.uint8)
        return texture

    def _paint_noise(self) -> NDArray[np.int16] | None:
        sigma = self.clip.noise * min(1.0, self.height / 360)
        if sigma < 0.25:
            return None
        chance = np.random.default_rng(self.clip.seed)
        drawn = chance.standard_normal((3, self.height + 16, self.width + 16, 3), dtype=np.float32)
        noise: NDArray[np.int16] = np.rint(drawn * sigma).astype(np.int16)
        return noise

    def frame(self, time: Fraction) -> Picture:
        """The picture at this time, rows by columns by RGB."""
        look = self.clip.background
        pixels_x, pixels_y = self.width / self._box[0], self.height / self._box[1]
        seconds = float(time)
        shift_x = int((look.velocity[0] * seconds % look.period) * pixels_x)
        shift_y = int((look.velocity[1] * seconds % look.period) * pixels_y)
        picture = self._texture[shift_y : shift_y + self.height, shift_x : shift_x + self.width].copy()
        for event in self.clip.seen_at(time):
            self._paint_shape(picture, event, time)
        if self._noise is not None:
            chance = random.Random(self.clip.seed * 1_000_003 + int(time * 240_000))
            dy, dx = chance.randrange(16), chance.randrange(16)
            noise = self._noise[chance.randrange(3), dy : dy + self.height, dx : dx + self.width]
            picture = np.clip(picture + noise, 0, 255).astype(np.uint8)
        return picture

    def _paint_shape(self, picture: Picture, event: Event, time: Fraction) -> None:
        pixels_x, pixels_y = self.width / self._box[0], self.height / self._box[1]
        x, y = event.centre(time)
        radius = event.radius
        left = max(0, math.floor((x - radius) * pixels_x) - 1)
        right = min(self.width, math.ceil((x + radius) * pixels_x) + 1)
        top = max(0, math.floor((y - radius) * pixels_y) - 1)
        bottom = min(self.height, math.ceil((y + radius) * pixels_y) + 1)
        across = (np.arange(left, right, dtype=np.float32)[None, :] + 0.5) / pixels_x - x
        down = (np.arange(top, bottom, dtype=np.float32)[:, None] + 0.5) / pixels_y - y
        outside = _distance(event.shape.form, across, down, radius)
        cover = np.clip(0.5 - outside * (pixels_x + pixels_y) / 2, 0, 1)[:, :, None]
        patch = picture[top:bottom, left:right]
        colour = np.array(event.rgb, dtype=np.float32)
        picture[top:bottom, left:right] = (patch + cover * (colour - patch) + 0.5).astype(np.uint8)

    def kinds_at(self, time: Fraction, rows: int, columns: int) -> NDArray[np.uint8]:
        """Which kind covers most of each cell of a coarse grid: its number in KINDS plus one, or 0 below a fifth."""
        fine = 4
        x = (np.arange(columns * fine, dtype=np.float32)[None, :] + 0.5) * (self._box[0] / columns / fine)
        y = (np.arange(rows * fine, dtype=np.float32)[:, None] + 0.5) * (self._box[1] / rows / fine)
        best = np.full((rows, columns), 0.2, dtype=np.float32)
        kinds = np.zeros((rows, columns), dtype=np.uint8)
        for event in self.clip.seen_at(time):
            centre = event.centre(time)
            inside = _distance(event.shape.form, x - centre[0], y - centre[1], event.radius) < 0
            share = inside.reshape(rows, fine, columns, fine).mean((1, 3), dtype=np.float32)
            kinds[share > best] = KINDS.index(event.shape) + 1
            best = np.maximum(best, share)
        return kinds

    def frames(self) -> Iterator[Picture]:
        """Every frame of the clip in order."""
        for index in range(self.clip.settings.frame_count):
            yield self.frame(index / self.clip.settings.rate)


def _distance(form: str, x: Floats, y: Floats, radius: float) -> Floats:
    """About how far outside the form a point is, negative inside; no form reaches further than `radius` each way."""
    if form == "circle":
        circle: Floats = np.hypot(x, y) - np.float32(radius)
        return circle
    if form == "square":
        square: Floats = np.maximum(abs(x), abs(y)) - np.float32(0.86 * radius)
        return square
    if form == "triangle":
        # Point up, as wide and as high as the circle around it allows.
        slope = math.sqrt(0.8)
        side = abs(x) * np.float32(slope) - (y + np.float32(radius)) * np.float32(math.sqrt(1 - slope * slope))
        triangle: Floats = np.maximum(side, y - np.float32(0.86 * radius))
        return triangle
    arm = np.float32(0.3 * radius)
    reach = np.float32(radius)
    upright = np.maximum(abs(x) - arm, abs(y) - reach)
    level = np.maximum(abs(y) - arm, abs(x) - reach)
    cross: Floats = np.minimum(upright, level)
    return cross


_ENCODERS = {
    "libx264": {"preset": "veryfast", "crf": "21"},
    "libx265": {"preset": "ultrafast", "crf": "23", "x265-params": "log-level=none:pools=none:frame-threads=1"},
}


def write_clip(path: Path, clip: Clip, encoder: str = "libx264") -> Path:
    """Writes the clip as an MP4 and its truth beside it (`clip.mp4`, `clip.json`); returns the truth's path.

    encoder: libx264 or libx265.
    """
    import av

    settings = clip.settings
    painter = Painter(clip)
    with av.open(str(path), "w") as container:
        stream: Any = container.add_stream(encoder, rate=settings.rate, options=_ENCODERS[encoder])
        stream.width, stream.height, stream.pix_fmt = settings.width, settings.height, "yuv420p"
        stream.codec_context.time_base = 1 / settings.rate
        stream.codec_context.thread_count = 1
        for index, picture in enumerate(painter.frames()):
            frame = av.VideoFrame.from_ndarray(picture, format="rgb24")
            frame.pts, frame.time_base = index, 1 / settings.rate
            container.mux(stream.encode(frame))
        container.mux(stream.encode())
    truth_path = path.with_suffix(".json")
    truth_path.write_text(json.dumps(clip.truth(), indent=1) + "\n", encoding="utf-8")
    return truth_path


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the command line."""
    parser = argparse.ArgumentParser(
        prog="python -m marlin_edit_demo.world",
        description="Write clips of coloured moving shapes, each with the truth about it beside it.",
    )
    parser.add_argument("out", type=Path, help="folder that gets the clips")
    parser.add_argument("--clips", type=int, default=1, help="how many (default 1)")
    parser.add_argument("--seed", type=int, default=1, help="seed of the first clip; the next ones count up")
    parser.add_argument("--size", default="640x360", help="WIDTHxHEIGHT, even numbers (default 640x360)")
    parser.add_argument("--rate", type=Fraction, default=Fraction(25), help="frames a second, e.g. 24000/1001")
    parser.add_argument("--length", type=Fraction, default=Fraction(20), help="seconds (default 20)")
    parser.add_argument("--repeats", action="store_true", help="let a kind of shape come back")
    options = parser.parse_args(arguments)
    try:
        width, height = (int(part) for part in options.size.split("x"))
    except ValueError:
        parser.error(f"--size {options.size} is not WIDTHxHEIGHT, e.g. 640x360")
    if min(width, height) < 64 or width % 2 or height % 2:
        parser.error("--size needs two even numbers of at least 64")
    if options.rate <= 0 or options.length <= 0:
        parser.error("--rate and --length must be above zero")
    settings = WorldSettings(
        width=width, height=height, rate=options.rate, length=options.length, repeats=options.repeats
    )
    options.out.mkdir(parents=True, exist_ok=True)
    for seed in range(options.seed, options.seed + options.clips):
        path = options.out / f"shapes-{seed:04d}.mp4"
        if path.exists() or path.with_suffix(".json").exists():
            print(f"{path} is there already; left as it is", file=sys.stderr)
            continue
        write_clip(path, make_clip(seed, replace(settings)))
        print(path)
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
