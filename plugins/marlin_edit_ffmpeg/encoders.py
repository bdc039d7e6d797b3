"""Which encoder makes the picture of a clip, and how it is set: the source's own codec, pixel format and colour where
that is possible, else H.264 (VP9 in WebM) with a note.
"""

from __future__ import annotations

import os
import re
import struct
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from fractions import Fraction
from typing import Any

from marlin_edit.errors import MarlinEditError
from marlin_edit.media import MediaInfo, Scan
from marlin_edit_ffmpeg.containers import ANIMATIONS, Container
from marlin_edit_ffmpeg.source import pixel_format_of

GOP_SECONDS = 2
"""The longest way between keyframes of what we encode: short enough to scrub in an editor."""

_INTERLACED = (1 << 18) | (1 << 29)  # AV_CODEC_FLAG_INTERLACED_DCT, AV_CODEC_FLAG_INTERLACED_ME
_TOP_FIELDS, _BOTTOM_FIELDS = 2, 3  # AV_FIELD_TT, AV_FIELD_BB
_FULL_RANGE = 2  # AVCOL_RANGE_JPEG
_LARGE = 1920 * 1088  # pixels
_X265_FEW = 8  # with fewer frames than it reorders over, x265 gives decode times from nowhere


@dataclass(frozen=True)
class VideoEncoding:
    """An encoder and its settings. `note` is said where it is not the source's own codec or pixel format; `tags` are
    the stream's, without which readers would miss something of it."""

    encoder: str
    pixel_format: str
    options: Mapping[str, str] = field(default_factory=dict)
    fixed_quality: int | None = None
    interlaced: bool = False
    tag: str | None = None
    note: str | None = None
    tags: Mapping[str, str] = field(default_factory=dict)


def encoding_for(stream: Any, media: MediaInfo, kind: Container, crf: int) -> VideoEncoding:
    """How a source's chosen video is encoded into a container of this kind."""
    codec = stream.codec_context.codec.canonical_name
    note = None
    wanted = pixel_format_of(stream)
    encoder = _ENCODERS.get(codec)
    fallback = "png" if codec in ANIMATIONS else kind.fallback_video
    if encoder is None or not kind.holds(codec) or not _can(encoder.name):
        note = f"{codec} cannot be encoded into {kind.name} here: encoded as {fallback}"
        encoder = _ENCODERS[fallback]
    elif encoder.limits is not None and (limit := encoder.limits(stream, media)) is not None:
        note = f"{limit}: encoded as {fallback}"
        encoder = _ENCODERS[fallback]
    lost = _lost(encoder.name, wanted)
    if lost is not None:
        codec, encoder = _keeping(lost, kind, wanted)
        note = f"encoded as {codec}, which keeps the {lost} of {media.path.name}"
    pixel_format, changed = _pixel_format(encoder.name, wanted)
    if changed is not None:
        note = f"{note}; {changed}" if note else changed
    beside = has_alpha(pixel_format) and encoder.name in ("libvpx", "libvpx-vp9")
    interlaced = media.scan is not Scan.PROGRESSIVE and encoder.name in ("libx264", "mpeg2video", "mpeg4", "dnxhd")
    return VideoEncoding(
        encoder.name,
        pixel_format,
        dict(encoder.options(stream, crf)) | ({"auto-alt-ref": "0"} if beside else {}),
        encoder.fixed_quality,
        interlaced,
        "hvc1" if encoder.name == "libx265" and kind.edit_list else None,
        note,
        {"alpha_mode": "1"} if beside else {},
    )


def configure(
    out: Any, encoding: VideoEncoding, stream: Any, media: MediaInfo, frame: Any, time_base: Fraction, count: int
) -> None:
    """Sets an output stream up from the first of the `count` frames it will get. Call before anything is muxed."""
    assert media.rate is not None
    context = out.codec_context
    out.width, out.height = frame.width, frame.height
    out.pix_fmt = encoding.pixel_format
    context.framerate = media.rate.value
    context.time_base = time_base
    out.time_base = time_base
    context.gop_size = max(1, round(media.rate.value * GOP_SECONDS))
    context.options = dict(encoding.options)
    set_colour(context, stream)
    if encoding.pixel_format.startswith("yuvj"):
        context.color_range = _FULL_RANGE
    if encoding.interlaced:
        set_fields(context, media.scan)
        if encoding.encoder == "libx264":
            context.options["x264-params"] = "tff=1" if media.scan is Scan.TOP_FIRST else "bff=1"
    set_quality(context, encoding)
    out.metadata.update(encoding.tags)
    if encoding.tag is not None:
        context.codec_tag = encoding.tag
    quieten(encoding.encoder)
    if encoding.encoder == "libx265":
        if count < _X265_FEW:
            context.options["x265-params"] += ":bframes=0"
        light = _mastering(frame)
        if light:
            context.options["x265-params"] += ":" + light
    matrix = frame.side_data.get("DISPLAYMATRIX")
    if matrix is not None and len(bytes(matrix)) == 36:
        out.set_display_matrix(struct.unpack("=9i", bytes(matrix)))
    elif media.rotation:
        out.set_display_rotation(-media.rotation)


def quieten(encoder: str) -> None:
    """SVT-AV1 prints on stderr whatever FFmpeg is on_progress, and has a switch of its own."""
    if encoder == "libsvtav1":
        os.environ.setdefault("SVT_LOG", "1")


def set_quality(context: Any, encoding: VideoEncoding) -> None:
    """Quality of encoders without a scale like x264's."""
    if encoding.fixed_quality is not None:
        context.qscale = True
        context.global_quality = encoding.fixed_quality


def set_colour(context: Any, stream: Any) -> None:
    """Colour and the shape of pixels as the source's stream has them."""
    source = stream.codec_context
    for name in ("color_range", "color_primaries", "color_trc", "colorspace"):
        setattr(context, name, getattr(source, name))
    if source.pix_fmt and source.pix_fmt.startswith("yuvj"):
        context.color_range = _FULL_RANGE
    aspect = stream.sample_aspect_ratio or source.sample_aspect_ratio
    if aspect:
        context.sample_aspect_ratio = aspect


def set_fields(context: Any, scan: Scan) -> None:
    """Set whether pictures are coded as fields, and their order."""
    context.flags |= _INTERLACED
    context.field_order = _TOP_FIELDS if scan is Scan.TOP_FIRST else _BOTTOM_FIELDS


def _mastering(frame: Any) -> str:
    """HDR10's static metadata in x265's words (H.265 annex D.2.28 and D.2.35), empty where the frame has none."""
    words = []
    display = frame.side_data.get("MASTERING_DISPLAY_METADATA")
    if display is not None:
        values = struct.unpack_from("=22i", bytes(display))
        ratios = [Fraction(top, bottom or 1) for top, bottom in zip(values[0:20:2], values[1:20:2], strict=True)]
        red, green, blue, white = ([round(50_000 * part) for part in ratios[at : at + 2]] for at in (0, 2, 4, 6))
        if values[20] and values[21]:
            points = "".join(
                f"{name}({x},{y})" for name, (x, y) in (("G", green), ("B", blue), ("R", red), ("WP", white))
            )
            words.append(f"master-display={points}L({round(ratios[9] * 10_000)},{round(ratios[8] * 10_000)})")
    level = frame.side_data.get("CONTENT_LIGHT_LEVEL")
    if level is not None:
        brightest, average = struct.unpack_from("=2I", bytes(level))
        words.append(f"max-cll={brightest},{average}")
    if words:
        words.append("hdr10=1")
    return ":".join(words)


def _can(encoder: str) -> bool:
    import av

    return encoder in av.codecs_available and _is_encoder(encoder)


def _is_encoder(name: str) -> bool:
    import av
    from av.codec.codec import UnknownCodecError

    try:
        return bool(av.Codec(name, "w").is_encoder)
    except UnknownCodecError:
        return False


def has_alpha(pixel_format: str) -> bool:
    """Whether a pixel format has a channel of transparency."""
    return pixel_format in ("pal8", "ya8") or bool(_ALPHA.match(pixel_format))


_ALPHA = re.compile(r"yuva|rgba|bgra|argb|abgr|gbrap|ya\d|ayuv|vuya")


def _formats(encoder: str, wanted: str) -> list[Any]:
    """The pixel formats that an encoder takes; with transparency, if the one that is wanted has it."""
    import av

    formats = av.Codec(encoder, "w").video_formats or []
    if encoder == "mjpeg":  # readers of JPEG take its values as full range
        formats = [one for one in formats if one.name.startswith("yuvj")]
    return [one for one in formats if has_alpha(one.name) and one.name != "pal8"] if has_alpha(wanted) else formats


def _lost(encoder: str, wanted: str) -> str | None:
    """What of a picture in a pixel format an encoder cannot keep: transparency, depth or colour; None if all of it."""
    import av

    if has_alpha(wanted) and not _formats(encoder, wanted):
        return "transparency"
    if wanted == "pal8":
        return None
    before, after = (av.VideoFormat(name, 16, 16) for name in (wanted, _pixel_format(encoder, wanted)[0]))
    if max(one.bits for one in after.components) < min(10, max(one.bits for one in before.components)):
        return "depth"
    own, theirs = (form.chroma_width() * form.chroma_height() for form in (before, after))
    return "colour resolution" if theirs < own and not before.is_rgb else None


def _keeping(lost: str, kind: Container, wanted: str) -> tuple[str, _Encoder]:
    """A codec that keeps what another would lose, and its encoder.

    Raises:
        MarlinEditError: The container holds none.
    """
    for codec in ("prores", "png", "ffv1", "vp9", "av1") if wanted.startswith("yuv") else ("png", "ffv1", "prores"):
        encoder = _ENCODERS[codec]
        if not kind.holds(codec) or not _can(encoder.name) or _lost(encoder.name, wanted) is not None:
            continue
        if codec == "prores" and wanted in ("yuva420p", "yuva422p", "yuva444p"):
            continue  # it would be blown up for nothing: PNG or VP9 do
        return codec, encoder
    raise MarlinEditError(
        f"{kind.name} holds no picture that can be encoded here with all of its {lost}. Use --container mov or mkv, or "
        "--mode copy."
    )


def _pixel_format(encoder: str, wanted: str) -> tuple[str, str | None]:
    """The encoder's pixel format nearest to the source's, and what changes with it."""
    from av.codec.codec import find_best_pix_fmt_of_list

    formats = _formats(encoder, wanted)
    if not formats or any(one.name == wanted for one in formats):
        return wanted, None
    best, _ = find_best_pix_fmt_of_list(formats, wanted, has_alpha(wanted))
    name = best.name if best is not None else formats[0].name
    return name, f"{encoder} does not take {wanted}: encoded as {name}"


@dataclass(frozen=True)
class _Encoder:
    name: str
    options: Callable[[Any, int], Mapping[str, str]] = lambda stream, crf: {}
    fixed_quality: int | None = None
    limits: Callable[[Any, MediaInfo], str | None] | None = None


def _x264(stream: Any, crf: int) -> Mapping[str, str]:
    return {"crf": str(crf), "preset": "medium", **_held_frames(stream.codec_context)}


def _held_frames(context: Any) -> Mapping[str, str]:
    """x264 holds frames for each of its threads, one and a half a processor, and for its look ahead: fewer of pictures
    that are large, so that memory grows less than they do."""
    pixels = context.width * context.height
    if pixels <= _LARGE:
        return {}
    most = max(4, 16 * _LARGE // pixels)
    options = {"rc-lookahead": "10"}
    return options | {"threads": str(most)} if (os.cpu_count() or 1) * 3 // 2 > most else options


def _x265(stream: Any, crf: int) -> Mapping[str, str]:
    return {"crf": str(crf + 2), "preset": "fast", "x265-params": "log-level=error:open-gop=0"}


def _vp9(stream: Any, crf: int) -> Mapping[str, str]:
    return {"crf": str(_on_63(crf)), "b": "0", "deadline": "good", "cpu-used": "5", "row-mt": "1"}


def _vp8(stream: Any, crf: int) -> Mapping[str, str]:
    return {"crf": str(max(4, _on_63(crf))), "b": "40000000", "deadline": "good", "cpu-used": "4"}


def _av1(stream: Any, crf: int) -> Mapping[str, str]:
    return {"crf": str(_on_63(crf)), "preset": "8", "svtav1-params": "lp=2"}


def _prores(stream: Any, crf: int) -> Mapping[str, str]:
    names = {"Proxy": 0, "LT": 1, "Standard": 2, "HQ": 3, "4444": 4, "XQ": 5, "4444XQ": 5}
    wanted = pixel_format_of(stream)
    usual = 4 if has_alpha(wanted) or "444" in wanted else 3
    options = {"profile": str(names.get(stream.profile or "", usual)), "vendor": "apl0"}
    return options | {"alpha_bits": "16"} if has_alpha(wanted) else options


def _dnxhr(stream: Any, crf: int) -> Mapping[str, str]:
    names = {"DNXHR LB": "dnxhr_lb", "DNXHR SQ": "dnxhr_sq", "DNXHR HQX": "dnxhr_hqx", "DNXHR 444": "dnxhr_444"}
    return {"profile": names.get(stream.profile or "", "dnxhr_hq")}


def _on_63(crf: int) -> int:
    """x264's scale of 0 to 51 on the 0 to 63 of VP8, VP9 and AV1."""
    return min(63, round(crf * 63 / 51))


def _mpeg_limits(stream: Any, media: MediaInfo) -> str | None:
    assert media.rate is not None
    if media.times is not None:
        return "this codec has no variable frame rate"
    allowed = {Fraction(24_000, 1001), Fraction(30_000, 1001), Fraction(60_000, 1001)} | {
        Fraction(whole) for whole in (24, 25, 30, 50, 60)
    }
    return None if media.rate.value in allowed else f"MPEG has no rate of {media.rate.name}"


def _mpeg4_limits(stream: Any, media: MediaInfo) -> str | None:
    assert media.rate is not None
    ticks = media.times.time_base.denominator if media.times is not None else media.rate.value.numerator
    return None if ticks < 65_536 else "MPEG-4 part 2 has no clock that fine"


def _vp9_limits(stream: Any, media: MediaInfo) -> str | None:
    return None if "10" not in (stream.codec_context.pix_fmt or "") else "VP9 here has 8 bits"


_FINE = 2 * 118  # quantiser 2, in FFmpeg's lambda units

_ENCODERS = {
    "h264": _Encoder("libx264", _x264),
    "hevc": _Encoder("libx265", _x265),
    "vp9": _Encoder("libvpx-vp9", _vp9, limits=_vp9_limits),
    "vp8": _Encoder("libvpx", _vp8),
    "av1": _Encoder("libsvtav1", _av1),
    "prores": _Encoder("prores_ks", _prores),
    "dnxhd": _Encoder("dnxhd", _dnxhr),
    "mpeg2video": _Encoder("mpeg2video", fixed_quality=_FINE, limits=_mpeg_limits),
    "mpeg1video": _Encoder("mpeg1video", fixed_quality=_FINE, limits=_mpeg_limits),
    "mpeg4": _Encoder("mpeg4", fixed_quality=_FINE, limits=_mpeg4_limits),
    "mjpeg": _Encoder("mjpeg", fixed_quality=_FINE),
    "ffv1": _Encoder("ffv1"),
    "utvideo": _Encoder("utvideo"),
    "huffyuv": _Encoder("huffyuv"),
    "ffvhuff": _Encoder("ffvhuff"),
    "qtrle": _Encoder("qtrle"),
    "png": _Encoder("png"),
    "rawvideo": _Encoder("rawvideo"),
}
