"""The boxes of an MP4 or QuickTime file (ISO 14496-12, 4.2): finds those of each track, and sets one flag in them.

FFmpeg enables the first track of each kind if no other is a default. A subtitle track that is attached is to be one
that a person chooses, so its flag is taken back in the finished file; nothing is moved.
"""

from __future__ import annotations

import os
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import BinaryIO, NamedTuple

from marlin_edit.errors import MarlinEditError

_ENABLED = 1  # 8.3.2: the lowest of the 24 bits of flags


class Box(NamedTuple):
    """A box: where its content lies in the file."""

    kind: bytes
    begin: int
    end: int


def boxes_in(file: BinaryIO, begin: int, end: int) -> Iterator[Box]:
    """The boxes that follow one another from `begin` to `end`.

    Raises:
        MarlinEditError: A box does not fit in there.
    """
    while begin < end:
        file.seek(begin)
        head = file.read(8)
        size, kind, header = int.from_bytes(head[:4], "big"), head[4:], 8
        if size == 1:
            size, header = int.from_bytes(file.read(8), "big"), 16
        elif size == 0:  # to the end of the file
            size = end - begin
        if len(head) < 8 or size < header or begin + size > end:
            raise MarlinEditError(f"The box at byte {begin} does not fit into its file.")
        yield Box(kind, begin + header, begin + size)
        begin += size


def set_enabled(path: Path, enabled: Sequence[bool]) -> None:
    """Set which tracks of a file are enabled, in the file's order; tracks behind those of `enabled` are left alone.

    Raises:
        MarlinEditError: The file has fewer tracks, or its boxes cannot be read.
    """
    with path.open("r+b") as file:
        places = list(_flag_places(file, os.fstat(file.fileno()).st_size))
        if len(places) < len(enabled):
            raise MarlinEditError(f"The file has {len(places)} tracks instead of {len(enabled)}.")
        for place, wanted in zip(places, enabled, strict=False):
            file.seek(place)
            flags = file.read(1)[0]
            file.seek(place)
            file.write(bytes([flags | _ENABLED if wanted else flags & ~_ENABLED & 0xFF]))


def _flag_places(file: BinaryIO, size: int) -> Iterator[int]:
    """Where the lowest byte of each track's flags is: behind the version and two bytes in its `tkhd`."""
    for movie in boxes_in(file, 0, size):
        if movie.kind != b"moov":
            continue
        for track in boxes_in(file, movie.begin, movie.end):
            if track.kind != b"trak":
                continue
            for box in boxes_in(file, track.begin, track.end):
                if box.kind == b"tkhd" and box.end - box.begin >= 4:
                    yield box.begin + 3
