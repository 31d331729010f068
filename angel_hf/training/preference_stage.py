"""Preference training in rounds: mine a part of the mentions, learn from it, measure; keep the best by dev."""

from __future__ import annotations

import json
import logging
import random
from collections.abc import Iterator, Sequence
from dataclasses import replace
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
from accelerate import PartialState
from datasets import Dataset

from angel_hf.jobs.text_file import write_json
from angel_hf.training.accuracy import accuracy
from angel_hf.training.adapters import AnyModel, load_weights, merged, save_weights
from angel_hf.training.corpus import AnnotatedMention
from angel_hf.training.encoding import encode_preferences, group_by_length
from angel_hf.training.materials import Materials
from angel_hf.training.mining import folds, mine_mentions, mine_names, name_mentions
from angel_hf.training.positive_stages import fine_tune, start
from angel_hf.training.preference import PreferenceCollator, train_preference, with_reference
from angel_hf.training.preference_file import PAIRS_FILE, MinedPair, read_pairs, write_card, write_pairs, write_table
from angel_hf.training.recipe import Mining, Preference
from angel_hf.training.stages import finished, in_bfloat16, linker, missing, prepared_together

_LOG = logging.getLogger(__name__)


def prefer(materials: Materials, model: AnyModel, stage: Preference, path: Path) -> None:
    """Train a model in place in rounds, from where the stage stopped, and leave it as the recipe wants it kept.

    The model before the first round takes part in the choice by dev, and each is measured after it has been trained; of
    equals the earlier one is kept. Without unseen mentions of dev the last one is kept. Nothing is measured where
    nothing depends on it.

    Args:
        materials: of the recipe.
        model: as positive training leaves it.
        stage: how to train.
        path: directory of the stage's rounds and result.
    """
    result = path / "finished"
    if not result.exists():
        parts = _parts(materials.learned, stage.rounds, _seed(materials, stage))
        by_dev = bool(materials.unseen) and (stage.keep == "best" or stage.rounds > 1)
        states = [path / "start"]
        finished(states[0], lambda partial: save_weights(model, partial))
        best, scores = 0, [_score(materials, model, states[0]) if by_dev else 0.0]
        for number, mentions in enumerate(parts, start=1):
            state = path / f"round-{number}"
            _round(materials, model, stage, mentions, state, number)
            states.append(state / "finished")
            scores.append(_score(materials, model, state / "finished") if by_dev else 0.0)
            best = max(range(len(scores)), key=lambda place: (scores[place], -place))
            if by_dev and number - best >= stage.patience:
                _LOG.info("%s: no better on dev for %d rounds", path.name, stage.patience)
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
    """Write the preference pairs of a model to `path`, with a dataset card; or leave what is there.

    Processes share the work; the file is the same in any number of them.

    Args:
        materials: of the recipe.
        model: that is mined with, but for "cross-fitted" pairs.
        mining: where the pairs come from.
        mentions: those of the corpus.
        path: directory.

    Returns:
        the Parquet file.
    """
    if not path.exists():
        state = PartialState()
        path.parent.mkdir(parents=True, exist_ok=True)
        shares = []
        for source, fold in _lots(mining):
            # Shares of another number of processes are others.
            name = f"{path.name}.{source}{'' if fold is None else fold}.{{}}-of-{state.num_processes}.parquet"
            of_lot = [path.with_name(name.format(rank)) for rank in range(state.num_processes)]
            # The models of the folds are trained by all.
            if missing(*of_lot):
                mined = list(_mined(materials, model, mining, source, fold, mentions))
                write_pairs(of_lot[state.process_index], mined, materials.processor)
            shares += of_lot
        state.wait_for_everyone()

        def write(directory: Path) -> None:
            write_table(directory / PAIRS_FILE, pa.concat_tables([pq.read_table(share) for share in shares]))
            recipe = materials.recipe
            write_card(directory, f"Preference pairs of {recipe.name}", f"Mined while `angel train` ran {recipe.name}.")

        finished(path, write)
        if state.is_main_process:
            # Also those of a stopped run in another number of processes.
            for left in path.parent.glob(f"{path.name}.*.parquet"):
                left.unlink()
    return path / PAIRS_FILE


def _lots(mining: Mining) -> list[tuple[str, int | None]]:
    """What is mined one after another: the sources, of "cross-fitted" each fold."""
    lots: list[tuple[str, int | None]] = []
    for source in mining.sources:
        lots += [(source, fold) for fold in range(mining.folds)] if source == "cross-fitted" else [(source, None)]
    return lots


def _mined(
    materials: Materials,
    model: AnyModel,
    mining: Mining,
    source: str,
    fold: int | None,
    mentions: Sequence[AnnotatedMention],
) -> Iterator[MinedPair]:
    """The pairs of a lot, of them the share of this process."""
    names = materials.concept_names
    if fold is not None:
        # Of the whole corpus, so that later rounds can ask the same models.
        parts = folds(materials.learned, mining.folds, materials.recipe.seed)
        asked = set(mentions)
        mentions = [annotated for annotated in parts[fold] if annotated in asked]
        model = _without_fold(materials, parts, fold)
    linking = linker(merged(model), materials.processor, materials.linking_knowledge_base)
    if source == "knowledge-base":
        sampled = name_mentions(names, mining.names, materials.recipe.seed)
        yield from mine_names(linking, _share(sampled), names, mining, source)
    else:
        yield from mine_mentions(linking, _share(mentions), names, mining, source)


def _share(mentions: Sequence[AnnotatedMention]) -> Sequence[AnnotatedMention]:
    """The part of this process, in one piece: all parts, one after another, are the whole in its order."""
    rank, count = PartialState().process_index, PartialState().num_processes
    return mentions[rank * len(mentions) // count : (rank + 1) * len(mentions) // count]


def _without_fold(materials: Materials, parts: Sequence[Sequence[AnnotatedMention]], number: int) -> AnyModel:
    """A model that never saw the mentions of a fold."""
    stage = materials.recipe.fine_tuning
    assert stage is not None, "the recipe has been checked for it"
    model = start(materials)
    pretrained = materials.output / "pretraining" / "finished"
    if materials.recipe.pretraining is not None:
        load_weights(model, pretrained)
    others = [mention for place, part in enumerate(parts) if place != number for mention in part]
    # Models of other folds are others, also for a run that takes these over.
    path = materials.output / "cross-fitting" / f"{len(parts)}-folds" / f"without-fold-{number}"
    fine_tune(materials, model, stage, others, path)
    return model


def _round(
    materials: Materials,
    model: AnyModel,
    stage: Preference,
    mentions: Sequence[AnnotatedMention],
    path: Path,
    number: int,
) -> None:
    """Mine, and learn from what was found."""
    result = path / "finished"
    if not result.exists():
        pairs = mine(materials, model, stage.mining, mentions, path / "mined")
        if pq.read_metadata(pairs).num_rows:
            dataset = prepared_together(path / "pairs", lambda: _rows(materials, model, stage, pairs, number))
            name = f"{materials.recipe.name} {path.parent.name} round {number}"
            taken = replace(stage, steps=len(dataset) // stage.batch_size)
            train_preference(name, model, dataset, path / "checkpoints", taken, _seed(materials, stage))
        else:
            _LOG.warning("%s: no answer was wrong, so there is nothing to learn from", path)
        finished(result, lambda partial: save_weights(model, partial))
    load_weights(model, result)


def _rows(materials: Materials, model: AnyModel, stage: Preference, pairs: Path, number: int) -> Dataset:
    """Encoded pairs in training order, as many as the steps need, with the reference's log-probabilities."""
    recipe = materials.recipe
    encoded = encode_preferences(read_pairs(pairs), materials.processor, recipe.model.max_target_length)
    _LOG.info("%s: %d pairs", pairs.parent, len(encoded))
    if not len(encoded):
        raise ValueError(f"{pairs}: every pair is longer than the recipe's max_target_length or max_source_length")
    wanted = stage.steps * stage.batch_size
    if stage.epochs is not None:
        wanted = max(stage.batch_size, min(wanted, stage.epochs * len(encoded)))
    seed = _seed(materials, stage)
    rng = random.Random(seed * 1000 + number)
    order: list[int] = []
    while len(order) < wanted:
        order += rng.sample(range(len(encoded)), len(encoded))
    order = order[:wanted]
    if stage.reference == "precomputed" and stage.method == "preference":
        # Of the pairs that are used, each once.
        used = sorted(set(order))
        place = {row: at for at, row in enumerate(used)}
        order = [place[row] for row in order]
        config = model.config
        collator = PreferenceCollator(config.pad_token_id, config.decoder_start_token_id)
        encoded = with_reference(model, encoded.select(used), collator, in_bfloat16(stage))
    return group_by_length(encoded.select(order), stage.batch_size, seed)


def _seed(materials: Materials, stage: Preference) -> int:
    return materials.recipe.seed if stage.seed is None else stage.seed


def _parts(mentions: Sequence[AnnotatedMention], count: int, seed: int) -> list[list[AnnotatedMention]]:
    return [list(mentions)] if count == 1 else folds(mentions, count, seed)


def _score(materials: Materials, model: AnyModel, state: Path) -> float:
    """Dev accuracy at 1 of the weights in a directory, measured once."""
    path, processes = state.with_name(state.name + ".dev.json"), PartialState()
    if missing(path):
        linking = linker(merged(model), materials.processor, materials.linking_knowledge_base)
        measured = accuracy(linking, materials.unseen)
        if processes.is_main_process:
            write_json(path, {"mentions": measured.mentions, "at_1": measured.at_1, "at_5": measured.at_5})
        processes.wait_for_everyone()
    return float(json.loads(path.read_text(encoding="utf-8"))["at_1"])
