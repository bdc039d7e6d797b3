"""The command line: finds the commands, runs one, and is the one place that prints errors and turns them into codes."""

from __future__ import annotations

import contextlib
import logging
import os
import pkgutil
import re
import signal
import sys
from collections.abc import Iterator, Sequence
from importlib import import_module, metadata
from pathlib import Path
from types import FrameType
from typing import Any

import click

from marlin_edit import commands, interruption
from marlin_edit.app import DISTRIBUTION, App
from marlin_edit.commands import verbosity_options
from marlin_edit.console import PROGRAM, Console, leave_stdout
from marlin_edit.errors import ExitCode, MarlinEditError, did_you_mean
from marlin_edit.files import NO_ROOM
from marlin_edit.plugins import load_app, register_commands
from marlin_edit.workflow.run import Run

INTERRUPTED = 130
BROKEN_PIPE = 141
_HELP = """Ask a video what happens in it, and open the answer in your editor.

A video model runs on this computer and says what happens and when. marlin-edit turns its answers into subtitles,
markers, cut lists and clips. `marlin-edit demo` shows this with a very small bundled model.
"""


def main(arguments: Sequence[str] | None = None) -> int:
    """Run one command line; what it ends with is the exit code."""
    arguments = sys.argv[1:] if arguments is None else list(arguments)
    before_dashes = arguments[: arguments.index("--")] if "--" in arguments else arguments
    console = Console(json="--json" in before_dashes)
    try:
        with _signals(), _log_said_by(console):
            try:
                code = _run(arguments, console)
                if sys.stdout is not None:
                    sys.stdout.flush()
                return code
            except Exception as error:
                if isinstance(error, BrokenPipeError):
                    raise
                return _failed(error, console)
    except BrokenPipeError:
        leave_stdout()
        return BROKEN_PIPE
    except KeyboardInterrupt:
        console.error("interrupted.")
        return INTERRUPTED
    except Ended as ended:
        console.error(f"ended by {ended.signal.name}.")
        return 128 + ended.signal


class Ended(BaseException):
    """A signal asks the process to end: raised where it is, so that everything on the way out is cleaned up."""

    def __init__(self, number: int) -> None:
        super().__init__(number)
        self.signal = signal.Signals(number)


class CommandGroup(click.Group):
    """The commands in `marlin_edit/commands/`, each imported only when it is asked for, and those of plugins."""

    def list_commands(self, ctx: click.Context) -> list[str]:
        """The names of all commands."""
        return sorted({*_command_files(), *self.commands})

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        """A command, imported now if it is one of marlin-edit's own."""
        if cmd_name in self.commands:
            return self.commands[cmd_name]
        if cmd_name not in _command_files():
            return None
        made = import_module(f"{commands.__name__}.{_command_files()[cmd_name].stem}").command
        assert isinstance(made, click.Command)
        return made

    def resolve_command(
        self, ctx: click.Context, args: list[str]
    ) -> tuple[str | None, click.Command | None, list[str]]:
        """The command that the arguments name; an unknown one gets a suggestion."""
        if self.get_command(ctx, args[0]) is None and not args[0].startswith("-"):
            known = self.list_commands(ctx)
            if Path(args[0]).exists():
                raise click.UsageError(f"Say what to do with it, like `{PROGRAM} caption {args[0]}`.", ctx)
            raise click.UsageError(f"There is no command {args[0]!r}.{did_you_mean(args[0], known)}", ctx)
        return super().resolve_command(ctx, args)

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        """List the commands without importing them."""
        helps = {name: command.get_short_help_str(100) for name, command in self.commands.items()}
        helps.update({name: _first_line(path) for name, path in _command_files().items()})
        with formatter.section("Commands"):
            formatter.write_dl(sorted(helps.items()))

    def invoke(self, ctx: click.Context) -> Any:
        """Report what is wrong with plugins, then run the command."""
        run = ctx.find_object(Run)
        assert run is not None
        for warning in run.app.warnings:
            run.console.warning(warning)
        return super().invoke(ctx)


def command_group(app: App) -> click.Group:
    """The whole command line of this installation."""
    group = CommandGroup(
        PROGRAM,
        help=_HELP,
        params=[*verbosity_options(), _version_option()],
        context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 100},
    )
    register_commands(app, group)
    return group


def version() -> str:
    """The installed version."""
    try:
        return metadata.version(DISTRIBUTION)
    except metadata.PackageNotFoundError:
        return "not installed"


def _run(arguments: list[str], console: Console) -> int:
    app = load_app()
    group = command_group(app)
    if f"_{PROGRAM.replace('-', '_').upper()}_COMPLETE" in os.environ:
        group.main(arguments, PROGRAM, obj=Run(app, console))
    try:
        with group.make_context(PROGRAM, arguments or ["--help"], obj=Run(app, console)) as context:
            code = group.invoke(context)
    except click.exceptions.Exit as ended:
        return ended.exit_code
    return code if isinstance(code, int) else ExitCode.DONE


def _commands_with(option: str, context: click.Context) -> str:
    """The commands that have an option, in words; nothing where none has."""
    run, group = context.find_object(Run), context.find_root().command
    if run is None or not isinstance(group, click.Group):
        return ""
    names = {name for one in run.app.definitions.values() if one.flag == option for name in one.commands}
    for name in group.list_commands(context):
        command = group.get_command(context, name)
        if command is not None and any(option in (*one.opts, *one.secondary_opts) for one in command.params):
            names.add(name)
    return " and ".join(f"`{name}`" for name in sorted(names))


def _failed(error: Exception, console: Console) -> int:
    """Print what went wrong, and give the exit code for it."""
    if isinstance(error, MarlinEditError):
        message, code = str(error), int(error.exit_code)
    elif isinstance(error, click.ClickException):
        message, code = _usage_message(error), error.exit_code
    elif isinstance(error, OSError) and error.errno in NO_ROOM:
        leave_stdout()
        where = error.filename or "stdout, or a temporary file,"
        message, code = f"{where} cannot be written: {error.strerror}. Make room, then try again.", int(ExitCode.FAILED)
    elif isinstance(error, click.Abort):
        message, code = "interrupted.", INTERRUPTED
    else:
        described = f"{type(error).__name__}: {error}".rstrip(": ")
        message = f"This is a fault of marlin-edit itself ({described}). Please report it, with what -v prints."
        code = int(ExitCode.FAILED)
    if console.verbosity > 0 and (error.__cause__ is not None or not isinstance(error, MarlinEditError)):
        import traceback

        traceback.print_exception(error)
    if console.json:
        with contextlib.suppress(BrokenPipeError, MarlinEditError):
            console.answer({"error": message, "exit_code": code})
    console.error(message)
    return code


def _usage_message(error: click.ClickException) -> str:
    message = error.format_message()
    if isinstance(error, click.MissingParameter) and error.param is not None and error.param.name == "queries":
        return 'Say what to look for: -q "a door opens".'
    if isinstance(error, click.NoSuchOption) and error.ctx is not None:
        others = _commands_with(error.option_name, error.ctx)
        if others:
            message = f"`{error.ctx.info_name}` has no {error.option_name}: that is an option of {others}."
    if isinstance(error, click.UsageError) and error.ctx is not None:
        message = f"{message.rstrip()} Try `{error.ctx.command_path} --help`."
    return message


@contextlib.contextmanager
def _log_said_by(console: Console) -> Iterator[None]:
    log = logging.getLogger("marlin_edit")
    handler, level = console.listening(), log.level
    log.addHandler(handler)
    log.setLevel(logging.INFO)
    try:
        yield
    finally:
        log.removeHandler(handler)
        log.setLevel(level)


@contextlib.contextmanager
def _signals() -> Iterator[None]:
    """Let the signals that ask a process to end raise `Ended`, and note Ctrl-C too; as before afterwards."""
    asked = [getattr(signal, name) for name in ("SIGTERM", "SIGHUP", "SIGBREAK") if hasattr(signal, name)]
    before = {}
    with contextlib.suppress(ValueError):  # not in the main thread
        for number in asked:
            if signal.getsignal(number) == signal.SIG_DFL:
                before[number] = signal.signal(number, _end)
        if signal.getsignal(signal.SIGINT) is signal.default_int_handler:
            before[signal.SIGINT] = signal.signal(signal.SIGINT, _interrupt)
    try:
        yield
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)
        interruption.forget()


def _end(number: int, frame: FrameType | None) -> None:
    ended = Ended(number)
    interruption.note(ended)
    raise ended


def _interrupt(number: int, frame: FrameType | None) -> None:
    interrupted = KeyboardInterrupt()
    interruption.note(interrupted)
    raise interrupted


def _command_files() -> dict[str, Path]:
    return {
        module.name.replace("_", "-"): Path(directory) / f"{module.name}.py"
        for directory in commands.__path__
        for module in pkgutil.iter_modules([directory])
        if not module.name.startswith("_")
    }


def _first_line(path: Path) -> str:
    """A command's help in the list: the first line of its file, read without importing it."""
    with contextlib.suppress(OSError), path.open(encoding="utf-8") as lines:
        return re.sub(r'^"""|"""$', "", lines.readline().strip())
    return ""


def _version_option() -> click.Option:
    def show(ctx: click.Context, _: click.Parameter, given: bool) -> None:
        if given and not ctx.resilient_parsing:
            click.echo(f"{PROGRAM} {version()}")
            ctx.exit()

    return click.Option(
        ["--version"], is_flag=True, expose_value=False, is_eager=True, callback=show, help="Show the version and exit."
    )
