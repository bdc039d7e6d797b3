"""A run of one command: what is installed, the settings with the flags of the command line, the console; requests."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from marlin_edit.app import App
from marlin_edit.console import Console
from marlin_edit.settings import Settings
from marlin_edit.timebase import FrameRate, OutPoint, Position

if TYPE_CHECKING:
    from marlin_edit.media import MediaInfo


@dataclass
class Run:
    """What a command works with.

    Attributes:
        app: What is installed, with the settings of this command line.
        console: Where the command reports.
    """

    app: App
    console: Console

    @property
    def settings(self) -> Settings:
        """The settings, with the flags of this command line."""
        return self.app.settings

    @property
    def json(self) -> bool:
        """Whether stdout takes one JSON document and nothing else."""
        return self.console.json


@dataclass(frozen=True)
class Request:
    """What a command line asks for: which videos, where to look in them, and what to write.

    Attributes:
        videos: Files and directories, as they were typed.
        recursive: Whether directories are searched with all that is in them.
        outputs: The files to write; None stands for stdout.
        format_name: The format of the output, whatever its suffix.
        delivery_names: The deliveries that are named.
        look_in: The part of each video to look at, or None for all of it.
        dry_run: Whether to report what would be written, and write nothing.
        shard: Which part of the videos is meant and of how many, (2, 8) for the second of eight; None for all.
    """

    videos: tuple[Path, ...]
    recursive: bool = False
    outputs: tuple[Path | None, ...] = ()
    format_name: str | None = None
    delivery_names: tuple[str, ...] = ()
    look_in: tuple[Position, OutPoint] | None = None
    dry_run: bool = False
    shard: tuple[int, int] | None = None


def probe_media(run: Run, video: Path) -> MediaInfo:
    """Probe the video to work on, with the stream that the settings name, and report what is worth knowing of it."""
    from marlin_edit.media import probe

    media = probe(video, run.settings.optional("stream", int))
    for note in media.notes:
        run.console.receipt(f"{media.path.name}: {note}")
    return media


def programme_start(run: Run, media: MediaInfo, rate: FrameRate | None = None) -> tuple[FrameRate, int]:
    """The frame rate and the first frame number of an edit of this media, from the record start that the settings name.

    Args:
        rate: Used if the media has none.

    Raises:
        MarlinEditError: Neither has one, or the record start is no time code at that rate.
    """
    from marlin_edit.edit import record_start_frame

    start = run.settings.value("record_start", str)
    return record_start_frame(media, media.start_timecode if start == "source" else start, rate)
