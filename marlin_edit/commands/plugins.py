"""Show what is installed: each plugin, what it offers, and what is set aside and why."""

from __future__ import annotations

from marlin_edit.commands import as_command, json_option
from marlin_edit.workflow.run import Run


@as_command("plugins")
@json_option
def command(run: Run) -> None:
    """Show what is installed: each plugin, what it offers, and what is set aside and why."""
    found = run.app.plugins
    if run.json:
        run.console.answer(
            {
                "plugins": [
                    {
                        "name": plugin.candidate.name,
                        "distribution": plugin.candidate.distribution,
                        "version": plugin.candidate.version,
                        "offers": list(plugin.offers),
                        "problems": list(plugin.problems),
                    }
                    for plugin in found
                ]
            }
        )
        return
    rows: list[tuple[str, ...]] = []
    for plugin in found:
        origin = f"{plugin.candidate.distribution} {plugin.candidate.version}"
        says = [*plugin.offers, *(f"! {problem}" for problem in plugin.problems)] or ["nothing"]
        for index, offer in enumerate(says):
            rows.append((plugin.candidate.name, origin, offer) if index == 0 else ("", "", offer))
    run.console.table(("plugin", "from", "offers"), rows)
