"""Ask a video what happens in it, and open the answer in your editor.

What is named here is what a plugin needs most, and stays. The other modules at this level, and the packages
`marlin_edit.media`, `marlin_edit.commands` and `marlin_edit.marlin`, are public as well; docs/architecture.md lists
them. The other packages are the program's own. `open` is marlin-edit in Python: see `film.py`.
"""

from typing import TYPE_CHECKING, Any

from marlin_edit.errors import MarlinEditError
from marlin_edit.hookspecs import hookimpl
from marlin_edit.interfaces import (
    Backend,
    Carries,
    Context,
    Delivery,
    Detection,
    Detector,
    Exporter,
    Finds,
    Receipt,
    Rendered,
)
from marlin_edit.settings import Setting

if TYPE_CHECKING:
    from marlin_edit.film import Captions, Film, Findings, Transcript, Written, open

__all__ = [
    "Backend",
    "Captions",
    "Carries",
    "Context",
    "Delivery",
    "Detection",
    "Detector",
    "Exporter",
    "Film",
    "Findings",
    "Finds",
    "MarlinEditError",
    "Receipt",
    "Rendered",
    "Setting",
    "Transcript",
    "Written",
    "hookimpl",
    "open",
]


def __getattr__(name: str) -> Any:
    """The names of `film.py`, imported when they are first used: plugins need none of what it needs."""
    if name in ("Captions", "Film", "Findings", "Transcript", "Written", "open"):
        from marlin_edit import film

        return getattr(film, name)
    raise AttributeError(f"module 'marlin_edit' has no attribute {name!r}")
