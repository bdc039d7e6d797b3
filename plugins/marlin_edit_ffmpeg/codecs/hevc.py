"""HEVC (ITU-T H.265): its parameter sets, and how encoded pictures are set beside copied ones: sets are repeated in the
stream where they change, and a clean random access picture becomes one of a broken link.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any

from marlin_edit.media import Scan
from marlin_edit_ffmpeg.codecs.bits import Bits, Unreadable, unit_bits, unit_of
from marlin_edit_ffmpeg.codecs.h264 import ORDERS
from marlin_edit_ffmpeg.codecs.nal import Kind, PictureSet, Record, read_record, split_annex_b, with_sets
from marlin_edit_ffmpeg.codecs.syntax import Attempt, Begin, Codec, Data, Route, Splicing, Syntax, first_header
from marlin_edit_ffmpeg.containers import TS, Container

CRA, BLA_N_LP = 21, 18
VPS, SPS, PREFIX_SEI, DOLBY_VISION = 32, 33, 39, 62
_LIGHT = (137, 144, 147)  # H.265 annex D: mastering display, content light level, alternative transfer


class Hevc:
    """Packets of an HEVC stream. A keyframe of an open group that follows encoded ones becomes a broken link."""

    encoder = "libx265"
    unclean = "its keyframes drop pictures that are still to be shown"

    def __init__(self, record: Record) -> None:
        self._record = record
        self._sets: tuple[bytes, ...] = record.sets
        self._repeated = hevc_sets_to_repeat(record)
        self._light: list[bytes] = []
        self._delimiters = False
        self._ours: list[bytes] = []

    def look_at(self, data: Data) -> Begin:
        """Read a keyframe; whether a copy can begin there."""
        units = self._record.split(data)
        if any(Kind.HEVC.type_of(unit) == DOLBY_VISION for unit in units):
            raise Unreadable("Dolby Vision's metadata cannot be made for encoded frames")
        self._delimiters = self._delimiters or any(Kind.HEVC.is_delimiter(unit) for unit in units)
        return Begin.CLEAN if Kind.HEVC.is_random_access(units) else Begin.NEVER

    def begin_at(self, data: Data, leading: Sequence[Data]) -> None:
        """Note the keyframe that copying begins at."""
        units = self._record.split(data)
        self._sets = (*[unit for unit in units if Kind.HEVC.is_parameters(unit)], *self._record.sets)
        messages = [unit for unit in (*units, *self._record.sets) if Kind.HEVC.type_of(unit) == PREFIX_SEI]
        self._light = [unit for unit in messages if unit[2] in _LIGHT]

    def pictures(self, data: Data) -> Iterable[bytes]:
        """The parts of a packet that stay the same bit for bit."""
        return (without_cra(unit) for unit in self._record.pictures(data))

    def attempts(self, context: Any, scan: Scan) -> Iterator[Attempt]:
        """Settings of the encoder, best first."""
        if scan is not Scan.PROGRESSIVE:
            raise Unreadable("interlaced HEVC cannot be matched")
        like = read_hevc_set(self._first_set())
        fixed = ["log-level=error", "open-gop=0", "b-pyramid=0", "repeat-headers=0"]
        fixed.append(f"min-cu-size={like.smallest_block}")
        if self._delimiters:
            fixed.append("aud=1")
        for between, references in ORDERS:
            if between and not like.reorder:
                continue
            words = [*fixed, f"bframes={between}", f"ref={references}"]
            yield Attempt({"x265-params": ":".join(words)}, depth=1 if between else 0)

    def accept(self, header: bytes) -> None:
        """Take an encoder's header, or raise Unreadable."""
        units = [unit for unit in split_annex_b(header) if Kind.HEVC.is_parameters(unit)]
        self._ours = hevc_sets_like(units, self._first_set())

    def extradata(self) -> bytes | None:
        """The clip's header; None if it is the source's own."""
        return None

    def encoded(self, data: bytes, *, is_keyframe: bool) -> bytes:
        """A packet of the encoder as it goes into the clip."""
        units = split_annex_b(data)
        if is_keyframe:
            units = with_sets(Kind.HEVC, units, [*self._ours, *self._light])
        return self._record.join(units)

    def copied(self, data: Data, *, is_keyframe: bool, after_foreign: bool) -> Data:
        """A packet of the source as it goes into the clip."""
        if not is_keyframe or not self._ours:
            return data
        units = self._record.split(data)
        if after_foreign:
            units = [without_cra(unit) for unit in units]
        if not any(Kind.HEVC.type_of(unit) == SPS for unit in units):
            units = with_sets(Kind.HEVC, units, self._repeated)
        return self._record.join(units)

    def _first_set(self) -> bytes:
        for unit in self._sets:
            if Kind.HEVC.type_of(unit) == SPS:
                return unit
        raise Unreadable("the source's parameter sets are not where its container keeps them")


def without_cra(unit: bytes) -> bytes:
    """A slice of a clean random access picture as one of a broken link, at which a decoder starts again. Only the type
    in its header changes: both kinds have the same slice header."""
    return bytes([unit[0] & 0x81 | BLA_N_LP << 1]) + unit[1:] if Kind.HEVC.type_of(unit) == CRA else unit


@dataclass(frozen=True)
class HevcSet(PictureSet):
    """A sequence parameter set of HEVC."""

    smallest_block: int
    """Side of the smallest coding block, of which the coded size is a multiple."""
    text: str
    kept: str
    kept_at: tuple[int, int]


def read_hevc_set(unit: bytes) -> HevcSet:
    """A sequence parameter set of HEVC (7.3.2.2.1), as far as the depths of its picture buffer."""
    bits = unit_bits(unit)
    bits.number(16 + 4)
    layers = bits.number(3)
    bits.flag()
    profile, level = _profile_and_level(bits, layers)
    number = bits.unsigned()
    chroma = bits.unsigned()
    separate = bits.flag() if chroma == 3 else False
    size = (bits.unsigned(), bits.unsigned())
    crop = tuple(bits.unsigned() for _ in range(4)) if bits.flag() else (0, 0, 0, 0)
    depths = (bits.unsigned(), bits.unsigned())
    bits.unsigned()
    kept = _kept(bits, layers)
    known = (chroma, int(separate), *depths, *size, *crop)
    buffer, reorder, _ = kept.values
    smallest = 8 << bits.unsigned()
    return HevcSet(
        number,
        profile,
        level,
        known,
        reorder,
        buffer,
        smallest,
        bits.text[: bits.end],
        kept.text,
        (kept.begin, kept.end),
    )


@dataclass(frozen=True)
class _Kept:
    values: tuple[int, int, int]
    text: str
    begin: int
    end: int


def _kept(bits: Bits, layers: int) -> _Kept:
    """Pictures kept, reordered and waited for, as said for the highest layer."""
    every = bits.flag()
    begin = bits.place
    last = (begin, (0, 0, 0))
    for _ in range(layers + 1 if every else 1):
        at = bits.place
        last = (at, (bits.unsigned(), bits.unsigned(), bits.unsigned()))
    return _Kept(last[1], bits.text[last[0] : bits.place], begin, bits.place)


def _profile_and_level(bits: Bits, layers: int) -> tuple[int, int]:
    profile = bits.number(8) & 31
    bits.number(80)
    level = bits.number(8)
    present = [(bits.flag(), bits.flag()) for _ in range(layers)]
    if layers:
        bits.number(2 * (8 - layers))
    for has_profile, has_level in present:
        bits.number(88 * has_profile + 8 * has_level)
    return profile, level


def hevc_sets_like(ours: Sequence[bytes], source: bytes) -> list[bytes]:
    """Our units with the picture buffer in video and sequence parameter sets as deep as the source's: a decoder that
    sees the depth change may drop what it has not shown yet (H.265 C.5.2.2). `source` is its sequence parameter set.

    Raises Unreadable where the pictures of ours would not fit into that.
    """
    theirs = read_hevc_set(source)
    written = []
    for unit in ours:
        kind = Kind.HEVC.type_of(unit)
        if kind == SPS:
            mine = read_hevc_set(unit)
            if mine.format != theirs.format:
                raise Unreadable("the encoder makes pictures in another format")
            assert mine.reorder is not None
            assert theirs.reorder is not None
            if mine.references > theirs.references or mine.reorder > theirs.reorder:
                raise Unreadable("the encoder keeps more pictures than the source does")
            begin, end = mine.kept_at
            unit = unit_of(mine.text[:begin] + theirs.kept + mine.text[end:])
        elif kind == VPS:
            bits = unit_bits(unit)
            bits.number(16 + 4 + 2 + 6)
            layers = bits.number(3)
            bits.number(17)
            _profile_and_level(bits, layers)
            kept = _kept(bits, layers)
            unit = unit_of(bits.text[: kept.begin] + theirs.kept + bits.text[kept.end : bits.end])
        written.append(unit)
    return written


def hevc_sets_to_repeat(record: Record) -> list[bytes]:
    """Parameter sets and messages of an hvcC that a decoder needs again after foreign pictures; texts of encoders
    (user data, H.265 D.2.7) stay out."""
    return [
        unit
        for unit in record.sets
        if Kind.HEVC.is_parameters(unit) or (Kind.HEVC.type_of(unit) == PREFIX_SEI and unit[2:3] != b"\x05")
    ]


def _open(header: bytes, route: Route) -> Syntax | None:
    return Hevc(read_record(Kind.HEVC, header, in_stream=route.stream)) if route.boxed or route.stream else None


def _compatible(mine: bytes, theirs: bytes) -> bool:
    """Keyframes bring their parameter sets along; only the format must be the same."""
    return _format(mine) == _format(theirs) if mine[:1] == b"\x01" else mine == theirs


def _format(header: bytes) -> object:
    for unit in read_record(Kind.HEVC, header).sets:
        if Kind.HEVC.type_of(unit) == SPS:
            found = read_hevc_set(unit)
            return found.format, found.references, found.reorder
    return None


def _keyframe(header: bytes, data: bytes, kind: Container, is_first: bool) -> bytes:
    record = read_record(Kind.HEVC, header, in_stream=kind is TS)
    units = [without_cra(unit) if is_first else unit for unit in record.split(data)]
    if not any(Kind.HEVC.is_parameters(unit) for unit in units):
        units = with_sets(Kind.HEVC, units, hevc_sets_to_repeat(record))
    return record.join(units)


CODEC = Codec(_open, Splicing(_compatible, first_header, _keyframe, tag="hev1"))
