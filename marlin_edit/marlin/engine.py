"""Answers any number of questions about one window: the video is read once, each question goes on from a copy of that.

In the prompt the video comes first and the question last, so all that stands before the question (the prefix) is the
same for every question. Two things make going on from it exact:

- Tokens. The prefix ends in `<|vision_end|>`, and a tokenizer splits its text at such tokens before anything else. So
  the question's tokens are the same whether it is tokenised by itself or within the whole prompt.
- Positions. They are computed here and passed explicitly. The model's own `rope_deltas` is one mutable attribute for
  all prompts, and a stale one gives wrong answers silently; the language model is called beneath it, so it is not used.

Questions are answered together in lockstep. All rows are always equally long: what all questions have room for goes in
as one block, then each step adds one token to each row, the next one of its question where that is not finished, else
the one just answered. So there is no padding anywhere. It would be wrong inside a row, because the memory of linear
attention layers fades over padding too. What all of them begin with is read once, and the keys and values of the video
are there once for all rows (`continuing.py`).
"""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field
from importlib.util import find_spec
from typing import Any, TypeVar

import torch
from torch import Tensor
from transformers.cache_utils import DynamicCache

from marlin_edit.errors import MarlinEditError
from marlin_edit.marlin.device_memory import out_of_memory, release
from marlin_edit.marlin.prefix_cache import ATTENTION, continuation_is_exact, continued, keep_rows
from marlin_edit.marlin.prompts import MOST_TOGETHER
from marlin_edit.marlin.tokenizer import Tokens
from marlin_edit.sampling import PatchLayout, Profile
from marlin_edit.video_model import Answer

_log = logging.getLogger(__name__)
_Item = TypeVar("_Item")

_LARGEST_BLOCK = 8192
_SMALLEST_BLOCK = 256
_WIDEST_SPREAD = 24


@dataclass(frozen=True)
class Prompt:
    """A question's text, and the most tokens its answer may have."""

    question: str
    max_new_tokens: int


@dataclass(frozen=True)
class Claim:
    """A text to be judged as a part of the answer to a question: `text`, after `given` (which is not judged).

    Both are tokenised by themselves, so `text` begins where words do: with the space before its first word.
    """

    question: str
    given: str
    text: str


@dataclass(frozen=True)
class Judgement:
    """How likely the tokens of a claim's text are: one entry a token.

    logprobs: of the tokens themselves. likeliest_logprobs, likeliest: of the token that the model finds likeliest in
    that place, and its text. places: where in the claim's text each token begins and ends, in characters.
    """

    logprobs: tuple[float, ...]
    likeliest_logprobs: tuple[float, ...]
    likeliest: tuple[str, ...]
    places: tuple[tuple[int, int], ...]


class Engine:
    """A loaded model with its tokens and profile. It holds no state between windows.

    model: a `Qwen3_5ForConditionalGeneration`, in evaluation mode, on its device. reuse: whether questions go on from
    one reading of the video; None asks `continuation_is_exact`.
    """

    def __init__(
        self,
        model: Any,
        tokens: Tokens,
        profile: Profile,
        *,
        together: int = MOST_TOGETHER,
        reuse: bool | None = None,
    ) -> None:
        self._model = model
        self._language = model.model.language_model
        self._language.set_attn_implementation(ATTENTION)
        self._tokens = tokens
        self._profile = profile
        self._together = together
        vision = model.config.vision_config
        self.layout = PatchLayout(vision.patch_size, vision.spatial_merge_size, vision.temporal_patch_size)
        self._video = int(model.config.video_token_id)
        self._ends = frozenset(_end_tokens(model))
        if not self._ends:
            raise MarlinEditError("The model does not say which token ends an answer (eos_token_id). Get it again.")
        self.device: torch.device = model.device
        self.dtype: torch.dtype = model.dtype
        if self.device.type == "cuda" and not all(find_spec(name) for name in ("fla", "causal_conv1d")):
            _log.warning("`pip install 'marlin-edit[cuda]'` makes this faster on this device.")
        if reuse is None:
            reuse = continuation_is_exact(self.device.type)
            if not reuse:
                _log.warning(
                    "The installed transformers cannot continue from a window that it read, so each question reads the "
                    "video again. That is slow; transformers 5.7 or newer avoids it."
                )
        self._reuse = reuse

    @torch.inference_mode()
    def look(self, patches: Tensor, grid: tuple[int, int, int]) -> Tensor:
        """What the vision tower sees in some pairs of frames: [pairs, tokens a pair, hidden].

        patches: as `grid.patches` gives them, for `grid` (time, height, width). Pairs are seen independently of each
        other, so what is seen of one can be kept and used in every window that has the same pair.
        """
        pairs, height, width = grid
        try:
            shape = torch.tensor([grid], device=self.device)
            seen = self._model.model.get_video_features(
                patches.to(self.device, self.dtype), video_grid_thw=shape, return_dict=True
            )
        except Exception as error:
            if not out_of_memory(error):
                raise
            seen = None
        if seen is None:
            if pairs == 1:
                raise self._too_little_memory("one pair of frames")
            release(self.device)
            half = pairs // 2
            rows = half * height * width
            first = self.look(patches[:rows], (half, height, width))
            return torch.cat((first, self.look(patches[rows:], (pairs - half, height, width))))
        features: Tensor = torch.cat(tuple(seen.pooler_output))
        return features.view(pairs, -1, features.shape[-1])

    @torch.inference_mode()
    def read(self, pairs: Iterable[tuple[str, Tensor]], grid: tuple[int, int]) -> Reading:
        """Reads a window. `pairs` gives each pair's time stamp and what `look` saw of it; `grid` is in patches."""
        across = max(grid) // self.layout.merge
        embedded: list[Tensor] = []
        positions: list[Tensor] = []
        position = 0

        def write(tokens: list[int]) -> None:
            nonlocal position
            embedded.append(self._embedded(tokens))
            positions.append(torch.arange(position, position + len(tokens)).expand(3, -1))
            position += len(tokens)

        opening = "<|im_start|>user\n" + ("<|vision_start|>" if self._profile.outer_vision_tokens else "")
        for stamp, seen in pairs:
            write(self._tokens.of_template(f"{opening}<{stamp} seconds><|vision_start|>"))
            opening = ""
            embedded.append(seen.to(self.device, self.dtype))
            positions.append(self._picture_positions(grid) + position)
            position += across
            write(self._tokens.of_template("<|vision_end|>"))
        if opening:
            raise ValueError("a window has at least one pair of frames")
        if self._profile.outer_vision_tokens:
            write(self._tokens.of_template("<|vision_end|>"))
        prefix = torch.cat(embedded)[None]
        places = torch.cat(positions, dim=1)[:, None].to(self.device)
        if not self._reuse:
            return Reading(self, None, prefix, places, position)
        return Reading(self, self._read_in_blocks(prefix, places), None, None, position)

    def _read_in_blocks(self, prefix: Tensor, places: Tensor) -> Any:
        """The cache after the prefix, read in as large blocks as memory allows."""
        block = min(_LARGEST_BLOCK, prefix.shape[1])
        while True:
            try:
                state = DynamicCache(config=self._language.config)
                for first in range(0, prefix.shape[1], block):
                    part = slice(first, first + block)
                    self._forward(prefix[:, part], places[:, :, part], state)
                return state
            except Exception as error:
                if not out_of_memory(error):
                    raise
            del state
            release(self.device)
            if block <= _SMALLEST_BLOCK:
                raise self._too_little_memory(f"a window of {prefix.shape[1]} tokens")
            block = max(_SMALLEST_BLOCK, block // 2)

    def _picture_positions(self, grid: tuple[int, int]) -> Tensor:
        """Of one pair's tokens, for time, row and column, from 0: the picture is one instant, row after row."""
        rows, columns = grid[0] // self.layout.merge, grid[1] // self.layout.merge
        row = torch.arange(rows).repeat_interleave(columns)
        column = torch.arange(columns).repeat(rows)
        return torch.stack((torch.zeros_like(row), row, column))

    def _embedded(self, tokens: Sequence[int]) -> Tensor:
        embedding: Tensor = self._language.embed_tokens(torch.tensor(list(tokens), device=self.device))
        return embedding

    def _forward(self, embedded: Tensor, places: Tensor, state: Any) -> Tensor:
        """The last layer's output for each token [rows, tokens, hidden]; `state` takes them in."""
        output = self._language(
            inputs_embeds=embedded, position_ids=places, past_key_values=state, use_cache=True, return_dict=True
        )
        hidden: Tensor = output.last_hidden_state
        return hidden

    def _logits(self, hidden: Tensor) -> Tensor:
        logits: Tensor = self._model.lm_head(hidden)
        return logits.float()

    def _question(self, text: str) -> list[int]:
        answer = f"<|im_end|>\n<|im_start|>assistant\n{self._profile.answer_prefix}"
        return self._tokens.of_text(text) + self._tokens.of_template(answer)

    def _too_little_memory(self, what: str) -> MarlinEditError:
        smaller = "" if self.dtype.itemsize == 2 else ", --dtype bfloat16, which takes half"
        other = "" if self.device.type == "cpu" else ", --device cpu, which is slow"
        return MarlinEditError(
            f"There is not enough memory on {self.device.type} for {what}, even in small parts. "
            f"Try a shorter part with --range IN-OUT{smaller}{other}, or close other programs that use it."
        )


@dataclass
class Reading:
    """A window that has been read: ready for any number of questions, in any order. Asking does not change it.

    whole: whether nothing of the source was found damaged; whoever reads the frames says so.
    """

    _engine: Engine
    _state: Any
    _prefix: Tensor | None = field(repr=False)
    _places: Tensor | None = field(repr=False)
    _position: int
    whole: bool = True

    @torch.inference_mode()
    def answer(self, prompts: Sequence[Prompt]) -> list[Answer]:
        """One answer a prompt, in order: the likeliest token each time, until an end token or the limit."""
        engine = self._engine
        rows = [_Row(engine._question(prompt.question), prompt.max_new_tokens) for prompt in prompts]
        most = engine._together if self._state is not None else 1
        _in_batches(rows, lambda row: len(row.question), most, _WIDEST_SPREAD, self._answer_together, engine)
        return [
            Answer(engine._tokens.text(row.tokens), tuple(row.logprobs), "end" if row.ended else "length")
            for row in rows
        ]

    @torch.inference_mode()
    def judge(self, claims: Sequence[Claim]) -> list[Judgement]:
        """How likely each token of each claim's text is. No token is generated."""
        engine = self._engine
        rows = []
        for claim in claims:
            before = engine._question(claim.question) + engine._tokens.of_text(claim.given)
            rows.append(_Judged(before, engine._tokens.of_text(claim.text)))
        most = engine._together if self._state is not None else 1
        _in_batches(rows, lambda row: len(row.before) + len(row.text), most, 256, self._judge_together, engine)
        return [
            Judgement(
                tuple(row.logprobs),
                tuple(row.likeliest_logprobs),
                tuple(engine._tokens.text([token]) for token in row.likeliest),
                tuple(engine._tokens.places(claim.text)),
            )
            for claim, row in zip(claims, rows, strict=True)
        ]

    def _take_in(self, rows: Sequence[Sequence[int]], together: int) -> tuple[Any, Tensor, int]:
        """Takes in tokens, as many for each row: the state after them, and the outputs for all from `skipped` on.

        What all rows begin with, at most `together` tokens, is read once; there are no outputs for that. Gives the
        state, the outputs [rows, tokens - skipped, hidden], and `skipped`.
        """
        engine = self._engine
        tokens = torch.tensor(rows, device=engine.device)
        embedded = engine._language.embed_tokens(tokens)
        count = tokens.shape[1]
        places = torch.arange(self._position, self._position + count, device=engine.device).expand(3, len(rows), -1)
        if self._state is None:
            assert self._prefix is not None
            assert self._places is not None
            state: Any = DynamicCache(config=engine._language.config)
            whole = torch.cat((self._prefix.expand(len(rows), -1, -1), embedded), dim=1)
            hidden = engine._forward(whole, torch.cat((self._places.expand(-1, len(rows), -1), places), dim=2), state)
            return state, hidden[:, -count:], 0
        state = continued(self._state)
        skipped = 0
        if len(rows) > 1:
            alike = (tokens[:, :together] == tokens[0, :together]).all(dim=0)
            skipped = int(alike.long().cumprod(dim=0).sum())
            if skipped:
                engine._forward(embedded[:1, :skipped], places[:, :1, :skipped], state)
            keep_rows(state, torch.zeros(len(rows), dtype=torch.long, device=engine.device))
        return state, engine._forward(embedded[:, skipped:], places[:, :, skipped:], state), skipped

    def _answer_together(self, rows: Sequence[_Row]) -> None:
        engine = self._engine
        for row in rows:
            row.begin()
        shortest = min(len(row.question) for row in rows)
        longest = max(len(row.question) for row in rows)
        padded = [row.question + [0] * (longest - len(row.question)) for row in rows]
        questions = torch.tensor(padded, device=engine.device)
        lengths = torch.tensor([len(row.question) for row in rows], device=engine.device)
        state, hidden, _ = self._take_in([row.question[:shortest] for row in rows], shortest - 1)
        hidden = hidden[:, -1]
        taken = shortest
        active = list(rows)
        while True:
            logits = engine._logits(hidden)
            best = logits.argmax(dim=-1)
            chosen = torch.log_softmax(logits, dim=-1).gather(1, best[:, None])[:, 0]
            for row, token, logprob in zip(active, best.tolist(), chosen.tolist(), strict=True):
                if taken >= len(row.question):
                    row.take(token, logprob, engine._ends)
            going = [index for index, row in enumerate(active) if not row.done]
            if not going:
                return
            following = best
            if taken < longest:
                following = torch.where(taken < lengths, questions[:, taken], best)
            if len(going) <= len(active) // 2:
                kept = torch.tensor(going, device=engine.device)
                keep_rows(state, kept)
                following, questions, lengths = following[kept], questions[kept], lengths[kept]
                active = [active[index] for index in going]
            places = torch.full((3, len(active), 1), self._position + taken, device=engine.device)
            hidden = engine._forward(engine._language.embed_tokens(following[:, None]), places, state)[:, -1]
            taken += 1

    def _judge_together(self, rows: Sequence[_Judged]) -> None:
        # Rows are filled up at their end. The state after that is wrong, and is thrown away; what comes before the
        # filling does not see it.
        engine = self._engine
        longest = max(len(row.before) + len(row.text) for row in rows)
        padded = [row.before + row.text + [0] * (longest - len(row.before) - len(row.text)) for row in rows]
        _, hidden, skipped = self._take_in(padded, min(len(row.before) for row in rows) - 1)
        for index, row in enumerate(rows):
            first = len(row.before) - 1 - skipped
            logits = engine._logits(hidden[index, first : first + len(row.text)])
            wanted = torch.tensor(row.text, device=engine.device, dtype=torch.long)
            chances = torch.log_softmax(logits, dim=-1)
            row.logprobs = chances.gather(1, wanted[:, None])[:, 0].tolist()
            likeliest = chances.max(dim=-1)
            row.likeliest, row.likeliest_logprobs = likeliest.indices.tolist(), likeliest.values.tolist()


@dataclass
class _Row:
    """One question while it is answered."""

    question: list[int]
    limit: int
    tokens: list[int] = field(default_factory=list)
    logprobs: list[float] = field(default_factory=list)
    ended: bool = False

    def begin(self) -> None:
        self.tokens, self.logprobs, self.ended = [], [], False

    @property
    def done(self) -> bool:
        return self.ended or len(self.tokens) >= self.limit

    def take(self, token: int, logprob: float, ends: frozenset[int]) -> None:
        if self.done:
            return
        if token in ends:
            self.ended = True
        else:
            self.tokens.append(token)
            self.logprobs.append(logprob)


@dataclass
class _Judged:
    """One claim while it is judged."""

    before: list[int]
    text: list[int]
    logprobs: list[float] = field(default_factory=list)
    likeliest: list[int] = field(default_factory=list)
    likeliest_logprobs: list[float] = field(default_factory=list)


def _in_batches(
    items: Sequence[_Item],
    length: Callable[[_Item], int],
    most: int,
    spread: int,
    work: Callable[[Sequence[_Item]], None],
    engine: Engine,
) -> None:
    """Gives `work` items of like length together, at most `most`; fewer where memory runs out."""
    waiting = sorted(items, key=length)
    while waiting:
        batch = [item for item in waiting[:most] if length(item) - length(waiting[0]) <= spread]
        if _fits(work, batch):
            waiting = waiting[len(batch) :]
            continue
        release(engine.device)
        if len(batch) == 1:
            raise engine._too_little_memory("one question")
        most = len(batch) // 2
        _log.info("Not enough memory for %d questions at once; continuing with %d.", len(batch), most)


def _fits(work: Callable[[Sequence[_Item]], None], batch: Sequence[_Item]) -> bool:
    """Does the work; False where memory ran out. Apart, so that the failed try's tensors are gone afterwards."""
    try:
        work(batch)
    except Exception as error:
        if not out_of_memory(error):
            raise
        return False
    return True


def _end_tokens(model: Any) -> set[int]:
    """All that the checkpoint names: Marlin has two, and no one place is sure to hold both."""
    ends: set[int] = set()
    for settings in (model.generation_config, model.config, model.config.text_config):
        value = getattr(settings, "eos_token_id", None)
        if isinstance(value, int):
            ends.add(value)
        elif value is not None:
            ends.update(int(token) for token in value)
    return ends
