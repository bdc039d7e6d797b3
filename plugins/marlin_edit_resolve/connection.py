"""Opens Resolve's scripting, in a process that may be lost (`talking.py`): its library is native code of another maker.

`scriptapp("Resolve")` gives None without a reason; what was seen on the way is kept, for `diagnosis.py` to judge.
"""

from __future__ import annotations

import importlib
import importlib.util
import os
import platform
import struct
import sys
from dataclasses import dataclass
from importlib.machinery import ExtensionFileLoader
from pathlib import Path
from types import ModuleType
from typing import TYPE_CHECKING, Any

from marlin_edit_resolve.installation import LIBRARY_VARIABLE, MODULE, Places, places

if TYPE_CHECKING:
    from fusionscript import Resolve


@dataclass(frozen=True)
class Attempt:
    """What happened when Resolve's scripting was opened.

    imported: what could be imported, the module's file or the library. errors: why something could not. answered:
    whether `scriptapp` gave anything. python: the version and width that the library was loaded into.
    """

    imported: Path | None = None
    errors: tuple[str, ...] = ()
    answered: bool = False
    python: str = ""


def connected() -> tuple[Resolve | None, Attempt]:
    """Resolve, or None, and what was seen. It may end the process, where the native library does."""
    found = places()
    errors: list[str] = []
    python = f"{platform.python_version()}, {struct.calcsize('P') * 8} bit"
    for load in (_module, _library):
        try:
            loaded = load(found)
        except (Exception, SystemExit) as error:  # the module's own and the system loader's, of any kind
            errors.append(f"{type(error).__name__}: {error}".strip(": "))
            continue
        if loaded is None:
            continue
        module, path = loaded
        try:
            resolve: Any = module.scriptapp("Resolve")
        except Exception as error:
            errors.append(f"scriptapp: {type(error).__name__}: {error}".strip(": "))
            resolve = None
        return resolve, Attempt(path, tuple(errors), resolve is not None, python)
    return None, Attempt(None, tuple(errors), False, python)


def _module(found: Places) -> tuple[ModuleType, Path] | None:
    """Resolve's own module, which finds its library by itself where the variable does not name it."""
    directory = found.module
    if directory is None:
        return None
    if found.library is not None:
        os.environ.setdefault(LIBRARY_VARIABLE, str(found.library))
    _pin_python()
    sys.path.append(str(directory))
    return importlib.import_module(MODULE), directory / f"{MODULE}.py"


def _library(found: Places) -> tuple[ModuleType, Path] | None:
    """The library itself: the module of older versions wants `imp`, which Python 3.12 has no more."""
    path = found.library
    if path is None:
        return None
    _pin_python()
    loader = ExtensionFileLoader("fusionscript", str(path))
    spec = importlib.util.spec_from_file_location("fusionscript", path, loader=loader)
    assert spec is not None
    module = importlib.util.module_from_spec(spec)
    loader.exec_module(module)
    return module, path


def _pin_python() -> None:
    """On Windows the library otherwise takes the Python that the registry names first, and two of them crash."""
    if platform.system() == "Windows":
        os.environ.setdefault("FUSION_PYTHON3_HOME", sys.base_prefix)
