"""TTML (`.ttml`) in the IMSC 1.1 text profile: broadcasters' and streaming services' XML.

XML escapes hold every text; what XML has no character for was taken out when the text came in.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from fractions import Fraction
from xml.etree import ElementTree

from marlin_edit.analysis import Analysis
from marlin_edit.edit import Edit
from marlin_edit.errors import MarlinEditError
from marlin_edit.interfaces import Context, Rendered
from marlin_edit.media import MediaInfo
from marlin_edit.timebase import milliseconds_text
from marlin_edit_exporters.subtitles.cues import Cue, shared_track
from marlin_edit_exporters.subtitles.cues.cue_file import CueFile, RawCue, analysis_of, decoded, milliseconds
from marlin_edit_exporters.subtitles.cues.width import is_right_to_left
from marlin_edit_exporters.subtitles.labels import comments, label

_ESCAPES = str.maketrans({"&": "&amp;", "<": "&lt;", ">": "&gt;", '"': "&quot;"})
_HEAD = """<?xml version="1.0" encoding="UTF-8"?>
<tt xmlns="http://www.w3.org/ns/ttml" xmlns:ttm="http://www.w3.org/ns/ttml#metadata"
    xmlns:ttp="http://www.w3.org/ns/ttml#parameter" xmlns:tts="http://www.w3.org/ns/ttml#styling"
    xml:lang="{language}" ttp:timeBase="media"
    ttp:contentProfiles="http://www.w3.org/ns/ttml/profile/imsc1.1/text">
  <head>
    <metadata>
      {metadata}
    </metadata>
    <styling>
      <style xml:id="plain" tts:fontFamily="proportionalSansSerif" tts:fontSize="100%" tts:lineHeight="125%"
          tts:color="#ffffff" tts:backgroundColor="#000000c0" tts:textAlign="center"/>
    </styling>
    <layout>
      <region xml:id="bottom" tts:origin="10% 70%" tts:extent="80% 25%" tts:displayAlign="after"/>
    </layout>
  </head>
  <body region="bottom" style="plain">
    <div{role}>
"""
_TAIL = """    </div>
  </body>
</tt>
"""


def render(edit: Edit, context: Context) -> Rendered:
    """The track as TTML."""
    track = shared_track(edit, context)
    title = label(track)
    role = ' ttm:role="description"' if title and track.kind != "subtitles" else ""
    metadata = [f"<ttm:title>{_escaped(title)}</ttm:title>"] if title else []
    shown = " ".join(comments(edit, track, context.settings))
    if shown:
        metadata.append(f"<ttm:desc>{_escaped(shown)}</ttm:desc>")
    return Rendered(write(track.cues, track.language, metadata, role), track.notes)


def write(cues: Sequence[Cue], language: str = "", metadata: Sequence[str] = (), role: str = "") -> str:
    """The file of cues in order. metadata: elements of the head, already XML. role: the cues' attribute."""
    head = _HEAD.format(language=language, metadata="\n      ".join(metadata), role=role)
    head = head.replace("    <metadata>\n      \n    </metadata>\n", "")
    paragraphs = []
    for number, cue in enumerate(cues, 1):
        text = _escaped("\n".join(cue.lines)).replace("\n", "<br/>")
        direction = "" if not is_right_to_left(text) else ' tts:direction="rtl"'
        times = f'begin="{milliseconds_text(cue.start)}" end="{milliseconds_text(cue.end)}"'
        paragraphs.append(f'      <p xml:id="c{number}" {times}{direction}>{text}</p>\n')
    return head + "".join(paragraphs) + _TAIL


def _escaped(text: str) -> str:
    return text.translate(_ESCAPES) if "&" in text or "<" in text or ">" in text or '"' in text else text


def read(content: bytes, media: MediaInfo | None) -> Analysis:
    """The cues of a file as events."""
    return analysis_of(parse(content), media)


@dataclass(frozen=True)
class _Clock:
    """What a document's frames and ticks are."""

    frame_rate: Fraction
    tick_rate: Fraction

    def milliseconds(self, text: str | None) -> int | None:
        """A TTML time expression: a clock time, with frames or a fraction, or a number with its unit."""
        if text is None:
            return None
        text = text.strip()
        frames = re.fullmatch(r"(\d{2,}):(\d\d):(\d\d):(\d{2,})(?:\.\d+)?", text)
        if frames:
            seconds = (int(frames[1]) * 60 + int(frames[2])) * 60 + int(frames[3])
            return round((seconds + int(frames[4]) / self.frame_rate) * 1000)
        offset = re.fullmatch(r"(\d{1,12}(?:\.\d{1,12})?)(h|ms|m|s|f|t)", text)
        if offset:
            unit = {
                "h": Fraction(3600),
                "m": Fraction(60),
                "s": Fraction(1),
                "ms": Fraction(1, 1000),
                "f": 1 / self.frame_rate,
                "t": 1 / self.tick_rate,
            }[offset[2]]
            return round(Fraction(offset[1]) * unit * 1000)
        return milliseconds(text) if re.fullmatch(r"\d{2,}:\d\d:\d\d(\.\d+)?", text) else None


def parse(content: bytes) -> CueFile:
    """Anybody's TTML: each `p` with a text, its times counted from those around it."""
    text, notes = decoded(content)
    text = text.replace("\x00", "")
    file = CueFile("ttml", notes=notes)
    if "<!ENTITY" in text:
        raise MarlinEditError("This TTML defines entities, which subtitles do not need; it is not read.")
    try:
        root = ElementTree.fromstring(re.sub(r"^\s*<\?xml[^>]*\?>", "", text))
    except ElementTree.ParseError as error:
        raise MarlinEditError(f"This is not XML: {error}.") from error
    if _name(root.tag) != "tt":
        raise MarlinEditError(f"This XML is not TTML: its first element is {_name(root.tag)}, not tt.")
    file.language = root.get("{http://www.w3.org/XML/1998/namespace}lang")
    if not file.language:
        file.faults.append((1, "the document does not say its language (xml:lang)"))
    lines = _lines_of(root, text)
    clock_of = _clock(root)
    for element, begin, end in _timed(root, 0, None, clock_of):
        shown = tuple(" ".join(line.split()) for line in _text(element).split("\n"))
        shown = tuple(line for line in shown if line)
        line = lines.get(element, 1)
        if begin is None:
            file.faults.append((line, "the times cannot be read"))
        file.formatted += any(_name(inner.tag) == "span" and inner.attrib for inner in element.iter())
        if shown or element.get("begin"):
            file.cues.append(RawCue(begin, end, shown, line))
    if any("role" in name and "description" in value for node in root.iter() for name, value in node.attrib.items()):
        file.kind = "descriptions"
    return file


def _lines_of(root: ElementTree.Element, text: str) -> dict[ElementTree.Element, int]:
    """The line of each `p`: of the places in the text where one begins, in their order."""
    paragraphs = [element for element in root.iter() if _name(element.tag) == "p"]
    lines: dict[ElementTree.Element, int] = {}
    line, position = 1, 0
    for element, match in zip(paragraphs, re.finditer(r"<(?:[\w.-]+:)?p(?=[\s>/])", text), strict=False):
        line += text.count("\n", position, match.start())
        position = match.start()
        lines[element] = line
    return lines


def _clock(root: ElementTree.Element) -> _Clock:
    parameters = {_name(name): value for name, value in root.attrib.items()}
    try:
        rate = Fraction(parameters.get("frameRate", "30"))
        above, below = [*parameters.get("frameRateMultiplier", "1 1").replace(":", " ").split(), "1"][:2]
        rate = rate * Fraction(above) / Fraction(below)
        ticks = Fraction(parameters["tickRate"]) if "tickRate" in parameters else rate
        if rate <= 0 or ticks <= 0:
            raise ValueError("not above zero")
    except (ValueError, ZeroDivisionError) as error:
        raise MarlinEditError("The frame rate or tick rate of this TTML cannot be read.") from error
    return _Clock(rate, ticks if "tickRate" in parameters or "frameRate" in parameters else Fraction(1))


def _timed(
    element: ElementTree.Element, start: int, stop: int | None, clock_of: _Clock
) -> Iterator[tuple[ElementTree.Element, int | None, int | None]]:
    """Each `p` with its times from the document's zero. Where the words have times of their own, from first to last."""
    stack = [(element, start, stop)]
    while stack:
        node, outer, limit = stack.pop()
        begin = clock_of.milliseconds(node.get("begin"))
        end = clock_of.milliseconds(node.get("end"))
        lasting = clock_of.milliseconds(node.get("dur"))
        unreadable = (node.get("begin") is not None and begin is None) or (node.get("end") is not None and end is None)
        own_start = outer + (begin or 0)
        own_stop = limit if end is None else outer + end
        if end is None and lasting is not None:
            own_stop = own_start + lasting
        if _name(node.tag) == "p":
            inner = [clock_of.milliseconds(one.get(name)) for one in node.iter() if one is not node for name in _TIMES]
            known = [own_start + time for time in inner if time is not None]
            if known and node.get("begin") is None and node.get("end") is None:
                yield node, min(known), max(known)
            elif unreadable:
                yield node, None, None
            else:
                yield node, own_start, own_stop
        else:
            stack += [(child, own_start, own_stop) for child in reversed(node)]


_TIMES = ("begin", "end")


def _text(element: ElementTree.Element) -> str:
    """An element's text with `br` as a line break; a line break of the file itself is a blank."""
    parts = [" ".join((element.text or "").split("\n"))]
    for child in element:
        if _name(child.tag) == "br":
            parts.append("\n")
        elif _name(child.tag) not in ("metadata", "set"):
            parts.append(_text(child))
        parts.append(" ".join((child.tail or "").split("\n")))
    return "".join(parts)


def _name(tag: str) -> str:
    return tag.rpartition("}")[2]
