"""Draws a subtitle track into the picture, with an ffmpeg program that has libass: PyAV's libraries have none."""

from __future__ import annotations

import errno
import os
import shlex
import shutil
import subprocess
from collections.abc import Callable
from dataclasses import dataclass, replace
from fractions import Fraction
from pathlib import Path

from marlin_edit import interruption
from marlin_edit.app import App
from marlin_edit.errors import MarlinEditError
from marlin_edit.files import NO_ROOM
from marlin_edit.media import MediaInfo, probe
from marlin_edit_ffmpeg.attach.cue_texts import SubtitleFile, rendered
from marlin_edit_ffmpeg.attach.verify import sounds_of
from marlin_edit_ffmpeg.containers import WEBM, Container

_PROGRAM = "ffmpeg"
_SCRIPT = "subtitles.ass"
_ROUNDING = Fraction(2, 1000)
"""Seconds: what rounding to milliseconds can make of two times."""

_UNHEARD = Fraction(10, 1000)
"""Seconds that sound may move; some versions of ffmpeg move Opus in WebM by its first samples, which are not heard."""

_H264 = ("-c:v", "libx264", "-crf", "16", "-preset", "medium")
_VP9 = ("-c:v", "libvpx-vp9", "-crf", "16", "-b:v", "0", "-row-mt", "1", "-cpu-used", "2")


@dataclass(frozen=True)
class Burned:
    """What drawing left to be said: notes, and what ffmpeg finds wrong with the video."""

    notes: tuple[str, ...]
    damage: str


def find_program(video: Path, track: Path, output: Path, kind: Container) -> str:
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
    line = shlex.join(
        [_PROGRAM, "-i", str(video), "-vf", f"ass={script}", *_encoder(kind), "-c:a", "copy", str(output)]
    )
    export = (
        f" `{shlex.join(['marlin-edit', 'export', str(track), '-o', str(script)])}`, then" if script != track else ""
    )
    raise MarlinEditError(
        f"--burn needs an ffmpeg with libass, and {'there is none' if found is None else f'{found} has none'} here. "
        f"Leave out --burn to attach the track, or, with such an ffmpeg:{export if script != track else ''} `{line}`."
    )


def _encoder(kind: Container) -> tuple[str, ...]:
    return _VP9 if kind is WEBM else _H264


def burn(
    app: App,
    media: MediaInfo,
    file: SubtitleFile,
    kind: Container,
    target: Path,
    on_progress: Callable[[float], None],
) -> Burned:
    """Write the video with the cues drawn into its picture.

    Raises:
        MarlinEditError: ffmpeg failed, or what it wrote has other frames or other sound.
    """
    if media.video_index is None:
        raise MarlinEditError(f"{media.path.name} has no picture to draw into.")
    program = find_program(media.path, file.path, target, kind)
    text, notes = _script(app, media, file)
    with app.context() as context:
        (context.temporary / _SCRIPT).write_text(text, encoding="utf-8")
        arguments = [
            *(program, "-nostdin", "-hide_banner", "-v", "error", "-progress", "pipe:1", "-y", "-copyts"),
            *("-i", f"file:{media.path.absolute()}", "-map", f"0:{media.video_index}", "-map", "0:a?", "-map", "0:s?"),
            *("-vf", f"ass={_SCRIPT}", "-fps_mode", "passthrough", "-enc_time_base", "-1", "-c", "copy"),
            *_encoder(kind),
            *("-avoid_negative_ts", "disabled", "-f", kind.muxer, f"file:{target.absolute()}"),
        ]
        damage = _run(arguments, context.temporary, float(media.duration) or 1.0, on_progress)
    if not media.incomplete:
        wrong, moved = _difference(media, target)
        if wrong is not None:
            raise MarlinEditError(f"{media.path.name} with the track drawn into it failed its check: {wrong}.")
        if abs(moved) > _ROUNDING:
            notes = (*notes, f"sound and picture are {float(abs(moved)) * 1000:.0f} ms further apart than in the video")
    return Burned(tuple(f"{file.path.name}: {note}" for note in notes), damage)


def _difference(media: MediaInfo, target: Path) -> tuple[str | None, Fraction]:
    """What of frames, sound and their times is not that of the video; and how far sound and picture moved apart."""
    written = probe(target)
    if written.frame_count != media.frame_count:
        return f"it has {written.frame_count} frames instead of {media.frame_count}", Fraction(0)
    if abs(written.duration - media.duration) > _ROUNDING:
        length = f"{float(written.duration):.3f} s long instead of {float(media.duration):.3f} s"
        return f"its picture is {length}", Fraction(0)
    before, after = sounds_of(media.path), sounds_of(target)
    if [sound.digest for sound in before] != [sound.digest for sound in after]:
        return "its sound is another one", Fraction(0)
    moves = [(other.start - written.zero) - (one.start - media.zero) for one, other in zip(before, after, strict=True)]
    moved = max(moves, key=abs, default=Fraction(0))
    wrong = f"its sound is {float(moved) * 1000:.1f} ms off" if abs(moved) > _UNHEARD else None
    return wrong, moved


def _script(app: App, media: MediaInfo, file: SubtitleFile) -> tuple[str, tuple[str, ...]]:
    """The cues as .ass for this picture, on the clock of the container; an .ass file as it is."""
    if file.format == "ass" and file.text and not media.zero:
        return file.text, ()
    events = tuple(
        replace(event, span=replace(event.span, start=event.span.start + media.zero, end=event.span.end + media.zero))
        for event in file.analysis.events
    )
    return rendered(app, replace(file.analysis, media=media, events=events), "ass")


def _run(arguments: list[str], folder: Path, length: float, on_progress: Callable[[float], None]) -> str:
    """Run ffmpeg to its end; whatever ends this run ends it as well. Returns what it complained of first."""
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
    complaints = errors.read_text("utf-8", "replace").strip().splitlines()
    if process.returncode:
        if any(os.strerror(number) in line for number in NO_ROOM for line in complaints):
            raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
        raise MarlinEditError(
            f"ffmpeg could not draw the track: {complaints[-1] if complaints else 'it gave no reason'}."
        )
    return complaints[0].partition("] ")[2].rstrip(".") or complaints[0] if complaints else ""
