"""Opens a checkpoint and shows it windows of a source: the video model behind `--model`.

The weights go into transformers' own class, from safetensors only, and no code that comes with a model is run. Nothing
is fetched: `hub.py` finds what is on disk. While the model works on a window, a thread decodes the next one.
"""

from __future__ import annotations

import json
import logging
import math
import queue
import threading
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import asdict, dataclass, field, replace
from fractions import Fraction
from functools import cached_property
from pathlib import Path
from typing import Any

import torch
from torch import Tensor

from marlin_edit import calibration
from marlin_edit.analysis import ModelIdentity
from marlin_edit.errors import MarlinEditError, UsageError
from marlin_edit.interfaces import Answer, Question, QuestionKind, Terms
from marlin_edit.marlin import hub
from marlin_edit.marlin.continuing import quieten
from marlin_edit.marlin.engine import MOST_TOGETHER, Claim, Engine, Prompt, Reading
from marlin_edit.marlin.frames import WindowFrames, display_size, read_frames, sample_times
from marlin_edit.marlin.grid import patches, resized, stamps, target_size
from marlin_edit.marlin.memory import out_of_memory
from marlin_edit.marlin.profile import Profile, read_profile
from marlin_edit.marlin.prompts import judged_text, question_text
from marlin_edit.marlin.tokens import Tokens
from marlin_edit.media import MediaInfo
from marlin_edit.settings import Settings
from marlin_edit.timebase import Span

_log = logging.getLogger(__name__)

MAX_NEW_TOKENS = {QuestionKind.CAPTION: 2048, QuestionKind.FIND: 64}
"""The most tokens of an answer, as Marlin's own helpers have it."""

PREPARATION = 1
"""Which way frames.py, grid.py and engine.py make a prompt of a window and a profile. To be raised with every change of
that, so that answers kept from before are not taken for answers to the new prompt."""

SMALL_MODEL = 1_000_000_000
"""Parameters up to which a CPU runs in float32, where answers do not depend on how questions are grouped. Above it
takes bfloat16: half the memory (about 6 GB instead of 11 for 2B) and, on CPUs that have it, a third of the time."""

_DTYPES = {"bfloat16": torch.bfloat16, "float16": torch.float16, "float32": torch.float32}
_GROUPS_AHEAD = 4

_Pair = tuple[str, str, Fraction, Fraction, int, int]


def open_checkpoint(
    source: str, settings: Settings, revision: str | None = None, name: str | None = None
) -> MarlinModel:
    """Open a model of the Qwen3.5-VL family: a directory, or a name on the hub whose files are on disk.

    The weights are loaded when the first window is watched, so that all else can be refused before. name: what it is
    called in results, where that is not the source's own name. Raises MarlinEditError, which says what to do, where
    the files are missing, not whole or of another kind, and where the device is missing.
    """
    checkpoint = hub.find(source, revision)
    device = choose_device(settings.value("device", str))
    dtype = choose_dtype(settings.value("dtype", str), device, hub.weights(checkpoint.path).parameters)
    profile = read_profile(checkpoint.path)
    tokens = Tokens(checkpoint.path / "tokenizer.json")
    identity = ModelIdentity(
        name or checkpoint.name, checkpoint.revision, profile.name, str(dtype).removeprefix("torch."), profile.notice
    )

    def load() -> Engine:
        model = _load(checkpoint.path, device, dtype)
        try:
            return Engine(model, tokens, profile)
        except (RuntimeError, TypeError, AttributeError, ValueError) as error:
            raise MarlinEditError(
                f"The installed transformers cannot run this model on {device}: {error}. "
                "`marlin-edit doctor` tells more."
            ) from error

    return MarlinModel(load, profile, identity, settings.value("decoder", str), checkpoint.path / calibration.FILE)


def choose_device(wanted: str) -> str:
    """`auto`: the best that is here. Anything else is taken at its word, or refused."""
    here = {"cuda": torch.cuda.is_available(), "mps": torch.backends.mps.is_available(), "cpu": True}
    if wanted == "auto":
        return next(device for device, present in here.items() if present)
    if wanted not in here:
        raise UsageError(f"There is no device {wanted!r}: auto, {', '.join(here)}.")
    if not here[wanted]:
        there = " or ".join(device for device, present in here.items() if present)
        raise UsageError(
            f"The installed torch ({torch.__version__}) finds no {wanted} device here. Use {there}, or auto."
        )
    return wanted


def choose_dtype(wanted: str, device: str, parameters: int) -> torch.dtype:
    """`auto`: bfloat16 on CUDA (float16 on cards without it), float16 on MPS, on a CPU by size (see SMALL_MODEL)."""
    if wanted in _DTYPES:
        return _DTYPES[wanted]
    if wanted != "auto":
        raise UsageError(f"There is no number format {wanted!r}: auto, {', '.join(_DTYPES)}.")
    if device == "cuda":
        return torch.bfloat16 if torch.cuda.is_bf16_supported() else torch.float16
    if device == "mps":
        return torch.float16
    return torch.float32 if parameters <= SMALL_MODEL else torch.bfloat16


def memory_text(device: str) -> str:
    """A device's name and memory, for a person; nothing where torch does not tell."""
    if device != "cuda":
        return ""
    properties = torch.cuda.get_device_properties(0)
    return f"({properties.name}, {properties.total_memory / 2**30:.0f} GiB)"


def _load(path: Path, device: str, dtype: torch.dtype) -> Any:
    import transformers

    quieten()
    values = hub.read_config(path)
    values = {key: value for key, value in values.items() if key not in ("auto_map", "model_type", "architectures")}
    stored = hub.weights(path).values
    text: dict[str, Any] = values.get("text_config") or {}
    tied = bool(values.get("tie_word_embeddings") or text.get("tie_word_embeddings") or "lm_head.weight" not in stored)
    try:
        config: Any = transformers.Qwen3_5Config.from_dict(values)
        for part in (config, config.text_config):
            part.tie_word_embeddings = tied
            part.use_cache = True
        loaded: Any = transformers.Qwen3_5ForConditionalGeneration.from_pretrained(
            path,
            config=config,
            dtype=dtype,
            use_safetensors=True,
            trust_remote_code=False,
            local_files_only=True,
            attn_implementation="sdpa",
            output_loading_info=True,
        )
        model, found = loaded
        missing = sorted(key for key in found["missing_keys"] if not (tied and key == "lm_head.weight"))
        if missing:
            raise MarlinEditError(
                f"The weights in {path} do not fit its config.json: {len(missing)} tensors are missing, such as "
                f"{missing[0]}. Get the model again."
            )
        if tied:
            model.lm_head.weight = model.model.language_model.embed_tokens.weight
        model.requires_grad_(False)
        model.eval()
        return model.to(device)
    except MarlinEditError:
        raise
    except Exception as error:  # transformers and safetensors raise all kinds
        if out_of_memory(error):
            raise MarlinEditError(
                f"There is not enough memory on {device} to load the model as {str(dtype).removeprefix('torch.')}. "
                "Try --dtype bfloat16, or another --device, or close other programs that use it."
            ) from error
        reason = " ".join(str(error).split())[:300]
        raise MarlinEditError(f"The model in {path} cannot be loaded: {reason}. Get the model again.") from error


class MarlinModel:
    """A video model on this computer. Each window's pictures are seen once, also where the next window overlaps it."""

    def __init__(
        self,
        load: Callable[[], Engine],
        profile: Profile,
        identity: ModelIdentity,
        decoder: str,
        calibration: Path | None = None,
    ) -> None:
        self.profile = profile
        self.calibration = calibration
        self._load = load
        self._identity = identity
        self._decoder = decoder
        self._seen: dict[_Pair, Tensor] = {}
        self._blank: tuple[tuple[int, tuple[int, int]], Reading] | None = None

    @cached_property
    def engine(self) -> Engine:
        """The loaded model. Raises MarlinEditError where the weights cannot be loaded or do not fit in memory."""
        return self._load()

    @property
    def identity(self) -> ModelIdentity:
        return self._identity

    @property
    def longest_window(self) -> Fraction:
        return self.profile.longest_window

    @property
    def sampling_step(self) -> Fraction:
        return self.profile.sampling_step

    @property
    def asks_at_once(self) -> int:
        return MOST_TOGETHER

    @property
    def judges(self) -> bool:
        return True

    def terms(self, question: Question) -> Terms:
        """The decoder is none of them: all decoders give the same pixels. Nor is the device, which only rounds."""
        if question.kind is QuestionKind.JUDGE:
            before = "On a blank window: " if question.blank else ""
            prompt = "\n".join((before + question_text(question), *judged_text(question)))
            return Terms(prompt, self._sampling, generation="judged")
        return Terms(
            prompt=question_text(question),
            sampling=self._sampling,
            generation=f"greedy, at most {MAX_NEW_TOKENS[question.kind]} tokens",
        )

    @cached_property
    def _sampling(self) -> str:
        values = {name: str(value) for name, value in asdict(self.profile).items() if name != "notice"}
        return json.dumps({"preparation": PREPARATION, **values})

    def watch(
        self, media: MediaInfo, windows: Iterable[Span], seen: Callable[[Fraction], None] | None = None
    ) -> Iterator[WatchedWindow]:
        """Each window in turn. One that is asked again after the next was taken is read again.

        Raises MarlinEditError, before anything is decoded, where a window is too long.
        """
        spans = list(windows)
        for span in spans:
            self._check(span)
        return self._watch(media, spans, seen)

    def _watch(
        self, media: MediaInfo, spans: Sequence[Span], seen: Callable[[Fraction], None] | None
    ) -> Iterator[WatchedWindow]:
        last: WatchedWindow | None = None
        _ = self.engine  # loaded before the thread needs it
        with _Ahead(self, media, spans) as ahead:
            for span in spans:
                if last is not None:
                    last.forget()
                last = WatchedWindow(self, media, span, self._look(media, ahead.groups(), keep=True, told=seen))
                yield last

    def _check(self, span: Span) -> None:
        if span.length > self.longest_window:
            raise UsageError(
                f"The model {self._identity.name} watches at most {float(self.longest_window):g} s at once, and "
                f"{span} is longer. Choose a part with --range IN-OUT, "
                f"e.g. --range {float(span.start):g}-{float(span.start + self.longest_window):g}."
            )

    def prepared(self, media: MediaInfo, span: Span) -> Iterator[_Group]:
        """A window's frames as the vision tower takes them, group by group."""
        frames = read_frames(media, span, self.profile, self._decoder)
        layout = self.engine.layout
        size = target_size(*display_size(media), frames.count, self.profile, layout)
        for group in frames:
            rows, grid = patches(resized(group.pixels, size), layout)
            step = layout.temporal
            firsts = range(0, len(group.times), step)
            pairs = [(group.times[first], group.times[min(first + step, len(group.times)) - 1]) for first in firsts]
            yield _Group(rows, grid, pairs, frames)
        for note in frames.notes:
            _log.info("%s", note)

    def _look(
        self,
        media: MediaInfo,
        groups: Iterable[_Group],
        *,
        keep: bool,
        told: Callable[[Fraction], None] | None = None,
    ) -> _Looked:
        """Looks at a window's frames. keep: what is seen is kept for the next window, in place of the last one's."""
        seen: dict[_Pair, Tensor] = {}
        looked: list[_LookedPair] = []
        grid = (0, 0)
        source: WindowFrames | None = None
        for group in groups:
            source = group.source
            grid = group.grid[1:]
            keys = [(str(media.path), media.fingerprint, *pair, *grid) for pair in group.pairs]
            new = [index for index, key in enumerate(keys) if key not in self._seen]
            if new:
                per_pair = group.rows.view(len(keys), -1, group.rows.shape[-1])
                rows = per_pair[new].flatten(0, 1) if len(new) < len(keys) else group.rows
                features = self.engine.look(rows, (len(new), *grid))
                seen.update({keys[index]: feature for index, feature in zip(new, features, strict=True)})
            for key, times in zip(keys, group.pairs, strict=True):
                if key not in seen:
                    seen[key] = self._seen[key]
                looked.append(_LookedPair(*times, seen[key]))
            if told is not None:
                told(group.pairs[-1][1])
        if keep:
            self._seen = seen
        return _Looked(tuple(looked), grid, source is None or source.damaged == 0)

    def _read(self, looked: _Looked, span: Span) -> Reading:
        layout = self.engine.layout
        stamped: list[tuple[str, Tensor]] = []
        for pair in looked.pairs:
            # A frame that was on the screen before the window counts from the window's start.
            since = [max(time, span.start) - span.start for time in (pair.first, pair.last)]
            (stamp,) = stamps(since, layout)
            stamped.append((stamp, pair.features))
        reading = self.engine.read(stamped, looked.grid)
        reading.whole = looked.whole
        return reading

    def _blank_like(self, looked: _Looked) -> Reading:
        """A window of as many pairs that shows nothing but grey. The last one is kept: most are equally long."""
        shape = (len(looked.pairs), looked.grid)
        if self._blank is None or self._blank[0] != shape:
            layout = self.engine.layout
            rows = torch.zeros(looked.grid[0] * looked.grid[1], 3 * layout.temporal * layout.patch**2)
            features = self.engine.look(rows, (1, *looked.grid))[0]
            times = [number * self.sampling_step for number in range(len(looked.pairs) * layout.temporal)]
            stamped = [(stamp, features) for stamp in stamps(times, layout)]
            self._blank = shape, self.engine.read(stamped, looked.grid)
        return self._blank[1]

    def _part_of(self, looked: _Looked, media: MediaInfo, window: Span, span: Span) -> _Looked | None:
        """What was seen of a stretch of a window, where a window of that stretch would be shown the same pairs.

        None where it would not: it begins between two pairs, ends within one, or is so short or so small that its
        frames would be other ones or of another size.
        """
        pair = self.engine.layout.temporal * self.sampling_step
        count = len(sample_times(span, self.profile))
        if (span.start - window.start) % pair or (span.end != window.end and (span.end - window.start) % pair):
            return None
        if count == self.profile.min_frames and span.length < count * self.sampling_step:
            return None
        layout = self.engine.layout
        patched = tuple(side * layout.patch for side in looked.grid)
        if target_size(*display_size(media), count, self.profile, layout) != patched:
            return None
        first = int((span.start - window.start) / pair)
        pairs = looked.pairs[first : first + math.ceil(Fraction(count, layout.temporal))]
        return replace(looked, pairs=pairs) if pairs else None


class WatchedWindow:
    """A window that the model has looked at. Its frames are read by the language model when it is first asked."""

    def __init__(self, model: MarlinModel, media: MediaInfo, span: Span, looked: _Looked | None) -> None:
        self._model = model
        self._media = media
        self._span = span
        self._looked = looked
        self._reading: Reading | None = None

    @property
    def span(self) -> Span:
        return self._span

    @property
    def looked(self) -> _Looked:
        """What was seen of it; looked at (again) where it is not at hand."""
        if self._looked is None:
            groups = self._model.prepared(self._media, self._span)
            self._looked = self._model._look(self._media, groups, keep=False)
        return self._looked

    @property
    def reading(self) -> Reading:
        """What the engine knows of it."""
        if self._reading is None:
            self._reading = self._model._read(self.looked, self._span)
        return self._reading

    def forget(self) -> None:
        """Give its memory back. Asked again, it is looked at again."""
        self._looked = self._reading = None

    def ask(self, questions: Sequence[Question]) -> list[Answer]:
        """One answer a question, in order; the questions are answered together."""
        answers: dict[int, Answer] = {}
        judged = [place for place, question in enumerate(questions) if question.kind is QuestionKind.JUDGE]
        asked = [place for place, question in enumerate(questions) if question.kind is not QuestionKind.JUDGE]
        if asked:
            prompts = [
                Prompt(question_text(questions[place]), MAX_NEW_TOKENS[questions[place].kind]) for place in asked
            ]
            answers |= zip(asked, self.reading.answer(prompts), strict=True)
        for blank in (False, True):
            places = [place for place in judged if questions[place].blank is blank]
            if places:
                claims = [Claim(question_text(questions[place]), *judged_text(questions[place])) for place in places]
                reading = self._model._blank_like(self.looked) if blank else self.reading
                answers |= {
                    place: Answer("", logprobs) for place, logprobs in zip(places, reading.judge(claims), strict=True)
                }
        whole = not questions or self.looked.whole
        found = [answers[place] for place in range(len(questions))]
        return found if whole else [replace(answer, repeatable=False) for answer in found]

    def part(self, span: Span) -> WatchedWindow:
        """A stretch of it. Where a window of that span shows the same pairs of frames, they are not looked at again."""
        if span.within(self._span) != span:
            raise ValueError(f"{span} is not within {self._span}")
        looked = None if self._looked is None else self._model._part_of(self._looked, self._media, self._span, span)
        return WatchedWindow(self._model, self._media, span, looked)


@dataclass(frozen=True)
class _LookedPair:
    """A pair of frames: their times in the source, and what the vision tower saw in them."""

    first: Fraction
    last: Fraction
    features: Tensor


@dataclass(frozen=True)
class _Looked:
    """What was seen of a window. grid: a pair's height and width in patches. whole: nothing was found damaged."""

    pairs: tuple[_LookedPair, ...]
    grid: tuple[int, int]
    whole: bool


@dataclass(frozen=True)
class _Group:
    """Some pairs of frames: patches, their grid, and the times of each pair's frames in the source.

    source: what they come from. Once all groups of a window were taken, it knows what was damaged.
    """

    rows: Tensor
    grid: tuple[int, int, int]
    pairs: Sequence[tuple[Fraction, Fraction]]
    source: WindowFrames


@dataclass
class _Ahead:
    """Decodes the windows one after another on a thread, a few groups further than they are taken."""

    model: MarlinModel
    media: MediaInfo
    spans: Sequence[Span]
    _queue: queue.Queue[_Group | BaseException | None] = field(default_factory=lambda: queue.Queue(_GROUPS_AHEAD))
    _stopped: threading.Event = field(default_factory=threading.Event)

    def __enter__(self) -> _Ahead:
        self._thread = threading.Thread(target=self._work, name="decode-ahead", daemon=True)
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._stopped.set()
        self._thread.join()

    def groups(self) -> Iterator[_Group]:
        """The next window's groups. What went wrong on the thread is raised here."""
        while True:
            item = self._queue.get()
            if item is None:
                return
            if isinstance(item, BaseException):
                raise item
            yield item

    def _work(self) -> None:
        try:
            for span in self.spans:
                for group in self.model.prepared(self.media, span):
                    if not self._put(group):
                        return
                if not self._put(None):
                    return
        except BaseException as error:
            self._put(error)

    def _put(self, item: _Group | BaseException | None) -> bool:
        while not self._stopped.is_set():
            try:
                self._queue.put(item, timeout=0.05)
                return True
            except queue.Full:
                continue
        return False
