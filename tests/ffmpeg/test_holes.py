"""Frames that cannot be read inside a clip are said, and the run is only partly done."""

from __future__ import annotations

from pathlib import Path

import av
import pytest

from tests.support.command_line import run_command
from tests.support.synthetic_video import make_video


@pytest.fixture(params=["vp9", "hevc"])
def holed(request: pytest.FixtureRequest, tmp_path: Path) -> Path:
    """A film whose frames 30 and 31 are nothing but zeros."""
    encoder = {"vp9": "libvpx-vp9", "hevc": "libx265"}[request.param]
    options = {"x265-params": "log-level=none:bframes=0"} if request.param == "hevc" else {}
    whole, path = tmp_path / "whole.mkv", tmp_path / "film.mkv"
    make_video(whole, frames=75, rate="25", codec=encoder, audio=0, options=options)
    with av.open(whole) as source, av.open(path, "w") as target:
        given = source.streams.video[0]
        written = target.add_stream_from_template(given)
        for packet in source.demux(given):
            if packet.pts is None:
                continue
            content = bytes(packet) if round(packet.pts * packet.time_base * 25) not in (30, 31) else bytes(40)
            again = av.Packet(content)
            again.pts, again.dts, again.duration = packet.pts, packet.dts, packet.duration
            again.time_base, again.is_keyframe, again.stream = packet.time_base, packet.is_keyframe, written
            target.mux(again)
    return path


def test_holes_are_said_and_the_run_is_partly_done(holed: Path, capfd: pytest.CaptureFixture[str]) -> None:
    ran = run_command(capfd, "cut", holed, "--span", "0.4-2.4", "--mode", "exact", "--out-dir", holed.parent / "clips")
    assert ran.code == 3, ran.err
    assert "frames of the source inside the clip could not be read and left out" in ran.err
    (clip,) = (holed.parent / "clips").iterdir()
    with av.open(clip) as container:
        assert sum(1 for _ in container.decode(video=0)) < 50


@pytest.fixture
def disturbed(tmp_path: Path) -> Path:
    """A film of which 20 packets of sound, from the second second on, are no AAC."""
    whole, path = make_video(tmp_path / "whole.mp4", frames=150, rate="25", gop=25), tmp_path / "film.mp4"
    with av.open(whole) as container:
        sound = container.streams.audio[0]
        places = [(packet.pos, packet.size) for packet in container.demux(sound) if packet.size]
    content = bytearray(whole.read_bytes())
    for place, size in places[60:80]:
        assert place is not None
        content[place : place + size] = b"\xff" * size
    path.write_bytes(content)
    return path


@pytest.mark.parametrize("options", [(), ("--mode", "exact"), ("--mode", "copy"), ("--audio", "exact"), ("--reel",)])
def test_sound_that_cannot_be_decoded_is_said_and_the_run_is_partly_done(
    options: tuple[str, ...], disturbed: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    reel = options == ("--reel",)
    where = ("--reel", disturbed.parent / "reel.mp4") if reel else ("--out-dir", disturbed.parent / "clips", *options)
    ran = run_command(capfd, "cut", disturbed, "--span", "1-4", *where)
    assert ran.code == 3, ran.err
    assert "20 packets of" in ran.err
    assert "cannot be decoded: it is damaged there" in ran.err
    whole = run_command(capfd, "cut", disturbed, "--span", "4-6", "--out-dir", disturbed.parent / "after")
    assert whole.code == 0, whole.err


def test_damaged_sound_alone_is_said_as_well(disturbed: Path, capfd: pytest.CaptureFixture[str]) -> None:
    alone = disturbed.with_name("sound.m4a")
    with av.open(disturbed) as source, av.open(alone, "w", format="mp4") as target:
        given = source.streams.audio[0]
        written = target.add_stream_from_template(given)
        for packet in source.demux(given):
            if packet.size:
                packet.stream = written
                target.mux(packet)
    ran = run_command(capfd, "cut", alone, "--span", "1-4", "--out-dir", disturbed.parent / "clips")
    assert ran.code == 3, ran.err
    assert "20 packets of the source's sound inside the clip cannot be decoded" in ran.err
