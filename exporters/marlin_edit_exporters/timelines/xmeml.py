"""Final Cut Pro 7's XML (`.xml`, xmeml 5), which Premiere and Resolve open: cuts with their sound, and markers.

`start` and `end` count from the timeline's beginning, `in`, `out` and clip markers from the file's first frame; the
time codes of both stand beside them. Sound is written by channels, as Premiere does it: each channel is a clip item on
a track of its own, and the two tracks of a stereo stream say that they belong together.
"""

from __future__ import annotations

from dataclasses import dataclass
from fractions import Fraction
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
from marlin_edit.media import MediaInfo, Scan
from marlin_edit.text import clean
from marlin_edit.timebase import FrameRate
from marlin_edit.timeline import Layout, Placed, SoundTrack, laid_out
from marlin_edit_exporters.xml_text import document

_FIELDS = {Scan.PROGRESSIVE: "none", Scan.TOP_FIRST: "upper", Scan.BOTTOM_FIRST: "lower"}
_SHAPES = {(960, 720): "HD-(960x720)", (1280, 1080): "HD-(1280x1080)", (1440, 1080): "HD-(1440x1080)"}
"""Pictures of high definition whose pixels are not square, by what is stored."""

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
    check_standard_rate(edit, "FCP 7 XML", by_label=False)
    writing = _Writing(edit, laid_out(edit, context))
    root = ET.Element("xmeml", version="5")
    root.append(writing.sequence())
    return Rendered(document(root, "xmeml"), writing.layout.notes)


@dataclass(frozen=True)
class _Channel:
    """A channel of a sound track, which has a track of its own here.

    Attributes:
        track: The sound track.
        number: The channel in it, from 0.
        places: The place of each part on it, from 1, by the part's id.
    """

    track: SoundTrack
    number: int
    places: dict[int, int]


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
        self._channels = [
            _Channel(track, channel, {id(placed): number for number, placed in enumerate(track.placed, 1)})
            for track in layout.sound_tracks
            for channel in range(track.channels)
        ]

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
                element.append(self._clip(placed))
        audio = ET.SubElement(media, "audio")
        _texts(audio, numOutputChannels=2)
        ET.SubElement(audio, "format").append(_sound(48_000))
        for channel in self._channels:
            audio.append(self._sound_track(channel))
        if layout.markers_on_timeline:
            for shown in layout.on_timeline:
                sequence.append(_marker(shown, shown.record - edit.record_start, on_timeline=True))
        return sequence

    def _sound_track(self, channel: _Channel) -> ET.Element:
        stereo = channel.track.channels == 2
        element = ET.Element(
            "track",
            currentExplodedTrackIndex=str(channel.number if stereo else 0),
            totalExplodedTrackCount="2" if stereo else "1",
            premiereTrackType="Stereo" if stereo else "Mono",
        )
        for placed in channel.track.placed:
            element.append(self._clip(placed, channel))
        _texts(element, outputchannelindex=channel.number % 2 + 1)
        return element

    def _clip(self, placed: Placed, channel: _Channel | None = None) -> ET.Element:
        media = placed.source.media
        item = ET.Element("clipitem", id=self._name_of(placed, channel))
        if channel is not None:
            item.set("premiereChannelType", "stereo" if channel.track.channels == 2 else "mono")
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
        if channel is not None:
            source = ET.SubElement(item, "sourcetrack")
            trackindex = channel.track.first_channel_of(placed) + channel.number + 1
            _texts(source, mediatype="audio", trackindex=trackindex)
        self._link(item, placed)
        if channel is None and not self.layout.markers_on_timeline:
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
        heard = [(number, one) for number, one in enumerate(self._channels, 1) if id(placed) in one.places]
        if not heard:
            return
        track, place = self._pictures[id(placed)]
        link = ET.SubElement(item, "link")
        _texts(link, linkclipref=self._name_of(placed), mediatype="video", trackindex=track, clipindex=place)
        for number, channel in heard:
            link = ET.SubElement(item, "link")
            _texts(link, linkclipref=self._name_of(placed, channel), mediatype="audio", trackindex=number)
            _texts(link, clipindex=channel.places[id(placed)], groupindex=1)

    def _name_of(self, placed: Placed, channel: _Channel | None = None) -> str:
        track, place = self._pictures[id(placed)]
        if channel is None:
            return f"video-{track}-{place}"
        return f"audio-{track}-{place}-{channel.track.first_channel_of(placed) + channel.number + 1}"


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
    aspect, anamorphic = _pixel_aspect(media)
    _texts(element, width=width, height=height, anamorphic=anamorphic, pixelaspectratio=aspect)
    _texts(element, fielddominance=_FIELDS[media.scan])
    return element


def _pixel_aspect(media: MediaInfo) -> tuple[str, str]:
    """The format's name for the shape of the pixels, and whether the picture is anamorphic; the nearest there is."""
    width, height = media.width, media.height
    if media.pixel_aspect == 1:
        return "square", "FALSE"
    if width in (704, 720) and height in (480, 486, 576):
        wide = media.pixel_aspect > Fraction(23, 20)
        return "PAL-601" if height == 576 else "NTSC-601", "TRUE" if wide else "FALSE"
    return _SHAPES.get((width, height), "square"), "FALSE"


def _sound(sample_rate: int) -> ET.Element:
    element = ET.Element("samplecharacteristics")
    _texts(element, depth=16, samplerate=sample_rate)
    return element


def _texts(parent: ET.Element, **texts: str | int) -> None:
    for tag, text in texts.items():
        ET.SubElement(parent, tag).text = str(text)
