"""The markers of a `.fcpxml` that Final Cut, Resolve or marlin-edit wrote: on the clips of one media, and on gaps.

A marker's time is that of what it stands on. On a clip it counts as the media does, also where the clip is conformed to
another rate, unless the clip is retimed or holds other clips: there only its name can be known. On a gap it lies in the
source where a clip that is connected to the gap does.
"""

from __future__ import annotations

from collections.abc import Iterator
from fractions import Fraction
from xml.etree.ElementTree import Element

from marlin_edit.conform import file_name, file_stem
from marlin_edit.errors import MarlinEditError
from marlin_edit.interfaces import GivenMarker, GivenMarkers
from marlin_edit.markers import Put, read_note
from marlin_edit.media import MediaInfo
from marlin_edit.text import clean
from marlin_edit.timebase import FrameRange, parse_seconds, short_seconds
from marlin_edit_exporters.timelines.placing import Part, placed
from marlin_edit_exporters.timelines.xml_parse import last_part, parsed, without_a_place

_OF_ONE_MEDIA = ("asset-clip", "video", "audio")
_MARKERS = ("marker", "chapter-marker")


def read_markers(content: bytes, media: MediaInfo) -> GivenMarkers:
    """The markers of `media`; MarlinEditError for what is no FCPXML, or is of other media."""
    root = parsed(content, "fcpxml", "a Final Cut XML")
    if media.rate is None:
        raise MarlinEditError(f"{file_name(media)} has no picture, so it has no frames to mark.")
    assets = {asset.get("id"): asset for asset in root.iter("asset")}
    ours = {name: asset for name, asset in assets.items() if _is_of(asset, media)}
    if assets and not ours:
        names = sorted({_name(asset) for asset in assets.values()})
        raise MarlinEditError(f"None of its clips is of {file_name(media)}; they are of {', '.join(names)}.")
    reading = _Reading(media.rate.value, ours)
    for element in root.iter():
        reading.take(element)
    for gap in root.iter("gap"):
        reading.take_gap(gap)
    return GivenMarkers(tuple(dict.fromkeys(reading.found)), tuple(reading.covered))


class _Reading:
    """The markers found so far, and the frames of the media that were seen."""

    def __init__(self, rate: Fraction, ours: dict[str | None, Element]) -> None:
        self.found: list[GivenMarker] = []
        self.covered: list[FrameRange] = []
        self._rate = rate
        self._ours = ours

    def take(self, element: Element) -> None:
        """The markers on an element that is no gap."""
        markers = [one for one in element if one.tag in _MARKERS]
        if element.tag == "gap":
            return
        shift = self._shift(element)
        if shift is not None:
            start = _time(element, "start")
            first = self._frames(shift if start is None else start + shift)
            count = self._frames(_time(element, "duration") or Fraction(0))
            if element.tag != "audio":
                self.covered.append(FrameRange(max(0, first), max(0, first) + max(1, count)))
        elif not self._holds_ours(element):
            return
        for marker in markers:
            at = _time(marker, "start")
            if shift is None or at is None:
                self.found.append(without_a_place(*_told(marker)))
            else:
                self.found.append(self._given(marker, self._frames(at + shift)))

    def take_gap(self, gap: Element) -> None:
        """The markers on a gap, which lie in the source where a clip connected to the gap shows it."""
        parts = []
        for clip in gap:
            shift, offset = self._shift(clip), _time(clip, "offset")
            if shift is not None and offset is not None:
                start = _time(clip, "start")
                first = self._frames(start + shift) if start is not None else 0
                count = self._frames(_time(clip, "duration") or Fraction(0))
                parts.append(Part(first, count, self._frames(offset)))
        for marker in gap:
            at = _time(marker, "start")
            if marker.tag in _MARKERS and at is not None:
                given = self._given(marker, self._frames(at))
                self.found.append(placed(given, parts, f"{short_seconds(at)} s of a gap"))

    def _given(self, marker: Element, first: int) -> GivenMarker:
        name, note, put = _told(marker)
        return GivenMarker(name, note, first, max(1, self._frames(_time(marker, "duration") or Fraction(0))), put)

    def _shift(self, element: Element) -> Fraction | None:
        """What turns the own time of a clip into seconds from the media's zero; None where nothing simple does."""
        if any(_is_retimed(one) for one in element):
            return None
        if element.tag in _OF_ONE_MEDIA:
            asset = self._ours.get(element.get("ref"))
            return None if asset is None else -(_time(asset, "start") or Fraction(0))
        if element.tag == "clip":
            for inner in element:
                # What is inside stands at its offset, and shows the media from its start on.
                shift = self._shift(inner) if inner.tag == "video" and inner.get("lane") is None else None
                if shift is not None:
                    offset, start = _time(inner, "offset") or Fraction(0), _time(inner, "start")
                    return (start + shift if start is not None else Fraction(0)) - offset
        return None

    def _holds_ours(self, element: Element) -> bool:
        """Whether markers on it could be ours: it shows the media somewhere within, or is a clip of clips."""
        if element.tag in ("ref-clip", "sync-clip", "mc-clip", "clip", "title"):
            return True
        return element.tag in _OF_ONE_MEDIA and element.get("ref") in self._ours

    def _frames(self, seconds: Fraction) -> int:
        return round(seconds * self._rate)


def _told(marker: Element) -> tuple[str, str, Put | None]:
    note, put = read_note(marker.get("note", ""))
    return clean(marker.get("value", "")), clean(note), put


def _is_retimed(element: Element) -> bool:
    return element.tag == "timeMap"


def _is_of(asset: Element, media: MediaInfo) -> bool:
    targets = {last_part(target) for target in _targets(asset)}
    return file_name(media) in targets if targets else _name(asset) in (file_name(media), file_stem(media))


def _targets(asset: Element) -> Iterator[str]:
    for element in (asset, *asset.iter("media-rep")):
        source = element.get("src")
        if source:
            yield source


def _name(asset: Element) -> str:
    return next(map(last_part, _targets(asset)), clean(asset.get("name", "")))


def _time(element: Element, name: str) -> Fraction | None:
    """A rational time, as `1001/24000s`, or None where there is none that can be read."""
    text = element.get(name)
    if text is None or not text.endswith("s"):
        return None
    try:
        return parse_seconds(text[:-1])
    except MarlinEditError:
        return None
