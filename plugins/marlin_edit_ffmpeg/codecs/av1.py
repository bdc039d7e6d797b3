"""AV1 (the bitstream specification, 5.3 to 5.9; ISOBMFF binding for the record): a packet is a temporal unit that shows
one frame, in order. A sequence header begins each part; encoded and copied parts each bring their own.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from typing import Any

from marlin_edit.media import Scan
from marlin_edit_ffmpeg.codecs.bits import Bits, Unreadable
from marlin_edit_ffmpeg.codecs.syntax import Attempt, Begin, Codec, Data, Splicing, first_header

_SEQUENCE, _DELIMITER, _FRAME_HEADER, _TILES, _METADATA, _FRAME = 1, 2, 3, 4, 5, 6
_PICTURES = (_FRAME_HEADER, _TILES, _FRAME, 7, 8)
_LIGHT = (1, 2)  # metadata_hdr_cll, metadata_hdr_mdcv (6.7.1)


class Av1:
    """Packets of an AV1 stream."""

    encoder = "libsvtav1"
    unclean = "its keyframes are not shown at their place"

    def __init__(self, record: bytes) -> None:
        self._record = record
        self._source: bytes | None = _sequence(_units(record[4:])) if record[:1] == b"\x81" else None
        self._light: list[bytes] = []
        self._ours: bytes | None = None

    def look_at(self, data: Data) -> Begin:
        """Read a keyframe; whether a copy can begin there."""
        return Begin.CLEAN if _shows_keyframe(_units(bytes(data))) else Begin.NEVER

    def begin_at(self, data: Data, leading: Sequence[Data]) -> None:
        """Note the keyframe that copying begins at."""
        units = _units(bytes(data))
        self._source = _sequence(units) or self._source
        self._light = [unit for unit in units if _type(unit) == _METADATA and _content(unit)[0] in _LIGHT]

    def pictures(self, data: Data) -> Iterable[bytes]:
        """The parts of a packet that stay the same bit for bit."""
        return (unit for unit in _units(bytes(data)) if _type(unit) in _PICTURES)

    def attempts(self, context: Any, scan: Scan) -> Iterator[Attempt]:
        """Settings of the encoder, best first. Not its low delay (pred-struct=1): SVT-AV1 4.1 then waits for a packet
        that never comes when the computer has much else to do.
        """
        yield Attempt({"svtav1-params": "lp=1"})

    def accept(self, header: bytes) -> None:
        """Take an encoder's header, or raise Unreadable."""
        self._ours = _sequence(_units(header))

    def extradata(self) -> bytes | None:
        """The clip's header; None if it is the source's own."""
        return None

    def encoded(self, data: bytes, *, is_keyframe: bool) -> bytes:
        """A packet of the encoder as it goes into the clip."""
        units = [unit for unit in _units(data) if _type(unit) != _DELIMITER]
        if not is_keyframe:
            return b"".join(units)
        mine = _sequence(units) or self._ours
        if mine is None or self._source is None:
            raise Unreadable("sequence headers are not where they are kept")
        if _format(mine) != _format(self._source):
            raise Unreadable("the encoder makes pictures in another format")
        rest = [unit for unit in units if _type(unit) != _SEQUENCE]
        return b"".join([mine, *self._light, *rest])

    def copied(self, data: Data, *, is_keyframe: bool, after_foreign: bool) -> Data:
        """A packet of the source as it goes into the clip."""
        return data if not is_keyframe or self._ours is None else self.with_sequence(data)

    def with_sequence(self, data: Data) -> bytes:
        """A keyframe's packet with the sequence header before it, where it has none."""
        units = [unit for unit in _units(bytes(data)) if _type(unit) != _DELIMITER]
        if _sequence(units) is not None or self._source is None:
            return bytes(data)
        return b"".join([self._source, *units])


def _units(data: bytes) -> list[bytes]:
    """Open bitstream units, each with its header and size (5.3.1)."""
    units, place = [], 0
    while place < len(data):
        begin = place
        header = data[place]
        place += 2 if header & 4 else 1
        if not header & 2:
            units.append(data[begin:])
            break
        size, place = _leb128(data, place)
        place += size
        if place > len(data):
            raise Unreadable("a unit is longer than its packet")
        units.append(data[begin:place])
    return units


def _leb128(data: bytes, place: int) -> tuple[int, int]:
    value = 0
    for step in range(8):
        if place >= len(data):
            break
        byte = data[place]
        place += 1
        value |= (byte & 127) << 7 * step
        if not byte & 128:
            return value, place
    raise Unreadable("a unit's size cannot be read")


def _type(unit: bytes) -> int:
    return unit[0] >> 3 & 15


def _content(unit: bytes) -> bytes:
    place = 2 if unit[0] & 4 else 1
    if unit[0] & 2:
        _, place = _leb128(unit, place)
    return unit[place:] or b"\0"


def _sequence(units: Sequence[bytes]) -> bytes | None:
    return next((unit for unit in units if _type(unit) == _SEQUENCE), None)


def _shows_keyframe(units: Sequence[bytes]) -> bool:
    """Whether the first frame of a temporal unit is a keyframe, and is shown there (5.9.2)."""
    for unit in units:
        if _type(unit) in (_FRAME_HEADER, _FRAME):
            first = _content(unit)[0]
            shown_again, kind, shown = first >> 7, first >> 5 & 3, first >> 4 & 1
            return not shown_again and kind == 0 and bool(shown)
    return False


def _format(sequence: bytes) -> tuple[int, ...]:
    """Profile and size of a sequence header (5.5.1), as far as pictures that are joined must have them alike; depth and
    chroma are the pixel format's."""
    bits = Bits(_content(sequence))
    profile = bits.number(3)
    bits.number(1)
    if bits.flag():  # reduced_still_picture_header
        bits.number(5)
    else:
        model = False
        if bits.flag():  # timing_info_present_flag
            bits.number(64)
            if bits.flag():  # equal_picture_interval
                bits.unsigned()
            model = bits.flag()
            if model:
                delay = bits.number(5) + 1
                bits.number(32 + 5 + 5)
        initial = bits.flag()
        for _ in range(bits.number(5) + 1):
            bits.number(12)
            if bits.number(5) > 7:
                bits.number(1)
            if model and bits.flag():
                bits.number(2 * delay + 1)
            if initial and bits.flag():
                bits.number(4)
    wide, high = bits.number(4) + 1, bits.number(4) + 1
    return profile, bits.number(wide) + 1, bits.number(high) + 1


CODEC = Codec(
    lambda header, route: Av1(header) if route.boxed else None,
    Splicing(
        common_header=first_header,
        keyframe=lambda header, data, kind, is_first: Av1(header).with_sequence(data),
    ),
)
