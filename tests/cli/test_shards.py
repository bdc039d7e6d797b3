"""Many computers: each does its share of the videos, and their stores become one."""

from __future__ import annotations

import json
import sqlite3
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from marlin_edit.workflow.plan_batch import in_shard
from tests.support.command_line import CommandLine, command_line
from tests.support.synthetic_video import make_video


@pytest.fixture
def marlin(capfd: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> CommandLine:
    monkeypatch.setenv("MARLIN_EDIT_MODEL", "demo")
    return command_line(capfd)


def films(folder: Path, count: int) -> list[Path]:
    folder.mkdir()
    return [make_video(folder / f"film-{number}.mp4", frames=50 + number) for number in range(count)]


@given(count=st.integers(1, 9))
def test_every_video_is_in_one_shard_whatever_it_is_called(
    count: int, tmp_path_factory: pytest.TempPathFactory
) -> None:
    folder = tmp_path_factory.mktemp("films")
    videos = [folder / f"{number}.mp4" for number in range(12)]
    for number, video in enumerate(videos):
        video.write_bytes(bytes([number]) * 100)
    parts = [in_shard(videos, part, count) for part in range(1, count + 1)]
    assert sorted(video for part in parts for video in part) == sorted(videos)
    moved = [video.rename(folder / f"other {video.name}") for video in videos]
    again = [in_shard(moved[::-1], part, count) for part in range(1, count + 1)]
    for before, after in zip(parts, again, strict=True):
        assert {f"other {video.name}" for video in before} == {video.name for video in after}


def test_three_shards_give_the_same_store_and_the_same_outputs_as_one_run(
    tmp_path: Path, marlin: CommandLine, monkeypatch: pytest.MonkeyPatch
) -> None:
    folder = tmp_path / "films"
    films(folder, 5)

    def ran_into(name: str, *options: str) -> Path:
        monkeypatch.setenv("MARLIN_EDIT_STORE_PATH", str(tmp_path / f"{name}.sqlite"))
        (tmp_path / name).mkdir(exist_ok=True)
        ran = marlin("find", folder, "-q", "a red circle", "-o", f"{tmp_path / name}/{{name}}.json", *options)
        assert ran.code in (0, 4), ran.err
        return tmp_path / name

    whole = ran_into("whole")
    for part in (1, 2, 3):
        ran_into("parts", "--shard", f"{part}/3", *(["--overwrite"] if part > 1 else []))
        if (tmp_path / "parts.sqlite").exists():
            (tmp_path / "parts.sqlite").rename(tmp_path / f"part-{part}.sqlite")
    outputs = {path.name: path.read_bytes() for path in whole.iterdir()}
    assert len(outputs) == 5
    assert {path.name: path.read_bytes() for path in (tmp_path / "parts").iterdir()} == outputs
    monkeypatch.setenv("MARLIN_EDIT_STORE_PATH", str(tmp_path / "merged.sqlite"))
    stores = sorted(tmp_path.glob("part-*.sqlite"))
    assert marlin("store", "import", *stores).code == 0

    def exported(name: str) -> list[dict[str, object]]:
        monkeypatch.setenv("MARLIN_EDIT_STORE_PATH", str(tmp_path / f"{name}.sqlite"))
        lines = marlin("store", "export").out.splitlines()
        return sorted(({**json.loads(line), "asked_at": 0} for line in lines), key=json.dumps)

    assert exported("merged") == exported("whole") != []
    ran = marlin("find", folder, "-q", "a red circle", "-o", str(tmp_path / "{name}.json"))
    assert "came from the store" in ran.err


def test_a_shard_without_videos_is_done_and_a_wrong_one_is_refused(tmp_path: Path, marlin: CommandLine) -> None:
    (film,) = films(tmp_path / "films", 1)
    codes = [
        marlin("caption", film, "--shard", f"{part}/2", "-o", str(tmp_path / "{name}.vtt")).code for part in (1, 2)
    ]
    assert codes == [0, 0]
    assert (tmp_path / "film-0.vtt").exists()
    for wrong in ("0/2", "3/2", "1", "a/b", "1/0"):
        ran = marlin("caption", film, "--shard", wrong)
        assert ran.code == 2
        assert f"--shard {wrong}: write the part and how many there are, like 2/8." in ran.err


def test_an_export_is_imported_without_loss_and_what_differs_is_named(
    tmp_path: Path, marlin: CommandLine, monkeypatch: pytest.MonkeyPatch
) -> None:
    (film,) = films(tmp_path / "films", 1)
    monkeypatch.setenv("MARLIN_EDIT_STORE_PATH", str(tmp_path / "one.sqlite"))
    marlin("find", film, "-q", "a red circle")
    lines, again = tmp_path / "one.jsonl", tmp_path / "two.jsonl"
    assert marlin("store", "export", "-o", lines).code == 0
    monkeypatch.setenv("MARLIN_EDIT_STORE_PATH", str(tmp_path / "two.sqlite"))
    count = len(lines.read_text().splitlines())
    ran = marlin("store", "import", lines, "--dry-run")
    assert (ran.code, (tmp_path / "two.sqlite").exists()) == (0, False)
    assert f"would take in {count} answers" in ran.err
    assert marlin("store", "import", lines).code == 0
    assert marlin("store", "export", "-o", again).code == 0
    assert again.read_text() == lines.read_text()
    ran = marlin("store", "import", lines, tmp_path / "one.sqlite", "--json")
    assert ran.document == {
        "new": 0, "known": 2 * count, "different": 0, "unreadable": 0, "dry_run": False, "exit_code": 0,
    }  # fmt: skip
    changed = json.loads(lines.read_text().splitlines()[0])
    changed["raw"] = "another"
    (tmp_path / "changed.jsonl").write_text(json.dumps(changed) + "\n")
    ran = marlin("store", "import", tmp_path / "changed.jsonl")
    assert ran.code == 3
    assert "another answer about" in ran.err
    marlin("store", "export", "-o", again, "--overwrite")
    assert again.read_text() == lines.read_text()


def test_what_is_no_store_is_refused_and_left_as_it_is(
    tmp_path: Path, marlin: CommandLine, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("MARLIN_EDIT_STORE_PATH", str(tmp_path / "mine.sqlite"))
    foreign = tmp_path / "foreign.sqlite"
    with sqlite3.connect(foreign) as connection:
        connection.execute("CREATE TABLE answers (key TEXT)")
    connection.close()
    before = foreign.read_bytes()
    cut = tmp_path / "cut.sqlite"
    cut.write_bytes(b"SQLite format 3\0" + b"x" * 500)
    words = tmp_path / "words.jsonl"
    words.write_text('{"media": {}}\n')
    for path, why in (
        (foreign, "is no store of answers"), (cut, "cut.sqlite"), (words, "line 1: this is no answer"),
        (tmp_path / "gone.sqlite", "cannot be read"),
    ):  # fmt: skip
        ran = marlin("store", "import", path)
        assert ran.code == 1, ran.err
        assert why in ran.err
        assert "fault of marlin-edit" not in ran.err
    assert foreign.read_bytes() == before
    assert sorted(path.name for path in tmp_path.iterdir()) == ["cut.sqlite", "foreign.sqlite", "words.jsonl"]
