"""Codecs as bits, one file each: what can be copied from where, and how encoded pictures are set beside copied ones."""

from __future__ import annotations

from typing import Any

from marlin_edit_ffmpeg.codecs import av1, h264, hevc, mpeg2, mpeg4, vp8, vp9
from marlin_edit_ffmpeg.codecs.bits import Unreadable
from marlin_edit_ffmpeg.codecs.intra_only import WholePictures
from marlin_edit_ffmpeg.codecs.syntax import Begin, Codec, Route, Splicing, Syntax
from marlin_edit_ffmpeg.containers import MKV, MOV, MP4, TS, WEBM, WHOLE, Container

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


def syntax_of(video: Any, container: str, kind: Container) -> Syntax:
    """How packets of a stream are understood, from a container (FFmpeg's names) into clips of another kind.

    Raises Unreadable if they cannot be joined to encoded ones there.
    """
    context = video.codec_context
    name, names = context.codec.canonical_name, container.split(",")
    if has_whole_pictures(video):
        return WholePictures()
    codec = CODECS.get(name)
    if codec is None:
        raise Unreadable(f"{name} cannot be joined to encoded frames")
    boxed = any(one in names for one in ("mp4", "matroska", "flv")) and kind in _BOXED
    syntax = codec.open(context.extradata or b"", Route(kind, boxed, "mpegts" in names and kind is TS, names))
    if syntax is None:
        raise Unreadable(f"{name} out of {names[0]} into {kind.name} cannot be joined to encoded frames")
    return syntax


def has_whole_pictures(video: Any) -> bool:
    """Whether every picture of a stream stands for itself: by its codec, or by its profile (AVC-Intra, XAVC)."""
    context = video.codec_context
    name = context.codec.canonical_name
    if name in CODECS:
        return name == "h264" and "Intra" in (video.profile or "")
    return bool(context.codec.intra_only) or name in WHOLE


def splicing_of(name: str) -> Splicing:
    """How streams of a codec, by FFmpeg's name, are spliced into one."""
    codec = CODECS.get(name)
    return Splicing() if codec is None else codec.splicing


_PRORES = frozenset({"apco", "apcs", "apcn", "apch", "ap4h", "ap4x"})


def set_tag(out: Any, source: Any, kind: Container, *, spliced: bool) -> None:
    """Set what a container calls a stream, if FFmpeg's own choice would be wrong.

    MP4 and MOV say whether parameters are in the packets (`hev1`) or only in the header (`hvc1`). Of whole pictures the
    name tells which kind they are (ProRes 4444 `ap4h`, DNxHR `AVdh`, Ut Video 4:2:2 `ULY2`), so decoders need it.

    out, source: the written stream and the source's. spliced: packets of several encodings follow one another.
    """
    context = source.codec_context
    name = context.codec.canonical_name
    if has_whole_pictures(source) and name != "h264":
        own = kind.muxer in source.container.format.name.split(",")
        if context.codec_tag in _PRORES or (own and context.codec_tag.strip()):
            out.codec_context.codec_tag = context.codec_tag
        elif name == "dnxhd" and (source.profile or "").startswith("DNXHR") and kind.edit_list:
            out.codec_context.codec_tag = "AVdh"
        return
    tag = splicing_of(context.codec.canonical_name).tag if kind.edit_list else None
    if tag is not None and spliced:
        out.codec_context.codec_tag = tag
    elif tag is not None and context.codec_tag in (tag, "hvc1"):
        out.codec_context.codec_tag = context.codec_tag


__all__ = ["Begin", "Splicing", "Syntax", "Unreadable", "has_whole_pictures", "set_tag", "splicing_of", "syntax_of"]
