"""Avid Log Exchange (`.ale`): a row for each cut, or without cuts for each whole source, for the bins of Avid.

Fields stand between tabs, so no text holds one. `End` is the frame after the last; time code is the source's.
"""

from __future__ import annotations

from marlin_edit.analysis import Analysis, Finding
from marlin_edit.conform import (
    channels_of,
    check_one_rate,
    check_standard_rate,
    file_name,
    file_stem,
    full_path,
    reels_of,
    sample_rate_of,
    sounds,
    sources_used,
)
from marlin_edit.edit import Edit
from marlin_edit.evidence import standing_of
from marlin_edit.interfaces import Context, Rendered
from marlin_edit.media import MediaInfo
from marlin_edit.text import clean
from marlin_edit.timebase import FrameRange

COLUMNS = ("Name", "Tracks", "Start", "End", "Duration", "Tape", "Source File", "Source Path", "FPS", "Comments")
_HEIGHTS = {2160: "2160", 1080: "1080", 720: "720", 576: "PAL", 480: "NTSC", 486: "NTSC"}


def render(edit: Edit, context: Context) -> Rendered:
    """The log of the cuts, or of the whole sources."""
    check_standard_rate(edit, "An ALE")
    check_one_rate(edit)
    used = sources_used(edit)
    reels = reels_of(source.media for source in used)
    rows = [(cut.source, cut.frames, clean(cut.name), cut.finding) for cut in edit.cuts]
    whole = [(source, FrameRange(0, max(1, source.media.frame_count)), "", None) for source in used]
    first = used[0].media
    heading = {
        "FIELD_DELIM": "TABS",
        "VIDEO_FORMAT": _HEIGHTS.get(first.height, "CUSTOM"),
        "AUDIO_FORMAT": f"{round(sample_rate_of(sounds(first)[0]) / 1000)}khz" if sounds(first) else "48khz",
        "FPS": _fps(edit),
    }
    lines = ["Heading", *(f"{key}\t{value}" for key, value in heading.items()), ""]
    lines += ["Column", "\t".join(COLUMNS), "", "Data"]
    lines += [_row(edit, *row, reel=reels[row[0].media.path]) for row in (rows or whole)]
    return Rendered("\n".join([*lines, ""]))


def _row(edit: Edit, source: Analysis, frames: FrameRange, name: str, finding: Finding | None, *, reel: str) -> str:
    media = source.media
    first = media.start_frame + frames.first
    start, end = (edit.rate.timecode(frame) for frame in (first, first + frames.count))
    told = [] if finding is None else [clean(finding.query), standing_of(finding)]
    generated = ["auto-generated" + (f" by {clean(str(source.model))}" if source.model else "")] if told else []
    fields = (
        name or file_stem(media),
        _tracks(media),
        start,
        end,
        edit.rate.timecode(frames.count),
        reel,
        file_name(media),
        clean(full_path(media)),
        _fps(edit),
        "; ".join([*told, *generated]),
    )
    return "\t".join(fields)


def _tracks(media: MediaInfo) -> str:
    """`V`, and a number for each channel of sound."""
    return "V" + "".join(f"A{number}" for number in range(1, sum(map(channels_of, sounds(media))) + 1))


def _fps(edit: Edit) -> str:
    return edit.rate.name.removesuffix(" DF")
