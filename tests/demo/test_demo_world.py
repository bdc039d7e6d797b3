"""The demo model's world tells the truth about the files that it writes."""

from __future__ import annotations

import json
from fractions import Fraction
from itertools import pairwise
from pathlib import Path

import av
import numpy as np
import pytest

from marlin_edit_demo.training.batched_model import BatchedVision, Continued
from marlin_edit_demo.training.batches import Writer, make_batch
from marlin_edit_demo.training.evaluation import evaluation_clip, overlap, score
from marlin_edit_demo.training.frames import GRIDS, to_patches
from marlin_edit_demo.training.questions import answer_times, find_question, perfect_answers, runs, sample_instants
from marlin_edit_demo.training.text_stage import ask, embed_prefix, empty_model
from marlin_edit_demo.training.tokenizer import build_tokenizer
from marlin_edit_demo.training.windows import Library
from marlin_edit_demo.world import KINDS, Clip, Painter, WorldSettings, main, make_clip, write_clip

RATES = [Fraction(24000, 1001), Fraction(25), Fraction(30000, 1001)]


def decoded(path: Path) -> list[tuple[Fraction, np.ndarray]]:
    with av.open(str(path)) as container:
        stream = container.streams.video[0]
        return [
            (Fraction(frame.pts) * stream.time_base, frame.to_ndarray(format="rgb24"))
            for frame in container.decode(stream)
            if frame.pts is not None and stream.time_base is not None
        ]


def colour_at(picture: np.ndarray, clip: Clip, centre: tuple[float, float]) -> np.ndarray:
    height, width = picture.shape[:2]
    across, down = clip.settings.box
    x, y = round(centre[0] / across * width), round(centre[1] / down * height)
    mean: np.ndarray = picture[y - 2 : y + 3, x - 2 : x + 3].reshape(-1, 3).mean(0)
    return mean


@pytest.mark.parametrize("rate", RATES)
def test_a_shape_is_in_the_frames_from_its_start_to_just_before_its_end(rate: Fraction, tmp_path: Path) -> None:
    clip = make_clip(41, WorldSettings(width=320, height=180, rate=rate, length=Fraction(6)))
    write_clip(tmp_path / "clip.mp4", clip)
    checked = 0
    for time, picture in decoded(tmp_path / "clip.mp4"):
        for event in clip.events:
            near = min(max(time, event.start), event.end)
            others = [other for other in clip.seen_at(time) if other is not event]
            if any(np.hypot(*np.subtract(event.centre(near), other.centre(time))) < 0.6 for other in others):
                continue
            seen = np.abs(colour_at(picture, clip, event.centre(near)) - event.rgb).max() < 45
            assert seen == event.seen_at(time), (event.text, float(time))
            checked += 1
    assert checked > 100


@pytest.mark.parametrize("rate", RATES)
def test_a_written_file_has_exactly_the_rate_and_frames_that_were_asked_for(rate: Fraction, tmp_path: Path) -> None:
    clip = make_clip(5, WorldSettings(width=128, height=96, rate=rate, length=Fraction(3)))
    truth = json.loads(write_clip(tmp_path / "clip.mp4", clip).read_text(encoding="utf-8"))
    with av.open(str(tmp_path / "clip.mp4")) as container:
        assert container.streams.video[0].average_rate == rate
        assert container.streams.video[0].codec_context.name == "h264"
    times = [time for time, _ in decoded(tmp_path / "clip.mp4")]
    assert times == [index / rate for index in range(clip.settings.frame_count)]
    assert truth["rate"] == str(rate)
    assert truth["frame_count"] == len(times)
    assert [(Fraction(event["start"]), Fraction(event["end"])) for event in truth["events"]] == [
        (event.start, event.end) for event in clip.events
    ]


def test_the_same_seed_gives_the_same_clip_and_another_seed_another() -> None:
    settings = WorldSettings(width=64, height=64, length=Fraction(8))
    assert make_clip(9, settings) == make_clip(9, settings)
    assert make_clip(9, settings) != make_clip(10, settings)
    time = Fraction(7, 3)
    assert (Painter(make_clip(9, settings)).frame(time) == Painter(make_clip(9, settings)).frame(time)).all()


def test_by_default_each_kind_is_shown_at_most_once_for_one_and_a_half_to_twelve_seconds() -> None:
    for seed in range(60):
        clip = make_clip(seed, WorldSettings(length=Fraction(30)))
        shapes = [event.shape for event in clip.events]
        assert len(shapes) == len(set(shapes)) > 0
        for event in clip.events:
            assert Fraction(3, 2) <= event.end - event.start <= 12
            assert 0 <= event.start < event.end <= 30
            others = [one for one in clip.events if one.start <= event.start < one.end]
            assert len(others) <= 3


def test_long_clips_can_show_a_kind_again_but_never_twice_at_once() -> None:
    clip = make_clip(3, WorldSettings(length=Fraction(300), repeats=True))
    spans: dict[object, list[tuple[Fraction, Fraction]]] = {}
    for event in clip.events:
        spans.setdefault(event.shape, []).append((event.start, event.end))
    assert max(len(times) for times in spans.values()) > 2
    for times in spans.values():
        assert all(end + 2 <= start for (_, end), (start, _) in pairwise(times))


def test_all_of_a_shape_is_in_the_picture() -> None:
    for seed in range(40):
        clip = make_clip(seed, WorldSettings(width=360, height=640, length=Fraction(12)))
        for event in clip.events:
            for x, y in (event.origin, event.target):
                assert event.radius <= x <= clip.settings.box[0] - event.radius
                assert event.radius <= y <= clip.settings.box[1] - event.radius


def test_an_answer_lies_half_a_step_outside_the_sampled_frames() -> None:
    instants = sample_instants(Fraction(4))
    (one,) = runs(0, [False, True, True, True, False, False, False, False])
    assert answer_times(one, instants) == ("0.2", "1.7")
    (whole,) = runs(0, [True] * 8)
    assert answer_times(whole, instants) == ("0.0", "4.0")


def test_perfect_sight_finds_every_event_of_the_evaluation() -> None:
    clips = [evaluation_clip(index) for index in range(12)]
    queries = [[event.text for event in clip.events] for clip in clips]
    answered = [(clip, *perfect_answers(clip, asked)) for clip, asked in zip(clips, queries, strict=True)]
    scores = score(iter(answered))
    assert scores.find_miou > 0.9
    assert scores.caption_f1 == 1
    assert {clip.settings.rate for clip in clips} == set(RATES)


def test_overlap_of_turned_round_spans_is_none() -> None:
    assert overlap((Fraction(3), Fraction(1)), (Fraction(1), Fraction(3))) == 0
    assert overlap((Fraction(0), Fraction(2)), (Fraction(1), Fraction(3))) == pytest.approx(1 / 3)


def test_the_command_writes_clips_and_leaves_what_is_there(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    given = [str(tmp_path), "--clips", "2", "--seed", "4", "--size", "64x64", "--length", "1", "--rate", "24000/1001"]
    assert main(given) == 0
    assert sorted(path.name for path in tmp_path.iterdir()) == [
        "shapes-0004.json",
        "shapes-0004.mp4",
        "shapes-0005.json",
        "shapes-0005.mp4",
    ]
    before = (tmp_path / "shapes-0004.mp4").stat().st_mtime_ns
    assert main(given) == 0
    assert (tmp_path / "shapes-0004.mp4").stat().st_mtime_ns == before
    assert "left as it is" in capsys.readouterr().err


def test_there_are_24_kinds() -> None:
    assert len(set(KINDS)) == 24


def test_the_parts_of_a_prompt_have_the_same_tokens_together_and_one_by_one() -> None:
    tokenizer = build_tokenizer()
    prefix = "<|im_start|>user\n<0.2 seconds><|vision_start|><|video_pad|><|vision_end|>"
    turn = "<|im_end|>\n<|im_start|>assistant\n"
    answer = "Scene: Coloured shapes move.\nEvents:\n<14.3 - 18.2> A red circle moves across the picture"
    parts = [prefix, find_question('the "red" circle.'), turn, "<think>\n\n</think>\n\n", answer, "<|im_end|>"]
    one_by_one = [number for part in parts for number in tokenizer(part, add_special_tokens=False).input_ids]
    assert tokenizer("".join(parts), add_special_tokens=False).input_ids == one_by_one
    assert tokenizer.decode(one_by_one) == "".join(parts)
    assert tokenizer.convert_ids_to_tokens(one_by_one[2:4]) == ["<0.2\u0120seconds>", "<|vision_start|>"]


def test_any_text_can_be_tokenised_and_comes_back() -> None:
    tokenizer = build_tokenizer()
    text = "Zoë's dog 😀 jumps\tat 123.45 <|im_end|>\r\n"
    numbers = tokenizer(text, add_special_tokens=False, split_special_tokens=True).input_ids
    assert tokenizer.decode(numbers) == text
    assert tokenizer.convert_tokens_to_ids("<|im_end|>") not in numbers


def test_training_goes_through_the_same_numbers_as_the_stock_model() -> None:
    import torch

    torch.manual_seed(0)
    writer = Writer(build_tokenizer())
    model = empty_model(writer).eval()
    grid = GRIDS[0]
    chance = np.random.default_rng(1)
    shown = np.zeros((1, 60, len(KINDS)), dtype=np.bool_)
    shown[0, 3:9, 5] = shown[0, 20:50, 7] = True
    first = second = torch.randint(0, 256, (1, 3, grid.height, grid.width)).expand(30, -1, -1, -1)
    with torch.no_grad():
        seen = BatchedVision(model.model.visual)(to_patches(first, second), grid.patches)[None]
        places = np.arange(8)[None]
        library = Library(grid, seen, seen[:, :8], places, shown, np.zeros(1, dtype=np.int64))
        batch, _ = make_batch(writer, library, 5, 1, 2, chance)
        text = Continued(model.model.language_model)
        _, kept = text.prefix(embed_prefix(model, writer, batch), *text.places(batch.positions))
        for asked in (batch.finds, batch.captions):
            states = ask(model, text, kept, asked, batch.next_position).states
            tokens = torch.cat([batch.tokens[0], asked.tokens[0, -1]])[None]
            stock = model(
                input_ids=tokens,
                pixel_values_videos=to_patches(first[:5], second[:5]).flatten(0, 1),
                video_grid_thw=torch.tensor([grid.patches] * 5),
                mm_token_type_ids=(tokens == writer.pad).int() * 2,
            )
            length = batch.tokens.shape[1]
            assert torch.allclose(model.lm_head(states[0, -1]), stock.logits[0, length:], atol=1e-4)
