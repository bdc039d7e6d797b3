"""LosslessCut's project (`.llc`): a segment for each cut, or without cuts for each event and finding.

It lies beside the media. It is plain JSON, which JSON5 includes; LosslessCut itself writes JSON5. Times are seconds: of
the first frame, and of the end of the last.
"""

from __future__ import annotations

import json
from typing import Any

from marlin_edit.conform import file_name, sources_used
from marlin_edit.edit import Edit
from marlin_edit.errors import MarlinEditError
from marlin_edit.interfaces import Context, GivenMarker, GivenMarkers, Rendered
from marlin_edit.json_values import refuse_deep, utf8_text
from marlin_edit.markers import markers_of
from marlin_edit.media import MediaInfo
from marlin_edit.text import clean
from marlin_edit.timebase import FrameRange, parse_seconds


def render(edit: Edit, context: Context) -> Rendered:
    """The segments of the edit's first source; the project format has one."""
    source, *others = sources_used(edit)
    media = source.media
    notes = [f"only {file_name(media)} is in it, because a LosslessCut project has one source"] if others else []
    if edit.cuts:
        cuts = [cut for cut in edit.cuts if cut.source.media.path == media.path]
        segments = [_segment(media, cut.frames, clean(cut.name)) for cut in cuts]
    else:
        markers, left_out = markers_of(source)
        notes += left_out
        segments = [_segment(media, marker.frames, marker.name) for marker in markers]
    if context.path is not None and context.path.absolute().parent != media.path.absolute().parent:
        notes.append(f"LosslessCut looks for {file_name(media)} beside this file")
    project = {"version": 1, "mediaFileName": file_name(media), "cutSegments": segments}
    return Rendered(json.dumps(project, ensure_ascii=False, indent=1) + "\n", tuple(notes))


def _segment(media: MediaInfo, frames: FrameRange, name: str) -> dict[str, Any]:
    start, end = media.time_of(frames.first), media.time_of(frames.stop)
    return {"start": round(float(start), 6), "end": round(float(end), 6), "name": name}


def read_markers(content: bytes, media: MediaInfo) -> GivenMarkers:
    """The segments of a project as markers; MarlinEditError for what is none, or is of other media."""
    import json5

    if media.rate is None:
        raise MarlinEditError(f"{file_name(media)} has no picture, so it has no frames to mark.")
    text = utf8_text(content, "a LosslessCut project")
    refuse_deep(text, "a LosslessCut project")
    try:
        project = json5.loads(text)
    except (ValueError, RecursionError) as error:
        raise MarlinEditError(f"This is not a LosslessCut project: {' '.join(str(error).split())}") from error
    segments = project.get("cutSegments") if isinstance(project, dict) else None
    if not isinstance(segments, list):
        raise MarlinEditError("This is not a LosslessCut project: it has no cutSegments.")
    named = project.get("mediaFileName")
    if isinstance(named, str) and named and clean(named) != file_name(media):
        raise MarlinEditError(f"It is of {clean(named)}, not of {file_name(media)}.")
    found = []
    for number, segment in enumerate(segments, 1):
        if not isinstance(segment, dict):
            raise MarlinEditError(f"cutSegments[{number - 1}] should be an object.")
        start, end = segment.get("start"), segment.get("end")
        first = media.rate.nearest_frame(parse_seconds(start)) if start is not None else 0
        stop = media.rate.nearest_frame(parse_seconds(end)) if end is not None else media.frame_count
        found.append(GivenMarker(clean(str(segment.get("name") or "")), "", first, max(1, stop - first)))
    return GivenMarkers(tuple(found))
