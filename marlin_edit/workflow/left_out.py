"""What a format cannot store of an edit, in sentences: one place for all formats."""

from __future__ import annotations

from collections.abc import Sequence

from marlin_edit.edit import Edit, is_transcribed
from marlin_edit.interfaces import Carries, Exporter
from marlin_edit.text import counted

_CONTENTS = (
    (Carries.SCENES, "scene"),
    (Carries.EVENTS, "event"),
    (Carries.FINDINGS, "finding"),
    (Carries.CUTS, "cut"),
)
_OF_MARKERS = ((Carries.MARKER_DURATION, "durations"), (Carries.COLOUR, "colours"), (Carries.NOTES, "notes"))
_OF_CUTS = ((Carries.SOURCE_TIMECODE, "source time code"), (Carries.REEL, "reel names"), (Carries.AUDIO, "sound"))


def left_out(exporter: Exporter, edit: Edit) -> list[str]:
    """What the edit has and the format cannot store: `SRT cannot store cuts; 3 cuts were left out`."""
    carries, name = exporter.carries, title_of(exporter)
    numbers = {
        Carries.SCENES: sum(len(source.scenes) for source in edit.sources),
        Carries.EVENTS: sum(len(source.events) for source in edit.sources),
        # If there are cuts, the findings are in them.
        Carries.FINDINGS: 0 if edit.cuts else sum(len(source.findings) for source in edit.sources),
        Carries.CUTS: len(edit.cuts),
    }
    sentences = [
        _without(exporter, numbers[flag], word)
        for flag, word in _CONTENTS
        if numbers[flag] and not carries & flag and not (flag is Carries.SCENES and carries & Carries.EVENTS)
    ]
    said = sum(bool(one.text) for source in edit.sources if is_transcribed(source) for one in source.speech or ())
    if said and not carries & Carries.SPEECH and not any(source.events for source in edit.sources):
        was = "was" if said == 1 else "were"
        sentences.append(f"{name} cannot store what is said; {counted(said, 'utterance')} {was} left out")
    if carries & Carries.MARKERS and any(source.events or source.findings for source in edit.sources):
        lacking = [words for flag, words in _OF_MARKERS if not carries & flag]
        if lacking:
            sentences.append(f"{name} cannot store marker {_listed(lacking, 'or')}; they were left out")
    if carries & Carries.CUTS and carries & Carries.MARKERS:
        present = {
            Carries.SOURCE_TIMECODE: any(source.media.start_frame for source in edit.sources),
            Carries.REEL: any(source.media.reel for source in edit.sources),
            Carries.AUDIO: any(stream.kind == "audio" for source in edit.sources for stream in source.media.streams),
        }
        lacking = [words for flag, words in _OF_CUTS if present[flag] and not carries & flag]
        if lacking:
            sentences.append(f"{name} cannot store {_listed(lacking, 'or')}; left out")
    return sentences


def scenes_left_out(exporter: Exporter, edit: Edit) -> str:
    """The scenes that a format of events leaves out: as most do, that is a detail; nothing where it has them all."""
    number = sum(len(source.scenes) for source in edit.sources)
    lacking = number and exporter.carries & Carries.EVENTS and not exporter.carries & Carries.SCENES
    return _without(exporter, number, "scene") if lacking else ""


def _without(exporter: Exporter, number: int, word: str) -> str:
    was = "was" if number == 1 else "were"
    return f"{title_of(exporter)} cannot store {word}s; {counted(number, word)} {was} left out"


def title_of(exporter: Exporter) -> str:
    """A format's name in a sentence: in capitals if it is the format's suffix (`EDL`), else as it is (`youtube`)."""
    return exporter.name.upper() if f".{exporter.name}" == exporter.suffixes[0] else exporter.name


def contents_of(carries: Carries) -> str:
    """What a format can hold, in words: `scenes and events`."""
    names = [word + "s" for flag, word in _CONTENTS if carries & flag]
    names += ["what is said"] if carries & Carries.SPEECH else []
    return _listed(names, "and") if names else "none of these"


def _listed(words: Sequence[str], last: str) -> str:
    return f" {last} ".join([", ".join(words[:-1]), words[-1]] if len(words) > 1 else words)
