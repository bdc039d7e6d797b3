"""Installs the script for Resolve's own menu: `menu_script.py`, with the way to this installation written into it."""

from __future__ import annotations

import os
import sys
from pathlib import Path

from marlin_edit.errors import MarlinEditError
from marlin_edit.files import write_output

NAME = "marlin-edit.py"
MARK = "# Installed by `marlin-edit resolve install-script`, which replaces it; changes are lost."
_PLACE = 'COMMAND = ["marlin-edit"]'


def install(folder: Path) -> Path:
    """Writes the script into one of Resolve's Scripts folders. MarlinEditError where another file has its name."""
    path = folder / NAME
    if os.path.lexists(path) and installed_script(folder) is None:
        raise MarlinEditError(
            f"{path} exists and is not marlin-edit's. Rename or remove it, or choose another --folder."
        )
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise MarlinEditError(f"{folder} cannot be made: {error.strerror}. Choose another --folder.") from error
    write_output(path, script_text(), overwrite=True)
    return path


def installed_script(folder: Path) -> Path | None:
    """The installed script, where there is one that is marlin-edit's own."""
    path = folder / NAME
    try:
        first = path.read_text(encoding="utf-8", errors="replace").partition("\n")[0]
    except OSError:
        return None
    return path if first == MARK else None


def script_text() -> str:
    """The script, which runs marlin-edit with the Python that runs it now."""
    text = Path(__file__).with_name("menu_script.py").read_text(encoding="utf-8")
    assert text.count(_PLACE) == 1
    return f"{MARK}\n" + text.replace(_PLACE, f"COMMAND = {[sys.executable, '-m', 'marlin_edit']!r}")
