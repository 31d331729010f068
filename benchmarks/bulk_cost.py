"""What bulk linking costs: the whole way of angel-mini, and operations a second on a model of BART-large's shape."""

from __future__ import annotations

import dataclasses
import shlex
import sys
import tempfile
import time
from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

import pyarrow
import pyarrow.parquet
import torch
from torch import Tensor
from transformers import AutoTokenizer

from angel_hf import AngelConfig, AngelForEntityLinking, AngelProcessor, KnowledgeBase, Mention
from angel_hf.bulk import Job, Options, link_locally, start
from angel_hf.jobs.text_file import write_json
from benchmarks.counted_work import OperatorMode, count_work
from benchmarks.machine import Machine
from benchmarks.operations import Work, attention_operations, linear_operations

FORMAT = "angel-bulk-benchmark-1"
WINDOWS = {"128 tokens around the mention": 128, "the whole abstract, 1,024 tokens at most": 1024}
LARGE = {
    "d_model": 1024, "encoder_layers": 12, "decoder_layers": 12, "encoder_attention_heads": 16,
    "decoder_attention_heads": 16, "encoder_ffn_dim": 4096, "decoder_ffn_dim": 4096, "vocab_size": 50_265,
    "max_position_embeddings": 1024,
}  # fmt: skip
"""facebook/bart-large, the shape of the published models."""


@dataclass(frozen=True)
class WholeWay:
    """Parquet to Parquet.

    Attributes:
        documents: abstracts.
        characters: of an abstract, on average.
        mentions: linked.
        work: of a mention.
        cpu_seconds: of each repeat, without the model's loading.
        host_seconds: of a mention, without what products and torch's other operators take; of each repeat.
        output_bytes: of all shards.
    """

    documents: int
    characters: float
    mentions: int
    work: Work
    cpu_seconds: tuple[float, ...]
    host_seconds: tuple[float, ...]
    output_bytes: int


@dataclass(frozen=True)
class LargeShape:
    """A model of BART-large's shape.

    Attributes:
        parameters: how many.
        work: of a mention, for each window of context; rows of beams are those of angel-mini.
        operations: of a mention, for each window.
        mentions: linked to measure.
        operations_per_second: of a CPU second, of each repeat.
    """

    parameters: int
    work: dict[str, Work]
    operations: dict[str, float]
    mentions: int
    operations_per_second: tuple[float, ...]


def measure_whole_way(
    model: AngelForEntityLinking, texts: list[str], mentions: list[Mention], repeats: int
) -> WholeWay:
    """Link abstracts from Parquet to Parquet, mentions detected by name.

    Args:
        model: that links; its detector has been made before, which counts for nothing among millions of documents.
        texts: the abstracts.
        mentions: those that are detected in them.
        repeats: of the whole way.
    """
    with tempfile.TemporaryDirectory() as folder:
        source = Path(folder, "in.parquet")
        ids = [str(number) for number in range(len(texts))]
        pyarrow.parquet.write_table(pyarrow.table({"document_id": ids, "text": texts}), source)
        seconds = []
        for repeat in range(repeats):
            output = Path(folder, str(repeat))
            run = start(Job(str(source), str(output), Options(detect=True)), partial(_as_it_is, model))
            began = time.process_time()
            linked = sum(report.mentions for report in link_locally(run))
            seconds.append(time.process_time() - began)
        size = sum(path.stat().st_size for path in output.glob("linked/*"))
    return WholeWay(
        len(texts),
        sum(map(len, texts)) / len(texts),
        linked,
        work_of(model, mentions),
        tuple(seconds),
        host_seconds(model, mentions, repeats),
        size,
    )


def work_of(model: AngelForEntityLinking, mentions: list[Mention]) -> Work:
    """The work of the model for these mentions."""
    counted, count = count_work(lambda: model.link(mentions)), len(mentions)
    # The head reads the last row of a prefix and every row of a step.
    return Work(counted.encoder_tokens / count, counted.prefix_tokens / count, 1 + counted.decoder_rows / count)


def host_seconds(model: AngelForEntityLinking, mentions: list[Mention], repeats: int) -> tuple[float, ...]:
    """CPU seconds of a mention beside the products and torch's other operators: tokenizer, trie, beams, Python."""
    found = []
    for _ in range(repeats):
        began = time.process_time()
        model.link(mentions)
        whole = time.process_time() - began
        with OperatorTime() as operators:
            model.link(mentions)
        found.append((whole - operators.seconds) / len(mentions))
    return tuple(found)


class OperatorTime(OperatorMode):
    """CPU seconds of operators on this thread; by the thread's own clock, since other processes run too."""

    def __init__(self) -> None:
        super().__init__()
        self.seconds = 0.0

    def numpy_product(self, multiply: Callable[[], Tensor], rows: Tensor) -> Tensor:
        """The whole of it once, without torch's operators in it."""
        before, began = self.seconds, time.thread_time()
        result = multiply()
        self.seconds = before + time.thread_time() - began
        return result

    def __torch_dispatch__(self, func: Any, types: Any, args: Any = (), kwargs: Any = None) -> Any:
        began = time.thread_time()
        result = func(*args, **(kwargs or {}))
        self.seconds += time.thread_time() - began
        return result


def measure_large(reference: Path, mentions: list[Mention], beam_rows: float, count: int, repeats: int) -> LargeShape:
    """Operations a second on BART-large's shape, and what a mention costs there."""
    tokenizer = AutoTokenizer.from_pretrained(reference)
    torch.manual_seed(0)
    model = AngelForEntityLinking(AngelConfig(**LARGE)).eval()
    work = {}
    for name, most in WINDOWS.items():
        model.set_processor(AngelProcessor(tokenizer, max_source_length=most))
        assert model.processor is not None
        encoder_ids, prefix_ids = model.processor.encode_mentions(mentions)
        source, prefix = (sum(map(len, ids)) / len(mentions) for ids in (encoder_ids, prefix_ids))
        work[name] = Work(source, prefix + 1, beam_rows)
    model.set_processor(AngelProcessor(tokenizer, max_source_length=min(WINDOWS.values())))
    names = sorted({mention.surface for mention in mentions})
    model.set_knowledge_base(KnowledgeBase.from_names({str(number): [name] for number, name in enumerate(names)}))
    some = mentions[:count]
    done = _operations(model.config, work_of(model, some)) * count
    rates = []
    for _ in range(repeats):
        began = time.process_time()
        model.link(some)
        rates.append(done / (time.process_time() - began))
    operations = {name: _operations(model.config, one) for name, one in work.items()}
    return LargeShape(sum(one.numel() for one in model.parameters()), work, operations, count, tuple(rates))


def _operations(config: AngelConfig, work: Work) -> float:
    return linear_operations(config, work) + attention_operations(config, work)


def _as_it_is(model: AngelForEntityLinking) -> AngelForEntityLinking:
    return model


def write(path: Path, machine: Machine, corpus: str, whole_way: WholeWay, large: LargeShape) -> None:
    """Write the measurements as JSON, whole or not at all."""
    document = {
        "format": FORMAT,
        "command": shlex.join(["python", "-m", "benchmarks.bulk", *sys.argv[1:]]),
        "machine": dataclasses.asdict(machine),
        "corpus": corpus,
        "angel-mini": dataclasses.asdict(whole_way),
        "bart-large": dataclasses.asdict(large),
    }
    write_json(path, document)
