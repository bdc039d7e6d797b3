"""Clips: the cuts of an edit as media files; subtitle tracks in a copy of a video. Through FFmpeg's libraries (PyAV),
without any program to install.
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from marlin_edit.hookspecs import hookimpl
from marlin_edit.interfaces import Carries, Context, Delivery, Detection, Detector, Finds, Receipt
from marlin_edit.settings import Group, Setting

if TYPE_CHECKING:
    import click

    from marlin_edit.edit import Edit
    from marlin_edit.media import MediaInfo
    from marlin_edit.settings import Settings
    from marlin_edit.timebase import Span


@hookimpl
def register_deliveries() -> Sequence[Delivery]:
    """The deliveries."""
    return [
        Delivery(
            "clips",
            Carries.CUTS | Carries.FRAMES | Carries.SOURCE_TIMECODE | Carries.REEL | Carries.SEVERAL_SOURCES,
            _check,
            _deliver,
            lambda settings: settings["out_dir"] is not None,
            help="One media file per cut, in --out-dir.",
            foresee=_foresee,
        ),
        Delivery(
            "reel",
            Carries.CUTS | Carries.FRAMES | Carries.SOURCE_TIMECODE | Carries.SEVERAL_SOURCES,
            _check_reel,
            _deliver_reel,
            lambda settings: settings["reel"] is not None,
            help="All cuts as one media file, --reel FILE.",
            together=True,
            foresee=_foresee_reel,
        ),
    ]


def _check(settings: Settings) -> None:
    from marlin_edit_ffmpeg.clips.delivery import check

    check(settings)


def _deliver(edit: Edit, context: Context, dry_run: bool) -> Receipt:
    from marlin_edit_ffmpeg.clips.delivery import deliver

    return deliver(edit, context, dry_run)


def _foresee(videos: Sequence[Path], queries: Sequence[str], settings: Settings) -> None:
    from marlin_edit_ffmpeg.clips.delivery import foresee

    foresee(videos, queries, settings)


def _check_reel(settings: Settings) -> None:
    from marlin_edit_ffmpeg.reels.delivery import check

    check(settings)


def _deliver_reel(edit: Edit, context: Context, dry_run: bool) -> Receipt:
    from marlin_edit_ffmpeg.reels.delivery import deliver

    return deliver(edit, context, dry_run)


def _foresee_reel(videos: Sequence[Path], queries: Sequence[str], settings: Settings) -> None:
    from marlin_edit_ffmpeg.reels.delivery import foresee

    foresee(videos, queries, settings)


@hookimpl
def register_detectors() -> Sequence[Detector]:
    """The detectors."""
    return [Detector("keyframes", Finds.KEYFRAMES, _keyframes, help="Frames that a copy can begin at.")]


def _keyframes(media: MediaInfo, span: Span, context: Context) -> Sequence[Detection]:
    from marlin_edit_ffmpeg.keyframes import groups_in

    return [Detection(group) for group in groups_in(media, span)]


@hookimpl
def register_commands(cli: click.Group) -> None:
    """The plugin's commands."""
    from marlin_edit_ffmpeg.attach.command import command

    cli.add_command(command)


@hookimpl
def register_settings() -> Sequence[Setting]:
    """The settings of this plugin."""
    return [
        Setting(
            "out_dir",
            parse=_directory,
            default=None,
            help="Write one clip per cut into this directory; it is created if missing.",
            flag="--out-dir",
            commands=("cut",),
            metavar="DIR",
            group=Group.CLIPS,
        ),
        Setting(
            "name",
            parse=_template,
            default="{stem}_{n:03}_{name}",
            help="Names of clips, with fields like {stem}, {n:03}, {in_tc}, {query} (docs/cutting.md lists them).",
            flag="--name",
            commands=("cut",),
            metavar="TEMPLATE",
            group=Group.CLIPS,
        ),
        Setting(
            "reel",
            parse=_file,
            default=None,
            help="Write all cuts into this one media file, one chapter per cut.",
            flag="--reel",
            commands=("cut",),
            metavar="FILE",
            group=Group.CLIPS,
        ),
        Setting(
            "clip_mode",
            parse=str,
            default="smart",
            help="How clips are cut: smart encodes only what cannot be copied at the ends, exact encodes all frames, "
            "copy keeps packets and reports its drift.",
            flag="--mode",
            commands=("cut",),
            choices=("smart", "exact", "copy"),
            group=Group.CLIPS,
        ),
        Setting(
            "clip_container",
            parse=str,
            default="auto",
            help="Container of clips: auto keeps the source's, or takes the nearest that editing programs read.",
            flag="--container",
            commands=("cut",),
            choices=("auto", "mov", "mp4", "mkv", "webm", "ts", "avi"),
            group=Group.CLIPS,
        ),
        Setting(
            "clip_sound",
            parse=str,
            default="copy",
            help="Sound of clips: copy keeps packets, exact encodes from the exact sample.",
            flag="--audio",
            commands=("cut",),
            choices=("copy", "exact"),
            group=Group.CLIPS,
        ),
        Setting(
            "clip_crf",
            parse=_crf,
            default=16,
            help="Quality of encoded pictures, as in x264: 0 is lossless, 16 looks like the source, 51 is the worst.",
            flag="--crf",
            commands=("cut",),
            metavar="N",
            group=Group.CLIPS,
        ),
    ]


def _directory(text: str) -> Path:
    if not text.strip() or "\0" in text:
        raise ValueError(f"{text!r} is not a directory's name.")
    return Path(text)


def _file(text: str) -> Path:
    if not text.strip() or "\0" in text:
        raise ValueError(f"{text!r} is not a file's name.")
    return Path(text)


def _template(text: str) -> str:
    from marlin_edit_ffmpeg.clips.naming import parse_template

    return parse_template(text)


def _crf(text: str) -> int:
    if not text.isascii() or not text.isdigit() or int(text) > 51:
        raise ValueError(f"{text!r} is not a quality. Give a whole number from 0 to 51.")
    return int(text)
