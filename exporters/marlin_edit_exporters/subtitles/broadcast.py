"""Broadcasters' files that are read and not written: CEA-608 captions (`.scc`) and EBU STL (`.stl`), through `ttconv`.

`ttconv` turns them into TTML, which is read like any other, with its colours, styles and places.
"""

from __future__ import annotations

import io
import logging

from marlin_edit.analysis import Analysis
from marlin_edit.edit import Edit
from marlin_edit.errors import MarlinEditError, UsageError
from marlin_edit.interfaces import Context, Rendered
from marlin_edit.media import MediaInfo
from marlin_edit_exporters.subtitles import ttml
from marlin_edit_exporters.subtitles.cues.cue_file import CueFile, analysis_of


def render(edit: Edit, context: Context) -> Rendered:
    """These formats are read only."""
    raise UsageError("SCC and EBU STL can be read, but not written. Write .srt, .vtt, .ttml or .ass.")


def read(content: bytes, media: MediaInfo | None) -> Analysis:
    """The cues of a file as events. Times count from the file's first hour, where it begins at one."""
    return analysis_of(parse(content), media)


def parse(content: bytes) -> CueFile:
    """A file of either format, known by how it begins.

    Raises:
        MarlinEditError: `ttconv` is not installed, or cannot read the file.
    """
    try:
        import ttconv.imsc.writer
        import ttconv.scc.reader
        import ttconv.stl.reader
    except ImportError as error:
        raise MarlinEditError(
            "SCC and EBU STL files are read with ttconv, which is not installed: pip install 'marlin-edit[broadcast]'."
        ) from error
    logging.getLogger("ttconv").setLevel(logging.ERROR)
    try:
        if content.lstrip(b"\xef\xbb\xbf \r\n").startswith(b"Scenarist_SCC"):
            name, model = "scc", ttconv.scc.reader.to_model(content.decode("ascii", "replace"))
        elif content[3:6] == b"STL":
            name, model = "stl", ttconv.stl.reader.to_model(io.BytesIO(content))
        else:
            raise MarlinEditError("This is neither an SCC nor an EBU STL file.")
        document = ttconv.imsc.writer.from_model(model)
    except MarlinEditError:
        raise
    except Exception as error:  # a library that meets damage in many ways
        raise MarlinEditError(f"This file cannot be read: {error or type(error).__name__}.") from error
    text = io.BytesIO()
    document.write(text, encoding="utf-8", xml_declaration=True)
    file = ttml.parse(text.getvalue())
    file.format = name
    file.faults = [fault for fault in file.faults if "xml:lang" not in fault[1]]
    return file
