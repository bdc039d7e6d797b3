"""Reels of sound alone: on one running clock, to the sample, a chapter a piece, read back before they have a name."""

from __future__ import annotations

import json
import os
from collections.abc import Callable, Sequence
from fractions import Fraction
from pathlib import Path
from typing import Any

import av
import numpy as np
import pytest

from marlin_edit.cli import main
from marlin_edit.errors import ExitCode
from tests.ffmpeg.test_reels import chapters
from tests.ffmpeg.test_sound_clips import samples
from tests.support.synthetic_video import burst_times, make_audio, make_video

SPANS = (("2.25", "5.123"), ("0", "1.7"), ("6.9", "8"), ("0.4", "0.6"))
KINDS = {
    ".m4a": ("aac", "aac"),
    ".mka": ("aac", "aac"),
    ".mp3": ("libmp3lame", "mp3"),
    ".ogg": ("libopus", "opus"),
    ".opus": ("libopus", "opus"),
    ".wav": ("pcm_s16le", "pcm_s16le"),
    ".aiff": ("pcm_s16be", "pcm_s16be"),
    ".flac": ("flac", "flac"),
}
WITH_CHAPTERS = (".m4a", ".mka", ".mp3", ".ogg", ".opus", ".flac")

CommandLine = Callable[..., tuple[int, Any, str]]


@pytest.fixture
def cut(tmp_path: Path, capfd: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> CommandLine:
    """`marlin-edit cut ... --json` of the spans, in the directory of the sources."""
    monkeypatch.chdir(tmp_path)

    def command_line(*arguments: object, spans: Sequence[tuple[str, str]] = SPANS) -> tuple[int, Any, str]:
        given = [word for start, end in spans for word in ("--span", f"{start}-{end}")]
        code = main(["cut", *map(str, arguments), *given, "--json"])
        said = capfd.readouterr()
        return code, json.loads(said.out), said.err

    return command_line


def bursts_expected(spans: Sequence[tuple[str, str]]) -> list[Fraction]:
    """When bursts of `makers` begin in a reel of these spans."""
    found, at = [], Fraction(0)
    for start, end in ((Fraction(start), Fraction(end)) for start, end in spans):
        found += [at + Fraction(2 * n + 1, 2) - start for n in range(9) if start <= Fraction(2 * n + 1, 2) < end]
        at += end - start
    return found


def heard(path: Path, stream: int = 0) -> list[Fraction]:
    with av.open(str(path)) as container:
        track = container.streams.audio[stream]
        first = (track.start_time or 0) * (track.time_base or 0) if path.suffix == ".mp3" else 0
    return [time - first for time in burst_times(path, stream)]


@pytest.mark.parametrize("suffix", KINDS)
def test_pieces_of_sound_follow_each_other_to_the_sample(suffix: str, cut: CommandLine, tmp_path: Path) -> None:
    make_audio(tmp_path / f"talk{suffix}", seconds=Fraction(8), codec=KINDS[suffix][0])
    code, document, _ = cut(f"talk{suffix}", "--reel", f"reel{suffix}")
    assert code == ExitCode.DONE
    reel = tmp_path / f"reel{suffix}"
    with av.open(str(reel)) as container:
        assert container.streams.audio[0].codec_context.codec.canonical_name == KINDS[suffix][1]
        assert len(container.streams) == 1 or suffix == ".m4a"  # whose chapters are a track of text
    expected, found = bursts_expected(SPANS), heard(reel)
    assert len(found) == len(expected) == 7
    assert max(abs(a - b) for a, b in zip(found, expected, strict=True)) <= Fraction(2, 1000)
    items = document["items"]
    assert [item["start_timecode"] for item in items] == [None] * 4
    assert [item["reel"]["start"] for item in items] == pytest.approx([0, 2.873, 4.573, 5.673])
    named = [(item["reel"]["chapter"], item["reel"]["start"]) for item in items]
    assert [title for title, _ in named] == [f"talk, 00:00:0{start}" for start in ("2.250", "0.000", "6.900", "0.400")]
    if suffix in WITH_CHAPTERS:
        written = [(title, float(start)) for title, start, _ in chapters(reel)]
        assert [title for title, _ in written] == [title for title, _ in named]
        assert [start for _, start in written] == pytest.approx([start for _, start in named], abs=0.001)
    else:
        assert any("cannot store chapters" in note for note in document["notes"])


@pytest.mark.parametrize("to", KINDS)
@pytest.mark.parametrize("source", [".wav", ".m4a", ".flac"])
def test_the_name_decides_what_the_sound_becomes(source: str, to: str, cut: CommandLine, tmp_path: Path) -> None:
    make_audio(tmp_path / f"talk{source}", seconds=Fraction(8), codec=KINDS[source][0])
    assert cut(f"talk{source}", "--reel", f"reel{to}")[0] == ExitCode.DONE
    expected, found = bursts_expected(SPANS), heard(tmp_path / f"reel{to}")
    assert max(abs(a - b) for a, b in zip(found, expected, strict=True)) <= Fraction(2, 1000)


@pytest.mark.parametrize("suffix", [".wav", ".aiff"])
def test_samples_of_a_lossless_reel_are_the_sources(suffix: str, cut: CommandLine, tmp_path: Path) -> None:
    source = make_audio(tmp_path / f"talk{suffix}", seconds=Fraction(8), codec=KINDS[suffix][0])
    assert cut(source.name, "--reel", f"reel{suffix}")[0] == ExitCode.DONE
    whole = samples(source)
    pieces = [whole[:, 2 * round(Fraction(start) * 48_000) : 2 * round(Fraction(end) * 48_000)] for start, end in SPANS]
    assert np.array_equal(samples(tmp_path / f"reel{suffix}"), np.concatenate(pieces, axis=1))


def test_all_sounds_are_kept_where_the_file_holds_them(cut: CommandLine, tmp_path: Path) -> None:
    make_audio(tmp_path / "two.mka", seconds=Fraction(8), codec="flac", streams=2)
    assert cut("two.mka", "--reel", "reel.mka")[0] == ExitCode.DONE
    for stream in range(2):
        expected, found = bursts_expected(SPANS), heard(tmp_path / "reel.mka", stream)
        assert max(abs(a - b) for a, b in zip(found, expected, strict=True)) <= Fraction(1, 1000)
    code, document, _ = cut("two.mka", "--reel", "reel.wav")
    assert code == ExitCode.DONE
    assert "reel.wav: WAV stores one sound track; it has the first of 2" in document["notes"]


def test_a_reel_of_sound_can_be_made_of_videos_and_sounds_together(cut: CommandLine, tmp_path: Path) -> None:
    make_video(tmp_path / "film.mp4", frames=200, size=(96, 64), timecode="01:00:00:00")
    make_audio(tmp_path / "talk.wav", seconds=Fraction(8), codec="pcm_s16le")
    code, document, _ = cut("film.mp4", "talk.wav", "--reel", "reel.m4a", spans=[("2.2", "4"), ("0.4", "3")])
    assert code == ExitCode.DONE
    expected = bursts_expected([("2.2", "4"), ("0.4", "3")] * 2)
    found = heard(tmp_path / "reel.m4a")
    assert max(abs(a - b) for a, b in zip(found, expected, strict=True)) <= Fraction(2, 1000)
    assert [title for title, _, _ in chapters(tmp_path / "reel.m4a")] == [
        "film, 01:00:02:05", "film, 01:00:00:10", "talk, 00:00:02.200", "talk, 00:00:00.400",
    ]  # fmt: skip
    with av.open(str(tmp_path / "reel.m4a")) as container:
        assert not container.streams.video
    [kept] = [item["streams_kept"] for item in document["together"]["items"][:1]]
    assert [stream["kind"] for stream in kept] == ["audio"]


def test_a_reel_with_a_picture_wants_one_of_every_source(cut: CommandLine, tmp_path: Path) -> None:
    make_video(tmp_path / "film.mp4", frames=50, size=(96, 64))
    make_audio(tmp_path / "talk.wav", codec="pcm_s16le")
    code, document, err = cut("film.mp4", "talk.wav", "--reel", "reel.mp4", spans=[("0.2", "1")])
    assert code == ExitCode.PARTIAL
    assert "talk.wav has no picture, and other sources of reel.mp4 have one" in err
    assert "--reel reel.m4a" in err
    assert document["together"]["files"] == []
    assert sorted(os.listdir(tmp_path)) == ["film.mp4", "talk.wav"]


def test_a_silent_source_makes_no_reel_of_sound(cut: CommandLine, tmp_path: Path) -> None:
    make_video(tmp_path / "film.mp4", frames=50, size=(96, 64), audio=0)
    code, _, err = cut("film.mp4", "--reel", "reel.m4a", spans=[("0.2", "1")])
    assert code == ExitCode.FAILED
    assert "film.mp4 has no sound" in err
    assert os.listdir(tmp_path) == ["film.mp4"]


@pytest.mark.parametrize("suffix", [".wav", ".m4a"])
def test_a_reel_whose_sound_is_not_its_pieces_gets_no_name(
    suffix: str, cut: CommandLine, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    from marlin_edit_ffmpeg.reels.sound import ReelSound

    right = ReelSound._encode

    def silenced(self: ReelSound, samples: Any) -> None:
        self.likeness.add(samples)
        kept, self.likeness = self.likeness, self.new_likeness()
        right(self, samples * 0)
        self.likeness = kept

    make_audio(tmp_path / f"talk{suffix}", seconds=Fraction(8), codec=KINDS[suffix][0])
    monkeypatch.setattr(ReelSound, "_encode", silenced)
    code, _, err = cut(f"talk{suffix}", "--reel", f"reel{suffix}", spans=[("2.2", "4"), ("0.3", "3")])
    assert code == ExitCode.FAILED
    assert "was not written: the sound of the written reel" in err
    assert os.listdir(tmp_path) == [f"talk{suffix}"]


def test_a_dry_run_of_a_reel_of_sound_writes_nothing(cut: CommandLine, tmp_path: Path) -> None:
    make_audio(tmp_path / "talk.wav", seconds=Fraction(8), codec="pcm_s16le")
    code, document, _ = cut("talk.wav", "--reel", "reel.wav", "--dry-run")
    assert code == ExitCode.DONE
    assert document["planned"] == ["reel.wav"]
    assert os.listdir(tmp_path) == ["talk.wav"]


@pytest.mark.parametrize("places", ["shots", "keyframes"])
def test_snapping_says_that_it_does_not_apply_to_sound(places: str, cut: CommandLine, tmp_path: Path) -> None:
    make_audio(tmp_path / "talk.wav", seconds=Fraction(8), codec="pcm_s16le")
    code, document, err = cut("talk.wav", "--out-dir", "clips", "--snap", places, spans=[("2.25", "5.123")])
    assert code == ExitCode.DONE
    assert f"--snap {places} does not apply to talk.wav: it has no picture" in err
    [item] = document["items"]
    assert item["before_snap"] is None
    assert (item["delivered"]["start"], item["delivered"]["end"]) == ("2.25", "5.123")
