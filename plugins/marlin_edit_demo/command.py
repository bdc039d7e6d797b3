"""`marlin-edit demo`: the main job on a real file, with the bundled model, and what was true beside what was answered.

It runs the same command lines that a person would, and shows them.
"""

from __future__ import annotations

import json
import shlex
import tempfile
from dataclasses import dataclass
from fractions import Fraction
from pathlib import Path

import click

from marlin_edit.commands import Run, as_command
from marlin_edit.console import Console
from marlin_edit.errors import ExitCode, MarlinEditError

SEED = 700_014
"""Chosen for what is to be seen in it, before there was a model; training uses other seeds."""

LENGTH = Fraction(20)
RATE = Fraction(24000, 1001)
QUERIES = ("a red triangle moves", "a yellow square")


@dataclass(frozen=True)
class DemoFiles:
    """What the demo writes into its directory."""

    directory: Path

    @property
    def video(self) -> Path:
        """The video of coloured shapes."""
        return self.directory / "shapes.mp4"

    @property
    def truth(self) -> Path:
        """What is true of it."""
        return self.directory / "shapes.truth.json"

    @property
    def analysis(self) -> Path:
        """What the model says."""
        return self.directory / "shapes.json"

    @property
    def findings(self) -> Path:
        """What the queries found."""
        return self.directory / "shapes.found.json"

    @property
    def page(self) -> Path:
        """The review page."""
        return self.directory / "shapes.html"

    @property
    def clips(self) -> Path:
        """The directory of the clips."""
        return self.directory / "clips"


@as_command("demo", settings=["overwrite"])
@click.option(
    "--out-dir",
    "directory",
    type=click.Path(path_type=Path),
    default=Path("marlin-edit-demo"),
    show_default=True,
    help="Directory for the files; it is created if missing.",
)
def command(run: Run, directory: Path) -> ExitCode:
    """Show the main job on a real video, with the small bundled model that knows coloured shapes only.

    \b
    Examples:
      marlin-edit demo
      marlin-edit demo --out-dir /tmp/shapes --overwrite
    """
    made = DemoFiles(directory)
    overwrite = run.settings.value("overwrite", bool)
    try:
        directory.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise MarlinEditError(
            f"{directory} cannot be made: {error.strerror}. Choose another with --out-dir."
        ) from error
    run.console.lines("A video of coloured shapes, made for this demonstration:")
    _make_video(made, overwrite)
    run.console.lines(f"  {made.video}  640x360, 23.976 fps, {float(LENGTH):g} s, H.264", "")

    extra = ["--overwrite"] if overwrite else []
    stem = directory / "shapes"
    outputs = [part for suffix in ("json", "srt", "vtt", "otio") for part in ("-o", f"{stem}.{suffix}")]
    code = _run(run.console, "What happens in it?", ["caption", str(made.video), "--model", "demo", *outputs, *extra])
    if code is ExitCode.DONE:
        queries = [part for query in QUERIES for part in ("--query", query)]
        cutting = ["cut", str(made.video), *queries, "--model", "demo"]
        cutting += ["-o", f"{stem}.edl", "-o", f"{stem}.cuts.otio", "-o", str(made.findings)]
        code = _run(run.console, "Cut out when something happens:", [*cutting, "--out-dir", str(made.clips), *extra])
    if code is ExitCode.DONE:
        exporting = ["export", str(made.analysis), str(made.findings), "-o", str(made.page), *extra]
        code = _run(run.console, "Review all of it in a browser:", exporting)
    if code is ExitCode.DONE:
        _compare(run.console, made)
    return code


def _make_video(made: DemoFiles, overwrite: bool) -> None:
    from marlin_edit.files import refuse_existing, write_output
    from marlin_edit_demo.world import WorldSettings, make_clip, write_clip

    refuse_existing([made.video, made.truth], overwrite)
    with tempfile.TemporaryDirectory(prefix="marlin-edit-") as temporary:
        video = Path(temporary) / "shapes.mp4"
        truth = write_clip(video, make_clip(SEED, WorldSettings(length=LENGTH, rate=RATE)))
        write_output(made.video, video, overwrite)
        write_output(made.truth, truth, overwrite)


def _run(console: Console, title: str, arguments: list[str]) -> ExitCode:
    """Runs a command line as a person would have typed it."""
    from marlin_edit.cli import main

    console.lines(title, f"  $ marlin-edit {shlex.join(arguments)}")
    code = ExitCode(main(arguments))
    console.lines("")
    return code


def _compare(console: Console, made: DemoFiles) -> None:
    """The true events in order of time, each above what the model answered in the same words."""
    rows = []
    for path, kind in ((made.truth, "true"), (made.analysis, "answered")):
        for event in json.loads(path.read_text(encoding="utf-8"))["events"]:
            start, end = float(Fraction(event["start"])), float(Fraction(event["end"]))
            rows.append((event["text"], start, (f"{start:.2f} - {end:.2f}", kind, event["text"])))
    first = {text: min(start for other, start, _ in rows if other == text) for text, _, _ in rows}
    rows.sort(key=lambda row: (first[row[0]], row[0], row[2][1] == "answered", row[1]))
    console.lines("What is true, and what the model answered (it looks twice per second):")
    console.table(("seconds", "", "event"), [row for _, _, row in rows])
    console.lines("", f"The files are in {made.directory}. With the real model: --model NemoStation/Marlin-2B")
