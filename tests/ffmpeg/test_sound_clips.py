"""Sound alone is cut by its samples, through the command line; what needs frames says that there are none."""

from __future__ import annotations

import json
from fractions import Fraction
from pathlib import Path
from typing import Any

import av
import numpy as np
import pytest

from marlin_edit.cli import main
from marlin_edit.errors import ExitCode
from tests.support.synthetic_video import burst_times, make_audio

KINDS = {
    "talk.wav": "pcm_s16le",
    "deep.wav": "pcm_s24le",
    "talk.flac": "flac",
    "talk.aiff": "pcm_s16be",
    "lossless.m4a": "alac",
    "talk.m4a": "aac",
    "talk.mp3": "libmp3lame",
    "talk.opus": "libopus",
    "talk.mka": "aac",
}
LOSSLESS = ("talk.wav", "deep.wav", "talk.flac", "talk.aiff", "lossless.m4a")
SPANS = ((Fraction("2.25"), Fraction("5.123")), (Fraction(0), Fraction("1.7")), (Fraction("6.9"), Fraction(8)))


def cut(source: Path, out: Path, capsys: pytest.CaptureFixture[str], *more: str) -> tuple[int, Any]:
    spans = [word for start, end in SPANS for word in ("--span", f"{float(start)}-{float(end)}")]
    code = main(["cut", str(source), *spans, "--out-dir", str(out), "--json", *more])
    said = capsys.readouterr().out
    return code, json.loads(said) if said else None


def samples(path: Path) -> np.ndarray[Any, Any]:
    with av.open(str(path)) as container:
        frames = [frame.to_ndarray().reshape(1, -1) for frame in container.decode(audio=0)]
    return np.concatenate(frames, axis=1)


@pytest.mark.parametrize("mode", ["smart", "exact", "copy"])
@pytest.mark.parametrize("name", KINDS)
def test_sound_alone_begins_at_the_sample(
    name: str, mode: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    source = make_audio(tmp_path / name, seconds=Fraction(8), codec=KINDS[name])
    code, document = cut(source, tmp_path / "clips", capsys, "--mode", mode)
    assert code == ExitCode.DONE
    for item, (start, end) in zip(document["items"], SPANS, strict=True):
        clip = Path(item["file"])
        assert clip.suffix == source.suffix
        assert item["mode"]["used"] == mode
        with av.open(str(clip)) as container:
            first = container.streams.audio[0].start_time or 0 if clip.suffix == ".mp3" else 0
            first_heard = first * (container.streams.audio[0].time_base or 0)
        wanted = [second + Fraction(1, 2) - start for second in range(8) if start <= second + Fraction(1, 2) < end]
        heard = [time - first_heard for time in burst_times(clip)]
        assert len(heard) == len(wanted)
        assert max(abs(a - b) for a, b in zip(heard, wanted, strict=True)) <= Fraction(2, 1000)
        delivered = item["delivered"]
        assert (delivered["first_frame"], delivered["stop_frame"]) == (round(start * 48_000), round(end * 48_000))


@pytest.mark.parametrize("name", LOSSLESS)
def test_lossless_sound_has_the_sources_samples(name: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    source = make_audio(tmp_path / name, seconds=Fraction(8), codec=KINDS[name])
    _, document = cut(source, tmp_path / "clips", capsys)
    with av.open(str(source)) as container:
        planar = next(container.decode(audio=0)).format.is_planar
    whole = samples(source) if not planar else None
    for item, (start, end) in zip(document["items"], SPANS, strict=True):
        clip = samples(Path(item["file"]))
        if whole is not None:
            first, stop = round(start * 48_000) * 2, round(end * 48_000) * 2
            assert np.array_equal(clip, whole[:, first:stop])
        else:
            assert clip.shape[1] == (round(end * 48_000) - round(start * 48_000)) * 2


def test_copied_packets_are_the_sources(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    source = make_audio(tmp_path / "talk.m4a", seconds=Fraction(8))
    _, document = cut(source, tmp_path / "clips", capsys)
    with av.open(str(source)) as container:
        known = {bytes(packet) for packet in container.demux(audio=0) if packet.size}
    with av.open(document["items"][0]["file"]) as container:
        packets = [bytes(packet) for packet in container.demux(audio=0) if packet.size]
    assert document["items"][0]["sound"][0]["how"] == "copied"
    assert set(packets) <= known


def test_all_streams_of_sound_are_kept(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    source = make_audio(tmp_path / "two.mka", seconds=Fraction(8), codec="flac", streams=2)
    code, document = cut(source, tmp_path / "clips", capsys)
    assert code == ExitCode.DONE
    with av.open(document["items"][0]["file"]) as container:
        assert len(container.streams.audio) == 2


@pytest.mark.parametrize("name", ["talk.opus", "talk.flac", "talk.m4a", "talk.mka", "talk.mp3"])
def test_chapters_of_sound_are_shifted_and_clipped(
    name: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """With ends in both halves of a second: FFmpeg's own writer dates some of Ogg's a second late."""
    make_audio(tmp_path / name, seconds=Fraction(8), codec=KINDS[name])
    reel = tmp_path / f"chapters{Path(name).suffix}"
    spans = ["--span", "0-2.2", "--span", "2.2-4.9", "--span", "4.9-8"]
    assert main(["cut", str(tmp_path / name), *spans, "--reel", str(reel)]) == ExitCode.DONE
    capsys.readouterr()
    _, document = cut(reel, tmp_path / "clips", capsys)
    with av.open(document["items"][0]["file"]) as opened:
        container: Any = opened
        found = [(one["start"] * one["time_base"], one["end"] * one["time_base"]) for one in container.chapters()]
    assert [float(start) for start, _ in found] == pytest.approx([0, 2.65], abs=0.002)
    assert float(found[0][1]) == pytest.approx(2.65, abs=0.002)


def test_a_cut_list_of_sound_says_what_to_do_instead(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    source = make_audio(tmp_path / "talk.wav", codec="pcm_s16le")
    for name in ("out.edl", "out.otio"):
        assert main(["cut", str(source), "--span", "0.5-1", "-o", str(tmp_path / name)]) == ExitCode.FAILED
        assert "has no picture, so no frame rate" in capsys.readouterr().err
        assert not (tmp_path / name).exists()
    assert main(["cut", str(source), "--span", "5f-10f", "--out-dir", str(tmp_path / "clips")]) == ExitCode.USAGE
    assert "Give seconds" in capsys.readouterr().err
    assert main(["cut", str(source), "--query", "a door opens", "--out-dir", str(tmp_path / "clips")]) != ExitCode.DONE
    assert "the model sees and does not hear" in capsys.readouterr().err
    assert not (tmp_path / "clips").exists()


def test_samples_that_are_not_the_sources_are_noticed(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    from marlin_edit_ffmpeg.clips.sound import EncodedSound

    right = EncodedSound._samples

    def late(self: EncodedSound, place: int, part: Any) -> None:
        right(self, place + 480, part)

    monkeypatch.setattr(EncodedSound, "_samples", late)
    source = make_audio(tmp_path / "talk.wav", seconds=Fraction(8), codec="pcm_s16le")
    code, _ = cut(source, tmp_path / "clips", capsys)
    assert code != ExitCode.DONE
    assert not list(tmp_path.glob("clips/*.wav"))
