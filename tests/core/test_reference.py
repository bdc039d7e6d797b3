"""The pages that are made of what the commands and settings say are up to date, and the examples in them are valid."""

from __future__ import annotations

import re
import subprocess
from pathlib import Path

import pytest

from marlin_edit.plugins import load_app
from marlin_edit.settings import CONFIG_VARIABLE, resolved
from tests.support import reference
from tests.support.programs import checker

HOW = "run `python tests/support/reference.py`"


def test_the_pages_of_commands_and_settings_are_up_to_date() -> None:
    assert (reference.DOCS / "commands.md").read_text(encoding="utf-8") == reference.commands_page(), HOW
    assert (reference.DOCS / "marlin-edit.1").read_text(encoding="utf-8") == reference.manual_page(), HOW
    settings = (reference.DOCS / "settings.md").read_text(encoding="utf-8")
    assert reference.settings_page(settings) == settings, HOW


def test_the_configuration_file_that_is_shown_can_be_read(tmp_path: Path) -> None:
    text = (reference.DOCS / "settings.md").read_text(encoding="utf-8")
    (shown,) = re.findall(r"```toml\n(.*?)```", text, re.DOTALL)
    path = tmp_path / "config.toml"
    path.write_text(shown, encoding="utf-8")
    settings = resolved(load_app().definitions, {CONFIG_VARIABLE: str(path)})
    assert settings.warnings == ()
    given = {name for name in settings if settings.source(name) == str(path)}
    assert given == set(re.findall(r"^(\w+) =", shown, re.MULTILINE))


def test_every_command_has_an_example() -> None:
    lacking = [one.command_path for one in reference.contexts()[1:] if not reference.examples(one)]
    assert lacking == []


def test_the_manual_page_is_well_formed() -> None:
    command = [checker("mandoc", "mandoc"), "-Tlint", "-Wwarning", str(reference.DOCS / "marlin-edit.1")]
    ran = subprocess.run(command, capture_output=True, encoding="utf-8")
    assert ran.stdout == ""


def test_tables_of_commands_have_the_cells_that_they_should() -> None:
    rows = [line for line in reference.commands_page().splitlines() if line.startswith("|")]
    assert len(rows) > 150
    assert {len(re.findall(r"(?<!\\)\|", row)) for row in rows} == {3}


@pytest.mark.parametrize("code", range(6))
def test_every_exit_code_is_explained(code: int) -> None:
    assert f".TP\n\\fB{code}\\fR\n" in reference.manual_page()
