"""Codecs as bits, one file each: what can be copied from where, and how encoded pictures are set beside copied ones."""

from __future__ import annotations

from typing import Any

from marlin_edit_ffmpeg.codecs.av1 import Av1
from marlin_edit_ffmpeg.codecs.bits import Unreadable
from marlin_edit_ffmpeg.codecs.h264 import H264
from marlin_edit_ffmpeg.codecs.hevc import Hevc
from marlin_edit_ffmpeg.codecs.intra_only import WholePictures
from marlin_edit_ffmpeg.codecs.mpeg2 import Mpeg2
from marlin_edit_ffmpeg.codecs.mpeg4 import Mpeg4
from marlin_edit_ffmpeg.codecs.nal import Kind, read_record
from marlin_edit_ffmpeg.codecs.syntax import Begin, Syntax
from marlin_edit_ffmpeg.codecs.vp9 import Vp9
from marlin_edit_ffmpeg.containers import MKV, MOV, MP4, TS, WEBM, Container

_ISO = (MP4, MOV, MKV)
_ALONE = ("cfhd", "png")  # FFmpeg does not count these among codecs without references; their decoders keep none


def syntax_of(video: Any, container: str, kind: Container) -> Syntax:
    """How packets of a stream are understood, from a container (FFmpeg's names) into clips of another kind.

    Raises Unreadable where they cannot be joined to encoded ones there.
    """
    context = video.codec_context
    codec, header = context.codec.canonical_name, context.extradata or b""
    names = container.split(",")
    boxed = ("mp4" in names or "matroska" in names) and kind in (*_ISO, WEBM)
    stream = "mpegts" in names and kind is TS
    if codec in ("h264", "hevc") and (boxed or stream):
        record = read_record(Kind(codec), header, in_stream=stream)
        return H264(record) if codec == "h264" else Hevc(record)
    if codec == "vp9" and boxed:
        return Vp9()
    if codec == "av1" and boxed:
        return Av1(header)
    if codec == "mpeg2video" and (boxed or stream or "mpeg" in names):
        return Mpeg2(header)
    if codec == "mpeg4" and (boxed or "avi" in names):
        return Mpeg4(header, may_repeat=kind is MKV)
    if context.codec.intra_only or codec in _ALONE:
        return WholePictures()
    if codec in ("h264", "hevc", "vp9", "av1", "mpeg2video", "mpeg4"):
        raise Unreadable(f"{codec} out of {names[0]} into {kind.name} cannot be joined to encoded frames")
    raise Unreadable(f"{codec} cannot be joined to encoded frames")


__all__ = ["Begin", "Syntax", "Unreadable", "syntax_of"]
