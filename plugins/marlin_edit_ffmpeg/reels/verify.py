"""Reading a written reel back before it gets its name: every frame's time, the pictures at each join, the sound's
length and beginning, and of a joined reel that its packets are those of its verified pieces.
"""

from __future__ import annotations

from array import array
from bisect import bisect_left
from collections.abc import Mapping, Sequence
from fractions import Fraction
from hashlib import blake2b
from pathlib import Path
from typing import Any

from marlin_edit.media import open_media
from marlin_edit_ffmpeg.clips.verify import Picture, picture_of
from marlin_edit_ffmpeg.containers import TS, Container
from marlin_edit_ffmpeg.reels.loudness import Likeness
from marlin_edit_ffmpeg.reels.pieces import frames_from_keyframe

_NEAR = 12.0
_SOUND_LATE = Fraction(5, 1000)
_BACK = (0, 1, 4, 15)
"""Seconds before a frame from which it is tried to be decoded, before all of the file is: a seek may land late."""


def check_reel(
    path: Path,
    kind: Container,
    times: Sequence[int],
    tick: Fraction,
    length: Fraction,
    expected: Mapping[int, Picture],
    digest: bytes | None,
) -> str | None:
    """What is wrong with a reel, or None. times: of its frames in ticks. expected: pictures by their place in it."""
    from av.error import FFmpegError

    try:
        with open_media(path) as container:
            wrong, zero = _check_times(container, times, tick, digest if kind is not TS else None)
        if wrong is None:
            wrong = _check_pictures(path, times, tick, zero, expected)
        if wrong is None:
            wrong = _check_sound(path, zero, length)
    except FFmpegError as error:
        return f"the written reel cannot be read ({error.strerror})"
    return wrong


def _check_times(
    container: Any, times: Sequence[int], tick: Fraction, digest: bytes | None
) -> tuple[str | None, Fraction]:
    if not container.streams.video:
        return "the written reel has no picture", Fraction(0)
    video = container.streams.video[0]
    found = array("q")
    written = blake2b()
    for packet in container.demux(video):
        if packet.size == 0:
            continue
        if packet.is_corrupt or packet.pts is None:
            return "a packet of the written reel is damaged", Fraction(0)
        found.append(packet.pts)
        written.update(packet)
    if len(found) != len(times):
        return f"the written reel has {len(found)} pictures in place of {len(times)}", Fraction(0)
    found = array("q", sorted(found))
    allowed = max(Fraction(1, 1000), tick / 4)
    for place, (pts, time) in enumerate(zip(found, times, strict=True)):
        if abs((pts - found[0]) * video.time_base - (time - times[0]) * tick) > allowed:
            return f"frame {place} of the written reel lies at another time than planned", Fraction(0)
    if digest is not None and written.digest() != digest:
        return "packets of the written reel are not those of its pieces", Fraction(0)
    return None, Fraction(found[0] * video.time_base)


def _check_pictures(
    path: Path, times: Sequence[int], tick: Fraction, zero: Fraction, expected: Mapping[int, Picture]
) -> str | None:
    """Decodes across every join: what comes must come once, in its place, and look as it should."""
    for group in _groups(sorted(expected)):
        wanted = set(group)
        since = (times[group[0]] - times[0]) * tick
        for back in (*(back for back in _BACK if back <= since and group[0]), None):
            with open_media(path) as container:
                video: Any = container.streams.video[0]
                if back is not None:
                    container.seek(int((zero + since - back) // video.time_base), stream=video)
                wrong = _compare(container, video, zero, times, tick, wanted, expected)
            if wrong is not None:
                return wrong
            if not wanted:
                break
        if wanted:
            return f"frame {min(wanted)} of the written reel does not decode"
    return None


def _compare(
    container: Any,
    video: Any,
    zero: Fraction,
    times: Sequence[int],
    tick: Fraction,
    wanted: set[int],
    expected: Mapping[int, Picture],
) -> str | None:
    """Takes frames out of `wanted` as they come; what is wrong with one is returned."""
    last = max(wanted)
    before = None
    for frame in frames_from_keyframe(container, video):
        place = _nearest(times, (frame.pts * video.time_base - zero) / tick + times[0])
        if before is not None and place != before + 1 and before + 1 in expected:
            return f"after frame {before} of the written reel comes frame {place}"
        before = place
        if place in wanted:
            right = expected[place]
            picture = picture_of(frame, whole=right.whole is not None)
            if right.whole is not None and picture.whole != right.whole:
                return f"frame {place} of the written reel does not have its piece's pixels"
            if picture.difference(right) > _NEAR:
                return f"frame {place} of the written reel does not look like the source's"
            wanted.discard(place)
        if place >= last:
            return None
    return None


def _nearest(times: Sequence[int], tick: Fraction) -> int:
    """The place of the frame that is shown nearest to a time."""
    place = bisect_left(times, tick)
    near = range(max(0, place - 1), min(place + 1, len(times)))
    return min(near, key=lambda one: abs(times[one] - tick))


def _groups(places: Sequence[int]) -> list[list[int]]:
    """Places that one part of decoding can look at: the end of a piece with the beginning of the next."""
    groups: list[list[int]] = []
    for place in places:
        if groups and place - groups[-1][-1] <= 2:
            groups[-1].append(place)
        else:
            groups.append([place])
    return groups


def _check_sound(path: Path, zero: Fraction, length: Fraction) -> str | None:
    """Each sound begins with the first frame, has no hole in its packets, and ends with the last frame."""
    with open_media(path) as opened:
        container: Any = opened
        sounds = list(container.streams.audio)
        first: dict[int, Fraction] = {}
        end: dict[int, Fraction] = {}
        lasting: set[int] = set()
        for packet in container.demux(*sounds) if sounds else []:
            if packet.size == 0 or packet.pts is None:
                continue
            index, step = packet.stream.index, packet.stream.time_base
            time = packet.pts * step - zero
            if index in lasting and abs(time - end[index]) > max(Fraction(2, 1000), 2 * step):
                return f"the sound of the written reel has a hole at {float(time):.3f} s"
            end[index] = time + (packet.duration or 0) * step
            (lasting.add if packet.duration else lasting.discard)(index)
            if index not in first:
                frames = [frame for frame in packet.decode() if frame.pts is not None]
                if frames:
                    first[index] = frames[0].pts * step - zero
        for stream in sounds:
            if stream.index not in first:
                return "the sound of the written reel cannot be decoded"
            if abs(first[stream.index]) > _SOUND_LATE and not _is_priming(first[stream.index]):
                return f"the sound of the written reel begins {float(first[stream.index]) * 1000:.1f} ms off"
            if end[stream.index] < length - Fraction(1, 10):
                return f"the sound of the written reel ends at {float(end[stream.index]):.3f} s"
    return None


def check_sound_reel(path: Path, wanted: Sequence[tuple[Likeness, Likeness]], length: Fraction) -> str | None:
    """What is wrong with a reel of sound alone, or None. wanted: what each stream was made of, and an empty likeness to
    be filled with what is read back."""
    from av.error import FFmpegError

    try:
        wrong = _check_sound(path, _zero_of_sound(path), length)
        for place, (made_of, written) in enumerate(wanted):
            wrong = wrong or _check_likeness(path, place, made_of, written)
    except FFmpegError as error:
        return f"the written reel cannot be read ({error.strerror})"
    return wrong


def _zero_of_sound(path: Path) -> Fraction:
    """Where a file's clock has its first sample: in MP3 it counts what decoders throw away as well."""
    with open_media(path) as opened:
        container: Any = opened
        first = container.streams.audio[0] if container.streams.audio else None
        if first is None or container.format.name != "mp3" or first.start_time is None:
            return Fraction(0)
        return Fraction(first.start_time * first.time_base)


def _check_likeness(path: Path, place: int, made_of: Likeness, written: Likeness) -> str | None:
    with open_media(path) as opened:
        container: Any = opened
        if len(container.streams.audio) <= place:
            return "a sound of the written reel is missing"
        for frame in container.decode(container.streams.audio[place]):
            samples = frame.to_ndarray()
            if not frame.format.is_planar:
                samples = samples.reshape(-1, frame.layout.nb_channels).T
            written.add(samples)
    different = made_of.difference(written)
    return None if different is None else f"the sound of the written reel {different}"


def chapters_held(path: Path) -> int:
    """How many chapters a written file has."""
    with open_media(path) as container:
        return len(container.chapters())


def _is_priming(seconds: Fraction) -> bool:
    """Whether what decoders show before the first frame can be what an encoder puts before its sound."""
    return -Fraction(1, 10) < seconds < 0
