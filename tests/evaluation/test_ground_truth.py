"""Truth files: our own format, four data sets' annotations, and what is said of those that are broken."""

from __future__ import annotations

import contextlib
import json
import tempfile
from fractions import Fraction
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from marlin_edit.errors import MarlinEditError
from marlin_edit.evaluation.ground_truth import SCHEMA, TrueEvent, TrueQuery, TrueVideo, Truth, read_truth
from marlin_edit.timebase import Span


def span(start: str | int, end: str | int) -> Span:
    return Span(Fraction(start), Fraction(end))


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """Where videos are: only their names matter here."""
    for name in ("AO8RW.mp4", "deep/v_one.mkv", "deep/Clip_60.0_210.0.mp4", "Whole.webm", "notes.txt", "own.mp4"):
        (tmp_path / "media" / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / "media" / name).touch()
    return tmp_path / "media"


def read(tmp_path: Path, content: str | dict[str, Any], videos: Path | None = None, name: str = "truth.json") -> Truth:
    (tmp_path / name).write_text(content if isinstance(content, str) else json.dumps(content), encoding="utf-8")
    return read_truth(tmp_path / name, videos)


def own(*videos: dict[str, Any]) -> dict[str, Any]:
    return {"schema": SCHEMA, "videos": list(videos)}


def test_everything_of_our_own_format(tmp_path: Path) -> None:
    truth = read(
        tmp_path,
        own(
            {
                "path": "clips/a.mp4",
                "part": ["0", "300"],
                "queries": [
                    {"query": " a door\topens ", "spans": [["100.5", "1001/8"], [12, 15.5]]},
                    {"query": "a dog runs", "spans": []},
                ],
                "events": [{"start": "20", "end": "21", "text": "Later"}, {"start": 1, "end": 2.25, "text": "Sooner"}],
            },
            {"path": "/elsewhere/b.mp4", "queries": []},
        ),
    )
    assert truth.videos == (
        TrueVideo(
            tmp_path / "clips/a.mp4",
            (
                TrueQuery("a door opens", (span(12, "15.5"), span("100.5", "1001/8"))),
                TrueQuery("a dog runs", ()),
            ),
            (TrueEvent(span(1, "2.25"), "Sooner"), TrueEvent(span(20, 21), "Later")),
            span(0, 300),
        ),
        TrueVideo(Path("/elsewhere/b.mp4"), ()),
    )
    assert [query.present for query in truth.videos[0].queries] == [True, False]


def test_numbers_are_read_from_their_decimals_and_not_through_a_float(tmp_path: Path) -> None:
    exact = "12.10000000000000000000000001"
    video = '{"path": "a.mp4", "queries": [{"query": "q", "spans": [[0.1, ' + exact + "], [1e1, 1.1E1]]}]}"
    truth = read(tmp_path, f'{{"schema": "{SCHEMA}", "videos": [{video}]}}')
    assert truth.videos[0].queries[0].spans == (span("0.1", exact), span(10, 11))


def test_a_video_that_is_not_beside_the_truth_is_looked_for_in_the_given_directory(
    tmp_path: Path, folder: Path
) -> None:
    entry = {"path": "own.mp4", "queries": []}
    assert read(tmp_path, own(entry)).videos[0].path == tmp_path / "own.mp4"
    assert read(tmp_path, own(entry), folder).videos[0].path == folder / "own.mp4"
    (tmp_path / "own.mp4").touch()
    assert read(tmp_path, own(entry), folder).videos[0].path == tmp_path / "own.mp4"


def test_charades_sta(tmp_path: Path, folder: Path) -> None:
    lines = (
        "AO8RW 0.0 6.9##a person is putting a book on a shelf.\n\n"
        "AO8RW 20.1 30##a person opens the door .\r\n"
        "AO8RW 8.0 9.95##a person is putting a book on a shelf.\n"
        "GONE1 1.0 2.0##someone laughs\n"
    )
    truth = read(tmp_path, lines, folder, "charades_sta_test.txt")
    assert truth.videos == (
        TrueVideo(
            folder / "AO8RW.mp4",
            (
                TrueQuery("a person is putting a book on a shelf", (span(0, "6.9"), span(8, "9.95"))),
                TrueQuery("a person opens the door", (span("20.1", 30),)),
            ),
        ),
        TrueVideo(folder / "GONE1", (TrueQuery("someone laughs", (span(1, 2),)),)),
    )


def test_activitynet_captions_are_queries_and_events(tmp_path: Path, folder: Path) -> None:
    annotations = {
        "v_one": {
            "duration": 82.73,
            "timestamps": [[17.37, 60.81], [0.83, 19.86]],
            "sentences": [" She dances around. ", "A young woman is seen standing."],
        }
    }
    (video,) = read(tmp_path, annotations, folder).videos
    assert video.path == folder / "deep/v_one.mkv"
    assert video.queries == (
        TrueQuery("She dances around", (span("17.37", "60.81"),)),
        TrueQuery("A young woman is seen standing", (span("0.83", "19.86"),)),
    )
    assert video.events == (
        TrueEvent(span("0.83", "19.86"), "A young woman is seen standing."),
        TrueEvent(span("17.37", "60.81"), "She dances around."),
    )


def test_timelens_bench(tmp_path: Path, folder: Path) -> None:
    annotations = {"v_one": {"duration": 30, "spans": [[1, 2.5]], "queries": ["When does the dog run?"]}}
    (video,) = read(tmp_path, annotations, folder).videos
    assert video.queries == (TrueQuery("When does the dog run?", (span(1, "2.5"),)),)
    assert video.events is None


def test_qvhighlights_in_clips_of_their_own_or_as_parts_of_whole_videos(tmp_path: Path, folder: Path) -> None:
    lines = [
        {"qid": 1, "query": "A man cooks.", "vid": "Clip_60.0_210.0", "relevant_windows": [[26, 36], [0, 2]]},
        {"qid": 2, "query": "A cat", "vid": "Clip_60.0_210.0", "duration": 150, "relevant_windows": []},
        {"qid": 3, "query": "A cat", "vid": "Whole_360.0_510.0", "relevant_windows": [[10, 20]]},
        {"qid": 4, "query": "A cat", "vid": "Gone_0.0_150.0", "relevant_windows": [[10, 20]]},
    ]
    for chosen in (lines, lines[:1]):
        truth = read(tmp_path, "\n".join(map(json.dumps, chosen)), folder, "val.jsonl")
        assert truth.videos[0].queries[0] == TrueQuery("A man cooks", (span(0, 2), span(26, 36)))
    truth = read(tmp_path, "\n".join(map(json.dumps, lines)), folder, "val.jsonl")
    clip, whole, gone = truth.videos
    assert (clip.path, clip.part) == (folder / "deep/Clip_60.0_210.0.mp4", None)
    assert clip.queries[1] == TrueQuery("A cat", ())
    assert (whole.path, whole.part) == (folder / "Whole.webm", span(360, 510))
    assert whole.queries == (TrueQuery("A cat", (span(370, 380),)),)
    assert gone.path == folder / "Gone_0.0_150.0"


def test_annotations_that_cannot_be_spans_are_left_out_and_said(tmp_path: Path, folder: Path) -> None:
    annotations = {"v_one": {"duration": 9, "timestamps": [[5, 3], [-1.5, 3], [1, 2]], "sentences": ["x", "y", "z"]}}
    truth = read(tmp_path, annotations, folder)
    assert truth.videos[0].queries == (TrueQuery("z", (span(1, 2),)),)
    assert truth.videos[0].events == (TrueEvent(span(1, 2), "z"),)
    assert len(truth.notes) == 2
    assert "v_one.timestamps[0]" in truth.notes[0]
    assert "5 to 3" in truth.notes[0]
    assert "before the video" in truth.notes[1]
    line = '{"query": "a", "vid": "AO8RW", "relevant_windows": [[3, 3]]}'
    assert read(tmp_path, line, folder).videos[0].queries == (), "left out, and not taken for absent"


def test_an_id_never_leads_out_of_the_directory(tmp_path: Path, folder: Path) -> None:
    (tmp_path / "secret.mp4").touch()
    (video,) = read(tmp_path, "../secret 0 1##x\n", folder, "c.txt").videos
    assert video.path != tmp_path / "secret.mp4"
    assert not video.path.is_file()


SPANS_TWICE = {"path": "a.mp4", "queries": [{"query": "q", "spans": []}, {"query": " q", "spans": []}]}


@pytest.mark.parametrize(
    ("content", "words"),
    [
        ("", "empty"),
        (" \n", "empty"),
        ("hello", "neither JSON nor"),
        ('{"a": [}', "line 1, column 8"),
        ("[1, 2]", "object was expected"),
        ("{}", "schema"),
        ('{"a": 1e999}', "not a number that can be used"),
        ({"schema": "marlin-edit.truth/2"}, "Update marlin-edit"),
        ({"schema": 5}, "schema: this should be"),
        (own(), "videos: the list is empty"),
        ({"schema": SCHEMA}, "videos: this should be a list, not nothing"),
        (own({"queries": []}), "videos[0].path: this should be text, not nothing"),
        (own({"path": "", "queries": []}), "videos[0].path"),
        (own({"path": "a.mp4"}), "videos[0]: this video has no queries and no events"),
        (own({"path": "a.mp4", "queries": [{"query": "q"}]}), "videos[0].queries[0]: the spans are missing"),
        (own({"path": "a.mp4", "queries": [{"query": " ", "spans": []}]}), "videos[0].queries[0].query"),
        (own({"path": "a.mp4", "queries": [{"query": "q", "spans": [["1"]]}]}), "spans[0]: this should be a start and"),
        (own({"path": "a.mp4", "queries": [{"query": "q", "spans": [[2, 1]]}]}), "should come after the start (2)"),
        (own({"path": "a.mp4", "queries": [{"query": "q", "spans": [[1, "soon"]]}]}), 'not "soon"'),
        (own({"path": "a.mp4", "queries": [{"query": "q", "spans": [[True, 2]]}]}), "not true"),
        (own({"path": "a.mp4", "part": [0, 5], "queries": [{"query": "q", "spans": [[4, 6]]}]}), "reaches out of"),
        (own({"path": "a.mp4", "events": [{"start": 1, "end": 2}]}), "videos[0].events[0].text"),
        (own(SPANS_TWICE), "videos[0].queries[1]: 'q' is listed twice"),
        (own({"path": "a.mp4", "queries": []}, {"path": "a.mp4", "queries": []}), "videos[1]: a.mp4 is listed twice"),
        ("AO8RW 0.0##x\n", "line 1: this should be like"),
        ("AO8RW 0.0 1.0##x\nAO8RW zero 1##x", "line 2, start"),
        ({"v": {"timestamps": [[1, 2]], "sentences": []}}, "v: 1 timestamps and 0 sentences"),
        ({"v": {"timestamps": [[1, 2, 3]], "sentences": ["x"]}}, "v.timestamps[0]"),
        ({"v": {"spans": [[1, 2]], "queries": [7]}}, "v.queries[0]: this should be text"),
        ('{"vid": "x", "query": "q"}', "line 1: there are no relevant_windows"),
        ('{"vid": "x", "query": "q", "relevant_windows": []}\n{"vid"', "line 2: This is not JSON"),
        ('{"vid": "x", "query": 5, "relevant_windows": []}', "line 1: query: this should be text"),
    ],
)
def test_what_cannot_be_read_is_named_by_its_place(
    content: str | dict[str, Any], words: str, tmp_path: Path, folder: Path
) -> None:
    with pytest.raises(MarlinEditError) as raised:
        read(tmp_path, content, folder)
    assert str(raised.value).startswith("truth.json: ")
    assert words in str(raised.value)


def test_data_sets_need_to_be_told_where_their_videos_are(tmp_path: Path) -> None:
    with pytest.raises(MarlinEditError, match="--videos"):
        read(tmp_path, "AO8RW 0.0 1.0##x\n")
    with pytest.raises(MarlinEditError, match="no directory"):
        read(tmp_path, "AO8RW 0.0 1.0##x\n", tmp_path / "nowhere")
    with pytest.raises(MarlinEditError, match="cannot be read"):
        read_truth(tmp_path / "missing.json")


def test_a_file_that_is_not_text_is_refused(tmp_path: Path) -> None:
    (tmp_path / "t.json").write_bytes(b"\x00\xff\xfe")
    with pytest.raises(MarlinEditError, match="not UTF-8"):
        read_truth(tmp_path / "t.json")


@given(st.binary(max_size=200) | st.text(max_size=200).map(lambda text: ("{" + text).encode("utf-8", "replace")))
def test_whatever_stands_in_a_file_it_is_read_or_refused_in_words(content: bytes) -> None:
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "t"
        path.write_bytes(content)
        with contextlib.suppress(MarlinEditError):
            read_truth(path, Path(folder))
