"""The two stages of training on right names: pretraining on a knowledge base, fine-tuning on a corpus."""

from __future__ import annotations

import itertools
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path

from accelerate import PartialState
from datasets import Dataset

from angel_hf.training import examples
from angel_hf.training.adapters import AnyModel, load_weights, save_weights, with_adapter
from angel_hf.training.base import base_model, shape_of
from angel_hf.training.corpus import AnnotatedMention
from angel_hf.training.encoding import encode_pairs, group_by_length
from angel_hf.training.materials import Materials
from angel_hf.training.recipe import FineTuning, PositiveTraining, Pretraining
from angel_hf.training.small_bart import new_model
from angel_hf.training.stages import finished, prepared, train_positive

_SURPLUS = 1.03
"""More pairs are made than are needed, since some do not fit the model."""


def start(materials: Materials) -> AnyModel:
    """The model that the recipe starts from, with new adapters where it trains these from the first stage on.

    It is on this process's device: mining and measuring come before the trainers, which move it there.

    Raises:
        ValueError: the checkpoint has another shape than the recipe says.
        OSError: the checkpoint cannot be had.
    """
    described, seed = materials.recipe.model, materials.recipe.seed
    if described.base is None:
        shape = shape_of(described)
        model: AnyModel = new_model(materials.tokenizer, shape, described.dropout, seed, described.normalize_before)
    else:
        model = base_model(described)
    adapter = materials.recipe.adapter
    if adapter is not None and adapter.stages == "all":
        model = with_adapter(model, adapter, materials.base, seed)
    return model.to(PartialState().device)


def pretrain(materials: Materials, model: AnyModel, stage: Pretraining) -> None:
    """Train a model in place on the knowledge base's names, from where the stage stopped."""

    def pairs() -> Iterator[examples.Pair]:
        contexts = examples.corpus_contexts(materials.train, stage.context_words)
        count = int(stage.steps * stage.batch_size * _SURPLUS)
        seed = materials.recipe.seed
        return examples.pretraining_pairs(materials.concept_names, contexts, count, seed, stage.mixture)

    _run(materials, model, stage, materials.output / "pretraining", pairs)


def fine_tune(
    materials: Materials,
    model: AnyModel,
    stage: FineTuning,
    mentions: Sequence[AnnotatedMention],
    path: Path,
) -> None:
    """Train a model in place on annotated mentions, from where the stage stopped.

    Args:
        materials: of the recipe.
        model: as pretraining leaves it.
        stage: how to train.
        mentions: those to learn from.
        path: directory of the stage's pairs, checkpoints and result.
    """

    def pairs() -> Iterator[examples.Pair]:
        names, seed = materials.concept_names, materials.recipe.seed
        count = int(stage.steps * stage.batch_size * _SURPLUS)
        pretraining = materials.recipe.pretraining
        replay = None
        if stage.replay and pretraining is not None:
            contexts = examples.corpus_contexts(mentions, pretraining.context_words)
            mixture = pretraining.mixture
            replay = examples.pretraining_pairs(names, contexts, count, seed + 1, mixture, settled=True)
        learned = [*mentions, *materials.released(mentions)] if stage.released_too else mentions
        choices = examples.corpus_choices(learned, names, len(stage.nearest_weights))
        return examples.fine_tuning_pairs(
            choices, count, seed, stage.nearest_weights, replay, stage.copy_share, stage.noise_share
        )

    _run(materials, model, stage, path, pairs)


def _run(
    materials: Materials,
    model: AnyModel,
    stage: PositiveTraining,
    path: Path,
    pairs: Callable[[], Iterator[examples.Pair]],
) -> None:
    """Train on pairs in batches of like length, and keep the weights in `path/finished`."""
    recipe = materials.recipe
    result = path / "finished"
    if not result.exists():

        def rows() -> Dataset:
            encoded = encode_pairs(pairs(), materials.processor, recipe.model.max_target_length)
            wanted = min(len(encoded), stage.steps * stage.batch_size)
            return group_by_length(encoded.select(range(wanted)), stage.batch_size, recipe.seed)

        dataset = prepared(path / "pairs", rows)
        development = None
        if materials.unseen:
            development = prepared(materials.output / "development", lambda: _development(materials))
        name = f"{recipe.name} {path.name}"
        train_positive(name, model, dataset, development, path / "checkpoints", stage, recipe.seed)
        finished(result, lambda partial: save_weights(model, partial))
    # The finished weights, also where they were just made: a resumed run and an unbroken one then go the same way.
    load_weights(model, result)


def _development(materials: Materials) -> Dataset:
    """Every sixth development mention with the nearest name of its first concept."""
    choices = examples.corpus_choices(materials.dev, materials.concept_names, k=1)
    pairs = [examples.Pair(choice.mention, choice.targets[0][0]) for choice in itertools.islice(choices, 0, None, 6)]
    return encode_pairs(pairs, materials.processor, materials.recipe.model.max_target_length)
