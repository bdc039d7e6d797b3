"""Writing a reel in one of three ways: joined of pieces, encoded as a whole, or of sound alone. What is written is read
back; nothing here publishes.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from contextlib import ExitStack, closing
from dataclasses import dataclass, field
from fractions import Fraction
from itertools import groupby
from pathlib import Path
from typing import Any

from marlin_edit.interfaces import ReportProgress
from marlin_edit.media import open_media
from marlin_edit_ffmpeg.clips.metadata import set_chapters
from marlin_edit_ffmpeg.clips.plan import Mode
from marlin_edit_ffmpeg.clips.report import Report
from marlin_edit_ffmpeg.clips.tracks import OnProgress
from marlin_edit_ffmpeg.clips.verify import Delivered
from marlin_edit_ffmpeg.clips.writer import write_clip
from marlin_edit_ffmpeg.clock import ClipClock, time_of
from marlin_edit_ffmpeg.containers import Output
from marlin_edit_ffmpeg.encoders import encoding_for
from marlin_edit_ffmpeg.reels.matched import Matched, Matcher
from marlin_edit_ffmpeg.reels.picture import EncodedPictures, JoinedPictures
from marlin_edit_ffmpeg.reels.pieces import WrittenPiece, common_header, moments_of, read_piece
from marlin_edit_ffmpeg.reels.plan import Piece, ReelPlan, chapters_of
from marlin_edit_ffmpeg.reels.sound import ReelSound
from marlin_edit_ffmpeg.reels.strategy import Joining, PieceWay
from marlin_edit_ffmpeg.reels.verify import chapters_held, check_reel, check_sound_reel
from marlin_edit_ffmpeg.source import NotAsPlanned, Source


@dataclass
class Made:
    """A written reel that is right: what it came to, a report a piece, its sounds, and what is to be said of it."""

    plan: ReelPlan
    reports: Sequence[Report]
    sounds: Sequence[ReelSound]
    missing: list[str] = field(default_factory=list)
    notes: list[str] = field(default_factory=list)


def join_reel(joining: Joining, temporary: Path, *, progress: ReportProgress) -> Made:
    """Each piece as a clip of its own beside the reel, checked as clips are, then all of them in one file."""
    plan = joining.plan
    with ExitStack() as clean_up:
        matcher: Matcher | None = None
        if any(isinstance(way, Matched) for way in joining.ways):
            matcher = clean_up.enter_context(closing(Matcher(plan)))
        written: list[WrittenPiece] = []
        reports = []
        numbered = zip(plan.pieces, joining.ways, strict=True)
        for _, group in groupby(numbered, key=lambda one: one[0].media.path):
            made = list(group)
            with Source(made[0][0].media) as source:
                for piece, way in made:
                    path = Path(f"{temporary}.{piece.plan.number:03}{plan.path.suffix}")
                    clean_up.callback(path.unlink, missing_ok=True)
                    on_progress = _of_piece(plan, piece, progress)
                    found, report = _write_piece(plan, source, piece, way, matcher, path, on_progress)
                    written.append(found)
                    reports.append(report)
        held = [report.frames for report in reports if report.frames is not None]
        plan = plan.with_frames(held)
        header = common_header(written)
        with open_media(written[0].path) as like, Output("file:" + str(temporary.absolute()), plan.kind) as output:
            picture = JoinedPictures(output, plan, written, header, like.streams.video[0])
            made_of = Made(plan, reports, _prepare(plan, output, picture.out))
            picture.write(_follow(plan, made_of.sounds, Fraction(1, 2), progress))
            for sound in made_of.sounds:
                sound.finish()
    _check(made_of, temporary, picture, picture.digest.digest())
    for piece, report in zip(plan.pieces, reports, strict=True):
        assert report.frames is not None
        report.delivered = _delivered(piece)
        lost = report.plan.frames.count - report.frames.count
        if report.plan.mode is not Mode.COPY and lost > 0:
            made_of.missing.append(_lost(piece, lost))
    return _with_colours_noted(made_of)


def _of_piece(plan: ReelPlan, piece: Piece, progress: ReportProgress) -> OnProgress:
    """Reports how far the reel is, for the part of a piece that is done: making the pieces is the first half."""
    length = piece.end - piece.start
    return lambda part: progress(float(piece.start + Fraction(part) * length) / 2, float(plan.length), plan.path.name)


def _write_piece(
    plan: ReelPlan,
    source: Source,
    piece: Piece,
    way: PieceWay,
    matcher: Matcher | None,
    path: Path,
    on_progress: OnProgress,
) -> tuple[WrittenPiece, Report]:
    report = Report(piece.plan)
    if isinstance(way, Matched):
        assert matcher is not None
        report.frames, report.encoder = matcher.write(source, piece, path, on_progress), matcher.encoder
        return read_piece(path, plan.kind, matcher.moment(piece, report.frames)), report
    wrong = write_clip(source, piece.plan, path, way, report, picture_only=True, on_progress=on_progress)
    if wrong is not None:
        raise NotAsPlanned(f"cut {piece.plan.number}: {wrong}")
    assert report.frames is not None
    moment = moments_of(ClipClock(piece.media, report.frames.first), plan.tick)
    return read_piece(path, plan.kind, moment), report


def encode_reel(plan: ReelPlan, temporary: Path, *, progress: ReportProgress) -> Made:
    """All frames of all pieces through one encoder."""
    with Source(plan.first) as source:
        encoding = encoding_for(source.video, plan.first, plan.kind, plan.pieces[0].plan.crf)
    with Output("file:" + str(temporary.absolute()), plan.kind) as output:
        picture = EncodedPictures(output, plan, encoding)
        made = Made(plan, [], _prepare(plan, output, picture.out))
        picture.write(_follow(plan, made.sounds, Fraction(0), progress))
        for piece in plan.pieces:
            lost = picture.missing.get(piece.plan.number, 0)
            if lost == piece.frames.count:
                raise NotAsPlanned(f"no frame of cut {piece.plan.number} can be read")
            if lost:
                made.missing.append(_lost(piece, lost))
        for sound in made.sounds:
            sound.finish()
    _check(made, temporary, picture, None)
    notes = [encoding.note] if encoding.note else []
    made.reports = [
        Report(piece.plan, piece.frames, _delivered(piece), encoder=encoding.encoder, warnings=list(notes))
        for piece in plan.pieces
    ]
    return _with_colours_noted(made)


def write_sound_reel(plan: ReelPlan, temporary: Path, *, progress: ReportProgress) -> Made:
    """The sound of all pieces through one encoder a stream, without any picture."""
    with Output("file:" + str(temporary.absolute()), plan.kind) as output:
        made = Made(plan, [], _prepare(plan, output, None))
        output.begin()
        heard, second = _follow(plan, made.sounds, Fraction(0), progress), Fraction(0)
        while second < plan.length:
            heard(second)
            second += 1
        for sound in made.sounds:
            sound.finish()
    for piece in plan.pieces:
        if all(piece.plan.number in sound.silent for sound in made.sounds):
            raise NotAsPlanned(f"no sound of cut {piece.plan.number} can be read")
    wrong = check_sound_reel(temporary, [(sound.likeness, sound.new_likeness()) for sound in made.sounds], plan.length)
    if wrong is not None:
        raise NotAsPlanned(wrong)
    _note_chapters(made, temporary)
    made.reports = [
        Report(piece.plan, piece.frames, _delivered(piece), encoder=made.sounds[0].encoder, encoded=piece.frames.count)
        for piece in plan.pieces
    ]
    return made


def _prepare(plan: ReelPlan, output: Output, video: Any) -> list[ReelSound]:
    """Streams of sound, start time code and chapters: all that must be there before the first packet."""
    sounds = []
    for place, (path, index) in enumerate(_sounds_like(plan)[: plan.kind.sounds]):
        with open_media(path) as container:
            sounds.append(ReelSound(output, plan.pieces, place, container.streams[index]))
    if plan.kind.timecode and video is not None:
        label = plan.rate.timecode(plan.start_frame)
        (video if plan.kind.edit_list else output.container).metadata["timecode"] = label
    set_chapters(output, list(chapters_of(plan)))
    return sounds


def _sounds_like(plan: ReelPlan) -> list[tuple[Path, int]]:
    """For each stream of sound, a source that has it and its index there: as many as the source with the most has."""
    found: list[tuple[Path, int]] = []
    for media in plan.medias:
        indices = [stream.index for stream in media.streams if stream.kind == "audio" and stream.codec != "unknown"]
        found += [(media.path, index) for index in indices[len(found) :]]
    return found


def _follow(
    plan: ReelPlan, sounds: Sequence[ReelSound], before: Fraction, progress: ReportProgress
) -> Callable[[Fraction], None]:
    """Sound follows the picture while it is written. before: the part of the work that was done already."""

    def heard(time: Fraction) -> None:
        for sound in sounds:
            sound.advance(time)
        progress(float(before * plan.length + (1 - before) * time), float(plan.length), plan.path.name)

    return heard


def _check(made: Made, temporary: Path, picture: JoinedPictures | EncodedPictures, digest: bytes | None) -> None:
    plan = made.plan
    wrong = check_reel(temporary, plan.kind, picture.times, plan.tick, plan.length, picture.expected, digest)
    if wrong is not None:
        raise NotAsPlanned(wrong)
    if not plan.kind.timecode:
        made.notes.append(f"{plan.kind.name} cannot store a start time code")
    _note_chapters(made, temporary)


def _note_chapters(made: Made, temporary: Path) -> None:
    held, wanted = chapters_held(temporary), len(made.plan.pieces)
    if held not in (0, wanted):
        raise NotAsPlanned(f"the written reel has {held} chapters in place of {wanted}")
    if not held:
        made.notes.append(f"{made.plan.kind.name} cannot store chapters")
    most = max(len([one for one in media.streams if one.kind == "audio"]) for media in made.plan.medias)
    if made.plan.kind.sounds is not None and most > made.plan.kind.sounds:
        made.notes.append(f"{made.plan.kind.name} stores one sound track; it has the first of {most}")


def _with_colours_noted(made: Made) -> Made:
    if len({media.colour for media in made.plan.medias}) > 1:
        made.notes.append("its sources declare different colours, which were not converted")
    return made


def _delivered(piece: Piece) -> Delivered:
    last = time_of(piece.media, piece.frames.stop - 1) - time_of(piece.media, piece.frames.first)
    return Delivered(piece.frames, piece.start, piece.start + last, {})


def _lost(piece: Piece, count: int) -> str:
    return f"{count} frames of cut {piece.plan.number} could not be read in {piece.media.path.name}"
