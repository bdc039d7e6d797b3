"""The two trained prompts, word for word, and tolerant reading of what the model answers.

Reading never raises, whatever the answer; what cannot be told as an event or a finding becomes a sentence with its
reason. Times in an answer count from the window's start, times in events and findings from zero.
"""

from __future__ import annotations

from fractions import Fraction

from marlin_edit.answer_format import read_caption
from marlin_edit.timebase import Span
from marlin_edit.video_model import Answer, Question, QuestionKind

CAPTION_PROMPT = (
    "Provide a spatial description of this clip followed by time-ranged events.\n"
    "For each event, give the time range as <start - end> and a short description."
)
FIND_PROMPT = (
    'Identify the timestamps during which "{event}" takes place. '
    'Output the time range as "From <start> to <end>." (numbers in seconds).'
)


def question_text(question: Question) -> str:
    """What the model is asked. The query stands in it as it is; it is for the tokeniser to take it as plain text."""
    if question.kind is not QuestionKind.FIND:
        return CAPTION_PROMPT
    before, _, after = FIND_PROMPT.partition("{event}")
    return before + question.query + after


def judged_text(question: Question) -> tuple[str, str]:
    """A JUDGE question as a caption that goes on: what is given of it, and the words that are judged.

    Given are the scene, the events that the model told before that moment, and the span. So the query stands where the
    model itself would tell of it.
    """
    assert question.span is not None
    read = read_caption(Answer(question.caption), Span(Fraction(0), _ENDLESS), Fraction(1, 10))
    before = [event for event in read.events if event.span.start < question.span.start - _SAME_MOMENT]
    lines = [f"{_angled(event.span)} {event.text}" for event in before]
    scene = [f"Scene: {read.scene}"] if read.scene else []
    given = "\n".join((*scene, "Events:", *lines, _angled(question.span)))
    words = question.query
    return given, f" {words[:1].upper()}{words[1:]}"


_ENDLESS = Fraction(10**9)
_SAME_MOMENT = Fraction(1, 4)


def _angled(span: Span) -> str:
    return f"<{float(span.start):.1f} - {float(span.end):.1f}>"


# What a time range looks like ----------------------------------------------------------------------------------------
