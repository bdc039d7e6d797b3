"""Opens a checkpoint and shows it windows of a source: the video model behind `--model`.

The weights go into transformers' own class, from safetensors only, and no code that comes with a model is run. Nothing
is fetched: `hub.py` finds what is on disk. While the model works on a window, a thread decodes the next one.

torch and what needs it are imported when a window is watched: where all answers are stored, none is.
"""

from __future__ import annotations

import json
import logging
import math
import re
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import asdict, dataclass, replace
from fractions import Fraction
from functools import cached_property, partial
from pathlib import Path
from typing import TYPE_CHECKING

from marlin_edit.analysis import ModelIdentity
from marlin_edit.answer_format import JudgedWord, write_judgement
from marlin_edit.errors import UsageError
from marlin_edit.marlin.prompts import MOST_TOGETHER, judged_text, question_text
from marlin_edit.media import MediaInfo
from marlin_edit.sampling import Profile, display_size, sample_times, stamps, target_size
from marlin_edit.timebase import Span
from marlin_edit.video_model import Answer, Question, QuestionKind, Terms

if TYPE_CHECKING:
    from torch import Tensor

    from marlin_edit.marlin.decode_ahead import Group
    from marlin_edit.marlin.engine import Claim, Engine, Judgement, Reading
    from marlin_edit.marlin.frames import WindowFrames

_log = logging.getLogger(__name__)

MAX_NEW_TOKENS = {QuestionKind.CAPTION: 2048, QuestionKind.FIND: 64}
"""The most tokens of an answer, as Marlin's own helpers have it."""

PREPARATION = 1
"""Which way frames.py, grid.py and engine.py make a prompt of a window and a profile. To be raised with every change of
that, so that answers kept from before are not taken for answers to the new prompt."""


_WORD = re.compile(r"\w+(?:['\u2019]\w+)*")

_Pair = tuple[str, str, Fraction, Fraction, int, int]


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
        """Which model answers."""
        return self._identity

    @property
    def longest_window(self) -> Fraction:
        """The longest window in seconds."""
        return self.profile.longest_window

    @property
    def sampling_step(self) -> Fraction:
        """Seconds between two frames that are shown."""
        return self.profile.sampling_step

    @property
    def asks_at_once(self) -> int:
        """How many questions are answered together."""
        return MOST_TOGETHER

    @property
    def judges(self) -> bool:
        """Whether JUDGE questions are answered."""
        return True

    def terms(self, question: Question) -> Terms:
        """The decoder is none of them: all decoders give the same pixels. Nor is the device, which only rounds."""
        if question.kind is QuestionKind.JUDGE:
            before = "On a blank window: " if question.blank else ""
            prompt = "\n".join((before + question_text(question), *judged_text(question)))
            return Terms(prompt, self._sampling, generation="judged by words")
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
        from marlin_edit.marlin.decode_ahead import DecodeAhead

        with DecodeAhead(partial(self.prepared, media), spans) as ahead:
            for span in spans:
                if last is not None:
                    last.forget()
                last = WatchedWindow(self, media, span, self._look(media, ahead.groups(), keep=True, seen_to=seen))
                yield last

    def _check(self, span: Span) -> None:
        if span.length > self.longest_window:
            raise UsageError(
                f"The model {self._identity.name} watches at most {float(self.longest_window):g} s at once, and "
                f"{span} is longer. Choose a part with --range IN-OUT, "
                f"e.g. --range {float(span.start):g}-{float(span.start + self.longest_window):g}."
            )

    def prepared(self, media: MediaInfo, span: Span) -> Iterator[Group]:
        """A window's frames as the vision tower takes them, group by group."""
        from marlin_edit.marlin.decode_ahead import Group
        from marlin_edit.marlin.frames import read_frames
        from marlin_edit.marlin.preprocessing import patches, resized

        frames = read_frames(media, span, self.profile, self._decoder)
        layout = self.engine.layout
        size = target_size(*display_size(media), frames.count, self.profile, layout)
        frames.shrink = partial(resized, size=size)
        for group in frames:
            rows, grid = patches(resized(group.pixels, size), layout)
            step = layout.temporal
            firsts = range(0, len(group.times), step)
            pairs = [(group.times[first], group.times[min(first + step, len(group.times)) - 1]) for first in firsts]
            yield Group(rows, grid, pairs, frames)
        for note in frames.notes:
            _log.info("%s", note)

    def _look(
        self,
        media: MediaInfo,
        groups: Iterable[Group],
        *,
        keep: bool,
        seen_to: Callable[[Fraction], None] | None = None,
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
            if seen_to is not None:
                seen_to(group.pairs[-1][1])
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
        import torch

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
        """What was seen of a part of a window, where a window of that part would be shown the same pairs.

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
        """The window."""
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
        from marlin_edit.marlin.engine import Claim, Prompt

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
                for place, claim, judgement in zip(places, claims, reading.judge(claims), strict=True):
                    answers[place] = Answer(write_judgement(words_of_claim(claim, judgement)), judgement.logprobs)
        whole = not questions or self.looked.whole
        found = [answers[place] for place in range(len(questions))]
        return found if whole else [replace(answer, repeatable=False) for answer in found]

    def part(self, span: Span) -> WatchedWindow:
        """A part of it. Where a window of that span shows the same pairs of frames, they are not looked at again."""
        if span.within(self._span) != span:
            raise ValueError(f"{span} is not within {self._span}")
        looked = None if self._looked is None else self._model._part_of(self._looked, self._media, self._span, span)
        return WatchedWindow(self._model, self._media, span, looked)


def words_of_claim(claim: Claim, judgement: Judgement) -> list[JudgedWord]:
    """The words of a judged text, each with the probabilities of all its tokens; words of one token together.

    A blank before a word is a part of it; other marks between words do not count.
    """
    words = list(_WORD.finditer(claim.text))
    judged: dict[int, JudgedWord] = {}
    place = 0
    for index, (start, end) in enumerate(judgement.places):
        while place < len(words) and words[place].end() <= start:
            place += 1
        if place == len(words) or (words[place].start() >= end and not claim.text[start:end].isspace()):
            continue
        covered = [word.group() for word in words[place:] if word.start() < end] or [words[place].group()]
        logprob, likeliest = judgement.logprobs[index], judgement.likeliest_logprobs[index]
        before = judged.get(place)
        if before is None:
            judged[place] = JudgedWord(" ".join(covered), logprob, judgement.likeliest[index].strip(), likeliest)
        else:
            text = before.text if len(before.text) >= len(" ".join(covered)) else " ".join(covered)
            judged[place] = JudgedWord(
                text, before.logprob + logprob, before.likeliest, before.likeliest_logprob + likeliest
            )
    return list(judged.values())


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
