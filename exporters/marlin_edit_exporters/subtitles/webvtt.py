"""WebVTT (`.vtt`), for `<track kind="descriptions">`: the model sees and does not hear.

`&`, `<` and `>` are escaped, which also takes every `-->` out of a text; cues are numbered, so that ids are unique.
"""

from __future__ import annotations

import html
import re
from collections.abc import Sequence

from marlin_edit.analysis import Analysis
from marlin_edit.edit import Edit
from marlin_edit.interfaces import Context, Rendered
from marlin_edit.media import MediaInfo
from marlin_edit.timebase import milliseconds_text
from marlin_edit_exporters.subtitles.cues import Cue, shared_track
from marlin_edit_exporters.subtitles.cues.cue_file import CueFile, RawCue, analysis_of, decoded, milliseconds
from marlin_edit_exporters.subtitles.labels import comments, label

_ESCAPES = str.maketrans({"&": "&amp;", "<": "&lt;", ">": "&gt;"})
_TIMING = re.compile(r"\s*(-?[\d:.,]+)\s*-->\s*(-?[\d:.,]+)(.*)")
_TAG = re.compile(r"<[^<>]*>?")
_KNOWN_TAG = re.compile(r"</?(?:[bciuv]|ruby|rt|lang)(?:[\s.][^<>]*)?>|<(?:\d+:)?\d\d:\d\d\.\d{3}>|</>")
_REFERENCE = re.compile(r"&(?:[A-Za-z][A-Za-z0-9]*|#\d+|#[xX][0-9A-Fa-f]+);")


def render(edit: Edit, context: Context) -> Rendered:
    """The track as WebVTT."""
    track = shared_track(edit, context)
    shown = comments(edit, track, context.settings)
    parts = ["" if track.converted else f"Kind: {track.kind}"]
    parts += ["" if track.language == "und" else f"Language: {track.language}", label(track)]
    return Rendered(write(track.cues, "; ".join(filter(None, parts)), shown), track.notes)


def write(cues: Sequence[Cue], header: str = "", shown: Sequence[str] = ()) -> str:
    """The file of cues in order. The header stands behind the signature, which is where the format allows a text."""
    blocks = [f"WEBVTT {header}".rstrip() + "\n"]
    if shown:
        blocks.append("NOTE\n" + "\n".join(line.translate(_ESCAPES) for line in shown) + "\n")
    for number, cue in enumerate(cues, 1):
        text = "\n".join(cue.lines)
        if "&" in text or "<" in text or ">" in text:
            text = text.translate(_ESCAPES)
        blocks.append(f"{number}\n{milliseconds_text(cue.start)} --> {milliseconds_text(cue.end)}\n{text}\n")
    return "\n".join(blocks)


def read(content: bytes, media: MediaInfo | None) -> Analysis:
    """The cues of a file as events."""
    return analysis_of(parse(content), media)


def parse(content: bytes) -> CueFile:
    """Anybody's WebVTT file, as its blocks say; what a browser would not take is a fault with its line."""
    text, notes = decoded(content)
    lines = text.split("\n")
    file = CueFile("vtt", notes=notes)
    if not re.match(r"WEBVTT([ \t]|$)", lines[0]):
        file.faults.append((1, "the file does not begin with WEBVTT"))
    ids: set[str] = set()
    place = 0
    while place < len(lines):
        if not lines[place].strip():
            place += 1
            continue
        begin = place
        while place < len(lines) and lines[place].strip():
            place += 1
        _block(lines[begin:place], begin, file, ids)
    return file


def _block(block: list[str], begin: int, file: CueFile, ids: set[str]) -> None:
    timings = [place for place, line in enumerate(block) if "-->" in line]
    if not timings or timings[0] > 1:
        if begin == 0 or re.match(r"(NOTE|STYLE|REGION|X-TIMESTAMP-MAP)\b", block[0]):
            if begin == 0:
                _header(block, file)
            else:
                file.outside.append("\n".join(block))
            return
        file.faults.append((begin + 1, "this block has no times, so nothing shows it"))
        if not timings:
            shown = tuple(line for line in map(_shown_text, block) if line)
            if shown:
                file.cues.append(RawCue(None, None, shown, begin + 1))
            return
    for index, place in enumerate(timings):
        stop = timings[index + 1] if index + 1 < len(timings) else len(block)
        if index:
            file.faults.append((begin + place + 1, "there is no empty line before the cue"))
        match = _TIMING.fullmatch(block[place])
        start = milliseconds(match[1]) if match else None
        end = milliseconds(match[2]) if match else None
        if match is None or start is None or end is None or "," in match[1] + match[2]:
            file.faults.append((begin + place + 1, "the timing line is not like 00:00:01.000 --> 00:00:02.000"))
        name = block[place - 1].strip() if place == 1 and index == 0 else ""
        if name and name in ids:
            file.faults.append((begin + place, f"the id {name[:40]} is there twice"))
        ids.add(name)
        body = block[place + 1 : stop]
        shown = tuple(line for line in map(_shown_text, body) if line)
        for number, line in enumerate(body):
            fault = _markup_fault(line)
            if fault:
                file.faults.append((begin + place + 2 + number, fault))
        styled = any(_TAG.search(line) for line in body) or bool(match and match[3].strip())
        file.formatted += styled
        file.cues.append(RawCue(start, end, shown, begin + place + 1))


def _header(block: list[str], file: CueFile) -> None:
    for line in block:
        for entry in line.removeprefix("WEBVTT").split(";"):
            key, _, value = entry.strip().partition(":")
            if key.lower() == "kind":
                file.kind = value.strip().lower()
            elif key.lower() == "language":
                file.language = value.strip()


def _shown_text(line: str) -> str:
    return html.unescape(_TAG.sub("", line)).strip()


def _markup_fault(line: str) -> str | None:
    bare = _KNOWN_TAG.sub("", line)
    if "<" in bare:
        return "a < that begins no tag: what follows is not shown; it is written &lt;"
    if "&" in _REFERENCE.sub("", bare):
        return "an & that begins no character reference; it is written &amp;"
    return None
