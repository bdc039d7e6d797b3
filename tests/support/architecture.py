"""The tables of docs/architecture.md that come from the source: run this file to write them."""

from __future__ import annotations

import ast
import re
import tomllib
from pathlib import Path

ROOT = Path(__file__).parents[2]
PAGE = ROOT / "docs" / "architecture.md"
PLUGINS = {
    "exporters/marlin_edit_exporters": "file formats",
    "plugins/marlin_edit_ffmpeg": "clips and reels",
    "plugins/marlin_edit_resolve": "DaVinci Resolve",
    "plugins/marlin_edit_shots": "shot detection",
    "plugins/marlin_edit_speech": "speech detection",
    "plugins/marlin_edit_demo": "the bundled demo model",
}


def layers() -> str:
    """The layers of the core, the highest first, with what each module or package is for."""
    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))
    contracts = project["tool"]["importlinter"]["contracts"]
    (names,) = [contract["layers"] for contract in contracts if contract["id"] == "layers"]
    lines = ["| layer | module | what it is for |", "|---|---|---|"]
    for number, layer in enumerate(reversed(names)):
        for name in layer.split(" | "):
            path = ROOT / "marlin_edit" / name
            room = "/" if path.is_dir() else ".py"
            lines.append(f"| {number} | `{name}{room}` | {_purpose(path)} |")
    return "\n".join([*lines[:2], *reversed(lines[2:])])


def rooms() -> str:
    """The packages of the core and of the plugins, with their modules."""
    lines = []
    for folder in ["marlin_edit", *PLUGINS]:
        packages = sorted(path.parent for path in (ROOT / folder).rglob("__init__.py"))
        for package in packages:
            modules = sorted(path.stem for path in package.glob("*.py") if not path.stem.startswith("__"))
            if modules:
                depth = len(package.relative_to(ROOT / folder).parts)
                name = folder if depth == 0 else f"{package.name}/"
                lines.append(f"{'  ' * depth}{name:<{34 - 2 * depth}} {' '.join(modules)}")
    return "```\n" + "\n".join(lines) + "\n```"


def page(text: str) -> str:
    """The page with its made parts as they are now."""
    for name, content in (("layers", layers()), ("rooms", rooms())):
        before, mark, after = text.partition(f"<!-- made: {name} -->\n")
        text = before + mark + content + "\n<!-- end -->" + after.partition("\n<!-- end -->")[2]
    return text


def _purpose(path: Path) -> str:
    """The first sentence of a module's or package's docstring."""
    file = path / "__init__.py" if path.is_dir() else path.with_suffix(".py")
    text = " ".join((ast.get_docstring(ast.parse(file.read_text(encoding="utf-8"))) or "").split())
    return re.split(r"(?<=\.)\s", text)[0].rstrip(".").replace("|", "\\|")


if __name__ == "__main__":
    PAGE.write_text(page(PAGE.read_text(encoding="utf-8")), encoding="utf-8")
