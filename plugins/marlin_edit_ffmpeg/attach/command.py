"""`marlin-edit attach`: subtitle tracks into a copy of a video, or one drawn into its picture."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from marlin_edit.commands import (
    Run,
    as_command,
    dry_run_option,
    encoding_option,
    grouped_option,
    json_option,
    video_argument,
)
from marlin_edit.errors import ExitCode, MarlinEditError, UsageError
from marlin_edit.settings import Group
from marlin_edit.text import counted, is_language_tag
from marlin_edit_ffmpeg.attach.track_kind import Chosen, Kind

if TYPE_CHECKING:
    from marlin_edit.media import MediaInfo
    from marlin_edit_ffmpeg.attach.cue_texts import SubtitleFile
    from marlin_edit_ffmpeg.attach.written_tracks import Prepared
    from marlin_edit_ffmpeg.containers import Container


@as_command("attach", settings=["overwrite"])
@video_argument
@click.argument("tracks", metavar="TRACK...", nargs=-1, required=True, type=click.Path(path_type=Path, readable=False))
@grouped_option(
    Group.OUTPUT,
    "-o",
    "--output",
    metavar="FILE",
    required=True,
    type=click.Path(path_type=Path),
    help="File to write: .mp4, .mov, .mkv or .webm.",
)
@grouped_option(
    Group.SUBTITLES,
    "--track-kind",
    "kinds",
    type=click.Choice([kind.value for kind in Kind]),
    multiple=True,
    help="What the tracks are, if their headers and names do not say. Once for all, or once for each in order.",
)
@grouped_option(
    Group.SUBTITLES,
    "--track-language",
    "languages",
    metavar="TAG",
    multiple=True,
    help="Language of the tracks, like en or pt-BR. Once for all, or once for each in order.",
)
@grouped_option(
    Group.SUBTITLES,
    "--title",
    "titles",
    metavar="TEXT",
    multiple=True,
    help="What players call the tracks. Once for all, or once for each in order.",
)
@grouped_option(
    Group.SUBTITLES,
    "--burn",
    is_flag=True,
    help="Draw TRACK into the picture. This encodes the picture again, and needs an ffmpeg with libass.",
)
@encoding_option
@dry_run_option
@json_option
def command(
    run: Run,
    video: Path,
    tracks: tuple[Path, ...],
    output: Path,
    kinds: tuple[str, ...],
    languages: tuple[str, ...],
    titles: tuple[str, ...],
    burn: bool,
    encoding: str | None,
    dry_run: bool,
) -> ExitCode:
    """Copy VIDEO with subtitle files as tracks of it. Picture and sound are copied, not encoded.

    What a track is (descriptions, captions, ...) and its language stand in the header of a .vtt file, or in a name like
    film.descriptions.en.vtt. No attached track is on by default.

    \b
    Examples:
      marlin-edit attach film.mp4 film.descriptions.en.vtt -o film.described.mp4
      marlin-edit attach film.mkv film.en.srt film.sdh.en.srt -o film.subtitled.mkv
      marlin-edit attach film.mp4 film.ass --burn -o film.burned.mp4
    """
    from marlin_edit.files import refuse_existing
    from marlin_edit.media import probe
    from marlin_edit_ffmpeg.attach.cue_texts import read_subtitles

    kind = _container(output)
    chosen = _chosen(kinds, languages, titles, len(tracks))
    if burn and len(tracks) > 1:
        raise UsageError(f"--burn draws one TRACK, and these are {len(tracks)}.")
    if burn and (kinds or languages or titles):
        raise UsageError(
            "--burn makes no track, so --track-kind, --track-language and --title say nothing. Leave them out."
        )
    overwrite = run.settings.value("overwrite", bool)
    refuse_existing([output], overwrite, [video, *tracks])
    if burn:
        from marlin_edit_ffmpeg.attach.burning import find_program

        find_program(video, tracks[0], output, kind)
    media = probe(video)
    for note in media.notes:  # of interest where frames are counted
        run.console.detail(f"{video.name}: {note}")
    files = [read_subtitles(run.app, path, media.rate, encoding) for path in tracks]
    for file in files:
        for line in file.analysis.discarded:
            run.console.warning(f"{file.path.name}: not used: {line}")
    late = [line for file in files for line in _beyond_the_end(file, media)]
    if burn:
        document, notes = _burned(run, media, files[0], output, kind, dry_run)
    else:
        document, notes = _attached(run, media, files, chosen, output, kind, dry_run)
    notes = [*late, *notes]
    missing = []
    if media.incomplete:
        missing.append(f"{video.name} is cut short; the part that is there was used")
    elif document.get("damage"):
        missing.append(f"{video.name} is damaged: {document['damage']}. What can be read of it was copied as it is")
    code = ExitCode.PARTIAL if missing else ExitCode.DONE
    for note in notes:
        run.console.receipt(f"note: {note}")
    for line in missing:
        run.console.warning(f"{line}.")
    if run.json:
        discarded = [line for file in files for line in file.analysis.discarded]
        run.console.answer(
            {
                "video": video,
                "output": output,
                "dry_run": dry_run,
                "burned": burn,
                **document,
                "notes": notes,
                "not_used": discarded,
                "missing": missing,
                "exit_code": int(code),
            }
        )
    return code


def _container(output: Path) -> Container:
    """The container of the output, by its suffix."""
    from marlin_edit_ffmpeg.containers import MKV, MOV, MP4, WEBM

    found = {".mp4": MP4, ".m4v": MP4, ".mov": MOV, ".qt": MOV, ".mkv": MKV, ".webm": WEBM}.get(output.suffix.lower())
    if found is None:
        raise UsageError(
            f"{output.name}: tracks are attached in .mp4, .mov, .mkv and .webm. Choose one of these suffixes."
        )
    return found


def _chosen(kinds: Sequence[str], languages: Sequence[str], titles: Sequence[str], count: int) -> list[Chosen]:
    """What the command line says of each track."""

    def spread(option: str, given: Sequence[str]) -> list[str | None]:
        if len(given) not in (0, 1, count):
            raise UsageError(
                f"{option} is given {len(given)} times for {counted(count, 'track')}. Give it once, or once for each."
            )
        return [*given] if len(given) == count else [given[0] if given else None] * count

    for language in languages:
        if not is_language_tag(language):
            raise UsageError(f"--track-language {language} is not a language tag. Write it like en or pt-BR.")
    return [
        Chosen(Kind(kind) if kind else None, language, title)
        for kind, language, title in zip(
            spread("--track-kind", kinds), spread("--track-language", languages), spread("--title", titles), strict=True
        )
    ]


def _beyond_the_end(file: SubtitleFile, media: MediaInfo) -> list[str]:
    """A sentence on cues that no one will see."""
    late = sum(event.span.start >= media.duration for event in file.analysis.events)
    if not late or not media.duration:
        return []
    begin = "begins" if late == 1 else "begin"
    end = f"{media.path.name} ({float(media.duration):.3f} s)"
    return [f"{file.path.name}: {counted(late, 'cue')} {begin} after the end of {end}."]


def _attached(
    run: Run,
    media: MediaInfo,
    files: Sequence[SubtitleFile],
    chosen: Sequence[Chosen],
    output: Path,
    kind: Container,
    dry_run: bool,
) -> tuple[dict[str, Any], list[str]]:
    """Attaches the tracks; gives what is to be said of it in JSON, and notes."""
    from marlin_edit.files import staged
    from marlin_edit_ffmpeg.attach.copying import planned_copy, refuse_source, write_copy
    from marlin_edit_ffmpeg.attach.track_kind import label_of
    from marlin_edit_ffmpeg.attach.verify import check_copy
    from marlin_edit_ffmpeg.attach.written_tracks import prepared

    refuse_source(media)
    labels = [label_of(file.path, file.text, one) for file, one in zip(files, chosen, strict=True)]
    tracks = [prepared(run.app, file, label, kind) for file, label in zip(files, labels, strict=True)]
    notes = [note for track in tracks for note in track.notes]
    if dry_run:
        written = planned_copy(media, kind)
        notes = [*notes, *written.notes]
    else:
        with staged(output, run.settings.value("overwrite", bool)) as temporary:
            with run.console.reporting(output.name) as progress:
                written = write_copy(media, tracks, kind, temporary, lambda part: progress(part, 1, output.name))
            checked = check_copy(media, written, tracks, kind, temporary)
            if checked.wrong is not None:
                raise MarlinEditError(f"{output.name} was not written: its copy failed the check, {checked.wrong}.")
        notes = [*notes, *written.notes, *checked.notes]
    for track in tracks:
        run.console.receipt(f"{'would attach' if dry_run else 'attached'} {_described(track)}")
    if not dry_run:
        streams = counted(len(written.copied), "stream")
        run.console.receipt(f"wrote {output}: {streams} copied and compared with {media.path.name}, packet by packet")
        run.console.receipt("No player and no editing program was tried.")
    places: list[int | None] = [*written.attached] if written.attached else [None] * len(tracks)
    items = [
        {
            "file": track.file.path,
            "kind": track.label.kind.value,
            "language": track.label.language,
            "title": track.label.title,
            "codec": track.codec,
            "cues": track.cues,
            "packets": len(track.packets),
            "stream": place,
        }
        for track, place in zip(tracks, places, strict=True)
    ]
    copied = [{"stream": copy.index, "kind": copy.kind} for copy in written.copied]
    return {"tracks": items, "copied": copied, "left_out": written.left_out, "damage": written.damage}, notes


def _described(track: Prepared) -> str:
    label = track.label
    language = f", language {label.language}" if label.language != "und" else ""
    cues = f"{counted(track.cues, 'cue')} ({track.codec})"
    return f'{track.file.path.name} as {label.kind.value}{language}, "{label.title}": {cues}'


def _burned(
    run: Run, media: MediaInfo, file: SubtitleFile, output: Path, kind: Container, dry_run: bool
) -> tuple[dict[str, Any], list[str]]:
    """Draws the track into the picture; gives what is to be said of it in JSON, and notes."""
    from marlin_edit.files import staged
    from marlin_edit_ffmpeg.attach.burning import burn

    notes: list[str] = []
    damage = ""
    if not dry_run:
        overwrite = run.settings.value("overwrite", bool)
        with staged(output, overwrite) as temporary, run.console.reporting(output.name) as progress:
            burned = burn(run.app, media, file, kind, temporary, lambda part: progress(part, 1, output.name))
        notes, damage = [*burned.notes], burned.damage
        run.console.receipt(
            f"wrote {output}: {counted(len(file.spans), 'cue')} of {file.path.name} drawn into the picture"
        )
        run.console.receipt(
            "The picture was encoded again; the sound was copied. No player and no editing program was tried."
        )
    else:
        run.console.receipt(
            f"would draw {counted(len(file.spans), 'cue')} of {file.path.name} into the picture of {output}"
        )
    return {"tracks": [{"file": file.path, "cues": len(file.spans)}], "damage": damage}, notes
