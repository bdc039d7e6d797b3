"""From `-o` and `--deliver` to what is written: chosen and refused before any work, then rendered and published.

What a format cannot hold is said here, once, for all of them.
"""

from __future__ import annotations

import tempfile
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from marlin_edit import files
from marlin_edit.app import App
from marlin_edit.edit import Edit, is_empty, without_rejected
from marlin_edit.errors import ExitCode, MarlinEditError, UsageError, did_you_mean
from marlin_edit.interfaces import Carries, Delivery, Exporter, Receipt, RenderContext, Rendered


@dataclass(frozen=True)
class Output:
    """A file to be written in a format; `path` is None for stdout."""

    path: Path | None
    exporter: Exporter

    @property
    def name(self) -> str:
        return self.path.name if self.path else self.exporter.name


@dataclass
class Outcome:
    """What came of it: files, reports per item, what was left out (notes), what could not be done (missing).

    planned: the files of a dry run.
    """

    files: list[Path] = field(default_factory=list)
    planned: list[Path] = field(default_factory=list)
    stdout: str | bytes | None = None
    items: list[Mapping[str, Any]] = field(default_factory=list)
    notes: list[str] = field(default_factory=list)
    missing: list[str] = field(default_factory=list)

    def take(self, receipt: Receipt, *, dry_run: bool) -> None:
        """Adds what a delivery did, or would do."""
        (self.planned if dry_run else self.files).extend(receipt.files)
        self.items.extend(receipt.items)
        self.notes.extend(receipt.notes)
        self.missing.extend(receipt.missing)

    @property
    def exit_code(self) -> ExitCode:
        if not self.missing:
            return ExitCode.DONE
        came_of_it = self.files or self.planned or self.items or self.stdout is not None
        return ExitCode.PARTIAL if came_of_it else ExitCode.FAILED


def planned_outputs(
    app: App,
    paths: Sequence[Path | None],
    format_name: str | None,
    makes: Carries,
    sources: Iterable[Path] = (),
    *,
    stdout_taken: bool = False,
) -> list[Output]:
    """The outputs with their exporters; None stands for stdout. Do it before the work.

    `--format` names the format of the only output, or among several that of stdout. Raises UsageError for what could
    not be written at the end, and for a format that can hold nothing of what the command `makes`.
    """
    to_stdout = [path for path in paths if path is None]
    if len(to_stdout) > 1:
        raise UsageError("`-o -` is given twice.")
    if to_stdout and stdout_taken:
        raise UsageError("`-o -` and --json both write to stdout. Give the output a file name.")
    if format_name is not None and not paths:
        raise UsageError("--format needs an output: add -o FILE or `-o -`.")
    if format_name is not None and len(paths) > 1 and not to_stdout:
        raise UsageError("--format names the format of one output. Give one -o with it.")
    planned = []
    for path in paths:
        exporter = app.exporter_for(path, format_name if path is None or len(paths) == 1 else None)
        if not exporter.carries & makes:
            fitting = sorted(other.name for other in app.exporters.values() if other.carries & makes)
            raise UsageError(
                f"The format {exporter.name} holds {_words(exporter.carries)}, and this makes {_words(makes)}. "
                f"Formats that fit: {', '.join(fitting)}."
            )
        planned.append(Output(path, exporter))
    overwrite = app.settings.value("overwrite", bool)
    files.refuse_existing([path for path in paths if path is not None], overwrite, sources)
    return planned


def planned_deliveries(app: App, names: Sequence[str], makes: Carries) -> list[Delivery]:
    """The deliveries that are named, and those that the settings ask for; each has said that it can be done."""
    for name in names:
        if name not in app.deliveries:
            known = ", ".join(sorted(app.deliveries)) or "none is installed"
            raise UsageError(f"There is no delivery {name!r}.{did_you_mean(name, app.deliveries)} Deliveries: {known}.")
    planned = []
    for delivery in app.deliveries.values():
        with app.calling(delivery):
            if delivery.name not in names and not delivery.wanted(app.settings):
                continue
            if not delivery.carries & makes:
                raise UsageError(
                    f"The delivery {delivery.name} takes {_words(delivery.carries)}, and this makes {_words(makes)}."
                )
            delivery.check(app.settings)
            planned.append(delivery)
    return planned


def publish(
    app: App, edit: Edit, outputs: Sequence[Output], deliveries: Sequence[Delivery] = (), dry_run: bool = False
) -> Outcome:
    """Renders and writes every output, then runs every delivery; one that fails does not stop the others.

    Where something was asked and there is nothing to show, only formats that tell of rejected findings as well are
    written. A single thing that fails raises its own error, so that its exit code is kept.
    """
    outcome = Outcome()
    alone = len(outputs) + len(deliveries) == 1
    accepted = without_rejected(edit)
    nothing = is_empty(edit) and any(source.asked for source in edit.sources)
    for output in outputs:
        tells_all = bool(output.exporter.carries & Carries.REJECTED)
        if nothing and not tells_all:
            outcome.notes.append(f"{output.name}: not written, as there is nothing to write")
            continue
        try:
            _write(app, edit if tells_all else accepted, output, outcome, dry_run)
        except MarlinEditError as error:
            if alone:
                raise
            outcome.missing.append(f"{output.name}: {error}")
    for delivery in deliveries if not nothing else ():
        try:
            with app.calling(delivery), _beside(app, accepted, outputs, dry_run):
                receipt = delivery.deliver(accepted, app.settings, dry_run)
        except MarlinEditError as error:
            if alone:
                raise
            outcome.missing.append(f"{delivery.name}: {error}")
            continue
        outcome.take(receipt, dry_run=dry_run)
    return outcome


def _check_rate(edit: Edit, exporter: Exporter) -> None:
    """Sound alone has no frame rate, which cut lists and timelines need; a format that is read back keeps seconds."""
    for source in edit.sources:
        if source.media.sample_rate and exporter.carries & Carries.CUTS and exporter.read is None:
            raise MarlinEditError(
                f"{source.media.path.name} has no picture, so no frame rate, and {exporter.name} needs one. "
                "Write clips with --out-dir, or the spans in seconds with -o FILE.json."
            )


@dataclass(frozen=True)
class _Beside:
    """Where files beside a run's outputs go, and what is written into them."""

    app: App
    edit: Edit
    directory: Path
    dry_run: bool


_current: ContextVar[_Beside | None] = ContextVar("beside", default=None)


@contextmanager
def _beside(app: App, edit: Edit, outputs: Sequence[Output], dry_run: bool) -> Iterator[None]:
    directory = next((output.path.parent for output in outputs if output.path is not None), Path())
    token = _current.set(_Beside(app, edit, directory, dry_run))
    try:
        yield
    finally:
        _current.reset(token)


def write_beside(format_name: str) -> tuple[Path, tuple[str, ...]]:
    """For deliveries: writes the edit that is being delivered in another plugin's format, beside the run's outputs (or
    where the person is), and gives the file and the format's notes. A dry run writes nothing.

    The file has the edit's name, with a number where another file has that already; one with the same content is left
    as it is. Raises MarlinEditError where there is no such format, or it cannot hold the edit.
    """
    run = _current.get()
    if run is None:
        raise RuntimeError("write_beside is for deliveries, while they deliver.")
    exporter = run.app.exporter_for(None, format_name)
    _check_rate(run.edit, exporter)
    if len(run.edit.sources) > 1 and not exporter.carries & Carries.SEVERAL_SOURCES:
        raise MarlinEditError(f"the format {format_name} holds one source, and these are {len(run.edit.sources)}.")
    stem, number = files.safe_name(run.edit.title), 1
    while True:
        name = f"{stem}{f'-{number}' if number > 1 else ''}{exporter.suffixes[0]}"
        path = run.directory / name
        with _rendered(run.app, run.edit, Output(path, exporter)) as rendered:
            content = rendered.content
            if isinstance(content, str):
                content = content.encode("utf-8")
            elif isinstance(content, Path):
                content = content.read_bytes()
            if not path.exists() and not path.is_symlink():
                if not run.dry_run:
                    files.write_output(path, content)
                return path, rendered.notes
            if path.is_file() and path.read_bytes() == content:
                return path, rendered.notes
        number += 1


@contextmanager
def _rendered(app: App, edit: Edit, output: Output) -> Iterator[Rendered]:
    with tempfile.TemporaryDirectory(prefix="marlin-edit-") as temporary:
        with app.calling(output.exporter):
            rendered = output.exporter.render(edit, RenderContext(app.settings, output.path, Path(temporary)))
        yield rendered


def _write(app: App, edit: Edit, output: Output, outcome: Outcome, dry_run: bool) -> None:
    _check_rate(edit, output.exporter)
    with _rendered(app, edit, output) as rendered:
        content = rendered.content
        if output.path is None:
            outcome.stdout = content.read_bytes() if isinstance(content, Path) else content
        elif dry_run:
            outcome.planned.append(output.path)
        else:
            files.write_output(output.path, content, app.settings.value("overwrite", bool))
            outcome.files.append(output.path)
    outcome.notes.extend(f"{output.name}: {note}" for note in rendered.notes)
    outcome.notes.extend(f"{output.name}: {left}" for left in _left_out(output.exporter.carries, edit))


_CONTENTS = (
    (Carries.SCENES, "scene"),
    (Carries.EVENTS, "event"),
    (Carries.FINDINGS, "finding"),
    (Carries.CUTS, "cut"),
)


_OF_MARKERS = ((Carries.MARKER_DURATION, "length"), (Carries.COLOUR, "colour"), (Carries.NOTES, "note"))
_OF_CUTS = ((Carries.SOURCE_TIMECODE, "source time code"), (Carries.REEL, "reels"), (Carries.AUDIO, "sound"))


def _left_out(carries: Carries, edit: Edit) -> list[str]:
    """What an edit has and a format cannot hold, in words: `3 cuts left out`."""
    numbers = {
        Carries.SCENES: sum(len(source.scenes) for source in edit.sources),
        Carries.EVENTS: sum(len(source.events) for source in edit.sources),
        # Where there are cuts, findings are in them.
        Carries.FINDINGS: 0 if edit.cuts else sum(len(source.findings) for source in edit.sources),
        Carries.CUTS: len(edit.cuts),
    }
    left = [
        f"{numbers[flag]} {word}{'' if numbers[flag] == 1 else 's'} left out, which this format does not hold"
        for flag, word in _CONTENTS
        if numbers[flag] and not carries & flag
    ]
    without: list[str] = []
    if carries & Carries.MARKERS and any(source.events or source.findings for source in edit.sources):
        without += [word for flag, word in _OF_MARKERS if not carries & flag]
    told = {
        Carries.SOURCE_TIMECODE: any(source.media.start_frame for source in edit.sources),
        Carries.REEL: any(source.media.reel for source in edit.sources),
        Carries.AUDIO: any(stream.kind == "audio" for source in edit.sources for stream in source.media.streams),
    }
    lacking = [word for flag, word in _OF_CUTS if told[flag] and not carries & flag]
    if without:
        left.append(f"markers without their {_listed(without)}, which this format does not hold")
    if lacking and carries & Carries.CUTS and carries & Carries.MARKERS:
        left.append(f"without {_listed(lacking)}, which this format does not hold")
    return left


def _listed(words: Sequence[str]) -> str:
    return " and ".join([", ".join(words[:-1]), words[-1]] if len(words) > 1 else words)


def _words(carries: Carries) -> str:
    names = [word + "s" for flag, word in _CONTENTS if carries & flag]
    return " and ".join(names) if names else "nothing of that kind"
