"""The settings of marlin-edit itself: a plugin like any other, with a parser for each kind of value."""

from __future__ import annotations

from fractions import Fraction
from pathlib import Path

from marlin_edit.hookspecs import hookimpl
from marlin_edit.path_map import PathMap
from marlin_edit.settings import FINDING, TIMELINES, WATCHING, WRITING, Group, Setting, parse_switch
from marlin_edit.timebase import FrameNumber, SourceTimecode, parse_position


def parse_handles(text: str) -> FrameNumber | Fraction:
    """Read `12f`, frames, or `0.5s`, seconds."""
    length = parse_position(text)
    if isinstance(length, SourceTimecode):
        raise ValueError(f"{text!r} is not a length. Write frames (12f) or seconds (0.5s).")
    return length


def parse_length(text: str) -> Fraction:
    """Read a length in seconds, `60`, `60s` or `1:30`."""
    length = parse_position(text)
    if not isinstance(length, Fraction):
        raise ValueError(f"{text!r} is not a length in seconds. Write it like 60 or 1:30.")
    return length


def parse_count(text: str) -> int:
    """Read a whole number above zero."""
    if not text.isascii() or not text.isdigit() or int(text) == 0:
        raise ValueError(f"{text!r} is not a number of cuts. Write a whole number, like 5.")
    return int(text)


def parse_longest(text: str) -> FrameNumber | Fraction:
    """Read a length above zero: `250f`, frames, or `10s`, seconds."""
    length = parse_handles(text)
    if length in (Fraction(0), FrameNumber(0)):
        raise ValueError("a cut has at least one frame. Write a length above zero, like 10s or 250f.")
    return length


def parse_record_start(text: str) -> str:
    """Read time code, or `source`, which is each source's own start."""
    if text != "source" and not isinstance(parse_position(text), SourceTimecode):
        raise ValueError(f"{text!r} is not a time code. Write it like 01:00:00:00, or source.")
    return text


def parse_stream(text: str) -> int | None:
    """Read a stream's number in the file, or `auto`, which leaves the choice to marlin-edit."""
    if text == "auto":
        return None
    if not text.isascii() or not text.isdigit():
        raise ValueError(f"{text!r} is not a stream. Write its number in the file, like 0, or auto.")
    return int(text)


def parse_score(text: str) -> float:
    """Read a score, 0 to 1."""
    try:
        score = float(text)
    except ValueError:
        score = -1.0
    if not 0 <= score <= 1:
        raise ValueError(f"{text!r} is not a score. Write a number from 0 to 1, like 0.6.")
    return score


def parse_file(text: str) -> Path:
    """Read the name of a file; `~` is the home directory."""
    return Path(text).expanduser()


@hookimpl
def register_settings() -> tuple[Setting, ...]:
    """The settings of marlin-edit itself."""
    return (
        Setting(
            "model",
            parse=str,
            default="NemoStation/Marlin-2B",
            help="Video model: a name on the hub, a directory, or `demo`.",
            flag="--model",
            commands=WATCHING,
            metavar="NAME",
            group=Group.MODEL,
        ),
        Setting(
            "device",
            parse=str,
            default="auto",
            help="Device that runs the model.",
            flag="--device",
            commands=WATCHING,
            choices=("auto", "cuda", "mps", "cpu"),
            group=Group.MODEL,
        ),
        Setting(
            "dtype",
            parse=str,
            default="auto",
            help="Number format of the model's weights.",
            flag="--dtype",
            commands=WATCHING,
            choices=("auto", "bfloat16", "float16", "float32"),
            group=Group.MODEL,
        ),
        Setting(
            "decoder",
            parse=str,
            default="auto",
            help="Library that reads the frames for the model.",
            flag="--decoder",
            commands=WATCHING,
            choices=("auto", "torchcodec", "pyav"),
            group=Group.MODEL,
        ),
        Setting(
            "stream",
            parse=parse_stream,
            default=None,
            help="Number of the video stream in the file. Without it, the main one is used.",
            flag="--stream",
            commands=WATCHING,
            metavar="N",
            group=Group.WHERE,
        ),
        Setting(
            "store",
            parse=parse_switch,
            default=True,
            help="Keep the model's answers on this computer and reuse them.",
            flag="--store",
            commands=(*WATCHING, "transcribe"),
            group=Group.MODEL,
        ),
        Setting(
            "store_path",
            parse=parse_file,
            default=None,
            help="File that answers are kept in. Without it, a file in the user's data directory is used.",
            metavar="FILE",
            group=Group.MODEL,
        ),
        Setting(
            "window",
            parse=parse_length,
            default=Fraction(60),
            help="Length of the windows in which a long file is shown to the model, at most what it was trained for.",
            flag="--window",
            commands=WATCHING,
            metavar="SECONDS",
            group=Group.WHERE,
        ),
        Setting(
            "overlap",
            parse=parse_length,
            default=Fraction(10),
            help="How much of each window the next one shows again.",
            flag="--overlap",
            commands=WATCHING,
            metavar="SECONDS",
            group=Group.WHERE,
        ),
        Setting(
            "score",
            parse=parse_switch,
            default=True,
            help="Also search for repeat occurrences and score every finding (slower).",
            flag="--score",
            commands=FINDING,
            group=Group.MODEL,
        ),
        Setting(
            "min_score",
            parse=parse_score,
            default=None,
            help="Accept findings with at least this score, 0 to 1. Without it, the model's calibration decides.",
            flag="--min-score",
            commands=(*FINDING, "export"),
            metavar="SCORE",
            group=Group.WHAT,
        ),
        Setting(
            "unclear",
            parse=parse_switch,
            default=False,
            help="Without a calibration: also keep findings that are graded unclear.",
            flag="--unclear",
            commands=("find", "cut", "export"),
            group=Group.WHAT,
        ),
        Setting(
            "paraphrase",
            parse=parse_count,
            default=1,
            help="Ask each query in so many wordings, and join what they find (slower).",
            flag="--paraphrase",
            commands=FINDING,
            metavar="N",
            group=Group.WHAT,
        ),
        Setting(
            "require",
            parse=str,
            default="any",
            help="What has to be found for the exit code 0: any of the queries, or all of them.",
            flag="--require",
            commands=("find", "cut"),
            choices=("any", "all"),
            group=Group.WHAT,
        ),
        Setting(
            "all",
            parse=parse_switch,
            default=False,
            help="Keep all findings, whatever their score or grade.",
            flag="--all",
            commands=(*FINDING, "export"),
            group=Group.WHAT,
        ),
        Setting(
            "handles",
            parse=parse_handles,
            default=FrameNumber(0),
            help="Extra length on both sides of each cut, like 12f or 0.5s.",
            flag="--handles",
            commands=("cut", "export"),
            metavar="LENGTH",
            group=Group.WHAT,
        ),
        Setting(
            "merge_gap",
            parse=parse_handles,
            default=None,
            help="Merge cuts that are at most this far apart, like 12f or 0.5s. 0 merges cuts that overlap.",
            flag="--merge-gap",
            commands=("cut",),
            metavar="LENGTH",
            group=Group.WHAT,
        ),
        Setting(
            "top",
            parse=parse_count,
            default=None,
            help="Keep the N cuts with the best scores; without scores the least doubtful, then the first.",
            flag="--top",
            commands=("cut",),
            metavar="N",
            group=Group.WHAT,
        ),
        Setting(
            "speech",
            parse=parse_switch,
            default=False,
            help="Listen too: find where somebody speaks, keep descriptions out of it, and write down what is said.",
            flag="--speech",
            commands=("caption", "find", "cut"),
            group=Group.WHERE,
        ),
        Setting(
            "look_in",
            parse=str,
            default="auto",
            help="Look for a query in what is seen, in what is said, or in both. `auto` is both where it is known what "
            "is said (from --speech, or an earlier run), else seen.",
            flag="--in",
            commands=("find", "cut"),
            choices=("auto", "seen", "said", "both"),
            group=Group.WHERE,
        ),
        Setting(
            "audio_stream",
            parse=parse_stream,
            default=None,
            help="Number of the sound stream that is listened to. Without it, the main one is used.",
            flag="--audio-stream",
            commands=(*WATCHING, "transcribe"),
            metavar="N",
            group=Group.WHERE,
        ),
        Setting(
            "snap",
            parse=str,
            default="none",
            help="Move the ends of cuts to nearby shot changes, out of speech into the nearest pause, or outwards to "
            "keyframes (for --mode copy).",
            flag="--snap",
            commands=("cut",),
            choices=("none", "shots", "speech", "keyframes"),
            group=Group.WHAT,
        ),
        Setting(
            "snap_limit",
            parse=parse_length,
            default=Fraction(1, 2),
            help="How far an end may move to a shot change or a pause.",
            flag="--snap-limit",
            commands=("cut",),
            metavar="SECONDS",
            group=Group.WHAT,
        ),
        Setting(
            "max_duration",
            parse=parse_longest,
            default=None,
            help="Longest cut, like 10s or 250f. Only the beginning of a longer one is kept.",
            flag="--max-duration",
            commands=("cut",),
            metavar="LENGTH",
            group=Group.WHAT,
        ),
        Setting(
            "record_start",
            parse=parse_record_start,
            default="01:00:00:00",
            help="Time code at which timelines and cut lists begin. `source` takes it from each source.",
            flag="--record-start",
            commands=(*TIMELINES, "import-markers"),
            metavar="TC",
            group=Group.TIMELINE,
        ),
        Setting(
            "map",
            parse=PathMap.parse,
            default=PathMap(),
            help="Folder of the media that is called otherwise on another machine, in what is written and read.",
            flag="--map",
            commands=(*WRITING, "import-markers"),
            metavar="OLD=NEW",
            group=Group.TIMELINE,
            several=True,
        ),
        Setting(
            "cut_to",
            parse=str,
            default="clips",
            help="Delivery that `cut` uses if no output is named.",
            group=Group.OUTPUT,
        ),
        Setting(
            "overwrite",
            parse=parse_switch,
            default=False,
            help="Write over outputs that exist.",
            flag="--overwrite",
            commands=WRITING,
            group=Group.OUTPUT,
        ),
    )
