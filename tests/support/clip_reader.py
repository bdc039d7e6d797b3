"""Reads a written clip of a source from `makers`: which frames it has, holes, repeats, hidden pictures, how far the
sound is off. It decodes the whole file and knows nothing of how it was written.
"""

from __future__ import annotations

from dataclasses import dataclass
from fractions import Fraction
from itertools import pairwise
from pathlib import Path
from typing import Any

import av

from tests.support.synthetic_video import BURST_EVERY, FIRST_BURST, burst_times, frame_indices


@dataclass(frozen=True)
class Reading:
    """What a clip holds. indices: what its frames carry, as shown. times: from its first frame. hidden: pictures in
    the file that are not shown. sound_errors: seconds, one a burst, over all audio streams; positive is late."""

    indices: tuple[int, ...]
    times: tuple[Fraction, ...]
    hidden: int
    sound_errors: tuple[Fraction, ...]
    sound_streams: int
    timecode: str | None
    rate: Fraction | None
    length: Fraction | None

    @property
    def first(self) -> int:
        return self.indices[0]

    @property
    def last(self) -> int:
        return self.indices[-1]

    @property
    def holes(self) -> int:
        """Frames that are missing between the first and the last."""
        return sum(max(0, later - earlier - 1) for earlier, later in pairwise(self.indices))

    @property
    def repeats(self) -> int:
        """Frames that come again, or earlier than they should."""
        return sum(later <= earlier for earlier, later in pairwise(self.indices))

    @property
    def worst_sound_error(self) -> Fraction:
        return max((abs(error) for error in self.sound_errors), default=Fraction(0))


def read_clip(path: Path, start: Fraction | None = None) -> Reading:
    """Reads a clip. start: where its first frame lies in the source, in seconds; without it sound is not measured."""
    shown = frame_indices(path)
    zero = shown[0][0]
    with av.open(str(path)) as opened:
        container: Any = opened
        video = container.streams.video[0]
        timecode = (
            video.metadata.get("timecode") or container.metadata.get("timecode") or container.metadata.get("TIMECODE")
        )
        rate = video.average_rate
        length = video.duration * video.time_base if video.duration is not None else None
        sounds = len(container.streams.audio)
    return Reading(
        indices=tuple(index for _, index in shown),
        times=tuple(time - zero for time, _ in shown),
        hidden=_packets(path) - len(shown),
        sound_errors=tuple(_sound_errors(path, zero, start, sounds)) if start is not None else (),
        sound_streams=sounds,
        timecode=timecode,
        rate=rate,
        length=length,
    )


def _packets(path: Path) -> int:
    """Pictures in the file, hidden ones too: edit lists are not applied."""
    options = {"ignore_editlist": "1"} if path.suffix in (".mp4", ".mov") else {}
    with av.open(str(path), options=options) as container:
        return sum(packet.size > 0 for packet in container.demux(container.streams.video[0]))


def _sound_errors(path: Path, zero: Fraction, start: Fraction, streams: int) -> list[Fraction]:
    errors = []
    for stream in range(streams):
        for time in burst_times(path, stream):
            since = time - zero
            if since < Fraction(4, 100):
                continue  # what begins there may be the end of a burst that was cut
            since_first = since + start - FIRST_BURST
            errors.append(since_first - round(since_first / BURST_EVERY) * BURST_EVERY)
    return errors
