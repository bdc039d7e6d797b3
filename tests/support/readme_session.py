"""The session at the top of README.md: its commands are run, and what they print stands below them.

    python tests/support/readme_session.py    # writes the page

The film is the demo's, and the store is empty at first, so the page says what somebody sees who just installed it.
"""

from __future__ import annotations

import os
import re
import shlex
import subprocess
import sys
import tempfile
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
PAGE = ROOT / "README.md"
_SESSION = re.compile(r"```console\n(\$ marlin-edit find shapes\.mp4.*?)```", re.DOTALL)


def page(text: str, folder: Path) -> str:
    """The page with its session run in a folder."""
    session = _SESSION.search(text)
    assert session is not None
    commands = re.findall(r"^\$ (.*)$", session.group(1), re.MULTILINE)
    return text[: session.start(1)] + printed(commands, folder) + text[session.end(1) :]


def printed(commands: list[str], folder: Path) -> str:
    """What a terminal shows: each command, and all that it prints."""
    environment = {**os.environ, "MARLIN_EDIT_STORE_PATH": str(folder / "store.db"), "CUDA_VISIBLE_DEVICES": ""}
    elsewhere = folder / "film"
    _run(["demo", "--out-dir", str(elsewhere)], folder, {**environment, "MARLIN_EDIT_STORE": "false"})
    (elsewhere / "shapes.mp4").rename(folder / "shapes.mp4")
    shown = []
    for command in commands:
        name, *arguments = shlex.split(command)
        assert name == "marlin-edit", command
        shown.append(f"$ {command}\n{_run(arguments, folder, environment)}")
    return "\n".join(shown)


def _run(arguments: list[str], folder: Path, environment: dict[str, str]) -> str:
    ran = subprocess.run(
        [sys.executable, "-m", "marlin_edit", *arguments],
        cwd=folder,
        env=environment,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        encoding="utf-8",
        check=True,
    )
    return "".join(f"{line.rstrip()}\n" for line in ran.stdout.splitlines())


if __name__ == "__main__":
    with tempfile.TemporaryDirectory() as made:
        PAGE.write_text(page(PAGE.read_text(encoding="utf-8"), Path(made)), encoding="utf-8")
