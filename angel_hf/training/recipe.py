"""Recipes: everything that decides about a trained model, as one literal TOML file."""

from __future__ import annotations

import dataclasses
import sys
from collections.abc import Iterable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Literal

from angel_hf.training.examples import Mixture
from angel_hf.training.literal import from_table

if sys.version_info >= (3, 11):
    import tomllib
else:
    import tomli as tomllib

RECIPES = Path(__file__).parents[1] / "recipes"


@dataclass(frozen=True, slots=True, kw_only=True)
class Data:
    """Where the training data is, below the directory that the command line names; `{fold}` in a path is `fold`.

    Args:
        knowledge_base: files of concepts whose names are the targets, read one after another.
        normalization: form of the names, one of `knowledge_base.NORMALIZATIONS`.
        ontologies: files whose names are joined to the knowledge base's concepts for pretraining.
        corpus_format: one of `corpus.FORMATS`.
        train: annotated corpora to learn from.
        dev: annotated corpora that choices are made by.
        expand_abbreviations: write out, in every mention, the abbreviations that its document defines.
        training_strings: let the strings of the training mentions be names of the finished model's knowledge base.
        fold: of a cross-validated benchmark.
    """

    knowledge_base: tuple[str, ...]
    train: tuple[str, ...]
    dev: tuple[str, ...] = ()
    normalization: Literal["lowercase-punctuation", "lowercase", "as-is"] = "lowercase-punctuation"
    ontologies: tuple[str, ...] = ()
    corpus_format: Literal["pubtator", "genbioel"] = "pubtator"
    expand_abbreviations: bool = False
    training_strings: bool = False
    fold: int = 0

    def paths(self, names: Iterable[str], directory: Path) -> list[Path]:
        """Files below a directory."""
        return [directory / name.replace("{fold}", str(self.fold)) for name in names]


@dataclass(frozen=True, slots=True, kw_only=True)
class Model:
    """What is trained: a BART of this shape, from scratch or from a checkpoint that has the shape.

    Args:
        base: directory or Hub repository of the checkpoint; without it the weights and the vocabulary are new.
        tokenizer: directory or Hub repository of the tokenizer, where the checkpoint has none.
        vocabulary_size: of a new vocabulary, or of the checkpoint's.
        max_positions: longest source and longest prefix + target that the model can read.
        max_source_length: tokens of the source, special ones included, that are read here.
        max_target_length: most tokens of prefix and target; longer pairs are left out.
        dropout: of hidden states and attention while positive training lasts; preference training has none.
        half_precision: store the finished weights in 16 bits.
    """

    base: str | None = None
    tokenizer: str | None = None
    vocabulary_size: int
    d_model: int
    encoder_layers: int
    decoder_layers: int
    attention_heads: int
    ffn_dim: int
    max_positions: int
    max_source_length: int
    max_target_length: int = 96
    dropout: float = 0.0
    half_precision: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Adapter:
    """Low-rank adapters (LoRA, Hu et al. 2021) that are trained instead of the weights.

    Args:
        rank: of the update of each matrix.
        alpha: the update is scaled by alpha / rank.
        target_modules: the linear layers that get one, by the end of their names.
    """

    rank: int
    alpha: int
    target_modules: tuple[str, ...] = ("q_proj", "k_proj", "v_proj", "out_proj", "fc1", "fc2")


@dataclass(frozen=True, slots=True, kw_only=True)
class Optimization:
    """How a stage changes the weights (AdamW).

    Args:
        steps: updates of the weights.
        batch_size: pairs an update, over all processes and accumulated batches.
        gradient_accumulation: batches that a process computes one after another for an update.
        learning_rate: after the warm-up.
        schedule: "polynomial" is a straight line down to 1e-7, as published; "inverse_sqrt" needs no end.
        schedule_timescale: steps after which "inverse_sqrt" has fallen to 1 / sqrt(2).
        label_smoothing: share of the probability spread evenly over the vocabulary.
        prefix_weight: weight of a prefix token in the loss; 0 is the published loss, on the target only.
        save_steps: updates between checkpoints, from which a stopped run goes on.
        bf16: compute in bfloat16.
    """

    steps: int
    batch_size: int
    learning_rate: float
    gradient_accumulation: int = 1
    schedule: Literal["linear", "polynomial", "inverse_sqrt", "constant"] = "linear"
    schedule_timescale: int | None = None
    warmup_steps: int = 0
    label_smoothing: float = 0.1
    prefix_weight: float = 0.0
    weight_decay: float = 0.01
    adam_beta2: float = 0.999
    max_grad_norm: float = 1.0
    save_steps: int = 500
    bf16: bool = False

    def __post_init__(self) -> None:
        for name in ("steps", "batch_size", "gradient_accumulation", "save_steps"):
            if getattr(self, name) < 1:
                raise ValueError(f"{name} is {getattr(self, name)}; expected 1 or more")


@dataclass(frozen=True, slots=True, kw_only=True)
class Pretraining(Optimization):
    """Learning synonyms from a knowledge base; `context_words` are kept on each side of a borrowed context."""

    mixture: Mixture = field(default_factory=Mixture)
    context_words: int = 8


@dataclass(frozen=True, slots=True, kw_only=True)
class FineTuning(Optimization):
    """Learning from annotated mentions.

    Args:
        nearest_weights: how often the nearest, second nearest, ... name of the concept is the target.
        replay: take every other pair from the mixture that pretraining ends with.
    """

    nearest_weights: tuple[float, ...] = (1.0, 1.0, 1.0)
    replay: bool = False

    def __post_init__(self) -> None:
        Optimization.__post_init__(self)
        if not self.nearest_weights or min(self.nearest_weights) <= 0:
            raise ValueError(f"nearest_weights are {self.nearest_weights}; expected one or more positive numbers")


@dataclass(frozen=True, slots=True, kw_only=True)
class Recipe:
    """A recipe; stages that it does not have are not run.

    Args:
        name: what the model is called.
        description: what it is for, and where its numbers come from.
        seed: of the weights, the pairs and their order.
    """

    name: str
    description: str
    seed: int
    data: Data
    model: Model
    pretraining: Pretraining | None = None
    fine_tuning: FineTuning | None = None

    def __post_init__(self) -> None:
        if self.pretraining is None and self.model.base is None:
            raise ValueError("model.base is missing; a recipe without [pretraining] starts from a checkpoint")

    def as_table(self) -> dict[str, Any]:
        """The recipe as JSON and TOML can hold it."""
        return dataclasses.asdict(self)


def known_recipes() -> list[str]:
    """The names of the recipes that the package holds."""
    return sorted(path.stem for path in RECIPES.glob("*.toml"))


def read_recipe(name_or_path: str, changes: Iterable[str] = ()) -> Recipe:
    """Read a recipe of the package by its name, or any file.

    Args:
        name_or_path: "angel_mini_ncbi", "my/recipe.toml".
        changes: `key=value` with a dotted key and a TOML value, as in `fine_tuning.learning_rate=1e-4`; each
            replaces what the file has.

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
    try:
        table = tomllib.loads(path.read_text(encoding="utf-8"))
    except tomllib.TOMLDecodeError as error:
        raise ValueError(f"{path}: not TOML ({error})") from None
    for change in changes:
        _change(table, change)
    return from_table(Recipe, table, str(path))


def _change(table: dict[str, Any], change: str) -> None:
    key, separator, value = change.partition("=")
    if not separator:
        raise ValueError(f"{change!r}; expected key=value, as in fine_tuning.learning_rate=1e-4")
    try:
        parsed = tomllib.loads(f"value = {value}")["value"]
    except tomllib.TOMLDecodeError:
        raise ValueError(
            f"{change!r}: {value!r} is not a TOML value; texts stand in quotes, as in '\"text\"'"
        ) from None
    *sections, last = key.strip().split(".")
    for section in sections:
        table = table.setdefault(section, {})
    table[last] = parsed
