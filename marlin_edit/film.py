"""marlin-edit in Python: `open` a film, ask it, listen to it, cut it, write what was found. Nothing is printed.

    import marlin_edit as me

    film = me.open("interview.mp4")
    found = film.find("a man stands up")
    film.cut(found, out_dir="clips")
    film.caption().write("interview.srt")

Options are those of the commands, with underscores: `--out-dir` is `out_dir`, `--in` is `in_`. What the commands print
goes to the log named `marlin_edit`; errors are `MarlinEditError`s, with the sentence that the commands print.
"""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from fractions import Fraction
from pathlib import Path

from marlin_edit import interruption
from marlin_edit.analysis import Analysis, Event, Finding, Scene, Utterance
from marlin_edit.app import App
from marlin_edit.console import Console, Line, Progress
from marlin_edit.edit import Cut, Edit, QueryResult, accepted_findings, cuts_of_findings, cuts_of_spans, results_of
from marlin_edit.errors import UsageError, did_you_mean
from marlin_edit.inference.pipeline import analyze, model_opener
from marlin_edit.inference.queries import checked_queries
from marlin_edit.inference.windows import span_between
from marlin_edit.interfaces import Carries
from marlin_edit.media import MediaInfo
from marlin_edit.plugins import load_app
from marlin_edit.settings import Setting
from marlin_edit.timebase import OutPoint, Position, parse_positions
from marlin_edit.workflow.cut_selection import selected_cuts
from marlin_edit.workflow.finder import Finder
from marlin_edit.workflow.hearing import Listener, caption_listener, with_speech
from marlin_edit.workflow.outputs import planned_deliveries, planned_outputs
from marlin_edit.workflow.publish import Outcome, publish
from marlin_edit.workflow.run import Run, probe_media, programme_start
from marlin_edit.workflow.snapping import snap_detector

Option = str | int | float | bool | Path | None
OnProgress = Callable[[str, float, float], None]
"""Called with what is being done, how much of it is done, and how much it is in all (0 if that is not known)."""

Range = str | tuple[float | Fraction, float | Fraction]
"""A part of a film: `"14.3-18.2"` as on the command line, or two numbers of seconds."""

_log = logging.getLogger("marlin_edit")
_log.addHandler(logging.NullHandler())


def open(path: str | Path, *, on_progress: OnProgress | None = None, **options: Option) -> Film:
    """Open a film. The model is loaded when it is first asked.

    Args:
        path: The media file.
        on_progress: Called while the model watches and while clips are written.
        options: Of the commands `find`, `caption` and `cut`, for all that is done with this film: `model="demo"`.

    Raises:
        MarlinEditError: It cannot be read, or there is no such option.
    """
    return Film(Path(path), on_progress, options)


@dataclass(frozen=True)
class Written:
    """What was written.

    Attributes:
        files: The files.
        notes: What is worth knowing of them, a sentence each.
        missing: What could not be done, a sentence each; empty if all was done.
    """

    files: tuple[Path, ...]
    notes: tuple[str, ...]
    missing: tuple[str, ...]


class _Answer:
    """What the model said of a film."""

    def __init__(self, film: Film, analysis: Analysis, makes: Carries) -> None:
        self.analysis = analysis
        self._film, self._makes = film, makes

    def write(self, path: str | Path, *more: str | Path, **options: Option) -> Written:
        """Write it into files, in the formats of their suffixes.

        Args:
            path: The first file.
            more: Further files.
            options: Those of `export`, like `overwrite=True`.

        Raises:
            MarlinEditError: A file is there already or cannot be written, or its format can hold nothing of this.
        """
        return self._film._write(self.analysis, (), [Path(one) for one in (path, *more)], self._makes, options)


class Findings(_Answer):
    """What was found of some queries.

    Attributes:
        analysis: All of it, as the analysis file has it.
    """

    @property
    def all(self) -> tuple[Finding, ...]:
        """Every finding, accepted or not."""
        return self.analysis.findings

    @property
    def accepted(self) -> tuple[Finding, ...]:
        """Those that are supported, or scored as high as the calibration asks for."""
        return accepted_findings(self.analysis)

    @property
    def results(self) -> tuple[QueryResult, ...]:
        """The result of each query."""
        return results_of(self.analysis)

    def __iter__(self) -> Iterator[Finding]:
        return iter(self.accepted)

    def __len__(self) -> int:
        return len(self.accepted)


class Captions(_Answer):
    """What happens in a film, as the model describes it.

    Attributes:
        analysis: All of it, as the analysis file has it.
    """

    @property
    def scenes(self) -> tuple[Scene, ...]:
        """What its parts look like."""
        return self.analysis.scenes

    @property
    def events(self) -> tuple[Event, ...]:
        """What happens, with the times."""
        return self.analysis.events

    def __iter__(self) -> Iterator[Event]:
        return iter(self.events)

    def __len__(self) -> int:
        return len(self.events)


class Transcript(_Answer):
    """What is said in a film.

    Attributes:
        analysis: All of it, as the analysis file has it.
    """

    @property
    def utterances(self) -> tuple[Utterance, ...]:
        """What is said, with the times of its words; of speech that was not understood, the text is empty."""
        return self.analysis.speech or ()

    @property
    def text(self) -> str:
        """All that is said."""
        return " ".join(one.text for one in self.utterances if one.text)

    def __iter__(self) -> Iterator[Utterance]:
        return iter(self.utterances)

    def __len__(self) -> int:
        return len(self.utterances)


class Film:
    """A media file that can be asked and cut.

    Attributes:
        path: The file.
        media: What it is: rate, frames, size, streams.
    """

    def __init__(self, path: Path, on_progress: OnProgress | None, options: dict[str, Option]) -> None:
        self.path = path
        self._console = _Quiet(on_progress)
        self._app = _with_options(load_app(), options, ("find", "caption", "cut", "transcribe"), opening=True)
        self.media: MediaInfo = probe_media(Run(self._app, self._console), path)
        self._model = model_opener(self._app, self._console)

    def find(self, *queries: str, within: Range | None = None, **options: Option) -> Findings:
        """Say when something happens.

        Args:
            queries: What to look for: visible actions in the present tense, like "a door opens", or words that are said
                (`in_="said"`).
            within: The part to look in, or None for all of it.
            options: Those of the command `find`, but for the model's own (`model`, `device`), which `open` takes.
        """
        wanted = checked_queries(queries)
        if not wanted:
            raise UsageError('Say what to look for: film.find("a door opens").')
        app = _with_options(self._app, options, ("find",))
        finder = Finder.of(Run(app, self._console), wanted, self._model)
        return Findings(self, finder.find(self.media, _positions(within)), Carries.FINDINGS)

    def caption(self, *, within: Range | None = None, **options: Option) -> Captions:
        """Describe what happens. `within` and `options` are as for `find`."""
        app = _with_options(self._app, options, ("caption",))
        run = Run(app, self._console)
        listener = caption_listener(run)
        seen = analyze(app, self._console, self.media, _positions(within), caption=True, model=self._model)
        return Captions(self, with_speech(run, seen, listener), Carries.SCENES | Carries.EVENTS)

    def transcribe(self, *, within: Range | None = None, **options: Option) -> Transcript:
        """Write down what is said. `within` is as for `find`.

        Args:
            within: The part to listen to, or None for all of it.
            options: Those of the command `transcribe`, like `speech_model="small"`.

        Raises:
            MarlinEditError: The speech extra or the speech model is not here.
        """
        run = Run(_with_options(self._app, options, ("transcribe",)), self._console)
        part = None if within is None else span_between(self.media, *_span(within), self._console)
        return Transcript(self, Listener.of(run, words=True).transcribe(self.media, part), Carries.SPEECH)

    def cut(self, what: Findings | Iterable[Range], *outputs: str | Path, **options: Option) -> Written:
        """Cut out what was found, or parts that you name.

        Args:
            what: The findings, of which the accepted ones are cut, or parts of the film.
            outputs: Cut lists and timelines to write.
            options: Those of the command `cut`: `out_dir="clips"`, `reel="best.mp4"`, `mode="exact"`.

        Returns:
            The files. Without `outputs`, `out_dir` and `reel`, clips are written into the current directory. Nothing is
            written if nothing was found.
        """
        app = _with_options(self._app, options, ("cut",))
        run = Run(app, self._console)
        if isinstance(what, Findings):
            analysis, cuts = what.analysis, cuts_of_findings(what.analysis, app.settings["handles"])
        else:
            analysis = Analysis(self.media.counted_in_samples())
            spans = [span_between(self.media, *_span(one), self._console) for one in what]
            cuts = cuts_of_spans(analysis, spans, app.settings["handles"])
        analysis, chosen = selected_cuts(run, analysis, cuts, snap_detector(run))
        return self._write(analysis, chosen, [Path(one) for one in outputs], Carries.FINDINGS | Carries.CUTS, options)

    def _write(
        self,
        analysis: Analysis,
        cuts: tuple[Cut, ...],
        paths: list[Path],
        makes: Carries,
        options: dict[str, Option],
    ) -> Written:
        of_cuts = bool(makes & Carries.CUTS)
        app = _with_options(self._app, options, ("cut",) if of_cuts else ("export", "find", "caption", "transcribe"))
        run = Run(app, self._console)
        outputs = planned_outputs(app, [*paths], None, makes, [self.path])
        deliveries = planned_deliveries(app, [], makes) if of_cuts else []
        if of_cuts and not deliveries and not outputs:
            deliveries = planned_deliveries(app, [app.settings.value("cut_to", str)], makes)
        if of_cuts and not cuts:
            return Written((), (), ())
        start = programme_start(run, analysis.media.counted_in_samples())
        edit = Edit(analysis.media.path.stem, *start, (analysis,), cuts)
        return _written(publish(run, edit, outputs, deliveries))


def _written(outcome: Outcome) -> Written:
    return Written(tuple(outcome.files), (*outcome.notes, *outcome.details), tuple(outcome.missing))


_OF_OPEN = frozenset({"model", "device", "dtype", "decoder", "stream"})
"""Options that say which model looks at which picture: a film keeps both."""


def _with_options(app: App, options: dict[str, Option], commands: tuple[str, ...], *, opening: bool = False) -> App:
    """The app with options of these commands; UsageError for a name that none of them has, or that `open` takes."""
    known: dict[str, Setting] = {
        setting.flag.removeprefix("--").replace("-", "_"): setting
        for setting in app.definitions.values()
        if setting.flag is not None and set(commands) & set(setting.commands)
    }
    options = {name.removesuffix("_"): value for name, value in options.items()}  # `in` is a word of Python
    for name in options:
        if name not in known:
            raise UsageError(f"{commands[-1]} has no option {name!r}.{did_you_mean(name, known)}")
        if name in _OF_OPEN and not opening:
            raise UsageError(f"A film keeps its {name}. Give it when you open the film: open(path, {name}=...).")
    given = {known[name].name: _as_typed(value) for name, value in options.items()}
    return app.with_flags(given)


def _as_typed(value: Option) -> str | bool | None:
    return value if value is None or isinstance(value, bool) else str(value)


def _span(given: Range) -> tuple[Position, OutPoint]:
    if isinstance(given, str):
        return parse_positions(given)
    start, end = given
    return Fraction(str(start)), Fraction(str(end))


def _positions(given: Range | None) -> tuple[Position, OutPoint] | None:
    return None if given is None else _span(given)


class _Quiet(Console):
    """Logs what the command line would print, and reports progress to a function."""

    def __init__(self, on_progress: OnProgress | None) -> None:
        super().__init__()
        self._on_progress = on_progress

    def warning(self, message: str) -> None:
        _log.warning("%s", message)

    def receipt(self, message: str) -> None:
        _log.info("%s", message)

    def detail(self, message: str) -> None:
        _log.debug("%s", message)

    def lines(self, *lines: Line) -> None:
        raise AssertionError("the library prints nothing")

    @contextmanager
    def progress(self, label: str, total: float) -> Iterator[Progress]:
        yield _Reported(self, label, total, self._on_progress)


class _Reported(Progress):
    def __init__(self, console: Console, label: str, total: float, on_progress: OnProgress | None) -> None:
        super().__init__(console, label, total)
        self._call = on_progress

    def reached(self, done: float, detail: str = "", *, total: float | None = None) -> None:
        interruption.check()
        self._total = self._total if total is None else total
        if self._call is not None:
            self._call(", ".join(filter(None, (self._label, detail))), done, self._total)


__all__ = ["Captions", "Film", "Findings", "OnProgress", "Option", "Range", "Written", "open"]
