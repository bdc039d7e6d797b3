"""Decoders that are not FFmpeg's, which hides errors at seams. libde265 for HEVC and Xvid for MPEG-4 part 2 are called
in their libraries; openh264, libvpx for VP9, libaom for AV1 and libmpeg2 work through GStreamer. All give the indices
that the frames of a clip from `makers` carry.

Debian: libde265-0 libxvidcore4; gstreamer1.0-tools and GStreamer's plugins base, good, bad and ugly.
"""

from __future__ import annotations

import ctypes
import ctypes.util
import os
import shutil
import subprocess
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import av
import numpy as np
import pytest

from tests.support.synthetic_video import read_index

_DEMUXERS = {
    ".mp4": "qtdemux",
    ".mov": "qtdemux",
    ".mkv": "matroskademux",
    ".webm": "matroskademux",
}


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


@dataclass(frozen=True)
class _Elements:
    """What GStreamer decodes a codec with."""

    parser: str
    decoder: str
    where: str


_GSTREAMER = {
    "h264": _Elements("h264parse", "openh264dec", "bad"),
    "vp8": _Elements("identity", "vp8dec", "good"),
    "vp9": _Elements("vp9parse", "vp9dec", "good"),
    "av1": _Elements("av1parse", "av1dec", "bad"),
    "mpeg2video": _Elements("mpegvideoparse", "mpeg2dec", "ugly"),
}


def h264_indices(path: Path, size: tuple[int, int], folder: Path) -> list[int]:
    """What openh264 decodes (8 bits, frames): indices, -1 where one cannot be read. The width divides by 4."""
    return gstreamer_indices("h264", path, size, folder)


def gstreamer_indices(codec: str, path: Path, size: tuple[int, int], folder: Path) -> list[int]:
    """What GStreamer shows of a video of 8 bits, whose width divides by 4: indices, -1 where one cannot be read."""
    program, inspect = shutil.which("gst-launch-1.0"), shutil.which("gst-inspect-1.0")
    elements = _GSTREAMER[codec]
    if program is None or inspect is None or subprocess.run([inspect, "--exists", elements.decoder]).returncode:
        packages = f"gstreamer1.0-tools gstreamer1.0-plugins-base gstreamer1.0-plugins-{elements.where}"
        return _missing(f"GStreamer's {elements.decoder}", packages)  # type: ignore[no-any-return]
    raw = folder / "decoded.gray"
    raw.unlink(missing_ok=True)
    chain = f"{elements.parser} ! {elements.decoder} ! videoconvert ! video/x-raw,format=GRAY8"
    if codec == "mpeg2video":
        path = _ended(path, folder / "stream.m2v")
    else:
        chain = f"{_DEMUXERS[path.suffix]} ! queue ! {chain}"
    line = [program, "-q", "filesrc", f"location={path}", "!", *chain.split(), "!", "filesink", f"location={raw}"]
    subprocess.run(line, capture_output=True, timeout=60, check=True)
    width, height = size
    pictures = np.fromfile(raw, np.uint8).reshape(-1, height, width)
    return [read_index(picture) for picture in pictures]


def _ended(path: Path, target: Path) -> Path:
    """The bare MPEG-2 stream of a clip with an end code, without which libmpeg2 keeps its last pictures back."""
    with av.open(str(path)) as opened:
        container: Any = opened
        video = container.streams.video[0]
        packets = [bytes(packet) for packet in container.demux(video)]
        header = video.codec_context.extradata or b""
    target.write_bytes((b"" if b"\0\0\1\xb3" in packets[0] else header) + b"".join(packets) + b"\0\0\1\xb7")
    return target


def other_indices(path: Path, size: tuple[int, int], folder: Path) -> list[int]:
    """What another decoder than FFmpeg's shows of VP8, VP9, AV1, MPEG-2, MPEG-4 part 2: indices, -1 if unreadable."""
    with av.open(str(path)) as container:
        codec = container.streams.video[0].codec_context.codec.canonical_name
    return mpeg4_indices(path) if codec == "mpeg4" else gstreamer_indices(codec, path, size, folder)


class _XvidImage(ctypes.Structure):
    _fields_ = (("csp", ctypes.c_int), ("plane", ctypes.c_void_p * 4), ("stride", ctypes.c_int * 4))


class _XvidInit(ctypes.Structure):
    _fields_ = (("version", ctypes.c_int), ("cpu_flags", ctypes.c_uint), ("debug", ctypes.c_int))


class _XvidCreate(ctypes.Structure):
    _fields_ = (
        ("version", ctypes.c_int),
        ("width", ctypes.c_int),
        ("height", ctypes.c_int),
        ("handle", ctypes.c_void_p),
        ("fourcc", ctypes.c_int),
        ("num_threads", ctypes.c_int),
    )


class _XvidFrame(ctypes.Structure):
    _fields_ = (
        ("version", ctypes.c_int),
        ("general", ctypes.c_int),
        ("bitstream", ctypes.c_char_p),
        ("length", ctypes.c_int),
        ("output", _XvidImage),
        ("brightness", ctypes.c_int),
    )


class _XvidStats(ctypes.Structure):
    _fields_ = (("version", ctypes.c_int), ("type", ctypes.c_int), ("data", ctypes.c_int * 16))


_XVID_1_3 = 0x010300
_XVID_I420 = 1 << 1


def mpeg4_indices(path: Path) -> list[int]:
    """What Xvid decodes of MPEG-4 part 2, in the order shown: the frames' indices, -1 where one cannot be read."""
    try:
        library = ctypes.CDLL(ctypes.util.find_library("xvidcore") or "libxvidcore.so.4")
    except OSError:
        return _missing("Xvid", "libxvidcore4")  # type: ignore[no-any-return]
    library.xvid_global(None, 0, ctypes.byref(_XvidInit(_XVID_1_3, 0, 0)), None)
    with av.open(str(path)) as opened:
        container: Any = opened
        video = container.streams.video[0]
        width, height = video.width, video.height
        create = _XvidCreate(_XVID_1_3, width, height, None, 0, 0)
        assert library.xvid_decore(None, 0, ctypes.byref(create), None) == 0
        handle = ctypes.c_void_p(create.handle)
        shown = np.zeros((height * 3 // 2, width), np.uint8)
        found = []

        def decode(data: bytes | None) -> int:
            image = _XvidImage(_XVID_I420, (ctypes.c_void_p * 4)(shown.ctypes.data), (ctypes.c_int * 4)(width))
            frame = _XvidFrame(_XVID_1_3, 0, data, -1 if data is None else len(data), image, 0)
            stats = _XvidStats(_XVID_1_3, 0)
            used = int(library.xvid_decore(handle, 2, ctypes.byref(frame), ctypes.byref(stats)))
            if stats.type > 0:
                found.append(read_index(shown[:height]))
            return used if stats.type else -1

        for data in (video.codec_context.extradata or b"", *(bytes(packet) for packet in container.demux(video))):
            while len(data) > 4:
                used = decode(data)
                if used <= 0:
                    break
                data = data[used:]
        while decode(None) >= 0:
            pass
        library.xvid_decore(handle, 1, None, None)
    return found
