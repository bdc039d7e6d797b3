"""`marlin-edit eval` through the command line: what is measured, reported, written and drawn, and what is missing."""

from __future__ import annotations

import json
import re
import shutil
import xml.etree.ElementTree as ElementTree
from collections.abc import Callable
from fractions import Fraction
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from marlin_edit.cli import INTERRUPTED, main
from marlin_edit.evaluation.ground_truth import SCHEMA
from marlin_edit.evaluation.svg import Axis, Chart
from marlin_edit_demo.world import KINDS, WorldSettings, make_clip, write_clip
from tests.support.command_line import Ran, run_command
from tests.support.synthetic_video import make_video
from tests.third_party.tool import HERE


class Report(Ran):
    """What `eval` wrote."""

    def line(self, name: str) -> str:
        """A line of the table, by what it measures, with one blank between its columns."""
        lines = [" ".join(line.split()) for line in self.out.splitlines()]
        return next(line for line in lines if line.startswith(name))


CommandLine = Callable[..., Report]


@pytest.fixture(scope="module")
def one_video(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return make_video(tmp_path_factory.mktemp("eval") / "one.mp4", frames=300, rate="10", size=(64, 48), audio=0)


@pytest.fixture
def run(
    one_video: Path, tmp_path: Path, capfd: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> CommandLine:
    """Runs `eval` in a directory with two videos of 30 s, and a model that sees the same in both."""
    monkeypatch.syspath_prepend(str(HERE / "oracle"))
    monkeypatch.chdir(tmp_path)
    for name in ("a.mp4", "b.mp4"):
        shutil.copyfile(one_video, tmp_path / name)
    knowing([[2, 7, "a dog barks"], [10, 20, "a door opens"], [1, 9, "a cat sleeps"]])

    def command_line(*arguments: object) -> Report:
        ran = run_command(capfd, "eval", *arguments, "--model", "all.oracle")
        return Report(ran.code, ran.out, ran.err)

    return command_line


def knowing(events: list[list[Any]], **known: Any) -> None:
    Path("all.oracle").write_text(json.dumps({"events": events, "asked": "asked"} | known))


def truth(*videos: dict[str, Any], name: str = "truth.json") -> str:
    Path(name).write_text(json.dumps({"schema": SCHEMA, "videos": list(videos)}))
    return name


def asked(path: str, **queries: list[list[float]]) -> dict[str, Any]:
    listed = [{"query": name.replace("_", " "), "spans": spans} for name, spans in queries.items()]
    return {"path": path, "queries": listed}


A = asked("a.mp4", a_dog_barks=[[2, 7]], a_door_opens=[[10, 15]], a_cat_sleeps=[], a_bird_sings=[])
B = asked("b.mp4", a_dog_barks=[[2, 6], [20, 22]]) | {"events": [{"start": 2, "end": 7, "text": "A dog barks."}]}


def test_the_table_says_what_was_measured_and_what_each_number_means(run: CommandLine) -> None:
    ran = run(truth(A, B))
    assert ran.code == 0, ran.err
    assert ran.line("model") == "model oracle 1"
    assert ran.line("present queries") == "present queries 3 the thing is there"
    assert ran.line("mIoU").startswith("mIoU 0.767 mean overlap of the least doubtful finding"), "(1 + 0.5 + 0.8) / 3"
    assert ran.line("R1@0.5").startswith("R1@0.5 100.0 %")
    assert ran.line("R1@0.7").startswith("R1@0.7 66.7 %")
    assert ran.line("end off by").startswith("end off by 1.00 s median (mean 2.00 s)")
    assert ran.line("recall") == "recall 75.0 % of the occurrences found: 3 of 4"
    assert ran.line("mAP") == "mAP - not measured: no calibration for this model"
    assert ran.line("AUROC").startswith("AUROC 0.750 chance that a present query scores higher")
    assert ran.line("by the default rule") == "by the default rule findings that are graded supported are accepted"
    assert ran.line("absent queries") == "absent queries 2 the thing is not there"
    assert ran.line("false ").startswith("false 60.00 per hour and absent query, 95 %: ")
    assert ran.line("captions") == "captions 1 videos: 3 events reported, 1 true"
    assert ran.line("event F1").startswith("event F1 0.500 overlap of 0.5: precision 0.333, recall 1.000")
    assert ran.line("in words").startswith("in words 0.500")
    assert ran.line("speed").endswith("answers about 60 s of footage in 0.0 s of work")
    assert "1 of 2: a.mp4" in ran.err


def test_the_document_has_every_measure_and_every_answer(run: CommandLine) -> None:
    ran = run(truth(A, B), "--json", "-o", "report.json", "--window", "20")
    assert ran.code == 0, ran.err
    document = ran.document
    assert document.pop("files") == ["report.json"]
    assert json.loads(Path("report.json").read_text()) == document
    assert document["schema"] == "marlin-edit.evaluation/1"
    assert (document["model"]["name"], document["window"], document["overlap"]) == ("oracle", "20", "10")
    find = document["find"]
    assert (find["present"], find["absent"], find["scored"]) == (3, 2, False)
    assert find["mean_iou"] == pytest.approx((1 + 0.5 + 0.8) / 3)
    assert find["recall_at_one"] == {"0.3": 1, "0.5": 1, "0.7": pytest.approx(2 / 3)}
    assert find["occurrences"]["recall"] == 0.75
    assert find["curve"] is find["mean_average_precision"] is find["at_threshold"]["threshold"] is None
    assert find["auroc"]["value"] == 0.75
    assert find["at_threshold"]["false_absent"]["count"] == 1, "the caption says so, too"
    assert find["false_absent"]["count"] == 1
    assert find["false_absent"]["hours"] == pytest.approx(60 / 3600)
    assert document["caption"]["events"]["times"]["recall"] == 1
    assert document["effort"]["footage"] == 60
    assert document["effort"]["peak_memory"] > 2**20
    first = document["videos"][0]
    assert (first["path"], first["part"], first["captions"]) == ("a.mp4", None, None)
    door, cat, bird = first["queries"][1:]
    assert (door["spans"], door["iou"], door["looked_at"]) == ([["10", "15"]], 0.5, "30")
    assert door["findings"][0] == {
        "start": "10", "end": "20", "score": None, "accepted": True, "iou": 0.5, "top": True, "flags": ["joined"],
        "grade": "supported",
    }  # fmt: skip
    assert (cat["spans"], cat["iou"], len(cat["findings"])) == ([], None, 1)
    assert bird["findings"] == []
    assert document["videos"][1]["captions"]["told"][0] == {"start": "1", "end": "9", "text": "a cat sleeps"}
    assert (document["missing"], document["failed"], document["exit_code"]) == ([], [], 0)


def test_each_kind_of_query_that_the_truth_names_is_measured_by_itself(run: CommandLine) -> None:
    first, second = json.loads(json.dumps(A)), json.loads(json.dumps(B))
    for query in (*first["queries"], *second["queries"]):
        query["kind"] = "usual" if query["spans"] else "unknown noun"
    path = truth(first, second)
    ran = run(path)
    assert ran.line("usual").endswith("of the true findings kept, 3 queries")
    assert ran.line("unknown noun").startswith("unknown noun 60.00 false per hour and query: 1 in ")
    kinds = run(path, "--json").document["find"]["kinds"]
    assert [(kind["kind"], kind["queries"]) for kind in kinds] == [("usual", 3), ("unknown noun", 2)]
    assert "by kind" not in run(truth(A, B)).out


def test_only_one_of_both_is_measured_where_that_is_wanted(run: CommandLine) -> None:
    found = run(truth(A, B), "--only", "find", "--json").document
    assert (found["caption"], found["find"]["present"]) == (None, 3)
    reported = run(truth(A, B), "--only", "caption", "--json").document
    assert (reported["find"], reported["caption"]["videos"], len(reported["videos"])) == (None, 1, 1)
    ran = run(truth(A), "--only", "caption")
    assert (ran.code, "no video has events" in ran.err) == (2, True)


def test_of_a_part_nothing_else_is_looked_at(run: CommandLine) -> None:
    ran = run(truth(A | {"part": [5, 25], "queries": [{"query": "a dog barks", "spans": [[5, 7]]}]}), "--json")
    assert ran.code == 0, ran.err
    shown = [line.split() for line in Path("asked").read_text().splitlines()]
    assert shown[0] == ["a.mp4", "5", "25"]
    assert all(5 <= float(start) < float(end) <= 25 for _, start, end in shown)
    (query,) = ran.document["videos"][0]["queries"]
    assert (query["iou"], query["looked_at"], ran.document["videos"][0]["part"]) == (1, "20", ["5", "25"])


def test_videos_that_are_missing_or_broken_do_not_stop_the_others(run: CommandLine) -> None:
    Path("b.mp4").write_text("no video any more")
    gone = asked("gone.mp4", a_dog_barks=[[2, 7]])
    ran = run(truth(gone, B, A), "--json")
    assert ran.code == 3
    assert ran.document["missing"] == ["gone.mp4"]
    assert [failed["video"] for failed in ran.document["failed"]] == ["b.mp4"]
    assert (ran.document["find"]["present"], ran.document["exit_code"]) == (2, 3)
    assert "missing: gone.mp4" in ran.err
    assert "failed: b.mp4" in ran.err
    ran = run(truth(gone))
    assert (ran.code, "No video was found; the first would be gone.mp4" in ran.err) == (1, True)
    ran = run(truth(B), "-o", "report.json")
    assert (ran.code, ran.out, Path("report.json").exists()) == (1, "", False)


def test_a_truth_about_a_longer_video_is_noticed(run: CommandLine) -> None:
    ran = run(truth(asked("a.mp4", a_dog_barks=[[2, 7], [31, 35], [40, 41]])))
    assert ran.code == 0
    assert "a.mp4 ends at 30.0 s, and 2 true spans begin later, the first at 31.0 s" in ran.err


def test_a_data_sets_annotations_with_its_videos_elsewhere(run: CommandLine) -> None:
    Path("videos").mkdir()
    Path("a.mp4").rename("videos/AO8RW.mp4")
    lines = "AO8RW 2.0 7.0##a dog barks.\nAO8RW 3.0 1.0##a dog barks.\n"
    Path("charades_sta_test.txt").write_text(lines)
    ran = run("charades_sta_test.txt", truth(B), "--videos", "videos", "--json")
    assert ran.code == 0, ran.err
    assert [(video["path"], video["queries"][0]["iou"]) for video in ran.document["videos"]] == [
        ("videos/AO8RW.mp4", 1), ("b.mp4", 0.8),
    ]  # fmt: skip
    assert ran.document["notes"] == ["charades_sta_test.txt: line 2 is left out: 3 to 1 s ends before it begins."]


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (("-o", "there.json"), "there.json exists"),
        (("-o", "report.txt"), "ends in .json"),
        (("-o", "no/report.json"), "there is no directory"),
        (("-o", "truth.json", "--overwrite"), "is the source itself"),
        (("--plots", "there.json"), "cannot be made"),
        (("--plots", "drawn"), "iou.svg exists"),
        (("--videos", "nowhere"), "no directory nowhere"),
        (("--only", "both"), "find"),
        (("--window", "1"), "too short"),
    ],
)
def test_what_cannot_be_done_is_refused_before_anything_is_asked(
    run: CommandLine, arguments: tuple[str, ...], words: str
) -> None:
    Path("there.json").write_text("mine")
    Path("drawn").mkdir()
    Path("drawn/iou.svg").write_text("mine")
    ran = run(truth(A), *arguments)
    assert ran.code in (1, 2)
    assert words in ran.err
    assert not Path("asked").exists()
    assert Path("there.json").read_text() == Path("drawn/iou.svg").read_text() == "mine"


def test_a_query_that_cannot_be_asked_is_refused_with_its_video(run: CommandLine) -> None:
    ran = run(truth({"path": "a.mp4", "queries": [{"query": "long " * 300, "spans": []}]}))
    assert ran.code == 2
    assert "a.mp4: A query has 1499 characters" in ran.err


def test_ctrl_c_says_what_was_done_and_writes_nothing(run: CommandLine) -> None:
    knowing([[2, 7, "a dog barks"]])
    assert run(truth(A)).code == 0
    knowing([[2, 7, "a dog barks"]], interrupt=len(Path("asked").read_text().splitlines()) + 1)
    ran = run(truth(A, B), "-o", "report.json", "--plots", "drawn")
    assert ran.code == INTERRUPTED
    assert "1 of 2 videos were done" in ran.err
    assert ran.out == ""
    assert not Path("report.json").exists()
    assert not list(Path("drawn").iterdir())


def test_a_stretch_without_a_picture_is_said_and_the_run_is_partial(run: CommandLine) -> None:
    knowing([[2, 7, "a dog barks"]], dark=[[20, 40]])
    ran = run(truth(A), "--window", "10", "--overlap", "0")
    assert ran.code == 3
    assert "a.mp4 shows no picture in 20 - 30 s" in ran.err


def test_the_curves_that_are_measured_are_drawn(run: CommandLine) -> None:
    ran = run(truth(A, B), "--plots", "drawn")
    assert ran.code == 0, ran.err
    assert sorted(path.name for path in Path("drawn").iterdir()) == ["iou.svg", "recall-over-iou.svg", "roc.svg"]
    assert "kept-and-false.svg is not drawn" in ran.err
    for path in Path("drawn").iterdir():
        assert "oracle" in "".join(ElementTree.parse(path).getroot().itertext())
    assert run(truth(A, B), "--plots", "drawn", "--overwrite").code == 0


@given(st.text(), st.floats(1e-6, 1e9), st.lists(st.tuples(st.floats(0, 1), st.floats(0, 1)), max_size=5))
def test_a_chart_is_well_formed_whatever_it_says_and_all_of_it_is_on_the_paper(
    text: str, end: float, places: list[tuple[float, float]]
) -> None:
    chart = Chart(
        text, [text, text], Axis(text, end), Axis(text, 1, percent=True),
        line=[(x * end, y) for x, y in places], points=[((x * end, y), text) for x, y in places],
        bars=[(0, end / 2, 1)],
    )  # fmt: skip
    root = ElementTree.fromstring(chart.svg())
    width, height = (float(root.attrib[name]) for name in ("width", "height"))
    for circle in root.iter("{http://www.w3.org/2000/svg}circle"):
        assert 0 <= float(circle.attrib["cx"]) <= width
        assert 0 <= float(circle.attrib["cy"]) <= height
    for axis in (chart.across, chart.up):
        assert 4 <= len(axis.ticks) <= 9
        assert axis.ticks[0] == 0
        assert axis.ticks[-1] >= axis.end * 0.999


def test_the_demo_model_is_measured_on_its_world_and_known_answers_cost_nothing(
    tmp_path: Path, capfd: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    clip = make_clip(9002, WorldSettings(width=320, height=180, rate=Fraction(25), length=Fraction(12)))
    write_clip(tmp_path / "shapes.mp4", clip)
    there = {event.text: [[str(event.start), str(event.end)]] for event in clip.events}
    kinds = {event.shape for event in clip.events}
    away = next(f"A {kind.colour} {kind.form} moves across the picture" for kind in KINDS if kind not in kinds)
    queries = [{"query": query, "spans": spans} for query, spans in (there | {away: []}).items()]
    events = [{"start": str(event.start), "end": str(event.end), "text": event.text} for event in clip.events]
    arguments = ["eval", truth({"path": "shapes.mp4", "queries": queries, "events": events}), "--model", "demo"]

    assert main([*arguments, "--json"]) == 0
    first = json.loads(capfd.readouterr().out)
    assert first["find"]["present"] == len(there)
    assert first["find"]["recall_at_one"]["0.5"] == 1
    assert first["find"]["mean_iou"] > 0.7
    assert first["find"]["false_absent"]["count"] >= 1, "it always answers"
    assert first["find"]["at_threshold"]["false_absent"]["count"] == 0, "and that is not accepted"
    assert first["caption"]["events"]["times"]["f1"] > 0.7
    assert first["caption"]["soda_c"]["f1"] > 0.5
    effort = first["effort"]
    assert effort["answers"] >= len(there) + 2, "the caption, every query, and what was asked again"
    assert effort["footage"] == 12
    assert effort["tokens"] > 5 * effort["answers"]
    assert effort["speed"] == pytest.approx(12 / effort["seconds"])

    assert main(arguments) == 0
    said = capfd.readouterr()
    assert "all answers came from the store" in said.out
    assert re.search(r"All (\d+) answers came from the store", said.err) is not None
