"""Slice headers of H.264, and pictures of an open group numbered anew, so that its keyframe can start a stream: it
becomes an IDR picture, and what follows counts from it (ITU-T H.264, 7.3.3, 8.2.1, 8.2.4, 8.2.5). No bit that codes a
picture changes. Raises Unreadable for streams that do more with their references than encoders usually do.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass, field

from marlin_edit_ffmpeg.codecs.bits import Bits, Unreadable, unit_bits, unsigned_text

SLICE, IDR, SEI, SPS, PPS = 1, 5, 6, 7, 8
_B, _I, _OTHERS = 1, 2, (3, 4)
_LONGEST = 1024
"""Bytes in which a header must end."""

_RECOVERY_POINT = 6
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
        """All of it that numbering anew leaves as it is."""
        words = (self.opening, str(self.bottom), self.redundant, self.active, self.weights, self.closing)
        coded = self.coded if isinstance(self.coded, bytes) else self.coded.encode()
        return " ".join(words).encode() + coded


class Slices:
    """Reads and writes the slices of one stream, whose parameter sets it is told of."""

    def __init__(self) -> None:
        self._sps: dict[int, _Sps] = {}
        self._pps: dict[int, _Pps] = {}

    def learn(self, units: Sequence[bytes]) -> None:
        for unit in units:
            if unit[0] & 31 == SPS:
                number, sps = _read_sps(unit)
                self._sps[number] = sps
        for unit in units:
            if unit[0] & 31 == PPS:
                number, pps = _read_pps(unit)
                self._pps[number] = pps

    def sets_of(self, unit: bytes) -> tuple[_Sps, _Pps]:
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
        lists = 0 if type_ == _I else 2 if type_ == _B else 1
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
        whole = _unescaped(unit)
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


def begins_an_open_group(units: Sequence[bytes], slices: Slices) -> bool:
    """Whether decoding can begin at a picture, but for those shown before it: it has no references, and its message
    says that what is shown after it is right at once."""
    at_once = any(unit[0] & 31 == SEI and _recovers_at_once(unit) for unit in units)
    pictures = [unit for unit in units if unit[0] & 31 == SLICE]
    if not at_once or not pictures:
        return False
    return all(unit[0] & 0x60 and slices.read(unit).type == _I for unit in pictures)


class Renumbering:
    """Numbers the pictures from a keyframe of an open group on anew, until an IDR picture comes by itself. Pictures are
    given in file order: the keyframe, those that are left out because they are shown before it, and all others."""

    def __init__(self, slices: Slices) -> None:
        self._slices = slices
        self._kept: dict[int, int] = {}
        """Frame numbers of the pictures that can still be referred to, as they were, and as they are now."""
        self._left_out = 0
        self._first: tuple[int, int] | None = None
        self._before, self._now = _Orders(), _Orders()
        self.over = False
        """Whether an IDR picture has come, from which on all can stay as it is."""

    def leave_out(self, units: Sequence[bytes]) -> None:
        one = self._first_slice(units)
        if one is None or self._first is None:
            raise Unreadable("what is left out has no picture")
        self._left_out += bool(one[1].reference)
        self._before.take(one[1].order, self._slices.order_bits(one[0])[1], reference=bool(one[1].reference))

    def renumbered(self, units: Sequence[bytes]) -> list[bytes]:
        self._slices.learn(units)
        found = self._first_slice(units)
        self.over = self.over or (found is not None and found[1].kind == IDR)
        if found is None or self.over:
            return list(units)
        unit, picture = found
        numbers, orders = self._slices.order_bits(unit)
        if self._first is None:
            self._first = (picture.frame_number, picture.order + min(0, picture.bottom))
        now = self._numbered(picture.frame_number, numbers)
        written = [self._rewritten(one, now, orders) if one[0] & 31 == SLICE else one for one in units]
        self._check_order(picture, orders)
        self._take(picture, now, numbers)
        return written

    def _first_slice(self, units: Sequence[bytes]) -> tuple[bytes, Slice] | None:
        for unit in units:
            if unit[0] & 31 in (SLICE, IDR):
                return unit, self._slices.read(unit)
        return None

    def _numbered(self, frame_number: int, bits: int) -> int:
        assert self._first is not None
        if not self._kept:
            return 0
        return (frame_number - self._first[0] - self._left_out) % (1 << bits)

    def _rewritten(self, unit: bytes, now: int, orders: int) -> bytes:
        assert self._first is not None
        one = self._slices.read(unit)
        numbers, _ = self._slices.order_bits(unit)
        one.order = (one.order - self._first[1]) % (1 << orders)
        if not self._kept:
            one.kind = IDR
        else:
            lists = zip(one.moves, one.counts, strict=True)
            one.moves = [self._moved(moves, count, one.frame_number, now, numbers) for moves, count in lists]
            if one.marking is not None:
                places = [((one.frame_number - gap - 1) % (1 << numbers)) for gap in one.marking]
                kept = [self._kept[place] for place in places if place in self._kept]
                one.marking = [(now - place) % (1 << numbers) - 1 for place in kept]
        one.frame_number = now
        return self._slices.written(unit, one)

    def _moved(
        self, moves: list[tuple[int, int]] | None, count: int, before: int, now: int, bits: int
    ) -> list[tuple[int, int]] | None:
        """Operations on a list of `count` references (8.2.4.3.1), each of which counts from the one before it."""
        moved = []
        left = set(self._kept)
        for operation, gap in moves or ():
            before = (before + (gap + 1 if operation else -gap - 1)) % (1 << bits)
            if before not in self._kept:
                raise Unreadable("pictures after its keyframe refer to some before it")
            target = self._kept[before]
            moved.append((0, (now - target - 1) % (1 << bits)))
            now = target
            left.discard(before)
        if count > len(moved) + len(left):
            raise Unreadable("pictures after its keyframe may refer to some before it")
        return None if moves is None else moved

    def _check_order(self, picture: Slice, orders: int) -> None:
        """What is shown when must be as before, counted from the keyframe."""
        assert self._first is not None
        reference = bool(picture.reference)
        before = self._before.take(picture.order, orders, reference=reference)
        now = self._now.take((picture.order - self._first[1]) % (1 << orders), orders, reference=reference)
        if not self._kept:
            self._shift = before - now
        elif before - now != self._shift:
            raise Unreadable("its pictures cannot be counted from the keyframe")

    def _take(self, picture: Slice, now: int, bits: int) -> None:
        if not picture.reference:
            return
        for gap in picture.marking or ():
            self._kept.pop((picture.frame_number - gap - 1) % (1 << bits), None)
        self._kept.pop(picture.frame_number, None)
        self._kept[picture.frame_number] = now


class _Orders:
    """Picture order counts in full (8.2.1.1), of which slices hold the last bits."""

    def __init__(self) -> None:
        self._high = self._low = 0

    def take(self, low: int, bits: int, *, reference: bool) -> int:
        whole = 1 << bits
        high = self._high
        if low < self._low and self._low - low >= whole // 2:
            high += whole
        elif low > self._low and low - self._low > whole // 2:
            high -= whole
        if reference:
            self._high, self._low = high, low
        return high + low


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


def _recovers_at_once(unit: bytes) -> bool:
    """Whether a message unit holds a recovery point (D.1.8) of no frames."""
    raw, place = _unescaped(unit), 1
    while place + 2 < len(raw):
        kind = size = 0
        while place < len(raw) and raw[place] == 255:
            kind, place = kind + 255, place + 1
        kind, place = kind + raw[place], place + 1
        while place < len(raw) and raw[place] == 255:
            size, place = size + 255, place + 1
        if place >= len(raw):
            return False
        size, place = size + raw[place], place + 1
        if kind == _RECOVERY_POINT:
            return Bits(raw[place : place + size]).unsigned() == 0
        place += size
    return False


def _read_sps(unit: bytes) -> tuple[int, _Sps]:
    from marlin_edit_ffmpeg.codecs.h264 import read_h264_set

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


def _unescaped(unit: bytes) -> bytes:
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
