"""Many questions about one window against as many separate runs of decode, prefill and answer, side by side.

    python benchmarks/many_queries.py [--seconds 30] [--queries 1 4 16 64] [--separate 16] [--json FILE]

A random model of 40 million parameters (hybrid layers, as Marlin has) watches a real H.264 file through the whole path,
on this computer's CPU. A random model never ends an answer, so each is stopped after 12 tokens in both arms; a real
answer to `find` has about as many. Loading the model is in neither arm. Of the separate runs, `--separate` are timed,
spread over the questions, and their mean counts for the others. All of their answers must be those given together, or
it fails. Wall time is what a person waits; CPU time is shown too, because it hardly depends on what else the computer
is doing.

"With scores" adds what a finding's score is made of: each query judged as an event of the window and of a blank one.
The blank window is read once for all windows of its shape, and the caption is often wanted anyway: shown apart.
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

import torch

from marlin_edit.marlin.backend import MAX_NEW_TOKENS, MarlinModel
from marlin_edit.marlin.engine import Claim, Engine, Reading
from marlin_edit.marlin.loading import open_checkpoint
from marlin_edit.marlin.preprocessing import patches
from marlin_edit.marlin.prompts import question_text
from marlin_edit.media import MediaInfo, probe
from marlin_edit.sampling import Profile, display_size, sample_times, stamps, target_size
from marlin_edit.settings import Settings, Value
from marlin_edit.timebase import Span
from marlin_edit.video_model import Question, QuestionKind
from tests.support.checkpoints import save_checkpoint
from tests.support.synthetic_video import make_video

NEW_TOKENS, CAPTION_TOKENS = 12, 200
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
    parser.add_argument("--queries", type=int, nargs="+", default=[1, 4, 16, 64], help="default 1 4 16 64")
    parser.add_argument("--separate", type=int, default=16, help="how many separate runs are timed (default 16)")
    parser.add_argument("--json", type=Path, help="write the numbers there")
    options = parser.parse_args()
    MAX_NEW_TOKENS.update({QuestionKind.FIND: NEW_TOKENS, QuestionKind.CAPTION: CAPTION_TOKENS})
    with tempfile.TemporaryDirectory() as folder:
        print("Making the video and the model ...", file=sys.stderr)
        video = Path(folder) / "video.mp4"
        media = probe(make_video(video, frames=options.seconds * 30, rate="30", size=(1280, 720)))
        model = random_model(Path(folder))
        window = Span(Fraction(0), Fraction(options.seconds))
        numbers = measured(model, media, window, sorted(options.queries), options.separate)
    if options.json is not None:
        options.json.write_text(json.dumps(numbers, indent=2) + "\n", encoding="utf-8")
    return 0 if numbers["same answers"] else 1


def random_model(folder: Path) -> MarlinModel:
    """A model of 40 million parameters, shaped like Marlin, with random weights."""
    checkpoint = save_checkpoint(
        folder / "model",
        hidden=512,
        layers=LAYERS,
        vision_hidden=320,
        vision_depth=6,
        vocabulary=700,
        pixels_per_frame=200_704,
    )
    given = {"device": "cpu", "dtype": "float32", "decoder": "auto"}
    return open_checkpoint(str(checkpoint), Settings({name: Value(value) for name, value in given.items()}))


def measured(model: MarlinModel, media: MediaInfo, window: Span, counts: list[int], separate: int) -> dict[str, Any]:
    questions = [question(number) for number in range(counts[-1])]
    asked(model, media, Span(window.start, window.start + 4), questions[:1])
    together = {}
    for count in counts:
        print(f"{count} together ...", file=sys.stderr)
        together[count] = asked(model, media, window, questions[:count])
        print(f"... {together[count].cpu:.1f} s of CPU", file=sys.stderr)
    apart = {}
    chosen = sorted({number * counts[-1] // separate for number in range(min(separate, counts[-1]))})
    for number in chosen:
        print(f"A separate run, {len(apart) + 1} of {len(chosen)} ...", file=sys.stderr)
        apart[number] = asked(model, media, window, [questions[number]])
        print(f"... {apart[number].cpu:.1f} s of CPU", file=sys.stderr)
    print("Scores ...", file=sys.stderr)
    scores = scored(model, media, window, counts)
    wall, cpu = (sum(getattr(run, clock) for run in apart.values()) / len(apart) for clock in ("wall", "cpu"))
    rows: list[dict[str, Any]] = []
    for count in counts:
        run = together[count]
        with_scores = run.cpu + scores["judged_cpu"][count]
        rows.append(
            {
                "queries": count,
                "together": run.wall,
                "separate": count * wall,
                "ratio": count * wall / run.wall,
                "together_cpu": run.cpu,
                "separate_cpu": count * cpu,
                "ratio_cpu": count * cpu / run.cpu,
                "with_scores_cpu": with_scores,
                "ratio_with_scores_cpu": count * cpu / with_scores,
                "compared": sum(number < count for number in apart),
                "same": all(run.answers[number] == apart[number].answers[0] for number in apart if number < count),
            }
        )
    parameters = sum(parameter.numel() for parameter in model.engine._model.parameters())
    print(f"{parameters / 1e6:.0f} M parameters, {float(window.length):g} s of 1280x720, {NEW_TOKENS} new tokens each")
    print(f"A separate run takes {wall:.1f} s, {cpu:.1f} s of CPU: the mean of {len(apart)}, times the queries")
    print("              CPU seconds                                           ratio           answers")
    print(" queries   separate   together   with scores     CPU    wall   with scores    compared  same")
    for row in rows:
        print(
            f"{row['queries']:>8} {row['separate_cpu']:>10.1f} {row['together_cpu']:>10.1f} "
            f"{row['with_scores_cpu']:>13.1f} {row['ratio_cpu']:>6.1f}x {row['ratio']:>6.1f}x "
            f"{row['ratio_with_scores_cpu']:>12.1f}x {row['compared']:>11}  {'yes' if row['same'] else 'NO'}"
        )
    print(
        f"Scores need besides, in CPU seconds: a blank window read {scores['blank_cpu']:.1f} (once for all windows of "
        f"a shape), a caption of {CAPTION_TOKENS} tokens {scores['caption_cpu']:.1f} (where none is wanted anyway)"
    )
    same = all(row["same"] for row in rows)
    return {
        "parameters": parameters,
        "seconds": float(window.length),
        "separate runs timed": len(apart),
        "rows": rows,
        "scores": scores,
        "same answers": same,
    }


def scored(model: MarlinModel, media: MediaInfo, window: Span, counts: list[int]) -> dict[str, Any]:
    """CPU seconds of what scores add to a window that has been read and asked."""
    watched = next(fresh(model).watch(media, [window]))
    reading = watched.reading
    started = time.process_time()
    blank = blank_reading(model.engine, model.profile, media, window)
    blank_cpu = time.process_time() - started
    started = time.process_time()
    watched.ask([Question(QuestionKind.CAPTION)])
    caption_cpu = time.process_time() - started
    judged = {}
    asking = question_text(Question(QuestionKind.CAPTION))
    for count in counts:
        claims = [
            Claim(asking, f"Events:\n<{number % 20 + 1.5:.1f} - {number % 20 + 4.5:.1f}>", f" {question(number).query}")
            for number in range(count)
        ]
        started = time.process_time()
        reading.judge(claims)
        blank.judge(claims)
        judged[count] = time.process_time() - started
    return {"judged_cpu": judged, "blank_cpu": blank_cpu, "caption_cpu": caption_cpu}


def blank_reading(engine: Engine, profile: Profile, media: MediaInfo, window: Span) -> Reading:
    """A grey window of the same shape: its one pair is seen once."""
    times = sample_times(window, profile)
    size = target_size(*display_size(media), len(times), profile, engine.layout)
    rows, grid = patches(torch.full((engine.layout.temporal, 3, *size), 128, dtype=torch.uint8), engine.layout)
    seen = engine.look(rows, grid)[0]
    since = stamps([instant - window.start for instant in times], engine.layout)
    return engine.read(((stamp, seen) for stamp in since), grid[1:])


@dataclass(frozen=True)
class Run:
    wall: float
    cpu: float
    answers: list[str]


def fresh(model: MarlinModel) -> MarlinModel:
    """The same model, with nothing kept from a run before."""
    return MarlinModel(lambda: model.engine, model.profile, model.identity, "auto")


def asked(model: MarlinModel, media: MediaInfo, window: Span, questions: list[Question]) -> Run:
    """One run through the whole path."""
    wall, cpu = time.perf_counter(), time.process_time()
    answers = next(fresh(model).watch(media, [window])).ask(questions)
    return Run(time.perf_counter() - wall, time.process_time() - cpu, [answer.raw for answer in answers])


if __name__ == "__main__":
    sys.exit(main())
