"""Ask a video what happens in it, and open the answer in your editor.

What is named here is what a plugin needs most, and stays. The other modules at this level, and the packages
`marlin_edit.media`, `marlin_edit.commands` and `marlin_edit.marlin`, are public as well; docs/architecture.md lists
them. The other packages are the program's own.
"""

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

__all__ = [
    "Backend",
    "Carries",
    "Context",
    "Delivery",
    "Detection",
    "Detector",
    "Exporter",
    "Finds",
    "MarlinEditError",
    "Receipt",
    "Rendered",
    "Setting",
    "hookimpl",
]
