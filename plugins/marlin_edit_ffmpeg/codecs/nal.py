"""NAL units of H.264 and HEVC, and where their parameter sets are kept: in records (avcC, hvcC: ISO/IEC 14496-15) or
between start codes (ITU-T H.264 annex B, as in transport streams).
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from enum import Enum

from marlin_edit_ffmpeg.codecs.bits import Unreadable


class Kind(Enum):
    """How the types of NAL units are numbered. The values are the types of what this module needs."""

    H264 = "h264"
    HEVC = "hevc"

    def type_of(self, unit: bytes | memoryview) -> int:
        """The type of a unit."""
        if not len(unit):
            raise Unreadable("an empty NAL unit")
        return unit[0] & 31 if self is Kind.H264 else unit[0] >> 1 & 63

    def is_picture(self, unit: bytes | memoryview) -> bool:
        """Whether a unit is coded picture data."""
        kind = self.type_of(unit)
        return 1 <= kind <= 5 if self is Kind.H264 else kind < 32

    def is_parameters(self, unit: bytes | memoryview) -> bool:
        """Whether a unit is a parameter set."""
        kind = self.type_of(unit)
        return kind in (7, 8, 13, 15) if self is Kind.H264 else 32 <= kind <= 34

    def is_delimiter(self, unit: bytes | memoryview) -> bool:
        """Whether a unit is an access unit delimiter."""
        return self.type_of(unit) == (9 if self is Kind.H264 else 35)

    def is_random_access(self, units: Sequence[bytes]) -> bool:
        """Whether a picture forgets all pictures before it, so that what follows it can follow foreign ones: IDR, and
        in HEVC the other random access pictures too (their leading pictures set aside), where they let go of nothing
        that is still to be shown (no_output_of_prior_pics_flag)."""
        for unit in units:
            if self.is_picture(unit):
                if self is Kind.H264:
                    return self.type_of(unit) == 5
                return 16 <= self.type_of(unit) <= 21 and len(unit) > 2 and not unit[2] & 0x40
        return False


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
    """Units with their sizes in front."""
    return b"".join(len(unit).to_bytes(size, "big") + unit for unit in units)


def join_annex_b(units: Sequence[bytes]) -> bytes:
    """Units with start codes in front."""
    return b"".join(b"\0\0\0\1" + unit for unit in units)


def with_sets(kind: Kind, units: list[bytes], sets: Sequence[bytes]) -> list[bytes]:
    """A picture's units with parameter sets before them, behind its access unit delimiter."""
    place = 1 if units and kind.is_delimiter(units[0]) else 0
    return [*units[:place], *sets, *units[place:]]


@dataclass(frozen=True)
class Record:
    """A stream's parameter sets outside its packets (avcC, hvcC), and how units lie in its packets: each after its
    length in `length_size` bytes, or after a start code (0). extension: what follows the sets in an avcC."""

    kind: Kind
    length_size: int
    sets: tuple[bytes, ...]
    head: bytes
    extension: bytes = b""

    @property
    def in_stream(self) -> bool:
        """Whether parameter sets lie in the packets alone."""
        return self.length_size == 0

    def split(self, data: bytes | memoryview) -> list[bytes]:
        """The units of a packet."""
        return split_sized(data, self.length_size) if self.length_size else split_annex_b(bytes(data))

    def join(self, units: Sequence[bytes]) -> bytes:
        """A packet of these units."""
        return join_sized(units, self.length_size) if self.length_size else join_annex_b(units)

    def pictures(self, data: bytes | memoryview) -> Iterator[bytes]:
        """The units of a packet that hold picture data."""
        return (unit for unit in self.split(data) if self.kind.is_picture(unit))

    def with_sets(self, more: Sequence[bytes]) -> bytes:
        """An avcC with further parameter sets."""
        assert self.kind is Kind.H264
        assert not self.in_stream
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


def read_record(kind: Kind, data: bytes, *, in_stream: bool = False) -> Record:
    """A stream's extradata. in_stream: the container keeps sets in the packets, so the extradata is such units too."""
    if in_stream:
        return Record(kind, 0, tuple(split_annex_b(data)), b"")
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
