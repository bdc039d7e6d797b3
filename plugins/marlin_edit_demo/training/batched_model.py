"""The stock model's forward pass, arranged for training: pairs of frames in one batch, many questions after one video.

It reads the stock modules' own weights and gives the same numbers; a test compares the two.
"""

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor, nn
from torch.nn import functional


class BatchedVision(nn.Module):
    """The vision tower over many pairs of frames of one grid size, attending in one batch instead of pair by pair."""

    def __init__(self, tower: Any) -> None:
        super().__init__()
        self.tower = tower
        self._tables: dict[tuple[int, int, int], tuple[Tensor, Tensor, Tensor, Tensor]] = {}

    def _positions(self, patches: tuple[int, int, int]) -> tuple[Tensor, Tensor, Tensor, Tensor]:
        if patches not in self._tables:
            from transformers.vision_utils import (
                get_vision_interpolation_indices_and_weights,
                get_vision_position_ids,
            )

            grid = torch.tensor([patches])
            tower = self.tower
            indices, weights = get_vision_interpolation_indices_and_weights(
                grid,
                num_grid_per_side=tower.num_grid_per_side,
                mode=tower.interpolation_mode,
                align_corners=tower.interpolation_align_corners,
                spatial_merge_size=tower.config.spatial_merge_size,
                kwargs={},
            )
            places = get_vision_position_ids(grid, tower.spatial_merge_size, kwargs={})
            cos, sin = tower.rotary_pos_emb(torch.zeros(1), places)
            self._tables[patches] = (indices, weights, cos, sin)
        return self._tables[patches]

    def forward(self, pixels: Tensor, patches: tuple[int, int, int]) -> Tensor:
        """Pairs x patches x 1536 to pairs x tokens x hidden."""
        return self.look(pixels, patches)[1]

    def look(self, pixels: Tensor, patches: tuple[int, int, int]) -> tuple[Tensor, Tensor]:
        """The states of the patches after the last block, and the merged tokens."""
        tower = self.tower
        indices, weights, cos, sin = self._positions(patches)
        pairs, count, _ = pixels.shape
        kernel = tower.patch_embed.proj
        hidden = functional.linear(pixels, kernel.weight.view(kernel.weight.shape[0], -1), kernel.bias)
        hidden = hidden + (tower.pos_embed(indices) * weights[:, :, None]).sum(1)
        for block in tower.blocks:
            attention = block.attn
            heads, size = attention.num_heads, attention.head_dim
            mixed = attention.qkv(block.norm1(hidden)).view(pairs, count, 3, heads, size).permute(2, 0, 3, 1, 4)
            query, key, value = mixed[0], mixed[1], mixed[2]
            query, key = rotate(query, cos, sin), rotate(key, cos, sin)
            read = functional.scaled_dot_product_attention(query, key, value)
            hidden = hidden + attention.proj(read.transpose(1, 2).reshape(pairs, count, -1))
            hidden = hidden + block.mlp(block.norm2(hidden))
        merged: Tensor = tower.merger(hidden.reshape(pairs * count, -1))
        return hidden, merged.view(pairs, count // 4, -1)


def rotate(states: Tensor, cos: Tensor, sin: Tensor) -> Tensor:
    """Rotary positions on the first `cos.shape[-1]` of the last dimension; cos and sin broadcast over the rest."""
    size = cos.shape[-1]
    turned, kept = states[..., :size], states[..., size:]
    half = torch.cat((-turned[..., size // 2 :], turned[..., : size // 2]), dim=-1)
    result = turned * cos + half * sin
    return torch.cat((result, kept), dim=-1) if kept.shape[-1] else result


class Continued(nn.Module):
    """The text model over a video prefix and then over many questions, each of which continues from the prefix.

    All prefixes of a call have the same number of tokens; the questions are padded on the right, which changes nothing
    for the tokens before the padding.
    """

    def __init__(self, text: Any) -> None:
        super().__init__()
        self.text = text

    def places(self, position_ids: Tensor) -> tuple[Tensor, Tensor]:
        """Rotary tables for positions of shape 3 x 1 x tokens."""
        cos, sin = self.text.rotary_emb(torch.zeros(1), position_ids)
        return cos[0], sin[0]

    def prefix(self, embedded: Tensor, cos: Tensor, sin: Tensor) -> tuple[list[Tensor], list[dict[str, Tensor]]]:
        """Clips x tokens x hidden to the states after every layer, and what each layer keeps for the questions."""
        hidden, after, kept = embedded, [], []
        for layer in self.text.layers:
            entered = layer.input_layernorm(hidden)
            if layer.block_type == "linear_attention":
                mixed, keeps = linear_attention(layer.linear_attn, entered, None)
            else:
                mixed, keeps = self._attend_prefix(layer.self_attn, entered, cos, sin)
            hidden = hidden + mixed
            hidden = hidden + layer.mlp(layer.post_attention_layernorm(hidden))
            after.append(hidden)
            kept.append(keeps)
        return after, kept

    def _attend_prefix(
        self, attention: Any, entered: Tensor, cos: Tensor, sin: Tensor
    ) -> tuple[Tensor, dict[str, Tensor]]:
        query, gate, key, value = project(attention, entered, cos, sin)
        read = functional.scaled_dot_product_attention(query, key, value, is_causal=True, scale=attention.scaling)
        return give_out(attention, read, gate), {"key": key, "value": value}

    def questions(
        self, embedded: Tensor, kept: list[dict[str, Tensor]], cos: Tensor, sin: Tensor, watched_layer: int
    ) -> tuple[Tensor, Tensor, Tensor, Tensor]:
        """Clips x questions x tokens x hidden to the normed last states, the states before the watched layer, and how
        the first heads of the layer before it and of that layer share their attention over the prefix (both clips x
        questions x tokens x prefix tokens)."""
        clips, count, tokens, size = embedded.shape
        hidden = embedded.reshape(clips * count, tokens, size)
        future = torch.full((tokens, tokens), float("-inf")).triu(1)
        before = hidden
        watched = []
        for number, layer in enumerate(self.text.layers):
            if number == watched_layer:
                before = hidden
            entered = layer.input_layernorm(hidden)
            if layer.block_type == "linear_attention":
                start = {name: state.repeat_interleave(count, dim=0) for name, state in kept[number].items()}
                mixed, _ = linear_attention(layer.linear_attn, entered, start)
            else:
                attention = layer.self_attn
                query, gate, key, value = project(attention, entered, cos, sin)
                heads, length = query.shape[1], kept[number]["key"].shape[2]
                query = query * attention.scaling
                # One clip's questions share its prefix, so they are one long row of queries there.
                long_query = query.view(clips, count, heads, tokens, -1).transpose(1, 2).flatten(2, 3)
                to_prefix = long_query @ kept[number]["key"].transpose(-1, -2)
                to_prefix = to_prefix.view(clips, heads, count, tokens, length)
                to_self = query @ key.transpose(-1, -2) + future
                to_self = to_self.view(clips, count, heads, tokens, tokens).transpose(1, 2)
                shares = torch.cat([to_prefix, to_self], dim=-1).softmax(-1)
                on_prefix, on_self = shares[..., :length], shares[..., length:]
                if number in (watched_layer - 1, watched_layer):
                    watched.append(on_prefix[:, 0])
                read = (on_prefix.flatten(2, 3) @ kept[number]["value"]).view(clips, heads, count, tokens, -1)
                read = read + on_self @ value.view(clips, count, heads, tokens, -1).transpose(1, 2)
                read = read.transpose(1, 2).reshape(clips * count, heads, tokens, -1)
                mixed = give_out(attention, read, gate)
            hidden = hidden + mixed
            hidden = hidden + layer.mlp(layer.post_attention_layernorm(hidden))
        normed: Tensor = self.text.norm(hidden)
        return normed.view(clips, count, tokens, size), before.view(clips, count, tokens, size), watched[0], watched[1]


def project(attention: Any, entered: Tensor, cos: Tensor, sin: Tensor) -> tuple[Tensor, Tensor, Tensor, Tensor]:
    """Query, gate, key and value of a full-attention layer; all but the gate are rows x heads x tokens x head size."""
    rows, tokens, _ = entered.shape
    size = attention.head_dim
    query, gate = attention.q_proj(entered).view(rows, tokens, -1, 2 * size).chunk(2, dim=-1)
    query = attention.q_norm(query).transpose(1, 2)
    key = attention.k_norm(attention.k_proj(entered).view(rows, tokens, -1, size)).transpose(1, 2)
    value = attention.v_proj(entered).view(rows, tokens, -1, size).transpose(1, 2)
    return rotate(query, cos, sin), gate.reshape(rows, tokens, -1), rotate(key, cos, sin), value


def give_out(attention: Any, read: Tensor, gate: Tensor) -> Tensor:
    """The attention's output through its gate and projection."""
    rows, _, tokens, _ = read.shape
    gated: Tensor = attention.o_proj(read.transpose(1, 2).reshape(rows, tokens, -1) * torch.sigmoid(gate))
    return gated


def linear_attention(layer: Any, entered: Tensor, start: dict[str, Tensor] | None) -> tuple[Tensor, dict[str, Tensor]]:
    """A linear-attention layer from an empty state or a given one, and the state it ends in."""
    from transformers.models.qwen3_5.modeling_qwen3_5 import torch_chunk_gated_delta_rule

    rows, tokens, _ = entered.shape
    mixed = layer.in_proj_qkv(entered).transpose(1, 2)
    gate = layer.in_proj_z(entered).view(rows, tokens, -1, layer.head_v_dim)
    before = mixed.new_zeros(rows, mixed.shape[1], layer.conv_kernel_size - 1) if start is None else start["tail"]
    joined = torch.cat([before, mixed], dim=-1)
    convolved = functional.silu(functional.conv1d(joined, layer.conv1d.weight, groups=layer.conv_dim)).transpose(1, 2)
    query, key, value = torch.split(convolved, [layer.key_dim, layer.key_dim, layer.value_dim], dim=-1)
    decay = -layer.A_log.float().exp() * functional.softplus(layer.in_proj_a(entered).float() + layer.dt_bias)
    read, state = torch_chunk_gated_delta_rule(
        query.reshape(rows, tokens, -1, layer.head_k_dim),
        key.reshape(rows, tokens, -1, layer.head_k_dim),
        value.reshape(rows, tokens, -1, layer.head_v_dim),
        g=decay,
        beta=layer.in_proj_b(entered).sigmoid(),
        chunk_size=64 if tokens > 48 else 16,
        initial_state=None if start is None else start["state"],
        output_final_state=True,
        use_qk_l2norm_in_kernel=True,
    )
    read = layer.norm(read.reshape(-1, layer.head_v_dim), gate.reshape(-1, layer.head_v_dim))
    result: Tensor = layer.out_proj(read.reshape(rows, tokens, -1))
    return result, {"tail": joined[:, :, joined.shape[-1] - (layer.conv_kernel_size - 1) :], "state": state}
