"""How long each format takes to write 10,000 events (or as many cuts, where it holds no events), on this computer.

    python benchmarks/exporting.py [--events 10000] [--json FILE]

One hour and a half at 29.97 fps drop-frame; the best of three runs counts. CPU time is judged, because it hardly
depends on what else the computer is doing; wall time is shown too. A format whose limit is lower (CMX 3600 holds 999
cuts) is given that many. Formats that make a copy of the media (.otioz) get an empty one.
"""

from __future__ import annotations

import argparse
import json
import sys
import tempfile
import time
from dataclasses import replace
from fractions import Fraction
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))

from marlin_edit.analysis import Analysis, Event, ModelIdentity
from marlin_edit.app import App
from marlin_edit.edit import Edit, cuts_of_events
from marlin_edit.interfaces import Carries, Context, Exporter
from marlin_edit.media import MediaInfo, Stream
from marlin_edit.plugins import load_app
from marlin_edit.timebase import FrameRate, Span

LIMIT = 1.0
MOST = {"edl": 999}


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--events", type=int, default=10_000, help="how many (default 10000)")
    parser.add_argument("--json", type=Path, help="write the numbers there")
    options = parser.parse_args()
    app = load_app()
    rows: list[dict[str, str | int | float]] = []
    print(f"{'format':<18} {'events':>6} {'CPU':>9} {'wall':>9}")
    with tempfile.TemporaryDirectory() as folder:
        (Path(folder) / "interview.mov").touch()
        for name, exporter in sorted(app.exporters.items()):
            if not exporter.carries:
                continue  # it only reads
            count = min(options.events, MOST.get(name, options.events))
            edit = edit_with(count, Path(folder), cut=not exporter.carries & Carries.EVENTS)
            cpu, wall, size = measured(app, exporter, edit, Path(folder))
            rows.append({"format": name, "events": count, "cpu": cpu, "wall": wall, "bytes": size})
            print(f"{name:<18} {count:>6} {cpu:>7.3f} s {wall:>7.3f} s {size / 1e6:>7.2f} MB")
    if options.json is not None:
        options.json.write_text(json.dumps(rows, indent=2) + "\n", encoding="utf-8")
    slow = [str(row["format"]) for row in rows if float(str(row["cpu"])) > LIMIT]
    if slow:
        print(f"slower than {LIMIT:g} s: {', '.join(slow)}", file=sys.stderr)
    return 1 if slow else 0


def edit_with(count: int, folder: Path, *, cut: bool) -> Edit:
    rate = FrameRate.parse("29.97df")
    frames = rate.frame_of("01:30:00;00")
    streams = (Stream(0, "video", "h264"), Stream(1, "audio", "aac", detail="48000 Hz stereo"))
    media = MediaInfo(folder / "interview.mov", rate.seconds(frames), rate, frames, streams=streams, fingerprint="f")
    media = replace(media, start_frame=rate.frame_of("01:00:00;00"))
    step = media.duration / count
    events = tuple(
        Event(Span(number * step, number * step + Fraction(3, 2)), f"A person opens door {number} & leaves the room.")
        for number in range(count)
    )
    source = Analysis(media, ModelIdentity("NemoStation/Marlin-2B", "fd111fca", dtype="bfloat16"), events=events)
    return Edit("Interview", rate, media.start_frame, (source,), cuts_of_events(source) if cut else ())


def measured(app: App, exporter: Exporter, edit: Edit, folder: Path) -> tuple[float, float, int]:
    """Seconds of CPU and wall time of the best of three runs, and the size of what was written."""
    cpu, wall, size = float("inf"), float("inf"), 0
    for _ in range(3):
        with tempfile.TemporaryDirectory() as temporary:
            begun, begun_cpu = time.perf_counter(), time.process_time()
            content = exporter.render(edit, Context(app.settings, folder / "out", Path(temporary))).content
            wall, cpu = min(wall, time.perf_counter() - begun), min(cpu, time.process_time() - begun_cpu)
            size = content.stat().st_size if isinstance(content, Path) else len(content)
    return cpu, wall, size


if __name__ == "__main__":
    sys.exit(main())
