"""The markers of an `.edl`: of a marker list for Resolve, or the `* LOC:` lines of a cut list of any program.

A locator is a record time code. It lies in the source where the edit that holds that time does, if that edit is of it.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass

from marlin_edit.conform import file_name, file_stem, legal_reel
from marlin_edit.errors import MarlinEditError
from marlin_edit.interfaces import GivenMarker, GivenMarkers
from marlin_edit.markers import read_note
from marlin_edit.media import MediaInfo
from marlin_edit.text import clean
from marlin_edit.timebase import FrameRange, FrameRate
from marlin_edit_exporters.timelines import resolve_markers
from marlin_edit_exporters.timelines.list_text import counting_of, decoded
from marlin_edit_exporters.timelines.placing import Part, placed

_TC = r"\d\d:\d\d:\d\d[:;.,]\d\d"
_EDIT = re.compile(
    rf"\d{{1,6}}\s+(?P<reel>\S+)\s+(?P<channels>\S+)\s+\S.*?\s(?P<source_in>{_TC})\s+(?P<source_out>{_TC})\s+"
    rf"(?P<record_in>{_TC})\s+(?P<record_out>{_TC})\s*"
)
_LOCATOR = re.compile(rf"\*\s*LOC:\s*(?P<at>{_TC})\s+(?P<colour>[A-Za-z]+)\b\s*(?P<text>.*)")
_NAME = re.compile(r"\*\s*(?:(?:FROM|TO) CLIP(?: NAME)?|SOURCE FILE|FROM FILE):\s*(?P<name>.*?)\s*")
_RETIMED = re.compile(r"M2\s")


@dataclass
class _Edit:
    """An edit of the list, and the names that follow it."""

    reel: str
    source: tuple[str, str]
    record: tuple[str, str]
    names: list[str]
    retimed: bool = False


def read_markers(content: bytes, media: MediaInfo) -> GivenMarkers:
    """The markers of the list; MarlinEditError where it has none, and is no marker list, or is of other media."""
    text = decoded(content)
    if media.rate is None or not any(map(_LOCATOR.match, text.splitlines())):
        given = resolve_markers.read_markers(content, media)
        if not given.markers and any(map(_EDIT.fullmatch, text.splitlines())):
            raise MarlinEditError(
                "This cut list has no markers: no `* LOC:` lines, and none of Resolve's. Export the timeline's markers."
            )
        return given
    rate = counting_of(text, media.rate)
    edits = list(_edits(text))
    ours = [edit for edit in edits if _is_of(edit, media)]
    if edits and not ours:
        names = sorted({(edit.names or [edit.reel])[0] for edit in edits})
        raise MarlinEditError(f"None of its edits is of {file_name(media)}; they are of {', '.join(names)}.")
    parts = list(dict.fromkeys(part for edit in ours for part in _parts(edit, media, media.rate, rate)))
    found = []
    for line in text.splitlines():
        locator = _LOCATOR.match(line)
        if locator is not None:
            note, put = read_note(clean(locator["text"]))
            marker = GivenMarker("", note, rate.frame_of(locator["at"]), 1, put, on_timeline=True)
            found.append(placed(marker, parts, locator["at"]) if edits else marker)
    covered = tuple(FrameRange(part.first, part.first + part.count) for part in parts if part.first >= 0)
    return GivenMarkers(tuple(dict.fromkeys(found)), covered if edits else None, counting=rate)


def _edits(text: str) -> Iterator[_Edit]:
    edit: _Edit | None = None
    for line in map(str.strip, text.splitlines()):
        begins, name = _EDIT.fullmatch(line), _NAME.fullmatch(line)
        if begins is not None:
            if edit is not None:
                yield edit
            source, record = ((begins[f"{which}_in"], begins[f"{which}_out"]) for which in ("source", "record"))
            edit = _Edit(begins["reel"], source, record, [])
        elif edit is not None and name is not None:
            edit.names.append(clean(name["name"]))
        elif edit is not None and _RETIMED.match(line):
            edit.retimed = True
    if edit is not None:
        yield edit


def _is_of(edit: _Edit, media: MediaInfo) -> bool:
    """By the names that the list gives, or where there are none, by the reel."""
    if edit.names:
        return any(name in (file_name(media), file_stem(media)) for name in edit.names)
    reels = {legal_reel(media.reel or ""), legal_reel(file_stem(media))} - {""}
    return legal_reel(edit.reel) in reels


def _parts(edit: _Edit, media: MediaInfo, own: FrameRate, rate: FrameRate) -> Iterator[Part]:
    """What the edit shows of the media. Source time code counts as the media's does, or else as the list's."""
    try:
        first, stop = (own.frame_of(label) for label in edit.source)
    except MarlinEditError:
        first, stop = (rate.frame_of(label) for label in edit.source)
    begin, end = (rate.frame_of(label) for label in edit.record)
    count = (end - begin) % rate.frames_per_day
    if count and not edit.retimed and (stop - first) % own.frames_per_day == count:
        yield Part((first - media.start_frame) % own.frames_per_day, count, begin)
