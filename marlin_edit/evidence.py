"""The default rule, for models that are not calibrated: how well a finding is supported, word by word, and why.

A finding is supported if one event of the captions, at that time, tells all the words of the query; or if the model,
made to describe that span in these words, could have used each of them. How doubtful a word is, is how much likelier
the model finds another one in its place (its regret); how doubtful a finding is, is its most doubtful word. The second
reason alone is not enough for an answer to a re-query: a model that describes an empty moment names what comes next.
"""

from __future__ import annotations

import math
from collections.abc import Sequence

from marlin_edit.analysis import AGAIN, Finding, Grade, Sense, WordEvidence
from marlin_edit.text import clean, shortened

SUPPORTED_UP_TO = 2.0
"""Nats: the model's own word is at most 7.4 times as likely."""

UNCLEAR_UP_TO = 5.0
"""Nats: the model's own word is at most 150 times as likely."""


_LONGEST_QUOTE = 80


def doubt_of(words: Sequence[WordEvidence]) -> float | None:
    """How doubtful the words of a query are in a span, in nats; 0 if one event tells them all, None if not judged."""
    if words and all(word.told for word in words):
        return 0.0
    regrets = [word.regret for word in words if word.regret is not None]
    return max(regrets) if words and len(regrets) == len(words) else None


def doubt_to_sort(words: Sequence[WordEvidence]) -> float:
    """The same to sort by: what is not known is most doubtful."""
    doubt = doubt_of(words)
    return math.inf if doubt is None else doubt


def grade_of(finding: Finding) -> Grade | None:
    """How well a finding is supported; None if there is no evidence for or against it, as with `--no-score`."""
    if not finding.words:
        return None
    doubt = doubt_of(finding.words)
    if doubt is None:
        return Grade.UNCLEAR if any(word.told for word in finding.words) else Grade.UNSUPPORTED
    if doubt <= SUPPORTED_UP_TO and (AGAIN not in finding.flags or _is_told(finding)):
        return Grade.SUPPORTED
    return Grade.UNCLEAR if doubt <= UNCLEAR_UP_TO else Grade.UNSUPPORTED


def _is_told(finding: Finding) -> bool:
    return all(word.told for word in finding.words)


def reason_of(finding: Finding) -> str:
    """Why a finding is graded as it is, in a few words; nothing if there is no evidence."""
    words = finding.words
    if not words:
        return ""
    if _is_told(finding):
        return "the caption says so"
    if grade_of(finding) is Grade.SUPPORTED:
        return "the picture supports every word"
    if any(word.regret is None for word in words):
        return f'no caption there says "{next(word.text for word in words if not word.told)}"'
    if (doubt_of(words) or 0.0) <= SUPPORTED_UP_TO:
        return "found by asking again, and no caption says so"
    unclear = grade_of(finding) is Grade.UNCLEAR
    limit = SUPPORTED_UP_TO if unclear else UNCLEAR_UP_TO
    first = next(word for word in words if (word.regret or 0.0) > limit)
    seen = f', the model sees "{first.instead}"' if first.instead.replace(" ", "").isalpha() else ""
    return f'{"little" if unclear else "nothing"} in the picture supports "{first.text}"{seen}'


def standing_of(finding: Finding) -> str:
    """How far a finding can be trusted: its score, else its grade, else `not scored`; or the words that are said."""
    if finding.sense is Sense.SAID:
        quote = shortened(clean(finding.quote).replace('"', "'"), _LONGEST_QUOTE)
        return f'said "{quote}"' if quote else "said"
    if finding.score is not None:
        return f"score {finding.score:.2f}"
    grade = grade_of(finding)
    return "not scored" if grade is None else grade.value
