"""The sessions in README.md and the tutorials: their commands are run, and what they print stands below them.

    python tests/support/sessions.py            # writes all pages
    python tests/support/sessions.py PAGE...    # these

A session is a block of a console below a line `<!-- session -->`. Those of a page run one after the other in one
folder, with the demo's film in it and an empty store, so the page says what somebody sees who just installed it.
`export` sets a variable for the commands after it; a block below `<!-- file NAME -->` is a file that they find.
"""

from __future__ import annotations

import os
import re
import subprocess
import sys
import tempfile
from pathlib import Path

from marlin_edit_demo.command import LENGTH, RATE, SEED
from marlin_edit_demo.world import WorldSettings, make_clip, write_clip

ROOT = Path(__file__).resolve().parents[2]
PAGES = (ROOT / "README.md", *sorted((ROOT / "docs" / "tutorials").glob("*.md")))
_SESSION = re.compile(r"(?<=<!-- session -->\n```console\n).*?(?=^```$)", re.DOTALL | re.MULTILINE)
_FILE = re.compile(r"<!-- file (\S+) -->\n```\w*\n(.*?)^```$", re.DOTALL | re.MULTILINE)
_COMMAND = re.compile(r"^\$ (.*(?:\n> .*)*)$", re.MULTILINE)


def page(text: str, folder: Path) -> str:
    """The page with its sessions run in a folder."""
    for name, content in _FILE.findall(text):
        (folder / name).write_text(content, encoding="utf-8")
    environment = _prepared(folder)
    return _SESSION.sub(lambda found: _printed(found[0], folder, environment), text)


def _prepared(folder: Path) -> dict[str, str]:
    """Puts the demo's film there, and gives the environment of the commands."""
    programs = folder / ".bin"
    programs.mkdir()
    for name, command in (("marlin-edit", f'"{sys.executable}" -m marlin_edit'), ("python", f'"{sys.executable}"')):
        program = programs / name
        program.write_text(f'#!/bin/sh\nexec {command} "$@"\n')
        program.chmod(0o755)
    environment = {
        **os.environ,
        "PATH": f"{programs}{os.pathsep}{os.environ['PATH']}",
        "MARLIN_EDIT_STORE_PATH": str(folder / ".store" / "answers.sqlite"),
        "CUDA_VISIBLE_DEVICES": "",
    }
    truth = write_clip(
        folder / "shapes.mp4", make_clip(SEED, WorldSettings(length=LENGTH, rate=RATE))
    )  # as `demo` does
    truth.unlink()
    return environment


def _printed(session: str, folder: Path, environment: dict[str, str]) -> str:
    """What a terminal shows: each command, and all that it prints."""
    shown = []
    for command in _COMMAND.findall(session):
        variable = re.fullmatch(r"export (\w+)=(\S+)", command)
        if variable is not None:
            environment[variable[1]] = variable[2]
            shown.append(f"$ {command}\n")
        else:
            shown.append(f"$ {command}\n{_run(command.replace(chr(10) + '> ', chr(10)), folder, environment)}")
    joined = "\n".join(shown)
    return re.sub(r"(?m)^(\$ export .*\n)\n", r"\1", joined)


def _run(command: str, folder: Path, environment: dict[str, str]) -> str:
    """All that a shell's command prints, with the exit code where it is not 0."""
    ran = subprocess.run(
        ["bash", "-c", command],
        cwd=folder,
        env=environment,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        encoding="utf-8",
    )
    assert ran.returncode in (0, 4, 5), f"{command}: {ran.returncode}\n{ran.stdout}"
    return "".join(f"{line.rstrip()}\n" for line in ran.stdout.splitlines())


def main() -> None:
    """Write the pages."""
    for path in [Path(name) for name in sys.argv[1:]] or PAGES:
        with tempfile.TemporaryDirectory() as made:
            path.write_text(page(path.read_text(encoding="utf-8"), Path(made)), encoding="utf-8")


if __name__ == "__main__":
    main()
