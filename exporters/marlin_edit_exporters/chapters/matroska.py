"""Matroska chapters (`.chapters.xml`), as mkvmerge reads them: `mkvmerge -o OUT.mkv --chapters FILE VIDEO`."""

from __future__ import annotations

from xml.etree import ElementTree as ET

from marlin_edit.edit import Edit
from marlin_edit.interfaces import Context, Rendered
from marlin_edit.timebase import milliseconds_text
from marlin_edit_exporters.chapters.layout import chapters_of
from marlin_edit_exporters.xml_text import document


def render(edit: Edit, context: Context) -> Rendered:
    """The chapters as mkvmerge's XML."""
    chapters, notes = chapters_of(edit, context)
    root = ET.Element("Chapters")
    edition = ET.SubElement(root, "EditionEntry")
    for number, chapter in enumerate(chapters, 1):
        atom = ET.SubElement(edition, "ChapterAtom")
        ET.SubElement(atom, "ChapterUID").text = str(number)
        ET.SubElement(atom, "ChapterTimeStart").text = _clock(chapter.start)
        ET.SubElement(atom, "ChapterTimeEnd").text = _clock(chapter.end)
        display = ET.SubElement(atom, "ChapterDisplay")
        ET.SubElement(display, "ChapterString").text = chapter.title
        ET.SubElement(display, "ChapterLanguage").text = "und"
    if not chapters:
        notes.append("there are no chapters, and mkvmerge refuses a file without any")
    return Rendered(document(root), tuple(notes))


def _clock(milliseconds: int) -> str:
    return milliseconds_text(milliseconds) + "000000"
