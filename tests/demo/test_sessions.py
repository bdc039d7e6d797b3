"""The commands in README.md and in the tutorials print what stands there."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.support import sessions


@pytest.mark.parametrize("page", sessions.PAGES, ids=lambda page: page.name)
def test_a_page_shows_what_its_commands_print(page: Path, tmp_path: Path) -> None:
    text = page.read_text(encoding="utf-8")
    assert "<!-- session -->" in text
    assert sessions.page(text, tmp_path) == text, "run `python tests/support/sessions.py`"
