"""Names of clips from a template like `{stem}_{n:03}_{query}`: safe on every system, inside the directory, each once.

A field's text is made a safe part of a name before it is put in. A field that is empty takes the separator before it
with it. What would be named like another one gets `_2`, `_3`.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from string import Formatter

from marlin_edit import files
from marlin_edit.edit import Cut, Edit
from marlin_edit.errors import UsageError, did_you_mean

DEFAULT = "{stem}_{n:03}_{name}"
LONGEST = 200
"""Bytes of a name without its suffix: every file system takes 255, and a temporary name is longer by a little."""

_LONGEST_FIELD = 80
_SEPARATORS = " _-.,+"

Value = str | int | float | None


@dataclass(frozen=True)
class Field:
    """What a template can name: its value for the n-th cut, and how a format for it looks."""

    value: Callable[[Cut, int], Value]
    format: re.Pattern[str]
    help: str


_TEXT = re.compile(r"(\.\d{1,3})?")
_WHOLE = re.compile(r"(0?\d{1,2})?d?")
_DECIMAL = re.compile(r"(0?\d{1,2})?(\.\d{1,2}f?)?")


def _timecode(cut: Cut, frame: int) -> str:
    media = cut.source.media
    label = media.timecode_of(frame) if media.rate is not None else ""
    return re.sub("[:;]", "-", label)


FIELDS: Mapping[str, Field] = {
    "stem": Field(lambda cut, n: cut.source.media.path.stem, _TEXT, "the source's name without its suffix"),
    "source": Field(lambda cut, n: cut.source.media.path.name, _TEXT, "the source's name"),
    "reel": Field(lambda cut, n: cut.source.media.reel or "", _TEXT, "the source's reel, where it has one"),
    "n": Field(lambda cut, n: n, _WHOLE, "the cut's number, from 1; {n:03} is 001"),
    "name": Field(lambda cut, n: cut.name, _TEXT, "what the cut was kept for: its query"),
    "query": Field(lambda cut, n: cut.finding.query if cut.finding else "", _TEXT, "the query of its finding"),
    "score": Field(lambda cut, n: cut.finding.score if cut.finding else None, _DECIMAL, "the finding's score"),
    "in_tc": Field(lambda cut, n: _timecode(cut, cut.frames.first), _TEXT, "source time code of the in point"),
    "out_tc": Field(lambda cut, n: _timecode(cut, cut.frames.stop), _TEXT, "source time code of the out point"),
    "in_s": Field(lambda cut, n: float(cut.span.start), _DECIMAL, "seconds of the in point"),
    "out_s": Field(lambda cut, n: float(cut.span.end), _DECIMAL, "seconds of the out point"),
    "in_f": Field(lambda cut, n: cut.frames.first, _WHOLE, "frame of the in point"),
    "out_f": Field(lambda cut, n: cut.frames.stop, _WHOLE, "frame of the out point"),
    "duration": Field(lambda cut, n: float(cut.span.length), _DECIMAL, "its length in seconds"),
    "frames": Field(lambda cut, n: cut.frames.count, _WHOLE, "its length in frames"),
}


def parse_template(text: str) -> str:
    """A template that can be filled for every cut; UsageError says what is wrong with it."""
    for literal, name, form, conversion in _parts(text):
        if re.search(r"[/\\\x00-\x1f]", literal):
            raise UsageError(f"{text!r} has a directory in it. Choose the directory with --out-dir.")
        if name is None:
            continue
        if name not in FIELDS:
            raise UsageError(
                f"{text!r}: there is no field {{{name}}}.{did_you_mean(name, FIELDS)} Fields: {', '.join(FIELDS)}."
            )
        if conversion or not FIELDS[name].format.fullmatch(form or ""):
            raise UsageError(
                f"{text!r}: {{{name}}} cannot be written that way. Try {{{name}}}, {{n:03}} or {{in_s:.1f}}."
            )
    if not text.strip():
        raise UsageError(f"A name cannot be empty. Write it like {DEFAULT}.")
    return text


def clip_names(edit: Edit, template: str) -> tuple[str, ...]:
    """A name for each cut, without a suffix; no two are one on any system."""
    taken: set[str] = set()
    names = []
    for number, cut in enumerate(edit.cuts, 1):
        name = filled(template, {field: FIELDS[field].value(cut, number) for field in fields_of(template)})
        unique, again = name, 1
        while _same(unique) in taken:
            again += 1
            unique = f"{name}_{again}"
        taken.add(_same(unique))
        names.append(unique)
    return tuple(names)


def names_known_early(template: str, video: Path, queries: Sequence[str]) -> str | None:
    """The first clip's name where it does not depend on what is found; None where it does."""
    used = set(fields_of(template))
    if not used <= {"stem", "source", "n", "name", "query"} or (used & {"name", "query"} and len(queries) != 1):
        return None
    query = queries[0] if queries else ""
    return filled(template, {"stem": video.stem, "source": video.name, "n": 1, "name": query, "query": query})


def fields_of(template: str) -> tuple[str, ...]:
    """The fields that a template uses."""
    return tuple(name for _, name, _, _ in _parts(template) if name is not None)


def filled(template: str, values: Mapping[str, Value]) -> str:
    """A template with its fields: one safe part of a path."""
    made = ""
    for literal, name, form, _ in _parts(template):
        made += literal
        if name is None:
            continue
        text = _text(values[name], form or "")
        made = made + text if text else made.rstrip(_SEPARATORS)
    return files.safe_name(made.lstrip(_SEPARATORS), LONGEST)


def _text(value: Value, form: str) -> str:
    if value is None or value == "":
        return ""
    if isinstance(value, str):
        longest = int(form[1:]) if form else _LONGEST_FIELD
        return files.safe_name(value, min(longest, LONGEST))
    if isinstance(value, float):
        return format(value, (form or ".3") if form.endswith("f") else (form or ".3") + "f")
    return format(value, form)


def _same(name: str) -> str:
    """What two names share where a system takes them for one."""
    return unicodedata.normalize("NFC", name).casefold()


def _parts(text: str) -> list[tuple[str, str | None, str | None, str | None]]:
    try:
        return list(Formatter().parse(text))
    except ValueError as error:
        raise UsageError(f"{text!r} is not a name: {error}. Write it like {DEFAULT}.") from error
