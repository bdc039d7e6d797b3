"""H.264 and HEVC as bits: NAL units, parameter sets and the records that MP4 and Matroska keep them in. It reads what
encoded pictures must match, and writes encoders' parameter sets so that they do (H.264: ITU-T H.264 7.3, HEVC: H.265
7.3, records: ISO/IEC 14496-15).
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from enum import Enum


class Unreadable(ValueError):
    """A parameter set or record that is not as its standard says."""


class Kind(Enum):
    """How the types of NAL units are numbered. The values are the types of what this module needs."""

    H264 = "h264"
    HEVC = "hevc"

    def type_of(self, unit: bytes | memoryview) -> int:
        if not len(unit):
            raise Unreadable("an empty NAL unit")
        return unit[0] & 31 if self is Kind.H264 else unit[0] >> 1 & 63

    def is_picture(self, unit: bytes | memoryview) -> bool:
        kind = self.type_of(unit)
        return 1 <= kind <= 5 if self is Kind.H264 else kind < 32

    def is_parameters(self, unit: bytes | memoryview) -> bool:
        kind = self.type_of(unit)
        return kind in (7, 8, 13, 15) if self is Kind.H264 else 32 <= kind <= 34

    def is_delimiter(self, unit: bytes | memoryview) -> bool:
        return self.type_of(unit) == (9 if self is Kind.H264 else 35)

    def starts_anew(self, units: Sequence[bytes]) -> bool:
        """Whether a picture forgets all pictures before it, so that what follows it can follow foreign ones: IDR, and
        in HEVC the other random access pictures too (their leading pictures set aside), where they let go of nothing
        that is still to be shown (no_output_of_prior_pics_flag)."""
        for unit in units:
            if self.is_picture(unit):
                if self is Kind.H264:
                    return self.type_of(unit) == 5
                return 16 <= self.type_of(unit) <= 21 and len(unit) > 2 and not unit[2] & 0x40
        return False


CRA, BLA_N_LP = 21, 18
VPS, SPS, PREFIX_SEI, DOLBY_VISION = 32, 33, 39, 62


def split_sized(data: bytes | memoryview, size: int) -> list[bytes]:
    """NAL units that each follow their length in `size` bytes."""
    units, place = [], 0
    while place < len(data):
        length = int.from_bytes(data[place : place + size], "big")
        place += size
        if length == 0 or place + length > len(data):
            raise Unreadable("a NAL unit is longer than its packet")
        units.append(bytes(data[place : place + length]))
        place += length
    return units


def split_annex_b(data: bytes) -> list[bytes]:
    """NAL units that each follow a start code."""
    units = []
    begin = data.find(b"\0\0\1")
    while begin >= 0:
        end = data.find(b"\0\0\1", begin + 3)
        unit = data[begin + 3 : end if end >= 0 else len(data)].rstrip(b"\0")
        if unit:
            units.append(unit)
        begin = end
    return units


def join_sized(units: Sequence[bytes], size: int) -> bytes:
    return b"".join(len(unit).to_bytes(size, "big") + unit for unit in units)


def without_cra(unit: bytes) -> bytes:
    """A slice of a clean random access picture as one of a broken link: with it a decoder begins anew. Only the type in
    its header changes: both kinds have the same slice header."""
    return bytes([unit[0] & 0x81 | BLA_N_LP << 1]) + unit[1:] if Kind.HEVC.type_of(unit) == CRA else unit


@dataclass(frozen=True)
class Record:
    """A stream's parameter sets outside its packets (avcC, hvcC). extension: what follows the sets in an avcC."""

    kind: Kind
    length_size: int
    sets: tuple[bytes, ...]
    head: bytes
    extension: bytes = b""

    def with_sets(self, more: Sequence[bytes]) -> bytes:
        """An avcC with further parameter sets."""
        assert self.kind is Kind.H264
        sets = [*self.sets, *more]
        written = bytearray(self.head[:4])
        written.append(0xFC | self.length_size - 1)
        for number, reserved in ((7, 0xE0), (8, 0)):
            chosen = [one for one in sets if Kind.H264.type_of(one) == number]
            if len(chosen) > (31 if number == 7 else 255):
                raise Unreadable("too many parameter sets")
            written.append(reserved | len(chosen))
            for one in chosen:
                written += len(one).to_bytes(2, "big") + one
        return bytes(written) + self.extension


def read_record(kind: Kind, data: bytes) -> Record:
    try:
        if data[:1] != b"\x01":
            raise Unreadable("its parameter sets are not kept apart from its pictures")
        return _avcc(data) if kind is Kind.H264 else _hvcc(data)
    except IndexError as error:
        raise Unreadable("its parameter sets cannot be read") from error


def _avcc(data: bytes) -> Record:
    sets, place = [], 5
    for mask in (31, 255):
        count = data[place] & mask
        place += 1
        for _ in range(count):
            length = int.from_bytes(data[place : place + 2], "big")
            sets.append(data[place + 2 : place + 2 + length])
            place += 2 + length
    return Record(Kind.H264, (data[4] & 3) + 1, tuple(sets), data[:5], data[place:])


def _hvcc(data: bytes) -> Record:
    sets, place = [], 23
    for _ in range(data[22]):
        count = int.from_bytes(data[place + 1 : place + 3], "big")
        place += 3
        for _ in range(count):
            length = int.from_bytes(data[place : place + 2], "big")
            sets.append(data[place + 2 : place + 2 + length])
            place += 2 + length
    return Record(Kind.HEVC, (data[21] & 3) + 1, tuple(sets), data[:23])


class _Bits:
    """Reads a NAL unit bit by bit, emulation prevention taken out."""

    def __init__(self, unit: bytes) -> None:
        raw = unit.replace(b"\0\0\3", b"\0\0")
        self.text = bin(int.from_bytes(b"\1" + raw, "big"))[3:]
        self.place = 0

    def number(self, bits: int) -> int:
        if self.place + bits > len(self.text):
            raise Unreadable("a parameter set ends too early")
        self.place += bits
        return int(self.text[self.place - bits : self.place] or "0", 2)

    def flag(self) -> bool:
        return bool(self.number(1))

    def unsigned(self) -> int:
        zeros = 0
        while not self.number(1):
            zeros += 1
            if zeros > 32:
                raise Unreadable("a number in a parameter set is too long")
        return (1 << zeros) - 1 + self.number(zeros)

    def signed(self) -> int:
        value = self.unsigned()
        return (value + 1) // 2 if value % 2 else -(value // 2)

    @property
    def end(self) -> int:
        """Where the trailing bits begin."""
        return self.text.rindex("1")


def _unsigned_text(value: int) -> str:
    digits = bin(value + 1)[2:]
    return "0" * (len(digits) - 1) + digits


def _unit_of(text: str) -> bytes:
    """A NAL unit of payload bits: trailing bits and emulation prevention added."""
    text += "1"
    text += "0" * (-len(text) % 8)
    raw = int(text, 2).to_bytes(len(text) // 8, "big")
    written = bytearray()
    zeros = 0
    for byte in raw:
        if zeros >= 2 and byte <= 3:
            written.append(3)
            zeros = 0
        written.append(byte)
        zeros = zeros + 1 if byte == 0 else 0
    return bytes(written)


@dataclass(frozen=True)
class PictureSet:
    """What a sequence parameter set says that pictures joined to others must have alike. depths are of reordering:
    how many frames may be shown later than they were decoded (None where it is not said), and frames kept."""

    number: int
    profile: int
    level: int
    format: tuple[int, ...]
    """Chroma format, bit depths, size in macroblocks or pixels, cropping, whether frames only."""
    reorder: int | None
    references: int


@dataclass(frozen=True)
class H264Set(PictureSet):
    frames_only: bool
    text: str
    references_at: tuple[int, int]
    rest_at: int


_WITH_CHROMA = (100, 110, 122, 244, 44, 83, 86, 118, 128, 138, 139, 134, 135)


def read_h264_set(unit: bytes) -> H264Set:
    """A sequence parameter set of H.264 (7.3.2.1.1, E.1.1)."""
    bits = _Bits(unit)
    bits.number(8)
    profile, _, level = bits.number(8), bits.number(8), bits.number(8)
    number = bits.unsigned()
    chroma, depths, separate = 1, (0, 0), False
    if profile in _WITH_CHROMA:
        chroma = bits.unsigned()
        separate = bits.flag() if chroma == 3 else False
        depths = (bits.unsigned(), bits.unsigned())
        bits.flag()
        if bits.flag():
            for at in range(12 if chroma == 3 else 8):
                if bits.flag():
                    _skip_scaling_list(bits, 16 if at < 6 else 64)
    bits.unsigned()
    order = bits.unsigned()
    if order == 0:
        bits.unsigned()
    elif order == 1:
        bits.flag()
        bits.signed()
        bits.signed()
        for _ in range(bits.unsigned()):
            bits.signed()
    begin = bits.place
    references = bits.unsigned()
    references_at = (begin, bits.place)
    bits.flag()
    width, height, frames_only = bits.unsigned(), bits.unsigned(), bits.flag()
    if not frames_only:
        bits.flag()
    bits.flag()
    rest_at = bits.place
    crop = tuple(bits.unsigned() for _ in range(4)) if bits.flag() else (0, 0, 0, 0)
    reorder = _h264_reorder(bits) if bits.flag() else None
    known = (chroma, int(separate), *depths, width, height, int(frames_only), *crop)
    return H264Set(
        number,
        profile,
        level,
        known,
        reorder,
        references,
        frames_only,
        bits.text[: bits.end],
        references_at,
        rest_at,
    )


def _skip_scaling_list(bits: _Bits, size: int) -> None:
    last = following = 8
    for _ in range(size):
        if following:
            following = (last + bits.signed() + 256) % 256
        last = following or last


def _h264_reorder(bits: _Bits) -> int | None:
    """max_num_reorder_frames of the usability information (E.1.1); None where it does not say."""
    if bits.flag() and bits.number(8) == 255:
        bits.number(32)
    if bits.flag():
        bits.flag()
    if bits.flag():
        bits.number(4)
        if bits.flag():
            bits.number(24)
    if bits.flag():
        bits.unsigned()
        bits.unsigned()
    if bits.flag():
        bits.number(65)
    buffered = False
    for _ in range(2):
        if bits.flag():
            buffered = True
            count = bits.unsigned() + 1
            bits.number(8)
            for _ in range(count):
                bits.unsigned()
                bits.unsigned()
                bits.flag()
            bits.number(20)
    if buffered:
        bits.flag()
    bits.flag()
    if not bits.flag():
        return None
    bits.flag()
    for _ in range(4):
        bits.unsigned()
    return bits.unsigned()


def h264_set_like(ours: bytes, source: bytes) -> bytes:
    """Our sequence parameter set with all of the source's that describes how pictures are kept and shown: level,
    reference count, cropping, and the whole usability information with colour, aspect and reordering.

    Raises Unreadable where the pictures of ours would not fit into that.
    """
    mine, theirs = read_h264_set(ours), read_h264_set(source)
    if mine.format != theirs.format:
        raise Unreadable("the encoder makes pictures of another format")
    if mine.references > theirs.references or (
        theirs.reorder is not None and (mine.reorder is None or mine.reorder > theirs.reorder)
    ):
        raise Unreadable("the encoder keeps more pictures than the source does")
    begin, end = mine.references_at
    text = (
        mine.text[:24]
        + theirs.text[24:32]
        + mine.text[32:begin]
        + _unsigned_text(theirs.references)
        + mine.text[end : mine.rest_at]
        + theirs.text[theirs.rest_at :]
    )
    return _unit_of(text)


def h264_numbers(units: Sequence[bytes]) -> set[int]:
    """The ids that sequence and picture parameter sets among `units` have."""
    found = set()
    for unit in units:
        kind = Kind.H264.type_of(unit)
        if kind == 7:
            found.add(read_h264_set(unit).number)
        elif kind == 8:
            bits = _Bits(unit)
            bits.number(8)
            found.add(bits.unsigned())
    return found


@dataclass(frozen=True)
class HevcSet(PictureSet):
    smallest_block: int
    """Side of the smallest coding block, of which the coded size is a multiple."""
    text: str
    kept: str
    kept_at: tuple[int, int]


def read_hevc_set(unit: bytes) -> HevcSet:
    """A sequence parameter set of HEVC (7.3.2.2.1), as far as the depths of its picture buffer."""
    bits = _Bits(unit)
    bits.number(16 + 4)
    layers = bits.number(3)
    bits.flag()
    profile, level = _profile_and_level(bits, layers)
    number = bits.unsigned()
    chroma = bits.unsigned()
    separate = bits.flag() if chroma == 3 else False
    size = (bits.unsigned(), bits.unsigned())
    crop = tuple(bits.unsigned() for _ in range(4)) if bits.flag() else (0, 0, 0, 0)
    depths = (bits.unsigned(), bits.unsigned())
    bits.unsigned()
    kept = _kept(bits, layers)
    known = (chroma, int(separate), *depths, *size, *crop)
    buffer, reorder, _ = kept.values
    smallest = 8 << bits.unsigned()
    return HevcSet(
        number,
        profile,
        level,
        known,
        reorder,
        buffer,
        smallest,
        bits.text[: bits.end],
        kept.text,
        (kept.begin, kept.end),
    )


@dataclass(frozen=True)
class _Kept:
    values: tuple[int, int, int]
    text: str
    begin: int
    end: int


def _kept(bits: _Bits, layers: int) -> _Kept:
    """Pictures kept, reordered and waited for, as said for the highest layer."""
    every = bits.flag()
    begin = bits.place
    last = (begin, (0, 0, 0))
    for _ in range(layers + 1 if every else 1):
        at = bits.place
        last = (at, (bits.unsigned(), bits.unsigned(), bits.unsigned()))
    return _Kept(last[1], bits.text[last[0] : bits.place], begin, bits.place)


def _profile_and_level(bits: _Bits, layers: int) -> tuple[int, int]:
    profile = bits.number(8) & 31
    bits.number(80)
    level = bits.number(8)
    present = [(bits.flag(), bits.flag()) for _ in range(layers)]
    if layers:
        bits.number(2 * (8 - layers))
    for has_profile, has_level in present:
        bits.number(88 * has_profile + 8 * has_level)
    return profile, level


def hevc_sets_like(ours: Sequence[bytes], source: Sequence[bytes]) -> list[bytes]:
    """Our units with the picture buffer in video and sequence parameter sets as deep as the source's: a decoder that
    sees the depth change may drop what it has not shown yet (H.265 C.5.2.2).

    Raises Unreadable where the pictures of ours would not fit into that.
    """
    theirs = read_hevc_set(next(unit for unit in source if Kind.HEVC.type_of(unit) == SPS))
    written = []
    for unit in ours:
        kind = Kind.HEVC.type_of(unit)
        if kind == SPS:
            mine = read_hevc_set(unit)
            if mine.format != theirs.format:
                raise Unreadable("the encoder makes pictures of another format")
            assert mine.reorder is not None
            assert theirs.reorder is not None
            if mine.references > theirs.references or mine.reorder > theirs.reorder:
                raise Unreadable("the encoder keeps more pictures than the source does")
            begin, end = mine.kept_at
            unit = _unit_of(mine.text[:begin] + theirs.kept + mine.text[end:])
        elif kind == VPS:
            bits = _Bits(unit)
            bits.number(16 + 4 + 2 + 6)
            layers = bits.number(3)
            bits.number(17)
            _profile_and_level(bits, layers)
            kept = _kept(bits, layers)
            unit = _unit_of(bits.text[: kept.begin] + theirs.kept + bits.text[kept.end : bits.end])
        written.append(unit)
    return written


def hevc_sets_to_repeat(record: Record) -> list[bytes]:
    """Parameter sets and messages of an hvcC that a decoder needs again after foreign pictures; texts of encoders
    (user data, H.265 D.2.7) stay out."""
    return [
        unit
        for unit in record.sets
        if Kind.HEVC.is_parameters(unit) or (Kind.HEVC.type_of(unit) == PREFIX_SEI and unit[2:3] != b"\x05")
    ]


def pictures_of(kind: Kind, units: Sequence[bytes]) -> Iterator[bytes]:
    """The units that hold picture data."""
    return (unit for unit in units if kind.is_picture(unit))
