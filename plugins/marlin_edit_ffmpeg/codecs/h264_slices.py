"""Slice headers of H.264 (ITU-T H.264, 7.3.3), taken apart and written again around the bits that code a picture.
Raises Unreadable for streams that do more with their references than encoders usually do.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass, field, replace

from marlin_edit_ffmpeg.codecs.bits import Bits, Unreadable, unit_bits, unsigned_text
from marlin_edit_ffmpeg.codecs.h264_sets import read_h264_set

SLICE, IDR, SEI, SPS, PPS = 1, 5, 6, 7, 8
I_SLICE = 2
_B, _OTHERS = 1, (3, 4)
_LONGEST = 1024
"""Bytes in which a header must end."""

_REMEMBERED = 16
_ANOTHER_IDR = 2
"""The id of the picture that becomes one: encoders take turns with 0 and 1."""

_ESCAPED = re.compile(rb"\0\0(?=[\0-\3])")


@dataclass(frozen=True)
class _Sps:
    frame_number: int
    """Bits of it."""
    order: int
    frames_only: bool
    chroma: bool
    planes: bool


@dataclass(frozen=True)
class _Pps:
    sps: int
    cabac: bool
    bottom_order: bool
    active: tuple[int, int]
    weighted: bool
    bi_weighted: bool
    deblocking: bool
    redundant: bool


@dataclass
class Slice:
    """A slice's header, taken apart. opening, middle: its bits before the frame number, and between the references and
    the marking, as they are. moves: of each list, operations and numbers. marking: operations that let go of pictures,
    None where the window slides. coded: the picture, from the header's end on."""

    kind: int
    reference: int
    type: int
    opening: str
    frame_number: int
    order: int
    bottom: int
    redundant: str
    active: str
    counts: list[int] = field(default_factory=list)
    moves: list[list[tuple[int, int]] | None] = field(default_factory=list)
    weights: str = ""
    marking: list[int] | None = None
    closing: str = ""
    coded: str | bytes = b""

    @property
    def unnumbered(self) -> bytes:
        """All of it that renumbering does not change."""
        words = (self.opening, str(self.bottom), self.redundant, self.active, self.weights, self.closing)
        coded = self.coded if isinstance(self.coded, bytes) else self.coded.encode()
        return " ".join(words).encode() + coded


class Slices:
    """Reads and writes the slices of one stream, whose parameter sets it is shown."""

    def __init__(self) -> None:
        self._sps: dict[int, _Sps] = {}
        self._pps: dict[int, _Pps] = {}
        self._latest: dict[bytes, Slice] = {}
        """Those that were read last: each is looked at from several sides."""

    def learn(self, units: Sequence[bytes]) -> None:
        """Keep the parameter sets among these units."""
        for unit in units:
            if unit[0] & 31 == SPS:
                number, sps = _read_sps(unit)
                self._sps[number] = sps
                self._latest.clear()
        for unit in units:
            if unit[0] & 31 == PPS:
                number, pps = _read_pps(unit)
                self._pps[number] = pps
                self._latest.clear()

    def sets_of(self, unit: bytes) -> tuple[_Sps, _Pps]:
        """The parameter sets of a slice."""
        bits = unit_bits(unit[:32])
        bits.number(8)
        bits.unsigned()
        bits.unsigned()
        try:
            pps = self._pps[bits.unsigned()]
            return self._sps[pps.sps], pps
        except KeyError:
            raise Unreadable("a picture's parameter sets are not there") from None

    def read(self, unit: bytes) -> Slice:
        """The header of a slice."""
        found = self._latest.get(unit)
        if found is None:
            if len(self._latest) >= _REMEMBERED:
                self._latest.clear()
            found = self._latest[unit] = self._read(unit)
        return replace(found)

    def _read(self, unit: bytes) -> Slice:
        sps, pps = self.sets_of(unit)
        bits = unit_bits(unit[:_LONGEST])
        bits.number(1)
        reference, kind = bits.number(2), bits.number(5)
        begin = bits.place
        bits.unsigned()
        type_ = bits.unsigned() % 5
        bits.unsigned()
        if type_ in _OTHERS:
            raise Unreadable("it has switching pictures")
        if sps.planes:
            bits.number(2)
        opening = bits.text[begin : bits.place]
        frame_number = bits.number(sps.frame_number)
        if not sps.frames_only and bits.flag():
            raise Unreadable("it has pictures of single fields")
        if kind == IDR:
            bits.unsigned()
        order = bits.number(sps.order)
        bottom = bits.signed() if pps.bottom_order else 0
        begin = bits.place
        if pps.redundant:
            bits.unsigned()
        redundant = bits.text[begin : bits.place]
        begin = bits.place
        found = Slice(kind, reference, type_, opening, frame_number, order, bottom, redundant, "")
        active = list(pps.active)
        lists = 0 if type_ == I_SLICE else 2 if type_ == _B else 1
        if type_ == _B:
            bits.flag()
        if lists and bits.flag():
            for at in range(lists):
                active[at] = bits.unsigned() + 1
        found.active, found.counts = bits.text[begin : bits.place], active[:lists]
        found.moves = [_read_moves(bits) for _ in range(lists)]
        begin = bits.place
        if (pps.weighted and type_ == 0) or (pps.bi_weighted and type_ == _B):
            _skip_weights(bits, active[:lists], chroma=sps.chroma)
        found.weights = bits.text[begin : bits.place]
        if reference:
            if kind == IDR:
                bits.number(2)
            elif bits.flag():
                found.marking = _read_marking(bits)
        begin = bits.place
        if pps.cabac and lists:
            bits.unsigned()
        bits.signed()
        if pps.deblocking and bits.unsigned() != 1:
            bits.signed()
            bits.signed()
        found.closing = bits.text[begin : bits.place]
        whole = unescaped(unit)
        if pps.cabac:
            found.coded = whole[-(-bits.place // 8) :]
        else:
            found.coded = _bits_from(whole, bits.place)
        return found

    def written(self, of: bytes, one: Slice) -> bytes:
        """A slice as a NAL unit. of: the unit it was read from, by which its parameter sets are found."""
        sps, pps = self.sets_of(of)
        idr = one.kind == IDR
        parts = [f"0{one.reference:02b}{one.kind:05b}", one.opening, _number(one.frame_number, sps.frame_number)]
        if not sps.frames_only:
            parts.append("0")
        if idr:
            parts.append(unsigned_text(_ANOTHER_IDR))
        parts.append(_number(one.order, sps.order))
        if pps.bottom_order:
            parts.append(_signed_text(one.bottom))
        parts += [one.redundant, one.active]
        for moves in one.moves:
            parts.append("0" if moves is None else "1" + _pairs_text(moves, 3))
        parts.append(one.weights)
        if one.reference:
            if idr:
                parts.append("00")
            else:
                known = one.marking is not None
                parts.append("1" + _pairs_text([(1, gap) for gap in one.marking or ()], 0) if known else "0")
        parts.append(one.closing)
        text = "".join(parts)
        if isinstance(one.coded, bytes):
            text += "1" * (-len(text) % 8)
            return _escaped(_bytes_of(text) + one.coded)
        text += one.coded
        return _escaped(_bytes_of(text + "0" * (-len(text) % 8)))

    def order_bits(self, unit: bytes) -> tuple[int, int]:
        """Of frame numbers and of picture order counts."""
        sps, _ = self.sets_of(unit)
        return sps.frame_number, sps.order


def _read_moves(bits: Bits) -> list[tuple[int, int]] | None:
    if not bits.flag():
        return None
    moves = []
    while (operation := bits.unsigned()) != 3:
        if operation > 1:
            raise Unreadable("it has pictures that are referred to for long")
        moves.append((operation, bits.unsigned()))
    return moves


def _read_marking(bits: Bits) -> list[int]:
    gaps = []
    while operation := bits.unsigned():
        if operation != 1:
            raise Unreadable("it has pictures that are referred to for long")
        gaps.append(bits.unsigned())
    return gaps


def _skip_weights(bits: Bits, active: Sequence[int], *, chroma: bool) -> None:
    bits.unsigned()
    if chroma:
        bits.unsigned()
    for count in active:
        for _ in range(count):
            for numbers in (2, 4) if chroma else (2,):
                if bits.flag():
                    for _ in range(numbers):
                        bits.signed()


def _read_sps(unit: bytes) -> tuple[int, _Sps]:
    known = read_h264_set(unit)
    if known.order_bits is None:
        raise Unreadable("its pictures are not counted one by one")
    chroma, planes = known.format[0], bool(known.format[1])
    return known.number, _Sps(known.number_bits, known.order_bits, known.frames_only, chroma > 0 and not planes, planes)


def _read_pps(unit: bytes) -> tuple[int, _Pps]:
    """A picture parameter set (7.3.2.2)."""
    bits = unit_bits(unit)
    bits.number(8)
    number, sps = bits.unsigned(), bits.unsigned()
    cabac, bottom = bits.flag(), bits.flag()
    if bits.unsigned():
        raise Unreadable("its pictures are in several groups of slices")
    active = (bits.unsigned() + 1, bits.unsigned() + 1)
    weighted, bi_weighted = bits.flag(), bits.number(2) == 1
    for _ in range(3):
        bits.signed()
    deblocking, _, redundant = bits.flag(), bits.flag(), bits.flag()
    return number, _Pps(sps, cabac, bottom, active, weighted, bi_weighted, deblocking, redundant)


def _number(value: int, bits: int) -> str:
    return f"{value:0{bits}b}"


def _signed_text(value: int) -> str:
    return unsigned_text(2 * value - 1 if value > 0 else -2 * value)


def _pairs_text(pairs: Sequence[tuple[int, int]], end: int) -> str:
    return "".join(unsigned_text(operation) + unsigned_text(gap) for operation, gap in pairs) + unsigned_text(end)


def unescaped(unit: bytes) -> bytes:
    """A unit without emulation prevention."""
    return unit.replace(b"\0\0\3", b"\0\0")


def _escaped(raw: bytes) -> bytes:
    written = _ESCAPED.sub(b"\0\0\3", raw)
    return written + b"\3" if written[-1:] == b"\0" else written


def _bits_from(raw: bytes, place: int) -> str:
    """Bits from a place on, to the stop bit and with it."""
    text = bin(int.from_bytes(b"\1" + raw[place // 8 :], "big"))[3 + place % 8 :]
    if "1" not in text:
        raise Unreadable("a picture's bits have no end")
    return text[: text.rindex("1") + 1]


def _bytes_of(text: str) -> bytes:
    return int(text, 2).to_bytes(len(text) // 8, "big")
