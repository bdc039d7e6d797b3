"""What goes along with the pictures of clips and reels, as ffprobe sees it: time code, colour and HDR10, rotation,
languages, titles, attachments, subtitles and chapters.
"""

from __future__ import annotations

import json
import subprocess
from collections.abc import Mapping
from fractions import Fraction
from pathlib import Path
from typing import Any

import av
import pytest

from marlin_edit.cli import main
from marlin_edit.errors import ExitCode
from tests.ffmpeg.test_smart_clips import HDR10, HDR10_COLOUR, x265
from tests.support.programs import checker
from tests.support.synthetic_video import frame_indices, make_video

FILM = "24000/1001"
LINES = (
    (0, 800, "before"),
    (900, 2500, "over the in point"),
    (3000, 3500, "inside"),
    (5500, 7000, "over the out point"),
)
CHAPTERS = ((0, 1500, "One"), (1500, 4000, "Two: a day"), (4000, 7500, "Three"))
FONT = bytes(range(256)) * 40


def seen(path: Path) -> dict[str, Any]:
    """All that ffprobe tells of a file, with the first frame of its picture."""
    ffprobe = checker("ffprobe", "ffmpeg")
    what = ["-show_format", "-show_streams", "-show_chapters", "-of", "json"]
    first = ["-show_frames", "-select_streams", "v:0", "-read_intervals", "%+#1", "-of", "json"]
    told: dict[str, Any] = {}
    for asked in (what, first):
        done = subprocess.run([ffprobe, "-v", "error", *asked, path], check=True, capture_output=True, timeout=60)
        told |= json.loads(done.stdout)
    return told


def picture(told: Mapping[str, Any]) -> dict[str, Any]:
    return next(stream for stream in told["streams"] if stream["codec_type"] == "video")


def streams(told: Mapping[str, Any], kind: str) -> list[dict[str, Any]]:
    return [stream for stream in told["streams"] if stream["codec_type"] == kind]


def timecode(told: Mapping[str, Any]) -> str | None:
    """Where each container keeps it."""
    found = [told["format"], *told["streams"]]
    tags = [{name.lower(): text for name, text in one.get("tags", {}).items()} for one in found]
    return next((one["timecode"] for one in tags if "timecode" in one), None)


def mode_of(capsys: pytest.CaptureFixture[str]) -> str:
    mode: str = json.loads(capsys.readouterr().out)["items"][0]["mode"]["used"]
    return mode


def cut(source: Path, out: Path, mode: str, *spans: str) -> list[Path]:
    """The clips, in the order of the spans."""
    given = [word for span in spans for word in ("--span", span)]
    assert main(["cut", str(source), *given, "--out-dir", str(out), "--mode", mode, "--json"]) == ExitCode.DONE
    return sorted(out.iterdir())


def furnished(path: Path, **made: Any) -> Path:
    """A video with text, chapters, a title, two sounds in two languages and, in Matroska, a font."""
    plain = make_video(
        path.with_name(f"plain{path.suffix}"),
        frames=180,
        rate=FILM,
        size=(96, 64),
        gop=24,
        audio=2,
        subtitles=1,
        **made,
    )
    matroska = path.suffix == ".mkv"
    with av.open(str(plain)) as opened, av.open(str(path), "w") as made_of:
        source: Any = opened
        written: Any = made_of
        kept = {stream.index: stream for stream in source.streams if stream.type in ("video", "audio", "subtitle")}
        out = {index: written.add_stream_from_template(stream, opaque=True) for index, stream in kept.items()}
        for stream in out.values():
            stream.metadata.update({"language": {"audio": "ger", "subtitle": "fra"}.get(stream.type, "eng")})
        list(out.values())[1].metadata["title"] = "Direct sound"
        if matroska:
            written.add_attachment("font.ttf", "font/ttf", FONT)
            written.metadata["timecode"] = "01:00:00:00"
        else:
            next(iter(out.values())).metadata["timecode"] = "01:00:00:00"
        written.metadata["title"] = "A day: at the sea"
        unit = Fraction(1, 1000)
        written.set_chapters(
            [
                {"id": at + 1, "start": start, "end": end, "time_base": unit, "metadata": {"title": title}}
                for at, (start, end, title) in enumerate(CHAPTERS)
            ]
        )
        for packet in source.demux(*(stream for stream in kept.values() if stream.type != "subtitle")):
            if packet.size:
                packet.stream = out[packet.stream_index]
                written.mux(packet)
        [text] = [stream for stream in out.values() if stream.type == "subtitle"]
        for start, end, line in LINES:
            words = line.encode()
            packet = av.Packet(words if matroska else len(words).to_bytes(2, "big") + words)
            packet.stream, packet.time_base = text, unit
            packet.pts = packet.dts = start
            packet.duration = end - start
            written.mux(packet)
    return path


@pytest.mark.parametrize("suffix", [".mkv", ".mp4", ".mov"])
@pytest.mark.parametrize("mode", ["smart", "exact"])
def test_all_that_goes_along_is_shifted_and_clipped(
    mode: str, suffix: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """From frame 50 (2.085 s) to frame 144 (6.006 s)."""
    source = furnished(tmp_path / f"film{suffix}")
    [clip] = cut(source, tmp_path / "clips", mode, "50f-144f")
    assert mode_of(capsys) == mode
    told, begin, end = seen(clip), Fraction(50) / Fraction(FILM), Fraction(144) / Fraction(FILM)
    assert timecode(told) == "01:00:02:02"
    assert told["format"]["tags"]["title"] == "A day: at the sea"
    assert [stream["tags"]["language"] for stream in streams(told, "audio")] == ["ger", "ger"]
    texts = [stream for stream in streams(told, "subtitle") if stream["tags"].get("language") == "fra"]
    assert len(texts) == 1
    if suffix == ".mkv":
        assert streams(told, "audio")[0]["tags"]["title"] == "Direct sound"
        assert streams(told, "attachment")[0]["tags"] == {"filename": "font.ttf", "mimetype": "font/ttf"}
        assert attached(clip) == FONT

    wanted = [
        (title, float(max(Fraction(0), Fraction(start, 1000) - begin)), float(min(end, Fraction(stop, 1000)) - begin))
        for start, stop, title in CHAPTERS
        if Fraction(stop, 1000) > begin
    ]
    chapters = [(one["tags"]["title"], float(one["start_time"]), float(one["end_time"])) for one in told["chapters"]]
    assert [title for title, _, _ in chapters] == ["Two: a day", "Three"]
    for (_, *found), (_, *right) in zip(chapters, wanted, strict=True):
        assert found == pytest.approx(right, abs=0.002)

    lines = text_of(clip)
    assert [line for _, _, line in lines] == ["over the in point", "inside", "over the out point"]
    for (start, stop, _), (asked, asked_stop, _) in zip(lines, LINES[1:], strict=True):
        assert start == pytest.approx(float(max(Fraction(0), Fraction(asked, 1000) - begin)), abs=0.002)
        assert stop == pytest.approx(float(min(end, Fraction(asked_stop, 1000)) - begin), abs=0.002)


def attached(path: Path) -> bytes:
    with av.open(str(path)) as container:
        [font] = [stream for stream in container.streams if stream.type == "attachment"]
        data: bytes = font.data  # type: ignore[attr-defined]
        return data


def text_of(path: Path) -> list[tuple[float, float, str]]:
    """Lines of the first subtitle stream: from, to, words."""
    with av.open(str(path)) as opened:
        container: Any = opened
        stream = container.streams.subtitles[0]
        found = []
        for packet in container.demux(stream):
            words = bytes(packet) if path.suffix == ".mkv" else bytes(packet)[2:]
            if words:
                start = float(packet.pts * stream.time_base)
                found.append((start, start + float(packet.duration * stream.time_base), words.decode()))
        return found


@pytest.mark.parametrize("suffix", [".mp4", ".mov", ".mkv", ".webm"])
@pytest.mark.parametrize("mode", ["smart", "exact"])
def test_the_start_time_code_is_the_first_frames(
    mode: str, suffix: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    made: dict[str, Any] = {"timecode": "01:00:00:00"}
    if suffix == ".webm":
        made = {"codec": "libvpx-vp9", "metadata": {"timecode": "01:00:00:00"}}
    source = make_video(tmp_path / f"film{suffix}", frames=260, rate=FILM, size=(96, 64), gop=24, audio=0, **made)
    [clip] = cut(source, tmp_path / "clips", mode, "178f-250f")
    assert mode_of(capsys) == mode
    assert timecode(seen(clip)) == "01:00:07:10"
    assert [index for _, index in frame_indices(clip)] == list(range(178, 250))


@pytest.mark.parametrize("suffix", [".mp4", ".mkv"])
@pytest.mark.parametrize("mode", ["smart", "exact"])
def test_drop_frame_labels_skip_two_numbers_at_the_minute_but_not_at_the_tenth(
    mode: str, suffix: str, tmp_path: Path
) -> None:
    for start, labels in (
        ("01:00:59;20", ["01:00:59;29", "01:01:00;02"]),
        ("01:09:59;20", ["01:09:59;29", "01:10:00;00"]),
    ):
        folder = tmp_path / start[3:5]
        folder.mkdir()
        source = make_video(
            folder / f"tv{suffix}", frames=100, rate="30000/1001", size=(96, 64), gop=15, timecode=start, audio=0
        )
        clips = cut(source, folder / "clips", mode, "9f-70f", "10f-70f")
        assert [timecode(seen(clip)) for clip in clips] == labels


def test_a_reel_begins_at_the_record_start_and_its_chapters_have_source_time_code(tmp_path: Path) -> None:
    for suffix in (".mov", ".mkv", ".mp4"):
        source = make_video(
            tmp_path / f"film{suffix}", frames=260, rate=FILM, size=(96, 64), gop=24, timecode="01:00:00:00"
        )
        reel = tmp_path / f"reel{suffix}"
        spans = ["--span", "178f-250f", "--span", "24f-60f"]
        assert main(["cut", str(source), *spans, "--reel", str(reel), "--record-start", "10:00:00:00"]) == ExitCode.DONE
        told = seen(reel)
        assert timecode(told) == "10:00:00:00"
        assert [one["tags"]["title"] for one in told["chapters"]] == ["film, 01:00:07:10", "film, 01:00:01:00"]
        assert float(told["chapters"][1]["start_time"]) == pytest.approx(72 / (24_000 / 1001), abs=0.001)


@pytest.mark.parametrize("to", ["clip", "reel"])
@pytest.mark.parametrize("suffix", [".mp4", ".mkv"])
@pytest.mark.parametrize("mode", ["smart", "exact"])
def test_hdr10_is_told_as_in_the_source(
    mode: str, suffix: str, to: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    source = make_video(
        tmp_path / f"hdr{suffix}",
        frames=90,
        size=(96, 64),
        pixel_format="yuv420p10le",
        colour=HDR10_COLOUR,
        **x265(HDR10),
    )
    output = ["--out-dir", tmp_path / "out"] if to == "clip" else ["--reel", tmp_path / f"reel{suffix}"]
    arguments = ["cut", source, "--span", "13f-71f", *output, "--mode", mode, "--json"]
    assert main([str(argument) for argument in arguments]) == ExitCode.DONE
    assert mode_of(capsys) == mode
    written = next((tmp_path / "out").iterdir()) if to == "clip" else tmp_path / f"reel{suffix}"
    before, after = seen(source), seen(written)
    for name in ("pix_fmt", "color_range", "color_space", "color_transfer", "color_primaries", "profile"):
        assert picture(after)[name] == picture(before)[name], name
    for kind in ("Mastering display metadata", "Content light level metadata"):
        assert light(after, kind) == light(before, kind) != {}


def light(told: Mapping[str, Any], kind: str) -> dict[str, object]:
    [frame] = told["frames"]
    for one in frame["side_data_list"]:
        if one["side_data_type"] == kind:
            return {name: Fraction(value) for name, value in one.items() if name != "side_data_type"}
    return {}


@pytest.mark.parametrize("to", ["clip", "reel"])
@pytest.mark.parametrize("mode", ["smart", "exact"])
def test_rotation_aspect_and_colour_are_told_as_in_the_source(
    mode: str, to: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    source = make_video(
        tmp_path / "phone.mp4",
        frames=90,
        size=(96, 64),
        rotation=90,
        pixel_aspect=Fraction(4, 3),
        colour={"color_primaries": 1, "color_trc": 1, "colorspace": 1, "color_range": 1},
    )
    output = ["--out-dir", tmp_path / "out"] if to == "clip" else ["--reel", tmp_path / "reel.mp4"]
    arguments = ["cut", source, "--span", "13f-71f", *output, "--mode", mode, "--json"]
    assert main([str(argument) for argument in arguments]) == ExitCode.DONE
    assert mode_of(capsys) == mode
    written = next((tmp_path / "out").iterdir()) if to == "clip" else tmp_path / "reel.mp4"
    before, after = picture(seen(source)), picture(seen(written))
    names = (
        "color_range",
        "color_space",
        "color_transfer",
        "color_primaries",
        "sample_aspect_ratio",
        "width",
        "height",
    )
    for name in names:
        assert after[name] == before[name], name
    assert [side["rotation"] for side in after["side_data_list"] if "rotation" in side] == [
        side["rotation"] for side in before["side_data_list"] if "rotation" in side
    ]
    assert after["avg_frame_rate"] == before["avg_frame_rate"]
