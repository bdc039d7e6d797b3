"""Functions of a format's file that import it when they are first called: every run asks for the list of formats."""

from __future__ import annotations

from collections.abc import Callable
from importlib import import_module
from typing import TYPE_CHECKING

from marlin_edit.interfaces import Context, GivenMarkers, Rendered

if TYPE_CHECKING:
    from marlin_edit.analysis import Analysis
    from marlin_edit.edit import Edit
    from marlin_edit.media import MediaInfo


def rendering(file: str) -> Callable[[Edit, Context], Rendered]:
    """The `render` of a format's file, which is imported when it is first needed: every run asks for this list."""

    def render(edit: Edit, context: Context) -> Rendered:
        rendered: Rendered = import_module(f"{__package__}.{file}").render(edit, context)
        return rendered

    return render


def reading_markers(file: str) -> Callable[[bytes, MediaInfo], GivenMarkers]:
    """The `read_markers` of a format's file, likewise."""

    def read_markers(content: bytes, media: MediaInfo) -> GivenMarkers:
        found: GivenMarkers = import_module(f"{__package__}.{file}").read_markers(content, media)
        return found

    return read_markers


def reading(file: str) -> Callable[[bytes, MediaInfo | None], Analysis]:
    """The `read` of a format's file, likewise."""

    def read(content: bytes, media: MediaInfo | None) -> Analysis:
        analysis: Analysis = import_module(f"{__package__}.{file}").read(content, media)
        return analysis

    return read
