"""Packets of H.264 and HEVC whose pictures no other picture refers to: a decoder that never gets them makes all others
the same, bit for bit (H.264: ITU-T H.264 7.4.1, HEVC: H.265 7.4.2.2; demuxers do not mark them). Whatever else is in
a packet, is odd, or is not understood makes it one to be kept.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from av.packet import Packet
    from av.video.stream import VideoStream

CODECS = ("h264", "hevc")
"""The codecs whose packets can be judged."""

_H264_PICTURE, _H264_BESIDE = 1, (6, 9, 12)
"""A slice of a picture that is no random access point; messages, delimiters and filling."""
_HEVC_PICTURES, _HEVC_SET, _HEVC_BESIDE = (0, 2, 4, 6, 8), 33, (35, 38, 39, 40)
"""Slices of pictures that none of the same temporal layer refers to; a sequence parameter set; the rest as above."""


class Disposable:
    """Tells of each packet of a stream, asked in their order, whether no other packet needs it."""

    def __init__(self, stream: VideoStream) -> None:
        self._codec = stream.codec_context.name
        setup = bytes(stream.codec_context.extradata or b"")
        self._length_size = 0  # start codes
        self._layers: int | None = None
        if self._codec == "h264" and setup[:1] == b"\1" and len(setup) > 6:
            self._length_size = (setup[4] & 3) + 1
        elif self._codec == "hevc" and setup[:1] == b"\1" and len(setup) > 22:
            self._length_size = (setup[21] & 3) + 1
            self._note_layers(_units_of_hvcc(setup))
        elif self._codec == "hevc":
            self._note_layers(_after_start_codes(setup))

    def __call__(self, packet: Packet[VideoStream]) -> bool:
        """Whether this packet can be skipped."""
        if self._codec not in CODECS or not packet.size:
            return False
        data = bytes(packet)
        try:
            units = list(_sized(data, self._length_size) if self._length_size else _after_start_codes(data))
            if self._codec == "h264":
                return _is_h264_disposable(units)
            self._note_layers(iter(units))
            return self._is_hevc_disposable(units)
        except IndexError:  # cut short
            return False

    def _note_layers(self, units: Iterator[bytes]) -> None:
        """Sequence parameter sets say how many temporal layers there are; a picture of a lower one may be needed."""
        for unit in units:
            if len(unit) > 2 and unit[0] >> 1 & 63 == _HEVC_SET:
                self._layers = max(self._layers or 0, (unit[2] >> 1 & 7) + 1)

    def _is_hevc_disposable(self, units: list[bytes]) -> bool:
        pictures = 0
        for unit in units:
            kind, layer, temporal = unit[0] >> 1, (unit[0] & 1) << 5 | unit[1] >> 3, unit[1] & 7
            if kind in _HEVC_PICTURES and layer == 0 and temporal == self._layers:
                pictures += 1
            elif kind not in _HEVC_BESIDE:
                return False
        return pictures > 0


def _is_h264_disposable(units: list[bytes]) -> bool:
    pictures = 0
    for unit in units:
        if unit[0] == _H264_PICTURE:  # nal_ref_idc, in the bits above, is 0
            pictures += 1
        elif unit[0] & 0x80 or unit[0] & 31 not in _H264_BESIDE:
            return False
    return pictures > 0


_HEAD = 3
"""Bytes of a NAL unit that are looked at."""


def _sized(data: bytes, size: int) -> Iterator[bytes]:
    """The heads of NAL units that each follow their length."""
    place = 0
    while place < len(data):
        length = int.from_bytes(data[place : place + size], "big")
        place += size
        if length == 0 or place + length > len(data):
            raise IndexError("a NAL unit is longer than its packet")
        yield data[place : place + min(length, _HEAD)]
        place += length


def _after_start_codes(data: bytes) -> Iterator[bytes]:
    begin = data.find(b"\0\0\1")
    while begin >= 0:
        yield data[begin + 3 : begin + 3 + _HEAD]
        begin = data.find(b"\0\0\1", begin + 3)


def _units_of_hvcc(setup: bytes) -> Iterator[bytes]:
    """The heads of an hvcC's parameter sets (ISO/IEC 14496-15, 8.3.3.1); of a damaged one as many as there are."""
    place = 23
    for _ in range(setup[22]):
        count = int.from_bytes(setup[place + 1 : place + 3], "big")
        place += 3
        for _ in range(count):
            yield setup[place + 2 : place + 2 + _HEAD]
            place += 2 + int.from_bytes(setup[place : place + 2], "big")
