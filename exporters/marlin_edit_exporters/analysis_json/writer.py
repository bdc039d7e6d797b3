"""From an edit to an analysis file: a line for each entry, times exact."""

from __future__ import annotations

import json
import math
import re
from collections.abc import Iterable, Mapping
from dataclasses import asdict
from pathlib import Path
from typing import Any

from marlin_edit.analysis import (
    Analysis,
    Asked,
    Event,
    Finding,
    Origin,
    Scene,
    Sense,
    SpokenWord,
    TextRun,
    Utterance,
    WordEvidence,
)
from marlin_edit.edit import Cut, Edit, QueryResult, is_accepted_in, results_of
from marlin_edit.evidence import grade_of, reason_of
from marlin_edit.interfaces import Context, Rendered
from marlin_edit.media import MediaInfo, Stream
from marlin_edit.timebase import FrameRange, Span, seconds_text

SCHEMA = "marlin-edit.analysis/1"

_Json = dict[str, Any]


def render(edit: Edit, context: Context) -> Rendered:
    """One document a source; several sources lie in a list under `sources`, and cuts name theirs by its place there."""
    folder = context.path.absolute().parent if context.path is not None else None
    documents = [_document(source, folder) for source in edit.sources]
    if len(documents) == 1:
        document: _Json = documents[0]
    else:
        document = {"schema": SCHEMA, "sources": documents}
    if edit.cuts:
        document["cuts"] = [
            _cut_entry(edit, cut, record, several=len(documents) > 1)
            for cut, record in zip(edit.cuts, edit.record_ranges(), strict=True)
        ]
    text = _laid_out(document) + "\n"
    # A lone half of a surrogate pair (from a file name or an unknown key) has no UTF-8, but JSON can spell it.
    return Rendered(re.sub("[\ud800-\udfff]", lambda half: f"\\u{ord(half[0]):04x}", text))


def _document(source: Analysis, folder: Path | None) -> _Json:
    extra = dict(source.extra)
    document: _Json = {"schema": SCHEMA, "media": _media_entry(source.media, folder) | _kept(extra.pop("media", None))}
    if source.model is not None:
        names = ("name", "revision", "profile", "dtype", "notice")
        given = {name: getattr(source.model, name) for name in names if getattr(source.model, name)}
        document["model"] = {"name": ""} | given | _kept(extra.pop("model", None))
    more = {name: _more_of_entries(extra.pop(name, None)) for name in ("scenes", "events", "findings", "speech")}
    document["scenes"] = _entries(map(_scene_entry, source.scenes), more["scenes"])
    document["events"] = _entries(map(_event_entry, source.events), more["events"])
    findings = (_finding_entry(finding, is_accepted_in(source, finding)) for finding in source.findings)
    document["findings"] = _entries(findings, more["findings"])
    document["asked"] = [_asked_entry(asked) for asked in source.asked]
    if results := results_of(source):
        document["results"] = [_result_entry(result) for result in results]
    if source.shots is not None:
        document["shots"] = [seconds_text(shot) for shot in source.shots]
    if source.speech is not None:
        document["speech"] = _entries(map(_utterance_entry, source.speech), more["speech"])
    if source.threshold is not None:
        document["threshold"] = source.threshold
    if source.accepts_unclear:
        document["accepts_unclear"] = True
    if source.discarded:
        document["unread"] = list(source.discarded)
    if source.unseen:
        document["unseen"] = _pairs(source.unseen)
    return document | {key: value for key, value in extra.items() if key not in document and key != "cuts"}


def _media_entry(media: MediaInfo, folder: Path | None) -> _Json:
    entry: _Json = {"path": _path_text(media.path, folder), "duration": seconds_text(media.duration)}
    if media.rate is not None:
        rate = media.rate.value
        entry["rate"] = str(rate)
        entry["drop_frame"] = media.rate.drop_frame
        entry["frame_count"] = media.frame_count
        if media.has_timecode or media.start_frame:
            entry["start_timecode"] = media.rate.timecode(media.start_frame)
    for key, value in (
        ("reel", media.reel),
        ("width", media.width or None),
        ("height", media.height or None),
        ("video_stream", media.video_index),
        ("fingerprint", media.fingerprint or None),
    ):
        if value is not None:
            entry[key] = value
    if media.streams:
        entry["streams"] = [_stream_entry(stream) for stream in media.streams]
    if media.variable_rate:
        entry["variable_rate"] = True
    return entry


def _path_text(path: Path, folder: Path | None) -> str:
    """Relative where the media lies beside the file or below it, so that both can be moved together."""
    if path == Path():
        return ""
    absolute = path.absolute()
    if folder is not None and absolute.is_relative_to(folder):
        return absolute.relative_to(folder).as_posix()
    return str(absolute)


def _stream_entry(stream: Stream) -> _Json:
    entry: _Json = {"index": stream.index, "kind": stream.kind, "codec": stream.codec}
    for key in ("language", "title", "default", "detail"):
        if getattr(stream, key):
            entry[key] = getattr(stream, key)
    return entry


def _scene_entry(scene: Scene) -> _Json:
    return _span_entry(scene.span) | {"text": scene.text} | _origin_entry(scene.origin)


def _event_entry(event: Event) -> _Json:
    entry = _span_entry(event.span) | {"text": event.text}
    if event.flags:
        entry["flags"] = list(event.flags)
    if event.marker_id:
        entry["marker_id"] = event.marker_id
    if event.note:
        entry["note"] = event.note
    if event.runs:
        entry["runs"] = [_run_entry(run) for run in event.runs]
    if event.place:
        entry["place"] = event.place
    return entry | _origin_entry(event.origin)


def _run_entry(run: TextRun) -> _Json:
    return {"text": run.text} | {name: value for name, value in asdict(run.look).items() if value}


def _asked_entry(asked: Asked) -> _Json:
    return {"query": asked.query, "looked_at": _pairs(asked.looked_at)} | _sense_entry(asked.sense)


def _sense_entry(sense: Sense) -> _Json:
    return {"source": sense.value} if sense is not Sense.SEEN else {}


def _utterance_entry(utterance: Utterance) -> _Json:
    entry = _span_entry(utterance.span)
    given = {"text": utterance.text, "speaker": utterance.speaker, "language": utterance.language}
    entry |= {name: value for name, value in given.items() if value}
    if utterance.confidence is not None:
        entry["confidence"] = utterance.confidence
    if utterance.words:
        entry["words"] = [_spoken_word_entry(word) for word in utterance.words]
    return entry


def _spoken_word_entry(word: SpokenWord) -> _Json:
    entry = _span_entry(word.span) | {"text": word.text}
    return entry if word.confidence is None else entry | {"confidence": word.confidence}


def _finding_entry(finding: Finding, accepted: bool) -> _Json:
    entry: _Json = {"query": finding.query} | _span_entry(finding.span) | _sense_entry(finding.sense)
    if finding.quote:
        entry["quote"] = finding.quote
    signals = {name: value for name, value in finding.signals.items() if math.isfinite(value)}
    entry |= {"score": finding.score, "signals": signals, "flags": list(finding.flags)}
    if finding.verdict is not None:
        entry["verdict"] = finding.verdict.value
    entry["accepted"] = accepted
    grade = grade_of(finding)
    if grade is not None:
        entry |= {"grade": grade.value, "reason": reason_of(finding)}
    if finding.words:
        entry["words"] = [_word_entry(word) for word in finding.words]
    if finding.marker_id:
        entry["marker_id"] = finding.marker_id
    if finding.note:
        entry["note"] = finding.note
    return entry | _origin_entry(finding.origin)


def _word_entry(word: WordEvidence) -> _Json:
    entry: _Json = {"text": word.text, "told": word.told}
    for name, value in (("regret", word.regret), ("lift", word.lift)):
        if value is not None and math.isfinite(value):
            entry[name] = round(value, 4)
    return entry | ({"instead": word.instead} if word.instead else {})


def _result_entry(result: QueryResult) -> _Json:
    entry: _Json = {"query": result.query, "found": result.found, "accepted": result.accepted}
    best = result.best
    if best is not None:
        grade = grade_of(best)
        entry["best"] = _span_entry(best.span) | {"score": best.score, "grade": grade.value if grade else None}
    return entry


def _origin_entry(origin: Origin) -> _Json:
    if origin == Origin():
        return {}
    entry: _Json = {"windows": _pairs(origin.windows), "raw": origin.raw}
    if origin.more:
        entry["more"] = list(origin.more)
    return {"origin": entry}


def _span_entry(span: Span) -> _Json:
    return {"start": seconds_text(span.start), "end": seconds_text(span.end)}


def _pairs(spans: Iterable[Span]) -> list[list[str]]:
    return [[seconds_text(span.start), seconds_text(span.end)] for span in spans]


def _cut_entry(edit: Edit, cut: Cut, record: FrameRange, *, several: bool) -> _Json:
    media = cut.source.media
    rate = media.rate or edit.rate
    entry: _Json = {"name": cut.name}
    if several and cut.source in edit.sources:
        entry["source"] = edit.sources.index(cut.source)
    entry |= {"first": cut.frames.first, "stop": cut.frames.stop} | _span_entry(cut.span)
    first, stop = map(media.nominal_frame, (cut.frames.first, cut.frames.stop))
    entry["source_in"] = rate.timecode(media.start_frame + first)
    entry["source_out"] = rate.timecode(media.start_frame + stop)
    entry["record_in"] = edit.rate.timecode(record.first)
    entry["record_out"] = edit.rate.timecode(record.stop)
    if cut.finding is not None and cut.finding in cut.source.findings:
        entry["finding"] = cut.source.findings.index(cut.finding)
    return entry


def _identity(entry: Mapping[str, Any]) -> tuple[Any, ...]:
    return tuple(entry.get(key) for key in ("start", "end", "text", "query"))


def _more_of_entries(kept: Any) -> dict[tuple[Any, ...], _Json]:
    """Unknown keys of entries, by what tells the entry from others, so that they find it again wherever it moved."""
    if not isinstance(kept, list):
        return {}
    known = {"start", "end", "text", "query"}
    return {_identity(entry): {key: entry[key] for key in entry if key not in known} for entry in kept}


def _entries(entries: Iterable[_Json], more: Mapping[tuple[Any, ...], _Json]) -> list[_Json]:
    return [entry | more.get(_identity(entry), {}) for entry in entries] if more else list(entries)


def _kept(extra: Any) -> _Json:
    return dict(extra) if isinstance(extra, Mapping) else {}


def _laid_out(document: Mapping[str, Any]) -> str:
    """JSON with a line for each entry of a list: it reads well, and a change of one entry changes one line."""

    def line(value: Any) -> str:
        return json.dumps(value, ensure_ascii=False, allow_nan=False)

    parts = []
    for key, value in document.items():
        if key == "sources":
            text = "[\n" + ",\n".join(_laid_out(source) for source in value) + "\n]"
        elif isinstance(value, list) and any(isinstance(item, dict) for item in value):
            text = "[\n  " + ",\n  ".join(line(item) for item in value) + "\n ]"
        else:
            text = line(value)
        parts.append(f" {line(key)}: {text}")
    return "{\n" + ",\n".join(parts) + "\n}"
