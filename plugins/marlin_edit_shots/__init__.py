"""Shots: where the picture changes at once, or goes through black, found from the frames alone."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from marlin_edit.hookspecs import hookimpl
from marlin_edit.interfaces import Context, Detection, Detector, Finds

if TYPE_CHECKING:
    from marlin_edit.media import MediaInfo
    from marlin_edit.timebase import Span


@hookimpl
def register_detectors() -> Sequence[Detector]:
    """The detectors."""
    return [Detector("shots", Finds.SHOTS, _detect, help="Hard cuts and fades through black, without flashes.")]


def _detect(media: MediaInfo, span: Span, context: Context) -> Sequence[Detection]:
    from marlin_edit_shots.detection import shots_in

    return [Detection(shot) for shot in shots_in(media, span)]
