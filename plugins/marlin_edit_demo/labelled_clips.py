"""Long clips of the demo world with a truth file beside them, for `marlin-edit calibrate` and `marlin-edit eval`.

Few kinds of shapes come back many times in a clip. Of its queries many name what is never in it: another kind of shape,
one word that is wrong, words that no caption of the model has, and what is said not to be there.
"""

from __future__ import annotations

import argparse
import json
import random
from collections.abc import Sequence
from fractions import Fraction
from pathlib import Path
from typing import Any

from marlin_edit_demo.world import KINDS, WORDINGS, Clip, Shape, WorldSettings, make_clip, write_clip


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


MIXED = (
    ((320, 180), "25"), ((640, 360), "24000/1001"), ((1280, 720), "30000/1001"), ((320, 180), "50"),
    ((1920, 1080), "25"), ((640, 360), "60"), ((480, 270), "30"), ((320, 180), "24"),
)  # fmt: skip
"""Sizes and rates of clips with `--mixed`."""

NOUNS = ("dog", "person", "car", "tree", "pentagon", "star", "house", "hand", "bird", "table")
OTHER_COLOURS = ("white", "black", "pink", "purple", "orange", "brown", "grey")
VERBS = ("explodes", "jumps", "sleeps", "burns", "spins", "falls")
OTHER_WORDINGS = ("there is a {}", "when can I see a {}?", "{}.", '"a {}"', "show me a {}")
NEGATIONS = ("no {} is visible", "there is no {}", "a picture without a {}", "the {} never moves")


def queries_of(clip: Clip) -> list[tuple[str, str, Shape | None]]:
    """The queries about a clip: which kind of query, its words, and the shape that it names, None for what is absent.

    Every kind of shape that is in the clip is asked for, in one of many wordings; half as many that are not; and twice
    each: one word wrong, an unknown noun, colour and verb, a negation.
    """
    chance = random.Random(f"marlin-edit labelled queries {clip.seed}")
    present = sorted({event.shape for event in clip.events}, key=KINDS.index)
    absent = [kind for kind in KINDS if kind not in present]
    chance.shuffle(absent)
    queries: list[tuple[str, str, Shape | None]] = []
    for kind in present:
        wording = chance.choice((*WORDINGS, *OTHER_WORDINGS)).format(kind.words)
        queries.append(("present", chance.choice((wording, wording, wording.upper(), wording.title())), kind))
    queries += [
        ("absent", chance.choice(WORDINGS).format(kind.words), None) for kind in absent[: (len(present) + 1) // 2]
    ]
    near = [kind for kind in absent if any((kind.colour == one.colour) != (kind.form == one.form) for one in present)]
    queries += [("one word wrong", chance.choice(WORDINGS).format(kind.words), None) for kind in near[-2:]]
    for _ in range(2):
        one = chance.choice(present)
        queries += [
            ("unknown noun", f"a {chance.choice((one.colour, *OTHER_COLOURS))} {chance.choice(NOUNS)}", None),
            ("unknown noun", f"a {chance.choice(NOUNS)} moves across the picture", None),
            ("unknown colour", f"a {chance.choice(OTHER_COLOURS)} {one.form} moves across the picture", None),
            ("unknown verb", f"a {one.words} {chance.choice(VERBS)}", None),
            ("negation", chance.choice(NEGATIONS).format(one.words), None),
        ]
    return list({words: (kind, words, shape) for kind, words, shape in queries}.values())


def truth_of(clip: Clip, path: str) -> dict[str, Any]:
    """One video of a truth file."""
    told = clip.truth()["events"]
    queries = []
    for kind, words, shape in queries_of(clip):
        spans = [
            [event["start"], event["end"]]
            for event in told
            if shape is not None and (event["colour"], event["form"]) == (shape.colour, shape.form)
        ]
        queries.append({"query": words, "spans": spans, "kind": kind})
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
    parser.add_argument(
        "--mixed",
        action="store_true",
        help="sizes from 320x180 to 1080p, rates from 23.976 to 60, H.264 and HEVC, in turn",
    )
    options = parser.parse_args(arguments)
    options.out.mkdir(parents=True, exist_ok=True)
    videos = []
    for number, seed in enumerate(range(options.seed, options.seed + options.clips)):
        path = options.out / f"long-{seed:04d}.mp4"
        size, rate = options.size, options.rate
        if options.mixed:
            size, rate = MIXED[number % len(MIXED)]
        clip = make_labelled(seed, size, Fraction(rate), options.length, options.kinds)
        if not path.exists():
            write_clip(path, clip, "libx265" if options.mixed and number % 2 else "libx264")
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
