"""Trie-constrained generation in the manner of transformers' `generate`."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import torch
from transformers.utils import ModelOutput

from ..types import Hypothesis
from .angel_bart import AngelBart


@dataclass
class AngelGenerateOutput(ModelOutput):
    """What `generate` returns with `return_dict_in_generate=True`; N = batch * num_return_sequences.

    Args:
        sequences: int64 [N, longest]: decoder start, prefix, name, end token, padding.
        sequences_scores: float32 [N]: mean log-probability of the target; -inf where there were fewer
            names than sequences asked for. With `output_scores=True`.
        token_logprobs: float32 [N, longest target], 0 after its end. With `output_scores=True`.
        name_indices: int64 [N], the entry of the knowledge base, or -1.
    """

    sequences: torch.Tensor | None = None
    sequences_scores: torch.Tensor | None = None
    token_logprobs: torch.Tensor | None = None
    name_indices: torch.Tensor | None = None


class BartWithTrieGeneration(AngelBart):
    """BART whose `generate` writes names of the trie; the search itself is the subclass's."""

    def search(
        self,
        encoder_ids: Sequence[Sequence[int]],
        prefix_ids: Sequence[Sequence[int]],
        num_beams: int = 10,
        batch_size: int = 32,
        length_penalty: float = 1.0,
    ) -> list[list[Hypothesis]]:
        """Hypotheses of each mention, best first; see AngelForEntityLinking."""
        raise TypeError(f"{type(self).__name__} has no search; use AngelForEntityLinking")

    @torch.no_grad()
    def generate(
        self,
        input_ids: torch.Tensor | None = None,
        attention_mask: torch.Tensor | None = None,
        decoder_input_ids: torch.Tensor | None = None,
        decoder_attention_mask: torch.Tensor | None = None,
        num_beams: int = 10,
        num_return_sequences: int = 1,
        length_penalty: float = 1.0,
        return_dict_in_generate: bool = False,
        output_scores: bool = False,
        constrained: bool = True,
        **kwargs: Any,
    ) -> Any:
        """Generate names under the trie; `processor(mentions)` makes the inputs.

        Args:
            input_ids: int64 [batch, source length].
            attention_mask: [batch, source length], 1 for tokens; all tokens if absent.
            decoder_input_ids: int64 [batch, prefix length], decoder start token and prefix.
            decoder_attention_mask: [batch, prefix length], 1 for tokens.
            num_beams, num_return_sequences, length_penalty, return_dict_in_generate, output_scores: as in
                transformers.
            constrained: False gives BART's own free generation, with transformers' options.

        Returns:
            int64 [batch * num_return_sequences, longest], or an AngelGenerateOutput.

        Raises:
            TypeError: an option that a constrained search does not have.
            ValueError: inputs are missing, or more sequences than beams are asked for.
        """
        if not constrained:
            given = {"decoder_input_ids": decoder_input_ids, "decoder_attention_mask": decoder_attention_mask}
            free: Any = super()  # transformers types its options one by one
            return free.generate(
                input_ids,
                attention_mask=attention_mask,
                num_beams=num_beams,
                num_return_sequences=num_return_sequences,
                length_penalty=length_penalty,
                return_dict_in_generate=return_dict_in_generate,
                output_scores=output_scores,
                **{name: value for name, value in given.items() if value is not None},
                **kwargs,
            )
        if kwargs:
            raise TypeError(
                f"constrained generation has no option {', '.join(kwargs)}; pass constrained=False for free generation"
            )
        if input_ids is None or decoder_input_ids is None:
            raise ValueError("expected input_ids and decoder_input_ids; model.processor(mentions) makes them")
        if not 1 <= num_return_sequences <= num_beams:
            raise ValueError(f"expected 1 <= num_return_sequences <= num_beams={num_beams}, got {num_return_sequences}")
        prefixes = _rows(decoder_input_ids, decoder_attention_mask)
        found = self.search(
            _rows(input_ids, attention_mask),
            [prefix[1:] for prefix in prefixes],
            num_beams,
            batch_size=max(1, len(prefixes)),
            length_penalty=length_penalty,
        )
        output = self._pad_output(prefixes, [row[:num_return_sequences] for row in found], num_return_sequences)
        if not output_scores:
            output = AngelGenerateOutput(sequences=output.sequences, name_indices=output.name_indices)
        return output if return_dict_in_generate else output.sequences

    def _pad_output(
        self, prefixes: list[list[int]], found: list[list[Hypothesis]], per_mention: int
    ) -> AngelGenerateOutput:
        nothing = Hypothesis(token_ids=(), score=float("-inf"), token_logprobs=(), name_index=-1)
        sequences, chosen = [], []
        for prefix, hypotheses in zip(prefixes, found):
            for hypothesis in hypotheses + [nothing] * (per_mention - len(hypotheses)):
                sequences.append(torch.tensor([*prefix, *hypothesis.token_ids]))
                chosen.append(hypothesis)
        logprobs = [torch.tensor(hypothesis.token_logprobs) for hypothesis in chosen]
        padded = torch.nn.utils.rnn.pad_sequence
        padding = self.config.pad_token_id
        assert padding is not None, "BART has a padding token"
        return AngelGenerateOutput(
            sequences=padded(sequences, batch_first=True, padding_value=padding).to(self.device),
            sequences_scores=torch.tensor([hypothesis.score for hypothesis in chosen], device=self.device),
            token_logprobs=padded(logprobs, batch_first=True).to(self.device),
            name_indices=torch.tensor([hypothesis.name_index for hypothesis in chosen], device=self.device),
        )


def _rows(ids: torch.Tensor, mask: torch.Tensor | None) -> list[list[int]]:
    """The unpadded rows of a padded batch."""
    if mask is None:
        return ids.tolist()
    return [row[kept].tolist() for row, kept in zip(ids, mask.bool())]
