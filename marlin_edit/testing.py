"""For plugin writers' tests: an edit to render, and the real loader around one plugin."""

from __future__ import annotations

import os
from collections.abc import Callable, Mapping
from fractions import Fraction
from pathlib import Path

from marlin_edit import core_settings
from marlin_edit.analysis import Analysis, Asked, Event, Finding, ModelIdentity, Scene
from marlin_edit.app import App, Candidate
from marlin_edit.edit import Cut, Edit
from marlin_edit.interfaces import Exporter
from marlin_edit.media import MediaInfo
from marlin_edit.plugins import load_app
from marlin_edit.settings import CONFIG_VARIABLE
from marlin_edit.timebase import FrameRange, FrameRate, Span


def sample_edit() -> Edit:
    """Ten seconds of 25 fps from 01:00:00:00 on, reel A001: a scene, two events, a finding and its cut.

    No media file goes with it. The second event's text is one that a careless format trips over.
    """
    rate = FrameRate(Fraction(25))
    media = MediaInfo(
        Path("sample.mov"),
        duration=Fraction(10),
        rate=rate,
        frame_count=250,
        start_frame=rate.frame_of("01:00:00:00"),
        has_timecode=True,
        reel="A001",
        width=1920,
        height=1080,
    )
    found = Finding(Span(Fraction(2), Fraction("3.5")), "a door opens")
    analysis = Analysis(
        media,
        ModelIdentity("sample"),
        scenes=(Scene(Span(Fraction(0), Fraction(10)), "A hall in daylight."),),
        events=(
            Event(Span(Fraction(2), Fraction("3.5")), "A person pushes a door open."),
            Event(Span(Fraction("6.2"), Fraction(8)), 'She says "1 < 2 & 3 --> 4", and <i>leaves</i>.'),
        ),
        findings=(found,),
        asked=(Asked("a door opens", (Span(Fraction(0), Fraction(10)),)),),
    )
    return Edit(
        "sample", rate, rate.frame_of("01:00:00:00"), (analysis,), (Cut(analysis, FrameRange(50, 88), found, ""),)
    )


def app_with(*plugins: object, environ: Mapping[str, str] | None = None) -> App:
    """What the real loader makes of the core and these plugins, modules or objects; AssertionError for any warning.

    Args:
        plugins: Modules or objects with hooks.
        environ: The variables that settings are read from, in place of the process's own.
    """
    candidates = [Candidate("core", "marlin-edit", "", lambda: core_settings)]
    for plugin in plugins:
        name = getattr(plugin, "__name__", type(plugin).__name__)
        candidates.append(Candidate(name, name, "", _giving(plugin)))
    variables = {CONFIG_VARIABLE: os.devnull, **(environ or {})}
    app = load_app(candidates, variables)
    assert not app.warnings, "\n".join(app.warnings)
    return app


def _giving(plugin: object) -> Callable[[], object]:
    return lambda: plugin


def rendered(app: App, exporter: Exporter, edit: Edit | None = None, path: Path | None = None) -> bytes:
    """The bytes that an exporter would write of an edit, by default the sample."""
    with app.context(path) as context:
        content = exporter.render(edit or sample_edit(), context).content
        if isinstance(content, Path):
            return content.read_bytes()
        return content.encode("utf-8") if isinstance(content, str) else content
