"""Runs marlin-edit in a process of its own, with the plugins of this directory installed beside the real ones."""

from __future__ import annotations

import os
import subprocess
import sys
import tomllib
from collections.abc import Sequence
from pathlib import Path

HERE = Path(__file__).parent
ROOT = HERE.parent.parent


def installed(directory: Path, name: str, module: str, source: str, version: str = "1.0") -> Path:
    """Put a distribution with one plugin, `module`, into `directory`, as pip would."""
    directory.mkdir(parents=True, exist_ok=True)
    (directory / f"{module}.py").write_text(source, encoding="utf-8")
    _record(directory, name, version, {module: module})
    return directory


def itself(directory: Path) -> Path:
    """Marlin-edit as its source tree is now, whatever installation of it there is."""
    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    _record(directory, project["name"], project["version"], project["entry-points"]["marlin_edit"])
    return directory


def run_tool(
    *arguments: str | Path,
    plugins: Sequence[Path] = (),
    variables: dict[str, str] | None = None,
    python: Sequence[str] = ("-m", "marlin_edit"),
    cwd: Path | None = None,
) -> subprocess.CompletedProcess[str]:
    """Run `marlin-edit ARGUMENTS` with these directories on the path; nothing of the user's settings gets in."""
    return subprocess.run(
        [sys.executable, *python, *(str(argument) for argument in arguments)],
        env=environment(plugins, variables),
        capture_output=True,
        text=True,
        timeout=60,
        cwd=cwd,
    )


def environment(plugins: Sequence[Path], variables: dict[str, str] | None = None) -> dict[str, str]:
    """The variables of a process that sees the source tree and these plugins."""
    path = [*plugins, ROOT, ROOT / "exporters", ROOT / "plugins"]
    dropped = ("MARLIN_EDIT_", "PYTHONDONTWRITEBYTECODE")
    kept = {name: value for name, value in os.environ.items() if not name.startswith(dropped)}
    return {**kept, "PYTHONPATH": os.pathsep.join(str(one) for one in path), **(variables or {})}


def _record(directory: Path, name: str, version: str, points: dict[str, str]) -> None:
    record = directory / f"{name.replace('-', '_')}-{version}.dist-info"
    record.mkdir(parents=True, exist_ok=True)
    (record / "METADATA").write_text(f"Metadata-Version: 2.1\nName: {name}\nVersion: {version}\n", encoding="utf-8")
    lines = [f"{point} = {target}" for point, target in points.items()]
    (record / "entry_points.txt").write_text("\n".join(["[marlin_edit]", *lines, ""]), encoding="utf-8")
