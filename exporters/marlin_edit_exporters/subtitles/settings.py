"""What a person can choose of a subtitle track: the settings of all formats that hold one."""

from __future__ import annotations

import re

from marlin_edit.settings import WRITING, Group, Setting, parse_switch

KINDS = ("descriptions", "metadata", "subtitles")
DETAILS = ("low", "normal", "full")
JUDGING = (*WRITING, "lint")
"""The commands that need the rules: those that write outputs, and the one that judges subtitle files."""


def parse_language(text: str) -> str:
    """Read a language tag, like `en` or `pt-BR`."""
    if not re.fullmatch(r"[A-Za-z]{2,8}(-[A-Za-z0-9]{1,8})*", text):
        raise ValueError(f"{text!r} is not a language tag. Write it like en or pt-BR.")
    return text


def settings() -> list[Setting]:
    """The settings of subtitle formats."""
    return [
        Setting(
            "subtitle_profile",
            parse=str,
            default="default",
            help="Rules of readable subtitles: default, netflix-en, bbc-online, bbc-portrait, dcmp, or a .toml file.",
            flag="--profile",
            commands=JUDGING,
            metavar="NAME",
            group=Group.SUBTITLES,
        ),
        Setting(
            "subtitle_kind",
            parse=str,
            default="descriptions",
            help="Purpose of a subtitle track: spoken (descriptions), read (subtitles), or for programs (metadata).",
            flag="--kind",
            commands=WRITING,
            choices=KINDS,
            group=Group.SUBTITLES,
        ),
        Setting(
            "subtitle_language",
            parse=parse_language,
            default="en",
            help="Language of the texts, like en or pt-BR; it decides where lines are broken.",
            flag="--language",
            commands=JUDGING,
            metavar="TAG",
            group=Group.SUBTITLES,
        ),
        Setting(
            "subtitle_detail",
            parse=str,
            default="normal",
            help="How many events a subtitle track shows if there are more than a person can read.",
            flag="--detail",
            commands=WRITING,
            choices=DETAILS,
            group=Group.SUBTITLES,
        ),
        Setting(
            "subtitle_style",
            parse=str,
            default="",
            help="Look of .ass subtitles, like fontname=Arial,fontsize=60,marginv=40.",
            flag="--style",
            commands=WRITING,
            metavar="KEY=VALUE,...",
            group=Group.SUBTITLES,
        ),
        Setting(
            "subtitle_provenance",
            parse=parse_switch,
            default=False,
            help="Name the model and the rules in subtitle files, in formats that have notes.",
            flag="--provenance",
            commands=WRITING,
            group=Group.SUBTITLES,
        ),
    ]
