"""Subtitle tracks attached to a video: what FFmpeg's and mkvtoolnix's programs find in the copy, and that picture and
sound are the source's, packet by packet.
"""

from __future__ import annotations

import json
import os
import re
import shutil
import signal
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Mapping, Sequence
from fractions import Fraction
from functools import partial
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from io import BytesIO
from itertools import pairwise
from pathlib import Path
from typing import Any

import av
import numpy as np
import numpy.typing as npt
import pytest
from hypothesis import given
from hypothesis import strategies as st

from marlin_edit.analysis import TextRun
from marlin_edit.errors import ExitCode, MarlinEditError
from marlin_edit_ffmpeg.attach.boxes import boxes_in, set_enabled
from marlin_edit_ffmpeg.attach.languages import codes_of
from marlin_edit_ffmpeg.attach.matroska import Entry, entries_of, set_entries
from marlin_edit_ffmpeg.attach.mov_text import Piece, pieces_of
from tests.support.browser import chromium
from tests.support.command_line import CommandLine, command_line
from tests.support.programs import checker
from tests.support.synthetic_video import frame_indices, make_audio, make_video, truncate

__all__ = ["chromium"]

DESCRIPTIONS = """WEBVTT Kind: descriptions; Language: en-GB; Visual descriptions, auto-generated

NOTE
They describe what is seen.

STYLE
::cue(.red) { color: #ff0000; }

first
00:00:00.200 --> 00:00:00.800 line:0 align:start
<i>A person</i> opens a door &amp; waits.
{a} 1 &lt; 2

00:00:00.800 --> 00:00:01.000
שלום 你好

NOTE in between

third one
00:00:01.100 --> 00:00:01.500
<v Ann>&lt;b&gt;</v>
"""
CAPTIONS = """1
00:00:00,100 --> 00:00:00,900
<i>Hello</i> {x} & <b>you</b>
second <line

2
00:00:00,500 --> 00:00:01,200
שלום 你好
"""
TIMES = [(200, 800), (800, 1000), (1100, 1500)]


@pytest.fixture
def run(capfd: pytest.CaptureFixture[str]) -> CommandLine:
    return command_line(capfd)


def with_chapters(source: Path, path: Path) -> Path:
    """A copy with two chapters."""
    with av.open(str(source)) as opened, av.open(str(path), "w") as copy:
        streams = {stream.index: copy.add_stream_from_template(stream, opaque=True) for stream in opened.streams}
        one: Any = {"id": 1, "start": 0, "end": 1000, "time_base": Fraction(1, 1000), "metadata": {"title": "Eins"}}
        two: Any = {"id": 2, "start": 1000, "end": 2000, "time_base": Fraction(1, 1000), "metadata": {"title": "<2> &"}}
        copy.set_chapters([one, two])
        for packet in opened.demux():
            if packet.size:
                packet.stream = streams[packet.stream_index]
                copy.mux(packet)
    return path


def make_source(name: str, folder: Path) -> Path:
    path = folder / name
    kind = path.stem
    if kind == "hidden":
        return make_video(path, frames=50, hidden=5, bframes=2)
    if kind == "hevc":
        return make_video(path, frames=50, codec="libx265", rate="24000/1001")
    if kind == "vp9":
        return make_video(path, frames=50, codec="libvpx-vp9", audio_codec="libopus")
    if kind == "timecode":
        return make_video(path, frames=50, timecode="01:00:00:00", reel="A001")
    if kind == "delayed":
        return make_video(
            path, frames=50, audio=2, audio_languages=["eng", "deu"], audio_delay=Fraction(1, 2), rotation=90,
            pixel_aspect=Fraction(4, 3), metadata={"title": "A film", "comment": "as it was"},
        )  # fmt: skip
    if kind == "subtitled":
        plain = make_video(folder / f"plain{path.suffix}", frames=50, subtitles=1)
        return with_chapters(plain, path)
    if kind == "late":
        return make_video(path, frames=50, start=Fraction(3))
    if kind == "fragmented":
        return make_video(path, frames=50, container_options={"movflags": "+frag_keyframe+empty_moov"})
    if kind == "wide":  # the shape of the pixels stands in the container alone
        codec = {".mov": "prores_ks", ".mkv": "libx264", ".webm": "libvpx-vp9"}[path.suffix]
        sound, pixels = ("pcm_s24le", "yuv422p10le") if path.suffix == ".mov" else (None, "yuv420p")
        plain = make_video(
            folder / f"square{path.suffix}", frames=50, codec=codec, audio_codec=sound, pixel_format=pixels
        )
        ffmpeg = checker("ffmpeg", "ffmpeg")
        subprocess.run([ffmpeg, "-v", "error", "-i", plain, "-c", "copy", "-aspect", "2:1", path], check=True)
        return path
    if kind == "variable":
        return make_video(path, variable=[Fraction(n * n, 500) for n in range(40)])
    return make_video(path, frames=50)


SOURCES = [
    "hidden.mp4",
    "delayed.mp4",
    "subtitled.mp4",
    "variable.mp4",
    "late.mp4",
    "fragmented.mp4",
    "timecode.mov",
    "wide.mov",
    "subtitled.mov",
    "hevc.mkv",
    "vp9.mkv",
    "subtitled.mkv",
    "variable.mkv",
    "late.mkv",
    "wide.mkv",
    "vp9.webm",
    "wide.webm",
]


def probed(path: Path, *arguments: str) -> Any:
    """What ffprobe finds."""
    program = checker("ffprobe", "ffmpeg")
    command = [program, "-v", "error", "-of", "json", *arguments, str(path)]
    return json.loads(subprocess.run(command, capture_output=True, text=True, check=True).stdout)


def packets_of(path: Path, kind: str) -> list[dict[str, Any]]:
    """The packets of streams of a kind, without their places in the file."""
    entries = "packet=stream_index,pts_time,dts_time,size,flags,data_hash"
    found = probed(path, "-select_streams", kind, "-show_data_hash", "sha256", "-show_entries", entries)
    packets: list[dict[str, Any]] = found["packets"]
    return packets


def streams_of(path: Path) -> list[dict[str, Any]]:
    streams: list[dict[str, Any]] = probed(path, "-show_streams")["streams"]
    return streams


def hashes_of(path: Path) -> list[str]:
    """FFmpeg's checksum of each stream of picture and sound, as stored."""
    program = checker("ffmpeg", "ffmpeg")
    command = [program, "-v", "error", "-i", str(path), "-map", "0:v?", "-map", "0:a?", "-c", "copy"]
    said = subprocess.run([*command, "-f", "streamhash", "-"], capture_output=True, text=True, check=True).stdout
    return said.splitlines()


def mkvmerge_tracks(path: Path) -> list[dict[str, Any]]:
    program = checker("mkvmerge", "mkvtoolnix")
    found = json.loads(subprocess.run([program, "-J", str(path)], capture_output=True, text=True, check=True).stdout)
    assert found["errors"] == found["warnings"] == []
    tracks: list[dict[str, Any]] = found["tracks"]
    return tracks


def extracted(path: Path, track: int, to: Path) -> str:
    """A track as mkvextract writes it, without its byte order mark."""
    program = checker("mkvextract", "mkvtoolnix")
    subprocess.run([program, str(path), "tracks", f"{track}:{to}"], capture_output=True, check=True)
    return to.read_text("utf-8-sig")


def texts_in(path: Path, stream: int) -> str:
    """A track of text as FFmpeg's program reads it, as SubRip."""
    program = checker("ffmpeg", "ffmpeg")
    command = [program, "-v", "error", "-copyts", "-i", str(path), "-map", f"0:{stream}", "-f", "srt", "-"]
    return subprocess.run(command, capture_output=True, text=True, check=True).stdout


def text_file(folder: Path, name: str, text: str) -> Path:
    path = folder / name
    path.write_text(text, encoding="utf-8")
    return path


@pytest.mark.parametrize("name", SOURCES)
def test_nothing_of_the_video_changes(name: str, run: CommandLine, tmp_path: Path) -> None:
    source = make_source(name, tmp_path)
    track = text_file(tmp_path, "film.descriptions.vtt", DESCRIPTIONS)
    more = text_file(tmp_path, "film.sdh.de.srt", CAPTIONS)
    target = tmp_path / f"out{source.suffix}"
    ran = run("attach", source, track, more, "-o", target)
    assert ran.code == ExitCode.DONE, ran.err
    assert hashes_of(target) == hashes_of(source)
    for kind in ("v", "a"):
        assert packets_of(target, kind) == packets_of(source, kind)
    before, after = streams_of(source), streams_of(target)
    kept = [stream for stream in before if stream["codec_type"] != "data"]
    for one, other in zip(kept, after, strict=False):
        assert facts_of(one) == facts_of(other)
    assert [stream["disposition"]["default"] for stream in after[len(kept) : len(kept) + 2]] == [0, 0]
    for what in ("-show_chapters", "-show_format"):
        assert described(probed(target, what)) == described(probed(source, what))
    assert "stay in sync" not in ran.err


FACTS = (
    "codec_name", "profile", "codec_tag_string", "width", "height", "sample_aspect_ratio", "pix_fmt", "level",
    "field_order", "r_frame_rate", "avg_frame_rate", "time_base", "start_time", "sample_rate", "channels",
    "disposition", "side_data_list",
)  # fmt: skip


def facts_of(stream: Mapping[str, Any]) -> dict[str, Any]:
    """What players go by, of a stream of picture or sound; of a text its codec and marks."""
    tags = {name: stream.get("tags", {}).get(name) for name in ("language", "title", "timecode")}
    names = FACTS if stream["codec_type"] != "subtitle" else ("codec_name", "disposition")
    facts = {name: stream.get(name) for name in names} | tags
    if stream.get("field_order") == "progressive":  # which FFmpeg says in the file where the pictures alone do
        facts["field_order"] = None
    return facts


def described(found: Mapping[str, Any]) -> Any:
    """Chapters by time and title, or the tags of a file but those that are the writer's."""
    if "chapters" in found:
        return [(one["start_time"], one["end_time"], one["tags"]["title"]) for one in found["chapters"]]
    own = {"encoder", "ENCODER", "minor_version", "compatible_brands"}
    return {name: text for name, text in found["format"].get("tags", {}).items() if name not in own}


@pytest.mark.parametrize("suffix", [".mp4", ".mkv"])
def test_cues_count_from_the_first_frame(suffix: str, run: CommandLine, tmp_path: Path) -> None:
    """The clock of the file begins at 3 s."""
    source, track = make_source(f"late{suffix}", tmp_path), text_file(tmp_path, "film.en.srt", CAPTIONS)
    target = tmp_path / f"out{suffix}"
    assert run("attach", source, track, "-o", target).code == ExitCode.DONE
    assert float(packets_of(target, "v")[0]["pts_time"]) == 3
    shown = [float(one["pts_time"]) for one in packets_of(target, "s") if int(one["size"]) > 2]
    assert shown == ([3.1, 3.5, 3.9] if suffix == ".mp4" else [3.1, 3.5])


def test_transparency_is_not_lost(run: CommandLine, tmp_path: Path) -> None:
    """In WebM it stands beside the packets."""
    ffmpeg, track = checker("ffmpeg", "ffmpeg"), text_file(tmp_path, "film.en.srt", CAPTIONS)
    drawn = ["-f", "lavfi", "-i", "testsrc2=s=160x90:d=1,format=yuva420p,geq=lum='lum(X,Y)':a='mod(X+8*N,256)'"]
    encoder = ["-c:v", "libvpx-vp9", "-deadline", "realtime", "-cpu-used", "8", "-auto-alt-ref", "0"]
    source = tmp_path / "film.webm"
    subprocess.run([ffmpeg, "-v", "error", *drawn, *encoder, str(source)], check=True)
    ran = run("attach", source, track, "-o", tmp_path / "out.mp4")
    assert ran.code == ExitCode.FAILED
    assert "MP4 cannot hold the transparency of stream 0 (video, vp9) of film.webm. Choose .webm." in ran.err
    for suffix in (".webm", ".mkv"):
        target = tmp_path / f"out{suffix}"
        assert run("attach", source, track, "-o", target).code == ExitCode.DONE
        as_pictures = ["-map", "0:v", "-pix_fmt", "yuva420p", "-f", "framemd5", "-"]
        before, after = (
            subprocess.run(
                [ffmpeg, "-v", "error", "-c:v", "libvpx-vp9", "-i", str(path), *as_pictures],
                capture_output=True, text=True, check=True,
            ).stdout
            for path in (source, target)
        )  # fmt: skip
        assert after == before


@pytest.mark.parametrize("suffix", [".mkv", ".mp4"])
def test_spherical_and_hdr_pictures_stay_so(suffix: str, run: CommandLine, tmp_path: Path) -> None:
    """What only the container says of the picture."""
    merge, track = checker("mkvmerge", "mkvtoolnix"), text_file(tmp_path, "film.en.srt", CAPTIONS)
    plain, source = make_source("hevc.mkv", tmp_path), tmp_path / "film.mkv"
    said = ["--projection-type", "0:1", "--max-content-light", "0:1000", "--max-frame-light", "0:400"]
    said += ["--colour-transfer-characteristics", "0:16", "--colour-primaries", "0:9", "--colour-matrix", "0:9"]
    subprocess.run([merge, "-q", "-o", source, *said, plain], check=True)
    ran = run("attach", source, track, "-o", tmp_path / f"out{suffix}")
    assert ran.code == ExitCode.DONE, ran.err
    before, after = streams_of(source)[0], streams_of(tmp_path / f"out{suffix}")[0]
    kinds = {one["side_data_type"] for one in before["side_data_list"]}
    assert {"Spherical Mapping", "Content light level metadata"} <= kinds
    assert kinds <= {one["side_data_type"] for one in after["side_data_list"]}
    if suffix == ".mkv":
        one, other = (mkvmerge_tracks(path)[0]["properties"] for path in (source, tmp_path / "out.mkv"))
        for name in ("color_transfer_characteristics", "color_primaries", "color_matrix_coefficients"):
            assert other[name] == one[name] > 0


def test_a_time_code_track_and_its_reel_are_there(run: CommandLine, tmp_path: Path) -> None:
    source = make_source("timecode.mov", tmp_path)
    track = text_file(tmp_path, "film.vtt", DESCRIPTIONS)
    assert run("attach", source, track, "-o", tmp_path / "out.mov").code == ExitCode.DONE
    [before] = [stream for stream in streams_of(source) if stream["codec_tag_string"] == "tmcd"]
    [after] = [stream for stream in streams_of(tmp_path / "out.mov") if stream["codec_tag_string"] == "tmcd"]
    for tag in ("timecode", "reel_name"):
        assert after["tags"][tag] == before["tags"][tag]
    assert [one["data_hash"] for one in packets_of(tmp_path / "out.mov", "d")] == [
        one["data_hash"] for one in packets_of(source, "d")
    ]


@pytest.mark.parametrize(
    ("name", "suffix"),
    [
        ("delayed.mp4", ".mkv"),
        ("plain.mp4", ".mkv"),
        ("plain.mp4", ".mov"),
        ("timecode.mov", ".mkv"),
        ("hevc.mkv", ".mp4"),
        ("plain.mkv", ".mov"),
        ("vp9.mkv", ".mp4"),
        ("vp9.mkv", ".webm"),
        ("vp9.webm", ".mkv"),
    ],
)
def test_another_container_has_the_same_packets(name: str, suffix: str, run: CommandLine, tmp_path: Path) -> None:
    source = make_source(name, tmp_path)
    track = text_file(tmp_path, "film.vtt", DESCRIPTIONS)
    target = tmp_path / f"out{suffix}"
    ran = run("attach", source, track, "-o", target)
    assert ran.code == ExitCode.DONE, ran.err
    shifted = re.search(r"begin ([\d.]+) s later", ran.err)
    later = float(shifted[1]) if shifted else 0.0
    for kind in ("v", "a"):
        before, after = packets_of(source, kind), packets_of(target, kind)
        assert [one["data_hash"] for one in after] == [one["data_hash"] for one in before]
        for one, other in zip(before, after, strict=True):
            assert float(other["pts_time"]) - later == pytest.approx(float(one["pts_time"]), abs=0.0011)
    assert [index for _, index in frame_indices(target)] == [index for _, index in frame_indices(source)]
    for what in ("sample_aspect_ratio", "side_data_list"):
        assert streams_of(target)[0].get(what, "1:1") == streams_of(source)[0].get(what, "1:1")
    texts = [stream for stream in streams_of(target) if stream["codec_type"] == "subtitle"]
    assert len(texts) == 1


CODECS = {".mp4": "mov_text", ".mov": "mov_text", ".webm": "webvtt"}
MARKS = ("descriptions", "visual_impaired", "hearing_impaired", "captions", "forced", "default")


@pytest.mark.parametrize(
    ("kind", "marks"),
    [
        ("descriptions", {".mp4": {"descriptions", "visual_impaired"}, ".webm": {"descriptions"}}),
        ("captions", {".mp4": {"hearing_impaired", "captions"}, ".webm": {"captions"}}),
        ("sdh", {".mp4": {"hearing_impaired", "captions"}, ".webm": {"captions"}}),
        ("subtitles", {".mp4": set(), ".webm": set()}),
        ("forced", {".mp4": {"forced"}, ".webm": {"forced"}}),
    ],
)
@pytest.mark.parametrize("suffix", [".mp4", ".mov", ".webm"])
def test_what_a_track_is_stands_in_the_file(
    kind: str, marks: Mapping[str, set[str]], suffix: str, run: CommandLine, tmp_path: Path
) -> None:
    source = make_source(f"vp9{suffix}" if suffix == ".webm" else f"plain{suffix}", tmp_path)
    track = text_file(tmp_path, f"film.{kind}.pt-BR.srt", CAPTIONS)
    ran = run("attach", source, track, "-o", tmp_path / f"out{suffix}", "--title", "So & <so>")
    assert ran.code == ExitCode.DONE, ran.err
    stream = streams_of(tmp_path / f"out{suffix}")[2]
    assert stream["codec_name"] == CODECS[suffix]
    assert {mark for mark in MARKS if stream["disposition"].get(mark)} == marks.get(suffix, set())
    assert stream["tags"]["language"] == "por"
    assert stream["tags"]["title" if suffix == ".webm" else "handler_name"] == "So & <so>"
    assert "pt-BR is por in it" in ran.err
    assert ("QuickTime has no mark for" in ran.err) == (suffix == ".mov" and kind != "subtitles")


@pytest.mark.parametrize(
    ("kind", "flags"),
    [
        ("descriptions", {"flag_text_descriptions", "flag_visual_impaired"}),
        ("captions", {"flag_hearing_impaired"}),
        ("sdh", {"flag_hearing_impaired"}),
        ("subtitles", set()),
        ("forced", {"forced_track"}),
    ],
)
def test_mkvtoolnix_reads_what_a_track_is(kind: str, flags: set[str], run: CommandLine, tmp_path: Path) -> None:
    source = make_source("vp9.mkv", tmp_path)
    tracks = [text_file(tmp_path, f"film.{kind}.{tag}.srt", CAPTIONS) for tag in ("de-AT", "zh-Hans")]
    ran = run("attach", source, *tracks, "-o", tmp_path / "out.mkv")
    assert ran.code == ExitCode.DONE, ran.err
    for track, language, tag in zip(
        mkvmerge_tracks(tmp_path / "out.mkv")[2:], ("ger", "chi"), ("de-AT", "zh-Hans"), strict=True
    ):
        found = track["properties"]
        assert track["codec"] == "SubRip/SRT"
        assert {name for name, value in found.items() if name.startswith(("flag_", "forced")) and value} == flags
        assert (found["default_track"], found["language"], found["language_ietf"]) == (False, language, tag)
    assert "is not kept" not in ran.err


def test_webvtt_comes_out_of_matroska_as_it_went_in(run: CommandLine, tmp_path: Path) -> None:
    source = make_source("hevc.mkv", tmp_path)
    track = text_file(tmp_path, "film.vtt", DESCRIPTIONS)
    ran = run("attach", source, track, "-o", tmp_path / "out.mkv")
    assert ran.code == ExitCode.DONE, ran.err
    found = mkvmerge_tracks(tmp_path / "out.mkv")[2]
    assert found["codec"] == "WebVTT"
    assert found["properties"]["track_name"] == "Visual descriptions, auto-generated"
    assert found["properties"]["language_ietf"] == "en-GB"
    assert found["properties"]["flag_text_descriptions"]
    assert extracted(tmp_path / "out.mkv", 2, tmp_path / "back.vtt") == DESCRIPTIONS
    assert "FFmpeg's programs do not know WebVTT" in ran.err
    # A second track beside it: the first one is a stream that FFmpeg does not know.
    more = text_file(tmp_path, "film.fr.srt", CAPTIONS)
    assert run("attach", tmp_path / "out.mkv", more, "-o", tmp_path / "two.mkv").code == ExitCode.DONE
    assert extracted(tmp_path / "two.mkv", 2, tmp_path / "back.vtt") == DESCRIPTIONS
    assert mkvmerge_tracks(tmp_path / "two.mkv")[2]["properties"]["language_ietf"] == "en-GB"


def test_webvtt_of_mkvtoolnix_is_copied(run: CommandLine, tmp_path: Path) -> None:
    source, vtt = make_source("vp9.mkv", tmp_path), text_file(tmp_path, "film.vtt", DESCRIPTIONS)
    merge = checker("mkvmerge", "mkvtoolnix")
    subprocess.run([merge, "-q", "-o", tmp_path / "in.mkv", "--language", "1:de-CH", source, vtt], check=True)
    more = text_file(tmp_path, "film.en.srt", CAPTIONS)
    ran = run("attach", tmp_path / "in.mkv", more, "-o", tmp_path / "out.mkv")
    assert ran.code == ExitCode.DONE, ran.err
    assert extracted(tmp_path / "out.mkv", 2, tmp_path / "back.vtt") == DESCRIPTIONS
    before, after = mkvmerge_tracks(tmp_path / "in.mkv"), mkvmerge_tracks(tmp_path / "out.mkv")
    for one, other in zip(before, after, strict=False):
        for name in ("codec_id", "language", "language_ietf", "default_track"):
            assert other["properties"].get(name) == one["properties"].get(name)


def test_subrip_comes_out_of_matroska_as_it_went_in(run: CommandLine, tmp_path: Path) -> None:
    source = make_source("hevc.mkv", tmp_path)
    track = text_file(tmp_path, "film.en.srt", CAPTIONS)
    assert run("attach", source, track, "-o", tmp_path / "out.mkv").code == ExitCode.DONE
    assert extracted(tmp_path / "out.mkv", 2, tmp_path / "back.srt") == CAPTIONS + "\n"


ADVANCED = """[Script Info]
Title: Visual descriptions, auto-generated
ScriptType: v4.00+
PlayResX: 320
PlayResY: 180

[V4+ Styles]
Format: Name, Fontname, Fontsize, PrimaryColour, SecondaryColour, OutlineColour, BackColour, Bold, Italic, Underline, \
StrikeOut, ScaleX, ScaleY, Spacing, Angle, BorderStyle, Outline, Shadow, Alignment, MarginL, MarginR, MarginV, Encoding
Style: Default,DejaVu Sans,20,&H00FFFFFF,&H000000FF,&H00000000,&H00000000,0,0,0,0,100,100,0,0,1,2,0,2,10,10,10,1

[Events]
Format: Layer, Start, End, Style, Name, MarginL, MarginR, MarginV, Effect, Text
Dialogue: 0,0:00:00.20,0:00:01.00,Default,Ann,0,0,0,,{\\an8}Above, {\\i1}slanted{\\i0}
Dialogue: 0,0:00:00.50,0:00:01.50,Default,,0,0,0,,below\\Ntwo lines
"""


def test_ass_keeps_its_styles_in_matroska(run: CommandLine, tmp_path: Path) -> None:
    source = make_source("hevc.mkv", tmp_path)
    track = text_file(tmp_path, "film.ass", ADVANCED)
    ran = run("attach", source, track, "-o", tmp_path / "out.mkv", "--track-language", "en")
    assert ran.code == ExitCode.DONE, ran.err
    found = mkvmerge_tracks(tmp_path / "out.mkv")[2]
    assert found["codec"] == "SubStationAlpha"
    assert found["properties"]["flag_text_descriptions"]  # the script's title says so
    back = extracted(tmp_path / "out.mkv", 2, tmp_path / "back.ass").replace("\r\n", "\n")
    for line in ADVANCED.splitlines():
        assert line in back


def test_other_formats_become_subrip(run: CommandLine, tmp_path: Path) -> None:
    source = make_source("hevc.mkv", tmp_path)
    track = text_file(tmp_path, "film.en.sbv", "0:00:00.200,0:00:00.800\nA door & a <window>\nopen\n")
    assert run("attach", source, track, "-o", tmp_path / "out.mkv").code == ExitCode.DONE
    back = extracted(tmp_path / "out.mkv", 2, tmp_path / "back.srt")
    assert back == "1\n00:00:00,200 --> 00:00:00,800\nA door & a ＜window>\nopen\n\n"


def test_webm_keeps_names_and_settings_of_cues(run: CommandLine, tmp_path: Path) -> None:
    source = make_source("vp9.webm", tmp_path)
    track = text_file(tmp_path, "film.vtt", DESCRIPTIONS)
    ran = run("attach", source, track, "-o", tmp_path / "out.webm")
    assert ran.code == ExitCode.DONE, ran.err
    assert "Comments and styles outside the cues were left out" in ran.err
    program, target = checker("ffmpeg", "ffmpeg"), str(tmp_path / "out.webm")
    command = [program, "-v", "error", "-i", target, "-map", "0:s", "-c", "copy", "-f", "webvtt", "-"]
    back = subprocess.run(command, capture_output=True, text=True, check=True).stdout
    cues = [block for block in DESCRIPTIONS.split("\n\n") if "-->" in block]
    without_times = [re.sub(r"\S+ --> \S+", "", block).strip() for block in cues]
    assert [re.sub(r"\S+ --> \S+", "", block).strip() for block in back.split("\n\n")[1:]] == without_times
    found = probed(tmp_path / "out.webm", "-select_streams", "s", "-show_entries", "packet=pts_time,duration_time")
    times = [
        (round(1000 * float(one["pts_time"])), round(1000 * float(one["duration_time"]))) for one in found["packets"]
    ]
    assert times == [(start, end - start) for start, end in TIMES]


@pytest.mark.parametrize("suffix", [".mp4", ".mov"])
def test_overlapping_cues_become_pieces_with_both_texts(suffix: str, run: CommandLine, tmp_path: Path) -> None:
    source = make_source(f"plain{suffix}", tmp_path)
    track = text_file(tmp_path, "film.en.srt", CAPTIONS)
    ran = run("attach", source, track, "-o", tmp_path / f"out{suffix}", "--json")
    assert ran.code == ExitCode.DONE, ran.err
    assert (ran.document["tracks"][0]["cues"], ran.document["tracks"][0]["packets"]) == (2, 3)
    assert re.sub("</?[ib]>", "", texts_in(tmp_path / f"out{suffix}", 2)) == (
        "1\n00:00:00,100 --> 00:00:00,500\nHello {x} & you\nsecond <line\n\n"
        "2\n00:00:00,500 --> 00:00:00,900\nHello {x} & you\nsecond <line\nשלום 你好\n\n"
        "3\n00:00:00,900 --> 00:00:01,200\nשלום 你好\n\n"
    )
    assert "2 cues are 3 pieces" in ran.err


def test_styles_and_colours_are_kept_in_mp4(run: CommandLine, tmp_path: Path) -> None:
    source = make_source("plain.mp4", tmp_path)
    text = '1\n00:00:00,100 --> 00:00:00,900\n你<i>好 i</i> <b><u>b u</u></b> <font color="#ff8000">c</font>.\n'
    track = text_file(tmp_path, "film.en.srt", text)
    assert run("attach", source, track, "-o", tmp_path / "out.mp4").code == ExitCode.DONE
    with av.open(str(tmp_path / "out.mp4")) as opened:
        decoded: list[Any] = [one for packet in opened.demux(subtitles=0) for one in packet.decode()]
    [shown] = [one for one in decoded if one.dialogue]
    styled = bytes(shown.ass).decode().split(",", 8)[8]
    assert styled == "你{\\i1}好 i{\\r} {\\b1}{\\u1}b u{\\r} {\\1c&H80FF&}c{\\r}."


def test_a_hundred_cues_at_once(run: CommandLine, tmp_path: Path) -> None:
    source = make_source("plain.mp4", tmp_path)
    cues = (f"{n + 1}\n00:00:00,{n:03} --> 00:00:01,{n:03}\ncue {n}\n" for n in range(100))
    track = text_file(tmp_path, "film.en.srt", "\n".join(cues))
    assert run("attach", source, track, "-o", tmp_path / "out.mp4").code == ExitCode.DONE
    blocks = texts_in(tmp_path / "out.mp4", 2).strip().split("\n\n")
    assert len(blocks) == 199
    assert blocks[99].splitlines()[2:] == [f"cue {n}" for n in range(100)]


def test_more_text_at_once_than_mp4_holds_is_refused(run: CommandLine, tmp_path: Path) -> None:
    source = make_source("plain.mp4", tmp_path)
    track = text_file(tmp_path, "film.en.srt", "1\n00:00:00,000 --> 00:00:01,000\n" + "long words " * 7000)
    ran = run("attach", source, track, "-o", tmp_path / "out.mp4")
    assert ran.code == ExitCode.FAILED
    assert "Choose .mkv" in ran.err
    assert not (tmp_path / "out.mp4").exists()
    assert run("attach", source, track, "-o", tmp_path / "out.mkv").code == ExitCode.DONE


def test_several_tracks_have_their_own_names(run: CommandLine, tmp_path: Path) -> None:
    source = make_source("plain.mp4", tmp_path)
    tracks = [text_file(tmp_path, f"{n}.srt", CAPTIONS) for n in range(3)]
    chosen = ["--track-kind", "captions", "--title", "A", "--title", "B", "--title", "C"]
    languages = [part for tag in ("en", "fr", "und") for part in ("--track-language", tag)]
    ran = run("attach", source, *tracks, "-o", tmp_path / "out.mp4", *chosen, *languages)
    assert ran.code == ExitCode.DONE, ran.err
    found = streams_of(tmp_path / "out.mp4")[2:]
    assert [one["tags"]["handler_name"] for one in found] == ["A", "B", "C"]
    assert [one["tags"].get("language", "und") for one in found] == ["eng", "fra", "und"]
    assert all(one["disposition"]["captions"] and not one["disposition"]["default"] for one in found)
    assert ran.err.count("does not say its language") == 1
    ran = run("attach", source, *tracks, "-o", tmp_path / "no.mp4", "--title", "A", "--title", "B")
    assert ran.code == ExitCode.USAGE
    assert "once for each" in ran.err


@pytest.mark.parametrize(
    ("name", "text", "kind", "language", "title"),
    [
        ("film.en.vtt", "WEBVTT Kind: descriptions; Language: fr; Hand-made\n", "descriptions", "fr", "Hand-made"),
        ("film.vtt", "WEBVTT\nKind: captions\nLanguage: en-US\n", "captions", "en-US", "Captions"),
        ("film.captions.en.vtt", "WEBVTT - made by hand\n", "captions", "en", "Captions"),
        ("film.en.sdh.vtt", "WEBVTT\n", "sdh", "en", "SDH"),
        ("film.forced.pt_BR.vtt", "WEBVTT\n", "forced", "pt-BR", "Forced subtitles"),
        ("film.old.vtt", "WEBVTT\n", "subtitles", "und", "Subtitles"),
        ("my.cut.2.vtt", "WEBVTT\n", "subtitles", "und", "Subtitles"),
        ("eng.vtt", "WEBVTT\n", "subtitles", "und", "Subtitles"),
        ("film.eng.vtt", "WEBVTT\n", "subtitles", "eng", "Subtitles"),
    ],
)
def test_what_a_track_is_stands_in_its_header_or_its_name(
    name: str, text: str, kind: str, language: str, title: str, run: CommandLine, tmp_path: Path
) -> None:
    source = make_source("plain.mp4", tmp_path)
    track = text_file(tmp_path, name, f"{text}\n00:00.000 --> 00:01.000\nx\n")
    ran = run("attach", source, track, "-o", tmp_path / "out.mp4", "--dry-run", "--json")
    assert ran.code == ExitCode.DONE, ran.err
    [found] = ran.document["tracks"]
    assert (found["kind"], found["language"], found["title"]) == (kind, language, title)
    assert not (tmp_path / "out.mp4").exists()


def test_descriptions_are_never_labelled_captions(run: CommandLine, tmp_path: Path) -> None:
    source = make_source("plain.mp4", tmp_path)
    track = text_file(tmp_path, "film.captions.en.vtt", DESCRIPTIONS)
    ran = run("attach", source, track, "-o", tmp_path / "out.mp4", "--dry-run", "--json")
    assert ran.document["tracks"][0]["kind"] == "descriptions"
    for kind in ("captions", "sdh"):
        ran = run("attach", source, track, "-o", tmp_path / "out.mp4", "--track-kind", kind)
        assert ran.code == ExitCode.USAGE
        assert "describes what is seen" in ran.err
    data = text_file(tmp_path, "film.vtt", "WEBVTT Kind: metadata\n\n00:00.000 --> 00:01.000\n{}\n")
    assert run("attach", source, data, "-o", tmp_path / "out.mp4").code == ExitCode.USAGE


def test_marks_of_the_source_stay_as_they_are(run: CommandLine, tmp_path: Path) -> None:
    """A text that nothing enabled is not enabled by FFmpeg either, and an enabled one stays so."""
    plain = make_video(tmp_path / "plain.mp4", frames=25, subtitles=1, audio=2)
    track = text_file(tmp_path, "film.en.srt", CAPTIONS)
    for enabled in ([True, True, False, False], [True, False, True, True]):
        source = tmp_path / "source.mp4"
        shutil.copy(plain, source)
        set_enabled(source, enabled)
        ran = run("attach", source, track, "-o", tmp_path / "out.mp4", "--overwrite")
        assert ran.code == ExitCode.DONE, ran.err
        found = [bool(one["disposition"]["default"]) for one in streams_of(tmp_path / "out.mp4")]
        assert found == [*enabled, False]


def test_cover_pictures_and_fonts_are_kept_where_they_can_be(run: CommandLine, tmp_path: Path) -> None:
    source, track = make_source("hevc.mkv", tmp_path), text_file(tmp_path, "film.en.srt", CAPTIONS)
    ffmpeg, merge = checker("ffmpeg", "ffmpeg"), checker("mkvmerge", "mkvtoolnix")
    cover = tmp_path / "cover.png"
    subprocess.run(
        [ffmpeg, "-v", "error", "-f", "lavfi", "-i", "color=red:s=64x64", "-frames:v", "1", cover], check=True
    )
    font = text_file(tmp_path, "letters.ttf", "not really a font")
    attached = ["--attachment-mime-type", "image/png", "--attach-file", str(cover)]
    attached += ["--attachment-mime-type", "font/ttf", "--attach-file", str(font)]
    subprocess.run([merge, "-q", "-o", tmp_path / "in.mkv", *attached, source], check=True)
    ran = run("attach", tmp_path / "in.mkv", track, "-o", tmp_path / "out.mkv")
    assert ran.code == ExitCode.DONE, ran.err
    extract = checker("mkvextract", "mkvtoolnix")
    names = [f"1:{tmp_path / 'one'}", f"2:{tmp_path / 'two'}"]
    subprocess.run([extract, tmp_path / "out.mkv", "attachments", *names], capture_output=True, check=True)
    assert (tmp_path / "one").read_bytes() == cover.read_bytes()
    assert (tmp_path / "two").read_bytes() == font.read_bytes()
    ran = run("attach", tmp_path / "in.mkv", track, "-o", tmp_path / "out.mp4", "--json")
    assert ran.code == ExitCode.DONE, ran.err
    assert "letters.ttf) was left out: MP4 cannot hold attachments" in ran.err
    assert [one["name"] for one in ran.document["left_out"]] == ["letters.ttf"]
    [picture] = [one for one in streams_of(tmp_path / "out.mp4") if one["disposition"]["attached_pic"]]
    assert (picture["codec_name"], picture["width"]) == ("png", 64)


@pytest.mark.parametrize(
    ("name", "suffix", "words"),
    [
        ("plain.mp4", ".webm", "WebM cannot hold stream 0 (video, h264) of plain.mp4. Choose .mp4."),
        ("subtitled.mkv", ".mp4", "MP4 cannot hold stream 2 (subtitle, subrip) of subtitled.mkv. Choose .mkv."),
        ("subtitled.mp4", ".mkv", "Matroska cannot hold stream 2 (subtitle, mov_text) of subtitled.mp4. Choose .mp4."),
        ("hidden.mp4", ".mkv", "hides frames, which Matroska cannot. Choose .mp4 or .mov."),
        ("plain.ts", ".mp4", "ffmpeg -i plain.ts -c copy plain.mkv"),
        ("plain.avi", ".mkv", "plain.avi is avi"),
        ("vp9.mkv", ".mov", "QuickTime cannot hold the streams of vp9.mkv (Invalid argument). Choose .mkv."),
    ],
)
def test_what_a_container_cannot_hold_is_named(
    name: str, suffix: str, words: str, run: CommandLine, tmp_path: Path
) -> None:
    source = make_source(name, tmp_path)
    track = text_file(tmp_path, "film.en.srt", CAPTIONS)
    before = sorted(os.listdir(tmp_path))
    ran = run("attach", source, track, "-o", tmp_path / f"out{suffix}")
    assert ran.code == ExitCode.FAILED
    assert words in ran.err
    if " cannot hold stream " in words:
        assert words in run("attach", source, track, "-o", tmp_path / f"out{suffix}", "--dry-run").err
    assert sorted(os.listdir(tmp_path)) == before


def test_cues_after_the_end_are_attached_and_said(run: CommandLine, tmp_path: Path) -> None:
    source = make_source("plain.mp4", tmp_path)
    track = text_file(tmp_path, "film.en.srt", CAPTIONS + "\n3\n00:01:00,000 --> 00:01:01,000\nlate\n")
    ran = run("attach", source, track, "-o", tmp_path / "out.mp4")
    assert ran.code == ExitCode.DONE
    assert "film.en.srt: 1 cue begins after the end of plain.mp4 (2.000 s)." in ran.err
    assert "00:01:00,000 --> 00:01:01,000\nlate" in texts_in(tmp_path / "out.mp4", 2)
    assert packets_of(tmp_path / "out.mp4", "v") == packets_of(source, "v")


@pytest.mark.parametrize(
    ("name", "text", "words", "code"),
    [
        ("film.en.srt", "", "no cue", ExitCode.FAILED),
        ("film.en.vtt", "WEBVTT\n\n", "no cue", ExitCode.FAILED),
        ("film.en.srt", "some words, and no times", "Is it really a srt file?", ExitCode.FAILED),
        ("film.en.vtt", "some words", "does not begin with WEBVTT", ExitCode.FAILED),
        ("film.json", "{}", "files are no subtitles", ExitCode.USAGE),
        ("film.docx", "x", "no format has this suffix", ExitCode.USAGE),
    ],
)
def test_files_without_cues_are_refused(
    name: str, text: str, words: str, code: ExitCode, run: CommandLine, tmp_path: Path
) -> None:
    source = make_source("plain.mp4", tmp_path)
    ran = run("attach", source, text_file(tmp_path, name, text), "-o", tmp_path / "out.mp4")
    assert ran.code == code
    assert words in ran.err
    assert not (tmp_path / "out.mp4").exists()


@pytest.mark.parametrize("suffix", [".srt", ".vtt"])
def test_a_careless_file_loses_no_text(suffix: str, run: CommandLine, tmp_path: Path) -> None:
    """No empty lines between cues, no numbers, blanks in the text, a time inside it: it is read, and rewritten."""
    texts = {
        ".srt": "00:00:00,100 --> 00:00:00,400\none\n\n\n00:00:00,400 --> 00:00:00,900\n2\n\nhalf\n3\n"
        "00:00:01,000 --> 00:00:01,400\nthree\n",
        ".vtt": "WEBVTT\n\n00:00.100 --> 00:00.400\none\n00:00.400 --> 00:00.900\n2\nhalf\n\n"
        "00:01.000 --> 00:01.400\n<00:00:01.200>three\n",
    }
    source, track = make_source("hevc.mkv", tmp_path), text_file(tmp_path, f"film.en{suffix}", texts[suffix])
    ran = run("attach", source, track, "-o", tmp_path / "out.mkv")
    assert ran.code == ExitCode.DONE, ran.err
    back = extracted(tmp_path / "out.mkv", 2, tmp_path / f"back{suffix}").replace(",", ".")
    for times, text in (("00.100 --> 00:00:00.400", "one"), ("00.400 --> 00:00:00.900", "2\nhalf")):
        assert f"{times}\n{text}\n\n" in back
    assert "01.000 --> 00:00:01.400\nthree" in back


def test_cues_that_cannot_be_read_are_named(run: CommandLine, tmp_path: Path) -> None:
    source = make_source("hevc.mkv", tmp_path)
    track = text_file(tmp_path, "film.en.srt", CAPTIONS + "\n3\n00:00:02,000 --> 00:00:01,000\nbackwards\n")
    ran = run("attach", source, track, "-o", tmp_path / "out.mkv", "--json")
    assert ran.code == ExitCode.DONE
    assert "does not end after it begins: backwards" in ran.err
    assert ran.document["tracks"][0]["cues"] == 2
    assert "backwards" not in extracted(tmp_path / "out.mkv", 2, tmp_path / "back.srt")


def test_a_text_in_another_encoding(run: CommandLine, tmp_path: Path) -> None:
    source = make_source("hevc.mkv", tmp_path)
    track = tmp_path / "film.ru.srt"
    track.write_bytes("1\n00:00:00,100 --> 00:00:00,900\nПривет\n".encode("cp1251"))
    assert run("attach", source, track, "-o", tmp_path / "out.mkv", "--encoding", "cp1251").code == ExitCode.DONE
    assert "Привет" in extracted(tmp_path / "out.mkv", 2, tmp_path / "back.srt")


@pytest.mark.parametrize("kind", ["truncated.mkv", "truncated.mp4", "damaged.mkv", "damaged.mp4"])
def test_a_damaged_video_never_ends_with_0(kind: str, run: CommandLine, tmp_path: Path) -> None:
    video = make_video(
        tmp_path / kind, frames=75, container_options={"movflags": "+faststart"} if kind.endswith("mp4") else {}
    )
    if kind.startswith("truncated"):
        truncate(video, 0.7)
    else:
        content = bytearray(video.read_bytes())
        middle = len(content) // 2
        content[middle : middle + 900] = b"\xaa" * 900
        video.write_bytes(content)
    track = text_file(tmp_path, "film.en.srt", CAPTIONS)
    ran = run("attach", video, track, "-o", tmp_path / f"out{video.suffix}", "--json")
    assert ran.code == ExitCode.PARTIAL, ran.err
    assert ran.document["missing"]
    assert hashes_of(tmp_path / f"out{video.suffix}") == hashes_of(video)


def test_names_are_never_written_over_unasked(run: CommandLine, tmp_path: Path) -> None:
    source, track = make_source("plain.mp4", tmp_path), text_file(tmp_path, "film.en.srt", CAPTIONS)
    before, other = source.read_bytes(), text_file(tmp_path, "out.mp4", "mine")
    assert run("attach", source, track, "-o", other).code == ExitCode.USAGE
    assert other.read_text() == "mine"
    ran = run("attach", source, track, "-o", source, "--overwrite")
    assert ran.code == ExitCode.USAGE
    assert "source itself" in ran.err
    assert source.read_bytes() == before
    assert run("attach", source, track, "-o", other, "--overwrite").code == ExitCode.DONE
    assert len(streams_of(other)) == 3
    assert run("attach", source, track, "-o", tmp_path / "out.avi").code == ExitCode.USAGE
    assert run("attach", source, track, "-o", tmp_path / "none" / "out.mp4").code == ExitCode.USAGE
    assert sorted(os.listdir(tmp_path)) == ["film.en.srt", "out.mp4", "plain.mp4"]


def test_odd_names_are_names_and_nothing_else(
    run: CommandLine, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    make_source("plain.mp4", tmp_path).rename(tmp_path / "-in 'put'.mp4")
    text_file(tmp_path, "http:x.en.srt", CAPTIONS)
    monkeypatch.chdir(tmp_path)
    assert run("attach", "-o", "concat:a|%03d.mp4", "--", "-in 'put'.mp4", "http:x.en.srt").code == ExitCode.DONE
    assert sorted(os.listdir(tmp_path)) == ["-in 'put'.mp4", "concat:a|%03d.mp4", "http:x.en.srt"]


@pytest.mark.parametrize("suffix", [".mp4", ".mkv"])
def test_a_full_disk_leaves_nothing_behind(suffix: str, run: CommandLine, tmp_path: Path) -> None:
    import resource

    source = make_video(tmp_path / f"film{suffix}", frames=75)
    track = text_file(tmp_path, "film.en.srt", CAPTIONS)
    limits = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (4096, limits[1]))
    try:
        ran = run("attach", source, track, "-o", tmp_path / f"out{suffix}")
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, limits)
    assert ran.code == ExitCode.FAILED
    assert "could not be written" in ran.err
    assert sorted(os.listdir(tmp_path)) == sorted(["film.en.srt", source.name])


def test_what_reads_back_otherwise_gets_no_name(
    run: CommandLine, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A byte of the picture that changes after writing."""
    from marlin_edit_ffmpeg.attach import copying

    source, track = make_source("plain.mp4", tmp_path), text_file(tmp_path, "film.en.srt", CAPTIONS)

    def and_spoil(path: Path, enabled: Sequence[bool]) -> None:
        set_enabled(path, enabled)
        content = bytearray(path.read_bytes())
        content[-3000] ^= 1
        path.write_bytes(content)

    monkeypatch.setattr(copying, "set_enabled", and_spoil)
    ran = run("attach", source, track, "-o", tmp_path / "out.mp4")
    assert ran.code == ExitCode.FAILED
    assert "failed the check" in ran.err
    assert sorted(os.listdir(tmp_path)) == ["film.en.srt", "plain.mp4"]


def test_ctrl_c_leaves_nothing(tmp_path: Path) -> None:
    source = make_video(tmp_path / "film.mp4", frames=1500, size=(1280, 720), gop=250)
    track = text_file(tmp_path, "film.en.srt", CAPTIONS)
    command = [sys.executable, "-m", "marlin_edit", "attach", str(source), str(track), "--burn"]
    environment = dict(os.environ, PYTHONPATH=os.pathsep.join(sys.path))
    checker("ffmpeg", "ffmpeg")
    with subprocess.Popen(
        [*command, "-o", str(tmp_path / "out.mp4")], stderr=subprocess.PIPE, text=True, env=environment
    ) as running:
        until = time.monotonic() + 60
        while (
            time.monotonic() < until
            and running.poll() is None
            and not any(
                name.startswith(".marlin") and (tmp_path / name).stat().st_size for name in os.listdir(tmp_path)
            )
        ):
            time.sleep(0.01)
        assert running.poll() is None
        running.send_signal(signal.SIGINT)
        assert running.wait(60) == 128 + signal.SIGINT
        assert running.stderr is not None
        assert "Traceback" not in running.stderr.read()
    assert sorted(os.listdir(tmp_path)) == ["film.en.srt", "film.mp4"]


PAGE = """<!doctype html><meta charset="utf-8"><video src="out{suffix}" preload="auto" muted>
<track default kind="descriptions" srclang="en-GB" label="Descriptions" src="film.vtt"></video>"""


@pytest.mark.parametrize("suffix", [".mp4", ".webm"])
def test_chromium_opens_the_copy_and_shows_the_file_beside_it(
    suffix: str, run: CommandLine, chromium: Any, tmp_path: Path
) -> None:
    """Chromium shows no text tracks from inside a file; what it shows is the file beside it."""
    source = make_source(f"vp9{suffix}" if suffix == ".webm" else "plain.mp4", tmp_path)
    track = text_file(tmp_path, "film.vtt", DESCRIPTIONS)
    assert run("attach", source, track, "-o", tmp_path / f"out{suffix}").code == ExitCode.DONE
    text_file(tmp_path, "page.html", PAGE.format(suffix=suffix))
    handler = partial(SilentFiles, directory=str(tmp_path))
    with ThreadingHTTPServer(("127.0.0.1", 0), handler) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        page = chromium.new_page()
        page.goto(f"http://127.0.0.1:{server.server_port}/page.html")
        page.wait_for_function("document.querySelector('video').readyState >= 2")
        page.evaluate("document.querySelector('video').textTracks[0].mode = 'showing'")
        page.wait_for_function("(document.querySelector('video').textTracks[0].cues || []).length")
        found = page.evaluate(
            "(() => { const video = document.querySelector('video'), track = video.textTracks[0];"
            " return [video.textTracks.length, video.videoWidth, track.kind, track.language, track.label,"
            " [...track.cues].map((cue) => [cue.id, cue.startTime, cue.endTime, cue.getCueAsHTML().textContent])] })()"
        )
        page.close()
        server.shutdown()
    assert found[:5] == [1, 320, "descriptions", "en-GB", "Descriptions"]
    assert found[5] == [
        ["first", 0.2, 0.8, "A person opens a door & waits.\n{a} 1 < 2"],
        ["", 0.8, 1, "שלום 你好"],
        ["third one", 1.1, 1.5, "<b>"],
    ]


class SilentFiles(SimpleHTTPRequestHandler):
    def log_message(self, format: str, *arguments: Any) -> None:
        pass


def test_sound_alone_can_have_a_track(run: CommandLine, tmp_path: Path) -> None:
    make_audio(tmp_path / "talk.m4a").rename(tmp_path / "talk.mp4")
    track = text_file(tmp_path, "talk.en.vtt", DESCRIPTIONS)
    assert run("attach", tmp_path / "talk.mp4", track, "-o", tmp_path / "out.mp4").code == ExitCode.DONE
    assert hashes_of(tmp_path / "out.mp4") == hashes_of(tmp_path / "talk.mp4")


@pytest.mark.parametrize("name", ["delayed.mp4", "timecode.mov", "hevc.mkv"])
def test_burning_draws_into_the_picture_and_copies_the_sound(name: str, run: CommandLine, tmp_path: Path) -> None:
    source, track = make_source(name, tmp_path), text_file(tmp_path, "film.en.srt", CAPTIONS)
    checker("ffmpeg", "ffmpeg")
    target = tmp_path / f"out{source.suffix}"
    ran = run("attach", source, track, "--burn", "-o", target, "--json")
    assert ran.code == ExitCode.DONE, ran.err
    assert ran.document["burned"] is True
    assert "encoded again" in ran.err
    assert [one["data_hash"] for one in packets_of(target, "a")] == [
        one["data_hash"] for one in packets_of(source, "a")
    ]
    assert not [one for one in streams_of(target) if one["codec_type"] == "subtitle"]
    assert len(frame_indices(target)) == len(frame_indices(source)) == 50
    for second, drawn in ((Fraction(1, 20), False), (Fraction(7, 10), True), (Fraction(15, 10), False)):
        before, after = picture_at(source, second), picture_at(target, second)
        if name == "delayed.mp4":  # turned for display, as the letters are
            before = np.rot90(before, -1)
        assert ((np.abs(after - before) > 50).sum() > 20) == drawn


def picture_at(path: Path, second: Fraction) -> npt.NDArray[np.int16]:
    """The luma of the picture at a time."""
    with av.open(str(path)) as container:
        for frame in container.decode(video=0):
            if frame.pts is not None and frame.time_base is not None and frame.pts * frame.time_base >= second:
                return frame.to_ndarray(format="gray").astype(np.int16)
    raise AssertionError("there is no such frame")


def test_without_libass_burning_says_what_to_do(
    run: CommandLine, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    source, track = make_source("plain.mp4", tmp_path), text_file(tmp_path, "it's.en.srt", CAPTIONS)
    monkeypatch.setenv("PATH", str(tmp_path))
    ran = run("attach", source, track, "--burn", "-o", tmp_path / "out.mp4")
    assert ran.code == ExitCode.FAILED
    assert "--burn needs an ffmpeg with libass, and there is none here" in ran.err
    assert "marlin-edit export" in ran.err
    assert "-vf 'ass=" in ran.err
    assert not (tmp_path / "out.mp4").exists()
    assert run("attach", source, track, track, "--burn", "-o", tmp_path / "out.mp4").code == ExitCode.USAGE


CUES = st.lists(
    st.builds(
        lambda start, length, text: Piece(start, start + length, (TextRun(text),)),
        st.integers(0, 60),
        st.integers(1, 30),
        st.text("ab\nü你", min_size=1, max_size=4),
    ),
    max_size=12,
)


@given(CUES)
def test_pieces_show_at_every_moment_what_the_cues_show(cues: list[Piece]) -> None:
    pieces = pieces_of(cues)
    for one, other in pairwise(pieces):
        assert one.start < one.end <= other.start
    for moment in range(100):
        shown = sorted((cue for cue in cues if cue.start <= moment < cue.end), key=lambda cue: (cue.start, cue.end))
        [*found] = [piece.text for piece in pieces if piece.start <= moment < piece.end]
        assert found == (["\n".join(cue.text for cue in shown)] if shown else [])


def box(kind: bytes, content: bytes, *, large: bool = False) -> bytes:
    if large:
        return b"\0\0\0\1" + kind + (16 + len(content)).to_bytes(8, "big") + content
    return (8 + len(content)).to_bytes(4, "big") + kind + content


@st.composite
def movies(draw: st.DrawFn) -> tuple[bytes, list[bool]]:
    """A file of boxes with some tracks, and whether each is enabled."""
    enabled = draw(st.lists(st.booleans(), max_size=5))
    tracks = b""
    for one in enabled:
        flags = draw(st.integers(0, (1 << 24) - 1).map(lambda flags: flags & ~1)) | one
        header = box(
            b"tkhd", bytes([draw(st.integers(0, 1))]) + flags.to_bytes(3, "big") + draw(st.binary(max_size=90))
        )
        more = [box(b"edts", draw(st.binary(max_size=9))), box(b"tkhx", b"\0" * 8), header]
        tracks += box(b"trak", b"".join(draw(st.permutations(more))), large=draw(st.booleans()))
    movie = box(b"moov", box(b"mvhd", draw(st.binary(max_size=20))) + tracks, large=draw(st.booleans()))
    data = box(b"mdat", draw(st.binary(max_size=50)), large=draw(st.booleans()))
    return b"".join(draw(st.permutations([box(b"ftyp", b"isom"), movie, data, box(b"free", b"")]))), enabled


@given(movies(), st.data())
def test_only_the_flag_of_each_track_changes(made: tuple[bytes, list[bool]], data: st.DataObject) -> None:
    content, before = made
    wanted = data.draw(st.lists(st.booleans(), min_size=len(before), max_size=len(before)))
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "film.mp4"
        path.write_bytes(content)
        set_enabled(path, wanted)
        after = path.read_bytes()
        changed = [place for place, (one, other) in enumerate(zip(content, after, strict=True)) if one != other]
        assert len(changed) == sum(one != other for one, other in zip(before, wanted, strict=True))
        assert all(content[place] ^ after[place] == 1 for place in changed)
        set_enabled(path, before)
        assert path.read_bytes() == content
        with pytest.raises(MarlinEditError, match="tracks instead of"):
            set_enabled(path, [*wanted, True])


@given(st.binary(max_size=60))
def test_no_bytes_keep_the_box_walker_busy(content: bytes) -> None:
    try:
        boxes = list(boxes_in(BytesIO(content), 0, len(content)))
    except MarlinEditError:
        return
    assert not boxes or boxes[-1].end == len(content)


@pytest.fixture(scope="module")
def padded(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A Matroska file with a track of text whose language leaves room."""
    path = tmp_path_factory.mktemp("padded") / "film.mkv"
    with av.open(str(path), "w") as container:
        text = container.add_mux_stream("subrip", time_base=Fraction(1, 1000))
        text.metadata["language"] = "x" * 700
        packet: Any = av.Packet(b"a text")
        packet.stream, packet.time_base, packet.pts, packet.dts, packet.duration = text, Fraction(1, 1000), 0, 0, 900
        container.mux(packet)
    return path


@given(
    st.sampled_from(["eng", "und", "chi"]),
    st.sampled_from(["", "en", "zh-Hans-CN", "x-" + "y" * 60]),
    st.sampled_from(["S_TEXT/WEBVTT", ""]),
    st.binary(max_size=500),
)
def test_an_entry_of_matroska_is_rewritten_in_place(
    padded: Path, language: str, tag: str, codec: str, private: bytes
) -> None:
    before = padded.read_bytes()
    try:
        set_entries(padded, {0: Entry(language, tag, codec, private)})
        assert padded.stat().st_size == len(before)
        wanted = Entry(language, tag, codec, private) if codec else Entry(language, tag, "S_TEXT/UTF8")
        assert entries_of(padded) == [wanted]
        with av.open(str(padded)) as opened:
            assert [bytes(packet) for packet in opened.demux() if packet.size] == [b"a text"]
    finally:
        padded.write_bytes(before)


@pytest.mark.parametrize(
    ("tag", "own", "english"),
    [
        ("en", "eng", "eng"),
        ("de-AT", "deu", "ger"),
        ("ger", "deu", "ger"),
        ("zh-Hans", "zho", "chi"),
        ("yue", "yue", "yue"),
        ("i-klingon", "und", "und"),
        ("FR", "fra", "fre"),
    ],
)
def test_languages_have_three_letters(tag: str, own: str, english: str) -> None:
    assert (codes_of(tag).own, codes_of(tag).english) == (own, english)
