"""How much memory a run takes, by the length of the file: it must not grow.

    python benchmarks/memory.py [--minutes 5 30 120] [--json FILE]

Small pictures (160x90, 5 a second) of the demo world's kind; `marlin-edit find` with the bundled demo model, each run a
process of its own, without the store and with a new one. The figure is the largest resident size of each.
"""

from __future__ import annotations

import argparse
import json
import os
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import Any

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))

import av
import numpy as np

from benchmarks.sources import repeat

ROOT = Path(__file__).resolve().parent.parent
WIDTH, HEIGHT, RATE, PASSAGE = 160, 90, 5, 60


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--minutes", type=int, nargs="+", default=[5, 30, 120], help="lengths (default 5 30 120)")
    parser.add_argument("--json", type=Path, help="write the numbers there")
    options = parser.parse_args()
    rows: list[dict[str, Any]] = []
    print(" minutes   without store   with store")
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        passage = make_passage(folder / "passage.mp4")
        for minutes in options.minutes:
            video = folder / f"{minutes}.mp4"
            repeat(passage, video, minutes, PASSAGE)
            bare = peak_megabytes(video, folder, "--no-store")
            stored = peak_megabytes(video, folder)
            rows.append({"minutes": minutes, "without store": bare, "with store": stored})
            print(f"{minutes:>8} {bare:>12.0f} MB {stored:>9.0f} MB", flush=True)
    if options.json is not None:
        options.json.write_text(json.dumps(rows, indent=2) + "\n", encoding="utf-8")
    return 0


def make_passage(path: Path) -> Path:
    """A red circle that goes to and fro on grey, for a minute."""
    rows, columns = np.mgrid[0:HEIGHT, 0:WIDTH]
    with av.open(str(path), "w") as container:
        stream: Any = container.add_stream("libx264", rate=RATE)
        stream.width, stream.height, stream.pix_fmt = WIDTH, HEIGHT, "yuv420p"
        for number in range(PASSAGE * RATE):
            picture = np.full((HEIGHT, WIDTH, 3), 90, dtype=np.uint8)
            middle = 80 + 90 * np.sin(number / 15)
            picture[(rows - 45) ** 2 + (columns - middle) ** 2 < 400] = (220, 30, 30)
            frame = av.VideoFrame.from_ndarray(picture, format="rgb24").reformat(format="yuv420p")
            container.mux(stream.encode(frame))
        container.mux(stream.encode(None))
    return path


def peak_megabytes(video: Path, folder: Path, *options: str) -> float:
    """The largest resident size of `marlin-edit find` on a file."""
    command = [sys.executable, "-m", "marlin_edit", "find", str(video), "--model", "demo", "-q", "a red circle appears"]
    path = os.pathsep.join(str(part) for part in (ROOT, ROOT / "exporters", ROOT / "plugins"))
    places = {"XDG_DATA_HOME": str(folder / "data"), "HOME": str(folder), "PYTHONPATH": path}
    log = folder / "log"
    with log.open("wb") as written:
        running = subprocess.Popen([*command, *options], env=os.environ | places, stdout=written, stderr=written)
        _, status, used = os.wait4(running.pid, 0)
        running.returncode = os.waitstatus_to_exitcode(status)
    if running.returncode not in (0, 4):  # 4: nothing was found
        raise RuntimeError(log.read_text(encoding="utf-8", errors="replace")[-2000:])
    return used.ru_maxrss / 1024


if __name__ == "__main__":
    sys.exit(main())
