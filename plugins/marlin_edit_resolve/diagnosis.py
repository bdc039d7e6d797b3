"""Why Resolve could not be reached: the causes that are still possible, each with its evidence.

`scriptapp` does not tell which; what can be ruled out by looking is ruled out here, and nothing else.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from marlin_edit_resolve.connection import Attempt
from marlin_edit_resolve.installation import MODULE, Places

STUDIO = "only Resolve Studio accepts other programs; the Free edition refuses them without a reason"
PREFERENCES = (
    "in Resolve, Preferences > System > General > set External scripting using to Local (restart Resolve afterwards)"
)


@dataclass(frozen=True)
class Cause:
    """Something that may keep Resolve from being reached, and the evidence for it."""

    name: str
    evidence: str

    def __str__(self) -> str:
        return f"{self.name}: {self.evidence}"


def causes(attempt: Attempt | None, found: Places, running: bool | None, crash: str = "") -> tuple[Cause, ...]:
    """What is still possible, the likeliest first. attempt: None where the process ended in it; crash: how it did."""
    return tuple(_causes(attempt, found, running, crash))


def _causes(attempt: Attempt | None, found: Places, running: bool | None, crash: str) -> Iterator[Cause]:
    here = found.module is not None or found.library is not None
    if crash:
        yield Cause("Resolve's scripting library crashed, or does not answer", crash)
    if not here:
        looked = ", ".join(str(path) for path in (*found.modules, *found.libraries))
        yield Cause("not installed on this computer, or in another place", f"nothing at {looked}")
    if running is False:
        yield Cause("not running", "no Resolve process is running")
    elif running is None:
        yield Cause("not running", "the running processes could not be seen")
    imported = attempt is not None and attempt.imported is not None
    if here and not imported:
        missing = "" if found.module is not None else f"no {MODULE}.py in {', '.join(map(str, found.modules))}"
        told = [*(attempt.errors if attempt is not None else ()), *([missing] if missing else [])]
        if told:
            yield Cause("its scripting module is missing or does not load", "; ".join(told))
        python = attempt.python if attempt is not None else _this_python()
        yield Cause(
            "a Python version that its library does not accept",
            f"this is Python {python}; the library wants a 64-bit Python 3 from python.org or the system, of the "
            "processor's own kind",
        )
    elif attempt is not None and attempt.errors:
        yield Cause("its scripting module failed", "; ".join(attempt.errors))
    if running is not False or not here:
        yield Cause("the Free edition", STUDIO)
    if imported and running is not False:
        yield Cause("external scripting is off", PREFERENCES)


def _this_python() -> str:
    import platform
    import struct

    return f"{platform.python_version()}, {struct.calcsize('P') * 8} bit"
