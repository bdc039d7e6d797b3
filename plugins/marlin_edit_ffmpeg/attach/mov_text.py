"""3GPP timed text (`mov_text`), the subtitles of MP4 and QuickTime: samples that follow one another and never overlap.

Cues that overlap become pieces that show the text of both. Styles and colours are `styl` boxes (3GPP TS 26.245, 5.17);
places and speakers have none.
"""

from __future__ import annotations

import struct
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import pairwise

from marlin_edit.analysis import Look, TextRun
from marlin_edit.errors import MarlinEditError

LONGEST = 0xFFFF
"""Bytes of text that a sample holds."""

_FONT_ID, _FONT_SIZE = 1, 16
_BOLD, _ITALIC, _UNDERLINE = 1, 2, 4
_WHITE = "#ffffff"

HEADER = f"""[Script Info]
ScriptType: v4.00+
PlayResX: 384
PlayResY: 288

[V4+ Styles]
Format: Name, Fontname, Fontsize, PrimaryColour, SecondaryColour, OutlineColour, BackColour, Bold, Italic, Underline, \
StrikeOut, ScaleX, ScaleY, Spacing, Angle, BorderStyle, Outline, Shadow, Alignment, MarginL, MarginR, MarginV, Encoding
Style: Default,Arial,{_FONT_SIZE},&Hffffff,&Hffffff,&H0,&H0,0,0,0,0,100,100,0,0,1,1,0,2,10,10,10,0

[Events]
Format: Layer, Start, End, Style, Name, MarginL, MarginR, MarginV, Effect, Text
""".encode()
"""The ASS header that FFmpeg makes the description of the track's samples of: white letters at the bottom."""


@dataclass(frozen=True)
class Piece:
    """Text in parts of one look that is shown from `start` to `end`, in milliseconds."""

    start: int
    end: int
    runs: tuple[TextRun, ...]

    @property
    def text(self) -> str:
        """The text alone."""
        return "".join(run.text for run in self.runs)


def pieces_of(cues: Sequence[Piece]) -> list[Piece]:
    """Cues of any order and overlap as pieces in order, each with the text of all cues that are shown in it.

    Cues that are shown together stand under one another, the one that began first at the top.
    """
    ordered = sorted(cues, key=lambda cue: (cue.start, cue.end))
    times = sorted({time for cue in cues for time in (cue.start, cue.end)})
    pieces: list[Piece] = []
    shown: list[Piece] = []
    place = 0
    for start, end in pairwise(times):
        shown = [cue for cue in shown if cue.end > start]
        while place < len(ordered) and ordered[place].start <= start:
            shown.append(ordered[place])
            place += 1
        if shown:
            pieces.append(Piece(start, end, tuple(_stacked(shown))))
    return pieces


def _stacked(cues: Sequence[Piece]) -> Iterator[TextRun]:
    for number, cue in enumerate(cues):
        if number:
            yield TextRun("\n")
        yield from cue.runs


def sample_of(piece: Piece) -> bytes:
    """The sample of a piece: its text with the length before it, and its looks behind it.

    Raises:
        MarlinEditError: There is more text at once than a sample holds.
    """
    text = piece.text.encode()
    if len(text) > LONGEST:
        raise MarlinEditError(
            f"{len(text)} bytes of text are shown at once at {piece.start / 1000:.3f} s, and MP4 and QuickTime hold "
            f"{LONGEST}. Choose .mkv."
        )
    return struct.pack(">H", len(text)) + text + _styles(piece.runs)


def _styles(runs: Sequence[TextRun]) -> bytes:
    """The `styl` box of a text, or nothing if all of it is plain. Its places count characters."""
    records = []
    place = 0
    for run in runs:
        stop = place + len(run.text)
        face = _face(run.look)
        if run.text and (face or run.look.colour):
            colour = bytes.fromhex((run.look.colour or _WHITE)[1:]) + b"\xff"
            records.append(struct.pack(">HHHBB", place, stop, _FONT_ID, face, _FONT_SIZE) + colour)
        place = stop
    if not records:
        return b""
    content = struct.pack(">H", len(records)) + b"".join(records)
    return struct.pack(">I", 8 + len(content)) + b"styl" + content


def _face(look: Look) -> int:
    return _BOLD * look.bold + _ITALIC * look.italic + _UNDERLINE * look.underline
