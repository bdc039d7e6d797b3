"""How long a model takes here, measured in seconds: a part of its layers, with any weights, on what a film would give.

All layers of a kind take the same time, so some of them tell of all. The weights need not be on disk: the shape of
Marlin-2B is written here.
"""

from __future__ import annotations

import copy
import tempfile
import time
from collections.abc import Callable
from dataclasses import dataclass
from fractions import Fraction
from pathlib import Path
from typing import Any

import torch
from transformers.cache_utils import DynamicCache

from marlin_edit.marlin.frames import read_frames
from marlin_edit.marlin.prefix_cache import ATTENTION, continued, quieten
from marlin_edit.media import probe
from marlin_edit.sampling import PatchLayout, Profile, target_size
from marlin_edit.timebase import Span

CAPTION_TOKENS = 200
"""How long a caption of a window is taken to be."""

WINDOW, STEP = 60, 50
"""Seconds of a window, and from one to the next."""

_WIDTH, _HEIGHT, _RATE, _CLIP_SECONDS = 1920, 1080, 30, 2
_HEAD_PARTS = 8

MARLIN_SHAPE: dict[str, Any] = {
    "model_type": "qwen3_5",
    "tie_word_embeddings": True,
    "image_token_id": 248056,
    "video_token_id": 248057,
    "vision_start_token_id": 248053,
    "vision_end_token_id": 248054,
    "text_config": {
        "model_type": "qwen3_5_text",
        "vocab_size": 248320,
        "hidden_size": 2048,
        "intermediate_size": 6144,
        "num_hidden_layers": 24,
        "layer_types": (["linear_attention"] * 3 + ["full_attention"]) * 6,
        "num_attention_heads": 8,
        "num_key_value_heads": 2,
        "head_dim": 256,
        "linear_num_key_heads": 16,
        "linear_num_value_heads": 16,
        "linear_key_head_dim": 128,
        "linear_value_head_dim": 128,
        "linear_conv_kernel_dim": 4,
        "max_position_embeddings": 262144,
        "tie_word_embeddings": True,
        "eos_token_id": 248046,
        "rope_parameters": {
            "rope_type": "default",
            "rope_theta": 1e7,
            "partial_rotary_factor": 0.25,
            "mrope_interleaved": True,
            "mrope_section": [11, 11, 10],
        },
    },
    "vision_config": {
        "model_type": "qwen3_5_vision",
        "depth": 24,
        "hidden_size": 1024,
        "intermediate_size": 4096,
        "num_heads": 16,
        "patch_size": 16,
        "spatial_merge_size": 2,
        "temporal_patch_size": 2,
        "out_hidden_size": 2048,
        "num_position_embeddings": 2304,
    },
}
"""The config of Qwen3.5-2B, which is Marlin-2B's."""

MARLIN_PARAMETERS = 2_213_000_000


@dataclass(frozen=True)
class Pace:
    """What a model takes here, in seconds.

    decoding: to read the frames of a second of 1080p film. seeing: to look at a second of it. reading: to read a window
    of 60 s. answering: to write a token of an answer. overlapped: whether frames are decoded while the model works
    elsewhere.
    """

    decoding: float
    seeing: float
    reading: float
    answering: float
    overlapped: bool

    def caption(self, seconds: float) -> float:
        """Seconds that it takes to caption so many seconds of film."""
        windows = 1 + max(0.0, seconds - WINDOW) / STEP
        model = seconds * self.seeing + windows * (self.reading + CAPTION_TOKENS * self.answering)
        decoding = seconds * self.decoding
        return max(model, decoding) if self.overlapped else model + decoding


def pace_of(values: dict[str, Any], profile: Profile, device: str, dtype: str, decoder: str) -> Pace:
    """The pace of a model of this config (its `config.json`): tried for some seconds.

    Raises what torch and transformers raise where they cannot run such a model here, or run out of memory.
    """
    import transformers

    quieten()
    given = {key: value for key, value in values.items() if key not in ("auto_map", "model_type", "architectures")}
    config: Any = transformers.Qwen3_5Config.from_dict(given)
    vision, text = config.vision_config, config.text_config
    layout = PatchLayout(vision.patch_size, vision.spatial_merge_size, vision.temporal_patch_size)
    rows, columns = (length // layout.patch for length in _picture(profile, layout))
    tokens = rows * columns // layout.merge**2 + 3
    trial = _Trial(device, getattr(torch, dtype))
    pairs = float(profile.fps) / layout.temporal
    return Pace(
        decoding=_decoding(profile, decoder),
        seeing=trial.seeing(vision, rows, columns) * pairs,
        reading=trial.reading(text) * tokens * pairs * WINDOW,
        answering=trial.answering(text),
        overlapped=device != "cpu",
    )


def _picture(profile: Profile, layout: PatchLayout) -> tuple[int, int]:
    frames = int(profile.fps * WINDOW)
    return target_size(frames, _HEIGHT, _WIDTH, profile, layout)


class _Trial:
    """Times parts of a model on a device, in a number format."""

    def __init__(self, device: str, dtype: torch.dtype) -> None:
        self._device = device
        self._dtype = dtype
        self._large = device != "cpu"

    def seeing(self, config: Any, rows: int, columns: int) -> float:
        """Seconds that a pair of frames takes."""
        from transformers.models.qwen3_5.modeling_qwen3_5 import Qwen3_5VisionModel

        pairs = 8 if self._large else 1
        few = copy.copy(config)
        few.depth = min(2, config.depth)
        model = self._made(lambda: Qwen3_5VisionModel(few))
        width = config.in_channels * config.temporal_patch_size * config.patch_size**2
        patches = self._values(pairs * rows * columns, width)
        grid = torch.tensor([[pairs, rows, columns]], device=self._device)
        return self._seconds(lambda: model(patches, grid_thw=grid)) / pairs * float(config.depth / few.depth)

    def reading(self, config: Any) -> float:
        """Seconds that a token of a window takes."""
        count = 4096 if self._large else 512
        model, layers = self._language(config)
        embedded, places = self._values(1, count, config.hidden_size), self._places(0, count)

        def read() -> None:
            model(inputs_embeds=embedded, position_ids=places, past_key_values=DynamicCache(config=model.config))

        return self._seconds(read) / count * float(config.num_hidden_layers / layers)

    def answering(self, config: Any) -> float:
        """Seconds that a token of an answer takes."""
        model, layers = self._language(config)
        read = DynamicCache(config=model.config)
        with torch.inference_mode():
            embedded, places = self._values(1, 64, config.hidden_size), self._places(0, 64)
            model(inputs_embeds=embedded, position_ids=places, past_key_values=read)
        # As the engine goes on, by `_SharedLayer`s: another way may take another time.
        state = continued(read)
        head = self._made(lambda: torch.nn.Linear(config.hidden_size, config.vocab_size // _HEAD_PARTS, bias=False))
        token, place = self._values(1, 1, config.hidden_size), self._places(64, 1)
        step = self._seconds(lambda: model(inputs_embeds=token, position_ids=place, past_key_values=state), 8)
        return step * float(config.num_hidden_layers / layers) + self._seconds(lambda: head(token), 4) * _HEAD_PARTS

    def _language(self, config: Any) -> tuple[Any, int]:
        """Some of its layers, as many of each kind as their share is, and how many."""
        from transformers.models.qwen3_5.modeling_qwen3_5 import Qwen3_5TextModel

        kinds = list(config.layer_types)
        period = kinds.index("full_attention") + 1 if "full_attention" in kinds else len(kinds)
        few = copy.copy(config)
        few.num_hidden_layers, few.layer_types = period, kinds[:period]
        few.vocab_size, few.pad_token_id = 8, None
        model = self._made(lambda: Qwen3_5TextModel(few))
        model.set_attn_implementation(ATTENTION)
        return model, period

    def _made(self, make: Callable[[], Any]) -> Any:
        """A module with weights of no meaning, made where it runs and in no time."""
        with torch.device("meta"):
            module = make()
        module = module.to(self._dtype).to_empty(device=self._device).eval().requires_grad_(False)
        for value in (*module.parameters(), *module.buffers()):
            value.fill_(0.01)
        return module

    def _values(self, *shape: int) -> torch.Tensor:
        return torch.full(shape, 0.01, device=self._device, dtype=self._dtype)

    def _places(self, first: int, count: int) -> torch.Tensor:
        return torch.arange(first, first + count, device=self._device).expand(3, 1, -1)

    def _seconds(self, work: Callable[[], object], times: int = 1) -> float:
        """Seconds of a call, after one that nobody times."""
        with torch.inference_mode():
            work()
            self._wait()
            began = time.perf_counter()
            for _ in range(times):
                work()
            self._wait()
            return float(time.perf_counter() - began) / times

    def _wait(self) -> None:
        if self._device == "cuda":
            torch.cuda.synchronize()
        elif self._device == "mps":
            torch.mps.synchronize()


def _decoding(profile: Profile, decoder: str) -> float:
    """Seconds that reading the frames of a second of film takes, of a film that is made for it."""
    with tempfile.TemporaryDirectory(prefix="marlin-edit-") as folder:
        path = Path(folder) / "film.mp4"
        _make_film(path)
        media = probe(path)
        for _ in range(2):  # the first one also loads what it needs
            began = time.perf_counter()
            for _ in read_frames(media, Span(Fraction(0), Fraction(_CLIP_SECONDS)), profile, decoder):
                pass
        return (time.perf_counter() - began) / _CLIP_SECONDS


def _make_film(path: Path) -> None:
    import av
    import numpy as np

    rows, columns = np.mgrid[0:_HEIGHT, 0:_WIDTH]
    stripes = ((columns * 3 + rows * 2) % 256).astype(np.uint8)
    with av.open(str(path), "w") as container:
        stream = container.add_stream("libx264", rate=_RATE, options={"preset": "ultrafast"})
        stream.width, stream.height, stream.pix_fmt = _WIDTH, _HEIGHT, "yuv420p"
        for number in range(_CLIP_SECONDS * _RATE):
            planes = np.full((_HEIGHT * 3 // 2, _WIDTH), 128, np.uint8)
            planes[:_HEIGHT] = np.roll(stripes, number * 7, 1)
            container.mux(stream.encode(av.VideoFrame.from_ndarray(planes, format="yuv420p")))
        container.mux(stream.encode(None))
