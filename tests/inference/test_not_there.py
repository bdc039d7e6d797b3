"""What is not there is not found, in any wording, with and without a calibration; what is there is, in any wording."""

from __future__ import annotations

import json
import shutil
from dataclasses import dataclass, replace
from fractions import Fraction
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

import marlin_edit_demo
from marlin_edit.analysis import Analysis, Event, Finding, Grade, WordEvidence
from marlin_edit.answer_format import JudgedWord, read_judgement, write_judgement
from marlin_edit.edit import best, cuts_of_findings, is_accepted
from marlin_edit.errors import ExitCode, UsageError
from marlin_edit.evidence import doubt_of, grade_of, reason_of
from marlin_edit.inference.measures import iou
from marlin_edit.inference.queries import advice_on, checked_queries, paraphrases, wording
from marlin_edit.inference.signals import merged_words, of_words, told_there
from marlin_edit.testing import sample_edit
from marlin_edit.text import clean
from marlin_edit.timebase import FrameNumber, Span
from marlin_edit.video_model import Answer
from marlin_edit_demo.labelled_clips import make_labelled
from marlin_edit_demo.world import WorldSettings, make_clip, write_clip
from tests.support.command_line import CommandLine, command_line

NASA = Path(__file__).parents[1] / "data" / "nasa_13013.mp4"
GREEN_SQUARE = "a green square moves across the picture"


@dataclass(frozen=True)
class Film:
    """A minute in which a green square comes three times, and no red shape, nor a cross.

    bare: the demo model without its calibration.
    """

    path: Path
    bare: Path
    spans: tuple[tuple[Fraction, Fraction], ...]


@pytest.fixture(scope="module")
def film(tmp_path_factory: pytest.TempPathFactory) -> Film:
    folder = tmp_path_factory.mktemp("film")
    clip = make_labelled(748, (320, 180), Fraction(25), range(60, 61), range(4, 6))
    write_clip(folder / "film.mp4", clip)
    bundled = Path(marlin_edit_demo.__file__).parent / "checkpoint"
    bare = folder / "bare"
    shutil.copytree(bundled, bare, ignore=shutil.ignore_patterns("marlin_edit_calibration.json"))
    spans = tuple((event.start, event.end) for event in clip.events if event.shape.words == "green square")
    assert len(spans) == 3
    return Film(folder / "film.mp4", bare, spans)


@pytest.fixture(params=["calibrated", "not calibrated"])
def model(request: pytest.FixtureRequest, film: Film) -> str:
    return "demo" if request.param == "calibrated" else str(film.bare)


@pytest.fixture
def run(capfd: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> CommandLine:
    monkeypatch.chdir(tmp_path)
    return command_line(capfd)


@pytest.mark.parametrize(
    "query",
    [
        "a dog runs",
        "a white circle",
        "a black square",
        "a green pentagon",
        "a pink star moves",
        "a person moves across the picture",
        "a green square explodes",
        "no green square is visible",
        "a red circle",
        "a green cross moves across the picture",
    ],
)
def test_what_is_not_there_is_not_cut(run: CommandLine, film: Film, model: str, query: str) -> None:
    ran = run("cut", film.path, "--model", model, "-q", query, "--out-dir", "clips", "-o", "cuts.edl")
    assert ran.code == ExitCode.NOTHING_MATCHED, ran.out
    assert f'nothing matched "{query}"' in ran.err
    assert not list(Path().rglob("*.mp4"))
    assert not Path("cuts.edl").exists()


@pytest.mark.parametrize(
    "query",
    [
        "GREEN SQUARE",
        "Green Square.",
        "A GREEN SQUARE MOVES ACROSS THE PICTURE",
        "  the  green   square ",
        '"a green square"',
        "when can I see a green square?",
        "there is a green square",
        "a green square is visible",
    ],
)
def test_what_is_there_is_found_in_any_wording(run: CommandLine, film: Film, model: str, query: str) -> None:
    ran = run("find", film.path, "--model", model, "-q", GREEN_SQUARE, "-q", query, "--json")
    assert ran.code == 0
    analysis = ran.document["analysis"]
    for asked in (GREEN_SQUARE, " ".join(query.split())):
        found = [one for one in analysis["findings"] if one["query"] == asked and one["accepted"]]
        assert len(found) == 3
        for one, (start, end) in zip(found, film.spans, strict=True):
            assert iou(Span(Fraction(one["start"]), Fraction(one["end"])), Span(start, end)) >= 0.5


def test_calibrated_what_the_model_has_no_word_for_scores_far_below_what_is_needed(
    run: CommandLine, film: Film
) -> None:
    queries = ("a white circle", "a pink star moves", "a person moves across the picture", "no green square is visible")
    ran = run("find", film.path, "--model", "demo", *(part for query in queries for part in ("-q", query)), "--json")
    assert ran.code == ExitCode.NOTHING_MATCHED
    findings = ran.document["analysis"]["findings"]
    assert {one["query"] for one in findings} == set(queries)
    assert all(one["score"] < 0.1 for one in findings)


def test_shapes_that_are_smaller_than_in_the_labelled_clips_are_out_of_the_model_s_depth(
    run: CommandLine, film: Film, tmp_path: Path
) -> None:
    smaller = WorldSettings(
        width=320, height=180, length=Fraction(60), repeats=True, kinds=6, smallest_radius=0.03, largest_radius=0.05
    )
    write_clip(tmp_path / "small.mp4", make_clip(501, smaller))
    for path in ("small.mp4", NASA):
        ran = run("find", path, "--model", "demo", "-q", "a red circle", "-q", "a blue cross")
        assert f"{Path(path).name} is unlike the videos that the model was calibrated on" in ran.err
    assert "is unlike" not in run("find", film.path, "--model", "demo", "-q", "a red circle", "-q", "a blue cross").err


def test_every_query_has_its_result(run: CommandLine, film: Film, model: str) -> None:
    queries = ["-q", "a green square", "-q", "a dog runs"]
    ran = run("find", film.path, "--model", model, *queries, "--json")
    assert ran.code == 0
    square, dog = ran.document["analysis"]["results"]
    assert (square["query"], square["accepted"], dog["query"], dog["accepted"]) == (
        "a green square",
        3,
        "a dog runs",
        0,
    )
    findings = ran.document["analysis"]["findings"]
    assert dog["found"] == sum(one["query"] == "a dog runs" for one in findings) > 0
    assert not any(one["accepted"] for one in findings if one["query"] == "a dog runs")
    assert '"a green square": 3 found\n' in ran.err
    assert '"a dog runs": not found\n  the best is ' in ran.err
    assert 'nothing in the picture supports "dog"' in ran.err
    every = run("find", film.path, "--model", model, *queries, "--require", "all", "-o", "found.json")
    assert every.code == ExitCode.PARTIAL
    assert 'nothing matched "a dog runs", and --require all asks for every query' in every.err
    assert Path("found.json").exists()


def test_without_a_calibration_findings_have_grades_and_reasons(run: CommandLine, film: Film) -> None:
    model = ["--model", film.bare]
    ran = run("find", film.path, *model, "-q", "a green square", "-q", "a dog runs", "-o", "found.json", "-o", "f.html")
    assert ran.code == 0
    assert "this model has no calibration, so its findings have grades" in ran.err
    findings = json.loads(Path("found.json").read_text())["findings"]
    assert [one["query"] for one in findings if one["grade"] == "supported"] == ["a green square"] * 3
    assert {one["grade"] for one in findings if one["query"] == "a dog runs"} == {"unsupported"}
    assert all(one["accepted"] == (one["grade"] == "supported") and one["score"] is None for one in findings)
    assert {word["text"] for one in findings for word in one["words"]} == {"green", "square", "dog", "runs"}
    assert all(one["reason"] for one in findings)
    everything = run("export", "found.json", "-o", "all.srt", "--all")
    assert everything.code == 0
    assert Path("all.srt").read_text().count("-->") == len(findings)
    assert run("export", "found.json", "-o", "some.srt").code == 0
    assert Path("some.srt").read_text().count("-->") == 3
    assert "unsupported" in Path("f.html").read_text()


@pytest.mark.parametrize(
    ("query", "words", "better"),
    [
        ("no green square is visible", "asks for what is not there", 'Try "a green square is visible".'),
        ("a man without a hat", "asks for what is not there", ""),
        ("nobody is in the room", "asks for what is not there", ""),
        ("a man sits down and a dog runs away", "names several things", 'Try "a man sits down".'),
        ("how many people dance", "asks for a number", ""),
        ("a man meets Maria", "has a name (Maria)", ""),
    ],
)
def test_a_query_that_the_model_was_not_trained_for_is_warned_of_before_the_model_loads(
    run: CommandLine, tmp_path: Path, query: str, words: str, better: str
) -> None:
    ran = run("find", tmp_path / "missing.mp4", "-q", query)
    assert ran.code == 1
    assert f'warning: "{query}" {words}' in ran.err
    assert better in ran.err


@pytest.mark.parametrize(
    "query",
    [
        "a door opens",
        "A Man Opens A Door",
        "two dogs play",
        "a black and white dog",
        "a car turns left",
        "people dance",
        "ein roter Kreis",
    ],
)
def test_usual_queries_are_not_warned_of(query: str) -> None:
    assert advice_on(query) == []


@pytest.mark.parametrize(("query", "message"), [("  ", "A query is empty"), ("🐶 !", 'The query "🐶 !" has no words')])
def test_a_query_without_words_is_refused(query: str, message: str) -> None:
    with pytest.raises(UsageError, match=message):
        checked_queries([query])


@pytest.mark.parametrize(
    ("query", "asked"),
    [
        ("GREEN SQUARE", "a green square"),
        ("The Door Opens.", "a door opens"),
        ("door opens", "a door opens"),
        ("an old man", "an old man"),
        ("the old man", "an old man"),
        ("umbrella opens", "an umbrella opens"),
        ("a uniform", "a uniform"),
        ("“a dog”", "a dog"),
        ("When can I see a dog running?", "a dog running"),
        ("show me the moment when a door opens", "a door opens"),
        ("there are two dogs", "two dogs"),
        ("dogs run", "dogs run"),
        ("green squares", "green squares"),
        ("someone opens a door", "someone opens a door"),
        ("no dog", "no dog"),
        ("ein Hund läuft", "ein hund läuft"),
        ("ドアが開く", "ドアが開く"),
        ("the", "the"),
        ("clip", "a clip"),
    ],
)
def test_a_query_is_asked_as_the_model_was_trained(query: str, asked: str) -> None:
    assert wording(query) == asked


@given(st.text(max_size=40))
def test_any_query_has_a_wording_that_has_itself(query: str) -> None:
    try:
        (kept,) = checked_queries([query])
    except UsageError:
        return
    assert wording(kept)
    assert wording(wording(kept)) == wording(kept)
    assert wording(kept.upper()) == wording(kept) or kept.lower() != kept.upper().lower()


def test_a_query_is_asked_in_several_wordings_and_what_they_find_is_joined(run: CommandLine, film: Film) -> None:
    assert paraphrases("the man opens a door", 9) == (
        "a man opens a door",
        "the man opens a door",
        "man opens a door",
        "a person opens a door",
    )
    assert paraphrases("A Green Square.", 2) == ("a green square", "the green square")
    assert paraphrases("dogs", 3) == ("dogs",)
    ran = run("find", film.path, "--model", film.bare, "-q", "a green square", "--paraphrase", "3", "--json")
    assert ran.code == 0
    found = [one for one in ran.document["analysis"]["findings"] if one["accepted"]]
    assert [one["query"] for one in found] == ["a green square"] * 3
    assert run("find", film.path, "--model", film.bare, "-q", "a", "--paraphrase", "0").code == ExitCode.USAGE


def word(text: str, regret: float | None, told: bool = False) -> WordEvidence:
    return WordEvidence(text, told, regret, None, "green")


@pytest.mark.parametrize(
    ("words", "grade", "reason"),
    [
        ([word("red", 0.0), word("square", 0.5)], Grade.SUPPORTED, "the picture supports every word"),
        ([word("red", 9.0, told=True), word("square", 8.0, told=True)], Grade.SUPPORTED, "the caption says so"),
        (
            [word("red", 3.5), word("square", 0.0, told=True)],
            Grade.UNCLEAR,
            'little in the picture supports "red", the model sees "green"',
        ),
        (
            [word("red", 9.0), word("square", 0.0, told=True)],
            Grade.UNSUPPORTED,
            'nothing in the picture supports "red", the model sees "green"',
        ),
        ([word("dog", None), word("runs", None, told=True)], Grade.UNCLEAR, 'no caption there says "dog"'),
        ([word("dog", None), word("runs", None)], Grade.UNSUPPORTED, 'no caption there says "dog"'),
        ([], None, ""),
    ],
)
def test_the_most_doubtful_word_decides(words: list[WordEvidence], grade: Grade | None, reason: str) -> None:
    finding = Finding(Span(Fraction(1), Fraction(2)), "q", words=tuple(words))
    assert (grade_of(finding), reason_of(finding)) == (grade, reason)
    assert is_accepted(finding, None) == (grade in (Grade.SUPPORTED, None))
    assert is_accepted(finding, None, unclear=True) == (grade is not Grade.UNSUPPORTED)
    assert is_accepted(finding, 0)


def test_without_scores_the_least_doubtful_cuts_are_the_best() -> None:
    media = sample_edit().sources[0].media
    findings = tuple(
        Finding(Span(Fraction(at), Fraction(at + 1)), "a dog", words=(word("dog", regret),))
        for at, regret in ((1, 1.5), (3, 0.0), (5, 0.5), (7, 9.0))
    )
    cuts = cuts_of_findings(Analysis(media, findings=findings), FrameNumber(0))
    assert len(cuts) == 3, "the unsupported one is not cut"
    assert [cut.span.start for cut in best(cuts, 2)] == [cuts[1].span.start, cuts[2].span.start]


def test_a_caption_tells_the_words_of_a_query_in_one_event_or_not_at_all() -> None:
    events = [
        Event(Span(Fraction(0), Fraction(4)), "A green circle moves across the picture"),
        Event(Span(Fraction(1), Fraction(5)), "A red square moves across the picture"),
        Event(Span(Fraction(9), Fraction(12)), "A red circle moves across the picture"),
    ]
    span = Span(Fraction(0), Fraction(5))

    def told(query: str) -> list[bool]:
        return [one.told for one in told_there((), query, span, events)]

    assert told("a green circle moves") == [True, True, True]
    assert told("a red square is visible") == [True, True]
    assert sorted(told("a red circle")) == [False, True], "one event has the colour, another one the form"
    assert doubt_of(told_there((), "a red circle", span, events)) is None
    assert told("something is there") == [False]
    assert told("is it here") == [False, False, False], "words that say nothing are no evidence either"


def test_a_word_that_the_model_writes_in_another_form_is_no_doubt() -> None:
    shown = Answer(
        write_judgement(
            [
                JudgedWord("A", 0.0, "A", 0.0),
                JudgedWord("red", -9.0, "green", -0.1),
                JudgedWord("moves", -18.0, "moves across the picture", 0.0),
                JudgedWord("running", -4.0, "runs", -0.5),
            ]
        )
    )
    words = of_words(shown, shown)
    assert [(one.text, one.regret, one.lift) for one in words] == [
        ("red", pytest.approx(8.9), 0.0),
        ("moves", 0.0, 0.0),
        ("running", 0.0, 0.0),
    ]
    assert merged_words([words, [word("red", 1.0)], ()]) == (word("red", 1.0),)


TEXTS = st.text(st.characters(categories=["L", "N"]), min_size=1, max_size=8)
LOGPROBS = st.floats(-300, 0).map(lambda number: round(number, 4))


@given(st.lists(st.builds(JudgedWord, TEXTS, LOGPROBS, TEXTS, LOGPROBS), max_size=6))
def test_a_judgement_is_read_as_it_was_written(words: list[JudgedWord]) -> None:
    kept = [one for one in words if clean(one.text) and clean(one.likeliest)]
    written = [replace(one, text=clean(one.text), likeliest=clean(one.likeliest)) for one in kept]
    assert list(read_judgement(Answer(write_judgement(kept)))) == written


@given(st.text())
def test_what_is_no_judgement_says_nothing(raw: str) -> None:
    assert isinstance(read_judgement(Answer(raw)), tuple)


@pytest.mark.parametrize("markers", ["found.markers.edl", "found.otio", "found.fcpxml"])
def test_what_was_never_exported_is_not_rejected_by_a_person(
    run: CommandLine, film: Film, model: str, markers: str
) -> None:
    asked = ["find", film.path, "--model", model, "-q", "a green square", "-q", "a dog runs"]
    assert run(*asked, "-o", "found.json", "-o", markers).code == 0
    untouched = run("import-markers", markers, "--source", "found.json", "--learn", "-o", "judged.json")
    assert untouched.code == 0, untouched.err
    verdicts = [one.get("verdict") for one in json.loads(Path("judged.json").read_text())["findings"]]
    assert (verdicts.count("accepted"), verdicts.count("rejected")) == (3, 0)


def test_only_what_was_exported_can_be_missing(run: CommandLine, film: Film, model: str) -> None:
    asked = ["find", film.path, "--model", model, "-q", "a green square", "-q", "a dog runs"]
    assert run(*asked, "-o", "found.json").code == 0
    findings = json.loads(Path("found.json").read_text())["findings"]

    def rejected(*options: str) -> int:
        """How many are rejected where a person removed the last marker of the exported list."""
        written = ["export", "found.json", "-o", "list.markers.edl", "--overwrite", *options]
        assert run(*written).code == 0
        lines = Path("list.markers.edl").read_text().splitlines(keepends=True)
        last = max(place for place, line in enumerate(lines) if "[#" in line)
        Path("list.markers.edl").write_text("".join(lines[: last - 1]))
        ran = run("import-markers", "list.markers.edl", "--source", "found.json", "--learn", "-o", "judged.json")
        assert ran.code == 0, ran.err
        judged = json.loads(Path("judged.json").read_text())["findings"]
        Path("judged.json").unlink()
        return sum(one.get("verdict") == "rejected" for one in judged)

    assert len(findings) > 4
    assert rejected() == 1
    assert rejected("--all") == 1
    assert rejected("--unclear") == 1
