"""What the demo plugin offers: the bundled model behind `--model demo`, and the command `demo`."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import click

from marlin_edit.app import App
from marlin_edit.hookspecs import hookimpl
from marlin_edit.interfaces import Backend, ModelOnDisk
from marlin_edit.marlin import describe_checkpoint, open_checkpoint
from marlin_edit.settings import Settings
from marlin_edit.video_model import VideoModel
from marlin_edit_demo import command

NAME = "demo"
CHECKPOINT = Path(__file__).parent / "checkpoint"


@hookimpl
def register_backends() -> list[Backend]:
    """The video models."""
    return [
        Backend(
            NAME,
            opens=lambda model: model == NAME,
            open=_open,
            help="A very small bundled model that knows coloured shapes only.",
            models=_models,
        )
    ]


@hookimpl
def register_commands(cli: click.Group, app: App) -> None:
    """Adds the plugin's commands."""
    cli.add_command(command.command)


def _open(settings: Settings) -> VideoModel:
    return open_checkpoint(CHECKPOINT, settings, NAME)


def _models() -> Sequence[ModelOnDisk]:
    return [describe_checkpoint(CHECKPOINT, NAME, "knows coloured shapes only")]
