"""The markers of a `.xml` (xmeml) that Premiere, Resolve, Final Cut Pro 7 or marlin-edit wrote.

Those on clips count from the file's first frame. Those of a sequence count from its beginning, and lie in the source
where the clip below them does. A clip's picture and sound, and each use of it, may repeat the same markers.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from fractions import Fraction
from xml.etree.ElementTree import Element

from marlin_edit.conform import file_name
from marlin_edit.errors import MarlinEditError
from marlin_edit.interfaces import GivenMarker, GivenMarkers
from marlin_edit.markers import read_note
from marlin_edit.media import MediaInfo
from marlin_edit.text import clean
from marlin_edit.timebase import FrameRange, FrameRate
from marlin_edit_exporters.timelines.placing import Part, placed
from marlin_edit_exporters.timelines.xml_parse import last_part, parsed, without_a_place


def read_markers(content: bytes, media: MediaInfo) -> GivenMarkers:
    """The markers on the clips of `media`, and those of sequences; MarlinEditError for what is no xmeml."""
    root = parsed(content, "xmeml", "a Final Cut Pro 7 XML")
    if media.rate is None:
        raise MarlinEditError(f"{file_name(media)} has no picture, so it has no frames to mark.")
    names = {file.get("id"): _name(file) for file in root.iter("file") if _name(file)}
    clips = [clip for tag in ("clipitem", "clip") for clip in root.iter(tag) if clip.find("file") is not None]
    ours = [clip for clip in clips if _name_of_media(clip, names) == file_name(media)]
    if clips and not ours:
        named = sorted(set(filter(None, names.values())))
        raise MarlinEditError(f"None of its clips is of {file_name(media)}; they are of {', '.join(named)}.")
    found = []
    covered = []
    for clip in ours:
        scale = _scale(clip, media.rate.value)
        for marker in clip.iterfind("marker"):
            found.append(_given(marker, scale, on_timeline=False, at_its_speed=not _is_retimed(clip)))
        first, stop = _number(clip, "in"), _number(clip, "out")
        if first is None or stop is None or not 0 <= first < stop:
            first, stop = 0, _number(clip, "duration") or media.frame_count
        first, stop = round(first * scale), round(stop * scale)
        covered.append(FrameRange(first, max(first + 1, stop)))
    for sequence in root.iter("sequence"):
        found += _of_sequence(sequence, {id(clip) for clip in ours}, media.rate)
    return GivenMarkers(tuple(dict.fromkeys(found)), tuple(covered))


def _of_sequence(sequence: Element, ours: set[int], rate: FrameRate) -> Iterator[GivenMarker]:
    """The markers of a sequence, by what lies below them; as places of the programme where there is no clip at all."""
    scale, zero = _scale(sequence, rate.value), _zero(sequence, rate)
    tracks = sequence.findall("media/video/track") or sequence.findall("media/audio/track")
    clips = [clip for track in tracks for clip in track.iterfind("clipitem")]
    parts = [part for clip in clips if id(clip) in ours for part in _part(clip, scale, rate)]
    for marker in sequence.iterfind("marker"):
        given = _given(marker, scale, on_timeline=True, at_its_speed=True)
        if given.on_timeline and clips:
            yield placed(given, parts, rate.timecode(zero + given.first))
        elif given.on_timeline:
            yield replace(given, first=given.first + zero)
        else:
            yield given


def _part(clip: Element, of_sequence: Fraction, rate: FrameRate) -> Iterator[Part]:
    """What a clip of the sequence shows of the media; nothing where it is retimed, or says too little."""
    scale = _scale(clip, rate.value)
    first, stop = _number(clip, "in"), _number(clip, "out")
    start, end = _number(clip, "start"), _number(clip, "end")
    if _is_retimed(clip) or first is None or stop is None or not 0 <= first < stop:
        return
    first, count = round(first * scale), round((stop - first) * scale)
    # In a transition a clip has no start, or no end, of its own: -1.
    if start is not None and start >= 0:
        yield Part(first, count, round(start * of_sequence))
    elif end is not None and end >= 0:
        yield Part(first, count, round(end * of_sequence) - count)


def _is_retimed(clip: Element) -> bool:
    return any(effect.text == "timeremap" for effect in clip.iterfind("filter/effect/effectid"))


def _given(marker: Element, scale: Fraction, *, on_timeline: bool, at_its_speed: bool) -> GivenMarker:
    note, put = read_note(marker.findtext("comment", ""))
    name, note = clean(marker.findtext("name", "")), clean(note)
    first, stop = _number(marker, "in"), _number(marker, "out")
    if first is None or not at_its_speed:
        return without_a_place(name, note, put)
    # A point has an out of -1.
    count = stop - first if stop is not None and stop > first else 1
    return GivenMarker(name, note, round(first * scale), max(1, round(count * scale)), put, on_timeline)


def _scale(element: Element, rate: Fraction) -> Fraction:
    """Frames of the media in one of the element's frames."""
    base = _number(element, "rate/timebase")
    if base is None or base <= 0:
        return Fraction(1)
    own = Fraction(base)
    if element.findtext("rate/ntsc", "").strip().upper() == "TRUE":
        own = own * 1000 / 1001
    return rate / own


def _zero(sequence: Element, rate: FrameRate) -> int:
    """The frame number at which a sequence begins."""
    frame = _number(sequence, "timecode/frame")
    if frame is not None:
        return round(frame * _scale(sequence, rate.value))
    label = sequence.findtext("timecode/string")
    try:
        return rate.frame_of(label) if label else 0
    except MarlinEditError:
        return 0


def _name_of_media(clip: Element, names: dict[str | None, str]) -> str:
    file = clip.find("file")
    return "" if file is None else _name(file) or names.get(file.get("id"), "")


def _name(file: Element) -> str:
    url = file.findtext("pathurl")
    return last_part(url) if url else clean(file.findtext("name", ""))


def _number(element: Element, path: str) -> int | None:
    try:
        return int(element.findtext(path, "").strip())
    except ValueError:
        return None
