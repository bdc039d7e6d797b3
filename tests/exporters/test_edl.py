"""The cut list names the frames of the edit: read back by pycmx, label by label, at every rate it can hold."""

from __future__ import annotations

import io
import re
from collections.abc import Iterator
from dataclasses import replace
from fractions import Fraction
from pathlib import Path
from typing import Any

import pycmx
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from marlin_edit.analysis import Analysis, Finding, Verdict
from marlin_edit.conform import legal_reel
from marlin_edit.edit import Cut, Edit
from marlin_edit.errors import MarlinEditError
from marlin_edit.interfaces import Context, Rendered
from marlin_edit.media import MediaInfo, Stream
from marlin_edit.settings import Settings
from marlin_edit.timebase import FrameRange, FrameRate, Span
from marlin_edit_exporters.timelines import edl

RATES = [FrameRate.parse(name) for name in ("23.976", "24", "25", "29.97", "29.97df", "30", "48", "50")]
RATES += [FrameRate.parse(name) for name in ("59.94", "59.94df", "60")]
NASTY = st.text(st.characters(exclude_categories=()), max_size=90) | st.sampled_from(
    [
        "a\n001  AX       V     C",
        "\r\nFCM: DROP FRAME",
        "TITLE: x",
        "* FROM CLIP: x",
        "\u2028M2   x",
        "\x85>>> SOURCE",
        "A" * 5000,
    ]
)


def media_at(rate: FrameRate, name: str = "interview.mov", hours: int = 2, **facts: Any) -> MediaInfo:
    count = rate.base * 3600 * hours
    return MediaInfo(Path("/media") / name, rate.seconds(count), rate=rate, frame_count=count, **facts)


def edit_of_cuts(media: MediaInfo, *ranges: tuple[int, int], record_start: int = 0, title: str = "Selects") -> Edit:
    assert media.rate is not None
    source = Analysis(media)
    cuts = tuple(Cut(source, FrameRange(first, stop), None, "") for first, stop in ranges)
    return Edit(title, media.rate, record_start, (source,), cuts)


def rendered(edit: Edit) -> Rendered:
    return edl.render(edit, Context(Settings({}), Path("/out/cuts.edl"), Path("/nowhere")))


def text_of(edit: Edit) -> str:
    content = rendered(edit).content
    assert isinstance(content, str)
    return content


def read_back(text: str) -> Any:
    edits = pycmx.parse_cmx3600(io.StringIO(text))
    assert not list(edits.unrecognized_statements)
    return edits


def frames_read_back(text: str, rate: FrameRate) -> Iterator[tuple[int, int, int, int]]:
    for event in read_back(text).events:
        (entry,) = event.edits
        times = (entry.source_in, entry.source_out, entry.record_in, entry.record_out)
        yield tuple(rate.frame_of(time) for time in times)  # type: ignore[misc]


@st.composite
def edits(draw: st.DrawFn) -> Edit:
    rate = draw(st.sampled_from(RATES))
    starts = ("00:00:00:00", "01:00:00:00", "10:00:00:02", "23:59:50:00")
    sources = [
        Analysis(
            media_at(
                rate,
                name,
                start_frame=rate.frame_of(draw(st.sampled_from(starts))),
                reel=draw(st.none() | st.sampled_from(["A001C002", "a001c002_0815", "Ä", "BL", "tape 1"]) | NASTY),
            )
        )
        for name in draw(
            st.lists(st.sampled_from(["a b.mov", "clip_01.mp4", "ünïcode#%&.mxf", "日本.mp4"]), min_size=1, unique=True)
        )
    ]
    cuts = []
    for _ in range(draw(st.integers(1, 8))):
        source = draw(st.sampled_from(sources))
        first = draw(st.integers(0, source.media.frame_count - 1))
        stop = draw(st.integers(first + 1, min(source.media.frame_count, first + 5000)))
        cuts.append(Cut(source, FrameRange(first, stop), None, draw(NASTY)))
    return Edit(draw(NASTY), rate, rate.frame_of(draw(st.sampled_from(starts))), tuple(sources), tuple(cuts))


@given(edits())
@settings(max_examples=60, deadline=None)
def test_every_cut_read_back_names_the_frames_of_the_edit(edit: Edit) -> None:
    text = text_of(edit)
    read = list(frames_read_back(text, edit.rate))
    day = edit.rate.frame_of("23:59:59:" + str(edit.rate.base - 1)) + 1
    expected = [
        (start + cut.frames.first, start + cut.frames.stop, record.first, record.stop)
        for cut, record in zip(edit.cuts, edit.record_ranges(), strict=True)
        for start in (cut.source.media.start_frame,)
    ]
    assert read == [tuple(frame % day for frame in frames) for frames in expected]


@given(edits())
@settings(max_examples=60, deadline=None)
def test_no_text_gets_out_of_its_line(edit: Edit) -> None:
    lines = text_of(edit).split("\n")
    heads = r"TITLE: \S|FCM: (NON-)?DROP FRAME$"
    entry = r"\d{3}  [A-Z0-9_ ]{8} V     C        \d"
    comment = r"\* (FROM CLIP NAME|SOURCE FILE|COMMENT): \S"
    assert all(re.match(f"{heads}|{entry}|{comment}", line) for line in lines[:-1]), lines
    assert lines[-1] == ""
    assert sum(line.startswith("TITLE:") for line in lines) == 1
    assert len("\n".join(lines).splitlines()) == len(lines) - 1
    assert sum(re.match(r"\d{3}  ", line) is not None for line in lines) == len(edit.cuts)


@given(edits())
@settings(max_examples=60, deadline=None)
def test_the_frame_code_mode_agrees_with_the_separators(edit: Edit) -> None:
    text = text_of(edit)
    drop = "FCM: DROP FRAME" in text.splitlines()
    labels = re.findall(r"\d\d:\d\d:\d\d([:;])\d\d", text)
    assert drop is edit.rate.drop_frame
    assert set(labels) == {";" if drop else ":"}


@given(edits())
@settings(max_examples=60, deadline=None)
def test_reels_are_legal_and_each_names_one_source(edit: Edit) -> None:
    reels: dict[str, set[str]] = {}
    for event in read_back(text_of(edit)).events:
        (entry,) = event.edits
        assert re.fullmatch("[A-Z0-9_]{1,8}", entry.source)
        assert entry.source != "BL"
        reels.setdefault(entry.source, set()).add(entry.source_file)
    assert all(len(files) == 1 for files in reels.values())


def test_a_cut_list_looks_like_this() -> None:
    rate = FrameRate.parse("29.97df")
    media = media_at(rate, start_frame=rate.frame_of("01:00:00;00"), reel="A001C002")
    finding = Finding(Span(Fraction(60), Fraction(62)), "a door opens")
    source = Analysis(media, findings=(finding,))
    cuts = (
        Cut(source, FrameRange(1790, 1810), finding, "a door opens"),
        Cut(source, FrameRange(0, 30), None, "the slate"),
    )
    edit = Edit("Selects", rate, rate.frame_of("01:00:00;00"), (source,), cuts)
    assert text_of(edit) == (
        "TITLE: Selects\n"
        "FCM: DROP FRAME\n"
        "001  A001C002 V     C        01:00:59;20 01:01:00;12 01:00:00;00 01:00:00;20\n"
        "* FROM CLIP NAME: interview.mov\n"
        "* SOURCE FILE: interview.mov\n"
        "* LOC: 01:00:00;09 GREEN   a door opens\n"
        "002  A001C002 V     C        01:00:00;00 01:00:01;00 01:00:00;20 01:00:01;20\n"
        "* FROM CLIP NAME: interview.mov\n"
        "* SOURCE FILE: interview.mov\n"
        "* COMMENT: the slate\n"
    )


def test_record_times_run_on_from_the_record_start_without_a_gap() -> None:
    rate = FrameRate.parse("25")
    edit = edit_of_cuts(media_at(rate), (100, 150), (10, 20), record_start=rate.frame_of("01:00:00:00"))
    assert [times[2:] for times in frames_read_back(text_of(edit), rate)] == [(90000, 90050), (90050, 90060)]


def test_labels_wrap_at_midnight() -> None:
    rate = FrameRate.parse("25")
    media = media_at(rate, start_frame=rate.frame_of("23:59:59:00"))
    assert "23:59:59:20 00:00:00:10" in text_of(edit_of_cuts(media, (20, 35)))


def test_reel_names_come_from_the_reel_or_the_file_and_stay_apart() -> None:
    rate = FrameRate.parse("25")
    names = ["interview one.mov", "interview two.mov", "BL.mov", "日本.mov", "東京.mov"]
    sources = tuple(Analysis(media_at(rate, name)) for name in names)
    cuts = tuple(Cut(source, FrameRange(0, 10), None, "") for source in sources)
    result = rendered(Edit("Reels", rate, 0, sources, cuts))
    assert isinstance(result.content, str)
    reels = [event.edits[0].source for event in read_back(result.content).events]
    assert reels == ["INTERVIE", "INTERVI2", "BL2", "AX", "AX2"]
    assert result.notes[0] == "the reel of interview one.mov is INTERVIE"


def test_a_reel_has_no_blank_no_accent_and_eight_characters() -> None:
    assert legal_reel("Été à la mer") == "ETE_A_LA"


def test_a_rejected_finding_is_no_locator() -> None:
    rate = FrameRate.parse("25")
    rejected = Finding(Span(Fraction(1), Fraction(2)), "a dog", verdict=Verdict.REJECTED)
    source = Analysis(media_at(rate), findings=(rejected,))
    edit = Edit("x", rate, 0, (source,), (Cut(source, FrameRange(0, 100), None, ""),))
    assert "* LOC" not in text_of(edit)


def test_a_finding_past_the_end_of_the_media_stops_nothing() -> None:
    rate = FrameRate.parse("25")
    late = Finding(Span(Fraction(8000), Fraction(8001)), "a dog")
    source = Analysis(media_at(rate), findings=(late,))
    edit = Edit("x", rate, 0, (source,), (Cut(source, FrameRange(0, 100), None, ""),))
    assert "* LOC" not in text_of(edit)


def test_the_title_is_cut_at_seventy_characters_and_it_is_said() -> None:
    result = rendered(edit_of_cuts(media_at(FrameRate.parse("25")), (0, 10), title="long " * 20))
    assert isinstance(result.content, str)
    assert len(result.content.splitlines()[0]) <= len("TITLE: ") + 70
    assert "the title was shortened to 70 characters" in result.notes


@pytest.mark.parametrize(
    ("sounds", "channels", "audio"),
    [
        ([], "V", []),
        (["48000 Hz mono"], "B", [1]),
        (["44100 Hz stereo"], "AA/V", [1, 2]),
        (["48000 Hz 5.1(side)", "48000 Hz mono"], "AA/V", [1, 2]),
    ],
)
def test_sound_is_cut_with_the_picture(sounds: list[str], channels: str, audio: list[int]) -> None:
    streams = [Stream(0, "video", "h264")]
    streams += [Stream(number, "audio", "aac", detail=detail) for number, detail in enumerate(sounds, 1)]
    result = rendered(edit_of_cuts(media_at(FrameRate.parse("25"), streams=tuple(streams)), (0, 10)))
    assert isinstance(result.content, str)
    assert result.content.splitlines()[2].split()[2] == channels
    (entry,) = next(iter(read_back(result.content).events)).edits
    assert entry.channels.video
    assert list(entry.channels.channels) == audio
    assert any("at most two channels of sound" in note for note in result.notes) == (len(sounds) > 1)


def test_999_cuts_are_written_and_one_more_is_refused() -> None:
    media = media_at(FrameRate.parse("25"))
    ranges = [(frame, frame + 1) for frame in range(1000)]
    assert text_of(edit_of_cuts(media, *ranges[:999])).count(" V     C ") == 999
    with pytest.raises(MarlinEditError, match=r"at most 999 cuts, and these are 1000.*\.otio"):
        rendered(edit_of_cuts(media, *ranges))


@pytest.mark.parametrize("name", ["100", "119.88", "119.88df", "120", "87169000/2905633", "15"])
def test_a_rate_that_an_edl_cannot_hold_is_refused_with_advice(name: str) -> None:
    with pytest.raises(MarlinEditError, match=r"\.otio"):
        rendered(edit_of_cuts(media_at(FrameRate.parse(name)), (0, 10)))


def test_an_edit_without_cuts_is_refused_with_advice() -> None:
    with pytest.raises(MarlinEditError, match=r"there are none.*\.otio"):
        rendered(edit_of_cuts(media_at(FrameRate.parse("25"))))


@pytest.mark.parametrize(("source", "programme"), [("25", "24"), ("29.97df", "29.97")])
def test_a_source_at_another_rate_is_refused_with_advice(source: str, programme: str) -> None:
    edit = replace(edit_of_cuts(media_at(FrameRate.parse(source)), (0, 10)), rate=FrameRate.parse(programme))
    with pytest.raises(MarlinEditError, match=r"interview\.mov runs at .* Convert the source"):
        rendered(edit)


def test_a_cut_of_a_day_is_refused_because_labels_wrap() -> None:
    media = media_at(FrameRate.parse("25"), hours=25)
    with pytest.raises(MarlinEditError, match="24 hours"):
        rendered(edit_of_cuts(media, (0, 25 * 86_400)))
