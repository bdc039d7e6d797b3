"""Several videos and directories of them in one command: each is done, and the end says which were not."""

from __future__ import annotations

import json
import shutil
from pathlib import Path
from typing import Any

import pytest
import srt

from marlin_edit.cli import INTERRUPTED
from tests.support.command_line import CommandLine, Ran, run_command
from tests.support.synthetic_video import make_video
from tests.third_party.tool import HERE


@pytest.fixture(scope="module")
def one_video(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return make_video(tmp_path_factory.mktemp("many") / "one.mp4", frames=40, rate="10", size=(64, 48), audio=0)


@pytest.fixture
def run(
    one_video: Path, tmp_path: Path, capfd: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> CommandLine:
    """Runs in a directory with `a.mp4`, `b.mp4` and `more/c.mp4`, and a model that sees a dog from 1 to 2.5 s."""
    monkeypatch.syspath_prepend(str(HERE / "oracle"))
    monkeypatch.chdir(tmp_path)
    (tmp_path / "more" / ".trash").mkdir(parents=True)
    for name in ("a.mp4", "b.mp4", "more/c.mp4", "more/.trash/d.mp4"):
        shutil.copyfile(one_video, tmp_path / name)
    (tmp_path / "notes.txt").write_text("no video")
    knowing()

    def command_line(*arguments: object) -> Ran:
        return run_command(capfd, *arguments, "--model", "dog.oracle")

    return command_line


def knowing(**known: Any) -> None:
    known = {"events": [[1, 2.5, "A dog barks"]], "asked": "asked"} | known
    Path("dog.oracle").write_text(json.dumps(known))


def asked() -> list[str]:
    return [line.split()[0] for line in Path("asked").read_text().splitlines()]


def there(*suffixes: str) -> list[str]:
    return sorted(str(path) for path in Path().rglob("*") if path.suffix in suffixes)


def test_several_videos_are_written_to_files_of_their_own_names(run: CommandLine) -> None:
    Path("subs").mkdir()
    ran = run("caption", "a.mp4", "b.mp4", "-o", "subs/{name}.srt", "-o", "{name}.json")
    assert ran.code == 0, ran.err
    assert there(".srt", ".json") == ["a.json", "b.json", "subs/a.srt", "subs/b.srt"]
    assert [cue.content for cue in srt.parse(Path("subs/b.srt").read_text())] == ["A dog barks"]
    assert "2 videos: 2 done" in ran.err


def test_of_a_directory_its_videos_are_taken_and_with_recursive_all_below_it(run: CommandLine) -> None:
    assert run("caption", ".", "-o", "{folder}/{name}.srt").code == 0
    assert there(".srt") == ["a.srt", "b.srt"]
    assert run("caption", ".", "--recursive", "-o", "{folder}/{name}.srt", "--overwrite").code == 0
    assert there(".srt") == ["a.srt", "b.srt", "more/c.srt"]


def test_a_video_that_is_named_twice_is_done_once(run: CommandLine) -> None:
    Path("link.mp4").symlink_to("a.mp4")
    assert run("find", "a.mp4", "./a.mp4", "link.mp4", "b.mp4", "-q", "A dog barks").code == 0
    assert asked() == ["a.mp4", "b.mp4"]


def test_one_bad_file_does_not_stop_the_rest_and_the_end_says_which(run: CommandLine) -> None:
    Path("b.mp4").write_text("no video any more")
    Path("empty.mp4").touch()
    ran = run("find", "a.mp4", "b.mp4", "empty.mp4", "more/c.mp4", "-q", "A dog barks", "-o", "{name}.json", "--json")
    assert ran.code == 3
    assert [(one["video"], one["exit_code"]) for one in ran.document["videos"]] == [
        ("a.mp4", 0), ("b.mp4", 1), ("empty.mp4", 1), ("more/c.mp4", 0),
    ]  # fmt: skip
    assert ran.document["videos"][0]["files"] == ["a.json"]
    assert "b.mp4" in ran.document["videos"][1]["error"]
    assert ran.document["videos"][3]["analysis"]["findings"][0]["start"] == "1"
    assert (ran.document["not_done"], ran.document["exit_code"]) == ([], 3)
    assert "4 videos: 2 done" in ran.err
    assert "failed: b.mp4, empty.mp4" in ran.err
    assert there(".json") == ["a.json", "c.json"]


def test_where_all_fail_or_nothing_is_found_in_any_the_code_says_so(run: CommandLine) -> None:
    Path("x.mp4").touch()
    Path("y.mp4").touch()
    assert run("find", "x.mp4", "y.mp4", "-q", "A dog barks").code == 1
    assert run("find", "a.mp4", "b.mp4", "-q", "A cat sleeps").code == 4


def test_without_an_output_each_answer_stands_below_its_video(run: CommandLine) -> None:
    ran = run("caption", "a.mp4", "b.mp4")
    of_each = [
        "  in          out         seconds      length",
        "  00:00:01:0  00:00:02:5  1.00 - 2.50  1.50 s  A dog barks",
    ]
    assert ran.out.splitlines() == ["", "a.mp4:", *of_each, "", "b.mp4:", *of_each]


def test_clips_of_several_videos_go_into_one_directory(run: CommandLine) -> None:
    ran = run("cut", "a.mp4", "b.mp4", "--query", "A dog barks", "--out-dir", "clips", "--json")
    assert ran.code == 0, ran.err
    assert len(there(".mp4")) == 4 + 2
    assert [len(one["items"]) for one in ran.document["videos"]] == [1, 1]


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (("a.mp4", "b.mp4", "-o", "list.srt"), "{name}.srt"),
        (("a.mp4", "b.mp4", "-o", "-", "--format", "json"), "one video"),
        (("a.mp4", "more/a.mp4", "-o", "{name}.json"), "both be written to a.json"),
        (("a.mp4", "b.mp4", "-o", "{name}.docx"), "suffix"),
        (("a.mp4", "b.mp4", "-o", "no/{name}.json"), "no directory"),
        (("a.mp4", "b.mp4", "-o", "{name}.otio"), "--overwrite"),
        (("a.mp4", "more/a.mp4", "--out-dir", "clips", "--overwrite"), "have one name"),
        (("more/.trash/.",), "There is no video in the directory"),
    ],
)
def test_what_cannot_be_is_refused_before_the_first_video(
    run: CommandLine, arguments: tuple[str, ...], words: str
) -> None:
    shutil.copyfile("a.mp4", "more/a.mp4")
    Path("more/.trash/d.mp4").unlink()
    Path("b.otio").write_text("mine")
    ran = run("cut", *arguments, "--query", "A dog barks")
    assert ran.code in (1, 2)
    assert words in ran.err
    assert not Path("asked").exists()
    assert there(".json", ".otio") == ["b.otio"]


def test_a_model_that_cannot_be_opened_is_said_once(run: CommandLine) -> None:
    Path("dog.oracle").unlink()
    ran = run("caption", "a.mp4", "b.mp4")
    assert ran.code == 1
    assert ran.err.count("dog.oracle") == 1


def test_ctrl_c_ends_the_run_and_what_was_done_before_is_there_and_told(run: CommandLine) -> None:
    knowing(interrupt=2)
    ran = run("caption", "a.mp4", "b.mp4", "more/c.mp4", "-o", "{name}.json", "--json")
    assert ran.code == INTERRUPTED
    assert there(".json") == ["a.json"]
    assert [one["video"] for one in ran.document["videos"]] == ["a.mp4"]
    assert ran.document["not_done"] == ["b.mp4", "more/c.mp4"]
    assert "not done: b.mp4, more/c.mp4" in ran.err


def test_one_video_answers_as_ever(run: CommandLine) -> None:
    ran = run("caption", "a.mp4", "-o", "{name}.json", "--json")
    assert ran.code == 0
    assert ran.document["files"] == ["a.json"]
    assert "videos" not in ran.document
