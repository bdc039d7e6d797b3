"""The file formats that come with marlin-edit, one a file: timelines, subtitles, chapters, the review page, tables."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from marlin_edit.hookspecs import hookimpl
from marlin_edit.interfaces import Carries, Exporter
from marlin_edit.settings import TIMELINES, Group, Setting
from marlin_edit_exporters import chapters, subtitles, timelines
from marlin_edit_exporters.lazy import reading_markers, rendering

if TYPE_CHECKING:
    import click

    from marlin_edit.analysis import Analysis
    from marlin_edit.media import MediaInfo


@hookimpl
def register_exporters() -> list[Exporter]:
    """The file formats."""
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
            | Carries.SEVERAL_RATES
            | Carries.PATHS
            | Carries.SPEECH,
            rendering("analysis_json"),
            _read_analysis,
            help="The analysis: everything that is known, exactly. `export` reads it back.",
        ),
        *subtitles.exporters(),
        Exporter(
            "transcript",
            (".md",),
            Carries.SCENES | Carries.EVENTS | Carries.FINDINGS | Carries.SEVERAL_SOURCES | Carries.SPEECH,
            rendering("transcript"),
            help="The scenes and events, and what is said, as a text to read, in Markdown.",
        ),
        Exporter(
            "review-page",
            (".html",),
            Carries.SCENES
            | Carries.EVENTS
            | Carries.FINDINGS
            | Carries.REJECTED
            | Carries.SOURCE_TIMECODE
            | Carries.SEVERAL_SOURCES
            | Carries.SEVERAL_RATES
            | Carries.SPEECH,
            rendering("review.review_page"),
            help="A page with the video and the analysis, to accept and reject findings in a browser.",
        ),
        *timelines.exporters(),
        Exporter(
            "csv",
            (".csv",),
            Carries.SCENES
            | Carries.EVENTS
            | Carries.FINDINGS
            | Carries.CUTS
            | Carries.FRAMES
            | Carries.SOURCE_TIMECODE
            | Carries.REEL
            | Carries.SEVERAL_SOURCES
            | Carries.SEVERAL_RATES
            | Carries.SPEECH,
            rendering("csv_table"),
            help="Table for spreadsheets: one row per event, finding, cut and utterance.",
            read_markers=reading_markers("csv_table"),
        ),
        *chapters.exporters(),
    ]


@hookimpl
def register_settings() -> list[Setting]:
    """The settings of this plugin."""
    from marlin_edit_exporters.subtitles.settings import settings

    return [
        *settings(),
        Setting(
            "tracks",
            parse=str,
            default="together",
            help="Put events and findings on one track together, or apart on one track per query.",
            flag="--tracks",
            commands=TIMELINES,
            choices=("together", "apart"),
            group=Group.TIMELINE,
        ),
        Setting(
            "markers_on",
            parse=str,
            default="clips",
            help="Put markers on the clips or on the timeline, in formats that have both.",
            flag="--markers-on",
            commands=TIMELINES,
            choices=("clips", "timeline"),
            group=Group.TIMELINE,
        ),
        Setting(
            "otio_profile",
            parse=str,
            default="resolve",
            help="Program that reads .otio: Resolve, Kdenlive, or generic, which refers to the media by a URL.",
            flag="--otio-profile",
            commands=TIMELINES,
            choices=("resolve", "kdenlive", "generic"),
            group=Group.TIMELINE,
        ),
        Setting(
            "fcpxml_version",
            parse=str,
            default="1.10",
            help="Version of .fcpxml. Older programs need 1.9.",
            flag="--fcpxml-version",
            commands=TIMELINES,
            choices=("1.10", "1.9"),
            group=Group.TIMELINE,
        ),
    ]


@hookimpl
def register_commands(cli: click.Group) -> None:
    """Adds the plugin's commands."""
    from marlin_edit_exporters.subtitles.lint_command import command

    cli.add_command(command)


def _read_analysis(content: bytes, media: MediaInfo | None) -> Analysis | Sequence[Analysis]:
    from marlin_edit_exporters.analysis_json import read

    return read(content, media)
