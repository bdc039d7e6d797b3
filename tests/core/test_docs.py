"""The pages for people say what is so: made tables are up to date, links lead somewhere, and the English is plain."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from tests.support import architecture, terminal_picture

ROOT = Path(__file__).parents[2]
PAGES = sorted([*ROOT.glob("*.md"), *(ROOT / "docs").rglob("*.md"), ROOT / "tests" / "README.md"])
TEXTS = [
    *PAGES,
    *sorted((ROOT / "marlin_edit").rglob("*.py")),
    *sorted((ROOT / "exporters").rglob("*.py")),
    *sorted((ROOT / "exporters").rglob("*.js")),
    *sorted((ROOT / "exporters").rglob("*.html")),
    *sorted((ROOT / "plugins").rglob("*.py")),
]
PRIVATE_WORDS = re.compile(
    r"\banew\b|\bspeaks? (for|against) (it|each|them|an answer|a finding)|\bcame of\b|\b(is|are) told\b|\bto be had\b"
    r"|\bdoes without\b|which this format does not hold",
    re.IGNORECASE,
)


def test_the_made_parts_of_the_architecture_page_are_up_to_date() -> None:
    text = architecture.PAGE.read_text(encoding="utf-8")
    assert architecture.page(text) == text, "run `python tests/support/architecture.py`"


def test_the_picture_of_a_terminal_shows_the_session_of_the_readme() -> None:
    readme = (ROOT / "README.md").read_text(encoding="utf-8")
    assert terminal_picture.PICTURE.read_text(encoding="utf-8") == terminal_picture.picture(readme), (
        "run `python tests/support/terminal_picture.py`"
    )


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_links_between_pages_lead_somewhere(page: Path) -> None:
    text = page.read_text(encoding="utf-8")
    for target in re.findall(r"\]\((?!https?:|mailto:)([^)#\s]+)?(?:#[^)\s]*)?\)", text):
        if target:
            assert (page.parent / target).exists(), target


@pytest.mark.parametrize("file", TEXTS, ids=lambda file: str(file.relative_to(ROOT)))
def test_no_private_words_are_left(file: Path) -> None:
    found = PRIVATE_WORDS.search(file.read_text(encoding="utf-8"))
    assert found is None, found
