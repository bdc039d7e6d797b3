"""The sound of a reel: one stream encoded once, each piece given exactly the samples that its picture lasts.

A piece begins at the sample nearest to its first frame, counted from the reel's beginning, so that the error of a join
is at most half a sample and is not carried on to the next.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from fractions import Fraction
from itertools import groupby
from typing import Any

from marlin_edit_ffmpeg.clips.plan import Sound
from marlin_edit_ffmpeg.clips.sound import is_lossless, sound_plan, usual_encoder
from marlin_edit_ffmpeg.containers import TS, Container, Output
from marlin_edit_ffmpeg.reels.loudness import Likeness
from marlin_edit_ffmpeg.reels.plan import Piece
from marlin_edit_ffmpeg.source import Source

_SETTLE = Fraction(1, 5)
"""Seconds decoded before a piece, so that decoder and resampler are at work when it begins."""

_SLIP = Fraction(2, 1000)
"""Seconds by which times of decoded sound may be off without it being moved: containers' clocks are coarse."""

_IN_TS = ("aac", "mp2", "mp3", "ac3", "eac3", "opus")
_MEANT = {1: "mono", 2: "stereo", 6: "5.1", 8: "7.1"}
_IN_OGG = ("opus", "flac")
_BEFORE_SOUND = Fraction(2)
"""Seconds before a piece from which a file of sound alone is read."""

_AHEAD = Fraction(1, 2)
_BIT_RATE = 96_000
"""Bits a second and channel that a sound is encoded with at least."""


class ReelSound:
    """The `place`-th sound of every piece's source as one stream. like: the source's stream whose format it takes."""

    def __init__(self, output: Output, pieces: Sequence[Piece], place: int, like: Any) -> None:
        context = like.codec_context
        self._output, self._pieces, self._place = output, pieces, place
        encoder = _encoder(output, like)
        self.rate = _rate(encoder, context.sample_rate)
        self._layout, self._channels = _named_layout(context), context.channels
        self.out: Any = output.container.add_stream(encoder, rate=self.rate, layout=self._layout)
        formats = [one.name for one in self.out.codec_context.codec.audio_formats or []]
        self._format = _nearest_format(context.format.name if context.format else "fltp", formats)
        self.out.codec_context.format = self._format
        if encoder in ("aac", "libopus", "libmp3lame", "ac3", "eac3", "mp2"):
            theirs = 0 if is_lossless(like) else context.bit_rate or 0
            self.out.codec_context.bit_rate = max(theirs, _BIT_RATE * context.channels)
        if "language" in like.metadata:
            self.out.metadata["language"] = like.metadata["language"]
        self.encoder = encoder
        self.errors = 0
        self.silent: list[int] = []
        self.likeness = self.new_likeness()
        self._written = 0
        self._blocks = self._all_blocks()

    @property
    def total(self) -> int:
        """Samples from the reel's first frame to its last one's end."""
        return round(self._pieces[-1].end * self.rate)

    def new_likeness(self) -> Likeness:
        """What is to be read back, before anything of it was."""
        return Likeness(self.rate, [round(piece.start * self.rate) for piece in self._pieces], is_lossless(self.out))

    def advance(self, until: Fraction) -> None:
        """Encodes what is heard up to a little after `until`, seconds from the reel's beginning."""
        while self._written < (until + _AHEAD) * self.rate:
            block = next(self._blocks, None)
            if block is None:
                return
            self._encode(block)

    def finish(self) -> None:
        """Write what is still held back."""
        for block in self._blocks:
            self._encode(block)
        self._mux(self.out.encode(None))

    def _encode(self, samples: Any) -> None:
        import av
        import numpy as np

        planar = av.AudioFormat(self._format).is_planar
        self.likeness.add(samples)
        data = samples if planar else samples.T.reshape(1, -1)
        frame: Any = av.AudioFrame.from_ndarray(np.ascontiguousarray(data), format=self._format, layout=self._layout)
        frame.sample_rate = self.rate
        frame.time_base = Fraction(1, self.rate)
        frame.pts = self._written
        self._written += samples.shape[1]
        self._mux(self.out.encode(frame))

    def _mux(self, packets: list[Any]) -> None:
        for packet in packets:
            self._output.mux(packet)

    def _all_blocks(self) -> Iterator[Any]:
        for _, group in groupby(self._pieces, key=lambda piece: piece.media.path):
            pieces = list(group)
            with Source(pieces[0].media) as source:
                sounds = [one for one in source.container.streams.audio if one.codec_context is not None]
                stream = sounds[self._place] if self._place < len(sounds) else None
                for piece in pieces:
                    count = round(piece.end * self.rate) - round(piece.start * self.rate)
                    yield from self._piece_blocks(source, stream, piece, count)

    def _piece_blocks(self, source: Source, stream: Any, piece: Piece, count: int) -> Iterator[Any]:
        """Exactly `count` samples: the piece's own where it has any, silence elsewhere."""
        done = 0
        if stream is not None:
            stream.codec_context.flush_buffers()
            for place, samples in self._decoded(source, stream, piece):
                samples = samples[:, max(0, done - place) :]
                place = max(place, done)
                if not samples.shape[1]:
                    continue
                if place >= count:
                    break
                if place > done:
                    yield from self._silence(place - done, samples.dtype)
                samples = samples[:, : count - place]
                yield samples
                done = place + samples.shape[1]
                if done == count:
                    return
        if not done:
            self.silent.append(piece.plan.number)
        yield from self._silence(count - done, None)

    def _decoded(self, source: Source, stream: Any, piece: Piece) -> Iterator[tuple[int, Any]]:
        """The stream's samples around a piece, planar, each block with its place: samples from the piece's start."""
        import av
        from av.error import FFmpegError

        begin, end = source.seconds_of(piece.frames.first), source.seconds_of(piece.frames.stop)
        resampler = av.AudioResampler(self._format, self._layout, self.rate)
        running: int | None = None
        guide = source.video or source.container.streams.audio[0]
        lead = 5 * _SETTLE if source.video is not None else _BEFORE_SOUND
        streams = [guide] if guide is stream else [guide, stream]
        for packet in source.packets(streams, piece.frames.first, lead):
            if packet.stream is not stream:
                continue
            time = packet.pts * packet.time_base if packet.pts is not None else None
            if packet.size and time is not None and time < begin - 3 * _SETTLE:
                continue
            try:
                frames = stream.codec_context.decode(packet if packet.size else None)
            except (FFmpegError, EOFError):
                self.errors += bool(packet.size)
                frames = []
            for frame in frames:
                if frame.pts is None:
                    continue
                expected = round((frame.pts * stream.time_base - begin) * self.rate)
                if running is None or abs(expected - running) > _SLIP * self.rate:
                    running = expected
                for part in resampler.resample(frame):
                    samples = part.to_ndarray()
                    if not part.format.is_planar:
                        samples = samples.reshape(-1, self._channels).T
                    yield running, samples
                    running += part.samples
            if packet.size == 0 or (time is not None and time >= end):
                return

    def _silence(self, count: int, dtype: Any) -> Iterator[Any]:
        import av
        import numpy as np

        if dtype is None:
            dtype = av.AudioFrame(self._format, self._layout, 1).to_ndarray().dtype
        middle = 128 if self._format.startswith("u8") else 0
        while count > 0:
            step = min(count, self.rate)
            yield np.full((self._channels, step), middle, dtype)
            count -= step


def _rate(encoder: str, wanted: int) -> int:
    """The sample rate at which an encoder takes what has another one."""
    import av

    rates = av.Codec(encoder, "w").audio_rates
    if encoder == "libopus":
        return 48_000
    return wanted if not rates or wanted in rates else min(rates, key=lambda rate: abs(rate - wanted))


def _named_layout(context: Any) -> str:
    """A sound's channels; where its file only counts them, as WAV does, those that are meant by that many."""
    name: str = context.layout.name
    return _MEANT.get(context.channels, name) if name.endswith("channels") else name


def _nearest_format(wanted: str, formats: Sequence[str]) -> str:
    """Of an encoder's sample formats the wanted one, else the same with its channels otherwise arranged."""
    if not formats or wanted in formats:
        return wanted
    sibling = wanted.removesuffix("p") if wanted.endswith("p") else wanted + "p"
    return sibling if sibling in formats else formats[0]


def _encoder(output: Output, like: Any) -> str:
    """The encoder of a source's own codec where the container takes it, else of the container's usual one."""
    import av

    kind: Container = output.kind
    plan = sound_plan(like, kind, Sound.EXACT, Fraction(0))
    assert plan.encoder is not None
    codec = av.Codec(plan.encoder, "w").canonical_name
    if kind.fallback_audio.startswith("pcm_"):
        return _pcm_encoder(like, codec, kind.fallback_audio[-2:])
    if codec in {TS.muxer: _IN_TS, "ogg": _IN_OGG}.get(kind.muxer, output.container.supported_codecs):
        return plan.encoder
    return usual_encoder(kind)


def _pcm_encoder(like: Any, codec: str, order: str) -> str:
    """Uncompressed sound of a source's own depth. order: of bytes, `le` or `be`."""
    if codec.startswith("pcm_"):
        return codec[:-2] + order if codec.endswith(("le", "be")) else codec
    deep = is_lossless(like) and like.codec_context.format.name.startswith("s32")
    return f"pcm_s{24 if deep else 16}{order}"
