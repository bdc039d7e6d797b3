"""Every command is a file here: its name is the command's, its first line the help in the list, `command` the command.

The list is read from the directory, and a file is imported when its command is asked for. Here is what commands share:
the `Run` that each is handed, the `@as_command` decorator, and the options that mean the same everywhere.
"""

from __future__ import annotations

from collections.abc import Callable, Container, Sequence
from functools import update_wrapper
from pathlib import Path
from typing import Any

import click

from marlin_edit.app import App
from marlin_edit.errors import ExitCode, UsageError
from marlin_edit.settings import Setting
from marlin_edit.timebase import Position, parse_positions
from marlin_edit.workflow.run import Request, Run

__all__ = [
    "Request",
    "Run",
    "as_command",
    "deliver_option",
    "dry_run_option",
    "encoding_option",
    "json_option",
    "output_options",
    "range_option",
    "request_options",
    "speaking_options",
    "truths_arguments",
    "video_argument",
    "videos_arguments",
]

Function = Callable[..., ExitCode | None]


def as_command(name: str, *, settings: Sequence[str] = ()) -> Callable[[Function], click.Command]:
    """Make a command of a function: `def command(run: Run, ...) -> ExitCode | None`; None is done.

    It gets -v and -q, an option for each setting whose `commands` name it, and for those in `settings`.
    """

    def decorate(function: Function) -> click.Command:
        made = click.command(name, cls=SettingsCommand)(click.pass_obj(function))
        made.extra_settings = tuple(settings)
        return made

    return decorate


class SettingsCommand(click.Command):
    """A command whose options are its own and those of the settings that name it, a plugin's as well as the core's."""

    extra_settings: tuple[str, ...] = ()

    def get_params(self, ctx: click.Context) -> list[click.Parameter]:
        parameters = super().get_params(ctx)
        run = ctx.find_object(Run)
        if run is None:
            return parameters
        cached = f"{__name__}.{self.name}"
        if cached not in ctx.meta:
            taken = {option for one in parameters for option in (*one.opts, *one.secondary_opts)}
            options = [_option(setting) for setting in self._settings_of(run.app) if setting.flag not in taken]
            ctx.meta[cached] = [*options, *speaking_options(taken)]
        own = len(self.params)
        return [*parameters[:own], *ctx.meta[cached], *parameters[own:]]

    def invoke(self, ctx: click.Context) -> Any:
        run = ctx.find_object(Run)
        assert run is not None
        flags = {}
        for setting in self._settings_of(run.app):
            if _parameter_name(setting) in ctx.params:
                flags[setting.name] = ctx.params.pop(_parameter_name(setting))
            else:
                run.console.warning(
                    f"{run.app.origin(setting)}: its flag {setting.flag} is left out of {ctx.command.name},"
                    " which has one of that name."
                )
        for warning in run.app.settings.warnings:
            run.console.warning(warning)
        ctx.obj = Run(run.app.with_flags(flags), run.console)
        return super().invoke(ctx)

    def _settings_of(self, app: App) -> list[Setting]:
        return [
            setting
            for setting in app.definitions.values()
            if setting.flag is not None and (self.name in setting.commands or setting.name in self.extra_settings)
        ]


def speaking_options(taken: Container[str] = ()) -> list[click.Parameter]:
    """-v and -q, for the group and for every command; --quiet alone where -q is taken (by `find -q QUERY`)."""

    def louder(ctx: click.Context, _: click.Parameter, given: bool) -> None:
        run = ctx.find_object(Run)
        if given and run is not None:
            run.console.verbosity = 1

    def quieter(ctx: click.Context, _: click.Parameter, given: bool) -> None:
        run = ctx.find_object(Run)
        if given and run is not None:
            run.console.verbosity = -1

    return [
        click.Option(
            ["-v", "--verbose"],
            is_flag=True,
            expose_value=False,
            callback=louder,
            help="Say more, and where errors are.",
        ),
        click.Option(
            ["--quiet"] if "-q" in taken else ["-q", "--quiet"],
            is_flag=True,
            expose_value=False,
            callback=quieter,
            help="Say only warnings and errors.",
        ),
    ]


def video_argument(function: Function) -> Function:
    """VIDEO, as `video: Path`; whether it can be read is the probe's to say."""
    return click.argument("video", type=click.Path(path_type=Path, readable=False))(function)


def videos_arguments(function: Function) -> Function:
    """VIDEO..., files and directories, as `videos: tuple[Path, ...]`, and --recursive, as `recursive`."""
    function = click.option("--recursive", is_flag=True, help="Search directories with all that are in them.")(function)
    return click.argument(
        "videos", metavar="VIDEO...", nargs=-1, required=True, type=click.Path(path_type=Path, readable=False)
    )(function)


def truths_arguments(function: Function) -> Function:
    """TRUTH..., files that say what is true of some videos, as `truths`, and --videos, where those are, as `videos`."""
    function = click.option(
        "--videos",
        metavar="DIR",
        type=click.Path(path_type=Path),
        help="Where videos are that are not beside the truth file, also below it. Data sets' annotations need it.",
    )(function)
    return click.argument(
        "truths", metavar="TRUTH...", nargs=-1, required=True, type=click.Path(path_type=Path, readable=False)
    )(function)


def output_options(function: Function) -> Function:
    """-o, repeatable, as `outputs: tuple[Path | None, ...]` (None is stdout), and --format, as `format_name`."""
    function = click.option(
        "--format", "format_name", metavar="NAME", help="Format of the output, whatever its suffix. `-o -` needs it."
    )(function)
    return click.option(
        "-o",
        "--output",
        "outputs",
        metavar="FILE",
        callback=lambda _, __, given: tuple(None if text == "-" else Path(text) for text in given),
        multiple=True,
        help="File to write, its format by its suffix; `-` is stdout. Can be repeated.",
    )(function)


def json_option(function: Function) -> Function:
    """--json: the run answers with one JSON document (`run.console.answer`), also when it fails."""

    def heard(ctx: click.Context, _: click.Parameter, given: bool) -> None:
        run = ctx.find_object(Run)
        if given and run is not None:
            run.console.json = True

    return click.option(
        "--json", is_flag=True, expose_value=False, callback=heard, help="Answer with one JSON document on stdout."
    )(function)


def encoding_option(function: Function) -> Function:
    """--encoding NAME, as `encoding: str | None`: what the text of the files that are read is in."""

    def known(_: click.Context, __: click.Parameter, given: str | None) -> str | None:
        try:
            if given is not None:
                "".encode(given)
        except (LookupError, ValueError) as error:
            raise UsageError(f"There is no encoding {given!r}. Write it like cp1251, latin-1, shift_jis.") from error
        return given

    return click.option(
        "--encoding",
        metavar="NAME",
        callback=known,
        help="Encoding of the files that are read, like cp1251, where it is not UTF-8 and guessed wrong.",
    )(function)


def request_options(function: Function) -> Function:
    """VIDEO... with all options of what to look at and what to write, as one `request: Request`; and --json."""

    def with_request(
        run: Run,
        *,
        videos: tuple[Path, ...],
        recursive: bool,
        outputs: tuple[Path | None, ...],
        format_name: str | None,
        delivery_names: tuple[str, ...],
        look_in: tuple[Position, Position] | None,
        dry_run: bool,
        **more: Any,
    ) -> ExitCode | None:
        request = Request(videos, recursive, outputs, format_name, delivery_names, look_in, dry_run)
        return function(run, request, **more)

    decorated: Function = update_wrapper(with_request, function)
    for option in (json_option, dry_run_option, range_option, deliver_option, output_options, videos_arguments):
        decorated = option(decorated)
    return decorated


def range_option(function: Function) -> Function:
    """--range IN-OUT, as `look_in: tuple[Position, Position] | None`."""
    return click.option(
        "--range",
        "look_in",
        metavar="IN-OUT",
        callback=lambda _, __, given: None if given is None else parse_positions(given),
        help="Look only there: seconds (10-95.5), frames (222f-312f) or source time code.",
    )(function)


def deliver_option(function: Function) -> Function:
    """--deliver NAME, repeatable, as `delivery_names: tuple[str, ...]`."""
    return click.option(
        "--deliver",
        "delivery_names",
        metavar="NAME",
        multiple=True,
        help="Hand the result to a program, or make media of it (`marlin-edit plugins` lists them). Can be repeated.",
    )(function)


def dry_run_option(function: Function) -> Function:
    """--dry-run, as `dry_run: bool`."""
    return click.option("--dry-run", is_flag=True, help="Say what would be written, and write nothing.")(function)


def _parameter_name(setting: Setting) -> str:
    return f"setting_{setting.name}"


def _option(setting: Setting) -> click.Option:
    assert setting.flag is not None
    if isinstance(setting.default, bool):
        switch = f"{setting.flag}/--no-{setting.flag.removeprefix('--')}"
        return click.Option([switch, _parameter_name(setting)], default=None, help=setting.help)
    return click.Option(
        [setting.flag, _parameter_name(setting)],
        metavar="|".join(setting.choices) or setting.metavar,
        help=setting.help,
    )
