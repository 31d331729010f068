"""`python -m benchmarks.bulk --output results/bulk.json`: what bulk linking costs, on one thread.

Measures angel-mini from Parquet to Parquet with detection, in CPU seconds, and the host's share of it; and the
operations a second of a core on a model of BART-large's shape, from which `python -m benchmarks.plan` computes its
costs. The large model has random weights: its answers mean nothing, its cost an operation does.
"""

from __future__ import annotations

import argparse
import os
import statistics
from itertools import islice
from pathlib import Path

for variable in ("OMP_NUM_THREADS", "MKL_NUM_THREADS"):
    os.environ[variable] = "1"
for variable in ("HF_HUB_OFFLINE", "TRANSFORMERS_OFFLINE"):
    os.environ[variable] = "1"
os.environ["TOKENIZERS_PARALLELISM"] = "false"


def main() -> None:
    """The command line."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.bulk", description=__doc__.splitlines()[0])
    parser.add_argument("--output", type=Path, required=True, help="JSON")
    parser.add_argument("--model", default="angel-mini", help="embedded model or folder")
    parser.add_argument("--documents", type=int, default=200, help="abstracts of the NCBI-disease corpus")
    parser.add_argument("--large-mentions", type=int, default=16, help="mentions linked by the large shape")
    parser.add_argument("--repeats", type=int, default=3)
    options = parser.parse_args()
    # Late, so that torch starts with one thread.
    import torch
    from transformers.utils import logging

    from angel_hf import AngelForEntityLinking
    from angel_hf.annotation.annotator import Annotator
    from angel_hf.formats.pubtator import read_pubtator
    from benchmarks.bulk_cost import measure_large, measure_whole_way, write
    from benchmarks.data import SAMPLE, find_data
    from benchmarks.machine import this_machine

    torch.set_num_threads(1)
    logging.disable_progress_bar()
    data = find_data()
    folder = data.root / "data" / "ncbi_disease"
    folder = folder if folder.is_dir() else SAMPLE / "data" / "ncbi_disease"
    files = sorted(folder.glob("NCBI*set_corpus.txt"), key=lambda file: ("test" not in file.name, file.name))
    documents = (document for file in files for document in read_pubtator(file))
    texts = [document.text for document in islice(documents, options.documents)]
    machine = this_machine()
    model = AngelForEntityLinking.from_pretrained(options.model).eval()
    mentions = [mention for of_text in Annotator(model).detector.detect(texts) for mention in of_text]
    whole_way = measure_whole_way(model, texts, mentions, options.repeats)
    large = measure_large(data.reference, mentions, whole_way.work.beam_rows, options.large_mentions, options.repeats)
    corpus = f"{len(texts)} abstracts of the NCBI-disease corpus{'' if data.has_reference else ' (SAMPLE)'}"
    write(options.output, machine, corpus, whole_way, large)
    host = statistics.median(whole_way.host_seconds)
    rate = whole_way.mentions / statistics.median(whole_way.cpu_seconds)
    print(f"angel-mini, Parquet to Parquet: {rate:.1f} mentions a CPU second, host {1e3 * host:.2f} ms")
    per_second = statistics.median(large.operations_per_second)
    print(f"bart-large's shape: {per_second / 1e9:.1f} billion operations a CPU second")


if __name__ == "__main__":
    main()
