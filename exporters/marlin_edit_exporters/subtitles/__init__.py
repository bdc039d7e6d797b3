"""Subtitle formats, one a file; `cues` makes readable cues of events."""

from __future__ import annotations

from marlin_edit.interfaces import Carries, Exporter
from marlin_edit_exporters.lazy import reading, rendering


def exporters() -> list[Exporter]:
    """The formats of timed text. All are read too, and need to know nothing of a media file."""
    held = Carries.EVENTS | Carries.FINDINGS | Carries.SPEECH
    content = "of the events, or of the findings if there are no events, or of what is said"
    return [
        _subtitle("srt", (".srt",), held, "subrip", f"SubRip subtitles {content}."),
        _subtitle("vtt", (".vtt",), held, "webvtt", f"WebVTT tracks {content}."),
        _subtitle("ttml", (".ttml", ".dfxp"), held, "ttml", f"TTML in the IMSC 1.1 text profile {content}."),
        _subtitle("ass", (".ass",), held, "ass", f"Advanced SubStation Alpha, with a look, {content}."),
        _subtitle("sbv", (".sbv",), held, "sbv", f"YouTube's SubViewer {content}."),
        _subtitle("lrc", (".lrc",), held, "lrc", f"Lyrics with times {content}."),
        _subtitle("broadcast-subtitles", (".scc", ".stl"), Carries.NOTHING, "broadcast", "SCC and EBU STL: read only."),
        _subtitle(
            "old-subtitles",
            (".ssa", ".sub", ".mpl", ".mpl2", ".tmp", ".smi", ".sami"),
            Carries.NOTHING,
            "legacy",
            "SSA, MicroDVD, MPL2, TMPlayer and SAMI: read only.",
        ),
    ]


def _subtitle(name: str, suffixes: tuple[str, ...], carries: Carries, file: str, help: str) -> Exporter:
    return Exporter(
        name, suffixes, carries, rendering(f"subtitles.{file}"), reading(f"subtitles.{file}"), help, needs_media=False
    )
