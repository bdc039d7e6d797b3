"""Reading headers bit by bit, and writing parameter sets of NAL units."""

from __future__ import annotations


class Unreadable(ValueError):
    """A header or record that is not as its standard says."""


class Bits:
    """Reads bytes bit by bit."""

    def __init__(self, raw: bytes) -> None:
        self.text = bin(int.from_bytes(b"\1" + raw, "big"))[3:]
        self.place = 0

    def number(self, bits: int) -> int:
        """A number of so many bits."""
        if self.place + bits > len(self.text):
            raise Unreadable("a header ends too early")
        self.place += bits
        return int(self.text[self.place - bits : self.place] or "0", 2)

    def flag(self) -> bool:
        """One bit."""
        return bool(self.number(1))

    def unsigned(self) -> int:
        """An unsigned Exp-Golomb number."""
        first = self.text.find("1", self.place)
        zeros = first - self.place
        if first < 0 or zeros > 32:
            raise Unreadable("a number in a header is too long")
        self.place = first + 1
        return (1 << zeros) - 1 + self.number(zeros)

    def signed(self) -> int:
        """A signed Exp-Golomb number."""
        value = self.unsigned()
        return (value + 1) // 2 if value % 2 else -(value // 2)

    @property
    def end(self) -> int:
        """Where the trailing bits begin."""
        return self.text.rindex("1")


def unit_bits(unit: bytes) -> Bits:
    """The bits of a NAL unit, emulation prevention taken out."""
    return Bits(unit.replace(b"\0\0\3", b"\0\0"))


def unsigned_text(value: int) -> str:
    """A number as unsigned Exp-Golomb bits."""
    digits = bin(value + 1)[2:]
    return "0" * (len(digits) - 1) + digits


def unit_of(text: str) -> bytes:
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


def units_of(data: bytes) -> list[bytes]:
    """The units of a stream with start codes, each with its own."""
    units = []
    begin = data.find(b"\0\0\1")
    while 0 <= begin < len(data) - 3:
        end = data.find(b"\0\0\1", begin + 3)
        units.append(data[begin : end if end >= 0 else len(data)])
        begin = end
    return units


def code_of(unit: bytes) -> int:
    """The byte that says what a unit is."""
    return unit[3]
