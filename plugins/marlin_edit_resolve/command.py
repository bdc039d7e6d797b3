"""`marlin-edit resolve`: whether Resolve can be reached, and a script for its own menu."""

from __future__ import annotations

from pathlib import Path

import click

from marlin_edit.commands import Run, as_command, json_option
from marlin_edit.errors import ExitCode


@click.group("resolve")
def group() -> None:
    """Look whether DaVinci Resolve can be reached, and install a script into its menu.

    \b
    Examples:
      marlin-edit resolve status
      marlin-edit resolve install-script
    """


@as_command("status")
@json_option
def status(run: Run) -> ExitCode:
    """Say whether Resolve can be reached, or what may keep it from being reached.

    \b
    Examples:
      marlin-edit resolve status
      marlin-edit resolve status --json
    """
    from marlin_edit_resolve.delivery import reasons
    from marlin_edit_resolve.installation import is_running, places
    from marlin_edit_resolve.menu import installed_script
    from marlin_edit_resolve.process import ping

    response, found = ping(), places()
    told = [] if response.reached else list(reasons(response))
    if run.json:
        run.console.answer(
            {
                "reached": response.reached,
                "project": response.project,
                "module": found.module,
                "library": found.library,
                "running": is_running(),
                "script": installed_script(found.scripts),
                "causes": told[1:],
            }
        )
    elif response.reached:
        run.console.lines(f"{response.reached}, project {response.project!r}" if response.project else response.reached)
        if not response.project:
            run.console.lines("No project is open in it.")
    else:
        run.console.lines(*told)
    return ExitCode.DONE if response.reached else ExitCode.FAILED


@as_command("install-script")
@click.option(
    "--folder",
    type=click.Path(path_type=Path),
    help="Resolve's Scripts folder for the page or Utility, where it is not the usual one.",
)
@json_option
def install_script(run: Run, folder: Path | None) -> ExitCode:
    """Put a script into Resolve's menu Workspace > Scripts that asks about the clip under the playhead.

    It runs this marlin-edit. A script of that name that is not marlin-edit's own is never written over.

    \b
    Examples:
      marlin-edit resolve install-script
    """
    from marlin_edit_resolve.installation import places
    from marlin_edit_resolve.menu import install

    path = install(folder or places().scripts)
    run.console.receipt(f"wrote {path}")
    run.console.receipt(
        "In Resolve Studio: Workspace > Scripts > marlin-edit, with the playhead on a clip. Restart Resolve if it is "
        "not there."
    )
    if run.json:
        run.console.answer({"script": path})
    return ExitCode.DONE


group.add_command(status)
group.add_command(install_script)
