"""Training pairs as token ids, in an order that needs little padding."""

from __future__ import annotations

import itertools
from collections.abc import Iterable

import numpy as np
from datasets import Dataset

from angel_hf.model.processor import AngelProcessor
from angel_hf.training.data.pairs import Pair
from angel_hf.types import Mention


def encode_pairs(pairs: Iterable[Pair], processor: AngelProcessor, max_target_length: int = 96) -> Dataset:
    """Token ids of pairs, in their order.

    Pairs that do not fit are left out: the mention is longer than the encoder's input, or prefix and target together
    are longer than `max_target_length`.

    Returns:
        columns `input_ids`, `prefix_ids`, `target_ids` (end token included), each row a list of ids.
    """
    pairs = list(pairs)
    names = {"target_ids": [pair.target for pair in pairs]}
    return _encode([pair.mention for pair in pairs], names, processor, max_target_length)


def encode_preferences(
    triples: Iterable[tuple[Mention, str, str]], processor: AngelProcessor, max_target_length: int = 96
) -> Dataset:
    """Token ids of mentions, each with a chosen and a rejected name, in their order.

    Rows that do not fit are left out, as in `encode_pairs`.

    Returns:
        columns `input_ids`, `prefix_ids`, `chosen_ids`, `rejected_ids` (end token included), each row a list of ids.
    """
    triples = list(triples)
    names = {"chosen_ids": [chosen for _, chosen, _ in triples], "rejected_ids": [wrong for _, _, wrong in triples]}
    return _encode([mention for mention, _, _ in triples], names, processor, max_target_length)


def _encode(
    mentions: list[Mention], names: dict[str, list[str]], processor: AngelProcessor, max_target_length: int
) -> Dataset:
    """Columns of the mentions' ids and, under each key of `names`, of the ids of one name a mention."""
    columns: dict[str, list[list[int]]] = {column: [] for column in ("input_ids", "prefix_ids", *names)}
    fits = processor.fits(mentions)
    readable = list(itertools.compress(mentions, fits))
    if readable:
        end = processor.tokenizer.eos_token_id
        spelled = (processor.encode_names(list(itertools.compress(column, fits))) for column in names.values())
        targets = [[[*ids, end] for ids in column] for column in spelled]
        for row in zip(*processor.encode_mentions(readable), *targets, strict=True):
            _, prefix, *rest = row
            if len(prefix) + max(map(len, rest)) <= max_target_length:
                for column, ids in zip(columns.values(), row, strict=True):
                    column.append(ids)
    return Dataset.from_dict(columns)


def group_by_length(dataset: Dataset, batch_size: int, seed: int, window: int = 64) -> Dataset:
    """Reorder rows so that each batch holds rows of similar length, with little change to the overall order.

    Each run of `window` batches is sorted by length and cut into batches, which are then shuffled by the seed. Rows
    beyond the last full batch are left out.
    """
    lengths = costs(dataset)
    rng = np.random.default_rng(seed)
    order = []
    full = len(lengths) - len(lengths) % batch_size
    for start in range(0, full, window * batch_size):
        rows = np.arange(start, min(start + window * batch_size, full))
        batches = rows[np.argsort(lengths[rows], kind="stable")].reshape(-1, batch_size)
        order.append(rng.permutation(batches).reshape(-1))
    return dataset.select(np.concatenate(order) if order else [])


def costs(dataset: Dataset) -> np.ndarray:
    """Cost of each row of encoded pairs in encoder tokens, [rows] int64."""
    # A decoder token costs about twice an encoder token: cross-attention, and the projection to the vocabulary.
    cost = {name: 1 if name == "input_ids" else 2 for name in dataset.column_names if name.endswith("_ids")}
    return np.sum([[each * len(ids) for ids in dataset[name][:]] for name, each in cost.items()], axis=0)
