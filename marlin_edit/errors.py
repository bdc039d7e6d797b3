"""Errors for the person: one class, printed in one place (`cli.py`), and the exit codes."""

from __future__ import annotations

from collections.abc import Iterable
from enum import IntEnum


class ExitCode(IntEnum):
    """How a run ended. Scripts may rely on these numbers."""

    DONE = 0
    FAILED = 1
    USAGE = 2
    PARTIAL = 3
    NOTHING_MATCHED = 4
    FAULTS_FOUND = 5


class MarlinEditError(Exception):
    """Something that a person can act on: the message says what is wrong and what to do next.

    Attributes:
        exit_code: The command's exit code if nothing catches the error.
    """

    def __init__(self, message: str, exit_code: ExitCode = ExitCode.FAILED) -> None:
        super().__init__(message)
        self.exit_code = exit_code


class UsageError(MarlinEditError):
    """The command line asks for something impossible. Nothing was started."""

    def __init__(self, message: str) -> None:
        super().__init__(message, ExitCode.USAGE)


class NoPicture(MarlinEditError):
    """A part of a source shows no picture that can be decoded; other parts of it may."""


def did_you_mean(word: str, known: Iterable[str]) -> str:
    """The end of a message about an unknown word: ` Did you mean cut?`, or nothing if none is close."""
    import difflib

    close = difflib.get_close_matches(word, list(known), n=1)
    return f" Did you mean {close[0]}?" if close else ""
