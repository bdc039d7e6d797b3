"""Queries: checked, and put into the words that a model is asked in.

Video models of Marlin's kind were trained on one short sentence about one visible action, in small letters or with
a capital at its beginning. A query keeps its own words everywhere else.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass

from marlin_edit.console import Console
from marlin_edit.errors import UsageError
from marlin_edit.text import words_of

LONGEST_QUERY = 1_000
"""Characters. The model was trained on one short sentence; far longer ones are a mistake, and slow."""

NEGATIONS = frozenset(["no", "not", "without", "never", "nobody", "nothing", "none", "neither", "nor", "cannot"])

_EXAMPLE = 'Say one visible action in the present tense, e.g. "a door opens".'
_QUOTES = "\"'`´“”„‟‘’‚‛«»‹›"
_ASKED_FOR = re.compile(
    r"^(?:(?:please )?(?:when|where) (?:can|do|could) (?:i|we|you) (?:see|find|spot)"
    r"|(?:please )?(?:find|show|search for|look for|locate|give|get)(?: me| us)?"
    r"|can you (?:see|find|show me)|(?:is|are) there|there (?:is|are)"
    r"|when (?:is|are|does|do)|where (?:is|are)"
    r"|(?:(?:a|the|every|all|any|each) )?(?:clips?|moments?|scenes?|shots?|parts?|frames?|places?|times?)"
    r" (?:of|with|where|when|in which|showing))\s+(?=\S)"
)
_AN = re.compile(r"[aeio]|u(?!ni|s[aeiu]|t[aeio])|hour|hono|heir")
_ARTICLES = ("a", "an", "the")
_WITHOUT_ARTICLE = frozenset(
    word
    for line in (
        "someone somebody anyone everyone something anything everything people men women children kids police",
        "they he she it we you i two three four five six seven eight nine ten several many some all most few",
        "both each every another other no not without never nobody nothing none my your his her its our their",
        "this that these those one in on at to from into onto over under by with water snow rain smoke fire",
        "traffic hair grass music text food sand mud ice fog hands feet",
    )
    for word in line.split()
)
_ADJECTIVES = frozenset(
    word
    for line in (
        "red green blue yellow white black grey gray brown pink orange purple cyan magenta big small large",
        "little tall short long old young new dark light bright",
    )
    for word in line.split()
)


_SYNONYMS = {
    "man": "person", "woman": "person", "boy": "child", "girl": "child", "kid": "child", "guy": "man", "lady": "woman",
    "car": "vehicle", "truck": "vehicle", "bike": "bicycle", "phone": "smartphone", "couch": "sofa", "cup": "mug",
    "walks": "goes", "moves": "goes", "picks": "takes", "runs": "jogs", "talks": "speaks", "looks": "watches",
    "throws": "tosses", "jumps": "leaps", "holds": "carries", "big": "large", "small": "little", "picture": "screen",
}  # fmt: skip
"""Words that often stand for one another in captions, the more general one on the right."""


@dataclass(frozen=True)
class Advice:
    """Why a query may not work, and a better one where there is a rule for it."""

    query: str
    why: str
    better: str = ""

    def __str__(self) -> str:
        instead = f' Try "{self.better}".' if self.better else ""
        return f'"{self.query}" {self.why}.{instead}'


def checked_queries(queries: Sequence[str]) -> tuple[str, ...]:
    """The queries, each once, stripped; UsageError for one that is empty or absurdly long."""
    kept: list[str] = []
    for query in queries:
        words = " ".join(query.split())
        if not words:
            raise UsageError(f"A query is empty. {_EXAMPLE}")
        if not words_of(words):
            raise UsageError(f'The query "{words}" has no words. {_EXAMPLE}')
        if len(words) > LONGEST_QUERY:
            raise UsageError(f"A query has {len(words)} characters; at most {LONGEST_QUERY} are allowed. {_EXAMPLE}")
        if words not in kept:
            kept.append(words)
    return tuple(kept)


def wording(query: str) -> str:
    """A query as the model is asked: small letters, no quotes, no final stop, no "when can I see", one kind of article.

    Queries that differ only in case, blanks, their article or their stop have one wording.
    """
    text = " ".join(query.split()).lower().strip(_QUOTES + " ").rstrip(".!?…:;,").strip(_QUOTES + " ")
    while (shorter := _ASKED_FOR.sub("", text, count=1)) != text:
        text = shorter
    text = text.strip(_QUOTES + " ") or query.lower().strip()
    for article in _ARTICLES:
        if text.startswith(f"{article} "):
            text = text.removeprefix(f"{article} ")
            return f"{_article(text)} {text}"
    return f"{_article(text)} {text}" if _needs_article(text) else text


def paraphrases(query: str, count: int) -> tuple[str, ...]:
    """Up to `count` wordings of a query, each once, its own first: another article, and words that mean the same."""
    first = wording(query)
    found = [first]
    bare = first.split(" ", 1)[1] if first.split(" ", 1)[0] in ("a", "an") and " " in first else first
    for way in (f"the {bare}" if bare != first else first, bare, *_with_synonyms(first)):
        if way not in found:
            found.append(way)
    return tuple(found[:count])


def _with_synonyms(text: str) -> list[str]:
    """The text with one word replaced, in the order of the words."""
    words = text.split()
    ways = []
    for place, word in enumerate(words):
        if word in _SYNONYMS:
            other = _SYNONYMS[word]
            changed = [*words[:place], other, *words[place + 1 :]]
            if place > 0 and words[place - 1] in ("a", "an"):
                changed[place - 1] = _article(other)
            ways.append(" ".join(changed))
    return ways


def advise(console: Console, query: str) -> None:
    """Warn of what in a query the model was not trained for, and say with -v in which words it is asked."""
    for advice in advice_on(query):
        console.warning(str(advice))
    asked = wording(query)
    if asked != query:
        console.detail(f'"{query}" is asked as "{asked}"')


def advice_on(query: str) -> list[Advice]:
    """What in a query the model was not trained for, before any model is loaded; nothing for most queries."""
    words = words_of(query)
    found = []
    if any(word in NEGATIONS or word.endswith(("n't", "n’t")) for word in words):
        positive = wording(" ".join(query.split()[1:])) if words[0] in NEGATIONS and len(words) > 1 else ""
        found.append(Advice(query, "asks for what is not there, and the model looks for what is there", positive))
    several = re.split(r"\s+(?:and then|then|and|before|after|while)\s+", wording(query))
    if len(several) > 1 and all(len(part.split()) > 2 for part in several):
        found.append(Advice(query, "names several things; ask for each with a --query of its own", several[0]))
    if re.search(r"\b(?:how many|how often|count|number of)\b", query.lower()):
        found.append(Advice(query, "asks for a number, and the model does not count"))
    inner = query.split()[1:]
    names = [word for word in inner if word[:1].isupper() and word[1:].islower()]
    english = bool(set(words) & {"a", "an", "the", "in", "on", "at", "with", "of", "is", "are", "to", "and"})
    if names and english and not query.istitle() and any(word.islower() for word in inner):
        found.append(Advice(query, f"has a name ({names[0]}), and the model knows people and places by their looks"))
    return found


def _article(text: str) -> str:
    return "an" if _AN.match(text) else "a"


def _needs_article(text: str) -> bool:
    """Whether a query begins with a noun in the singular, or an adjective before one, as far as a rule can tell."""
    words = text.split()
    first = words[0]
    if (
        not text.isascii()
        or first in (*_ARTICLES, *_WITHOUT_ARTICLE)
        or not first.isalpha()
        or first.endswith("ing")
        or _is_plural(first)
    ):
        return False
    noun = next((word for word in words if word not in _ADJECTIVES), first)
    return not (first in _ADJECTIVES and _is_plural(noun))


def _is_plural(word: str) -> bool:
    return len(word) > 3 and word.endswith("s") and not word.endswith(("ss", "us", "is"))
