"""An open source: its packets from a place on, its frames decoded and numbered, and its damage counted.

Numbers are those of the edit (`MediaInfo`); decoding begins well before the first frame wanted and drops by pts.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from fractions import Fraction
from types import TracebackType
from typing import Any

from marlin_edit.errors import MarlinEditError
from marlin_edit.media import MediaInfo, open_media, order_frames, seek_before, stores_no_times
from marlin_edit_ffmpeg.clock import Steps, first_tick, frame_number, time_of

LEAD = Fraction(10)
"""Seconds before the first frame wanted at which decoding begins: recovery points and open groups settle in that."""

FURTHEST = Fraction(2)
"""Seconds that streams may be apart in a file before reading stops waiting for one of them."""

_SOUND_BEFORE = Fraction(1, 4)
"""Seconds of sound that a decoder gets before the first sample wanted."""


@dataclass(frozen=True)
class Start:
    """Where decoding for a frame begins: at the keyframe with this pts (None: at the first one read), in packets from
    `lead` seconds before the frame on."""

    pts: int | None
    lead: Fraction


_WELL_BEFORE = Start(None, LEAD)


_DECODERS_OF_ALPHA = {"vp8": "libvpx", "vp9": "libvpx-vp9"}


def pixel_format_of(stream: Any) -> str:
    """The pixel format that the frames of a stream are decoded to."""
    return "yuva420p" if has_alpha_beside(stream) else stream.codec_context.pix_fmt or "yuv420p"


def has_alpha_beside(stream: Any) -> bool:
    """Whether a stream's transparency stands beside its packets, as in WebM, where FFmpeg's own decoders miss it."""
    if stream.codec_context.codec.canonical_name not in _DECODERS_OF_ALPHA:
        return False
    return any(name.lower() == "alpha_mode" and value == "1" for name, value in stream.metadata.items())


def _decoder_of(stream: Any) -> Any:
    """What decodes a stream's packets; None without one."""
    import av

    if stream is None:
        return None
    if not has_alpha_beside(stream):
        return stream.codec_context
    decoder: Any = av.CodecContext.create(_DECODERS_OF_ALPHA[stream.codec_context.codec.canonical_name], "r")
    return decoder


class NothingThere(Exception):
    """Nothing of the range could be read."""


class NotAsPlanned(Exception):
    """A written clip or reel, or a piece of one, that is not what was planned, with what is wrong."""


class Source:
    """A media file opened once for any number of clips. `decode_errors` counts packets that gave no frame."""

    def __init__(self, media: MediaInfo) -> None:
        if media.rate is None:
            raise MarlinEditError(f"{media.path.name} has neither frames nor samples that can be counted.")
        self.media = media
        self.decode_errors = 0
        self.starts: dict[int, Start] = {}
        """Where decoding for a frame begins, as far as it was looked for."""
        self.container: Any = open_media(media.path)
        self.video: Any = None
        if media.video_index is not None:
            self.video = self.container.streams[media.video_index]
            if stores_no_times(self.container, self.video):
                self.container.close()
                raise MarlinEditError(
                    f"{media.path.name} stores no presentation times (AVI with B-frames), so no clip of it would be on "
                    f"the right frame. {order_frames(media.path)}"
                )
            self.video.thread_type = "AUTO"
        self._decoder: Any = _decoder_of(self.video)
        self._guide: Any = self.video or self.container.streams.audio[0]
        """The stream by which places in the file are found."""
        assert self._guide.time_base is not None
        self.tick: Fraction = self._guide.time_base
        """Seconds in a tick of its packets."""
        self._numbers = Steps(self.tick, media.zero, media.rate.seconds_per_frame) if media.times is None else None
        self._priming = self._read_priming()

    def __enter__(self) -> Source:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.container.close()

    @property
    def has_times(self) -> bool:
        """Whether all packets carry times: in an MPEG program stream most get them some way after a seek."""
        return "mpeg" not in self.media.container.split(",")

    @property
    def margin(self) -> Fraction:
        """Seconds before a frame from which on packets are to be read for all that belongs to it."""
        if "mp4" in self.media.container.split(","):  # a seek places every stream there by its own times
            return _SOUND_BEFORE
        return LEAD if self.container.streams.subtitles else FURTHEST

    def seconds_of(self, frame: int) -> Fraction:
        """When a frame is presented, on the container's clock."""
        return self.media.zero + time_of(self.media, frame)

    def number_of(self, pts: int) -> int:
        """The frame that is presented at a tick of the chosen video: the nearest one."""
        if self._numbers is not None:
            return self._numbers.nearest(pts)
        return frame_number(self.media, pts * self.tick)

    def first_tick(self, frame: int) -> int:
        """The first tick of the chosen video at which a frame is presented, or after."""
        return first_tick(self.seconds_of(frame), self.tick)

    def priming(self, stream: Any) -> int:
        """Samples that decoders throw away where this stream's sound begins, as the file's first packet says."""
        return self._priming.get(stream.index, 0)

    def _read_priming(self) -> dict[int, int]:
        from itertools import islice

        from av.error import FFmpegError

        found: dict[int, int] = {}
        sounds = [stream for stream in self.container.streams.audio if stream.codec_context is not None]
        try:
            for packet in islice(self.container.demux(*sounds) if sounds else [], 50 * len(sounds)):
                if packet.stream_index not in found:
                    skip = bytes(packet.get_sidedata("skip_samples"))
                    found[packet.stream_index] = int.from_bytes(skip[:4], "little")
                if len(found) == len(sounds):
                    break
        except FFmpegError:
            self.decode_errors += 1
        return found

    def packets(
        self, streams: Sequence[Any], frame: int, lead: Fraction = LEAD, key: int | None = None
    ) -> Iterator[Any]:
        """Packets of `streams` from a keyframe at least `lead` seconds before `frame` on (or from the beginning).

        key: pts of a keyframe that must not be missed. The last packets are empty, one a stream: the file ended.
        """
        wanted = self.seconds_of(frame)
        if not self.has_times:
            lead = max(lead, LEAD)
        while True:
            begin = wanted - lead
            self._seek(begin)
            packets = self._read(streams)
            held = []
            early = False
            for packet in packets:
                held.append(packet)
                if packet.stream is self._guide and packet.is_keyframe and packet.pts is not None:
                    early = packet.pts * self.tick <= wanted if key is None else packet.pts <= key
                    break
            if early or begin <= self.media.zero - LEAD:
                yield from held
                yield from packets
                return
            lead = lead * 2 + 1

    def _seek(self, seconds: Fraction) -> None:
        if self.video is not None and self._decoder is not self.video.codec_context:
            self._decoder.flush_buffers()
        seek_before(self.container, self._guide, seconds)

    def _read(self, streams: Sequence[Any]) -> Iterator[Any]:
        """Demuxes, and takes a read error as the end: what came before it is good."""
        from av.error import FFmpegError

        try:
            yield from self.container.demux(*streams)
            return
        except FFmpegError:
            self.decode_errors += 1
        import av

        for stream in streams:
            packet: Any = av.Packet()
            packet.stream = stream
            yield packet

    def decode(self, packet: Any | None) -> Iterable[tuple[int, Any]]:
        """Frames of the chosen video with their numbers; None gives what the decoder still holds."""
        return ((self.number_of(place), frame) for place, frame in self._frames(packet))

    def _frames(self, packet: Any | None) -> Iterator[tuple[int, Any]]:
        from av.error import FFmpegError

        try:
            frames = self._decoder.decode(packet)
        except EOFError:
            return
        except FFmpegError:
            self.decode_errors += 1
            return
        for frame in frames:
            place = frame.pts if frame.pts is not None else frame.dts
            if place is not None:
                yield place, frame

    def frames(self, first: int, stop: int, start: Start = _WELL_BEFORE) -> Iterator[tuple[int, Any]]:
        """Frames `first` to `stop`, decoded."""
        end = self.first_tick(stop)
        begun = start.pts is None
        for packet in self.packets([self.video], first, start.lead, start.pts):
            begun = begun or not packet.size or (packet.is_keyframe and packet.pts == start.pts)
            if not begun:
                continue
            over = packet.size == 0 or (packet.dts is not None and packet.dts >= end)
            for number, frame in self.decode(None if over else packet):
                if first <= number < stop:
                    yield number, frame
            if over:
                return
