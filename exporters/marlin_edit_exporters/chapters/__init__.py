"""Chapter lists, as video sites and containers have them, one a file."""

from __future__ import annotations

from marlin_edit.interfaces import Carries, Exporter
from marlin_edit_exporters.lazy import rendering


def exporters() -> list[Exporter]:
    """The formats of this package."""
    carries = Carries.EVENTS | Carries.FINDINGS | Carries.CUTS | Carries.SEVERAL_SOURCES
    return [
        Exporter(
            "youtube",
            (".youtube.txt",),
            carries,
            rendering("chapters.youtube"),
            help="Chapters for a YouTube description.",
        ),
        Exporter(
            "ffmetadata",
            (".ffmeta",),
            carries,
            rendering("chapters.ffmetadata"),
            help="Chapters for FFmpeg to put into a file.",
        ),
        Exporter(
            "matroska-chapters",
            (".chapters.xml",),
            carries,
            rendering("chapters.matroska"),
            help="Chapters for mkvmerge to put into a Matroska file.",
        ),
        Exporter(
            "vtt-chapters",
            (".chapters.vtt",),
            carries,
            rendering("chapters.vtt"),
            help="Chapters for a video on a web page.",
        ),
    ]
