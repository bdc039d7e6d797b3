"""Packets that nobody needs are not decoded, and what is shown stays the same, bit for bit."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import replace
from fractions import Fraction
from pathlib import Path
from typing import Any

import av
import pytest
import torch
from hypothesis import given
from hypothesis import settings as hypothesis_settings
from hypothesis import strategies as st

from marlin_edit.errors import NoPicture
from marlin_edit.marlin.frames import WindowFrames, read_frames
from marlin_edit.media import MediaInfo, decoded_frames, open_media, probe
from marlin_edit.media.disposable import Disposable
from marlin_edit.sampling import MARLIN
from marlin_edit.timebase import TOLERANCE, Span
from tests.support.synthetic_video import make_video, truncate

FRAMES, RATE = 300, 25
SHOWING = tuple(Fraction(n, RATE) + Fraction(n % 3, 200) + (n > 100) * Fraction(7, 3) for n in range(FRAMES))
PYRAMID = {"x264-params": "b-pyramid=normal:open-gop=1"}
HEVC = "log-level=none:keyint=40:min-keyint=40:scenecut=0"
SOURCES: dict[str, dict[str, Any]] = {
    "closed.mp4": {},
    "open-pyramid.mp4": {"bframes": 5, "options": PYRAMID},
    "strict-pyramid.mov": {"bframes": 3, "options": {"x264-params": "b-pyramid=strict"}},
    "no-pyramid.mkv": {"bframes": 3, "options": {"x264-params": "b-pyramid=none"}},
    "slices.mp4": {"bframes": 3, "options": {"x264-params": "slices=4"}},
    "cable.ts": {"bframes": 3, "options": PYRAMID, "start": Fraction(20)},
    "one-group.ts": {"gop": 290},
    "ntsc.mkv": {"rate": "30000/1001", "bframes": 3},
    "late.mkv": {"start": Fraction(7), "bframes": 3},
    "hidden.mp4": {"hidden": 4, "bframes": 3},
    "varying.mp4": {"variable": SHOWING, "bframes": 3},
    "10-bit.mp4": {"pixel_format": "yuv420p10le", "bframes": 3},
    "hevc.mp4": {"codec": "libx265", "options": {"x265-params": f"{HEVC}:bframes=4:open-gop=0"}},
    "hevc-open.ts": {"codec": "libx265", "options": {"x265-params": f"{HEVC}:bframes=4:open-gop=1:b-pyramid=1"}},
    "hevc-layers.mkv": {"codec": "libx265", "options": {"x265-params": f"{HEVC}:bframes=4:temporal-layers=3"}},
}
KEPT_WHOLE: dict[str, dict[str, Any]] = {
    "fields.mp4": {"interlaced": "top"},
    "fields.ts": {"interlaced": "bottom"},
    "no-b.mp4": {"bframes": 0},
    "guessed-times.avi": {"bframes": 3},
    "mpeg4.mp4": {"codec": "mpeg4"},
    "vp9.webm": {"codec": "libvpx-vp9"},
}


@pytest.fixture(scope="module")
def sources(tmp_path_factory: pytest.TempPathFactory) -> Mapping[str, MediaInfo]:
    folder = tmp_path_factory.mktemp("sources")
    kinds = (SOURCES | KEPT_WHOLE).items()
    return {name: probe(_made(folder / name, making)) for name, making in kinds}


def _made(path: Path, making: Mapping[str, Any]) -> Path:
    return make_video(path, frames=FRAMES, audio=0, size=(160, 96), **making)


def shown(media: MediaInfo, part: Span) -> tuple[torch.Tensor, list[Fraction], WindowFrames]:
    reading = read_frames(media, part, MARLIN, "pyav")
    groups = list(reading)
    return torch.cat([group.pixels for group in groups]), [t for group in groups for t in group.times], reading


def decoded_whole(media: MediaInfo) -> list[Fraction]:
    """When each frame that decoding everything shows is presented, in seconds from zero."""
    with open_media(media.path) as container:
        stream = container.streams.video[0]
        frames = [frame for frame in decoded_frames(container, stream) if frame.pts is not None]
    return [frame.pts * frame.time_base - media.zero for frame in frames if frame.pts is not None and frame.time_base]


def undropped(media: MediaInfo, part: Span) -> tuple[torch.Tensor, list[Fraction], WindowFrames]:
    """The same of a source of which nothing is dropped, because it is not said to be of a kind that is known."""
    return shown(replace(media, container="unknown"), part)


windows = st.tuples(st.integers(0, 1150), st.integers(20, 600)).map(
    lambda drawn: Span(Fraction(drawn[0], 100), min(Fraction(12), Fraction(sum(drawn), 100)))
)


@pytest.mark.parametrize("name", SOURCES)
@given(part=windows)
@hypothesis_settings(max_examples=5, deadline=None, derandomize=True)
def test_frames_and_times_are_those_of_decoding_everything(
    sources: Mapping[str, MediaInfo], name: str, part: Span
) -> None:
    media = sources[name]
    part = Span(part.start, min(part.end, media.duration))
    pixels, times, reading = shown(media, part)
    expected, expected_times, whole = undropped(media, part)
    assert torch.equal(pixels, expected)
    assert times == expected_times
    assert (reading.damaged, reading.notes) == (whole.damaged, whole.notes)
    assert whole.dropped == 0


@pytest.mark.parametrize("name", SOURCES)
def test_what_nobody_needs_is_dropped(sources: Mapping[str, MediaInfo], name: str) -> None:
    media = sources[name]
    _, times, reading = shown(media, Span(Fraction(0), min(media.duration, Fraction(12))))
    assert reading.dropped > reading.packets // 10
    presented = decoded_whole(media)
    for time in times:
        assert any(abs(time - one) < TOLERANCE for one in presented) or media.variable_rate or "ntsc" in name


@pytest.mark.parametrize("name", KEPT_WHOLE)
def test_other_kinds_are_decoded_whole(sources: Mapping[str, MediaInfo], name: str) -> None:
    part = Span(Fraction(1), Fraction(9))
    pixels, times, reading = shown(sources[name], part)
    assert reading.dropped == 0
    expected, expected_times, _ = undropped(sources[name], part)
    assert torch.equal(pixels, expected)
    assert times == expected_times


@pytest.mark.parametrize("name", SOURCES)
def test_decoding_all_other_packets_gives_all_other_frames(sources: Mapping[str, MediaInfo], name: str) -> None:
    media = sources[name]
    everything = _pictures(media.path, drop=False)
    fewer = _pictures(media.path, drop=True)
    assert 0 < len(fewer) < len(everything)
    assert all(torch.equal(picture, everything[pts]) for pts, picture in fewer.items())


def _pictures(path: Path, *, drop: bool) -> dict[int, torch.Tensor]:
    found = {}
    with open_media(path) as container:
        stream = container.streams.video[0]
        disposable = Disposable(stream)
        for packet in container.demux(stream):
            if drop and disposable(packet):
                continue
            for frame in packet.decode():
                assert frame.pts is not None
                found[frame.pts] = torch.from_numpy(frame.to_ndarray())
    return found


@pytest.mark.parametrize("name", ["open-pyramid.mp4", "late.mkv", "cable.ts", "hevc.mp4", "hevc-open.ts"])
@pytest.mark.parametrize("damage", ["truncated", "scratched"])
def test_damage_is_met_and_told_as_when_everything_is_decoded(tmp_path: Path, name: str, damage: str) -> None:
    making = dict(SOURCES[name])
    if name.endswith(".mp4"):
        making["container_options"] = {"movflags": "faststart"}
    path = _made(tmp_path / name, making)
    media = probe(path)
    if damage == "truncated":
        truncate(path, 0.6)
    else:
        content = bytearray(path.read_bytes())
        for place in range(len(content) // 2, len(content) // 2 + len(content) // 10, 7):
            content[place] ^= 0x5A
        path.write_bytes(content)
    for start, end in ((0, 12), (4, 8), (5, 7), (10, 12)):
        part = Span(Fraction(start), Fraction(end))
        expected = _as_it_ends(undropped, media, part)
        assert _as_it_ends(shown, media, part) == expected


def _as_it_ends(
    read: Callable[[MediaInfo, Span], tuple[torch.Tensor, list[Fraction], WindowFrames]], *given: Any
) -> Any:
    try:
        pixels, times, reading = read(*given)
    except NoPicture as error:
        return str(error)
    return pixels.tolist(), times, reading.damaged, reading.notes


# Which packets nobody needs, by the standards' own words -----------------------------------------------------------


class _Stream:
    """What `Disposable` looks at of a stream."""

    def __init__(self, name: str, extradata: bytes) -> None:
        self.codec_context = self
        self.name = name
        self.extradata = extradata


def disposable(codec: str, *units: str, setup: bytes = b"") -> bool:
    """Of NAL units in hexadecimal, with start codes."""
    stream: Any = _Stream(codec, setup)
    packet: Any = av.Packet(b"".join(b"\0\0\0\1" + bytes.fromhex(unit) for unit in units))
    return Disposable(stream)(packet)


def test_h264_packets_are_needed_unless_all_their_slices_say_otherwise() -> None:
    assert disposable("h264", "0188")
    assert disposable("h264", "09f0", "0605ff", "0188", "0144", "0cff")
    assert not disposable("h264", "4188")  # nal_ref_idc is 2
    assert not disposable("h264", "0188", "2144")  # of one slice
    assert not disposable("h264", "6588")  # a random access point
    assert not disposable("h264", "6742", "0188")  # with parameter sets
    assert not disposable("h264", "0e88", "0188")  # one layer of several
    assert not disposable("h264", "8188")  # damaged
    assert not disposable("h264", "0605ff")  # no picture at all
    assert not disposable("mpeg2video", "0188")


def test_hevc_packets_are_needed_unless_of_the_highest_temporal_layer_and_referred_to_by_none() -> None:
    two_layers, one_layer = bytes.fromhex("00000001420102"), bytes.fromhex("00000001420100")
    assert disposable("hevc", "0001aa", setup=one_layer)
    assert disposable("hevc", "460150", "0801aa", "5001", setup=one_layer)
    assert disposable("hevc", "0002aa", setup=two_layers)
    assert not disposable("hevc", "0001aa", setup=two_layers)  # the higher layer may refer to it
    assert not disposable("hevc", "0001aa")  # nothing is known of layers
    assert not disposable("hevc", "0201aa", setup=one_layer)  # TRAIL_R
    assert not disposable("hevc", "0009aa", setup=one_layer)  # another layer of several
    assert not disposable("hevc", "0001aa", "7c01", setup=one_layer)  # Dolby Vision
    assert not disposable("hevc", "420102", "0001aa", setup=one_layer)  # a parameter set that says otherwise


def test_packets_that_are_not_as_their_record_says_are_needed() -> None:
    record = bytes.fromhex("0142c01effe10000")
    stream: Any = _Stream("h264", record)
    for content, expected in (
        ("000000020188", True),
        ("000000030188", False),
        ("00000000", False),
        ("0000000201880000", False),
    ):
        packet: Any = av.Packet(bytes.fromhex(content))
        assert Disposable(stream)(packet) is expected
