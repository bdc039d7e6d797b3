"""A transcript (`.md`): the scenes and events, and what is said, as a text to read, and for search.

Markdown's marks in a text are escaped, so that it reads as it is.
"""

from __future__ import annotations

import re
from fractions import Fraction

from marlin_edit.analysis import Analysis, Utterance, Verdict
from marlin_edit.edit import Edit
from marlin_edit.interfaces import Context, Rendered
from marlin_edit.text import clean, counted
from marlin_edit.timebase import clock_text
from marlin_edit_exporters.subtitles.labels import CAPTIONS, TITLE

_MARKS = re.compile(r"([\\`*_{}\[\]<>()#+!|~&$^=])")
_LINE_START = re.compile(r"^(\d+)([.)])|^([-:])")


def render(edit: Edit, context: Context) -> Rendered:
    """The scenes, the events and what is said as Markdown."""
    heard = any(one.text for source in edit.sources for one in source.speech or ())
    seen = any(source.scenes or source.events or source.findings for source in edit.sources)
    blocks = [f"# {escaped(edit.title)}"]
    if seen or not heard:
        blocks.append(f"{TITLE}. This describes what is seen, not what is heard. A person should review it.")
    if heard:
        blocks.append(f"{CAPTIONS}. A speech model wrote what it heard; [?] marks what it was unsure of. Review it.")
    notes: list[str] = []
    for source in edit.sources:
        if len(edit.sources) > 1:
            blocks.append(f"## {escaped(source.media.path.name)}")
        blocks += _source(source, "##" if len(edit.sources) == 1 else "###", notes)
    return Rendered("\n\n".join(blocks) + "\n", tuple(notes))


def _source(source: Analysis, mark: str, notes: list[str]) -> list[str]:
    blocks = []
    if source.model is not None:
        blocks.append(f"Model: {escaped(str(source.model))}")
        if source.model.notice:
            blocks.append(escaped(source.model.notice))
    scenes = sorted(source.scenes, key=lambda scene: (scene.span.start, scene.span.end))
    events = sorted(source.events, key=lambda event: (event.span.start, event.span.end))
    lines = [(event.span.start, event.span.end, clean(event.text)) for event in events]
    silent = sum(not text for _, _, text in lines)
    if silent:
        notes.append(f"{counted(silent, 'event')} without text left out")
    lines = [one for one in lines if one[2]]
    if lines and (not scenes or lines[0][0] < scenes[0].span.start):
        first = scenes[0].span.start if scenes else None
        early = [one for one in lines if first is None or one[0] < first]
        blocks += [f"{mark} What happens", _list(early)]
        lines = lines[len(early) :]
    for place, scene in enumerate(scenes):
        following = scenes[place + 1].span.start if place + 1 < len(scenes) else None
        blocks += [f"{mark} {_span(scene.span.start, scene.span.end)}", escaped(scene.text)]
        inside = [one for one in lines if following is None or one[0] < following]
        lines = lines[len(inside) :]
        if inside:
            blocks.append(_list(inside))
    findings = [finding for finding in source.findings if finding.verdict is not Verdict.REJECTED]
    if len(findings) < len(source.findings):
        left = len(source.findings) - len(findings)
        notes.append(f"{counted(left, 'rejected finding')} left out")
    if findings:
        findings.sort(key=lambda finding: (finding.span.start, finding.span.end))
        blocks += [
            f"{mark} What was looked for",
            _list([(finding.span.start, finding.span.end, clean(finding.query)) for finding in findings]),
        ]
    said = [one for one in source.speech or () if clean(one.text)]
    if said:
        blocks += [f"{mark} What is said", "\n".join(map(_utterance, said))]
    return [block for block in blocks if block]


def _utterance(said: Utterance) -> str:
    speaker = f"**{escaped(said.speaker)}:** " if said.speaker else ""
    mark = " \\[?\\]" if said.is_unsure else ""
    return f"- {_span(said.span.start, said.span.end)} {speaker}{escaped(said.text)}{mark}"


def _list(lines: list[tuple[Fraction, Fraction, str]]) -> str:
    return "\n".join(f"- {_span(start, end)} {escaped(text)}" for start, end, text in lines)


def _span(start: Fraction, end: Fraction) -> str:
    return f"{clock_text(start)} – {clock_text(end)}"


def escaped(text: str) -> str:
    """A text on one line with nothing in it that Markdown or HTML takes for a mark."""
    text = _MARKS.sub(r"\\\1", clean(text))
    text = text.replace("://", ":\\//").replace("@", "\\@").replace("www.", "www\\.")
    return _LINE_START.sub(lambda match: f"{match[1]}\\{match[2]}" if match[1] else f"\\{match[3]}", text)
