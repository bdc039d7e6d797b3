"""Training state, written whole or not at all, and the lines that a training run prints."""

from __future__ import annotations

import os
import time
from pathlib import Path
from typing import Any


def say(text: str) -> None:
    """Print a line with the time of day."""
    print(f"{time.strftime('%H:%M:%S')} {text}", flush=True)


def save_whole(state: dict[str, Any], path: Path) -> None:
    """Saves beside the target, then renames: a run that is killed leaves the state before."""
    import torch

    path.parent.mkdir(parents=True, exist_ok=True)
    partial = path.with_name(path.name + ".partial")
    torch.save(state, partial)
    os.replace(partial, path)
