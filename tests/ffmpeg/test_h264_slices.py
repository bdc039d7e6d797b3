"""Slice headers of H.264, read and written again, of streams made in many ways."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import av
import pytest
from hypothesis import given
from hypothesis import strategies as st

from marlin_edit_ffmpeg.codecs import Unreadable
from marlin_edit_ffmpeg.codecs.h264_renumbering import Renumbering, begins_an_open_group
from marlin_edit_ffmpeg.codecs.h264_slices import SLICE, Slices
from marlin_edit_ffmpeg.codecs.nal import Kind, Record, read_record
from tests.support.synthetic_video import make_video

STREAMS: Mapping[str, Mapping[str, Any]] = {
    "open groups": {"params": "open-gop=1:b-adapt=0"},
    "without CABAC": {"params": "open-gop=1:b-adapt=0:cabac=0"},
    "weighted": {"params": "open-gop=1:weightp=2:weightb=1:ref=4"},
    "slices": {"params": "open-gop=1:b-adapt=0:slices=4"},
    "fields": {"params": "open-gop=1:b-adapt=0", "interlaced": "top"},
    "10 bits": {"params": "open-gop=1", "pixel_format": "yuv420p10le"},
    "4:4:4": {"params": "open-gop=1:b-adapt=0", "pixel_format": "yuv444p"},
    "without deblocking": {"params": "open-gop=1:no-deblock=1"},
}


def packets(path: Path) -> Iterator[tuple[Record, bool, list[bytes]]]:
    with av.open(str(path)) as opened:
        container: Any = opened
        video = container.streams.video[0]
        record = read_record(Kind.H264, video.codec_context.extradata)
        for packet in container.demux(video):
            if packet.size:
                yield record, packet.is_keyframe, record.split(bytes(packet))


@pytest.fixture(scope="module", params=STREAMS)
def stream(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Path:
    how = dict(STREAMS[request.param])
    options = {"x264-params": how.pop("params"), "preset": "medium"}
    path = tmp_path_factory.mktemp("stream") / "film.mp4"
    return make_video(path, frames=60, size=(96, 64), gop=20, bframes=3, options=options, **how)


def test_a_slice_that_is_written_as_it_was_read_is_the_same_bit_for_bit(stream: Path) -> None:
    slices = Slices()
    seen = 0
    for record, _, units in packets(stream):
        slices.learn((*record.sets, *units))
        for unit in units:
            if unit[0] & 31 == SLICE:
                one = slices.read(unit)
                numbers, _ = slices.order_bits(unit)
                written = slices.written(unit, one)
                again = slices.read(written)
                assert (again, again.unnumbered) == (one, one.unnumbered)
                if all(moves is None for moves in one.moves) and not one.marking:
                    assert written == unit
                assert 0 <= one.frame_number < 1 << numbers
                seen += 1
    assert seen > 40


def test_keyframes_of_open_groups_are_found_and_become_idr_pictures(stream: Path) -> None:
    slices = Slices()
    found = 0
    for record, is_keyframe, units in packets(stream):
        slices.learn((*record.sets, *units))
        begins = begins_an_open_group(units, slices)
        assert begins == (is_keyframe and not Kind.H264.is_random_access(units))
        if begins:
            written = Renumbering(slices).renumbered(units)
            assert Kind.H264.is_random_access(written)
            pictures = [slices.read(unit) for unit in written if Kind.H264.is_picture(unit)]
            assert {one.frame_number for one in pictures} == {0}
            assert {min(one.order, one.order + one.bottom) for one in pictures} == {0}
            found += 1
    assert found == 2


@given(st.binary(min_size=1, max_size=80), st.data())
def test_bits_that_are_no_slice_are_unreadable_and_nothing_worse(noise: bytes, data: st.DataObject) -> None:
    sets = (
        bytes.fromhex("67640015acd94180a3f9e1000003000100000300320f162d96"),
        bytes.fromhex("68ebe3cb22c0"),
    )
    slices = Slices()
    slices.learn(sets)
    kind = data.draw(st.sampled_from((0x21, 0x41, 0x65, 0x01)))
    for unit in (noise, bytes([kind]) + noise):
        try:
            if unit[0] & 31 in (1, 5):
                slices.read(unit)
            begins_an_open_group([b"\x06\x06\x01\xc4\x80", unit], slices)
        except Unreadable:
            continue
