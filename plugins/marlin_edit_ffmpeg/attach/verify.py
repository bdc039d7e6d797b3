"""Reads a written file back: every stream of the video packet by packet, and the cues of what was attached."""

from __future__ import annotations

from array import array
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from fractions import Fraction
from hashlib import blake2b
from pathlib import Path
from typing import Any, Protocol

from marlin_edit import interruption
from marlin_edit.media import MediaInfo, open_media, probe
from marlin_edit.timebase import milliseconds_of
from marlin_edit_ffmpeg.attach.copied_streams import BESIDE, NO_TIME, Copied, Written, is_cover
from marlin_edit_ffmpeg.attach.track_kind import DISPOSITIONS
from marlin_edit_ffmpeg.attach.written_tracks import Prepared
from marlin_edit_ffmpeg.clips.metadata import kept_tags
from marlin_edit_ffmpeg.containers import Container

_MOST_SHIFT = Fraction(1)
"""Seconds that Matroska may begin later, all streams alike: it has no negative times, where MP4's sound begins."""


@dataclass
class Checked:
    """What reading back found: what is wrong, which ends the run, and what a person should know."""

    wrong: str | None = None
    shift: Fraction = Fraction(0)
    notes: list[str] = field(default_factory=list)


def check_copy(
    media: MediaInfo, written: Written, tracks: Sequence[Prepared], kind: Container, target: Path
) -> Checked:
    """Compare a written file with its source and the tracks."""
    checked = Checked()
    with open_media(target) as opened:
        container: Any = opened
        streams = list(container.streams)
        covers = [copy for copy in written.copied if copy.cover]
        copies = [copy for copy in written.copied if not copy.cover]
        readers: dict[int, _Reader] = {}
        for copy in copies:
            readers[copy.place] = _CopyReader(copy)
        for place, track in zip(written.attached, tracks, strict=True):
            readers[place] = _TextReader(track, milliseconds_of(media.zero))
        if max(readers) >= len(streams):
            return Checked(f"it has {len(streams)} streams")
        found_covers = [stream for stream in streams if is_cover(stream)]
        for packet in container.demux([streams[index] for index in readers] + found_covers):
            interruption.check()
            if packet.size and packet.stream_index in readers:
                readers[packet.stream_index].take(packet)
        checked.shift = _shift(readers, streams, kind)
        for index, reader in readers.items():
            checked.wrong = checked.wrong or reader.wrong(streams[index].time_base, checked.shift)
        if len(found_covers) < len(covers):
            checked.wrong = checked.wrong or "a cover picture is missing"
        if checked.wrong is None:
            checked.notes += _lost_tags(media, container, copies, streams)
            checked.notes += _lost_marks(written, tracks, kind, streams)
    if checked.wrong is None and not media.incomplete and media.video_index is not None:
        found = probe(target)
        checked.wrong = _other_picture(media, found)
        if found.colour != media.colour:
            checked.notes.append(f"{kind.name} does not say all of the picture's colour that {media.path.name} says.")
    if checked.shift:
        checked.notes.append(
            f"All streams begin {float(checked.shift):.3f} s later, because {kind.name} has no negative times. "
            "They stay in sync."
        )
    return checked


class _Reader(Protocol):
    """What of a stream is compared with what was written."""

    def take(self, packet: Any) -> None:
        """Take the next packet of the stream."""
        ...

    def wrong(self, unit: Fraction, shift: Fraction) -> str | None:
        """What differs, with the stream's own unit of time."""
        ...


class _CopyReader:
    def __init__(self, copy: Copied) -> None:
        self.copy = copy
        self.found = replace(copy, times=array("q"), digest=blake2b())

    def take(self, packet: Any) -> None:
        self.found.note(packet)

    def wrong(self, unit: Fraction, shift: Fraction) -> str | None:
        copy, found = self.copy, self.found
        if len(found.times) != len(copy.times):
            return f"{copy.name} has {len(found.times) // 2} packets instead of {len(copy.times) // 2}"
        if found.digest.digest() != copy.digest.digest():
            return f"the packets of {copy.name} are not those of the video"
        source = copy.unit
        tolerance = 0 if source == unit or (source / unit).denominator == 1 else unit
        for place, (wanted, got) in enumerate(zip(copy.times, found.times, strict=True)):
            if NO_TIME not in (wanted, got) and abs(got * unit - wanted * source - shift) > tolerance:
                return f"packet {place // 2} of {copy.name} is {float(got * unit - wanted * source):.6f} s off"
        return None


class _TextReader:
    def __init__(self, track: Prepared, offset: int) -> None:
        self.track, self.offset = track, offset
        self.found: list[tuple[int, int, bytes, tuple[tuple[str, bytes], ...]]] = []

    def take(self, packet: Any) -> None:
        if packet.size > (2 if self.track.codec == "mov_text" else 0):
            beside = tuple((name, bytes(packet.get_sidedata(name))) for name in BESIDE if packet.has_sidedata(name))
            self.found.append((packet.pts, packet.duration or 0, bytes(packet), beside))

    def wrong(self, unit: Fraction, shift: Fraction) -> str | None:
        name, packets = self.track.file.path.name, self.track.packets
        if len(self.found) != len(packets):
            return f"{len(self.found)} of {len(packets)} texts of {name} are in it"
        # Texts that begin at the same time may come in another order.
        found = sorted(self.found)
        moved = milliseconds_of(shift) + self.offset
        for (pts, duration, data, beside), packet in zip(
            found, sorted(packets, key=lambda one: (one.start, one.end, one.data)), strict=True
        ):
            start, end = milliseconds_of(pts * unit), milliseconds_of((pts + duration) * unit)
            if (start - moved, end - moved) != (packet.start, packet.end) or (data, beside) != (
                packet.data,
                packet.additions,
            ):
                return f"the text of {name} at {packet.start / 1000:.3f} s is not as it should be"
        return None


def _shift(readers: dict[int, _Reader], streams: Sequence[Any], kind: Container) -> Fraction:
    """How much later all streams begin, by the first packet of the first one."""
    for index, reader in readers.items():
        if isinstance(reader, _CopyReader) and reader.copy.times and reader.found.times and not kind.edit_list:
            own, wanted = reader.found.times[0], reader.copy.times[0]
            if NO_TIME in (own, wanted):
                continue
            shift = own * streams[index].time_base - wanted * reader.copy.unit
            return Fraction(milliseconds_of(shift), 1000) if 0 < shift < _MOST_SHIFT else Fraction(0)
    return Fraction(0)


def _other_picture(media: MediaInfo, copy: MediaInfo) -> str | None:
    """What of the picture players would show otherwise."""
    for what, before, after in (
        ("number of frames", media.frame_count, copy.frame_count),
        ("rotation", media.rotation, copy.rotation),
        ("size", (media.width, media.height), (copy.width, copy.height)),
        ("time code", media.has_timecode and media.start_timecode, copy.has_timecode and copy.start_timecode),
    ):
        if before != after:
            return f"the {what} of its picture is {after} instead of {before}"
    # Matroska says the width in which a picture is shown, in whole pixels.
    if abs(copy.pixel_aspect / media.pixel_aspect - 1) * media.width > 1:
        return f"the shape of its pixels is {copy.pixel_aspect} instead of {media.pixel_aspect}"
    for name in ("primaries", "transfer", "matrix", "range"):
        before, after = getattr(media.colour, name), getattr(copy.colour, name)
        if after not in (before, None):
            return f"the {name} of its picture's colour is {after} instead of {before}"
    return None


def _lost_tags(media: MediaInfo, container: Any, copies: Sequence[Copied], streams: Sequence[Any]) -> list[str]:
    """Metadata and marks of the video that its copy does not have."""
    lost: list[str] = []
    with open_media(media.path) as opened:
        source: Any = opened
        lost += _missing(source.metadata, container.metadata)
        if len(source.chapters()) != len(container.chapters()):
            lost.append("chapters")
    for copy in copies:
        after = streams[copy.place]
        lost += [f"{name} of {copy.name}" for name in _missing(copy.tags, after.metadata)]
        if copy.disposition & ~int(after.disposition):
            lost.append(f"a mark (disposition) of {copy.name}")
    return [f"The container does not keep these tags: {', '.join(lost)}."] if lost else []


def _missing(before: Mapping[str, str], after: Mapping[str, str]) -> list[str]:
    names = {name.lower() for name in after}
    ignored = {"handler_name", "vendor_id", "language", "reel_name", "title", "stereo_mode"}
    return [name for name in kept_tags(dict(before)) if name.lower() not in names | ignored]


def _lost_marks(written: Written, tracks: Sequence[Prepared], kind: Container, streams: Sequence[Any]) -> list[str]:
    """Tracks whose kind the container has no mark for."""
    from av.stream import Disposition

    notes = []
    for place, track in zip(written.attached, tracks, strict=True):
        wanted = [int(Disposition[mark]) for mark in DISPOSITIONS[track.label.kind]]
        if wanted and not any(int(streams[place].disposition) & mark for mark in wanted):
            notes.append(
                f"{track.file.path.name}: {kind.name} has no mark for {track.label.kind.value}; the title says it."
            )
    return notes


@dataclass(frozen=True)
class Sound:
    """A stream of sound: a checksum of its packets, and when the first one is."""

    digest: bytes
    start: Fraction


def sounds_of(path: Path) -> list[Sound]:
    """The streams of sound of a file."""
    with open_media(path) as opened:
        container: Any = opened
        digests = {stream.index: blake2b() for stream in container.streams.audio}
        starts: dict[int, Fraction] = {}
        if digests:
            for packet in container.demux(container.streams.audio):
                interruption.check()
                if packet.size:
                    digests[packet.stream_index].update(memoryview(packet))
                    if packet.pts is not None:
                        starts.setdefault(packet.stream_index, packet.pts * packet.time_base)
        return [Sound(digest.digest(), starts.get(index, Fraction(0))) for index, digest in digests.items()]
