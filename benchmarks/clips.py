"""Many clips of one long video, side by side in one run: ours in one process, and an ffmpeg process for each clip.

    python benchmarks/clips.py [--minutes 30] [--clips 50] [--seconds 6] [--size 640x360] [--json FILE]

The video is made here: H.264 with a keyframe every two seconds, and AAC; one minute, again and again. The spans lie
off keyframes, all over the file, and every fourth overlaps the one before. Ours is the delivery `clips`, as the
command calls it (each clip is read back and compared with its source before it gets its name), and, for a reel,
`reel`. ffmpeg is called as people call it, with its seek before the input: to encode (what is frame-exact most
often), and to copy. Times are wall and CPU seconds, children's included; on a busy computer look at CPU.
"""

from __future__ import annotations

import argparse
import json
import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))

import av

from benchmarks.cutting import RATE, ffmpeg_program, version
from marlin_edit.analysis import Analysis
from marlin_edit.edit import Cut, Edit
from marlin_edit.interfaces import Context
from marlin_edit.media import MediaInfo, probe
from marlin_edit.settings import Settings, Value
from marlin_edit.timebase import FrameRange
from marlin_edit_ffmpeg import register_deliveries, register_settings
from tests.support.synthetic_video import frame_indices, make_video

LOOP = 60 * RATE
"""Frames of the minute that the video repeats."""


@dataclass(frozen=True)
class Measured:
    """One way to make all clips. exact: clips whose first and last frame and number of frames are those asked for."""

    way: str
    wall: float
    cpu: float
    exact: int
    modes: str = ""


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--minutes", type=int, default=30, help="length of the video (default 30)")
    parser.add_argument("--clips", type=int, default=50, help="how many (default 50)")
    parser.add_argument("--seconds", type=int, default=6, help="length of each (default 6)")
    parser.add_argument("--size", default="640x360", help="of the picture (default 640x360)")
    parser.add_argument("--json", type=Path, help="write the numbers there")
    options = parser.parse_args()
    width, height = (int(part) for part in options.size.split("x"))
    program = ffmpeg_program()
    print(f"ffmpeg: {version(program)}")
    frames = options.minutes * 60 * RATE
    step = (frames - options.seconds * RATE - 20) // options.clips
    spans = [
        FrameRange(first, first + options.seconds * RATE)
        for first in (
            17 + at * step - (step - options.seconds * RATE // 2 if at % 4 == 3 else 0) for at in range(options.clips)
        )
    ]
    with tempfile.TemporaryDirectory() as folder:
        print(f"Making {options.minutes} minutes of {options.size} ...", file=sys.stderr)
        minute = make_video(Path(folder) / "minute.mp4", frames=LOOP, size=(width, height), gop=50, bframes=3)
        media = probe(repeated(minute, Path(folder) / "long.mp4", options.minutes))
        ways: dict[str, Callable[[Path], str]] = {
            "ours, smart": ours(media, spans, "smart"),
            "ours, copy": ours(media, spans, "copy"),
            "ours, exact": ours(media, spans, "exact"),
            "ours, reel": reel(media, spans),
        }
        if program is not None:
            ways |= {
                "ffmpeg each, re-encode": ffmpeg(program, media, spans, copy=False),
                "ffmpeg each, copy": ffmpeg(program, media, spans, copy=True),
            }
        found = []
        for number, (name, make) in enumerate(ways.items()):
            print(f"{name} ...", file=sys.stderr)
            out = Path(folder) / f"out-{number}"
            out.mkdir()
            wall, cpu = time.perf_counter(), cpu_seconds()
            modes = make(out)
            wall, cpu = time.perf_counter() - wall, cpu_seconds() - cpu
            found.append(Measured(name, wall, cpu, exact_ones(sorted(out.iterdir()), spans), modes))
    show(found, len(spans))
    if options.json:
        content = {"ffmpeg": version(program), "options": vars(options) | {"json": None}}
        content["ways"] = [asdict(one) for one in found]
        options.json.write_text(json.dumps(content, indent=1) + "\n", encoding="utf-8")
    return 0


def repeated(minute: Path, target: Path, times: int) -> Path:
    """The same packets so many times, one after another."""
    with av.open(str(target), "w") as written:
        outs: dict[int, Any] = {}
        latest: dict[int, int] = {}
        for number in range(times):
            with av.open(str(minute)) as container:
                for stream in container.streams if not outs else ():
                    outs[stream.index] = written.add_stream_from_template(stream)
                for packet in container.demux():
                    if packet.size and packet.pts is not None and packet.dts is not None:
                        shift = round(number * LOOP / RATE / packet.time_base)
                        if packet.dts + shift <= latest.get(packet.stream_index, packet.dts + shift - 1):
                            continue  # the minute's sound is a little longer than its picture
                        packet.pts, packet.dts = packet.pts + shift, packet.dts + shift
                        latest[packet.stream_index] = packet.dts
                        packet.stream = outs[packet.stream_index]
                        written.mux(packet)
    return target


def edit_of(media: MediaInfo, spans: Sequence[FrameRange]) -> Edit:
    assert media.rate is not None
    analysis = Analysis(media)
    return Edit("benchmark", media.rate, 0, (analysis,), tuple(Cut(analysis, span, None, "") for span in spans))


def settings_with(**given: Any) -> Settings:
    values = {setting.name: setting.default for setting in register_settings()}
    return Settings({name: Value(value) for name, value in (values | {"overwrite": False} | given).items()})


def ours(media: MediaInfo, spans: Sequence[FrameRange], mode: str) -> Callable[[Path], str]:
    clips, _ = register_deliveries()

    def make(out: Path) -> str:
        receipt = clips.deliver(edit_of(media, spans), Context(settings_with(out_dir=out, clip_mode=mode)), False)
        return used(receipt.items)

    return make


def reel(media: MediaInfo, spans: Sequence[FrameRange]) -> Callable[[Path], str]:
    _, delivery = register_deliveries()

    def make(out: Path) -> str:
        receipt = delivery.deliver(edit_of(media, spans), Context(settings_with(reel=out / "reel.mp4")), False)
        return used(receipt.items)

    return make


def used(items: Sequence[Any]) -> str:
    modes = [item["mode"]["used"] for item in items]
    return ", ".join(f"{modes.count(mode)} {mode}" for mode in sorted(set(modes)))


def ffmpeg(program: str, media: MediaInfo, spans: Sequence[FrameRange], *, copy: bool) -> Callable[[Path], str]:
    how = ["-c", "copy"] if copy else ["-c:v", "libx264", "-preset", "medium", "-crf", "16", "-c:a", "aac"]

    def make(out: Path) -> str:
        for number, span in enumerate(spans):
            times = ["-ss", f"{float(media.time_of(span.first)):.6f}", "-i", f"file:{media.path}"]
            length = ["-t", f"{span.count / RATE:.6f}"]
            target = f"file:{out / f'{number:03}.mp4'}"
            subprocess.run([program, "-v", "error", "-nostdin", *times, *length, *how, target], check=True)
        return ""

    return make


def exact_ones(clips: Sequence[Path], spans: Sequence[FrameRange]) -> int:
    """How many clips have exactly their frames; a reel counts as its pieces."""
    held = [[index for _, index in frame_indices(clip)] for clip in clips]
    if len(held) == 1:
        whole, held = held[0], []
        for span in spans:
            held.append(whole[: span.count])
            whole = whole[span.count :]
    return sum(
        indices == [frame % LOOP for frame in range(span.first, span.stop)]
        for indices, span in zip(held, spans, strict=False)
    )


def cpu_seconds() -> float:
    times = os.times()
    return times.user + times.system + times.children_user + times.children_system


def show(found: Sequence[Measured], clips: int) -> None:
    bases = {
        name: next((one for one in found if one.way == name), None)
        for name in ("ffmpeg each, re-encode", "ffmpeg each, copy")
    }
    print(f"{'way':26}{'exact':>9}{'wall s':>9}{'CPU s':>9}{'of re-encode':>14}{'of copy':>9}  modes")
    for one in found:
        print(f"{one.way:26}{f'{one.exact}/{clips}':>9}{one.wall:9.1f}{one.cpu:9.1f}", end="")
        for base, width in zip(bases.values(), (14, 9), strict=True):
            print(f"{one.cpu / base.cpu:{width}.3f}" if base is not None else " " * width, end="")
        print(f"  {one.modes}")
    print("Ratios are of CPU time.")


if __name__ == "__main__":
    raise SystemExit(main())
