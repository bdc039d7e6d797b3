"""Where a marker on a timeline lies in the source: what the clip shows that lies there.

Readers tell what a timeline shows of the source; a marker where it shows nothing of it has no place in the source.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, replace

from marlin_edit.interfaces import GivenMarker


@dataclass(frozen=True)
class Part:
    """What a clip shows of the source: `count` of its frames from `first` on, from the record frame `record` on."""

    first: int
    count: int
    record: int

    def holds(self, record: int) -> bool:
        """Whether it is on the timeline at this record frame."""
        return self.record <= record < self.record + self.count


def placed(marker: GivenMarker, parts: Iterable[Part], where: str) -> GivenMarker:
    """A marker whose `first` is a record frame, as a marker in the source.

    Args:
        marker: The marker.
        parts: What the timeline shows of the source, the topmost track last.
        where: Its place on the timeline, for people.
    """
    frames = [part.first + marker.first - part.record for part in parts if part.holds(marker.first)]
    if not frames:
        return replace(marker, on_timeline=False, unplaced=f"no clip of the source lies at {where}")
    # On several tracks that show different frames, a marker of ours is on that one on which it was put.
    put = marker.put.frames.first if marker.put is not None else None
    return replace(marker, first=put if put in frames else frames[-1], on_timeline=False)
