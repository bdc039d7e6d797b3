"""What marlin-edit brings with it: the packages that a run needs, and what each says of its licence.

python tests/support/licences.py    # writes docs/licences.md, of what is installed here
"""

from __future__ import annotations

import re
from collections.abc import Collection
from importlib import metadata
from pathlib import Path

from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

PAGE = Path(__file__).resolve().parents[2] / "docs" / "licences.md"
_BEGIN, _END = "<!-- made by tests/support/licences.py -->\n", "<!-- end -->\n"
_OWN = "marlin-edit"


def closure(without: Collection[str] = ()) -> dict[str, str]:
    """The packages that are installed because marlin-edit needs them, with their versions; without itself.

    without: packages that are left out, with what only they need.
    """
    found: dict[str, str] = {}
    waiting = [_OWN]
    while waiting:
        name = waiting.pop()
        for text in metadata.requires(name) or ():
            needed = Requirement(text)
            if needed.marker is not None and not needed.marker.evaluate({"extra": ""}):
                continue
            key = canonicalize_name(needed.name)
            if key not in found and key not in without:
                found[key] = metadata.version(key).partition("+")[0]
                waiting.append(key)
    return dict(sorted(found.items()))


def licence_of(name: str) -> str:
    """What a package says of its licence: the expression, else the classifiers, else the first line of its text."""
    about = metadata.metadata(name)
    if about["License-Expression"]:
        return str(about["License-Expression"])
    classified = [
        value.rpartition(" :: ")[2]
        for value in about.get_all("Classifier") or ()
        if value.startswith("License :: ") and value != "License :: OSI Approved"
    ]
    if classified:
        return ", ".join(classified)
    lines = str(about["License"] or "").strip().splitlines()
    return lines[0][:60] if lines else "it does not say"


def page(text: str) -> str:
    """The page with its table made."""
    rows = [f"| {name} | {version} | {licence_of(name)} |\n" for name, version in closure().items()]
    table = "| package | version | it says |\n|---|---|---|\n" + "".join(rows)
    return re.sub(f"(?<={re.escape(_BEGIN)}).*(?={re.escape(_END)})", lambda _: table, text, flags=re.DOTALL)


if __name__ == "__main__":
    PAGE.write_text(page(PAGE.read_text(encoding="utf-8")), encoding="utf-8")
