"""The sound of a clip, one track a stream: cut once and whole, from the time of its first frame to the end of its last.

Copied packets begin before that where the container can hide what is too early (an mp4's edit list), else with the
first packet that begins there. Encoded sound begins and ends at the sample.
"""

from __future__ import annotations

import re
from collections import deque
from dataclasses import dataclass
from fractions import Fraction
from typing import Any

from marlin_edit_ffmpeg.clips.plan import Sound
from marlin_edit_ffmpeg.clock import Steps, first_tick
from marlin_edit_ffmpeg.containers import Container, Output

LATE = Fraction(25, 1000)
"""How long a copied sound may be silent at the beginning where the container has no edit list."""

_TOLERANCE = Fraction(2, 1000)  # clocks of containers are as coarse as a millisecond
_PRIMING_PACKETS = {"aac": 1, "mp3": 2, "vorbis": 1, "opus": 4, "ac3": 1, "eac3": 1, "mp2": 1}
_LOSSLESS = ("pcm_", "flac", "alac", "wavpack", "tta")
_ENCODERS = {"mp3": "libmp3lame", "opus": "libopus", "vorbis": "libopus", "wavpack": "flac", "tta": "flac"}
_RATES = {"libopus": 128_000, "aac": 192_000, "libmp3lame": 192_000, "ac3": 448_000, "eac3": 384_000, "mp2": 256_000}
_OPUS_RATES = (48_000, 24_000, 16_000, 12_000, 8_000)


@dataclass(frozen=True)
class SoundPlan:
    """How one audio stream goes into a clip: copied (`encoder` is None) or encoded, and why."""

    index: int
    codec: str
    encoder: str | None
    reason: str


def sound_plan(stream: Any, kind: Container, asked: Sound, packet_seconds: Fraction) -> SoundPlan:
    """How a sound is taken into a clip: copied, or encoded and with what."""
    codec = stream.codec_context.codec.canonical_name
    encoder = codec if codec.startswith("pcm_") else _ENCODERS.get(codec, codec)
    if codec.startswith("pcm_") and not (kind.holds_sound(codec) and _can_encode(codec)):
        encoder = "pcm_s24le"
    if not _can_encode(encoder) or not kind.holds_sound(encoder.removeprefix("lib").replace("mp3lame", "mp3")):
        encoder = usual_encoder(kind)
    if not kind.holds_sound(codec):
        return SoundPlan(stream.index, codec, encoder, f"{kind.name} cannot hold {codec}")
    if not kind.sound_times and not codec.startswith("pcm_"):
        return SoundPlan(stream.index, codec, usual_encoder(kind), f"{kind.name} does not say when {codec} begins")
    if asked is Sound.EXACT:
        return SoundPlan(stream.index, codec, encoder, "asked for")
    if codec.startswith(_LOSSLESS) and encoder == codec:
        return SoundPlan(stream.index, codec, encoder, "lossless, so cut at the sample")
    if kind.edit_list:
        return SoundPlan(stream.index, codec, None, "copied, with priming that an edit list hides")
    if packet_seconds > LATE:
        return SoundPlan(stream.index, codec, encoder, f"its packets are {round(packet_seconds * 1000)} ms long")
    return SoundPlan(stream.index, codec, None, "copied from the first packet that begins in the clip")


def usual_encoder(kind: Container) -> str:
    """The encoder of sound for a container, where a source's own codec has none."""
    return _ENCODERS.get(kind.fallback_audio, kind.fallback_audio)


def is_lossless(stream: Any) -> bool:
    """Whether a sound's codec loses nothing."""
    return bool(stream.codec_context.codec.canonical_name.startswith(_LOSSLESS))


_UNRELIABLE = ("wma", "adpcm_")
"""Their encoders take only some rates and sizes."""


def _can_encode(name: str) -> bool:
    import av
    from av.codec.codec import UnknownCodecError

    if name.startswith(_UNRELIABLE):
        return False
    try:
        codec = av.Codec(name, "w")
    except UnknownCodecError:
        return False
    return bool(codec.is_encoder) and not codec.experimental


class CopiedSound:
    """Passes packets of one stream on. `begin` and `end` are seconds on the source's clock.

    priming: samples that a decoder of the clip will throw away at its beginning, because the stream's header says so.
    """

    def __init__(self, stream: Any, output: Output, begin: Fraction, end: Fraction, priming: int) -> None:
        self.stream = stream
        self.done = False
        self.errors = 0
        self.starts_at: Fraction | None = None
        self._output, self._begin = output, begin
        hidden = 0 if output.kind.edit_list else priming
        self._hidden = Fraction(hidden, stream.codec_context.sample_rate or 48_000)
        self.out: Any = output.container.add_stream_from_template(stream, opaque=True)
        self._tick: Fraction = stream.time_base
        self._unit = self._tick
        if output.kind.edit_list and stream.codec_context.sample_rate:
            self.out.time_base = self._unit = Fraction(1, stream.codec_context.sample_rate)
        self._places = Steps(self._tick, begin, self._unit)
        self._lengths = Steps(self._tick, Fraction(0), self._unit)
        self._first, self._stop = begin // self._tick, first_tick(end, self._tick)
        self._first_whole = first_tick(begin - self._hidden - _TOLERANCE / 4, self._tick)
        keep = _PRIMING_PACKETS.get(stream.codec_context.name, 0) if output.kind.edit_list else 0
        self._before: deque[tuple[int, Any]] = deque(maxlen=keep)

    def take(self, packet: Any) -> None:
        """Take the next packet of the source."""
        if packet.size == 0:
            self.done = True
            return
        place = packet.pts if packet.pts is not None else packet.dts
        if place is None:
            return
        if place >= self._stop:
            self.done = True
            return
        edit_list = self._output.kind.edit_list
        if place + (packet.duration or 0) <= self._first if edit_list else place < self._first_whole:
            self._before.append((place, packet))
            return
        self._write_before(place)
        if self.starts_at is None:
            self.starts_at = max(Fraction(0), place * self._tick + self._hidden - self._begin)
        self._write(place, packet)

    def _write_before(self, place: int) -> None:
        """Packets before the first that is heard, one right before the other: a decoder throws away what they give, by
        its samples, so that a hole between them in the source would take away samples of the first."""
        size, rate = self.stream.codec_context.frame_size, self.stream.codec_context.sample_rate
        longest = Fraction(size, rate) / self._tick if size and rate else None
        waiting = []
        for _, packet in reversed(self._before):
            length = packet.duration or 0
            if longest is not None and length > longest:
                packet.duration = length = round(longest)
            place -= length
            waiting.append((place, packet))
        self._before.clear()
        for earlier, packet in reversed(waiting):
            self._write(earlier, packet)

    def _write(self, place: int, packet: Any) -> None:
        import av

        copy: Any = av.Packet(bytes(packet))
        copy.stream = self.out
        copy.time_base = self._unit
        copy.pts = copy.dts = self._places.nearest(place)
        copy.duration = self._lengths.nearest(packet.duration or 0)
        copy.is_keyframe = True
        self._output.mux(copy)

    def finish(self) -> None:
        """Nothing is held back."""


class EncodedSound:
    """Decodes one stream and encodes its samples from `begin` to `end`; what is missing before them is silence."""

    def __init__(self, stream: Any, output: Output, begin: Fraction, end: Fraction, encoder: str) -> None:
        context = stream.codec_context
        self.stream = stream
        self.done = False
        self.starts_at: Fraction | None = None
        self.errors = 0
        self._output, self._begin = output, begin
        rate = context.sample_rate
        if encoder == "libopus" and rate not in _OPUS_RATES:
            rate = 48_000
        self._rate = rate
        self._stop = round((end - begin) * rate)
        self._next = 0
        self._layout = _known_layout(context)
        self.out: Any = output.container.add_stream(encoder, rate=rate, layout=self._layout)
        formats = [one.name for one in self.out.codec_context.codec.audio_formats or []]
        self._format = context.format.name if context.format and context.format.name in formats else formats[0]
        self.out.codec_context.format = self._format
        if encoder in _RATES:
            self.out.codec_context.bit_rate = max(context.bit_rate or 0, _RATES[encoder] * (context.channels + 1) // 3)
        self._resampler: Any = None

    def take(self, packet: Any) -> None:
        """Take the next packet of the source."""
        from av.error import FFmpegError

        if self.done:
            return
        time = packet.pts * packet.time_base if packet.pts is not None else None
        if packet.size and time is not None and time + _ahead(packet) < self._begin - 1:
            return
        try:
            frames = self.stream.codec_context.decode(packet if packet.size else None)
        except EOFError:
            frames = []
        except FFmpegError:
            self.errors += 1
            frames = []
        for frame in frames:
            self._frame(frame)
        if packet.size == 0 or self._next >= self._stop:
            self.done = True

    def _frame(self, frame: Any) -> None:
        import av

        if frame.pts is None or self._next >= self._stop:
            return
        time = frame.pts * self.stream.time_base - self._begin
        if self._resampler is None:
            self._resampler = av.AudioResampler(self._format, self._layout, self._rate)
        if self._next == 0 and time + Fraction(frame.samples, frame.sample_rate) <= 0:
            return
        place = round(time * self._rate)
        for part in self._resampler.resample(frame):
            part.pts = None
            self._samples(place, part)
            place += part.samples

    def _samples(self, place: int, part: Any) -> None:
        import numpy as np

        samples = part.to_ndarray()
        planar, channels = part.format.is_planar, part.layout.nb_channels
        if not planar:
            samples = samples.reshape(-1, channels).T
        shift = place - self._next
        if abs(shift) > _TOLERANCE * self._rate or (self._next == 0 and shift < 0):
            if shift < 0:
                samples = samples[:, -shift:]
            elif shift <= self._stop - self._next:
                silence = np.zeros((channels, shift), samples.dtype)
                if part.format.name.startswith("u8"):
                    silence += 128
                samples = np.concatenate([silence, samples], axis=1)
            else:
                return
        samples = samples[:, : self._stop - self._next]
        if samples.shape[1]:
            self._encode(samples, part)

    def _encode(self, samples: Any, part: Any) -> None:
        import av
        import numpy as np

        block = samples if part.format.is_planar else samples.T.reshape(1, -1)
        frame: Any = av.AudioFrame.from_ndarray(
            np.ascontiguousarray(block), format=part.format.name, layout=self._layout
        )
        frame.sample_rate = self._rate
        frame.time_base = Fraction(1, self._rate)
        frame.pts = self._next
        self._next += samples.shape[1]
        self._write(self.out.encode(frame))

    def _write(self, packets: list[Any]) -> None:
        for packet in packets:
            if self.starts_at is None:
                first = packet.pts * packet.time_base
                self.starts_at = Fraction(0) if self._output.kind.hides_priming else Fraction(first)
            self._output.mux(packet)

    def finish(self) -> None:
        """Write what is still held back."""
        if self._next:
            self._write(self.out.encode(None))


_LAYOUTS = {1: "mono", 2: "stereo", 3: "2.1", 4: "4.0", 5: "5.0", 6: "5.1", 7: "6.1", 8: "7.1"}


def _known_layout(context: Any) -> str:
    """The layout of a sound; where its file only counts channels, the usual one of so many."""
    name: str = context.layout.name
    return _LAYOUTS.get(context.layout.nb_channels, name) if re.fullmatch(r"\d+ channels", name) else name


def _ahead(packet: Any) -> Fraction:
    return Fraction((packet.duration or 0) * packet.time_base)
