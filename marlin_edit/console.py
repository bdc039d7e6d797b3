"""What a run reports while it works: progress, warnings and receipts on stderr; stdout is for data.

Text from files and models is shown with its control characters made visible, so that it cannot steer the terminal.
"""

from __future__ import annotations

import io
import logging
import os
import sys
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING, Any, TextIO

from marlin_edit import interruption
from marlin_edit.errors import MarlinEditError

if TYPE_CHECKING:
    from marlin_edit.interfaces import ReportProgress

PROGRAM = "marlin-edit"
NOTICE = logging.INFO + 5
"""The level of a log record that is shown without -v, and is no warning."""
_REDRAW_SECONDS = 0.1
_PLAIN_LINE_SECONDS = 10.0


class Style(StrEnum):
    """How a part of a line looks on a terminal."""

    STRONG = "1"
    GOOD = "32"
    BAD = "33"
    FAINT = "2"


Part = str | tuple[str, Style]
Line = str | tuple[Part, ...]
"""A line to read: its text, or its parts, each with its style."""


@dataclass
class Console:
    """Where a run reports.

    Attributes:
        verbosity: -1 with --quiet, 1 with -v.
        json: Whether stdout takes one JSON document and nothing else.
        answered: Whether that document was written.
        colour: Whether lines are coloured; None asks the environment and the terminal.
    """

    verbosity: int = 0
    json: bool = False
    answered: bool = False
    colour: bool | None = None
    _line: str = field(default="", repr=False)
    _warned: set[str] = field(default_factory=set, repr=False)

    @property
    def out(self) -> TextIO:
        """For data. MarlinEditError if it is closed."""
        if sys.stdout is None:
            raise MarlinEditError("stdout is closed, so the answer has nowhere to go. Write it to a file with -o.")
        return sys.stdout

    @property
    def err(self) -> TextIO:
        """For everything else; nowhere, if it is closed."""
        return sys.stderr if sys.stderr is not None else io.StringIO()

    def error(self, message: str) -> None:
        """What ends the run."""
        self._say(f"{PROGRAM}: error: {message}")

    def warning(self, message: str) -> None:
        """What the person should look at. Shown with --quiet as well."""
        self._say(f"{PROGRAM}: warning: {message}")

    def warning_once(self, message: str) -> None:
        """A warning that is shown once per run."""
        if message not in self._warned:
            self._warned.add(message)
            self.warning(message)

    def receipt(self, message: str) -> None:
        """What was done: `wrote list.edl`. Not shown with --quiet."""
        if self.verbosity >= 0:
            self._say(message)

    def detail(self, message: str) -> None:
        """What only -v shows."""
        if self.verbosity > 0:
            self._say(message)

    def data(self, content: str | bytes | Path) -> None:
        """The run's data, to stdout: text as UTF-8, bytes, or a file's content, as they are."""
        self._clear()
        if isinstance(content, Path):
            content = content.read_bytes()
        elif isinstance(content, str):
            content = content.encode("utf-8", "replace")
        try:
            self.out.flush()
            binary = getattr(self.out, "buffer", None)
            if binary is None:
                self.out.write(content.decode("utf-8", "replace"))
            else:
                rest = memoryview(content)
                while rest:  # unbuffered, one write may take only a part
                    rest = rest[binary.write(rest) :]
                binary.flush()
        except BrokenPipeError:
            raise
        except OSError as error:
            leave_stdout()
            raise MarlinEditError(f"The answer cannot be written to stdout: {error.strerror}.") from error

    def lines(self, *lines: Line) -> None:
        """Lines for a person to read, to stdout."""
        self.data("".join(f"{self._painted(line, self.out)}\n" for line in lines))

    def receipts(self, *lines: Line) -> None:
        """Lines for a person to read, to stderr; not with --quiet."""
        if self.verbosity >= 0:
            self._clear()
            print(*(self._painted(line, self.err) for line in lines), sep="\n", file=self.err, flush=True)

    def width(self, stream: TextIO) -> int | None:
        """How many columns the terminal has that a stream is shown on; None where it is none."""
        import shutil

        return shutil.get_terminal_size().columns if stream.isatty() else None

    def _painted(self, line: Line, stream: TextIO) -> str:
        parts = (line,) if isinstance(line, str) else line
        colour = self.colour if self.colour is not None else _has_colour(stream)
        return "".join(
            _shown(part)
            if isinstance(part, str)
            else f"\x1b[{part[1].value}m{_shown(part[0])}\x1b[0m"
            if colour and part[0]
            else _shown(part[0])
            for part in parts
        )

    def heading(self, line: str) -> None:
        """The name of what the next lines are about, to stdout; not with --json or --quiet."""
        if not self.json and self.verbosity >= 0:
            self.lines("", f"{line}:")

    def table(self, header: tuple[str, ...], rows: list[tuple[str, ...]]) -> None:
        """Rows in columns, to stdout; the last column may be of any width."""
        self.lines(*in_columns([header, *rows]))

    def answer(self, document: Mapping[str, Any]) -> None:
        """The one JSON document of a `--json` run. Paths and fractions are written as their text."""
        if not self.answered:
            import json

            self.answered = True
            self.data(json.dumps(document, ensure_ascii=False, indent=2, default=str) + "\n")

    @contextmanager
    def progress(self, label: str, total: float) -> Iterator[Progress]:
        """Progress of a task of `total` steps, seconds of media or bytes: call `reached` as it goes on."""
        progress = Progress(self, label, total)
        try:
            yield progress
        finally:
            self._clear()

    @contextmanager
    def reporting(self, label: str) -> Iterator[ReportProgress]:
        """Progress of a task whose total is not known before, for `Context.progress`."""
        with self.progress(label, 0) as progress:

            def shown(done: float, total: float, detail: str = "") -> None:
                progress.reached(done, detail, total=total)

            yield shown

    def listening(self) -> logging.Handler:
        """A handler for the package's log: its warnings are shown, the rest only with -v."""
        return _LogToConsole(self)

    def _say(self, message: str) -> None:
        self._clear()
        print(_shown(message), file=self.err, flush=True)

    def _draw(self, line: str) -> None:
        """Show a line that the next one replaces."""
        self.err.write("\r" + line + " " * (len(self._line) - len(line)))
        self.err.flush()
        self._line = line

    def _clear(self) -> None:
        if self._line:
            self.err.write("\r" + " " * len(self._line) + "\r")
            self.err.flush()
            self._line = ""


def leave_stdout() -> None:
    """What is left in the buffer must not fail again when Python ends."""
    with suppress(OSError, ValueError, AttributeError):
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())


class _LogToConsole(logging.Handler):
    def __init__(self, console: Console) -> None:
        super().__init__()
        self._console = console

    def emit(self, record: logging.LogRecord) -> None:
        notice = self._console.receipt if record.levelno >= NOTICE else self._console.detail
        say = self._console.warning if record.levelno >= logging.WARNING else notice
        say(record.getMessage())


class Progress:
    """How far a task is. On a terminal one line that is drawn again, elsewhere a plain line every ten seconds."""

    def __init__(self, console: Console, label: str, total: float) -> None:
        self._console = console
        self._label = label
        self._total = total
        self._started = time.monotonic()
        self._terminal = console.err.isatty()
        self._last = float("-inf") if self._terminal else self._started

    def reached(self, done: float, detail: str = "", *, total: float | None = None) -> None:
        """Show that `done` of the total is done.

        Args:
            done: In the unit of the total.
            detail: What is being worked on.
            total: The total, if it was not known before.
        """
        interruption.check()
        self._total = self._total if total is None else total
        now = time.monotonic()
        if self._console.verbosity < 0 or now - self._last < (
            _REDRAW_SECONDS if self._terminal else _PLAIN_LINE_SECONDS
        ):
            return
        self._last = now
        parts = [self._label, f"{100 * done / self._total:.0f} %" if self._total > 0 else "", detail]
        if 0 < done < self._total:
            parts.append(f"{time_left((now - self._started) * (self._total - done) / done)} left")
        line = ", ".join(part for part in parts if part)
        if self._terminal:
            import shutil

            self._console._draw(_shown(line)[: shutil.get_terminal_size().columns - 1])
        else:
            self._console._say(line)


def time_left(seconds: float) -> str:
    """A length of time as people say it: `12 s`, `3 min`, `1 h 05 min`."""
    if seconds < 90:
        return f"{seconds:.0f} s"
    minutes = round(seconds / 60)
    return f"{minutes} min" if minutes < 60 else f"{minutes // 60} h {minutes % 60:02} min"


def in_columns(rows: Sequence[Sequence[str]], *, indent: int = 0, width: int | None = None) -> list[str]:
    """Rows as lines with their cells below one another.

    Args:
        rows: As many cells each.
        indent: Blanks before each line.
        width: The columns of the terminal, into which the last cell is folded; None leaves it on its line.
    """
    shown = [[_shown(cell) for cell in row] for row in rows]
    widths = [max(_width(cell) for cell in column) for column in zip(*(row[:-1] for row in shown), strict=True)]
    before = indent + sum(widths) + 2 * len(widths)
    lines = []
    for *cells, last in shown:
        padded = (cell + " " * (wide - _width(cell) + 2) for cell, wide in zip(cells, widths, strict=True))
        first = " " * indent + "".join(padded)
        if width is None:
            folded, margin = [last], 0
        elif width - before >= _LEAST_ROOM:
            folded, margin = _folded(last, width - before), before
        else:
            folded, margin = ["", *_folded(last, max(_LEAST_ROOM, width - indent - 2))], indent + 2
        lines += [first + folded[0], *(" " * margin + text for text in folded[1:])]
    return [line.rstrip() for line in lines if line.strip()]


_LEAST_ROOM = 16


def _folded(text: str, room: int) -> list[str]:
    """A text in lines of at most so many columns, broken between words."""
    lines = [""]
    for word in text.split():
        longer = f"{lines[-1]} {word}".lstrip()
        if lines[-1] and _width(longer) > room:
            lines.append(word)
        else:
            lines[-1] = longer
    return lines


def _width(text: str) -> int:
    """How many columns of a terminal a text takes."""
    if text.isascii():
        return len(text)
    from wcwidth import wcswidth

    return max(0, wcswidth(text))


def _has_colour(stream: TextIO) -> bool:
    """Whether a stream is a terminal that shows colours, or the person says so (NO_COLOR, FORCE_COLOR)."""
    if os.environ.get("NO_COLOR"):
        return False
    return bool(os.environ.get("FORCE_COLOR")) or (stream.isatty() and os.environ.get("TERM") != "dumb")


def _shown(text: str) -> str:
    return "".join(
        character if character.isprintable() or character in "\n\t" else character.encode("unicode_escape").decode()
        for character in text.encode("utf-8", "backslashreplace").decode()
    )
