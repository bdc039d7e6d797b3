"""Settings: named values from the command line, the environment, the configuration file or their default.

The first of these that has a value counts, and every value knows its source. The core's own settings are registered
through the same hook as a plugin's.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from fractions import Fraction
from pathlib import Path
from typing import Any, TypeVar

from marlin_edit.errors import MarlinEditError, UsageError, did_you_mean
from marlin_edit.timebase import FrameNumber, seconds_text

ENVIRONMENT_PREFIX = "MARLIN_EDIT_"
CONFIG_VARIABLE = "MARLIN_EDIT_CONFIG"
DEFAULT = "default"

T = TypeVar("T")


@dataclass(frozen=True)
class Setting:
    """A named value with a type, a default and a help text; with a flag, an option of the commands that it names.

    Attributes:
        name: Its name: the key in the configuration file, and the variable `MARLIN_EDIT_NAME`.
        parse: Turns a text into the value, or raises ValueError or MarlinEditError.
        default: Its value if nothing sets it.
        help: One sentence for `--help`.
        flag: The option, like `--two-words`; None for a setting without one. A bool also gets `--no-two-words`.
        commands: The commands that have the option.
        metavar: What stands for the value in `--help`.
        choices: The texts that are allowed, if not all are.
        group: The heading under which `--help` lists it: a `Group`, or one of the plugin's own.
        several: Whether the option can be given several times; `parse` gets the texts, one a line.
    """

    name: str
    parse: Callable[[str], Any]
    default: Any
    help: str
    flag: str | None = None
    commands: tuple[str, ...] = ()
    metavar: str = "VALUE"
    choices: tuple[str, ...] = ()
    group: str = ""
    several: bool = False


WATCHING = ("caption", "find", "cut", "eval", "calibrate")
"""The commands that may show a video to a model."""

FINDING = ("find", "cut", "eval")
"""The commands that look for what a query says, and decide which findings are accepted."""

WRITING = ("caption", "find", "cut", "export", "transcribe")
"""The commands that write an edit in file formats."""

TIMELINES = ("caption", "find", "cut", "export")
"""Those of them that make timelines and markers."""


class Group(StrEnum):
    """The headings under which `--help` lists options, in order. A plugin's own headings come before GENERAL."""

    WHAT = "What"
    WHERE = "Where to look"
    OUTPUT = "Output"
    SUBTITLES = "Subtitles"
    TIMELINE = "Timeline"
    CLIPS = "Clips"
    MODEL = "Model"
    GENERAL = "General"


@dataclass(frozen=True)
class Value:
    """A setting's value and its source: `default`, a variable's name, a file's path, or a flag."""

    value: Any
    source: str = DEFAULT


@dataclass(frozen=True, eq=False)
class Settings(Mapping[str, Any]):
    """The values of all settings, by name; read-only.

    Attributes:
        values_with_source: Each value with where it comes from.
        definitions: The settings, by name.
        warnings: A sentence for each name in the environment or the configuration file that nothing reads.
    """

    values_with_source: Mapping[str, Value]
    definitions: Mapping[str, Setting] = field(default_factory=dict)
    warnings: tuple[str, ...] = ()

    def __getitem__(self, name: str) -> Any:
        return self.values_with_source[name].value

    def __iter__(self) -> Iterator[str]:
        return iter(self.values_with_source)

    def __len__(self) -> int:
        return len(self.values_with_source)

    def value(self, name: str, kind: type[T]) -> T:
        """The value of `name`.

        Raises:
            TypeError: It is no `kind`, which is a fault of the setting's plugin.
        """
        value = self[name]
        if not isinstance(value, kind):
            raise TypeError(f"The setting {name} is {value!r} ({self.source(name)}), not a {kind.__name__}.")
        return value

    def optional(self, name: str, kind: type[T]) -> T | None:
        """The value of `name`, which is a `kind` or None."""
        return None if self[name] is None else self.value(name, kind)

    def source(self, name: str) -> str:
        """Where the value of `name` comes from: `default`, a variable's name, a file's path, or a flag."""
        return self.values_with_source[name].source

    def with_flags(self, flags: Mapping[str, str | bool | None]) -> Settings:
        """These settings with what the command line says, by setting name; None is a flag that was not given."""
        values = dict(self.values_with_source)
        for name, given in flags.items():
            if given is not None:
                setting = self.definitions[name]
                source = setting.flag or name
                values[name] = Value(parsed(setting, _as_text(given), source), source)
        return Settings(values, self.definitions, self.warnings)


def resolved(definitions: Mapping[str, Setting], environ: Mapping[str, str] | None = None) -> Settings:
    """The settings without any flags; UsageError names the variable, or the file and key, of a bad value."""
    environ = os.environ if environ is None else environ
    warnings: list[str] = []
    path = config_path(environ)
    from_file = _read_config(path, required=bool(environ.get(CONFIG_VARIABLE)))
    for key in from_file.keys() - definitions.keys():
        warnings.append(f"{path}: nothing reads the key {key!r}.{did_you_mean(key, definitions)}")
    known_variables = {variable(name) for name in definitions} | {CONFIG_VARIABLE}
    for given in environ.keys() - known_variables:
        if given.startswith(ENVIRONMENT_PREFIX):
            warnings.append(f"Nothing reads the variable {given}.{did_you_mean(given, known_variables)}")

    values = {}
    for name, setting in definitions.items():
        if environ.get(variable(name)):
            source = variable(name)
            values[name] = Value(parsed(setting, environ[source], source), source)
        elif name in from_file:
            where = f"{path}, key {name!r}"
            values[name] = Value(parsed(setting, _toml_text(setting, from_file[name], where), where), str(path))
        else:
            values[name] = Value(setting.default)
    return Settings(values, definitions, tuple(sorted(warnings)))


def variable(name: str) -> str:
    """The environment variable of a setting: `MARLIN_EDIT_DEVICE` of `device`."""
    return ENVIRONMENT_PREFIX + name.upper()


def config_path(environ: Mapping[str, str] | None = None) -> Path:
    """Where the configuration file is or would be: `MARLIN_EDIT_CONFIG`, or the user's configuration directory."""
    environ = os.environ if environ is None else environ
    if environ.get(CONFIG_VARIABLE):
        return Path(environ[CONFIG_VARIABLE])
    import platformdirs

    return platformdirs.user_config_path("marlin-edit", appauthor=False) / "config.toml"


def data_directory(settings: Settings) -> Path:
    """Where the user's answers and calibrations are kept: beside the file of the setting `store_path`, if it is set.

    Raises:
        MarlinEditError: The user has no home directory.
    """
    given = settings.optional("store_path", Path)
    if given is not None:
        return given.parent
    import platformdirs

    directory = platformdirs.user_data_path("marlin-edit", appauthor=False)
    if not directory.is_absolute():
        raise MarlinEditError("There is no home directory to keep answers in. Name a file with MARLIN_EDIT_STORE_PATH.")
    return directory


def parsed(setting: Setting, text: str, source: str) -> Any:
    """A setting's value from its text.

    Raises:
        UsageError: A text that is not allowed.
    """
    if setting.choices and text not in setting.choices:
        raise UsageError(f"{source}: {text!r} is not one of {', '.join(setting.choices)}.")
    try:
        return setting.parse(text)
    except (ValueError, MarlinEditError) as error:
        raise UsageError(f"{source}: {error}") from error


def parse_switch(text: str) -> bool:
    """Read `true` or `false`, in the usual words for it."""
    word = text.strip().lower()
    if word in ("true", "yes", "on", "1"):
        return True
    if word in ("false", "no", "off", "0"):
        return False
    raise ValueError(f"{text!r} is neither true nor false.")


def _read_config(path: Path, required: bool) -> dict[str, Any]:
    import tomllib

    try:
        return tomllib.loads(path.read_text(encoding="utf-8"))
    except FileNotFoundError as error:
        if required:
            raise UsageError(f"{CONFIG_VARIABLE} names the configuration file {path}, and there is none.") from error
        return {}
    except OSError as error:
        raise UsageError(f"The configuration file {path} cannot be read: {error.strerror}.") from error
    except (tomllib.TOMLDecodeError, UnicodeDecodeError, RecursionError) as error:
        raise UsageError(f"The configuration file {path} is not TOML: {error}.") from error


def _toml_text(setting: Setting, value: object, where: str) -> str:
    if setting.several and isinstance(value, list) and all(isinstance(one, str) for one in value):
        return "\n".join(value)
    if isinstance(value, (str, bool, int, float)):
        return _as_text(value)
    raise UsageError(f"{where}: {value!r} is neither a text, a number nor true or false.")


def _as_text(value: str | bool | int | float) -> str:
    return str(value).lower() if isinstance(value, bool) else str(value)


def value_text(value: Any) -> str:
    """A setting's value as a person would type it: `12f`, `0.5s`, `true`; `-` for none."""
    if value is None:
        return "-"
    if isinstance(value, bool):
        return str(value).lower()
    if isinstance(value, FrameNumber):
        return f"{value.number}f"
    return f"{seconds_text(value)}s" if isinstance(value, Fraction) else str(value)
