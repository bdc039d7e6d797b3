"""Annotations of public data sets, as their makers publish them, read as truth.

They know media by an id, which is looked for below a directory. What cannot be a span (data sets hold some that end
before they begin) is left out and said in the notes. A query is asked without a full stop at its end, as TimeLens' own
evaluation does; the same query about one video is one query with several spans.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass, field
from decimal import Decimal
from fractions import Fraction
from pathlib import Path
from typing import Any

from marlin_edit.errors import MarlinEditError, UsageError
from marlin_edit.evaluation.ground_truth.values import (
    TrueEvent,
    TrueQuery,
    TrueVideo,
    Truth,
    distinct,
    in_order,
    query_words,
)
from marlin_edit.json_values import checked_list, checked_object, checked_text, checked_time, kind_of
from marlin_edit.media.info import VIDEO_SUFFIXES
from marlin_edit.timebase import Span, short_seconds


def read_charades_sta(text: str, videos: Path | None) -> Truth:
    """Lines `VIDEOID start end##sentence.` (Gao et al., TALL, ICCV 2017)."""
    found = _Videos(videos)
    for number, line in enumerate(text.splitlines(), 1):
        if not line.strip():
            continue
        place = f"line {number}"
        said = re.fullmatch(r"\s*(\S+)\s+(\S+)\s+(\S+?)\s*##(.*)", line)
        if said is None:
            raise MarlinEditError(f"{place}: this should be like `AO8RW 0.0 6.9##a person opens a door.`")
        found.of(said[1]).query(said[4], found.span(said[2], said[3], place))
    return found.truth()


def read_activitynet_captions(document: dict[str, Any], videos: Path | None) -> Truth:
    """`{id: {"duration", "timestamps": [[start, end]], "sentences": [text]}}` (Krishna et al., ICCV 2017).

    The sentences are both queries and the events of the captions.
    """
    return _read_paired(document, videos, "timestamps", "sentences", events=True)


def read_timelens_bench(document: dict[str, Any], videos: Path | None) -> Truth:
    """`{id: {"duration", "spans": [[start, end]], "queries": [text]}}`, a span a query (Zhang et al., 2025)."""
    return _read_paired(document, videos, "spans", "queries", events=False)


def read_qvhighlights(lines: Iterable[tuple[int, Any]], videos: Path | None) -> Truth:
    """JSON lines with `query`, `vid` and `relevant_windows` (Lei et al., QVHighlights, NeurIPS 2021).

    A `vid` is `YOUTUBEID_start_end`, a clip of its own. Where there is no such clip but the whole video `YOUTUBEID`,
    the part from start to end of that is the part, and the windows are moved there.
    """
    found = _Videos(videos)
    for number, value in lines:
        place = f"line {number}"
        entry = checked_object(value, place)
        video = found.of(checked_text(entry.get("vid"), f"{place}: vid", cleaned=False), in_whole=True)
        if "relevant_windows" not in entry:
            raise MarlinEditError(
                f"{place}: there are no relevant_windows. The test split is published without; use train or val."
            )
        windows = checked_list(entry["relevant_windows"], f"{place}: relevant_windows")
        spans = [found.pair(window, f"{place}: relevant_windows[{index}]") for index, window in enumerate(windows)]
        video.query(checked_text(entry.get("query"), f"{place}: query"), *spans)
    return found.truth()


def _read_paired(document: dict[str, Any], videos: Path | None, times: str, texts: str, *, events: bool) -> Truth:
    """Videos by id with two lists of one length: times, and the text of each."""
    found = _Videos(videos)
    for name, value in document.items():
        entry = checked_object(value, name)
        pairs = checked_list(entry.get(times), f"{name}.{times}")
        said = checked_list(entry.get(texts), f"{name}.{texts}")
        if len(pairs) != len(said):
            raise MarlinEditError(f"{name}: {len(pairs)} {times} and {len(said)} {texts} do not match.")
        video = found.of(name)
        video.events = [] if events else None
        for index, (pair, words) in enumerate(zip(pairs, said, strict=True)):
            span = found.pair(pair, f"{name}.{times}[{index}]")
            text = checked_text(words, f"{name}.{texts}[{index}]")
            video.query(text, span)
            if video.events is not None and span is not None:
                video.events.append(TrueEvent(span, text))
    return found.truth()


@dataclass
class _Video:
    """What was read of a video so far. Where it is a part of a file, times that are added count from the part."""

    path: Path
    part: Span | None = None
    queries: dict[str, list[Span]] = field(default_factory=dict)
    events: list[TrueEvent] | None = None

    def query(self, sentence: str, *spans: Span | None) -> None:
        """Adds a query's spans; nothing where all of them were left out, which does not make it absent."""
        kept = [span for span in spans if span is not None]
        words = query_words(sentence).rstrip(". ")
        if words and (kept or not spans):
            zero = Fraction(0) if self.part is None else self.part.start
            moved = [Span(zero + span.start, zero + span.end) for span in kept]
            self.queries.setdefault(words, []).extend(moved)


class _Videos:
    """The videos of a data set by id, each with its file below `folder`."""

    def __init__(self, folder: Path | None) -> None:
        if folder is None:
            raise UsageError(
                "These annotations refer to videos by an id. Give the directory of the files with --videos DIR."
            )
        self._folder = folder
        self._videos: dict[str, _Video] = {}
        self._notes: list[str] = []
        self._files: dict[str, Path] = {}
        for path in sorted(folder.rglob("*")):
            if path.suffix.lower() in VIDEO_SUFFIXES and path.is_file():
                self._files.setdefault(path.name, path)
                self._files.setdefault(path.stem, path)

    def of(self, name: str, *, in_whole: bool = False) -> _Video:
        """The video of an id. in_whole: `ID_start_end` may also be a part of the video ID."""
        if name not in self._videos:
            self._videos[name] = self._located(name, in_whole)
        return self._videos[name]

    def _located(self, name: str, in_whole: bool) -> _Video:
        if name in self._files:
            return _Video(self._files[name])
        part = re.fullmatch(r"(.+)_(\d+(?:\.\d+)?)_(\d+(?:\.\d+)?)", name) if in_whole else None
        if part is not None and part[1] in self._files and Fraction(part[2]) < Fraction(part[3]):
            inside = Span(Fraction(part[2]), Fraction(part[3]))
            return _Video(self._files[part[1]], inside)
        return _Video(self._folder / name)

    def pair(self, value: Any, place: str) -> Span | None:
        pair = checked_list(value, place)
        if len(pair) != 2:
            raise MarlinEditError(f"{place}: a start and an end were expected, not {len(pair)} values.")
        return self.span(pair[0], pair[1], place)

    def span(self, start: Any, end: Any, place: str) -> Span | None:
        """A span, or None with a note where these two times are none."""
        if isinstance(start, (int, Decimal)) and start < 0:
            self._notes.append(f"{place} is left out: it begins at {kind_of(start)} s, before the video.")
            return None
        first, last = checked_time(start, f"{place}, start"), checked_time(end, f"{place}, end")
        if first >= last:
            self._notes.append(
                f"{place} is left out: {short_seconds(first)} to {short_seconds(last)} s ends before it begins."
            )
            return None
        return Span(first, last)

    def truth(self) -> Truth:
        videos = [
            TrueVideo(
                video.path,
                tuple(TrueQuery(query, distinct(spans)) for query, spans in video.queries.items()),
                None if video.events is None else in_order(video.events),
                video.part,
            )
            for video in self._videos.values()
        ]
        return Truth(tuple(videos), tuple(self._notes))
