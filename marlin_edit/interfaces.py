"""The values of the hooks in `hookspecs.py`: what a plugin offers, what it is given, and what it returns."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from enum import Enum, Flag, auto
from pathlib import Path
from typing import TYPE_CHECKING, Any, Protocol

from marlin_edit.errors import MarlinEditError

if TYPE_CHECKING:
    from marlin_edit.analysis import Analysis, ModelIdentity, Verdict
    from marlin_edit.edit import Edit
    from marlin_edit.markers import Put
    from marlin_edit.media import MediaInfo
    from marlin_edit.settings import Settings
    from marlin_edit.timebase import FrameRange, FrameRate, Span
    from marlin_edit.video_model import VideoModel


class Carries(Flag):
    """What a format or a delivery can hold. What it cannot is reported once, by the core ("out.srt: 3 cuts left out").

    FRAMES: it counts frames, so it needs a frame rate; formats without it keep seconds. REJECTED: findings that are not
    accepted as well; other formats get the accepted ones only. NOTES: notes of markers. SEVERAL_RATES: sources of
    different frame rates in one file. TRACKS: several tracks of picture. PATHS: it names the media by absolute paths,
    which `--map` changes for another machine. MEDIA: its files hold the media themselves. SPEECH: what is said.
    """

    NOTHING = 0
    SCENES = auto()
    EVENTS = auto()
    FINDINGS = auto()
    REJECTED = auto()
    CUTS = auto()
    FRAMES = auto()
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
    PATHS = auto()
    MEDIA = auto()
    SPEECH = auto()


class ReportProgress(Protocol):
    """Shows how far a piece of work is."""

    def __call__(self, done: float, total: float, detail: str = "") -> None:
        """Report that `done` of `total` is done, in any unit; `detail` names what is being worked on."""
        ...


def _show_nothing(done: float, total: float, detail: str = "") -> None:
    pass


def _write_nothing(format_name: str) -> tuple[Path, tuple[str, ...]]:
    raise MarlinEditError(f"There is no run that {format_name} could be written for.")


@dataclass(frozen=True)
class Context:
    """What `render`, `deliver` and `detect` may use beside the edit or the media.

    Attributes:
        settings: The settings of the run.
        path: Where the rendered file will be, for relative links. None for stdout, for deliveries and for detectors.
        temporary: A directory that is removed afterwards.
        progress: Shows the person how far the work is.
        write_beside: For deliveries. Writes the edit in another plugin's format beside the outputs of the run, under a
            name that is free, and returns the file and the format's notes. A dry run only names the file.
        shared: Values that several formats of one edit need, by a key of the plugin's own. It lives as long as the
            outputs of one edit are written.
        spoken: For detectors of words: when somebody speaks in the span that they listen to.
    """

    settings: Settings
    path: Path | None = None
    temporary: Path = Path()
    progress: ReportProgress = _show_nothing
    write_beside: Callable[[str], tuple[Path, tuple[str, ...]]] = _write_nothing
    shared: dict[object, Any] = field(default_factory=dict, compare=False)
    spoken: tuple[Span, ...] = ()


@dataclass(frozen=True)
class Rendered:
    """A rendered file.

    Attributes:
        content: Text, bytes, or a path under `Context.temporary`.
        notes: What this rendering replaced or left out, one sentence each.
    """

    content: str | bytes | Path
    notes: tuple[str, ...] = ()


@dataclass(frozen=True)
class GivenMarker:
    """A marker as it stands in a file that a person may have changed.

    Attributes:
        name: Its name.
        note: Its note or comment.
        first: Its first frame, counted from the source's zero. If `on_timeline` is set: in the finished programme, with
            its start time code. It may lie before zero.
        count: How many frames it covers, at least one.
        put: Where it was when marlin-edit wrote it, for markers of ours.
        on_timeline: Whether `first` counts in the programme.
        verdict: The person's verdict, if the file states one.
        unplaced: Why its place in the source cannot be known, as a clause ("no clip of the source lies at
            01:00:05:00"); `first` and `count` say nothing then. Nothing if it has a place.
    """

    name: str
    note: str
    first: int
    count: int
    put: Put | None = None
    on_timeline: bool = False
    verdict: Verdict | None = None
    unplaced: str = ""


@dataclass(frozen=True)
class GivenMarkers:
    """The markers that a file has of one source.

    Attributes:
        markers: The markers, in the file's order.
        covered: The frames of the source that the file shows at all; None if it does not say. A marker that lies
            elsewhere was never in the file, so a person cannot have removed it.
        counting: How the time code of the programme counts, if markers are `on_timeline` and the file tells it: a list
            of a non-drop-frame timeline may be of a drop-frame source.
    """

    markers: tuple[GivenMarker, ...]
    covered: tuple[FrameRange, ...] | None = None
    counting: FrameRate | None = None


@dataclass(frozen=True)
class Exporter:
    """A file format.

    Attributes:
        name: Its name for `--format`, in small letters, digits and dashes.
        suffixes: Each begins with a dot and may have several parts (`.markers.edl`); the longest match wins.
        carries: What the format can hold.
        render: Turns an edit into the file's content. It writes nothing itself.
        read: Turns a file's content back into an analysis, or raises MarlinEditError for content of another kind. The
            second argument is what the caller knows of the source, or None. Of a file with several sources, all are
            returned if it is None, otherwise that one.
        help: One sentence for `marlin-edit formats`.
        read_markers: Reads the markers that a file has of a source; raises as `read` does.
        marker_suffixes: More suffixes of files that `read_markers` reads (`.txt`); nothing is written under them.
        needs: Modules without which it cannot write, each with what `pip install` brings it.
        needs_media: False if its files say nothing of their media and can be read without knowing it, as subtitles can.
    """

    name: str
    suffixes: tuple[str, ...]
    carries: Carries
    render: Callable[[Edit, Context], Rendered]
    read: Callable[[bytes, MediaInfo | None], Analysis | Sequence[Analysis]] | None = None
    help: str = ""
    read_markers: Callable[[bytes, MediaInfo], GivenMarkers] | None = None
    marker_suffixes: tuple[str, ...] = ()
    needs: tuple[tuple[str, str], ...] = ()
    needs_media: bool = True


@dataclass(frozen=True)
class Receipt:
    """What a delivery did. With anything in `missing` the run ends as partial, or as failed if nothing was delivered.

    Attributes:
        files: The files written, or in a dry run those that would be.
        items: One report per item, of plain JSON values.
        missing: What could not be delivered and why, one sentence each.
        notes: What the person should know besides.
    """

    files: tuple[Path, ...] = ()
    items: tuple[Mapping[str, Any], ...] = ()
    missing: tuple[str, ...] = ()
    notes: tuple[str, ...] = ()


@dataclass(frozen=True)
class Delivery:
    """Hands an edit to a program, or makes media of it.

    Attributes:
        name: Its name for `--deliver`.
        carries: What it can take.
        check: Raises MarlinEditError, before any work, if the delivery cannot be done.
        deliver: Does it. The last argument is True for a dry run, which writes nothing and reports what it would do.
        wanted: Whether the settings ask for it without `--deliver NAME` (`--out-dir` asks for clips).
        help: One sentence for `marlin-edit plugins`.
        together: Of several videos it makes one thing, from the edit of all of them, at the end.
        foresee: Raises UsageError, before the model loads, if the videos or queries alone rule the delivery out.
    """

    name: str
    carries: Carries
    check: Callable[[Settings], None]
    deliver: Callable[[Edit, Context, bool], Receipt]
    wanted: Callable[[Settings], bool] = lambda settings: False
    help: str = ""
    together: bool = False
    foresee: Callable[[Sequence[Path], Sequence[str], Settings], None] = lambda videos, queries, settings: None


class Finds(Enum):
    """What a detector looks for.

    Shots and keyframes follow one another without a gap: where one span ends, the next begins. At the start of each
    shot but the first the picture changes; at the start of each keyframe's span lies a picture that decodes by itself.
    """

    SHOTS = "shots"
    KEYFRAMES = "keyframes"
    SPEECH = "speech"
    WORDS = "words"


@dataclass(frozen=True)
class Detection:
    """Something that a detector found.

    Attributes:
        span: When it is, in seconds from the source's zero.
        text: What is said, for speech and words; of a word with the blank before it that its language writes.
        speaker: Who says it, as far as the detector can tell.
        confidence: How sure the detector is, from 0 to 1; None if it does not say.
        language: The language as a BCP 47 tag (`en`, `pt-BR`), or nothing.
    """

    span: Span
    text: str = ""
    speaker: str = ""
    confidence: float | None = None
    language: str = ""


@dataclass(frozen=True)
class Detector:
    """Finds shots, keyframes, speech or words in a span of a source.

    Attributes:
        name: Its name.
        finds: What it looks for.
        detect: Returns what it found, in order of time. The first and the last span may reach beyond the ends of the
            span that it looks at.
        help: One sentence for `marlin-edit plugins`.
        check: Raises MarlinEditError, with what to do, if it cannot be used with these settings: a library or a model
            is not here.
        identity: What its results depend on beside the media and the span: the model, with a revision that changes
            whenever the model does, and in its profile the settings that were used. Results are kept in the store and
            used again; those of a detector without an identity are not.
        models: The models that it can use now, or could use, for `marlin-edit models`.
    """

    name: str
    finds: Finds
    detect: Callable[[MediaInfo, Span, Context], Sequence[Detection]]
    help: str = ""
    check: Callable[[Settings], None] = lambda settings: None
    identity: Callable[[Settings], ModelIdentity | None] = lambda settings: None
    models: Callable[[], Sequence[ModelOnDisk]] = field(default=lambda: ())


@dataclass(frozen=True)
class Backend:
    """Offers video models.

    Attributes:
        name: Its name.
        opens: Whether a `--model` value is this backend's.
        open: Loads the model that the settings name.
        help: One sentence for `marlin-edit plugins`.
        models: The models that it can open now, or could open, for `marlin-edit models`.
    """

    name: str
    opens: Callable[[str], bool]
    open: Callable[[Settings], VideoModel]
    help: str = ""
    models: Callable[[], Sequence[ModelOnDisk]] = field(default=lambda: ())


@dataclass(frozen=True)
class ModelOnDisk:
    """A model that can be used now, or could be.

    Attributes:
        name: The value of `--model` that opens it.
        path: Its directory, if it is on disk.
        state: `ready`, `incomplete` or `not downloaded`.
        size: Bytes on disk, or to be downloaded.
        licence: Its licence, as the model states it.
        note: What a person should know before choosing it.
        calibration: The file of the calibration that comes with it, if one does.
    """

    name: str
    path: Path | None
    state: str
    size: int
    licence: str
    note: str = ""
    calibration: Path | None = None
