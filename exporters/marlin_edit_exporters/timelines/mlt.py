"""MLT's XML (`.mlt`), which Shotcut opens and `melt` renders.

Frames count from a file's first, and out points are inclusive. It has no time code, and its markers are the timeline's.
A producer plays one audio stream, so the others of a source have tracks of sound alone.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from pathlib import Path
from xml.etree import ElementTree as ET

from marlin_edit.conform import file_name, full_path, picture_size, sounds
from marlin_edit.edit import Edit
from marlin_edit.errors import MarlinEditError
from marlin_edit.interfaces import Context, Rendered
from marlin_edit.markers import MarkerColour, Shown
from marlin_edit.media import MediaInfo, Scan, Stream
from marlin_edit.text import clean
from marlin_edit.timeline import Layout, SoundTrack, Track, laid_out
from marlin_edit_exporters.xml_text import document

_COLOURS = {
    MarkerColour.BLUE: "#2f6fd0",
    MarkerColour.GREEN: "#2f9e44",
    MarkerColour.YELLOW: "#d4b106",
    MarkerColour.RED: "#d03030",
    MarkerColour.PURPLE: "#8040c0",
    MarkerColour.CYAN: "#20a0b0",
    MarkerColour.ORANGE: "#e07b20",
    MarkerColour.PINK: "#e060a0",
}
_NOT_XML = re.compile("[\x00-\x08\x0b-\x1f\ud800-\udfff\ufffe\uffff]")


def render(edit: Edit, context: Context) -> Rendered:
    """One timeline: the cuts, or the whole sources, with Shotcut's markers."""
    layout = laid_out(edit, context)
    root = ET.Element("mlt", LC_NUMERIC="C", title=clean(edit.title) or "Untitled", producer="main_bin")
    root.append(_profile(edit, layout.sources[0].media))
    chains: dict[Path, str] = {}
    for source in layout.sources:
        media = source.media
        chains[media.path] = f"chain{len(chains)}"
        root.append(_chain(chains[media.path], media, next(iter(sounds(media)), None)))
    more_sound = [track for track in layout.sound_tracks if track.number > 0]
    for media in (source.media for source in layout.sources):
        for number, stream in enumerate(sounds(media)[1:], 1):
            root.append(_chain(f"{chains[media.path]}-sound{number}", media, stream, sound_alone=True))
    bin_ = ET.SubElement(root, "playlist", id="main_bin")
    _property(bin_, "xml_retain", "1")
    for source in layout.sources:
        _entry(bin_, chains[source.media.path], 0, source.media.frame_count)
    for number, track in enumerate(layout.tracks):
        root.append(_playlist(f"playlist{number}", track, edit, chains))
    for number, sound in enumerate(more_sound, 1):
        alone = {path: f"{chain}-sound{sound.number}" for path, chain in chains.items()}
        root.append(_playlist(f"sound{number}", sound, edit, alone))
    root.append(_tractor(edit, layout, len(more_sound)))
    return Rendered(document(root), layout.notes)


def _profile(edit: Edit, media: MediaInfo) -> ET.Element:
    width, height = picture_size(media)
    aspect = media.pixel_aspect
    rate = edit.rate.value
    return ET.Element(
        "profile",
        description=f"{width}x{height} {edit.rate.name} fps",
        width=str(width),
        height=str(height),
        progressive="1" if media.scan is Scan.PROGRESSIVE else "0",
        sample_aspect_num=str(aspect.numerator),
        sample_aspect_den=str(aspect.denominator),
        display_aspect_num=str((aspect * width / height).numerator),
        display_aspect_den=str((aspect * width / height).denominator),
        frame_rate_num=str(rate.numerator),
        frame_rate_den=str(rate.denominator),
        colorspace="601" if height < 720 else "709",
    )


def _playlist(name: str, track: Track | SoundTrack, edit: Edit, chains: Mapping[Path, str]) -> ET.Element:
    playlist = ET.Element("playlist", id=name)
    _property(playlist, "shotcut:video" if isinstance(track, Track) else "shotcut:audio", "1")
    _property(playlist, "shotcut:name", track.name)
    position = edit.record_start
    for placed in track.placed:
        if placed.record > position:
            ET.SubElement(playlist, "blank", length=str(placed.record - position))
        _entry(playlist, chains[placed.source.media.path], placed.frames.first, placed.frames.stop)
        position = placed.record_stop
    return playlist


def _chain(name: str, media: MediaInfo, sound: Stream | None, *, sound_alone: bool = False) -> ET.Element:
    path = full_path(media)
    if _NOT_XML.search(path):
        raise MarlinEditError(f"The name of {file_name(media)} cannot be written in XML. Rename the file first.")
    chain = ET.Element("chain", id=name, out=str(media.frame_count - 1))
    _property(chain, "length", str(media.frame_count))
    _property(chain, "eof", "pause")
    _property(chain, "resource", path)
    _property(chain, "mlt_service", "avformat")
    if sound_alone:
        _property(chain, "video_index", "-1")
    elif media.video_index is not None:
        _property(chain, "video_index", str(media.video_index))
    if sound is not None:
        _property(chain, "audio_index", str(sound.index))
    _property(chain, "shotcut:caption", file_name(media))
    return chain


def _tractor(edit: Edit, layout: Layout, more_sound: int) -> ET.Element:
    tractor = ET.Element("tractor", id="tractor0", title=clean(edit.title) or "Untitled")
    tractor.set("in", "0")
    tractor.set("out", str(layout.length - 1))
    _property(tractor, "shotcut", "1")
    shown_markers = layout.on_timeline
    if shown_markers:
        markers = ET.SubElement(tractor, "properties", name="shotcut:markers")
        for number, shown in enumerate(shown_markers):
            markers.append(_marker(number, shown, shown.record - edit.record_start))
    heard = {id(placed) for placed in layout.heard}
    for number, track in enumerate(layout.tracks):
        element = ET.SubElement(tractor, "track", producer=f"playlist{number}")
        if not any(id(placed) in heard for placed in track.placed):
            element.set("hide", "audio")
    for number in range(1, more_sound + 1):
        ET.SubElement(tractor, "track", producer=f"sound{number}", hide="video")
    for number in range(1, len(layout.tracks) + more_sound) if more_sound else ():
        # Without it only the topmost sound is heard.
        mix = ET.SubElement(tractor, "transition", id=f"transition{number}")
        _property(mix, "a_track", "0")
        _property(mix, "b_track", str(number))
        _property(mix, "mlt_service", "mix")
        _property(mix, "always_active", "1")
        _property(mix, "sum", "1")
    return tractor


def _marker(number: int, shown: Shown, first: int) -> ET.Element:
    marker = ET.Element("properties", name=str(number))
    _property(marker, "text", shown.note(on_timeline=True, alone=True))
    _property(marker, "start", str(first))
    _property(marker, "end", str(first + shown.frames.count - 1))
    _property(marker, "color", _COLOURS[shown.marker.colour])
    return marker


def _entry(playlist: ET.Element, chain: str, first: int, stop: int) -> None:
    entry = ET.SubElement(playlist, "entry", producer=chain)
    entry.set("in", str(first))
    entry.set("out", str(stop - 1))


def _property(parent: ET.Element, name: str, text: str) -> None:
    ET.SubElement(parent, "property", name=name).text = text
