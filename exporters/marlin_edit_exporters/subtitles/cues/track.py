"""From an edit to its track: what of its source is shown, and how. Notes say what is left out, and why."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from fractions import Fraction
from typing import NamedTuple

from marlin_edit.analysis import Analysis, Verdict
from marlin_edit.edit import Edit, is_transcribed
from marlin_edit.errors import UsageError
from marlin_edit.interfaces import Context
from marlin_edit.media import MediaInfo
from marlin_edit.settings import DEFAULT, Settings
from marlin_edit.text import clean, counted
from marlin_edit.timebase import clock_text, milliseconds_of
from marlin_edit_exporters.subtitles.cues.captions import UNSURE, captions_of
from marlin_edit_exporters.subtitles.cues.descriptions import WORDS_A_MINUTE, Placed, apart, placed_between, spoken
from marlin_edit_exporters.subtitles.cues.line_breaks import pages_of
from marlin_edit_exporters.subtitles.cues.looks import dressed
from marlin_edit_exporters.subtitles.cues.profiles import Pace, Profile, profile_named, words_of
from marlin_edit_exporters.subtitles.cues.timing import FOREVER, Limits, TimedText, scheduled, scheduled_between
from marlin_edit_exporters.subtitles.cues.values import Cue, Track

AUTO = "auto"

EXTENDED = "extended"
"""The flag of a cue of a subtitle file for which the player has to stop."""

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
    pace: int | None
    extended: bool

    @classmethod
    def of(cls, settings: Settings) -> Options:
        """The options that the settings choose."""
        return cls(
            settings.value("subtitle_profile", str),
            settings.value("subtitle_kind", str),
            settings.value("subtitle_language", str),
            settings.source("subtitle_language") != DEFAULT,
            settings.value("subtitle_detail", str),
            settings.optional("subtitle_pace", int),
            settings.value("subtitle_extended", bool),
        )

    def in_language_of(self, source: Analysis) -> Options:
        """The options in the language that most is said in, if none was chosen."""
        spoken_in = Counter(one.language for one in source.speech or () if one.text and one.language)
        if self.language_is_chosen or not spoken_in:
            return self
        return replace(self, language=spoken_in.most_common(1)[0][0])

    def for_source(self, source: Analysis) -> Options:
        """The options with the kind that fits a source, if none was chosen: captions of what is said alone."""
        if self.kind != AUTO:
            return self
        return replace(self, kind="captions" if is_transcribed(source) and not source.events else "descriptions")


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
        options = options.for_source(source)
        converted = bool(source.events) and all(READY in event.flags for event in source.events)
        captions = options.kind in ("captions", "sdh") and not converted
        texts = _told(source, notes) if options.kind != "captions" or converted else []
        if converted:
            cues = _as_they_are(source)
        elif captions:
            options = options.in_language_of(source)
            cues = _captions(source, texts, profile, options, notes)
        elif options.kind == "metadata":
            cues = _exact(texts, _length(source.media), notes)
        else:
            cues = _readable(source, texts, profile, options, notes)
    if options.kind == AUTO:
        options = replace(options, kind="descriptions")
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
            cues.append(
                Cue(start, end, lines, dressed(lines, event.runs), event.place, extended=EXTENDED in event.flags)
            )
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
    busy = spoken(source) if options.kind == "descriptions" else []
    if options.kind == "descriptions" and (busy or options.pace is not None):
        profile = profile.spoken_at(options.pace or WORDS_A_MINUTE)
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
    if busy:
        placed = placed_between(timed, pace, limits, busy, shots, words, options.detail, extended=options.extended)
        schedule = placed.schedule
        _note_places(placed, len(timed), notes)
    else:
        schedule = scheduled(timed, pace, limits, shots)
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


def _note_places(placed: Placed, count: int, notes: list[str]) -> None:
    found = count - len(placed.schedule.crowded_out) - len(placed.schedule.too_long) - placed.extended
    notes.append(f"{found} of {counted(count, 'description')} found a place between what is said")
    if placed.extended:
        notes.append(
            f"{counted(placed.extended, 'description')} extended: the player has to stop the video while it is spoken "
            "(in WebVTT, the id of its cue begins with extended)"
        )
    for start, whole, text in placed.shortened:
        at = clock_text(Fraction(start, 1000))
        notes.append(f"shortened, to fit between what is said: {at} {whole} (now: {text})")


def _captions(
    source: Analysis, texts: Sequence[_Text], profile: Profile, options: Options, notes: list[str]
) -> list[Cue]:
    """What is said; for sdh with what is seen in brackets, where nobody speaks."""
    if source.speech is None:
        raise UsageError(
            f"{clean(source.media.path.name)}: nobody has listened to it, so there are no captions. Use `marlin-edit "
            "transcribe`, or --speech with `caption`; --kind descriptions tells what is seen."
        )
    media = source.media
    profile = profile.on_picture(media)
    length = _length(media)
    pace = Pace.of(profile, media.rate)
    words = words_of(options.language)
    shots = sorted({milliseconds_of(shot) for shot in source.shots or ()})
    captions = captions_of(source, pace, words, length, shots)
    if captions.fast:
        notes.append(
            f"{counted(captions.fast, 'cue')} faster to read than {profile.name} allows, because the speech is fast"
        )
    unsure = sum(one.is_unsure for one in source.speech)
    if unsure:
        notes.append(f"{counted(unsure, 'utterance')} marked {UNSURE}, because the speech model was unsure: check them")
    if options.kind != "sdh":
        return list(captions.cues)
    timed = []
    for one in _inside(texts, length, notes):
        text = f"[{one.text}]"
        timed.append(TimedText(one.start, one.end, text, pages_of(text, pace, words)))
    limits = Limits(int(profile.early * 1000), int(profile.late * 1000), length or FOREVER)
    busy = apart((max(0, cue.start - pace.gap), cue.end + pace.gap) for cue in captions.cues)
    schedule = scheduled_between(timed, pace, limits, busy, shots)
    for left in (*schedule.crowded_out, *schedule.too_long):
        _leave_out(left, "because there is no room for it beside what is said", notes)
    return sorted([*captions.cues, *schedule.cues], key=lambda cue: (cue.start, cue.end))


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
