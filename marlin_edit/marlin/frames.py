"""Frames of a window, straight from the source: which instants the model is shown, and what is displayed at each.

Two decoders give the same pixels, as `colour.py` defines them: PyAV, which leaves out packets of H.264 and HEVC that
nobody needs; and torchcodec for other codecs, where it can load and the file is of an ordinary kind. Interlaced
pictures are deinterlaced by FFmpeg's bwdif, one picture a frame, the first field's. Pixels stay as stored:
`sampling.display_size` is the size in square pixels, which goes into the one resize (`preprocessing.py`).
"""

from __future__ import annotations

import math
import os
from bisect import bisect_left, bisect_right
from collections.abc import Callable, Generator, Iterator, Sequence
from contextlib import closing
from dataclasses import dataclass, field
from fractions import Fraction
from functools import cache
from typing import TYPE_CHECKING, Any

import torch
from torch import Tensor

from marlin_edit.errors import MarlinEditError, NoPicture, UsageError
from marlin_edit.marlin.colour import MATRICES, Conversion, is_hd
from marlin_edit.media import MediaInfo, Scan, open_media, packets_of
from marlin_edit.media.disposable import CODECS, Disposable
from marlin_edit.sampling import Profile, sample_times
from marlin_edit.timebase import TOLERANCE, Span

if TYPE_CHECKING:
    from av import VideoFrame
    from av.container import InputContainer
    from av.video.stream import VideoStream

    _TimedFrames = Generator[tuple[Fraction, VideoFrame], None, None]

_Pictures = Generator[tuple[Fraction, Fraction, Tensor], None, None]
"""Each instant with the pts and the picture [H, W, 3] of the frame displayed then."""

DECODERS = ("auto", "torchcodec", "pyav")
GROUP = 8
"""Frames decoded at once: enough for an efficient resize, few enough for 4K in little memory."""

LARGE_PICTURE = 9_000_000
"""Pixels above which each picture is made small as it comes: 8 of them would need half a gigabyte and more."""

_THREADS = max(1, min(8, (os.cpu_count() or 1) // 2))


@dataclass(frozen=True)
class FrameGroup:
    """Some frames of a window, in order: uint8 [n, 3, H, W] upright, and each one's time in seconds from zero.

    A frame's time is its own pts; where it was on the screen before (a window that starts between frames, a slide
    that is held), the instant it was looked at. So times ascend, and none is before the window.
    """

    pixels: Tensor
    times: tuple[Fraction, ...]


@dataclass
class WindowFrames:
    """The frames of one window, decoded as they are iterated over, in groups of an even number (but for the last).

    instants: what will be shown, if the file holds it. decoder: `torchcodec` or `pyav`. notes: why that decoder was
    chosen, and, once iterated, what was damaged or missing. packets, dropped: how many of the file's PyAV met, and how
    many of them were not decoded, because neither these instants nor other packets need them. shrink: makes pictures
    small, [n, 3, H, W] to [n, 3, h, w]; it is used for very large ones as they come, so that few are held at full size.
    """

    media: MediaInfo
    window: Span
    instants: Sequence[Fraction]
    decoder: str
    notes: list[str] = field(default_factory=list)
    damaged: int = 0
    packets: int = 0
    dropped: int = 0
    shrink: Callable[[Tensor], Tensor] | None = None

    @property
    def count(self) -> int:
        """Frames to come. Where the picture ends before the window does, there are fewer."""
        return len(self.instants)

    def __iter__(self) -> Iterator[FrameGroup]:
        self.damaged = self.packets = self.dropped = 0
        pictures: list[Tensor] = []
        times: list[Fraction] = []
        shown = 0
        previous: Fraction | None = None
        for instant, pts, picture in self._pictures():
            pictures.append(self._small(picture))
            times.append(instant if pts == previous else max(pts, self.window.start))
            previous = pts
            shown += 1
            if len(pictures) == GROUP:
                yield _group(pictures, times)
                pictures, times = [], []
        if pictures:
            yield _group(pictures, times)
        if shown == 0:
            raise NoPicture(
                f"No picture of {self.media.path.name} could be decoded in {self.window}. "
                "The file is damaged there; choose another part with --range IN-OUT."
            )
        if self.damaged:
            self.notes.append(f"{self.damaged} damaged packets or frames were skipped in {self.window}.")
        if shown < self.count:
            self.notes.append(f"{self.count - shown} of {self.count} frames are missing in {self.window}.")

    def _small(self, picture: Tensor) -> Tensor:
        """A very large picture as it will be shown, others as they are."""
        if self.shrink is None or picture.shape[0] * picture.shape[1] <= LARGE_PICTURE:
            return picture
        small: Tensor = self.shrink(picture.unsqueeze(0).permute(0, 3, 1, 2))
        return small[0].permute(1, 2, 0)

    def _pictures(self) -> _Pictures:
        done = 0
        if self.decoder == "torchcodec":
            try:
                for found in _by_torchcodec(self.media, self.instants):
                    yield found
                    done += 1
                return
            except _Unsure as reason:
                self.notes.append(f"PyAV decodes from {float(self.instants[done]):.1f} s on: {reason}.")
                self.decoder = "pyav"
        with closing(_by_pyav(self, self.instants[done:])) as rest:
            yield from rest


def _group(pictures: Sequence[Tensor], times: Sequence[Fraction]) -> FrameGroup:
    # Height, width and colour stay in this order in memory: the resize is several times faster on it.
    return FrameGroup(torch.stack(list(pictures)).permute(0, 3, 1, 2), tuple(times))


def read_frames(media: MediaInfo, window: Span, profile: Profile, decoder: str = "auto") -> WindowFrames:
    """The frames that the model is shown of a window. Nothing is decoded before they are iterated over.

    decoder: `torchcodec`, `pyav`, or `auto` for the quickest that gives the defined pixels of this file. Raises
    MarlinEditError where there is no picture, the window is too long, or torchcodec is asked for and cannot serve.
    """
    if decoder not in DECODERS:
        raise UsageError(f"There is no decoder {decoder!r}; there are {', '.join(DECODERS)}.")
    if media.video_index is None:
        raise MarlinEditError(f"{media.path.name} has no picture, so the model has nothing to look at.")
    instants = sample_times(window, profile)
    if decoder == "pyav":
        return WindowFrames(media, window, instants, "pyav")
    reason = _torchcodec_problem() or _out_of_the_ordinary(media)
    if reason is None:
        # PyAV with fewer packets takes less time than torchcodec with all of them.
        chosen = "pyav" if decoder == "auto" and _may_drop(media) else "torchcodec"
        return WindowFrames(media, window, instants, chosen)
    if decoder == "torchcodec":
        raise MarlinEditError(f"torchcodec cannot be used for {media.path.name}: {reason}. Use PyAV, or auto.")
    return WindowFrames(media, window, instants, "pyav", [f"PyAV decodes: {reason}."])


# torchcodec ----------------------------------------------------------------------------------------------------------


class _Unsure(Exception):
    """A quick way of decoding failed, or did not surely give the frame that is displayed."""


@cache
def _torchcodec_problem() -> str | None:
    """Why torchcodec cannot be used here, or None."""
    try:
        import torchcodec.decoders  # noqa: F401
    except ImportError:
        return "torchcodec is not installed"
    except (OSError, RuntimeError):
        return "torchcodec does not load here (it needs FFmpeg's shared libraries and a build that matches torch)"
    return None


_SAME_FORMATS = (
    "yuv420p", "yuvj420p", "yuv422p", "yuvj422p", "yuv444p", "yuvj444p", "yuv422p10le", "yuv444p10le",
)  # fmt: skip
"""Pixel formats of which both decoders' conversions are the same. (Of 10-bit 4:2:0 they are not: chroma siting.)"""


def _out_of_the_ordinary(media: MediaInfo) -> str | None:
    """Why torchcodec would not give the defined pixels of this file, or None."""
    kinds = media.container.split(",")
    if "mp4" not in kinds and "matroska" not in kinds:
        return f"the container {media.container} is not read by torchcodec here"
    if media.times is not None:
        return "the frame rate varies"
    if media.colour.hdr:
        return "the picture is HDR"
    if media.scan is not Scan.PROGRESSIVE:
        return "the picture is interlaced"
    if media.colour.matrix not in MATRICES and is_hd(media.width, media.height):
        return "the picture does not state its colour matrix"
    with open_media(media.path) as container:
        pixel_format = _stream(container, media).codec_context.pix_fmt
    if pixel_format not in _SAME_FORMATS:
        return f"the picture is {pixel_format}"
    if media.colour.range == "pc" and not pixel_format.startswith("yuvj"):
        return f"the picture is full range {pixel_format}"
    return None


def _by_torchcodec(media: MediaInfo, instants: Sequence[Fraction]) -> _Pictures:
    import torchcodec.decoders

    with open_media(media.path) as container:
        time_base = _stream(container, media).time_base
    assert time_base is not None
    assert media.rate is not None
    try:
        # "approximate" only saves reading the whole file first: frames are asked for by time, and checked below.
        decoders: Any = torchcodec.decoders
        source = decoders.VideoDecoder(
            f"file:{media.path.absolute()}",
            stream_index=media.video_index,
            dimension_order="NHWC",
            num_ffmpeg_threads=_THREADS,
            device="cpu",
            seek_mode="approximate",
        )
    except Exception as error:
        raise _Unsure("torchcodec cannot open the file") from error
    if (source.metadata.rotation or 0) % 360 != -media.rotation % 360:
        raise _Unsure("torchcodec would turn the picture differently")
    height, width = (media.width, media.height) if media.rotation in (90, 270) else (media.height, media.width)
    for instant in instants:
        try:
            frame = source.get_frame_played_at(float(media.zero + instant + TOLERANCE))
        except Exception as error:
            raise _Unsure("torchcodec gives no frame there") from error
        ticks = round(Fraction(frame.pts_seconds) / time_base)
        pts = ticks * time_base - media.zero
        displayed = math.floor((instant + TOLERANCE) * media.rate.value) / media.rate.value
        if abs(pts - displayed) * media.rate.value > Fraction(1, 3) or tuple(frame.data.shape) != (height, width, 3):
            raise _Unsure("torchcodec gives another frame there")
        yield instant, pts, frame.data


# PyAV ----------------------------------------------------------------------------------------------------------------

_LOOK_BACK = (Fraction(0), Fraction(2), Fraction(10), Fraction(60))
"""Seconds before the wanted time to seek to, one after the other, until decoding begins early enough."""


_TIMED = frozenset(("mp4", "matroska", "mpegts"))
"""Containers in which each packet has its frame's own time; others may guess it."""


def _may_drop(media: MediaInfo) -> bool:
    """Whether packets that nobody needs can be recognised. The deinterlacer uses neighbours, so it needs all."""
    known = any(stream.index == media.video_index and stream.codec in CODECS for stream in media.streams)
    return known and media.scan is Scan.PROGRESSIVE and not _TIMED.isdisjoint(media.container.split(","))


def _stream(container: InputContainer, media: MediaInfo) -> VideoStream:
    from av.stream import Discard

    for stream in container.streams:
        if stream.index != media.video_index:
            stream.discard = Discard.all
    for stream in container.streams.video:
        if stream.index == media.video_index:
            return stream
    raise MarlinEditError(f"{media.path.name} has no video stream {media.video_index} any more. Was it replaced?")


def _by_pyav(reading: WindowFrames, instants: Sequence[Fraction]) -> _Pictures:
    """Decodes no more than the instants need, where that surely shows the same, else everything."""
    shown: Fraction | None = None
    if _may_drop(reading.media):
        try:
            with closing(_displayed(reading, instants, _Needed(reading.media, instants))) as pictures:
                for found in pictures:
                    yield found
                    shown = found[0]
            return
        except _Unsure:
            reading.damaged = reading.packets = reading.dropped = 0
    with closing(_displayed(reading, instants, None)) as pictures:
        for found in pictures:
            if shown is None or found[0] > shown:
                yield found


def _displayed(reading: WindowFrames, instants: Sequence[Fraction], needed: _Needed | None) -> _Pictures:
    """What is displayed at each instant. needed: packets that it and no other packet needs are not decoded.

    With `needed`, raises _Unsure where decoding everything might show something else.
    """
    media = reading.media
    convert = Conversion(media)
    waiting = list(instants)
    damaged = reading.damaged
    with closing(_frames_from(reading, waiting[0], needed)) as frames:
        current: tuple[Fraction, VideoFrame] | None = None
        for pts, frame in frames:
            if needed is not None and (reading.damaged > damaged or frame.interlaced_frame):
                raise _Unsure("the file is damaged, or a picture is in two packets")
            if current is not None:
                due = sum(1 for instant in waiting if instant + TOLERANCE < pts)
                yield from _held(current, waiting[:due], convert, needed)
                waiting = waiting[due:]
            else:
                # What lies before the first picture that the file gives cannot be shown.
                waiting = [instant for instant in waiting if instant + TOLERANCE >= pts]
                if needed is not None and len(waiting) < len(instants):
                    raise _Unsure("there is no picture yet")
            current = (pts, frame)
            if not waiting:
                return
        if current is not None:
            pts, frame = current
            lasts = frame.duration * frame.time_base if frame.duration and frame.time_base else Fraction(0)
            rate = media.rate.seconds_per_frame if media.rate is not None else Fraction(0)
            end = pts + max(lasts, rate) + TOLERANCE
            held = [instant for instant in waiting if instant < end]
            yield from _held(current, held, convert, needed)
            waiting = waiting[len(held) :]
    if needed is not None and waiting:
        raise _Unsure("there is no picture any more")


class _Needed:
    """Which frames may be displayed at some instants: those between each instant and where the frame displayed then
    is presented at the earliest. As nothing there is left out, what is displayed from there is what always would be.
    """

    def __init__(self, media: MediaInfo, instants: Sequence[Fraction]) -> None:
        self._until = [instant + TOLERANCE for instant in instants]
        self._from = [self._earliest(media, until) for until in self._until]
        self._instants = dict(zip(instants, self._from, strict=True))

    @staticmethod
    def _earliest(media: MediaInfo, until: Fraction) -> Fraction:
        if media.times is not None:
            ticks = until / media.times.time_base
            last = bisect_right(media.times.pts, ticks.numerator // ticks.denominator) - 1
            return media.times.pts[max(0, last)] * media.times.time_base
        # Each frame is presented at most a quarter of a frame from where the constant rate has it.
        return until - (media.rate.seconds_per_frame * 3 / 2 if media.rate is not None else until)

    def has(self, pts: Fraction) -> bool:
        following = bisect_left(self._until, pts)
        return following < len(self._from) and pts >= self._from[following]

    def surely(self, instant: Fraction, pts: Fraction) -> bool:
        """Whether the frame of `pts`, which is displayed at an instant, would be if everything were decoded."""
        return pts >= self._instants[instant]


def _held(
    current: tuple[Fraction, VideoFrame], instants: Sequence[Fraction], convert: Conversion, needed: _Needed | None
) -> _Pictures:
    if instants:
        pts, frame = current
        picture = convert(frame)
        for instant in instants:
            if needed is not None and not needed.surely(instant, pts):
                raise _Unsure("the frames are not where the rate has them")
            yield instant, pts, picture


def _frames_from(reading: WindowFrames, start: Fraction, needed: _Needed | None) -> _TimedFrames:
    """Frames with their pts in seconds from zero, ascending; the first one is displayed at `start` or before.

    Where the file has none that early, from its beginning. Seeks may land late (MPEG-TS has no index): then further
    back.
    """
    media = reading.media
    if media.scan is not Scan.PROGRESSIVE and media.rate is not None:
        # The deinterlacer looks at neighbours: with some, a frame looks the same in every window.
        start = max(Fraction(0), start - 3 * media.rate.seconds_per_frame)
    for back in (*_LOOK_BACK, None):
        whole = back is None or start - back <= 1
        before = reading.damaged
        with open_media(media.path) as container:
            stream = _stream(container, media)
            stream.codec_context.thread_count = _THREADS
            stream.codec_context.thread_type = "AUTO" if _THREADS > 1 else "NONE"
            if not whole and not _sought(container, stream, media.zero + start - (back or 0)):
                continue
            with closing(_timed(reading, container, stream, needed)) as frames:
                first = next(frames, None)
                if whole or (first is not None and first[0] <= start + TOLERANCE):
                    if first is not None:
                        yield first
                        yield from frames
                    return
        reading.damaged = before


def _sought(container: InputContainer, stream: VideoStream, seconds: Fraction) -> bool:
    import av

    assert stream.time_base is not None
    try:
        container.seek(math.floor(seconds / stream.time_base), stream=stream, backward=True)
    except (av.FFmpegError, OSError):
        return False
    return True


def _timed(
    reading: WindowFrames, container: InputContainer, stream: VideoStream, needed: _Needed | None
) -> _TimedFrames:
    media = reading.media
    frames = _decoded(reading, container, stream, needed)
    if media.scan is not Scan.PROGRESSIVE:
        frames = _deinterlaced(frames, media.scan)
    latest: Fraction | None = None
    for frame in frames:
        ticks = frame.pts if frame.pts is not None else frame.dts
        if ticks is None or frame.time_base is None:
            continue
        pts = ticks * frame.time_base - media.zero
        if latest is None or pts > latest:
            latest = pts
            yield pts, frame


def _decoded(
    reading: WindowFrames, container: InputContainer, stream: VideoStream, needed: _Needed | None
) -> Iterator[VideoFrame]:
    """Every sound frame that is needed from where the container stands; what is damaged is counted and passed over."""
    import av

    disposable = Disposable(stream)
    assert stream.time_base is not None

    def damaged() -> None:
        reading.damaged += 1

    for packet in packets_of(container, stream, damaged):
        reading.packets += 1
        if needed is not None and packet.size:
            if packet.pts is None:
                raise _Unsure("a packet does not tell its time")
            pts = packet.pts * stream.time_base - reading.media.zero
            if disposable(packet) and not (packet.is_corrupt or needed.has(pts)):
                reading.dropped += 1
                continue
        try:
            frames = packet.decode()
        except av.FFmpegError:
            reading.damaged += 1
            continue
        for frame in frames:
            if frame.is_corrupt:
                reading.damaged += 1
            else:
                yield frame


def _deinterlaced(frames: Iterator[VideoFrame], scan: Scan) -> Iterator[VideoFrame]:
    import av

    graph: Any = None
    kind: tuple[int, int, str] | None = None
    for frame in frames:
        if kind != (frame.width, frame.height, frame.format.name):
            if graph is not None:
                graph.push(None)
                yield from _pulled(graph)
            kind = (frame.width, frame.height, frame.format.name)
            graph = av.filter.Graph()
            source = graph.add_buffer(
                width=frame.width, height=frame.height, format=frame.format, time_base=frame.time_base
            )
            parity = "tff" if scan is Scan.TOP_FIRST else "bff"
            filtering = graph.add("bwdif", f"mode=send_frame:parity={parity}:deint=all")
            sink = graph.add("buffersink")
            source.link_to(filtering)
            filtering.link_to(sink)
            graph.configure()
        graph.push(frame)
        yield from _pulled(graph)
    if graph is not None:
        graph.push(None)
        yield from _pulled(graph)


def _pulled(graph: Any) -> Iterator[VideoFrame]:
    import av

    while True:
        try:
            yield graph.pull()
        except (av.BlockingIOError, av.EOFError):
            return
