"""What a subtitle track is: its kind, its language and its title, from the command line, the file or its name."""

from __future__ import annotations

import re
from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path

from marlin_edit.errors import UsageError
from marlin_edit.text import clean, is_language_tag
from marlin_edit_ffmpeg.attach.languages import UNKNOWN, is_known


class Kind(StrEnum):
    """What a track is for."""

    DESCRIPTIONS = "descriptions"
    CAPTIONS = "captions"
    SDH = "sdh"
    SUBTITLES = "subtitles"
    FORCED = "forced"


DISPOSITIONS: dict[Kind, tuple[str, ...]] = {
    Kind.DESCRIPTIONS: ("descriptions", "visual_impaired"),
    Kind.CAPTIONS: ("captions", "hearing_impaired"),
    Kind.SDH: ("captions", "hearing_impaired"),
    Kind.SUBTITLES: (),
    Kind.FORCED: ("forced",),
}
"""FFmpeg's marks of each kind. A track that is attached is never a default."""

_TITLES = {
    Kind.DESCRIPTIONS: "Descriptions",
    Kind.CAPTIONS: "Captions",
    Kind.SDH: "SDH",
    Kind.SUBTITLES: "Subtitles",
    Kind.FORCED: "Forced subtitles",
}
_WORDS = {
    **{kind.value: kind for kind in Kind},
    "description": Kind.DESCRIPTIONS,
    "caption": Kind.CAPTIONS,
    "cc": Kind.CAPTIONS,
    "subtitle": Kind.SUBTITLES,
    "subs": Kind.SUBTITLES,
    "forced": Kind.FORCED,
}
_NOT_SHOWN = ("metadata", "chapters")


@dataclass(frozen=True)
class Label:
    """What a track is. language: a BCP 47 tag; `und` if nobody says."""

    kind: Kind
    language: str
    title: str


@dataclass(frozen=True)
class Chosen:
    """What the command line says of a track."""

    kind: Kind | None = None
    language: str | None = None
    title: str | None = None


def label_of(path: Path, head: str, chosen: Chosen) -> Label:
    """What a track is: by the command line, else the beginning of its text, else its name.

    Raises:
        UsageError: It is said to be what it cannot be.
    """
    kind_word, language, title = _said_by(head)
    named_kind, named_language = _said_by_name(path)
    if kind_word in _NOT_SHOWN and chosen.kind is None:
        raise UsageError(
            f"{path.name} is a track of {kind_word}, which no player shows. If it is shown, add --track-kind."
        )
    stated = _WORDS.get(kind_word)
    if stated is Kind.DESCRIPTIONS and chosen.kind in (Kind.CAPTIONS, Kind.SDH):
        raise UsageError(
            f"{path.name} describes what is seen. It cannot be {chosen.kind.value}, which tell what is heard. "
            "Leave out --track-kind."
        )
    kind = chosen.kind or stated or named_kind or Kind.SUBTITLES
    if not is_language_tag(language):
        language = ""
    return Label(
        kind,
        chosen.language or language or named_language or UNKNOWN,
        chosen.title or (title if kind is stated else "") or _TITLES[kind],
    )


def _said_by(head: str) -> tuple[str, str, str]:
    """Kind, language and title in the head of a WebVTT file, `WEBVTT Kind: captions; Language: en; A title`, or of an
    .ass file, whose title says whether it has descriptions or captions; nothing for what is not said.
    """
    kind = language = title = ""
    if head.startswith("WEBVTT"):
        for number, line in enumerate(head.partition("\n\n")[0].split("\n")):
            for entry in line.removeprefix("WEBVTT").split(";"):
                key, colon, value = entry.strip().partition(":")
                if colon and key.lower() == "kind":
                    kind = value.strip().lower()
                elif colon and key.lower() == "language":
                    language = value.strip()
                elif number == 0 and not colon and kind:
                    title = clean(entry)
    elif head.startswith("[Script Info]"):
        found = re.search(r"^Title:(.*(description|caption).*)$", head, re.IGNORECASE | re.MULTILINE)
        if found is not None:
            kind, title = _WORDS[found[2].lower()].value, clean(found[1])
    return kind, language, title


def _said_by_name(path: Path) -> tuple[Kind | None, str]:
    """Kind and language in a name: `film.descriptions.en.vtt`, `film.en.sdh.srt`, `film.pt-BR.srt`."""
    kind: Kind | None = None
    language = ""
    for part in reversed(path.name.split(".")[1:-1]):
        tag = part.replace("_", "-")
        if kind is None and part.lower() in _WORDS:
            kind = _WORDS[part.lower()]
        elif not language and is_known(tag):
            language = tag
        else:
            break
    return kind, language
