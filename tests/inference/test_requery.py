"""Every time that something happens in a window, each once and in order; and what speaks for it."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass, field
from fractions import Fraction

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from marlin_edit.analysis import AGAIN, UNSUPPORTED, Event
from marlin_edit.inference import signals
from marlin_edit.inference.merge import merged_findings
from marlin_edit.inference.requery import MOST_ASKED, Search, with_caption_evidence
from marlin_edit.timebase import Span
from marlin_edit.video_model import Answer, Question, QuestionKind, Watched

STEP = Fraction(1, 2)
QUERY = "a red circle appears"
TOLD = "A red circle moves across the picture"


def span(start: object, end: object) -> Span:
    return Span(Fraction(str(start)), Fraction(str(end)))


@dataclass
class Window:
    """A window in which things happen. Like the real model it names the first of them, or, where there is none, some
    span that is none of them; what it is asked is noted."""

    span: Span
    happens: Sequence[Span]
    asked: list[tuple[Span, str]] = field(default_factory=list)
    instead: bool = True
    judges: float | None = None

    def ask(self, questions: Sequence[Question]) -> list[Answer]:
        return [self._answer(question) for question in questions]

    def _answer(self, question: Question) -> Answer:
        if question.kind is QuestionKind.JUDGE:
            assert self.judges is not None
            return Answer("", (-5.0, -5.0) if question.blank else (self.judges - 5, self.judges - 5))
        assert question.kind is QuestionKind.FIND
        self.asked.append((self.span, question.query))
        there = [part for one in self.happens if (part := one.within(self.span)) is not None]
        if there:
            first = there[0]
        elif self.instead:
            first = Span(self.span.start, self.span.start + min(Fraction(3, 2), self.span.length))
        else:
            return Answer("Nothing of that kind.")
        start, end = first.start - self.span.start, first.end - self.span.start
        return Answer(f"From {float(start):.1f} to {float(end):.1f}.", (-0.1, -0.3))

    def part(self, span: Span) -> Watched:
        return Window(span, self.happens, self.asked, self.instead, self.judges)

    def caption(self, text: str = TOLD) -> Answer:
        """What happens, told as a caption."""
        since = self.span.start
        lines = [f"<{float(one.start - since):.1f} - {float(one.end - since):.1f}> {text}" for one in self.happens]
        return Answer("\n".join(["Scene: A room.", "Events:", *lines]))

    def search(self, caption: Answer | None, judges: bool = False, query: str = QUERY) -> Search:
        found = Search(self, STEP, judges)
        found.all_of({query: self.ask([Question(QuestionKind.FIND, query)])[0]}, caption)
        return found


@st.composite
def happenings(draw: st.DrawFn) -> list[Span]:
    """Things one after the other in a minute, each of whole tenths, at least 1.5 s long and 3 s apart."""
    spans: list[Span] = []
    at = draw(st.integers(0, 100))
    while at < 560 and len(spans) < 8:
        length = draw(st.integers(15, 120))
        if at + length > 600:
            break
        spans.append(span(Fraction(at, 10), Fraction(at + length, 10)))
        at += length + draw(st.integers(30, 200))
    return spans


@given(happenings(), st.sampled_from([0, 17, 600]))
def test_each_time_is_found_once_and_in_order(spans: list[Span], begin: int) -> None:
    assume(spans)
    moved = [Span(one.start + begin, one.end + begin) for one in spans]
    window = Window(Span(Fraction(begin), Fraction(begin + 60)), moved)
    search = window.search(window.caption())
    found = [one for one in search.findings if UNSUPPORTED not in one.flags]
    assert sorted((one.span.start, one.span.end) for one in found) == [(one.start, one.end) for one in moved]
    assert all((AGAIN in one.flags) == (one.span != moved[0]) for one in found)
    assert all(one.origin.windows == (window.span,) for one in search.findings)
    joined = [one for one in merged_findings(search.findings) if UNSUPPORTED not in one.flags]
    assert [one.span for one in joined] == moved


@given(happenings())
def test_asking_again_comes_to_an_end(spans: list[Span]) -> None:
    window = Window(span(0, 60), spans)
    # A caption that tells of everything, everywhere: all that comes back is believed.
    lines = [f"<{start} - {start + 2}> {TOLD}" for start in range(0, 58)]
    window.search(Answer("\n".join(["Scene: A room.", "Events:", *lines])))
    assert len(window.asked) <= MOST_ASKED + 1
    assert len(set(window.asked)) == len(window.asked), "no part is asked twice"
    assert all(asked.length >= 2 for asked, _ in window.asked)


def test_parts_begin_and_end_on_the_windows_pairs_of_frames() -> None:
    window = Window(span("7.5", "67.5"), [span("20.2", "24.9"), span("40", "44")])
    window.search(window.caption())
    for part, _ in window.asked[1:]:
        assert part.start == window.span.start or (part.start - window.span.start).denominator == 1
        assert part.end == window.span.end or (part.end - window.span.start).denominator == 1


def test_without_a_caption_nothing_is_asked_again() -> None:
    window = Window(span(0, 60), [span(5, 9), span(30, 34)])
    (found,) = window.search(None).findings
    assert found.span == span(5, 9)
    assert found.flags == ()
    assert len(window.asked) == 1
    assert dict(found.signals) == pytest.approx({"share": 4 / 60, "certainty": -0.2})


def test_what_the_caption_does_not_tell_of_is_kept_and_not_asked_again() -> None:
    window = Window(span(0, 60), [span(5, 9), span(30, 34)])
    (found,) = window.search(window.caption("A dog barks")).findings
    assert found.flags == ()
    assert found.signals["told"] == 0
    assert len(window.asked) == 1


def test_what_comes_of_asking_again_and_nothing_speaks_for_is_kept_as_that() -> None:
    window = Window(span(0, 60), [span(20, 30)])
    search = window.search(window.caption())
    first, *others = search.findings
    assert (first.span, first.flags) == (span(20, 30), ())
    assert [one.flags for one in others] == [(AGAIN, UNSUPPORTED)] * 2
    assert [asked for asked, _ in window.asked] == [span(0, 60), span(0, 20), span(30, 60)]


def test_a_part_that_says_nothing_is_a_detail_with_its_own_times(caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level("INFO")
    window = Window(span(0, 60), [span(20, 30)], instead=False)
    search = window.search(window.caption())
    assert [one.span for one in search.findings] == [span(20, 30)]
    assert search.discarded == []
    assert [line.split(" the model")[0] for line in caplog.messages] == [
        "asked again: Of 0 - 20 s",
        "asked again: Of 30 - 60 s",
    ]


def test_the_rest_of_a_finding_that_was_told_too_short_is_put_to_it() -> None:
    whole = span(10, 20)

    class Hasty(Window):
        def ask(self, questions: Sequence[Question]) -> list[Answer]:
            if self.span == span(0, 60):
                return [Answer("From 10.0 to 15.6.") for _ in questions]
            return super().ask(questions)

        def part(self, span: Span) -> Watched:
            return Hasty(span, self.happens, self.asked, self.instead)

    window = Hasty(span(0, 60), [whole])
    search = window.search(window.caption())
    found = [one for one in search.findings if UNSUPPORTED not in one.flags]
    assert [one.span for one in found] == [whole]
    assert found[0].signals["told"] == pytest.approx(window_told(whole, window))
    assert len(found[0].origin.more) == 1


def window_told(part: Span, window: Window) -> float:
    events = [Event(one, TOLD) for one in window.happens]
    return signals.of_events(part, QUERY, events, signals.Vocabulary([TOLD] * len(events)))["told"]


def test_a_judge_can_speak_for_what_the_caption_puts_in_other_words() -> None:
    lifted = Window(span(0, 60), [span(5, 9), span(30, 34)], judges=2.0)
    search = lifted.search(lifted.caption("Ein roter Kreis"), judges=True)
    # The judge believes everything here: all parts are asked, as far as that goes.
    assert len(search.findings) > 2
    assert not any(UNSUPPORTED in one.flags for one in search.findings)
    assert search.findings[0].signals["lift"] == pytest.approx(2)
    assert search.findings[0].signals["likelihood"] == pytest.approx(-3)
    level = Window(span(0, 60), [span(5, 9), span(30, 34)], judges=0.0)
    search = level.search(level.caption("Ein roter Kreis"), judges=True)
    assert len(search.findings) == 1


# Signals


WORDS = st.sampled_from(["red", "blue", "circle", "dog", "runs", "the", "a", "across", "door", "opens"])
TEXTS = st.lists(WORDS, min_size=1, max_size=6).map(" ".join)


@given(TEXTS, TEXTS, st.lists(TEXTS, max_size=6))
def test_shares_of_words_lie_between_nothing_and_all(query: str, text: str, events: list[str]) -> None:
    vocabulary = signals.Vocabulary(events)
    assert 0 <= vocabulary.share(query, text) <= 1 + 1e-9
    assert vocabulary.share(query, query) == pytest.approx(1)
    assert vocabulary.lack(query, query) == 0
    assert vocabulary.lack(query, text) >= 0


def test_words_are_compared_by_their_stems_without_the_little_ones() -> None:
    vocabulary = signals.Vocabulary()
    assert vocabulary.share("a dog runs", "The dogs are running in the yard") == pytest.approx(1)
    assert vocabulary.share("a dog runs", "A cat runs") == pytest.approx(1 / 2)
    assert vocabulary.share("the", "the") == pytest.approx(1), "a query of little words only still has them"


def test_what_is_said_of_everything_says_little() -> None:
    told = [f"A {kind} moves across the picture" for kind in ("red circle", "blue circle", "red square", "cyan cross")]
    vocabulary = signals.Vocabulary(told)
    wrong = vocabulary.share("a blue square moves across the picture", "A red square moves across the picture")
    assert wrong < 0.65
    right = vocabulary.share("a red square appears", "A red square moves across the picture")
    assert right > vocabulary.share("a blue square appears", "A red square moves across the picture")


def test_a_word_that_the_model_uses_and_did_not_use_here_speaks_against_it() -> None:
    event = Event(span(0, 5), "A red square moves across the picture")
    told = [event.text, "A red circle moves across the picture"]

    def known(query: str, more: frozenset[str] = frozenset()) -> float:
        return signals.of_events(event.span, query, [event], signals.Vocabulary(told, more))["known"]

    assert known("a red square appears") == 1, "appears is no word of this model"
    assert known("a red circle appears") < 0.7
    assert known("a green square") == 1, "nor, as far as is known, is green"
    assert known("a green square", frozenset({"green"})) < 0.8
    assert known("a dog") == 0, "an event with none of the words tells nothing"


def test_signals_of_all_windows_take_back_that_nothing_speaks_for_it() -> None:
    window = Window(span(0, 60), [span(20, 30)])
    findings = window.search(window.caption()).findings
    elsewhere = [Event(findings[1].span, TOLD), Event(span(20, 30), TOLD)]
    again = with_caption_evidence(findings, elsewhere, frozenset())
    assert UNSUPPORTED not in again[1].flags
    assert UNSUPPORTED in again[2].flags
    assert AGAIN in again[1].flags


def test_a_judgement_is_the_words_less_what_they_are_without_a_picture() -> None:
    assert signals.of_judgement(Answer("", (-1.0, -3.0)), Answer("", (-4.0, -2.0))) == {
        "likelihood": -2.0,
        "lift": 1.0,
        "weakest": -1.0,
    }
    assert signals.of_judgement(Answer(""), Answer("")) == {}
    assert math.isclose(signals.of_answer(Answer("x", (-1.0, -2.0)), span(0, 3), span(0, 6))["certainty"], -1.5)
