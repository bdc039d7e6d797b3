"""The demo model's size, and its checkpoint folder: exactly the stock class, small."""

from __future__ import annotations

import json
from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from transformers import Qwen3_5Config, Qwen3_5ForConditionalGeneration
    from transformers.models.qwen3_5.configuration_qwen3_5 import Qwen3_5VisionConfig

HIDDEN = 160
LAYERS = ("full_attention", "full_attention", "linear_attention", "full_attention", "full_attention")
LONGEST_WINDOW = 30

PROFILE: dict[str, Any] = {
    "schema": "marlin-edit.profile/1",
    "name": "demo-shapes/1",
    "fps": "2",
    "min_frames": 4,
    "max_frames": 60,
    "pixels_per_frame": 8192,
    "smallest_pixels": 4096,
    "outer_vision_tokens": False,
    "answer_prefix": "<think>\n\n</think>\n\n",
    "longest_window": str(LONGEST_WINDOW),
    "notice": "demo model: knows coloured shapes only",
}


def vision_settings() -> dict[str, Any]:
    """The vision tower's sizes."""
    return {
        "depth": 3,
        "hidden_size": 128,
        "intermediate_size": 256,
        "num_heads": 4,
        "out_hidden_size": HIDDEN,
        "num_position_embeddings": 64,
        "initializer_range": 0.07,
        "patch_size": 16,
        "spatial_merge_size": 2,
        "temporal_patch_size": 2,
    }


def vision_config() -> Qwen3_5VisionConfig:
    """The vision tower's configuration."""
    from transformers.models.qwen3_5.configuration_qwen3_5 import Qwen3_5VisionConfig

    return Qwen3_5VisionConfig(**vision_settings())


def model_config(vocabulary: int, tokens: dict[str, int]) -> Qwen3_5Config:
    """`tokens` are the numbers of the special tokens, by their text."""
    from transformers import Qwen3_5Config

    text = {
        "vocab_size": vocabulary,
        "hidden_size": HIDDEN,
        "intermediate_size": 384,
        "num_hidden_layers": len(LAYERS),
        "layer_types": list(LAYERS),
        "num_attention_heads": 5,
        "num_key_value_heads": 5,
        "head_dim": 32,
        "initializer_range": 0.06,
        "linear_key_head_dim": 32,
        "linear_value_head_dim": 32,
        "linear_num_key_heads": 4,
        "linear_num_value_heads": 4,
        "linear_conv_kernel_dim": 4,
        "max_position_embeddings": 8192,
        "rope_parameters": {
            "rope_type": "default",
            "rope_theta": 1000.0,
            "partial_rotary_factor": 0.5,
            "mrope_section": [4, 2, 2],
            "mrope_interleaved": True,
        },
        "tie_word_embeddings": True,
        "eos_token_id": tokens["<|im_end|>"],
        "pad_token_id": tokens["<|endoftext|>"],
    }
    return Qwen3_5Config(
        text_config=text,
        vision_config=vision_settings(),
        image_token_id=tokens["<|image_pad|>"],
        video_token_id=tokens["<|video_pad|>"],
        vision_start_token_id=tokens["<|vision_start|>"],
        vision_end_token_id=tokens["<|vision_end|>"],
        tie_word_embeddings=True,
    )


def save_checkpoint(model: Qwen3_5ForConditionalGeneration, folder: Path, end_tokens: list[int]) -> None:
    """Everything but the tokenizer and the model card. The weights are rounded to float16, as they are stored."""
    import copy

    from transformers import GenerationConfig

    stored: Any = copy.deepcopy(model)
    stored.half()
    stored.generation_config = GenerationConfig(  # type: ignore[no-untyped-call]
        do_sample=False, eos_token_id=end_tokens, pad_token_id=end_tokens[0], max_new_tokens=512
    )
    stored.save_pretrained(folder, safe_serialization=True)
    profile = json.dumps(PROFILE, indent=1, ensure_ascii=False)
    (folder / "marlin_edit_profile.json").write_text(profile + "\n", encoding="utf-8")
