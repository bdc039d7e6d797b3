"""Encoding parts of frames whose packets can stand beside the source's own: the same codec and format, set as the
codec's file (`codecs/`) asks for.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from marlin_edit_ffmpeg.codecs import Syntax, Unreadable
from marlin_edit_ffmpeg.codecs.syntax import Attempt
from marlin_edit_ffmpeg.containers import Container
from marlin_edit_ffmpeg.encoders import GOP_SECONDS, encoding_for, quieten, set_colour, set_fields, set_quality
from marlin_edit_ffmpeg.priority import keep_usual_priority
from marlin_edit_ffmpeg.source import Source

_GLOBAL_HEADER = 1 << 22  # AV_CODEC_FLAG_GLOBAL_HEADER


class Joiner:
    """Opens encoders for one clip, all set alike. `encoder` is their name, `depth` how far they reorder."""

    def __init__(self, source: Source, kind: Container, crf: int, syntax: Syntax, time_base: Any) -> None:
        """Raises Unreadable, with the reason, where no encoder here makes pictures that match."""
        self._source, self._syntax, self._time_base = source, syntax, time_base
        encoding = encoding_for(source.video, source.media, kind, crf)
        wanted = source.video.codec_context.pix_fmt
        if encoding.note is not None or encoding.pixel_format != wanted or encoding.encoder != syntax.encoder:
            raise Unreadable(encoding.note or f"{encoding.encoder} does not take {wanted}")
        self._encoding = encoding
        self.encoder = encoding.encoder
        self._ready: Any = None
        self._attempt = self._find()
        self.depth = self._attempt.depth

    def _find(self) -> Attempt:
        reason = "no encoder here matches the source"
        for attempt in self._syntax.attempts(self._source.video.codec_context, self._source.media.scan):
            self._ready = self._open(attempt)
            try:
                self._syntax.accept(self._ready.extradata or b"")
            except Unreadable as error:
                reason = str(error)
                continue
            return attempt
        raise Unreadable(reason)

    def _open(self, attempt: Attempt) -> Any:
        import av

        source, media = self._source.video.codec_context, self._source.media
        assert media.rate is not None
        context: Any = av.CodecContext.create(self.encoder, "w")
        context.width, context.height = source.width, source.height
        context.pix_fmt = self._encoding.pixel_format
        context.framerate = media.rate.value
        context.time_base = self._time_base
        context.gop_size = max(1, round(media.rate.value * GOP_SECONDS))
        context.flags |= _GLOBAL_HEADER
        if attempt.between:
            context.max_b_frames = attempt.between
        if attempt.fields:
            set_fields(context, media.scan)
        set_colour(context, self._source.video)
        set_quality(context, self._encoding)
        context.options = {**self._encoding.options, **attempt.options}
        quieten(self.encoder)
        context.open()
        keep_usual_priority()
        return context

    def begin(self) -> JoinedEncoder:
        """An encoder for the next part of frames."""
        context = self._ready or self._open(self._attempt)
        self._ready = None
        return JoinedEncoder(context, self._syntax)


@dataclass(frozen=True)
class Encoded:
    """One encoded picture as the clip keeps it. `pts` counts the clip's ticks."""

    pts: int
    data: bytes
    is_keyframe: bool


class JoinedEncoder:
    """One encoder, whose packets come out as the clip keeps them."""

    def __init__(self, context: Any, syntax: Syntax) -> None:
        self._context, self._syntax = context, syntax

    def encode(self, frame: Any | None) -> list[Encoded]:
        """Packets that are ready; without a frame, all that are left."""
        if frame is not None and frame.format.name != self._context.pix_fmt:
            raise Unreadable(f"a frame comes as {frame.format.name}")
        return [self._kept(packet) for packet in self._context.encode(frame)]

    def _kept(self, packet: Any) -> Encoded:
        data = self._syntax.encoded(bytes(packet), is_keyframe=packet.is_keyframe)
        return Encoded(packet.pts, data, packet.is_keyframe)
