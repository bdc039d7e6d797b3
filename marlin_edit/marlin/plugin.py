"""Offers the `marlin` backend: any model of Marlin's family that is on disk. torch is imported when one is opened."""

from __future__ import annotations

from collections.abc import Sequence

from marlin_edit.hookspecs import hookimpl
from marlin_edit.interfaces import Backend, ModelOnDisk
from marlin_edit.settings import Settings
from marlin_edit.video_model import VideoModel


@hookimpl
def register_backends() -> list[Backend]:
    """The video models."""
    return [
        Backend(
            "marlin",
            opens=_opens,
            open=_open,
            help="Marlin-2B, and any model of the Qwen3.5-VL family: a name on the hub, or a directory.",
            models=_models,
        )
    ]


def _opens(model: str) -> bool:
    from marlin_edit.marlin import hub

    return hub.is_model(model)


def _open(settings: Settings) -> VideoModel:
    from marlin_edit.marlin import hub

    # A model that is not here is said before torch is imported.
    hub.find(settings.value("model", str))
    from marlin_edit.marlin.loading import open_checkpoint

    return open_checkpoint(settings.value("model", str), settings)


def _models() -> Sequence[ModelOnDisk]:
    from marlin_edit.marlin import hub

    return hub.models_on_disk()
