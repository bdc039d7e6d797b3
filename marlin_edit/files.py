"""Whole-or-nothing writing, never over a file unasked: a target's name appears only with its whole content.

Each output is written beside its target. What a killed run left there is cleared by the next run.
"""

from __future__ import annotations

import contextlib
import errno
import os
import re
import secrets
import shutil
import stat
import sys
import unicodedata
import zlib
from collections.abc import Callable, Iterable, Iterator
from pathlib import Path

from marlin_edit import interruption
from marlin_edit.errors import MarlinEditError, UsageError

_RUN = secrets.token_hex(4)
_OURS = re.compile(r"\.marlin-edit-(?P<host>[0-9a-f]{8})-(?P<pid>\d+)-(?P<run>[0-9a-f]{8})-[0-9a-f]{8}(\..*)?")
_NO_LINKS = {errno.EPERM, errno.EOPNOTSUPP, errno.ENOTSUP, errno.ENOSYS, errno.EMLINK, errno.EXDEV, errno.EINVAL}
NO_ROOM = frozenset({errno.ENOSPC, errno.EDQUOT, errno.EFBIG})
"""The numbers of errors that say that a disk is full, or a limit of it is reached."""

_DISK_FAULTS = NO_ROOM | {errno.EROFS}


def write_output(path: Path, content: str | bytes | Path, overwrite: bool = False) -> None:
    """Write a whole file, or none: text as UTF-8, bytes, or a copy of another file."""
    with staged(path, overwrite, may_be_empty=True) as temporary:
        if isinstance(content, Path):
            shutil.copyfile(content, temporary)
        else:
            temporary.write_bytes(content.encode("utf-8") if isinstance(content, str) else content)


@contextlib.contextmanager
def staged(
    path: Path,
    overwrite: bool = False,
    *,
    verify: Callable[[Path], None] | None = None,
    may_be_empty: bool = False,
) -> Iterator[Path]:
    """A file beside `path`, with its suffix, for the caller to write; it becomes `path` if the block ends well.

    Args:
        path: The target.
        overwrite: Whether a file that is there may be replaced.
        may_be_empty: Whether an empty file is published; otherwise it is an error.
        verify: Checks the finished file before it is published, and raises to refuse it. Whatever is raised, in the
            block or by a signal, leaves nothing behind.
    """
    with _errors_named(path):
        refuse_existing([path], overwrite)
        target = path.resolve() if path.is_symlink() else path
        _clear_leftovers(target.parent)
        temporary = target.parent / (
            f".marlin-edit-{_host()}-{os.getpid()}-{_RUN}-{secrets.token_hex(4)}{_short_suffix(target)}"
        )
        os.close(os.open(temporary, os.O_CREAT | os.O_EXCL | os.O_WRONLY, 0o666))
    try:
        with _errors_named(path, _DISK_FAULTS):
            yield temporary
        if not temporary.exists() or (temporary.stat().st_size == 0 and not may_be_empty):
            raise MarlinEditError(f"{path} was not written: no content was produced.")
        if verify is not None:
            verify(temporary)
        with _errors_named(path):
            _flush_to_disk(temporary)
            _publish(temporary, target, overwrite)
    finally:
        with contextlib.suppress(FileNotFoundError):
            temporary.unlink()
    _flush_directory(target.parent)


def refuse_existing(paths: Iterable[Path], overwrite: bool = False, sources: Iterable[Path] = ()) -> None:
    """Raise UsageError for outputs that could not be written later: do it before the work.

    They exist (and `overwrite` is not set), are named twice, are one of the `sources`, or their directory is missing
    or closed.
    """
    kept = {file_identity(source) for source in sources}
    seen: set[tuple[int, int] | str] = set()
    for path in paths:
        with _errors_named(path):
            _refuse(path, overwrite)
        file = file_identity(path)
        if file in kept:
            raise UsageError(f"{path} is the source itself; it is never written over. Choose another name.")
        if file in seen:
            raise UsageError(f"{path} is given as an output twice.")
        seen.add(file)


def read_bytes(path: Path, encoding: str | None = None) -> bytes:
    """The content of a file that a person named.

    Args:
        path: The file.
        encoding: Its encoding, if the person names one; the content is then returned in UTF-8.

    Raises:
        MarlinEditError: The file cannot be read, or is not in that encoding.
    """
    try:
        content = path.read_bytes()
    except OSError as error:
        raise MarlinEditError(f"{path} cannot be read: {error.strerror}.") from error
    if encoding is None:
        return content
    try:
        return content.decode(encoding).encode()
    except UnicodeError as error:
        raise MarlinEditError(
            f"{path.name} is not in {encoding}: {error}. Name another one with --encoding."
        ) from error


def file_identity(path: Path) -> tuple[int, int] | str:
    """What identifies a file, whatever its spelling, link or hard link: its place on the disk, else its whole path."""
    try:
        status = os.stat(path)
    except (OSError, ValueError):
        return os.path.normcase(os.path.realpath(path))
    return status.st_dev, status.st_ino


_RESERVED = re.compile(r"(con|prn|aux|nul|conin\$|conout\$|(com|lpt)[0-9¹²³])(?![^. ])", re.IGNORECASE)
_JOINERS = "\u200c\u200d"


def safe_name(text: str, longest: int = 100) -> str:
    """A part of a file name that every system takes and that stays in its directory; `untitled` if nothing is left.

    Args:
        text: A person's or a model's text.
        longest: Bytes of UTF-8; no character is cut.
    """
    kept = []
    for character in unicodedata.normalize("NFC", text):
        category = unicodedata.category(character)
        if character in '/\\<>:"|?*' or category in ("Cc", "Cs", "Co", "Cn", "Zl", "Zp", "Zs"):
            kept.append(" ")
        elif category != "Cf" or character in _JOINERS:
            kept.append(character)
    name = " ".join("".join(kept).split()).lstrip(".-~ ")
    if _RESERVED.match(name):
        name = "_" + name
    while len(name.encode()) > longest:
        name = name[:-1]
        while name and unicodedata.combining(name[-1]):
            name = name[:-1]
    return name.rstrip(". " + _JOINERS) or "untitled"


def _refuse(path: Path, overwrite: bool) -> None:
    try:
        mode = path.lstat().st_mode
        if stat.S_ISLNK(mode) and overwrite and path.exists():
            mode = path.stat().st_mode
    except FileNotFoundError:
        mode = None
    if mode is not None:
        if stat.S_ISDIR(mode) or path.is_dir():
            raise UsageError(f"{path} is a directory. Give the name of a file.")
        if not stat.S_ISREG(mode) and not stat.S_ISLNK(mode):
            raise UsageError(f"{path} is not a regular file. To write to a pipe, use `-o -`.")
        if not overwrite:
            raise UsageError(f"{path} exists. Choose another name, or add --overwrite.")
        if path.exists() and not os.access(path, os.W_OK):
            raise UsageError(f"{path} is write-protected. Choose another name.")
    directory = (path.resolve() if path.is_symlink() else path).parent
    if not directory.exists():
        raise UsageError(f"{path}: there is no directory {directory}. Make it first.")
    if not directory.is_dir():
        raise UsageError(f"{path}: {directory} is a file, not a directory.")
    if not os.access(directory, os.W_OK | os.X_OK):
        raise UsageError(f"{path}: no permission to write into {directory}.")


@contextlib.contextmanager
def _errors_named(path: Path, only: frozenset[int] | None = None) -> Iterator[None]:
    """Say an output's errors in words for a person. `only`: leave all others, which may be about another file."""
    try:
        yield
    except OSError as error:
        if error.errno is None or (only is not None and error.errno not in only):
            raise
        raise MarlinEditError(f"{path} could not be written: {_reason(error, path)}") from error
    except ValueError as error:
        if "null" in str(error):
            raise UsageError(f"{str(path)!r} is not a file name.") from error
        raise


def _reason(error: OSError, path: Path) -> str:
    reasons = {
        errno.EACCES: f"no permission to write into {path.parent}.",
        errno.EPERM: f"no permission to write into {path.parent}.",
        errno.EROFS: f"{path.parent} is on a read-only disk.",
        errno.ENOSPC: "the disk is full. Free some space, or choose another disk.",
        errno.EDQUOT: "your quota on this disk is used up. Free some space, or choose another disk.",
        errno.EFBIG: "it is larger than this disk takes in one file. Choose another disk.",
        errno.ENAMETOOLONG: "the name is too long. Choose a shorter one.",
        errno.ENOENT: f"there is no directory {path.parent}. Make it first.",
        errno.ENOTDIR: f"{path.parent} is not a directory.",
        errno.EISDIR: "it is a directory. Give the name of a file.",
        errno.EEXIST: "a file of that name appeared in the meantime. Choose another name, or add --overwrite.",
    }
    return reasons.get(error.errno or 0, f"{error.strerror or error}.")


def _short_suffix(path: Path) -> str:
    return path.suffix if len(os.fsencode(path.suffix)) <= 16 else ""


def _flush_to_disk(path: Path) -> None:
    handle = os.open(path, os.O_RDWR)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)


def _flush_directory(directory: Path) -> None:
    """So that the new name survives a power cut. Some systems cannot; the file is there all the same."""
    if sys.platform == "win32":
        return
    with contextlib.suppress(OSError):
        handle = os.open(directory, os.O_RDONLY)
        try:
            os.fsync(handle)
        finally:
            os.close(handle)


def _publish(temporary: Path, target: Path, overwrite: bool) -> None:
    interruption.check()
    if overwrite:
        with contextlib.suppress(FileNotFoundError):
            shutil.copymode(target, temporary)
        os.replace(temporary, target)
    elif sys.platform == "win32":
        os.rename(temporary, target)  # refuses an existing name there
    else:
        try:
            os.link(temporary, target)
        except OSError as error:
            if error.errno not in _NO_LINKS:
                raise
            _rename_without_replacing(temporary, target)


def _rename_without_replacing(temporary: Path, target: Path) -> None:
    """Where there are no hard links (exFAT, some network disks): the system's exclusive rename, or a claimed name."""
    import ctypes

    library = ctypes.CDLL(None, use_errno=True)
    here = -100  # AT_FDCWD
    if sys.platform == "darwin" and hasattr(library, "renamex_np"):
        failed = library.renamex_np(os.fsencode(temporary), os.fsencode(target), 4)  # RENAME_EXCL
    elif hasattr(library, "renameat2"):
        failed = library.renameat2(here, os.fsencode(temporary), here, os.fsencode(target), 1)  # RENAME_NOREPLACE
    else:
        failed = None
    if failed == 0:
        return
    if failed is not None and ctypes.get_errno() == errno.EEXIST:
        raise FileExistsError(errno.EEXIST, os.strerror(errno.EEXIST), str(target))
    os.close(os.open(target, os.O_CREAT | os.O_EXCL | os.O_WRONLY, 0o666))
    try:
        os.replace(temporary, target)
    except BaseException:
        target.unlink()
        raise


def _clear_leftovers(directory: Path) -> None:
    """Remove files of runs of ours on this machine that are no longer there."""
    for entry in os.listdir(directory):
        ours = _OURS.fullmatch(entry)
        if ours is None or ours["host"] != _host():
            continue
        pid = int(ours["pid"])
        if ours["run"] != _RUN if pid == os.getpid() else not _is_running(pid):
            with contextlib.suppress(OSError):
                (directory / entry).unlink()


def _host() -> str:
    """A process number says something on its own machine only; this names the machine."""
    import platform

    return f"{zlib.crc32(platform.node().encode()):08x}"


def _is_running(pid: int) -> bool:
    if sys.platform == "win32":
        import ctypes

        handle = ctypes.windll.kernel32.OpenProcess(0x1000, False, pid)  # PROCESS_QUERY_LIMITED_INFORMATION
        if not handle:
            return bool(ctypes.windll.kernel32.GetLastError() == 5)  # there, but closed to us
        code = ctypes.c_ulong()
        ctypes.windll.kernel32.GetExitCodeProcess(handle, ctypes.byref(code))
        ctypes.windll.kernel32.CloseHandle(handle)
        return code.value == 259  # STILL_ACTIVE
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    except (PermissionError, OverflowError):
        return True
    return True
