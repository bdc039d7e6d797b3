"""DaVinci Resolve: markers, a timeline of the cuts and subtitles in the project that is open, through its scripting.

Where Resolve cannot be reached, the files to import by hand are written instead, with where to click.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import TYPE_CHECKING

from marlin_edit.hookspecs import hookimpl
from marlin_edit.interfaces import Carries, Context, Delivery, Receipt
from marlin_edit.settings import Setting, parse_switch

if TYPE_CHECKING:
    import click

    from marlin_edit.edit import Edit
    from marlin_edit.settings import Settings


@hookimpl
def register_deliveries() -> Sequence[Delivery]:
    """The deliveries."""
    return [
        Delivery(
            "resolve",
            Carries.FRAMES
            | Carries.EVENTS
            | Carries.FINDINGS
            | Carries.CUTS
            | Carries.MARKERS
            | Carries.MARKER_DURATION
            | Carries.COLOUR
            | Carries.NOTES
            | Carries.AUDIO
            | Carries.SEVERAL_SOURCES,
            _check,
            _deliver,
            help="Markers and timelines in DaVinci Resolve Studio while it runs; else files to import.",
            together=True,
        )
    ]


def _check(settings: Settings) -> None:
    from marlin_edit_resolve.delivery import check

    check(settings)


def _deliver(edit: Edit, context: Context, dry_run: bool) -> Receipt:
    from marlin_edit.conform import notes_on_rates
    from marlin_edit.constant_rate import at_constant_rate
    from marlin_edit_resolve.delivery import deliver

    receipt = deliver(at_constant_rate(edit), context, dry_run)
    return replace(receipt, notes=(*notes_on_rates(edit), *receipt.notes))


@hookimpl
def register_settings() -> Sequence[Setting]:
    """The settings of this plugin."""
    return [
        Setting(
            "timeline_name",
            parse=_name,
            default=None,
            help="Name of the timeline that --deliver resolve makes of cuts. Without it: the video's and the queries'.",
            flag="--timeline-name",
            commands=("cut", "export"),
            metavar="NAME",
            group="DaVinci Resolve",
        ),
        Setting(
            "resolve_subtitles",
            parse=parse_switch,
            default=False,
            help="With --deliver resolve: put events on a subtitle track of the current timeline as well.",
            flag="--resolve-subtitles",
            commands=("caption", "find", "export"),
            group="DaVinci Resolve",
        ),
    ]


def _name(text: str) -> str:
    from marlin_edit.text import clean

    if not clean(text):
        raise ValueError("a timeline needs a name.")
    return clean(text)


@hookimpl
def register_commands(cli: click.Group) -> None:
    """Adds the plugin's commands."""
    from marlin_edit_resolve.command import group

    cli.add_command(group)
