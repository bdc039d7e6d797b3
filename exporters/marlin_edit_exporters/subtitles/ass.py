"""Advanced SubStation Alpha (`.ass`), written and read with pysubs2: subtitles with a look, for players and burning in.

Braces are escaped with backslashes, and a backslash is followed by an invisible word joiner, so that nothing in a text
is an override. Times are hundredths of a second, and end before ten hours.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import fields
from typing import TYPE_CHECKING, Any

from marlin_edit.analysis import Analysis
from marlin_edit.edit import Edit
from marlin_edit.errors import MarlinEditError, UsageError, did_you_mean
from marlin_edit.interfaces import Context, Rendered
from marlin_edit.media import MediaInfo
from marlin_edit.settings import Settings, parse_switch
from marlin_edit_exporters.subtitles.cues import Cue, shared_track
from marlin_edit_exporters.subtitles.cues.cue_file import CueFile, RawCue, analysis_of, decoded
from marlin_edit_exporters.subtitles.cues.width import is_right_to_left
from marlin_edit_exporters.subtitles.labels import comments, label

if TYPE_CHECKING:
    import pysubs2

_JOINER = "\u2060"
_LAST = 35_999_990
"""The last time that the format holds, in milliseconds: 9:59:59.99."""

_ANY_ENCODING = 1
_EACH_ITS_OWN_WAY = -1
"""libass: each line runs as its first letter says; with any other encoding, from left to right."""

_TOKEN = re.compile(r"\\[{}]|\{([^}]*)\}|\\[Nnh]|\\" + _JOINER)
_DRAWING = re.compile(r"\\p(\d+)")


def render(edit: Edit, context: Context) -> Rendered:
    """The track as Advanced SubStation Alpha."""
    track = shared_track(edit, context)
    media = edit.sources[0].media if edit.sources else None
    width, height = _resolution(media)
    shown = comments(edit, track, context.settings)
    content, notes = write(
        track.cues, width, height, style=style_of(context.settings, width, height), title=label(track), shown=shown
    )
    return Rendered(content, track.notes + notes)


def write(
    cues: Sequence[Cue],
    width: int = 1920,
    height: int = 1080,
    *,
    style: pysubs2.SSAStyle | None = None,
    title: str = "",
    shown: Sequence[str] = (),
) -> tuple[str, tuple[str, ...]]:
    """The file of cues in order for a picture of this size, and notes on what it could not hold."""
    import pysubs2

    subtitles = pysubs2.SSAFile()
    subtitles.info.clear()
    subtitles.info.update(
        {
            "ScriptType": "v4.00+",
            "PlayResX": str(width),
            "PlayResY": str(height),
            "WrapStyle": "0",
            "ScaledBorderAndShadow": "yes",
            "YCbCr Matrix": "TV.709",
        }
    )
    if title:
        subtitles.info["Title"] = title
    for line in shown:
        subtitles.append(pysubs2.SSAEvent(0, 0, escaped(line), type="Comment"))
    subtitles.styles["Default"] = style or _style(width, height)
    held = [cue for cue in cues if cue.end <= _LAST]
    look = subtitles.styles["Default"]
    if look.encoding == _ANY_ENCODING and any(is_right_to_left(line) for cue in held for line in cue.lines):
        look.encoding = _EACH_ITS_OWN_WAY
    notes = tuple(
        f"left out, because .ass stores times up to 9:59:59.99 only: {cue.text}" for cue in cues if cue.end > _LAST
    )
    for cue in held:
        text = "\\N".join(map(escaped, cue.lines))
        start = cue.start // 10 * 10
        subtitles.append(pysubs2.SSAEvent(start, max(start + 10, cue.end // 10 * 10), text))
    return subtitles.to_string("ass", header_notice=""), notes


def escaped(text: str) -> str:
    """A line of text with nothing in it that is an override."""
    return text.replace("\\", "\\" + _JOINER).replace("{", "\\{").replace("}", "\\}")


def style_of(settings: Settings, width: int, height: int) -> pysubs2.SSAStyle:
    """The look that `--style` asks for; UsageError for what a style does not have."""
    import pysubs2

    style = _style(width, height)
    keys = sorted({one.name for one in fields(pysubs2.SSAStyle)} - {"drawing", "tertiarycolor", "alphalevel"})
    for entry in filter(None, settings.value("subtitle_style", str).split(",")):
        name, equals, value = (part.strip() for part in entry.partition("="))
        name = name.lower()
        if name not in keys or not equals:
            raise UsageError(
                f"--style: {entry.strip()!r} is not like fontsize=60.{did_you_mean(name, keys)}"
                f" Keys: {', '.join(keys)}."
            )
        present = getattr(style, name)
        try:
            setattr(style, name, _style_value(present, value))
        except ValueError as error:
            raise UsageError(f"--style: {name} cannot be {value!r}.") from error
    return style


def _style_value(present: object, value: str) -> Any:
    import pysubs2

    if isinstance(present, pysubs2.Color):
        match = re.fullmatch(r"#?([0-9A-Fa-f]{2})([0-9A-Fa-f]{2})([0-9A-Fa-f]{2})([0-9A-Fa-f]{2})?", value)
        if match is None:
            raise ValueError(value)
        red, green, blue = (int(match[part], 16) for part in (1, 2, 3))
        # A style's alpha counts how much shows through.
        return pysubs2.Color(red, green, blue, 255 - int(match[4] or "ff", 16))
    if isinstance(present, bool):
        return parse_switch(value)
    if isinstance(present, pysubs2.Alignment):
        return pysubs2.Alignment(int(value))
    if isinstance(present, (int, float)):
        number = float(value)
        if not abs(number) < 100_000:
            raise ValueError(value)
        return int(number) if isinstance(present, int) else number
    if re.search(r"[,\r\n\x00]", value) or not value:
        raise ValueError(value)
    return value


def _style(width: int, height: int) -> pysubs2.SSAStyle:
    """White on a dark outline at the bottom, of a size in which a full line fits between the margins."""
    import pysubs2

    size = round(min(height / 18, width * 0.8 / 42 / 0.5))
    return pysubs2.SSAStyle(
        fontname="Arial",
        fontsize=size,
        primarycolor=pysubs2.Color(255, 255, 255),
        outlinecolor=pysubs2.Color(0, 0, 0),
        backcolor=pysubs2.Color(0, 0, 0, 128),
        outline=max(1.0, round(size / 18, 1)),
        shadow=0.0,
        alignment=pysubs2.Alignment.BOTTOM_CENTER,
        marginl=width // 10,
        marginr=width // 10,
        marginv=height // 20,
    )


def _resolution(media: MediaInfo | None) -> tuple[int, int]:
    """The size of the picture as it is shown, or full HD where that is not known."""
    if media is None or not media.width or not media.height:
        return 1920, 1080
    width, height = round(media.width * media.pixel_aspect), media.height
    return (height, width) if media.rotation % 180 else (width, height)


def read(content: bytes, media: MediaInfo | None) -> Analysis:
    """The cues of a file as events."""
    return analysis_of(parse(content), media)


def parse(content: bytes, format_name: str = "ass") -> CueFile:
    """Anybody's ASS or SSA file: its dialogue, the overrides undone and what is drawn left out."""
    import pysubs2

    text, notes = decoded(content)
    if not re.search(r"^\s*\[(Script Info|V4\+? Styles|Events)\]", text, re.IGNORECASE | re.MULTILINE):
        raise MarlinEditError(f"This is not an {format_name} file: it has no [Script Info] and no [Events].")
    file = CueFile(format_name, notes=notes, resolution=10)
    try:
        subtitles = pysubs2.SSAFile.from_string(text, format_=format_name)
    except (pysubs2.Pysubs2Error, ValueError, IndexError, KeyError) as error:
        raise MarlinEditError(f"This {format_name} file cannot be read: {error}.") from error
    lines = [
        number for number, line in enumerate(text.split("\n"), 1) if re.match(r"(Dialogue|Comment):", line.strip())
    ]
    for place, event in enumerate(subtitles.events):
        if event.is_comment:
            file.outside.append(event.text)
            continue
        text_shown, formatted = undone(event.text)
        file.formatted += formatted or event.style not in ("Default", "*Default")
        shown = tuple(line for line in map(str.strip, text_shown.split("\n")) if line)
        if shown or not event.is_drawing:
            file.cues.append(RawCue(event.start, event.end, shown, lines[place] if place < len(lines) else 1))
    return file


def undone(text: str) -> tuple[str, bool]:
    """An event's text as it is shown, and whether overrides were in it."""
    parts = []
    place = 0
    drawing = formatted = False
    for match in _TOKEN.finditer(text):
        if not drawing:
            parts.append(text[place : match.start()])
        place = match.end()
        token = match[0]
        if token.startswith("{"):
            formatted = True
            for scale in _DRAWING.findall(token):
                drawing = scale != "0"
        elif not drawing:
            plain = {"\\N": "\n", "\\n": "\n", "\\h": "\u00a0", "\\" + _JOINER: "\\"}
            parts.append(plain.get(token, token[1:]))
    if not drawing:
        parts.append(text[place:])
    return "".join(parts), formatted
