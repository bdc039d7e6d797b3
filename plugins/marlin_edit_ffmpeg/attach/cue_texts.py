"""Reads a subtitle file for attaching: its cues through the registry, and each cue's text as it is to be written.

The text of a .srt or .vtt file is taken as it stands there, with its markup, if the reader found as many cues in it.
Otherwise, and for other formats, the registry writes the cues as SubRip or WebVTT first.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from fractions import Fraction
from pathlib import Path

from marlin_edit.analysis import Analysis
from marlin_edit.app import App
from marlin_edit.edit import Edit
from marlin_edit.errors import MarlinEditError, UsageError
from marlin_edit.files import read_bytes
from marlin_edit.media import MediaInfo
from marlin_edit.timebase import FrameRate, milliseconds_of

_NOMINAL_RATE = FrameRate(Fraction(25))
_TIME_INSIDE = re.compile(r"<(?:\d+:)?\d\d:\d\d\.\d{3}>")
_TIMING = re.compile(r"\s*-?[\d:.,]+\s*-[ -] *>\s*-?[\d:.,]+")
_NOTE = re.compile(r"NOTE([ \t]|$)")


@dataclass(frozen=True)
class SubtitleFile:
    """A subtitle file. format: the name of its exporter. text: its content, or nothing if that is not UTF-8."""

    path: Path
    format: str
    analysis: Analysis
    text: str

    @property
    def spans(self) -> list[tuple[int, int]]:
        """When each cue begins and ends, in milliseconds, in the order of the file."""
        spans = [event.span for event in self.analysis.events]
        return [
            (milliseconds_of(span.start), max(milliseconds_of(span.start) + 1, milliseconds_of(span.end)))
            for span in spans
        ]


@dataclass(frozen=True)
class TimedText:
    """A cue as its format writes it, in milliseconds. name, settings, comments: of WebVTT."""

    start: int
    end: int
    text: str
    name: str = ""
    settings: str = ""
    comments: str = ""


@dataclass(frozen=True)
class Texts:
    """All cues in order of time. head: what stands before the first one. notes: what was changed on the way."""

    cues: tuple[TimedText, ...]
    head: str = ""
    notes: tuple[str, ...] = ()


def read_subtitles(app: App, path: Path, rate: FrameRate | None, encoding: str | None) -> SubtitleFile:
    """A subtitle file with its cues. rate: of the video, for formats that count its frames.

    Raises:
        MarlinEditError: It is no subtitle file, is damaged, or has no cue.
    """
    exporter = app.exporter_for(path)
    if exporter.read is None or exporter.needs_media:
        raise UsageError(
            f"{path.name}: {exporter.name} files are no subtitles. `marlin-edit export` makes some of an analysis."
        )
    content = read_bytes(path, encoding)
    try:
        with app.calling(exporter):
            analysis = exporter.read(content, MediaInfo(Path(path.stem), Fraction(0), rate))
    except MarlinEditError as error:
        if path.name in str(error):
            raise
        raise type(error)(f"{path.name}: {error}") from error
    assert isinstance(analysis, Analysis)
    if not analysis.events:
        raise MarlinEditError(f"{path.name} has no cue that can be shown, so there is nothing to attach.")
    try:
        text = re.sub(r"\r\n?", "\n", content.decode("utf-8-sig"))
    except UnicodeDecodeError:
        text = ""
    return SubtitleFile(path, exporter.name, analysis, text)


def texts_as(app: App, file: SubtitleFile, format_name: str) -> Texts:
    """The cues as `srt` or `vtt`."""
    split = {"srt": _subrip, "vtt": _webvtt}[format_name]
    if file.format == format_name and not _TIME_INSIDE.search(file.text):
        head, own = split(file.text)
        if len(own) == len(file.spans):
            return _timed(own, file.spans, head)
    text, notes = rendered(app, file.analysis, format_name)
    events = sorted(file.spans)  # the order in which the registry writes them
    head, own = split(text)
    if len(own) != len(events):
        raise MarlinEditError(
            f"{file.path.name}: {len(own)} of its {len(events)} cues could be written as {format_name}."
        )
    return _timed(own, events, head, notes)


def rendered(app: App, analysis: Analysis, format_name: str) -> tuple[str, tuple[str, ...]]:
    """The cues in another format, and notes on what reading and writing changed."""
    exporter = app.exporter_for(None, format_name)
    edit = Edit(analysis.media.path.stem, analysis.media.rate or _NOMINAL_RATE, 0, (analysis,))
    with app.calling(exporter), app.context() as context:
        result = exporter.render(edit, context)
    assert isinstance(result.content, str)
    return result.content, (*analysis.media.notes, *result.notes)


def _timed(own: Sequence[TimedText], spans: Sequence[tuple[int, int]], head: str, notes: tuple[str, ...] = ()) -> Texts:
    cues = [replace(cue, start=start, end=end) for cue, (start, end) in zip(own, spans, strict=True)]
    return Texts(tuple(sorted(cues, key=lambda cue: (cue.start, cue.end))), head, notes)


def _subrip(text: str) -> tuple[str, list[TimedText]]:
    """The texts of a SubRip file, without times; cues without text are left out, as its reader does."""
    lines = text.split("\n")
    starts = [place for place, line in enumerate(lines) if _TIMING.match(line)]
    found = []
    for place, following in zip(starts, [*starts[1:], len(lines) + 1], strict=True):
        body = lines[place + 1 : following]
        if following <= len(lines) and body and body[-1].strip().isdecimal():
            body = body[:-1]
        kept = [line for line in body if line.strip()]
        if kept:
            found.append(TimedText(0, 0, "\n".join(kept)))
    return "", found


def _webvtt(text: str) -> tuple[str, list[TimedText]]:
    """What stands before the first cue of a WebVTT file, and the cues, without times. Comments are the next cue's."""
    head: list[str] = []
    found: list[TimedText] = []
    comments: list[str] = []
    for block in _blocks(text):
        timing = next((place for place, line in enumerate(block[:2]) if "-->" in line), None)
        if timing is None:
            if not found and not comments:
                head.append("\n".join(block))
            elif _NOTE.match(block[0]):
                comments.append("\n".join(block))
            continue
        name = block[0] if timing else ""
        settings = block[timing].partition("-->")[2].split(maxsplit=1)[1:]
        body = "\n".join(block[timing + 1 :])
        if "-->" in body:
            return "", []  # two cues without an empty line between them: not to be taken as it stands
        if body.strip():
            found.append(TimedText(0, 0, body, name, "".join(settings).strip(), "\n\n".join(comments)))
            comments = []
    return "\n\n".join(head), found


def _blocks(text: str) -> Iterator[list[str]]:
    """The blocks of lines that empty lines divide."""
    block: list[str] = []
    for line in [*text.split("\n"), ""]:
        if line:
            block.append(line)
        elif block:
            yield block
            block = []
