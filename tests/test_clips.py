"""Clips: the frames of each are exactly those asked for, sound stays with them, and nothing half-made has a name."""

from __future__ import annotations

import os
from collections.abc import Mapping
from dataclasses import dataclass, field
from fractions import Fraction
from pathlib import Path
from typing import Any

import av
import pytest

from marlin_edit.analysis import Analysis
from marlin_edit.edit import Cut, Edit
from marlin_edit.errors import MarlinEditError, UsageError
from marlin_edit.interfaces import Receipt
from marlin_edit.media import probe
from marlin_edit.settings import Settings, Value
from marlin_edit.timebase import FrameRange
from marlin_edit_ffmpeg import register_deliveries, register_settings
from tests.makers import frame_indices, make_audio, make_video, truncate
from tests.ruler import Reading, read_clip

NASA = Path(__file__).parent / "media" / "nasa_13013.mp4"
[CLIPS] = register_deliveries()


def settings_for(out_dir: Path, **given: Any) -> Settings:
    values = {setting.name: setting.default for setting in register_settings()}
    values |= {"overwrite": False, "out_dir": out_dir} | given
    return Settings({name: Value(value) for name, value in values.items()})


def edit_of(source: Path, *ranges: tuple[int, int], names: tuple[str, ...] = ()) -> Edit:
    analysis = Analysis(probe(source))
    assert analysis.media.rate is not None
    cuts = tuple(
        Cut(analysis, FrameRange(first, stop), None, names[at] if names else "part")
        for at, (first, stop) in enumerate(ranges)
    )
    return Edit("test", analysis.media.rate, 0, (analysis,), cuts)


def deliver(source: Path, out_dir: Path, *ranges: tuple[int, int], dry_run: bool = False, **given: Any) -> Receipt:
    settings = settings_for(out_dir, **given)
    CLIPS.check(settings)
    return CLIPS.deliver(edit_of(source, *ranges), settings, dry_run)


def read(receipt: Receipt, at: int, source: Path, first_index: int = 0) -> Reading:
    """What the clip holds; the sound of `makers` counts from the frame with index 0."""
    item, media = receipt.items[at], probe(source)
    assert media.rate is not None
    return read_clip(
        Path(item["file"]), media.time_of(item["delivered"]["first_frame"]) + media.rate.seconds(first_index)
    )


@dataclass(frozen=True)
class Kind:
    """A kind of source. first_index: the index that its first shown frame carries. bound: of the sound, in seconds."""

    name: str
    suffix: str = ".mp4"
    made: Mapping[str, Any] = field(default_factory=dict)
    frames: int = 90
    first_index: int = 0
    bound: Fraction = Fraction(25, 1000)


FILM = "24000/1001"
VARIABLE = tuple(Fraction(n, 30) + (Fraction(1, 90) if n % 3 == 1 else 0) for n in range(90))

KINDS = [
    Kind("H.264 in mp4", made={"gop": 40, "bframes": 3}),
    Kind("H.264 in mkv, one long group", ".mkv", {"gop": 250, "bframes": 3}),
    Kind("H.264, open groups", made={"gop": 20, "bframes": 3, "options": {"x264-params": "open-gop=1"}}),
    Kind("23.976 with time code", ".mov", {"rate": FILM, "timecode": "01:00:00:00"}),
    Kind("29.97 in mkv", ".mkv", {"rate": "30000/1001"}),
    Kind("variable rate", made={"variable": VARIABLE}),
    Kind("variable rate in mkv", ".mkv", {"variable": VARIABLE}),
    Kind("edit list", made={"hidden": 5}, frames=85, first_index=5),
    Kind("H.264 in TS, from ten hours on", ".ts", {"start": Fraction(36_001)}),
    Kind("delayed sound", made={"audio_delay": Fraction(7, 10)}),
    Kind("two sounds", made={"audio": 2, "audio_languages": ("eng", "deu")}),
    Kind("no sound", made={"audio": 0}),
    Kind("turned", made={"rotation": 90}),
    Kind("interlaced", made={"interlaced": "top"}),
    Kind("anamorphic", ".mkv", {"pixel_aspect": Fraction(16, 11)}),
    Kind("HEVC", made={"codec": "libx265", "gop": 30}),
    Kind("HEVC of 10 bits in mkv", ".mkv", {"codec": "libx265", "pixel_format": "yuv420p10le"}),
    Kind("H.264 of 10 bits", made={"pixel_format": "yuv420p10le"}),
    Kind("VP9 in webm", ".webm", {"codec": "libvpx-vp9"}),
    Kind("AV1 in mkv", ".mkv", {"codec": "libsvtav1"}),
    Kind("ProRes", ".mov", {"codec": "prores_ks", "pixel_format": "yuv422p10le", "audio_codec": "pcm_s16le"}),
    Kind("MPEG-2 in TS", ".ts", {"codec": "mpeg2video", "audio_codec": "mp2"}),
    Kind("MPEG-4 in avi", ".avi", {"codec": "mpeg4", "bframes": 0}),
    Kind("MP3 in mp4", made={"audio_codec": "libmp3lame"}),
    Kind("AC-3 in mkv", ".mkv", {"audio_codec": "ac3"}),
]


@pytest.fixture(scope="module")
def sources(tmp_path_factory: pytest.TempPathFactory) -> Any:
    folder = tmp_path_factory.mktemp("sources")
    made: dict[str, Path] = {}

    def source(kind: Kind) -> Path:
        if kind.name not in made:
            path = folder / f"{len(made):02}{kind.suffix}"
            made[kind.name] = make_video(path, frames=90, size=(192, 108), **kind.made)
        return made[kind.name]

    return source


@pytest.mark.parametrize("kind", KINDS, ids=lambda kind: kind.name)
def test_an_exact_clip_has_exactly_the_frames_asked_for(kind: Kind, sources: Any, tmp_path: Path) -> None:
    source = sources(kind)
    ranges = [(33, 71), (0, 10), (kind.frames - 7, kind.frames), (52, 53)]
    receipt = deliver(source, tmp_path / "clips", *ranges)
    assert receipt.missing == ()
    assert len(receipt.files) == len(ranges)
    for at, (first, stop) in enumerate(ranges):
        clip = read(receipt, at, source, kind.first_index)
        assert clip.indices == tuple(range(first + kind.first_index, stop + kind.first_index))
        assert clip.hidden == 0
        assert clip.sound_streams == kind.made.get("audio", 1) or "no sound there" in str(receipt.items[at]["warnings"])
        assert clip.worst_sound_error <= kind.bound
        item = receipt.items[at]
        assert item["drift"] == {"start_frames": 0, "start": "0", "end_frames": 0, "end": "0"}
        assert item["frames_encoded"] == stop - first
        assert item["mode"]["used"] == "exact"
    assert kind.made.get("audio") == 0 or read(receipt, 0, source).sound_errors


@pytest.mark.parametrize("kind", KINDS, ids=lambda kind: kind.name)
def test_a_copied_clip_has_no_hole_and_its_report_is_true(kind: Kind, sources: Any, tmp_path: Path) -> None:
    source = sources(kind)
    receipt = deliver(source, tmp_path / "clips", (47, 71), clip_mode="copy")
    assert receipt.missing == ()
    [item] = receipt.items
    clip = read(receipt, 0, source, kind.first_index)
    delivered = item["delivered"]
    assert clip.first == delivered["first_frame"] + kind.first_index
    assert clip.last == delivered["stop_frame"] - 1 + kind.first_index
    assert len(clip.indices) == delivered["frames"]
    assert (clip.holes, clip.repeats, clip.hidden) == (0, 0, 0)
    assert item["drift"]["start_frames"] == delivered["first_frame"] - 47 <= 0
    assert item["drift"]["end_frames"] == delivered["stop_frame"] - 71 >= -3
    assert clip.worst_sound_error <= kind.bound
    if item["mode"]["used"] == "exact":
        assert item["mode"]["reason"]
