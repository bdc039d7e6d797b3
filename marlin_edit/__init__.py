"""Ask a video what happens in it, and open the answer in your editor.

What is named here is what a plugin needs, and stays.
"""

from marlin_edit.errors import MarlinEditError
from marlin_edit.hookspecs import hookimpl
from marlin_edit.interfaces import (
    Backend,
    Carries,
    Delivery,
    Detector,
    Exporter,
    Finds,
    Receipt,
    RenderContext,
    Rendered,
)
from marlin_edit.settings import Setting

__all__ = [
    "Backend",
    "Carries",
    "Delivery",
    "Detector",
    "Exporter",
    "Finds",
    "MarlinEditError",
    "Receipt",
    "RenderContext",
    "Rendered",
    "Setting",
    "hookimpl",
]
