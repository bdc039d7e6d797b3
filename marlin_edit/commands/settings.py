"""Show the settings: the value of each, where it comes from, and how to set it."""

from __future__ import annotations

from fractions import Fraction
from typing import Any

from marlin_edit.commands import as_command, json_option
from marlin_edit.settings import config_path, variable
from marlin_edit.timebase import FrameNumber, seconds_text
from marlin_edit.workflow.run import Run


@as_command("settings")
@json_option
def command(run: Run) -> None:
    """Show the settings: the value of each, where it comes from, and how to set it.

    A flag of a command comes first, then the environment variable, then the configuration file, then the default.
    """
    definitions = [run.app.definitions[name] for name in sorted(run.app.definitions)]
    path = config_path(run.app.environ)
    if run.json:
        run.console.answer(
            {
                "config": str(path),
                "settings": [
                    {
                        "name": setting.name,
                        "value": _plain(run.settings[setting.name]),
                        "source": run.settings.source(setting.name),
                        "variable": variable(setting.name),
                        "flag": setting.flag,
                        "commands": list(setting.commands),
                        "choices": list(setting.choices),
                        "help": setting.help,
                        "plugin": str(run.app.origin(setting)),
                    }
                    for setting in definitions
                ],
            }
        )
        return
    run.console.table(
        ("setting", "value", "from", "flag", "what it is"),
        [
            (
                setting.name,
                _text(run.settings[setting.name]),
                run.settings.source(setting.name),
                setting.flag or "",
                setting.help,
            )
            for setting in definitions
        ],
    )
    state = "" if path.exists() else " (not there yet)"
    run.console.lines("", f"Configuration file: {path}{state}")


def _plain(value: Any) -> Any:
    return value if value is None or isinstance(value, (bool, int, float)) else _text(value)


def _text(value: Any) -> str:
    if value is None:
        return "-"
    if isinstance(value, bool):
        return str(value).lower()
    if isinstance(value, FrameNumber):
        return f"{value.number}f"
    return f"{seconds_text(value)}s" if isinstance(value, Fraction) else str(value)
