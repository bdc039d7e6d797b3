"""From a file to a checkpoint's answers, the way the product goes: its probe, its frames, its engine."""

from __future__ import annotations

from collections.abc import Sequence
from fractions import Fraction
from pathlib import Path

from .evaluation import Answerer


def open_answerer(checkpoint: Path) -> Answerer:
    """Loads the checkpoint once; what is returned answers a caption and any queries about a whole file."""
    from marlin_edit.interfaces import Question, QuestionKind
    from marlin_edit.marlin.backend import open_checkpoint
    from marlin_edit.media import probe_video
    from marlin_edit.settings import Settings, Value
    from marlin_edit.timebase import Span

    settings = Settings(
        {"device": Value("cpu"), "dtype": Value("float32"), "decoder": Value("pyav"), "model": Value(str(checkpoint))}
    )
    model = open_checkpoint(str(checkpoint.resolve()), settings)

    def answer(path: Path, queries: Sequence[str]) -> tuple[str, list[str]]:
        media = probe_video(path)
        window = next(iter(model.watch(media, [Span(Fraction(0), media.duration)])))
        questions = [Question(QuestionKind.CAPTION), *(Question(QuestionKind.FIND, query) for query in queries)]
        caption, *found = [one.raw.removesuffix("<|im_end|>") for one in window.ask(questions)]
        return caption, found

    return answer
