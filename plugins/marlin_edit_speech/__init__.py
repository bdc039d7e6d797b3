"""Speech: when somebody speaks (the Silero model, which needs no download), and what is said (Whisper models)."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from marlin_edit.hookspecs import hookimpl
from marlin_edit.interfaces import Context, Detection, Detector, Finds, ModelOnDisk
from marlin_edit.settings import Group, Setting
from marlin_edit.text import is_language_tag

if TYPE_CHECKING:
    from marlin_edit.analysis import ModelIdentity
    from marlin_edit.media import MediaInfo
    from marlin_edit.settings import Settings
    from marlin_edit.timebase import Span

LISTENING = ("caption", "find", "cut", "transcribe")


@hookimpl
def register_detectors() -> Sequence[Detector]:
    """The detectors."""
    return [
        Detector(
            "voice",
            Finds.SPEECH,
            _voice,
            help="When somebody speaks, in any language (Silero VAD).",
            identity=_identity_of_voice,
        ),
        Detector(
            "whisper",
            Finds.WORDS,
            _words,
            help="What is said, word by word (Whisper models, with faster-whisper).",
            check=_check,
            identity=_identity_of_words,
            models=_models,
        ),
    ]


@hookimpl
def register_settings() -> Sequence[Setting]:
    """The settings."""
    return [
        Setting(
            "speech_model",
            parse=str,
            default="small",
            help="Speech model: a size of Whisper (tiny, base, small, medium, turbo, large-v3; .en for English alone), "
            "a name on the hub, or a directory.",
            flag="--speech-model",
            commands=LISTENING,
            metavar="NAME",
            group=Group.MODEL,
        ),
        Setting(
            "speech_language",
            parse=parse_language,
            default="",
            help="Language that is spoken, like en or pt. Without it, the speech model finds it.",
            flag="--speech-language",
            commands=LISTENING,
            metavar="TAG",
            group=Group.MODEL,
        ),
    ]


def parse_language(text: str) -> str:
    """Read a language tag; Whisper knows languages by the first part of it."""
    language = text.split("-")[0].lower()
    if not is_language_tag(text) or len(language) > 3:
        raise ValueError(f"{text!r} is not a language tag. Write it like en or pt.")
    return language


def _voice(media: MediaInfo, span: Span, context: Context) -> Sequence[Detection]:
    from marlin_edit_speech.voice import voice_spans

    return [Detection(spoken) for spoken in voice_spans(media, span, context.settings.optional("audio_stream", int))]


def _identity_of_voice(settings: Settings) -> ModelIdentity:
    from marlin_edit_speech.voice import identity

    return identity()


def _words(media: MediaInfo, span: Span, context: Context) -> Sequence[Detection]:
    from marlin_edit_speech.words import words_in

    return words_in(media, span, context.spoken, context.settings)


def _check(settings: Settings) -> None:
    from marlin_edit_speech.models import check

    check(settings)


def _identity_of_words(settings: Settings) -> ModelIdentity:
    from marlin_edit_speech.words import identity

    return identity(settings)


def _models() -> Sequence[ModelOnDisk]:
    from marlin_edit_speech.models import models_on_disk

    return models_on_disk()
