"""What is asked of the Resolve process: how an edit is to be delivered."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path


@dataclass(frozen=True)
class Request:
    """How an edit is to be delivered. subtitles: a file to put on a subtitle track of the current timeline."""

    dry_run: bool = False
    on_timeline: bool = False
    timeline_name: str | None = None
    subtitles: Path | None = None
