"""Everything that makes the demo checkpoint: `python -m marlin_edit_demo.training`.

Stages: sight (the vision tower alone), then answers. Each goes on where it was when it is started again.
"""

from __future__ import annotations

import argparse
import sys
from collections.abc import Sequence
from pathlib import Path

from .answers import train_answers
from .pictures import open_shelves
from .seeing import train_sight
from .together import train_together


def main(arguments: Sequence[str] | None = None) -> int:
    parser = argparse.ArgumentParser(prog="python -m marlin_edit_demo.training", description=__doc__)
    parser.add_argument("--folder", type=Path, default=Path(".training"), help="state, pictures and clips")
    parser.add_argument("--clips", type=int, default=1200, help="training clips of the most usual size")
    parser.add_argument("--workers", type=int, default=2, help="processes that render and train")
    parser.add_argument("--stage", choices=["all", "sight", "answers"], default="all")
    parser.add_argument("--answer-minutes", type=float, default=90.0)
    parser.add_argument("--rate", type=float, default=1.5e-3, help="learning rate of the answers")
    parser.add_argument("--sight-minutes", type=float, default=8.0)
    options = parser.parse_args(arguments)
    open_shelves(options.folder, options.clips, options.workers)
    stage = options.stage
    if stage in ("all", "sight"):
        train_together(options.workers, train_sight, options.folder, options.clips, options.sight_minutes)
    if stage in ("all", "answers"):
        given = (options.folder, options.clips, options.answer_minutes, options.rate)
        train_together(options.workers, train_answers, *given)
    return 0


if __name__ == "__main__":
    sys.exit(main())
