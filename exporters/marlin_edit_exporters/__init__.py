"""The file formats that come with marlin-edit, one a file; `cues` makes readable subtitles of events."""

from __future__ import annotations

from marlin_edit.hookspecs import hookimpl
from marlin_edit.interfaces import Carries, Exporter
from marlin_edit_exporters import analysis_json, edl, otio, subrip, webvtt


@hookimpl
def register_exporters() -> list[Exporter]:
    return [
        Exporter(
            "json",
            (".json",),
            Carries.SCENES
            | Carries.EVENTS
            | Carries.FINDINGS
            | Carries.CUTS
            | Carries.SOURCE_TIMECODE
            | Carries.REEL
            | Carries.SEVERAL_SOURCES,
            analysis_json.render,
            analysis_json.read,
            help="The analysis: everything that is known, exactly; `export` reads it back.",
        ),
        Exporter(
            "srt",
            (".srt",),
            Carries.EVENTS | Carries.FINDINGS,
            subrip.render,
            help="SubRip subtitles of the events, or of the findings where there are no events.",
        ),
        Exporter(
            "vtt",
            (".vtt",),
            Carries.EVENTS | Carries.FINDINGS,
            webvtt.render,
            help="WebVTT descriptions of the events, or of the findings where there are no events.",
        ),
        Exporter(
            "edl",
            (".edl",),
            Carries.CUTS | Carries.SOURCE_TIMECODE | Carries.REEL | Carries.SEVERAL_SOURCES,
            edl.render,
            help="CMX 3600 cut list, for nearly every editing program.",
        ),
        Exporter(
            "otio",
            (".otio",),
            Carries.EVENTS
            | Carries.FINDINGS
            | Carries.CUTS
            | Carries.MARKERS
            | Carries.MARKER_DURATION
            | Carries.COLOUR
            | Carries.SOURCE_TIMECODE
            | Carries.SEVERAL_SOURCES,
            otio.render,
            help="OpenTimelineIO timeline: cuts as clips, or whole sources, with markers.",
        ),
    ]
