"""Check this computer: what runs the model here, how long it takes, what is missing, and how to get it."""

from __future__ import annotations

import importlib
import platform
from collections.abc import Iterator
from dataclasses import dataclass
from importlib import metadata, util

from marlin_edit.app import DISTRIBUTION
from marlin_edit.commands import Run, as_command, json_option
from marlin_edit.console import time_left
from marlin_edit.errors import ExitCode, MarlinEditError
from marlin_edit.interfaces import ModelOnDisk
from marlin_edit.settings import config_path
from marlin_edit.text import counted

OK, NOTE, MISSING = "ok", "note", "missing"
OLDEST_TRANSFORMERS = (5, 7)
MEASURED_LENGTH = 600
NEEDED_MEMORY = 7 * 10**9
MODEL_SIZE, SMALL_SPACE = 55 * 10**8, 10**9
"""Bytes of room: of Marlin-2B while it is downloaded, and of answers, and of media that are made."""

_ENCODERS = {
    "libx264": "H.264",
    "libx265": "HEVC",
    "libsvtav1": "AV1",
    "libvpx-vp9": "VP9",
    "prores_ks": "ProRes",
    "aac": "AAC sound",
    "libopus": "Opus sound",
    "libmp3lame": "MP3 sound",
}
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
    """Check this computer: what runs the model here, how long it takes, what is missing, and how to get it.

    It measures for some seconds how long the model takes, also if the model is not on disk. Add what `--json` prints to
    a report of a fault.

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
        advised = [check for check in checks if check.advice]
        if advised:
            run.console.lines("", *(f"{check.name}: {check.advice}" for check in advised))
    return ExitCode.DONE if usable else ExitCode.FAILED


def _checks(run: Run) -> Iterator[Check]:
    python = f"{platform.python_version()} on {platform.system()} {platform.release()} {platform.machine()}"
    yield Check("marlin-edit", OK, f"{_version(DISTRIBUTION) or 'not installed'}, Python {python}")
    torch = _torch()
    yield torch
    device = ""
    if torch.state == OK:
        device, checked = _device(run)
        yield checked
        yield from _memory(run, device)
        yield from _torchvision()
        yield from _kernels(device)
    transformers = _transformers(torch, device)
    yield transformers
    yield from _decoders(run)
    yield _encoders()
    model = _model(run)
    yield model
    if model.state == OK:
        yield from _calibration(run)
    if device and transformers.state != MISSING:
        yield from _time(run, device)
    yield _store(run)
    yield _config(run)
    yield from _plugins(run)


def _torch() -> Check:
    try:
        torch = importlib.import_module("torch")
    except (ImportError, OSError, RuntimeError) as error:
        return Check("torch", MISSING, _first_line(error), "Install it: `pip install torch`.")
    return Check("torch", OK, str(torch.__version__))


def _device(run: Run) -> tuple[str, Check]:
    """The device that would run the model, nothing if there is none, and what is to be said of it."""
    from marlin_edit.marlin.loading import choose_device, memory_text
    from marlin_edit.workflow.computer import cards, cores, old_card, why_no_cuda

    wanted = run.settings.value("device", str)
    try:
        device = choose_device(wanted)
    except MarlinEditError as error:
        reason, advice = why_no_cuda(cards()) if wanted == "cuda" else ("", "")
        return "", Check("device", MISSING, reason or "not there", " ".join(filter(None, (str(error), advice))))
    if device == "cuda":
        driver = ", ".join({f"driver {card.driver}" for card in cards() if card.driver})
        name = f"{device} {memory_text(device)}" + (f", {driver}" if driver else "")
        problem = old_card()
        return device, Check("device", NOTE if problem else OK, name, problem)
    if device == "mps":
        return device, Check("device", OK, f"{device} (the graphics of {platform.machine()})")
    reason, advice = why_no_cuda(cards()) if wanted == "auto" else ("", "")
    found = f"cpu, {counted(cores(), 'core')}"
    return device, Check("device", NOTE if advice else OK, f"{found}; {reason}" if reason else found, advice)


def _memory(run: Run, device: str) -> Iterator[Check]:
    """Memory for the weights, and room on the disks that answers and models go to."""
    from marlin_edit.marlin import hub
    from marlin_edit.settings import data_directory
    from marlin_edit.workflow.computer import GIB, free_space, memory

    total, free = memory()
    there = f"{total / GIB:.1f} GiB" + (f", {free / GIB:.1f} of it free" if free is not None else "")
    tight = device == "cpu" and run.settings.value("model", str) == hub.DEFAULT_MODEL and total < NEEDED_MEMORY
    advice = "Marlin-2B needs about 6 GB on a CPU. Close other programs, or use another computer." if tight else ""
    yield Check("memory", NOTE if tight else OK, there, advice)
    try:
        places = {"answers": data_directory(run.settings), "models": hub.cache_directory()}
    except MarlinEditError:
        return  # the row of the store says so
    for called, place in places.items():
        space = free_space(place)
        if space is not None:
            needed = MODEL_SIZE if called == "models" and not _is_here(run) else SMALL_SPACE
            full = space < needed
            advice = f"Make room: {needed / 1e9:.1f} GB are needed there." if full else ""
            yield Check(f"disk for {called}", NOTE if full else OK, f"{space / 1e9:.1f} GB free at {place}", advice)


def _is_here(run: Run) -> bool:
    from marlin_edit.marlin import hub

    return any(model.state == hub.READY and model.name == run.settings["model"] for model in hub.models_on_disk())


def _encoders() -> Check:
    """What re-encodes the ends of clips; PyAV's own wheels have all of them."""
    import av

    def missing(name: str) -> bool:
        try:
            return not av.Codec(name, "w").is_encoder
        except ValueError:
            return True

    lacking = [name for name in _ENCODERS if missing(name)]
    if not lacking:
        return Check("encoders", OK, ", ".join(_ENCODERS))
    codecs = ", ".join(_ENCODERS[name] for name in lacking)
    advice = (
        f"Clips of {codecs} can only be copied here. PyAV's own wheels have these: `pip install --force-reinstall av`."
    )
    return Check("encoders", NOTE, f"without {', '.join(lacking)}", advice)


def _calibration(run: Run) -> Iterator[Check]:
    from marlin_edit.inference.calibration import bundled_calibration, installed_calibration

    try:
        model = run.app.open_model()
        found = installed_calibration(run.settings, model.identity, bundled_calibration(model))
    except MarlinEditError as error:
        yield Check("calibration", NOTE, "cannot be read", str(error))
        return
    if found is None:
        advice = "Findings get grades and no scores. `marlin-edit calibrate` learns them from videos that you know."
        yield Check("calibration", NOTE, f"none for {model.identity}", advice)
        return
    advice = "It was learned from little: label more videos." if found.calibration.is_thin else ""
    yield Check("calibration", NOTE if advice else OK, f"{found}; {found.path}", advice)


def _time(run: Run, device: str) -> Iterator[Check]:
    """How long a film takes here: measured."""
    name = run.settings.value("model", str)
    try:
        with run.console.progress("measuring", 1):
            seconds, called = _caption_seconds(run, device)
    except MarlinEditError:
        return  # the model is not there, as its own row says
    except Exception as error:  # whatever a device that does not suit the model raises
        yield Check(
            "time",
            NOTE,
            f"not measured: {_first_line(error)}",
            f"Try --device cpu, or another --dtype than {run.settings['dtype']}.",
        )
        return
    minutes = MEASURED_LENGTH // 60
    took = f"about {time_left(seconds)} to caption a film of {minutes} minutes (1080p, {called})"
    slow = seconds > 3 * MEASURED_LENGTH and name != "demo"
    advice = (
        "That is slow. A graphics card is many times faster, with 8 GB of memory or more; `--range` looks at a part."
        if slow
        else ""
    )
    yield Check("time", NOTE if slow else OK, took, advice)


def _caption_seconds(run: Run, device: str) -> tuple[float, str]:
    """Seconds that a film takes, and of which model: that of the settings if it is here, else Marlin-2B."""
    from marlin_edit.marlin import estimate, hub
    from marlin_edit.marlin.loading import choose_dtype
    from marlin_edit.sampling import MARLIN, read_profile

    name = run.settings.value("model", str)
    path = next((one.path for one in _models(run) if one.name == name and one.state == hub.READY), None)
    if path is None and name != hub.DEFAULT_MODEL:
        path = hub.find(name).path
    values = estimate.MARLIN_SHAPE if path is None else hub.read_config(path)
    profile = MARLIN if path is None else read_profile(path)
    parameters = estimate.MARLIN_PARAMETERS if path is None else hub.weights(path).parameters
    dtype = choose_dtype(run.settings.value("dtype", str), device, parameters)
    pace = estimate.pace_of(values, profile, device, dtype, run.settings.value("decoder", str))
    return pace.caption(MEASURED_LENGTH), f"{name}, {dtype}"


def _models(run: Run) -> list[ModelOnDisk]:
    backend = run.app.backend_for(run.settings.value("model", str))
    with run.app.calling(backend):
        return list(backend.models())


def _store(run: Run) -> Check:
    from marlin_edit.inference.store import store_path

    if not run.settings.value("store", bool):
        return Check("answers", OK, f"not kept ({run.settings.source('store')})")
    try:
        path = store_path(run.settings)
    except MarlinEditError as error:
        return Check("answers", NOTE, "not kept", str(error))
    size = f", {path.stat().st_size / 1e6:.1f} MB" if path.is_file() else " (not there yet)"
    return Check("answers", OK, f"kept in {path}{size}")


def _config(run: Run) -> Check:
    path = config_path(run.app.environ)
    if not path.is_file():
        return Check("settings", OK, f"no configuration file; it would be {path}")
    return Check("settings", OK, f"from {path}")


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
        if wanted == "torchcodec":
            advice = "--decoder torchcodec needs FFmpeg's shared libraries (`apt-get install ffmpeg`)."
            yield Check("torchcodec", MISSING, f"does not load: {problem}", advice)
        else:
            yield Check("torchcodec", OK, f"does not load, so PyAV reads the frames, with the same pixels ({problem})")


def _model(run: Run) -> Check:
    from marlin_edit.marlin import hub

    name = run.settings.value("model", str)
    try:
        for model in _models(run):
            if model.name == name and model.state == hub.READY:
                return Check("model", OK, f"{name}, {model.size / 1e6:,.1f} MB in {model.path}")
        checkpoint = hub.find(name)
    except MarlinEditError as error:
        return Check("model", NOTE, f"{name} is not ready", str(error))
    return Check("model", OK, f"{name}, revision {checkpoint.revision[:8]} in {checkpoint.path}")


def _plugins(run: Run) -> Iterator[Check]:
    for plugin in run.app.plugins:
        if plugin.problems:
            advice = f"Update or remove {plugin.candidate}."
            yield Check(f"plugin {plugin.candidate.name}", NOTE, "; ".join(plugin.problems), advice)


def _version(package: str) -> str | None:
    try:
        return metadata.version(package)
    except metadata.PackageNotFoundError:
        return None


def _first_line(error: BaseException) -> str:
    lines = [line.strip() for line in str(error).splitlines() if line.strip()]
    return lines[0][:200] if lines else type(error).__name__
