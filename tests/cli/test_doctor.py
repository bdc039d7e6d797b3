"""`doctor`: what it finds here, why torch sees no card, and that every note says what to do."""

from __future__ import annotations

import json
import os
import shutil
import stat
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
import torch

from marlin_edit.marlin.estimate import MARLIN_SHAPE, Pace, pace_of
from marlin_edit.sampling import MARLIN, read_profile
from marlin_edit.workflow import computer
from marlin_edit.workflow.computer import Card, why_no_cuda
from tests.fuzz.readers import CHECKPOINT
from tests.support.command_line import Ran, run_command

RTX = Card("NVIDIA GeForce RTX 3090", "550.54.14")


def checks(ran: Ran) -> dict[str, Any]:
    found = {one["name"]: one for one in ran.document["checks"]}
    for one in found.values():
        assert one["state"] == "ok" or one["advice"], one  # nothing that nobody can act on
    return found


def test_it_tells_of_the_computer_the_model_and_how_long_a_film_takes(
    capfd: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    ran = run_command(capfd, "doctor", "--model", "demo", "--json", "--device", "cpu")
    found = checks(ran)
    assert (ran.code, ran.document["usable"]) == (0, True)
    assert " core" in found["device"]["found"]
    assert "GiB" in found["memory"]["found"]
    assert {"disk for answers", "disk for models", "encoders", "PyAV", "transformers", "torch"} <= set(found)
    assert found["model"]["found"].startswith("demo, 5.4 MB in ")
    assert "the one that came with it of 2026-11-27, from 16 videos" in found["calibration"]["found"]
    assert found["time"]["found"].startswith("about ")
    assert found["time"]["found"].endswith(" to caption a film of 10 minutes (1080p, demo, float32)")
    assert os.environ["XDG_DATA_HOME"] in found["answers"]["found"]
    assert "config.toml" in found["settings"]["found"]


def test_what_is_not_in_order_is_a_note_with_what_to_do(
    capfd: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setattr(shutil, "disk_usage", lambda _: SimpleNamespace(free=5))
    monkeypatch.setattr(computer, "memory", lambda: (4 * computer.GIB, computer.GIB))
    monkeypatch.setenv("HF_HUB_CACHE", str(tmp_path))
    data = Path(os.environ["XDG_DATA_HOME"], "marlin-edit", "calibrations")
    data.mkdir(parents=True)
    ran = run_command(capfd, "doctor", "--json", "--device", "cpu")
    found = checks(ran)
    assert found["memory"]["state"] == "note"
    assert "4.0 GiB, 1.0 of it free" in found["memory"]["found"]
    assert "Make room: 5.5 GB are needed there." in found["disk for models"]["advice"]
    assert "Make room: 1.0 GB are needed there." in found["disk for answers"]["advice"]
    assert "hf download" in found["model"]["advice"]
    assert "NemoStation/Marlin-2B, bfloat16" in found["time"]["found"], "measured though it is not on the disk"


@pytest.mark.skipif(torch.version.cuda is not None, reason="this torch is built for CUDA")
def test_a_card_that_this_torch_is_not_built_for(
    capfd: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    program = tmp_path / "nvidia-smi"
    program.write_text(f"#!/bin/sh\necho '{RTX.name}, {RTX.driver}'\n")
    program.chmod(program.stat().st_mode | stat.S_IXUSR)
    monkeypatch.setenv("PATH", f"{tmp_path}{os.pathsep}{os.environ['PATH']}")
    device = checks(run_command(capfd, "doctor", "--model", "demo", "--json"))["device"]
    assert device["state"] == "note"
    assert f"is built without CUDA, and this computer has {RTX.name}" in device["found"]
    assert "Install a torch that is built for CUDA" in device["advice"]
    asked = run_command(capfd, "doctor", "--model", "demo", "--device", "cuda", "--json")
    assert asked.code == 1
    assert "is built without CUDA" in checks(asked)["device"]["found"]


@pytest.mark.parametrize(
    ("cards", "hidden", "found", "advice"),
    [
        ([], None, "built for CUDA 13.0, and this computer has no NVIDIA card", "CPU build of torch takes about 3 GB"),
        ([RTX], "", f"CUDA_VISIBLE_DEVICES hides {RTX.name}", "Unset that variable"),
        ([Card("an NVIDIA card")], None, "finds no driver for an NVIDIA card", "Install NVIDIA's driver"),
        ([RTX], None, f"cannot use {RTX.name} (driver 550.54.14): too old", "Update the driver"),
    ],
)
def test_why_a_torch_for_cuda_sees_no_card(
    cards: list[Card], hidden: str | None, found: str, advice: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refuses() -> None:
        raise RuntimeError("too old\nmore of it")

    monkeypatch.setattr(torch.version, "cuda", "13.0")
    monkeypatch.setattr(torch.version, "hip", None, raising=False)
    monkeypatch.setattr(torch.cuda, "init", refuses)
    monkeypatch.delenv("CUDA_VISIBLE_DEVICES", raising=False)
    if hidden is not None:
        monkeypatch.setenv("CUDA_VISIBLE_DEVICES", hidden)
    said = why_no_cuda(cards)
    assert found in said[0]
    assert advice in said[1]


def test_a_computer_without_a_card_and_a_torch_without_cuda_are_in_order(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(torch.version, "cuda", None)
    assert why_no_cuda([]) == ("", "")


def test_encoders_that_pyav_lacks_are_named(capfd: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> None:
    import av

    real = av.Codec

    def without_x265(name: str, mode: Any = "r") -> Any:
        if name == "libx265":
            raise ValueError(name)
        return real(name, mode)

    monkeypatch.setattr(av, "Codec", without_x265)
    encoders = checks(run_command(capfd, "doctor", "--model", "demo", "--json"))["encoders"]
    assert encoders["found"] == "without libx265"
    assert "Clips of HEVC can only be copied here." in encoders["advice"]


def test_the_pace_is_measured_and_adds_up() -> None:
    values = json.loads((CHECKPOINT / "config.json").read_text())
    pace = pace_of(values, read_profile(CHECKPOINT), "cpu", "float32", "pyav")
    assert min(pace.decoding, pace.seeing, pace.reading, pace.answering) > 0
    assert not pace.overlapped
    simple = Pace(decoding=0.1, seeing=0.01, reading=2.0, answering=0.01, overlapped=False)
    assert simple.caption(60) == pytest.approx(60 * 0.11 + 2 + 200 * 0.01)
    assert simple.caption(110) == pytest.approx(110 * 0.11 + 2 * (2 + 200 * 0.01))
    beside = Pace(decoding=0.1, seeing=0.01, reading=2.0, answering=0.01, overlapped=True)
    assert beside.caption(60) == pytest.approx(6), "decoding takes longer than the model"


def test_the_shape_that_is_written_down_is_marlin_s() -> None:
    import transformers

    config: Any = transformers.Qwen3_5Config.from_dict(MARLIN_SHAPE)
    with torch.device("meta"):
        model: Any = transformers.Qwen3_5ForConditionalGeneration(config)
    assert sum(one.numel() for one in model.parameters()) == pytest.approx(2.213e9, rel=0.001)
    assert MARLIN.longest_window >= 60


def test_a_model_that_is_not_here_is_one_row_and_no_advice_about_the_device(capfd: pytest.CaptureFixture[str]) -> None:
    found = checks(run_command(capfd, "doctor", "--model", "nobody/nothing", "--json"))
    assert "hf download nobody/nothing" in found["model"]["advice"]
    assert "time" not in found
