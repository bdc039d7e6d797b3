"""Units between start codes, as MPEG-2 (ISO/IEC 13818-2, 5.2.3) and MPEG-4 part 2 (ISO/IEC 14496-2) have them. A unit
begins with its start code, `00 00 01` and a byte that says what it is.
"""

from __future__ import annotations


def units_of(data: bytes) -> list[bytes]:
    units = []
    begin = data.find(b"\0\0\1")
    while 0 <= begin < len(data) - 3:
        end = data.find(b"\0\0\1", begin + 3)
        units.append(data[begin : end if end >= 0 else len(data)])
        begin = end
    return units


def code_of(unit: bytes) -> int:
    return unit[3]
