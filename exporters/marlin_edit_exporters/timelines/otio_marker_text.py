"""Markers in OpenTimelineIO's own JSON, to the letter as the library writes it, but in a fraction of its time.

The library writes the timeline with a stand-in wherever markers belong; here they are put in its place.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

_NAME = "stand-in"
_quoted = json.JSONEncoder(ensure_ascii=False).encode


@dataclass(frozen=True)
class OtioMarker:
    """A marker of `count` frames from `first` on; metadata: objects, lists, texts and numbers."""

    name: str
    first: int = 0
    count: int = 0
    colour: str = "RED"
    comment: str = ""
    metadata: Mapping[str, Any] | None = None


class StandIns:
    """The markers of a timeline at a rate that is being written, by the numbers of their stand-ins."""

    def __init__(self, rate: float) -> None:
        self._rate = rate
        self._markers: list[tuple[tuple[OtioMarker, ...], float]] = []

    def of(self, markers: Iterable[OtioMarker], rate: float) -> list[Any]:
        """What to put into the library's `markers` for these, which count at a rate."""
        import opentimelineio as otio

        several = tuple(markers)
        if not several:
            return []
        self._markers.append((several, rate))
        nothing = otio.opentime.RationalTime(0, self._rate)
        span = otio.opentime.TimeRange(nothing, nothing)
        return [otio.schema.Marker(name=f"{_NAME}{len(self._markers) - 1}", marked_range=span)]

    def replaced(self, text: str) -> str:
        """The timeline's JSON, which the library wrote with an indent of 1, with the markers in it."""
        rate = _value(self._rate, "")
        # All of it is looked for, so that no name of anything else is taken for a stand-in.
        pattern = re.escape(_text(OtioMarker(_NAME), rate, "\0")).replace(re.escape(_NAME), f"{_NAME}(\\d+)")
        stand_in = re.compile("( +)" + pattern.replace("\0", r"\1"))

        def put(match: re.Match[str]) -> str:
            indent = match[1]
            markers, own = self._markers[int(match[2])]
            return ",\n".join(indent + _text(marker, _value(own, ""), indent) for marker in markers)

        text, count = stand_in.subn(put, text)
        assert count == len(self._markers), "the library writes markers in another way"
        return text


def _text(marker: OtioMarker, rate: str, indent: str) -> str:
    """One marker; its first line is without the indent."""
    return f"""{{
{indent} "OTIO_SCHEMA": "Marker.2",
{indent} "metadata": {_value(marker.metadata or {}, indent + " ")},
{indent} "name": {_quoted(marker.name)},
{indent} "color": "{marker.colour}",
{indent} "marked_range": {{
{indent}  "OTIO_SCHEMA": "TimeRange.1",
{indent}  "duration": {{
{indent}   "OTIO_SCHEMA": "RationalTime.1",
{indent}   "rate": {rate},
{indent}   "value": {marker.count}.0
{indent}  }},
{indent}  "start_time": {{
{indent}   "OTIO_SCHEMA": "RationalTime.1",
{indent}   "rate": {rate},
{indent}   "value": {marker.first}.0
{indent}  }}
{indent} }},
{indent} "comment": {_quoted(marker.comment)}
{indent}}}"""


def _value(value: Any, indent: str) -> str:
    if isinstance(value, str):
        return _quoted(value)
    if isinstance(value, int):
        return str(value)
    if isinstance(value, float):
        import opentimelineio as otio

        # Its digits are not always those of Python.
        return str(otio.core.serialize_json_to_string(value))
    if isinstance(value, Mapping):
        # The library sorts the keys of metadata.
        inner = [f"{indent} {_quoted(key)}: {_value(value[key], indent + ' ')}" for key in sorted(value)]
        return "{\n" + ",\n".join(inner) + f"\n{indent}}}" if inner else "{}"
    inner = [f"{indent} {_value(one, indent + ' ')}" for one in value]
    return "[\n" + ",\n".join(inner) + f"\n{indent}]" if inner else "[]"
