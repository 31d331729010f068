"""Every name of a small knowledge base scored one by one: what the search must agree with."""

from __future__ import annotations

from collections.abc import Sequence

import torch

from angel_hf.model.entity_linking import AngelForEntityLinking
from angel_hf.types import Hypothesis


@torch.no_grad()
def score_all_names(
    model: AngelForEntityLinking, encoder_ids: Sequence[int], prefix_ids: Sequence[int], batch_size: int = 256
) -> list[Hypothesis]:
    """Score every name by teacher forcing through transformers' own forward pass, without trie, cache or beams.

    An independent path to the search's results, at the cost of a forward pass a name.

    Args:
        model: with a trie.
        encoder_ids: one source, special tokens included.
        prefix_ids: its decoder prefix, without the start token.
        batch_size: names scored together.

    Returns:
        All names, best mean log-probability first.
    """
    if model.trie is None:
        raise RuntimeError("the model has no knowledge base; call model.set_knowledge_base first")
    config = model.config
    encoded = model.model.encoder(torch.tensor([list(encoder_ids)], device=model.device))
    targets = [[*sequence, config.eos_token_id] for sequence in model.trie.sequences()]
    hypotheses: list[Hypothesis] = []
    for first in range(0, len(targets), batch_size):
        batch = targets[first : first + batch_size]
        inputs = [torch.tensor([config.decoder_start_token_id, *prefix_ids, *target[:-1]]) for target in batch]
        # Padded on the right, where a causal decoder cannot see it.
        padded = torch.nn.utils.rnn.pad_sequence(inputs, batch_first=True, padding_value=config.pad_token_id)
        states = encoded.last_hidden_state.expand(len(batch), -1, -1)
        logits = model(encoder_outputs=(states,), decoder_input_ids=padded.to(model.device), use_cache=False).logits
        logprobs = logits[:, len(prefix_ids) :].double().log_softmax(-1)
        for row, target in enumerate(batch):
            of_target = logprobs[row, range(len(target)), target].tolist()
            hypotheses.append(Hypothesis(tuple(target), sum(of_target) / len(target), tuple(of_target), first + row))
    return sorted(hypotheses, key=lambda hypothesis: -hypothesis.score)
