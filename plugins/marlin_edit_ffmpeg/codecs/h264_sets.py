"""Parameter sets of H.264 (ITU-T H.264, 7.3.2): read, and written to fit beside those of a source."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from marlin_edit_ffmpeg.codecs.bits import Bits, Unreadable, unit_bits, unit_of, unsigned_text
from marlin_edit_ffmpeg.codecs.nal import Kind, PictureSet

SPS = 7


@dataclass(frozen=True)
class H264Set(PictureSet):
    """A sequence parameter set of H.264."""

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
        raise Unreadable("the encoder makes pictures in another format")
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
