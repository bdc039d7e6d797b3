"""The demo model's tokenizer: byte-level, so that it takes any text, with one token for each number, stamp and phrase.

Text is cut by one pattern before anything else, and a cut piece that is a token is that token. No piece reaches over
the edge of a fixed phrase, so the parts of a prompt give the same tokens together and one by one.
"""

from __future__ import annotations

import itertools
import re
from pathlib import Path
from typing import TYPE_CHECKING

from marlin_edit_demo.training.model_config import PROFILE
from marlin_edit_demo.training.questions import CAPTION_QUESTION, FIND_AFTER, FIND_BEFORE
from marlin_edit_demo.world import COLOURS, FORMS, PATTERN_WORDS, TONES

if TYPE_CHECKING:
    from transformers import PreTrainedTokenizerFast

SPECIAL = (
    "<|endoftext|>",
    "<|im_start|>",
    "<|im_end|>",
    "<|vision_start|>",
    "<|vision_end|>",
    "<|image_pad|>",
    "<|video_pad|>",
)
END_TOKENS = ("<|endoftext|>", "<|im_end|>")

LAST_TENTH = 320
NUMBERS = tuple(f"{tenths // 10}.{tenths % 10}" for tenths in range(LAST_TENTH + 1))
STAMPS = tuple(f"<{number} seconds>" for number in NUMBERS)

SCENE_PHRASES = tuple(words.format(tone=tone) + "." for words, tone in itertools.product(PATTERN_WORDS.values(), TONES))
PHRASES = (
    CAPTION_QUESTION,
    FIND_BEFORE,
    FIND_AFTER,
    PROFILE["answer_prefix"],
    "user\n",
    "assistant\n",
    "Scene: ",
    "Coloured shapes move in front of ",
    *SCENE_PHRASES,
    "\nEvents:",
    "\n<",
    " - ",
    "From ",
    " to ",
    " moves across the picture",
)
_OTHER_WORDS = (
    "a an the one some moves move moving appears appear appearing disappears is are be visible seen shown shape shapes "
    "in on into out of over from to across through along picture screen frame view image video comes goes slides "
    "drifts travels passes crosses enters leaves coloured where when there and with by its it"
)
WORDS = (
    *COLOURS,
    *FORMS,
    *_OTHER_WORDS.split(),
)


def pattern() -> str:
    """Stamps and phrases whole, then numbers, words with the space before them, and single characters."""
    stamp = r"<\d{1,3}\.\d seconds>"
    phrases = "|".join(re.escape(phrase) for phrase in sorted(PHRASES, key=len, reverse=True))
    return rf"{stamp}|{phrases}|\d{{1,3}}\.\d(?!\d)| ?\p{{L}}+|\p{{N}}|[^\s\p{{L}}\p{{N}}]|\s"


def _byte_letters() -> dict[int, str]:
    """The printable letter that stands for each byte, as byte-level vocabularies have it."""
    kept = [*range(ord("!"), ord("~") + 1), *range(0xA1, 0xAD), *range(0xAE, 0x100)]
    letters = {byte: chr(byte) for byte in kept}
    spare = itertools.count(0x100)
    return {byte: letters.get(byte) or chr(next(spare)) for byte in range(256)}


def vocabulary() -> list[str]:
    """Every token's text, in the order of their numbers: the bytes first, then the pieces, in letters for bytes."""
    letters = _byte_letters()
    pieces = [*NUMBERS, *STAMPS, *PHRASES]
    for word in WORDS:
        pieces += [word, f" {word}", word.capitalize(), f" {word.capitalize()}"]
    written = ["".join(letters[byte] for byte in piece.encode("utf-8")) for piece in pieces]
    return list(dict.fromkeys([*letters.values(), *written]))


def build_tokenizer() -> PreTrainedTokenizerFast:
    """The tokenizer, ready to be saved with `save_pretrained`."""
    from tokenizers import AddedToken, Regex, Tokenizer, decoders, models, pre_tokenizers
    from transformers import PreTrainedTokenizerFast

    numbered = {text: number for number, text in enumerate(vocabulary())}
    tokenizer = Tokenizer(models.BPE(vocab=numbered, merges=[], ignore_merges=True))
    tokenizer.pre_tokenizer = pre_tokenizers.Sequence(
        [
            pre_tokenizers.Split(Regex(pattern()), behavior="isolated"),
            pre_tokenizers.ByteLevel(add_prefix_space=False, use_regex=False),
        ]
    )
    tokenizer.decoder = decoders.ByteLevel()
    tokenizer.add_special_tokens([AddedToken(text, special=True, normalized=False) for text in SPECIAL])
    return PreTrainedTokenizerFast(  # type: ignore[no-untyped-call]
        tokenizer_object=tokenizer,
        eos_token="<|im_end|>",
        pad_token="<|endoftext|>",
        model_max_length=8192,
        clean_up_tokenization_spaces=False,
    )


def save_tokenizer(folder: Path) -> None:
    """Write the tokenizer's files."""
    build_tokenizer().save_pretrained(str(folder))
