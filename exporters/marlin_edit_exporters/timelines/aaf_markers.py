"""The markers of an `.aaf` that Avid or marlin-edit wrote: they are on the sequence, and a comment is all they have.

A marker lies in the source where the clip on the sequence's picture tracks does.
"""

from __future__ import annotations

import tempfile
from collections.abc import Iterator
from fractions import Fraction
from importlib.util import find_spec
from pathlib import Path
from typing import Any

from marlin_edit.conform import file_name, file_stem
from marlin_edit.errors import MarlinEditError
from marlin_edit.interfaces import GivenMarker, GivenMarkers
from marlin_edit.markers import read_note
from marlin_edit.media import MediaInfo
from marlin_edit.text import clean
from marlin_edit.timebase import FrameRange, FrameRate
from marlin_edit_exporters.timelines.own_process import in_own_process
from marlin_edit_exporters.timelines.placing import Part, placed
from marlin_edit_exporters.timelines.xml_parse import last_part

_DEEPEST = 8
"""Mobs between a clip and its file, at most: more are a circle."""


def read_markers(content: bytes, media: MediaInfo) -> GivenMarkers:
    """The markers of the sequences; MarlinEditError for what is no AAF, or is of other media.

    Another process reads them: in a damaged file pyaaf2 may go in circles.
    """
    if find_spec("aaf2") is None:
        raise MarlinEditError("AAF is read with pyaaf2: pip install 'marlin-edit[aaf]'.")
    if media.rate is None:
        raise MarlinEditError(f"{file_name(media)} has no picture, so it has no frames to mark.")
    return in_own_process(markers_in, "an AAF that can be read", content, media)


def markers_in(content: bytes, media: MediaInfo) -> GivenMarkers:
    """The same, in this process."""
    import aaf2

    assert media.rate is not None
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "given.aaf"
        path.write_bytes(content)
        try:
            with aaf2.open(str(path)) as file:
                return _Reading(media, media.rate).markers(list(file.content.toplevel()))
        except MarlinEditError:
            raise
        except Exception as error:  # damage shows in many ways in a compound file
            raise MarlinEditError(f"This AAF cannot be read: {error or type(error).__name__}.") from error


class _Reading:
    """Sequences whose frames are turned into those of the media."""

    def __init__(self, media: MediaInfo, rate: FrameRate) -> None:
        self._media = media
        self._rate = rate
        self._others: set[str] = set()

    def markers(self, sequences: list[Any]) -> GivenMarkers:
        """The markers of all sequences."""
        found: list[GivenMarker] = []
        covered: list[FrameRange] = []
        for sequence in sequences:
            begin = next((slot.segment.start for slot in sequence.slots if _is(slot.segment, "Timecode")), 0)
            parts = [part for slot in sequence.slots if slot.media_kind == "Picture" for part in self._parts(slot)]
            covered += [FrameRange(part.first, part.first + part.count) for part in parts if part.count > 0]
            for slot in sequence.slots:
                if type(slot).__name__ == "EventMobSlot":
                    scale = self._rate.value / Fraction(slot["EditRate"].value)
                    for marker in slot.segment.components:
                        given = _given(marker, scale)
                        found.append(placed(given, parts, self._rate.timecode(begin + given.first)))
        if not covered and self._others:
            named = ", ".join(sorted(self._others))
            raise MarlinEditError(f"None of its clips is of {file_name(self._media)}; they are of {named}.")
        return GivenMarkers(tuple(found), tuple(covered))

    def _parts(self, slot: Any) -> Iterator[Part]:
        """What a track shows of the media."""
        segment = slot.segment
        position = 0
        scale = self._rate.value / Fraction(slot.edit_rate)
        for component in segment.components if _is(segment, "Sequence") else [segment]:
            if _is(component, "Transition"):
                position -= component.length
                continue
            first = self._first_of(component)
            if first is not None:
                yield Part(round(first * scale), round(component.length * scale), round(position * scale))
            position += component.length

    def _first_of(self, component: Any) -> int | None:
        """The frame of the media with which a component begins; None if it shows other media, or shows it retimed."""
        start = 0
        for _ in range(_DEEPEST):
            if _is(component, "OperationGroup"):
                if component.operation["IsTimeWarp"].value or not len(component.segments):
                    return None
                component = component.segments[0]
            elif _is(component, "Sequence") and len(component.components) == 1:
                component = component.components[0]
            if not _is(component, "SourceClip") or component.mob is None:
                return None
            start += component.start
            mob = component.mob
            names = {last_part(one["URLString"].value or "") for one in _locators(mob)}
            if names or _is(mob, "MasterMob"):
                told = names or {clean(mob.name or "")}
                if told & {file_name(self._media), file_stem(self._media)}:
                    return int(start) if names else int(start) + self._into_file(component)
                if names:
                    self._others |= names
                    return None
            component = component.slot.segment
        return None

    def _into_file(self, clip: Any) -> int:
        """How far into its file a master mob begins; its clips name no file."""
        inner = clip.slot.segment
        return int(inner.start) if _is(inner, "SourceClip") and inner.mob is not None else 0


def _given(marker: Any, scale: Fraction) -> GivenMarker:
    note, put = read_note(clean(marker["Comment"].value if "Comment" in marker else ""))
    length = marker["Length"].value if "Length" in marker else 1
    first, count = round(marker["Position"].value * scale), max(1, round((length or 1) * scale))
    return GivenMarker("", note, first, count, put, on_timeline=True)


def _locators(mob: Any) -> list[Any]:
    descriptor = mob.descriptor if _is(mob, "SourceMob") else None
    return list(descriptor["Locator"].value or []) if descriptor is not None and "Locator" in descriptor else []


def _is(thing: Any, kind: str) -> bool:
    return type(thing).__name__ == kind
