"""From what was asked about labelled videos to what a calibration learns from."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from marlin_edit.analysis import Analysis, Verdict
from marlin_edit.evaluation.results import Judged
from marlin_edit.inference.calibration import Example
from marlin_edit.inference.measures import SAME_THING, best_iou
from marlin_edit.inference.queries import NEGATIONS
from marlin_edit.inference.requery import with_caption_evidence
from marlin_edit.inference.signals import content_words, stems
from marlin_edit.text import words_of
from marlin_edit.workflow.import_markers import BY_HAND, RENAMED

NOT_THERE = 0.2
"""The IoU up to which a finding shows something else. Up to SAME_THING it shows the thing, but not its time."""


@dataclass(frozen=True)
class Lesson:
    """Findings with their truth, the stems of all words in the captions, and the hours of footage times queries."""

    examples: tuple[Example, ...] = ()
    known: frozenset[str] = frozenset()
    hours: float = 0.0

    def __add__(self, other: Lesson) -> Lesson:
        return Lesson(self.examples + other.examples, self.known | other.known, self.hours + other.hours)


def learned(judged: Sequence[Judged]) -> Lesson:
    """What is to be learned of videos whose captions were asked as well."""
    reported = {id(one): () if one.captions is None else one.captions.reported for one in judged}
    known = frozenset(word for events in reported.values() for event in events for word in content_words(event.text))
    examples: list[Example] = []
    seconds = 0.0
    for one in judged:
        for row in one.queries:
            seconds += float(row.looked_at)
            for finding in with_caption_evidence(row.findings, reported[id(one)], known):
                iou = best_iou(finding.span, row.true)
                true = True if iou >= SAME_THING else None if iou > NOT_THERE else False
                examples.append(Example(finding.signals, true, row.video))
    return Lesson(tuple(examples), known, seconds / 3600)


def kinds_lacking(judged: Sequence[Judged], known: frozenset[str]) -> list[str]:
    """The kinds of queries that none of the videos has: scores of such queries were not learned.

    known: the stems of all words that the captions use.
    """
    found = dict.fromkeys(_KINDS, False)
    for one in judged:
        there = [stems(row.query) for row in one.queries if row.present]
        for row in one.queries:
            words = stems(row.query)
            if NEGATIONS & set(words_of(row.query)):
                found["negations"] = True
            elif row.present:
                found["other wordings of what is there"] |= not words <= known
            elif not words <= known:
                found["absent things that the captions have no word for"] = True
            elif any(words & other for other in there):
                found["absent things that differ by a word from what is there"] = True
    return [kind for kind, is_there in found.items() if not is_there]


_KINDS = (
    "absent things that differ by a word from what is there",
    "absent things that the captions have no word for",
    "other wordings of what is there",
    "negations",
)


def learned_of_verdicts(analysis: Analysis) -> Lesson:
    """What is to be learned of findings that a person accepted or rejected; their signals are those in the file.

    One that the person gave another name answers another query now, and one by hand is no answer: both are left out.
    """
    examples = tuple(
        Example(finding.signals, finding.verdict is Verdict.ACCEPTED, str(analysis.media.path))
        for finding in analysis.findings
        if finding.verdict is not None and finding.signals and not {RENAMED, BY_HAND} & set(finding.flags)
    )
    seconds = sum(span.length for asked in analysis.asked if asked.query is not None for span in asked.looked_at)
    return Lesson(examples, hours=float(seconds) / 3600)
