"""List the video models: which are on disk and complete, their size, and what their licence says."""

from __future__ import annotations

from marlin_edit.commands import Run, as_command, json_option
from marlin_edit.interfaces import Backend, ModelOnDisk


@as_command("models")
@json_option
def command(run: Run) -> None:
    """List the video models: which are on disk and complete, their size, and what their licence says.

    The licence is what each copy on your disk states. Read it there; marlin-edit does not check it.

    \b
    Examples:
      marlin-edit models
      marlin-edit models --json
    """
    found = _found(run)
    default = run.settings.value("model", str)
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


def _found(run: Run) -> list[tuple[Backend, ModelOnDisk]]:
    """Every backend's models; a backend that fails is left out with a warning."""
    from marlin_edit.errors import MarlinEditError

    found = []
    for backend in run.app.backends.values():
        try:
            with run.app.calling(backend):
                found += [(backend, model) for model in backend.models()]
        except MarlinEditError as error:
            run.console.warning(str(error))
    return found


def _size(size: int) -> str:
    if size >= 10**9:
        return f"{size / 10**9:.2f} GB"
    return f"{size / 10**6:.1f} MB" if size else ""
