"""What linking a mention costs in floating-point operations, from the shape of a BART and the lengths of its texts."""

from __future__ import annotations

from dataclasses import dataclass

from transformers import BartConfig


@dataclass(frozen=True)
class Work:
    """The work of the model for a mention, on average.

    Attributes:
        source_tokens: read by the encoder.
        prefix_tokens: given to the decoder, its start token included.
        beam_rows: beams that a next token was computed for, over all steps of the search.
    """

    source_tokens: float
    prefix_tokens: float
    beam_rows: float


def linear_operations(config: BartConfig, work: Work) -> float:
    """Operations of the linear maps, two for each multiplication with its addition.

    With width d, feed-forward width f and vocabulary V, a row costs 8d^2 + 4df in an encoder layer, 12d^2 + 4df in a
    decoder layer, 4d^2 a decoder layer for its keys and values where it is source, and 2dV for the next token.
    """
    width, source, rows = config.d_model, work.source_tokens, work.beam_rows
    encoder = source * (8 * width**2 + 4 * width * config.encoder_ffn_dim) * config.encoder_layers
    cross = source * 4 * width**2 * config.decoder_layers
    # The first row of the beams is the last of the prefix.
    decoded = work.prefix_tokens + rows - 1
    decoder = decoded * (12 * width**2 + 4 * width * config.decoder_ffn_dim) * config.decoder_layers
    return encoder + cross + decoder + rows * 2 * width * config.vocab_size


def attention_operations(config: BartConfig, work: Work) -> float:
    """Operations of attention itself, 4d for each pair of a query and a source token; the beams' own past left out."""
    decoded = work.prefix_tokens + work.beam_rows - 1
    encoder = 4 * config.d_model * work.source_tokens**2 * config.encoder_layers
    return encoder + 4 * config.d_model * decoded * work.source_tokens * config.decoder_layers
