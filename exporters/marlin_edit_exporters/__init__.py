"""The file formats that come with marlin-edit, one a file; `cues` makes readable subtitles of events."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from importlib import import_module
from typing import TYPE_CHECKING

from marlin_edit.hookspecs import hookimpl
from marlin_edit.interfaces import Carries, Exporter, GivenMarkers, RenderContext, Rendered, Setting
from marlin_edit.settings import WRITING

if TYPE_CHECKING:
    import click

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
            | Carries.SEVERAL_SOURCES
            | Carries.SEVERAL_RATES,
            _rendering("analysis_json"),
            _read_analysis,
            help="The analysis: everything that is known, exactly; `export` reads it back.",
        ),
        *_subtitles(),
        *_for_editing_programs(),
        *_for_publishing(),
    ]


@hookimpl
def register_settings() -> list[Setting]:
    from marlin_edit_exporters.subtitle_settings import settings

    return [
        *settings(),
        Setting(
            "tracks",
            parse=str,
            default="together",
            help="Events and findings on one track together, or apart, each query on a track of its own.",
            flag="--tracks",
            commands=WRITING,
            choices=("together", "apart"),
        ),
        Setting(
            "markers_on",
            parse=str,
            default="clips",
            help="Whether markers belong to the clips or to the timeline, in formats that have both.",
            flag="--markers-on",
            commands=WRITING,
            choices=("clips", "timeline"),
        ),
        Setting(
            "otio_profile",
            parse=str,
            default="resolve",
            help="How .otio names the media: as Resolve wants it (a plain path), or generic (a URL).",
            flag="--otio-profile",
            commands=WRITING,
            choices=("resolve", "generic"),
        ),
        Setting(
            "fcpxml_version",
            parse=str,
            default="1.10",
            help="Version of .fcpxml; 1.9 is for older programs.",
            flag="--fcpxml-version",
            commands=WRITING,
            choices=("1.10", "1.9"),
        ),
    ]


_MARKERS = Carries.EVENTS | Carries.FINDINGS | Carries.MARKERS | Carries.SEVERAL_SOURCES
_TIMELINE = _MARKERS | Carries.MARKER_DURATION | Carries.CUTS | Carries.NOTES | Carries.AUDIO
_ALL_OF_A_TIMELINE = _TIMELINE | Carries.COLOUR | Carries.SOURCE_TIMECODE | Carries.REEL | Carries.TRACKS


def _for_editing_programs() -> list[Exporter]:
    return [
        Exporter(
            "edl",
            (".edl",),
            Carries.CUTS
            | Carries.MARKERS
            | Carries.COLOUR
            | Carries.SOURCE_TIMECODE
            | Carries.REEL
            | Carries.AUDIO
            | Carries.SEVERAL_SOURCES,
            _rendering("edl"),
            help="CMX 3600 cut list, for nearly every editing program.",
            # Resolve gives its marker lists this suffix when it exports them.
            read_markers=_reading_markers("resolve_markers"),
        ),
        Exporter(
            "resolve-markers",
            (".markers.edl",),
            _MARKERS | Carries.MARKER_DURATION | Carries.COLOUR | Carries.NOTES,
            _rendering("resolve_markers"),
            help="Marker list for the timeline of Resolve, Free and Studio.",
            read_markers=_reading_markers("resolve_markers"),
        ),
        Exporter(
            "otio",
            (".otio",),
            _ALL_OF_A_TIMELINE,
            _rendering("otio"),
            help="OpenTimelineIO timeline: cuts as clips, or whole sources, with markers.",
            read_markers=_reading_markers("otio"),
        ),
        Exporter(
            "otioz",
            (".otioz",),
            _ALL_OF_A_TIMELINE,
            _rendering("otioz"),
            help="OpenTimelineIO timeline and the media, in one archive.",
        ),
        Exporter(
            "fcpxml",
            (".fcpxml",),
            _TIMELINE | Carries.SOURCE_TIMECODE | Carries.TRACKS,
            _rendering("fcpxml"),
            help="Final Cut Pro's XML, also for Resolve.",
        ),
        Exporter(
            "xmeml",
            (".xml",),
            _ALL_OF_A_TIMELINE,
            _rendering("xmeml"),
            help="Final Cut Pro 7's XML, for Premiere.",
        ),
        Exporter(
            "avid",
            (".avid.txt",),
            _MARKERS | Carries.COLOUR | Carries.NOTES,
            _rendering("avid"),
            help="Avid markers, for its Markers window.",
        ),
        Exporter(
            "mlt",
            (".mlt",),
            _TIMELINE | Carries.COLOUR | Carries.TRACKS,
            _rendering("mlt"),
            help="MLT project, for Shotcut and melt.",
        ),
        Exporter(
            "losslesscut",
            (".llc",),
            Carries.CUTS | Carries.EVENTS | Carries.FINDINGS,
            _rendering("losslesscut"),
            help="LosslessCut project: cuts, or events and findings, as segments.",
        ),
        Exporter(
            "csv",
            (".csv",),
            Carries.SCENES
            | Carries.EVENTS
            | Carries.FINDINGS
            | Carries.CUTS
            | Carries.SOURCE_TIMECODE
            | Carries.REEL
            | Carries.SEVERAL_SOURCES
            | Carries.SEVERAL_RATES,
            _rendering("spreadsheet"),
            help="Table for spreadsheets: a row for each event, finding and cut.",
            read_markers=_reading_markers("spreadsheet"),
        ),
    ]


def _for_publishing() -> list[Exporter]:
    carries = Carries.EVENTS | Carries.FINDINGS | Carries.CUTS | Carries.SEVERAL_SOURCES
    return [
        Exporter(
            "youtube",
            (".youtube.txt",),
            carries,
            _rendering("youtube"),
            help="Chapters for a YouTube description.",
        ),
        Exporter(
            "ffmetadata",
            (".ffmeta",),
            carries,
            _rendering("ffmetadata"),
            help="Chapters for FFmpeg to put into a file.",
        ),
        Exporter(
            "matroska-chapters",
            (".chapters.xml",),
            carries,
            _rendering("matroska_chapters"),
            help="Chapters for mkvmerge to put into a Matroska file.",
        ),
        Exporter(
            "vtt-chapters",
            (".chapters.vtt",),
            carries,
            _rendering("vtt_chapters"),
            help="Chapters for a video on a web page.",
        ),
    ]


def _subtitles() -> list[Exporter]:
    """The formats of timed text. All but the transcript are read too, and need to know nothing of a media file."""
    held = Carries.EVENTS | Carries.FINDINGS
    told = "of the events, or of the findings where there are no events"
    return [
        _subtitle("srt", (".srt",), held, "subrip", f"SubRip subtitles {told}."),
        _subtitle("vtt", (".vtt",), held, "webvtt", f"WebVTT descriptions {told}."),
        _subtitle("ttml", (".ttml", ".dfxp"), held, "ttml", f"TTML in the IMSC 1.1 text profile {told}."),
        _subtitle("ass", (".ass",), held, "ass", f"Advanced SubStation Alpha, with a look, {told}."),
        _subtitle(
            "old-subtitles",
            (".ssa", ".sub", ".mpl", ".mpl2", ".tmp", ".smi", ".sami"),
            Carries.NOTHING,
            "other_subtitles",
            "SSA, MicroDVD, MPL2, TMPlayer and SAMI: read, not written.",
        ),
        Exporter(
            "transcript",
            (".md",),
            Carries.SCENES | Carries.EVENTS | Carries.FINDINGS | Carries.SEVERAL_SOURCES,
            _rendering("transcript"),
            help="The scenes and events as a text to read, in Markdown.",
        ),
    ]


def _subtitle(name: str, suffixes: tuple[str, ...], carries: Carries, file: str, help: str) -> Exporter:
    return Exporter(name, suffixes, carries, _rendering(file), _reading(file), help, needs_media=False)


@hookimpl
def register_commands(cli: click.Group) -> None:
    from marlin_edit_exporters.lint_command import command

    cli.add_command(command)


def _rendering(file: str) -> Callable[[Edit, RenderContext], Rendered]:
    """The `render` of a format's file, which is imported when it is first needed: every run asks for this list."""

    def render(edit: Edit, context: RenderContext) -> Rendered:
        rendered: Rendered = import_module(f"{__name__}.{file}").render(edit, context)
        return rendered

    return render


def _reading_markers(file: str) -> Callable[[bytes, MediaInfo], GivenMarkers]:
    """The `read_markers` of a format's file, likewise."""

    def read_markers(content: bytes, media: MediaInfo) -> GivenMarkers:
        found: GivenMarkers = import_module(f"{__name__}.{file}").read_markers(content, media)
        return found

    return read_markers


def _reading(file: str) -> Callable[[bytes, MediaInfo | None], Analysis]:
    """The `read` of a format's file, likewise."""

    def read(content: bytes, media: MediaInfo | None) -> Analysis:
        analysis: Analysis = import_module(f"{__name__}.{file}").read(content, media)
        return analysis

    return read


def _read_analysis(content: bytes, media: MediaInfo | None) -> Analysis | Sequence[Analysis]:
    from marlin_edit_exporters.analysis_json import read

    return read(content, media)
