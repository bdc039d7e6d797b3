"""H.264 (ITU-T H.264): its parameter sets, and how encoded pictures are set beside copied ones: both families of
sets, under different ids, in one record.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from contextlib import suppress
from typing import Any

from marlin_edit.media import Scan
from marlin_edit_ffmpeg.codecs.bits import Unreadable
from marlin_edit_ffmpeg.codecs.h264_renumbering import Renumbering, begins_an_open_group
from marlin_edit_ffmpeg.codecs.h264_sets import SPS, H264Set, h264_numbers, h264_set_like, read_h264_set
from marlin_edit_ffmpeg.codecs.h264_slices import Slices
from marlin_edit_ffmpeg.codecs.nal import Kind, Record, read_record, split_annex_b, with_sets
from marlin_edit_ffmpeg.codecs.syntax import Attempt, Begin, Codec, Data, Route, Splicing, Syntax

ORDERS = ((2, 3), (2, 2), (0, 2), (0, 1))
"""Frames between references, and references, to be tried until the source's parameter sets have room for them."""

_MESSAGE = 6
_BUFFERS = (b"\0", b"\1")  # H.264 D.1.2, D.1.3: buffering period, picture timing
_PROFILES = {66: "baseline", 77: "main", 100: "high", 110: "high10", 122: "high422", 244: "high444"}


class H264:
    """Packets of an H.264 stream. `copied` ones stay as they are, but for sets added where packets alone keep them."""

    encoder = "libx264"
    unclean = "its keyframes are not random access points"

    def __init__(self, record: Record) -> None:
        self._record = record
        self._sets: tuple[bytes, ...] = record.sets
        self._numbers = h264_numbers(record.sets)
        self._delimiters = False
        self._ours: list[bytes] = []
        self._slices = Slices()
        self._open: tuple[bytes, ...] | None = None
        self._renumbering: Renumbering | None = None

    def look_at(self, data: Data) -> Begin:
        """Read a keyframe; whether a copy can begin there."""
        units = self._record.split(data)
        self._numbers |= h264_numbers(units)
        self._delimiters = self._delimiters or any(Kind.H264.is_delimiter(unit) for unit in units)
        if Kind.H264.is_random_access(units):
            return Begin.CLEAN
        with suppress(Unreadable):
            self._slices.learn((*self._record.sets, *units))
            if begins_an_open_group(units, self._slices):
                return Begin.RENUMBERED
        return Begin.NEVER

    def begin_at(self, data: Data, leading: Sequence[Data]) -> None:
        """Note the keyframe that copying begins at."""
        units = self._record.split(data)
        mine = [unit for unit in units if Kind.H264.is_parameters(unit)]
        self._sets = (*mine, *self._record.sets)
        self._open = None if Kind.H264.is_random_access(units) else tuple(bytes(packet) for packet in leading)

    def pictures(self, data: Data) -> Iterable[bytes]:
        """The parts of a packet that stay the same bit for bit."""
        if self._open is None:
            return self._record.pictures(data)
        units = self._record.split(data)
        self._slices.learn(units)
        return (self._slices.read(unit).unnumbered for unit in units if Kind.H264.is_picture(unit))

    def attempts(self, context: Any, scan: Scan) -> Iterator[Attempt]:
        """Settings of the encoder, best first."""
        like = self._first_set()
        if like.profile not in _PROFILES:
            raise Unreadable(f"H.264 of profile {like.profile} cannot be encoded here")
        free = next((number for number in range(32) if number not in self._numbers), None)
        if free is None:
            raise Unreadable("no ids are left for more parameter sets")
        fixed = [f"sps-id={free}", "b-pyramid=none"]
        if self._delimiters:
            fixed.append("aud=1")
        if not like.frames_only:
            order = {Scan.TOP_FIRST: "tff=1", Scan.BOTTOM_FIRST: "bff=1", Scan.PROGRESSIVE: "fake-interlaced=1"}
            fixed += ["weightp=0", order[scan]]
        for between, references in ORDERS:
            if between and not like.reorder:
                continue
            words = [f"bframes={between}", f"ref={references}", *fixed]
            yield Attempt(
                {"profile": _PROFILES[like.profile], "x264-params": ":".join(words)},
                depth=1 if between else 0,
                fields=not like.frames_only and scan is not Scan.PROGRESSIVE,
            )

    def accept(self, header: bytes) -> None:
        """Take an encoder's header, or raise Unreadable."""
        theirs = self._first_set_unit()
        units = [unit for unit in split_annex_b(header) if Kind.H264.is_parameters(unit)]
        ours = [h264_set_like(unit, theirs) if Kind.H264.type_of(unit) == SPS else unit for unit in units]
        if h264_numbers(ours) & self._numbers:
            raise Unreadable("no ids are left for more parameter sets")
        self._ours = ours

    def extradata(self) -> bytes | None:
        """The clip's header; None if it is the source's own."""
        return None if self._record.in_stream else self._record.with_sets(self._ours)

    def encoded(self, data: bytes, *, is_keyframe: bool) -> bytes:
        # How messages on buffering are read depends on the usability information, which is the source's.
        """A packet of the encoder as it goes into the clip."""
        units = [unit for unit in split_annex_b(data) if not (unit[0] & 31 == _MESSAGE and unit[1:2] in _BUFFERS)]
        if is_keyframe and self._record.in_stream:
            units = with_sets(Kind.H264, units, self._ours)
        return self._record.join(units)

    def copied(self, data: Data, *, is_keyframe: bool, after_foreign: bool) -> Data:
        """A packet of the source as it goes into the clip."""
        if self._open is not None:
            data = self._record.join(self._renumbered(self._record.split(data)))
        if not self._record.in_stream or not is_keyframe:
            return data
        units = self._record.split(data)
        if any(Kind.H264.type_of(unit) == SPS for unit in units):
            return data
        return self._record.join(with_sets(Kind.H264, units, self._record.sets))

    def _renumbered(self, units: list[bytes]) -> list[bytes]:
        """A packet's units, counted from the keyframe that copying began at."""
        if self._renumbering is not None:
            return self._renumbering.renumbered(units)
        assert self._open is not None
        self._renumbering = Renumbering(self._slices)
        first = self._renumbering.renumbered(units)
        for packet in self._open:
            self._renumbering.leave_out(self._record.split(packet))
        return first

    def _first_set_unit(self) -> bytes:
        for unit in self._sets:
            if Kind.H264.type_of(unit) == SPS:
                return unit
        raise Unreadable("the source's parameter sets are not where its container keeps them")

    def _first_set(self) -> H264Set:
        return read_h264_set(self._first_set_unit())


def _open(header: bytes, route: Route) -> Syntax | None:
    return H264(read_record(Kind.H264, header, in_stream=route.stream)) if route.boxed or route.stream else None


def _common_header(headers: Sequence[bytes]) -> bytes:
    """The header whose parameter sets include those of all others."""
    records = [read_record(Kind.H264, header) for header in headers]
    for header, record in zip(headers, records, strict=True):
        alike = all(other.length_size == record.length_size for other in records)
        if alike and all(set(other.sets) <= set(record.sets) for other in records):
            return header
    raise Unreadable("its pieces have different parameter sets")


CODEC = Codec(_open, Splicing(common_header=_common_header))
