"""Last stage of the training: the checkpoint folder, its evaluation, and the model card that tells of both."""

from __future__ import annotations

import shutil
from pathlib import Path

import torch

from marlin_edit_demo.training.batches import Writer
from marlin_edit_demo.training.checkpoint import say
from marlin_edit_demo.training.evaluation import BAR, CLIPS, Scores, ceiling, evaluate
from marlin_edit_demo.training.model_config import LAYERS, PROFILE, save_checkpoint
from marlin_edit_demo.training.text_stage import ANSWERS, empty_model
from marlin_edit_demo.training.tokenizer import END_TOKENS, build_tokenizer, save_tokenizer
from marlin_edit_demo.training.vision_stage import SIGHT

CHECKPOINT = Path(__file__).parent.parent / "checkpoint"


def write_checkpoint(folder: Path, target: Path) -> None:
    """The state in `folder` as a checkpoint, made beside `target` and then put in its place."""
    writer = Writer(build_tokenizer())
    state = torch.load(folder / ANSWERS)
    model = empty_model(writer)
    model.load_state_dict(state["model"])
    made = target.with_name(target.name + ".partial")
    shutil.rmtree(made, ignore_errors=True)
    save_checkpoint(model, made, [writer.number(token) for token in END_TOKENS])
    save_tokenizer(made)
    shutil.rmtree(target, ignore_errors=True)
    made.rename(target)


def land(folder: Path, target: Path, clips: int, workers: int) -> Scores:
    """Writes the checkpoint into `folder`, evaluates it, and puts it in the place of `target` with its card."""
    candidate = folder / "candidate"
    write_checkpoint(folder, candidate)
    say(f"evaluating on {clips} clips")
    scores = evaluate(candidate, folder / "evaluation", clips, workers)
    for line in scores.lines():
        say(line)
    best = ceiling(clips)
    states = [torch.load(folder / name) for name in (SIGHT, ANSWERS)]
    minutes = [state["spent"] / 60 for state in states]
    text = card(scores, best, minutes, states[-1].get("notes", []), candidate)
    (candidate / "README.md").write_text(text, encoding="utf-8")
    shutil.rmtree(target, ignore_errors=True)
    shutil.copytree(candidate, target)
    for path in target.iterdir():
        path.chmod(0o644)
    return scores


def card(scores: Scores, best: Scores, minutes: list[float], notes: list[str], candidate: Path) -> str:
    """The model card."""
    megabytes = (candidate / "model.safetensors").stat().st_size / 1e6
    reached = {
        "find mIoU": (scores.find_miou, best.find_miou),
        "find R1@0.3": (scores.find_r1_at_03, best.find_r1_at_03),
        "find R1@0.5": (scores.find_r1_at_05, best.find_r1_at_05),
        "find R1@0.7": (scores.find_r1_at_07, best.find_r1_at_07),
        "caption precision@0.5": (scores.caption_precision, best.caption_precision),
        "caption recall@0.5": (scores.caption_recall, best.caption_recall),
        "caption F1@0.5": (scores.caption_f1, best.caption_f1),
        "scene paragraph right": (scores.scenes_right, best.scenes_right),
    }
    rows = "\n".join(
        f"| {name} | {value:.3f} | {limit:.3f} | {f'{BAR[name]:.2f}' if name in BAR else ''} |"
        for name, (value, limit) in reached.items()
    )
    layers = ", ".join(kind.removesuffix("_attention") for kind in LAYERS)
    part = "" if scores.clips == CLIPS else f" (the first {scores.clips} of {CLIPS})"
    option = "" if scores.clips == CLIPS else f" --clips {scores.clips}"
    return f"""---
license: apache-2.0
library_name: transformers
tags: [video, demo]
---
# {PROFILE["name"]}

**{PROFILE["notice"]}.** A very small video model of Marlin's architecture
(`Qwen3_5ForConditionalGeneration`, text layers {layers}), to try marlin-edit and to test it without a
download. It tells 24 kinds of shape (red, yellow, green, cyan, blue and magenta circles, squares, triangles and
crosses) in clips that `python -m marlin_edit_demo.world` renders. It knows nothing else, and like Marlin it always
answers `find` with some span, also for what is not there. It was trained for windows of 2 to
{PROFILE["longest_window"]} s only. Weights: {megabytes:.1f} MB, stored as float16, run as float32.

## How good it is

{scores.clips} clips{part} that it has never seen: H.264, 640x360, 23.976, 25 and 29.97 frames a second,
6 to 30 s; {scores.queries} queries, one for each event. From the file to the answer:

| | this model | ceiling | asked for |
|---|---|---|---|
{rows}

The ceiling is what perfect sight of two frames a second would reach: no model that samples so can do better. Ends past
the clip are cut to it before scoring. The command:

    python -m marlin_edit_demo.training.evaluation plugins/marlin_edit_demo/checkpoint{option}

## How it was trained

From nothing, on rendered pictures only, on two CPU cores: `python -m marlin_edit_demo.training`. The vision tower alone
for {minutes[0]:.0f} minutes, by naming the kinds in both frames of a pair and at each patch; then the text model
for {minutes[1]:.0f} minutes on Marlin's two prompts, with two aids: the middle layers must know at each pair
what is shown, has come and has gone, and one attention head must look at the pair that an answer speaks of. Clips and
seeds of the evaluation were fixed before the first run and are not used in training.
{"".join(chr(10) + note + chr(10) for note in notes)}"""
