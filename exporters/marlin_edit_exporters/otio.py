"""OpenTimelineIO (`.otio`): cuts as clips with their markers; without cuts, each whole source as one clip.

Times are whole frames at the edit's exact rate. Source ranges and markers count in the media's time code, its start
time code included; the timeline starts at the edit's record start.
"""

from __future__ import annotations

from bisect import bisect_left, bisect_right
from dataclasses import dataclass
from itertools import accumulate
from typing import Any

from marlin_edit.analysis import Analysis, Event, Finding, Verdict
from marlin_edit.edit import Edit
from marlin_edit.errors import MarlinEditError
from marlin_edit.interfaces import RenderContext, Rendered
from marlin_edit.media import MediaInfo
from marlin_edit.text import clean, shortened
from marlin_edit.timebase import FrameRange, seconds_text
from marlin_edit_exporters.conform import check_one_rate, frames_or_none, notes_on_rates, sources_used

NAMESPACE = "marlin-edit"
NAME_LENGTH = 120
EVENT_COLOUR = "BLUE"
FINDING_COLOUR = "GREEN"


@dataclass(frozen=True)
class _Mark:
    """An event or a finding as a marker: its frames in the source, and what is written about it."""

    frames: FrameRange
    name: str
    comment: str
    colour: str
    metadata: dict[str, Any]


class _Marks:
    """The marks of one source, in order, so that those of a stretch are found without looking at all."""

    def __init__(self, marks: list[_Mark]) -> None:
        self.marks = sorted(marks, key=lambda mark: mark.frames.first)
        self._firsts = [mark.frames.first for mark in self.marks]
        self._latest_stops = list(accumulate((mark.frames.stop for mark in self.marks), max))

    def inside(self, frames: FrameRange) -> list[_Mark]:
        """The marks that share a frame with the range."""
        begin, end = bisect_right(self._latest_stops, frames.first), bisect_left(self._firsts, frames.stop)
        return [mark for mark in self.marks[begin:end] if mark.frames.stop > frames.first]


@dataclass(frozen=True)
class _Placed:
    """A stretch of a source that becomes a clip."""

    source: Analysis
    frames: FrameRange
    name: str
    metadata: dict[str, Any]


def render(edit: Edit, context: RenderContext) -> Rendered:
    """The timeline as OpenTimelineIO's own JSON, with its stock schemas only."""
    import opentimelineio as otio

    check_one_rate(edit)
    rate = float(edit.rate.value)

    def frame(number: int) -> otio.opentime.RationalTime:
        return otio.opentime.RationalTime(number, rate)

    def span(first: int, count: int) -> otio.opentime.TimeRange:
        return otio.opentime.TimeRange(frame(first), frame(count))

    def reference(media: MediaInfo) -> otio.schema.ExternalReference:
        found = otio.schema.ExternalReference(
            target_url=_target(media),
            available_range=span(media.start_frame, media.frame_count) if media.frame_count else None,
        )
        found.name = clean(media.path.name)
        return found

    def clip(placed: _Placed) -> otio.schema.Clip:
        media = placed.source.media
        return otio.schema.Clip(
            name=shortened(placed.name, NAME_LENGTH),
            media_reference=reference(media),
            source_range=span(media.start_frame + placed.frames.first, placed.frames.count),
            metadata={NAMESPACE: placed.metadata},
        )

    def marker(mark: _Mark, within: FrameRange, media: MediaInfo) -> otio.schema.Marker:
        first, stop = max(mark.frames.first, within.first), min(mark.frames.stop, within.stop)
        return otio.schema.Marker(
            name=shortened(mark.name, NAME_LENGTH),
            marked_range=span(media.start_frame + first, stop - first),
            color=mark.colour,
            comment=mark.comment,
            metadata={NAMESPACE: mark.metadata},
        )

    notes = notes_on_rates(edit)
    marks = {source.media.path: _Marks(_marks_of(source, notes)) for source in sources_used(edit)}
    placed = _placed(edit)
    video = otio.schema.Track(name="V1", kind=otio.schema.TrackKind.Video)
    audio = otio.schema.Track(name="A1", kind=otio.schema.TrackKind.Audio)
    shown: set[int] = set()
    for stretch in placed:
        picture = clip(stretch)
        for mark in marks[stretch.source.media.path].inside(stretch.frames):
            picture.markers.append(marker(mark, stretch.frames, stretch.source.media))
            shown.add(id(mark))
        video.append(picture)
        if _has_audio(stretch.source.media):
            audio.append(clip(stretch))
        else:
            audio.append(otio.schema.Gap(source_range=span(0, stretch.frames.count)))
    timeline = otio.schema.Timeline(
        name=clean(edit.title), global_start_time=frame(edit.record_start), metadata={NAMESPACE: _about(edit)}
    )
    timeline.tracks.append(video)
    if any(_has_audio(stretch.source.media) for stretch in placed):
        timeline.tracks.append(audio)
    outside = sum(len(known.marks) for known in marks.values()) - len(shown)
    if outside:
        notes.append(f"{outside} events and findings left out, because they lie in no cut")
    return Rendered(timeline.to_json_string(indent=1) + "\n", tuple(notes))


def _placed(edit: Edit) -> list[_Placed]:
    if edit.cuts:
        return [
            _Placed(
                cut.source,
                cut.frames,
                clean(cut.name)
                or (clean(cut.finding.query) if cut.finding else "")
                or clean(cut.source.media.path.stem),
                _about_source(cut.source) | (_about_finding(cut.finding) if cut.finding is not None else {}),
            )
            for cut in edit.cuts
        ]
    placed = []
    for source in edit.sources:
        if source.media.frame_count == 0:
            raise MarlinEditError(
                f"How long {source.media.path.name} is, is not known. Give the media with --media, or --duration."
            )
        whole = FrameRange(0, source.media.frame_count)
        placed.append(_Placed(source, whole, clean(source.media.path.stem), _about_source(source)))
    return placed


def _marks_of(source: Analysis, notes: list[str]) -> list[_Mark]:
    marks: list[_Mark] = []
    past = 0
    rejected = 0
    seen: tuple[Event | Finding, ...] = (*source.events, *source.findings)
    for item in seen:
        if isinstance(item, Finding) and item.verdict is Verdict.REJECTED:
            rejected += 1
            continue
        frames = frames_or_none(item.span, source.media)
        if frames is None:
            past += 1
        else:
            marks.append(_mark(item, frames, source))
    name = clean(source.media.path.name)
    if rejected:
        notes.append(f"{rejected} rejected findings of {name} left out")
    if past:
        notes.append(f"{past} events and findings left out, because they begin after the end of {name}")
    return marks


def _mark(item: Event | Finding, frames: FrameRange, source: Analysis) -> _Mark:
    generated = f"auto-generated by {source.model}" if source.model is not None else "auto-generated"
    if isinstance(item, Event):
        text = clean(item.text)
        about: dict[str, Any] = {"kind": "event", "text": text}
        comment = [text, generated] if len(text) > NAME_LENGTH else [generated]
        colour = EVENT_COLOUR
    else:
        text = clean(item.query)
        about = _about_finding(item)
        comment = [text] if len(text) > NAME_LENGTH else []
        comment += ["not scored" if item.score is None else f"score {item.score:.2f}", generated]
        colour = FINDING_COLOUR
    about |= {"start": seconds_text(item.span.start), "end": seconds_text(item.span.end)}
    if item.flags:
        about["flags"] = [clean(flag) for flag in item.flags]
    return _Mark(frames, text, clean("; ".join(comment)), colour, about)


def _about_finding(finding: Finding) -> dict[str, Any]:
    about: dict[str, Any] = {"kind": "finding", "query": clean(finding.query)}
    if finding.score is not None:
        about["score"] = finding.score
    return about


def _about_source(source: Analysis) -> dict[str, Any]:
    media = source.media
    about: dict[str, Any] = {}
    if media.reel:
        about["reel"] = clean(media.reel)
    if media.fingerprint:
        about["fingerprint"] = clean(media.fingerprint)
    return about


def _about(edit: Edit) -> dict[str, Any]:
    models = sorted({clean(str(source.model)) for source in edit.sources if source.model is not None})
    return {"rate": str(edit.rate.value), "drop_frame": edit.rate.drop_frame, "models": models, "auto_generated": True}


def _has_audio(media: MediaInfo) -> bool:
    return any(stream.kind == "audio" for stream in media.streams)


def _target(media: MediaInfo) -> str:
    """The plain absolute path: Resolve finds media by it, and not by a percent-encoded URL."""
    target = str(media.path.absolute())
    try:
        target.encode()
    except UnicodeEncodeError as error:
        raise MarlinEditError(f"The name of {target!r} is not Unicode, and .otio is. Rename the file first.") from error
    return target
