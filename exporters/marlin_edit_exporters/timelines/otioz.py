"""OpenTimelineIO bundle (`.otioz`): the timeline of `.otio` and the media themselves in one zip archive.

Media are stored as they are, under `media/`; the timeline names them there.
"""

from __future__ import annotations

import zipfile
from pathlib import Path

from marlin_edit.conform import file_name
from marlin_edit.edit import Edit
from marlin_edit.errors import MarlinEditError
from marlin_edit.files import safe_name
from marlin_edit.interfaces import Context, Rendered
from marlin_edit.timeline import laid_out
from marlin_edit_exporters.timelines.otio import timeline_text

VERSION = "1.0.0"


def render(edit: Edit, context: Context) -> Rendered:
    """The archive, made in `context.temporary`; MarlinEditError where a source is not there to be put into it."""
    layout = laid_out(edit, context, several_rates=True)
    inside: dict[Path, str] = {}
    for source in layout.sources:
        media = source.media
        if not media.path.is_file():
            raise MarlinEditError(
                f"An .otioz contains the media, and {media.path} is missing. Write an .otio, which only refers to it."
            )
        inside[media.path] = _free_name(file_name(media), set(inside.values()))
    path = context.temporary / "bundle.otioz"
    text = timeline_text(layout, lambda media: f"media/{inside[media.path]}")
    with zipfile.ZipFile(path, "w") as archive:
        archive.writestr("version.txt", VERSION, zipfile.ZIP_DEFLATED)
        archive.writestr("content.otio", text, zipfile.ZIP_DEFLATED)
        for media_path, name in inside.items():
            archive.write(media_path, f"media/{name}", zipfile.ZIP_STORED)
    return Rendered(path, layout.notes)


def _free_name(name: str, taken: set[str]) -> str:
    """The name as every system takes it, with a number where another source has it already."""
    plain = Path(safe_name(name))
    free, number = plain.name, 1
    while free.casefold() in {other.casefold() for other in taken}:
        number += 1
        free = f"{plain.stem}_{number}{plain.suffix}"
    return free
