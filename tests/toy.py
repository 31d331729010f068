"""A small world that can be checked by hand: concepts, tokenizers whose ids are listed here, random models."""

from collections.abc import Sequence
from typing import Any, Literal

import torch
from tokenizers import Tokenizer, decoders, models, pre_tokenizers
from transformers import PreTrainedTokenizerFast

from angel_hf import AngelConfig, AngelForEntityLinking, AngelProcessor, Concept, Hypothesis, Mention
from angel_hf.model import modeling_angel as portable
from angel_hf.search import BeamSearch
from angel_hf.types import Question

SPECIAL = ("<s>", "<pad>", "</s>", "<unk>")

CONCEPTS = [
    Concept("D001260", ("Ataxia Telangiectasia", "Louis-Bar", "A-T"), ("OMIM:208900",), ("T047",), ("D001259",)),
    Concept("D001259", ("Ataxia", "Incoordination"), ("OMIM:1", "OMIM:2"), ("T184", "T047")),
    Concept("X1", ("louis bar", "A-T", "Maladie de Louis–Bar")),
]


# Text as ids

WORDS = ("is", "START", "END", "the", "old", "gene", "ataxia", "wilson", "disease", "fever", "q", "of", "a", "t")
"""Each is one id with a space before it: " is" is 4, " START" is 5 and so on."""


def byte_tokenizer(words: Sequence[str] = WORDS) -> PreTrainedTokenizerFast:
    """BART's special tokens, words, and then all bytes: any other word is its letters, and nothing is unknown."""
    letters = sorted(pre_tokenizers.ByteLevel.alphabet())
    vocabulary = [*SPECIAL, *(f"Ġ{word}" for word in words), *letters]
    ids = {token: token_id for token_id, token in enumerate(vocabulary)}
    tokenizer = Tokenizer(models.BPE(ids, merges=[], ignore_merges=True))
    tokenizer.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False)
    tokenizer.decoder = decoders.ByteLevel()
    return _wrapped(tokenizer)


def word_tokenizer() -> PreTrainedTokenizerFast:
    """SPECIAL and WORDS, by the same ids; any other word is the unknown token 3, so that names become alike."""
    ids = {token: token_id for token_id, token in enumerate([*SPECIAL, *WORDS])}
    tokenizer = Tokenizer(models.WordLevel(ids, unk_token="<unk>"))
    tokenizer.pre_tokenizer = pre_tokenizers.WhitespaceSplit()
    return _wrapped(tokenizer)


def _wrapped(tokenizer: Tokenizer) -> PreTrainedTokenizerFast:
    return PreTrainedTokenizerFast(
        tokenizer_object=tokenizer, bos_token="<s>", pad_token="<pad>", eos_token="</s>", unk_token="<unk>"
    )


def mention(marked: str) -> Mention:
    """The mention between brackets: "the [ataxia] gene"."""
    before, _, rest = marked.partition("[")
    surface, _, after = rest.partition("]")
    return Mention(before + surface + after, len(before), len(before) + len(surface))


# Models

SMALL = {
    "d_model": 16, "encoder_layers": 1, "decoder_layers": 2, "encoder_attention_heads": 2,
    "decoder_attention_heads": 2, "encoder_ffn_dim": 16, "decoder_ffn_dim": 16, "max_position_embeddings": 64,
    "init_std": 0.5, "dropout": 0.0,
}  # fmt: skip
"""A BART of a few thousand parameters whose distributions are far from flat."""


def random_model(tokenizer: PreTrainedTokenizerFast, seed: int = 0, **config: Any) -> AngelForEntityLinking:
    """A model without knowledge base, its processor on; with the same seed the same weights."""
    torch.manual_seed(seed)
    model = AngelForEntityLinking(AngelConfig(**SMALL | {"vocab_size": len(tokenizer)} | config)).eval()
    model.set_processor(AngelProcessor(tokenizer, max_source_length=model.config.max_position_embeddings))
    return model


# Searching on ids


def find_names(
    model: AngelForEntityLinking,
    encoder_ids: Sequence[Sequence[int]],
    prefix_ids: Sequence[Sequence[int]],
    num_beams: int = 10,
    top_k: int | None = None,
    batch_size: int = 32,
    length_penalty: float = 1.0,
    engine: Literal["packed", "plain"] = "packed",
) -> list[Sequence[Hypothesis]]:
    """What the beam search finds for each mention; prefixes come without the decoder's start token.

    The plain engine is that of the portable model.
    """
    search = BeamSearch(num_beams, length_penalty)
    answer = AngelForEntityLinking.answer if engine == "packed" else portable.AngelForEntityLinking.answer
    return answer(model, questions(model, encoder_ids, prefix_ids), search, top_k or num_beams, batch_size)


def questions(
    model: AngelForEntityLinking, encoder_ids: Sequence[Sequence[int]], prefix_ids: Sequence[Sequence[int]]
) -> list[Question]:
    """What a search reads, the decoder's start token put before each prefix."""
    start = model.config.decoder_start_token_id
    return [Question(source, [start, *prefix]) for source, prefix in zip(encoder_ids, prefix_ids, strict=True)]
