"""What FFmpeg's Matroska writer cannot say of a track, put into the finished file without moving anything.

It knows neither `LanguageBCP47` nor `S_TEXT/WEBVTT` (RFC 9559, 5.1.4.1, and the codec specifications of matroska.org),
and PyAV does not tell it the shape of pixels. So a track is written with a language of padding in the length that is
needed, and its entry is rewritten in place.
"""

from __future__ import annotations

import zlib
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO, NamedTuple

from marlin_edit.errors import MarlinEditError

_SEGMENT, _TRACKS, _TRACK, _CLUSTER = 0x18538067, 0x1654AE6B, 0xAE, 0x1F43B675
_LANGUAGE, _LANGUAGE_TAG, _CODEC, _PRIVATE = 0x22B59C, 0x22B59D, 0x86, 0x63A2
_VIDEO = 0xE0
_DISPLAY = (0x54B0, 0x54BA, 0x54B2)
"""Width, height and unit."""

_UNKNOWN_UNIT = 4
_VOID, _CHECKSUM = 0xEC, 0xBF
WEBVTT = "S_TEXT/WEBVTT"
"""The id of WebVTT in Matroska."""

_SPARE = 64
"""Bytes for the heads of elements that are added and of the void that is left."""


@dataclass(frozen=True)
class Entry:
    """What is said of a track: its language as ISO 639-2 and as a BCP 47 tag (or nothing), the id of its codec, and
    what a decoder has to know first. Without a codec, what FFmpeg wrote of it stays. display: the width and height in
    which a picture is shown, with their unit (5.1.4.1.28.14: 0 is pixels, 3 a ratio).
    """

    language: str
    tag: str
    codec: str = ""
    private: bytes = b""
    display: tuple[int, int, int] | None = None

    @property
    def padding(self) -> str:
        """The language to write the track with, so that there is room for the rest."""
        return "x" * (len(self.language) + len(self.tag) + len(self.codec) + len(self.private) + _SPARE)


class _Element(NamedTuple):
    kind: int
    head: int
    begin: int
    end: int


def elements_in(file: BinaryIO, begin: int, end: int) -> Iterator[_Element]:
    """The elements from `begin` to `end`, up to one of unknown size."""
    while begin < end:
        file.seek(begin)
        first = file.read(1)
        length = _length(first)
        kind = int.from_bytes(first + file.read(length - 1), "big")
        first = file.read(1)
        width = _length(first)
        size = int.from_bytes(first + file.read(width - 1), "big") & ((1 << 7 * width) - 1)
        content = begin + length + width
        stop = end if size == (1 << 7 * width) - 1 else content + size
        if stop > end:
            raise MarlinEditError(f"The element at byte {begin} does not fit into its file.")
        yield _Element(kind, begin, content, stop)
        begin = stop


def _length(first: bytes) -> int:
    if not first or not first[0]:
        raise MarlinEditError("An element of the Matroska file cannot be read.")
    return 9 - first[0].bit_length()


def _element(kind: int, content: bytes) -> bytes:
    return kind.to_bytes((kind.bit_length() + 7) // 8, "big") + _size(len(content)) + content


def _size(size: int) -> bytes:
    width = next(width for width in range(1, 9) if size < (1 << 7 * width) - 1)
    return (size | 1 << 7 * width).to_bytes(width, "big")


def _void(size: int) -> bytes:
    """An element of `size` bytes in all that says nothing."""
    for width in range(1, 9):
        content = size - 1 - width
        if 0 <= content < (1 << 7 * width) - 1:
            return bytes([_VOID]) + (content | 1 << 7 * width).to_bytes(width, "big") + bytes(content)
    raise MarlinEditError("There is no room for what is to be said of a track.")


def set_entries(path: Path, entries: Mapping[int, Entry]) -> None:
    """Rewrite the entries of some tracks of a file, by their places in it. Nothing changes its size.

    Raises:
        MarlinEditError: There is no such track, or its entry has no room.
    """
    with path.open("r+b") as file:
        size = path.stat().st_size
        tracks = _tracks(file, size)
        inside = list(elements_in(file, tracks.begin, tracks.end))
        found = [element for element in inside if element.kind == _TRACK]
        for place, entry in entries.items():
            if place >= len(found):
                raise MarlinEditError(f"The file has {len(found)} tracks, and {place + 1} were written.")
            content = _rewritten(file, found[place], entry)
            file.seek(found[place].begin)
            file.write(content)
        if inside and inside[0].kind == _CHECKSUM:  # RFC 8794, 11.3.1: of all that follows it in its element
            file.seek(inside[0].end)
            checksum = zlib.crc32(file.read(tracks.end - inside[0].end))
            file.seek(inside[0].begin)
            file.write(checksum.to_bytes(4, "little"))


def entries_of(path: Path) -> list[Entry]:
    """What a file says of its tracks, in its order; nothing if it cannot be read."""
    with path.open("rb") as file:
        try:
            tracks = _tracks(file, path.stat().st_size)
            return [
                _entry_of(file, track) for track in elements_in(file, tracks.begin, tracks.end) if track.kind == _TRACK
            ]
        except MarlinEditError:
            return []


def _entry_of(file: BinaryIO, track: _Element) -> Entry:
    found = {}
    display = None
    for element in elements_in(file, track.begin, track.end):
        if element.kind == _VIDEO:
            display = _display_of(file, element)
        if element.kind in (_LANGUAGE, _LANGUAGE_TAG, _CODEC, _PRIVATE):
            file.seek(element.begin)
            found[element.kind] = file.read(element.end - element.begin)
    language, tag, codec = (
        found.get(kind, default).rstrip(b"\0").decode("ascii", "replace")
        for kind, default in ((_LANGUAGE, b"eng"), (_LANGUAGE_TAG, b""), (_CODEC, b""))  # RFC 9559: English unless said
    )
    return Entry(language, tag, codec, found.get(_PRIVATE, b""), display)


def _tracks(file: BinaryIO, size: int) -> _Element:
    for segment in elements_in(file, 0, size):
        if segment.kind != _SEGMENT:
            continue
        for element in elements_in(file, segment.begin, segment.end):
            if element.kind == _TRACKS:
                return element
            if element.kind == _CLUSTER:
                break
    raise MarlinEditError("The Matroska file has no list of tracks.")


def _rewritten(file: BinaryIO, track: _Element, entry: Entry) -> bytes:
    """The content of a track's entry, in its size."""
    replaced = {_LANGUAGE, _LANGUAGE_TAG} | ({_CODEC, _PRIVATE} if entry.codec else set())
    parts = []
    for element in elements_in(file, track.begin, track.end):
        if element.kind == _VIDEO and entry.display is not None:
            parts.append(_element(_VIDEO, _shown(file, element, entry.display)))
        elif element.kind not in replaced | {_VOID}:
            parts.append(_whole(file, element))
    parts.append(_element(_LANGUAGE, entry.language.encode()))
    parts += [_element(_LANGUAGE_TAG, entry.tag.encode())] if entry.tag else []
    if entry.codec:
        parts.append(_element(_CODEC, entry.codec.encode()))
        parts += [_element(_PRIVATE, entry.private)] if entry.private else []
    content = b"".join(parts)
    return content + _void(track.end - track.begin - len(content))


def _shown(file: BinaryIO, video: _Element, display: tuple[int, int, int]) -> bytes:
    """What an entry says of its picture, with this display."""
    kept = [_whole(file, one) for one in elements_in(file, video.begin, video.end) if one.kind not in _DISPLAY]
    said = [
        (kind, value) for kind, value in zip(_DISPLAY, display, strict=True) if value
    ]  # without a unit it is pixels
    return b"".join([*kept, *(_element(kind, value.to_bytes(4, "big")) for kind, value in said)])


def _display_of(file: BinaryIO, video: _Element) -> tuple[int, int, int] | None:
    found = {}
    for element in elements_in(file, video.begin, video.end):
        file.seek(element.begin)
        if element.kind in _DISPLAY:
            found[element.kind] = int.from_bytes(file.read(element.end - element.begin), "big")
    width, height, unit = (found.get(kind, 0) for kind in _DISPLAY)
    return (width, height, unit) if width and height and max(width, height) < 1 << 32 and unit < _UNKNOWN_UNIT else None


def _whole(file: BinaryIO, element: _Element) -> bytes:
    file.seek(element.head)
    return file.read(element.end - element.head)
