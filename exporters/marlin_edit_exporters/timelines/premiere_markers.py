"""The table that Premiere exports of a sequence's markers, in UTF-16 with tabs, or as other programs write it.

Times are the sequence's time code; a point has the same `In` and `Out`.
"""

from __future__ import annotations

import csv
import re

from marlin_edit.errors import MarlinEditError
from marlin_edit.interfaces import GivenMarker, GivenMarkers
from marlin_edit.markers import read_note
from marlin_edit.text import clean
from marlin_edit.timebase import FrameRate
from marlin_edit_exporters.timelines.list_text import counting_of

COLUMNS = frozenset({"Marker Name", "Description", "In", "Out"})


def given_in(table: csv.DictReader[str], text: str, rate: FrameRate) -> GivenMarkers:
    """The markers of the table's rows.

    Args:
        table: The table, its head read.
        text: All of its text, which tells how time code counts.
        rate: The media's.

    Raises:
        MarlinEditError: It names the line that cannot be read.
    """
    counting = counting_of(re.sub(r"(\d\d);(\d\d);(\d\d);(\d\d)", r"\1:\2:\3;\4", text), rate)
    found = []
    for row in table:
        note, put = read_note(clean(row["Description"] or ""))
        try:
            first, stop = (counting.frame_of((row[end] or "").replace(";", ":")) for end in ("In", "Out"))
        except MarlinEditError as error:
            raise MarlinEditError(f"Line {table.line_num}: {error}") from error
        name = clean(row["Marker Name"] or "")
        found.append(GivenMarker(name, note, first, max(1, stop - first), put, on_timeline=True))
    return GivenMarkers(tuple(found), counting=counting)
