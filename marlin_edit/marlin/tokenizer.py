"""Text to a model's tokens and back. The prompt's template may use the model's special tokens; a person's text may not.

A query that contains `<|im_end|>` or `<think>` is tokenised as those characters, so it can never end the question.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from pathlib import Path

from tokenizers import Tokenizer

from marlin_edit.errors import MarlinEditError

_TRIAL = "From 14.3 to 18.2."
"""A text that every tokenizer of the family turns into tokens and back."""


class Tokens:
    """The tokenizer of a checkpoint, from its `tokenizer.json` alone."""

    def __init__(self, path: Path) -> None:
        try:
            text = path.read_text(encoding="utf-8")
            settings = json.loads(text)
            self._template = Tokenizer.from_str(text)
            # Marking a token as special is not what makes it match, being an added token is: without that list no
            # text can become one. (`split_special_tokens` would still match `<think>`, which is added, not special.)
            settings["added_tokens"] = []
            settings["post_processor"] = None
            self._plain = Tokenizer.from_str(json.dumps(settings))
            tried = self._plain.decode(self.of_text(_TRIAL)).strip()
        except Exception as error:  # the tokenizers library raises plain Exception
            raise MarlinEditError(
                f"The model's tokenizer {path} cannot be read: {error}. Get the model again."
            ) from error
        if tried != _TRIAL:
            raise MarlinEditError(f"The model's tokenizer {path} has no words for {_TRIAL!r}. Get the model again.")

    def of_template(self, text: str) -> list[int]:
        """Tokens of the program's own text, in which special tokens count as such."""
        return list(self._template.encode(text, add_special_tokens=False).ids)

    def of_text(self, text: str) -> list[int]:
        """Tokens of text from outside: every character is text. What is not valid Unicode becomes `?`."""
        valid = text.encode("utf-8", errors="replace").decode("utf-8")
        return list(self._plain.encode(valid, add_special_tokens=False).ids)

    def places(self, text: str) -> list[tuple[int, int]]:
        """Where in the text each token of `of_text` begins and ends, in characters."""
        valid = text.encode("utf-8", errors="replace").decode("utf-8")
        return list(self._plain.encode(valid, add_special_tokens=False).offsets)

    def text(self, tokens: Sequence[int]) -> str:
        """The text of generated tokens, special ones spelled out."""
        return str(self._template.decode(list(tokens), skip_special_tokens=False))

    def id(self, token: str) -> int:
        """The number of one of the model's own tokens; MarlinEditError where it has no such token."""
        number = self._template.token_to_id(token)
        if number is None:
            raise MarlinEditError(
                f"The model's tokenizer has no token {token}, so it is not one of the Qwen3.5-VL family."
            )
        return int(number)
