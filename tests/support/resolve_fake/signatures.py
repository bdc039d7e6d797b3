"""What may be called, and with what: read from the stubs' source with `ast`, as they are for Resolve 21.

Earlier versions lack some methods, and ask for items' frames without an argument.
"""

from __future__ import annotations

import ast
from dataclasses import dataclass
from functools import cache
from importlib.metadata import distribution
from pathlib import Path
from typing import Any

Version = tuple[int, int, int]
FRACTIONS_ASKED = ("GetStart", "GetEnd", "GetDuration", "GetLeftOffset", "GetRightOffset")
SINCE: dict[tuple[str, str], Version] = {
    ("TimelineItem", "GetSourceStartFrame"): (19, 0, 2),
    ("TimelineItem", "GetSourceEndFrame"): (19, 0, 2),
    ("TimelineItem", "SetName"): (20, 2, 0),
}
SHORTER = {("Timeline", "AddTrack"): 1}
"""Methods whose further arguments Resolve's own text calls optional, and that are used without."""


class WrongCall(Exception):
    """Why Resolve would not have understood a call."""


@dataclass(frozen=True)
class Stubs:
    """classes: the signatures of each method, one an overload. aliases: literals. dicts: the keys of typed dicts."""

    classes: dict[str, dict[str, list[ast.arguments]]]
    aliases: dict[str, ast.expr]
    dicts: dict[str, dict[str, ast.expr]]

    def check(self, owner: str, method: str, arguments: tuple[Any, ...], version: Version) -> None:
        """Raises WrongCall where no signature takes these arguments."""
        if version < SINCE.get((owner, method), (0, 0, 0)):
            raise WrongCall(f"{owner}.{method} is not in version {version}")
        if owner == "TimelineItem" and method in FRACTIONS_ASKED and version < (19, 0, 2):
            if arguments:
                raise WrongCall(f"{owner}.{method} takes no argument in version {version}")
            return
        faults = []
        for signature in self.classes[owner][method]:
            fault = self._misfit(owner, method, signature, arguments)
            if fault is None:
                return
            faults.append(fault)
        raise WrongCall(f"{owner}.{method}{arguments!r}: {'; '.join(faults)}")

    def _misfit(self, owner: str, method: str, signature: ast.arguments, arguments: tuple[Any, ...]) -> str | None:
        parameters = signature.args[1:]
        fewest = SHORTER.get((owner, method), len(parameters) - len(signature.defaults))
        if len(arguments) < fewest or (len(arguments) > len(parameters) and signature.vararg is None):
            return f"{len(arguments)} arguments, not {len(parameters)}"
        for parameter, argument in zip(parameters, arguments, strict=False):
            if parameter.annotation is not None and not self.fits(parameter.annotation, argument):
                return f"{parameter.arg} is {argument!r}, not {ast.unparse(parameter.annotation)}"
        return None

    def fits(self, annotation: ast.expr, value: Any) -> bool:
        """Whether a value is what an annotation says. Numbers have to be whole, as the bridge takes no others well."""
        if isinstance(annotation, ast.Constant) and annotation.value is None:
            return value is None
        if isinstance(annotation, ast.BinOp):
            return self.fits(annotation.left, value) or self.fits(annotation.right, value)
        if isinstance(annotation, ast.Name):
            return self._fits_name(annotation.id, value)
        if isinstance(annotation, ast.Subscript) and isinstance(annotation.value, ast.Name):
            outer, inner = annotation.value.id, annotation.slice
            if outer == "Optional":
                return value is None or self.fits(inner, value)
            if outer == "List":
                return isinstance(value, list) and all(self.fits(inner, one) for one in value)
            if outer == "Literal":
                told = ast.literal_eval(inner)
                return value in (told if isinstance(told, tuple) else (told,))
            if outer == "dict":
                return isinstance(value, dict)
        raise AssertionError(f"no rule for {ast.unparse(annotation)}")

    def _fits_name(self, name: str, value: Any) -> bool:
        plain = {"str": str, "bool": bool}
        if name in plain:
            return isinstance(value, plain[name])
        if name in ("int", "float"):
            return isinstance(value, int) and not isinstance(value, bool)
        if name == "Any":
            return True
        if name in self.aliases:
            return self.fits(self.aliases[name], value)
        if name in self.dicts:
            keys = self.dicts[name]
            return isinstance(value, dict) and all(
                key in keys and self.fits(keys[key], one) for key, one in value.items()
            )
        if name in self.classes:
            return getattr(value, "_stub_class", None) == name
        raise AssertionError(f"no rule for {name}")


@cache
def stubs() -> Stubs:
    """The installed stubs."""
    path = Path(str(distribution("fusionscript-stubs").locate_file("fusionscript-stubs/fusionscript.pyi")))
    classes: dict[str, dict[str, list[ast.arguments]]] = {}
    aliases: dict[str, ast.expr] = {}
    dicts: dict[str, dict[str, ast.expr]] = {}
    for node in ast.parse(path.read_text(encoding="utf-8")).body:
        if isinstance(node, ast.Assign) and isinstance(node.targets[0], ast.Name):
            aliases[node.targets[0].id] = node.value
        elif isinstance(node, ast.ClassDef) and any(ast.unparse(base) == "TypedDict" for base in node.bases):
            dicts[node.name] = {
                one.target.id: _required(one.annotation)
                for one in node.body
                if isinstance(one, ast.AnnAssign) and isinstance(one.target, ast.Name)
            }
        elif isinstance(node, ast.ClassDef):
            methods = classes.setdefault(node.name, {})
            for one in node.body:
                if isinstance(one, ast.FunctionDef):
                    methods.setdefault(one.name, []).append(one.args)
    return Stubs(classes, aliases, dicts)


def _required(annotation: ast.expr) -> ast.expr:
    if isinstance(annotation, ast.Subscript) and ast.unparse(annotation.value) == "NotRequired":
        return annotation.slice
    return annotation
