"""A run of one command: what is installed, the settings with the flags of the command line, and the console."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from marlin_edit.app import App
from marlin_edit.console import Console
from marlin_edit.settings import Settings
from marlin_edit.timebase import FrameRate

if TYPE_CHECKING:
    from marlin_edit.analysis import Analysis
    from marlin_edit.edit import Cut, Edit
    from marlin_edit.media import MediaInfo


@dataclass
class Run:
    """What a command works with: what is installed, the settings with this command line's flags, and where to speak."""

    app: App
    console: Console

    @property
    def settings(self) -> Settings:
        return self.app.settings

    @property
    def json(self) -> bool:
        return self.console.json


def opened(run: Run, video: Path) -> MediaInfo:
    """The video to work on, with the stream that the settings name; what is worth knowing of it is said."""
    from marlin_edit.media import probe

    media = probe(video, run.settings.optional("stream", int))
    for note in media.notes:
        run.console.receipt(f"{media.path.name}: {note}")
    return media


def edit_made(run: Run, analysis: Analysis, cuts: Sequence[Cut] = (), rate: FrameRate | None = None) -> Edit:
    """The edit of one source, from the record start that the settings name on. rate: where the source has none."""
    from marlin_edit.edit import edit_of

    start = run.settings.value("record_start", str)
    return edit_of(
        analysis, cuts, record_start=analysis.media.start_timecode if start == "source" else start, rate=rate
    )
