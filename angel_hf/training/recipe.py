"""Recipes: everything that decides about a trained model, as one literal TOML file."""

from __future__ import annotations

import dataclasses
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Literal

from angel_hf.training.examples import Mixture
from angel_hf.training.literal import from_table, parse_toml, read_toml
from angel_hf.training.preference_loss import LOSSES

RECIPES = Path(__file__).parents[1] / "recipes"
STAGES = ("pretraining", "pretraining_preference", "fine_tuning", "preference")
"""The parts of a recipe that train, in their order."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Data:
    """Where the training data is, below the directory that the command line names; `{fold}` in a path is `fold`.

    Args:
        knowledge_base: files of concepts whose names are the targets, read one after another.
        normalization: form of the names, one of `knowledge_base.NORMALIZATIONS`.
        name_weights: how often a name of a concept of each of these files is drawn for pretraining and mining, next to
            one of another file; all alike where it is left out. Texts mention some vocabularies more than others.
        ontologies: files whose names and definitions are joined to the knowledge base's concepts for pretraining; a
            file of the knowledge base itself gives its definitions.
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
    name_weights: tuple[float, ...] = ()
    ontologies: tuple[str, ...] = ()
    corpus_format: Literal["pubtator", "genbioel"] = "pubtator"
    expand_abbreviations: bool = False
    training_strings: bool = False
    fold: int = 0

    def __post_init__(self) -> None:
        weights, files = self.name_weights, self.knowledge_base
        if weights and (len(weights) != len(files) or min(weights) <= 0):
            raise ValueError(f"name_weights is {weights} for {len(files)} files; expected a number above 0 for each")

    def paths(self, names: Iterable[str], directory: Path) -> list[Path]:
        """Files below a directory."""
        return [directory / name.replace("{fold}", str(self.fold)) for name in names]


@dataclass(frozen=True, slots=True, kw_only=True)
class Shape:
    """The sizes of a model, as `Model` has them, all known."""

    vocabulary_size: int
    d_model: int
    encoder_layers: int
    decoder_layers: int
    attention_heads: int
    ffn_dim: int
    max_positions: int
    max_source_length: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Model:
    """What is trained: a BART from a checkpoint, or a new one.

    A new one needs its whole shape. A checkpoint has one, and what the recipe says of it has to agree.

    Args:
        base: "angel-mini", a directory or a Hub repository; without it the weights and the vocabulary are new.
        tokenizer: directory or Hub repository of the tokenizer, where the checkpoint has none.
        vocabulary_size: of a new vocabulary, or of the checkpoint's.
        max_positions: longest source and longest prefix + target that the model can read.
        max_source_length: tokens of the source, special ones included, that are read here; where it is left out, as
            many as the checkpoint's processor or positions allow.
        max_target_length: most tokens of prefix and target; longer pairs are left out.
        normalize_before: normalise before each block of a new model instead of after it (`angel_bart`): small models
            learn faster so; a checkpoint says itself which it does.
        dropout: of hidden states and attention while positive training lasts; preference training has none. Where it
            is not 0 the rate between a checkpoint's feed-forward layers is the checkpoint's, as published.
        half_precision: store the finished weights in 16 bits.
    """

    base: str | None = None
    tokenizer: str | None = None
    vocabulary_size: int | None = None
    d_model: int | None = None
    encoder_layers: int | None = None
    decoder_layers: int | None = None
    attention_heads: int | None = None
    ffn_dim: int | None = None
    max_positions: int | None = None
    max_source_length: int | None = None
    max_target_length: int = 96
    normalize_before: bool = False
    dropout: float = 0.0
    half_precision: bool = False

    def __post_init__(self) -> None:
        missing = [field.name for field in dataclasses.fields(Shape) if getattr(self, field.name) is None]
        if self.base is None and missing:
            raise ValueError(f"{', '.join(missing)} missing; a new model needs its whole shape, or name a base")
        if self.max_positions is not None:
            self.check_lengths(self.max_positions)

    def check_lengths(self, positions: int) -> None:
        """Refuse lengths that a model cannot read.

        Raises:
            ValueError: one is above its number of positions.
        """
        for name in ("max_source_length", "max_target_length"):
            length = getattr(self, name)
            if length is not None and length > positions:
                raise ValueError(f"{name} is {length}; expected at most the model's {positions} positions")

    @property
    def shape(self) -> Shape | None:
        """The shape, where the recipe tells all of it."""
        sizes = {field.name: getattr(self, field.name) for field in dataclasses.fields(Shape)}
        return None if None in sizes.values() else Shape(**sizes)


@dataclass(frozen=True, slots=True, kw_only=True)
class Adapter:
    """Low-rank adapters (LoRA, Hu et al. 2021) that are trained instead of the weights.

    Args:
        stages: "preference" trains all weights until then; "all" trains one adapter from the first stage to the last.
        rank: of the update of each matrix.
        alpha: the update is scaled by alpha / rank.
        target_modules: the linear layers that get one, by the end of their names.
    """

    stages: Literal["preference", "all"] = "preference"
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
        schedule_timescale: steps after which "inverse_sqrt" has fallen to 1 / sqrt(2); the others have none.
        save_steps: updates between checkpoints, from which a stopped run goes on.
        bf16: compute in bfloat16 where the machine has instructions for it, else in float32.
    """

    steps: int
    batch_size: int
    learning_rate: float
    gradient_accumulation: int = 1
    schedule: Literal["linear", "polynomial", "inverse_sqrt", "constant"] = "linear"
    schedule_timescale: int | None = None
    warmup_steps: int = 0
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
class PositiveTraining(Optimization):
    """Learning right names.

    Args:
        label_smoothing: share of the probability spread evenly over the vocabulary.
        prefix_weight: weight of a prefix token in the loss; 0 is the published loss, on the target only.
    """

    label_smoothing: float = 0.1
    prefix_weight: float = 0.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Pretraining(PositiveTraining):
    """Learning synonyms from a knowledge base; `context_words` are kept on each side of a borrowed context."""

    mixture: Mixture = field(default_factory=Mixture)
    context_words: int = 8


@dataclass(frozen=True, slots=True, kw_only=True)
class FineTuning(PositiveTraining):
    """Learning from annotated mentions.

    Args:
        nearest_weights: how often the nearest, second nearest, ... name of the concept is the target.
        replay: take every other pair from the mixture that pretraining ends with.
        copy_share: how many mentions have themselves for a target, so that a mention which is a name is linked to it.
        noise_share: how many of the others have spelling noise in the mention, so that fewer are learned by heart.
        released_too: learn from mentions both as they stand and with abbreviations written out, where these differ.
        dev_too: learn from the dev corpora as well, as the last run does once all choices have been made by them; from
            here on they tell nothing of the model, and nothing is measured or chosen by them.
    """

    nearest_weights: tuple[float, ...] = (1.0, 1.0, 1.0)
    replay: bool = False
    copy_share: float = 0.0
    noise_share: float = 0.0
    released_too: bool = False
    dev_too: bool = False

    def __post_init__(self) -> None:
        Optimization.__post_init__(self)
        if not self.nearest_weights or min(self.nearest_weights) <= 0:
            raise ValueError(f"nearest_weights are {self.nearest_weights}; expected one or more positive numbers")
        for name, share in (("copy_share", self.copy_share), ("noise_share", self.noise_share)):
            if not 0 <= share < 1:
                raise ValueError(f"{name} is {share}; expected a share from 0 to less than 1")


NegativeSource = Literal["train", "cross-fitted", "knowledge-base"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Mining:
    """Where preference pairs come from.

    Args:
        sources: "train" links the training mentions with the model itself, as published; "cross-fitted" links each
            fold of them with a model that was fine-tuned, from the pretrained one, on the others; "knowledge-base"
            links names of the knowledge base, each with itself removed from the answers.
        top_k: how many answers are looked at (5 published).
        num_beams: width of the search (10 published).
        folds: of cross-fitting; documents are not parted.
        names: how many names of the knowledge base, and of the ontologies joined to it, are linked.
        nearest_if_absent: where no answer is right, let the nearest gold name be the chosen one.
    """

    sources: tuple[NegativeSource, ...] = ("train",)
    top_k: int = 5
    num_beams: int = 10
    folds: int = 5
    names: int = 4000
    nearest_if_absent: bool = True

    def __post_init__(self) -> None:
        if not 1 <= self.top_k <= self.num_beams:
            raise ValueError(f"top_k is {self.top_k} with {self.num_beams} num_beams; expected 1 <= top_k <= num_beams")
        if self.folds < 2 or self.names < 1 or not self.sources:
            raise ValueError("expected one source or more, 2 folds or more and 1 name or more")


@dataclass(frozen=True, slots=True, kw_only=True)
class Preference(Optimization):
    """Learning to prefer right names over the model's own mistakes.

    Args:
        mining: where the pairs come from.
        method: "preference", or "likelihood" for the control: the same pairs, steps and rate, with the plain likelihood
            of the chosen names and no rejected ones.
        loss: one or more of TRL's loss names, added up with `loss_weights`; "sft" is the likelihood of the chosen name.
        loss_weights: of each loss; 1 each where there are none.
        beta: how much a difference from the reference counts (the temperature of IPO).
        loss_smoothing: of the losses "robust" and "exo_pair": the share of pairs taken to be the wrong way round.
        length_normalized: compare means of log-probabilities over a name's tokens, which the search ranks by, instead
            of sums, which DPO is defined with.
        reference: "precomputed" before training; else made on the fly by a frozen "copy", or, where adapters are new
            for this stage, with "adapters-off". The first two take the model as each round finds it, the last the one
            before the first round.
        epochs: passes over the pairs of a round; `steps` are then the most that are taken.
        rounds: times that a part of the training mentions is mined with the model as it is, and learned from.
        keep: of the model before the first round and those after each, the "best" on dev; or the "last", to see what
            training did.
        patience: rounds without a better accuracy on dev after which no more are tried.
        seed: of the parts and the order of the pairs, where it is another than the recipe's: runs on one positive model
            that differ in it alone show the spread of this stage.
    """

    mining: Mining = field(default_factory=Mining)
    method: Literal["preference", "likelihood"] = "preference"
    loss: tuple[str, ...] = ("sigmoid",)
    loss_weights: tuple[float, ...] = ()
    beta: float = 0.1
    loss_smoothing: float = 0.0
    length_normalized: bool = False
    reference: Literal["precomputed", "copy", "adapters-off"] = "precomputed"
    epochs: int | None = None
    rounds: int = 1
    keep: Literal["best", "last"] = "best"
    patience: int = 3
    seed: int | None = None

    def __post_init__(self) -> None:
        Optimization.__post_init__(self)
        if self.loss_weights and len(self.loss_weights) != len(self.loss):
            raise ValueError(f"{len(self.loss_weights)} loss_weights for {len(self.loss)} losses; expected one each")
        unknown = [name for name in self.loss if name not in LOSSES]
        if unknown or not self.loss:
            told = ", ".join(map(repr, unknown)) or "none"
            raise ValueError(f"unknown loss {told}; expected some of {', '.join(LOSSES)}")
        # EXO compares with the logarithm of the smoothing, and robust DPO divides by what it leaves.
        smallest = "above 0" if "exo_pair" in self.loss else "0 or more"
        if not 0 <= self.loss_smoothing < 0.5 or ("exo_pair" in self.loss and self.loss_smoothing == 0):
            raise ValueError(f"loss_smoothing is {self.loss_smoothing}; expected {smallest}, and less than 0.5")
        if self.rounds < 1 or self.patience < 1:
            raise ValueError(f"rounds is {self.rounds} and patience {self.patience}; expected 1 or more of both")


@dataclass(frozen=True, slots=True, kw_only=True)
class Recipe:
    """A recipe; stages that it does not have are not run.

    Args:
        name: what the model is called.
        description: what it is for, and where its numbers come from.
        seed: of the weights, the pairs and their order.
        pretraining_preference: preference training that comes before fine-tuning.
        preference: preference training that comes after it.
    """

    name: str
    description: str
    seed: int
    data: Data
    model: Model
    adapter: Adapter | None = None
    pretraining: Pretraining | None = None
    pretraining_preference: Preference | None = None
    fine_tuning: FineTuning | None = None
    preference: Preference | None = None

    def __post_init__(self) -> None:
        if self.pretraining is None and self.model.base is None:
            raise ValueError("model.base is missing; a recipe without [pretraining] starts from a checkpoint")
        if self.fine_tuning is not None and self.fine_tuning.replay and self.pretraining is None:
            raise ValueError("[fine_tuning] has replay = true, but there is no [pretraining] whose pairs it repeats")
        if self.adapter is not None and self.adapter.stages == "all" and self.model.base is None:
            raise ValueError('[adapter] has stages = "all", but the model is new; adapters need a trained base')
        for preference in (self.pretraining_preference, self.preference):
            if preference is not None and preference.reference == "adapters-off":
                self._check_adapters_are_new(preference)
            if preference is not None and "cross-fitted" in preference.mining.sources and self.fine_tuning is None:
                raise ValueError(
                    '"cross-fitted" pairs need [fine_tuning], which the models of the folds are trained by'
                )

    def _check_adapters_are_new(self, preference: Preference) -> None:
        if self.adapter is None:
            raise ValueError('the reference is "adapters-off", but there is no [adapter]')
        if self.adapter.stages == "all" or preference is self.pretraining_preference:
            raise ValueError(
                'the reference is "adapters-off", but the model without adapters is not the one that this stage starts '
                'from; expected [preference] with [adapter] stages = "preference", or another reference'
            )

    def stages(self) -> Iterator[Optimization]:
        """The stages that it has, in their order."""
        found = (getattr(self, name) for name in STAGES)
        return (stage for stage in found if stage is not None)

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
            replaces what the file has, and an empty table, `preference={}`, takes a section away.

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
        _change(table, change)
    return from_table(Recipe, table, str(path))


def _change(table: dict[str, Any], change: str) -> None:
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
