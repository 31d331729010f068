"""Any search over any number of mentions: ids checked, batches of similar length, answers remembered."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any, cast

from ..inference.packed.engine import PackedBart
from ..model.configuration_angel import AngelConfig
from ..model.generation import BartWithTrieGeneration
from ..trie.name_trie import NameTrie
from .answer_cache import Answer, AnswerCache, packed_ids, weights_state
from .threads import answer_batches


def search_batches(
    model: BartWithTrieGeneration,
    trie: NameTrie,
    search: Callable[..., list[Answer]],
    limits: dict[str, Any],
    settings: tuple[Any, ...],
    encoder_ids: Sequence[Sequence[int]],
    prefix_ids: Sequence[Sequence[int]],
    batch_size: int,
    cache: AnswerCache[Answer] | None,
    names: Sequence[Sequence[int]] | None = None,
) -> list[Answer]:
    """Answer each mention, in the order given.

    Args:
        model: whose configuration tells what a prefix ends with and where the decoder starts.
        trie: the names.
        search: of one batch, given the packed model, trie, ids and `limits`.
        limits: what else it is told.
        settings: what distinguishes this search's answers from another's.
        encoder_ids, prefix_ids, batch_size: as for `AngelForEntityLinking.search`.
        cache: asked first, where there is one.
        names: what the search is told beside that, one of its `names` for each mention: token ids.

    Raises:
        ValueError: the ids cannot be searched with.
    """
    check_ids(model.config, encoder_ids, prefix_ids)
    start, end = model.config.decoder_start_token_id, model.config.eos_token_id
    assert isinstance(start, int) and isinstance(end, int), "BART starts and ends a target with one token each"

    def answer(bart: PackedBart, batch: list[int]) -> list[Answer]:
        sources = [encoder_ids[position] for position in batch]
        prefixes = [[start, *prefix_ids[position]] for position in batch]
        told = limits | {"end_token_id": end, "max_length": model.config.max_position_embeddings}
        if names is not None:
            told["names"] = [names[position] for position in batch]
        return search(bart, trie, sources, prefixes, **told)

    def answers(positions: list[int]) -> list[Answer]:
        # The longest first: what memory they take is enough for the others, and used again.
        order = sorted(positions, key=lambda position: -len(encoder_ids[position]))
        found = answer_batches(model, order, batch_size, answer)
        return [found[position] for position in positions]

    if cache is None:
        return answers(list(range(len(encoder_ids))))
    # The trie itself is a part of the question: other names, or a view that masks some, are other questions.
    each = (encoder_ids, prefix_ids) if names is None else (encoder_ids, prefix_ids, names)
    questions = [(trie, settings, *map(packed_ids, ids)) for ids in zip(*each)]
    # Lists that are remembered stay as they are, whatever is done to those that are given out; nothing else can change.
    found = cache.answer(weights_state(model), questions, answers)
    return [cast("Answer", one.copy()) if isinstance(one, list) else one for one in found]


def check_ids(config: AngelConfig, encoder_ids: Sequence[Sequence[int]], prefix_ids: Sequence[Sequence[int]]) -> None:
    """Refuse ids that no name can follow.

    Raises:
        ValueError: an empty or over-long source, a prefix that does not end as it should or leaves no room.
    """
    if len(encoder_ids) != len(prefix_ids):
        raise ValueError(f"{len(encoder_ids)} sources came with {len(prefix_ids)} prefixes; expected one each")
    limit, end = config.max_position_embeddings, config.prefix_end_token_id
    for row, (source, prefix) in enumerate(zip(encoder_ids, prefix_ids)):
        if not 0 < len(source) <= limit:
            raise ValueError(f"mention {row}: source of {len(source)} tokens; the encoder reads 1 to {limit}")
        if not prefix or prefix[-1] != end:
            raise ValueError(
                f"mention {row}: prefix ends in token {prefix[-1] if prefix else None}, expected {end} "
                f"(config.prefix_end_token_id), after which a name starts; AngelProcessor makes such prefixes"
            )
        if len(prefix) > limit - 2:
            raise ValueError(
                f"mention {row}: prefix of {len(prefix)} tokens leaves no room for a name and its end "
                f"in the decoder's {limit} positions: shorten the mention"
            )
