"""Rules of the house that no linter has: short functions, one name for one module in a package."""

from __future__ import annotations

import ast
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
FOLDERS = ("marlin_edit", "exporters", "plugins", "tests", "benchmarks")
FILES = sorted(file for folder in FOLDERS for file in (ROOT / folder).rglob("*.py") if "node_modules" not in file.parts)
MOST_LINES = 70
"""Of statements: without the signature and the docstring."""


@pytest.mark.parametrize("file", FILES, ids=lambda file: str(file.relative_to(ROOT)))
def test_no_function_is_long_but_tables(file: Path) -> None:
    for node in ast.walk(ast.parse(file.read_text(encoding="utf-8"))):
        if isinstance(node, (ast.FunctionDef, ast.AsyncFunctionDef)) and not _is_table(node):
            body = node.body[1:] if ast.get_docstring(node) else node.body
            lines = (node.end_lineno or node.lineno) - body[0].lineno + 1 if body else 0
            assert lines <= MOST_LINES, f"{node.name} has {lines} lines"


def test_no_module_has_the_name_of_a_package_beside_it() -> None:
    for file in FILES:
        assert not file.with_suffix("").is_dir(), file


def _is_table(function: ast.FunctionDef | ast.AsyncFunctionDef) -> bool:
    """Whether a function only returns one literal, after its docstring and perhaps some names for parts of it."""
    *before, last = function.body
    names_only = all(isinstance(part, (ast.Expr, ast.Assign)) for part in before)
    return names_only and isinstance(last, ast.Return) and isinstance(last.value, (ast.List, ast.Tuple))
