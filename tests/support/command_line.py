"""The command line, called in this process: what it ended with, and what it wrote."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from typing import Any

import pytest

from marlin_edit.cli import main


@dataclass(frozen=True)
class Ran:
    """What a command ended with: its exit code, and what it wrote to stdout and stderr."""

    code: int
    out: str
    err: str

    @property
    def document(self) -> Any:
        """The JSON document on stdout."""
        return json.loads(self.out)


CommandLine = Callable[..., Ran]


def command_line(capfd: pytest.CaptureFixture[str]) -> CommandLine:
    """A function that runs `marlin-edit` with its arguments."""
    return partial(run_command, capfd)


def run_command(capfd: pytest.CaptureFixture[str], *arguments: object) -> Ran:
    """Run `marlin-edit` with these arguments."""
    code = main([str(argument) for argument in arguments])
    said = capfd.readouterr()
    return Ran(code, said.out, said.err)
