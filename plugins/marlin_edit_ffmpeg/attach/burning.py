"""Draws a subtitle track into the picture, with an ffmpeg program that has libass: PyAV's libraries have none."""

from __future__ import annotations

import shlex
import shutil
import subprocess
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

from marlin_edit import interruption
from marlin_edit.app import App
from marlin_edit.errors import MarlinEditError
from marlin_edit.media import MediaInfo, probe
from marlin_edit_ffmpeg.attach.cue_texts import SubtitleFile, rendered
from marlin_edit_ffmpeg.attach.verify import sound_digests
from marlin_edit_ffmpeg.containers import WEBM, Container

_PROGRAM = "ffmpeg"
_SCRIPT = "subtitles.ass"
_H264 = ("-c:v", "libx264", "-crf", "16", "-preset", "medium")
_VP9 = ("-c:v", "libvpx-vp9", "-crf", "16", "-b:v", "0", "-row-mt", "1", "-cpu-used", "2")


def find_program(video: Path, track: Path, output: Path) -> str:
    """The ffmpeg program of this computer.

    Raises:
        MarlinEditError: There is none with libass; it says what to do.
    """
    found = shutil.which(_PROGRAM)
    if found is not None:
        filters = subprocess.run(
            [found, "-hide_banner", "-filters"], capture_output=True, text=True, check=False
        ).stdout
        if any(line.split()[1:2] == ["ass"] for line in filters.splitlines()):
            return found
    script = track.with_suffix(".ass")
    line = shlex.join([_PROGRAM, "-i", str(video), "-vf", f"ass={script}", *_H264, "-c:a", "copy", str(output)])
    export = (
        ""
        if script == track
        else f" `marlin-edit export {shlex.quote(str(track))} -o {shlex.quote(str(script))}`, then"
    )
    raise MarlinEditError(
        f"--burn needs an ffmpeg with libass, and {'there is none' if found is None else f'{found} has none'} here. "
        f"Leave out --burn to attach the track, or, with such an ffmpeg:{export} `{line}`."
    )


def burn(
    app: App,
    media: MediaInfo,
    file: SubtitleFile,
    kind: Container,
    target: Path,
    on_progress: Callable[[float], None],
) -> list[str]:
    """Write the video with the cues drawn into its picture; returns what a person should know.

    Raises:
        MarlinEditError: ffmpeg failed, or what it wrote has other frames or other sound.
    """
    if media.video_index is None:
        raise MarlinEditError(f"{media.path.name} has no picture to draw into.")
    program = find_program(media.path, file.path, target)
    text, notes = _script(app, media, file)
    with app.context() as context:
        (context.temporary / _SCRIPT).write_text(text, encoding="utf-8")
        arguments = [
            *(program, "-nostdin", "-hide_banner", "-v", "error", "-progress", "pipe:1", "-y", "-copyts"),
            *("-i", f"file:{media.path.absolute()}", "-map", f"0:{media.video_index}", "-map", "0:a?", "-map", "0:s?"),
            *("-vf", f"ass={_SCRIPT}", "-fps_mode", "passthrough", "-enc_time_base", "-1", "-c", "copy"),
            *(_VP9 if kind is WEBM else _H264),
            *("-f", kind.muxer, f"file:{target.absolute()}"),
        ]
        _run(arguments, context.temporary, float(media.duration) or 1.0, on_progress)
    written = probe(target)
    if written.frame_count != media.frame_count and not media.incomplete:
        raise MarlinEditError(f"The burned copy has {written.frame_count} frames instead of {media.frame_count}.")
    if sound_digests(target) != sound_digests(media.path) and not media.incomplete:
        raise MarlinEditError("The sound of the burned copy is not that of the video.")
    return [f"{file.path.name}: {note}" for note in notes]


def _script(app: App, media: MediaInfo, file: SubtitleFile) -> tuple[str, tuple[str, ...]]:
    """The cues as .ass for this picture, on the clock of the container; an .ass file as it is."""
    if file.format == "ass" and file.text and not media.zero:
        return file.text, ()
    events = tuple(
        replace(event, span=replace(event.span, start=event.span.start + media.zero, end=event.span.end + media.zero))
        for event in file.analysis.events
    )
    return rendered(app, replace(file.analysis, media=media, events=events), "ass")


def _run(arguments: list[str], folder: Path, length: float, on_progress: Callable[[float], None]) -> None:
    """Run ffmpeg to its end; whatever ends this run ends it as well."""
    errors = folder / "errors.txt"
    with (
        errors.open("wb") as said,
        subprocess.Popen(arguments, cwd=folder, stdout=subprocess.PIPE, stderr=said, text=True) as process,
    ):
        try:
            assert process.stdout is not None
            for line in process.stdout:
                interruption.check()
                key, _, value = line.strip().partition("=")
                if key == "out_time_us" and value.lstrip("-").isdecimal():
                    on_progress(min(1.0, max(0.0, int(value) / 1_000_000 / length)))
            process.wait()
        except BaseException:
            process.kill()
            raise
    if process.returncode:
        reason = errors.read_text("utf-8", "replace").strip().splitlines()
        raise MarlinEditError(f"ffmpeg could not draw the track: {reason[-1] if reason else 'it gave no reason'}.")
