"""What a codec's file answers for: which packets a copy can begin at, what of them must stay as it is, and how packets
of an encoder are set beside them.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from enum import Enum
from typing import Any, Protocol

from marlin_edit.media import Scan

Data = bytes | memoryview


class Begin(Enum):
    """Whether a copy can begin at a keyframe: as if nothing had been before; only with all that follows numbered anew,
    and what is shown before it left out; or not at all."""

    CLEAN = "clean"
    RENUMBERED = "renumbered"
    NEVER = "never"


@dataclass(frozen=True)
class Attempt:
    """Settings of an encoder that are to be tried. depth: frames over which it reorders, at most. fields: whether it
    takes pictures as two fields. between: frames between references that FFmpeg's own encoders may place."""

    options: Mapping[str, str] = field(default_factory=dict)
    depth: int = 0
    fields: bool = False
    between: int = 0


class Syntax(Protocol):
    """One stream of a source, as its codec's file understands it. It is told of keyframes on the way to a plan
    (`look_at`, `begin_at`), then of encoders (`attempts`, `accept`), then of every packet (`copied`, `encoded`).
    Every method may raise Unreadable: the clip is then encoded whole.
    """

    @property
    def encoder(self) -> str | None:
        """The encoder whose pictures match; None where there is none."""
        ...

    @property
    def unclean(self) -> str:
        """Why keyframes that do not start anew cannot be copied from."""
        ...

    def look_at(self, data: Data) -> Begin:
        """Reads a keyframe; tells whether a copy can begin there."""
        ...

    def begin_at(self, data: Data, leading: Sequence[Data]) -> None:
        """The keyframe that copying begins at, after which the `leading` packets are left out of the copy."""
        ...

    def pictures(self, data: Data) -> Iterable[Data]:
        """The parts of a packet that must be the same in a clip, bit for bit, but for what `copied` may change."""
        ...

    def attempts(self, context: Any, scan: Scan) -> Iterator[Attempt]:
        """Settings of the encoder, best first. `context` is the source's decoder context."""
        ...

    def accept(self, header: bytes) -> None:
        """Takes the header of an encoder that was opened with an attempt's settings, or raises Unreadable."""
        ...

    def extradata(self) -> bytes | None:
        """The clip's header; None where it is the source's own."""
        ...

    def encoded(self, data: bytes, *, is_keyframe: bool) -> bytes:
        """A packet of the encoder as it goes into the clip."""
        ...

    def copied(self, data: Data, *, is_keyframe: bool, after_foreign: bool) -> Data:
        """A packet of the source as it goes into the clip. after_foreign: it is the first after encoded ones."""
        ...
