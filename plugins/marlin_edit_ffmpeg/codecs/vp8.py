"""VP8 (RFC 6386, 9.1): frames that are not shown are packets of their own, which end what can be copied."""

from __future__ import annotations

from marlin_edit_ffmpeg.codecs.vpx import Format, vpx_codec

_START = b"\x9d\x01\x2a"
_SHOWN = 0x10
_SIZE = 0x3FFF


def _keyframe_format(data: bytes) -> Format | None:
    """Width and height of a keyframe that is shown; None for any other frame. Decoders take any version of a frame."""
    head = data[:10]
    if len(head) < 10 or head[0] & 1 or not head[0] & _SHOWN or head[3:6] != _START:
        return None
    return int.from_bytes(head[6:8], "little") & _SIZE, int.from_bytes(head[8:10], "little") & _SIZE


CODEC = vpx_codec("libvpx", _keyframe_format)
