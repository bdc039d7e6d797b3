"""Subtitle files say what the events say, outside parsers agree that they are valid, and all can be read back."""

from __future__ import annotations

import json
import logging
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from fractions import Fraction
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest
import srt
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st
from markdown_it import MarkdownIt

from marlin_edit.analysis import ModelIdentity, Scene
from marlin_edit.cli import main
from marlin_edit.edit import Edit
from marlin_edit.errors import ExitCode, MarlinEditError, UsageError
from marlin_edit.media import MediaInfo
from marlin_edit.settings import Settings
from marlin_edit.text import clean
from marlin_edit.timebase import FrameRate, Span
from marlin_edit_exporters import transcript
from marlin_edit_exporters.subtitles import ass, legacy, subrip, ttml, webvtt
from marlin_edit_exporters.subtitles.cues import track_of
from marlin_edit_exporters.subtitles.labels import TITLE
from tests.support.subtitle_checkers import (
    DEFAULTS,
    NASTY,
    W3cParser,
    bare,
    choices,
    edit_of,
    edits,
    event,
    nasty_edit,
    rendered,
    required,
    settings_of,
    text_of,
    w3c_parser,
)

__all__ = ["w3c_parser"]
READABLE = [subrip, webvtt, ttml, ass]


def test_subrip_looks_like_this() -> None:
    edit = edit_of(event("14.3", "18.2", "A person pushes a door open."), event("20", "21.8", "The door falls shut."))
    assert text_of(subrip, edit) == (
        "1\n00:00:14,300 --> 00:00:18,200\nA person pushes a door open.\n"
        "\n"
        "2\n00:00:20,000 --> 00:00:21,800\nThe door falls shut.\n"
    )


def test_webvtt_looks_like_this_and_says_what_it_is() -> None:
    model = ModelIdentity("demo", notice="demo model: knows coloured shapes only")
    edit = edit_of(event("14.3", "18.2", "R&D: a < b --> c"), model=model)
    assert text_of(webvtt, edit) == (
        "WEBVTT Kind: descriptions; Language: en; Visual descriptions, auto-generated\n"
        "\n"
        "NOTE\n"
        "Visual descriptions, auto-generated. They describe what is seen, not what is heard. Review them.\n"
        "demo model: knows coloured shapes only\n"
        "\n"
        "1\n00:00:14.300 --> 00:00:18.200\nR&amp;D: a &lt; b --&gt; c\n"
    )


def test_provenance_is_written_on_request() -> None:
    edit = edit_of(event("1", "5"), model=ModelIdentity("demo", "0123456789abcdef", dtype="float32"))
    told = text_of(webvtt, edit, settings_of(provenance="true")).split("\n\n")[1].split("\n")
    assert told[2:] == [
        "Model: demo 01234567 float32",
        "Source: interview.mov",
        "Made by marlin-edit with the rules default",
    ]


@pytest.mark.parametrize("kind", ["descriptions", "metadata", "subtitles"])
@pytest.mark.parametrize("format_of", [webvtt, ttml, ass])
def test_no_track_claims_to_be_captions(format_of: ModuleType, kind: str) -> None:
    text = text_of(format_of, edit_of(event("1", "5")), settings_of(kind=kind))
    assert TITLE in text
    assert not any(word in text.lower() for word in ("caption", "sdh", "hearing", "deaf"))


def test_ttml_says_its_profile_language_and_direction() -> None:
    edit = edit_of(event("1", "5", "שלום"), event("10", "12", "a < b & c"))
    text = text_of(ttml, edit, settings_of(language="he"))
    assert 'xml:lang="he"' in text
    assert 'ttp:contentProfiles="http://www.w3.org/ns/ttml/profile/imsc1.1/text"' in text
    assert '<p xml:id="c1" begin="00:00:01.000" end="00:00:05.000" tts:direction="rtl">שלום</p>' in text
    assert '<p xml:id="c2" begin="00:00:10.000" end="00:00:12.000">a &lt; b &amp; c</p>' in text


def test_ass_has_the_size_of_the_picture_and_the_look_asked_for() -> None:
    look = settings_of(style="fontname=Helvetica, fontsize=50, primarycolor=#ffee00, bold=yes, alignment=8")
    text = text_of(ass, edit_of(event("1", "5", "{\\an8} C:\\New")), look)
    assert "PlayResX: 1920\nPlayResY: 1080\n" in text
    assert "Style: Default,Helvetica,50,&H0000EEFF," in text
    assert ",8,192,192,54,1\n" in text
    assert text.endswith("Default,,0,0,0,,\\{\\\u2060an8\\} C:\\\u2060New\n")


@pytest.mark.parametrize(
    ("style", "message"),
    [
        ("fontsise=5", "Did you mean fontsize"),
        ("fontsize", "not like fontsize=60"),
        ("fontsize=big", "fontsize cannot be 'big'"),
        ("primarycolor=red", "primarycolor cannot be 'red'"),
        ("alignment=77", "alignment cannot be '77'"),
    ],
)
def test_a_fault_in_the_look_is_named(style: str, message: str) -> None:
    with pytest.raises(UsageError, match=message):
        text_of(ass, edit_of(event("1", "5")), settings_of(style=style))


def test_what_ass_has_no_time_for_is_told() -> None:
    edit = edit_of(event("35990", "35995", "in time"), event("36010", "36015", "too late"), duration=40_000)
    result = rendered(ass, edit)
    assert "in time" in str(result.content)
    assert result.notes == ("left out, because .ass stores times up to 9:59:59.99 only: too late",)


def test_a_transcript_tells_scenes_and_events_and_no_text_is_markup() -> None:
    scenes = (Scene(Span(Fraction(0), Fraction(60)), "A *kitchen* in <b>daylight</b>."),)
    edit = edit_of(event("14.3", "18.2", "1. [a](b)_c_"), event("70", "71", "# no heading"), scenes=scenes)
    assert text_of(transcript, edit) == (
        "# x\n\n"
        "Visual descriptions, auto-generated. "
        "This describes what is seen, not what is heard. A person should review it.\n\n"
        "## 00:00:00.000 – 00:01:00.000\n\n"
        "A \\*kitchen\\* in \\<b\\>daylight\\</b\\>.\n\n"
        "- 00:00:14.300 – 00:00:18.200 1\\. \\[a\\]\\(b\\)\\_c\\_\n"
        "- 00:01:10.000 – 00:01:11.000 \\# no heading\n"
    )


def test_a_markdown_reader_shows_the_texts_of_the_events() -> None:
    texts = [clean(text) for text in NASTY if clean(text)]
    edit = edit_of(*(event(str(n + 1), str(n + 2), text) for n, text in enumerate(texts)))
    tokens = MarkdownIt().parse(text_of(transcript, edit))
    shown = []
    for token in tokens:
        if token.type == "inline":
            children = token.children or []
            assert all(child.type in ("text", "text_special") for child in children)
            shown.append("".join(child.content for child in children))
    assert [one.split(" ", 3)[3] for one in shown[2:] if " – " in one] == texts


def test_nothing_to_tell_is_a_valid_file(w3c_parser: W3cParser) -> None:
    assert text_of(subrip, edit_of()) == ""
    assert w3c_parser([text_of(webvtt, edit_of())]) == [{"errors": [], "cues": []}]


def test_what_subrip_takes_for_markup_becomes_look_alikes_and_is_counted() -> None:
    result = rendered(subrip, edit_of(event("1", "20", "{\\an8}a --> b ---> c <i>d</i> e < f > g")))
    assert isinstance(result.content, str)
    assert result.content.splitlines()[2] == "｛\\an8｝a -> b -> c ＜i>d＜/i> e < f > g"
    assert result.notes[-1] == "6 characters or arrows that SubRip would take for markup were replaced by look-alikes"


def test_markup_that_a_control_character_kept_apart_is_replaced_before_lines_are_made() -> None:
    edit = edit_of(event("1", "20", "a <\x12s< and --\x00>"))
    check_srt(edit)
    assert text_of(subrip, edit).splitlines()[2] == "a ＜s< and ->"


@pytest.mark.parametrize("format_of", [*READABLE, transcript])
def test_the_same_edit_gives_the_same_bytes(format_of: ModuleType) -> None:
    assert text_of(format_of, nasty_edit()) == text_of(format_of, nasty_edit())


def test_times_past_ten_hours_are_written_in_full() -> None:
    edit = edit_of(event("359999.5", "360001"), duration=400_000)
    assert "99:59:59,500 --> 100:00:01,000" in text_of(subrip, edit)
    assert "99:59:59.500 --> 100:00:01.000" in text_of(webvtt, edit)
    assert 'begin="99:59:59.500" end="100:00:01.000"' in text_of(ttml, edit)


@pytest.mark.parametrize("format_of", READABLE)
@given(edits())
@settings(max_examples=12, suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_every_cue_is_read_back_as_it_was(format_of: Any, edit: Edit) -> None:
    track = track_of(subrip.plain_edit(edit)[0] if format_of is subrip else edit, DEFAULTS)
    result = rendered(format_of, edit)
    file = format_of.parse(str(result.content).encode())
    assert file.faults == []
    held = [cue for cue in track.cues if format_of is not ass or cue.end < 35_999_990]
    step = file.resolution
    assert [(cue.start, cue.end) for cue in file.cues] == [
        (cue.start // step * step, cue.end // step * step) for cue in held
    ]
    assert [tuple(" ".join(line.split()) for line in cue.lines) for cue in file.cues] == [
        tuple(" ".join(line.split()) for line in cue.lines) for cue in held
    ]


def check_srt(edit: Edit, chosen: Settings = DEFAULTS) -> None:
    """All texts are there, but for what SubRip cannot hold."""
    cues = track_of(subrip.plain_edit(edit)[0], chosen).cues
    read = list(srt.parse(text_of(subrip, edit, chosen), ignore_errors=False))
    assert [entry.index for entry in read] == list(range(1, len(cues) + 1))
    assert [bare(entry.content) for entry in read] == [bare(cue.lines) for cue in cues]
    assert [round(entry.start.total_seconds() * 1000) for entry in read] == [cue.start for cue in cues]
    assert [round(entry.end.total_seconds() * 1000) for entry in read] == [cue.end for cue in cues]


@given(edits())
@settings(max_examples=30)
def test_srt_reads_every_cue_back(edit: Edit) -> None:
    check_srt(edit)


def test_srt_reads_every_nasty_text() -> None:
    check_srt(nasty_edit())


def check_w3c(result: dict[str, Any], edit: Edit, chosen: Settings = DEFAULTS) -> None:
    cues = track_of(edit, chosen).cues
    assert result["errors"] == []
    assert [tuple(cue["text"].split("\n")) for cue in result["cues"]] == [cue.lines for cue in cues]
    assert [cue["id"] for cue in result["cues"]] == [str(number) for number in range(1, len(cues) + 1)]
    assert [round(cue["start"] * 1000) for cue in result["cues"]] == [cue.start for cue in cues]
    assert [round(cue["end"] * 1000) for cue in result["cues"]] == [cue.end for cue in cues]


@given(st.lists(edits(), min_size=4, max_size=8))
@settings(max_examples=6, suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_the_w3c_parser_finds_no_fault_and_reads_the_texts_of_the_events(
    w3c_parser: W3cParser, several: list[Edit]
) -> None:
    for result, edit in zip(w3c_parser([text_of(webvtt, edit) for edit in several]), several, strict=True):
        check_w3c(result, edit)


def test_the_w3c_parser_reads_every_nasty_text(w3c_parser: W3cParser) -> None:
    check_w3c(w3c_parser([text_of(webvtt, nasty_edit())])[0], nasty_edit())


@contextmanager
def no_complaint(caplog: pytest.LogCaptureFixture) -> Iterator[None]:
    """ttconv tells of faults in its log only."""
    caplog.clear()
    with caplog.at_level(logging.WARNING):
        yield
    assert caplog.records == []


def check_ttconv(edit: Edit, chosen: Settings = DEFAULTS) -> None:
    from xml.etree import ElementTree

    from ttconv.imsc import reader  # type: ignore[import-not-found, unused-ignore]

    document = reader.to_model(ElementTree.ElementTree(ElementTree.fromstring(text_of(ttml, edit, chosen))))
    told = []
    for part in document.get_body().dfs_iterator():
        if type(part).__name__ == "P":
            lines = [""]
            for inner in part.dfs_iterator():
                if type(inner).__name__ == "Br":
                    lines.append("")
                elif type(inner).__name__ == "Text":
                    lines[-1] += inner.get_text()
            told.append(((part.get_begin() or 0) * 1000, part.get_end() * 1000, tuple(lines)))
    assert told == [(cue.start, cue.end, cue.lines) for cue in track_of(edit, chosen).cues]


def test_ttconv_reads_every_nasty_text_without_complaint(caplog: pytest.LogCaptureFixture) -> None:
    try:
        import ttconv  # type: ignore[import-not-found, unused-ignore]  # noqa: F401
    except ImportError:
        required(True, "ttconv")
    with no_complaint(caplog):
        check_ttconv(nasty_edit())


def check_everywhere(w3c_parser: W3cParser, caplog: pytest.LogCaptureFixture, count: int) -> None:
    """So many random event lists, each in all formats that have a reader from outside."""
    seen: list[tuple[Edit, Settings]] = []

    @given(edits(), choices())
    @settings(max_examples=count, database=None, phases=[Phase.generate])
    def check(edit: Edit, chosen: dict[str, str]) -> None:
        options = settings_of(**chosen)
        check_srt(edit, options)
        check_ttconv(edit, options)
        seen.append((edit, options))

    with no_complaint(caplog):
        check()
    assert len(seen) >= count
    for first in range(0, len(seen), 500):
        part = seen[first : first + 500]
        results = w3c_parser([text_of(webvtt, edit, options) for edit, options in part])
        for result, (edit, options) in zip(results, part, strict=True):
            check_w3c(result, edit, options)


def test_random_event_lists_are_valid_and_whole_in_every_format(
    w3c_parser: W3cParser, caplog: pytest.LogCaptureFixture
) -> None:
    check_everywhere(w3c_parser, caplog, 40)


@pytest.mark.slow
def test_ten_thousand_random_event_lists_are_valid_and_whole_in_every_format(
    w3c_parser: W3cParser, caplog: pytest.LogCaptureFixture
) -> None:
    check_everywhere(w3c_parser, caplog, 10_000)


def read_with(format_of: Any, content: bytes, rate: str | None = None) -> Any:
    media = MediaInfo(Path("subs"), Fraction(0), rate=FrameRate.parse(rate) if rate else None)
    return format_of.read(content, media)


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "utf-16", "utf-16-le", "utf-16-be"])
def test_encodings_are_known_by_their_marks(encoding: str) -> None:
    content = "1\r\n00:00:01,000 --> 00:00:02,000\r\nÜber – 人\r\n".encode(encoding)
    (one,) = read_with(subrip, content).events
    assert one.text == "Über – 人"


def test_a_guessed_encoding_is_said() -> None:
    text = "Fenêtre fermée, garçon étonné, déjà à l'école. Où êtes-vous allé hier après le dîner? "
    analysis = read_with(subrip, f"1\n00:00:01,000 --> 00:00:02,000\n{text * 3}\n".encode("cp1252"))
    assert "garçon étonné, déjà à l'école" in analysis.events[0].text
    assert "which is a guess" in analysis.media.notes[0]


def test_lines_and_overlaps_of_a_file_survive_its_conversion() -> None:
    content = (
        b"1\n00:00:01,000 --> 00:00:05,000\n- Hello\n- Hi\n\n2\n00:00:02,000 --> 00:00:03,000\n<i>In italics</i>\n"
    )
    analysis = read_with(subrip, content)
    converted = text_of(webvtt, Edit("x", FrameRate(Fraction(25)), 0, (analysis,)))
    assert converted == (
        "WEBVTT\n\n1\n00:00:01.000 --> 00:00:05.000\n- Hello\n- Hi\n\n2\n00:00:02.000 --> 00:00:03.000\n"
        "<i>In italics</i>\n"
    )
    assert analysis.media.notes == ()


def test_what_cannot_be_an_event_is_told() -> None:
    content = b"1\n00:00:05,000 --> 00:00:02,000\nback to front\n\n2\n00:00:06,000 --> 00:00:07,000\n\n"
    analysis = read_with(subrip, content)
    assert analysis.events == ()
    assert analysis.discarded == (
        "cue 1 (line 2) does not end after it begins: back to front",
        "cue 2 (line 6) has no text",
    )


@pytest.mark.parametrize(
    ("content", "rate", "told"),
    [
        (b"{25}{50}Hello|there\n", "25", [("1", "2", "Hello\nthere")]),
        (b"{1}{1}25.000\n{25}{50}{y:i}Hello\n", None, [("1", "2", "Hello")]),
        (b"[10][25]Hello|/there\n", None, [("1", "2.5", "Hello\nthere")]),
        (b"00:00:01:Hello|there\n00:00:02:You\n", None, [("1", "2", "Hello\nthere"), ("2", None, "You")]),
        (
            b"<SAMI><BODY><SYNC Start=1000><P>Hello<br>there\n<SYNC Start=2000><P>&nbsp;</BODY></SAMI>",
            None,
            [("1", "2", "Hello\nthere")],
        ),
        (
            b"[Script Info]\nScriptType: v4.00\n\n[V4 Styles]\n[Events]\n"
            b"Format: Marked, Start, End, Style, Name, MarginL, MarginR, MarginV, Effect, Text\n"
            b"Dialogue: Marked=0,0:00:01.00,0:00:02.00,*Default,,0000,0000,0000,,{\\b1}Hello\\Nthere\n",
            None,
            [("1", "2", "Hello\nthere")],
        ),
    ],
)
def test_other_formats_are_read(content: bytes, rate: str | None, told: list[tuple[str, str | None, str]]) -> None:
    events = read_with(legacy, content, rate).events
    assert [(one.span.start, one.text) for one in events] == [(Fraction(start), text) for start, _, text in told]
    for one, (_, end, _) in zip(events, told, strict=True):
        assert end is None or one.span.end == Fraction(end)


def test_microdvd_without_a_rate_says_what_to_do() -> None:
    with pytest.raises(MarlinEditError, match="--rate 25"):
        read_with(legacy, b"{25}{50}Hello\n")


@pytest.mark.parametrize(
    ("times", "expected"),
    [
        ('begin="00:00:01.5" end="00:00:03"', (1500, 3000)),
        ('begin="00:00:01:15" end="00:00:02:00"', (1600, 2000)),
        ('begin="1.5s" dur="500ms"', (1500, 2000)),
        ('begin="25f" end="50f"', (1000, 2000)),
        ('begin="1m" end="0.02h"', (60_000, 72_000)),
    ],
)
def test_ttml_times_of_every_kind_are_read(times: str, expected: tuple[int, int]) -> None:
    content = (
        '<tt xmlns="http://www.w3.org/ns/ttml" xmlns:ttp="http://www.w3.org/ns/ttml#parameter" ttp:frameRate="25" '
        f'xml:lang="en"><body><div><p {times}>one<br/><span>two</span>\n three</p></div></body></tt>'
    )
    (cue,) = ttml.parse(content.encode()).cues
    assert (cue.start, cue.end, cue.lines) == (*expected, ("one", "two three"))


def test_ttml_times_count_from_those_around_them() -> None:
    content = (
        b'<tt xmlns="http://www.w3.org/ns/ttml" xml:lang="en"><body begin="10s"><div begin="1s" end="5s">'
        b'<p begin="1s" end="2s">a</p><p>b</p></div></body></tt>'
    )
    assert [(cue.start, cue.end) for cue in ttml.parse(content).cues] == [(12_000, 13_000), (11_000, 15_000)]


@pytest.mark.parametrize("format_of", [*READABLE, legacy])
@pytest.mark.parametrize("content", [b"\x00\xff\x00\xff\x10" * 40, b"just some words\nof a text\n", b"<html></html>"])
def test_what_is_no_subtitle_file_is_refused_in_words(format_of: Any, content: bytes) -> None:
    with pytest.raises(MarlinEditError, match=r"."):
        read_with(format_of, content)


@pytest.mark.parametrize("format_of", [*READABLE, legacy])
@given(st.binary(max_size=300) | st.text(max_size=300).map(str.encode))
@settings(max_examples=30, suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_no_file_makes_a_reader_fail_in_other_ways(format_of: Any, content: bytes) -> None:
    with suppress(MarlinEditError):
        read_with(format_of, content)


def run(*arguments: object) -> int:
    return main([str(argument) for argument in arguments])


def test_export_converts_subtitles_without_any_media(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    source = tmp_path / "subs.ass"
    source.write_text(text_of(ass, edit_of(event("1", "5", "A {brace} and C:\\New"))))
    assert run("export", source, "-o", tmp_path / "subs.vtt") == 0
    assert (tmp_path / "subs.vtt").read_text().endswith("00:00:01.000 --> 00:00:05.000\nA {brace} and C:\\New\n")
    assert run("export", source, "-o", tmp_path / "subs.otio") == ExitCode.FAILED
    assert "Set one with --rate" in capsys.readouterr().err
    assert run("export", source, "-o", tmp_path / "subs.otio", "--rate", "25") == 0


def test_what_is_read_only_is_refused_as_an_output(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    source = tmp_path / "subs.srt"
    source.write_text("1\n00:00:01,000 --> 00:00:05,000\nHello\n")
    assert run("export", source, "-o", tmp_path / "subs.sub") == ExitCode.USAGE
    assert "Formats that fit" in capsys.readouterr().err


def test_the_kind_and_language_of_a_track_are_chosen(tmp_path: Path) -> None:
    source = tmp_path / "a.json"
    events = [{"start": "1", "end": "5", "text": "Hallo"}]
    media = {"path": "a.mov", "rate": "25", "duration": "60"}
    source.write_text(json.dumps({"schema": "marlin-edit.analysis/1", "media": media, "events": events}))
    target = tmp_path / "a.vtt"
    assert run("export", source, "-o", target, "--kind", "metadata", "--language", "de") == 0
    assert target.read_text().startswith("WEBVTT Kind: metadata; Language: de; Visual descriptions, auto-generated\n")
    assert run("export", source, "-o", tmp_path / "b.vtt", "--kind", "captions") == ExitCode.USAGE
    assert run("export", source, "-o", tmp_path / "b.vtt", "--language", "x y") == ExitCode.USAGE


def test_the_right_encoding_can_be_named_where_the_guess_is_wrong(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    source = tmp_path / "old.srt"
    source.write_bytes("1\n00:00:01,000 --> 00:00:03,000\nПривет\n".encode("cp1251"))
    assert run("export", source, "-o", tmp_path / "guessed.srt") == 0
    assert "Привет" not in (tmp_path / "guessed.srt").read_text()
    assert "name the right one with --encoding" in capsys.readouterr().err
    assert run("export", source, "-o", tmp_path / "named.srt", "--encoding", "cp1251") == 0
    assert (tmp_path / "named.srt").read_text() == "1\n00:00:01,000 --> 00:00:03,000\nПривет\n"
    assert "guess" not in capsys.readouterr().err


def test_an_encoding_that_is_none_or_not_the_files_is_refused(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    source = tmp_path / "old.srt"
    source.write_bytes("1\n00:00:01,000 --> 00:00:03,000\nПривет\n".encode("cp1251"))
    assert run("export", source, "-o", tmp_path / "a.vtt", "--encoding", "klingon") == ExitCode.USAGE
    assert "no encoding 'klingon'" in capsys.readouterr().err
    assert run("lint", source, "--encoding", "utf-8") == ExitCode.FAILED
    assert "old.srt is not in utf-8" in capsys.readouterr().err


def test_lint_reads_in_the_encoding_named_and_still_wants_utf_8(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    source = tmp_path / "old.srt"
    source.write_bytes("1\n00:00:01,000 --> 00:00:03,000\nПривет\n".encode("cp1251"))
    assert run("lint", source, "--encoding", "cp1251", "--fix") == ExitCode.DONE
    assert (tmp_path / "old.fixed.srt").read_text() == "1\n00:00:01,000 --> 00:00:03,000\nПривет\n"
    assert "the file is not UTF-8" in capsys.readouterr().out
