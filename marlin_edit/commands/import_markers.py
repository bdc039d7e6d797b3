"""Read the markers that you changed in an editing program back into an analysis."""

from __future__ import annotations

from pathlib import Path

import click

from marlin_edit.analysis import Analysis
from marlin_edit.app import App
from marlin_edit.commands import Run, as_command, grouped_option, json_option, output_options
from marlin_edit.constant_rate import analysis_at_constant_rate, with_own_times
from marlin_edit.edit import Edit
from marlin_edit.errors import ExitCode, MarlinEditError, UsageError
from marlin_edit.interfaces import Carries, Exporter, GivenMarkers
from marlin_edit.media import MediaInfo
from marlin_edit.settings import Group
from marlin_edit.workflow.import_markers import apply_markers
from marlin_edit.workflow.load_analyses import MediaFacts, read_analyses, refuse_to_pack
from marlin_edit.workflow.outputs import planned_outputs
from marlin_edit.workflow.publish import publish
from marlin_edit.workflow.report import report
from marlin_edit.workflow.run import probe_media, programme_start

MAKES = Carries.SCENES | Carries.EVENTS | Carries.FINDINGS


@as_command("import-markers", settings=["overwrite", "stream"])
@click.argument("markers_file", metavar="FILE", type=click.Path(path_type=Path, readable=False))
@grouped_option(
    Group.WHAT,
    "--source",
    required=True,
    metavar="ANALYSIS|VIDEO",
    type=click.Path(path_type=Path),
    help="The analysis that the markers were made from, or the video that they belong to.",
)
@grouped_option(
    Group.WHAT,
    "--learn",
    is_flag=True,
    show_default=False,
    help="Accept findings whose markers you left as they were, and reject those whose markers you removed.",
)
@output_options
@json_option
def command(
    run: Run,
    markers_file: Path,
    source: Path,
    learn: bool,
    outputs: tuple[Path | None, ...],
    format_name: str | None,
) -> ExitCode:
    """Read the markers in FILE, which you changed in an editing program, back into an analysis.

    FILE is a marker list (.edl of Resolve, .txt of Avid, .csv of Premiere), a timeline (.otio, .fcpxml, .xml, .mlt,
    .edl with locators), a LosslessCut project or a .csv of marlin-edit. Markers that you moved, renamed or added are
    accepted. -o judged.json keeps the analysis with your verdicts, which `export` reads.

    \b
    Examples:
      marlin-edit import-markers timeline.otio --source interview.json -o judged.json
      marlin-edit import-markers markers.edl --source interview.mov -o interview.srt
    """
    exporter = _reader_of(run.app, markers_file)
    planned = planned_outputs(run.app, outputs, format_name, MAKES, [markers_file, source], stdout_taken=run.json)
    try:
        content = markers_file.read_bytes()
    except OSError as error:
        raise MarlinEditError(f"{markers_file} cannot be read: {error.strerror}.") from error

    def given_for(media: MediaInfo) -> GivenMarkers:
        assert exporter.read_markers is not None
        try:
            with run.app.calling(exporter):
                return exporter.read_markers(content, media)
        except MarlinEditError as error:
            raise type(error)(f"{markers_file.name}: {error}") from error

    analysis = _analysis(run, source)
    if source != analysis.media.path:
        refuse_to_pack(source, [analysis], planned)
    counted = analysis_at_constant_rate(analysis)  # as the file that was exported counts it
    given = given_for(counted.media)
    rate, record_start = programme_start(run, analysis.media)
    result, changes = apply_markers(counted, given, record_start, learn=learn)
    result = with_own_times(result, counted, analysis)
    run.console.receipt(f"{markers_file.name}: {changes}")
    if not given.markers:
        run.console.warning(f"{markers_file.name} has no markers of {analysis.media.path.name}")
    for note in changes.notes:
        run.console.warning(note)
    edit = Edit(result.media.path.stem, rate, record_start, (result,))
    code = report(run, result, publish(run, edit, planned))
    return ExitCode.PARTIAL if changes.notes and code is ExitCode.DONE else code


def _reader_of(app: App, path: Path) -> Exporter:
    """The format that reads the markers of such a file: the one with the longest suffix that the name ends with."""
    by_suffix = {
        suffix: one
        for one in app.exporters.values()
        if one.read_markers is not None
        for suffix in (*one.marker_suffixes, *one.suffixes)
    }
    suffixes = [suffix for suffix in by_suffix if path.name.lower().endswith(suffix)]
    if not suffixes:
        raise UsageError(f"{path.name}: markers are read from {', '.join(sorted(by_suffix))} files.")
    return by_suffix[max(suffixes, key=len)]


def _analysis(run: Run, source: Path) -> Analysis:
    exporter = next(
        (one for one in run.app.exporters.values() if one.read and source.name.lower().endswith(one.suffixes)), None
    )
    if exporter is None:
        return Analysis(probe_media(run, source))
    analyses = read_analyses(run.app, run.console, source, MediaFacts())
    if len(analyses) > 1:
        raise UsageError(f"{source.name} is of {len(analyses)} sources. Give --source one analysis, or one video.")
    return analyses[0]
