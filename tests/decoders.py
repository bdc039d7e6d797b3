"""Decoders that are not FFmpeg's, which hides errors at seams: libde265 for HEVC, called in its library, and openh264
for H.264, through GStreamer. Both give the indices that the frames of a clip from `makers` carry.

Debian: libde265-0; gstreamer1.0-tools gstreamer1.0-plugins-base gstreamer1.0-plugins-good gstreamer1.0-plugins-bad.
"""

from __future__ import annotations

import ctypes
import ctypes.util
import os
import shutil
import subprocess
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import av
import numpy as np
import pytest

from tests.makers import read_index

_DEMUXERS = {".mp4": "qtdemux", ".mov": "qtdemux", ".mkv": "matroskademux"}


def _missing(what: str, package: str) -> Any:
    if os.environ.get("REQUIRE_CHECKERS") == "1":
        pytest.fail(f"{what} is missing: install Debian's {package}")
    pytest.skip(f"{what} is not installed")


def hevc_indices(path: Path) -> list[int]:
    """What libde265 decodes, in the order of times: the frames' indices, -1 where one cannot be read."""
    name = ctypes.util.find_library("de265") or "libde265.so.0"
    try:
        library = ctypes.CDLL(name)
    except OSError:
        return _missing("libde265", "libde265-0")  # type: ignore[no-any-return]
    library.de265_new_decoder.restype = ctypes.c_void_p
    library.de265_get_next_picture.restype = ctypes.c_void_p
    library.de265_get_image_PTS.restype = ctypes.c_int64
    library.de265_get_image_plane.restype = ctypes.POINTER(ctypes.c_uint8)
    decoder = ctypes.c_void_p(library.de265_new_decoder())
    found: list[tuple[int, int]] = []
    with av.open(str(path)) as opened:
        container: Any = opened
        video = container.streams.video[0]
        record = video.codec_context.extradata
        sized = record[:1] == b"\x01"
        for unit in _units_of(record) if sized else ():
            _push(library, decoder, unit, 0)
        for packet in container.demux(video):
            for unit in _sized(bytes(packet)) if sized else _between_start_codes(bytes(packet)):
                _push(library, decoder, unit, packet.pts)
            if packet.size:
                library.de265_push_end_of_frame(decoder)
            else:
                library.de265_flush_data(decoder)
            _decode(library, decoder, found)
    library.de265_free_decoder(decoder)
    return [index for _, index in sorted(found)]


def _units_of(record: bytes) -> list[bytes]:
    """Parameter sets of an hvcC (ISO/IEC 14496-15, 8.3.3.1)."""
    units, place = [], 23
    for _ in range(record[22]):
        count = int.from_bytes(record[place + 1 : place + 3], "big")
        place += 3
        for _ in range(count):
            length = int.from_bytes(record[place : place + 2], "big")
            units.append(record[place + 2 : place + 2 + length])
            place += 2 + length
    return units


def _sized(data: bytes) -> Iterator[bytes]:
    place = 0
    while place < len(data):
        length = int.from_bytes(data[place : place + 4], "big")
        yield data[place + 4 : place + 4 + length]
        place += 4 + length


def _between_start_codes(data: bytes) -> Iterator[bytes]:
    """As transport streams have them (H.264 and H.265, annex B)."""
    return (unit.rstrip(b"\0") for unit in data.split(b"\0\0\1") if unit.strip(b"\0"))


def _push(library: Any, decoder: Any, unit: bytes, pts: int) -> None:
    library.de265_push_NAL(decoder, unit, len(unit), ctypes.c_int64(pts), None)


def _decode(library: Any, decoder: Any, found: list[tuple[int, int]]) -> None:
    more = ctypes.c_int(1)
    while more.value:
        more.value = 0
        stopped = library.de265_decode(decoder, ctypes.byref(more))
        while picture := library.de265_get_next_picture(decoder):
            image, stride = ctypes.c_void_p(picture), ctypes.c_int()
            width, height = library.de265_get_image_width(image, 0), library.de265_get_image_height(image, 0)
            bits = library.de265_get_bits_per_pixel(image, 0)
            plane = library.de265_get_image_plane(image, 0, ctypes.byref(stride))
            rows: Any = np.ctypeslib.as_array(plane, (height, stride.value))
            if bits > 8:
                rows = rows.view("<u2") >> (bits - 8)
            found.append((library.de265_get_image_PTS(image), read_index(rows[:, :width].copy())))
        if stopped:
            return


def h264_indices(path: Path, size: tuple[int, int], folder: Path) -> list[int]:
    """What openh264 decodes (8 bits, frames): indices, -1 where one cannot be read. The width divides by 4."""
    program, inspect = shutil.which("gst-launch-1.0"), shutil.which("gst-inspect-1.0")
    packages = "gstreamer1.0-tools gstreamer1.0-plugins-base gstreamer1.0-plugins-good gstreamer1.0-plugins-bad"
    if program is None or inspect is None or subprocess.run([inspect, "--exists", "openh264dec"]).returncode:
        return _missing("GStreamer's openh264", packages)  # type: ignore[no-any-return]
    raw = folder / "decoded.gray"
    raw.unlink(missing_ok=True)
    elements = f"{_DEMUXERS[path.suffix]} ! queue ! h264parse ! openh264dec ! videoconvert ! video/x-raw,format=GRAY8"
    line = [program, "-q", "filesrc", f"location={path}", "!", *elements.split(), "!", "filesink", f"location={raw}"]
    subprocess.run(line, capture_output=True, timeout=60, check=True)
    width, height = size
    pictures = np.fromfile(raw, np.uint8).reshape(-1, height, width)
    return [read_index(picture) for picture in pictures]
