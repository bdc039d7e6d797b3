"""Which earlier markers a run may replace: those of the same source and query, where it has looked again."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from marlin_edit.analysis import Analysis, Event, Finding
from marlin_edit.markers import Marker, frames_or_none
from marlin_edit.text import clean
from marlin_edit.timebase import FrameRange
from marlin_edit_resolve.marker_tags import Tag, short_digest


@dataclass(frozen=True)
class Scope:
    """The frames that were looked at, by group. Without any, as in a file that does not tell, all frames."""

    looked_at: dict[str, tuple[FrameRange, ...] | None]

    def outdated(self, tag: Tag) -> bool:
        """Whether a marker that this run does not have is one that it would have, if it were still true."""
        if tag.group not in self.looked_at:
            return False
        looked = self.looked_at[tag.group]
        return looked is None or any(frames.first <= tag.source.first < frames.stop for frames in looked)


def group_of(source: Analysis, item: Event | Finding) -> str:
    """The group of an event or a finding: its source, and what was asked."""
    return _group(source, clean(item.query) if isinstance(item, Finding) else None)


def scope_of(sources: Sequence[Analysis], markers: Sequence[tuple[Analysis, Marker]]) -> Scope:
    """What was asked of the sources, or without that, what the markers answer."""
    looked: dict[str, tuple[FrameRange, ...] | None] = {
        group_of(source, marker.item): None for source, marker in markers
    }
    for source in sources:
        asked: dict[str, tuple[FrameRange, ...]] = {}
        for one in source.asked:
            frames = [frames_or_none(span, source.media) for span in one.looked_at]
            group = _group(source, None if one.query is None else clean(one.query))
            asked[group] = asked.get(group, ()) + tuple(each for each in frames if each is not None)
        looked |= asked
    return Scope(looked)


def _group(source: Analysis, query: str | None) -> str:
    media = source.media
    asked = "events" if query is None else f"query {query}"
    return short_digest(f"{media.fingerprint or media.path.name}\0{asked}")
