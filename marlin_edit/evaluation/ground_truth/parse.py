"""Reads a truth file: our own format here, those of public data sets in `datasets.py`. Content decides which it is."""

from __future__ import annotations

import json
import re
from decimal import Decimal
from pathlib import Path
from typing import Any

from marlin_edit.errors import MarlinEditError
from marlin_edit.evaluation.ground_truth import datasets
from marlin_edit.evaluation.ground_truth.values import (
    TrueEvent,
    TrueQuery,
    TrueVideo,
    Truth,
    distinct,
    in_order,
    query_words,
)
from marlin_edit.json_values import (
    checked_list,
    checked_object,
    checked_pair,
    checked_span,
    checked_text,
    fault,
    parsed_json,
    utf8_text,
)
from marlin_edit.timebase import Span

SCHEMA = "marlin-edit.truth/1"

_KNOWN = "docs/evaluation.md describes the format, and which data sets' annotations are read"


def read_truth(path: Path, videos: Path | None = None) -> Truth:
    """What a truth file says; MarlinEditError names the place of what cannot be read.

    videos: a directory in which, and below which, media is looked for: what our own format names and is not beside the
    truth file, and all media of data sets, whose annotations know it by an id.
    """
    try:
        content = path.read_bytes()
    except OSError as error:
        raise MarlinEditError(f"{path} cannot be read: {error.strerror}.") from error
    if videos is not None and not videos.is_dir():
        raise MarlinEditError(f"There is no directory {videos} to look for videos in.")
    try:
        return _read(utf8_text(content, "a truth file"), path, videos)
    except MarlinEditError as error:
        raise type(error)(f"{path.name}: {error}") from error


def _read(text: str, path: Path, videos: Path | None) -> Truth:
    if not text.strip():
        raise MarlinEditError(f"The file is empty; {_KNOWN}.")
    if not text.lstrip().startswith(("{", "[")):
        if "##" in text.lstrip().splitlines()[0]:
            return datasets.read_charades_sta(text, videos)
        raise MarlinEditError(f"This is neither JSON nor Charades-STA (lines with ##); {_KNOWN}.")
    lines = _json_lines(text)
    if lines is not None:
        return datasets.read_qvhighlights(lines, videos)
    document = parsed_json(text, "a truth file", Decimal)
    if not isinstance(document, dict):
        raise MarlinEditError(f"An object was expected, not a list; {_KNOWN}.")
    if "schema" in document:
        return _read_own(document, path, videos)
    first = next(iter(document.values()), None)
    if isinstance(first, dict) and "timestamps" in first:
        return datasets.read_activitynet_captions(document, videos)
    if isinstance(first, dict) and "spans" in first and "queries" in first:
        return datasets.read_timelens_bench(document, videos)
    raise MarlinEditError(f'There is no "schema": "{SCHEMA}" here, and no annotation that is known; {_KNOWN}.')


def _json_lines(text: str) -> list[tuple[int, Any]] | None:
    """Each line's number and value where the text is JSON lines, which QVHighlights has; None where it is not."""
    numbered = [(number, line) for number, line in enumerate(text.splitlines(), 1) if line.strip()]
    try:
        first = json.loads(numbered[0][1])
    except (ValueError, RecursionError):
        return None
    if not isinstance(first, dict) or "vid" not in first:
        return None
    values = []
    for number, line in numbered:
        try:
            values.append((number, parsed_json(line, "an annotation", Decimal)))
        except MarlinEditError as error:
            raise MarlinEditError(f"line {number}: {error}") from error
    return values


def _read_own(document: dict[str, Any], path: Path, videos: Path | None) -> Truth:
    schema = document["schema"]
    if schema != SCHEMA:
        if isinstance(schema, str) and re.fullmatch(r"marlin-edit\.truth/\d+", schema):
            raise MarlinEditError(
                f"The schema of this file is {schema}; this version reads {SCHEMA}. Update marlin-edit."
            )
        raise fault("schema", f"should be {SCHEMA!r}", schema)
    read: list[TrueVideo] = []
    for index, value in enumerate(checked_list(document.get("videos"), "videos")):
        place = f"videos[{index}]"
        video = _read_video(checked_object(value, place), place, path, videos)
        if any((other.path, other.part) == (video.path, video.part) for other in read):
            raise MarlinEditError(f"{place}: {video.path.name} is listed twice. Put all of it into one entry.")
        read.append(video)
    if not read:
        raise MarlinEditError("videos: the list is empty. Give at least one video.")
    return Truth(tuple(read))


def _read_video(entry: dict[str, Any], place: str, truth: Path, videos: Path | None) -> TrueVideo:
    name = checked_text(entry.get("path"), f"{place}.path", cleaned=False)
    if not name or "\0" in name:
        raise fault(f"{place}.path", "should be the name of a media file", name)
    part = None if entry.get("part") is None else checked_pair(entry["part"], f"{place}.part")
    if entry.get("queries") is None and entry.get("events") is None:
        raise MarlinEditError(f"{place}: this video has no queries and no events. Give it some.")
    queries: list[TrueQuery] = []
    for index, value in enumerate(checked_list(entry.get("queries") or [], f"{place}.queries")):
        query = _read_query(value, f"{place}.queries[{index}]", part)
        if any(other.query == query.query for other in queries):
            raise MarlinEditError(
                f"{place}.queries[{index}]: {query.query!r} is listed twice. Give all its spans in one entry."
            )
        queries.append(query)
    events = None
    if entry.get("events") is not None:
        listed = checked_list(entry["events"], f"{place}.events")
        events = in_order([_read_event(value, f"{place}.events[{index}]", part) for index, value in enumerate(listed)])
    path = truth.parent / name
    if videos is not None and not path.is_file() and (videos / name).is_file():
        path = videos / name
    return TrueVideo(path, tuple(queries), events, part)


def _read_query(value: Any, place: str, part: Span | None) -> TrueQuery:
    entry = checked_object(value, place)
    query = query_words(checked_text(entry.get("query"), f"{place}.query"))
    if not query:
        raise fault(f"{place}.query", 'should be one visible action, like "a door opens"', "")
    if "spans" not in entry:
        raise MarlinEditError(f"{place}: the spans are missing. If the thing is not there, write an empty list.")
    spans = [
        _inside(checked_pair(pair, f"{place}.spans[{index}]"), part, f"{place}.spans[{index}]")
        for index, pair in enumerate(checked_list(entry["spans"], f"{place}.spans"))
    ]
    return TrueQuery(query, distinct(spans), checked_text(entry.get("kind") or "", f"{place}.kind"))


def _read_event(value: Any, place: str, part: Span | None) -> TrueEvent:
    entry = checked_object(value, place)
    text = checked_text(entry.get("text"), f"{place}.text")
    return TrueEvent(_inside(checked_span(entry, place), part, place), text)


def _inside(span: Span, part: Span | None, place: str) -> Span:
    if part is not None and span.within(part) != span:
        raise MarlinEditError(
            f"{place}: {span} reaches out of the part ({part}). Times count from the file's zero, also in a part."
        )
    return span
