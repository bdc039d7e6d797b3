"""Reads XML that others wrote, but none that defines entities: these can fill the memory, or reach for files."""

from __future__ import annotations

from urllib.parse import unquote
from xml.etree.ElementTree import Element, TreeBuilder
from xml.parsers import expat

from marlin_edit.errors import MarlinEditError
from marlin_edit.interfaces import GivenMarker
from marlin_edit.markers import Put
from marlin_edit.text import clean
from marlin_edit_exporters.xml_text import DEEPEST, is_deep


def parsed(content: bytes, root: str, what: str) -> Element:
    """The document's first element, which is a `root`; MarlinEditError where it is not `what` ("a Final Cut XML")."""
    builder = TreeBuilder()
    parser = expat.ParserCreate()
    parser.buffer_text = True
    parser.StartElementHandler = builder.start
    parser.EndElementHandler = builder.end
    parser.CharacterDataHandler = builder.data
    parser.EntityDeclHandler = _refuse
    try:
        parser.Parse(content, True)
    except (expat.ExpatError, ValueError, LookupError) as error:
        raise MarlinEditError(f"This is not {what}: {error}.") from error
    element = builder.close()
    if is_deep(element):
        raise MarlinEditError(f"This is not {what}: its elements are nested more than {DEEPEST} deep.")
    if element.tag != root:
        raise MarlinEditError(f"This is not {what}: its first element is {element.tag}, not {root}.")
    return element


def _refuse(*_: object) -> None:
    raise MarlinEditError("This XML defines entities, which no editing program does; it is not read.")


def last_part(url: str) -> str:
    """The file name at the end of a URL or a path."""
    name = url.replace("\\", "/").rpartition("/")[2]
    return clean(unquote(name) if url.startswith("file:") else name)


RETIMED = "it is on a clip that is retimed, or a clip of clips"


def without_a_place(name: str, note: str, put: Put | None, why: str = RETIMED) -> GivenMarker:
    """A marker whose place in the source cannot be known: one of ours is where it was, a new one is nowhere in it."""
    if put is None:
        return GivenMarker(name, note, -1, 1, unplaced=why)
    return GivenMarker(name, note, put.frames.first, put.frames.count, put)
