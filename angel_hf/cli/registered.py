"""Commands of other packages, which register them as entry points of the group `angel_hf.commands`.

An entry point names a Typer app, or a function with Typer's annotations. Its module is imported for the command itself
and for the program's help, so it loads nothing heavy before the command runs.
"""

from __future__ import annotations

from functools import cache
from importlib.metadata import EntryPoint, entry_points
from importlib.util import find_spec
from typing import Any

import typer
from typer.core import TyperGroup

GROUP = "angel_hf.commands"


class CommandGroup(TyperGroup):
    """The commands of this package, and after them the registered ones that are installed."""

    def list_commands(self, ctx: Any) -> list[str]:
        """The names of all commands, in the order of the help."""
        own = super().list_commands(ctx)
        return [*own, *(name for name in sorted(_registered()) if name not in own)]

    def get_command(self, ctx: Any, cmd_name: str) -> Any:
        """The command of a name, or None; commands of this package come first."""
        return super().get_command(ctx, cmd_name) or load_command(cmd_name)


def load_command(name: str) -> Any:
    """A registered command, or None where none of that name is installed."""
    entry = _registered().get(name)
    if entry is None:
        return None
    found = entry.load()
    if not isinstance(found, typer.Typer):
        function, found = found, typer.Typer(add_completion=False, rich_markup_mode=None)
        found.command(name)(function)
    command = typer.main.get_command(found)
    command.name = name
    return command


@cache
def _registered() -> dict[str, EntryPoint]:
    return {entry.name: entry for entry in entry_points(group=GROUP) if _is_installed(entry.module)}


def _is_installed(module: str) -> bool:
    """Whether a module can be found: a wheel may lack a folder of the source tree that its entry points name."""
    try:
        return find_spec(module) is not None
    except ModuleNotFoundError:  # its package is missing
        return False
