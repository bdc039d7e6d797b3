"""Every command line in the docs and in the help is one that marlin-edit takes: options exist, and values are valid.

What the commands of README.md and the tutorials print is compared as well, in `tests/demo/test_sessions.py`.
"""

from __future__ import annotations

import re
import shlex
from pathlib import Path

import click
import pytest

from marlin_edit.cli import command_group
from marlin_edit.console import PROGRAM, Console
from marlin_edit.plugins import load_app
from marlin_edit.workflow.run import Run
from tests.support import reference

ROOT = Path(__file__).parents[2]
PAGES = sorted([*ROOT.glob("*.md"), *(ROOT / "docs").rglob("*.md")])
_BLOCK = re.compile(r"^```(?:console|sh|bash)?\n(.*?)^```$", re.DOTALL | re.MULTILINE)
_PROMPT = re.compile(r"^(?:\$ )?((?:\w+=\S+ )*marlin-edit .*?(?:\\\n.*?)*)$", re.MULTILINE)
_FROM_HELP = [line for context in reference.contexts()[1:] for line in reference.examples(context)]


def command_lines(page: Path) -> list[str]:
    """The command lines of a page's blocks."""
    text = page.read_text(encoding="utf-8")
    return [line.replace("\\\n", " ") for block in _BLOCK.findall(text) for line in _PROMPT.findall(block)]


def words(line: str) -> list[str]:
    """What the shell would hand to the program: up to a comment, a pipe or another command."""
    lexer = shlex.shlex(line, posix=True, punctuation_chars="|;&<>")
    lexer.whitespace_split = True
    lexer.commenters = "#"
    taken: list[str] = []
    for word in lexer:
        if word in ("|", ";", "&&", "||", "&"):
            break
        if word in (">", ">>", "<") or re.fullmatch(r"[>&]+", word):
            break
        taken.append(word)
    while re.fullmatch(r"\w+=.*", taken[0]):
        taken.pop(0)
    return taken[1:]


def check(line: str) -> None:
    """Parses a command line as the program does; nothing is run."""
    app = load_app(environ={})
    command: click.Command = command_group(app)
    context = command.make_context(PROGRAM, words(line), obj=Run(app, Console(verbosity=-1)))
    while isinstance(command, click.Group):
        name, found, rest = command.resolve_command(context, [*context._protected_args, *context.args])
        assert found is not None
        command = found
        context = command.make_context(name, rest, parent=context)


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_the_commands_of_a_page_are_taken(page: Path) -> None:
    for line in command_lines(page):
        try:
            check(line)
        except (click.ClickException, click.exceptions.Exit, ValueError) as error:
            if isinstance(error, click.exceptions.Exit) and error.exit_code == 0:
                continue
            raise AssertionError(f"{line}: {getattr(error, 'message', error)}") from error


@pytest.mark.parametrize("line", _FROM_HELP)
def test_the_examples_in_the_help_are_taken(line: str) -> None:
    check(line)


def test_there_are_commands_to_check() -> None:
    assert sum(len(command_lines(page)) for page in PAGES) > 100


@pytest.mark.parametrize(
    "line", ["marlin-edit cut a.mp4 --spam 1-2", "marlin-edit find a.mp4", "marlin-edit cutt a.mp4"]
)
def test_a_line_that_is_wrong_is_found(line: str) -> None:
    with pytest.raises(click.ClickException):
        check(line)
