"""List the settings: the value of each, where it comes from, and how to set it."""

from __future__ import annotations

from typing import Any

from marlin_edit.commands import Run, as_command, json_option
from marlin_edit.settings import config_path, value_text, variable


@as_command("settings")
@json_option
def command(run: Run) -> None:
    """List the settings: the value of each, where it comes from, and how to set it.

    A command's flag comes first, then the environment variable, then the configuration file, then the default.

    \b
    Examples:
      marlin-edit settings
      MARLIN_EDIT_DEVICE=cpu marlin-edit settings
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
        ("setting", "value", "from", "flag", "what it does"),
        [
            (
                setting.name,
                value_text(run.settings[setting.name]),
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
    return value if value is None or isinstance(value, (bool, int, float)) else value_text(value)
