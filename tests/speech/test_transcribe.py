"""What is said, heard by a real speech model in real files, from the command line to the clip."""

from __future__ import annotations

import importlib.util
import json
import subprocess
import wave
from collections.abc import Sequence
from fractions import Fraction
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import srt

from marlin_edit.media import probe
from marlin_edit.text import words_of
from marlin_edit.timebase import Span
from marlin_edit.workflow import hearing
from marlin_edit_speech import words
from marlin_edit_speech.voice import voice_spans
from tests.support.command_line import CommandLine, command_line
from tests.support.programs import checker
from tests.support.synthetic_video import make_video
from tests.support.talks import length_of, mixed, say, speech_model, talk

TOLD = (
    "The weather was warm and the streets were full of people.",
    "She opened the letter and read it twice before she answered.",
    "My brother works in a small hospital near the river.",
    "We walked along the beach until the sun went down.",
    "The train to London leaves at half past seven in the morning.",
    "Please put the books back on the table when you are finished.",
    "He said that the house was too big for the two of them.",
    "The children played in the garden while their mother cooked dinner.",
)


@pytest.fixture
def marlin(capfd: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> CommandLine:
    monkeypatch.setenv("MARLIN_EDIT_SPEECH_MODEL", str(speech_model()))
    return command_line(capfd)


def told(path: Path, *, seconds: float, pauses: Sequence[float]) -> tuple[Path, list[Span]]:
    """A sound file in which TOLD is said over and over with these pauses, and when."""
    parts = [say(path.with_name(f"told-{number}.wav"), text) for number, text in enumerate(TOLD)]
    said: list[tuple[Fraction, int]] = []
    at = Fraction(1)
    number = 0
    while at + length_of(parts[number % len(parts)]) + 1 < seconds:
        said.append((at, number % len(parts)))
        at += audible(parts[number % len(parts)]) + Fraction(pauses[number % len(pauses)])
        number += 1
    with wave.open(str(parts[0])) as sound:
        rate = sound.getframerate()
    samples = np.zeros(round(seconds * rate), dtype=np.int16)
    for start, place in said:
        with wave.open(str(parts[place])) as sound:
            values = np.frombuffer(sound.readframes(sound.getnframes()), dtype=np.int16)
        samples[round(start * rate) : round(start * rate) + len(values)] = values
    with wave.open(str(path), "wb") as sound:
        sound.setparams((1, 2, rate, 0, "NONE", ""))
        sound.writeframes(samples.tobytes())
    return path, [Span(start, start + audible(parts[place])) for start, place in said]


def audible(path: Path) -> Fraction:
    """Seconds up to the last sample that is heard: espeak-ng ends with a third of a second of silence."""
    with wave.open(str(path)) as sound:
        values = np.frombuffer(sound.readframes(sound.getnframes()), dtype=np.int16)
        return Fraction(int(np.flatnonzero(np.abs(values) > 200)[-1]) + 1, sound.getframerate())


def word_by_word(path: Path, text: str, pause: float) -> tuple[Path, list[tuple[str, Span]]]:
    """A sound file in which each word is said by itself, with pauses between them, and when each is."""
    at = Fraction(1)
    rate, parts, truth = 22050, [np.zeros(22050, dtype=np.int16)], []
    for word in text.split():
        with wave.open(str(say(path.with_name("word.wav"), word))) as sound:
            assert sound.getframerate() == rate
            values = np.frombuffer(sound.readframes(sound.getnframes()), dtype=np.int16)
        loud = np.flatnonzero(np.abs(values) > 200)
        values = values[loud[0] : loud[-1] + 1]
        truth.append((word.lower(), Span(at, at + Fraction(len(values), rate))))
        parts += [values, np.zeros(round(pause * rate), dtype=np.int16)]
        at += Fraction(len(values) + round(pause * rate), rate)
    with wave.open(str(path), "wb") as sound:
        sound.setparams((1, 2, rate, 0, "NONE", ""))
        sound.writeframes(np.concatenate([*parts, parts[0]]).tobytes())
    return path, truth


def common_words(first: Sequence[str], second: Sequence[str]) -> int:
    """The length of the longest common subsequence."""
    before = [0] * (len(second) + 1)
    for one in first:
        row = [0]
        for place, other in enumerate(second):
            row.append(before[place] + 1 if one == other else max(before[place + 1], row[-1]))
        before = row
    return before[-1]


def alone(path: Path) -> list[str]:
    """What faster-whisper hears by itself."""
    from faster_whisper import WhisperModel

    model = WhisperModel(str(speech_model()), device="cpu", compute_type="int8")
    segments, _ = model.transcribe(str(path), beam_size=5)
    return [word for segment in segments for word in words_of(segment.text)]


@pytest.mark.parametrize(
    ("name", "options"),
    [
        ("stereo.mp4", ["-c:a", "aac", "-ar", "48000", "-ac", "2"]),
        ("telephone.mov", ["-c:a", "pcm_s16le", "-ar", "8000", "-ac", "1"]),
        ("surround.mkv", ["-c:a", "ac3", "-ar", "48000", "-ac", "6"]),
        ("delayed.mkv", ["-c:a", "libopus", "-ac", "2"]),
        ("edited.mp4", ["-c:a", "aac", "-ac", "1"]),
    ],
)
def test_the_captions_of_half_a_minute_hold_the_words_at_their_times_whatever_the_sound_is(
    tmp_path: Path, marlin: CommandLine, name: str, options: list[str]
) -> None:
    sound, said = told(tmp_path / "told.wav", seconds=30, pauses=[0.9])
    shift = Fraction(3, 2) if name in ("delayed.mkv", "edited.mp4") else Fraction(0)
    picture = make_video(tmp_path / "picture.mkv", frames=800, audio=0)
    film = tmp_path / name
    command = [checker("ffmpeg", "ffmpeg"), "-v", "error", "-i", str(picture), "-itsoffset", str(float(shift))]
    command += ["-i", str(sound), "-map", "0:v", "-map", "1:a", "-c:v", "copy", *options, str(film)]
    subprocess.run(command, check=True)
    result, subtitles = tmp_path / "told.json", tmp_path / "told.srt"
    ran = marlin("transcribe", film, "-o", result, "-o", subtitles)
    assert ran.code == 0, ran.err
    wanted = words_of(" ".join(TOLD[: len(said)]))
    cues = list(srt.parse(subtitles.read_text(encoding="utf-8"), ignore_errors=False))
    shown = [word for cue in cues for word in words_of(cue.content.replace("[?]", ""))]
    without_us = common_words(wanted, alone(film))
    assert common_words(wanted, shown) >= 0.92 * without_us, "nothing is lost of what the model understands"
    assert common_words(wanted, shown) >= 0.9 * len(wanted) or without_us < 0.9 * len(wanted)
    voice = [Span(Fraction(one["start"]), Fraction(one["end"])) for one in json.loads(result.read_text())["speech"]]
    ends = [(one.start + shift, one.end + shift) for one in said]
    near = [
        min(abs(end - other) for one in voice for other in (one.start, one.end)) <= Fraction(1, 5)
        for pair in ends
        for end in pair
    ]
    assert sum(near) >= 0.95 * len(near), "of 100 ends 95 are within 0.2 s"


@pytest.mark.slow
def test_twenty_minutes_are_heard_as_faster_whisper_alone_hears_them(tmp_path: Path, marlin: CommandLine) -> None:
    sound, said = told(tmp_path / "told.wav", seconds=1200, pauses=[0.5, 0.9, 3])
    result = tmp_path / "told.json"
    assert marlin("transcribe", sound, "-o", result).code == 0
    wanted = [word for number in range(len(said)) for word in words_of(TOLD[number % len(TOLD)])]
    heard = [word for one in json.loads(result.read_text())["speech"] for word in words_of(one.get("text", ""))]
    assert common_words(wanted, heard) >= 0.9 * len(wanted)
    assert common_words(wanted, heard) >= 0.95 * common_words(wanted, alone(sound))
    voice = voice_spans(probe(sound), Span(Fraction(0), Fraction(1200)))
    off = [
        min(abs(end - other) for one in voice for other in (one.start, one.end))
        for one in said
        for end in (one.start, one.end)
    ]
    assert sum(distance <= Fraction(1, 5) for distance in off) >= 0.95 * len(off)


def test_a_narrator_is_understood_as_the_captions_of_the_film_say(tmp_path: Path, marlin: CommandLine) -> None:
    film = Path(__file__).parents[1] / "data" / "nasa_13013.mp4"
    theirs = tmp_path / "theirs.srt"
    command = [checker("ffmpeg", "ffmpeg"), "-v", "error", "-i", str(film), "-map", "0:s:0", str(theirs)]
    subprocess.run(command, check=True)
    cues = list(srt.parse(theirs.read_text(encoding="utf-8")))
    ended = [cue for cue in cues if cue.end.total_seconds() < 13]  # the sound ends then, their captions go on
    wanted = [
        word for cue in ended for word in words_of(cue.content.replace("NAR:", "").replace("cleanrooms", "clean rooms"))
    ]
    speech = marlin("transcribe", film, "--json").document["analysis"]["speech"]
    heard = [word for one in speech for word in words_of(one.get("text", ""))]
    assert common_words(wanted, heard) >= 0.9 * len(wanted)
    words_heard = [word for one in speech for word in one.get("words", ())]
    for cue in ended:
        first = words_of(cue.content.replace("NAR:", ""))[0]
        near = [word for word in words_heard if words_of(word["text"]) == [first]]
        assert min(abs(float(Fraction(word["start"])) - cue.start.total_seconds()) for word in near) < 0.8, first
    assert all(Fraction(word["end"]) - Fraction(word["start"]) >= Fraction(5, 100) for word in words_heard)


def test_a_run_that_is_killed_goes_on_after_what_was_heard(
    tmp_path: Path, marlin: CommandLine, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(hearing, "STRETCH", Fraction(6))
    film = talk(tmp_path / "talk.mp4")
    whole = tmp_path / "whole.json"
    assert marlin("transcribe", film, "--no-store", "-o", whole).code == 0
    heard: list[Span] = []
    words_in = words.words_in

    def counted(media: Any, span: Span, *more: Any) -> Any:
        heard.append(span)
        if len(heard) == 2:
            raise KeyboardInterrupt
        return words_in(media, span, *more)

    monkeypatch.setattr(words, "words_in", counted)
    assert marlin("transcribe", film, "-o", tmp_path / "broken.json").code not in (0, 4)
    assert not (tmp_path / "broken.json").exists()
    assert marlin("transcribe", film, "-o", tmp_path / "again.json").code == 0
    assert len(heard) == 3
    assert heard[2] == heard[1], "the first stretch is not heard again"
    assert (tmp_path / "again.json").read_text() == whole.read_text()


def test_nothing_is_heard_twice(tmp_path: Path, marlin: CommandLine, monkeypatch: pytest.MonkeyPatch) -> None:
    film = talk(tmp_path / "talk.mp4")
    first, second = tmp_path / "first.json", tmp_path / "second.json"
    assert marlin("transcribe", film, "-o", first).code == 0
    with monkeypatch.context() as patch:
        patch.setattr(words, "_model", lambda *_: pytest.fail("it is heard again"))
        patch.setattr("marlin_edit_speech.voice.heard_here", lambda *_: pytest.fail("it is listened to again"))
        assert marlin("transcribe", film, "-o", second).code == 0
        assert second.read_text() == first.read_text()
        ran = marlin("find", film, "-q", "red lamp", "--model", "demo", "--json")
        assert [one["source"] for one in ran.document["analysis"]["findings"] if "source" in one] == ["said"]
    assert marlin("transcribe", film, "--no-store", "-o", tmp_path / "third.json").code == 0
    assert (tmp_path / "third.json").read_text() == first.read_text()


def test_another_language_and_another_stream_are_heard_anew(tmp_path: Path, marlin: CommandLine) -> None:
    one = say(tmp_path / "one.wav", "The red lamp was standing beside the old window.")
    two = say(tmp_path / "two.wav", "Please put the books back on the table.")
    film = tmp_path / "two-sounds.mkv"
    command = [checker("ffmpeg", "ffmpeg"), "-v", "error", "-i", str(one), "-i", str(two), "-map", "0", "-map", "1"]
    subprocess.run([*command, "-c", "flac", str(film)], check=True)
    texts = []
    for more in ([], ["--audio-stream", "1"], ["--audio-stream", "0"]):
        ran = marlin("transcribe", film, *more, "--json")
        texts.append(" ".join(entry.get("text", "") for entry in ran.document["analysis"]["speech"]))
    assert "lamp" in texts[0]
    assert "book" in texts[1]
    assert texts[2] == texts[0]
    ran = marlin("transcribe", film, "--audio-stream", "7")
    assert ran.code == 2
    assert "stream 7 is not sound. Its sound streams: 0, 1." in ran.err
    ran = marlin("transcribe", film, "--speech-language", "xx")
    assert ran.code == 1
    assert "does not know that language" in ran.err


def test_a_clip_of_what_is_said_holds_the_words_and_breaks_none(tmp_path: Path, marlin: CommandLine) -> None:
    film = talk(tmp_path / "talk.mp4")
    ran = marlin("cut", film, "-q", "red lamp", "--in", "said", "--out-dir", tmp_path / "clips", "--json")
    assert ran.code == 0, ran.err
    (finding,) = ran.document["analysis"]["findings"]
    assert (finding["source"], finding["accepted"]) == ("said", True)
    assert "red lamp" in finding["quote"]
    assert ran.document["analysis"]["asked"][0]["source"] == "said"
    (clip,) = (tmp_path / "clips").iterdir()
    heard = marlin("transcribe", clip, "--json").document["analysis"]["speech"]
    again, whole = (words_of(text) for text in (" ".join(one["text"] for one in heard), finding["quote"]))
    assert (again[0], again[-1], len(again)) == (whole[0], whole[-1], len(whole))
    assert "model" not in ran.document["analysis"], "the video model was not asked"


@pytest.mark.parametrize(
    ("text", "query"),
    [
        ("The red lamp was standing beside the old window", "red lamp"),
        ("Please put the books back on the table", "back on"),
        ("Please put the books back on the table", "table"),
    ],
)
@pytest.mark.parametrize("pause", [0.0, 0.15, 0.4])
def test_a_clip_has_whole_words_only_by_what_was_really_said_when(
    tmp_path: Path, marlin: CommandLine, text: str, query: str, pause: float
) -> None:
    sound, truth = word_by_word(tmp_path / "words.wav", text, pause)
    ran = marlin("cut", sound, "-q", query, "--in", "said", "--out-dir", tmp_path / "clips", "--json")
    if ran.code == 4 and not pause:
        pytest.skip("tiny.en hears other words when they are pressed together")
    assert ran.code == 0, ran.err
    (item,) = ran.document["items"]
    start, end = (Fraction(item["asked"][name]) for name in ("start", "end"))
    parts = {}
    for word, span in truth:
        inside = span.within(Span(start, end))
        parts[word] = float(inside.length / span.length) if inside is not None else 0.0
    assert all(share < 0.05 or share > 0.95 for share in parts.values()), f"a word is broken: {parts}"
    assert all(parts[word] > 0.95 for word in query.split())
    assert pause == 0 or sum(share > 0.95 for share in parts.values()) == len(query.split())


@pytest.mark.parametrize("handles", ["0.3s", "1s", "20f"])
def test_handles_do_not_break_words(tmp_path: Path, marlin: CommandLine, handles: str) -> None:
    film = talk(tmp_path / "talk.mp4")
    ran = marlin("cut", film, "-q", "old window", "--in", "said", "--handles", handles, "-o", tmp_path / "a.json")
    assert ran.code == 0, ran.err
    document = json.loads((tmp_path / "a.json").read_text())
    (cut,) = document["cuts"]
    frame = Fraction(1, 25)
    for end in (Fraction(cut["start"]), Fraction(cut["end"])):
        for one in document["speech"]:
            for word in one.get("words", ()):
                start, stop = Fraction(word["start"]), Fraction(word["end"])
                assert not start + frame < end < stop - frame, f"{end} lies in {word['text']}"


def test_a_query_is_looked_up_in_what_is_seen_and_said_and_each_finding_says_where(
    tmp_path: Path, marlin: CommandLine
) -> None:
    film = talk(tmp_path / "talk.mp4")
    ran = marlin("find", film, "-q", "nobody asked", "--model", "demo", "--in", "both", "--all", "--json")
    findings = ran.document["analysis"]["findings"]
    assert {one.get("source", "seen") for one in findings} == {"seen", "said"}
    assert all((one.get("source") == "said") == ("quote" in one) for one in findings)
    seen = marlin("find", film, "-q", "nobody asked", "--model", "demo", "--in", "seen", "--all", "--json")
    assert not any("source" in one for one in seen.document["analysis"]["findings"])
    ran = marlin("find", film, "-q", "green elephant", "--in", "said")
    assert ran.code == 4
    assert 'nothing matched "green elephant"' in ran.err
    listed = marlin("find", film, "-q", "nobody asked", "--in", "said")
    assert "said" in listed.out
    assert "nobody asked." in listed.out


def test_markers_of_what_is_said_have_its_words_and_come_back(tmp_path: Path, marlin: CommandLine) -> None:
    film = talk(tmp_path / "talk.mp4")
    result, table = tmp_path / "a.json", tmp_path / "a.csv"
    assert marlin("find", film, "-q", "red lamp", "--in", "said", "-o", result, "-o", table).code == 0
    assert ",said," in table.read_text(encoding="utf-8-sig")
    changed = tmp_path / "b.json"
    assert marlin("import-markers", table, "--source", result, "-o", changed).code == 0
    (finding,) = json.loads(changed.read_text())["findings"]
    assert finding["source"] == "said"
    assert "red lamp" in finding["quote"]
    assert not finding.get("note")


def test_music_silence_and_noise_put_no_text_into_a_track(tmp_path: Path, marlin: CommandLine) -> None:
    ffmpeg = checker("ffmpeg", "ffmpeg")
    chords = "+".join(f"0.1*sin(2*PI*{tone}*t)*(0.6+0.4*sin(2*PI*2*t))" for tone in (261.6, 329.6, 392, 523.3))
    for name, source in (
        ("silence", "anullsrc=r=48000:d=40"),
        ("noise", "anoisesrc=r=48000:d=40:a=0.3"),
        ("pink", "anoisesrc=r=48000:d=40:a=0.3:c=pink"),
        ("music", f"aevalsrc={chords}:d=40"),
    ):
        sound = tmp_path / f"{name}.flac"
        subprocess.run([ffmpeg, "-v", "error", "-f", "lavfi", "-i", source, str(sound)], check=True)
        target = tmp_path / f"{name}.srt"
        ran = marlin("transcribe", sound, "-o", target)
        assert ran.code == 4, f"{name}: {ran.err}"
        assert not target.exists()


def test_without_the_extra_one_sentence_says_what_to_install_and_the_rest_works(
    tmp_path: Path, marlin: CommandLine, monkeypatch: pytest.MonkeyPatch
) -> None:
    film = talk(tmp_path / "talk.mp4")
    find_spec = importlib.util.find_spec

    def without(name: str, package: str | None = None) -> Any:
        return None if name == "faster_whisper" else find_spec(name, package)

    monkeypatch.setattr(importlib.util, "find_spec", without)
    ran = marlin("transcribe", film, "-o", tmp_path / "a.srt")
    assert ran.code == 1
    assert ran.err.splitlines() == [
        "marlin-edit: error: To write down what is said, install the speech extra: pip install 'marlin-edit[speech]'"
    ]
    assert not (tmp_path / "a.srt").exists()
    ran = marlin("caption", film, "--model", "demo", "--speech", "-o", tmp_path / "b.json")
    assert ran.code == 0
    assert "2 spans of speech" in ran.err
    assert marlin("find", film, "-q", "a red circle", "--model", "demo").code in (0, 4)


def test_a_speech_model_that_is_not_here_is_named_with_its_size_and_licence_and_how_to_get_it(
    tmp_path: Path, marlin: CommandLine, monkeypatch: pytest.MonkeyPatch
) -> None:
    film = talk(tmp_path / "talk.mp4")
    monkeypatch.setenv("HF_HUB_CACHE", str(tmp_path / "nothing"))
    ran = marlin("transcribe", film, "--speech-model", "small")
    assert ran.code == 1
    assert "small is not on this computer. Download it (484 MB, MIT licence) with: hf download Systran/" in ran.err
    assert (
        "There is no speech model 'smal'. Did you mean small"
        in marlin("transcribe", film, "--speech-model", "smal").err
    )
    (tmp_path / "empty").mkdir()
    ran = marlin("transcribe", film, "--speech-model", tmp_path / "empty")
    assert "has no model.bin and no config.json and no tokenizer.json" in ran.err
    broken = tmp_path / "broken"
    broken.mkdir()
    for file in speech_model().iterdir():
        (broken / file.name).write_bytes(file.read_bytes()[: 1000 if file.name == "model.bin" else None])
    ran = marlin("transcribe", film, "--speech-model", broken)
    assert ran.code == 1
    assert "cannot be loaded" in ran.err
    listed = marlin("models").out
    assert "small" in listed
    assert "speech, for --speech-model" in listed


def test_several_talks_and_one_without_sound(tmp_path: Path, marlin: CommandLine) -> None:
    talk(tmp_path / "talk.mp4")
    make_video(tmp_path / "silent.mp4", frames=50, audio=0)
    for extra in tmp_path.glob("picture-*"):
        extra.unlink()
    ran = marlin("transcribe", tmp_path / "talk.mp4", tmp_path / "silent.mp4", "-o", str(tmp_path / "{name}.vtt"))
    assert ran.code == 0
    assert (tmp_path / "talk.vtt").read_text().startswith("WEBVTT Kind: captions; Language: en; ")
    assert not (tmp_path / "silent.vtt").exists()
    assert "silent.mp4 has no sound, so nothing is said in it." in ran.err


def test_a_range_is_heard_alone(tmp_path: Path, marlin: CommandLine) -> None:
    film = talk(tmp_path / "talk.mp4")
    ran = marlin("transcribe", film, "--range", "10-20", "--json")
    texts = [one.get("text", "") for one in ran.document["analysis"]["speech"]]
    assert len(texts) == 1
    assert "nobody asked" in texts[0].lower()
    assert ran.document["analysis"]["asked"][0]["looked_at"] == [["10", "20"]]


def test_speech_over_music_is_written_down_and_the_music_is_not(tmp_path: Path, marlin: CommandLine) -> None:
    sound = say(tmp_path / "said.wav", "Please put the books back on the table when you are finished.")
    music = tmp_path / "music.wav"
    chords = "+".join(f"0.05*sin(2*PI*{tone}*t)" for tone in (261.6, 329.6, 392))
    source = f"aevalsrc={chords}:s=22050:d=30"
    subprocess.run([checker("ffmpeg", "ffmpeg"), "-v", "error", "-f", "lavfi", "-i", source, str(music)], check=True)
    both = mixed(tmp_path / "both.flac", [(0, music), (12, sound)], 30)
    ran = marlin("transcribe", both, "--json")
    speech = ran.document["analysis"]["speech"]
    assert "on the table when you are finished" in " ".join(one.get("text", "") for one in speech)
    assert all(11.5 < float(Fraction(one["start"])) < 17 for one in speech if one.get("text"))


def test_spans_with_speech_end_between_words_and_a_reel_says_what_is_said(tmp_path: Path, marlin: CommandLine) -> None:
    film = talk(tmp_path / "talk.mp4")
    reel = tmp_path / "reel.mp4"
    ran = marlin("cut", film, "--span", "3.9-13.1", "--speech", "--snap", "speech", "--reel", reel, "--json")
    assert ran.code == 0, ran.err
    document = ran.document["analysis"]
    (cut,) = document["cuts"]
    words = [word for one in document["speech"] for word in one["words"]]
    frame = Fraction(1, 25)
    for end in (Fraction(cut["start"]), Fraction(cut["end"])):
        assert not any(Fraction(word["start"]) + frame < end < Fraction(word["end"]) - frame for word in words)
    chapters = [checker("ffprobe", "ffmpeg"), "-v", "error", "-show_chapters", "-of", "json", str(reel)]
    shown = json.loads(subprocess.run(chapters, capture_output=True, check=True).stdout)
    (title,) = [chapter["tags"]["title"] for chapter in shown["chapters"]]
    assert "beside the old window" in title


def test_a_query_is_looked_up_in_what_is_known_only_while_its_model_is_here(
    tmp_path: Path, marlin: CommandLine, monkeypatch: pytest.MonkeyPatch
) -> None:
    film = talk(tmp_path / "talk.mp4")
    assert marlin("transcribe", film).code == 0
    ran = marlin("find", film, "-q", "red lamp", "--model", "demo")
    assert "it is known what is said, so that is searched too" in ran.err
    monkeypatch.setenv("MARLIN_EDIT_SPEECH_MODEL", str(tmp_path / "gone"))
    ran = marlin("find", film, "-q", "red lamp", "--model", "demo")
    assert "known what is said" not in ran.err
    assert "said" not in ran.out
