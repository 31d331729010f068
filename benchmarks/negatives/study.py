"""A study: one recipe, the ways of preference training that are tried, and the benchmark that compares them."""

from __future__ import annotations

import dataclasses
import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Literal

from angel_hf.training.recipes.reading import read_recipe
from angel_hf.training.recipes.schema import Recipe
from angel_hf.training.recipes.toml_table import from_table, read_toml

POSITIVE = "positive only"
"""The variant that all others start from: the recipe without preference training."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Variant:
    """One way of preference training.

    Args:
        changes: to the recipe, as `angel train --set` takes them.
        seeds: of the order of the pairs; one run each.
        control: also train on the same pairs, with the same steps and rate, with the plain likelihood of the chosen
            names and no rejected ones.
    """

    changes: tuple[str, ...] = ()
    seeds: tuple[int, ...] = (1,)
    control: bool = True


@dataclass(frozen=True, slots=True, kw_only=True)
class Study:
    """What is trained, and what it is measured on.

    Args:
        recipe: with [preference], by name or as a file.
        benchmark: as `angel-eval` calls it.
        source: directory of the corpus, below that of the data, as all paths here.
        knowledge_base: files of the ontology; none where the corpus comes with one.
        text: form of the text, as for `angel-eval`.
        protocol: what the names are, and what counts.
        splits: to measure the models on.
        folds: of a cross-validated benchmark; each has its own models, which link it alone.
        changes: to the recipe, in all variants.
        processes: that train together.
        variants: by name.
    """

    recipe: str
    benchmark: str
    source: str
    knowledge_base: tuple[str, ...] = ()
    text: Literal["released", "published", "ab3p"] = "published"
    protocol: str = "lenient"
    splits: tuple[str, ...] = ("dev", "test")
    folds: tuple[int, ...] = ()
    changes: tuple[str, ...] = ()
    processes: int = 2
    variants: dict[str, Variant] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Trained:
    """One model of a study.

    Args:
        variant: its name; POSITIVE, or one of the study's, or the control of one.
        seed: of the preference training.
        fold: of the benchmark; "" where it has none.
        changes: to the recipe, all of them.
    """

    variant: str
    seed: int
    fold: str
    changes: tuple[str, ...]

    @property
    def directory(self) -> str:
        """Where it is trained, below the directory of all runs."""
        parts = [self.variant, *([f"seed {self.seed}"] if self.variant != POSITIVE else [])]
        parts += [f"fold {self.fold}"] if self.fold else []
        return re.sub(r"[^a-z0-9.]+", "-", " ".join(parts).lower())

    def recipe(self, study: Study) -> Recipe:
        """Its recipe.

        Raises:
            ValueError: a change is not one that the recipe knows.
        """
        return read_recipe(study.recipe, self.changes)


def read_study(path: Path) -> Study:
    """Read a study from TOML.

    Raises:
        ValueError: it is not TOML, or has an unknown key or a wrong value; a model would be measured on what it has
            learned from.
    """
    table = read_toml(path)
    variants = table.pop("variants", {})
    named = {name: from_table(Variant, one, f"{path}: variants.{name}") for name, one in variants.items()}
    if not named or POSITIVE in named:
        raise ValueError(f"{path}: expected one variant or more, of other names than {POSITIVE!r}")
    study = dataclasses.replace(from_table(Study, table, str(path)), variants=named)
    for model in models_of(study):
        fine_tuning = model.recipe(study).fine_tuning
        if "dev" in study.splits and fine_tuning is not None and fine_tuning.dev_too:
            raise ValueError(
                f"{path}: {model.variant} learns from dev and would be measured on it; expected "
                'changes = ["fine_tuning.dev_too=false"], or splits without dev'
            )
    return study


def control_of(variant: str) -> str:
    """The name of a variant's control."""
    return f"{variant}, likelihood only"


def models_of(study: Study) -> Iterator[Trained]:
    """Every model of a study, those before the ones that share something with them."""
    folds = [str(fold) for fold in study.folds] or [""]
    for fold in folds:
        common = (*study.changes, *([f"data.fold={fold}"] if fold else []))
        yield Trained(POSITIVE, 0, fold, (*common, "preference={}"))
        for name, variant in study.variants.items():
            for seed in variant.seeds:
                own = (*common, *variant.changes, f"preference.seed={seed}", 'preference.keep="last"')
                yield Trained(name, seed, fold, own)
                if variant.control:
                    yield Trained(control_of(name), seed, fold, (*own, 'preference.method="likelihood"'))
