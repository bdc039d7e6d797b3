"""Say what happens in a video: a scene paragraph and events with times."""

from __future__ import annotations

from marlin_edit.commands import Request, Run, as_command, request_options
from marlin_edit.errors import ExitCode
from marlin_edit.inference.pipeline import analyze, model_opener
from marlin_edit.interfaces import Carries
from marlin_edit.workflow.hearing import caption_listener, with_speech
from marlin_edit.workflow.plan_batch import plan_batch

MAKES = Carries.SCENES | Carries.EVENTS


@as_command("caption")
@request_options
def command(run: Run, request: Request) -> ExitCode:
    """Say what happens in VIDEO: a scene paragraph and events with times.

    VIDEO is a file or a directory. With several videos, -o '{name}.srt' writes one file per video, and -o seen.otio one
    timeline of them all. Without an output, the answer is printed. The video model sees and does not hear;
    --speech listens too.

    \b
    Examples:
      marlin-edit caption interview.mov -o interview.srt -o interview.json
      marlin-edit caption footage/ -o '{name}.vtt'
    """
    batch = plan_batch(run, request, MAKES)
    listener = caption_listener(run)
    model = model_opener(run.app, run.console)
    for job in batch.each(ready=model):
        with job:
            analysis = analyze(run.app, run.console, job.media, request.look_in, caption=True, model=model)
            job.publish(with_speech(run, analysis, listener))
    return batch.finished()
