"""Asks a model about windows of a source: from questions to an `Analysis`."""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Collection, Iterator, Sequence
from dataclasses import replace
from fractions import Fraction
from functools import cache

from marlin_edit.analysis import Analysis, Asked, Event, Finding, Origin, Scene
from marlin_edit.answer_format import read_caption
from marlin_edit.app import App
from marlin_edit.console import Console
from marlin_edit.errors import NoPicture, UsageError
from marlin_edit.inference.cache import Memory
from marlin_edit.inference.calibration import bundled_calibration, calibration_of, least_score
from marlin_edit.inference.merge import joined_events, joined_findings, joined_scenes
from marlin_edit.inference.requery import Search, with_told
from marlin_edit.inference.windows import chosen_windows, maximal, span_between, uncovered
from marlin_edit.media import MediaInfo, need_picture
from marlin_edit.timebase import Position, Span
from marlin_edit.video_model import Answer, Judging, Question, QuestionKind, VideoModel, Watched

LONGEST_QUERY = 1_000
"""Characters. The model was trained on one short sentence; far longer ones are a mistake, and slow."""


def checked_queries(queries: Sequence[str]) -> tuple[str, ...]:
    """The queries, each once, stripped; UsageError for one that is empty or absurdly long."""
    kept: list[str] = []
    for query in queries:
        words = " ".join(query.split())
        if not words:
            raise UsageError('A query is empty. Say one visible action in the present tense, e.g. "a door opens".')
        if len(words) > LONGEST_QUERY:
            raise UsageError(
                f"A query has {len(words)} characters; at most {LONGEST_QUERY} make sense. "
                'Say one visible action in the present tense, e.g. "a door opens".'
            )
        if words not in kept:
            kept.append(words)
    return tuple(kept)


def model_opener(app: App, console: Console) -> Callable[[], VideoModel]:
    """Opens the model that the settings name when it is first called, and says what must be known of it."""

    @cache
    def opened() -> VideoModel:
        backend = app.backend_for(app.settings.value("model", str))
        with app.calling(backend):
            model = backend.open(app.settings)
        if model.identity.notice:
            console.receipt(model.identity.notice)
        return model

    return opened


def ask_about(
    app: App,
    console: Console,
    media: MediaInfo,
    look_in: tuple[Position, Position] | None,
    *,
    caption: bool = False,
    queries: Sequence[str] = (),
    model: Callable[[], VideoModel] | None = None,
) -> Analysis:
    """Shows a model the media, or the part `look_in` of it, and asks. model: opens it, by default the settings' own.

    Findings are scored where the model is calibrated. From which score on they are accepted is in
    `Analysis.threshold`.
    """
    need_picture(media)
    wanted = Span(Fraction(0), media.duration) if look_in is None else span_between(media, *look_in, console)
    watching = (model or model_opener(app, console))()
    windows = chosen_windows(wanted, watching, app.settings, console)
    if len(windows) > 1:
        console.detail(f"{media.path.name}: {len(windows)} windows, the first of {float(windows[0].length):g} s")
    score = app.settings.value("score", bool)
    calibration = calibration_of(app.settings, watching.identity, bundled_calibration(watching)) if queries else None
    memory = Memory.of(app.settings, console)
    with contextlib.closing(memory), console.progress(f"watching {media.path.name}", float(wanted.length)) as progress:
        furthest = wanted.start

        def seen(second: Fraction) -> None:
            nonlocal furthest
            furthest = max(furthest, second)
            progress.reached(float(furthest - wanted.start))

        analysis = ask(
            watching,
            media,
            windows,
            caption=caption,
            queries=queries,
            seen=seen,
            memory=memory,
            evidence=score,
            known=frozenset() if calibration is None else calibration.known,
        )
    if memory.known:
        console.receipt(f"{memory.known} of {memory.known + memory.asked} answers were known (--no-store asks anew)")
    if calibration is None or not score:
        return replace(analysis, threshold=least_score(app.settings, None))
    findings = [replace(finding, score=calibration.score(finding.signals)) for finding in analysis.findings]
    return replace(analysis, findings=tuple(findings), threshold=least_score(app.settings, calibration.threshold))


def ask(
    model: VideoModel,
    media: MediaInfo,
    windows: Sequence[Span],
    *,
    caption: bool,
    queries: Sequence[str],
    seen: Callable[[Fraction], None] | None = None,
    memory: Memory | None = None,
    evidence: bool = False,
    known: Collection[str] = frozenset(),
) -> Analysis:
    """Shows each window once and asks it everything; `seen` is told up to which second the model has looked.

    What `memory` knows is not asked again, and what the model answers is kept there as soon as it comes. What several
    windows answered about the same thing is joined. A window without a picture goes into `Analysis.unseen`, and raises
    NoPicture only where none has any. Answers that cannot be read as a span are kept in `Analysis.unread`, each with
    its reason. evidence: what speaks for each finding is asked as well (`Finding.signals`), and with it every other
    time that the thing happens in a window; it takes the window's caption, whether that is wanted or not. known: words
    that the model is known to use in captions (see `signals.Vocabulary`).
    """
    captioned = caption or (evidence and bool(queries))
    questions = [Question(QuestionKind.CAPTION)] if captioned else []
    questions += [Question(QuestionKind.FIND, query) for query in queries]
    scenes: list[Scene] = []
    events: list[Event] = []
    findings: list[Finding] = []
    unread: list[str] = []
    looked_at: list[Span] = []
    step = model.sampling_step
    judges = isinstance(model, Judging) and model.judges
    watching = model if memory is None else memory.remembering(model, questions)
    for window in _watched(watching, media, windows, seen):
        answers = dict(zip(questions, window.ask(questions), strict=True))
        looked_at.append(window.span)
        told = answers.pop(questions[0]) if captioned else None
        if told is not None:
            read = read_caption(told, window.span, step)
            events.extend(read.events)
            if caption and read.scene:
                scenes.append(Scene(window.span, read.scene, origin=_origin(window.span, told)))
            if caption:
                unread.extend(read.discarded)
        search = Search(window, step, judges)
        search.all_of({question.query: answer for question, answer in answers.items()}, told if evidence else None)
        findings.extend(search.findings)
        unread.extend(search.unread)
        if seen is not None:
            seen(window.span.end)
    told_events = joined_events(events)
    joined = joined_findings(with_told(findings, told_events, known) if evidence else findings)
    spans = maximal(looked_at)
    asked = [Asked(None, spans)] if caption else []
    asked += [Asked(query, spans) for query in queries]
    return Analysis(
        media=media,
        model=model.identity,
        scenes=joined_scenes(scenes),
        events=told_events if caption else (),
        findings=tuple(with_told(joined, told_events, known)) if evidence else joined,
        asked=tuple(asked),
        unread=tuple(unread),
        unseen=uncovered(windows, looked_at),
    )


def _watched(
    model: VideoModel, media: MediaInfo, windows: Sequence[Span], seen: Callable[[Fraction], None] | None
) -> Iterator[Watched]:
    """Each window in turn, but for those without a picture; where none has any, that is raised."""
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


def _origin(window: Span, answer: Answer) -> Origin:
    return Origin((window,), answer.raw)
