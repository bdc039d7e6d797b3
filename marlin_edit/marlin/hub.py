"""Which models are on disk, whether they are whole, and what licence each copy carries. Looks only: nothing is fetched.

A model is a directory with `config.json`, `tokenizer.json` and safetensors, given by its path or by its name on the
Hugging Face hub, whose cache is read as it lies on disk.
"""

from __future__ import annotations

import hashlib
import json
import os
import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from marlin_edit.errors import MarlinEditError
from marlin_edit.interfaces import ModelOnDisk
from marlin_edit.text import counted

CALIBRATION_FILE = "marlin_edit_calibration.json"
"""A calibration that comes with a checkpoint."""

DEFAULT_MODEL = "NemoStation/Marlin-2B"
PINNED = {DEFAULT_MODEL: "fd111fca4fc7897876fb0d7e9df22ca5ac8ab965"}
"""The revision used of a model where none is asked for. Of others it is what the hub calls `main`."""

FAMILY = ("Qwen3_5ForConditionalGeneration", "MarlinForConditionalGeneration")
READY, INCOMPLETE, ABSENT = "ready", "incomplete", "not downloaded"

_HUB_ID = re.compile(r"(?P<name>[A-Za-z0-9][\w.-]*/[A-Za-z0-9][\w.-]*)(@(?P<revision>[\w.-]+))?")
_PICKLES = (".bin", ".pt", ".pth", ".ckpt")
_SAMPLES = 16
_SAMPLE_SIZE = 64 * 1024
_TENSOR_SAMPLE = 4096


@dataclass(frozen=True)
class Checkpoint:
    """A model's files. name: as people call it. revision: the hub's commit, or a fingerprint of a directory."""

    name: str
    revision: str
    path: Path


@dataclass(frozen=True)
class Weights:
    """What the headers of safetensors files say: the files, each tensor's number of values, and bytes in all."""

    files: tuple[Path, ...]
    values: dict[str, int] = field(default_factory=dict)

    @property
    def parameters(self) -> int:
        """Values in all, a tied output layer that is stored once more not counted."""
        return sum(count for name, count in self.values.items() if name != "lm_head.weight")


def is_model(source: str) -> bool:
    """Whether a `--model` value can be a model's directory or its name on the hub."""
    return _HUB_ID.fullmatch(source) is not None or _is_path(source)


def find(source: str, revision: str | None = None) -> Checkpoint:
    """The files of a model. Raises MarlinEditError, with how to get them, where they are not (all) here."""
    directory = Path(source).expanduser()
    if _is_path(source):
        checkpoint = Checkpoint(directory.resolve().name, "", directory.resolve())
        if not directory.is_dir():
            raise MarlinEditError(f"There is no model directory {source}. `marlin-edit models` shows what there is.")
        problem = faults(checkpoint.path)
        if problem:
            raise MarlinEditError(f"The model {source} cannot be used: {problem}. Get the model again.{_MEANWHILE}")
        return Checkpoint(checkpoint.name, fingerprint(checkpoint.path), checkpoint.path)
    match = _HUB_ID.fullmatch(source)
    if match is None:
        raise MarlinEditError(
            f"{source!r} is neither a model's directory nor its name on the hub, like {DEFAULT_MODEL}.{_MEANWHILE}"
        )
    name = match["name"]
    wanted = revision or match["revision"] or PINNED.get(name, "main")
    path = _snapshot(name, wanted)
    if path is None:
        here = [snapshot.name[:8] for snapshot in _snapshots(name)]
        other = f" (revision {', '.join(here)} is here, {wanted[:8]} is not)" if here else ""
        if _unfinished(name):
            raise MarlinEditError(f"The model {name} is incomplete. {_how_to_get(name, wanted)}")
        raise MarlinEditError(f"The model {name} is not on this computer{other}. {_how_to_get(name, wanted)}")
    problem = faults(path)
    if problem:
        raise MarlinEditError(f"The model {name} cannot be used: {problem}. {_how_to_get(name, wanted)}")
    return Checkpoint(name, path.name, path)


_MEANWHILE = " Meanwhile `--model demo` works."


def _how_to_get(name: str, revision: str) -> str:
    option = "" if revision == "main" else f" --revision {revision}"
    return (
        f"Its page is https://huggingface.co/{name}: where access is limited, ask for it there, and read the licence. "
        f"Then log in with `hf auth login` (or set HF_TOKEN), and run `hf download {name}{option}`, "
        f"which continues where it stopped.{_MEANWHILE}"
    )


def faults(path: Path) -> str:
    """What keeps a directory from being a model of this family, in a few words; nothing where it can be used."""
    if not (path / "config.json").is_file():
        return "config.json is missing, so this is not a complete model"
    try:
        config = read_config(path)
    except MarlinEditError as error:
        return str(error)
    if not _in_family(config):
        kind = ", ".join(_architectures(config)) or str(config.get("model_type"))
        return f"it is a {kind} model, and only the family of Qwen3.5-VL ({FAMILY[0]}), such as Marlin, is known here"
    if not (path / "tokenizer.json").is_file():
        return "tokenizer.json is missing"
    try:
        weights(path)
    except MarlinEditError as error:
        return str(error)
    return ""


def read_config(path: Path) -> dict[str, Any]:
    """A model's `config.json`; MarlinEditError where it cannot be read."""
    try:
        config = json.loads((path / "config.json").read_text(encoding="utf-8"))
    except (OSError, ValueError, RecursionError) as error:
        raise MarlinEditError(f"its config.json cannot be read ({error})") from error
    if not isinstance(config, dict):
        raise MarlinEditError("its config.json is not a JSON object")
    return config


def _architectures(config: dict[str, Any]) -> list[str]:
    named = config.get("architectures")
    return [str(name) for name in named] if isinstance(named, list) else []


def _in_family(config: dict[str, Any]) -> bool:
    known = any(name in FAMILY for name in _architectures(config)) or config.get("model_type") == "qwen3_5"
    return known and isinstance(config.get("vision_config"), dict)


def weights(path: Path) -> Weights:
    """A model's safetensors, by their headers; MarlinEditError where one is missing, cut off or broken."""
    index = path / "model.safetensors.index.json"
    if index.is_file():
        try:
            names = sorted(set(json.loads(index.read_text(encoding="utf-8"))["weight_map"].values()))
        except (OSError, ValueError, KeyError, TypeError, AttributeError, RecursionError) as error:
            raise MarlinEditError(f"{index.name} cannot be read ({error})") from error
        files = [path / Path(str(name)).name for name in names]
    else:
        files = [path / "model.safetensors"]
    missing = [file.name[:100] for file in files if not _is_file(file)]
    if missing:
        if any(file.suffix in _PICKLES for file in path.iterdir()):
            raise MarlinEditError(
                "its weights are pickle files, which can run code when they are read; only safetensors are read"
            )
        raise MarlinEditError(f"{', '.join(missing)} is missing")
    values: dict[str, int] = {}
    for file in files:
        values.update(_tensors(file))
    return Weights(tuple(files), values)


def _is_file(path: Path) -> bool:
    try:
        return path.is_file()
    except OSError:  # a name that no system takes
        return False


def _tensors(file: Path) -> dict[str, int]:
    """The number of values of each tensor in a safetensors file, which must be exactly as long as its header says."""
    size = file.stat().st_size
    try:
        header = _header(file)
        tensors = {name: entry for name, entry in json.loads(header).items() if name != "__metadata__"}
        end = 8 + len(header) + max((int(entry["data_offsets"][1]) for entry in tensors.values()), default=0)
        values = {}
        for name, entry in tensors.items():
            first, last = entry["data_offsets"]
            if not 0 <= first <= last:
                raise ValueError("tensor without a place")
            count = 1
            for side in entry["shape"]:
                count *= int(side)
            values[name] = count
    except (OSError, ArithmeticError, ValueError, LookupError, TypeError, AttributeError, RecursionError) as error:
        raise MarlinEditError(f"{file.name} is not a safetensors file, or is broken") from error
    if size < end:
        raise MarlinEditError(f"{file.name} is cut off: {size:,} of {end:,} bytes are here")
    if size > end:
        raise MarlinEditError(f"{file.name} is broken: it is {counted(size - end, 'byte')} too long")
    return values


def _header(file: Path) -> bytes:
    with file.open("rb") as stream:
        length = int.from_bytes(stream.read(8), "little")
        if not 2 <= length <= 100_000_000:
            raise ValueError("no header")
        header = stream.read(length)
    if len(header) < length:
        raise ValueError("header cut off")
    return header


def fingerprint(path: Path) -> str:
    """What tells a directory's model from another: its texts whole, and of the weights size, header and samples.

    Every tensor is sampled in its middle, so that a model of which some layers were trained further is another one.
    """
    digest = hashlib.sha256()
    for name in ("config.json", "generation_config.json", "tokenizer.json", "marlin_edit_profile.json"):
        file = path / name
        if file.is_file():
            digest.update(f"{name}:{file.stat().st_size}:".encode())
            digest.update(file.read_bytes())
    for file in weights(path).files:
        size = file.stat().st_size
        digest.update(f"{file.name}:{size}:".encode())
        header = _header(file)
        digest.update(header)
        entries = [entry for name, entry in json.loads(header).items() if name != "__metadata__"]
        with file.open("rb") as stream:
            for first, last in sorted(tuple(entry["data_offsets"]) for entry in entries):
                middle = max(first, (first + last - _TENSOR_SAMPLE) // 2)
                stream.seek(8 + len(header) + middle)
                digest.update(stream.read(min(_TENSOR_SAMPLE, last - first)))
            for sample in range(_SAMPLES):
                stream.seek(max(0, size - _SAMPLE_SIZE) * sample // (_SAMPLES - 1))
                digest.update(stream.read(_SAMPLE_SIZE))
    return digest.hexdigest()[:16]


def licence(path: Path) -> str:
    """What a copy says of its own licence, and where: its card's `license:` field, or a licence file's first line."""
    found = []
    card = _beginning(path / "README.md")
    front = re.match(r"---\s*\n(.*?)\n---", card, re.DOTALL)
    if front is not None:
        field_ = re.search(r"^license(?:_name)?:\s*['\"]?([^'\"\n]+)", front[1], re.MULTILINE)
        if field_ is not None:
            found.append(f"{field_[1].strip()} (its card)")
    for name in ("LICENSE", "LICENSE.md", "LICENSE.txt", "LICENCE", "COPYING"):
        lines = [line.strip(" #\t") for line in _beginning(path / name).splitlines()]
        first = next((line for line in lines if line), None)
        if first is not None:
            found.append(f"{first[:80]} (its {name} file)")
            break
    return "; ".join(found) or "this copy does not say"


def _beginning(path: Path) -> str:
    try:
        with path.open(encoding="utf-8", errors="replace") as stream:
            return stream.read(20_000)
    except OSError:
        return ""


def describe(name: str, path: Path, note: str = "") -> ModelOnDisk:
    """A model's directory as `marlin-edit models` tells of it."""
    problem = faults(path)
    size = sum(file.stat().st_size for file in path.rglob("*") if file.is_file())
    return ModelOnDisk(
        name,
        path,
        INCOMPLETE if problem else READY,
        size,
        licence(path),
        "; ".join(filter(None, (note, problem))),
        path / CALIBRATION_FILE if (path / CALIBRATION_FILE).is_file() else None,
    )


def models_on_disk() -> list[ModelOnDisk]:
    """The default model, whether it is here or not, and every model of the family in the hub's cache."""
    found = []
    for folder in sorted(cache_directory().glob("models--*")):
        name = folder.name.removeprefix("models--").replace("--", "/", 1)
        for snapshot in _snapshots(name):
            pinned = PINNED.get(name)
            if name != DEFAULT_MODEL and not _snapshot_in_family(snapshot):
                continue
            revision = "the default revision" if pinned == snapshot.name else f"revision {snapshot.name[:8]}"
            usable = "" if pinned in (None, snapshot.name) else f", used with --model {name}@{snapshot.name[:8]}"
            found.append(describe(name, snapshot, revision + usable))
    pinned_path = _snapshot(DEFAULT_MODEL, PINNED[DEFAULT_MODEL])
    if pinned_path is None:
        state = INCOMPLETE if _unfinished(DEFAULT_MODEL) else ABSENT
        size = sum(file.stat().st_size for file in _blobs(DEFAULT_MODEL))
        note = f"`hf download {DEFAULT_MODEL} --revision {PINNED[DEFAULT_MODEL]}`"
        page = f"see https://huggingface.co/{DEFAULT_MODEL}"
        found.insert(0, ModelOnDisk(DEFAULT_MODEL, None, state, size, page, note))
    return found


def _snapshot_in_family(snapshot: Path) -> bool:
    try:
        return _in_family(read_config(snapshot))
    except MarlinEditError:
        return False


def _is_path(source: str) -> bool:
    return source.startswith((".", "~", "/", "\\")) or os.path.isabs(source) or Path(source).is_dir()


def cache_directory() -> Path:
    """The hub's cache, where its own library has it (`HF_HUB_CACHE`, `HF_HOME`)."""
    from huggingface_hub.constants import HF_HUB_CACHE

    return Path(HF_HUB_CACHE)


def _folder(name: str) -> Path:
    return cache_directory() / f"models--{name.replace('/', '--')}"


def _snapshots(name: str) -> list[Path]:
    folder = _folder(name) / "snapshots"
    return sorted(path for path in folder.glob("*") if path.is_dir())


def _snapshot(name: str, revision: str) -> Path | None:
    """Where a revision lies: a commit, the beginning of one (8 digits or more), or a branch such as `main`."""
    reference = _folder(name) / "refs" / revision
    commit = reference.read_text(encoding="utf-8").strip() if reference.is_file() else revision
    for path in _snapshots(name):
        if path.name == commit or (len(commit) >= 8 and path.name.startswith(commit)):
            return path
    return None


def _blobs(name: str) -> Iterator[Path]:
    return (path for path in (_folder(name) / "blobs").glob("*") if path.is_file())


def _unfinished(name: str) -> bool:
    return any(path.suffix == ".incomplete" for path in _blobs(name))
