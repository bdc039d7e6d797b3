"""XML as text, a line for each element without children: what ElementTree writes, in a third of its time.

Meant for trees without namespaces in which an element holds a text or elements, and not both.
"""

from __future__ import annotations

from xml.etree.ElementTree import Element

_IN_TEXT = str.maketrans({"&": "&amp;", "<": "&lt;", ">": "&gt;"})
_IN_ATTRIBUTE = _IN_TEXT | str.maketrans({'"': "&quot;", "\r": "&#13;", "\n": "&#10;", "\t": "&#09;"})


def document(root: Element, doctype: str = "") -> str:
    """The whole document in UTF-8, each level of elements one blank further in."""
    parts = ['<?xml version="1.0" encoding="UTF-8"?>\n']
    if doctype:
        parts.append(f"<!DOCTYPE {doctype}>\n")
    _write(root, "", parts)
    return "".join(parts)


DEEPEST = 200
"""Elements in one another. Documents of people have some twenty."""


def is_deep(root: Element) -> bool:
    """Whether elements of a document that somebody else wrote are nested more than `DEEPEST` deep."""
    level = [root]
    for _ in range(DEEPEST):
        level = [child for element in level for child in element]
        if not level:
            return False
    return True


def _write(element: Element, indent: str, parts: list[str]) -> None:
    tag = element.tag
    opening = f"{indent}<{tag}"
    if element.attrib:
        for name, value in element.items():
            opening += f' {name}="{value.translate(_IN_ATTRIBUTE)}"'
    if len(element):
        parts.append(f"{opening}>\n")
        for child in element:
            _write(child, indent + " ", parts)
        parts.append(f"{indent}</{tag}>\n")
    elif element.text:
        parts.append(f"{opening}>{element.text.translate(_IN_TEXT)}</{tag}>\n")
    else:
        parts.append(f"{opening} />\n")
