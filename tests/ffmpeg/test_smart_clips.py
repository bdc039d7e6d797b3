"""Smart mode: frame-exact at both ends, copied between, and right at the seams for more than one decoder."""

from __future__ import annotations

import shutil
import subprocess
from collections.abc import Mapping
from fractions import Fraction
from itertools import pairwise
from pathlib import Path
from typing import Any

import av
import numpy as np
import numpy.typing as npt
import pytest

from marlin_edit.interfaces import Receipt
from marlin_edit.media import probe
from marlin_edit_ffmpeg.codecs.h264 import H264
from marlin_edit_ffmpeg.codecs.h264_sets import h264_set_like, read_h264_set
from marlin_edit_ffmpeg.codecs.hevc import SPS, hevc_sets_like, read_hevc_set
from marlin_edit_ffmpeg.codecs.nal import Kind, read_record, split_sized
from marlin_edit_ffmpeg.source import Source
from tests.ffmpeg.test_clips import FILM, VARIABLE, deliver, opened, read
from tests.support.other_decoders import h264_indices, hevc_indices, other_indices
from tests.support.subtitle_checkers import required
from tests.support.synthetic_video import make_video

SIZE = (96, 64)
FRAMES = 90
CLOSED = "log-level=none:bframes=3:keyint=25:min-keyint=25:scenecut=0:open-gop=0"
OPEN = "log-level=none:bframes=3:keyint=25:min-keyint=25:scenecut=0:open-gop=1"
HDR10 = (
    OPEN
    + ":hdr10=1:master-display=G(13250,34500)B(7500,3000)R(34000,16000)WP(15635,16450)L(10000000,50):max-cll=1000,400"
)
ALT_REF = {"deadline": "good", "cpu-used": "5", "lag-in-frames": "16", "auto-alt-ref": "1"}
HDR10_COLOUR = {"color_primaries": 9, "color_trc": 16, "colorspace": 9, "color_range": 1}


def x264(params: str, **more: str) -> dict[str, str]:
    return {"x264-params": params} | more


def x265(params: str) -> dict[str, Any]:
    return {"codec": "libx265", "options": {"x265-params": params}}


KINDS: dict[str, tuple[str, Mapping[str, Any]]] = {
    "H.264": (".mp4", {"bframes": 3}),
    "H.264 in mkv": (".mkv", {"bframes": 3}),
    "H.264 without B-frames, in mov": (".mov", {"bframes": 0}),
    "H.264 of many references": (".mp4", {"bframes": 7, "options": x264("ref=5", preset="medium")}),
    "H.264 without pyramid, with delimiters": (".mkv", {"options": x264("b-pyramid=none:aud=1")}),
    "H.264 baseline": (".mp4", {"bframes": 0, "options": {"profile": "baseline"}}),
    "H.264 main": (".mkv", {"options": {"profile": "main"}}),
    "H.264 of 10 bits": (".mp4", {"pixel_format": "yuv420p10le"}),
    "H.264 4:2:2 of 10 bits": (".mov", {"pixel_format": "yuv422p10le"}),
    "H.264 of fields": (".mp4", {"interlaced": "top"}),
    "H.264, variable rate": (".mp4", {"variable": VARIABLE}),
    "H.264, variable rate in mkv": (".mkv", {"variable": VARIABLE}),
    "H.264, 23.976": (".mov", {"rate": FILM, "timecode": "01:00:00:00"}),
    "H.264, turned and anamorphic": (".mp4", {"rotation": 90, "pixel_aspect": Fraction(16, 11)}),
    "H.264, open groups": (".mp4", {"bframes": 3, "options": x264("open-gop=1:b-adapt=0")}),
    "H.264, open groups in mkv": (".mkv", {"bframes": 3, "options": x264("open-gop=1:weightp=2", preset="medium")}),
    "H.264, open groups of many references": (".mp4", {"bframes": 7, "options": x264("open-gop=1:ref=5:b-adapt=0")}),
    "H.264, open groups of slices": (".mov", {"bframes": 2, "options": x264("open-gop=1:slices=3:b-adapt=0")}),
    "H.264, open groups without CABAC": (".mp4", {"bframes": 3, "options": x264("open-gop=1:cabac=0:b-adapt=0")}),
    "H.264, open groups of fields": (".mp4", {"interlaced": "top", "options": x264("open-gop=1:b-adapt=0")}),
    "H.264, open groups in TS": (".ts", {"bframes": 3, "options": x264("open-gop=1:b-adapt=0")}),
    "HEVC": (".mp4", x265(CLOSED)),
    "HEVC in mkv": (".mkv", x265(CLOSED)),
    "HEVC of large blocks": (".mp4", x265(CLOSED) | {"size": (96, 72)}),
    "HEVC, open groups": (".mp4", x265(OPEN)),
    "HEVC, open groups in mkv": (".mkv", x265(OPEN)),
    "HEVC, RADL": (".mov", x265(CLOSED + ":radl=2")),
    "HDR10": (".mp4", x265(HDR10) | {"pixel_format": "yuv420p10le", "colour": HDR10_COLOUR}),
    "HDR10 in mkv": (".mkv", x265(HDR10) | {"pixel_format": "yuv420p10le", "colour": HDR10_COLOUR}),
    "H.264 in TS, from ten hours on": (".ts", {"bframes": 3, "start": Fraction(36_001)}),
    "HEVC, open groups in TS": (".ts", x265(OPEN)),
    "VP8": (".webm", {"codec": "libvpx"}),
    "VP8 in mkv": (".mkv", {"codec": "libvpx"}),
    "VP9": (".webm", {"codec": "libvpx-vp9"}),
    "VP9 of superframes, in mp4": (".mp4", {"codec": "libvpx-vp9", "options": ALT_REF}),
    "AV1": (".mp4", {"codec": "libsvtav1", "size": (192, 108)}),
    "AV1 in mkv": (".mkv", {"codec": "libsvtav1", "size": (192, 108)}),
    "MPEG-2 in TS": (".ts", {"codec": "mpeg2video", "bframes": 2}),
    "MPEG-2, open groups in mpg": (".mpg", {"codec": "mpeg2video", "bframes": 2, "audio_codec": "mp2"}),
    "MPEG-2 of fields": (".mkv", {"codec": "mpeg2video", "bframes": 2, "interlaced": "top"}),
    "MPEG-4": (".mp4", {"codec": "mpeg4", "bframes": 2}),
    "MPEG-4 in avi": (".avi", {"codec": "mpeg4", "bframes": 0}),
    "ProRes": (".mov", {"codec": "prores_ks", "pixel_format": "yuv422p10le", "audio_codec": "pcm_s16le"}),
    "DNxHR": (
        ".mov",
        {"codec": "dnxhd", "pixel_format": "yuv422p", "options": {"profile": "dnxhr_sq"}, "size": (256, 144)},
    ),
    "MJPEG": (".avi", {"codec": "mjpeg", "pixel_format": "yuvj420p"}),
}
DEEPLY_REORDERED = ("H.264, open groups in mkv", "H.264, open groups of many references")
WHOLE_PICTURES = ("ProRes", "DNxHR", "MJPEG")
OFF_KEYFRAMES = ((13, 71), (10, 53))
EDGES = ((25, 71), (25, 26), (24, 27), (0, 60), (37, FRAMES), (30, 45))


@pytest.fixture(scope="module")
def sources(tmp_path_factory: pytest.TempPathFactory) -> Any:
    folder = tmp_path_factory.mktemp("sources")
    made: dict[str, Path] = {}

    def source(name: str) -> Path:
        if name not in made:
            suffix, how = KINDS[name]
            path = folder / f"{len(made):02}{suffix}"
            settings: dict[str, Any] = {"gop": 25, "size": SIZE, **how}
            made[name] = make_video(path, frames=FRAMES, **settings)
        return made[name]

    return source


def pixels(path: Path) -> list[npt.NDArray[Any]]:
    with opened(path) as container:
        return [frame.to_ndarray() for frame in container.decode(video=0)]


def decoded_quietly(path: Path) -> list[str]:
    """What FFmpeg complains of while it decodes a clip."""
    with av.logging.Capture() as said:
        pixels(path)
    return [message for level, _, message in said if level <= av.logging.ERROR]


@pytest.mark.parametrize("name", KINDS)
def test_a_smart_clip_is_exact_and_copied_between_its_ends(name: str, sources: Any, tmp_path: Path) -> None:
    source = sources(name)
    receipt = deliver(source, tmp_path / "clips", *OFF_KEYFRAMES, *EDGES)
    assert receipt.missing == ()
    for at, (first, stop) in enumerate((*OFF_KEYFRAMES, *EDGES)):
        clip, item = read(receipt, at, source), receipt.items[at]
        assert clip.indices == tuple(range(first, stop))
        assert clip.hidden == 0
        assert clip.worst_sound_error <= Fraction(25, 1000)
        assert item["frames_copied"] + item["frames_encoded"] == stop - first
        assert item["drift"]["start_frames"] == item["drift"]["end_frames"] == 0
        assert item["mode"]["used"] == "smart" or item["mode"]["reason"]
        assert decoded_quietly(receipt.files[at]) == []
        media, frames = probe(source), range(first, stop)
        if media.times is not None:
            wanted = [media.time_of(frame) - media.time_of(first) for frame in frames]
            assert max(abs(a - b) for a, b in zip(clip.times, wanted, strict=True)) < Fraction(1, 1000)
    assert [item["mode"]["used"] for item in receipt.items[:2]] == ["smart", "smart"]
    assert receipt.items[5]["mode"]["used"] == "smart"
    if name in WHOLE_PICTURES:
        assert [item["frames_encoded"] for item in receipt.items] == [0] * len(receipt.items)
    else:
        assert receipt.items[7]["mode"]["reason"] == "there is no keyframe to copy from in it"

    whole, clip_pixels = pixels(source), pixels(receipt.files[0])
    same = [np.array_equal(mine, theirs) for mine, theirs in zip(clip_pixels, whole[13:71], strict=True)]
    assert sum(same) >= receipt.items[0]["frames_copied"]
    tail = 4 if name in DEEPLY_REORDERED else 3
    assert receipt.items[0]["frames_encoded"] <= (48 - 13 if name.endswith("23.976") else 12) + tail
    assert all(same[receipt.items[0]["frames_encoded"] : -tail])


def test_nearly_all_frames_of_closed_groups_are_the_sources_bit_for_bit(tmp_path: Path) -> None:
    """Two spans off keyframes, 372 frames together, of which the heads and tails are encoded: 29 at most."""
    source = make_video(tmp_path / "film.mp4", frames=450, size=SIZE, gop=25, bframes=3)
    spans = ((13, 199), (212, 398))
    receipt = deliver(source, tmp_path / "clips", *spans)
    whole = pixels(source)
    same = 0
    for file, (first, stop) in zip(receipt.files, spans, strict=True):
        clip = pixels(file)
        assert len(clip) == stop - first
        same += sum(np.array_equal(mine, theirs) for mine, theirs in zip(clip, whole[first:stop], strict=True))
    assert sum(stop - first for first, stop in spans) == 372
    assert same >= 340


@pytest.mark.parametrize("name", [name for name in KINDS if name.startswith(("HEVC", "HDR10"))])
def test_libde265_shows_every_frame_of_hevc(name: str, sources: Any, tmp_path: Path) -> None:
    receipt = deliver(sources(name), tmp_path / "clips", *OFF_KEYFRAMES, *EDGES[:5])
    for file, (first, stop) in zip(receipt.files, (*OFF_KEYFRAMES, *EDGES[:5]), strict=True):
        assert hevc_indices(file) == list(range(first, stop))


@pytest.mark.parametrize("name", ["H.264 without B-frames, in mov", "H.264 baseline"])
def test_openh264_shows_every_frame_of_h264(name: str, sources: Any, tmp_path: Path) -> None:
    receipt = deliver(sources(name), tmp_path / "clips", *OFF_KEYFRAMES)
    for file, (first, stop) in zip(receipt.files, OFF_KEYFRAMES, strict=True):
        assert h264_indices(file, SIZE, tmp_path) == list(range(first, stop))


REORDERED = ("H.264", "H.264 in mkv", "H.264 main")
OPEN_GROUPS = tuple(name for name in KINDS if name.startswith("H.264, open") and not name.endswith(("fields", "TS")))


@pytest.mark.parametrize("name", [*REORDERED, *OPEN_GROUPS])
def test_openh264_decodes_reordered_h264_across_seams(name: str, sources: Any, tmp_path: Path) -> None:
    """It forgets the frame before an IDR picture where frames are reordered, in any file (so in the source as well):
    all others must be there, whole and in order."""
    receipt = deliver(sources(name), tmp_path / "clips", *OFF_KEYFRAMES)
    for file, (first, stop) in zip(receipt.files, OFF_KEYFRAMES, strict=True):
        shown = h264_indices(file, SIZE, tmp_path)
        assert len(shown) == stop - first
        forgotten = set(range(first, stop)) - set(shown)
        assert set(shown) <= set(range(first, stop))
        assert all(earlier <= later for earlier, later in pairwise(sorted(shown)))
        assert all(frame + 1 in before_idr(file, first) for frame in forgotten)


@pytest.mark.parametrize("name", [name for name in KINDS if name.startswith(("VP9", "AV1", "MPEG"))])
def test_another_decoder_shows_every_frame_of_other_codecs(name: str, sources: Any, tmp_path: Path) -> None:
    """libvpx, libaom, libmpeg2 and Xvid, at every seam."""
    asked = (*OFF_KEYFRAMES, *EDGES[:5])
    receipt = deliver(sources(name), tmp_path / "clips", *asked)
    for item, file, (first, stop) in zip(receipt.items, receipt.files, asked, strict=True):
        size = KINDS[name][1].get("size", SIZE)
        assert other_indices(file, size, tmp_path) == list(range(first, stop)), item["mode"]


def before_idr(path: Path, first: int) -> set[int]:
    """The frames that IDR pictures of an H.264 clip at a constant rate hold."""
    with opened(path) as container:
        video = container.streams.video[0]
        record = read_record(Kind.H264, video.codec_context.extradata)
        packets = [packet for packet in container.demux(video) if packet.size]
        zero = min(packet.pts for packet in packets)
        return {
            first + round((packet.pts - zero) * video.time_base * video.average_rate)
            for packet in packets
            if Kind.H264.is_random_access(split_sized(bytes(packet), record.length_size))
        }


def test_h264_clips_keep_both_families_of_parameter_sets_apart(sources: Any, tmp_path: Path) -> None:
    receipt = deliver(sources("H.264"), tmp_path / "clips", (13, 71))
    with opened(receipt.files[0]) as container:
        record = read_record(Kind.H264, container.streams.video[0].codec_context.extradata)
    sets = [read_h264_set(unit) for unit in record.sets if Kind.H264.type_of(unit) == 7]
    assert len(sets) == 2
    assert sets[0].number != sets[1].number
    for name in ("profile", "level", "format", "reorder", "references"):
        assert getattr(sets[0], name) == getattr(sets[1], name), name


def test_hevc_clips_are_tagged_for_sets_in_the_stream_only_where_there_are_any(sources: Any, tmp_path: Path) -> None:
    receipt = deliver(sources("HEVC"), tmp_path / "clips", (13, 71), (25, 71))
    tags = []
    for file in receipt.files:
        with opened(file) as container:
            tags.append(container.streams.video[0].codec_context.codec_tag)
    assert receipt.items[1]["frames_encoded"] == 0
    assert tags[0] == "hev1"
    with opened(sources("HEVC")) as container:
        assert tags[1] == container.streams.video[0].codec_context.codec_tag


def test_hdr10_metadata_is_that_of_the_source_in_every_part(sources: Any, tmp_path: Path) -> None:
    receipt = deliver(sources("HDR10"), tmp_path / "clips", (13, 71))
    assert receipt.items[0]["mode"]["used"] == "smart"
    assert probe(receipt.files[0]).colour == probe(sources("HDR10")).colour
    with opened(sources("HDR10")) as container:
        wanted = _light(next(container.decode(video=0)))
    with opened(receipt.files[0]) as container:
        assert all(_light(frame) == wanted for frame in container.decode(video=0))


def _light(frame: Any) -> list[bytes]:
    return [
        bytes(side)
        for side in frame.side_data
        if side.type.name in ("MASTERING_DISPLAY_METADATA", "CONTENT_LIGHT_LEVEL")
    ]


@pytest.mark.parametrize(
    ("suffix", "made", "reason"),
    [
        (".mp4", {"bframes": 0, "options": x264("intra-refresh=1")}, "not random access points"),
        (".avi", {"bframes": 0}, "h264 out of avi"),
        (".mkv", {"codec": "ffv1", "pixel_format": "yuv420p"}, "ffv1 cannot be joined"),
        (".mp4", {"gop": 250}, "no keyframe"),
    ],
)
def test_what_cannot_be_joined_is_cut_in_exact_mode_and_says_why(
    tmp_path: Path, suffix: str, made: Mapping[str, Any], reason: str
) -> None:
    source = make_video(tmp_path / f"film{suffix}", size=SIZE, **({"gop": 25, "bframes": 3} | dict(made)))
    receipt = deliver(source, tmp_path / "clips", (13, 71))
    [item] = receipt.items
    assert item["mode"] == {"asked": "smart", "used": "exact", "reason": item["mode"]["reason"]}
    assert reason in item["mode"]["reason"]
    assert any(reason in note for note in receipt.notes)
    assert read(receipt, 0, source).indices == tuple(range(13, 71))


def test_vp8_with_frames_that_are_not_shown_is_cut_in_exact_mode(tmp_path: Path) -> None:
    program = shutil.which("ffmpeg")
    required(program is None, "FFmpeg")
    made, source = make_video(tmp_path / "made.mp4", size=SIZE, frames=150), tmp_path / "film.webm"
    for number, target in ((1, "-f null -"), (2, str(source))):
        coding = "-c:v libvpx -b:v 300k -g 25 -auto-alt-ref 1 -lag-in-frames 25 -c:a libopus"
        line = f"{program} -v error -i {made} {coding} -pass {number} -passlogfile {tmp_path / 'log'} {target}"
        subprocess.run(line.split(), check=True)
    with av.open(str(source)) as container:
        packets = [bytes(packet) for packet in container.demux(video=0) if packet.size]
    assert any(not packet[0] & 16 for packet in packets)
    receipt = deliver(source, tmp_path / "clips", (13, 138))
    assert receipt.items[0]["mode"]["used"] == "exact"
    assert read(receipt, 0, source).indices == tuple(range(13, 138))


def test_a_clip_of_which_most_would_be_encoded_is_cut_in_exact_mode(sources: Any, tmp_path: Path) -> None:
    [item] = deliver(sources("H.264"), tmp_path / "clips", (1, 35)).items
    assert item["mode"]["reason"] == "25 of its 34 frames needed re-encoding anyway"
    [item] = deliver(sources("H.264"), tmp_path / "more", (15, 40)).items
    assert item["mode"]["used"] == "smart"


def without_sets(*arguments: Any) -> list[bytes]:
    return []


def test_a_seam_that_does_not_hold_is_noticed_and_the_clip_made_as_exact(
    sources: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("marlin_edit_ffmpeg.codecs.hevc.hevc_sets_to_repeat", without_sets)
    receipt = deliver(sources("HEVC"), tmp_path / "clips", (13, 71))
    [item] = receipt.items
    assert "failed its check" in item["mode"]["reason"]
    assert item["frames_encoded"] == 58
    assert read(receipt, 0, sources("HEVC")).indices == tuple(range(13, 71))


def test_copied_packets_that_are_not_the_sources_are_noticed(
    sources: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    count = 0

    def damaged(self: H264, data: Any, **told: Any) -> bytes:
        nonlocal count
        count += 1
        return bytes(data) if count != 20 else bytes(data[:-1]) + bytes([data[-1] ^ 4])

    monkeypatch.setattr(H264, "copied", damaged)
    [item] = deliver(sources("H.264"), tmp_path / "clips", (13, 71)).items
    assert "not the source's" in item["mode"]["reason"]


def test_only_the_ends_are_decoded(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    source = make_video(tmp_path / "film.mp4", frames=400, size=SIZE, gop=25, bframes=3)
    seen = 0
    right = Source.decode

    def counted(self: Source, packet: Any) -> Any:
        nonlocal seen
        seen += packet is not None
        return right(self, packet)

    monkeypatch.setattr(Source, "decode", counted)
    [item] = deliver(source, tmp_path / "clips", (13, 391)).items
    assert item["frames_copied"] >= 360
    assert seen < 80


def test_a_dry_run_tells_what_would_be_encoded(sources: Any, tmp_path: Path) -> None:
    [planned] = deliver(sources("H.264"), tmp_path / "clips", (13, 71), dry_run=True).items
    [written] = deliver(sources("H.264"), tmp_path / "clips", (13, 71)).items
    for name in ("frames_copied", "frames_encoded", "mode"):
        assert planned[name] == written[name]


def test_parameter_sets_written_like_themselves_stay_as_they_were(sources: Any) -> None:
    for name in ("H.264", "H.264 of fields", "H.264 4:2:2 of 10 bits"):
        with opened(sources(name)) as container:
            record = read_record(Kind.H264, container.streams.video[0].codec_context.extradata)
            assert record.with_sets([]) == container.streams.video[0].codec_context.extradata
        assert h264_set_like(record.sets[0], record.sets[0]) == record.sets[0]
    for name in ("HEVC", "HDR10"):
        with opened(sources(name)) as container:
            record = read_record(Kind.HEVC, container.streams.video[0].codec_context.extradata)
        sets = [unit for unit in record.sets if Kind.HEVC.is_parameters(unit)]
        sps = next(unit for unit in sets if Kind.HEVC.type_of(unit) == SPS)
        assert hevc_sets_like(sets, sps) == sets
        assert read_hevc_set(sps).reorder == 2


def test_clips_far_inside_a_file_are_joined_as_well(tmp_path: Path) -> None:
    for suffix in (".mp4", ".mkv"):
        source = make_video(tmp_path / f"long{suffix}", frames=900, size=SIZE, gop=48, bframes=3, rate=FILM)
        receipt: Receipt = deliver(source, tmp_path / suffix[1:], (700, 860), (431, 600), (0, 200))
        assert [item["mode"]["used"] for item in receipt.items] == ["smart"] * 3
        for at, (first, stop) in enumerate([(700, 860), (431, 600), (0, 200)]):
            clip = read(receipt, at, source)
            assert clip.indices == tuple(range(first, stop))
            assert clip.worst_sound_error <= Fraction(25, 1000)
