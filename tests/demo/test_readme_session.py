"""The commands at the top of README.md print what stands there."""

from __future__ import annotations

from pathlib import Path

from tests.support import readme_session


def test_the_readme_shows_what_its_commands_print(tmp_path: Path) -> None:
    text = readme_session.PAGE.read_text(encoding="utf-8")
    assert readme_session.page(text, tmp_path) == text, "run `python tests/support/readme_session.py`"
