"""Scores: learned from labelled clips, kept for one model, used by every command; and what becomes of the rejected."""

from __future__ import annotations

import json
import random
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from fractions import Fraction
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from marlin_edit import settings
from marlin_edit.analysis import UNSUPPORTED, Analysis, Finding, ModelIdentity, Verdict
from marlin_edit.edit import accepted_findings, cuts_of_findings, edit_of, is_accepted, is_empty, without_rejected
from marlin_edit.errors import ExitCode, MarlinEditError
from marlin_edit.inference.calibration import (
    Calibration,
    Example,
    Installed,
    as_text,
    calibration_of,
    fit,
    is_out_of_depth,
    save,
    worth,
)
from marlin_edit.inference.signals import SIGNALS
from marlin_edit.timebase import Span
from tests.support.command_line import Ran, run_command
from tests.support.synthetic_video import make_video
from tests.third_party.tool import HERE

MODEL = ModelIdentity("oracle", "1")
HOURS = 10.0


def examples(number: int = 200, seed: int = 1, overlap: float = 0.3) -> list[Example]:
    """Right and wrong ones of eight videos: `told` tells them apart but for a part, `share` tells nothing."""
    chance = random.Random(seed)
    made = []
    for place in range(number):
        true = place % 2 == 0
        told = chance.uniform(0.5 - overlap, 1) if true else chance.uniform(0, 0.5)
        made.append(Example({"told": told, "share": chance.random()}, true, f"video {place // 2 % 8}"))
    return made


def fitted(given: Sequence[Example], most_false: float = 1.0, known: frozenset[str] = frozenset()) -> Calibration:
    return fit(MODEL, given, known, HOURS, most_false)


def test_the_score_follows_what_tells_right_from_wrong() -> None:
    calibration = fitted(examples(overlap=0.1))
    assert calibration.score({"told": 0.9, "share": 0.5}) > 0.9
    assert calibration.score({"told": 0.1, "share": 0.5}) < 0.1
    assert calibration.about["signals"]["told"] > 0.9
    assert 0.35 < calibration.about["signals"]["share"] < 0.65
    assert calibration.about["auroc"] > 0.9


def test_the_score_is_about_the_share_of_right_ones() -> None:
    given = examples(2000)
    calibration = fitted(given)
    alike = [one for one in given if 0.35 <= calibration.score(one.signals) <= 0.65]
    assert 0.3 <= sum(1 for one in alike if one.true) / len(alike) <= 0.7


@given(st.dictionaries(st.sampled_from(sorted(SIGNALS)), st.floats(-1e9, 1e9)))
def test_a_score_lies_between_0_and_1_whatever_the_signals(signals: dict[str, float]) -> None:
    assert 0 <= fitted(examples(40)).score(signals) <= 1


@pytest.mark.parametrize("most_false", [0.1, 0.5, 1, 3])
def test_the_threshold_keeps_what_it_can_with_so_many_false_ones(most_false: float) -> None:
    calibration = fitted(examples(400), most_false)
    assert calibration.about["false_per_hour"] <= most_false
    stricter = fitted(examples(400), most_false / 2)
    assert stricter.threshold >= calibration.threshold
    assert stricter.about["kept"] <= calibration.about["kept"]


def test_where_right_and_wrong_lie_apart_the_threshold_lies_between_them() -> None:
    given = examples(overlap=-0.1)
    calibration = fitted(given)
    assert calibration.about["kept"] == 1
    assert calibration.about["false_per_hour"] == 0
    assert all((calibration.score(one.signals) >= calibration.threshold) == one.true for one in given)


def test_what_is_neither_right_nor_wrong_is_not_learned_from() -> None:
    given = examples()
    doubtful = [Example({"told": 0.0, "share": 9.0}, None, "video 1")] * 500
    assert replace(fitted([*given, *doubtful]), about={}) == replace(fitted(given), about={})


def test_a_signal_that_some_lack_and_one_that_is_always_the_same_are_no_fault() -> None:
    given = [
        replace(one, signals={**one.signals, "likelihood": -2.0} | ({"lift": 1.0 * place} if place % 3 else {}))
        for place, one in enumerate(examples())
    ]
    calibration = fitted(given)
    assert "likelihood" not in calibration.names
    assert 0 <= calibration.score({}) <= 1


def test_a_signals_worth_is_its_auroc() -> None:
    given = [
        Example({"told": value}, true, "v") for value, true in ((0.9, True), (0.5, True), (0.5, False), (0.1, False))
    ]
    assert worth("told", given) == pytest.approx((1 + 1 + 0.5 + 1) / 4)
    assert worth("lift", given) is None


@pytest.mark.parametrize("given", [[], examples(8), [one for one in examples() if one.true]])
def test_too_little_to_learn_from_is_said_with_what_to_add(given: list[Example]) -> None:
    with pytest.raises(MarlinEditError, match=r"not enough answers to calibrate with.*Label more clips"):
        fitted(given)


# Keeping


@pytest.fixture
def kept(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> settings.Settings:
    from marlin_edit.testing import app_with

    return app_with(environ={"MARLIN_EDIT_STORE_PATH": str(tmp_path / "data" / "answers.sqlite")}).settings


def test_what_was_kept_scores_as_before(kept: settings.Settings) -> None:
    calibration = fitted(examples(), known=frozenset({"red", "dog"}))
    path = save(kept, calibration)
    assert calibration_of(kept, MODEL) == calibration
    save(kept, fitted(examples(seed=2)))
    assert calibration_of(kept, MODEL) == fitted(examples(seed=2)), "the last one counts"
    assert path.parent.is_dir()


@pytest.mark.parametrize(
    "other",
    [
        replace(MODEL, revision="2"),
        replace(MODEL, name="other"),
        replace(MODEL, dtype="bfloat16"),
        replace(MODEL, profile="x"),
    ],
)
def test_it_is_for_that_model_alone(kept: settings.Settings, other: ModelIdentity, tmp_path: Path) -> None:
    save(kept, fitted(examples()))
    assert calibration_of(kept, other) is None
    bundled = tmp_path / "bundled.json"
    bundled.write_text(as_text(fitted(examples())), encoding="utf-8")
    assert calibration_of(kept, other, bundled) is None


def test_the_users_own_goes_before_the_models(kept: settings.Settings, tmp_path: Path) -> None:
    bundled = tmp_path / "bundled.json"
    bundled.write_text(as_text(fitted(examples(seed=3))), encoding="utf-8")
    assert calibration_of(kept, MODEL, bundled) == fitted(examples(seed=3))
    save(kept, fitted(examples()))
    assert calibration_of(kept, MODEL, bundled) == fitted(examples())
    assert calibration_of(kept, MODEL, tmp_path / "none.json") == fitted(examples())


@pytest.mark.parametrize(
    "content", ["", "no JSON", "[]", "{}", '{"schema": "marlin-edit.calibration/1"}', "9" * 5000, "[" * 100_000]
)
def test_a_file_that_is_none_is_said_with_what_to_do(kept: settings.Settings, content: str) -> None:
    path = save(kept, fitted(examples()))
    path.write_text(content, encoding="utf-8")
    with pytest.raises(MarlinEditError, match="Delete it, or make a new one"):
        calibration_of(kept, MODEL)


def test_one_of_another_version_of_the_signals_is_none(kept: settings.Settings) -> None:
    path = save(kept, fitted(examples()))
    path.write_text(json.dumps(json.loads(path.read_text()) | {"version": 0}), encoding="utf-8")
    assert calibration_of(kept, MODEL) is None


# Accepting


def analysis(*findings: Finding, threshold: float | None) -> Analysis:
    from marlin_edit.testing import sample_edit

    (source,) = sample_edit().sources
    return replace(source, scenes=(), events=(), findings=findings, threshold=threshold)


def finding(
    start: int, score: float | None = None, flags: tuple[str, ...] = (), verdict: Verdict | None = None
) -> Finding:
    return Finding(Span(Fraction(start), Fraction(start + 1)), "a door opens", score, {}, flags, verdict)


def test_what_is_accepted_is_cut_and_shown_and_the_rest_is_not() -> None:
    source = analysis(
        finding(1, 0.9), finding(2, 0.5), finding(3, 0.1, verdict=Verdict.ACCEPTED), finding(4, 0.2), threshold=0.5
    )
    assert [one.span.start for one in accepted_findings(source)] == [1, 2, 3]
    cuts = cuts_of_findings(source)
    assert [cut.frames.first for cut in cuts] == [25, 50, 75]
    shown = without_rejected(edit_of(source, cuts))
    assert [one.span.start for one in shown.sources[0].findings] == [1, 2, 3]
    assert all(cut.source is shown.sources[0] for cut in shown.cuts)
    assert not is_empty(shown)
    assert is_empty(edit_of(analysis(finding(4, 0.2), threshold=0.5)))


def test_without_a_score_only_what_asking_again_gave_and_nothing_speaks_for_is_left_out() -> None:
    assert is_accepted(finding(1), None)
    assert is_accepted(finding(1), 0.7)
    assert not is_accepted(finding(1, flags=(UNSUPPORTED,)), None)
    assert is_accepted(finding(1, 0.8, (UNSUPPORTED,)), 0.7)
    assert is_accepted(finding(1, flags=(UNSUPPORTED,)), 0), "0 accepts everything"


# The command line


@dataclass(frozen=True)
class Desk:
    folder: Path
    run: Callable[..., Any]

    def model(self, **known: Any) -> Path:
        path = self.folder / "what.oracle"
        path.write_text(json.dumps({"instead": [1, 3.5], "longest_window": 30, **known}))
        return path


EVENTS = [[4, 8, "A dog barks"], [20, 24, "A dog barks"], [42, 46, "A door opens"], [50, 55, "A dog barks"]]
PRESENT, ABSENT = ("A dog barks", "A door opens"), ("A cat sleeps", "A lamp falls", "A child laughs")


@pytest.fixture
def desk(tmp_path: Path, capfd: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> Desk:
    monkeypatch.syspath_prepend(str(HERE / "oracle"))
    monkeypatch.chdir(tmp_path)
    for name in ("one", "two", "three"):
        make_video(tmp_path / f"{name}.mp4", frames=240, rate="4", size=(64, 48), gop=40, audio=0)

    def run(*arguments: object) -> Ran:
        return run_command(capfd, *arguments)

    return Desk(tmp_path, run)


def truth(folder: Path, *names: str) -> Path:
    queries = [
        {"query": query, "spans": [[str(start), str(end)] for start, end, text in EVENTS if text == query]}
        for query in (*PRESENT, *ABSENT)
    ]
    path = folder / "truth.json"
    videos = [{"path": f"{name}.mp4", "queries": queries} for name in names]
    path.write_text(json.dumps({"schema": "marlin-edit.truth/1", "videos": videos}), encoding="utf-8")
    return path


def asking(*queries: str) -> list[str]:
    return [part for query in queries for part in ("-q", query)]


def test_calibrated_what_is_there_is_told_and_what_is_not_is_rejected_with_its_score(desk: Desk) -> None:
    model = desk.model(events=EVENTS)
    before = desk.run("find", "three.mp4", *asking(*PRESENT, *ABSENT), "--model", model, "--json")
    assert before.code == 0
    assert {one["query"] for one in before.document["analysis"]["findings"]} == {*PRESENT, *ABSENT}
    assert "this model has no calibration, so its findings have grades" in before.err

    ran = desk.run("calibrate", truth(desk.folder, "one", "two"), "--model", model, "--json")
    assert ran.code == 0, ran.err
    assert ran.document["auroc"] == 1
    assert ran.document["kept"] == 1
    assert Path(ran.document["files"][0]).is_file()

    found = desk.run("find", "three.mp4", *asking(*PRESENT), "--model", model)
    assert found.code == 0
    assert '"A dog barks": 3 found\n' in found.out
    assert '"A door opens": 1 found\n' in found.out
    assert "  1.00  " in found.out or "  0.9" in found.out
    after = desk.run("find", "three.mp4", *asking(*PRESENT, *ABSENT), "--model", model, "-v")
    assert all(line in after.out for line in found.out.splitlines())
    cat = after.out.split('"A cat sleeps": not found\n')[1].splitlines()
    assert cat[0].startswith("  the best is ")
    assert cat[1] == "  rejected:"
    assert "  0.0" in cat[3]


def test_where_nothing_matched_it_is_said_and_only_the_analysis_is_written(desk: Desk) -> None:
    model = desk.model(events=EVENTS)
    assert desk.run("calibrate", truth(desk.folder, "one", "two"), "--model", model).code == 0
    outputs = ["-o", "found.json", "-o", "found.srt", "-o", "found.otio"]
    ran = desk.run("cut", "three.mp4", *asking("A cat sleeps"), "--model", model, *outputs, "--out-dir", "clips")
    assert ran.code == ExitCode.NOTHING_MATCHED
    assert 'nothing matched "A cat sleeps" in three.mp4 (0 - 60 s)' in ran.err
    assert '"A cat sleeps": not found\n  the best is ' in ran.err
    assert sorted(path.name for path in desk.folder.glob("found.*")) == ["found.json"]
    assert not list(desk.folder.glob("clips/*"))
    kept = json.loads((desk.folder / "found.json").read_text())
    assert len(kept["findings"]) == 3
    assert all(one["score"] < kept["threshold"] for one in kept["findings"])


def test_the_user_says_from_which_score_on_also_when_exporting(desk: Desk) -> None:
    model = desk.model(events=EVENTS)
    assert desk.run("calibrate", truth(desk.folder, "one", "two"), "--model", model).code == 0
    asked = ["find", "three.mp4", *asking("A door opens", "A cat sleeps"), "--model", model]
    assert desk.run(*asked, "--min-score", "1").code == ExitCode.NOTHING_MATCHED
    everything = desk.run(*asked, "--all")
    assert everything.code == 0
    assert '"A cat sleeps": 3 found' in everything.out
    assert desk.run(*asked, "-o", "found.json").code == 0
    assert desk.run("export", "found.json", "-o", "one.srt").code == 0
    assert desk.run("export", "found.json", "-o", "all.srt", "--all").code == 0
    assert desk.run("export", "found.json", "-o", "none.srt", "--min-score", "1").code == ExitCode.NOTHING_MATCHED
    cues = {path.name: path.read_text().count("-->") for path in desk.folder.glob("*.srt")}
    assert cues == {"one.srt": 1, "all.srt": cues["all.srt"]}
    assert cues["all.srt"] > 1
    assert desk.run(*asked, "--min-score", "2").code == ExitCode.USAGE
    assert desk.run(*asked, "--no-score").err.count("there is no evidence for these findings") == 1


def test_eval_measures_at_the_calibrated_threshold(desk: Desk) -> None:
    model = desk.model(events=EVENTS)
    assert desk.run("calibrate", truth(desk.folder, "one", "two"), "--model", model).code == 0
    ran = desk.run("eval", truth(desk.folder, "three"), "--model", model, "--json")
    assert ran.code == 0, ran.err
    measured = ran.document["find"]["at_threshold"]
    assert 0 < measured["threshold"] < 1
    assert measured["kept"] == 1
    assert {key: measured["occurrences"][key] for key in ("true", "found", "findings", "repeated")} == {
        "true": 4,
        "found": 4,
        "findings": 4,
        "repeated": 0,
    }
    assert measured["false_all"]["count"] == 0
    assert ran.document["find"]["auroc"]["value"] == 1


def test_kinds_of_queries_that_the_clips_lack_are_named(desk: Desk) -> None:
    model = desk.model(events=EVENTS)
    path = truth(desk.folder, "one", "two")
    ran = desk.run("calibrate", path, "--model", model)
    assert "the videos have no negations, so scores of such queries are not learned" in ran.err
    assert "the videos have no absent things that differ by a word from what is there" in ran.err
    assert "no word for" not in ran.err, "a lamp, a cat and a child are in no caption"
    document = json.loads(path.read_text())
    for video in document["videos"]:
        video["queries"] += [{"query": "a dog opens", "spans": []}, {"query": "no dog barks", "spans": []}]
        video["queries"] += [{"query": "a hound barks", "spans": [["4", "8"]]}]
    path.write_text(json.dumps(document))
    assert "the videos have no" not in desk.run("calibrate", path, "--model", model).err


def test_footage_that_the_model_is_less_sure_of_than_of_any_clip_is_out_of_its_depth() -> None:
    given = [replace(one, signals={**one.signals, "sure": -0.05 - 0.01 * int(one.group[-1])}) for one in examples()]
    calibration = fitted(given)
    assert calibration.about["sure"] == pytest.approx(-0.12)
    assert "sure" not in calibration.names

    def findings(sure: float) -> list[Finding]:
        return [Finding(Span(Fraction(0), Fraction(1)), "q", signals={"sure": sure + more}) for more in (-0.01, 0.01)]

    assert not is_out_of_depth(calibration, findings(-0.13))
    assert is_out_of_depth(calibration, findings(-0.2))
    assert not is_out_of_depth(calibration, [])
    assert not is_out_of_depth(fitted(examples()), findings(-9.0)), "it is not known how sure the model was"


def test_clips_with_nothing_wrong_in_them_cannot_calibrate(desk: Desk) -> None:
    ran = desk.run("calibrate", truth(desk.folder, "one"), "--model", desk.model(events=[]), "--json")
    assert ran.code == ExitCode.FAILED
    assert "not enough answers to calibrate with" in ran.document["error"]


def test_a_video_that_is_missing_is_said_and_the_others_are_learned_from(desk: Desk) -> None:
    ran = desk.run("calibrate", truth(desk.folder, "one", "two", "four"), "--model", desk.model(events=EVENTS))
    assert ran.code == ExitCode.PARTIAL
    assert "four.mp4" in ran.err
    assert "threshold" in ran.out


def test_an_output_is_not_written_over_and_a_calibration_can_go_with_a_model(desk: Desk) -> None:
    model = desk.model(events=EVENTS)
    assert desk.run("calibrate", truth(desk.folder, "one", "two"), "--model", model, "-o", "with.json").code == 0
    again = desk.run("calibrate", truth(desk.folder, "one", "two"), "--model", model, "-o", "with.json")
    assert again.code == ExitCode.USAGE
    assert "no calibration" in desk.run("find", "three.mp4", *asking("A door opens"), "--model", model).err


def judged(folder: Path, name: str, accepted: Callable[[dict[str, Any]], bool], **more: Any) -> Path:
    """The analysis `found.json` with a person's verdicts."""
    document = json.loads((folder / "found.json").read_text())
    for one in document["findings"]:
        one["verdict"] = "accepted" if accepted(one) else "rejected"
    path = folder / name
    path.write_text(json.dumps(document | more), encoding="utf-8")
    return path


def test_a_persons_verdicts_calibrate_as_well(desk: Desk) -> None:
    model = desk.model(events=EVENTS)
    asked = [*asking(*PRESENT, *ABSENT), "--model", model]
    assert desk.run("find", "one.mp4", *asked, "-o", "found.json").code == 0
    right = {(start, end, text) for start, end, text in EVENTS}
    path = judged(
        desk.folder,
        "judged.json",
        lambda one: (float(Fraction(one["start"])), float(Fraction(one["end"])), one["query"]) in right,
    )
    ran = desk.run("calibrate", path, "--json")
    assert ran.code == ExitCode.FAILED
    assert "4 right and" in ran.document["error"], "two files of them are enough"
    again = judged(desk.folder, "again.json", lambda one: one["query"] in PRESENT and "again" not in one["flags"])
    ran = desk.run("calibrate", path, again, "--json")
    assert ran.code == 0, ran.err
    assert ran.document["right"] >= 5
    found = desk.run("find", "three.mp4", *asked)
    assert "score" in found.out
    assert "no calibration" not in found.err


def test_verdicts_of_two_models_or_of_none_are_refused(desk: Desk) -> None:
    model = desk.model(events=EVENTS)
    assert desk.run("find", "one.mp4", *asking("A dog barks"), "--model", model, "-o", "found.json").code == 0
    one = judged(desk.folder, "one.json", lambda one: True)
    other = judged(desk.folder, "other.json", lambda one: True, model={"name": "another", "revision": "7"})
    assert "Several models made these analyses" in desk.run("calibrate", one, other).err
    ran = desk.run("calibrate", desk.folder / "found.json")
    assert ran.code == ExitCode.FAILED
    assert "no finding was accepted or rejected by a person" in ran.err


def test_where_a_calibration_cannot_be_kept_that_is_said_before_anything_is_asked(
    desk: Desk, monkeypatch: pytest.MonkeyPatch
) -> None:
    (desk.folder / "file").touch()
    monkeypatch.setenv("MARLIN_EDIT_STORE_PATH", str(desk.folder / "file" / "answers.sqlite"))
    model = desk.model(events=EVENTS, asked=str(desk.folder / "asked"))
    ran = desk.run("calibrate", truth(desk.folder, "one", "two"), "--model", model)
    assert ran.code == ExitCode.FAILED
    assert "Name a file with -o" in ran.err
    assert not (desk.folder / "asked").exists()
    assert desk.run("calibrate", truth(desk.folder, "one", "two"), "--model", model, "-o", "with.json").code == 0


# Which one is in force


def test_too_little_does_not_replace_what_was_learned_from_more_unless_it_is_asked_for(desk: Desk) -> None:
    model = desk.model(events=EVENTS)
    assert desk.run("calibrate", truth(desk.folder, "one", "two", "three"), "--model", model).code == 0
    before = desk.run("models", "--json").document
    little = truth(desk.folder, "one", "two")
    ran = desk.run("calibrate", little, "--model", model)
    assert ran.code == ExitCode.FAILED
    assert "are little to learn from: the scores may be far off" in ran.err
    assert "The calibration in force is yours of 20" in ran.err
    assert "was not installed" in ran.err
    assert desk.run("models", "--json").document == before
    replaced = desk.run("calibrate", little, "--model", model, "--replace")
    assert replaced.code == 0
    assert "it counts in place of yours of 20" in replaced.err
    assert desk.run("calibrate", little, "--model", model, "-o", "little.json").code == 0, "a file replaces nothing"


def test_what_was_learned_from_enough_replaces_also_what_was_learned_from_more(kept: settings.Settings) -> None:
    enough, more = fitted(examples(400)), fitted(examples(800))
    assert not enough.is_thin
    assert fitted(examples(30)).is_thin
    assert sum(more.findings) > sum(enough.findings)
    from marlin_edit.commands.calibrate import _refuse_worse

    _refuse_worse(enough, Installed(more, Path("x"), own=True), asked=False)
    with pytest.raises(MarlinEditError, match="--replace installs it all the same"):
        _refuse_worse(fitted(examples(30)), Installed(more, Path("x"), own=True), asked=False)
    _refuse_worse(fitted(examples(30)), Installed(more, Path("x"), own=True), asked=True)


def test_a_calibration_can_be_removed_and_the_models_own_counts_again(desk: Desk) -> None:
    def in_force() -> str:
        rows = desk.run("doctor", "--model", "demo", "--json").document["checks"]
        return str(next(row["found"] for row in rows if row["name"] == "calibration"))

    assert in_force().startswith("the one that came with it of 2026-11-27, from 16 videos")
    identity = ModelIdentity("demo", "9ff358497214505f", "demo-shapes/1", "float32")
    path = save(app_settings(), replace(fitted(examples(800)), model=identity))
    assert in_force().startswith("yours of 20")
    assert str(path) in in_force()
    listed = desk.run("models")
    assert f"  {identity}: yours of 20" in listed.out
    assert f"  {identity}: the one that came with it of 2026-11-27" in listed.out
    ran = desk.run("calibrate", "--reset", "--model", "demo")
    assert (ran.code, path.exists()) == (0, False)
    assert f"removed {path}" in ran.err
    assert "In force: the one that came with it" in ran.err
    assert "There is no calibration of yours" in desk.run("calibrate", "--reset", "--model", "demo").err
    assert in_force().startswith("the one that came with it")


def app_settings() -> settings.Settings:
    from marlin_edit.plugins import load_app

    return load_app().settings


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (["--reset", "truth.json"], "--reset removes a calibration, and takes no TRUTH"),
        (["--reset", "-o", "x.json"], "--reset removes a calibration, and takes no TRUTH"),
        ([], "Name the files that say what is true of some videos"),
    ],
)
def test_what_calibrate_cannot_do_at_once_is_said(desk: Desk, arguments: list[str], words: str) -> None:
    ran = desk.run("calibrate", *arguments, "--model", "demo")
    assert ran.code == ExitCode.USAGE
    assert words in ran.err


@pytest.mark.parametrize("value", [float("nan"), float("inf"), 10**400])
def test_numbers_that_no_fit_gives_are_refused(kept: settings.Settings, value: float) -> None:
    path = save(kept, fitted(examples()))
    path.write_text(json.dumps(json.loads(path.read_text()) | {"bias": value}), encoding="utf-8")
    with pytest.raises(MarlinEditError, match="is not a calibration"):
        calibration_of(kept, MODEL)
