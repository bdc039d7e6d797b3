"""Going on from what a model has read: the cache of one row, taken further by several without a copy of it each."""

from __future__ import annotations

import copy
from functools import cache
from typing import Any

import torch
import transformers
from torch import Tensor
from transformers import AttentionInterface, AttentionMaskInterface
from transformers.cache_utils import DynamicCache, DynamicLayer
from transformers.integrations.sdpa_attention import sdpa_attention_forward
from transformers.masking_utils import sdpa_mask

ATTENTION = "marlin_edit"
"""The name under which transformers finds the attention that this needs."""

_MOST_SCORES = 1 << 22
"""Scores of attention to what rows share that are computed at once: 16 MB."""


class _SharedLayer(DynamicLayer):  # type: ignore[no-untyped-call]
    """Keys and values of an attention layer for several rows: the window's, once for all rows, and each row's own.

    `_attention` takes them apart. The library's own layer would hold a copy of the window's for each row, and copy and
    read all of that for every token, which for some rows of a long window costs more than the model does.
    """

    def __init__(self, keys: Tensor, values: Tensor) -> None:
        super().__init__()  # type: ignore[no-untyped-call]
        self._shared = (keys, values)

    def update(self, key_states: Tensor, value_states: Tensor, *args: Any, **kwargs: Any) -> Any:
        own = super().update(key_states, value_states)
        return tuple(zip(self._shared, own, strict=True))

    def get_seq_length(self) -> int:
        own: int = super().get_seq_length()
        return self._shared[0].shape[-2] + own

    def reorder_cache(self, beam_idx: Any) -> None:
        if self.is_initialized:
            super().reorder_cache(beam_idx)


def _attention(module: Any, query: Tensor, key: Any, value: Any, attention_mask: Any, **kwargs: Any) -> Any:
    """The library's attention, and where keys and values are a `_SharedLayer`'s, the same over both of their parts.

    query: [rows, heads, tokens, width]. All rows' queries look at the shared keys at once, those of each key head as
    one block, so keys and values are neither copied nor read more than once.
    """
    if isinstance(key, Tensor):
        return sdpa_attention_forward(module, query, key, value, attention_mask, **kwargs)
    (shared_keys, own_keys), (shared_values, own_values) = key, value
    rows, heads, count, width = query.shape
    key_heads, length = own_keys.shape[1], own_keys.shape[2]
    grouped = (query * kwargs["scaling"]).reshape(rows, key_heads, -1, width)
    own = (grouped @ own_keys.transpose(2, 3)).float().view(rows, key_heads, -1, count, length)
    if count > 1:
        later = torch.ones(count, length, dtype=torch.bool, device=own.device).triu(length - count + 1)
        own.masked_fill_(later, -torch.inf)
    own = own.view(rows, key_heads, -1, length)
    block = grouped.transpose(0, 1).reshape(key_heads, -1, width)
    largest = own.amax(dim=-1, keepdim=True).transpose(0, 1).reshape(key_heads, -1, 1)
    seen, total = [], []
    at_once = max(1, _MOST_SCORES // (key_heads * shared_keys.shape[2]))
    for some, most in zip(block.split(at_once, dim=1), largest.split(at_once, dim=1), strict=True):
        scores = (some @ shared_keys[0].transpose(1, 2)).float()
        most = torch.maximum(most, scores.amax(dim=-1, keepdim=True), out=most)
        scores.sub_(most).exp_()
        total.append(scores.sum(dim=-1, keepdim=True))
        seen.append(_weighted(scores, total[-1], shared_values[0]))

    def of_rows(parts: Tensor) -> Tensor:
        return parts.view(key_heads, rows, -1, parts.shape[-1]).transpose(0, 1)

    own.sub_(of_rows(largest)).exp_()
    own_total = own.sum(dim=-1, keepdim=True)
    output = of_rows(torch.cat(seen, dim=1)) + _weighted(own, own_total, own_values)
    output /= of_rows(torch.cat(total, dim=1)) + own_total
    return output.to(query.dtype).reshape(rows, heads, count, width).transpose(1, 2), None


def _weighted(weights: Tensor, total: Tensor, values: Tensor) -> Tensor:
    """The values' sum by weights, whose total is given: computed as a mean, which has room in 16 bits."""
    shares = weights.div_(total.clamp(min=torch.finfo(total.dtype).tiny)).to(values.dtype)
    return (shares @ values).float() * total


AttentionInterface.register(ATTENTION, _attention)
AttentionMaskInterface.register(ATTENTION, sdpa_mask)


def continued(state: Any) -> Any:
    """A copy of a one-row cache, to go on with; `keep_rows` makes several rows of it. The original stays as it is.

    The states of linear layers are updated in place and cannot be rolled back, so they are really copied.
    """
    layers: list[Any] = []
    for layer in state.layers:
        if type(layer) is DynamicLayer and layer.keys is not None and layer.values is not None:
            layers.append(_SharedLayer(layer.keys, layer.values))
        else:
            layers.append(copy.deepcopy(layer))
    continued = copy.copy(state)
    continued.layers = layers
    return continued


def keep_rows(state: Any, rows: Tensor) -> None:
    """Keep these rows of a decoding state."""
    for layer in state.layers:
        layer.reorder_cache(rows)


def quieten() -> None:
    """Keeps transformers from telling of missing kernels and progress: what matters is said here, or by doctor."""
    says: Any = transformers.utils.logging
    says.set_verbosity_error()
    says.disable_progress_bar()


@cache
def continuation_is_exact(device: str) -> bool:
    """Whether the installed transformers goes on from a cache as if it had read everything at once.

    Up to 5.6 it silently lost the linear layers' state. Tried once a process on a model of two random layers.
    """
    from transformers import Qwen3_5TextConfig, Qwen3_5TextModel

    quieten()
    config = Qwen3_5TextConfig(
        vocab_size=64,
        hidden_size=64,
        intermediate_size=64,
        num_hidden_layers=2,
        layer_types=["linear_attention", "full_attention"],
        num_attention_heads=2,
        num_key_value_heads=1,
        head_dim=32,
        linear_num_key_heads=2,
        linear_num_value_heads=2,
        linear_key_head_dim=32,
        linear_value_head_dim=32,
        rope_parameters={
            "rope_type": "default",
            "rope_theta": 10_000.0,
            "partial_rotary_factor": 0.5,
            "mrope_section": [3, 3, 2],
            "mrope_interleaved": True,
        },
    )
    chance = torch.Generator().manual_seed(0)
    model: Any = Qwen3_5TextModel(config)
    model.set_attn_implementation(ATTENTION)
    model.eval()
    embedded = torch.randn(1, 24, 64, generator=chance)
    with torch.inference_mode():
        for name, parameter in model.named_parameters():
            if name.endswith("A_log"):
                parameter.fill_(-6.0)  # a long memory
            elif parameter.dim() > 1:
                parameter.normal_(std=parameter[0].numel() ** -0.5, generator=chance)  # large enough to tell
        model, embedded = model.to(device), embedded.to(device)
        places = torch.arange(24, device=device).expand(3, 1, -1)
        whole = model(inputs_embeds=embedded, position_ids=places, use_cache=False).last_hidden_state
        state = DynamicCache(config=config)
        model(inputs_embeds=embedded[:, :12], position_ids=places[..., :12], past_key_values=state, use_cache=True)
        twins = continued(state)
        keep_rows(twins, torch.zeros(2, dtype=torch.long, device=device))
        parts = [
            model(
                inputs_embeds=embedded[:, part].expand(2, -1, -1),
                position_ids=places[..., part].expand(-1, 2, -1),
                past_key_values=twins,
                use_cache=True,
            ).last_hidden_state
            for part in (slice(12, 20), slice(20, 21), slice(21, 24))
        ]
        # Of values about 1: 1e-6 on a CPU, 1e-2 with kernels that compute in TF32, above 1 where a state is lost.
        difference = (torch.cat(parts, dim=1) - whole[:, 12:]).abs().max()
    return bool(difference < 0.1)
