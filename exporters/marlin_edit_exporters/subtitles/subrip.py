"""SubRip (`.srt`): UTF-8, numbered from 1, times to the millisecond.

The format has no escapes, but players take `{...}` and `<...>` for markup: such characters become look-alikes, `-->`
becomes `->`, and a note says how many were replaced.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import replace

from marlin_edit.analysis import Analysis
from marlin_edit.edit import Edit
from marlin_edit.interfaces import Context, Rendered
from marlin_edit.media import MediaInfo
from marlin_edit.text import clean
from marlin_edit.timebase import milliseconds_text
from marlin_edit_exporters.subtitles.cues import READY, Cue, shared_track
from marlin_edit_exporters.subtitles.cues.cue_file import CueFile, RawCue, analysis_of, decoded, milliseconds

_BRACES = str.maketrans("{}", "｛｝")
_ARROW = re.compile(r"-[- ]+>")
_TAG = re.compile(r"<(?=[A-Za-z/!])")
_LOOKS_LIKE_NEXT = re.compile(r"\n(?=\s*-?\d[\d.]*\s*\n\s*\d+[,.:，．。：]\d+[,.:，．。：]\d)")

_TIMING = re.compile(r"\s*(-?[\d:.,]+)\s*-[ -] *>\s*(-?[\d:.,]+)(.*)")
_MARKUP = re.compile(r"</?(?:[biusBIUS]|font|FONT|c|v|ruby|rt)(?:[\s.=][^<>]*)?>|\{\\[^{}]*\}|\{[YyCcFfSsPp]:[^{}]*\}")


def render(edit: Edit, context: Context) -> Rendered:
    # Look-alikes are wider, so they have to be there before lines are made.
    """The track as SubRip."""
    edit, replaced = plain_edit(edit)
    track = shared_track(edit, context)
    return Rendered(write(track.cues)[0], track.notes + _note(replaced))


def write(cues: Sequence[Cue]) -> tuple[str, tuple[str, ...]]:
    """The file of cues in order, and a note where something had to be replaced."""
    blocks = []
    replaced = 0
    for number, cue in enumerate(cues, 1):
        text, count = plain("\n".join(cue.lines))
        replaced += count
        blocks.append(
            f"{number}\n{milliseconds_text(cue.start, ',')} --> {milliseconds_text(cue.end, ',')}\n{_apart(text)}\n"
        )
    return "\n".join(blocks), _note(replaced)


def _note(replaced: int) -> tuple[str, ...]:
    what = "characters or arrows that SubRip would take for markup were replaced by look-alikes"
    return (f"{replaced} {what}",) if replaced else ()


def plain_edit(edit: Edit) -> tuple[Edit, int]:
    """The edit with no text in it that a player takes for markup, and how many places were replaced."""
    replaced = 0
    sources = []
    for source in edit.sources:
        # Markup is cleaned first: what is taken out then may have kept two of its characters apart.
        texts = [_plain_told(event.text, ready=READY in event.flags) for event in source.events]
        queries = [_plain_told(finding.query, ready=False) for finding in source.findings]
        count = sum(number for _, number in texts) + sum(number for _, number in queries)
        if count:
            events = (replace(event, text=text) for event, (text, _) in zip(source.events, texts, strict=True))
            findings = (replace(one, query=text) for one, (text, _) in zip(source.findings, queries, strict=True))
            source = replace(source, events=tuple(events), findings=tuple(findings))
        replaced += count
        sources.append(source)
    return (replace(edit, sources=tuple(sources)), replaced) if replaced else (edit, 0)


def _plain_told(text: str, *, ready: bool) -> tuple[str, int]:
    return plain(text if ready or not _may_be_markup(text) else clean(text))


def _may_be_markup(text: str) -> bool:
    return "{" in text or "}" in text or "<" in text or ">" in text


def plain(text: str) -> tuple[str, int]:
    """The text with nothing in it that a player takes for markup or timing, and how many places were replaced."""
    if _may_be_markup(text):
        text, arrows = _ARROW.subn("->", text)
        text, tags = _TAG.subn("＜", text)
        braces = text.count("{") + text.count("}")
        return text.translate(_BRACES), arrows + tags + braces
    return text, 0


def _apart(text: str) -> str:
    # Some readers take a line with a number and then a line that begins with a time for the next cue.
    return _LOOKS_LIKE_NEXT.sub(" ", text) if text.count("\n") > 1 else text


def read(content: bytes, media: MediaInfo | None) -> Analysis:
    """The cues of a file as events."""
    return analysis_of(parse(content), media)


def parse(content: bytes) -> CueFile:
    """Anybody's SubRip file: every timing line begins a cue, whatever is missing or too much around it."""
    text, notes = decoded(content)
    lines = text.split("\n")
    file = CueFile("srt", notes=notes)
    timings = [(place, match) for place, line in enumerate(lines) if (match := _TIMING.fullmatch(line))]
    if not timings and text.strip():
        file.faults.append((1, "there is no timing line like 00:00:01,000 --> 00:00:02,000"))
    before = last = 0
    for index, (place, match) in enumerate(timings):
        stop = timings[index + 1][0] if index + 1 < len(timings) else len(lines)
        number_line = place - 1 if place > before and lines[place - 1].strip().isdecimal() else None
        if number_line is None:
            file.faults.append((place + 1, "the cue has no number"))
        else:
            number = int(lines[number_line].strip()[:18])
            if number != last + 1:
                file.faults.append((place, f"the cue's number is {number} and should be {last + 1}"))
            last = number
        if index == 0:
            file.outside += [line for line in lines[: place if number_line is None else number_line] if line.strip()]
            if file.outside:
                file.faults.append((1, "there is something before the first cue"))
        body = lines[place + 1 : stop]
        if index + 1 < len(timings) and body and body[-1].strip().isdecimal():
            if len(body) > 1 and body[-2].strip():
                file.faults.append((stop, "there is no empty line before the cue"))
            body = body[:-1]
        start, end = milliseconds(match[1]), milliseconds(match[2])
        if start is None or end is None:
            file.faults.append((place + 1, f"the times {match[1]} and {match[2]} cannot be read"))
        raw = [line for line in body if line.strip()]
        shown = tuple(line for line in (_MARKUP.sub("", line).strip() for line in raw) if line)
        file.formatted += any(_MARKUP.search(line) for line in raw)
        file.cues.append(RawCue(start, end, shown, place + 1))
        before = place + 1
    return file
