"""Shells complete commands, options, values and file names, with the script that `completion` prints."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

from tests.support.programs import checker

ASK = """
source {script}
COMP_WORDS=({words}); COMP_CWORD={place}
_marlin_edit_completion marlin-edit
printf '%s\\n' "${{COMPREPLY[@]}}"
"""


@pytest.fixture
def bin_directory(tmp_path: Path) -> Path:
    """A directory with the program as a shell would find it."""
    program = tmp_path / "bin" / "marlin-edit"
    program.parent.mkdir()
    program.write_text(f'#!/bin/sh\nexec {sys.executable} -m marlin_edit "$@"\n')
    program.chmod(0o755)
    return program.parent


def script_for(shell: str, folder: Path) -> Path:
    command = [sys.executable, "-m", "marlin_edit", "completion", shell]
    ran = subprocess.run(command, capture_output=True, encoding="utf-8", check=True)
    path = folder / f"completion.{shell}"
    path.write_text(ran.stdout)
    assert "Write this to" in ran.stderr
    return path


@pytest.mark.parametrize(
    ("words", "completed"),
    [
        ("marlin-edit exp", {"export"}),
        ("marlin-edit find --dtype f", {"float16", "float32"}),
        ("marlin-edit cut --sna", {"--snap", "--snap-limit"}),
        ("marlin-edit store p", {"prune"}),
        ("marlin-edit completion ''", {"bash", "zsh", "fish"}),
    ],
)
def test_bash_completes(words: str, completed: set[str], bin_directory: Path, tmp_path: Path) -> None:
    asking = ASK.format(script=script_for("bash", tmp_path), words=words, place=len(words.split()) - 1)
    environment = {**os.environ, "PATH": f"{bin_directory}{os.pathsep}{os.environ['PATH']}"}
    ran = subprocess.run(
        [checker("bash", "bash"), "-c", asking], capture_output=True, encoding="utf-8", env=environment
    )
    assert set(ran.stdout.split()) == completed, ran.stderr


def test_fish_completes(bin_directory: Path, tmp_path: Path) -> None:
    asking = f'source {script_for("fish", tmp_path)}; complete -C "marlin-edit find --dtype f"'
    environment = {**os.environ, "PATH": f"{bin_directory}{os.pathsep}{os.environ['PATH']}", "HOME": str(tmp_path)}
    ran = subprocess.run(
        [checker("fish", "fish"), "-c", asking], capture_output=True, encoding="utf-8", env=environment
    )
    assert set(ran.stdout.split()) == {"float16", "float32"}, ran.stderr


def test_zsh_takes_the_script(tmp_path: Path) -> None:
    subprocess.run([checker("zsh", "zsh"), "-n", str(script_for("zsh", tmp_path))], check=True)


def test_another_shell_is_refused_with_those_that_there_are() -> None:
    ran = subprocess.run(
        [sys.executable, "-m", "marlin_edit", "completion", "tcsh"], capture_output=True, encoding="utf-8"
    )
    assert (ran.returncode, ran.stdout) == (2, "")
    assert "'bash', 'zsh', 'fish'" in ran.stderr
