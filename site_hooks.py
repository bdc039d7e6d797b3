"""Puts README.md and its neighbours into the site, and makes links lead where the pages are there."""

from __future__ import annotations

import posixpath
import re
from pathlib import Path
from typing import Any

ROOT = Path(__file__).parent
PAGES = {
    "README.md": "index.md",
    "CONTRIBUTING.md": "contributing.md",
    "SECURITY.md": "security.md",
    "CHANGELOG.md": "changelog.md",
}
_LINK = re.compile(r"(!?)\[([^\]]*)\]\((?!https?:|mailto:|#)([^)#\s]+)(#[^)\s]*)?\)")


def on_files(files: Any, config: Any) -> Any:
    """Add the pages that lie beside docs/."""
    from mkdocs.structure.files import File

    for source, page in PAGES.items():
        files.append(File.generated(config, page, content=(ROOT / source).read_text(encoding="utf-8")))
    return files


def on_page_markdown(markdown: str, page: Any, config: Any, files: Any) -> str:
    """Write links as the site has them."""
    return with_links(markdown, page.file.src_uri)


def with_links(markdown: str, page: str) -> str:
    """The text of a page of the site; a link to a file that is not in the site becomes its name."""
    written = {new: old for old, new in PAGES.items()}.get(page, f"docs/{page}")

    def link(found: re.Match[str]) -> str:
        mark, text, target, anchor = found[1], found[2], found[3], found[4] or ""
        in_project = posixpath.normpath(posixpath.join(posixpath.dirname(written), target))
        if in_project in PAGES:
            place = PAGES[in_project]
        elif in_project.startswith("docs/") and in_project.endswith((".md", ".png", ".svg")):
            place = in_project.removeprefix("docs/")
        else:
            return f"{text} (`{in_project}`)"
        return f"{mark}[{text}]({posixpath.relpath(place, posixpath.dirname(page) or '.')}{anchor})"

    return _LINK.sub(link, markdown)
