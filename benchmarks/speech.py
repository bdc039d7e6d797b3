"""How fast an hour of sound is listened to, and whether the memory grows.

    python benchmarks/speech.py [--minutes 60] [--wav]                # when somebody speaks
    python benchmarks/speech.py --words MODEL [--minutes 20] [--wav]  # and what is said

espeak-ng says some sentences again and again, with pauses, and an hour of that is listened to as `--speech` does it, in
a process of its own: from 16 kHz WAV, and from 48 kHz AAC in stereo. MODEL is a value of --speech-model.
"""

from __future__ import annotations

import argparse
import os
import re
import resource
import subprocess
import sys
import tempfile
import time
from dataclasses import replace
from fractions import Fraction
from pathlib import Path

SENTENCES = (
    "The red lamp was standing beside the old window.",
    "Nobody knew who had put it there, and nobody asked.",
    "On Tuesday the man from the shop came back with a ladder.",
)
KINDS = {"16 kHz WAV": ["-ar", "16000", "-ac", "1"], "48 kHz AAC, stereo": ["-ar", "48000", "-ac", "2", "-c:a", "aac"]}


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--minutes", type=int, default=60)
    parser.add_argument("--wav", action="store_true", help="the WAV alone")
    parser.add_argument("--words", metavar="MODEL", help="also write down what is said, with this speech model")
    parser.add_argument("--listen", type=Path, help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.listen:
        listen(options.listen, options.words)
        return 0
    with tempfile.TemporaryDirectory() as folder:
        for kind, encoding in list(KINDS.items())[: 1 if options.wav else None]:
            for minutes in (options.minutes // 10 or 1, options.minutes):
                path = talk(Path(folder), minutes, encoding)
                ran = subprocess.run(
                    [sys.executable, __file__, "--listen", str(path)]
                    + (["--words", options.words] if options.words else []),
                    stdout=subprocess.PIPE,
                    encoding="utf-8",
                    check=True,
                )
                print(f"{kind}, {minutes} minutes: {ran.stdout.strip()}", flush=True)
    return 0


def talk(folder: Path, minutes: int, encoding: list[str]) -> Path:
    """A film of so many minutes in which somebody speaks for about half of the time."""
    said = folder / "said.wav"
    passage = folder / "passage.wav"
    path = folder / f"talk-{minutes}{'.m4a' if 'aac' in encoding else '.wav'}"
    if not passage.exists():
        subprocess.run(["espeak-ng", "-w", said, " ".join(SENTENCES)], check=True)
        subprocess.run(
            ["ffmpeg", "-v", "error", "-i", said, "-af", "apad=whole_dur=20", "-t", "20", passage], check=True
        )
    command = ["ffmpeg", "-v", "error", "-y", "-stream_loop", "-1", "-i", str(passage), "-t", str(minutes * 60)]
    subprocess.run([*command, *encoding, str(path)], check=True)
    return path


def listen(path: Path, words: str | None) -> None:
    """Finds the speech, and prints how fast it was and how much memory it took. words: the model of what is said."""
    from marlin_edit.console import Console
    from marlin_edit.media import probe
    from marlin_edit.plugins import load_app
    from marlin_edit.workflow.hearing import Listener
    from marlin_edit.workflow.run import Run

    app = load_app().with_flags({"store": False} | ({"speech_model": words} if words else {}))
    listener = Listener.of(Run(app, Console(verbosity=-1)), words=words is not None)
    media = probe(path)
    listener.hear(replace(media, duration=Fraction(5)))  # loads what it needs
    began, busy = time.perf_counter(), cpu_seconds()
    speech = listener.hear(media)
    seconds, cpu = time.perf_counter() - began, cpu_seconds() - busy
    memory = peak_memory()
    print(
        f"{float(media.duration) / seconds:.0f} times real time ({seconds:.1f} s, {cpu:.1f} s of CPU), "
        f"{len(speech)} spans, {sum(len(one.words) for one in speech)} words, {memory:.0f} MB at most"
    )


def cpu_seconds() -> float:
    """Of this process and of those that it waited for."""
    times = os.times()
    return times.user + times.system + times.children_user + times.children_system


def peak_memory() -> float:
    """Megabytes."""
    status = Path("/proc/self/status")
    if status.exists():
        found = re.search(r"VmHWM:\s+(\d+)", status.read_text())
        if found is not None:
            return int(found[1]) / 1000
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1000


if __name__ == "__main__":
    raise SystemExit(main())
