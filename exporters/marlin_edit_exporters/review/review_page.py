"""A page to look at (`.html`): the video, its description track, and all that was seen in it, to be judged by a person.

One file that needs nothing but a browser. Texts are data in it, never markup: the scripts put them in as text, and the
policy allows no other script than theirs, known by its hash.
"""

from __future__ import annotations

import base64
import hashlib
import html
import json
import os
import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from fractions import Fraction
from importlib.resources import files
from itertools import groupby, pairwise
from pathlib import Path
from typing import Any
from urllib.parse import quote

from marlin_edit.analysis import Analysis, Event, Finding, Scene, Utterance
from marlin_edit.conform import file_name, file_url, picture_size
from marlin_edit.edit import Edit, is_accepted_in, without_rejected
from marlin_edit.errors import MarlinEditError
from marlin_edit.interfaces import Context, Rendered
from marlin_edit.markers import colours_of, frames_or_none
from marlin_edit.media import FrameTimes, MediaInfo
from marlin_edit.path_map import is_windows_path
from marlin_edit.settings import Settings
from marlin_edit.text import clean
from marlin_edit_exporters import analysis_json
from marlin_edit_exporters.subtitles.cues import Track, track_of
from marlin_edit_exporters.subtitles.labels import comments, label
from marlin_edit_exporters.subtitles.webvtt import write as write_track

_Json = dict[str, Any]

# What ends a script element, or a line in older scripts. A lone half of a surrogate pair has no UTF-8.
_UNSAFE = re.compile("[<>&\u2028\u2029\ud800-\udfff]")


def render(edit: Edit, context: Context) -> Rendered:
    """The review page as one HTML file."""
    if not edit.sources:
        raise MarlinEditError("There is no source to show on a page.")
    folder = Path(os.path.abspath(context.path)).parent if context.path is not None else None
    ways = [_relative(source.media, folder) for source in edit.sources]
    analysis = _analysis(edit, context, ways)
    notes: list[str] = []
    if folder is None:
        notes.append(
            "the page refers to the video by its path on this computer, because the page is not written to a folder"
        )
    tracks = [_track_of(edit, source, context.settings) for source in edit.sources]
    for source, track in zip(edit.sources, tracks, strict=True):
        notes += _notes_on(track, source)
    queries = {query: colour.value for query, colour in colours_of(edit).items()}
    numbers = {query: number for number, query in enumerate(queries)}
    captions = [
        _captions_of(edit, source, track, context.settings) for source, track in zip(edit.sources, tracks, strict=True)
    ]
    facts = {
        "title": clean(edit.title),
        "id": hashlib.sha256(analysis.encode("utf-8")).hexdigest()[:16],
        "queries": [list(pair) for pair in queries.items()],
        "sources": [
            _source(source, way, numbers, track, said)
            for source, way, track, said in zip(edit.sources, ways, tracks, captions, strict=True)
        ],
    }
    remarks = comments(edit, tracks[0], context.settings)
    for said in filter(None, captions[:1]):
        remarks = list(dict.fromkeys([*remarks[:1], *comments(edit, said, context.settings), *remarks]))
    return Rendered(_page(clean(edit.title), remarks, _embedded(facts), analysis), tuple(notes))


def _relative(media: MediaInfo, folder: Path | None) -> Path | None:
    """The way from the page's folder to the media; None where there is none, as on another drive of Windows."""
    if media.path == Path() or folder is None or (is_windows_path(str(media.path)) and os.name != "nt"):
        return None
    try:
        return Path(os.path.relpath(os.path.abspath(media.path), folder))
    except ValueError:
        return None


def _address(media: MediaInfo, relative: Path | None) -> str | None:
    """The URL of the media for the page; None where it is not known where the media is."""
    if relative is not None:
        return "/".join(quote(os.fsencode(part), safe="") for part in relative.parts)
    return None if media.path == Path() else file_url(media)


def _analysis(edit: Edit, context: Context, ways: Sequence[Path | None]) -> str:
    """The analysis that the verdicts are put into. It names the media as the page does, and so can be given away with
    both."""
    content = analysis_json.render(replace(edit, cuts=()), context).content
    assert isinstance(content, str)
    document = json.loads(content)
    for part, way in zip(document.get("sources", [document]), ways, strict=True):
        if way is not None:
            part["media"]["path"] = way.as_posix()
    return _embedded(document)


def _source(
    source: Analysis, way: Path | None, numbers: Mapping[str, int], track: Track, captions: Track | None
) -> _Json:
    """What the page needs of a source beside its analysis: places as milliseconds and frames, and the tracks."""
    media = source.media
    unlikely = [
        place
        for place, finding in enumerate(source.findings)
        if not is_accepted_in(source, replace(finding, verdict=None))
    ]
    findings = [
        [*place, numbers[clean(finding.query)]]
        for place, finding in zip(_places(source.findings, media), source.findings, strict=True)
    ]
    return {
        "name": file_name(media),
        "url": _address(media, way),
        "relative": way is not None,
        "milliseconds": _milliseconds(media.duration),
        "rate": None if media.rate is None else [media.rate.value.numerator, media.rate.value.denominator],
        "name_of_rate": None if media.rate is None else media.rate.name,
        "drop": media.rate is not None and media.rate.drop_frame,
        "varies": media.variable_rate,
        "count": media.frame_count,
        "start": media.start_frame,
        "timecode": media.has_timecode or media.start_frame > 0,
        "zero": float(media.zero),
        "size": list(picture_size(media)) if media.width and media.height else None,
        "model": None if source.model is None else clean(str(source.model)),
        **_times(media.times),
        "track": _track_entry(track),
        "captions": None if captions is None else _track_entry(captions),
        "unlikely": unlikely,
        "findings": findings,
        "events": _places(source.events, media),
        "scenes": _places(source.scenes, media),
        "speech": _places(source.speech or (), media),
        "shown": {
            "findings": _shown(finding.query for finding in source.findings),
            "events": _shown(event.text for event in source.events),
            "scenes": _shown(scene.text for scene in source.scenes),
            "speech": _shown(one.text for one in source.speech or ()),
        },
    }


def _track_entry(track: Track) -> _Json:
    kind = "subtitles" if track.converted else {"sdh": "captions"}.get(track.kind, track.kind)
    label_or_kind = label(track) or "Subtitles"
    return {"kind": kind, "language": track.language, "label": label_or_kind, "vtt": write_track(track.cues)}


def _places(items: Iterable[Scene | Event | Finding | Utterance], media: MediaInfo) -> list[list[int | None]]:
    """Start and end in milliseconds, first frame and the first one after it, or None where it has no frames."""
    places: list[list[int | None]] = []
    for item in items:
        frames = frames_or_none(item.span, media)
        ends = [None, None] if frames is None else [frames.first, frames.stop]
        places.append([_milliseconds(item.span.start), _milliseconds(item.span.end), *ends])
    return places


def _shown(texts: Iterable[str]) -> dict[int, str]:
    """The texts that are shown otherwise than they stand in the analysis, by their places."""
    return {place: shown for place, text in enumerate(texts) if (shown := clean(text)) != text}


def _times(times: FrameTimes | None) -> _Json:
    """When frames are shown where the rate varies: how far each is from the one before, in runs of the same."""
    if times is None:
        return {}
    steps = [times.pts[0], *(later - earlier for earlier, later in pairwise(times.pts))] if times.pts else []
    base = times.time_base
    runs = [[step, sum(1 for _ in same)] for step, same in groupby(steps)]
    return {"times": runs, "base": [base.numerator, base.denominator]}


def _track_of(edit: Edit, source: Analysis, settings: Settings) -> Track:
    """The track that tells the events of a source, or where it has none, its findings or what is said."""
    shown_source = replace(source, findings=()) if source.events else source
    return track_of(without_rejected(replace(edit, sources=(shown_source,), cuts=())), settings)


def _captions_of(edit: Edit, source: Analysis, track: Track, settings: Settings) -> Track | None:
    """The captions of what is said, if it is known and the other track is of what is seen."""
    if track.kind in ("captions", "sdh") or not any(one.text for one in source.speech or ()):
        return None
    said = Analysis(source.media, speech=source.speech, shots=source.shots)
    return track_of(replace(edit, sources=(said,), cuts=()), settings.with_flags({"subtitle_kind": "captions"}))


def _notes_on(track: Track, source: Analysis) -> list[str]:
    left = sum(note.startswith("left out") for note in track.notes)
    if not left:
        return []
    return [
        f"{left} event{' is' if left == 1 else 's are'} on the page, but not in the description track of "
        f"{file_name(source.media)}: -o FILE.vtt says of each why"
    ]


def _milliseconds(seconds: Fraction) -> int:
    """To the nearest millisecond, half up."""
    return (seconds.numerator * 2000 + seconds.denominator) // (2 * seconds.denominator)


def _embedded(value: object) -> str:
    """JSON as it may stand in a script element, whatever the texts in it are."""
    text = json.dumps(value, ensure_ascii=False, allow_nan=False, separators=(",", ":"))
    return _UNSAFE.sub(lambda found: f"\\u{ord(found[0]):04x}", text)


def _page(title: str, remarks: Sequence[str], facts: str, analysis: str) -> str:
    page = files(__package__) / "page"
    style = (page / "style.css").read_text("utf-8")
    names = sorted(part.name for part in page.iterdir() if part.name.endswith(".js"))
    script = "\n".join((page / name).read_text("utf-8") for name in names)
    policy = (
        f"default-src 'none'; script-src {_hash(script)}; style-src {_hash(style)}; media-src 'self' file: blob:; "
        "base-uri 'none'; form-action 'none'; require-trusted-types-for 'script'; trusted-types 'none'"
    )
    parts = {
        "policy": policy,
        "title": html.escape(title),
        "style": style,
        "remarks": html.escape(" ".join(remarks)),
        "facts": facts,
        "analysis": analysis,
        "script": script,
    }
    template = (page / "page.html").read_text("utf-8")
    return re.sub(r"\{\{(\w+)\}\}", lambda found: parts[found[1]], template)


def _hash(text: str) -> str:
    """A source of a content security policy: exactly this text."""
    return f"'sha256-{base64.b64encode(hashlib.sha256(text.encode('utf-8')).digest()).decode('ascii')}'"
