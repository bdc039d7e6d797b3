"""List the file formats: suffixes, whether they are read too, and what each can store."""

from __future__ import annotations

from marlin_edit.commands import Run, as_command, json_option
from marlin_edit.interfaces import Carries


@as_command("formats")
@json_option
def command(run: Run) -> None:
    """List the file formats: suffixes, whether they are read too, and what each can store.

    \b
    Examples:
      marlin-edit formats
      marlin-edit formats --json
    """
    exporters = [run.app.exporters[name] for name in sorted(run.app.exporters)]
    if run.json:
        run.console.answer(
            {
                "formats": [
                    {
                        "name": exporter.name,
                        "suffixes": list(exporter.suffixes),
                        "reads": exporter.read is not None,
                        "reads_markers": exporter.read_markers is not None,
                        "carries": _words(exporter.carries),
                        "help": exporter.help,
                        "plugin": str(run.app.origin(exporter)),
                    }
                    for exporter in exporters
                ]
            }
        )
        return
    run.console.table(
        ("format", "suffix", "read", "stores"),
        [
            (
                exporter.name,
                " ".join(exporter.suffixes),
                "yes" if exporter.read is not None else "markers" if exporter.read_markers is not None else "",
                ", ".join(_words(exporter.carries)),
            )
            for exporter in exporters
        ],
    )


def _words(carries: Carries) -> list[str]:
    return [(flag.name or "").lower().replace("_", " ") for flag in Carries if flag in carries]
