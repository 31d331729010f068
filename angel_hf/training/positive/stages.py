"""The stages of positive training: pretraining on a knowledge base, fine-tuning on a corpus."""

from __future__ import annotations

import itertools
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path

from accelerate import PartialState
from datasets import Dataset

from angel_hf.training.data.corpus import AnnotatedMention
from angel_hf.training.data.encoding import encode_pairs, group_by_length
from angel_hf.training.data.pairs import Pair, corpus_choices, corpus_contexts, fine_tuning_pairs, pretraining_pairs
from angel_hf.training.model.adapters import AnyModel, load_weights, save_weights, with_adapter
from angel_hf.training.model.base import base_model, shape_of
from angel_hf.training.model.pretrained_encoder import model_from_encoder
from angel_hf.training.model.small_bart import new_model
from angel_hf.training.positive.trainer import train_positive
from angel_hf.training.recipes.schema import FineTuning, PositiveTraining, Pretraining
from angel_hf.training.stage.artifacts import finished, prepared
from angel_hf.training.stage.materials import Materials

_SURPLUS = 1.03
"""More pairs are made than needed, since some do not fit the model."""
CONTEXT_WORDS = 8
"""Words kept on each side of a context in which pretraining places a name."""


def start(materials: Materials) -> AnyModel:
    """The model that the recipe starts from, with new adapters if these train from the first stage on.

    It is on this process's device, as mining and measuring may come before a trainer moves it there.

    Raises:
        ValueError: the checkpoint's shape differs from the recipe's.
        OSError: the checkpoint is unavailable.
    """
    described, seed = materials.recipe.model, materials.recipe.seed
    model: AnyModel
    if described.encoder is not None:
        assert described.decoder_layers is not None, "the recipe has been checked for it"
        layers, decoder_start = described.decoder_layers, described.decoder_start
        model = model_from_encoder(
            materials.encoder, materials.tokenizer, layers, decoder_start, described.dropout, seed
        )
    elif described.base is None:
        shape = shape_of(described)
        model = new_model(materials.tokenizer, shape, described.dropout, seed, described.normalize_before)
    else:
        model = base_model(described)
    adapter = materials.recipe.adapter
    if adapter is not None and adapter.stages == "all":
        model = with_adapter(model, adapter, materials.base, seed)
    return model.to(PartialState().device)


def pretrain(materials: Materials, model: AnyModel, stage: Pretraining) -> None:
    """Train a model in place on the knowledge base's names, resuming a stopped stage."""

    def pairs() -> Iterator[Pair]:
        contexts = corpus_contexts(materials.train, CONTEXT_WORDS)
        count = int(stage.steps * stage.batch_size * _SURPLUS)
        seed = materials.recipe.seed
        return pretraining_pairs(materials.concept_names, contexts, count, seed, stage.mixture)

    _run(materials, model, stage, materials.output / "pretraining", pairs)


def fine_tune(
    materials: Materials,
    model: AnyModel,
    stage: FineTuning,
    mentions: Sequence[AnnotatedMention],
    path: Path,
) -> None:
    """Train a model in place on annotated mentions, resuming a stopped stage.

    Args:
        materials: of the recipe.
        model: the pretrained one.
        stage: how to train.
        mentions: to learn from.
        path: directory of the stage's pairs, checkpoints and result.
    """

    def pairs() -> Iterator[Pair]:
        names, seed = materials.concept_names, materials.recipe.seed
        count = int(stage.steps * stage.batch_size * _SURPLUS)
        pretraining = materials.recipe.pretraining
        replay = None
        if stage.replay and pretraining is not None:
            contexts = corpus_contexts(mentions, CONTEXT_WORDS)
            replay = pretraining_pairs(names, contexts, count, seed + 1, pretraining.mixture, settled=True)
        learned = [*mentions, *materials.released(mentions)] if stage.released_too else mentions
        choices = corpus_choices(learned, names, len(stage.nearest_weights))
        return fine_tuning_pairs(
            choices, count, seed, stage.nearest_weights, replay, stage.copy_share, stage.noise_share
        )

    _run(materials, model, stage, path, pairs)


def _run(
    materials: Materials,
    model: AnyModel,
    stage: PositiveTraining,
    path: Path,
    pairs: Callable[[], Iterator[Pair]],
) -> None:
    """Train on pairs in batches of similar length, and save the weights in `path/finished`."""
    recipe = materials.recipe
    result = path / "finished"
    if not result.exists():

        def rows() -> Dataset:
            encoded = encode_pairs(pairs(), materials.processor, recipe.model.max_target_length)
            count = min(len(encoded), stage.steps * stage.batch_size)
            return group_by_length(encoded.select(range(count)), stage.batch_size, recipe.seed)

        dataset = prepared(path / "pairs", rows)
        development = None
        if materials.unseen:
            development = prepared(materials.output / "development", lambda: _development(materials))
        name = f"{recipe.name} {path.name}"
        train_positive(name, model, dataset, development, path / "checkpoints", stage, recipe.seed)
        finished(result, lambda partial: save_weights(model, partial))
    # Also right after training, so that an unbroken run continues as a resumed one does.
    load_weights(model, result)


def _development(materials: Materials) -> Dataset:
    """Encoded pairs of every sixth dev mention with the nearest name of its first concept."""
    choices = corpus_choices(materials.dev, materials.concept_names, k=1)
    pairs = [Pair(choice.mention, choice.targets[0][0]) for choice in itertools.islice(choices, 0, None, 6)]
    return encode_pairs(pairs, materials.processor, materials.recipe.model.max_target_length)
