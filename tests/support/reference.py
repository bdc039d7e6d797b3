"""What the commands and settings say of themselves, as pages: run this file to write them.

docs/commands.md has every command with its options, docs/settings.md the table of settings, docs/marlin-edit.1 the
manual page.
"""

from __future__ import annotations

import re
import textwrap
from collections.abc import Iterator
from pathlib import Path

import click

from marlin_edit.cli import command_group, version
from marlin_edit.commands import GroupedOption, verbosity_options
from marlin_edit.console import PROGRAM, Console
from marlin_edit.errors import ExitCode
from marlin_edit.plugins import load_app
from marlin_edit.settings import Group, value_text
from marlin_edit.workflow.run import Run

DOCS = Path(__file__).resolve().parents[2] / "docs"
_END = "<!-- end -->"
_DATE = "2026-11-28"


def contexts() -> list[click.Context]:
    """Every command of a plain installation, `store show` among them, in a context of its own; the group first."""
    app = load_app()
    top = click.Context(command_group(app), info_name=PROGRAM, obj=Run(app, Console()))
    return [top, *_below(top)]


def _below(above: click.Context) -> Iterator[click.Context]:
    group = above.command
    assert isinstance(group, click.Group)
    for name in group.list_commands(above):
        command = group.get_command(above, name)
        assert command is not None
        context = click.Context(command, parent=above, info_name=name)
        yield context
        if isinstance(command, click.Group):
            yield from _below(context)


def options(context: click.Context) -> dict[str, list[tuple[str, str]]]:
    """A command's options under their headings: how each is written, and what it does. -v and its like are left out."""
    general = {option for one in verbosity_options() for option in one.opts}
    found: dict[str, list[tuple[str, str]]] = {str(group): [] for group in Group}
    for parameter in context.command.get_params(context):
        if not isinstance(parameter, click.Option) or general & set(parameter.opts) or "--help" in parameter.opts:
            continue
        record = parameter.get_help_record(context)
        if record is not None:
            group = parameter.group if isinstance(parameter, GroupedOption) else Group.GENERAL
            found.setdefault(str(group), []).append(record)
    return {heading: records for heading, records in found.items() if records}


def paragraphs(context: click.Context) -> list[str]:
    """A command's help without its examples. A paragraph that keeps its lines begins with `\\b`."""
    text = context.command.help or ""
    parts = [part.strip("\n") for part in re.split(r"\n\s*\n", _dedented(text)) if part.strip()]
    return [part for part in parts if "Examples:" not in part]


def examples(context: click.Context) -> list[str]:
    """The command lines of a command's help."""
    _, _, after = (context.command.help or "").partition("Examples:")
    return [line.strip() for line in after.splitlines() if line.strip().startswith(PROGRAM)]


def commands_page() -> str:
    """docs/commands.md."""
    others = contexts()[1:]
    lines = [
        "# Commands",
        "",
        "What `marlin-edit COMMAND --help` says, of all commands. Every command has `-v` (more detail, with",
        "tracebacks), `--quiet` (only warnings and errors), `--color WHEN` and `--help`.",
        "",
        "| command | what it does |",
        "|---|---|",
        *(f"| [{_name(one)}](#{_anchor(one)}) | {_cell(_first(one))} |" for one in others),
    ]
    for context in others:
        lines += ["", f"## {_name(context)}", "", f"`{_usage(context)}`", ""]
        for paragraph in paragraphs(context):
            kept = paragraph.lstrip().startswith("\b")
            lines += (
                ["```", _dedented(paragraph.replace("\b\n", "")), "```", ""]
                if kept
                else [" ".join(paragraph.split()), ""]
            )
        if examples(context):
            lines += ["```console", *(f"$ {line}" for line in examples(context)), "```", ""]
        for heading, records in options(context).items():
            lines += [f"| {heading} | |", "|---|---|"]
            lines += [f"| `{_cell(flag)}` | {_cell(text)} |" for flag, text in records] + [""]
        lines.pop()
    return "\n".join(lines) + "\n"


def settings_table() -> str:
    """The table of docs/settings.md."""
    app = load_app()
    lines = ["| setting | default | commands | what it does |", "|---|---|---|---|"]
    for name in sorted(app.definitions):
        one = app.definitions[name]
        default = "" if one.default is None else f"`{value_text(one.default)}`"
        flag = f" `{one.flag}`" if one.flag else ""
        allowed = f" One of {', '.join(one.choices)}." if one.choices else ""
        lines.append(f"| `{name}`{flag} | {default} | {', '.join(one.commands)} | {_cell(one.help + allowed)} |")
    return "\n".join(lines) + "\n"


def settings_page(text: str) -> str:
    """docs/settings.md with its table made."""
    before, mark, after = text.partition("<!-- made by tests/support/reference.py -->\n")
    return before + mark + settings_table() + _END + after.partition(_END)[2]


def manual_page() -> str:
    """docs/marlin-edit.1, in the macros of man(7)."""
    top, *others = contexts()
    lines = [
        f'.TH MARLIN-EDIT 1 "{_DATE}" "marlin-edit {version()}" "User Commands"',
        ".SH NAME",
        "marlin-edit \\- ask a video what happens in it, and open the answer in your editor",
        ".SH SYNOPSIS",
        ".B marlin-edit",
        "COMMAND [OPTIONS]... [ARGUMENTS]...",
        ".SH DESCRIPTION",
        *_roff_paragraphs(paragraphs(top)[1:]),
        ".SH COMMANDS",
    ]
    for context in others:
        lines += [f".SS {_roff(_usage(context).removeprefix(PROGRAM + ' '))}"]
        lines += _roff_paragraphs(paragraphs(context))
        for records in options(context).values():
            for flag, text in records:
                lines += [".TP", f"\\fB{_roff(flag)}\\fR", _roff(" ".join(text.split()))]
    lines += [
        ".SH OPTIONS OF EVERY COMMAND",
        *(line for one in _general(top) for line in (".TP", f"\\fB{_roff(one[0])}\\fR", _roff(one[1]))),
        ".SH EXIT STATUS",
        *(line for code, text in _CODES for line in (".TP", f"\\fB{int(code)}\\fR", text)),
        ".SH ENVIRONMENT",
        ".TP",
        "\\fBMARLIN_EDIT_CONFIG\\fR",
        "The configuration file, if it is not in its usual place. \\fBmarlin-edit settings\\fR shows where that is.",
        ".TP",
        "\\fBMARLIN_EDIT_...\\fR",
        "Every setting has a variable: \\fBMARLIN_EDIT_DEVICE\\fR is the setting \\fBdevice\\fR. A flag goes before a",
        "variable, and a variable before the configuration file.",
        ".TP",
        "\\fBNO_COLOR\\fR, \\fBFORCE_COLOR\\fR",
        "No colours, or colours also where there is no terminal.",
        ".SH EXAMPLES",
        ".nf",
        *(_roff(text) for one in others for text in examples(one)[:1]),
        ".fi",
    ]
    return "\n".join(map(_folded, lines)) + "\n"


_CODES = (
    (ExitCode.DONE, "Done."),
    (ExitCode.FAILED, "Failed."),
    (ExitCode.USAGE, "Wrong usage."),
    (ExitCode.PARTIAL, "Partial: something of what was asked for is missing."),
    (ExitCode.NOTHING_MATCHED, "Nothing matched."),
    (ExitCode.FAULTS_FOUND, "Faults were found (lint)."),
)


def _general(context: click.Context) -> list[tuple[str, str]]:
    records = [one.get_help_record(context) for one in verbosity_options()]
    return [record for record in records if record is not None]


def _name(context: click.Context) -> str:
    return context.command_path.removeprefix(f"{PROGRAM} ")


def _anchor(context: click.Context) -> str:
    return _name(context).replace(" ", "-")


def _usage(context: click.Context) -> str:
    pieces = context.command.collect_usage_pieces(context)
    return " ".join([context.command_path, *pieces])


def _first(context: click.Context) -> str:
    first = paragraphs(context)[0]
    return " ".join(first.split())


def _dedented(text: str) -> str:
    return textwrap.dedent(text).strip("\n")


def _cell(text: str) -> str:
    return " ".join(text.split()).replace("|", "\\|")


def _roff_paragraphs(parts: list[str]) -> list[str]:
    lines: list[str] = []
    for part in parts:
        if part.lstrip().startswith("\b"):
            lines += [".PP", ".nf", *(_roff(line) for line in part.replace("\b\n", "").splitlines()), ".fi"]
        else:
            lines += [".PP", _roff(" ".join(part.split()))]
    return lines[1:]  # the heading begins a paragraph


def _roff(text: str) -> str:
    escaped = text.replace("\\", "\\e").replace("-", "\\-")
    return f"\\&{escaped}" if escaped.startswith((".", "'")) else escaped


def _folded(line: str) -> str:
    """A line of text in several, as the macros have it; lines that are kept as they are, are short."""
    if line.startswith((".", "\\f")) or len(line) < 80:
        return line
    parts = textwrap.wrap(line, 78, break_long_words=False, break_on_hyphens=False)
    return "\n".join(f"\\&{part}" if part.startswith((".", "'")) else part for part in parts)


def main() -> None:
    """Write the pages."""
    (DOCS / "commands.md").write_text(commands_page(), encoding="utf-8")
    (DOCS / "marlin-edit.1").write_text(manual_page(), encoding="utf-8")
    settings = DOCS / "settings.md"
    settings.write_text(settings_page(settings.read_text(encoding="utf-8")), encoding="utf-8")


if __name__ == "__main__":
    main()
