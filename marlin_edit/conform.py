"""What every cut list needs first: one rate for all sources, and their reels, names, paths and sound."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterable
from dataclasses import replace
from fractions import Fraction
from pathlib import Path, PureWindowsPath

from marlin_edit.analysis import Analysis
from marlin_edit.edit import Edit
from marlin_edit.errors import MarlinEditError
from marlin_edit.media import MediaInfo, Stream
from marlin_edit.path_map import PathMap, is_windows_path
from marlin_edit.text import clean

REEL_LENGTH = 8
_STANDARD_RATES = frozenset(
    {Fraction(whole) for whole in (24, 25, 30, 48, 50, 60)}
    | {Fraction(whole * 1000, 1001) for whole in (24, 30, 48, 60)}
)
"""The frame rates that editing programs have, and that time code of two digits can count."""

_HIGH_RATES = frozenset({Fraction(100), Fraction(120_000, 1001), Fraction(120)})
"""Frame rates of high-speed footage: they need three digits for frames."""

_CHANNELS = {
    "mono": 1,
    "stereo": 2,
    "downmix": 2,
    "2.1": 3,
    "3.0": 3,
    "quad": 4,
    "4.0": 4,
    "5.0": 5,
    "5.1": 6,
    "7.1": 8,
}


def sources_used(edit: Edit) -> tuple[Analysis, ...]:
    """The sources of the cuts, each once, in the order in which the cuts use them; without cuts, all sources."""
    used = [cut.source for cut in edit.cuts] or list(edit.sources)
    return tuple({source.media.path: source for source in used}.values())


def notes_on_other_rates(edit: Edit) -> list[str]:
    """A note on each source whose rate is not the edit's, for formats that can have several.

    Raises:
        MarlinEditError: A source has no picture.
    """
    notes = []
    for source in sources_used(edit):
        media = source.media
        if media.rate is None:
            raise MarlinEditError(f"{media.path.name} has no picture, so there are no frames to cut.")
        if media.rate.value != edit.rate.value:
            notes.append(
                f"{file_name(media)} runs at {media.rate.name} fps and the timeline at {edit.rate.name}; its cuts end "
                "on the timeline's nearest frame"
            )
    return notes


def check_one_rate(edit: Edit) -> None:
    """Check that all sources have the edit's rate.

    Raises:
        MarlinEditError: A source has another rate, counts its time code differently, or has no picture.
    """
    for source in sources_used(edit):
        media = source.media
        if media.rate is None:
            raise MarlinEditError(f"{media.path.name} has no picture, so there are no frames to cut.")
        if media.rate != edit.rate:
            raise MarlinEditError(
                f"{media.path.name} runs at {media.rate.name} fps and the edit at {edit.rate.name} fps; one cut list "
                "has one rate. Convert the source first, or write an edit for each rate."
            )


def check_standard_rate(edit: Edit, what: str, *, by_label: bool = True) -> None:
    """Check that the edit's rate is one that editing programs have.

    Args:
        edit: The edit.
        what: What needs such a rate, as a sentence begins: `An EDL`.
        by_label: It has time code of two digits for frames, and so none for 100 to 120 fps.

    Raises:
        MarlinEditError: It is not.
    """
    if edit.rate.value not in (_STANDARD_RATES if by_label else _STANDARD_RATES | _HIGH_RATES):
        reason = "has two digits for frames" if edit.rate.base > 60 and by_label else "knows the standard rates only"
        more = ", a .fcpxml or a .xml" if edit.rate.value in _HIGH_RATES else ""
        raise MarlinEditError(
            f"{what} {reason}, and this edit runs at {edit.rate.name} fps. Write an .otio instead{more}, or "
            "convert the source to a standard rate."
        )


def notes_on_rates(edit: Edit) -> list[str]:
    """A note on each source of variable rate, for the person who conforms the edit."""
    names = [clean(source.media.path.name) for source in sources_used(edit) if source.media.variable_rate]
    return [
        f"{name} has a variable rate; it is counted at {edit.rate.name} fps, each frame at the nearest one. Convert it "
        "to a constant rate first if single frames count"
        for name in names
    ]


def reels_of(medias: Iterable[MediaInfo]) -> dict[Path, str]:
    """A reel name for each media file, legal in CMX 3600 and unique: `[A-Z0-9_]`, at most eight; else `AX`.

    It is the media's own reel name, or its file name without the suffix. `BL` means black in CMX 3600 and is not used.
    """
    reels: dict[Path, str] = {}
    taken = {"BL"}
    for media in medias:
        if media.path in reels:
            continue
        base = legal_reel(media.reel or "") or legal_reel(media.path.stem) or "AX"
        reel, number = base, 1
        while reel in taken:
            number += 1
            reel = base[: REEL_LENGTH - len(str(number))] + str(number)
        taken.add(reel)
        reels[media.path] = reel
    return reels


def legal_reel(name: str) -> str:
    """The name in the characters that a reel name may have, without accents; empty if nothing is left."""
    plain = unicodedata.normalize("NFKD", clean(name)).upper()
    plain = "".join(character for character in plain if not unicodedata.combining(character))
    return re.sub("[^A-Z0-9_]+", "_", plain).strip("_")[:REEL_LENGTH]


def with_paths(edit: Edit, paths: PathMap) -> Edit:
    """The edit with the media where they are on another machine."""
    if not paths.pairs:
        return edit
    sources = {
        id(source): replace(source, media=replace(source.media, path=paths.mapped(source.media.path)))
        for source in (*edit.sources, *(cut.source for cut in edit.cuts))
    }
    cuts = tuple(replace(cut, source=sources[id(cut.source)]) for cut in edit.cuts)
    return replace(edit, sources=tuple(sources[id(source)] for source in edit.sources), cuts=cuts)


def full_path(media: MediaInfo) -> str:
    """The absolute path without `..`, as the media's system writes it; a Windows path stays as it is elsewhere."""
    text = str(media.path)
    if is_windows_path(text):
        return text
    path = media.path.absolute()
    # `..` behind a link leads elsewhere than the text says, so it is followed; other links stay as they are.
    return str(path.resolve() if ".." in path.parts else path)


def file_name(media: MediaInfo) -> str:
    """The file's name, as it may be shown."""
    text = str(media.path)
    return clean(PureWindowsPath(text).name if is_windows_path(text) else media.path.name)


def file_stem(media: MediaInfo) -> str:
    """The file's name without its suffix, as it may be shown."""
    text = str(media.path)
    return clean(PureWindowsPath(text).stem if is_windows_path(text) else media.path.stem)


def file_url(media: MediaInfo) -> str:
    """The percent-encoded `file:///` URL of the media."""
    text = full_path(media)
    return PureWindowsPath(text).as_uri() if is_windows_path(text) else Path(text).as_uri()


def sounds(media: MediaInfo) -> tuple[Stream, ...]:
    """The audio streams."""
    return tuple(stream for stream in media.streams if stream.kind == "audio")


def channels_of(stream: Stream) -> int:
    """How many channels an audio stream has; two if that is not known."""
    layout = re.sub(r"^\d+ Hz ?", "", stream.detail)
    counted = re.match(r"(\d+) channels", layout)
    return int(counted[1]) if counted else _CHANNELS.get(layout.partition("(")[0], 2)


def sample_rate_of(stream: Stream) -> int:
    """Samples per second; 48000 if that is not known."""
    found = re.match(r"(\d+) Hz", stream.detail)
    return int(found[1]) if found and int(found[1]) > 0 else 48_000


def picture_size(media: MediaInfo) -> tuple[int, int]:
    """Width and height in pixels as the picture is shown, upright; 1920 by 1080 if they are not known."""
    size = (media.width, media.height) if media.width and media.height else (1920, 1080)
    return (size[1], size[0]) if media.rotation in (90, 270) else size
