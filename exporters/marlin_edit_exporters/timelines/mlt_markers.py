"""The markers of a `.mlt` that Shotcut or marlin-edit wrote: they are on the timeline, and a text is all they have.

A marker lies in the source where the clip below it does. Times are frames, or hours, minutes and seconds.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from contextlib import suppress
from xml.etree.ElementTree import Element

from marlin_edit.conform import file_name
from marlin_edit.errors import MarlinEditError
from marlin_edit.interfaces import GivenMarker, GivenMarkers
from marlin_edit.markers import read_note
from marlin_edit.media import MediaInfo
from marlin_edit.text import clean
from marlin_edit.timebase import FrameRange, FrameRate, clock_seconds, short_number
from marlin_edit_exporters.timelines.placing import Part, placed
from marlin_edit_exporters.timelines.xml_parse import last_part, parsed

_CLOCK = re.compile(r"(\d+):(\d{1,2}):(\d{1,2}(?:[.,]\d+)?)")


def read_markers(content: bytes, media: MediaInfo) -> GivenMarkers:
    """The markers of the timeline; MarlinEditError for what is no MLT, or is of other media."""
    root = parsed(content, "mlt", "an MLT project")
    if media.rate is None:
        raise MarlinEditError(f"{file_name(media)} has no picture, so it has no frames to mark.")
    reading = _Reading(root, media, media.rate)
    if reading.names and file_name(media) not in reading.names.values():
        named = ", ".join(sorted(set(reading.names.values())))
        raise MarlinEditError(f"None of its clips is of {file_name(media)}; they are of {named}.")
    parts = list(reading.parts())
    found = []
    for marker in root.iterfind("tractor/properties[@name='shotcut:markers']/properties"):
        note, put = read_note(clean(_property(marker, "text")))
        first = reading.frame(_property(marker, "start")) or 0
        last = reading.frame(_property(marker, "end"))
        count = max(1, (first if last is None else last) + 1 - first)
        given = GivenMarker("", note, reading.of_media(first), max(1, reading.of_media(count)), put, on_timeline=True)
        found.append(placed(given, parts, media.rate.timecode(given.first)))
    covered = tuple(FrameRange(part.first, part.first + part.count) for part in parts if part.count > 0)
    return GivenMarkers(tuple(found), covered)


class _Reading:
    """A project whose frames are turned into those of the media; `names` has the file name of each producer."""

    def __init__(self, root: Element, media: MediaInfo, rate: FrameRate) -> None:
        self._root = root
        self._media = media
        profile = root.find("profile")
        self._rate = rate.value
        if profile is not None:
            with suppress(ValueError, ZeroDivisionError):
                stated = [short_number(profile.get(f"frame_rate_{part}", "0")) for part in ("num", "den")]
                self._rate = stated[0] / stated[1] if min(stated) > 0 else rate.value
        self._scale = rate.value / self._rate
        self.names: dict[str, str] = {}
        for producer in (*root.iterfind("chain"), *root.iterfind("producer")):
            resource, service = _property(producer, "resource"), _property(producer, "mlt_service")
            # Of a clip of another speed the resource is `2:path`; which frames it shows is not worked out.
            if resource and service.startswith("avformat"):
                self.names[producer.get("id", "")] = last_part(resource)

    def parts(self) -> Iterator[Part]:
        """What the tracks show of the media, the topmost last."""
        playlists = {playlist.get("id"): playlist for playlist in self._root.iterfind("playlist")}
        tractors = self._root.findall("tractor")
        for track in tractors[-1].iterfind("track") if tractors else ():
            playlist = playlists.get(track.get("producer"))
            position = 0
            for item in playlist if playlist is not None else ():
                if item.tag == "blank":
                    position += self.frame(item.get("length", "")) or 0
                elif item.tag == "entry":
                    first, last = (self.frame(item.get(end, "")) for end in ("in", "out"))
                    if first is None or last is None or last < first:
                        continue
                    if self.names.get(item.get("producer", "")) == file_name(self._media):
                        yield Part(*map(self.of_media, (first, last + 1 - first, position)))
                    position += last + 1 - first

    def frame(self, text: str) -> int | None:
        """A place as a frame of the project."""
        clock = _CLOCK.fullmatch(text.strip())
        if clock is not None:
            return round(clock_seconds(*clock.groups()) * self._rate)
        return int(text) if re.fullmatch(r"\d{1,15}", text.strip()) else None

    def of_media(self, frame: int) -> int:
        """A frame of the project as one of the media."""
        return round(frame * self._scale)


def _property(element: Element, name: str) -> str:
    return next((one.text or "" for one in element.iterfind("property") if one.get("name") == name), "")
