"""Everything that makes the demo checkpoint: `python -m marlin_edit_demo.training`.

Stages: sight (the vision tower alone), answers, and landing (checkpoint, evaluation, model card). The first two go on
where they were when they are started again.
"""

from __future__ import annotations

import argparse
import sys
from collections.abc import Sequence
from pathlib import Path

from marlin_edit_demo.training.data_parallel import train_together
from marlin_edit_demo.training.evaluation import CLIPS
from marlin_edit_demo.training.frames import open_shelves
from marlin_edit_demo.training.publish import CHECKPOINT, land
from marlin_edit_demo.training.text_stage import train_answers
from marlin_edit_demo.training.vision_stage import train_sight


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the command line."""
    parser = argparse.ArgumentParser(prog="python -m marlin_edit_demo.training", description=__doc__)
    parser.add_argument("--folder", type=Path, default=Path(".training"), help="state, pictures and clips")
    parser.add_argument("--clips", type=int, default=1200, help="training clips of the most usual size")
    parser.add_argument("--workers", type=int, default=2, help="processes that render and train")
    parser.add_argument("--stage", choices=["all", "sight", "answers", "land"], default="all")
    parser.add_argument("--answer-minutes", type=float, default=66.0)
    parser.add_argument("--checkpoint", type=Path, default=CHECKPOINT, help="folder that gets the result")
    parser.add_argument("--evaluated", type=int, default=CLIPS, help="clips of the evaluation")
    parser.add_argument("--rate", type=float, default=1.5e-3, help="learning rate of the answers")
    parser.add_argument("--sight-minutes", type=float, default=15.0)
    options = parser.parse_args(arguments)
    open_shelves(options.folder, options.clips, options.workers)
    stage = options.stage
    if stage in ("all", "sight"):
        train_together(options.workers, train_sight, options.folder, options.clips, options.sight_minutes)
    if stage in ("all", "answers"):
        given = (options.folder, options.clips, options.answer_minutes, options.rate)
        train_together(options.workers, train_answers, *given)
    if stage in ("all", "land"):
        land(options.folder, options.checkpoint, options.evaluated, options.workers)
    return 0


if __name__ == "__main__":
    sys.exit(main())
