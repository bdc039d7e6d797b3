"""Renders and writes the outputs of an edit and runs its deliveries; what was written, left out or failed is kept."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from marlin_edit import files
from marlin_edit.app import App
from marlin_edit.conform import notes_on_rates, with_paths
from marlin_edit.constant_rate import at_constant_rate
from marlin_edit.edit import Edit, is_empty, without_rejected
from marlin_edit.errors import ExitCode, MarlinEditError
from marlin_edit.interfaces import Carries, Delivery, Exporter, Receipt, Rendered
from marlin_edit.path_map import PathMap
from marlin_edit.workflow.left_out import left_out, scenes_left_out, title_of
from marlin_edit.workflow.outputs import Output
from marlin_edit.workflow.run import Run


@dataclass
class Outcome:
    """The result of publishing: files, one report per item, notes on what was left out, and what could not be done.

    planned: the files that a dry run would write. details: notes that only -v and JSON show.
    """

    files: list[Path] = field(default_factory=list)
    planned: list[Path] = field(default_factory=list)
    stdout: str | bytes | None = None
    items: list[Mapping[str, Any]] = field(default_factory=list)
    notes: list[str] = field(default_factory=list)
    details: list[str] = field(default_factory=list)
    missing: list[str] = field(default_factory=list)

    def add(self, receipt: Receipt, *, dry_run: bool) -> None:
        """Add what a delivery did, or would do."""
        (self.planned if dry_run else self.files).extend(receipt.files)
        self.items.extend(receipt.items)
        self.notes.extend(receipt.notes)
        self.missing.extend(receipt.missing)

    @property
    def exit_code(self) -> ExitCode:
        """Done, partial if something is missing, or failed if there is nothing else."""
        if not self.missing:
            return ExitCode.DONE
        published = self.files or self.planned or self.items or self.stdout is not None
        return ExitCode.PARTIAL if published else ExitCode.FAILED


def publish(
    run: Run, edit: Edit, outputs: Sequence[Output], deliveries: Sequence[Delivery] = (), dry_run: bool = False
) -> Outcome:
    """Render and write every output, then run every delivery; one that fails does not stop the others.

    If something was asked and there is nothing to show, only formats that store rejected findings are written. A single
    output or delivery that fails raises its own error, so that its exit code is kept.
    """
    outcome = Outcome()
    alone = len(outputs) + len(deliveries) == 1
    accepted = without_rejected(edit)
    nothing = is_empty(edit) and any(source.asked for source in edit.sources)
    shared: dict[object, Any] = {}
    for output in outputs:
        keeps_rejected = bool(output.exporter.carries & Carries.REJECTED)
        if nothing and not keeps_rejected:
            outcome.notes.append(f"{output.name}: not written, because nothing was found")
            continue
        try:
            _write(run.app, edit if keeps_rejected else accepted, output, outcome, shared, dry_run)
        except MarlinEditError as error:
            if alone:
                raise
            outcome.missing.append(f"{output.name}: {error}")
    directory = next((output.path.parent for output in outputs if output.path is not None), Path())
    beside = _Beside(run.app, accepted, directory, shared, dry_run)
    for delivery in deliveries if not nothing else ():
        try:
            outcome.add(_delivered(run, delivery, accepted, beside, dry_run), dry_run=dry_run)
        except MarlinEditError as error:
            if alone:
                raise
            outcome.missing.append(f"{delivery.name}: {error}")
    return outcome


def _delivered(run: Run, delivery: Delivery, edit: Edit, beside: _Beside, dry_run: bool) -> Receipt:
    with (
        run.console.reporting(delivery.name) as progress,
        run.app.calling(delivery),
        run.app.context(progress=progress, write_beside=beside.write, shared=beside.shared) as context,
    ):
        return delivery.deliver(edit, context, dry_run)


def _check_rate(edit: Edit, exporter: Exporter) -> None:
    """Sound alone has no frame rate, so formats that count frames cannot take it."""
    for source in edit.sources:
        if source.media.sample_rate and exporter.carries & Carries.FRAMES:
            raise MarlinEditError(
                f"{source.media.path.name} has no picture, so no frame rate, and {exporter.name} needs one. "
                "Write clips with --out-dir, or the spans in seconds with -o FILE.json."
            )


@dataclass(frozen=True)
class _Beside:
    """Writes an edit in other formats beside the outputs of a run, for deliveries."""

    app: App
    edit: Edit
    directory: Path
    shared: dict[object, Any]
    dry_run: bool

    def write(self, format_name: str) -> tuple[Path, tuple[str, ...]]:
        """Write the edit in a format, and return the file and the format's notes. A dry run only names the file.

        The file has the edit's name, with a number if another file has that already; one with the same content is left
        as it is. Raises MarlinEditError if there is no such format, or it cannot store the edit.
        """
        exporter = self.app.exporter_for(None, format_name)
        edit, notes = _for_format(self.app, self.edit, exporter)
        if len(self.edit.sources) > 1 and not exporter.carries & Carries.SEVERAL_SOURCES:
            raise MarlinEditError(
                f"{title_of(exporter)} stores one source per file, and the edit has {len(self.edit.sources)}."
            )
        stem, number = files.safe_name(self.edit.title), 1
        while True:
            path = self.directory / f"{stem}{f'-{number}' if number > 1 else ''}{exporter.suffixes[0]}"
            with _rendered(self.app, edit, Output(path, exporter), self.shared) as rendered:
                content = _bytes_of(rendered)
                if not path.exists() and not path.is_symlink():
                    if not self.dry_run:
                        files.write_output(path, content)
                    return path, (*notes, *rendered.notes)
                if path.is_file() and path.read_bytes() == content:
                    return path, (*notes, *rendered.notes)
            number += 1


def _bytes_of(rendered: Rendered) -> bytes:
    content = rendered.content
    if isinstance(content, str):
        return content.encode("utf-8")
    return content.read_bytes() if isinstance(content, Path) else content


@contextmanager
def _rendered(app: App, edit: Edit, output: Output, shared: dict[object, Any]) -> Iterator[Rendered]:
    with app.context(output.path, shared=shared) as context:
        with app.calling(output.exporter):
            rendered = output.exporter.render(edit, context)
        yield rendered


def _for_format(app: App, edit: Edit, exporter: Exporter) -> tuple[Edit, list[str]]:
    """The edit as a format takes it, with notes.

    Formats that count frames count those of a constant rate; those that name the media get the paths of `--map`.
    """
    _check_rate(edit, exporter)
    notes = notes_on_rates(edit) if exporter.carries & Carries.FRAMES else []
    if exporter.carries & Carries.PATHS:
        edit = with_paths(edit, app.settings.value("map", PathMap))
    return at_constant_rate(edit) if exporter.carries & Carries.FRAMES else edit, notes


def _write(app: App, edit: Edit, output: Output, outcome: Outcome, shared: dict[object, Any], dry_run: bool) -> None:
    edit, notes = _for_format(app, edit, output.exporter)
    with _rendered(app, edit, output, shared) as rendered:
        content = rendered.content
        if output.path is None:
            outcome.stdout = content.read_bytes() if isinstance(content, Path) else content
        elif dry_run:
            outcome.planned.append(output.path)
        else:
            files.write_output(output.path, content, app.settings.value("overwrite", bool))
            outcome.files.append(output.path)
    outcome.notes.extend(f"{output.name}: {note}" for note in (*notes, *rendered.notes))
    outcome.notes.extend(f"{output.name}: {sentence}" for sentence in left_out(output.exporter, edit))
    if sentence := scenes_left_out(output.exporter, edit):
        outcome.details.append(f"{output.name}: {sentence}")
