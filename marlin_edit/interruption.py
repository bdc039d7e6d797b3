"""A signal that asks the process to end is noted as well as raised.

An exception that a signal raises is lost where it comes up in a library's callback. So what takes long asks now and
then, and nothing gets its final name after a signal.
"""

from __future__ import annotations

_noted: list[BaseException] = []


def note(error: BaseException) -> None:
    """Keep what a signal raises."""
    _noted[:] = [error]


def forget() -> None:
    """Forget it, because the run is over."""
    _noted.clear()


def check() -> None:
    """Raise what a signal raised, if that was lost on the way."""
    if _noted:
        raise _noted[0]
