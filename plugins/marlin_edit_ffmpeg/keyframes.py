"""The groups of pictures that a source's keyframes make, read from its packets around a place and without decoding."""

from __future__ import annotations

from fractions import Fraction
from itertools import pairwise

from marlin_edit.media import MediaInfo
from marlin_edit.timebase import Span
from marlin_edit_ffmpeg.source import Source


def groups_in(media: MediaInfo, span: Span) -> tuple[Span, ...]:
    """From each keyframe to the next: the first of them lies at or before the span's start, and the last ends at or
    after its end. Where there is no such keyframe, the media's own ends take its place."""
    first, stop = media.first_frame_at(span.start), media.first_frame_at(span.end)
    begin, end = 0, media.frame_count
    inside: set[int] = set()
    with Source(media) as source:
        for packet in source.packets([source.video], first, Fraction(0)):
            if packet.size == 0:
                break
            if not packet.is_keyframe or packet.pts is None:
                continue
            number = source.number_of(packet.pts)
            if number >= stop:
                end = min(number, media.frame_count)
                break
            if number <= first:
                begin = max(0, number)
            else:
                inside.add(number)
    places = sorted({begin, *inside, end})
    return tuple(Span(media.time_of(one), media.time_of(other)) for one, other in pairwise(places))
