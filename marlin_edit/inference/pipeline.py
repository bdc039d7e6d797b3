"""The inference pipeline: from queries about a source, by way of windows and answers, to an `Analysis`."""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field, replace
from fractions import Fraction
from functools import cache

from marlin_edit.analysis import Analysis, Asked, Event, Finding, Origin, Scene
from marlin_edit.answer_format import read_caption
from marlin_edit.app import App
from marlin_edit.console import Console
from marlin_edit.errors import NoPicture
from marlin_edit.inference.cache import AnswerCache
from marlin_edit.inference.calibration import bundled_calibration, calibration_of, is_out_of_depth, least_score
from marlin_edit.inference.merge import joined_wordings, merged_events, merged_findings, merged_scenes
from marlin_edit.inference.queries import paraphrases
from marlin_edit.inference.requery import Search, with_caption_evidence
from marlin_edit.inference.windows import chosen_windows, maximal, span_between, uncovered
from marlin_edit.media import MediaInfo, need_picture
from marlin_edit.text import counted
from marlin_edit.timebase import OutPoint, Position, Span
from marlin_edit.video_model import Answer, Judging, Question, QuestionKind, VideoModel, Watched


def model_opener(app: App, console: Console) -> Callable[[], VideoModel]:
    """A function that opens the model of the settings when it is first called, and shows the model's notice."""

    @cache
    def opened() -> VideoModel:
        model = app.open_model()
        if model.identity.notice:
            console.receipt(model.identity.notice)
        return model

    return opened


@dataclass(frozen=True)
class Inquiry:
    """What windows are asked.

    caption: whether their captions are wanted. evidence: whether evidence for each finding is collected
    (`Finding.signals`), and further occurrences are searched for; this needs the windows' captions, wanted or not.
    known: words that the model is known to use in captions (see `signals.Vocabulary`). wordings: how many wordings of
    each query are asked.
    """

    caption: bool = False
    queries: tuple[str, ...] = ()
    evidence: bool = False
    known: frozenset[str] = frozenset()
    wordings: int = 1

    @property
    def questions(self) -> list[Question]:
        """The questions about each window."""
        caption = [Question(QuestionKind.CAPTION)] if self.needs_caption else []
        asked = dict.fromkeys(way for ways in self.asked.values() for way in ways)
        return caption + [Question(QuestionKind.FIND, way) for way in asked]

    @property
    def asked(self) -> dict[str, tuple[str, ...]]:
        """The wordings in which each query is asked."""
        return {query: paraphrases(query, self.wordings) for query in self.queries}

    @property
    def needs_caption(self) -> bool:
        """Whether each window's caption is asked for."""
        return self.caption or (self.evidence and bool(self.queries))


def analyze(
    app: App,
    console: Console,
    media: MediaInfo,
    look_in: tuple[Position, OutPoint] | None,
    *,
    caption: bool = False,
    queries: Sequence[str] = (),
    model: Callable[[], VideoModel] | None = None,
) -> Analysis:
    """Show a model the media, or the part `look_in` of it, and ask. model: opens it; by default the settings' own.

    Findings are scored if the model is calibrated. The score from which on they are accepted is in
    `Analysis.threshold`.
    """
    need_picture(media)
    wanted = Span(Fraction(0), media.duration) if look_in is None else span_between(media, *look_in, console)
    video_model = (model or model_opener(app, console))()
    windows = chosen_windows(wanted, video_model, app.settings, console)
    if len(windows) > 1:
        length = f"{float(windows[0].length):g} s"
        console.detail(f"{media.path.name}: {len(windows)} windows, the first of {length}")
    score = app.settings.value("score", bool)
    bundled = bundled_calibration(video_model)
    calibration = calibration_of(app.settings, video_model.identity, bundled) if queries else None
    known = frozenset() if calibration is None else calibration.known
    answers = AnswerCache.of(app.settings, console)
    with contextlib.closing(answers), console.progress(f"watching {media.path.name}", float(wanted.length)) as progress:
        furthest = wanted.start

        def seen(second: Fraction) -> None:
            nonlocal furthest
            furthest = max(furthest, second)
            progress.reached(float(furthest - wanted.start))

        inquiry = Inquiry(caption, tuple(queries), score, known, app.settings.value("paraphrase", int))
        analysis = analyze_windows(video_model, media, windows, inquiry, seen=seen, answers=answers)
    if answers.from_store:
        console.receipt(_from_store(answers))
    analysis = replace(analysis, accepts_unclear=app.settings.value("unclear", bool))
    if calibration is None or not score:
        return replace(analysis, threshold=least_score(app.settings, None))
    if is_out_of_depth(calibration, analysis.findings):
        console.warning(
            f"{media.path.name} is unlike the videos that the model was calibrated on: it is less sure of what it sees "
            "there. Scores may be wrong; calibrate on such footage, or look at the findings."
        )
    findings = [replace(finding, score=calibration.score(finding.signals)) for finding in analysis.findings]
    return replace(analysis, findings=tuple(findings), threshold=least_score(app.settings, calibration.threshold))


def _from_store(answers: AnswerCache) -> str:
    every = answers.from_store + answers.asked
    if answers.asked == 0:
        all_of_them = "The answer" if every == 1 else f"All {every} answers"
        return f"{all_of_them} came from the store (use --no-store to ask again)."
    return f"{answers.from_store} of {counted(every, 'answer')} came from the store (use --no-store to ask again)."


def analyze_windows(
    model: VideoModel,
    media: MediaInfo,
    windows: Sequence[Span],
    inquiry: Inquiry,
    *,
    seen: Callable[[Fraction], None] | None = None,
    answers: AnswerCache | None = None,
) -> Analysis:
    """Show the model each window once, ask it everything, and merge the answers.

    answers: stored answers; new ones are stored as they come. seen: called with the second up to which the model has
    looked. A window without a picture goes into `Analysis.unseen`; NoPicture is raised only if no window has any.
    """
    questions = inquiry.questions
    results = _Results(inquiry, model.sampling_step, isinstance(model, Judging) and model.judges)
    for window in _watched(model if answers is None else answers.cached(model, questions), media, windows, seen):
        results.add(window, dict(zip(questions, window.ask(questions), strict=True)))
        if seen is not None:
            seen(window.span.end)
    return results.analysis(media, model, windows)


@dataclass
class _Results:
    """What the windows answered so far."""

    inquiry: Inquiry
    step: Fraction
    judges: bool
    scenes: list[Scene] = field(default_factory=list)
    events: list[Event] = field(default_factory=list)
    findings: list[Finding] = field(default_factory=list)
    discarded: list[str] = field(default_factory=list)
    looked_at: list[Span] = field(default_factory=list)

    def add(self, window: Watched, answers: dict[Question, Answer]) -> None:
        """Read a window's answers, and search it for further occurrences."""
        inquiry = self.inquiry
        self.looked_at.append(window.span)
        caption = answers.pop(Question(QuestionKind.CAPTION)) if inquiry.needs_caption else None
        if caption is not None:
            read = read_caption(caption, window.span, self.step)
            self.events.extend(read.events)
            if inquiry.caption:
                self.discarded.extend(read.discarded)
                if read.scene:
                    self.scenes.append(Scene(window.span, read.scene, origin=Origin((window.span,), caption.raw)))
        search = Search(window, self.step, self.judges)
        by_query = {question.query: answer for question, answer in answers.items()}
        search.all_of(by_query, caption if inquiry.evidence else None)
        self.findings.extend(search.findings)
        self.discarded.extend(search.discarded)

    def analysis(self, media: MediaInfo, model: VideoModel, windows: Sequence[Span]) -> Analysis:
        """The merged results."""
        inquiry = self.inquiry
        events = merged_events(self.events)
        if inquiry.evidence:
            # Before merging for what is merged, and after it for the whole span of each.
            first = merged_findings(with_caption_evidence(self.findings, events, inquiry.known))
            findings = tuple(with_caption_evidence(first, events, inquiry.known))
        else:
            findings = merged_findings(self.findings)
        findings = joined_wordings(findings, inquiry.asked)
        spans = maximal(self.looked_at)
        asked = [Asked(None, spans)] if inquiry.caption else []
        return Analysis(
            media=media,
            model=model.identity,
            scenes=merged_scenes(self.scenes),
            events=events if inquiry.caption else (),
            findings=findings,
            asked=(*asked, *(Asked(query, spans) for query in inquiry.queries)),
            discarded=tuple(self.discarded),
            unseen=uncovered(windows, self.looked_at),
        )


def _watched(
    model: VideoModel, media: MediaInfo, windows: Sequence[Span], seen: Callable[[Fraction], None] | None
) -> Iterator[Watched]:
    """Each window in turn, without those that have no picture. Raises NoPicture if none has any."""
    rest = list(windows)
    shown = False
    while rest:
        try:
            for window in model.watch(media, tuple(rest), seen):
                yield window
                shown = True
                del rest[0]
            return
        except NoPicture:
            if len(rest) == 1 and not shown:
                raise
            del rest[0]
