"""From `-o` and `--deliver` to what is written: chosen and refused before any work, then rendered and published.

What a format cannot hold is said here, once, for all of them.
"""

from __future__ import annotations

import tempfile
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from marlin_edit import files
from marlin_edit.edit import Edit
from marlin_edit.errors import ExitCode, MarlinEditError, UsageError
from marlin_edit.interfaces import Carries, Delivery, Exporter, RenderContext
from marlin_edit.plugins import App


@dataclass(frozen=True)
class Target:
    """A file to be written in a format; `path` is None for stdout."""

    exporter: Exporter
    path: Path | None


@dataclass(frozen=True)
class Plan:
    """What was asked for and can be done, as far as that is known before the work."""

    targets: tuple[Target, ...]
    deliveries: tuple[Delivery, ...]

    @property
    def empty(self) -> bool:
        return not self.targets and not self.deliveries

    @property
    def uses_stdout(self) -> bool:
        return any(target.path is None for target in self.targets)


@dataclass
class Outcome:
    """What came of a plan: files, reports, what was left out (notes) and what could not be done (missing)."""

    files: list[Path] = field(default_factory=list)
    stdout: list[str | bytes] = field(default_factory=list)
    items: list[Mapping[str, Any]] = field(default_factory=list)
    notes: list[str] = field(default_factory=list)
    missing: list[str] = field(default_factory=list)

    @property
    def exit_code(self) -> ExitCode:
        if not self.missing:
            return ExitCode.DONE
        return ExitCode.PARTIAL if self.files or self.stdout else ExitCode.FAILED


def plan(
    app: App,
    outputs: Sequence[str],
    format_name: str | None,
    deliver: Sequence[str],
    makes: Carries,
    *,
    overwrite: bool,
) -> Plan:
    """Chooses exporters and deliveries for what a command `makes`.

    Raises UsageError or MarlinEditError for an unknown suffix or delivery, a file that exists, a folder that cannot be
    written, a format that can hold nothing of what will be made, and a delivery that cannot work now.
    """
    targets: list[Target] = []
    for output in outputs:
        path = None if output == "-" else Path(output)
        exporter = app.exporter_for(path, format_name)
        if not exporter.carries & makes:
            fitting = sorted(
                suffix for other in app.exporters.values() if other.carries & makes for suffix in other.suffixes
            )
            raise UsageError(
                f"The format {exporter.name} holds {_words(exporter.carries)}, and this command makes {_words(makes)}. "
                f"Formats that fit: {', '.join(fitting)}."
            )
        if any(path == other.path for other in targets):
            raise UsageError(f"{output} is given twice as an output.")
        targets.append(Target(exporter, path))
    if format_name is not None and not outputs:
        raise UsageError("--format says how an output is written; name one with -o FILE, or -o - for stdout.")
    files.refuse_existing([target.path for target in targets if target.path is not None], overwrite=overwrite)
    unknown = [name for name in deliver if name not in app.deliveries]
    if unknown:
        raise UsageError(f"There is no delivery {unknown[0]!r}. There are: {', '.join(sorted(app.deliveries))}.")
    deliveries = tuple(
        delivery
        for delivery in app.deliveries.values()
        if delivery.name in deliver or (delivery.carries & makes and delivery.wanted(app.settings))
    )
    for delivery in deliveries:
        if not delivery.carries & makes:
            raise UsageError(f"The delivery {delivery.name} takes {_words(delivery.carries)}; this command makes none.")
        delivery.check(app.settings)
    return Plan(tuple(targets), deliveries)


def publish(plan: Plan, edit: Edit, app: App, *, overwrite: bool, dry_run: bool = False) -> Outcome:
    """Renders and writes every target, then runs every delivery; one that fails does not stop the others.

    Raises the error of the only thing that was asked for, so that its exit code is kept.
    """
    outcome = Outcome()
    errors: list[MarlinEditError] = []
    for target in plan.targets:
        name = str(target.path) if target.path else target.exporter.name
        try:
            _write(target, edit, app, outcome, overwrite=overwrite, dry_run=dry_run)
        except MarlinEditError as error:
            errors.append(error)
            outcome.missing.append(f"{name}: {error}")
    for delivery in plan.deliveries:
        try:
            receipt = delivery.deliver(edit, app.settings, dry_run)
        except MarlinEditError as error:
            errors.append(error)
            outcome.missing.append(f"{delivery.name}: {error}")
            continue
        outcome.files.extend(receipt.files)
        outcome.items.extend(receipt.items)
        outcome.notes.extend(receipt.notes)
        outcome.missing.extend(receipt.missing)
    if errors and not outcome.files and not outcome.stdout and len(plan.targets) + len(plan.deliveries) == 1:
        raise errors[0]
    return outcome


def _write(target: Target, edit: Edit, app: App, outcome: Outcome, *, overwrite: bool, dry_run: bool) -> None:
    name = target.path.name if target.path else target.exporter.name
    with tempfile.TemporaryDirectory(prefix="marlin-edit-") as temporary:
        rendered = target.exporter.render(edit, RenderContext(app.settings, target.path, Path(temporary)))
        if target.path is None:
            content = rendered.content
            outcome.stdout.append(content.read_bytes() if isinstance(content, Path) else content)
        elif not dry_run:
            files.write_output(target.path, rendered.content, overwrite=overwrite)
            outcome.files.append(target.path)
    outcome.notes.extend(f"{name}: {note}" for note in rendered.notes)
    outcome.notes.extend(f"{name}: {left}" for left in _left_out(target.exporter.carries, edit))


_CONTENTS = (
    (Carries.SCENES, "scene", lambda edit: sum(len(source.scenes) for source in edit.sources)),
    (Carries.EVENTS, "event", lambda edit: sum(len(source.events) for source in edit.sources)),
    (Carries.FINDINGS, "finding", lambda edit: sum(len(source.findings) for source in edit.sources)),
    (Carries.CUTS, "cut", lambda edit: len(edit.cuts)),
)


def _left_out(carries: Carries, edit: Edit) -> list[str]:
    """What an edit has and a format cannot hold, in words: `3 cuts left out`."""
    left = []
    for flag, word, count in _CONTENTS:
        number = count(edit)
        if number and not carries & flag:
            left.append(f"{number} {word}{'' if number == 1 else 's'} left out: the format does not hold them")
    return left


def _words(carries: Carries) -> str:
    names = [word + "s" for flag, word, _ in _CONTENTS if carries & flag]
    return " and ".join(names) if names else "nothing of that kind"
