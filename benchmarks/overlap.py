"""Overlapping windows with what was seen of a pair of frames kept for the next window, and without, side by side.

    python benchmarks/overlap.py [--seconds 110] [--window 30] [--overlap 10] [--json FILE]

A random model of 40 million parameters (as in many_queries.py) watches a real H.264 file in windows, on this computer's
CPU; nothing is asked, so what is measured is decoding, seeing and reading. The readings must be the same, or it fails.
"""

from __future__ import annotations

import argparse
import json
import sys
import tempfile
import time
from fractions import Fraction
from pathlib import Path
from typing import Any

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))

from benchmarks.many_queries import fresh, random_model
from marlin_edit.inference.windows import windows_over
from marlin_edit.marlin.backend import MAX_NEW_TOKENS, MarlinModel
from marlin_edit.media import MediaInfo, probe
from marlin_edit.timebase import Span
from marlin_edit.video_model import Question, QuestionKind
from tests.support.synthetic_video import make_video


class Forgetful(MarlinModel):
    """Sees every window again."""

    def _look(self, *arguments: Any, **named: Any) -> Any:
        self._seen = {}
        return super()._look(*arguments, **named)


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--seconds", type=int, default=110, help="length of the file (default 110)")
    parser.add_argument("--window", type=int, default=30)
    parser.add_argument("--overlap", type=int, default=10)
    parser.add_argument("--json", type=Path, help="write the numbers there")
    options = parser.parse_args()
    MAX_NEW_TOKENS[QuestionKind.FIND] = 1
    with tempfile.TemporaryDirectory() as folder:
        path = make_video(Path(folder) / "video.mp4", frames=25 * options.seconds, rate="25", size=(1280, 720), audio=0)
        model, media = random_model(Path(folder)), probe(path)
        wanted = Span(Fraction(0), media.duration)
        windows = windows_over(wanted, Fraction(options.window), Fraction(options.overlap), model.sampling_step)
        kept, again = watched(fresh(model), media, windows), watched(forgetful(model), media, windows)
    footage = float(sum(window.length for window in windows))
    print(f"{len(windows)} windows of {options.window} s with {options.overlap} s in common: {footage:.0f} s are shown")
    print(f"  seen once   {kept['cpu']:7.1f} s of CPU")
    print(f"  seen again   {again['cpu']:7.1f} s of CPU")
    print(f"  ratio       {again['cpu'] / kept['cpu']:7.2f}")
    same = kept.pop("answers") == again.pop("answers")
    print(f"same answers: {'yes' if same else 'NO'}")
    if options.json is not None:
        options.json.write_text(json.dumps({"kept": kept, "again": again, "same": same}, indent=2) + "\n")
    return 0 if same else 1


def forgetful(model: MarlinModel) -> MarlinModel:
    return Forgetful(lambda: model.engine, model.profile, model.identity, "auto")


def watched(model: MarlinModel, media: MediaInfo, windows: tuple[Span, ...]) -> dict[str, Any]:
    """CPU seconds of watching all windows, and what one question gives of each."""
    began = time.process_time()
    question = Question(QuestionKind.FIND, "a door opens")
    answers = [(window.ask([question])[0].raw) for window in model.watch(media, windows)]
    return {"cpu": time.process_time() - began, "answers": answers}


if __name__ == "__main__":
    raise SystemExit(main())
