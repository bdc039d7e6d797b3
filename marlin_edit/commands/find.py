"""Say when something happens in a video: the span of each query."""

from __future__ import annotations

from marlin_edit.commands import Request, Run, as_command, grouped_option, request_options
from marlin_edit.errors import ExitCode
from marlin_edit.inference.queries import checked_queries
from marlin_edit.interfaces import Carries
from marlin_edit.settings import Group
from marlin_edit.workflow.finder import Finder
from marlin_edit.workflow.plan_batch import plan_batch

MAKES = Carries.FINDINGS


@as_command("find")
@grouped_option(
    Group.WHAT,
    "-q",
    "--query",
    "queries",
    multiple=True,
    required=True,
    metavar="TEXT",
    help='What to look for: one visible action in the present tense, like "a door opens", or words that are said '
    "(--in said). Repeatable.",
)
@request_options
def command(run: Run, request: Request, queries: tuple[str, ...]) -> ExitCode:
    """Say when something happens in VIDEO: the span of each query.

    VIDEO is a file or a directory. With several videos, -o '{name}.json' writes one file per video, and -o found.otio
    one timeline of them all. The model always answers with some span, even if the thing is not there. What nothing in
    its captions and its words supports is rejected, with the reason.

    \b
    Examples:
      marlin-edit find interview.mov -q "a man stands up"
      marlin-edit find footage/ -q "a dog runs" -q "a door opens" -o '{name}.json'
      marlin-edit find talk.mp4 -q "red lamp" --in said
    """
    wanted = checked_queries(queries)
    finder = Finder.of(run, wanted)
    batch = plan_batch(run, request, MAKES, queries=wanted)
    for job in batch.each(ready=finder.ready):
        with job:
            job.publish(finder.find(job.media, request.look_in))
    code = batch.finished()
    if code is ExitCode.DONE and not (run.json or request.outputs or request.delivery_names or batch.several):
        run.console.receipt("To cut it out, write `cut` in place of `find`; -o FILE marks it in an editing program.")
    return code
