"""Reads values from a JSON file that anybody may have written: each is of the kind that its place needs, or an error.

A place is the way to a value, such as `events[3].end`.
"""

from __future__ import annotations

import json
import math
import re
from collections.abc import Callable
from decimal import Decimal
from fractions import Fraction
from typing import Any

from marlin_edit.errors import MarlinEditError
from marlin_edit.text import clean
from marlin_edit.timebase import Span, parse_seconds, short_seconds

LONGEST_TIME = 10**9
"""Seconds. Longer than any media."""

_TIME = re.compile(r"[+-]?\d{1,30}(?:\.\d{1,30})?(?:[eE][+-]?\d{1,2})?|[+-]?\d{1,30}/\d{1,30}")


def utf8_text(content: bytes, called: str) -> str:
    """A file's text; a byte order mark is left out.

    Args:
        content: The file's bytes.
        called: What the file should be, like `JSON`.
    """
    try:
        return content.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        raise MarlinEditError(f"This is not {called}: it is not UTF-8 text (byte {error.start}).") from error


_DEEPEST = 200
_NESTING = re.compile(r'"(?:[^"\\]|\\.)*"|\'(?:[^\'\\]|\\.)*\'|[\[\]{}]', re.DOTALL)


def refuse_deep(text: str, called: str) -> None:
    """MarlinEditError for a JSON text whose values are nested too deeply for libraries that are written in C++."""
    depth = 0
    for found in _NESTING.finditer(text):
        mark = found[0]
        depth += 1 if mark in "[{" else -1 if mark in "]}" else 0
        if depth > _DEEPEST:
            raise MarlinEditError(f"This is not {called}: its values are nested more than {_DEEPEST} deep.")


def parsed_json(text: str, called: str, number: Callable[[str], Any] = float) -> Any:
    """The value in a JSON text.

    Args:
        text: The JSON text.
        called: What it should be, like `an analysis`.
        number: Reads a number with decimals.
    """
    try:
        value = json.loads(text, parse_float=number)
        _refuse_infinite(value, "")
    except json.JSONDecodeError as error:
        raise MarlinEditError(
            f"This is not JSON: {error.msg.lower()} in line {error.lineno}, column {error.colno}."
        ) from error
    except (ValueError, ArithmeticError) as error:  # an integer of thousands of digits, an exponent of twenty
        raise MarlinEditError(f"This is not {called}: a number in it is too long.") from error
    except RecursionError as error:
        raise MarlinEditError(f"This is not {called}: its values are nested too deeply.") from error
    return value


def _refuse_infinite(value: Any, place: str) -> None:
    if isinstance(value, (float, Decimal)) and not math.isfinite(value):
        raise MarlinEditError(f"{place}: {value} is not a number that can be used.")
    if isinstance(value, dict):
        for key, inner in value.items():
            _refuse_infinite(inner, f"{place}.{key}" if place else key)
    elif isinstance(value, list):
        for index, inner in enumerate(value):
            _refuse_infinite(inner, f"{place}[{index}]")


def checked_time(value: Any, place: str) -> Fraction:
    """Seconds from zero, exact: of a number, or of decimal or `n/d` text."""
    expected = 'should be seconds from zero, like 14.3, "14.3" or "1001/24"'
    if isinstance(value, bool) or not isinstance(value, (int, float, Decimal, str)) or not _TIME.fullmatch(str(value)):
        raise fault(place, expected, value)
    try:
        seconds = parse_seconds(str(value))
    except MarlinEditError as error:
        raise fault(place, expected, value) from error
    if seconds < 0:
        raise fault(place, "should not be before zero", value)
    if seconds > LONGEST_TIME:
        raise fault(place, "is longer than any media", value)
    return seconds


def checked_span(entry: dict[str, Any], place: str) -> Span:
    """The span of an entry with `start` and `end`."""
    start, end = checked_time(entry.get("start"), f"{place}.start"), checked_time(entry.get("end"), f"{place}.end")
    if start >= end:
        raise fault(f"{place}.end", f"should come after the start ({short_seconds(start)})", short_seconds(end))
    return Span(start, end)


def checked_pair(value: Any, place: str) -> Span:
    """The span of a list of two, its start and its end."""
    pair = checked_list(value, place)
    if len(pair) != 2:
        raise fault(place, 'should be a start and an end, like ["0", "60"]', value)
    return checked_span({"start": pair[0], "end": pair[1]}, place)


def checked_number(value: Any, place: str) -> float:
    """A finite number."""
    if isinstance(value, bool) or not isinstance(value, (int, float)) or abs(value) > 1e300:
        raise fault(place, "should be a number", value)
    return float(value)


def checked_count(value: Any, place: str) -> int:
    """A whole number from 0."""
    if isinstance(value, bool) or not isinstance(value, int) or not 0 <= value < 10**12:
        raise fault(place, "should be a whole number from 0", value)
    return value


def checked_text(value: Any, place: str, *, cleaned: bool = True) -> str:
    """Text, cleaned to one line unless `cleaned` is off."""
    if not isinstance(value, str):
        raise fault(place, "should be text", value)
    return clean(value) if cleaned else value


def checked_list(value: Any, place: str) -> list[Any]:
    """A list."""
    if not isinstance(value, list):
        raise fault(place, "should be a list", value)
    return value


def checked_object(value: Any, place: str) -> dict[str, Any]:
    """An object."""
    if not isinstance(value, dict):
        raise fault(place, "should be an object", value)
    return value


def fault(place: str, expected: str, value: Any) -> MarlinEditError:
    """The error for a value, like `events[3].end: this should come after the start, not 12`."""
    return MarlinEditError(f"{place}: this {expected}, not {kind_of(value)}.")


def kind_of(value: Any) -> str:
    """A value as an error names it: short, on one line."""
    if value is None:
        return "nothing"
    if isinstance(value, (dict, list)):
        return "an object" if isinstance(value, dict) else "a list"
    text = clean(json.dumps(str(value) if isinstance(value, Decimal) else value))
    return text if len(text) <= 60 else text[:57] + "..."
