"""From an analysis file, or the model vendor's own answer, to an `Analysis`; faults are named by their place."""

from __future__ import annotations

import json
import math
import re
from collections.abc import Callable
from dataclasses import replace
from fractions import Fraction
from pathlib import Path
from typing import Any, TypeVar

from marlin_edit.analysis import Analysis, Asked, Event, Finding, ModelIdentity, Origin, Scene, Verdict
from marlin_edit.errors import MarlinEditError
from marlin_edit.media import MediaInfo, Stream
from marlin_edit.text import clean
from marlin_edit.timebase import FrameRate, Span, parse_seconds, seconds_text
from marlin_edit_exporters.analysis_json.writing import SCHEMA

_LISTS = ("scenes", "events", "findings", "asked")
_KNOWN = {"schema", "media", "model", *_LISTS, "shots", "speech", "unread", "unseen", "cuts"}
_KNOWN_MEDIA = {
    "path", "duration", "rate", "drop_frame", "frame_count", "start_timecode", "reel", "width",
    "height", "video_stream", "streams", "fingerprint",
}  # fmt: skip
_KNOWN_MODEL = {"name", "revision", "profile", "dtype", "notice"}
_KNOWN_ENTRY = {
    "scenes": {"start", "end", "text", "origin"},
    "events": {"start", "end", "text", "flags", "origin", "marker_id"},
    "findings": {"start", "end", "query", "score", "signals", "flags", "verdict", "origin", "marker_id"},
}
_LONGEST_TIME = 10**9
_TIME = re.compile(r"[+-]?\d{1,30}(?:\.\d{1,30})?(?:[eE][+-]?\d{1,2})?|[+-]?\d{1,30}/\d{1,30}")

_T = TypeVar("_T")
_Json = dict[str, Any]


def read(content: bytes, media: MediaInfo | None) -> Analysis | tuple[Analysis, ...]:
    """An analysis file of this schema, or the model vendor's own `{"scene", "events"}` (which needs `media`).

    A file of several sources gives all of them, or with `media` the one that is of it, by its fingerprint or name.
    What the file says of its media stands; what it does not say is taken from `media`, and so is the path, because the
    caller knows where the media lies now. Raises MarlinEditError that names the place of what cannot be read.
    """
    document = _parsed(content)
    if document.get("schema") != SCHEMA or "sources" not in document:
        return _read_document(document, media)
    sources = [
        {"schema": SCHEMA} | _object(source, f"sources[{index}]")
        for index, source in enumerate(_list(document["sources"], "sources"))
    ]
    if len(sources) == 1:
        return _read_document(sources[0], media)
    if media is None:
        return tuple(_read_document(source, None) for source in sources)
    wanted = [source for source in sources if _is_of(source, media)]
    if len(wanted) != 1:
        names = ", ".join(clean(str(_object(source.get("media"), "media").get("path"))) for source in sources)
        raise MarlinEditError(f"None of its sources, or more than one, is {media.path.name}. They are: {names}.")
    return _read_document(wanted[0], media)


def _is_of(source: _Json, media: MediaInfo) -> bool:
    told = _object(source.get("media"), "media")
    if told.get("fingerprint") and media.fingerprint:
        return bool(told["fingerprint"] == media.fingerprint)
    return Path(str(told.get("path"))).name == media.path.name


def _read_document(document: _Json, media: MediaInfo | None) -> Analysis:
    if "schema" not in document:
        return _read_vendor(document, media)
    schema = document["schema"]
    if schema != SCHEMA:
        if isinstance(schema, str) and re.fullmatch(r"marlin-edit\.analysis/\d+", schema):
            raise MarlinEditError(f"This file is {schema}, and this version reads {SCHEMA}. Update marlin-edit.")
        raise _fault("schema", f"should be {SCHEMA!r}", schema)
    if not any(name in document for name in (*_LISTS, "shots", "speech")):
        raise MarlinEditError(f"This analysis has no list. Give at least one of {', '.join(_LISTS)}.")
    extra = {key: value for key, value in document.items() if key not in _KNOWN}
    told = document.get("media")
    if told is None and media is None:
        raise MarlinEditError("This analysis does not say which media it is of. Give it with --media FILE.")
    known_media = _read_media(_object(told, "media"), media) if told is not None else media
    assert known_media is not None
    model = document.get("model")
    # Without the frame times, that they vary is all that is known: it is kept like a key that is not understood.
    media_keys = _KNOWN_MEDIA | {"variable_rate"} if known_media.times is not None else _KNOWN_MEDIA
    for name, entry, known in (("media", told, media_keys), ("model", model, _KNOWN_MODEL)):
        if isinstance(entry, dict) and set(entry) - known:
            extra[name] = {key: value for key, value in entry.items() if key not in known}
    analysis = Analysis(
        media=known_media,
        model=_read_model(_object(model, "model")) if model is not None else None,
        scenes=_each(document, "scenes", _read_scene),
        events=_each(document, "events", _read_event),
        findings=_each(document, "findings", _read_finding),
        asked=_each(document, "asked", _read_asked),
        shots=_each(document, "shots", _time) if document.get("shots") is not None else None,
        speech=_each(document, "speech", _pair) if document.get("speech") is not None else None,
        unread=_each(document, "unread", _text),
        unseen=_each(document, "unseen", _pair),
    )
    for name, known in _KNOWN_ENTRY.items():
        unknown = _unknown_of_entries(document.get(name), known)
        if unknown:
            extra[name] = unknown
    return replace(analysis, extra=extra)


def _parsed(content: bytes) -> _Json:
    try:
        document = json.loads(content.decode("utf-8-sig"))
        _refuse_what_is_no_number(document, "")
    except UnicodeDecodeError as error:
        raise MarlinEditError(f"This is not JSON: it is not UTF-8 text (byte {error.start}).") from error
    except json.JSONDecodeError as error:
        raise MarlinEditError(
            f"This is not JSON: {error.msg.lower()} in line {error.lineno}, column {error.colno}."
        ) from error
    except ValueError as error:  # an integer of thousands of digits
        raise MarlinEditError("This is not an analysis: it holds a number of absurd length.") from error
    except RecursionError as error:
        raise MarlinEditError("This is not an analysis: its values are nested too deeply.") from error
    if not isinstance(document, dict):
        raise MarlinEditError(f"This is not an analysis: an object was expected, not {_kind(document)}.")
    return document


def _refuse_what_is_no_number(value: Any, place: str) -> None:
    if isinstance(value, float) and not math.isfinite(value):
        raise MarlinEditError(f"{place}: {value} is not a number that can be used.")
    if isinstance(value, dict):
        for key, inner in value.items():
            _refuse_what_is_no_number(inner, f"{place}.{key}" if place else key)
    elif isinstance(value, list):
        for index, inner in enumerate(value):
            _refuse_what_is_no_number(inner, f"{place}[{index}]")


def _unknown_of_entries(entries: Any, known: set[str]) -> list[_Json]:
    unknown = []
    for entry in entries if isinstance(entries, list) else ():
        if isinstance(entry, dict) and set(entry) - known:
            kept = {key: clean(entry[key]) for key in ("text", "query") if isinstance(entry.get(key), str)}
            kept |= {key: seconds_text(_time(entry[key], key)) for key in ("start", "end") if key in entry}
            unknown.append(kept | {key: value for key, value in entry.items() if key not in known})
    return unknown


def _read_media(entry: _Json, media: MediaInfo | None) -> MediaInfo:
    base = media or MediaInfo(path=Path(), duration=Fraction(0))
    if media is None:
        path = _text(entry.get("path", ""), "media.path", cleaned=False)
        if not path:
            raise MarlinEditError(
                "This analysis does not say where its media is (media.path). Give it with --media FILE."
            )
        base = replace(base, path=Path(path))
    changes: dict[str, Any] = {}
    rate = _read_rate(entry) if entry.get("rate") is not None else base.rate
    changes["rate"] = rate
    for key, name in (
        ("frame_count", "frame_count"),
        ("width", "width"),
        ("height", "height"),
        ("video_stream", "video_index"),
    ):
        if entry.get(key) is not None:
            changes[name] = _count(entry[key], f"media.{key}")
    for key in ("reel", "fingerprint"):
        if entry.get(key) is not None:
            changes[key] = _text(entry[key], f"media.{key}")
    if entry.get("duration") is not None:
        changes["duration"] = _time(entry["duration"], "media.duration")
    if entry.get("streams") is not None:
        streams = _list(entry["streams"], "media.streams")
        changes["streams"] = tuple(
            _read_stream(stream, f"media.streams[{index}]") for index, stream in enumerate(streams)
        )
    if entry.get("start_timecode") is not None:
        label = _text(entry["start_timecode"], "media.start_timecode")
        if rate is None:
            raise MarlinEditError("media.start_timecode: a time code needs media.rate. Give it with --rate.")
        try:
            changes["start_frame"] = rate.frame_of(label)
        except MarlinEditError as error:
            raise MarlinEditError(f"media.start_timecode: {error}") from error
        changes["has_timecode"] = True
    if rate is not None and "duration" not in changes and not base.duration:
        changes["duration"] = rate.seconds(changes.get("frame_count", base.frame_count))
    if rate is not None and "frame_count" not in changes and not base.frame_count:
        changes["frame_count"] = max(0, rate.first_frame_at(changes.get("duration", base.duration)))
    if entry.get("variable_rate") and base.times is None:
        note = "The rate varies, and only the media itself tells when each frame is shown: times are approximate."
        changes["notes"] = (*base.notes, note)
    return replace(base, **changes)


def _read_rate(entry: _Json) -> FrameRate:
    value = entry["rate"]
    drop_frame = entry.get("drop_frame", ";" in str(entry.get("start_timecode", "")))
    if not isinstance(drop_frame, bool):
        raise _fault("media.drop_frame", "should be true or false", drop_frame)
    if isinstance(value, bool) or not isinstance(value, (int, float, str)) or len(str(value)) > 40:
        raise _fault("media.rate", 'should be a frame rate like "25" or "24000/1001"', value)
    try:
        rate = FrameRate.parse(str(value))
        if rate.value > 1000:
            raise MarlinEditError(f"{value} frames a second cannot be.")
        return FrameRate(rate.value, drop_frame or rate.drop_frame)
    except MarlinEditError as error:
        raise MarlinEditError(f"media.rate: {error}") from error


def _read_stream(value: Any, place: str) -> Stream:
    entry = _object(value, place)
    default = entry.get("default", False)
    if not isinstance(default, bool):
        raise _fault(f"{place}.default", "should be true or false", default)
    return Stream(
        index=_count(entry.get("index"), f"{place}.index"),
        kind=_text(entry.get("kind"), f"{place}.kind"),
        codec=_text(entry.get("codec", ""), f"{place}.codec"),
        language=_text(entry["language"], f"{place}.language") if entry.get("language") is not None else None,
        title=_text(entry["title"], f"{place}.title") if entry.get("title") is not None else None,
        default=default,
        detail=_text(entry.get("detail", ""), f"{place}.detail"),
    )


def _read_model(entry: _Json) -> ModelIdentity:
    names = ("name", "revision", "profile", "dtype", "notice")
    return ModelIdentity(*(_text(entry.get(name) or "", f"model.{name}") for name in names))


def _read_scene(value: Any, place: str) -> Scene:
    entry = _object(value, place)
    return Scene(_span(entry, place), _text(entry.get("text"), f"{place}.text"), _read_origin(entry, place))


def _read_event(value: Any, place: str) -> Event:
    entry = _object(value, place)
    text = _text(entry.get("text"), f"{place}.text")
    flags, origin = _flags(entry, place), _read_origin(entry, place)
    return Event(_span(entry, place), text, flags, origin, _read_marker_id(entry, place))


def _read_finding(value: Any, place: str) -> Finding:
    entry = _object(value, place)
    score = entry.get("score")
    if score is not None and not 0 <= (score := _number(score, f"{place}.score")) <= 1:
        raise _fault(f"{place}.score", "should lie between 0 and 1", score)
    signals = _object(entry.get("signals") or {}, f"{place}.signals")
    verdict = entry.get("verdict")
    if verdict is not None and verdict not in (Verdict.ACCEPTED.value, Verdict.REJECTED.value):
        raise _fault(f"{place}.verdict", 'should be "accepted", "rejected" or null', verdict)
    return Finding(
        span=_span(entry, place),
        query=_text(entry.get("query"), f"{place}.query"),
        score=score,
        signals={name: _number(signal, f"{place}.signals.{name}") for name, signal in signals.items()},
        flags=_flags(entry, place),
        verdict=Verdict(verdict) if verdict is not None else None,
        origin=_read_origin(entry, place),
        marker_id=_read_marker_id(entry, place),
    )


def _read_marker_id(entry: _Json, place: str) -> str:
    return _text(entry.get("marker_id") or "", f"{place}.marker_id")


def _read_asked(value: Any, place: str) -> Asked:
    entry = _object(value, place)
    query = entry.get("query")
    looked_at = _list(entry.get("looked_at", []), f"{place}.looked_at")
    return Asked(
        _text(query, f"{place}.query") if query is not None else None,
        tuple(_pair(pair, f"{place}.looked_at[{index}]") for index, pair in enumerate(looked_at)),
    )


def _read_origin(entry: _Json, place: str) -> Origin:
    if entry.get("origin") is None:
        return Origin()
    place = f"{place}.origin"
    origin = _object(entry["origin"], place)
    windows = _list(origin.get("windows", []), f"{place}.windows")
    more = _list(origin.get("more", []), f"{place}.more")
    return Origin(
        tuple(_pair(pair, f"{place}.windows[{index}]") for index, pair in enumerate(windows)),
        _text(origin.get("raw", ""), f"{place}.raw", cleaned=False),
        tuple(_text(answer, f"{place}.more[{index}]", cleaned=False) for index, answer in enumerate(more)),
    )


def _flags(entry: _Json, place: str) -> tuple[str, ...]:
    flags = _list(entry.get("flags") or [], f"{place}.flags")
    return tuple(_text(flag, f"{place}.flags[{index}]") for index, flag in enumerate(flags))


def _read_vendor(document: _Json, media: MediaInfo | None) -> Analysis:
    """`{"scene": text, "events": [{"start", "end", "description"}]}`, as the model's own helper returns it.

    The events come straight from a model's answer, so that a reversed one is told in `unread` and stops nothing.
    """
    if "events" not in document and not isinstance(document.get("scene"), str):
        raise MarlinEditError(
            f'This is not an analysis: it needs "schema": "{SCHEMA}" (or "scene" and "events", as the model\'s own '
            "helper returns them)."
        )
    if media is None:
        raise MarlinEditError("This file does not say which media it is of. Give it with --media FILE.")
    scene = _text(document.get("scene") or "", "scene")
    if scene and not media.duration:
        raise MarlinEditError("The scene is of the whole media, whose length is not known. Give it with --duration.")
    events, unread = [], []
    for index, value in enumerate(_list(document.get("events") or [], "events")):
        place = f"events[{index}]"
        entry = _object(value, place)
        text = _text(entry.get("description", entry.get("text")), f"{place}.description")
        start, end = _time(entry.get("start"), f"{place}.start"), _time(entry.get("end"), f"{place}.end")
        if start < end:
            events.append(Event(Span(start, end), text))
        else:
            unread.append(f"{place}: {seconds_text(start)} - {seconds_text(end)} s is no span: {text}")
    known = {"scene", "events", "caption", "raw"}
    return Analysis(
        media=media,
        scenes=(Scene(Span(Fraction(0), media.duration), scene),) if scene else (),
        events=tuple(events),
        unread=tuple(unread),
        extra={key: value for key, value in document.items() if key not in known and key not in _KNOWN},
    )


def _each(document: _Json, name: str, read_entry: Callable[[Any, str], _T]) -> tuple[_T, ...]:
    entries = _list(document.get(name) or [], name)
    return tuple(read_entry(entry, f"{name}[{index}]") for index, entry in enumerate(entries))


def _span(entry: _Json, place: str) -> Span:
    start, end = _time(entry.get("start"), f"{place}.start"), _time(entry.get("end"), f"{place}.end")
    if start >= end:
        raise _fault(f"{place}.end", f"should come after the start ({seconds_text(start)})", seconds_text(end))
    return Span(start, end)


def _pair(value: Any, place: str) -> Span:
    pair = _list(value, place)
    if len(pair) != 2:
        raise _fault(place, 'should be a start and an end, like ["0", "60"]', value)
    return _span({"start": pair[0], "end": pair[1]}, place)


def _time(value: Any, place: str) -> Fraction:
    expected = 'should be seconds from zero, like 14.3, "14.3" or "1001/24"'
    if isinstance(value, bool) or not isinstance(value, (int, float, str)) or not _TIME.fullmatch(str(value)):
        raise _fault(place, expected, value)
    try:
        seconds = parse_seconds(value)
    except MarlinEditError as error:
        raise _fault(place, expected, value) from error
    if seconds < 0:
        raise _fault(place, "should not be before zero", value)
    if seconds > _LONGEST_TIME:
        raise _fault(place, "is longer than any media", value)
    return seconds


def _number(value: Any, place: str) -> float:
    if isinstance(value, bool) or not isinstance(value, (int, float)) or abs(value) > 1e300:
        raise _fault(place, "should be a number", value)
    return float(value)


def _count(value: Any, place: str) -> int:
    if isinstance(value, bool) or not isinstance(value, int) or not 0 <= value < 10**12:
        raise _fault(place, "should be a whole number from 0", value)
    return value


def _text(value: Any, place: str, *, cleaned: bool = True) -> str:
    if not isinstance(value, str):
        raise _fault(place, "should be text", value)
    return clean(value) if cleaned else value


def _list(value: Any, place: str) -> list[Any]:
    if not isinstance(value, list):
        raise _fault(place, "should be a list", value)
    return value


def _object(value: Any, place: str) -> _Json:
    if not isinstance(value, dict):
        raise _fault(place, "should be an object", value)
    return value


def _kind(value: Any) -> str:
    if value is None:
        return "nothing"
    if isinstance(value, (dict, list)):
        return "an object" if isinstance(value, dict) else "a list"
    text = clean(json.dumps(value))
    return text if len(text) <= 60 else text[:57] + "..."


def _fault(place: str, expected: str, value: Any) -> MarlinEditError:
    return MarlinEditError(f"{place}: this {expected}, not {_kind(value)}.")
