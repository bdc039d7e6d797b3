"""Keeps a model's answers in one SQLite file, each under everything that it depends on: any difference is a miss.

The journal is a rollback journal, not WAL: the file can then be read where nothing can be written, and on network
disks; writes are few and small. What the file holds is not trusted: its tables must be exactly ours, and every value is
looked at before it is used. A store that is damaged, or of a newer version, is renamed, and a new one begun; a file
whose header does not say that it is a store is never touched.
"""

from __future__ import annotations

import contextlib
import hashlib
import json
import math
import os
import sqlite3
import stat
import struct
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, TypeVar

from marlin_edit.analysis import ModelIdentity
from marlin_edit.errors import MarlinEditError
from marlin_edit.settings import Settings, data_directory
from marlin_edit.timebase import Span, parse_seconds, seconds_text
from marlin_edit.video_model import Answer, Question, QuestionKind, Terms

SCHEMA_VERSION = 1
APPLICATION_ID = 0x4D45_6131
"""What marks a SQLite file as ours, in its header."""

_MAGIC = b"SQLite format 3\0"

BUSY_SECONDS = 5.0
"""How long another process is waited for. Ours hold the file for milliseconds at a time."""

_TEXTS = (
    "media", "start", "stop", "kind", "query", "model", "revision", "profile", "dtype", "prompt", "sampling",
    "generation",
)  # fmt: skip
_COLUMNS = ("key", *_TEXTS, "stream", "raw", "logprobs", "stopped_by", "path", "asked_at", "checksum")
_TABLE = f"""CREATE TABLE answers (
  key TEXT PRIMARY KEY NOT NULL,
  {", ".join(f"{name} TEXT NOT NULL" for name in _TEXTS)},
  stream INTEGER NOT NULL, raw TEXT NOT NULL, logprobs BLOB NOT NULL, stopped_by TEXT NOT NULL,
  path TEXT NOT NULL, asked_at INTEGER NOT NULL, checksum TEXT NOT NULL
)"""
_SCHEMA = {("table", "answers", "answers", _TABLE), ("index", "sqlite_autoindex_answers_1", "answers", None)}
_LONGEST = 64 << 20
_AT_ONCE = 500
_FREE_SHARE = 0.25
"""Which share of a file has to be free before it is written again without it."""
_TRIES = 6

T = TypeVar("T")


class StoreError(MarlinEditError):
    """The store cannot be read or written; what was to be done with it was not done."""


@dataclass(frozen=True)
class Key:
    """All that an answer depends on. media: the file's fingerprint. stream: the container's index of its picture."""

    media: str
    stream: int
    span: Span
    question: Question
    model: ModelIdentity
    terms: Terms

    def texts(self) -> tuple[str, ...]:
        """As they are kept, in the order of `_TEXTS`."""
        model, terms = self.model, self.terms
        span = (seconds_text(self.span.start), seconds_text(self.span.end))
        asked = (self.question.kind.value, self.question.query)
        identity = (model.name, model.revision, model.profile, model.dtype)
        return (self.media, *span, *asked, *identity, terms.prompt, terms.sampling, terms.generation)


@dataclass(frozen=True)
class Kept:
    """An answer with what it answers. path: where the media was then. asked_at: seconds since 1970."""

    key: Key
    answer: Answer
    path: str = ""
    asked_at: int = 0


@dataclass(frozen=True)
class Choice:
    """Which answers are meant: all, or those that every given part fits.

    media: a fingerprint, a path or a file's name. model: a name, or `name@revision` (or the beginning of that).
    before: asked before then, in seconds since 1970.
    """

    media: str | None = None
    model: str | None = None
    before: float | None = None

    def condition(self) -> tuple[str, tuple[Any, ...]]:
        """What SQL can tell of it, as a condition with its values: true of every row that fits, and of few others."""
        parts: list[str] = ["1"]
        values: list[Any] = []
        if self.media is not None:
            parts.append("(media = ? OR path = ? OR substr(path, -length(?) - 1) IN ('/' || ?, '\\' || ?))")
            values += [self.media] * 5
        if self.model is not None:
            parts.append("(model = ? OR substr(model || '@' || revision, 1, length(?)) = ?)")
            values += [self.model] * 3
        if self.before is not None:
            parts.append("asked_at < ?")
            values.append(self.before)
        return " AND ".join(parts), tuple(values)

    def fits(self, kept: Kept) -> bool:
        """Whether a stored answer is among the chosen ones."""
        model = kept.key.model
        return (
            (self.media is None or self.media in (kept.key.media, kept.path, Path(kept.path).name))
            and (
                self.model is None
                or self.model == model.name
                or ("@" in self.model and f"{model.name}@{model.revision}".startswith(self.model))
            )
            and (self.before is None or kept.asked_at < self.before)
        )


def store_path(settings: Settings) -> Path:
    """Where the store is: as the setting says, else in the user's data directory. StoreError if there is none."""
    given = settings.optional("store_path", Path)
    try:
        return given or data_directory(settings) / "answers.sqlite"
    except MarlinEditError as error:
        raise StoreError(str(error)) from error


class Store:
    """The file of answers. It is opened when it is first needed, and made when a first answer is kept.

    warn: called about a file that was set aside. All methods raise StoreError if the file cannot be used.
    """

    def __init__(self, path: Path, warn: Callable[[str], None]) -> None:
        self.path = Path(os.path.realpath(path))
        self._warn = warn
        self._connection: sqlite3.Connection | None = None
        self._file: tuple[int, int] | None = None
        self._ours = True
        self._lock = threading.RLock()

    def find(self, key: Key) -> Answer | None:
        """The answer to exactly this, or None."""
        if not self.exists():
            return None
        digest = _digest(key.texts(), key.stream)
        statement = f"SELECT {', '.join(_COLUMNS)} FROM answers WHERE key = ?"
        row = self._working(lambda connection: connection.execute(statement, (digest,)).fetchone())
        kept = _kept(row) if row is not None else None
        return kept.answer if kept is not None and kept.key.texts() == key.texts() else None

    def keep(self, answers: Sequence[Kept]) -> None:
        """Keep some answers, all or none, in place of earlier ones to the same."""
        rows = [row for row in map(_row, answers) if row is not None]
        places = ", ".join("?" * len(_COLUMNS))
        statement = f"INSERT OR REPLACE INTO answers ({', '.join(_COLUMNS)}) VALUES ({places})"

        def write(connection: sqlite3.Connection) -> None:
            with _transaction(connection):
                connection.executemany(statement, rows)

        if rows:
            self._working(write)

    def answers(self, choice: Choice = Choice()) -> Iterator[Kept]:
        """Those that are meant, in the order in which they were kept; what cannot be read is passed over."""
        return (kept for _, kept in self._rows(choice) if kept is not None and choice.fits(kept))

    def remove(self, choice: Choice | None) -> int:
        """Remove the answers that are meant, or with None everything, also what cannot be read; how many they were."""
        if not self.exists():
            return 0
        rows = self._rows(choice or Choice())
        meant = [number for number, kept in rows if choice is None or (kept and choice.fits(kept))]

        def delete(connection: sqlite3.Connection) -> None:
            connection.execute("PRAGMA secure_delete = ON")  # nothing of what is removed stays in the file
            with _transaction(connection):
                connection.executemany("DELETE FROM answers WHERE rowid = ?", ((number,) for number in meant))
            free, pages = _number(connection, "freelist_count"), _number(connection, "page_count")
            if free > pages * _FREE_SHARE:
                with contextlib.suppress(sqlite3.Error):  # it needs space itself; without it the space is used again
                    connection.execute("VACUUM")

        self._working(delete)
        return len(meant)

    def exists(self) -> bool:
        """Whether the store's file is there, with anything in it."""
        return os.path.exists(self.path) and (not os.path.isfile(self.path) or self.size() > 0)

    def size(self) -> int:
        """Bytes on disk."""
        try:
            return os.stat(self.path).st_size
        except OSError:
            return 0

    def set_aside(self) -> list[Path]:
        """Earlier files that were damaged or newer."""
        found = self.path.parent.glob(f"{self.path.name}.*-*")
        return sorted(path for path in found if path.name[len(self.path.name) + 1 :].startswith((_DAMAGED, _NEWER)))

    def close(self) -> None:
        """Close the file."""
        with self._lock:
            connection, self._connection = self._connection, None
            if connection is not None:
                with contextlib.suppress(sqlite3.Error):
                    connection.close()

    def _rows(self, choice: Choice) -> Iterator[tuple[int, Kept | None]]:
        """The rows that may be meant, some at a time, so that nobody has to wait for the end of it."""
        last = -(1 << 63)
        condition, values = choice.condition()
        columns = ", ".join(_COLUMNS)
        statement = (
            f"SELECT rowid, {columns} FROM answers WHERE rowid > ? AND {condition} ORDER BY rowid LIMIT {_AT_ONCE}"
        )

        def read(connection: sqlite3.Connection) -> list[tuple[Any, ...]]:
            return connection.execute(statement, (last, *values)).fetchall()

        while self.exists():
            rows = self._working(read)
            for row in rows:
                yield row[0], _kept(row[1:])
            if len(rows) < _AT_ONCE:
                return
            last = rows[-1][0]

    def _working(self, work: Callable[[sqlite3.Connection], T]) -> T:
        """Does something with the opened file; where that turns out not to be usable, with a new one.

        Other processes may set the same file aside at the same moment: then it is tried again.
        """
        renamed = False
        for left in reversed(range(_TRIES)):
            try:
                with self._lock:
                    return work(self._opened())
            except _NotUsable as fault:
                why, words = fault.why, str(fault)
            except sqlite3.Error as error:
                if _code(error) not in (sqlite3.SQLITE_CORRUPT, sqlite3.SQLITE_NOTADB):
                    raise StoreError(f"The store of answers, {self.path}, {_reason(error)}.") from error
                why, words = _DAMAGED, "is damaged"
            except OSError as error:
                if left and isinstance(error, FileNotFoundError):
                    continue
                raise StoreError(f"The store of answers, {self.path}, cannot be used: {error.strerror}.") from error
            if not self._ours:
                raise StoreError(f"{self.path} is no store of answers. It was not changed; name another file.")
            if renamed or not left:
                raise StoreError(f"The store of answers, {self.path}, {words}.")
            with self._lock:
                renamed = self._rename(why, words)
        raise AssertionError("every try ends above")

    def _opened(self) -> sqlite3.Connection:
        if self._connection is not None:
            return self._connection
        self.path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        with _held(self.path.parent):
            if self.exists() and not stat.S_ISREG(os.stat(self.path).st_mode):
                raise StoreError(f"The store of answers, {self.path}, is not a regular file. Name another one.")
            self._ours = self._is_ours()
            # What is asked and where it was found is nobody else's business.
            os.close(os.open(self.path, os.O_RDONLY | os.O_CREAT, 0o600))
            self._file = self._identity()
            connection = sqlite3.connect(
                self.path, timeout=BUSY_SECONDS, isolation_level=None, check_same_thread=False, cached_statements=16
            )
            try:
                connection.text_factory = _text
                connection.setlimit(sqlite3.SQLITE_LIMIT_LENGTH, _LONGEST)
                self._check(connection)
            except BaseException:
                connection.close()
                raise
        self._connection = connection
        return connection

    def _is_ours(self) -> bool:
        """Whether a file's header says that it is a store. StoreError for one that is no SQLite file at all."""
        try:
            with open(self.path, "rb") as file:
                header = file.read(100)
        except FileNotFoundError:
            return True
        unfinished = os.path.exists(f"{self.path}-journal")  # SQLite completes what a process was killed in
        if header and not header.startswith(_MAGIC) and not unfinished:
            raise StoreError(
                f"{self.path} is no store of answers. It was not changed; move it away, or name another file."
            )
        return not header or unfinished or header[68:72] == APPLICATION_ID.to_bytes(4, "big")

    def _check(self, connection: sqlite3.Connection) -> None:
        """Makes an empty file a store; raises where it is neither that nor a store as this version writes it."""
        connection.execute("PRAGMA trusted_schema = OFF")
        connection.execute("PRAGMA cell_size_check = ON")
        with _transaction(connection, writes=False):
            application = _number(connection, "application_id")
            version = _number(connection, "user_version")
            schema = set(connection.execute("SELECT type, name, tbl_name, sql FROM sqlite_master LIMIT 10"))
            whole = _number(connection, "page_count") * _number(connection, "page_size")
            cut_off = os.stat(self.path).st_size != whole
        if application != APPLICATION_ID and schema:
            raise StoreError(f"{self.path} is a database of another program. It was not changed; name another file.")
        if application == APPLICATION_ID and version > SCHEMA_VERSION:
            raise _NotUsable(
                _NEWER, f"was written by a newer marlin-edit (its schema is {version}; this one knows {SCHEMA_VERSION})"
            )
        if schema:
            if version != SCHEMA_VERSION or schema != _SCHEMA or cut_off:
                raise _NotUsable(_DAMAGED, "is damaged")
            return
        with _transaction(connection):
            if not connection.execute("SELECT count(*) FROM sqlite_master").fetchone()[0]:
                connection.execute(_TABLE)
                connection.execute(f"PRAGMA application_id = {APPLICATION_ID}")
                connection.execute(f"PRAGMA user_version = {SCHEMA_VERSION}")

    def _rename(self, why: str, words: str) -> bool:
        """Set the file aside, with what SQLite keeps beside it, which must not be taken for a new file's.

        False where another process has done it.
        """
        self.close()
        with _held(self.path.parent):
            if self._identity() != self._file:
                return False
            stamp = time.strftime("%Y%m%d-%H%M%S")
            aside = self.path.with_name(f"{self.path.name}.{why}-{stamp}")
            number = 1
            while os.path.lexists(aside):
                number += 1
                aside = self.path.with_name(f"{self.path.name}.{why}-{stamp}-{number}")
            try:
                os.rename(self.path, aside)
            except FileNotFoundError:
                return False
            except OSError as error:
                raise StoreError(
                    f"The store of answers, {self.path}, {words}, and cannot be set aside: {error.strerror}."
                ) from error
            for ending in ("-journal", "-wal", "-shm"):
                with contextlib.suppress(OSError):
                    os.rename(f"{self.path}{ending}", f"{aside}{ending}")
        self._warn(f"The store of answers, {self.path}, {words}. It is now {aside.name}, and a new one is used.")
        return True

    def _identity(self) -> tuple[int, int] | None:
        try:
            found = os.stat(self.path)
        except OSError:
            return None
        return found.st_dev, found.st_ino


def answers_in(path: Path) -> Iterator[Kept | None]:
    """The answers of another store's file, in the order in which they were kept; None for one that cannot be read.

    The file is only read. Raises StoreError where it is not there, is no store, or is of a newer version.
    """
    if not path.is_file():
        raise StoreError(f"{path} does not exist, or is no file.")
    try:
        connection = sqlite3.connect(f"{path.resolve().as_uri()}?mode=ro", uri=True, timeout=BUSY_SECONDS)
    except sqlite3.Error as error:
        raise StoreError(f"The store of answers, {path}, {_reason(error)}.") from error
    with contextlib.closing(connection):
        try:
            connection.text_factory = _text
            connection.setlimit(sqlite3.SQLITE_LIMIT_LENGTH, _LONGEST)
            connection.execute("PRAGMA trusted_schema = OFF")
            schema = set(connection.execute("SELECT type, name, tbl_name, sql FROM sqlite_master LIMIT 10"))
            version = _number(connection, "user_version")
            if _number(connection, "application_id") != APPLICATION_ID or schema != _SCHEMA:
                raise StoreError(f"{path} is no store of answers.")
            if version > SCHEMA_VERSION:
                raise StoreError(f"{path} was written by a newer marlin-edit. Update this one.")
            for row in connection.execute(f"SELECT {', '.join(_COLUMNS)} FROM answers ORDER BY rowid"):
                yield _kept(row)
        except sqlite3.Error as error:
            raise StoreError(f"The store of answers, {path}, {_reason(error)}.") from error


@contextlib.contextmanager
def _held(directory: Path) -> Iterator[None]:
    """One process at a time opens a store or sets one aside, where the system can lock a directory.

    So what SQLite keeps beside a damaged file is never taken from a new one.
    """
    handle: int | None = None
    with contextlib.suppress(OSError, ImportError):
        import fcntl

        handle = os.open(directory, os.O_RDONLY)
        fcntl.flock(handle, fcntl.LOCK_EX)
    try:
        yield
    finally:
        if handle is not None:
            os.close(handle)


_DAMAGED, _NEWER = "damaged", "newer"


class _NotUsable(Exception):
    """The file has to be set aside: why, in one word for its new name."""

    def __init__(self, why: str, words: str) -> None:
        super().__init__(words)
        self.why = why


@contextlib.contextmanager
def _transaction(connection: sqlite3.Connection, *, writes: bool = True) -> Iterator[None]:
    connection.execute("BEGIN IMMEDIATE" if writes else "BEGIN")
    try:
        yield
        connection.execute("COMMIT")
    except BaseException:
        with contextlib.suppress(sqlite3.Error):
            connection.execute("ROLLBACK")
        raise


def _number(connection: sqlite3.Connection, pragma: str) -> int:
    return int(connection.execute(f"PRAGMA {pragma}").fetchone()[0])


def _code(error: sqlite3.Error) -> int:
    """SQLite's primary result code; errors of Python's own module have none."""
    return int(getattr(error, "sqlite_errorcode", sqlite3.SQLITE_ERROR)) & 0xFF


def _reason(error: sqlite3.Error) -> str:
    reasons = {
        sqlite3.SQLITE_BUSY: "is held by another program",
        sqlite3.SQLITE_LOCKED: "is held by another program",
        sqlite3.SQLITE_READONLY: "cannot be written: no permission",
        sqlite3.SQLITE_PERM: "cannot be opened: no permission",
        sqlite3.SQLITE_CANTOPEN: "cannot be opened or written: no permission, or no such directory",
        sqlite3.SQLITE_FULL: "cannot be written: the disk is full",
        sqlite3.SQLITE_IOERR: "cannot be read or written: the disk is full, or fails",
    }
    return reasons.get(_code(error), f"cannot be used: {error}")


# Rows ----------------------------------------------------------------------------------------------------------------


def _text(content: bytes) -> str | None:
    """None, which no column of ours can be, for what is no text."""
    try:
        return content.decode("utf-8")
    except UnicodeDecodeError:
        return None


def _digest(texts: Sequence[str], stream: int) -> str:
    return hashlib.sha256(json.dumps([stream, *texts]).encode()).hexdigest()


def _checksum(values: Sequence[Any]) -> str:
    plain = [value.hex() if isinstance(value, bytes) else value for value in values]
    return hashlib.blake2b(json.dumps(plain).encode(), digest_size=16).hexdigest()


def _row(kept: Kept) -> tuple[Any, ...] | None:
    """The values of `_COLUMNS`; None for what cannot be kept, such as text that no encoding can hold."""
    answer, key = kept.answer, kept.key
    texts = key.texts()
    try:
        logprobs = struct.pack(f"<{len(answer.token_logprobs)}d", *answer.token_logprobs)
        for text in (*texts, answer.raw, answer.stopped_by):
            text.encode("utf-8")
    except (struct.error, TypeError, AttributeError, UnicodeEncodeError):
        return None
    path = kept.path.encode("utf-8", "replace").decode()
    values = (_digest(texts, key.stream), *texts, key.stream, answer.raw, logprobs, answer.stopped_by, path)
    values = (*values, kept.asked_at)
    return (*values, _checksum(values))


def _kept(row: Sequence[Any]) -> Kept | None:
    """What a row says; None where it is not what we would have written."""
    *values, checksum = row
    digest, *rest = values
    texts, (stream, raw, logprobs, stopped_by, path, asked_at) = rest[: len(_TEXTS)], rest[len(_TEXTS) :]
    if not all(isinstance(text, str) for text in (digest, *texts, raw, stopped_by, path, checksum)):
        return None
    if not isinstance(stream, int) or not isinstance(asked_at, int):
        return None
    if not isinstance(logprobs, bytes) or len(logprobs) % 8:
        return None
    if checksum != _checksum(values) or digest != _digest(texts, stream):
        return None
    media, start, stop, kind, query, name, revision, profile, dtype, prompt, sampling, generation = texts
    numbers = struct.unpack(f"<{len(logprobs) // 8}d", logprobs)
    if any(math.isnan(number) for number in numbers):
        return None
    try:
        span = Span(parse_seconds(start), parse_seconds(stop))
        question = Question(QuestionKind(kind), query)
    except (MarlinEditError, ValueError):
        return None
    model = ModelIdentity(name, revision, profile, dtype)
    key = Key(media, stream, span, question, model, Terms(prompt, sampling, generation))
    return Kept(key, Answer(raw, numbers, stopped_by), path, asked_at)
