"""A new byte-level BPE vocabulary in the layout of BART's tokenizer."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from tokenizers import Tokenizer, decoders, models, pre_tokenizers, processors, trainers
from transformers import PreTrainedTokenizerFast

SPECIAL_TOKENS = ("<s>", "<pad>", "</s>", "<unk>", "<mask>")


def train_tokenizer(texts: Iterable[str], vocabulary_size: int, whole_words: Iterable[str]) -> PreTrainedTokenizerFast:
    """Train byte-level BPE on texts that are lowercased and normalised as the model will read them.

    Args:
        texts: names and sentences.
        vocabulary_size: number of ids, the five special ones and 256 bytes included.
        whole_words: words that must be one id each, with and without a leading space: the markers and the end of the
            prefix template.

    Raises:
        ValueError: the vocabulary is too small for a whole word to become one id.
    """
    tokenizer = Tokenizer(models.BPE(unk_token="<unk>"))
    tokenizer.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False)
    tokenizer.decoder = decoders.ByteLevel()
    trainer = trainers.BpeTrainer(
        vocab_size=vocabulary_size,
        special_tokens=list(SPECIAL_TOKENS),
        initial_alphabet=sorted(pre_tokenizers.ByteLevel.alphabet()),
        show_progress=False,
    )
    words = list(whole_words)
    tokenizer.train_from_iterator(_with_words(texts, words), trainer)
    # The trainer numbers the special tokens in their order.
    bos, eos = ("<s>", SPECIAL_TOKENS.index("<s>")), ("</s>", SPECIAL_TOKENS.index("</s>"))
    tokenizer.post_processor = processors.RobertaProcessing(eos, bos, trim_offsets=True, add_prefix_space=False)
    for word in words:
        for spelled in (word, " " + word):
            pieces = tokenizer.encode(spelled, add_special_tokens=False).tokens
            if len(pieces) != 1:
                raise ValueError(
                    f"{spelled!r} became {len(pieces)} ids {pieces} in a vocabulary of {vocabulary_size}; "
                    "expected one: train a larger vocabulary or on more text"
                )
    return PreTrainedTokenizerFast(
        tokenizer_object=tokenizer,
        bos_token="<s>",
        cls_token="<s>",
        pad_token="<pad>",
        eos_token="</s>",
        sep_token="</s>",
        unk_token="<unk>",
        mask_token="<mask>",
    )


def _with_words(texts: Iterable[str], words: list[str]) -> Iterator[str]:
    """Each text followed by every whole word, so that these are frequent and their merges come first."""
    for text in texts:
        yield text
        for word in words:
            yield f"{word} {word}"
