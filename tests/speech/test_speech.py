"""Descriptions keep out of what is said: where somebody speaks, and where a description goes then."""

from __future__ import annotations

import json
import math
import subprocess
from fractions import Fraction
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from marlin_edit.analysis import Analysis, Utterance
from marlin_edit.console import Console
from marlin_edit.inference.windows import maximal
from marlin_edit.media import MediaInfo, probe
from marlin_edit.plugins import load_app
from marlin_edit.timebase import FrameRange, FrameRate, Span
from marlin_edit.workflow import hearing
from marlin_edit.workflow.hearing import Listener, with_speech
from marlin_edit.workflow.run import Run
from marlin_edit.workflow.snapping import out_of_speech
from marlin_edit_exporters.subtitles.cues import track_of
from marlin_edit_exporters.subtitles.cues.descriptions import FROM_SPEECH
from marlin_edit_speech import voice
from marlin_edit_speech.voice import speech_of, voice_spans
from tests.support.command_line import run_command
from tests.support.programs import checker
from tests.support.subtitle_checkers import edit_of, event, settings_of
from tests.support.synthetic_video import make_video

SENTENCES = ("The red lamp was standing beside the old window.", "Nobody knew who had put it there, and nobody asked.")
TENTHS = st.integers(0, 1190).map(lambda tenths: Fraction(tenths, 10))


def spans(longest: int) -> st.SearchStrategy[Span]:
    lengths = st.integers(1, longest * 10).map(lambda tenths: Fraction(tenths, 10))
    return st.builds(lambda start, length: Span(start, start + length), TENTHS, lengths)


@settings(max_examples=200)
@given(
    said=st.lists(spans(15), max_size=12),
    happens=st.lists(spans(8), max_size=12),
    words=st.integers(1, 30),
    profile=st.sampled_from(["default", "netflix-en", "bbc-online", "dcmp"]),
    shots=st.lists(TENTHS, max_size=8),
)
def test_no_description_is_shown_while_somebody_speaks_and_each_is_placed_or_reported(
    said: list[Span], happens: list[Span], words: int, profile: str, shots: list[Fraction]
) -> None:
    events = [event(one.start, one.end, f"N{number:02} {'word ' * words}") for number, one in enumerate(happens)]
    edit = edit_of(*events, duration=120, speech=tuple(map(Utterance, said)), shots=tuple(sorted(shots)))
    track = track_of(edit, settings_of(profile=profile))
    for cue in track.cues:
        for one in said:
            start, end = math.floor((one.start - FROM_SPEECH) * 1000), math.ceil((one.end + FROM_SPEECH) * 1000)
            assert cue.end <= start or cue.start >= end
    assert all(one.end <= other.start for one, other in zip(track.cues, track.cues[1:], strict=False))
    shown = " ".join(cue.text for cue in track.cues)
    for number, _ in enumerate(happens):
        reported = any(note.startswith("left out") and f"N{number:02} word" in note for note in track.notes)
        assert (f"N{number:02} word" in shown) != reported


def test_a_description_goes_into_the_gap_nearest_to_its_event() -> None:
    said = (Utterance(Span(Fraction(0), Fraction(10))), Utterance(Span(Fraction(14), Fraction(30))))
    track = track_of(edit_of(event("9", "12", "A door opens."), duration=40, speech=said), settings_of())
    assert [(cue.start, cue.text) for cue in track.cues] == [(10_250, "A door opens.")]


def test_what_finds_no_gap_is_reported_and_only_descriptions_keep_out_of_speech() -> None:
    edit = edit_of(
        event("10", "12", "A door opens."), duration=60, speech=(Utterance(Span(Fraction(0), Fraction(60))),)
    )
    track = track_of(edit, settings_of())
    assert track.cues == ()
    assert track.notes == (
        "0 of 1 description found a place between what is said",
        "left out, because there is no room for it between what is said: 00:00:10.000 A door opens.",
    )
    assert len(track_of(edit, settings_of(kind="subtitles")).cues) == 1
    assert len(track_of(edit, settings_of(kind="metadata")).cues) == 1


def test_pauses_between_words_do_not_end_speech_and_a_click_is_none() -> None:
    def steps(*probabilities: float) -> list[tuple[Span, float]]:
        step = Fraction(32, 1000)
        return [(Span(n * step, (n + 1) * step), probability) for n, probability in enumerate(probabilities)]

    step = Fraction(32, 1000)
    assert speech_of(steps(*[0.9] * 10, *[0.1] * 10, *[0.9] * 10)) == [Span(Fraction(0), 30 * step)]
    assert speech_of(steps(*[0.9] * 10, *[0.1] * 11, *[0.9] * 10)) == [
        Span(Fraction(0), 10 * step),
        Span(21 * step, 31 * step),
    ]
    assert speech_of(steps(0.0, 0.9, 0.9, 0.9, 0.0)) == []
    assert speech_of(steps(0.9, 0.4, 0.4, 0.4)) == [Span(Fraction(0), 4 * step)]
    assert speech_of(steps(0.4, 0.4, 0.4, 0.4)) == []


def spoken(path: Path, *, delay: Fraction, sound: list[str], shift: Fraction = Fraction(0)) -> Path:
    """A video of 20 s in which espeak-ng says two sentences, from `delay` and from 12 s on. sound: its encoder."""
    picture = make_video(path.with_name(f"picture-{path.stem}.mkv"), frames=500, audio=0)
    espeak, ffmpeg = checker("espeak-ng", "espeak-ng"), checker("ffmpeg", "ffmpeg")
    command = [ffmpeg, "-v", "error", "-i", str(picture)]
    for number, sentence in enumerate(SENTENCES):
        said = path.with_name(f"said-{path.stem}-{number}.wav")
        subprocess.run([espeak, "-w", str(said), sentence], check=True)
        command += ["-i", str(said)]
    first, second = (int((at - shift) * 1000) for at in (delay, Fraction(12)))
    mixed = f"[1:a]adelay={first}:all=1[a];[2:a]adelay={second}:all=1[b];[a][b]amix=normalize=0,apad=whole_dur=20[s]"
    if shift:
        early = path.with_name(f"early-{path.stem}.mka")
        subprocess.run([*command, "-filter_complex", mixed, "-map", "[s]", "-c:a", "flac", str(early)], check=True)
        command = [ffmpeg, "-v", "error", "-i", str(picture), "-itsoffset", str(float(shift)), "-i", str(early)]
        command += ["-map", "0:v", "-map", "1:a"]
    else:
        command += ["-filter_complex", mixed, "-map", "0:v", "-map", "[s]"]
    subprocess.run([*command, "-c:v", "copy", *sound, "-t", "20", str(path)], check=True)
    return path


@pytest.mark.parametrize(
    ("name", "sound", "shift"),
    [
        ("stereo.mp4", ["-c:a", "aac", "-ar", "48000", "-ac", "2"], Fraction(0)),
        ("telephone.mov", ["-c:a", "pcm_s16le", "-ar", "8000", "-ac", "1"], Fraction(0)),
        ("surround.mkv", ["-c:a", "ac3", "-ar", "48000", "-ac", "6"], Fraction(0)),
        ("delayed.mkv", ["-c:a", "libopus", "-ac", "2"], Fraction(3, 2)),
        ("delayed.mp4", ["-c:a", "aac", "-ac", "1"], Fraction(1)),
    ],
)
def test_speech_is_found_at_its_time_whatever_the_sound_is(
    tmp_path: Path, name: str, sound: list[str], shift: Fraction
) -> None:
    video = spoken(tmp_path / name, delay=Fraction(3), sound=sound, shift=shift)
    media = probe(video)
    found = voice_spans(media, Span(Fraction(0), media.duration))
    assert len(found) == 2
    for one, start, length in zip(found, (3, 12), (2.86, 3.24), strict=True):
        assert float(one.start) == pytest.approx(start, abs=0.2)
        assert float(one.length) == pytest.approx(length, abs=0.4)


@pytest.mark.parametrize("share", [30, 1000])
def test_speech_across_and_beside_the_ends_of_the_parts_that_are_heard_is_one_span_each(
    share: int, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(hearing, "PART", Fraction(60))
    monkeypatch.setattr(voice, "SHARE", Fraction(share))  # 30: two processes hear each part, on two cores
    espeak, ffmpeg = checker("espeak-ng", "espeak-ng"), checker("ffmpeg", "ffmpeg")
    said, talk = tmp_path / "said.wav", tmp_path / "talk.wav"
    subprocess.run([espeak, "-w", str(said), SENTENCES[0]], check=True)
    copies = "[0:a]asplit=3[a][b][c];[a]adelay=58500:all=1[x];[b]adelay=120050:all=1[y];[c]adelay=177200:all=1[z]"
    mixed = f"{copies};[x][y][z]amix=inputs=3:normalize=0,apad=whole_dur=190[s]"
    making = ["-filter_complex", mixed, "-map", "[s]", "-t", "190"]
    subprocess.run([ffmpeg, "-v", "error", "-i", str(said), *making, str(talk)], check=True)
    run = Run(load_app().with_flags({"speech": True}), Console(verbosity=-1))
    speech = with_speech(run, Analysis(probe(talk)), Listener.of(run, words=False)).speech
    assert speech is not None
    assert [float(one.span.start) for one in speech] == pytest.approx([58.5, 120.05, 177.2], abs=0.2)
    assert [float(one.span.length) for one in speech] == pytest.approx([2.86] * 3, abs=0.4)


def test_a_caption_with_speech_keeps_out_of_it_and_stores_where_it_is(
    tmp_path: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    video = spoken(tmp_path / "talk.mp4", delay=Fraction(3), sound=["-c:a", "aac", "-ac", "2"])
    result = tmp_path / "talk.json"
    ran = run_command(capfd, "caption", video, "--model", "demo", "--speech", "-o", result)
    assert ran.code == 0
    assert "2 spans of speech" in ran.err
    assert "What is said is not written down. The speech model small is not on this computer." in ran.err
    speech = json.loads(result.read_text())["speech"]
    assert [round(float(Fraction(one["start"]))) for one in speech] == [3, 12]


def test_a_video_without_sound_has_no_speech(tmp_path: Path, capfd: pytest.CaptureFixture[str]) -> None:
    video = make_video(tmp_path / "silent.mp4", frames=50, audio=0)
    ran = run_command(capfd, "caption", video, "--model", "demo", "--speech", "-o", tmp_path / "silent.json")
    assert ran.code == 0
    assert json.loads((tmp_path / "silent.json").read_text())["speech"] == []


def film(rate: str, seconds: int = 60) -> MediaInfo:
    counted = FrameRate.parse(rate)
    count = counted.first_frame_at(Fraction(seconds))
    return MediaInfo(Path("film.mov"), counted.seconds(count), counted, count)


@settings(max_examples=300)
@given(
    said=st.lists(spans(6), max_size=12).map(maximal),
    first=st.integers(0, 1400),
    length=st.integers(1, 300),
    limit=st.integers(0, 30).map(lambda tenths: Fraction(tenths, 10)),
    rate=st.sampled_from(["25", "23.976", "59.94", "24"]),
)
def test_an_end_in_speech_moves_into_a_pause_that_is_near_enough_and_no_other_end_moves(
    said: tuple[Span, ...], first: int, length: int, limit: Fraction, rate: str
) -> None:
    media = film(rate)
    said = tuple(part for one in said if (part := one.within(Span(Fraction(0), media.duration))) is not None)
    frames = FrameRange(first, min(media.frame_count, first + length))
    moved = out_of_speech(frames, media, said, limit)
    frame = media.rate.seconds_per_frame if media.rate is not None else Fraction(0)
    assert moved.first < moved.stop
    for before, after in ((frames.first, moved.first), (frames.stop, moved.stop)):
        time = media.time_of(before)
        inside = next((one for one in said if one.start < time < one.end), None)
        if inside is None:
            assert after == before
        elif after != before:
            assert not any(one.start < media.time_of(after) < one.end for one in said if one is inside)
            assert abs(media.time_of(after) - time) <= limit + frame
        elif moved != frames:
            assert min(time - inside.start, inside.end - time) > limit


def test_the_ends_of_a_cut_move_out_of_what_is_said(tmp_path: Path, capfd: pytest.CaptureFixture[str]) -> None:
    video = spoken(tmp_path / "talk.mp4", delay=Fraction(3), sound=["-c:a", "aac", "-ac", "2"])
    spans_of_voice = voice_spans(probe(video), Span(Fraction(0), Fraction(20)))
    inside = f"{float(spans_of_voice[0].start) + 0.3:.2f}-{float(spans_of_voice[1].end) - 0.3:.2f}"
    ran = run_command(
        capfd, "cut", video, "--span", inside, "--snap", "speech", "--out-dir", tmp_path / "clips", "--json"
    )
    assert ran.code == 0, ran.err
    assert "1 of 1 cut moved out of speech" in ran.err
    (item,) = ran.document["items"]
    start, end = (Fraction(item["asked"][name]) for name in ("start", "end"))
    near = Fraction(1, 10)  # what is heard around an end alone is heard a little differently
    assert start <= spans_of_voice[0].start + near
    assert end >= spans_of_voice[1].end - near
    (clip,) = (tmp_path / "clips").iterdir()
    heard = voice_spans(probe(clip), Span(Fraction(0), end - start))
    whole = [float(one.length) for one in spans_of_voice]
    assert [float(one.length) for one in heard] == pytest.approx(whole, abs=0.15), "no word is broken"


def test_an_end_in_the_middle_of_a_long_speech_stays_and_is_said(
    tmp_path: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    video = spoken(tmp_path / "talk.mp4", delay=Fraction(3), sound=["-c:a", "aac", "-ac", "2"])
    ran = run_command(capfd, "cut", video, "--span", "4.5-8", "--snap", "speech", "-o", tmp_path / "list.edl")
    assert ran.code == 0
    assert "0 of 1 cut moved out of speech" in ran.err
    assert "no pause is within --snap-limit (0.5 s) of 1 end of cuts, which stay in speech" in ran.err
    far = ["--snap-limit", "2", "-o", tmp_path / "far.edl"]
    assert "1 of 1 cut moved" in run_command(capfd, "cut", video, "--span", "4.5-8", "--snap", "speech", *far).err


def test_sound_alone_is_cut_in_its_pauses(tmp_path: Path, capfd: pytest.CaptureFixture[str]) -> None:
    video = spoken(tmp_path / "talk.mkv", delay=Fraction(3), sound=["-c:a", "flac", "-ac", "1"])
    sound = tmp_path / "talk.flac"
    subprocess.run([checker("ffmpeg", "ffmpeg"), "-v", "error", "-i", str(video), "-vn", str(sound)], check=True)
    ran = run_command(capfd, "cut", sound, "--span", "3.3-8", "--snap", "speech", "--out-dir", tmp_path / "clips")
    assert ran.code == 0, ran.err
    assert "1 of 1 cut moved out of speech" in ran.err


def test_a_film_without_sound_has_no_speech_to_move_out_of(tmp_path: Path, capfd: pytest.CaptureFixture[str]) -> None:
    video = make_video(tmp_path / "it's silent.mp4", frames=50, audio=0)
    ran = run_command(capfd, "cut", video, "--span", "0.5-1", "--snap", "speech", "-o", tmp_path / "list.edl")
    assert ran.code == 0
    assert "--snap speech does not apply to it's silent.mp4: it has no sound" in ran.err
