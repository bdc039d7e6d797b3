"""What the evidence for findings costs: finding alone, with it, and with the earlier rule for asking again.

Run as `python benchmarks/evidence.py [--seconds 120]`. The demo model, one film of its world, the queries of
`labelled_clips`; each way several times, in turn. Ratios are to compare: the seconds say something about the computer.
"""

from __future__ import annotations

import argparse
import statistics
import tempfile
import time
from collections.abc import Callable, Mapping
from fractions import Fraction
from pathlib import Path

from marlin_edit.app import App
from marlin_edit.console import Console
from marlin_edit.inference import signals
from marlin_edit.inference.pipeline import analyze, model_opener
from marlin_edit.media import probe
from marlin_edit.plugins import load_app
from marlin_edit_demo.labelled_clips import make_labelled, queries_of
from marlin_edit_demo.world import write_clip

ROUNDS = 3


def earlier_rule(found: Mapping[str, float]) -> bool:
    """The rest of a window was asked about where half the words were told there, or the words as a whole had lift."""
    return found.get("told", 0.0) >= 0.3 or found.get("lift", 0.0) >= 1.0


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--seconds", type=int, default=120, help="length of the film (default 120)")
    options = parser.parse_args()
    flags = {"model": "demo", "store": False}
    app, alone = load_app().with_flags(flags), load_app().with_flags({**flags, "score": False})
    console = Console(verbosity=-1)
    with tempfile.TemporaryDirectory() as folder:
        length = range(options.seconds, options.seconds + 1)
        clip = make_labelled(5001, (320, 180), Fraction(25), length, range(6, 7))
        path = Path(folder) / "film.mp4"
        write_clip(path, clip)
        media = probe(path)
        queries = [words for _, words, _ in queries_of(clip)]
        model = model_opener(app, console)
        model()

        def run(one: App) -> tuple[float, int]:
            began = time.perf_counter()
            analysis = analyze(one, console, media, None, queries=queries, model=model)
            return time.perf_counter() - began, len(analysis.findings)

        def with_earlier_rule() -> tuple[float, int]:
            now: Callable[[Mapping[str, float]], bool] = signals.is_supported
            signals.is_supported = earlier_rule
            try:
                return run(app)
            finally:
                signals.is_supported = now

        ways = {
            "finding alone (--no-score)": lambda: run(alone),
            "evidence, earlier rule for asking again": with_earlier_rule,
            "evidence": lambda: run(app),
        }
        seconds: dict[str, list[float]] = {name: [] for name in ways}
        answers: dict[str, int] = {}
        for _ in range(ROUNDS):
            for name, way in ways.items():
                took, answers[name] = way()
                seconds[name].append(took)
    print(f"{len(queries)} queries, {options.seconds} s of footage, {ROUNDS} rounds, the median of each")
    least = statistics.median(seconds["finding alone (--no-score)"])
    for name, each in seconds.items():
        took = statistics.median(each)
        print(f"  {name:42} {took:7.2f} s  {took / least:5.2f} x  {answers[name]} findings")


if __name__ == "__main__":
    main()
