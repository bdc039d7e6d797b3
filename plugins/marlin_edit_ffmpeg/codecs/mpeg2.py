"""MPEG-2 (ISO/IEC 13818-2): every picture group carries its sequence header, so that encoded groups stand beside copied
ones with the source's own header before them.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from typing import Any

from marlin_edit.media import Scan
from marlin_edit_ffmpeg.codecs.bits import Bits, Unreadable, code_of, units_of
from marlin_edit_ffmpeg.codecs.syntax import Attempt, Begin, Codec, Data, Route, Splicing, Syntax, first_header
from marlin_edit_ffmpeg.containers import Container

_PICTURE, _USER, _SEQUENCE, _EXTENSION, _END, _GROUP = 0x00, 0xB2, 0xB3, 0xB5, 0xB7, 0xB8
_LAST_SLICE = 0xAF
_SEQUENCE_EXTENSION, _DISPLAY_EXTENSION = 1, 2
_FIELDS = 62  # bits of a sequence header before its quantiser matrices
_CLOSED, _BROKEN = 0x40, 0x20  # in the last byte of a group's header (6.2.2.6)


class Mpeg2:
    """Packets of an MPEG-2 stream. In the first group copied, pictures shown before its first one are left out: its
    header then says that it is closed, and its pictures are numbered from 0."""

    encoder = "mpeg2video"
    unclean = "its keyframes are not complete pictures"

    def __init__(self, extradata: bytes) -> None:
        self._headers = _headers_of(units_of(extradata))
        self._leading = 0
        self._group = -1

    def look_at(self, data: Data) -> Begin:
        """Read a keyframe; whether a copy can begin there."""
        units = units_of(bytes(data))
        self._headers = _headers_of(units) or self._headers
        return (
            Begin.CLEAN
            if any(code_of(unit) == _PICTURE and _picture_type(unit) == 1 for unit in units)
            else Begin.NEVER
        )

    def begin_at(self, data: Data, leading: Sequence[Data]) -> None:
        """Note the keyframe that copying begins at."""
        self._headers = _headers_of(units_of(bytes(data))) or self._headers
        self._leading = len(leading)

    def pictures(self, data: Data) -> Iterable[bytes]:
        """The parts of a packet that stay the same bit for bit."""
        return (unit for unit in units_of(bytes(data)) if 0 < code_of(unit) <= _LAST_SLICE)

    def attempts(self, context: Any, scan: Scan) -> Iterator[Attempt]:
        """Settings of the encoder, best first."""
        yield Attempt({}, fields=not self._like().progressive)

    def accept(self, header: bytes) -> None:
        """Its header comes with its first picture."""

    def extradata(self) -> bytes | None:
        """The clip's header; None if it is the source's own."""
        return None

    def encoded(self, data: bytes, *, is_keyframe: bool) -> bytes:
        """A packet of the encoder as it goes into the clip."""
        units = units_of(data)
        mine = _headers_of(units)
        if not mine:
            return data
        theirs = self._like()
        if _Sequence(mine).format != theirs.format:
            raise Unreadable("the encoder makes pictures in another format")
        rest = [unit for unit in units if unit not in mine]
        return b"".join([*theirs.without_matrices(), *rest])

    def copied(self, data: Data, *, is_keyframe: bool, after_foreign: bool) -> Data:
        """A packet of the source as it goes into the clip."""
        units = units_of(bytes(data))
        codes = [code_of(unit) for unit in units]
        changed = False
        if after_foreign and _SEQUENCE not in codes:
            units = [*self._headers, *units]
            changed = True
        if _GROUP in codes or _SEQUENCE in codes:
            self._group += 1
        if self._leading and self._group <= 0:
            units = [self._renumbered(unit) for unit in units]
            changed = True
        return b"".join(units) if changed else data

    def _renumbered(self, unit: bytes) -> bytes:
        if code_of(unit) == _GROUP:
            return unit[:7] + bytes([unit[7] | _CLOSED & ~_BROKEN]) + unit[8:]
        if code_of(unit) != _PICTURE:
            return unit
        number = (unit[4] << 2 | unit[5] >> 6) - self._leading
        if number < 0:
            return unit
        return unit[:4] + bytes([number >> 2, (number & 3) << 6 | unit[5] & 63]) + unit[6:]

    def _like(self) -> _Sequence:
        if not self._headers:
            raise Unreadable("the source's sequence header is not where its container keeps it")
        return _Sequence(self._headers)


def _headers_of(units: list[bytes]) -> list[bytes]:
    """The sequence header and its extensions, empty where there is none."""
    kept: list[bytes] = []
    for unit in units:
        code = code_of(unit)
        if code == _SEQUENCE:
            kept = [unit]
        elif kept and code == _EXTENSION and unit[4] >> 4 in (_SEQUENCE_EXTENSION, _DISPLAY_EXTENSION):
            kept.append(unit)
        elif code in (_PICTURE, _GROUP):
            break
    return kept


def _picture_type(unit: bytes) -> int:
    return unit[5] >> 3 & 7


class _Sequence:
    """A sequence header with its extensions (6.2.2.1, 6.2.2.3). format: size, whether progressive, chroma."""

    def __init__(self, units: list[bytes]) -> None:
        self._units = units
        bits = Bits(units[0][4:])
        size = (bits.number(12), bits.number(12))
        extension = next((unit for unit in units if unit[4] >> 4 == _SEQUENCE_EXTENSION and unit is not units[0]), None)
        if extension is None:
            raise Unreadable("MPEG-1 cannot be matched")
        bits = Bits(extension[4:])
        bits.number(4 + 8)
        self.progressive = bits.flag()
        self.format = (*size, self.progressive, bits.number(2), bits.number(2), bits.number(2))

    def without_matrices(self) -> list[bytes]:
        """The units, as they stand before pictures that FFmpeg's encoder makes: with the standard's own matrices."""
        text = Bits(self._units[0][4:12]).text[:_FIELDS] + "00"
        return [self._units[0][:4] + int(text, 2).to_bytes(8, "big"), *self._units[1:]]


def _open(header: bytes, route: Route) -> Syntax | None:
    return Mpeg2(header) if route.boxed or route.stream or "mpeg" in route.names or "mxf" in route.names else None


def _keyframe(header: bytes, data: bytes, kind: Container, is_first: bool) -> bytes:
    return bytes(Mpeg2(header).copied(data, is_keyframe=True, after_foreign=True))


CODEC = Codec(_open, Splicing(common_header=first_header, keyframe=_keyframe))
