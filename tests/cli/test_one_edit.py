"""One edit of several sources: of several videos in one command, and of several analyses."""

from __future__ import annotations

import json
import shutil
from pathlib import Path
from typing import Any

import opentimelineio as otio
import pytest

from marlin_edit_exporters.timelines.edl import MOST_EVENTS
from tests.support.command_line import CommandLine, Ran, run_command
from tests.support.synthetic_video import make_video
from tests.third_party.tool import HERE


@pytest.fixture(scope="module")
def videos(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("videos")
    make_video(folder / "a.mp4", frames=100, rate="25", size=(64, 48), audio=0)
    make_video(folder / "b.mov", frames=100, rate="25", size=(64, 48), audio=1, timecode="02:00:00:00", reel="B002")
    make_video(folder / "faster.mp4", frames=200, rate="50", size=(64, 48), audio=0)
    return folder


@pytest.fixture
def run(
    videos: Path, tmp_path: Path, capfd: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> CommandLine:
    """Runs in a directory with the videos, and a model that sees a dog from 1 to 2.5 s and a cat from 3 to 3.5 s."""
    monkeypatch.syspath_prepend(str(HERE / "oracle"))
    monkeypatch.chdir(tmp_path)
    for video in videos.iterdir():
        shutil.copyfile(video, tmp_path / video.name)
    known: dict[str, Any] = {"events": [[1, 2.5, "A dog barks"], [3, 3.5, "A cat sleeps"]], "asked": "asked"}
    Path("dog.oracle").write_text(json.dumps(known))

    def command_line(*arguments: object) -> Ran:
        return run_command(capfd, *arguments, *(["--model", "dog.oracle"] if arguments[0] != "export" else []))

    return command_line


def clips_of(path: str) -> list[tuple[str, int, int, list[str]]]:
    """Each clip's file, its first frame in the file's time code, how many frames, and its markers."""
    return [
        (
            clip.media_reference.name,
            int(clip.source_range.start_time.value),
            int(clip.source_range.duration.value),
            [marker.name for marker in clip.markers],
        )
        for clip in otio.adapters.read_from_file(path).video_tracks()[0].find_clips()
    ]


def test_an_output_without_a_name_of_its_own_is_one_edit_of_all_videos(run: CommandLine) -> None:
    ran = run(
        "cut", "a.mp4", "b.mov", "-q", "A dog barks", "-q", "A cat sleeps", "-o", "selects.otio", "-o", "{name}.json"
    )
    assert ran.code == 0, ran.err
    assert clips_of("selects.otio") == [
        ("a.mp4", 25, 38, ["A dog barks"]),
        ("a.mp4", 75, 13, ["A cat sleeps"]),
        ("b.mov", 180_025, 38, ["A dog barks"]),
        ("b.mov", 180_075, 13, ["A cat sleeps"]),
    ]
    assert "wrote selects.otio" in ran.err
    assert Path("a.json").exists()
    assert Path("b.json").exists()
    timeline = otio.adapters.read_from_file("selects.otio")
    assert (timeline.name, timeline.global_start_time.value) == ("selects", 90_000)
    colours = {marker.name: marker.color for clip in timeline.find_clips() for marker in clip.markers}
    assert colours == {"A dog barks": "GREEN", "A cat sleeps": "YELLOW"}


def test_find_and_caption_put_whole_sources_one_after_another(run: CommandLine) -> None:
    ran = run("caption", "a.mp4", "b.mov", "-o", "all.otio", "--json")
    assert ran.code == 0, ran.err
    assert clips_of("all.otio") == [
        ("a.mp4", 0, 100, ["A dog barks", "A cat sleeps"]),
        ("b.mov", 180_000, 100, ["A dog barks", "A cat sleeps"]),
    ]
    document = json.loads(ran.out)
    assert document["together"]["files"] == ["all.otio"]
    assert [one["files"] for one in document["videos"]] == [[], []]


def test_a_video_that_fails_is_left_out_of_the_edit(run: CommandLine) -> None:
    Path("broken.mp4").write_text("no video")
    ran = run("cut", "a.mp4", "broken.mp4", "-q", "A dog barks", "-o", "selects.otio")
    assert ran.code == 3
    assert [clip[0] for clip in clips_of("selects.otio")] == ["a.mp4"]


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (("a.mp4", "b.mov", "-o", "all.srt"), "SRT stores one video per file. Let {name} stand"),
        (("a.mp4", "faster.mp4", "-o", "all.xml"), "one edit has one rate: a.mp4 has 25 fps, faster.mp4 has 50 fps"),
        (("a.mp4", "b.mov", "-o", "a.otio", "-o", "{name}.otio"), "given as an output twice"),
        (("a.mp4", "b.mov", "-o", "all.otio", "-o", "-", "--format", "json"), "`-o -` is for one video"),
        (("a.mp4", "b.mov", "-o", "all.otio", "--record-start", "later"), "'later' is not a time"),
    ],
)
def test_what_cannot_be_one_edit_is_refused_before_the_work(
    run: CommandLine, arguments: tuple[str, ...], words: str
) -> None:
    ran = run("find", *arguments, "-q", "A dog barks")
    assert ran.code == 2
    assert words in ran.err
    assert not Path("asked").exists()


def test_a_label_that_the_rate_does_not_have_is_refused_before_the_work(run: CommandLine) -> None:
    ran = run("find", "a.mp4", "-q", "A dog barks", "-o", "all.otio", "--record-start", "01:00:00:25")
    assert ran.code == 2
    assert "does not exist at 25 fps" in ran.err
    assert not Path("asked").exists()


def test_one_analysis_file_may_be_of_several_rates_and_is_exported_as_a_whole(run: CommandLine) -> None:
    assert run("find", "a.mp4", "b.mov", "faster.mp4", "-q", "A dog barks", "-o", "all.json").code == 0
    assert len(json.loads(Path("all.json").read_text())["sources"]) == 3
    ran = run("export", "all.json", "-o", "all.mlt")
    assert ran.code == 1
    assert "faster.mp4 runs at 50 fps" in ran.err
    ran = run("export", "all.json", "-o", "all.otio")
    assert ran.code == 0
    assert "faster.mp4 runs at 50 fps and the timeline at 25; its cuts end on the timeline's nearest frame" in ran.err
    assert run("export", "all.json", "-o", "all.csv").code == 0
    ran = run("export", "all.json", "-o", "all.srt")
    assert ran.code == 2
    assert "SRT stores one source per file, and these are 3" in ran.err


def test_several_analyses_are_exported_into_one_edit(run: CommandLine) -> None:
    assert run("find", "a.mp4", "b.mov", "-q", "A dog barks", "-o", "{name}.json").code == 0
    ran = run("export", "a.json", "b.json", "-o", "s.edl", "-o", "s.markers.edl", "--record-start", "10:00:00:00")
    assert ran.code == 0, ran.err
    lines = [line.split() for line in Path("s.edl").read_text().splitlines() if line[:3].isdigit()]
    assert [(line[1], line[2], line[4], line[6]) for line in lines] == [
        ("A", "V", "00:00:01:00", "10:00:00:00"),
        ("B002", "AA/V", "02:00:01:00", "10:00:01:13"),
    ]
    assert [line[-17:] for line in Path("s.markers.edl").read_text().splitlines() if "|M:" in line] == [
        "A dog barks |D:38",
    ] * 2
    ran = run("export", "a.json", "b.json", "-o", "selects.otio", "--handles", "2f")
    assert ran.code == 0, ran.err
    assert [clip[:3] for clip in clips_of("selects.otio")] == [("a.mp4", 23, 42), ("b.mov", 180_023, 42)]
    ran = run("export", "a.json", "b.json", "-o", "x.otio", "--rate", "25")
    assert ran.code == 2
    assert "describe one source" in ran.err


def test_several_analyses_of_one_video_are_put_together(run: CommandLine) -> None:
    for query, name in (("A dog barks", "dog"), ("A cat sleeps", "cat")):
        assert run("find", "a.mp4", "-q", query, "-o", f"{name}.json").code == 0
    ran = run("export", "dog.json", "cat.json", "-o", "both.otio", "--cuts", "none")
    assert ran.code == 0, ran.err
    assert clips_of("both.otio") == [("a.mp4", 0, 100, ["A dog barks", "A cat sleeps"])]


def test_what_a_format_cannot_hold_of_markers_and_cuts_is_said_once(run: CommandLine) -> None:
    assert run("find", "b.mov", "-q", "A dog barks", "-o", "b.json").code == 0
    ran = run("export", "b.json", "-o", "b.mlt", "-o", "b.llc")
    assert ran.code == 0, ran.err
    assert ran.err.count("b.mlt: MLT cannot store source time code or reel names; left out") == 1
    assert "b.llc: " not in ran.err


def test_the_advice_for_too_many_cuts_works(run: CommandLine) -> None:
    rows = [{"query": "x", "start": n / 25, "end": (n + 1) / 25} for n in range(MOST_EVENTS + 1)]
    media = {"path": "long.mov", "rate": "25", "duration": "60"}
    Path("long.json").write_text(json.dumps({"schema": "marlin-edit.analysis/1", "media": media, "findings": rows}))
    ran = run("export", "long.json", "-o", "long.edl")
    assert ran.code == 1
    assert "at most 999 cuts" in ran.err
    assert run("export", "long.json", "-o", "long.otio").code == 0
