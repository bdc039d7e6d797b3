"""What this computer has for running a model: cores, memory, disks and graphics cards, and why torch sees no card."""

from __future__ import annotations

import ctypes
import os
import platform
import shutil
import subprocess
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

GIB = 2**30
_CUDA_TORCH = "https://pytorch.org/get-started/locally"
_CPU_TORCH = "`pip install --force-reinstall torch --index-url https://download.pytorch.org/whl/cpu`"


@dataclass(frozen=True)
class Card:
    """An NVIDIA graphics card as its driver names it; `driver` is nothing where no driver answers."""

    name: str
    driver: str = ""


def cores() -> int:
    """Processor cores that this process may use."""
    affinity = getattr(os, "sched_getaffinity", None)
    return len(affinity(0)) if affinity is not None else os.cpu_count() or 1


def memory() -> tuple[int, int | None]:
    """Bytes of memory that this process may use, and how many of them are free; None where the system does not tell."""
    total = _total_memory()
    free = None
    with suppress(OSError, ValueError):
        for line in Path("/proc/meminfo").read_text().splitlines():
            if line.startswith("MemAvailable:"):
                free = int(line.split()[1]) * 1024
    for limit in ("/sys/fs/cgroup/memory.max", "/sys/fs/cgroup/memory/memory.limit_in_bytes"):
        with suppress(OSError, ValueError):
            total = min(total, int(Path(limit).read_text()))
    return total, None if free is None else min(free, total)


def _total_memory() -> int:
    if platform.system() == "Windows":
        return _windows_memory()
    return os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES")


def _windows_memory() -> int:
    class Status(ctypes.Structure):
        _fields_ = (
            ("length", ctypes.c_ulong),
            ("load", ctypes.c_ulong),
            *((name, ctypes.c_ulonglong) for name in ("total", "free", "page", "pages", "virtual", "virtuals", "more")),
        )

    status = Status(length=ctypes.sizeof(Status))
    windows: Any = getattr(ctypes, "windll", None)
    windows.kernel32.GlobalMemoryStatusEx(ctypes.byref(status))
    return int(status.total)


def free_space(path: Path) -> int | None:
    """Bytes that are free where a path is or would be; None where that cannot be found out."""
    for place in (path, *path.parents):
        if place.exists():
            with suppress(OSError):
                return shutil.disk_usage(place).free
            return None
    return None


def cards() -> list[Card]:
    """The NVIDIA cards, as the driver's own program lists them, else as the system does."""
    program = shutil.which("nvidia-smi")
    if program is not None:
        with suppress(OSError, subprocess.SubprocessError):
            listed = subprocess.run(
                [program, "--query-gpu=name,driver_version", "--format=csv,noheader"],
                capture_output=True,
                encoding="utf-8",
                errors="replace",
                timeout=20,
            )
            rows = [line.rsplit(",", 1) for line in listed.stdout.splitlines() if line.count(",") >= 1]
            if listed.returncode == 0 and rows:
                return [Card(name.strip(), driver.strip()) for name, driver in rows]
    return [Card("an NVIDIA card") for device in Path("/sys/bus/pci/devices").glob("*") if _is_nvidia(device)]


def _is_nvidia(device: Path) -> bool:
    with suppress(OSError):
        display = (device / "class").read_text().startswith("0x03")
        return display and (device / "vendor").read_text().strip() == "0x10de"
    return False


def why_no_cuda(found: list[Card]) -> tuple[str, str]:
    """Why the installed torch uses no NVIDIA card, and what to do; two empty texts where nothing is to be done.

    found: the cards that are there. torch.cuda.is_available() has said no.
    """
    import torch

    version, built_for = str(torch.__version__), getattr(torch.version, "cuda", None)
    if platform.system() == "Darwin" or getattr(torch.version, "hip", None):
        return "", ""
    if not found:
        if built_for is None:
            return "", ""
        return (
            f"torch {version} is built for CUDA {built_for}, and this computer has no NVIDIA card",
            f"Nothing needs to be done. The CPU build of torch takes about 3 GB less: {_CPU_TORCH}.",
        )
    card = found[0]
    if built_for is None:
        return (
            f"torch {version} is built without CUDA, and this computer has {card.name}",
            f"Install a torch that is built for CUDA: {_CUDA_TORCH} says how.",
        )
    if os.environ.get("CUDA_VISIBLE_DEVICES", "0").strip() in ("", "-1"):
        return f"CUDA_VISIBLE_DEVICES hides {card.name}", "Unset that variable to use the card."
    if not card.driver:
        return (
            f"this torch is built for CUDA {built_for} and finds no driver for {card.name}",
            "Install NVIDIA's driver, and restart the computer.",
        )
    said = _reason()
    return (
        f"this torch is built for CUDA {built_for} and cannot use {card.name} (driver {card.driver}){said}",
        f"Update the driver, or install a torch that is built for an older CUDA: {_CUDA_TORCH} lists them.",
    )


def old_card() -> str:
    """Why torch cannot use the CUDA device that it found, as a sentence; nothing where it can."""
    import torch

    major, minor = torch.cuda.get_device_capability()
    built = [name for name in torch.cuda.get_arch_list() if name.startswith("sm_")]
    oldest = min((int(name.removeprefix("sm_").rstrip("af")) for name in built), default=0)
    if major * 10 + minor >= oldest:
        return ""
    return (
        f"This torch has no code for the card (compute capability {major}.{minor}; {', '.join(built)} are in it). "
        f"Use --device cpu, or an older torch: {_CUDA_TORCH} lists them."
    )


def _reason() -> str:
    """torch's own words for why there is no CUDA."""
    import torch

    try:
        torch.cuda.init()  # type: ignore[no-untyped-call]
    except (RuntimeError, AssertionError) as error:
        lines = [line.strip() for line in str(error).splitlines() if line.strip()]
        return f": {lines[0][:200]}" if lines else ""
    return ""
