"""What the top level promises is there, and the built-in plugins import nothing that a stranger could not.

Public are the modules at the top of `marlin_edit`, and three packages through their `__init__`. The other packages are
the program's own.
"""

from __future__ import annotations

import ast
import importlib
import pkgutil
from collections.abc import Iterator
from pathlib import Path

import pytest

import marlin_edit

ROOT = Path(__file__).parents[2]
PUBLIC_PACKAGES = ("marlin_edit.commands", "marlin_edit.marlin", "marlin_edit.media")
PUBLIC_MODULES = {
    f"marlin_edit.{module.name}" for module in pkgutil.iter_modules(marlin_edit.__path__) if not module.ispkg
}
BUILT_IN = sorted([*(ROOT / "exporters").rglob("*.py"), *(ROOT / "plugins").rglob("*.py")])
LABORATORY = "marlin_edit_demo/training"
"""How the demo model was trained: no plugin, and nothing that the product runs imports it."""


@pytest.mark.parametrize("name", ["marlin_edit", *PUBLIC_PACKAGES])
def test_what_a_package_promises_is_there(name: str) -> None:
    package = importlib.import_module(name)
    assert package.__all__ == sorted(package.__all__, key=lambda one: (one.islower(), not one.isupper(), one))
    for member in package.__all__:
        assert getattr(package, member) is not None


def test_what_the_top_level_exports_is_what_it_promises() -> None:
    tree = ast.parse((ROOT / "marlin_edit" / "__init__.py").read_text(encoding="utf-8"))
    late = [inner for node in tree.body if isinstance(node, ast.If) for inner in node.body]  # for type checkers only
    imports = [node for node in [*tree.body, *late] if isinstance(node, ast.ImportFrom) and node.module != "typing"]
    assert {alias.name for node in imports for alias in node.names} == set(marlin_edit.__all__)
    assert all(getattr(marlin_edit, name) is not None for name in marlin_edit.__all__)


@pytest.mark.parametrize(
    "file",
    [file for file in BUILT_IN if LABORATORY not in file.as_posix()],
    ids=lambda file: str(file.relative_to(ROOT)),
)
def test_a_built_in_plugin_imports_what_a_stranger_could(file: Path) -> None:
    for module, names in _imports(file):
        if module in PUBLIC_PACKAGES:
            assert names <= set(importlib.import_module(module).__all__), f"{module} does not promise {names}"
        elif module != "marlin_edit":
            assert module in PUBLIC_MODULES, f"{module} is the program's own"


def test_a_private_name_is_used_in_its_own_package_only() -> None:
    for file in [*(ROOT / "marlin_edit").rglob("*.py"), *BUILT_IN]:
        for module, names in _imports(file):
            assert not [name for name in names if name.startswith("_")], f"{file} imports {names} from {module}"


def _imports(file: Path) -> Iterator[tuple[str, set[str]]]:
    """The modules of the core that a file imports from, also inside functions, and what it takes from each."""
    for node in ast.walk(ast.parse(file.read_text(encoding="utf-8"))):
        if isinstance(node, ast.ImportFrom) and (node.module or "").split(".")[0] == "marlin_edit":
            assert node.module is not None
            for alias in node.names:
                whole = f"{node.module}.{alias.name}"
                if whole in PUBLIC_MODULES or whole in PUBLIC_PACKAGES:
                    yield whole, set()
                else:
                    yield node.module, {alias.name}
        elif isinstance(node, ast.Import):
            for alias in node.names:
                if alias.name.split(".")[0] == "marlin_edit":
                    yield alias.name, set()
