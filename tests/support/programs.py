"""Outside programs that check what we write."""

from __future__ import annotations

import os
import shutil
import subprocess
from pathlib import Path

import pytest

_TRIES = 4


def checker(program: str, package: str) -> str:
    """An outside program; without it the test is skipped, but in the full check."""
    found = shutil.which(program)
    if found is None and os.environ.get("REQUIRE_CHECKERS") == "1":
        pytest.fail(f"{program} is missing: install Debian's {package}")
    if found is None:
        pytest.skip(f"{program} is not installed")
    return found


def melt(project: Path, *options: str) -> None:
    """Have melt play a project. On a busy computer it now and then waits for ever, and is started again then."""
    command = [checker("melt", "melt"), "-silent", str(project), *options]
    for left in reversed(range(_TRIES)):
        try:
            subprocess.run(command, check=True, capture_output=True, timeout=40, cwd=project.parent)
        except subprocess.TimeoutExpired:
            if not left:
                raise
        else:
            return
