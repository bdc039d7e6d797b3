"""How a model wants its video: which instants of a window, at what size, with which time stamps. No torch is needed.

A checkpoint states its profile in `marlin_edit_profile.json` beside its weights; without that file it is taken as
Marlin. A client of a remote model can use this module alone: the numbers are those that the local engine uses.
"""

from __future__ import annotations

import json
import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from fractions import Fraction
from pathlib import Path
from typing import Any, TypeVar

from marlin_edit.errors import MarlinEditError
from marlin_edit.media import MediaInfo
from marlin_edit.timebase import Span

PROFILE_FILE = "marlin_edit_profile.json"
_SCHEMA = "marlin-edit.profile/1"
_LARGEST_ASPECT = 200
_T = TypeVar("_T")


@dataclass(frozen=True)
class Profile:
    """What the video part of a prompt was in training.

    Attributes:
        name: Its name; answers that are kept name it.
        fps: Frames per second that the model is shown.
        min_frames: Frames of the shortest window.
        max_frames: Frames of the longest window.
        pixels_per_frame: The most pixels of a frame after the resize.
        smallest_pixels: The fewest pixels of all frames of a window together; smaller pictures are enlarged.
        outer_vision_tokens: Whether one more pair of vision tokens stands around all pairs of frames.
        answer_prefix: What the chat template puts before the answer.
        longest_window: Seconds.
        notice: A sentence that is shown wherever the model is used, or nothing.
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
    """How the vision tower cuts frames up, from its config.

    Attributes:
        patch: Pixels along a side of a patch.
        merge: Patches along a side of a token.
        temporal: Frames in a patch.
    """

    patch: int = 16
    merge: int = 2
    temporal: int = 2

    @property
    def factor(self) -> int:
        """Both sides of a resized frame are multiples of this."""
        return self.patch * self.merge


def sample_times(window: Span, profile: Profile) -> list[Fraction]:
    """The instants of a window that the model is shown, in seconds from zero: a steady grid from the window's start.

    A short window gets the profile's least number of frames, evenly spaced.

    Raises:
        MarlinEditError: The window needs more frames than the model was trained for.
    """
    count = math.ceil(window.length * profile.fps)
    if count > profile.max_frames:
        raise MarlinEditError(
            f"The window {window} needs {count} frames; {profile.name} was trained for {profile.max_frames}, "
            f"that is {float(profile.max_frames / profile.fps):g} s. Choose a shorter part with --range IN-OUT."
        )
    if count < profile.min_frames:
        return [window.start + number * window.length / profile.min_frames for number in range(profile.min_frames)]
    return [window.start + number / profile.fps for number in range(count)]


def display_size(media: MediaInfo) -> tuple[int, int]:
    """Height and width of the picture as it is displayed: upright, in square pixels (the stored height is kept)."""
    height, width = media.height, max(1, round(media.width * media.pixel_aspect))
    return (width, height) if media.rotation in (90, 270) else (height, width)


def target_size(
    height: int, width: int, frames: int, profile: Profile, layout: PatchLayout | None = None
) -> tuple[int, int]:
    """Height and width that a clip's frames are resized to, from their displayed size (square pixels, upright).

    `frames` is the whole window's count. Both are multiples of patch x merge; the aspect is kept as nearly as that
    allows.

    Raises:
        MarlinEditError: A picture more than 200 times as long as it is wide.
    """
    layout = layout or PatchLayout()
    factor = layout.factor
    if height < 1 or width < 1 or frames < 1:
        raise MarlinEditError(f"There is no picture to look at: {frames} frames of {width} x {height}.")
    if height < factor or width < factor:
        scale = max(factor / height, factor / width)
        height, width = int(height * scale), int(width * scale)
    if max(height, width) > _LARGEST_ASPECT * min(height, width):
        raise MarlinEditError(f"The model cannot look at a picture of {width} x {height}; it is too narrow.")
    most = profile.pixels_per_frame * frames
    # Rounded half to even, as the model's own processor does.
    paired = round(frames / layout.temporal) * layout.temporal
    target_height, target_width = round(height / factor) * factor, round(width / factor) * factor
    pixels = paired * target_height * target_width
    if pixels > most:
        shrink = math.sqrt((frames * height * width) / most)
        target_height = max(factor, math.floor(height / shrink / factor) * factor)
        target_width = max(factor, math.floor(width / shrink / factor) * factor)
    elif pixels < profile.smallest_pixels:
        enlarge = math.sqrt(profile.smallest_pixels / (frames * height * width))
        target_height = math.ceil(height * enlarge / factor) * factor
        target_width = math.ceil(width * enlarge / factor) * factor
    return target_height, target_width


def stamps(times: Sequence[Fraction], layout: PatchLayout | None = None) -> list[str]:
    """The time written before each pair of frames: the mean of its first and last frame, in tenths of a second.

    `times` count from the window's start. An incomplete last pair repeats its last time.
    """
    step = (layout or PatchLayout()).temporal
    written = []
    for first in range(0, len(times), step):
        pair = times[first : first + step]
        last = pair[-1]
        written.append(f"{float((pair[0] + last) / 2):.1f}")
    return written


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
