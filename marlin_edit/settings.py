"""Settings: named values from the command line, the environment, the configuration file or their default.

The first of these that says something counts, and every value knows where it comes from. The core's own settings are
registered through the same hook as a plugin's.
"""

from __future__ import annotations

import os
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from fractions import Fraction
from pathlib import Path
from typing import Any, TypeVar

from marlin_edit.errors import MarlinEditError, UsageError, did_you_mean
from marlin_edit.hookspecs import hookimpl
from marlin_edit.interfaces import Setting
from marlin_edit.timebase import FrameNumber, SourceTimecode, parse_position

ENVIRONMENT_PREFIX = "MARLIN_EDIT_"
CONFIG_VARIABLE = "MARLIN_EDIT_CONFIG"
DEFAULT = "default"

T = TypeVar("T")


@dataclass(frozen=True)
class Value:
    """A setting's value and its source: `default`, a variable's name, a file's path, or a flag."""

    value: Any
    source: str = DEFAULT


@dataclass(frozen=True, eq=False)
class Settings(Mapping[str, Any]):
    """What is set, by name; read-only. `warnings` tell of names in the environment or the file that nobody reads."""

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
        """The value of `name`, which is a `kind`; TypeError where its plugin made something else of it."""
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
            values[name] = Value(parsed(setting, _toml_text(from_file[name], where), where), str(path))
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


def parsed(setting: Setting, text: str, source: str) -> Any:
    """A setting's value from its text; UsageError names `source` where the text will not do."""
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


def parse_handles(text: str) -> FrameNumber | Fraction:
    """Read `12f`, frames, or `0.5s`, seconds."""
    length = parse_position(text)
    if isinstance(length, SourceTimecode):
        raise ValueError(f"{text!r} is not a length. Write frames (12f) or seconds (0.5s).")
    return length


def parse_length(text: str) -> Fraction:
    """Read a length in seconds, `60`, `60s` or `1:30`."""
    length = parse_position(text)
    if not isinstance(length, Fraction):
        raise ValueError(f"{text!r} is not a length in seconds. Write it like 60 or 1:30.")
    return length


def parse_count(text: str) -> int:
    """Read a whole number above zero."""
    if not text.isascii() or not text.isdigit() or int(text) == 0:
        raise ValueError(f"{text!r} is not a number of cuts. Write a whole number, like 5.")
    return int(text)


def parse_longest(text: str) -> FrameNumber | Fraction:
    """Read a length above zero: `250f`, frames, or `10s`, seconds."""
    length = parse_handles(text)
    if length in (Fraction(0), FrameNumber(0)):
        raise ValueError("a cut has at least one frame. Write a length above zero, like 10s or 250f.")
    return length


def parse_record_start(text: str) -> str:
    """Read time code, or `source`, which is each source's own start."""
    if text != "source" and not isinstance(parse_position(text), SourceTimecode):
        raise ValueError(f"{text!r} is not a time code. Write it like 01:00:00:00, or source.")
    return text


def parse_stream(text: str) -> int | None:
    """Read a stream's number in the file, or `auto`, which leaves the choice to marlin-edit."""
    if text == "auto":
        return None
    if not text.isascii() or not text.isdigit():
        raise ValueError(f"{text!r} is not a stream. Write its number in the file, like 0, or auto.")
    return int(text)


def parse_score(text: str) -> float:
    """Read a score, 0 to 1."""
    try:
        score = float(text)
    except ValueError:
        score = -1.0
    if not 0 <= score <= 1:
        raise ValueError(f"{text!r} is not a score. Write a number from 0 to 1, like 0.6.")
    return score


def parse_file(text: str) -> Path:
    """Read the name of a file; `~` is the home directory."""
    return Path(text).expanduser()


WATCHING = ("caption", "find", "cut", "eval", "calibrate")
"""The commands that may show a video to a model."""

FINDING = ("find", "cut", "eval")
"""The commands that look for what a query says, and tell what is accepted."""

WRITING = ("caption", "find", "cut", "eval", "export")
"""The commands that write outputs."""


@hookimpl
def register_settings() -> tuple[Setting, ...]:
    return (
        Setting(
            "model",
            parse=str,
            default="NemoStation/Marlin-2B",
            help="Video model: a name on the hub, a directory, or `demo`.",
            flag="--model",
            commands=WATCHING,
            metavar="NAME",
        ),
        Setting(
            "device",
            parse=str,
            default="auto",
            help="Where the model runs.",
            flag="--device",
            commands=WATCHING,
            choices=("auto", "cuda", "mps", "cpu"),
        ),
        Setting(
            "dtype",
            parse=str,
            default="auto",
            help="The model's number format.",
            flag="--dtype",
            commands=WATCHING,
            choices=("auto", "bfloat16", "float16", "float32"),
        ),
        Setting(
            "decoder",
            parse=str,
            default="auto",
            help="What reads the frames that the model is shown.",
            flag="--decoder",
            commands=WATCHING,
            choices=("auto", "torchcodec", "pyav"),
        ),
        Setting(
            "stream",
            parse=parse_stream,
            default=None,
            help="Video stream to use, by its number in the file. Without it: the main one.",
            flag="--stream",
            commands=WATCHING,
            metavar="N",
        ),
        Setting(
            "store",
            parse=parse_switch,
            default=True,
            help="Keep the model's answers on this computer, and do not ask again what is known.",
            flag="--store",
            commands=WATCHING,
        ),
        Setting(
            "store_path",
            parse=parse_file,
            default=None,
            help="File that answers are kept in. Without it: one in the user's data directory.",
            metavar="FILE",
        ),
        Setting(
            "window",
            parse=parse_length,
            default=Fraction(60),
            help="How much of a long file the model is shown at once; never more than it was trained for.",
            flag="--window",
            commands=WATCHING,
            metavar="SECONDS",
        ),
        Setting(
            "overlap",
            parse=parse_length,
            default=Fraction(10),
            help="How much of a window the next one shows again.",
            flag="--overlap",
            commands=WATCHING,
            metavar="SECONDS",
        ),
        Setting(
            "score",
            parse=parse_switch,
            default=True,
            help="Ask what speaks for each finding as well, and for every other time that it happens. Slower.",
            flag="--score",
            commands=FINDING,
        ),
        Setting(
            "min_score",
            parse=parse_score,
            default=None,
            help="Accept findings from this score on, 0 to 1. Without it: as the model was calibrated.",
            flag="--min-score",
            commands=(*FINDING, "export"),
            metavar="SCORE",
        ),
        Setting(
            "all",
            parse=parse_switch,
            default=False,
            help="Accept every finding, whatever speaks for it.",
            flag="--all",
            commands=(*FINDING, "export"),
        ),
        Setting(
            "handles",
            parse=parse_handles,
            default=FrameNumber(0),
            help="Extra frames kept on both sides of a cut, like 12f or 0.5s.",
            flag="--handles",
            commands=("cut", "export"),
            metavar="LENGTH",
        ),
        Setting(
            "merge_gap",
            parse=parse_handles,
            default=None,
            help="Make one cut of those that are at most this far apart, like 12f or 0.5s; 0 joins what overlaps.",
            flag="--merge-gap",
            commands=("cut",),
            metavar="LENGTH",
        ),
        Setting(
            "top",
            parse=parse_count,
            default=None,
            help="Keep the best scored cuts, so many; without scores the first ones.",
            flag="--top",
            commands=("cut",),
            metavar="N",
        ),
        Setting(
            "snap",
            parse=str,
            default="none",
            help="Move the ends of cuts to shot changes near them, or (for --mode copy) to the keyframes around them.",
            flag="--snap",
            commands=("cut",),
            choices=("none", "shots", "keyframes"),
        ),
        Setting(
            "snap_limit",
            parse=parse_length,
            default=Fraction(1, 2),
            help="How far a shot change may be from an end that is moved to it.",
            flag="--snap-limit",
            commands=("cut",),
            metavar="SECONDS",
        ),
        Setting(
            "max_duration",
            parse=parse_longest,
            default=None,
            help="Make no cut longer than this, like 10s or 250f: of a longer one the beginning is kept.",
            flag="--max-duration",
            commands=("cut",),
            metavar="LENGTH",
        ),
        Setting(
            "record_start",
            parse=parse_record_start,
            default="01:00:00:00",
            help="Time code at which timelines and cut lists begin, or `source`, where the source's own does.",
            flag="--record-start",
            commands=(*WRITING, "import-markers"),
            metavar="TC",
        ),
        Setting(
            "cut_to",
            parse=str,
            default="clips",
            help="The delivery that `cut` makes where no output is named.",
        ),
        Setting(
            "overwrite",
            parse=parse_switch,
            default=False,
            help="Write over outputs that exist.",
            flag="--overwrite",
            commands=WRITING,
        ),
    )


def _read_config(path: Path, required: bool) -> dict[str, Any]:
    import tomllib

    try:
        return tomllib.loads(path.read_text(encoding="utf-8"))
    except FileNotFoundError as error:
        if required:
            raise UsageError(f"There is no configuration file {path}, which {CONFIG_VARIABLE} names.") from error
        return {}
    except OSError as error:
        raise UsageError(f"The configuration file {path} cannot be read: {error.strerror}.") from error
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise UsageError(f"The configuration file {path} is not TOML: {error}.") from error


def _toml_text(value: object, where: str) -> str:
    if isinstance(value, (str, bool, int, float)):
        return _as_text(value)
    raise UsageError(f"{where}: a text, a number or true/false is expected, not {value!r}.")


def _as_text(value: str | bool | int | float) -> str:
    return str(value).lower() if isinstance(value, bool) else str(value)
