"""Pictures of an open group of H.264 renumbered, so that its keyframe can start a stream: it becomes an IDR picture,
and what follows counts from it (ITU-T H.264, 8.2.1, 8.2.4, 8.2.5). No bit that codes a picture changes.
"""

from __future__ import annotations

from collections.abc import Sequence

from marlin_edit_ffmpeg.codecs.bits import Bits, Unreadable
from marlin_edit_ffmpeg.codecs.h264_slices import I_SLICE, IDR, SEI, SLICE, Slice, Slices, unescaped

_RECOVERY_POINT = 6


def begins_an_open_group(units: Sequence[bytes], slices: Slices) -> bool:
    """Whether decoding can begin at a picture, but for those shown before it: it has no references, and its message
    says that what is shown after it is right at once."""
    at_once = any(unit[0] & 31 == SEI and _recovers_at_once(unit) for unit in units)
    pictures = [unit for unit in units if unit[0] & 31 == SLICE]
    if not at_once or not pictures:
        return False
    return all(unit[0] & 0x60 and slices.read(unit).type == I_SLICE for unit in pictures)


def _recovers_at_once(unit: bytes) -> bool:
    """Whether a message unit holds a recovery point (D.1.8) of no frames."""
    raw, place = unescaped(unit), 1
    while place + 2 < len(raw):
        kind = size = 0
        while place < len(raw) and raw[place] == 255:
            kind, place = kind + 255, place + 1
        kind, place = kind + raw[place], place + 1
        while place < len(raw) and raw[place] == 255:
            size, place = size + 255, place + 1
        if place >= len(raw):
            return False
        size, place = size + raw[place], place + 1
        if kind == _RECOVERY_POINT:
            return Bits(raw[place : place + size]).unsigned() == 0
        place += size
    return False


class Renumbering:
    """Renumbers the pictures from a keyframe of an open group on, until an IDR picture comes by itself. Pictures are
    given in file order: the keyframe, those that are left out because they are shown before it, and all others."""

    def __init__(self, slices: Slices) -> None:
        self._slices = slices
        self._kept: dict[int, int] = {}
        """Frame numbers of the pictures that can still be referred to, as they were, and as they are now."""
        self._left_out = 0
        self._first: tuple[int, int] | None = None
        self._before, self._now = _Orders(), _Orders()
        self._shift = 0
        self.over = False
        """Whether an IDR picture has come, from which on all can stay as it is."""

    def leave_out(self, units: Sequence[bytes]) -> None:
        """Note a packet that is left out of the copy."""
        one = self._first_slice(units)
        if one is None or self._first is None:
            raise Unreadable("what is left out has no picture")
        self._left_out += bool(one[1].reference)
        self._before.take(one[1].order, self._slices.order_bits(one[0])[1], reference=bool(one[1].reference))

    def renumbered(self, units: Sequence[bytes]) -> list[bytes]:
        """A packet's units with their new numbers."""
        self._slices.learn(units)
        found = self._first_slice(units)
        self.over = self.over or (found is not None and found[1].kind == IDR)
        if found is None or self.over:
            return list(units)
        unit, picture = found
        numbers, orders = self._slices.order_bits(unit)
        if self._first is None:
            self._first = (picture.frame_number, picture.order + min(0, picture.bottom))
        now = self._numbered(picture.frame_number, numbers)
        written = [self._rewritten(one, now, orders) if one[0] & 31 == SLICE else one for one in units]
        self._check_order(picture, orders)
        self._take(picture, now, numbers)
        return written

    def _first_slice(self, units: Sequence[bytes]) -> tuple[bytes, Slice] | None:
        for unit in units:
            if unit[0] & 31 in (SLICE, IDR):
                return unit, self._slices.read(unit)
        return None

    def _numbered(self, frame_number: int, bits: int) -> int:
        assert self._first is not None
        if not self._kept:
            return 0
        return (frame_number - self._first[0] - self._left_out) % (1 << bits)

    def _rewritten(self, unit: bytes, now: int, orders: int) -> bytes:
        assert self._first is not None
        one = self._slices.read(unit)
        numbers, _ = self._slices.order_bits(unit)
        one.order = (one.order - self._first[1]) % (1 << orders)
        if not self._kept:
            one.kind = IDR
        else:
            lists = zip(one.moves, one.counts, strict=True)
            one.moves = [self._moved(moves, count, one.frame_number, now, numbers) for moves, count in lists]
            if one.marking is not None:
                places = [((one.frame_number - gap - 1) % (1 << numbers)) for gap in one.marking]
                kept = [self._kept[place] for place in places if place in self._kept]
                one.marking = [(now - place) % (1 << numbers) - 1 for place in kept]
        one.frame_number = now
        return self._slices.written(unit, one)

    def _moved(
        self, moves: list[tuple[int, int]] | None, count: int, before: int, now: int, bits: int
    ) -> list[tuple[int, int]] | None:
        """Operations on a list of `count` references (8.2.4.3.1), each of which counts from the one before it."""
        moved = []
        left = set(self._kept)
        for operation, gap in moves or ():
            before = (before + (gap + 1 if operation else -gap - 1)) % (1 << bits)
            if before not in self._kept:
                raise Unreadable("pictures after its keyframe refer to some before it")
            target = self._kept[before]
            moved.append((0, (now - target - 1) % (1 << bits)))
            now = target
            left.discard(before)
        if count > len(moved) + len(left):
            raise Unreadable("pictures after its keyframe may refer to some before it")
        return None if moves is None else moved

    def _check_order(self, picture: Slice, orders: int) -> None:
        """What is shown when must be as before, counted from the keyframe."""
        assert self._first is not None
        reference = bool(picture.reference)
        before = self._before.take(picture.order, orders, reference=reference)
        now = self._now.take((picture.order - self._first[1]) % (1 << orders), orders, reference=reference)
        if not self._kept:
            self._shift = before - now
        elif before - now != self._shift:
            raise Unreadable("its pictures cannot be counted from the keyframe")

    def _take(self, picture: Slice, now: int, bits: int) -> None:
        if not picture.reference:
            return
        for gap in picture.marking or ():
            self._kept.pop((picture.frame_number - gap - 1) % (1 << bits), None)
        self._kept.pop(picture.frame_number, None)
        self._kept[picture.frame_number] = now


class _Orders:
    """Picture order counts in full (8.2.1.1), of which slices hold the last bits."""

    def __init__(self) -> None:
        self._high = self._low = 0

    def take(self, low: int, bits: int, *, reference: bool) -> int:
        whole = 1 << bits
        high = self._high
        if low < self._low and self._low - low >= whole // 2:
            high += whole
        elif low > self._low and low - self._low > whole // 2:
            high -= whole
        if reference:
            self._high, self._low = high, low
        return high + low
