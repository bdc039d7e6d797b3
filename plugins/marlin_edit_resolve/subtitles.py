"""Subtitles on a track of the current timeline, as far as Resolve's scripting goes: put there, then counted.

There is no official way to import them. What does not come out as it should, by number or place, is taken back, and the
menu is named.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from fractions import Fraction
from pathlib import Path
from typing import TYPE_CHECKING, Any

from marlin_edit.timebase import parse_position
from marlin_edit_resolve.api_values import Version, frames_of, listed, rate_of, whole
from marlin_edit_resolve.pool import clips_of

if TYPE_CHECKING:
    from fusionscript import MediaPool, Project, Timeline, TimelineItem

TRACK = "Visual descriptions"
MENU = "File > Import > Subtitle, then drag it from the Media Pool onto the timeline"
_CUE = re.compile(r"^(\d\d:\d\d:\d\d),(\d{3}) --> ", re.MULTILINE)


@dataclass(frozen=True)
class Subtitles:
    """The result."""

    missing: tuple[str, ...] = ()
    notes: tuple[str, ...] = ()
    count: int = 0


def put_on_track(
    project: Project, pool: MediaPool, file: Path, version: Version, *, starts_there: bool, dry_run: bool
) -> Subtitles:
    """The cues of an .srt on a track of their own. starts_there: whether the timeline begins with the source's first
    frame, from which the cues count."""
    timeline = project.GetCurrentTimeline()
    if timeline is None:
        return _by_hand(file, "no timeline is open")
    if not starts_there:
        return _by_hand(file, f"the timeline {timeline.GetName()!r} does not begin with the video's first frame")
    cues = _starts(file) if file.is_file() else None
    for index in _tracks(timeline):
        if timeline.GetTrackName("subtitle", index) == TRACK:
            there = len(_items(timeline, index))
            if cues is None or there == len(cues):
                return Subtitles(notes=(f"subtitles: {there} on the track {TRACK!r}, there already",), count=there)
            if there:
                why = f"the track {TRACK!r} has {there} others; remove them first, and run again"
                return _by_hand(file, why)
    if dry_run:
        return Subtitles(notes=(f"would put the subtitles of {file.name} on a track {TRACK!r} of its own",))
    return _put(pool, timeline, file, cues or [], version)


def _put(pool: MediaPool, timeline: Timeline, file: Path, cues: list[Fraction], version: Version) -> Subtitles:
    before = {index: _ids(timeline, index) for index in _tracks(timeline)}
    ours = next((index for index in before if timeline.GetTrackName("subtitle", index) == TRACK), None)
    if ours is None:
        # Its second argument is for sound only, and left out in Resolve's own text.
        add: Any = timeline.AddTrack
        add("subtitle")
        ours = max(_tracks(timeline), default=0)
        if ours in before or ours == 0:
            return _by_hand(file, "Resolve added no subtitle track")
        timeline.SetTrackName("subtitle", ours, TRACK)
    clips, missing = clips_of(pool, [file], dry_run=False)
    if file not in clips:
        return _by_hand(file, missing[0])
    append: Any = pool.AppendToTimeline
    append([clips[file].item])
    new = {
        index: [item for item in _items(timeline, index) if item.GetUniqueId() not in before.get(index, set())]
        for index in _tracks(timeline)
    }
    here, elsewhere = new.pop(ours, []), [item for items in new.values() for item in items]
    if len(here) == len(cues) and not elsewhere and _in_place(timeline, here, cues, version):
        name = timeline.GetName()
        return Subtitles(notes=(f"subtitles: {len(cues)} on the track {TRACK!r} of {name!r}",), count=len(cues))
    if here or elsewhere:
        timeline.DeleteClips([*here, *elsewhere], False)
    if len(here) == len(cues) and not elsewhere:
        return _by_hand(file, "they came to the wrong places and were removed again")
    reached = f"{len(here)} of {len(cues)} came onto their track" + (
        f", and {len(elsewhere)} onto others" if elsewhere else ""
    )
    return _by_hand(file, f"{reached}; they were removed again")


def _in_place(timeline: Timeline, items: list[TimelineItem], cues: list[Fraction], version: Version) -> bool:
    """Whether the cues begin where the file has them, to a frame."""
    rate, begin = rate_of(timeline.GetSetting("timelineFrameRate")), whole(timeline.GetStartFrame())
    if rate is None or begin is None:
        return False
    starts = sorted(frames_of(item.GetStart, version) or 0 for item in items)
    return all(abs(start - begin - cue * rate.value) <= 1 for start, cue in zip(starts, sorted(cues), strict=True))


def _starts(file: Path) -> list[Fraction]:
    """When each cue of an .srt begins, in seconds."""
    text = file.read_text(encoding="utf-8-sig")
    places = (parse_position(f"{found[1]}.{found[2]}") for found in _CUE.finditer(text))
    return [place for place in places if isinstance(place, Fraction)]


def _by_hand(file: Path, why: str) -> Subtitles:
    return Subtitles(missing=(f"subtitles: {why}. By hand: {file}: {MENU}",))


def _tracks(timeline: Timeline) -> range:
    return range(1, (whole(timeline.GetTrackCount("subtitle")) or 0) + 1)


def _items(timeline: Timeline, index: int) -> list[TimelineItem]:
    return listed(timeline.GetItemListInTrack("subtitle", index))


def _ids(timeline: Timeline, index: int) -> set[str]:
    return {item.GetUniqueId() for item in _items(timeline, index)}
