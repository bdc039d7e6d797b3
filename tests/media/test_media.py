"""The probe against what decoding shows, for every kind of file; and what is refused, in which words."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import textwrap
from collections.abc import Mapping
from fractions import Fraction
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from marlin_edit.errors import ExitCode, MarlinEditError, UsageError
from marlin_edit.media import (
    Colour,
    FrameTimes,
    MediaInfo,
    Scan,
    decoded_frames,
    fingerprint,
    open_media,
    probe,
)
from marlin_edit.timebase import FrameNumber, FrameRate, SourceTimecode
from tests.support.synthetic_video import burst_times, frame_index, frame_indices, make_audio, make_video, truncate

NASA = Path(__file__).parents[1] / "data" / "nasa_13013.mp4"
NTSC = "30000/1001"
UNSTEADY = [Fraction(n, 25) + (Fraction(1, 100) if n % 3 else 0) for n in range(50)]
SLIDES = [Fraction(0), Fraction(2), Fraction(21, 10), Fraction(7)]

KINDS: dict[str, dict[str, Any]] = {
    "plain.mp4": {},
    "plain.mov": {"bframes": 0},
    "plain.mkv": {"rate": "24000/1001"},
    "plain.ts": {},
    "plain.avi": {"codec": "mpeg4", "bframes": 0},
    "bframes.avi": {"codec": "mpeg4"},
    "vp9.webm": {"codec": "libvpx-vp9"},
    "vp8.webm": {"codec": "libvpx"},
    "av1.mp4": {"codec": "libsvtav1"},
    "hevc.mp4": {"codec": "libx265"},
    "hevc.ts": {"codec": "libx265", "rate": "60000/1001"},
    "prores.mov": {"codec": "prores_ks", "pixel_format": "yuv422p10le"},
    "mpeg2.ts": {"codec": "mpeg2video"},
    "mpeg2.mxf": {"codec": "mpeg2video", "audio": 0},
    "open.ts": {"options": {"x264-params": "open-gop=1:scenecut=0"}, "gop": 12},
    "fragments.mp4": {"container_options": {"movflags": "frag_keyframe+empty_moov"}},
    "late.mp4": {"start": Fraction(3, 2)},
    "late.mkv": {"start": Fraction(3, 2)},
    "ten-hours.ts": {"start": Fraction(36_001)},
    "edit-list.mp4": {"hidden": 10},
    "edit-list.mov": {"hidden": 7, "bframes": 0, "gop": 5},
    "late-sound.mkv": {"audio_delay": Fraction(1, 4)},
    "unsteady.mp4": {"variable": UNSTEADY},
    "unsteady.mkv": {"variable": UNSTEADY},
    "slides.mp4": {"variable": SLIDES},
    "interlaced.mp4": {"interlaced": "top", "size": (160, 96)},
    "one.mp4": {"frames": 1},
    "one.ts": {"frames": 1},
    "two.mkv": {"frames": 2, "rate": "24000/1001"},
    "fast.mkv": {"rate": "120000/1001"},
    "fast.ts": {"rate": "120000/1001"},
    "slow.mp4": {"rate": "25/2"},
    "off.mp4": {"rate": "2998/100", "frames": 200},
}


def small_video(path: Path, settings: Mapping[str, Any] | None = None) -> Path:
    return make_video(path, **{"frames": 50, "size": (160, 90), **(settings or {})})


def agrees_with_decoding(path: Path, info: MediaInfo, number: int = 0) -> None:
    shown = frame_indices(path, number)
    assert info.frame_count == len(shown)
    assert info.zero == shown[0][0]
    rounding = Fraction(1, 1000)  # the clock of Matroska; others are far finer
    for frame, (pts, _) in enumerate(shown):
        assert abs(info.zero + info.time_of(frame) - pts) <= rounding
        assert info.first_frame_at(info.time_of(frame)) == frame
    assert info.time_of(info.frame_count) == info.duration
    assert info.first_frame_at(info.duration) == info.frame_count


@pytest.mark.parametrize("name", KINDS)
def test_frame_count_times_and_zero_are_those_of_decoding(name: str, tmp_path: Path) -> None:
    settings = KINDS[name]
    path = small_video(tmp_path / name, settings)
    info = probe(path)
    agrees_with_decoding(path, info)
    expected = len(settings["variable"]) if "variable" in settings else settings.get("frames", 50)
    assert info.frame_count == expected - settings.get("hidden", 0)
    assert info.variable_rate == (name.split(".")[0] in ("unsteady", "slides", "off"))
    if "variable" not in settings and name != "off.mp4":
        assert info.rate == FrameRate(Fraction(settings.get("rate", "25")))
        assert info.notes == () or name == "fast.mkv"


def test_the_first_frame_shown_is_the_first_that_the_edit_list_keeps(tmp_path: Path) -> None:
    path = small_video(tmp_path / "hidden.mp4", {"hidden": 10})
    info = probe(path)
    assert (info.frame_count, info.duration) == (40, Fraction(40, 25))
    assert frame_indices(path)[0] == (info.zero, 10)


def test_a_recording_that_starts_inside_a_group_begins_at_its_first_picture(tmp_path: Path) -> None:
    path = small_video(tmp_path / "whole.ts", {"gop": 12, "frames": 60, "size": (320, 180)})
    content = path.read_bytes()
    path.write_bytes(content[len(content) // 188 // 3 * 188 :])
    info = probe(path)
    agrees_with_decoding(path, info)
    assert frame_indices(path)[0][1] > 0


def test_a_recording_that_stops_inside_a_frame_ends_with_its_last_picture(tmp_path: Path) -> None:
    content = small_video(tmp_path / "whole.ts", {"gop": 12}).read_bytes()
    path = tmp_path / "cut.ts"
    for packets in (100, 150, 151, 152):
        path.write_bytes(content[: packets * 188 + 99])
        info = probe(path)
        agrees_with_decoding(path, info)
        assert any("cut short" in note for note in info.notes)


@pytest.mark.parametrize(
    ("name", "settings"),
    [
        ("cut.mp4", {"container_options": {"movflags": "faststart"}}),
        ("cut.mov", {"container_options": {"movflags": "faststart"}}),
        ("fragments.mp4", {"container_options": {"movflags": "frag_keyframe+empty_moov"}, "gop": 10}),
        ("cut.mkv", {}),
        ("cut.avi", {"codec": "mpeg4"}),
    ],
)
def test_what_is_left_of_a_truncated_file_is_described(name: str, settings: dict[str, Any], tmp_path: Path) -> None:
    path = truncate(small_video(tmp_path / name, settings), 0.6)
    info = probe(path)
    agrees_with_decoding(path, info)
    assert 0 < info.frame_count < 50
    assert [note for note in info.notes if "cut short" in note]


def test_whole_files_are_not_taken_as_cut_short(tmp_path: Path) -> None:
    for suffix in ("mp4", "mov", "mkv", "ts"):
        assert probe(small_video(tmp_path / f"whole.{suffix}")).notes == ()


def test_a_damaged_recording_is_decoded_to_count_its_frames(tmp_path: Path) -> None:
    path = small_video(tmp_path / "damaged.ts", {"gop": 10, "frames": 100})
    content = bytearray(path.read_bytes())
    middle = len(content) // 2 // 188 * 188
    content[middle : middle + 188 * 3] = bytes(188 * 3)
    path.write_bytes(content)
    assert probe(path).frame_count == len(frame_indices(path))


def test_a_very_large_file_is_counted_from_its_index(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    counted = []

    def no_reading(*arguments: Any, **options: Any) -> Any:
        counted.append(arguments)
        raise AssertionError("the whole file was read")

    steady = small_video(tmp_path / "steady.mp4")
    hidden = small_video(tmp_path / "hidden.mov", {"hidden": 10, "bframes": 0})
    monkeypatch.setattr("marlin_edit.media.frame_index.COUNT_FROM_INDEX", 0)
    whole = [probe(small_video(tmp_path / name)) for name in ("unindexed.mkv", "unindexed.ts")]
    assert [info.frame_count for info in whole] == [50, 50]
    assert probe(small_video(tmp_path / "unsteady.mp4", {"variable": UNSTEADY})).variable_rate
    monkeypatch.setattr("marlin_edit.media.prober.shown_frames", no_reading)
    for path in (steady, hidden):
        agrees_with_decoding(path, probe(path))


def test_a_rate_just_off_a_standard_one_is_that_and_frames_keep_their_times(tmp_path: Path) -> None:
    path = small_video(tmp_path / "off.mp4", {"rate": "2998/100", "frames": 200})
    info = probe(path)
    assert info.rate == FrameRate(Fraction(30000, 1001))
    assert info.time_of(199) == Fraction(199 * 100, 2998)
    assert info.notes == (
        "The frame rate is not exactly 29.97 fps (average 29.98), which it is taken as: each frame keeps its own time.",
    )


def test_a_varying_rate_is_said_and_has_a_nominal_one(tmp_path: Path) -> None:
    info = probe(small_video(tmp_path / "unsteady.mp4", {"variable": UNSTEADY}))
    assert info.rate == FrameRate(Fraction(25))
    assert [info.time_of(frame) for frame in range(4)] == UNSTEADY[:4]
    assert info.notes == (
        "The frame rate varies (average 24.8731 fps): each frame keeps its own time, and formats that need one rate"
        " get 25 fps, the nearest standard one.",
    )


def test_missing_frames_leave_the_rate_what_it_was(tmp_path: Path) -> None:
    times = [Fraction(n, 50) for n in range(60) if n not in (20, 21, 40)]
    info = probe(small_video(tmp_path / "holes.mkv", {"variable": times}))
    assert info.rate == FrameRate(Fraction(50))
    assert info.first_frame_at(Fraction(20, 50)) == 20
    assert info.time_of(20) == Fraction(22, 50)
    assert "frames missing" in info.notes[0]


@pytest.mark.parametrize(
    ("name", "rate", "label", "start"),
    [
        ("a.mov", "25", "10:00:00:00", 900_000),
        ("a.mp4", "24000/1001", "01:00:00:00", 86_400),
        ("a.mkv", "25", "01:02:03:04", 93_079),
        ("a.mxf", "25", "01:00:00:00", 90_000),
        ("df.mov", NTSC, "01:00:00;00", 107_892),
        ("ndf.mov", NTSC, "01:00:00:00", 108_000),
        ("df.mp4", "60000/1001", "01:00:00;00", 215_784),
        ("df.mkv", NTSC, "00:01:00;02", 1800),
    ],
)
def test_the_start_time_code_is_found_and_says_how_it_counts(
    name: str, rate: str, label: str, start: int, tmp_path: Path
) -> None:
    codec = {"codec": "mpeg2video", "audio": 0} if name.endswith("mxf") else {}
    info = probe(small_video(tmp_path / name, {"rate": rate, "timecode": label, "frames": 5, **codec}))
    assert info.has_timecode
    assert info.start_frame == start
    assert info.start_timecode == label
    assert info.rate == FrameRate(Fraction(rate), drop_frame=";" in label)


def test_a_start_time_code_that_cannot_be_is_left_out_with_a_note(tmp_path: Path) -> None:
    info = probe(small_video(tmp_path / "odd.mkv", {"timecode": "01:00:00;00", "frames": 5}))
    assert not info.has_timecode
    assert (info.start_frame, info.start_timecode) == (0, "00:00:00:00")
    assert info.notes == ("The start time code '01:00:00;00' does not exist at 25 fps, so it is left out.",)


@pytest.mark.parametrize("name", ["a.mov", "a.mkv"])
def test_the_reel_is_found(name: str, tmp_path: Path) -> None:
    info = probe(small_video(tmp_path / name, {"timecode": "01:00:00:00", "reel": "A001C002", "frames": 5}))
    assert info.reel == "A001C002"


@pytest.mark.parametrize("rotation", [0, 90, 180, 270])
def test_rotation_is_clockwise(rotation: int, tmp_path: Path) -> None:
    path = small_video(tmp_path / "turned.mp4", {"rotation": rotation, "frames": 5})
    assert probe(path).rotation == rotation
    # QuickTime's matrix (a b u c d v ...) takes x' = ax + cy: for 90 degrees clockwise a = d = 0, b = 1, c = -1.
    content = path.read_bytes()
    matrix = content.index(b"tkhd") + 4 + 40
    one, minus_one, zero = b"\x00\x01\x00\x00", b"\xff\xff\x00\x00", bytes(4)
    expected = {0: (one, zero), 90: (zero, one), 180: (minus_one, zero), 270: (zero, minus_one)}[rotation]
    assert (content[matrix : matrix + 4], content[matrix + 4 : matrix + 8]) == expected


def test_the_picture_is_described(tmp_path: Path) -> None:
    hdr = {"color_primaries": 9, "color_trc": 16, "colorspace": 9, "color_range": 1}
    settings = {"codec": "libx265", "pixel_format": "yuv420p10le", "colour": hdr, "frames": 5}
    info = probe(small_video(tmp_path / "hdr.mp4", settings))
    assert info.colour == Colour("bt2020", "smpte2084", "bt2020nc", "tv")
    assert info.colour.hdr
    info = probe(small_video(tmp_path / "wide.mkv", {"pixel_aspect": Fraction(4, 3), "frames": 5}))
    assert (info.width, info.height, info.pixel_aspect) == (160, 90, Fraction(4, 3))
    assert not info.colour.hdr
    assert info.scan is Scan.PROGRESSIVE


@pytest.mark.parametrize(("field", "scan"), [("top", Scan.TOP_FIRST), ("bottom", Scan.BOTTOM_FIRST)])
@pytest.mark.parametrize("suffix", ["mp4", "ts", "mkv"])
def test_interlaced_pictures_are_known_with_their_first_field(
    suffix: str, field: str, scan: Scan, tmp_path: Path
) -> None:
    assert (
        probe(small_video(tmp_path / f"fields.{suffix}", {"interlaced": field, "size": (160, 96), "frames": 10})).scan
        is scan
    )


def test_every_stream_is_listed(tmp_path: Path) -> None:
    settings = {"audio": 2, "audio_languages": ["eng", "deu"], "subtitles": 1, "frames": 5, "timecode": "01:00:00:00"}
    streams = probe(small_video(tmp_path / "many.mp4", settings)).streams
    assert [(stream.index, stream.kind, stream.codec, stream.language) for stream in streams[:4]] == [
        (0, "video", "h264", None),
        (1, "audio", "aac", "eng"),
        (2, "audio", "aac", "deu"),
        (3, "subtitle", "mov_text", None),
    ]
    assert streams[4].kind == "data"
    assert [stream.default for stream in streams[:4]] == [True, True, False, True]
    assert (streams[0].detail, streams[1].detail) == ("160x90 25 fps", "48000 Hz stereo")


def test_of_several_video_streams_the_default_one_is_used_and_the_others_are_named(tmp_path: Path) -> None:
    path = small_video(tmp_path / "two.mp4", {"more_videos": [(320, 180)], "frames": 5})
    info = probe(path)
    assert info.video_index == 0
    assert info.notes == ("Of 2 video streams, 0 is used (160x90 25 fps); --stream 1 for 320x180 25 fps.",)
    assert (probe(path, 1).width, probe(path, 1).notes) == (320, ())


def test_without_a_default_the_largest_picture_is_used(tmp_path: Path) -> None:
    info = probe(small_video(tmp_path / "two.mkv", {"more_videos": [(320, 180)], "frames": 5}))
    assert (info.video_index, info.width) == (1, 320)


def test_the_nasa_file_says_which_of_its_streams_is_used() -> None:
    info = probe(NASA)
    assert (info.video_index, info.frame_count, info.rate) == (3, 390, FrameRate(Fraction(30000, 1001)))
    assert info.duration == Fraction(13_013, 1000)
    assert info.notes == ("Of 2 video streams, 3 is used (480x270 29.97 fps); --stream 0 for 320x180 25 fps.",)
    assert [stream.kind for stream in info.streams] == ["video", "audio", "subtitle"] * 2
    other = probe(NASA, 0)
    assert (other.frame_count, other.rate, other.duration) == (325, FrameRate(Fraction(25)), Fraction(13))


@pytest.mark.parametrize("index", [1, 9, -1])
def test_a_stream_that_is_no_video_is_a_usage_error_that_lists_those_that_are(index: int) -> None:
    with pytest.raises(UsageError, match=r"no video stream .*0 \(320x180 25 fps\), 3 \(480x270 29.97 fps\)"):
        probe(NASA, index)


@pytest.mark.parametrize(("name", "codec"), [("a.m4a", "aac"), ("a.mp3", "libmp3lame"), ("a.wav", "pcm_s16le")])
def test_a_file_with_sound_only_has_no_rate(name: str, codec: str, tmp_path: Path) -> None:
    info = probe(make_audio(tmp_path / name, codec=codec))
    assert (info.video_index, info.rate, info.frame_count) == (None, None, 0)
    assert abs(info.duration - 2) < Fraction(1, 20)
    assert "The file has no picture, only sound." in info.notes
    assert info.seconds_at(Fraction(1)) == 1
    for position in (FrameNumber(3), SourceTimecode("01:00:00:00")):
        with pytest.raises(UsageError, match="no picture"):
            info.seconds_at(position)


def test_the_fingerprint_is_of_the_content_not_of_the_name(tmp_path: Path) -> None:
    path = small_video(tmp_path / "one.mp4")
    other = small_video(tmp_path / "other.mp4", {"first_index": 1})
    moved = Path(shutil.copy(path, tmp_path / "renamed.bin"))
    assert probe(path).fingerprint == fingerprint(moved)
    assert fingerprint(path) != fingerprint(other)


def test_the_fingerprint_of_a_very_large_file_is_quick_and_sees_both_ends(tmp_path: Path) -> None:
    path = tmp_path / "large.mov"
    with path.open("wb") as file:
        file.truncate(100 << 30)  # sparse: takes no room
    try:
        first = fingerprint(path)
        with path.open("r+b") as file:
            file.seek(-1, os.SEEK_END)
            file.write(b"x")
        last = fingerprint(path)
    finally:
        path.unlink()
    assert first != last
    assert first.split("-")[0] == last.split("-")[0] == str(100 << 30)


# What is refused


def refusal(path: Path) -> str:
    with pytest.raises(MarlinEditError) as caught:
        probe(path)
    assert caught.value.exit_code is ExitCode.FAILED
    message = str(caught.value)
    assert message.endswith(".")
    assert path.name in message
    assert "\n" not in message
    return message


def test_what_is_no_media_is_refused_in_a_sentence(tmp_path: Path) -> None:
    text = tmp_path / "notes.mp4"
    text.write_text("Buy milk. " * 200)
    noise = tmp_path / "noise.mkv"
    noise.write_bytes(bytes(range(1, 256)) * 100)
    empty = tmp_path / "empty.mp4"
    empty.touch()
    assert "is not a video or audio file of a known kind" in refusal(text)
    assert "is not a video or audio file of a known kind" in refusal(noise)
    assert "is empty (0 bytes)" in refusal(empty)
    assert "is a folder" in refusal(tmp_path)
    assert "does not exist" in refusal(tmp_path / "missing.mp4")


def test_a_pipe_is_refused_instead_of_waited_for(tmp_path: Path) -> None:
    if not hasattr(os, "mkfifo"):
        pytest.skip("no named pipes here")
    path = tmp_path / "pipe.mp4"
    os.mkfifo(path)
    assert "is not a file on a disk" in refusal(path)


def test_a_file_without_frames_is_refused(tmp_path: Path) -> None:
    assert "0 frames" in refusal(small_video(tmp_path / "none.mp4", {"frames": 0}))
    assert "0 frames" in refusal(small_video(tmp_path / "none.mkv", {"frames": 0, "audio": 0}))


def test_an_mp4_without_its_index_is_refused_with_advice(tmp_path: Path) -> None:
    path = truncate(small_video(tmp_path / "stopped.mp4"), 0.6)
    assert "no readable index" in refusal(path)


@pytest.mark.parametrize("name", ["list.mp4", "list.m3u8", "list.ts", "list.mkv"])
@pytest.mark.parametrize(
    "content",
    [
        "#EXTM3U\n#EXT-X-TARGETDURATION:5\n#EXTINF:5,\n{other}\n#EXT-X-ENDLIST\n",
        "ffconcat version 1.0\nfile {other}\n",
        '<?xml version="1.0"?><MPD xmlns="urn:mpeg:dash:schema:mpd:2011"><BaseURL>{other}</BaseURL></MPD>',
    ],
)
def test_a_playlist_is_refused_whatever_its_name(name: str, content: str, tmp_path: Path) -> None:
    other = small_video(tmp_path / "other.ts", {"frames": 5})
    path = tmp_path / name
    path.write_text(content.format(other=other))
    assert "is a playlist" in refusal(path)


@pytest.mark.parametrize(
    "name", ["http:x.mp4", "concat:a|b.mp4", "with blanks and ünïcode.mp4", "100%d.mp4", "-i.mp4", "a:b;c&d.mp4"]
)
def test_a_name_is_only_a_name(name: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    make = small_video(tmp_path / "plain.mp4", {"frames": 5})
    make.rename(tmp_path / name)
    monkeypatch.chdir(tmp_path)
    assert probe(Path(name)).frame_count == 5


def test_a_file_of_another_user_is_refused_for_want_of_permission(tmp_path: Path) -> None:
    if not hasattr(os, "setuid") or os.getuid() != 0:
        path = small_video(tmp_path / "locked.mp4", {"frames": 5})
        path.chmod(0)
        assert "No permission to read" in refusal(path)
        return
    path = small_video(tmp_path / "locked.mp4", {"frames": 5})
    path.chmod(0o600)
    # A child loads everything as root, then becomes another user in a folder that both may enter.
    code = """
        import os, sys
        from pathlib import Path
        from marlin_edit.media import container
        from marlin_edit.errors import MarlinEditError
        descriptor = os.open(sys.argv[1], os.O_RDONLY)
        os.fchdir(descriptor)
        os.fchmod(descriptor, 0o755)
        import av
        os.setgid(65534)
        os.setuid(65534)
        try:
            container._check_readable(Path(sys.argv[2]))
        except MarlinEditError as error:
            print(error)
    """
    child = subprocess.run(
        [sys.executable, "-c", textwrap.dedent(code), str(tmp_path), path.name],
        capture_output=True,
        text=True,
        check=True,
    )
    assert "No permission to read locked.mp4" in child.stdout


def test_importing_media_imports_nothing_heavy() -> None:
    code = "import marlin_edit.media, sys; print([m for m in ('av', 'numpy', 'torch') if m in sys.modules])"
    child = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert child.stdout.strip() == "[]"


# Reading


def test_decoded_frames_are_all_frames_in_order(tmp_path: Path) -> None:
    path = small_video(tmp_path / "plain.mp4", {"hidden": 10})
    info = probe(path)
    with open_media(path) as container:
        stream = container.streams.video[0]
        assert [frame_index(frame) for frame in decoded_frames(container, stream)] == list(range(10, 50))
    assert info.frame_count == 40


def test_decoded_frames_pass_over_damage(tmp_path: Path) -> None:
    path = truncate(small_video(tmp_path / "cut.mp4", {"container_options": {"movflags": "faststart"}}), 0.6)
    with open_media(path) as container:
        found = [frame_index(frame) for frame in decoded_frames(container, container.streams.video[0])]
    assert len(found) == probe(path).frame_count


def test_test_media_carry_what_they_say(tmp_path: Path) -> None:
    path = small_video(tmp_path / "hard.mp4", {"options": {"crf": "45"}, "audio_delay": Fraction(1, 5)})
    assert [index for _, index in frame_indices(path)] == list(range(50))
    assert [round(float(time), 2) for time in burst_times(path)] == [0.5, 1.5]


# Positions and frames of a MediaInfo without a file


def known(rate: str = "25", **changes: Any) -> MediaInfo:
    return MediaInfo(path=Path("a.mov"), duration=Fraction(60), rate=FrameRate.parse(rate), **changes)


def test_seconds_and_frames_count_from_zero_and_time_code_from_the_start() -> None:
    info = known(frame_count=1500, start_frame=90_000, has_timecode=True, zero=Fraction(36_001))
    assert info.start_timecode == "01:00:00:00"
    assert info.seconds_at(Fraction("14.3")) == Fraction("14.3")
    assert info.seconds_at(FrameNumber(50)) == 2
    assert info.seconds_at(SourceTimecode("01:00:02:05")) == Fraction(55, 25)
    assert info.seconds_at(SourceTimecode("01:00:00:00")) == 0
    assert info.seconds_at(SourceTimecode("02:00:00:00")) == 3600


def test_time_code_before_the_start_is_a_usage_error() -> None:
    info = known(frame_count=1500, start_frame=90_000)
    with pytest.raises(UsageError, match=r"00:59:59:24 is before the start of a\.mov, 01:00:00:00"):
        info.seconds_at(SourceTimecode("00:59:59:24"))
    with pytest.raises(UsageError, match="does not exist at 25 fps"):
        info.seconds_at(SourceTimecode("01:00:00:25"))


@pytest.mark.parametrize("rate", ["25", "24", "29.97df"])
def test_time_code_goes_on_past_midnight(rate: str) -> None:
    label = "23:59:50;00" if "df" in rate else "23:59:50:00"
    counting = FrameRate.parse(rate)
    info = known(rate, frame_count=counting.base * 60, start_frame=counting.frame_of(label))
    fifteen = counting.seconds(15 * counting.base)
    assert info.seconds_at(SourceTimecode(label.replace("23:59:50", "00:00:05"))) == fifteen
    with pytest.raises(UsageError, match="before the start"):
        info.seconds_at(SourceTimecode(label.replace("23:59:50", "12:00:00")))


def test_time_code_of_unsteady_media_is_a_clock_at_the_nominal_rate() -> None:
    times = FrameTimes((0, 7, 20, 21), Fraction(1, 10))
    info = known(frame_count=4, start_frame=25, times=times)
    assert info.seconds_at(SourceTimecode("00:00:03:00")) == 2
    assert info.seconds_at(FrameNumber(1)) == Fraction(7, 10)


def test_frames_of_unsteady_media_have_their_own_times() -> None:
    info = MediaInfo(
        path=Path("a.mov"),
        duration=Fraction(3),
        rate=FrameRate(Fraction(25)),
        frame_count=4,
        times=FrameTimes((0, 7, 20, 21), Fraction(1, 10)),
    )
    assert info.variable_rate
    assert [info.time_of(frame) for frame in range(5)] == [0, Fraction(7, 10), 2, Fraction(21, 10), 3]
    assert info.time_of(6) == 3 + Fraction(2, 25)
    at = {"0": 0, "0.00005": 0, "0.0002": 1, "0.7": 1, "0.7001": 1, "0.70011": 2, "2": 2, "2.1": 3, "2.2": 4, "99": 4}
    assert {seconds: info.first_frame_at(Fraction(seconds)) for seconds in at} == at


def test_the_first_frame_never_lies_past_the_end_where_frames_were_counted() -> None:
    assert known(frame_count=1500).first_frame_at(Fraction(100)) == 1500
    assert known(frame_count=0).first_frame_at(Fraction(100)) == 2500
    assert known(frame_count=1500).first_frame_at(Fraction(0)) == 0


def test_a_frame_before_the_first_is_refused() -> None:
    with pytest.raises(MarlinEditError, match="no frame -1"):
        known().time_of(-1)


@given(
    steps=st.lists(st.integers(1, 500), min_size=1, max_size=50),
    seconds=st.fractions(0, 30, max_denominator=10_000),
)
def test_unsteady_frames_are_found_as_a_plain_search_finds_them(steps: list[int], seconds: Fraction) -> None:
    pts = [sum(steps[:n]) for n in range(len(steps))]
    info = known(frame_count=len(pts), times=FrameTimes(pts, Fraction(1, 1000)))
    inside = [n for n in range(len(pts)) if info.time_of(n) >= seconds - Fraction(1, 10_000)]
    assert info.first_frame_at(seconds) == (inside[0] if inside else len(pts))


def test_media_of_an_analysis_file_need_no_file() -> None:
    info = MediaInfo(path=Path("gone.mov"), duration=Fraction(5))
    assert (info.start_timecode, info.variable_rate, info.rate) == ("00:00:00:00", False, None)
    with pytest.raises(MarlinEditError, match="no picture"):
        info.time_of(0)


def test_an_animated_webp_keeps_how_long_each_frame_is_shown(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    from PIL import Image

    path = tmp_path / "a.webp"
    pictures = [Image.new("RGBA", (32, 24), (80 * number, 0, 255 - 80 * number, 255)) for number in range(4)]
    pictures[0].save(path, save_all=True, append_images=pictures[1:], duration=[100, 200, 50, 300], lossless=True)
    media = probe(path)
    assert media.frame_count == 4
    assert [media.time_of(number) for number in range(5)] == [Fraction(ms, 1000) for ms in (0, 100, 300, 350, 650)]
    monkeypatch.setitem(sys.modules, "PIL", None)
    other = tmp_path / "b.webp"
    other.write_bytes(path.read_bytes())
    with pytest.raises(MarlinEditError, match=r"read with Pillow: pip install 'marlin-edit\[webp\]'"):
        probe(other)
