"""A pretrained encoder's word pieces without those that no text of the training data has."""

from __future__ import annotations

import json
from collections.abc import Iterable
from typing import Any

from tokenizers import Tokenizer, models, processors
from transformers import PreTrainedTokenizerBase, PreTrainedTokenizerFast

MARKERS = ("[START]", "[END]")
"""Tokens before and after a mention: special, so that no text spells them by chance."""
_SPECIAL = ("[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]")
_TEXTS_AT_ONCE = 10_000


def kept_word_pieces(
    tokenizer: PreTrainedTokenizerBase, texts: Iterable[str], template_words: str
) -> PreTrainedTokenizerFast:
    """The special tokens, the markers, the pieces that some texts use, and all single characters.

    The kept texts read as before: WordPiece takes the longest piece that fits, and what it took is still there.

    Args:
        tokenizer: of a BERT, with a fast implementation.
        texts: as the model will read them.
        template_words: words of the prefix template, kept whole.

    Raises:
        ValueError: the tokenizer is not WordPiece.
    """
    backend = getattr(tokenizer, "backend_tokenizer", None)
    state: dict[str, Any] = json.loads(backend.to_str()) if backend is not None else {"model": {"type": "none"}}
    if state["model"]["type"] != "WordPiece":
        raise ValueError(f"the encoder's tokenizer is {state['model']['type']}; expected BERT's WordPiece")
    vocabulary: dict[str, int] = state["model"]["vocab"]
    missing = [token for token in _SPECIAL if token not in vocabulary]
    if missing:
        raise ValueError(f"the encoder's vocabulary has no {', '.join(missing)}; expected BERT's special tokens")
    used = _used_ids(tokenizer, texts) | set(tokenizer(template_words, add_special_tokens=False)["input_ids"])
    pieces = [
        piece
        for piece, index in sorted(vocabulary.items(), key=lambda item: item[1])
        if piece not in _SPECIAL and (index in used or len(piece.removeprefix("##")) == 1)
    ]
    tokens = [*_SPECIAL, *MARKERS, *pieces]
    state["model"]["vocab"] = {token: index for index, token in enumerate(tokens)}
    state["added_tokens"], state["post_processor"], state["truncation"], state["padding"] = [], None, None, None
    small = Tokenizer.from_str(json.dumps(state))
    assert isinstance(small.model, models.WordPiece)
    ends = [(token, tokens.index(token)) for token in ("[CLS]", "[SEP]")]
    small.post_processor = processors.TemplateProcessing(single="[CLS] $A [SEP]", special_tokens=ends)
    return _wrapped(small)


def original_ids(tokenizer: PreTrainedTokenizerBase, original: PreTrainedTokenizerBase) -> list[int]:
    """For each id of the kept pieces the id that the piece had; for a marker that of the unknown token."""
    tokens = tokenizer.convert_ids_to_tokens(list(range(len(tokenizer))))
    vocabulary = original.get_vocab()
    return [vocabulary.get(token, vocabulary["[UNK]"]) for token in tokens]


def _used_ids(tokenizer: PreTrainedTokenizerBase, texts: Iterable[str]) -> set[int]:
    used: set[int] = set()
    batch: list[str] = []
    for text in texts:
        batch.append(text)
        if len(batch) == _TEXTS_AT_ONCE:
            used.update(*tokenizer(batch, add_special_tokens=False, verbose=False)["input_ids"])
            batch.clear()
    if batch:
        used.update(*tokenizer(batch, add_special_tokens=False, verbose=False)["input_ids"])
    return used


def _wrapped(tokenizer: Tokenizer) -> PreTrainedTokenizerFast:
    return PreTrainedTokenizerFast(
        tokenizer_object=tokenizer,
        bos_token="[CLS]",
        cls_token="[CLS]",
        pad_token="[PAD]",
        eos_token="[SEP]",
        sep_token="[SEP]",
        unk_token="[UNK]",
        mask_token="[MASK]",
        additional_special_tokens=list(MARKERS),
    )
