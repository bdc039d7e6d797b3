"""Files as phones, cameras, broadcasters, screen recorders and the web make them, cut in each mode.

FFmpeg's own program makes them, in the settings of those devices; the frames of a clip are compared with the source's
frames, transparency included, by decoders that marlin-edit does not choose.
"""

from __future__ import annotations

import json
import os
import subprocess
from collections.abc import Iterator
from dataclasses import dataclass
from fractions import Fraction
from pathlib import Path
from typing import Any

import av
import numpy as np
import pytest
from PIL import Image, ImageSequence

from tests.support.command_line import run_command
from tests.support.programs import checker

X264 = "libx264 -preset veryfast -g 50 -bf 2"
X265 = "libx265 -preset ultrafast -x265-params log-level=error:keyint=30"
ALPHA = "format=rgba,geq=r='r(X,Y)':g='g(X,Y)':b='b(X,Y)':a='mod(X+8*N,256)'"
GAPS = "select=not(eq(mod(n*7919+13\\,53)\\,0))"
_SAYS_NOTHING = (0, 2)  # AVCOL_SPC_RGB and AVCOL_SPC_UNSPECIFIED
BEGIN, END = Fraction("1.37"), Fraction("2.6")


@dataclass(frozen=True)
class Kind:
    """How FFmpeg makes a file (`video` its codec and options), and the suffix of its clips.

    reencoded: the pixel format and codec of what is encoded, where that is another than the source's.
    """

    name: str
    video: str
    clip: str = ""
    size: str = "160x90"
    rate: str = "25"
    pixels: str = ""
    filters: str = ""
    audio: str = "aac"
    channels: int = 2
    sounds: int = 1
    more: str = ""
    reencoded: tuple[str, str] | None = None
    seconds: int = 3

    @property
    def suffix(self) -> str:
        """The suffix of its clips: by default its own."""
        return self.clip or os.path.splitext(self.name)[1]


KINDS = [
    # Phones
    Kind("iphone.mov", f"{X265} -tag:v hvc1", rate="30000/1001", more="-metadata:s:v rotate=90"),
    Kind(
        "iphone_hlg.mov",
        f"{X265} -tag:v hvc1 -color_primaries bt2020 -color_trc arib-std-b67 -colorspace bt2020nc",
        rate="60000/1001",
        pixels="yuv420p10le",
    ),
    Kind("android.mp4", X264, rate="30", pixels="yuv420p", filters=GAPS, more="-fps_mode vfr"),
    Kind("old_phone.3gp", "mpeg4", ".mp4", size="176x144"),
    # Cameras
    Kind("prores.mov", "prores_ks -profile:v 3", pixels="yuv422p10le", audio="pcm_s24le", more="-timecode 01:00:00:00"),
    Kind(
        "prores_alpha.mov",
        "prores_ks -profile:v 4444 -alpha_bits 16",
        pixels="yuva444p10le",
        filters=ALPHA,
        audio="pcm_s24le",
    ),
    Kind("prores_4444.mov", "prores_ks -profile:v 4444 -alpha_bits 0", pixels="yuv444p10le", audio="pcm_s24le"),
    Kind("dnxhr.mov", "dnxhd -profile:v dnxhr_hqx", size="256x120", pixels="yuv422p10le", audio="pcm_s16le"),
    Kind("dnxhd.mxf", "dnxhd -b:v 120M", ".mov", size="1920x1080", pixels="yuv422p", audio="pcm_s16le"),
    Kind(
        "xdcam.mxf",
        "mpeg2video -b:v 50M -g 12 -bf 2 -flags +ildct+ilme -top 1 -dc 10",
        ".mov",
        size="1920x1080",
        pixels="yuv422p",
        audio="pcm_s24le",
        channels=1,
        sounds=4,
        more="-timecode 10:00:00:00",
    ),
    Kind(
        "xavc_intra.mxf",
        "libx264 -preset ultrafast -g 1 -profile:v high422",
        ".mov",
        size="1280x720",
        pixels="yuv422p10le",
        audio="pcm_s24le",
        channels=1,
        sounds=2,
    ),
    Kind("avchd.mts", f"{X264} -flags +ildct+ilme -x264-params tff=1", ".ts", size="320x180", pixels="yuv420p",
         audio="ac3", more="-f mpegts -mpegts_m2ts_mode 1"),
    Kind("dv.avi", "dvvideo", ".mov", size="720x576", pixels="yuv420p", audio="pcm_s16le"),
    Kind("dv.mxf", "dvvideo", ".mov", size="720x576", pixels="yuv420p", audio="pcm_s16le"),
    Kind("dv.dv", "dvvideo", ".mov", size="720x576", pixels="yuv420p", audio="pcm_s16le"),
    Kind("hdv.m2t", "mpeg2video -b:v 15M -g 12 -bf 2 -aspect 16:9", ".ts", size="1440x1080", audio="mp2",
         more="-f mpegts"),
    Kind("mjpeg.avi", "mjpeg -q:v 3", ".mov", pixels="yuvj422p", audio="pcm_s16le"),
    Kind("cineform.mov", "cfhd", size="320x180", pixels="yuv422p10le", audio="pcm_s16le"),
    Kind("gopro.mp4", X265, rate="60000/1001", more="-timecode 12:00:00:00"),
    Kind("raw.mov", "v210", pixels="yuv422p10le", audio="pcm_s24le"),
    Kind("cinema.mxf", "jpeg2000", ".mov", pixels="yuv422p10le", audio="pcm_s24le"),
    # Broadcast and discs
    Kind("broadcast.ts", "libx264 -preset veryfast -g 25 -bf 3 -x264-params open-gop=1", audio="mp2"),
    Kind("program.mpg", "mpeg2video -b:v 4M -g 15 -bf 2", ".ts", size="720x576", audio="mp2"),
    Kind("dvd.vob", "mpeg2video -b:v 4M -g 15 -bf 2", ".ts", size="720x576", audio="ac3", more="-f vob"),
    Kind(
        "imx.mxf",
        "mpeg2video -intra_vlc 1 -g 1 -b:v 50M -minrate 50M -maxrate 50M -bufsize 2M -qmin 1 -qmax 12",
        ".mov",
        size="720x608",
        pixels="yuv422p",
        audio="pcm_s16le",
    ),
    # Screens
    Kind("obs.mkv", X264, rate="60", pixels="yuv420p", sounds=2),
    Kind("obs_fragmented.mp4", X264, rate="30", pixels="yuv420p", more="-movflags +frag_keyframe+empty_moov"),
    Kind("stream.flv", X264, ".mp4", rate="30", pixels="yuv420p"),
    Kind("screen.webm", "libvpx-vp9 -deadline realtime -cpu-used 8 -g 60", rate="30", filters=GAPS, audio="libopus",
         more="-fps_mode vfr"),
    Kind("animation.mov", "qtrle", pixels="argb", filters=ALPHA, audio="pcm_s16le"),
    Kind("png.mov", "png", pixels="rgba", filters=ALPHA, audio="pcm_s16le"),
    Kind("lossless.mkv", "libx264 -preset ultrafast -qp 0 -g 50", pixels="yuv444p", audio="flac"),
    # Archives
    Kind("ffv1.mkv", "ffv1 -level 3", pixels="yuv422p10le", audio="flac"),
    Kind("ffv1_alpha.mkv", "ffv1 -level 3", pixels="bgra", filters=ALPHA, audio="flac"),
    Kind("utvideo.avi", "utvideo", pixels="yuv422p", audio="pcm_s16le"),
    Kind("deep.mov", "png", pixels="rgb48be", audio=""),
    # The web
    Kind("av1.mp4", "libsvtav1 -preset 8 -g 50", audio="libopus", pixels="yuv420p"),
    Kind("vp8.webm", "libvpx -deadline realtime -cpu-used 8 -g 50", audio="libvorbis"),
    Kind("alpha.webm", "libvpx-vp9 -deadline realtime -cpu-used 8 -auto-alt-ref 0", pixels="yuva420p", filters=ALPHA,
         audio="libopus"),
    Kind("vp8_alpha.webm", "libvpx -deadline realtime -auto-alt-ref 0 -b:v 2M", pixels="yuva420p", filters=ALPHA,
         audio="libvorbis"),
    Kind("movie.wmv", "wmv2 -g 50 -b:v 2M", ".mp4", audio="wmav2", reencoded=("h264", "yuv420p")),
    Kind("movie.asf", "msmpeg4v3 -vtag MP43 -g 50", ".mp4", audio="libmp3lame", reencoded=("h264", "yuv420p")),
    Kind("theora.ogv", "libtheora -q:v 8 -g 50", ".mp4", audio="libvorbis", reencoded=("h264", "yuv420p")),
    Kind("xvid.avi", "mpeg4 -vtag XVID -bf 2 -g 50", ".mp4", audio="libmp3lame"),
    Kind("old.mpg", "mpeg1video -b:v 4M -g 15 -bf 2", ".ts", size="352x288", audio="mp2"),
    Kind("raw.avi", "rawvideo", pixels="yuv420p", audio="pcm_s16le"),
    Kind("old.flv", "flv -g 50", ".mp4", audio="libmp3lame", more="-ar 44100", reencoded=("h264", "yuv420p")),
    Kind("screen.flv", "flashsv", ".mp4", audio="", reencoded=("h264", "yuv444p")),
    Kind("deep.webm", "libvpx-vp9 -deadline realtime -cpu-used 8 -g 50 -profile:v 2", pixels="yuv420p10le",
         audio="libopus", reencoded=("av1", "yuv420p10le")),
    Kind("one_keyframe.mp4", "libx264 -preset veryfast -g 9999 -bf 3 -sc_threshold 0", pixels="yuv420p"),
    Kind("hevc422.mp4", "libx265 -preset ultrafast -x265-params log-level=error:keyint=50", pixels="yuv422p10le"),
    Kind("hi10.mkv", X264, pixels="yuv420p10le"),
    Kind("surround.mkv", X264, pixels="yuv420p", audio="ac3", channels=6),
    Kind("picture.gif", "gif", ".mov", rate="10", audio="", reencoded=("png", "rgba")),
    Kind("picture.webp", "libwebp_anim -lossless 1", ".mov", rate="10", audio="", pixels="bgra", filters=ALPHA,
         reencoded=("png", "rgba")),
    Kind("picture.apng", "apng", ".mov", rate="10", audio="", pixels="rgba", filters=ALPHA, more="-f apng -plays 0",
         reencoded=("png", "rgba")),
]  # fmt: skip


def made(kind: Kind, folder: Path) -> Path:
    """The file, as FFmpeg's program writes it."""
    ffmpeg = checker("ffmpeg", "ffmpeg")
    inputs = ["-f", "lavfi", "-i", f"testsrc2=s={kind.size}:r={kind.rate}:d={kind.seconds}"]
    sounds = kind.sounds if kind.audio else 0
    for number in range(sounds):
        inputs += ["-f", "lavfi", "-i", f"sine={440 + 200 * number}:r=48000:d={kind.seconds}"]
    streams = [word for number in range(sounds + 1) for word in ("-map", str(number))]
    options = ["-vf", kind.filters] if kind.filters else []
    options += ["-pix_fmt", kind.pixels] if kind.pixels else []
    options += ["-c:v", *kind.video.split()]
    options += ["-c:a", kind.audio, "-ac", str(kind.channels)] if sounds else []
    path = folder / kind.name
    command = [ffmpeg, "-v", "error", *inputs, *streams, *options, *kind.more.split(), str(path)]
    subprocess.run(command, check=True, timeout=120)
    return path


def _decoded(path: Path) -> Iterator[Any]:
    with av.open(path) as container:
        video = container.streams.video[0]
        if any(name.lower() == "alpha_mode" for name in video.metadata):
            decoder: Any = av.CodecContext.create({"vp8": "libvpx", "vp9": "libvpx-vp9"}[video.codec_context.name], "r")
            for packet in container.demux(video):
                yield from decoder.decode(packet if packet.size else None)
        else:
            yield from container.decode(video)


def pixels_of(path: Path) -> list[Any]:
    """Every frame with its transparency, as 8 bits a channel."""
    if path.suffix == ".webp":
        with Image.open(path) as picture:
            return [np.asarray(frame.convert("RGBA"), np.int16) for frame in ImageSequence.Iterator(picture)]
    return [frame.to_ndarray(format="rgba").astype(np.int16) for frame in _decoded(path)]


@dataclass(frozen=True)
class Facts:
    """What a clip must have as the source has it."""

    codec: str
    pixel_format: str
    colour: tuple[int, ...]
    sounds: list[int]
    fields: bool
    timecode: str | None


def facts_of(path: Path) -> Facts:
    """By FFmpeg's own reading of the file."""
    if path.suffix == ".webp":
        return Facts("webp", "rgba", (), [], False, None)
    with av.open(path) as container:
        video = container.streams.video[0]
        context = video.codec_context
        first = next(_decoded(path))
        colour = (context.color_primaries, context.color_trc, context.colorspace)
        timecode = container.metadata.get("timecode") or video.metadata.get("timecode")
        sounds = [stream.codec_context.layout.nb_channels for stream in container.streams.audio]
        return Facts(
            context.codec.canonical_name, first.format.name, colour, sounds, bool(first.interlaced_frame), timecode
        )


@pytest.mark.parametrize("kind", KINDS, ids=lambda kind: kind.name)
def test_it_is_cut_exactly_and_nothing_of_it_is_lost(
    kind: Kind, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(tmp_path)
    video = made(kind, tmp_path)
    source, facts = pixels_of(video), facts_of(video)
    for mode in ("smart", "exact", "copy"):
        ran = run_command(
            capfd, "cut", kind.name, "--span", f"{float(BEGIN)}-{float(END)}", "--out-dir", mode, "--mode", mode,
            "--json",
        )  # fmt: skip
        assert ran.code == 0, ran.err
        (item,) = json.loads(ran.out)["items"]
        asked, delivered = item["asked"], item["delivered"]
        clip = Path(item["file"])
        copied = mode == "copy" and item["mode"]["used"] == "copy"
        assert clip.suffix == kind.suffix or (copied and kind.reencoded)
        if copied:
            assert delivered["first_frame"] <= asked["first_frame"]
            assert delivered["stop_frame"] >= asked["stop_frame"]
        else:
            assert (delivered["first_frame"], delivered["stop_frame"]) == (asked["first_frame"], asked["stop_frame"])
        shown = pixels_of(clip)
        assert len(shown) == delivered["frames"]
        for number, frame in enumerate(shown, delivered["first_frame"]):
            away = np.abs(frame - source[number]).mean()
            assert away < 3.5, (mode, number)
            near = [source[other] for other in (number - 1, number + 1) if 0 <= other < len(source)]
            assert all(np.abs(frame - other).mean() >= away for other in near), (mode, number)
        found = facts_of(clip)
        if kind.reencoded and not copied:
            assert (found.codec, found.pixel_format) == kind.reencoded
        else:
            assert (found.codec, found.pixel_format) == (facts.codec, facts.pixel_format), mode
            # VP8 has a matrix by its own definition where the source says nothing; RGB needs none.
            assert all(
                ours == theirs or theirs in _SAYS_NOTHING
                for ours, theirs in zip(found.colour, facts.colour, strict=True)
            )
            assert found.fields == facts.fields
        assert found.sounds == facts.sounds
        if clip.suffix not in (".ts", ".avi") and facts.timecode is not None:
            assert found.timecode == item["start_timecode"] != facts.timecode


def test_avi_that_does_not_say_when_its_frames_are_shown_is_not_cut_wrongly(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(tmp_path)
    made(Kind("film.avi", X264, pixels="yuv420p", audio=""), tmp_path)
    line = ("cut", "--span", "1.37-2.6", "--out-dir", "clips", "--mode", "exact")
    ran = run_command(capfd, *line, "film.avi")
    assert ran.code == 1
    assert "Rewrite it first, by a program that finds their order: mkvmerge -o 'film.mkv' 'film.avi'" in ran.err
    assert not list(tmp_path.glob("clips/*"))
    subprocess.run([checker("mkvmerge", "mkvtoolnix"), "-q", "-o", "film.mkv", "film.avi"], check=True)
    source = pixels_of(made(Kind("same.mp4", X264, pixels="yuv420p", audio=""), tmp_path))
    ran = run_command(capfd, *line, "film.mkv", "--json")
    assert ran.code == 0, ran.err
    shown = pixels_of(tmp_path / "clips" / "film_001.mkv")
    for number, frame in enumerate(shown, json.loads(ran.out)["items"][0]["asked"]["first_frame"]):
        others = [np.abs(frame - source[other]).mean() for other in (number - 1, number, number + 1)]
        assert min(others) == others[1], number


def test_a_container_that_is_asked_for(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(tmp_path)
    made(KINDS[4], tmp_path)  # ProRes
    line = ("cut", "prores.mov", "--span", "1-2", "--json")
    ran = run_command(capfd, *line, "--out-dir", "mkv", "--container", "mkv")
    assert json.loads(ran.out)["items"][0]["frames_copied"] == 25, ran.err
    assert facts_of(tmp_path / "mkv" / "prores_001.mkv").pixel_format == "yuv422p10le"
    ran = run_command(capfd, *line, "--out-dir", "mp4", "--container", "mp4")
    (item,) = json.loads(ran.out)["items"]
    assert (item["encoder"], item["mode"]["reason"]) == ("libx264", "MP4 cannot hold prores")
    ran = run_command(capfd, *line, "--out-dir", "copy", "--container", "mp4", "--mode", "copy")
    assert ran.code == 1
    assert "MP4 cannot hold the prores of prores.mov. Choose another --container" in ran.err
    assert not (tmp_path / "copy").exists()


def test_sound_that_a_container_cannot_hold_is_encoded_and_said(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(tmp_path)
    made(next(kind for kind in KINDS if kind.name == "movie.wmv"), tmp_path)
    ran = run_command(capfd, "cut", "movie.wmv", "--span", "1-2", "--out-dir", "clips")
    assert ran.code == 0
    assert "stream 1 (audio) encoded with aac: MP4 cannot hold wmav2" in ran.err


def test_transparency_is_refused_where_nothing_holds_it(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(tmp_path)
    made(next(kind for kind in KINDS if kind.name == "animation.mov"), tmp_path)
    line = ("cut", "animation.mov", "--span", "1-2", "--out-dir", "clips", "--mode", "exact", "--container")
    ran = run_command(capfd, *line, "ts")
    assert ran.code == 1
    assert "MPEG-TS holds no picture that can be encoded here with all of its transparency" in ran.err
    assert not list(tmp_path.glob("clips/*"))
    ran = run_command(capfd, *line, "mkv")
    assert ran.code == 0, ran.err
    assert "encoded as ffv1, which keeps the transparency of animation.mov" in ran.err


def test_a_copy_tells_how_much_more_it_has(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(tmp_path)
    made(next(kind for kind in KINDS if kind.name == "one_keyframe.mp4"), tmp_path)
    ran = run_command(capfd, "cut", "one_keyframe.mp4", "--span", "1.4-2.6", "--out-dir", "clips", "--mode", "copy")
    assert ran.code == 0
    assert "begins 35 frames (1.4 s) early and ends" in ran.err
    assert "late, because packets were copied" in ran.err
