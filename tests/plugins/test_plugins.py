"""The loader, through its public door: distributions on a path, entry points, and the program itself."""

from __future__ import annotations

import dataclasses
import inspect
import json
import re
import subprocess
import sys
from base64 import b64decode
from fractions import Fraction
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from importlib import import_module
from pathlib import Path
from threading import Thread
from types import ModuleType
from typing import Any

import pytest

from marlin_edit import Backend, Carries, Delivery, Detector, Exporter, Rendered, Setting, hookimpl, hookspecs
from marlin_edit.app import Candidate
from marlin_edit.errors import MarlinEditError, UsageError
from marlin_edit.interfaces import Context, Detection
from marlin_edit.plugins import load_app
from marlin_edit.testing import app_with, rendered, sample_edit
from marlin_edit.timebase import Span
from tests.support.synthetic_video import make_video
from tests.third_party.tool import HERE, installed, itself, run_tool

DOCS = (HERE.parent.parent / "docs" / "plugins.md").read_text(encoding="utf-8")

EXPORTER = """
from marlin_edit import Carries, Exporter, Rendered, hookimpl

@hookimpl
def register_exporters():
    return [Exporter({name!r}, ({suffix!r},), Carries.NOTHING, lambda edit, context: Rendered("from " + __name__))]
"""


@pytest.fixture
def own(tmp_path: Path) -> Path:
    return itself(tmp_path / "own")


def plugins_of(*directories: Path) -> tuple[dict[str, Any], str]:
    """What `marlin-edit plugins --json` says with these installed, by plugin; and what is on stderr."""
    run = run_tool("plugins", "--json", plugins=directories)
    assert run.returncode == 0, run.stderr
    return {plugin["name"]: plugin for plugin in json.loads(run.stdout)["plugins"]}, run.stderr


def test_a_complete_third_party_plugin_offers_one_of_everything(own: Path) -> None:
    found, _ = plugins_of(own, HERE / "crystal")
    assert found["crystal"] == {
        "name": "crystal",
        "distribution": "marlin-crystal",
        "version": "1.2",
        "offers": [
            "backend crystal",
            "exporter crystal",
            "delivery crystal",
            "detector crystal",
            "setting shine",
            "command gaze",
        ],
        "problems": [],
    }


def test_a_plugin_s_command_takes_its_own_setting_and_one_of_the_core_s(own: Path) -> None:
    run = run_tool("gaze", "deep", "--shine", "7", "--model", "demo", plugins=[own, HERE / "crystal"])
    assert (run.returncode, run.stdout) == (0, "7 demo deep\n")


def test_a_plugin_s_setting_is_an_option_of_the_core_s_commands(own: Path) -> None:
    run = run_tool("formats", "--help", plugins=[own, HERE / "crystal"])
    assert "--shine VALUE  How brightly the ball shines." in run.stdout
    run = run_tool("formats", "--shine", "dimly", plugins=[own, HERE / "crystal"])
    assert run.returncode == 2
    assert "error: --shine: invalid literal for int()" in run.stderr


def test_a_plugin_s_command_is_in_the_help(own: Path) -> None:
    assert re.search(r"gaze +Look into the ball", run_tool("--help", plugins=[own, HERE / "crystal"]).stdout)


def test_everything_of_the_third_party_plugin_works_through_the_registry() -> None:
    sys.path.insert(0, str(HERE / "crystal"))
    try:
        app = app_with(import_module("marlin_crystal"), environ={"MARLIN_EDIT_SHINE": "0"})
    finally:
        sys.path.remove(str(HERE / "crystal"))
    media, span = sample_edit().sources[0].media, Span(Fraction(0), Fraction(4))
    model = app.backend_for("crystal").open(app.settings)
    assert [window.span for window in model.watch(media, [span])] == [span]
    assert rendered(app, app.exporter_for(Path("a.crystal.edl"))).startswith(b" A person pushes")
    with pytest.raises(MarlinEditError, match="Set --shine above 0"):
        app.deliveries["crystal"].check(app.settings)
    assert app.deliveries["crystal"].deliver(sample_edit(), Context(app.settings), True).items == ({"ball": "sample"},)
    assert app.detectors["crystal"].detect(media, span, Context(app.settings)) == [Detection(span)]


@pytest.mark.parametrize(
    ("source", "reason"),
    [
        ("import no_such_library", "ModuleNotFoundError: No module named 'no_such_library'"),
        ("def register_exporters(:", "SyntaxError: invalid syntax"),
        ("import sys; sys.exit(3)", "SystemExit: 3"),
        ("def register_exporters(): return []", "it has no hook (mark its functions with @marlin_edit.hookimpl)"),
        (
            "from marlin_edit import hookimpl\n@hookimpl\ndef register_exporters(): 1 / 0",
            "ZeroDivisionError: division by zero",
        ),
        (
            "from marlin_edit import hookimpl\n@hookimpl\ndef register_exporters(): pass",
            "register_exporters returned None, not a list",
        ),
        (
            "from marlin_edit import hookimpl\n@hookimpl\ndef register_exporters(): return ['edl']",
            "register_exporters returned 'edl' in its list, not an Exporter",
        ),
        (
            "from marlin_edit import hookimpl\n@hookimpl\ndef register_exportres(): return []",
            "marlin-edit has no hook register_exportres. Did you mean register_exporters",
        ),
        (
            "from marlin_edit import hookimpl\n@hookimpl\ndef register_exporters(formats): return []",
            "Argument(s) {'formats'} are declared in the hookimpl but can not be found in the hookspec",
        ),
        (EXPORTER.format(name="mine", suffix="mine"), "the suffixes of the exporter 'mine' are not a tuple like"),
        (
            EXPORTER.format(name="mine too", suffix=".mine"),
            "the name of the exporter 'mine too' is not in small letters",
        ),
    ],
)
def test_a_plugin_with_a_fault_is_set_aside_by_name_and_the_tool_goes_on(source: str, reason: str) -> None:
    module = ModuleType("faulty")

    def load() -> object:
        exec(compile(source, "faulty.py", "exec"), module.__dict__)
        return module

    good = Candidate("good", "good", "1", lambda: _exporting("good", ".good"))
    app = load_app([Candidate("faulty", "marlin-faulty", "0.3", load), good])
    (warning,) = app.warnings
    assert warning.startswith("faulty (marlin-faulty 0.3): the plugin is set aside: ")
    assert reason in warning
    assert list(app.exporters) == ["good"]


def test_a_broken_and_a_misspelt_plugin_leave_the_program_working(own: Path, tmp_path: Path) -> None:
    broken = installed(tmp_path / "b", "marlin-broken", "marlin_broken", "print('hello')\nraise OSError('no display')")
    source = EXPORTER.format(name="odd", suffix=".odd").replace("register_exporters", "register_exportres")
    misspelt = installed(tmp_path / "m", "marlin-misspelt", "marlin_misspelt", source)
    found, stderr = plugins_of(own, broken, misspelt)
    assert found["marlin_broken"]["problems"] == ["the plugin is set aside: OSError: no display"]
    assert "Did you mean register_exporters" in found["marlin_misspelt"]["problems"][0]
    assert "setting model" in found["core"]["offers"]
    assert "marlin-edit: warning: marlin_broken (marlin-broken 1.0): the plugin is set aside: OSError" in stderr


def test_a_stranger_s_namesake_of_a_built_in_format_is_refused(own: Path, tmp_path: Path) -> None:
    namesake = installed(tmp_path / "n", "aardvark", "marlin_aardvark", EXPORTER.format(name="srt", suffix=".aardvark"))
    found, _ = plugins_of(own, namesake)
    assert found["marlin_aardvark"]["offers"] == []
    (problem,) = found["marlin_aardvark"]["problems"]
    assert problem.startswith("its exporter srt is set aside: exporters (marlin-edit ")


def test_of_two_strangers_the_first_by_distribution_name_keeps_the_suffix(own: Path, tmp_path: Path) -> None:
    later = installed(tmp_path / "1", "zebra", "marlin_zebra", EXPORTER.format(name="stripes", suffix=".x"))
    first = installed(tmp_path / "2", "antelope", "marlin_antelope", EXPORTER.format(name="horns", suffix=".X"))
    found, _ = plugins_of(own, later, first)
    assert found["marlin_antelope"]["offers"] == ["exporter horns"]
    assert found["marlin_zebra"]["problems"] == [
        "its exporter stripes is set aside: the suffix .x belongs to horns of marlin_antelope (antelope 1.0)"
    ]


@pytest.mark.parametrize("what", ["name", "flag"])
def test_settings_with_one_name_or_one_flag_are_refused(what: str) -> None:
    first = Setting("shine", int, 1, "", flag="--shine")
    second = dataclasses.replace(first, flag="--glow") if what == "name" else dataclasses.replace(first, name="glow")
    app = load_app([_candidate("a", settings=[first]), _candidate("b", settings=[second])])
    assert app.definitions == {"shine": first}
    assert len(app.warnings) == 1


def test_a_stranger_s_command_does_not_replace_one_of_the_core_s(own: Path, tmp_path: Path) -> None:
    source = """
import click
from marlin_edit import hookimpl

@hookimpl
def register_commands(cli, app):
    @cli.command()
    def formats():
        click.echo("mine")
    @cli.command()
    def fine():
        click.echo(" ".join(sorted(app.exporters)[:1]))
"""
    stranger = installed(tmp_path / "s", "marlin-stranger", "marlin_stranger", source)
    found, _ = plugins_of(own, stranger)
    assert found["marlin_stranger"]["offers"] == ["command fine"]
    assert found["marlin_stranger"]["problems"] == ["its command formats is set aside: there is one of that name"]
    assert "mine" not in run_tool("formats", plugins=[own, stranger]).stdout
    assert run_tool("fine", plugins=[own, stranger]).returncode == 0


def test_the_commands_of_a_plugin_that_fails_at_adding_them_are_left_out(own: Path, tmp_path: Path) -> None:
    source = "from marlin_edit import hookimpl\n@hookimpl\ndef register_commands(cli, app): cli.nonsense()"
    found, _ = plugins_of(own, installed(tmp_path / "s", "marlin-stranger", "marlin_stranger", source))
    (problem,) = found["marlin_stranger"]["problems"]
    assert problem.startswith("its commands are left out: AttributeError")


def test_a_plugin_s_flag_does_not_replace_an_option_that_a_command_has(own: Path, tmp_path: Path) -> None:
    source = """
from marlin_edit import Setting, hookimpl

@hookimpl
def register_settings():
    return [Setting("mine", str, "", "", flag="--json", commands=("formats",))]
"""
    stranger = installed(tmp_path / "s", "marlin-stranger", "marlin_stranger", source)
    run = run_tool("formats", "--json", plugins=[own, stranger])
    assert json.loads(run.stdout)["formats"]
    assert "warning: marlin_stranger (marlin-stranger 1.0): its flag --json is not available in formats" in run.stderr


def test_the_longest_suffix_wins_and_case_does_not_matter() -> None:
    app = app_with(_exporting("edl", ".edl"), _exporting("markers", ".markers.edl"))
    assert app.exporter_for(Path("a.edl")).name == "edl"
    assert app.exporter_for(Path("a.b.markers.EDL")).name == "markers"


def test_format_overrides_the_suffix() -> None:
    app = app_with(_exporting("edl", ".edl"), _exporting("srt", ".srt"))
    assert app.exporter_for(Path("a.srt"), "edl").name == "edl"
    with pytest.raises(UsageError, match=r"There is no format 'edll'. Did you mean edl\? Formats: edl, srt."):
        app.exporter_for(Path("a.srt"), "edll")


def test_an_unknown_suffix_is_a_usage_error_that_names_the_nearest() -> None:
    app = app_with(_exporting("edl", ".edl"), _exporting("srt", ".srt"))
    with pytest.raises(UsageError, match=r"a.srrt: no format has this suffix. Did you mean .srt\?"):
        app.exporter_for(Path("a.srrt"))


def test_stdout_needs_a_format() -> None:
    app = app_with(_exporting("edl", ".edl"))
    with pytest.raises(UsageError, match="add --format NAME"):
        app.exporter_for(None)
    assert app.exporter_for(None, "edl").name == "edl"


def test_a_stranger_s_backend_is_asked_before_marlin_edit_s_own() -> None:
    def opening(name: str, *models: str) -> Backend:
        return Backend(name, opens=lambda model: not models or model in models, open=_not_opened)

    app = load_app(
        [
            _candidate("demo", "marlin-edit", backends=[opening("demo", "demo")]),
            _candidate("marlin", "marlin-edit", backends=[opening("marlin")]),
            _candidate("crystal", backends=[opening("crystal", "crystal", "quartz")]),
            _candidate("quartz", backends=[opening("quartz", "quartz")]),
        ]
    )
    assert [app.backend_for(model).name for model in ("demo", "anything/else", "crystal", "quartz")] == [
        "demo",
        "marlin",
        "crystal",
        "crystal",
    ]


def test_a_model_that_no_plugin_opens_is_a_usage_error() -> None:
    with pytest.raises(UsageError, match="No plugin opens the model 'nothing'"):
        app_with().backend_for("nothing")


def test_what_a_plugin_s_function_lets_out_names_the_plugin() -> None:
    app = app_with(_exporting("edl", ".edl"))
    exporter = app.exporters["edl"]
    fault = r"The exporter edl of the plugin .* failed: KeyError: 'reel'"
    with pytest.raises(MarlinEditError, match=fault), app.calling(exporter):
        raise KeyError("reel")
    with pytest.raises(MarlinEditError, match=r"^as it is$"), app.calling(exporter):
        raise MarlinEditError("as it is")


def test_the_documented_hooks_are_the_hooks() -> None:
    documented = re.findall(r"^def (register_\w+)(\(.*\) -> .*): \.\.\.$", DOCS, re.MULTILINE)
    real = []
    for name, function in vars(hookspecs).items():
        if name.startswith("register_"):
            signature = str(inspect.signature(function)).replace("'", "")
            real.append((name, signature))
    assert documented == real


def test_the_documented_fields_are_the_fields() -> None:
    documented = dict(re.findall(r"^(Backend|Exporter|Delivery|Detector|Setting)\((.*)\)$", DOCS, re.MULTILINE))
    for kind in (Backend, Exporter, Delivery, Detector, Setting):
        assert documented[kind.__name__] == ", ".join(field.name for field in dataclasses.fields(kind))


def test_the_nine_line_exporter_of_the_docs_works(own: Path, tmp_path: Path) -> None:
    source = _block("One line an event")
    assert len([line for line in source.splitlines() if line.strip()]) == 9
    directory = installed(tmp_path / "lines", "marlin-lines", "marlin_lines", source)
    run = run_tool("formats", "--json", plugins=[own, directory])
    assert [one["suffixes"] for one in json.loads(run.stdout)["formats"] if one["name"] == "lines"] == [[".lines"]]
    # The docs' own test of it, in a process that finds it by its entry point.
    test = _block("def test_events_become_lines") + "\ntest_events_become_lines()\n"
    test += "from marlin_edit.plugins import load_app\nfrom pathlib import Path\n"
    test += "assert load_app().exporter_for(Path('a.lines')).render is marlin_lines.render\n"
    run = run_tool(plugins=[own, directory], python=("-c", test))
    assert run.returncode == 0, run.stderr


def test_the_documented_command_works(own: Path, tmp_path: Path) -> None:
    directory = installed(tmp_path / "gaze", "marlin-gaze", "marlin_gaze", _block("def gaze"))
    run = run_tool("gaze", "a.mov", "--model", "demo", plugins=[own, directory])
    assert (run.returncode, run.stdout) == (0, "")
    assert "Looking at a.mov with demo." in run.stderr


def test_the_documented_timeline_format_works(own: Path, tmp_path: Path) -> None:
    directory = installed(tmp_path / "tape", "marlin-tape", "marlin_tape", _block("The cuts as a log for a tape room"))
    video = make_video(tmp_path / "film.mov", timecode="01:00:00:00")
    run = run_tool("cut", video, "--span", "0.4-1.2", "-o", tmp_path / "film.tapelog", plugins=[own, directory])
    assert run.returncode == 0, run.stderr
    *_, columns, _, data, row = (tmp_path / "film.tapelog").read_text(encoding="utf-8").splitlines()
    assert (columns.count("\t"), data) == (5, "Data")
    assert row.split("\t") == ["film", "VA1A2", "01:00:00:10", "01:00:01:05", "FILM", "film.mov"]


def test_the_documented_detector_works_and_comes_before_marlin_edit_s_own(own: Path, tmp_path: Path) -> None:
    directory = installed(tmp_path / "transcript", "marlin-transcript", "marlin_transcript", _block("def detect("))
    video = make_video(tmp_path / "talk.mp4", frames=50, audio=0)
    video.with_suffix(".srt").write_text("1\n00:00:00,250 --> 00:00:01,500\nGood evening.\n")
    result = tmp_path / "talk.json"
    run = run_tool("caption", video, "--model", "demo", "--speech", "-o", result, plugins=[own, directory])
    assert run.returncode == 0, run.stderr
    assert json.loads(result.read_text())["speech"] == [{"start": "0.25", "end": "1.5", "text": "Good evening."}]
    captions = tmp_path / "talk.vtt"
    run = run_tool("transcribe", video, "-o", captions, plugins=[own, directory])
    assert run.returncode == 0, run.stderr
    assert captions.read_text().startswith("WEBVTT Kind: captions; ")
    assert "\nGood evening.\n" in captions.read_text()


def test_the_documented_model_behind_a_service_works(own: Path, tmp_path: Path) -> None:
    directory = installed(tmp_path / "remote", "marlin-remote", "marlin_remote", _block("class RemoteModel"))
    video = make_video(tmp_path / "film.mp4", frames=75)
    requests: list[dict[str, Any]] = []

    class Service(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            requests.append(json.loads(self.rfile.read(int(self.headers["Content-Length"]))))
            told = {"scene": "A hall.", "spans": [{"start": 0.4, "end": 1.2, "text": "A door opens."}]}
            self.send_response(200)
            self.end_headers()
            self.wfile.write(json.dumps(told).encode())

        def log_message(self, *_: Any) -> None:
            """Quiet."""

    with ThreadingHTTPServer(("127.0.0.1", 0), Service) as server:
        Thread(target=server.serve_forever, daemon=True).start()
        address = f"http://127.0.0.1:{server.server_port}"
        run = run_tool("caption", video, "--model", address, "--json", plugins=[own, directory])
        server.shutdown()
    assert run.returncode == 0, run.stderr
    analysis = json.loads(run.stdout)["analysis"]
    assert [event["text"] for event in analysis["events"]] == ["A door opens"]
    assert [frame["seconds"] for frame in requests[0]["frames"]][:2] == [0.0, 0.5]
    assert all(b64decode(frame["jpeg"]).startswith(b"\xff\xd8") for frame in requests[0]["frames"])
    run = run_tool("caption", video, "--model", address, plugins=[own, directory])
    assert run.returncode == 1
    assert f"The service {address} did not answer" in run.stderr


def _block(containing: str) -> str:
    blocks: list[str] = re.findall(r"^```python\n(.*?)^```", DOCS, re.MULTILINE | re.DOTALL)
    (block,) = [block for block in blocks if containing in block]
    return block


def _not_opened(settings: object) -> Any:
    raise AssertionError


def _exporting(name: str, suffix: str) -> object:
    class Plugin:
        @hookimpl
        def register_exporters(self) -> list[Exporter]:
            return [Exporter(name, (suffix,), Carries.NOTHING, lambda edit, context: Rendered(""))]

    return Plugin()


def _candidate(
    name: str,
    distribution: str | None = None,
    settings: list[Setting] | None = None,
    backends: list[Backend] | None = None,
) -> Candidate:
    class Plugin:
        @hookimpl
        def register_settings(self) -> list[Setting]:
            return settings or []

        @hookimpl
        def register_backends(self) -> list[Backend]:
            return backends or []

    return Candidate(name, distribution or name, "1", Plugin)


def test_source_that_was_never_installed_says_how_to_install_it(tmp_path: Path) -> None:
    root = HERE.parent.parent
    roots = [root, root / "exporters", root / "plugins"]
    places = [*map(str, roots), *(str(path) for path in map(Path, sys.path) if path.name == "site-packages")]
    code = (
        f"import sys; sys.path[:] = {places!r} + sys.path\n"
        "from importlib import metadata\n"
        "metadata.entry_points = lambda group: ()\n"
        "from marlin_edit.cli import main\n"
        "raise SystemExit(main(['doctor']))"
    )
    ran = subprocess.run([sys.executable, "-c", code], capture_output=True, encoding="utf-8", cwd=tmp_path)
    (said,) = ran.stderr.splitlines()
    assert ran.returncode == 1
    assert "is not installed for this Python" in said
    assert "-m pip install ." in said
