"""A media file's bytes: a fingerprint that is fast on any size, and whether the file is whole."""

from __future__ import annotations

import hashlib
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    pass


_BLOCK = 256 << 10
_BLOCKS = 18


def fingerprint(path: Path) -> str:
    """Tells a file's content apart, not its name: the size, and a hash of its head, its tail and blocks in between.

    Reads at most 4.5 MiB, whatever the size. Two files that differ only between those blocks are taken as the same.
    """
    size = path.stat().st_size
    digest = hashlib.sha256(str(size).encode())
    with path.open("rb") as file:
        if size <= _BLOCK * _BLOCKS:
            digest.update(file.read())
        else:
            for number in range(_BLOCKS):
                file.seek((size - _BLOCK) * number // (_BLOCKS - 1))
                digest.update(file.read(_BLOCK))
    return f"{size}-{digest.hexdigest()[:32]}"


def is_cut_short(path: Path, container: str, size: int) -> bool:
    """Whether the file's own structure reaches past its end, where its kind tells."""
    kinds = container.split(",")
    with path.open("rb") as file:
        if "mp4" in kinds:
            position = 0
            while position + 8 <= size:
                file.seek(position)
                header = file.read(16)
                length = int.from_bytes(header[:4], "big")
                if length == 1:
                    length = int.from_bytes(header[8:16], "big")
                if length == 0:  # the last box reaches to the end
                    return False
                if length < 8:
                    return False
                position += length
            return position > size
        if "avi" in kinds or "wav" in kinds:
            header = file.read(12)
            length = int.from_bytes(header[4:8], "little")
            return header[:4] == b"RIFF" and length != 0xFFFFFFFF and length + 8 > size + 1
        if "matroska" in kinds:
            return _matroska_end(file.read(4096)) > size
        if "mpegts" in kinds:
            head = file.read(205)
            return any(head[packet : packet + 1] == head[:1] == b"G" and size % packet for packet in (188, 204))
    return False


def _matroska_end(head: bytes) -> int:
    """Where the segment of a Matroska or WebM file ends; 0 where it does not say (RFC 8794, 9559)."""

    def number(position: int) -> tuple[int, int, bool]:
        length = 9 - head[position].bit_length()
        value = int.from_bytes(head[position : position + length], "big") & ((1 << 7 * length) - 1)
        return value, position + length, value == (1 << 7 * length) - 1

    try:
        value, position, _ = number(4)
        position += value
        if head[position : position + 4] != b"\x18\x53\x80\x67":
            return 0
        value, position, unknown = number(position + 4)
    except IndexError:
        return 0
    return 0 if unknown else position + value
