"""Long clips of the demo world with a truth file beside them, for `marlin-edit calibrate` and `marlin-edit eval`.

Few kinds of shapes come back many times in a clip. A third of its queries name a kind that is never in it.
"""

from __future__ import annotations

import argparse
import json
import random
from collections.abc import Sequence
from fractions import Fraction
from pathlib import Path
from typing import Any

from marlin_edit_demo.world import KINDS, WORDINGS, Clip, WorldSettings, make_clip, write_clip


def make_labelled(seed: int, size: tuple[int, int], rate: Fraction, length: range, kinds: range) -> Clip:
    """The clip of this seed: its length in whole seconds and its number of kinds are drawn as well."""
    chance = random.Random(f"marlin-edit labelled clip {seed}")
    width, height = size
    settings = WorldSettings(
        width=width,
        height=height,
        rate=rate,
        length=Fraction(chance.choice(length)),
        repeats=True,
        kinds=chance.choice(kinds),
    )
    return make_clip(seed, settings)


def truth_of(clip: Clip, path: str) -> dict[str, Any]:
    """One video of a truth file: every kind that is in the clip is asked for, and half as many that are not."""
    chance = random.Random(f"marlin-edit labelled queries {clip.seed}")
    present = sorted({event.shape for event in clip.events}, key=KINDS.index)
    absent = [kind for kind in KINDS if kind not in present]
    chance.shuffle(absent)
    told = clip.truth()["events"]
    queries = []
    for kind in (*present, *absent[: (len(present) + 1) // 2]):
        spans = [
            [event["start"], event["end"]]
            for event in told
            if (event["colour"], event["form"]) == (kind.colour, kind.form)
        ]
        queries.append({"query": chance.choice(WORDINGS).format(kind.words), "spans": spans})
    return {
        "path": path,
        "queries": queries,
        "events": [{"start": event["start"], "end": event["end"], "text": event["text"]} for event in told],
    }


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the command line."""
    parser = argparse.ArgumentParser(prog="python -m marlin_edit_demo.labelled_clips", description=__doc__)
    parser.add_argument("out", type=Path, help="folder that gets the clips and truth.json")
    parser.add_argument("--clips", type=int, default=1, help="how many (default 1)")
    parser.add_argument("--seed", type=int, default=1, help="seed of the first clip; the next ones count up")
    parser.add_argument("--size", type=_size, default=(320, 180), metavar="WIDTHxHEIGHT", help="(default 320x180)")
    parser.add_argument("--rate", type=Fraction, default=Fraction(25), help="frames a second, e.g. 24000/1001")
    parser.add_argument(
        "--length", type=_range, default=range(120, 481), metavar="LEAST-MOST", help="seconds (120-480)"
    )
    parser.add_argument("--kinds", type=_range, default=range(6, 11), metavar="LEAST-MOST", help="in a clip (6-10)")
    options = parser.parse_args(arguments)
    options.out.mkdir(parents=True, exist_ok=True)
    videos = []
    for seed in range(options.seed, options.seed + options.clips):
        path = options.out / f"long-{seed:04d}.mp4"
        clip = make_labelled(seed, options.size, options.rate, options.length, options.kinds)
        if not path.exists():
            write_clip(path, clip)
        videos.append(truth_of(clip, path.name))
        print(path, flush=True)
    truth = options.out / "truth.json"
    truth.write_text(json.dumps({"schema": "marlin-edit.truth/1", "videos": videos}, indent=1) + "\n", encoding="utf-8")
    print(truth)
    return 0


def _size(text: str) -> tuple[int, int]:
    width, height = (int(part) for part in text.split("x"))
    if min(width, height) < 64 or width % 2 or height % 2:
        raise ValueError("two even numbers of at least 64 are needed")
    return width, height


def _range(text: str) -> range:
    least, _, most = text.partition("-")
    found = range(int(least), int(most or least) + 1)
    if not found or found[0] < 1:
        raise ValueError("the first number must be above zero and not above the second")
    return found


if __name__ == "__main__":
    raise SystemExit(main())
