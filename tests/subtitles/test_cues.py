"""Cues read well one after another, in time, and every event is told or accounted for."""

from __future__ import annotations

from collections.abc import Iterable
from fractions import Fraction
from itertools import pairwise
from pathlib import Path

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from marlin_edit.analysis import Finding, Verdict
from marlin_edit.edit import Edit
from marlin_edit.errors import UsageError
from marlin_edit.interfaces import Context
from marlin_edit.settings import Settings
from marlin_edit.text import clean
from marlin_edit.timebase import Span
from marlin_edit_exporters.subtitles.cues import Track, shared_track, track_of
from marlin_edit_exporters.subtitles.cues.cue_file import CueFile, RawCue
from marlin_edit_exporters.subtitles.cues.line_breaks import _lines, _pages, _row, _two_lines, _two_pages, pages_of
from marlin_edit_exporters.subtitles.cues.lint import Video, faults_of
from marlin_edit_exporters.subtitles.cues.profiles import Pace, names, profile_named, words_of
from marlin_edit_exporters.subtitles.cues.values import joined
from marlin_edit_exporters.subtitles.cues.width import cells, graphemes
from tests.support.subtitle_checkers import (
    DEFAULTS,
    RATE,
    bare,
    choices,
    edit_of,
    edits,
    event,
    nasty_edit,
    settings_of,
)

PACE = Pace.of(profile_named("default"), RATE)
ENGLISH = words_of("en")
WORDS = st.sampled_from(["a", "the", "door", "opens,", "and", "walks.", "Into", "bright", "rooms"])
ONE_CELL_WIDER = "walks. a opens, the the the door door door bright a the the the the the opens, opens, opens,"
"""Than its first sentence, and two lines that are full."""
CLEANED = st.text(st.characters(exclude_categories=()), min_size=1, max_size=400).map(clean).filter(bool)


def times_of(edit: Edit, settings: Settings = DEFAULTS) -> list[tuple[int, int]]:
    return [(cue.start, cue.end) for cue in track_of(edit, settings).cues]


def texts_of(edit: Edit, settings: Settings = DEFAULTS) -> list[str]:
    return [cue.text for cue in track_of(edit, settings).cues]


@pytest.mark.parametrize(
    ("text", "lines"),
    [
        ("A short line.", ("A short line.",)),
        (
            "A person pushes a heavy wooden door open and walks in.",
            ("A person pushes a heavy wooden door open", "and walks in."),
        ),
        (
            "The man looks up. The woman in the red coat sits down.",
            ("The man looks up.", "The woman in the red coat sits down."),
        ),
        (
            "A tall man in a long blue coat, smiling, opens the gate.",
            ("A tall man in a long blue coat,", "smiling, opens the gate."),
        ),
        (
            "Somebody hands a small parcel to Mr. John Smith outside.",
            ("Somebody hands a small parcel", "to Mr. John Smith outside."),
        ),
        (
            "Two children who are running chase the ball over a lawn.",
            ("Two children who are running", "chase the ball over a lawn."),
        ),
        ("人が開いたドアを通り抜けて台所に入り、箱を取る。", ("人が開いたドアを通り抜けて台所に入り、", "箱を取る。")),
    ],
)
def test_lines_break_where_they_read_well(text: str, lines: tuple[str, ...]) -> None:
    assert pages_of(text, PACE, ENGLISH) == [lines]


def test_a_long_text_is_divided_after_a_sentence() -> None:
    text = "A man in a blue coat walks along the street. A woman crosses it, and she waves to him from the other side."
    assert pages_of(text, PACE, ENGLISH) == [
        ("A man in a blue coat walks", "along the street."),
        ("A woman crosses it,", "and she waves to him from the other side."),
    ]


def test_a_word_wider_than_a_line_is_divided_between_graphemes() -> None:
    family = "👩‍👩‍👧‍👦"
    (page,) = pages_of(family * 30, PACE, ENGLISH)
    assert "".join(page) == family * 30
    assert all(set(graphemes(line)) == {family} for line in page)


@given(CLEANED, st.sampled_from(names()), st.sampled_from(["en", "he"]))
def test_breaking_changes_no_word_and_keeps_every_limit(text: str, profile: str, language: str) -> None:
    pace = Pace.of(profile_named(profile), RATE)
    pages = pages_of(text, pace, words_of(language))
    assert bare([line for page in pages for line in page]) == bare(text)
    for page in pages:
        assert 1 <= len(page) <= pace.profile.lines
        assert all(cells(line) <= pace.profile.cells for line in page)
        width = sum(map(cells, page))
        assert pace.times(width, sum(line.count(" ") + 1 for line in page))[0] <= pace.longest


@given(CLEANED)
@example("0" * 42 + " \u0300")
def test_no_grapheme_is_ever_divided(text: str) -> None:
    """Lines end at blanks, also before a mark that stands alone (Unicode's line breaking, LB10 and LB18)."""

    def of_words(lines: Iterable[str]) -> list[str]:
        return [one for line in lines for word in line.split(" ") for one in graphemes(word)]

    assert of_words(line for page in pages_of(text, PACE, ENGLISH) for line in page) == of_words([text])


@given(st.lists(WORDS, min_size=8, max_size=18))
def test_the_quick_way_to_two_lines_gives_what_the_thorough_one_gives(several: list[str]) -> None:
    text = " ".join(several)
    quick = _two_lines(text, 42, ENGLISH)
    row = _row(text, PACE, ENGLISH)
    thorough = _lines(row, 0, len(row.pieces), row.line_ends(42), 42)
    assert len(thorough) != 2 or quick == thorough, (quick, thorough)


@given(st.lists(WORDS, min_size=16, max_size=45), st.sampled_from(names()))
@example(ONE_CELL_WIDER.split(), "default")
@example([*["a"] * 11, *["opens,"] * 9, "the", "the", *["opens,"] * 11], "default")
def test_the_quick_way_to_two_pages_gives_what_the_thorough_one_gives(several: list[str], profile: str) -> None:
    pace = Pace.of(profile_named(profile), RATE)
    text = " ".join(several)
    quick = _two_pages(text, pace, ENGLISH)
    row = _row(text, pace, ENGLISH)
    thorough = [row.text(*one) for one in _pages(row, row.line_ends(pace.profile.cells), pace)]
    assert quick is None or len(thorough) == 1 or list(quick) == thorough
    assert quick is not None or len(thorough) != 2 or pace.profile.lines != 2


def test_profiles_are_known_by_name() -> None:
    assert names() == ["bbc-online", "bbc-portrait", "dcmp", "default", "netflix-en"]
    assert (profile_named("netflix-en").cells, profile_named("netflix-en").lines) == (42, 2)
    with pytest.raises(UsageError, match=r"no profile 'netflix'. Did you mean netflix-en\?"):
        profile_named("netflix")


def test_a_person_can_write_a_profile_that_differs_from_another(tmp_path: Path) -> None:
    path = tmp_path / "kids.toml"
    path.write_text('base = "netflix-en"\ncells = 30\ntop_speed = 17\nwished_speed = "13.5"\n')
    profile = profile_named(str(path))
    assert (profile.name, profile.cells, profile.lines, profile.wished_speed) == ("kids", 30, 2, Fraction("13.5"))


@pytest.mark.parametrize(
    ("content", "message"),
    [
        ("cels = 30", "Did you mean cells"),
        ("cells = 3", "cells is a whole number from 10 to 200"),
        ("longest = 0.5", "a shortest time above its longest"),
        ("top_speed = 10", "wishes a speed above its top speed"),
        ("late = 'soon'", "late is a number"),
        ("base = 'mine'", "base is one of"),
        ("seconds_a_word = 5", "would need longer than its longest cue"),
        ("cells = ", "is not TOML"),
    ],
)
def test_a_fault_in_a_profile_is_named(tmp_path: Path, content: str, message: str) -> None:
    path = tmp_path / "mine.toml"
    path.write_text(content)
    with pytest.raises(UsageError, match=message):
        profile_named(str(path))


def test_times_round_to_the_nearest_millisecond() -> None:
    assert times_of(edit_of(event("1/3", "2.0005"))) == [(333, 2001)]


def test_a_cue_ends_two_frames_before_the_next_begins() -> None:
    assert times_of(edit_of(event("1", "10"), event("4", "6"))) == [(1000, 3920), (4000, 6000)]


def test_events_that_begin_together_are_told_one_after_another() -> None:
    track = track_of(edit_of(event("1", "5", "first"), event("1", "5", "second")), DEFAULTS)
    assert [(cue.start, cue.end, cue.text) for cue in track.cues] == [(1000, 1834, "first"), (1914, 5000, "second")]
    assert track.notes == (
        "1 event moved by up to 0.914 s, so that cues follow one another",
        "1 cue was shortened because events overlap",
    )


def test_a_very_short_event_is_shown_long_enough_to_be_read() -> None:
    track = track_of(edit_of(event("1", "1.00001", "A man walks to the door.")), DEFAULTS)
    assert [(cue.start, cue.end) for cue in track.cues] == [(1000, 2800)]  # 0.3 s a word
    assert track.notes == ("1 cue shown past the event's end, to be readable",)


def test_a_long_event_is_not_shown_for_more_than_seven_seconds() -> None:
    assert times_of(edit_of(event("1", "60"))) == [(1000, 8000)]


def test_a_gap_that_would_only_flicker_is_closed() -> None:
    assert times_of(edit_of(event("1", "3.7"), event("4", "6"))) == [(1000, 3920), (4000, 6000)]
    assert times_of(edit_of(event("1", "3.4"), event("4", "6"))) == [(1000, 3400), (4000, 6000)]


def test_under_the_bbcs_rules_cues_touch_or_are_a_second_apart() -> None:
    bbc = settings_of(profile="bbc-online")
    assert times_of(edit_of(event("1", "3.2"), event("4", "6")), bbc) == [(1000, 4000), (4000, 6000)]


def test_starts_and_ends_near_a_shot_change_go_there() -> None:
    edit = edit_of(event("1.2", "3.9"), event("9", "12"), shots=(Fraction(1), Fraction(4), Fraction(30)))
    assert times_of(edit) == [(1000, 3920), (9000, 12_000)]


def test_events_are_sorted() -> None:
    assert texts_of(edit_of(event("5", "6", "later"), event("1", "2", "sooner"))) == ["sooner", "later"]


def test_an_event_at_the_end_begins_earlier_to_be_shown_in_full() -> None:
    assert times_of(edit_of(event("9.9", "12"), duration=10)) == [(10_000 - 834, 10_000)]


def test_what_lies_outside_the_media_is_told() -> None:
    track = track_of(edit_of(event("9", "12", "half in"), event("10", "11", "outside"), duration=10), DEFAULTS)
    assert [(cue.start, cue.end) for cue in track.cues] == [(9000, 10_000)]
    assert track.notes == (
        "left out, because it begins after the end of the media: 00:00:10.000 outside",
        "1 event ended with the media",
    )


def forty() -> Edit:
    events = [event(Fraction(n, 10), Fraction(n + 1, 10), f"event {n}") for n in range(40)]
    return edit_of(*events, duration=60)


def test_of_forty_events_of_a_tenth_of_a_second_those_that_can_be_read_are_told_and_all_others_named() -> None:
    track = track_of(forty(), DEFAULTS)
    left_out = [note.rsplit(" ", 1)[1] for note in track.notes if note.startswith("left out, because more happens")]
    assert 8 <= len(track.cues) <= 10
    assert sorted([cue.text.split()[1] for cue in track.cues] + left_out, key=int) == [str(n) for n in range(40)]


def test_full_detail_tells_all_forty_however_late() -> None:
    assert texts_of(forty(), settings_of(detail="full")) == [f"event {n}" for n in range(40)]


def test_low_detail_leaves_out_what_lies_within_another_event() -> None:
    edit = edit_of(event("1", "30", "whole"), event("10", "12", "inner"), event("29", "40", "next"))
    track = track_of(edit, settings_of(detail="low"))
    assert [cue.text for cue in track.cues] == ["whole", "next"]
    assert track.notes[0] == "left out, because it lies within another event (--detail low): 00:00:10.000 inner"


def test_a_portrait_picture_has_three_narrow_lines() -> None:
    text = "A person pushes a heavy wooden door open and walks in."
    (cue,) = track_of(edit_of(event("1", "9", text), width=1080, height=1920), DEFAULTS).cues
    assert cue.lines == ("A person pushes a heavy", "wooden door open", "and walks in.")


def test_without_events_the_findings_are_told() -> None:
    span = Span(Fraction(1), Fraction(3))
    findings = (Finding(span, "a door opens"), Finding(span, "a dog barks", verdict=Verdict.REJECTED))
    track = track_of(edit_of(findings=findings), DEFAULTS)
    assert [cue.text for cue in track.cues] == ["a door opens"]
    assert track.notes == ("1 rejected finding left out",)


def test_with_events_it_is_said_that_the_findings_are_not_told() -> None:
    finding = Finding(Span(Fraction(1), Fraction(3)), "a door opens")
    track = track_of(edit_of(event("5", "6", "An event."), findings=(finding,)), DEFAULTS)
    assert [cue.text for cue in track.cues] == ["An event."]
    assert track.notes == ("1 finding left out, because the track shows the events",)


def test_metadata_keeps_every_event_whole_and_at_its_own_time() -> None:
    edit = edit_of(event("1", "5", "many words " * 50), event("1.5", "1.6", "inner"), event("700", "701", "outside"))
    track = track_of(edit, settings_of(kind="metadata"))
    assert [(cue.start, cue.end, len(cue.lines)) for cue in track.cues] == [(1000, 5000, 1), (1500, 1600, 1)]
    assert track.notes == ("left out, because it begins after the end of the media: 00:11:40.000 outside",)


def check_rules(edit: Edit, chosen: dict[str, str], track: Track) -> None:
    """One lane inside the media after every rule of the profile, and every event in it or in the notes."""
    (source,) = edit.sources
    cues = track.cues
    profile = profile_named(chosen.get("profile", "default")).on_picture(source.media)
    pace = Pace.of(profile, source.media.rate)
    assert all(cue.end <= following.start for cue, following in pairwise(cues))
    if source.media.duration:
        assert all(cue.end <= source.media.duration * 1000 for cue in cues)
    shots = sorted({round(shot * 1000) for shot in source.shots or ()})
    file = CueFile("any", [RawCue(cue.start, cue.end, cue.lines, n) for n, cue in enumerate(cues)])
    end = int(source.media.duration * 1000) or 10**15
    assert [fault for fault in faults_of(file, pace, Video(end, tuple(shots))) if fault.rule != "shot"] == []
    told = [clean(item.text) for item in source.events]
    left_out = [note.split(": ", 1)[1].split(" ", 1)[1] for note in track.notes if note.startswith("left out, ")]
    assert len(bare(cue.text for cue in cues)) + len(bare(left_out)) == len(bare(told))
    assert sorted(bare(cue.text for cue in cues) + bare(left_out)) == sorted(bare(told))


@given(edits(), choices())
@settings(max_examples=60)
def test_random_events_keep_every_rule_and_none_is_lost(edit: Edit, chosen: dict[str, str]) -> None:
    check_rules(edit, chosen, track_of(edit, settings_of(**chosen)))


@pytest.mark.slow
@given(edits(), choices())
@settings(max_examples=10_000)
def test_ten_thousand_random_event_lists_keep_every_rule_and_lose_none(edit: Edit, chosen: dict[str, str]) -> None:
    check_rules(edit, chosen, track_of(edit, settings_of(**chosen)))


@pytest.mark.parametrize("profile", names())
@pytest.mark.parametrize("detail", ["low", "normal", "full"])
def test_nasty_texts_keep_every_rule_and_none_is_lost(profile: str, detail: str) -> None:
    chosen = {"profile": profile, "detail": detail}
    edit = nasty_edit()
    check_rules(edit, chosen, track_of(edit, settings_of(**chosen)))


def test_the_same_edit_gives_the_same_cues() -> None:
    assert track_of(nasty_edit(), DEFAULTS) == track_of(nasty_edit(), settings_of())


def test_lines_are_joined_with_a_blank_but_not_in_japanese() -> None:
    assert joined(("one", "two")) == "one two"
    assert joined(("人が", "開く")) == "人が開く"


def test_the_outputs_of_one_edit_share_a_track_and_other_edits_do_not() -> None:
    edit, other = edit_of(event("1", "5", "first")), edit_of(event("1", "5", "first"))
    context = Context(DEFAULTS)
    assert shared_track(edit, context) is shared_track(edit, context)
    assert shared_track(edit, context) == track_of(edit, DEFAULTS)
    assert shared_track(other, context) is not shared_track(edit, context)
