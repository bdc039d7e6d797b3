"""Every kind of source, cut everywhere, in every mode, each clip measured by the ruler. It takes minutes: the quick
tests cut a part of these.
"""

from __future__ import annotations

from collections.abc import Mapping
from fractions import Fraction
from pathlib import Path
from typing import Any

import pytest

from marlin_edit.media import probe
from tests.ffmpeg.test_clips import KINDS as CLIP_KINDS
from tests.ffmpeg.test_clips import VARIABLE, Kind, deliver, read
from tests.ffmpeg.test_smart_clips import (
    CLOSED,
    FRAMES,
    HDR10,
    HDR10_COLOUR,
    SIZE,
    WHOLE_PICTURES,
    decoded_quietly,
    x265,
)
from tests.ffmpeg.test_smart_clips import KINDS as SMART_KINDS
from tests.support.synthetic_video import make_video

pytestmark = pytest.mark.slow

CODECS: Mapping[str, tuple[str, Mapping[str, Any]]] = {
    "H.264": (".mp4", {"bframes": 3}),
    "HEVC": (".mp4", x265(CLOSED)),
    "VP8": (".webm", {"codec": "libvpx"}),
    "VP9": (".webm", {"codec": "libvpx-vp9"}),
    "VP9 in mp4": (".mp4", {"codec": "libvpx-vp9"}),
    "AV1": (".mp4", {"codec": "libsvtav1", "size": (192, 108)}),
    "MPEG-2": (".mp4", {"codec": "mpeg2video"}),
    "MPEG-4": (".mp4", {"codec": "mpeg4"}),
    "ProRes": (".mov", {"codec": "prores_ks", "pixel_format": "yuv422p10le", "audio_codec": "pcm_s16le"}),
    "DNxHR": (
        ".mov",
        {"codec": "dnxhd", "pixel_format": "yuv422p", "options": {"profile": "dnxhr_sq"}, "size": (256, 144)},
    ),
}
STREAMS: Mapping[str, Mapping[str, Any]] = {
    "variable rate": {"variable": VARIABLE},
    "an edit list": {"hidden": 5},
    "turned": {"rotation": 90},
    "delayed sound": {"audio_delay": Fraction(7, 10)},
    "no sound": {"audio": 0},
    "two sounds": {"audio": 2, "audio_languages": ("eng", "deu")},
    "29.97": {"rate": "30000/1001"},
}


def _crossed() -> list[Kind]:
    """Every codec with every peculiarity of streams that its container can have."""
    kinds = []
    for codec, (suffix, made) in CODECS.items():
        for name, more in STREAMS.items():
            hidden = more.get("hidden", 0)
            if (hidden and suffix == ".webm") or (codec == "MPEG-2" and "variable" in more):
                continue  # WebM has no edit lists, MPEG-2 no variable rate
            settings = {"gop": 25, "size": SIZE, **made, **more}
            kinds.append(Kind(f"{codec}, {name}", suffix, settings, FRAMES - hidden, hidden))
    return kinds


def _all() -> list[Kind]:
    kinds = [
        Kind(f"{name} (smart)", suffix, {"gop": 25, "size": SIZE, **made})
        for name, (suffix, made) in SMART_KINDS.items()
    ]
    kinds += [
        Kind(one.name, one.suffix, {"size": (192, 108), **one.made}, one.frames, one.first_index) for one in CLIP_KINDS
    ]
    kinds += [
        Kind(
            "MPEG-2 in TS, from ten hours on", ".ts", {"codec": "mpeg2video", "start": Fraction(36_001), "size": SIZE}
        ),
        Kind("MPEG-2 of fields in TS", ".ts", {"codec": "mpeg2video", "interlaced": "top", "size": SIZE}),
        Kind(
            "HDR10 in TS", ".ts", {**x265(HDR10), "pixel_format": "yuv420p10le", "colour": HDR10_COLOUR, "size": SIZE}
        ),
        Kind("AV1 of 10 bits", ".mkv", {"codec": "libsvtav1", "pixel_format": "yuv420p10le", "size": (192, 108)}),
        Kind("VP9 4:4:4", ".webm", {"codec": "libvpx-vp9", "pixel_format": "yuv444p", "size": SIZE}),
    ]
    return kinds + _crossed()


def spans(kind: Kind, keyframe: int) -> list[tuple[int, int]]:
    """Two off keyframes, on one, one frame, three, from 0, to the end."""
    return [
        (13, 71),
        (10, 53),
        (keyframe, 71),
        (keyframe, keyframe + 1),
        (keyframe - 1, keyframe + 2),
        (52, 53),
        (0, 60),
        (37, kind.frames),
    ]


@pytest.mark.parametrize("kind", _all(), ids=lambda kind: kind.name)
def test_every_cut_of_every_kind_is_exact(kind: Kind, tmp_path: Path) -> None:
    source = make_video(tmp_path / f"source{kind.suffix}", frames=90, **kind.made)
    bound = Fraction(25, 1000) if kind.suffix == ".ts" else Fraction(5, 1000)
    ranges = spans(kind, 25 - kind.first_index)
    wrong = []
    for mode in ("smart", "exact", "copy"):
        receipt = deliver(source, tmp_path / mode, *ranges, clip_mode=mode)
        assert receipt.missing == ()
        for at, asked in enumerate(ranges):
            item = receipt.items[at]
            clip = read(receipt, at, source, kind.first_index)
            delivered = (item["delivered"]["first_frame"], item["delivered"]["stop_frame"])
            said = f"{mode} {asked} {item['mode']}: "
            if mode != "copy" and delivered != asked:
                wrong.append(f"{said}delivered {delivered}")
            if clip.indices != tuple(number + kind.first_index for number in range(*delivered)):
                wrong.append(f"{said}has {clip.indices}")
            if clip.hidden:
                wrong.append(f"{said}{clip.hidden} hidden")
            if clip.worst_sound_error > bound:
                wrong.append(f"{said}sound {float(clip.worst_sound_error * 1000):.1f} ms off")
            if decoded_quietly(receipt.files[at]):
                wrong.append(f"{said}{decoded_quietly(receipt.files[at])[0]}")
            drift = (delivered[0] - asked[0], delivered[1] - asked[1])
            if drift != (item["drift"]["start_frames"], item["drift"]["end_frames"]):
                wrong.append(f"{said}drifts by {drift}")
        if mode == "smart" and kind.name.split(",")[0] in WHOLE_PICTURES:
            assert [item["frames_encoded"] for item in receipt.items] == [0] * len(ranges)
    assert probe(source).frame_count == kind.frames
    assert wrong == []
