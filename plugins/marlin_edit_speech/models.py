"""Which speech models are on disk: Whisper in CTranslate2's form. Looks only: nothing is fetched."""

from __future__ import annotations

import hashlib
import importlib.util
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from marlin_edit.errors import MarlinEditError, did_you_mean
from marlin_edit.interfaces import ModelOnDisk
from marlin_edit.settings import Settings

INSTALL = "pip install 'marlin-edit[speech]'"

WEIGHTS = "model.bin"
NEEDED = (WEIGHTS, "config.json", "tokenizer.json")
_VOCABULARIES = ("vocabulary.txt", "vocabulary.json")
_SAMPLE = 1 << 20


@dataclass(frozen=True)
class Known:
    """A model that people know by its size. megabytes: about, of its weights."""

    repository: str
    megabytes: int
    note: str = ""


KNOWN = {
    "tiny": Known("Systran/faster-whisper-tiny", 75),
    "tiny.en": Known("Systran/faster-whisper-tiny.en", 75, "English"),
    "base": Known("Systran/faster-whisper-base", 145),
    "base.en": Known("Systran/faster-whisper-base.en", 145, "English"),
    "small": Known("Systran/faster-whisper-small", 484),
    "small.en": Known("Systran/faster-whisper-small.en", 484, "English"),
    "medium": Known("Systran/faster-whisper-medium", 1528),
    "medium.en": Known("Systran/faster-whisper-medium.en", 1528, "English"),
    "turbo": Known("mobiuslabsgmbh/faster-whisper-large-v3-turbo", 1618),
    "large-v3": Known("Systran/faster-whisper-large-v3", 3087),
}
"""About, and as people know them: neither sizes nor licences (MIT) could be looked up when this was written."""


def check(settings: Settings) -> Path:
    """The directory of the speech model of the settings; MarlinEditError says what to install or to download."""
    if importlib.util.find_spec("faster_whisper") is None:
        raise MarlinEditError(f"To write down what is said, install the speech extra: {INSTALL}")
    return find(settings.value("speech_model", str))


def find(name: str) -> Path:
    """The directory of a model, by its size, its name on the hub, or its path."""
    directory = Path(name).expanduser()
    if directory.is_dir():
        problem = _fault(directory)
        if problem:
            raise MarlinEditError(f"The speech model {name} cannot be used: {problem}.")
        return directory.resolve()
    repository = KNOWN[name].repository if name in KNOWN else name
    if repository.count("/") != 1 or directory.is_absolute() or name.startswith((".", "~")):
        sizes = ", ".join(KNOWN)
        raise MarlinEditError(
            f"There is no speech model {name!r}.{did_you_mean(name, KNOWN)} Sizes: {sizes}; or name a directory."
        )
    cached = _cached(repository)
    if cached is None or _fault(cached):
        size = f" ({_size(KNOWN[name].megabytes)}, MIT licence)" if name in KNOWN else ""
        raise MarlinEditError(
            f"The speech model {name} is not on this computer. Download it{size} with: hf download {repository}. "
            "--speech-model takes a directory, too."
        )
    return cached


def fingerprint(directory: Path) -> str:
    """Changes whenever the weights do: their size, and a hash of their beginning, middle and end and of the rest."""
    digest = hashlib.sha256()
    for name in (*NEEDED, *_VOCABULARIES):
        path = directory / name
        if not path.is_file():
            continue
        size = path.stat().st_size
        digest.update(f"{name} {size} ".encode())
        with open(path, "rb") as file:
            for place in (0, size // 2, max(0, size - _SAMPLE)):
                file.seek(place)
                digest.update(file.read(_SAMPLE))
    return digest.hexdigest()[:40]


def models_on_disk() -> list[ModelOnDisk]:
    """The known models that are here, and of the others the default."""
    return list(_described())


def _described() -> Iterator[ModelOnDisk]:
    missing = "" if importlib.util.find_spec("faster_whisper") is not None else f"; needs {INSTALL}"
    for name, known in KNOWN.items():
        path = _cached(known.repository)
        note = f"speech, for --speech-model{', ' + known.note if known.note else ''}{missing}"
        if path is None and name != "small":
            continue
        if path is None:
            yield ModelOnDisk(name, None, "not downloaded", known.megabytes * 10**6, "MIT", note)
        else:
            size = sum(file.stat().st_size for file in path.iterdir() if file.is_file())
            yield ModelOnDisk(name, path, "incomplete" if _fault(path) else "ready", size, "MIT", note)


def _fault(directory: Path) -> str:
    """Why a directory is no speech model, or nothing."""
    missing = [name for name in NEEDED if not (directory / name).is_file()]
    if missing:
        return f"{directory} has no {' and no '.join(missing)}. It has to be a Whisper model in CTranslate2's form"
    if not any((directory / name).is_file() for name in _VOCABULARIES):
        return f"{directory} has no {' or '.join(_VOCABULARIES)}"
    return ""


def _cached(repository: str) -> Path | None:
    """The newest snapshot of a repository in the hub's cache that has weights."""
    from huggingface_hub import try_to_load_from_cache

    found = try_to_load_from_cache(repository, WEIGHTS)
    return Path(found).parent if isinstance(found, str) else None


def _size(megabytes: int) -> str:
    return f"{megabytes / 1000:.1f} GB" if megabytes >= 1000 else f"{megabytes} MB"
