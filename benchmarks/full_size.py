"""The model at its real size (2.2 billion parameters) with random weights on one device: stage by stage, and an hour.

    python benchmarks/full_size.py [--device cuda] [--dtype bfloat16] [--limit 520] [--window 30] [--small]

Random weights say nothing about answers, and take as long as real ones. Windows of 30, 60 and 120 s of 1080p30 H.264
are decoded, seen and read; questions are asked of each, 1 to 64 together, and one caption is written (a random model
never ends an answer: a find is stopped after 12 tokens, a caption after 256). Then an hour is watched from the file in
windows of 30 s, a caption and four finds each, as `marlin-edit ask` does it. A line is printed as soon as a figure is
known, and nothing new begins after `--limit` seconds. `--small` tries the program itself on a CPU, with the demo model.
"""

from __future__ import annotations

import argparse
import json
import sys
import tempfile
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from fractions import Fraction
from importlib.util import find_spec
from pathlib import Path
from typing import Any, TypeVar

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))

import av
import numpy as np
import torch
import transformers

from benchmarks.sources import repeat
from marlin_edit.analysis import ModelIdentity
from marlin_edit.marlin.backend import MAX_NEW_TOKENS, MarlinModel
from marlin_edit.marlin.engine import Claim, Engine, Prompt, Reading
from marlin_edit.marlin.estimate import MARLIN_SHAPE
from marlin_edit.marlin.prompts import CAPTION_PROMPT, FIND_PROMPT
from marlin_edit.marlin.tokenizer import Tokens
from marlin_edit.media import MediaInfo, probe
from marlin_edit.sampling import MARLIN
from marlin_edit.timebase import Span
from marlin_edit.video_model import Question, QuestionKind

DEMO = Path(__file__).resolve().parent.parent / "plugins/marlin_edit_demo/checkpoint"
RATE, PASSAGE = 30, 10
_Result = TypeVar("_Result")


@dataclass
class Bench:
    """Times things on a device, and keeps what was found."""

    device: torch.device
    limit: float
    begun: float = field(default_factory=time.perf_counter)
    lines: list[dict[str, Any]] = field(default_factory=list)

    def say(self, what: str, **values: Any) -> None:
        line = {"what": what, "at": round(time.perf_counter() - self.begun, 1)}
        line |= {name: round(value, 4) if isinstance(value, float) else value for name, value in values.items()}
        self.lines.append(line)
        print(json.dumps(line), flush=True)

    def has(self, seconds: float) -> bool:
        return time.perf_counter() - self.begun + seconds < self.limit

    def wait(self) -> None:
        if self.device.type == "cuda":
            torch.cuda.synchronize()

    def best(self, work: Callable[[], _Result], times: int = 3) -> tuple[float, _Result]:
        """Seconds of the fastest of some times, and its last result."""
        seconds = float("inf")
        for _ in range(times):
            self.wait()
            began = time.perf_counter()
            result = work()
            self.wait()
            seconds = min(seconds, time.perf_counter() - began)
        return seconds, result


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--device", default="cuda" if torch.cuda.is_available() else "cpu")
    parser.add_argument("--dtype", default="bfloat16")
    parser.add_argument("--limit", type=float, default=520, help="seconds (default 520)")
    parser.add_argument("--window", type=int, nargs="*", default=[30, 60, 120], help="lengths to measure one by one")
    parser.add_argument("--small", action="store_true", help="the demo model, short windows, two minutes")
    parser.add_argument("--json", type=Path, help="write the numbers there")
    options = parser.parse_args()
    bench = Bench(torch.device(options.device), options.limit)
    bench.say(
        "machine",
        torch=torch.__version__,
        transformers=transformers.__version__,
        device=torch.cuda.get_device_name(0) if bench.device.type == "cuda" else "CPU",
        fla=find_spec("fla") is not None,
        conv1d=find_spec("causal_conv1d") is not None,
    )
    try:
        measure(bench, options)
    finally:
        if options.json is not None:
            options.json.write_text("".join(json.dumps(line) + "\n" for line in bench.lines))
    return 0


def measure(bench: Bench, options: argparse.Namespace) -> None:
    caption = 20 if options.small else 256
    MAX_NEW_TOKENS.update({QuestionKind.CAPTION: caption, QuestionKind.FIND: 12})
    seconds, model = bench.best(lambda: opened(bench.device, getattr(torch, options.dtype), options.small), 1)
    bench.say("model", seconds=seconds, parameters=sum(one.numel() for one in model.engine._model.parameters()))
    with tempfile.TemporaryDirectory() as folder:
        size = (640, 360) if options.small else (1920, 1080)
        media = footage(Path(folder), size, 2 if options.small else 60)
        for length in (10, 30) if options.small else options.window:
            if bench.has(40):
                one_window(bench, model, media, length, (1, 4) if options.small else (1, 4, 16, 64))
        whole_file(bench, model, media)


def opened(device: torch.device, dtype: torch.dtype, small: bool) -> MarlinModel:
    config = demo_config() if small else full_config()
    config._attn_implementation = "sdpa"
    torch.manual_seed(1)
    torch.set_default_dtype(dtype)
    with device:
        weights = transformers.Qwen3_5ForConditionalGeneration(config).eval().requires_grad_(False)
    torch.set_default_dtype(torch.float32)
    engine = Engine(weights, Tokens(DEMO / "tokenizer.json"), MARLIN)
    return MarlinModel(lambda: engine, MARLIN, ModelIdentity("random"), "pyav")


def demo_config() -> Any:
    return transformers.Qwen3_5Config.from_pretrained(DEMO)


def full_config() -> Any:
    return transformers.Qwen3_5Config.from_dict(MARLIN_SHAPE)


def footage(folder: Path, size: tuple[int, int], minutes: int) -> MediaInfo:
    """Ten seconds of H.264 as x264 makes it, again and again: moving stripes and a box that crosses them."""
    passage, whole = folder / "passage.mp4", folder / "whole.mp4"
    width, height = size
    rows, columns = np.mgrid[0:height, 0:width]
    stripes = ((columns * 3 + rows * 2) % 256).astype(np.uint8)
    with av.open(str(passage), "w") as container:
        stream = container.add_stream("libx264", rate=RATE, options={"preset": "veryfast", "g": "250"})
        stream.width, stream.height, stream.pix_fmt = width, height, "yuv420p"
        for number in range(PASSAGE * RATE):
            luma = stripes + np.uint8(number * 4 % 256)
            picture = np.stack((luma, np.roll(luma, number, 1), 255 - luma), 2)
            picture[200:300, number * 7 % (width - 120) :][:, :100] = 255
            container.mux(stream.encode(av.VideoFrame.from_ndarray(picture, format="rgb24")))
        container.mux(stream.encode(None))
    repeat(passage, whole, minutes * 60 // PASSAGE, PASSAGE)
    return probe(whole)


def one_window(bench: Bench, model: MarlinModel, media: MediaInfo, length: int, counts: tuple[int, ...]) -> None:
    """Decoding, seeing and reading a window; questions together; a caption; judging."""
    span = Span(Fraction(5), Fraction(5 + length))
    decoding, groups = bench.best(lambda: list(model.prepared(media, span)), 2)
    engine, pairs, grid = model.engine, sum(len(group.pairs) for group in groups), groups[0].grid[1:]
    seeing, looked = bench.best(lambda: model._look(media, groups, keep=False))
    reading_seconds, reading = bench.best(lambda: model._read(looked, span))
    tokens = pairs * (grid[0] * grid[1] // engine.layout.merge**2 + 3)
    bench.say(
        "window",
        length=length,
        pairs=pairs,
        tokens=tokens,
        grid=list(grid),
        decode_s=decoding,
        vision_s=seeing,
        read_s=reading_seconds,
        tokens_per_s=tokens / reading_seconds,
    )
    for together in counts:
        if bench.has(40):
            ask(bench, reading, length, together)
    seconds, (answer,) = bench.best(
        lambda: reading.answer([Prompt(CAPTION_PROMPT, MAX_NEW_TOKENS[QuestionKind.CAPTION])]), 2
    )
    made = len(answer.token_logprobs)
    bench.say("caption", length=length, seconds=seconds, new_tokens=made, tokens_per_s=made / seconds)
    claims = [Claim(CAPTION_PROMPT, "Scene: a hall.\nEvents:\n<1.0 - 3.0>", " A person opens the door")] * 16
    seconds, _ = bench.best(lambda: reading.judge(claims), 2)
    bench.say("judge", length=length, claims=16, seconds=seconds)
    if bench.device.type == "cuda":
        bench.say("memory", length=length, peak_gib=torch.cuda.max_memory_allocated() / 2**30)
        torch.cuda.reset_peak_memory_stats()


def ask(bench: Bench, reading: Reading, length: int, together: int) -> None:
    questions = [FIND_PROMPT.replace("{event}", f"a person in a red {number} coat") for number in range(together)]
    prompts = [Prompt(question, MAX_NEW_TOKENS[QuestionKind.FIND]) for question in questions]
    seconds, answers = bench.best(lambda: reading.answer(prompts), 2)
    made = sum(len(answer.token_logprobs) for answer in answers)
    bench.say("finds", length=length, together=together, seconds=seconds, a_question_s=seconds / together, tokens=made)


def whole_file(bench: Bench, model: MarlinModel, media: MediaInfo) -> None:
    """The whole file in windows of 30 s, a caption and four finds each, or as much of it as there is time for."""
    length = int(media.duration)
    spans = [Span(Fraction(start), Fraction(min(start + 30, length))) for start in range(0, length - 4, 30)]
    asked = [Question(QuestionKind.CAPTION)]
    asked += [Question(QuestionKind.FIND, f"a red {number} car stops") for number in range(4)]
    began, watched = time.perf_counter(), Fraction(0)
    for window in model.watch(media, spans):
        window.ask(asked)
        watched = window.span.end
        if not bench.has(20):
            break
    took = time.perf_counter() - began
    whole = watched >= spans[-1].end
    bench.say("file", footage_s=float(watched), seconds=took, times_real_time=float(watched) / took, whole=whole)


if __name__ == "__main__":
    raise SystemExit(main())
