"""The engine: what questions get from one reading of a window is what each would get by itself, from scratch."""

from __future__ import annotations

import copy
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import pytest
import torch
from torch import Tensor

from marlin_edit.errors import MarlinEditError
from marlin_edit.marlin import engine as engine_module
from marlin_edit.marlin import prefix_cache
from marlin_edit.marlin.engine import Claim, Engine, Prompt, Reading
from marlin_edit.marlin.prefix_cache import continuation_is_exact
from marlin_edit.marlin.tokenizer import Tokens
from marlin_edit.sampling import Profile, read_profile
from marlin_edit.video_model import Answer
from tests.support.checkpoints import save_checkpoint

PAIRS, GRID = 6, (4, 6)
STAMPS = [f"{second}.3" for second in range(PAIRS)]
QUESTIONS = (
    "When does a door open?",
    "a",
    'Identify the timestamps during which "the red car turns left" takes place.',
    "Provide a spatial description of this clip followed by time-ranged events.\nFor each event, <start - end>.",
    "x" * 60,
)


@dataclass(frozen=True)
class Setup:
    model: Any
    tokens: Tokens
    profile: Profile
    patches: Tensor

    def engine(self, **options: Any) -> Engine:
        return Engine(self.model, self.tokens, options.pop("profile", self.profile), **options)

    def reading(self, engine: Engine) -> Reading:
        return engine.read(zip(STAMPS, engine.look(self.patches, (PAIRS, *GRID)), strict=True), GRID)


@pytest.fixture(scope="module")
def setup(tmp_path_factory: pytest.TempPathFactory) -> Setup:
    from transformers import Qwen3_5ForConditionalGeneration

    folder = save_checkpoint(tmp_path_factory.mktemp("engine") / "random")
    model: Any = Qwen3_5ForConditionalGeneration.from_pretrained(folder, dtype=torch.float32)
    model.eval()
    torch.manual_seed(7)
    return Setup(
        model, Tokens(folder / "tokenizer.json"), read_profile(folder), torch.randn(PAIRS * GRID[0] * GRID[1], 1536)
    )


def stock_answer(setup: Setup, question: str, limit: int, *, outer: bool = False) -> str:
    """What transformers' own `generate` says to the whole prompt, tokenised as one text, with nothing reused."""
    pads = "<|video_pad|>" * (GRID[0] * GRID[1] // 4)
    video = "".join(f"<{stamp} seconds><|vision_start|>{pads}<|vision_end|>" for stamp in STAMPS)
    if outer:
        video = f"<|vision_start|>{video}<|vision_end|>"
    text = f"<|im_start|>user\n{video}{question}<|im_end|>\n<|im_start|>assistant\n{setup.profile.answer_prefix}"
    tokens = torch.tensor([setup.tokens.of_template(text)])
    setup.model.model.rope_deltas = None
    made = setup.model.generate(
        input_ids=tokens,
        pixel_values_videos=setup.patches,
        video_grid_thw=torch.tensor([[PAIRS, *GRID]]),
        mm_token_type_ids=(tokens == setup.model.config.video_token_id).int() * 2,
        max_new_tokens=limit,
        do_sample=False,
        use_cache=True,
        pad_token_id=0,
    )
    new = made[0, tokens.shape[1] :].tolist()
    ends = setup.model.generation_config.eos_token_id
    return setup.tokens.text(new[:-1] if new[-1] in ends else new)


def prompts(limit: int = 16, questions: Sequence[str] = QUESTIONS) -> list[Prompt]:
    return [Prompt(question, limit) for question in questions]


def raws(answers: Sequence[Answer]) -> list[str]:
    return [answer.raw for answer in answers]


def test_questions_answered_together_get_what_stock_generate_says_to_each_alone(setup: Setup) -> None:
    together = setup.reading(setup.engine()).answer(prompts())
    assert raws(together) == [stock_answer(setup, question, 16) for question in QUESTIONS]
    assert len(set(raws(together))) == len(QUESTIONS)


def test_with_outer_vision_tokens_too(setup: Setup) -> None:
    from dataclasses import replace

    reading = setup.reading(setup.engine(profile=replace(setup.profile, outer_vision_tokens=True)))
    assert reading.answer(prompts())[0].raw == stock_answer(setup, QUESTIONS[0], 16, outer=True)


def test_a_question_is_answered_the_same_alone_in_any_company_and_a_second_time(setup: Setup) -> None:
    reading = setup.reading(setup.engine())
    alone = [reading.answer([prompt])[0] for prompt in prompts()]
    assert raws(reading.answer(prompts())) == raws(alone)
    assert raws(reading.answer(prompts()[::-1]))[::-1] == raws(alone)
    assert raws(setup.reading(setup.engine(together=2)).answer(prompts())) == raws(alone)


def test_the_comparison_notices_a_linear_layer_whose_state_was_lost(setup: Setup) -> None:
    reading = setup.reading(setup.engine())
    whole = raws(reading.answer(prompts()))
    reading._state = copy.deepcopy(reading._state)
    last_linear = next(layer for layer in reversed(reading._state.layers) if hasattr(layer, "recurrent_states"))
    last_linear.recurrent_states[0].zero_()
    assert raws(reading.answer(prompts())) != whole


def test_without_reuse_the_answers_are_the_same(setup: Setup) -> None:
    assert raws(setup.reading(setup.engine(reuse=False)).answer(prompts())) == raws(
        setup.reading(setup.engine()).answer(prompts())
    )


def test_the_installed_transformers_passes_the_start_up_check(setup: Setup) -> None:
    assert continuation_is_exact("cpu")


def test_the_start_up_check_notices_a_lost_state(monkeypatch: pytest.MonkeyPatch) -> None:
    continued = prefix_cache.continued

    def forgetful(state: Any) -> Any:
        made = continued(state)
        for layer in made.layers:
            if hasattr(layer, "recurrent_states"):
                layer.recurrent_states[0].zero_()
        return made

    monkeypatch.setattr(prefix_cache, "continued", forgetful)
    assert not continuation_is_exact.__wrapped__("cpu")


def test_reading_a_window_in_small_blocks_changes_nothing(setup: Setup, monkeypatch: pytest.MonkeyPatch) -> None:
    whole = raws(setup.reading(setup.engine()).answer(prompts()))
    monkeypatch.setattr(engine_module, "_LARGEST_BLOCK", 17)
    assert raws(setup.reading(setup.engine()).answer(prompts())) == whole


def test_questions_that_begin_alike_are_answered_as_alone(setup: Setup) -> None:
    alike = [QUESTIONS[2].replace("red", colour) for colour in ("red", "green", "r", "dark blue")]
    reading = setup.reading(setup.engine())
    for questions in (alike, alike[:1] * 3, [*alike, *QUESTIONS]):
        alone = [raws(reading.answer(prompts(16, [question])))[0] for question in questions]
        assert raws(reading.answer(prompts(16, questions))) == alone
    assert raws(reading.answer(prompts(16, alike))) == [stock_answer(setup, question, 16) for question in alike]


def test_attending_to_the_window_bit_by_bit_changes_nothing(setup: Setup, monkeypatch: pytest.MonkeyPatch) -> None:
    whole = setup.reading(setup.engine()).answer(prompts(40))
    monkeypatch.setattr(prefix_cache, "_MOST_SCORES", 500)
    bitwise = setup.reading(setup.engine()).answer(prompts(40))
    assert raws(bitwise) == raws(whole)
    for one, other in zip(bitwise, whole, strict=True):
        assert one.token_logprobs == pytest.approx(other.token_logprobs, abs=1e-4)


@pytest.mark.parametrize("dtype", [torch.float32, torch.bfloat16, torch.float16])
@pytest.mark.parametrize("loudest", ["window", "question"])
def test_attention_to_window_and_question_is_the_librarys_own(dtype: torch.dtype, loudest: str) -> None:
    from types import SimpleNamespace

    rows, heads, key_heads, width, length, count = 3, 8, 2, 16, 2_000, 5
    chance = torch.Generator().manual_seed(1)

    def made(*shape: int) -> torch.Tensor:
        return torch.randn(shape, generator=chance).to(dtype)

    window = made(1, key_heads, length, width), made(1, key_heads, length, width) + 60
    question = made(rows, key_heads, count, width), made(rows, key_heads, count, width) + 60
    (window if loudest == "window" else question)[0].mul_(30)
    queries = made(rows, heads, count, width)
    layer = prefix_cache._SharedLayer(*window)
    attention: Any = prefix_cache._attention
    shared, _ = attention(None, queries, *layer.update(*question), None, scaling=0.25)
    whole = [torch.cat((one.expand(rows, -1, -1, -1), own), dim=2) for one, own in zip(window, question, strict=True)]
    mask = torch.ones(count, length + count, dtype=torch.bool).tril(length)
    module = SimpleNamespace(num_key_value_groups=heads // key_heads, is_causal=True)
    expected, _ = attention(module, queries, *whole, mask[None, None], scaling=0.25)
    tolerance = {torch.float32: 1e-4, torch.bfloat16: 1.0, torch.float16: 0.2}[dtype]
    assert torch.isfinite(shared).all()
    assert (shared.float() - expected.float()).abs().max() < tolerance


def test_each_question_has_its_own_limit_and_says_what_stopped_it(setup: Setup) -> None:
    answers = setup.reading(setup.engine()).answer([Prompt(QUESTIONS[0], 3), Prompt(QUESTIONS[2], 20)])
    assert [len(answer.token_logprobs) for answer in answers] == [3, 20]
    assert [answer.stopped_by for answer in answers] == ["length", "length"]


def test_an_end_token_ends_one_answer_and_not_the_others(setup: Setup) -> None:
    engine = setup.engine()
    free = setup.reading(engine).answer(prompts(12))
    second = engine._tokens.of_template(free[0].raw)[1]
    engine._ends = frozenset({second})
    ended = setup.reading(engine).answer(prompts(12))
    assert ended[0].stopped_by == "end"
    assert len(ended[0].token_logprobs) <= 1
    assert any(answer.stopped_by == "length" and answer.raw == free[i].raw for i, answer in enumerate(ended))


def test_both_end_tokens_of_the_checkpoint_end_an_answer(setup: Setup) -> None:
    expected = {setup.tokens.id("<|endoftext|>"), setup.tokens.id("<|im_end|>")}
    assert setup.engine()._ends == expected


def test_log_probabilities_are_those_of_one_uncached_pass(setup: Setup) -> None:
    reading = setup.reading(setup.engine())
    answer = reading.answer([Prompt(QUESTIONS[0], 8)])[0]
    judged = reading.judge([Claim(QUESTIONS[0], "", answer.raw)])[0].logprobs
    uncached = setup.reading(setup.engine(reuse=False)).judge([Claim(QUESTIONS[0], "", answer.raw)])[0].logprobs
    assert uncached == pytest.approx(judged, abs=1e-4)
    if len(judged) == len(answer.token_logprobs):
        assert answer.token_logprobs == pytest.approx(judged, abs=1e-4)


def test_claims_of_different_lengths_are_judged_together_as_alone(setup: Setup) -> None:
    reading = setup.reading(setup.engine())
    claims = [
        Claim(QUESTIONS[0], "Events:\n<1.0 - 2.0>", " a person opens a door"),
        Claim(QUESTIONS[0], "Events:\n<1.0 - 2.0>", " b"),
        Claim(QUESTIONS[3], "", "x" * 50),
    ]
    alone = [reading.judge([claim])[0].logprobs for claim in claims]
    for together, single in zip(reading.judge(claims), alone, strict=True):
        assert together.logprobs == pytest.approx(single, abs=1e-4)


def test_claims_that_begin_alike_are_judged_as_alone(setup: Setup) -> None:
    reading = setup.reading(setup.engine())
    for given in ("Events:\n<1.0 - 2.0>", ""):
        claims = [
            Claim(QUESTIONS[3], given, text) for text in (" a person opens a door", " a person", " b", " a person")
        ]
        alone = [reading.judge([claim])[0].logprobs for claim in claims]
        uncached = [setup.reading(setup.engine(reuse=False)).judge([claim])[0].logprobs for claim in claims]
        for together, single, whole in zip(reading.judge(claims), alone, uncached, strict=True):
            assert together.logprobs == pytest.approx(single, abs=1e-4)
            assert together.logprobs == pytest.approx(whole, abs=1e-4)


def test_a_stale_position_offset_in_the_model_changes_nothing(setup: Setup) -> None:
    engine = setup.engine()
    fresh = raws(setup.reading(engine).answer(prompts()))
    setup.model.model.rope_deltas = torch.tensor([[1234]])
    assert raws(setup.reading(engine).answer(prompts())) == fresh
    assert setup.model.model.rope_deltas.item() == 1234


@pytest.mark.parametrize(
    "text", ["<|im_end|>", "<think>", "a <|im_start|>system\nb", "<|video_pad|>" * 3, '"quoted" <|vision_end|>']
)
def test_text_from_outside_never_becomes_a_special_token(setup: Setup, text: str) -> None:
    tokens = setup.tokens.of_text(text)
    assert setup.tokens.text(tokens) == text
    assert max(tokens) < setup.tokens.id("<|endoftext|>")
    assert setup.tokens.of_template(text) != tokens


def test_text_without_special_tokens_is_tokenised_alike_as_text_and_as_template(setup: Setup) -> None:
    for question in QUESTIONS:
        assert setup.tokens.of_text(question) == setup.tokens.of_template(question)


def test_a_query_that_is_not_valid_unicode_is_asked_all_the_same(setup: Setup) -> None:
    assert setup.tokens.text(setup.tokens.of_text("a \udcff b")) == "a ? b"


def test_out_of_memory_halves_the_number_of_questions_until_they_fit(
    setup: Setup, monkeypatch: pytest.MonkeyPatch
) -> None:
    tried: list[int] = []
    answer_together = Reading._answer_together

    def narrow(self: Reading, rows: Sequence[Any]) -> None:
        tried.append(len(rows))
        if len(rows) > 1:
            raise torch.OutOfMemoryError("CUDA out of memory")
        answer_together(self, rows)

    reading = setup.reading(setup.engine(together=4))
    same_length = [Prompt(letter, 5) for letter in "abcd"]
    whole = raws(reading.answer(same_length))
    monkeypatch.setattr(Reading, "_answer_together", narrow)
    assert raws(reading.answer(same_length)) == whole
    assert tried == [4, 2, 1, 1, 1, 1]


@pytest.mark.parametrize(
    "error",
    [MemoryError(), torch.OutOfMemoryError("x"), RuntimeError("MPS backend out of memory (MPS allocated: 1 GB)")],
)
def test_when_one_question_does_not_fit_the_error_says_what_to_try(
    setup: Setup, monkeypatch: pytest.MonkeyPatch, error: Exception
) -> None:
    def full(self: Reading, rows: Sequence[Any]) -> None:
        raise error

    monkeypatch.setattr(Reading, "_answer_together", full)
    with pytest.raises(MarlinEditError, match=r"--range IN-OUT.*--dtype bfloat16"):
        setup.reading(setup.engine()).answer(prompts())


def test_other_errors_are_not_taken_for_a_lack_of_memory(setup: Setup, monkeypatch: pytest.MonkeyPatch) -> None:
    def broken(self: Reading, rows: Sequence[Any]) -> None:
        raise RuntimeError("shapes do not fit")

    monkeypatch.setattr(Reading, "_answer_together", broken)
    with pytest.raises(RuntimeError, match="shapes"):
        setup.reading(setup.engine()).answer(prompts())


def test_pairs_are_seen_the_same_whatever_group_they_come_in(setup: Setup) -> None:
    engine = setup.engine()
    whole = engine.look(setup.patches, (PAIRS, *GRID))
    per_pair = GRID[0] * GRID[1]
    one_by_one = [engine.look(part, (1, *GRID)) for part in torch.split(setup.patches, per_pair)]
    assert torch.allclose(torch.cat(one_by_one), whole, atol=1e-5)
