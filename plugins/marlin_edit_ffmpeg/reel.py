"""The delivery `reel`: all cuts as one file, joined from verified clips where their streams match, else encoded anew.

One muxer, one running clock of the picture, the sound placed on it by the sample.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import ExitStack
from fractions import Fraction
from functools import partial
from itertools import groupby
from pathlib import Path
from typing import Any

from marlin_edit import files
from marlin_edit.console import tell_progress
from marlin_edit.edit import Edit
from marlin_edit.errors import MarlinEditError
from marlin_edit.interfaces import Receipt
from marlin_edit.media import open_media
from marlin_edit.settings import Settings
from marlin_edit_ffmpeg.clip import NothingThere, write_clip
from marlin_edit_ffmpeg.clock import ClipClock, time_of
from marlin_edit_ffmpeg.containers import Output
from marlin_edit_ffmpeg.encoders import encoding_for
from marlin_edit_ffmpeg.estimating import Estimate, estimated
from marlin_edit_ffmpeg.plan import Mode
from marlin_edit_ffmpeg.reel_check import check_reel
from marlin_edit_ffmpeg.reel_joins import WrittenPiece, common_header, read_piece
from marlin_edit_ffmpeg.reel_picture import EncodedPictures, JoinedPictures
from marlin_edit_ffmpeg.reel_plan import ReelPlan, chapter_title, container_of, plan_reel, why_not_joined
from marlin_edit_ffmpeg.reel_sound import ReelSound
from marlin_edit_ffmpeg.report import Report
from marlin_edit_ffmpeg.source import Source
from marlin_edit_ffmpeg.verify import Delivered
from marlin_edit_ffmpeg.ways import Way, way_of


def check(settings: Settings) -> None:
    """Whether the reel's file can be written: its name has a suffix of a container, and nothing has it."""
    path = _path(settings)
    container_of(path)
    files.refuse_existing([path], bool(settings["overwrite"]))


def foresee(videos: Sequence[Path], queries: Sequence[str], settings: Settings) -> None:
    """The reel is none of the videos."""
    path = _path(settings)
    files.refuse_existing([path], bool(settings["overwrite"]), videos)


def deliver(edit: Edit, settings: Settings, dry_run: bool) -> Receipt:
    """Writes all cuts of the edit as one file, or nothing. MarlinEditError says why where it cannot be."""
    path = _path(settings)
    plan = plan_reel(edit, path, Mode(settings["clip_mode"]), int(settings["clip_crf"]))
    for piece in plan.pieces:
        if piece.media.video_index is None or piece.media.rate is None:
            raise MarlinEditError(f"{piece.media.path.name} has no picture. A reel is cut by frames.")
    files.refuse_existing([path], bool(settings["overwrite"]), {piece.media.path for piece in plan.pieces})
    work = _Reel(plan, bool(settings["overwrite"]))
    if dry_run:
        return work.planned()
    return work.written()


def _path(settings: Settings) -> Path:
    if settings["reel"] is None:
        raise MarlinEditError("The delivery reel needs a file: add --reel FILE, e.g. --reel best.mp4.")
    return Path(settings["reel"])


class _NotAsPlanned(Exception):
    """A written reel, or a piece of it, that is not what was planned, with what is wrong."""


class _Reel:
    """One reel on its way: joined first, and where that cannot be or does not hold, encoded."""

    def __init__(self, plan: ReelPlan, overwrite: bool) -> None:
        self._plan, self._overwrite = plan, overwrite
        self._reports = [Report(piece.plan) for piece in plan.pieces]
        self._missing: list[str] = []
        self._notes: list[str] = []
        self._sound: list[Mapping[str, Any]] = []

    def planned(self) -> Receipt:
        plan, ways = self._ways()
        self._plan = plan
        self._reports = [Report(piece.plan, piece.frames) for piece in plan.pieces]
        items = []
        for at, report in enumerate(self._reports):
            way = ways[at] if ways is not None else None
            report.encoded = report.plan.frames.count if way is None else way.encoded
            report.estimate = estimated(report)
            items.append(self._item(at))
        total = Estimate.sum([report.estimate for report in self._reports if report.estimate is not None])
        return Receipt((plan.path,), tuple(items), (), (*self._reason_notes(), f"{plan.path.name}: {total.words()}"))

    def written(self) -> Receipt:
        plan, ways = self._ways()
        if ways is not None:
            try:
                self._published(partial(self._join, plan, ways))
            except _NotAsPlanned as error:
                plan = plan.as_exact(f"a reel joined of clips did not hold: {error}")
                ways = None
        if ways is None:
            try:
                self._published(partial(self._encode, plan))
            except _NotAsPlanned as error:
                raise MarlinEditError(f"{plan.path.name} was not written: {error}. Nothing is left of it.") from error
        items = tuple(self._item(at) for at in range(len(self._reports)))
        return Receipt((plan.path,), items, tuple(self._missing), (*self._reason_notes(), *self._notes))

    def _published(self, make: Callable[[Path], None]) -> None:
        """Lets the reel be made beside its name, and publishes it; _NotAsPlanned where it does not come out right."""
        from av.error import FFmpegError

        self._missing, self._notes = [], []
        try:
            with files.staged(self._plan.path, self._overwrite) as temporary:
                make(temporary)
        except NothingThere as error:
            raise _NotAsPlanned("no frame of a cut can be read") from error
        except (FFmpegError, ValueError) as error:
            raise _NotAsPlanned(str(error)) from error

    def _ways(self) -> tuple[ReelPlan, list[Way] | None]:
        """How each piece is made so that they can be joined; None, and the plan with the reason, where one cannot."""
        plan = self._plan
        if plan.pieces[0].plan.mode is Mode.EXACT:
            return plan, None
        medias = list({piece.media.path: piece.media for piece in plan.pieces}.values())
        reason = why_not_joined(medias)
        if reason is not None:
            return plan.as_exact(reason), None
        ways: list[Way] = []
        for _, group in groupby(plan.pieces, key=lambda piece: piece.media.path):
            pieces = list(group)
            with Source(pieces[0].media) as source:
                for piece in pieces:
                    way = way_of(source, piece.plan)
                    if isinstance(way, str):
                        return plan.as_exact(f"cut {piece.plan.number}: {way}"), None
                    ways.append(way)
        return plan.with_frames([way.frames for way in ways]), ways

    def _join(self, plan: ReelPlan, ways: Sequence[Way], temporary: Path) -> None:
        """Each piece as a clip of its own beside the reel, checked as clips are, then all of them in one file."""
        with ExitStack() as clean_up:
            pieces: list[WrittenPiece] = []
            reports = []
            numbered = zip(plan.pieces, ways, strict=True)
            for _, group in groupby(numbered, key=lambda one: one[0].media.path):
                made = list(group)
                with Source(made[0][0].media) as source:
                    for piece, way in made:
                        path = Path(f"{temporary}.{piece.plan.number:03}{plan.path.suffix}")
                        clean_up.callback(path.unlink, missing_ok=True)
                        report = Report(piece.plan)
                        wrong = write_clip(source, piece.plan, path, way, report)
                        if wrong is not None:
                            raise _NotAsPlanned(f"cut {piece.plan.number}: {wrong}")
                        assert report.frames is not None
                        pieces.append(read_piece(path, ClipClock(piece.media, report.frames.first)))
                        reports.append(report)
                        tell_progress(float(piece.end) / 2, float(plan.length), plan.path.name)
            plan = plan.with_frames([report.frames for report in reports if report.frames is not None])
            self._mux_joined(plan, pieces, common_header(pieces), temporary)
        self._plan, self._reports = plan, reports
        for report in reports:
            asked, got = report.plan.frames, report.frames
            assert got is not None
            if report.plan.mode is Mode.SMART and got.count < asked.count:
                self._missing.append(
                    f"cut {report.plan.number} of {plan.path.name}: {asked.count - got.count} frames of "
                    f"{report.plan.media.path.name} could not be read"
                )

    def _mux_joined(self, plan: ReelPlan, pieces: Sequence[WrittenPiece], header: bytes, temporary: Path) -> None:
        with open_media(pieces[0].path) as like, Output("file:" + str(temporary.absolute()), plan.kind) as output:
            picture = JoinedPictures(output, plan, pieces, header, like.streams.video[0])
            sounds = self._prepare(plan, output, picture.out)
            picture.write(self._follow(plan, sounds, Fraction(1, 2)))
            for sound in sounds:
                sound.finish()
        self._check(plan, temporary, picture, picture.digest.digest())
        self._note_sounds(sounds)

    def _encode(self, plan: ReelPlan, temporary: Path) -> None:
        with Source(plan.first) as source:
            encoding = encoding_for(source.video, plan.first, plan.kind, plan.pieces[0].plan.crf)
        with Output("file:" + str(temporary.absolute()), plan.kind) as output:
            picture = EncodedPictures(output, plan, encoding)
            sounds = self._prepare(plan, output, picture.out)
            picture.write(self._follow(plan, sounds, Fraction(0)))
            for number, seen in picture.short.items():
                if not seen:
                    raise _NotAsPlanned(f"no frame of cut {number} can be read")
                self._missing.append(f"cut {number} of {plan.path.name}: frames of it could not be read")
            for sound in sounds:
                sound.finish()
        self._check(plan, temporary, picture, None)
        self._note_sounds(sounds)
        self._plan = plan
        self._reports = []
        for piece in plan.pieces:
            report = Report(piece.plan, piece.frames, encoder=encoding.encoder)
            last = time_of(piece.media, piece.frames.stop - 1) - time_of(piece.media, piece.frames.first)
            report.delivered = Delivered(piece.frames, piece.start, piece.start + last, {})
            if encoding.note:
                report.warnings.append(encoding.note)
            self._reports.append(report)
        if len({piece.media.colour for piece in plan.pieces}) > 1:
            self._notes.append(f"{plan.path.name}: its sources declare different colours, which were not converted")

    def _prepare(self, plan: ReelPlan, output: Output, video: Any) -> list[ReelSound]:
        """Streams of sound, start time code and chapters: all that must be there before the first packet."""
        sounds = []
        for place, like in enumerate(_sounds_like(plan)):
            with open_media(like[0]) as container:
                sounds.append(ReelSound(output, plan.pieces, place, container.streams[like[1]]))
        if plan.kind.timecode:
            label = plan.rate.timecode(plan.start_frame)
            (video if plan.kind.edit_list else output.container).metadata["timecode"] = label
        else:
            self._notes.append(f"{plan.path.name}: {plan.kind.name} holds no start time code")
        if plan.kind.muxer == "mpegts":
            self._notes.append(f"{plan.path.name}: {plan.kind.name} holds no chapters")
        else:
            output.container.set_chapters(list(_chapters(plan)))
        return sounds

    def _follow(self, plan: ReelPlan, sounds: Sequence[ReelSound], before: Fraction) -> Callable[[Fraction], None]:
        """Sound follows the picture while it is written. before: the part of the work that was done already."""

        def heard(time: Fraction) -> None:
            for sound in sounds:
                sound.advance(time)
            tell_progress(float(before * plan.length + (1 - before) * time), float(plan.length), plan.path.name)

        return heard

    def _check(
        self, plan: ReelPlan, temporary: Path, picture: JoinedPictures | EncodedPictures, digest: bytes | None
    ) -> None:
        wrong = check_reel(temporary, plan.kind, picture.times, plan.tick, plan.length, picture.expected, digest)
        if wrong is not None:
            raise _NotAsPlanned(wrong)

    def _note_sounds(self, sounds: Sequence[ReelSound]) -> None:
        self._sound = [
            {"stream": place + 1, "how": f"encoded with {sound.encoder}", "reason": "one stream for all of the reel"}
            for place, sound in enumerate(sounds)
        ]
        for place, sound in enumerate(sounds):
            if sound.silent:
                numbers = ", ".join(str(number) for number in sound.silent)
                self._notes.append(f"{self._plan.path.name}: cuts {numbers} have no sound {place + 1}: silence there")
            if sound.errors:
                self._notes.append(f"{self._plan.path.name}: {sound.errors} packets of sound could not be decoded")

    def _reason_notes(self) -> Iterator[str]:
        plan = self._plan.pieces[0].plan
        if self._reports[0].plan.mode is not plan.asked_mode:
            yield f"{self._plan.path.name}: all of it is encoded, {self._reports[0].plan.reason}"

    def _item(self, at: int) -> Mapping[str, Any]:
        piece, report = self._plan.pieces[at], self._reports[at]
        rate, start = self._plan.rate, self._plan.start_frame
        first = start + round(piece.start * rate.value)
        media = piece.media
        named = [{"stream": one.index, "kind": one.kind, "codec": one.codec} for one in media.streams]
        kept = [one for one in named if one["stream"] == media.video_index or one["kind"] == "audio"]
        left = [one for one in named if one not in kept and one["kind"] != "data"]
        return {
            **report.item(),
            "start_timecode": rate.timecode(first),
            "sound": self._sound,
            "streams_kept": kept,
            "streams_dropped": [one | {"reason": "a reel has picture and sound"} for one in left],
            "bytes": None,
            "reel": {"start": float(piece.start), "end": float(piece.end), "chapter": self._title(at)},
        }

    def _title(self, at: int) -> str:
        return chapter_title(self._plan.pieces[at].plan.cut, several=_several(self._plan))


def _several(plan: ReelPlan) -> bool:
    return len({piece.media.path for piece in plan.pieces}) > 1


def _chapters(plan: ReelPlan) -> Iterator[dict[str, Any]]:
    for at, piece in enumerate(plan.pieces):
        yield {
            "id": at + 1,
            "start": round(piece.start * 1000),
            "end": round(piece.end * 1000),
            "time_base": Fraction(1, 1000),
            "metadata": {"title": chapter_title(piece.plan.cut, several=_several(plan))},
        }


def _sounds_like(plan: ReelPlan) -> list[tuple[Path, int]]:
    """For each stream of sound, a source that has it and its index there: as many as the source with the most has."""
    found: list[tuple[Path, int]] = []
    for media in {piece.media.path: piece.media for piece in plan.pieces}.values():
        indices = [stream.index for stream in media.streams if stream.kind == "audio" and stream.codec != "unknown"]
        found += [(media.path, index) for index in indices[len(found) :]]
    return found
