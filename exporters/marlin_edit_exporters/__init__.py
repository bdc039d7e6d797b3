"""The file formats that come with marlin-edit, one a file; `cues` makes readable subtitles of events."""

from __future__ import annotations

from collections.abc import Callable
from importlib import import_module
from typing import TYPE_CHECKING

from marlin_edit.hookspecs import hookimpl
from marlin_edit.interfaces import Carries, Exporter, RenderContext, Rendered, Setting

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
            | Carries.CUTS
            | Carries.SOURCE_TIMECODE
            | Carries.REEL
            | Carries.SEVERAL_SOURCES,
            _rendering("analysis_json"),
            _read_analysis,
            help="The analysis: everything that is known, exactly; `export` reads it back.",
        ),
        *_subtitles(),
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
def register_settings() -> list[Setting]:
    from marlin_edit_exporters.subtitle_settings import settings

    return settings()


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


def _reading(file: str) -> Callable[[bytes, MediaInfo | None], Analysis]:
    """The `read` of a format's file, likewise."""

    def read(content: bytes, media: MediaInfo | None) -> Analysis:
        analysis: Analysis = import_module(f"{__name__}.{file}").read(content, media)
        return analysis

    return read


def _read_analysis(content: bytes, media: MediaInfo | None) -> Analysis:
    from marlin_edit_exporters.analysis_json import read

    return read(content, media)
