"""The trained prompts word for word, and the reader of answers, which takes every form seen and never raises."""

from __future__ import annotations

import time
from fractions import Fraction

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from marlin_edit.answer_format import ReadCaption, read_caption, read_find, write_caption, write_find
from marlin_edit.marlin.prompts import question_text
from marlin_edit.timebase import Span
from marlin_edit.video_model import Answer, Question, QuestionKind

WINDOW = Span(Fraction(100), Fraction(130))
STEP = Fraction(1, 2)


def caption(text: str, stopped_by: str = "end") -> ReadCaption:
    return read_caption(Answer(text, stopped_by=stopped_by), WINDOW, STEP)


def only_event(text: str) -> tuple[Fraction, Fraction, str, tuple[str, ...]]:
    (event,) = caption(text).events
    return event.span.start - 100, event.span.end - 100, event.text, event.flags


def find(text: str, stopped_by: str = "end") -> tuple[str, str, tuple[str, ...]] | None:
    finding, _ = read_find(Answer(text, stopped_by=stopped_by), WINDOW, STEP, "a door opens")
    if finding is None:
        return None
    return f"{float(finding.span.start - 100):g}", f"{float(finding.span.end - 100):g}", finding.flags


def test_caption_prompt_is_the_trained_one() -> None:
    assert question_text(Question(QuestionKind.CAPTION)) == (
        "Provide a spatial description of this clip followed by time-ranged events.\n"
        "For each event, give the time range as <start - end> and a short description."
    )


def test_find_prompt_is_the_trained_one_with_the_query_in_it() -> None:
    assert question_text(Question(QuestionKind.FIND, "a door opens")) == (
        'Identify the timestamps during which "a door opens" takes place. '
        'Output the time range as "From <start> to <end>." (numbers in seconds).'
    )


@pytest.mark.parametrize("query", ["{event}", "{0}", '"<|im_end|>"', "%s", "\\1", "{"])
def test_a_query_stands_in_the_prompt_as_it_is(query: str) -> None:
    assert f'"{query}" takes place' in question_text(Question(QuestionKind.FIND, query))


def test_a_caption_in_the_trained_form_is_read_in_programme_time() -> None:
    answer = Answer(
        "Scene: A kitchen in daylight.\nEvents:\n"
        "<14.3 - 18.2> A person pushes a door open\n<18.2 - 30.0> The person sits down"
    )
    read = read_caption(answer, WINDOW, STEP)
    assert read.scene == "A kitchen in daylight."
    assert [(event.span, event.text, event.flags) for event in read.events] == [
        (Span(Fraction("114.3"), Fraction("118.2")), "A person pushes a door open", ()),
        (Span(Fraction("118.2"), Fraction(130)), "The person sits down", ()),
    ]
    assert read.events[0].origin.windows == (WINDOW,)
    assert read.events[0].origin.raw == answer.raw
    assert read.discarded == ()


@pytest.mark.parametrize(
    "thoughts",
    ["<think>", "</think>", "<think>\n\n</think>\n\n", "<think>\nA door.\n</think>\n", " <think> </think> <think>\n"],
)
def test_leading_thoughts_are_left_out(thoughts: str) -> None:
    read = caption(thoughts + "Scene: A room.\nEvents:\n<1 - 2> A dog barks")
    assert (read.scene, len(read.events), read.discarded) == ("A room.", 1, ())
    assert find(thoughts + "From 1 to 2.") == ("1", "2", ())


def test_an_answer_that_never_left_its_thoughts_is_read_all_the_same() -> None:
    assert len(caption("<think>Events: <1 - 2> A dog barks</think>").events) == 1


@pytest.mark.parametrize(
    "line",
    [
        "<14.3 - 18.2> A door opens",
        "<14.3-18.2> A door opens",
        "14.3-18.2 A door opens",
        "14.3 - 18.2: A door opens",
        "14.3–18.2 A door opens",
        "14.3 — 18.2 A door opens",
        "14.3s - 18.2s: A door opens",
        "<14.3 sec - 18.2 sec> A door opens",
        "14.3 seconds to 18.2 seconds, A door opens",
        "From 14.3 to 18.2: A door opens",
        "0:14.3 - 0:18.2 A door opens",
        "00:00:14.3 - 00:00:18.2: A door opens",
        "[14.3 - 18.2] A door opens",
        "- <14.3 - 18.2> A door opens",
        "1. <14.3 - 18.2> A door opens",
        "**<14.3 - 18.2>** A door opens",
        "<14.3> - <18.2> A door opens",
        "<14.3 - 18.2>\nA door opens",
        "  <14.3\t-   18.2>  A \x1b[31mdoor\x1b[0m  opens  ",
        "<14.3 - 18.2> A door opens<|im_end|>",
    ],
)
@pytest.mark.parametrize("before", ["", "Events:\n", "Scene: A room.\n\n**Events:**\n", "Scene: A room. Events: "])
def test_every_form_of_a_time_range_means_the_same(line: str, before: str) -> None:
    assert only_event(before + line) == (Fraction("14.3"), Fraction("18.2"), "A door opens", ())


def test_minutes_and_hours_count() -> None:
    window = Span(Fraction(0), Fraction(2 * 3600))
    read = read_caption(Answer("<1:02.5 - 1:03> A\n<1:01:02 - 1:01:03> B\n<90:00 - 90:01> C"), window, STEP)
    assert [event.span.start for event in read.events] == [Fraction("62.5"), Fraction(3662), Fraction(5400)]


def test_events_on_one_line_are_told_apart() -> None:
    read = caption("Scene: A hall. Events: <0.0 - 1.0> A cat sleeps. <1.0 - 2.5> The cat wakes.")
    assert read.scene == "A hall."
    assert [(event.span.length, event.text) for event in read.events] == [
        (Fraction(1), "A cat sleeps"),
        (Fraction("1.5"), "The cat wakes"),
    ]


def test_without_headers_the_words_before_the_first_time_are_the_scene() -> None:
    read = caption("A quiet street.\nRain.\n<1 - 2> A car passes")
    assert (read.scene, len(read.events)) == ("A quiet street. Rain.", 1)


def test_a_span_that_ends_before_it_starts_is_told_and_never_made_an_event() -> None:
    read = caption("<18.2 - 14.3> A door opens\n<1 - 2> A dog barks")
    assert [event.text for event in read.events] == ["A dog barks"]
    assert read.discarded == ('Of 100 - 130 s the model wrote "<18.2 - 14.3> A door opens": it ends before it starts.',)
    assert find("From 18.2 to 14.3.") is None


def test_a_point_in_time_is_widened_to_one_step_inside_the_window() -> None:
    assert only_event("<4 - 4> A flash") == (Fraction(4), Fraction("4.5"), "A flash", ("widened",))
    assert only_event("<29.9 - 29.9> A flash") == (Fraction("29.5"), Fraction(30), "A flash", ("widened",))
    short = Span(Fraction(3), Fraction("3.2"))
    (event,) = read_caption(Answer("<0.1 - 0.1> A flash"), short, STEP).events
    assert event.span == short


def test_an_end_past_the_window_is_clamped_and_a_start_past_it_refused() -> None:
    assert only_event("<4 - 161> A walk") == (Fraction(4), Fraction(30), "A walk", ("clamped",))
    assert find("From 4 to 291.") == ("4", "30", ("clamped",))
    read = caption("<30 - 31> A walk\n<161 - 170> A run")
    assert read.events == ()
    assert all("after the window's end (30 s)" in sentence for sentence in read.discarded)
    assert len(read.discarded) == 2


def test_a_line_repeated_until_the_limit_is_kept_once() -> None:
    read = caption("Events:\n<1 - 2> A dog barks\n" + "<3 - 4> A cat runs\n" * 60, "length")
    assert [(event.text, event.flags) for event in read.events] == [
        ("A dog barks", ()),
        ("A cat runs", ("repeated", "partial")),
    ]
    assert read.discarded == ('Of 100 - 130 s the model wrote "A cat runs": it was repeated 59 times; one is kept.',)


def test_an_answer_cut_off_marks_its_last_event() -> None:
    read = caption("<1 - 2> A dog barks\n<3 - 4> A cat ru", "length")
    assert [event.flags for event in read.events] == [(), ("partial",)]
    assert "cut off" in caption("<1 - 2> A dog\n<3 -", "length").discarded[0]
    assert "before any event" in caption("Scene: A long", "length").discarded[0]
    assert find("From 1 to 2.", "length") == ("1", "2", ("partial",))


@pytest.mark.parametrize("text", ["", " \n", "<think>\n\n</think>\n\n"])
def test_an_empty_answer_is_said_to_be_empty(text: str) -> None:
    read = caption(text)
    assert (read.scene, read.events) == ("", ())
    assert read.discarded == ("Of 100 - 130 s the model wrote nothing: the answer is empty.",)
    finding, unread = read_find(Answer(text), WINDOW, STEP, "q")
    assert finding is None
    assert unread == read.discarded


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ("<1 - 2>", "it has a time, but no text"),
        ("<1 - 2>\n<3 - 4> A dog", "it has a time, but no text"),
        ("Events:\nsomething happens", "it names no time range"),
        ("<0:75 - 0:80> A dog", "that is not a time"),
        ("Events:\n<-3 - 5> A dog", "it names no time range"),
        ("Events:\n<1e400 - 5> A dog", "it names no time range"),
        ("Events:\n<١ - ٢> A dog", "it names no time range"),
    ],
)
def test_what_cannot_be_read_is_told_with_its_reason(text: str, reason: str) -> None:
    assert reason in caption(text).discarded[0]


@pytest.mark.parametrize(
    "text",
    [
        "From 14.3 to 18.2.",
        "from 14.3s to 18.2 seconds.",
        "From <14.3> to <18.2>.",
        "<14.3 - 18.2>",
        "14.3–18.2",
        "The door opens from 0:14.3 to 0:18.2.",
        'It takes place "From 14.3 to 18.2."',
    ],
)
def test_a_find_answer_is_read_in_every_form(text: str) -> None:
    assert find(text) == ("14.3", "18.2", ())


def test_of_several_spans_the_first_that_can_be_is_taken_and_the_others_told() -> None:
    finding, unread = read_find(Answer("From 9 to 2, or 4 to 5, or 7 to 8."), WINDOW, STEP, "q")
    assert finding is not None
    assert finding.span == Span(Fraction(104), Fraction(105))
    assert (finding.query, finding.score) == ("q", None)
    assert ["ends before" in unread[0], "first span" in unread[1]] == [True, True]
    assert find("From 1 to 2. From 1 to 2. From 1 to 2.") == ("1", "2", ("repeated",))


@pytest.mark.parametrize("text", ["It does not happen.", "From 1.5.6 to 3", "From -3 to 5.", "From 1e400 to 5."])
def test_a_find_answer_without_a_span_finds_nothing(text: str) -> None:
    assert find(text) is None


def test_absurd_numbers_are_read_as_far_past_the_end() -> None:
    assert find("From 1 to " + "9" * 5_000 + ".") == ("1", "30", ("clamped",))
    assert find("From " + "9" * 5_000 + " to " + "9" * 5_001 + ".") is None
    assert find("From 0." + "3" * 5_000 + " to 5.") == ("0.333333", "5", ())
    assert find("From " + "0" * 5_000 + "1 to 5.") == ("1", "5", ())


PIECES = st.sampled_from(
    ["<", ">", " - ", "-", "–", "1", "14.3", "29.99", "0:59", "1:02:03", "s", " seconds", ":", "Scene:", "Events:",
     "\n", " ", "From ", " to ", ".", "<think>", "</think>", "A dog", "**", "9" * 30, "٣", "\u202e", "\x00", "\ud800"]
)  # fmt: skip
ANSWERS = st.one_of(st.text(), st.text(st.characters()), st.lists(PIECES, max_size=40).map("".join))


@settings(max_examples=200, deadline=None)
@given(ANSWERS, st.sampled_from(["end", "length"]))
def test_whatever_the_model_writes_reading_it_gives_spans_inside_the_window(text: str, stopped_by: str) -> None:
    answer = Answer(text, stopped_by=stopped_by)
    read = read_caption(answer, WINDOW, STEP)
    finding, unread = read_find(answer, WINDOW, STEP, "q")
    spans = [event.span for event in read.events] + ([finding.span] if finding else [])
    for span in spans:
        assert WINDOW.start <= span.start < span.end <= WINDOW.end
    for event in read.events:
        assert event.text
        assert event.text.isprintable() or "\u200d" in event.text
    assert finding is not None or unread


@pytest.mark.parametrize("unit", ["1", " ", "<", "<1 - 2>\n", "1 - ", "1:", "1.", "<think>", "\x1b["])
def test_a_megabyte_is_read_quickly(unit: str) -> None:
    answer = Answer(unit * (1_000_000 // len(unit)))
    begun = time.process_time()
    read_caption(answer, WINDOW, STEP)
    read_find(answer, WINDOW, STEP, "q")
    assert time.process_time() - begun < 20


def test_a_flood_of_unreadable_lines_is_told_briefly() -> None:
    read = caption("Events:\n" + "\n".join(f"line {number}" for number in range(1_000)))
    assert len(read.discarded) == 51
    assert "950 more lines" in read.discarded[-1]


WORDS = st.lists(st.from_regex(r"[A-Za-zéßж]{1,12}", fullmatch=True), min_size=1, max_size=8).map(" ".join)
MILLISECONDS = st.lists(st.integers(0, 30_000), min_size=2, max_size=2, unique=True).map(
    lambda pair: Span(*(Fraction(one, 1000) for one in sorted(pair)))
)


@given(scene=st.one_of(st.just(""), WORDS), events=st.lists(st.tuples(MILLISECONDS, WORDS), max_size=6, unique=True))
def test_what_the_writers_write_is_what_the_readers_read(scene: str, events: list[tuple[Span, str]]) -> None:
    events = list({(span, text.casefold()): (span, text) for span, text in events}.values())
    read = caption(write_caption(scene, events))
    assert read.scene == scene
    shifted = [(Span(100 + span.start, 100 + span.end), text) for span, text in events]
    assert [(event.span, event.text) for event in read.events] == shifted
    if scene or events:
        assert read.discarded == ()
    for span, _ in events:
        finding, discarded = read_find(Answer(write_find(span)), WINDOW, STEP, "x")
        assert finding is not None
        assert (finding.span, discarded) == (Span(100 + span.start, 100 + span.end), ())


def test_a_written_answer_is_the_documented_one() -> None:
    events = [(Span(Fraction("14.3"), Fraction("18.2")), "A person pushes a door open.")]
    text = "Scene: A kitchen in daylight.\nEvents:\n<14.3 - 18.2> A person pushes a door open."
    assert write_caption("A kitchen in daylight.", events) == text
    assert write_find(events[0][0]) == "From 14.3 to 18.2."
