"""From an edit to its track: what of its source is shown, and how. Notes say what is left out, and why."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from fractions import Fraction
from typing import NamedTuple

from marlin_edit.analysis import Analysis, Verdict
from marlin_edit.edit import Edit
from marlin_edit.interfaces import Context
from marlin_edit.media import MediaInfo
from marlin_edit.settings import DEFAULT, Settings
from marlin_edit.text import clean, counted
from marlin_edit.timebase import clock_text, milliseconds_around, milliseconds_of
from marlin_edit_exporters.subtitles.cues.line_breaks import pages_of
from marlin_edit_exporters.subtitles.cues.looks import dressed
from marlin_edit_exporters.subtitles.cues.profiles import Pace, Profile, profile_named, words_of
from marlin_edit_exporters.subtitles.cues.timing import FOREVER, Limits, TimedText, scheduled, scheduled_between
from marlin_edit_exporters.subtitles.cues.values import Cue, Track

FROM_SPEECH = Fraction(1, 4)
"""Seconds that a description keeps away from what is said."""

READY = "cue"
"""The flag of an event that was read from a subtitle file: its lines and times are somebody's, and stay."""


@dataclass(frozen=True)
class Options:
    """What a person chose of a track: `subtitles/settings.py` says what the words mean."""

    profile: str
    kind: str
    language: str
    language_is_chosen: bool
    detail: str

    @classmethod
    def of(cls, settings: Settings) -> Options:
        """The options that the settings choose."""
        return cls(
            settings.value("subtitle_profile", str),
            settings.value("subtitle_kind", str),
            settings.value("subtitle_language", str),
            settings.source("subtitle_language") != DEFAULT,
            settings.value("subtitle_detail", str),
        )


def shared_track(edit: Edit, context: Context) -> Track:
    """The track of an edit's source, made once for all outputs of one run of the exporters."""
    key = ("subtitle track", id(edit))
    if key not in context.shared:
        context.shared[key] = edit, track_of(edit, context.settings)  # the edit stays alive, so its id stays its own
    track: Track = context.shared[key][1]
    return track


def track_of(edit: Edit, settings: Settings) -> Track:
    """The track of an edit's source."""
    options = Options.of(settings)
    profile = profile_named(options.profile)
    notes: list[str] = []
    cues: Sequence[Cue] = ()
    converted = False
    if not edit.sources:
        notes.append("there is no source")
    else:
        source = edit.sources[0]
        if len(edit.sources) > 1:
            notes.append(f"only {clean(source.media.path.name)} is used: a subtitle file is for one source")
        texts = _told(source, notes)
        converted = bool(source.events) and all(READY in event.flags for event in source.events)
        if converted:
            cues = _as_they_are(source)
        elif options.kind == "metadata":
            cues = _exact(texts, _length(source.media), notes)
        else:
            cues = _readable(source, texts, profile, options, notes)
    language = options.language if options.language_is_chosen or not converted else "und"
    return Track(tuple(cues), tuple(notes), options.kind, language, profile.name, converted)


class _Text(NamedTuple):
    start: int
    end: int
    text: str


def _told(source: Analysis, notes: list[str]) -> list[_Text]:
    """The texts of the events in order of time, or where there are none, of the findings that nobody rejected."""
    if source.events:
        if source.findings:
            notes.append(f"{counted(len(source.findings), 'finding')} left out, because the track shows the events")
        texts = [
            _Text(milliseconds_of(event.span.start), milliseconds_of(event.span.end), clean(event.text))
            for event in source.events
        ]
    else:
        kept = [finding for finding in source.findings if finding.verdict is not Verdict.REJECTED]
        if len(kept) < len(source.findings):
            notes.append(f"{counted(len(source.findings) - len(kept), 'rejected finding')} left out")
        texts = [
            _Text(milliseconds_of(finding.span.start), milliseconds_of(finding.span.end), clean(finding.query))
            for finding in kept
        ]
    silent = sum(not one.text for one in texts)
    if silent:
        notes.append(f"{counted(silent, 'event')} without any text left out")
    return sorted((one for one in texts if one.text), key=lambda one: (one.start, one.end))


def _as_they_are(source: Analysis) -> list[Cue]:
    """The cues of a subtitle file that was read: somebody else's work, so nothing but their order is changed."""
    cues = []
    for event in source.events:
        lines = tuple(line for line in map(clean, event.text.split("\n")) if line)
        if lines:
            start = milliseconds_of(event.span.start)
            end = max(start + 1, milliseconds_of(event.span.end))
            cues.append(Cue(start, end, lines, dressed(lines, event.runs), event.place))
    return sorted(cues, key=lambda cue: (cue.start, cue.end))


def _exact(texts: Iterable[_Text], length: int, notes: list[str]) -> list[Cue]:
    """Each event a cue at exactly its own time, whatever overlaps: for programs, not for readers."""
    inside = _inside(texts, length, notes)
    return [Cue(one.start, max(one.start + 1, one.end), (one.text,)) for one in inside]


def _readable(
    source: Analysis, texts: Iterable[_Text], profile: Profile, options: Options, notes: list[str]
) -> list[Cue]:
    media = source.media
    profile = profile.on_picture(media)
    if options.detail == "low":
        profile = profile.at_wished_speed()
        texts = _outermost(texts, notes)
    length = _length(media)
    pace = Pace.of(profile, media.rate)
    words = words_of(options.language)
    timed = [
        TimedText(one.start, one.end, one.text, pages_of(one.text, pace, words))
        for one in _inside(texts, length, notes)
    ]
    late = FOREVER if options.detail == "full" else int(profile.late * 1000)
    limits = Limits(int(profile.early * 1000), late, length or FOREVER)
    shots = sorted({milliseconds_of(shot) for shot in source.shots or ()})
    busy = _spoken(source) if options.kind == "descriptions" else []
    schedule = scheduled_between(timed, pace, limits, busy, shots) if busy else scheduled(timed, pace, limits, shots)
    for one in schedule.too_long:
        _leave_out(one, "because the media is too short to read it", notes)
    reason = (
        "because the media is too short for all"
        if options.detail == "full"
        else "because there is no room for it between what is said"
        if busy
        else "because more happens there than can be read"
    )
    for one in schedule.crowded_out:
        _leave_out(one, reason, notes)
    _note_changes(schedule.kept, schedule.cues, notes)
    return schedule.cues


def _spoken(source: Analysis) -> list[tuple[int, int]]:
    """When somebody speaks, with a distance kept before and after it; in order, and without overlaps."""
    busy: list[tuple[int, int]] = []
    for span in sorted(source.speech or (), key=lambda span: span.start):
        start, end = milliseconds_around(max(Fraction(0), span.start - FROM_SPEECH), span.end + FROM_SPEECH)
        if busy and start <= busy[-1][1]:
            busy[-1] = busy[-1][0], max(busy[-1][1], end)
        else:
            busy.append((start, end))
    return busy


def _outermost(texts: Iterable[_Text], notes: list[str]) -> list[_Text]:
    """Without the events that lie within another one."""
    kept: list[_Text] = []
    end = -1
    for one in sorted(texts, key=lambda one: (one.start, -one.end)):
        if one.end <= end:
            _leave_out(one, "because it lies within another event (--detail low)", notes)
        else:
            kept.append(one)
            end = one.end
    return kept


def _inside(texts: Iterable[_Text], length: int, notes: list[str]) -> list[_Text]:
    """Without what lies outside the media: that is not in the picture, whatever the model said. length: 0, unknown."""
    if not length:
        return list(texts)
    inside = []
    clipped = 0
    for one in texts:
        if one.start >= length:
            _leave_out(one, "because it begins after the end of the media", notes)
            continue
        clipped += one.end > length
        inside.append(_Text(one.start, min(one.end, length), one.text) if one.end > length else one)
    if clipped:
        notes.append(f"{counted(clipped, 'event')} ended with the media")
    return inside


def _leave_out(one: _Text | TimedText, reason: str, notes: list[str]) -> None:
    at = clock_text(Fraction(one.start, 1000))
    notes.append(f"left out, {reason}: {at} {one.text}")


def _note_changes(kept: Sequence[TimedText], cues: Sequence[Cue], notes: list[str]) -> None:
    """Sum up where the cues differ from their events."""
    divided = sum(len(one.pages) > 1 for one in kept)
    moves = []
    shorter = longer = place = 0
    for one in kept:
        first, last = cues[place], cues[place + len(one.pages) - 1]
        place += len(one.pages)
        if first.start != one.start:
            moves.append(abs(first.start - one.start))
        shorter += last.end < one.end
        longer += last.end > max(one.end, one.start + 1)
    if divided:
        notes.append(f"{counted(divided, 'event')} divided into several cues, to fit the lines")
    if moves:
        notes.append(
            f"{counted(len(moves), 'event')} moved by up to {max(moves) / 1000:.3f} s, so that cues follow one another"
        )
    if shorter:
        notes.append(f"{counted(shorter, 'cue')} {'was' if shorter == 1 else 'were'} shortened because events overlap")
    if longer:
        notes.append(f"{counted(longer, 'cue')} shown past the event's end, to be readable")


def _length(media: MediaInfo) -> int:
    """The media's length in milliseconds; 0 where it is not known."""
    return media.duration.numerator * 1000 // media.duration.denominator
