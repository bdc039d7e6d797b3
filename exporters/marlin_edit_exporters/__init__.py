"""The file formats that come with marlin-edit, one a file; `cues` makes readable subtitles of events."""

from __future__ import annotations

from collections.abc import Callable
from importlib import import_module
from typing import TYPE_CHECKING

from marlin_edit.hookspecs import hookimpl
from marlin_edit.interfaces import Carries, Exporter, RenderContext, Rendered

if TYPE_CHECKING:
    from marlin_edit.analysis import Analysis
    from marlin_edit.edit import Edit
    from marlin_edit.media import MediaInfo


@hookimpl
def register_exporters() -> list[Exporter]:
    return [
        Exporter(
            "json",
            (".json",),
            Carries.SCENES
            | Carries.EVENTS
            | Carries.FINDINGS
            | Carries.REJECTED
            | Carries.CUTS
            | Carries.SOURCE_TIMECODE
            | Carries.REEL
            | Carries.SEVERAL_SOURCES,
            _rendering("analysis_json"),
            _read_analysis,
            help="The analysis: everything that is known, exactly; `export` reads it back.",
        ),
        Exporter(
            "srt",
            (".srt",),
            Carries.EVENTS | Carries.FINDINGS,
            _rendering("subrip"),
            help="SubRip subtitles of the events, or of the findings where there are no events.",
        ),
        Exporter(
            "vtt",
            (".vtt",),
            Carries.EVENTS | Carries.FINDINGS,
            _rendering("webvtt"),
            help="WebVTT descriptions of the events, or of the findings where there are no events.",
        ),
        Exporter(
            "edl",
            (".edl",),
            Carries.CUTS | Carries.SOURCE_TIMECODE | Carries.REEL | Carries.SEVERAL_SOURCES,
            _rendering("edl"),
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
            _rendering("otio"),
            help="OpenTimelineIO timeline: cuts as clips, or whole sources, with markers.",
        ),
    ]


def _rendering(file: str) -> Callable[[Edit, RenderContext], Rendered]:
    """The `render` of a format's file, which is imported when it is first needed: every run asks for this list."""

    def render(edit: Edit, context: RenderContext) -> Rendered:
        rendered: Rendered = import_module(f"{__name__}.{file}").render(edit, context)
        return rendered

    return render


def _read_analysis(content: bytes, media: MediaInfo | None) -> Analysis:
    from marlin_edit_exporters.analysis_json import read

    return read(content, media)
