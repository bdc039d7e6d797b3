"""Small random checkpoints of the real class, with their own byte-level tokenizer, for tests and benchmarks.

Their answers mean nothing; their arithmetic is Marlin's: hybrid layers, M-RoPE, the vision tower, tied embeddings. The
linear layers' memory is long (a small `A_log`), so that a state that gets lost changes what is answered.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

SPECIAL_TOKENS = (
    "<|endoftext|>",
    "<|im_start|>",
    "<|im_end|>",
    "<|vision_start|>",
    "<|vision_end|>",
    "<|vision_pad|>",
    "<|image_pad|>",
    "<|video_pad|>",
)
PLAIN_TOKENS = ("<think>", "</think>")
"""Matched in template text, as in Qwen's own tokenizer, but not marked as special there."""

_TEXTS = (
    "user\nassistant\n0.3 seconds1.3 seconds12.5 seconds",
    "Provide a spatial description of this clip followed by time-ranged events.\n"
    "For each event, give the time range as <start - end> and a short description.",
    'Identify the timestamps during which "a person opens a door" takes place. '
    'Output the time range as "From <start> to <end>." (numbers in seconds).',
)


def save_tokenizer(folder: Path, vocabulary: int = 360) -> dict[str, int]:
    """Writes a small `tokenizer.json` of Qwen's build (NFC, its word pattern, byte-level BPE); its tokens' ids."""
    from tokenizers import AddedToken, Regex, Tokenizer, decoders, models, normalizers, pre_tokenizers, trainers

    words = (
        r"(?i:'s|'t|'re|'ve|'m|'ll|'d)|[^\r\n\p{L}\p{N}]?[\p{L}\p{M}]+|\p{N}| ?[^\s\p{L}\p{M}\p{N}]+[\r\n]*"
        r"|\s*[\r\n]+|\s+(?!\S)|\s+"
    )
    tokenizer = Tokenizer(models.BPE())
    tokenizer.normalizer = normalizers.NFC()
    tokenizer.pre_tokenizer = pre_tokenizers.Sequence(
        [
            pre_tokenizers.Split(Regex(words), behavior="isolated"),
            pre_tokenizers.ByteLevel(add_prefix_space=False, use_regex=False),
        ]
    )
    tokenizer.decoder = decoders.ByteLevel()
    trainer = trainers.BpeTrainer(
        vocab_size=vocabulary, initial_alphabet=pre_tokenizers.ByteLevel.alphabet(), show_progress=False
    )
    tokenizer.train_from_iterator(_TEXTS, trainer)
    tokenizer.add_special_tokens([AddedToken(text, special=True, normalized=False) for text in SPECIAL_TOKENS])
    tokenizer.add_tokens([AddedToken(text, special=False, normalized=False) for text in PLAIN_TOKENS])
    tokenizer.save(str(folder / "tokenizer.json"))
    numbers = {text: tokenizer.token_to_id(text) or 0 for text in (*SPECIAL_TOKENS, *PLAIN_TOKENS)}
    return numbers | {"size": tokenizer.get_vocab_size()}


def save_checkpoint(
    folder: Path,
    *,
    hidden: int = 64,
    layers: tuple[str, ...] = ("linear_attention", "linear_attention", "full_attention", "linear_attention"),
    vision_hidden: int = 32,
    vision_depth: int = 2,
    vocabulary: int = 360,
    longest_window: str = "60",
    pixels_per_frame: int = 64 * 64,
    seed: int = 0,
    profile: bool = True,
) -> Path:
    """Makes `folder` a checkpoint: weights, config, tokenizer and, unless `profile` is off, a profile.

    hidden=512 with ten layers and vision_hidden=320 with six make 40 million parameters. With vocabulary=700 a question
    has about as many tokens as with Marlin's own tokenizer.
    """
    import torch
    from transformers import Qwen3_5Config, Qwen3_5ForConditionalGeneration

    from marlin_edit.marlin.prefix_cache import quieten

    quieten()
    folder.mkdir(parents=True, exist_ok=True)
    tokens = save_tokenizer(folder, vocabulary)
    config = Qwen3_5Config(
        text_config=_text_config(tokens, hidden, layers),
        vision_config=_vision_config(hidden, vision_hidden, vision_depth),
        image_token_id=tokens["<|image_pad|>"],
        video_token_id=tokens["<|video_pad|>"],
        vision_start_token_id=tokens["<|vision_start|>"],
        vision_end_token_id=tokens["<|vision_end|>"],
        tie_word_embeddings=True,
    )
    torch.manual_seed(seed)
    model = Qwen3_5ForConditionalGeneration(config)
    with torch.no_grad():
        for name, parameter in model.named_parameters():
            if name.endswith("A_log"):
                parameter.fill_(-6.0)
            elif parameter.dim() > 1:
                torch.nn.init.normal_(parameter, std=1.2 / parameter[0].numel() ** 0.5)
    model.generation_config.eos_token_id = [tokens["<|endoftext|>"], tokens["<|im_end|>"]]
    model.save_pretrained(folder)
    if profile:
        values = _profile(pixels_per_frame, longest_window)
        (folder / "marlin_edit_profile.json").write_text(json.dumps(values, indent=2) + "\n", encoding="utf-8")
    return folder


def _text_config(tokens: Mapping[str, int], hidden: int, layers: tuple[str, ...]) -> dict[str, Any]:
    heads = hidden // 32
    return {
        "vocab_size": tokens["size"],
        "hidden_size": hidden,
        "intermediate_size": hidden * 3,
        "num_hidden_layers": len(layers),
        "layer_types": list(layers),
        "num_attention_heads": heads,
        "num_key_value_heads": max(1, heads // 4),
        "head_dim": 32,
        "linear_num_key_heads": max(2, heads // 2),
        "linear_num_value_heads": max(2, heads // 2),
        "linear_key_head_dim": 32,
        "linear_value_head_dim": 32,
        "rope_parameters": {
            "rope_type": "default",
            "rope_theta": 10_000_000,
            "partial_rotary_factor": 0.5,
            "mrope_section": [3, 3, 2],
            "mrope_interleaved": True,
        },
        "initializer_range": 0.08,
        "tie_word_embeddings": True,
        "use_cache": False,
        "eos_token_id": tokens["<|endoftext|>"],
    }


def _vision_config(hidden: int, vision_hidden: int, depth: int) -> dict[str, Any]:
    return {
        "depth": depth,
        "hidden_size": vision_hidden,
        "intermediate_size": vision_hidden * 3,
        "num_heads": max(2, vision_hidden // 32),
        "out_hidden_size": hidden,
        "num_position_embeddings": 256,
        "initializer_range": 0.08,
    }


def _profile(pixels_per_frame: int, longest_window: str) -> dict[str, Any]:
    return {
        "schema": "marlin-edit.profile/1",
        "name": "random/1",
        "fps": "2",
        "min_frames": 4,
        "max_frames": 240,
        "pixels_per_frame": pixels_per_frame,
        "smallest_pixels": 4096,
        "outer_vision_tokens": False,
        "answer_prefix": "<think>\n\n</think>\n\n",
        "longest_window": longest_window,
        "notice": "random model: its answers mean nothing",
    }
