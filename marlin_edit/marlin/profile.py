"""How a checkpoint wants its video: rate, frames, pixels, prompt wrapper. Ours, never a library's defaults.

A checkpoint says it in `marlin_edit_profile.json` beside its weights; without that file it is taken as Marlin.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from fractions import Fraction
from pathlib import Path
from typing import Any, TypeVar

from marlin_edit.errors import MarlinEditError

PROFILE_FILE = "marlin_edit_profile.json"
_SCHEMA = "marlin-edit.profile/1"
_T = TypeVar("_T")


@dataclass(frozen=True)
class Profile:
    """What the video part of a prompt was in training.

    fps: frames a second that the model is shown. pixels_per_frame: the most a frame keeps after the resize.
    smallest_pixels: what a whole clip is enlarged to, at least. outer_vision_tokens: whether one more pair of vision
    tokens stands around all frame pairs. answer_prefix: what the template puts before the answer. longest_window:
    seconds. notice: what is said wherever the model is used, or nothing.
    """

    name: str
    fps: Fraction
    min_frames: int
    max_frames: int
    pixels_per_frame: int
    smallest_pixels: int
    outer_vision_tokens: bool
    answer_prefix: str
    longest_window: Fraction
    notice: str = ""

    def __post_init__(self) -> None:
        if self.fps <= 0 or self.longest_window <= 0:
            raise MarlinEditError(f"The profile {self.name} needs fps and longest_window above zero.")
        if not 1 <= self.min_frames <= self.max_frames:
            raise MarlinEditError(f"The profile {self.name} needs 1 <= min_frames <= max_frames.")
        if self.pixels_per_frame < 1 or self.smallest_pixels < 0:
            raise MarlinEditError(f"The profile {self.name} needs a pixel budget above zero.")

    @property
    def sampling_step(self) -> Fraction:
        """Seconds between two frames."""
        return 1 / self.fps


MARLIN = Profile(
    name="marlin-2b/1",
    fps=Fraction(2),
    min_frames=4,
    max_frames=240,
    pixels_per_frame=200_704,
    smallest_pixels=4_096,
    outer_vision_tokens=False,
    answer_prefix="<think>\n\n</think>\n\n",
    longest_window=Fraction(120),
)
"""As Marlin-2B was trained: 2 frames a second, up to two minutes, 196 video tokens a pair of frames."""


@dataclass(frozen=True)
class PatchLayout:
    """How the vision tower cuts frames up, from its config: pixels a patch side, patches merged, frames a patch."""

    patch: int = 16
    merge: int = 2
    temporal: int = 2

    @property
    def factor(self) -> int:
        """Both sides of a resized frame are multiples of this."""
        return self.patch * self.merge


def read_profile(checkpoint: Path) -> Profile:
    """The profile of a checkpoint directory: its own file, or Marlin's. A faulty file raises MarlinEditError."""
    path = checkpoint / PROFILE_FILE
    try:
        text = path.read_text(encoding="utf-8")
    except (FileNotFoundError, NotADirectoryError):
        return MARLIN
    except (OSError, UnicodeDecodeError) as error:
        raise MarlinEditError(f"The model's profile {path} cannot be read: {error}.") from error
    try:
        values = json.loads(text)
    except (ValueError, RecursionError) as error:
        raise MarlinEditError(f"The model's profile {path} is not JSON ({error}). Get the model again.") from error
    if not isinstance(values, dict):
        raise MarlinEditError(f"The model's profile {path} is not a JSON object. Get the model again.")
    if values.get("schema") != _SCHEMA:
        raise MarlinEditError(
            f"The model's profile {path} has schema {values.get('schema')!r}; this version reads {_SCHEMA}."
        )
    return Profile(
        name=_value(values, "name", path, _text),
        fps=_value(values, "fps", path, _fraction),
        min_frames=_value(values, "min_frames", path, _integer),
        max_frames=_value(values, "max_frames", path, _integer),
        pixels_per_frame=_value(values, "pixels_per_frame", path, _integer),
        smallest_pixels=_value(values, "smallest_pixels", path, _integer),
        outer_vision_tokens=_value(values, "outer_vision_tokens", path, _truth),
        answer_prefix=_value(values, "answer_prefix", path, _text),
        longest_window=_value(values, "longest_window", path, _fraction),
        notice=_value(values, "notice", path, _text) if "notice" in values else "",
    )


def _value(values: Mapping[str, Any], key: str, path: Path, read: Callable[[Any], _T]) -> _T:
    if key not in values:
        raise MarlinEditError(f"The model's profile {path} has no {key!r}.")
    try:
        return read(values[key])
    except (TypeError, ValueError, ZeroDivisionError) as error:
        raise MarlinEditError(f"The model's profile {path} has {values[key]!r} as {key}: {error}.") from error


def _text(value: Any) -> str:
    if not isinstance(value, str):
        raise TypeError("a text is needed")
    return value


def _integer(value: Any) -> int:
    if not isinstance(value, int) or isinstance(value, bool):
        raise TypeError("a whole number is needed")
    return value


def _truth(value: Any) -> bool:
    if not isinstance(value, bool):
        raise TypeError("true or false is needed")
    return value


def _fraction(value: Any) -> Fraction:
    if not isinstance(value, str) or len(value) > 40:
        raise TypeError('a number in quotes is needed, like "2" or "24000/1001"')
    return Fraction(value)
