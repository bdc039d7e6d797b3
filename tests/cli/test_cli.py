from __future__ import annotations

import io
import json
import os
import signal
import subprocess
import sys
from fractions import Fraction
from pathlib import Path

import pytest

from marlin_edit import Carries, Delivery, Exporter, Receipt, Rendered, hookimpl
from marlin_edit.app import App
from marlin_edit.commands import (
    Run,
    as_command,
    deliver_option,
    json_option,
    output_options,
    range_option,
    video_argument,
)
from marlin_edit.console import Console, time_left
from marlin_edit.errors import MarlinEditError, UsageError
from marlin_edit.settings import Settings
from marlin_edit.testing import app_with
from marlin_edit.timebase import FrameNumber
from marlin_edit.workflow.outputs import planned_deliveries, planned_outputs
from tests.third_party.tool import environment, installed, itself, run_tool

HEAVY = ("torch", "transformers", "torchcodec", "av", "opentimelineio", "pysubs2", "numpy", "huggingface_hub")


@pytest.fixture
def own(tmp_path: Path) -> Path:
    return itself(tmp_path / "own")


def with_command(tmp_path: Path, body: str) -> Path:
    """A plugin that adds the command `act`, whose function has this body."""
    source = f"""
from marlin_edit import MarlinEditError, hookimpl
from marlin_edit.commands import Run, as_command, json_option
from marlin_edit.errors import ExitCode

@as_command("act")
@json_option
def act(run):
    {body}

@hookimpl
def register_commands(cli, app):
    cli.add_command(act)
"""
    return installed(tmp_path / "act", "marlin-act", "marlin_act", source)


def processor_seconds(own: Path, cache: Path, script: str) -> float:
    """The least processor time of three runs, the compiled files of an earlier one at hand."""
    seconds = []
    for _ in range(4):
        before = os.times()
        run = run_tool(plugins=[own], python=("-c", script), variables={"PYTHONPYCACHEPREFIX": str(cache)})
        after = os.times()
        assert run.returncode == 0, run.stderr
        seconds.append(after.children_user + after.children_system - before.children_user - before.children_system)
    return min(seconds[1:])


def test_help_imports_nothing_heavy_and_takes_less_than_a_fifth_of_a_second(own: Path, tmp_path: Path) -> None:
    script = (
        "import sys; from marlin_edit.cli import main; code = main(['--help'])\n"
        f"assert not [name for name in {HEAVY} if name in sys.modules]\n"
        "assert not [name for name in sys.modules if name.startswith('marlin_edit.commands.')]\n"
        "sys.exit(code)"
    )
    taken = processor_seconds(own, tmp_path, script)
    if taken >= 0.2:  # on a slow or busy machine: in proportion to what the bare libraries take
        assert taken < 3 * processor_seconds(own, tmp_path, "import click, pluggy, importlib.metadata")


def test_every_command_file_is_in_the_help_with_its_first_line(own: Path) -> None:
    import marlin_edit.commands

    shown = " ".join(run_tool("--help", plugins=[own]).stdout.split())
    for path in Path(marlin_edit.commands.__path__[0]).glob("[!_]*.py"):
        first_line = path.read_text(encoding="utf-8").splitlines()[0]
        assert first_line.startswith('"""')
        assert f"{path.stem.replace('_', '-')} {first_line.strip(chr(34))}" in shown


@pytest.mark.parametrize("name", ["plugins", "formats", "settings"])
def test_the_tables_and_their_json_hold_the_same(own: Path, name: str) -> None:
    table = run_tool(name, plugins=[own])
    document = run_tool(name, "--json", plugins=[own])
    assert (table.returncode, document.returncode) == (0, 0)
    for entry in json.loads(document.stdout)[name]:
        assert entry["name"] in table.stdout


def test_formats_prints_what_each_format_holds(own: Path) -> None:
    (line,) = [line for line in run_tool("formats", plugins=[own]).stdout.splitlines() if line.startswith("edl ")]
    assert ".edl" in line
    assert "cuts" in line
    assert "reel" in line


def test_settings_prints_where_a_value_comes_from(own: Path) -> None:
    run = run_tool("settings", plugins=[own], variables={"MARLIN_EDIT_DEVICE": "cpu"})
    (line,) = [line for line in run.stdout.splitlines() if line.startswith("device ")]
    assert line.split()[:3] == ["device", "cpu", "MARLIN_EDIT_DEVICE"]


def test_version_is_the_installed_one(own: Path) -> None:
    assert run_tool("--version", plugins=[own]).stdout == "marlin-edit 0.1.0\n"


def test_help_works_with_a_broken_configuration_file(own: Path, tmp_path: Path) -> None:
    (tmp_path / "config.toml").write_text("model = ")
    variables = {"MARLIN_EDIT_CONFIG": str(tmp_path / "config.toml")}
    assert run_tool("formats", "--help", plugins=[own], variables=variables).returncode == 0
    run = run_tool("formats", plugins=[own], variables=variables)
    assert run.returncode == 2
    assert f"error: The configuration file {tmp_path / 'config.toml'} is not TOML" in run.stderr


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["fromats"], "There is no command 'fromats'. Did you mean formats? Try `marlin-edit --help`."),
        (["formats", "--jsn"], "No such option '--jsn'"),
        (["formats", "extra"], "Got unexpected extra argument"),
    ],
)
def test_a_mistyped_command_line_ends_with_2(own: Path, arguments: list[str], message: str) -> None:
    run = run_tool(*arguments, plugins=[own])
    assert run.returncode == 2
    assert run.stdout == ""
    assert f"marlin-edit: error: {message}" in run.stderr


def test_an_error_is_one_line_with_its_exit_code(own: Path, tmp_path: Path) -> None:
    plugin = with_command(tmp_path, 'raise MarlinEditError("The reel is torn. Glue it.", ExitCode.PARTIAL)')
    run = run_tool("act", plugins=[own, plugin])
    assert (run.returncode, run.stdout) == (3, "")
    assert run.stderr.endswith("marlin-edit: error: The reel is torn. Glue it.\n")


def test_with_json_an_error_is_the_document(own: Path, tmp_path: Path) -> None:
    plugin = with_command(tmp_path, 'raise MarlinEditError("The reel is torn.")')
    run = run_tool("act", "--json", plugins=[own, plugin])
    assert json.loads(run.stdout) == {"error": "The reel is torn.", "exit_code": 1}
    run = run_tool("act", "--json", "--no-such", plugins=[own, plugin])
    assert json.loads(run.stdout)["exit_code"] == 2


def test_a_run_prints_one_document_even_if_it_fails_after_it(own: Path, tmp_path: Path) -> None:
    plugin = with_command(tmp_path, 'run.console.answer({"done": 1}); raise MarlinEditError("Too late.")')
    run = run_tool("act", "--json", plugins=[own, plugin])
    assert (json.loads(run.stdout), run.returncode) == ({"done": 1}, 1)


def test_a_command_s_exit_code_is_the_process_s(own: Path, tmp_path: Path) -> None:
    plugin = with_command(tmp_path, "return ExitCode.NOTHING_MATCHED")
    assert run_tool("act", plugins=[own, plugin]).returncode == 4


def test_a_fault_of_ours_is_said_to_be_one_and_v_shows_where(own: Path, tmp_path: Path) -> None:
    plugin = with_command(tmp_path, "return {}['reel']")
    run = run_tool("act", plugins=[own, plugin])
    assert run.returncode == 1
    assert "error: This is a fault of marlin-edit itself (KeyError: 'reel'). Please report it" in run.stderr
    assert "Traceback" not in run.stderr
    assert "Traceback" in run_tool("act", "-v", plugins=[own, plugin]).stderr
    assert "Traceback" in run_tool("-v", "act", plugins=[own, plugin]).stderr


def test_q_is_the_command_s_own_where_it_has_one(own: Path) -> None:
    shown = run_tool("find", "--help", plugins=[own]).stdout
    assert "-q, --query TEXT" in shown
    assert "--quiet" in shown
    assert "-q, --quiet" not in shown


def test_quiet_leaves_only_warnings_and_errors(own: Path, tmp_path: Path) -> None:
    plugin = with_command(tmp_path, 'run.console.receipt("written"); run.console.warning("half of it")')
    assert "written\n" in run_tool("act", plugins=[own, plugin]).stderr
    quiet = run_tool("act", "--quiet", plugins=[own, plugin]).stderr
    assert "written" not in quiet
    assert "marlin-edit: warning: half of it\n" in quiet


def test_a_reader_that_goes_away_is_no_error(own: Path, tmp_path: Path) -> None:
    plugin = with_command(tmp_path, "run.console.data('line\\n' * 5_000_000)")
    command = [sys.executable, "-m", "marlin_edit", "act"]
    with subprocess.Popen(
        command, env=environment([own, plugin]), stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
    ) as run:
        assert run.stdout is not None
        assert run.stderr is not None
        assert run.stdout.readline() == "line\n"
        run.stdout.close()
        assert run.wait(20) == 141
        assert "error" not in run.stderr.read()


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_a_signal_ends_a_run_without_a_traceback(own: Path, tmp_path: Path, number: signal.Signals) -> None:
    plugin = with_command(tmp_path, "import time; run.console.lines('ready'); time.sleep(60)")
    command = [sys.executable, "-m", "marlin_edit", "act"]
    with subprocess.Popen(
        command, env=environment([own, plugin]), stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
    ) as run:
        assert run.stdout is not None
        assert run.stderr is not None
        assert run.stdout.readline() == "ready\n"
        run.send_signal(number)
        assert run.wait(20) == 128 + number
        assert "Traceback" not in run.stderr.read()


def invoked(*arguments: str, environ: dict[str, str] | None = None) -> dict[str, object]:
    """What a command with every common option is handed, in this process."""
    heard: dict[str, object] = {}

    @as_command("probe", settings=["overwrite", "stream", "handles"])
    @video_argument
    @output_options
    @range_option
    @deliver_option
    @json_option
    def probe(run: Run, **given: object) -> None:
        heard.update(given, settings=run.settings, json=run.json, verbosity=run.console.verbosity)

    run = Run(app_with(environ=environ), Console())
    with probe.make_context("probe", list(arguments), obj=run) as context:
        probe.invoke(context)
    return heard


def test_common_options_come_in_ready_to_use() -> None:
    heard = invoked("a.mov", "-o", "-", "-o", "x.srt", "--format", "srt", "--range", "1.5-40f", "--deliver", "clips")
    assert heard["video"] == Path("a.mov")
    assert heard["outputs"] == (None, Path("x.srt"))
    assert heard["format_name"] == "srt"
    assert heard["look_in"] == (Fraction(3, 2), FrameNumber(40))
    assert heard["delivery_names"] == ("clips",)
    heard = invoked("a.mov", "--json", "-v")
    assert (heard["outputs"], heard["look_in"], heard["json"], heard["verbosity"]) == ((), None, True, 1)


def test_settings_come_in_from_their_flags() -> None:
    settings = invoked("a.mov", "--overwrite", "--stream", "2", "--handles", "12f")["settings"]
    assert isinstance(settings, Settings)
    assert (settings["overwrite"], settings["stream"], settings["handles"]) == (True, 2, FrameNumber(12))
    assert settings.source("stream") == "--stream"


def test_a_switch_that_the_environment_sets_can_be_taken_back() -> None:
    settings = invoked("a.mov", "--no-overwrite", environ={"MARLIN_EDIT_OVERWRITE": "yes"})["settings"]
    assert isinstance(settings, Settings)
    assert settings["overwrite"] is False


def test_a_flag_s_bad_value_names_the_flag() -> None:
    with pytest.raises(UsageError, match="--stream: 'first' is not a stream"):
        invoked("a.mov", "--stream", "first")
    with pytest.raises(UsageError, match="is not a span"):
        invoked("a.mov", "--range", "10")


class TwoFormatsAndADelivery:
    @hookimpl
    def register_exporters(self) -> list[Exporter]:
        return [
            Exporter(name, (f".{name}",), Carries.CUTS, lambda edit, context: Rendered("")) for name in ("edl", "srt")
        ]

    @hookimpl
    def register_deliveries(self) -> list[Delivery]:
        def check(settings: Settings) -> None:
            raise MarlinEditError("The program is not running. Start it.")

        return [
            Delivery("clips", Carries.CUTS, lambda settings: None, lambda edit, settings, dry_run: Receipt()),
            Delivery("program", Carries.CUTS, check, lambda edit, settings, dry_run: Receipt()),
        ]


@pytest.fixture
def app() -> App:
    return app_with(TwoFormatsAndADelivery())


def test_outputs_are_planned_with_their_formats(app: App, tmp_path: Path) -> None:
    planned = planned_outputs(app, [tmp_path / "a.edl", None], "srt", Carries.CUTS)
    assert [(output.path, output.exporter.name) for output in planned] == [(tmp_path / "a.edl", "edl"), (None, "srt")]
    planned = planned_outputs(app, [tmp_path / "a.edl"], "srt", Carries.CUTS)
    assert [output.exporter.name for output in planned] == ["srt"]


def test_outputs_that_cannot_be_written_are_refused_before_the_work(app: App, tmp_path: Path) -> None:
    (tmp_path / "a.edl").touch()
    refused: list[tuple[list[Path | None], str | None, str]] = [
        ([tmp_path / "a.edl"], None, "exists"),
        ([tmp_path / "b.doc"], None, "no format has this suffix"),
        ([None], None, "needs a format"),
        ([None, None], "edl", "given twice"),
        ([tmp_path / "b.edl", tmp_path / "b.srt"], "edl", "one output"),
        ([], "edl", "needs an output"),
    ]
    for paths, format_name, message in refused:
        with pytest.raises(UsageError, match=message):
            planned_outputs(app, paths, format_name, Carries.CUTS)


def test_deliveries_say_before_the_work_that_they_cannot(app: App) -> None:
    assert [delivery.name for delivery in planned_deliveries(app, ["clips"], Carries.CUTS)] == ["clips"]
    assert planned_deliveries(app, [], Carries.CUTS) == []
    with pytest.raises(MarlinEditError, match="The program is not running"):
        planned_deliveries(app, ["clips", "program"], Carries.CUTS)
    with pytest.raises(UsageError, match=r"There is no delivery 'clip'. Did you mean clips\?"):
        planned_deliveries(app, ["clip"], Carries.CUTS)


class Terminal(io.StringIO):
    def isatty(self) -> bool:
        return True


def test_progress_says_how_much_time_is_left(monkeypatch: pytest.MonkeyPatch) -> None:
    clock = iter([0.0, 10.0, 10.01, 30.0])
    monkeypatch.setattr("marlin_edit.console.time.monotonic", lambda: next(clock))
    monkeypatch.setattr(sys, "stderr", Terminal())
    with Console().progress("watching", 40) as progress:
        progress.reached(10, "window 1 of 4")
        progress.reached(11)  # too soon to draw again
        progress.reached(20)
    assert isinstance(sys.stderr, Terminal)
    drawn = [line.rstrip() for line in sys.stderr.getvalue().split("\r") if line.strip()]
    assert drawn == ["watching, 25 %, window 1 of 4, 30 s left", "watching, 50 %, 30 s left"]


def test_progress_is_plain_lines_where_no_terminal_is(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    clock = iter([0.0, 5.0, 12.0])
    monkeypatch.setattr("marlin_edit.console.time.monotonic", lambda: next(clock))
    with Console().progress("watching", 40) as progress:
        progress.reached(5)
        progress.reached(20)
    assert capsys.readouterr().err == "watching, 50 %, 12 s left\n"


def test_progress_says_nothing_with_q(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys, "stderr", Terminal())
    with Console(verbosity=-1).progress("watching", 40) as progress:
        progress.reached(5)
    assert isinstance(sys.stderr, Terminal)
    assert sys.stderr.getvalue() == ""


@pytest.mark.parametrize(("seconds", "said"), [(12.4, "12 s"), (200, "3 min"), (3900, "1 h 05 min")])
def test_time_left_is_said_as_people_say_it(seconds: float, said: str) -> None:
    assert time_left(seconds) == said


def test_text_cannot_steer_the_terminal(capsys: pytest.CaptureFixture[str]) -> None:
    Console().warning("a\x1b[2Jb\x07")
    assert capsys.readouterr().err == "marlin-edit: warning: a\\x1b[2Jb\\x07\n"


def test_tables_are_aligned(capsysbinary: pytest.CaptureFixture[bytes]) -> None:
    Console().table(("name", "what"), [("a", "first"), ("longer", "second")])
    assert capsysbinary.readouterr().out == b"name    what\na       first\nlonger  second\n"


def test_a_plain_click_command_of_a_plugin_runs_too(own: Path, tmp_path: Path) -> None:
    source = """
import click
from marlin_edit import hookimpl

@hookimpl
def register_commands(cli, app):
    @cli.command()
    @click.argument("word")
    def say(word):
        "Say a word."
        click.echo(word)
"""
    plugin = installed(tmp_path / "say", "marlin-say", "marlin_say", source)
    assert run_tool("say", "yes", plugins=[own, plugin]).stdout == "yes\n"
