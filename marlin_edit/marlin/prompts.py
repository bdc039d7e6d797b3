"""The two trained prompts, word for word, the text that a query is judged in, and how many are asked at once."""

from __future__ import annotations

from fractions import Fraction

from marlin_edit.answer_format import event_line, read_caption
from marlin_edit.timebase import Span
from marlin_edit.video_model import Answer, Question, QuestionKind

MOST_TOGETHER = 16
"""Questions answered at once. Decoding is bound by reading the weights: many cost little more than one."""

CAPTION_PROMPT = (
    "Provide a spatial description of this clip followed by time-ranged events.\n"
    "For each event, give the time range as <start - end> and a short description."
)
FIND_PROMPT = (
    'Identify the timestamps during which "{event}" takes place. '
    'Output the time range as "From <start> to <end>." (numbers in seconds).'
)


def question_text(question: Question) -> str:
    """The prompt of a question. The query is in it as it is; the tokenizer takes it as plain text."""
    if question.kind is not QuestionKind.FIND:
        return CAPTION_PROMPT
    before, _, after = FIND_PROMPT.partition("{event}")
    return before + question.query + after


def judged_text(question: Question) -> tuple[str, str]:
    """A JUDGE question as a caption that continues: the part that is given, and the words that are judged.

    The scene, the model's events before that moment, and the span are given, so the query stands where the model itself
    would describe it.
    """
    assert question.span is not None
    read = read_caption(Answer(question.caption), Span(Fraction(0), _ENDLESS), Fraction(1, 10))
    before = [event for event in read.events if event.span.start < question.span.start - _SAME_MOMENT]
    lines = [event_line(event.span, event.text, _TRAINED_DECIMALS) for event in before]
    scene = [f"Scene: {read.scene}"] if read.scene else []
    given = "\n".join((*scene, "Events:", *lines, event_line(question.span, decimals=_TRAINED_DECIMALS)))
    words = question.query
    return given, f" {words[:1].upper()}{words[1:]}"


_ENDLESS = Fraction(10**9)
_SAME_MOMENT = Fraction(1, 4)
_TRAINED_DECIMALS = 1
