"""Write down what is said in a video: captions, or a text to read, with the times of the words."""

from __future__ import annotations

from marlin_edit.commands import Request, Run, as_command, request_options
from marlin_edit.errors import ExitCode
from marlin_edit.inference.windows import span_between
from marlin_edit.interfaces import Carries
from marlin_edit.workflow.hearing import Listener
from marlin_edit.workflow.plan_batch import plan_batch

MAKES = Carries.SPEECH


@as_command("transcribe")
@request_options
def command(run: Run, request: Request) -> ExitCode:
    """Write down what is said in VIDEO: captions, or a text to read, with the times of the words.

    VIDEO is a video or a sound file, or a directory. -o talk.srt writes captions, -o talk.md a text to read, -o
    talk.json every word with its times, from which `export` makes the others. The speech model makes mistakes: a person
    has to read what it wrote. What it was unsure of is marked [?].

    \b
    Examples:
      marlin-edit transcribe talk.mp4 -o talk.srt
      marlin-edit transcribe interviews/ -o '{name}.vtt' --speech-language pt
    """
    batch = plan_batch(run, request, MAKES)
    listener = Listener.of(run, words=True)
    for job in batch.each():
        with job:
            part = None if request.look_in is None else span_between(job.media, *request.look_in, run.console)
            job.publish(listener.transcribe(job.media, part))
    return batch.finished()
