"""Resolve's marker list (`.markers.edl`), for Resolve Free and Studio: an EDL event a marker, one frame long.

Time code is the timeline's. One frame holds one marker: where two fall on one frame, the later moves to the next free
one. Names and notes hold no `|` and no line break, so that nothing in them can begin a field or a line.
"""

from __future__ import annotations

import re

from marlin_edit.conform import check_standard_rate, file_name
from marlin_edit.edit import Edit
from marlin_edit.errors import MarlinEditError
from marlin_edit.interfaces import Context, GivenMarker, GivenMarkers, Rendered
from marlin_edit.markers import MarkerColour, Put, Shown, read_note
from marlin_edit.media import MediaInfo
from marlin_edit.text import clean, shortened
from marlin_edit.timebase import FrameRange
from marlin_edit.timeline import laid_out, notes_on_one_track
from marlin_edit_exporters.timelines.list_text import counting_of, decoded

TITLE_LENGTH = 70
_COLOURS = {colour: colour.name.capitalize() for colour in MarkerColour}
_COLOURS[MarkerColour.ORANGE] = "Sand"  # Resolve has no orange
_EVENT = re.compile(r"\d{1,6}\s+\S+\s+V\s+C\s+\S+\s+\S+\s+(?P<record>\d\d:\d\d:\d\d[:;]\d\d)\s+\S+\s*")
_MARKER = re.compile(r"(?P<note>.*?)\s*\|C:\w+\s*\|M:(?P<name>.*?)\s*\|D:(?P<count>\d{1,9})\s*")


def render(edit: Edit, context: Context) -> Rendered:
    """The markers on the timeline of the cuts, or without cuts on a timeline of the whole sources."""
    check_standard_rate(edit, "A marker list for Resolve")
    layout = laid_out(edit, context, one_track=True)
    rate = edit.rate
    title = shortened(clean(edit.title), TITLE_LENGTH) or "UNTITLED"
    lines = [f"TITLE: {title}", f"FCM: {'DROP FRAME' if rate.drop_frame else 'NON-DROP FRAME'}", ""]
    last = -1
    moved = 0
    shown_markers = layout.on_timeline
    for number, shown in enumerate(shown_markers, 1):
        record = max(shown.record, last + 1)
        moved += record > shown.record
        last = record
        begin, end = rate.timecode(record), rate.timecode(record + 1)
        lines.append(f"{number:03}  001      V     C        {begin} {end} {begin} {end}  ")
        note, name = _in_a_field(_note(shown, record)), _in_a_field(shown.name)
        lines.append(f"{note} |C:ResolveColor{_COLOURS[shown.marker.colour]} |M:{name} |D:{shown.frames.count}")
        lines.append("")
    notes = [*layout.notes, *notes_on_one_track(edit, context)]
    if moved:
        notes.append(f"{moved} markers moved to the next free frame, because a frame can have only one marker")
    if edit.cuts and shown_markers:
        notes.append("the markers belong to the timeline of the cuts; import that first")
    return Rendered("\n".join(lines) + "\n", tuple(notes))


def read_markers(content: bytes, media: MediaInfo) -> GivenMarkers:
    """The markers of a list that Resolve or marlin-edit wrote; MarlinEditError where it is none."""
    if media.rate is None:
        raise MarlinEditError(f"{file_name(media)} has no picture, so it has no frames to mark.")
    text = decoded(content)
    lines = text.splitlines()
    rate = counting_of(text, media.rate)
    found = []
    record: int | None = None
    for line in lines:
        event, marker = _EVENT.fullmatch(line), _MARKER.fullmatch(line)
        if event is not None:
            record = rate.frame_of(event["record"])
        elif marker is not None and record is not None:
            note, put = read_note(marker["note"])
            count = max(1, int(marker["count"]))
            found.append(GivenMarker(clean(marker["name"]), clean(note), record, count, put, on_timeline=True))
            record = None
    if not found and not any(line.startswith(("TITLE:", "FCM:")) for line in lines):
        raise MarlinEditError("This is not a marker list: it has no TITLE, no FCM and no markers.")
    return GivenMarkers(tuple(found), counting=rate)


def _note(shown: Shown, record: int) -> str:
    """The note; where the marker moved to a free frame, it tells the frames that it lies on now."""
    later = record - shown.record
    frames = FrameRange(shown.frames.first + later, shown.frames.stop + later)
    return shown.marker.note(Put(shown.marker.id, frames, record, shown.marker.accepted), shown.name)


def _in_a_field(text: str) -> str:
    """The text with nothing that ends a field, and nothing in front that would make a line of another kind."""
    text = clean(text).replace("|", "/")
    return f"- {text}" if re.match(r"[\d*]", text) else text
