"""Captions of what is said, with what is seen in brackets where that is asked for, and descriptions that fit."""

from __future__ import annotations

import math
import re
from fractions import Fraction
from itertools import pairwise

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from marlin_edit.analysis import SpokenWord, Utterance
from marlin_edit.errors import UsageError
from marlin_edit.timebase import Span
from marlin_edit_exporters.subtitles import ttml, webvtt
from marlin_edit_exporters.subtitles.cues import Cue, track_of
from marlin_edit_exporters.subtitles.cues.descriptions import FROM_SPEECH, shorter_texts
from marlin_edit_exporters.subtitles.cues.lint import faults_of
from marlin_edit_exporters.subtitles.cues.profiles import Pace, profile_named, words_of
from marlin_edit_exporters.subtitles.cues.width import cells
from tests.support.subtitle_checkers import edit_of, event, rendered, settings_of

PROFILES = ["default", "netflix-en", "bbc-online", "bbc-portrait", "dcmp"]


def utterance(
    start: str | Fraction,
    text: str,
    *,
    speaker: str = "",
    word: str | Fraction = "0.3",
    confidence: float | None = None,
    language: str = "en",
) -> Utterance:
    """A sentence whose words follow one another without a pause. word: seconds of each."""
    at, step = Fraction(start), Fraction(word)
    words = tuple(
        SpokenWord(Span(at + number * step, at + (number + 1) * step), (" " if number else "") + one, confidence)
        for number, one in enumerate(text.split(" "))
    )
    return Utterance(Span(at, words[-1].span.end), text, words, confidence, speaker, language)


def captions(*said: Utterance, profile: str = "default") -> list[Cue]:
    return list(track_of(edit_of(speech=said), settings_of(kind="captions", profile=profile)).cues)


@st.composite
def talks(draw: st.DrawFn) -> tuple[Utterance, ...]:
    """Utterances in order, of words that are there once; some at once with the one before, some too fast to read."""
    said: list[Utterance] = []
    at, number = Fraction(0), 0
    at_once = draw(st.booleans())
    for _ in range(draw(st.integers(1, 12))):
        at += Fraction(draw(st.integers(0, 40)), 10)
        words = []
        for length in draw(st.lists(st.integers(1, 9), min_size=1, max_size=30)):
            number += 1
            words.append(f"{'abcdefghi'[:length]}{number}{',' if length == 3 else ''}")
        one = utterance(
            at,
            " ".join(words) + ".",
            speaker=draw(st.sampled_from(["", "Ann", "Bob"])),
            word=Fraction(draw(st.integers(5, 60)), 100),
            confidence=draw(st.none() | st.sampled_from([0.2, 0.9])),
        )
        said.append(one)
        at = one.span.end
        if at_once and draw(st.booleans()):
            at = max(one.span.start, at - Fraction(1, 2))
    return tuple(said)


@settings(max_examples=200)
@given(said=talks(), profile=st.sampled_from(PROFILES), shots=st.lists(st.integers(0, 900), max_size=6))
def test_nothing_that_is_said_is_left_out_and_each_cue_begins_with_its_first_word(
    said: tuple[Utterance, ...], profile: str, shots: list[int]
) -> None:
    duration = max(one.span.end for one in said) + 1
    changes = tuple(sorted(Fraction(shot, 10) for shot in set(shots)))
    track = track_of(
        edit_of(speech=said, duration=duration, shots=changes), settings_of(kind="captions", profile=profile)
    )
    rules = profile_named(profile)
    times = {word.text.strip(): word.span.start for one in said for word in one.words}
    shown = [[word.lstrip("-") for word in cue.text.split() if word not in ("[?]", "-")] for cue in track.cues]
    assert sorted(word for words in shown for word in words) == sorted(times)
    at_once = any(one.span.end > other.span.start for one, other in pairwise(said))
    for cue, words in zip(track.cues, shown, strict=True):
        assert 0 <= cue.start < cue.end <= duration * 1000
        assert len(cue.lines) <= rules.lines
        assert all(cells(line) <= rules.cells + 4 * ("[?]" in line) for line in cue.lines)
        if not at_once:
            assert abs(cue.start - times[words[0]] * 1000) <= 501, "at its word, or on a shot change near it"
    assert all(one.end <= other.start for one, other in pairwise(track.cues))


def test_a_page_of_a_long_sentence_is_shown_while_its_words_are_said() -> None:
    long = "The old man put his hat on the table and sat down, and then he said nothing at all for a very long time."
    cues = captions(utterance("5", long, word="0.4"))
    assert [cue.text for cue in cues] == [
        "The old man put his hat on the table and sat down,",
        "and then he said nothing at all for a very long time.",
    ]
    assert cues[0].start == 5000
    assert cues[1].start == 5000 + 12 * 400


def test_what_is_said_too_fast_to_be_read_is_shown_whole_and_in_time_and_said_to_be_fast() -> None:
    fast = utterance("1", " ".join(["extraordinary"] * 12) + ".", word="0.1")
    later = utterance("2.3", "And this comes directly after it, at its own time.", word="0.3")
    track = track_of(edit_of(speech=(fast, later)), settings_of(kind="captions"))
    assert track.cues[-1].start == 2300
    assert sum(cue.text.count("extraordinary") for cue in track.cues) == 12
    assert any(note.startswith("2 cues faster to read than default allows") for note in track.notes)


def test_short_sentences_share_a_cue_and_two_speakers_have_a_line_each() -> None:
    (cue,) = captions(utterance("1", "Yes."), utterance("1.4", "I know."))
    assert cue.lines == ("Yes. I know.",)
    said = (utterance("1", "Who is there?", speaker="Ann"), utterance("1.7", "It's me.", speaker="Bob"))
    (cue,) = captions(*said)
    assert cue.lines == ("- Who is there?", "- It's me.")
    (cue,) = captions(*said, profile="netflix-en")
    assert cue.lines == ("-Who is there?", "-It's me.")
    vtt = rendered(webvtt, edit_of(speech=said), settings_of(kind="captions")).content
    assert "<v Ann>- Who is there?</v>\n<v Bob>- It's me.</v>" in str(vtt)


def test_two_who_speak_at_once_are_in_one_cue() -> None:
    (cue,) = captions(
        utterance("1", "We have to leave now.", speaker="Ann", word="0.5"),
        utterance("2", "Not without my coat.", speaker="Bob", word="0.5"),
    )
    assert cue.lines == ("- We have to leave now.", "- Not without my coat.")
    assert cue.start == 1000
    assert cue.end >= 4000


def test_what_the_speech_model_was_unsure_of_has_a_mark() -> None:
    track = track_of(
        edit_of(speech=(utterance("1", "Thank you for watching.", confidence=0.3),)), settings_of(kind="captions")
    )
    assert track.cues[0].text == "Thank you for watching. [?]"
    assert "1 utterance marked [?], because the speech model was unsure: check them" in track.notes


def test_captions_are_called_captions_in_the_language_that_is_spoken() -> None:
    edit = edit_of(speech=(utterance("1", "Guten Abend.", language="de"),))
    assert str(rendered(webvtt, edit).content).startswith(
        "WEBVTT Kind: captions; Language: de; Captions, auto-generated\n"
    )
    assert 'ttm:role="caption"' in str(rendered(ttml, edit).content)
    both = edit_of(event("3", "6"), speech=(utterance("1", "Good evening."),))
    assert str(rendered(webvtt, both).content).startswith("WEBVTT Kind: descriptions; ")
    with pytest.raises(UsageError, match="nobody has listened to it, so there are no captions"):
        track_of(edit_of(event("3", "6")), settings_of(kind="captions"))


def test_what_is_seen_is_in_brackets_beside_what_is_said_where_that_is_asked_for() -> None:
    said = (utterance("1", "Good evening."), utterance("20", "Good night."))
    edit = edit_of(event("5", "9", "A door opens."), event("20", "21", "A lamp goes out."), speech=said, duration=22)
    track = track_of(edit, settings_of(kind="sdh"))
    assert [cue.text for cue in track.cues] == ["Good evening.", "[A door opens.]", "[A lamp goes out.]", "Good night."]
    assert all(one.end <= other.start for one, other in pairwise(track.cues))
    text = str(rendered(webvtt, edit, settings_of(kind="sdh")).content)
    assert text.startswith("WEBVTT Kind: captions; Language: en; Captions with what is seen, auto-generated\n")
    assert "in brackets is what a video model saw" in text
    assert "[" not in " ".join(cue.text for cue in track_of(edit, settings_of(kind="captions")).cues)


TENTHS = st.integers(0, 1190).map(lambda tenths: Fraction(tenths, 10))


def parts(longest: int) -> st.SearchStrategy[Span]:
    lengths = st.integers(1, longest * 10).map(lambda tenths: Fraction(tenths, 10))
    return st.builds(lambda start, length: Span(start, start + length), TENTHS, lengths)


@settings(max_examples=200)
@given(
    said=st.lists(parts(15), max_size=12),
    happens=st.lists(parts(8), max_size=12),
    clauses=st.lists(st.integers(1, 8), min_size=1, max_size=4),
    detail=st.sampled_from(["low", "normal", "full"]),
    extended=st.booleans(),
    pace=st.sampled_from(["120", "170", "220"]),
)
def test_no_description_is_spoken_over_anybody_and_each_is_placed_shortened_extended_or_reported(
    said: list[Span], happens: list[Span], clauses: list[int], detail: str, extended: bool, pace: str
) -> None:
    rest = ", ".join(" ".join(["word"] * count) for count in clauses)
    events = [event(one.start, one.end, f"N{number:02} {rest}.") for number, one in enumerate(happens)]
    edit = edit_of(*events, duration=120, speech=tuple(map(Utterance, said)))
    chosen = settings_of(detail=detail, pace=pace, extended="on" if extended else "off")
    track = track_of(edit, chosen)
    for cue in track.cues:
        for one in said:
            start, end = math.floor((one.start - FROM_SPEECH) * 1000), math.ceil((one.end + FROM_SPEECH) * 1000)
            assert cue.end <= start or cue.start >= end
        if said and not cue.extended:
            assert cue.length >= cue.text.count(" ") * 60_000 // int(pace), "there is time to speak it"
    assert all(one.end <= other.start for one, other in pairwise(track.cues))
    shown = " ".join(cue.text for cue in track.cues)
    for number, _ in enumerate(happens):
        reported = any(note.startswith("left out") and f"N{number:02} word" in note for note in track.notes)
        assert (f"N{number:02} word" in shown) != reported
    if detail == "full":
        assert not any("shortened, to fit between" in note for note in track.notes)
    assert extended or not any(cue.extended for cue in track.cues)


def test_a_description_that_does_not_fit_is_shortened_as_far_as_the_detail_allows() -> None:
    text = "A man in a long grey coat walks to the window, looks out at the rain, and pulls the heavy curtain shut."
    said = tuple(map(Utterance, (Span(Fraction(0), Fraction(10)), Span(Fraction("15.5"), Fraction(30)))))
    edit = edit_of(event("10", "15", text), duration=30, speech=said)
    track = track_of(edit, settings_of())
    assert [cue.text for cue in track.cues] == ["A man in a long grey coat walks to the window."]
    assert track.notes[0] == "1 of 1 description found a place between what is said"
    assert track.notes[1] == (
        f"shortened, to fit between what is said: 00:00:10.000 {text} "
        "(now: A man in a long grey coat walks to the window.)"
    )
    assert track_of(edit, settings_of(detail="full")).cues == ()
    words = words_of("en")
    assert list(shorter_texts(text, words, "normal")) == [
        "A man in a long grey coat walks to the window, looks out at the rain.",
        "A man in a long grey coat walks to the window.",
    ]
    assert "A man in a long grey coat walks." in shorter_texts(text, words, "low")
    assert list(shorter_texts("He runs.", words, "low")) == []


def test_a_slower_pace_needs_more_time() -> None:
    said = tuple(map(Utterance, (Span(Fraction(0), Fraction(10)), Span(Fraction("13.5"), Fraction(30)))))
    edit = edit_of(event("10", "13", "A man walks slowly to the window now."), duration=30, speech=said)
    assert len(track_of(edit, settings_of(pace="180")).cues) == 1
    assert len(track_of(edit, settings_of(pace="100")).cues) == 0


def test_an_extended_description_stands_in_the_nearest_pause_and_is_marked() -> None:
    said = tuple(map(Utterance, (Span(Fraction(0), Fraction(10)), Span(Fraction(11), Fraction(30)))))
    edit = edit_of(event("12", "14", "A man walks to the window and looks out."), duration=30, speech=said)
    track = track_of(edit, settings_of(extended="on"))
    (cue,) = track.cues
    assert cue.extended
    assert 10_250 <= cue.start < cue.end <= 10_750
    assert any(note.startswith("1 description extended: the player has to stop") for note in track.notes)
    assert "\nextended 1\n00:00:10.650 --> 00:00:10.750\n" in str(
        rendered(webvtt, edit, settings_of(extended="on")).content
    )
    assert re.search(r"0 of 1 description found a place", " ".join(track.notes))


def test_an_extended_description_stays_one_when_its_file_is_read_again_and_is_not_judged_as_read_in_its_time() -> None:
    said = tuple(map(Utterance, (Span(Fraction(0), Fraction(10)), Span(Fraction(11), Fraction(30)))))
    edit = edit_of(event("12", "14", "A man walks to the window and looks out."), duration=30, speech=said)
    text = str(rendered(webvtt, edit, settings_of(extended="on")).content)
    again = webvtt.read(text.encode(), None)
    assert again.events[0].flags == ("cue", "extended")
    assert "\nextended 1\n" in str(rendered(webvtt, edit_of(*again.events, duration=30)).content)
    pace = Pace.of(profile_named("default"), None)
    assert faults_of(webvtt.parse(text.encode()), pace) == []
    assert faults_of(webvtt.parse(text.replace("extended 1", "1").encode()), pace) != []
