"""Say what happens in a video: a scene paragraph and events with times."""

from __future__ import annotations

from pathlib import Path

from marlin_edit.asking import ask_about
from marlin_edit.commands import (
    Run,
    as_command,
    deliver_option,
    json_option,
    opened,
    output_options,
    range_option,
    video_argument,
)
from marlin_edit.edit import edit_of
from marlin_edit.errors import ExitCode
from marlin_edit.interfaces import Carries
from marlin_edit.outputs import planned_deliveries, planned_outputs, publish
from marlin_edit.reporting import report
from marlin_edit.timebase import Position

MAKES = Carries.SCENES | Carries.EVENTS


@as_command("caption")
@video_argument
@output_options
@deliver_option
@range_option
@json_option
def command(
    run: Run,
    video: Path,
    outputs: tuple[Path | None, ...],
    format_name: str | None,
    delivery_names: tuple[str, ...],
    look_in: tuple[Position, Position] | None,
) -> ExitCode:
    """Say what happens in VIDEO: a scene paragraph and events with times.

    Without an output the answer is printed. The model sees and does not hear.
    """
    planned = planned_outputs(run.app, outputs, format_name, MAKES, [video], stdout_taken=run.json)
    deliveries = planned_deliveries(run.app, delivery_names, MAKES)
    media = opened(run, video)
    analysis = ask_about(run.app, run.console, media, look_in, caption=True)
    outcome = publish(run.app, edit_of(analysis), planned, deliveries)
    return report(run.app, run.console, analysis, outcome)
