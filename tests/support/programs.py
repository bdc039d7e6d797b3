"""Outside programs that check what we write."""

from __future__ import annotations

import os
import shutil

import pytest


def checker(program: str, package: str) -> str:
    """An outside program; without it the test is skipped, but in the full check."""
    found = shutil.which(program)
    if found is None and os.environ.get("REQUIRE_CHECKERS") == "1":
        pytest.fail(f"{program} is missing: install Debian's {package}")
    if found is None:
        pytest.skip(f"{program} is not installed")
    return found
