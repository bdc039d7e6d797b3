"""A plugin of somebody else's that offers one of everything."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from fractions import Fraction

import click

from marlin_edit import (
    Backend,
    Carries,
    Context,
    Delivery,
    Detector,
    Exporter,
    Finds,
    MarlinEditError,
    Receipt,
    Rendered,
    Setting,
    hookimpl,
)
from marlin_edit.analysis import ModelIdentity
from marlin_edit.app import App
from marlin_edit.commands import Run, as_command
from marlin_edit.edit import Edit
from marlin_edit.interfaces import Detection
from marlin_edit.media import MediaInfo
from marlin_edit.settings import Settings
from marlin_edit.timebase import Span
from marlin_edit.video_model import Answer, Question, QuestionKind, VideoModel, Watched


class Window:
    def __init__(self, span: Span) -> None:
        self.span = span

    def ask(self, questions: Sequence[Question]) -> list[Answer]:
        return [
            Answer("From 1.0 to 2.0." if question.kind is QuestionKind.FIND else "Scene: A crystal ball.")
            for question in questions
        ]

    def part(self, span: Span) -> Watched:
        return Window(span)


class CrystalBall:
    """A model that sees the same in every video."""

    identity = ModelIdentity("crystal", "1")
    longest_window = Fraction(60)
    sampling_step = Fraction(1, 2)

    def watch(
        self, media: MediaInfo, windows: Iterable[Span], seen: Callable[[Fraction], None] | None = None
    ) -> Iterator[Watched]:
        for window in windows:
            yield Window(window)


def open_model(settings: Settings) -> VideoModel:
    return CrystalBall()


def render(edit: Edit, context: Context) -> Rendered:
    shine = context.settings.value("shine", int)
    lines = [f"{'*' * shine} {event.text}" for source in edit.sources for event in source.events]
    return Rendered("\n".join(lines) + "\n", notes=("all times are left out",))


def check(settings: Settings) -> None:
    if settings.value("shine", int) == 0:
        raise MarlinEditError("The ball is dark. Set --shine above 0.")


def deliver(edit: Edit, context: Context, dry_run: bool) -> Receipt:
    return Receipt(items=({"ball": edit.title},))


def detect(media: MediaInfo, span: Span, context: Context) -> list[Detection]:
    return [Detection(span)]


@hookimpl
def register_backends() -> list[Backend]:
    return [Backend("crystal", opens=lambda model: model == "crystal", open=open_model)]


@hookimpl
def register_exporters() -> list[Exporter]:
    return [Exporter("crystal", (".ball", ".crystal.edl"), Carries.EVENTS, render)]


@hookimpl
def register_deliveries() -> list[Delivery]:
    return [Delivery("crystal", Carries.CUTS, check, deliver)]


@hookimpl
def register_detectors() -> list[Detector]:
    return [Detector("crystal", Finds.SHOTS, detect)]


@hookimpl
def register_settings() -> list[Setting]:
    return [
        Setting(
            "shine", int, 3, "How brightly the ball shines.", flag="--shine", commands=("gaze", "export", "formats")
        )
    ]


@as_command("gaze", settings=["model"])
@click.argument("words", nargs=-1)
def gaze(run: Run, words: tuple[str, ...]) -> None:
    """Look into the ball."""
    run.console.lines(f"{run.settings['shine']} {run.settings['model']} {' '.join(words)}".rstrip())


@hookimpl
def register_commands(cli: click.Group, app: App) -> None:
    cli.add_command(gaze)
