"""From `-o` and `--deliver` to what is to be written: all that can be refused is refused here, before any work."""

from __future__ import annotations

import importlib.util
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path

from marlin_edit import files
from marlin_edit.app import App
from marlin_edit.errors import UsageError, did_you_mean
from marlin_edit.interfaces import Carries, Delivery, Exporter
from marlin_edit.workflow.left_out import contents_of, title_of


@dataclass(frozen=True)
class Output:
    """A file to be written in a format; `path` is None for stdout."""

    path: Path | None
    exporter: Exporter

    @property
    def name(self) -> str:
        """The file's name, or the format's for stdout."""
        return self.path.name if self.path else self.exporter.name


def planned_outputs(
    app: App,
    paths: Sequence[Path | None],
    format_name: str | None,
    makes: Carries,
    sources: Iterable[Path] = (),
    *,
    stdout_taken: bool = False,
) -> list[Output]:
    """The outputs with their exporters; None stands for stdout.

    `--format` names the format of the only output, or of stdout if there are several. Raises UsageError for what could
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
            cut = " `marlin-edit cut` makes cuts." if exporter.carries & Carries.CUTS else ""
            raise UsageError(
                f"{title_of(exporter)} stores {contents_of(exporter.carries)}, and this command makes "
                f"{contents_of(makes)}.{cut} Formats that fit: {', '.join(fitting)}."
            )
        for module, requirement in exporter.needs:
            if importlib.util.find_spec(module) is None:
                raise UsageError(f"{title_of(exporter)} needs a library. Install it with: pip install '{requirement}'")
        planned.append(Output(path, exporter))
    overwrite = app.settings.value("overwrite", bool)
    files.refuse_existing([path for path in paths if path is not None], overwrite, sources)
    return planned


def planned_deliveries(app: App, names: Sequence[str], makes: Carries) -> list[Delivery]:
    """The deliveries that are named, and those that the settings ask for; each has checked that it can be done."""
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
                    f"The delivery {delivery.name} takes {contents_of(delivery.carries)}, and this command makes "
                    f"{contents_of(makes)}."
                )
            delivery.check(app.settings)
            planned.append(delivery)
    return planned
