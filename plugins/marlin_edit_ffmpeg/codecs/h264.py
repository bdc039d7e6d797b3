"""H.264 (ITU-T H.264): its parameter sets, and how encoded pictures are set beside copied ones: both families of
sets, under different ids, in one record.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from contextlib import suppress
from dataclasses import dataclass
from typing import Any

from marlin_edit.media import Scan
from marlin_edit_ffmpeg.codecs.bits import Bits, Unreadable, unit_bits, unit_of, unsigned_text
from marlin_edit_ffmpeg.codecs.h264_renumbering import Renumbering, begins_an_open_group
from marlin_edit_ffmpeg.codecs.h264_slices import Slices
from marlin_edit_ffmpeg.codecs.nal import Kind, PictureSet, Record, split_annex_b, with_sets
from marlin_edit_ffmpeg.codecs.syntax import Attempt, Begin, Data

ORDERS = ((2, 3), (2, 2), (0, 2), (0, 1))
"""Frames between references, and references, to be tried until the source's parameter sets have room for them."""

SPS = 7
_MESSAGE = 6
_BUFFERS = (b"\0", b"\1")  # H.264 D.1.2, D.1.3: buffering period, picture timing
_PROFILES = {66: "baseline", 77: "main", 100: "high", 110: "high10", 122: "high422", 244: "high444"}


class H264:
    """Packets of an H.264 stream. `copied` ones stay as they are, but for sets added where packets alone keep them."""

    encoder = "libx264"
    unclean = "its keyframes are none that a decoder could begin at"

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
        units = self._record.split(data)
        self._numbers |= h264_numbers(units)
        self._delimiters = self._delimiters or any(Kind.H264.is_delimiter(unit) for unit in units)
        if Kind.H264.starts_anew(units):
            return Begin.CLEAN
        with suppress(Unreadable):
            self._slices.learn((*self._record.sets, *units))
            if begins_an_open_group(units, self._slices):
                return Begin.RENUMBERED
        return Begin.NEVER

    def begin_at(self, data: Data, leading: Sequence[Data]) -> None:
        units = self._record.split(data)
        mine = [unit for unit in units if Kind.H264.is_parameters(unit)]
        self._sets = (*mine, *self._record.sets)
        self._open = None if Kind.H264.starts_anew(units) else tuple(bytes(packet) for packet in leading)

    def pictures(self, data: Data) -> Iterable[bytes]:
        if self._open is None:
            return self._record.pictures(data)
        units = self._record.split(data)
        self._slices.learn(units)
        return (self._slices.read(unit).unnumbered for unit in units if Kind.H264.is_picture(unit))

    def attempts(self, context: Any, scan: Scan) -> Iterator[Attempt]:
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
        theirs = self._first_set_unit()
        units = [unit for unit in split_annex_b(header) if Kind.H264.is_parameters(unit)]
        ours = [h264_set_like(unit, theirs) if Kind.H264.type_of(unit) == SPS else unit for unit in units]
        if h264_numbers(ours) & self._numbers:
            raise Unreadable("no ids are left for more parameter sets")
        self._ours = ours

    def extradata(self) -> bytes | None:
        return None if self._record.in_stream else self._record.with_sets(self._ours)

    def encoded(self, data: bytes, *, is_keyframe: bool) -> bytes:
        # How messages on buffering are read depends on the usability information, which is the source's.
        units = [unit for unit in split_annex_b(data) if not (unit[0] & 31 == _MESSAGE and unit[1:2] in _BUFFERS)]
        if is_keyframe and self._record.in_stream:
            units = with_sets(Kind.H264, units, self._ours)
        return self._record.join(units)

    def copied(self, data: Data, *, is_keyframe: bool, after_foreign: bool) -> Data:
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


@dataclass(frozen=True)
class H264Set(PictureSet):
    frames_only: bool
    number_bits: int
    order_bits: int | None
    """Of frame numbers; and of picture order counts, None where slices do not hold those."""
    text: str
    references_at: tuple[int, int]
    rest_at: int


_WITH_CHROMA = (100, 110, 122, 244, 44, 83, 86, 118, 128, 138, 139, 134, 135)


def read_h264_set(unit: bytes) -> H264Set:
    """A sequence parameter set of H.264 (7.3.2.1.1, E.1.1)."""
    bits = unit_bits(unit)
    bits.number(8)
    profile, _, level = bits.number(8), bits.number(8), bits.number(8)
    number = bits.unsigned()
    chroma, depths, separate = 1, (0, 0), False
    if profile in _WITH_CHROMA:
        chroma = bits.unsigned()
        separate = bits.flag() if chroma == 3 else False
        depths = (bits.unsigned(), bits.unsigned())
        bits.flag()
        if bits.flag():
            for at in range(12 if chroma == 3 else 8):
                if bits.flag():
                    _skip_scaling_list(bits, 16 if at < 6 else 64)
    number_bits = bits.unsigned() + 4
    order, order_bits = bits.unsigned(), None
    if order == 0:
        order_bits = bits.unsigned() + 4
    elif order == 1:
        bits.flag()
        bits.signed()
        bits.signed()
        for _ in range(bits.unsigned()):
            bits.signed()
    begin = bits.place
    references = bits.unsigned()
    references_at = (begin, bits.place)
    bits.flag()
    width, height, frames_only = bits.unsigned(), bits.unsigned(), bits.flag()
    if not frames_only:
        bits.flag()
    bits.flag()
    rest_at = bits.place
    crop = tuple(bits.unsigned() for _ in range(4)) if bits.flag() else (0, 0, 0, 0)
    reorder = _h264_reorder(bits) if bits.flag() else None
    known = (chroma, int(separate), *depths, width, height, int(frames_only), *crop)
    return H264Set(
        number,
        profile,
        level,
        known,
        reorder,
        references,
        frames_only,
        number_bits,
        order_bits,
        bits.text[: bits.end],
        references_at,
        rest_at,
    )


def _skip_scaling_list(bits: Bits, size: int) -> None:
    last = following = 8
    for _ in range(size):
        if following:
            following = (last + bits.signed() + 256) % 256
        last = following or last


def _h264_reorder(bits: Bits) -> int | None:
    """max_num_reorder_frames of the usability information (E.1.1); None where it does not say."""
    if bits.flag() and bits.number(8) == 255:
        bits.number(32)
    if bits.flag():
        bits.flag()
    if bits.flag():
        bits.number(4)
        if bits.flag():
            bits.number(24)
    if bits.flag():
        bits.unsigned()
        bits.unsigned()
    if bits.flag():
        bits.number(65)
    buffered = False
    for _ in range(2):
        if bits.flag():
            buffered = True
            count = bits.unsigned() + 1
            bits.number(8)
            for _ in range(count):
                bits.unsigned()
                bits.unsigned()
                bits.flag()
            bits.number(20)
    if buffered:
        bits.flag()
    bits.flag()
    if not bits.flag():
        return None
    bits.flag()
    for _ in range(4):
        bits.unsigned()
    return bits.unsigned()


def h264_set_like(ours: bytes, source: bytes) -> bytes:
    """Our sequence parameter set with all of the source's that describes how pictures are kept and shown: level,
    reference count, cropping, and the whole usability information with colour, aspect and reordering.

    Raises Unreadable where the pictures of ours would not fit into that.
    """
    mine, theirs = read_h264_set(ours), read_h264_set(source)
    if mine.format != theirs.format:
        raise Unreadable("the encoder makes pictures of another format")
    if mine.references > theirs.references or (
        theirs.reorder is not None and (mine.reorder is None or mine.reorder > theirs.reorder)
    ):
        raise Unreadable("the encoder keeps more pictures than the source does")
    begin, end = mine.references_at
    text = (
        mine.text[:24]
        + theirs.text[24:32]
        + mine.text[32:begin]
        + unsigned_text(theirs.references)
        + mine.text[end : mine.rest_at]
        + theirs.text[theirs.rest_at :]
    )
    return unit_of(text)


def h264_numbers(units: Sequence[bytes]) -> set[int]:
    """The ids that sequence and picture parameter sets among `units` have."""
    found = set()
    for unit in units:
        kind = Kind.H264.type_of(unit)
        if kind == 7:
            found.add(read_h264_set(unit).number)
        elif kind == 8:
            bits = unit_bits(unit)
            bits.number(8)
            found.add(bits.unsigned())
    return found
