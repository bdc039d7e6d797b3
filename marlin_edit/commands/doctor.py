"""Check this computer: what is installed for running the model, what is missing, and how to get it."""

from __future__ import annotations

import importlib
import platform
from collections.abc import Iterator
from dataclasses import dataclass
from importlib import metadata, util

from marlin_edit.commands import Run, as_command, json_option
from marlin_edit.errors import ExitCode, MarlinEditError
from marlin_edit.text import counted

OK, NOTE, MISSING = "ok", "note", "missing"
OLDEST_TRANSFORMERS = (5, 7)
_KERNELS = {"fla": "flash-linear-attention", "causal_conv1d": "causal-conv1d"}


@dataclass(frozen=True)
class Check:
    """One thing that was checked. state: without what is `missing`, no video can be watched. advice: what to do."""

    name: str
    state: str
    found: str
    advice: str = ""


@as_command("doctor", settings=("model", "device", "dtype", "decoder"))
@json_option
def command(run: Run) -> ExitCode:
    """Check this computer: what is installed for running the model, what is missing, and how to get it.

    \b
    Examples:
      marlin-edit doctor
      marlin-edit doctor --model demo
    """
    checks = list(_checks(run))
    usable = all(check.state != MISSING for check in checks)
    if run.json:
        run.console.answer(
            {
                "usable": usable,
                "checks": [
                    {"name": check.name, "state": check.state, "found": check.found, "advice": check.advice}
                    for check in checks
                ],
            }
        )
    else:
        run.console.table(("", "checked", "found"), [(check.state, check.name, check.found) for check in checks])
        for check in checks:
            if check.advice:
                run.console.lines(f"{check.name}: {check.advice}")
    return ExitCode.DONE if usable else ExitCode.FAILED


def _checks(run: Run) -> Iterator[Check]:
    yield Check("python", OK, f"{platform.python_version()} on {platform.system()} {platform.machine()}")
    torch = _torch()
    yield torch
    device = ""
    if torch.state == OK:
        checked = _device(run)
        device = checked.found.split(" ")[0]
        yield checked
        yield from _torchvision()
        yield from _kernels(device)
    yield _transformers(torch, device)
    yield from _decoders(run)
    yield _model(run)
    yield from _plugins(run)


def _torch() -> Check:
    try:
        torch = importlib.import_module("torch")
    except (ImportError, OSError, RuntimeError) as error:
        return Check("torch", MISSING, _first_line(error), "Install it: `pip install torch`.")
    return Check("torch", OK, str(torch.__version__))


def _device(run: Run) -> Check:
    from marlin_edit.marlin.loading import choose_device, memory_text

    try:
        device = choose_device(run.settings.value("device", str))
    except MarlinEditError as error:
        return Check("device", MISSING, "not there", str(error))
    advice = ""
    if device == "cpu":
        advice = "On a CPU the 2B model is slow: one second of footage takes four seconds or more."
    return Check("device", OK, f"{device} {memory_text(device)}".strip(), advice)


def _transformers(torch: Check, device: str) -> Check:
    name = "transformers"
    wanted = ".".join(str(part) for part in OLDEST_TRANSFORMERS)
    get = f"Install it: `pip install -U 'transformers>={wanted},<6'`."
    version = _version("transformers")
    if version is None:
        return Check(name, MISSING, "not installed", get)
    parts = version.split(".")
    numbers = tuple(int(part) for part in parts[:2] if part.isdigit())
    if numbers < OLDEST_TRANSFORMERS:
        return Check(name, MISSING, f"{version}, older than {wanted}", get)
    if torch.state != OK or not device:
        return Check(name, OK, version)
    try:
        from marlin_edit.marlin.prefix_cache import continuation_is_exact

        exact = continuation_is_exact(device)
    except Exception as error:  # whatever an installation that does not fit together raises
        return Check(name, MISSING, f"{version}, but its Qwen3.5 model does not run: {_first_line(error)}", get)
    if not exact:
        return Check(name, NOTE, f"{version}; it reads the video again for every question", get)
    return Check(name, OK, f"{version}; all questions share one reading of the video")


def _torchvision() -> Iterator[Check]:
    """It is not needed, but one that does not match the installed torch breaks parts of transformers."""
    if util.find_spec("torchvision") is None:
        return
    try:
        importlib.import_module("torchvision")
    except Exception as error:  # a broken one raises anything from RuntimeError to AttributeError
        advice = (
            "marlin-edit does not need it, and it breaks other libraries. Run `pip uninstall torchvision`, or install "
            "the version that matches torch."
        )
        yield Check("torchvision", NOTE, f"broken: {_first_line(error)}", advice)


def _kernels(device: str) -> Iterator[Check]:
    """The fast kernels of the linear attention layers, for CUDA only."""
    here = [package for module, package in _KERNELS.items() if util.find_spec(module) is not None]
    if device == "cuda":
        missing = [package for package in _KERNELS.values() if package not in here]
        if missing:
            advice = f"Faster on this device with `pip install {' '.join(missing)}`."
            yield Check("fast kernels", NOTE, f"without {' and '.join(missing)}", advice)
        else:
            yield Check("fast kernels", OK, ", ".join(here))
    elif here:
        advice = (
            "transformers uses them as soon as they are installed, but they need CUDA. If a run on this device fails, "
            "run "
            f"`pip uninstall {' '.join(here)}`."
        )
        yield Check("fast kernels", NOTE, f"{', '.join(here)} cannot run on {device or 'this device'}", advice)


def _decoders(run: Run) -> Iterator[Check]:
    wanted = run.settings.value("decoder", str)
    problem = ""
    try:
        importlib.import_module("torchcodec.decoders")
        yield Check("torchcodec", OK, _version("torchcodec") or "installed")
    except (ImportError, OSError, RuntimeError) as error:
        problem = _first_line(error)
    pyav = _version("av")
    if pyav is None:
        yield Check("PyAV", MISSING, "not installed", "Install it: `pip install av`.")
    else:
        yield Check("PyAV", OK, pyav)
    if problem:
        advice = "PyAV reads the frames instead, with the same pixels. Nothing needs to be done."
        if wanted == "torchcodec":
            advice = "--decoder torchcodec needs FFmpeg's shared libraries (`apt-get install ffmpeg`)."
        state = MISSING if wanted == "torchcodec" else NOTE
        yield Check("torchcodec", state, f"does not load: {problem}", advice)


def _model(run: Run) -> Check:
    from marlin_edit.marlin import hub

    name = run.settings.value("model", str)
    try:
        backend = run.app.backend_for(name)
        for model in backend.models():
            if model.name == name and model.state == hub.READY:
                return Check("model", OK, f"{name}, {model.note or 'ready'}")
        checkpoint = hub.find(name)
    except MarlinEditError as error:
        return Check("model", NOTE, f"{name} is not ready", str(error))
    return Check("model", OK, f"{name}, revision {checkpoint.revision[:8]}")


def _plugins(run: Run) -> Iterator[Check]:
    for plugin in run.app.plugins:
        says = counted(len(plugin.offers), "offer")
        state = NOTE if plugin.problems else OK
        yield Check(f"plugin {plugin.candidate.name}", state, says, "; ".join(plugin.problems))


def _version(package: str) -> str | None:
    try:
        return metadata.version(package)
    except metadata.PackageNotFoundError:
        return None


def _first_line(error: BaseException) -> str:
    lines = [line.strip() for line in str(error).splitlines() if line.strip()]
    return lines[0][:200] if lines else type(error).__name__
