"""``streamify completion``."""

from __future__ import annotations

import click

from streamify.cli import out
from streamify.cli.command import Command
from streamify.cli.options import Common


@click.command("completion", cls=Command)
@click.argument("shell", type=click.Choice(["bash", "zsh", "fish"]))
@click.pass_context
def command(ctx: click.Context, /, shell: str) -> None:
    """Print the completion script of a shell.

    \b
    bash: streamify completion bash > ~/.local/share/bash-completion/completions/streamify
    zsh:  streamify completion zsh > "${fpath[1]}/_streamify"
    fish: streamify completion fish > ~/.config/fish/completions/streamify.fish
    """
    from click.shell_completion import get_completion_class

    kind = get_completion_class(shell)
    if kind is None:
        raise click.BadParameter(f"no completion for {shell}")
    complete = kind(ctx.find_root().command, {}, "streamify", "_STREAMIFY_COMPLETE")
    script = complete.source_template % complete.source_vars()  # source() would start a bash to ask its version
    common = Common.of(ctx)
    out.print_json({"shell": shell, "script": script}, common.document) if common.json else out.write_exactly(
        script + "\n"
    )
