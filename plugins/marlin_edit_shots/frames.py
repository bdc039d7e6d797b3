"""The frames of a part made very small, with their numbers and times: enough to tell one picture from another."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from fractions import Fraction
from itertools import chain
from typing import Any

from marlin_edit.media import MediaInfo, decoded_frames, open_media, seek_before

WIDTH, HEIGHT = 64, 36


@dataclass(frozen=True)
class SmallFrame:
    """Frame `number`, presented `time` seconds from zero. planes: luma and both colours, 3 x HEIGHT x WIDTH."""

    number: int
    time: Fraction
    planes: Any


def small_frames(media: MediaInfo, start: Fraction, end: Fraction) -> Iterator[SmallFrame]:
    """The frames that are presented from `start` to `end`, in order; those that cannot be decoded are not there."""
    from av.video.reformatter import VideoReformatter

    scaler = VideoReformatter()  # one for all frames: setting it up costs more than scaling with it
    assert media.video_index is not None
    first, stop = media.first_frame_at(max(Fraction(0), start)), media.first_frame_at(end)
    with open_media(media.path) as container:
        video: Any = container.streams[media.video_index]
        video.thread_type = "AUTO"
        lead = Fraction(1, 2)
        while True:
            wanted = media.time_of(first) - lead
            seek_before(container, video, media.zero + wanted)
            shown = decoded_frames(container, video)
            begun = next((frame for frame in shown if frame.pts is not None), None)
            if begun is None or wanted <= 0 or _number(media, begun, video) <= first:
                break
            lead = 4 * lead
        if begun is None:
            return
        latest = first - 1
        for frame in chain([begun], shown):
            if frame.pts is None:
                continue
            number = _number(media, frame, video)
            if number >= stop:
                return
            if number > latest:
                latest = number
                yield SmallFrame(number, media.time_of(number), _planes(frame, scaler))


def _number(media: MediaInfo, frame: Any, video: Any) -> int:
    """Which of the presented frames it is; those before zero have no number of their own."""
    since = frame.pts * video.time_base - media.zero
    return media.first_frame_at(since - Fraction(1, 1000)) if since > -Fraction(1, 1000) else -1


def _planes(frame: Any, scaler: Any) -> Any:
    import numpy as np

    small = scaler.reformat(frame, WIDTH, HEIGHT, "yuv444p", interpolation="AREA")
    return small.to_ndarray().reshape(3, HEIGHT, WIDTH).astype(np.float32)
