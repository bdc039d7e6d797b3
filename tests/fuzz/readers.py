"""Every reader of files that strangers make: what it is called, files of its kind to begin with, and how it is called.

A reader may raise MarlinEditError and nothing else. What the formats read is asked of the plugin loader, so that a new
format is among them without a word here.
"""

from __future__ import annotations

import json
import tempfile
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from fractions import Fraction
from importlib import import_module
from pathlib import Path
from types import ModuleType

from marlin_edit.analysis import (
    Analysis,
    Event,
    Finding,
    ModelIdentity,
    Scene,
    Sense,
    SpokenWord,
    Utterance,
    Verdict,
)
from marlin_edit.app import App
from marlin_edit.edit import Cut, Edit
from marlin_edit.errors import MarlinEditError
from marlin_edit.interfaces import Context, Exporter
from marlin_edit.media import MediaInfo, Stream
from marlin_edit.plugins import load_app
from marlin_edit.timebase import FrameRange, FrameRate, Span
from marlin_edit.video_model import Answer

CORPUS = Path(__file__).parent / "corpus"
CHECKPOINT = Path(__file__).parents[2] / "plugins" / "marlin_edit_demo" / "checkpoint"
RATE = FrameRate.parse("25")
MEDIA = MediaInfo(
    Path("/media/interview.mov"),
    Fraction(60),
    RATE,
    1500,
    start_frame=RATE.frame_of("01:00:00:00"),
    has_timecode=True,
    streams=(Stream(0, "video", "h264"), Stream(1, "audio", "aac", detail="48000 Hz stereo")),
)
WINDOW = Span(Fraction(60), Fraction(120))


@dataclass(frozen=True)
class Reader:
    """A reader: `read` says whether it could read a file, and lets every error but MarlinEditError out."""

    name: str
    read: Callable[[bytes], bool]
    seeds: tuple[bytes, ...] = ()

    def corpus(self) -> list[bytes]:
        """Its files to begin with: those that our own writers make, and those that are kept for it."""
        return [*self.seeds, *(path.read_bytes() for path in sorted((CORPUS / self.name).glob("*")))]


def readers() -> dict[str, Reader]:
    """All of them, by name."""
    formats = {reader.name: reader for reader in _formats(load_app())}
    others = [*_repairs(formats), *_texts_of_models(), _tags_of_resolve(), *_files_by_path()]
    return formats | {reader.name: reader for reader in others}


def quiet(read: Callable[[bytes], object]) -> Callable[[bytes], bool]:
    """The reader without the errors that it may raise: whether it raised none."""

    def reading(content: bytes) -> bool:
        try:
            read(content)
        except MarlinEditError:
            return False
        return True

    return reading


def _formats(app: App) -> Iterable[Reader]:
    with tempfile.TemporaryDirectory() as folder:
        for exporter in app.exporters.values():
            if exporter.read is None and exporter.read_markers is None:
                continue
            seeds = tuple(_written(app, exporter, Path(folder)))
            if exporter.read is not None:
                yield Reader(exporter.name, quiet(_as_analysis(exporter)), seeds)
            if exporter.read_markers is not None:
                yield Reader(f"{exporter.name}.markers", quiet(_as_markers(exporter)), seeds)


def _as_analysis(exporter: Exporter) -> Callable[[bytes], object]:
    assert exporter.read is not None
    read = exporter.read
    known = None if exporter.needs_media else MEDIA
    return lambda content: read(content, known)


def _as_markers(exporter: Exporter) -> Callable[[bytes], object]:
    assert exporter.read_markers is not None
    read = exporter.read_markers
    return lambda content: read(content, MEDIA)


def _written(app: App, exporter: Exporter, folder: Path) -> Iterable[bytes]:
    """What the format itself writes, of a whole source and of cuts."""
    events = (
        Event(Span(Fraction(1), Fraction(5, 2)), "A door opens, and a man & a dog <i>enter</i>."),
        Event(Span(Fraction(3), Fraction(7)), "{He} sits down - slowly.\nThen he waits"),
    )
    findings = (
        Finding(Span(Fraction(10), Fraction(12)), "a door opens", 0.93, verdict=Verdict.ACCEPTED),
        Finding(Span(Fraction(20), Fraction(61, 3)), "ein Hund läuft 犬", 0.2),
        Finding(Span(Fraction(4), Fraction(5)), "good evening", sense=Sense.SAID, quote="Good evening."),
    )
    good, evening = Span(Fraction(4), Fraction(9, 2)), Span(Fraction(9, 2), Fraction(5))
    words = (SpokenWord(good, "Good", 0.4), SpokenWord(evening, " evening."))
    speech = (Utterance(Span(Fraction(4), Fraction(5)), "Good evening.", words, 0.4, "Ann", "en"),)
    scenes = (Scene(WINDOW, "A man comes home."),)
    source = Analysis(MEDIA, ModelIdentity("tiny", "0123456789"), scenes, events, findings, speech=speech)
    cuts = (
        Cut(source, FrameRange(250, 300), findings[0], "a door opens"),
        Cut(source, FrameRange(500, 520), findings[1], "two"),
    )
    for cut in ((), cuts):
        context = Context(app.settings, folder / f"out{exporter.suffixes[0]}", folder)
        try:
            content = exporter.render(Edit("Interview", RATE, MEDIA.start_frame, (source,), cut), context).content
        except MarlinEditError:
            continue
        yield (
            content.encode()
            if isinstance(content, str)
            else content.read_bytes()
            if isinstance(content, Path)
            else content
        )


def _repairs(formats: Mapping[str, Reader]) -> Iterable[Reader]:
    """What `lint --fix` does: read, judge, repair, and write what was repaired."""
    from marlin_edit_exporters.subtitles.cues.lint import faults_of
    from marlin_edit_exporters.subtitles.cues.profiles import Pace, profile_named, words_of
    from marlin_edit_exporters.subtitles.cues.repair import repaired

    pace = Pace.of(profile_named("netflix-en"), RATE)

    def repairing(module: ModuleType) -> Callable[[bytes], object]:
        def read(content: bytes) -> None:
            file = module.parse(content)
            faults_of(file, pace)
            if file.cues:
                repaired(file, pace, words_of("en"))

        return read

    for name, file in (
        ("srt", "subrip"),
        ("vtt", "webvtt"),
        ("ttml", "ttml"),
        ("ass", "ass"),
        ("sbv", "sbv"),
        ("lrc", "lrc"),
    ):
        module = import_module(f"marlin_edit_exporters.subtitles.{file}")
        yield Reader(f"{name}.lint", quiet(repairing(module)), tuple(formats[name].corpus()))


def _texts_of_models() -> Iterable[Reader]:
    from marlin_edit import answer_format

    step = Fraction(1, 2)

    def caption(content: bytes) -> None:
        answer_format.read_caption(Answer(content.decode("utf-8", "replace")), WINDOW, step)

    def find(content: bytes) -> None:
        answer_format.read_find(Answer(content.decode("utf-8", "replace")), WINDOW, step, "a door opens")

    def judgement(content: bytes) -> None:
        answer_format.read_judgement(Answer(content.decode("utf-8", "replace")))

    yield Reader(
        "answer.caption",
        quiet(caption),
        (b"Scene: A man.\n\nEvents:\n<0.0 - 4.5> A door opens.\n<4.5 - 60.0> He sits.",),
    )
    yield Reader("answer.find", quiet(find), (b"From 14.3 to 18.2.", b"1:02 - 1:05 seconds"))
    yield Reader("answer.judgement", quiet(judgement), (b"door -0.5000 - -0.1000\nopens -2.0 door -0.1",))


def _tags_of_resolve() -> Reader:
    from marlin_edit_resolve.marker_tags import read_tag

    return Reader(
        "resolve.tag",
        quiet(lambda content: read_tag(content.decode("utf-8", "replace"))),
        (b"marlin-edit/1 id=a of=b at=1+2 on=3 told=c",),
    )


def _files_by_path() -> Iterable[Reader]:
    import numpy as np
    from safetensors.numpy import save

    from marlin_edit.evaluation.ground_truth import read_truth
    from marlin_edit.inference.calibration import read_calibration
    from marlin_edit.marlin import hub
    from marlin_edit.marlin.tokenizer import Tokens
    from marlin_edit.sampling import PROFILE_FILE, read_profile
    from marlin_edit.settings import CONFIG_VARIABLE, resolved

    folder = Path(tempfile.mkdtemp(prefix="marlin-edit-fuzz-"))
    weights = save({"a": np.zeros((3, 2), np.float32), "b.weight": np.ones(5, np.float16)}, {"format": "pt"})

    def at(name: str, read: Callable[[Path], object], beside: bytes | None = None) -> Callable[[bytes], bool]:
        own = Path(tempfile.mkdtemp(dir=folder))
        if beside is not None:
            (own / "model.safetensors").write_bytes(beside)

        def reading(content: bytes) -> None:
            path = own / name
            path.write_bytes(content)
            read(path)

        return quiet(reading)

    app = load_app()
    truth = {
        "schema": "marlin-edit.truth/1",
        "videos": [
            {
                "path": "a.mp4",
                "queries": [{"query": "a door opens", "spans": [[1, 2.5]]}, {"query": "a dog runs", "spans": []}],
                "events": [{"start": 1, "end": 2, "text": "A door opens."}],
            }
        ],
    }
    truths = {
        "own": json.dumps(truth).encode(),
        "charades": b"AO8RW 0.0 6.9##a person is putting a book on a shelf.\n",
        "activitynet": b'{"v_1": {"duration": 82.73, "timestamps": [[0.83, 19.86]], "sentences": ["A man sits."]}}',
        "timelens": b'{"a": {"duration": 9.0, "spans": [[1, 2]], "queries": ["a man"]}}',
        "qvhighlights": (
            b'{"qid": 1, "query": "a man", "vid": "a_0.0_150.0", "duration": 150, "relevant_windows": [[0, 2]]}\n'
        ),
    }
    for name, seed in truths.items():
        yield Reader(f"truth.{name}", at("truth.json", lambda path: read_truth(path, path.parent)), (seed,))
    yield Reader(
        "model.profile", at(PROFILE_FILE, lambda path: read_profile(path.parent)), (_of_checkpoint(PROFILE_FILE),)
    )
    yield Reader("model.calibration", at("calibration.json", read_calibration), (_of_checkpoint(hub.CALIBRATION_FILE),))
    yield Reader(
        "model.config", at("config.json", lambda path: hub.faults(path.parent)), (_of_checkpoint("config.json"),)
    )
    yield Reader(
        "model.index",
        at("model.safetensors.index.json", lambda path: hub.weights(path.parent), beside=weights),
        (b'{"metadata": {"total_size": 8}, "weight_map": {"a": "model.safetensors", "b": "model.safetensors"}}',),
    )
    yield Reader(
        "model.weights",
        at("model.safetensors", lambda path: hub.weights(path.parent)),
        (weights,),
    )
    yield Reader("model.tokenizer", at("tokenizer.json", Tokens), (_of_checkpoint("tokenizer.json"),))
    yield Reader(
        "settings",
        at("config.toml", lambda path: resolved(app.definitions, {CONFIG_VARIABLE: str(path)})),
        (b'model = "demo"\nwindow = 60\nquery = ["a", "b"]\nhandles = "12f"\nunclear = true\n',),
    )


def _of_checkpoint(name: str) -> bytes:
    return (CHECKPOINT / name).read_bytes()
