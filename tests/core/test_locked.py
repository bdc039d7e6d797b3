"""What is installed is pinned, in `constraints.txt` and with hashes in `requirements.lock`; its licences are listed."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

from tests.support import licences

ROOT = Path(__file__).parents[2]


def pinned(name: str) -> dict[str, str]:
    """The version of each package that a file pins for this Python and system."""
    text = (ROOT / name).read_text(encoding="utf-8")
    entries = [Requirement(line.rstrip(" \\")) for line in text.splitlines() if re.match(r"[A-Za-z]", line)]
    here = [entry for entry in entries if entry.marker is None or entry.marker.evaluate()]
    return {canonicalize_name(entry.name): str(entry.specifier).removeprefix("==") for entry in here}


def test_every_package_that_a_run_needs_is_locked() -> None:
    needed = licences.closure()
    constraints, locked = pinned("constraints.txt"), pinned("requirements.lock")
    assert set(needed) <= set(locked)
    assert {name: constraints[name] for name in locked} == locked


def test_the_light_set_is_the_same_without_torch_and_what_is_built_on_it() -> None:
    locked, light = pinned("requirements.lock"), pinned("requirements-light.lock")
    assert light.items() <= locked.items()
    heavy = {"torch", "torchcodec", "transformers"}
    assert not heavy & set(light)
    assert set(licences.closure(without=heavy)) == set(light)


@pytest.mark.parametrize(("name", "least"), [("requirements.lock", 60), ("requirements-light.lock", 25)])
def test_every_locked_package_has_hashes(name: str, least: int) -> None:
    blocks = re.split(r"^(?=[A-Za-z])", (ROOT / name).read_text(encoding="utf-8"), flags=re.MULTILINE)[1:]
    assert len(blocks) > least
    assert [block.splitlines()[0] for block in blocks if "--hash=sha256:" not in block] == []


def test_the_licences_that_are_listed_are_those_of_what_is_locked() -> None:
    text = licences.PAGE.read_text(encoding="utf-8")
    listed = dict(re.findall(r"^\| ([a-z0-9-]+) \| ([0-9.]+) \|", text, re.MULTILINE))
    locked = pinned("requirements.lock")
    assert listed == {name: locked[name] for name in licences.closure()}, "run `python tests/support/licences.py`"
    if licences.closure() != listed:
        pytest.skip("other versions are installed here")
    assert licences.page(text) == text, "run `python tests/support/licences.py`"
