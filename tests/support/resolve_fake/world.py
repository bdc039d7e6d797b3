"""What is in a simulated Resolve: projects, clips, timelines and markers, as plain values that a test makes and reads.

Its clock arithmetic is its own, so that it can disagree with ours.
"""

from __future__ import annotations

import itertools
import pickle
from dataclasses import dataclass, field
from fractions import Fraction
from pathlib import Path

import av

from tests.support.resolve_fake.signatures import Version


@dataclass
class Mark:
    color: str
    name: str
    note: str
    duration: int
    custom: str = ""


@dataclass
class PoolClip:
    """A clip of the media pool. cues: when each of an .srt begins, in milliseconds; such a clip has no frames."""

    id: str
    path: str
    fps: float = 25.0
    frames: int = 0
    online: bool = True
    audio: bool = True
    cues: list[int] = field(default_factory=list)
    markers: dict[int, Mark] = field(default_factory=dict)


@dataclass
class Placed:
    """An item on a track. left: the source's frames before its first. speed: of the source."""

    id: str
    clip: str
    start: int
    count: int
    left: int = 0
    speed: float = 1.0
    name: str = ""


@dataclass
class Track:
    name: str
    items: list[Placed] = field(default_factory=list)


@dataclass
class Line:
    """A timeline. start: its first frame's number."""

    id: str
    name: str
    fps: str
    drop: bool
    start: int
    custom: bool = False
    tracks: dict[str, list[Track]] = field(default_factory=dict)
    markers: dict[int, Mark] = field(default_factory=dict)

    @property
    def empty(self) -> bool:
        return not any(track.items for tracks in self.tracks.values() for track in tracks)

    def cuts(self) -> list[tuple[int, int, int]]:
        """What the picture track shows: start, count, and the source's first frame."""
        return [(item.start, item.count, item.left) for item in self.tracks["video"][0].items]


@dataclass
class Known:
    """What a media file is, for when it is imported."""

    fps: float
    frames: int
    audio: bool = True

    @classmethod
    def of(cls, path: Path) -> Known:
        """A file as Resolve reads it: at one constant rate, of which its frames are as many as fit into its length.

        That is so for variable rate as well: the bin shows the nominal rate, and frames are places in time.
        """
        with av.open(path) as container:
            video = container.streams.video[0]
            rate = Fraction(video.base_rate or video.average_rate or 25)
            fps = min((23.976, 24.0, 25.0, 29.97, 30.0, 50.0, 59.94, 60.0), key=lambda known: abs(known - rate))
            length = Fraction(video.duration or 0) * (video.time_base or 0)
        return cls(fps, round(length * rate), bool(container.streams.audio))


@dataclass
class World:
    """All of it, and how this Resolve behaves. project: None where none is open.

    keeps_out: scriptapp gives None. refuses_import: the pool takes no file. loses_appends: how many of the items of
    each append do not arrive. taken_frames: where AddMarker fails for no visible reason. custom_rates: whether a
    timeline may have a rate of its own. new_tracks: whether subtitle tracks can be added. cues_go: to the `new`
    subtitle track, to the `first` one, or nowhere (`none`). end_left_out: whether an append's end is not in it, None
    as the version has it. cues_late: how many frames after their own place cues come. source_ends_later: what is added
    to where an item's source ends, as versions do that count it from the media's time code. longest_note: of a marker,
    what is longer is cut.
    """

    version: Version = (21, 0, 0)
    project: str | None = "Documentary"
    fps: str = "25"
    drop: bool = False
    keeps_out: bool = False
    refuses_import: bool = False
    loses_appends: int = 0
    taken_frames: set[int] = field(default_factory=set)
    custom_rates: bool = True
    new_tracks: bool = True
    cues_go: str = "new"
    end_left_out: bool | None = None
    cues_late: int = 0
    source_ends_later: int = 0
    longest_note: int = 10_000
    known: dict[str, Known] = field(default_factory=dict)
    pool: list[PoolClip] = field(default_factory=list)
    bins: dict[str, list[PoolClip]] = field(default_factory=dict)
    lines: list[Line] = field(default_factory=list)
    current: str | None = None
    playhead: int = 0
    faults: list[str] = field(default_factory=list)
    calls: list[str] = field(default_factory=list)
    counter: int = 0

    def new_id(self) -> str:
        self.counter += 1
        return f"id-{self.counter}"

    @property
    def clips(self) -> list[PoolClip]:
        return [*self.pool, *itertools.chain.from_iterable(self.bins.values())]

    def clip(self, name: str) -> PoolClip:
        (found,) = [clip for clip in self.clips if Path(clip.path).name == name]
        return found

    def line(self, name: str) -> Line:
        (found,) = [line for line in self.lines if line.name == name]
        return found

    def add_clip(self, path: Path | str, fps: float, frames: int, **facts: object) -> PoolClip:
        clip = PoolClip(self.new_id(), str(path), fps, frames, **facts)  # type: ignore[arg-type]
        self.pool.append(clip)
        return clip

    def add_line(self, name: str, fps: str | None = None, start: int | None = None) -> Line:
        fps, drop = fps or self.fps, self.drop
        begin = frame_of("01:00:00:00", fps, drop) if start is None else start
        tracks = {"video": [Track("Video 1")], "audio": [Track("Audio 1")], "subtitle": []}
        line = Line(self.new_id(), name, fps, drop, begin, tracks=tracks)
        self.lines.append(line)
        self.current = line.id
        return line

    def put(self, line: Line, clip: PoolClip, offset: int, left: int, count: int, speed: float = 1.0) -> Placed:
        """What a person has put on a timeline, `offset` frames after its beginning."""
        item = Placed(self.new_id(), clip.id, line.start + offset, count, left, speed)
        line.tracks["video"][0].items.append(item)
        return item

    def save(self, path: Path) -> None:
        path.write_bytes(pickle.dumps(self))

    @staticmethod
    def load(path: Path) -> World:
        world = pickle.loads(path.read_bytes())
        assert isinstance(world, World)
        return world


def whole_rate(fps: str) -> int:
    """Labels a second."""
    return round(float(fps))


def frame_of(label: str, fps: str, drop: bool) -> int:
    """A time code's frame number."""
    hours, minutes, seconds, frames = (int(part) for part in label.replace(";", ":").split(":"))
    base = whole_rate(fps)
    number = (hours * 3600 + minutes * 60 + seconds) * base + frames
    if drop:
        total = hours * 60 + minutes
        number -= base // 15 * (total - total // 10)
    return number


def label_of(number: int, fps: str, drop: bool) -> str:
    """The time code of a frame number; the slow way, by trying seconds, because it has to be right only."""
    base = whole_rate(fps)
    second = number // base
    while second < 86_400:
        hours, rest = divmod(second, 3600)
        minutes, seconds = divmod(rest, 60)
        first = base // 15 if drop and seconds == 0 and minutes % 10 else 0
        begin = frame_of(f"{hours:02}:{minutes:02}:{seconds:02}:{first:02}", fps, drop)
        if begin <= number < begin + base - first:
            separator = ";" if drop else ":"
            return f"{hours:02}:{minutes:02}:{seconds:02}{separator}{number - begin + first:02}"
        second += 1
    raise AssertionError(f"no label for {number}")
