"""The delivery `reel`: all cuts as one file, joined of verified pieces where that can be, else encoded as a whole.

One muxer, one running clock of the picture, the sound placed on it by the sample.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from functools import partial
from pathlib import Path
from typing import Any

from marlin_edit import files
from marlin_edit.edit import Edit
from marlin_edit.errors import MarlinEditError
from marlin_edit.interfaces import Context, Receipt, ReportProgress
from marlin_edit.settings import Settings
from marlin_edit.text import counted
from marlin_edit_ffmpeg.clips.estimate import Trials, estimated
from marlin_edit_ffmpeg.clips.plan import Mode
from marlin_edit_ffmpeg.clips.report import Estimate, Report
from marlin_edit_ffmpeg.reels.plan import ReelPlan, chapter_title, container_of, plan_reel
from marlin_edit_ffmpeg.reels.sound import ReelSound
from marlin_edit_ffmpeg.reels.strategy import Joining, joining_of
from marlin_edit_ffmpeg.reels.writer import Made, encode_reel, join_reel, write_sound_reel
from marlin_edit_ffmpeg.source import NotAsPlanned, NothingThere


def check(settings: Settings) -> None:
    """Whether the reel's file can be written: its name has a suffix of a container, and nothing has it."""
    path = _path(settings)
    container_of(path)
    files.refuse_existing([path], bool(settings["overwrite"]))


def foresee(videos: Sequence[Path], queries: Sequence[str], settings: Settings) -> None:
    """The reel is none of the videos."""
    path = _path(settings)
    files.refuse_existing([path], bool(settings["overwrite"]), videos)


def deliver(edit: Edit, context: Context, dry_run: bool) -> Receipt:
    """Writes all cuts of the edit as one file, or nothing. MarlinEditError says why where it cannot be."""
    settings = context.settings
    path = _path(settings)
    plan = plan_reel(edit, path, Mode(settings["clip_mode"]), int(settings["clip_crf"]))
    files.refuse_existing([path], bool(settings["overwrite"]), {media.path for media in plan.medias})
    return _planned(plan) if dry_run else _written(plan, bool(settings["overwrite"]), context.progress)


def _path(settings: Settings) -> Path:
    if settings["reel"] is None:
        raise MarlinEditError("The delivery reel needs a file: add --reel FILE, e.g. --reel best.mp4.")
    return Path(settings["reel"])


def _planned(plan: ReelPlan) -> Receipt:
    found = joining_of(plan) if plan.has_picture else plan
    plan = found.plan if isinstance(found, Joining) else found
    reports = [Report(piece.plan, piece.frames) for piece in plan.pieces]
    trials = Trials()
    for at, report in enumerate(reports):
        report.encoded = found.ways[at].encoded if isinstance(found, Joining) else report.plan.frames.count
        report.estimate = estimated(report, trials)
    total = Estimate.sum([report.estimate for report in reports if report.estimate is not None])
    return Receipt(
        (plan.path,), tuple(_items(plan, reports, ())), (), (*_reasons(plan), f"{plan.path.name}: {total.words()}")
    )


def _written(plan: ReelPlan, overwrite: bool, progress: ReportProgress) -> Receipt:
    """Joined first, and where that cannot be or does not hold, encoded."""
    made: Made | None = None
    if not plan.has_picture:
        write: Callable[[Path], Made] = partial(write_sound_reel, plan, progress=progress)
    else:
        found = joining_of(plan)
        if isinstance(found, Joining):
            try:
                made = _published(partial(join_reel, found, progress=progress), plan.path, overwrite)
            except NotAsPlanned as error:
                found = plan.as_exact(f"a reel joined of clips failed its check: {error}")
        if not isinstance(found, Joining):
            plan = found
        write = partial(encode_reel, plan, progress=progress)
    if made is None:
        try:
            made = _published(write, plan.path, overwrite)
        except NotAsPlanned as error:
            raise MarlinEditError(f"{plan.path.name} was not written: {error}. Nothing is left of it.") from error
    items = tuple(_items(made.plan, made.reports, made.sounds))
    notes = (*_reasons(made.plan), *(f"{plan.path.name}: {note}" for note in (*made.notes, *_of_sounds(made.sounds))))
    missing = tuple(f"{plan.path.name}: {lost}" for lost in (*made.missing, *_lost(made.sounds)))
    return Receipt((plan.path,), items, missing, notes)


def _published(make: Callable[[Path], Made], path: Path, overwrite: bool) -> Made:
    """Lets the reel be made beside its name, and publishes it; NotAsPlanned where it does not come out right."""
    from av.error import FFmpegError

    try:
        with files.staged(path, overwrite) as temporary:
            return make(temporary)
    except NothingThere as error:
        raise NotAsPlanned("no frame of a cut can be read") from error
    except (FFmpegError, ValueError) as error:
        raise NotAsPlanned(str(error)) from error


def _reasons(plan: ReelPlan) -> Iterator[str]:
    """Which pieces are encoded as a whole though that was not asked, and why."""
    name = plan.path.name
    otherwise = [piece.plan for piece in plan.pieces if piece.plan.mode is not piece.plan.asked_mode]
    if len(otherwise) == len(plan.pieces):
        yield f"{name}: all of it was encoded: {otherwise[0].reason}"
        return
    for one in otherwise:
        reason = str(one.reason).removeprefix(f"cut {one.number}: ")
        yield f"{name}: cut {one.number} was encoded to match the others: {reason}"


def _of_sounds(sounds: Sequence[ReelSound]) -> Iterator[str]:
    for place, sound in enumerate(sounds):
        if sound.silent:
            numbers = ", ".join(str(number) for number in sound.silent)
            yield f"sound {place + 1} is silent in cut {numbers}, because the source has no sound there"


def _lost(sounds: Sequence[ReelSound]) -> Iterator[str]:
    """What of the sources' sound is not in the reel."""
    for place, sound in enumerate(sounds):
        if sound.errors:
            yield f"{counted(sound.errors, 'packet')} of sound {place + 1} cannot be decoded: it is damaged there."


def _items(plan: ReelPlan, reports: Sequence[Report], sounds: Sequence[ReelSound]) -> Iterator[Mapping[str, Any]]:
    said = [
        {"stream": place + 1, "how": f"encoded with {sound.encoder}", "reason": "one stream for all of the reel"}
        for place, sound in enumerate(sounds)
    ]
    what = "picture and sound" if plan.has_picture else "sound"
    for piece, report in zip(plan.pieces, reports, strict=True):
        media = piece.media
        named = [{"stream": one.index, "kind": one.kind, "codec": one.codec} for one in media.streams]
        picture = media.video_index if plan.has_picture else None
        kept = [one for one in named if one["stream"] == picture or one["kind"] == "audio"]
        left = [one for one in named if one not in kept and one["kind"] != "data"]
        title = chapter_title(piece.plan.cut, several=len(plan.medias) > 1)
        first = plan.start_frame + round(piece.start * plan.rate.value)
        yield {
            **report.item(),
            "start_timecode": plan.rate.timecode(first) if plan.has_picture else None,
            "sound": said,
            "streams_kept": kept,
            "streams_dropped": [one | {"reason": f"a reel has {what}"} for one in left],
            "bytes": None,
            "reel": {"start": float(piece.start), "end": float(piece.end), "chapter": title},
        }
