"""From a request to a batch: which videos are meant and what is written of each. What cannot be is refused here."""

from __future__ import annotations

import hashlib
import re
from collections.abc import Sequence
from pathlib import Path

from marlin_edit.errors import MarlinEditError, UsageError
from marlin_edit.files import file_identity
from marlin_edit.interfaces import Carries
from marlin_edit.media import VIDEO_SUFFIXES
from marlin_edit.media.fingerprints import fingerprint
from marlin_edit.text import counted
from marlin_edit.workflow.batch import Batch, Job
from marlin_edit.workflow.left_out import title_of
from marlin_edit.workflow.outputs import planned_deliveries, planned_outputs
from marlin_edit.workflow.run import Request, Run


def plan_batch(
    run: Run,
    request: Request,
    makes: Carries,
    *,
    otherwise: Sequence[str] = (),
    queries: Sequence[str] = (),
    needs_cuts: bool = False,
) -> Batch:
    """The batch of a request. In an output's name {name} stands for the video's, {folder} for its directory; of several
    videos, an output without {name} is one edit of them all, in formats that store several sources.

    otherwise: the deliveries if neither an output nor a delivery is named. queries: what will be asked. Raises
    UsageError for what could not be written later, also if two videos would be written to one file.
    """
    videos = videos_in(request.videos, request.recursive)
    if request.shard is not None:
        videos = in_shard(videos, *request.shard)
        run.console.receipt(f"shard {request.shard[0]}/{request.shard[1]}: {counted(len(videos), 'video')}")
    several = len(videos) > 1 or request.shard is not None
    _refuse_unclear_outputs(request, videos)
    shared = [path for path in request.outputs if path is not None and several and "{name}" not in str(path)]
    _refuse_single_source_formats(run, request, shared, len(videos))
    together = planned_outputs(run.app, shared, request.format_name if shared else None, makes, videos)
    named = [[_named(path, video) for path in request.outputs if path not in shared] for video in videos]
    for path in shared:
        if file_identity(path) in {file_identity(one) for paths in named for one in paths if one is not None}:
            raise UsageError(f"{path} is given as an output twice: for all videos, and for the one of its name.")
    _refuse_shared(videos, named)
    deliveries = planned_deliveries(run.app, request.delivery_names, makes)
    if not deliveries and not request.outputs and otherwise:
        deliveries = planned_deliveries(run.app, otherwise, makes)
    if run.settings.value("overwrite", bool) and not all(delivery.together for delivery in deliveries):
        _refuse_namesakes(videos)
    for delivery in deliveries:
        with run.app.calling(delivery):
            delivery.foresee(videos, queries, run.settings)
    format_name = None if shared else request.format_name
    at_the_end = [delivery for delivery in deliveries if several and delivery.together]
    for_each = [delivery for delivery in deliveries if delivery not in at_the_end]
    jobs = [
        Job(video, planned_outputs(run.app, paths, format_name, makes, [video], stdout_taken=run.json), for_each)
        for video, paths in zip(videos, named, strict=True)
    ]
    return Batch(run, request, jobs, together, at_the_end, needs_cuts)


def videos_in(paths: Sequence[Path], recursive: bool) -> tuple[Path, ...]:
    """The videos that are meant, each once: files as they are named, of a directory those in it, by name.

    recursive: also of the directories in it. What begins with a dot is left out. MarlinEditError for a directory that
    has none, and for what is not there.
    """
    videos: dict[object, Path] = {}
    _refuse_missing(paths)
    for path in paths:
        for video in _directory(path, recursive) if path.is_dir() else [path]:
            videos.setdefault(file_identity(video), video)
    return tuple(videos.values())


def in_shard(videos: Sequence[Path], part: int, count: int) -> tuple[Path, ...]:
    """The videos of a part, 1 to `count`: by their content, so that a file is in the same one on every computer."""
    chosen = []
    for video in videos:
        try:
            content = fingerprint(video)
        except OSError:
            content = video.name  # one computer has to say that it cannot be read
        number = int.from_bytes(hashlib.sha256(content.encode("utf-8", "surrogateescape")).digest()[:8], "big")
        if number % count == part - 1:
            chosen.append(video)
    return tuple(chosen)


def _refuse_missing(paths: Sequence[Path]) -> None:
    """Before the model is loaded and hours are spent on the others."""
    for path in paths:
        address = _ADDRESS.match(str(path))
        if address is not None:
            raise UsageError(
                f"{address[1]}://{address[2]} is an address. Download it first, e.g. with yt-dlp, and name the file."
            )
    missing = [path for path in paths if not path.exists() and not path.is_symlink()]
    if not missing:
        return
    named = ", ".join(map(str, missing[:3])) + (f" and {len(missing) - 3} more" if len(missing) > 3 else "")
    text = f"{named} {'does' if len(missing) == 1 else 'do'} not exist. Check the path"
    if len(missing) == 1 and not missing[0].suffix and " " in str(missing[0]):
        text += f", or write -q before it if it is what to look for: -q {str(missing[0])!r}"
    raise MarlinEditError(f"{text}.")


_ADDRESS = re.compile(r"([a-z][a-z0-9+.-]+):/+(.*)", re.IGNORECASE)


def _refuse_unclear_outputs(request: Request, videos: Sequence[Path]) -> None:
    if len(videos) > 1 and None in request.outputs:
        raise UsageError(f"`-o -` is for one video, and there are {len(videos)}. Use --json, or -o '{{name}}.json'.")
    if request.format_name is not None and len(request.outputs) > 1 and len(videos) > 1:
        raise UsageError("--format names the format of one output. Give one -o with it.")


def _refuse_single_source_formats(run: Run, request: Request, shared: Sequence[Path], count: int) -> None:
    for path in shared:
        exporter = run.app.exporter_for(path, request.format_name)
        if not exporter.carries & Carries.SEVERAL_SOURCES:
            raise UsageError(
                f"-o {path} names one file for {count} videos, and {title_of(exporter)} stores one video per file. "
                f"Let {{name}} stand for each one's own, e.g. -o '{{name}}{path.suffix}', or "
                f"-o '{{folder}}/{{name}}{path.suffix}' beside the videos."
            )


def _directory(path: Path, recursive: bool) -> list[Path]:
    try:
        inside = sorted(path.rglob("*") if recursive else path.iterdir())
    except OSError as error:
        raise MarlinEditError(f"{path} cannot be read: {error.strerror}.") from error
    videos = [
        one
        for one in inside
        if one.suffix.lower() in VIDEO_SUFFIXES
        and not any(part.startswith(".") for part in one.relative_to(path).parts)
        and one.is_file()
    ]
    if not videos:
        more = "" if recursive else " With --recursive, the directories in it are searched as well."
        raise MarlinEditError(f"There is no video in the directory {path}.{more}")
    return videos


def _named(path: Path | None, video: Path) -> Path | None:
    if path is None:
        return None
    meant = {"{folder}": str(video.parent), "{name}": video.stem}
    return Path(re.sub(r"\{(?:folder|name)\}", lambda found: meant[found[0]], str(path)))


def _refuse_shared(videos: Sequence[Path], paths: Sequence[Sequence[Path | None]]) -> None:
    sources = {file_identity(video) for video in videos}
    taken: dict[object, Path] = {}
    for video, named in zip(videos, paths, strict=True):
        for path in named:
            if path is None:
                continue
            if len(videos) > 1 and file_identity(path) in sources:
                raise UsageError(f"{path} is one of the videos; it is never written over. Choose another name.")
            other = taken.setdefault(file_identity(path), video)
            if other is not video:
                raise UsageError(
                    f"{other} and {video} would both be written to {path}. Write beside the videos, with "
                    f"-o '{{folder}}/{{name}}{path.suffix}', or do them one at a time."
                )


def _refuse_namesakes(videos: Sequence[Path]) -> None:
    taken: dict[str, Path] = {}
    for video in videos:
        other = taken.setdefault(video.stem.casefold(), video)
        if other is not video:
            raise UsageError(
                f"{other} and {video} have one name, and with --overwrite one's clips would replace the other's. "
                "Do them one at a time, each with its own --out-dir."
            )
