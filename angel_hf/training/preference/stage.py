"""Preference training in rounds: mine a part of the mentions, learn from it, measure on dev, keep the best."""

from __future__ import annotations

import logging
import random
from collections.abc import Iterator, Sequence
from dataclasses import replace
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
from accelerate import PartialState
from datasets import Dataset

from angel_hf.jobs.readable import finite, read_json, readable
from angel_hf.jobs.text_file import write_json
from angel_hf.training.data.corpus import AnnotatedMention
from angel_hf.training.data.encoding import encode_preferences, group_by_length
from angel_hf.training.model.accuracy import accuracy
from angel_hf.training.model.adapters import AnyModel, load_weights, merged, save_weights
from angel_hf.training.model.linking import linking_model
from angel_hf.training.positive.stages import fine_tune, start
from angel_hf.training.preference.batches import PreferenceCollator
from angel_hf.training.preference.mining import folds, mine_mentions, mine_names, name_mentions
from angel_hf.training.preference.pairs_file import (
    PAIRS_FILE,
    MinedPair,
    read_pairs,
    write_card,
    write_pairs,
    write_table,
)
from angel_hf.training.preference.reference import with_reference
from angel_hf.training.preference.trainer import train_preference
from angel_hf.training.recipes.schema import Mining, Preference
from angel_hf.training.stage.artifacts import finished, missing, prepared_together
from angel_hf.training.stage.materials import Materials
from angel_hf.training.stage.trainer import in_bfloat16

_LOG = logging.getLogger(__name__)


def prefer(materials: Materials, model: AnyModel, stage: Preference, path: Path) -> None:
    """Train a model in place in rounds, resuming a stopped stage; it ends with the weights that `stage.keep` selects.

    The choice by dev includes the model before the first round. Each model is measured after its training; of equals
    the earlier one is kept. Without unseen dev mentions the last one is kept. Nothing is measured if nothing depends on
    it.

    Args:
        materials: of the recipe.
        model: after positive training.
        stage: how to train.
        path: directory of the stage's rounds and result.
    """
    result = path / "finished"
    if not result.exists():
        parts = _split_for_rounds(materials.learned, stage.rounds, _seed(materials, stage))
        by_dev = bool(materials.unseen) and (stage.keep == "best" or stage.rounds > 1)
        states = [path / "start"]
        finished(states[0], lambda partial: save_weights(model, partial))
        best, scores = 0, [_score(materials, model, states[0]) if by_dev else 0.0]
        for number, mentions in enumerate(parts, start=1):
            state = path / f"round-{number}"
            _train_round(materials, model, stage, mentions, state, number)
            states.append(state / "finished")
            scores.append(_score(materials, model, state / "finished") if by_dev else 0.0)
            best = max(range(len(scores)), key=lambda place: (scores[place], -place))
            if by_dev and number - best >= stage.patience:
                _LOG.info("%s: no gain on dev for %d rounds", path.name, stage.patience)
                break
        if stage.keep == "last" or not by_dev:
            best = len(states) - 1
        if by_dev:
            _LOG.info("%s: dev accuracy %s; round %d is kept", path.name, [round(score, 2) for score in scores], best)
        load_weights(model, states[best])
        finished(result, lambda partial: save_weights(model, partial))
    load_weights(model, result)


def mine(
    materials: Materials, model: AnyModel, mining: Mining, mentions: Sequence[AnnotatedMention], path: Path
) -> Path:
    """Write the preference pairs of a model to `path`, with a dataset card; an existing directory stays as it is.

    Processes share the work; the file does not depend on their number.

    Args:
        materials: of the recipe.
        model: links the mentions, except for "cross-fitted" pairs.
        mining: where the pairs come from.
        mentions: of the corpus.
        path: directory.

    Returns:
        the Parquet file.
    """
    if not path.exists():
        state = PartialState()
        path.parent.mkdir(parents=True, exist_ok=True)
        shares = []
        for source, fold in _sources_and_folds(mining):
            # Named by the number of processes, with which the shares change.
            name = f"{path.name}.{source}{'' if fold is None else fold}.{{}}-of-{state.num_processes}.parquet"
            of_source = [path.with_name(name.format(rank)) for rank in range(state.num_processes)]
            # All processes take part, since all train the models of the folds.
            if missing(*of_source):
                mined = list(_mine_source(materials, model, mining, source, fold, mentions))
                write_pairs(of_source[state.process_index], mined, materials.processor)
            shares += of_source
        state.wait_for_everyone()

        def write(directory: Path) -> None:
            write_table(directory / PAIRS_FILE, pa.concat_tables([pq.read_table(share) for share in shares]))
            recipe = materials.recipe
            write_card(directory, f"Preference pairs of {recipe.name}", f"Mined while `angel train` ran {recipe.name}.")

        finished(path, write)
        if state.is_main_process:
            # Also those of a stopped run with another number of processes.
            for left in path.parent.glob(f"{path.name}.*.parquet"):
                left.unlink()
    return path / PAIRS_FILE


def _sources_and_folds(mining: Mining) -> list[tuple[str, int | None]]:
    """The sources to mine in turn, "cross-fitted" by fold."""
    found: list[tuple[str, int | None]] = []
    for source in mining.sources:
        found += [(source, fold) for fold in range(mining.folds)] if source == "cross-fitted" else [(source, None)]
    return found


def _mine_source(
    materials: Materials,
    model: AnyModel,
    mining: Mining,
    source: str,
    fold: int | None,
    mentions: Sequence[AnnotatedMention],
) -> Iterator[MinedPair]:
    """The pairs of a source or fold; each process mines its share."""
    names = materials.concept_names
    if fold is not None:
        # Folds of the whole corpus, so that all rounds use the same models.
        parts = folds(materials.learned, mining.folds, materials.recipe.seed)
        of_round = set(mentions)
        mentions = [annotated for annotated in parts[fold] if annotated in of_round]
        model = _without_fold(materials, parts, fold)
    linking = linking_model(merged(model), materials.processor, materials.knowledge_base)
    if source == "knowledge-base":
        sampled = name_mentions(names, mining.names, materials.recipe.seed)
        yield from mine_names(linking, _share(sampled), names, mining, source)
    else:
        yield from mine_mentions(linking, _share(mentions), names, mining, source)


def _share(mentions: Sequence[AnnotatedMention]) -> Sequence[AnnotatedMention]:
    """The consecutive part of this process; the parts in order of rank make the whole."""
    rank, count = PartialState().process_index, PartialState().num_processes
    return mentions[rank * len(mentions) // count : (rank + 1) * len(mentions) // count]


def _without_fold(materials: Materials, parts: Sequence[Sequence[AnnotatedMention]], number: int) -> AnyModel:
    """A model fine-tuned on the mentions of all other folds."""
    stage = materials.recipe.fine_tuning
    assert stage is not None, "the recipe has been checked for it"
    model = start(materials)
    pretrained = materials.output / "pretraining" / "finished"
    if materials.recipe.pretraining is not None:
        load_weights(model, pretrained)
    others = [mention for place, part in enumerate(parts) if place != number for mention in part]
    # With another number of folds the models differ, also for a run that reuses these.
    path = materials.output / "cross-fitting" / f"{len(parts)}-folds" / f"without-fold-{number}"
    fine_tune(materials, model, stage, others, path)
    return model


def _train_round(
    materials: Materials,
    model: AnyModel,
    stage: Preference,
    mentions: Sequence[AnnotatedMention],
    path: Path,
    number: int,
) -> None:
    """Mine one part of the mentions and train on the pairs."""
    result = path / "finished"
    if not result.exists():
        pairs = mine(materials, model, stage.mining, mentions, path / "mined")
        if pq.read_metadata(pairs).num_rows:
            dataset = prepared_together(path / "pairs", lambda: _training_rows(materials, model, stage, pairs, number))
            name = f"{materials.recipe.name} {path.parent.name} round {number}"
            shortened = replace(stage, steps=len(dataset) // stage.batch_size)
            train_preference(name, model, dataset, path / "checkpoints", shortened, _seed(materials, stage))
        else:
            _LOG.warning("%s: no preference pairs to learn from; the model stays as it is", path)
        finished(result, lambda partial: save_weights(model, partial))
    load_weights(model, result)


def _training_rows(materials: Materials, model: AnyModel, stage: Preference, pairs: Path, number: int) -> Dataset:
    """Encoded pairs in training order, as many as the steps need, with the reference's log-probabilities."""
    recipe = materials.recipe
    encoded = encode_preferences(read_pairs(pairs), materials.processor, recipe.model.max_target_length)
    _LOG.info("%s: %d pairs", pairs.parent, len(encoded))
    if not len(encoded):
        raise ValueError(f"{pairs}: every pair is longer than the recipe's max_target_length or max_source_length")
    count = stage.steps * stage.batch_size
    if stage.epochs is not None:
        count = max(stage.batch_size, min(count, stage.epochs * len(encoded)))
    seed = _seed(materials, stage)
    rng = random.Random(seed * 1000 + number)
    order: list[int] = []
    while len(order) < count:
        order += rng.sample(range(len(encoded)), len(encoded))
    order = order[:count]
    if stage.method == "preference":
        # Each pair once, of those that are used.
        used = sorted(set(order))
        place = {row: at for at, row in enumerate(used)}
        order = [place[row] for row in order]
        config = model.config
        collator = PreferenceCollator(config.pad_token_id, config.decoder_start_token_id)
        encoded = with_reference(model, encoded.select(used), collator, in_bfloat16(stage))
    return group_by_length(encoded.select(order), stage.batch_size, seed)


def _seed(materials: Materials, stage: Preference) -> int:
    return materials.recipe.seed if stage.seed is None else stage.seed


def _split_for_rounds(mentions: Sequence[AnnotatedMention], count: int, seed: int) -> list[list[AnnotatedMention]]:
    return [list(mentions)] if count == 1 else folds(mentions, count, seed)


def _score(materials: Materials, model: AnyModel, state: Path) -> float:
    """Dev accuracy at 1 of a model, measured once for its saved state."""
    path, processes = state.with_name(state.name + ".dev.json"), PartialState()
    if missing(path):
        linking = linking_model(merged(model), materials.processor, materials.knowledge_base)
        measured = accuracy(linking, materials.unseen)
        if processes.is_main_process:
            write_json(path, {"mentions": measured.mentions, "at_1": measured.at_1, "at_5": measured.at_5})
        processes.wait_for_everyone()
    with readable(path, "remove it, and the same command measures again"):
        return finite("at_1", read_json(path, "remove it, and the same command measures again")["at_1"])
