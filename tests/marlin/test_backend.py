"""Opening models, what is said where one cannot be opened, and watching windows of real files."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from fractions import Fraction
from pathlib import Path
from typing import Any

import pytest
import torch

from marlin_edit.errors import MarlinEditError, UsageError
from marlin_edit.marlin import hub
from marlin_edit.marlin.backend import MAX_NEW_TOKENS, MarlinModel
from marlin_edit.marlin.loading import choose_device, choose_dtype, open_checkpoint
from marlin_edit.media import MediaInfo, probe
from marlin_edit.settings import Settings, Value
from marlin_edit.timebase import Span
from marlin_edit.video_model import Question, QuestionKind
from tests.support.checkpoints import save_checkpoint
from tests.support.synthetic_video import make_video

COMMIT = hub.PINNED[hub.DEFAULT_MODEL]
QUESTIONS = [Question(QuestionKind.FIND, query) for query in ("a door opens", 'a "red" <|im_end|> car', "x")]


def settings(**values: str) -> Settings:
    given = {"device": "cpu", "dtype": "auto", "decoder": "pyav"} | values
    return Settings({name: Value(value) for name, value in given.items()})


def span(start: str, end: str) -> Span:
    return Span(Fraction(start), Fraction(end))


@pytest.fixture(scope="module")
def checkpoint(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return save_checkpoint(tmp_path_factory.mktemp("backend") / "random", longest_window="6")


@pytest.fixture
def copied(checkpoint: Path, tmp_path: Path) -> Path:
    return Path(shutil.copytree(checkpoint, tmp_path / "copied"))


@pytest.fixture(scope="module")
def model(checkpoint: Path) -> MarlinModel:
    return open_checkpoint(str(checkpoint), settings())


@pytest.fixture(scope="module")
def media(tmp_path_factory: pytest.TempPathFactory) -> MediaInfo:
    path = tmp_path_factory.mktemp("media") / "clip.mp4"
    return probe(make_video(path, frames=200, rate="25", size=(160, 96)))


@pytest.fixture(autouse=True)
def short_answers(monkeypatch: pytest.MonkeyPatch) -> None:
    """A random model hardly ever ends an answer."""
    monkeypatch.setitem(MAX_NEW_TOKENS, QuestionKind.FIND, 10)


@pytest.fixture
def cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """An empty hub cache."""
    monkeypatch.setattr("huggingface_hub.constants.HF_HUB_CACHE", str(tmp_path / "cache"))
    return tmp_path / "cache"


def cached(cache: Path, checkpoint: Path, name: str = hub.DEFAULT_MODEL, commit: str = COMMIT) -> Path:
    """Puts a checkpoint into the cache as the hub's own library does: blobs, and links to them."""
    folder = cache / f"models--{name.replace('/', '--')}"
    snapshot = folder / "snapshots" / commit
    snapshot.mkdir(parents=True)
    (folder / "blobs").mkdir(exist_ok=True)
    for file in checkpoint.iterdir():
        blob = folder / "blobs" / f"{commit[:4]}{file.name}"
        shutil.copyfile(file, blob)
        (snapshot / file.name).symlink_to(os.path.relpath(blob, snapshot))
    (folder / "refs").mkdir(exist_ok=True)
    (folder / "refs" / "main").write_text(commit)
    return snapshot


def message(source: str, revision: str | None = None) -> str:
    with pytest.raises(MarlinEditError) as caught:
        hub.find(source, revision)
    return str(caught.value)


# What is on disk


def test_a_model_that_is_absent_tells_where_to_ask_how_to_log_in_how_to_get_it_and_what_works_meanwhile(
    cache: Path,
) -> None:
    told = message("NemoStation/Marlin-2B")
    assert "not on this computer" in told
    assert "https://huggingface.co/NemoStation/Marlin-2B" in told
    assert "hf auth login" in told
    assert "HF_TOKEN" in told
    assert f"hf download NemoStation/Marlin-2B --revision {COMMIT}" in told
    assert "--model demo" in told


def test_a_half_downloaded_model_tells_how_to_resume(cache: Path, checkpoint: Path) -> None:
    snapshot = cached(cache, checkpoint)
    (snapshot / "model.safetensors").unlink()
    (snapshot.parent.parent / "blobs" / "abc.incomplete").write_bytes(b"0" * 100)
    told = message("NemoStation/Marlin-2B")
    assert "model.safetensors is missing" in told
    assert f"hf download NemoStation/Marlin-2B --revision {COMMIT}" in told
    assert "continues where it stopped" in told


def test_a_download_that_has_only_begun_is_told_as_such(cache: Path) -> None:
    blobs = cache / "models--NemoStation--Marlin-2B" / "blobs"
    blobs.mkdir(parents=True)
    (blobs / "abc.incomplete").write_bytes(b"0" * 100)
    assert "is incomplete" in message("NemoStation/Marlin-2B")
    assert [(one.state, one.size) for one in hub.models_on_disk()] == [(hub.INCOMPLETE, 100)]


def test_the_default_model_is_taken_at_its_pinned_revision_and_no_other(cache: Path, checkpoint: Path) -> None:
    other = "1234567812345678123456781234567812345678"
    cached(cache, checkpoint, commit=other)
    assert "revision 12345678 is here, fd111fca is not" in message("NemoStation/Marlin-2B")
    assert hub.find("NemoStation/Marlin-2B@12345678").revision == other
    assert hub.find("NemoStation/Marlin-2B", other).revision == other
    pinned = cached(cache, checkpoint)
    assert hub.find("NemoStation/Marlin-2B").path == pinned


def test_other_models_are_taken_at_main(cache: Path, checkpoint: Path) -> None:
    commit = "abcdefabcdefabcdefabcdefabcdefabcdefabcd"
    cached(cache, checkpoint, "someone/else", commit)
    found = hub.find("someone/else")
    assert (found.name, found.revision) == ("someone/else", commit)


@pytest.mark.parametrize(
    ("config", "told"),
    [
        ({"architectures": ["LlamaForCausalLM"], "model_type": "llama"}, "it is a LlamaForCausalLM model"),
        ({"architectures": ["Qwen3_5ForCausalLM"], "model_type": "qwen3_5_text"}, "only the family of Qwen3.5-VL"),
        ([], "not a JSON object"),
        (None, "config.json cannot be read"),
    ],
)
def test_a_model_of_another_kind_is_refused(copied: Path, config: object, told: str) -> None:
    (copied / "config.json").write_text("{" if config is None else json.dumps(config))
    assert told in message(str(copied))


def test_a_directory_that_is_no_model_is_refused(tmp_path: Path) -> None:
    assert "config.json is missing" in message(str(tmp_path))
    assert "There is no model directory" in message(str(tmp_path / "nothing"))


def test_pickled_weights_are_never_read(copied: Path) -> None:
    (copied / "model.safetensors").rename(copied / "pytorch_model.bin")
    assert "only safetensors are read" in message(str(copied))


def test_a_cut_off_or_broken_weights_file_is_told_before_anything_is_loaded(copied: Path) -> None:
    file = copied / "model.safetensors"
    whole = file.read_bytes()
    file.write_bytes(whole[: len(whole) // 2])
    assert "model.safetensors is cut off" in message(str(copied))
    file.write_bytes(whole + b"0")
    assert "it is 1 byte too long" in message(str(copied))
    file.write_bytes(b"<html>not found</html>")
    assert "is not a safetensors file" in message(str(copied))
    file.write_bytes(b"")
    assert "is not a safetensors file" in message(str(copied))


def test_a_missing_shard_is_named(copied: Path) -> None:
    (copied / "model.safetensors.index.json").write_text(
        json.dumps({"weight_map": {"a": "model.safetensors", "b": "model-00002-of-00002.safetensors"}})
    )
    assert "model-00002-of-00002.safetensors is missing" in message(str(copied))


def test_the_licence_is_what_the_copy_says(copied: Path) -> None:
    assert hub.licence(copied) == "this copy does not say"
    (copied / "LICENSE").write_text("\n  # Business Source License 1.1\n")
    assert hub.licence(copied) == "Business Source License 1.1 (its LICENSE file)"
    (copied / "README.md").write_text("---\nlicense: apache-2.0\ntags: [video]\n---\n# Marlin\n")
    assert hub.licence(copied) == "apache-2.0 (its card); Business Source License 1.1 (its LICENSE file)"


def test_a_directory_is_known_by_its_content(copied: Path) -> None:
    before = hub.find(str(copied)).revision
    assert hub.find(str(copied)).revision == before
    content = bytearray((copied / "model.safetensors").read_bytes())
    content[-1] ^= 1
    (copied / "model.safetensors").write_bytes(bytes(content))
    assert hub.find(str(copied)).revision != before


def test_models_lists_the_default_model_and_the_familys_others(cache: Path, checkpoint: Path, copied: Path) -> None:
    cached(cache, checkpoint, "someone/else", "a" * 40)
    (copied / "config.json").write_text('{"architectures": ["BertModel"]}')
    cached(cache, copied, "someone/bert", "b" * 40)
    found = [(one.name, one.state) for one in hub.models_on_disk()]
    assert found == [("NemoStation/Marlin-2B", hub.ABSENT), ("someone/else", hub.READY)]


def test_the_models_and_doctor_commands_work_on_an_empty_cache_without_a_network(tmp_path: Path) -> None:
    environment = os.environ | {"HF_HUB_CACHE": str(tmp_path), "HF_HUB_OFFLINE": "1", "OMP_NUM_THREADS": "1"}
    run = [sys.executable, "-m", "marlin_edit"]
    models = subprocess.run([*run, "models", "--json"], capture_output=True, text=True, env=environment)
    assert models.returncode == 0, models.stderr
    listed = {one["name"]: one["state"] for one in json.loads(models.stdout)["models"]}
    assert listed["NemoStation/Marlin-2B"] == "not downloaded"
    doctor = subprocess.run(
        [*run, "doctor", "--json", "--device", "cpu"], capture_output=True, text=True, env=environment
    )
    assert doctor.returncode == 0, doctor.stderr
    checks = {one["name"]: one for one in json.loads(doctor.stdout)["checks"]}
    assert checks["torch"]["state"] == checks["transformers"]["state"] == checks["PyAV"]["state"] == "ok"
    assert "hf download" in checks["model"]["advice"]


# Opening


def test_the_identity_says_which_model_answered(model: MarlinModel, checkpoint: Path) -> None:
    identity = model.identity
    assert (identity.name, identity.profile, identity.dtype) == ("random", "random/1", "float32")
    assert identity.revision == hub.fingerprint(checkpoint)
    assert identity.notice == "random model: its answers mean nothing"
    assert (model.longest_window, model.sampling_step) == (Fraction(6), Fraction(1, 2))


def test_a_checkpoint_saved_as_marlin_opens_with_the_stock_class_and_runs_no_code_of_its_own(
    copied: Path, model: MarlinModel, media: MediaInfo
) -> None:
    config = json.loads((copied / "config.json").read_text())
    config["architectures"] = ["MarlinForConditionalGeneration"]
    config["auto_map"] = {"AutoModelForImageTextToText": "modeling_marlin.MarlinForConditionalGeneration"}
    (copied / "config.json").write_text(json.dumps(config))
    (copied / "modeling_marlin.py").write_text("raise SystemExit('code of the model was run')\n")
    marlin = open_checkpoint(str(copied), settings())
    assert type(marlin.engine._model).__name__ == "Qwen3_5ForConditionalGeneration"
    (window,) = marlin.watch(media, [span("1", "4")])
    (same,) = model.watch(media, [span("1", "4")])
    assert window.ask(QUESTIONS) == same.ask(QUESTIONS)


def test_an_output_layer_that_is_tied_and_stored_too_is_tied(copied: Path) -> None:
    from safetensors.torch import load_file, save_file

    tensors: dict[str, Any] = load_file(copied / "model.safetensors")
    embedding = next(name for name in tensors if name.endswith("embed_tokens.weight"))
    tensors["lm_head.weight"] = tensors[embedding].clone()
    save_file(tensors, copied / "model.safetensors", metadata={"format": "pt"})
    model = open_checkpoint(str(copied), settings()).engine._model
    assert model.lm_head.weight is model.model.language_model.embed_tokens.weight


def test_weights_that_lack_a_tensor_are_refused(copied: Path) -> None:
    from safetensors.torch import load_file, save_file

    tensors: dict[str, Any] = load_file(copied / "model.safetensors")
    del tensors[next(name for name in tensors if "A_log" in name)]
    save_file(tensors, copied / "model.safetensors", metadata={"format": "pt"})
    model = open_checkpoint(str(copied), settings())
    with pytest.raises(MarlinEditError, match="1 tensors are missing"):
        _ = model.engine


def test_weights_of_another_shape_and_a_broken_tokenizer_are_refused(copied: Path) -> None:
    config = json.loads((copied / "config.json").read_text())
    config["text_config"]["intermediate_size"] += 32
    (copied / "config.json").write_text(json.dumps(config))
    model = open_checkpoint(str(copied), settings())
    with pytest.raises(MarlinEditError, match="cannot be loaded"):
        _ = model.engine
    (copied / "tokenizer.json").write_text("{}")
    with pytest.raises(MarlinEditError, match=r"tokenizer\.json cannot be read"):
        open_checkpoint(str(copied), settings())


@pytest.mark.skipif(torch.cuda.is_available(), reason="says what is told where there is no CUDA")
def test_a_device_that_is_not_there_is_refused_and_never_replaced(checkpoint: Path) -> None:
    with pytest.raises(UsageError, match="finds no cuda device"):
        open_checkpoint(str(checkpoint), settings(device="cuda"))


def test_devices_and_number_formats_are_chosen_as_documented() -> None:
    assert choose_device("cpu") == "cpu"
    assert choose_dtype("auto", "cpu", 1_300_000) == "float32"
    assert choose_dtype("auto", "cpu", 2_210_000_000) == "bfloat16"
    assert choose_dtype("auto", "mps", 1) == "float16"
    assert choose_dtype("float32", "mps", 1) == "float32"
    with pytest.raises(UsageError):
        choose_dtype("int8", "cpu", 1)


def test_a_lack_of_memory_while_loading_is_told_as_such(checkpoint: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def full(*_: object, **__: object) -> None:
        raise RuntimeError("DefaultCPUAllocator: can't allocate memory: you tried to allocate 5 bytes")

    monkeypatch.setattr("transformers.Qwen3_5ForConditionalGeneration.from_pretrained", full)
    model = open_checkpoint(str(checkpoint), settings())
    with pytest.raises(MarlinEditError, match="not enough memory on cpu to load the model as float32"):
        _ = model.engine


def test_a_window_that_is_too_long_is_refused_before_the_weights_are_loaded(
    checkpoint: Path, media: MediaInfo, monkeypatch: pytest.MonkeyPatch
) -> None:
    def loaded(*_: object, **__: object) -> None:
        raise AssertionError("the weights were loaded")

    monkeypatch.setattr("transformers.Qwen3_5ForConditionalGeneration.from_pretrained", loaded)
    model = open_checkpoint(str(checkpoint), settings())
    with pytest.raises(UsageError, match="--range"):
        model.watch(media, [Span(Fraction(0), model.longest_window + 1)])


# Watching


def test_windows_come_in_order_and_each_answers_its_questions(model: MarlinModel, media: MediaInfo) -> None:
    spans = [span("0", "3"), span("3", "6"), span("6", "8")]
    answers = []
    for window, expected in zip(model.watch(media, spans), spans, strict=True):
        assert window.span == expected
        answers.append(window.ask(QUESTIONS))
    assert [len(each) for each in answers] == [3, 3, 3]
    assert answers[0] != answers[1]
    assert next(model.watch(media, spans[1:])).ask(QUESTIONS) == answers[1]


def test_pictures_that_windows_share_are_seen_once_and_the_answers_stay_the_same(
    checkpoint: Path, model: MarlinModel, media: MediaInfo, monkeypatch: pytest.MonkeyPatch
) -> None:
    fresh = open_checkpoint(str(checkpoint), settings())
    looked: list[int] = []
    look = fresh.engine.look

    def counted(rows: torch.Tensor, grid: tuple[int, int, int]) -> torch.Tensor:
        looked.append(grid[0])
        return look(rows, grid)

    monkeypatch.setattr(fresh.engine, "look", counted)
    spans = [span("0", "4"), span("2", "6")]
    shared = [window.ask(QUESTIONS) for window in fresh.watch(media, spans)]
    assert sum(looked) == 6
    alone = [next(model.watch(media, [one])).ask(QUESTIONS) for one in spans]
    assert [[answer.raw for answer in each] for each in shared] == [[answer.raw for answer in each] for each in alone]


def test_a_window_asked_again_after_the_next_one_was_taken_is_read_again(model: MarlinModel, media: MediaInfo) -> None:
    windows = list(model.watch(media, [span("0", "2"), span("2", "4")]))
    again = windows[0].ask(QUESTIONS)
    assert again == next(model.watch(media, [span("0", "2")])).ask(QUESTIONS)


def test_a_part_of_a_window_is_a_window_of_its_own(model: MarlinModel, media: MediaInfo) -> None:
    window = next(model.watch(media, [span("0", "6")]))
    part = window.part(span("2", "5"))
    assert part.span == span("2", "5")
    assert [answer.raw for answer in part.ask(QUESTIONS)] == [
        answer.raw for answer in next(model.watch(media, [span("2", "5")])).ask(QUESTIONS)
    ]
    with pytest.raises(ValueError, match="not within"):
        window.part(span("5", "7"))


def test_a_window_longer_than_the_model_watches_names_the_limit_and_the_option(
    model: MarlinModel, media: MediaInfo
) -> None:
    with pytest.raises(MarlinEditError, match=r"at most 6 s at once.*--range 1-7"):
        model.watch(media, [span("1", "7.5")])


def test_what_goes_wrong_while_decoding_ahead_is_told_where_the_window_is_taken(
    model: MarlinModel, media: MediaInfo, tmp_path: Path
) -> None:
    from dataclasses import replace

    broken = tmp_path / "broken.mp4"
    broken.write_bytes(b"not a video any more")
    with pytest.raises(MarlinEditError):
        next(model.watch(replace(media, path=broken), [span("0", "2")]))


def test_leaving_off_after_the_first_window_ends_the_thread(model: MarlinModel, media: MediaInfo) -> None:
    import threading

    windows = model.watch(media, [span(str(second), str(second + 1)) for second in range(6)])
    first = next(windows)
    windows.close()  # type: ignore[attr-defined]
    assert not [thread for thread in threading.enumerate() if thread.name == "decode-ahead"]
    assert len(first.ask(QUESTIONS)) == 3


def test_no_questions_cost_nothing(model: MarlinModel, media: MediaInfo) -> None:
    assert next(model.watch(media, [span("0", "2")])).ask([]) == []
