"""Copies a video with all its streams and mixes subtitle tracks in. No packet of the video is changed."""

from __future__ import annotations

import os
import shlex
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import replace
from fractions import Fraction
from pathlib import Path
from typing import Any

from marlin_edit import interruption
from marlin_edit.errors import MarlinEditError
from marlin_edit.files import NO_ROOM
from marlin_edit.media import MediaInfo, open_media
from marlin_edit.timebase import milliseconds_of
from marlin_edit_ffmpeg.attach.boxes import set_enabled
from marlin_edit_ffmpeg.attach.copied_streams import Copied, Written, add_copies, own_suffix
from marlin_edit_ffmpeg.attach.matroska import set_entries
from marlin_edit_ffmpeg.attach.written_tracks import Prepared, add_stream, packet_of
from marlin_edit_ffmpeg.clips.metadata import label_output, set_timecode
from marlin_edit_ffmpeg.containers import Container, Output


def refuse_source(media: MediaInfo) -> None:
    """Refuse a video whose packets would have to be changed: those of MPEG-TS, AVI and others are made otherwise.

    Raises:
        MarlinEditError: It is not MP4, QuickTime, Matroska or WebM.
    """
    if not {"mp4", "matroska"} & set(media.container.split(",")):
        name = media.path.name
        raise MarlinEditError(
            f"{name} is {media.container.split(',')[0]}, and tracks are attached to MP4, QuickTime, Matroska and WebM. "
            f"Rewrite it first: ffmpeg -i {shlex.quote(name)} -c copy {shlex.quote(media.path.stem + '.mkv')}"
        )


def planned_copy(media: MediaInfo, kind: Container) -> Written:
    """What would be copied and what left out; nothing is written.

    Raises:
        MarlinEditError: The container cannot hold a stream.
    """
    planned = Written()
    with open_media(media.path) as source, Output(os.devnull, kind) as output:
        for add in add_copies(source, output, planned, media):
            add()
    return planned


def write_copy(
    media: MediaInfo,
    tracks: Sequence[Prepared],
    kind: Container,
    target: Path,
    on_progress: Callable[[float], None],
) -> Written:
    """Write the video with the tracks to `target`.

    Raises:
        MarlinEditError: The container cannot hold a stream, or the video cannot be read to its end.
    """
    from av.error import FFmpegError

    written = Written()
    with open_media(media.path) as source:
        try:
            # Without this, FFmpeg leaves out what it calls unofficial: spherical pictures, Dolby Vision.
            all_of_it = replace(kind, options={**kind.options, "strict": "unofficial"})
            with Output("file:" + str(target.absolute()), all_of_it) as output:
                late = add_copies(source, output, written, media)
                for track in tracks:
                    written.attached.append(add_stream(output.container, track, kind).index)
                for add in late:
                    add()
                _label(source, output, media, written)
                _begin(output, media)
                with _faults_heard() as heard:
                    _pump(source, output, media, tracks, written, on_progress)
                # The writer's own name is the muxer's; what reads the video has another one.
                faults = [message for _, name, message in heard if name != kind.muxer]
                written.damage = written.damage or " ".join("".join(faults[:1]).split()).rstrip(".")
        except (FFmpegError, ValueError) as error:
            if isinstance(error, OSError) and error.errno in NO_ROOM:
                raise
            raise MarlinEditError(f"{kind.name} could not be written: {_described(error)}.") from error
    if kind.edit_list:
        flags = [copy.default for copy in written.copied if not copy.cover]
        set_enabled(target, [*flags, *(False for _ in tracks)])
    entries = {place: track.entry for place, track in zip(written.attached, tracks, strict=True) if track.entry}
    entries |= {copy.place: copy.entry for copy in written.copied if copy.entry}
    if entries:
        set_entries(target, entries)
    return written


def _label(source: Any, output: Output, media: MediaInfo, written: Written) -> None:
    """The file's own metadata, time code and chapters."""
    timecode = label_output(source, output, media, 0)
    video = next((copy.place for copy in written.copied if copy.index == media.video_index), None)
    if timecode is not None and video is not None:
        set_timecode(output, output.container.streams[video], media, timecode)
    chapters = source.chapters()
    if chapters:
        output.container.set_chapters(chapters)


def _begin(output: Output, media: MediaInfo) -> None:
    from av.error import FFmpegError

    try:
        output.begin()
    except (FFmpegError, ValueError) as error:
        if isinstance(error, OSError) and error.errno in NO_ROOM:
            raise
        raise MarlinEditError(
            f"{output.kind.name} cannot hold the streams of {media.path.name} ({_described(error)}). Choose "
            f"{own_suffix(media)}."
        ) from error


def _pump(
    source: Any,
    output: Output,
    media: MediaInfo,
    tracks: Sequence[Prepared],
    written: Written,
    on_progress: Callable[[float], None],
) -> None:
    """Hands the packets over in the order of the source, those of the tracks between them by their times."""
    offset = milliseconds_of(media.zero)
    texts = iter(
        sorted(
            (
                (packet.start + offset, number, packet)
                for number, track in enumerate(tracks)
                for packet in track.packets
            ),
            key=lambda one: one[:2],
        )
    )
    waiting = next(texts, None)
    copies = {copy.index: copy for copy in written.copied}
    streams = output.container.streams
    length = float(media.duration) or 1.0
    held = _Untimed() if output.kind.edit_list else None
    for packet in _packets(source, copies, media):
        copy = copies[packet.stream_index]
        copy.note(packet)
        if packet.is_discard and not output.kind.edit_list and copy.kind == "video":
            raise MarlinEditError(
                f"An edit list of {media.path.name} hides frames, which {output.kind.name} cannot. Choose .mp4 or .mov."
            )
        if packet.is_corrupt:
            written.damage = written.damage or "packets are marked as damaged"
        if packet.dts is not None:
            seconds = float(packet.dts * packet.time_base)
            while waiting is not None and waiting[0] <= seconds * 1000:
                output.container.mux_one(packet_of(waiting[2], streams[written.attached[waiting[1]]], offset))
                waiting = next(texts, None)
            on_progress(min(1.0, max(0.0, seconds / length)))
        for ready in [packet] if held is None else held.timed(packet):
            ready.stream = streams[copy.place]
            output.container.mux_one(ready)
    for ready in [] if held is None else held.rest():
        ready.stream = streams[copies[ready.stream_index].place]
        output.container.mux_one(ready)
    while waiting is not None:
        output.container.mux_one(packet_of(waiting[2], streams[written.attached[waiting[1]]], offset))
        waiting = next(texts, None)


def _described(error: Exception) -> str:
    """What FFmpeg says, without the name of a temporary file."""
    return str(getattr(error, "strerror", "") or error).rstrip(".")


@contextmanager
def _faults_heard() -> Iterator[list[tuple[int, str, str]]]:
    """What FFmpeg's libraries complain of. A reader of Matroska passes over damage, and says so nowhere else."""
    import av.logging

    before = av.logging.get_level()
    av.logging.set_level(av.logging.ERROR)
    try:
        with av.logging.Capture() as heard:
            yield heard
    finally:
        av.logging.set_level(before)


def _packets(source: Any, copies: Mapping[int, Copied], media: MediaInfo) -> Iterator[Any]:
    """The packets that are copied. A source that is cut short ends where it cannot be read any more."""
    from av.error import FFmpegError

    packets = source.demux([source.streams[index] for index in copies])
    last: Fraction | None = None
    while True:
        interruption.check()
        try:
            packet = next(packets, None)
        except FFmpegError as error:
            if media.incomplete:
                return
            where = "at its beginning" if last is None else f"at {float(last - media.zero):.3f} s"
            raise MarlinEditError(
                f"{media.path.name} cannot be read {where}: {error.strerror or error}. Copy or record it again."
            ) from error
        if packet is None:
            return
        if packet.size:
            last = packet.dts * packet.time_base if packet.dts is not None else last
            yield packet


class _Untimed:
    """Matroska stores no decode times, and the first packets of a picture that is reordered get none; MP4 needs them.

    They are counted back from the first one that is there.
    """

    def __init__(self) -> None:
        self._waiting: dict[int, list[Any]] = {}

    def timed(self, packet: Any) -> list[Any]:
        """The packets of a stream that can be written now."""
        waiting = self._waiting.setdefault(packet.stream_index, [])
        if packet.dts is None:
            waiting.append(packet)
            return []
        step = max(1, packet.duration or 1)
        for back, early in enumerate(reversed(waiting), 1):
            early.dts = packet.dts - back * step
        ready = [*waiting, packet]
        waiting.clear()
        return ready

    def rest(self) -> list[Any]:
        """The packets of streams in which none has a decode time, before those of their pictures."""
        for waiting in self._waiting.values():
            first = min((packet.pts for packet in waiting if packet.pts is not None), default=0)
            for back, packet in enumerate(reversed(waiting), 1):
                packet.dts = first - back * max(1, packet.duration or 1) + 1
        return [packet for waiting in self._waiting.values() for packet in waiting]
