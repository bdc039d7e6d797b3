"""Time code against two outside readers and a clock that counts; fixed numbers; everything a person may type."""

from __future__ import annotations

import re
from contextlib import suppress
from fractions import Fraction
from typing import Any

import opentimelineio.opentime as opentime
import pytest
from hypothesis import given
from hypothesis import strategies as st
from timecode.timecode import Timecode

from marlin_edit.errors import MarlinEditError, UsageError
from marlin_edit.timebase import (
    TOLERANCE,
    FrameNumber,
    FrameRange,
    FrameRate,
    SourceTimecode,
    Span,
    clock_text,
    nearest_standard,
    parse_position,
    parse_positions,
    parse_seconds,
    position_text,
    seconds_text,
    snapped,
)

NAMES = (
    "23.976", "24", "25", "29.97ndf", "29.97df", "30", "48", "50", "59.94ndf", "59.94df", "60", "100",
    "119.88ndf", "119.88df", "120",
)  # fmt: skip
RATES = [FrameRate.parse(name) for name in NAMES]
UP_TO_60 = [rate for rate in RATES if rate.value <= 60]

rates = st.sampled_from(RATES)
day_frames = st.integers(0, 24 * 3600 * 120 - 1)


def otio_label(frame: int, rate: FrameRate) -> str:
    value = float(rate.value)
    return str(opentime.to_timecode(opentime.RationalTime(frame, value), value, rate.drop_frame))


def timecode_label(frame: int, rate: FrameRate) -> str:
    name = FrameRate(rate.value).name
    code: Any = Timecode(name, frames=frame + 1, force_non_drop_frame=not rate.drop_frame)
    return f"{code.hrs:02}:{code.mins:02}:{code.secs:02}{';' if code.drop_frame else ':'}{code.frs:02}"


@given(frame=day_frames, rate=st.sampled_from(UP_TO_60))
def test_labels_are_those_of_opentimelineio(frame: int, rate: FrameRate) -> None:
    # It begins again after 24 real hours, where non-drop labels of NTSC rates have a minute and a half to go.
    frame %= min(rate.frames_per_day, int(86_400 * rate.value))
    assert rate.timecode(frame) == otio_label(frame, rate)


@given(frame=day_frames, rate=rates)
def test_labels_are_those_of_the_timecode_package(frame: int, rate: FrameRate) -> None:
    frame %= rate.frames_per_day
    ours = rate.timecode(frame)
    if rate.base > 100:  # it writes frames above 99 with three digits, those below with two
        ours = re.sub(r"([:;])0(\d\d)$", r"\1\2", ours)
    assert ours == timecode_label(frame, rate)


@given(frame=day_frames, rate=st.sampled_from(UP_TO_60))
def test_opentimelineio_reads_our_labels_as_the_same_frame(frame: int, rate: FrameRate) -> None:
    frame %= rate.frames_per_day
    # It takes every label at these rates as drop-frame only where a semicolon says so.
    assert opentime.from_timecode(rate.timecode(frame), float(rate.value)).to_frames() == frame


@pytest.mark.parametrize("rate", RATES, ids=NAMES)
def test_labels_are_those_of_a_clock_that_counts_and_skips(rate: FrameRate) -> None:
    skipped = rate.base // 15 if rate.drop_frame else 0
    separator = ";" if rate.drop_frame else ":"
    digits = 3 if rate.base > 100 else 2
    frame = 0
    for minute in range(21):
        for second in range(60):
            first = skipped if second == 0 and minute % 10 != 0 else 0
            for number in range(first, rate.base):
                if number in (first, first + 1, rate.base - 1):
                    label = f"00:{minute:02}:{second:02}{separator}{number:0{digits}}"
                    assert rate.timecode(frame) == label
                    assert rate.frame_of(label) == frame
                frame += 1


@given(frame=day_frames, rate=rates)
def test_a_label_leads_back_to_its_frame(frame: int, rate: FrameRate) -> None:
    frame %= rate.frames_per_day
    assert rate.frame_of(rate.timecode(frame)) == frame


@given(frame=day_frames, rate=rates)
def test_labels_begin_again_after_24_hours(frame: int, rate: FrameRate) -> None:
    assert rate.timecode(frame + rate.frames_per_day) == rate.timecode(frame)
    assert rate.timecode(frame - 3 * rate.frames_per_day) == rate.timecode(frame)


@given(rate=rates)
def test_the_last_label_of_the_day_comes_before_midnight(rate: FrameRate) -> None:
    assert rate.timecode(rate.frames_per_day - 1).startswith("23:59:59")
    assert rate.timecode(rate.frames_per_day) == rate.timecode(0)
    assert re.fullmatch(r"00:00:00[:;]0+", rate.timecode(0))


@pytest.mark.parametrize(
    ("rate", "label", "frame"),
    [
        ("29.97df", "01:00:00;00", 107_892),
        ("59.94df", "01:00:00;00", 215_784),
        ("119.88df", "01:00:00;000", 431_568),
        ("29.97df", "00:01:00;02", 1800),
        ("29.97df", "00:00:59;29", 1799),
        ("29.97df", "00:10:00;00", 17_982),
        ("59.94df", "00:01:00;04", 3600),
        ("29.97ndf", "01:00:00:00", 108_000),
        ("23.976", "01:00:00:00", 86_400),
        ("25", "10:00:00:24", 900_024),
        ("100", "00:00:01:99", 199),
        ("119.88ndf", "00:00:01:119", 239),
    ],
)
def test_known_labels_are_known_frames(rate: str, label: str, frame: int) -> None:
    assert FrameRate.parse(rate).timecode(frame) == label
    assert FrameRate.parse(rate).frame_of(label) == frame


def test_an_hour_of_drop_frame_labels_is_nearly_an_hour() -> None:
    rate = FrameRate.parse("29.97df")
    assert rate.seconds(rate.frame_of("01:00:00;00")) == Fraction("3599.9964")


@pytest.mark.parametrize("label", ["00:01:00;00", "00:01:00;01", "00:59:00;01", "23:59:00;00"])
def test_a_label_that_drop_frame_skips_is_refused(label: str) -> None:
    with pytest.raises(UsageError, match="drop-frame skips it"):
        FrameRate.parse("29.97df").frame_of(label)


@given(minute=st.integers(0, 24 * 60 - 1), number=st.integers(0, 7), rate=st.sampled_from(RATES))
def test_exactly_the_skipped_labels_are_refused(minute: int, number: int, rate: FrameRate) -> None:
    label = f"{minute // 60:02}:{minute % 60:02}:00:{number:02}"
    skipped = rate.drop_frame and minute % 10 != 0 and number < rate.base // 15
    if skipped:
        with pytest.raises(UsageError):
            rate.frame_of(label)
    else:
        assert (
            rate.timecode(rate.frame_of(label)).replace(";", ":").endswith(f":00:{number:0{len(str(rate.base - 1))}}")
        )


@pytest.mark.parametrize(
    "label", ["24:00:00:00", "00:60:00:00", "00:00:60:00", "00:00:00:25", "1:2:3:4", "01:00:00", "", "00:00:00:-1"]
)
def test_a_label_that_does_not_exist_is_refused(label: str) -> None:
    with pytest.raises(UsageError):
        FrameRate.parse("25").frame_of(label)


@pytest.mark.parametrize(
    ("text", "value", "drop_frame"),
    [
        ("25", Fraction(25), False),
        (" 25 fps ", Fraction(25), False),
        ("25.000", Fraction(25), False),
        ("23.976", Fraction(24000, 1001), False),
        ("23.98", Fraction(24000, 1001), False),
        ("29.97", Fraction(30000, 1001), False),
        ("29.970", Fraction(30000, 1001), False),
        ("29.97df", Fraction(30000, 1001), True),
        ("29.97 DF", Fraction(30000, 1001), True),
        ("29.97ndf", Fraction(30000, 1001), False),
        ("59.94DF", Fraction(60000, 1001), True),
        ("119.88", Fraction(120000, 1001), False),
        ("24000/1001", Fraction(24000, 1001), False),
        ("30000/1001df", Fraction(30000, 1001), True),
        ("12.5", Fraction(25, 2), False),
    ],
)
def test_rates_are_read_as_people_write_them(text: str, value: Fraction, drop_frame: bool) -> None:
    assert FrameRate.parse(text) == FrameRate(value, drop_frame)


@pytest.mark.parametrize(
    "text", ["", "0", "-25", "25/0", "fast", "25df", "24000/1001df", "23.976df", "1e9", "nan", "30df"]
)
def test_what_is_no_rate_is_refused(text: str) -> None:
    with pytest.raises(MarlinEditError):
        FrameRate.parse(text)


def test_drop_frame_needs_an_ntsc_rate_that_has_it() -> None:
    with pytest.raises(MarlinEditError, match="Drop-frame"):
        FrameRate(Fraction(29_100, 1001), drop_frame=True)


@pytest.mark.parametrize("rate", RATES, ids=NAMES)
def test_a_rates_name_is_read_as_that_rate(rate: FrameRate) -> None:
    assert FrameRate.parse(rate.name) == rate


def test_an_odd_rates_name_has_three_places() -> None:
    assert FrameRate(Fraction(87_169_000, 2_905_633)).name == "30"
    assert FrameRate(Fraction(25, 2)).name == "12.5"
    assert FrameRate(Fraction(1499, 50)).name == "29.98"


@given(frame=st.integers(0, 10**8), rate=rates)
def test_the_first_frame_at_a_frames_own_time_is_that_frame(frame: int, rate: FrameRate) -> None:
    assert rate.first_frame_at(rate.seconds(frame)) == frame


@given(frame=st.integers(0, 10**8), rate=rates)
def test_a_tenth_of_a_millisecond_is_forgiven_and_no_more(frame: int, rate: FrameRate) -> None:
    assert rate.first_frame_at(rate.seconds(frame) + TOLERANCE) == frame
    assert rate.first_frame_at(rate.seconds(frame) + TOLERANCE + Fraction(1, 10**9)) == frame + 1


@given(seconds=st.fractions(0, 100_000), rate=rates)
def test_no_frame_before_the_first_is_presented_inside(seconds: Fraction, rate: FrameRate) -> None:
    first = rate.first_frame_at(seconds)
    assert rate.seconds(first) >= seconds - TOLERANCE
    assert rate.seconds(first - 1) < seconds - TOLERANCE


@pytest.mark.parametrize(
    ("average", "rate", "differs"),
    [
        ("25", "25", False),
        ("25.01", "25", True),
        ("2997/100", "30000/1001", True),
        ("23.976", "24000/1001", True),
        ("24000/1001", "24000/1001", False),
        ("87169000/2905633", "30", True),
        ("2998/100", "30000/1001", True),
        ("25.02", "2502/100", False),
        ("15", "15", False),
    ],
)
def test_an_average_near_a_standard_rate_is_that_rate(average: str, rate: str, differs: bool) -> None:
    assert snapped(Fraction(average)) == (FrameRate(Fraction(rate)), differs)


def test_any_average_has_a_nearest_standard_rate() -> None:
    assert nearest_standard(Fraction(1)) == FrameRate(Fraction(24000, 1001))
    assert nearest_standard(Fraction("29.6")) == FrameRate(Fraction(30000, 1001))
    assert nearest_standard(Fraction(1000)) == FrameRate(Fraction(120))


@pytest.mark.parametrize(
    ("text", "position"),
    [
        ("14.3", Fraction(143, 10)),
        ("14.3s", Fraction(143, 10)),
        ("1001/24", Fraction(1001, 24)),
        ("0", Fraction(0)),
        ("1:02.5", Fraction(125, 2)),
        ("0:01:02.5", Fraction(125, 2)),
        ("10:00:00", Fraction(36_000)),
        ("59:00", Fraction(3540)),
        ("222f", FrameNumber(222)),
        ("01:00:07:10", SourceTimecode("01:00:07:10")),
        (" 01:00:07;10 ", SourceTimecode("01:00:07;10")),
        ("01:00:07:110", SourceTimecode("01:00:07:110")),
    ],
)
def test_positions_are_read_as_people_write_them(text: str, position: object) -> None:
    assert parse_position(text) == position


@pytest.mark.parametrize(
    "text", ["", "-1", "1.5f", "1/0", "1/0s", "1:60", "1:2:3:4:5", "inf", "nan", "1e3", "12 f", "9" * 5000, "٣f0"]
)
def test_what_is_no_position_is_refused(text: str) -> None:
    with pytest.raises(UsageError):
        parse_position(text)


@given(st.text(max_size=40))
def test_any_text_is_a_position_or_a_usage_error(text: str) -> None:
    for parse in (parse_position, parse_positions):
        with suppress(UsageError):
            assert parse(text) is not None


@given(st.from_regex(r"[0-9:;.,fhms +end-]{1,16}", fullmatch=True))
def test_any_text_that_looks_like_a_span_is_two_places_or_a_usage_error(text: str) -> None:
    with suppress(UsageError):
        start, end = parse_positions(text)
        assert position_text(start)
        assert position_text(end)


def test_two_positions_have_a_dash_between_them() -> None:
    assert parse_positions("14.3-18.2") == (Fraction("14.3"), Fraction("18.2"))
    assert parse_positions("222f - 312f") == (FrameNumber(222), FrameNumber(312))
    assert parse_positions("01:00:07:10-01:00:11:02") == (SourceTimecode("01:00:07:10"), SourceTimecode("01:00:11:02"))


@pytest.mark.parametrize("text", ["14.3", "-18.2", "end-14.3", "1-2-3", "", "-"])
def test_what_is_no_pair_of_positions_is_refused(text: str) -> None:
    with pytest.raises(UsageError):
        parse_positions(text)


@given(st.fractions())
def test_seconds_are_written_exactly(seconds: Fraction) -> None:
    assert Fraction(seconds_text(seconds)) == seconds


@given(st.integers(-(10**15), 10**15))
def test_seconds_of_nine_places_are_written_as_a_decimal(nanoseconds: int) -> None:
    assert "/" not in seconds_text(Fraction(nanoseconds, 10**9))


@given(st.fractions(0, 10**6))
def test_seconds_written_are_read_back(seconds: Fraction) -> None:
    text = seconds_text(seconds)
    if len(text) <= 100:
        assert parse_seconds(text) == seconds


@pytest.mark.parametrize(
    ("value", "seconds"),
    [("14.3", "143/10"), (14.3, "143/10"), (14, "14"), ("1001/24", "1001/24"), (1e-7, "1/10000000"), ("1e3", "1000")],
)
def test_seconds_of_a_file_are_texts_or_numbers(value: object, seconds: str) -> None:
    assert parse_seconds(value) == Fraction(seconds)


@pytest.mark.parametrize(
    "value", [None, True, [], "soon", "", "1/0", float("inf"), float("nan"), "1e999999999", "1e-999999999", 10**4000]
)
def test_what_is_no_time_in_seconds_is_refused_at_once(value: object) -> None:
    with pytest.raises(MarlinEditError):
        parse_seconds(value)


@pytest.mark.parametrize(
    ("seconds", "text"),
    [("0", "00:00:00.000"), ("3661.0005", "01:01:01.001"), ("59.9996", "00:01:00.000"), ("360000", "100:00:00.000")],
)
def test_clock_text_rounds_to_the_millisecond_and_carries(seconds: str, text: str) -> None:
    assert clock_text(Fraction(seconds)) == text
    assert clock_text(Fraction(seconds), ",") == text.replace(".", ",")


def test_spans_and_frame_ranges_hold_something() -> None:
    for start, end in [(1, 1), (2, 1), (-1, 1)]:
        with pytest.raises(MarlinEditError):
            Span(Fraction(start), Fraction(end))
        with pytest.raises(MarlinEditError):
            FrameRange(start, end)
    assert FrameRange(3, 5).count == 2
    assert Span(Fraction(1), Fraction(3)).length == 2


def test_spans_know_what_they_share() -> None:
    one, other = Span(Fraction(0), Fraction(10)), Span(Fraction(8), Fraction(12))
    assert one.overlap(other) == other.overlap(one) == 2
    assert one.within(other) == Span(Fraction(8), Fraction(10))
    assert one.within(Span(Fraction(10), Fraction(12))) is None
    assert one.overlap(Span(Fraction(11), Fraction(12))) == 0
