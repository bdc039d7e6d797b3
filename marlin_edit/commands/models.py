"""List the models, video and speech: which are on disk, their size, their calibration, what their licence says."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from marlin_edit.commands import Run, as_command, json_option
from marlin_edit.interfaces import Backend, Detector, ModelOnDisk

if TYPE_CHECKING:
    from marlin_edit.inference.calibration import Installed


@as_command("models")
@json_option
def command(run: Run) -> None:
    """List the models, video and speech: which are on disk, their size, their calibration, what their licence says.

    A calibration is for one model with one number format. Yours (`marlin-edit calibrate`) goes before the model's. The
    licence is what each copy on your disk states. Read it there; marlin-edit does not check it.

    \b
    Examples:
      marlin-edit models
      marlin-edit models --json
    """
    found = _found(run)
    default = run.settings.value("model", str)
    calibrations = _calibrations(run, [model for _, model in found])
    if run.json:
        run.console.answer(
            {
                "default": default,
                "models": [
                    {
                        "name": model.name,
                        "state": model.state,
                        "size": model.size,
                        "licence": model.licence,
                        "path": model.path,
                        "note": model.note,
                        "calibrations": [_entry(one) for one in calibrations[model.name]],
                        "backend": backend.name,
                    }
                    for backend, model in found
                ],
            }
        )
        return
    run.console.table(
        ("model", "state", "size", "licence says", "note"),
        [
            (
                model.name + (" *" if model.name == default else ""),
                model.state,
                _size(model.size),
                model.licence,
                model.note,
            )
            for _, model in found
        ],
    )
    run.console.lines("", "* is the default; --model names another model, or the directory of one.")
    every = [one for each in calibrations.values() for one in each]
    if every:
        run.console.lines("", "Calibrations, which score findings:")
        run.console.lines(*(f"  {one.calibration.model}: {one}" for one in every))


def _found(run: Run) -> list[tuple[Backend | Detector, ModelOnDisk]]:
    """Every backend's models, then the detectors'; one that fails is left out with a warning."""
    from marlin_edit.errors import MarlinEditError

    found: list[tuple[Backend | Detector, ModelOnDisk]] = []
    owners: list[Backend | Detector] = [*run.app.backends.values(), *run.app.detectors.values()]
    for owner in owners:
        try:
            with run.app.calling(owner):
                found += [(owner, model) for model in owner.models()]
        except MarlinEditError as error:
            run.console.warning(str(error))
    return found


def _calibrations(run: Run, models: Sequence[ModelOnDisk]) -> dict[str, list[Installed]]:
    """Each model's calibrations by its name: the user's, and that which came with it. Bad files are warned of."""
    from marlin_edit.errors import MarlinEditError
    from marlin_edit.inference.calibration import Installed, own_calibrations, read_calibration

    found: dict[str, list[Installed]] = {model.name: [] for model in models}
    for own in own_calibrations(run.settings):
        found.setdefault(own.calibration.model.name, []).append(own)
    for model in models:
        if model.calibration is not None:
            try:
                bundled = read_calibration(model.calibration)
            except MarlinEditError as error:
                run.console.warning(str(error))
                continue
            if bundled is not None:
                found[model.name].append(Installed(bundled, model.calibration, own=False))
    return found


def _entry(one: Installed) -> dict[str, object]:
    right, wrong = one.calibration.findings
    return {
        "own": one.own,
        "path": one.path,
        "revision": one.calibration.model.revision,
        "dtype": one.calibration.model.dtype,
        "made": one.calibration.about.get("made"),
        "videos": one.calibration.videos,
        "right": right,
        "wrong": wrong,
        "threshold": one.calibration.threshold,
    }


def _size(size: int) -> str:
    if size >= 10**9:
        return f"{size / 10**9:.2f} GB"
    return f"{size / 10**6:.1f} MB" if size else ""
