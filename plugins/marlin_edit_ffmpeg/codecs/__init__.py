"""Codecs as bits, one file each: what can be copied from where, and how encoded pictures are set beside copied ones."""

from __future__ import annotations

from typing import Any

from marlin_edit_ffmpeg.codecs import av1, h264, hevc, mpeg2, mpeg4, vp8, vp9
from marlin_edit_ffmpeg.codecs.bits import Unreadable
from marlin_edit_ffmpeg.codecs.intra_only import WholePictures
from marlin_edit_ffmpeg.codecs.syntax import Begin, Codec, Route, Splicing, Syntax
from marlin_edit_ffmpeg.containers import MKV, MOV, MP4, TS, WEBM, Container

CODECS: dict[str, Codec] = {
    "av1": av1.CODEC,
    "h264": h264.CODEC,
    "hevc": hevc.CODEC,
    "mpeg2video": mpeg2.CODEC,
    "mpeg4": mpeg4.CODEC,
    "vp8": vp8.CODEC,
    "vp9": vp9.CODEC,
}
"""By FFmpeg's names. A new codec adds its file here."""

_BOXED = (MP4, MOV, MKV, WEBM)
_ALONE = ("cfhd", "png")  # FFmpeg does not count these among codecs without references; their decoders keep none


def syntax_of(video: Any, container: str, kind: Container) -> Syntax:
    """How packets of a stream are understood, from a container (FFmpeg's names) into clips of another kind.

    Raises Unreadable if they cannot be joined to encoded ones there.
    """
    context = video.codec_context
    name, names = context.codec.canonical_name, container.split(",")
    codec = CODECS.get(name)
    if codec is None:
        if context.codec.intra_only or name in _ALONE:
            return WholePictures()
        raise Unreadable(f"{name} cannot be joined to encoded frames")
    boxed = ("mp4" in names or "matroska" in names) and kind in _BOXED
    syntax = codec.open(context.extradata or b"", Route(kind, boxed, "mpegts" in names and kind is TS, names))
    if syntax is None:
        raise Unreadable(f"{name} out of {names[0]} into {kind.name} cannot be joined to encoded frames")
    return syntax


def splicing_of(name: str) -> Splicing:
    """How streams of a codec, by FFmpeg's name, are spliced into one."""
    codec = CODECS.get(name)
    return Splicing() if codec is None else codec.splicing


def set_tag(out: Any, source: Any, kind: Container, *, spliced: bool) -> None:
    """Set what MP4 and MOV call a stream, if FFmpeg's own choice would be wrong: whether its parameters are in the
    packets (`hev1`) or only in the header (`hvc1`).

    out, source: the written stream and the source's. spliced: packets of several encodings follow one another.
    """
    context = source.codec_context
    tag = splicing_of(context.codec.canonical_name).tag if kind.edit_list else None
    if tag is not None and spliced:
        out.codec_context.codec_tag = tag
    elif tag is not None and context.codec_tag in (tag, "hvc1"):
        out.codec_context.codec_tag = context.codec_tag


__all__ = ["Begin", "Splicing", "Syntax", "Unreadable", "set_tag", "splicing_of", "syntax_of"]
