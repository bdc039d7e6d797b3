"""Runs models of Marlin's family: frames from the source, the trained video format, the engine.

A plugin that brings a checkpoint of this family needs the two functions here; the modules are the program's own. torch
is imported when a checkpoint is opened.
"""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from marlin_edit.interfaces import ModelOnDisk
    from marlin_edit.settings import Settings
    from marlin_edit.video_model import VideoModel

__all__ = ["describe_checkpoint", "open_checkpoint"]


def open_checkpoint(directory: Path, settings: Settings, name: str) -> VideoModel:
    """Open a checkpoint directory as a video model.

    Args:
        directory: `config.json`, `tokenizer.json` and safetensors; optionally a profile and a calibration.
        settings: The settings of the run: `device`, `dtype`, `decoder`.
        name: What the model is called in results.

    Raises:
        MarlinEditError: Files are missing, incomplete or of another kind, or the device is not there.
    """
    from marlin_edit.marlin.loading import open_checkpoint as open_any

    return open_any(str(directory), settings, name=name)


def describe_checkpoint(directory: Path, name: str, note: str = "") -> ModelOnDisk:
    """What `marlin-edit models` shows of a checkpoint directory."""
    from marlin_edit.marlin import hub

    return hub.describe(name, directory, note)
