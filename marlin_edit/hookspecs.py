"""The whole contract of a plugin: six hooks, all optional. Their values are in `interfaces.py`."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

import pluggy

from marlin_edit.interfaces import Backend, Delivery, Detector, Exporter, Setting

if TYPE_CHECKING:
    import click
    from marlin_edit.plugins import App

hookspec = pluggy.HookspecMarker("marlin_edit")
hookimpl = pluggy.HookimplMarker("marlin_edit")


@hookspec
def register_backends() -> Sequence[Backend]:
    """Offer video models."""
    return ()


@hookspec
def register_exporters() -> Sequence[Exporter]:
    """Offer file formats."""
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
    """Add settings, and options of the core's commands."""
    return ()


@hookspec
def register_commands(cli: click.Group, app: App) -> None:
    """Add commands to the group. `app` holds the registry and the settings."""
