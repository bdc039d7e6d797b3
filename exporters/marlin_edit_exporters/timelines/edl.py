"""CMX 3600 cut list (`.edl`): one EDL event a cut, straight cuts only, record times without a gap.

Source times include the source's start time code, out points are exclusive. Text from anywhere stands only in comment
lines, cleaned to one line, after a prefix of ours.
"""

from __future__ import annotations

from bisect import bisect_left
from pathlib import Path

from marlin_edit.analysis import Analysis, Verdict
from marlin_edit.conform import (
    channels_of,
    check_one_rate,
    check_standard_rate,
    file_name,
    reels_of,
    sounds,
    sources_used,
)
from marlin_edit.edit import Cut, Edit
from marlin_edit.errors import MarlinEditError
from marlin_edit.interfaces import Context, Rendered
from marlin_edit.markers import MarkerColour, colours_of, frames_or_none
from marlin_edit.media import MediaInfo
from marlin_edit.text import clean, counted, shortened
from marlin_edit.timeline import notes_on_one_track

MOST_EVENTS = 999
TITLE_LENGTH = 70
COMMENT_LENGTH = 200

_COLOURS = {colour: colour.name for colour in MarkerColour} | {
    MarkerColour.PURPLE: "MAGENTA",
    MarkerColour.ORANGE: "WHITE",
    MarkerColour.PINK: "BLACK",
}


def render(edit: Edit, context: Context) -> Rendered:
    """The cut list of an edit; it raises MarlinEditError for what CMX 3600 cannot say."""
    _check(edit)
    sources = sources_used(edit)
    reels = reels_of(source.media for source in sources)
    locators = {source.media.path: _locators(source) for source in sources}
    colours = colours_of(edit)
    title = shortened(clean(edit.title), TITLE_LENGTH) or "UNTITLED"
    lines = [f"TITLE: {title}", f"FCM: {'DROP FRAME' if edit.rate.drop_frame else 'NON-DROP FRAME'}"]
    cut_short = 0
    for number, (cut, record) in enumerate(zip(edit.cuts, edit.record_ranges(), strict=True), 1):
        media = cut.source.media
        first = media.start_frame + cut.frames.first
        times = [first, first + cut.frames.count, record.first, record.stop]
        labels = " ".join(edit.rate.timecode(frame) for frame in times)
        lines.append(f"{number:03}  {reels[media.path]:<8} {_channels(media):<4}  C        {labels}")
        name = file_name(media)
        lines.append(f"* FROM CLIP NAME: {name}")
        lines.append(f"* SOURCE FILE: {name}")
        markers = _markers(cut, locators[media.path])
        for frame, query in markers:
            timecode = edit.rate.timecode(record.first + frame - cut.frames.first)
            colour = _COLOURS[colours.get(query, MarkerColour.GREEN)]
            lines.append(f"* LOC: {timecode} {colour:<7} {shortened(query, COMMENT_LENGTH)}".rstrip())
            cut_short += len(query) > COMMENT_LENGTH
        cut_name = clean(cut.name)
        if cut_name and cut_name not in (query for _, query in markers):
            lines.append(f"* COMMENT: {shortened(cut_name, COMMENT_LENGTH)}")
            cut_short += len(cut_name) > COMMENT_LENGTH
    notes = _notes(edit, sources, reels, title, cut_short)
    return Rendered("\n".join(lines) + "\n", (*notes, *notes_on_one_track(edit, context)))


def _check(edit: Edit) -> None:
    if not edit.cuts:
        raise MarlinEditError(
            "An EDL is a list of cuts, and there are none. Use `cut` with --query or --span, or write an .otio, which "
            "stores the whole source with its markers."
        )
    check_standard_rate(edit, "An EDL")
    if len(edit.cuts) > MOST_EVENTS:
        raise MarlinEditError(
            f"An EDL stores at most {MOST_EVENTS} cuts, and these are {len(edit.cuts)}. Write an .otio instead, or cut "
            "the source in parts with --range."
        )
    check_one_rate(edit)
    day = edit.rate.base * 86_400
    for cut in edit.cuts:
        if cut.frames.count >= day - (day // 1000 if edit.rate.drop_frame else 0):
            raise MarlinEditError(
                f"The cut {clean(cut.name) or cut.source.media.path.name} is a day long or longer, and time code wraps "
                "at 24 hours. Write an .otio instead."
            )


def _locators(source: Analysis) -> list[tuple[int, str]]:
    """Where each finding that nobody rejected begins, and its query, in order."""
    found = []
    for finding in source.findings:
        frames = frames_or_none(finding.span, source.media)
        if finding.verdict is not Verdict.REJECTED and frames is not None:
            found.append((frames.first, clean(finding.query)))
    return sorted(found)


def _markers(cut: Cut, locators: list[tuple[int, str]]) -> list[tuple[int, str]]:
    """The findings that begin inside a cut, and the one that it was kept for, wherever that begins."""
    inside = locators[bisect_left(locators, (cut.frames.first, "")) : bisect_left(locators, (cut.frames.stop, ""))]
    markers = dict.fromkeys(inside)
    if cut.finding is not None:
        query = clean(cut.finding.query)
        if query not in (other for _, other in inside):
            markers[(cut.frames.first, query)] = None
    return sorted(marker for marker in markers if marker[1])


def _notes(edit: Edit, sources: tuple[Analysis, ...], reels: dict[Path, str], title: str, cut_short: int) -> list[str]:
    notes: list[str] = []
    for source in sources:
        media = source.media
        if reels[media.path] != (media.reel or media.path.stem):
            notes.append(f"the reel of {clean(media.path.name)} is {reels[media.path]}")
    if title != clean(edit.title):
        notes.append(
            f"the title was shortened to {TITLE_LENGTH} characters" if edit.title.strip() else "without a title"
        )
    if cut_short:
        notes.append(f"{counted(cut_short, 'comment')} shortened to {COMMENT_LENGTH} characters")
    more = [file_name(source.media) for source in sources if sum(map(channels_of, sounds(source.media))) > 2]
    if more:
        notes.append(f"EDL has at most two channels of sound; the others of {', '.join(more)} come with the media")
    return notes


def _channels(media: MediaInfo) -> str:
    """Picture alone, with one channel of sound (`B`), or with two."""
    count = sum(map(channels_of, sounds(media)))
    return "V" if count == 0 else "B" if count == 1 else "AA/V"
