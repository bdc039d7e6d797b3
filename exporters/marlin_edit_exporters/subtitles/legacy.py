"""Subtitle formats that are read and not written: SSA, MicroDVD, MPL2, TMPlayer and SAMI, through pysubs2."""

from __future__ import annotations

import re

from marlin_edit.analysis import Analysis
from marlin_edit.edit import Edit
from marlin_edit.errors import MarlinEditError, UsageError
from marlin_edit.interfaces import Context, Rendered
from marlin_edit.media import MediaInfo
from marlin_edit_exporters.subtitles import ass
from marlin_edit_exporters.subtitles.cues.cue_file import CueFile, RawCue, analysis_of, decoded
from marlin_edit_exporters.subtitles.cues.looks import lines_of

_KNOWN_BY = (
    ("ssa", re.compile(r"^\s*\[Script Info\]", re.IGNORECASE)),
    ("sami", re.compile(r"^\s*<sami", re.IGNORECASE)),
    ("microdvd", re.compile(r"^\s*\{\d+\}\{\d*\}")),
    ("mpl2", re.compile(r"^\s*\[\d+\]\[\d*\]")),
    ("tmp", re.compile(r"^\s*\d{1,2}:\d\d:\d\d[:=]")),
)
_RESOLUTIONS = {"mpl2": 100, "tmp": 1000}


def render(edit: Edit, context: Context) -> Rendered:
    """These formats are read only."""
    raise UsageError("This subtitle format can be read, but not written. Write .srt, .vtt, .ttml or .ass.")


def read(content: bytes, media: MediaInfo | None) -> Analysis:
    """The cues of a file as events."""
    return analysis_of(parse(content, media), media)


def parse(content: bytes, media: MediaInfo | None = None) -> CueFile:
    """A file of any of these formats, known by how it begins. MicroDVD counts frames, and needs the media's rate."""
    import pysubs2

    text, notes = decoded(content)
    format_name = next((name for name, begins in _KNOWN_BY if begins.match(text)), None)
    if format_name is None:
        raise MarlinEditError(
            "This is none of the subtitle formats that are read (SSA, MicroDVD, MPL2, TMPlayer, SAMI)."
        )
    if format_name == "ssa":
        return ass.parse(content, "ass" if re.search(r"^\[V4\+ Styles\]", text, re.MULTILINE) else "ssa")
    rate = media.rate if media is not None else None
    try:
        subtitles = pysubs2.SSAFile.from_string(
            text, format_=format_name, fps=float(rate.value) if rate is not None else None
        )
    except pysubs2.UnknownFPSError as error:
        raise MarlinEditError("MicroDVD counts frames and does not state the rate. Give it, like --rate 25.") from error
    except Exception as error:  # the library raises all kinds
        raise MarlinEditError(f"This {format_name} file cannot be read: {error}.") from error
    file = CueFile(format_name, notes=notes, resolution=_RESOLUTIONS.get(format_name, 1))
    if format_name == "microdvd":
        file.resolution = round(1000 / float(rate.value if rate is not None else subtitles.fps or 25))
    if format_name in ("tmp", "sami"):
        file.notes += (f"{format_name} does not state when a text ends; the end is estimated from its length",)
    for number, event in enumerate(subtitles.events, 1):
        runs, where, lost = ass.undone(event.text)
        file.formatted += lost
        lines = lines_of(runs)
        if lines:
            file.cues.append(RawCue(event.start, event.end, lines, number, runs, where))
    return file
