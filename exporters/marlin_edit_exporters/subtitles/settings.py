"""What a person can choose of a subtitle track: the settings of all formats that hold one."""

from __future__ import annotations

from marlin_edit.settings import WRITING, Group, Setting, parse_switch
from marlin_edit.text import is_language_tag

KINDS = ("auto", "descriptions", "captions", "sdh", "subtitles", "metadata")
DETAILS = ("low", "normal", "full")
JUDGING = (*WRITING, "lint")
"""The commands that need the rules: those that write outputs, and the one that judges subtitle files."""


def parse_language(text: str) -> str:
    """Read a language tag, like `en` or `pt-BR`."""
    if not is_language_tag(text):
        raise ValueError(f"{text!r} is not a language tag. Write it like en or pt-BR.")
    return text


def parse_pace(text: str) -> int:
    """Read words a minute."""
    if not text.isascii() or not text.isdigit() or not 60 <= int(text) <= 400:
        raise ValueError(f"{text!r} is not a pace. Write words a minute from 60 to 400, like 170.")
    return int(text)


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
            default="auto",
            help="Purpose of a subtitle track: what is seen, to be spoken (descriptions) or read (subtitles); what is "
            "said (captions), with what is seen in brackets (sdh); for programs (metadata). `auto` is captions from "
            "`transcribe`, else descriptions.",
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
            "subtitle_pace",
            parse=parse_pace,
            default=None,
            help="Words a minute at which descriptions are spoken. Without it, 170 where it is known when somebody "
            "speaks.",
            flag="--pace",
            commands=WRITING,
            metavar="WPM",
            group=Group.SUBTITLES,
        ),
        Setting(
            "subtitle_extended",
            parse=parse_switch,
            default=False,
            help="Keep descriptions that fit nowhere between what is said: the player has to stop for them.",
            flag="--extended",
            commands=WRITING,
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
