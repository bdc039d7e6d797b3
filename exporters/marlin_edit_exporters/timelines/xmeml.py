"""Final Cut Pro 7's XML (`.xml`, xmeml 5), which Premiere and Resolve open: cuts with their sound, and markers.

`start` and `end` count from the timeline's beginning, `in`, `out` and clip markers from the file's first frame; the
time codes of both stand beside them. Each audio stream has a track of its own.
"""

from __future__ import annotations

from pathlib import Path
from xml.etree import ElementTree as ET

from marlin_edit.conform import (
    channels_of,
    check_standard_rate,
    file_name,
    file_url,
    picture_size,
    sample_rate_of,
    sounds,
)
from marlin_edit.edit import Edit
from marlin_edit.interfaces import Context, Rendered
from marlin_edit.markers import MarkerColour, Shown
from marlin_edit.media import MediaInfo
from marlin_edit.text import clean
from marlin_edit.timebase import FrameRate
from marlin_edit.timeline import Layout, Placed, laid_out
from marlin_edit_exporters.xml_text import document

_PREMIERE_COLOURS = {
    MarkerColour.RED: 4281740498,
    MarkerColour.YELLOW: 4281049552,
    MarkerColour.PURPLE: 4289825711,
    MarkerColour.ORANGE: 4280578025,
    MarkerColour.BLUE: 4294741314,
    MarkerColour.CYAN: 4292277273,
    MarkerColour.PINK: 4294967295,  # Premiere has no pink; this is its white
}  # green is what a marker without a colour has


def render(edit: Edit, context: Context) -> Rendered:
    """One sequence: the cuts, or the whole sources, on tracks of picture and of sound."""
    check_standard_rate(edit, "FCP 7 XML")
    writing = _Writing(edit, laid_out(edit, context))
    root = ET.Element("xmeml", version="5")
    root.append(writing.sequence())
    return Rendered(document(root, "xmeml"), writing.layout.notes)


class _Writing:
    """One document on its way: which files are in it already, and what each clip item is called."""

    def __init__(self, edit: Edit, layout: Layout) -> None:
        self.edit = edit
        self.layout = layout
        self._files: dict[Path, str] = {}
        self._pictures: dict[int, tuple[int, int]] = {}
        for track_index, track in enumerate(layout.tracks, 1):
            for clip_index, placed in enumerate(track.placed, 1):
                self._pictures[id(placed)] = (track_index, clip_index)
        self._streams = max((len(sounds(placed.source.media)) for placed in layout.heard), default=0)
        self._sounds = [
            [placed for placed in layout.heard if len(sounds(placed.source.media)) > stream]
            for stream in range(self._streams)
        ]
        self._sound_index = [{id(placed): number for number, placed in enumerate(track, 1)} for track in self._sounds]

    def sequence(self) -> ET.Element:
        edit, layout = self.edit, self.layout
        sequence = ET.Element("sequence", id="sequence-1")
        _texts(sequence, name=clean(edit.title) or "Untitled", duration=layout.length)
        sequence.append(_rate(edit.rate))
        sequence.append(_timecode(edit.rate, edit.record_start))
        media = ET.SubElement(sequence, "media")
        video = ET.SubElement(media, "video")
        first = layout.sources[0].media
        ET.SubElement(video, "format").append(_picture(edit.rate, first))
        for track in layout.tracks:
            element = ET.SubElement(video, "track")
            for placed in track.placed:
                element.append(self._clip(placed, "video", 0))
        audio = ET.SubElement(media, "audio")
        _texts(audio, numOutputChannels=2)
        ET.SubElement(audio, "format").append(_sound(48_000))
        for stream, heard in enumerate(self._sounds):
            element = ET.SubElement(audio, "track")
            for placed in heard:
                element.append(self._clip(placed, "audio", stream))
        if layout.markers_on_timeline:
            for shown in layout.on_timeline:
                sequence.append(_marker(shown, shown.record - edit.record_start, on_timeline=True))
        return sequence

    def _clip(self, placed: Placed, kind: str, stream: int) -> ET.Element:
        media = placed.source.media
        item = ET.Element("clipitem", id=self._name_of(placed, kind, stream))
        start = placed.record - self.edit.record_start
        _texts(item, name=placed.name, enabled="TRUE", duration=media.frame_count)
        item.append(_rate(self.edit.rate))
        _texts(
            item,
            start=start,
            end=start + placed.frames.count,
            **{"in": placed.frames.first},
            out=placed.frames.stop,
        )
        item.append(self._file(media))
        if kind == "audio":
            source = ET.SubElement(item, "sourcetrack")
            _texts(source, mediatype="audio", trackindex=stream + 1)
        self._link(item, placed)
        if kind == "video" and not self.layout.markers_on_timeline:
            for shown in placed.shown:
                item.append(_marker(shown, shown.frames.first, on_timeline=False))
        return item

    def _file(self, media: MediaInfo) -> ET.Element:
        """The file, all of it the first time, and afterwards its id alone."""
        if media.path in self._files:
            return ET.Element("file", id=self._files[media.path])
        self._files[media.path] = f"file-{len(self._files) + 1}"
        file = ET.Element("file", id=self._files[media.path])
        # Premiere writes `localhost`, and reads nothing else on Windows.
        url = file_url(media).replace("file:///", "file://localhost/", 1)
        _texts(file, name=file_name(media), pathurl=url)
        file.append(_rate(self.edit.rate))
        _texts(file, duration=media.frame_count)
        file.append(_timecode(self.edit.rate, media.start_frame, clean(media.reel or "")))
        inside = ET.SubElement(file, "media")
        ET.SubElement(inside, "video").append(_picture(self.edit.rate, media))
        for stream in sounds(media):
            audio = ET.SubElement(inside, "audio")
            audio.append(_sound(sample_rate_of(stream)))
            _texts(audio, channelcount=channels_of(stream))
        return file

    def _link(self, item: ET.Element, placed: Placed) -> None:
        """Ties picture and sound of one part together; a part without sound needs no link."""
        indices = [index for index in self._sound_index if id(placed) in index]
        if not indices:
            return
        track, place = self._pictures[id(placed)]
        link = ET.SubElement(item, "link")
        _texts(
            link, linkclipref=self._name_of(placed, "video", 0), mediatype="video", trackindex=track, clipindex=place
        )
        for stream, index in enumerate(indices):
            link = ET.SubElement(item, "link")
            _texts(link, linkclipref=self._name_of(placed, "audio", stream), mediatype="audio", trackindex=stream + 1)
            _texts(link, clipindex=index[id(placed)], groupindex=1)

    def _name_of(self, placed: Placed, kind: str, stream: int) -> str:
        track, place = self._pictures[id(placed)]
        return f"{kind}-{track}-{place}" + (f"-{stream + 1}" if kind == "audio" else "")


def _marker(shown: Shown, first: int, *, on_timeline: bool) -> ET.Element:
    marker = ET.Element("marker")
    # A marker of one frame is a point, whose out is -1.
    out = first + shown.frames.count if shown.frames.count > 1 else -1
    _texts(marker, comment=shown.note(on_timeline=on_timeline), name=shown.name, **{"in": first}, out=out)
    colour = _PREMIERE_COLOURS.get(shown.marker.colour)
    if colour is not None:
        _texts(marker, pproColor=colour)
    return marker


def _rate(rate: FrameRate) -> ET.Element:
    element = ET.Element("rate")
    _texts(element, timebase=rate.base, ntsc="FALSE" if rate.value.denominator == 1 else "TRUE")
    return element


def _timecode(rate: FrameRate, frame: int, reel: str = "") -> ET.Element:
    element = ET.Element("timecode")
    element.append(_rate(rate))
    _texts(element, string=rate.timecode(frame), frame=frame, displayformat="DF" if rate.drop_frame else "NDF")
    if reel:
        _texts(ET.SubElement(element, "reel"), name=reel)
    return element


def _picture(rate: FrameRate, media: MediaInfo) -> ET.Element:
    element = ET.Element("samplecharacteristics")
    element.append(_rate(rate))
    width, height = picture_size(media)
    _texts(element, width=width, height=height, anamorphic="FALSE", pixelaspectratio="square", fielddominance="none")
    return element


def _sound(sample_rate: int) -> ET.Element:
    element = ET.Element("samplecharacteristics")
    _texts(element, depth=16, samplerate=sample_rate)
    return element


def _texts(parent: ET.Element, **texts: str | int) -> None:
    for tag, text in texts.items():
        ET.SubElement(parent, tag).text = str(text)
