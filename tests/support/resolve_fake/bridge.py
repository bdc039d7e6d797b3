"""The objects that a script gets: each call is checked against the stubs, and done in the world.

Like the real bridge they answer to any name at all, with a callable that does nothing; here that is a fault as well.
Failures are False, None or an empty list, never an exception, and numbers come back as floats.
"""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

from tests.support.resolve_fake.signatures import WrongCall, stubs
from tests.support.resolve_fake.world import Line, Mark, Placed, PoolClip, Track, World, frame_of, label_of


class Remote:
    """An object of the bridge. Two of one thing are not equal, as remote objects are not."""

    _stub_class = ""

    def __init__(self, world: World) -> None:
        self._world = world

    def __getattr__(self, name: str) -> Callable[..., Any]:
        if name.startswith("_"):
            raise AttributeError(name)
        world, owner = self._world, self._stub_class
        if name not in stubs().classes[owner]:
            world.faults.append(f"{owner} has no {name}")
            return lambda *arguments: None
        does = getattr(self, f"_{name}", None)
        if does is None:
            raise NotImplementedError(f"{owner}.{name} is not simulated")

        def call(*arguments: Any, **named: Any) -> Any:
            world.calls.append(f"{owner}.{name}")
            if named:
                world.faults.append(f"{owner}.{name}: the bridge takes no named arguments")
                return None
            try:
                stubs().check(owner, name, arguments, world.version)
            except WrongCall as wrong:
                world.faults.append(str(wrong))
                return None
            return does(*arguments)

        return call


class Resolve(Remote):
    _stub_class = "Resolve"

    def _GetProductName(self) -> str:
        return "DaVinci Resolve Studio"

    def _GetVersion(self) -> list[Any]:
        return [*self._world.version, 4, ""]

    def _GetVersionString(self) -> str:
        return ".".join(str(part) for part in self._world.version) + ".4"

    def _Fusion(self) -> None:
        """Without it, as where a script runs outside of a page that has dialogs."""

    def _GetProjectManager(self) -> ProjectManager:
        return ProjectManager(self._world)


class ProjectManager(Remote):
    _stub_class = "ProjectManager"

    def _GetCurrentProject(self) -> Project | None:
        return Project(self._world) if self._world.project is not None else None


class Project(Remote):
    _stub_class = "Project"

    def _GetName(self) -> str | None:
        return self._world.project

    def _GetMediaPool(self) -> MediaPool:
        return MediaPool(self._world)

    def _GetTimelineCount(self) -> int:
        return len(self._world.lines)

    def _GetTimelineByIndex(self, index: int) -> Timeline | None:
        lines = self._world.lines
        return Timeline(self._world, lines[index - 1]) if 1 <= index <= len(lines) else None

    def _GetCurrentTimeline(self) -> Timeline | None:
        found = [line for line in self._world.lines if line.id == self._world.current]
        return Timeline(self._world, found[0]) if found else None

    def _SetCurrentTimeline(self, timeline: Timeline) -> bool:
        self._world.current = timeline._line.id
        return True


class MediaPool(Remote):
    _stub_class = "MediaPool"

    def _GetRootFolder(self) -> Folder:
        return Folder(self._world, self._world.pool, root=True)

    def _ImportMedia(self, paths: list[str]) -> list[MediaPoolItem]:
        world = self._world
        made = []
        for path in paths:
            if world.refuses_import or not Path(path).is_file():
                continue
            if path.endswith(".srt"):
                clip = PoolClip(world.new_id(), path, 0.0, cues=cues_of(path))
            else:
                known = world.known[path]
                clip = PoolClip(world.new_id(), path, known.fps, known.frames, audio=known.audio)
            world.pool.append(clip)
            made.append(MediaPoolItem(world, clip))
        return made

    def _CreateEmptyTimeline(self, name: str) -> Timeline | None:
        if any(line.name == name for line in self._world.lines):
            return None
        return Timeline(self._world, self._world.add_line(name))

    def _DeleteTimelines(self, timelines: list[Timeline]) -> bool:
        gone = {timeline._line.id for timeline in timelines}
        self._world.lines = [line for line in self._world.lines if line.id not in gone]
        return True

    def _AppendToTimeline(self, clips: list[Any]) -> list[TimelineItem]:
        world = self._world
        line = next((line for line in world.lines if line.id == world.current), None)
        if line is None:
            return []
        kept = clips[: max(0, len(clips) - world.loses_appends)]
        made: list[TimelineItem] = []
        for one in kept:
            if isinstance(one, dict):
                made += self._append_part(line, one)
            elif one._clip.cues:
                made += self._append_cues(line, one._clip)
        return made

    def _append_part(self, line: Line, told: dict[str, Any]) -> list[TimelineItem]:
        world, clip = self._world, told["mediaPoolItem"]._clip
        left_out = world.version >= (19, 0, 0) if world.end_left_out is None else world.end_left_out
        count = told["endFrame"] - told["startFrame"] + (0 if left_out else 1)
        tracks = line.tracks["video"]
        if count < 1 or told["trackIndex"] > len(tracks) or told["startFrame"] + count > clip.frames:
            return []
        item = Placed(world.new_id(), clip.id, told["recordFrame"], count, told["startFrame"])
        tracks[told["trackIndex"] - 1].items.append(item)
        tracks[told["trackIndex"] - 1].items.sort(key=lambda each: each.start)
        if clip.audio:
            line.tracks["audio"][0].items.append(Placed(world.new_id(), clip.id, item.start, count, item.left))
        return [TimelineItem(world, line, item)]

    def _append_cues(self, line: Line, clip: PoolClip) -> list[TimelineItem]:
        world, tracks = self._world, line.tracks["subtitle"]
        if world.cues_go == "none" or not tracks:
            return []
        begin = line.start + world.cues_late
        items = [
            Placed(world.new_id(), clip.id, begin + round(cue * float(line.fps) / 1000), 20, name=f"cue at {cue} ms")
            for cue in clip.cues
        ]
        tracks[-1 if world.cues_go == "new" else 0].items += items
        return [TimelineItem(world, line, item) for item in items]


def cues_of(path: str) -> list[int]:
    """When each cue of an .srt begins, in milliseconds."""
    times = [line.partition(" --> ")[0] for line in Path(path).read_text("utf-8").splitlines() if " --> " in line]
    clocks = [[int(part) for part in time.replace(",", ":").split(":")] for time in times]
    return [((hours * 60 + minutes) * 60 + seconds) * 1000 + rest for hours, minutes, seconds, rest in clocks]


class Folder(Remote):
    _stub_class = "Folder"

    def __init__(self, world: World, clips: list[PoolClip], *, root: bool = False) -> None:
        super().__init__(world)
        self._clips, self._root = clips, root

    def _GetClipList(self) -> list[MediaPoolItem]:
        return [MediaPoolItem(self._world, clip) for clip in self._clips]

    def _GetSubFolderList(self) -> list[Folder]:
        return [Folder(self._world, clips) for clips in self._world.bins.values()] if self._root else []


class Markable(Remote):
    """What clips and timelines have in common: one marker a frame, counted from the beginning."""

    @property
    def _markers(self) -> dict[int, Mark]:
        raise NotImplementedError

    def _AddMarker(self, frame: int, color: str, name: str, note: str, duration: int, custom: str) -> bool:
        if (
            frame in self._markers
            or frame in self._world.taken_frames
            or frame < 0
            or duration < 1
            or not self._has(frame)
        ):
            return False
        self._markers[frame] = Mark(color, name, note[: self._world.longest_note], duration, custom)
        return True

    def _UpdateMarkerCustomData(self, frame: int, custom: str) -> bool:
        if frame not in self._markers:
            return False
        self._markers[frame].custom = custom
        return True

    def _has(self, frame: int) -> bool:
        raise NotImplementedError

    def _GetMarkers(self) -> dict[float, dict[str, Any]]:
        return {
            float(frame): {
                "color": mark.color,
                "duration": float(mark.duration),
                "note": mark.note,
                "name": mark.name,
                "customData": mark.custom,
            }
            for frame, mark in self._markers.items()
        }

    def _DeleteMarkerByCustomData(self, custom: str) -> bool:
        found = next((frame for frame, mark in sorted(self._markers.items()) if mark.custom == custom), None)
        if found is None:
            return False
        del self._markers[found]
        return True


class MediaPoolItem(Markable):
    _stub_class = "MediaPoolItem"

    def __init__(self, world: World, clip: PoolClip) -> None:
        super().__init__(world)
        self._clip = clip

    @property
    def _markers(self) -> dict[int, Mark]:
        return self._clip.markers

    def _has(self, frame: int) -> bool:
        return frame < self._clip.frames

    def _GetName(self) -> str:
        return Path(self._clip.path).name

    def _GetUniqueId(self) -> str:
        return self._clip.id

    def _GetClipProperty(self, name: str) -> Any:
        clip = self._clip
        return {
            "File Path": clip.path,
            "FPS": clip.fps,
            "Frames": str(clip.frames),
            "Online Status": "Online" if clip.online else "Offline",
        }.get(name, "")


class Timeline(Markable):
    _stub_class = "Timeline"

    def __init__(self, world: World, line: Line) -> None:
        super().__init__(world)
        self._line = line

    @property
    def _markers(self) -> dict[int, Mark]:
        return self._line.markers

    def _has(self, frame: int) -> bool:
        return True

    def _GetName(self) -> str:
        return self._line.name

    def _GetStartFrame(self) -> int:
        return self._line.start

    def _GetStartTimecode(self) -> str:
        return label_of(self._line.start, self._line.fps, self._line.drop)

    def _SetStartTimecode(self, label: str) -> bool:
        try:
            self._line.start = frame_of(label, self._line.fps, self._line.drop)
        except ValueError:
            return False
        return True

    def _GetSetting(self, name: str) -> Any:
        if name == "useCustomSettings":
            return "1" if self._line.custom else "0"
        if name != "timelineFrameRate":
            return ""
        if self._world.version < (19, 0, 0):  # a text, with the time code's kind in it
            return self._line.fps + (" DF" if self._line.drop else "")
        return float(self._line.fps)

    def _SetSetting(self, name: str, value: str) -> bool:
        line = self._line
        if name == "useCustomSettings":
            line.custom = value == "1"
            return True
        if name != "timelineFrameRate" or not line.custom or not line.empty or not self._world.custom_rates:
            return False
        fps, _, drop = value.partition(" ")
        if fps not in ("23.976", "24", "25", "29.97", "30", "47.952", "48", "50", "59.94", "60"):
            return False
        if drop and fps not in ("29.97", "59.94"):
            return False
        label = label_of(line.start, line.fps, line.drop)
        line.fps, line.drop = fps, bool(drop)
        line.start = frame_of(label, fps, line.drop)
        return True

    def _GetTrackCount(self, kind: str) -> int:
        return len(self._line.tracks[kind])

    def _AddTrack(self, kind: str, *more: Any) -> bool:
        if kind == "subtitle" and not self._world.new_tracks:
            return False
        tracks = self._line.tracks[kind]
        tracks.append(Track(f"{kind.capitalize()} {len(tracks) + 1}"))
        return True

    def _GetTrackName(self, kind: str, index: int) -> str | None:
        tracks = self._line.tracks[kind]
        return tracks[index - 1].name if 1 <= index <= len(tracks) else None

    def _SetTrackName(self, kind: str, index: int, name: str) -> bool:
        self._line.tracks[kind][index - 1].name = name
        return True

    def _GetItemListInTrack(self, kind: str, index: int) -> list[TimelineItem] | None:
        tracks = self._line.tracks[kind]
        if not 1 <= index <= len(tracks):
            return None
        return [TimelineItem(self._world, self._line, item) for item in tracks[index - 1].items]

    def _DeleteClips(self, items: list[TimelineItem], ripple: bool) -> bool:
        gone = {item._item.id for item in items}
        starts = {item._item.start for item in items}
        for kind, tracks in self._line.tracks.items():
            for track in tracks:
                linked = starts if kind == "audio" else set()
                track.items = [one for one in track.items if one.id not in gone and one.start not in linked]
        return True

    def _GetCurrentVideoItem(self) -> TimelineItem | None:
        for item in self._line.tracks["video"][0].items:
            if item.start <= self._world.playhead < item.start + item.count:
                return TimelineItem(self._world, self._line, item)
        return None


class TimelineItem(Remote):
    _stub_class = "TimelineItem"

    def __init__(self, world: World, line: Line, item: Placed) -> None:
        super().__init__(world)
        self._line, self._item = line, item

    def _clip(self) -> PoolClip:
        return next(clip for clip in self._world.clips if clip.id == self._item.clip)

    def _GetName(self) -> str:
        return self._item.name or Path(self._clip().path).name

    def _GetUniqueId(self) -> str:
        return self._item.id

    def _GetMediaPoolItem(self) -> MediaPoolItem | None:
        return MediaPoolItem(self._world, self._clip())

    def _GetStart(self, fractions: bool = False) -> float:
        return self._number(self._item.start)

    def _GetDuration(self, fractions: bool = False) -> float:
        return self._number(self._item.count)

    def _GetLeftOffset(self, fractions: bool = False) -> float:
        return self._number(self._item.left)

    def _GetSourceStartFrame(self) -> int:
        return self._item.left

    def _GetSourceEndFrame(self) -> int:
        return self._item.left + round(self._item.count * self._item.speed) + self._world.source_ends_later

    def _number(self, value: int) -> float:
        return float(value) if self._world.version < (19, 0, 0) else value
