"""The sound of a media file as speech models take it: mono at 16 kHz, on the media's clock.

Each frame has a time, so delayed sound and edit lists are right.
"""

from __future__ import annotations

from collections.abc import Iterator
from fractions import Fraction
from typing import Any

from marlin_edit.media import MediaInfo, open_media, seek_before
from marlin_edit.timebase import Span

RATE = 16_000


def sound_of(media: MediaInfo, span: Span, stream: int | None = None) -> Iterator[tuple[Fraction, bytes]]:
    """The samples of a sound stream, 16 bits each, with the time of the first of each block, from zero.

    stream: its number in the file; None is the main one. Blocks may begin before `span`.
    """
    import av

    with open_media(media.path) as container:
        sound: Any = container.streams.best("audio") if stream is None else container.streams[stream]
        if sound is None:
            return
        resampler = av.AudioResampler("s16", "mono", RATE)
        if span.start > 0:
            seek_before(container, sound, media.zero + span.start)
        for frame in _decoded(container, sound):
            if frame.pts is None:
                continue
            time = frame.pts * frame.time_base - media.zero
            if time >= span.end:
                return
            if time + Fraction(frame.samples, frame.sample_rate) <= span.start:
                continue
            frame.pts = None
            for block in resampler.resample(frame):
                yield time, bytes(block.planes[0])[: 2 * block.samples]


def _decoded(container: Any, sound: Any) -> Iterator[Any]:
    """The frames that the sound decodes to; damaged packets are passed over."""
    import av

    for packet in container.demux(sound):
        try:
            yield from packet.decode()
        except av.FFmpegError:
            continue
