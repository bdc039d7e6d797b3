"""The analysis file: written without loss, read with patience, refused by place."""

from __future__ import annotations

import contextlib
import json
from dataclasses import replace
from fractions import Fraction
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from marlin_edit.analysis import (
    Analysis,
    Asked,
    Event,
    Finding,
    ModelIdentity,
    Origin,
    Scene,
    Sense,
    SpokenWord,
    Utterance,
    Verdict,
)
from marlin_edit.edit import Cut, Edit
from marlin_edit.errors import MarlinEditError
from marlin_edit.interfaces import Context
from marlin_edit.media import FrameTimes, MediaInfo, Stream
from marlin_edit.settings import Settings
from marlin_edit.text import clean
from marlin_edit.timebase import FrameRange, FrameRate, Span
from marlin_edit_exporters.analysis_json import read, render

RATE = FrameRate.parse("23.976")
MEDIA = MediaInfo(
    Path("/media/interview.mov"), Fraction("600.6"), rate=RATE, frame_count=14400, start_frame=86400, has_timecode=True
)


def written(edit: Edit | Analysis, path: Path | None = Path("/out/analysis.json")) -> str:
    if isinstance(edit, Analysis):
        edit = Edit("x", edit.media.rate or RATE, 0, (edit,))
    content = render(edit, Context(Settings({}), path, Path("/nowhere"))).content
    assert isinstance(content, str)
    return content


def read_text(document: Any, media: MediaInfo | None = None) -> Analysis:
    analysis = read((document if isinstance(document, str) else json.dumps(document)).encode(), media)
    assert isinstance(analysis, Analysis)
    return analysis


def minimal(**more: Any) -> dict[str, Any]:
    return {"schema": "marlin-edit.analysis/1", "media": {"path": "a.mov"}, "events": []} | more


ANY_TEXT = st.text(st.characters(exclude_categories=()), max_size=12)
CLEAN = ANY_TEXT.map(clean)
FLAGS = st.lists(CLEAN, max_size=2).map(tuple)
SECONDS = st.fractions(0, 40_000, max_denominator=30_000) | st.decimals(0, 40_000, places=3).map(Fraction)
SPANS = st.tuples(SECONDS, SECONDS).filter(lambda pair: pair[0] != pair[1]).map(lambda pair: Span(*sorted(pair)))
ORIGINS = st.builds(Origin, st.lists(SPANS, max_size=2).map(tuple), ANY_TEXT, st.lists(ANY_TEXT, max_size=2).map(tuple))
NUMBERS = st.integers(-(10**20), 10**20) | st.floats(allow_nan=False, allow_infinity=False)
JSON_VALUES = st.recursive(
    st.none() | st.booleans() | NUMBERS | ANY_TEXT,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(ANY_TEXT, inner, max_size=3),
    max_leaves=6,
)
RATES = [FrameRate.parse(name) for name in ("23.976", "25", "29.97", "29.97df", "59.94df", "60", "100", "119.88")]
STREAMS = st.builds(
    Stream, st.integers(0, 9), st.sampled_from(["video", "audio", "subtitle"]), CLEAN, st.none() | CLEAN.filter(bool),
    st.none() | CLEAN.filter(bool), st.booleans(), CLEAN,
)  # fmt: skip


@st.composite
def medias(draw: st.DrawFn) -> MediaInfo:
    rate = draw(st.sampled_from(RATES) | st.none())
    timecode = rate is not None and draw(st.booleans())
    return MediaInfo(
        path=Path("/media") / draw(st.sampled_from(["interview.mov", "a b#%&\"'.mp4", "日本/\udcff.mxf"])),
        duration=draw(SECONDS),
        rate=rate,
        frame_count=draw(st.integers(0, 10**7)) if rate is not None else 0,
        start_frame=draw(st.integers(0, rate.base * 86_000)) if rate is not None and timecode else 0,
        has_timecode=timecode,
        reel=draw(st.none() | CLEAN),
        video_index=draw(st.none() | st.integers(0, 5)),
        width=draw(st.integers(0, 8192)),
        height=draw(st.integers(0, 8192)),
        fingerprint=draw(CLEAN),
        streams=tuple(draw(st.lists(STREAMS, max_size=3))),
    )


SPOKEN_WORDS = st.builds(
    SpokenWord, SPANS, st.builds(str.__add__, st.sampled_from(["", " "]), CLEAN), st.none() | st.floats(0, 1)
)
UTTERANCES = st.builds(
    Utterance, SPANS, CLEAN, st.lists(SPOKEN_WORDS, max_size=2).map(tuple), st.none() | st.floats(0, 1), CLEAN, CLEAN
)


ANALYSES = st.builds(
    Analysis,
    media=medias(),
    model=st.none() | st.builds(ModelIdentity, CLEAN, CLEAN, CLEAN, CLEAN, CLEAN),
    scenes=st.lists(st.builds(Scene, SPANS, CLEAN, ORIGINS), max_size=3).map(tuple),
    events=st.lists(st.builds(Event, SPANS, CLEAN, FLAGS, ORIGINS), max_size=3).map(tuple),
    findings=st.lists(
        st.builds(
            Finding,
            SPANS,
            CLEAN,
            st.none() | st.floats(0, 1),
            st.dictionaries(ANY_TEXT, st.floats(-1e9, 1e9), max_size=2),
            FLAGS,
            st.none() | st.sampled_from(Verdict),
            ORIGINS,
            sense=st.sampled_from(Sense),
            quote=CLEAN,
        ),
        max_size=3,
    ).map(tuple),
    asked=st.lists(
        st.builds(Asked, st.none() | CLEAN, st.lists(SPANS, max_size=2).map(tuple), st.sampled_from(Sense)), max_size=2
    ).map(tuple),
    shots=st.none() | st.lists(SECONDS, max_size=3).map(tuple),
    speech=st.none() | st.lists(UTTERANCES, max_size=3).map(tuple),
    discarded=st.lists(CLEAN, max_size=2).map(tuple),
    unseen=st.lists(SPANS, max_size=2).map(tuple),
    extra=st.dictionaries(ANY_TEXT.map(lambda key: "x-" + key), JSON_VALUES, max_size=2),
)


@given(ANALYSES)
@settings(max_examples=40, deadline=None)
def test_what_is_written_is_read_back(analysis: Analysis) -> None:
    text = written(analysis)
    text.encode()
    assert read_text(text) == analysis
    assert written(read_text(text)) == text


@given(st.binary(max_size=60) | JSON_VALUES.map(lambda value: json.dumps(value).encode()))
@settings(max_examples=120, deadline=None)
def test_whatever_is_read_is_an_analysis_or_a_clear_error(content: bytes) -> None:
    with pytest.raises(MarlinEditError):
        read(content, None)


@given(st.data())
@settings(max_examples=120, deadline=None)
def test_a_file_with_a_foreign_value_in_any_place_is_read_or_refused(data: st.DataObject) -> None:
    span = Span(Fraction(1), Fraction(2))
    origin = Origin((span,), "raw", ("more",))
    finding = Finding(span, "q", 0.5, {"margin": 1.0}, ("flag",), Verdict.ACCEPTED, origin)
    said = Utterance(span, "a b", (SpokenWord(span, "a", 0.5), SpokenWord(span, " b")), 0.5, "Ann", "en")
    full = Analysis(
        replace(MEDIA, streams=(Stream(0, "video", "h264"),)), ModelIdentity("m"), (Scene(span, "s", origin),),
        (Event(span, "e", ("f",), origin),), (finding,), (Asked("q", (span,)),), (Fraction(1),), (said,), ("u",),
        (span,),
    )  # fmt: skip
    document = json.loads(written(full))
    value: Any = document
    while isinstance(value, (dict, list)) and value:
        keys: list[Any] = sorted(value) if isinstance(value, dict) else list(range(len(value)))
        key = data.draw(st.sampled_from(keys))
        if data.draw(st.booleans()) or not isinstance(value[key], (dict, list)):
            odd = st.sampled_from([float("nan"), float("inf"), "1e999999999", "9" * 5000])
            value[key] = data.draw(JSON_VALUES | odd)
            break
        value = value[key]
    with contextlib.suppress(MarlinEditError):
        read_text(document)


def test_an_analysis_file_looks_like_this() -> None:
    span = Span(Fraction("14.3"), Fraction("18.2"))
    minute = Span(Fraction(0), Fraction(60))
    finding = Finding(span, "a door opens")
    source = Analysis(
        media=replace(MEDIA, reel="A001C002", width=1920, height=1080, video_index=0),
        model=ModelIdentity("NemoStation/Marlin-2B", "fd111fca", dtype="bfloat16"),
        scenes=(Scene(minute, "A kitchen in daylight."),),
        events=(Event(span, "A person pushes a door open.", ("widened",), Origin((minute,), "raw")),),
        findings=(finding,),
        asked=(Asked("a door opens", (Span(Fraction(0), Fraction(600)),)),),
    )
    edit = Edit("x", RATE, 86400, (source,), (Cut(source, FrameRange(343, 437), finding, "a door opens"),))
    assert written(edit, Path("/media/analysis.json")) == (
        "{\n"
        ' "schema": "marlin-edit.analysis/1",\n'
        ' "media": {"path": "interview.mov", "duration": "600.6", "rate": "24000/1001", "drop_frame": false, '
        '"frame_count": 14400, "start_timecode": "01:00:00:00", "reel": "A001C002", "width": 1920, "height": 1080, '
        '"video_stream": 0},\n'
        ' "model": {"name": "NemoStation/Marlin-2B", "revision": "fd111fca", "dtype": "bfloat16"},\n'
        ' "scenes": [\n'
        '  {"start": "0", "end": "60", "text": "A kitchen in daylight."}\n'
        " ],\n"
        ' "events": [\n'
        '  {"start": "14.3", "end": "18.2", "text": "A person pushes a door open.", "flags": ["widened"], '
        '"origin": {"windows": [["0", "60"]], "raw": "raw"}}\n'
        " ],\n"
        ' "findings": [\n'
        '  {"query": "a door opens", "start": "14.3", "end": "18.2", "score": null, "signals": {}, "flags": [], '
        '"accepted": true}\n'
        " ],\n"
        ' "asked": [\n'
        '  {"query": "a door opens", "looked_at": [["0", "600"]]}\n'
        " ],\n"
        ' "results": [\n'
        '  {"query": "a door opens", "found": 1, "accepted": 1, '
        '"best": {"start": "14.3", "end": "18.2", "score": null, "grade": null}}\n'
        " ],\n"
        ' "cuts": [\n'
        '  {"name": "a door opens", "first": 343, "stop": 437, "start": "343343/24000", "end": "437437/24000", '
        '"source_in": "01:00:14:07", "source_out": "01:00:18:05", "record_in": "01:00:00:00", '
        '"record_out": "01:00:03:22", "finding": 0}\n'
        " ]\n"
        "}\n"
    )


def test_schema_and_one_list_are_enough() -> None:
    analysis = read_text({"schema": "marlin-edit.analysis/1", "events": [{"start": 1, "end": 2.5, "text": "x"}]}, MEDIA)
    assert analysis == Analysis(MEDIA, events=(Event(Span(Fraction(1), Fraction("2.5")), "x"),))


def test_times_are_read_from_numbers_decimals_and_fractions() -> None:
    events = [{"start": 14.3, "end": "1001/24", "text": "x"}]
    (event,) = read_text(minimal(events=events)).events
    assert event.span == Span(Fraction("14.3"), Fraction(1001, 24))


def test_what_the_file_says_of_its_media_stands_and_the_rest_is_the_callers() -> None:
    told = {"path": "old/place.mov", "rate": "25", "start_timecode": "10:00:00:00"}
    analysis = read_text(minimal(media=told), replace(MEDIA, path=Path("/new/place.mov"), reel="A1"))
    assert analysis.media.rate == FrameRate(Fraction(25))
    assert analysis.media.start_frame == 900_000
    assert analysis.media.path == Path("/new/place.mov")
    assert analysis.media.reel == "A1"
    assert analysis.media.duration == MEDIA.duration


def test_duration_and_frame_count_follow_from_each_other() -> None:
    assert read_text(minimal(media={"path": "a", "rate": 25, "frame_count": 50})).media.duration == 2
    assert read_text(minimal(media={"path": "a", "rate": "23.976", "duration": "1.001"})).media.frame_count == 24


def test_a_semicolon_in_the_start_time_code_says_drop_frame() -> None:
    told = {"path": "a", "rate": "29.97", "start_timecode": "01:00:00;00"}
    media = read_text(minimal(media=told)).media
    assert media.rate == FrameRate(Fraction(30000, 1001), drop_frame=True)
    assert media.start_frame == 107892


def test_that_the_rate_varies_is_kept_and_said() -> None:
    varying = replace(MEDIA, times=FrameTimes((0, 1, 3), Fraction(1, 24)))
    text = written(Analysis(varying))
    analysis = read_text(text)
    assert any("The rate is variable" in note for note in analysis.media.notes)
    assert written(analysis) == text
    assert read_text(text, varying) == Analysis(varying)


def test_unknown_keys_are_kept_at_the_top_in_the_media_and_in_entries() -> None:
    document = minimal(
        mood={"deep": [1, 2.5, None]},
        media={"path": "/a.mov", "duration": "0", "camera": "B"},
        model={"name": "m", "quantised": True},
        events=[
            {"start": "1", "end": "2", "text": "x", "person": 7},
            {"start": 3.0, "end": "4", "text": " y  z ", "person": 8, "origin": {"raw": "r"}},
            {"start": "5", "end": "6", "text": "plain"},
        ],
    )
    again = json.loads(written(read_text(document)))
    assert again["mood"] == {"deep": [1, 2.5, None]}
    assert again["media"]["camera"] == "B"
    assert again["model"]["quantised"] is True
    assert [event.get("person") for event in again["events"]] == [7, 8, None]


def test_an_unknown_key_stays_with_its_event_when_others_are_dropped() -> None:
    events = [{"start": str(n), "end": str(n + 1), "text": "x", "person": n} for n in range(3)]
    analysis = read_text(minimal(events=events))
    again = json.loads(written(replace(analysis, events=analysis.events[2:])))
    assert [event["person"] for event in again["events"]] == [2]


def test_texts_are_cleaned_as_they_come_in() -> None:
    events = [{"start": 1, "end": 2, "text": "a\u001b[31m red\n\u202edoor\ud800"}]
    assert read_text(minimal(events=events)).events[0].text == "a red door"


def test_a_byte_order_mark_is_no_obstacle() -> None:
    analysis = read(b"\xef\xbb\xbf" + json.dumps(minimal()).encode(), None)
    assert isinstance(analysis, Analysis)
    assert analysis.events == ()


def test_several_sources_are_written_in_one_file() -> None:
    first, second = Analysis(MEDIA), Analysis(replace(MEDIA, path=Path("/media/b.mov")))
    edit = Edit("x", RATE, 0, (first, second), (Cut(second, FrameRange(0, 10), None, ""),))
    document = json.loads(written(edit))
    assert [source["media"]["path"] for source in document["sources"]] == ["/media/interview.mov", "/media/b.mov"]
    assert document["cuts"][0]["source"] == 1
    both = read(json.dumps(document).encode(), None)
    assert isinstance(both, tuple)
    assert [one.media.path.name for one in both] == ["interview.mov", "b.mov"]
    assert read_text(document, replace(MEDIA, path=Path("b.mov"))).media.path == Path("b.mov")
    with pytest.raises(MarlinEditError, match=r"None of its sources.*interview\.mov"):
        read_text(document, replace(MEDIA, path=Path("c.mov")))


def test_one_source_in_a_list_is_read() -> None:
    assert read_text({"schema": "marlin-edit.analysis/1", "sources": [minimal()]}).media.path == Path("a.mov")


def test_the_path_is_relative_where_the_media_lies_beside_the_file() -> None:
    def path_in(where: Path | None) -> str:
        path: str = json.loads(written(Analysis(MEDIA), where))["media"]["path"]
        return path

    assert path_in(Path("/media/a.json")) == "interview.mov"
    assert path_in(Path("/elsewhere/a.json")) == "/media/interview.mov"
    assert path_in(None) == "/media/interview.mov"


def test_the_vendors_own_answer_is_read() -> None:
    vendor = {
        "caption": "ignored",
        "raw": "ignored",
        "scene": "A kitchen.",
        "events": [
            {"start": 1.0, "end": 2.3, "description": "A person pushes a door open."},
            {"start": 5.0, "end": 4.0, "description": "Reversed."},
            {"start": -5.0, "end": 4.0, "description": "Too early."},
            {"start": 5.0, "end": "later", "description": "When?"},
        ],
    }
    analysis = read_text(vendor, MEDIA)
    assert analysis.scenes == (Scene(Span(Fraction(0), MEDIA.duration), "A kitchen."),)
    assert analysis.events == (Event(Span(Fraction(1), Fraction("2.3")), "A person pushes a door open."),)
    assert analysis.discarded == (
        "events[1]: 5 - 4 s is not a span: Reversed.",
        "events[2].start: this should not be before zero, not -5.0. What is said: Too early.",
        'events[3].end: this should be seconds from zero, like 14.3, "14.3" or "1001/24", not "later". '
        "What is said: When?",
    )


def test_the_vendors_answer_needs_its_media() -> None:
    with pytest.raises(MarlinEditError, match="--media FILE"):
        read_text({"scene": "A kitchen.", "events": []})


@pytest.mark.parametrize(
    ("document", "message"),
    [
        (minimal(events=[{"start": "1", "end": "2", "text": "x"}] * 3 + [{"start": "1", "end": "0", "text": "x"}]),
         r'events\[3\]\.end: this should come after the start \(1\), not "0"\.'),
        (minimal(events=[{"start": "5", "end": "1", "text": "x"}]), r"events\[0\]\.end: "),
        (minimal(events=[{"start": float("nan"), "end": "1", "text": "x"}]), r"events\[0\]\.start: nan"),
        (minimal(events=[{"start": 0, "end": float("inf"), "text": "x"}]), r"events\[0\]\.end: inf"),
        (minimal(mood=[1, float("nan")]), r"mood\[1\]: nan"),
        (minimal(events=[{"start": "NaN", "end": "1", "text": "x"}]), r"events\[0\]\.start: this should be seconds"),
        (minimal(events=[{"start": True, "end": "1", "text": "x"}]), r"events\[0\]\.start: .* not true\."),
        (minimal(events=[{"start": -1, "end": "1", "text": "x"}]), r"events\[0\]\.start: .*before zero"),
        (minimal(events=[{"start": 0, "end": "1e999999999", "text": "x"}]), r"events\[0\]\.end: "),
        (minimal(events=[{"start": 0, "end": 10**30, "text": "x"}]), r"events\[0\]\.end: "),
        (minimal(events=[{"start": "x", "end": "1", "text": "x", "person": 7}]), r"events\[0\]\.start: "),
        (minimal(events=[{"start": 0, "end": "1/0", "text": "x"}]), r"events\[0\]\.end: "),
        (minimal(events=[{"start": 0, "end": 1}]), r"events\[0\]\.text: this should be text, not nothing\."),
        (minimal(events=[{"end": 1, "text": "x"}]), r"events\[0\]\.start: .* not nothing\."),
        (minimal(events={"start": 1}), r"events: this should be a list, not an object\."),
        (minimal(events=["x"]), r'events\[0\]: this should be an object, not "x"\.'),
        (minimal(findings=[{"start": 0, "end": 1, "query": "q", "score": 1.5}]), r"findings\[0\]\.score: .*0 and 1"),
        (minimal(findings=[{"start": 0, "end": 1, "query": "q", "score": "high"}]), r"findings\[0\]\.score: .*number"),
        (minimal(findings=[{"start": 0, "end": 1, "query": "q", "verdict": "yes"}]), r"findings\[0\]\.verdict: "),
        (minimal(asked=[{"query": "q", "looked_at": [["0"]]}]), r"asked\[0\]\.looked_at\[0\]: "),
        (minimal(shots=["x"]), r"shots\[0\]: "),
        (minimal(media={"path": "a", "rate": "fast"}), r"media\.rate: "),
        (minimal(media={"path": "a", "rate": "25", "drop_frame": True}), r"media\.rate: Drop-frame"),
        (minimal(media={"path": "a", "rate": "25", "start_timecode": "01:00:00:30"}), r"media\.start_timecode: "),
        (minimal(media={"path": "a", "start_timecode": "01:00:00:00"}), r"media\.start_timecode: .*--rate"),
        (minimal(media={"path": "a", "frame_count": -1}), r"media\.frame_count: "),
        (minimal(media={"rate": "25"}), r"media\.path.*--media FILE"),
        ({"schema": "marlin-edit.analysis/1", "events": []}, "--media FILE"),
        ({"schema": "marlin-edit.analysis/1", "media": {"path": "a"}}, "no list"),
        ({"schema": "marlin-edit.analysis/2", "events": []}, "Update marlin-edit"),
        ({"schema": "other", "events": []}, r'schema: this should be .* not "other"\.'),
        ({"hello": 1}, "not an analysis"),
        ([], "an object was expected, not a list"),
        ("", "not JSON"),
        ('{"schema": ', "not JSON: .*line 1, column"),
        ("[" * 100_000, "nested too deeply"),
        ('{"schema": ' + "9" * 5000 + "}", "a number in it is too long"),
    ],
)  # fmt: skip
def test_a_bad_file_is_refused_by_place(document: Any, message: str) -> None:
    with pytest.raises(MarlinEditError, match=message):
        read_text(document)


def test_a_file_that_is_not_text_is_refused() -> None:
    with pytest.raises(MarlinEditError, match="not UTF-8 text"):
        read(b"\x00\x00\x00\x20ftypisom\xff\xfe", None)


def test_the_example_in_the_docs_is_read() -> None:
    page = (Path(__file__).parents[2] / "docs" / "analysis-file.md").read_text(encoding="utf-8")
    analysis = read_text(page.split("```json\n")[1].split("```")[0])
    assert analysis.media == replace(MEDIA, path=Path("interview.mov"), reel="A001C002")
    assert [event.text for event in analysis.events] == ["A person pushes a door open."]
    assert analysis.findings[0].score is None


def test_every_key_that_is_written_is_in_the_docs() -> None:
    page = (Path(__file__).parents[2] / "docs" / "analysis-file.md").read_text(encoding="utf-8")
    source = Analysis(replace(MEDIA, reel="A", width=1, height=1, video_index=0, fingerprint="f"), shots=(), speech=())
    document = json.loads(written(Edit("x", RATE, 0, (source,), (Cut(source, FrameRange(0, 1), None, ""),))))
    keys = {*document, *document["media"], *document["cuts"][0]}
    assert [key for key in sorted(keys) if f"`{key}`" not in page] == []


def test_entries_of_no_length_are_named_and_the_others_are_read() -> None:
    document = minimal(
        events=[{"start": 3, "end": "3.0", "text": "A blink."}, {"start": 4, "end": 5, "text": "A door opens."}],
        findings=[{"start": "7/2", "end": 3.5, "query": "a dog"}],
    )
    analysis = read_text(document)
    assert [event.text for event in analysis.events] == ["A door opens."]
    assert analysis.findings == ()
    assert analysis.discarded == (
        "events[0] has no length, at 3 s: A blink.",
        "findings[0] has no length, at 3.5 s: a dog",
    )
    document["events"][1]["end"] = 2
    with pytest.raises(MarlinEditError, match=r"events\[1\].end: this should come after the start"):
        read_text(document)
