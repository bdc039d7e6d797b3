"""How each piece of a reel is made so that all can be joined: copied as far as it can be, else encoded to match; or why
the whole reel is encoded.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import groupby

from marlin_edit.media import MediaInfo
from marlin_edit_ffmpeg.clips.plan import Mode
from marlin_edit_ffmpeg.clips.strategy import Way, way_of
from marlin_edit_ffmpeg.codecs import Unreadable
from marlin_edit_ffmpeg.reels.matched import Matched, Matcher
from marlin_edit_ffmpeg.reels.pieces import why_incompatible
from marlin_edit_ffmpeg.reels.plan import ReelPlan, why_not_copied
from marlin_edit_ffmpeg.source import Source

PieceWay = Way | Matched


@dataclass(frozen=True)
class Joining:
    """A reel whose pieces can be joined, with the way of each."""

    plan: ReelPlan
    ways: tuple[PieceWay, ...]


def joining_of(plan: ReelPlan) -> Joining | ReelPlan:
    """How the pieces are made; the plan to encode all of it, with the reason, where nothing could be copied or what is
    encoded cannot be joined to it."""
    if plan.pieces[0].plan.mode is Mode.EXACT:
        return plan
    if plan.on_grid and plan.first.times is not None:
        return plan.as_exact(f"{plan.first.path.name} has a variable frame rate and is one of several sources")
    ways = _ways(plan)
    matched = [way for way in ways if isinstance(way, Matched)]
    if len(matched) == len(ways):
        return plan.as_exact(matched[0].reason)
    if matched:
        try:
            Matcher(plan).close()
        except Unreadable as error:
            return plan.as_exact(f"{matched[0].reason}, and {error}")
    made = zip(plan.pieces, ways, strict=True)
    plans = [piece.plan.as_exact(way.reason) if isinstance(way, Matched) else piece.plan for piece, way in made]
    return Joining(plan.with_plans(plans).with_frames([way.frames for way in ways]), tuple(ways))


def _ways(plan: ReelPlan) -> Sequence[PieceWay]:
    ways: list[PieceWay] = []
    with Source(plan.first) as first:
        for _, group in groupby(plan.pieces, key=lambda piece: piece.media.path):
            pieces = list(group)
            with Source(pieces[0].media) as source:
                unlike = _why_incompatible(plan.first, first, pieces[0].media, source)
                for piece in pieces:
                    way = unlike or way_of(source, piece.plan) or "exact was asked for"
                    if isinstance(way, str):
                        reason = way if unlike else f"cut {piece.plan.number}: {way}"
                        ways.append(Matched(piece.plan.frames, reason))
                    else:
                        ways.append(way)
    return ways


def _why_incompatible(first_media: MediaInfo, first: Source, media: MediaInfo, source: Source) -> str | None:
    if media.path == first_media.path:
        return None
    reason = why_not_copied(first_media, media)
    if reason is None:
        unlike = why_incompatible(first.video, source.video)
        reason = f"{media.path.name} {unlike} {first_media.path.name}" if unlike else None
    return reason
