"""The trained video format, held against the output of the model's own processor (`golden/`)."""

from __future__ import annotations

import hashlib
import json
import subprocess
import sys
from fractions import Fraction
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

from marlin_edit.errors import MarlinEditError
from marlin_edit.marlin.preprocessing import patches, resized
from marlin_edit.sampling import MARLIN, PatchLayout, Profile, read_profile, stamps, target_size

GOLDEN = Path(__file__).parents[1] / "data" / "golden"
CASES: dict[str, Any] = json.loads((GOLDEN / "pixels.json").read_text())["cases"]
ONE_STEP = 2 / 255


def golden_frames(first: int, count: int, height: int, width: int) -> torch.Tensor:
    """The formula of `pixels.json`."""
    y, x = np.ogrid[0:height, 0:width]
    picture = (3 * x + 5 * y + (x * y) // 7 + 13 * (x // 8) * (y // 8)).astype(np.uint8)
    n, c = np.ogrid[first : first + count, 0:3]
    return torch.from_numpy(picture + (17 * n + 41 * c).astype(np.uint8)[:, :, None, None])


@pytest.mark.parametrize("name", CASES)
def test_pixels_equal_the_models_own_processor_though_made_in_groups(name: str) -> None:
    case = CASES[name]
    size = target_size(case["height"], case["width"], case["frames"], MARLIN)
    rows, grids = [], []
    for first in range(0, case["frames"], 4):
        count = min(4, case["frames"] - first)
        group, grid = patches(resized(golden_frames(first, count, case["height"], case["width"]), size))
        rows.append(group)
        grids.append(grid)
    values = torch.cat(rows)
    assert [sum(t for t, _, _ in grids), *grids[0][1:]] == case["grid_thw"]
    assert list(values.shape) == case["shape"]
    assert values.dtype == torch.float32
    if hashlib.sha256(values.numpy().tobytes()).hexdigest() == case["sha256"]:
        return
    # Another processor's bicubic kernel may round differently: one step of uint8, in few places.
    assert values[0, :8].tolist() == pytest.approx(case["first"], abs=ONE_STEP + 1e-6)
    assert values[-1, -8:].tolist() == pytest.approx(case["last"], abs=ONE_STEP + 1e-6)
    assert float(values.mean()) == pytest.approx(case["mean"], abs=1e-3)
    assert float(values.std()) == pytest.approx(case["std"], abs=1e-3)
    stored = np.load(GOLDEN / "pixels.npz")
    if name in stored.files:
        difference = np.abs(values.numpy() - stored[name])
        print(f"{name}: {int((difference > 0).sum())} of {difference.size} values differ")
        assert float(difference.max()) <= ONE_STEP + 1e-6


def test_a_last_frame_without_a_partner_is_repeated() -> None:
    frames = golden_frames(0, 3, 64, 96)
    odd, grid = patches(frames)
    even, _ = patches(torch.cat((frames, frames[-1:])))
    assert grid == (2, 4, 6)
    assert torch.equal(odd, even)


def test_a_checkpoint_with_other_patches_is_cut_up_its_own_way() -> None:
    layout = PatchLayout(patch=8, merge=2, temporal=2)
    assert target_size(70, 70, 4, MARLIN, layout) == (64, 64)
    rows, grid = patches(golden_frames(0, 4, 64, 64), layout)
    assert grid == (2, 8, 8)
    assert rows.shape == (128, 3 * 2 * 8 * 8)


def test_first_patch_holds_the_top_left_corner_of_both_frames_of_a_pair() -> None:
    frames = golden_frames(0, 2, 32, 64)
    rows, _ = patches(frames)
    first = rows[0].reshape(3, 2, 16, 16)
    assert torch.equal(first, (frames[:, :, :16, :16].permute(1, 0, 2, 3).float() - 127.5) / 127.5)


@pytest.mark.parametrize(
    ("height", "width", "frames", "size"),
    [
        (1080, 1920, 60, (320, 576)),
        (1920, 1080, 60, (576, 320)),
        (448, 448, 240, (448, 448)),
        (10, 10, 4, (32, 32)),
        (31, 6000, 4, (32, 6208)),
        (2, 3, 4, (32, 64)),
    ],
)
def test_size_keeps_to_the_budget_of_one_frame_whatever_the_length(
    height: int, width: int, frames: int, size: tuple[int, int]
) -> None:
    assert target_size(height, width, frames, MARLIN) == size


@pytest.mark.parametrize(("height", "width", "frames"), [(0, 10, 4), (10, 10, 0), (10, 2010, 4)])
def test_a_picture_that_cannot_be_looked_at_is_refused(height: int, width: int, frames: int) -> None:
    with pytest.raises(MarlinEditError, match=r"no picture|too narrow"):
        target_size(height, width, frames, MARLIN)


def test_a_stamp_is_the_mean_of_its_pair_rounded_as_the_trained_format_rounds() -> None:
    halves = [Fraction(n, 2) for n in range(7)]
    assert stamps(halves) == ["0.2", "1.2", "2.2", "3.0"]
    assert stamps([Fraction(0), Fraction(15015, 30000), Fraction(30030, 30000)]) == ["0.3", "1.0"]
    assert stamps([]) == []


def test_without_a_profile_file_a_checkpoint_is_taken_as_marlin(tmp_path: Path) -> None:
    assert read_profile(tmp_path) is MARLIN
    assert MARLIN.sampling_step == Fraction(1, 2)


PROFILE = {
    "schema": "marlin-edit.profile/1",
    "name": "demo-shapes/1",
    "fps": "2",
    "min_frames": 4,
    "max_frames": 60,
    "pixels_per_frame": 8192,
    "smallest_pixels": 4096,
    "outer_vision_tokens": False,
    "answer_prefix": "<think>\n\n</think>\n\n",
    "longest_window": "30",
    "notice": "knows coloured shapes only",
}


def test_a_checkpoint_says_itself_how_it_was_trained(tmp_path: Path) -> None:
    (tmp_path / "marlin_edit_profile.json").write_text(json.dumps(PROFILE))
    assert read_profile(tmp_path) == Profile(
        name="demo-shapes/1",
        fps=Fraction(2),
        min_frames=4,
        max_frames=60,
        pixels_per_frame=8192,
        smallest_pixels=4096,
        outer_vision_tokens=False,
        answer_prefix="<think>\n\n</think>\n\n",
        longest_window=Fraction(30),
        notice="knows coloured shapes only",
    )


@pytest.mark.parametrize(
    ("change", "said"),
    [
        ({"schema": "marlin-edit.profile/9"}, "marlin-edit.profile/9"),
        ({"fps": 2.0}, "fps"),
        ({"fps": "1/0"}, "fps"),
        ({"fps": "0"}, "above zero"),
        ({"min_frames": True}, "min_frames"),
        ({"min_frames": 100}, "max_frames"),
        ({"outer_vision_tokens": 0}, "outer_vision_tokens"),
        ({"pixels_per_frame": 0}, "pixel budget"),
        ({"answer_prefix": None}, "answer_prefix"),
    ],
)
def test_a_faulty_profile_is_named_with_its_fault(tmp_path: Path, change: dict[str, object], said: str) -> None:
    (tmp_path / "marlin_edit_profile.json").write_text(json.dumps({**PROFILE, **change}))
    with pytest.raises(MarlinEditError, match=said):
        read_profile(tmp_path)


@pytest.mark.parametrize("content", [b"{", b"[]", b"\xff\xfe", b"[" * 100_000])
def test_a_profile_that_is_not_json_is_said_to_be_so(tmp_path: Path, content: bytes) -> None:
    (tmp_path / "marlin_edit_profile.json").write_bytes(content)
    with pytest.raises(MarlinEditError, match="profile"):
        read_profile(tmp_path)


def test_a_profile_lacking_a_value_says_which(tmp_path: Path) -> None:
    values = {key: value for key, value in PROFILE.items() if key != "longest_window"}
    (tmp_path / "marlin_edit_profile.json").write_text(json.dumps(values))
    with pytest.raises(MarlinEditError, match="longest_window"):
        read_profile(tmp_path)


def test_sampling_needs_no_torch() -> None:
    code = "import sys, marlin_edit.sampling, marlin_edit.answer_format, marlin_edit.video_model; "
    code += "sys.exit(sorted({'torch', 'transformers', 'av', 'numpy'} & set(sys.modules)) or 0)"
    run = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True)
    assert run.returncode == 0, run.stderr
