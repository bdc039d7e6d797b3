from __future__ import annotations

import errno
import os
import resource
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from marlin_edit import files, interruption
from marlin_edit.errors import ExitCode, MarlinEditError, UsageError
from marlin_edit.files import refuse_existing, safe_name, staged, write_output

not_root = pytest.mark.skipif(os.geteuid() == 0, reason="the superuser may write anywhere")


def names_in(directory: Path) -> list[str]:
    return sorted(entry.name for entry in directory.iterdir())


def write_while_another_does(path: Path) -> None:
    with staged(path) as temporary:
        temporary.write_text("long work")
        path.write_text("mine")


def write_half(path: Path, error: BaseException) -> None:
    with staged(path) as temporary:
        temporary.write_text("half")
        raise error


@pytest.mark.parametrize("content", ["a\nü\n", b"a\n\xc3\xbc\n"])
def test_text_and_bytes_are_written_as_they_are(tmp_path: Path, content: str | bytes) -> None:
    write_output(tmp_path / "a.srt", content)
    assert (tmp_path / "a.srt").read_bytes() == b"a\n\xc3\xbc\n"
    assert names_in(tmp_path) == ["a.srt"]


def test_a_file_s_content_is_copied(tmp_path: Path) -> None:
    (tmp_path / "rendered").write_bytes(b"x" * 100_000)
    write_output(tmp_path / "a.otioz", tmp_path / "rendered")
    assert (tmp_path / "a.otioz").read_bytes() == b"x" * 100_000


def test_an_empty_text_is_an_empty_file(tmp_path: Path) -> None:
    write_output(tmp_path / "a.srt", "")
    assert (tmp_path / "a.srt").read_bytes() == b""


def test_a_new_file_has_the_permissions_that_the_user_gives_new_files(tmp_path: Path) -> None:
    before = os.umask(0o027)
    try:
        write_output(tmp_path / "a.srt", "a")
    finally:
        os.umask(before)
    assert (tmp_path / "a.srt").stat().st_mode & 0o777 == 0o640


def test_an_existing_file_is_refused_and_left_as_it_is(tmp_path: Path) -> None:
    (tmp_path / "a.srt").write_text("mine")
    with pytest.raises(UsageError, match=r"a\.srt exists. Choose another name, or add --overwrite."):
        write_output(tmp_path / "a.srt", "other")
    assert (tmp_path / "a.srt").read_text() == "mine"


def test_a_file_that_appears_while_the_output_is_made_is_left_as_it_is(tmp_path: Path) -> None:
    with pytest.raises(MarlinEditError, match="appeared in the meantime"):
        write_while_another_does(tmp_path / "a.mp4")
    assert names_in(tmp_path) == ["a.mp4"]
    assert (tmp_path / "a.mp4").read_text() == "mine"


@pytest.mark.parametrize("way", ["renameat2", "claimed name"])
def test_without_hard_links_it_is_published_all_the_same_and_overwrites_nothing(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, way: str
) -> None:
    def no_links(one: Path, other: Path) -> None:
        raise OSError(errno.EPERM, "Operation not permitted")

    monkeypatch.setattr(os, "link", no_links)
    if way == "claimed name":
        import ctypes

        monkeypatch.setattr(ctypes, "CDLL", lambda name, use_errno: object())
    write_output(tmp_path / "a.srt", "a")
    assert (tmp_path / "a.srt").read_text() == "a"
    with pytest.raises(MarlinEditError, match="appeared in the meantime"):
        write_while_another_does(tmp_path / "b.srt")
    assert (tmp_path / "b.srt").read_text() == "mine"
    assert names_in(tmp_path) == ["a.srt", "b.srt"]


def test_overwrite_replaces_the_content_and_keeps_the_permissions(tmp_path: Path) -> None:
    target = tmp_path / "a.srt"
    target.write_text("old")
    target.chmod(0o604)
    write_output(target, "new", overwrite=True)
    assert (target.read_text(), target.stat().st_mode & 0o777) == ("new", 0o604)


def test_overwrite_writes_through_a_link_to_the_file_that_it_names(tmp_path: Path) -> None:
    (tmp_path / "there").mkdir()
    (tmp_path / "there" / "a.srt").write_text("old")
    (tmp_path / "a.srt").symlink_to(tmp_path / "there" / "a.srt")
    write_output(tmp_path / "a.srt", "new", overwrite=True)
    assert (tmp_path / "a.srt").is_symlink()
    assert (tmp_path / "there" / "a.srt").read_text() == "new"


def test_a_link_to_nothing_exists_too(tmp_path: Path) -> None:
    (tmp_path / "a.srt").symlink_to(tmp_path / "nothing")
    with pytest.raises(UsageError, match="exists"):
        write_output(tmp_path / "a.srt", "a")


@pytest.mark.parametrize("error", [ValueError("bug"), KeyboardInterrupt(), SystemExit(143)])
def test_nothing_is_left_after_an_error_or_a_signal(tmp_path: Path, error: BaseException) -> None:
    with pytest.raises(type(error)):
        write_half(tmp_path / "a.mp4", error)
    assert names_in(tmp_path) == []


def test_what_fails_its_verification_is_not_published(tmp_path: Path) -> None:
    def verify(written: Path) -> None:
        assert written.read_bytes() == b"wrong"
        raise MarlinEditError("The clip is not what was planned.")

    with (
        pytest.raises(MarlinEditError, match="not what was planned"),
        staged(tmp_path / "a.mp4", verify=verify) as temporary,
    ):
        temporary.write_bytes(b"wrong")
    assert names_in(tmp_path) == []


def test_media_that_nobody_wrote_is_an_error(tmp_path: Path) -> None:
    with pytest.raises(MarlinEditError, match="no content was produced"), staged(tmp_path / "a.mp4"):
        pass
    assert names_in(tmp_path) == []


def test_the_temporary_file_has_the_target_s_suffix_for_libraries_that_go_by_it(tmp_path: Path) -> None:
    with staged(tmp_path / "a.mov") as temporary:
        assert (temporary.parent, temporary.suffix) == (tmp_path, ".mov")
        temporary.write_bytes(b"x")


def test_the_longest_name_that_a_disk_takes_is_written(tmp_path: Path) -> None:
    name = "a" * 251 + ".srt"
    write_output(tmp_path / name, "a")
    assert names_in(tmp_path) == [name]


def test_a_killed_run_s_leftovers_are_cleared_by_the_next(tmp_path: Path) -> None:
    script = (
        "import sys, time; from pathlib import Path; from marlin_edit.files import staged\n"
        "with staged(Path(sys.argv[1])) as temporary:\n"
        "    temporary.write_text('half'); print('ready', flush=True); time.sleep(60)\n"
    )
    with subprocess.Popen([sys.executable, "-c", script, tmp_path / "a.mp4"], stdout=subprocess.PIPE, text=True) as run:
        assert run.stdout is not None
        assert run.stdout.readline() == "ready\n"
        write_output(tmp_path / "first.srt", "a")
        assert len(names_in(tmp_path)) == 2, "a live run's file stays"
        run.kill()
    write_output(tmp_path / "second.srt", "a")
    assert names_in(tmp_path) == ["first.srt", "second.srt"]


def test_another_machine_s_and_other_programs_files_are_not_cleared(tmp_path: Path) -> None:
    others = [".marlin-edit-00000000-1-00000000-00000000.mp4", ".marlin-edit-notes", "marlin-edit-1.mp4"]
    for name in others:
        (tmp_path / name).touch()
    write_output(tmp_path / "a.srt", "a")
    assert names_in(tmp_path) == sorted([*others, "a.srt"])


def _is_a_directory(directory: Path) -> Path:
    (directory / "a.srt").mkdir()
    return directory / "a.srt"


def _is_no_regular_file(directory: Path) -> Path:
    os.mkfifo(directory / "a.srt")
    return directory / "a.srt"


def _has_a_file_for_a_directory(directory: Path) -> Path:
    (directory / "b").touch()
    return directory / "b" / "a.srt"


@pytest.mark.parametrize(
    ("made", "message"),
    [
        (_is_a_directory, "a.srt is a directory. Give the name of a file."),
        (_is_no_regular_file, "a.srt is not a regular file. To write to a pipe, use `-o -`."),
        (_has_a_file_for_a_directory, "is not a directory"),
        (lambda directory: directory / "no" / "a.srt", "Make it first."),
        (lambda directory: directory / ("a" * 300 + ".srt"), "the name is too long. Choose a shorter one."),
        (lambda directory: directory / "a\0.srt", "is not a file name."),
    ],
)
@pytest.mark.parametrize("overwrite", [False, True])
def test_what_cannot_be_written_is_said_early_in_one_sentence(
    tmp_path: Path, made: Callable[[Path], Path], message: str, overwrite: bool
) -> None:
    path = made(tmp_path)
    with pytest.raises(MarlinEditError) as raised:
        refuse_existing([path], overwrite)
    assert message in str(raised.value)
    with pytest.raises(MarlinEditError):
        write_output(path, "a", overwrite)


@not_root
def test_a_closed_directory_is_said_early(tmp_path: Path) -> None:
    tmp_path.chmod(0o500)
    try:
        with pytest.raises(UsageError, match="no permission to write into"):
            refuse_existing([tmp_path / "a.srt"])
    finally:
        tmp_path.chmod(0o700)


def test_the_source_is_no_output_even_with_overwrite(tmp_path: Path) -> None:
    source = tmp_path / "a.mp4"
    source.touch()
    os.link(source, tmp_path / "b.mp4")
    with pytest.raises(UsageError, match="is the source itself"):
        refuse_existing([tmp_path / "b.mp4"], overwrite=True, sources=[source])


def test_an_output_given_twice_is_refused_by_any_spelling(tmp_path: Path) -> None:
    (tmp_path / "x").mkdir()
    with pytest.raises(UsageError, match="given as an output twice"):
        refuse_existing([tmp_path / "a.srt", tmp_path / "." / "x" / ".." / "a.srt"])


@pytest.mark.parametrize("spelling", ["a", "hard", "soft", "x/../a"])
def test_one_file_is_the_same_by_link_hard_link_and_spelling(tmp_path: Path, spelling: str) -> None:
    (tmp_path / "a").touch()
    (tmp_path / "x").mkdir()
    os.link(tmp_path / "a", tmp_path / "hard")
    (tmp_path / "soft").symlink_to("a")
    with pytest.raises(UsageError, match="is the source itself"):
        refuse_existing([tmp_path / spelling], overwrite=True, sources=[tmp_path / "a"])
    refuse_existing([tmp_path / spelling, tmp_path / "missing"], overwrite=True, sources=[tmp_path / "x" / "a"])


def test_thousands_of_outputs_are_looked_at_once_each(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    asked: list[Any] = []
    right = os.stat

    def counted(path: Any, *args: Any, **kwargs: Any) -> os.stat_result:
        asked.append(path)
        return right(path, *args, **kwargs)

    monkeypatch.setattr(os, "stat", counted)
    refuse_existing([tmp_path / f"{number}.mp4" for number in range(2000)])
    assert len(asked) < 20_000


def test_a_full_disk_is_said_and_nothing_is_left(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def full(path: Path) -> None:
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    monkeypatch.setattr(files, "_flush_to_disk", full)
    with pytest.raises(MarlinEditError) as raised:
        write_output(tmp_path / "a.srt", "a")
    assert str(raised.value) == (
        f"{tmp_path / 'a.srt'} could not be written: the disk is full. Free some space, or choose another disk."
    )
    assert raised.value.exit_code is ExitCode.FAILED
    assert names_in(tmp_path) == []


def test_a_file_larger_than_the_disk_takes_is_said_and_nothing_is_left(tmp_path: Path) -> None:
    limits = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (1000, limits[1]))
    try:
        with pytest.raises(MarlinEditError, match="larger than this disk takes in one file"):
            write_output(tmp_path / "a.srt", "a" * 5000)
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, limits)
    assert names_in(tmp_path) == []


def test_an_error_about_another_file_is_not_blamed_on_the_output(tmp_path: Path) -> None:
    with pytest.raises(FileNotFoundError), staged(tmp_path / "a.mp4"):
        (tmp_path / "source").read_bytes()


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_a_signal_leaves_nothing_and_ends_with_its_code(tmp_path: Path, number: signal.Signals) -> None:
    script = (
        "import sys, time; from pathlib import Path\n"
        "from marlin_edit import cli; from marlin_edit.files import staged\n"
        "def work(arguments, console):\n"
        "    with staged(Path(arguments[0])) as temporary:\n"
        "        temporary.write_text('half'); print('ready', flush=True); time.sleep(60)\n"
        "cli._run = work\n"
        "sys.exit(cli.main())\n"
    )
    command = [sys.executable, "-c", script, str(tmp_path / "a.mp4")]
    with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True) as run:
        assert run.stdout is not None
        assert run.stderr is not None
        assert run.stdout.readline() == "ready\n"
        time.sleep(0.05)
        run.send_signal(number)
        assert run.wait(20) == 128 + number
        assert run.stderr.read().startswith("marlin-edit: error: ")
    assert names_in(tmp_path) == []


@pytest.mark.parametrize(
    ("text", "name"),
    [
        ("a door opens", "a door opens"),
        ("../../etc/passwd", "etc passwd"),
        ("C:\\videos\\a*?.mp4", "C videos a .mp4"),
        ("-rf ~", "rf ~"),
        (".hidden", "hidden"),
        ("two\nlines\x00", "two lines"),
        ("gnp\u202e.exe", "gnp.exe"),
        ("CON", "_CON"),
        ("com1.mp4", "_com1.mp4"),
        ("console", "console"),
        ("ends with dots...", "ends with dots"),
        ("", "untitled"),
        (" . ", "untitled"),
        ("ドアが開く", "ドアが開く"),
    ],
)
def test_text_becomes_a_name_that_every_system_takes(text: str, name: str) -> None:
    assert safe_name(text) == name


def test_a_long_name_is_cut_between_characters() -> None:
    assert safe_name("é" * 9, longest=7) == "ééé"
    assert safe_name("ab" + "e\u0323\u0302", longest=4) == "ab"


AWKWARD = ["a", "é", "e\u0323", "開", "👩\u200d👧", "/", "\\", "..", ".", "-", "~", " ", "\n", "\0", "\ud800", "\u202e"]
AWKWARD += ["con", "NUL", "com1", "lpt¹", ":", "*", "?", "\u2028", "\ufeff", "\u00a0", "\uffff"]


@given(st.lists(st.sampled_from(AWKWARD), max_size=40), st.integers(10, 60))
def test_a_safe_name_is_one_part_of_a_path_and_not_too_long(parts: list[str], longest: int) -> None:
    name = safe_name("".join(parts), longest)
    assert name
    assert len(name.encode()) <= longest
    assert not set(name) & set('/\\<>:"|?*\0\n')
    assert name[0] not in ".-~"
    assert name[-1] not in ". "
    assert safe_name(name, longest) == name


def test_after_a_signal_that_was_lost_nothing_gets_its_final_name(tmp_path: Path) -> None:
    interruption.note(KeyboardInterrupt())
    try:
        with pytest.raises(KeyboardInterrupt):
            files.write_output(tmp_path / "a.txt", "text")
        assert list(tmp_path.iterdir()) == []
    finally:
        interruption.forget()
    files.write_output(tmp_path / "a.txt", "text")
    assert (tmp_path / "a.txt").read_text() == "text"
