"""Reaching Resolve: where it is looked for, what is said when it does not answer, and the script in its own menu."""

from __future__ import annotations

import ast
import json
import os
import shutil
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from marlin_edit.errors import MarlinEditError
from marlin_edit_resolve.connection import Attempt
from marlin_edit_resolve.diagnosis import causes
from marlin_edit_resolve.installation import Places, is_running, places
from marlin_edit_resolve.menu import MARK, install
from tests.support.resolve_fake.installing import BROKEN, CRASHING, Installation
from tests.support.resolve_fake.world import Known, World
from tests.support.synthetic_video import make_video
from tests.third_party.tool import HERE, environment, itself, run_tool

MENU = "Blackmagic Design/DaVinci Resolve/Fusion/Scripts/Utility"


@pytest.mark.parametrize(
    ("system", "environ", "module", "library", "scripts"),
    [
        (
            "Linux",
            {"HOME": "/home/me"},
            "/opt/resolve/Developer/Scripting/Modules",
            "/opt/resolve/libs/Fusion/fusionscript.so",
            "/home/me/.local/share/DaVinciResolve/Fusion/Scripts/Utility",
        ),
        (
            "Darwin",
            {"HOME": "/Users/me"},
            "/Library/Application Support/Blackmagic Design/DaVinci Resolve/Developer/Scripting/Modules",
            "/Applications/DaVinci Resolve/DaVinci Resolve.app/Contents/Libraries/Fusion/fusionscript.so",
            f"/Users/me/Library/Application Support/{MENU}",
        ),
        (
            "Windows",
            {
                "PROGRAMDATA": "D:\\Data",
                "PROGRAMFILES": "C:\\Program Files",
                "APPDATA": "C:\\Users\\me\\AppData\\Roaming",
            },
            "D:\\Data\\Blackmagic Design\\DaVinci Resolve\\Support\\Developer\\Scripting\\Modules",
            "C:\\Program Files\\Blackmagic Design\\DaVinci Resolve\\fusionscript.dll",
            "C:\\Users\\me\\AppData\\Roaming\\Blackmagic Design\\DaVinci Resolve\\Support\\Fusion\\Scripts\\Utility",
        ),
    ],
)
def test_each_system_keeps_it_elsewhere(
    system: str, environ: dict[str, str], module: str, library: str, scripts: str
) -> None:
    found = places(environ, system)
    assert (str(found.modules[0]), str(found.libraries[0]), str(found.scripts)) == (module, library, scripts)
    own = places({**environ, "RESOLVE_SCRIPT_API": "/own/", "RESOLVE_SCRIPT_LIB": "/own/lib.so"}, system)
    assert own.modules == (Path("/own\\Modules" if system == "Windows" else "/own/Modules"),)
    assert own.libraries == (Path("/own/lib.so"),)


def test_on_linux_it_may_be_in_home_as_well() -> None:
    assert Path("/home/resolve/Developer/Scripting/Modules") in places({"HOME": "/"}, "Linux").modules


@pytest.fixture
def resolve_process(tmp_path: Path) -> Iterator[None]:
    """A process of Resolve's name."""
    program = tmp_path / "resolve"
    shutil.copy(shutil.which("sleep") or "/bin/sleep", program)
    process = subprocess.Popen([program, "60"])
    try:
        yield
    finally:
        process.kill()
        process.wait()


@pytest.mark.skipif(sys.platform != "linux", reason="looks at Linux's list of processes")
def test_a_running_resolve_is_seen(resolve_process: None) -> None:
    until = time.monotonic() + 10
    while not is_running() and time.monotonic() < until:
        time.sleep(0.05)
    assert is_running()


HERE_IT_IS = Places((Path(__file__).parents[1] / "third_party",), (Path(__file__),), Path("/scripts"))
NOWHERE = Places((Path("/nothing/Modules"),), (Path("/nothing/fusionscript.so"),), Path("/scripts"))
SILENT = Attempt(Path("/opt/DaVinciResolveScript.py"), (), False, "3.11.9, 64 bit")
FAILED = Attempt(None, ("ImportError: wrong ELF class",), False, "3.11.9, 64 bit")


@pytest.mark.parametrize(
    ("attempt", "found", "running", "crash", "names"),
    [
        (SILENT, HERE_IT_IS, True, "", ["the Free edition", "external scripting is off"]),
        (SILENT, HERE_IT_IS, False, "", ["not running"]),
        (SILENT, HERE_IT_IS, None, "", ["not running", "the Free edition", "external scripting is off"]),
        (
            FAILED,
            HERE_IT_IS,
            True,
            "",
            ["its scripting module is missing or does not load", "a Python version that its library does not accept",
             "the Free edition"],
        ),
        (
            Attempt(python="3.11.9, 64 bit"),
            NOWHERE,
            False,
            "",
            ["not installed on this computer, or in another place", "not running", "the Free edition"],
        ),
        (
            None,
            HERE_IT_IS,
            True,
            "its process ended with -11",
            ["Resolve's scripting library crashed, or does not answer",
             "its scripting module is missing or does not load",
             "a Python version that its library does not accept", "the Free edition"],
        ),
    ],
)  # fmt: skip
def test_only_causes_that_are_still_possible_are_told(
    attempt: Attempt | None, found: Places, running: bool | None, crash: str, names: list[str]
) -> None:
    told = causes(attempt, found, running, crash)
    assert [cause.name for cause in told] == names
    assert all(cause.evidence for cause in told)


def status(tmp_path: Path, installation: Installation | None) -> tuple[int, Any]:
    nowhere = {"RESOLVE_SCRIPT_API": str(tmp_path / "none"), "RESOLVE_SCRIPT_LIB": str(tmp_path / "none.so")}
    variables = nowhere if installation is None else installation.variables
    ran = run_tool("resolve", "status", "--json", plugins=[itself(tmp_path / "own")], variables=variables)
    return ran.returncode, json.loads(ran.stdout)


def test_status_tells_version_and_project(tmp_path: Path) -> None:
    installation = Installation(tmp_path / "resolve", World(version=(19, 1, 4)))
    code, told = status(tmp_path, installation)
    assert (code, told["reached"], told["project"]) == (0, "DaVinci Resolve Studio 19.1.4.4", "Documentary")
    assert told["module"] == str(installation.folder / "Modules")


@pytest.mark.parametrize(
    ("module", "evidence"),
    [
        ("scriptapp = lambda name: None\n", "no Resolve process is running"),
        (BROKEN, "could not locate module dependencies"),
        (CRASHING, "ended with -6"),
        ("import sys\nsys.exit(3)\n", "SystemExit: 3"),
        ("raise RuntimeError\n", "RuntimeError"),
    ],
)
def test_status_tells_the_evidence(tmp_path: Path, module: str, evidence: str) -> None:
    code, told = status(tmp_path, Installation(tmp_path / "resolve", module=module))
    assert (code, told["reached"]) == (1, "")
    assert evidence in "\n".join(told["causes"])


def test_status_without_any_resolve_tells_where_it_looked(tmp_path: Path) -> None:
    code, told = status(tmp_path, None)
    assert code == 1
    assert str(tmp_path / "none" / "Modules") in told["causes"][0]


def test_a_resolve_without_its_module_is_reached_by_its_library(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A library that is none is what can be shown here: it is tried, and why it does not load is told."""
    library = tmp_path / "fusionscript.so"
    library.write_bytes(b"\x7fELF, and no more")
    variables = {"RESOLVE_SCRIPT_API": str(tmp_path / "none"), "RESOLVE_SCRIPT_LIB": str(library)}
    ran = run_tool("resolve", "status", "--json", plugins=[itself(tmp_path / "own")], variables=variables)
    told = json.loads(ran.stdout)
    assert ran.returncode == 1
    assert told["library"] == str(library)
    evidence = "\n".join(told["causes"])
    assert "ImportError" in evidence
    assert "no DaVinciResolveScript.py in" in evidence
    assert "this is Python 3." in evidence


def test_the_script_is_installed_and_replaced_and_nothing_else_is(tmp_path: Path) -> None:
    folder = tmp_path / "Scripts" / "Utility"
    for _ in range(2):
        ran = run_tool("resolve", "install-script", "--folder", folder, plugins=[itself(tmp_path / "own")])
        assert ran.returncode == 0, ran.stderr
        text = (folder / "marlin-edit.py").read_text()
        assert text.startswith(MARK)
        assert f"COMMAND = {[sys.executable, '-m', 'marlin_edit']!r}" in text
        ast.parse(text, feature_version=(3, 7))
    (folder / "marlin-edit.py").write_text("print('mine')")
    ran = run_tool("resolve", "install-script", "--folder", folder, plugins=[itself(tmp_path / "own")])
    assert ran.returncode == 1
    assert "is not marlin-edit's" in ran.stderr
    assert (folder / "marlin-edit.py").read_text() == "print('mine')"


def test_a_dangling_link_of_its_name_is_not_followed(tmp_path: Path) -> None:
    (tmp_path / "marlin-edit.py").symlink_to(tmp_path / "elsewhere")
    with pytest.raises(MarlinEditError, match="is not marlin-edit's"):
        install(tmp_path)
    assert not (tmp_path / "elsewhere").exists()


RUN = """
import json, runpy, sys
from tests.support.resolve_fake.bridge import Resolve
from tests.support.resolve_fake.world import World
from pathlib import Path

class Answers(dict):
    __getattr__ = dict.__getitem__
    __setattr__ = dict.__setitem__

class Ui:
    def __getattr__(self, kind):
        return lambda *parts: (kind, parts)

def identified(part):
    if isinstance(part, dict) and "ID" in part:
        yield part
    if isinstance(part, (list, tuple)):
        for one in part:
            yield from identified(one)

class Dispatcher:
    def __init__(self, ui):
        pass
    def AddWindow(self, facts, parts):
        self.items = {one["ID"]: Answers(Text="", Checked=one.get("Checked", False)) for one in identified(parts)}
        self.on = {name: Answers(Clicked=None, Close=None) for name in [facts["ID"], *self.items]}
        return Answers(
            GetItems=lambda: self.items, On=Answers(self.on), Show=lambda: None, Hide=lambda: None
        )
    def RunLoop(self):
        for name, value in asked.items():
            self.items[name]["Text" if isinstance(value, str) else "Checked"] = value
        self.on["ok" if asked else "no"].Clicked(None)
    def ExitLoop(self):
        pass

script, state, asked = sys.argv[1], sys.argv[2], json.loads(sys.argv[3])
given = {"resolve": Resolve(World.load(Path(state)))}
if asked is not None:
    given |= {"bmd": Answers(UIDispatcher=Dispatcher), "fusion": Answers(UIManager=Ui())}
runpy.run_path(script, init_globals=given, run_name="__main__")
assert not given["resolve"]._world.faults, given["resolve"]._world.faults
"""


@pytest.fixture
def menu(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Any:
    """The installed script, run as Resolve runs it: with the playhead on 30 to 80 of the video, and a dialog's answers
    (None: there are no dialogs)."""
    video = make_video(tmp_path / "a b.mp4", frames=100, rate="25", size=(64, 48), audio=0)
    # What the script starts has to find this source tree, of which Resolve's own variables say nothing.
    variables = environment([itself(tmp_path / "own"), HERE / "oracle"])
    starter = tmp_path / "python"
    starter.write_text(f"#!/bin/sh\nPYTHONPATH='{variables['PYTHONPATH']}' exec '{sys.executable}' \"$@\"\n")
    starter.chmod(0o755)
    monkeypatch.setattr(sys, "executable", str(starter))
    script = install(tmp_path / "Utility")
    monkeypatch.undo()
    (tmp_path / "seen.oracle").write_text(json.dumps({"events": [[1, 2.5, "dog"], [3.5, 4, "cat"]]}))

    def run(
        asked: dict[str, Any] | None, version: tuple[int, int, int] = (21, 0, 0), **facts: Any
    ) -> tuple[str, World]:
        world = World(version=version, **facts)
        world.known[str(video)] = Known(25.0, 100)
        clip = world.add_clip(video, 25.0, 100)
        line = world.add_line("Assembly")
        world.put(line, clip, 10, 30, 50)
        world.playhead = line.start + 20
        folder = tmp_path / "-".join(map(str, ("resolve", *version)))
        installation = Installation(folder, world)
        own = {"MARLIN_EDIT_MODEL": str(tmp_path / "seen.oracle"), "PYTHONHOME": "", **installation.variables}
        ran = subprocess.run(
            [sys.executable, "-c", RUN, str(script), str(installation.state), json.dumps(asked)],
            env={**environment([]), **{name: value for name, value in own.items() if name != "PYTHONHOME"}},
            capture_output=True,
            text=True,
            cwd=tmp_path,
            timeout=120,
        )
        assert ran.returncode == 0, ran.stderr
        return ran.stdout, installation.world

    return run


@pytest.mark.skipif(os.name == "nt", reason="starts a shell script")
@pytest.mark.parametrize("version", [(18, 6, 6), (21, 0, 0)])
def test_the_menu_s_script_asks_about_the_part_under_the_playhead(menu: Any, version: tuple[int, int, int]) -> None:
    said, world = menu({"query": "dog"}, version)
    assert "--range 30f-80f" in said
    assert "marlin-edit: done" in said
    markers = world.clip("a b.mp4").markers
    assert [(frame, mark.name) for frame, mark in markers.items()] == [(30, "dog")]


@pytest.mark.skipif(os.name == "nt", reason="starts a shell script")
def test_the_menu_s_script_can_look_at_the_whole_file(menu: Any) -> None:
    said, world = menu({"query": "dog", "whole": True})
    assert "--range" not in said
    assert list(world.clip("a b.mp4").markers) == [25]


@pytest.mark.skipif(os.name == "nt", reason="starts a shell script")
def test_the_menu_s_script_can_say_what_happens_at_all(menu: Any) -> None:
    _, world = menu({"caption": True, "whole": True})
    assert sorted(mark.name for mark in world.clip("a b.mp4").markers.values()) == ["cat", "dog"]


@pytest.mark.skipif(os.name == "nt", reason="starts a shell script")
@pytest.mark.parametrize(("asked", "told"), [({}, "Nothing was asked"), ({"query": " "}, "Nothing was asked")])
def test_the_menu_s_script_does_nothing_where_nothing_is_asked(menu: Any, asked: dict[str, Any], told: str) -> None:
    said, world = menu(asked)
    assert told in said
    assert world.clip("a b.mp4").markers == {}


@pytest.mark.skipif(os.name == "nt", reason="starts a shell script")
def test_without_dialogs_the_menu_s_script_tells_the_command(menu: Any) -> None:
    said, _ = menu(None)
    assert "find --query 'a door opens' --deliver resolve -- " in said
    assert "a b.mp4'" in said
