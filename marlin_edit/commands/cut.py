"""Cut what a query finds, or the spans you give, out of a video: clips, cut lists, timelines."""

from __future__ import annotations

from marlin_edit.analysis import Analysis
from marlin_edit.commands import Request, Run, as_command, grouped_option, request_options
from marlin_edit.edit import cuts_of_findings, cuts_of_spans
from marlin_edit.errors import ExitCode, UsageError
from marlin_edit.inference.queries import checked_queries
from marlin_edit.inference.windows import span_between
from marlin_edit.interfaces import Carries
from marlin_edit.settings import Group
from marlin_edit.timebase import OutPoint, Position, parse_positions
from marlin_edit.workflow.cut_selection import selected_cuts
from marlin_edit.workflow.finder import Finder
from marlin_edit.workflow.hearing import with_speech
from marlin_edit.workflow.plan_batch import plan_batch
from marlin_edit.workflow.snapping import snap_detector

MAKES = Carries.FINDINGS | Carries.CUTS


@as_command("cut")
@grouped_option(
    Group.WHAT,
    "-q",
    "--query",
    "queries",
    multiple=True,
    metavar="TEXT",
    help='What to cut out: one visible action in the present tense, like "a door opens", or words that are said '
    "(--in said). Repeatable.",
)
@grouped_option(
    Group.WHAT,
    "--span",
    "spans",
    multiple=True,
    metavar="IN-OUT",
    callback=lambda _, __, given: tuple(parse_positions(text) for text in given),
    help="Cut this span without a model: seconds (2.5-7, 2.5-+4, 1m30-end), frames (222f-312f) or source time code. "
    "Repeatable.",
)
@request_options
def command(
    run: Run, request: Request, queries: tuple[str, ...], spans: tuple[tuple[Position, OutPoint], ...]
) -> ExitCode:
    """Cut what a query finds, or the spans you give, out of VIDEO.

    VIDEO is a file or a directory. -o writes cut lists and timelines, --out-dir clips; with neither, clips go into the
    current directory. With several videos, -o '{name}.edl' writes one file per video, and -o selects.edl one of them
    all.

    \b
    Examples:
      marlin-edit cut interview.mov -q "a man stands up" --out-dir clips
      marlin-edit cut talk.mp4 -q "red lamp" --in said --handles 0.5s
      marlin-edit cut match.mp4 --span 00:01:10:00-00:01:14:12 --reel best.mp4
    """
    if queries and spans:
        raise UsageError("Give --query or --span, not both: a query asks the model, a span is cut without it.")
    if not queries and not spans:
        raise UsageError("Say what to cut: either --query TEXT or --span IN-OUT, each as often as you like.")
    if spans and request.look_in is not None:
        raise UsageError("--range limits where a query is looked for. Leave it out with --span.")
    wanted = checked_queries(queries)
    finder = Finder.of(run, wanted)
    otherwise = [run.settings.value("cut_to", str)]
    makes = MAKES if wanted else Carries.CUTS
    batch = plan_batch(run, request, makes, otherwise=otherwise, queries=wanted, needs_cuts=True)
    detector = snap_detector(run)
    handles = run.settings["handles"]
    for job in batch.each(ready=finder.ready):
        with job:
            if wanted:
                analysis = finder.find(job.media, request.look_in)
                cuts = cuts_of_findings(analysis, handles)
            else:
                analysis = with_speech(run, Analysis(job.media.counted_in_samples()), finder.listener)
                cuts = cuts_of_spans(analysis, [span_between(job.media, *span, run.console) for span in spans], handles)
            job.publish(*selected_cuts(run, analysis, cuts, detector))
    return batch.finished()
