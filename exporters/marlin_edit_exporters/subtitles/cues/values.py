"""The values of a track: cues in whole milliseconds, the finest that subtitle files hold."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import NamedTuple

from marlin_edit.analysis import TextRun
from marlin_edit.text import counted
from marlin_edit_exporters.subtitles.cues.looks import Runs
from marlin_edit_exporters.subtitles.cues.width import is_wide


class Cue(NamedTuple):
    """One timed text, in milliseconds from zero; `end` is not in it. (A named tuple, since there may be very many.)

    dressed: the runs of each line, if any of it has a look of its own. place: as on a number pad; 0 is the usual one.
    extended: the player has to stop while it is spoken.
    """

    start: int
    end: int
    lines: tuple[str, ...]
    dressed: tuple[Runs, ...] = ()
    place: int = 0
    extended: bool = False

    @property
    def runs(self) -> tuple[Runs, ...]:
        """The runs of each line, plain ones too."""
        return self.dressed or tuple((TextRun(line),) for line in self.lines)

    @property
    def text(self) -> str:
        """The lines as one."""
        return joined(self.lines)

    @property
    def length(self) -> int:
        """Milliseconds."""
        return self.end - self.start


@dataclass(frozen=True)
class Track:
    """The cues of one source in order, and notes on everything that differs from its events.

    kind: one of the settings' KINDS, but not `auto`. language: BCP 47, `und` where it is not known. profile: the rules
    that it was made by. converted: the cues are those of a subtitle file, as somebody made them.
    """

    cues: tuple[Cue, ...]
    notes: tuple[str, ...]
    kind: str
    language: str
    profile: str
    converted: bool = False


def joined(lines: Sequence[str]) -> str:
    """Lines as one: with a blank between them, but not where both sides are written without blanks."""
    text = ""
    for line in lines:
        blank = text and line and not (is_wide(text[-1]) and is_wide(line[0]))
        text += f" {line}" if blank else line
    return text


def notes_on_lost(cues: Iterable[Cue], format_name: str) -> tuple[str, ...]:
    """What of the cues a format without any looks and places leaves out."""
    styled = sum(bool(cue.dressed) or bool(cue.place) for cue in cues)
    if not styled:
        return ()
    return (f"styles, colours, speakers and places of {counted(styled, 'cue')} left out: {format_name} has none",)
