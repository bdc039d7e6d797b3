"""Sources of variable rate leave for editing programs by the time of each frame, and come back by it."""

from __future__ import annotations

import csv
import json
import re
from collections.abc import Callable, Sequence
from fractions import Fraction
from pathlib import Path
from typing import Any
from xml.etree import ElementTree

import av
import opentimelineio as otio
import pycmx
import pytest
from hypothesis import Phase, given, settings
from hypothesis import strategies as st

from marlin_edit.analysis import Analysis
from marlin_edit.constant_rate import at_constant_rate
from marlin_edit.edit import Cut, Edit
from marlin_edit.media import FrameTimes, MediaInfo, probe
from marlin_edit.timebase import FrameRange, FrameRate
from tests.support.command_line import CommandLine, command_line
from tests.support.programs import melt
from tests.support.synthetic_video import frame_indices, make_video


def with_gaps(rate: Fraction, seconds: int) -> list[Fraction]:
    """Frames of a constant rate of which one in 53 is left out, as phones and screen recorders do."""
    return [number / rate for number in range(int(rate * seconds)) if (number * 7919 + 13) % 53]


def slowing(seconds: int) -> list[Fraction]:
    """30 frames a second, and 26 from the sixth second on."""
    fast = [Fraction(number, 30) for number in range(180)]
    return fast + [6 + Fraction(number, 26) for number in range(26 * (seconds - 6))]


SOURCES = {
    "gaps at 30": (with_gaps(Fraction(30), 20), None),
    "slowing": (slowing(20), None),
    "gaps at 59.94, from an hour on": (with_gaps(Fraction(60000, 1001), 20), "01:00:00:00"),
}


@pytest.fixture
def run(capfd: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> CommandLine:
    monkeypatch.chdir(tmp_path)
    return command_line(capfd)


def seconds_in_edl(path: Path, rate: FrameRate, zero: int) -> tuple[Fraction, Fraction]:
    (event,) = pycmx.parse_cmx3600(path.open()).events
    (edit,) = event.edits
    first, stop = (rate.frame_of(str(label)) - zero for label in (edit.source_in, edit.source_out))
    return rate.seconds(first), rate.seconds(stop)


def seconds_in_otio(path: Path, rate: FrameRate, zero: int) -> tuple[Fraction, Fraction]:
    clip, *_ = otio.adapters.read_from_file(str(path)).find_clips()
    first = round(clip.source_range.start_time.value) - zero
    return rate.seconds(first), rate.seconds(first + round(clip.source_range.duration.value))


def seconds_in_fcpxml(path: Path, rate: FrameRate, zero: int) -> tuple[Fraction, Fraction]:
    clip = ElementTree.parse(path).find(".//asset-clip")
    assert clip is not None
    start, length = (Fraction(clip.attrib[name].rstrip("s")) for name in ("start", "duration"))
    start -= rate.seconds(zero)
    return start, start + length


def seconds_in_xmeml(path: Path, rate: FrameRate, zero: int) -> tuple[Fraction, Fraction]:
    clip = ElementTree.parse(path).find(".//video//clipitem")
    assert clip is not None
    first, stop = (int(clip.findtext(name) or "") for name in ("in", "out"))
    return rate.seconds(first), rate.seconds(stop)


def seconds_in_csv(path: Path, rate: FrameRate, zero: int) -> tuple[Fraction, Fraction]:
    (row,) = [row for row in csv.DictReader(path.open(encoding="utf-8-sig")) if row["kind"] == "cut"]
    first, stop = (rate.frame_of(row[name]) - zero for name in ("source in", "source out"))
    return rate.seconds(first), rate.seconds(stop)


def seconds_in_mlt(path: Path, rate: FrameRate, zero: int) -> tuple[Fraction, Fraction]:
    entry = ElementTree.parse(path).find(".//playlist[@id='playlist0']/entry")
    assert entry is not None
    first, last = (int(entry.attrib[name]) for name in ("in", "out"))
    return rate.seconds(first), rate.seconds(last + 1)


READERS: dict[str, Callable[[Path, FrameRate, int], tuple[Fraction, Fraction]]] = {
    "edl": seconds_in_edl,
    "otio": seconds_in_otio,
    "fcpxml": seconds_in_fcpxml,
    "xml": seconds_in_xmeml,
    "csv": seconds_in_csv,
    "mlt": seconds_in_mlt,
}


@pytest.mark.parametrize("name", SOURCES)
def test_every_format_has_the_seconds_that_the_clip_has(run: CommandLine, tmp_path: Path, name: str) -> None:
    times, timecode = SOURCES[name]
    video = make_video(tmp_path / "phone.mov", variable=times, timecode=timecode, size=(64, 48), audio=1)
    media = probe(video)
    assert media.variable_rate
    assert media.rate is not None
    outputs = [part for suffix in READERS for part in ("-o", f"cut.{suffix}")]
    ran = run("cut", video, "--span", "15-17", *outputs, "-o", "cut.json", "--out-dir", "clips", "--json")
    assert ran.code == 0, ran.err
    assert "cut.edl: phone.mov has a variable rate; it is counted at" in " ".join(ran.document["notes"])
    (clip,) = [item for item in ran.document["items"] if "delivered" in item]
    true = [Fraction(str(clip["delivered"][end])) for end in ("start", "end")]
    assert abs(true[0] - 15) < Fraction(1, 10)
    half = media.rate.seconds_per_frame / 2
    for suffix, reader in READERS.items():
        found = reader(Path(f"cut.{suffix}"), media.rate, media.start_frame)
        assert all(abs(one - other) <= half for one, other in zip(found, true, strict=True)), suffix
    label = json.loads(Path("cut.json").read_text())["cuts"][0]["source_in"]
    assert abs(media.rate.seconds(media.rate.frame_of(label) - media.start_frame) - true[0]) <= half


def test_markers_lie_where_the_event_is_and_come_back_untouched(run: CommandLine, tmp_path: Path) -> None:
    video = make_video(tmp_path / "phone.mp4", variable=with_gaps(Fraction(30), 20), size=(64, 48), audio=0)
    given = {
        "schema": "marlin-edit.analysis/1",
        "media": {"path": str(video)},
        "events": [{"start": "10", "end": "12", "text": "A dog runs."}],
        "findings": [{"start": "15", "end": "17", "query": "a door opens"}],
    }
    Path("seen.json").write_text(json.dumps(given))
    # A timeline of cuts shows the markers inside of its cuts.
    for name, shown in (("list.markers.edl", 2), ("table.csv", 2), ("timeline.otio", 1), ("timeline.fcpxml", 1)):
        assert run("export", "seen.json", "-o", name).code == 0
        ran = run("import-markers", name, "--source", "seen.json", "-o", "back.json", "--overwrite")
        assert ran.code == 0, ran.err
        assert f"{shown} unchanged, 0 moved, 0 renamed, 0 added, 0 missing" in ran.err
        back = json.loads(Path("back.json").read_text())
        assert [(one["start"], one["end"]) for one in (*back["events"], *back["findings"])] == [
            ("10", "12"),
            ("15", "17"),
        ]
        assert "marker_id" not in back["events"][0]
    text = Path("list.markers.edl").read_text()
    labels = re.findall(r"V     C        (\S+)", text)
    assert labels == ["01:00:10:00", "01:00:15:00"]
    Path("list.markers.edl").write_text(text.replace(labels[1], "01:00:16:00"))
    ran = run("import-markers", "list.markers.edl", "--source", "seen.json", "-o", "moved.json")
    assert "1 unchanged, 1 moved" in ran.err
    (finding,) = json.loads(Path("moved.json").read_text())["findings"]
    assert (Fraction(finding["start"]), Fraction(finding["end"])) == (Fraction(16), Fraction(18))


STEPS = st.lists(st.integers(1, 9), min_size=2, max_size=80)


@settings(max_examples=200)
@given(STEPS, st.sampled_from(["24000/1001", "25", "30", "60000/1001"]), st.data())
def test_a_cut_at_the_nominal_rate_is_within_half_a_frame(steps: Sequence[int], rate: str, data: Any) -> None:
    pts = [sum(steps[:place]) for place in range(len(steps))]
    base = Fraction(1, 120)
    times = FrameTimes(pts, base)
    frame_rate = FrameRate.parse(rate)
    media = MediaInfo(Path("a.mp4"), sum(steps) * base, frame_rate, frame_count=len(pts), times=times)
    first = data.draw(st.integers(0, len(pts) - 1))
    frames = FrameRange(first, data.draw(st.integers(first + 1, len(pts))))
    source = Analysis(media)
    edit = at_constant_rate(Edit("x", frame_rate, 0, (source,), (Cut(source, frames, None, "c"),)))
    (cut,) = edit.cuts
    assert cut.source is edit.sources[0]
    assert not cut.source.media.variable_rate
    half = frame_rate.seconds_per_frame / 2
    assert abs(cut.span.start - media.time_of(frames.first)) <= half
    assert abs(cut.span.end - media.time_of(frames.stop)) <= half or cut.frames.count == 1
    assert at_constant_rate(edit) is edit


def all_of_edl(path: Path, rate: FrameRate, zero: int) -> list[tuple[Fraction, Fraction]]:
    edits_read = [edit for event in pycmx.parse_cmx3600(path.open()).events for edit in event.edits]
    ends = [[rate.frame_of(str(label)) - zero for label in (edit.source_in, edit.source_out)] for edit in edits_read]
    return [(rate.seconds(first), rate.seconds(stop)) for first, stop in ends]


def all_of_otio(path: Path, rate: FrameRate, zero: int) -> list[tuple[Fraction, Fraction]]:
    found = []
    for clip in otio.adapters.read_from_file(str(path)).video_tracks()[0].find_clips():
        first = round(clip.source_range.start_time.value) - zero
        found.append((rate.seconds(first), rate.seconds(first + round(clip.source_range.duration.value))))
    return found


def all_of_fcpxml(path: Path, rate: FrameRate, zero: int) -> list[tuple[Fraction, Fraction]]:
    found = []
    for clip in ElementTree.parse(path).iterfind(".//asset-clip"):
        start, length = (Fraction(clip.attrib[name].rstrip("s")) for name in ("start", "duration"))
        found.append((start - rate.seconds(zero), start + length - rate.seconds(zero)))
    return found


def all_of_xmeml(path: Path, rate: FrameRate, zero: int) -> list[tuple[Fraction, Fraction]]:
    ends = [
        tuple(int(clip.findtext(name) or "") for name in ("in", "out"))
        for clip in ElementTree.parse(path).iterfind(".//video//clipitem")
    ]
    return [(rate.seconds(first), rate.seconds(stop)) for first, stop in ends]


def all_of_mlt(path: Path, rate: FrameRate, zero: int) -> list[tuple[Fraction, Fraction]]:
    entries = ElementTree.parse(path).iterfind(".//playlist[@id='playlist0']/entry")
    ends = [(int(entry.attrib["in"]), int(entry.attrib["out"]) + 1) for entry in entries]
    return [(rate.seconds(first), rate.seconds(stop)) for first, stop in ends]


ALL_OF: dict[str, Callable[[Path, FrameRate, int], list[tuple[Fraction, Fraction]]]] = {
    "edl": all_of_edl,
    "otio": all_of_otio,
    "fcpxml": all_of_fcpxml,
    "xml": all_of_xmeml,
    "mlt": all_of_mlt,
}


def shown_by(folder: Path) -> list[int]:
    """Which frames melt renders of `cut.mlt`. Under load it ends with 0 and a broken file now and then."""
    rendered = ["-consumer", "avformat:out.mkv", "vcodec=ffv1", "an=1", "real_time=-1"]
    for left in reversed(range(3)):
        melt(folder / "cut.mlt", *rendered)
        try:
            return [index for _, index in frame_indices(folder / "out.mkv")]
        except av.error.InvalidDataError:
            if not left:
                raise
    raise AssertionError("the last try returns or raises")


@pytest.mark.parametrize("name", SOURCES)
def test_two_hundred_random_cuts_agree_in_every_format_in_melt_and_in_the_clips(
    tmp_path_factory: pytest.TempPathFactory,
    capfd: pytest.CaptureFixture[str],
    monkeypatch: pytest.MonkeyPatch,
    name: str,
) -> None:
    """Within half a frame at both ends of each; and what melt renders first is what the source shows there."""
    times, timecode = SOURCES[name]
    video = make_video(
        tmp_path_factory.mktemp("source") / "phone.mov", variable=times, timecode=timecode, size=(64, 48), audio=1
    )
    media = probe(video)
    rate = media.rate
    assert rate is not None
    half = rate.seconds_per_frame / 2
    run = command_line(capfd)
    starts = st.integers(0, 19_000)
    drawn = st.lists(st.tuples(starts, st.integers(80, 900)), min_size=10, max_size=10, unique=True)

    # Where the source's frames do not lie on those of the nominal rate, melt rounds once more.
    near = 2 * half if name == "slowing" else half

    @settings(max_examples=7, deadline=None, database=None, derandomize=True, phases=[Phase.generate])
    @given(drawn)
    def agree(spans: list[tuple[int, int]]) -> None:
        folder = tmp_path_factory.mktemp("cuts")
        monkeypatch.chdir(folder)
        wanted = [word for start, length in spans for word in ("--span", f"{start / 1000}-{(start + length) / 1000}")]
        outputs = [word for suffix in ALL_OF for word in ("-o", f"cut.{suffix}")]
        ran = run("cut", video, *wanted, *outputs, "--out-dir", "clips", "--json")
        assert ran.code == 0, ran.err
        clips = [item["delivered"] for item in ran.document["items"] if "delivered" in item]
        true = [(Fraction(str(clip["start"])), Fraction(str(clip["end"]))) for clip in clips]
        assert len(true) == 10
        for suffix, reader in ALL_OF.items():
            found = reader(folder / f"cut.{suffix}", rate, media.start_frame)
            for ours, theirs in zip(found, true, strict=True):
                assert all(abs(one - other) <= half for one, other in zip(ours, theirs, strict=True)), suffix
        shown = shown_by(folder)
        place = 0
        for first, stop in all_of_mlt(folder / "cut.mlt", rate, 0):
            index = shown[place]
            assert media.time_of(index) - near <= first <= media.time_of(index + 1) + near
            place += round((stop - first) * rate.value)
        assert place == len(shown)

    agree()
