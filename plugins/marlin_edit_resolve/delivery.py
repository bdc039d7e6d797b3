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
from marlin_edit_resolve.process import Reply, knock
from marlin_edit_resolve.process import deliver as deliver_there
from marlin_edit_resolve.request import Wishes
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
    reply = knock()
    if not reply.reached:
        _log.warning(
            "DaVinci Resolve cannot be reached yet (`marlin-edit resolve status` says why). If it still cannot be "
            "reached when the answers are ready, files to import by hand are written."
        )
    elif not reply.project:
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
    wishes = Wishes(
        dry_run,
        settings.get("markers_on") == "timeline",
        settings.optional("timeline_name", str),
        subtitles,
    )
    reply = deliver_there(edit, wishes)
    if reply.receipt is not None:
        receipt = reply.receipt
        where = f"in {reply.reached}, project {reply.project!r}"
        if edit.cuts and settings.get("tracks") == "apart":
            where += ", all cuts on one track (.otio and .xml have several)"
        return replace(
            receipt,
            files=(*files, *receipt.files),
            missing=(*missing, *receipt.missing),
            notes=(where, *receipt.notes),
        )
    return _by_hand(edit, context, reply, files, missing)


def reasons(reply: Reply) -> Iterator[str]:
    """Why nothing was delivered, in words: what is known first, then each cause that is still possible."""
    if reply.reached:
        yield f"{reply.reached} was reached, but nothing was delivered: {reply.failed or reply.crash}" + (
            ". What it had done before is in the project." if reply.crash else ""
        )
        return
    yield "DaVinci Resolve could not be reached, and it does not say why. Possible causes:"
    for cause in causes(reply.attempt, places(), is_running(), reply.crash):
        yield f"- {cause}"


def _by_hand(edit: Edit, context: Context, reply: Reply, files: list[Path], missing: list[str]) -> Receipt:
    """The files for the other route, each with where to click."""
    missing = [*missing, *reasons(reply)]
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
