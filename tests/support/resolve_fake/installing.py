"""Installs the simulation as Resolve is installed: a folder with `Modules/DaVinciResolveScript.py` in it.

So it is reached by `RESOLVE_SCRIPT_API`, as the real one is, and nothing in the product knows of it.
"""

from __future__ import annotations

import atexit
from pathlib import Path
from typing import Any

from tests.support.resolve_fake.bridge import Resolve
from tests.support.resolve_fake.world import World

_MODULE = """import sys
sys.path.append({root!r})
from tests.support.resolve_fake.installing import scripting
scriptapp = scripting({state!r})
"""
BROKEN = 'raise ImportError("could not locate module dependencies")\n'
OLD = "import imp_that_is_gone\n"
CRASHING = "import os\nos.abort()\n"


class Installation:
    """A simulated installation. `world` reads what is in it; `change` lets a test play the person before it."""

    def __init__(
        self, folder: Path, world: World | None = None, module: str | None = None, *, before: str = ""
    ) -> None:
        """module: its text, in place of the simulation's. before: what goes in front of that."""
        self.folder = folder
        self.state = folder / "world"
        (folder / "Modules").mkdir(parents=True)
        (world or World()).save(self.state)
        root = str(Path(__file__).parents[3])
        text = _MODULE.format(root=root, state=str(self.state)) if module is None else module
        (folder / "Modules" / "DaVinciResolveScript.py").write_text(before + text, encoding="utf-8")

    @property
    def variables(self) -> dict[str, str]:
        return {"RESOLVE_SCRIPT_API": str(self.folder), "RESOLVE_SCRIPT_LIB": str(self.folder / "none.so")}

    @property
    def world(self) -> World:
        """What is there now; AssertionError where something was called wrongly."""
        world = World.load(self.state)
        assert not world.faults, world.faults
        return world

    def change(self, world: World) -> None:
        world.save(self.state)


def scripting(state: str) -> Any:
    """The `scriptapp` of a simulated Resolve, which keeps its state in a file."""
    world = World.load(Path(state))
    atexit.register(world.save, Path(state))
    return lambda name: Resolve(world) if name == "Resolve" and not world.keeps_out else None
