"""How long 100,000 events take as WebVTT, SubRip and TTML together: `python benchmarks/subtitles.py [EVENTS]`."""

from __future__ import annotations

import random
import sys
import time
from fractions import Fraction
from pathlib import Path

import marlin_edit_exporters
from marlin_edit.analysis import Analysis, Event
from marlin_edit.edit import Edit
from marlin_edit.interfaces import Context
from marlin_edit.media import MediaInfo
from marlin_edit.testing import app_with
from marlin_edit.timebase import FrameRate, Span

SAID = """a person pushes the heavy wooden door open and walks into a bright room with two large windows while another
man in a blue shirt looks at his phone near the table"""


def edit_of(count: int) -> Edit:
    """`count` events of 5 to 20 words, one every six seconds or so, some of them crowded."""
    chance = random.Random(1)
    words = SAID.split()
    events = []
    for number in range(count):
        start = Fraction(number * 6) + Fraction(chance.randrange(0, 30), 10)
        text = " ".join(chance.choices(words, k=chance.randrange(5, 21))).capitalize() + "."
        events.append(Event(Span(start, start + Fraction(chance.randrange(5, 60), 10)), text))
    rate = FrameRate(Fraction(25))
    media = MediaInfo(Path("long.mov"), Fraction(count * 6 + 10), rate, count * 150, width=1920, height=1080)
    return Edit("long", rate, 0, (Analysis(media, events=tuple(events)),))


def main() -> None:
    count = int(sys.argv[1]) if len(sys.argv) > 1 else 100_000
    edit = edit_of(count)
    app = app_with(marlin_edit_exporters)
    context = Context(app.settings, None, Path())
    all_wall, all_cpu = time.perf_counter(), time.process_time()
    for name in ("vtt", "srt", "ttml"):
        wall, cpu = time.perf_counter(), time.process_time()
        content = app.exporters[name].render(edit, context).content
        assert isinstance(content, str)
        print(
            f"{name:5} {time.perf_counter() - wall:6.2f} s ({time.process_time() - cpu:.2f} s of processor time),"
            f" {len(content) / 1e6:.1f} million characters"
        )
    print(
        f"together {time.perf_counter() - all_wall:.2f} s ({time.process_time() - all_cpu:.2f} s of processor time)"
        f" for {count:,} events"
    )


if __name__ == "__main__":
    main()
