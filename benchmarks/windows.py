"""Windows prepared straight from the source against windows re-encoded to files first, side by side.

    python benchmarks/windows.py [--minutes 10] [--seconds 30] [--repeat 1] [--json FILE]

The source is 1080p30 H.264, as x264 makes it by itself (B-frames that others refer to, a keyframe every 250 frames):
some seconds of moving shapes and noise, again and again. A window in its middle is prepared for the model (decoded,
resized, made into patches; no model is needed) in these ways, each by itself in one run:

- direct: as marlin-edit does it.
- everything: the same, but with every packet decoded.
- torchcodec: the same with the other decoder, where it loads.
- re-encoded: the window is encoded to a file first with the options that the model's own command uses
  (`-c:v libx264 -preset veryfast -crf 23 -pix_fmt yuv420p`), by an ffmpeg program where there is one, else by PyAV's
  x264; that file is then prepared as above.

CPU seconds hold those of other programs that are started. One thread for resizing, as when several things run.
"""

from __future__ import annotations

import argparse
import json
import os
import resource
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from dataclasses import dataclass, replace
from fractions import Fraction
from pathlib import Path
from typing import Any

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))

import av
import numpy as np
import torch

from benchmarks.sources import repeat
from marlin_edit.marlin.frames import read_frames
from marlin_edit.marlin.preprocessing import patches, resized
from marlin_edit.media import MediaInfo, probe
from marlin_edit.sampling import MARLIN, display_size, target_size
from marlin_edit.timebase import Span

WIDTH, HEIGHT, RATE = 1920, 1080, 30
PASSAGE = 10
"""Seconds that are made again; the source repeats them."""
VENDOR = {"preset": "veryfast", "crf": "23"}


@dataclass(frozen=True)
class Cost:
    wall: float
    cpu: float
    packets: int = 0
    dropped: int = 0


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--minutes", type=int, default=10, help="length of the source (default 10)")
    parser.add_argument("--seconds", type=int, default=30, help="length of the window (default 30)")
    parser.add_argument("--repeat", type=int, default=1, help="times each way is tried; the least counts (default 1)")
    parser.add_argument("--json", type=Path, help="write the numbers there")
    options = parser.parse_args()
    torch.set_num_threads(1)
    ffmpeg = shutil.which("ffmpeg")
    with tempfile.TemporaryDirectory() as folder:
        print("Making the source ...", file=sys.stderr)
        media = probe(make_source(Path(folder) / "source.mp4", options.minutes * 60))
        start = Fraction(options.minutes * 30) + 4
        window = Span(start, start + options.seconds)
        ways: dict[str, Callable[[], tuple[int, int]]] = {
            "direct": lambda: prepare(media, window, "pyav"),
            "everything": lambda: prepare(replace(media, container="unknown"), window, "pyav"),
            "re-encoded": lambda: prepare_encoded(media, window, Path(folder) / "window.mp4", ffmpeg),
        }
        if read_frames(media, window, MARLIN).decoder == "torchcodec":
            ways["torchcodec"] = lambda: prepare(media, window, "torchcodec")
        tried: dict[str, list[Cost]] = {way: [] for way in ways}
        for _ in range(options.repeat):
            for way, work in ways.items():
                print(f"{way} ...", file=sys.stderr)
                tried[way].append(cost_of(work))
    costs = {way: min(several, key=lambda cost: cost.cpu) for way, several in tried.items()}
    report(costs, options.seconds, options.minutes, ffmpeg)
    if options.json is not None:
        numbers = {way: vars(cost) for way, cost in costs.items()}
        options.json.write_text(json.dumps(numbers, indent=2) + "\n", encoding="utf-8")
    return 0


def report(costs: dict[str, Cost], seconds: int, minutes: int, ffmpeg: str | None) -> None:
    encoded = costs["re-encoded"]
    by = f"the program {ffmpeg}" if ffmpeg else "PyAV's x264"
    print(f"A window of {seconds} s in the middle of {minutes} min of {HEIGHT}p{RATE} H.264; re-encoded by {by}")
    print("way             CPU s    wall s   less CPU   less time than re-encoded")
    for way, cost in costs.items():
        less_cpu, less_time = encoded.cpu / cost.cpu, encoded.wall / cost.wall
        print(f"{way:<12} {cost.cpu:>8.2f} {cost.wall:>9.2f} {less_cpu:>9.1f}x {less_time:>11.1f}x")
    direct = costs["direct"]
    print(f"Of {direct.packets} packets {direct.dropped} ({direct.dropped / direct.packets:.0%}) were not decoded.")


def cost_of(work: Callable[[], tuple[int, int]]) -> Cost:
    wall, cpu = time.perf_counter(), cpu_seconds()
    packets, dropped = work()
    return Cost(time.perf_counter() - wall, cpu_seconds() - cpu, packets, dropped)


def cpu_seconds() -> float:
    """Of this process and of the programs that it has started and waited for."""
    own, others = resource.getrusage(resource.RUSAGE_SELF), resource.getrusage(resource.RUSAGE_CHILDREN)
    return own.ru_utime + own.ru_stime + others.ru_utime + others.ru_stime


def prepare(media: MediaInfo, window: Span, decoder: str) -> tuple[int, int]:
    """From the source to patches, group by group, as `MarlinModel.prepared` does it. Packets met and dropped."""
    frames = read_frames(media, window, MARLIN, decoder)
    size = target_size(*display_size(media), frames.count, MARLIN)
    shown = 0
    for group in frames:
        patches(resized(group.pixels, size))
        shown += len(group.times)
    if shown != frames.count:
        raise RuntimeError(f"{shown} of {frames.count} frames were shown")
    return frames.packets, frames.dropped


def prepare_encoded(media: MediaInfo, window: Span, target: Path, ffmpeg: str | None) -> tuple[int, int]:
    if ffmpeg:
        command = [ffmpeg, "-v", "error", "-y", "-ss", str(float(window.start)), "-i", str(media.path)]
        command += ["-t", str(float(window.length)), "-map", "0:v:0", "-an", "-c:v", "libx264"]
        command += [part for name, value in VENDOR.items() for part in (f"-{name}", value)]
        subprocess.run([*command, "-pix_fmt", "yuv420p", str(target)], check=True, stdin=subprocess.DEVNULL)
    else:
        encode_window(media, window, target)
    return prepare(probe(target), Span(Fraction(0), window.length), "pyav")


def encode_window(media: MediaInfo, window: Span, target: Path) -> None:
    with av.open(str(media.path)) as source, av.open(str(target), "w") as written:
        given = source.streams.video[0]
        assert given.time_base is not None
        source.seek(int(window.start / given.time_base), stream=given)
        stream: Any = written.add_stream("libx264", rate=RATE, options=VENDOR)
        stream.width, stream.height, stream.pix_fmt = WIDTH, HEIGHT, "yuv420p"
        number = 0
        for frame in source.decode(given):
            assert frame.pts is not None
            if frame.pts * given.time_base < window.start:
                continue
            if number == window.length * RATE:
                break
            frame.pts, frame.time_base = number, Fraction(1, RATE)
            number += 1
            written.mux(stream.encode(frame))
        written.mux(stream.encode(None))


def make_source(path: Path, seconds: int) -> Path:
    """The passage encoded once, its packets written as often as the length needs."""
    passage = path.with_name("passage.mp4")
    random = np.random.default_rng(7)
    noise = random.integers(0, 12, (HEIGHT + 64, WIDTH + 64), dtype=np.uint8)
    rows, columns = np.mgrid[0:HEIGHT, 0:WIDTH]
    ground = (40 + columns * 60 // WIDTH + rows * 60 // HEIGHT).astype(np.uint8)
    with av.open(str(passage), "w") as container:
        stream: Any = container.add_stream("libx264", rate=RATE, options=VENDOR)
        stream.width, stream.height, stream.pix_fmt = WIDTH, HEIGHT, "yuv420p"
        stream.codec_context.colorspace = 1
        stream.codec_context.color_range = 1
        for number in range(PASSAGE * RATE):
            picture = np.full((HEIGHT * 3 // 2, WIDTH), 128, dtype=np.uint8)
            down, right = random.integers(0, 64, 2)
            picture[:HEIGHT] = ground + noise[down : down + HEIGHT, right : right + WIDTH]
            for shape in range(6):
                left = (number * (5 + 3 * shape) + 300 * shape) % (WIDTH - 200)
                top = 90 + 150 * shape + int(40 * np.sin(number / (9 + shape)))
                picture[top : top + 140, left : left + 200] = 235 - 30 * shape + noise[:140, :200]
            frame = av.VideoFrame.from_ndarray(picture, format="yuv420p")
            frame.pts, frame.time_base = number, Fraction(1, RATE)
            frame.colorspace, frame.color_range = 1, 1
            container.mux(stream.encode(frame))
        container.mux(stream.encode(None))
    repeat(passage, path, -(-seconds // PASSAGE), PASSAGE)
    passage.unlink()
    return path


if __name__ == "__main__":
    os.environ.setdefault("OMP_NUM_THREADS", "1")
    sys.exit(main())
