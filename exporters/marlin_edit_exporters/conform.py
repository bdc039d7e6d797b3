"""What every cut list needs to know first: one rate for all, reels and names that lead back to the sources."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterable
from pathlib import Path

from marlin_edit.analysis import Analysis
from marlin_edit.edit import Edit, frames_of
from marlin_edit.errors import MarlinEditError
from marlin_edit.media import MediaInfo
from marlin_edit.text import clean
from marlin_edit.timebase import FrameRange, Span

REEL_LENGTH = 8


def sources_used(edit: Edit) -> tuple[Analysis, ...]:
    """The sources of the cuts, each once, in the order in which the cuts use them; without cuts, all sources."""
    used = [cut.source for cut in edit.cuts] or list(edit.sources)
    return tuple({source.media.path: source for source in used}.values())


def check_one_rate(edit: Edit) -> None:
    """Raises MarlinEditError where a source runs at another rate, or counts its time code otherwise, than the edit."""
    for source in sources_used(edit):
        media = source.media
        if media.rate is None:
            raise MarlinEditError(f"{media.path.name} has no picture, so there are no frames to cut.")
        if media.rate != edit.rate:
            raise MarlinEditError(
                f"{media.path.name} runs at {media.rate.name} fps and the edit at {edit.rate.name} fps; one cut list "
                "has one rate. Convert the source first, or write an edit for each rate."
            )


def notes_on_rates(edit: Edit) -> list[str]:
    """What a person should know who conforms sources whose rate varies."""
    names = [clean(source.media.path.name) for source in sources_used(edit) if source.media.variable_rate]
    return [
        f"the rate of {name} varies, and its frames are counted at {edit.rate.name} fps: convert it to a constant rate "
        "before you conform"
        for name in names
    ]


def frames_or_none(span: Span, media: MediaInfo) -> FrameRange | None:
    """The frames of a span, or None where it begins after the end of the media."""
    if media.rate is None or media.first_frame_at(span.start) >= media.frame_count:
        return None
    return frames_of(span, media)


def reels_of(medias: Iterable[MediaInfo]) -> dict[Path, str]:
    """A reel for each media, legal in CMX 3600 and unique: `[A-Z0-9_]`, at most eight; `AX` when nothing is known.

    It is the media's own reel, or its file name without the suffix. `BL` means black there, and is no reel.
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
    """The name in the characters that a reel may have, accents dropped; empty where nothing is left of it."""
    plain = unicodedata.normalize("NFKD", clean(name)).upper()
    plain = "".join(character for character in plain if not unicodedata.combining(character))
    return re.sub("[^A-Z0-9_]+", "_", plain).strip("_")[:REEL_LENGTH]
