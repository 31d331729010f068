"""Facts of a card that no file of a model holds: a short TOML file beside it."""

from __future__ import annotations

import dataclasses
import math
import sys
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from difflib import get_close_matches
from pathlib import Path
from typing import Any

from angel_hf.text.reading import parse_marked

if sys.version_info >= (3, 11):
    import tomllib
else:
    import tomli as tomllib


@dataclass(frozen=True, slots=True)
class Vocabulary:
    """The knowledge base that a model links to.

    Args:
        name: as "MEDIC".
        version: its release.
        license: name of its licence or terms.
        url: where to obtain it.
    """

    name: str
    version: str
    license: str
    url: str


@dataclass(frozen=True, slots=True)
class Training:
    """How a model came about, in figures; each is measured, by the training or a meter.

    Args:
        recipe: its name.
        data: corpora and ontologies, in words.
        stages: of the training in order, in words: right names, preference pairs.
        hardware: that it ran on.
        hours: duration, or None where not measured.
        emissions_grams: CO2 equivalents, or None likewise.
    """

    recipe: str
    data: str
    stages: str = "stages not recorded"
    hardware: str = "not recorded"
    hours: float | None = None
    emissions_grams: float | None = None


@dataclass(frozen=True, slots=True)
class Facts:
    """The facts of one card.

    Args:
        title: the card's.
        license: of weights and card, by the Hub's short name, as "apache-2.0".
        knowledge_base: what the model links to.
        training: how it was trained.
        examples: texts with [[marked]] mentions, for the page's widget.
        base_model: Hub id of the model that training started from, or nothing.
        datasets: Hub ids of benchmarks, by their names in results.json.
        citation: BibTeX of the data, for the card of a data set.
        notes: a paragraph of what is special, or nothing.
    """

    title: str
    license: str
    knowledge_base: Vocabulary
    training: Training
    examples: tuple[str, ...] = ("Mutations of the ATM gene cause [[ataxia-telangiectasia]].",)
    base_model: str = ""
    datasets: dict[str, str] = field(default_factory=dict)
    citation: str = ""
    notes: str = ""


def read_facts(path: Path) -> Facts:
    """Read a TOML file of `title`, `license`, `[knowledge_base]`, `[training]` and the other fields of Facts.

    Raises:
        FileNotFoundError: it is not there.
        ValueError: it is no TOML, a key is missing or unknown (the nearest known key is named), or a value is of
            another type.
    """
    if not path.is_file():
        raise FileNotFoundError(f"{path}: no such file; expected the facts of the card, as TOML")
    try:
        values = tomllib.loads(path.read_text(encoding="utf-8"))
    except (ValueError, RecursionError) as error:
        raise ValueError(f"{path}: not TOML ({error})") from error
    for key, kind in (("knowledge_base", Vocabulary), ("training", Training)):
        if isinstance(values.get(key), dict):
            values[key] = _build(kind, values[key], f"{path}: [{key}]")
    facts: Facts = _build(Facts, values, str(path))
    for example in facts.examples:
        try:
            parse_marked(example)
        except (ValueError, TypeError) as error:
            raise ValueError(f"{path}: examples: {error}") from None
    return facts


def _build(kind: Any, values: dict[str, Any], where: str) -> Any:
    known = {one.name: one for one in dataclasses.fields(kind)}
    for key in values:
        if key not in known:
            near = get_close_matches(key, known, n=1)
            raise ValueError(f"{where}: unknown key {key!r}; expected one of {', '.join(known)}{_did_you_mean(near)}")
    missing = [
        key
        for key, one in known.items()
        if key not in values and one.default is dataclasses.MISSING and one.default_factory is dataclasses.MISSING
    ]
    if missing:
        raise ValueError(f"{where}: has no {' and no '.join(missing)}; the card states them")
    for key, value in values.items():
        fits, expected = _KINDS[str(known[key].type)]
        if not fits(value):
            raise ValueError(f"{where}: {key} is {value!r}; expected {expected}")
    return kind(**{key: tuple(value) if isinstance(value, list) else value for key, value in values.items()})


def _is_number(value: object) -> bool:
    return isinstance(value, (int, float)) and not isinstance(value, bool) and 0 <= value < math.inf


def _are_strings(values: Iterable[object]) -> bool:
    return all(isinstance(value, str) for value in values)


_KINDS: dict[str, tuple[Callable[[Any], object], str]] = {
    "str": (lambda value: isinstance(value, str), "a string"),
    "float | None": (_is_number, "a number, 0 or more"),
    "tuple[str, ...]": (
        lambda value: isinstance(value, list) and bool(value) and _are_strings(value),
        "a list of texts",
    ),
    "dict[str, str]": (lambda value: isinstance(value, dict) and _are_strings(value.values()), "a table of strings"),
    "Vocabulary": (lambda value: isinstance(value, Vocabulary), "a table"),
    "Training": (lambda value: isinstance(value, Training), "a table"),
}
"""What the value of a field may be, by the field's type."""


def _did_you_mean(near: list[str]) -> str:
    return f" (did you mean {near[0]!r}?)" if near else ""
