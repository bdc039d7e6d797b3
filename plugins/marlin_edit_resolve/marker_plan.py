"""Markers on a clip or a timeline of Resolve: ours are replaced, nobody else's is touched, and all is read back.

One frame holds one marker. Where a frame is taken, ours begins at the next free frame within its span.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Any

from marlin_edit.markers import MarkerColour, Shown
from marlin_edit.text import counted
from marlin_edit_resolve.api_values import whole
from marlin_edit_resolve.marker_tags import MarkerContent, Tag, read_tag

if TYPE_CHECKING:
    from fusionscript import MarkerColor, MediaPoolItem, Timeline

    Markable = MediaPoolItem | Timeline

COLOURS: dict[MarkerColour, MarkerColor] = {
    MarkerColour.BLUE: "Blue",
    MarkerColour.GREEN: "Green",
    MarkerColour.YELLOW: "Yellow",
    MarkerColour.RED: "Red",
    MarkerColour.PURPLE: "Purple",
    MarkerColour.CYAN: "Cyan",
    MarkerColour.ORANGE: "Sand",  # Resolve has no orange
    MarkerColour.PINK: "Pink",
}


@dataclass(frozen=True)
class Wanted:
    """A marker that is to be there. frame: where, counted from the clip's or the timeline's beginning."""

    shown: Shown
    group: str
    frame: int
    on_timeline: bool

    @property
    def key(self) -> tuple[str, str, int]:
        """What identifies a place for a marker."""
        return self.shown.marker.id, self.group, self.frame

    def at(self, frame: int) -> MarkerContent:
        """What is written about it where it begins at `frame`, which lies in its span."""
        shown = self.shown.later(frame - self.frame)
        note = shown.note(on_timeline=self.on_timeline)
        return MarkerContent(frame, shown.frames.count, COLOURS[shown.marker.colour], shown.name, note)

    def tag(self, told: MarkerContent) -> Tag:
        """The tag of a marker."""
        return Tag(self.shown.marker.id, self.group, self.shown.frames, self.frame, told.digest)


@dataclass(frozen=True)
class Present:
    """A marker that is there, with its custom data as it is. tag: of ours. copied: several have the same."""

    told: MarkerContent
    custom: str
    tag: Tag | None
    copied: bool = False

    @property
    def changed(self) -> bool:
        """Whether it was ours and a person has had their hands on it, so that it is theirs now."""
        return self.tag is not None and (self.copied or self.tag.told != self.told.digest)


@dataclass
class Plan:
    """What is to be done on one clip or timeline."""

    add: list[tuple[MarkerContent, Tag]] = field(default_factory=list)
    remove: list[Present] = field(default_factory=list)
    kept: int = 0
    moved: int = 0
    yours: int = 0
    no_room: list[Wanted] = field(default_factory=list)

    @property
    def replaced(self) -> int:
        """How many markers of ours are replaced."""
        gone = {there.tag.key for there in self.remove if there.tag is not None}
        return sum(1 for _, tag in self.add if tag.key in gone)

    @property
    def words(self) -> str:
        """`3 new, 1 replaced, 2 removed, 5 there already`."""
        numbers = {
            "new": len(self.add) - self.replaced,
            "replaced": self.replaced,
            "removed": len(self.remove) - self.replaced,
            "there already": self.kept,
            "left as you changed them": self.yours,
        }
        return ", ".join(f"{number} {word}" for word, number in numbers.items() if number) or "none"


def markers_on(target: Markable) -> list[Present]:
    """The markers of a clip or a timeline, in order."""
    found = []
    markers: Any = target.GetMarkers()
    for frame, told in (markers or {}).items():
        custom = str(told.get("customData") or "")
        present = MarkerContent(
            whole(frame) or 0,
            whole(told.get("duration")) or 1,
            str(told.get("color") or ""),
            str(told.get("name") or ""),
            str(told.get("note") or ""),
        )
        found.append(Present(present, custom, read_tag(custom)))
    times = Counter(one.custom for one in found)
    found = [replace(one, copied=times[one.custom] > 1) for one in found]
    return sorted(found, key=lambda one: one.told.frame)


def planned(
    present: Iterable[Present], wanted: Sequence[Wanted], outdated: Callable[[Tag], bool], *, longest: int | None = None
) -> Plan:
    """What leads from the markers that are there to those that are wanted.

    outdated: whether a marker of ours that is not wanted any more is in what this run has looked at again; others of
    ours stay. longest: the number of frames that there are to mark, where it is known.
    """
    plan = Plan()
    by_key = {one.tag.key: one for one in present if one.tag is not None}
    taken = {one.told.frame for one in present}
    to_add = []
    for want in wanted:
        there = by_key.pop(want.key, None)
        if there is None:
            to_add.append(want)
        elif there.changed:
            plan.yours += 1
        elif 0 <= there.told.frame - want.frame < want.shown.frames.count and want.at(there.told.frame) == there.told:
            plan.kept += 1
        else:
            plan.remove.append(there)
            to_add.append(want)
    for there in by_key.values():
        if there.tag is not None and not there.changed and outdated(there.tag):
            plan.remove.append(there)
    taken -= {one.told.frame for one in plan.remove}
    for want in sorted(to_add, key=lambda one: (one.frame, one.shown.frames.stop)):
        frame = want.frame
        stop = want.frame + want.shown.frames.count
        if longest is not None:
            stop = min(stop, longest)
        while frame in taken and frame < stop:
            frame += 1
        if frame >= stop:
            plan.no_room.append(want)
            continue
        taken.add(frame)
        plan.moved += frame > want.frame
        told = want.at(frame)
        plan.add.append((told, want.tag(told)))
    return plan


def applied(target: Markable, plan: Plan, name: str) -> tuple[list[str], list[str]]:
    """Does what is planned, reads back what is there, and gives what is missing and what else to know, in words."""
    missing, notes = [], []
    for there in plan.remove:
        # By the custom data, which is of this one marker and of no one else's.
        target.DeleteMarkerByCustomData(there.custom)
    for told, tag in plan.add:
        colour: Any = told.colour
        target.AddMarker(told.frame, colour, told.name, told.note, told.count, str(tag))
    after = {one.custom: one.told for one in markers_on(target)}
    left = [there for there in plan.remove if there.custom in after]
    if left:
        missing.append(f"{counted(len(left), 'earlier marker')} on {name} could not be removed")
    lost = [told for told, tag in plan.add if str(tag) not in after]
    if lost:
        frames = ", ".join(str(told.frame) for told in lost[:5]) + (", ..." if len(lost) > 5 else "")
        missing.append(f"{len(lost)} of {len(plan.add)} markers were refused by Resolve on {name} (frames {frames})")
    reworded = 0
    for told, tag in plan.add:
        there_now = after.get(str(tag), told)
        if (there_now.frame, there_now.count, there_now.colour) != (told.frame, told.count, told.colour):
            missing.append(f"the marker for frame {told.frame} of {name} is in Resolve as {there_now}")
        elif there_now != told:
            # What Resolve made of it, is no person's change: a later run may replace it.
            target.UpdateMarkerCustomData(told.frame, str(replace(tag, told=there_now.digest)))
            reworded += 1
    if reworded:
        notes.append(f"Resolve changed the text of {counted(reworded, 'marker')} on {name}")
    return missing, notes


def untold(plan: Plan, name: str) -> tuple[list[str], list[str]]:
    """What is missing and what to know of a plan whatever comes of it."""
    missing = [
        f"no marker for {want.shown.name!r} on {name}: no frame from {want.frame} on is free there"
        for want in plan.no_room
    ]
    notes = []
    if plan.moved:
        many = counted(plan.moved, "marker")
        notes.append(f"{many} on {name} placed later than asked, because a frame can have only one marker")
    return missing, notes
