"""Markers in XML as editing programs may rewrite it: by hand, after the formats' rules; no program was there."""

from __future__ import annotations

from contextlib import suppress
from dataclasses import replace
from fractions import Fraction
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from marlin_edit.analysis import Analysis, Finding, Verdict
from marlin_edit.edit import Edit, frames_of
from marlin_edit.errors import MarlinEditError
from marlin_edit.markers import Put, identified
from marlin_edit.timebase import FrameRange, FrameRate, Span
from marlin_edit.workflow.import_markers import apply_markers
from tests.support.timeline_readers import media_at
from tests.workflow.test_import_markers import FCPXML, XMEML, read, written

RATE = FrameRate.parse("23.976")
HOUR = RATE.frame_of("01:00:00:00")
DOOR = Finding(Span(Fraction(10), Fraction(12)), "a door opens")
SOURCE = Analysis(media_at(RATE, "a b.mov", start_frame=HOUR), findings=(DOOR,))
FRAMES = frames_of(DOOR.span, SOURCE.media)
TAG = str(Put(identified(SOURCE)[0][0], FRAMES))


def at(frame: int) -> str:
    return f"{frame * 1001}/24000s"


ASSET = f'<asset id="r2" name="a b" start="{at(HOUR)}" duration="{at(172800)}"{{}}'
WHERE = {
    "1.10": ASSET.format('><media-rep kind="original-media" src="file:///Volumes/x/a%20b.mov"/></asset>'),
    "1.8": ASSET.format(' src="file:///Volumes/x/a%20b.mov"/>'),
    "nowhere": ASSET.format("/>"),
}


def final_cut(clip: str, asset: str = WHERE["1.10"]) -> str:
    return (
        f'<?xml version="1.0" encoding="UTF-8"?>\n<!DOCTYPE fcpxml>\n<fcpxml version="1.11"><resources>{asset}'
        f'<asset id="r3" name="other" src="file:///other.mov"/></resources><library><event><project><sequence>'
        f"<spine>{clip}</spine></sequence></project></event></library></fcpxml>"
    )


def marker(frame: int, name: str = "a door opens", note: str = TAG, tag: str = "marker", count: int = 1) -> str:
    return f'<{tag} start="{at(frame)}" duration="{at(count)}" value="{name}" note="{note}"/>'


def after(module: Any, text: str) -> tuple[Finding, ...]:
    result, _ = apply_markers(SOURCE, read(module, text, SOURCE), HOUR)
    return result.findings


def asset_clip(inside: str, more: str = "") -> str:
    return f'<asset-clip ref="r2" offset="3600s" start="{at(HOUR)}" duration="{at(1000)}"{more}>{inside}</asset-clip>'


@pytest.mark.parametrize("asset", WHERE.values(), ids=WHERE)
@pytest.mark.parametrize("tag", ["marker", "chapter-marker"])
def test_a_point_where_a_range_was_is_moved_by_its_start_alone(asset: str, tag: str) -> None:
    assert after(FCPXML, final_cut(asset_clip(marker(HOUR + FRAMES.first, tag=tag)), asset)) == SOURCE.findings
    (moved,) = after(FCPXML, final_cut(asset_clip(marker(HOUR + FRAMES.first + 7, tag=tag)), asset))
    assert frames_of(moved.span, SOURCE.media) == FrameRange(FRAMES.first + 7, FRAMES.stop + 7)
    assert moved.verdict is Verdict.ACCEPTED


@pytest.mark.parametrize(
    "clip",
    [
        # A clip with its picture in it, whose own time begins at zero, or is the media's.
        f'<clip offset="0s" duration="{at(1000)}"><video ref="r2" offset="0s" start="{at(HOUR)}"/>{{1}}</clip>',
        f'<clip offset="0s" start="{at(HOUR)}" duration="{at(1000)}">'
        f'<video ref="r2" offset="{at(HOUR)}" start="{at(HOUR)}"><audio ref="r2" lane="-1"/></video>{{0}}</clip>',
        f'<video ref="r2" offset="0s" start="{at(HOUR)}" duration="{at(1000)}">{{0}}</video>',
        # Connected to a gap, and in a compound clip.
        '<gap offset="0s" duration="9s"><asset-clip ref="r2" lane="1" offset="1s">{0}</asset-clip></gap>',
        '<sync-clip duration="9s"><spine><asset-clip ref="r2" offset="1s">{0}</asset-clip></spine></sync-clip>',
    ],
)
def test_a_clip_s_own_time_is_turned_into_the_media_s(clip: str) -> None:
    inside = [marker(zero + FRAMES.first, "a gate opens") + marker(zero + 50, "new", "") for zero in (HOUR, 0)]
    renamed, new = after(FCPXML, final_cut(clip.format(*inside)))
    assert (renamed.query, renamed.span) == ("a gate opens", DOOR.span)
    assert (new.query, frames_of(new.span, SOURCE.media)) == ("new", FrameRange(50, 51))


def test_on_what_is_retimed_or_a_clip_of_clips_only_the_name_counts() -> None:
    faster = '<timeMap><timept time="0s" value="0s"/><timept time="5s" value="10s"/></timeMap>'
    for clip in (
        asset_clip(faster + marker(5, "a gate opens")),
        f'<ref-clip ref="r9">{marker(5, "a gate opens")}</ref-clip>',
    ):
        (renamed,) = after(FCPXML, final_cut(clip))
        assert (renamed.query, renamed.span) == ("a gate opens", DOOR.span)
    told = apply_markers(SOURCE, read(FCPXML, final_cut(asset_clip(faster + marker(5, "new", ""))), SOURCE), HOUR)[1]
    assert told.notes == ["not used, because it is on a clip that is retimed, or a clip of clips: new"]


def test_a_new_marker_on_a_gap_lies_where_a_clip_connected_to_the_gap_does() -> None:
    clip = f'<asset-clip ref="r2" lane="1" offset="{at(510)}" start="{at(HOUR + 700)}" duration="{at(40)}"/>'
    gap = '<gap offset="{0}" start="{1}" duration="{2}">{3}</gap>'
    for inside, frame in ((clip, 720), ("", None)):
        text = final_cut(gap.format(at(HOUR), at(500), at(100), inside + marker(530, "new", "")))
        result, told = apply_markers(SOURCE, read(FCPXML, text, SOURCE), HOUR)
        if frame is None:
            assert told.notes == ["not used, because no clip of the source lies at 22.105 s of a gap: new"]
        else:
            assert frames_of(result.findings[-1].span, SOURCE.media) == FrameRange(frame, frame + 1)


@pytest.mark.parametrize("scaled", ["", ' scaleEnabled="1"', ' scaleEnabled="0"'])
def test_a_clip_that_final_cut_conforms_to_another_rate_keeps_its_own_time(scaled: str) -> None:
    conform = f'<conform-rate{scaled} srcFrameRate="23.98"/>'
    result = after(FCPXML, final_cut(asset_clip(conform + marker(HOUR + 50, "new", ""))))
    assert frames_of(result[-1].span, SOURCE.media) == FrameRange(50, 51)


def test_markers_of_other_media_are_not_taken() -> None:
    other = f'<asset-clip ref="r3" offset="0s" start="0s" duration="9s">{marker(5, "other", "")}</asset-clip>'
    assert read(FCPXML, final_cut(other), SOURCE).markers == ()


FILE = (
    '<file id="file-1"><name>a b.mov</name><pathurl>file://localhost/C%3a/x/a%20b.mov</pathurl>'
    "<rate><timebase>24</timebase><ntsc>TRUE</ntsc></rate></file>"
)
POINT = "<marker><comment>{note}</comment><name>{name}</name><in>{first}</in><out>{out}</out></marker>"
NTSC = "<rate><timebase>24</timebase><ntsc>TRUE</ntsc></rate>"


def premiere(inside: str) -> str:
    return f'<?xml version="1.0" encoding="UTF-8"?>\n<!DOCTYPE xmeml>\n<xmeml version="4">{inside}</xmeml>'


def point(first: int, name: str = "a door opens", note: str = TAG, out: int = -1) -> str:
    return POINT.format(first=first, name=name, note=note, out=out)


def test_markers_of_a_master_clip_and_of_each_of_its_uses_are_told_once() -> None:
    inside = point(FRAMES.first + 3, out=FRAMES.stop + 3) + point(50, "new", "")
    clip = f"<clip id='masterclip-1'><in>-1</in><out>-1</out>{NTSC}{FILE}{inside}</clip>"
    use = f"<clipitem>{NTSC}<in>0</in><out>900</out><file id='file-1'/>{inside}</clipitem>"
    given = read(XMEML, premiere(f"<bin><children>{clip}</children></bin><sequence>{use}{use}</sequence>"), SOURCE)
    assert len(given.markers) == 2
    result, told = apply_markers(SOURCE, given, HOUR)
    assert (told.moved, told.added) == (1, 1)
    assert [frames_of(one.span, SOURCE.media) for one in result.findings] == [
        FrameRange(FRAMES.first + 3, FRAMES.stop + 3),
        FrameRange(50, 51),
    ]


def test_markers_of_a_sequence_count_from_its_beginning() -> None:
    sequence = (
        f"<sequence>{NTSC}<timecode>{NTSC}<string>01:00:00:00</string></timecode>{point(30, 'new', '')}</sequence>"
    )
    (given,) = read(XMEML, premiere(sequence), SOURCE).markers
    assert (given.first, given.count, given.on_timeline) == (HOUR + 30, 1, True)


def test_a_clip_that_counts_at_another_rate_is_turned_into_the_media_s_frames() -> None:
    rate = "<rate><timebase>48</timebase><ntsc>TRUE</ntsc></rate>"
    clip = f"<sequence><clipitem>{rate}{FILE}{point(100, 'new', '', 120)}</clipitem></sequence>"
    (given,) = read(XMEML, premiere(clip), SOURCE).markers
    assert (given.first, given.count) == (50, 10)


def test_a_clip_of_another_speed_keeps_its_markers_where_they_were() -> None:
    faster = "<filter><effect><effectid>timeremap</effectid></effect></filter>"
    clip = f"<clipitem>{NTSC}{FILE}{faster}{point(3, 'a gate opens')}</clipitem>"
    (renamed,) = after(XMEML, premiere(f"<sequence>{clip}</sequence>"))
    assert (renamed.query, renamed.span) == ("a gate opens", DOOR.span)


@given(st.sampled_from([FCPXML, XMEML]), st.binary(max_size=60), st.integers(0, 3000))
@settings(max_examples=60)
def test_a_damaged_file_is_refused_or_read_and_nothing_else(module: Any, damage: bytes, place: int) -> None:
    content = written(module, Edit("x", RATE, HOUR, (SOURCE,))).encode()
    place %= len(content)
    with suppress(MarlinEditError):
        module.read_markers(content[:place] + damage + content[place + len(damage) :], SOURCE.media)


def test_a_source_without_picture_has_nothing_to_mark() -> None:
    silent = replace(SOURCE, media=replace(SOURCE.media, rate=None, frame_count=0))
    for module, text in ((FCPXML, final_cut("")), (XMEML, premiere(""))):
        with pytest.raises(MarlinEditError, match="no picture"):
            read(module, text, silent)
