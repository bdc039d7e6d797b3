"""Encoding stretches of frames whose packets can stand beside the source's own: the same format, and parameter sets
that ask no more of a decoder than the source's do. H.264's get ids of their own, beside the source's in one record;
HEVC's come in the stream at each change.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from marlin_edit.media import Scan
from marlin_edit_ffmpeg.bitstream import (
    SPS,
    Kind,
    Record,
    Unreadable,
    h264_numbers,
    h264_set_like,
    hevc_sets_like,
    join_sized,
    read_h264_set,
    read_hevc_set,
    split_annex_b,
)
from marlin_edit_ffmpeg.containers import MKV, MOV, MP4, Container
from marlin_edit_ffmpeg.encoders import GOP_SECONDS, encoding_for, set_colour, set_fields
from marlin_edit_ffmpeg.source import Source

KINDS = {"h264": Kind.H264, "hevc": Kind.HEVC}
CONTAINERS = (MP4, MOV, MKV)
_PROFILES = {66: "baseline", 77: "main", 100: "high", 110: "high10", 122: "high422", 244: "high444"}
_GLOBAL_HEADER = 1 << 22  # AV_CODEC_FLAG_GLOBAL_HEADER
_ORDERS = ((2, 3), (2, 2), (0, 2), (0, 1))
"""Frames between references, and references, to be tried until the source's parameter sets have room for them."""


@dataclass(frozen=True)
class Stretch:
    """What of the source's bits an encoder is to be set by. sets: its parameter sets. delimiters: whether access unit
    delimiters begin its pictures. numbers: ids that its parameter sets have. light: its HDR messages."""

    record: Record
    sets: tuple[bytes, ...]
    delimiters: bool
    numbers: frozenset[int]
    light: tuple[bytes, ...]


class Joiner:
    """Opens encoders for one clip, all set alike. `extradata` is the clip's record; `encoder` the encoder's name."""

    def __init__(self, source: Source, kind: Container, crf: int, like: Stretch, time_base: Any) -> None:
        """Raises Unreadable, with the reason, where no encoder here makes pictures that match."""
        self._source, self._like, self._time_base = source, like, time_base
        self._kind = like.record.kind
        encoding = encoding_for(source.video, source.media, kind, crf)
        wanted = source.video.codec_context.pix_fmt
        if encoding.note is not None or encoding.pixel_format != wanted:
            raise Unreadable(encoding.note or f"{encoding.encoder} does not take {wanted}")
        if encoding.encoder != {Kind.H264: "libx264", Kind.HEVC: "libx265"}[self._kind]:
            raise Unreadable(f"{self._kind.value} cannot be encoded here")
        self._encoding = encoding
        self.encoder = encoding.encoder
        self.depth = 0
        self._ready: Any = None
        self._params, self.sets = self._find()
        self.extradata = (
            like.record.with_sets(self.sets) if self._kind is Kind.H264 else source.video.codec_context.extradata
        )

    def _find(self) -> tuple[str, list[bytes]]:
        """The encoder's own settings and its parameter sets, made like the source's."""
        if self._kind is Kind.H264:
            reorder = self._h264_set().reorder or 0
        else:
            reorder = read_hevc_set(self._first_set(SPS)).reorder or 0
        reason = ""
        for between, references in _ORDERS:
            if between and not reorder:
                continue
            params = self._params_of(between, references)
            self._ready = self._open(params)
            units = split_annex_b(self._ready.extradata or b"")
            try:
                sets = self._like_source([unit for unit in units if self._kind.is_parameters(unit)])
            except Unreadable as error:
                reason = str(error)
                continue
            self.depth = 1 if between else 0
            return params, sets
        raise Unreadable(reason)

    def _first_set(self, number: int) -> bytes:
        for unit in self._like.sets:
            if self._kind.type_of(unit) == number:
                return unit
        raise Unreadable("the source's parameter sets are not where its container keeps them")

    def _h264_set(self) -> Any:
        return read_h264_set(self._first_set(7))

    def _like_source(self, units: Sequence[bytes]) -> list[bytes]:
        if self._kind is Kind.HEVC:
            return hevc_sets_like(units, self._like.sets)
        theirs = self._first_set(7)
        written = [h264_set_like(unit, theirs) if Kind.H264.type_of(unit) == 7 else unit for unit in units]
        if h264_numbers(written) & self._like.numbers:
            raise Unreadable("no ids are left for more parameter sets")
        return written

    def _params_of(self, between: int, references: int) -> str:
        words = [f"bframes={between}", f"ref={references}"]
        if self._like.delimiters:
            words.append("aud=1")
        if self._kind is Kind.HEVC:
            if self._source.media.scan is not Scan.PROGRESSIVE:
                raise Unreadable("interlaced HEVC cannot be matched")
            words.append(f"min-cu-size={read_hevc_set(self._first_set(SPS)).smallest_block}")
            return ":".join(["log-level=error", "open-gop=0", "b-pyramid=0", "repeat-headers=0", *words])
        like = self._h264_set()
        if like.profile not in _PROFILES:
            raise Unreadable(f"H.264 of profile {like.profile} cannot be encoded here")
        free = next((number for number in range(32) if number not in self._like.numbers), None)
        if free is None:
            raise Unreadable("no ids are left for more parameter sets")
        words += [f"sps-id={free}", "b-pyramid=none"]
        if not like.frames_only:
            scan = self._source.media.scan
            words.append("weightp=0")
            words.append(
                {Scan.TOP_FIRST: "tff=1", Scan.BOTTOM_FIRST: "bff=1", Scan.PROGRESSIVE: "fake-interlaced=1"}[scan]
            )
        return ":".join(words)

    def _open(self, params: str) -> Any:
        import av

        source, media = self._source.video.codec_context, self._source.media
        assert media.rate is not None
        context: Any = av.CodecContext.create(self._encoding.encoder, "w")
        context.width, context.height = source.width, source.height
        context.pix_fmt = self._encoding.pixel_format
        context.framerate = media.rate.value
        context.time_base = self._time_base
        context.gop_size = max(1, round(media.rate.value * GOP_SECONDS))
        context.flags |= _GLOBAL_HEADER
        options = dict(self._encoding.options)
        if self._kind is Kind.H264:
            like = self._h264_set()
            options |= {"profile": _PROFILES[like.profile], "x264-params": params}
            if not like.frames_only and media.scan is not Scan.PROGRESSIVE:
                set_fields(context, media.scan)
        else:
            options["x265-params"] = params
        set_colour(context, self._source.video)
        context.options = options
        context.open()
        return context

    def begin(self) -> JoinedEncoder:
        """An encoder for the next stretch of frames."""
        context = self._ready or self._open(self._params)
        self._ready = None
        before = [*self.sets, *self._like.light] if self._kind is Kind.HEVC else []
        return JoinedEncoder(context, self._kind, self._like.record.length_size, before)


@dataclass(frozen=True)
class Encoded:
    """One encoded picture as the container keeps it. `pts` counts the clip's ticks."""

    pts: int
    data: bytes
    is_keyframe: bool


class JoinedEncoder:
    """One encoder, whose packets come out as the source's are kept: sized units, parameter sets where they belong."""

    def __init__(self, context: Any, kind: Kind, length_size: int, before: Sequence[bytes]) -> None:
        self._context, self._kind, self._size, self._before = context, kind, length_size, before

    def encode(self, frame: Any | None) -> list[Encoded]:
        """Packets that are ready; without a frame, all that are left."""
        if frame is not None and frame.format.name != self._context.pix_fmt:
            raise Unreadable(f"a frame comes as {frame.format.name}")
        return [self._kept(packet) for packet in self._context.encode(frame)]

    def _kept(self, packet: Any) -> Encoded:
        units = [unit for unit in split_annex_b(bytes(packet)) if not _is_about_buffers(self._kind, unit)]
        if packet.is_keyframe:
            units = with_sets(self._kind, units, self._before)
        return Encoded(packet.pts, join_sized(units, self._size), packet.is_keyframe)


def with_sets(kind: Kind, units: list[bytes], sets: Sequence[bytes]) -> list[bytes]:
    """A picture's units with parameter sets before them, behind its access unit delimiter."""
    place = 1 if units and kind.is_delimiter(units[0]) else 0
    return [*units[:place], *sets, *units[place:]]


def _is_about_buffers(kind: Kind, unit: bytes) -> bool:
    """Whether a unit is a message on buffering or picture timing (H.264 D.1.2, D.1.3): how those are read depends on
    the usability information, which is the source's."""
    return kind is Kind.H264 and unit[0] & 31 == 6 and unit[1:2] in (b"\0", b"\1")
