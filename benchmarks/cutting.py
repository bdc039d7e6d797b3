"""Ways to cut a clip out of a video, side by side in one run: ours (smart, exact, copy), ffmpeg's, and smartcut's.

    python benchmarks/cutting.py [--seconds 60] [--size 1280x720] [--sources H.264 HEVC] [--times 3] [--json FILE]

Sources are made whose frames carry their index, so that a clip is read for what is in it: first and last frame, holes,
repeats, frames that an edit list hides, how far the sound is off. Each way cuts the same spans, off keyframes. Time is
shown as a ratio to ours in exact mode, wall and CPU (children's too); on a busy computer look at CPU. ffmpeg is the
program on PATH, or that of `imageio-ffmpeg` where installed; smartcut is measured only where its command is installed.
The short spans are cut several times, the ways taking turns, and the least time of each counts.
"""

from __future__ import annotations

import argparse
import json
import os
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Mapping
from dataclasses import asdict, dataclass, replace
from hashlib import blake2b
from pathlib import Path
from typing import Any

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))

import av

from marlin_edit.analysis import Analysis
from marlin_edit.edit import Cut, Edit
from marlin_edit.interfaces import Context
from marlin_edit.media import MediaInfo, probe
from marlin_edit.settings import Settings, Value
from marlin_edit.timebase import FrameRange
from marlin_edit_ffmpeg import register_deliveries, register_settings
from tests.support.clip_reader import read_clip
from tests.support.synthetic_video import make_video

RATE = 25
SOURCES: Mapping[str, Mapping[str, Any]] = {
    "H.264": {"gop": 50, "bframes": 3},
    "H.264, open groups": {"gop": 50, "bframes": 3, "options": {"x264-params": "open-gop=1"}},
    "HEVC": {"codec": "libx265", "gop": 50, "bframes": 3},
}


@dataclass(frozen=True)
class Made:
    """A clip that a way of cutting has made, where it has, and what that way says of itself."""

    path: Path | None
    used: str


@dataclass(frozen=True)
class Measured:
    """One clip made one way. start, stop: frames off at both ends, None where there is no clip. identical: frames that
    decode to the source's pixels."""

    source: str
    span: str
    way: str
    wall: float
    cpu: float
    used: str
    exact: bool
    start: int | None = None
    stop: int | None = None
    holes: int | None = None
    repeats: int | None = None
    hidden: int | None = None
    sound: float | None = None
    identical: int | None = None


Way = Callable[[MediaInfo, Path, FrameRange], Made]


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--seconds", type=int, default=60, help="length of the long span (default 60)")
    parser.add_argument("--size", default="1280x720", help="of the picture (default 1280x720)")
    parser.add_argument(
        "--sources", nargs="+", choices=list(SOURCES), default=list(SOURCES), help="which (default all)"
    )
    parser.add_argument("--times", type=int, default=3, help="how often the short spans are cut (default 3)")
    parser.add_argument("--json", type=Path, help="write the numbers there")
    options = parser.parse_args()
    width, height = (int(part) for part in options.size.split("x"))
    program, smartcut = ffmpeg_program(), shutil.which("smartcut")
    print(f"ffmpeg: {version(program)}; smartcut: {smartcut or 'not installed'}")
    ways: dict[str, Way] = {mode: ours(mode) for mode in ("exact", "smart", "copy")}
    if program is not None:
        ways |= {"ffmpeg copy": ffmpeg(program, copy=True), "ffmpeg re-encode": ffmpeg(program, copy=False)}
    if smartcut is not None:
        ways["smartcut"] = by_smartcut(smartcut)
    found: list[Measured] = []
    spans = {
        f"{options.seconds} s": FrameRange(77, 77 + options.seconds * RATE),
        "8 s": FrameRange(63, 263),
        "1 s in a group": FrameRange(111, 136),
    }
    with tempfile.TemporaryDirectory() as folder:
        for number, name in enumerate(options.sources):
            print(f"Making {name} ...", file=sys.stderr)
            path = Path(folder) / f"{number}.mp4"
            media = probe(make_video(path, frames=(options.seconds + 8) * RATE, size=(width, height), **SOURCES[name]))
            whole = checksums(path)
            for label, span in spans.items():
                least: dict[str, Measured] = {}
                for _ in range(options.times if span.count < options.seconds * RATE else 1):
                    for way, cut in ways.items():
                        out = Path(folder) / "out"
                        one = measured(name, label, way, cut, media, out, span, whole)
                        shutil.rmtree(out)
                        before = least.get(way, one)
                        least[way] = replace(one, wall=min(one.wall, before.wall), cpu=min(one.cpu, before.cpu))
                        print(".", end="", file=sys.stderr, flush=True)
                found.extend(least.values())
            print(file=sys.stderr)
    show(found)
    if options.json:
        content = {"ffmpeg": version(program), "size": options.size, "clips": [asdict(one) for one in found]}
        options.json.write_text(json.dumps(content, indent=1) + "\n", encoding="utf-8")
    return 0


def ffmpeg_program() -> str | None:
    found = shutil.which("ffmpeg")
    if found is None:
        try:
            import imageio_ffmpeg  # type: ignore[import-not-found, unused-ignore]
        except ImportError:
            return None
        found = str(imageio_ffmpeg.get_ffmpeg_exe())
    return found


def version(program: str | None) -> str:
    if program is None:
        return "not installed"
    said = subprocess.run([program, "-version"], capture_output=True, text=True, check=True).stdout
    return " ".join(said.split()[2:3])


def ours(mode: str) -> Way:
    """Our delivery, in this process. Probing the source is not counted: it is the same for every mode."""
    delivery, _ = register_deliveries()

    def cut(media: MediaInfo, out: Path, span: FrameRange) -> Made:
        assert media.rate is not None
        analysis = Analysis(media)
        edit = Edit("benchmark", media.rate, 0, (analysis,), (Cut(analysis, span, None, ""),))
        values: dict[str, Any] = {setting.name: setting.default for setting in register_settings()}
        values |= {"overwrite": False, "out_dir": out, "clip_mode": mode}
        receipt = delivery.deliver(
            edit, Context(Settings({name: Value(value) for name, value in values.items()})), False
        )
        return Made(receipt.files[0], str(receipt.items[0]["mode"]["used"]))

    return cut


def ffmpeg(program: str, *, copy: bool) -> Way:
    """As people call it: a seek before the input and a length; encoded with the codec and quality that ours takes."""

    def cut(media: MediaInfo, out: Path, span: FrameRange) -> Made:
        encoder = {"h264": ("libx264", "medium", "16"), "hevc": ("libx265", "fast", "18")}
        with av.open(str(media.path)) as container:
            name, preset, crf = encoder[container.streams.video[0].codec_context.codec.canonical_name]
        how = ["-c", "copy"] if copy else ["-c:v", name, "-preset", preset, "-crf", crf, "-c:a", "aac"]
        if name == "libx265" and not copy:
            how += ["-x265-params", "log-level=error"]
        begin, length = float(media.time_of(span.first)), span.count / RATE
        times = ["-ss", f"{begin:.6f}", "-i", f"file:{media.path}", "-t", f"{length:.6f}"]
        return run([program, "-v", "error", "-nostdin", *times, *how, f"file:{out / 'clip.mp4'}"], out)

    return cut


def by_smartcut(program: str) -> Way:
    def cut(media: MediaInfo, out: Path, span: FrameRange) -> Made:
        ends = f"{float(media.time_of(span.first)):.6f},{float(media.time_of(span.stop)):.6f}"
        return run([program, str(media.path), str(out / "clip.mp4"), "--keep", ends], out)

    return cut


def run(command: list[str], out: Path) -> Made:
    out.mkdir()
    code = subprocess.run(command, capture_output=True).returncode
    clip = out / "clip.mp4"
    return Made(clip if clip.is_file() and clip.stat().st_size else None, f"exit {code}")


def checksums(path: Path) -> list[bytes]:
    with av.open(str(path)) as container:
        return [blake2b(frame.to_ndarray().tobytes()).digest() for frame in container.decode(video=0)]


def cpu_seconds() -> float:
    times = os.times()
    return times.user + times.system + times.children_user + times.children_system


def measured(
    name: str, label: str, way: str, cut: Way, media: MediaInfo, out: Path, span: FrameRange, whole: list[bytes]
) -> Measured:
    wall, cpu = time.perf_counter(), cpu_seconds()
    made = cut(media, out, span)
    wall, cpu = time.perf_counter() - wall, cpu_seconds() - cpu
    try:
        if made.path is None:
            raise ValueError("no clip")
        clip = read_clip(made.path, media.time_of(span.first))
        first = clip.first
        clip = read_clip(made.path, media.time_of(max(0, first)))
    except (av.FFmpegError, ValueError, IndexError):
        return Measured(name, label, way, wall, cpu, made.used, False)
    start, stop = clip.first - span.first, clip.last + 1 - span.stop
    kept = checksums(made.path)
    same = sum(whole[at] == one for at, one in zip(clip.indices, kept, strict=False) if 0 <= at < len(whole))
    exact = clip.indices == tuple(range(span.first, span.stop)) and clip.hidden == 0
    return Measured(
        name,
        label,
        way,
        wall,
        cpu,
        made.used,
        exact,
        start,
        stop,
        clip.holes,
        clip.repeats,
        clip.hidden,
        float(clip.worst_sound_error),
        same,
    )


def show(found: list[Measured]) -> None:
    print(
        f"{'source':20}{'span':16}{'way':18}{'used':8}{'exact':7}{'start':>6}{'end':>6}{'holes':>7}{'hidden':>8}"
        f"{'A/V ms':>8}{'identical':>11}{'wall':>8}{'CPU':>8}"
    )
    for one in found:
        base = next(it for it in found if (it.source, it.span, it.way) == (one.source, one.span, "exact"))
        print(f"{one.source:20}{one.span:16}{one.way:18}{one.used:8}{'yes' if one.exact else 'no':7}", end="")
        if one.start is None or one.sound is None:
            print(f"{'no picture':>46}", end="")
        else:
            print(
                f"{one.start:6}{one.stop:6}{one.holes:7}{one.hidden:8}{one.sound * 1000:8.1f}{one.identical:11}", end=""
            )
        print(f"{one.wall / base.wall:8.3f}{one.cpu / base.cpu:8.3f}")
    print("Times are ratios to ours in exact mode; identical: frames with the source's own pixels.")


if __name__ == "__main__":
    raise SystemExit(main())
