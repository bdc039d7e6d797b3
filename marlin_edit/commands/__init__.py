"""Every command is a file here. Its name is the command's name, its docstring's first line the help in the list.

The list is read from the directory, and a file is imported when its command is asked for; files whose names begin with
an underscore are no commands. Here is what commands share: the `Run` that each is given, the `@as_command` decorator,
and the options that mean the same everywhere.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from functools import update_wrapper
from pathlib import Path
from typing import Any

import click

from marlin_edit.app import App
from marlin_edit.errors import ExitCode, UsageError
from marlin_edit.settings import Group, Setting, value_text
from marlin_edit.timebase import OutPoint, Position, parse_positions
from marlin_edit.workflow.run import Request, Run

__all__ = [
    "Request",
    "Run",
    "as_command",
    "deliver_option",
    "dry_run_option",
    "encoding_option",
    "grouped_option",
    "json_option",
    "output_options",
    "range_option",
    "request_options",
    "truths_arguments",
    "verbosity_options",
    "video_argument",
    "videos_arguments",
]

Function = Callable[..., ExitCode | None]


def as_command(name: str, *, settings: Sequence[str] = ()) -> Callable[[Function], click.Command]:
    """Make a command of a function: `def command(run: Run, ...) -> ExitCode | None`; None is done.

    It gets -v and --quiet, an option for each setting whose `commands` name it, and for those in `settings`.
    """

    def decorate(function: Function) -> click.Command:
        made = click.command(name, cls=SettingsCommand)(click.pass_obj(function))
        made.extra_settings = tuple(settings)
        return made

    return decorate


class GroupedOption(click.Option):
    """An option that `--help` lists under a heading."""

    def __init__(self, *declarations: Any, group: str = Group.GENERAL, **attributes: Any) -> None:
        super().__init__(*declarations, **attributes)
        self.group = group


def grouped_option(group: str, *declarations: str, **attributes: Any) -> Callable[[Function], Function]:
    """`click.option` under a heading of `--help`; the default is shown unless it is None."""
    shown = attributes.get("default") is not None
    return click.option(*declarations, **{"cls": GroupedOption, "group": group, "show_default": shown, **attributes})


class SettingsCommand(click.Command):
    """A command whose options are its own and those of the settings that name it, a plugin's as well as the core's."""

    extra_settings: tuple[str, ...] = ()

    def get_params(self, ctx: click.Context) -> list[click.Parameter]:
        """The command's own options, then those of its settings, then the general ones."""
        parameters = super().get_params(ctx)
        run = ctx.find_object(Run)
        if run is None:
            return parameters
        cached = f"{__name__}.{self.name}"
        if cached not in ctx.meta:
            taken = {option for one in parameters for option in (*one.opts, *one.secondary_opts)}
            options = [_option(setting) for setting in self._settings_of(run.app) if setting.flag not in taken]
            ctx.meta[cached] = [*options, *verbosity_options()]
        own = len(self.params)
        return [*parameters[:own], *ctx.meta[cached], *parameters[own:]]

    def format_options(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        """List the options under their headings."""
        groups: dict[str, list[tuple[str, str]]] = {str(group): [] for group in Group if group is not Group.GENERAL}
        general: list[tuple[str, str]] = []
        for parameter in self.get_params(ctx):
            record = parameter.get_help_record(ctx) if isinstance(parameter, click.Option) else None
            if record is not None:
                group = parameter.group if isinstance(parameter, GroupedOption) else Group.GENERAL
                (general if group == Group.GENERAL else groups.setdefault(str(group), [])).append(record)
        for heading, records in (*groups.items(), (str(Group.GENERAL), general)):
            if records:
                with formatter.section(heading):
                    formatter.write_dl(records)

    def invoke(self, ctx: click.Context) -> Any:
        """Run the command with its settings' flags put into the settings."""
        run = ctx.find_object(Run)
        assert run is not None
        flags = {}
        for setting in self._settings_of(run.app):
            if _parameter_name(setting) in ctx.params:
                given = ctx.params.pop(_parameter_name(setting))
                flags[setting.name] = ("\n".join(given) or None) if setting.several else given
            else:
                run.console.warning(
                    f"{run.app.origin(setting)}: its flag {setting.flag} is not available in {ctx.command.name},"
                    " which has a flag of that name."
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


def verbosity_options() -> list[click.Parameter]:
    """-v, --quiet and --color, for the group and for every command. -q is always --query."""

    def set_verbosity(verbosity: int) -> Callable[[click.Context, click.Parameter, bool], None]:
        def callback(ctx: click.Context, _: click.Parameter, given: bool) -> None:
            run = ctx.find_object(Run)
            if given and run is not None:
                run.console.verbosity = verbosity

        return callback

    def set_colour(ctx: click.Context, _: click.Parameter, given: str | None) -> None:
        run = ctx.find_object(Run)
        if given is not None and run is not None:
            run.console.colour = {"always": True, "never": False}.get(given)

    return [
        GroupedOption(
            ["-v", "--verbose"],
            is_flag=True,
            expose_value=False,
            callback=set_verbosity(1),
            help="More detail, with tracebacks.",
        ),
        GroupedOption(
            ["--quiet"],
            is_flag=True,
            expose_value=False,
            callback=set_verbosity(-1),
            help="Only warnings and errors.",
        ),
        GroupedOption(
            ["--color"],
            type=click.Choice(["auto", "always", "never"]),
            metavar="WHEN",
            expose_value=False,
            callback=set_colour,
            help="Colours: on a terminal unless NO_COLOR is set (auto), always or never.",
        ),
    ]


def video_argument(function: Function) -> Function:
    """VIDEO, as `video: Path`; the probe checks whether it can be read."""
    return click.argument("video", type=click.Path(path_type=Path, readable=False))(function)


def videos_arguments(function: Function) -> Function:
    """VIDEO..., files and directories, as `videos: tuple[Path, ...]`, and --recursive, as `recursive`."""
    function = grouped_option(
        Group.WHERE, "--recursive", is_flag=True, show_default=False, help="Search directories with all they contain."
    )(function)
    return click.argument(
        "videos", metavar="VIDEO...", nargs=-1, required=True, type=click.Path(path_type=Path, readable=False)
    )(function)


def truths_arguments(*, required: bool = True) -> Callable[[Function], Function]:
    """TRUTH..., files that say what is true of some videos, as `truths`, and --videos, their directory, as `videos`."""
    return lambda function: _with_truths(function, required)


def _with_truths(function: Function, required: bool) -> Function:
    function = grouped_option(
        Group.WHAT,
        "--videos",
        metavar="DIR",
        type=click.Path(path_type=Path),
        help="Directory with the videos, at any depth, if they are not beside the truth file. Data sets need it.",
    )(function)
    return click.argument(
        "truths", metavar="TRUTH...", nargs=-1, required=required, type=click.Path(path_type=Path, readable=False)
    )(function)


def output_options(function: Function) -> Function:
    """-o, repeatable, as `outputs: tuple[Path | None, ...]` (None is stdout), and --format, as `format_name`."""
    function = grouped_option(
        Group.OUTPUT,
        "--format",
        "format_name",
        metavar="NAME",
        help="Format of the output, whatever its suffix. Needed for `-o -`.",
    )(function)
    return grouped_option(
        Group.OUTPUT,
        "-o",
        "--output",
        "outputs",
        metavar="FILE",
        callback=lambda _, __, given: tuple(None if text == "-" else Path(text) for text in given),
        multiple=True,
        help="File to write; the suffix chooses the format, and `-` is stdout. Repeatable.",
    )(function)


def json_option(function: Function) -> Function:
    """--json: the run answers with one JSON document (`run.console.answer`), also if it fails."""

    def switch_on(ctx: click.Context, _: click.Parameter, given: bool) -> None:
        run = ctx.find_object(Run)
        if given and run is not None:
            run.console.json = True

    return click.option(
        "--json",
        cls=GroupedOption,
        group=Group.OUTPUT,
        is_flag=True,
        expose_value=False,
        callback=switch_on,
        help="Answer with one JSON document on stdout.",
    )(function)


def encoding_option(function: Function) -> Function:
    """--encoding NAME, as `encoding: str | None`: the encoding of the text files that are read."""

    def known(_: click.Context, __: click.Parameter, given: str | None) -> str | None:
        try:
            if given is not None:
                "".encode(given)
        except (LookupError, ValueError) as error:
            raise UsageError(f"There is no encoding {given!r}. Write it like cp1251, latin-1, shift_jis.") from error
        return given

    return grouped_option(
        Group.WHAT,
        "--encoding",
        metavar="NAME",
        callback=known,
        help="Encoding of the input files, like cp1251, if it is not UTF-8 and is guessed wrong.",
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
        look_in: tuple[Position, OutPoint] | None,
        dry_run: bool,
        shard: tuple[int, int] | None,
        **more: Any,
    ) -> ExitCode | None:
        request = Request(videos, recursive, outputs, format_name, delivery_names, look_in, dry_run, shard)
        return function(run, request, **more)

    decorated: Function = update_wrapper(with_request, function)
    options = (
        json_option,
        dry_run_option,
        range_option,
        shard_option,
        deliver_option,
        output_options,
        videos_arguments,
    )
    for option in options:
        decorated = option(decorated)
    return decorated


def range_option(function: Function) -> Function:
    """--range IN-OUT, as `look_in: tuple[Position, OutPoint] | None`."""
    return grouped_option(
        Group.WHERE,
        "--range",
        "look_in",
        metavar="IN-OUT",
        callback=lambda _, __, given: None if given is None else parse_positions(given),
        help="Look only there: seconds (10-95.5, 1m30-end), frames (222f-312f) or source time code.",
    )(function)


def shard_option(function: Function) -> Function:
    """--shard I/N, as `shard: tuple[int, int] | None`."""

    def read(_: click.Context, __: click.Parameter, given: str | None) -> tuple[int, int] | None:
        if given is None:
            return None
        match = re.fullmatch(r"([0-9]{1,6})/([0-9]{1,6})", given)
        if match is None or not 1 <= int(match[1]) <= int(match[2]):
            raise UsageError(f"--shard {given}: write the part and how many there are, like 2/8.")
        return int(match[1]), int(match[2])

    return grouped_option(
        Group.WHERE,
        "--shard",
        metavar="I/N",
        callback=read,
        help="Only the I-th of N parts of the videos, so that N computers share the work. A video's content decides.",
    )(function)


def deliver_option(function: Function) -> Function:
    """--deliver NAME, repeatable, as `delivery_names: tuple[str, ...]`."""
    return grouped_option(
        Group.OUTPUT,
        "--deliver",
        "delivery_names",
        metavar="NAME",
        multiple=True,
        help="Hand the result to a program, or make media of it (`marlin-edit plugins` lists them). Repeatable.",
    )(function)


def dry_run_option(function: Function) -> Function:
    """--dry-run, as `dry_run: bool`."""
    return grouped_option(
        Group.OUTPUT, "--dry-run", is_flag=True, show_default=False, help="Report what would be written; write nothing."
    )(function)


def _parameter_name(setting: Setting) -> str:
    return f"setting_{setting.name}"


def _option(setting: Setting) -> click.Option:
    assert setting.flag is not None
    group = setting.group or Group.GENERAL
    if isinstance(setting.default, bool):
        off = f"--no-{setting.flag.removeprefix('--')}"
        default = setting.flag if setting.default else off
        return GroupedOption(
            [f"{setting.flag}/{off}", _parameter_name(setting)],
            default=None,
            help=f"{setting.help}  [default: {default.removeprefix('--')}]",
            group=group,
        )
    default = "" if setting.several or setting.default in (None, "") else f"  [default: {value_text(setting.default)}]"
    return GroupedOption(
        [setting.flag, _parameter_name(setting)],
        shell_complete=lambda _, __, begun: [choice for choice in setting.choices if choice.startswith(begun)],
        metavar="|".join(setting.choices) or setting.metavar,
        help=setting.help + default,
        group=group,
        multiple=setting.several,
    )
