"""Media for tests, made here: every frame carries its index as big blocks, so that a reader sees which one it has.

The code survives hard compression and scaling: six by four cells, dark or light, of which eight are check bits.
Audio has a 1 kHz burst of 20 ms at every half second past a whole one (0.5, 1.5, ...) after the picture's start.
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping, Sequence
from fractions import Fraction
from pathlib import Path
from typing import Any

import av
import numpy as np
import numpy.typing as npt

from marlin_edit_ffmpeg.priority import keep_usual_priority

COLUMNS, ROWS = 6, 4
BURST_EVERY = Fraction(1)
FIRST_BURST = Fraction(1, 2)
_SAMPLE_RATE = 48_000
_CHECK = 0x5A
_AUDIO_CODECS = {".webm": "libopus", ".avi": "pcm_s16le"}
_SUBTITLE_CODECS = {".mp4": "mov_text", ".mov": "mov_text", ".webm": "webvtt"}


def _cells(index: int) -> list[bool]:
    check = (index ^ (index >> 8) ^ _CHECK) & 0xFF
    word = ((index & 0xFFFF) << 8) | check
    return [bool(word >> bit & 1) for bit in range(COLUMNS * ROWS)]


def coded_luma(index: int, size: tuple[int, int]) -> npt.NDArray[np.uint8]:
    """The picture of frame `index` (at most 65535), 8-bit luma, rows first."""
    width, height = size
    picture = np.full((height, width), 120, dtype=np.uint8)
    for number, light in enumerate(_cells(index)):
        row, column = divmod(number, COLUMNS)
        top, bottom = row * height // ROWS, (row + 1) * height // ROWS
        left, right = column * width // COLUMNS, (column + 1) * width // COLUMNS
        picture[top:bottom, left:right] = 210 if light else 45
    return picture


def read_index(luma: npt.NDArray[Any]) -> int:
    """The index that a picture carries, from its luma or any channel like it; -1 where it cannot be read."""
    height, width = luma.shape
    values = []
    for row in range(ROWS):
        for column in range(COLUMNS):
            top, bottom = (4 * row + 1) * height // (4 * ROWS), (4 * row + 3) * height // (4 * ROWS)
            left, right = (4 * column + 1) * width // (4 * COLUMNS), (4 * column + 3) * width // (4 * COLUMNS)
            values.append(float(luma[top:bottom, left:right].mean()))
    middle = (min(values) + max(values)) / 2
    word = sum(1 << bit for bit, value in enumerate(values) if value > middle)
    index = word >> 8
    return index if _cells(index) == [value > middle for value in values] else -1


def frame_index(frame: av.VideoFrame) -> int:
    """The index that a decoded frame carries; -1 where it cannot be read."""
    return read_index(frame.to_ndarray(format="gray"))


def frame_indices(path: Path, stream: int = 0) -> list[tuple[Fraction, int]]:
    """Every frame that decoding the `stream`-th video stream gives: its pts in seconds, and the index it carries."""
    found = []
    with av.open(str(path)) as container:
        for packet in container.demux(video=stream):
            try:
                frames = packet.decode()
            except av.FFmpegError:  # a damaged packet shows nothing
                continue
            for frame in frames:
                assert frame.pts is not None
                assert frame.time_base is not None
                found.append((frame.pts * frame.time_base, frame_index(frame)))
    return found


def burst_times(path: Path, stream: int = 0) -> list[Fraction]:
    """When each burst of the `stream`-th audio stream begins, in seconds on the container's clock."""
    with av.open(str(path)) as container:
        track = container.streams.audio[stream]
        resampler = av.AudioResampler(format="flt", layout="mono", rate=_SAMPLE_RATE)
        begin: Fraction | None = None
        blocks: list[npt.NDArray[np.float32]] = []
        for frame in container.decode(track):
            if begin is None and frame.pts is not None and frame.time_base is not None:
                begin = frame.pts * frame.time_base
            blocks += [block.to_ndarray().reshape(-1).astype(np.float32) for block in resampler.resample(frame)]
        blocks += [block.to_ndarray().reshape(-1).astype(np.float32) for block in resampler.resample(None)]
    loud = np.flatnonzero(np.abs(np.concatenate(blocks)) > 0.25)
    starts = loud[np.flatnonzero(np.diff(loud, prepend=-_SAMPLE_RATE) > _SAMPLE_RATE // 10)]
    assert begin is not None
    return [begin + Fraction(int(start), _SAMPLE_RATE) for start in starts]


def _audio_block(first: int, count: int) -> npt.NDArray[np.int16]:
    """Samples `first` to `first + count` of the test sound, counted from the picture's start."""
    place = np.arange(first, first + count)
    since = (place - int(FIRST_BURST * _SAMPLE_RATE)) % int(BURST_EVERY * _SAMPLE_RATE)
    loud = (since < _SAMPLE_RATE // 50) & (place >= 0)
    return np.where(loud, 20_000 * np.cos(2 * math.pi * 1000 * since / _SAMPLE_RATE), 0).astype(np.int16)


def _video_frames(
    indices: Sequence[int],
    times: Sequence[Fraction],
    durations: Sequence[Fraction],
    size: tuple[int, int],
    time_base: Fraction,
    pixel_format: str,
) -> Iterator[av.VideoFrame]:
    width, height = size
    for index, time, duration in zip(indices, times, durations, strict=True):
        picture = np.full((height * 3 // 2, width), 128, dtype=np.uint8)
        picture[:height] = coded_luma(index, size)
        frame = av.VideoFrame.from_ndarray(picture, format="yuv420p")
        if pixel_format != "yuv420p":
            frame = frame.reformat(format=pixel_format)
        frame.pts = round(time / time_base)
        frame.duration = round(duration / time_base)
        frame.time_base = time_base
        yield frame


def make_video(
    path: Path,
    *,
    frames: int = 75,
    rate: str = "25",
    size: tuple[int, int] = (320, 180),
    codec: str = "libx264",
    options: Mapping[str, str] | None = None,
    gop: int = 25,
    bframes: int = 2,
    timecode: str | None = None,
    reel: str | None = None,
    audio: int = 1,
    audio_codec: str | None = None,
    audio_delay: Fraction = Fraction(0),
    audio_languages: Sequence[str] = (),
    start: Fraction = Fraction(0),
    hidden: int = 0,
    rotation: int = 0,
    pixel_aspect: Fraction | int = 1,
    variable: Sequence[Fraction] | None = None,
    pixel_format: str = "yuv420p",
    colour: Mapping[str, int] | None = None,
    interlaced: str | None = None,
    first_index: int = 0,
    subtitles: int = 0,
    more_videos: Sequence[tuple[int, int]] = (),
    metadata: Mapping[str, str] | None = None,
    container_options: Mapping[str, str] | None = None,
) -> Path:
    """Write a test video; its suffix picks the container (mp4, mov, mkv, ts, avi, webm, mxf).

    start: the container's clock at the first frame. hidden: leading frames that an mp4 or mov edit list hides (the
    first frame shown then carries index `first_index + hidden`). rotation: degrees clockwise for display. variable:
    each frame's time in seconds, instead of `frames` at `rate`. colour: `color_primaries`, `color_trc`, `colorspace`,
    `color_range` as FFmpeg's numbers. interlaced: "top" or "bottom". more_videos: sizes of further video streams.
    audio_delay: how much later than the picture the sound starts; its bursts stay where they are.
    """
    exact_rate = Fraction(rate)
    suffix = path.suffix.lower()
    times = list(variable) if variable is not None else [Fraction(n) / exact_rate for n in range(frames)]
    durations = [later - now for now, later in zip(times, [*times[1:]], strict=False)] + [1 / exact_rate] * bool(times)
    shift = start - hidden / exact_rate
    moved = bool(hidden or start)
    time_base = _time_base(codec, exact_rate, fine=variable is not None or moved, variable=variable is not None)
    muxing = dict(container_options or {})
    if moved:
        muxing.setdefault("avoid_negative_ts", "disabled")
    if suffix == ".ts":
        muxing.setdefault("mpegts_copyts", "1")
    encoder_options = _encoder_options(codec, gop, bframes, interlaced) | dict(options or {})

    with av.open(str(path), "w", container_options=muxing) as container:
        container.metadata.update(metadata or {})
        if timecode is not None and suffix in (".mkv", ".mxf"):
            container.metadata["timecode"] = timecode
        if reel is not None and not (timecode is not None and suffix in (".mp4", ".mov")):
            container.metadata["reel_name"] = reel
        videos: list[tuple[Any, tuple[int, int]]] = []
        for picture in (size, *more_videos):
            video: Any = container.add_stream(codec, rate=exact_rate, options=encoder_options)
            video.width, video.height = picture
            video.pix_fmt = pixel_format
            _configure(video.codec_context, codec, time_base, gop, bframes, interlaced)
            video.codec_context.sample_aspect_ratio = Fraction(pixel_aspect)
            for name, value in (colour or {}).items():
                setattr(video.codec_context, name, value)
            if timecode is not None and not videos and suffix in (".mp4", ".mov"):
                video.metadata.update({"timecode": timecode} | ({} if reel is None else {"reel_name": reel}))
            if rotation:
                video.set_display_rotation(-rotation)
            videos.append((video, picture))
        sounds = _add_sounds(container, audio_codec or _AUDIO_CODECS.get(suffix, "aac"), audio, audio_languages)
        subtitle_codec = _SUBTITLE_CODECS.get(suffix, "subrip")
        texts = [container.add_mux_stream(subtitle_codec) for _ in range(subtitles)]

        container.start_encoding()
        keep_usual_priority()
        for text in texts:
            container.mux(_subtitle_packet(text, subtitle_codec, shift))
        indices = range(first_index, first_index + len(times))
        shifted = [time + shift for time in times]
        sources = [
            _video_frames(indices, shifted, durations, picture, time_base, pixel_format) for _, picture in videos
        ]
        end = times[-1] + durations[-1] if times else Fraction(0)
        _encode(
            container,
            times,
            end,
            [(video, source) for (video, _), source in zip(videos, sources, strict=True)],
            sounds,
            int(audio_delay * _SAMPLE_RATE),
            shift,
        )
    return path


def _time_base(codec: str, rate: Fraction, *, fine: bool, variable: bool) -> Fraction:
    if codec in ("mpeg2video", "mpeg4"):  # no clock as fine as 90 kHz
        return Fraction(1, 9000) if variable else 1 / rate
    return Fraction(1, 90_000) if fine else 1 / rate


def _encoder_options(codec: str, gop: int, bframes: int, interlaced: str | None) -> dict[str, str]:
    options = {"preset": "ultrafast", "crf": "28"} if codec in ("libx264", "libx265") else {}
    if codec == "libx264":
        options |= {"bf": str(bframes), "sc_threshold": "0"}
        if bframes:
            options |= {"preset": "superfast", "b-adapt": "0"}
    if codec == "libx265":
        options["x265-params"] = f"log-level=none:bframes={bframes}:keyint={gop}:min-keyint={gop}:scenecut=0"
    if codec == "libsvtav1":  # preset 12 writes broken streams at this size, and its low delay can hang
        options |= {"preset": "8", "svtav1-params": "lp=1"}
    if codec in ("libvpx", "libvpx-vp9"):
        options |= {"deadline": "realtime", "cpu-used": "8"}
    if interlaced is not None and codec == "libx264":
        options["x264-params"] = f"interlaced=1:{'tff' if interlaced == 'top' else 'bff'}=1"
    return options


def _configure(context: Any, codec: str, time_base: Fraction, gop: int, bframes: int, interlaced: str | None) -> None:
    context.time_base = time_base
    context.gop_size = gop
    if codec in ("mpeg4", "mpeg2video"):
        context.max_b_frames = bframes
    if interlaced is not None:
        context.flags |= 1 << 18 | 1 << 29


def _add_sounds(container: Any, codec: str, count: int, languages: Sequence[str]) -> list[Any]:
    sounds = [container.add_stream(codec, rate=_SAMPLE_RATE, layout="stereo") for _ in range(count)]
    for sound, language in zip(sounds, languages, strict=False):
        sound.metadata["language"] = language
    return sounds


def _encode(
    container: Any,
    times: Sequence[Fraction],
    end: Fraction,
    videos: Sequence[tuple[Any, Iterator[Any]]],
    sounds: Sequence[Any],
    first_sample: int,
    shift: Fraction,
) -> None:
    """Encodes and muxes the pictures in order of time, each second of sound a second ahead of them."""
    sample, last_sample = first_sample, int(end * _SAMPLE_RATE)
    for now in times:
        for video, source in videos:
            container.mux(video.encode(next(source)))
        while sounds and sample < min(last_sample, int((now + 1) * _SAMPLE_RATE)):
            count = min(1024, last_sample - sample)
            for sound in sounds:
                container.mux(sound.encode(_audio_frame(sample, count, shift)))
            sample += count
    assert not sounds or sample >= min(first_sample, last_sample)
    for stream in (*(video for video, _ in videos), *sounds):
        container.mux(stream.encode(None))


def _audio_frame(first: int, count: int, shift: Fraction) -> av.AudioFrame:
    block = _audio_block(first, count)
    frame = av.AudioFrame.from_ndarray(np.repeat(block, 2).reshape(1, -1), format="s16", layout="stereo")
    frame.sample_rate = _SAMPLE_RATE
    frame.time_base = Fraction(1, _SAMPLE_RATE)
    frame.pts = first + round(shift * _SAMPLE_RATE)
    return frame


def _subtitle_packet(stream: Any, codec: str, shift: Fraction) -> av.Packet[Any]:
    """One line of text, one second long, half a second after the picture's start."""
    text = b"a line of text"
    content = len(text).to_bytes(2, "big") + text if codec == "mov_text" else text
    packet: av.Packet[Any] = av.Packet(content)
    packet.stream = stream
    packet.time_base = Fraction(1, 1000)
    packet.pts = packet.dts = round((shift + Fraction(1, 2)) * 1000)
    packet.duration = 1000
    return packet


def make_audio(path: Path, *, seconds: Fraction = Fraction(2), codec: str = "aac", streams: int = 1) -> Path:
    """A file with sound and no picture."""
    with av.open(str(path), "w") as container:
        sounds: list[Any] = [container.add_stream(codec, rate=_SAMPLE_RATE, layout="stereo") for _ in range(streams)]
        stop = int(seconds * _SAMPLE_RATE)
        for first in range(0, stop, 1024):
            for sound in sounds:
                container.mux(sound.encode(_audio_frame(first, min(1024, stop - first), Fraction(0))))
        for sound in sounds:
            container.mux(sound.encode(None))
    return path


def truncate(path: Path, keep: float) -> Path:
    """Cut a file short, to `keep` of its bytes."""
    content = path.read_bytes()
    path.write_bytes(content[: int(len(content) * keep)])
    return path
