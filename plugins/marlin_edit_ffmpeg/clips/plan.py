"""What will be written: one plan a clip, made of values before anything is opened for writing."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from enum import Enum
from pathlib import Path

from marlin_edit.edit import Cut, Edit
from marlin_edit.media import MediaInfo
from marlin_edit.timebase import FrameRange
from marlin_edit_ffmpeg.containers import Container, container_for


class Mode(Enum):
    """How a clip's picture is made: packets copied and only both ends encoded, every frame encoded again (but for
    pictures that each stand for themselves, which are copied), or packets copied from a keyframe on."""

    SMART = "smart"
    EXACT = "exact"
    COPY = "copy"


class Sound(Enum):
    """How a clip's sound is made: packets copied where that begins within 25 ms, or encoded to the sample."""

    COPY = "copy"
    EXACT = "exact"


@dataclass(frozen=True)
class ClipPlan:
    """A clip to be written. `number` counts from 1 in the edit's order; `reason` says why the mode is another one."""

    number: int
    cut: Cut
    path: Path
    container: Container
    mode: Mode
    asked_mode: Mode
    sound: Sound
    crf: int
    reason: str | None = None
    warnings: tuple[str, ...] = ()

    @property
    def media(self) -> MediaInfo:
        """The source."""
        return self.cut.source.media

    @property
    def frames(self) -> FrameRange:
        """The frames that are asked for."""
        return self.cut.frames

    def as_exact(self, reason: str) -> ClipPlan:
        """The plan in exact mode, with the reason."""
        return replace(self, mode=Mode.EXACT, reason=reason)


def plan_clips(
    edit: Edit,
    out_dir: Path,
    names: Sequence[str],
    mode: Mode,
    sound: Sound,
    crf: int,
    asked: Container | None = None,
) -> tuple[ClipPlan, ...]:
    """One plan a cut, with its name inside `out_dir`; `names` are without a suffix, `asked` is a wanted container."""
    plans = []
    for number, (cut, name) in enumerate(zip(edit.cuts, names, strict=True), 1):
        kind, warning = container_for(cut.source.media, copied=mode is Mode.COPY, asked=asked)
        plans.append(
            ClipPlan(
                number,
                cut,
                out_dir / (name + kind.suffix),
                kind,
                mode,
                mode,
                sound,
                crf,
                warnings=(warning,) if warning else (),
            )
        )
    return tuple(plans)
