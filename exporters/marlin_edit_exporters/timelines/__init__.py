"""Formats of editing programs: timelines, cut lists and markers, one a file."""

from __future__ import annotations

from marlin_edit.interfaces import Carries, Exporter
from marlin_edit_exporters.lazy import reading_markers, rendering

_MARKERS = Carries.FRAMES | Carries.EVENTS | Carries.FINDINGS | Carries.MARKERS | Carries.SEVERAL_SOURCES
_TIMELINE = _MARKERS | Carries.MARKER_DURATION | Carries.CUTS | Carries.NOTES | Carries.AUDIO | Carries.PATHS
_ALL_OF_A_TIMELINE = _TIMELINE | Carries.COLOUR | Carries.SOURCE_TIMECODE | Carries.REEL | Carries.TRACKS


def exporters() -> list[Exporter]:
    """The formats of this package."""
    return [
        Exporter(
            "edl",
            (".edl",),
            Carries.CUTS
            | Carries.FRAMES
            | Carries.MARKERS
            | Carries.COLOUR
            | Carries.SOURCE_TIMECODE
            | Carries.REEL
            | Carries.AUDIO
            | Carries.SEVERAL_SOURCES,
            rendering("timelines.edl"),
            help="CMX 3600 cut list, for nearly every editing program.",
            # Resolve gives its marker lists this suffix when it exports them.
            read_markers=reading_markers("timelines.edl_markers"),
        ),
        Exporter(
            "resolve-markers",
            (".markers.edl",),
            _MARKERS | Carries.MARKER_DURATION | Carries.COLOUR | Carries.NOTES,
            rendering("timelines.resolve_markers"),
            help="Marker list for the timeline of Resolve, Free and Studio.",
            read_markers=reading_markers("timelines.resolve_markers"),
        ),
        Exporter(
            "otio",
            (".otio",),
            _ALL_OF_A_TIMELINE | Carries.SEVERAL_RATES,
            rendering("timelines.otio"),
            help="OpenTimelineIO timeline: cuts as clips, or whole sources, with markers.",
            read_markers=reading_markers("timelines.otio_markers"),
        ),
        Exporter(
            "otioz",
            (".otioz",),
            (_ALL_OF_A_TIMELINE | Carries.SEVERAL_RATES | Carries.MEDIA) & ~Carries.PATHS,
            rendering("timelines.otioz"),
            help="OpenTimelineIO timeline and the media, in one archive.",
        ),
        Exporter(
            "fcpxml",
            (".fcpxml",),
            _TIMELINE | Carries.SOURCE_TIMECODE | Carries.TRACKS | Carries.SEVERAL_RATES,
            rendering("timelines.fcpxml"),
            help="Final Cut Pro's XML, also for Resolve.",
            read_markers=reading_markers("timelines.fcpxml_markers"),
        ),
        Exporter(
            "xmeml",
            (".xml",),
            _ALL_OF_A_TIMELINE,
            rendering("timelines.xmeml"),
            help="Final Cut Pro 7's XML, for Premiere.",
            read_markers=reading_markers("timelines.xmeml_markers"),
        ),
        Exporter(
            "avid",
            (".avid.txt",),
            _MARKERS | Carries.COLOUR | Carries.NOTES,
            rendering("timelines.avid"),
            help="Avid markers, for its Markers window.",
            read_markers=reading_markers("timelines.avid"),
            marker_suffixes=(".txt",),
        ),
        Exporter(
            "aaf",
            (".aaf",),
            _ALL_OF_A_TIMELINE,
            rendering("timelines.aaf"),
            help="Advanced Authoring Format, for Avid: cuts, tracks, source time code and markers.",
            read_markers=reading_markers("timelines.aaf_markers"),
            needs=(("aaf2", "marlin-edit[aaf]"),),
        ),
        Exporter(
            "ale",
            (".ale",),
            Carries.CUTS
            | Carries.FRAMES
            | Carries.SOURCE_TIMECODE
            | Carries.REEL
            | Carries.SEVERAL_SOURCES
            | Carries.PATHS,
            rendering("timelines.ale"),
            help="Avid Log Exchange: the cuts, or the whole sources, as a log of clips.",
        ),
        Exporter(
            "mlt",
            (".mlt",),
            _TIMELINE | Carries.COLOUR | Carries.TRACKS,
            rendering("timelines.mlt"),
            help="MLT project, for Shotcut and melt.",
            read_markers=reading_markers("timelines.mlt_markers"),
        ),
        Exporter(
            "losslesscut",
            (".llc",),
            Carries.CUTS | Carries.EVENTS | Carries.FINDINGS,
            rendering("timelines.losslesscut"),
            help="LosslessCut project: cuts, or events and findings, as segments.",
            read_markers=reading_markers("timelines.losslesscut"),
        ),
    ]
