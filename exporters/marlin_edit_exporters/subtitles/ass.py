"""Advanced SubStation Alpha (`.ass`), written and read with pysubs2: subtitles with a look, for players and burning in.

Styles, colours and places of a cue are overrides, its speaker is in the `Name` field. Braces of a text are escaped
with backslashes, and a backslash is followed by an invisible word joiner, so that nothing in a text is an override.
Times are hundredths of a second, and end before ten hours.
"""

from __future__ import annotations

import re
import warnings
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import fields, replace
from typing import TYPE_CHECKING, Any

from marlin_edit.analysis import Analysis, Look, TextRun
from marlin_edit.edit import Edit
from marlin_edit.errors import MarlinEditError, UsageError, did_you_mean
from marlin_edit.interfaces import Context, Rendered
from marlin_edit.media import MediaInfo
from marlin_edit.settings import Settings, parse_switch
from marlin_edit.text import clean, counted
from marlin_edit_exporters.subtitles.cues import Cue, shared_track
from marlin_edit_exporters.subtitles.cues.cue_file import CueFile, RawCue, analysis_of, decoded
from marlin_edit_exporters.subtitles.cues.looks import PLAIN, Runs, colour_of, lines_of, merged
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
_EFFECT_LINE = re.compile(r"fx|karaoke", re.IGNORECASE)
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
    mixed = 0
    for cue in held:
        text = "\\N".join(_marked(cue) if cue.dressed else map(escaped, cue.lines))
        start = cue.start // 10 * 10
        event = pysubs2.SSAEvent(start, max(start + 10, cue.end // 10 * 10), _placed(cue.place) + text)
        speakers = {run.look.speaker for line in cue.dressed for run in line} - {""}
        mixed += len(speakers) > 1
        event.name = speakers.pop().replace(",", ";") if len(speakers) == 1 else ""
        subtitles.append(event)
    if mixed:
        notes += (f"the speakers of {counted(mixed, 'cue')} left out, because .ass has one a cue",)
    return subtitles.to_string("ass", header_notice=""), notes


def _placed(place: int) -> str:
    return f"{{\\an{place}}}" if place else ""


def _marked(cue: Cue) -> Iterator[str]:
    """The lines of a cue with overrides wherever the look changes."""
    before = PLAIN
    for line in cue.dressed:
        parts = []
        for run in line:
            look = run.look
            changes = [
                f"\\{code}{int(now)}"
                for code, was, now in (
                    ("i", before.italic, look.italic),
                    ("b", before.bold, look.bold),
                    ("u", before.underline, look.underline),
                )
                if was != now
            ]
            if look.colour != before.colour:
                red, green, blue = (look.colour[at : at + 2] for at in (1, 3, 5))
                changes.append(f"\\c&H{blue}{green}{red}&".upper().replace("\\C", "\\c") if look.colour else "\\c")
            parts.append(("{" + "".join(changes) + "}" if changes else "") + escaped(run.text))
            before = look
        yield "".join(parts)


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
    with warnings.catch_warnings(record=True) as doubts:
        warnings.simplefilter("always")
        try:
            subtitles = pysubs2.SSAFile.from_string(text, format_=format_name)
        except Exception as error:  # the library raises all kinds
            raise MarlinEditError(f"This {format_name} file cannot be read: {error}.") from error
    if doubts:
        file.notes += (f"{counted(len(doubts), 'field')} cannot be read and got the usual value",)
    lines = [
        number for number, line in enumerate(text.split("\n"), 1) if re.match(r"(Dialogue|Comment):", line.strip())
    ]
    usual = _usual_style(subtitles)
    effects = 0
    for place, event in enumerate(subtitles.events):
        if event.is_comment:
            file.outside.append(event.text)
            continue
        if _EFFECT_LINE.fullmatch(event.effect.strip()):
            effects += 1
            continue
        base, where = _look_of(subtitles, event, usual)
        runs, where, lost = undone(event.text, base, where)
        file.formatted += lost or bool(event.effect.strip())
        shown = lines_of(runs)
        if shown or not event.is_drawing:
            line = lines[place] if place < len(lines) else 1
            file.cues.append(RawCue(event.start, event.end, shown, line, runs, where))
    if effects:
        file.notes += (f"{counted(effects, 'line')} of karaoke effects left out",)
    return file


def _usual_style(subtitles: pysubs2.SSAFile) -> str:
    """The style that most of the dialogue has: how it looks is how the file looks, and no formatting."""
    used = Counter(event.style for event in subtitles.events if not event.is_comment and not event.is_drawing)
    return next((name for name, _ in used.most_common(1)), "Default")


def _look_of(subtitles: pysubs2.SSAFile, event: pysubs2.SSAEvent, usual: str) -> tuple[Look, int]:
    """What an event's style adds to the look of most others, and where it stands."""
    speaker = clean(event.name)
    style, common = subtitles.styles.get(event.style), subtitles.styles.get(usual)
    if style is None or common is None:
        return Look(speaker=speaker), 0
    colour, other = style.primarycolor, common.primarycolor
    differs = (colour.r, colour.g, colour.b) != (other.r, other.g, other.b)
    look = Look(
        style.italic and not common.italic,
        style.bold and not common.bold,
        style.underline and not common.underline,
        colour_of(f"#{colour.r:02x}{colour.g:02x}{colour.b:02x}") if differs else "",
        speaker,
    )
    return look, 0 if style.alignment == 2 else int(style.alignment)


def undone(text: str, base: Look = PLAIN, where: int = 0) -> tuple[Runs, int, bool]:
    """An event's text in runs, where it stands, and whether overrides were in it that are not kept.

    Args:
        text: The text with its overrides.
        base: The look of its style.
        where: Where its style puts it.
    """
    runs: list[TextRun] = []
    place = 0
    drawing = lost = False
    look = base
    for match in _TOKEN.finditer(text):
        if not drawing:
            runs.append(TextRun(text[place : match.start()], look))
        place = match.end()
        token = match[0]
        if token.startswith("{"):
            look, where, more = codes_undone(token[1:-1], look, where, base)
            lost = lost or more
            for scale in _DRAWING.findall(token):
                drawing = scale != "0"
        elif not drawing:
            plain = {"\\N": "\n", "\\n": "\n", "\\h": "\u00a0", "\\" + _JOINER: "\\"}
            runs.append(TextRun(plain.get(token, token[1:]), look))
    if not drawing:
        runs.append(TextRun(text[place:], look))
    return merged(runs), where, lost


_CODE = re.compile(
    r"\\(?:(?P<style>[ibu])(?P<on>\d+)|(?P<colour>1?c)&?H?(?P<digits>[0-9A-Fa-f]{1,8})?&?|an(?P<pad>\d)|(?P<reset>r)|"
    r"a(?P<legacy>\d+)|(?P<other>[^\\]+))"
)
_LEGACY_PLACES = {1: 1, 2: 2, 3: 3, 5: 7, 6: 8, 7: 9, 9: 4, 10: 5, 11: 6}


def codes_undone(codes: str, look: Look, where: int, base: Look = PLAIN) -> tuple[Look, int, bool]:
    r"""SubStation Alpha's override codes, which players read in SubRip too: look, place, and whether more is lost.

    Args:
        codes: What stands between braces.
        look: The look before.
        where: The place before.
        base: The look that `\r` and a code without a value go back to.
    """
    lost = False
    for code in _CODE.finditer(codes):
        if code["style"]:
            on = int(code["on"][:6]) > 0
            if code["style"] == "i":
                look = replace(look, italic=on)
            else:
                look = replace(look, bold=on) if code["style"] == "b" else replace(look, underline=on)
        elif code["colour"]:
            digits = (code["digits"] or "").rjust(6, "0")[-6:]
            shown = colour_of(f"#{digits[4:]}{digits[2:4]}{digits[:2]}") if code["digits"] else base.colour
            look = replace(look, colour=shown)
        elif code["pad"]:
            where = int(code["pad"]) % 10
        elif code["legacy"]:
            where = _LEGACY_PLACES.get(int(code["legacy"][:3]), where)
        elif code["reset"]:
            look = replace(base, speaker=look.speaker)
        else:
            lost = lost or not re.match(r"(?:q\d|[ibu]$)", code["other"])
    return look, 0 if where == 2 else where, lost
