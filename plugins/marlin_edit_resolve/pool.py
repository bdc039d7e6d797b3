"""The clips of the media pool: the one that a source is, by its file, and importing it where it is not there yet."""

from __future__ import annotations

import os
import unicodedata
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from marlin_edit.errors import MarlinEditError
from marlin_edit.files import same_file
from marlin_edit_resolve.reading import listed

if TYPE_CHECKING:
    from fusionscript import Folder, MediaPool, MediaPoolItem


@dataclass(frozen=True)
class Clip:
    """A clip of the media pool. item: None in a dry run that would import it. notes: what to know of it."""

    path: Path
    item: MediaPoolItem | None
    imported: bool = False
    notes: tuple[str, ...] = ()


def clip_of(pool: MediaPool, path: Path, *, dry_run: bool) -> Clip:
    """The clip of a file, imported where it is not in the pool. MarlinEditError where Resolve does not take it."""
    path = path.absolute()
    found = list(_clips_of(pool, path))
    if found:
        notes = []
        if len(found) > 1:
            notes.append(f"{path.name} is in the media pool {len(found)} times; the first one was taken")
        if found[0].GetClipProperty("Online Status") == "Offline":
            notes.append(f"{path.name} is offline in Resolve: right-click it in the Media Pool > Relink Selected Clips")
        return Clip(path, found[0], notes=tuple(notes))
    if not path.is_file():
        raise MarlinEditError(f"{path} is not there, so that Resolve cannot import it.")
    if dry_run:
        return Clip(path, None, imported=True)
    pool.ImportMedia([str(path)])
    # What ImportMedia gives is not proof; what is in the pool is.
    item = next(_clips_of(pool, path), None)
    if item is None:
        raise MarlinEditError(
            f"Resolve did not import {path.name}. See whether it can be dragged into the Media Pool: Resolve does not "
            "read every kind of file, and its Free edition fewer."
        )
    return Clip(path, item, imported=True)


def _clips_of(pool: MediaPool, path: Path) -> Iterator[MediaPoolItem]:
    wanted = _spelled(str(path))
    for folder in _folders(pool.GetRootFolder()):
        for item in listed(folder.GetClipList()):
            told = item.GetClipProperty("File Path")
            if isinstance(told, str) and told and (_spelled(told) == wanted or same_file(Path(told), path)):
                yield item


def _folders(folder: Folder | None) -> Iterator[Folder]:
    if folder is None:
        return
    yield folder
    for one in listed(folder.GetSubFolderList()):
        yield from _folders(one)


def _spelled(path: str) -> str:
    """A path in one spelling: macOS tells accents in two parts, and Windows any case and slash."""
    return unicodedata.normalize("NFC", os.path.normcase(os.path.normpath(path)))
