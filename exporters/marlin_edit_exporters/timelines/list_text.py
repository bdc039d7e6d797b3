"""Cut lists and marker lists as programs write them: their encoding, and how their time code counts."""

from __future__ import annotations

import codecs
import re

from marlin_edit.errors import MarlinEditError
from marlin_edit.timebase import FrameRate

_MODE = re.compile(r"^FCM:\s*(NON[- ]?)?DROP", re.IGNORECASE | re.MULTILINE)
_LABEL = re.compile(r"\b\d\d:\d\d:\d\d([:;])\d\d\b")
_MARKS = ((codecs.BOM_UTF8, "utf-8"), (codecs.BOM_UTF16_LE, "utf-16-le"), (codecs.BOM_UTF16_BE, "utf-16-be"))


def decoded(content: bytes) -> str:
    """The text of a list in UTF-8 or UTF-16, with or without a byte order mark, or else in Windows-1252."""
    for mark, encoding in _MARKS:
        if content.startswith(mark):
            return content[len(mark) :].decode(encoding, "replace")
    if b"\0" in content[:200]:
        return content.decode("utf-16-be" if content[:1] == b"\0" else "utf-16-le", "replace")
    try:
        return content.decode("utf-8")
    except UnicodeDecodeError:
        return content.decode("cp1252", "replace")


def counting_of(text: str, rate: FrameRate) -> FrameRate:
    """The rate as a list counts it: drop-frame where its labels or its FCM line say so."""
    labels = {label[1] for label in _LABEL.finditer(text)}
    mode = _MODE.search(text)
    drops = ";" in labels or (mode is not None and mode[1] is None)
    if not labels and mode is None:
        return rate
    try:
        return FrameRate(rate.value, drop_frame=drops)
    except MarlinEditError:  # there is none at this rate
        return FrameRate(rate.value)
