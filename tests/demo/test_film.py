"""marlin-edit in Python: the example of the README, options, errors, progress, and that nothing is printed."""

from __future__ import annotations

import logging
import os
import re
import subprocess
import sys
from fractions import Fraction
from pathlib import Path

import av
import pytest

import marlin_edit as me
from marlin_edit.cli import main
from marlin_edit.timebase import Span
from tests.support.talks import speech_model, talk

README = Path(__file__).parents[2] / "README.md"


@pytest.fixture(scope="module")
def shapes(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The demo's film."""
    folder = tmp_path_factory.mktemp("demo")
    assert main(["demo", "--out-dir", str(folder)]) == 0
    return folder / "shapes.mp4"


@pytest.fixture(autouse=True)
def beside_it(shapes: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "shapes.mp4").write_bytes(shapes.read_bytes())
    monkeypatch.chdir(tmp_path)


def frames_in(path: Path) -> int:
    with av.open(path) as container:
        return sum(1 for _ in container.decode(video=0))


def test_the_readme_s_lines_do_the_three_jobs_and_print_nothing(tmp_path: Path) -> None:
    (code,) = re.findall(r"```python\n(import marlin_edit as me\n.*?)```", README.read_text(), re.DOTALL)
    assert len([line for line in code.splitlines() if line]) == 5
    ran = subprocess.run(
        [sys.executable, "-c", code + "\nassert len(found.accepted) == 1"], capture_output=True, encoding="utf-8"
    )
    assert (ran.returncode, ran.stdout, ran.stderr) == (0, "", "")
    assert [frames_in(path) for path in (tmp_path / "clips").iterdir()] == [168]
    assert (tmp_path / "shapes.srt").read_text().count("-->") == 4


def test_findings_have_what_was_found_and_what_was_not() -> None:
    found = me.open("shapes.mp4", model="demo").find("a red triangle", "a dog runs")
    (one,) = found
    assert found.accepted == (one,)
    assert (one.query, one.span) == ("a red triangle", Span(Fraction("4.7"), Fraction("11.7")))
    assert [(result.query, result.accepted) for result in found.results] == [("a red triangle", 1), ("a dog runs", 0)]
    assert len(found.all) > len(found) == 1
    assert found.write("found.json", "found.otio").files == (Path("found.json"), Path("found.otio"))


def test_parts_are_cut_without_a_model_and_lists_are_written_beside(tmp_path: Path) -> None:
    film = me.open("shapes.mp4", model=str(tmp_path / "nowhere"))
    written = film.cut(["24f-48f", (2, 2.5)], "list.edl", out_dir="clips", mode="exact")
    assert [path.name for path in written.files] == ["list.edl", "shapes_001.mp4", "shapes_002.mp4"]
    assert [frames_in(path) for path in written.files[1:]] == [24, 12]
    assert any("EDL" in note or "reel" in note for note in written.notes)
    assert written.missing == ()


def test_of_nothing_found_nothing_is_written(tmp_path: Path) -> None:
    film = me.open("shapes.mp4", model="demo")
    assert film.cut(film.find("a dog runs"), "list.edl", out_dir="clips") == me.Written((), (), ())
    assert [path.name for path in tmp_path.iterdir()] == ["shapes.mp4"]


def test_a_part_is_looked_at_and_progress_and_the_log_are_there(caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.DEBUG, "marlin_edit")
    reached: list[tuple[str, float, float]] = []
    film = me.open("shapes.mp4", model="demo", store=False, on_progress=lambda *how_far: reached.append(how_far))
    seen = film.caption(within=(0, 9))
    assert seen.events[0].text == "A cyan circle moves across the picture"
    assert all(event.span.end <= 9 for event in seen.events)
    assert reached[-1] == ("watching shapes.mp4", 9.0, 9.0)
    assert "demo model: knows coloured shapes only" in caplog.text


@pytest.mark.parametrize(
    ("work", "words"),
    [
        (lambda: me.open("missing.mp4"), "missing.mp4 does not exist"),
        (lambda: me.open("shapes.mp4", modell="demo"), "no option 'modell'. Did you mean model?"),
        (lambda: me.open("shapes.mp4", device="toaster"), "toaster"),
        (lambda: me.open("shapes.mp4").find("a dog", model="demo"), "A film keeps its model"),
        (lambda: me.open("shapes.mp4").find(), "Say what to look for"),
        (lambda: me.open("shapes.mp4").find(""), "A query is empty"),
        (lambda: me.open("shapes.mp4").cut(["9-8"]), "The out point must come after the in point"),
        (lambda: me.open("shapes.mp4").cut(["1-2"], "list.docx"), "no format has this suffix"),
        (lambda: me.open("shapes.mp4").cut(["1-2"], "shapes.edl", out_dir="shapes.mp4"), "is a file, not a directory"),
        (lambda: me.open("shapes.mp4", model="demo").caption().write("a.edl"), "EDL stores cuts"),
    ],
)
def test_errors_are_the_sentences_of_the_commands(work: object, words: str, tmp_path: Path) -> None:
    assert callable(work)
    with pytest.raises(me.MarlinEditError, match=re.escape(words)):
        work()
    assert [path.name for path in tmp_path.iterdir()] == ["shapes.mp4"]


def test_nothing_is_overwritten_unless_it_is_said() -> None:
    film = me.open("shapes.mp4", model="demo")
    Path("a.srt").write_text("mine")
    with pytest.raises(me.MarlinEditError, match="exists"):
        film.caption().write("a.srt")
    assert Path("a.srt").read_text() == "mine"
    assert film.caption().write("a.srt", overwrite=True).files == (Path("a.srt"),)


def test_importing_it_loads_nothing_heavy() -> None:
    code = "import sys, marlin_edit; print(sorted({'torch', 'av', 'click', 'numpy'} & set(sys.modules)))"
    ran = subprocess.run([sys.executable, "-c", code], capture_output=True, encoding="utf-8", env=dict(os.environ))
    assert ran.stdout.strip() == "[]"


def test_what_is_said_is_written_down_found_and_cut(tmp_path: Path) -> None:
    talk(tmp_path / "talk.mp4")
    film = me.open("talk.mp4", speech_model=str(speech_model()))
    transcript = film.transcribe()
    assert len(transcript) == len(list(transcript)) == 2
    assert "nobody asked" in transcript.text.lower()
    assert transcript.write("talk.srt", "talk.json").files == (Path("talk.srt"), Path("talk.json"))
    (found,) = film.find("red lamp", in_="said")
    assert "red lamp" in found.quote
    assert len(film.cut(film.find("red lamp", in_="said"), out_dir="clips").files) == 1
    assert "nobody asked" in film.transcribe(within=(10, 20)).text.lower()
    assert "lamp" not in film.transcribe(within=(10, 20)).text
    with pytest.raises(me.MarlinEditError, match="no speech model"):
        film.transcribe(speech_model="enormous")
