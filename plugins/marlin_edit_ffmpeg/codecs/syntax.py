"""What a codec's file answers for: where a copy can begin and what of it must stay as it is, how packets of an encoder
are set beside copied ones (clips), and how streams of several encodings stand in one stream (reels).
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from enum import Enum
from typing import Any, Protocol

from marlin_edit.media import Scan
from marlin_edit_ffmpeg.codecs.bits import Unreadable
from marlin_edit_ffmpeg.containers import Container

Data = bytes | memoryview


class Begin(Enum):
    """Whether a copy can begin at a keyframe: as if nothing had been before; only with all that follows renumbered,
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
    """One stream of a source, as its codec's file understands it. It is shown keyframes on the way to a plan
    (`look_at`, `begin_at`), then encoders (`attempts`, `accept`), then every packet (`copied`, `encoded`).
    Every method may raise Unreadable: the clip is then encoded as a whole.
    """

    @property
    def encoder(self) -> str | None:
        """The encoder whose pictures match; None where there is none."""
        ...

    @property
    def unclean(self) -> str:
        """Why keyframes that are not random access points cannot be copied from."""
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


def _same_header(mine: bytes, theirs: bytes) -> bool:
    return mine == theirs


def _no_common_header(headers: Sequence[bytes]) -> bytes:
    raise Unreadable("its pieces have different parameter sets")


def first_header(headers: Sequence[bytes]) -> bytes:
    """For codecs whose keyframes bring their own parameters along: any header will do."""
    return headers[0]


def _unchanged(header: bytes, keyframe: bytes, kind: Container, is_first: bool) -> bytes:
    return keyframe


@dataclass(frozen=True)
class Splicing:
    """How streams of one codec, each with its own header, are spliced into one stream.

    compatible: whether packets of one stream can stand beside those of another, as far as their headers show.
    common_header: the header under which the packets of all can be decoded; raises Unreadable if there is none.
    keyframe: a keyframe as it stands among foreign packets: with its parameters, since decoding may begin anywhere; of
    the first one, what refers to packets before it is removed. tag: what MP4 and MOV call a stream whose parameters
    are in its packets.
    """

    compatible: Callable[[bytes, bytes], bool] = _same_header
    common_header: Callable[[Sequence[bytes]], bytes] = _no_common_header
    keyframe: Callable[[bytes, bytes, Container, bool], bytes] = _unchanged
    tag: str | None = None


@dataclass(frozen=True)
class Route:
    """From which kind of container into which a stream goes. boxed: both keep headers apart from packets. stream: both
    are transport streams. names: FFmpeg's names of the source's container."""

    kind: Container
    boxed: bool
    stream: bool
    names: Sequence[str]


@dataclass(frozen=True)
class Codec:
    """A codec that packets can be joined in. open: its syntax for a header on a route, None if they cannot be joined
    there; may raise Unreadable."""

    open: Callable[[bytes, Route], Syntax | None]
    splicing: Splicing = Splicing()
