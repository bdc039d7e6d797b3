"""Avid markers (`.avid.txt`): a line a marker, its fields between tabs: user, time code, track, colour, comment, 1."""

from __future__ import annotations

from marlin_edit.conform import check_standard_rate
from marlin_edit.edit import Edit
from marlin_edit.interfaces import Context, Rendered
from marlin_edit.markers import MarkerColour
from marlin_edit.text import clean
from marlin_edit.timeline import laid_out, notes_on_one_track

USER = "marlin-edit"
_COLOURS = {colour: colour.value for colour in MarkerColour} | {
    MarkerColour.PURPLE: "magenta",
    MarkerColour.ORANGE: "white",
    MarkerColour.PINK: "black",
}


def render(edit: Edit, context: Context) -> Rendered:
    """The markers on the timeline of the cuts, or without cuts on a timeline of the whole sources."""
    check_standard_rate(edit, "An Avid marker list")
    layout = laid_out(edit, context, one_track=True)
    lines = []
    for shown in layout.on_timeline:
        # `clean` leaves no tab and no line break, so that a comment cannot begin a field or a line.
        comment = clean(f"{shown.name} ({shown.marker.note(shown=shown.name)})")
        timecode = edit.rate.timecode(shown.record)
        lines.append("\t".join((USER, timecode, "V1", _COLOURS[shown.marker.colour], comment, "1")) + "\n")
    notes = layout.notes + notes_on_one_track(edit, context)
    if edit.cuts and lines:
        notes += ("the markers belong to the timeline of the cuts; import that first",)
    return Rendered("".join(lines), notes)
