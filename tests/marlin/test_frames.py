"""Frames of a window: which ones, when they were shown, and that both decoders give the same pixels."""

from __future__ import annotations

import sys
from collections.abc import Mapping
from dataclasses import replace
from fractions import Fraction
from pathlib import Path
from typing import Any

import av
import numpy as np
import pytest
import torch

from marlin_edit.errors import MarlinEditError, UsageError
from marlin_edit.marlin import frames as frames_module
from marlin_edit.marlin.frames import GROUP, WindowFrames, read_frames
from marlin_edit.media import MediaInfo, probe
from marlin_edit.sampling import MARLIN, display_size, sample_times
from marlin_edit.timebase import Span
from tests.support.synthetic_video import make_audio, make_video, read_index, truncate

needs_torchcodec = pytest.mark.skipif(
    frames_module._torchcodec_problem() is not None, reason="torchcodec does not load here"
)
BT709 = {"colorspace": 1, "color_range": 1}
FULL_BT709 = {"colorspace": 1, "color_range": 2}
PQ = {"colorspace": 9, "color_trc": 16, "color_primaries": 9, "color_range": 1}
HLG = {"colorspace": 9, "color_trc": 18, "color_primaries": 9, "color_range": 1}


def window(start: str, end: str) -> Span:
    return Span(Fraction(start), Fraction(end))


def shown(media: MediaInfo, part: Span, decoder: str = "auto") -> tuple[torch.Tensor, list[Fraction], WindowFrames]:
    reading = read_frames(media, part, MARLIN, decoder)
    groups = list(reading)
    return torch.cat([group.pixels for group in groups]), [t for group in groups for t in group.times], reading


def indices(pixels: torch.Tensor) -> list[int]:
    return [read_index(picture[1].numpy()) for picture in pixels]


def colourful(
    path: Path,
    *,
    size: tuple[int, int] = (160, 90),
    codec: str = "libx264",
    pixel_format: str = "yuv420p",
    colour: Mapping[str, int] | None = None,
    rotation: int = 0,
    options: Mapping[str, str] | None = None,
) -> Path:
    """One second at 10 fps of coloured blocks with noise, so that every step of a colour conversion is exercised."""
    random = np.random.default_rng(7)
    width, height = size
    blocks = random.integers(0, 256, (height // 8 + 1, width // 8 + 1, 3)).repeat(8, 0).repeat(8, 1)[:height, :width]
    with av.open(str(path), "w") as container:
        stream: Any = container.add_stream(codec, rate=10, options=dict(options or {}))
        stream.width, stream.height = size
        stream.pix_fmt = pixel_format
        for name, value in (colour or {}).items():
            setattr(stream.codec_context, name, value)
        if rotation:
            stream.set_display_rotation(-rotation)
        for number in range(10):
            picture = np.roll(blocks, 3 * number, 1) + random.integers(-20, 21, blocks.shape)
            frame: Any = av.VideoFrame.from_ndarray(picture.clip(0, 255).astype(np.uint8), format="rgb24")
            frame = frame.reformat(format=pixel_format)
            frame.pts = number
            frame.time_base = Fraction(1, 10)
            for name, value in (colour or {}).items():
                setattr(frame, name, value)
            container.mux(stream.encode(frame))
        container.mux(stream.encode(None))
    return path


def turned_copy(source: Path, path: Path, rotation: int) -> Path:
    """The same packets, to be shown turned. Encoded again they might differ: libx264 does not always give the same."""
    with av.open(str(source)) as container, av.open(str(path), "w") as copy:
        stream: Any = copy.add_stream_from_template(container.streams.video[0])
        stream.set_display_rotation(-rotation)
        for packet in container.demux(video=0):
            if packet.dts is not None:
                packet.stream = stream
                copy.mux(packet)
    return path


def flat(path: Path, planes: tuple[int, int, int], pixel_format: str, colour: Mapping[str, int]) -> torch.Tensor:
    """The RGB that a picture of one colour, given by its code values, is shown as."""
    with av.open(str(path), "w") as container:
        stream: Any = container.add_stream("ffv1", rate=10)
        stream.width, stream.height, stream.pix_fmt = 64, 64, pixel_format
        for name, value in colour.items():
            setattr(stream.codec_context, name, value)
        for number in range(10):
            frame: Any = av.VideoFrame(64, 64, pixel_format)
            wide = "10" in pixel_format
            for plane, value in zip(frame.planes, planes, strict=True):
                plane.update(value.to_bytes(2 if wide else 1, "little") * (plane.buffer_size // (1 + wide)))
            frame.pts = number
            frame.time_base = Fraction(1, 10)
            for name, tag in colour.items():
                setattr(frame, name, tag)
            container.mux(stream.encode(frame))
        container.mux(stream.encode(None))
    pixels, _, _ = shown(probe(path), window("0", "1"), "pyav")
    assert bool((pixels == pixels[:, :, :1, :1]).all())
    return pixels[0, :, 0, 0]


# Which instants ------------------------------------------------------------------------------------------------------


def test_instants_lie_on_a_grid_from_the_windows_start() -> None:
    assert sample_times(window("7.3", "10"), MARLIN) == [
        Fraction(text) for text in ("7.3", "7.8", "8.3", "8.8", "9.3", "9.8")
    ]
    assert len(sample_times(window("0", "30"), MARLIN)) == 60
    assert len(sample_times(window("0", "30.01"), MARLIN)) == 61


def test_a_short_window_gets_the_least_number_of_frames_evenly_spaced() -> None:
    assert sample_times(window("1", "2"), MARLIN) == [Fraction(text) for text in ("1", "1.25", "1.5", "1.75")]


def test_a_window_longer_than_the_model_was_trained_for_is_refused() -> None:
    assert len(sample_times(window("0", "120"), MARLIN)) == 240
    with pytest.raises(MarlinEditError, match=r"120 s.*--range"):
        sample_times(window("0", "100000000"), MARLIN)


# Which frames --------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("name", "making"),
    [
        ("plain.mp4", {}),
        ("late.mp4", {"start": Fraction(7)}),
        ("late.mkv", {"start": Fraction(7)}),
        ("cable.ts", {"start": Fraction(20)}),
        ("old.avi", {"codec": "mpeg4", "bframes": 0}),
        ("editlist.mp4", {"hidden": 4}),
    ],
)
@pytest.mark.parametrize("decoder", ["auto", "pyav"])
def test_the_frame_on_the_screen_at_each_instant_is_used_with_its_own_time(
    tmp_path: Path, name: str, making: dict[str, Any], decoder: str
) -> None:
    hidden = making.get("hidden", 0)
    media = probe(make_video(tmp_path / name, frames=100, audio=0, gop=50, **making))
    pixels, times, reading = shown(media, window("1.3", "3.8"), decoder)
    # At 25 fps: 1.3 s is between frames 32 (1.28 s) and 33, 1.8 s is frame 45 exactly.
    assert indices(pixels) == [hidden + number for number in (32, 45, 57, 70, 82)]
    assert times == [Fraction(text) for text in ("1.3", "1.8", "2.28", "2.8", "3.28")]
    assert reading.count == 5


def test_a_varying_rate_is_read_by_its_own_times_and_a_held_picture_is_seen_again(tmp_path: Path) -> None:
    showing = [Fraction(text) for text in ("0", "0.4", "0.50005", "0.9", "2.6", "2.7", "3", "3.1")]
    media = probe(make_video(tmp_path / "slides.mp4", variable=showing, audio=0))
    pixels, times, reading = shown(media, window("0", "3"))
    # 0.50005 s is within a tenth of a millisecond of 0.5 s. The slide of 0.9 s is held until 2.6 s.
    assert indices(pixels) == [0, 2, 3, 3, 3, 3]
    assert [round(float(time), 3) for time in times] == [0, 0.5, 0.9, 1.5, 2, 2.5]
    assert (reading.decoder, reading.notes) == ("pyav", ["PyAV decodes: the frame rate varies."])


def test_a_seek_that_lands_late_goes_further_back(tmp_path: Path) -> None:
    media = probe(make_video(tmp_path / "long.ts", frames=300, gop=290, size=(160, 90), audio=0))
    pixels, _, _ = shown(media, window("9", "11"))
    assert indices(pixels) == [225, 237, 250, 262]


def test_frames_come_in_small_groups_of_an_even_number(tmp_path: Path) -> None:
    media = probe(make_video(tmp_path / "long.mp4", frames=250, size=(160, 90), audio=0))
    sizes = [len(group.times) for group in read_frames(media, window("0", "9.5"), MARLIN)]
    assert sizes == [GROUP, GROUP, 3]


def test_reading_again_gives_the_same(tmp_path: Path) -> None:
    reading = read_frames(probe(make_video(tmp_path / "a.mp4", audio=0)), window("0", "3"), MARLIN)
    assert all(torch.equal(a.pixels, b.pixels) for a, b in zip(reading, reading, strict=True))


# The same pixels from both -------------------------------------------------------------------------------------------

ORDINARY: dict[str, dict[str, Any]] = {
    "h264.mp4": {},
    "odd-size.mp4": {"size": (322, 242)},
    "hd.mp4": {"size": (1280, 64), "colour": BT709},
    "bt601.mp4": {"colour": {"colorspace": 6, "color_range": 1}},
    "bt2020.mp4": {"colour": {"colorspace": 9, "color_range": 1}},
    "full-range.mp4": {"colour": FULL_BT709},
    "422.mp4": {"pixel_format": "yuv422p"},
    "444.mp4": {"pixel_format": "yuv444p"},
    "hevc.mp4": {"codec": "libx265", "options": {"x265-params": "log-level=none"}, "colour": BT709},
    "vp9.webm": {"codec": "libvpx-vp9", "options": {"deadline": "realtime", "cpu-used": "8"}},
    "prores.mov": {"codec": "prores_ks", "pixel_format": "yuv422p10le"},
    "mpeg4.mp4": {"codec": "mpeg4"},
    "jpeg.mov": {"codec": "mjpeg", "pixel_format": "yuvj422p"},
    "turned-90.mp4": {"rotation": 90},
    "turned-180.mp4": {"rotation": 180},
    "turned-270.mp4": {"rotation": 270},
}


@needs_torchcodec
@pytest.mark.parametrize("name", ORDINARY)
def test_torchcodec_and_pyav_give_the_same_pixels_and_times(tmp_path: Path, name: str) -> None:
    media = probe(colourful(tmp_path / name, **ORDINARY[name]))
    ours, our_times, reading = shown(media, window("0", "1"), "torchcodec")
    assert (reading.decoder, reading.notes) == ("torchcodec", [])
    pixels, times, _ = shown(media, window("0", "1"), "pyav")
    assert times == our_times
    assert torch.equal(pixels, ours)


OUT_OF_THE_ORDINARY: dict[str, tuple[dict[str, Any], str]] = {
    "untagged-hd.mp4": ({"size": (1280, 64)}, "colour matrix"),
    "10-bit.mp4": ({"pixel_format": "yuv420p10le"}, "yuv420p10le"),
    "full-range.webm": (
        {"codec": "libvpx-vp9", "options": {"deadline": "realtime", "cpu-used": "8"}, "colour": FULL_BT709},
        "full range",
    ),
    "pq.mkv": ({"codec": "ffv1", "pixel_format": "yuv420p10le", "colour": PQ}, "HDR"),
    "cable.ts": ({}, "mpegts"),
}


@needs_torchcodec
@pytest.mark.parametrize("name", OUT_OF_THE_ORDINARY)
def test_where_torchcodec_would_differ_pyav_decodes_and_it_is_said(tmp_path: Path, name: str) -> None:
    making, reason = OUT_OF_THE_ORDINARY[name]
    media = probe(colourful(tmp_path / name, **making))
    reading = read_frames(media, window("0", "1"), MARLIN)
    assert reading.decoder == "pyav"
    assert reason in reading.notes[0]
    with pytest.raises(MarlinEditError, match=reason):
        read_frames(media, window("0", "1"), MARLIN, "torchcodec")


@pytest.mark.parametrize("error", [ImportError, OSError, RuntimeError])
def test_where_torchcodec_does_not_load_pyav_decodes_and_it_is_said(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, error: type[Exception]
) -> None:
    class Finder:
        def find_spec(self, name: str, path: object = None, target: object = None) -> None:
            if name.startswith("torchcodec"):
                raise error("Could not load libtorchcodec")

    for name in [name for name in sys.modules if name.split(".")[0] == "torchcodec"]:
        monkeypatch.delitem(sys.modules, name)
    monkeypatch.setattr(sys, "meta_path", [Finder(), *sys.meta_path])
    frames_module._torchcodec_problem.cache_clear()
    try:
        reading = read_frames(probe(make_video(tmp_path / "a.mp4", audio=0)), window("0", "3"), MARLIN)
    finally:
        frames_module._torchcodec_problem.cache_clear()
    assert reading.decoder == "pyav"
    assert "torchcodec" in reading.notes[0]
    assert len(list(reading)) == 1


# The conversion ------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("colour", "expected"),
    [
        ({"colorspace": 1, "color_range": 1}, (250, 91, 41)),
        ({"colorspace": 6, "color_range": 1}, (236, 77, 44)),
        ({}, (236, 77, 44)),
        ({"colorspace": 9, "color_range": 1}, (242, 81, 40)),
        ({"colorspace": 1, "color_range": 2}, (233, 93, 49)),
    ],
)
def test_matrix_and_range_are_the_streams_own(
    tmp_path: Path, colour: dict[str, int], expected: tuple[int, int, int]
) -> None:
    rgb = flat(tmp_path / "flat.mkv", (120, 90, 200), "yuv420p", colour)
    assert rgb.tolist() == pytest.approx(expected, abs=1.6)


def test_without_a_tag_large_pictures_are_bt709(tmp_path: Path) -> None:
    untagged = probe(colourful(tmp_path / "untagged.mkv", size=(1280, 64), codec="ffv1"))
    tagged = probe(colourful(tmp_path / "tagged.mkv", size=(1280, 64), codec="ffv1", colour=BT709))
    assert untagged.colour.matrix is None
    assert tagged.colour.matrix == "bt709"
    assert torch.equal(shown(untagged, window("0", "1"))[0], shown(tagged, window("0", "1"))[0])


@pytest.mark.parametrize(("colour", "white"), [(PQ, 573), (HLG, 721)])
def test_hdr_reference_white_is_nearly_white_and_black_is_black(
    tmp_path: Path, colour: dict[str, int], white: int
) -> None:
    # 203 cd/m2 is 58 % of PQ and 75 % of HLG (BT.2408): f(1) = 1 - 1/(2e) = 0.816, and 0.816^(1/2.4) is 234 / 255.
    assert flat(tmp_path / "white.mkv", (white, 512, 512), "yuv420p10le", colour).tolist() == pytest.approx(
        [234] * 3, abs=1
    )
    assert flat(tmp_path / "black.mkv", (64, 512, 512), "yuv420p10le", colour).tolist() == [0, 0, 0]
    peak = flat(tmp_path / "peak.mkv", (940, 512, 512), "yuv420p10le", colour)
    assert 250 <= int(peak.min()) <= int(peak.max()) <= 255


def test_pictures_are_turned_upright(tmp_path: Path) -> None:
    upright = colourful(tmp_path / "plain.mp4")
    plain, _, _ = shown(probe(upright), window("0", "1"))
    for degrees, turns in ((90, -1), (180, 2), (270, 1)):
        media = probe(turned_copy(upright, tmp_path / f"{degrees}.mp4", degrees))
        turned, _, _ = shown(media, window("0", "1"))
        assert torch.equal(turned, torch.rot90(plain, turns, (2, 3)))
        assert display_size(media) == tuple(turned.shape[2:])


def test_displayed_size_is_in_square_pixels(tmp_path: Path) -> None:
    path = make_video(tmp_path / "wide.mp4", pixel_aspect=Fraction(4, 3), audio=0)
    media = probe(path)
    assert display_size(media) == (180, 427)
    assert display_size(replace(media, rotation=90)) == (427, 180)
    assert shown(media, window("0", "3"))[0].shape[2:] == (180, 320)


@pytest.mark.parametrize("first", ["top", "bottom"])
def test_an_interlaced_picture_is_deinterlaced_alike_in_every_window(tmp_path: Path, first: str) -> None:
    media = probe(make_video(tmp_path / "fields.mp4", frames=150, gop=75, audio=0, interlaced=first))
    early, times, reading = shown(media, window("1", "5"))
    late, late_times, _ = shown(media, window("2", "5"))
    assert "interlaced" in reading.notes[0]
    assert indices(early) == [25, 37, 50, 62, 75, 87, 100, 112]
    assert times[2:] == late_times
    assert torch.equal(early[2:], late)


# Damage --------------------------------------------------------------------------------------------------------------


def test_damaged_packets_are_passed_over_counted_and_told(tmp_path: Path) -> None:
    path = make_video(tmp_path / "scratched.ts", frames=300, audio=0)
    media = probe(path)
    content = bytearray(path.read_bytes())
    for place in range(len(content) // 2, len(content) // 2 + 6_000, 7):
        content[place] ^= 0x5A
    path.write_bytes(content)
    pixels, times, reading = shown(media, window("0", "12"))
    assert reading.damaged > 0
    assert any("damaged packets or frames were skipped" in note for note in reading.notes)
    assert len(times) == 24
    found = indices(pixels)
    assert found[:10] == [0, 12, 25, 37, 50, 62, 75, 87, 100, 112]
    assert found[-4:] == [250, 262, 275, 287]


@pytest.mark.parametrize("decoder", ["auto", "pyav"])
def test_a_picture_that_ends_early_gives_fewer_frames_and_none_is_an_error(tmp_path: Path, decoder: str) -> None:
    path = make_video(tmp_path / "short.mp4", frames=300, audio=0, container_options={"movflags": "faststart"})
    media = probe(path)
    truncate(path, 0.6)
    pixels, times, reading = shown(media, window("0", "12"), decoder)
    assert 8 <= len(times) < 24
    assert indices(pixels) == [0, 12, 25, 37, 50, 62, 75, 87, 100, 112, 125, 137, 150, 162, 175, 187][: len(times)]
    assert any("missing" in note for note in reading.notes)
    with pytest.raises(MarlinEditError, match=r"short.mp4.*could be decoded"):
        shown(media, window("10", "12"), decoder)


def test_a_file_without_a_picture_is_refused(tmp_path: Path) -> None:
    with pytest.raises(MarlinEditError, match="no picture"):
        read_frames(probe(make_audio(tmp_path / "a.m4a")), window("0", "1"), MARLIN)


def test_a_decoder_that_is_not_there_is_refused(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="pyav"):
        read_frames(probe(make_video(tmp_path / "a.mp4", audio=0)), window("0", "1"), MARLIN, "vlc")


def test_the_chosen_stream_of_several_is_shown() -> None:
    path = Path(__file__).parents[1] / "data" / "nasa_13013.mp4"
    first, second = (probe(path, index) for index in _video_indices(path))
    for media in (first, second):
        pixels, _, _ = shown(media, window("2", "4"))
        assert pixels.shape == (4, 3, media.height, media.width)
        assert torch.equal(pixels, shown(media, window("2", "4"), "pyav")[0])
    assert first.height != second.height


def _video_indices(path: Path) -> list[int]:
    with av.open(str(path)) as container:
        return [stream.index for stream in container.streams.video]
