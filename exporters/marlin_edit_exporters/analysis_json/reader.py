"""From an analysis file, or the model vendor's own answer, to an `Analysis`; faults are named by their place."""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import replace
from fractions import Fraction
from pathlib import Path
from typing import Any, TypeVar

from marlin_edit.analysis import (
    Analysis,
    Asked,
    Event,
    Finding,
    Look,
    ModelIdentity,
    Origin,
    Scene,
    Sense,
    SpokenWord,
    TextRun,
    Utterance,
    Verdict,
    WordEvidence,
)
from marlin_edit.errors import MarlinEditError
from marlin_edit.json_values import (
    checked_count,
    checked_list,
    checked_number,
    checked_object,
    checked_pair,
    checked_span,
    checked_text,
    checked_time,
    fault,
    kind_of,
    parsed_json,
    utf8_text,
)
from marlin_edit.media import MediaInfo, Stream
from marlin_edit.text import clean
from marlin_edit.timebase import FrameRate, Span, seconds_text, short_seconds
from marlin_edit_exporters.analysis_json.writer import SCHEMA

_LISTS = ("scenes", "events", "findings", "asked")
_KNOWN = {
    "schema", "media", "model", *_LISTS, "shots", "speech", "unread", "unseen", "threshold", "accepts_unclear",
    "results", "cuts",
}  # fmt: skip
_KNOWN_MEDIA = {
    "path", "duration", "rate", "drop_frame", "frame_count", "start_timecode", "reel", "width",
    "height", "video_stream", "streams", "fingerprint",
}  # fmt: skip
_KNOWN_MODEL = {"name", "revision", "profile", "dtype", "notice"}
_KNOWN_ENTRY = {
    "scenes": {"start", "end", "text", "origin"},
    "events": {"start", "end", "text", "flags", "origin", "marker_id", "note", "runs", "place"},
    "findings": {
        "start",
        "end",
        "query",
        "score",
        "signals",
        "flags",
        "verdict",
        "origin",
        "marker_id",
        "note",
        "words",
        "accepted",
        "grade",
        "reason",
        "source",
        "quote",
    },
    "speech": {"start", "end", "text", "words", "confidence", "speaker", "language"},
}

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
        {"schema": SCHEMA} | checked_object(source, f"sources[{index}]")
        for index, source in enumerate(checked_list(document["sources"], "sources"))
    ]
    if len(sources) == 1:
        return _read_document(sources[0], media)
    if media is None:
        return tuple(_read_document(source, None) for source in sources)
    wanted = [source for source in sources if _is_of(source, media)]
    if len(wanted) != 1:
        names = ", ".join(clean(str(checked_object(source.get("media"), "media").get("path"))) for source in sources)
        raise MarlinEditError(f"None of its sources, or more than one, is {media.path.name}. They are: {names}.")
    return _read_document(wanted[0], media)


def _is_of(source: _Json, media: MediaInfo) -> bool:
    given = checked_object(source.get("media"), "media")
    if given.get("fingerprint") and media.fingerprint:
        return bool(given["fingerprint"] == media.fingerprint)
    return Path(str(given.get("path"))).name == media.path.name


def _read_document(document: _Json, media: MediaInfo | None) -> Analysis:
    if "schema" not in document:
        return _read_vendor(document, media)
    schema = document["schema"]
    if schema != SCHEMA:
        if isinstance(schema, str) and re.fullmatch(r"marlin-edit\.analysis/\d+", schema):
            raise MarlinEditError(
                f"The schema of this file is {schema}; this version reads {SCHEMA}. Update marlin-edit."
            )
        raise fault("schema", f"should be {SCHEMA!r}", schema)
    if not any(name in document for name in (*_LISTS, "shots", "speech")):
        raise MarlinEditError(f"This analysis has no list. Give at least one of {', '.join(_LISTS)}.")
    extra = {key: value for key, value in document.items() if key not in _KNOWN}
    given = document.get("media")
    if given is None and media is None:
        raise MarlinEditError("This analysis does not name its media file. Give it with --media FILE.")
    known_media = _read_media(checked_object(given, "media"), media) if given is not None else media
    assert known_media is not None
    model = document.get("model")
    # Without the frame times, that they vary is all that is known: it is kept like a key that is not understood.
    media_keys = _KNOWN_MEDIA | {"variable_rate"} if known_media.times is not None else _KNOWN_MEDIA
    for name, entry, known in (("media", given, media_keys), ("model", model, _KNOWN_MODEL)):
        if isinstance(entry, dict) and set(entry) - known:
            extra[name] = {key: value for key, value in entry.items() if key not in known}
    document, without_length = _without_empty(document)
    analysis = Analysis(
        media=known_media,
        model=_read_model(checked_object(model, "model")) if model is not None else None,
        scenes=_each(document, "scenes", _read_scene),
        events=_each(document, "events", _read_event),
        findings=_each(document, "findings", _read_finding),
        asked=_each(document, "asked", _read_asked),
        shots=_each(document, "shots", checked_time) if document.get("shots") is not None else None,
        speech=_each(document, "speech", _read_utterance) if document.get("speech") is not None else None,
        discarded=(*_each(document, "unread", checked_text), *without_length),
        unseen=_each(document, "unseen", checked_pair),
        threshold=_score(document.get("threshold"), "threshold"),
        accepts_unclear=document.get("accepts_unclear") is True,
    )
    for name, known in _KNOWN_ENTRY.items():
        unknown = _unknown_of_entries(document.get(name), known)
        if unknown:
            extra[name] = unknown
    return replace(analysis, extra=extra)


_EMPTY = object()
"""Stands for an entry of no length, so that the places of the others stay."""


def _without_empty(document: _Json) -> tuple[_Json, list[str]]:
    """The document without scenes, events and findings of no length, and a sentence on each."""
    kept = dict(document)
    sentences = []
    for name in ("scenes", "events", "findings", "speech"):
        if not isinstance(document.get(name), list):
            continue
        entries: list[Any] = list(document[name])
        kept[name] = entries
        for index, entry in enumerate(document[name]):
            if not isinstance(entry, dict) or entry.get("start") is None or entry.get("end") is None:
                continue
            place = f"{name}[{index}]"
            start = checked_time(entry["start"], f"{place}.start")
            if start == checked_time(entry["end"], f"{place}.end"):
                entries[index] = _EMPTY
                text = clean(str(entry.get("query", entry.get("text", ""))))
                sentences.append(f"{place} has no length, at {short_seconds(start)} s: {text}")
    return kept, sentences


def _parsed(content: bytes) -> _Json:
    document = parsed_json(utf8_text(content, "JSON"), "an analysis")
    if not isinstance(document, dict):
        raise MarlinEditError(f"This is not an analysis: an object was expected, not {kind_of(document)}.")
    return document


def _unknown_of_entries(entries: Any, known: set[str]) -> list[_Json]:
    unknown = []
    for entry in entries if isinstance(entries, list) else ():
        if isinstance(entry, dict) and set(entry) - known:
            kept = {key: clean(entry[key]) for key in ("text", "query") if isinstance(entry.get(key), str)}
            kept |= {key: seconds_text(checked_time(entry[key], key)) for key in ("start", "end") if key in entry}
            unknown.append(kept | {key: value for key, value in entry.items() if key not in known})
    return unknown


def _read_media(entry: _Json, media: MediaInfo | None) -> MediaInfo:
    base = media or MediaInfo(path=Path(), duration=Fraction(0))
    if media is None:
        path = checked_text(entry.get("path", ""), "media.path", cleaned=False)
        if not path:
            raise MarlinEditError(
                "This analysis does not say where its media file is (media.path). Give it with --media FILE."
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
            changes[name] = checked_count(entry[key], f"media.{key}")
    for key in ("reel", "fingerprint"):
        if entry.get(key) is not None:
            changes[key] = checked_text(entry[key], f"media.{key}")
    if entry.get("duration") is not None:
        changes["duration"] = checked_time(entry["duration"], "media.duration")
    if entry.get("streams") is not None:
        streams = checked_list(entry["streams"], "media.streams")
        changes["streams"] = tuple(
            _read_stream(stream, f"media.streams[{index}]") for index, stream in enumerate(streams)
        )
    if entry.get("start_timecode") is not None:
        label = checked_text(entry["start_timecode"], "media.start_timecode")
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
        note = "The rate is variable, and only the media file has the time of each frame. Times are approximate."
        changes["notes"] = (*base.notes, note)
    return replace(base, **changes)


def _read_rate(entry: _Json) -> FrameRate:
    value = entry["rate"]
    drop_frame = entry.get("drop_frame", ";" in str(entry.get("start_timecode", "")))
    if not isinstance(drop_frame, bool):
        raise fault("media.drop_frame", "should be true or false", drop_frame)
    if isinstance(value, bool) or not isinstance(value, (int, float, str)) or len(str(value)) > 40:
        raise fault("media.rate", 'should be a frame rate like "25" or "24000/1001"', value)
    try:
        rate = FrameRate.parse(str(value))
        if rate.value > 1000:
            raise MarlinEditError(f"{value} frames per second is not possible.")
        return FrameRate(rate.value, drop_frame or rate.drop_frame)
    except MarlinEditError as error:
        raise MarlinEditError(f"media.rate: {error}") from error


def _read_stream(value: Any, place: str) -> Stream:
    entry = checked_object(value, place)
    default = entry.get("default", False)
    if not isinstance(default, bool):
        raise fault(f"{place}.default", "should be true or false", default)
    return Stream(
        index=checked_count(entry.get("index"), f"{place}.index"),
        kind=checked_text(entry.get("kind"), f"{place}.kind"),
        codec=checked_text(entry.get("codec", ""), f"{place}.codec"),
        language=checked_text(entry["language"], f"{place}.language") if entry.get("language") is not None else None,
        title=checked_text(entry["title"], f"{place}.title") if entry.get("title") is not None else None,
        default=default,
        detail=checked_text(entry.get("detail", ""), f"{place}.detail"),
    )


def _read_model(entry: _Json) -> ModelIdentity:
    names = ("name", "revision", "profile", "dtype", "notice")
    return ModelIdentity(*(checked_text(entry.get(name) or "", f"model.{name}") for name in names))


def _read_scene(value: Any, place: str) -> Scene:
    entry = checked_object(value, place)
    return Scene(
        checked_span(entry, place), checked_text(entry.get("text"), f"{place}.text"), _read_origin(entry, place)
    )


def _read_event(value: Any, place: str) -> Event:
    entry = checked_object(value, place)
    text = checked_text(entry.get("text"), f"{place}.text")
    flags, origin = _flags(entry, place), _read_origin(entry, place)
    marker_id, note = (_text_or_nothing(entry, name, place) for name in ("marker_id", "note"))
    runs = _each_of(entry.get("runs"), f"{place}.runs", _read_run)
    where = entry.get("place") or 0
    if where not in range(10):
        raise fault(f"{place}.place", "should be a number from 1 to 9", where)
    return Event(checked_span(entry, place), text, flags, origin, marker_id, note, runs, int(where))


def _read_run(value: Any, place: str) -> TextRun:
    entry = checked_object(value, place)
    italic, bold, underline = (entry.get(name) is True for name in ("italic", "bold", "underline"))
    colour, speaker = (_text_or_nothing(entry, name, place) for name in ("colour", "speaker"))
    if colour and not re.fullmatch("#[0-9a-f]{6}", colour):
        raise fault(f"{place}.colour", "should be like #ff8800", colour)
    return TextRun(checked_text(entry.get("text"), f"{place}.text"), Look(italic, bold, underline, colour, speaker))


def _read_utterance(value: Any, place: str) -> Utterance:
    """An utterance; of a pair of times, when somebody speaks, is all that is known."""
    if isinstance(value, list):
        return Utterance(checked_pair(value, place))
    entry = checked_object(value, place)
    text, speaker, language = (_text_or_nothing(entry, name, place) for name in ("text", "speaker", "language"))
    words = _each_of(entry.get("words"), f"{place}.words", _read_spoken_word)
    sure = _score(entry.get("confidence"), f"{place}.confidence")
    return Utterance(checked_span(entry, place), text, words, sure, speaker, language)


def _read_spoken_word(value: Any, place: str) -> SpokenWord:
    entry = checked_object(value, place)
    text = checked_text(entry.get("text"), f"{place}.text", cleaned=False)
    blank = " " if text[:1].isspace() else ""
    sure = _score(entry.get("confidence"), f"{place}.confidence")
    return SpokenWord(checked_span(entry, place), blank + clean(text), sure)


def _sense(given: Any, place: str) -> Sense:
    if given is None:
        return Sense.SEEN
    if given not in (Sense.SEEN.value, Sense.SAID.value):
        raise fault(f"{place}.source", 'should be "seen" or "said"', given)
    return Sense(given)


def _score(given: Any, place: str) -> float | None:
    if given is None:
        return None
    score = checked_number(given, place)
    if not 0 <= score <= 1:
        raise fault(place, "should lie between 0 and 1", score)
    return score


def _read_finding(value: Any, place: str) -> Finding:
    entry = checked_object(value, place)
    score = _score(entry.get("score"), f"{place}.score")
    signals = checked_object(entry.get("signals") or {}, f"{place}.signals")
    verdict = entry.get("verdict")
    if verdict is not None and verdict not in (Verdict.ACCEPTED.value, Verdict.REJECTED.value):
        raise fault(f"{place}.verdict", 'should be "accepted", "rejected" or null', verdict)
    return Finding(
        span=checked_span(entry, place),
        query=checked_text(entry.get("query"), f"{place}.query"),
        score=score,
        signals={name: checked_number(signal, f"{place}.signals.{name}") for name, signal in signals.items()},
        flags=_flags(entry, place),
        verdict=Verdict(verdict) if verdict is not None else None,
        origin=_read_origin(entry, place),
        marker_id=_text_or_nothing(entry, "marker_id", place),
        note=_text_or_nothing(entry, "note", place),
        words=_each_of(entry.get("words"), f"{place}.words", _read_word),
        sense=_sense(entry.get("source"), place),
        quote=_text_or_nothing(entry, "quote", place),
    )


def _read_word(value: Any, place: str) -> WordEvidence:
    entry = checked_object(value, place)
    regret, lift = (
        checked_number(entry[name], f"{place}.{name}") if entry.get(name) is not None else None
        for name in ("regret", "lift")
    )
    return WordEvidence(
        checked_text(entry.get("text"), f"{place}.text"),
        entry.get("told") is True,
        regret,
        lift,
        checked_text(entry.get("instead") or "", f"{place}.instead"),
    )


def _text_or_nothing(entry: _Json, name: str, place: str) -> str:
    return checked_text(entry.get(name) or "", f"{place}.{name}")


def _read_asked(value: Any, place: str) -> Asked:
    entry = checked_object(value, place)
    query = entry.get("query")
    looked_at = checked_list(entry.get("looked_at", []), f"{place}.looked_at")
    return Asked(
        checked_text(query, f"{place}.query") if query is not None else None,
        tuple(checked_pair(pair, f"{place}.looked_at[{index}]") for index, pair in enumerate(looked_at)),
        _sense(entry.get("source"), place),
    )


def _read_origin(entry: _Json, place: str) -> Origin:
    if entry.get("origin") is None:
        return Origin()
    place = f"{place}.origin"
    origin = checked_object(entry["origin"], place)
    windows = checked_list(origin.get("windows", []), f"{place}.windows")
    more = checked_list(origin.get("more", []), f"{place}.more")
    return Origin(
        tuple(checked_pair(pair, f"{place}.windows[{index}]") for index, pair in enumerate(windows)),
        checked_text(origin.get("raw", ""), f"{place}.raw", cleaned=False),
        tuple(checked_text(answer, f"{place}.more[{index}]", cleaned=False) for index, answer in enumerate(more)),
    )


def _flags(entry: _Json, place: str) -> tuple[str, ...]:
    flags = checked_list(entry.get("flags") or [], f"{place}.flags")
    return tuple(checked_text(flag, f"{place}.flags[{index}]") for index, flag in enumerate(flags))


def _read_vendor(document: _Json, media: MediaInfo | None) -> Analysis:
    """`{"scene": text, "events": [{"start", "end", "description"}]}`, as the model's own helper returns it.

    The events come straight from a model's answer, so one without a span goes into `unread` and stops nothing.
    """
    if "events" not in document and not isinstance(document.get("scene"), str):
        raise MarlinEditError(
            f'This is not an analysis: it needs "schema": "{SCHEMA}" (or "scene" and "events", as the model\'s own '
            "helper returns them)."
        )
    if media is None:
        raise MarlinEditError("This file does not name its media file. Give it with --media FILE.")
    scene = checked_text(document.get("scene") or "", "scene")
    if scene and not media.duration:
        raise MarlinEditError(
            "The scene describes the whole media, and its length is not known. Give it with --duration."
        )
    events, discarded = [], []
    for index, value in enumerate(checked_list(document.get("events") or [], "events")):
        place = f"events[{index}]"
        entry = checked_object(value, place)
        text = checked_text(entry.get("description", entry.get("text")), f"{place}.description")
        try:
            start = checked_time(entry.get("start"), f"{place}.start")
            end = checked_time(entry.get("end"), f"{place}.end")
        except MarlinEditError as error:
            discarded.append(f"{error} What is said: {text}")
            continue
        if start < end:
            events.append(Event(Span(start, end), text))
        else:
            discarded.append(f"{place}: {short_seconds(start)} - {short_seconds(end)} s is not a span: {text}")
    known = {"scene", "events", "caption", "raw"}
    return Analysis(
        media=media,
        scenes=(Scene(Span(Fraction(0), media.duration), scene),) if scene else (),
        events=tuple(events),
        discarded=tuple(discarded),
        extra={key: value for key, value in document.items() if key not in known and key not in _KNOWN},
    )


def _each(document: _Json, name: str, read_entry: Callable[[Any, str], _T]) -> tuple[_T, ...]:
    return _each_of(document.get(name), name, read_entry)


def _each_of(entries: Any, place: str, read_entry: Callable[[Any, str], _T]) -> tuple[_T, ...]:
    listed = enumerate(checked_list(entries or [], place))
    return tuple(read_entry(entry, f"{place}[{index}]") for index, entry in listed if entry is not _EMPTY)
