"""What plugins give and take: the values of the hooks in `hookspecs.py`, and the protocol of a video model."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from enum import Enum, Flag, auto
from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from marlin_edit.analysis import Analysis, Verdict
    from marlin_edit.edit import Edit
    from marlin_edit.markers import Put
    from marlin_edit.media import MediaInfo
    from marlin_edit.settings import Settings
    from marlin_edit.timebase import FrameRange, Span
    from marlin_edit.video_model import VideoModel


class Carries(Flag):
    """What a format can hold. What it cannot is said once, by the core ("out.srt: 3 cuts left out").

    REJECTED: findings that are not accepted as well; other formats get the accepted ones only. NOTES: of markers.
    SEVERAL_RATES: sources at different frame rates in one file. TRACKS: several tracks of picture.
    """

    NOTHING = 0
    SCENES = auto()
    EVENTS = auto()
    FINDINGS = auto()
    REJECTED = auto()
    CUTS = auto()
    MARKERS = auto()
    MARKER_DURATION = auto()
    SOURCE_TIMECODE = auto()
    REEL = auto()
    COLOUR = auto()
    SEVERAL_SOURCES = auto()
    SEVERAL_RATES = auto()
    NOTES = auto()
    AUDIO = auto()
    TRACKS = auto()


@dataclass(frozen=True)
class RenderContext:
    """What an exporter may need besides the edit.

    path: where the file will be, for relative links; None when it goes to stdout. temporary: a directory that is
    removed afterwards.
    """

    settings: Settings
    path: Path | None
    temporary: Path


@dataclass(frozen=True)
class Rendered:
    """A rendered file: its content (text, bytes, or a path under `RenderContext.temporary`) and what it left out."""

    content: str | bytes | Path
    notes: tuple[str, ...] = ()


@dataclass(frozen=True)
class GivenMarker:
    """A marker as a file has it that a person may have changed: `count` frames, at least one, from `first` on.

    first: in the source, counted from its zero; where `on_timeline` is set, in the finished programme, its start time
    code included. It may lie before zero. put: where it was when it was written, for markers of ours.
    """

    name: str
    note: str
    first: int
    count: int
    put: Put | None = None
    on_timeline: bool = False
    verdict: Verdict | None = None


@dataclass(frozen=True)
class GivenMarkers:
    """The markers that a file has of a source. covered: the frames of the source that the file shows at all, None where
    it does not tell: what lies elsewhere was never in it, so that it cannot have been taken out.
    """

    markers: tuple[GivenMarker, ...]
    covered: tuple[FrameRange, ...] | None = None


@dataclass(frozen=True)
class Exporter:
    """A file format. `suffixes` begin with a dot and may have several parts (`.markers.edl`); the longest match wins.

    `read`, where given, turns a file's content back into an analysis; it raises MarlinEditError on content that is
    not this format's. `media` is what the caller knows of the source, or None; of a file with several sources, all are
    given where it is None, and otherwise that one. `read_markers`, where given, reads the markers that a file has of a
    source; it raises likewise. needs_media: False where its files say nothing of their media and can be read without
    knowing it, as subtitles can.
    """

    name: str
    suffixes: tuple[str, ...]
    carries: Carries
    render: Callable[[Edit, RenderContext], Rendered]
    read: Callable[[bytes, MediaInfo | None], Analysis | Sequence[Analysis]] | None = None
    help: str = ""
    read_markers: Callable[[bytes, MediaInfo], GivenMarkers] | None = None
    needs_media: bool = True


@dataclass(frozen=True)
class Receipt:
    """What a delivery did: files, a report per item (plain JSON values), what is missing and why, notes.

    files: those written, or in a dry run those that would be.

    A receipt with anything in `missing` makes the run end as partial, where there are files or items.
    """

    files: tuple[Path, ...] = ()
    items: tuple[Mapping[str, Any], ...] = ()
    missing: tuple[str, ...] = ()
    notes: tuple[str, ...] = ()


@dataclass(frozen=True)
class Delivery:
    """Edit to a program or to media. `check` raises MarlinEditError before any work when it cannot be done.

    `wanted` says whether the settings ask for it without its name being given (`--out-dir` asks for clips). together:
    of several videos it makes one thing, from the edit of all of them at the end. `foresee` is given the videos and the
    queries before the model loads, and raises UsageError for what they already show cannot be.

    While it works, `marlin_edit.console.tell_progress` says how far it is, and `write_beside` of
    `marlin_edit.workflow.outputs` writes the edit in another plugin's format, for what is to be imported by hand.
    """

    name: str
    carries: Carries
    check: Callable[[Settings], None]
    deliver: Callable[[Edit, Settings, bool], Receipt]
    wanted: Callable[[Settings], bool] = lambda settings: False
    help: str = ""
    together: bool = False
    foresee: Callable[[Sequence[Path], Sequence[str], Settings], None] = lambda videos, queries, settings: None


class Finds(Enum):
    """What a detector looks for. Shots and keyframes follow one another without a gap: where one's span ends, the next
    begins, and at each start but the first the picture changes, or a picture lies that can be decoded by itself."""

    SHOTS = "shots"
    KEYFRAMES = "keyframes"
    SPEECH = "speech"
    WORDS = "words"


@dataclass(frozen=True)
class Detector:
    """Finds shots, keyframes, speech or words in a span of a source: `detect` gives spans, with text where it has any.

    The first and the last span may reach over the ends of the span that is looked at.
    """

    name: str
    finds: Finds
    detect: Callable[[MediaInfo, Span, Settings], Sequence[tuple[Span, str]]]
    help: str = ""


@dataclass(frozen=True)
class Backend:
    """Offers a video model. `opens` says whether a `--model` value is this backend's; `open` loads it."""

    name: str
    opens: Callable[[str], bool]
    open: Callable[[Settings], VideoModel]
    help: str = ""
    models: Callable[[], Sequence[ModelOnDisk]] = field(default=lambda: ())


@dataclass(frozen=True)
class ModelOnDisk:
    """A model that can be used now, or could: `state` says which (`ready`, `incomplete`, `not downloaded`)."""

    name: str
    path: Path | None
    state: str
    size: int
    licence: str
    note: str = ""
