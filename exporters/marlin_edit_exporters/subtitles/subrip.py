r"""SubRip (`.srt`): UTF-8, numbered from 1, times to the millisecond.

Styles, colours and places are written as players read them: `<i>`, `<font color>`, `{\an8}`. The format has no
escapes, so characters of a text that players would take for markup become look-alikes, `-->` becomes `->`, and a note
says how many were replaced.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import replace

from marlin_edit.analysis import Analysis, Look, TextRun
from marlin_edit.edit import Edit
from marlin_edit.interfaces import Context, Rendered
from marlin_edit.media import MediaInfo
from marlin_edit.text import clean, counted
from marlin_edit.timebase import milliseconds_text
from marlin_edit_exporters.subtitles.ass import codes_undone
from marlin_edit_exporters.subtitles.cues import READY, Cue, shared_track
from marlin_edit_exporters.subtitles.cues.cue_file import CueFile, RawCue, analysis_of, decoded, milliseconds
from marlin_edit_exporters.subtitles.cues.looks import PLAIN, Runs, colour_of, lines_of, merged

_BRACES = str.maketrans("{}", "｛｝")
_ARROW = re.compile(r"-[- ]+>")
_TAG = re.compile(r"<(?=[A-Za-z/!])")
_LOOKS_LIKE_NEXT = re.compile(r"\n(?=\s*-?\d[\d.]*\s*\n\s*\d+[,.:，．。：]\d+[,.:，．。：]\d)")

_TIMING = re.compile(r"\s*(-?[\d:.,]+)\s*-[ -] *>\s*(-?[\d:.,]+)(.*)")
_MARKUP = re.compile(
    r"<(?P<close>/)?(?P<name>[biu]|em|strong|font|br|s|c|v|ruby|rt|span)(?P<more>[\s.=/][^<>]*)?>"
    r"|\{(?P<codes>\\[^{}]*)\}|\{(?P<old>[YyCcFfSsPp]):(?P<value>[^{}]*)\}",
    re.IGNORECASE,
)
_COLOUR = re.compile(r"color\s*=\s*(\"[^\"]*\"|'[^']*'|[^\s>]+)", re.IGNORECASE)


def render(edit: Edit, context: Context) -> Rendered:
    # Look-alikes are wider, so they have to be there before lines are made.
    """The track as SubRip."""
    edit, replaced = plain_edit(edit)
    track = shared_track(edit, context)
    content, notes = write(track.cues)
    return Rendered(content, track.notes + _note(replaced) + tuple(note for note in notes if note not in _note(0)))


def write(cues: Sequence[Cue]) -> tuple[str, tuple[str, ...]]:
    """The file of cues in order, and a note where something had to be replaced."""
    blocks = []
    replaced = speakers = 0
    for number, cue in enumerate(cues, 1):
        text, count = _marked(cue) if cue.dressed else plain("\n".join(cue.lines))
        replaced += count
        speakers += any(run.look.speaker for line in cue.dressed for run in line)
        where = f"{{\\an{cue.place}}}" if cue.place else ""
        times = f"{milliseconds_text(cue.start, ',')} --> {milliseconds_text(cue.end, ',')}"
        blocks.append(f"{number}\n{times}\n{where}{_apart(text)}\n")
    left_out = f"the speakers of {counted(speakers, 'cue')} left out, because SubRip has no place for them"
    return "\n".join(blocks), (*_note(replaced), *((left_out,) if speakers else ()))


def _marked(cue: Cue) -> tuple[str, int]:
    """The text of a cue with its looks, and how many places were replaced."""
    replaced = 0
    lines = []
    for line in cue.dressed:
        parts = []
        for run in line:
            text, count = plain(run.text)
            replaced += count
            look = run.look
            for tag, wanted in (("u", look.underline), ("i", look.italic), ("b", look.bold)):
                text = f"<{tag}>{text}</{tag}>" if wanted else text
            parts.append(f'<font color="{look.colour}">{text}</font>' if look.colour else text)
        lines.append("".join(parts))
    return "\n".join(lines), replaced


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
            events = (
                replace(event, text=text, runs=tuple(TextRun(plain(run.text)[0], run.look) for run in event.runs))
                for event, (text, _) in zip(source.events, texts, strict=True)
            )
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
        runs, where, lost = undone("\n".join(line for line in body if line.strip()))
        file.formatted += lost
        file.cues.append(RawCue(start, end, lines_of(runs), place + 1, runs, where))
        before = place + 1
    return file


def undone(text: str) -> tuple[Runs, int, bool]:
    """A cue's text in runs, where it stands, and whether it has formatting that is not kept."""
    runs: list[TextRun] = []
    opened: list[tuple[str, Look]] = []
    look, where, lost, place = PLAIN, 0, False, 0
    for match in _MARKUP.finditer(text):
        runs.append(TextRun(text[place : match.start()], look))
        place = match.end()
        name = (match["name"] or "").lower()
        if match["codes"] is not None:
            look, where, more = codes_undone(match["codes"], look, where)
            lost = lost or more
        elif match["old"] is not None:
            look = _old_code(match["old"].lower(), match["value"], look)
        elif name == "br":
            runs.append(TextRun("\n", look))
        elif match["close"]:
            # What was opened after it is closed with it, as browsers do.
            at = next((at for at in reversed(range(len(opened))) if opened[at][0] == name), None)
            if at is not None:
                look = opened[at][1]
                del opened[at:]
        else:
            opened.append((name, look))
            look, more = _opened(name, match["more"] or "", look)
            lost = lost or more
    runs.append(TextRun(text[place:], look))
    return merged(runs), where, lost


def _opened(name: str, more: str, look: Look) -> tuple[Look, bool]:
    """The look inside an element, and whether the element says more than is kept."""
    if name in ("i", "em"):
        return replace(look, italic=True), False
    if name in ("b", "strong"):
        return replace(look, bold=True), False
    if name == "u":
        return replace(look, underline=True), False
    if name == "v":
        return replace(look, speaker=clean(more.partition(" ")[2])), False
    if name == "font":
        colour = _COLOUR.search(more)
        return (replace(look, colour=colour_of(colour[1])) if colour else look), bool(_COLOUR.sub("", more).strip())
    return look, True


def _old_code(code: str, value: str, look: Look) -> Look:
    """MicroDVD's codes, which some SubRip files have."""
    if code == "y":
        styles = value.lower()
        return replace(look, italic="i" in styles, bold="b" in styles, underline="u" in styles)
    if code == "c" and (digits := re.fullmatch(r"\$([0-9A-Fa-f]{6})", value)):
        blue, green, red = digits[1][:2], digits[1][2:4], digits[1][4:]
        return replace(look, colour=colour_of(f"#{red}{green}{blue}"))
    return look
