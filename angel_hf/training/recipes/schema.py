"""The tables of a recipe: everything that decides about a trained model, each with its checks."""

from __future__ import annotations

import dataclasses
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Literal

STAGES = ("pretraining", "fine_tuning", "preference")
"""The sections of a recipe that train, in their order."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Data:
    """The training data, as paths below the directory given on the command line; `{fold}` in a path is `fold`.

    Args:
        knowledge_base: files of concepts whose names are the targets, read one after another.
        normalization: form of the names, one of `knowledge_base.NORMALIZATIONS`.
        name_weights: how often a name of each of these files is drawn for pretraining and mining, relative to the
            others; equal if empty. Texts mention some vocabularies more than others.
        ontologies: files whose names are joined to the knowledge base's concepts for pretraining.
        corpus_format: one of `corpus.FORMATS`.
        train: annotated corpora to learn from.
        dev: annotated corpora to choose models by.
        expand_abbreviations: write out, in every mention, the abbreviations that its document defines.
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
    """The sizes of a model; as in `Model`, but all set."""

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
    """The model to train: a BART from a checkpoint, or a new one.

    A new model needs its whole shape. Sizes given beside a checkpoint must agree with the checkpoint's.

    Args:
        base: "angel-mini", a directory or a Hub repository; without it weights and vocabulary are new.
        encoder: a BERT, as a directory or a Hub repository, whose weights a new model's encoder starts with; its sizes
            are the encoder's then, and its word pieces that the data uses are the vocabulary.
        encoder_sha256: of the encoder's model.safetensors; any other is refused.
        decoder_start: with an encoder, whether the decoder's layers start as the encoder's last ones or at random.
        tokenizer: directory or Hub repository of the tokenizer, if the checkpoint has none.
        vocabulary_size: of a new vocabulary, or of the checkpoint's.
        max_positions: longest source and longest prefix + target, in tokens, that the model can read.
        max_source_length: source tokens to read, special ones included; by default as many as the checkpoint's
            processor or positions allow.
        max_target_length: most tokens of prefix and target; longer pairs are left out.
        normalize_before: put the layer norms of a new model before each block instead of after it (`angel_bart`):
            small models learn faster so. A checkpoint has its own setting.
        dropout: of hidden states and attention during positive training; preference training has none. If it is not
            0, the rate between a checkpoint's feed-forward layers is the checkpoint's, as published.
        half_precision: store the finished weights in 16 bits.
    """

    base: str | None = None
    encoder: str | None = None
    encoder_sha256: str | None = None
    decoder_start: Literal["encoder", "new"] = "encoder"
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
        if self.encoder is not None:
            self._check_encoder()
        elif self.base is None and missing:
            raise ValueError(f"{', '.join(missing)} missing; a new model needs its whole shape, or name a base")
        if self.max_positions is not None:
            self.check_lengths(self.max_positions)

    def _check_encoder(self) -> None:
        if self.base is not None:
            raise ValueError("base and encoder are both given; expected one of them")
        for name in ("decoder_layers", "max_source_length"):
            if getattr(self, name) is None:
                raise ValueError(f"{name} is missing; a model with a pretrained encoder needs it")
        for name in ("vocabulary_size", "d_model", "encoder_layers", "attention_heads", "ffn_dim", "max_positions"):
            if getattr(self, name) is not None:
                raise ValueError(f"{name} is given beside encoder {self.encoder}, which decides it; leave it out")
        if self.normalize_before:
            raise ValueError("normalize_before with an encoder; BERT normalises after each block")

    def check_lengths(self, positions: int) -> None:
        """Refuse lengths that a model cannot read.

        Raises:
            ValueError: a length exceeds the model's number of positions.
        """
        for name in ("max_source_length", "max_target_length"):
            length = getattr(self, name)
            if length is not None and length > positions:
                raise ValueError(f"{name} is {length}; expected at most the model's {positions} positions")

    @property
    def shape(self) -> Shape | None:
        """The shape, if the recipe gives all of it."""
        sizes = {field.name: getattr(self, field.name) for field in dataclasses.fields(Shape)}
        return None if None in sizes.values() else Shape(**sizes)


@dataclass(frozen=True, slots=True, kw_only=True)
class Adapter:
    """Low-rank adapters (LoRA, Hu et al. 2021), trained instead of the weights.

    Args:
        stages: "preference" trains all weights until that stage; "all" trains one adapter from the first stage to the
            last.
        rank: of the update of each matrix.
        alpha: the update is scaled by alpha / rank.
    """

    stages: Literal["preference", "all"] = "preference"
    rank: int
    alpha: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Optimization:
    """How a stage changes the weights (AdamW).

    Args:
        steps: updates of the weights.
        batch_size: pairs per update, over all processes and accumulated batches.
        gradient_accumulation: batches that a process computes one after another for one update; more of them need
            less memory.
        learning_rate: after the warm-up.
        schedule: "polynomial" is a straight line down to 1e-7, as published; "inverse_sqrt" needs no end.
        schedule_timescale: steps after which "inverse_sqrt" has fallen to 1 / sqrt(2); unused by the others.
        save_steps: updates between the checkpoints from which a stopped run resumes.
        bf16: compute in bfloat16 if the machine has instructions for it, else in float32.
    """

    steps: int
    batch_size: int
    learning_rate: float
    gradient_accumulation: int = 1
    schedule: Literal["linear", "polynomial", "inverse_sqrt"] = "linear"
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


@dataclass(frozen=True, slots=True)
class Mixture:
    """Shares of the kinds of pairs that are made from a knowledge base alone.

    Args:
        first_copies: share of copies of a name at the start, so that copying is learned first.
        last_copies: share of copies after `copies_settle` pairs; it falls in a straight line until then.
        copies_settle: number of pairs.
        noised_copies: share of copies with spelling noise in the mention.
        noised_synonyms: share of the other pairs with spelling noise.
        nearest_share: share of synonym pairs whose target is the nearest name of the concept rather than any other.
        context_share: share of mentions that stand in a context of the corpus.
    """

    first_copies: float = 0.7
    last_copies: float = 0.25
    copies_settle: int = 36_000
    noised_copies: float = 0.6
    noised_synonyms: float = 0.15
    nearest_share: float = 0.6
    context_share: float = 0.15

    def copies(self, number: int) -> float:
        """Share of copies at pair `number`, counted from 0."""
        left = max(0.0, 1 - number / self.copies_settle) if self.copies_settle else 0.0
        return self.last_copies + (self.first_copies - self.last_copies) * left


@dataclass(frozen=True, slots=True, kw_only=True)
class Pretraining(PositiveTraining):
    """Learning synonyms from a knowledge base."""

    mixture: Mixture = field(default_factory=Mixture)


@dataclass(frozen=True, slots=True, kw_only=True)
class FineTuning(PositiveTraining):
    """Learning from annotated mentions.

    Args:
        nearest_weights: how often the nearest, second nearest, ... name of the concept is the target.
        replay: take every other pair from the mixture that pretraining ends with.
        copy_share: share of mentions whose target is the mention itself, so that a mention that is a name is linked to
            it.
        noise_share: share of the others with spelling noise in the mention, so that fewer are learned by heart.
        released_too: if abbreviations are written out, learn from such mentions as released as well.
        dev_too: learn from the dev corpora as well, in a last run after all choices are made; nothing is measured or
            chosen by them any more.
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
            links names of the knowledge base, each with itself removed from the candidates.
        top_k: candidates that are compared (5 published).
        num_beams: width of the search (10 published).
        folds: of cross-fitting; a document is in one fold.
        names: number of names of the knowledge base, and of the ontologies joined to it, to link.
        nearest_if_absent: if no candidate is right, choose the nearest gold name.
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


LossName = Literal["sigmoid", "sft"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Preference(Optimization):
    """Learning to prefer right names over the model's own mistakes.

    Args:
        mining: where the pairs come from.
        method: "preference", or "likelihood" for the control: the same pairs, steps and rate, with the plain likelihood
            of the chosen names and no rejected ones.
        loss: one or more of "sigmoid" (DPO) and "sft" (the likelihood of the chosen name), added up.
        loss_weights: of each loss; 1 each if empty.
        beta: weight of a difference from the reference.
        length_normalized: compare means of log-probabilities over a name's tokens, by which the search ranks, instead
            of sums, with which DPO is defined.
        epochs: passes over the pairs of a round, of at most `steps` steps.
        rounds: number of parts of the training mentions; each is mined with the current model and learned from.
        keep: of the model before the first round and those after each, the "best" on dev, or the "last", which shows
            the effect of training.
        patience: rounds without a gain on dev after which training ends.
        seed: of the parts and the order of the pairs, if it differs from the recipe's: runs on one positive model that
            differ in it alone show the spread of this stage.
    """

    mining: Mining = field(default_factory=Mining)
    method: Literal["preference", "likelihood"] = "preference"
    loss: tuple[LossName, ...] = ("sigmoid",)
    loss_weights: tuple[float, ...] = ()
    beta: float = 0.1
    length_normalized: bool = False
    epochs: int | None = None
    rounds: int = 1
    keep: Literal["best", "last"] = "best"
    patience: int = 3
    seed: int | None = None

    def __post_init__(self) -> None:
        Optimization.__post_init__(self)
        if not self.loss:
            raise ValueError("loss is empty; expected one or more names of losses")
        if self.loss_weights and len(self.loss_weights) != len(self.loss):
            raise ValueError(f"{len(self.loss_weights)} loss_weights for {len(self.loss)} losses; expected one each")
        if self.rounds < 1 or self.patience < 1:
            raise ValueError(f"rounds is {self.rounds} and patience {self.patience}; expected 1 or more of both")


@dataclass(frozen=True, slots=True, kw_only=True)
class Recipe:
    """A recipe; a stage that it lacks is not run.

    Args:
        name: of the model.
        description: what it is for, and where its numbers come from.
        seed: of the weights, the pairs and their order.
    """

    name: str
    description: str
    seed: int
    data: Data
    model: Model
    adapter: Adapter | None = None
    pretraining: Pretraining | None = None
    fine_tuning: FineTuning | None = None
    preference: Preference | None = None

    def __post_init__(self) -> None:
        if self.pretraining is None and self.model.base is None and self.model.encoder is None:
            raise ValueError("model.base is missing; a recipe without [pretraining] starts from a checkpoint")
        if self.fine_tuning is not None and self.fine_tuning.replay and self.pretraining is None:
            raise ValueError("[fine_tuning] has replay = true, but there is no [pretraining] whose pairs it repeats")
        if self.adapter is not None and self.adapter.stages == "all" and self.model.base is None:
            raise ValueError('[adapter] has stages = "all", but the model is new; adapters need a trained base')
        preference = self.preference
        if preference is not None and "cross-fitted" in preference.mining.sources and self.fine_tuning is None:
            raise ValueError('"cross-fitted" pairs need [fine_tuning], which trains the models of the folds')

    def stages(self) -> Iterator[Optimization]:
        """Its stages, in their order."""
        found = (getattr(self, name) for name in STAGES)
        return (stage for stage in found if stage is not None)

    def as_table(self) -> dict[str, Any]:
        """The recipe as JSON and TOML can hold it."""
        return dataclasses.asdict(self)
