"""Reads analysis files back, with what is known of its media: from the media itself, and from the person."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from fractions import Fraction
from pathlib import Path

from marlin_edit.analysis import Analysis
from marlin_edit.app import App
from marlin_edit.console import Console
from marlin_edit.errors import MarlinEditError, UsageError
from marlin_edit.files import read_bytes
from marlin_edit.inference.calibration import least_score
from marlin_edit.interfaces import Carries
from marlin_edit.media import MediaInfo, probe
from marlin_edit.path_map import PathMap
from marlin_edit.timebase import FrameRate
from marlin_edit.workflow.outputs import Output


@dataclass(frozen=True)
class MediaFacts:
    """What a person says of the media: its file, and what to believe instead of it."""

    path: Path | None = None
    rate: FrameRate | None = None
    duration: Fraction | None = None
    start_timecode: str | None = None

    def applied_to(self, media: MediaInfo) -> MediaInfo:
        """The media with these facts; UsageError for a time code that its rate does not have."""
        rate = self.rate or media.rate
        if self.rate is not None:
            media = replace(
                media, rate=rate, times=None, frame_count=self.rate.first_frame_at(self.duration or media.duration)
            )
        if self.duration is not None:
            count = rate.first_frame_at(self.duration) if rate is not None else media.frame_count
            media = replace(media, duration=self.duration, frame_count=count)
        if self.start_timecode is not None:
            if rate is None:
                raise UsageError("--start-timecode needs the frame rate. Give it with --rate.")
            if ";" in self.start_timecode and not rate.drop_frame:
                rate = FrameRate(rate.value, drop_frame=True)
            media = replace(media, rate=rate, start_frame=rate.frame_of(self.start_timecode), has_timecode=True)
        return media


def read_analyses(
    app: App, console: Console, path: Path, facts: MediaFacts, encoding: str | None = None
) -> tuple[Analysis, ...]:
    """The analysis in a file, in the format of its suffix, or all of them in a file of several sources.

    What it does not say of its media is probed from the media, which is `facts.path`, or where the file says, counted
    from its own folder; if it is not there any more, the file's word has to do. A subtitle file needs no media.
    encoding: of the file, where the person says it.
    """
    exporter = app.exporter_for(path)
    if exporter.read is None:
        readable = sorted(suffix for one in app.exporters.values() if one.read for suffix in one.suffixes)
        raise UsageError(f"{path.name}: {exporter.name} files cannot be read. Readable: {', '.join(readable)}.")
    content = read_bytes(path, encoding)
    try:
        with app.calling(exporter):
            if facts.path is not None:
                found = _several(exporter.read(content, probe(facts.path)))
            elif facts.rate is not None and facts.duration is not None:
                found = _several(exporter.read(content, MediaInfo(Path(path.stem), facts.duration, facts.rate)))
            elif not exporter.needs_media:
                known = MediaInfo(Path(path.stem), facts.duration or Fraction(0), facts.rate)
                found = _several(exporter.read(content, known))
            else:
                found = _several(exporter.read(content, None))
                paths = app.settings.value("map", PathMap)
                found = tuple(_with_media(console, exporter.read, content, one, path, paths) for one in found)
    except MarlinEditError as error:
        if str(path.name) in str(error):
            raise
        raise type(error)(f"{path.name}: {error}") from error
    if len(found) > 1 and facts != MediaFacts():
        raise UsageError(
            f"{path.name} has {len(found)} sources, and --media, --rate, --duration and --start-timecode describe one."
        )
    return tuple(
        replace(
            analysis,
            media=facts.applied_to(analysis.media),
            threshold=least_score(app.settings, analysis.threshold),
            accepts_unclear=analysis.accepts_unclear or app.settings.value("unclear", bool),
        )
        for analysis in found
    )


def refuse_to_pack(path: Path, analyses: Sequence[Analysis], planned: Sequence[Output]) -> None:
    """UsageError where media that only the analysis `path` names, outside its own directory, would go into an output.

    An analysis may be a stranger's: it could name any file of this computer.
    """
    packing = [output.exporter.name for output in planned if output.exporter.carries & Carries.MEDIA]
    for media in (analysis.media.path for analysis in analyses):
        if packing and not media.resolve().is_relative_to(path.parent.resolve()):
            raise UsageError(
                f"An {packing[0]} contains the media, and {path.name} names {media}, outside its own "
                "directory. If that file is to be packed, name it: `marlin-edit export` with --media FILE."
            )


def _is_network_path(path: Path) -> bool:
    """Whether looking for a path would ask another computer (`\\\\host\\share`, `//host/share`)."""
    return str(path).replace("\\", "/").startswith("//")


def _with_media(
    console: Console,
    read: Callable[[bytes, MediaInfo | None], Analysis | Sequence[Analysis]],
    content: bytes,
    analysis: Analysis,
    path: Path,
    paths: PathMap,
) -> Analysis:
    """The analysis as it is read beside its media, where that is still there, or where `--map` says that it is."""
    if _is_network_path(analysis.media.path) and not _is_network_path(path.absolute()):
        console.warning(f"{path.name} names media on another computer, {analysis.media.path}. It was not looked for.")
        return analysis
    media = path.parent / analysis.media.path
    media = media if media.is_file() else paths.mapped(media)
    if media.is_file():
        (analysis,) = _several(read(content, probe(media)))
    else:
        console.detail(f"{analysis.media.path} is missing; {path.name}'s own description of it is used")
    return analysis


def _several(read: Analysis | Sequence[Analysis]) -> tuple[Analysis, ...]:
    return (read,) if isinstance(read, Analysis) else tuple(read)
