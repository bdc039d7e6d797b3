"""How wide a text is, where it may be taken apart and which way it runs: by Unicode's tables, partly in `wcwidth`."""

from __future__ import annotations


def cells(text: str) -> int:
    """The width of a text in cells: wide characters take two, those that join the one before take none."""
    if text.isascii():
        return len(text)
    import wcwidth

    # wcswidth answers -1 for a text with a control character in it.
    width = int(wcwidth.wcswidth(text))
    return width if width >= 0 else sum(max(0, int(wcwidth.wcwidth(character))) for character in text)


def graphemes(text: str) -> list[str]:
    """What a person takes for one character each: accents, joined emoji and syllables stay whole."""
    if text.isascii():
        return list(text)
    import wcwidth

    return list(wcwidth.iter_graphemes(text))


def is_wide(character: str) -> bool:
    """Whether it is of a script without blanks between words, as Chinese and Japanese are; not Korean, and no emoji."""
    if character < "\u1100":
        return False
    import unicodedata

    if "\uac00" <= character <= "\ud7a3" or unicodedata.category(character) == "So":
        return False
    return unicodedata.east_asian_width(character) in "WF"


def is_right_to_left(text: str) -> bool:
    """Which way a text runs, by its first letter that has a direction."""
    if text.isascii():
        return False
    import unicodedata

    for character in text:
        direction = unicodedata.bidirectional(character)
        if direction in ("L", "R", "AL"):
            return direction != "L"
    return False
