"""Say what happens in a video: a scene paragraph and events with times."""

from __future__ import annotations

from pathlib import Path

from marlin_edit.analysis import Analysis
from marlin_edit.commands import (
    as_command,
    deliver_option,
    dry_run_option,
    json_option,
    output_options,
    range_option,
    videos_arguments,
)
from marlin_edit.edit import Cut
from marlin_edit.errors import ExitCode
from marlin_edit.inference.pipeline import ask_about, model_opener
from marlin_edit.interfaces import Carries
from marlin_edit.media import MediaInfo
from marlin_edit.timebase import Position
from marlin_edit.workflow.batch import planned_jobs, videos_in, work_off
from marlin_edit.workflow.run import Run

MAKES = Carries.SCENES | Carries.EVENTS


@as_command("caption")
@videos_arguments
@output_options
@deliver_option
@range_option
@dry_run_option
@json_option
def command(
    run: Run,
    videos: tuple[Path, ...],
    recursive: bool,
    outputs: tuple[Path | None, ...],
    format_name: str | None,
    delivery_names: tuple[str, ...],
    look_in: tuple[Position, Position] | None,
    dry_run: bool,
) -> ExitCode:
    """Say what happens in VIDEO: a scene paragraph and events with times.

    VIDEO is a file, or a directory of them; for several, -o '{name}.srt' writes one each, and -o seen.otio one timeline
    of them all. Without an output the answer is printed. The model sees and does not hear.
    """
    jobs = planned_jobs(run, videos_in(videos, recursive), outputs, format_name, delivery_names, MAKES)
    model = model_opener(run.app, run.console)

    def learn(media: MediaInfo) -> tuple[Analysis, tuple[Cut, ...]]:
        return ask_about(run.app, run.console, media, look_in, caption=True, model=model), ()

    return work_off(run, jobs, learn, ready=model, dry_run=dry_run)
