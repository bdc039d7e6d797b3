"""Reels: all cuts in one file, on one clock, with the sound where it belongs; whole or not at all."""

from __future__ import annotations

import json
import os
import shutil
from collections.abc import Mapping, Sequence
from fractions import Fraction
from pathlib import Path
from typing import Any

import av
import pytest

from marlin_edit.cli import INTERRUPTED
from marlin_edit.media import probe
from tests.ffmpeg.test_smart_clips import decoded_quietly
from tests.support.command_line import CommandLine, Ran, run_command
from tests.support.other_decoders import h264_indices, hevc_indices, other_indices
from tests.support.synthetic_video import (
    BURST_EVERY,
    FIRST_BURST,
    burst_times,
    frame_index,
    frame_indices,
    make_video,
    truncate,
)
from tests.third_party.tool import HERE

NTSC = Fraction(30_000, 1001)
SIZE = (96, 64)


@pytest.fixture
def cut(tmp_path: Path, capfd: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> CommandLine:
    """`marlin-edit cut ... --json` in the directory of the sources."""
    monkeypatch.chdir(tmp_path)

    def command_line(*arguments: object) -> Ran:
        return run_command(capfd, "cut", *arguments, "--json")

    return command_line


def spans(*ranges: tuple[int, int]) -> list[str]:
    return [word for first, stop in ranges for word in ("--span", f"{first}f-{stop}f")]


def planned(items: Sequence[Mapping[str, Any]]) -> list[int]:
    """The frames that the pieces of a reel are said to have."""
    return [
        frame for item in items for frame in range(item["delivered"]["first_frame"], item["delivered"]["stop_frame"])
    ]


def indices(path: Path) -> list[int]:
    return [index for _, index in frame_indices(path)]


def sound_errors(path: Path, items: Sequence[Mapping[str, Any]], rate: Fraction, stream: int = 0) -> list[Fraction]:
    """How late each burst that should be heard is, in order: piece after piece as the source has them."""
    zero = frame_indices(path)[0][0]
    heard = [time - zero for time in burst_times(path, stream)]
    errors = []
    at = Fraction(0)
    for item in items:
        start, stop = item["delivered"]["first_frame"] / rate, item["delivered"]["stop_frame"] / rate
        burst = FIRST_BURST
        while burst + Fraction(1, 50) < stop:
            if burst >= start:
                expected = at + burst - start
                errors.append(min((time - expected for time in heard), key=abs))
            burst += BURST_EVERY
        at += stop - start
    return errors


def chapters(path: Path) -> list[tuple[str, Fraction, Fraction]]:
    with av.open(str(path)) as opened:
        container: Any = opened
        return [
            (one["metadata"]["title"], one["start"] * one["time_base"], one["end"] * one["time_base"])
            for one in container.chapters()
        ]


def timecode(path: Path) -> str:
    return probe(path).start_timecode


def test_forty_cuts_at_2997_have_their_frames_and_their_sound_to_the_end(cut: CommandLine, tmp_path: Path) -> None:
    make_video(tmp_path / "tv.mp4", frames=900, rate="30000/1001", size=SIZE, gop=6, timecode="00:59:58;00")
    ranges = [(first, first + 19 + first % 5) for first in range(7, 847, 21)]
    assert len(ranges) == 40
    ran = cut("tv.mp4", *spans(*ranges), "--reel", "best.mp4")
    assert ran.code == 0, ran.err
    reel, items = tmp_path / "best.mp4", ran.document["items"]
    assert {item["mode"]["used"] for item in items} == {"smart"}
    assert planned(items) == [frame for first, stop in ranges for frame in range(first, stop)]
    shown = frame_indices(reel)
    assert [index for _, index in shown] == planned(items)
    for place, (time, _) in enumerate(shown):
        assert time - shown[0][0] == place / NTSC
    errors = sound_errors(reel, items, NTSC)
    assert len(errors) > 15
    assert max(map(abs, errors)) <= Fraction(1, 1000)
    assert timecode(reel) == "01:00:00;00"
    assert sum(item["frames_copied"] for item in items) > len(shown) / 3
    named = chapters(reel)
    assert len(named) == 40
    assert named[0][0].startswith("tv, 00:59:58;0")
    for (_, start, _), item in zip(named, items, strict=True):
        assert abs(start - Fraction(item["reel"]["start"])) <= Fraction(1, 1000)
    with av.open(str(reel)) as opened:
        container: Any = opened
        lengths = {stream.type: float(stream.duration * stream.time_base) for stream in container.streams.get(0, 1)}
    assert abs(lengths["audio"] - lengths["video"]) < 0.001


def test_copies_make_a_reel_with_the_frames_that_they_say(cut: CommandLine, tmp_path: Path) -> None:
    make_video(tmp_path / "a.mp4", frames=100, size=SIZE, gop=20)
    ran = cut("a.mp4", *spans((25, 50), (70, 99), (5, 30)), "--reel", "reel.mp4", "--mode", "copy")
    assert ran.code == 0, ran.err
    items = ran.document["items"]
    assert [item["drift"]["start_frames"] for item in items] == [-5, -10, -5]
    assert {item["frames_encoded"] for item in items} == {0}
    assert indices(tmp_path / "reel.mp4") == planned(items)
    assert max(map(abs, sound_errors(tmp_path / "reel.mp4", items, Fraction(25)))) <= Fraction(1, 1000)


JOINED: dict[str, tuple[str, dict[str, Any]]] = {
    "H.264": (".mp4", {"bframes": 3}),
    "H.264 without B-frames, in mov": (".mov", {"bframes": 0}),
    "H.264 in mkv, 23.976, two sounds": (".mkv", {"rate": "24000/1001", "audio": 2}),
    "H.264, varying rate": (
        ".mp4",
        {"variable": [Fraction(n, 30) + (Fraction(1, 90) if n % 3 == 1 else 0) for n in range(150)]},
    ),
    "HEVC": (".mp4", {"codec": "libx265"}),
    "HEVC, open groups": (
        ".mkv",
        {
            "codec": "libx265",
            "options": {"x265-params": "log-level=none:bframes=3:keyint=25:min-keyint=25:scenecut=0:open-gop=1"},
        },
    ),
}
PIECES = ((10, 70), (75, 149), (25, 60), (50, 100), (0, 40))
"""With heads and tails to be encoded, and one that is all copied after foreign frames."""


@pytest.mark.parametrize("name", JOINED)
def test_pieces_are_joined_and_right_for_another_decoder_too(name: str, cut: CommandLine, tmp_path: Path) -> None:
    suffix, made = JOINED[name]
    source = make_video(tmp_path / f"a{suffix}", frames=150, **{"size": SIZE, "gop": 25, **made})
    ran = cut(source, *spans(*PIECES), "--reel", f"reel{suffix}")
    assert ran.code == 0, ran.err
    reel, items = tmp_path / f"reel{suffix}", ran.document["items"]
    wanted = [frame for first, stop in PIECES for frame in range(first, stop)]
    assert indices(reel) == wanted
    assert {item["mode"]["used"] for item in items} == {"smart"}
    assert items[3]["frames_encoded"] <= 3
    if "HEVC" in name:
        assert hevc_indices(reel) == wanted
    elif "without B-frames" in name:  # with them, openh264 loses the last frame of any group that ends early
        assert h264_indices(reel, SIZE, tmp_path) == wanted
    media = probe(source)
    at, expected = Fraction(0), []
    for first, stop in PIECES:
        expected += [at + media.time_of(frame) - media.time_of(first) for frame in range(first, stop)]
        at += media.time_of(stop) - media.time_of(first)
    shown = frame_indices(reel)
    clock = Fraction(1, 1000) if suffix == ".mkv" else Fraction(1, 90_000)
    assert all(abs(time - shown[0][0] - right) <= clock for (time, _), right in zip(shown, expected, strict=True))
    if "varying" not in name:
        assert media.rate is not None
        for stream in range(made.get("audio", 1)):
            assert max(map(abs, sound_errors(reel, items, media.rate.value, stream))) <= Fraction(1, 1000)


def test_videos_of_one_kind_are_joined_and_the_chapters_say_which_is_which(cut: CommandLine, tmp_path: Path) -> None:
    for name, first in (("a", 0), ("b", 500)):
        make_video(tmp_path / f"{name}.mp4", frames=100, size=SIZE, gop=25, first_index=first, timecode="10:00:00:00")
    ran = cut("a.mp4", "b.mp4", *spans((10, 60), (70, 99)), "--reel", "reel.mkv")
    assert ran.code == 0, ran.err
    items = ran.document["together"]["items"]
    assert ran.document["together"]["files"] == ["reel.mkv"]
    assert indices(tmp_path / "reel.mkv") == [*range(10, 60), *range(70, 99), *range(510, 560), *range(570, 599)]
    assert {item["mode"]["used"] for item in items} == {"smart"}
    assert [title for title, _, _ in chapters(tmp_path / "reel.mkv")] == [
        "a, 10:00:00:10", "a, 10:00:02:20", "b, 10:00:00:10", "b, 10:00:02:20",
    ]  # fmt: skip


@pytest.mark.parametrize("mode", ["smart", "exact"])
def test_a_video_of_another_kind_is_made_like_the_first_and_it_is_said_why(
    mode: str, cut: CommandLine, tmp_path: Path
) -> None:
    make_video(tmp_path / "a.mp4", frames=75, size=(192, 108), audio=1)
    make_video(tmp_path / "b.mkv", frames=120, rate="30", size=(128, 128), audio=0)
    ran = cut("a.mp4", "b.mkv", "--span", "0.2-2.2", "--reel", "reel.mp4", "--mode", mode)
    assert ran.code == 0, ran.err
    together = ran.document["together"]
    assert any("sound 1 is silent in cut 2" in note for note in together["notes"])
    assert [item["mode"]["used"] for item in together["items"]] == [mode, "exact"]
    if mode == "smart":
        assert "cut 2 was encoded to match the others: b.mkv has another frame rate than a.mp4" in together["notes"][0]
        assert [item["frames_copied"] > 20 for item in together["items"]] == [True, False]
    with av.open(str(tmp_path / "reel.mp4")) as container:
        frames = list(container.decode(video=0))
        assert len(frames) == 100
        assert (frames[0].width, frames[0].height) == (192, 108)
        picture = frames[75].to_ndarray(format="gray")
    assert picture[:, :40].max() < 30  # a square picture in the middle, bars beside it
    assert picture[:, -40:].max() < 30
    assert picture[:, 48:144].max() > 150
    shown = frame_indices(tmp_path / "reel.mp4")
    assert [time for time, _ in shown] == [Fraction(place, 25) for place in range(100)]
    assert [index for _, index in shown[:50]] == list(range(5, 55))


def test_a_video_that_was_not_cut_does_not_decide_the_rate(
    cut: CommandLine, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.syspath_prepend(str(HERE / "oracle"))
    make_video(tmp_path / "a.mp4", frames=20, size=SIZE)
    make_video(tmp_path / "b.mp4", frames=150, rate="30000/1001", size=SIZE, gop=15, timecode="10:00:00;00")
    (tmp_path / "x.oracle").write_text(json.dumps({"events": [[1, 3, "A dog barks"]]}))
    ran = cut("a.mp4", "b.mp4", "-q", "A dog barks", "--model", "x.oracle", "--reel", "reel.mp4")
    assert ran.document["together"]["files"] == ["reel.mp4"], ran.err
    shown = frame_indices(tmp_path / "reel.mp4")
    assert [index for _, index in shown] == list(range(30, 90))
    assert all(time - shown[0][0] == place / NTSC for place, (time, _) in enumerate(shown))
    assert timecode(tmp_path / "reel.mp4") == "01:00:00;00"


def test_where_nothing_can_be_copied_all_is_encoded(cut: CommandLine, tmp_path: Path) -> None:
    make_video(tmp_path / "a.mp4", frames=100, size=SIZE, gop=50)
    ran = cut("a.mp4", *spans((5, 30), (55, 90)), "--reel", "reel.mp4")
    assert ran.code == 0, ran.err
    assert "all of it was encoded: cut 1: there is no keyframe to copy from" in ran.document["notes"][0]
    assert indices(tmp_path / "reel.mp4") == [*range(5, 30), *range(55, 90)]
    assert max(map(abs, sound_errors(tmp_path / "reel.mp4", ran.document["items"], Fraction(25)))) < Fraction(1, 1000)


def test_where_what_is_encoded_cannot_match_all_is_encoded(cut: CommandLine, tmp_path: Path) -> None:
    make_video(tmp_path / "a.mov", frames=75, size=SIZE, codec="mjpeg", pixel_format="yuvj420p")
    make_video(tmp_path / "b.mov", frames=75, size=(128, 64), codec="mjpeg", pixel_format="yuvj420p", first_index=500)
    ran = cut("a.mov", "b.mov", *spans((10, 40)), "--reel", "reel.mov")
    assert ran.code == 0, ran.err
    [why] = [note for note in ran.document["together"]["notes"] if "all of it" in note]
    assert "b.mov has another picture size than a.mov, and mjpeg does not take yuvj420p" in why
    assert indices(tmp_path / "reel.mov")[:30] == list(range(10, 40))


MATCHED: dict[str, tuple[str, dict[str, Any]]] = {
    "H.264": (".mp4", {"bframes": 3}),
    "H.264, open groups": (".mp4", {"bframes": 3, "options": {"x264-params": "open-gop=1"}}),
    "H.264 without B-frames, in mkv": (".mkv", {"bframes": 0}),
    "H.264 of 10 bits": (".mp4", {"pixel_format": "yuv420p10le"}),
    "H.264 of fields": (".mp4", {"interlaced": "top"}),
    "H.264 in TS": (".ts", {"bframes": 3}),
    "H.264, varying rate": JOINED["H.264, varying rate"],
    "HEVC": (".mp4", {"codec": "libx265"}),
    "HEVC, open groups": JOINED["HEVC, open groups"],
    "HEVC, open groups in TS": (".ts", JOINED["HEVC, open groups"][1]),
    "VP8": (".webm", {"codec": "libvpx"}),
    "VP9": (".webm", {"codec": "libvpx-vp9"}),
    "AV1": (".mp4", {"codec": "libsvtav1", "size": (192, 108)}),
    "MPEG-2 in TS": (".ts", {"codec": "mpeg2video", "bframes": 2}),
    "MPEG-2 in mkv": (".mkv", {"codec": "mpeg2video", "bframes": 2}),
    "MPEG-4": (".mp4", {"codec": "mpeg4", "bframes": 2}),
    "MPEG-4 in mkv": (".mkv", {"codec": "mpeg4", "bframes": 0}),
}
WITH_ONE_TO_ENCODE = ((10, 70), (30, 45), (50, 100), (3, 20), (75, 149))


@pytest.mark.parametrize("name", MATCHED)
def test_only_pieces_without_a_keyframe_are_encoded_and_they_match(name: str, cut: CommandLine, tmp_path: Path) -> None:
    suffix, made = MATCHED[name]
    source = make_video(tmp_path / f"a{suffix}", frames=150, **{"size": SIZE, "gop": 25, **made})
    planned_items = cut(source, *spans(*WITH_ONE_TO_ENCODE), "--reel", f"reel{suffix}", "--dry-run").document["items"]
    ran = cut(source, *spans(*WITH_ONE_TO_ENCODE), "--reel", f"reel{suffix}")
    assert ran.code == 0, ran.err
    reel, items = tmp_path / f"reel{suffix}", ran.document["items"]
    wanted = [frame for first, stop in WITH_ONE_TO_ENCODE for frame in range(first, stop)]
    assert [item["mode"]["used"] for item in items] == ["smart", "exact", "smart", "exact", "smart"]
    for key in ("frames_encoded", "frames_copied", "mode"):
        assert [item[key] for item in items] == [item[key] for item in planned_items]
    assert "there is no keyframe to copy from in it" in items[1]["mode"]["reason"]
    said = [note for note in ran.document["notes"] if "was encoded to match the others" in note]
    assert [note.split()[2] for note in said] == ["2", "4"]
    assert indices(reel) == wanted
    assert decoded_quietly(reel) == []
    assert planned(items) == wanted
    if name.startswith("HEVC"):
        assert hevc_indices(reel) == wanted
    elif "without B-frames" in name:
        assert h264_indices(reel, SIZE, tmp_path) == wanted
    elif name.startswith(("VP8", "VP9", "AV1", "MPEG")):
        assert other_indices(reel, made.get("size", SIZE), tmp_path) == wanted
    if "varying" not in name:
        errors = sound_errors(reel, items, Fraction(25))
        assert len(errors) == 10
        assert max(map(abs, errors)) <= Fraction(1, 1000)
    if suffix != ".ts":  # a seek lands late there
        assert left_and_right(reel, wanted) == []


def left_and_right(path: Path, wanted: Sequence[int]) -> list[str]:
    """What is wrong when one decoder jumps from keyframe to keyframe and back, as an editor does."""
    wrong = []
    with av.open(str(path)) as opened:
        container: Any = opened
        video = container.streams.video[0]
        packets = [(packet.pts, packet.is_keyframe) for packet in container.demux(video) if packet.size]
        shown = dict(zip(sorted(pts for pts, _ in packets), wanted, strict=True))
        keyframes = [pts for pts, is_keyframe in packets if is_keyframe]
        for pts in (*keyframes, *reversed(keyframes), *keyframes[::2]):
            container.seek(pts, stream=video)
            frame = next(frame for frame in container.decode(video) if frame.pts == pts)
            if frame_index(frame) != shown[pts]:
                wrong.append(f"{frame_index(frame)} in place of {shown[pts]}")
    return wrong


def test_sources_with_other_parameter_sets_are_made_like_the_first(cut: CommandLine, tmp_path: Path) -> None:
    """Of one format, but encoded otherwise: H.264's second family of sets would have the first one's ids."""
    make_video(tmp_path / "a.mp4", frames=100, size=SIZE, gop=25, bframes=3)
    make_video(tmp_path / "b.mp4", frames=100, size=SIZE, gop=25, bframes=0, first_index=500)
    ran = cut("a.mp4", "b.mp4", *spans((10, 60)), "--reel", "reel.mp4")
    assert ran.code == 0, ran.err
    assert [item["mode"]["used"] for item in ran.document["together"]["items"]] == ["smart", "exact"]
    assert "b.mp4 has other parameter sets than a.mp4" in ran.document["together"]["notes"][0]
    assert indices(tmp_path / "reel.mp4") == [*range(10, 60), *range(510, 560)]


def test_hevc_sources_with_other_parameter_sets_of_one_format_are_copied(cut: CommandLine, tmp_path: Path) -> None:
    more = "log-level=none:keyint=25:min-keyint=25:scenecut=0:bframes=3"
    for name, first, words in (("a", 0, ""), ("b", 500, ":sao=0:weightp=0:no-signhide=1")):
        make_video(
            tmp_path / f"{name}.mp4",
            frames=100,
            size=SIZE,
            codec="libx265",
            options={"x265-params": more + words},
            first_index=first,
        )
    ran = cut("a.mp4", "b.mp4", *spans((10, 60), (25, 99)), "--reel", "reel.mp4")
    assert ran.code == 0, ran.err
    assert {item["mode"]["used"] for item in ran.document["together"]["items"]} == {"smart"}
    wanted = [*range(10, 60), *range(25, 99), *range(510, 560), *range(525, 599)]
    assert indices(tmp_path / "reel.mp4") == wanted
    assert hevc_indices(tmp_path / "reel.mp4") == wanted
    assert left_and_right(tmp_path / "reel.mp4", wanted) == []


@pytest.mark.parametrize(("suffix", "video", "sound"), [(".webm", "vp9", "opus"), (".ts", "h264", "aac")])
def test_the_name_decides_the_container(suffix: str, video: str, sound: str, cut: CommandLine, tmp_path: Path) -> None:
    make_video(tmp_path / "a.mp4", frames=75, size=SIZE)
    ran = cut("a.mp4", *spans((5, 30), (35, 70)), "--reel", f"reel{suffix}")
    assert ran.code == 0, ran.err
    assert indices(tmp_path / f"reel{suffix}") == [*range(5, 30), *range(35, 70)]
    with av.open(str(tmp_path / f"reel{suffix}")) as container:
        assert container.streams.video[0].codec_context.codec.canonical_name == video
        assert container.streams.audio[0].codec_context.codec.canonical_name == sound


@pytest.mark.parametrize(
    ("reel", "words"),
    [("there.mp4", "exists"), ("a.mp4", "source itself"), ("reel.txt", "suffixes"), ("no/reel.mp4", "no directory")],
)
def test_a_reel_that_cannot_be_written_is_refused_before_the_model_loads(
    reel: str, words: str, cut: CommandLine, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.syspath_prepend(str(HERE / "oracle"))
    before = make_video(tmp_path / "a.mp4", frames=20, size=SIZE, audio=0).read_bytes()
    (tmp_path / "there.mp4").write_text("mine")
    overwrite = ["--overwrite"] if reel == "a.mp4" else []
    ran = cut("a.mp4", "-q", "A dog barks", "--model", "missing.oracle", "--reel", reel, *overwrite)
    assert ran.code == 2
    assert words in ran.err
    assert (tmp_path / "a.mp4").read_bytes() == before
    assert (tmp_path / "there.mp4").read_text() == "mine"


def test_a_chapter_is_named_by_its_query(cut: CommandLine, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.syspath_prepend(str(HERE / "oracle"))
    make_video(tmp_path / "a.mp4", frames=100, size=SIZE)
    (tmp_path / "x.oracle").write_text(json.dumps({"events": [[1, 2, "A dog barks"], [2.5, 3.5, "A cat sleeps"]]}))
    queries = ["-q", "A cat sleeps", "-q", "A dog barks"]
    ran = cut("a.mp4", *queries, "--model", "x.oracle", "--reel", "reel.mkv")
    assert ran.code == 0, ran.err
    assert [title for title, _, _ in chapters(tmp_path / "reel.mkv")] == [
        "A dog barks, 00:00:01.000", "A cat sleeps, 00:00:02.520",
    ]  # fmt: skip
    assert [item["query"] for item in ran.document["items"]] == ["A dog barks", "A cat sleeps"]


def test_a_joined_reel_that_does_not_hold_is_encoded(
    cut: CommandLine, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    make_video(tmp_path / "a.mp4", frames=100, size=SIZE, gop=20)
    monkeypatch.setattr(
        "marlin_edit_ffmpeg.reels.picture.spliced_packet", lambda piece, packet, *, is_first: b"\0" * 20
    )
    ran = cut("a.mp4", *spans((5, 60), (65, 99)), "--reel", "reel.mp4")
    assert ran.code == 0, ran.err
    assert "failed its check" in ran.document["notes"][0]
    assert indices(tmp_path / "reel.mp4") == [*range(5, 60), *range(65, 99)]
    assert sorted(os.listdir(tmp_path)) == ["a.mp4", "reel.mp4"]


def test_a_reel_that_never_holds_is_not_written(
    cut: CommandLine, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    make_video(tmp_path / "a.mp4", frames=60, size=SIZE, gop=20)
    monkeypatch.setattr("marlin_edit_ffmpeg.reels.verify._NEAR", -1.0)
    ran = cut("a.mp4", *spans((5, 50)), "--reel", "reel.mp4", "--mode", "exact")
    assert ran.code == 1
    assert "does not look like the source's" in ran.err
    assert os.listdir(tmp_path) == ["a.mp4"]


def test_an_interrupted_reel_leaves_nothing_behind(
    cut: CommandLine, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    make_video(tmp_path / "a.mp4", frames=60, size=SIZE, gop=20)

    def interrupted(*arguments: Any) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr("marlin_edit_ffmpeg.reels.writer.check_reel", interrupted)
    assert cut("a.mp4", *spans((5, 50)), "--reel", "reel.mp4").code == INTERRUPTED
    assert os.listdir(tmp_path) == ["a.mp4"]


def test_a_full_disk_leaves_nothing_behind(cut: CommandLine, tmp_path: Path) -> None:
    import resource

    make_video(tmp_path / "a.mp4", frames=60, size=(192, 108), gop=20)
    limits = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (4096, limits[1]))
    try:
        ran = cut("a.mp4", *spans((5, 50)), "--reel", "reel.mp4")
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, limits)
    assert ran.code == 1
    assert "could not be written" in ran.err
    assert os.listdir(tmp_path) == ["a.mp4"]


def test_of_several_videos_those_that_can_be_read_make_the_reel(cut: CommandLine, tmp_path: Path) -> None:
    make_video(tmp_path / "a.mp4", frames=60, size=SIZE, gop=20)
    (tmp_path / "b.mp4").write_text("no video")
    shutil.copyfile(tmp_path / "a.mp4", tmp_path / "c.mp4")
    ran = cut("a.mp4", "b.mp4", "c.mp4", *spans((5, 50)), "--reel", "reel.mp4", "--out-dir", "clips")
    assert ran.code == 3
    assert indices(tmp_path / "reel.mp4") == [*range(5, 50), *range(5, 50)]
    assert sorted(os.listdir(tmp_path / "clips")) == ["a_001.mp4", "c_001.mp4"]


def test_of_a_truncated_source_what_is_missing_is_said(cut: CommandLine, tmp_path: Path) -> None:
    source = make_video(tmp_path / "a.ts", frames=150, size=(192, 108))
    truncate(source, 0.6)
    count = probe(source).frame_count
    ran = cut("a.ts", *spans((5, 40), (count - 30, count)), "--reel", "reel.mkv")
    assert ran.code == 3
    assert indices(tmp_path / "reel.mkv")[:35] == [*range(5, 40)]


def test_a_dry_run_of_a_reel_tells_what_would_be_encoded_and_writes_nothing(cut: CommandLine, tmp_path: Path) -> None:
    make_video(tmp_path / "a.mp4", frames=150, size=SIZE, gop=20)
    ran = cut("a.mp4", *spans((5, 60), (65, 149)), "--reel", "reel.mp4", "--dry-run")
    assert ran.code == 0, ran.err
    assert os.listdir(tmp_path) == ["a.mp4"]
    assert ran.document["planned"] == ["reel.mp4"]
    told = [item["estimate"] for item in ran.document["items"]]
    written = cut("a.mp4", *spans((5, 60), (65, 149)), "--reel", "reel.mp4").document["items"]
    assert [one["frames_encoded"] for one in told] == [item["frames_encoded"] for item in written]
    assert "5.6 s, about" in ran.document["notes"][-1]


def test_frames_of_an_encoded_reel_last_as_long_as_in_their_source(cut: CommandLine, tmp_path: Path) -> None:
    times = [Fraction(n, 30) + (Fraction(1, 90) if n % 3 == 1 else 0) for n in range(60)]
    make_video(tmp_path / "a.mov", size=SIZE, variable=times, codec="mjpeg", pixel_format="yuvj420p")
    ran = cut("a.mov", *spans((5, 20), (31, 50)), "--reel", "reel.mov", "--mode", "exact")
    assert ran.code == 0, ran.err
    expected, at = [], Fraction(0)
    for first, stop in ((5, 20), (31, 50)):
        expected += [at + times[frame] - times[first] for frame in range(first, stop)]
        at += times[stop] - times[first]
    shown = frame_indices(tmp_path / "reel.mov")
    assert [index for _, index in shown] == [*range(5, 20), *range(31, 50)]
    assert all(abs(time - right) <= Fraction(1, 30_000) for (time, _), right in zip(shown, expected, strict=True))
    with av.open(str(tmp_path / "reel.mov")) as opened:
        container: Any = opened
        video = container.streams.video[0]
        lengths = [packet.duration * video.time_base for packet in container.demux(video) if packet.size]
    assert abs(sum(lengths) - at) <= Fraction(1, 1000)
