"""The memory of a process that cuts: it does not grow with what is cut, and holds no more frames of large pictures than
of small ones. Each run is a process of its own, on two processors, as decoders and encoders hold frames for each.
"""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Mapping
from fractions import Fraction
from pathlib import Path
from typing import Any

import av
import pytest

from tests.ffmpeg.test_clip_safety import _filler_unit
from tests.support.synthetic_video import make_video

GROUP = 25
SECOND = 25_000
"""Bytes of a frame of the film: what is kept of packets shows."""

SMALL, LARGE = (640, 360), (1280, 720)


def film(folder: Path, size: tuple[int, int], seconds: int) -> Path:
    """One group of pictures over and over, with bytes that decoders skip."""
    one = make_video(folder / "group.mp4", frames=GROUP, size=size, gop=GROUP, audio=0)
    path = folder / "film.mp4"
    with av.open(str(one)) as opened, av.open(str(path), "w") as made:
        template: Any = opened
        written: Any = made
        pictures = template.streams.video[0]
        video = written.add_stream_from_template(pictures, opaque=True)
        unit = round(Fraction(1, 25) / pictures.time_base)
        packets = [packet for packet in template.demux(pictures) if packet.size]
        contents = [bytes(packet) + _filler_unit(SECOND) for packet in packets]
        for number in range(seconds):
            for packet, content in zip(packets, contents, strict=True):
                copy: Any = av.Packet(content)
                copy.stream, copy.time_base, copy.is_keyframe = video, pictures.time_base, packet.is_keyframe
                copy.pts, copy.dts = packet.pts + number * GROUP * unit, packet.dts + number * GROUP * unit
                copy.duration = unit
                written.mux_one(copy)
    return path


def peak(source: Path, mode: str, output: Path, *spans: str) -> int:
    """The most memory in bytes that a process needed to cut these spans; `output` is a directory or a reel.

    As /proc has it: what getrusage tells begins with the memory of the process that started this one.
    """
    script = (
        "import os, sys; os.sched_setaffinity(0, sorted(os.sched_getaffinity(0))[:2]); "
        "from marlin_edit.cli import main; code = main(sys.argv[1:]); "
        "print(open('/proc/self/status').read().split('VmHWM:')[1].split()[0]); sys.exit(code)"
    )
    to = ["--reel" if output.suffix else "--out-dir", str(output)]
    given = [word for span in spans for word in ("--span", span)]
    command = [sys.executable, "-c", script, "cut", str(source), *given, *to, "--mode", mode, "--crf", "40"]
    environment = dict(os.environ, PYTHONPATH=os.pathsep.join(sys.path))
    ran = subprocess.run(command, capture_output=True, text=True, check=True, env=environment)
    return int(ran.stdout.splitlines()[-1]) * 1024


pytestmark = pytest.mark.skipif(not hasattr(os, "sched_setaffinity"), reason="needs Linux's process affinity")

RUNS: Mapping[str, tuple[str, str, tuple[int, int]]] = {
    "copied": ("copy", "clips", (25, 100)),
    "joined": ("smart", "clips", (25, 100)),
    "a joined reel": ("smart", "reel.mp4", (25, 100)),
    "encoded": ("exact", "clips", (10, 40)),
    "an encoded reel": ("exact", "reel.mp4", (10, 40)),
}


@pytest.fixture(scope="module")
def small_film(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return film(tmp_path_factory.mktemp("small"), SMALL, 110)


@pytest.mark.parametrize(
    "way", [pytest.param(way, marks=pytest.mark.slow) if "encoded" in way else way for way in RUNS]
)
def test_memory_does_not_grow_with_what_is_cut(way: str, small_film: Path, tmp_path: Path) -> None:
    """Four times as long, of which the packets alone are 47 MB more (19 MB where every frame is encoded)."""
    mode, output, (short, long) = RUNS[way]
    suffix = Path(output).suffix
    used = []
    for seconds in (short, long):
        spans = [f"2.5-{2.5 + seconds}"] + (["1.2-3.9"] if suffix else [])
        used.append(peak(small_film, mode, tmp_path / f"{seconds}{suffix}", *spans))
    assert (100 - 25) * SECOND * 25 > 45_000_000
    assert used[1] - used[0] < 8_000_000


@pytest.mark.slow
@pytest.mark.parametrize("mode", ["copy", "smart", "exact"])
@pytest.mark.parametrize("output", ["clips", "reel.mp4"])
def test_no_more_frames_are_held_of_larger_pictures(mode: str, output: str, small_film: Path, tmp_path: Path) -> None:
    """As many pictures as decoders, reading back and an encoder's look ahead need, whatever their size."""
    large_film = film(tmp_path, LARGE, 12)
    used = {}
    for size, source in ((SMALL, small_film), (LARGE, large_film)):
        name = f"{size[0]}{Path(output).suffix}"
        used[size] = peak(source, mode, tmp_path / name, "2.5-9.1", "1.2-3.9")
    bytes_more = (LARGE[0] * LARGE[1] - SMALL[0] * SMALL[1]) * 3 // 2
    assert used[LARGE] - used[SMALL] < {"copy": 45, "smart": 130, "exact": 190}[mode] * bytes_more
