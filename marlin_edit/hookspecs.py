"""The whole contract of a plugin: six hooks, all optional. Their values are in `interfaces.py`.

A hook returns a list of values and does no work: what is heavy is imported inside the functions of the values. A plugin
with a fault in any hook is set aside as a whole, with a warning; a single value is set aside where one of its kind and
name, its suffix or its flag is there already.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

import pluggy

from marlin_edit.interfaces import Backend, Delivery, Detector, Exporter
from marlin_edit.settings import Setting

if TYPE_CHECKING:
    import click

    from marlin_edit.app import App

hookspec = pluggy.HookspecMarker("marlin_edit")
hookimpl = pluggy.HookimplMarker("marlin_edit")


@hookspec
def register_backends() -> Sequence[Backend]:
    """Offer video models. Whether they open one, others' backends are asked first and marlin-edit's own last."""
    return ()


@hookspec
def register_exporters() -> Sequence[Exporter]:
    """Offer file formats. An output takes the one with the longest suffix that fits, or the one that --format names."""
    return ()


@hookspec
def register_deliveries() -> Sequence[Delivery]:
    """Offer ways to hand an edit to a program, or to make media of it."""
    return ()


@hookspec
def register_detectors() -> Sequence[Detector]:
    """Offer ways to find shots, speech or words in a source."""
    return ()


@hookspec
def register_settings() -> Sequence[Setting]:
    """Add settings: an environment variable, a key of the configuration file, and a flag of the commands they name."""
    return ()


@hookspec
def register_commands(cli: click.Group, app: App) -> None:
    """Add commands to a group that becomes part of the command line. `app` holds the registry and the settings."""
