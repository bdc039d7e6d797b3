"""How good a demo checkpoint is: 200 clips that it has never seen, from the file to the answer.

The clips, their seeds and the questions were fixed here before the first training run.
"""

from __future__ import annotations

import argparse
import json
import random
import sys
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import asdict, dataclass
from fractions import Fraction
from multiprocessing import get_context
from pathlib import Path

from marlin_edit_demo.training.questions import ReadEvent, perfect_answers, read_events, read_find
from marlin_edit_demo.world import WORDINGS, Clip, WorldSettings, make_clip, write_clip

CLIPS = 200
FIRST_SEED = 900_001
RATES = (Fraction(24000, 1001), Fraction(25), Fraction(30000, 1001))
SHORTEST, LONGEST = Fraction(6), Fraction(30)
SIZE = (640, 360)

BAR = {"find mIoU": 0.80, "find R1@0.5": 0.90, "caption F1@0.5": 0.75}

Answerer = Callable[[Path, Sequence[str]], tuple[str, list[str]]]
"""From a file and queries to the raw caption and one raw answer for each query."""


@dataclass(frozen=True)
class Scores:
    """Means over all queries (`find_*`) and over all events of all clips (`caption_*`)."""

    clips: int
    queries: int
    find_miou: float
    find_r1_at_03: float
    find_r1_at_05: float
    find_r1_at_07: float
    caption_precision: float
    caption_recall: float
    caption_f1: float
    scenes_right: float

    def lines(self) -> list[str]:
        """The scores as lines to read."""
        return [
            f"clips {self.clips}, queries {self.queries}",
            f"find mIoU {self.find_miou:.3f}",
            f"find R1@0.3 {self.find_r1_at_03:.3f}, R1@0.5 {self.find_r1_at_05:.3f}, R1@0.7 {self.find_r1_at_07:.3f}",
            f"caption events at IoU 0.5: precision {self.caption_precision:.3f}, recall {self.caption_recall:.3f}, "
            f"F1 {self.caption_f1:.3f}",
            f"scene paragraphs right {self.scenes_right:.3f}",
        ]


def evaluation_clip(index: int) -> Clip:
    """Clip number `index` of the evaluation: the three rates in turn, lengths from 6 to 30 s in milliseconds."""
    seed = FIRST_SEED + index
    length = Fraction(random.Random(seed).randint(int(SHORTEST * 1000), int(LONGEST * 1000)), 1000)
    rate = RATES[index % len(RATES)]
    # Whole frames, never above the longest length.
    length = Fraction(int(length * rate)) / rate
    return make_clip(seed, WorldSettings(width=SIZE[0], height=SIZE[1], rate=rate, length=length))


def evaluation_queries(clip: Clip) -> list[str]:
    """One query for each event, in wordings drawn by the clip's seed."""
    chance = random.Random(clip.seed)
    return [chance.choice(WORDINGS).format(event.shape.words) for event in clip.events]


def overlap(one: tuple[Fraction, Fraction], other: tuple[Fraction, Fraction]) -> float:
    """Intersection over union of two spans; 0 for one that is empty or turned round."""
    if one[0] >= one[1] or other[0] >= other[1]:
        return 0.0
    common = min(one[1], other[1]) - max(one[0], other[0])
    if common <= 0:
        return 0.0
    return float(common / (max(one[1], other[1]) - min(one[0], other[0])))


def matched_events(clip: Clip, said: Sequence[ReadEvent], length: Fraction) -> int:
    """How many said events pair off, one to one, with a true one of the same words and an overlap of 0.5 or more."""
    left = list(clip.events)
    matched = 0
    for event in said:
        span = (event.start, min(event.end, length))
        fitting = [true for true in left if true.text == event.text and overlap(span, (true.start, true.end)) >= 0.5]
        if fitting:
            left.remove(fitting[0])
            matched += 1
    return matched


def score(answered: Iterable[tuple[Clip, str, list[str]]]) -> Scores:
    """The scores of captions and answers; ends past the clip are cut to it first, as the product does."""
    overlaps: list[float] = []
    clips = matched = told_count = true_count = scenes = 0
    for clip, caption, answers in answered:
        clips += 1
        length = Fraction(clip.settings.frame_count) / clip.settings.rate
        for event, answer in zip(clip.events, answers, strict=True):
            span = read_find(answer)
            clamped = (span[0], min(span[1], length)) if span else (Fraction(0), Fraction(0))
            overlaps.append(overlap(clamped, (event.start, event.end)))
        said = read_events(caption)
        matched += matched_events(clip, said, length)
        told_count += len(said)
        true_count += len(clip.events)
        scenes += f"Scene: {clip.scene}\n" in caption

    def share_from(bound: float) -> float:
        return sum(value >= bound for value in overlaps) / max(1, len(overlaps))

    precision, recall = matched / max(1, told_count), matched / max(1, true_count)
    return Scores(
        clips=clips,
        queries=len(overlaps),
        find_miou=sum(overlaps) / max(1, len(overlaps)),
        find_r1_at_03=share_from(0.3),
        find_r1_at_05=share_from(0.5),
        find_r1_at_07=share_from(0.7),
        caption_precision=precision,
        caption_recall=recall,
        caption_f1=2 * precision * recall / max(1e-9, precision + recall),
        scenes_right=scenes / max(1, clips),
    )


def ceiling(clips: int = CLIPS) -> Scores:
    """What perfect sight of two frames a second would score."""

    def answered() -> Iterator[tuple[Clip, str, list[str]]]:
        for index in range(clips):
            clip = evaluation_clip(index)
            yield clip, *perfect_answers(clip, evaluation_queries(clip))

    return score(answered())


def evaluate(checkpoint: Path, folder: Path, clips: int = CLIPS, workers: int = 2) -> Scores:
    """Writes the clips into `folder` where they are not there yet, asks the checkpoint in several processes, scores."""
    folder.mkdir(parents=True, exist_ok=True)
    with get_context("spawn").Pool(workers, _open, (checkpoint, folder)) as pool:
        answered = pool.imap(_answer, range(clips))
        return score((evaluation_clip(index), *answers) for index, answers in enumerate(answered))


_here: list[tuple[Answerer, Path]] = []


def _open(checkpoint: Path, folder: Path) -> None:
    """What each process does once."""
    import torch

    torch.set_num_threads(1)
    _here.append((open_answerer(checkpoint), folder))


def _answer(index: int) -> tuple[str, list[str]]:
    answer, folder = _here[0]
    clip = evaluation_clip(index)
    return answer(evaluation_file(folder, clip), evaluation_queries(clip))


def evaluation_file(folder: Path, clip: Clip) -> Path:
    """The clip's file; one that was written before is used again only if its truth is still the same."""
    path = folder / f"clip-{clip.seed}.mp4"
    truth_path = path.with_suffix(".json")
    if path.exists() and truth_path.exists() and json.loads(truth_path.read_text(encoding="utf-8")) == clip.truth():
        return path
    write_clip(path, clip)
    return path


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the command line."""
    parser = argparse.ArgumentParser(prog="python -m marlin_edit_demo.training.evaluation", description=__doc__)
    parser.add_argument("checkpoint", type=Path, nargs="?", help="folder of the checkpoint; none: only the ceiling")
    parser.add_argument("--folder", type=Path, default=Path(".training/evaluation"), help="where the clips are kept")
    parser.add_argument("--clips", type=int, default=CLIPS, help=f"how many clips (default {CLIPS})")
    parser.add_argument("--workers", type=int, default=2, help="processes (default 2)")
    parser.add_argument("--json", action="store_true", help="print one JSON document")
    options = parser.parse_args(arguments)
    if options.checkpoint is None:
        scores = ceiling(options.clips)
    else:
        scores = evaluate(options.checkpoint, options.folder, options.clips, options.workers)
    if options.json:
        print(json.dumps(asdict(scores), indent=1))
    else:
        print("\n".join(scores.lines()))
    return 0


if __name__ == "__main__":
    sys.exit(main())


def open_answerer(checkpoint: Path) -> Answerer:
    """Loads the checkpoint once; what is returned answers a caption and any queries about a whole file."""
    from marlin_edit.marlin.loading import open_checkpoint
    from marlin_edit.media import probe_video
    from marlin_edit.settings import Settings, Value
    from marlin_edit.timebase import Span
    from marlin_edit.video_model import Question, QuestionKind

    settings = Settings(
        {"device": Value("cpu"), "dtype": Value("float32"), "decoder": Value("pyav"), "model": Value(str(checkpoint))}
    )
    model = open_checkpoint(str(checkpoint.resolve()), settings)

    def answer(path: Path, queries: Sequence[str]) -> tuple[str, list[str]]:
        media = probe_video(path)
        window = next(iter(model.watch(media, [Span(Fraction(0), media.duration)])))
        questions = [Question(QuestionKind.CAPTION), *(Question(QuestionKind.FIND, query) for query in queries)]
        caption, *found = [one.raw.removesuffix("<|im_end|>") for one in window.ask(questions)]
        return caption, found

    return answer
