"""Speech: when somebody speaks, found by the Silero voice activity model, which needs no download."""

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
    return [Detector("voice", Finds.SPEECH, _detect, help="When somebody speaks, in any language (Silero VAD).")]


def _detect(media: MediaInfo, span: Span, context: Context) -> Sequence[Detection]:
    from marlin_edit_speech.voice import voice_spans

    return [Detection(spoken) for spoken in voice_spans(media, span)]
