"""Folders that are called otherwise on another machine (`--map /old=/new`), so that a project can move there.

Paths are texts here: the folders of the other machine are not on this one, and may be those of another system.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from pathlib import Path

from marlin_edit.errors import UsageError

_PAIR = re.compile(r"(?P<old>.+?)=(?P<new>(?:/|[A-Za-z]:[\\/]|\\\\[^\\]).*)")
_WINDOWS = re.compile(r"[A-Za-z]:[\\/]|\\\\[^\\]")


@dataclass(frozen=True)
class PathMap:
    """Pairs of folders: what lies in the first of a pair lies in the second on the other machine."""

    pairs: tuple[tuple[str, str], ...] = ()

    @classmethod
    def parse(cls, text: str) -> PathMap:
        """Read `OLD=NEW`, a pair a line, both absolute.

        Raises:
            UsageError: A line that is no such pair.
        """
        pairs = []
        for line in filter(None, map(str.strip, text.splitlines())):
            pair = _PAIR.fullmatch(line)
            if pair is None:
                raise UsageError(
                    f"{line!r} is not a pair of folders. Write OLD=NEW with absolute paths, like "
                    "/Volumes/media=/mnt/media."
                )
            pairs.append((pair["old"], pair["new"]))
        return cls(tuple(pairs))

    def __str__(self) -> str:
        return ", ".join(f"{old}={new}" for old, new in self.pairs) or "-"

    def mapped(self, path: Path) -> Path:
        """The path on the other machine, by the longest folder that it lies in; the path itself if it lies in none."""
        best: tuple[int, str] | None = None
        for old, new in self.pairs:
            rest = _within(str(path if is_windows_path(str(path)) else path.absolute()), old)
            if rest is not None and (best is None or len(old) > best[0]):
                best = len(old), _joined(new, rest)
        return path if best is None else Path(best[1])


def is_windows_path(text: str) -> bool:
    """Whether a text is an absolute path of Windows, on whatever system this runs."""
    return bool(_WINDOWS.match(text))


def _within(path: str, folder: str) -> list[str] | None:
    """The parts of a path below a folder; None if it lies elsewhere. Windows does not tell `A` from `a`."""
    windows = is_windows_path(folder)
    if windows != is_windows_path(path):
        return None
    separator = r"[\\/]+" if windows else "/+"
    parts, own = re.split(separator, path), re.split(separator, re.sub(f"{separator}$", "", folder))
    same = [part.casefold() for part in parts] if windows else parts
    begin = [part.casefold() for part in own] if windows else own
    return parts[len(own) :] if same[: len(own)] == begin else None


def _joined(folder: str, parts: list[str]) -> str:
    separator = "\\" if is_windows_path(folder) and "/" not in folder else "/"
    return separator.join((folder.rstrip("\\/"), *parts)) or folder
