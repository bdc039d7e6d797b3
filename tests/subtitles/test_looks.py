"""Styles, colours, speakers and places of other people's subtitles, from one format into another."""

from __future__ import annotations

import subprocess
from fractions import Fraction
from itertools import pairwise
from pathlib import Path
from typing import Any
from xml.etree import ElementTree

import pysubs2
import pytest
import ttconv.imsc.reader
import ttconv.model
from hypothesis import given, settings
from hypothesis import strategies as st
from ttconv.style_properties import StyleProperties

from marlin_edit.analysis import Analysis, Look, TextRun
from marlin_edit.edit import Edit
from marlin_edit.timebase import FrameRate
from marlin_edit_exporters import analysis_json
from marlin_edit_exporters.subtitles import ass, broadcast, legacy, lrc, sbv, subrip, ttml, webvtt
from marlin_edit_exporters.subtitles.cues.cue_file import CueFile, RawCue, analysis_of
from marlin_edit_exporters.subtitles.cues.looks import colour_of, dressed, merged
from marlin_edit_exporters.subtitles.settings import settings as subtitle_settings
from tests.subtitles.test_subtitles import read_with
from tests.support.command_line import run_command
from tests.support.programs import checker
from tests.support.subtitle_checkers import text_of

PLAIN = Look()
ITALIC, BOLD, UNDERLINE = Look(italic=True), Look(bold=True), Look(underline=True)
YELLOW, ORANGE = Look(colour="#ffff00"), Look(colour="#ff8800")
SRT = r"""1
00:00:01,000 --> 00:00:02,000
{\an8}CITY <i>HALL</i>

2
00:00:02,000 --> 00:00:03,000
<font color="#ffff00">- Where <b>is</b> it?</font>
<u>- Here</u>

3
00:00:03,000 --> 00:00:04,000
<font color="#ff8800"><b><i>all of</i></b></font> it, 2 < 3 & {so}

4
00:00:04,000 --> 00:00:05,000
plain
"""


def edit_of(analysis: Analysis) -> Edit:
    return Edit("x", FrameRate(Fraction(25)), 0, (analysis,))


def converted(text: str, *modules: Any) -> str:
    """The text, read by the first module and written by the second, read and written by the next, and so on."""
    for before, after in pairwise(modules):
        text = text_of(after, edit_of(read_with(before, text.encode())))
    return text


def looks(module: Any, text: str) -> list[tuple[tuple[tuple[str, Look], ...], int]]:
    """The runs of each cue, without blanks at their ends, and the cue's place."""
    found = []
    for cue in module.parse(text.encode()).cues:
        runs = [(run.text.strip(), run.look) for run in merged(cue.runs) if run.text.strip()]
        found.append((tuple(runs), cue.place))
    return found


def test_what_all_formats_hold_survives_the_way_through_all_of_them() -> None:
    there = converted(SRT, subrip, ass, ttml, webvtt, subrip)
    assert looks(subrip, there) == looks(subrip, converted(SRT, subrip, subrip))
    assert there == converted(SRT, subrip, subrip)
    assert "{\\an8}CITY <i>HALL</i>" in there
    assert '<font color="#ff8800"><b><i>all of</i></b></font> it, 2 < 3 & ｛so｝' in there


def test_each_format_writes_its_own_markup() -> None:
    vtt, tt, sub = (converted(SRT, subrip, module) for module in (webvtt, ttml, ass))
    assert "00:00:01.000 --> 00:00:02.000 line:0\nCITY <i>HALL</i>" in vtt
    assert "<c.yellow>- Where </c><c.yellow><b>is</b></c><c.yellow> it?</c>\n<u>- Here</u>" in vtt
    assert "STYLE\n::cue(.rgb-ff8800) { color: #ff8800; }\n" in vtt
    assert '<span tts:fontStyle="italic">HALL</span>' in tt
    assert 'region="top"' in tt
    assert r"{\an8}CITY {\i1}HALL" in sub
    assert r"{\c&H00FFFF&}- Where {\b1}is{\b0} it?\N{\u1\c}- Here" in sub


texts = st.text(
    st.characters(min_codepoint=33, max_codepoint=126, exclude_characters="<>{}&\\-"), min_size=1, max_size=8
)
some_looks = st.builds(
    Look, st.booleans(), st.booleans(), st.booleans(), st.sampled_from(["", "#ffff00", "#ff8800", "#0000ff"])
)


@given(
    st.lists(
        st.tuples(
            st.lists(st.tuples(texts, some_looks), min_size=1, max_size=4), st.sampled_from([0, 1, 3, 5, 7, 8, 9])
        ),
        min_size=1,
        max_size=4,
    )
)
@settings(max_examples=60)
def test_any_looks_survive(cues: list[tuple[list[tuple[str, Look]], int]]) -> None:
    file = CueFile("srt")
    for number, (parts, place) in enumerate(cues):
        runs = tuple(run for text, look in parts for run in (TextRun(text, look), TextRun(" ")))
        line = " ".join(text for text, _ in parts)
        file.cues.append(RawCue(number * 1000, number * 1000 + 900, (line,), 1, runs, place))
    text = text_of(subrip, edit_of(analysis_of(file, None)))
    assert converted(text, subrip, ass, ttml, webvtt, subrip) == text
    written = text_of(analysis_json, edit_of(read_with(subrip, text.encode())))
    assert text_of(subrip, edit_of(analysis_json.read(written.encode(), None))) == text  # type: ignore[arg-type]


def test_speakers_survive_where_a_format_has_them() -> None:
    vtt = "WEBVTT\n\n00:01.000 --> 00:02.000\n<v Ann & Bob>Where is it?\n\n00:02.000 --> 00:03.000\n<v Eve>Here</v>\n"
    assert looks(webvtt, vtt)[0][0] == (("Where is it?", Look(speaker="Ann & Bob")),)
    for module, written in ((ass, "Ann & Bob,0,0,0,,Where is it?"), (ttml, '<ttm:name type="full">Ann &amp; Bob')):
        text = converted(vtt, webvtt, module)
        assert written in text
        assert looks(webvtt, converted(text, module, webvtt)) == looks(webvtt, vtt)
    rendered = subrip.render(edit_of(read_with(webvtt, vtt.encode())), context_of())
    assert "the speakers of 2 cues left out, because SubRip has no place for them" in rendered.notes
    several = "WEBVTT\n\n00:01.000 --> 00:02.000\n<v Ann>- Where?</v>\n<v Bob>- Here</v>\n"
    assert converted(several, webvtt, ttml, webvtt).count("<v ") == 2
    notes = ass.render(edit_of(read_with(webvtt, several.encode())), context_of()).notes
    assert "the speakers of 1 cue left out, because .ass has one a cue" in notes


def context_of() -> Any:
    from marlin_edit.interfaces import Context
    from marlin_edit.settings import Settings, Value

    return Context(Settings({one.name: Value(one.default) for one in subtitle_settings()}), Path("/out/x.srt"))


@pytest.mark.parametrize(
    ("text", "runs", "place"),
    [
        ("<I>a</I> b", (("a", ITALIC), ("b", PLAIN)), 0),
        ('<Font Color="#FFFF00">Yellow</Font>', (("Yellow", YELLOW),), 0),
        ("<font color=yellow face='Arial'>x</font>", (("x", YELLOW),), 0),
        ("a<br>b <em>c</em> <strong>d</strong>", (("a\nb", PLAIN), ("c", ITALIC), ("d", BOLD)), 0),
        ("<i>open", (("open", ITALIC),), 0),
        ("<i>a <b>b</i> c</b>", (("a", ITALIC), ("b", Look(italic=True, bold=True)), ("c", PLAIN)), 0),
        (r"{\an8}{\i1}a{\i0} b", (("a", ITALIC), ("b", PLAIN)), 8),
        (r"{\an2}a", (("a", PLAIN),), 0),
        (r"{\a6}a", (("a", PLAIN),), 8),
        (r"{\c&H00FFFF&}a{\c} b", (("a", YELLOW), ("b", PLAIN)), 0),
        ("{y:i}a", (("a", ITALIC),), 0),
        ("{Y:b,u}a", (("a", Look(bold=True, underline=True)),), 0),
        ("2 < 3 and <3", (("2 < 3 and <3", PLAIN),), 0),
        ("<i></i>a", (("a", PLAIN),), 0),
    ],
)
def test_markup_of_subrip(text: str, runs: tuple[tuple[str, Look], ...], place: int) -> None:
    assert looks(subrip, f"1\n00:00:01,000 --> 00:00:02,000\n{text}\n") == [(runs, place)]


@pytest.mark.parametrize(
    ("setting", "place"),
    [
        ("line:0", 8), ("line:5%", 8), ("line:50%", 5), ("line:90%", 0), ("line:-1", 0), ("align:start", 1),
        ("align:end line:10%,start", 9), ("align:center", 0), ("", 0), ("position:10% line:1", 8),
    ],
)  # fmt: skip
def test_places_of_webvtt(setting: str, place: int) -> None:
    assert looks(webvtt, f"WEBVTT\n\n00:01.000 --> 00:02.000 {setting}\na\n")[0][1] == place


def test_a_style_sheet_gives_classes_their_looks() -> None:
    text = (
        "WEBVTT\n\nSTYLE\n::cue(.loud) { color: #f80; font-weight: bold }\n::cue(.far) { font-style: italic; }\n\n"
        "00:01.000 --> 00:02.000\n<c.loud>a</c> <c.far.cyan>b</c> <c.unknown>c</c>\n"
    )
    file = webvtt.parse(text.encode())
    assert looks(webvtt, text)[0][0] == (
        ("a", Look(bold=True, colour="#ff8800")),
        ("b", Look(italic=True, colour="#00ffff")),
        ("c", PLAIN),
    )
    assert file.formatted == 1


TTML = """<tt xmlns="http://www.w3.org/ns/ttml" xmlns:tts="http://www.w3.org/ns/ttml#styling"
  xmlns:ttm="http://www.w3.org/ns/ttml#metadata" xml:lang="en">
<head><metadata><ttm:agent xml:id="ann" type="person"><ttm:name type="full">Ann</ttm:name></ttm:agent></metadata>
<styling><style xml:id="base" tts:color="white" tts:fontStyle="italic"/><style xml:id="s1" style="base"/></styling>
<layout><region xml:id="top" tts:origin="10% 10%" tts:extent="80% 20%" tts:displayAlign="before"/>
<region xml:id="low" tts:origin="10% 70%" tts:extent="80% 20%"><style tts:displayAlign="after"/></region>
</layout></head>
<body><div>
<p begin="1s" end="2s" region="top" style="s1">a <span tts:fontStyle="normal" tts:color="#FF0">b</span></p>
<p begin="2s" end="3s" region="low" ttm:agent="ann" tts:textAlign="right">c<br/>d</p>
</div></body></tt>"""


def test_styles_regions_and_agents_of_ttml() -> None:
    assert looks(ttml, TTML) == [
        ((("a", ITALIC), ("b", YELLOW)), 8),
        ((("c\nd", Look(speaker="Ann")),), 3),
    ]


def test_styles_of_ass_are_what_differs_from_most_of_the_file() -> None:
    file = pysubs2.SSAFile()
    file.styles["Default"] = pysubs2.SSAStyle(bold=True)
    file.styles["Sign"] = pysubs2.SSAStyle(bold=True, italic=True, alignment=pysubs2.Alignment.TOP_CENTER)
    file.styles["Song"] = pysubs2.SSAStyle(bold=True, primarycolor=pysubs2.Color(255, 136, 0))
    for number, (style, text, more) in enumerate(
        [
            ("Default", "a", {}),
            ("Default", "b", {"name": "Ann"}),
            ("Sign", r"c {\i0}d{\r} e", {}),
            ("Song", r"{\k20}f", {}),
            ("Song", "g", {"effect": "fx"}),
            ("Default", r"{\pos(1,2)\fs20}h", {}),
        ]
    ):
        file.append(pysubs2.SSAEvent(number * 1000, number * 1000 + 900, text, style=style, **more))  # type: ignore[arg-type]
    text = file.to_string("ass")
    assert looks(ass, text) == [
        ((("a", PLAIN),), 0),
        ((("b", Look(speaker="Ann")),), 0),
        ((("c", ITALIC), ("d", PLAIN), ("e", ITALIC)), 8),
        ((("f", ORANGE),), 0),
        ((("h", PLAIN),), 0),
    ]
    read = ass.parse(text.encode())
    assert read.notes == ("1 line of karaoke effects left out",)
    assert read.formatted == 2


def test_old_formats_keep_their_styles() -> None:
    ((runs, _), _) = looks(legacy, "{1}{1}25\n{25}{50}{y:i}slanted\n{75}{100}plain\n")
    assert runs == (("slanted", ITALIC),)


@pytest.mark.parametrize(
    ("given", "colour"),
    [
        ("yellow", "#ffff00"), ("#FF8800", "#ff8800"), ("#f80", "#ff8800"), ("FF8800", "#ff8800"), ("white", ""),
        ("rgba(255,136,0,128)", "#ff8800"), ("#ff8800cc", "#ff8800"), ("nonsense", ""), ('"lime"', "#00ff00"),
    ],
)  # fmt: skip
def test_colours_in_all_their_spellings(given: str, colour: str) -> None:
    assert colour_of(given) == colour


def test_looks_are_dropped_where_the_text_is_another_one() -> None:
    assert dressed(["ab"], [TextRun("a", ITALIC), TextRun("c")]) == ()
    assert dressed(["a b"], [TextRun("a", ITALIC), TextRun("\n\u202bb")]) != ()


# Read by others


def test_ttconv_sees_our_styles_in_ttml() -> None:
    document = ttconv.imsc.reader.to_model(
        ElementTree.ElementTree(ElementTree.fromstring(converted(SRT, subrip, ttml)))
    )
    found = []
    for element in document.get_body().dfs_iterator():
        if isinstance(element, ttconv.model.Span):
            styles = [
                getattr(element.get_style(kind), "value", "")
                for kind in (StyleProperties.FontStyle, StyleProperties.FontWeight)
            ]
            words = "".join(one.get_text() for one in element.dfs_iterator() if isinstance(one, ttconv.model.Text))
            found.append((words.strip(), styles[0] == "italic", styles[1] == "bold"))
    assert ("HALL", True, False) in found
    assert ("all of", True, True) in found
    assert ("is", False, True) in found


@pytest.mark.parametrize(("module", "suffix"), [(subrip, "srt"), (webvtt, "vtt"), (ass, "ass")])
def test_ffmpeg_sees_our_styles(tmp_path: Path, module: Any, suffix: str) -> None:
    """Its own conversion of our file has the same italics, bold and underlines, and where it keeps them, places."""
    ffmpeg = checker("ffmpeg", "ffmpeg")
    text = converted(SRT.replace("#ff8800", "red"), subrip, module)  # a STYLE block is too new for old versions
    (tmp_path / f"a.{suffix}").write_text(text, encoding="utf-8")
    subprocess.run([ffmpeg, "-v", "error", "-i", tmp_path / f"a.{suffix}", tmp_path / "b.ass"], check=True)
    theirs = looks(ass, (tmp_path / "b.ass").read_text(encoding="utf-8"))
    ours = looks(module, text)
    for (their_runs, their_place), (our_runs, our_place) in zip(theirs, ours, strict=True):
        styles = [
            [
                (letter, look.italic, look.bold, look.underline)
                for text, look in runs
                for letter in text
                if letter.strip()
            ]
            for runs in (their_runs, our_runs)
        ]
        assert [one[1:] for one in styles[0]] == [one[1:] for one in styles[1]]
        assert module is webvtt or their_place == our_place


# Formats without looks, and formats that are read only


def test_sbv_and_lyrics_there_and_back() -> None:
    for module in (sbv, lrc):
        text = converted(SRT, subrip, module)
        again = module.parse(text.encode())
        assert [(cue.start, cue.end, " ".join(cue.lines)) for cue in again.cues] == [
            (1000, 2000, "CITY HALL"),
            (2000, 3000, "- Where is it? - Here"),
            (3000, 4000, "all of it, 2 < 3 & {so}"),
            (4000, 5000, "plain"),
        ]
        (note,) = module.render(edit_of(read_with(subrip, SRT.encode())), context_of()).notes
        assert note.startswith("styles, colours, speakers and places of 3 cues left out: ")
    assert converted(SRT, subrip, sbv).startswith(
        "0:00:01.000,0:00:02.000\nCITY HALL\n\n0:00:02.000,0:00:03.000\n- Where"
    )
    assert converted(SRT, subrip, lrc).startswith("[00:01.00]CITY HALL\n[00:02.00]- Where is it? - Here\n")


def test_lyrics_as_other_programs_write_them() -> None:
    text = (
        "\ufeff[ar:Somebody]\n[ti:A song]\n[offset:+500]\n\n[00:12.00][01:15.50]Line <00:12.10>one\n"
        "[00:17.2]Line two\n[00:21:10]\n[80:00.000]far\n"
    )
    file = lrc.parse(text.encode())
    assert [(cue.start, cue.end, cue.lines) for cue in file.cues] == [
        (11_500, 16_700, ("Line one",)),
        (16_700, 20_600, ("Line two",)),
        (75_000, 4_799_500, ("Line one",)),
        (4_799_500, 4_803_500, ("far",)),
    ]
    assert file.notes == ("the last line has no end; it is shown for 4 s",)
    assert file.formatted == 1


SCC = (
    "Scenarist_SCC V1.0\n\n00:00:01:00\t94ae 94ae 9420 9420 9470 9470 4845 4c4c 4f80 942f 942f\n\n"
    "00:00:04:00\t942c 942c\n"
)


def test_captions_of_broadcasters_are_read() -> None:
    (cue,) = broadcast.parse(SCC.encode()).cues
    assert cue.lines == ("HELLO",)
    assert cue.start is not None
    assert cue.end is not None
    assert 1000 <= cue.start < 1500
    assert 3900 <= cue.end <= 4500
    with pytest.raises(Exception, match="neither an SCC nor an EBU STL"):
        broadcast.parse(b"nothing")


def test_lint_fix_keeps_what_it_looks_like(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(tmp_path)
    long = "This is a line of dialogue that is <i>very much longer than any reader</i> would like to see on one line."
    Path("a.srt").write_text(f"1\n00:00:01,000 --> 00:00:09,000\n{{\\an8}}{long}\n", encoding="utf-8")
    run_command(capfd, "lint", "a.srt", "--fix")
    (cue, *more) = subrip.parse(Path("a.fixed.srt").read_bytes()).cues
    assert len(cue.lines) == 2
    italic = "".join(run.text for one in (cue, *more) for run in one.runs if run.look.italic)
    assert "".join(italic.split()) == "verymuchlongerthananyreader"
    assert {one.place for one in (cue, *more)} == {8}
