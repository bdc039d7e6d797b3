"""The delivery `resolve`: into the project that is open, or, where Resolve cannot be reached, as files to import."""

from __future__ import annotations

import logging
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

from marlin_edit.edit import Edit
from marlin_edit.errors import MarlinEditError
from marlin_edit.interfaces import Context, Receipt
from marlin_edit.settings import Settings
from marlin_edit_resolve.diagnosis import causes
from marlin_edit_resolve.installation import is_running, places
from marlin_edit_resolve.process import Response, ping
from marlin_edit_resolve.process import deliver as deliver_in_process
from marlin_edit_resolve.request import Request
from marlin_edit_resolve.subtitles import MENU as SUBTITLE_MENU

_log = logging.getLogger("marlin_edit.resolve")
MENUS = {
    "otio": "File > Import > Timeline: a timeline with coloured markers (Resolve 18.5 or later)",
    "fcpxml": "File > Import > Timeline: the same, without colours",
    "resolve-markers": "right-click the timeline in the Media Pool > Timelines > Import > Timeline Markers from EDL",
    "srt": SUBTITLE_MENU,
}


def check(settings: Settings) -> None:
    """Says early that Resolve cannot be reached, so that it can be opened while the model works. It is no error: the
    files are written then."""
    response = ping()
    if not response.reached:
        _log.warning(
            "DaVinci Resolve cannot be reached yet (`marlin-edit resolve status` says why). If it still cannot be "
            "reached when the answers are ready, files to import by hand are written."
        )
    elif not response.project:
        _log.warning("No project is open in Resolve. Open the project that the markers belong to.")


def deliver(edit: Edit, context: Context, dry_run: bool) -> Receipt:
    """Delivers the edit; nothing raises for a Resolve that is not there or fails, as there are the files."""
    settings = context.settings
    subtitles: Path | None = None
    files: list[Path] = []
    missing: list[str] = []
    if settings.get("resolve_subtitles") and not edit.cuts:
        try:
            subtitles, _ = context.write_beside("srt")
            files.append(subtitles)
        except MarlinEditError as error:
            missing.append(f"subtitles: {error}")
    request = Request(
        dry_run,
        settings.get("markers_on") == "timeline",
        settings.optional("timeline_name", str),
        subtitles,
    )
    response = deliver_in_process(edit, request)
    if response.receipt is not None:
        receipt = response.receipt
        where = f"in {response.reached}, project {response.project!r}"
        if edit.cuts and settings.get("tracks") == "apart":
            where += ", all cuts on one track (.otio and .xml have several)"
        return replace(
            receipt,
            files=(*files, *receipt.files),
            missing=(*missing, *receipt.missing),
            notes=(where, *receipt.notes),
        )
    return _by_hand(edit, context, response, files, missing)


def reasons(response: Response) -> Iterator[str]:
    """Why nothing was delivered, in words: what is known first, then each cause that is still possible."""
    if response.reached:
        yield f"{response.reached} was reached, but nothing was delivered: {response.failed or response.crash}" + (
            ". What it had done before is in the project." if response.crash else ""
        )
        return
    yield "DaVinci Resolve could not be reached, and it does not say why. Possible causes:"
    for cause in causes(response.attempt, places(), is_running(), response.crash):
        yield f"- {cause}"


def _by_hand(edit: Edit, context: Context, response: Response, files: list[Path], missing: list[str]) -> Receipt:
    """The files for the other route, each with where to click."""
    missing = [*missing, *reasons(response)]
    notes = []
    marked = any(source.events or source.findings for source in edit.sources)
    described = not edit.cuts and len(edit.sources) == 1 and bool(edit.sources[0].events)
    wanted = ["otio", "fcpxml", *(["resolve-markers"] if marked else []), *(["srt"] if described else [])]
    for name in wanted:
        try:
            path, told = context.write_beside(name)
        except MarlinEditError as error:
            missing.append(f"{name}: {error}")
            continue
        if path not in files:
            files.append(path)
        notes.append(f"{path.name}: in Resolve, {MENUS[name]}")
        notes += [f"{path.name}: {note}" for note in told]
    return Receipt(tuple(files), (), tuple(missing), tuple(notes))
