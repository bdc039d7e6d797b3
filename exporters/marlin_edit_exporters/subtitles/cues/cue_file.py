"""What the readers of subtitle formats share: text out of bytes, times, and from cues to an analysis.

Files of any origin are read, so nothing is taken for granted: what is wrong is kept, and reported with its line.
"""

from __future__ import annotations

import codecs
import re
from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from fractions import Fraction
from pathlib import Path

from marlin_edit.analysis import Analysis, Event
from marlin_edit.errors import MarlinEditError
from marlin_edit.media import MediaInfo
from marlin_edit.text import clean
from marlin_edit.timebase import Span
from marlin_edit_exporters.subtitles.cues import EXTENDED, READY
from marlin_edit_exporters.subtitles.cues.looks import Runs, dressed, whole

_MARKS = (
    (codecs.BOM_UTF8, "utf-8-sig"),
    (codecs.BOM_UTF32_LE, "utf-32"),
    (codecs.BOM_UTF32_BE, "utf-32"),
    (codecs.BOM_UTF16_LE, "utf-16"),
    (codecs.BOM_UTF16_BE, "utf-16"),
)


_LEGACY = (
    "cp1252", "cp1250", "cp1251", "cp1253", "cp1254", "cp1255", "cp1256", "cp1257", "cp1258", "cp932", "cp949",
    "gb18030", "big5",
)  # fmt: skip


@dataclass(frozen=True)
class RawCue:
    """A cue as a file has it, in milliseconds; None for a time that cannot be read. line: where it is in the file.

    The lines are text: the format's markup is undone. runs: the same text with its looks, if it has any. place: where
    on the picture it stands, as on a number pad; 0 is the usual place. extended: the player has to stop while it is
    spoken.
    """

    start: int | None
    end: int | None
    lines: tuple[str, ...]
    line: int
    runs: Runs = ()
    place: int = 0
    extended: bool = False


@dataclass
class CueFile:
    """A subtitle file as it is, faults and all.

    faults: line and sentence of what is wrong with the format itself. outside: texts that belong to no cue, such as
    notes. formatted: cues that have formatting of a kind that is not kept. resolution: the milliseconds that the
    format's times are rounded to. notes: what a person should know.
    """

    format: str
    cues: list[RawCue] = field(default_factory=list)
    faults: list[tuple[int, str]] = field(default_factory=list)
    outside: list[str] = field(default_factory=list)
    notes: tuple[str, ...] = ()
    formatted: int = 0
    resolution: int = 1
    kind: str | None = None
    language: str | None = None


def decoded(content: bytes) -> tuple[str, tuple[str, ...]]:
    """A file's text with plain line ends, and a note where its encoding is not UTF-8 and had to be guessed."""
    text, notes = _decoded(content)
    return re.sub(r"\r\n?", "\n", text.removeprefix("\ufeff")), notes


def _decoded(content: bytes) -> tuple[str, tuple[str, ...]]:
    for mark, encoding in _MARKS:
        if content.startswith(mark):
            try:
                return content.decode(encoding), ()
            except UnicodeDecodeError as error:
                raise MarlinEditError(f"The file says that it is {encoding.upper()} and is not.") from error
    # Plain letters in UTF-16 have a zero in every second byte.
    for encoding, zeros in (("utf-16-le", content[1:2000:2]), ("utf-16-be", content[0:2000:2])):
        if len(content) >= 8 and zeros.count(0) > len(zeros) * 0.6:
            try:
                return content.decode(encoding), (f"read as {encoding.upper()}, which the file does not state",)
            except UnicodeDecodeError:
                break
    if content.count(0) > max(8, len(content) // 20):
        raise MarlinEditError("This is not a text file.")
    try:
        return content.decode("utf-8"), ()
    except UnicodeDecodeError:
        pass
    import charset_normalizer

    matches = charset_normalizer.from_bytes(content, cp_isolation=list(_LEGACY))
    best = matches.best()
    # Western Europe's is by far the most common: another one has to be clearly better.
    western = next((one for one in matches if one.encoding == "cp1252"), None)
    if best is None or (
        western is not None and western.chaos <= best.chaos + 0.1 and best.encoding.startswith("cp125")
    ):
        best = western
    encoding = best.encoding if best is not None else "cp1252"
    note = (
        f"the encoding is not UTF-8; read as {encoding}, which is a guess: look at accents and quotation marks, and "
        "where they are wrong, name the right one with --encoding"
    )
    return content.decode(encoding, "replace"), (note,)


def milliseconds(text: str) -> int | None:
    """A clock time, `[H:]MM:SS.mmm` with a point or a comma, in milliseconds; None where it is none."""
    match = re.fullmatch(r"(-?)(?:(\d{1,9}):)?(\d{1,9}):(\d{1,9})(?:[.,:](\d{1,9}))?", text.strip())
    if match is None:
        return None
    whole = (int(match[2] or 0) * 60 + int(match[3])) * 60 + int(match[4])
    nanoseconds = int((match[5] or "0").ljust(9, "0"))
    value = whole * 1000 + (nanoseconds + 500_000) // 1_000_000
    return -value if match[1] else value


def analysis_of(file: CueFile, media: MediaInfo | None) -> Analysis:
    """The cues as events that keep their lines and times; what cannot be an event is in `unread` with its reason.

    Raises MarlinEditError where there is nothing at all that this format knows.
    """
    if file.faults and not file.cues:
        line, fault = file.faults[0]
        raise MarlinEditError(f"line {line}: {fault}. Is it really a {file.format} file?")
    events = []
    discarded = []
    for number, cue in enumerate(file.cues, 1):
        lines = tuple(filter(None, map(clean, cue.lines)))
        text = "\n".join(lines)
        where = f"cue {number} (line {cue.line})"
        if not text:
            discarded.append(f"{where} has no text")
        elif cue.start is None or cue.end is None:
            discarded.append(f"{where} has no times that can be read: {text}")
        elif not 0 <= cue.start < cue.end:
            discarded.append(f"{where} does not end after it begins: {text}")
        else:
            span = Span(Fraction(cue.start, 1000), Fraction(cue.end, 1000))
            runs = whole(dressed(lines, cue.runs))
            flags = (READY, EXTENDED) if cue.extended else (READY,)
            events.append(Event(span, text, flags, runs=runs, place=cue.place))
    last = max((event.span.end for event in events), default=Fraction(0))
    media = media or MediaInfo(Path("subtitles"), Fraction(0))
    if not media.duration:
        media = replace(media, duration=last)
    notes: Sequence[str] = file.notes
    if file.formatted:
        word = "cue has" if file.formatted == 1 else "cues have"
        notes = (*notes, f"{file.formatted} {word} formatting that is not kept (fonts, sizes, exact places, effects)")
    if file.outside:
        word = "text" if len(file.outside) == 1 else "texts"
        notes = (*notes, f"{len(file.outside)} {word} outside the cues (notes, comments, styles), not kept")
    return Analysis(replace(media, notes=(*media.notes, *notes)), events=tuple(events), discarded=tuple(discarded))
