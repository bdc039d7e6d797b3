"""CSV for spreadsheets (`.csv`): a row for each scene, event, finding, utterance and cut, read back as changed.

UTF-8 with a byte order mark, which Excel wants. A cell that a spreadsheet would take for a formula begins with `'`.
Reading takes the name, the time code, the note and the verdict of events and findings; other columns are for the eye.
The table that Premiere makes of a sequence's markers is read as well.
"""

from __future__ import annotations

import csv
import io
import re
from collections.abc import Iterator, Mapping

from marlin_edit.analysis import Analysis, Event, Finding, Sense, Verdict
from marlin_edit.conform import file_name
from marlin_edit.edit import Cut, Edit
from marlin_edit.errors import MarlinEditError
from marlin_edit.interfaces import Context, GivenMarker, GivenMarkers, Rendered
from marlin_edit.markers import MarkerColour, Put, colours_of, frames_or_none, identified
from marlin_edit.media import MediaInfo
from marlin_edit.text import clean
from marlin_edit.timebase import FrameRange, FrameRate, Span, clock_text
from marlin_edit_exporters.timelines import premiere_markers
from marlin_edit_exporters.timelines.list_text import decoded

COLUMNS = (
    "kind", "name", "source", "source in", "source out", "frames", "start", "end", "record in", "record out", "reel",
    "score", "verdict", "colour", "note", "id",
)  # fmt: skip
_ONLY_SHOWN = ("scene", "speech", "cut")
_FORMULA = re.compile(r"[=+\-@\t\r']")
_ACCEPTED = {"accepted", "yes", "y", "right", "ok", "x", "1", "true"}
_REJECTED = {"rejected", "no", "n", "wrong", "0", "false"}

_Row = dict[str, str]


def render(edit: Edit, context: Context) -> Rendered:
    """Every row of every source; times in the source are time code and clock time from its zero."""
    written = io.StringIO()
    table = csv.DictWriter(written, COLUMNS, restval="", lineterminator="\r\n")
    table.writeheader()
    colours = colours_of(edit)
    for source in edit.sources:
        for row in _rows_of(source, colours):
            table.writerow({column: _cell(text) for column, text in row.items()})
    for cut, record in zip(edit.cuts, edit.record_ranges(), strict=True):
        table.writerow({column: _cell(text) for column, text in _cut_row(edit, cut, record).items()})
    return Rendered("\ufeff" + written.getvalue())


def read_markers(content: bytes, media: MediaInfo) -> GivenMarkers:
    """The events and findings of `media`; MarlinEditError names the row that cannot be read."""
    if media.rate is None:
        raise MarlinEditError(f"{file_name(media)} has no picture, so it has no frames to mark.")
    try:
        text = decoded(content) if b"\0" in content[:200] else content.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        raise MarlinEditError("This table is not UTF-8. Save it as `CSV UTF-8`.") from error
    head = text.partition("\n")[0]
    table = csv.DictReader(io.StringIO(text, newline=""), delimiter=max(",;\t", key=head.count))
    if set(table.fieldnames or ()) >= premiere_markers.COLUMNS:
        return premiere_markers.given_in(table, text, media.rate)
    missing = {"name", "source in", "source out"} - set(table.fieldnames or ())
    if missing:
        raise MarlinEditError(f"This is not a table of marlin-edit: it has no column {', '.join(sorted(missing))}.")
    found = []
    try:
        for row in table:
            cells = {column: _plain(text or "") for column, text in row.items() if isinstance(column, str)}
            if cells.get("kind") in ("scene", "speech", "cut") or cells.get("source") not in (
                "",
                None,
                file_name(media),
            ):
                continue
            # A row of ours without time code lies past the end of the media; no program shows it either.
            if any(cells.values()) and (cells["source in"] or not cells.get("id")):
                found.append(_given(cells, media, media.rate, table.line_num))
    except csv.Error as error:
        raise MarlinEditError(f"This table cannot be read in line {table.line_num}: {error}.") from error
    return GivenMarkers(tuple(found))


def _given(row: Mapping[str, str], media: MediaInfo, rate: FrameRate, line: int) -> GivenMarker:
    try:
        first, stop = (
            (rate.frame_of(row[column]) - media.start_frame) % rate.frames_per_day
            for column in ("source in", "source out")
        )
    except MarlinEditError as error:
        raise MarlinEditError(f"Line {line}: {error}") from error
    if stop <= first:
        raise MarlinEditError(f"Line {line}: the source out {row['source out']} should come after the source in.")
    put = None
    written = re.fullmatch(r"([a-z2-7]{8})@(\d{1,15})\+(\d{1,15})", row.get("id", ""))
    if written is not None and int(written[3]) > 0:
        put = Put(written[1], FrameRange(int(written[2]), int(written[2]) + int(written[3])))
    word = row.get("verdict", "").strip().lower()
    if word and word not in _ACCEPTED | _REJECTED:
        raise MarlinEditError(f"Line {line}: a verdict is accepted or rejected, not {word}.")
    verdict = (Verdict.ACCEPTED if word in _ACCEPTED else Verdict.REJECTED) if word else None
    return GivenMarker(row["name"], row.get("note", ""), first, stop - first, put, verdict=verdict)


def _rows_of(source: Analysis, colours: Mapping[str, MarkerColour]) -> Iterator[_Row]:
    for scene in source.scenes:
        yield _row("scene", scene.text, source, scene.span, frames_or_none(scene.span, source.media))
    generated = clean(f"auto-generated by {source.model}") if source.model is not None else "auto-generated"
    for marker_id, item in identified(source):
        frames = frames_or_none(item.span, source.media)
        if isinstance(item, Event):
            row = _row("event", item.text, source, item.span, frames)
            row["colour"] = MarkerColour.BLUE.value
        else:
            row = _row("finding", item.query, source, item.span, frames)
            row |= _told_of(item)
            row["colour"] = colours[clean(item.query)].value
        row["note"] = "; ".join(filter(None, (clean(item.note), *(clean(flag) for flag in item.flags), generated)))
        row["id"] = f"{marker_id}@{frames.first}+{frames.count}" if frames is not None else marker_id
        yield row
    for said in source.speech or ():
        if said.text:
            row = _row("speech", said.text, source, said.span, frames_or_none(said.span, source.media))
            row["note"] = "; ".join(
                filter(None, (clean(said.speaker), "unsure" if said.is_unsure else "", "auto-generated"))
            )
            yield row


def _row(kind: str, name: str, source: Analysis, span: Span, frames: FrameRange | None) -> _Row:
    media = source.media
    row = {"kind": kind, "name": clean(name), "source": file_name(media), "reel": clean(media.reel or "")}
    row |= {"start": clock_text(span.start), "end": clock_text(span.end)}
    return row | (_frames(media, frames) if frames is not None else {})


def _frames(media: MediaInfo, frames: FrameRange) -> _Row:
    assert media.rate is not None
    first, stop = (media.rate.timecode(media.start_frame + frame) for frame in (frames.first, frames.stop))
    return {"source in": first, "source out": stop, "frames": str(frames.count)}


def _told_of(finding: Finding) -> _Row:
    score = "" if finding.score is None else f"{finding.score:.2f}"
    if finding.sense is Sense.SAID:
        score = "said"
    return {"score": score, "verdict": finding.verdict.value if finding.verdict is not None else ""}


def _cut_row(edit: Edit, cut: Cut, record: FrameRange) -> _Row:
    row = _row("cut", cut.name, cut.source, cut.span, cut.frames)
    row |= {"record in": edit.rate.timecode(record.first), "record out": edit.rate.timecode(record.stop)}
    return row | (_told_of(cut.finding) if cut.finding is not None else {})


def _cell(text: str) -> str:
    return f"'{text}" if _FORMULA.match(text) else text


def _plain(text: str) -> str:
    text = clean(text)
    return text[1:] if text.startswith("'") else text
