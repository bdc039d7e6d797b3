"""Opens a checkpoint: the files, the device, the number format, and the weights.

The weights go into transformers' own class, from safetensors only, and no code that comes with a model is run. Nothing
is fetched: `hub.py` finds what is on disk. torch is imported to load the weights, or to look for a graphics card
where there may be one.
"""

from __future__ import annotations

import importlib.util
import logging
import os
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any

from marlin_edit.analysis import ModelIdentity
from marlin_edit.console import NOTICE
from marlin_edit.errors import MarlinEditError, UsageError
from marlin_edit.marlin import hub
from marlin_edit.marlin.backend import MarlinModel
from marlin_edit.marlin.tokenizer import Tokens
from marlin_edit.sampling import read_profile
from marlin_edit.settings import Settings

if TYPE_CHECKING:
    from marlin_edit.marlin.engine import Engine

_log = logging.getLogger(__name__)

SMALL_MODEL = 1_000_000_000
"""Parameters up to which a CPU runs in float32, where answers do not depend on how questions are grouped. Above it
takes bfloat16: half the memory (about 6 GB instead of 11 for 2B) and, on CPUs that have it, a third of the time."""


DTYPES = ("bfloat16", "float16", "float32")

_CARDS = ("/dev/nvidiactl", "/dev/kfd", "/dev/dxg", "/proc/driver/nvidia/version")
"""One of these is there on Linux where a driver of NVIDIA's or AMD's is, or Windows' one for its Linux."""


def open_checkpoint(
    source: str, settings: Settings, revision: str | None = None, name: str | None = None
) -> MarlinModel:
    """Open a model of the Qwen3.5-VL family: a directory, or a name on the hub whose files are on disk.

    The weights are loaded when the first window is watched, so that all else can be refused before. name: what it is
    called in results, where that is not the source's own name. Raises MarlinEditError, which says what to do, where
    the files are missing, not whole or of another kind, and where the device is missing.
    """
    checkpoint = hub.find(source, revision)
    device = choose_device(settings.value("device", str))
    dtype = choose_dtype(settings.value("dtype", str), device, hub.weights(checkpoint.path).parameters)
    profile = read_profile(checkpoint.path)
    tokens = Tokens(checkpoint.path / "tokenizer.json")
    identity = ModelIdentity(name or checkpoint.name, checkpoint.revision, profile.name, dtype, profile.notice)

    def load() -> Engine:
        for module in ("torch", "transformers"):
            if importlib.util.find_spec(module) is None:
                raise MarlinEditError(
                    f"The model {identity.name} needs {module}, which is not installed here: pip install marlin-edit "
                    "brings it. Without it, what is stored can be used, and all commands that need no model."
                )
        import torch

        from marlin_edit.marlin.engine import Engine

        model = _load(checkpoint.path, device, dtype)
        try:
            engine = Engine(model, tokens, profile)
        except (RuntimeError, TypeError, AttributeError, ValueError) as error:
            raise MarlinEditError(
                f"The installed transformers cannot run this model on {device}: {error}. "
                "`marlin-edit doctor` has details."
            ) from error
        place = f"{device} ({torch.cuda.get_device_name()})" if device.startswith("cuda") else device
        _log.log(NOTICE, "%s runs on %s, %s", identity.name, place, identity.dtype)
        return engine

    return MarlinModel(load, profile, identity, settings.value("decoder", str), checkpoint.path / hub.CALIBRATION_FILE)


def choose_device(wanted: str) -> str:
    """`auto`: the best that is here. Anything else is taken at its word, or refused."""
    if wanted in ("auto", "cpu") and (wanted == "cpu" or not _may_have_card()):
        return "cpu"
    import torch

    here = {"cuda": torch.cuda.is_available(), "mps": torch.backends.mps.is_available(), "cpu": True}
    if wanted == "auto":
        return next(device for device, present in here.items() if present)
    if wanted not in here:
        raise UsageError(f"There is no device {wanted!r}: auto, {', '.join(here)}.")
    if not here[wanted]:
        there = " or ".join(device for device, present in here.items() if present)
        raise UsageError(
            f"The installed torch ({torch.__version__}) finds no {wanted} device here. Use {there}, or auto."
        )
    return wanted


def _may_have_card() -> bool:
    """Whether torch could find anything but the CPU. Only on Linux can that be ruled out without asking it."""
    if importlib.util.find_spec("torch") is None:
        return False
    return not sys.platform.startswith("linux") or any(map(os.path.exists, _CARDS))


def choose_dtype(wanted: str, device: str, parameters: int) -> str:
    """`auto`: bfloat16 on CUDA (float16 on cards without it), float16 on MPS, on a CPU by size (see SMALL_MODEL)."""
    if wanted in DTYPES:
        return wanted
    if wanted != "auto":
        raise UsageError(f"There is no number format {wanted!r}: auto, {', '.join(DTYPES)}.")
    if device == "cuda":
        import torch

        return "bfloat16" if torch.cuda.is_bf16_supported() else "float16"
    if device == "mps":
        return "float16"
    return "float32" if parameters <= SMALL_MODEL else "bfloat16"


def memory_text(device: str) -> str:
    """A device's name and memory, for a person; nothing where torch does not tell."""
    if device != "cuda":
        return ""
    import torch

    properties = torch.cuda.get_device_properties(0)
    return f"({properties.name}, {properties.total_memory / 2**30:.0f} GiB)"


def _load(path: Path, device: str, dtype: str) -> Any:
    import torch
    import transformers

    from marlin_edit.marlin.device_memory import out_of_memory
    from marlin_edit.marlin.prefix_cache import quieten

    quieten()
    values = hub.read_config(path)
    values = {key: value for key, value in values.items() if key not in ("auto_map", "model_type", "architectures")}
    stored = hub.weights(path).values
    text: dict[str, Any] = values.get("text_config") or {}
    tied = bool(values.get("tie_word_embeddings") or text.get("tie_word_embeddings") or "lm_head.weight" not in stored)
    try:
        config: Any = transformers.Qwen3_5Config.from_dict(values)
        for part in (config, config.text_config):
            part.tie_word_embeddings = tied
            part.use_cache = True
        loaded: Any = transformers.Qwen3_5ForConditionalGeneration.from_pretrained(
            path,
            config=config,
            dtype=getattr(torch, dtype),
            use_safetensors=True,
            trust_remote_code=False,
            local_files_only=True,
            attn_implementation="sdpa",
            output_loading_info=True,
        )
        model, found = loaded
        missing = sorted(key for key in found["missing_keys"] if not (tied and key == "lm_head.weight"))
        if missing:
            raise MarlinEditError(
                f"The weights in {path} do not fit its config.json: {len(missing)} tensors are missing, such as "
                f"{missing[0]}. Get the model again."
            )
        if tied:
            model.lm_head.weight = model.model.language_model.embed_tokens.weight
        model.requires_grad_(False)
        model.eval()
        return model.to(device)
    except MarlinEditError:
        raise
    except Exception as error:  # transformers and safetensors raise all kinds
        if out_of_memory(error):
            raise MarlinEditError(
                f"There is not enough memory on {device} to load the model as {dtype}. "
                "Try --dtype bfloat16, or another --device, or close other programs that use it."
            ) from error
        reason = " ".join(str(error).split())[:300]
        raise MarlinEditError(f"The model in {path} cannot be loaded: {reason}. Get the model again.") from error
