"""What is known is not asked again; what was killed goes on; and no store, however broken, ends a run."""

from __future__ import annotations

import json
import os
import random
import shutil
import signal
import sqlite3
import subprocess
import sys
import tempfile
import textwrap
import time
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
from dataclasses import dataclass
from fractions import Fraction
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from marlin_edit.analysis import ModelIdentity
from marlin_edit.cli import main
from marlin_edit.inference import pipeline
from marlin_edit.inference.cache import AnswerCache
from marlin_edit.inference.store import APPLICATION_ID, SCHEMA_VERSION, Choice, Kept, Key, Store
from marlin_edit.media import MediaInfo, probe_video
from marlin_edit.timebase import Span
from marlin_edit.video_model import Answer, Question, QuestionKind, Terms
from tests.support.synthetic_video import make_video
from tests.third_party.tool import HERE, environment, itself

TALLY = HERE / "tally"
QUERIES = ("a door opens", "a dog runs")


@dataclass(frozen=True)
class Ran:
    """What a command line ended with, what it asked the model, and how many windows it watched."""

    code: int
    out: str
    err: str
    asked: list[str]
    watched: int

    @property
    def warnings(self) -> list[str]:
        return [line for line in self.err.splitlines() if line.startswith("marlin-edit: warning: ")]


CommandLine = Callable[..., Ran]


def queries(*words: str) -> list[str]:
    return [part for query in words for part in ("-q", query)]


def read_log(log: Path) -> list[dict[str, Any]]:
    return [json.loads(line) for line in log.read_text().splitlines()] if log.exists() else []


def kept_in(path: Path) -> list[Kept]:
    return list(Store(path, pytest.fail).answers())


@pytest.fixture(scope="module")
def source(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return make_video(tmp_path_factory.mktemp("source") / "source.mp4", frames=100, size=(160, 96))


@pytest.fixture
def video(source: Path, tmp_path: Path) -> Path:
    return Path(shutil.copyfile(source, tmp_path / "video.mp4"))


@pytest.fixture
def path(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Where the store of this test is."""
    monkeypatch.setenv("MARLIN_EDIT_STORE_PATH", str(tmp_path / "kept" / "answers.sqlite"))
    return tmp_path / "kept" / "answers.sqlite"


@pytest.fixture
def run(capfd: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch, tmp_path: Path, path: Path) -> CommandLine:
    log = tmp_path / "asked.log"
    monkeypatch.chdir(tmp_path)
    monkeypatch.syspath_prepend(str(TALLY))
    monkeypatch.setenv("TALLY_LOG", str(log))
    monkeypatch.setenv("MARLIN_EDIT_MODEL", "tally")
    monkeypatch.setenv("MARLIN_EDIT_SCORE", "no")  # each question is asked once

    def command_line(*arguments: object, **variables: str) -> Ran:
        log.unlink(missing_ok=True)
        with pytest.MonkeyPatch.context() as patch:
            for name, value in variables.items():
                patch.setenv(name, value)
            code = main([str(argument) for argument in arguments])
        said = capfd.readouterr()
        notes = read_log(log)
        asked = [entry["asked"] or "caption" for entry in notes if "asked" in entry]
        return Ran(code, said.out, said.err, asked, len(notes) - len(asked))

    return command_line


# Known or not


def test_what_is_known_is_not_asked_again_and_its_window_is_not_watched(run: CommandLine, video: Path) -> None:
    first = run("find", video, *queries(*QUERIES), "--json")
    assert (first.code, sorted(first.asked), first.watched) == (0, sorted(QUERIES), 1)
    again = run("find", video, *queries(*QUERIES), "--json")
    assert (again.code, again.asked, again.watched) == (0, [], 0)
    assert again.out == first.out
    assert "All 2 answers came from the store (use --no-store to ask again)" in again.err
    assert again.warnings == []


def test_only_what_is_new_is_asked(run: CommandLine, video: Path) -> None:
    run("find", video, *queries("a door opens"))
    assert run("find", video, *queries("a cat", "a door opens", "a dog")).asked == ["a cat", "a dog"]
    assert run("caption", video).asked == ["caption"]
    assert run("caption", video).asked == []
    assert run("cut", video, *queries("a cat"), "-o", "list.edl").asked == []


@pytest.mark.parametrize(
    "changed",
    [
        {"TALLY_NAME": "abacus"},
        {"TALLY_REVISION": "2"},
        {"TALLY_PROFILE": "counting/2"},
        {"TALLY_DTYPE": "bfloat16"},
        {"TALLY_PROMPT": "Count again"},
        {"TALLY_SAMPLING": "every second one"},
        {"TALLY_GENERATION": "greedy, at most 64 tokens"},
    ],
)
def test_a_change_of_anything_that_the_answer_depends_on_asks_again(
    run: CommandLine, video: Path, changed: dict[str, str]
) -> None:
    run("find", video, *queries("a dog"))
    assert run("find", video, *queries("a dog"), **changed).asked == ["a dog"]
    assert run("find", video, *queries("a dog"), **changed).asked == []
    assert run("find", video, *queries("a dog")).asked == []


def test_another_window_query_or_stream_asks_again(run: CommandLine, tmp_path: Path) -> None:
    video = make_video(tmp_path / "two.mkv", frames=100, size=(160, 96), more_videos=[(96, 64)])
    assert run("find", video, *queries("a dog")).asked == ["a dog"]
    for other in (["--range", "0-3"], ["--range", "1/1000-4"], ["--stream", "1"]):
        assert run("find", video, *queries("a dog"), *other).asked == ["a dog"]
        assert run("find", video, *queries("a dog"), *other).asked == []
    assert run("find", video, *queries("a cat")).asked == ["a cat"]
    assert run("find", video, *queries("A Dog.")).asked == [], "the same query, written in another way"
    assert run("find", video, *queries("a dog"), "--range", "0-4", "--stream", "0").asked == []


def test_a_file_is_known_by_its_content_wherever_it_is_moved(run: CommandLine, video: Path, tmp_path: Path) -> None:
    run("find", video, *queries("a dog"))
    (tmp_path / "elsewhere").mkdir()
    moved = video.rename(tmp_path / "elsewhere" / "renamed.mov")
    assert run("find", moved, *queries("a dog")).asked == []
    make_video(video, frames=101, size=(160, 96))
    assert run("find", video, *queries("a dog")).asked == ["a dog"]


@pytest.mark.parametrize("off", [(["--no-store"], {}), ([], {"MARLIN_EDIT_STORE": "no"})])
def test_without_the_store_nothing_is_read_or_kept(
    run: CommandLine, video: Path, path: Path, off: tuple[list[str], dict[str, str]]
) -> None:
    flags, variables = off
    assert run("find", video, *queries("a dog"), *flags, **variables).asked == ["a dog"]
    assert not path.parent.exists()
    run("find", video, *queries("a dog"))
    assert run("find", video, *queries("a dog"), *flags, **variables).asked == ["a dog"]


def test_answers_of_a_model_that_does_not_say_what_they_depend_on_are_not_kept(
    run: CommandLine, video: Path, path: Path
) -> None:
    for _ in range(2):
        assert run("find", video, *queries("a dog"), "--model", "forgetful").asked == ["a dog"]
        assert run("find", video, *queries("a dog"), TALLY_REVISION="").asked == ["a dog"]
    assert not path.exists()


def test_answers_about_damaged_pictures_are_used_and_not_kept(run: CommandLine, video: Path) -> None:
    for _ in range(2):
        ran = run("find", video, *queries("a dog"), TALLY_DAMAGED="yes")
        assert (ran.code, ran.asked) == (0, ["a dog"])


def test_answers_about_a_file_that_changed_meanwhile_are_used_and_not_kept(
    run: CommandLine, video: Path, path: Path
) -> None:
    ran = run("find", video, *queries("a dog"), TALLY_SPOILS="yes")
    assert ran.code == 0
    assert "video.mp4 changed while it was watched" in ran.err
    assert not path.exists()


def test_text_that_no_encoding_holds_is_used_and_not_kept(
    run: CommandLine, video: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("marlin_edit.inference.queries.checked_queries", lambda queries: tuple(queries))
    for _ in range(2):
        assert run("find", video, *queries("a \udcff dog"), "--json").asked == ["a \udcff dog"]


def test_several_windows_are_watched_only_where_something_is_not_known(
    run: CommandLine, video: Path, path: Path
) -> None:
    from marlin_tally import Tally  # type: ignore[import-not-found]

    media = probe_video(video)
    spans = [Span(Fraction(second), Fraction(second + 1)) for second in range(4)]
    log = Path(os.environ["TALLY_LOG"])

    def asked(windows: list[Span]) -> tuple[list[str], list[Fraction], Any]:
        log.unlink(missing_ok=True)
        reached: list[Fraction] = []
        answers = AnswerCache(Store(path, pytest.fail), pytest.fail)
        inquiry = pipeline.Inquiry(caption=True, queries=tuple(QUERIES))
        analysis = pipeline.analyze_windows(Tally(), media, windows, inquiry, seen=reached.append, answers=answers)
        answers.close()
        return [entry["watched"] for entry in read_log(log) if "watched" in entry], reached, analysis

    asked([spans[1], spans[3]])
    watched, reached, analysis = asked(spans)
    assert watched == [str(spans[0]), str(spans[2])]
    assert sorted(set(reached)) == [1, 2, 3, 4]
    assert [scene.span for scene in analysis.scenes] == [Span(Fraction(0), Fraction(4))]
    assert asked(spans)[0] == []
    assert asked(spans)[2] == analysis


def test_a_part_of_a_known_window_is_watched_only_when_it_is_not_known(
    run: CommandLine, video: Path, path: Path
) -> None:
    from marlin_tally import Tally

    media = probe_video(video)
    whole, part = Span(Fraction(0), Fraction(4)), Span(Fraction(1), Fraction(2))
    question = Question(QuestionKind.FIND, "a dog")

    def answers() -> tuple[Any, list[str]]:
        Path(os.environ["TALLY_LOG"]).unlink(missing_ok=True)
        cache = AnswerCache(Store(path, pytest.fail), pytest.fail)
        (window,) = cache.cached(Tally(), [question]).watch(media, [whole])
        found = [*window.ask([question]), *window.part(part).ask([question])]
        cache.close()
        return found, [entry.get("asked", "") for entry in read_log(Path(os.environ["TALLY_LOG"]))]

    first, asked = answers()
    assert asked == ["", "a dog", "a dog"]
    assert answers() == (first, [])


# The real engine


@pytest.fixture(scope="module")
def checkpoint(tmp_path_factory: pytest.TempPathFactory) -> Path:
    from tests.support.checkpoints import save_checkpoint

    return save_checkpoint(tmp_path_factory.mktemp("checkpoint") / "random")


def test_where_all_is_known_the_weights_are_not_loaded(
    run: CommandLine, video: Path, path: Path, checkpoint: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    from marlin_edit.marlin.backend import MAX_NEW_TOKENS

    monkeypatch.setitem(MAX_NEW_TOKENS, QuestionKind.FIND, 6)
    command = ["find", video, *queries(*QUERIES), "--model", checkpoint, "--device", "cpu", "--decoder"]
    first = run(*command, "pyav", "-o", "first.json")
    kept = kept_in(path)
    assert [one.answer.stopped_by for one in kept] == ["length", "length"]
    assert [len(one.answer.token_logprobs) for one in kept] == [6, 6]

    def loaded(*_: object, **__: object) -> None:
        raise AssertionError("the weights were loaded")

    monkeypatch.setattr("transformers.Qwen3_5ForConditionalGeneration.from_pretrained", loaded)
    again = run(*command, "auto", "-o", "again.json")
    assert again.code == first.code
    assert Path("again.json").read_bytes() == Path("first.json").read_bytes()
    monkeypatch.setitem(MAX_NEW_TOKENS, QuestionKind.FIND, 5)
    assert "the weights were loaded" in run(*command, "auto", "-o", "other.json").err


def test_a_run_that_was_broken_off_ends_with_the_same_result_to_the_last_bit(
    run: CommandLine, video: Path, path: Path, checkpoint: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    from marlin_edit.marlin.backend import MAX_NEW_TOKENS
    from marlin_edit.marlin.prompts import MOST_TOGETHER

    monkeypatch.setitem(MAX_NEW_TOKENS, QuestionKind.FIND, 6)
    many = queries(*(f"number {number} {'of many ' * (number % 3)}" for number in range(MOST_TOGETHER + 3)))
    command = ["find", video, *many, "--model", checkpoint, "--device", "cpu", "--dtype", "bfloat16"]
    unbroken = path.with_name("unbroken.sqlite")
    first = run(*command, "--json", MARLIN_EDIT_STORE_PATH=str(unbroken))
    with monkeypatch.context() as patch:
        keep = Store.keep

        def kept_once(store: Store, answers: Sequence[Kept]) -> None:
            keep(store, answers)
            raise KeyboardInterrupt

        patch.setattr(Store, "keep", kept_once)
        assert run(*command).code == 130
    assert len(kept_in(path)) == MOST_TOGETHER
    again = run(*command, "--json")
    assert (again.code, again.out) == (first.code, first.out)
    assert {one.key: one.answer for one in kept_in(path)} == {one.key: one.answer for one in kept_in(unbroken)}


def test_a_window_with_damage_gives_answers_that_are_not_kept(
    run: CommandLine, tmp_path: Path, path: Path, checkpoint: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    from marlin_edit.marlin.backend import MAX_NEW_TOKENS

    monkeypatch.setitem(MAX_NEW_TOKENS, QuestionKind.FIND, 3)
    video = make_video(tmp_path / "scratched.ts", frames=150, audio=0)
    content = bytearray(video.read_bytes())
    for place in range(len(content) // 2, len(content) // 2 + 6_000, 7):
        content[place] ^= 0x5A
    video.write_bytes(content)
    command = ["find", video, *queries("a dog"), "--model", checkpoint, "--device", "cpu"]
    assert run(*command).code in (0, 4)
    assert not path.exists()


def test_a_model_of_which_one_tensor_was_trained_further_is_another_one(tmp_path: Path) -> None:
    import numpy as np
    from safetensors.numpy import save_file

    from marlin_edit.marlin.hub import fingerprint

    tensors = {f"layer.{number:02}": np.zeros(40_000, np.float32) for number in range(60)}
    (tmp_path / "config.json").write_text("{}")
    seen = set()
    for changed in ("none", *list(tensors)[3:60:5]):
        values = {**tensors, changed: np.ones(40_000, np.float32)} if changed in tensors else tensors
        save_file(values, tmp_path / "model.safetensors")
        seen.add(fingerprint(tmp_path))
    assert len(seen) == 13


# Killed, and side by side


MANY = tuple(f"a number {number}" for number in range(16))


@dataclass(frozen=True)
class Process:
    """The tool in a process of its own, with a store and a log of its own."""

    folder: Path
    own: Path
    video: Path

    @property
    def store(self) -> Path:
        return self.folder / "answers.sqlite"

    @property
    def log(self) -> Path:
        return self.folder / "asked.log"

    def start(self, output: str, seconds: str) -> subprocess.Popen[str]:
        variables = {
            "MARLIN_EDIT_STORE_PATH": str(self.store),
            "TALLY_LOG": str(self.log),
            "TALLY_SECONDS": seconds,
        }
        arguments = ["find", str(self.video), *queries(*MANY), "--model", "tally", "-o", output]
        return subprocess.Popen(
            [sys.executable, "-m", "marlin_edit", *arguments],
            env=environment([self.own, TALLY], {**variables, "MARLIN_EDIT_SCORE": "no"}),
            cwd=self.folder,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )


@pytest.fixture
def process(tmp_path: Path, source: Path) -> Callable[[str], Process]:
    own = itself(tmp_path / "own")

    def made(name: str) -> Process:
        (tmp_path / name).mkdir()
        return Process(tmp_path / name, own, source)

    return made


def test_a_run_killed_at_random_moments_goes_on_where_it_was(process: Callable[[str], Process]) -> None:
    unbroken = process("unbroken")
    assert unbroken.start("out.json", "0").wait(60) == 0
    killed = process("killed")
    chance = random.Random(3)
    kills = 0
    known: set[str] = set()
    while True:
        killed.log.unlink(missing_ok=True)
        running = killed.start("out.json", "0.01")
        stop_after = chance.randrange(7)
        while running.poll() is None and len(read_log_so_far(killed.log)) <= stop_after:
            time.sleep(0.001)
        time.sleep(chance.uniform(0, 0.02))
        if running.poll() is None and len(known) < 14 and kills < 5:
            running.send_signal(signal.SIGKILL)
            kills += 1
        code = running.wait(60)
        asked = [entry["asked"] for entry in read_log_so_far(killed.log) if "asked" in entry]
        assert not known & set(asked), "an answered question was asked again"
        assert len(asked) == len(set(asked))
        known = {kept.key.question.query for kept in kept_in(killed.store)}
        # What was answered is kept before the next two are asked.
        assert len(set(asked) - known) <= 2
        if code == 0:
            break
        assert code == -signal.SIGKILL
    assert kills >= 3
    assert known == set(MANY)
    assert (killed.folder / "out.json").read_bytes() == (unbroken.folder / "out.json").read_bytes()
    assert sorted(path.name for path in killed.folder.iterdir()) == ["answers.sqlite", "asked.log", "out.json"]


def read_log_so_far(log: Path) -> list[dict[str, Any]]:
    """As `read_log`, of a file whose last line may be just being written."""
    text = log.read_text() if log.exists() else ""
    return [json.loads(line) for line in text[: text.rfind("\n") + 1].splitlines()]


def test_processes_at_once_share_a_store(process: Callable[[str], Process]) -> None:
    shared = process("shared")
    running = [shared.start(f"{number}.json", "0.005") for number in range(3)]
    for one in running:
        _, said = one.communicate(timeout=60)
        assert (one.returncode, "warning" in said) == (0, False), said
    assert len({(shared.folder / f"{number}.json").read_bytes() for number in range(3)}) == 1
    kept = kept_in(shared.store)
    assert sorted(one.key.question.query for one in kept) == sorted(MANY)
    assert sorted(path.suffix for path in shared.folder.iterdir()) == [".json", ".json", ".json", ".log", ".sqlite"]


# Stores that cannot be used


def aside(path: Path) -> list[str]:
    return sorted(one.name for one in path.parent.iterdir() if one.name != path.name)


def random_bytes(path: Path) -> None:
    path.write_bytes(random.Random(1).randbytes(50_000))


def text(path: Path) -> None:
    path.write_text("not a database at all\n" * 100)


def half(path: Path) -> None:
    path.write_bytes(path.read_bytes()[: path.stat().st_size // 2])


def one_byte_short(path: Path) -> None:
    path.write_bytes(path.read_bytes()[:-1])


def header_only(path: Path) -> None:
    path.write_bytes(path.read_bytes()[:100])


def damaged_pages(path: Path) -> None:
    content = bytearray(path.read_bytes())
    content[4096:] = random.Random(2).randbytes(len(content) - 4096)
    path.write_bytes(bytes(content))


def trigger(path: Path) -> None:
    with sqlite3.connect(path) as connection:
        connection.execute("CREATE TRIGGER t AFTER INSERT ON answers BEGIN DELETE FROM answers; END")


def other_columns(path: Path) -> None:
    with sqlite3.connect(path) as connection:
        connection.execute("ALTER TABLE answers ADD COLUMN more TEXT")


def newer(path: Path) -> None:
    with sqlite3.connect(path) as connection:
        connection.execute("CREATE TABLE more (x)")
        connection.execute(f"PRAGMA user_version = {SCHEMA_VERSION + 6}")


@pytest.mark.parametrize(
    "spoil",
    [half, one_byte_short, header_only, damaged_pages, trigger, other_columns, newer],
)
def test_a_store_that_cannot_be_used_is_set_aside_with_a_warning(
    run: CommandLine, video: Path, path: Path, spoil: Callable[[Path], None]
) -> None:
    expected = run("find", video, *queries(*QUERIES), "--json").out
    spoil(path)
    spoiled = path.read_bytes()
    ran = run("find", video, *queries(*QUERIES), "--json")
    assert (ran.code, ran.out, len(ran.asked)) == (0, expected, 2)
    (warning,) = ran.warnings
    (name,) = aside(path)
    why = "newer" if spoil is newer else "damaged"
    assert name.startswith(f"answers.sqlite.{why}-")
    assert name in warning
    assert why in warning
    assert (path.parent / name).read_bytes() == spoiled
    again = run("find", video, *queries(*QUERIES), "--json")
    assert (again.asked, again.warnings) == ([], [])


def film(path: Path) -> None:
    make_video(path.with_suffix(".mp4"), frames=5)
    path.with_suffix(".mp4").replace(path)


def damaged_database(path: Path) -> None:
    path.unlink()
    with sqlite3.connect(path) as connection:
        connection.execute("CREATE TABLE bookmarks (url)")
    path.write_bytes(path.read_bytes()[:-1])


@pytest.mark.parametrize("spoil", [random_bytes, text, film, damaged_database])
@pytest.mark.parametrize("through_a_link", [False, True])
def test_a_file_that_does_not_say_that_it_is_a_store_is_never_touched(
    run: CommandLine, video: Path, path: Path, spoil: Callable[[Path], None], through_a_link: bool
) -> None:
    path.parent.mkdir()
    path.touch()
    spoil(path)
    if through_a_link:
        path.rename(path.with_name("mine"))
        path.symlink_to("mine")
    before, names = path.read_bytes(), sorted(one.name for one in path.parent.iterdir())
    for arguments in (("store",), ("store", "prune", "--all"), ("store", "export")):
        ran = run(*arguments)
        assert (ran.code, "It was not changed" in ran.err) == (1, True), ran.err
    ran = run("find", video, *queries("a dog"))
    assert (ran.code, ran.asked, len(ran.warnings)) == (0, ["a dog"], 1)
    assert (path.read_bytes(), sorted(one.name for one in path.parent.iterdir())) == (before, names)


def test_what_only_shows_the_store_writes_nothing(run: CommandLine, path: Path) -> None:
    assert "0 answers" in run("store").out
    assert not path.exists()
    path.parent.mkdir()
    path.touch()
    assert "0 answers" in run("store").out
    assert path.stat().st_size == 0


def test_of_several_that_find_a_damaged_store_at_once_one_sets_it_aside(
    run: CommandLine, video: Path, path: Path
) -> None:
    run("find", video, *queries("a dog"))
    one_byte_short(path)
    said: list[str] = []
    stores = [Store(path, said.append) for _ in range(8)]
    with ThreadPoolExecutor(8) as pool:
        assert list(pool.map(lambda store: list(store.answers()), stores)) == [[]] * 8
    assert len(aside(path)) == len(said) == 1


def test_an_empty_file_becomes_a_store(run: CommandLine, video: Path, path: Path) -> None:
    path.parent.mkdir()
    path.touch()
    assert run("find", video, *queries("a dog")).warnings == []
    assert run("find", video, *queries("a dog")).asked == []


@pytest.mark.parametrize(
    "change",
    [
        "raw = 'From 3.0 to 3.5.'",
        "raw = x'FF00'",
        "raw = CAST(x'FF' AS TEXT)",
        "raw = 5",
        "logprobs = 'words'",
        "logprobs = x'00'",
        "stopped_by = 7",
        "asked_at = 'yesterday'",
        "stream = 'first'",
        "start = '1/0'",
        "start = '9' || start",
        "kind = 'song'",
        "checksum = ''",
    ],
)
def test_a_row_that_is_not_as_it_was_written_is_asked_again(
    run: CommandLine, video: Path, path: Path, change: str
) -> None:
    expected = run("find", video, *queries("a dog"), "--json").out
    with sqlite3.connect(path) as connection:
        connection.execute(f"UPDATE answers SET {change}")
    assert json.loads(run("store", "--json").out)["answers"] == 0
    ran = run("find", video, *queries("a dog"), "--json")
    assert (ran.asked, ran.out, ran.warnings) == (["a dog"], expected, [])
    assert run("find", video, *queries("a dog"), "--json").asked == []


def test_a_database_of_another_program_is_left_as_it_is(run: CommandLine, video: Path, path: Path) -> None:
    path.parent.mkdir()
    with sqlite3.connect(path) as connection:
        connection.execute("CREATE TABLE bookmarks (url)")
    before = path.read_bytes()
    ran = run("find", video, *queries("a dog"))
    assert (ran.code, ran.asked) == (0, ["a dog"])
    assert len(ran.warnings) == 1
    assert "of another program" in ran.warnings[0]
    assert (path.read_bytes(), aside(path)) == (before, [])


@pytest.mark.parametrize("kind", ["directory", "below a file", "pipe"])
def test_a_place_where_no_file_can_be_is_said_once(run: CommandLine, video: Path, path: Path, kind: str) -> None:
    if kind == "directory":
        path.mkdir(parents=True)
    elif kind == "pipe":
        path.parent.mkdir()
        os.mkfifo(path)
    else:
        path.parent.write_text("")
    ran = run("find", video, *queries(*QUERIES, "a cat"))
    assert (ran.code, len(ran.asked)) == (0, 3)
    assert len(ran.warnings) == 1


def test_a_store_that_is_held_for_long_is_done_without(
    run: CommandLine, video: Path, path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    run("find", video, *queries("a dog"))
    monkeypatch.setattr("marlin_edit.inference.store.BUSY_SECONDS", 0.05)
    holder = sqlite3.connect(path, isolation_level=None)
    holder.execute("BEGIN EXCLUSIVE")
    held = run("find", video, *queries("a dog", "a cat"))
    assert (held.code, sorted(held.asked), len(held.warnings)) == (0, ["a cat", "a dog"], 1)
    assert "is held by another program" in held.warnings[0]
    holder.execute("ROLLBACK")
    holder.execute("BEGIN IMMEDIATE")  # can be read, not written
    read = run("find", video, *queries("a dog", "a cat"))
    assert (read.code, read.asked, len(read.warnings)) == (0, ["a cat"], 1)
    holder.close()


def child(script: str, *arguments: object, cwd: Path, **variables: str) -> subprocess.CompletedProcess[str]:
    """A process of its own, in which `script` takes something away and then runs `main(sys.argv[2:])`."""
    own = itself(cwd / "own")
    code = f"import os, resource, sys\nfrom marlin_edit.cli import main\n{textwrap.dedent(script)}"
    return subprocess.run(
        [sys.executable, "-c", code, str(cwd), *map(str, arguments)],
        env=environment(
            [own, TALLY], {"MARLIN_EDIT_MODEL": "tally", "MARLIN_EDIT_SCORE": "no", "HOME": str(cwd), **variables}
        ),
        cwd=cwd,
        capture_output=True,
        text=True,
        check=False,
        timeout=60,
    )


SOMEBODY_ELSE = """
    # As root everything is imported that the command line needs; then this is another user.
    assert main([*sys.argv[2:], "--no-store", "-o", "warm.json"]) == 0
    os.remove("asked.log")
    os.setgid(65534)
    os.setuid(65534)
    sys.exit(main([*sys.argv[2:], "-o", "open/out.json"]))
"""


@pytest.mark.parametrize("known", [False, True])
def test_in_a_directory_that_cannot_be_written_what_is_known_is_used_and_results_come(
    source: Path, known: bool
) -> None:
    if os.geteuid() != 0:
        pytest.skip("needs root, to become somebody else")
    with tempfile.TemporaryDirectory() as folder:
        place = Path(folder)
        place.chmod(0o777)
        shutil.copyfile(source, place / "video.mp4")
        (place / "closed").mkdir(mode=0o755)
        (place / "open").mkdir()
        (place / "open").chmod(0o777)
        variables = {"MARLIN_EDIT_STORE_PATH": str(place / "closed" / "answers.sqlite"), "TALLY_LOG": "asked.log"}
        if known:
            first = child(
                "sys.exit(main(sys.argv[2:]))", "find", "video.mp4", *queries("a dog"), cwd=place, **variables
            )
            assert first.returncode == 0, first.stderr
            (place / "closed" / "answers.sqlite").chmod(0o644)
        done = child(SOMEBODY_ELSE, "find", "video.mp4", *queries("a dog", "a cat", "x"), cwd=place, **variables)
        assert done.returncode == 0, done.stderr
        asked = [entry["asked"] for entry in read_log(place / "asked.log") if "asked" in entry]
        assert len(asked) == (2 if known else 3)
        assert done.stderr.count("warning") == 1
        assert "permission" in done.stderr.lower()
        findings = json.loads((place / "open" / "out.json").read_text())["findings"]
        assert len(findings) == 3
        assert len([*(place / "closed").iterdir()]) == known


@pytest.mark.parametrize("limit", [6000, 22_000])
def test_without_space_for_the_store_results_come_all_the_same(tmp_path: Path, source: Path, limit: int) -> None:
    script = f"""
        resource.setrlimit(resource.RLIMIT_FSIZE, ({limit}, {limit}))
        sys.exit(main(sys.argv[2:]))
    """
    log = tmp_path / "asked.log"
    log.symlink_to("/dev/null")
    variables = {"MARLIN_EDIT_STORE_PATH": str(tmp_path / "answers.sqlite"), "TALLY_LOG": str(log)}
    many = queries(*(f"number {number} of very many {'x' * 400}" for number in range(20)))
    done = child(script, "find", source, *many, "--json", cwd=tmp_path, **variables)
    assert done.returncode == 0, done.stderr
    assert len(json.loads(done.stdout)["analysis"]["findings"]) == 20
    assert done.stderr.count("warning") == 1, done.stderr
    assert "full" in done.stderr
    after = child("sys.exit(main(sys.argv[2:]))", "find", source, *many, cwd=tmp_path, **variables)
    assert (after.returncode, "warning" in after.stderr) == (0, False), after.stderr
    assert len(kept_in(tmp_path / "answers.sqlite")) == 20


# The command


@pytest.fixture
def filled(run: CommandLine, video: Path, tmp_path: Path) -> MediaInfo:
    """Two answers about one file by one model, one by another, and one about another file."""
    run("find", video, *queries(*QUERIES))
    run("caption", video, TALLY_NAME="abacus", TALLY_REVISION="0123456789")
    run("find", make_video(tmp_path / "other.mp4", frames=50, size=(160, 96)), *queries("a dog"))
    return probe_video(video)


def test_store_shows_where_answers_are_and_how_many_of_which_media_and_model(
    run: CommandLine, path: Path, filled: MediaInfo
) -> None:
    shown = json.loads(run("store", "--json").out)
    assert (shown["path"], shown["size"], shown["answers"]) == (str(path), path.stat().st_size, 4)
    assert {(Path(one["media"]["path"]).name, one["model"]["name"], one["answers"]) for one in shown["kept"]} == {
        ("video.mp4", "tally", 2),
        ("video.mp4", "abacus", 1),
        ("other.mp4", "tally", 1),
    }
    table = run("store").out
    assert f"4 answers in {path}" in table
    assert "abacus 01234567" in table
    assert "1 answer in" in run("store", "--model", "abacus").out
    assert "3 answers in" in run("store", "show", "--media", "video.mp4").out


def test_store_before_anything_was_kept(run: CommandLine, path: Path) -> None:
    assert run("store").out == f"0 answers in {path} (not there yet)\n"
    assert json.loads(run("store", "--json").out)["answers"] == 0
    assert run("store", "export").out == ""
    assert run("store", "prune", "--all").out == "removed 0 answers, 0.0 kB\n"
    assert not path.parent.exists()


def test_store_export_writes_each_answer_with_all_that_it_depends_on(
    run: CommandLine, filled: MediaInfo, tmp_path: Path
) -> None:
    lines = [json.loads(line) for line in run("store", "export").out.splitlines()]
    assert json.loads(run("store", "export", "--json").out)["answers"] == lines
    assert len(lines) == 4
    (line,) = [line for line in lines if line["query"] == "a dog runs" and line["media"]["path"].endswith("video.mp4")]
    assert line["media"] == {"fingerprint": filled.fingerprint, "path": str(filled.path), "stream": 0}
    assert line["model"] == {"name": "tally", "revision": "1", "profile": "counting", "dtype": "float32"}
    assert (line["window"], line["prompt"], line["sampling"]) == (["0", "4"], "Count: a dog runs", "all of it")
    assert line["raw"].startswith("From 0.")
    assert len(line["token_logprobs"]) == 2
    assert run("store", "export", "-o", "answers.jsonl", "--model", "tally").err == "wrote answers.jsonl: 3 answers\n"
    assert len((tmp_path / "answers.jsonl").read_text().splitlines()) == 3
    assert run("store", "export", "-o", "answers.jsonl").code == 2


@pytest.mark.parametrize(
    ("choice", "left"),
    [
        (["--all"], 0),
        (["--media", "video.mp4"], 1),
        (["--media", "other.mp4", "--model", "abacus"], 4),
        (["--model", "tally@1"], 1),
        (["--model", "abacus@01234567"], 3),
        (["--older-than", "1h"], 4),
        (["--older-than", "0h", "--model", "tally"], 1),
        (["--all", "--dry-run"], 4),
    ],
)
def test_store_prune_removes_what_is_meant_and_says_how_much(
    run: CommandLine, filled: MediaInfo, choice: list[str], left: int
) -> None:
    pruned = run("store", "prune", *choice)
    assert pruned.code == 0
    words = "would remove 4" if "--dry-run" in choice else f"removed {4 - left}"
    assert pruned.out.startswith(f"{words} answer")
    assert json.loads(run("store", "--json").out)["answers"] == left


def test_store_prune_knows_a_renamed_file_by_its_content_and_an_old_name(
    run: CommandLine, filled: MediaInfo, tmp_path: Path
) -> None:
    moved = filled.path.rename(tmp_path / "moved.mp4")
    assert run("store", "prune", "--dry-run", "--media", moved).out == "would remove 3 answers\n"
    assert run("store", "prune", "--dry-run", "--media", "video.mp4").out == "would remove 3 answers\n"


def test_store_prune_takes_what_was_asked_long_ago(
    run: CommandLine, video: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with monkeypatch.context() as patch:
        patch.setattr("marlin_edit.inference.cache.now", lambda: time.time() - 40 * 86_400)
        run("find", video, *queries("an old one"))
    run("find", video, *queries("a new one"))
    assert run("store", "prune", "--older-than", "6w").out.startswith("removed 0 answers")
    assert run("store", "prune", "--older-than", "30d").out.startswith("removed 1 answer,")
    assert run("find", video, *queries("an old one", "a new one")).asked == ["an old one"]


@pytest.mark.parametrize("wrong", [[], ["--all", "--model", "x"], ["--older-than", "soon"], ["--older-than", "5m"]])
def test_store_prune_says_what_it_needs(run: CommandLine, wrong: list[str]) -> None:
    assert run("store", "prune", *wrong).code == 2


def test_the_command_fails_where_the_store_cannot_be_written(
    run: CommandLine, filled: MediaInfo, path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("marlin_edit.inference.store.BUSY_SECONDS", 0.05)
    holder = sqlite3.connect(path, isolation_level=None)
    holder.execute("BEGIN IMMEDIATE")
    pruned = run("store", "prune", "--all")
    assert pruned.code == 1
    assert "is held by another program" in pruned.err
    holder.close()


def test_what_is_kept_is_readable_by_its_owner_only(run: CommandLine, video: Path, path: Path) -> None:
    run("find", video, *queries("a dog"))
    assert path.stat().st_mode & 0o077 == 0
    with sqlite3.connect(path) as connection:
        assert connection.execute("PRAGMA application_id").fetchone() == (APPLICATION_ID,)


def test_without_a_setting_answers_are_in_the_users_data_directory(
    run: CommandLine, video: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("MARLIN_EDIT_STORE_PATH")
    run("find", video, *queries("a dog"))
    assert (Path(os.environ["XDG_DATA_HOME"]) / "marlin-edit" / "answers.sqlite").exists()


PLACES = st.sampled_from(["/a/film.mp4", "/a/b/film.mp4", r"C:\a\film.mp4", "film.mp4", "/a/other film.mp4", ""])


@given(
    st.lists(st.tuples(PLACES, st.sampled_from(["m", "m2"]), st.sampled_from(["abc1", "abd"]), st.integers(0, 5))),
    st.builds(
        Choice,
        st.none() | st.sampled_from(["film.mp4", "/a/film.mp4", "fingerprint", "b/film.mp4"]),
        st.none() | st.sampled_from(["m", "m@ab", "m@abc1", "m2@x"]),
        st.none() | st.integers(0, 6),
    ),
)
def test_what_sql_chooses_is_what_is_chosen(rows: list[tuple[str, str, str, int]], choice: Choice) -> None:
    condition, values = choice.condition()
    with closing(sqlite3.connect(":memory:")) as connection:
        connection.execute("CREATE TABLE answers (media, path, model, revision, asked_at)")
        connection.executemany("INSERT INTO answers VALUES ('fingerprint', ?, ?, ?, ?)", rows)
        chosen = connection.execute(f"SELECT path, model, revision, asked_at FROM answers WHERE {condition}", values)
        found = chosen.fetchall()
    terms = Terms("", "", "")
    for row in rows:
        path, model, revision, asked_at = row
        key = Key(
            "fingerprint",
            0,
            Span(Fraction(0), Fraction(1)),
            Question(QuestionKind.CAPTION),
            ModelIdentity(model, revision),
            terms,
        )
        fits = choice.fits(Kept(key, Answer(""), path, asked_at))
        assert row in found or not fits, "every row that fits is found"


def test_removing_one_film_of_many_leaves_no_text_of_it_and_does_not_write_the_rest_again(tmp_path: Path) -> None:
    path = tmp_path / "answers.sqlite"
    store = Store(path, lambda _: None)
    terms = Terms("", "", "")
    for number in range(40):
        span = Span(Fraction(0), Fraction(1))
        questions = [Question(QuestionKind.FIND, f"secret {number} {query}") for query in range(20)]
        keys = [Key(f"print {number}", 0, span, question, ModelIdentity("m", "1"), terms) for question in questions]
        store.keep([Kept(key, Answer("From 0 to 1."), f"/a/{number}.mp4") for key in keys])
    size = path.stat().st_size
    assert store.remove(Choice(media="7.mp4")) == 20
    store.close()
    assert b"secret 7 " not in path.read_bytes()
    assert b"secret 8 " in path.read_bytes()
    assert path.stat().st_size == size
    again = Store(path, lambda _: None)
    assert again.remove(None) == 780
    again.close()
    assert path.stat().st_size < size / 4
