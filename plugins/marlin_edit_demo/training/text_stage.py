"""Second stage of the training: the text model learns to answer, on what the trained tower has seen.

Two aids besides the answers: at each pair's end the middle layers must know what is shown, has come and has gone; and
where an answer turns to a time or a kind, one head of a later layer must look at the right pair.
"""

from __future__ import annotations

import math
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn
from torch.nn import functional

from marlin_edit_demo.training.batched_model import BatchedVision, Continued
from marlin_edit_demo.training.batches import Asked, Batch, Writer, make_batch
from marlin_edit_demo.training.checkpoint import save_whole, say
from marlin_edit_demo.training.data_parallel import Together
from marlin_edit_demo.training.frames import open_shelves
from marlin_edit_demo.training.model_config import HIDDEN, model_config
from marlin_edit_demo.training.questions import read_find
from marlin_edit_demo.training.tokenizer import NUMBERS, SPECIAL, STAMPS, build_tokenizer
from marlin_edit_demo.training.vision_stage import SIGHT
from marlin_edit_demo.training.windows import PAIRS, Library, Window, read_shelf
from marlin_edit_demo.world import KINDS

ANSWERS = "answers.pt"
MARKED_LAYERS = (1, 2)
POINTING_LAYER = 4
CONTINUE_SCALE = 0.1


class Aid(nn.Module):
    """Reads the marks off the pair ends after each marked layer; only used in training."""

    def __init__(self) -> None:
        super().__init__()
        self.heads = nn.ModuleList(nn.Linear(HIDDEN, 8 * len(KINDS)) for _ in MARKED_LAYERS)
        self.asked = nn.Linear(HIDDEN, len(KINDS))

    def loss(self, after: list[Tensor], batch: Batch) -> Tensor:
        total = torch.zeros(())
        wanted = batch.marks.flatten(2)
        for number, (layer, head) in enumerate(zip(MARKED_LAYERS, self.heads, strict=True)):
            ends = after[layer][:, batch.pair_ends]
            said = head(functional.rms_norm(ends, (HIDDEN,)))
            each = functional.binary_cross_entropy_with_logits(said, wanted, reduction="none")
            if number == 0:
                # What was there long before is not asked of the first marked layer.
                each = each.view(*each.shape[:2], 8, -1)[:, :, [0, 1, 2, 3, 6, 7]]
            total = total + each.flatten(2).sum(-1).mean()
        return total

    def asked_loss(self, before: Tensor, asked: Asked) -> Tensor:
        """Before the pointing layer, the states must tell which kind the answer speaks of, where that is settled."""
        at = asked.kind >= 0
        said = self.asked(functional.rms_norm(before[at], (HIDDEN,)))
        return functional.cross_entropy(said, asked.kind[at])


def start_embeddings(model: Any, writer: Writer) -> None:
    """Numbers and stamps begin as points on circles of several periods, so that near times are alike."""
    periods = torch.tensor([1.0, 1.5, 2.0, 3.0, 4.0, 6.0, 8.0, 12.0, 16.0, 24.0, 32.0, 64.0])
    table = model.get_input_embeddings().weight
    generator = torch.Generator().manual_seed(3)
    spread = torch.linalg.qr(torch.randn(HIDDEN, HIDDEN, generator=generator))[0][:, : 2 * len(periods)]
    kinds = torch.randn(2, HIDDEN, generator=generator)
    with torch.no_grad():
        for sort, texts in enumerate((NUMBERS, STAMPS)):
            for tenths, text in enumerate(texts):
                angles = 2 * math.pi * tenths / 10 / periods
                circle = spread @ torch.cat([angles.cos(), angles.sin()]) * math.sqrt(HIDDEN / len(periods))
                row = writer.encode(text)[0]
                table[row] = 0.06 * (0.8 * circle + 0.4 * kinds[sort] + 0.3 * table[row] / 0.06)


def empty_model(writer: Writer) -> Any:
    """The whole stock model, with random weights."""
    from transformers import Qwen3_5ForConditionalGeneration

    torch.manual_seed(2)
    numbers = {text: writer.number(text) for text in SPECIAL}
    return Qwen3_5ForConditionalGeneration(model_config(len(writer.tokenizer), numbers))


def new_model(folder: Path, writer: Writer) -> Any:
    """The model as the answers begin: with the trained tower in it."""
    model = empty_model(writer)
    for layer in model.model.language_model.layers:
        if layer.block_type == "linear_attention":
            # Memories from some tokens to the whole window.
            heads = layer.linear_attn.num_v_heads
            layer.linear_attn.A_log.data.copy_(torch.linspace(math.log(0.002), math.log(0.5), heads))
    start_embeddings(model, writer)
    state = torch.load(folder / SIGHT)
    model.model.visual.load_state_dict(state["tower"])
    return model


def scale_tower(tower: Any, factor: float) -> None:
    """Scale what the vision tower gives out."""
    with torch.no_grad():
        tower.merger.linear_fc2.weight *= factor
        tower.merger.linear_fc2.bias *= factor


@dataclass(frozen=True)
class Thought:
    """What the questions of a batch left behind: last states, those before the pointing layer, and the shares of
    attention over the prefix of the first heads of the recalling layer and of the pointing layer after it."""

    states: Tensor
    before: Tensor
    recalling: Tensor
    pointing: Tensor


def ask(model: Any, text: Continued, kept: list[dict[str, Tensor]], asked: Asked, first: int) -> Thought:
    length = asked.tokens.shape[-1]
    cos, sin = text.places(torch.arange(first, first + length).expand(3, 1, -1))
    return Thought(*text.questions(model.get_input_embeddings()(asked.tokens), kept, cos, sin, POINTING_LAYER))


def embed_prefix(model: Any, writer: Writer, batch: Batch) -> Tensor:
    embedded: Tensor = model.get_input_embeddings()(batch.tokens)
    pads = (batch.tokens == writer.pad)[..., None].expand_as(embedded)
    return embedded.masked_scatter(pads, batch.merged)


def answer_loss(model: Any, asked: Asked, thought: Thought, pair_ends: Tensor) -> tuple[Tensor, Tensor]:
    """Cross entropy of the answers, and how far the watched heads are from the right pairs."""
    at = asked.wanted >= 0
    each = functional.cross_entropy(model.lm_head(thought.states[at]), asked.wanted[at], reduction="none")
    weight = asked.weight[at]
    off = torch.zeros(())
    for wanted, attention in ((asked.pointed, thought.pointing), (asked.recalled, thought.recalling)):
        points = wanted >= 0
        if points.any():
            shares = attention[points][:, pair_ends].gather(1, wanted[points][:, None])
            off = off - (shares + 1e-4).log().mean()
    return (each * weight).sum() / weight.sum(), off


def open_libraries(folder: Path, clips: int, factor: float | None = None) -> tuple[list[Library], Library, float]:
    """All shelves through the trained tower, scaled so that merged tokens are as large as embeddings."""
    from transformers.models.qwen3_5.modeling_qwen3_5 import Qwen3_5VisionModel

    from marlin_edit_demo.training.model_config import vision_config

    shelves, held_out = open_shelves(folder, clips)
    tower = Qwen3_5VisionModel(vision_config())
    tower.load_state_dict(torch.load(folder / SIGHT)["tower"])
    vision = BatchedVision(tower)
    libraries = []
    for shelf in [*shelves, held_out]:
        name = f"{shelf.grid.name}-{len(shelf.scene)}.pt"
        path = folder / "libraries" / (f"held-out-{name}" if shelf is held_out else name)
        libraries.append(read_shelf(shelf, vision, path, shelf is not held_out, say))
    factor = CONTINUE_SCALE / float(libraries[-1].pairs.float().std())
    scaled = [
        Library(one.grid, one.pairs * factor, one.endings * factor, one.ending_places, one.shown, one.scene)
        for one in libraries
    ]
    return scaled[:-1], scaled[-1], factor


def train_answers(together: Together, folder: Path, clips: int, minutes: float, rate: float) -> None:
    """Trains for so many minutes, going on from the state in `folder`, which also holds the result."""
    writer = Writer(build_tokenizer())
    if together.leads:
        open_libraries(folder, clips)
    together.wait()
    libraries, held_out, factor = open_libraries(folder, clips)
    model = new_model(folder, writer)
    scale_tower(model.model.visual, factor)
    text, aid = Continued(model.model.language_model), Aid()
    state_path = folder / ANSWERS
    trained = [*model.model.language_model.parameters(), *aid.parameters()]
    fast = [one for one in trained if one.ndim >= 2]
    slow = [one for one in trained if one.ndim < 2]
    optimizer = torch.optim.AdamW(
        [{"params": fast, "weight_decay": 0.02}, {"params": slow, "weight_decay": 0.0}], lr=rate, betas=(0.9, 0.98)
    )
    spent, step = 0.0, 0
    notes: list[str] = []
    if state_path.exists():
        state = torch.load(state_path)
        model.load_state_dict(state["model"])
        aid.load_state_dict(state["aid"], strict=False)
        if len(state["optimizer"]["state"]) == len(trained):
            optimizer.load_state_dict(state["optimizer"])
        spent, step, notes = state["spent"], state["step"], state.get("notes", [])
    chance = np.random.default_rng([together.rank, step, 5])
    odds = np.array([1.0 if index == 0 else 0.12 for index in range(len(libraries))])
    odds /= odds.sum()
    saved = said = spent
    seconds = minutes * 60
    together.start_clock(spent)
    sums, first_step = np.zeros(7), step
    while together.spent < seconds:
        part = together.spent / seconds
        decay = 1.0 if part < 0.6 else 0.03 + 0.97 * (0.5 + 0.5 * math.cos(math.pi * (part - 0.6) / 0.4))
        for group in optimizer.param_groups:
            group["lr"] = rate * min(1, (step - first_step + 1) / 100) * decay
        pairs = draw_length(together.spent, chance)
        library = libraries[chance.choice(len(libraries), p=odds)]
        per_clip = pairs * (library.grid.tokens + 3) + 150 + 5 * pairs
        batch, _ = make_batch(writer, library, pairs, max(3, round(3000 / per_clip)), 6, chance)
        cos, sin = text.places(batch.positions)
        after, kept = text.prefix(embed_prefix(model, writer, batch), cos, sin)
        marks = aid.loss(after, batch)
        losses = [marks]
        for asked in (batch.finds, batch.captions):
            thought = ask(model, text, kept, asked, batch.next_position)
            losses += [*answer_loss(model, asked, thought, batch.pair_ends), aid.asked_loss(thought.before, asked)]
        find, find_points, find_kinds, caption, caption_points, caption_kinds = losses[1:]
        loss = 0.3 * marks + find + caption + 0.5 * (find_points + caption_points + find_kinds + caption_kinds)
        together.step(trained, optimizer, loss)
        step += 1
        sums = 0.98 * sums + 0.02 * np.array([float(one.detach()) for one in losses])
        if not together.leads:
            continue
        if step % 100 == 0:
            means = " ".join(f"{value:.3f}" for value in sums / (1 - 0.98 ** (step - first_step)))
            say(f"answers {together.spent:.0f} s, step {step}, marks, find points kinds, caption points kinds {means}")
        if together.spent - said > 150:
            said = together.spent
            say(" ".join(check_answers(model, text, writer, held_out, length) for length in (4, 6, 12, 20, 30)))
        if together.spent - saved > 90:
            saved = together.spent
            save_whole(_state(model, aid, optimizer, together.spent, step, notes), state_path)
    if together.leads:
        save_whole(_state(model, aid, optimizer, together.spent, step, notes), state_path)
        say(" ".join(check_answers(model, text, writer, held_out, length) for length in (4, 6, 12, 20, 30)))


def draw_length(spent: float, chance: np.random.Generator) -> int:
    """Pairs (seconds) of the next batch: short windows first, then all lengths, in the end long ones more often, as
    only these have late times."""
    if spent > 1500 and chance.random() < 0.5:
        return int(chance.integers(18, PAIRS + 1))
    longest = PAIRS if spent > 600 else round(6 + (PAIRS - 6) * max(0.0, spent - 120) / 480)
    return int(chance.integers(2, longest + 1))


def _state(
    model: Any, aid: Aid, optimizer: torch.optim.Optimizer, spent: float, step: int, notes: list[str]
) -> dict[str, Any]:
    """`notes` are sentences about this run that the model card repeats."""
    return {
        "model": model.state_dict(),
        "aid": aid.state_dict(),
        "optimizer": optimizer.state_dict(),
        "spent": spent,
        "step": step,
        "notes": notes,
    }


def check_answers(model: Any, text: Continued, writer: Writer, held_out: Library, pairs: int) -> str:
    """On unseen windows of so many seconds: greedy find overlap, and how many caption numbers are right when the
    caption before them is given."""
    chance = np.random.default_rng(pairs)
    overlaps: list[float] = []
    right = total = kinds_right = kinds = 0
    with torch.inference_mode():
        for _ in range(4):
            batch, _ = make_batch(writer, held_out, pairs, 8, 3, chance)
            cos, sin = text.places(batch.positions)
            _, kept = text.prefix(embed_prefix(model, writer, batch), cos, sin)
            overlaps += _greedy_finds(model, text, writer, batch, kept)
            states = ask(model, text, kept, batch.captions, batch.next_position).states
            wanted = batch.captions.wanted
            said = model.lm_head(states).argmax(-1)
            numbers = writer.is_number[wanted.clamp(min=0)] & (wanted >= 0)
            right += int((said == wanted)[numbers].sum())
            total += int(numbers.sum())
            names = (batch.captions.pointed >= 0) & ~numbers
            kinds_right += int((said == wanted)[names].sum())
            kinds += int(names.sum())
    return (
        f"[{pairs} s: find {sum(overlaps) / len(overlaps):.3f}, R@.5 "
        f"{sum(one >= 0.5 for one in overlaps) / len(overlaps):.2f}, caption times {right / max(1, total):.2f} "
        f"kinds {kinds_right / max(1, kinds):.2f}]"
    )


def _greedy_finds(
    model: Any, text: Continued, writer: Writer, batch: Batch, kept: list[dict[str, Tensor]]
) -> list[float]:
    """Answers the find questions greedily, both numbers in turn, and returns their overlap with the right answer."""
    asked = batch.finds
    numbers = writer.is_number[asked.wanted.clamp(min=0)] & (asked.wanted >= 0)
    tokens = asked.tokens.clone()
    order = numbers.long().cumsum(-1)
    for turn in (1, 2):
        given = replace(asked, tokens=tokens)
        states = ask(model, text, kept, given, batch.next_position).states
        said = model.lm_head(states).argmax(-1)
        for clip, row, at in torch.nonzero(numbers & (order == turn)).tolist():
            tokens[clip, row, at + 1] = said[clip, row, at]
    overlaps = []
    for clip, row in np.ndindex(*tokens.shape[:2]):
        at = torch.nonzero(numbers[clip, row])[:, 0] + 1
        written = writer.tokenizer.convert_ids_to_tokens(tokens[clip, row, at].tolist())
        wanted = writer.tokenizer.convert_ids_to_tokens(asked.tokens[clip, row, at].tolist())
        told_span = read_find(f"From {written[0]} to {written[1]}.")
        true_span = read_find(f"From {wanted[0]} to {wanted[1]}.")
        assert true_span is not None
        overlaps.append(_overlap(told_span, true_span) if told_span else 0.0)
    return overlaps


def _overlap(one: tuple[Any, Any], other: tuple[Any, Any]) -> float:
    if one[0] >= one[1]:
        return 0.0
    common = min(one[1], other[1]) - max(one[0], other[0])
    return max(0.0, float(common / (max(one[1], other[1]) - min(one[0], other[0]))))


__all__ = ["ANSWERS", "Window", "new_model", "open_libraries", "scale_tower", "train_answers"]
