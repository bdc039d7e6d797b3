"""Find faults in subtitle files, anybody's: broken rules of reading, times and format; --fix writes repaired copies."""

from __future__ import annotations

from fractions import Fraction
from importlib import import_module
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from marlin_edit.commands import Run, as_command, encoding_option, grouped_option, json_option
from marlin_edit.errors import ExitCode, MarlinEditError, UsageError
from marlin_edit.settings import Group
from marlin_edit.text import clean, counted
from marlin_edit.timebase import FrameRate

if TYPE_CHECKING:
    from marlin_edit.media import MediaInfo
    from marlin_edit_exporters.subtitles.cues.cue_file import CueFile
    from marlin_edit_exporters.subtitles.cues.lint import Fault, Video
    from marlin_edit_exporters.subtitles.cues.profiles import Pace

_READERS = {
    "srt": "subrip",
    "vtt": "webvtt",
    "ttml": "ttml",
    "ass": "ass",
    "sbv": "sbv",
    "lrc": "lrc",
    "broadcast-subtitles": "broadcast",
    "old-subtitles": "legacy",
}


@as_command("lint", settings=["overwrite"])
@click.argument("files", metavar="FILE...", nargs=-1, required=True, type=click.Path(path_type=Path, readable=False))
@grouped_option(
    Group.WHAT,
    "--video",
    type=click.Path(path_type=Path),
    help="The video: its end, frame rate, shape and shot changes.",
)
@grouped_option(
    Group.WHAT,
    "--rate",
    metavar="FPS",
    callback=lambda _, __, given: None if given is None else FrameRate.parse(given),
    help="Frame rate of the video, if there is no --video.",
)
@grouped_option(
    Group.OUTPUT,
    "--fix",
    is_flag=True,
    help="Write a repaired copy beside each file, as NAME.fixed.srt. No word is lost.",
)
@encoding_option
@json_option
def command(
    run: Run, files: tuple[Path, ...], video: Path | None, rate: FrameRate | None, fix: bool, encoding: str | None
) -> ExitCode:
    """Find faults in subtitle files: times, reading speed, lines, format. Ends with 5 where there are any.

    With --fix it ends with 5 only where a repaired copy still has some.

    \b
    Examples:
      marlin-edit lint interview.srt --video interview.mov
      marlin-edit lint *.vtt --profile netflix-en --fix
    """
    from marlin_edit.media import probe
    from marlin_edit_exporters.subtitles.cues.profiles import Pace, profile_named

    media = probe(video) if video is not None else None
    profile = profile_named(run.settings.value("subtitle_profile", str))
    if media is not None:
        profile = profile.on_picture(media)
    if rate is None and media is not None:
        rate = media.rate
    pace = Pace.of(profile, rate)
    seen = _video(run, media)
    targets = {path: _target(path) for path in files}
    if fix:
        from marlin_edit.files import refuse_existing

        refuse_existing(targets.values(), run.settings.value("overwrite", bool), files)
    documents = []
    left = 0
    failed: list[MarlinEditError] = []
    for path in files:
        try:
            document = _judged(
                run, path, _parsed(run, path, media, rate, encoding), pace, seen, targets[path] if fix else None
            )
        except MarlinEditError as error:
            if len(files) == 1:
                raise
            failed.append(error)
            run.console.error(str(error))
            documents.append({"path": str(path), "error": str(error)})
            continue
        documents.append(document)
        left += len(document["faults"] if document["fixed"] is None else document["fixed"]["faults"])
    code = ExitCode.FAULTS_FOUND if left else ExitCode.DONE
    if failed:
        code = ExitCode.PARTIAL if len(failed) < len(files) else ExitCode.FAILED
    if run.json:
        run.console.answer({"profile": profile.name, "files": documents, "exit_code": int(code)})
    return code


def _judged(run: Run, path: Path, file: CueFile, pace: Pace, video: Video, target: Path | None) -> dict[str, Any]:
    """One file judged, told, and with a target repaired; gives its part of the JSON document."""
    from marlin_edit_exporters.subtitles.cues.lint import faults_of

    console = run.console
    faults = faults_of(file, pace, video)
    if not run.json:
        _report(run, path, file, faults)
    for note in file.notes:
        console.receipt(f"{path.name}: {note}")
    fixed = None
    if target is not None and faults:
        fixed = _write_repaired(run, path, file, pace, video, target)
    return {
        "path": str(path),
        "format": file.format,
        "cues": len(file.cues),
        "notes": list(file.notes),
        "faults": [_entry(fault) for fault in faults],
        "fixed": fixed,
    }


def _parsed(run: Run, path: Path, media: MediaInfo | None, rate: FrameRate | None, encoding: str | None) -> CueFile:
    from marlin_edit.files import read_bytes
    from marlin_edit.media import MediaInfo as Media

    exporter = run.app.exporter_for(path)
    if exporter.name not in _READERS:
        raise UsageError(f"{path.name}: {exporter.name} files are not subtitles. Give .srt, .vtt, .ttml, .ass or .sub.")
    content = read_bytes(path, encoding)
    reader = import_module(f"{__package__}.{_READERS[exporter.name]}")
    try:
        if exporter.name == "old-subtitles":
            known = media or Media(Path(path.stem), Fraction(0), rate)
            file: CueFile = reader.parse(content, known)
        else:
            file = reader.parse(content)
    except MarlinEditError as error:
        raise type(error)(f"{path.name}: {error}") from error
    try:
        read_bytes(path).decode("utf-8")
    except UnicodeDecodeError:
        file.faults.append((1, "the file is not UTF-8"))
    return file


def _report(run: Run, path: Path, file: CueFile, faults: list[Fault]) -> None:
    from marlin_edit_exporters.subtitles.cues.lint import time_text

    run.console.heading(str(path))
    if not faults:
        run.console.lines(f"{counted(len(file.cues), 'cue')}, no fault")
        return
    rows: list[tuple[str, ...]] = [
        (
            str(fault.line),
            "" if fault.cue is None else str(fault.cue),
            "" if fault.start is None else time_text(fault.start),
            fault.rule,
            fault.message,
        )
        for fault in faults
    ]
    run.console.table(("line", "cue", "time", "rule", "fault"), rows)
    run.console.receipt(f"{path.name}: {counted(len(faults), 'fault')} in {counted(len(file.cues), 'cue')}")


def _write_repaired(run: Run, path: Path, file: CueFile, pace: Pace, video: Video, target: Path) -> dict[str, Any]:
    from marlin_edit import files
    from marlin_edit_exporters.subtitles import ass, lrc, sbv, subrip, ttml, webvtt
    from marlin_edit_exporters.subtitles.cues.lint import faults_of
    from marlin_edit_exporters.subtitles.cues.profiles import words_of
    from marlin_edit_exporters.subtitles.cues.repair import repaired

    if not file.cues:
        raise MarlinEditError(f"{path.name} has no cue, so there is nothing to repair.")
    language = file.language or run.settings.value("subtitle_language", str)
    result = repaired(file, pace, words_of(language), video)
    changes = list(result.changes)
    reader: Any = {
        ".srt": subrip,
        ".vtt": webvtt,
        ".ttml": ttml,
        ".dfxp": ttml,
        ".ass": ass,
        ".sbv": sbv,
        ".lrc": lrc,
    }[target.suffix.lower()]
    notes: tuple[str, ...] = ()
    if reader is webvtt:
        kind = f"Kind: {file.kind}" if file.kind else ""
        header = "; ".join(filter(None, (kind, f"Language: {file.language}" if file.language else "")))
        content = webvtt.write(result.cues, header)
    elif reader is ttml:
        role = ttml.ROLES.get(file.kind, "") if file.kind and file.kind != "metadata" else ""
        content = ttml.write(result.cues, language, role=role)
    elif reader is ass:
        content, notes = ass.write(result.cues)
    elif reader in (sbv, lrc):
        content = reader.write(result.cues)
    else:
        content, notes = subrip.write(result.cues)
    changes += notes
    changes += [f"left out, because it belongs to no cue: {clean(text)}" for text in file.outside]
    if file.formatted:
        changes.append(f"{counted(file.formatted, 'cue')} lost formatting (fonts, sizes, exact places, effects)")
    if file.faults:
        changes.append("the file was rewritten in UTF-8, as its format requires")
    left = faults_of(reader.parse(content.encode()), pace, video)
    files.write_output(target, content, run.settings.value("overwrite", bool))
    for change in changes:
        run.console.receipt(f"{target.name}: {change}")
    for fault in left:
        run.console.warning(f"{target.name}: line {fault.line} still {fault.message}")
    run.console.receipt(f"wrote {target}")
    return {"path": str(target), "changes": changes, "faults": [_entry(fault) for fault in left]}


def _entry(fault: Fault) -> dict[str, Any]:
    seconds = None if fault.start is None else fault.start / 1000
    return {"rule": fault.rule, "line": fault.line, "cue": fault.cue, "start": seconds, "message": fault.message}


def _target(path: Path) -> Path:
    """The name of a repaired copy; formats that are not written become SubRip."""
    written = (".srt", ".vtt", ".ttml", ".dfxp", ".ass", ".sbv", ".lrc")
    suffix = path.suffix if path.suffix.lower() in written else ".srt"
    return path.with_name(f"{path.stem}.fixed{suffix}")


def _video(run: Run, media: MediaInfo | None) -> Video:
    """The end of the video and its shot changes, which a detector finds where one is installed."""
    from marlin_edit.interfaces import Finds
    from marlin_edit.timebase import Span
    from marlin_edit_exporters.subtitles.cues.lint import UNKNOWN
    from marlin_edit_exporters.subtitles.cues.lint import Video as Known

    if media is None:
        return UNKNOWN
    shots: set[int] = set()
    detector = next((one for one in run.app.detectors.values() if one.finds is Finds.SHOTS), None)
    if detector is not None and media.duration > 0:
        found = run.app.detect(detector, media, Span(Fraction(0), media.duration))
        shots = {round(shot.span.start * 1000) for shot in found if shot.span.start > 0}
    return Known(int(media.duration * 1000), tuple(sorted(shots)))
