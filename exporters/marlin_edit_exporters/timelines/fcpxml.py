"""Final Cut Pro's XML (`.fcpxml`), version 1.10 or, on request, 1.9: for Final Cut and Resolve.

Times are rational seconds, whole frames each. A clip's `offset` counts on the timeline, from its start time code on;
its `start`, and its markers, in the media's own time code. Names stay as they are, URLs are percent-encoded. The lowest
track is the primary storyline; others are lanes of clips connected to it.
"""

from __future__ import annotations

from bisect import bisect_right
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
from marlin_edit.media import MediaInfo
from marlin_edit.text import clean
from marlin_edit.timeline import Layout, Placed, laid_out
from marlin_edit_exporters.xml_text import document

VERSIONS = ("1.10", "1.9")
_RATES = {32_000: "32k", 44_100: "44.1k", 48_000: "48k", 88_200: "88.2k", 96_000: "96k"}


def render(edit: Edit, context: Context) -> Rendered:
    """A library with one event and one project in it; its timeline is the cuts, or the whole sources."""
    check_standard_rate(edit, "FCPXML")
    layout = laid_out(edit, context)
    root = ET.Element("fcpxml", version=context.settings.get("fcpxml_version", VERSIONS[0]))
    resources = _Resources(ET.SubElement(root, "resources"), edit)
    title = clean(edit.title) or "Untitled"
    event = ET.SubElement(ET.SubElement(root, "library"), "event", name=title)
    sequence = ET.SubElement(
        ET.SubElement(event, "project", name=title),
        "sequence",
        format=resources.format_of(layout.sources[0].media),
        duration=_seconds(edit, layout.length),
        tcStart=_seconds(edit, edit.record_start),
        tcFormat=_timecode_format(edit),
        audioLayout="stereo",
        audioRate=_audio_rate(layout),
    )
    sequence.append(_Spine(layout, resources).element)
    return Rendered(document(root, "fcpxml"), layout.notes)


class _Resources:
    """Formats and assets, each in the file once."""

    def __init__(self, element: ET.Element, edit: Edit) -> None:
        self._element = element
        self._edit = edit
        self._formats: dict[tuple[int, int], str] = {}
        self._assets: dict[Path, str] = {}

    def format_of(self, media: MediaInfo) -> str:
        size = picture_size(media)
        if size not in self._formats:
            self._formats[size] = self._next_id()
            width, height = size
            ET.SubElement(
                self._element,
                "format",
                id=self._formats[size],
                frameDuration=_seconds(self._edit, 1),
                width=str(width),
                height=str(height),
            )
        return self._formats[size]

    def asset_of(self, media: MediaInfo) -> str:
        if media.path not in self._assets:
            picture = self.format_of(media)
            self._assets[media.path] = self._next_id()
            asset = ET.SubElement(
                self._element,
                "asset",
                id=self._assets[media.path],
                name=file_name(media),
                start=_seconds(self._edit, media.start_frame),
                duration=_seconds(self._edit, media.frame_count),
                hasVideo="1",
                format=picture,
                videoSources="1",
            )
            heard = sounds(media)
            if heard:
                asset.set("hasAudio", "1")
                asset.set("audioSources", str(len(heard)))
                asset.set("audioChannels", str(channels_of(heard[0])))
                asset.set("audioRate", str(sample_rate_of(heard[0])))
            ET.SubElement(asset, "media-rep", kind="original-media", src=file_url(media))
        return self._assets[media.path]

    def _next_id(self) -> str:
        return f"r{len(self._formats) + len(self._assets) + 1}"


class _Spine:
    """The primary storyline without a hole, and every clip of the other tracks in what it begins over."""

    def __init__(self, layout: Layout, resources: _Resources) -> None:
        self.element = ET.Element("spine")
        self._layout = layout
        self._resources = resources
        self._heard = {id(placed) for placed in layout.heard}
        # Of each thing in the storyline: where it begins, on the timeline and in its own time, and what it carries.
        self._begins: list[int] = []
        self._own_begins: list[int] = []
        self._carried: list[int] = []
        lowest, *others = layout.tracks
        position = layout.edit.record_start
        for placed in lowest.placed:
            self._fill(position, placed.record)
            self._add(self._clip(placed, placed.record), placed.record, self._start(placed))
            position = placed.record_stop
        self._fill(position, layout.edit.record_start + layout.length)
        for lane, track in enumerate(others, 1):
            for placed in track.placed:
                self._connect(placed, lane)

    def _add(self, element: ET.Element, record: int, own_start: int) -> None:
        self.element.append(element)
        self._begins.append(record)
        self._own_begins.append(own_start)
        self._carried.append(0)

    def _fill(self, record: int, stop: int) -> None:
        if record < stop:
            edit = self._layout.edit
            offset, duration = _seconds(edit, record), _seconds(edit, stop - record)
            self._add(ET.Element("gap", name="Gap", offset=offset, start="0s", duration=duration), record, 0)

    def _connect(self, placed: Placed, lane: int) -> None:
        under = bisect_right(self._begins, placed.record) - 1
        clip = self._clip(placed, self._own_begins[under] + placed.record - self._begins[under])
        clip.set("lane", str(lane))
        # What is connected stands before the markers.
        self.element[under].insert(self._carried[under], clip)
        self._carried[under] += 1

    def _start(self, placed: Placed) -> int:
        return placed.source.media.start_frame + placed.frames.first

    def _clip(self, placed: Placed, offset: int) -> ET.Element:
        edit, media = self._layout.edit, placed.source.media
        clip = ET.Element(
            "asset-clip",
            ref=self._resources.asset_of(media),
            offset=_seconds(edit, offset),
            name=placed.name,
            start=_seconds(edit, self._start(placed)),
            duration=_seconds(edit, placed.frames.count),
            tcFormat=_timecode_format(edit),
        )
        if id(placed) in self._heard:
            clip.set("audioRole", "dialogue")
        elif sounds(media):
            clip.set("srcEnable", "video")
        for shown in placed.shown:
            ET.SubElement(
                clip,
                "marker",
                start=_seconds(edit, media.start_frame + shown.frames.first),
                duration=_seconds(edit, shown.frames.count),
                value=shown.name,
                note=shown.note(on_timeline=False),
            )
        return clip


def _seconds(edit: Edit, frames: int) -> str:
    """So many frames as rational seconds, over the rate's own denominator, which keeps them whole frames."""
    rate = edit.rate.value
    if frames * rate.denominator % rate.numerator == 0:
        return f"{frames * rate.denominator // rate.numerator}s"
    return f"{frames * rate.denominator}/{rate.numerator}s"


def _timecode_format(edit: Edit) -> str:
    return "DF" if edit.rate.drop_frame else "NDF"


def _audio_rate(layout: Layout) -> str:
    streams = [stream for source in layout.sources for stream in sounds(source.media)]
    return _RATES.get(sample_rate_of(streams[0]), "48k") if streams else "48k"
