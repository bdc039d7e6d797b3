"""MPEG-4 part 2 (ISO/IEC 14496-2): a video object layer's header says how its pictures are to be read, so it is
repeated in the stream where the encoder's is another one than the source's, and where the container allows that.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from typing import Any

from marlin_edit.media import Scan
from marlin_edit_ffmpeg.codecs.bits import Unreadable, code_of, units_of
from marlin_edit_ffmpeg.codecs.syntax import Attempt, Begin, Codec, Data, Route, Splicing, Syntax, first_header
from marlin_edit_ffmpeg.containers import MKV, Container

_FIRST_LAYER, _LAST_LAYER = 0x20, 0x2F
_USER, _GROUP, _PICTURE = 0xB2, 0xB3, 0xB6


class Mpeg4:
    """Packets of an MPEG-4 part 2 stream. may_repeat: whether headers may be in packets and differ there."""

    encoder = "mpeg4"
    unclean = "its keyframes are not complete pictures"

    def __init__(self, extradata: bytes, *, may_repeat: bool) -> None:
        self._headers = _headers_of(extradata)
        self._may_repeat = may_repeat
        self._ours: list[bytes] = []

    def look_at(self, data: Data) -> Begin:
        """Read a keyframe; whether a copy can begin there."""
        units = units_of(bytes(data))
        self._headers = self._headers or _headers_of(bytes(data))
        if sum(code_of(unit) == _PICTURE for unit in units) > 1:
            raise Unreadable("its packets hold several pictures each")
        return Begin.CLEAN if any(code_of(unit) == _PICTURE and unit[4] >> 6 == 0 for unit in units) else Begin.NEVER

    def begin_at(self, data: Data, leading: Sequence[Data]) -> None:
        """Note the keyframe that copying begins at."""
        self._headers = _headers_of(bytes(data)) or self._headers

    def pictures(self, data: Data) -> Iterable[bytes]:
        """The parts of a packet that stay the same bit for bit."""
        return (unit for unit in units_of(bytes(data)) if code_of(unit) == _PICTURE)

    def attempts(self, context: Any, scan: Scan) -> Iterator[Attempt]:
        """Settings of the encoder, best first."""
        fields = scan is not Scan.PROGRESSIVE
        reorders = context.has_b_frames
        yield Attempt({}, depth=1 if reorders else 0, fields=fields, between=2 if reorders else 0)

    def accept(self, header: bytes) -> None:
        """Take an encoder's header, or raise Unreadable."""
        self._ours = _headers_of(header)
        if _layer(self._ours) == _layer(self._headers):
            return
        if not self._may_repeat:
            raise Unreadable("the encoder's header is another one than the source's")

    def extradata(self) -> bytes | None:
        """The clip's header; None if it is the source's own."""
        return None

    def encoded(self, data: bytes, *, is_keyframe: bool) -> bytes:
        """A packet of the encoder as it goes into the clip."""
        if not is_keyframe or _layer(self._ours) == _layer(self._headers):
            return data
        return b"".join([*self._ours, data])

    def copied(self, data: Data, *, is_keyframe: bool, after_foreign: bool) -> Data:
        """A packet of the source as it goes into the clip."""
        units = units_of(bytes(data))
        if sum(code_of(unit) == _PICTURE for unit in units) != 1:
            raise Unreadable("its packets hold several pictures each")
        if not after_foreign or _layer(self._ours) == _layer(self._headers) or _layer(units) is not None:
            return data
        return b"".join([*self._headers, bytes(data)])


def _headers_of(data: bytes) -> list[bytes]:
    """What comes before the first picture, texts and groups aside; empty where no layer's header is among it."""
    units = []
    for unit in units_of(data):
        if code_of(unit) == _PICTURE:
            break
        if code_of(unit) not in (_USER, _GROUP):
            units.append(unit)
    return units if _layer(units) is not None else []


def _layer(units: list[bytes]) -> bytes | None:
    return next((unit for unit in units if _FIRST_LAYER <= code_of(unit) <= _LAST_LAYER), None)


def _open(header: bytes, route: Route) -> Syntax | None:
    return Mpeg4(header, may_repeat=route.kind is MKV) if route.boxed or "avi" in route.names else None


def _keyframe(header: bytes, data: bytes, kind: Container, is_first: bool) -> bytes:
    if kind.edit_list:
        return data
    return bytes(Mpeg4(header, may_repeat=True).copied(data, is_keyframe=True, after_foreign=True))


CODEC = Codec(_open, Splicing(common_header=first_header, keyframe=_keyframe))
