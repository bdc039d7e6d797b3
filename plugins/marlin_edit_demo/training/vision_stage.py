"""First stage of the training: the vision tower alone learns to tell, for both frames of a pair, what is there.

A linear probe on each merged token, gathered softly over the tokens, must name the kinds of both frames and the scene.
Another one on each patch must say which kind covers it, which teaches much faster than the names alone.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn
from torch.nn import functional

from marlin_edit_demo.training.batched_model import BatchedVision
from marlin_edit_demo.training.checkpoint import save_whole, say
from marlin_edit_demo.training.data_parallel import Together
from marlin_edit_demo.training.frames import FRAMES, SCENES, Shelf, open_shelves, to_patches
from marlin_edit_demo.training.model_config import HIDDEN, vision_config, vision_settings
from marlin_edit_demo.world import KINDS

SIGHT = "sight.pt"


@dataclass(frozen=True)
class Pairs:
    """Frames, the kinds in both (pairs x 48), the kind at each patch in both (pairs x patches x 2), the scenes."""

    first: Tensor
    second: Tensor
    shown: Tensor
    cells: Tensor
    scene: Tensor


class Probe(nn.Module):
    """What a pair's merged tokens say: kinds in the first frame, kinds in the second one, the scene."""

    def __init__(self) -> None:
        super().__init__()
        self.kinds = nn.Linear(HIDDEN, 2 * len(KINDS))
        self.scene = nn.Linear(HIDDEN, SCENES)
        self.cells = nn.Linear(vision_settings()["hidden_size"], 2 * (1 + len(KINDS)))

    def forward(self, merged: Tensor) -> tuple[Tensor, Tensor]:
        """The shapes and places in each pair of frames."""
        return self.kinds(merged).logsumexp(1), self.scene(merged.mean(1))

    def loss(self, patches: Tensor, merged: Tensor, pairs: Pairs) -> Tensor:
        """The loss of what was seen against what was drawn."""
        kinds, scenes = self(merged)
        total = functional.binary_cross_entropy_with_logits(kinds, pairs.shown, reduction="sum") / len(merged)
        said = self.cells(functional.layer_norm(patches, patches.shape[-1:])).unflatten(2, (2, -1))
        cells = functional.cross_entropy(said.flatten(0, 2), pairs.cells.flatten(), reduction="sum") / len(merged)
        return total + cells + functional.cross_entropy(scenes, pairs.scene)


def draw_pairs(shelf: Shelf, count: int, chance: np.random.Generator) -> Pairs:
    """Pairs of frames half a second apart or the same; one pair in three jumps, so that both frames matter."""
    clips = chance.integers(0, len(shelf.scene), count)
    first = chance.integers(0, FRAMES, count)
    second = np.minimum(first + chance.integers(0, 2, count), FRAMES - 1)
    jumps = chance.random(count) < 0.33
    second[jumps] = chance.integers(0, FRAMES, int(jumps.sum()))
    shown = np.concatenate([shelf.shown[clips, first], shelf.shown[clips, second]], axis=1)
    cells = np.stack([shelf.cells[clips, first], shelf.cells[clips, second]], axis=2)
    return Pairs(
        torch.from_numpy(shelf.frames[clips, first]),
        torch.from_numpy(shelf.frames[clips, second]),
        torch.from_numpy(shown).float(),
        torch.from_numpy(cells).long(),
        torch.from_numpy(shelf.scene[clips]),
    )


def disturb(first: Tensor, second: Tensor) -> tuple[Tensor, Tensor]:
    """Other lights, cameras and codecs: gain, offset, tint, blur and noise, mostly small."""
    both = torch.stack([first, second], dim=1).float()
    pairs = both.shape[0]
    gain = 1 + 0.1 * (2 * torch.rand(pairs, 1, 1, 1, 1) - 1) + 0.03 * (2 * torch.rand(pairs, 1, 3, 1, 1) - 1)
    offset = 8 * (2 * torch.rand(pairs, 1, 1, 1, 1) - 1)
    both = both * gain + offset
    if torch.rand(()) < 0.4:
        flat = both.flatten(0, 1)
        smooth = functional.avg_pool2d(functional.pad(flat, (1, 1, 1, 1), mode="replicate"), 3, 1)
        both = both + (smooth.view_as(both) - both) * torch.rand(pairs, 1, 1, 1, 1)
    both = both + torch.randn_like(both) * (6 * torch.rand(pairs, 1, 1, 1, 1) ** 2)
    both = both.clamp(0, 255)
    return both[:, 0], both[:, 1]


def start_patches(tower: Any) -> None:
    """The first layer begins as a low-pass view of each patch: for either frame and each colour, the 21 slowest waves.

    From white noise it takes far longer to tell the two frames apart and to find edges.
    """
    weight = tower.patch_embed.proj.weight
    along = (torch.arange(16) + 0.5) * math.pi / 16
    waves = []
    for down in range(6):
        for across in range(6 - down):
            wave = (down * along).cos()[:, None] * (across * along).cos()[None, :]
            waves.append(wave / wave.norm() * 0.1 * (1 + down + across))
    with torch.no_grad():
        weight *= 0.1
        channel = 0
        for frame in range(2):
            for colour in range(3):
                for wave in waves:
                    weight[channel, colour, frame] += wave
                    channel += 1


def train_sight(together: Together, folder: Path, clips: int, minutes: float) -> None:
    """Trains for so many minutes, going on from the state in `folder`, which also holds the result."""
    from transformers.models.qwen3_5.modeling_qwen3_5 import Qwen3_5VisionModel

    shelves, held_out = open_shelves(folder, clips)
    state_path = folder / SIGHT
    torch.manual_seed(1)
    tower = Qwen3_5VisionModel(vision_config())
    start_patches(tower)
    vision, probe = BatchedVision(tower), Probe()
    parameters = [*tower.parameters(), *probe.parameters()]
    optimizer = torch.optim.AdamW(parameters, lr=1e-3, weight_decay=0.01, betas=(0.9, 0.98))
    spent, step = 0.0, 0
    if state_path.exists():
        state = torch.load(state_path)
        tower.load_state_dict(state["tower"])
        probe.load_state_dict(state["probe"])
        optimizer.load_state_dict(state["optimizer"])
        spent, step = state["spent"], state["step"]
    chance = np.random.default_rng([together.rank, step])
    torch.manual_seed(1000 * step + together.rank)
    odds = np.array([1.0 if index == 0 else 0.15 for index in range(len(shelves))])
    odds /= odds.sum()
    saved = spent
    together.start_clock(spent)
    while together.spent < minutes * 60:
        part = together.spent / (minutes * 60)
        for group in optimizer.param_groups:
            group["lr"] = 1.5e-3 * min(1, (step + 1) / 100) * (0.03 + 0.97 * (0.5 + 0.5 * math.cos(math.pi * part)))
        shelf = shelves[chance.choice(len(shelves), p=odds)]
        pairs = draw_pairs(shelf, 48, chance)
        frames = (pairs.first, pairs.second) if step % 2 else disturb(pairs.first, pairs.second)
        loss = probe.loss(*vision.look(to_patches(*frames), shelf.grid.patches), pairs)
        together.step(parameters, optimizer, loss)
        step += 1
        if not together.leads:
            continue
        if step % 200 == 0:
            said = check_sight(vision, probe, held_out)
            say(f"sight {together.spent:.0f} s, step {step}, loss {loss.item():.3f}, {said}")
        if together.spent - saved > 60:
            saved = together.spent
            save_whole(_state(tower, probe, optimizer, together.spent, step), state_path)
    if together.leads:
        save_whole(_state(tower, probe, optimizer, together.spent, step), state_path)
        for shelf in [held_out, *shelves[1:]]:
            say(f"sight done, {shelf.grid.name}: {check_sight(vision, probe, shelf)}")


def _state(
    tower: nn.Module, probe: nn.Module, optimizer: torch.optim.Optimizer, spent: float, step: int
) -> dict[str, Any]:
    return {
        "tower": tower.state_dict(),
        "probe": probe.state_dict(),
        "optimizer": optimizer.state_dict(),
        "spent": spent,
        "step": step,
    }


def check_sight(vision: BatchedVision, probe: Probe, shelf: Shelf) -> str:
    """Over pairs of unseen clips: how many have all 48 kinds right, and the scene."""
    chance = np.random.default_rng(7)
    pairs = draw_pairs(shelf, 600, chance)
    with torch.inference_mode():
        kinds, scenes = probe(vision(to_patches(pairs.first, pairs.second), shelf.grid.patches))
    right = (kinds > 0) == (pairs.shown > 0.5)
    scenes_right = (scenes.argmax(1) == pairs.scene).float().mean()
    return f"pairs exact {right.all(1).float().mean():.3f}, kinds {right.float().mean():.4f}, scenes {scenes_right:.3f}"
