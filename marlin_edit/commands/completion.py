"""Print the script with which a shell completes commands, options and file names."""

from __future__ import annotations

import click

from marlin_edit.commands import Run, as_command
from marlin_edit.console import PROGRAM

_WHERE = {
    "bash": "~/.local/share/bash-completion/completions/marlin-edit",
    "zsh": "a file _marlin-edit in a directory of $fpath",
    "fish": "~/.config/fish/completions/marlin-edit.fish",
}


@as_command("completion")
@click.argument("shell", type=click.Choice(list(_WHERE)))
def command(run: Run, shell: str) -> None:
    """Print the script with which a shell completes commands, options and file names.

    Write it where the shell looks for it, and open a new terminal:

    \b
    bash: ~/.local/share/bash-completion/completions/marlin-edit
    zsh:  a file _marlin-edit in a directory of $fpath
    fish: ~/.config/fish/completions/marlin-edit.fish

    \b
    Examples:
      marlin-edit completion bash > ~/.local/share/bash-completion/completions/marlin-edit
      marlin-edit completion fish > ~/.config/fish/completions/marlin-edit.fish
    """
    from click.shell_completion import get_completion_class

    kind = get_completion_class(shell)
    assert kind is not None
    group = click.get_current_context().find_root().command
    run.console.data(kind(group, {}, PROGRAM, f"_{PROGRAM.replace('-', '_').upper()}_COMPLETE").source() + "\n")
    run.console.receipt(f"Write this to {_WHERE[shell]}.")
