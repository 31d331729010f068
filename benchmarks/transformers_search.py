"""The same search by transformers' own `generate` with `prefix_allowed_tokens_fn`, at its best.

What a careful user would do, so that the comparison is fair:
- mentions with prefixes of one length go together, so that the decoder needs no padding, in order of their sources'
  lengths, so that the encoder needs little; a group is cut into batches of equal size, not into full ones and a rest;
- the root's thousands of children, looked up once a beam, are turned into a tensor once;
- and, where `longest_name` is given, its options are tuned. Generation is bounded by the longest name, since `generate`
  keeps arrays of the whole length that is allowed; and it stops when every mention has as many names as beams
  (`early_stopping=True`), as the published search does, where the default continues while a better name may come.

Scores are the mean log-probability of the tokens after the prefix, end token included, as ours are. The pruning
differs: `generate` looks at twice as many candidates as beams at each step, keeps a full beam beside the finished
names, and with early stopping counts names that ended at too low a rank as finished, with a score of a negative billion
by their length; so it takes fewer steps than the published search, and may return fewer names.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Literal

import torch
from torch.nn.utils.rnn import pad_sequence
from transformers import BartForConditionalGeneration, GenerationConfig

from benchmarks.nested_dict import Node

# Far below any mean log-probability, far above what `generate` gives to ruled-out names.
_LEAST_SCORE = -1e5


@dataclass(frozen=True)
class Generated:
    """One name that `generate` returned.

    Attributes:
        token_ids: the tokens after the prefix, end token included.
        score: their mean log-probability; None unless requested.
    """

    token_ids: tuple[int, ...]
    score: float | None


class TransformersSearch:
    """Constrained beam search as transformers offers it.

    Args:
        model: plain BART.
        trie: the names, from `build_nested_dict` with the model's end token.
        longest_name: most tokens of a name, end token not counted; None for options that are not tuned.
    """

    def __init__(self, model: BartForConditionalGeneration, trie: Node, longest_name: int | None = None) -> None:
        self.model = model
        self.trie = trie
        self.longest_name = longest_name
        self.early_stopping: bool | Literal["never"] = longest_name is not None
        self.first_token_ids = torch.tensor(list(trie))
        self.start: int = model.config.decoder_start_token_id
        self.end: int = model.config.eos_token_id
        self.padding: int = model.config.pad_token_id

    @torch.inference_mode()
    def search(
        self,
        encoder_ids: Sequence[Sequence[int]],
        prefix_ids: Sequence[Sequence[int]],
        num_beams: int = 10,
        batch_size: int = 16,
        with_scores: bool = False,
    ) -> list[list[Generated]]:
        """As the published search of `find_names`.

        Args:
            encoder_ids, prefix_ids, num_beams, batch_size: as there.
            with_scores: return scores, and leave out names that ended at too low a rank, known by them. It costs
                time, since `generate` then keeps all scores of all steps.

        Returns:
            For each mention, in the order given, at most `num_beams` names, best first.
        """
        found: list[list[Generated]] = [[] for _ in encoder_ids]
        for batch in batches_of_equal_prefix_length(encoder_ids, prefix_ids, batch_size):
            names = self._search_batch(
                [encoder_ids[row] for row in batch], [prefix_ids[row] for row in batch], num_beams, with_scores
            )
            for row, own in zip(batch, names):
                found[row] = own
        return found

    def _search_batch(
        self,
        encoder_ids: list[Sequence[int]],
        prefix_ids: list[Sequence[int]],
        num_beams: int,
        with_scores: bool,
    ) -> list[list[Generated]]:
        sources = [torch.tensor(ids) for ids in encoder_ids]
        lengths = torch.tensor([len(ids) for ids in encoder_ids])
        start_length = 1 + len(prefix_ids[0])
        longest = self.model.config.max_position_embeddings
        if self.longest_name is not None:
            longest = min(longest, start_length + self.longest_name + 1)
        options = GenerationConfig(
            decoder_start_token_id=self.start,
            eos_token_id=self.end,
            pad_token_id=self.padding,
            num_beams=num_beams,
            num_return_sequences=num_beams,
            max_length=longest,
            length_penalty=1.0,
            early_stopping=self.early_stopping,
            return_dict_in_generate=True,
            output_scores=with_scores,
        )
        output = self.model.generate(
            pad_sequence(sources, batch_first=True, padding_value=self.padding),
            attention_mask=(torch.arange(int(lengths.max())) < lengths[:, None]).long(),
            decoder_input_ids=torch.tensor([[self.start, *ids] for ids in prefix_ids]),
            generation_config=options,
            prefix_allowed_tokens_fn=self._allowed_after(start_length),
        )
        targets = output.sequences[:, start_length:].tolist()
        scores = output.sequences_scores.tolist() if with_scores else [None] * len(targets)
        names = [self._generated(target, score) for target, score in zip(targets, scores)]
        return [
            [name for name in names[first : first + num_beams] if name is not None]
            for first in range(0, len(names), num_beams)
        ]

    def _allowed_after(self, start_length: int) -> Callable[[int, torch.Tensor], list[int] | torch.Tensor]:
        """The function that `generate` calls for every beam at every step."""

        def allowed(batch_row: int, token_ids: torch.Tensor) -> list[int] | torch.Tensor:
            target = token_ids[start_length:].tolist()
            if not target:
                return self.first_token_ids
            node = self.trie
            for token_id in target:
                node = node.get(token_id)  # type: ignore[assignment]
                if type(node) is not dict:
                    # A beam of probability zero, there because a mention has fewer continuations than beams.
                    return [self.end]
            return list(node)

        return allowed

    def _generated(self, target: list[int], score: float | None) -> Generated | None:
        """A name without its padding, or None for a row that only fills a place."""
        if self.end not in target or (score is not None and score < _LEAST_SCORE):
            return None
        return Generated(tuple(target[: target.index(self.end) + 1]), score)


def batches_of_equal_prefix_length(
    encoder_ids: Sequence[Sequence[int]], prefix_ids: Sequence[Sequence[int]], batch_size: int
) -> list[list[int]]:
    """Rows in batches of at most `batch_size`, those of a batch with prefixes of one length and like sources."""
    groups: dict[int, list[int]] = {}
    for row in sorted(range(len(encoder_ids)), key=lambda row: len(encoder_ids[row])):
        groups.setdefault(len(prefix_ids[row]), []).append(row)
    batches = []
    for rows in groups.values():
        count = -(-len(rows) // batch_size)
        bounds = [len(rows) * number // count for number in range(count + 1)]
        batches += [rows[first:last] for first, last in zip(bounds, bounds[1:])]
    return batches
