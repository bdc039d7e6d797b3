"""Shot changes found in films that are made for it: ours, and PySceneDetect's detectors where that is installed.

    python benchmarks/shots.py

Each film is built picture by picture, so that the frames at which shots begin are known: hard cuts between still and
moving pictures, flashes of one to three frames, a whip pan, and a fade through black (whose change counts as found
anywhere in the black). PySceneDetect (`pip install scenedetect opencv-python-headless`) is asked with its own defaults,
and with a shortest scene of five frames, which is ours.
"""

from __future__ import annotations

import sys
import tempfile
import time
from collections.abc import Callable, Mapping, Sequence
from fractions import Fraction
from pathlib import Path
from typing import Any

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))

import numpy as np

from marlin_edit.media import probe
from marlin_edit.timebase import Span
from marlin_edit_shots.detection import shots_in
from tests.workflow.test_snapping import Film

Find = Callable[[Path], list[int]]


def cuts() -> Film:
    film = Film()
    for frames, pan in ((30, 0), (25, 2), (40, 6), (12, 0), (60, 1), (30, 14), (8, 0), (30, 0), (40, 3), (40, 0)):
        film.shot(frames, pan)
    return film


def flashes() -> Film:
    film = Film()
    film.shot(60, 1)
    film.shot(60)
    for at in (30, 80, 81, 82):
        film.pictures[at] = np.clip(film.pictures[at].astype(int) + 140, 0, 255).astype(np.uint8)
    film.pictures[100] = np.full_like(film.pictures[0], 255)
    return film


def whip_pan() -> Film:
    film = Film()
    film.shot(60, 20)
    return film


def fade() -> Film:
    film = Film()
    film.shot(50)
    film.pictures += [np.zeros_like(film.pictures[0])] * 10
    film.shot(50, hard=False)
    for step in range(12):
        film.pictures[38 + step] = (film.pictures[38 + step] * (1 - (step + 1) / 12)).astype(np.uint8)
        film.pictures[60 + step] = (film.pictures[60 + step] * (step / 12)).astype(np.uint8)
    film.cuts.append(55)
    return film


def ours(path: Path) -> list[int]:
    media = probe(path)
    shots = shots_in(media, Span(Fraction(0), media.duration))
    return [media.first_frame_at(shot.start) for shot in shots[1:]]


def others() -> Mapping[str, Find]:
    try:
        import scenedetect  # type: ignore[import-not-found, unused-ignore]
    except ImportError:
        return {}

    def by(make: Callable[[], Any]) -> Find:
        return lambda path: [scene[0].frame_num for scene in scenedetect.detect(str(path), make())[1:]]

    return {
        "adaptive": by(scenedetect.AdaptiveDetector),
        "adaptive, 5 frames": by(lambda: scenedetect.AdaptiveDetector(min_scene_len=5)),
        "content": by(scenedetect.ContentDetector),
        "content, 5 frames": by(lambda: scenedetect.ContentDetector(min_scene_len=5)),
        "threshold": by(scenedetect.ThresholdDetector),
    }


def main() -> int:
    films = {"hard cuts": (cuts(), 0), "flashes": (flashes(), 0), "whip pan": (whip_pan(), 0), "fade": (fade(), 5)}
    print(f"{'film':12}{'detector':22}{'right':>7}{'missed':>8}{'wrong':>7}{'CPU s':>8}")
    with tempfile.TemporaryDirectory() as folder:
        for name, (film, near) in films.items():
            path = Path(folder) / f"{name}.mp4"
            film.write(path)
            for way, find in {"ours": ours, **others()}.items():
                begun = time.process_time()
                found = find(path)
                spent = time.process_time() - begun
                right = matched(film.cuts, found, near)
                missed, wrong = len(film.cuts) - right, len(found) - right
                print(f"{name:12}{way:22}{right:7}{missed:8}{wrong:7}{spent:8.2f}")
    return 0


def matched(truth: Sequence[int], found: Sequence[int], near: int) -> int:
    return sum(any(abs(one - other) <= near for other in found) for one in truth)


if __name__ == "__main__":
    raise SystemExit(main())
