"""The clips of the media pool: those that the sources are, by their files, and importing what is not there yet."""

from __future__ import annotations

import os
import unicodedata
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from marlin_edit.files import file_identity
from marlin_edit_resolve.api_values import listed

if TYPE_CHECKING:
    from fusionscript import Folder, MediaPool, MediaPoolItem


@dataclass(frozen=True)
class Clip:
    """A clip of the media pool. path: absolute. item: None in a dry run that would import it. notes: what to know."""

    path: Path
    item: MediaPoolItem | None
    imported: bool = False
    notes: tuple[str, ...] = ()


def clips_of(pool: MediaPool, paths: Sequence[Path], *, dry_run: bool) -> tuple[dict[Path, Clip], list[str]]:
    """The clip of each file, imported where it is not in the pool; and which files Resolve does not take, in words."""
    there = list(_entries(pool))
    clips = {path: clip for path in paths if (clip := _found(there, path)) is not None}
    wanted = [path for path in paths if path not in clips and path.is_file()]
    missing = [f"{path} is not there, so Resolve cannot import it" for path in paths if path not in {*clips, *wanted}]
    if dry_run:
        return clips | {path: Clip(path.absolute(), None, imported=True) for path in wanted}, missing
    if wanted:
        pool.ImportMedia([str(path.absolute()) for path in wanted])
        there = list(_entries(pool))  # what ImportMedia gives is no proof; what is in the pool is
    for path in wanted:
        clip = _found(there, path)
        if clip is None:
            missing.append(
                f"Resolve did not import {path.name}. See whether it can be dragged into the Media Pool: Resolve does "
                "not read every kind of file, and its Free edition fewer"
            )
        else:
            clips[path] = Clip(clip.path, clip.item, imported=True, notes=clip.notes)
    return clips, missing


def _found(there: Sequence[tuple[str, MediaPoolItem]], path: Path) -> Clip | None:
    path = path.absolute()
    wanted = _spelled(str(path))
    items = [item for told, item in there if _spelled(told) == wanted]
    if not items:
        identity = file_identity(path)
        items = [item for told, item in there if file_identity(Path(told)) == identity]
    if not items:
        return None
    notes = []
    if len(items) > 1:
        notes.append(f"{path.name} is in the media pool {len(items)} times; the first one was taken")
    if items[0].GetClipProperty("Online Status") == "Offline":
        notes.append(f"{path.name} is offline in Resolve: right-click it in the Media Pool > Relink Selected Clips")
    return Clip(path, items[0], notes=tuple(notes))


def _entries(pool: MediaPool) -> Iterator[tuple[str, MediaPoolItem]]:
    """Every clip of the pool that has a file, with the file's path as Resolve tells it."""
    for folder in _folders(pool.GetRootFolder()):
        for item in listed(folder.GetClipList()):
            told = item.GetClipProperty("File Path")
            if isinstance(told, str) and told:
                yield told, item


def _folders(folder: Folder | None) -> Iterator[Folder]:
    if folder is None:
        return
    yield folder
    for one in listed(folder.GetSubFolderList()):
        yield from _folders(one)


def _spelled(path: str) -> str:
    """A path in one spelling: macOS tells accents in two parts, and Windows any case and slash."""
    return unicodedata.normalize("NFC", os.path.normcase(os.path.normpath(path)))
