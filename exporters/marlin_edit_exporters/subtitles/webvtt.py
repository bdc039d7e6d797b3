"""WebVTT (`.vtt`), for `<track kind="descriptions">`, and of what is said for `<track kind="captions">`.

Styles are `<i>`, `<b>` and `<u>`, speakers `<v>`, colours classes, those without a class of their own by a STYLE block;
places are settings of a cue. `&`, `<` and `>` of a text are escaped, which also takes every `-->` out of it; cues are
numbered, so that ids are unique.
"""

from __future__ import annotations

import html
import re
from collections.abc import Mapping, Sequence
from dataclasses import replace

from marlin_edit.analysis import Analysis, Look, TextRun
from marlin_edit.edit import Edit
from marlin_edit.interfaces import Context, Rendered
from marlin_edit.media import MediaInfo
from marlin_edit.text import clean
from marlin_edit.timebase import milliseconds_text
from marlin_edit_exporters.subtitles.cues import Cue, shared_track
from marlin_edit_exporters.subtitles.cues.cue_file import CueFile, RawCue, analysis_of, decoded, milliseconds
from marlin_edit_exporters.subtitles.cues.looks import PLAIN, Runs, colour_of, lines_of, merged
from marlin_edit_exporters.subtitles.labels import comments, label

_ESCAPES = str.maketrans({"&": "&amp;", "<": "&lt;", ">": "&gt;"})
_TIMING = re.compile(r"\s*(-?[\d:.,]+)\s*-->\s*(-?[\d:.,]+)(.*)")
_KNOWN_TAG = re.compile(r"</?(?:[bciuv]|ruby|rt|lang)(?:[\s.][^<>]*)?>|<(?:\d+:)?\d\d:\d\d\.\d{3}>|</>")
_REFERENCE = re.compile(r"&(?:[A-Za-z][A-Za-z0-9]*|#\d+|#[xX][0-9A-Fa-f]+);")


def render(edit: Edit, context: Context) -> Rendered:
    """The track as WebVTT."""
    track = shared_track(edit, context)
    shown = comments(edit, track, context.settings)
    kind = "captions" if track.kind == "sdh" else track.kind
    parts = ["" if track.converted else f"Kind: {kind}"]
    parts += ["" if track.language == "und" else f"Language: {track.language}", label(track)]
    notes = ("colours without a class of WebVTT's are in a STYLE block, at which FFmpeg before 6 stops reading",)
    styled = bool(_own_colours(track.cues))
    return Rendered(write(track.cues, "; ".join(filter(None, parts)), shown), track.notes + (notes if styled else ()))


def write(cues: Sequence[Cue], header: str = "", shown: Sequence[str] = ()) -> str:
    """The file of cues in order. The header stands behind the signature, which is where the format allows a text."""
    blocks = [f"WEBVTT {header}".rstrip() + "\n"]
    if shown:
        blocks.append("NOTE\n" + "\n".join(line.translate(_ESCAPES) for line in shown) + "\n")
    colours = _own_colours(cues)
    if colours:
        rules = [f"::cue(.{_class_of(colour)}) {{ color: {colour}; }}" for colour in sorted(colours)]
        blocks.append("STYLE\n" + "\n".join(rules) + "\n")
    for number, cue in enumerate(cues, 1):
        text = "\n".join(map(_marked, cue.dressed) if cue.dressed else cue.lines)
        if not cue.dressed and ("&" in text or "<" in text or ">" in text):
            text = text.translate(_ESCAPES)
        times = f"{milliseconds_text(cue.start)} --> {milliseconds_text(cue.end)}{_settings_of(cue.place)}"
        blocks.append(f"{_EXTENDED if cue.extended else ''}{number}\n{times}\n{text}\n")
    return "\n".join(blocks)


_EXTENDED = "extended "
"""How the id of a cue begins for which the player has to stop."""

_CLASSES = {
    "#00ff00": "lime", "#00ffff": "cyan", "#ff0000": "red", "#ffff00": "yellow", "#ff00ff": "magenta",
    "#0000ff": "blue", "#000000": "black",
}  # fmt: skip
"""The classes of colour that browsers know (WebVTT 1, 5.1)."""


def _own_colours(cues: Sequence[Cue]) -> set[str]:
    """The colours for which there is no class."""
    return {run.look.colour for cue in cues for line in cue.dressed for run in line} - {"", *_CLASSES}


def _class_of(colour: str) -> str:
    return _CLASSES.get(colour) or f"rgb-{colour[1:]}"


def _marked(line: Runs) -> str:
    """A line with its looks as tags."""
    parts = []
    for run in line:
        text, look = run.text.translate(_ESCAPES), run.look
        for tag, wanted in (("u", look.underline), ("i", look.italic), ("b", look.bold)):
            text = f"<{tag}>{text}</{tag}>" if wanted else text
        if look.colour:
            text = f"<c.{_class_of(look.colour)}>{text}</c>"
        parts.append(f"<v {look.speaker.translate(_ESCAPES)}>{text}</v>" if look.speaker else text)
    return "".join(parts)


def _settings_of(place: int) -> str:
    """Where a cue stands, as its settings; nothing for the usual place."""
    if not place:
        return ""
    row, column = divmod(place - 1, 3)
    return ("", " line:50%", " line:0")[row] + (" align:start", "", " align:end")[column]


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
    styles = {name: Look(colour=colour) for colour, name in _CLASSES.items()}
    place = 0
    while place < len(lines):
        if not lines[place].strip():
            place += 1
            continue
        begin = place
        while place < len(lines) and lines[place].strip():
            place += 1
        _block(lines[begin:place], begin, file, ids, styles)
    return file


def _block(block: list[str], begin: int, file: CueFile, ids: set[str], styles: dict[str, Look]) -> None:
    timings = [place for place, line in enumerate(block) if "-->" in line]
    if not timings or timings[0] > 1:
        if begin == 0 or re.match(r"(NOTE|STYLE|REGION|X-TIMESTAMP-MAP)\b", block[0]):
            if begin == 0:
                _header(block, file)
            elif block[0].strip() == "STYLE":
                styles |= _styles_of("\n".join(block[1:]))
            else:
                file.outside.append("\n".join(block))
            return
        file.faults.append((begin + 1, "this block has no times, so nothing shows it"))
        if not timings:
            runs, _ = _undone("\n".join(block), styles)
            if lines_of(runs):
                file.cues.append(RawCue(None, None, lines_of(runs), begin + 1, runs))
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
        for number, line in enumerate(body):
            fault = _markup_fault(line)
            if fault:
                file.faults.append((begin + place + 2 + number, fault))
        runs, lost = _undone("\n".join(body), styles)
        where, more = _place_of(match[3] if match else "")
        file.formatted += lost or more
        extended = name.startswith(_EXTENDED)
        file.cues.append(RawCue(start, end, lines_of(runs), begin + place + 1, runs, where, extended))


def _header(block: list[str], file: CueFile) -> None:
    for line in block:
        for entry in line.removeprefix("WEBVTT").split(";"):
            key, _, value = entry.strip().partition(":")
            if key.lower() == "kind":
                file.kind = value.strip().lower()
            elif key.lower() == "language":
                file.language = value.strip()


_PART = re.compile(r"<(?P<tag>[^<>]*)>?|(?P<text>[^<]+)")
_STYLES = {"i": Look(italic=True), "b": Look(bold=True), "u": Look(underline=True)}
_RULE = re.compile(r"::cue\(\.([^)\s:]+)\)\s*\{([^}]*)\}")


def _undone(text: str, styles: Mapping[str, Look]) -> tuple[Runs, bool]:
    """A cue's text in runs, and whether it has formatting that is not kept. styles: the look of each class."""
    runs: list[TextRun] = []
    opened: list[tuple[str, Look]] = []
    look, lost = PLAIN, False
    for part in _PART.finditer(text):
        if part["text"] is not None:
            runs.append(TextRun(html.unescape(part["text"]), look))
            continue
        tag, _, annotation = part["tag"].partition(" ")
        name, *classes = tag.strip().split(".")
        if name.startswith("/"):
            if opened:
                look = opened.pop()[1]
            continue
        if not re.fullmatch(r"[bciuv]|ruby|rt|lang", name):
            lost = lost or bool(name)  # a time inside the text
            continue
        opened.append((name, look))
        look = _joined(look, _STYLES.get(name, PLAIN))
        if name == "v":
            look = replace(look, speaker=clean(html.unescape(annotation)))
        lost = lost or name in ("ruby", "lang") or any(one not in styles and one != "white" for one in classes)
        for one in classes:
            look = _joined(look, styles.get(one, PLAIN))
    return merged(runs), lost


def _joined(look: Look, more: Look) -> Look:
    return Look(
        look.italic or more.italic,
        look.bold or more.bold,
        look.underline or more.underline,
        more.colour or look.colour,
        look.speaker,
    )


def _styles_of(sheet: str) -> dict[str, Look]:
    """The looks that a style sheet gives to classes."""
    found = {}
    for name, rules in _RULE.findall(sheet):
        declared = {
            key.strip().lower(): value.strip() for key, _, value in (one.partition(":") for one in rules.split(";"))
        }
        found[name] = Look(
            declared.get("font-style") in ("italic", "oblique"),
            declared.get("font-weight") in ("bold", "bolder", "600", "700", "800", "900"),
            "underline" in declared.get("text-decoration", ""),
            colour_of(declared.get("color", "")),
        )
    return found


def _place_of(settings: str) -> tuple[int, bool]:
    """Where a cue stands by its settings, as on a number pad, and whether they say more than is kept."""
    given = {key: value for key, _, value in (one.partition(":") for one in settings.split())}
    line = given.get("line", "").partition(",")[0]
    row = 0
    if re.fullmatch(r"\d+(\.\d+)?%", line):
        row = 2 if float(line[:-1]) < 34 else 1 if float(line[:-1]) < 67 else 0
    elif line.isdecimal():
        row = 2
    align = given.get("align", "")
    column = 0 if align in ("start", "left") else 2 if align in ("end", "right") else 1
    place = row * 3 + column + 1
    exact = bool(given.keys() & {"region", "vertical", "size"}) or given.get("position", "50%") not in (
        "0%",
        "50%",
        "100%",
    )
    return 0 if place == 2 else place, exact


def _markup_fault(line: str) -> str | None:
    bare = _KNOWN_TAG.sub("", line)
    if "<" in bare:
        return "a < that begins no tag: what follows is not shown; it is written &lt;"
    if "&" in _REFERENCE.sub("", bare):
        return "an & that begins no character reference; it is written &amp;"
    return None
