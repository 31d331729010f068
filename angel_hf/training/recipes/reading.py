"""Reading a recipe: one of the package by its name, or any TOML file, with single values replaced."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path
from typing import Any

from angel_hf.training.recipes.schema import Recipe
from angel_hf.training.recipes.toml_table import from_table, parse_toml, read_toml

RECIPES = Path(__file__).parent


def known_recipes() -> list[str]:
    """The names of the recipes of the package."""
    return sorted(path.stem for path in RECIPES.glob("*.toml"))


def read_recipe(name_or_path: str, changes: Iterable[str] = ()) -> Recipe:
    """Read a recipe of the package by its name, or any file.

    Args:
        name_or_path: "angel_mini_ncbi", "my/recipe.toml".
        changes: `key=value` with a dotted key and a TOML value, as in `fine_tuning.learning_rate=1e-4`; each
            replaces the file's value, and an empty table, `preference={}`, removes a section.

    Raises:
        ValueError: there is no such recipe, it is not TOML, or it holds an unknown key or a wrong value.
    """
    path = Path(name_or_path)
    if not path.is_file():
        path = RECIPES / f"{name_or_path}.toml"
        if not path.is_file():
            raise ValueError(
                f"no recipe {name_or_path!r}; expected a file, or one of {', '.join(known_recipes())} in the package"
            )
    table = read_toml(path)
    for change in changes:
        _replace(table, change)
    return from_table(Recipe, table, str(path))


def _replace(table: dict[str, Any], change: str) -> None:
    key, separator, value = change.partition("=")
    if not separator:
        raise ValueError(f"{change!r}; expected key=value, as in fine_tuning.learning_rate=1e-4")
    try:
        parsed = parse_toml(f"value = {value}")["value"]
    except ValueError:
        raise ValueError(
            f"{change!r}: {value!r} is not a TOML value; texts stand in quotes, as in '\"text\"'"
        ) from None
    *sections, last = key.strip().split(".")
    for section in sections:
        table = table.setdefault(section, {})
        if not isinstance(table, dict):
            raise ValueError(f"{change!r}: {section} is {table!r}; expected a section")
    if parsed == {}:
        table.pop(last, None)
    else:
        table[last] = parsed
