"""Train angel-mini from scratch: vocabulary, pretraining on a knowledge base's names, fine-tuning on a corpus.

    torchrun --nproc-per-node 2 -m angel_hf.training.angel_mini --medic FILE --corpus-dir DIR --output DIR

A rerun with the same arguments goes on from the last checkpoint. Two processes of one thread each
(OMP_NUM_THREADS=1 OMP_WAIT_POLICY=passive) train faster than one of two threads. The finished model, in half
precision with its knowledge base and trie, is `DIR/angel-mini`.
"""

from __future__ import annotations

import argparse
import functools
import logging
from collections.abc import Callable
from pathlib import Path

import torch
from accelerate import PartialState
from datasets import Dataset
from transformers import AutoTokenizer, BartForConditionalGeneration, PreTrainedTokenizerBase

from angel_hf import AngelForEntityLinking, AngelProcessor, KnowledgeBase
from angel_hf.readers.medic import read_medic
from angel_hf.readers.pubtator import Document, read_pubtator
from angel_hf.training import examples
from angel_hf.training.small_bart import new_model
from angel_hf.training.stages import prepared, save_finished, train_stage
from angel_hf.training.vocabulary import train_tokenizer

NORMALIZATION = "lowercase-punctuation"
VOCABULARY_SIZE = 6000
MAX_SOURCE_LENGTH = 64
BATCH_SIZE = 32  # over all processes

# Neither the order of the pairs nor the rate depends on how many pairs there will be, so that pretraining
# can be cut short or prolonged.
PRETRAINING_PAIRS = 130_000
PRETRAINING = {
    "learning_rate": 1e-3,
    "warmup_steps": 200,
    "lr_scheduler_type": "inverse_sqrt",
    "lr_scheduler_kwargs": {"timescale": 1000},
    "save_steps": 250,
}
FINE_TUNING_PAIRS = 16_000
FINE_TUNING = {
    "learning_rate": 4e-4,
    "warmup_steps": 20,
    "lr_scheduler_type": "linear",
    "save_steps": 100,
}


def build_tokenizer(names: examples.ConceptNames, documents: list[Document]) -> PreTrainedTokenizerBase:
    """The vocabulary of the names and, twice, of the corpus, as the processor spells them."""
    texts = [f" {name}" for concept_names in names.names.values() for name in concept_names]
    texts += [" " + document.text.lower() for document in documents] * 2
    return train_tokenizer(texts, VOCABULARY_SIZE, ["START", "END", "is"])


def build_pretraining(
    names: examples.ConceptNames, documents: list[Document], processor: AngelProcessor, count: int, seed: int
) -> Dataset:
    """Encoded pretraining pairs, some in short contexts, in training order."""
    contexts = examples.corpus_contexts(documents, max_words=8)
    pairs = examples.pretraining_pairs(names, contexts, count, seed)
    return examples.group_by_length(examples.encode_pairs(pairs, processor), BATCH_SIZE, seed)


def build_fine_tuning(
    names: examples.ConceptNames, documents: list[Document], processor: AngelProcessor, count: int, seed: int
) -> Dataset:
    """Encoded corpus pairs, every other one replayed from the mixture that pretraining ends with."""
    contexts = examples.corpus_contexts(documents, max_words=8)
    replay = examples.pretraining_pairs(names, contexts, count, seed + 1, first_copies=examples.LAST_COPIES)
    pairs = examples.fine_tuning_pairs(examples.corpus_choices(documents, names), replay, count, seed)
    return examples.group_by_length(examples.encode_pairs(pairs, processor), BATCH_SIZE, seed)


def build_development(names: examples.ConceptNames, documents: list[Document], processor: AngelProcessor) -> Dataset:
    """Every sixth development mention with the nearest name of its first concept."""
    choices = examples.corpus_choices(documents, names, k=1)[::6]
    return examples.encode_pairs([examples.Pair(mention, targets[0][0]) for mention, targets in choices], processor)


def train(
    medic: Path, corpus_dir: Path, output: Path, seed: int, pretraining_pairs: int, fine_tuning_pairs: int
) -> None:
    """Run both stages, each from where it stopped, then write the model as it is shipped.

    Args:
        medic: MEDIC in the form `ID|ALT_ID||name|name...`.
        corpus_dir: holds NCBItrainset_corpus.txt, and NCBIdevelopset_corpus.txt, whose loss is logged.
        output: directory of data, checkpoints and models.
        seed: of weights, pairs and order.
        pretraining_pairs: number of pairs of the first stage.
        fine_tuning_pairs: number of pairs of the second.
    """
    PartialState(cpu=True)  # joins the other processes, if the launcher started several
    knowledge_base = KnowledgeBase.from_concepts(read_medic(medic), NORMALIZATION)
    names = examples.ConceptNames(knowledge_base)
    documents = list(read_pubtator(corpus_dir / "NCBItrainset_corpus.txt"))
    output.mkdir(parents=True, exist_ok=True)
    with PartialState().main_process_first():
        if not (output / "tokenizer").exists():
            build_tokenizer(names, documents).save_pretrained(output / "tokenizer")
    tokenizer = AutoTokenizer.from_pretrained(output / "tokenizer")
    processor = AngelProcessor(tokenizer, normalization=NORMALIZATION, max_source_length=MAX_SOURCE_LENGTH)
    held_out = list(read_pubtator(corpus_dir / "NCBIdevelopset_corpus.txt"))
    development = prepared(output / "development", lambda: build_development(names, held_out, processor))

    stages: list[tuple[str, Callable[..., Dataset], int, dict]] = [
        ("pretraining", build_pretraining, pretraining_pairs, PRETRAINING),
        ("fine-tuning", build_fine_tuning, fine_tuning_pairs, FINE_TUNING),
    ]
    model = new_model(tokenizer, seed)
    for stage, build, count, settings in stages:
        finished = output / stage / "finished"
        if finished.exists():
            model = BartForConditionalGeneration.from_pretrained(finished)
            continue
        pairs = functools.partial(build, names, documents, processor, count, seed)
        dataset = prepared(output / stage / "pairs", pairs)
        run = {"seed": seed, "per_device_train_batch_size": BATCH_SIZE // PartialState().num_processes}
        train_stage(stage, model, dataset, development, output / stage / "checkpoints", **run, **settings)
        save_finished(model, tokenizer, finished)
    if PartialState().is_main_process:
        write_shipped(output / "fine-tuning" / "finished", processor, knowledge_base, output / "angel-mini")


def write_shipped(weights: Path, processor: AngelProcessor, knowledge_base: KnowledgeBase, path: Path) -> None:
    """Write the weights of a plain BART directory in half precision, with processor, knowledge base and trie."""
    model = AngelForEntityLinking.from_pretrained(weights, dtype=torch.float16)
    model.set_processor(processor)
    model.set_knowledge_base(knowledge_base)
    model.save_pretrained(path)


def main(arguments: list[str] | None = None) -> None:
    """The command line."""
    parser = argparse.ArgumentParser(description="Train angel-mini from scratch.")
    parser.add_argument("--medic", type=Path, required=True, help="MEDIC, `ID|ALT_ID||name|name...`")
    parser.add_argument("--corpus-dir", type=Path, required=True, help="holds NCBI{train,develop}set_corpus.txt")
    parser.add_argument("--output", type=Path, required=True, help="directory of data, checkpoints and models")
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--pretraining-pairs", type=int, default=PRETRAINING_PAIRS)
    parser.add_argument("--fine-tuning-pairs", type=int, default=FINE_TUNING_PAIRS)
    options = parser.parse_args(arguments)
    logging.basicConfig(level=logging.INFO, format="%(asctime)s %(message)s")
    train(**vars(options))


if __name__ == "__main__":
    main()
