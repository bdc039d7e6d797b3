"""How parts of a cue's text look, and who says them: runs of one look, which survive new line breaks.

Runs and lines have the same characters but for blanks, so that a run finds its place again wherever lines are broken.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Sequence

from marlin_edit.analysis import Look, TextRun
from marlin_edit.text import clean

PLAIN = Look()
TOP, MIDDLE, BOTTOM = 6, 3, 0
"""What the rows of a number pad add to 1 (left), 2 (centre) and 3 (right): where a cue stands on the picture."""

Runs = tuple[TextRun, ...]

_NAMED = {
    "white": "#ffffff", "silver": "#c0c0c0", "gray": "#808080", "grey": "#808080", "black": "#000000",
    "red": "#ff0000", "maroon": "#800000", "yellow": "#ffff00", "olive": "#808000", "lime": "#00ff00",
    "green": "#008000", "aqua": "#00ffff", "cyan": "#00ffff", "teal": "#008080", "blue": "#0000ff", "navy": "#000080",
    "fuchsia": "#ff00ff", "magenta": "#ff00ff", "purple": "#800080", "orange": "#ffa500", "pink": "#ffc0cb",
}  # fmt: skip


def colour_of(text: str) -> str:
    """A colour as `#rrggbb` from its name, `#rgb`, `#rrggbb`, `#rrggbbaa`, bare digits or `rgb(...)`.

    Nothing for white, which is what players use, and for what is no colour.
    """
    text = text.strip().strip("\"'").lower()
    named = _NAMED.get(text)
    digits = re.fullmatch(r"#?([0-9a-f]{6})(?:[0-9a-f]{2})?|#([0-9a-f]{3})", text)
    parts = re.fullmatch(r"rgba?\((\d{1,3}),\s*(\d{1,3}),\s*(\d{1,3})(?:,[^)]*)?\)", text)
    if named is None and digits is not None:
        named = "#" + (digits[1] or "".join(digit * 2 for digit in digits[2]))
    elif named is None and parts is not None:
        named = "#" + "".join(f"{min(255, int(part)):02x}" for part in parts.groups())
    return "" if named in (None, "#ffffff") else str(named)


def merged(runs: Iterable[TextRun]) -> Runs:
    """The runs with neighbours of one look as one, and none that is empty."""
    found: list[TextRun] = []
    for run in runs:
        if found and found[-1].look == run.look:
            found[-1] = TextRun(found[-1].text + run.text, run.look)
        elif run.text:
            found.append(run)
    return tuple(found)


def lines_of(runs: Sequence[TextRun]) -> tuple[str, ...]:
    """The lines of a text in runs, without blanks at their ends, and without those that are empty."""
    text = "".join(run.text for run in runs)
    return tuple(line for line in map(str.strip, text.split("\n")) if line)


def dressed(lines: Sequence[str], runs: Sequence[TextRun]) -> tuple[Runs, ...]:
    """The runs of each line; nothing where they are all plain, or are not those of this text."""
    if all(run.look == PLAIN for run in runs):
        return ()
    letters = _letters(runs)
    found = []
    for line in lines:
        looks: list[Look | None] = []
        for character in line:
            letter = None if character.isspace() else next((one for one in letters if _shown(one[0], character)), None)
            if letter is not None and letter[0] != character:
                return ()
            if letter is None and not character.isspace():
                return ()
            looks.append(None if letter is None else letter[1])
        found.append(merged(map(TextRun, line, _filled(looks))))
    return tuple(found)


def _shown(letter: str, wanted: str) -> bool:
    """Whether a letter of a run is in the lines: some are taken out where texts come in."""
    return letter == wanted or bool(clean(letter))


def _filled(looks: Sequence[Look | None]) -> Iterator[Look]:
    """The looks of a line's characters, those of blanks too: what the letters on both sides have in common."""
    known = [look for look in looks if look is not None]
    before = known[0] if known else PLAIN
    place = 0
    for look in looks:
        if look is not None:
            before, place = look, place + 1
            yield look
        else:
            yield _common(before, known[place] if place < len(known) else before)


def _common(one: Look, other: Look) -> Look:
    return Look(
        one.italic and other.italic,
        one.bold and other.bold,
        one.underline and other.underline,
        one.colour if one.colour == other.colour else "",
        one.speaker if one.speaker == other.speaker else "",
    )


def _letters(runs: Sequence[TextRun]) -> Iterator[tuple[str, Look]]:
    """Every character that is no blank, with its look."""
    return ((character, run.look) for run in runs for character in run.text if not character.isspace())


def whole(lines: Sequence[Runs]) -> Runs:
    """The runs of lines as those of one text, with its line breaks."""
    found: list[TextRun] = []
    for number, line in enumerate(lines):
        if number and found:
            found[-1] = TextRun(found[-1].text + "\n", found[-1].look)
        found += line
    return merged(found)
