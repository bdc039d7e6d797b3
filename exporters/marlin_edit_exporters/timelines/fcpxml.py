"""Final Cut Pro's XML (`.fcpxml`), version 1.10 or, on request, 1.9: for Final Cut and Resolve.

Times are rational seconds, whole frames each. A clip's `offset` counts on the timeline, from its start time code on;
its `start`, and its markers, in the media's own time code. Names stay as they are, URLs are percent-encoded. The lowest
track is the primary storyline; others are lanes of clips connected to it.
"""

from __future__ import annotations

import re
from bisect import bisect_right
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
from marlin_edit.media import MediaInfo, Scan
from marlin_edit.text import clean
from marlin_edit.timebase import FrameRate
from marlin_edit.timeline import Layout, Placed, laid_out
from marlin_edit_exporters.xml_text import document

VERSIONS = ("1.10", "1.9")
_FIELD_ORDERS = {Scan.TOP_FIRST: "upper first", Scan.BOTTOM_FIRST: "lower first"}
_RATES = {32_000: "32k", 44_100: "44.1k", 48_000: "48k", 88_200: "88.2k", 96_000: "96k"}


def render(edit: Edit, context: Context) -> Rendered:
    """A library with one event and one project in it; its timeline is the cuts, or the whole sources."""
    check_standard_rate(edit, "FCPXML", by_label=False)
    layout = laid_out(edit, context, several_rates=True)
    root = ET.Element("fcpxml", version=context.settings.get("fcpxml_version", VERSIONS[0]))
    resources = _Resources(ET.SubElement(root, "resources"), edit)
    title = clean(edit.title) or "Untitled"
    event = ET.SubElement(ET.SubElement(root, "library"), "event", name=title)
    sequence = ET.SubElement(
        ET.SubElement(event, "project", name=title),
        "sequence",
        format=resources.format_of(layout.sources[0].media, edit.rate),
        duration=_seconds(edit.rate, layout.length),
        tcStart=_seconds(edit.rate, edit.record_start),
        tcFormat=_timecode_format(edit.rate),
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
        self._formats: dict[tuple[object, ...], str] = {}
        self._assets: dict[Path, str] = {}

    def format_of(self, media: MediaInfo, rate: FrameRate) -> str:
        """The id of the format of pictures like the media's at a rate."""
        width, height = picture_size(media)
        key = (width, height, rate.value, media.pixel_aspect, media.scan)
        if key not in self._formats:
            self._formats[key] = self._next_id()
            element = ET.SubElement(
                self._element,
                "format",
                id=self._formats[key],
                frameDuration=_seconds(rate, 1),
                width=str(width),
                height=str(height),
            )
            if media.scan is not Scan.PROGRESSIVE:
                element.set("fieldOrder", _FIELD_ORDERS[media.scan])
            if media.pixel_aspect != 1:
                element.set("paspH", str(media.pixel_aspect.numerator))
                element.set("paspV", str(media.pixel_aspect.denominator))
        return self._formats[key]

    def asset_of(self, media: MediaInfo) -> str:
        if media.path not in self._assets:
            rate = media.rate or self._edit.rate
            picture = self.format_of(media, rate)
            self._assets[media.path] = self._next_id()
            asset = ET.SubElement(
                self._element,
                "asset",
                id=self._assets[media.path],
                name=file_name(media),
                start=_seconds(rate, media.start_frame),
                duration=_seconds(rate, media.frame_count),
                hasVideo="1",
                format=picture,
                videoSources="1",
            )
            heard = sounds(media)
            if heard:
                asset.set("hasAudio", "1")
                asset.set("audioSources", str(len(heard)))
                asset.set("audioChannels", str(max(map(channels_of, heard))))
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
        self._own_begins: list[Fraction] = []
        self._carried: list[int] = []
        lowest, *others = layout.tracks
        edit = layout.edit
        position = edit.record_start
        for placed in lowest.placed:
            self._fill(position, placed.record)
            self._add(self._clip(placed, edit.rate.seconds(placed.record)), placed.record, self._start(placed))
            position = placed.record_stop
        self._fill(position, edit.record_start + layout.length)
        for lane, track in enumerate(others, 1):
            for placed in track.placed:
                self._connect(placed, lane)

    def _add(self, element: ET.Element, record: int, own_start: Fraction) -> None:
        self.element.append(element)
        self._begins.append(record)
        self._own_begins.append(own_start)
        # What is connected stands after how a clip is conformed, and before its markers.
        self._carried.append(len(element.findall("conform-rate")))

    def _fill(self, record: int, stop: int) -> None:
        if record < stop:
            edit = self._layout.edit
            offset, duration = _seconds(edit.rate, record), _seconds(edit.rate, stop - record)
            gap = ET.Element("gap", name="Gap", offset=offset, start="0s", duration=duration)
            self._add(gap, record, Fraction(0))

    def _connect(self, placed: Placed, lane: int) -> None:
        under = bisect_right(self._begins, placed.record) - 1
        within = self._layout.edit.rate.seconds(placed.record - self._begins[under])
        clip = self._clip(placed, self._own_begins[under] + within)
        clip.set("lane", str(lane))
        self.element[under].insert(self._carried[under], clip)
        self._carried[under] += 1

    def _start(self, placed: Placed) -> Fraction:
        media = placed.source.media
        return (media.rate or self._layout.edit.rate).seconds(media.start_frame + placed.frames.first)

    def _clip(self, placed: Placed, offset: Fraction) -> ET.Element:
        edit, media = self._layout.edit, placed.source.media
        rate = media.rate or edit.rate
        clip = ET.Element(
            "asset-clip",
            ref=self._resources.asset_of(media),
            offset=_rational(offset, edit.rate),
            name=placed.name,
            start=_rational(self._start(placed), rate),
            duration=_seconds(edit.rate, placed.length),
            tcFormat=_timecode_format(rate),
        )
        if rate.value != edit.rate.value:
            # It is shown at its own speed, not slowed down or sped up to the timeline's frames.
            ET.SubElement(clip, "conform-rate", scaleEnabled="0", srcFrameRate=_srcframerate(rate))
        if id(placed) in self._heard:
            clip.set("audioRole", "dialogue")
        elif sounds(media):
            clip.set("srcEnable", "video")
        for shown in placed.shown:
            ET.SubElement(
                clip,
                "marker",
                start=_seconds(rate, media.start_frame + shown.frames.first),
                duration=_seconds(rate, shown.frames.count),
                value=shown.name,
                note=shown.note(on_timeline=False),
            )
        if id(placed) in self._heard and len(sounds(media)) > 1:
            # Without these all streams are one component of the clip.
            first = 1
            for number, stream in enumerate(sounds(media), 1):
                channels = range(first, first + channels_of(stream))
                name = re.sub("[.,]", " ", clean(stream.title or stream.language or "")) or f"dialogue-{number}"
                source = ET.SubElement(clip, "audio-channel-source", srcCh=", ".join(map(str, channels)))
                source.set("role", f"dialogue.{name}")
                first += channels_of(stream)
        return clip


def _seconds(rate: FrameRate, frames: int) -> str:
    """So many frames as rational seconds, over the rate's own denominator, which keeps them whole frames."""
    return _rational(rate.seconds(frames), rate)


def _rational(seconds: Fraction, rate: FrameRate) -> str:
    """Seconds over the rate's own denominator, if they are whole frames of it."""
    if seconds.denominator == 1:
        return f"{seconds.numerator}s"
    numerator = rate.value.numerator
    if numerator % seconds.denominator == 0:
        return f"{seconds.numerator * (numerator // seconds.denominator)}/{numerator}s"
    return f"{seconds.numerator}/{seconds.denominator}s"


def _timecode_format(rate: FrameRate) -> str:
    return "DF" if rate.drop_frame else "NDF"


def _srcframerate(rate: FrameRate) -> str:
    """The rate's name as FCPXML has it: `23.98`, `29.97`, `47.95`."""
    return f"{float(rate.value):.2f}".rstrip("0").rstrip(".")


def _audio_rate(layout: Layout) -> str:
    streams = [stream for source in layout.sources for stream in sounds(source.media)]
    return _RATES.get(sample_rate_of(streams[0]), "48k") if streams else "48k"
