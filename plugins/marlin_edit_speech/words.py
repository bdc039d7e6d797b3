"""What is said, word by word: a Whisper model hears the spans in which somebody speaks."""

from __future__ import annotations

import os
from collections.abc import Sequence
from fractions import Fraction
from functools import lru_cache
from importlib.metadata import version
from pathlib import Path
from typing import TYPE_CHECKING, Any

from marlin_edit.analysis import ModelIdentity
from marlin_edit.errors import MarlinEditError
from marlin_edit.interfaces import Detection
from marlin_edit.media import MediaInfo
from marlin_edit.settings import Settings
from marlin_edit.timebase import Span, parse_seconds
from marlin_edit_speech.models import check, fingerprint
from marlin_edit_speech.pauses import closed, parted, pauses_in
from marlin_edit_speech.sound import RATE, sound_of

if TYPE_CHECKING:
    from numpy import float32
    from numpy.typing import NDArray

BEAM = 5
JOINED = Fraction(4)
"""Seconds: the model hears spans of speech that are nearer together than this as one, with their pauses."""

EDGE = Fraction(3, 5)
"""Seconds that it hears before and after: with less, it understands fewer of the first words."""

VERSION = 2
"""Raised whenever the same model and settings would give other words."""

_SHORTEST = Fraction(1, 100)


def identity(settings: Settings) -> ModelIdentity:
    """The model of the settings, and what its words depend on beside the sound."""
    directory = check(settings)
    device, kind = _device(settings)
    language = settings.value("speech_language", str) or "found"
    profile = f"{VERSION}; faster-whisper {version('faster-whisper')}; {device}; beam {BEAM}; language {language}"
    return ModelIdentity(directory.name, _fingerprint(directory), profile, kind)


def words_in(media: MediaInfo, span: Span, spoken: Sequence[Span], settings: Settings) -> list[Detection]:
    """The words that are said in a span. spoken: when somebody speaks; without it the whole span is heard.

    Raises:
        MarlinEditError: The model cannot be used, or the media cannot be opened.
    """
    directory = check(settings)
    samples = _samples(media, span, settings.optional("audio_stream", int))
    if not len(samples):
        return []
    model = _model(directory, *_device(settings))
    clips = _clips(spoken or [span], span, Fraction(len(samples), RATE))
    language = settings.value("speech_language", str) or None
    if language is not None and language not in model.supported_languages:
        raise MarlinEditError(
            f"--speech-language {language}: the speech model {directory.name} does not know that language."
        )
    found = []
    segments, info = model.transcribe(
        samples,
        language=language,
        beam_size=BEAM,
        word_timestamps=True,
        condition_on_previous_text=False,  # what is invented once would be repeated
        clip_timestamps=[float(second) for clip in clips for second in (clip.start, clip.end)],
    )
    for segment in segments:
        for word in segment.words or ():
            start, end = (
                span.start + max(Fraction(0), parse_seconds(f"{time:.3f}")) for time in (word.start, word.end)
            )
            end = max(start + _SHORTEST, end)
            sure = round(min(1.0, max(0.0, float(word.probability))), 3)
            found.append(Detection(Span(start, end), word.word, "", sure, info.language))
    pauses = pauses_in(samples, span.start, spoken or [span])
    return closed(parted(found, pauses), pauses, spoken)


def _clips(spoken: Sequence[Span], span: Span, length: Fraction) -> list[Span]:
    """The parts of a span to be heard, in seconds from its beginning."""
    clips: list[Span] = []
    for one in spoken:
        start = max(Fraction(0), one.start - span.start - EDGE)
        end = min(length, one.end - span.start + EDGE)
        if clips and start - clips[-1].end < JOINED:
            clips[-1] = Span(clips[-1].start, max(clips[-1].end, end))
        elif start < end:
            clips.append(Span(start, end))
    return clips


def _samples(media: MediaInfo, span: Span, stream: int | None) -> NDArray[float32]:
    """The sound of a span in mono at RATE; where there is none, silence."""
    import numpy as np

    samples = np.zeros(int(span.length * RATE), dtype=np.float32)
    filled = 0
    for time, block in sound_of(media, span, stream):
        values = np.frombuffer(block, dtype=np.int16).astype(np.float32) / 32768
        first = round((time - span.start) * RATE)
        values, first = values[max(0, -first) :], max(0, first)
        values = values[: max(0, len(samples) - first)]
        samples[first : first + len(values)] = values
        filled = max(filled, first + len(values))
    return samples[:filled]


def _device(settings: Settings) -> tuple[str, str]:
    """The device that the model runs on and the number format there."""
    import ctranslate2

    wanted = settings.value("device", str)
    there = ctranslate2.get_cuda_device_count() > 0
    if wanted == "cuda" and not there:
        raise MarlinEditError("--device cuda: the speech model finds no NVIDIA card here. Use --device cpu.")
    return ("cuda", "float16") if there and wanted in ("auto", "cuda") else ("cpu", "int8")


@lru_cache(maxsize=8)
def _fingerprint(directory: Path) -> str:
    return fingerprint(directory)


@lru_cache(maxsize=1)
def _model(directory: Path, device: str, kind: str) -> Any:
    from faster_whisper import WhisperModel

    affinity = getattr(os, "sched_getaffinity", None)
    cores = len(affinity(0)) if affinity is not None else os.cpu_count() or 1
    try:
        return WhisperModel(str(directory), device=device, compute_type=kind, cpu_threads=cores, local_files_only=True)
    except (RuntimeError, ValueError, OSError) as error:
        raise MarlinEditError(f"The speech model {directory} cannot be loaded: {error}.") from error
