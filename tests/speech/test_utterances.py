"""Words become utterances, queries are looked up in them, and long sound is heard in stretches."""

from __future__ import annotations

from fractions import Fraction
from itertools import pairwise
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from marlin_edit.analysis import Sense, SpokenWord, Utterance
from marlin_edit.inference.windows import maximal
from marlin_edit.interfaces import Detection
from marlin_edit.media import MediaInfo
from marlin_edit.speech.said import said_findings
from marlin_edit.speech.utterances import REACH, utterances_of
from marlin_edit.timebase import FrameRate, Span
from marlin_edit.workflow.hearing import EDGE, OVERLAP, STRETCH, stretches_of
from marlin_edit_speech.pauses import closed, parted, pauses_in
from marlin_edit_speech.sound import RATE

TENTHS = st.integers(0, 600).map(lambda tenths: Fraction(tenths, 10))
FILM = MediaInfo(Path("talk.mp4"), Fraction(60), FrameRate.parse("25"), 1500)


def spans(longest: int) -> st.SearchStrategy[Span]:
    lengths = st.integers(1, longest).map(lambda tenths: Fraction(tenths, 10))
    return st.builds(lambda start, length: Span(start, start + length), TENTHS, lengths)


def words_at(start: str, *texts: str, pause: str = "0.1") -> list[Detection]:
    """Words of 0.3 s with a short pause between them."""
    at, step = Fraction(start), Fraction("0.3") + Fraction(pause)
    return [
        Detection(Span(at + number * step, at + number * step + Fraction("0.3")), f" {text}", "", None, "en")
        for number, text in enumerate(texts)
    ]


def heard(*parts: tuple[str, str], language: str = "en", pause: str = "0.1") -> tuple[Utterance, ...]:
    """Utterances of sentences, each from its time on."""
    words = [
        Detection(one.span, one.text, "", None, language)
        for at, text in parts
        for one in words_at(at, *text.split(" "), pause=pause)
    ]
    utterances, elsewhere = utterances_of(maximal(one.span for one in words), words)
    assert elsewhere == ()
    return utterances


@given(voice=st.lists(spans(80), max_size=8).map(maximal), words=st.lists(spans(15), max_size=30))
def test_utterances_cover_the_voice_and_a_word_where_nobody_speaks_is_left_out(
    voice: tuple[Span, ...], words: list[Span]
) -> None:
    detections = [Detection(span, f" word{number}") for number, span in enumerate(sorted(words, key=lambda w: w.start))]
    utterances, elsewhere = utterances_of(voice, detections)
    covered = maximal(one.span for one in utterances)
    assert all(any(whole.start <= one.start and one.end <= whole.end for whole in covered) for one in voice)
    told = [word for one in utterances for word in one.words]
    assert len(told) + len(elsewhere) == len(words)
    for word in elsewhere:
        assert not any(one.start - REACH <= word.span.end and word.span.start <= one.end + REACH for one in voice)
    for word in told:
        assert any(one.start <= word.span.start and word.span.end <= one.end for one in voice)
    for one in utterances:
        assert "".join(word.text for word in one.words) == one.text
        assert all(one.span.start <= word.span.start and word.span.end <= one.span.end for word in one.words)
    starts = [one.span.start for one in utterances]
    assert starts == sorted(starts)


def test_an_utterance_ends_with_its_sentence_and_at_a_long_pause_and_not_after_a_title() -> None:
    said = heard(("1", "Good morning, Mr. Smith. How are you?"), ("6", "I am"), ("9", "well"))
    assert [one.text for one in said] == ["Good morning, Mr. Smith.", "How are you?", "I am", "well"]


def test_another_speaker_and_another_language_begin_another_utterance() -> None:
    words = words_at("1", "Yes", "it", "is") + [
        Detection(one.span, one.text, "Ann", None, "en") for one in words_at("2.2", "no", "not")
    ]
    words += [Detection(one.span, one.text, "Ann", None, "de") for one in words_at("3", "doch")]
    said, _ = utterances_of((Span(Fraction(1), Fraction(4)),), words)
    assert [(one.text, one.speaker, one.language) for one in said] == [
        ("Yes it is", "", "en"), ("no not", "Ann", "en"), ("doch", "Ann", "de"),
    ]  # fmt: skip


def test_words_that_are_invented_in_silence_are_left_out() -> None:
    said, elsewhere = utterances_of(
        (Span(Fraction(2), Fraction(4)),), words_at("2", "Hello.") + words_at("9", "Thanks")
    )
    assert [one.text for one in said] == ["Hello."]
    assert [word.text for word in elsewhere] == [" Thanks"]


def test_speech_without_words_stays_speech() -> None:
    voice = (Span(Fraction(2), Fraction(4)), Span(Fraction(8), Fraction(9)))
    said, _ = utterances_of(voice, words_at("2", "Hello."))
    assert [(one.span, one.text) for one in said] == [(voice[0], "Hello."), (voice[1], "")]


@pytest.mark.parametrize(
    ("query", "quotes"),
    [
        ("red lamp", ["red lamp", "red, old lamp."]),
        ("the Red LAMPS!", ["red lamp", "red, old lamp."]),
        ("stand beside the window", ["standing beside the old window."]),
        ("lamp red", []),
        ("blue lamp", []),
        ("window the", ["window."]),
        ("nobody asked", []),
        ("lamp", ["lamp", "lamp."]),
    ],
)
def test_a_query_is_looked_up_by_the_stems_of_its_words_in_their_order(query: str, quotes: list[str]) -> None:
    said = heard(
        ("1", "The red lamp was standing beside the old window."), ("8", "A red, old lamp."), ("20", "Nobody"),
        ("25", "asked."),
    )  # fmt: skip
    found = said_findings(said, query, FILM)
    assert [one.quote for one in found] == quotes
    assert all(one.sense is Sense.SAID and one.query == query and one.score is None for one in found)


@pytest.mark.parametrize(
    ("language", "text", "query", "quote"),
    [
        ("de", "Die alten Häuser brennen.", "altes Haus", "alten Häuser"),
        ("de", "Die alten Häuser brennen.", "neues Haus", ""),
        ("de", "Die alten Häuser brennen.", "das alte Häuser", "alten Häuser"),
        ("fr", "Les chevaux courent vite.", "le cheval", "chevaux"),
        ("fr", "Les chevaux courent vite.", "ils courent", "courent"),
        ("zh", "我 看见 红灯 了。", "红灯", "红灯"),
        ("th", "ฉัน เห็น แมว ดำ", "แมวดำ", "แมว ดำ"),
        ("xx", "Ena dva tri.", "dva tri", "dva tri."),
    ],
)
def test_a_query_is_looked_up_in_the_language_that_is_spoken(language: str, text: str, query: str, quote: str) -> None:
    found = said_findings(heard(("1", text), language=language), query, FILM)
    assert [one.quote for one in found] == ([quote] if quote else [])


@given(rate=st.sampled_from(["25", "23.976", "59.94"]), first=st.integers(0, 5), count=st.integers(1, 3))
def test_a_finding_holds_its_words_and_nothing_of_another_but_a_part_of_a_frame(
    rate: str, first: int, count: int
) -> None:
    counted = FrameRate.parse(rate)
    film = MediaInfo(Path("a.mp4"), counted.seconds(600), counted, 600)
    texts = ["alpha", "bravo", "charlie", "delta", "echo", "foxtrot", "golf", "hotel"]
    said = heard(("1.01", " ".join(texts)))
    (found,) = said_findings(said, " ".join(texts[first : first + count]), film)
    words = said[0].words
    assert found.span.start <= words[first].span.start
    assert found.span.end >= words[first + count - 1].span.end
    frame = counted.seconds_per_frame
    if first:
        assert found.span.start > words[first - 1].span.end - frame
    if first + count < len(words):
        assert found.span.end < words[first + count].span.start + frame
    assert film.time_of(film.first_frame_at(found.span.start)) == found.span.start, "it begins with a frame"


def test_a_finding_begins_and_ends_in_pauses_because_the_times_of_words_said_in_one_go_are_not_exact() -> None:
    said = heard(("1", "The red lamp was standing"), pause="0") + heard(("3", "beside the old window."), pause="0")
    (found,) = said_findings(said, "red lamp", FILM)
    assert found.quote == "The red lamp was standing"
    assert found.span == Span(Fraction("0.8"), Fraction("2.72"))
    assert found.signals["words"] == 1.0
    long = heard(("1", " ".join(f"w{number}" for number in range(60))), pause="0")
    (found,) = said_findings(long, "w30 w31", FILM)
    assert found.quote == "w30 w31", "nobody pauses for long: it ends with its words"


def test_how_sure_the_model_was_is_the_least_sure_word() -> None:
    span = Span(Fraction(1), Fraction(2))
    words = (SpokenWord(span, "red", 0.9), SpokenWord(Span(Fraction(2), Fraction(3)), " lamp", 0.3))
    said = Utterance(Span(Fraction(1), Fraction(3)), "red lamp", words, 0.6, "", "en")
    (found,) = said_findings((said,), "red lamp", FILM)
    assert found.signals == {"words": 1.0, "confidence": 0.3}


@given(voice=st.lists(spans(4000), max_size=12).map(maximal))
def test_stretches_hold_all_speech_and_each_moment_counts_once(voice: tuple[Span, ...]) -> None:
    duration = max([Fraction(60), *(one.end for one in voice)])
    stretches = stretches_of(voice, duration)
    for hears, _ in stretches:
        assert hears.length <= STRETCH + OVERLAP + 2 * EDGE
        assert 0 <= hears.start < hears.end <= duration + EDGE
    for one in voice:
        for moment in (one.start, one.start + one.length / 3, one.end - Fraction(1, 100)):
            counting = [(hears, kept) for hears, kept in stretches if hears.start <= moment < hears.end]
            assert sum(kept.start <= moment < kept.end for _, kept in counting) == 1


@given(words=st.lists(spans(15), max_size=12).map(maximal), pauses=st.lists(spans(5), max_size=8).map(maximal))
def test_words_that_are_parted_stay_in_order_and_only_their_borders_move(
    words: tuple[Span, ...], pauses: tuple[Span, ...]
) -> None:
    given_words = [Detection(span, f" w{number}") for number, span in enumerate(words)]
    moved = parted(given_words, pauses)
    assert [word.text for word in moved] == [word.text for word in given_words]
    assert all(one.span.start < other.span.start for one, other in pairwise(moved))
    for before, after in zip(given_words, moved, strict=True):
        for old, new in ((before.span.start, after.span.start), (before.span.end, after.span.end)):
            assert new == old or any(new in (pause.start, pause.end) for pause in pauses)


def test_a_pause_goes_to_the_border_that_is_nearest_and_a_silence_between_sentences_to_none() -> None:
    samples = np.full(6 * RATE, 0.5, dtype=np.float32)
    for start, end in ((1.0, 1.2), (2.5, 4.0), (5.0, 5.05)):
        samples[round(start * RATE) : round(end * RATE)] = 0.0001
    spoken = [Span(Fraction(0), Fraction("2.5")), Span(Fraction(4), Fraction(6))]
    pauses = pauses_in(samples, Fraction(10), [Span(one.start + 10, one.end + 10) for one in spoken])
    assert pauses == [Span(Fraction(11), Fraction("11.2"))], "a silence is no pause, and 0.05 s are a letter"
    words = [Detection(Span(Fraction(start), Fraction(end)), text) for start, end, text in (
        ("10", "10.6", " red"), ("10.6", "11.35", " lamp"), ("11.35", "12", " was"))]  # fmt: skip
    assert [(one.span.start, one.span.end) for one in parted(words, pauses)] == [
        (10, Fraction("10.6")), (Fraction("10.6"), 11), (Fraction("11.2"), 12),
    ]  # fmt: skip


def test_a_gap_in_which_somebody_speaks_is_no_place_to_cut_and_words_reach_to_the_ends_of_the_speech() -> None:
    told = ("1.2", "1.5", " in"), ("1.5", "2", " Greenbelt,"), ("2.4", "2.41", " Maryland."), ("5.1", "5.4", " This")
    words = [Detection(Span(Fraction(start), Fraction(end)), text) for start, end, text in told]
    spoken = [Span(Fraction(1), Fraction("2.6")), Span(Fraction(5), Fraction(6))]
    assert [(one.span.start, one.span.end) for one in closed(words, [], spoken)] == [
        (1, Fraction("1.5")), (Fraction("1.5"), 2), (2, Fraction("2.6")), (5, Fraction("5.4")),
    ]  # fmt: skip
    pause = Span(Fraction("2.1"), Fraction("2.4"))
    assert closed(words, [pause], spoken)[2].span.start == Fraction("2.4")
