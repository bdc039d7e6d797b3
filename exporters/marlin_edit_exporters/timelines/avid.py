"""Avid markers (`.avid.txt`): a line a marker, its fields between tabs: user, time code, track, colour, comment, 1.

Avid writes them as `.txt`, in UTF-8 or UTF-16, some versions with more fields. Time code is the sequence's.
"""

from __future__ import annotations

import re

from marlin_edit.conform import check_standard_rate, file_name
from marlin_edit.edit import Edit
from marlin_edit.errors import MarlinEditError
from marlin_edit.interfaces import Context, GivenMarker, GivenMarkers, Rendered
from marlin_edit.markers import MarkerColour, read_note
from marlin_edit.media import MediaInfo
from marlin_edit.text import clean
from marlin_edit.timeline import laid_out, notes_on_one_track
from marlin_edit_exporters.timelines.list_text import counting_of, decoded

USER = "marlin-edit"
_COLOURS = {colour: colour.value for colour in MarkerColour} | {
    MarkerColour.PURPLE: "magenta",
    MarkerColour.ORANGE: "white",
    MarkerColour.PINK: "black",
}
_TIMECODE = re.compile(r"\d\d:\d\d:\d\d[:;]\d\d")


def render(edit: Edit, context: Context) -> Rendered:
    """The markers on the timeline of the cuts, or without cuts on a timeline of the whole sources."""
    check_standard_rate(edit, "An Avid marker list")
    layout = laid_out(edit, context, one_track=True)
    lines = []
    for shown in layout.on_timeline:
        # `clean` leaves no tab and no line break, so that a comment cannot begin a field or a line.
        comment = clean(shown.note(on_timeline=True, alone=True))
        timecode = edit.rate.timecode(shown.record)
        lines.append("\t".join((USER, timecode, "V1", _COLOURS[shown.marker.colour], comment, "1")) + "\n")
    notes = layout.notes + notes_on_one_track(edit, context)
    if edit.cuts and lines:
        notes += ("the markers belong to the timeline of the cuts; import that first",)
    return Rendered("".join(lines), notes)


def read_markers(content: bytes, media: MediaInfo) -> GivenMarkers:
    """The markers of a list that Avid or marlin-edit wrote; MarlinEditError names the line that cannot be read."""
    if media.rate is None:
        raise MarlinEditError(f"{file_name(media)} has no picture, so it has no frames to mark.")
    text = decoded(content)
    rate = counting_of(text, media.rate)
    found = []
    for number, line in enumerate(text.splitlines(), 1):
        fields = line.split("\t")
        if not line.strip():
            continue
        if len(fields) < 5 or not _TIMECODE.fullmatch(fields[1].strip()):
            raise MarlinEditError(f"Line {number} is not a marker of Avid: user, time code, track, colour and comment.")
        try:
            record = rate.frame_of(fields[1])
        except MarlinEditError as error:
            raise MarlinEditError(f"Line {number}: {error}") from error
        note, put = read_note(clean(fields[4]))
        found.append(GivenMarker("", note, record, 1, put, on_timeline=True))
    return GivenMarkers(tuple(found), counting=rate)
