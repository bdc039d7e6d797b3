"""Clips: the cuts of an edit as media files, through FFmpeg's libraries (PyAV), without any program to install."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from marlin_edit.hookspecs import hookimpl
from marlin_edit.interfaces import Carries, Delivery, Receipt, Setting

if TYPE_CHECKING:
    from marlin_edit.edit import Edit
    from marlin_edit.settings import Settings


@hookimpl
def register_deliveries() -> Sequence[Delivery]:
    return [
        Delivery(
            "clips",
            Carries.CUTS | Carries.SOURCE_TIMECODE | Carries.REEL | Carries.SEVERAL_SOURCES,
            _check,
            _deliver,
            lambda settings: settings["out_dir"] is not None,
            help="One media file a cut, into --out-dir.",
        )
    ]


def _check(settings: Settings) -> None:
    from marlin_edit_ffmpeg.delivery import check

    check(settings)


def _deliver(edit: Edit, settings: Settings, dry_run: bool) -> Receipt:
    from marlin_edit_ffmpeg.delivery import deliver

    return deliver(edit, settings, dry_run)


@hookimpl
def register_settings() -> Sequence[Setting]:
    return [
        Setting(
            "out_dir",
            parse=_directory,
            default=None,
            help="Write one clip a cut into this directory; it is made if missing.",
            flag="--out-dir",
            commands=("cut",),
            metavar="DIR",
        ),
        Setting(
            "clip_mode",
            parse=str,
            default="smart",
            help="How clips are cut: smart encodes only what cannot be copied at both ends, exact encodes all frames, "
            "copy keeps packets and reports its drift.",
            flag="--mode",
            commands=("cut",),
            choices=("smart", "exact", "copy"),
        ),
        Setting(
            "clip_sound",
            parse=str,
            default="copy",
            help="The sound of clips: copy keeps packets, exact encodes it from the sample on.",
            flag="--audio",
            commands=("cut",),
            choices=("copy", "exact"),
        ),
        Setting(
            "clip_crf",
            parse=_crf,
            default=16,
            help="Quality of encoded pictures on x264's scale: 0 is lossless, 16 looks like the source, 51 is worst.",
            flag="--crf",
            commands=("cut",),
            metavar="N",
        ),
    ]


def _directory(text: str) -> Path:
    if not text.strip() or "\0" in text:
        raise ValueError(f"{text!r} is not a directory's name.")
    return Path(text)


def _crf(text: str) -> int:
    if not text.isascii() or not text.isdigit() or int(text) > 51:
        raise ValueError(f"{text!r} is not a quality: give a whole number from 0 to 51.")
    return int(text)
