"""What lets a marker of ours be known in Resolve: its custom data, which nobody sees there.

It tells the marker's id, what it was asked for, its frames in the source, the frame that it was meant for, and a digest
of what was written, so that a marker that a person changed is no longer ours to replace.
"""

from __future__ import annotations

import hashlib
import re
from dataclasses import dataclass

from marlin_edit.timebase import FrameRange

_TAG = re.compile(
    r"marlin-edit/1 id=(?P<id>\S{1,40}) of=(?P<group>[0-9a-f]{12}) at=(?P<first>\d{1,15})\+(?P<count>\d{1,15}) "
    r"on=(?P<on>\d{1,15}) told=(?P<told>[0-9a-f]{12})"
)


@dataclass(frozen=True)
class MarkerContent:
    """A marker as Resolve has it, or is to have it: frame and length count from the clip's or timeline's beginning."""

    frame: int
    count: int
    colour: str
    name: str
    note: str

    @property
    def digest(self) -> str:
        """A short digest of the content."""
        return short_digest(f"{self.frame}\0{self.count}\0{self.colour}\0{self.name}\0{self.note}")


@dataclass(frozen=True)
class Tag:
    """group: a digest of the source and the query. source: the frames in the source. on: the frame it was meant for."""

    id: str
    group: str
    source: FrameRange
    on: int
    told: str

    @property
    def key(self) -> tuple[str, str, int]:
        """What is the same in two runs, whatever they tell of it."""
        return self.id, self.group, self.on

    def __str__(self) -> str:
        at = f"{self.source.first}+{self.source.count}"
        return f"marlin-edit/1 id={self.id} of={self.group} at={at} on={self.on} told={self.told}"


def read_tag(custom_data: object) -> Tag | None:
    """The tag of a marker's custom data; None where the marker is somebody else's."""
    found = _TAG.fullmatch(custom_data) if isinstance(custom_data, str) else None
    if found is None or int(found["count"]) == 0:
        return None
    source = FrameRange(int(found["first"]), int(found["first"]) + int(found["count"]))
    return Tag(found["id"], found["group"], source, int(found["on"]), found["told"])


def short_digest(text: str) -> str:
    """The first letters of a text's SHA-256."""
    return hashlib.sha256(text.encode("utf-8", "surrogatepass")).hexdigest()[:12]
