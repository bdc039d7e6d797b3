"""List the plugins: what each offers, and what is not used and why."""

from __future__ import annotations

from marlin_edit.commands import Run, as_command, json_option


@as_command("plugins")
@json_option
def command(run: Run) -> None:
    """List the plugins: what each offers, and what is not used and why.

    \b
    Examples:
      marlin-edit plugins
      marlin-edit plugins --json
    """
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
