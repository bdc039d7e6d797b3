"""TTML (`.ttml`) in the IMSC 1.1 text profile: broadcasters' and streaming services' XML.

Styles and colours are attributes of spans, speakers agents, places regions. XML escapes hold every text; what XML has
no character for was taken out when the text came in.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from fractions import Fraction
from xml.etree import ElementTree

from marlin_edit.analysis import Analysis, Look, TextRun
from marlin_edit.edit import Edit
from marlin_edit.errors import MarlinEditError
from marlin_edit.interfaces import Context, Rendered
from marlin_edit.media import MediaInfo
from marlin_edit.text import clean
from marlin_edit.timebase import milliseconds_text, short_number
from marlin_edit_exporters.subtitles.cues import Cue, shared_track
from marlin_edit_exporters.subtitles.cues.cue_file import CueFile, RawCue, analysis_of, decoded, milliseconds
from marlin_edit_exporters.subtitles.cues.looks import PLAIN, colour_of, merged
from marlin_edit_exporters.subtitles.cues.width import is_right_to_left
from marlin_edit_exporters.subtitles.labels import comments, label
from marlin_edit_exporters.xml_text import DEEPEST, is_deep

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
      <region xml:id="bottom" tts:origin="10% 70%" tts:extent="80% 25%" tts:displayAlign="after"/>{regions}
    </layout>
  </head>
  <body region="bottom" style="plain">
    <div{role}>
"""
_TAIL = """    </div>
  </body>
</tt>
"""


ROLES = {
    "descriptions": ' ttm:role="description"',
    "metadata": ' ttm:role="description"',
    "captions": ' ttm:role="caption"',
    "sdh": ' ttm:role="caption"',
}
"""The attribute of the cues of each kind of track."""


def render(edit: Edit, context: Context) -> Rendered:
    """The track as TTML."""
    track = shared_track(edit, context)
    title = label(track)
    role = ROLES.get(track.kind, "") if title else ""
    metadata = [f"<ttm:title>{_escaped(title)}</ttm:title>"] if title else []
    shown = " ".join(comments(edit, track, context.settings))
    if shown:
        metadata.append(f"<ttm:desc>{_escaped(shown)}</ttm:desc>")
    return Rendered(write(track.cues, track.language, metadata, role), track.notes)


def write(cues: Sequence[Cue], language: str = "", metadata: Sequence[str] = (), role: str = "") -> str:
    """The file of cues in order. metadata: elements of the head, already XML. role: the cues' attribute."""
    agents = {name: f"a{number}" for number, name in enumerate(_speakers(cues), 1)}
    named = [
        f'<ttm:agent xml:id="{agent}" type="person"><ttm:name type="full">{_escaped(name)}</ttm:name></ttm:agent>'
        for name, agent in agents.items()
    ]
    rows = {(cue.place - 1) // 3 for cue in cues if cue.place}
    regions = "".join("\n      " + region for row, region in _REGIONS.items() if row in rows)
    head = _HEAD.format(language=language, metadata="\n      ".join((*metadata, *named)), role=role, regions=regions)
    head = head.replace("    <metadata>\n      \n    </metadata>\n", "")
    paragraphs = []
    for number, cue in enumerate(cues, 1):
        text = _escaped("\n".join(cue.lines)).replace("\n", "<br/>")
        direction = "" if not is_right_to_left(text) else ' tts:direction="rtl"'
        if cue.dressed:
            text = "<br/>".join("".join(_marked(run, agents) for run in line) for line in cue.dressed)
        times = f'begin="{milliseconds_text(cue.start)}" end="{milliseconds_text(cue.end)}"'
        paragraphs.append(f'      <p xml:id="c{number}" {times}{direction}{_placed(cue.place)}>{text}</p>\n')
    return head + "".join(paragraphs) + _TAIL


_REGIONS = {
    1: '<region xml:id="middle" tts:origin="10% 35%" tts:extent="80% 30%" tts:displayAlign="center"/>',
    2: '<region xml:id="top" tts:origin="10% 5%" tts:extent="80% 25%" tts:displayAlign="before"/>',
}


def _speakers(cues: Sequence[Cue]) -> list[str]:
    found = (run.look.speaker for cue in cues for line in cue.dressed for run in line)
    return list(dict.fromkeys(filter(None, found)))


def _placed(place: int) -> str:
    """The attributes of a cue that does not stand at the usual place."""
    if not place:
        return ""
    row, column = divmod(place - 1, 3)
    region = ("", ' region="middle"', ' region="top"')[row]
    return region + (' tts:textAlign="start"', "", ' tts:textAlign="end"')[column]


def _marked(run: TextRun, agents: Mapping[str, str]) -> str:
    look = run.look
    attributes = [
        attribute
        for attribute, wanted in (
            ('tts:fontStyle="italic"', look.italic),
            ('tts:fontWeight="bold"', look.bold),
            ('tts:textDecoration="underline"', look.underline),
            (f'tts:color="{look.colour}"', look.colour),
            (f'ttm:agent="{agents.get(look.speaker)}"', look.speaker),
        )
        if wanted
    ]
    return f"<span {' '.join(attributes)}>{_escaped(run.text)}</span>" if attributes else _escaped(run.text)


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
        frames = re.fullmatch(r"(\d{2,9}):(\d\d):(\d\d):(\d{2,9})(?:\.\d+)?", text)
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
        return milliseconds(text) if re.fullmatch(r"\d{2,9}:\d\d:\d\d(\.\d{1,30})?", text) else None


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
    if is_deep(root):
        raise MarlinEditError(f"The elements of this TTML are nested more than {DEEPEST} deep; it is not read.")
    if _name(root.tag) != "tt":
        raise MarlinEditError(f"This XML is not TTML: its first element is {_name(root.tag)}, not tt.")
    file.language = root.get("{http://www.w3.org/XML/1998/namespace}lang")
    if not file.language:
        file.faults.append((1, "the document does not say its language (xml:lang)"))
    lines = _lines_of(root, text)
    clock_of = _clock(root)
    looks = _Looks(root)
    for element, begin, end in _timed(root, 0, None, clock_of):
        runs = merged(looks.runs_of(element))
        shown = tuple(" ".join(line.split()) for line in "".join(run.text for run in runs).split("\n"))
        shown = tuple(line for line in shown if line)
        line = lines.get(element, 1)
        if begin is None:
            file.faults.append((line, "the times cannot be read"))
        file.formatted += any(looks.says_more(inner) for inner in element.iter())
        if shown or element.get("begin"):
            file.cues.append(RawCue(begin, end, shown, line, runs, looks.place_of(element)))
    roles = {value for node in root.iter() for name, value in node.attrib.items() if "role" in name}
    for role, kind in (("description", "descriptions"), ("caption", "captions")):
        if not file.kind and any(role in value for value in roles):
            file.kind = kind
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
        rate = short_number(parameters.get("frameRate", "30"))
        above, below = [*parameters.get("frameRateMultiplier", "1 1").replace(":", " ").split(), "1"][:2]
        rate = rate * short_number(above) / short_number(below)
        ticks = short_number(parameters["tickRate"]) if "tickRate" in parameters else rate
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


_STYLED = frozenset({"fontStyle", "fontWeight", "textDecoration", "color", "textAlign", "direction"})
_Attributes = dict[str, str]


class _Looks:
    """The looks and places of a document's cues, by its styles, regions and agents, and what they inherit."""

    def __init__(self, root: ElementTree.Element) -> None:
        self._parents = {child: parent for parent in root.iter() for child in parent}
        self._styles = {_id(one): one for one in root.iter() if _name(one.tag) == "style" and _id(one)}
        self._regions = {_id(one): one for one in root.iter() if _name(one.tag) == "region" and _id(one)}
        self._speakers = {
            _id(agent): clean("".join(name.itertext()))
            for agent in root.iter()
            if _name(agent.tag) == "agent"
            for name in list(agent)[:1]
        }

    def runs_of(self, paragraph: ElementTree.Element) -> Iterator[TextRun]:
        """A paragraph's text with `br` as a line break; a line break of the file itself is a blank."""
        look = PLAIN
        region = self._region_of(paragraph)
        if region is not None:
            look = self._changed(look, region)
        for element in self._with_parents(paragraph)[:-1]:
            look = self._changed(look, element)
        yield from self._inside(paragraph, look)

    def _inside(self, element: ElementTree.Element, look: Look) -> Iterator[TextRun]:
        look = self._changed(look, element)
        yield TextRun(" ".join((element.text or "").split("\n")), look)
        for child in element:
            if _name(child.tag) == "br":
                yield TextRun("\n", look)
            elif _name(child.tag) not in ("metadata", "set"):
                yield from self._inside(child, look)
            yield TextRun(" ".join((child.tail or "").split("\n")), look)

    def place_of(self, paragraph: ElementTree.Element) -> int:
        """Where a paragraph stands, as on a number pad; 0 for the usual place."""
        region = self._region_of(paragraph)
        given: _Attributes = {}
        for element in (*([region] if region is not None else []), *self._with_parents(paragraph)):
            given |= self._attributes(element)
        row = _row_of(self._attributes(region)) if region is not None else 0
        align = given.get("textAlign", "center")
        place = row * 3 + {"left": 1, "start": 1, "right": 3, "end": 3}.get(align, 2)
        return 0 if place == 2 else place

    def says_more(self, element: ElementTree.Element) -> bool:
        """Whether a span has a style that is not kept."""
        given = self._attributes(element) if _name(element.tag) == "span" else {}
        return bool(given.keys() - _STYLED)

    def _with_parents(self, element: ElementTree.Element) -> list[ElementTree.Element]:
        """The element after all that it lies in, the outermost first."""
        found = [element]
        while found[-1] in self._parents:
            found.append(self._parents[found[-1]])
        return found[::-1]

    def _region_of(self, paragraph: ElementTree.Element) -> ElementTree.Element | None:
        for element in reversed(self._with_parents(paragraph)):
            if element.get("region"):
                return self._regions.get(element.get("region", ""))
        return None

    def _attributes(self, element: ElementTree.Element, deep: int = 8) -> _Attributes:
        """The style attributes that an element has itself: by the styles that it names, inside it, and on it."""
        found: _Attributes = {}
        for name in element.get("style", "").split() if deep else ():
            if name in self._styles:
                found |= self._attributes(self._styles[name], deep - 1)
        for inner in element if _name(element.tag) == "region" else ():
            if _name(inner.tag) == "style":
                found |= self._attributes(inner, 0)
        return found | {_name(key): value for key, value in element.attrib.items() if "#styling}" in key}

    def _changed(self, look: Look, element: ElementTree.Element) -> Look:
        given = self._attributes(element)
        speaker = next((value for key, value in element.attrib.items() if _name(key) == "agent"), "")
        return Look(
            given["fontStyle"] in ("italic", "oblique") if "fontStyle" in given else look.italic,
            given["fontWeight"] == "bold" if "fontWeight" in given else look.bold,
            "underline" in given["textDecoration"].split() if "textDecoration" in given else look.underline,
            colour_of(given["color"]) if "color" in given else look.colour,
            self._speakers.get(speaker.split()[0], speaker) if speaker.strip() else look.speaker,
        )


def _row_of(region: _Attributes) -> int:
    """The row of a number pad in which a region shows its text, from 0 at the bottom."""
    origin, extent = (re.findall(r"(-?[\d.]+)%", region.get(name, "")) for name in ("origin", "extent"))
    top = float(origin[1]) if len(origin) > 1 else 0.0
    height = float(extent[1]) if len(extent) > 1 else 100.0 - top
    at = {"before": top, "center": top + height / 2}.get(region.get("displayAlign", "before"), top + height)
    return 2 if at < 34 else 1 if at < 67 else 0


def _id(element: ElementTree.Element) -> str:
    return element.get("{http://www.w3.org/XML/1998/namespace}id", "")


def _name(tag: str) -> str:
    return tag.rpartition("}")[2]
