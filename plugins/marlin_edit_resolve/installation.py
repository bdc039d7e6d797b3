"""Where Resolve keeps what scripts need, on Linux, macOS and Windows, and whether it runs.

Where `RESOLVE_SCRIPT_API` or `RESOLVE_SCRIPT_LIB` is set, as Resolve's own scripting README has it, that place alone
counts.
"""

from __future__ import annotations

import os
import platform
import subprocess
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

API_VARIABLE, LIBRARY_VARIABLE = "RESOLVE_SCRIPT_API", "RESOLVE_SCRIPT_LIB"
MODULE = "DaVinciResolveScript"
_MAC = "Blackmagic Design/DaVinci Resolve"
_WINDOWS = "Blackmagic Design\\DaVinci Resolve"


@dataclass(frozen=True)
class Places:
    """Directories that may hold Resolve's scripting module, and files that may be its library, the likeliest first.

    scripts: where scripts for the menu of this user belong.
    """

    modules: tuple[Path, ...]
    libraries: tuple[Path, ...]
    scripts: Path

    @property
    def module(self) -> Path | None:
        """The first directory that has the module."""
        return next((one for one in self.modules if (one / f"{MODULE}.py").is_file()), None)

    @property
    def library(self) -> Path | None:
        """The native library, or None."""
        return next((one for one in self.libraries if one.is_file()), None)


def places(environ: Mapping[str, str] | None = None, system: str | None = None) -> Places:
    """Where things are on a system (`Linux`, `Darwin`, `Windows`; by default this one). Nothing has to be there."""
    environ = os.environ if environ is None else environ
    system = platform.system() if system is None else system
    home = environ.get("HOME") or str(Path.home())
    if system == "Darwin":
        modules = [f"/Library/Application Support/{_MAC}/Developer/Scripting/Modules"]
        libraries = ["/Applications/DaVinci Resolve/DaVinci Resolve.app/Contents/Libraries/Fusion/fusionscript.so"]
        scripts = f"{home}/Library/Application Support/{_MAC}/Fusion/Scripts"
    elif system == "Windows":
        shared = environ.get("PROGRAMDATA") or "C:\\ProgramData"
        programs = environ.get("PROGRAMFILES") or "C:\\Program Files"
        own = environ.get("APPDATA") or f"{environ.get('USERPROFILE') or home}\\AppData\\Roaming"
        modules = [f"{shared}\\{_WINDOWS}\\Support\\Developer\\Scripting\\Modules"]
        libraries = [f"{programs}\\{_WINDOWS}\\fusionscript.dll"]
        scripts = f"{own}\\{_WINDOWS}\\Support\\Fusion\\Scripts"
    else:
        roots = ("/opt/resolve", "/home/resolve")
        modules = [f"{root}/Developer/Scripting/Modules" for root in roots]
        libraries = [f"{root}/libs/Fusion/fusionscript.so" for root in roots]
        own = environ.get("XDG_DATA_HOME") or f"{home}/.local/share"
        scripts = f"{own}/DaVinciResolve/Fusion/Scripts"
    slash = "\\" if system == "Windows" else "/"
    if environ.get(API_VARIABLE):
        modules = [environ[API_VARIABLE].rstrip("/\\") + f"{slash}Modules"]
    if environ.get(LIBRARY_VARIABLE):
        libraries = [environ[LIBRARY_VARIABLE]]
    return Places(tuple(map(Path, modules)), tuple(map(Path, libraries)), Path(f"{scripts}{slash}Utility"))


def is_running(system: str | None = None) -> bool | None:
    """Whether a process of Resolve runs on this computer; None where that cannot be seen."""
    system = platform.system() if system is None else system
    try:
        if system == "Linux":
            return any(_is_resolve(process) for process in Path("/proc").iterdir() if process.name.isdigit())
        if system == "Darwin":
            listed = _listed("ps", "-axo", "comm=")
            return any(line.strip().endswith("/DaVinci Resolve.app/Contents/MacOS/Resolve") for line in listed)
        return any(line.lower().startswith("resolve.exe") for line in _listed("tasklist", "/NH"))
    except (OSError, subprocess.SubprocessError):
        return None


def _is_resolve(process: Path) -> bool:
    """By the name that the kernel keeps, of which the program is `bin/resolve`."""
    try:
        return (process / "comm").read_text(encoding="utf-8", errors="replace").strip() == "resolve"
    except OSError:  # it has ended meanwhile
        return False


def _listed(*command: str) -> list[str]:
    done = subprocess.run(command, capture_output=True, text=True, errors="replace", timeout=20, check=True)
    return done.stdout.splitlines()
