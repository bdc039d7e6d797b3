"""Many questions about one window against as many separate runs of decode, prefill and answer, side by side.

    python benchmarks/many_queries.py [--seconds 30] [--queries 1 4 16] [--json FILE]

A random model of 40 million parameters (hybrid layers, as Marlin has) watches a real H.264 file through the whole path,
on this computer's CPU. A random model never ends an answer, so each is stopped after 12 tokens in both arms; a real
answer to `find` has about as many. Loading the model is in neither arm. The answers must be the same, or it fails.
Wall time is what a person waits; CPU time is told too, because it hardly depends on what else the computer is doing.
"""

from __future__ import annotations

import argparse
import json
import sys
import tempfile
import time
from dataclasses import dataclass
from fractions import Fraction
from pathlib import Path
from typing import Any

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))

from marlin_edit.interfaces import Question, QuestionKind
from marlin_edit.marlin.backend import MAX_NEW_TOKENS, MarlinModel, open_checkpoint
from marlin_edit.media import MediaInfo, probe
from marlin_edit.settings import Settings, Value
from marlin_edit.timebase import Span
from tests.checkpoints import save_checkpoint
from tests.makers import make_video

NEW_TOKENS = 12
LINEAR, FULL = "linear_attention", "full_attention"
LAYERS = (LINEAR, LINEAR, LINEAR, FULL, LINEAR, LINEAR, LINEAR, FULL, LINEAR, FULL)
SUBJECTS = ("a door", "a red car", "a person", "the light", "a dog", "a cup", "the crowd", "a train")
ACTIONS = ("appears on the left", "turns around", "moves towards the camera", "stops", "falls over", "leaves", "is lit")


def question(number: int) -> Question:
    subject, action = SUBJECTS[number % len(SUBJECTS)], ACTIONS[number % len(ACTIONS)]
    return Question(QuestionKind.FIND, f"{subject} {action}")


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--seconds", type=int, default=30, help="length of the window (default 30)")
    parser.add_argument("--queries", type=int, nargs="+", default=[1, 4, 16], help="how many (default 1 4 16)")
    parser.add_argument("--json", type=Path, help="write the numbers there")
    options = parser.parse_args()
    MAX_NEW_TOKENS[QuestionKind.FIND] = NEW_TOKENS
    with tempfile.TemporaryDirectory() as folder:
        print("Making the video and the model ...", file=sys.stderr)
        video = Path(folder) / "video.mp4"
        media = probe(make_video(video, frames=options.seconds * 30, rate="30", size=(1280, 720)))
        checkpoint = save_checkpoint(
            Path(folder) / "model",
            hidden=512,
            layers=LAYERS,
            vision_hidden=320,
            vision_depth=6,
            vocabulary=700,
            pixels_per_frame=200_704,
        )
        given = {"device": "cpu", "dtype": "float32", "decoder": "auto"}
        model = open_checkpoint(str(checkpoint), Settings({name: Value(value) for name, value in given.items()}))
        numbers = measured(model, media, Span(Fraction(0), Fraction(options.seconds)), sorted(options.queries))
    if options.json is not None:
        options.json.write_text(json.dumps(numbers, indent=2) + "\n", encoding="utf-8")
    return 0 if numbers["same answers"] else 1


def measured(model: MarlinModel, media: MediaInfo, window: Span, counts: list[int]) -> dict[str, Any]:
    questions = [question(number) for number in range(counts[-1])]
    asked(model, media, window, questions[:1])
    together = {}
    for count in counts:
        print(f"{count} together ...", file=sys.stderr)
        together[count] = asked(model, media, window, questions[:count])
    separate = []
    for number, single in enumerate(questions):
        print(f"Separate run {number + 1} of {len(questions)} ...", file=sys.stderr)
        separate.append(asked(model, media, window, [single]))
    rows: list[dict[str, Any]] = []
    for count in counts:
        one, apart = together[count], separate[:count]
        rows.append(
            {
                "queries": count,
                "together": one.wall,
                "separate": sum(run.wall for run in apart),
                "ratio": sum(run.wall for run in apart) / one.wall,
                "together_cpu": one.cpu,
                "separate_cpu": sum(run.cpu for run in apart),
                "ratio_cpu": sum(run.cpu for run in apart) / one.cpu,
                "same": one.answers == [run.answers[0] for run in apart],
            }
        )
    parameters = sum(parameter.numel() for parameter in model.engine._model.parameters())
    print(f"{parameters / 1e6:.0f} M parameters, {float(window.length):g} s of 1280x720, {NEW_TOKENS} new tokens each")
    print(f"{'queries':>8} {'separate':>10} {'together':>10} {'ratio':>7} {'of CPU':>7}  same answers")
    for row in rows:
        print(
            f"{row['queries']:>8} {row['separate']:>8.1f} s {row['together']:>8.1f} s {row['ratio']:>6.1f}x "
            f"{row['ratio_cpu']:>6.1f}x  {'yes' if row['same'] else 'NO'}"
        )
    same = all(row["same"] for row in rows)
    return {"parameters": parameters, "seconds": float(window.length), "rows": rows, "same answers": same}


@dataclass(frozen=True)
class Run:
    wall: float
    cpu: float
    answers: list[str]


def asked(model: MarlinModel, media: MediaInfo, window: Span, questions: list[Question]) -> Run:
    """One run through the whole path, with nothing kept from a run before."""
    fresh = MarlinModel(lambda: model.engine, model.profile, model.identity, "auto")
    wall, cpu = time.perf_counter(), time.process_time()
    answers = next(fresh.watch(media, [window])).ask(questions)
    return Run(time.perf_counter() - wall, time.process_time() - cpu, [answer.raw for answer in answers])


if __name__ == "__main__":
    sys.exit(main())
